"""Soft errors: bits of codes flipped at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real, seed_value
from fewbits._core import formats as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.formats._codes import decode, encode
from fewbits.formats._registry import FloatFormat, get, require_codes

__all__ = ["flip_bits", "flip_exact_count"]

_MASK64 = (1 << 64) - 1


def _bit_range(function: str, f: FloatFormat, where: str | int) -> tuple[int, int]:
    """First bit and number of bits that may flip."""
    if where == "any":
        return 0, f.bits
    if where == "fraction":
        fraction = f.bits - int(f.is_signed) if f.is_fixed else f.precision - 1
        if fraction == 0:
            raise ArgumentError(f"{function}: where must be 'any' or a bit: {f.name!r} has no fraction")
        return 0, fraction
    if isinstance(where, str):
        raise ArgumentError(
            f"{function}: where must be 'any', 'fraction' or the number of a bit, got {where!r}"
        )
    return integer(function, "where", where, 0, f.bits - 1), 1


def _flip(
    function: str,
    x: ArrayLike,
    format: str | FloatFormat,
    flip: Any,
    *,
    where: str | int,
    rounding: str | None,
) -> NDArray[Any]:
    f = get(format)
    require_codes(function.removeprefix("formats."), f)
    array = as_numbers(function, "x", x)
    wanted = np.dtype(np.float64) if array.dtype.kind in "iu" else array.dtype
    if wanted == np.float32 and not f._core.fits_float32:
        raise ArgumentError(f"{function}: format {f.name!r} does not fit float32: pass float64")
    if wanted.itemsize <= 2 and not _core.holds(get(wanted.name)._core, f._core):
        raise ArgumentError(f"{function}: format {f.name!r} does not fit {wanted}: pass float32")
    first_bit, bits = _bit_range(function, f, where)
    codes = encode(array, f, rounding=rounding)
    flip(codes.reshape(-1), f._core, first_bit, bits)
    values = decode(codes, f, dtype=wanted if wanted in (np.float32, np.float64) else None)
    return values.astype(wanted, copy=False)


def flip_bits(
    x: ArrayLike,
    format: str | FloatFormat,
    probability: float,
    *,
    where: str | int = "any",
    rounding: str | None = None,
    seed: int | np.random.Generator = 0,
    stream: int = 0,
    first: int = 0,
) -> NDArray[Any]:
    """Round `x` to `format` and flip one bit of each code with a probability.

    Parameters
    ----------
    x : array_like, any shape
        As for `round_to`.
    format : str or FloatFormat
        One with codes.
    probability : float, 0 to 1
        Of one flipped bit, for each element alone.
    where : ``"any"``, ``"fraction"`` or int
        Which bit: any of the code; any of the trailing field (for fixed point: below the sign); or this one,
        0 the lowest.
    rounding : str
        As for `round_to`, deterministic modes.
    seed : int or numpy.random.Generator
    stream, first : int
        Element i reads draws ``first + i`` of the stream: pieces done apart equal the whole.

    Returns
    -------
    ndarray, shape of `x`
        dtype of `x`; float64 for integers. Infinity and NaN may appear unless `where` is ``"fraction"``.

    Raises
    ------
    ArgumentError
        A probability outside [0, 1], a bit the format has not, a format without codes; as `round_to`.

    Notes
    -----
    Exact, and the same on every machine. chop flips bits of the fraction alone, pychop a bit of every element
    whatever the probability.

    Examples
    --------
    >>> flip_bits([1.0] * 6, "float4_e2m1fn", 0.5, where=3, seed=2).tolist()
    [-1.0, -1.0, -1.0, -1.0, 1.0, -1.0]
    >>> flip_bits([1.0, -2.0], "bfloat16", 1, where=15).tolist()
    [-1.0, 2.0]
    """
    function = "formats.flip_bits"
    chance = real(function, "probability", probability, 0, 1)
    number = seed_value(function, seed)
    s = integer(function, "stream", stream, 0, _MASK64)
    start = integer(function, "first", first, 0, _MASK64)

    def flip(codes: NDArray[Any], core: Any, first_bit: int, bits: int) -> None:
        _core.flip_bits(codes, core, chance, first_bit, bits, number, s, start)

    return _flip(function, x, format, flip, where=where, rounding=rounding)


def flip_exact_count(
    x: ArrayLike,
    format: str | FloatFormat,
    count: int,
    *,
    where: str | int = "any",
    rounding: str | None = None,
    seed: int | np.random.Generator = 0,
    stream: int = 0,
) -> NDArray[Any]:
    """Round `x` to `format` and flip one bit each of exactly `count` elements, drawn without replacement.

    Parameters
    ----------
    x, format, where, rounding, seed, stream
        As for `flip_bits`.
    count : int, 0 to the size of `x`

    Returns
    -------
    ndarray
        As of `flip_bits`.

    Raises
    ------
    ArgumentError
        As `flip_bits`; `count` out of range.

    Notes
    -----
    Every set of `count` elements is equally likely.

    References
    ----------
    .. [1] R. Floyd, J. Bentley, "A sample of brilliance", Comm. ACM 30 (1987).

    Examples
    --------
    >>> import numpy as np
    >>> y = flip_exact_count(np.ones(1000, np.float32), "float16", 3, where=15)
    >>> int((y == -1).sum())
    3
    """
    function = "formats.flip_exact_count"
    array = as_numbers(function, "x", x)
    number = seed_value(function, seed)
    exactly = integer(function, "count", count, 0, array.size)
    s = integer(function, "stream", stream, 0, _MASK64)

    def flip(codes: NDArray[Any], core: Any, first_bit: int, bits: int) -> None:
        _core.flip_count(codes, core, exactly, first_bit, bits, number, s)

    return _flip(function, array, format, flip, where=where, rounding=rounding)
