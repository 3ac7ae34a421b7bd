"""Rotations against SciPy's Hadamard matrices and the invariants that make them useful."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from fewbits._core import core
from fewbits.errors import ArgumentError
from fewbits.quant import hadamard_rotate
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import hadamard

U = {np.dtype(np.float32): 2.0**-24, np.dtype(np.float64): 2.0**-53}


def stages(size: int) -> float:
    """Stages of additions as the docstring counts them."""
    for base in (12, 20, 28):
        if size % base == 0 and (size // base) & (size // base - 1) == 0:
            return base + np.log2(size // base)
    return float(np.log2(size))


def draw(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(3, size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 8, 16, 128, 1024])
def test_powers_of_two_are_those_of_scipy(size: int, dtype: Any) -> None:
    x = draw((7, 2 * size), dtype)
    words = np.empty(2 * size, np.uint32)
    core.philox_fill(5, 1, 0, words)
    signed = np.where(words >> 31, -x, x).astype(np.longdouble).reshape(7, 2, size)
    expected = (signed @ hadamard(size).astype(np.longdouble) / np.sqrt(np.longdouble(size))).reshape(x.shape)
    got = hadamard_rotate(x, block_size=size, seed=5)
    norm = np.sqrt((signed**2).sum(-1, keepdims=True)).repeat(size, -1).reshape(x.shape)
    assert got.dtype == x.dtype
    assert (abs(got - expected) <= 4 * (stages(size) + 1) * U[x.dtype] * norm).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [12, 20, 28, 48, 384, 1536])
def test_other_sizes_are_orthogonal(size: int, dtype: Any) -> None:
    rows = hadamard_rotate(np.eye(size, dtype=dtype), signs=False) * np.sqrt(size)
    assert np.allclose(abs(rows), 1, atol=1e-5)
    signs = np.rint(rows).astype(int)
    assert (signs @ signs.T == size * np.eye(size, dtype=int)).all()
    x = draw((3, size), dtype)
    back = hadamard_rotate(hadamard_rotate(x, seed=1), seed=1, inverse=True)
    norm = np.linalg.norm(x.astype(np.float64), axis=-1, keepdims=True)
    assert (abs(back.astype(np.float64) - x) <= 4 * (stages(size) + 1) * U[x.dtype] * norm).all()


@given(
    shape=st.sampled_from([(16,), (1, 24), (4, 32), (2, 8, 40), (0, 16), (4, 0)]),
    axis=st.integers(-3, 2),
    seed=st.integers(0, 2**64 - 1),
)
def test_every_axis_and_layout(shape: tuple[int, ...], axis: int, seed: int) -> None:
    x = draw(shape, np.float64, seed % 1000)
    if not -x.ndim <= axis < x.ndim:
        with pytest.raises(ArgumentError, match=re.escape(f"axis must be in {-x.ndim}..{x.ndim - 1}")):
            hadamard_rotate(x, axis=axis)
        return
    got = hadamard_rotate(x, axis=axis, seed=seed)
    rows = hadamard_rotate(np.ascontiguousarray(np.moveaxis(x, axis, -1)), seed=seed)
    assert np.array_equal(got, np.moveaxis(rows, -1, axis))
    strided = np.repeat(x, 2, axis=axis)
    index = [slice(None)] * x.ndim
    index[axis] = slice(None, None, 2)
    assert np.array_equal(hadamard_rotate(strided[tuple(index)], axis=axis, seed=seed), got)
    out = np.empty_like(x)
    assert hadamard_rotate(x, axis=axis, seed=seed, out=out) is out
    assert np.array_equal(out, got)
    copy = x.copy()
    assert hadamard_rotate(copy, axis=axis, seed=seed, out=copy, threads=3) is copy
    assert np.array_equal(copy, got)


def test_a_product_is_left_as_it_was() -> None:
    a, b = draw((20, 384), np.float64), draw((30, 384), np.float64, 1)
    rotated = hadamard_rotate(a, block_size=128, seed=4) @ hadamard_rotate(b, block_size=128, seed=4).T
    assert np.allclose(rotated, a @ b.T, atol=1e-11)


def test_outliers_spread() -> None:
    x = np.zeros((1, 128), np.float32)
    x[0, 17] = 100
    assert np.allclose(abs(hadamard_rotate(x, seed=9)), 100 / np.sqrt(128))


def test_float16_is_computed_in_float32() -> None:
    x = draw((4, 64), np.float16)
    got = hadamard_rotate(x)
    assert got.dtype == np.float32
    assert np.array_equal(got, hadamard_rotate(x.astype(np.float32)))


def test_a_generator_gives_the_seed() -> None:
    x = draw((2, 64), np.float32)
    seed = int(np.random.default_rng(3).integers(0, 2**64 - 1, dtype=np.uint64, endpoint=True))
    assert np.array_equal(hadamard_rotate(x, seed=np.random.default_rng(3)), hadamard_rotate(x, seed=seed))


def test_bad_arguments() -> None:
    x = np.zeros((2, 384))
    with pytest.raises(
        ArgumentError, match=r"block_size must be .* divide the axis of 384 elements, got 256"
    ):
        hadamard_rotate(x, block_size=256)
    with pytest.raises(ArgumentError, match=r"got 6; possible here: 1, 2, 4, 8, 12, 16, .* 384"):
        hadamard_rotate(x, block_size=6)
    with pytest.raises(ArgumentError, match="axis of 36 elements, got 36; possible here: 1, 2, 4, 12"):
        hadamard_rotate(np.zeros(36))
    with pytest.raises(ArgumentError, match="x must have at least one dimension"):
        hadamard_rotate(1.0)
    with pytest.raises(TypeError, match="x must have a floating point dtype, got int64"):
        hadamard_rotate(np.arange(8))
    with pytest.raises(ArgumentError, match="out must be a writable array of float64"):
        hadamard_rotate(x, out=np.zeros((2, 384), np.float32))
    with pytest.raises(TypeError, match="seed must be an integer"):
        hadamard_rotate(x, seed=1.5)  # type: ignore[arg-type]
