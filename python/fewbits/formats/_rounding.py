"""Rounding to a format."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, output, seed_value, thread_count
from fewbits._core import formats as _core
from fewbits._interop import as_numbers, dtype_name
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FORMATS, FloatFormat, get

__all__ = ["STOCHASTIC", "options_of", "round_to", "wide"]

_MASK64 = (1 << 64) - 1
_NO_BITS: Final = np.empty(0, np.uint32)
# For values the format has: any mode will do, and e8m0 has no nearest one.
_EXACT: Final = _core.options(_core.roundings.index("toward_zero"), 0, 0, 0, 0, 0, 0, 0, 0, True, False, 1)
STOCHASTIC: Final = ("stochastic", "stochastic_equal", "random_directed")


def wide(array: NDArray[Any]) -> NDArray[Any]:
    """The elements flat as float32, float64, int64 or uint64, without loss."""
    dtype = array.dtype
    if dtype.kind in "iu":
        dtype = np.dtype(np.uint64 if dtype == np.uint64 else np.int64)
    elif dtype not in (np.float32, np.float64):
        dtype = np.dtype(np.float32)
        # Our table is faster than the casts of NumPy and ml_dtypes.
        if array.dtype.itemsize <= 2 and dtype_name(array.dtype) in FORMATS:
            values = np.empty(array.size, dtype)
            codes: NDArray[Any] = array.reshape(-1).view(np.uint8 if array.dtype.itemsize == 1 else np.uint16)
            _core.decode(codes, get(dtype_name(array.dtype))._core, values, 1)
            return values
    return array.astype(dtype, copy=False).reshape(-1)


def options_of(
    function: str,
    f: FloatFormat,
    shape: tuple[int, ...],
    *,
    rounding: str | None,
    saturate: str | None,
    subnormal: str,
    nan: str,
    random_bits: int | None,
    variant: str,
    bits: ArrayLike | None,
    seed: int | np.random.Generator,
    stream: int,
    first: int,
    exponent_limit: bool,
    flush_inputs: bool,
    threads: int | None,
) -> tuple[Any, NDArray[np.uint32]]:
    if rounding is None:
        if not f.has_zero:
            raise ArgumentError(
                f"{function}: rounding must be stated for {f.name!r}: 'toward_zero' (OCP scales), "
                "'nearest_up' (ml_dtypes), 'nearest_even', ..."
            )
        rounding = "nearest_even"
    if saturate is None:
        saturate = "finite" if f.is_fixed else "none"
    mode = choice(function, "rounding", rounding, _core.roundings)
    random = rounding in STOCHASTIC
    number = seed_value(function, seed)
    if not random and (number != 0 or random_bits is not None or bits is not None):
        given = "seed" if number != 0 else "random_bits" if random_bits is not None else "bits"
        raise ArgumentError(
            f"{function}: {given} must not be given with the deterministic rounding {rounding!r}"
        )
    count = 0 if random_bits is None else integer(function, "random_bits", random_bits, 1, 32)
    own = _NO_BITS
    if bits is not None:
        given_bits = np.asarray(bits)
        if given_bits.dtype.kind not in "iu" or given_bits.shape != shape:
            raise ArgumentError(
                f"{function}: bits must be integers of the shape of x, {shape}, got "
                f"{given_bits.dtype} of shape {given_bits.shape}"
            )
        limit = 1 << (count or 32)
        if given_bits.size and not 0 <= int(given_bits.min()) <= int(given_bits.max()) < limit:
            wrong = given_bits.min() if given_bits.min() < 0 else given_bits.max()
            raise ArgumentError(f"{function}: bits must be in 0..{limit - 1}, got {wrong}")
        own = np.ascontiguousarray(given_bits, dtype=np.uint32).reshape(-1)
    options = _core.options(
        mode,
        choice(function, "saturate", saturate, _core.saturates),
        choice(function, "subnormal", subnormal, _core.subnormals),
        choice(function, "nan", nan, _core.nan_policies),
        choice(function, "variant", variant, _core.variants),
        number,
        integer(function, "stream", stream, 0, _MASK64),
        integer(function, "first", first, 0, _MASK64),
        count,
        bool(exponent_limit),
        bool(flush_inputs),
        thread_count(function, threads),
    )
    return options, own


def round_to(
    x: ArrayLike,
    format: str | FloatFormat,
    *,
    rounding: str | None = None,
    saturate: str | None = None,
    subnormal: str = "gradual",
    nan: str = "keep",
    random_bits: int | None = None,
    variant: str = "c",
    bits: ArrayLike | None = None,
    seed: int | np.random.Generator = 0,
    stream: int = 0,
    first: int = 0,
    exponent_limit: bool = True,
    flush_inputs: bool = False,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round every element of `x` to a value of `format`.

    Parameters
    ----------
    x : array_like, any shape
        float16, float32, float64, integers, or a float type of ml_dtypes.
    format : str or FloatFormat
        See `get`.
    rounding : str
        One of `roundings()`; default ``"nearest_even"``, but for scales without zero, where it must be
        stated.
    saturate : str
        Values beyond the largest become: ``"none"`` infinity, else NaN, else the largest, as the mode and the
        format allow; ``"finite"`` the largest, infinities too; ``"propagate"`` the largest, infinities
        staying; ``"wrap"`` (fixed point, integers) modulo 2^bits. Default ``"none"``; for fixed point
        ``"finite"``.
    subnormal : str
        ``"gradual"``; ``"flush"``: zero after rounding; ``"nearest_normal"``: zero or the smallest normal
        value.
    nan : str
        NaN for a format without it: ``"keep"`` and ``"error"`` raise (``"error"`` for every format),
        ``"zero"``, ``"max"``, or ``"ml_dtypes"`` (NaN becomes -0, -NaN +0).
    random_bits : int, 1..32
        Random bits per element of ``"stochastic"``; default as many as the comparison needs, so that the
        probability is exact.
    variant : str
        How limited random bits meet the fraction: ``"a"`` truncates it (biased toward zero), ``"b"`` adds
        half a unit, ``"c"`` rounds it to even.
    bits : array_like of integers, shape of `x`
        Random bits of your own, each below ``2**random_bits`` (default ``2**32``).
    seed : int or numpy.random.Generator
    stream, first : int
        Element i reads draw ``first + i`` of the stream: pieces rounded apart equal the whole.
    exponent_limit : bool
        False: only the precision acts.
    flush_inputs : bool
        True: inputs below the smallest normal value count as zero.
    out : ndarray
        Result array of the shape and dtype of the result; may be `x`.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray, shape of `x`
        dtype of `x`; float64 for integers.

    Raises
    ------
    ArgumentError
        Unknown names, values out of range, a dtype too narrow for the format, NaN that the policy refuses.
    TypeError
        `x` is of another dtype.

    Notes
    -----
    Exact: the correctly rounded value of the mode, rounded once, the same on every instruction set.

    References
    ----------
    .. [1] M. Fasi, M. Mikaitis, "CPFloat: A C Library for Simulating Low-precision Arithmetic", ACM Trans.
       Math. Softw. 49 (2023).

    Examples
    --------
    >>> round_to([0.1, 300.0, 1000.0], "float8_e4m3fn").tolist()
    [0.1015625, 288.0, nan]
    >>> round_to([0.1, 300.0, 1000.0], "float8_e4m3fn", rounding="toward_zero").tolist()
    [0.09375, 288.0, 448.0]
    >>> round_to([2.6] * 6, "int8", rounding="stochastic", seed=5).tolist()
    [3.0, 2.0, 3.0, 3.0, 2.0, 2.0]
    """
    function = "formats.round_to"
    f = get(format)
    array = as_numbers(function, "x", x)
    shape, dtype = array.shape, array.dtype
    options, own = options_of(
        function,
        f,
        shape,
        rounding=rounding,
        saturate=saturate,
        subnormal=subnormal,
        nan=nan,
        random_bits=random_bits,
        variant=variant,
        bits=bits,
        seed=seed,
        stream=stream,
        first=first,
        exponent_limit=exponent_limit,
        flush_inputs=flush_inputs,
        threads=threads,
    )
    wanted = np.dtype(np.float64) if dtype.kind in "iu" else dtype
    if out is not None:
        output(function, out, wanted, shape)
    small = wanted.itemsize <= 2
    name = dtype_name(wanted)
    if small and not exponent_limit:
        raise ArgumentError(f"{function}: exponent_limit must be True for {wanted}: pass float32")
    if small and not _core.holds(get(name)._core, f._core):
        enough = "float32" if f._core.fits_float32 else "float64"
        raise ArgumentError(f"{function}: format {f.name!r} does not fit {wanted}: pass {enough}")
    if wanted == np.float32 and not f._core.fits_float32:
        raise ArgumentError(f"{function}: format {f.name!r} does not fit {wanted}: pass float64")
    direct = out is not None and out.flags.c_contiguous
    result: NDArray[Any] = out if out is not None and direct else np.empty(shape, wanted)
    if name in ("float16", "bfloat16"):
        codes = array.reshape(-1).view(np.uint16)
        _core.round_coded(codes, get(name)._core, f._core, options, own, result.reshape(-1).view(np.uint16))
    elif small:
        values = wide(array)
        _core.round_to(values, f._core, options, own, values)
        target = result.reshape(-1).view(np.uint8)
        _core.encode(values, get(name)._core, _EXACT, _NO_BITS, target)
    else:
        _core.round_to(wide(array), f._core, options, own, result.reshape(-1))
    if out is None:
        return result
    if not direct:
        out[...] = result
    return out
