"""Activations against mpmath and differences; B-splines against SciPy; bases against their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import fewbits.functions as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from fewbits.functions import activations as act
from mpmath import mp, mpf

X = np.array([-2.3, -0.75, 0.1, 0.7, 1.9])
PARAMETERS: dict[str, Any] = {
    "poly_relu": (act.poly_relu, [np.array([0.3, -0.2, 0.5]), 0.25], [1, 0]),
    "hermite": (act.hermite, [np.array([0.4, 0.6, -0.3, 0.7])], [0]),
    "fourier": (
        act.fourier,
        [np.array([0.5, 0.6, 0.7]), np.array([0.3, 0.9]), np.array([1.0, 2.2])],
        [0, 1, 2],
    ),
    "tropical": (act.tropical, [np.array([1.0, 0.8, -0.5, 0.3])], [0]),
    "tropical_rational": (
        act.tropical_rational,
        [np.array([0.2, 1.5]), np.array([0.1, 0.4]), np.array([-1.0, 0.3, 0.9]), np.array([0.0, 0.2, -0.4])],
        [0, 1, 2, 3],
    ),
    "pade": (act.pade, [np.array([0.2, 1.0, 0.3]), np.array([0.5, -0.4])], [0, 1]),
    "kan_edge": (act.kan_edge, [np.linspace(-1, 1.2, 8) ** 2, 0.7, 1.3], [1, 2, 0]),
}


def differences(f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Derivatives of f(at) by every element of `at`, as the last axis."""
    columns = []
    for i in range(at.size):
        step = np.zeros(at.size)
        step[i] = h
        step = step.reshape(at.shape)
        columns.append((f(at + step) - f(at - step)) / (2 * h))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_gradients_against_differences(name: str) -> None:
    function, parameters, order = PARAMETERS[name]
    _, dx, dparameters = function(X, *parameters)
    np.testing.assert_allclose(dx, np.diag(differences(lambda x: function(x, *parameters)[0], X)), atol=1e-6)
    blocks = []
    for k in order:
        scalar = isinstance(parameters[k], float)

        def along(p: np.ndarray, k: int = k, scalar: bool = scalar) -> Any:
            value = float(p[0]) if scalar else p
            return function(X, *(value if i == k else q for i, q in enumerate(parameters)))[0]

        blocks.append(differences(along, np.atleast_1d(np.asarray(parameters[k], float))))
    np.testing.assert_allclose(dparameters, np.concatenate(blocks, axis=-1), atol=1e-6)
    narrow = function(X.astype(np.float32), *parameters)[0]
    assert narrow.dtype == np.float32
    wide = function(X.astype(np.float32).astype(float), *parameters)[0]
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))


def test_values_of_the_papers() -> None:
    np.testing.assert_allclose(
        act.poly_norm([0.5, -1, 2, -3.25, 0]),
        [0.11279230530129793, -0.14285838340841464, 0.80685849400943029, -0.64062719461658675, 0],
        rtol=1e-14,
    )
    y, dx, _ = act.hermite(0.7)
    assert y == pytest.approx(0.64597795562477105, rel=1e-15)
    assert dx == pytest.approx(0.8764368032847553, rel=1e-15)
    assert act.fourier(0.7)[0] == pytest.approx(1.6115091539568817, rel=1e-12)
    with mp.workdps(40):
        exact = float(1 / mp.sqrt(mp.besseli(0, 2)))
        assert abs(act._FOURIER_START - exact) < 1e-15


def test_values_against_mpmath() -> None:
    with mp.workdps(40):
        for x in (-1.7, 0.3, 2.2):
            v = mpf(x)
            a = [mpf(c) for c in (0.5, -0.25, 1.5, 0.75, 0.125)]
            he = [mpf(1), v, v**2 - 1, v**3 - 3 * v, v**4 - 6 * v**2 + 3]
            exact = sum(c * h / mp.factorial(k) for k, (c, h) in enumerate(zip(a, he, strict=True)))
            assert abs(act.hermite(x, [float(c) for c in a])[0] - float(exact)) < 1e-13
            r = max(v, 0)
            exact = mpf(0.25) + (r + r**2 + r**3) / 3
            assert abs(act.poly_relu(x, bias=0.25)[0] - float(exact)) < 1e-13
            exact = (1 + 2 * v) / (1 + abs(v / 2 - v**2))
            assert abs(act.pade(x, [1, 2], [0.5, -1])[0] - float(exact)) < 1e-13


def test_normal_second_moments_of_hermite() -> None:
    # E F(X)^2 = sum a_k^2/k! over the orthogonal basis He_k; the same for F'.
    for n in (2, 3, 6):
        x, w = np.polynomial.hermite_e.hermegauss(40)
        y, dx, _ = act.hermite(x, degree=n)
        assert abs((w * y * y).sum() - (w * dx * dx).sum()) < 1e-10


def test_hermite_fit() -> None:
    x = np.linspace(-2, 2, 81)
    a = np.array([0.3, -0.2, 0.9, 0.1])
    y, dx, _ = act.hermite(x, a)
    np.testing.assert_allclose(act.hermite_fit(y, dx, x, 3), a, atol=1e-12)


def test_poly_norm_gradients() -> None:
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    w = np.array([0.5, -0.3, 0.2])
    _, dx, dw, db = act.poly_norm(x, w, 0.1, g=g)
    np.testing.assert_allclose(
        dx.ravel(), differences(lambda v: np.sum(g * act.poly_norm(v, w, 0.1)), x), atol=1e-6
    )
    np.testing.assert_allclose(dw, differences(lambda v: np.sum(g * act.poly_norm(x, v, 0.1)), w), atol=1e-6)
    assert db == pytest.approx(g.sum())
    big = act.poly_norm(np.float16([50, 60, -70]))  # the cube overflows float16
    assert big.dtype == np.float16
    assert np.isfinite(big).all()


def test_pade_layer() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 4))
    A = [rng.normal(size=(2, 4)) for _ in range(2)]
    B = [0.1 * rng.normal(size=(2, 4)) for _ in range(2)]
    b = np.array([0.3, -0.2])
    y, least = act.pade_layer(x, b, A, B)  # type: ignore[arg-type]
    P, Q = b + x @ A[0].T + x**2 @ A[1].T, 1 + x @ B[0].T + x**2 @ B[1].T
    np.testing.assert_allclose(y, P / Q, rtol=1e-13)
    assert least == pytest.approx(np.abs(Q).min())
    smooth, _ = act.pade_layer(x, b, A, B, smooth=True)  # type: ignore[arg-type]
    P1, Q1 = b + x @ A[0].T, 1 + x @ B[0].T
    np.testing.assert_allclose(smooth, (Q * P + Q1 * P1) / (Q * Q + Q1 * Q1), rtol=1e-13)


@pytest.mark.parametrize("kind", ["s0", "b0", "b0 inference"])
def test_evonorm(kind: str) -> None:
    rng = np.random.default_rng(2)
    x, g = rng.normal(size=(2, 3, 2, 3, 2))
    gamma, beta, v = (rng.normal(size=2) for _ in range(3))
    if kind == "s0":

        def call(*a: Any, **k: Any) -> Any:
            return act.evonorm_s0(*a, groups=1, **k)

        def value(*a: Any) -> Any:
            return np.sum(g * call(*a))

        y, *gradients = call(x, gamma, beta, v, g=g)
        deviation = np.sqrt(x.reshape(3, -1).var(axis=1) + 1e-5).reshape(3, 1, 1, 1)
        wide = (1, 2, 1, 1)
        expected = x * ff.sigmoid(v.reshape(wide) * x) / deviation * gamma.reshape(wide) + beta.reshape(wide)
    else:
        options = {"training": kind == "b0", "running": [0.8, 1.2]}

        def value(*a: Any) -> Any:
            return np.sum(g * act.evonorm_b0(*a, **options)[0])

        y, running, *gradients = act.evonorm_b0(x, gamma, beta, v, g=g, **options)  # type: ignore[arg-type]
        wide = (1, 2, 1, 1)
        batch = x.var(axis=(0, 2, 3))
        if kind == "b0":
            np.testing.assert_allclose(running, 0.9 * np.array([0.8, 1.2]) + 0.1 * batch)
        else:
            batch = np.array([0.8, 1.2])
        instance = np.sqrt(x.var(axis=(2, 3), keepdims=True) + 1e-5)
        bottom = np.maximum(np.sqrt(batch + 1e-5).reshape(wide), v.reshape(wide) * x + instance)
        expected = x / bottom * gamma.reshape(wide) + beta.reshape(wide)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    arguments = [x, gamma, beta, v]
    for k, got in enumerate(gradients):
        wanted = differences(
            lambda p, k=k: value(*[p if i == k else q for i, q in enumerate(arguments)]), arguments[k]
        )  # type: ignore[misc]
        np.testing.assert_allclose(got.ravel(), wanted, atol=2e-6)


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
def test_bsplines_against_scipy(degree: int) -> None:
    from scipy.interpolate import BSpline

    rng = np.random.default_rng(degree)
    knots = np.sort(rng.random(14))
    count = len(knots) - degree - 1
    x = np.linspace(knots[degree], knots[count], 53)[1:-1]
    got, slope = act.bspline_basis(x, knots, degree), act.bspline_basis(x, knots, degree, derivative=True)
    for j in range(count):
        spline = BSpline(knots, np.eye(count)[j], degree, extrapolate=False)
        np.testing.assert_allclose(got[:, j], spline(x), atol=1e-13)
        if degree:
            size = max(1.0, np.abs(spline(x, 1)).max())
            np.testing.assert_allclose(slope[:, j], spline(x, 1), atol=1e-11 * size)
    np.testing.assert_allclose(got.sum(1), 1, atol=4e-16 * max(degree, 1))


def test_af_kan_features() -> None:
    x = np.linspace(-0.9, 1.4, 7)
    g, k = 5, 3
    low = np.arange(-k, g) / g
    high = low + (k + 1) / g
    u, v = ff.silu(x[:, None] - low), ff.silu(high - x[:, None])
    p = u * v
    forms = {"quad1": p**2, "quad2": p + u**2 + v**2, "sum": u + v, "prod": p, "sum_prod": u + v + p,
             "cubic1": (u + v) * (u**2 + v**2), "cubic2": p**3}  # fmt: skip
    for name, expected in forms.items():
        np.testing.assert_allclose(
            act.af_kan_features(x, name, normalize=None), expected, rtol=1e-13, atol=1e-15
        )
    relu = np.maximum(x[:, None] - low, 0) * np.maximum(high - x[:, None], 0)
    np.testing.assert_allclose(
        act.af_kan_features(x, "relu_kan", normalize=None), relu**2 * 16 * g**4 / (k + 1) ** 4, rtol=1e-13
    )
    rows = act.af_kan_features(x)
    assert rows.min() == 0
    assert rows.max() == 1
    np.testing.assert_array_equal(rows[2], act.af_kan_features(x[2]))  # no other sample counts
    assert not np.array_equal(act.af_kan_features(x, normalize="batch")[2], rows[2])


def test_arguments() -> None:
    with pytest.raises(ArgumentError, match="weights must be a row of numbers"):
        act.poly_relu(X, [[1.0]])
    with pytest.raises(ArgumentError, match="groups must divide the channels, 3, got 2"):
        act.evonorm_s0(np.ones((1, 3)), [1] * 3, [0] * 3, [1] * 3, groups=2)
    with pytest.raises(ArgumentError, match="knots must be at least 5 numbers that do not decrease"):
        act.bspline_basis(X, [0, 1, 2])
    with pytest.raises(ArgumentError, match="combination must be one of"):
        act.af_kan_features(X, "quad3")
    with pytest.raises(ArgumentError, match="amplitudes must have one element more"):
        act.fourier(X, [1, 2, 3], [0], [1])
    with pytest.raises(ArgumentError, match="coefficients must be more than degree = 3"):
        act.kan_edge(X, [1, 2, 3])
    with pytest.raises(TypeError, match="x must hold"):
        act.hermite(np.array(["a"]))
    assert math.isfinite(act.tropical(0.0)[0])
