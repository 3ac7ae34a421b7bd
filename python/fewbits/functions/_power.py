"""Roots and powers."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import binary, unary

__all__ = ["cbrt", "pow", "rsqrt"]

_RSQRT: Final = (_core.rsqrt_f32, _core.rsqrt_f64)
_CBRT: Final = (_core.cbrt_f32, _core.cbrt_f64)


def rsqrt(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """1 / sqrt(x).

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
    +-0 give ``+-inf``, negative numbers NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] IEEE 754-2019, section 9.2; ISO C23, annex F.

    Examples
    --------
    >>> rsqrt([4.0, 2.0, 0.0]).tolist()
    [0.5, 0.7071067811865476, inf]
    """
    return unary("rsqrt", _RSQRT, x, out, accuracy)


def cbrt(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Cube root of x.

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
    Odd; exact for cubes.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`; smaller floats get the
    float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] IEEE 754-2019, section 9.2; ISO C23, annex F.

    Examples
    --------
    >>> cbrt([27.0, -8.0, 2.0]).tolist()
    [3.0, -2.0, 1.2599210498948732]
    """
    return unary("cbrt", _CBRT, x, out, accuracy)


def pow(
    x: ArrayLike, y: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best"
) -> NDArray[Any]:
    """x to the power y.

    Parameters
    ----------
    x, y : array_like, shapes that broadcast
        Types as for `cbrt`; of two types the common one of NumPy. Python numbers take the type of the other.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `x` or `y`.
    accuracy : {"best", "fast"}
        As for `cbrt`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `cbrt`; also for shapes that do not broadcast.

    Notes
    -----
    Exceptional values as in C: ``pow(x, 0)`` and ``pow(1, y)`` are 1 even for NaN, ``pow(-1, inf)`` is 1, a
    negative number to a fractional power is NaN, zeros and infinities to odd powers keep their sign.

    float32 is within 0.501 ulp, float64 within `error_bound`. The same bits on every instruction set.

    References
    ----------
    .. [1] ISO C23, annex F.10.4.4.

    Examples
    --------
    >>> pow([2.0, 10.0, -8.0], [0.5, -2.0, 3.0]).tolist()
    [1.4142135623730951, 0.01, -512.0]
    """
    return binary("pow", x, y, out, accuracy)
