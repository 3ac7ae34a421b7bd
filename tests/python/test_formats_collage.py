"""Expansions and Collage: the trace bit for bit, error-free transformations, and what is lost."""

from __future__ import annotations

from fractions import Fraction

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError

Emulated = ff.EmulatedArray


# The transformations by the operators of emulated arrays: independent of those in C++.
def two_sum(a: Emulated, b: Emulated) -> tuple[Emulated, Emulated]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def fast_two_sum(a: Emulated, b: Emulated) -> tuple[Emulated, Emulated]:
    total = a + b
    return total, b - (total - a)


def two_prod(a: Emulated, b: Emulated) -> tuple[Emulated, Emulated]:
    product = a * b
    return product, ff.fma(a, b, -product)


def codes(x: np.ndarray, format: str = "bfloat16") -> str:
    return " ".join(f"{c:04x}" for c in ff.encode(x, format).reshape(-1))


def test_trace_of_collage_plus() -> None:
    adam = ff.CollageAdamW([[1.0, -0.5]], lr=1e-3, eps=1e-8, weight_decay=0.1)
    trace = [
        ((0.5, -2), "3d4d be4d", "3983 3b83", "0000 0000", "3f80 beff", "ba90 ba6e"),
        ((0.25, 1), "3d8f bda3", "39a4 3ba4", "b543 b743", "3f7f beff", "3ae8 ba1b"),
        ((-0.125, 0.75), "3d4d 3b80", "39ac 3bb6", "b538 b6b0", "3f7f beff", "3a92 ba11"),
    ]
    for gradient, m, v, dv, theta, dtheta in trace:
        adam.step([gradient])
        assert codes(adam._m[0]) == m
        assert [codes(adam._v[0]), codes(adam._dv[0])] == [v, dv]
        assert [codes(adam._theta[0]), codes(adam._dtheta[0])] == [theta, dtheta]
    assert adam.values[0].tolist() == [0.9972076416015625, -0.4986000061035156]


def test_grow_keeps_what_bfloat16_loses() -> None:
    x, plain = ff.Expansion(100.0, "bfloat16"), ff.emulated(100.0, "bfloat16")
    for _ in range(100):
        x, plain = x.grow(0.01), plain + 0.01
    assert [c.item() for c in x.components] == [101.0, -0.016357421875]
    assert plain.item() == 100


def test_transformations_are_exact_in_bfloat16() -> None:
    # All significands against all significands of both signs, for 64 distances of exponents.
    significands = np.arange(128, 256) / 128.0
    for gap in range(64):
        a, b = np.meshgrid(significands * 2.0**gap, np.concatenate([significands, -significands]))
        x, y = ff.emulated(a, "bfloat16"), ff.emulated(b, "bfloat16")
        for transform in (two_sum, fast_two_sum):
            value, error = transform(x, y)
            # a + b has up to 71 bits: the difference in two exact steps.
            assert ((a - value.values.astype(np.float64)) + b == error.values).all()
        if gap % 16 == 0:  # products do not depend on it but for underflow
            value, error = two_prod(x, y)
            assert (value.values.astype(np.float64) + error.values == a * b).all()


def test_length_two_is_what_collage_says() -> None:
    rng = np.random.default_rng(7)
    for name in ("bfloat16", "float8_e5m2", "float16"):
        x, y = (ff.Expansion(rng.normal(size=500), name) for _ in range(2))
        c = ff.emulated(rng.normal(size=500), name)
        (p, q), (a, b) = x.components, y.components
        u, v = fast_two_sum(p, c)
        s, t = two_sum(p, c)
        e, f = two_prod(p, c)
        g, h = two_sum(p, a)
        k, m = two_prod(p, a)
        for got, want in (
            (x.grow(c), fast_two_sum(u, v + q)),
            (x.grow(c, safe=True), fast_two_sum(s, t + q)),
            (x.scale(c), fast_two_sum(e, f + q * c)),
            (x + y, fast_two_sum(g, h + (q + b))),
            (x * y, fast_two_sum(k, m + (p * b + q * a))),
        ):
            for one, other in zip(got.components, want, strict=True):
                assert (one.values == other.values).all()


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e5m2"])
@pytest.mark.parametrize("length", [2, 3])
def test_expansions_have_the_precision_of_their_length(name: str, length: int) -> None:
    rng = np.random.default_rng(0)
    p = ff.get(name).precision
    a, b = rng.uniform(0.5, 2, (2, 200))
    x, y = ff.Expansion(a, name, length=length), ff.Expansion(b, name, length=length)
    # A component may underflow: errors are counted against the least value too.
    least = ff.get(name).smallest_subnormal
    unit = 2.0 ** (-p * length)
    assert (np.abs(x.value - a) <= unit * a + least).all()
    p1, q1 = x.value, y.value
    results = [(x + y, p1 + q1), (x - y, p1 - q1), (x * y, p1 * q1), (x / y, p1 / q1)]
    for got, want in [*results, (x.scale(1.5), p1 * 1.5)]:
        scale = np.maximum(np.abs(want), np.abs(p1) + np.abs(q1))
        assert (np.abs(got.value - want) <= 16 * unit * scale + 8 * least).all()
        for high, low in zip(got.components, got.components[1:], strict=False):
            assert ((high + low).values == high.values).all()  # separated
    z = x.renormalise()
    assert Fraction(float(z.value[0])) == Fraction(float(x.value[0]))
    assert len(x.grow(0.25)) == length


def quadratic(variant: str, steps: int = 300) -> tuple[float, ff.CollageAdamW]:
    """RMS distance to the float64 trajectory on a diagonal quadratic, after `steps`."""
    rng = np.random.default_rng(0)
    n = 512
    h, start = np.exp(rng.normal(size=n)), rng.normal(size=n) + 4
    adam = ff.CollageAdamW([start], variant=variant, lr=1e-3, seed=1 if variant == "stochastic" else 0)
    theta, m, v = start.copy(), np.zeros(n), np.zeros(n)
    for t in range(1, steps + 1):
        adam.step([h * adam.values[0]])
        g = h * theta
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return float(np.sqrt(np.mean((adam.values[0] - theta) ** 2))), adam


def test_pure_bfloat16_loses_its_updates_and_plus_does_not() -> None:
    distance = {variant: quadratic(variant) for variant in ("pure", "light", "plus", "kahan", "stochastic")}
    pure, plus = distance["pure"], distance["plus"]
    assert pure[1].lost > 0.9
    assert pure[1].effective_descent < 0.1 * pure[1].update_norm
    assert plus[1].lost < 0.02
    assert plus[1].effective_descent == pytest.approx(plus[1].update_norm, rel=0.01)
    assert plus[0] < distance["light"][0] < pure[0]
    assert plus[0] < pure[0] / 20
    assert distance["kahan"][0] < pure[0] / 3
    assert distance["stochastic"][0] < pure[0] / 3


@pytest.mark.parametrize("length", [2, 3])
def test_expansions_of_e5m2_over_its_range(length: int) -> None:
    """Three bits a component: sums and products of every pair of values, against exact ones."""
    f = ff.get("float8_e5m2")
    numbers = np.array([v for v in f.values() if np.isfinite(v) and 2.0**-4 <= abs(v) <= 16])
    a, b = (g.reshape(-1) for g in np.meshgrid(numbers, numbers))
    tail = a * (1 + 2.0**-5)
    x = ff.Expansion(tail, f, length=length)
    for got, want in ((x + b, x.value + b), (x * b, x.value * b), (x.scale(b), x.value * b)):
        scale = np.maximum(np.abs(want), np.abs(x.value) + np.abs(b))
        assert (np.abs(got.value - want) <= 8 * 2.0 ** (-3 * length) * scale + 8 * f.smallest_subnormal).all()
        # Two components hold more than one: no worse than the format alone.
        alone = np.abs(ff.round_to(want, f) - want)
        assert np.abs(got.value - want).mean() <= alone.mean() / 4


def test_sgd() -> None:
    rng = np.random.default_rng(0)
    start, h = rng.normal(size=200) + 4, np.exp(rng.normal(size=200))
    theta, m = start.copy(), np.zeros(200)
    runs = {
        v: ff.CollageSGD([start], variant=v, lr=1e-3, seed=1 if v == "stochastic" else 0)
        for v in ("light", "kahan", "stochastic", "pure")
    }
    for _ in range(200):
        m = 0.9 * m + h * theta
        theta = theta - 1e-3 * m
        for sgd in runs.values():
            sgd.step([h * sgd.values[0]])
    error = {v: float(np.sqrt(np.mean((sgd.values[0] - theta) ** 2))) for v, sgd in runs.items()}
    assert max(error["light"], error["kahan"]) < error["pure"] / 5
    assert error["stochastic"] < error["pure"]
    assert runs["kahan"].lost < 0.02
    assert runs["pure"].lost > 0.1
    assert runs["kahan"].parameters[0].shape == (200,)


def test_float32_and_float64_are_formats_too() -> None:
    for name in ("float32", "float64"):
        adam = ff.CollageAdamW([[1.0, -2.0]], format=name, variant="pure", weight_decay=0.1)
        p, m, v = np.array([1.0, -2.0], name), np.zeros(2, name), np.zeros(2, name)
        kind = np.dtype(name).type
        for t in range(1, 6):
            g = np.array([0.5, -0.25], name)
            adam.step([g])
            m = m * kind(0.9) + g * kind(1 - 0.9)
            v = v * kind(0.999) + (g * g) * kind(1 - 0.999)
            root = np.sqrt(v / kind(1 - 0.999**t)) + kind(1e-8)
            p = p + (m / kind(1 - 0.9**t) / root + p * kind(0.1)) * kind(-1e-3)
        if name == "float32":  # the powers of float64 may differ in their last bit
            assert (adam.parameters[0] == p).all()
        np.testing.assert_allclose(adam.parameters[0], p, rtol=1e-15 if name == "float64" else 0)


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"formats.Expansion: format must be a signed float"):
        ff.Expansion(1.0, "int8")
    with pytest.raises(ArgumentError, match=r"length must be in 1..16, got 0"):
        ff.Expansion(1.0, length=0)
    with pytest.raises(ArgumentError, match="addition needs one length, got 2 and 3"):
        ff.Expansion(1.0) + ff.Expansion(1.0, length=3)
    with pytest.raises(ArgumentError, match="variant must be one of"):
        ff.CollageAdamW([[1.0]], variant="max")
    with pytest.raises(ArgumentError, match=r"betas\[1\] must be in"):
        ff.CollageAdamW([[1.0]], betas=(0.9, 1.0))
    with pytest.raises(ArgumentError, match="needs one format, got 'bfloat16' and 'float16'"):
        ff.Expansion(1.0) * ff.Expansion(1.0, "float16")
    with pytest.raises(ArgumentError, match=r"shapes that broadcast, got \(2,\) and \(3,\)"):
        ff.Expansion([1.0, 2.0]) + ff.Expansion([1.0, 2.0, 3.0])
    with pytest.raises(ArgumentError, match=r"formats.CollageSGD: variant must be one of 'light', 'kahan'"):
        ff.CollageSGD([[1.0]], variant="plus")
    with pytest.raises(ArgumentError, match=r"formats.CollageSGD: momentum must be in"):
        ff.CollageSGD([[1.0]], momentum=1.0)
    adam = ff.CollageAdamW([[1.0]])
    with pytest.raises(ArgumentError, match="gradients must be 1 arrays, got 2"):
        adam.step([[1.0], [1.0]])
    with pytest.raises(ArgumentError, match=r"gradients\[0\] must have shape \(1,\), got \(2,\)"):
        adam.step([[1.0, 2.0]])
