"""What `discover` approximates: functions of one variable, with 50 digits where their text is known."""

from __future__ import annotations

import ast
import decimal
import functools
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from fewbits._arguments import real
from fewbits.errors import ArgumentError

__all__ = ["FUNCTIONS", "Target", "digits"]

_DIGITS: Final = 50


def digits(number: int = _DIGITS) -> Any:
    """A context of that many digits in which nothing traps but what has no value."""
    context = decimal.Context(prec=number, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    context.traps[decimal.Inexact] = context.traps[decimal.Underflow] = False
    context.traps[decimal.Overflow] = False
    return decimal.localcontext(context)


def _series(first: Decimal, ratio: Callable[[int], Decimal]) -> Decimal:
    """first (1 + ratio(1) (1 + ratio(2) (...)))"""
    total, term, n = first, first, 0
    while True:
        n += 1
        term *= ratio(n)
        if total + term == total:
            return total
        total += term


def _arctan_inverse(n: int) -> Decimal:
    """arctan(1/n)"""
    x = Decimal(1) / n
    power, total, k = x, x, 1
    while True:
        power *= -x * x
        k += 2
        if total + power / k == total:
            return total
        total += power / k


@functools.cache
def _pi(precision: int) -> Decimal:
    with digits(precision + 5):
        return 4 * (4 * _arctan_inverse(5) - _arctan_inverse(239))


def _ln2() -> Decimal:
    return Decimal(2).ln()


def _exp2(x: Decimal) -> Decimal:
    return (x * _ln2()).exp()


def _expm1(x: Decimal) -> Decimal:
    return _series(x, lambda n: x / (n + 1)) if abs(x) < Decimal("0.1") else x.exp() - 1


def _log1p(x: Decimal) -> Decimal:
    if abs(x) > Decimal("0.1"):
        return (1 + x).ln()
    s = x / (2 + x)
    power, total, k = s, s, 1
    while True:  # 2 artanh(s)
        power *= s * s
        k += 2
        if total + power / k == total:
            return 2 * total
        total += power / k


def _sin_cos(x: Decimal) -> tuple[Decimal, Decimal]:
    pi = _pi(decimal.getcontext().prec)
    k = (2 * x / pi).to_integral_value()
    r = x - k * pi / 2
    square = -r * r
    s = _series(r, lambda n: square / (2 * n * (2 * n + 1))) if r else Decimal(0)
    c = _series(Decimal(1), lambda n: square / ((2 * n - 1) * 2 * n))
    quadrant = int(k) % 4
    return ((s, c), (c, -s), (-s, -c), (-c, s))[quadrant]


def _erf(x: Decimal) -> Decimal:
    if x == 0:
        return Decimal(0)
    square = x * x
    # Terms of one sign: nothing cancels.
    total = _series(x, lambda n: 2 * square / (2 * n + 1))
    return 2 * total * (-square).exp() / _pi(decimal.getcontext().prec).sqrt()


def _erfc(x: Decimal) -> Decimal:
    with digits(decimal.getcontext().prec + int(x * x / 2) + 5):
        return 1 - _erf(x)


def _ndtr(x: Decimal) -> Decimal:
    return _erfc(-x / Decimal(2).sqrt()) / 2


def _sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def _tanh(x: Decimal) -> Decimal:
    e = _expm1(2 * x)
    return e / (e + 2)


def _cbrt(x: Decimal) -> Decimal:
    return x.copy_sign(Decimal(1)) ** (Decimal(1) / 3) * Decimal(1).copy_sign(x) if x else x


def _arctan(x: Decimal) -> Decimal:
    halvings = 0
    while abs(x) > Decimal("0.1"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    if x == 0:
        return x
    power, total, k = x, x, 1
    while True:
        power *= -x * x
        k += 2
        if total + power / k == total:
            return Decimal(total * 2**halvings)
        total += power / k


FUNCTIONS: Final[dict[str, Callable[[Decimal], Decimal]]] = {
    "abs": abs,
    "arctan": _arctan,
    "cbrt": _cbrt,
    "cos": lambda x: _sin_cos(x)[1],
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "erf": _erf,
    "erfc": _erfc,
    "erfcx": lambda x: (x * x).exp() * _erfc(x),
    "exp": lambda x: x.exp(),
    "exp10": lambda x: (x * Decimal(10).ln()).exp(),
    "exp2": _exp2,
    "expm1": _expm1,
    "gelu": lambda x: x * _ndtr(x),
    "log": lambda x: x.ln(),
    "log10": lambda x: x.log10(),
    "log1p": _log1p,
    "log2": lambda x: x.ln() / _ln2(),
    "log_ndtr": lambda x: _ndtr(x).ln(),
    "log_sigmoid": lambda x: -_log1p((-x).exp()),
    "ndtr": _ndtr,
    "rsqrt": lambda x: 1 / x.sqrt(),
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "sin": lambda x: _sin_cos(x)[0],
    "sinh": lambda x: (_expm1(x) - _expm1(-x)) / 2,
    "softplus": lambda x: _log1p(x.exp()),
    "sqrt": lambda x: x.sqrt(),
    "tan": lambda x: _sin_cos(x)[0] / _sin_cos(x)[1],
    "tanh": _tanh,
}


def _compile(function: str, text: str) -> Callable[[Decimal], Decimal]:
    """The function an expression in x stands for; only arithmetic and the names above."""

    def wrong(node: ast.AST) -> ArgumentError:
        part = ast.get_source_segment(text, node) or type(node).__name__
        return ArgumentError(
            f"{function}: f must be a function name or an expression in x with + - * / ** and functions "
            f"such as exp or sqrt, got {part!r} in {text!r}"
        )

    def build(node: ast.expr) -> Callable[[Decimal], Decimal]:
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            value = Decimal(ast.get_source_segment(text, node) or repr(node.value))
            return lambda x: value
        if isinstance(node, ast.Name):
            if node.id == "x":
                return lambda x: x
            if node.id == "pi":
                return lambda x: _pi(decimal.getcontext().prec)
            if node.id == "e":
                return lambda x: Decimal(1).exp()
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = build(node.operand)
            return (lambda x: -inner(x)) if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            a, b = build(node.left), build(node.right)
            table: dict[type, Callable[[Decimal], Decimal]] = {
                ast.Add: lambda x: a(x) + b(x),
                ast.Sub: lambda x: a(x) - b(x),
                ast.Mult: lambda x: a(x) * b(x),
                ast.Div: lambda x: a(x) / b(x),
                ast.Pow: lambda x: a(x) ** b(x),
            }
            if type(node.op) in table:
                return table[type(node.op)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            f = FUNCTIONS.get(node.func.id)
            if f is not None and len(node.args) == 1:
                argument = build(node.args[0])
                return lambda x: f(argument(x))
        raise wrong(node)

    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        raise ArgumentError(f"{function}: f must be an expression in x, got {text!r}") from None
    return build(tree.body)


def _decimal(value: Any) -> Decimal:
    """A result of a callable, exactly."""
    if isinstance(value, Decimal):
        return value
    if hasattr(value, "man_exp"):  # mpmath
        mantissa, exponent = value.man_exp
        with digits(400):
            return Decimal(int(mantissa)) * Decimal(2) ** int(exponent)
    return Decimal(float(value))


class Target:
    """A function on an interval.

    Parameters
    ----------
    function : name for messages
    f : str or callable
    lo, hi : float
    scale : float, optional
        Errors are relative to it rather than to the function.
    """

    def __init__(self, function: str, f: Any, lo: float, hi: float, scale: float | None = None) -> None:
        self.lo, self.hi = real(function, "lo", lo), real(function, "hi", hi)
        if not self.lo < self.hi:
            raise ArgumentError(f"{function}: lo must be below hi, got {lo} and {hi}")
        self.scale = None if scale is None else real(function, "scale", scale, 0, open_low=True)
        self.exact = True
        """Whether values have 50 digits."""
        if isinstance(f, str):
            self.name = f.strip()
            text = f"{self.name}(x)" if self.name in FUNCTIONS else self.name
            self._call: Callable[[Decimal], Any] = _compile(function, text)
            self.text: str | None = text
        elif callable(f):
            self.name = getattr(f, "__name__", "f")
            self._call = lambda x: f(float(x))
            self.text = None
            self.exact = not isinstance(f(0.5 * (self.lo + self.hi)), float)
        else:
            raise TypeError(
                f"{function}: f must be a name, an expression or callable, got {type(f).__name__}"
            )
        self._values: dict[float, Decimal] = {}
        self._function = function
        with digits():
            values = [self(x) for x in self.nodes(129)]
        if self.scale is None:
            zero = [v for v in values if v == 0]
            if zero or min(values) < 0 < max(values):
                raise ArgumentError(
                    f"{function}: {self.name} must not have a zero in [{self.lo:g}, {self.hi:g}]; "
                    "give scale= for errors relative to that"
                )
        self.positive = min(values) > 0

    def __call__(self, x: float) -> Decimal:
        """The value at a float."""
        found = self._values.get(x)
        if found is None:
            try:
                with digits():
                    found = _decimal(self._call(Decimal(x)))
            except (decimal.InvalidOperation, decimal.DivisionByZero, ValueError, ZeroDivisionError):
                found = Decimal("nan")
            if not found.is_finite():
                raise ArgumentError(f"{self._function}: {self.name} must be finite, got {found} at x = {x!r}")
            self._values[x] = found
        return found

    def weight(self, x: float) -> Decimal:
        """What an error at x is multiplied with."""
        return 1 / self(x) if self.scale is None else 1 / Decimal(self.scale)

    def nodes(self, count: int) -> list[float]:
        """Chebyshev's extrema on the interval, both ends included."""
        middle, half = (self.lo + self.hi) / 2, (self.hi - self.lo) / 2
        points = [middle - half * math.cos(math.pi * i / (count - 1)) for i in range(count)]
        points[0], points[-1] = self.lo, self.hi
        return sorted({min(max(x, self.lo), self.hi) for x in points})
