"""flip_bits and flip_exact_count."""

from __future__ import annotations

import math

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits._core import core
from fewbits.errors import ArgumentError


def draws64(seed: int, stream: int, count: int) -> list[int]:
    words = np.empty(2 * count, np.uint32)
    core.philox_fill(seed, stream, 0, words)
    return [int(low) | int(high) << 32 for low, high in words.reshape(-1, 2)]


@pytest.mark.parametrize("name", ["float16", "float8_e4m3fn", "float4_e2m1fn", "bfloat16", "int8"])
def test_follows_its_definition(name: str) -> None:
    f = ff.get(name)
    x = np.random.default_rng(0).normal(size=3000).astype(np.float32)
    y = ff.flip_bits(x, f, 0.125, where="any", seed=5, stream=2)
    decisions, picks = draws64(5, 2, x.size), draws64(5, 2 + 2**32, x.size)
    codes = ff.encode(x, f)
    for i in range(x.size):
        if decisions[i] < 2**61:
            codes[i] ^= 1 << (picks[i] * f.bits >> 64)
    np.testing.assert_array_equal(y, ff.decode(codes, f))


def test_the_share_of_flips_and_where_they_go() -> None:
    x = np.full(200_000, 1.0, np.float32)
    codes = ff.encode(ff.flip_bits(x, "float16", 0.03, where="fraction", seed=1), "float16") ^ 0x3C00
    flipped = int((codes != 0).sum())
    assert abs(flipped - 6000) < 6 * math.sqrt(6000)
    counts = [int((codes == 1 << bit).sum()) for bit in range(10)]
    assert sum(counts) == flipped
    assert all(abs(count - flipped / 10) < 6 * math.sqrt(flipped / 10) for count in counts)


def test_pieces_equal_the_whole() -> None:
    x = np.random.default_rng(1).normal(size=1001)
    whole = ff.flip_bits(x, "bfloat16", 0.5, seed=9)
    parts = [
        ff.flip_bits(x[:333], "bfloat16", 0.5, seed=9),
        ff.flip_bits(x[333:], "bfloat16", 0.5, seed=9, first=333),
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert whole.dtype == np.float64


def test_probabilities_0_and_1() -> None:
    x = np.array([1.0, -2.5, 0.0], np.float32)
    assert ff.flip_bits(x, "float16", 0).tolist() == x.tolist()
    assert ff.flip_bits(x, "float16", 1, where=15).tolist() == (-x).tolist()
    assert np.isinf(ff.flip_bits(2.0**15, "float16", 1.0, where=10)).item()
    assert np.isinf(ff.flip_bits(1.0, "float16", 1.0, where=14)).item()


@pytest.mark.parametrize("count", [0, 1, 500, 999, 1000])
def test_exact_counts(count: int) -> None:
    x = np.ones((10, 100), np.float32)
    y = ff.flip_exact_count(x, "float8_e5m2", count, seed=3)
    assert int((y != 1).sum()) == count
    assert y.shape == x.shape


def test_exact_counts_are_spread_evenly() -> None:
    hits = np.zeros(20)
    for seed in range(2000):
        hits += ff.flip_exact_count(np.ones(20, np.float32), "float16", 5, where=15, seed=seed) < 0
    assert np.abs(hits - 500).max() < 6 * math.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ff.flip_bits([1.0], "float16", 1.5), r"flip_bits: probability must be in \[0, 1\], got 1.5"),
        (lambda: ff.flip_bits([1.0], "float16", math.nan), "probability must be in"),
        (lambda: ff.flip_bits([1.0], "float16", 0.5, where=16), r"where must be in 0..15, got 16"),
        (lambda: ff.flip_bits([1.0], "float16", 0.5, where="sign"), "where must be 'any', 'fraction' or"),
        (lambda: ff.flip_bits([1.0], "tf32", 0.5), None),
        (lambda: ff.flip_bits([1.0], "float(p=11,emin=-14,emax=15)", 0.5), "codes of 1..32 bits"),
        (lambda: ff.flip_bits([1.0], "e8m0", 0.5, where="fraction", rounding="nearest_up"), "no fraction"),
        (lambda: ff.flip_exact_count([1.0], "float16", 2), r"count must be in 0..1, got 2"),
        (lambda: ff.flip_bits(np.ones(1, np.float16), "bfloat16", 0.5), "does not fit float16: pass float32"),
    ],
)  # fmt: skip
def test_bad_arguments(call: object, message: str | None) -> None:
    assert callable(call)
    if message is None:
        call()
        return
    with pytest.raises(ArgumentError, match=message):
        call()
