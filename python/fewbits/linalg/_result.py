"""What an iterative method returns."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewbits.errors import ConvergenceError, ConvergenceWarning

__all__ = ["IterationInfo", "SolveResult", "finish"]


class IterationInfo(NamedTuple):
    """What a callback is given.

    Attributes
    ----------
    iteration : int
        From 1.
    residual : float
        The residual norm as the method carries it, not recomputed.

    Examples
    --------
    >>> IterationInfo(3, 0.5).iteration
    3
    """

    iteration: int
    residual: float


@dataclass(frozen=True)
class SolveResult:
    """Solution and how it was reached.

    Attributes
    ----------
    x : ndarray
        Shape and dtype of the right-hand side.
    status : str
        ``"converged"``, ``"max_iterations"``, ``"stagnated"`` (the residual no longer falls; `x` is the best
        seen), ``"indefinite"``, ``"nonfinite"`` or ``"user_stop"``. With several right-hand sides the worst
        of them, see `statuses`.
    iterations : int
        The most of any right-hand side.
    residual : float
        ``norm(b - A @ x)``, recomputed from `x`; the largest of several.
    target : float
        What it was to reach, ``max(tol * norm(b), atol)``, for that right-hand side.
    history : tuple of float
        Residual norms as the method carried them, from that of the first guess; of the right-hand side that
        took most iterations.
    replacements : int
        How often the carried residual was found wrong and replaced by the true one.
    fallbacks : int
        Of `conjugate_direction`: directions that had nothing of the residual in them.
    statuses : tuple of str
        One for each column of a two-dimensional right-hand side.

    Examples
    --------
    >>> from fewbits.linalg import cg
    >>> r = cg([[2.0, 0.0], [0.0, 1.0]], [2.0, 3.0])
    >>> r.status, r.iterations, r.x.tolist()
    ('converged', 2, [1.0, 3.0])
    """

    x: NDArray[Any]
    status: str
    iterations: int
    residual: float
    target: float
    history: tuple[float, ...]
    replacements: int = 0
    fallbacks: int = 0
    statuses: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether every residual reached its target."""
        return self.status == "converged"


_ORDER = ("converged", "user_stop", "max_iterations", "stagnated", "indefinite", "nonfinite")
_WHY = {
    "max_iterations": "max_iter was reached",
    "stagnated": "the true residual no longer falls; float64 or a better preconditioner may help",
    "indefinite": "the operator is not positive definite: {curvature:.3g} for p^T A p or r^T M r",
    "nonfinite": "a value was infinite or NaN",
}


def finish(
    function: str, x: NDArray[Any], reports: list[tuple[Any, ...]], raise_on_failure: bool, hint: str = ""
) -> SolveResult:
    """The result of one or several runs; warns or raises where one of them failed."""
    worst = max(range(len(reports)), key=lambda i: (_ORDER.index(reports[i][0]), reports[i][2]))
    status, _, residual, target, curvature = reports[worst][:5]
    longest = max(reports, key=lambda report: report[1])
    result = SolveResult(
        x=x,
        status=status,
        iterations=longest[1],
        residual=residual,
        target=target,
        history=tuple(longest[7]),
        replacements=sum(report[5] for report in reports),
        fallbacks=sum(report[6] for report in reports),
        statuses=tuple(report[0] for report in reports),
    )
    if status in _WHY:
        why = _WHY[status].format(curvature=curvature) + (hint if status == "indefinite" else "")
        message = (
            f"{function}: {why}; residual {residual:.3g} after {result.iterations} iterations, "
            f"wanted {target:.3g}"
        )
        if raise_on_failure:
            raise ConvergenceError(message, result.iterations, float(np.float64(residual)))
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return result
