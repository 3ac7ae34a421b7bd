"""The grid of a format around given numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import round_to, wide

__all__ = ["is_representable", "neighbours", "spacing"]


def _as_float64(function: str, x: ArrayLike) -> NDArray[np.float64]:
    array = as_numbers(function, "x", x)
    if array.dtype.kind in "iu" and array.size and max(int(array.max()), -int(array.min())) >> 53:
        raise ArgumentError(f"{function}: x must hold integers up to 2^53")
    return wide(array).astype(np.float64, copy=False).reshape(array.shape)


def neighbours(x: ArrayLike, format: str | FloatFormat) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The values of `format` next below and next above each element of `x`.

    Parameters
    ----------
    x : array_like, any shape
        Any finite or infinite numbers, values of the format or not; NaN gives NaN.
    format : str or FloatFormat

    Returns
    -------
    below, above : ndarray of float64, shape of `x`
        The largest value less than x and the smallest greater; the infinities count as values where the
        format has them, and NaN stands where there is none.

    Notes
    -----
    Exact.

    Examples
    --------
    >>> [side.tolist() for side in neighbours([1.0, 1.1, 6.0], "float4_e2m1fn")]
    [[0.5, 1.0, 4.0], [1.5, 1.5, nan]]
    """
    f = get(format)
    values = _as_float64("formats.neighbours", x)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        below, above = np.nextafter(values, -np.inf), np.nextafter(values, np.inf)
    results = []
    for toward, target, mode in ((-1, below, "toward_negative"), (1, above, "toward_positive")):
        # Clipped, every element rounds inside the range; what lies beyond is put right after.
        inside = np.clip(np.where(np.isnan(target), f.max, target), f._lowest, f.max)
        rounded = round_to(inside, f, rounding=mode) + 0.0
        past = target > f.max if toward > 0 else target < f._lowest
        has_end = f.has_inf and (f.is_signed or toward > 0)
        at_end = np.isinf(values) & (np.sign(values) == toward)
        rounded = np.where(past, np.where(at_end, np.nan, toward * np.inf) if has_end else np.nan, rounded)
        results.append(np.where(np.isnan(values), np.nan, rounded))
    return results[0], results[1]


def spacing(x: ArrayLike, format: str | FloatFormat) -> NDArray[np.float64]:
    """The distance between values of `format` in the binade of each element of `x`.

    Parameters
    ----------
    x : array_like, any shape
    format : str or FloatFormat

    Returns
    -------
    ndarray of float64, shape of `x`
        2^(max(e, emin) - (p - 1)) with e the exponent of x; without subnormals 2^emin below 2^emin; NaN for
        NaN and infinities. Numbers beyond the largest value count as in its binade.

    Notes
    -----
    Exact.

    Examples
    --------
    >>> spacing([0.0, 1.0, 447.0, 1e9], "float8_e4m3fn").tolist()
    [0.001953125, 0.125, 32.0, 32.0]
    """
    f = get(format)
    values = np.abs(_as_float64("formats.spacing", x))
    finite = np.isfinite(values)
    if f.is_fixed:
        steps = np.full(values.shape, f.epsilon)
    else:
        exponents = np.frexp(np.where(finite, values, 0))[1] - 1
        exponents = np.where(values > 0, exponents, f.min_exponent - 1)
        exponents = np.minimum(exponents, f.max_exponent)
        steps = np.ldexp(1.0, np.maximum(exponents, f.min_exponent) - (f.precision - 1))
        least = np.ldexp(1.0, f._quantum_exponent)
        steps = np.where(exponents < f.min_exponent, least, steps)
    result: NDArray[np.float64] = np.where(finite, steps, np.nan)
    return result


def is_representable(x: ArrayLike, format: str | FloatFormat) -> NDArray[np.bool_]:
    """Whether each element of `x` is a value of `format`, infinity and NaN where it has them, and zeros of
    either sign where it has that.

    Parameters
    ----------
    x : array_like, any shape
    format : str or FloatFormat

    Returns
    -------
    ndarray of bool, shape of `x`

    Examples
    --------
    >>> is_representable([1.0, 1.1, -0.0, float("inf")], "float8_e4m3fn").tolist()
    [True, False, True, False]
    """
    f = get(format)
    values = _as_float64("formats.is_representable", x)
    finite = np.isfinite(values)
    inside = finite & (values >= f.min) & (values <= f.max)
    if not f.has_zero:
        inside &= values > 0
    tried = np.where(inside, values, f.max)
    # No mode but toward_zero: below the least value of a format without zero it stays outside.
    same: Any = inside & (round_to(tried, f, rounding="toward_zero") == tried)
    if not f.has_neg_zero:
        same &= ~((values == 0) & np.signbit(values))
    has_inf = np.isinf(values) & f.has_inf & (f.is_signed | (values > 0))
    result: NDArray[np.bool_] = same | has_inf | (np.isnan(values) & (f.nan != "none"))
    return result
