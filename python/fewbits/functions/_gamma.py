"""The logarithm of the gamma function."""

from __future__ import annotations

from typing import Any, Final

from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.functions._elementwise import unary

__all__ = ["log_gamma"]

_LOG_GAMMA: Final = (_core.log_gamma_f32, _core.log_gamma_f64)


def log_gamma(x: ArrayLike, *, out: NDArray[Any] | None = None, accuracy: str = "best") -> NDArray[Any]:
    """Logarithm of the gamma function, for positive arguments.

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
    +-0 and ``inf`` give ``inf``, as do arguments above 2.55e305; negative numbers NaN.
    NaN gives NaN; no value raises or warns.

    float32 was correctly rounded wherever checked, float64 is within `error_bound`, near the zeros at 1 and 2
    too; smaller floats get the float64 result rounded once. The same bits on every instruction set.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 5.7.3, 5.11.1.

    Examples
    --------
    >>> log_gamma([0.5, 1.0, 10.0]).tolist()
    [0.5723649429247001, 0.0, 12.801827480081469]
    """
    return unary("log_gamma", _LOG_GAMMA, x, out, accuracy)
