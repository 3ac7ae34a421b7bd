"""Codebooks: nearest levels, and the levels that lose least."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, output, thread_count
from fewbits._core import quant as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError, ConvergenceWarning

__all__ = ["KMeans1d", "codebook_decode", "codebook_encode", "kmeans1d"]

_METHODS = ("exact", "lloyd")
_MAX_LEVELS = 256


def _levels(function: str, levels: ArrayLike) -> NDArray[np.float64]:
    array = as_array(function, "levels", levels, "fiu").astype(np.float64)
    if array.ndim != 1 or not 1 <= array.size <= _MAX_LEVELS:
        raise ArgumentError(
            f"{function}: levels must have one dimension and 1..{_MAX_LEVELS} elements, "
            f"got shape {array.shape}"
        )
    bad = ~np.isfinite(array)
    bad[1:] |= ~(array[1:] > array[:-1])
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise ArgumentError(
            f"{function}: levels must be finite and ascending, got levels[{at}] = {array[at]}"
        )
    return array


def _finite(function: str, name: str, array: NDArray[Any]) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ArgumentError(
            f"{function}: {name} must be finite, got {int(bad.sum())} values that are not, the first at flat "
            f"index {first}"
        )


def _carrier(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.dtype == np.float64 else array.astype(np.float32, copy=False)


def codebook_encode(
    x: ArrayLike, levels: ArrayLike, *, out: NDArray[Any] | None = None, threads: int | None = None
) -> NDArray[np.uint8]:
    """Codes of the nearest levels.

    Parameters
    ----------
    x : array_like, any shape
        float16, float32 or float64, finite.
    levels : array_like of float, shape (n,), ascending, n at most 256
    out : ndarray of uint8
        Result array.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray of uint8, shape of `x`: indices into `levels`

    Raises
    ------
    ArgumentError
        Infinities or nan in `x`, levels out of order.
    TypeError
        `x` is not floating point.

    Notes
    -----
    Exact: no level is nearer, and a tie goes to the lower one. Numbers beyond the ends take the end levels.

    Examples
    --------
    >>> codebook_encode([-0.2, 0.1, 0.5, 9.0], [0.0, 0.2, 1.0]).tolist()
    [0, 0, 1, 2]
    """
    function = "quant.codebook_encode"
    array = as_array(function, "x", x, "f")
    _finite(function, "x", array)
    book = _levels(function, levels)
    if out is not None:
        output(function, out, np.dtype(np.uint8), array.shape)
    direct = out is not None and out.flags.c_contiguous
    codes: NDArray[np.uint8] = (
        out.reshape(-1) if out is not None and direct else np.empty(array.size, np.uint8)
    )
    _core.codebook_encode(_carrier(array).reshape(-1), book, codes, thread_count(function, threads))
    if out is None:
        return codes.reshape(array.shape)
    if not direct:
        out[...] = codes.reshape(array.shape)
    return out


def codebook_decode(
    codes: ArrayLike,
    levels: ArrayLike,
    *,
    dtype: Any = np.float32,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """The levels of codes.

    Parameters
    ----------
    codes : array_like of uint8, any shape, each below the number of levels
    levels : as in `codebook_encode`
    dtype : float32 or float64
        Of the result.
    out : ndarray
        Result array of that dtype.
    threads : int
        As in `codebook_encode`.

    Returns
    -------
    ndarray, shape of `codes`

    Raises
    ------
    ArgumentError
        A code that has no level (`out` is then partly written).
    TypeError
        `codes` are not integers.

    Examples
    --------
    >>> codebook_decode([0, 2, 1], [0.0, 0.25, 1.0]).tolist()
    [0.0, 1.0, 0.25]
    """
    function = "quant.codebook_decode"
    array = as_array(function, "codes", codes, "iu")
    book = _levels(function, levels)
    # Bytes are checked as they are decoded.
    if array.dtype != np.uint8 and array.size and not 0 <= int(array.min()) <= int(array.max()) < book.size:
        wrong = array.min() if array.min() < 0 else array.max()
        raise ArgumentError(f"{function}: codes must be in 0..{book.size - 1}, got {wrong}")
    wanted = np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(f"{function}: dtype must be float32 or float64, got {wanted}")
    if out is not None:
        output(function, out, wanted, array.shape)
    direct = out is not None and out.flags.c_contiguous
    values: NDArray[Any] = out.reshape(-1) if out is not None and direct else np.empty(array.size, wanted)
    flat = array.astype(np.uint8, copy=False).reshape(-1)
    _core.codebook_decode(flat, book, values, thread_count(function, threads))
    if out is None:
        return values.reshape(array.shape)
    if not direct:
        out[...] = values.reshape(array.shape)
    return out


@dataclass(frozen=True)
class KMeans1d:
    """A codebook that `kmeans1d` found.

    Attributes
    ----------
    levels : ndarray of float64, shape (k,), ascending
    weights : ndarray of float64, shape (k,): weight of the points of each level
    cost : float: sum of ``weight * (x - level)**2`` over all points
    iterations : int: of Lloyd's method; 0 for the exact one
    converged : bool
    """

    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    cost: float
    iterations: int
    converged: bool


def kmeans1d(
    x: ArrayLike,
    k: int,
    *,
    weights: ArrayLike | None = None,
    method: Literal["exact", "lloyd"] = "exact",
    bins: int = 65536,
    max_iter: int = 1000,
) -> KMeans1d:
    """The `k` levels with the least squared error (Lloyd-Max quantiser, k-means in one dimension).

    Parameters
    ----------
    x : array_like of float, any shape, finite, not empty
    k : 1..256, at most the number of distinct values
    weights : array_like of float, shape of `x`, at least 0, default 1
        Importance of each value, such as the diagonal of a Hessian.
    method : str
        ``"exact"``: the optimum, by dynamic programming in O(k bins log bins); ``"lloyd"``: from quantiles,
        nearest levels and means in turn, a local optimum.
    bins : int, at least `k`
        Where `x` has more distinct values, they are gathered in that many intervals of equal length first,
        each standing at the mean of its values: levels are then optimal for these.
    max_iter : int
        Of Lloyd's method.

    Returns
    -------
    KMeans1d

    Raises
    ------
    ArgumentError
        Values that are not finite, negative weights, more levels than distinct values.

    Warns
    -----
    ConvergenceWarning
        Lloyd's method moved in its last iteration.

    Notes
    -----
    Without gathering, the exact cost is at most ``2 (n + 8) 2^-53`` times the variance of all above the
    optimum. The same bits on every machine.

    References
    ----------
    .. [1] S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Information Theory 28 (1982).
    .. [2] A. Gronlund et al., "Fast exact k-means, k-medians and Bregman divergence clustering in 1D",
       arXiv:1701.07204.

    Examples
    --------
    >>> found = kmeans1d([0.0, 0.1, 0.2, 5.0, 5.2], 2)
    >>> found.levels.round(3).tolist(), round(found.cost, 3)
    ([0.1, 5.1], 0.04)
    """
    function = "quant.kmeans1d"
    array = as_array(function, "x", x, "f")
    choice(function, "method", method, _METHODS)
    k = integer(function, "k", k, 1, _MAX_LEVELS)
    bins = integer(function, "bins", bins, k, 1 << 24)
    max_iter = integer(function, "max_iter", max_iter, 1, 1 << 30)
    if array.size == 0:
        raise ArgumentError(f"{function}: x must not be empty")
    _finite(function, "x", array)
    values = array.reshape(-1).astype(np.float64)
    if weights is None:
        weight = np.ones(values.size)
    else:
        weight = as_array(function, "weights", weights, "fiu").astype(np.float64)
        if weight.shape != array.shape:
            raise ArgumentError(
                f"{function}: weights must have the shape of x, {array.shape}, got {weight.shape}"
            )
        _finite(function, "weights", weight)
        weight = weight.reshape(-1)
        if (weight < 0).any():
            at = int(np.flatnonzero(weight < 0)[0])
            raise ArgumentError(f"{function}: weights must be at least 0, got weights[{at}] = {weight[at]}")
        values, weight = values[weight > 0], weight[weight > 0]
        if values.size == 0:
            raise ArgumentError(f"{function}: weights must not all be 0")
    points, inverse = np.unique(values, return_inverse=True)
    if k > points.size:
        raise ArgumentError(f"{function}: k must be at most the {points.size} distinct values, got {k}")
    if points.size > bins:
        low, high = points[0], points[-1]
        # Halves: the range of float64 values may overflow.
        place = (points / 2 - low / 2) / (high / 2 - low / 2)
        inverse = np.minimum((place * bins).astype(np.int64), bins - 1)[inverse]
        _, inverse = np.unique(inverse, return_inverse=True)
    mass = np.bincount(inverse, weight).astype(np.float64)
    points = (np.bincount(inverse, weight * values) / mass).astype(np.float64)
    levels, ends = np.empty(k), np.empty(k, np.uint64)
    if k > points.size:
        raise ArgumentError(f"{function}: bins must leave at least k = {k} intervals, got {points.size}")
    if method == "exact":
        _core.kmeans1d(points, mass, levels, ends)
        iterations, converged = 0, True
    else:
        _, iterations, converged = _core.lloyd1d(points, mass, levels, ends, max_iter)
        if not converged:
            warnings.warn(
                f"{function}: levels still moved after {max_iter} iterations",
                ConvergenceWarning,
                stacklevel=2,
            )
    codes = np.searchsorted(ends[:-1].astype(np.int64), inverse, side="right")
    cost = float((weight * (values - levels[codes]) ** 2).sum())
    total: NDArray[np.float64] = np.bincount(codes, weight, minlength=k).astype(np.float64)
    return KMeans1d(levels, total, cost, iterations, converged)
