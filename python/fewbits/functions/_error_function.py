"""The error function and the normal distribution."""

from __future__ import annotations

import math  # noqa: F401  the examples use it
from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary

__all__ = ["erf", "erfc", "erfcx", "gelu", "log_ndtr", "ndtr", "ndtri"]

_ERF: Final = (_core.erf_f32, _core.erf_f64)
_ERFC: Final = (_core.erfc_f32, _core.erfc_f64)
_ERFCX: Final = (_core.erfcx_f32, _core.erfcx_f64)
_NDTR: Final = (_core.ndtr_f32, _core.ndtr_f64)
_LOG_NDTR: Final = (_core.log_ndtr_f32, _core.log_ndtr_f64)
_NDTRI: Final = (_core.ndtri_f32, _core.ndtri_f64)
_GELU: Final = (_core.gelu_f32, _core.gelu_f64)


def erf(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """The error function.

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
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> erf([0.0, 0.5, -6.0]).tolist()
    [0.0, 0.5204998778130465, -1.0]
    """
    return unary("erf", _ERF, x, out, accuracy)


def erfc(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """1 - erf(x).

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
    The upper tail keeps its relative accuracy, subnormal results included.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> erfc([0.5, 5.0, 26.5]).tolist()
    [0.4795001221869535, 1.537459794428035e-12, 2.2109076642637343e-307]
    """
    return unary("erfc", _ERFC, x, out, accuracy)


def erfcx(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """exp(x**2) erfc(x), the scaled complementary error function.

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
    Overflows below -26.6.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> erfcx([0.0, 1.0, 1e10]).tolist()
    [1.0, 0.427583576155807, 5.641895835477563e-11]
    """
    return unary("erfcx", _ERFCX, x, out, accuracy)


def ndtr(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Distribution function of the standard normal distribution.

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
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> ndtr([0.0, 1.0, -38.0]).tolist()
    [0.5, 0.8413447460685429, 2.88542835e-316]
    """
    return unary("ndtr", _NDTR, x, out, accuracy)


def log_ndtr(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """log(ndtr(x)).

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
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> log_ndtr([-1e5, -40.0, 8.0]).tolist()
    [-5000000012.431864, -804.6084420137538, -6.220960574271786e-16]
    """
    return unary("log_ndtr", _LOG_NDTR, x, out, accuracy)


def ndtri(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Inverse of `ndtr`.

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
    0 gives ``-inf``, 1 gives ``inf``, numbers outside of [0, 1] NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> ndtri([0.5, 0.975, 1e-300]).tolist()
    [0.0, 1.9599639845400538, -37.0470962993612]
    """
    return unary("ndtri", _NDTRI, x, out, accuracy)


def gelu(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """x ndtr(x), the Gaussian error linear unit.

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
    .. [1] NIST Digital Library of Mathematical Functions, sections 7.6 and 7.12; W. Cody, "Rational
       Chebyshev approximations for the error function", Math. Comp. 23 (1969).

    Examples
    --------
    >>> gelu([1.0, -10.0, -math.inf]).tolist()
    [0.8413447460685429, -7.619853024160526e-23, -0.0]
    """
    return unary("gelu", _GELU, x, out, accuracy)
