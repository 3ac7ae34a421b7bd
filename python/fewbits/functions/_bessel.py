"""Logarithms of modified Bessel functions, their ratios and derivatives."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice
from fewbits.errors import ArgumentError
from fewbits.functions._elementwise import Array, evaluate, pair

__all__ = [
    "iv_ratio",
    "iv_ratio_c",
    "iv_ratio_inv",
    "kv_ratio",
    "log_iv",
    "log_iv_grad",
    "log_kv",
    "log_kv_grad",
]

_METHODS: Final = ("best", "paper")
_ERRORS: Final = ("nan", "raise")


def _log_bessel(
    name: str, both: tuple[Array, Array], out: Array | None, *, scaled: Any, method: str, errors: str
) -> Array:
    paper = choice(f"functions.{name}", "method", method, _METHODS) == 1
    raises = choice(f"functions.{name}", "errors", errors, _ERRORS) == 1
    if not isinstance(scaled, bool | np.bool_):
        raise TypeError(f"functions.{name}: scaled must be a bool, got {type(scaled).__name__}")
    # The message shows what was given, also where `out` is the memory of an argument.
    given = tuple(x.copy() for x in both) if raises and out is not None else both
    result: Array = evaluate(name, both, {"out": out}, bool(scaled), paper)
    if raises:
        bad = np.flatnonzero(np.isnan(np.asarray(result, dtype=np.float64)))
        if bad.size:
            v, x = (float(values.reshape(-1)[bad[0]]) for values in given)
            raise ArgumentError(
                f"functions.{name}: v and x must be in the domain, "
                f"got v = {v!r}, x = {x!r} at flat index {bad[0]}"
            )
    return result


def log_iv(
    v: ArrayLike,
    x: ArrayLike,
    *,
    scaled: bool = False,
    method: str = "best",
    errors: str = "nan",
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Logarithm of the modified Bessel function of the first kind, log I_v(x).

    Parameters
    ----------
    v, x : array_like, shapes that broadcast
        Order and argument, ``v >= 0`` or a negative integer, ``x >= 0``. float32, float64, floats of at most
        16 bits, or integers, which count as float64; of two types the common one of NumPy.
    scaled : bool
        ``log I_v(x) - x``, without the difference of two rounded numbers.
    method : {"best", "paper"}
        ``"paper"``: the selection of expansions that was published, in plain float64, for reproduction.
    errors : {"nan", "raise"}
        What happens where the result is NaN.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `v` or `x`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        Shapes that do not broadcast, an `out` of another shape, unknown options; with ``errors="raise"`` the
        first pair outside the domain.

    Notes
    -----
    Error at most ``4 eps max(1, |result|)``, ``eps = 2**-52``, for all float64 v and x; for v = 0 at most
    ``4 eps |result|``. float32 and smaller floats get the float64 result, rounded once. The same bits on
    every instruction set.

    ``log_iv(0, 0) = 0``, ``log_iv(v, 0) = -inf``; infinite x gives ``inf``, infinite v ``-inf``, both NaN.
    Results beyond the range of the type are infinite.

    References
    ----------
    .. [1] A. Plesner, H. Sorensen, S. Hauberg, "Accurate Computation of the Logarithm of Modified Bessel
       Functions on GPUs", ICS 2024, arXiv:2409.08729.
    .. [2] NIST Digital Library of Mathematical Functions, 10.25.2, 10.41.

    Examples
    --------
    >>> log_iv([0, 1023], [1.0, 500.0]).tolist()
    [0.23591435850717865, -363.4780157200754]
    >>> float(log_iv(2, 1e300, scaled=True))
    -346.30670248231155
    """
    name = "log_iv"
    both = pair(name, ("v", "x"), v, x)
    return _log_bessel(name, both, out, scaled=scaled, method=method, errors=errors)


def log_kv(
    v: ArrayLike,
    x: ArrayLike,
    *,
    scaled: bool = False,
    method: str = "best",
    errors: str = "nan",
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Logarithm of the modified Bessel function of the second kind, log K_v(x).

    Parameters
    ----------
    v, x : array_like, shapes that broadcast
        Order and argument, any v, ``x >= 0``. Types as for `log_iv`.
    scaled : bool
        ``log K_v(x) + x``, without the sum of two rounded numbers.
    method, errors, out
        As for `log_iv`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Error at most ``4 eps max(1, |result|)``, ``eps = 2**-52``, for all float64 v and x;
    otherwise as for `log_iv`. ``log_kv(v, 0) = inf``; infinite x gives ``-inf``, infinite v ``inf``, both
    NaN.

    References
    ----------
    .. [1] A. Plesner, H. Sorensen, S. Hauberg, "Accurate Computation of the Logarithm of Modified Bessel
       Functions on GPUs", ICS 2024, arXiv:2409.08729.
    .. [2] N. Temme, "On the numerical evaluation of the modified Bessel function of the third kind", J.
       Comput. Phys. 19 (1975).

    Examples
    --------
    >>> log_kv([0, 1023], [1.0, 500.0]).tolist()
    [-0.8650643989067881, 355.74726785726534]
    """
    name = "log_kv"
    both = pair(name, ("v", "x"), v, x)
    return _log_bessel(name, both, out, scaled=scaled, method=method, errors=errors)


def iv_ratio(v: ArrayLike, x: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Ratio of modified Bessel functions of the first kind, I_(v+1)(x) / I_v(x).

    Parameters
    ----------
    v, x : array_like, shapes that broadcast
        ``v >= 0`` and ``x >= 0``, else the result is NaN. Types as for `log_iv`.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `v` or `x`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Relative error at most ``4 eps``, ``eps = 2**-52``. Between 0 (x = 0) and 1 (x infinite); close to 1 use
    `iv_ratio_c`. Both infinite: NaN.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 10.33.1, 10.41.
    .. [2] D. Amos, "Computation of modified Bessel functions and their ratios", Math. Comp. 28 (1974).

    Examples
    --------
    >>> iv_ratio([0, 1e6], [1.0, 1.0]).tolist()
    [0.4463899658965345, 4.999995000003749e-07]
    """
    result: Array = evaluate("iv_ratio", pair("iv_ratio", ("v", "x"), v, x), {"out": out})
    return result


def iv_ratio_c(v: ArrayLike, x: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Complement of a ratio of modified Bessel functions, 1 - I_(v+1)(x) / I_v(x).

    Parameters
    ----------
    v, x, out
        As for `iv_ratio`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Relative error at most ``4 eps``, ``eps = 2**-52``, however small the result.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 10.33.1, 10.41.

    Examples
    --------
    >>> float(iv_ratio_c(0, 1e6))
    5.000001250001249e-07
    """
    result: Array = evaluate("iv_ratio_c", pair("iv_ratio_c", ("v", "x"), v, x), {"out": out})
    return result


def kv_ratio(v: ArrayLike, x: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Ratio of modified Bessel functions of the second kind, K_(v+1)(x) / K_v(x).

    Parameters
    ----------
    v, x, out
        As for `iv_ratio`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Relative error at most ``4 eps``, ``eps = 2**-52``. ``inf`` for x = 0, 1 for infinite x; beyond the range
    of the type infinite.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 10.32.9, 10.41.

    Examples
    --------
    >>> kv_ratio([0, 511], [1.0, 1.0]).tolist()
    [1.4296253982604017, 1022.0009803912127]
    """
    result: Array = evaluate("kv_ratio", pair("kv_ratio", ("v", "x"), v, x), {"out": out})
    return result


def iv_ratio_inv(v: ArrayLike, r: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """The x for which I_(v+1)(x) / I_v(x) is r.

    Parameters
    ----------
    v, r : array_like, shapes that broadcast
        ``v >= 0`` and ``0 <= r <= 1``, else the result is NaN. Types as for `log_iv`.
    out : ndarray, optional
        For the result, of its dtype and shape; may be `v` or `r`.

    Returns
    -------
    ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Relative error at most ``8 eps``, ``eps = 2**-52``, times the condition of the problem where that is above
    1, ``r / (x R'(x))``, or ``(1 - r) / (x R'(x))`` for r > 1/2, where 1 - r is what counts and is exact. 0
    and 1 give 0 and ``inf``.

    References
    ----------
    .. [1] A. Banerjee et al., "Clustering on the unit hypersphere using von Mises-Fisher distributions",
       JMLR 6 (2005), for the start of Newton's method.

    Examples
    --------
    >>> iv_ratio_inv(0.5, [0.0, 0.9, 1.0]).tolist()
    [0.0, 9.999999587768954, inf]
    """
    result: Array = evaluate("iv_ratio_inv", pair("iv_ratio_inv", ("v", "r"), v, r), {"out": out})
    return result


def log_iv_grad(v: ArrayLike, x: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The derivatives of log I_v(x) with respect to v and x.

    Parameters
    ----------
    v, x : array_like, shapes that broadcast
        ``v >= 0`` and ``x >= 0``, else the results are NaN. Types as for `log_iv`.

    Returns
    -------
    d_v, d_x : ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Error at most ``16 eps max(1, |result|)``, ``eps = 2**-52``. With r = d_x the second derivative with
    respect to x is ``1 + (v/x)**2 - r/x - r**2``.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 10.29.2, 10.38, 10.41.

    Examples
    --------
    >>> [float(d) for d in log_iv_grad(2.0, 3.0)]
    [-0.7181814956014897, 1.0941334007715626]
    """
    both: tuple[Array, Array] = evaluate(
        "log_iv_grad", pair("log_iv_grad", ("v", "x"), v, x), {"d_v": None, "d_x": None}
    )
    return both


def log_kv_grad(v: ArrayLike, x: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The derivatives of log K_v(x) with respect to v and x.

    Parameters
    ----------
    v, x : array_like, shapes that broadcast
        Any v, ``x >= 0``. Types as for `log_iv`.

    Returns
    -------
    d_v, d_x : ndarray, the common shape and dtype

    Raises
    ------
    TypeError, ArgumentError
        As for `log_iv`.

    Notes
    -----
    Error at most ``16 eps max(1, |result|)``, ``eps = 2**-52``. The former is odd in v, exactly 0 at v = 0.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 10.29.2, 10.32.9, 10.41.

    Examples
    --------
    >>> [float(d) for d in log_kv_grad(2.0, 3.0)]
    [0.560731374891727..., -1.31...]
    """
    both: tuple[Array, Array] = evaluate(
        "log_kv_grad", pair("log_kv_grad", ("v", "x"), v, x), {"d_v": None, "d_x": None}
    )
    return both
