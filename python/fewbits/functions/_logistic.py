"""What is made of 1 / (1 + exp(-x))."""

from __future__ import annotations

import math  # noqa: F401  the examples use it
from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary

__all__ = ["gelu_tanh", "log_sigmoid", "sigmoid", "silu", "softplus", "tanh"]

_TANH: Final = (_core.tanh_f32, _core.tanh_f64)
_SIGMOID: Final = (_core.sigmoid_f32, _core.sigmoid_f64)
_LOG_SIGMOID: Final = (_core.log_sigmoid_f32, _core.log_sigmoid_f64)
_SOFTPLUS: Final = (_core.softplus_f32, _core.softplus_f64)
_SILU: Final = (_core.silu_f32, _core.silu_f64)
_GELU_TANH: Final = (_core.gelu_tanh_f32, _core.gelu_tanh_f64)


def tanh(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Hyperbolic tangent of x.

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
    Odd; ``+-inf`` give +-1.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> tanh([0.0, 0.5, 20.0]).tolist()
    [0.0, 0.46211715726000974, 1.0]
    """
    return unary("tanh", _TANH, x, out, accuracy)


def sigmoid(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """The logistic function 1 / (1 + exp(-x)).

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
    The lower tail keeps its relative accuracy, subnormal results included.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> sigmoid([0.0, 2.0, -88.73]).tolist()
    [0.5, 0.8807970779778824, 2.9177670848109992e-39]
    """
    return unary("sigmoid", _SIGMOID, x, out, accuracy)


def log_sigmoid(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """log(sigmoid(x)) = -softplus(-x).

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
    Accurate in both tails.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> log_sigmoid([0.5, 40.0, -1000.0]).tolist()
    [-0.4740769841801067, -4.248354255291589e-18, -1000.0]
    """
    return unary("log_sigmoid", _LOG_SIGMOID, x, out, accuracy)


def softplus(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """log(1 + exp(x)).

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
    Accurate in both tails.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> softplus([0.0, -40.0, 30.0]).tolist()
    [0.6931471805599453, 4.248354255291589e-18, 30.000000000000092]
    """
    return unary("softplus", _SOFTPLUS, x, out, accuracy)


def silu(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """x sigmoid(x), also called swish.

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
    ``-inf`` gives -0.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> silu([1.0, -1.0, -math.inf]).tolist()
    [0.7310585786300049, -0.2689414213699951, -0.0]
    """
    return unary("silu", _SILU, x, out, accuracy)


def gelu_tanh(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x**3))), the tanh form of `gelu`.

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
    ``-inf`` gives -0; the lower tail keeps its relative accuracy.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415; S. Elfwing et al.,
       "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> gelu_tanh([1.0, -1.0, -math.inf]).tolist()
    [0.8411919906082767, -0.1588080093917233, -0.0]
    """
    return unary("gelu_tanh", _GELU_TANH, x, out, accuracy)
