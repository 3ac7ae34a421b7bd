"""Optimal codebooks against exhaustive search, published tables and scikit-learn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from fewbits.errors import ArgumentError, ConvergenceWarning
from fewbits.quant import codebook_encode, kmeans1d
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm


def best_cost(x: np.ndarray, w: np.ndarray, k: int) -> float:
    """Over all ways to cut the sorted points into k runs."""
    order = np.argsort(x)
    x, w = x[order], w[order]
    best = np.inf
    for cuts in combinations(range(1, x.size), k - 1):
        cost = 0.0
        for a, b in zip((0, *cuts), (*cuts, x.size), strict=True):
            mean = np.average(x[a:b], weights=w[a:b])
            cost += float((w[a:b] * (x[a:b] - mean) ** 2).sum())
        best = min(best, cost)
    return best


@given(
    values=st.lists(st.integers(-50, 50), min_size=1, max_size=11),
    k=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_exact_is_the_optimum(values: list[int], k: int, seed: int) -> None:
    x = np.array(values) / 7
    w = np.random.default_rng(seed).uniform(0.1, 3, x.size)
    k = min(k, np.unique(x).size)
    found = kmeans1d(x, k, weights=w)
    assert found.levels.shape == (k,)
    assert (np.diff(found.levels) > 0).all()
    scale = float((w * (x - np.average(x, weights=w)) ** 2).sum())
    assert abs(found.cost - best_cost(x, w, k)) <= 1e-12 * (1 + scale)
    assert found.weights.sum() == pytest.approx(w.sum(), rel=1e-12)
    lloyd = kmeans1d(x, k, weights=w, method="lloyd")
    assert lloyd.converged
    assert lloyd.cost >= found.cost - 1e-12 * (1 + scale)


# J. Max 1960: levels and mean squared error of the best quantiser of N(0, 1).
LLOYD_MAX = {
    2: (0.363380228, [0.7978846]),
    4: (0.117481848, [0.45278, 1.5104176]),
    8: (0.034547761, [0.2450942, 0.7560053, 1.3439093, 2.1519457]),
    16: (
        0.009501008,
        [0.128395, 0.3880483, 0.6567591, 0.9423405, 1.2562312, 1.6180464, 2.0690172, 2.7325896],
    ),
}


@pytest.mark.parametrize("k", LLOYD_MAX)
@pytest.mark.parametrize("method", ["exact", "lloyd"])
def test_the_normal_distribution(k: int, method: str) -> None:
    """Points on a fine grid, weighted by their density: the published tables to the error of the grid."""
    x = np.linspace(-7, 7, 14001)
    found = kmeans1d(x, k, weights=norm.pdf(x) * (x[1] - x[0]), method=method)  # type: ignore[arg-type]
    mse, half = LLOYD_MAX[k]
    # Lloyd's method stops where no point of the grid changes sides, a little before the optimum.
    cost, place = (2e-5, 2e-3) if method == "exact" else (1e-3, 5e-2)
    assert found.cost == pytest.approx(mse, rel=cost)
    assert found.levels == pytest.approx(np.concatenate([-np.array(half[::-1]), half]), abs=place)


def test_gathered_values_come_close() -> None:
    x = np.random.default_rng(0).standard_t(4, size=200_000)
    fine, coarse = kmeans1d(x, 16), kmeans1d(x, 16, bins=4096)
    assert fine.cost <= coarse.cost <= 1.01 * fine.cost
    codes = codebook_encode(x, fine.levels)
    assert float(((x - fine.levels[codes]) ** 2).sum()) <= fine.cost * (1 + 1e-9)


def test_as_many_levels_as_values() -> None:
    x = np.array([3.0, -1.0, 3.0, 7.5])
    found = kmeans1d(x, 3)
    assert found.levels.tolist() == [-1.0, 3.0, 7.5]
    assert found.weights.tolist() == [1.0, 2.0, 1.0]
    assert found.cost == 0.0


def test_weights_of_zero_do_not_count() -> None:
    found = kmeans1d([0.0, 1.0, 99.0], 2, weights=[1.0, 1.0, 0.0])
    assert found.levels.tolist() == [0.0, 1.0]


def test_lloyd_warns_when_it_is_stopped() -> None:
    x = np.random.default_rng(1).normal(size=5000)
    with pytest.warns(ConvergenceWarning, match="still moved after 2 iterations"):
        found = kmeans1d(x, 16, method="lloyd", max_iter=2)
    assert not found.converged
    assert found.iterations == 2


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match="k must be at most the 2 distinct values, got 3"):
        kmeans1d([1.0, 2.0, 2.0], 3)
    with pytest.raises(ArgumentError, match=r"k must be in 1\.\.256, got 0"):
        kmeans1d([1.0], 0)
    with pytest.raises(ArgumentError, match="x must not be empty"):
        kmeans1d(np.empty(0), 1)
    with pytest.raises(ArgumentError, match="x must be finite"):
        kmeans1d([1.0, np.inf], 1)
    with pytest.raises(ArgumentError, match=r"weights must be at least 0, got weights\[1\] = -1\.0"):
        kmeans1d([1.0, 2.0], 1, weights=[1.0, -1.0])
    with pytest.raises(ArgumentError, match=r"weights must have the shape of x, \(2,\), got \(1,\)"):
        kmeans1d([1.0, 2.0], 1, weights=[1.0])
    with pytest.raises(ArgumentError, match="weights must not all be 0"):
        kmeans1d([1.0], 1, weights=[0.0])
    with pytest.raises(ArgumentError, match="method must be one of 'exact', 'lloyd', got 'fast'"):
        kmeans1d([1.0], 1, method="fast")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"bins must be in 4\.\."):
        kmeans1d(np.arange(9.0), 4, bins=3)
