"""Whole messages: symbols to bytes and back under a model."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import integer, thread_count
from fewbits._core import coding as _core
from fewbits._interop import as_bytes, as_integers
from fewbits.coding._adaptive import AdaptiveModel
from fewbits.coding._models import Categorical, static_model
from fewbits.coding._parametric import CategoricalRows, Mixture
from fewbits.errors import ArgumentError, LimitError

__all__ = ["code_length", "decode", "encode"]

Model: TypeAlias = "Categorical | Mixture | CategoricalRows | AdaptiveModel"


def _shape(function: str, model: Model, array: NDArray[Any]) -> None:
    """Symbols must have the shape of the parameters where the model has any."""
    shape = model.shape if isinstance(model, (Mixture, CategoricalRows)) else None
    if shape is not None and array.shape != shape:
        raise ArgumentError(
            f"{function}: symbols must have the shape of the model, {shape}, got {array.shape}"
        )


def encode(
    symbols: ArrayLike,
    model: Model,
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
    symbols : array_like of integers, taken in C order: in the shape of the model's parameters if it has any.
        Each must have a frequency in a `Categorical`, lie in the range of `CategoricalRows` or an adaptive
        model, or in -2^30..2^30 under a `Mixture`
    model : Categorical, Mixture, CategoricalRows or AdaptiveModel
    lanes : number of interleaved coders: 1, 4, 8 or 32 for adaptive models and a `Categorical` of a
    precision up to
        15, else 1, 2, 4 or 8; ``"auto"`` takes few for short messages, where their states would weigh
    checksum : add a CRC-32C (4 bytes a block of 2^17 or 2^18 symbols), so that all damage is found before
        decoding. Without it most damage is still found at the end of decoding
    param_hash : add a hash of the model or its parameters (8 bytes a block), so that decoding with others
        raises `ParameterMismatchError`; without it that is found, if at all, as damage. Adaptive models have
        none
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
    _check_model(function, model)
    array = as_integers(function, "symbols", symbols, cast=cast)
    _shape(function, model, array)
    array = array.reshape(-1)
    narrow = isinstance(model, AdaptiveModel) or (isinstance(model, Categorical) and model.precision <= 15)
    if lanes == "auto":
        count = 0
    else:
        allowed = (1, 4, 8, 32) if narrow else (1, 2, 4, 8)
        count = integer(function, "lanes", lanes, 1, 32)
        if count not in allowed:
            names = ", ".join(map(str, allowed))
            raise ArgumentError(f"{function}: lanes must be one of {names} or 'auto', got {count}")
    workers = thread_count(function, threads)
    if isinstance(model, Categorical):
        return model._model.encode(array, count, checksum, param_hash, workers)
    wide = array.astype(np.int32, copy=False)
    if isinstance(model, Mixture):
        return model._core.encode(wide, model._lo, model._size, count, checksum, param_hash, workers)
    if isinstance(model, CategoricalRows):
        return model._core.encode(wide, count, checksum, param_hash, workers)
    return _core.adaptive_encode(wide, model._code, model.alphabet, count, checksum, workers)


def _check_model(function: str, model: object) -> None:
    if not isinstance(model, (Mixture, CategoricalRows, AdaptiveModel)):
        static_model(function, model)


def decode(
    data: Any,
    model: Model,
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
    model : equal to the encoder's
    dtype : integer type of the result
    out : array to fill instead, C-contiguous, of an integer type and as many elements as there are symbols
    max_symbols : refuse longer messages before allocating anything. By default 2^26 + 64 for each byte of
        `data`: a few bytes can stand for millions of equal symbols
    threads : as in `encode`

    Returns
    -------
    ndarray, in the shape of the model's parameters if it has any, else (n,); or `out`

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
    _check_model(function, model)
    view = as_bytes(function, "data", data)
    count = _core.count_symbols(view)
    shape = model.shape if isinstance(model, (Mixture, CategoricalRows)) else None
    if shape is not None and count != int(np.prod(shape)):
        raise ArgumentError(f"{function}: model must have parameters for {count} symbols, got shape {shape}")
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
        result = np.empty(count if shape is None else shape, np.dtype(dtype))
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
    workers = thread_count(function, threads)
    static = isinstance(model, Categorical)
    if isinstance(model, Categorical) and (size < 4 or result.dtype == np.int32) and result.dtype.isnative:
        model._model.decode(view, flat, workers)
        return result
    direct = not static and result.dtype == np.int32 and result.dtype.isnative
    wide = flat if direct else np.empty(count, np.int32)
    if isinstance(model, Categorical):
        model._model.decode(view, wide, workers)
    elif isinstance(model, AdaptiveModel):
        _core.adaptive_decode(view, model._code, model.alphabet, wide, workers)
    else:
        model._core.decode(view, wide, workers)
    if direct:
        return result
    limits = np.iinfo(result.dtype)
    if count > 0:
        for symbol in (int(wide.min()), int(wide.max())):
            if not limits.min <= symbol <= limits.max:
                raise ArgumentError(f"{function}: dtype {result.dtype} cannot hold symbol {symbol}")
    flat[...] = wide
    return result


def code_length(
    symbols: ArrayLike,
    model: Categorical | Mixture | CategoricalRows,
    *,
    per_symbol: bool = False,
    cast: bool = False,
) -> float | NDArray[np.float64]:
    """Bits that `symbols` cost under the model: sum of ``precision - log2(frequency)``.

    Under a `Mixture` with the support that `encode` would choose; low bits count as they are, exceptions
    with what they take in the message.

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
    array = as_integers(function, "symbols", symbols, cast=cast)
    if isinstance(model, (Mixture, CategoricalRows)):
        _shape(function, model, array)
        out = np.empty(array.shape, np.float64)
        wide = array.astype(np.int32, copy=False).reshape(-1)
        if isinstance(model, Mixture):
            model._core.code_lengths(wide, model._lo, model._size, out.reshape(-1))
        else:
            model._core.code_lengths(wide, out.reshape(-1))
        return out if per_symbol else math.fsum(out.reshape(-1))
    table = static_model(function, model)
    if not per_symbol:
        return table.code_length(array.reshape(-1))
    table.code_length(array.reshape(-1))  # refuses symbols the model does not have
    bits = np.empty(model.span, np.float64)
    table.bits(bits)
    return bits[array.astype(np.int64) - model.lo]
