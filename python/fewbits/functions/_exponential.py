"""Exponential functions."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary

__all__ = ["exp", "exp2", "exp10", "expm1"]

_EXP: Final = (_core.exp_f32, _core.exp_f64)
_EXP2: Final = (_core.exp2_f32, _core.exp2_f64)
_EXP10: Final = (_core.exp10_f32, _core.exp10_f64)
_EXPM1: Final = (_core.expm1_f32, _core.expm1_f64)


def exp(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """e to the power x.

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
    ``-inf`` gives 0, overflow infinity, underflow is gradual.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the exponential function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).

    Examples
    --------
    >>> exp([0.0, 1.0, -1000.0]).tolist()
    [1.0, 2.718281828459045, 0.0]
    """
    return unary("exp", _EXP, x, out, accuracy)


def exp2(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """2 to the power x.

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
    Exact for integers. Overflow gives infinity, underflow is gradual.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the exponential function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).

    Examples
    --------
    >>> exp2([3.0, 0.5, -1074.0]).tolist()
    [8.0, 1.4142135623730951, 5e-324]
    """
    return unary("exp2", _EXP2, x, out, accuracy)


def exp10(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """10 to the power x.

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
    Exact wherever the result is a float. Overflow gives infinity, underflow is gradual.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the exponential function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).

    Examples
    --------
    >>> exp10([3.0, -1.0, 22.0]).tolist()
    [1000.0, 0.1, 1e+22]
    """
    return unary("exp10", _EXP10, x, out, accuracy)


def expm1(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """exp(x) - 1, accurate for small x.

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
    ``-inf`` gives -1; -0 stays -0.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] P.-T. P. Tang, "Table-driven implementation of the exponential function in IEEE
       floating-point arithmetic", ACM Trans. Math. Softw. 15 (1989).

    Examples
    --------
    >>> expm1([1e-20, 1.0, -50.0]).tolist()
    [1e-20, 1.7182818284590453, -1.0]
    """
    return unary("expm1", _EXPM1, x, out, accuracy)
