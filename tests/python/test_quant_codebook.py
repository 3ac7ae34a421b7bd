"""Codes by nearest levels, against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fewbits.errors import ArgumentError
from fewbits.quant import codebook_decode, codebook_encode
from hypothesis import given
from hypothesis import strategies as st


@given(
    levels=st.lists(st.integers(-7000, 7000), min_size=1, max_size=40, unique=True),
    x=st.lists(st.integers(-9000, 9000), max_size=70),
    unit=st.sampled_from([2.0**-140, 2.0**-20, 1 / 64, 2.0**100]),
)
def test_codes_are_those_of_the_nearest_level(levels: list[int], x: list[int], unit: float) -> None:
    """Multiples of a power of two, so that distances and ties are exact."""
    steps = np.sort(levels)
    points = np.array([*x, *((steps[1:] + steps[:-1]) // 2)], np.int64)
    expected = abs(points[:, None] - steps).argmin(1)  # the first of equals
    book = steps * unit
    codes = codebook_encode((points * unit).astype(np.float32), book)
    assert codes.dtype == np.uint8
    assert (codes == expected).all()
    assert np.array_equal(codebook_decode(codes, book), book[codes].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes_shapes_and_outputs(dtype: Any) -> None:
    levels = np.linspace(-1, 1, 33)
    x = np.random.default_rng(0).normal(size=(7, 5, 3)).astype(dtype)
    codes = codebook_encode(x, levels)
    assert codes.shape == x.shape
    assert (codes == abs(x.astype(np.float64)[..., None] - levels).argmin(-1)).all()
    out = np.empty(x.shape, np.uint8)
    assert codebook_encode(x, levels, out=out, threads=3) is out
    assert (out == codes).all()
    strided = np.empty((7, 5, 6), np.uint8)[..., ::2]
    assert codebook_encode(x, levels, out=strided) is strided
    assert (strided == codes).all()
    assert (codebook_encode(x[::-1, :, ::2], levels) == codes[::-1, :, ::2]).all()
    values = codebook_decode(codes, levels, dtype=np.float64)
    assert np.array_equal(values, levels[codes])
    single = np.empty(x.shape, np.float32)
    assert codebook_decode(codes, levels, out=single) is single
    assert np.array_equal(single, levels[codes].astype(np.float32))
    assert codebook_encode(np.empty((0, 4), dtype), levels).shape == (0, 4)


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"levels must be finite and ascending, got levels\[1\] = 1\.0"):
        codebook_encode([0.0], [1.0, 1.0])
    with pytest.raises(ArgumentError, match=r"levels must have one dimension and 1\.\.256 elements"):
        codebook_encode([0.0], np.arange(257.0))
    with pytest.raises(ArgumentError, match=r"x must be finite, got 2 values .*, the first at flat index 1"):
        codebook_encode([0.0, np.nan, np.inf], [1.0])
    with pytest.raises(TypeError, match="x must have a floating point dtype"):
        codebook_encode([1, 2], [1.0])
    with pytest.raises(ArgumentError, match=r"codes must be in 0\.\.1, got 2"):
        codebook_decode([0, 2], [1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"codes must be in 0\.\.1, got -1"):
        codebook_decode([0, -1], [1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"quant\.codebook_decode: codes must be in 0\.\.1, got 3"):
        codebook_decode(np.array([0, 3], np.uint8), [1.0, 2.0])
    with pytest.raises(ArgumentError, match="dtype must be float32 or float64, got int64"):
        codebook_decode([0], [1.0], dtype=np.int64)
    with pytest.raises(TypeError, match="codes must have a integer or unsigned integer dtype"):
        codebook_decode([0.0], [1.0])
