"""The von Mises-Fisher distribution: values, fits, samples, estimators, arguments."""

from __future__ import annotations

import itertools
import math
import warnings

import mpmath
import numpy as np
import pytest
import scipy.stats
from fewbits.errors import ArgumentError, ConvergenceWarning, Error
from fewbits.functions import vmf
from fewbits.functions.vmf import VonMisesFisher, VonMisesFisherMixture
from hypothesis import given
from hypothesis import strategies as st

EPS = 2.0**-52
# p, R, kappa, log C_p(kappa), by ball arithmetic
TABLE = [
    (2, 0.1, "0.201008413302720782", "-1.84795276785313203"),
    (2, 0.9, "5.30468906295771861", "-5.41579299381139183"),
    (3, 0.01, "0.0300018001697318768", "-2.53117426047070523"),
    (3, 0.5, "1.79675598472371304", "-3.02076341892837616"),
    (3, 0.99, "99.9999999999999112", "-97.2327068804211662"),
    (16, 0.1, "1.61437547332714178", "-1.40690435036716451"),
    (16, 0.9, "71.5533585311505983", "-52.9663226665096554"),
    (128, 0.5, "85.0678771917498457", "102.899131016060575"),
    (2048, 0.01, "20.4820462067707091", "4898.28144730738347"),
    (2048, 0.5, "1365.06674170768887", "4510.40467905541546"),
    (2048, 0.99, "101836.178369162922", "-91910.0052258331147"),
    (8192, 0.1, "827.472747739164788", "25239.2423859489570"),
    (8192, 0.9, "38799.9709280819201", "-2837.32896939441351"),
    (32768, 0.01, "327.712769277249701", "123845.808358764121"),
    (32768, 0.5, "21845.0666713543269", "117638.264475543868"),
    (32768, 0.99, "1630117.58540203631", "-1425793.86907886476"),
]


def direction(p: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=p)
    return x / np.linalg.norm(x)


@pytest.mark.parametrize(("p", "r", "kappa", "log_c"), TABLE)
def test_table(p: int, r: float, kappa: str, log_c: str) -> None:
    exact, constant = mpmath.mpf(kappa), mpmath.mpf(log_c)
    got = float(vmf.kappa_from_resultant(p, r))
    a = float(vmf.mean_resultant(p, got))
    slope = 1 - a * a - (p - 1) * a / got
    assert abs(got - exact) <= 8 * EPS * exact * max(1, r / (got * slope))
    # At the kappa of the table, rounded: what that changes is -A per unit.
    rounded = float(exact)
    shift = float(exact - rounded) * a
    size = max(1, abs((p / 2 - 1) * math.log(rounded)), abs(float(constant)))
    assert abs(float(vmf.log_normalizer(p, rounded)) - (float(constant) + shift)) <= 8 * EPS * size


@given(st.integers(2, 40_000), st.floats(0, 1 - 1e-12))
def test_kappa_inverts_the_resultant(p: int, r: float) -> None:
    kappa = vmf.kappa_from_resultant(p, r)
    assert float(vmf.mean_resultant(p, kappa)) == pytest.approx(r, rel=1e-14, abs=1e-300)
    assert float(vmf.mean_resultant(p, kappa, complement=True)) == pytest.approx(1 - r, rel=1e-14)


def test_density_is_that_of_scipy() -> None:
    for p, kappa in ((2, 0.5), (3, 10.0), (10, 3.0), (64, 40.0)):
        mu = direction(p)
        x = vmf.sample(50, mu, kappa, seed=1)
        reference = scipy.stats.vonmises_fisher(mu, kappa)
        assert vmf.logpdf(x, mu, kappa) == pytest.approx(reference.logpdf(x), rel=1e-12)
        assert float(vmf.entropy(p, kappa)) == pytest.approx(reference.entropy(), rel=1e-12)


def test_density_integrates_to_one() -> None:
    """On the circle and the sphere, by quadrature over the angle to mu."""
    angle, weight = np.polynomial.legendre.leggauss(200)
    t = math.pi * (angle + 1) / 2
    for kappa in (0.0, 0.3, 20.0):
        circle = np.exp(vmf.logpdf(np.stack([np.cos(t), np.sin(t)], 1), [1.0, 0.0], kappa))
        assert 2 * (weight * circle).sum() * math.pi / 2 == pytest.approx(1, rel=1e-13)
        ball = np.exp(vmf.logpdf(np.stack([np.cos(t), np.sin(t), 0 * t], 1), [1.0, 0.0, 0.0], kappa))
        assert (weight * ball * np.sin(t)).sum() * math.pi**2 == pytest.approx(1, rel=1e-13)


def test_divergence() -> None:
    a, b = direction(5, 1), direction(5, 2)
    assert vmf.kl(a, 7.0, a, 7.0) == pytest.approx(0, abs=1e-15)
    x = vmf.sample(40_000, a, 7.0, seed=4)
    ratio = vmf.logpdf(x, a, 7.0) - vmf.logpdf(x, b, 2.0)
    assert abs(vmf.kl(a, 7.0, b, 2.0) - ratio.mean()) < 6 * ratio.std() / 200
    # Quadratic between near directions.
    near = a + 1e-8 * b
    near /= np.linalg.norm(near)
    across = np.linalg.norm(near - a)
    expected = float(7 * vmf.mean_resultant(5, 7.0)) * across**2 / 2
    assert vmf.kl(a, 7.0, near, 7.0) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("p", [2, 3, 7, 2048, 8192, 32768])
def test_fit_recovers_the_concentration(p: int) -> None:
    n = 20_000 if p < 100 else 60
    mu = direction(p)
    for kappa in (p / 4, float(p), 10.0 * p):
        x = vmf.sample(n, mu, kappa, seed=p, dtype=np.float32 if p > 100 else np.float64)
        found = vmf.fit(x)
        assert found.converged
        assert found.iterations <= 6
        assert pytest.approx(np.linalg.norm(x.astype(np.float64).sum(0)) / n, rel=1e-12) == found.R
        # R^2 exceeds that of the distribution by (1 - A^2)/n in the mean: large where n << p.
        a = float(vmf.mean_resultant(p, kappa))
        r = math.sqrt(max(0.0, (n * found.R**2 - 1) / (n - 1)))
        variance = (1 - a * a - (p - 1) * a / kappa) / n
        assert abs(r - a) < 6 * math.sqrt(variance) + 6 * (1 - a * a) / (n * a * math.sqrt(2 * p))
        if n > 1000:
            assert abs(found.kappa - kappa) < 4 / math.sqrt(n * variance * n)
        # The maximum, to second order.
        best = found.log_likelihood
        dots = x.astype(np.float64) @ found.mu
        for factor in (0.99, 1.01):
            other = found.kappa * factor
            assert other * dots.sum() + n * float(vmf.log_normalizer(p, other)) < best


@pytest.mark.slow
@pytest.mark.parametrize("p", [2048, 8192, 32768])
def test_ten_thousand_samples_give_the_concentration_to_three_deviations(p: int) -> None:
    n, block = 10_000, 250
    mu = direction(p)
    for kappa in (p / 4, float(p), 10.0 * p):
        total = np.zeros(p)
        for first in range(0, n, block):
            total += vmf.sample(block, mu, kappa, seed=p, first=first, threads=0).sum(axis=0)
        a = float(vmf.mean_resultant(p, kappa))
        slope = 1 - a * a - (p - 1) * a / kappa
        r = float(np.linalg.norm(total)) / n
        # Chance lengthens the mean: E R^2 = A^2 + (1 - A^2) / n.
        got = float(vmf.kappa_from_resultant(p, math.sqrt((n * r * r - 1) / (n - 1))))
        assert abs(got - kappa) < 3 / math.sqrt(n * slope), (got, kappa)
        assert vmf.fit(vmf.sample(50, mu, kappa)).iterations <= 6


def test_estimates_of_others() -> None:
    for method, limit in (("banerjee", 0.02), ("tanabe", 2e-3), ("sra", 1e-7), ("mle", 4 * EPS)):
        got = float(vmf.kappa_from_resultant(64, 0.6, method=method))
        exact = float(vmf.kappa_from_resultant(64, 0.6))
        assert abs(got / exact - 1) <= limit
    x = vmf.sample(100, direction(8), 5.0)
    assert vmf.fit(x, method="sra").kappa == pytest.approx(vmf.fit(x).kappa, rel=1e-6)


def test_digits_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn holds the digits")
    x = datasets.load_digits().data
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    found = vmf.fit(x, normalize=True)
    mu, kappa = scipy.stats.vonmises_fisher.fit(unit)
    assert found.mu == pytest.approx(mu, rel=1e-9, abs=1e-12)
    assert found.kappa == pytest.approx(kappa, rel=1e-6)
    likelihood = scipy.stats.vonmises_fisher(found.mu, found.kappa).logpdf(unit).sum()
    assert found.log_likelihood == pytest.approx(likelihood, rel=1e-12)


def test_edges_of_fits() -> None:
    balanced = vmf.fit([[1.0, 0.0], [-1.0, 0.0]])
    assert (balanced.kappa, balanced.R, balanced.converged) == (0.0, 0.0, False)
    assert not balanced.mu.any()
    assert balanced.log_likelihood == pytest.approx(-2 * math.log(2 * math.pi))
    same = np.tile([0.0, 1.0, 0.0], (4, 1))
    with pytest.raises(ArgumentError, match=r"functions.vmf.fit: X must have rows that differ"):
        vmf.fit(same)
    assert vmf.fit(same, allow_inf=True).kappa == math.inf
    x = vmf.sample(30, direction(4), 3.0)
    doubled = vmf.fit(np.concatenate([x, x[:10]]))
    weighted = vmf.fit(x, weights=np.r_[np.full(10, 2.0), np.ones(20)])
    assert weighted.kappa == pytest.approx(doubled.kappa, rel=1e-13)
    assert weighted.log_likelihood == pytest.approx(doubled.log_likelihood, rel=1e-13)
    for threads in (2, 5):
        again = vmf.fit(x, threads=threads)
        assert again.kappa == vmf.fit(x).kappa


def test_samples() -> None:
    mu = direction(5)
    x = vmf.sample(1000, mu, 4.0, seed=8)
    assert np.array_equal(vmf.sample(20, mu, 4.0, seed=8, first=480, threads=2), x[480:500])
    assert np.array_equal(vmf.sample(1000, mu, 4.0, seed=8, dtype=np.float32), x.astype(np.float32))
    assert not np.array_equal(vmf.sample(1000, mu, 4.0, seed=9), x)
    assert vmf.sample(0, mu, 1.0).shape == (0, 5)
    # The angle on the sphere has a closed distribution: cdf (e^(kappa w) - e^-kappa) / (e^kappa - e^-kappa).
    kappa = 2.5
    w = vmf.sample(20_000, [0.0, 0.0, 1.0], kappa, seed=3)[:, 2]
    cdf = (np.exp(kappa * w) - math.exp(-kappa)) / (2 * math.sinh(kappa))
    assert scipy.stats.kstest(cdf, "uniform").pvalue > 1e-6
    # In the circle it is von Mises's.
    y = vmf.sample(20_000, [1.0, 0.0], kappa, seed=3)
    assert scipy.stats.kstest(np.arctan2(y[:, 1], y[:, 0]), scipy.stats.vonmises(kappa).cdf).pvalue > 1e-6


def test_estimator() -> None:
    x = vmf.sample(500, direction(6), 9.0)
    model = VonMisesFisher().fit(x)
    fit = vmf.fit(x)
    assert model.concentration_ == fit.kappa
    assert model.score_samples(x) == pytest.approx(vmf.logpdf(x, fit.mu, fit.kappa), rel=1e-13)
    assert model.score(x) == pytest.approx(fit.log_likelihood / 500, rel=1e-13)
    assert model.sample(4, seed=2).shape == (4, 6)
    assert model.set_params(normalize=True).get_params() == {
        "method": "mle",
        "normalize": True,
        "threads": None,
    }
    assert repr(model) == "VonMisesFisher(normalize=True)"
    assert model.fit(7 * x).concentration_ == pytest.approx(fit.kappa, rel=1e-12)
    uniform = VonMisesFisher().fit([[1.0, 0.0], [-1.0, 0.0]])
    assert uniform.sample(3).shape == (3, 2)
    with pytest.raises(Error, match=r"functions.vmf.VonMisesFisher.score_samples: call fit first"):
        VonMisesFisher().score_samples(x)
    with pytest.raises(ArgumentError, match=r"params must be one of"):
        model.set_params(kappa=1)


def test_mixture() -> None:
    p, k, n = 20, 3, 400
    means = [direction(p, seed) for seed in range(k)]
    kappas = [20.0, 60.0, 200.0]
    x = np.concatenate(
        [vmf.sample(n, m, c, seed=i) for i, (m, c) in enumerate(zip(means, kappas, strict=True))]
    )
    labels = np.repeat(np.arange(k), n)
    model = VonMisesFisherMixture(k, seed=3, n_init=3).fit(x)
    assert model.converged_
    order = [int(np.argmax(model.means_ @ m)) for m in means]
    assert sorted(order) == [0, 1, 2]
    assert model.concentrations_[order] == pytest.approx(kappas, rel=0.15)
    assert model.weights_[order] == pytest.approx(np.full(k, 1 / 3), abs=0.03)
    assert (np.array(order)[labels] == model.predict(x)).mean() > 0.98
    shares = model.predict_proba(x)
    assert shares.sum(1) == pytest.approx(np.ones(k * n), rel=1e-14)
    # The density is the weighted sum of those of the components.
    direct = sum(
        w * np.exp(vmf.logpdf(x, m, c))
        for w, m, c in zip(model.weights_, model.means_, model.concentrations_.tolist(), strict=True)
    )
    assert model.score_samples(x) == pytest.approx(np.log(direct), rel=1e-10)
    assert model.score(x) == pytest.approx(model.lower_bound_, rel=1e-5)
    drawn, components = model.sample(3000, seed=5)
    assert np.bincount(components, minlength=k) / 3000 == pytest.approx(model.weights_, abs=0.06)
    assert (model.predict(drawn) == components).mean() > 0.98
    again = VonMisesFisherMixture(k, seed=3, n_init=3, threads=2).fit(x)
    assert np.array_equal(again.means_, model.means_)
    assert model.bic(x) < VonMisesFisherMixture(1).fit(x).bic(x)


def test_likelihood_of_a_mixture_never_falls() -> None:
    x = np.concatenate([vmf.sample(80, direction(5, s), 6.0, seed=s) for s in range(4)])
    bounds = []
    for iterations in range(1, 12):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            bounds.append(VonMisesFisherMixture(4, max_iter=iterations, tol=0.0, seed=1).fit(x).lower_bound_)
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(bounds))
    one = VonMisesFisherMixture(1).fit(x)
    assert one.concentrations_[0] == pytest.approx(vmf.fit(x).kappa, rel=1e-12)
    with pytest.warns(ConvergenceWarning, match=r"no convergence in max_iter = 1"):
        VonMisesFisherMixture(4, max_iter=1).fit(x)


def test_degenerate_components_stay_bounded() -> None:
    x = np.concatenate([np.tile([1.0, 0.0, 0.0], (20, 1)), np.tile([0.0, 1.0, 0.0], (20, 1))])
    model = VonMisesFisherMixture(2, concentration_max=1e4, seed=2).fit(x)
    assert model.concentrations_.tolist() == [1e4, 1e4]
    assert np.isfinite(model.score_samples(x)).all()


def test_errors() -> None:
    mu = [1.0, 0.0]
    with pytest.raises(TypeError, match=r"functions.vmf.log_normalizer: p must be an integer, got float64"):
        vmf.log_normalizer(2.5, 1.0)
    with pytest.raises(ArgumentError, match=r"functions.vmf.log_normalizer: p must be in 2..2\*\*53, got 1"):
        vmf.log_normalizer(1, 1.0)
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.mean_resultant: kappa must be at least 0, got -1.0"
    ):
        vmf.mean_resultant(3, [1.0, -1.0])
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.kappa_from_resultant: r must be in \[0, 1\], got 1.5"
    ):
        vmf.kappa_from_resultant(3, 1.5)
    with pytest.raises(ArgumentError, match=r"functions.vmf.kappa_from_resultant: method must be one of"):
        vmf.kappa_from_resultant(3, 0.5, method="brent")
    with pytest.raises(ArgumentError, match=r"functions.vmf.kappa_from_resultant: p and r must broadcast"):
        vmf.kappa_from_resultant([3, 4], [0.1, 0.2, 0.3])
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.fit: X must have rows of length 1 .* got length 2 in row 1"
    ):
        vmf.fit([[1.0, 0.0], [0.0, 2.0]])
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.fit: X must have non-zero, finite rows, got length 0 in row 1"
    ):
        vmf.fit([[1.0, 0.0], [0.0, 0.0]], normalize=True)
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.fit: X must be a matrix of at least one row and two columns"
    ):
        vmf.fit([1.0, 0.0])
    with pytest.raises(ArgumentError, match=r"functions.vmf.fit: weights must be 1 numbers"):
        vmf.fit([[1.0, 0.0]], weights=[1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"functions.vmf.logpdf: mu must have length 1, got 2"):
        vmf.logpdf([mu], [2.0, 0.0], 1.0)
    with pytest.raises(ArgumentError, match=r"functions.vmf.logpdf: X must have 3 columns, got 2"):
        vmf.logpdf([mu], [1.0, 0.0, 0.0], 1.0)
    with pytest.raises(
        ArgumentError, match=r"functions.vmf.sample: kappa must be at least 0 and finite, got inf"
    ):
        vmf.sample(1, mu, math.inf)
    with pytest.raises(TypeError, match=r"functions.vmf.sample: dtype must be float32 or float64, got int64"):
        vmf.sample(1, mu, 1.0, dtype=np.int64)
    with pytest.raises(ArgumentError, match=r"functions.vmf.kl: other_mu must have the size of mu, 2, got 3"):
        vmf.kl(mu, 1.0, [1.0, 0.0, 0.0], 1.0)
    with pytest.raises(ArgumentError, match=r"X must have at least n_components = 3 rows, got 1"):
        VonMisesFisherMixture(3).fit([mu])
    with pytest.raises(TypeError, match=r"functions.vmf.fit: normalize must be a bool, got int"):
        vmf.fit([mu], normalize=1)  # type: ignore[arg-type]
