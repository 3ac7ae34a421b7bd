"""Softmax, its losses and gradients against mpmath; collapse, projections, the layer of many classes."""

from __future__ import annotations

import math
from typing import Any

import fewbits.functions as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from mpmath import mp, mpf

EPS = 2.0**-52
Z = np.array([0.5, -1.0, 2.0, -3.25, 0.0])
KINDS: list[tuple[str, dict[str, float]]] = [
    ("softmax", {}),
    ("stablemax", {}),
    ("taylor", {}),
    ("spherical", {"epsilon": 0.01}),
    ("z", {}),
    ("z", {"sharpness": 0.1, "location": 3.0}),
    ("z", {"epsilon": 0.25, "sharpness": 2.0}),
    ("mse", {}),
]


@pytest.fixture(autouse=True)
def _digits() -> Any:
    with mp.workdps(60):
        yield


def exact_loss(z: list[Any], c: int, kind: str, options: dict[str, float]) -> Any:
    if kind == "mse":
        return sum((o - (k == c)) ** 2 for k, o in enumerate(z))
    if kind == "z":
        mean = sum(z) / len(z)
        sigma = mp.sqrt(sum((o - mean) ** 2 for o in z) / len(z)) + mpf(options.get("epsilon", 0))
        a, b = mpf(options.get("sharpness", 1)), mpf(options.get("location", 0))
        return mp.log1p(mp.exp(a * (b - (z[c] - mean) / sigma))) / a
    weight = {
        "softmax": mp.exp,
        "stablemax": lambda x: x + 1 if x >= 0 else 1 / (1 - x),
        "taylor": lambda x: 1 + x + x * x / 2,
        "spherical": lambda x: x * x + mpf(options.get("epsilon", 0)),
    }[kind]
    return mp.log(sum(weight(o) for o in z) / weight(z[c]))


def exact_gradient(z: list[Any], c: int, kind: str, options: dict[str, float]) -> list[Any]:
    def along(k: int, x: Any) -> Any:
        return exact_loss([*z[:k], x, *z[k + 1 :]], c, kind, options)

    h = mpf(10) ** -20
    return [(along(k, z[k] + h) - along(k, z[k] - h)) / (2 * h) for k in range(len(z))]


def ulps(got: Any, wanted: Any, dtype: Any) -> float:
    unit = np.spacing(np.abs(np.asarray(float(wanted)).astype(dtype)))
    return abs(float((mpf(float(got)) - wanted) / mpf(float(unit))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spread", [1, 30, 200])
def test_rows_against_mpmath(dtype: Any, spread: float) -> None:
    rng = np.random.default_rng(int(spread))
    bound = 0.501 if dtype == np.float32 else 2.0
    for width in (1, 2, 5, 33, 300):
        z = (spread * rng.normal(size=(3, width))).astype(dtype)
        lse, p, log_p = ff.logsumexp(z), ff.softmax(z), ff.log_softmax(z)
        assert lse.dtype == p.dtype == log_p.dtype == dtype
        for i, row in enumerate(z):
            values = [mpf(float(v)) for v in row]
            top = max(values)
            others = [mp.exp(v - top) for v in values]
            others.remove(mpf(1))
            rest = mp.log1p(sum(others))
            # Relative to the larger part: the sum may cancel.
            slack = 2 * EPS * max(abs(top), rest)
            wanted = top + rest
            unit = float(np.spacing(np.abs(np.asarray(float(wanted)).astype(dtype))))
            assert abs(mpf(float(lse[i])) - wanted) <= 0.501 * unit + slack
            for j, v in enumerate(values):
                assert ulps(p[i, j], mp.exp(v - top - rest), dtype) <= bound
                if width > 1:
                    assert ulps(log_p[i, j], v - top - rest, dtype) <= bound


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("c", [0, 2, 3])
def test_losses_and_gradients_against_mpmath(kind: str, options: dict[str, float], c: int) -> None:
    loss, grad = ff.cross_entropy(Z, c, kind, **options)  # type: ignore[arg-type]
    exact = [mpf(float(v)) for v in Z]
    assert abs(loss / float(exact_loss(exact, c, kind, options)) - 1) < 1e-15
    for got, wanted in zip(grad, exact_gradient(exact, c, kind, options), strict=True):
        assert abs(float(got - wanted)) <= 1e-15 * max(1, abs(wanted))
    narrow_loss, narrow = ff.cross_entropy(Z.astype(np.float32), c, kind, **options)  # type: ignore[arg-type]
    assert narrow_loss == np.float32(loss)
    np.testing.assert_array_equal(narrow, grad.astype(np.float32))


def test_reference_values() -> None:
    assert ff.logsumexp(Z) == 2.3460689194830167
    np.testing.assert_allclose(
        ff.softmax(Z),
        [
            0.1578564947921662,
            0.035222544963445825,
            0.70746372739192893,
            0.0037124289262425901,
            0.095744803926216451,
        ],
        rtol=4.5e-16,
    )
    np.testing.assert_allclose(
        ff.stablemax(Z),
        [
            0.24056603773584906,
            0.080188679245283019,
            0.48113207547169811,
            0.037735849056603774,
            0.16037735849056604,
        ],
        rtol=4.5e-16,
    )
    assert abs(ff.cross_entropy(Z, 0, "spherical")[0] / 4.1470914438211132 - 1) < 1e-15
    assert abs(ff.log_z_penalty(Z, 1.0)[0] / 5.5040393749642093 - 1) < 1e-15


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_gradients_of_rows(name: str) -> None:
    rng = np.random.default_rng(4)
    z, g = rng.normal(size=(2, 7)) * [[4], [1]]
    got = getattr(ff, f"{name}_gradient")(z, g)

    def value(values: list[Any]) -> Any:
        total = sum(mp.exp(v) for v in values)
        parts = [mp.exp(v) / total for v in values]
        return sum(
            mpf(float(w)) * (p if name == "softmax" else mp.log(p)) for w, p in zip(g, parts, strict=True)
        )

    exact = [mpf(float(v)) for v in z]
    h = mpf(10) ** -20
    for k in range(7):
        up, down = list(exact), list(exact)
        up[k], down[k] = exact[k] + h, exact[k] - h
        assert abs(float(got[k] - (value(up) - value(down)) / (2 * h))) < 1e-15


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_collapse_and_what_does_not(classes: int) -> None:
    gaps = np.arange(5.0, 101.0)
    z = np.zeros((len(gaps), classes), np.float32)
    z[:, 0] = gaps
    target = np.zeros(len(gaps), int)
    found = ff.softmax_collapse(z, target)
    terms = np.exp(z.astype(float) - gaps[:, None]).astype(np.float32)
    naive = np.add.accumulate(terms, axis=1, dtype=np.float32)[:, -1]  # the textbook's sum, in order
    np.testing.assert_array_equal(found.collapsed, naive == 1)
    # Certain beyond the threshold, and never before terms are absorbed one by one.
    assert found.collapsed[(classes - 1) * np.exp(-gaps) < 2.0**-24].all()
    assert not found.collapsed[np.exp(-gaps) > 2.0**-23].any()
    np.testing.assert_array_equal(found.gap, gaps)
    loss, grad = ff.cross_entropy(z, target)
    assert (loss > 0).all()
    assert (grad[:, 0] < 0).all()
    for i, gap in enumerate(gaps):
        s = (classes - 1) * mp.exp(-mpf(float(gap)))
        assert ulps(loss[i], mp.log1p(s), np.float32) <= 0.501
        assert ulps(grad[i, 0], -s / (1 + s), np.float32) <= 0.501


@pytest.mark.parametrize(("format", "precision"), [("float16", 11), ("bfloat16", 8), ("float32", 24)])
def test_collapse_thresholds(format: str, precision: int) -> None:
    threshold = precision * math.log(2)
    z = [[threshold + 0.2, 0.0], [threshold - 0.9, 0.0]]
    assert ff.softmax_collapse(z, [0, 0], format=format).collapsed.tolist() == [True, False]
    assert ff.softmax_collapse(z, [1, 1], format=format).fraction == 0


def test_stablemax_is_a_softmax() -> None:
    z = np.linspace(-30, 30, 61)
    g = np.sign(z) * ff.log1p(np.abs(z))
    np.testing.assert_allclose(ff.stablemax(z), ff.softmax(g), rtol=1e-14)


def test_axes_dtypes_and_threads() -> None:
    z = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    for axis in (-3, 1, 2):
        moved = np.moveaxis(z, axis, -1)
        np.testing.assert_array_equal(ff.softmax(z, axis=axis), np.moveaxis(ff.softmax(moved), -1, axis))
        np.testing.assert_array_equal(ff.logsumexp(z, axis=axis), ff.logsumexp(moved))
    np.testing.assert_array_equal(ff.softmax(z, threads=3), ff.softmax(z))
    loss, grad = ff.cross_entropy(z, np.zeros((3, 5), int), axis=1)
    assert loss.shape == (3, 5)
    assert grad.shape == z.shape
    assert ff.softmax(z.astype(np.float16)).dtype == np.float16
    assert ff.softmax([1, 2]).dtype == np.float64
    assert ff.softmax(z[::-1, ::2]).shape == (2 + 1, 2, 5)
    assert ff.softmax(np.zeros((0, 3))).shape == (0, 3)
    ignored, zero = ff.cross_entropy(z[0], [0, -100, 1, 2], ignore_index=-100)
    assert ignored[1] == 0
    assert not zero[1].any()


def test_perp_grad() -> None:
    rng = np.random.default_rng(1)
    for dtype in (np.float32, np.float64):
        w, g = (rng.normal(size=(37, 11)).astype(dtype) for _ in range(2))
        p = ff.perp_grad(g, w)
        inner = abs(float(np.vdot(w.astype(float), p.astype(float))))
        eps = np.finfo(dtype).eps
        assert inner <= 4 * eps * np.linalg.norm(w) * np.linalg.norm(g)
        assert abs(np.linalg.norm(p.astype(float)) / np.linalg.norm(g.astype(float)) - 1) < 4 * eps
        assert not ff.perp_grad(w * dtype(0.3), w).any()
        np.testing.assert_array_equal(ff.perp_grad(g, np.zeros_like(w)), g)
    ws, gs = [w, w[:3]], [g, g[:3] * 2]
    joint = ff.perp_grad(gs, ws, mode="global", renormalize=False)
    flat_w, flat_g = (np.concatenate([a.reshape(-1) for a in x]) for x in (ws, gs))
    expected = flat_g - (flat_w @ flat_g) / (flat_w @ flat_w) * flat_w
    np.testing.assert_allclose(np.concatenate([a.reshape(-1) for a in joint]), expected, atol=1e-14)
    for a, b in zip(
        ff.perp_grad(gs, ws), [ff.perp_grad(*pair) for pair in zip(gs, ws, strict=True)], strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["mse", "spherical", "taylor", "z"])
def test_spherical_output_equals_the_dense_layer(kind: str) -> None:
    D, d, steps = 400, 16, 1000
    rng = np.random.default_rng(2)
    W = rng.normal(size=(D, d)) / math.sqrt(d)
    options = {"epsilon": 0.1} if kind == "spherical" else {}
    rate = 1e-4 if kind == "mse" else 0.05
    layer = ff.SphericalOutput(W, kind, **options)  # type: ignore[arg-type]
    for i in range(steps):
        h, c = rng.normal(size=d), int(rng.integers(D))
        if i % 100 == 0:
            assert abs(layer.loss(h, c) - ff.cross_entropy(W @ h, c, kind, **options)[0]) < 1e-9  # type: ignore[arg-type]
        loss, g = ff.cross_entropy(W @ h, c, kind, **options)  # type: ignore[arg-type]
        got, grad = layer.step(h, c, rate)
        np.testing.assert_allclose(got, loss, rtol=1e-9)
        np.testing.assert_allclose(grad, W.T @ g, atol=1e-9)
        W -= rate * np.outer(g, h)
    assert np.linalg.norm(layer.weights() - W) < 1e-9 * np.linalg.norm(W)
    np.testing.assert_allclose(layer.scores(h), W @ h, atol=1e-9)
    with pytest.raises(ArgumentError, match="rate must keep"):
        ff.SphericalOutput(np.ones((3, 1)), "mse").step([1.0], 0, 0.5)


def test_arguments() -> None:
    with pytest.raises(
        ArgumentError, match=r"functions.cross_entropy: target must be in 0..4, got 5 in row 1"
    ):
        ff.cross_entropy(np.zeros((2, 5)), [0, 5])
    with pytest.raises(ArgumentError, match="kind must be one of"):
        ff.cross_entropy(Z, 0, "hinge")
    with pytest.raises(ArgumentError, match=r"epsilon must be above 0 and finite, got 0"):
        ff.cross_entropy(Z, 0, "spherical", epsilon=0)
    with pytest.raises(ArgumentError, match="the scores of row 0 are all equal"):
        ff.cross_entropy(np.ones(3), 0, "z")
    with pytest.raises(ArgumentError, match="z must have at least one axis"):
        ff.softmax(1.0)
    with pytest.raises(ArgumentError, match=r"axis must be in -1..0, got 1"):
        ff.softmax(Z, axis=1)
    with pytest.raises(TypeError, match="z must hold"):
        ff.softmax(np.array([1j]))
    with pytest.raises(ArgumentError, match="weights must have the shape"):
        ff.perp_grad(np.ones(2), np.ones(3))
    with pytest.raises(ArgumentError, match="g must have the shape of z"):
        ff.softmax_gradient(Z, Z[:2])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "stablemax"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_out(name: str, dtype: Any, axis: int) -> None:
    function = getattr(ff, name)
    z = np.random.default_rng(3).normal(size=(5, 7, 19)).astype(dtype)
    wanted = function(z, axis=axis)
    wide = np.full((5, 7, 38), 9, dtype)
    for out in (np.empty_like(z), np.empty(z.shape, dtype, order="F"), wide[:, :, ::2], z.copy()):
        assert function(z, axis=axis, out=out) is out
        np.testing.assert_array_equal(out, wanted)
    assert (wide[:, :, 1::2] == 9).all()
    # The memory of the input, all of it, reversed, or shifted by one row.
    same = z.copy()
    assert function(same, axis=axis, out=same) is same
    np.testing.assert_array_equal(same, wanted)
    same = z.copy()
    function(same, axis=axis, out=same[::-1])
    np.testing.assert_array_equal(same[::-1], wanted)
    memory = np.concatenate([z, z[:1]])
    function(memory[:5], axis=axis, out=memory[1:])
    np.testing.assert_array_equal(memory[1:], wanted)


def test_out_is_checked() -> None:
    z = np.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="out must have the dtype of the result, float32, got float64"):
        ff.softmax(z, out=np.empty((2, 3)))
    with pytest.raises(TypeError, match="out must be a numpy array, got list"):
        ff.softmax(z, out=[0.0])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"\(2, 3\)"):
        ff.log_softmax(z, out=np.empty((3, 2), np.float32))
    fixed = np.empty((2, 3), np.float32)
    fixed.flags.writeable = False
    with pytest.raises(ArgumentError, match="read-only"):
        ff.stablemax(z, out=fixed)
