"""Policies on the sequences of the paper, smaller; states and messages."""

from __future__ import annotations

import json

import fewbits.linalg as fl
import numpy as np
import pytest
from fewbits.errors import ArgumentError

ARMS = np.linspace(1, 1.95, 20)
POISSON = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], float)


def counts(shifts: np.ndarray) -> np.ndarray:
    """Iterations of every arm for every shift, for one right-hand side."""
    b = np.ones(100)
    table = []
    for c in shifts:
        weights = POISSON.copy()
        weights[1, 1] += c
        a = fl.StencilOperator((10, 10), weights)
        table.append([fl.sor(a, b, w).iterations for w in ARMS])
    return np.array(table)


def test_policies_beat_what_they_must() -> None:
    rng = np.random.default_rng(3)
    grid = np.linspace(-0.15, 0.45, 61)
    table = counts(grid)
    choice = rng.integers(0, 61, 4000)
    policies = {
        "fixed": fl.TsallisInf(ARMS, seed=1),
        "bins": fl.TsallisInfCB(ARMS, context=(-0.15, 0.65), seed=1),
        "model": fl.ChebCB(ARMS, context=(-0.15, 0.65), seed=1),
    }
    means = {}
    for name, policy in policies.items():
        total = 0
        for k in choice:
            w = policy.suggest() if isinstance(policy, fl.TsallisInf) else policy.suggest(float(grid[k]))
            cost = int(table[k, int(np.argmin(abs(w - ARMS)))])
            policy.report(cost)
            total += cost
        means[name] = total / choice.size
    best_fixed = table[choice].mean(axis=0).min()
    best = table[choice].min(axis=1).mean()
    assert means["fixed"] <= 1.25 * best_fixed
    assert means["model"] <= 1.25 * best
    assert means["model"] < means["bins"] < means["fixed"]


def test_states_through_json() -> None:
    a, b = (fl.ChebCB(ARMS, context=(0, 1), seed=2) for _ in range(2))
    for i in range(30):
        a.suggest(i / 30)
        a.report(10 + i % 4)
    b.restore(json.loads(json.dumps(a.state())))
    assert [b.suggest(0.5)] == [a.suggest(0.5)]
    assert a.state() == b.state()


def test_messages() -> None:
    policy = fl.TsallisInf([1.0, 2.0])
    with pytest.raises(ArgumentError, match="suggest must be called before report"):
        policy.report(3)
    policy.suggest()
    with pytest.raises(ArgumentError, match="report must be called before the next suggest"):
        policy.suggest()
    with pytest.raises(ArgumentError, match="cost must be above 0 and finite, got 0"):
        policy.report(0)
    with pytest.raises(ArgumentError, match=r"context must be in \[0.000000, 1.000000\], got 2"):
        fl.ChebCB([1.0], context=(0, 1)).suggest(2)
    with pytest.raises(ArgumentError, match="arms must be finite numbers"):
        fl.TsallisInf([])
    with pytest.raises(ArgumentError, match="low end below"):
        fl.TsallisInfCB([1.0], context=(1, 1))
    with pytest.raises(ArgumentError, match="of another policy"):
        fl.ChebCB([1.0], context=(0, 1)).restore([1.0])
