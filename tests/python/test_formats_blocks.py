"""Bfp, block formats and round_to_int."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from formats_oracle import half_even
from hypothesis import given
from hypothesis import strategies as st


def oracle(block: list[float], m: int, carry: str) -> list[Fraction]:
    """The definition in rationals, to nearest even."""
    largest = max((abs(Fraction(x)) for x in block), default=Fraction(0))
    if largest == 0:
        return [Fraction(0)] * len(block)
    e = math.frexp(float(largest))[1] - 1
    limit = 2 ** (m - 1) - 1
    for _ in range(2):
        step = Fraction(2) ** (e - (m - 2))
        integers = [half_even(Fraction(x) / step) for x in block]
        if carry == "clip" or max(map(abs, integers)) <= limit:
            break
        e += 1
    return [max(-limit, min(limit, n)) * step for n in integers]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=40),
    st.integers(2, 24), st.integers(1, 9), st.sampled_from(["clip", "bump"]),
)  # fmt: skip
def test_equals_the_rational_definition(values: list[float], m: int, size: int, carry: str) -> None:
    got = ff.Bfp(m, size, carry=carry).round_to(np.array(values, np.float64))
    want = [v for i in range(0, len(values), size) for v in oracle(values[i : i + size], m, carry)]
    assert [Fraction(v) for v in got.tolist()] == want


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_axes_and_ragged_ends(axis: int, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(5, 7, 9)).astype(dtype)
    b = ff.Bfp(6, 4, axis=axis)
    y = b.round_to(x)
    moved, result = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    for index in np.ndindex(moved.shape[:-1]):
        row = moved[index].astype(float).tolist()
        want = [float(v) for i in range(0, len(row), 4) for v in oracle(row[i : i + 4], 6, "clip")]
        assert result[index].tolist() == want
    mantissas, exponents = b.encode(x)
    assert mantissas.shape == x.shape
    blocks = list(x.shape)
    blocks[axis] = -(-blocks[axis] // 4)
    assert exponents.shape == tuple(blocks)
    assert y.dtype == (np.float64 if dtype == np.float64 else np.float32)


@pytest.mark.parametrize("rounding", ["toward_zero", "toward_positive", "nearest_away", "to_odd"])
def test_other_modes_round_the_scaled_values(rounding: str) -> None:
    x = np.random.default_rng(3).normal(size=64).astype(np.float32)
    e = np.floor(np.log2(np.abs(x).max()))
    step = 2.0 ** (e - 6)
    want = np.clip(ff.round_to(x / step, "fixed(9,0)", rounding=rounding), -127, 127) * step
    np.testing.assert_array_equal(ff.Bfp(8, 64).round_to(x, rounding=rounding), want)


def test_stochastic_depends_on_the_index_alone() -> None:
    x = np.random.default_rng(3).normal(size=(6, 32)).astype(np.float32)
    b = ff.Bfp(4, 32)
    whole = b.round_to(x, rounding="stochastic", seed=4)
    np.testing.assert_array_equal(whole[0], b.round_to(x[0], rounding="stochastic", seed=4))
    mean = np.mean([b.round_to(x, rounding="stochastic", seed=s) for s in range(400)], axis=0)
    step = 2.0 ** (np.floor(np.log2(np.abs(x).max(axis=1, keepdims=True))) - 2)
    inside = np.abs(x) < 7 * step
    assert (np.abs(mean - x)[inside] < 6 * (step * 0.5 / 20 * np.ones_like(x))[inside]).all()


def test_nan_and_zeros() -> None:
    x = np.array([0.0, -0.0, 1.0, np.nan, np.inf, 2.0], np.float32)
    y = ff.Bfp(8, 2, nan="block").round_to(x)
    assert y[:2].tolist() == [0.0, 0.0]
    assert np.isnan(y[2:]).all()
    with pytest.raises(
        ArgumentError, match=r"Bfp.encode: x must be finite \(or nan='block'\), got .* index 3"
    ):
        ff.Bfp(8, 2).round_to(x)
    assert ff.Bfp(8, 4).round_to(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert ff.Bfp(8, 4).round_to(np.empty((3, 0), np.float32)).shape == (3, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ff.Bfp(1, 4), "mantissa_bits must be in 2..24, got 1"),
        (lambda: ff.Bfp(8, 0), "block_size must be in 1"),
        (lambda: ff.Bfp(8, 4, carry="wrap"), "carry must be one of 'clip', 'bump', got 'wrap'"),
        (lambda: ff.Bfp(8, 4, axis=2).round_to(np.ones((2, 2))), r"axis must be in -2..1, got 2"),
        (lambda: ff.Bfp(8, 4).round_to(1.0), "at least one dimension"),
        (lambda: ff.Bfp(8, 4).decode([200], [0]), r"mantissas must be in -127..127"),
        (lambda: ff.Bfp(8, 4).decode([1, 2], [0, 1]), "one element for each block"),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


def test_round_to_int() -> None:
    x = np.array([0.5, -0.5, 2.5, 7.4, 7.5, -8.5, 1e30, -np.inf])
    assert ff.round_to_int(x, 4).tolist() == [0, 0, 2, 7, 7, -8, 7, -8]
    assert ff.round_to_int(x, 4, signed=False).tolist() == [0, 0, 2, 7, 8, 0, 15, 0]
    assert ff.round_to_int(x, 4, rounding="nearest_away").tolist() == [1, -1, 3, 7, 7, -8, 7, -8]
    for bits, dtype in (
        (1, np.int8),
        (8, np.int8),
        (9, np.int16),
        (16, np.int16),
        (17, np.int32),
        (32, np.int32),
    ):
        y = ff.round_to_int([-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1, 1e99], bits)
        assert y.dtype == dtype
        assert y.tolist() == [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 2 ** (bits - 1) - 1]
    wide = np.array([2**40 + 5, -(2**40) - 6, 2**62 + 1])
    assert ff.round_to_int(wide, 16, overflow="wrap").tolist() == [5, -6, 1]
    with pytest.raises(ArgumentError, match="nan"):
        ff.round_to_int([math.nan], 8)
    assert ff.round_to_int([math.nan], 8, nan="zero").tolist() == [0]
    with pytest.raises(ArgumentError, match=r"round_to_int: bits must be in 1..32, got 33"):
        ff.round_to_int([1.0], 33)


@pytest.mark.parametrize("name", ff.BLOCK_FORMATS)
def test_block_formats(name: str) -> None:
    f = ff.get_block(name)
    assert f == ff.get_block(f.name) == pickle.loads(pickle.dumps(f))
    assert f == eval(repr(f), {"fewbits": __import__("fewbits")})
    assert f.block_size == (16 if name == "nvfp4" else 32)
    assert f.scale.name == ("float8_e4m3fn" if name == "nvfp4" else "float8_e8m0fnu")


def test_block_grammar() -> None:
    f = ff.get_block("block(fixed(2, 2), bf16, 128, float32)")
    assert (f.name, f.bits_per_value) == ("block(fixed(2,2),bfloat16,128,float32)", 4.125)
    assert ff.get_block(f.name) == f
    assert ff.get_block("mxfp4").bits_per_value == 4.25
    for name in (
        "mxfp5",
        "block(int4,bf16)",
        "block(int4,bf16,0)",
        "block(int4,float(p=3,emin=-3,emax=3),32)",
    ):
        with pytest.raises(ArgumentError):
            ff.get_block(name)
    with pytest.raises(
        ArgumentError, match=r"one of mxfp8_e5m2, .* or block\(element,scale,size\), got 'mxfp5'"
    ):
        ff.get_block("mxfp5")
