"""Zipf's law on 1..N, the truncated zeta distribution: P(k) = k**-s / H(N, s).

Exact everywhere: the normaliser and both tails come from an Euler-Maclaurin sum in two parts, for any N up to
2^53 and any s >= 0, in constant time and memory.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, seed_value, thread_count
from fewbits._core import functions as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError, ConvergenceError

__all__ = [
    "CodingModel",
    "Fit",
    "Norm",
    "cdf",
    "entropy",
    "fit",
    "logpmf",
    "norm",
    "pmf",
    "ppf",
    "sample",
    "sf",
]

_METHODS: Final = ("exact", "integral", "average", "trapezoid")
Reals = NDArray[np.float64]


class Norm(float):
    """A normaliser, with the `method` it comes from and its `relative_error` against the exact one."""

    method: str
    relative_error: float


class Fit(NamedTuple):
    """What `fit` finds.

    Attributes
    ----------
    s : float
        The exponent of the largest likelihood.
    standard_error : float
        From the curvature of the likelihood.
    log_likelihood : float
        Natural logarithm, of all samples.
    iterations : int
    """

    s: float
    standard_error: float
    log_likelihood: float
    iterations: int


def _size(function: str, N: Any) -> float:
    """N as a float: an integer in 1..2^53, or infinity."""
    if isinstance(N, float | np.floating) and math.isinf(N) and N > 0:
        return math.inf
    if isinstance(N, float | np.floating) and float(N).is_integer():
        N = int(N)
    try:
        number = operator.index(N)
    except TypeError:
        number = None
    if number is None or isinstance(N, bool | np.bool_):
        raise ArgumentError(f"{function}: N must be an integer in 1..2**53, or infinity, got {N}")
    return float(integer(function, "N", number, 1, 1 << 53))


def _law(function: str, N: Any, s: Any) -> Any:
    size = _size(function, N)
    exponent = real(function, "s", s, 0)
    if size == math.inf and exponent <= 1:
        raise ArgumentError(f"{function}: s must be above 1 where N is infinite, got {s}")
    return _core.Zipf(size, exponent)


def _values(name: str, k: ArrayLike, N: Any, s: Any, method: str) -> Reals:
    function = f"functions.zipf.{name}"
    law = _law(function, N, s)
    how = choice(function, "method", method, _METHODS)
    array = as_array(function, "k" if name != "ppf" else "q", k, "iuf").astype(np.float64)
    out = np.empty_like(array)
    getattr(law, name)(array.reshape(-1), out.reshape(-1), how)
    return out


def norm(N: float, s: float, method: str = "exact") -> Norm:
    """The normaliser H(N, s), the sum of k**-s for k = 1..N.

    Parameters
    ----------
    N : int in 1..2**53, or infinity with s > 1
    s : float, at least 0
    method : {"exact", "integral", "average", "trapezoid"}
        Closed forms of the literature, useful for s up to about 1.1: the integral J(1, N) of t**-s, the mean
        of its two bounds (J(1, N + 1) + 1 + J(1, N))/2, or J(1, N) + (1 + N**-s)/2.

    Returns
    -------
    Norm
        A float with attributes ``method`` and ``relative_error``.

    Raises
    ------
    TypeError
        s is no number.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Exact to 2 ulp for every N and s, also for s near 1. The same bits on every machine.

    References
    ----------
    .. [1] M. Naldi, "Approximation of the truncated Zeta distribution and Zipf's law", arXiv 1511.01480.
    .. [2] NIST Digital Library of Mathematical Functions, 25.11(iii).

    Examples
    --------
    >>> zipf.norm(10**6, 1.2)
    5.276103800485516
    >>> rough = zipf.norm(10**4, 1.0, method="trapezoid")
    >>> f"{rough:.4f} {100 * rough.relative_error:+.2f} %"
    '9.7104 -0.79 %'
    """
    function = "functions.zipf.norm"
    law = _law(function, N, s)
    result = Norm(law.norm(choice(function, "method", method, _METHODS)))
    exact = law.norm(0)
    result.method = method
    result.relative_error = (float(result) - exact) / exact
    return result


def pmf(k: ArrayLike, N: float, s: float, *, method: str = "exact") -> Reals:
    """Probability of k.

    Parameters
    ----------
    k : array_like of numbers; 0 beyond 1..N and between integers
    N, s, method : as for `norm`

    Returns
    -------
    ndarray of float64, shape of `k`

    Raises
    ------
    TypeError
        k does not hold numbers.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Within 3 ulp for ``"exact"``. NaN gives NaN.

    Examples
    --------
    >>> zipf.pmf([1, 2, 0, 3.5], 10, 3).tolist()
    [0.8350507643743765, 0.10438134554679707, 0.0, 0.0]
    """
    return _values("pmf", k, N, s, method)


def logpmf(k: ArrayLike, N: float, s: float, *, method: str = "exact") -> Reals:
    """Natural logarithm of `pmf`: -s log k - log H.

    Parameters
    ----------
    k, N, s, method : as for `pmf`

    Returns
    -------
    ndarray of float64, shape of `k`; -inf where `pmf` is 0

    Raises
    ------
    TypeError
        k does not hold numbers.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Within 2 ulp for ``"exact"``, also where the probability is below the smallest float.

    Examples
    --------
    >>> zipf.logpmf([1, 2**53], 2**53, 40.0).tolist()
    [-9.094947840259753e-13, -1469.472022787085]
    """
    return _values("logpmf", k, N, s, method)


def cdf(k: ArrayLike, N: float, s: float, *, method: str = "exact") -> Reals:
    """Sum of the probabilities up to and including k.

    Parameters
    ----------
    k, N, s, method : as for `pmf`

    Returns
    -------
    ndarray of float64, shape of `k`; 0 below 1, 1 from N on

    Raises
    ------
    TypeError
        k does not hold numbers.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Within 4 ulp for ``"exact"``. A closed form is the same formula with k in place of N.

    Examples
    --------
    >>> zipf.cdf([0, 1, 10, 10**9], 10**9, 1.0).tolist()
    [0.0, 0.04694729552896588, 0.1375071382140068, 1.0]
    """
    return _values("cdf", k, N, s, method)


def sf(k: ArrayLike, N: float, s: float, *, method: str = "exact") -> Reals:
    """Sum of the probabilities beyond k, to full relative accuracy.

    Parameters
    ----------
    k, N, s, method : as for `pmf`

    Returns
    -------
    ndarray of float64, shape of `k`

    Raises
    ------
    TypeError
        k does not hold numbers.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Within 4 ulp for ``"exact"``, above 1e-300; 1 - cdf for a closed form.

    Examples
    --------
    >>> zipf.sf([100, 10**6], 10**9, 5.0).tolist()
    [2.3631507839870616e-09, 2.410963529138061e-25]
    """
    return _values("sf", k, N, s, method)


def ppf(q: ArrayLike, N: float, s: float, *, method: str = "exact") -> Reals:
    """Quantiles: the smallest k whose `cdf` is at least q.

    Parameters
    ----------
    q : array_like of numbers in [0, 1]
    N, s, method : as for `norm`

    Returns
    -------
    ndarray of float64 with integral values, shape of `q`; NaN beyond [0, 1]

    Raises
    ------
    TypeError
        q does not hold numbers.
    ArgumentError
        N or s out of range, an unknown method.

    Notes
    -----
    Above one half, the smallest k whose `sf` is at most 1 - q. 1 gives N.

    Examples
    --------
    >>> zipf.ppf([0.0, 0.5, 1.0], 10**6, 1.0).tolist()
    [1.0, 749.0, 1000000.0]
    """
    return _values("ppf", q, N, s, method)


def entropy(N: float, s: float) -> float:
    """Entropy in nats; divide by log(2) for bits.

    Parameters
    ----------
    N, s : as for `norm`

    Returns
    -------
    float
        log H - s H'/H, H' the derivative of H with respect to s

    Raises
    ------
    TypeError
        s is no number.
    ArgumentError
        N or s out of range.

    Notes
    -----
    Relative error about 1e-13.

    Examples
    --------
    >>> round(zipf.entropy(50257, 1.07) / math.log(2), 6)
    9.806104
    """
    law = _law("functions.zipf.entropy", N, s)
    value, first, _ = law.norm_jet()
    # For large s, H - 1 is what counts.
    rest = float(law.norm(0)) - 1
    out = np.empty(1)
    law.logpmf(np.ones(1), out, 0)
    log_norm = -float(out[0]) if rest < 0.5 else math.log(value)
    return log_norm - (float(s) * first / value if first != 0 else 0.0)


def sample(
    size: int | tuple[int, ...],
    N: float,
    s: float,
    *,
    seed: int | np.random.Generator = 0,
    threads: int | None = None,
) -> NDArray[np.int64]:
    """Samples of Zipf's law, without a table.

    Parameters
    ----------
    size : int or tuple of int
    N, s : as for `norm`, N finite
    seed : int or numpy.random.Generator
    threads : int, optional
        0 for all CPUs. The samples do not depend on it.

    Returns
    -------
    ndarray of int64, of that shape

    Raises
    ------
    TypeError
        A size that is no integer, s no number.
    ArgumentError
        N or s out of range, a negative size.

    Notes
    -----
    Rejection-inversion, 1.000 to 1.02 tries a sample. Sample i reads stream i of the seed alone, so that a
    prefix of a longer array is the shorter one. The same samples on every machine.

    References
    ----------
    .. [1] W. Hoermann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
       distributions", ACM Trans. Model. Comput. Simul. 6 (1996).

    Examples
    --------
    >>> zipf.sample(8, 10**6, 1.0, seed=1).tolist()
    [219238, 23, 1538, 138662, 314, 206954, 40353, 52]
    """
    function = "functions.zipf.sample"
    law = _law(function, N, s)
    if math.isinf(N):
        raise ArgumentError(f"{function}: N must be finite, got {N}")
    shape = size if isinstance(size, tuple) else (size,)
    shape = tuple(integer(function, "size", n, 0, 1 << 48) for n in shape)
    out = np.empty(shape, np.int64)
    law.sample(seed_value(function, seed), 0, out.reshape(-1), thread_count(function, threads))
    return out


def fit(counts_or_samples: ArrayLike, N: int, *, counts: bool = False, tol: float = 1e-12) -> Fit:
    """The exponent of the largest likelihood, for a known N.

    Parameters
    ----------
    counts_or_samples : array_like of int
        Samples in 1..N; with `counts` how often 1, 2, ... occur, at most N of them.
    N : int in 1..2**53
    counts : bool
    tol : float
        Relative to 1 + s.

    Returns
    -------
    Fit

    Raises
    ------
    TypeError
        No integers.
    ArgumentError
        No sample, samples beyond 1..N, negative counts, N = 1.
    ConvergenceError
        50 iterations were not enough, as for samples that are all 1 (s would be infinite).

    Notes
    -----
    Newton's method on s mean(log k) + log H(N, s), convex in s, with derivatives of the Euler-Maclaurin sum.
    Where the mean of log k is above that of s = 0, s = 0 is returned.

    Examples
    --------
    >>> found = zipf.fit(zipf.sample(100_000, 5000, 1.2, seed=3), 5000)
    >>> abs(found.s - 1.2) < 4 * found.standard_error < 0.02
    True
    """
    from fewbits.functions._logarithm import log

    function = "functions.zipf.fit"
    size = integer(function, "N", N, 2, 1 << 53)
    limit = real(function, "tol", tol, 0, open_low=True)
    data = as_array(function, "counts_or_samples", counts_or_samples, "iu").reshape(-1)
    if counts:
        if data.size > size or (data.size and data.min() < 0):
            raise ArgumentError(f"{function}: counts must be at most N = {size} numbers of at least 0")
        weights = data.astype(np.float64)
        logs = log(np.arange(1, data.size + 1, dtype=np.float64))
    else:
        if data.size and (data.min() < 1 or data.max() > size):
            raise ArgumentError(
                f"{function}: samples must be in 1..{size}, got values from {data.min()} to {data.max()}"
            )
        weights = np.ones(data.size)
        logs = log(data.astype(np.float64))
    total = math.fsum(weights)
    if total <= 0:
        raise ArgumentError(f"{function}: there must be at least one sample")
    mean = math.fsum(weights * logs) / total

    def slope(s: float) -> tuple[float, float, float]:
        """log H and the derivatives of s mean + log H."""
        value, first, second = _core.Zipf(float(size), s).norm_jet()
        ratio = first / value
        return math.log(value), mean + ratio, second / value - ratio * ratio

    s, low, high = 1.0, 0.0, math.inf
    log_norm, gradient, curvature = slope(0.0)
    if gradient >= 0:
        return Fit(0.0, 1 / math.sqrt(total * curvature), -total * log_norm, 0)
    for iteration in range(1, 51):
        log_norm, gradient, curvature = slope(s)
        low, high = (s, high) if gradient < 0 else (low, s)
        step = -gradient / curvature if curvature > 0 else math.inf
        after = s + step
        if abs(step) <= limit * (1 + s):
            log_norm, _, curvature = slope(after)
            error = 1 / math.sqrt(total * curvature)
            return Fit(after, error, -total * (after * mean + log_norm), iteration)
        # Newton's step, unless it leaves the bracket.
        if not low < after < high:
            after = min(2 * s + 1, 1100.0) if high == math.inf else (low + high) / 2
        s = after
    raise ConvergenceError(f"{function}: 50 iterations were not enough", 50, abs(gradient))


class CodingModel:
    """A cumulative table of ``2**bits`` slots over 1..N that is computed where it is read.

    Parameters
    ----------
    N : int, below ``2**bits``
    s : float, at least 0
    bits : int in 1..32

    Attributes
    ----------
    N, bits : int
    s : float

    Raises
    ------
    TypeError
        s is no number.
    ArgumentError
        N, s or bits out of range.

    Notes
    -----
    C(k) = k + floor(R F(k)) where F(k), the cumulative probability, is at most 1/2, else 2^bits - (N - k) -
    floor(R G(k)) with G = 1 - F from the other end and R = 2^bits - N: strictly increasing, so every symbol
    can be coded. No memory grows with N. The same numbers on every machine: an encoder and a decoder agree.

    Examples
    --------
    >>> model = zipf.CodingModel(50257, 1.07)
    >>> model.cumulative([0, 1, 2, 50257]).tolist()
    [0, 2046872, 3021836, 16777216]
    >>> model.symbols([0, 2046871, 2046872, 16777215]).tolist()
    [1, 1, 2, 50257]
    """

    def __init__(self, N: int, s: float, bits: int = 24) -> None:
        function = "functions.zipf.CodingModel"
        self.bits = integer(function, "bits", bits, 1, 32)
        self.N = integer(function, "N", N, 1, (1 << self.bits) - 1)
        self.s = real(function, "s", s, 0)
        self._core = _core.ZipfCodingModel(float(self.N), self.s, self.bits)

    def __repr__(self) -> str:
        return f"CodingModel({self.N}, {self.s!r}, bits={self.bits})"

    def _integers(self, name: str, argument: str, x: ArrayLike, high: int, low: int = 0) -> NDArray[Any]:
        function = f"functions.zipf.CodingModel.{name}"
        array = as_array(function, argument, x, "iu")
        bad = (array < low) | (array > high)
        if bad.any():
            value = array[bad].reshape(-1)[0]
            raise ArgumentError(f"{function}: {argument} must be in {low}..{high}, got {value}")
        return array

    def cumulative(self, k: ArrayLike) -> NDArray[np.uint64]:
        """C(k), the first slot beyond symbol k; C(0) = 0."""
        array = self._integers("cumulative", "k", k, self.N).astype(np.float64)
        out = np.empty(array.shape, np.uint64)
        self._core.cumulative(array.reshape(-1), out.reshape(-1))
        return out

    def symbols(self, slots: ArrayLike) -> NDArray[np.int64]:
        """The symbols that slots in 0..2**bits - 1 belong to."""
        array = self._integers("symbols", "slots", slots, (1 << self.bits) - 1).astype(np.uint64)
        out = np.empty(array.shape, np.int64)
        self._core.symbols(np.ascontiguousarray(array).reshape(-1), out.reshape(-1))
        return out

    def cost(self, k: ArrayLike) -> NDArray[np.float64]:
        """Bits that coding each symbol takes."""
        array = self._integers("cost", "k", k, self.N, 1)
        width = self.cumulative(array) - self.cumulative(array - 1)
        from fewbits.functions._logarithm import log2

        return self.bits - log2(width.astype(np.float64))
