"""Exact and compensated sums and dot products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, thread_count
from fewbits._core import formats as _core
from fewbits.errors import ArgumentError
from fewbits.formats._emulated import Context
from fewbits.formats._registry import FloatFormat

__all__ = [
    "compensated_dot",
    "compensated_sum",
    "exact_dot",
    "exact_sum",
    "horner",
    "two_prod",
    "two_sum",
]

_SUMS = ("kahan", "neumaier", "klein", "pairwise", "sum_k")


def _floats(function: str, name: str, x: Any) -> NDArray[Any]:
    """`x` as a contiguous vector of float32 or float64."""
    array = np.asarray(x)
    if array.dtype.kind in "iu" or array.dtype == np.float16 or (array.size == 0 and array.dtype.kind == "f"):
        wide = np.float64 if array.dtype.kind in "iu" else array.dtype
        if array.dtype.kind in "iu" and array.size and int(np.abs(array).max()) > 1 << 53:
            raise ArgumentError(f"formats.{function}: {name} must hold integers of at most 2^53")
        array = array.astype(np.float32 if wide == np.float16 else wide)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(
            f"formats.{function}: {name} must hold float16, float32, float64 or integers, got {array.dtype}"
        )
    return np.ascontiguousarray(array, dtype=native).reshape(-1)


def _pair(function: str, x: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = _floats(function, "x", x), _floats(function, "y", y)
    if a.size != b.size:
        raise ArgumentError(f"formats.{function}: y must have the size of x, got {b.size} for {a.size}")
    kind = np.result_type(a, b)
    return a.astype(kind, copy=False), b.astype(kind, copy=False)


def _context(format: str | FloatFormat | Context | None, dtype: np.dtype[Any]) -> Any:
    if isinstance(format, Context):
        return format._take()
    return Context(dtype.name if format is None else format)._take()


def _carrier(format: str | FloatFormat | Context | None, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to compute in: that of the data, or float64 where the format needs it."""
    if format is None:
        return dtype
    context = format if isinstance(format, Context) else Context(format)
    return dtype if context.dtype == np.float32 else np.dtype(np.float64)


def exact_sum(
    x: ArrayLike, *, format: str | FloatFormat | Context | None = None, threads: int | None = None
) -> float:
    """The sum of all elements without error, rounded once at the end.

    Parameters
    ----------
    x : array_like, any shape, float16, float32, float64 or integers up to 2^53
    format : str, FloatFormat or Context
        What the sum is rounded to, in the rounding of a context; default the dtype of `x`, to nearest even.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        Another dtype.

    Notes
    -----
    Exact, so it depends on no order: a reproducible sum. NaN and infinities as IEEE 754 has them.

    References
    ----------
    .. [1] U. Kulisch, "Computer Arithmetic and Validity" (2013).
    .. [2] R. Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571.

    Examples
    --------
    >>> exact_sum([1.0, 1e100, 1.0, -1e100])
    2.0
    >>> exact_sum([0.1] * 10), exact_sum([0.1] * 10, format=Context("float64", rounding="toward_positive"))
    (1.0, 1.0000000000000002)
    """
    flat = _floats("exact_sum", "x", x)
    kind = _carrier(format, flat.dtype)
    context = _context(format, flat.dtype)
    return float(
        _core.exact_sum(context, flat.astype(kind, copy=False), thread_count("formats.exact_sum", threads))
    )


def exact_dot(
    x: ArrayLike,
    y: ArrayLike,
    *,
    format: str | FloatFormat | Context | None = None,
    threads: int | None = None,
) -> float:
    """The sum of all products without error, rounded once at the end.

    Parameters
    ----------
    x, y : array_like of one size, float16, float32, float64 or integers up to 2^53
    format, threads
        As for `exact_sum`.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Sizes that differ.
    TypeError
        Another dtype.

    Notes
    -----
    Exact also where products underflow or overflow: they are formed as integers.

    Examples
    --------
    >>> exact_dot([1e200, 1.0, -1e200], [1e200, 2.0, 1e200])
    2.0
    """
    a, b = _pair("exact_dot", x, y)
    kind = _carrier(format, a.dtype)
    context = _context(format, a.dtype)
    return float(
        _core.exact_dot(
            context,
            a.astype(kind, copy=False),
            b.astype(kind, copy=False),
            thread_count("formats.exact_dot", threads),
        )
    )


def compensated_sum(x: ArrayLike, *, method: str = "sum_k", k: int = 2) -> float:
    """A sum that carries its rounding errors along.

    Parameters
    ----------
    x : array_like, any shape, float16, float32, float64 or integers up to 2^53
    method : {"sum_k", "neumaier", "klein", "kahan", "pairwise"}
    k : int, 2..64
        For ``"sum_k"``: the result is as if computed in k-fold precision and rounded.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        An unknown method, `k` out of range.
    TypeError
        Another dtype.

    Notes
    -----
    With u the unit roundoff, n elements, S their sum and A that of their magnitudes, the error is at most
    about ``u |S|`` plus: ``n^k u^k A`` (sum_k), ``2 n^2 u^2 A`` (neumaier), ``2 u A`` (kahan),
    ``u log2(n) A`` (pairwise).

    References
    ----------
    .. [1] T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005).
    .. [2] A. Neumaier, ZAMM 54 (1974). A. Klein, Computing 76 (2006).

    Examples
    --------
    >>> x = [1.0, 1e100, 1.0, -1e100]
    >>> compensated_sum(x), compensated_sum(x, method="kahan"), sum(x)
    (2.0, 0.0, 0.0)
    """
    function = "formats.compensated_sum"
    which = choice(function, "method", method, _SUMS)
    fold = integer(function, "k", k, 2, 64)
    return float(_core.compensated_sum(_floats("compensated_sum", "x", x), which, fold))


def compensated_dot(x: ArrayLike, y: ArrayLike, *, k: int = 2) -> float:
    """A dot product as if computed in k-fold precision and rounded.

    Parameters
    ----------
    x, y : array_like of one size, float16, float32, float64 or integers up to 2^53
    k : int, 2..64

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Sizes that differ, `k` out of range.
    TypeError
        Another dtype.

    Notes
    -----
    ``|error| <= u |x . y| + gamma_n^2 |x| . |y|`` for k = 2, unless products underflow or the sum overflows.

    References
    ----------
    .. [1] T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005).

    Examples
    --------
    >>> x, y = [1e10, 1.0, -1e10], [1e10, 1.0, 1e10]
    >>> compensated_dot(x, y), float(np.dot(x, y))
    (1.0, 0.0)
    """
    a, b = _pair("compensated_dot", x, y)
    return float(_core.compensated_dot(a, b, integer("formats.compensated_dot", "k", k, 2, 64)))


def horner(coefficients: ArrayLike, x: float) -> float:
    """``c[0] + c[1] x + c[2] x^2 + ...`` by the compensated scheme of Horner, as if in doubled precision.

    Parameters
    ----------
    coefficients : array_like of one dimension, float32 or float64
    x : float

    Returns
    -------
    float

    Raises
    ------
    TypeError
        Another dtype.

    References
    ----------
    .. [1] S. Graillat, P. Langlois, N. Louvet, "Compensated Horner scheme" (2005).

    Examples
    --------
    >>> horner([-1.0, 5.0, -10.0, 10.0, -5.0, 1.0], 1 + 2.0**-8) == 2.0**-40  # (x - 1)^5
    True
    """
    c = _floats("horner", "coefficients", coefficients)
    return float(_core.horner(c, float(x)))


def two_sum(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rounded sum and its exact error: ``value + error == a + b``.

    Parameters
    ----------
    a, b : array_like, float32 or float64
        They broadcast.

    Returns
    -------
    value, error : ndarray
        The error is 0 where the sum is infinite.

    References
    ----------
    .. [1] D. Knuth, The Art of Computer Programming, vol. 2, section 4.2.2.

    Examples
    --------
    >>> value, error = two_sum(1.0, 2.0**-60)
    >>> float(value), float(error) == 2.0**-60
    (1.0, True)
    """
    return _transform("two_sum", a, b)


def two_prod(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rounded product and its exact error: ``value + error == a * b``.

    Parameters
    ----------
    a, b : array_like, float32 or float64
        They broadcast.

    Returns
    -------
    value, error : ndarray
        The error is 0 where the product is infinite.

    Notes
    -----
    Exact unless the error underflows (products below 2^-969, in float32 2^-102).

    Examples
    --------
    >>> value, error = two_prod(1 + 2.0**-30, 1 + 2.0**-30)
    >>> float(error) == 2.0**-60
    True
    """
    return _transform("two_prod", a, b)


def _transform(function: str, a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = np.broadcast_arrays(a, b)
    p, q = _pair(function, x, y)
    value, error = np.empty_like(p), np.empty_like(p)
    getattr(_core, function)(p, q, value, error)
    return value.reshape(x.shape), error.reshape(x.shape)
