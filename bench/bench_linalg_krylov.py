"""Iterative solvers, one thread: time per iteration beside SciPy's cg, same matrix, same tolerance.

Five-point Poisson matrices with a right-hand side of ones, to 1e-8. Residuals and iterations are compared
before anything is timed.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: one thread each

import fewbits.linalg as fl
import numpy as np
from harness import Bench

POISSON = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]
# Grid, least speed over SciPy of CSR and of the stencil.
SIZES = ((63, 1 / 0.55, 1 / 0.2), (255, 1 / 0.8, 1 / 0.4), (511, 1 / 0.8, 1 / 0.4))


def matrix(n: int) -> Any:
    from scipy import sparse

    offsets, columns, values = fl.StencilOperator((n, n), POISSON).csr()
    return sparse.csr_matrix((values, columns.astype(np.int32), offsets.astype(np.int32)))


def check_scipy(a: Any, b: np.ndarray, steps: int) -> None:
    """Whether SciPy solves the same problem in as many iterations."""
    from scipy.sparse.linalg import cg

    counted: list[int] = []
    x, info = cg(a, b, rtol=1e-8, callback=lambda _: counted.append(1))
    residual = np.linalg.norm(b - a @ x) / np.linalg.norm(b)
    if info != 0 or abs(len(counted) - steps) > 2 or residual > 1.01e-8:
        raise SystemExit(f"SciPy took {len(counted)} iterations to {residual:.2g}, we {steps}")


def main() -> int:
    bench = Bench("linalg_krylov", title="Iterative solvers", peers=["scipy"])
    from scipy.sparse.linalg import cg

    for n, csr_target, stencil_target in SIZES[:1] if bench.options.quick else SIZES:
        a, b, stencil = matrix(n), np.ones(n * n), fl.StencilOperator((n, n), POISSON)
        steps = fl.cg(a, b).iterations
        check_scipy(a, b, steps)
        row = bench.row(
            f"Poisson {n} x {n}, {steps} iterations of cg",
            work=steps * n * n * 8,
            baseline="scipy",
            targets={"CSR": csr_target, "stencil": stencil_target},
        )
        row.add("CSR", lambda a=a, b=b: fl.cg(a, b))
        row.add("stencil", lambda s=stencil, b=b: fl.cg(s, b))
        row.add("scipy", lambda a=a, b=b: cg(a, b, rtol=1e-8), package="scipy")
        single, right = a.astype(np.float32), b.astype(np.float32)
        row.add("CSR float32, as many iterations", lambda s=single, r=right, k=steps: limited(s, r, k))
        row.run()
        omega = 2 / (1 + 2 * np.sin(np.pi / (2 * (n + 1))))
        row = bench.row(f"Poisson {n} x {n}, to 1e-8, with a preconditioner", work=n * n * 8, baseline="cg")
        row.add("cg", lambda a=a, b=b: fl.cg(a, b))
        row.add("MIC(0)", lambda a=a, b=b: fl.cg(a, b, fl.incomplete_cholesky(a, modified=0.97)))
        row.add("SSOR", lambda a=a, b=b, w=omega: fl.cg(a, b, fl.ssor(a, w)))
        row.run()
    return bench.finish()


def limited(a: Any, b: np.ndarray, steps: int) -> None:
    """So many iterations, whatever they reach."""
    fl.cg(a, b, tol=0.0, max_iter=steps, callback=lambda info: info.iteration == steps)


if __name__ == "__main__":
    sys.exit(main())
