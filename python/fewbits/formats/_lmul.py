"""L-Mul: products of floats by one integer addition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, thread_count
from fewbits._core import formats as _core
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get

__all__ = ["lmul", "lmul_attention", "lmul_codes", "lmul_dot", "lmul_matmul"]


def _float32(function: str, name: str, x: Any) -> NDArray[np.float32]:
    array = np.asarray(x)
    if array.dtype.kind not in "fiu" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        raise TypeError(f"formats.{function}: {name} must hold real numbers, got {array.dtype}")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, np.float32)


def _how(function: str, mantissa_bits: int | None, operand: str) -> tuple[int, int]:
    bits = 23 if mantissa_bits is None else mantissa_bits
    return (
        integer(f"formats.{function}", "mantissa_bits", bits, 1, 23),
        choice(f"formats.{function}", "operand", operand, _core.lmul_operands),
    )


def lmul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    mantissa_bits: int | None = None,
    operand: str = "truncate",
    formula: bool = False,
) -> NDArray[Any]:
    """Approximate products by one integer addition of the bit patterns.

    Parameters
    ----------
    a, b : array_like of real numbers
        Taken as float32; they broadcast.
    mantissa_bits : int, 1..23
        Mantissa bits of the operands; default 23.
    operand : {"truncate", "round", "none"}
        What becomes of further bits. Truncation is what makes 4 bits as good as float8_e4m3fn products: its
        error and the offset cancel.
    formula : bool
        The formula of the paper, without the carry into the exponent: float64, for analysis.

    Returns
    -------
    ndarray of float32 (float64 with `formula`)

    Raises
    ------
    ArgumentError
        Values out of range.
    TypeError
        Complex numbers or objects.

    Notes
    -----
    Relative error with 7 or more bits: mean +0.41 %, mean magnitude 2.66 %, from -7.29 % to +6.25 %. Zeros
    and subnormals give zeros, infinities and NaN as in a product.

    On a CPU it saves no time: a multiply-add is one instruction, this is a dozen. What it would save is
    energy, in hardware that had it: 0.1 pJ for an integer addition of 32 bits against 3.7 pJ for a float
    product.

    References
    ----------
    .. [1] H. Luo, W. Sun, "Addition is All You Need for Energy-efficient Language Models", arXiv:2410.00907.
    .. [2] M. Horowitz, "Computing's energy problem", ISSCC 2014.

    Examples
    --------
    >>> lmul([1.0, 1.5, 3.0, -2.0], [1.0, 1.5, 5.0, 3.0]).tolist()
    [1.0625, 2.125, 14.5, -6.25]
    """
    bits, how = _how("lmul", mantissa_bits, operand)
    x, y = np.broadcast_arrays(_float32("lmul", "a", a), _float32("lmul", "b", b))
    out = np.empty(x.shape, np.float64 if formula else np.float32)
    kernel = _core.lmul_formula if formula else _core.lmul
    p, q = np.ascontiguousarray(x).reshape(-1), np.ascontiguousarray(y).reshape(-1)
    kernel(p, q, bits, how, out.reshape(-1))
    return out


def lmul_matmul(
    a: ArrayLike,
    b: ArrayLike,
    *,
    mantissa_bits: int | None = None,
    operand: str = "truncate",
    accumulate: str = "float32",
    threads: int | None = None,
) -> NDArray[np.float32]:
    """A matrix product whose scalar products are those of `lmul`.

    Parameters
    ----------
    a : array_like, (m, k)
    b : array_like, (k, n)
    mantissa_bits, operand
        As for `lmul`.
    accumulate : {"float32", "exact"}
        Sums rounded to float32 in index order, or exact and rounded once.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray of float32, (m, n)

    Raises
    ------
    ArgumentError, TypeError
        Shapes that do not agree, values out of range.

    Examples
    --------
    >>> lmul_matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.625]]
    """
    function = "formats.lmul_matmul"
    bits, how = _how("lmul_matmul", mantissa_bits, operand)
    x, y = _float32("lmul_matmul", "a", a), _float32("lmul_matmul", "b", b)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[0]:
        raise ArgumentError(f"{function}: a and b must be matrices that agree, got {x.shape} and {y.shape}")
    exact = choice(function, "accumulate", accumulate, ("float32", "exact"))
    (m, k), n = x.shape, y.shape[1]
    out = np.empty(m * n, np.float32)
    _core.lmul_gemm(
        m,
        n,
        k,
        np.ascontiguousarray(x).reshape(-1),
        np.ascontiguousarray(y).reshape(-1),
        bits,
        how,
        exact == 1,
        out,
        thread_count(function, threads),
    )
    return out.reshape(m, n)


def lmul_dot(a: ArrayLike, b: ArrayLike, **options: Any) -> float:
    """The dot product of two vectors by L-Mul.

    Parameters
    ----------
    a, b : array_like of one dimension and size
    **options
        Those of `lmul_matmul`.

    Returns
    -------
    float

    Examples
    --------
    >>> lmul_dot([1.0, 2.0], [3.0, 4.0])
    11.625
    """
    x, y = _float32("lmul_dot", "a", a), _float32("lmul_dot", "b", b)
    if x.ndim != 1 or x.shape != y.shape:
        raise ArgumentError(
            f"formats.lmul_dot: a and b must be vectors of one size, got {x.shape} and {y.shape}"
        )
    return float(lmul_matmul(x[None], y[:, None], **options)[0, 0])


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = np.exp(scores.astype(np.float64) - scores.max(axis=-1, keepdims=True))
    shares: NDArray[np.float32] = (wide / wide.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares


def lmul_attention(
    q: ArrayLike,
    k: ArrayLike,
    v: ArrayLike,
    *,
    scale: float | None = None,
    mask: ArrayLike | None = None,
    softmax: Callable[[NDArray[np.float32]], NDArray[np.float32]] = _softmax,
    **options: Any,
) -> NDArray[np.float32]:
    """Attention ``softmax(scale Q K^T + mask) V`` with both products by L-Mul.

    Parameters
    ----------
    q : array_like, (n, d)
    k : array_like, (m, d)
    v : array_like, (m, e)
    scale : float
        Default ``1 / sqrt(d)``.
    mask : array_like, (n, m)
        Added to the scores.
    softmax : callable
        Of the scores, along the last axis; default in float64.
    **options
        Those of `lmul_matmul`.

    Returns
    -------
    ndarray of float32, (n, e)

    Raises
    ------
    ArgumentError, TypeError
        Shapes that do not agree, values out of range.

    Examples
    --------
    >>> lmul_attention(np.eye(2), np.eye(2), [[1.0], [0.0]]).round(3).tolist()
    [[0.7...], [0.3...]]
    """
    queries, keys = _float32("lmul_attention", "q", q), _float32("lmul_attention", "k", k)
    if queries.ndim != 2 or keys.ndim != 2:
        raise ArgumentError(
            f"formats.lmul_attention: q and k must be matrices, got {queries.shape} and {keys.shape}"
        )
    by = 1 / math.sqrt(queries.shape[1]) if scale is None else real("formats.lmul_attention", "scale", scale)
    scores = lmul_matmul(queries, keys.T, **options) * np.float32(by)
    if mask is not None:
        scores = scores + np.asarray(mask, np.float32)
    return lmul_matmul(softmax(scores), v, **options)


def lmul_codes(
    a: ArrayLike,
    b: ArrayLike,
    format: str | FloatFormat,
    *,
    saturate: str = "none",
    subnormal_operands: str = "flush",
) -> NDArray[Any]:
    """Products of codes by one integer addition, as hardware for the format would have them.

    Parameters
    ----------
    a, b : array_like of unsigned integers
        Codes of the format; they broadcast.
    format : str or FloatFormat
        A signed float of at most 16 bits.
    saturate : {"none", "finite"}
        Beyond the largest value: infinity, else NaN, or the largest.
    subnormal_operands : {"flush", "normalise"}
        Subnormal operands count as zeros, or with their values (and results may be subnormal).

    Returns
    -------
    ndarray of uint8 or uint16

    Raises
    ------
    ArgumentError, TypeError
        Codes out of range, a format or option that will not do.

    Examples
    --------
    >>> codes = encode([1.0, 1.5, -2.0], "float8_e4m3fn")
    >>> decode(lmul_codes(codes, codes, "float8_e4m3fn"), "float8_e4m3fn").tolist()
    [1.125, 2.25, 4.5]
    """
    f = get(format)
    function = "formats.lmul_codes"
    if not (0 < f.bits <= 16 and f.is_signed and f.has_zero and not f.is_fixed and f.precision > 1):
        raise ArgumentError(
            f"{function}: format must be a signed float of at most 16 bits with a mantissa, got {f.name!r}"
        )
    finite = choice(function, "saturate", saturate, ("none", "finite"))
    normalise = choice(function, "subnormal_operands", subnormal_operands, ("flush", "normalise"))
    x, y = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    for name, array in (("a", x), ("b", y)):
        if array.dtype.kind not in "iu":
            raise TypeError(f"{function}: {name} must hold unsigned integers, got {array.dtype}")
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << f.bits:
            raise ArgumentError(f"{function}: {name} must be in 0..{(1 << f.bits) - 1}")
    p, q = (np.ascontiguousarray(z, f.code_dtype).reshape(-1) for z in (x, y))
    out = np.empty(p.size, f.code_dtype)
    _core.lmul_codes(p, q, f._core, finite == 1, normalise == 1, out)
    return out.reshape(x.shape)
