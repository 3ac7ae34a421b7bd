"""Solvers from Python: operators of every kind, honest answers, messages, beside SciPy."""

from __future__ import annotations

import warnings
from typing import Any

import fewbits.linalg as fl
import numpy as np
import pytest
from fewbits.errors import ArgumentError, ConvergenceError, ConvergenceWarning
from hypothesis import given, settings
from hypothesis import strategies as st

POISSON = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]


def poisson(n: int, dtype: Any = np.float64) -> Any:
    sparse = pytest.importorskip("scipy.sparse")
    offsets, columns, values = fl.StencilOperator((n, n), POISSON).csr()
    return sparse.csr_matrix((values.astype(dtype), columns.astype(np.int32), offsets.astype(np.int32)))


def test_every_kind_of_operator_gives_the_same_counts() -> None:
    sla = pytest.importorskip("scipy.sparse.linalg")
    n = 31
    a, b = poisson(n), np.ones(n * n)
    wide = a.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    dense = a.toarray()
    reference = np.linalg.solve(dense, b)
    kinds = [a, wide, a.tocoo(), dense, dense.tolist(), sla.aslinearoperator(a), lambda x: a @ x]
    kinds += [fl.StencilOperator((n, n), POISSON), np.asfortranarray(dense), dense[::-1, ::-1]]
    for kind in kinds:
        for solve in (fl.cg, fl.gmres):
            r = solve(kind, b, tol=1e-10, **({"restart": 200} if solve is fl.gmres else {}))
            assert r.status == "converged"
            assert np.linalg.norm(r.x - reference) <= 1e-8 * np.linalg.norm(reference)
            assert r.residual == pytest.approx(np.linalg.norm(b - a @ r.x), rel=1e-6)
            assert r.target == pytest.approx(1e-10 * np.linalg.norm(b))
            assert len(r.history) == r.iterations + 1


def test_scipy_says_success_where_the_truth_is_another() -> None:
    """The case of the documentation: float32, 255 x 255."""
    sla = pytest.importorskip("scipy.sparse.linalg")
    a, b = poisson(255, np.float32), np.ones(255 * 255, np.float32)
    x, info = sla.cg(a, b, rtol=1e-4)

    def relative(x: np.ndarray) -> float:
        return float(np.linalg.norm(b - a.astype(float) @ x.astype(float)) / np.linalg.norm(b.astype(float)))

    true = relative(x)
    assert info == 0
    assert true > 1e-3
    with pytest.warns(ConvergenceWarning, match="no longer falls"):
        r = fl.cg(a, b, tol=1e-4)
    assert r.status == "stagnated"
    assert r.x.dtype == np.float32
    assert relative(r.x) < true / 3
    assert fl.cg(a.astype(np.float64), b.astype(np.float64), tol=1e-4).converged


def test_preconditioners() -> None:
    a, b = poisson(63), np.ones(63 * 63)
    omega = 2 / (1 + 2 * np.sin(np.pi / 128))
    made = (None, fl.incomplete_cholesky(a), fl.incomplete_cholesky(a, modified=0.97), fl.ssor(a, omega))
    assert [fl.cg(a, b, m).iterations for m in made] == [118, 51, 30, 34]
    m = fl.ssor(a, 1.3)
    r = np.random.default_rng(1).normal(size=a.shape[0])
    lower = np.tril(a.toarray(), -1)
    d = np.diag(a.diagonal())
    want = np.linalg.solve(d + 1.3 * lower.T, d @ np.linalg.solve(d + 1.3 * lower, r))
    np.testing.assert_allclose(m @ r, want, rtol=1e-12)
    with pytest.warns(ConvergenceWarning, match=r"conjugate_direction takes a preconditioner"):
        assert fl.cg(a, b, lambda r: -r).status == "indefinite"
    assert fl.gmres(a, b, fl.incomplete_cholesky(a), flexible=True).converged
    assert fl.conjugate_direction(a, b, fl.incomplete_cholesky(a)).iterations == 51


def test_columns_and_shapes() -> None:
    a = poisson(12)
    b = np.random.default_rng(2).normal(size=(144, 3))
    b[:, 1] = 0
    r = fl.cg(a, b)
    assert r.statuses == ("converged",) * 3
    assert r.x.shape == (144, 3)
    np.testing.assert_allclose(a @ r.x, b, atol=1e-6)
    np.testing.assert_array_equal(r.x[:, 1], 0)
    single = fl.cg(a, b[:, :1])
    assert single.x.shape == (144, 1)
    np.testing.assert_array_equal(single.x[:, 0], fl.cg(a, b[:, 0]).x)
    np.testing.assert_array_equal(fl.cg(a, b[::-1, 0][::-1]).x, fl.cg(a, b[:, 0].copy()).x)
    assert fl.cg(np.zeros((0, 0)), np.zeros(0)).x.shape == (0,)
    assert fl.cg([[4]], [8]).x.tolist() == [2.0]
    assert fl.cg([[True]], [True]).x.tolist() == [1.0]
    frozen = np.ones(144)
    frozen.flags.writeable = False
    start = fl.cg(a, frozen).x
    assert fl.cg(a, frozen, x0=start, tol=1e-6).iterations == 0


def test_callback_and_limits() -> None:
    a, b = poisson(20), np.ones(400)
    seen: list[fl.IterationInfo] = []

    def stop(info: fl.IterationInfo) -> bool:
        seen.append(info)
        return info.iteration == 4

    r = fl.cg(a, b, callback=stop)
    assert (r.status, r.iterations, [i.iteration for i in seen]) == ("user_stop", 4, [1, 2, 3, 4])
    assert [i.residual for i in seen] == list(r.history[1:])
    with pytest.warns(ConvergenceWarning, match=r"linalg.cg: max_iter was reached; residual .* after 3 it"):
        assert fl.cg(a, b, max_iter=3).status == "max_iterations"
    with pytest.raises(ConvergenceError, match="max_iter") as caught:
        fl.cg(a, b, max_iter=3, raise_on_failure=True)
    assert caught.value.iterations == 3
    assert caught.value.residual > 0

    def broken(x: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        fl.cg(broken, b)
    with pytest.raises(ZeroDivisionError, match="mine"):
        fl.gmres(a, b, broken)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]))
def test_random_systems(n: int, seed: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    m = rng.normal(size=(n, n))
    a, b = (m @ m.T + n * np.eye(n)).astype(dtype), rng.normal(size=n).astype(dtype)
    tol = 1e-4 if dtype == np.float32 else 1e-10
    directed = fl.conjugate_direction(a, b, lambda r: r, tol=tol)
    for r in (fl.cg(a, b, tol=tol), fl.gmres(a, b, tol=tol), directed):
        assert r.converged
        assert r.x.dtype == dtype
        assert np.linalg.norm(b - a @ r.x) <= 1.01 * tol * np.linalg.norm(b) + 1e-6 * (dtype == np.float32)
    unsymmetric = (m + 3 * n * np.eye(n)).astype(dtype)
    assert fl.gmres(unsymmetric, b, tol=tol).converged


def test_messages() -> None:
    a, b = poisson(5), np.ones(25)
    cases: list[tuple[type[Exception], str, Any]] = [
        (ArgumentError, r"b must have 25 rows .* got shape \(24,\)", lambda: fl.cg(a, b[:24])),
        (ArgumentError, r"b must be finite, got nan at \(3,\)", lambda: fl.cg(a, [1, 1, 1, np.nan])),
        (ArgumentError, r"A must be square, got shape \(2, 3\)", lambda: fl.cg(np.ones((2, 3)), [1, 1])),
        (
            ArgumentError,
            r"A must be finite, got inf at \(0, 1\)",
            lambda: fl.cg([[1, np.inf], [0, 1]], [1] * 2),
        ),
        (TypeError, r"A must be real, got complex128", lambda: fl.cg(np.eye(2) * 1j, [1, 1])),
        (TypeError, r"b must be real, got complex128", lambda: fl.cg(np.eye(2), np.ones(2) * 1j)),
        (ArgumentError, r"tol must be at least 0 and finite, got -1", lambda: fl.cg(a, b, tol=-1)),
        (ArgumentError, r"max_iter must be in", lambda: fl.cg(a, b, max_iter=0)),
        (
            ArgumentError,
            r"x0 must have the shape of b, \(25,\)",
            lambda: fl.cg(a, b, x0=np.ones(5)),
        ),
        (ArgumentError, r"A must return shape \(25,\), got \(24,\)", lambda: fl.cg(lambda x: x[:-1], b)),
        (ArgumentError, r"omega must be in \(0, 2\), got 2", lambda: fl.sor(a, b, 2.0)),
        (TypeError, r"A must be a sparse matrix", lambda: fl.sor(np.eye(3), np.ones(3))),
        (fl.LinAlgError, r"the pivot of row 1 is", lambda: fl.incomplete_cholesky(broken_matrix())),
        (ArgumentError, r"weights must have shape \(3, 3\)", lambda: fl.StencilOperator((4, 4), [1, 2, 1])),
        (TypeError, r"callback must be callable", lambda: fl.cg(a, b, callback=3)),  # type: ignore[arg-type]
        (ArgumentError, r"restart must be in", lambda: fl.gmres(a, b, restart=0)),
    ]
    for kind, message, call in cases:
        with pytest.raises(kind, match=message):
            call()


def broken_matrix() -> Any:
    a = poisson(5)
    a.data[0] = 0.1
    return a


def test_relaxation() -> None:
    a, b = poisson(10), np.ones(100)
    assert [fl.sor(a, b, w).iterations for w in (1, 1.2, 1.5, 1.6, 1.9)] == [223, 145, 62, 43, 187]
    assert [fl.sor(fl.StencilOperator((10, 10), POISSON), b, w).iterations for w in (1, 1.6)] == [223, 43]
    with pytest.warns(ConvergenceWarning, match=r"max_iter"):
        assert not fl.sor(a, b, 1.0, max_iter=10).converged
    x = fl.sor(a, b, 1.5, tol=1e-12).x
    np.testing.assert_allclose(a @ x, b, atol=1e-10)


def test_nothing_is_warned_about_success() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fl.cg(poisson(8), np.ones(64)).converged
