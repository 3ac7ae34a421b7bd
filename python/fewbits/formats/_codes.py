"""Codes: values to codes and back, several codes in a byte."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import integer, output, thread_count
from fewbits._core import formats as _core
from fewbits._interop import as_array, as_bytes, as_numbers, dtype_name
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FORMATS, FloatFormat, get, require_codes
from fewbits.formats._rounding import options_of, wide

__all__ = ["decode", "encode", "pack", "unpack"]


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
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round every element of `x` to `format` and return the codes.

    Parameters
    ----------
    x, format
        As for `round_to`; `x` of any dtype will do for every format.
    rounding, saturate, subnormal, nan, random_bits, variant, bits, seed, stream, first, flush_inputs, threads
        As for `round_to`.
    out : ndarray
        Result array of the shape of `x` and the dtype of the result, `FloatFormat.code_dtype`.

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
    array = as_numbers("formats.encode", "x", x)
    shape = array.shape
    options, own = options_of(
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
    codes = _target("formats.encode", out, f.code_dtype, shape)
    _core.encode(wide(array), f._core, options, own, codes.reshape(-1))
    return _returned(codes, out)


def _target(
    function: str, out: NDArray[Any] | None, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """`out` where results can be written to it at once, else a new array."""
    if out is None or not output(function, out, dtype, shape).flags.c_contiguous:
        return np.empty(shape, dtype)
    return out


def _returned(result: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
    if out is None or result is out:
        return result
    out[...] = result
    return out


def decode(
    codes: ArrayLike,
    format: str | FloatFormat,
    *,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """The values of codes.

    Parameters
    ----------
    codes : array_like of unsigned integers, any shape
        Each below ``2**format.bits``. An array of a type of ml_dtypes, or of float16, stands for its codes.
    format : str or FloatFormat
        See `get`.
    dtype : float32 or float64
        Of the result; default that of `out`, else float32 where it holds the format, else float64.
    out : ndarray
        Result array of the shape of `codes`.
    threads : int
        Default 1; 0 stands for all CPUs.

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
    function = "formats.decode"
    array = np.asarray(codes)
    if dtype_name(array.dtype) in FORMATS and array.dtype.itemsize <= 2 and array.dtype.kind in "fV":
        if get(dtype_name(array.dtype)) != f:
            raise ArgumentError(f"{function}: codes must be of {f.name!r}, got {array.dtype}")
        array = np.ascontiguousarray(array).view(f.code_dtype).reshape(array.shape)
    if array.dtype == np.int64 and not isinstance(codes, np.ndarray | np.generic):
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << 32:
            raise ArgumentError(f"{function}: codes must be in 0..{(1 << f.bits) - 1}, got {codes!r}")
        array = array.astype(np.uint32)
    if array.dtype.kind != "u" or array.dtype.itemsize > 4:
        if array.size or array.dtype.kind != "f":  # np.asarray([]) is float64
            raise TypeError(f"{function}: codes must be uint8, uint16 or uint32, got {array.dtype}")
        array = array.astype(f.code_dtype)
    if array.dtype.itemsize < f.code_dtype.itemsize:
        array = array.astype(f.code_dtype)
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(-1)
    if dtype is None and isinstance(out, np.ndarray):
        dtype = out.dtype
    wanted = np.dtype((np.float32 if f._core.fits_float32 else np.float64) if dtype is None else dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(f"{function}: dtype must be float32 or float64, got {wanted}")
    values = _target(function, out, wanted, array.shape)
    _core.decode(flat, f._core, values.reshape(-1), thread_count(function, threads))
    return _returned(values, out)


def _width(function: str, format: int | str | FloatFormat) -> int:
    """Bits of a field: 1 to 8."""
    if isinstance(format, int | np.integer):
        return integer(function, "format", format, 1, 8)
    f = get(format)
    if not 1 <= f.bits <= 8:
        raise ArgumentError(f"{function}: format must have codes of 1..8 bits, got {f.name!r}")
    return int(f.bits)


def pack(codes: ArrayLike, format: int | str | FloatFormat) -> NDArray[np.uint8]:
    """Codes of 1 to 8 bits side by side in bytes.

    Parameters
    ----------
    codes : array_like of uint8, any shape
        Taken flat. Each below ``2**bits``.
    format : str, FloatFormat or int
        What the codes are of, or their bits.

    Returns
    -------
    ndarray of uint8, 1-d
        Element i in bits ``i * bits`` to ``(i + 1) * bits - 1``, low bits first; the last byte is filled up
        with zeros. The number of elements is for the caller to keep.

    Raises
    ------
    ArgumentError
        A code of more bits, a format of none or more than 8 bits.
    TypeError
        `codes` are not uint8.

    Examples
    --------
    >>> pack([1, 15, 4], "float4_e2m1fn").tolist()
    [241, 4]
    >>> unpack(pack([1, 15, 4], "float4_e2m1fn"), "float4_e2m1fn", 3).tolist()
    [1, 15, 4]
    """
    function = "formats.pack"
    width = _width(function, format)
    array = as_array(function, "codes", codes, "iu")
    if array.dtype != np.uint8:
        if isinstance(codes, np.ndarray | np.generic):
            raise TypeError(f"{function}: codes must be uint8, got {array.dtype}")
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < 256:
            raise ArgumentError(f"{function}: codes must be in 0..{(1 << width) - 1}, got {codes!r}")
        array = array.astype(np.uint8)
    if array.size and int(array.max()) >> width:
        raise ArgumentError(f"{function}: codes must be in 0..{(1 << width) - 1}, got {int(array.max())}")
    packed = np.empty(_core.packed_size(array.size, width), np.uint8)
    _core.pack(array.reshape(-1), width, packed)
    return packed


def unpack(
    packed: ArrayLike, format: int | str | FloatFormat, shape: int | tuple[int, ...]
) -> NDArray[np.uint8]:
    """The codes that `pack` packed.

    Parameters
    ----------
    packed : array_like of uint8, or bytes
    format : str, FloatFormat or int
        As for `pack`.
    shape : int or tuple of int
        Of the codes.

    Returns
    -------
    ndarray of uint8 of that shape

    Raises
    ------
    ArgumentError
        `packed` is not as long as codes of that shape take.

    Examples
    --------
    >>> unpack(bytes([241, 4]), 4, (3, 1)).tolist()
    [[1], [15], [4]]
    """
    function = "formats.unpack"
    width = _width(function, format)
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    sizes = tuple(integer(function, "shape", n, 0, 1 << 48) for n in sizes)
    raw = isinstance(packed, bytes | bytearray | memoryview)
    flat = as_bytes(function, "packed", packed) if raw else as_array(function, "packed", packed, "u")
    if flat.dtype != np.uint8:
        raise TypeError(f"{function}: packed must be uint8, got {flat.dtype}")
    size = math.prod(sizes)
    if flat.size != _core.packed_size(size, width):
        raise ArgumentError(
            f"{function}: packed must have {_core.packed_size(size, width)} bytes for {size} codes of "
            f"{width} bits, got {flat.size}"
        )
    codes = np.empty(size, np.uint8)
    _core.unpack(flat.reshape(-1), width, codes)
    return codes.reshape(sizes)
