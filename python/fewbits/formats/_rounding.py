"""Rounding to a format, codes and back."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, output, seed_value, thread_count
from fewbits._core import formats as _core
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FORMATS, FloatFormat, get, require_codes

__all__ = ["decode", "encode", "round_to"]

_MASK64 = (1 << 64) - 1
_NO_BITS: Final = np.empty(0, np.uint32)
_STOCHASTIC: Final = ("stochastic", "stochastic_equal", "random_directed")


def _array(function: str, x: Any) -> tuple[NDArray[Any], tuple[int, ...], np.dtype[Any]]:
    """`x` flat as float32, float64, int64 or uint64 without loss; its shape; its native dtype."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{function}: masked arrays are not supported; pass .filled(...) or .data")
    if not isinstance(x, np.ndarray | np.generic) and hasattr(x, "__dlpack__"):
        x = np.from_dlpack(x)
    array = np.asarray(x)
    dtype = array.dtype.newbyteorder("=") if array.dtype.kind in "fiu" else array.dtype
    if dtype in (np.float64, np.float32):
        wide: Any = dtype
    elif dtype.kind in "iu":
        wide = np.uint64 if dtype == np.uint64 else np.int64
    elif dtype == np.float16 or _is_small_float(dtype):
        wide = np.float32
    else:
        raise TypeError(
            f"{function}: x must hold float16, float32, float64, integers or floats of ml_dtypes, got {dtype}"
        )
    return np.ascontiguousarray(array, dtype=wide).reshape(-1), array.shape, dtype


def _is_small_float(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype of ml_dtypes is one of our formats, hence exact in float32."""
    return dtype.name in FORMATS and dtype.itemsize <= 2


def _options(
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
    random = rounding in _STOCHASTIC
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
    f = get(format)
    flat, shape, dtype = _array("formats.round_to", x)
    options, own = _options(
        "formats.round_to",
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
    if flat.dtype == np.float32 and not f._core.fits_float32:
        raise ArgumentError(f"formats.round_to: format {f.name!r} does not fit {dtype}: pass float64")
    wanted = np.dtype(np.float64) if dtype.kind in "iu" else dtype
    if out is not None:
        output("formats.round_to", out, wanted, shape)
    carrier = np.float32 if flat.dtype == np.float32 else np.float64
    direct = out is not None and out.dtype == carrier and out.flags.c_contiguous
    result: NDArray[Any] = np.empty(flat.size, carrier) if out is None or not direct else out.reshape(-1)
    _core.round_to(flat, f._core, options, own, result)
    if wanted != carrier:
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = result.astype(wanted)
        # Infinities and nan come back where the dtype has them, else the comparison fails too.
        if not np.array_equal(narrow.astype(carrier), result, equal_nan=True):
            raise ArgumentError(f"formats.round_to: format {f.name!r} does not fit {dtype}: pass float32")
        result = narrow
    if out is None:
        return result.reshape(shape)
    if not direct:
        out[...] = result.reshape(shape)
    return out


def encode(
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
    flush_inputs: bool = False,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round every element of `x` to `format` and return the codes.

    Parameters
    ----------
    x, format
        As for `round_to`; `x` of any dtype will do for every format.
    rounding, saturate, subnormal, nan, random_bits, variant, bits, seed, stream, first, flush_inputs, threads
        As for `round_to`.

    Returns
    -------
    ndarray of uint8, uint16 or uint32, shape of `x`
        The code of each value in the low bits. Where ml_dtypes has the format, ``codes.view(...)`` is its
        array.

    Raises
    ------
    ArgumentError, TypeError
        As for `round_to`; also for formats without codes.

    Notes
    -----
    Exact, and rounded once: casts of ml_dtypes go from float64 and integers through float32.

    Examples
    --------
    >>> encode([0.5, -6.0, 2.5], "float4_e2m1fn").tolist()
    [1, 15, 4]
    >>> hex(encode(1 + 2**-8 + 2**-40, "bfloat16").item())
    '0x3f81'
    """
    f = get(format)
    require_codes("encode", f)
    flat, shape, _ = _array("formats.encode", x)
    options, own = _options(
        "formats.encode",
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
        exponent_limit=True,
        flush_inputs=flush_inputs,
        threads=threads,
    )
    codes = np.empty(flat.size, f.code_dtype)
    _core.encode(flat, f._core, options, own, codes)
    return codes.reshape(shape)


def decode(codes: ArrayLike, format: str | FloatFormat, *, dtype: Any = None) -> NDArray[Any]:
    """The values of codes.

    Parameters
    ----------
    codes : array_like of unsigned integers, any shape
        Each below ``2**format.bits``.
    format : str or FloatFormat
        See `get`.
    dtype : float32 or float64
        Of the result; default float32 where it holds the format, else float64.

    Returns
    -------
    ndarray, shape of `codes`

    Raises
    ------
    ArgumentError
        A code with bits above those of the format, a format without codes, a `dtype` that does not hold it.
    TypeError
        `codes` are not unsigned integers (or Python integers).

    Notes
    -----
    Exact. Signs of zeros come back; NaN is the quiet one without payload.

    Examples
    --------
    >>> decode([0x7E, 0x80, 0x7F], "float8_e4m3fn").tolist()
    [448.0, -0.0, nan]
    """
    f = get(format)
    require_codes("decode", f)
    array = np.asarray(codes)
    if array.dtype == np.int64 and not isinstance(codes, np.ndarray | np.generic):
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << 32:
            raise ArgumentError(f"formats.decode: codes must be in 0..{(1 << f.bits) - 1}, got {codes!r}")
        array = array.astype(np.uint32)
    if array.dtype.kind != "u" or array.dtype.itemsize > 4:
        if array.size or array.dtype.kind != "f":  # np.asarray([]) is float64
            raise TypeError(f"formats.decode: codes must be uint8, uint16 or uint32, got {array.dtype}")
        array = array.astype(f.code_dtype)
    if array.dtype.itemsize < f.code_dtype.itemsize:
        array = array.astype(f.code_dtype)
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(-1)
    wanted = np.dtype((np.float32 if f._core.fits_float32 else np.float64) if dtype is None else dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(f"formats.decode: dtype must be float32 or float64, got {wanted}")
    out = np.empty(flat.size, wanted)
    _core.decode(flat, f._core, out)
    return out.reshape(array.shape)
