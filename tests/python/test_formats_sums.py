"""Exact sums against math.fsum and rationals, compensated ones against their bounds."""

from __future__ import annotations

import math
from fractions import Fraction

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from hypothesis import given
from hypothesis import strategies as st

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, max_size=40))
def test_exact_sum_equals_fsum(x: list[float]) -> None:
    try:
        want = math.fsum(x)
    except OverflowError:  # of a partial sum
        total = sum(map(Fraction, x), Fraction(0))
        try:
            want = float(total)
        except OverflowError:
            want = math.inf if total > 0 else -math.inf
    assert ff.exact_sum(x) == want
    assert ff.exact_sum(x[::-1]) == want


@given(st.lists(st.tuples(finite, finite), max_size=20))
def test_exact_dot_equals_rationals(pairs: list[tuple[float, float]]) -> None:
    total = sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))
    try:
        want = float(total)
    except OverflowError:
        want = math.inf if total > 0 else -math.inf
    assert ff.exact_dot([a for a, _ in pairs], [b for _, b in pairs]) == want


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 255, 256, 5000, 1_100_000])
def test_adversarial_sums(kind: type, n: int) -> None:
    rng = np.random.default_rng(n)
    span = 60 if kind is np.float32 else 500
    x = (rng.normal(size=n) * 2.0 ** rng.integers(-span, span, n)).astype(kind)
    x = np.concatenate([x, -x[: n // 2], rng.normal(size=3).astype(kind)])
    want = math.fsum(x.tolist())
    context = ff.Context("float64")
    assert ff.exact_sum(x.astype(np.float64), format=context) == want
    assert ff.exact_sum(x, threads=3) == (
        want if kind is np.float64 else ff.round_to(np.float64(want), "float32")
    )
    assert ff.exact_sum(rng.permutation(x)) == ff.exact_sum(x)


def test_exact_sum_in_every_mode() -> None:
    x = np.random.default_rng(0).normal(size=100)
    total = sum(map(Fraction, x.tolist()), Fraction(0))
    down = ff.exact_sum(x, format=ff.Context("bfloat16", rounding="toward_negative"))
    up = ff.exact_sum(x, format=ff.Context("bfloat16", rounding="toward_positive"))
    assert Fraction(down) < total < Fraction(up)
    assert up - down == 2.0 ** (math.frexp(down)[1] - 8)
    assert ff.exact_sum(x, format="float16") in (
        float(ff.round_to(float(total), "float16", rounding=m))
        for m in ("toward_positive", "toward_negative")
    )


def ill_conditioned(n: int, condition: float, seed: int) -> tuple[np.ndarray, np.ndarray, Fraction]:
    """Algorithm 6.1 of Ogita, Rump, Oishi."""
    rng = np.random.default_rng(seed)
    half = n // 2
    b = math.log2(condition)
    e = np.rint(rng.uniform(0, b / 2, half)).astype(int)
    e[0], e[-1] = round(b / 2) + 1, 0
    x, y = np.zeros(n), np.zeros(n)
    x[:half] = rng.uniform(-1, 1, half) * 2.0**e
    y[:half] = rng.uniform(-1, 1, half) * 2.0**e
    e = np.rint(np.linspace(b / 2, 0, n - half)).astype(int)
    total = sum((Fraction(p) * Fraction(q) for p, q in zip(x, y, strict=True)), Fraction(0))
    for i in range(half, n):
        x[i] = rng.uniform(-1, 1) * 2.0 ** int(e[i - half])
        y[i] = float((Fraction(rng.uniform(-1, 1) * 2.0 ** int(e[i - half])) - total) / Fraction(x[i]))
        total += Fraction(x[i]) * Fraction(y[i])
    return x, y, total


@pytest.mark.parametrize(("condition", "k"), [(1e9, 2), (1e17, 2), (1e25, 3), (1e33, 3), (1e49, 4)])
def test_dot_k_on_ill_conditioned_products(condition: float, k: int) -> None:
    x, y, total = ill_conditioned(100, condition, int(math.log10(condition)))
    magnitude = sum((abs(Fraction(p) * Fraction(q)) for p, q in zip(x, y, strict=True)), Fraction(0))
    gamma = 400 * Fraction(1, 2**53)
    bound = Fraction(1, 2**53) * abs(total) + gamma**k * magnitude
    assert abs(Fraction(ff.compensated_dot(x, y, k=k)) - total) <= bound
    assert ff.exact_dot(x, y) == float(total)


def test_methods() -> None:
    x = [1.0, 1e100, 1.0, -1e100]
    for method, want in (("kahan", 0.0), ("neumaier", 2.0), ("klein", 2.0), ("sum_k", 2.0)):
        assert ff.compensated_sum(x, method=method) == want
    rng = np.random.default_rng(1)
    y = rng.normal(size=100_000).astype(np.float32)
    exact = ff.exact_sum(y, format="float64")
    errors = {
        m: abs(ff.compensated_sum(y, method=m) - exact) for m in ("pairwise", "kahan", "neumaier", "klein")
    }
    unit = 2.0**-24
    assert errors["pairwise"] <= unit * 140 * float(np.abs(y).sum())
    assert max(errors["kahan"], errors["neumaier"], errors["klein"]) <= 2 * unit * abs(exact) + 1e-3


def test_transforms_are_exact() -> None:
    rng = np.random.default_rng(2)
    for kind in (np.float32, np.float64):
        a, b = (rng.normal(size=(2, 500)) * 2.0 ** rng.integers(-20, 20, (2, 500))).astype(kind)
        for transform, exact in (
            (ff.two_sum, lambda p, q: Fraction(p) + Fraction(q)),
            (ff.two_prod, lambda p, q: Fraction(p) * Fraction(q)),
        ):
            value, error = transform(a, b)
            assert value.dtype == kind
            for p, q, v, e in zip(a.tolist(), b.tolist(), value.tolist(), error.tolist(), strict=True):
                assert Fraction(v) + Fraction(e) == exact(p, q)
    value, error = ff.two_sum(1.7e308, 1.7e308)
    assert (float(value), float(error)) == (math.inf, 0.0)
    assert ff.two_sum(np.ones((2, 1)), np.ones(3))[0].shape == (2, 3)


def test_not_finite() -> None:
    assert math.isnan(ff.exact_sum([math.inf, -math.inf]))
    assert ff.exact_sum([math.inf, 1.0]) == math.inf
    assert math.isnan(ff.exact_dot([0.0], [math.inf]))
    assert ff.compensated_sum([math.inf, 1.0]) == math.inf
    assert math.isnan(ff.compensated_dot([math.nan], [1.0]))


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"formats.exact_dot: y must have the size of x, got 1 for 2"):
        ff.exact_dot([1.0, 2.0], [1.0])
    with pytest.raises(ArgumentError, match=r"formats.compensated_sum: method must be one of"):
        ff.compensated_sum([1.0], method="fast")
    with pytest.raises(ArgumentError, match=r"formats.compensated_dot: k must be in 2..64, got 1"):
        ff.compensated_dot([1.0], [1.0], k=1)
    with pytest.raises(TypeError, match="x must hold float16, float32, float64 or integers, got complex128"):
        ff.exact_sum([1j])
    with pytest.raises(ArgumentError, match=r"at most 2\^53"):
        ff.exact_sum([2**60])
