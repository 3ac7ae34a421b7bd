"""Linear algebra with every operation rounded to a format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, thread_count
from fewbits._core import formats as _core
from fewbits.errors import ArgumentError
from fewbits.formats._emulated import Context, EmulatedArray
from fewbits.formats._registry import FloatFormat

__all__ = [
    "SolveReport",
    "asum",
    "axpy",
    "cg",
    "cholesky",
    "givens",
    "gmres",
    "lu",
    "matmul",
    "nrm2",
    "qr",
    "refine",
    "solve_triangular",
]


@dataclass(frozen=True)
class SolveReport:
    """How an iterative solver went.

    Attributes
    ----------
    converged : bool
    iterations : int
        Of `refine`: corrections.
    inner_iterations : int
        Of GMRES within `refine`.
    errors : ndarray
        After each iteration: the residual norm of the recurrence (`cg`, `gmres`), the backward error
        (`refine`, with the one of the start).
    backward_error : float
        ``|b - A x| / (|A| |x| + |b|)`` of the result in the infinity norm, taken in float64.
    """

    converged: bool
    iterations: int
    inner_iterations: int
    errors: NDArray[np.float64]
    backward_error: float


def _report(report: Any) -> SolveReport:
    return SolveReport(
        report.converged,
        report.iterations,
        report.inner_iterations,
        np.array(report.errors, np.float64),
        report.backward_error,
    )


def _matrix(function: str, name: str, a: Any, *, square: bool = True) -> EmulatedArray:
    if not isinstance(a, EmulatedArray):
        raise TypeError(f"formats.{function}: {name} must be an EmulatedArray, got {type(a).__name__}")
    if a.ndim != 2 or (square and a.shape[0] != a.shape[1]):
        shape = "a square matrix" if square else "a matrix"
        raise ArgumentError(f"formats.{function}: {name} must be {shape}, got shape {a.shape}")
    return a


def _vector(function: str, name: str, a: EmulatedArray, x: Any, size: int) -> NDArray[np.float64]:
    values = a._operand(f"formats.{function}", x)
    if values.shape != (size,):
        raise ArgumentError(f"formats.{function}: {name} must have shape {(size,)}, got {values.shape}")
    return values.astype(np.float64)


def _flat(x: NDArray[Any]) -> NDArray[np.float64]:
    return np.ascontiguousarray(x, np.float64).reshape(-1)


def _wrap(x: NDArray[Any], context: Context) -> EmulatedArray:
    return EmulatedArray(x.astype(context.dtype), context)


def matmul(
    a: EmulatedArray, b: Any, *, c: EmulatedArray | None = None, threads: int | None = None
) -> EmulatedArray:
    """``a @ b``, or ``c + a @ b``, with every operation rounded as the context of `a` has it.

    Parameters
    ----------
    a, b : EmulatedArray, one or two dimensions
    c : EmulatedArray, shape of the result
        What the sums start from; default zeros.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    EmulatedArray

    Raises
    ------
    ArgumentError
        Shapes that do not agree.
    TypeError
        Plain arrays, or another format.

    Notes
    -----
    Exact: the bits of the triple loop over k in index order. ``"per_op"`` with nearest_even equals rank-1
    updates in NumPy's float16 and in bfloat16 of ml_dtypes bit for bit, at more than 500 million
    multiply-adds per second on one core (`bench_formats_emulated`).

    Examples
    --------
    >>> a = emulated([[1.0, 2.0**-11, 2.0**-11]], "float16")
    >>> matmul(a, [[1], [1], [1]]).tolist()
    [[1.0]]
    >>> exactly = a.astype("float16", accumulate="exact")
    >>> matmul(exactly, [[1], [1], [1]]).tolist()
    [[1.0009765625]]
    """
    if not isinstance(a, EmulatedArray):
        raise TypeError(f"formats.matmul: a must be an EmulatedArray, got {type(a).__name__}")
    if c is None:
        return a._matmul(a, b, threads)
    left, right = a._operand("matmul", a), a._operand("matmul", b)
    start = a._operand("matmul", c)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
        raise ArgumentError(
            f"formats.matmul: with c, a and b must be matrices that agree, got {left.shape} and {right.shape}"
        )
    (m, k), n = left.shape, right.shape[1]
    if start.shape != (m, n):
        raise ArgumentError(f"formats.matmul: c must have shape {(m, n)}, got {start.shape}")
    out = start.copy()
    _core.gemm(
        a.context._take(m * n),
        m,
        n,
        k,
        np.ascontiguousarray(left).reshape(-1),
        np.ascontiguousarray(right).reshape(-1),
        out.reshape(-1),
        True,
        thread_count("formats.matmul", threads),
    )
    return EmulatedArray(out, a.context)


def axpy(alpha: float, x: EmulatedArray, y: EmulatedArray) -> EmulatedArray:
    """``y + alpha x`` of vectors: product and sum rounded, or one rounding where the context says ``"fma"``.

    Parameters
    ----------
    alpha : float
        Rounded to the format.
    x, y : EmulatedArray of one dimension

    Returns
    -------
    EmulatedArray

    Raises
    ------
    ArgumentError, TypeError
        Shapes or formats that do not agree.

    Examples
    --------
    >>> x = emulated([1.0, 3.0], "float8_e5m2")
    >>> axpy(0.5, x, x).tolist()
    [1.5, 4.0]
    """
    if not isinstance(x, EmulatedArray):
        raise TypeError(f"formats.axpy: x must be an EmulatedArray, got {type(x).__name__}")
    values = _vector("axpy", "x", x, x, x.size)
    out = _vector("axpy", "y", x, y, x.size)
    factor = float(x.context._round(alpha))
    _core.axpy(x.context._take(x.size), factor, values, out)
    return _wrap(out, x.context)


def nrm2(x: EmulatedArray) -> EmulatedArray:
    """``sqrt(x . x)`` with every operation rounded and no scaling: squares may leave the format.

    Parameters
    ----------
    x : EmulatedArray

    Returns
    -------
    EmulatedArray of no dimension

    Examples
    --------
    >>> nrm2(emulated([3.0, 4.0], "float16")).item(), nrm2(emulated([300.0, 400.0], "float16")).item()
    (5.0, inf)
    """
    return _norm(x, False)


def asum(x: EmulatedArray) -> EmulatedArray:
    """``|x[0]| + |x[1]| + ...`` in index order, each addition rounded.

    Parameters
    ----------
    x : EmulatedArray

    Returns
    -------
    EmulatedArray of no dimension

    Examples
    --------
    >>> asum(emulated([3.0, -4.0], "float16")).item()
    7.0
    """
    return _norm(x, True)


def _norm(x: Any, absolute: bool) -> EmulatedArray:
    if not isinstance(x, EmulatedArray):
        name = "asum" if absolute else "nrm2"
        raise TypeError(f"formats.{name}: x must be an EmulatedArray, got {type(x).__name__}")
    value = _core.norm(x.context._take(), _flat(x._values), absolute)
    return _wrap(np.asarray(value), x.context)


def solve_triangular(
    a: EmulatedArray, b: Any, *, lower: bool = False, unit_diagonal: bool = False
) -> EmulatedArray:
    """The solution of ``a x = b`` for triangular `a`, by columns: x_k = b_k / a_kk, then b_i -= a_ik x_k.

    Parameters
    ----------
    a : EmulatedArray, (n, n)
        The other triangle is not read.
    b : EmulatedArray, (n,) or (n, columns)
    lower, unit_diagonal : bool

    Returns
    -------
    EmulatedArray, shape of `b`

    Raises
    ------
    ArgumentError, TypeError
        Shapes or formats that do not agree.

    Examples
    --------
    >>> a = emulated([[2.0, 1.0], [0.0, 3.0]], "float16")
    >>> solve_triangular(a, [1.0, 1.0]).tolist()
    [0.33349609375, 0.333251953125]
    """
    a = _matrix("solve_triangular", "a", a)
    n = a.shape[0]
    values = a._operand("formats.solve_triangular", b)
    if values.ndim not in (1, 2) or values.shape[0] != n:
        raise ArgumentError(
            f"formats.solve_triangular: b must have shape ({n},) or ({n}, columns), got {values.shape}"
        )
    columns = 1 if values.ndim == 1 else values.shape[1]
    x = np.array(values, np.float64).reshape(-1)
    _core.trsm(a.context._take(x.size), not lower, unit_diagonal, n, columns, _flat(a._values), x)
    return _wrap(x.reshape(values.shape), a.context)


def lu(a: EmulatedArray) -> tuple[EmulatedArray, NDArray[np.int64]]:
    """LU factors with partial pivoting, right-looking.

    Parameters
    ----------
    a : EmulatedArray, (n, n)

    Returns
    -------
    factors : EmulatedArray, (n, n)
        L below the diagonal (its diagonal is 1), U on and above it.
    permutation : ndarray of int64, (n,)
        ``a[permutation]`` is about L U; the pivot is the first of the largest magnitudes of its column.

    Raises
    ------
    ArgumentError
        `a` is not square, or a column has no pivot but zeros and NaN.
    TypeError
        `a` is no EmulatedArray.

    References
    ----------
    .. [1] N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. (2002), algorithm 9.2.

    Examples
    --------
    >>> h = emulated(1 / (np.arange(4)[:, None] + np.arange(4) + 1), "float16")
    >>> factors, permutation = lu(h)
    >>> permutation.tolist(), [hex(c) for c in encode(factors.values, "float16")[3]]
    ([0, 2, 1, 3], ['0x3400', '0x3b31', '0xb917', '0xa40'])
    """
    a = _matrix("lu", "a", a)
    n = a.shape[0]
    factors = np.array(a._values, np.float64).reshape(-1)
    permutation = np.empty(n, np.int64)
    singular = _core.lu(a.context._take(n * n), n, factors, permutation)
    if singular != n:
        raise ArgumentError(
            f"formats.lu: a must be regular in {a.format.name!r}, column {singular} has no pivot"
        )
    return _wrap(factors.reshape(n, n), a.context), permutation


def cholesky(a: EmulatedArray) -> EmulatedArray:
    """The lower triangular Cholesky factor, right-looking.

    Parameters
    ----------
    a : EmulatedArray, (n, n)
        The lower triangle is read.

    Returns
    -------
    EmulatedArray, (n, n)

    Raises
    ------
    ArgumentError
        `a` is not square, or a pivot is not positive.
    TypeError
        `a` is no EmulatedArray.

    Examples
    --------
    >>> h = 1 / (np.arange(4)[:, None] + np.arange(4) + 1)
    >>> factor = cholesky(emulated(h, "bfloat16") + emulated(np.eye(4) / 8, "bfloat16"))
    >>> [hex(c) for c in encode(factor.values, "bfloat16")[3]]
    ['0x3e71', '0x3e3c', '0x3e03', '0x3ece']
    """
    a = _matrix("cholesky", "a", a)
    n = a.shape[0]
    factor = np.array(a._values, np.float64).reshape(-1)
    failed = _core.cholesky(a.context._take(n * n), n, factor)
    if failed != n:
        raise ArgumentError(
            f"formats.cholesky: a must be positive definite in {a.format.name!r}, pivot {failed} is "
            f"{factor[failed * n + failed]:g}"
        )
    return _wrap(factor.reshape(n, n), a.context)


def qr(a: EmulatedArray, *, method: str = "householder") -> tuple[EmulatedArray, EmulatedArray]:
    """Full QR factors by Householder reflections or Givens rotations.

    Parameters
    ----------
    a : EmulatedArray, (m, n)
    method : {"householder", "givens"}

    Returns
    -------
    q : EmulatedArray, (m, m)
    r : EmulatedArray, (m, n)
        Zero below the diagonal.

    Raises
    ------
    ArgumentError, TypeError
        `a` is no matrix, or an unknown method.

    References
    ----------
    .. [1] N. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed. (2002), chapter 19.

    Examples
    --------
    >>> a = emulated([[3.0, 1.0], [4.0, 2.0]], "float16")
    >>> q, r = qr(a, method="givens")
    >>> r.tolist(), float(abs((q @ r).values - a.values).max()) < 0.01
    ([[5.0, 2.19921875], [0.0, 0.400390625]], True)
    """
    a = _matrix("qr", "a", a, square=False)
    m, n = a.shape
    which = choice("formats.qr", "method", method, ("householder", "givens"))
    q, r = np.empty(m * m), np.empty(m * n)
    _core.qr(a.context._take(4 * m * max(m, n) + 1), which == 1, m, n, _flat(a._values), q, r)
    return _wrap(q.reshape(m, m), a.context), _wrap(r.reshape(m, n), a.context)


def givens(
    f: ArrayLike | EmulatedArray,
    g: ArrayLike | EmulatedArray,
    *,
    context: str | FloatFormat | Context | None = None,
    method: str = "paper",
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Givens rotations with every operation rounded: ``[c s; -conj(s) c] [f; g] = [r; 0]``, ``c >= 0``.

    Parameters
    ----------
    f, g : array_like, real or complex, or EmulatedArray
        Rounded to the format first, complex numbers part by part; they broadcast.
    context : str, FloatFormat or Context
        The format; not needed where `f` or `g` is an EmulatedArray.
    method : {"paper", "lapack_3_10", "lapack_3_9"}
        ``"paper"``: one division an entry, as in LAPACK from 3.11 on; ``"lapack_3_10"``: products by the
        rounded 1/d; ``"lapack_3_9"``: the complex formula of that release, for real numbers the paper's.

    Returns
    -------
    c, s, r : ndarray, the shape of f and g
        `c` real; `s` and `r` complex where `f` or `g` is. Values of the format in its carrier, float32 or
        float64.

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, unknown method.
    TypeError
        No format, or another one beside an EmulatedArray.

    Notes
    -----
    Exact: the formulas operation by operation. Squares are scaled where they would leave the format, with
    2^emin and its inverse as limits; only `r` can overflow. In float32 and float64 the results are those of
    native arithmetic bit for bit. Errors by method and format: ``tests/data/formats_givens.json``.

    References
    ----------
    .. [1] W. Pereira, A. Lotfi, J. Langou, "Numerical analysis of Givens rotation", arXiv:2211.04010.
    .. [2] E. Anderson, "Algorithm 978: Safe scaling in the level 1 BLAS", ACM Trans. Math. Softw. 44 (2017).

    Examples
    --------
    >>> c, s, r = givens(3.0, [4.0, 0.0], context="float16")
    >>> c.tolist(), s.tolist(), r.tolist()
    ([0.60009765625, 1.0], [0.7998046875, 0.0], [5.0, 3.0])
    >>> givens(60000.0, 10000.0, context="float16")[2].item()
    60832.0
    """
    like = next((x.context for x in (f, g) if isinstance(x, EmulatedArray)), None)
    if context is None and like is None:
        raise TypeError("formats.givens: context must be given where neither f nor g is an EmulatedArray")
    own = context if isinstance(context, Context) else Context(context) if context is not None else like
    assert own is not None
    which = choice("formats.givens", "method", method, _core.givens_methods)
    parts: list[tuple[NDArray[Any], NDArray[Any] | None]] = []
    for name, x in (("f", f), ("g", g)):
        if isinstance(x, EmulatedArray):
            if x.format != own.format:
                raise TypeError(
                    f"formats.givens: {name} must be of format {own.format.name!r}, got {x.format.name!r}; "
                    "cast it with astype"
                )
            parts.append((x._values.astype(np.float64), None))
            continue
        array = np.asarray(x)
        if array.dtype.kind == "c":
            parts.append((own._round(array.real), own._round(array.imag)))
        else:
            parts.append((own._round(x), None))
    is_complex = any(imaginary is not None for _, imaginary in parts)
    try:
        shape = np.broadcast_shapes(*(real.shape for real, _ in parts))
    except ValueError:
        raise ArgumentError(
            f"formats.givens: f and g must broadcast, got shapes {parts[0][0].shape} and {parts[1][0].shape}"
        ) from None
    operands = []
    for re, im in parts:
        operand = np.zeros((*shape, 2) if is_complex else shape)
        target = operand[..., 0] if is_complex else operand
        target[...] = re
        if im is not None:
            operand[..., 1] = im
        operands.append(operand)
    c = np.empty(shape)
    s, r = np.empty_like(operands[0]), np.empty_like(operands[0])
    _core.givens(own._take(c.size), which, is_complex, *(x.reshape(-1) for x in (*operands, c, s, r)))
    if is_complex:
        kind = np.complex64 if own.dtype == np.float32 else np.complex128
        s, r = (x.view(np.complex128)[..., 0].astype(kind) for x in (s, r))
        return c.astype(own.dtype), s, r
    return c.astype(own.dtype), s.astype(own.dtype), r.astype(own.dtype)


def _start(function: str, a: EmulatedArray, x0: Any) -> NDArray[np.float64]:
    n = a.shape[0]
    return np.zeros(n) if x0 is None else _vector(function, "x0", a, x0, n).copy()


def cg(
    a: EmulatedArray, b: Any, *, x0: Any = None, tol: float = 1e-6, max_iter: int | None = None
) -> tuple[EmulatedArray, SolveReport]:
    """Conjugate gradients with every operation rounded.

    Parameters
    ----------
    a : EmulatedArray, (n, n)
        Symmetric positive definite.
    b : EmulatedArray, (n,)
    x0 : EmulatedArray, (n,)
        Start; default zeros.
    tol : float
        Stops where the norm of the recursive residual is at most ``tol |b|``.
    max_iter : int
        Default ``10 n``.

    Returns
    -------
    x : EmulatedArray, (n,)
    report : SolveReport
        Not converged after `max_iter` iterations, or where ``p^T A p`` was not positive.

    Raises
    ------
    ArgumentError, TypeError
        Shapes or formats that do not agree.

    Examples
    --------
    >>> a = emulated(np.diag(np.arange(1.0, 9.0)), "float16")
    >>> x, report = cg(a, np.ones(8).tolist(), tol=1e-3)
    >>> report.converged, report.backward_error < 1e-3
    (True, True)
    """
    a = _matrix("cg", "a", a)
    n = a.shape[0]
    right, x = _vector("cg", "b", a, b, n), _start("cg", a, x0)
    most = 10 * n if max_iter is None else integer("formats.cg", "max_iter", max_iter, 0, 1 << 40)
    limit = real("formats.cg", "tol", tol, 0.0)
    report = _core.cg(a.context._take(1 << 40), n, _flat(a._values), right, x, limit, most)
    return _wrap(x, a.context), _report(report)


def gmres(
    a: EmulatedArray,
    b: Any,
    *,
    x0: Any = None,
    tol: float = 1e-6,
    restart: int = 50,
    max_iter: int | None = None,
) -> tuple[EmulatedArray, SolveReport]:
    """GMRES(m) with modified Gram-Schmidt and Givens rotations, every operation rounded.

    Parameters
    ----------
    a : EmulatedArray, (n, n)
    b : EmulatedArray, (n,)
    x0 : EmulatedArray, (n,)
        Start; default zeros.
    tol : float
        Stops where the residual norm of the recurrence is at most `tol` times that of the start.
    restart : int
        Dimension of the Krylov space.
    max_iter : int
        Default ``10 n``.

    Returns
    -------
    x : EmulatedArray, (n,)
    report : SolveReport

    Raises
    ------
    ArgumentError, TypeError
        Shapes or formats that do not agree.

    Examples
    --------
    >>> a = emulated(np.eye(6) + np.eye(6, k=1) / 2, "bfloat16")
    >>> x, report = gmres(a, np.ones(6).tolist(), tol=1e-2)
    >>> report.converged, report.backward_error < 1e-2
    (True, True)
    """
    a = _matrix("gmres", "a", a)
    n = a.shape[0]
    right, x = _vector("gmres", "b", a, b, n), _start("gmres", a, x0)
    most = 10 * n if max_iter is None else integer("formats.gmres", "max_iter", max_iter, 0, 1 << 40)
    cycle = integer("formats.gmres", "restart", restart, 1, 1 << 30)
    limit = real("formats.gmres", "tol", tol, 0.0)
    report = _core.gmres(a.context._take(1 << 40), n, _flat(a._values), right, x, limit, cycle, most)
    return _wrap(x, a.context), _report(report)


def _context(format: str | FloatFormat | Context) -> Context:
    return format if isinstance(format, Context) else Context(format)


def refine(
    a: ArrayLike,
    b: ArrayLike,
    *,
    factor: str | FloatFormat | Context = "float16",
    working: str | FloatFormat | Context = "float64",
    residual: str | FloatFormat | Context = "float64",
    method: str = "ir",
    scaling: bool = False,
    tol: float | None = None,
    max_iter: int = 60,
    inner_tol: float = 1e-4,
    inner_max_iter: int | None = None,
) -> tuple[NDArray[np.float64], SolveReport]:
    """Solve ``a x = b`` by iterative refinement in three formats.

    Parameters
    ----------
    a : array_like, (n, n)
    b : array_like, (n,)
    factor : format or Context
        LU factors are computed in it.
    working : format or Context
        Of the solution, the triangular solves and GMRES.
    residual : format or Context
        Of ``b - a x``.
    method : {"ir", "gmres"}
        Corrections by the factors, or by GMRES on the system preconditioned with them (GMRES-IR).
    scaling : bool
        Scale rows, columns and the whole by powers of two before factoring, to at most 0.1 of the largest
        value of `factor`: without it entries beyond that value overflow.
    tol : float
        Backward error to stop at; default 5e-16 or two units roundoff of `working`, whichever is larger.
    max_iter : int
    inner_tol, inner_max_iter : float, int
        Of GMRES; `inner_max_iter` defaults to n.

    Returns
    -------
    x : ndarray of float64, (n,)
        Values of `working`.
    report : SolveReport

    Raises
    ------
    ArgumentError
        Shapes that do not agree, values out of range.

    Notes
    -----
    With ``"ir"`` corrections converge while the condition number times the unit roundoff of `factor` is below
    about 1, with ``"gmres"`` far beyond that.

    References
    ----------
    .. [1] E. Carson, N. Higham, "Accelerating the solution of linear systems by iterative refinement in three
       precisions", SIAM J. Sci. Comput. 40 (2018).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(20, 20)) + 10 * np.eye(20)
    >>> x, report = refine(a, a.sum(1), factor="bfloat16")
    >>> report.converged, bool(abs(x - 1).max() < 1e-13)
    (True, True)
    """
    function = "formats.refine"
    matrix = np.ascontiguousarray(a, np.float64)
    right = np.ascontiguousarray(b, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ArgumentError(f"{function}: a must be a square matrix, got shape {matrix.shape}")
    n = matrix.shape[0]
    if right.shape != (n,):
        raise ArgumentError(f"{function}: b must have shape {(n,)}, got {right.shape}")
    for name, array in (("a", matrix), ("b", right)):
        if not np.isfinite(array).all():
            raise ArgumentError(f"{function}: {name} must be finite")
    which = choice(function, "method", method, ("ir", "gmres"))
    of_factor, of_work, of_residual = (_context(f)._take(1 << 40) for f in (factor, working, residual))
    x = np.empty(n)
    report = _core.refine(
        of_factor,
        of_work,
        of_residual,
        n,
        matrix.reshape(-1),
        right,
        x,
        which == 1,
        bool(scaling),
        0.0 if tol is None else real(function, "tol", tol, 0.0, open_low=True),
        real(function, "inner_tol", inner_tol, 0.0, open_low=True),
        integer(function, "max_iter", max_iter, 0, 1 << 30),
        0 if inner_max_iter is None else integer(function, "inner_max_iter", inner_max_iter, 1, 1 << 30),
    )
    return x, _report(report)
