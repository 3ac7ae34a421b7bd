"""The rounding rules in exact rationals, element by element: what the kernels are compared with.

Nothing here comes from fewbits but the field names of a format; codes are unpacked and rounded from the
definitions of the standards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

NAN, INF = math.nan, math.inf


@dataclass
class How:
    rounding: str = "nearest_even"
    saturate: str = "none"
    subnormal: str = "gradual"
    nan: str = "keep"
    random_bits: int | None = None
    variant: str = "c"


class Refused(Exception):
    """The policy asks for an error."""


def half_even(d: Fraction) -> int:
    return round(d)  # Fraction rounds half to even


def up(how: How, d: Fraction, *, odd: bool, negative: bool, draw: int, drawn: int) -> bool:
    """Whether the magnitude goes up; `draw` are `drawn` random bits."""
    half = Fraction(1, 2)
    if how.rounding == "jam":
        return not odd
    if d == 0:
        return False
    if how.rounding.startswith("nearest"):
        tie = {
            "even": odd,
            "odd": not odd,
            "away": True,
            "zero": False,
            "up": not negative,
            "down": negative,
        }[how.rounding.partition("_")[2]]
        return d > half or (d == half and tie)
    if how.rounding == "stochastic":
        if how.random_bits is None:
            return Fraction(draw, 1 << drawn) >= 1 - d
        n = how.random_bits
        r = draw >> (drawn - n)
        scaled = d * 2**n
        return {
            "a": math.floor(scaled) + r >= 2**n,
            "b": scaled + r + half >= 2**n,
            "c": half_even(scaled) + r >= 2**n,
        }[how.variant]
    top = bool(draw >> (drawn - 1))
    return {
        "toward_zero": False,
        "away_from_zero": True,
        "toward_positive": not negative,
        "toward_negative": negative,
        "to_odd": not odd,
        "stochastic_equal": top,
        "random_directed": top != negative,
    }[how.rounding]


def round_one(x: Any, f: Any, how: How, draw: int = 0, drawn: int = 96) -> float:
    """The rounded value of one float or int."""
    random = how.rounding in ("stochastic", "stochastic_equal", "random_directed")
    nearest = how.rounding.startswith("nearest") or random
    clamps = how.saturate == "finite"
    negative = math.copysign(1.0, x) < 0 if isinstance(x, float) else x < 0
    signed_nan = f.is_signed and f.nan in ("ieee", "outer")

    def not_a_number(sign: bool) -> float:
        if f.nan != "none" and how.nan != "error":
            return math.copysign(NAN, -1.0 if sign and signed_nan else 1.0)
        if how.nan == "zero":
            return -0.0 if sign and f.has_neg_zero else 0.0
        if how.nan == "max":
            return f.min if sign and f.is_signed else f.max
        if how.nan == "ml_dtypes":
            return -0.0 if f.has_neg_zero and not sign else 0.0
        raise Refused

    def clamp() -> float:
        return f.min if negative else f.max

    def zero() -> float:
        if not f.has_zero:
            return f.smallest_subnormal if how.saturate in ("finite", "propagate") else not_a_number(False)
        return -0.0 if negative and f.has_neg_zero else 0.0

    def infinite() -> float:
        if negative and not f.is_signed:
            return 0.0 if clamps or f.is_fixed else NAN if f.nan != "none" else not_a_number(True)
        if clamps:
            return clamp()
        if f.has_inf:
            return -INF if negative else INF
        return math.copysign(NAN, -1.0 if negative and signed_nan else 1.0) if f.nan != "none" else clamp()

    if isinstance(x, float) and math.isnan(x):
        return not_a_number(negative)
    if isinstance(x, float) and math.isinf(x):
        return infinite()
    if x == 0:
        return zero()

    # |x| = significand 2^unit, exactly.
    numerator, denominator = x.as_integer_ratio()
    significand, unit = abs(numerator), 1 - denominator.bit_length()
    t = f.precision - 1
    e = significand.bit_length() - 1 + unit
    small = e < f.min_exponent
    if f.is_fixed or (small and f.has_subnormal and how.subnormal == "gradual"):
        exponent = f.min_exponent - t
    elif small and how.subnormal != "flush":
        exponent = f.min_exponent if f.precision > 1 else f.min_exponent - t
    else:
        exponent = e - t
    drop = exponent - unit
    n, rest = divmod(significand, 1 << drop) if drop > 0 else (significand << -drop, 0)
    d = Fraction(rest, 1 << drop) if rest else Fraction(0)
    code = n
    if f.precision == 1:
        code = n + (exponent - f.min_exponent) + (0 if f.has_zero else 1)
    if up(how, d, odd=code % 2 == 1, negative=negative, draw=draw, drawn=drawn):
        n += 1
    huge = n.bit_length() > 60 or n.bit_length() + exponent > 1024
    r = INF if huge else math.ldexp(n, exponent)
    if not f.has_zero:
        if negative:
            return f.smallest_subnormal if how.saturate in ("finite", "propagate") else NAN
        r = max(r, math.ldexp(1.0, f.min_exponent))
    elif r == 0 or (how.subnormal == "flush" and not f.is_fixed and r < math.ldexp(1.0, f.min_exponent)):
        return zero()
    inwards = (
        how.rounding in ("toward_zero", "to_odd", "jam")
        or (how.rounding == "toward_positive" and negative)
        or (how.rounding == "toward_negative" and not negative)
    )
    assert inwards or nearest or how.rounding in ("away_from_zero", "toward_positive", "toward_negative")
    if negative and not f.is_signed:
        quiet = how.saturate != "none" or f.is_fixed or how.rounding in ("toward_zero", "toward_positive")
        return 0.0 if quiet else NAN if f.nan != "none" else not_a_number(True)
    if r > (-f.min if negative else f.max):
        return clamp() if how.saturate != "none" or inwards else infinite()
    return -r if negative else r


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Elementwise: equal bits."""
    kind = np.uint32 if a.dtype == np.float32 else np.uint64
    return a.view(kind) == b.astype(a.dtype).view(kind)


def round_many(x: np.ndarray, f: Any, how: How, draws: np.ndarray | None = None) -> np.ndarray:
    """The definition on whole arrays of float64, for finite x with at most 24 significant bits: exact there.

    Gradual underflow; a signed format with zero; no saturation or "finite"; `draws` are the `random_bits` of
    limited stochastic rounding.
    """
    a = np.abs(x)
    e = np.where(a > 0, np.frexp(a)[1] - 1, f.min_exponent)
    t = f.precision - 1
    e = np.full_like(e, f.min_exponent) if f.is_fixed else np.maximum(e, f.min_exponent)
    scaled = np.ldexp(a, t - e)
    n = np.floor(scaled)
    d = scaled - n
    negative = np.signbit(x)
    odd = (n if f.precision > 1 else np.where(n == 0, 0, n + e - f.min_exponent)) % 2 == 1
    tie = {"even": odd, "odd": ~odd, "away": True, "zero": False, "up": ~negative, "down": negative}
    if how.rounding.startswith("nearest"):
        goes_up = (d > 0.5) | ((d == 0.5) & tie[how.rounding.partition("_")[2]])
    elif how.rounding == "stochastic":
        assert draws is not None
        assert how.random_bits is not None
        steps = 2.0**how.random_bits
        fraction = {"a": np.floor(d * steps), "b": np.floor(d * steps + 0.5), "c": np.rint(d * steps)}
        goes_up = (d > 0) & (fraction[how.variant] + draws >= steps)
    else:
        inexact = d > 0
        goes_up = {
            "toward_zero": np.zeros_like(inexact),
            "away_from_zero": inexact,
            "toward_positive": inexact & ~negative,
            "toward_negative": inexact & negative,
            "to_odd": inexact & ~odd,
            "jam": ~odd & (a > 0),
        }[how.rounding]
    r = np.ldexp(n + goes_up, e - t)
    largest = np.where(negative, -f.min, f.max)
    over = np.full_like(r, INF if f.has_inf else NAN if f.nan != "none" else 0)
    if how.saturate == "finite" or not (f.has_inf or f.nan != "none"):
        over = largest
    inwards = how.rounding in ("toward_zero", "to_odd", "jam")
    stops = inwards | (how.rounding == "toward_positive") & negative
    stops = stops | (how.rounding == "toward_negative") & ~negative
    r = np.where(r > largest, np.where(stops, largest, over), r)
    r = np.where(negative, -r, r)
    return r if f.has_neg_zero else r + 0.0
