"""Estimators in the manner of scikit-learn: one distribution, and mixtures by expectation maximization."""

from __future__ import annotations

import inspect
import math
import warnings
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, seed_value, thread_count
from fewbits._core import core as _draws
from fewbits.errors import ArgumentError, ConvergenceWarning, Error
from fewbits.functions._exponential import exp
from fewbits.functions._logarithm import log
from fewbits.functions.vmf._distribution import (
    fit,
    fit_weighted,
    log_normalizer,
    resultant,
    sample,
    solve,
)
from fewbits.functions.vmf._rows import row_dots, unit_rows, weighted_sums

__all__ = ["VonMisesFisher", "VonMisesFisherMixture"]

Array = NDArray[np.float64]
_Self = TypeVar("_Self", bound="_Estimator")


class _Estimator(ABC):
    """What scikit-learn asks of an estimator: parameters by the names of the constructor."""

    _fitted: str

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters of the constructor and their values."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self: _Self, **params: Any) -> _Self:
        """Set parameters by name; returns the estimator."""
        known = self.get_params()
        for name, value in params.items():
            choice(f"functions.vmf.{type(self).__name__}.set_params", "params", name, known)
            setattr(self, name, value)
        return self

    def _check_fitted(self, method: str) -> None:
        if not hasattr(self, self._fitted):
            raise Error(f"functions.vmf.{type(self).__name__}.{method}: call fit first")

    @abstractmethod
    def score_samples(self, X: ArrayLike) -> Array: ...

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log-density of the rows of `X`."""
        density = self.score_samples(X)
        return float(np.add.accumulate(density)[-1]) / density.size

    def __repr__(self) -> str:
        default = inspect.signature(type(self)).parameters
        shown = [f"{k}={v!r}" for k, v in self.get_params().items() if v is not default[k].default]
        return f"{type(self).__name__}({', '.join(shown)})"


class VonMisesFisher(_Estimator):
    """One von Mises-Fisher distribution as an estimator.

    Parameters
    ----------
    method : {"mle", "banerjee", "tanabe", "sra"}
        How the concentration is found, see `kappa_from_resultant`.
    normalize : bool
        Bring rows to length 1 first.
    threads : int, optional
        1 by default, 0 for all CPUs; results do not depend on it.

    Attributes
    ----------
    mean_direction_ : ndarray, float64, p elements
    concentration_ : float
    resultant_length_ : float
    log_likelihood_ : float
    n_features_in_ : int

    References
    ----------
    .. [1] A. Banerjee et al., JMLR 6 (2005), section 2.2.

    Examples
    --------
    >>> x = sample(1000, [0.0, 0.6, 0.8], 50.0, seed=2)
    >>> model = VonMisesFisher().fit(x)
    >>> abs(model.concentration_ - 50) < 5, model.score_samples(x).shape
    (True, (1000,))
    >>> model.sample(3, seed=1).shape
    (3, 3)
    """

    _fitted = "concentration_"

    def __init__(self, *, method: str = "mle", normalize: bool = False, threads: int | None = None) -> None:
        self.method = method
        self.normalize = normalize
        self.threads = threads

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> VonMisesFisher:
        """Fit to the rows of `X`, n by p; `y` is not looked at.

        Raises
        ------
        TypeError, ArgumentError : as `fewbits.functions.vmf.fit`
        """
        found = fit(
            X, normalize=self.normalize, method=self.method, weights=sample_weight, threads=self.threads
        )
        self.mean_direction_ = found.mu
        self.concentration_ = found.kappa
        self.resultant_length_ = found.R
        self.log_likelihood_ = found.log_likelihood
        self.n_iter_ = found.iterations
        self.n_features_in_ = found.mu.size
        return self

    def score_samples(self, X: ArrayLike) -> Array:
        """Log-density at the rows of `X`.

        Returns
        -------
        ndarray, float64, n elements
        """
        self._check_fitted("score_samples")
        function = "functions.vmf.VonMisesFisher.score_samples"
        rows = unit_rows(function, X, self.normalize, self.n_features_in_)
        dots = row_dots(rows, self.mean_direction_.reshape(1, -1), thread_count(function, self.threads))[:, 0]
        return self.concentration_ * dots + float(log_normalizer(self.n_features_in_, self.concentration_))

    def sample(self, n_samples: int = 1, *, seed: int | np.random.Generator = 0) -> Array:
        """Rows from the fitted distribution.

        Returns
        -------
        ndarray, float64, n_samples by p
        """
        self._check_fitted("sample")
        if self.resultant_length_ == 0:  # any direction: the distribution is uniform
            return sample(n_samples, np.eye(self.n_features_in_)[0], 0.0, seed=seed, threads=self.threads)
        return sample(n_samples, self.mean_direction_, self.concentration_, seed=seed, threads=self.threads)


def _uniforms(seed: int, stream: int, n: int) -> Array:
    """Numbers in [0, 1) from a Philox stream."""
    words = np.empty(2 * n, np.uint32)
    _draws.philox_fill(seed, stream, 0, words)
    draws = words[0::2].astype(np.uint64) | words[1::2].astype(np.uint64) << np.uint64(32)
    uniforms: Array = (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniforms


class VonMisesFisherMixture(_Estimator):
    """A mixture of von Mises-Fisher distributions, fitted by expectation maximization.

    Parameters
    ----------
    n_components : int
    tol : float
        The iteration ends when the mean log-likelihood grows by less.
    max_iter : int
        Most iterations of one start; reaching it warns with `ConvergenceWarning`.
    n_init : int
        Starts, of which the best is kept.
    concentration_max : float
        Bound on the concentrations: the likelihood is unbounded where a component shrinks to one point.
    normalize : bool
        Bring rows to length 1 first.
    seed : int in 0..2**64-1, or numpy.random.Generator
        Of the starts, which are chosen like those of k-means++ on the sphere.
    threads : int, optional
        1 by default, 0 for all CPUs; results do not depend on it.

    Attributes
    ----------
    weights_ : ndarray, float64, n_components elements
    means_ : ndarray, float64, n_components by p
        Mean directions.
    concentrations_ : ndarray, float64, n_components elements
    converged_ : bool
    n_iter_ : int
    lower_bound_ : float
        Mean log-likelihood of the data.
    n_features_in_ : int

    Notes
    -----
    Densities are compared as logarithms with exact normalizers, so components may differ in concentration in
    any number of dimensions. The same bits on every machine.

    References
    ----------
    .. [1] A. Banerjee et al., "Clustering on the unit hypersphere using von Mises-Fisher distributions",
       JMLR 6 (2005).
    .. [2] D. Arthur, S. Vassilvitskii, "k-means++", SODA 2007.

    Examples
    --------
    >>> poles = np.eye(4)[:2]
    >>> x = np.concatenate([sample(300, mu, 20.0, seed=i) for i, mu in enumerate(poles)])
    >>> model = VonMisesFisherMixture(2, seed=1).fit(x)
    >>> np.bincount(model.predict(x)).tolist() in ([300, 300], [299, 301], [301, 299], [298, 302], [302, 298])
    True
    """

    _fitted = "weights_"

    def __init__(
        self,
        n_components: int = 1,
        *,
        tol: float = 1e-6,
        max_iter: int = 200,
        n_init: int = 1,
        concentration_max: float = 1e10,
        normalize: bool = False,
        seed: int | np.random.Generator = 0,
        threads: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.concentration_max = concentration_max
        self.normalize = normalize
        self.seed = seed
        self.threads = threads

    def _start(self, rows: NDArray[Any], seed: int, start: int, threads: int) -> Array:
        """Rows far from one another: the next with probability proportional to 1 - its largest cosine."""
        uniforms = _uniforms(seed, start, self.n_components)
        n = rows.shape[0]
        chosen = [min(int(uniforms[0] * n), n - 1)]
        nearest = np.full(n, np.inf)
        for u in uniforms[1:]:
            last = rows[chosen[-1]].astype(np.float64).reshape(1, -1)
            nearest = np.minimum(nearest, np.maximum(1 - row_dots(rows, last, threads)[:, 0], 0))
            cumulative = np.add.accumulate(nearest)
            index = int(np.searchsorted(cumulative, u * cumulative[-1], side="right"))
            chosen.append(min(index, n - 1))
        first: Array = rows[chosen].astype(np.float64)
        return first

    def _densities(self, rows: NDArray[Any], threads: int) -> Array:
        """Logarithm of weight times density, n by n_components."""
        constants = log_normalizer(rows.shape[1], self.concentrations_)
        exponents = row_dots(rows, self.means_, threads) * self.concentrations_
        densities: Array = exponents + (constants + log(self.weights_))
        return densities

    @staticmethod
    def _responsibilities(densities: Array) -> tuple[Array, Array]:
        """Shares of the components in each row, and the log-density of the mixture."""
        top = densities.max(axis=1)
        shares = exp(densities - top[:, None])
        # Component by component: one order of additions.
        total = np.add.accumulate(shares, axis=1)[:, -1]
        return shares / total[:, None], top + log(total)

    def _maximize(self, rows: NDArray[Any], shares: Array, threads: int) -> None:
        p = rows.shape[1]
        sums = weighted_sums(rows, shares, threads)
        counts = np.add.accumulate(shares, axis=0)[-1]
        self.weights_ = np.maximum(counts / rows.shape[0], np.finfo(np.float64).tiny)
        for k in range(self.n_components):
            if counts[k] <= 0:  # nothing left: it stays where it is
                continue
            mu, r = resultant(sums[k], float(counts[k]))
            if r > 0:
                self.means_[k] = mu
            kappa = math.inf if r >= 1 else solve("", p, r, "mle")[0]
            self.concentrations_[k] = min(kappa, self.concentration_max)

    def fit(self, X: ArrayLike, y: object = None) -> VonMisesFisherMixture:
        """Fit to the rows of `X`, n by p; `y` is not looked at.

        Raises
        ------
        TypeError, ArgumentError
            No matrix of unit rows, fewer rows than components, parameters out of range.
        """
        name = "functions.vmf.VonMisesFisherMixture.fit"
        threads = thread_count(name, self.threads)
        components = integer(name, "n_components", self.n_components, 1, 1 << 20)
        max_iter = integer(name, "max_iter", self.max_iter, 1, 1 << 30)
        starts = integer(name, "n_init", self.n_init, 1, 1 << 20)
        tol = real(name, "tol", self.tol, 0.0)
        real(name, "concentration_max", self.concentration_max, 0.0, open_low=True)
        seed = seed_value(name, self.seed)
        rows = unit_rows(name, X, self.normalize)
        if rows.shape[0] < components:
            raise ArgumentError(
                f"{name}: X must have at least n_components = {components} rows, got {rows.shape[0]}"
            )
        self.n_features_in_ = rows.shape[1]
        whole = fit_weighted(
            name, rows, np.ones(rows.shape[0]), method="mle", allow_inf=True, threads=threads
        )
        best: tuple[float, Array, Array, Array, int, bool] | None = None
        for start in range(starts):
            self.means_ = self._start(rows, seed, start, threads)
            self.weights_ = np.full(components, 1 / components)
            # Narrower than the whole: a start from which components can tell rows apart.
            narrow = min(max(4 * whole.kappa, float(rows.shape[1])), self.concentration_max)
            self.concentrations_ = np.full(components, narrow)
            bound, converged, iterations = -math.inf, False, 0
            while iterations < max_iter and not converged:
                iterations += 1
                shares, density = self._responsibilities(self._densities(rows, threads))
                mean = float(np.add.accumulate(density)[-1]) / rows.shape[0]
                converged = iterations > 1 and mean - bound <= tol
                bound = mean
                self._maximize(rows, shares, threads)
            if best is None or bound > best[0]:
                best = (bound, self.weights_, self.means_, self.concentrations_, iterations, converged)
        assert best is not None
        self.lower_bound_, self.weights_, self.means_, self.concentrations_, self.n_iter_, self.converged_ = (
            best
        )
        if not self.converged_:
            warnings.warn(
                f"{name}: no convergence in max_iter = {max_iter} iterations",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _checked(self, method: str, X: ArrayLike) -> tuple[Array, Array]:
        self._check_fitted(method)
        name = f"functions.vmf.VonMisesFisherMixture.{method}"
        rows = unit_rows(name, X, self.normalize, self.n_features_in_)
        return self._responsibilities(self._densities(rows, thread_count(name, self.threads)))

    def score_samples(self, X: ArrayLike) -> Array:
        """Log-density of the mixture at the rows of `X`.

        Returns
        -------
        ndarray, float64, n elements
        """
        return self._checked("score_samples", X)[1]

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probability of each component given each row of `X`.

        Returns
        -------
        ndarray, float64, n by n_components
        """
        return self._checked("predict_proba", X)[0]

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """Most probable component of each row of `X`.

        Returns
        -------
        ndarray, intp, n elements
        """
        best: NDArray[np.intp] = self._checked("predict", X)[0].argmax(axis=1)
        return best

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion of the fitted mixture on `X`; smaller is better.

        Returns
        -------
        float
        """
        density = self.score_samples(X)
        free = self.n_components * (self.n_features_in_ + 1) - 1
        total = float(np.add.accumulate(density)[-1])
        return float(free * float(log(float(density.size))) - 2 * total)

    def sample(
        self, n_samples: int = 1, *, seed: int | np.random.Generator = 0
    ) -> tuple[Array, NDArray[np.intp]]:
        """Rows from the mixture and the component of each.

        Returns
        -------
        X : ndarray, float64, n_samples by p
        components : ndarray, intp, n_samples elements
        """
        self._check_fitted("sample")
        name = "functions.vmf.VonMisesFisherMixture.sample"
        n, key = integer(name, "n_samples", n_samples, 0, 1 << 40), seed_value(name, seed)
        cumulative = np.add.accumulate(self.weights_)
        uniforms = _uniforms(key, (1 << 64) - 1, n) * cumulative[-1]
        labels = np.minimum(np.searchsorted(cumulative, uniforms, side="right"), self.n_components - 1)
        out = np.empty((n, self.n_features_in_))
        for k in range(self.n_components):
            at = np.flatnonzero(labels == k)
            # Each component has samples of its own, so none shares a direction with another.
            out[at] = sample(
                at.size, self.means_[k], float(self.concentrations_[k]), seed=key, first=k << 40,
                threads=self.threads,
            )  # fmt: skip
        return out, labels
