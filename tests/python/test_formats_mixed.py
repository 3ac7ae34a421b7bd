"""Loss scaling on distributions whose loss is known, and the scaler as a state machine."""

from __future__ import annotations

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError


def test_scaling_recovers_what_float16_loses() -> None:
    # 1000 values in each binade from 2^-34 to 2^-21: those below 2^-25 vanish, by construction.
    rng = np.random.default_rng(0)
    exponents = np.repeat(np.arange(-34, -20), 1000)
    x = ff.round_to(np.ldexp(1 + rng.integers(1, 1024, exponents.size) / 1024, exponents), "float32")
    assert ff.underflow_fraction(x) == np.mean(exponents < -25)
    scale = ff.suggest_scale(x)
    assert scale in (2.0**34, 2.0**35)
    assert ff.underflow_fraction(x, scale=scale) == 0
    recovered = ff.round_to(x * scale, "float16") / scale
    np.testing.assert_array_equal(recovered, x)


def test_histogram() -> None:
    x = np.array([0.0, -0.0, 1.0, -1.99, 2.0, 65519.0, 65520.0, 2.0**-15, 2.0**-25, 2.0**-24, np.inf, np.nan])
    h = ff.exponent_histogram(x)
    assert (h.zeros, h.not_finite, h.subnormal, h.underflow, h.overflow) == (2, 2, 2, 1, 1)
    assert h.counts.sum() == 8
    assert dict(zip(h.exponents.tolist(), h.counts.tolist(), strict=True))[0] == 2
    assert (h.exponents[0], h.exponents[-1]) == (-25, 15)
    empty = ff.exponent_histogram([])
    assert empty.counts.size == empty.exponents.size == 0


def test_scaler_over_a_script() -> None:
    scaler = ff.LossScaler(init=16.0, interval=3, min=4.0, max=32.0)
    good, bad = [np.ones(2)], [np.array([1.0, np.inf])]
    script = [(good, 16), (good, 16), (good, 32), (good, 32), (good, 32), (good, 32), (bad, 16), (good, 16)]
    script += [(bad, 8), (bad, 4), (bad, 4), (good, 4), (good, 4), (good, 8)]
    for gradients, value in script:
        assert scaler.update(gradients) == (gradients is good)
        assert scaler.value == value
    assert scaler.skipped == 4
    assert scaler.scale(0.5) == 4.0
    (unscaled,) = scaler.unscale([np.array([8.0], np.float16)])
    assert unscaled.dtype == np.float32
    assert unscaled.tolist() == [1.0]
    assert not scaler.update([np.array([np.nan])])


def test_master_weights_move_where_float16_does_not() -> None:
    master = np.ones(4, np.float32)
    alone = ff.emulated(np.ones(4), "float16")
    for _ in range(64):
        copy = ff.master_update(master, np.full(4, 2.0**-13))
        alone = alone + 2.0**-13
    assert alone.tolist() == [1.0] * 4
    assert copy.tolist() == [1.0078125] * 4


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"formats.LossScaler: init must be a power of two, got 3.0"):
        ff.LossScaler(init=3.0)
    with pytest.raises(ArgumentError, match="growth must be above 1"):
        ff.LossScaler(growth=0.5)
    with pytest.raises(ArgumentError, match=r"init must be in \[1.0, 16777216.0\], got 0.5"):
        ff.LossScaler(init=0.5)
    with pytest.raises(ArgumentError, match="scale must be above 0"):
        ff.underflow_fraction([1.0], scale=0.0)
    with pytest.raises(ArgumentError, match="x must hold a finite value that is not zero"):
        ff.suggest_scale([0.0, np.nan])
    with pytest.raises(TypeError, match="master must be an ndarray of float32"):
        ff.master_update(np.ones(2), [1, 1])  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"update must have shape \(2,\), got \(3,\)"):
        ff.master_update(np.ones(2, np.float32), [1, 1, 1])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        ff.exponent_histogram([1j])
