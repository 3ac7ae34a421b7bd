"""Exact sums against math.fsum and rationals, compensated ones against their bounds."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

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


def test_two_sum_near_the_largest_number() -> None:
    largest = np.finfo(np.float64).max
    a = largest - np.arange(40) * 2.0**971
    b = -np.ldexp(1 + np.arange(40) / 64, 969 + np.arange(40) % 5)
    for p, q in ((a, b), (b, a)):
        for x, y, v, e in zip(p.tolist(), q.tolist(), *map(np.ndarray.tolist, ff.two_sum(p, q)), strict=True):
            assert Fraction(v) + Fraction(e) == Fraction(x) + Fraction(y)


def test_accumulator() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 3000)) * 2.0 ** rng.integers(-30, 30, (2, 3000))
    z = rng.normal(size=777).astype(np.float32)
    total = ff.ExactAccumulator(x).add_dot(x, y, threads=2).add(z)
    exact = sum(map(Fraction, x.tolist()), Fraction(0))
    exact += sum(
        (Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist(), strict=True)), Fraction(0)
    )
    exact += sum(map(Fraction, z.tolist()), Fraction(0))
    assert total.value() == float(exact)
    up, down = (ff.Context("float64", rounding=f"toward_{d}") for d in ("positive", "negative"))
    assert Fraction(total.value(down)) < exact < Fraction(total.value(up))
    # Parts in any order, through bytes, are the whole.
    part, rest = ff.ExactAccumulator(z), ff.ExactAccumulator()
    for i in rng.permutation(30):
        rest.add_dot(x[100 * i : 100 * i + 100], y[100 * i : 100 * i + 100])
    part = pickle.loads(pickle.dumps(part))
    merged = part.merge(rest).merge(ff.ExactAccumulator(x[::-1]))
    assert merged == total
    assert pickle.dumps(merged) == pickle.dumps(total)
    assert merged.merge(merged).value("float32") == float(np.float32(float(2 * exact)))
    assert (merged == total) is False
    assert ff.ExactAccumulator([math.inf]).merge(ff.ExactAccumulator([1.0])).value() == math.inf
    assert math.isnan(pickle.loads(pickle.dumps(ff.ExactAccumulator([math.inf, -math.inf]))).value())
    assert ff.ExactAccumulator().value() == 0
    assert repr(ff.ExactAccumulator([1.5])) == "<ExactAccumulator of 1.5>"
    with pytest.raises(TypeError, match="other must be an ExactAccumulator, got float"):
        total.merge(1.0)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="the state must be one that state"):
        ff.ExactAccumulator().__setstate__(b"short")


@given(st.lists(finite, max_size=60), st.integers(1, 4), st.randoms(use_true_random=False))
def test_binned_sum_is_reproducible_and_bounded(x: list[float], fold: int, random: Any) -> None:
    got = ff.binned_sum(x, fold=fold)
    shuffled = x.copy()
    random.shuffle(shuffled)
    assert ff.binned_sum(shuffled, fold=fold) == got
    exact = sum(map(Fraction, x), Fraction(0))
    largest = max(map(abs, x), default=0.0)
    error = len(x) * Fraction(2) ** (-40 * (fold - 1)) * Fraction(largest)
    if abs(exact) + error < Fraction(np.finfo(np.float64).max):
        down, up = (float(ff.round_to(float(exact), "float64")) for _ in range(2))
        ulp = Fraction(math.ulp(max(abs(down), abs(up))))
        assert abs(Fraction(got) - exact) <= error + ulp


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_binned_sum_of_many(kind: type) -> None:
    rng = np.random.default_rng(4)
    x = (rng.normal(size=700_001) * 2.0 ** rng.integers(-30, 30, 700_001)).astype(kind)
    got = ff.binned_sum(x)
    assert got == ff.binned_sum(x[::-1], threads=3) == ff.binned_sum(rng.permutation(x), threads=2)
    assert got == ff.exact_sum(x)  # 80 bits below the largest are enough here
    up = ff.binned_sum(x, format=ff.Context("bfloat16", rounding="toward_positive"))
    assert up == ff.exact_sum(x, format=ff.Context("bfloat16", rounding="toward_positive"))


@pytest.mark.parametrize(
    "name", ["float8_e4m3fn", "float8_e5m2", "float8_e3m4", "float6_e2m3fn", "fp4", "int8"]
)
def test_exact_dot_of_codes(name: str) -> None:
    rng = np.random.default_rng(5)
    f = ff.get(name)
    for n in (0, 1, 33, 5000):
        x, y = ff.encode(rng.normal(size=(2, n)) * f.max / 3, f, saturate="finite")
        exact = sum(
            (
                Fraction(a) * Fraction(b)
                for a, b in zip(ff.decode(x, f).tolist(), ff.decode(y, f).tolist(), strict=True)
            ),
            Fraction(0),
        )
        assert ff.exact_dot_codes(x, y, f) == float(exact)
        assert ff.ExactAccumulator().add_dot_codes(x, y, f).value() == float(exact)
        up = ff.Context("float32", rounding="toward_positive")
        assert Fraction(ff.exact_dot_codes(x, y, f, to=up)) >= exact


def test_dot_of_codes_that_are_not_finite() -> None:
    e5m2 = [0x7C, 0x3C, 0xFC, 0x7F]  # infinity, 1, -infinity, nan
    assert ff.exact_dot_codes(e5m2[:2], [0x3C, 0x3C], "float8_e5m2") == math.inf
    assert math.isnan(ff.exact_dot_codes(e5m2[:3], [0x3C] * 3, "float8_e5m2"))
    assert math.isnan(ff.exact_dot_codes([0x7F], [0], "float8_e4m3fn"))
    assert math.isnan(ff.exact_dot_codes([0x7C], [0], "float8_e5m2"))
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([1.5, -2.0], ml_dtypes.float8_e4m3fn)
    assert ff.exact_dot_codes(x, x, "float8_e4m3fn") == 6.25


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
    with pytest.raises(ArgumentError, match=r"formats.binned_sum: fold must be in 1..4, got 5"):
        ff.binned_sum([1.0], fold=5)
    with pytest.raises(ArgumentError, match="format must have codes of at most 8 bits, got 16"):
        ff.exact_dot_codes([1], [1], "float16")
    with pytest.raises(ArgumentError, match="format must span at most 33 bits"):
        ff.exact_dot_codes([1], [1], "float8_e8m0fnu")
    with pytest.raises(
        ArgumentError, match=r"formats.exact_dot_codes: y must have the size of x, got 1 for 2"
    ):
        ff.exact_dot_codes([1, 2], [1], "float8_e5m2")
    with pytest.raises(TypeError, match=r"formats.exact_dot_codes: x must have"):
        ff.exact_dot_codes([1.0], [1], "float8_e5m2")
    with pytest.raises(ArgumentError, match=r"formats.exact_dot_codes: y must hold codes in 0..255"):
        ff.exact_dot_codes([1], [256], "float8_e5m2")
