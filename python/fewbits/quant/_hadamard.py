"""Rotations by Hadamard matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, output, seed_value, thread_count
from fewbits._core import quant as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError

__all__ = ["hadamard_rotate"]


def hadamard_rotate(
    x: ArrayLike,
    *,
    axis: int = -1,
    block_size: int | None = None,
    seed: int | np.random.Generator = 0,
    signs: bool = True,
    inverse: bool = False,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Rotate blocks along an axis by a random Hadamard matrix, or back.

    Each block of `block_size` elements is multiplied by random signs and by an orthogonal matrix whose
    elements are all plus or minus ``1 / sqrt(block_size)``. Outliers spread over their block, so that a
    quantiser of fixed length with one scale for the block loses less; entropy-coded quantisers lose a little.
    Rotating both operands of a product along the contracted axis leaves the product as it was.

    Parameters
    ----------
    x : array_like, at least one dimension
        float32 or float64; float16 is computed in float32.
    axis : int
        The axis that blocks run along.
    block_size : int
        2^k, or 12, 20 or 28 times 2^k, a divisor of the axis; default the whole axis.
    seed : int or numpy.random.Generator
        Of the signs: element i along the axis has the sign of 32-bit draw i of stream 1.
    signs : bool
        False: no random signs.
    inverse : bool
        Undo the rotation of the same arguments.
    out : ndarray
        Result array, of the dtype and shape of the result; may be `x`.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray of float32 or float64, shape of `x`

    Raises
    ------
    ArgumentError
        A block size that is no divisor or has no Hadamard matrix (the message says which would do), an axis
        out of range, a 0-d array.
    TypeError
        `x` is not floating point.

    Notes
    -----
    The same bits on every instruction set. Back and forth changes an element by at most
    ``4 (log2(block_size) + 1) u`` times the norm of its block, u = 2^-24 or 2^-53 (for sizes that are no
    power of two: with 12, 20 or 28 in place of the logarithm of that factor).

    References
    ----------
    .. [1] A. Tseng et al., "QuIP#", arXiv:2402.04396.
    .. [2] R. Paley, "On orthogonal matrices", J. Math. Phys. 12 (1933).

    Examples
    --------
    >>> hadamard_rotate([4.0, 0.0, 0.0, 0.0], signs=False).tolist()
    [2.0, 2.0, 2.0, 2.0]
    >>> weights = np.arange(8.0).reshape(2, 4)
    >>> rotated = hadamard_rotate(weights, seed=3)
    >>> np.allclose(hadamard_rotate(rotated, seed=3, inverse=True), weights)
    True
    """
    function = "quant.hadamard_rotate"
    array = as_array(function, "x", x, "f")
    if array.ndim == 0:
        raise ArgumentError(f"{function}: x must have at least one dimension, got a scalar")
    at = integer(function, "axis", axis, -array.ndim, array.ndim - 1) % array.ndim
    width = array.shape[at]
    size = width if block_size is None else integer(function, "block_size", block_size, 1, 1 << 32)
    if width and (width % size or not _core.is_hadamard_size(size)):
        good = [g for g in range(1, width + 1) if width % g == 0 and _core.is_hadamard_size(g)]
        raise ArgumentError(
            f"{function}: block_size must be 2^k, 12 2^k, 20 2^k or 28 2^k and divide the axis of {width} "
            f"elements, got {size}; possible here: {', '.join(map(str, good))}"
        )
    dtype = np.dtype(np.float64 if array.dtype == np.float64 else np.float32)
    if out is not None:
        output(function, out, dtype, array.shape)
    seed = seed_value(function, seed)
    thread = thread_count(function, threads)
    rows = np.moveaxis(array, at, -1)
    in_place = out is not None and out.flags.c_contiguous and at == array.ndim - 1
    if in_place:
        assert out is not None
        if out is not x:
            out[...] = array
        work = out
    else:
        work = np.array(rows, dtype=dtype, order="C", copy=True)
    if work.size:
        _core.hadamard_rotate(work.reshape(-1), width, size, seed, bool(signs), bool(inverse), thread)
    if in_place:
        return work
    result: NDArray[Any] = np.ascontiguousarray(np.moveaxis(work, -1, at))
    if out is None:
        return result
    out[...] = result
    return out
