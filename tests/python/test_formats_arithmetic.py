"""Emulated arithmetic against exact rationals, and the array type against what NumPy asks of it."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError

FORMATS = [
    "float16",
    "bfloat16",
    "tf32",
    "float32",
    "float64",
    "float8_e5m2",
    "float8_e4m3fn",
    "float4_e2m1fn",
]
CUSTOM = [
    "float(p=40,emin=-300,emax=300)",
    "float(p=5,emin=-20,emax=20,subnormal=0)",
    "binary8p3se",
    "fixed(8,4)",
]
MODES = [m for m in ff.roundings() if "stochastic" not in m and "random" not in m and m != "jam"]


def round_fraction(x: Fraction, f: ff.FloatFormat, mode: str) -> float:
    """The definition, on a rational; finite results only (None of the inputs here overflows far)."""
    if x == 0:
        return 0.0
    a, negative = abs(x), x < 0
    e = a.numerator.bit_length() - a.denominator.bit_length()
    while Fraction(2) ** e > a:
        e -= 1
    while Fraction(2) ** (e + 1) <= a:
        e += 1
    t = f.precision - 1
    small = e < f.min_exponent
    if f.is_fixed or (small and f.has_subnormal):
        unit = f.min_exponent - t
    elif small:
        unit = f.min_exponent
    else:
        unit = e - t
    q = Fraction(2) ** unit
    n = a // q
    d = a / q - n
    odd = n % 2 == 1
    half = Fraction(1, 2)
    up = {
        "nearest_even": d > half or (d == half and odd),
        "nearest_odd": d > half or (d == half and not odd),
        "nearest_away": d >= half,
        "nearest_zero": d > half,
        "nearest_up": d > half or (d == half and not negative),
        "nearest_down": d > half or (d == half and negative),
        "toward_zero": False,
        "away_from_zero": d > 0,
        "toward_positive": d > 0 and not negative,
        "toward_negative": d > 0 and negative,
        "to_odd": d > 0 and not odd,
    }[mode]
    r = (n + up) * q
    largest = Fraction(-f.min if negative else f.max)
    if r > largest:
        inwards = mode in ("toward_zero", "to_odd") or mode == (
            "toward_negative" if not negative else "toward_positive"
        )
        if inwards or f.is_fixed or not (f.has_inf or f.nan != "none"):
            r = largest
        else:
            return (-math.inf if negative else math.inf) if f.has_inf else math.nan
    return float(-r if negative else r)


def sqrt_bounds(x: Fraction, f: ff.FloatFormat, mode: str) -> float:
    """Rounded root: a rational so close to the root that every mode sees the same, or the root itself."""
    scale = 4**1200
    n = x.numerator * scale // x.denominator
    root = math.isqrt(n)
    exact = root * root == n and x.numerator * scale % x.denominator == 0
    value = Fraction(root, 2**1200)
    return round_fraction(value if exact else value + Fraction(1, 2**1202), f, mode)


def values_of(f: ff.FloatFormat, count: int, rng: random.Random) -> list[float]:
    """Finite values: near ones, far ones, the ends."""
    out: list[float] = []
    for _ in range(count):
        kind = rng.randrange(4)
        low, high = f.min_exponent - f.precision, f.max_exponent
        exponent = rng.randint(-3, 3) if kind < 2 else rng.randint(low, high)
        if kind == 3:
            out.append(rng.choice([f.max, f.min, f.smallest_subnormal, f.smallest_normal, 1.0]))
            continue
        out.append(rng.choice([-1, 1]) * math.ldexp(1 + rng.random(), exponent))
    rounded = ff.round_to(np.array(out), f, rounding="toward_zero", saturate="finite")
    return [float(v) for v in rounded]


@pytest.mark.parametrize("name", FORMATS + CUSTOM)
@pytest.mark.parametrize("mode", MODES)
def test_operations_against_rationals(name: str, mode: str) -> None:
    f = ff.get(name)
    rng = random.Random(f"{name}{mode}")
    a, b, c = (values_of(f, 120, rng) for _ in range(3))
    context = ff.Context(f, rounding=mode, nan="zero" if f.nan == "none" else "keep")
    x, y, z = (ff.EmulatedArray(np.array(v, context.dtype), context) for v in (a, b, c))
    exact = [(Fraction(p), Fraction(q), Fraction(r)) for p, q, r in zip(a, b, c, strict=True)]
    expected = {
        "add": [p + q for p, q, _ in exact],
        "subtract": [p - q for p, q, _ in exact],
        "multiply": [p * q for p, q, _ in exact],
        "fma": [p * q + r for p, q, r in exact],
    }
    got = {"add": x + y, "subtract": x - y, "multiply": x * y, "fma": ff.fma(x, y, z)}
    for operation, rationals in expected.items():
        want = [round_fraction(v, f, mode) for v in rationals]
        np.testing.assert_array_equal(got[operation].values, want, err_msg=operation)
    nonzero = [i for i, (_, q, _) in enumerate(exact) if q != 0]
    quotient = (x[nonzero] / y[nonzero]).values
    want = [round_fraction(exact[i][0] / exact[i][1], f, mode) for i in nonzero]
    np.testing.assert_array_equal(quotient, want)
    want = [sqrt_bounds(Fraction(p), f, mode) for p in abs(x).values.tolist()]
    np.testing.assert_array_equal(np.sqrt(abs(x)).values, want)


def test_cases_of_the_literature() -> None:
    up = ff.emulated([1.0], "bfloat16", rounding="toward_positive")
    assert (up + 2.0**-133).item() == 1.0078125
    tf32 = ff.emulated([1045 * 2.0**-80], "tf32")
    assert (tf32 * (2007 * 2.0**-78)).item() == 2.0**-136
    half = ff.Context("float16")
    codes = np.array([[0x3DE0, 0x3E60, 0x0001], [0x3F60, 0x3D60, 0x0001]], np.uint16)
    x = ff.emulated(ff.decode(codes, "float16"), half)
    fused = ff.encode(ff.fma(x[:, 0], x[:, 1], x[:, 2]).values, "float16")
    assert fused.tolist() == [0x40AF, 0x40F5]


@pytest.mark.parametrize("name", ["float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float4_e2m1fn"])
def test_every_pair_of_codes_equals_ml_dtypes(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = ff.get(name).values().astype(np.float32)
    a, b = (v.copy() for v in np.meshgrid(values, values))
    x = ff.emulated(a, name)
    kind = getattr(ml_dtypes, name)
    p, q = a.astype(kind), b.astype(kind)
    with np.errstate(all="ignore"):
        for ours, theirs in (
            (x + ff.emulated(b, name), p + q),
            (x - ff.emulated(b, name), p - q),
            (x * ff.emulated(b, name), p * q),
        ):
            np.testing.assert_array_equal(ours.values, theirs.astype(np.float32))
        nonzero = b != 0
        quotient = (ff.emulated(a[nonzero], name) / ff.emulated(b[nonzero], name)).values
        np.testing.assert_array_equal(quotient, (p / q)[nonzero].astype(np.float32))


def test_float16_equals_numpy() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 1 << 16, (2, 200_000), dtype=np.uint16)
    a, b = codes.view(np.float16)
    x, y = ff.emulated(a, "float16"), ff.emulated(b, "float16")
    with np.errstate(all="ignore"):
        for ours, theirs in ((x + y, a + b), (x - y, a - b), (x * y, a * b), (x / y, a / b)):
            np.testing.assert_array_equal(ours.values, theirs.astype(np.float32))
        np.testing.assert_array_equal(np.sqrt(x).values, np.sqrt(a).astype(np.float32))


def test_float32_and_float64_are_native() -> None:
    rng = np.random.default_rng(1)
    for name in ("float32", "float64"):
        a, b = rng.normal(size=(2, 1000)).astype(name)
        x, y = ff.emulated(a, name), ff.emulated(b, name)
        for ours, theirs in (
            (x + y, a + b),
            (x * y, a * b),
            (x / y, a / b),
            (np.sqrt(abs(x)), np.sqrt(abs(a))),
        ):
            assert ours.values.tobytes() == theirs.tobytes()
    wide = ff.emulated(a, ff.Context("float64", rounding="toward_positive"))
    down = ff.emulated(a, ff.Context("float64", rounding="toward_negative"))
    product = [Fraction(float(p)) ** 2 for p in a]
    assert all(
        Fraction(float(u)) >= p >= Fraction(float(d))
        for u, p, d in zip(wide * wide, product, down * down, strict=True)
    )


@pytest.mark.parametrize("operation", ["add", "multiply", "divide", "sqrt"])
def test_stochastic_operations_are_unbiased(operation: str) -> None:
    n = 100_000
    context = ff.Context("float8_e5m2", rounding="stochastic", seed=4)
    x = ff.emulated(np.full(n, 1.25), context)
    y, exact = {
        "add": (lambda: x + 0.0078125, 1.2578125),
        "multiply": (lambda: x * 1.25, 1.5625),
        "divide": (lambda: x / 3.0, 1.25 / 3),
        "sqrt": (lambda: np.sqrt(x), math.sqrt(1.25)),
    }[operation]
    values = y().values.astype(np.float64)
    assert len(set(values.tolist())) == 2
    assert abs(values.mean() - exact) < 6 * values.std() / math.sqrt(n)
    again = y().values
    assert (again != values).any()  # the next operation has other bits


def test_stochastic_results_depend_on_seed_and_order_alone() -> None:
    def run(seed: int) -> list[float]:
        context = ff.Context("float16", rounding="stochastic", seed=seed)
        x = ff.emulated(np.linspace(0, 1, 50), context)
        return list(((x + x * 0.3) @ x, (x * x).sum())[0].values.reshape(-1).tolist())

    assert run(1) == run(1)
    assert run(1) != run(2)


# ---- the array type ----


def x_and_values() -> tuple[ff.EmulatedArray, np.ndarray]:
    rng = np.random.default_rng(2)
    values = ff.round_to(rng.normal(size=(3, 4)).astype(np.float32), "bfloat16")
    return ff.emulated(values, "bfloat16"), values


def test_sums_go_in_index_order() -> None:
    x, values = x_and_values()
    for axis in (None, 0, 1, -1):
        flat = values.reshape(-1) if axis is None else np.moveaxis(values, axis, 0)
        total = flat[0]
        product = flat[0]
        for row in flat[1:]:
            total = ff.round_to(total + row, "bfloat16")
            product = ff.round_to(product * row, "bfloat16")
        np.testing.assert_array_equal(x.sum(axis).values, total)
        np.testing.assert_array_equal(np.sum(x, axis=axis).values, total)
        np.testing.assert_array_equal(np.prod(x, axis=axis).values, product)
    np.testing.assert_array_equal(np.add.reduce(x).values, x.sum(0).values)
    assert x.sum(1, keepdims=True).shape == (3, 1)
    np.testing.assert_array_equal(np.mean(x, axis=0).values, (x.sum(0) / 3).values)
    assert ff.emulated([], "float16").sum().item() == 0
    assert ff.emulated([], "float16").prod().item() == 1


def test_numpy_functions() -> None:
    x, values = x_and_values()
    np.testing.assert_array_equal(np.concatenate([x, x]).values, np.concatenate([values, values]))
    np.testing.assert_array_equal(np.transpose(x).values, values.T)
    np.testing.assert_array_equal(
        np.where(x > 0, x, np.zeros_like(x)).values, np.where(values > 0, values, 0)
    )
    np.testing.assert_array_equal(np.maximum(x, 0).values, np.maximum(values, 0))
    np.testing.assert_array_equal(
        np.outer(x[0], x[1]).values, ff.round_to(np.outer(values[0], values[1]), "bf16")
    )
    np.testing.assert_array_equal(np.dot(x, x.T).values, (x @ x.T).values)
    assert np.argmax(x) == values.argmax()
    assert np.max(x).item() == values.max()
    assert np.shape(x) == (3, 4)
    assert np.isnan(x).sum() == 0
    np.testing.assert_array_equal(np.trace(x[:, :3]).values, (x[0, 0] + x[1, 1] + x[2, 2]).values)
    y = x.copy()
    y += 1
    np.testing.assert_array_equal(y.values, (x + 1).values)
    y[0, 0] = 0.1
    assert y[0, 0].item() == ff.round_to(0.1, "bfloat16").item()
    assert np.asarray(x).tolist() == values.tolist()
    assert [float(v[0]) for v in x] == values[:, 0].tolist()


@pytest.mark.parametrize(
    "call",
    [
        np.deg2rad,
        lambda x: np.remainder(x, x),  # Python's, not that of IEEE 754
        np.add.accumulate,
        np.linalg.norm,
        np.cumsum,
        np.std,
        lambda x: np.exp(x, where=x.values > 0),
        lambda x: np.add(x, x, where=x.values > 0),
    ],
)
def test_anything_else_is_refused(call: Any) -> None:
    with pytest.raises(TypeError, match=r"numpy\.\w+.* is not one rounding of the format"):
        call(x_and_values()[0])


def test_bad_input() -> None:
    x, values = x_and_values()
    with pytest.raises(TypeError, match="one format, got 'bfloat16' and 'float16'; cast one with astype"):
        x + ff.emulated(values, "float16")
    with pytest.raises(TypeError, match="cast with emulated"):
        x + values
    with pytest.raises(ArgumentError, match=r"matmul: inner dimensions must agree, got shapes \(3, 4\)"):
        x @ x
    with pytest.raises(ArgumentError, match="accumulate must be one of"):
        ff.Context("float16", accumulate="sometimes")
    with pytest.raises(ArgumentError, match="block_size must be in"):
        ff.Context("float16", block_size=0)
    with pytest.raises(ArgumentError, match="seed must not be given with the deterministic rounding"):
        ff.Context("float16", seed=3)
    with pytest.raises(ArgumentError, match="must be given to the context"):
        ff.emulated([1], ff.Context("float16"), rounding="to_odd")
    with pytest.raises(TypeError, match=r"formats.fma: a must be an EmulatedArray, got float"):
        ff.fma(1.0, x, x)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="must not hold nan"):
        ff.emulated([0.0], "float4_e2m1fn") / 0
