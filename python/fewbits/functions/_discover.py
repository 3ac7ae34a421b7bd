"""Evolved straight-line approximations: the fewest operations for an error, and the programs that reach it.

A program is a few additions, multiplications and divisions of x and constants. `search` evolves programs
for a function on an interval, with their constants refined to the best approximation, and keeps the front
of error
against operations; `baselines` has the textbook's polynomials and quotients to compare with; `emit` writes
C++.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fewbits._arguments import choice, integer, real, seed_value, thread_count
from fewbits._core import functions as _core
from fewbits.errors import ArgumentError
from fewbits.functions._discover_fit import Fitter, polish, real_error, solve, starts_of
from fewbits.functions._discover_programs import OPERATIONS, Graph, Program
from fewbits.functions._discover_target import FUNCTIONS, Target, digits

__all__ = ["FUNCTIONS", "Front", "Program", "baselines", "emit", "refine", "remez", "search", "verify"]

MODES: Final = ("real", "float32")
SEEDS: Final = ("rational-even",)
_POPULATION, _CHILDREN, _SEEN, _PATIENCE = 64, 192, 20_000, 150
_CHECKPOINT_VERSION: Final = 1
F = Any
Progress = Callable[[int, float, "Front"], None]


# ---- the front ---------------------------------------------------------------------------------------------


@dataclass
class Front:
    """Programs none of which is beaten in both operations and error, by operations.

    Attributes
    ----------
    name : str
        The function.
    lo, hi : float
    mode : {"real", "float32"}
    programs : list of Program
    generations : int
    evaluated : int
        Fits made on the way.
    seconds : float
    interrupted : bool
        Whether Ctrl-C ended the search.
    """

    name: str
    lo: float
    hi: float
    mode: str
    programs: list[Program]
    generations: int = 0
    evaluated: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    scale: float | None = None

    def __getitem__(self, ops: int) -> Program:
        """The best program of at most so many operations."""
        fitting = [p for p in self.programs if p.ops <= ops]
        if not fitting:
            raise KeyError(ops)
        return fitting[-1]

    def table(self, digits: int = 8) -> str:
        """The front as text."""
        unit = "ulp" if self.mode == "float32" else "error"
        lines = [f"{'ops':>3}  {unit:>10}  {'in float64':>10}  program"]
        for p in self.programs:
            rounded = p.measured.get("float64", math.nan)
            shown = "" if math.isnan(rounded) else f"{rounded:.3e}"
            size = f"{p.error:.4f}" if self.mode == "float32" else f"{p.error:.3e}"
            lines.append(f"{p.ops:>3}  {size:>10}  {shown:>10}  {p.expression(digits)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back."""
        return {
            "function": self.name,
            "interval": [self.lo, self.hi],
            "mode": self.mode,
            "scale": self.scale,
            "generations": self.generations,
            "evaluated": self.evaluated,
            "seconds": self.seconds,
            "interrupted": self.interrupted,
            "programs": [p.as_dict() for p in self.programs],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Front:
        """The front of `as_dict`.

        Raises
        ------
        ArgumentError
            Something else.
        """
        try:
            lo, hi = (float(v) for v in record["interval"])
            return cls(
                str(record["function"]), lo, hi, str(record["mode"]),
                [Program.from_dict(p) for p in record["programs"]], int(record["generations"]),
                int(record["evaluated"]), float(record["seconds"]), bool(record["interrupted"]),
                record["scale"],
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise ArgumentError(
                f"functions.discover.Front: record must be one of as_dict, got {error!r}"
            ) from None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `as_dict` as JSON; the file appears when it is complete."""
        _write(Path(path), json.dumps(self.as_dict(), indent=1))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Front:
        """The front of a file of `save`."""
        return cls.from_dict(_read("functions.discover.Front.load", Path(path)))

    def plot(
        self, path: str | os.PathLike[str], others: Mapping[str, Sequence[Program]] | None = None
    ) -> None:
        """Draw error against operations into an image file (needs matplotlib).

        Parameters
        ----------
        path : path of an image file
        others : mapping, optional
            More programs to draw, such as `baselines`, by label.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise ArgumentError(
                "functions.discover.Front.plot: needs matplotlib: pip install matplotlib"
            ) from None
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for label, programs in {**(others or {}), "discovered": self.programs}.items():
            best = [(p.ops, p.error) for p in _undominated(list(programs))]
            marker = "o-" if label == "discovered" else "s--"
            axes.plot(*zip(*best, strict=True), marker, label=label)
        axes.set_yscale("log")
        axes.set_xlabel("operations")
        axes.set_ylabel("largest error, ulp" if self.mode == "float32" else "largest error")
        axes.set_title(f"{self.name} on [{self.lo:g}, {self.hi:g}]")
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(path)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    os.replace(part, path)


def _read(function: str, path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise ArgumentError(f"{function}: {path} must hold JSON: {error}") from None


def _undominated(programs: list[Program]) -> list[Program]:
    best: dict[int, Program] = {}
    for p in programs:
        if p.ops not in best or p.error < best[p.ops].error:
            best[p.ops] = p
    front: list[Program] = []
    for ops in sorted(best):
        if math.isfinite(best[ops].error) and (not front or best[ops].error < front[-1].error):
            front.append(best[ops])
    return front


# ---- forms -------------------------------------------------------------------------------------------------


@dataclass
class _Build:
    """A graph made by hand."""

    graph: Graph = field(default_factory=lambda: Graph([], [], -1))

    def constant(self, value: float) -> int:
        self.graph.constants.append(float(value))
        return -1 - len(self.graph.constants)

    def op(self, operation: str, *operands: int) -> int:
        self.graph.nodes.append((operation, operands))
        self.graph.out = len(self.graph.nodes) - 1
        return self.graph.out

    def multiply_add(self, a: int, b: int, c: int, fma: bool) -> int:
        return self.op("fma", a, b, c) if fma else self.op("add", self.op("mul", a, b), c)

    def horner(self, x: int, coefficients: Sequence[float], fma: bool = False) -> int:
        """c[0] + x (c[1] + x (...))"""
        total = self.constant(coefficients[-1])
        for c in coefficients[-2::-1]:
            total = self.multiply_add(total, x, self.constant(c), fma)
        return total

    def estrin(self, x: int, coefficients: Sequence[float], fma: bool = False) -> int:
        terms = [self.constant(c) for c in coefficients]
        power = x
        while len(terms) > 1:
            pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
            terms = [p[0] if len(p) == 1 else self.multiply_add(p[1], power, p[0], fma) for p in pairs]
            if len(terms) > 1:
                power = self.op("mul", power, power)
        self.graph.out = terms[0]
        return terms[0]

    def fraction(self, x: int, head: float, levels: Sequence[tuple[float, float]]) -> int:
        """head + b_1 / (x + a_1 + b_2 / (x + a_2 + ...)) for levels (b, a)."""
        inner: int | None = None
        for b, a in reversed(levels):
            total = self.op("add", x, self.constant(a))
            if inner is not None:
                total = self.op("add", total, inner)
            inner = self.op("div", self.constant(b), total)
        assert inner is not None
        return self.op("add", inner, self.constant(head))

    def squared(self, times: int) -> _Build:
        for _ in range(times):
            self.op("mul", self.graph.out, self.graph.out)
        return self


Numbers = Sequence[Decimal]


def _rational(x: Numbers, y: Numbers, m: int, n: int) -> tuple[list[Decimal], list[Decimal]] | None:
    """Numerator and monic denominator of a quotient near y, by linear least squares in relative error.

    With digits enough for normal equations: what float64 would leave undecided, an exchange would have to
    decide along curved valleys.
    """
    rows, right = [], []
    for v, w in zip(x, y, strict=True):
        powers = [Decimal(1)]  # 0 to the power 0 is none of decimal's
        for _ in range(max(m, n)):
            powers.append(powers[-1] * v)
        rows.append([p / w for p in powers[: m + 1]] + [-p for p in powers[:n]])
        right.append(powers[n])
    size = m + n + 1
    normal = [[sum((r[i] * r[j] for r in rows), Decimal(0)) for j in range(size)] for i in range(size)]
    against = [sum((r[i] * v for r, v in zip(rows, right, strict=True)), Decimal(0)) for i in range(size)]
    solution = solve(normal, against, "1e-70")
    if not all(v.is_finite() for v in solution):
        return None
    return solution[: m + 1], [*solution[m + 1 :], Decimal(1)]


def _levels(numerator: Numbers, denominator: Numbers) -> tuple[float, list[tuple[float, float]]] | None:
    """The continued fraction of a quotient of equal degrees."""
    n = len(denominator) - 1
    head = numerator[n]
    upper, lower = list(denominator), [a - head * b for a, b in zip(numerator, denominator, strict=True)][:n]
    levels = []
    while True:
        b = lower[-1]
        if b == 0:
            return None
        monic = [v / b for v in lower]
        degree = len(monic) - 1
        a = upper[degree] - (monic[degree - 1] if degree > 0 else 0)
        levels.append((float(b), float(a)))
        if degree == 0:
            return float(head), levels
        # What is left of upper - (x + a) monic, of a degree below that of monic.
        upper, lower = (
            monic,
            [
                u - a * v - (monic[i - 1] if i else 0)
                for i, (u, v) in enumerate(zip(upper, monic, strict=False))
            ][:degree],
        )


def _samples(target: Target, root: int) -> tuple[list[Decimal], list[Decimal]]:
    """Points, and the values of the 2^root-th root of the function."""
    points = target.nodes(49)
    values = [target(v) for v in points]
    for _ in range(root):
        values = [v.sqrt() for v in values]
    return [Decimal(v) for v in points], values


def _shift(y: Numbers) -> Decimal:
    """What makes values with a zero positive, so that relative errors make sense: 0 where there is none."""
    return Decimal(0) if min(y) > 0 or max(y) < 0 else 1 + 2 * max(abs(v) for v in y)


def _seeds(target: Target, max_ops: int, fma: bool) -> list[tuple[str, Graph]]:
    """Polynomials, continued fractions in x, and (q + x)/(q - x) with q a continued fraction in x^2."""
    found: list[tuple[str, Graph]] = []
    with digits(90):
        for root in range(4 if target.positive else 1):
            found += _forms(*_samples(target, root), root, max_ops, fma)
    return found


def _forms(x: Numbers, y: Numbers, root: int, max_ops: int, fma: bool) -> Iterator[tuple[str, Graph]]:
    shift = _shift(y)
    above = [v + shift for v in y]
    for degree in range(1, 9):
        if (1 if fma else 2) * degree + root <= max_ops:
            pair = _rational(x, above, degree, 0)
            if pair is not None:
                build = _Build()
                build.horner(-1, [float(c - (0 if k else shift)) for k, c in enumerate(pair[0])], fma)
                yield "polynomial", build.squared(root).graph
    for n in range(1, 5):
        pair = _rational(x, above, n, n) if 3 * n + root <= max_ops else None
        parts = None if pair is None else _levels(*pair)
        if parts is not None:
            build = _Build()
            build.fraction(-1, parts[0] - float(shift), parts[1])
            yield "fraction", build.squared(root).graph
    # y = (q + x)/(q - x): q = x (y + 1)/(y - 1), even where y(-x) = 1/y(x).
    good = [(v, w) for v, w in zip(x, y, strict=True) if v != 0 and w not in (1, -1)]
    u = [v * v for v, _ in good]
    q = [v * (w + 1) / (w - 1) for v, w in good]
    if len(good) < 20:
        return
    for n in range(4):
        if (3, 7, 10, 13)[n] + root > max_ops:
            continue
        build = _Build()
        if n == 0:
            inner = build.constant(float(sum(q) / len(q)))
        else:
            pair = _rational(u, q, n, n) if all(q) else None
            parts = None if pair is None else _levels(*pair)
            if parts is None:
                continue
            inner = build.fraction(build.op("mul", -1, -1), *parts)
        build.op("div", build.op("add", inner, -1), build.op("sub", inner, -1))
        yield "even", build.squared(root).graph
    pair = _rational(u, q, 1, 0) if all(q) else None
    if 6 + root <= max_ops and pair is not None:
        line = [float(c) for c in pair[0]]
        build = _Build()
        square = build.op("mul", -1, -1)
        inner = build.op("add", build.op("mul", square, build.constant(line[1])), build.constant(line[0]))
        build.op("div", build.op("add", inner, -1), build.op("sub", inner, -1))
        yield "even", build.squared(root).graph


# ---- evolution ---------------------------------------------------------------------------------------------


@dataclass
class _Individual:
    graph: Graph
    error: float
    exact: tuple[Decimal, ...] | None = None
    """Constants with 50 digits, and then `error` is that of exact arithmetic."""

    def program(self, origin: str) -> Program:
        return Program.of(self.graph, self.exact, error=self.error, origin=origin)


class _Search:
    """The state of a search: what a checkpoint holds."""

    def __init__(self, target: Target, ops: tuple[str, ...], max_ops: int, seed: int, threads: int) -> None:
        self.target, self.ops, self.max_ops, self.threads = target, ops, max_ops, threads
        self.rng = random.Random(seed)
        self.fitter = Fitter(target)
        self.generation = self.evaluated = 0
        self.population: list[_Individual] = []
        self.archive: dict[int, _Individual] = {}
        self.origin: dict[int, str] = {}
        self.runners: dict[int, list[_Individual]] = {}
        """The best structures of each cost."""
        self.seen: OrderedDict[str, int] = OrderedDict()
        # An epoch is a population from nothing; it ends when its own best have stood for some generations.
        # Every third one begins with the best of all before.
        self.epoch, self.gained = 0, 0
        self.local: dict[int, float] = {}

    def first(self) -> None:
        graphs = [Graph([("add", (-1, -2))], [1.0], 0), Graph([("mul", (-1, -2))], [1.0], 0)]
        allowed = [g for g in graphs if g.nodes[0][0] in self.ops]
        if not allowed:
            fill = (-1, -2, -3)[: 3 if self.ops[0] == "fma" else 2]
            allowed = [Graph([(self.ops[0], fill)], [1.0] * (len(fill) - 1), 0)]
        self.population = self._fitted(allowed, 2)

    def plant(self, graphs: Sequence[tuple[str, Graph]]) -> None:
        """Adds hand-made forms, each refined from its own constants."""
        for origin, form in graphs:
            if all(operation in self.ops for operation, _ in form.nodes):
                graph = form.simplified()
                # From the constants of the form itself, or where these are poor from a fit.
                constants, error = polish(self.target, graph)
                found = [_Individual(graph.copy(), error, tuple(constants))] if math.isfinite(error) else []
                if error > 1e-9:
                    found += self._fitted([graph], 0, steps=100, polish_all=True)
                self.evaluated += 1
                self.population += found
                for one in found:
                    self._record(one, origin)

    def _fitted(
        self, graphs: list[Graph], extra: int, *, steps: int = 30, polish_all: bool = False
    ) -> list[_Individual]:
        starts = [starts_of(self.rng, g.constants, extra) for g in graphs]
        errors = self.fitter.fit(graphs, starts, self.threads, steps)
        self.evaluated += len(graphs)
        found = []
        for graph, fitted in zip(graphs, errors, strict=True):
            one = _Individual(graph, fitted)
            best = self.archive.get(graph.ops)
            # Below this float64 says little: the rank among the best needs more digits.
            close = fitted < 3e-13 and (best is None or fitted < 1e-15 + 4 * best.error)
            if polish_all or close:
                constants, error = polish(self.target, graph)
                if math.isfinite(error) and (error < fitted or fitted < 1e-14):
                    one = _Individual(graph, error, tuple(constants))
            if math.isfinite(one.error):
                found.append(one)
        return found

    def _record(self, one: _Individual, origin: str) -> None:
        ops = one.graph.ops
        if ops > self.max_ops:
            return
        if ops not in self.archive or one.error < self.archive[ops].error:
            self.archive[ops] = one
            self.origin[ops] = origin
        runners = self.runners.setdefault(ops, [])
        key = one.graph.key()
        same = [r for r in runners if r.graph.key() == key]
        if same:
            if one.error < same[0].error:
                runners[runners.index(same[0])] = one
        else:
            runners.append(one)
        runners.sort(key=lambda r: r.error)
        del runners[8:]

    def step(self) -> None:
        """One generation."""
        rng = self.rng
        children: list[Graph] = []
        for _ in range(_CHILDREN):
            # Binary tournament; the population is sorted best first.
            a, b = rng.randrange(len(self.population)), rng.randrange(len(self.population))
            parent = self.population[min(a, b)]
            graph = parent.graph
            for _ in range(rng.choice((1, 1, 2, 3))):
                graph = graph.mutated(rng, self.ops, self.max_ops)
            if rng.random() < 0.1:
                graph = parent.graph.copy()
            key = graph.key()
            times = self.seen.pop(key, 0)
            self.seen[key] = times + 1
            if len(self.seen) > _SEEN:
                self.seen.popitem(last=False)
            if times < 4 and graph.usable():
                children.append(graph)
        offspring = self._fitted(children, 2)
        for one in offspring:
            self._record(one, "evolved")
            if one.error < 0.99 * self.local.get(one.graph.ops, math.inf):
                self.local[one.graph.ops] = one.error
                self.gained = self.generation
        self._select([*self.population, *offspring])
        self.generation += 1
        if self.generation - self.gained >= _PATIENCE:
            self.epoch += 1
            self.gained, self.local = self.generation, {}
            self.seen.clear()
            self.first()
            if self.epoch % 3 == 2:
                self._select([*self.population, *(o for group in self.runners.values() for o in group)])

    def _select(self, pool: list[_Individual]) -> None:
        """NSGA-II: fronts of (operations, error), the last one thinned by crowding; one of each structure."""
        unique: dict[str, _Individual] = {}
        for one in pool:
            key = one.graph.key()
            if key not in unique or one.error < unique[key].error:
                unique[key] = one
        left = sorted(unique.values(), key=lambda o: (o.graph.ops, o.error))
        chosen: list[_Individual] = []
        while left and len(chosen) < _POPULATION:
            front, rest, least = [], [], math.inf
            for one in left:
                if one.error < least:
                    least = one.error
                    front.append(one)
                else:
                    rest.append(one)
            room = _POPULATION - len(chosen)
            if len(front) > room:
                logs = [math.log10(max(o.error, 1e-300)) for o in front]
                width = {0: math.inf, len(front) - 1: math.inf}
                for i in range(1, len(front) - 1):
                    width[i] = (front[i + 1].graph.ops - front[i - 1].graph.ops) / self.max_ops + (
                        logs[i - 1] - logs[i + 1]
                    ) / max(logs[0] - logs[-1], 1e-9)
                order = sorted(range(len(front)), key=lambda i: -width[i])
                front = [front[i] for i in order[:room]]
            chosen += front
            left = rest
        self.population = chosen

    # ---- checkpoints ----

    def state(self, settings: dict[str, Any]) -> dict[str, Any]:
        def plain(one: _Individual) -> dict[str, Any]:
            return {
                "nodes": [[o, *a] for o, a in one.graph.nodes],
                "constants": one.graph.constants,
                "error": one.error,
                "exact": None if one.exact is None else [str(c) for c in one.exact],
            }

        kind, words, gauss = self.rng.getstate()
        return {
            "fewbits discover checkpoint": _CHECKPOINT_VERSION,
            "settings": settings,
            "generation": self.generation,
            "evaluated": self.evaluated,
            "epoch": [self.epoch, self.gained, list(self.local.items())],
            "random": [kind, list(words), gauss],
            "population": [plain(o) for o in self.population],
            "archive": [[ops, self.origin[ops], plain(o)] for ops, o in self.archive.items()],
            "runners": [[ops, [plain(o) for o in group]] for ops, group in self.runners.items()],
            "seen": list(self.seen.items()),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        def rich(record: Mapping[str, Any]) -> _Individual:
            nodes = [(str(row[0]), tuple(int(o) for o in row[1:])) for row in record["nodes"]]
            exact = record["exact"]
            return _Individual(
                Graph(nodes, [float(c) for c in record["constants"]], len(nodes) - 1),
                float(record["error"]),
                None if exact is None else tuple(Decimal(c) for c in exact),
            )

        kind, words, gauss = state["random"]
        self.rng.setstate((kind, tuple(words), gauss))
        self.generation, self.evaluated = int(state["generation"]), int(state["evaluated"])
        self.epoch, self.gained, local = state["epoch"]
        self.local = {int(ops): float(error) for ops, error in local}
        self.population = [rich(r) for r in state["population"]]
        self.archive = {int(ops): rich(r) for ops, _, r in state["archive"]}
        self.origin = {int(ops): str(origin) for ops, origin, _ in state["archive"]}
        self.runners = {int(ops): [rich(r) for r in group] for ops, group in state["runners"]}
        self.seen = OrderedDict((str(k), int(v)) for k, v in state["seen"])


def _operations(function: str, ops: Sequence[str]) -> tuple[str, ...]:
    if isinstance(ops, str) or not ops:
        raise ArgumentError(f"{function}: ops must be a sequence of operations, got {ops!r}")
    for o in ops:
        choice(function, "ops", o, OPERATIONS)
    if not set(ops) & {"add", "mul", "fma", "sub", "div"}:
        raise ArgumentError(f"{function}: ops must have one of add, sub, mul, div, fma, got {tuple(ops)}")
    return tuple(sorted(set(ops), key=OPERATIONS.index))


def search(
    f: F,
    lo: float,
    hi: float,
    ops: Sequence[str] = ("add", "sub", "mul", "div"),
    mode: str = "real",
    *,
    max_ops: int = 12,
    max_iter: int | None = None,
    seconds: float | None = 60.0,
    seed: int | np.random.Generator = 0,
    seeds: str | None = None,
    scale: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = True,
) -> Front:
    """Evolve programs for a function: the smallest error for each number of operations.

    Parameters
    ----------
    f : str or callable
        A name of `FUNCTIONS`, an expression in x such as ``"exp(-x*x)/2"``, both with 50 digits, or a
        function of a float that gives a float, a `decimal.Decimal` or an mpmath number.
    lo, hi : float
    ops : sequence of {"add", "sub", "mul", "div", "fma", "sqrt", "min", "max"}
    mode : {"real", "float32"}
        ``"real"``: the error of exact arithmetic. ``"float32"``: the error in units in the last place with
        all operations and constants in float32; structures evolve in ``"real"``, and the constants of the
        best ones are then tuned.
    max_ops : int in 1..40
        Operations that depend on x; constants are free.
    max_iter : int, optional
        Generations.
    seconds : float, optional
        Time; None with `max_iter`: no limit, and the result depends on the arguments alone.
    seed : int or numpy.random.Generator
    seeds : {"rational-even"}, optional
        Begin with polynomials, continued fractions, and (q + x)/(q - x) with q even, squared up to 3 times;
        otherwise with x + c and x c.
    scale : float, optional
        Errors over this rather than over the function, which must then be given if f has a zero.
    threads : int, optional
        0 for all CPUs. The result does not depend on it but through `seconds`.
    progress : callable, optional
        Called with (generation, seconds, front) after every generation, about.
    checkpoint : path, optional
        The state is written here every 30 seconds and at the end, also after Ctrl-C; a search with the same
        settings continues from it if `resume`.

    Returns
    -------
    Front
        Its programs carry their errors: in exact arithmetic from at least 60 points with parabolas between
        them, and in float64 arithmetic on 10001 points.

    Raises
    ------
    TypeError
        f is neither text nor callable.
    ArgumentError
        lo >= hi, a function that is not finite on the interval or has a zero there without `scale`, unknown
        names, a checkpoint of other settings.

    Notes
    -----
    Mutations insert, remove, rewire and replace instructions. Constants of every child are fitted from its
    parent's and from random ones by Levenberg-Marquardt steps, levelled by exchange steps in float64, and
    near the limits of float64 polished with 50 digits. NSGA-II keeps 64 of the parents and 192 children;
    the best of every cost is never lost. Ctrl-C ends the search and returns what there is.

    References
    ----------
    .. [1] E. Real et al., "AutoNumerics-Zero: Automated Discovery of State-of-the-Art Mathematical
       Functions",
       arXiv 2312.08472.
    .. [2] K. Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Trans.
       Evolutionary Computation 6 (2002).

    Examples
    --------
    >>> front = discover.search("exp2", 0, 1, max_ops=7, max_iter=1, seconds=None, seeds="rational-even")
    >>> front[7].ops, 1.19e-8 < front[7].error < 1.2e-8
    (7, True)
    """
    function = "functions.discover.search"
    allowed = _operations(function, ops)
    choice(function, "mode", mode, MODES)
    if seeds is not None:
        choice(function, "seeds", seeds, SEEDS)
    most = integer(function, "max_ops", max_ops, 1, 40)
    limit = None if max_iter is None else integer(function, "max_iter", max_iter, 0, 1 << 62)
    patience = None if seconds is None else real(function, "seconds", seconds, 0)
    if limit is None and patience is None:
        raise ArgumentError(f"{function}: max_iter or seconds must be given")
    target = Target(function, f, lo, hi, scale)
    if mode == "float32":
        _reference(function, target)
    key = seed_value(function, seed)
    count = thread_count(function, threads, 0)
    settings = {
        "function": target.name, "interval": [target.lo, target.hi], "ops": list(allowed), "max_ops": most,
        "seed": key, "seeds": seeds, "scale": target.scale,
    }  # fmt: skip
    state = _Search(target, allowed, most, key, count)
    path = None if checkpoint is None else Path(checkpoint)
    begun = last_saved = time.monotonic()
    interrupted = False

    def front(final: bool = False) -> Front:
        programs = [one.program(state.origin[n]) for n, one in state.archive.items()]
        found = Front(target.name, target.lo, target.hi, "real", _undominated(programs))
        found.generations, found.evaluated = state.generation, state.evaluated
        found.seconds, found.interrupted, found.scale = time.monotonic() - begun, interrupted, target.scale
        if final:
            found.programs = _undominated([_measured(target, p) for p in found.programs])
        return found

    def save() -> None:
        if path is not None:
            _write(path, json.dumps(state.state(settings)))

    try:
        if path is not None and resume and path.exists():
            record = _read(function, path)
            if not isinstance(record, dict) or "fewbits discover checkpoint" not in record:
                raise ArgumentError(f"{function}: checkpoint must be a file of this function, got {path}")
            if record["settings"] != settings:
                different = [k for k in settings if record["settings"].get(k) != settings[k]]
                raise ArgumentError(
                    f"{function}: checkpoint must be of the same search, got another {', '.join(different)}"
                )
            state.restore(record)
        else:
            state.first()
            if seeds is not None:
                state.plant(_seeds(target, most, "fma" in allowed))
            state._select([*state.population, *state.archive.values()])
        while (limit is None or state.generation < limit) and (
            patience is None or time.monotonic() - begun < patience
        ):
            state.step()
            now = time.monotonic()
            if progress is not None:
                progress(state.generation, now - begun, front())
            if now - last_saved > 30:
                save()
                last_saved = now
    except KeyboardInterrupt:
        interrupted = True
    except BaseException:
        if state.population:  # such as a signal that ends the process: what was found is kept
            save()
        raise
    save()
    if mode == "real":
        return front(final=True)
    return _float32_front(function, target, state, front())


def _measured(target: Target, program: Program) -> Program:
    """With constants polished, and the errors of exact and of float64 arithmetic."""
    graph = program.graph()
    constants, error = polish(target, graph)
    known = real_error(target, graph, program.constants)
    if not error < known:
        constants, error = list(program.constants), known
    else:
        error = real_error(target, graph, constants)
    better = replace(program, constants=tuple(constants), error=error)
    return replace(better, measured=_float64_error(target, better))


def _float64_error(target: Target, program: Program) -> dict[str, float]:
    points = 2001 if target.exact else 501
    x = np.linspace(target.lo, target.hi, points)
    y = program(x)
    worst = 0.0
    for v, got in zip(x.tolist(), y.tolist(), strict=True):
        error = float(abs((Decimal(got) - target(v)) * target.weight(v))) if math.isfinite(got) else math.inf
        worst = max(worst, error)
    return {"float64": worst, "points": float(points)}


# ---- float32 -----------------------------------------------------------------------------------------------


def _reference(function: str, target: Target) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The function in float64, for many arguments at once."""
    import fewbits.functions as ff

    named = getattr(ff, target.name, None) if target.name in FUNCTIONS else None
    if named is None:
        raise ArgumentError(
            f"{function}: f must be a function of fewbits.functions for float32 errors, got {target.name!r}"
        )
    return lambda x: np.asarray(named(x))


def _ordered(lo: float, hi: float) -> tuple[int, int]:
    """First and last float32 in [lo, hi], as integers that count floats in order."""

    def rank(x: np.float32) -> int:
        word = int(x.view(np.int32))
        return word if word >= 0 else -(word & 0x7FFFFFFF)

    first, last = np.float32(lo), np.float32(hi)
    first = np.nextafter(first, np.float32(np.inf)) if float(first) < lo else first
    last = np.nextafter(last, np.float32(-np.inf)) if float(last) > hi else last
    return rank(first), rank(last)


def _floats(first: int, count: int, every: int) -> NDArray[np.float32]:
    ranks = first + every * np.arange(count, dtype=np.int64)
    words = np.where(ranks >= 0, ranks, -ranks | 0x80000000).astype(np.uint32)
    return words.view(np.float32)


def verify(program: Program, f: F, lo: float, hi: float, *, every: int = 1) -> dict[str, float]:
    """The largest error of a float32 program over the floats of an interval, in units in the last place.

    Parameters
    ----------
    program : Program of mode "float32"
    f : str
        A function of `fewbits.functions`, whose float64 values are the reference (within 1e-15).
    lo, hi : float
    every : int
        1: all floats of the interval; n: each n-th, and both ends.

    Returns
    -------
    dict
        ``ulp``, ``worst_input`` and ``points``, the number of arguments.

    Raises
    ------
    ArgumentError
        Another program or function, an empty interval.

    Examples
    --------
    >>> best = discover.search("exp2", 0, 1, ops=("fma",), mode="float32", max_ops=3, max_iter=0)[3]
    >>> discover.verify(best, "exp2", 0, 1, every=1000)["ulp"] > 1000
    True
    """
    function = "functions.discover.verify"
    if program.mode != "float32":
        raise ArgumentError(f"{function}: program must be of mode 'float32', got {program.mode!r}")
    step = integer(function, "every", every, 1, 1 << 31)
    target = Target(function, f, lo, hi)
    reference = _reference(function, target)
    first, last = _ordered(target.lo, target.hi)
    code = program.graph().code().reshape(-1)
    constants = np.array([float(c) for c in program.constants], np.float32)
    worst, where, points = -1.0, math.nan, 0
    total, chunk = (last - first) // step + 1, 1 << 18
    for begin in range(0, total, chunk):
        x = _floats(first + begin * step, min(chunk, total - begin), step)
        if begin + chunk >= total:
            x = np.append(x, _floats(last, 1, 1))
        ulp, at = _core.worst_ulps(code, constants, x, reference(x.astype(np.float64)))
        points += len(x)
        if not ulp <= worst:
            worst, where = ulp, float(x[at])
    return {"ulp": worst, "worst_input": where, "points": float(points)}


def _float32_front(function: str, target: Target, state: _Search, found: Front) -> Front:
    """The best structures with constants of float32, tuned on a sample and measured on a finer one."""
    reference = _reference(function, target)
    first, last = _ordered(target.lo, target.hi)
    every = max(1, (last - first) // 20_000)
    count = (last - first) // every + 1
    # As many points spread over the reals as over the floats, most of which are tiny.
    grid = np.linspace(target.lo, target.hi, 20_001).astype(np.float32)
    x = np.unique(np.concatenate([_floats(first, count, every), grid]))
    wanted = reference(x.astype(np.float64))
    candidates = {g.graph.key(): g for group in state.runners.values() for g in group}
    for origin, graph in _seeds(target, state.max_ops, "fma" in state.ops):
        simple = graph.simplified()
        if all(o in state.ops for o, _ in simple.nodes) and simple.key() not in candidates:
            fitted = state._fitted([simple], 0, steps=100)
            candidates.update({one.graph.key(): one for one in fitted})
            state.origin.setdefault(simple.ops, origin)
    programs = []
    for one in candidates.values():
        constants = np.array([float(c) for c in one.exact or one.graph.constants], np.float32)
        code = one.graph.code().reshape(-1)
        if one.error > 2e-3 or not np.isfinite(constants).all():
            continue
        _core.tune_float32(code, constants, x, wanted, 4, 2000, 1)
        exact = [Decimal(float(c)) for c in constants]
        program = Program.of(
            one.graph, exact, mode="float32", origin=state.origin.get(one.graph.ops, "evolved")
        )
        fine = verify(program, target.name, target.lo, target.hi, every=max(1, (last - first) // 2_000_000))
        dense = np.linspace(target.lo, target.hi, 2_000_001).astype(np.float32)
        ulp, _ = _core.worst_ulps(code, constants, dense, reference(dense.astype(np.float64)))
        points = fine["points"] + len(dense)
        programs.append(replace(program, error=max(fine["ulp"], ulp), measured={"points": points}))
    return replace(found, mode="float32", programs=_undominated(programs))


# ---- what there is without a search ----------------------------------------------------------------------


def refine(program: Program, f: F, lo: float, hi: float, *, scale: float | None = None) -> Program:
    """The same structure with the constants of the least error on an interval.

    Parameters
    ----------
    program : Program
        Its constants are the start.
    f, lo, hi, scale : as for `search`

    Returns
    -------
    Program
        Of mode "real", with its errors.

    Raises
    ------
    ArgumentError
        As `search`; constants from which no finite error is found.

    Examples
    --------
    >>> line = discover.remez("exp", 0, 1, 1)
    >>> f"{discover.refine(line, 'exp', 0, 0.5).error:.4f}"
    '0.0156'
    """
    function = "functions.discover.refine"
    target = Target(function, f, lo, hi, scale)
    return _refined(function, target, program.graph(), program.origin)


def _refined(function: str, target: Target, graph: Graph, origin: str) -> Program:
    [error] = Fitter(target).fit([graph], [[graph.constants]], 1, 200)
    if not math.isfinite(error):
        raise ArgumentError(f"{function}: the program must be finite on the interval near its constants")
    return _measured(target, Program.of(graph, error=error, origin=origin))


def remez(
    f: F, lo: float, hi: float, degree: int | tuple[int, int], *, scale: float | None = None
) -> Program:
    """The best polynomial, or quotient of polynomials, of a degree.

    Parameters
    ----------
    f, lo, hi, scale : as for `search`
    degree : int, or (numerator, denominator)
        At most 15 in all.

    Returns
    -------
    Program
        Horner's scheme; the denominator has leading coefficient 1.

    Raises
    ------
    ArgumentError
        As `search`; a quotient that was not found.

    Notes
    -----
    Least squares, then exchange with 50 digits until the errors alternate at one level.

    References
    ----------
    .. [1] E. Remez, C. R. Acad. Sci. Paris 198 (1934).

    Examples
    --------
    >>> f"{discover.remez('exp2', 0, 1, 5).error:.3e}"
    '7.494e-08'
    >>> discover.remez("exp2", 0, 1, (2, 2)).ops
    8
    """
    function = "functions.discover.remez"
    target = Target(function, f, lo, hi, scale)
    if isinstance(degree, tuple):
        m = integer(function, "degree", degree[0], 0, 15)
        n = integer(function, "degree", degree[1], 0, 15 - m)
    else:
        m, n = integer(function, "degree", degree, 1, 15), 0
    graph = _quotient(target, m, n, 0)
    if graph is None:
        raise ArgumentError(f"{function}: no quotient of degree {degree} was found near {target.name}")
    return _refined(function, target, graph, "remez")


def _quotient(target: Target, m: int, n: int, root: int, estrin: bool = False) -> Graph | None:
    """Near the 2^root-th root of the function, squared as often."""
    with digits(90):
        x, y = _samples(target, root)
        shift = _shift(y)
        pair = _rational(x, [v + shift for v in y], m, n)
        if pair is None:
            return None
        above, below = pair
        # y + shift = P/Q, so y = (P - shift Q)/Q.
        numerator = [float(c - (shift * below[k] if k <= n else 0)) for k, c in enumerate(above)]
        denominator = [float(c) for c in below]
        if shift and m < n:
            return None
    build = _Build()
    if n == 0:
        (build.estrin if estrin else build.horner)(-1, numerator)
        return build.squared(root).graph
    top = build.horner(-1, numerator)
    # Monic: x + c first saves a multiplication.
    bottom = build.op("add", -1, build.constant(denominator[n - 1]))
    for c in denominator[: n - 1][::-1]:
        bottom = build.multiply_add(bottom, -1, build.constant(c), False)
    build.op("div", top, bottom)
    return build.squared(root).graph


def baselines(f: F, lo: float, hi: float, max_ops: int = 12, *, scale: float | None = None) -> list[Program]:
    """What the textbooks have: Taylor's and the best polynomials, and the best quotients, also of roots.

    Parameters
    ----------
    f, lo, hi, max_ops, scale : as for `search`

    Returns
    -------
    list of Program
        By operations, then error; ``origin`` tells the form: ``"taylor 3"``, ``"horner 4"``, ``"estrin 5"``,
        ``"quotient 2/2"``, with ``", squared 2"`` where the square root's square root is approximated.

    Raises
    ------
    ArgumentError
        As `search`.

    Notes
    -----
    Taylor's polynomials need a function with more digits than float64, and are about the middle.

    Examples
    --------
    >>> best = min(discover.baselines("exp2", 0, 1, 5), key=lambda program: program.error)
    >>> best.ops, best.origin, f"{best.error:.2e}"
    (5, 'quotient 1/1, squared 1', '2.17e-04')
    """
    function = "functions.discover.baselines"
    target = Target(function, f, lo, hi, scale)
    most = integer(function, "max_ops", max_ops, 2, 40)
    found: list[Program] = []

    def add(graph: Graph | None, origin: str, fit: bool = True) -> None:
        if graph is None or graph.ops > most:
            return
        if fit:
            try:
                found.append(_refined(function, target, graph, origin))
            except ArgumentError:
                return
        else:
            constants = [Decimal(c) for c in graph.constants]
            error = real_error(target, graph, constants)
            found.append(Program.of(graph, constants, error=error, origin=origin))

    for root in range(4 if target.positive else 1):
        suffix = f", squared {root}" if root else ""
        for m in range(1, 9):
            if 2 * m + root <= most:
                add(_quotient(target, m, 0, root), f"horner {m}{suffix}")
                if m > 1:
                    add(_quotient(target, m, 0, root, estrin=True), f"estrin {m}{suffix}")
        for n in range(1, 4):
            for m in range(5):
                if 2 * m + 2 * n + root <= most:
                    add(_quotient(target, m, n, root), f"quotient {m}/{n}{suffix}")
    if target.exact:
        for m in range(1, 9):
            if 2 * m <= most:
                build = _Build()
                build.horner(-1, _taylor(target, m))
                add(build.graph, f"taylor {m}", fit=False)
    return sorted(found, key=lambda p: (p.ops, p.error))


def _taylor(target: Target, degree: int) -> list[float]:
    """Taylor's polynomial about the middle, in powers of x: interpolation at points 1e-5 apart, 50 digits."""
    with digits():
        middle = (target.lo + target.hi) / 2
        h = (target.hi - target.lo) * 2.0**-14
        points = [middle + h * (i - degree / 2) for i in range(degree + 1)]
        xs = [Decimal(p) - Decimal(middle) for p in points]
        table = [target(p) for p in points]
        for order in range(1, degree + 1):  # divided differences
            for i in range(degree, order - 1, -1):
                table[i] = (table[i] - table[i - 1]) / (xs[i] - xs[i - order])
        # Newton's form to powers of x - middle, then of x.
        coefficients = [Decimal(0)]
        for i in range(degree, -1, -1):
            shifted = [Decimal(0), *coefficients]
            for j, c in enumerate(coefficients):
                shifted[j] -= xs[i] * c
            shifted[0] += table[i]
            coefficients = shifted
        coefficients = coefficients[: degree + 1]
        origin = Decimal(middle)
        result = [Decimal(0)]
        for c in reversed(coefficients):
            shifted = [Decimal(0), *result]
            for j, r in enumerate(result):
                shifted[j] -= origin * r
            shifted[0] += c
            result = shifted
        return [float(c) for c in result[: degree + 1]]


# ---- C++ ---------------------------------------------------------------------------------------------------


def emit(
    program: Program,
    name: str = "approximation",
    *,
    function: str = "f",
    interval: tuple[float, float] | None = None,
) -> str:
    """A C++ header that needs nothing but <cmath> and <cstddef>, with the measured bound in its comment.

    Parameters
    ----------
    program : Program
    name : str
        Of the functions: one of a number, one of arrays.
    function : str
        What the comment says is approximated.
    interval : (lo, hi), optional
        For the comment.

    Returns
    -------
    str

    Raises
    ------
    ArgumentError
        A name that C++ would not take.

    Notes
    -----
    Float64, or float32 for a float32 program, with constants in hexadecimal and std::fma for fma. Compile
    without -ffast-math and with -ffp-contract=off to get the bits of `Program.__call__`.

    Examples
    --------
    >>> header = discover.emit(discover.remez("exp", 0, 1, 1), "line")
    >>> [line for line in header.splitlines() if "inline" in line]
    ['inline double line(double x) {', 'inline void line(const double* x, double* y, std::size_t n) {']
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ArgumentError(f"functions.discover.emit: name must be a C++ identifier, got {name!r}")
    single = program.mode == "float32"
    kind, suffix = ("float", "F") if single else ("double", "")

    def literal(c: Decimal) -> str:
        return float(c).hex() + suffix

    def operand(o: int) -> str:
        return "x" if o == -1 else f"c{-2 - o}" if o <= -2 else f"t{o}"

    lines = []
    for i, (operation, operands) in enumerate(program.nodes):
        parts = [operand(o) for o in operands]
        symbol = {"add": "+", "sub": "-", "mul": "*", "div": "/"}.get(operation)
        if symbol:
            body = f" {symbol} ".join(parts)
        elif operation in ("min", "max"):
            body = f"{parts[0]} {'<' if operation == 'min' else '>'} {parts[1]} ? {parts[0]} : {parts[1]}"
        else:
            body = f"std::{operation}({', '.join(parts)})"
        lines.append(f"    const {kind} t{i} = {body};")
    where = "" if interval is None else f" on [{interval[0]:g}, {interval[1]:g}]"
    if single:
        bound = f"{program.error:.4f} ulp, measured on {program.measured.get('points', 0):.0f} floats"
    else:
        bound = f"{program.error:.3e} in exact arithmetic"
        if "float64" in program.measured:
            bound += (
                f", {program.measured['float64']:.3e} as computed here, measured on "
                f"{program.measured.get('points', 0):.0f} points"
            )
    constants = [f"    constexpr {kind} c{i} = {literal(c)};" for i, c in enumerate(program.constants)]
    return "\n".join(
        [
            f"// {function}{where} by {program.ops} operations. Largest error {bound}.",
            "// Compile without -ffast-math and with -ffp-contract=off.",
            "#pragma once",
            "",
            "#include <cmath>",
            "#include <cstddef>",
            "",
            f"inline {kind} {name}({kind} x) {{",
            *constants,
            *lines,
            f"    return t{len(program.nodes) - 1};",
            "}",
            "",
            f"inline void {name}(const {kind}* x, {kind}* y, std::size_t n) {{",
            f"    for (std::size_t i = 0; i < n; ++i) y[i] = {name}(x[i]);",
            "}",
            "",
        ]
    )
