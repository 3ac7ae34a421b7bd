"""Matrices whose rows are unit vectors: checks, and products in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError

__all__ = ["norms", "row_dots", "unit_rows", "unit_vector", "weighted_sums"]

Array = NDArray[np.float64]
_TOLERANCE = 1e-3


def _kernel(name: str, x: NDArray[Any]) -> Any:
    return getattr(_core, f"vmf_{name}_{'f32' if x.dtype == np.float32 else 'f64'}")


def norms(x: NDArray[Any]) -> Array:
    """Lengths of the rows."""
    out = np.empty(x.shape[0])
    _kernel("row_norms", x)(x, x.shape[1], out)
    return out


def row_dots(x: NDArray[Any], m: Array, threads: int) -> Array:
    """``x @ m.T``"""
    out = np.empty((x.shape[0], m.shape[0]))
    _kernel("row_dots", x)(x, np.ascontiguousarray(m), x.shape[1], out, threads)
    return out


def weighted_sums(x: NDArray[Any], weights: Array, threads: int) -> Array:
    """``weights.T @ x`` in float64, added row by row."""
    out = np.empty((weights.shape[1], x.shape[1]))
    _kernel("weighted_sums", x)(x, np.ascontiguousarray(weights), x.shape[1], out, threads)
    return out


def unit_rows(function: str, x: ArrayLike, normalize: Any, columns: int | None = None) -> NDArray[Any]:
    """`x` as a float32 or float64 matrix of unit vectors; with `normalize` made so, in float64."""
    if not isinstance(normalize, bool | np.bool_):
        raise TypeError(f"{function}: normalize must be a bool, got {type(normalize).__name__}")
    array = as_numbers(function, "X", x)
    if array.ndim != 2 or array.shape[1] < 2 or array.shape[0] == 0:
        raise ArgumentError(
            f"{function}: X must be a matrix of at least one row and two columns, got shape {array.shape}"
        )
    if columns is not None and array.shape[1] != columns:
        raise ArgumentError(f"{function}: X must have {columns} columns, got {array.shape[1]}")
    if array.dtype != np.float32:
        array = array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64, copy=False)
    length = norms(array)
    bad = ~(np.isfinite(length) & (length > 0)) if normalize else ~(np.abs(length - 1) <= _TOLERANCE)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        rule = "non-zero, finite rows" if normalize else "rows of length 1 (or pass normalize=True)"
        raise ArgumentError(f"{function}: X must have {rule}, got length {length[row]:g} in row {row}")
    return array.astype(np.float64) / length[:, None] if normalize else array


def unit_vector(function: str, name: str, x: ArrayLike) -> Array:
    """`x` as a float64 unit vector; rounded ones are brought to length 1."""
    vector = as_numbers(function, name, x)
    if vector.ndim != 1 or vector.size < 2:
        raise ArgumentError(
            f"{function}: {name} must be a vector of at least two elements, got shape {vector.shape}"
        )
    row = vector.astype(np.float64).reshape(1, -1)
    length = float(norms(row)[0])
    if not abs(length - 1) <= _TOLERANCE:
        raise ArgumentError(f"{function}: {name} must have length 1, got {length:g}")
    unit: Array = row[0] / length
    return unit
