"""Givens rotations in a format: NumPy's float32 bit for bit, mpmath, and the statistics of arXiv:2211.04010.

``python tests/python/test_formats_emulated_givens.py`` measures the errors of every method on 2^21 real and
2^20 complex pairs of normal deviates and records them in tests/data/formats_givens.json.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from mpmath import mp, mpc, mpf

RECORD = Path(__file__).parents[1] / "data/formats_givens.json"
# Mean errors in units of 2^-24 of c^2 + |s|^2 - 1, c, s, r: real normal and complex uniform deviates.
PUBLISHED = {
    "real lapack_3_10": (1.177, 0.623, 0.624, 0.420),
    "real paper": (0.949, 0.518, 0.518, 0.420),
    "complex lapack_3_9": (0.965, 0.560, 1.030, 0.603),
    "complex lapack_3_10": (1.310, 0.660, 0.947, 0.789),
    "complex paper": (0.916, 0.448, 0.880, 0.597),
}
QUANTITIES = ("c^2+|s|^2-1", "c", "s", "r")


def statistics(
    name: str, kind: str, method: str, count: int, *, uniform: bool = False
) -> list[tuple[float, float]]:
    """Mean and largest error of each quantity in units of 2^-p, against extended precision."""
    rng = np.random.default_rng(0)
    f = ff.get(name)

    def draw() -> np.ndarray:
        x = rng.uniform(-1, 1, (2, count)) if uniform else rng.normal(size=(2, count))
        x = ff.round_to(x, f)
        return x[0] + 1j * x[1] if kind == "complex" else x[0]

    x, y = draw(), draw()
    if kind == "real":
        keep = (x != 0) & (y != 0)
        x, y = x[keep], y[keep]
    c, s, r = (v.astype(np.clongdouble) for v in ff.givens(x, y, context=name, method=method))
    x, y = x.astype(np.clongdouble), y.astype(np.clongdouble)
    modulus = np.sqrt(np.abs(x) ** 2 + np.abs(y) ** 2)
    sign = x / np.abs(x)
    exact = np.abs(x) / modulus, sign * np.conj(y) / modulus, sign * modulus
    errors = [
        np.abs(c.real**2 + np.abs(s) ** 2 - 1),
        *(np.abs(got - want) / np.abs(want) for got, want in zip((c, s, r), exact, strict=True)),
    ]
    return [(float(np.mean(e) / f.unit_roundoff), float(np.max(e) / f.unit_roundoff)) for e in errors]


def check_published(row: str, real: int, tolerance: float) -> None:
    kind, method = row.split()
    measured = statistics(
        "float32", kind, method, real if kind == "real" else real // 2, uniform=kind == "complex"
    )
    for (mean, _), published in zip(measured, PUBLISHED[row], strict=True):
        assert abs(mean - published) < tolerance


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_statistics(row: str) -> None:
    check_published(row, 1 << 16, 0.015)


@pytest.mark.slow
@pytest.mark.parametrize("row", PUBLISHED)
def test_published_statistics_in_full(row: str) -> None:
    check_published(row, 1 << 21, 0.004)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_one_division_an_entry_is_better_in_short_formats_too(name: str, kind: str) -> None:
    paper, older = (statistics(name, kind, method, 1 << 14) for method in ("paper", "lapack_3_10"))
    assert paper[0][0] < older[0][0]
    assert paper[1][0] < older[1][0]
    if kind == "real":
        assert paper[2][0] < older[2][0]


def test_the_record_is_right_and_shown() -> None:
    record = json.loads(RECORD.read_text())
    page = (Path(__file__).parents[2] / "docs/emulating.md").read_text()
    for row, published in PUBLISHED.items():
        means = [record["float32"][row][quantity][0] for quantity in QUANTITIES]
        if row.startswith("real"):
            np.testing.assert_allclose(means, published, atol=0.003)
        assert " | ".join(f"{mean:.3f}" for mean in means) in page
    for name in ("float16", "bfloat16"):
        for kind in ("real", "complex"):
            paper, older = (record[name][f"{kind} {method}"] for method in ("paper", "lapack_3_10"))
            assert paper["c"][0] < older["c"][0]
            assert paper[QUANTITIES[0]][0] < older[QUANTITIES[0]][0]


def test_float32_is_numpy_bit_for_bit() -> None:
    rng = np.random.default_rng(1)
    f, g = rng.normal(size=(2, 5000)).astype(np.float32)
    c, s, r = ff.givens(f, g, context="float32")
    d = np.sqrt(f * f + g * g)
    np.testing.assert_array_equal(c, np.abs(f) / d)
    np.testing.assert_array_equal(r, np.copysign(d, f))
    np.testing.assert_array_equal(s, g / np.copysign(d, f))
    assert c.dtype == s.dtype == r.dtype == np.float32
    p = np.float32(1) / d
    c, s, r = ff.givens(f, g, context="float32", method="lapack_3_10")
    np.testing.assert_array_equal(c, np.abs(f) * p)
    np.testing.assert_array_equal(s, g * np.copysign(p, f))
    # Complex, both parts written out.
    (fr, fi), (gr, gi) = rng.normal(size=(2, 2, 5000)).astype(np.float32)
    c, s, r = ff.givens(fr + 1j * fi, gr + 1j * gi, context="float32")
    f2, g2 = fr * fr + fi * fi, gr * gr + gi * gi
    h2 = f2 + g2
    want = np.sqrt(f2 / h2)
    np.testing.assert_array_equal(c, want)
    np.testing.assert_array_equal(r.real, fr / want)
    np.testing.assert_array_equal(r.imag, fi / want)
    d = np.sqrt(f2 * h2)
    a, b = fr / d, fi / d
    np.testing.assert_array_equal(s.real, gr * a + gi * b)
    np.testing.assert_array_equal(s.imag, gr * b - gi * a)
    assert s.dtype == r.dtype == np.complex64


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (1e-310, 1e-300),
        (1e300, 1e-10),
        (1.5e308, 1.5e308),
        (1 + 2j, 3 - 1j),
        (1e-200 + 1e-180j, -3j),
        (-5.0, 2.0),
    ],
)
def test_against_mpmath(f: complex, g: complex) -> None:
    c, s, r = ff.givens(f, g, context="float64")
    with mp.workdps(60):
        x, y = mpc(f), mpc(g)
        d = mp.sqrt(abs(x) ** 2 + abs(y) ** 2)
        sign = x / abs(x)
        want = abs(x) / d, sign * mp.conj(y) / d, sign * d
        for got, exact in zip((c, s, r), want, strict=True):
            value = complex(got)
            if abs(exact) > mpf(2) ** 1023:
                assert math.isinf(value.real)
                continue
            # What underflows keeps an absolute error.
            assert abs(mpc(value) - exact) <= 6 * mpf(2) ** -53 * abs(exact) + mpf(2) ** -1074


def test_ranges_of_short_formats() -> None:
    """Squares beyond float16 are scaled; only r overflows."""
    c, s, r = ff.givens([60000.0, 60000.0, 6e-8], [10000.0, 60000.0, 6e-8], context="float16")
    np.testing.assert_allclose(c, [0.9864, 0.7071, 0.7071], rtol=2e-3)
    np.testing.assert_allclose(s, [0.1644, 0.7071, 0.7071], rtol=2e-3)
    assert r.tolist()[0] == 60832.0
    assert r[1] == math.inf
    assert r[2] == 2.0**-24 * round(math.sqrt(2))
    f8 = ff.givens([3.0, 0.0, 2.0], [4.0, -1.5, 0.0], context="float8_e4m3fn")
    assert [v.tolist() for v in f8] == [[0.625, 0.0, 1.0], [0.8125, -1.0, 0.0], [5.0, 1.5, 2.0]]


def test_shapes_contexts_and_bad_arguments() -> None:
    x = ff.emulated([[1.0], [2.0]], "bfloat16")
    c, s, r = ff.givens(x, [1.0, 2.0, 0.0])
    assert c.shape == s.shape == r.shape == (2, 3)
    assert c.dtype == np.float32
    assert ff.givens(1.0, 2.0, context="float64")[0].shape == ()
    assert ff.givens(np.empty(0), np.empty(0), context="float16")[0].shape == (0,)
    context = ff.Context("bfloat16", rounding="stochastic", seed=1)
    first = ff.givens(np.ones(200), np.full(200, 2.0), context=context)[0]
    assert len(np.unique(first)) > 1
    again = ff.givens(
        np.ones(200), np.full(200, 2.0), context=ff.Context("bfloat16", rounding="stochastic", seed=1)
    )
    np.testing.assert_array_equal(first, again[0])
    with pytest.raises(TypeError, match=r"formats\.givens: context must be given"):
        ff.givens(1.0, 2.0)
    with pytest.raises(TypeError, match="g must be of format 'float16', got 'bfloat16'"):
        ff.givens(1.0, x, context="float16")
    with pytest.raises(ArgumentError, match="method must be one of 'paper'"):
        ff.givens(1.0, x, method="fast")
    with pytest.raises(ArgumentError, match=r"f and g must broadcast, got shapes \(2,\) and \(3,\)"):
        ff.givens(np.ones(2), np.ones(3), context="float16")


def main() -> None:
    record: dict[str, Any] = {}
    for name in ("float32", "float16", "bfloat16"):
        record[name] = {}
        for row in PUBLISHED:
            kind, method = row.split()
            if method == "lapack_3_9" and name == "float16":
                continue  # |g|^2 / |f|^2 leaves the format
            measured = statistics(name, kind, method, 1 << (21 if kind == "real" else 20))
            record[name][row] = {
                quantity: [round(mean, 4), round(largest, 3)]
                for quantity, (mean, largest) in zip(QUANTITIES, measured, strict=True)
            }
            print(name, row, record[name][row], flush=True)
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
