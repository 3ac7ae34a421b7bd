"""Zipf's law against mpmath and exact sums: normalisers, tails, quantiles, samples, fits, coding tables."""

from __future__ import annotations

import math
from typing import Any

import fewbits.functions as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError, ConvergenceError
from fewbits.functions import zipf
from mpmath import mp, mpf

EPS = 2.0**-52
NORMS = [
    (10**6, 1.0, 14.3927267228657236),
    (10**6, 1.2, 5.27610380048551591),
    (2**20, 0.8, 75.5624692134979781),
    (50257, 1.07, 8.17196537784960102),
    (10**12, 0.5, 1999998.53964599119),
    (10**9, 2.0, 1.64493406584822644),
    (10**6, 1 + 1e-12, 14.3927267227703538),
    (1000, 0.0, 1000.0),
    (10**4, 0.25, 1332.57005471973811),
    (10, 3.0, 1.1975319856741932517),
]


def exact_tail(first: int, last: int, s: float) -> Any:
    """Sum of k^-s from first to last: a difference of Hurwitz zeta functions, with digits to lose."""
    with mp.workdps(90):
        t = mpf(s)
        if t == 1:
            return mp.psi(0, last + 1) - mp.psi(0, first)
        return mp.zeta(t, first) - mp.zeta(t, last + 1)


@pytest.mark.parametrize(("N", "s", "wanted"), NORMS)
def test_norms(N: int, s: float, wanted: float) -> None:
    got = zipf.norm(N, s)
    assert abs(got / wanted - 1) <= 2 * EPS
    assert got.relative_error == 0


@pytest.mark.parametrize("s", [0.0, 1e-9, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 1.2, 2.0, 3.7, 11.0, 20.0])
def test_norm_and_both_tails_against_hurwitz_zeta(s: float) -> None:
    for N in (1, 7, 31, 32, 100, 10**4, 10**9, 2**53):
        H = exact_tail(1, N, s)
        assert abs(mpf(float(zipf.norm(N, s))) / H - 1) <= 2 * EPS
        ks = sorted({k for k in (1, 2, 30, 31, 32, 33, 50, 1000, N // 3, N - 1, N) if 1 <= k <= N})
        below, above = zipf.cdf(ks, N, s), zipf.sf(ks, N, s)
        for k, f, g in zip(ks, below, above, strict=True):
            assert abs(mpf(float(f)) / (exact_tail(1, k, s) / H) - 1) <= 4 * EPS
            tail = exact_tail(k + 1, N, s) / H if k < N else mpf(0)
            assert g == 0 if tail == 0 else tail < 1e-300 or abs(mpf(float(g)) / tail - 1) <= 4 * EPS


def test_infinite() -> None:
    for s in (1.01, 1.5, 2.0, 7.0):
        with mp.workdps(40):
            exact = mp.zeta(mpf(s))
            assert abs(mpf(float(zipf.norm(math.inf, s))) / exact - 1) <= 2 * EPS
            tail = mp.zeta(mpf(s), 1001) / exact
            assert abs(mpf(zipf.sf(1000, math.inf, s).item()) / tail - 1) <= 4 * EPS


# Relative errors of the normaliser in percent, of the literature's closed forms.
@pytest.mark.parametrize(
    ("N", "method", "s", "percent"),
    [
        (10**4, "trapezoid", 0.5, -0.020), (10**4, "trapezoid", 0.75, -0.16), (10**4, "trapezoid", 1, -0.79),
        (10**4, "trapezoid", 1.25, -2.27), (10**4, "trapezoid", 1.5, -4.3), (10**4, "trapezoid", 2, -8.8),
        (10**4, "trapezoid", 3, -16.8), (10**4, "integral", 0.5, -0.27), (10**4, "integral", 1, -5.9),
        (10**4, "integral", 2, -39), (100, "trapezoid", 0.5, -0.21), (100, "trapezoid", 1, -1.49),
        (100, "trapezoid", 2, -8.9), (10, "average", 1, -2.69), (10, "trapezoid", 1, -2.61),
    ],
)  # fmt: skip
def test_closed_forms(N: int, method: str, s: float, percent: float) -> None:
    got = zipf.norm(N, s, method)
    assert abs(100 * got.relative_error - percent) <= 0.03 * abs(percent)
    assert got.method == method
    k = np.arange(1, N + 1)
    F = zipf.cdf(k, N, s, method=method)
    assert F[-1] == 1
    if s <= 1:  # beyond, they are not even monotone
        assert (np.diff(F) >= 0).all()


def test_probabilities_and_quantiles() -> None:
    for s in (0.0, 0.7, 1.0, 2.5):
        N = 3000
        k = np.arange(1, N + 1)
        p = zipf.pmf(k, N, s)
        assert abs(math.fsum(p) - 1) < 1e-14
        np.testing.assert_allclose(np.exp(zipf.logpmf(k, N, s)), p, rtol=1e-13)
        F = zipf.cdf(k, N, s)
        np.testing.assert_allclose(F, np.cumsum(p), rtol=1e-12)
        q = np.random.default_rng(0).random(200)
        exact = np.searchsorted(F, q) + 1
        assert np.abs(zipf.ppf(q, N, s) - exact).max() == 0
        assert abs(zipf.entropy(N, s) + math.fsum(p * zipf.logpmf(k, N, s))) < 1e-12
    assert zipf.pmf([0, -3, 2.5, N + 1], N, 1.0).tolist() == [0, 0, 0, 0]
    assert np.isnan(zipf.cdf(math.nan, N, 1.0))
    assert zipf.cdf([0, 0.5, N, N + 9, math.inf], N, 1.0).tolist() == [0, 0, 1, 1, 1]
    assert zipf.logpmf(0, N, 1.0) == -math.inf
    assert np.isnan(zipf.ppf([-0.1, 1.1], N, 1.0)).all()


@pytest.mark.parametrize("s", [0.0, 0.5, 1.0, 1.2, 3.0])
def test_samples_follow_the_law(s: float) -> None:
    from scipy.stats import chi2

    N, n = 10**6, 10**7
    x = zipf.sample(n, N, s, seed=11, threads=2)
    np.testing.assert_array_equal(x[:1000], zipf.sample(1000, N, s, seed=11))
    edges = np.unique(zipf.ppf(np.linspace(0, 1, 51)[1:], N, s))
    F = np.concatenate([[0.0], zipf.cdf(edges, N, s)])
    expected = n * np.diff(F)
    observed = np.bincount(np.searchsorted(edges, x), minlength=len(edges))
    keep = expected > 5
    statistic = ((observed - expected)[keep] ** 2 / expected[keep]).sum()
    assert chi2.sf(statistic, max(1, keep.sum() - 1)) > 1e-4
    assert x.min() >= 1
    assert x.max() <= N


def test_samples_reach_far() -> None:
    x = zipf.sample(1000, 2**53, 0.0, seed=2)
    assert x.max() > 2**52
    assert zipf.sample((2, 3), 1, 4.0).tolist() == [[1] * 3] * 2
    assert (zipf.sample(100, 10**9, 500.0) == 1).all()


def test_fit() -> None:
    for s in (0.3, 1.0, 1.7, 3.0):
        x = zipf.sample(50_000, 2000, s, seed=5)
        found = zipf.fit(x, 2000)
        assert abs(found.s - s) < 4 * found.standard_error
        counts = np.bincount(x, minlength=2001)[1:]
        again = zipf.fit(counts, 2000, counts=True)
        assert abs(again.s - found.s) < 1e-9
        # The likelihood is lower on both sides.
        for other in (found.s - 1e-3, found.s + 1e-3):
            assert math.fsum(zipf.logpmf(x, 2000, other)) < found.log_likelihood
        assert abs(math.fsum(zipf.logpmf(x, 2000, found.s)) - found.log_likelihood) < 1e-6
    assert zipf.fit([2000] * 10, 2000).s == 0
    with pytest.raises(ConvergenceError):
        zipf.fit([1, 1, 1], 2000)


def test_coding_model() -> None:
    N, s, bits = 50257, 1.07, 24
    model = zipf.CodingModel(N, s, bits)
    C = model.cumulative(np.arange(N + 1)).astype(np.int64)
    assert C[0] == 0
    assert C[-1] == 1 << bits
    assert (np.diff(C) > 0).all()
    slots = np.random.default_rng(1).integers(1 << bits, size=5000)
    np.testing.assert_array_equal(model.symbols(slots), np.searchsorted(C, slots, side="right"))
    k = np.arange(1, N + 1)
    cost = math.fsum(zipf.pmf(k, N, s) * model.cost(k))
    bound = zipf.entropy(N, s) / math.log(2)
    # One slot for each symbol costs N / 2^bits of a nat at most.
    assert 0 <= cost / bound - 1 < 1e-4 + N / (1 << bits)
    for small in (1, 2, 255):
        tiny = zipf.CodingModel(small, 30.0, 8)
        assert (np.diff(tiny.cumulative(np.arange(small + 1)).astype(int)) > 0).all()


def test_arguments() -> None:
    for N in (0, 2.5, -1, True, 2**53 + 1):
        with pytest.raises(ArgumentError, match="N must be"):
            zipf.norm(N, 1.0)
    for s in (-0.1, math.nan, math.inf):
        with pytest.raises(ArgumentError, match="s must be at least 0"):
            zipf.pmf(1, 10, s)
    with pytest.raises(ArgumentError, match="s must be above 1"):
        zipf.norm(math.inf, 1.0)
    with pytest.raises(ArgumentError, match="method must be one of"):
        zipf.cdf(1, 10, 1.0, method="simpson")
    with pytest.raises(ArgumentError, match=r"N must be in 1\.\.255"):
        zipf.CodingModel(256, 1.0, 8)
    with pytest.raises(ArgumentError, match=r"slots must be in 0\.\.255, got 256"):
        zipf.CodingModel(9, 1.0, 8).symbols([256])
    with pytest.raises(ArgumentError, match=r"samples must be in 1..5, got values from 0 to 7"):
        zipf.fit([0, 7], 5)
    assert ff.zipf is zipf
