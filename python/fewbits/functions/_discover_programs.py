"""Straight-line programs: what they are, how they change, and their text."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._core import functions as _core
from fewbits.errors import ArgumentError

__all__ = ["COMMUTATIVE", "OPERATIONS", "Graph", "Program"]

OPERATIONS: Final = ("add", "sub", "mul", "div", "fma", "sqrt", "min", "max")
"""In the order of the C++ enumeration."""
COMMUTATIVE: Final = frozenset({"add", "mul", "min", "max"})
_ARITY: Final = {"sqrt": 1, "fma": 3}
_SYMBOL: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def arity(operation: str) -> int:
    return _ARITY.get(operation, 2)


X: Final = -1
"""The operand x; constants are -2, -3, ..., instructions 0, 1, ..."""


@dataclass
class Graph:
    """A program while it evolves: instructions in order, and floats for the constants."""

    nodes: list[tuple[str, tuple[int, ...]]]
    constants: list[float]
    out: int

    def copy(self) -> Graph:
        return Graph(list(self.nodes), list(self.constants), self.out)

    @property
    def ops(self) -> int:
        return len(self.nodes)

    def simplified(self) -> Graph:
        """Without dead, constant and repeated instructions, in canonical order of operands."""
        place: dict[int, int] = {X: X}
        nodes: list[tuple[str, tuple[int, ...]]] = []
        values = dict(enumerate(self.constants))
        known: dict[tuple[str, tuple[int, ...]], int] = {}

        def constant(value: float) -> int:
            values[len(values)] = value
            return -1 - len(values)

        for i, (operation, operands) in enumerate(self.nodes):
            at = [place.get(o, o) for o in operands]
            if all(o <= -2 for o in at):
                place[i] = constant(_apply(operation, [values[-2 - o] for o in at]))
                continue
            if operation in ("sub", "div") and at[0] == at[1]:
                place[i] = constant(0.0 if operation == "sub" else 1.0)
                continue
            if operation in COMMUTATIVE or operation == "fma":
                at[:2] = sorted(at[:2], key=lambda o: max(o, -2))  # constants are alike
            key = (operation, tuple(at))
            if key not in known:
                known[key] = len(nodes)
                nodes.append(key)
            place[i] = known[key]
        out = place.get(self.out, self.out)
        alive: set[int] = set()
        pending = [out]
        while pending:
            o = pending.pop()
            if o >= 0 and o not in alive:
                alive.add(o)
                pending.extend(nodes[o][1])
        order = {o: i for i, o in enumerate(sorted(alive))}
        constants: list[float] = []
        names: dict[int, int] = {}

        def final(o: int) -> int:
            if o >= 0:
                return order[o]
            if o == X:
                return X
            if o not in names:
                names[o] = -2 - len(constants)
                constants.append(values[-2 - o])
            return names[o]

        kept = [(nodes[o][0], tuple(map(final, nodes[o][1]))) for o in sorted(alive)]
        return Graph(kept, constants, final(out))

    def key(self) -> str:
        """The structure of a simplified graph, without the values of constants."""
        return ";".join(f"{o}{a}" for o, a in self.nodes) + f">{self.out}"

    def usable(self) -> bool:
        """Whether there is anything to fit: an instruction for the value."""
        return self.out >= 0 and self.out == len(self.nodes) - 1

    def code(self) -> NDArray[np.int32]:
        """Rows of the C++ program, whose registers are x, the constants, the instructions."""
        shift = 1 + len(self.constants)

        def register(o: int) -> int:
            return 0 if o == X else -1 - o if o <= -2 else shift + o

        rows = [
            [OPERATIONS.index(operation), *[*map(register, operands), 0, 0][:3]]
            for operation, operands in self.nodes
        ]
        return np.array(rows, np.int32)

    # ---- change ----

    def mutated(self, rng: random.Random, ops: Sequence[str], max_ops: int) -> Graph:
        """A neighbour with another structure: insert 1, remove 2, rewire 3, replace an operation 2."""
        before = self.key()
        graph = self
        for _ in range(40):
            graph = graph.copy()
            kind = rng.choices(("insert", "remove", "rewire", "replace"), (3, 2, 3, 2))[0]
            if kind == "insert" or not graph.nodes:
                graph._insert(rng, ops)
            elif kind == "remove":
                graph._remove(rng)
            elif kind == "rewire":
                graph._rewire(rng)
            else:
                graph._replace(rng, ops)
            simple = graph.simplified()
            if simple.usable() and simple.ops <= max_ops and simple.key() != before:
                return simple
            if len(graph.nodes) > max_ops + 4:
                graph = self
        return self

    def _new_constant(self, rng: random.Random) -> int:
        self.constants.append(math.copysign(10.0 ** rng.uniform(-2, 2), rng.random() - 0.5))
        return -1 - len(self.constants)

    def _source(self, rng: random.Random, before: int) -> int:
        """Something that stands before instruction `before`."""
        pick = rng.random()
        if pick < 0.4:
            return self._new_constant(rng)
        if pick < 0.65 or before == 0:
            return X
        return rng.randrange(before)

    def _insert(self, rng: random.Random, ops: Sequence[str]) -> None:
        """A new instruction on an edge, the value of the program counting as one."""
        edges = [(i, slot) for i, (_, operands) in enumerate(self.nodes) for slot in range(len(operands))]
        edges.append((len(self.nodes), 0))
        at, slot = rng.choice(edges)
        source = self.out if at == len(self.nodes) else self.nodes[at][1][slot]
        operation = rng.choice(list(ops))
        operands = [source, *(self._source(rng, at) for _ in range(arity(operation) - 1))]
        if len(operands) > 1 and rng.random() < 0.5:
            operands[0], operands[1] = operands[1], operands[0]
        moved = [(o, tuple(a + 1 if a >= at else a for a in operands_)) for o, operands_ in self.nodes[at:]]
        self.nodes[at:] = [(operation, tuple(operands)), *moved]
        if at == len(moved) + at and not moved:
            self.out = at
        else:
            self.out += self.out >= at
            name, old = self.nodes[at + 1]
            new = list(old)
            new[slot] = at
            self.nodes[at + 1] = (name, tuple(new))

    def _remove(self, rng: random.Random) -> None:
        at = rng.randrange(len(self.nodes))
        heir = rng.choice(self.nodes[at][1])

        def moved(o: int) -> int:
            return heir if o == at else o - (o > at)

        self.nodes = [(o, tuple(map(moved, a))) for i, (o, a) in enumerate(self.nodes) if i != at]
        self.out = moved(self.out)

    def _rewire(self, rng: random.Random) -> None:
        at = rng.randrange(len(self.nodes))
        operation, operands = self.nodes[at]
        new = list(operands)
        new[rng.randrange(len(new))] = self._source(rng, at)
        self.nodes[at] = (operation, tuple(new))

    def _replace(self, rng: random.Random, ops: Sequence[str]) -> None:
        at = rng.randrange(len(self.nodes))
        operation, operands = self.nodes[at]
        others = [o for o in ops if arity(o) == arity(operation) and o != operation]
        if rng.random() < 0.3 or not others:
            self.nodes[at] = (operation, tuple(reversed(operands)))
        else:
            self.nodes[at] = (rng.choice(others), operands)


def _apply(operation: str, v: Sequence[Any]) -> Any:
    """One operation on numbers of one kind; nan where it has no value."""
    try:
        if operation == "add":
            return v[0] + v[1]
        if operation == "sub":
            return v[0] - v[1]
        if operation == "mul":
            return v[0] * v[1]
        if operation == "div":
            return v[0] / v[1]
        if operation == "fma":
            return v[0] * v[1] + v[2]
        if operation == "sqrt":
            return v[0].sqrt() if isinstance(v[0], Decimal) else math.sqrt(v[0])
        return min(v[0], v[1]) if operation == "min" else max(v[0], v[1])
    except (ArithmeticError, ValueError):
        return math.nan


def apply(operation: str, operands: Sequence[Any]) -> Any:
    return _apply(operation, operands)


@dataclass(frozen=True)
class Program:
    """A straight-line program with its constants and its error.

    Attributes
    ----------
    nodes : tuple of (operation, operands)
        Operand -1 is x, -2, -3, ... are the constants, 0, 1, ... earlier instructions; the last
        instruction is the value.
    constants : tuple of Decimal
        For ``"real"`` mode with 30 digits, for ``"float32"`` the floats themselves.
    mode : {"real", "float32"}
    error : float
        Largest relative error (or over `scale`) of the program in exact arithmetic; for ``"float32"`` the
        largest error in units in the last place.
    measured : mapping
        ``"float64"``: the largest error in float64 arithmetic; ``"points"``: on how many arguments it was
        measured.
    origin : str
    """

    nodes: tuple[tuple[str, tuple[int, ...]], ...]
    constants: tuple[Decimal, ...]
    mode: str = "real"
    error: float = math.inf
    measured: Mapping[str, float] = field(default_factory=dict)
    origin: str = "evolved"

    @classmethod
    def of(cls, graph: Graph, constants: Iterable[Any] | None = None, **more: Any) -> Program:
        values = graph.constants if constants is None else constants
        return cls(
            tuple(graph.nodes), tuple(v if isinstance(v, Decimal) else Decimal(v) for v in values), **more
        )

    @property
    def ops(self) -> int:
        """Instructions that depend on x; constants are free."""
        return len(self.nodes)

    def graph(self) -> Graph:
        return Graph(list(self.nodes), [float(c) for c in self.constants], len(self.nodes) - 1)

    def __call__(self, x: ArrayLike) -> NDArray[Any]:
        """Values in float64 (float32 for a float32 program), one rounding an operation."""
        dtype: Any = np.float32 if self.mode == "float32" else np.float64
        array: NDArray[Any] = np.asarray(x, dtype, order="C")
        out = np.empty(array.shape, dtype)
        constants: NDArray[Any] = np.array([float(c) for c in self.constants], dtype)
        code = self.graph().code().reshape(-1)
        _core.program_evaluate(code, constants, array.reshape(-1), out.reshape(-1))
        return out

    def expression(self, digits: int = 17) -> str:
        """As text; an instruction that is used more than once gets a name."""
        uses = [0] * len(self.nodes)
        for _, operands in self.nodes:
            for o in operands:
                if o >= 0:
                    uses[o] += 1
        names: dict[int, str] = {}
        lines = []

        def text(o: int) -> str:
            if o == X:
                return "x"
            if o <= -2:
                value = f"{self.constants[-2 - o]:.{digits}g}"
                return f"({value})" if value.startswith("-") else value
            return names[o]

        for i, (operation, operands) in enumerate(self.nodes):
            parts = [text(o) for o in operands]
            if operation in _SYMBOL:
                body = f" {_SYMBOL[operation]} ".join(parts)
            else:
                body = f"{operation}({', '.join(parts)})"
            last = i == len(self.nodes) - 1
            if last:
                names[i] = body
            elif uses[i] > 1:
                names[i] = f"t{i}"
                lines.append(f"t{i} = {body}")
            else:
                names[i] = f"({body})" if operation in _SYMBOL else body
        return "; ".join([*lines, names[len(self.nodes) - 1]])

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back."""
        return {
            "ops": self.ops,
            "error": self.error,
            "mode": self.mode,
            "measured": dict(self.measured),
            "origin": self.origin,
            "expression": self.expression(),
            "code": [[operation, *operands] for operation, operands in self.nodes],
            "constants": [str(c) for c in self.constants],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Program:
        """The program of `as_dict`.

        Raises
        ------
        ArgumentError
            Something else.
        """
        try:
            nodes = tuple((str(row[0]), tuple(int(o) for o in row[1:])) for row in record["code"])
            constants = tuple(Decimal(c) for c in record["constants"])
            for i, (operation, operands) in enumerate(nodes):
                good = operation in OPERATIONS and len(operands) == arity(operation)
                if not good or any(not -2 - len(constants) < o < i for o in operands):
                    raise ValueError(f"instruction {i}")
            return cls(
                nodes, constants, str(record["mode"]), float(record["error"]),
                {str(k): float(v) for k, v in record["measured"].items()}, str(record["origin"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, ArithmeticError, IndexError) as error:
            raise ArgumentError(
                f"functions.discover.Program: record must be one of as_dict, got {error!r}"
            ) from None
