"""Trigonometric functions."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary, unary_pair

__all__ = ["cos", "sin", "sincos"]

_SIN: Final = (_core.sin_f32, _core.sin_f64)
_COS: Final = (_core.cos_f32, _core.cos_f64)


def sin(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Sine of x in radians.

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
    Arguments of every size keep full accuracy. Infinities give NaN; -0 stays -0.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter
       18 (1983).

    Examples
    --------
    >>> sin([0.0, 3.141592653589793, 1e22]).tolist()
    [0.0, 1.2246467991473532e-16, -0.8522008497671888]
    """
    return unary("sin", _SIN, x, out, accuracy)


def cos(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Cosine of x in radians.

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
    Arguments of every size keep full accuracy. Infinities give NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter
       18 (1983).

    Examples
    --------
    >>> cos([0.0, 3.141592653589793, 5.319372648326541e255]).tolist()
    [1.0, -1.0, -4.687165924254628e-19]
    """
    return unary("cos", _COS, x, out, accuracy)


def sincos(
    x: ArrayLike,
    *,
    out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = None,
    accuracy: str = "best",
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sine and cosine of x in radians, for little more than the cost of one.

    Parameters
    ----------
    x : array_like, any shape
        As for `sin`.
    out : pair of ndarrays, optional
        For the results, of their dtype and shape; one of them may be `x`.
    accuracy : {"best", "fast"}
        As for `sin`.

    Returns
    -------
    sin, cos : ndarrays, shape and dtype of `x`
        The same bits as those of `sin` and `cos`.

    Raises
    ------
    TypeError, ArgumentError
        As for `sin`; also for two arrays that overlap.

    Notes
    -----
    The bounds are those of `sin` and `cos`.

    References
    ----------
    .. [1] M. Payne, R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18 (1983).

    Examples
    --------
    >>> s, c = sincos([0.0, 1.0])
    >>> s.tolist(), c.tolist()
    ([0.0, 0.8414709848078965], [1.0, 0.5403023058681398])
    """
    return unary_pair("sincos", x, out, accuracy)
