"""Splines that place their own knots: counts, errors, SciPy's not-a-knot spline, and what goes wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fewbits.errors import ArgumentError, ConvergenceWarning
from fewbits.functions import Spline, autoknots


def nfw(x: float) -> float:
    """Surface density of a Navarro-Frenk-White halo; the series near 1, where the closed form cancels."""
    u = (1 - x) / (1 + x)
    if abs(u) < 0.05:
        return sum(u ** (k - 1) * (1 / (2 * k - 1) + 1 / (2 * k + 1)) for k in range(1, 16)) / (1 + x) ** 2
    root = math.sqrt(abs(u))
    h = 2 * (math.atanh(root) if u > 0 else math.atan(root)) / ((1 + x) * root)
    return (1 - h) / (x * x - 1)


def runge(x: float) -> float:
    return 1 / (1 + 25 * x * x)


@pytest.mark.parametrize(
    ("f", "a", "b", "spacing", "counts"),
    [
        (runge, -1, 1, "linear", {1e-4: 93, 1e-8: 769}),
        (lambda x: math.exp(-x * x / 2), -5, 5, "linear", {1e-4: 189, 1e-6: 469, 1e-8: 1697}),
        (lambda x: math.sin(x) + 1.5, 0, 20, "linear", {1e-4: 113, 1e-6: 363}),
        (nfw, 0.01, 50, "linear", {1e-4: 197, 1e-6: 389, 1e-8: 1331}),
        (nfw, 0.01, 50, "log", {1e-4: 140, 1e-6: 450, 1e-8: 1163}),
    ],
)
def test_counts_and_errors(f, a, b, spacing, counts) -> None:  # type: ignore[no-untyped-def]
    for tol, count in counts.items():
        calls: list[float] = []

        def counted(x: float, calls: list[float] = calls) -> float:
            calls.append(x)
            return float(f(x))

        spline = autoknots(counted, a, b, tol=tol, spacing=spacing)
        assert abs(spline.n_eval - count) <= max(2, 0.1 * count)
        assert spline.n_eval == len(calls) == len(spline.x)
        assert sorted(calls) == spline.x.tolist()
        x = np.linspace(a, b, 5001)
        exact = np.array([f(v) for v in x.tolist()])
        assert (np.abs(spline.eval(x) - exact) <= 1.5 * tol * np.abs(exact)).all()


def test_spline_against_scipy() -> None:
    from scipy.interpolate import CubicSpline

    spline = autoknots(runge, -1, 0.7, tol=1e-5)
    other = CubicSpline(spline.x, spline.y)
    x = np.linspace(-1, 0.7, 300)
    np.testing.assert_allclose(spline(x), other(x), atol=1e-14)
    np.testing.assert_allclose(spline.derivative(x), other(x, 1), atol=1e-11)
    assert spline.integral() == pytest.approx(float(other.integrate(-1, 0.7)), abs=1e-14)
    assert spline.integral(-0.35, 0.2) == pytest.approx(float(other.integrate(-0.35, 0.2)), abs=1e-14)
    exact = (math.atan(5 * 0.7) + math.atan(5)) / 5
    assert spline.integral() == pytest.approx(exact, rel=1e-5)


def test_narrow_features_need_to_be_looked_for() -> None:
    def bump(x: float) -> float:
        return 1 + math.exp(-(((x - 0.3103) / 0.004) ** 2))

    missed = autoknots(bump, -1, 1, tol=1e-4)
    assert missed.n_eval == 11
    assert abs(missed.eval(0.3103) - bump(0.3103)) > 0.5
    for options in ({"min_knots": 1000}, {"max_dx": 0.003}):
        seen = autoknots(bump, -1, 1, tol=1e-4, **options)  # type: ignore[arg-type]
        assert abs(seen.eval(0.3103) - bump(0.3103)) < 3e-4
    assert autoknots(bump, -1, 1, tol=1e-4, verify=True).flags["checked_error"] > 1
    assert autoknots(runge, -1, 1, tol=1e-4, verify=True).flags["checked_error"] < 1.5


def test_spacings_and_scale() -> None:
    spline = autoknots(math.sin, -3, 3, tol=1e-5, scale=1.0, spacing="asinh")
    x = np.linspace(-3, 3, 400)
    assert np.abs(spline(x) - np.sin(x)).max() < 3e-5
    assert isinstance(spline, Spline)


def test_arguments() -> None:
    with pytest.raises(ArgumentError, match="discontinuous near x = 0\\."):
        autoknots(lambda x: 1.0 if x < 0.3 else 2.0, 0, 1, tol=1e-6)
    with pytest.raises(ArgumentError, match="f must be finite"):
        autoknots(lambda x: math.inf, 0, 1, tol=1e-3)
    with pytest.raises(ArgumentError, match="a must be below b and above 0"):
        autoknots(runge, 0, 1, tol=1e-3, spacing="log")
    with pytest.raises(ArgumentError, match="tol must be above 0"):
        autoknots(runge, 0, 1, tol=0)
    with pytest.warns(ConvergenceWarning, match="knots were not enough"):
        assert not autoknots(runge, -1, 1, tol=1e-8, max_knots=50).flags["converged"]
