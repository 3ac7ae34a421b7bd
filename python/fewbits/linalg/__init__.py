"""Linear algebra that trades exactness for cost: iterative solvers with an honest stopping rule,
preconditioners, and policies that learn a parameter over many systems."""

from __future__ import annotations

from fewbits.errors import LinAlgError
from fewbits.linalg._krylov import cg, conjugate_direction, gmres, sor
from fewbits.linalg._operators import StencilOperator, incomplete_cholesky, ssor
from fewbits.linalg._policies import ChebCB, TsallisInf, TsallisInfCB
from fewbits.linalg._result import IterationInfo, SolveResult

__all__ = [
    "ChebCB",
    "IterationInfo",
    "LinAlgError",
    "SolveResult",
    "StencilOperator",
    "TsallisInf",
    "TsallisInfCB",
    "cg",
    "conjugate_direction",
    "gmres",
    "incomplete_cholesky",
    "sor",
    "ssor",
]
