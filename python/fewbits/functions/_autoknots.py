"""Cubic splines whose knots are put where a function needs them, every evaluation of it being a knot."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real
from fewbits._interop import as_array
from fewbits.errors import ArgumentError, ConvergenceWarning

__all__ = ["Spline", "autoknots"]

Reals = NDArray[np.float64]
_SPACINGS: Final = ("linear", "log", "asinh")


@dataclass(frozen=True)
class Spline:
    """A cubic spline with the not-a-knot condition at both ends.

    Attributes
    ----------
    x, y : ndarray, shape (knots,)
    slopes : ndarray, shape (knots,)
        Derivatives at the knots.
    n_eval : int
        Evaluations of the function, equal to the knots.
    flags : dict
        ``"converged"``: whether the tolerance was reached everywhere it was tested; with `verify`
        ``"checked_error"``, the largest error over its tolerance at four points more in each interval.
    """

    x: Reals
    y: Reals
    slopes: Reals
    n_eval: int = 0
    flags: dict[str, Any] = field(default_factory=dict)

    def _pieces(self, name: str, x: ArrayLike) -> tuple[Reals, Reals, Reals, NDArray[np.intp]]:
        v = as_array(f"functions.Spline.{name}", "x", x, "fiu").astype(np.float64)
        i = np.clip(np.searchsorted(self.x, v, side="right") - 1, 0, len(self.x) - 2)
        return v, self.x[i + 1] - self.x[i], v - self.x[i], i

    def eval(self, x: ArrayLike) -> Reals:
        """Values; beyond the ends the outer cubics go on."""
        _, h, d, i = self._pieces("eval", x)
        c, b = self._coefficients(h, i)
        result: Reals = self.y[i] + d * (self.slopes[i] + d * (c + d * b))
        return result

    def _coefficients(self, h: Reals, i: NDArray[np.intp]) -> tuple[Reals, Reals]:
        rise = (self.y[i + 1] - self.y[i]) / h
        a, b = self.slopes[i], self.slopes[i + 1]
        return (3 * rise - 2 * a - b) / h, (a + b - 2 * rise) / (h * h)

    __call__ = eval

    def derivative(self, x: ArrayLike) -> Reals:
        """Derivatives."""
        _, h, d, i = self._pieces("derivative", x)
        c, b = self._coefficients(h, i)
        result: Reals = self.slopes[i] + d * (2 * c + 3 * d * b)
        return result

    def _intervals(self) -> Reals:
        """Integrals over the intervals between knots."""
        h = np.diff(self.x)
        result: Reals = h * (self.y[1:] + self.y[:-1]) / 2 + h * h * (self.slopes[:-1] - self.slopes[1:]) / 12
        return result

    def integral(self, a: float | None = None, b: float | None = None) -> float:
        """Integral from `a` to `b`, by default from the first to the last knot."""
        function = "functions.Spline.integral"
        lo = float(self.x[0]) if a is None else real(function, "a", a)
        hi = float(self.x[-1]) if b is None else real(function, "b", b)
        sums = np.concatenate([[0.0], np.cumsum(self._intervals())])

        def upto(x: float) -> float:
            _, h, d, i = self._pieces("integral", x)
            c, e = self._coefficients(h, i)
            return float(sums[i] + d * (self.y[i] + d * (self.slopes[i] / 2 + d * (c / 3 + d * e / 4))))

        return upto(hi) - upto(lo)


def _spline(x: Reals, y: Reals) -> Reals:
    """Slopes of the not-a-knot spline, by elimination of a tridiagonal system."""
    n = len(x)
    h = np.diff(x).tolist()
    s = (np.diff(y) / np.diff(x)).tolist()
    lower, diagonal, upper, right = [0.0] * n, [0.0] * n, [0.0] * n, [0.0] * n
    d = h[0] + h[1]
    diagonal[0], upper[0] = h[1], d
    right[0] = ((h[0] + 2 * d) * h[1] * s[0] + h[0] ** 2 * s[1]) / d
    for i in range(1, n - 1):
        lower[i], diagonal[i], upper[i] = h[i], 2 * (h[i - 1] + h[i]), h[i - 1]
        right[i] = 3 * (h[i] * s[i - 1] + h[i - 1] * s[i])
    d = h[-1] + h[-2]
    lower[-1], diagonal[-1] = d, h[-2]
    right[-1] = (h[-1] ** 2 * s[-2] + (2 * d + h[-1]) * h[-2] * s[-1]) / d
    for i in range(1, n):
        factor = lower[i] / diagonal[i - 1]
        diagonal[i] -= factor * upper[i - 1]
        right[i] -= factor * right[i - 1]
    k = [0.0] * n
    k[-1] = right[-1] / diagonal[-1]
    for i in range(n - 2, -1, -1):
        k[i] = (right[i] - upper[i] * k[i + 1]) / diagonal[i]
    return np.array(k)


def autoknots(
    f: Callable[[float], float],
    a: float,
    b: float,
    *,
    tol: float,
    scale: float = 0.0,
    spacing: str = "linear",
    refine: int = 1,
    refine_ns: float = 1.0,
    n0: int = 6,
    min_knots: int = 0,
    max_dx: float | None = None,
    max_knots: int = 10_000_000,
    verify: bool = False,
) -> Spline:
    """Interpolate a function to a tolerance by a cubic spline that places its own knots.

    Parameters
    ----------
    f : callable
        Of a float.
    a, b : float, a < b
    tol : float
        Of the value and of the integral over every interval, relative to abs(f) + `scale`.
    scale : float, at least 0
        0: purely relative; f must not vanish then.
    spacing : {"linear", "log", "asinh"}
        What is halved: x, log x, or asinh x.
    refine : int
        How often intervals that are much longer than the others are opened again,
    refine_ns : float
        by so many standard deviations.
    n0 : int, at least 4
        Knots at the start.
    min_knots, max_dx : int, float, optional
        At least so many knots, and no interval longer than that: without them a feature that is narrower
        than the grid at the start is not seen.
    max_knots : int
        Reaching it warns.
    verify : bool
        Evaluate f at four points more in every interval, which are no knots; see `Spline.flags`.

    Returns
    -------
    Spline

    Raises
    ------
    TypeError
        f is not callable.
    ArgumentError
        Arguments out of range, values that are not finite, an interval below 100 ulp: "discontinuous near".

    Warns
    -----
    ConvergenceWarning
        Where `max_knots` ends it.

    Notes
    -----
    For every open interval the midpoint becomes a knot; where the spline was right there, in value and in
    integral (against Simpson's rule), both halves are closed. The errors seen were 0.02 to 1.1 times the
    tolerance.

    References
    ----------
    .. [1] AutoKnots: adaptive knot allocation for spline interpolation.

    Examples
    --------
    >>> import math
    >>> s = autoknots(lambda x: 1 / (1 + 25 * x * x), -1, 1, tol=1e-4)
    >>> s.n_eval, abs(s.integral() - 2 * math.atan(5) / 5) < 1e-5
    (93, True)
    """
    function = "functions.autoknots"
    if not callable(f):
        raise TypeError(f"{function}: f must be callable, got {type(f).__name__}")
    lo, hi = real(function, "a", a), real(function, "b", b)
    r = real(function, "tol", tol, 0, open_low=True)
    s = real(function, "scale", scale, 0)
    choice(function, "spacing", spacing, _SPACINGS)
    passes = integer(function, "refine", refine, 0, 1000)
    ns = real(function, "refine_ns", refine_ns, 0)
    first = max(
        integer(function, "n0", n0, 4, 1 << 40), integer(function, "min_knots", min_knots, 0, 1 << 40)
    )
    limit = integer(function, "max_knots", max_knots, 4, 1 << 40)
    longest = math.inf if max_dx is None else real(function, "max_dx", max_dx, 0, open_low=True)
    if not lo < hi or (spacing == "log" and lo <= 0):
        rule = "a must be below b" + (" and above 0 for spacing 'log'" if spacing == "log" else "")
        raise ArgumentError(f"{function}: {rule}, got {a} and {b}")
    scales: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
        "linear": (float, float),
        "log": (math.log, math.exp),
        "asinh": (math.asinh, math.sinh),
    }
    to, back = scales[spacing]

    def value(x: float) -> float:
        y = float(f(x))
        if not math.isfinite(y):
            raise ArgumentError(f"{function}: f must be finite, got {y} at x = {x!r}")
        return y

    u = [to(lo) + (to(hi) - to(lo)) * i / (first - 1) for i in range(first)]
    x = [lo, *(back(v) for v in u[1:-1]), hi]
    y = [value(v) for v in x]
    is_open = [True] * (first - 1)
    converged = True

    def halve() -> None:
        """One round over the open intervals."""
        nonlocal x, y, u, is_open
        xs, ys = np.array(x), np.array(y)
        spline = Spline(xs, ys, _spline(xs, ys))
        at = [i for i, o in enumerate(is_open) if o]
        middles = [back((u[i] + u[i + 1]) / 2) for i in at]
        for i, m in zip(at, middles, strict=True):
            if not x[i] < m < x[i + 1] or x[i + 1] - x[i] < 100 * 2.0**-52 * max(abs(x[i]), abs(x[i + 1])):
                raise ArgumentError(f"{function}: f must be continuous, it is discontinuous near x = {m!r}")
        guesses = spline.eval(middles)
        areas = spline._intervals()
        known = {}
        for i, m, guess in zip(at, middles, guesses.tolist(), strict=True):
            fm = value(m)
            h0, h1 = m - x[i], x[i + 1] - m
            h = h0 + h1
            simpson = h / 6 * ((2 - h1 / h0) * y[i] + h * h / (h0 * h1) * fm + (2 - h0 / h1) * y[i + 1])
            good = abs(guess - fm) <= r * (abs(fm) + s)
            good = good and abs(simpson - areas[i]) <= r * (abs(simpson) + s * h)
            known[i] = (m, fm, good)
        nx, ny, nu, no = [x[0]], [y[0]], [u[0]], []
        for i, was_open in enumerate(is_open):
            if i in known:
                m, fm, good = known[i]
                nx.append(m)
                ny.append(fm)
                nu.append((u[i] + u[i + 1]) / 2)
                no += [not good or m - x[i] > longest, not good or x[i + 1] - m > longest]
            else:
                no.append(was_open)
            nx.append(x[i + 1])
            ny.append(y[i + 1])
            nu.append(u[i + 1])
        x, y, u, is_open = nx, ny, nu, no

    for again in range(passes + 1):
        while any(is_open):
            if len(x) + sum(is_open) > limit:
                converged = False
                break
            halve()
        if not converged or again == passes:
            break
        lengths = np.diff(np.array(x))
        bound = lengths.mean() + ns * lengths.std()
        is_open = (lengths > bound).tolist()
    if not converged:
        warnings.warn(f"{function}: {len(x)} knots were not enough", ConvergenceWarning, stacklevel=2)
    xs, ys = np.array(x), np.array(y)
    flags: dict[str, Any] = {"converged": converged}
    result = Spline(xs, ys, _spline(xs, ys), len(x), flags)
    if verify:
        worst = 0.0
        for part in (0.2, 0.4, 0.6, 0.8):
            points = xs[:-1] + part * np.diff(xs)
            for got, p in zip(result.eval(points).tolist(), points.tolist(), strict=True):
                exact = value(p)
                size = r * (abs(exact) + s)
                worst = max(worst, abs(got - exact) / size if size > 0 else math.inf)
        flags["checked_error"] = worst
    return result
