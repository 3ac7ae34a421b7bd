"""Bessel functions, their ratios and derivatives: values, errors as recorded, arguments."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import functions_bessel_oracle as oracle
import ml_dtypes
import mpmath
import numpy as np
import pytest
from fewbits import functions as ff
from fewbits.errors import ArgumentError
from hypothesis import given
from hypothesis import strategies as st

RECORD: dict[str, Any] = json.loads(oracle.RECORD.read_text())
TWO_ARGUMENTS = [ff.log_iv, ff.log_kv, ff.iv_ratio, ff.iv_ratio_c, ff.kv_ratio]
NAMES = [f.__name__ for f in TWO_ARGUMENTS]
EPS = oracle.EPS


def table(quantity: str) -> np.ndarray:
    lines = (line.split() for line in oracle.VALUES.read_text().splitlines())
    return np.array([[float.fromhex(word) for word in words] for name, *words in lines if name == quantity])


@pytest.mark.parametrize("quantity", oracle.QUANTITIES)
def test_stored_values(quantity: str) -> None:
    v, x, high, low = table(quantity).T
    assert v.size > 50
    got = np.asarray(oracle.ours(quantity, v, x))
    scale = np.abs(high) if quantity in oracle.RELATIVE else np.maximum(1, np.abs(high))
    error = np.abs((got - high) / scale - low / scale) / EPS
    assert error.max() <= oracle.PROMISED[quantity], (v[error.argmax()], x[error.argmax()])


@pytest.mark.parametrize("quantity", oracle.QUANTITIES)
def test_recorded_errors_keep_the_promise(quantity: str) -> None:
    assert set(RECORD[quantity]) == set(oracle.STRATA)
    for name, entry in RECORD[quantity].items():
        assert entry["error"] <= oracle.PROMISED[quantity], name
        assert entry["n"] >= 1000
        assert 0 <= entry["median"] <= 1
    if quantity in ("log_iv", "log_kv"):
        for name in (
            "20 <= w <= 2000",
            "2000 <= w <= 1e8",
            "x = v (0.6627 +- 0.02)",
            "at the borders of regions",
        ):
            assert RECORD[quantity][name]["error"] <= 1, name


def test_stored_values_are_those_of_mpmath() -> None:
    """Series that share nothing with ball arithmetic's code or ours, at 60 digits."""
    compared = 0
    functions = {"log_iv": mpmath.besseli, "log_kv": mpmath.besselk}
    with mpmath.workdps(60):
        for quantity, f in functions.items():
            for v, x, high, low in table(quantity)[::3].tolist():
                if v > 60 or not 1e-6 < x < 60:
                    continue
                exact = mpmath.log(f(mpmath.mpf(v), mpmath.mpf(x)))
                assert abs(exact - high - low) <= 1e-30 * max(1, abs(exact)), (v, x)
                compared += 1
    assert compared > 40


def test_expansion_of_the_oracle_is_the_function() -> None:
    flint = pytest.importorskip("flint", reason="python-flint is the oracle")
    assert flint.ctx.prec
    exact = oracle.Exact()
    for v, x in ((300.5, 400.0), (1500.0, 2.0), (0.5, 1500.0)):
        for sign in (1, -1):
            a, b = exact.number(v), exact.number(x)
            series = exact.log_bessel(a, b, sign, False)
            assert abs(float((exact.uniform(a, b, sign) - series).mid())) < 1e-35


@pytest.mark.parametrize("quantity", oracle.QUANTITIES)
def test_errors_again_on_a_few(quantity: str) -> None:
    pytest.importorskip("flint", reason="python-flint is the oracle")
    exact = oracle.Exact()
    for stratum in oracle.STRATA:
        assert oracle.measure(exact, quantity, stratum, 6, 5)["error"] <= oracle.PROMISED[quantity]


@pytest.mark.slow
@pytest.mark.parametrize("quantity", oracle.QUANTITIES)
def test_recorded_errors_again(quantity: str) -> None:
    pytest.importorskip("flint", reason="python-flint is the oracle")
    exact = oracle.Exact()
    for stratum, entry in RECORD[quantity].items():
        assert oracle.measure(exact, quantity, stratum, entry["n"], 1) == entry


def test_page_shows_the_recorded_errors() -> None:
    script = oracle.ROOT / "tools/functions_bessel_docs.py"
    subprocess.run([sys.executable, script, "--check"], check=True)


def test_log_i0_relative_to_itself() -> None:
    v, x, high, low = table("log_iv").T
    at = (v == 0) & (x < 1)
    assert at.sum() > 3
    error = np.abs(ff.log_iv(0, x[at]) - high[at] - low[at]) / np.abs(high[at])
    assert error.max() <= 4 * EPS


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6))
def test_identities(v: float, x: float) -> None:
    r, c = float(ff.iv_ratio(v, x)), float(ff.iv_ratio_c(v, x))
    assert abs(r + c - 1) <= 2 * EPS
    assert 0 <= r < 1
    # Amos
    assert r * (1 + 8 * EPS) >= x / (v + 0.5 + math.hypot(x, v + 1.5))
    assert r <= (1 + 8 * EPS) * x / (v + 0.5 + math.hypot(x, v + 0.5))
    i, k = float(ff.log_iv(v, x)), float(ff.log_kv(v, x))
    wronskian = float(ff.exp(i + k)) * (float(ff.kv_ratio(v, x)) + r) * x
    assert abs(wronskian - 1) <= 16 * EPS * (1 + abs(i) + abs(k))
    d_v, d_x = ff.log_iv_grad(v, x)
    assert d_v <= EPS
    assert abs(d_x - (v / x + r)) <= 16 * EPS * max(1, v / x)
    scale = max(1, abs(i), abs(k))
    assert abs(float(ff.log_iv(v, x, scaled=True)) - (i - x)) <= 8 * EPS * max(scale, x)
    assert abs(float(ff.log_kv(v, x, scaled=True)) - (k + x)) <= 8 * EPS * max(scale, x)


@given(st.floats(0, 1e4), st.floats(1e-3, 1e4))
def test_monotone(v: float, x: float) -> None:
    more = x * 1.01
    assert ff.log_kv(v, more) < ff.log_kv(v, x)
    assert ff.log_iv(v, more) >= ff.log_iv(v, x)
    assert ff.iv_ratio(v, more) >= ff.iv_ratio(v, x)
    assert ff.iv_ratio_c(v, more) <= ff.iv_ratio_c(v, x)


@given(st.floats(0, 1e5), st.floats(1e-6, 1 - 1e-9))
def test_inverse(v: float, r: float) -> None:
    x = float(ff.iv_ratio_inv(v, r))
    if r <= 0.5:
        assert abs(float(ff.iv_ratio(v, x)) - r) <= 16 * EPS * r
    else:
        assert abs(float(ff.iv_ratio_c(v, x)) - (1 - r)) <= 16 * EPS * (1 - r)


def test_paper_method_gives_what_was_measured_for_it() -> None:
    """Largest errors by region, within twice those of the specification's study of the published method."""
    rng = np.random.default_rng(1)
    v, x = np.exp(rng.uniform(np.log(0.01), np.log(300), 4000)), rng.uniform(0.05, 3000, 4000)
    x[::2] = rng.uniform(0.05, 30, 2000)
    for f, first_kind in ((ff.log_iv, True), (ff.log_kv, False)):
        exact = f(v, x)
        error = np.abs(f(v, x, method="paper") - exact) / np.maximum(1, np.abs(exact))
        fallback = (x < 19.7) & (v < 12.7) | (x <= 30) & (v <= 0.7)
        assert error[~fallback].max() < (1.1e-12 if first_kind else 5e-12)
        assert error[fallback].max() < (2e-14 if first_kind else 1.2e-9)
        assert first_kind or error[fallback].max() > 1e-10
    # Hankel's 20 terms end in the alternating tail at v ~ 2.2 sqrt x.
    assert abs(float(ff.log_iv(133.6, 3051.0, method="paper") - ff.log_iv(133.6, 3051.0))) == pytest.approx(
        1.7e-9, rel=0.5
    )
    assert ff.log_iv(0.0, 1e-9, method="paper") == 0.0 != ff.log_iv(0.0, 1e-9)


@pytest.mark.parametrize("f", TWO_ARGUMENTS, ids=NAMES)
def test_arrays(f: Callable[..., Any]) -> None:
    v, x = np.linspace(0, 90, 7)[:, None], np.linspace(0.01, 70, 12)
    whole = f(v, x)
    assert whole.shape == (7, 12)
    assert whole.dtype == np.float64
    assert np.array_equal(whole[3, 5], f(v[3, 0], x[5]))
    wide_v, wide_x = (np.ascontiguousarray(a) for a in np.broadcast_arrays(v, x))
    assert np.array_equal(f(wide_v[::-1, ::2], wide_x[::-1, ::2]), whole[::-1, ::2])
    assert np.array_equal(f(wide_v.T, wide_x.T), whole.T)
    out = np.empty_like(whole)
    assert f(v, x, out=out) is out
    assert np.array_equal(out, whole)
    assert f(wide_v, wide_x, out=wide_x) is wide_x
    assert np.array_equal(wide_x, whole)
    assert f(np.empty((0, 3)), 1.0).shape == (0, 3)
    single = f(v.astype(np.float32), x.astype(np.float32))
    assert single.dtype == np.float32
    double = f(v.astype(np.float32).astype(np.float64), x.astype(np.float32).astype(np.float64))
    assert np.array_equal(single, double.astype(np.float32))
    half = f(np.float16([1, 2]), np.float16([0.5, 3]))
    assert half.dtype == np.float16
    small = f(np.array([1, 2], ml_dtypes.bfloat16), np.array([0.5, 3], ml_dtypes.bfloat16))
    assert small.dtype == ml_dtypes.bfloat16
    assert np.array_equal(f([1, 2], [0.5, 3]).astype(np.float16), half)
    assert f(np.array([1, 2]), np.array([3, 4])).dtype == np.float64
    assert f(2, np.float32([1, 2])).dtype == np.float32


@pytest.mark.parametrize("f", [ff.log_iv_grad, ff.log_kv_grad])
def test_gradient_arrays(f: Callable[..., Any]) -> None:
    d_v, d_x = f([[1.0], [40.0]], [2.0, 3.0, 50.0])
    assert d_v.shape == d_x.shape == (2, 3)
    assert f(np.float32([1]), np.float32([2]))[1].dtype == np.float32
    h = 1e-6
    g = ff.log_iv if f is ff.log_iv_grad else ff.log_kv
    for v, x in ((1.3, 2.0), (40.0, 50.0), (2.2, 1e-4)):
        step = h * x
        assert f(v, x)[0] == pytest.approx(float(g(v + h, x) - g(v - h, x)) / (2 * h), rel=1e-6)
        assert f(v, x)[1] == pytest.approx(float(g(v, x + step) - g(v, x - step)) / (2 * step), rel=1e-6)


def test_special_values() -> None:
    inf, nan = math.inf, math.nan
    assert ff.log_iv([0, 1, 1, inf, inf], [0, 0, inf, 1, inf]).tolist()[:4] == [0, -inf, inf, -inf]
    assert ff.log_kv([0, 1, 1, inf], [0, 0, inf, 1]).tolist() == [inf, inf, -inf, inf]
    bad = ff.log_iv([inf, 1, nan, 1, -0.5], [inf, -1, 1, nan, 1])
    assert np.isnan(bad).all()
    assert (bad.view(np.uint64) == 0x7FF8000000000000).all()
    assert ff.log_iv(-3, 2.0) == ff.log_iv(3, 2.0)
    assert ff.log_kv(-2.5, 2.0) == ff.log_kv(2.5, 2.0)


def test_errors() -> None:
    with pytest.raises(
        ArgumentError, match=r"functions.log_iv: v and x must be in the domain, got v = 1.0, x = -2.0 at"
    ):
        ff.log_iv(1.0, [3.0, -2.0, -5.0], errors="raise")
    x = np.array([1.0, -1.0])
    with pytest.raises(ArgumentError, match=r"x = -1.0 at flat index 1"):
        ff.log_kv(0.0, x, errors="raise", out=x)
    assert ff.log_iv(1.0, [3.0], errors="raise").size == 1
    with pytest.raises(
        ArgumentError, match=r"functions.log_kv: method must be one of 'best', 'paper', got 'fast'"
    ):
        ff.log_kv(1.0, 1.0, method="fast")
    with pytest.raises(ArgumentError, match=r"functions.log_iv: errors must be one of"):
        ff.log_iv(1.0, 1.0, errors="warn")
    with pytest.raises(TypeError, match=r"functions.log_iv: scaled must be a bool, got int"):
        ff.log_iv(1.0, 1.0, scaled=1)  # type: ignore[arg-type]
    with pytest.raises(
        ArgumentError, match=r"functions.iv_ratio: v and x must broadcast, got shapes \(2,\) and \(3,\)"
    ):
        ff.iv_ratio([1, 2], [1, 2, 3])
    with pytest.raises(TypeError, match=r"functions.iv_ratio_inv: r must hold"):
        ff.iv_ratio_inv(1.0, ["a"])
    with pytest.raises(TypeError, match=r"functions.kv_ratio: v must hold .* got bool"):
        ff.kv_ratio([True], 1.0)
    with pytest.raises(TypeError, match=r"functions.log_iv: out must have the dtype"):
        ff.log_iv(1.0, [1.0], out=np.empty(1, np.float32))
