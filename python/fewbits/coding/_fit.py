"""What only an encoder does: costs under real-valued models, and fitting models to symbols.

Floating point by way of the libm: the results may differ in the last bits from machine to machine. They are
never repeated at the decoder, parameters are sent.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer
from fewbits._interop import as_integers
from fewbits.coding._parametric import FAMILIES, CategoricalRows, Mixture
from fewbits.errors import ArgumentError

__all__ = ["fit", "ideal_code_length"]

_LEAST_SCALE = 0.05
_LEAST_WEIGHT = 1e-4
Array = NDArray[np.float64]


def _erfc(x: Array) -> Array:
    return np.array([math.erfc(value) for value in x.tolist()], np.float64)


def _log_ndtr(x: Array) -> Array:
    """log of the normal distribution function for x <= 0, relative error below 1e-14."""
    out = np.empty_like(x)
    near = x > -20.0
    out[near] = np.log(0.5 * _erfc(-x[near] / math.sqrt(2)))
    far = x[~near]
    with np.errstate(over="ignore", divide="ignore"):
        u = 1.0 / (far * far)
        # The asymptotic series: terms fall until 20^2 / 2.
        series = 1.0 + u * (-1.0 + u * (3.0 + u * (-15.0 + u * (105.0 + u * (-945.0 + u * 10395.0)))))
        out[~near] = -0.5 * far * far - np.log(-far) - 0.5 * math.log(2 * math.pi) + np.log(series)
    return out


def _log_gaussian_mass(a: Array, b: Array) -> Array:
    """Of intervals whose middle is at most 0."""
    log_high, log_low = _log_ndtr(np.minimum(b, 0)), _log_ndtr(a)
    out: Array = log_high + np.log(-np.expm1(log_low - log_high))
    around = b > 0
    if around.any():
        # erf of each side: nothing cancels, however narrow the interval is.
        ends = zip(a[around].tolist(), b[around].tolist(), strict=True)
        out[around] = [
            math.log(0.5 * (math.erf(-x / math.sqrt(2)) + math.erf(y / math.sqrt(2)))) for x, y in ends
        ]
    return out


def _log_mass(family: str, low: Array, high: Array) -> Array:
    """log(F(high) - F(low)) of the standard distribution, without cancellation in the tails."""
    flip = low + high > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    out: Array
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        if family == "logistic":
            out = -np.log1p(np.exp(-b)) - np.log1p(np.exp(a)) + np.log(-np.expm1(a - b))
        elif family == "laplace":
            outside = b + np.log(-np.expm1(a - b)) - math.log(2)
            inside = np.log(np.maximum(-(np.expm1(-np.maximum(b, 0)) + np.expm1(np.minimum(a, 0))) / 2, 0))
            out = np.where(b <= 0, outside, inside)
        else:
            out = _log_gaussian_mass(a, b)
    return out


def _mixture_bits(symbols: Array, model: Mixture) -> Array:
    w, m, s = (
        a.astype(np.float64).reshape(model.components, -1) for a in (model.weights, model.means, model.scales)
    )
    w = w / w.sum(axis=0)
    total = np.full(symbols.shape, -np.inf)
    for j in range(model.components):
        low, high = (symbols - 0.5 - m[j]) / s[j], (symbols + 0.5 - m[j]) / s[j]
        with np.errstate(divide="ignore"):
            part = np.log(w[j]) + _log_mass(model.family, low, high)
        total = np.logaddexp(total, part)
    return -total / math.log(2)


def ideal_code_length(
    symbols: ArrayLike, model: Mixture | CategoricalRows, *, per_symbol: bool = False
) -> float | NDArray[np.float64]:
    """Bits that symbols would cost under the real-valued model: -log2 of the mass of each.

    Parameters
    ----------
    symbols : array_like of integers, in the shape of the model's parameters if it has any
    model : Mixture (weights are normalised) or CategoricalRows
    per_symbol : the cost of each symbol instead of the sum

    Returns
    -------
    float, or ndarray of float64 in the shape of `symbols`. Relative error below 1e-12 also far in the tails,
    where the coders' own models (`code_length`) never charge more than 24 bits

    Notes
    -----
    A diagnostic: about 1 us a symbol and component.

    Examples
    --------
    >>> round(ideal_code_length([0, 40], Gaussian(0.0, 1.0)), 3)
    1133.498
    """
    function = "coding.ideal_code_length"
    array = as_integers(function, "symbols", symbols).astype(np.float64)
    if not isinstance(model, (Mixture, CategoricalRows)):
        raise TypeError(f"{function}: model must be a Mixture or CategoricalRows, got {type(model).__name__}")
    if model.shape is not None and array.shape != model.shape:
        raise ArgumentError(
            f"{function}: symbols must have the shape of the model, {model.shape}, got {array.shape}"
        )
    if isinstance(model, Mixture):
        bits = _mixture_bits(array.reshape(-1), model)
    else:
        p = model._probs / model._probs.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            bits = -np.log2(p[np.arange(array.size), array.reshape(-1).astype(np.int64) - model.lo])
    return bits.reshape(array.shape) if per_symbol else math.fsum(bits)


def _refine(values: Array, counts: Array, family: str, mean: float, scale: float) -> tuple[float, float]:
    """Nearest minimum of the cost of a histogram over (mean, log scale), by a pattern search."""

    def cost(m: float, log_s: float) -> float:
        s = math.exp(log_s)
        return -float(counts @ _log_mass(family, (values - 0.5 - m) / s, (values + 0.5 - m) / s))

    point, step = (mean, math.log(scale)), (0.25 * scale, 0.25)
    best = cost(*point)
    for _ in range(80):
        trials = [
            (point[0] + dm * step[0], max(point[1] + ds * step[1], math.log(_LEAST_SCALE)))
            for dm, ds in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]
        costs = [cost(*trial) for trial in trials]
        i = int(np.argmin(costs))
        if costs[i] < best:
            best, point = costs[i], trials[i]
        else:
            step = (step[0] / 2, step[1] / 2)
            if step[1] < 1e-5:
                break
    return point[0], math.exp(point[1])


def _moments(family: str, mean: Array, variance: Array) -> Array:
    """Scales of distributions with this variance before rounding, which adds 1/12."""
    deviation = np.sqrt(np.maximum(variance - 1 / 12, _LEAST_SCALE**2))
    factor = {"gaussian": 1.0, "laplace": math.sqrt(0.5), "logistic": math.sqrt(3) / math.pi}[family]
    return np.maximum(deviation * factor, _LEAST_SCALE)


def _em(values: Array, counts: Array, family: str, k: int, iterations: int) -> tuple[Array, Array, Array]:
    total = counts.sum()
    cumulative = np.cumsum(counts)
    # Components at the quantiles (j + 1/2) / K.
    at = np.searchsorted(cumulative, (np.arange(k) + 0.5) / k * total)
    means = values[at].astype(np.float64)
    mean = counts @ values / total
    variance = counts @ (values - mean) ** 2 / total
    scales = np.full(k, float(_moments(family, mean, np.asarray(variance / k**2 + 1 / 12))))
    means = means + (np.arange(k) - (k - 1) / 2) * 1e-3 * scales  # equal quantiles must not stay equal
    weights = np.full(k, 1 / k)
    for _ in range(iterations):
        logs = np.stack(
            [
                np.log(weights[j])
                + _log_mass(
                    family, (values - 0.5 - means[j]) / scales[j], (values + 0.5 - means[j]) / scales[j]
                )
                for j in range(k)
            ]
        )
        logs = np.maximum(logs, -1e4)
        shares = np.exp(logs - logs.max(axis=0))
        shares = shares / shares.sum(axis=0) * counts
        mass = np.maximum(shares.sum(axis=1), 1e-12 * total)
        weights = np.maximum(mass / total, _LEAST_WEIGHT)
        weights /= weights.sum()
        means = shares @ values / mass
        second = np.stack([shares[j] @ (values - means[j]) ** 2 for j in range(k)]) / mass
        scales = _moments(family, means, second)
    return weights, means, scales


def fit(
    symbols: ArrayLike,
    *,
    family: Literal["gaussian", "laplace", "logistic"] = "gaussian",
    components: int = 1,
    axis: int | None = None,
    iterations: int = 20,
) -> Mixture:
    """A model for symbols: maximum likelihood for one component, expectation maximisation for more.

    Parameters
    ----------
    symbols : array_like of integers, not empty
    family, components : what to fit; components in 1..16
    axis : None for one set of parameters for all symbols. Else one set for each index of this axis (rows of
        weights: ``axis=0``), from the moments (Laplace: from the mean absolute deviation); one component only
    iterations : of expectation maximisation

    Returns
    -------
    Mixture, shared for ``axis=None``, else in the shape of `symbols`. Scales are at least 0.05, weights at
    least
    1e-4. Send its parameters: the decoder cannot fit

    References
    ----------
    .. [1] A. Dempster, N. Laird, D. Rubin, "Maximum likelihood from incomplete data via the EM algorithm",
       JRSS B
       39 (1977). Responsibilities are those of bins, moments are corrected by 1/12 (W. Sheppard, 1898).

    Examples
    --------
    >>> symbols = np.rint(np.random.default_rng(0).normal(3, 5, 10000)).astype(int)
    >>> model = fit(symbols)
    >>> abs(float(model.means[0]) - 3) < 0.2 and abs(float(model.scales[0]) - 5) < 0.2
    True
    """
    function = "coding.fit"
    choice(function, "family", family, FAMILIES)
    components = integer(function, "components", components, 1, 16)
    iterations = integer(function, "iterations", iterations, 1, 10000)
    array = as_integers(function, "symbols", symbols)
    if array.size == 0:
        raise ArgumentError(f"{function}: symbols must not be empty")
    if axis is not None:
        if components != 1:
            raise ArgumentError(f"{function}: components must be 1 with an axis, got {components}")
        axis = integer(function, "axis", axis, -array.ndim, array.ndim - 1) % array.ndim
        x = array.astype(np.float64)
        others = tuple(i for i in range(array.ndim) if i != axis)
        if family == "laplace":
            mean = np.median(x, axis=others, keepdims=True)
            scale = np.maximum(np.abs(x - mean).mean(axis=others, keepdims=True), _LEAST_SCALE)
        else:
            mean = x.mean(axis=others, keepdims=True)
            scale = _moments(family, mean, x.var(axis=others, keepdims=True))
        full = [np.ascontiguousarray(np.broadcast_to(a, array.shape)) for a in (mean, scale)]
        return Mixture._single(function, family, full[0], full[1], None)
    values, counts = np.unique(array, return_counts=True)
    v, c = values.astype(np.float64), counts.astype(np.float64)
    if components > 1:
        weights, means, scales = _em(v, c, family, components, iterations)
        return Mixture(weights, means, scales, family=family)
    m = c @ v / c.sum()
    s = float(_moments(family, m, np.asarray(c @ (v - m) ** 2 / c.sum())))
    # A long histogram costs more than it tells.
    if v.size <= 4096:
        m, s = _refine(v, c, family, float(m), s)
    return Mixture._single(function, family, float(m), s, None)
