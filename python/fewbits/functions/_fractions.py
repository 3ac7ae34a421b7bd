"""Polynomial continued fractions in integers: values to any number of digits, and how fast they converge.

``PCF(a, b) = a(0) + b(1)/(a(1) + b(2)/(a(2) + ...))`` with integer polynomials a and b, given by their
coefficients from the constant on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from fewbits._arguments import integer
from fewbits.errors import ArgumentError
from fewbits.functions._discover_fit import solve
from fewbits.functions._discover_target import digits as precision

__all__ = [
    "APERY",
    "Convergent",
    "Dynamics",
    "Hit",
    "MatrixField",
    "convergent",
    "delta",
    "dynamics",
    "esma",
    "field_of",
    "identify",
    "predicted_delta",
    "recurrence",
    "value",
]

Polynomial = Sequence[int]
Matrix = tuple[int, int, int, int]
APERY: Final[tuple[Polynomial, Polynomial]] = ((5, 27, 51, 34), (0, 0, 0, 0, 0, 0, -1))
"""The fraction of 6/zeta(3)."""
_MERSENNE: Final = (1 << 61) - 1


class Convergent(NamedTuple):
    """The fraction p/q after `depth` terms, not reduced; `exact` where it terminates."""

    p: int
    q: int
    depth: int
    exact: bool

    def fraction(self) -> Fraction:
        return Fraction(self.p, self.q)

    def digits(self, count: int) -> Decimal:
        """The value to so many significant digits."""
        # More digits of either than of the result would be converted for nothing.
        shift = max(0, min(abs(self.p).bit_length(), abs(self.q).bit_length()) - int(3.33 * count) - 80)
        with precision(count + 10):
            number = Decimal(self.p >> shift) / Decimal(self.q >> shift)
        with precision(count):
            return +number


def _polynomial(function: str, name: str, coefficients: Polynomial) -> tuple[int, ...]:
    limit = 1 << 200
    if isinstance(coefficients, str) or not hasattr(coefficients, "__len__") or len(coefficients) == 0:
        raise ArgumentError(f"{function}: {name} must be a sequence of integers, got {coefficients!r}")
    return tuple(integer(function, name, c, -limit, limit) for c in coefficients)


def _at(coefficients: Polynomial, n: int) -> int:
    total = 0
    for c in reversed(coefficients):
        total = total * n + c
    return total


def _times(s: Matrix, t: Matrix) -> Matrix:
    return (
        s[0] * t[0] + s[1] * t[2], s[0] * t[1] + s[1] * t[3],
        s[2] * t[0] + s[3] * t[2], s[2] * t[1] + s[3] * t[3],
    )  # fmt: skip


def _product(matrix: Callable[[int], Matrix], low: int, high: int) -> Matrix:
    """matrix(low) ... matrix(high - 1), factors of equal size together: binary splitting."""
    if high - low <= 8:
        total = matrix(low)
        for n in range(low + 1, high):
            total = _times(total, matrix(n))
        return total
    middle = (low + high) // 2
    return _times(_product(matrix, low, middle), _product(matrix, middle, high))


def convergent(a: Polynomial, b: Polynomial, depth: int) -> Convergent:
    """p/q after `depth` terms, exactly.

    Parameters
    ----------
    a, b : sequences of int
    depth : int, at least 0

    Returns
    -------
    Convergent
        At a smaller depth where b vanishes: the fraction ends there.

    Raises
    ------
    ArgumentError
        No integers, a depth out of range, a fraction whose denominator vanishes.

    Notes
    -----
    Binary splitting of the product of [[0, b(n)], [1, a(n)]] in Python's integers.

    Examples
    --------
    >>> fractions.convergent([1, 2], [0, 0, 1], 10)[:2]  # 4/pi
    (100370793600, 78831037440)
    >>> fractions.convergent([1], [1], 10).fraction()
    Fraction(144, 89)
    """
    function = "functions.fractions.convergent"
    f, g = _polynomial(function, "a", a), _polynomial(function, "b", b)
    n = integer(function, "depth", depth, 0, 1 << 40)
    # Roots of b among the integers are at most its largest coefficient over the leading one, plus 1.
    bound = min(n, 2 + max(abs(c) for c in g))
    last = next((k for k in range(1, bound + 1) if _at(g, k) == 0), None)
    exact = last is not None and last <= n
    if last is not None and exact:
        n = last - 1
    start = _at(f, 0)
    if n == 0:
        return Convergent(start, 1, 0, exact)
    m = _product(lambda k: (0, _at(g, k), 1, _at(f, k)), 1, n + 1)
    p, q = m[1] + start * m[3], m[3]
    if q == 0:
        raise ArgumentError(f"{function}: the denominator after {n} terms must not be 0, got 0")
    return Convergent(p, q, n, exact)


def value(a: Polynomial, b: Polynomial, digits: int = 50) -> Decimal:
    """The limit of a fraction to so many digits.

    Parameters
    ----------
    a, b : sequences of int
    digits : int in 1..10_000_000

    Returns
    -------
    decimal.Decimal

    Raises
    ------
    ArgumentError
        A fraction that gains less than 0.01 digits a term between depths 200 and 400, or diverges.

    Examples
    --------
    >>> fractions.value([1, 2], [0, 0, 1], 30)
    Decimal('1.27323954473516268615107010698')
    """
    function = "functions.fractions.value"
    count = integer(function, "digits", digits, 1, 10_000_000)
    early, later = convergent(a, b, 200), convergent(a, b, 400)
    if later.exact:
        return later.digits(count)
    best = convergent(a, b, 800)
    gain = (_log10_gap(early, best) - _log10_gap(later, best)) / 200
    if not gain > 0.01:
        raise ArgumentError(f"{function}: the fraction must gain digits at every term, got {gain:.4f} a term")
    return convergent(a, b, int(count / gain * 1.02) + 450).digits(count)


def _log10(n: int) -> float:
    """log10 of a large positive integer."""
    shift = max(0, n.bit_length() - 60)
    return math.log10(n >> shift) + shift * math.log10(2)


def _log10_gap(one: Convergent, other: Convergent) -> float:
    gap = abs(one.p * other.q - other.p * one.q)
    return -math.inf if gap == 0 else _log10(gap) - _log10(abs(one.q)) - _log10(abs(other.q))


def delta(
    a: Polynomial, b: Polynomial, depth: int, *, limit: Fraction | Decimal | None = None, reduced: bool = True
) -> float:
    """The irrationality measure delta of |p/q - L| = 1/q^(1 + delta).

    Parameters
    ----------
    a, b : sequences of int
    depth : int, at least 2
    limit : Fraction or Decimal, optional
        L; from twice the depth where it is not given.
    reduced : bool
        With q over the greatest common divisor of p and q.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        A fraction that ends before, arguments out of range.

    Examples
    --------
    >>> round(fractions.delta([1], [1], 400), 3)  # the golden ratio
    1.004
    """
    function = "functions.fractions.delta"
    n = integer(function, "depth", depth, 2, 1 << 40)
    c = convergent(a, b, n)
    if c.exact:
        raise ArgumentError(f"{function}: the fraction must not end, it does after {c.depth} terms")
    exact = convergent(a, b, 2 * n).fraction() if limit is None else Fraction(limit)
    error = abs(c.fraction() - exact)
    q = abs(c.q) // (math.gcd(c.p, c.q) if reduced else 1)
    if error == 0 or q <= 1:
        return math.inf
    gap = _log10(error.numerator) - _log10(error.denominator)
    return -gap / _log10(q) - 1


def _growth(a: Polynomial, b: Polynomial) -> float:
    """log |lambda_1 / lambda_2| of lambda^2 - a lambda - b for large n, by leading terms."""

    def degree(c: Polynomial) -> int:
        return max((k for k, v in enumerate(c) if v), default=-1)

    m, k = degree(a), degree(b)
    if 2 * m > k:
        return math.inf
    if 2 * m < k:
        return 0.0
    x, y = a[m], b[k]
    root = x * x + 4 * y
    if root <= 0:
        return 0.0
    one, two = abs(x) + math.sqrt(root), abs(abs(x) - math.sqrt(root))
    return math.log(one / two) if two else math.inf


def predicted_delta(a: Polynomial, b: Polynomial, depth: int = 400) -> float:
    """delta from growth rates: -1 + log|lambda_1/lambda_2| over the slope of log(q/gcd).

    Parameters
    ----------
    a, b, depth : as for `delta`

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        As `delta`.

    Examples
    --------
    >>> round(fractions.predicted_delta(*fractions.APERY, depth=4000), 2)
    0.08
    """
    n = integer("functions.fractions.predicted_delta", "depth", depth, 8, 1 << 40)
    one, two = (_reduced_log(a, b, k) for k in (n // 2, n))
    return -1 + _growth(a, b) / ((two - one) / (n - n // 2))


def _reduced_log(a: Polynomial, b: Polynomial, n: int) -> float:
    c = convergent(a, b, n)
    return math.log(10) * _log10(abs(c.q) // math.gcd(c.p, c.q))


class Dynamics(NamedTuple):
    """How a fraction behaves: fits of log q/gcd and of the log of its error.

    log(q/gcd) ~ c n + d n log n; log|error| ~ conv_b log n + conv_c n + conv_d n log n.
    """

    delta: float
    c: float
    d: float
    conv_b: float
    conv_c: float
    conv_d: float


def dynamics(a: Polynomial, b: Polynomial, depth: int = 2000) -> Dynamics:
    """The metrics by which fractions of one constant cluster.

    Parameters
    ----------
    a, b : sequences of int
    depth : int, at least 64

    Returns
    -------
    Dynamics
        d is 0, and c fitted again, where abs(d) < 0.05: "factorial reduction".

    Raises
    ------
    ArgumentError
        A fraction that ends, or whose errors vanish.

    References
    ----------
    .. [1] M. Shalyt et al., "Unsupervised Discovery of Formulas for Mathematical Constants", NeurIPS 2024,
       arXiv
       2412.16818.

    Examples
    --------
    >>> found = fractions.dynamics(*fractions.APERY, depth=2000)
    >>> round(found.d, 3), round(-found.conv_c / math.log(10), 2)
    (0.0, 3.04)
    """
    function = "functions.fractions.dynamics"
    n = integer(function, "depth", depth, 64, 1 << 30)
    places = [6, n // 8, n // 4, n // 2, n]
    logs = [_reduced_log(a, b, k) for k in places]
    d, c = _fit([[k * math.log(k), float(k)] for k in places], logs)
    if abs(d) < 0.05:
        d, (c,) = 0.0, _fit([[float(k)] for k in places], logs)
    limit = convergent(a, b, 2 * n)
    if limit.exact:
        raise ArgumentError(f"{function}: the fraction must not end, it does after {limit.depth} terms")
    gaps = [math.log(10) * _log10_gap(convergent(a, b, k), limit) for k in places]
    if not all(math.isfinite(g) for g in gaps):
        raise ArgumentError(f"{function}: the errors must not vanish")
    conv = _fit([[math.log(k), float(k), k * math.log(k)] for k in places], gaps)
    return Dynamics(delta(a, b, n // 2, limit=limit.fraction()), c, d, *conv)


def _fit(rows: list[list[float]], values: list[float]) -> list[float]:
    """Linear least squares."""
    with precision(50):
        m = [[Decimal(v) for v in row] for row in rows]
        size = len(m[0])
        normal = [[sum((r[i] * r[j] for r in m), Decimal(0)) for j in range(size)] for i in range(size)]
        right = [
            sum((r[i] * Decimal(v) for r, v in zip(m, values, strict=True)), Decimal(0)) for i in range(size)
        ]
        return [float(v) for v in solve(normal, right)]


class MatrixField:
    """A conservative matrix field: Mx(x, y) My(x + 1, y) = My(x, y) Mx(x, y + 1).

    Parameters
    ----------
    mx, my : callable
        Of two integers; rows of 2 x 2 integers.

    Examples
    --------
    >>> field = fractions.field_of("e")
    >>> field.is_conservative()
    True
    """

    def __init__(
        self,
        mx: Callable[[int, int], Sequence[Sequence[int]]],
        my: Callable[[int, int], Sequence[Sequence[int]]],
    ) -> None:
        self._mx, self._my = mx, my

    def _step(self, axis: int, x: int, y: int) -> Matrix:
        rows = (self._my if axis else self._mx)(x, y)
        return (rows[0][0], rows[0][1], rows[1][0], rows[1][1])

    def is_conservative(self, trials: int = 20) -> bool:
        """Whether the condition holds at so many places, modulo 2^61 - 1."""
        for k in range(1, trials + 1):
            x, y = pow(3, 7 * k, _MERSENNE), pow(5, 11 * k, _MERSENNE)
            left = _times(self._step(0, x, y), self._step(1, x + 1, y))
            right = _times(self._step(1, x, y), self._step(0, x, y + 1))
            if any((p - q) % _MERSENNE for p, q in zip(left, right, strict=True)):
                return False
        return True

    def walk(self, direction: tuple[int, int], steps: int, start: tuple[int, int] = (1, 1)) -> Convergent:
        """The quotient of the last column after `steps` times i steps in x and j in y."""
        function = "functions.fractions.MatrixField.walk"
        i, j = (integer(function, "direction", d, 0, 1 << 20) for d in direction)
        n = integer(function, "steps", steps, 1, 1 << 30)
        if i + j == 0:
            raise ArgumentError(f"{function}: direction must not be (0, 0)")

        def one(k: int) -> Matrix:
            x, y = start[0] + k * i, start[1] + k * j
            total: Matrix = (1, 0, 0, 1)
            for s in range(i):
                total = _times(total, self._step(0, x + s, y))
            for s in range(j):
                total = _times(total, self._step(1, x + i, y + s))
            return total

        m = _product(one, 0, n)
        return Convergent(m[1], m[3], n, False)

    def delta(self, direction: tuple[int, int], steps: int, start: tuple[int, int] = (1, 1)) -> float:
        """The irrationality measure along a direction, the limit from twice the steps."""
        near, far = self.walk(direction, steps, start), self.walk(direction, 2 * steps, start)
        q = abs(near.q) // math.gcd(near.p, near.q)
        if q <= 1 or near.fraction() == far.fraction():
            return math.inf
        return -_log10_gap(near, far) / _log10(q) - 1


_FIELDS: Final[dict[str, Any]] = {
    "zeta(3)": (
        lambda x, y: ((0, -(x**3)), ((x + 1) ** 3, x**3 + (x + 1) ** 3 + 2 * y * (y - 1) * (2 * x + 1))),
        lambda x, y: (
            (-(x**3) + 2 * x * x * y - 2 * x * y * y + y**3, -(x**3)),
            (x**3, x**3 + 2 * x * x * y + 2 * x * y * y + y**3),
        ),
    ),
    "e": (lambda x, y: ((1, -y - 1), (-1, x + y + 2)), lambda x, y: ((0, -y - 1), (-1, x + y + 1))),
    "pi": (lambda x, y: ((x, x * y), (1, 1 + 2 * x + y)), lambda x, y: ((y, x * y), (1, 1 + x + 2 * y))),
}


def field_of(constant: str) -> MatrixField:
    """A known field, of "zeta(3)", "e" or "pi".

    Raises
    ------
    ArgumentError
        Another name.

    Examples
    --------
    >>> fractions.field_of("zeta(3)").is_conservative()
    True
    """
    if constant not in _FIELDS:
        raise ArgumentError(
            f"functions.fractions.field_of: constant must be one of {', '.join(_FIELDS)}, got {constant!r}"
        )
    return MatrixField(*_FIELDS[constant])


def recurrence(terms: Sequence[int], *, modulus: int | None = None) -> list[Any] | None:
    """The shortest linear recurrence of a sequence, by Berlekamp and Massey.

    Parameters
    ----------
    terms : sequence of int
    modulus : int, optional
        A prime; exact fractions where it is not given.

    Returns
    -------
    list of c_1, ..., c_L, or None
        With a_n = c_1 a_{n-1} + ... + c_L a_{n-L}; None where L is more than a quarter of the terms, which
        any sequence would have.

    Raises
    ------
    ArgumentError
        A modulus below 2.

    References
    ----------
    .. [1] J. Massey, "Shift-register synthesis and BCH decoding", IEEE Trans. Information Theory 15 (1969).

    Examples
    --------
    >>> fractions.recurrence([1, 1, 2, 3, 5, 8, 13, 21, 34, 55])
    [Fraction(1, 1), Fraction(1, 1)]
    """
    if modulus is not None:
        integer("functions.fractions.recurrence", "modulus", modulus, 2, 1 << 4096)

    def reduced(v: Any) -> Any:
        return v if modulus is None else v % modulus

    def inverse(v: Any) -> Any:
        return 1 / v if modulus is None else pow(v, -1, modulus)

    s = [Fraction(t) if modulus is None else t % modulus for t in terms]
    current: list[Any] = [Fraction(1) if modulus is None else 1]
    before, length, shift, last = list(current), 0, 1, current[0]
    for n in range(len(s)):
        d = reduced(sum(c * s[n - i] for i, c in enumerate(current)))
        if d == 0:
            shift += 1
            continue
        factor = reduced(d * inverse(last))
        longer = current + [0] * (len(before) + shift - len(current))
        for i, c in enumerate(before):
            longer[i + shift] = reduced(longer[i + shift] - factor * c)
        if 2 * length <= n:
            before, length, last, shift = current, n + 1 - length, d, 1
        else:
            shift += 1
        current = longer
        if 4 * length > len(s):
            return None
    return [reduced(-c) for c in (current + [0] * length)[1 : length + 1]]


class Hit(NamedTuple):
    """A continued fraction of (p c + q)/(r c + s) whose terms follow a linear recurrence.

    Attributes
    ----------
    transform : (p, q, r, s)
    signs : tuple of 1 and -1
        Of the numerators, in turn.
    terms : list of int
        The first ones.
    recurrence : list of Fraction
    digits_per_term : float
        Over the second half.
    """

    transform: tuple[int, int, int, int]
    signs: tuple[int, ...]
    terms: list[int]
    recurrence: list[Fraction]
    digits_per_term: float


def _expansion(x: Fraction, error: Fraction, signs: Sequence[int], depth: int) -> list[int] | None:
    """Terms of x = a_0 + s_1/(a_1 + s_2/(a_2 + ...)), as far as x and x + error agree, or None."""
    low, high = x, x + error
    terms: list[int] = []
    for n in range(depth):
        sign = signs[n % len(signs)]
        pick = math.floor if sign > 0 else math.ceil
        a = pick(low)
        if pick(high) != a or a in (low, high):
            return None
        terms.append(a)
        low, high = sorted((sign / (low - a), sign / (high - a)))
    return terms


def _sign_periods(longest: int) -> Iterator[tuple[int, ...]]:
    for n in range(1, longest + 1):
        for signs in itertools.product((1, -1), repeat=n):
            if not any(n % k == 0 and signs == signs[:k] * (n // k) for k in range(1, n)):
                yield signs


def esma(
    constant: Decimal,
    *,
    bound: int = 1,
    longest: int = 2,
    depth: int = 60,
    progress: Callable[[int], None] | None = None,
) -> list[Hit]:
    """Continued fractions of simple functions of a constant whose terms follow a linear recurrence.

    Parameters
    ----------
    constant : decimal.Decimal
        With about 5 digits for each term of `depth`.
    bound : int in 1..20
        Of the coefficients of (p c + q)/(r c + s).
    longest : int in 1..8
        Longest period of the signs.
    depth : int in 16..2000
        Terms.
    progress : callable, optional
        Called with the number of fractions tried.

    Returns
    -------
    list of Hit
        Sequences that end up constant are left out: these are quadratic irrationals.

    Raises
    ------
    TypeError
        A constant of another type.
    ArgumentError
        Numbers out of range.

    Notes
    -----
    Recurrences are found modulo 199, confirmed modulo 2^61 - 1 and then exactly; accepted are those of
    less than a quarter of the terms whose continuation gives the constant to all digits that it has (100
    at most).

    References
    ----------
    .. [1] "Automated Search for Conjectures on Mathematical Constants using Analysis of Integer
       Sequences", arXiv
       2212.09470.

    Examples
    --------
    >>> from decimal import Decimal, localcontext
    >>> with localcontext() as context:
    ...     context.prec = 200
    ...     e = Decimal(1).exp()
    >>> hit = fractions.esma(e, longest=1, depth=40)[0]
    >>> hit.terms[:8], hit.signs
    ([2, 1, 2, 1, 1, 4, 1, 1], (1,))
    """
    function = "functions.fractions.esma"
    if not isinstance(constant, Decimal):
        raise TypeError(f"{function}: constant must be a Decimal, got {type(constant).__name__}")
    if not constant.is_finite():
        raise ArgumentError(f"{function}: constant must be finite, got {constant}")
    size = integer(function, "bound", bound, 1, 20)
    period = integer(function, "longest", longest, 1, 8)
    terms_wanted = integer(function, "depth", depth, 16, 2000)
    c = Fraction(constant)
    places = -int(constant.as_tuple().exponent)
    error = Fraction(1, 10 ** max(places - 1, 1))
    hits: list[Hit] = []
    tried = 0
    transforms = sorted(
        (t for t in itertools.product(range(-size, size + 1), repeat=4) if t[0] * t[3] != t[1] * t[2]),
        key=lambda t: (sum(map(abs, t)), [-v for v in t]),
    )
    seen: set[tuple[Any, ...]] = set()
    for p, q, r, s in transforms:
        first = next(v for v in (r, s) if v)
        if first < 0 or math.gcd(p, q, r, s) != 1 or r * c + s == 0:
            continue  # the same function with other signs, or a multiple
        x = (p * c + q) / (r * c + s)
        for signs in _sign_periods(period):
            tried += 1
            if progress is not None:
                progress(tried)
            wobble = error * abs(p * s - q * r) * 4 / (r * c + s) ** 2
            found = _expansion(x, wobble, signs, terms_wanted)
            # The head is often irregular.
            for skip in range(3) if found else ():
                assert found is not None
                tail = found[skip:]
                modular = recurrence(tail, modulus=199)
                if modular is None or recurrence(tail, modulus=_MERSENNE) is None:
                    continue
                exact = recurrence(tail)
                if (
                    exact is None
                    or len(set(tail[-len(exact) - 2 :])) == 1
                    or len(exact) < 2
                    or max(map(abs, tail)) < 3
                ):
                    continue
                key = (signs, tuple(tail[-12:]))
                more = list(tail)
                while len(more) < 1000:
                    more.append(int(sum(k * v for k, v in zip(exact, reversed(more), strict=False))))
                if key in seen or not _agrees(x, error, [*found[:skip], *more], signs, wobble):
                    continue
                seen.add(key)
                half = terms_wanted // 2
                rate = (_depth_log(found, signs, half, x) - _depth_log(found, signs, 2 * half - 1, x)) / (
                    half - 1
                )
                hits.append(Hit((p, q, r, s), signs, found, exact, rate))
                break
    return hits


def _evaluate(terms: Sequence[int], signs: Sequence[int]) -> Fraction:
    m = (
        _product(lambda k: (0, signs[(k - 1) % len(signs)], 1, terms[k]), 1, len(terms))
        if len(terms) > 1
        else (1, 0, 0, 1)
    )
    return Fraction(m[1] + terms[0] * m[3], m[3])


def _agrees(
    x: Fraction, error: Fraction, terms: Sequence[int], signs: Sequence[int], wobble: Fraction
) -> bool:
    del error
    return abs(_evaluate(terms, signs) - x) <= max(wobble, abs(x) / 10**100)


def _depth_log(terms: Sequence[int], signs: Sequence[int], depth: int, x: Fraction) -> float:
    gap = abs(_evaluate(terms[:depth], signs) - x)
    return _log10(gap.numerator) - _log10(gap.denominator) if gap else -math.inf


def identify(value: Decimal, constants: dict[str, Decimal], *, bound: int = 10_000) -> dict[str, int] | None:
    """An integer relation (p + q c) / (r + s c) = value for one of the constants, by PSLQ (needs mpmath).

    Parameters
    ----------
    value : decimal.Decimal
    constants : dict of name to decimal.Decimal
        As many digits as `value`.
    bound : int
        Of the integers.

    Returns
    -------
    dict, or None
        ``{"name": 0, ...}``: integers of 1, of c, of value and of value c, under the keys ``"1"``, the name,
        ``"value"`` and ``"value*name"``; their combination is 0.

    Raises
    ------
    ArgumentError
        mpmath is missing.

    Examples
    --------
    >>> pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
    >>> fractions.identify(fractions.value([1, 2], [0, 0, 1], 55), {"pi": pi})
    {'1': 4, 'pi': 0, 'value': 0, 'value*pi': -1}
    """
    try:
        import mpmath
    except ImportError:
        raise ArgumentError("functions.fractions.identify: needs mpmath: pip install mpmath") from None
    count = min(len(v.as_tuple().digits) for v in (value, *constants.values()))
    with mpmath.workdps(count - 2):
        x = mpmath.mpf(str(value))
        for name, constant in constants.items():
            c = mpmath.mpf(str(constant))
            found = mpmath.pslq([1, c, x, x * c], maxcoeff=bound, maxsteps=20_000)
            if found and any(found[2:]) and any((found[1], found[3])):
                sign = 1 if next(v for v in found if v) > 0 else -1
                return dict(
                    zip(("1", name, "value", f"value*{name}"), (sign * int(v) for v in found), strict=True)
                )
    return None
