"""Constants of programs: fits in float64 of many at once, and the best ones polished with 50 digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fewbits._core import functions as _core
from fewbits.functions._discover_programs import Graph, apply
from fewbits.functions._discover_target import Target, digits

__all__ = ["Fitter", "polish", "real_error", "solve", "starts_of"]

_PRECISION: Final = 50
Array = NDArray[np.float64]


class Fitter:
    """The points of a target in float64, and the kernel that fits programs to them."""

    def __init__(self, target: Target, nodes: int = 64, check: int = 201) -> None:
        def arrays(count: int) -> tuple[Array, Array, Array]:
            x = target.nodes(count)
            weight = [float(target.weight(v)) for v in x]
            wanted = [float(target(v) * target.weight(v)) for v in x]
            return np.array(x), np.array(weight), np.array(wanted)

        self._points = (*arrays(nodes), *arrays(check))

    def fit(
        self,
        graphs: Sequence[Graph],
        starts: Sequence[Sequence[Sequence[float]]],
        threads: int,
        steps: int = 30,
    ) -> list[float]:
        """Gives each graph the best constants found from its starts; errors on the check points."""
        if not graphs:
            return []
        codes = [g.code() for g in graphs]
        flat = np.concatenate(codes).reshape(-1)
        ends = np.cumsum([len(c) for c in codes]).astype(np.int32)
        sizes = [len(g.constants) for g in graphs]
        constant_ends = np.cumsum(sizes).astype(np.int32)
        given = [np.array(s, np.float64).reshape(-1) for s in starts]
        start_ends = np.cumsum([len(s) for s in given]).astype(np.int32)
        constants, errors = np.zeros(sum(sizes)), np.empty(len(graphs))
        all_starts = np.concatenate(given) if given else np.zeros(0)
        _core.fit_programs(
            flat,
            ends,
            constant_ends,
            all_starts,
            start_ends,
            *self._points,
            steps,
            threads,
            constants,
            errors,
        )
        for g, end, size in zip(graphs, constant_ends, sizes, strict=True):
            if size:
                g.constants = constants[end - size : end].tolist()
        return [float(e) if math.isfinite(e) else math.inf for e in errors]


def _run(graph: Graph, constants: Sequence[Decimal], x: Decimal) -> list[Decimal]:
    values: list[Decimal] = []
    for operation, operands in graph.nodes:
        taken = [x if o == -1 else constants[-2 - o] if o <= -2 else values[o] for o in operands]
        result = apply(operation, taken)
        values.append(result if isinstance(result, Decimal) else Decimal("nan"))
    return values


def _slopes(graph: Graph, constants: Sequence[Decimal], x: Decimal) -> list[Decimal]:
    """Derivatives of the value by the constants, backwards."""
    values = _run(graph, constants, x)
    adjoint = [Decimal(0)] * len(values)
    adjoint[-1] = Decimal(1)
    result = [Decimal(0)] * len(constants)

    def give(o: int, d: Decimal) -> None:
        if o >= 0:
            adjoint[o] += d
        elif o <= -2:
            result[-2 - o] += d

    for i in range(len(values) - 1, -1, -1):
        operation, operands = graph.nodes[i]
        g = adjoint[i]
        if g == 0:
            continue
        v = [x if o == -1 else constants[-2 - o] if o <= -2 else values[o] for o in operands]
        if operation in ("add", "sub"):
            give(operands[0], g)
            give(operands[1], g if operation == "add" else -g)
        elif operation in ("mul", "fma"):
            give(operands[0], g * v[1])
            give(operands[1], g * v[0])
            if operation == "fma":
                give(operands[2], g)
        elif operation == "div":
            give(operands[0], g / v[1])
            give(operands[1], -g * values[i] / v[1])
        elif operation == "sqrt":
            give(operands[0], g / (2 * values[i]))
        else:
            first = v[0] < v[1] if operation == "min" else v[0] > v[1]
            give(operands[0 if first else 1], g)
    return result


def solve(matrix: list[list[Decimal]], right: list[Decimal], tolerance: str = "1e-45") -> list[Decimal]:
    """Gaussian elimination with complete pivoting; unknowns without a pivot are 0."""
    rows, columns = len(matrix), len(matrix[0])
    a = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    order = list(range(columns))
    rank, first = 0, Decimal(0)
    for k in range(min(rows, columns)):
        size, i, j = max((abs(a[i][j]), i, j) for i in range(k, rows) for j in range(k, columns))
        if k == 0:
            first = size
        if size <= first * Decimal(tolerance):
            break
        a[k], a[i] = a[i], a[k]
        for row in a:
            row[k], row[j] = row[j], row[k]
        order[k], order[j] = order[j], order[k]
        for row in a[k + 1 :]:
            factor = row[k] / a[k][k]
            for m in range(k, columns + 1):
                row[m] -= factor * a[k][m]
        rank = k + 1
    x = [Decimal(0)] * columns
    for k in range(rank - 1, -1, -1):
        rest = a[k][columns] - sum((a[k][m] * x[order[m]] for m in range(k + 1, rank)), Decimal(0))
        x[order[k]] = rest / a[k][k]
    return x


class _Errors:
    """Weighted errors of a graph along the interval, and their extrema."""

    def __init__(self, target: Target, graph: Graph, points: int) -> None:
        self.target, self.graph = target, graph
        self.x = target.nodes(points)

    def at(self, constants: Sequence[Decimal], x: float) -> Decimal:
        value = _run(self.graph, constants, Decimal(x))[-1]
        error: Decimal = (value - self.target(x)) * self.target.weight(x)
        return error

    def extrema(self, constants: Sequence[Decimal]) -> list[tuple[float, Decimal]]:
        """One for each stretch of one sign, moved to the top of a parabola through its neighbours."""
        errors = [self.at(constants, x) for x in self.x]
        if any(not e.is_finite() for e in errors):
            return []
        found: list[int] = []
        for i, e in enumerate(errors):
            if e == 0:
                continue
            if found and (errors[found[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[found[-1]]):
                    found[-1] = i
            else:
                found.append(i)
        tops = []
        for i in found:
            x, e = self.x[i], errors[i]
            if 0 < i < len(errors) - 1:
                a, b, c = self.x[i - 1], x, self.x[i + 1]
                scaled = [float(v / e) for v in (errors[i - 1], e, errors[i + 1])]
                up, down = (b - a) * (scaled[1] - scaled[2]), (b - c) * (scaled[1] - scaled[0])
                if up != down:
                    at = b - 0.5 * ((b - a) * up - (b - c) * down) / (up - down)
                    if a < at < c:
                        better = self.at(constants, at)
                        if abs(better) > abs(e):
                            x, e = at, better
            tops.append((x, e))
        return tops


def real_error(target: Target, graph: Graph, constants: Sequence[Decimal], points: int = 400) -> float:
    """The largest error in exact arithmetic, from a dense grid and the tops between its points."""
    with digits(_PRECISION):
        tops = _Errors(target, graph, points).extrema(constants)
        return max((float(abs(e)) for _, e in tops), default=math.inf)


def _least_squares(errors: _Errors, constants: list[Decimal], steps: int = 25) -> list[Decimal]:
    """Damped Gauss-Newton steps with 50 digits: where float64 saw but noise, the way goes on."""
    target, graph, n = errors.target, errors.graph, len(constants)
    points = target.nodes(8 * (n + 1))

    def residuals(c: Sequence[Decimal]) -> list[Decimal]:
        return [errors.at(c, x) for x in points]

    current = residuals(constants)
    if any(not r.is_finite() for r in current):
        return constants
    square = sum((r * r for r in current), Decimal(0))
    damping = Decimal("1e-32")
    for _ in range(steps):
        scale = [c if c else Decimal(1) for c in constants]
        rows = []
        for x in points:
            weight = target.weight(x)
            slopes = _slopes(graph, constants, Decimal(x))
            rows.append([d * weight * s for d, s in zip(slopes, scale, strict=True)])
        normal = [[sum((r[i] * r[j] for r in rows), Decimal(0)) for j in range(n)] for i in range(n)]
        right = [-sum((r[i] * e for r, e in zip(rows, current, strict=True)), Decimal(0)) for i in range(n)]
        improved = False
        for _ in range(12):
            damped = [
                [v * (1 + damping) if i == j else v for j, v in enumerate(row)]
                for i, row in enumerate(normal)
            ]
            step = solve(damped, right)
            trial = [c + s * d for c, s, d in zip(constants, scale, step, strict=True)]
            after = residuals(trial)
            total = sum((r * r for r in after), Decimal(0))
            if total.is_finite() and total < square:
                improved = True
                break
            damping *= 100
        if not improved:
            break
        gain = square / total if total else Decimal("inf")
        constants, current, square = trial, after, total
        damping /= 1000
        if gain < Decimal("1.001") and damping < Decimal("1e-33"):
            break
    return constants


def _levelled(
    errors: _Errors, constants: list[Decimal], tops: list[tuple[float, Decimal]]
) -> list[Decimal] | None:
    """Constants nearer to errors of one magnitude at the given points, by Newton's method.

    Its first step leaves the curved valley of good constants, so the points stay until it is back; where
    it does not come back, it aims at a part of the way: errors (1 - part) e_i + level.
    """
    target, graph = errors.target, errors.graph
    start = [e for _, e in tops]
    signs = [1 if e > 0 else -1 for e in start]
    level = max(abs(e) for e in start)
    for part in ("1", "0.4", "0.15", "0.05", "0.015"):
        kept = [(1 - Decimal(part)) * e for e in start]
        moved, at = constants, start
        for _ in range(8):
            scale = [c if c else Decimal(1) for c in moved]
            matrix = []
            for (x, _), sign in zip(tops, signs, strict=True):
                weight = target.weight(x)
                slopes = _slopes(graph, moved, Decimal(x))
                matrix.append([*(d * weight * s for d, s in zip(slopes, scale, strict=True)), -sign * level])
            step = solve(matrix, [k - e for k, e in zip(kept, at, strict=True)])
            moved = [c + s * d for c, s, d in zip(moved, scale, step, strict=False)]
            at = [errors.at(moved, x) for x, _ in tops]
            if not all(e.is_finite() for e in at) or max(abs(e) for e in at) > level * 10**10:
                break
            sizes = [(e - k) * sign for e, k, sign in zip(at, kept, signs, strict=True)]
            if max(sizes) - min(sizes) <= level * Decimal("1e-9"):
                return moved
    return None


def polish(target: Target, graph: Graph, *, rounds: int = 40) -> tuple[list[Decimal], float]:
    """Constants with 50 digits whose errors alternate at one level, from good ones in float64."""
    try:
        return _polish(target, graph, rounds)
    except ArithmeticError:  # a pole, or a square root of a negative number, on the way
        return [Decimal(c) for c in graph.constants], math.inf


def _polish(target: Target, graph: Graph, rounds: int) -> tuple[list[Decimal], float]:
    n = len(graph.constants)
    with digits(_PRECISION):
        constants = [Decimal(c) for c in graph.constants]
        errors = _Errors(target, graph, max(60, 24 * (n + 2)))
        tops = errors.extrema(constants)
        if n and 0 < len(tops) <= n and max(abs(e) for _, e in tops) < Decimal("1e-9"):
            constants = _least_squares(errors, constants)  # float64 did not see the curve of the error
            tops = errors.extrema(constants)
        best, lowest = constants, max((abs(e) for _, e in tops), default=Decimal("inf"))
        if not tops or n == 0 or lowest == 0:
            return best, float(lowest) if tops else math.inf
        for _ in range(rounds):
            while len(tops) > n + 1:
                tops.pop(0 if abs(tops[0][1]) < abs(tops[-1][1]) else -1)
            if len(tops) < 2:
                break
            least = min(abs(e) for _, e in tops)
            if least > lowest * Decimal("0.999999") and constants is best:
                break
            nearer = _levelled(errors, constants, tops)
            if nearer is None:
                break
            constants = nearer
            tops = errors.extrema(constants)
            worst = max((abs(e) for _, e in tops), default=Decimal("inf"))
            if not tops or worst > lowest * 1000:
                break
            if worst < lowest:
                best, lowest = constants, worst
        return [+c for c in best], float(lowest)


def starts_of(rng: Any, constants: Sequence[float], count: int) -> list[list[float]]:
    """Where a fit begins: the constants themselves, near them, and anywhere."""
    starts = [list(constants)]
    if constants:
        starts += [
            [math.copysign(10.0 ** rng.uniform(-1.5, 2.5), rng.random() - 0.5) for _ in constants]
            for _ in range(count)
        ]
    return starts
