"""round_to against exact rationals, ml_dtypes and NumPy."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import ml_dtypes
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from formats_oracle import How, Refused, round_one, same
from hypothesis import given
from hypothesis import strategies as st

DETERMINISTIC = [m for m in ff.roundings() if m not in ("stochastic", "stochastic_equal", "random_directed")]
SMALL = [name for name in ff.FORMATS if ff.get(name).bits <= 8]
MORE = [
    "binary8p1se", "binary8p3se", "binary8p4uf", "binary6p3sf", "binary4p2sf", "binary5p5uf", "binary3p1ue",
    "int8", "uint4", "int1", "uint1", "fixed(4,4)", "ufixed(3,5)", "int16", "fixed(8,8)",
    "float(e=5,m=2,subnormal=0)", "float(e=4,m=3,nan=none,inf=0,max=416)", "float(p=5,emin=-3,emax=9)",
    "float(e=3,m=2,signed=0,nan=none,inf=0)", "float(e=4,m=3,neg_zero=0)",
]  # fmt: skip
WIDE = ["float16", "bfloat16", "tf32", "float32", "float(p=7,emin=-120,emax=100)", "binary16p6se"]
EVERY = [*SMALL, *MORE, *WIDE]
TOO_WIDE = {"binary16p6se"}  # for float32


def for_float32(names: list[str]) -> list[str]:
    return [name for name in names if name not in TOO_WIDE]


def edges(f: ff.FloatFormat, dtype: Any) -> np.ndarray:
    """Values, midpoints, quarter points and neighbours of a format; zeros, infinities, NaNs; both signs."""
    if 0 < f.bits <= 8:
        grid = f.values()
    else:
        exponents = [f.min_exponent - f.precision, f.min_exponent - 1, f.min_exponent, 0, f.max_exponent]
        t = f.precision - 1
        significands = [2**t, 2**t + 1, 2**t + 2, 2 ** (t + 1) - 2, 2 ** (t + 1) - 1]
        steps = [float(n * Fraction(2) ** (e - t)) for e in exponents for n in significands]
        steps += [math.ldexp(n, f._quantum_exponent) for n in (1, 2, 3, 4, 5)] + [
            f.max,
            2 * f.smallest_normal,
        ]
        grid = np.unique([0.0, *steps])
        grid = grid[np.abs(grid) <= max(f.max, -f.min)]
    grid = np.unique(np.concatenate([grid, -grid]))
    last = grid[-1] + (grid[-1] - grid[-2])
    with np.errstate(over="ignore"):
        grid = np.concatenate([grid, [last, -last, 4 * last, last * 1e4]])
    grid = np.sort(grid[np.isfinite(grid)])
    quarters = [grid]
    quarters += [grid[:-1] + (grid[1:] / 4 - grid[:-1] / 4) * k for k in (1, 2, 3)]
    tiny = f.smallest_subnormal
    with np.errstate(over="ignore", under="ignore"):
        points = np.concatenate([*quarters, [tiny * 2.0**-k for k in (2, 9, 30, 40, 70)]]).astype(dtype)
        info = np.finfo(dtype)
        points = np.concatenate([points, [info.max, info.smallest_subnormal, info.tiny]]).astype(dtype)
        near = [points, np.nextafter(points, dtype(np.inf)), np.nextafter(points, dtype(-np.inf))]
    both = np.concatenate(near)
    word = np.uint32 if dtype == np.float32 else np.uint64
    nans = (
        [0x7F800001, 0x7FFFFFFF, 0xFFC00001] if dtype == np.float32 else [0x7FF0 << 48 | 1, 0xFFF8 << 48 | 5]
    )
    special = np.array([np.inf, -np.inf, 0.0, -0.0], dtype)
    return np.concatenate([np.unique(both), -np.unique(both), special, np.array(nans, word).view(dtype)])


def expected(x: np.ndarray, f: ff.FloatFormat, how: How, draws: list[int] | None = None) -> np.ndarray:
    rows = [round_one(float(v), f, how, draws[i] if draws else 0) for i, v in enumerate(x)]
    return np.array(rows, x.dtype)


def sign_of_nan(x: np.ndarray) -> np.ndarray:
    return np.isnan(x) & np.signbit(x)


def policies(f: ff.FloatFormat) -> list[How]:
    """Every deterministic mode with every policy that the format has."""
    subnormals = ("gradual",) if f.is_fixed else ("gradual", "flush", "nearest_normal")
    return [
        How(mode, saturate, subnormal, nan)
        for mode in DETERMINISTIC
        for saturate in ("none", "finite", "propagate")  # wrap: test_wrap_is_modulo
        for subnormal in subnormals
        for nan in (("zero", "max", "ml_dtypes") if f.nan == "none" else ("keep",))
    ]


def check(x: np.ndarray, name: str, how: How) -> None:
    f = ff.get(name)
    got = ff.round_to(
        x, f, rounding=how.rounding, saturate=how.saturate, subnormal=how.subnormal, nan=how.nan
    )
    want = expected(x, f, how)
    with np.errstate(invalid="ignore"):
        wrong = ~same(got, want)
    rows = zip(x[wrong].tolist(), got[wrong], want[wrong], strict=True)
    shown = [(v.hex(), float(g), float(w)) for v, g, w in rows]
    assert not wrong.any(), (name, how, shown[:5])


def check_policies(name: str, dtype: Any, stride: int) -> None:
    x = edges(ff.get(name), dtype)
    special = x[~np.isfinite(x) | (x == 0)]
    for k, how in enumerate(policies(ff.get(name))):
        # Every policy sees other points.
        check(np.concatenate([x[k % stride :: stride], special]), name, how)


@pytest.mark.parametrize("name", EVERY)
def test_against_the_rational_definition(name: str) -> None:
    for dtype in (np.float64,) if name in TOO_WIDE else (np.float32, np.float64):
        x = edges(ff.get(name), dtype)
        check_policies(name, dtype, max(1, x.size // 12))


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_edges_against_the_rational_definition(name: str, dtype: Any) -> None:
    if dtype == np.float64 or name not in TOO_WIDE:
        check_policies(name, dtype, 1)


def philox_words(seed: int, stream: int, count: int) -> list[list[int]]:
    """Words of element i: draw i of the streams s, s + 2^32, s + 2 2^32."""
    from test_core_random import draw32

    return [[draw32(seed, stream + (w << 32), i) for w in range(3)] for i in range(count)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name", ["float8_e4m3fn", "float16", "bfloat16", "float4_e2m1fn", "binary8p1se", "int8"]
)
def test_stochastic_follows_its_definition(name: str, dtype: Any) -> None:
    f = ff.get(name)
    saturate = "finite" if f.is_fixed else "none"
    x = edges(f, dtype)[:900]
    draws = [a << 64 | b << 32 | c for a, b, c in philox_words(7, 3, len(x))]
    cases = [How(m, saturate, nan="zero") for m in ("stochastic", "stochastic_equal", "random_directed")]
    cases += [
        How("stochastic", saturate, "gradual", "zero", n, v) for n in (1, 3, 8, 9, 17, 32) for v in "abc"
    ]
    for how in cases:
        got = ff.round_to(x, f, rounding=how.rounding, saturate=saturate, nan="zero", seed=7, stream=3,
                          random_bits=how.random_bits, variant=how.variant)  # fmt: skip
        wrong = ~same(got, expected(x, f, how, draws))
        assert not wrong.any(), (
            name,
            how,
            x[wrong][:4],
            got[wrong][:4],
            expected(x, f, how, draws)[wrong][:4],
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rare_draws_decide_far_below_the_least_value(dtype: Any) -> None:
    """Draws of ones meet values far below the quantum: the comparison goes on for more than 32 bits."""
    f = ff.get("float8_e4m3fn")
    q = f.smallest_subnormal
    x = np.array([q * 2.0**-k * s for k in range(70) for s in (1, -1, 1.5, 1.9375)], dtype)
    for word in (0xFFFFFFFF, 0xFFFFFFFE, 0xFF000000, 0xFEFFFFFF, 0x80000000, 0):
        bits = np.full(x.shape, word, np.uint32)
        got = ff.round_to(x, f, rounding="stochastic", bits=bits)
        want = expected(x, f, How("stochastic"), [word << 64] * len(x))
        assert same(got, want).all()
        for n in (4, 8, 12, 32):
            for variant in "abc":
                got = ff.round_to(
                    x, f, rounding="stochastic", bits=bits >> (32 - n), random_bits=n, variant=variant
                )
                want = expected(
                    x, f, How("stochastic", random_bits=n, variant=variant), [word << 64] * len(x)
                )
                assert same(got, want).all()


def test_stochastic_means() -> None:
    n = 1 << 18
    rng = np.random.default_rng(0)
    f = ff.get("float8_e4m3fn")
    for x in [1e-5, 2**-9 / 3, 0.3, 1.0, 447.0, *rng.normal(size=20)]:
        got = ff.round_to(np.full(n, x), f, rounding="stochastic", saturate="finite", seed=11)
        low, high = got.min(), got.max()
        sigma = math.sqrt(max((high - x) * (x - low), 0) / n)
        assert abs(got.mean() - x) <= 6 * sigma + 1e-15
        assert len(np.unique(got)) <= 2


@pytest.mark.parametrize("mode", ["stochastic", "stochastic_equal", "random_directed"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_pieces_do_not_matter(mode: str, dtype: Any) -> None:
    x = np.random.default_rng(1).normal(size=600_001).astype(dtype)
    whole = ff.round_to(x, "bfloat16", rounding=mode, seed=5, stream=2)
    for threads in (2, 7, 0):
        assert same(ff.round_to(x, "bfloat16", rounding=mode, seed=5, stream=2, threads=threads), whole).all()
    for cut in (1, 7, 300_003):
        head = ff.round_to(x[:cut], "bfloat16", rounding=mode, seed=5, stream=2)
        tail = ff.round_to(x[cut:], "bfloat16", rounding=mode, seed=5, stream=2, first=cut)
        assert same(np.concatenate([head, tail]), whole).all()


ML_DTYPES = [name for name in ff.FORMATS if hasattr(ml_dtypes, name) and name != "float8_e8m0fnu"]


@pytest.mark.parametrize("name", ML_DTYPES)
def test_equals_ml_dtypes_from_float32(name: str) -> None:
    f = ff.get(name)
    rng = np.random.default_rng(2)
    random = rng.integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    near = (np.exp2(rng.uniform(-20, 20, 200_000)) * rng.choice([-1, 1], 200_000)).astype(np.float32)
    x = np.concatenate([edges(f, np.float32), random, near])
    with np.errstate(over="ignore", invalid="ignore"):
        theirs = x.astype(getattr(ml_dtypes, name))
    ours = ff.encode(x, f, nan="ml_dtypes")
    assert np.array_equal(ours, theirs.view(f.code_dtype)), name


@pytest.mark.parametrize("name", ["float16", "bfloat16", *ML_DTYPES])
def test_every_float16_equals_the_peers(name: str) -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    x = x[~np.isnan(x)]
    peer = np.float16 if name == "float16" else getattr(ml_dtypes, name)
    with np.errstate(over="ignore"):
        assert np.array_equal(ff.encode(x, name), x.astype(peer).view(ff.get(name).code_dtype))


def test_scales_round_ties_up_in_ml_dtypes() -> None:
    x = np.array([1.5, 3.0, 6.0, 0.75, 1.25, 2.0**-127, 2.0**-130, 1.4 * 2.0**127], np.float32)
    theirs = x.astype(ml_dtypes.float8_e8m0fnu).view(np.uint8)
    assert np.array_equal(ff.encode(x, "float8_e8m0fnu", rounding="nearest_up"), theirs)
    even = ff.round_to(x[:3], "float8_e8m0fnu", rounding="nearest_even")
    assert even.tolist() == [2.0, 2.0, 8.0]


@pytest.mark.parametrize(
    ("x", "name", "correct", "theirs"),
    [
        (np.float64(1 + 2**-8 + 2**-40), "bfloat16", 1.0078125, 1.0),
        (np.float64(1 + 2**-4 + 2**-40), "float8_e4m3fn", 1.125, 1.0),
        (np.float64(2.5 + 2**-40), "float4_e2m1fn", 3.0, 2.0),
        (np.int64(2**24 + 2**16 + 1), "bfloat16", 16908288.0, 16777216.0),
    ],
)
def test_ml_dtypes_rounds_twice_where_we_round_once(x: Any, name: str, correct: float, theirs: float) -> None:
    assert float(np.asarray(x).astype(getattr(ml_dtypes, name))) == theirs
    assert ff.round_to(x, name).item() == correct
    assert ff.decode(ff.encode(x, name), name).item() == correct


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300), max_size=20),
    st.sampled_from(["bfloat16", "float16", "float8_e5m2", "float32", "int8", "float(p=53,emin=-9,emax=70)"]),
    st.sampled_from(DETERMINISTIC),
)
def test_integers_round_once(values: list[int], name: str, mode: str) -> None:
    f = ff.get(name)
    saturate = "finite" if f.is_fixed else "none"
    got = ff.round_to(np.array(values, np.int64), f, rounding=mode)
    assert got.dtype == np.float64
    want = [round_one(v, f, How(mode, saturate)) for v in values]
    assert same(got, np.array(want, np.float64)).all()


def test_unsigned_integers_of_64_bits() -> None:
    values = [0, 1, 2**53 + 1, 2**64 - 1, 2**63 + 2**39 + 1, 2**63]
    got = ff.round_to(np.array(values, np.uint64), "float32", rounding="nearest_even")
    assert got.tolist() == [round_one(v, ff.get("float32"), How()) for v in values]


def test_wrap_is_modulo() -> None:
    x = np.array([127.0, 128.0, -129.0, 300.5, -1e6, 2.0**40, 0.4, -0.4])
    want = [((round(v) + 128) % 256) - 128.0 for v in x.tolist()]
    for dtype in (np.float64, np.float32):
        assert ff.round_to(x.astype(dtype), "int8", saturate="wrap").tolist() == want
    assert ff.round_to([-1.0, 256.0, 17.0], "uint4", saturate="wrap").tolist() == [15.0, 0.0, 1.0]


def test_known_overflows() -> None:
    assert ff.round_to([464.0, np.nextafter(464.0, 500)], "float8_e4m3fn").tolist()[0] == 448
    assert math.isnan(ff.round_to([np.nextafter(464.0, 500)], "float8_e4m3fn")[0])
    assert ff.round_to([65519.99, 65520.0], "half").tolist() == [65504.0, math.inf]
    for saturate in ("none", "finite", "propagate"):
        assert ff.round_to([5.0, 7.0, np.inf], "fp4", saturate=saturate).tolist() == [4.0, 6.0, 6.0]


def test_exponent_limit() -> None:
    x = np.array([1e30, 1.2345e-30, -1e-44, 0.0, np.inf, 3.3e38], np.float32)
    f = ff.get("float8_e4m3fn")
    got = ff.round_to(x, f, exponent_limit=False)
    with np.errstate(over="ignore"):
        wide = ff.round_to(x.astype(np.float64), "float(p=4,emin=-1000,emax=1000)").astype(np.float32)
    assert same(got, wide).all()


def test_flush_inputs() -> None:
    x = np.array([2**-6, 2**-6 * 0.999, -(2**-7), 0.3], np.float32)
    got = ff.round_to(x, "float8_e4m3fn", flush_inputs=True)
    assert same(got, np.array([2**-6, 0.0, -0.0, 0.3125], np.float32)).all()


def lengths() -> Iterator[int]:
    yield from range(34)
    yield 4097


@pytest.mark.parametrize("mode", ff.roundings())
def test_lengths_and_layouts(mode: str) -> None:
    data = (np.random.default_rng(3).normal(size=2 * 4097 + 1) * 8).astype(np.float32)
    f = ff.get("float6_e2m3fn")
    whole = ff.round_to(data, f, rounding=mode, saturate="finite")
    for size in lengths():
        part = ff.round_to(data[:size], f, rounding=mode, saturate="finite")
        assert same(part, whole[:size]).all()
    odd = np.empty(4 * 50 + 1, np.uint8)[1:].view(np.float32)
    odd[:] = data[:50]
    assert same(ff.round_to(odd, f, rounding=mode, saturate="finite"), whole[:50]).all()
    square = data[: 64 * 64].reshape(64, 64)
    strided = ff.round_to(square.T, f, rounding="nearest_even", saturate="finite")
    assert same(strided, ff.round_to(square, f, saturate="finite").T.copy()).all()
    swapped = square.astype(">f4")
    assert same(ff.round_to(swapped, f, saturate="finite"), ff.round_to(square, f, saturate="finite")).all()


def test_shapes_dtypes_and_out() -> None:
    assert ff.round_to(np.float32(0.1), "fp4").shape == ()
    assert ff.round_to(np.empty((0, 3), np.float32), "fp4").shape == (0, 3)
    half = np.array([0.1, 1.3], np.float16)
    assert ff.round_to(half, "float8_e5m2").dtype == np.float16
    brain = half.astype(ml_dtypes.bfloat16)
    assert ff.round_to(brain, "float8_e5m2").dtype == brain.dtype
    x = np.array([0.1, 0.2, 0.3])
    x.flags.writeable = False
    y = np.empty(3)
    assert ff.round_to(x, "half", out=y) is y
    z = x.copy()
    ff.round_to(z, "half", out=z)
    assert same(y, z).all()
    strided = np.empty(6)[::2]
    ff.round_to(x, "half", out=strided)
    assert same(strided.copy(), y).all()


FINITE32 = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(
    st.lists(FINITE32, min_size=1, max_size=40),
    st.sampled_from(for_float32(EVERY)),
    st.sampled_from(DETERMINISTIC),
)
def test_rounding_is_idempotent_and_monotone(values: list[float], name: str, mode: str) -> None:
    f = ff.get(name)
    x = np.sort(np.array(values, np.float32))
    if not f.is_signed:
        x = np.abs(x)
        x.sort()
    if not f.has_zero:
        x = x[x != 0]
    y = ff.round_to(x, f, rounding=mode, saturate="finite")
    assert (np.diff(y) >= 0).all()
    if mode != "jam":
        assert same(ff.round_to(y, f, rounding=mode, saturate="finite"), y).all()
    if f.is_signed and not f.is_fixed:
        mirrored = {"toward_positive": "toward_negative", "toward_negative": "toward_positive",
                    "nearest_up": "nearest_down", "nearest_down": "nearest_up"}.get(mode, mode)  # fmt: skip
        assert np.array_equal(-ff.round_to(-x, f, rounding=mirrored, saturate="finite"), y)


@given(st.floats(width=64), st.sampled_from(EVERY), st.sampled_from(DETERMINISTIC))
def test_any_float64(value: float, name: str, mode: str) -> None:
    f = ff.get(name)
    how = How(mode, "finite", nan="zero")
    got = ff.round_to(value, f, rounding=mode, saturate="finite", nan="zero").reshape(1)
    assert same(got, np.array([round_one(value, f, how)])).all()


def test_limits_of_the_carrier() -> None:
    with pytest.raises(ArgumentError, match="'float64' does not fit float32: pass float64"):
        ff.round_to(np.float32(1), "float64")
    with pytest.raises(ArgumentError, match="'bfloat16' does not fit float16: pass float32"):
        ff.round_to(np.array([65504.0], np.float16), "bfloat16")  # 65536


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounding": "nearest"}, "rounding must be one of 'nearest_even'.*got 'nearest'"),
        ({"saturate": "yes"}, "saturate must be one of 'none'"),
        ({"saturate": "wrap"}, "saturate must not be wrap"),
        ({"subnormal": "no"}, "subnormal must be one of"),
        ({"nan": "drop"}, "nan must be one of"),
        ({"variant": "d"}, "variant must be one of"),
        ({"seed": 1}, "seed must not be given with the deterministic rounding 'nearest_even'"),
        ({"random_bits": 4}, "random_bits must not be given"),
        ({"bits": [1, 2]}, "bits must not be given"),
        ({"rounding": "stochastic", "random_bits": 0}, r"random_bits must be in 1\.\.32, got 0"),
        ({"rounding": "stochastic", "random_bits": 33}, r"random_bits must be in 1\.\.32, got 33"),
        ({"rounding": "stochastic_equal", "random_bits": 3}, "random_bits is for stochastic rounding"),
        ({"rounding": "stochastic", "bits": [1]}, r"bits must be integers of the shape of x, \(2,\)"),
        ({"rounding": "stochastic", "bits": [1, 9], "random_bits": 3}, r"bits must be in 0\.\.7, got 9"),
        ({"threads": -1}, r"threads must be in 0\.\."),
        ({"stream": -1}, "stream must be in"),
        ({"out": np.empty(3)}, "out must be a writable array of float64"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=r"formats\.round_to: " + message):
        ff.round_to([1.0, 2.0], "float16", **options)


def test_bad_values() -> None:
    with pytest.raises(ArgumentError, match="nan policy, got one at flat index 300"):
        ff.round_to(np.array([1.0] * 300 + [np.nan]), "fp4")
    with pytest.raises(ArgumentError, match="flat index 0"):
        ff.round_to(np.nan, "half", nan="error")
    with pytest.raises(ArgumentError, match="rounding must be stated for 'float8_e8m0fnu'"):
        ff.round_to(1.0, "e8m0")
    for bad in (1j, np.array(["a"]), np.array([object()]), np.ma.array([1.0])):
        with pytest.raises(TypeError, match=r"formats\.round_to: "):
            ff.round_to(bad, "half")
    with pytest.raises(TypeError, match="seed must be an integer"):
        ff.round_to(1.0, "half", rounding="stochastic", seed=1.5)  # type: ignore[arg-type]
    with pytest.raises(Refused):
        round_one(math.nan, ff.get("fp4"), How())


def test_generators_seed() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    a = ff.round_to(x, "fp4", rounding="stochastic", seed=np.random.default_rng(9))
    b = ff.round_to(x, "fp4", rounding="stochastic", seed=np.random.default_rng(9))
    assert same(a, b).all()


def test_digests() -> None:
    """The bits of every mode on a fixed input, the same on every instruction set and machine."""
    recorded = json.loads((Path(__file__).parents[1] / "data/formats_digests.json").read_text())
    assert digests() == recorded


def digests() -> dict[str, str]:
    from fewbits._core import core

    words = np.empty(20_000, np.uint32)
    core.philox_fill(2026, 0, 0, words)
    x = words.view(np.float32)
    x = np.concatenate([x, (words.astype(np.float64) / 2**29 - 4).astype(np.float32)])
    result = {}
    for mode in ff.roundings():
        sha = hashlib.sha256()
        for name in ("float16", "bfloat16", "float8_e4m3fn", "float4_e2m1fn", "binary8p1se"):
            for dtype in (np.float32, np.float64):
                with np.errstate(invalid="ignore"):  # signalling nan
                    carried = x.astype(dtype)
                sha.update(ff.encode(carried, name, rounding=mode, nan="zero").astype("<u4").tobytes())
        result[mode] = sha.hexdigest()
    return result
