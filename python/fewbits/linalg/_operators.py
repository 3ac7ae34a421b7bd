"""What a solver takes as a matrix: arrays, SciPy's sparse matrices, stencils, functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real
from fewbits._core import linalg as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError

__all__ = ["Bound", "StencilOperator", "bind", "dtype_of", "incomplete_cholesky", "ssor"]

Dtype = np.dtype[Any]


@dataclass(frozen=True)
class Bound:
    """An operator of the compiled part, and the arrays it borrows."""

    core: Any
    dtype: Dtype
    shape: tuple[int, int]
    kept: tuple[Any, ...] = field(default=(), repr=False)

    def __matmul__(self, x: ArrayLike) -> NDArray[Any]:
        """The operator applied to a vector."""
        vector = np.ascontiguousarray(x, self.dtype)
        if vector.shape != (self.shape[1],):
            raise ArgumentError(
                f"linalg: x must have shape ({self.shape[1]},) for an operator of shape {self.shape}, got "
                f"{vector.shape}"
            )
        out = np.empty(self.shape[0], self.dtype)
        self.core.apply(vector, out)
        return out


class StencilOperator:
    """A constant stencil on a grid with zeros around it: the matrix of a difference equation, not stored.

    Parameters
    ----------
    shape : sequence of 1 to 3 int
        Points of the grid along each axis; vectors are grids in C order.
    weights : array_like of shape (3,), (3, 3) or (3, 3, 3)
        ``y[g] = sum_o weights[1 + o] x[g + o]`` over offsets o in {-1, 0, 1}.

    Raises
    ------
    ArgumentError
        Shapes that do not fit, weights that are not finite.

    Notes
    -----
    Every point is one chain of multiply-adds, in the order of the weights: the error is at most
    ``(k + 1) u |A| |x|`` for k weights that are not zero.

    Examples
    --------
    >>> laplace = StencilOperator((3, 3), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> laplace.shape, (laplace @ np.ones(9)).reshape(3, 3).tolist()
    ((9, 9), [[2.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 2.0]])
    """

    def __init__(self, shape: Sequence[int], weights: ArrayLike) -> None:
        function = "linalg.StencilOperator"
        self.grid = tuple(integer(function, "shape", n, 1, 1 << 40) for n in shape)
        self.weights = as_array(function, "weights", weights, "fiu").astype(np.float64)
        if not 1 <= len(self.grid) <= 3:
            raise ArgumentError(f"{function}: shape must have 1 to 3 axes, got {self.grid}")
        if self.weights.shape != (3,) * len(self.grid):
            raise ArgumentError(
                f"{function}: weights must have shape {(3,) * len(self.grid)} for a grid {self.grid}, got "
                f"{self.weights.shape}"
            )
        if not np.isfinite(self.weights).all():
            raise ArgumentError(f"{function}: weights must be finite")
        size = int(np.prod(self.grid, dtype=object))
        self.shape = (size, size)

    def bind(self, dtype: Dtype) -> Bound:
        """The operator on vectors of that dtype."""
        make = _core.stencil_f32 if dtype == np.float32 else _core.stencil_f64
        return Bound(make(list(self.grid), self.weights.reshape(-1).tolist()), dtype, self.shape)

    def __matmul__(self, x: ArrayLike) -> NDArray[Any]:
        """The stencil applied to a vector of float32 or float64 (others become float64)."""
        vector = np.asarray(x)
        return self.bind(vector.dtype if vector.dtype == np.float32 else np.dtype(np.float64)) @ vector

    def csr(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The same matrix in compressed sparse rows.

        Returns
        -------
        offsets, columns : ndarray of int64
        values : ndarray of float64

        Examples
        --------
        >>> [part.tolist() for part in StencilOperator((2,), [-1, 2, -1]).csr()]
        [[0, 2, 4], [0, 1, 0, 1], [2.0, -1.0, -1.0, 2.0]]
        """
        grid = np.indices(self.grid).reshape(len(self.grid), -1)
        rows, columns, values = [], [], []
        for offset in np.argwhere(self.weights != 0):
            at = grid + (offset - 1)[:, None]
            inside = ((at >= 0) & (at < np.array(self.grid)[:, None])).all(axis=0)
            rows.append(np.flatnonzero(inside))
            columns.append(np.ravel_multi_index(tuple(at[:, inside]), self.grid))
            values.append(np.full(rows[-1].size, self.weights[tuple(offset)]))
        row, column = np.concatenate(rows), np.concatenate(columns)
        order = np.lexsort((column, row))
        offsets = np.zeros(self.shape[0] + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=self.shape[0]), out=offsets[1:])
        return offsets, column[order].astype(np.int64), np.concatenate(values)[order]


def dtype_of(function: str, name: str, x: Any) -> Dtype:
    """float32 or float64 for the dtype of an array or operator; others become float64, complex is refused."""
    dtype = getattr(x, "dtype", None)
    if dtype is None:
        return np.dtype(np.float64)
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        raise TypeError(f"{function}: {name} must be real, got {dtype}")
    if dtype.kind not in "fiub":
        raise TypeError(f"{function}: {name} must be of float32 or float64, got {dtype}")
    return dtype if dtype == np.float32 else np.dtype(np.float64)


def _sparse(function: str, name: str, a: Any, dtype: Dtype) -> tuple[NDArray[Any], ...]:
    """offsets, columns and values of a sparse matrix or a `StencilOperator`, borrowed where they fit."""
    if isinstance(a, StencilOperator):
        offsets, columns, values = a.csr()
        return offsets, columns, values.astype(dtype)
    if not hasattr(a, "tocsr"):
        raise TypeError(
            f"{function}: {name} must be a sparse matrix of SciPy or a StencilOperator, got "
            f"{type(a).__name__}"
        )
    matrix = a.tocsr()
    if not matrix.has_sorted_indices or not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    values = np.ascontiguousarray(matrix.data, dtype)
    finite = np.isfinite(values)
    if not finite.all():
        at = int(np.flatnonzero(~finite)[0])
        raise ArgumentError(f"{function}: {name} must be finite, its entry {at} is {values[at]}")
    index = np.int32 if matrix.indices.dtype == np.int32 else np.int64
    return np.ascontiguousarray(matrix.indptr, index), np.ascontiguousarray(matrix.indices, index), values


def _square(function: str, name: str, shape: Any) -> tuple[int, int]:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ArgumentError(f"{function}: {name} must be square, got shape {tuple(shape)}")
    return int(shape[0]), int(shape[1])


def _checked(function: str, name: str, f: Any, n: int, dtype: Dtype) -> Any:
    """A Python function whose results have the shape and dtype that the compiled part takes."""

    def apply(x: NDArray[Any]) -> NDArray[Any]:
        y = np.asarray(f(x))
        if y.shape not in ((n,), (n, 1)):
            raise ArgumentError(f"{function}: {name} must return shape ({n},), got {y.shape}")
        if y.dtype.kind == "c":
            raise TypeError(f"{function}: {name} must return real numbers, got {y.dtype}")
        return np.ascontiguousarray(y.reshape(n), dtype)

    return apply


def bind(function: str, name: str, a: Any, dtype: Dtype, size: int) -> Bound:
    """`a` as an operator of the compiled part; a callable without a shape has that `size`."""
    suffix = "_f32" if dtype == np.float32 else "_f64"
    if isinstance(a, Bound):
        if a.dtype != dtype:
            raise TypeError(f"{function}: {name} must be of {dtype}, got {a.dtype}")
        _square(function, name, a.shape)
        return a
    if isinstance(a, StencilOperator):
        return a.bind(dtype)
    if hasattr(a, "tocsr"):
        n, _ = _square(function, name, a.shape)
        parts = _sparse(function, name, a, dtype)
        return Bound(getattr(_core, "csr" + suffix)(n, n, *parts), dtype, (n, n), parts)
    if hasattr(a, "matvec") or callable(a):
        apply = getattr(a, "matvec", a)
        n = _square(function, name, a.shape)[0] if hasattr(a, "shape") else size
        made = getattr(_core, "function" + suffix)(n, n, _checked(function, name, apply, n, dtype))
        return Bound(made, dtype, (n, n))
    dense = as_array(function, name, a, "fiub")
    n, _ = _square(function, name, dense.shape)
    flat = np.ascontiguousarray(dense, dtype).reshape(-1)
    finite = np.isfinite(flat)
    if not finite.all():
        where = np.unravel_index(int(np.flatnonzero(~finite)[0]), dense.shape)
        at = tuple(int(i) for i in where)
        raise ArgumentError(f"{function}: {name} must be finite, got {flat[~finite][0]} at {at}")
    return Bound(getattr(_core, "dense" + suffix)(n, n, flat), dtype, (n, n), (flat,))


def _triangular(kind: str, a: Any, dtype: Any, first: float, second: float) -> Bound:
    function = f"linalg.{kind}"
    wanted = dtype_of(function, "A", a) if dtype is None else np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise TypeError(f"{function}: dtype must be float32 or float64, got {wanted}")
    n, _ = _square(function, "A", a.shape) if hasattr(a, "shape") else (0, 0)
    parts = _sparse(function, "A", a, wanted)
    suffix = "_f32" if wanted == np.float32 else "_f64"
    return Bound(getattr(_core, kind + suffix)(n, *parts, first, second), wanted, (n, n))


def ssor(A: Any, omega: float = 1.0, *, dtype: Any = None) -> Bound:
    """Symmetric successive over-relaxation of a symmetric matrix, as a preconditioner.

    Parameters
    ----------
    A : SciPy sparse matrix or StencilOperator
        Symmetric, with a positive diagonal; both triangles are read.
    omega : float, in (0, 2)
    dtype : float32 or float64
        Of the vectors; default that of `A`.

    Returns
    -------
    operator
        ``z = (D + omega L^T)^-1 D (D + omega L)^-1 r``: the inverse of the SSOR matrix up to a factor, which
        conjugate gradients do not see. Of use as `M`, and with ``@``.

    Raises
    ------
    ArgumentError
        omega out of range, not square.
    LinAlgError
        A diagonal element that is not positive.

    References
    ----------
    .. [1] D. M. Young, "Iterative solution of large linear systems", 1971.

    Examples
    --------
    >>> A = StencilOperator((63, 63), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> from fewbits.linalg import cg
    >>> omega = 2 / (1 + 2 * np.sin(np.pi / 128))
    >>> cg(A, np.ones(3969)).iterations, cg(A, np.ones(3969), ssor(A, omega)).iterations
    (118, 34)
    """
    function = "linalg.ssor"
    weight = real(function, "omega", omega, 0, 2, open_low=True, open_high=True)
    return _triangular("ssor", A, dtype, weight, 0.0)


def incomplete_cholesky(A: Any, *, modified: float = 0.0, shift: float = 0.0, dtype: Any = None) -> Bound:
    """Incomplete Cholesky factorisation with the pattern of the matrix, as a preconditioner.

    Parameters
    ----------
    A : SciPy sparse matrix or StencilOperator
        Symmetric positive definite; the upper triangle is read. The order of the unknowns is kept: a
        fill-reducing order makes this preconditioner worse.
    modified : float, in [0, 1]
        Share of the fill that is dropped which goes to the diagonal: 0 is IC(0), 0.97 MIC(0), which needs
        about a third of the iterations on a fine grid.
    shift : float, at least 0
        So many times its diagonal is added to `A` first, where a pivot would not be positive.
    dtype : float32 or float64
        Of factor and vectors; default that of `A`.

    Returns
    -------
    operator
        ``z = L^-T L^-1 r``, of use as `M`, and with ``@``.

    Raises
    ------
    ArgumentError
        Arguments out of range, not square.
    LinAlgError
        A pivot that is not positive; the message names its row.

    References
    ----------
    .. [1] J. A. Meijerink, H. A. van der Vorst, Math. Comp. 31 (1977).
    .. [2] I. Gustafsson, "A class of first order factorization methods", BIT 18 (1978).

    Examples
    --------
    >>> A = StencilOperator((63, 63), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> from fewbits.linalg import cg
    >>> [cg(A, np.ones(3969), incomplete_cholesky(A, modified=m)).iterations for m in (0, 0.97)]
    [51, 30]
    """
    function = "linalg.incomplete_cholesky"
    share = real(function, "modified", modified, 0, 1)
    return _triangular("incomplete_cholesky", A, dtype, share, real(function, "shift", shift, 0))
