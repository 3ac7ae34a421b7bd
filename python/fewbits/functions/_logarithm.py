"""Logarithms."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary

__all__ = ["log", "log1p", "log2", "log10"]

_LOG: Final = (_core.log_f32, _core.log_f64)
_LOG2: Final = (_core.log2_f32, _core.log2_f64)
_LOG10: Final = (_core.log10_f32, _core.log10_f64)
_LOG1P: Final = (_core.log1p_f32, _core.log1p_f64)


def log(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Natural logarithm of x.

    Parameters
    ----------
    x : array_like, any shape
        float32, float64, floats of at most 16 bits (float16 and those of ml_dtypes), or integers, which
        count as float64.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `x`.
    accuracy : {"best", "fast"}
        ``"fast"``: float32 arithmetic for float32 where the function has it; see `error_bound`.

    Returns
    -------
    ndarray, shape and dtype of `x`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        An `out` of another shape, an unknown accuracy.

    Notes
    -----
    0 gives ``-inf``, negative numbers NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the logarithm function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 16 (1990).

    Examples
    --------
    >>> log([1.0, 10.0, 0.0]).tolist()
    [0.0, 2.302585092994046, -inf]
    """
    return unary("log", _LOG, x, out, accuracy)


def log2(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Logarithm of x to base 2.

    Parameters
    ----------
    x : array_like, any shape
        float32, float64, floats of at most 16 bits (float16 and those of ml_dtypes), or integers, which
        count as float64.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `x`.
    accuracy : {"best", "fast"}
        ``"fast"``: float32 arithmetic for float32 where the function has it; see `error_bound`.

    Returns
    -------
    ndarray, shape and dtype of `x`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        An `out` of another shape, an unknown accuracy.

    Notes
    -----
    Exact for powers of two. 0 gives ``-inf``, negative numbers NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the logarithm function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 16 (1990).

    Examples
    --------
    >>> log2([8.0, 10.0, 5e-324]).tolist()
    [3.0, 3.321928094887362, -1074.0]
    """
    return unary("log2", _LOG2, x, out, accuracy)


def log10(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Logarithm of x to base 10.

    Parameters
    ----------
    x : array_like, any shape
        float32, float64, floats of at most 16 bits (float16 and those of ml_dtypes), or integers, which
        count as float64.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `x`.
    accuracy : {"best", "fast"}
        ``"fast"``: float32 arithmetic for float32 where the function has it; see `error_bound`.

    Returns
    -------
    ndarray, shape and dtype of `x`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        An `out` of another shape, an unknown accuracy.

    Notes
    -----
    Exact for powers of ten. 0 gives ``-inf``, negative numbers NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the logarithm function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 16 (1990).

    Examples
    --------
    >>> log10([1000.0, 2.0, 1e22]).tolist()
    [3.0, 0.3010299956639812, 22.0]
    """
    return unary("log10", _LOG10, x, out, accuracy)


def log1p(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """log(1 + x), accurate for small x.

    Parameters
    ----------
    x : array_like, any shape
        float32, float64, floats of at most 16 bits (float16 and those of ml_dtypes), or integers, which
        count as float64.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `x`.
    accuracy : {"best", "fast"}
        ``"fast"``: float32 arithmetic for float32 where the function has it; see `error_bound`.

    Returns
    -------
    ndarray, shape and dtype of `x`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        An `out` of another shape, an unknown accuracy.

    Notes
    -----
    -1 gives ``-inf``, smaller numbers NaN; -0 stays -0.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the logarithm function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 16 (1990).

    Examples
    --------
    >>> log1p([1e-20, 1.0, -1.0]).tolist()
    [1e-20, 0.6931471805599453, -inf]
    """
    return unary("log1p", _LOG1P, x, out, accuracy)
