"""Density, moments, fits and samples of one von Mises-Fisher distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import choice, integer, real, seed_value, thread_count
from fewbits._core import functions as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.functions._bessel import iv_ratio, iv_ratio_c
from fewbits.functions.vmf._rows import norms, row_dots, unit_rows, unit_vector, weighted_sums

__all__ = [
    "VmfFit",
    "entropy",
    "fit",
    "kappa_from_resultant",
    "kl",
    "log_normalizer",
    "logpdf",
    "mean_resultant",
    "sample",
]

Array = NDArray[np.float64]
METHODS: Final = ("banerjee", "tanabe", "sra", "mle")
_MOST_DIMENSIONS = 1 << 53


def _pairs(function: str, p: ArrayLike, name: str, y: ArrayLike, high: float) -> tuple[Array, Array]:
    """Dimensions and numbers of 0..high, as float64 of one shape."""
    dimensions, numbers = as_numbers(function, "p", p), as_numbers(function, name, y).astype(np.float64)
    if dimensions.dtype.kind not in "iu":
        raise TypeError(f"{function}: p must be an integer, got {dimensions.dtype}")
    bad = (dimensions < 2) | (dimensions > _MOST_DIMENSIONS)
    if bad.any():
        raise ArgumentError(f"{function}: p must be in 2..2**53, got {dimensions[bad].flat[0]}")
    wrong = ~((numbers >= 0) & (numbers <= high))
    if wrong.any():
        rule = f"in [0, {high:g}]" if math.isfinite(high) else "at least 0"
        raise ArgumentError(f"{function}: {name} must be {rule}, got {numbers[wrong].flat[0]}")
    try:
        a, b = np.broadcast_arrays(dimensions.astype(np.float64), numbers)
    except ValueError:
        raise ArgumentError(
            f"{function}: p and {name} must broadcast, got shapes {dimensions.shape} and {numbers.shape}"
        ) from None
    return np.array(a, order="C"), np.array(b, order="C")


def log_normalizer(p: ArrayLike, kappa: ArrayLike) -> NDArray[np.float64]:
    """Logarithm of the factor that makes the density integrate to 1, log C_p(kappa).

    Parameters
    ----------
    p : int or array_like of int, at least 2
        Dimensions of the space that holds the sphere.
    kappa : array_like, at least 0
        Concentration; broadcasts with `p`.

    Returns
    -------
    ndarray, float64, the common shape

    Raises
    ------
    TypeError, ArgumentError
        p below 2 or no integer, kappa negative or NaN, shapes that do not broadcast.

    Notes
    -----
    ``v log kappa - (p/2) log 2 pi - log I_v(kappa)``, ``v = p/2 - 1``, evaluated without log kappa: error at
    most ``2 eps`` of the larger of 1, ``(p/2) log 2 pi`` and ``|log I_v(kappa) - v log kappa|``, ``eps =
    2**-52``, also at and near kappa = 0, where it is ``log Gamma(p/2) - log 2 - (p/2) log pi``.

    References
    ----------
    .. [1] K. Mardia, P. Jupp, "Directional Statistics", Wiley 2000, 9.3.

    Examples
    --------
    >>> log_normalizer([3, 32768], [0.0, 327.5]).tolist()
    [-2.53102424696929..., 123845.8...]
    """
    dimensions, numbers = _pairs("functions.vmf.log_normalizer", p, "kappa", kappa, math.inf)
    out = np.empty_like(numbers)
    _core.vmf_log_normalizer_f64(dimensions, numbers, out)
    return out


def mean_resultant(p: ArrayLike, kappa: ArrayLike, *, complement: bool = False) -> NDArray[np.float64]:
    """Length of the mean of the distribution, A_p(kappa) = I_(p/2)(kappa) / I_(p/2-1)(kappa).

    Parameters
    ----------
    p, kappa
        As for `log_normalizer`.
    complement : bool
        One minus that, accurate also where it is small.

    Returns
    -------
    ndarray, float64, the common shape

    Raises
    ------
    TypeError, ArgumentError
        As for `log_normalizer`.

    Notes
    -----
    Relative error at most ``4 eps``, ``eps = 2**-52``.

    References
    ----------
    .. [1] K. Mardia, P. Jupp, "Directional Statistics", Wiley 2000, 9.3.

    Examples
    --------
    >>> mean_resultant(2048, [1.0, 1365.0]).tolist()
    [0.000488281133..., 0.49998...]
    """
    dimensions, numbers = _pairs("functions.vmf.mean_resultant", p, "kappa", kappa, math.inf)
    return (iv_ratio_c if complement else iv_ratio)(0.5 * dimensions - 1, numbers)


def solve(function: str, p: int, r: float, method: str) -> tuple[float, int, bool]:
    """kappa, iterations and whether they converged, for checked numbers."""
    chosen = choice(function, "method", method, METHODS)
    kappa, iterations, converged = _core.vmf_kappa_from_resultant(float(p), r, chosen)
    return kappa, iterations, converged


def kappa_from_resultant(p: ArrayLike, r: ArrayLike, *, method: str = "mle") -> NDArray[np.float64]:
    """The concentration whose mean resultant length is r.

    Parameters
    ----------
    p : int or array_like of int, at least 2
    r : array_like, 0 to 1
        Broadcasts with `p`.
    method : {"mle", "banerjee", "tanabe", "sra"}
        ``"mle"`` solves the equation; the others are published estimates.

    Returns
    -------
    ndarray, float64, the common shape; 0 for r = 0, ``inf`` for r = 1

    Raises
    ------
    TypeError, ArgumentError
        As for `log_normalizer`; r outside [0, 1], an unknown method.

    Notes
    -----
    ``"mle"``: Newton's method in a bracket, until a step is below ``2 eps`` of kappa, on 1 - r where r > 1/2;
    relative error at most ``8 eps`` times the condition of the problem where that is above 1.

    References
    ----------
    .. [1] A. Banerjee et al., JMLR 6 (2005).
    .. [2] A. Tanabe et al., Computational Statistics 22 (2007).
    .. [3] S. Sra, "A short note on parameter approximation for von Mises-Fisher distributions", Computational
       Statistics 27 (2012).

    Examples
    --------
    >>> kappa_from_resultant([3, 2048], 0.5).tolist()
    [1.79675598472371..., 1365.0667417076...]
    >>> float(kappa_from_resultant(3, 0.5, method="banerjee"))
    1.8333333333333333
    """
    function = "functions.vmf.kappa_from_resultant"
    dimensions, numbers = _pairs(function, p, "r", r, 1.0)
    out = np.empty_like(numbers)
    flat, p_flat, r_flat = out.reshape(-1), dimensions.reshape(-1), numbers.reshape(-1)
    choice(function, "method", method, METHODS)
    for i in range(flat.size):
        flat[i] = solve(function, int(p_flat[i]), float(r_flat[i]), method)[0]
    return out


@dataclass(frozen=True)
class VmfFit:
    """A von Mises-Fisher distribution that was fitted to data.

    Attributes
    ----------
    mu : ndarray, float64, p elements
        Mean direction; zeros where the data have none (R = 0).
    kappa : float
        Concentration.
    R : float
        Length of the mean of the data.
    log_likelihood : float
        Of the data, in all.
    iterations : int
        Of Newton's method.
    converged : bool
        Whether kappa solves its equation; also False where mu is undefined.
    """

    mu: NDArray[np.float64]
    kappa: float
    R: float
    log_likelihood: float
    iterations: int
    converged: bool


def fit(
    X: ArrayLike,
    *,
    normalize: bool = False,
    method: str = "mle",
    weights: ArrayLike | None = None,
    allow_inf: bool = False,
    threads: int | None = None,
) -> VmfFit:
    """Maximum likelihood fit to unit vectors.

    Parameters
    ----------
    X : array_like, n by p, p at least 2
        Unit vectors as rows, float32, float64 or smaller floats; lengths may be off by 1e-3.
    normalize : bool
        Bring rows to length 1 first.
    method : str
        How kappa is found, see `kappa_from_resultant`.
    weights : array_like, n elements, at least 0, optional
        How often each row counts.
    allow_inf : bool
        Let kappa be infinite where all rows are equal, instead of raising.
    threads : int, optional
        1 by default, 0 for all CPUs; the result does not depend on it.

    Returns
    -------
    VmfFit

    Raises
    ------
    ArgumentError
        No matrix of unit rows, weights that do not fit, rows that are all equal.
    TypeError
        Wrong types.

    Notes
    -----
    Rows are summed in float64, one after the other. The same bits on every machine.

    References
    ----------
    .. [1] A. Banerjee et al., JMLR 6 (2005), section 2.2.

    Examples
    --------
    >>> mu = np.eye(8)[0]
    >>> found = fit(sample(2000, mu, 12.0, seed=3))
    >>> abs(found.kappa - 12) < 0.5, bool(found.mu @ mu > 0.99), found.converged
    (True, True, True)
    """
    function = "functions.vmf.fit"
    count = thread_count(function, threads)
    choice(function, "method", method, METHODS)
    rows = unit_rows(function, X, normalize)
    weight = np.ones(rows.shape[0])
    if weights is not None:
        weight = as_numbers(function, "weights", weights).astype(np.float64)
        if weight.shape != (rows.shape[0],) or not (weight >= 0).all() or not 0 < weight.sum() < math.inf:
            raise ArgumentError(
                f"{function}: weights must be {rows.shape[0]} numbers of at least 0 with a positive sum, "
                f"got shape {weight.shape}"
            )
    return fit_weighted(function, rows, weight, method=method, allow_inf=allow_inf, threads=count)


def resultant(total: Array, weight: float) -> tuple[Array, float]:
    """Direction and relative length of a sum of unit vectors."""
    length = float(norms(total.reshape(1, -1))[0])
    if length == 0:
        return np.zeros_like(total), 0.0
    return total / length, length / weight


def fit_weighted(
    function: str, rows: NDArray[Any], weight: Array, *, method: str, allow_inf: bool, threads: int
) -> VmfFit:
    """The fit for checked arguments."""
    p = rows.shape[1]
    # In order, as everything that becomes a result.
    total_weight = float(np.add.accumulate(weight)[-1])
    mu, r = resultant(weighted_sums(rows, weight.reshape(-1, 1), threads)[0], total_weight)
    if r >= 1:
        if not allow_inf:
            raise ArgumentError(
                f"{function}: X must have rows that differ (kappa is infinite; see allow_inf), got R = {r}"
            )
        return VmfFit(mu, math.inf, 1.0, math.inf, 0, True)
    kappa, iterations, converged = solve(function, p, r, method)
    log_likelihood = total_weight * (kappa * r + float(log_normalizer(p, kappa)))
    return VmfFit(mu, kappa, r, log_likelihood, iterations, converged and r > 0)


def logpdf(
    X: ArrayLike, mu: ArrayLike, kappa: float, *, normalize: bool = False, threads: int | None = None
) -> NDArray[np.float64]:
    """Logarithm of the density at unit vectors.

    Parameters
    ----------
    X : array_like, n by p
        As for `fit`.
    mu : array_like, p elements
        Mean direction, a unit vector.
    kappa : float, at least 0
    normalize, threads
        As for `fit`.

    Returns
    -------
    ndarray, float64, n elements

    Raises
    ------
    TypeError, ArgumentError
        As for `fit`; mu that is no unit vector of p elements, kappa negative or infinite.

    References
    ----------
    .. [1] K. Mardia, P. Jupp, "Directional Statistics", Wiley 2000, 9.3.

    Examples
    --------
    >>> logpdf([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [1.0, 0.0, 0.0], 2.0).tolist()
    [-1.126244439023513..., -3.12624443902351...]
    """
    function = "functions.vmf.logpdf"
    count = thread_count(function, threads)
    direction = unit_vector(function, "mu", mu)
    concentration = real(function, "kappa", kappa, 0.0)
    rows = unit_rows(function, X, normalize, direction.size)
    dots = row_dots(rows, direction.reshape(1, -1), count)[:, 0]
    return concentration * dots + float(log_normalizer(direction.size, concentration))


def sample(
    n: int,
    mu: ArrayLike,
    kappa: float,
    *,
    seed: int | np.random.Generator = 0,
    first: int = 0,
    dtype: DTypeLike = np.float64,
    threads: int | None = None,
) -> NDArray[Any]:
    """Independent samples.

    Parameters
    ----------
    n : int
        How many.
    mu : array_like, p elements, p at least 2
        Mean direction, a unit vector.
    kappa : float, at least 0
        0 gives the uniform distribution on the sphere.
    seed : int in 0..2**64-1, or numpy.random.Generator, which gives one
    first : int
        Index of the first sample under the seed.
    dtype : float64 or float32
    threads : int, optional
        1 by default, 0 for all CPUs; the result does not depend on it.

    Returns
    -------
    ndarray, n by p
        Unit vectors; sample i is a function of (seed, first + i) alone.

    Raises
    ------
    TypeError, ArgumentError
        Arguments other than these.

    Notes
    -----
    The angle to mu by Wood's rejection, with beta variates by Ulrich's method; the direction across mu is
    that of a normal vector. Exact up to the rounding of float64. The same bits on every machine.

    References
    ----------
    .. [1] A. Wood, "Simulation of the von Mises Fisher distribution", Commun. Statist. Simul. 23 (1994).
    .. [2] G. Ulrich, "Computer generation of distributions on the m-sphere", Applied Statistics 33 (1984).

    Examples
    --------
    >>> x = sample(5, [0.6, 0.8], 10.0, seed=1)
    >>> x.shape, bool((abs((x**2).sum(1) - 1) < 1e-15).all())
    ((5, 2), True)
    >>> bool((sample(2, [0.6, 0.8], 10.0, seed=1, first=3) == x[3:]).all())
    True
    """
    function = "functions.vmf.sample"
    direction = unit_vector(function, "mu", mu)
    concentration = real(function, "kappa", kappa, 0.0)
    kind = np.dtype(dtype)
    if kind not in (np.float32, np.float64):
        raise TypeError(f"{function}: dtype must be float32 or float64, got {kind}")
    start = integer(function, "first", first, 0, (1 << 62) - 1)
    out = np.empty((integer(function, "n", n, 0, 1 << 62), direction.size), kind)
    draw = _core.vmf_sample_f32 if kind == np.float32 else _core.vmf_sample_f64
    draw(direction, concentration, seed_value(function, seed), start, out, thread_count(function, threads))
    return out


def entropy(p: ArrayLike, kappa: ArrayLike) -> NDArray[np.float64]:
    """Differential entropy in nats, -log C_p(kappa) - kappa A_p(kappa).

    Parameters
    ----------
    p, kappa
        As for `log_normalizer`, kappa finite.

    Returns
    -------
    ndarray, float64, the common shape

    Raises
    ------
    TypeError, ArgumentError
        As for `log_normalizer`.

    References
    ----------
    .. [1] K. Mardia, P. Jupp, "Directional Statistics", Wiley 2000, 9.3.

    Examples
    --------
    >>> bool(abs(entropy(3, 0.0) - np.log(4 * np.pi)) < 1e-15)
    True
    """
    dimensions, numbers = _pairs("functions.vmf.entropy", p, "kappa", kappa, np.finfo(np.float64).max)
    whole = dimensions.astype(np.int64)
    return -log_normalizer(whole, numbers) - numbers * mean_resultant(whole, numbers)


def kl(mu: ArrayLike, kappa: float, other_mu: ArrayLike, other_kappa: float) -> float:
    """Kullback-Leibler divergence from one distribution to another, in nats.

    Parameters
    ----------
    mu, other_mu : array_like, p elements
        Mean directions, unit vectors.
    kappa, other_kappa : float, at least 0

    Returns
    -------
    float
        The mean of log(density / other density) under the first.

    Raises
    ------
    TypeError, ArgumentError
        Other arguments.

    Notes
    -----
    ``log C(kappa) - log C(other_kappa) + A(kappa) (kappa - other_kappa mu.other_mu)``, a difference: its
    error is that of the terms.

    References
    ----------
    .. [1] K. Mardia, P. Jupp, "Directional Statistics", Wiley 2000, 9.3.

    Examples
    --------
    >>> kl([1.0, 0.0], 3.0, [1.0, 0.0], 3.0)
    0.0
    >>> kl([1.0, 0.0], 3.0, [0.0, 1.0], 3.0) > 2
    True
    """
    function = "functions.vmf.kl"
    first, second = unit_vector(function, "mu", mu), unit_vector(function, "other_mu", other_mu)
    if first.size != second.size:
        raise ArgumentError(f"{function}: other_mu must have the size of mu, {first.size}, got {second.size}")
    a, b = real(function, "kappa", kappa, 0.0), real(function, "other_kappa", other_kappa, 0.0)
    # kappa (1 - cos) rather than the difference of near numbers where the distributions are alike
    across = float(norms((first - second).reshape(1, -1))[0]) ** 2 / 2
    logs = float(log_normalizer(first.size, a)) - float(log_normalizer(first.size, b))
    return logs + float(mean_resultant(first.size, a)) * ((a - b) + b * across)
