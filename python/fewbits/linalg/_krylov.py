"""Iterative solvers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real
from fewbits._core import linalg as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError
from fewbits.linalg._operators import _sparse, bind, dtype_of
from fewbits.linalg._result import IterationInfo, SolveResult, finish

__all__ = ["cg", "conjugate_direction", "gmres", "sor"]

Callback = Callable[[IterationInfo], Any]
_LIMIT = 1 << 62


def _right_hand_side(function: str, b: ArrayLike, a: Any) -> tuple[NDArray[Any], tuple[int, ...]]:
    """b as columns (n, m) of float32 or float64, and its shape."""
    array = as_array(function, "b", b, "fiub") if not hasattr(b, "dtype") else np.asarray(b)
    if array.dtype.kind == "c":
        raise TypeError(f"{function}: b must be real, got {array.dtype}")
    array = as_array(function, "b", array, "fiub")
    if array.ndim not in (1, 2):
        raise ArgumentError(f"{function}: b must have shape (n,) or (n, m), got {array.shape}")
    wide = dtype_of(function, "b", b) if hasattr(b, "dtype") else dtype_of(function, "A", a)
    if hasattr(a, "dtype") and dtype_of(function, "A", a) != wide:
        wide = np.dtype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        at = tuple(int(i) for i in np.unravel_index(int(np.flatnonzero(~finite)[0]), array.shape))
        raise ArgumentError(f"{function}: b must be finite, got {array[at]} at {at}")
    columns = array.reshape(len(array), 1) if array.ndim == 1 else array
    return np.ascontiguousarray(columns, wide), array.shape


def _guess(
    function: str, x0: ArrayLike | None, columns: NDArray[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    if x0 is None:
        return np.zeros_like(columns)
    guess = as_array(function, "x0", x0, "fiub")
    if guess.shape != shape:
        raise ArgumentError(f"{function}: x0 must have the shape of b, {shape}, got {guess.shape}")
    if not np.isfinite(guess).all():
        raise ArgumentError(f"{function}: x0 must be finite")
    return np.array(guess.reshape(columns.shape), columns.dtype, order="C")


@dataclass(frozen=True)
class _Options:
    """What every solver takes beside its matrix."""

    x0: ArrayLike | None
    tol: float
    atol: float
    max_iter: int | None
    callback: Callback | None
    raise_on_failure: bool

    def limits(self, function: str) -> tuple[Any, ...]:
        """tol, atol, max_iter and the callback as the compiled part takes them."""
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"{function}: callback must be callable, got {type(self.callback).__name__}")
        call = self.callback
        return (
            real(function, "tol", self.tol, 0),
            real(function, "atol", self.atol, 0),
            0 if self.max_iter is None else integer(function, "max_iter", self.max_iter, 1, _LIMIT),
            None if call is None else lambda i, residual: bool(call(IterationInfo(i, residual))),
        )


def _solve(
    method: str,
    a: Any,
    b: ArrayLike,
    extra: Callable[[np.dtype[Any], int], tuple[Any, ...]],
    options: _Options,
    *,
    hint: str = "",
) -> SolveResult:
    """Every column of b by the compiled `method`; `extra` gives its own arguments."""
    function = f"linalg.{method}"
    columns, shape = _right_hand_side(function, b, a)
    n = len(columns)
    operator = bind(function, "A", a, columns.dtype, n)
    if operator.shape[0] != n:
        raise ArgumentError(
            f"{function}: b must have {operator.shape[0]} rows for an operator of shape {operator.shape}, "
            f"got shape {shape}"
        )
    solution = _guess(function, options.x0, columns, shape)
    limits = options.limits(function)
    own = extra(columns.dtype, n)
    if columns.size == 0:
        return SolveResult(solution.reshape(shape), "converged", 0, 0.0, 0.0, (0.0,))
    run = getattr(_core, f"{method}_{'f32' if columns.dtype == np.float32 else 'f64'}")
    reports = []
    for j in range(columns.shape[1]):
        x = np.ascontiguousarray(solution[:, j])
        reports.append(run(operator.core, np.ascontiguousarray(columns[:, j]), x, *own, *limits))
        solution[:, j] = x
    return finish(function, solution.reshape(shape), reports, options.raise_on_failure, hint)


def _preconditioner(function: str, m: Any, dtype: np.dtype[Any], n: int) -> Any:
    if m is None:
        return None
    bound = bind(function, "M", m, dtype, n)
    if bound.shape[0] != n:
        raise ArgumentError(f"{function}: M must have shape ({n}, {n}), got {bound.shape}")
    return bound.core


def cg(
    A: Any,
    b: ArrayLike,
    M: Any = None,
    *,
    x0: ArrayLike | None = None,
    tol: float = 1e-8,
    atol: float = 0.0,
    max_iter: int | None = None,
    callback: Callback | None = None,
    raise_on_failure: bool = False,
) -> SolveResult:
    """Conjugate gradients for a symmetric positive definite system.

    Parameters
    ----------
    A : array_like (n, n), SciPy sparse matrix, StencilOperator, LinearOperator, or function x -> A x
        CSR matrices are read where they lie. Real.
    b : array_like, shape (n,) or (n, m)
        float32 is solved in float32, everything else in float64.
    M : as `A`, or the result of `ssor` or `incomplete_cholesky`
        Applies an approximate inverse of `A`; symmetric positive definite.
    x0 : array_like of the shape of `b`
        First guess, default 0.
    tol, atol : float
        Stop where ``norm(b - A @ x) <= max(tol * norm(b), atol)``, for the residual computed anew.
    max_iter : int
        Default 10 n, at least 1000.
    callback : function of an `IterationInfo`
        Called after every iteration; true ends the run as ``"user_stop"``.
    raise_on_failure : bool
        Raise `ConvergenceError` where the tolerance is not met, instead of a `ConvergenceWarning`.

    Returns
    -------
    SolveResult

    Raises
    ------
    ArgumentError
        Shapes that do not fit, values that are not finite, options out of range.
    TypeError
        Complex or other dtypes.
    ConvergenceError
        With `raise_on_failure`.

    Notes
    -----
    Sums are taken in double. The residual that the recurrence carries is only a trigger: ``"converged"`` is
    said of ``b - A x``. Where that has stopped falling, as in float32 at about ``u norm(A) norm(x)``, the
    status is ``"stagnated"`` and `residual` says what was reached.

    References
    ----------
    .. [1] M. R. Hestenes, E. Stiefel, "Methods of conjugate gradients for solving linear systems", J. Res.
       NBS 49 (1952).
    .. [2] H. A. van der Vorst, Q. Ye, "Residual replacement strategies for Krylov subspace iterative
       methods", SIAM J. Sci. Comput. 22 (2000).

    Examples
    --------
    >>> from fewbits.linalg import StencilOperator
    >>> A = StencilOperator((63, 63), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> r = cg(A, np.ones(63 * 63), tol=1e-4)
    >>> r.status, r.iterations, r.residual <= r.target
    ('converged', 84, True)
    """
    return _solve(
        "cg",
        A,
        b,
        lambda dtype, n: (_preconditioner("linalg.cg", M, dtype, n),),
        _Options(x0, tol, atol, max_iter, callback, raise_on_failure),
        hint="; conjugate_direction takes a preconditioner that is not symmetric" if M is not None else "",
    )


def conjugate_direction(
    A: Any,
    b: ArrayLike,
    f: Any,
    *,
    window: int | None = 2,
    replace_every: int = 50,
    x0: ArrayLike | None = None,
    tol: float = 1e-8,
    atol: float = 0.0,
    max_iter: int | None = None,
    callback: Callback | None = None,
    raise_on_failure: bool = False,
) -> SolveResult:
    """Directions proposed by any function of the residual, made A-orthogonal to the last ones.

    Parameters
    ----------
    A, b, x0, tol, atol, max_iter, callback, raise_on_failure
        As for `cg`.
    f : function r -> q, or any operator
        Proposes a direction for the normalised residual. It may be nonlinear, unsymmetric, or change.
    window : int or None
        So many directions are kept; None keeps all. With the identity as `f` and a window of at least 1 this
        is conjugate gradients; 0 is steepest descent.
    replace_every : int
        Iterations between two residuals computed anew; 0: only where the method looks anyway.

    Returns
    -------
    SolveResult
        `fallbacks` counts the steps where `f` proposed nothing along the residual, which then was the
        direction itself.

    Raises
    ------
    ArgumentError, TypeError, ConvergenceError
        As for `cg`.

    References
    ----------
    .. [1] A. Kaneda et al., "A deep conjugate direction method for iteratively solving linear systems", ICML
       2023.

    Examples
    --------
    >>> from fewbits.linalg import StencilOperator
    >>> A = StencilOperator((63, 63), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> conjugate_direction(A, np.ones(3969), lambda r: r, tol=1e-4).iterations
    84
    """
    function = "linalg.conjugate_direction"
    width = -1 if window is None else integer(function, "window", window, 0, _LIMIT)
    every = integer(function, "replace_every", replace_every, 0, _LIMIT)
    return _solve(
        "conjugate_direction",
        A,
        b,
        lambda dtype, n: (bind(function, "f", f, dtype, n).core, width, every),
        _Options(x0, tol, atol, max_iter, callback, raise_on_failure),
    )


def gmres(
    A: Any,
    b: ArrayLike,
    M: Any = None,
    *,
    restart: int = 50,
    flexible: bool = False,
    x0: ArrayLike | None = None,
    tol: float = 1e-8,
    atol: float = 0.0,
    max_iter: int | None = None,
    callback: Callback | None = None,
    raise_on_failure: bool = False,
) -> SolveResult:
    """GMRES(m) for any square system, preconditioned from the right.

    Parameters
    ----------
    A, b, x0, tol, atol, max_iter, callback, raise_on_failure
        As for `cg`; `A` need not be symmetric.
    M : as `A`
        Applies an approximate inverse. From the right, so that the residual is that of the system itself.
    restart : int
        Vectors kept; memory is ``restart * n`` numbers, twice that if `flexible`.
    flexible : bool
        For an `M` that changes from call to call, such as another iterative solver.

    Returns
    -------
    SolveResult

    Raises
    ------
    ArgumentError, TypeError, ConvergenceError
        As for `cg`.

    References
    ----------
    .. [1] Y. Saad, M. H. Schultz, "GMRES", SIAM J. Sci. Stat. Comput. 7 (1986).
    .. [2] Y. Saad, "A flexible inner-outer preconditioned GMRES algorithm", SIAM J. Sci. Comput. 14 (1993).

    Examples
    --------
    >>> A = np.array([[1.0, 2.0], [-3.0, 1.0]])
    >>> r = gmres(A, A @ [1.0, -1.0])
    >>> r.status, r.iterations, np.round(r.x, 12).tolist()
    ('converged', 2, [1.0, -1.0])
    """
    function = "linalg.gmres"
    width = integer(function, "restart", restart, 1, _LIMIT)
    return _solve(
        "gmres",
        A,
        b,
        lambda dtype, n: (_preconditioner(function, M, dtype, n), width, bool(flexible)),
        _Options(x0, tol, atol, max_iter, callback, raise_on_failure),
    )


def sor(
    A: Any,
    b: ArrayLike,
    omega: float = 1.0,
    *,
    x0: ArrayLike | None = None,
    tol: float = 1e-8,
    atol: float = 0.0,
    max_iter: int | None = None,
    callback: Callback | None = None,
    raise_on_failure: bool = False,
) -> SolveResult:
    """Successive over-relaxation: ``x += (D / omega + L)^-1 (b - A x)``.

    Parameters
    ----------
    A : SciPy sparse matrix or StencilOperator
        With a positive diagonal.
    omega : float, in (0, 2)
        1 is Gauss-Seidel.
    b, x0, atol, callback, raise_on_failure
        As for `cg`; `b` of one dimension.
    tol : float
        Stop at the first k >= 1 with ``norm(b - A @ x_k) < max(tol * norm(b - A @ x_0), atol)``.
    max_iter : int
        Default 10 000.

    Returns
    -------
    SolveResult

    Raises
    ------
    ArgumentError, TypeError, ConvergenceError
        As for `cg`.
    LinAlgError
        A diagonal element that is not positive.

    References
    ----------
    .. [1] D. M. Young, "Iterative solution of large linear systems", 1971.

    Examples
    --------
    >>> from fewbits.linalg import StencilOperator
    >>> A = StencilOperator((10, 10), [[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    >>> [sor(A, np.ones(100), omega).iterations for omega in (1.0, 1.5, 1.6)]
    [223, 62, 43]
    """
    function = "linalg.sor"
    weight = real(function, "omega", omega, 0, 2, open_low=True, open_high=True)
    columns, shape = _right_hand_side(function, b, A)
    if len(shape) != 1:
        raise ArgumentError(f"{function}: b must have one dimension, got shape {shape}")
    parts = _sparse(function, "A", A, columns.dtype)
    if A.shape != (len(columns), len(columns)):
        raise ArgumentError(
            f"{function}: A must have shape {(len(columns),) * 2} for b of shape {shape}, got "
            f"{tuple(A.shape)}"
        )
    x = _guess(function, x0, columns, shape).reshape(-1)
    limits = _Options(x0, tol, atol, max_iter, callback, raise_on_failure).limits(function)
    name = "sor_f32" if columns.dtype == np.float32 else "sor_f64"
    report = getattr(_core, name)(*parts, columns.reshape(-1), x, weight, *limits)
    return finish(function, x, [report], raise_on_failure)
