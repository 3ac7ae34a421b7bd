"""Emulated linear algebra against loops in NumPy float16 and ml_dtypes bfloat16, published tables, and the
behaviour of refinement."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError

HILBERT = 1 / (np.arange(4)[:, None] + np.arange(4) + 1)


def hex_rows(x: ff.EmulatedArray) -> list[list[str]]:
    return [[f"{code:04x}" for code in row] for row in ff.encode(x.values, x.format)]


def rank_one_updates(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    with np.errstate(all="ignore"):
        for k in range(a.shape[1]):
            c = c + a[:, k : k + 1] * b[k : k + 1]
    return c


@pytest.mark.parametrize("scale", [1.0, 30.0])  # the second overflows in places
def test_gemm_equals_numpy_float16(scale: float) -> None:
    rng = np.random.default_rng(0)
    a = (scale * rng.normal(size=(65, 300))).astype(np.float16)
    b = (scale * rng.normal(size=(300, 70))).astype(np.float16)
    got = ff.matmul(ff.emulated(a, "float16"), ff.emulated(b, "float16"), threads=2)
    np.testing.assert_array_equal(got.values, rank_one_updates(a, b).astype(np.float32))
    start = rng.normal(size=(65, 70)).astype(np.float16)
    got = ff.matmul(ff.emulated(a, "float16"), ff.emulated(b, "float16"), c=ff.emulated(start, "float16"))
    c = start
    with np.errstate(all="ignore"):
        for k in range(300):
            c = c + a[:, k : k + 1] * b[k : k + 1]
    np.testing.assert_array_equal(got.values, c.astype(np.float32))


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_gemm_equals_ml_dtypes(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = np.random.default_rng(1)
    kind = getattr(ml_dtypes, name)
    a, b = rng.normal(size=(33, 100)).astype(kind), rng.normal(size=(100, 37)).astype(kind)
    got = ff.emulated(a, name) @ ff.emulated(b, name)
    np.testing.assert_array_equal(got.values, rank_one_updates(a, b).astype(np.float32))


def test_lu_of_the_hilbert_matrix() -> None:
    factors, permutation = ff.lu(ff.emulated(HILBERT, "float16"))
    assert permutation.tolist() == [0, 2, 1, 3]
    assert hex_rows(factors) == [
        ["3c00", "3800", "3555", "3400"],
        ["3555", "2d56", "2db0", "2d55"],
        ["3800", "3bfd", "9d80", "a038"],
        ["3400", "3b31", "b917", "0a40"],
    ]
    factors, permutation = ff.lu(ff.emulated(HILBERT, "bfloat16"))
    assert permutation.tolist() == [0, 1, 3, 2]
    assert hex_rows(factors) == [
        ["3f80", "3f00", "3eab", "3e80"],
        ["3f00", "3dac", "3daa", "3d9a"],
        ["3e80", "3f65", "3c18", "3c50"],
        ["3eab", "3f7d", "3f3d", "b900"],
    ]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("float16", "3c3e | 378b 37c6 | 3507 32b7 36d4 | 338b 31d9 3011 3675"),
        ("bfloat16", "3f88 | 3ef1 3ef9 | 3ea1 3e56 3eda | 3e71 3e3c 3e03 3ece"),
    ],
)
def test_cholesky_of_the_hilbert_matrix(name: str, rows: str) -> None:
    a = ff.emulated(HILBERT, name) + ff.emulated(np.eye(4) / 8, name)
    got = hex_rows(ff.cholesky(a))
    assert [row[: i + 1] for i, row in enumerate(got)] == [row.split() for row in rows.split("|")]


def chained(x: list[float], y: list[float], accumulate: str, **how: Any) -> float:
    """A dot product by the definition, every sum a rational."""
    f, accumulator = ff.get("float16"), ff.get(how.get("accumulator", "float32"))

    def to(value: Fraction, target: ff.FloatFormat) -> float:
        # The tests use values whose sums a float64 holds: no double rounding.
        exact = float(value)
        assert Fraction(exact) == value
        return float(ff.round_to(exact, target))

    products = [Fraction(a) * Fraction(b) for a, b in zip(x, y, strict=True)]
    total = Fraction(0)
    if accumulate == "exact":
        return to(sum(products, Fraction(0)), f)
    if accumulate == "block":
        size = how["block_size"]
        for i in range(0, len(products), size):
            total = Fraction(to(total + sum(products[i : i + size]), accumulator))
        return to(total, f)
    for product in products:
        if accumulate == "per_op":
            total = Fraction(to(total + Fraction(to(product, f)), f))
        else:
            total = Fraction(to(total + product, f if accumulate == "fma" else accumulator))
    return to(total, f)


@pytest.mark.parametrize("accumulate", ["per_op", "fma", "block", "wide", "exact"])
def test_accumulation(accumulate: str) -> None:
    rng = np.random.default_rng(2)
    how: dict[str, Any] = {"block_size": 5, "accumulator": "tf32"} if accumulate in ("block", "wide") else {}
    context = ff.Context("float16", accumulate=accumulate, **how)
    x, y = (ff.emulated(rng.normal(size=(6, 41)), context) for _ in range(2))
    got = (x @ y.T).values
    want = [[chained(p.tolist(), q.tolist(), accumulate, **how) for q in y.values] for p in x.values]
    np.testing.assert_array_equal(got, want)


def in_pairs(terms: list[Any]) -> Any:
    """The definition of summation="pairwise", on numbers whose + rounds."""
    if len(terms) == 1:
        return terms[0]
    half = 1 << (len(terms) - 1).bit_length() - 1
    return in_pairs(terms[:half]) + in_pairs(terms[half:])


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 100])
def test_pairwise_summation(n: int) -> None:
    rng = np.random.default_rng(6)
    context = ff.Context("float16", summation="pairwise")
    a, b = rng.normal(size=(5, n)).astype(np.float16), rng.normal(size=(n, 9)).astype(np.float16)
    x, y = ff.emulated(a, context), ff.emulated(b, context)
    products = [a[:, k : k + 1] * b[k : k + 1] for k in range(n)]
    want = in_pairs(products)  # NumPy's float16 rounds every operation
    np.testing.assert_array_equal((x @ y).values, want.astype(np.float32))
    np.testing.assert_array_equal((x @ y[:, 0]).values, want[:, 0].astype(np.float32))
    np.testing.assert_array_equal(ff.matmul(x, y, threads=2).values, want.astype(np.float32))
    start = rng.normal(size=(5, 9)).astype(np.float16)
    got = ff.matmul(x, y, c=ff.emulated(start, context))
    np.testing.assert_array_equal(got.values, (start + want).astype(np.float32))
    sums = in_pairs([a[:, k] for k in range(n)])
    np.testing.assert_array_equal(x.sum(axis=1).values, sums.astype(np.float32))
    assert ff.asum(x[0]).item() == in_pairs([abs(v) for v in a[0]])
    square = in_pairs([v * v for v in a[0]])
    assert ff.nrm2(x[0]).item() == ff.emulated(float(square), "float16").sqrt().item()
    product = x.prod(axis=1).values
    folded = x[:, 0] if n == 1 else None
    if folded is not None:
        np.testing.assert_array_equal(product, folded.values)


def test_pairwise_summation_errs_less_and_is_random_by_element() -> None:
    rng = np.random.default_rng(7)
    x = rng.uniform(size=4096)
    exact = ff.exact_sum(ff.round_to(x, "bfloat16"))
    errors = {
        order: abs(ff.emulated(x, "bfloat16", summation=order).sum().item() / exact - 1)
        for order in ("index", "pairwise")
    }
    assert errors["pairwise"] < 0.01
    assert errors["index"] > 0.3
    # Element (i, j) of a product reads stream 4 i + j.
    how: dict[str, Any] = {"rounding": "stochastic", "seed": 3, "summation": "pairwise"}
    a, b = (
        ff.round_to(rng.normal(size=shape), "bfloat16").astype(np.float32) for shape in ((3, 33), (33, 4))
    )
    for threads in (1, 2):
        whole = ff.matmul(
            *(ff.EmulatedArray(m, ff.Context("bfloat16", **how)) for m in (a, b)), threads=threads
        )
        for i in range(3):
            for j in range(4):
                context = ff.Context("bfloat16", stream=4 * i + j, **how)
                one = ff.EmulatedArray(a[i], context) @ ff.EmulatedArray(b[:, j], context)
                assert one.item() == whole.values[i, j]
    with pytest.raises(ArgumentError, match="summation must be 'index' with accumulate='fma'"):
        ff.Context("float16", accumulate="fma", summation="pairwise")
    with pytest.raises(ArgumentError, match="summation must be one of"):
        ff.Context("float16", summation="sideways")


def test_exact_accumulation_of_float64() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 3, 50)) * 10.0 ** rng.integers(-150, 150, (2, 3, 50))
    got = (ff.emulated(a, "float64", accumulate="exact") @ ff.emulated(b, "float64").T).values
    for i in range(3):
        for j in range(3):
            assert got[i, j] == float(sum(Fraction(p) * Fraction(q) for p, q in zip(a[i], b[j], strict=True)))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float8_e5m2"])
@pytest.mark.parametrize("method", ["householder", "givens"])
def test_qr(name: str, method: str) -> None:
    rng = np.random.default_rng(4)
    a = ff.emulated(rng.normal(size=(12, 7)), name)
    q, r = ff.qr(a, method=method)
    unit = a.format.unit_roundoff
    product = q.values.astype(np.float64) @ r.values
    assert np.linalg.norm(product - a.values) <= 12 * 7 * unit * np.linalg.norm(a.values)
    assert np.linalg.norm(q.values.astype(np.float64).T @ q.values - np.eye(12)) <= 12 * 12 * unit
    assert (np.tril(r.values, -1) == 0).all()
    exact = np.abs(np.diag(np.linalg.qr(a.values.astype(np.float64))[1]))
    np.testing.assert_allclose(np.abs(np.diag(r.values)), exact, atol=84 * unit * np.linalg.norm(a.values))


@pytest.mark.parametrize("name", ["float16", "bfloat16", "tf32", "float32"])
def test_factors_have_small_backward_errors(name: str) -> None:
    rng = np.random.default_rng(5)
    n = 40
    a = ff.emulated(rng.normal(size=(n, n)), name)
    factors, permutation = ff.lu(a)
    f = factors.values.astype(np.float64)
    lower, upper = np.tril(f, -1) + np.eye(n), np.triu(f)
    unit = a.format.unit_roundoff
    # Higham (2002), theorem 9.3: |A - L U| <= gamma_n |L| |U|.
    error = np.abs(a.values[permutation] - lower @ upper)
    assert (error <= n * unit / (1 - n * unit) * (np.abs(lower) @ np.abs(upper)) * 1.0001).all()
    spd = ff.emulated(a.values.astype(np.float64) @ a.values.T / n + np.eye(n), name)
    factor = ff.cholesky(spd).values.astype(np.float64)
    bound = (n + 1) * unit / (1 - (n + 1) * unit) * (np.abs(factor) @ np.abs(factor.T))
    assert (np.abs(np.tril(spd.values - factor @ factor.T)) <= np.tril(bound) * 1.0001).all()


def test_solvers_in_several_formats() -> None:
    rng = np.random.default_rng(6)
    n = 30
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    spd = q @ np.diag(np.logspace(0, -1, n)) @ q.T
    b = spd @ np.ones(n)
    errors = []
    for name in ("bfloat16", "float16", "float32", "float64"):
        a = ff.emulated(spd, name)
        unit = a.format.unit_roundoff
        x, report = ff.cg(a, ff.emulated(b, name), tol=4 * unit, max_iter=300)
        assert report.backward_error <= 40 * unit, name
        y, other = ff.gmres(a, ff.emulated(b, name), tol=4 * unit)
        assert other.backward_error <= 40 * unit, name
        assert x.format == y.format == a.format
        errors.append(report.backward_error)
    assert errors == sorted(errors, reverse=True)


def matrix_of_condition(kappa: float, n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    u, _ = np.linalg.qr(rng.normal(size=(n, n)))
    v, _ = np.linalg.qr(rng.normal(size=(n, n)))
    a = u @ np.diag(np.logspace(0, -np.log10(kappa), n)) @ v.T
    return a, a @ np.ones(n)


def test_refinement_is_lost_where_gmres_is_not() -> None:
    expected = {  # (iterations of refinement with leeway, total of GMRES within GMRES-IR with leeway)
        ("float16", 1e1): (range(4, 9), range(3, 13)),
        ("float16", 1e2): (range(5, 11), range(5, 16)),
        ("float16", 1e3): (range(8, 20), range(7, 22)),
        ("float16", 1e5): (None, range(80, 260)),
        ("bfloat16", 1e1): (range(7, 16), range(6, 18)),
        ("bfloat16", 1e3): (None, range(25, 100)),
        ("bfloat16", 1e5): (None, range(150, 400)),
    }
    for (name, kappa), (plain, inner) in expected.items():
        a, b = matrix_of_condition(kappa)
        _, report = ff.refine(a, b, factor=name, tol=5e-16)
        if plain is None:
            assert not report.converged, (name, kappa)
        else:
            assert report.converged
            assert report.iterations in plain, (name, kappa, report.iterations)
        _, krylov = ff.refine(a, b, factor=name, tol=5e-16, method="gmres")
        assert krylov.converged
        assert krylov.iterations <= 6, (name, kappa)
        assert krylov.inner_iterations in inner, (name, kappa, krylov.inner_iterations)


def test_scaling_keeps_float16_finite() -> None:
    a, b = matrix_of_condition(1e2, 30)
    a, b = a * 1e7, b * 1e7
    _, plain = ff.refine(a, b, factor="float16")
    x, scaled = ff.refine(a, b, factor="float16", scaling=True)
    assert not plain.converged
    assert scaled.converged
    np.testing.assert_allclose(x, 1, atol=1e-12)


def test_level_one() -> None:
    x = ff.emulated([3.0, 4.0, -12.0], "float16")
    assert (ff.nrm2(x).item(), ff.asum(x).item()) == (13.0, 19.0)
    assert (
        ff.axpy(0.1, x, x).tolist()
        == ff.round_to(
            x.values + ff.round_to(ff.round_to(0.1, "float16") * x.values.astype(np.float64), "float16"),
            "float16",
        ).tolist()
    )


def test_bad_input() -> None:
    a = ff.emulated(np.ones((3, 3)), "float16")
    with pytest.raises(ArgumentError, match="a must be regular in 'float16', column 1 has no pivot"):
        ff.lu(a)
    with pytest.raises(ArgumentError, match="positive definite in 'float16', pivot 1 is 0"):
        ff.cholesky(a)
    with pytest.raises(ArgumentError, match=r"formats.lu: a must be a square matrix, got shape \(2, 3\)"):
        ff.lu(a[:2])
    with pytest.raises(TypeError, match=r"formats.qr: a must be an EmulatedArray, got ndarray"):
        ff.qr(np.eye(2))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="method must be one of 'householder', 'givens', got 'gram'"):
        ff.qr(a, method="gram")
    with pytest.raises(ArgumentError, match=r"formats.cg: b must have shape \(3,\), got \(2,\)"):
        ff.cg(a, [1, 2])
    with pytest.raises(ArgumentError, match=r"formats.refine: a must be finite"):
        ff.refine([[np.inf]], [1])
    with pytest.raises(ArgumentError, match="restart must be in"):
        ff.gmres(a, [1, 2, 3], restart=0)
    with pytest.raises(ArgumentError, match=r"c must have shape \(3, 3\), got \(2, 3\)"):
        ff.matmul(a, a, c=a[:2])
    with pytest.raises(ArgumentError, match=r"b must have shape \(3,\) or \(3, columns\), got \(2,\)"):
        ff.solve_triangular(a, [1, 2])
