"""Whole messages: symbols to bytes and back under a model."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import integer, thread_count
from fewbits._core import coding as _core
from fewbits._interop import as_bytes, as_integers
from fewbits.coding._models import Categorical, static_model
from fewbits.errors import ArgumentError, LimitError

__all__ = ["code_length", "decode", "encode"]


def encode(
    symbols: ArrayLike,
    model: Categorical,
    *,
    lanes: int | Literal["auto"] = "auto",
    checksum: bool = True,
    param_hash: bool = False,
    cast: bool = False,
    threads: int | None = None,
) -> bytes:
    """Code integers under a model that the decoder has, too.

    Parameters
    ----------
    symbols : array_like of integers, any shape (taken in C order); each must have a frequency in `model`
    model : Categorical
    lanes : number of interleaved coders: 1, 4, 8 or 32 for a precision up to 15, else 1, 2, 4 or 8;
        ``"auto"`` takes few for short messages, where their states would weigh
    checksum : add a CRC-32C (4 bytes for every 2^18 symbols), so that all damage is found before decoding.
        Without it most damage is still found at the end of decoding
    param_hash : add a hash of the model (8 bytes for every 2^18 symbols), so that decoding with another model
        raises `ParameterMismatchError`; without it that is found, if at all, as damage
    cast : take floating point symbols whose values are integers
    threads : number of threads; 0 means all CPUs, None one. The bytes do not depend on it

    Returns
    -------
    bytes

    Raises
    ------
    ArgumentError : a symbol without frequency in the model (the message names the first), `lanes` that the
        coder does not have
    TypeError : symbols that are not integers

    Notes
    -----
    Beyond ``code_length(symbols, model)``, a block of 2^18 symbols takes its states (32 bits a lane, 64 above
    a precision of 15), some 20 bytes of header, and up to 0.06 % because states have 32 bits.
    Speed: about 1 ns a symbol and below, see `bench_coding_static`.

    References
    ----------
    .. [1] J. Duda, "Asymmetric numeral systems", arXiv:1311.2540.
    .. [2] F. Giesen, "Interleaved entropy coders", arXiv:1402.3392.

    Examples
    --------
    >>> symbols = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3])
    >>> model = Categorical.fit(symbols)
    >>> data = encode(symbols, model)
    >>> bool((decode(data, model) == symbols).all())
    True
    """
    function = "coding.encode"
    table = static_model(function, model)
    array = as_integers(function, "symbols", symbols, cast=cast).reshape(-1)
    if lanes == "auto":
        count = 0
    else:
        allowed = (1, 4, 8, 32) if model.precision <= 15 else (1, 2, 4, 8)
        count = integer(function, "lanes", lanes, 1, 32)
        if count not in allowed:
            names = ", ".join(map(str, allowed))
            raise ArgumentError(f"{function}: lanes must be one of {names} or 'auto', got {count}")
    return table.encode(array, count, checksum, param_hash, thread_count(function, threads))


def decode(
    data: Any,
    model: Categorical,
    *,
    dtype: DTypeLike = np.int32,
    out: NDArray[Any] | None = None,
    max_symbols: int | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """The symbols that `encode` coded.

    Parameters
    ----------
    data : bytes-like, what `encode` returned
    model : Categorical, equal to the encoder's
    dtype : integer type of the result
    out : array to fill instead, C-contiguous, of an integer type and as many elements as there are symbols
    max_symbols : refuse longer messages before allocating anything. By default 2^26 + 64 for each byte of
        `data`: a few bytes can stand for millions of equal symbols
    threads : as in `encode`

    Returns
    -------
    ndarray, shape (n,), or `out`

    Raises
    ------
    CorruptDataError : damaged or truncated data, or another model than the encoder's; also a model with
        symbols that `dtype` cannot hold
    ParameterMismatchError : another model, and the message was coded with ``param_hash=True``
    LimitError : more than `max_symbols`
    ArgumentError : `out` of the wrong size

    Examples
    --------
    >>> model = Uniform(10)
    >>> decode(encode([3, 1, 4], model), model, dtype=np.uint8)
    array([3, 1, 4], dtype=uint8)
    """
    function = "coding.decode"
    table = static_model(function, model)
    view = as_bytes(function, "data", data)
    count = _core.count_symbols(view)
    if out is None:
        limit = (
            2**26 + 64 * view.size
            if max_symbols is None
            else integer(function, "max_symbols", max_symbols, 0, 2**62)
        )
        if count > limit:
            raise LimitError(
                f"{function}: the message has {count} symbols, at most {limit} are allowed (max_symbols)"
            )
        result = np.empty(count, np.dtype(dtype))
    else:
        if not isinstance(out, np.ndarray) or not out.flags.c_contiguous or not out.flags.writeable:
            raise TypeError(f"{function}: out must be a writable C-contiguous numpy array")
        if out.size != count:
            raise ArgumentError(f"{function}: out must have {count} elements, got {out.size}")
        result = out
    kind, size = result.dtype.kind, result.dtype.itemsize
    if kind not in "iu":
        raise TypeError(f"{function}: dtype must be an integer type, got {result.dtype}")
    flat = result.reshape(-1)
    if (size < 4 or result.dtype == np.int32) and result.dtype.isnative:
        table.decode(view, flat, thread_count(function, threads))
        return result
    wide = np.empty(count, np.int32)
    table.decode(view, wide, thread_count(function, threads))
    if kind == "u" and count > 0 and int(wide.min()) < 0:
        raise ArgumentError(f"{function}: dtype {result.dtype} cannot hold symbol {int(wide.min())}")
    flat[...] = wide
    return result


def code_length(
    symbols: ArrayLike, model: Categorical, *, per_symbol: bool = False, cast: bool = False
) -> float | NDArray[np.float64]:
    """Bits that `symbols` cost under the model: sum of ``precision - log2(frequency)``.

    Parameters
    ----------
    symbols, model, cast : as in `encode`
    per_symbol : the cost of each symbol instead of the sum

    Returns
    -------
    float, or ndarray of float64 in the shape of `symbols`. The same bits on every machine; each cost is
    within 1 ulp of ``precision``.

    Raises
    ------
    ArgumentError, TypeError : as `encode`

    Examples
    --------
    >>> code_length([0, 0, 1], Bernoulli(0.25))
    2.830074998557688
    """
    function = "coding.code_length"
    table = static_model(function, model)
    array = as_integers(function, "symbols", symbols, cast=cast)
    if not per_symbol:
        return table.code_length(array.reshape(-1))
    table.code_length(array.reshape(-1))  # refuses symbols the model does not have
    bits = np.empty(model.span, np.float64)
    table.bits(bits)
    return bits[array.astype(np.int64) - model.lo]
