"""Expansions and Collage: the trace bit for bit, error-free transformations, and what is lost."""

from __future__ import annotations

from fractions import Fraction

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from fewbits.formats._collage import _fast_two_sum, _two_prod, _two_sum


def codes(x: ff.EmulatedArray) -> str:
    return " ".join(f"{c:04x}" for c in ff.encode(x.values, x.format).reshape(-1))


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
        assert [codes(c) for c in adam._v[0].components] == [v, dv]
        assert [codes(c) for c in adam._theta[0].components] == [theta, dtheta]
    assert adam.values[0].tolist() == [0.9972076416015625, -0.4986000061035156]


def test_grow_keeps_what_bfloat16_loses() -> None:
    x, plain = ff.Expansion(100.0, "bfloat16"), ff.emulated(100.0, "bfloat16")
    for _ in range(100):
        x, plain = x.grow(0.01), plain + 0.01
    assert [c.item() for c in x.components] == [101.0, -0.016357421875]
    assert plain.item() == 100


def test_transformations_are_exact_in_bfloat16() -> None:
    # All significands against all significands, for many distances of exponents.
    significands = np.arange(128, 256) / 128.0
    for gap in range(0, 64, 3):
        a, b = np.meshgrid(significands * 2.0**gap, np.concatenate([significands, -significands]))
        x, y = ff.emulated(a, "bfloat16"), ff.emulated(b, "bfloat16")
        for transform in (_two_sum, _fast_two_sum):
            value, error = transform(x, y)
            assert (value.values.astype(np.float64) + error.values == a + b).all() or gap > 40
            exact = np.longdouble(a) + np.longdouble(b)
            assert (np.longdouble(value.values) + np.longdouble(error.values) == exact).all()
        value, error = _two_prod(x, y)
        assert (value.values.astype(np.float64) + error.values == a * b).all()


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
    adam = ff.CollageAdamW([[1.0]])
    with pytest.raises(ArgumentError, match="gradients must be 1 arrays, got 2"):
        adam.step([[1.0], [1.0]])
    with pytest.raises(ArgumentError, match=r"gradients\[0\] must have shape \(1,\), got \(2,\)"):
        adam.step([[1.0, 2.0]])
