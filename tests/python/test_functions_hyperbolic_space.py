"""Hyperbolic space against mpmath, its own identities, and the capacity of number formats."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import fewbits.functions.hyperbolic_space as hs
import numpy as np
import pytest
from fewbits.errors import ArgumentError, ConvergenceError
from mpmath import mp, mpf

POLAR = [
    (1, 2, math.pi / 3, 1.9754344018723015195),
    (30, 30, 1e-8, 21.772344151675899289),
    (30, 29.5, 1e-8, 21.272344152277745421),
    (500, 700, math.pi, 1200),
    (1000, 1000, 1e-3, 1984.7981949975825012),
    (1e-8, 2e-8, math.pi / 2, 2.2360679774997898e-8),
    (20, 20, 1e-12, 2.4258259711009963e-4),
]


def ulps(got: Any, exact: Any) -> float:
    if exact == 0:
        return 0.0 if got == 0 else math.inf
    unit = mpf(2) ** (mp.floor(mp.log(abs(exact), 2)) - 52)
    return float(abs(mpf(float(got)) - exact) / unit)


def exact_polar(r1: float, r2: float, theta: float) -> Any:
    with mp.workdps(50):
        chord = mp.sin(mpf(theta) / 2)
        s = mp.sinh((mpf(r1) - mpf(r2)) / 2) ** 2 + mp.sinh(mpf(r1)) * mp.sinh(mpf(r2)) * chord**2
        return 2 * mp.asinh(mp.sqrt(s))


def exact_tangent(v: np.ndarray, w: np.ndarray) -> Any:
    with mp.workdps(700):
        a, b = ([mpf(float(c)) for c in z] for z in (v, w))
        p, q = (mp.sqrt(sum(c * c for c in z)) for z in (a, b))
        dot = sum(x * y for x, y in zip(a, b, strict=True)) / (p * q)
        return mp.acosh(mp.cosh(p) * mp.cosh(q) - mp.sinh(p) * mp.sinh(q) * dot)


def exact_ball(x: np.ndarray, y: np.ndarray) -> Any:
    with mp.workdps(120):
        a, b = ([mpf(float(c)) for c in z] for z in (x, y))
        gap = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
        return mp.acosh(1 + 2 * gap / ((1 - sum(c * c for c in a)) * (1 - sum(c * c for c in b))))


def exact_lorentz(x: np.ndarray, y: np.ndarray) -> Any:
    with mp.workdps(700):
        a, b = ([mpf(float(c)) for c in z[1:]] for z in (x, y))
        heads = mp.sqrt(1 + sum(c * c for c in a)) * mp.sqrt(1 + sum(c * c for c in b))
        return mp.acosh(heads - sum(p * q for p, q in zip(a, b, strict=True)))


@pytest.mark.parametrize(("r1", "r2", "theta", "want"), POLAR)
def test_published_distances(r1: float, r2: float, theta: float, want: float) -> None:
    assert ulps(hs.polar_distance(r1, r2, theta), mpf(want)) <= 2
    assert ulps(want, exact_polar(r1, r2, theta)) <= 1


def random_polar(count: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    r1, r2 = 1000 * rng.uniform(size=(2, count)) ** rng.integers(1, 6, count)
    near = rng.uniform(size=count) < 0.3
    r2 = np.where(near, np.abs(r1 + rng.normal(size=count)), r2)
    return r1, r2, 10.0 ** rng.uniform(-12, math.log10(math.pi), count)


def worst_polar(count: int) -> float:
    r1, r2, theta = random_polar(count)
    got = hs.polar_distance(r1, r2, theta)
    rows = zip(got.tolist(), r1.tolist(), r2.tolist(), theta.tolist(), strict=True)
    return max(ulps(d, exact_polar(*row)) for d, *row in rows)


def test_random_polar_distances() -> None:
    assert worst_polar(1500) <= 1.5


@pytest.mark.slow
def test_many_random_polar_distances() -> None:
    assert worst_polar(100_000) <= 1.5


def test_the_textbook_formula_fails_where_this_does_not() -> None:
    """Six of the eight published distances are NaN, infinite or percents off by arccosh."""
    wrong = 0
    with np.errstate(all="ignore"):
        for r1, r2, theta, want in POLAR:
            a, b, angle = np.float64(r1), np.float64(r2), np.float64(theta)
            d = np.arccosh(np.cosh(a) * np.cosh(b) - np.sinh(a) * np.sinh(b) * np.cos(angle))
            wrong += not abs(d / want - 1) < 1e-3
    assert wrong >= 5


@pytest.mark.parametrize("reach", [1e-150, 1e-5, 1.0, 12.0, 250.0])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_tangent_distances(n: int, reach: float) -> None:
    rng = np.random.default_rng(2)
    v, w = reach * rng.normal(size=(2, 12, n)) / math.sqrt(n)
    w[3], w[4] = 3 * v[3], -v[4] / 7  # parallel rows: the chord is zero, or all
    w[5] = v[5] * (1 + 2.0**-50)
    got = hs.distance(v, w)
    for d, a, b in zip(got, v, w, strict=True):
        assert ulps(d, exact_tangent(a, b)) <= 2


@pytest.mark.parametrize("room", [1e-15, 1e-8, 0.1, 0.9])
def test_ball_distances(room: float) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 20, 3))
    x, y = ((1 - room) * z / np.linalg.norm(z, axis=1, keepdims=True) for z in (x, y))
    y[5] = x[5] * (1 - 1e-9)
    y[6] = -x[6]
    for d, a, b in zip(hs.distance(x, y, model="ball"), x, y, strict=True):
        if float(a @ a) < 1 and float(b @ b) < 1:
            assert ulps(d, exact_ball(a, b)) <= 2
    assert hs.distance([0.3, 0.4], [-0.1, 0.2], model="ball") == 1.0154342565303058352


@pytest.mark.parametrize("reach", [1e-6, 1.0, 17.0, 300.0])
def test_lorentz_distances(reach: float) -> None:
    rng = np.random.default_rng(4)
    v = reach * rng.normal(size=(16, 3)) / 2
    w = reach * rng.normal(size=(16, 3)) / 2
    w[5] = v[5] * (1 + 1e-9)
    x, y = (hs.convert(z, "tangent", "lorentz") for z in (v, w))
    for d, a, b in zip(hs.distance(x, y, model="lorentz"), x, y, strict=True):
        assert ulps(d, exact_lorentz(a, b)) <= 2


def test_maps_against_mpmath() -> None:
    rng = np.random.default_rng(5)
    for reach in (1e-200, 1e-9, 0.3, 5.0, 30.0, 600.0):
        v = reach * rng.normal(size=(6, 2))
        ball, lorentz = hs.convert(v, "tangent", "ball"), hs.convert(v, "tangent", "lorentz")
        for row, b, x in zip(v, ball, lorentz, strict=True):
            with mp.workdps(60):
                a = [mpf(c) for c in row.tolist()]
                r = mp.sqrt(a[0] ** 2 + a[1] ** 2)
                if r < 709:
                    assert ulps(x[0], mp.cosh(r)) <= 2
                for k in range(2):
                    assert ulps(b[k], mp.tanh(r / 2) * a[k] / r) <= 2
                    if r < 709:
                        assert ulps(x[k + 1], mp.sinh(r) * a[k] / r) <= 2


@pytest.mark.parametrize("reach", [1e-300, 1e-5, 1.0, 18.0, 100.0, 700.0])
def test_exp_and_log_are_inverse(reach: float) -> None:
    rng = np.random.default_rng(6)
    v = rng.normal(size=(50, 4))
    v *= reach / np.linalg.norm(v, axis=1, keepdims=True)
    back = hs.log(hs.exp(v, model="lorentz"), model="lorentz")
    np.testing.assert_allclose(back, v, rtol=5e-16 * 4, atol=0)
    if reach < 15:
        np.testing.assert_allclose(hs.log(hs.exp(v)), v, rtol=3e-16 * max(1, math.exp(reach)))


@pytest.mark.parametrize("model", ["ball", "lorentz"])
def test_maps_at_a_point(model: str) -> None:
    rng = np.random.default_rng(7)
    v, w = rng.normal(size=(2, 40, 3))
    x, y = hs.exp(v, model=model), hs.exp(w, model=model)
    step = hs.log(y, x, model=model)
    d = hs.distance(x, y, model=model)
    if model == "ball":
        lengths = np.linalg.norm(step, axis=1)
    else:
        lengths = np.sqrt((step[:, 1:] ** 2).sum(1) - step[:, 0] ** 2)
    np.testing.assert_allclose(lengths, d, rtol=1e-12)
    np.testing.assert_allclose(hs.exp(step, x, model=model), y, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(hs.log(x, x, model=model), np.zeros_like(x), atol=1e-13)
    # Carried along, the vector that points to y points away from x.
    carried = hs.transport(step, x, y, model=model)
    np.testing.assert_allclose(carried, -hs.log(x, y, model=model), rtol=1e-10, atol=1e-10)


def test_transport_keeps_lengths_and_angles() -> None:
    rng = np.random.default_rng(8)
    x, y = (hs.exp(2 * rng.normal(size=(30, 3))) for _ in range(2))
    v, w = rng.normal(size=(2, 30, 3))
    p, q = hs.transport(v, x, y), hs.transport(w, x, y)
    np.testing.assert_allclose((p * q).sum(1), (v * w).sum(1), atol=1e-10)
    # The two models carry alike: v in an orthonormal frame is the ambient vector in Lorentz coordinates.
    lorentz_x, lorentz_y = (hs.convert(z, "ball", "lorentz") for z in (x, y))
    end = hs.exp(v / 10, x)
    u = hs.log(hs.convert(end, "ball", "lorentz"), lorentz_x, model="lorentz")
    got = hs.exp(hs.transport(u, lorentz_x, lorentz_y, model="lorentz"), lorentz_y, model="lorentz")
    want = hs.exp(p / 10, y)
    np.testing.assert_allclose(hs.convert(got, "lorentz", "ball"), want, atol=1e-10)


def test_mobius_addition_is_a_gyrogroup() -> None:
    rng = np.random.default_rng(9)
    x, y, z = (hs.exp(rng.normal(size=(25, 3))) for _ in range(3))
    zero = np.zeros_like(x)
    np.testing.assert_array_equal(hs.mobius_add(zero, x), x)
    np.testing.assert_allclose(hs.mobius_add(-x, x), zero, atol=1e-16)
    np.testing.assert_allclose(hs.mobius_add(-x, hs.mobius_add(x, y)), y, atol=1e-14)
    # Left translations keep distances.
    moved = hs.distance(hs.mobius_add(z, x), hs.mobius_add(z, y), model="ball")
    np.testing.assert_allclose(moved, hs.distance(x, y, model="ball"), rtol=1e-10)


@pytest.mark.parametrize("model", ["tangent", "ball", "lorentz"])
def test_geodesics(model: str) -> None:
    rng = np.random.default_rng(10)
    v, w = 2 * rng.normal(size=(2, 3))
    x, y = (z if model == "tangent" else hs.convert(z, "tangent", model) for z in (v, w))
    t = np.linspace(0, 1, 9)
    points = hs.geodesic(x, y, t, model=model)
    d = float(hs.distance(x, y, model=model))
    np.testing.assert_allclose(hs.distance(x, points, model=model), t * d, atol=1e-12)
    np.testing.assert_allclose(hs.distance(points, y, model=model), (1 - t) * d, atol=1e-12)
    far = hs.geodesic([500.0, 0.0], [0.0, 500.0], [0.5])
    assert abs(np.linalg.norm(far) - math.asinh(1)) < 1e-12


@pytest.mark.parametrize("model", ["tangent", "ball", "lorentz"])
def test_frechet_mean(model: str) -> None:
    rng = np.random.default_rng(11)
    v = rng.normal((1.5, 0), size=(20, 2))
    weights = rng.uniform(size=20)
    points = v if model == "tangent" else hs.convert(v, "tangent", model)
    mean = hs.frechet_mean(points, weights, model=model)

    def cost(p: np.ndarray) -> float:
        return float((weights * hs.distance(points, p[None], model=model) ** 2).sum())

    if model == "lorentz":
        steps = hs.log(points, mean, model="lorentz")
        np.testing.assert_allclose((weights[:, None] * steps).sum(0), 0, atol=1e-9)
    else:
        best = cost(mean)
        assert all(cost(mean + 1e-4 * step) > best for step in rng.normal(size=(8, 2)))
    one = hs.frechet_mean(points[:1], model=model)
    np.testing.assert_allclose(one, points[0], rtol=1e-12)
    with pytest.raises(ConvergenceError, match="steps are still"):
        hs.frechet_mean(points, model=model, tol=0, max_iter=1)


def exact_hyperplane(v: np.ndarray, z: np.ndarray, a: float) -> Any:
    with mp.workdps(700):
        p, q = ([mpf(float(c)) for c in u] for u in (v, z))
        r, s = (mp.sqrt(sum(c * c for c in u)) for u in (p, q))
        dot = mp.sinh(r) * sum(x * y for x, y in zip(p, q, strict=True)) / r / s
        return mp.asinh(-mp.cosh(r) * mp.sinh(mpf(a)) + mp.cosh(mpf(a)) * dot)


@pytest.mark.parametrize("reach", [1e-3, 2.0, 40.0, 300.0])
def test_hyperplane_distances(reach: float) -> None:
    rng = np.random.default_rng(12)
    v, z = rng.normal(size=(2, 20, 3))
    v *= reach
    a = reach * rng.normal(size=20)
    z[4] = 2 * v[4]
    got = hs.hyperplane_distance(v, z, a)
    for d, p, q, offset in zip(got, v, z, a.tolist(), strict=True):
        assert ulps(d, exact_hyperplane(p, q, offset)) <= 2
    if reach < 10:
        for model in ("ball", "lorentz"):
            x = hs.convert(v, "tangent", model)
            np.testing.assert_allclose(
                hs.hyperplane_distance(x, z, a, model=model), got, rtol=1e-9, atol=1e-12
            )


# ---- the limits of formats --------------------------------------------------------------------------------

# Ball radius, Lorentz radius, where -x0^2 + |x|^2 is wrong by more than 1/2.
LIMITS = {
    "float16": (8.32, 4.5, 3.61),
    "float32": (17.33, 9.09, 8.17),
    "float64": (37.43, 18.72, 18.11),
}


@pytest.mark.parametrize("name", LIMITS)
def test_capacity_of_formats(name: str) -> None:
    f = ff.get(name)
    ball, lorentz, form = LIMITS[name]
    (below, _) = ff.neighbours(1.0, f)
    radius = hs.convert(below.reshape(1), "ball", "tangent").item()
    assert abs(radius - ball) < 0.01
    # (p + 1) log 2, and for bfloat16 too
    assert abs(radius - (f.precision + 1) * math.log(2)) < 1e-2 * radius
    r = np.arange(2.0, 20.0, 0.001)
    points = hs.convert(r[:, None], "tangent", "lorentz")
    x = ff.emulated(points, f)
    # cosh and sinh meet at about (p + 1) / 2 log 2, first by luck of rounding, then for most radii.
    equal = x.values[:, 0] == x.values[:, 1]
    assert abs(r[equal].min() - (f.precision + 1) / 2 * math.log(2)) < 0.3
    share = np.convolve(equal, np.full(300, 1 / 300), "same")
    assert abs(r[share > 0.5].min() - lorentz) < 0.25
    squares = x[:, 1] * x[:, 1] - x[:, 0] * x[:, 0]
    wrong = r[np.abs(squares.values.astype(np.float64) + 1) > 0.5]
    assert abs(wrong.min() - form) < 0.35
    # Tangent vectors: as far as the exponents go.
    far = f.max / 16
    assert ulps(hs.distance([[far, 0.0]], [[0.0, 0.0]]).item(), mpf(far)) <= 1


def test_capacity_of_bfloat16() -> None:
    (below, _) = ff.neighbours(1.0, "bfloat16")
    assert abs(hs.convert(below.reshape(1), "ball", "tangent").item() - 9 * math.log(2)) < 0.01


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).parents[2] / "examples/python" / f"{name}.py"))


def test_a_deep_tree_keeps_its_distances() -> None:
    lost = example("hyperbolic_tree")["lost"]
    assert lost(8) == {"polar": 0, "lorentz": 0, "ball": 0}
    deep = lost(16, 300)  # radius 48: the leaves are on the sphere of the ball
    assert deep["polar"] == 0
    assert 0 < deep["lorentz"] < 0.5
    assert deep["ball"] == 1


def test_the_support_vector_machines_separate() -> None:
    accuracies = example("hyperbolic_svm")["accuracies"]
    assert min(accuracies(3.0)) > 0.95
    assert accuracies(9.0)[2] == 1.0


# ---- arguments --------------------------------------------------------------------------------------------


def test_shapes_and_dtypes() -> None:
    v = np.ones((2, 3, 4), np.float32)
    assert hs.distance(v, v[0, 0]).shape == (2, 3)
    assert hs.distance(v, v).dtype == np.float32
    assert hs.distance(v, v.astype(np.float64)).dtype == np.float64
    assert hs.convert(v, "tangent", "lorentz").shape == (2, 3, 5)
    assert hs.convert(v[:, ::2, ::-1], "tangent", "ball").shape == (2, 2, 4)
    assert hs.convert(v, "ball", "ball").dtype == np.float32
    assert hs.polar_distance(1.0, np.ones((3, 1)), np.zeros(2)).shape == (3, 2)
    assert hs.distance(np.empty((0, 2)), np.empty((0, 2))).shape == (0,)
    assert hs.hyperplane_distance(v, np.ones(4), np.zeros((2, 3))).shape == (2, 3)
    assert hs.lift(v).shape == (2, 3, 5)
    np.testing.assert_allclose(hs.lift([3e200, 4e200])[0], 5e200)
    np.testing.assert_array_equal(hs.distance([[1, 0]], [[0, 0]]), [1.0])
    assert hs.mobius_add(v / 4, v[0, 0] / 8).dtype == np.float32
    want = hs.distance(v.astype(np.float64), 2 * v.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(hs.distance(v, 2 * v), want)


def test_bad_arguments() -> None:
    where = r"functions\.hyperbolic_space\."
    with pytest.raises(ArgumentError, match=where + r"distance: model must be one of 'ball'.*got 'disc'"):
        hs.distance([1.0], [1.0], model="disc")
    with pytest.raises(ArgumentError, match=where + r"distance: x, y must broadcast.*\(2,\), \(3,\)"):
        hs.distance([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(
        ArgumentError, match=where + r"distance: x must have rows of coordinates, got shape \(\)"
    ):
        hs.distance(1.0, 1.0)
    with pytest.raises(ArgumentError, match=where + r"convert: x must have at least two columns"):
        hs.convert([1.0], "lorentz", "ball")
    with pytest.raises(ArgumentError, match=where + "polar_distance: r1, r2 and theta must broadcast"):
        hs.polar_distance(np.ones(2), np.ones(3), 0.0)
    with pytest.raises(ArgumentError, match=where + r"geodesic: t must be in \[0, 1\]"):
        hs.geodesic([1.0], [2.0], 1.5)
    for function in (hs.exp, hs.log):
        with pytest.raises(ArgumentError, match="model must be 'ball' or 'lorentz', got 'tangent'"):
            function([1.0], model="tangent")
    with pytest.raises(ArgumentError, match="model must be 'ball' or 'lorentz', got 'tangent'"):
        hs.transport([1.0], [0.0], [0.0], model="tangent")
    with pytest.raises(ArgumentError, match=where + "frechet_mean: points must be rows"):
        hs.frechet_mean(np.empty((0, 2)))
    with pytest.raises(ArgumentError, match=where + "frechet_mean: weights must be 2 numbers"):
        hs.frechet_mean(np.ones((2, 2)), [1.0, -1.0])
    with pytest.raises(ArgumentError, match=where + "hyperplane_distance: a must broadcast"):
        hs.hyperplane_distance(np.ones((2, 2)), np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="x must have a floating point or"):
        hs.distance(np.ones(2) * 1j, np.ones(2))
