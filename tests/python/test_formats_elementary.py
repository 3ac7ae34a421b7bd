"""Functions of a format against mpmath, and C's math library against Python's.

``python tests/python/test_formats_elementary.py [NAME ...]`` compares every float16 and bfloat16 argument and
records the counts in tests/data/formats_functions.json.
"""

from __future__ import annotations

import json
import math
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from functions_oracle import EXACT as EXACT_FUNCTIONS
from mpmath import mp, mpf
from test_formats_arithmetic import round_fraction

RECORD = Path(__file__).parents[1] / "data/formats_functions.json"
OF_LIBRARY = ("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "gamma")
EXACT = [*EXACT_FUNCTIONS, *OF_LIBRARY]
BITS = 26  # all numbers where a format of 24 bits or fewer changes its rounding, and one bit to spare
FAR = 970  # beyond 2^970 and below 2^-970 only the sign counts

# What mpmath cannot tell from its limit at any precision: (limit of x, the side of it).
BEYOND = {
    "tanh": lambda x: (math.copysign(1, x), -math.copysign(1, x)),
    "erf": lambda x: (math.copysign(1, x), -math.copysign(1, x)),
    "erfc": lambda x: (2.0, -1.0),
    "sigmoid": lambda x: (1.0, -1.0),
    "ndtr": lambda x: (1.0, -1.0),
    "expm1": lambda x: (-1.0, 1.0),
    "log_sigmoid": lambda x: (x, -1.0),
    "softplus": lambda x: (x, 1.0),
    "silu": lambda x: (x, -1.0),
    "gelu": lambda x: (x, -1.0),
    "gelu_tanh": lambda x: (x, -1.0),
}
# Where a result is one of the numbers: everything else is irrational.
RATIONAL = {
    "exp": lambda x: x == 0,
    "exp2": float.is_integer,
    "exp10": lambda x: x.is_integer() and x >= 0,
    "log": lambda x: x == 1,
    "log2": lambda x: math.frexp(x)[0] == 0.5,
    "log10": lambda x: x in [10.0**k for k in range(39)],
    "cos": lambda x: x == 0,
    "erfc": lambda x: x == 0,
    "erfcx": lambda x: x == 0,
    "sigmoid": lambda x: x == 0,
    "ndtr": lambda x: x == 0,
    "ndtri": lambda x: x == 0.5,
    "log_gamma": lambda x: x in (1, 2),
    "acos": lambda x: x == 1,
    "cosh": lambda x: x == 0,
    "acosh": lambda x: x == 1,
    "gamma": lambda x: x.is_integer() and x < 30,
    "rsqrt": lambda x: math.frexp(x)[0] == 0.5 and math.frexp(x)[1] % 2 == 1,
    "cbrt": lambda x: round(float(np.cbrt(x * 2.0**150))) ** 3 == Fraction(x) * 2**150,
}
DOMAIN = {
    **dict.fromkeys(("log", "log2", "log10", "rsqrt"), lambda x: x > 0),
    "log_gamma": lambda x: x > 0,
    "log1p": lambda x: x > -1,
    **dict.fromkeys(("asin", "acos"), lambda x: -1 <= x <= 1),
    "acosh": lambda x: x >= 1,
    "atanh": lambda x: -1 < x < 1,
    "gamma": lambda x: x > 0 or not x.is_integer(),
    "ndtri": lambda x: 0 < x < 1,
}


def place(value: Any) -> tuple[Any, ...]:
    """Sign, exponent and leading bits of an mpf, and whether it lies on or above the number they are."""
    sign, man, exp, length = value._mpf_
    if not man:
        return (0,)
    exponent = int(exp + length)
    if abs(exponent) > FAR:
        return (sign, exponent > 0)
    shift = int(length) - BITS
    man = int(man)
    if shift <= 0:
        return (sign, exponent, man << -shift, False)
    return (sign, exponent, man >> shift, bool(man & ((1 << shift) - 1)))


def is_close_to_a_number(value: Any, digits: int) -> bool:
    """Whether the error of `digits` digits might move it onto or over one of the numbers."""
    sign, man, exp, length = value._mpf_
    del sign, exp
    if not man or int(length) <= BITS:
        return True
    rest = int(length) - BITS
    tail = int(man) & ((1 << rest) - 1)
    margin = 1 << max(rest - int(3.2 * (digits - 8)) + BITS, 1)
    return tail < margin or tail > (1 << rest) - margin


def exact_place(name: str, x: float) -> tuple[Any, ...]:
    """Where name(x) lies, by mpmath, with as many digits as it takes."""
    rational = x == 0 or RATIONAL.get(name, lambda _: False)(x)
    for digits in (40, 90, 300):
        with mp.workdps(digits):
            value = FUNCTIONS[name](mpf(x))
            if value != 0 and abs(mp.frexp(value)[1]) > FAR:
                return place(value)
            if rational:
                return place(mpf(float(value)))
            if not is_close_to_a_number(value, digits):
                return place(value)
    limit, side = BEYOND[name](x)
    with mp.workdps(100):
        assert abs(value - mpf(limit)) < mpf(10) ** -200
        return place(mpf(limit) + mpf(side) * abs(mpf(limit)) * mpf(2) ** -200)


def plain(name: str) -> Any:
    """The function of functions_oracle without the digits it sets, or one of mpmath."""
    if name in OF_LIBRARY:
        return getattr(mp, name)
    return EXACT_FUNCTIONS[name].__closure__[1].cell_contents


FUNCTIONS = {name: plain(name) for name in EXACT}


def arguments(carrier: str) -> np.ndarray:
    x = ff.decode(np.arange(1 << 16, dtype=np.uint16), carrier).astype(np.float64)
    return x[np.isfinite(x)]


def settled(name: str, x: np.ndarray) -> np.ndarray:
    """The float64 that is rounded: a format of 53 bits would show it, a wide custom one does."""
    from fewbits.formats._functions import _kernel

    return _kernel(name, [np.ascontiguousarray(x)])


def failures(name: str, x: np.ndarray) -> list[float]:
    """Arguments whose result would be rounded wrongly in some mode to some format of 24 bits or fewer."""
    inside = DOMAIN.get(name, lambda _: True)
    x = np.array([v for v in x.tolist() if inside(v)])
    y = settled(name, x).tolist()
    return [v for v, got in zip(x.tolist(), y, strict=True) if place(mpf(got)) != exact_place(name, v)]


@pytest.mark.parametrize("name", EXACT)
def test_a_sample_of_arguments(name: str) -> None:
    x = np.concatenate([arguments("float16")[::131], arguments("bfloat16")[::131]])
    assert failures(name, x) == []
    hard = [0.0, -0.0, 1.0, -1.0, 2.0**-133, -(2.0**-133), 2.0**-26, 64.0, 1e4, -1e4, 3e38, -3e38, 27.0, 0.25]
    assert failures(name, np.array(hard)) == []


@pytest.mark.parametrize("name", EXACT)
def test_arguments_of_float32(name: str) -> None:
    """Chance spoils one in 2^28; the limits have their rules for 24 bits, too."""
    rng = np.random.default_rng(3)
    n, sign = 150, [-1, 1]
    spread = rng.uniform(1, 2, n) * 2.0 ** rng.integers(-60, 12, n) * rng.choice(sign, n)
    short = rng.choice([1, 3, 5, 255, 4097, 65537], n) * 2.0 ** rng.integers(-40, 6, n) * rng.choice(sign, n)
    near_one = 1 + rng.integers(-40, 40, n) * 2.0**-23
    x = np.concatenate([spread, short, near_one]).astype(np.float32).astype(np.float64)
    assert failures(name, x) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("carrier", ["float16", "bfloat16"])
def test_all_arguments_of_16_bits(name: str, carrier: str) -> None:
    assert failures(name, arguments(carrier)) == []


def exact_power(x: float, y: float) -> tuple[Any, ...] | None:
    """Where x^y lies; None outside the real domain."""
    if x == 0 or (x < 0 and not y.is_integer()):
        return None
    sign = -1 if x < 0 and y % 2 == 1 else 1
    a, (n, d) = Fraction(abs(x)), Fraction(y).as_integer_ratio()
    for digits in (40, 300):
        with mp.workdps(digits):
            value = mpf(abs(x)) ** mpf(y)
            if abs(mp.frexp(value)[1]) > FAR or not is_close_to_a_number(value, digits):
                return place(sign * value)
    # A rational near one of the numbers is that number.
    nearest = Fraction(float(value))
    assert nearest**d == a**n
    return place(mpf(sign * float(value)))


def power_failures(name: str, step: int = 1) -> list[tuple[float, float]]:
    values = ff.get(name).values()
    values = values[np.isfinite(values)]
    x, y = (v.reshape(-1)[::step] for v in np.meshgrid(values, values))
    from fewbits.formats._functions import _kernel

    got = _kernel("pow", [np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)])
    wrong = []
    for a, b, c in zip(x.tolist(), y.tolist(), got.tolist(), strict=True):
        want = exact_power(a, b)
        if want is None:
            assert a == 0 or math.isnan(c)
        elif place(mpf(c)) != want:
            wrong.append((a, b))
    return wrong


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_a_sample_of_powers(name: str) -> None:
    assert power_failures(name, 53) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "float8_e3m4"])
def test_all_powers_of_8_bits(name: str) -> None:
    assert power_failures(name) == []


@pytest.mark.parametrize("name", OF_LIBRARY)
def test_kernels_of_the_library(name: str) -> None:
    """The bound that functions/library.hpp states."""
    from fewbits._core import functions

    rng = np.random.default_rng(1)
    inside = DOMAIN.get(name, lambda _: True)
    low, high = (0, 120) if name == "acosh" else (-40, 8)
    drawn = rng.uniform(1, 2, 3000) * 2.0 ** rng.integers(low, high, 3000) * rng.choice([-1, 1], 3000)
    x = np.array([v for v in drawn.astype(np.float32).astype(np.float64).tolist() if inside(v)])
    y = np.empty_like(x)
    getattr(functions, f"{name}_f64")(x, y, False)
    worst = 0.0
    with mp.workdps(60):
        for argument, got in zip(x.tolist(), y.tolist(), strict=True):
            exact = FUNCTIONS[name](mpf(argument))
            exponent = int(mp.frexp(exact)[1])
            if -1021 < exponent <= 1023:
                worst = max(worst, float(abs(exact - mpf(got)) / mpf(2) ** (exponent - 53)))
    assert worst <= 0.7


def angle_failures(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Finite pairs (y, x) but (0, x) whose angle would be rounded wrongly."""
    from fewbits.formats._functions import _kernel

    y, x = (np.array(v, np.float64) for v in zip(*pairs, strict=True))
    wrong = []
    for a, b, got in zip(y.tolist(), x.tolist(), _kernel("atan2", [y, x]).tolist(), strict=True):
        with mp.workdps(300):
            if place(mpf(got)) != place(mp.atan2(mpf(a), mpf(b))):
                wrong.append((a, b))
    return wrong


def test_angles_of_points() -> None:
    rng = np.random.default_rng(6)
    values = ff.get("float8_e5m2").values()
    values = values[np.isfinite(values) & (values != 0)].tolist()
    assert angle_failures([(y, x) for y in values[::3] for x in values[::3]]) == []
    drawn = rng.normal(size=(400, 2)) * 2.0 ** rng.integers(-120, 120, (400, 2))
    spread = drawn.astype(np.float32).astype(np.float64)
    assert angle_failures([tuple(p) for p in spread.tolist()]) == []
    # Quotients that are numbers of the format, so small that the angle is one to 2^-60.
    short = [
        (k * 2.0**-e, s * 2.0**f) for k in (1, 3, -5) for e in (40, 100) for f in (0, 50) for s in (1, -1)
    ]
    assert angle_failures(short) == []


ENDS = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 2.0, -2.0, 0.5, 1e-30, -1e-30, 1e30, -1e30]


def test_ends_of_the_domains() -> None:
    """Against Python's own library where it answers; NaN or a pole where it raises."""

    def reference(function: Any, *values: float) -> float:
        try:
            return float(function(*values))
        except ValueError:
            return math.inf if function is math.gamma and values[0] == 0 else math.nan
        except OverflowError:
            # Python raises for what C makes infinite, of the sign of an odd function.
            return math.copysign(math.inf, values[0]) if function is math.sinh else math.inf

    for name in ("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "gamma"):
        got = ff.evaluate(name, ENDS, format="bfloat16").tolist()
        for x, y in zip(ENDS, got, strict=True):
            argument = ff.round_to([x], "bfloat16").item()
            want = reference(getattr(math, name), argument)
            if name == "gamma" and x == 0:
                want = math.copysign(math.inf, x)
            if name == "atanh" and abs(x) == 1:
                want = math.copysign(math.inf, x)
            np.testing.assert_equal(y, ff.round_to([want], "bfloat16").item(), err_msg=f"{name}({x})")
    for a in ENDS:
        for b in ENDS:
            got = ff.evaluate("atan2", a, b, format="tf32").item()
            c, d = ff.round_to([a, b], "tf32").tolist()
            np.testing.assert_equal(got, ff.round_to([math.atan2(c, d)], "tf32").item(), err_msg=f"{a} {b}")


def test_the_record_is_right_and_shown() -> None:
    record = json.loads(RECORD.read_text())
    assert set(record["functions"]) == set(EXACT)
    for counts in record["functions"].values():
        assert counts["float16"]["wrong"] == counts["bfloat16"]["wrong"] == 0
    assert all(counts["wrong"] == 0 for counts in record["pow"].values())
    total = sum(c[k]["arguments"] for c in record["functions"].values() for k in ("float16", "bfloat16"))
    page = " ".join((Path(__file__).parents[2] / "docs/formats.md").read_text().split())
    assert f"{total:,}".replace(",", " ") + " arguments" in page


MODES = [m for m in ff.roundings() if "stochastic" not in m and "random" not in m and m != "jam"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "tf32", "float32"])
def test_one_rounding_in_every_mode(name: str, mode: str) -> None:
    f = ff.get(name)
    x = ff.emulated(np.linspace(-3, 3, 25), name, rounding=mode)
    for function in ("exp", "sin", "erf", "softplus", "cbrt"):
        with mp.workdps(60):
            exact = [FUNCTIONS[function](mpf(v)) for v in x.tolist()]
            rational = [Fraction(int(mp.floor(v * mpf(2) ** 190)), 2**190) for v in exact]
        got = ff.evaluate(function, x)
        want = [
            round_fraction(q if v != 0 else Fraction(0), f, mode)
            for q, v in zip(rational, exact, strict=True)
        ]
        # x = 0 and exact results lie on a number already; the floor above keeps them.
        np.testing.assert_array_equal(got.values, want, err_msg=f"{function} {mode}")


def test_stochastic_rounding_has_the_mean_of_the_function() -> None:
    x = ff.emulated(np.full(200_000, 1.25), "bfloat16", rounding="stochastic", seed=3)
    y = ff.evaluate("exp", x).values.astype(np.float64)
    assert set(np.unique(y)) == {3.484375, 3.5}
    sigma = 0.015625 / 2 / math.sqrt(y.size)
    assert abs(y.mean() - math.exp(1.25)) < 5 * sigma


def test_numpy_functions() -> None:
    x = ff.emulated([0.5, 1.0, 2.5], "float16")
    y = ff.emulated([3.0, -1.0, 0.75], x.context)
    for ufunc in (np.exp, np.log, np.log1p, np.sin, np.tanh, np.cbrt, np.floor, np.rint):
        want = ff.evaluate(ufunc.__name__, x)
        np.testing.assert_array_equal(ufunc(x).values, want.values)
    for name in ("sin", "cos", "tan", "sinh", "tanh"):
        z = x / 4
        np.testing.assert_array_equal(getattr(np, f"arc{name}")(z).values, ff.evaluate(f"a{name}", z).values)
    np.testing.assert_array_equal(np.arccosh(x + 1).values, ff.evaluate("acosh", x + 1).values)
    np.testing.assert_array_equal(np.arctan2(x, y).values, ff.evaluate("atan2", x, y).values)
    for ufunc in (np.tan, np.sinh, np.cosh):
        np.testing.assert_array_equal(ufunc(x).values, ff.evaluate(ufunc.__name__, x).values)
    for ufunc in (np.hypot, np.fmod, np.fmax, np.copysign, np.nextafter):
        want = ff.evaluate(ufunc.__name__, x, y)
        np.testing.assert_array_equal(ufunc(x, y).values, want.values)
    np.testing.assert_array_equal(np.power(x, y).values, ff.evaluate("pow", x, y).values)
    np.testing.assert_array_equal((x**3).values, ff.evaluate("pow", x, 3.0).values)
    np.testing.assert_array_equal((2.0**x).values, ff.evaluate("exp2", x).values)
    np.testing.assert_array_equal((x**2).values, (x * x).values)
    fraction, exponent = np.frexp(x)
    np.testing.assert_array_equal(np.ldexp(fraction, exponent).values, x.values)
    fraction, whole = np.modf(x)
    np.testing.assert_array_equal((fraction + whole).values, x.values)


SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 65504.0, -(2.0**-24), 0.5, 2.5, -3.5]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e5m2"])
def test_exact_functions_are_those_of_c(name: str) -> None:
    rng = np.random.default_rng(4)
    drawn = rng.normal(size=600) * 2.0 ** rng.integers(-14, 14, 600)
    x = ff.emulated([*SPECIAL, *drawn.tolist()], name)
    y = ff.emulated([*SPECIAL[::-1], *rng.permutation(drawn).tolist()], x.context)
    a, b = x.values.astype(np.float64), y.values.astype(np.float64)

    def each(function: Any, *arrays: np.ndarray) -> np.ndarray:
        def one(*values: float) -> float:
            try:
                return float(function(*values))
            except ValueError:
                return math.nan

        return np.array([one(*values) for values in zip(*(v.tolist() for v in arrays), strict=True)])

    def bits(v: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(v), np.nan, v.astype(np.float64)).view(np.uint64)

    def check(function: str, want: np.ndarray, *operands: Any) -> None:
        got = ff.evaluate(function, *operands).values
        want = ff.round_to(want, name)
        np.testing.assert_array_equal(bits(got), bits(want), err_msg=function)

    with np.errstate(all="ignore"):
        for function in ("floor", "ceil", "trunc", "rint"):
            check(function, getattr(np, function)(a), x)
        away = [math.copysign(math.floor(abs(v) + 0.5), v) if math.isfinite(v) else v for v in a.tolist()]
        check("round", np.array(away), x)
        check("fmod", each(math.fmod, a, b), x, y)
        check("remainder", each(math.remainder, a, b), x, y)
        check("copysign", np.copysign(a, b), x, y)
        check("fdim", np.where(a <= b, 0.0, a - b), x, y)
        want = np.where(np.isfinite(a) & (a != 0), np.frexp(np.where(a == 0, 1, a))[1] - 1.0, a * a)
        check("logb", np.where(a == 0, -np.inf, want), x)
        zeros, minus = (a == 0) & (b == 0), np.signbit(np.stack([a, b]))
        check("fmax", np.where(zeros, np.where(minus.all(axis=0), -0.0, 0.0), np.fmax(a, b)), x, y)
        check("fmin", np.where(zeros, np.where(minus.any(axis=0), -0.0, 0.0), np.fmin(a, b)), x, y)


def test_remainder_ties_to_even() -> None:
    x = ff.emulated([1.0, 3.0, 5.0, -1.0, -3.0, 6.0, 7.0], "float16")
    want = [math.remainder(v, 2.0) for v in x.tolist()]
    assert ff.evaluate("remainder", x, 2.0).tolist() == want
    assert ff.evaluate("remainder", x, math.inf).tolist() == x.tolist()


@pytest.mark.parametrize("mode", ["nearest_even", "toward_zero", "toward_positive", "to_odd"])
def test_hypot_is_one_rounding(mode: str) -> None:
    rng = np.random.default_rng(5)
    f = ff.get("bfloat16")
    x, y = (
        ff.emulated(rng.normal(size=300) * 2.0 ** rng.integers(-20, 20, 300), "bfloat16", rounding=mode)
        for _ in range(2)
    )
    got = ff.evaluate("hypot", x, y).tolist()
    for a, b, c in zip(x.tolist(), y.tolist(), got, strict=True):
        square = Fraction(a) ** 2 + Fraction(b) ** 2
        scaled = square * 4**200
        root = math.isqrt(scaled.numerator // scaled.denominator)
        exact = Fraction(root, 2**200)
        if exact**2 != square:
            exact += Fraction(1, 2**202)
        assert c == round_fraction(exact, f, mode)


@pytest.mark.parametrize("name", ["float16", "float8_e4m3fn", "float4_e2m1fn", "binary8p3se"])
def test_nextafter_walks_the_values(name: str) -> None:
    f = ff.get(name)
    values = f.values()
    values = values[np.isfinite(values)]
    x = ff.emulated(values, name)
    up, down = (ff.evaluate("nextafter", x, to) for to in (float(values[-1]), float(values[0])))
    np.testing.assert_array_equal(up.values[:-1], values[1:])
    np.testing.assert_array_equal(down.values[1:], values[:-1])
    assert up.values[-1] == values[-1]
    assert down.values[0] == values[0]
    beyond = ff.evaluate("nextafter", ff.emulated(math.inf, "float16"), 0.0)
    assert beyond.item() == 65504.0


def test_frexp_ldexp_and_classes() -> None:
    x = ff.emulated([0.0, -0.0, 2.0**-24, -65504.0, math.inf, math.nan, 2.0**-14], "float16")
    fraction, exponent = ff.frexp(x)
    np.testing.assert_array_equal(exponent, [0, 0, -23, 16, 0, 0, -13])
    np.testing.assert_array_equal(ff.ldexp(fraction, exponent).values, x.values)
    assert ff.classify(x).tolist() == [
        "zero", "zero", "subnormal", "normal", "infinite", "nan", "normal",
    ]  # fmt: skip
    assert ff.classify([0.01, -0.0], "float8_e4m3fn").tolist() == ["subnormal", "zero"]
    far = ff.ldexp(ff.emulated([1.0, -1.0, 1.5], "float16"), [100_000, -100_000, -24])
    assert far.tolist() == [math.inf, 0.0, 2 * 2.0**-24]
    assert math.copysign(1, far.tolist()[1]) == -1
    # One rounding, not one at every halving.
    down = ff.ldexp(ff.emulated(1 + 2.0**-10, "float16", rounding="toward_positive"), -24)
    assert down.item() == 2 * 2.0**-24


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float8_e4m3fn", "binary8p3se", "float8_e5m2fnuz"])
def test_long_arrays_are_their_elements(name: str) -> None:
    """Long arrays are looked up in a table of all codes; pieces of them are computed."""
    f = ff.get(name)
    codes = np.arange(1 << f.bits, dtype=f.code_dtype)
    for mode in ("nearest_even", "toward_negative", "to_odd"):
        context = ff.Context(f, rounding=mode)
        x = ff.EmulatedArray(ff.decode(codes, f, dtype=context.dtype), context)
        for function in ("exp", "log", "erfc", "gelu"):
            pieces = [ff.evaluate(function, x[i::8]).values for i in range(8)]
            for _ in range(2):  # the second time the table stands
                whole = ff.evaluate(function, x.reshape(2, -1)).values.reshape(-1)
                for i, piece in enumerate(pieces):
                    np.testing.assert_array_equal(whole[i::8], piece)
                    np.testing.assert_array_equal(np.signbit(whole[i::8]), np.signbit(piece))
    assert not ff.Context(f, rounding="stochastic")._tabulates
    assert not ff.Context("float4_e2m1fn")._tabulates


def test_flushed_inputs() -> None:
    x = ff.emulated([2.0**-20, -(2.0**-20)], ff.Context("float16", flush_inputs=True))
    y = ff.EmulatedArray(np.array([2.0**-20, -(2.0**-20)], np.float32), x.context)
    assert ff.evaluate("sin", y).tolist() == [0.0, 0.0]
    assert np.signbit(ff.evaluate("sin", y).values).tolist() == [False, True]


def test_wide_formats() -> None:
    x = ff.emulated([1.0, 2.0], "float64")
    from fewbits import functions

    np.testing.assert_array_equal(np.exp(x).values, functions.exp(x.values))
    with pytest.raises(ArgumentError, match="rounding must be to nearest"):
        np.exp(ff.emulated([1.0], "float64", rounding="toward_zero"))
    assert ff.evaluate("add", x, 1).tolist() == [2.0, 3.0]
    assert ff.evaluate("fma", x, 2, 1).tolist() == [3.0, 5.0]
    assert ff.evaluate("sqrt", [4.0], format="float64").tolist() == [2.0]


def test_bad_arguments() -> None:
    x = ff.emulated([1.0], "float16")
    with pytest.raises(ArgumentError, match=r"formats\.evaluate: function must be one of .* got 'tgamma'"):
        ff.evaluate("tgamma", x)
    with pytest.raises(ArgumentError, match=r"pow must have 2 operands, got 1"):
        ff.evaluate("pow", x)
    with pytest.raises(ArgumentError, match=r"exp must have 1 operand, got 2"):
        ff.evaluate("exp", x, x)
    with pytest.raises(TypeError, match="format must be given"):
        ff.evaluate("exp", 1.0)
    with pytest.raises(TypeError, match="one format"):
        ff.evaluate("pow", x, ff.emulated([1.0], "bfloat16"))
    with pytest.raises(TypeError, match="format must be that of the operands"):
        ff.evaluate("exp", x, format="bfloat16")
    with pytest.raises(TypeError, match="numbers or arrays of format"):
        ff.evaluate("pow", x, np.ones(1))
    with pytest.raises(TypeError, match="x must be an EmulatedArray"):
        ff.frexp(np.ones(1))
    with pytest.raises(TypeError, match="exponent must have"):
        ff.ldexp(x, 0.5)
    with pytest.raises(TypeError, match="format must be given for a plain array"):
        ff.classify([1.0])


def main(names: list[str]) -> None:
    record: dict[str, Any] = {"bits": BITS, "functions": {}, "pow": {}}
    if RECORD.exists():
        record.update(json.loads(RECORD.read_text()))
    for name in names or EXACT:
        begin = time.perf_counter()
        counts = {}
        for carrier in ("float16", "bfloat16"):
            x = arguments(carrier)
            x = x[[DOMAIN.get(name, lambda _: True)(v) for v in x.tolist()]]
            wrong = failures(name, x)
            counts[carrier] = {"arguments": int(x.size), "wrong": len(wrong)}
            if wrong:
                print(name, carrier, wrong[:10], file=sys.stderr)
        record["functions"][name] = counts
        print(name, counts, f"{time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    if not names:
        for name in ("float8_e4m3fn", "float8_e5m2", "float8_e3m4"):
            count = np.isfinite(ff.get(name).values()).sum() ** 2
            record["pow"][name] = {"arguments": int(count), "wrong": len(power_failures(name))}
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
