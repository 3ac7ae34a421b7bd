"""Normal draws: definition, indices, arguments."""

from __future__ import annotations

import numpy as np
import pytest
from fewbits import functions as ff
from fewbits._core import core
from fewbits.errors import ArgumentError


def test_draws_are_box_and_mullers() -> None:
    words = np.empty(40, np.uint32)
    core.philox_fill(5, 0, 0, words)
    draws = words[0::2].astype(np.uint64) | words[1::2].astype(np.uint64) << np.uint64(32)
    u = ((draws >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2 * ff.log(u[0::2])), 6.283185307179586477 * u[1::2]
    expected = np.stack([radius * ff.cos(angle), radius * ff.sin(angle)], axis=1).ravel()
    assert np.array_equal(ff.sample_normal(20, seed=5), expected)


def test_index_stream_and_seed() -> None:
    z = ff.sample_normal(1000, seed=9)
    assert np.array_equal(ff.sample_normal((5, 7), seed=9, first=301).ravel(), z[301:336])
    assert not np.array_equal(ff.sample_normal(1000, seed=9, stream=1), z)
    assert ff.sample_normal(0).shape == (0,)
    assert ff.sample_normal((2, 0, 3)).shape == (2, 0, 3)
    assert ff.sample_normal(3, seed=np.random.default_rng(1)).shape == (3,)


def test_distribution() -> None:
    z = ff.sample_normal(200_000, seed=2)
    p = ff.ndtr(z)
    counts = np.histogram(p, 64, (0, 1))[0]
    assert np.abs(counts - z.size / 64).max() < 6 * np.sqrt(z.size / 64)
    assert abs(np.mean(z[1:] * z[:-1])) < 6 / np.sqrt(z.size)


def test_errors() -> None:
    with pytest.raises(ArgumentError, match=r"functions.sample_normal: shape must be in"):
        ff.sample_normal(-1)
    with pytest.raises(ArgumentError, match=r"functions.sample_normal: seed must be in"):
        ff.sample_normal(1, seed=-1)
    with pytest.raises(TypeError, match=r"functions.sample_normal: first must be an integer"):
        ff.sample_normal(1, first=0.5)  # type: ignore[arg-type]
