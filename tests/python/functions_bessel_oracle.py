"""Exact values of the Bessel functions and their relatives, and errors measured against them.

``values`` writes tests/data/functions_bessel_values.txt, ``measure [COUNT]`` the record that the pages show.
Both need python-flint: ball arithmetic, the precision raised until 90 bits are certain. For hypot(v, x) above
2000, where no convergent series ends, the uniform expansion with 24 terms of exact coefficients: the first
missing term is below 1e-70 there; `test_functions_bessel` compares it with the series where both can be had.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
VALUES = ROOT / "tests/data/functions_bessel_values.txt"
RECORD = ROOT / "tests/data/functions_bessel_errors.json"
EPS = 2.0**-52
QUANTITIES = (
    "log_iv", "log_kv", "log_ive", "log_kve", "iv_ratio", "iv_ratio_c", "kv_ratio",
    "log_iv_dv", "log_iv_dx", "log_kv_dv", "log_kv_dx", "log_normalizer",
)  # fmt: skip
RELATIVE = ("iv_ratio", "iv_ratio_c", "kv_ratio")
PROMISED = {
    **dict.fromkeys(("log_iv", "log_kv", "log_ive", "log_kve"), 4.0),
    **dict.fromkeys(RELATIVE, 4.0),
    **dict.fromkeys(("log_iv_dv", "log_iv_dx", "log_kv_dv", "log_kv_dx"), 16.0),
    "log_normalizer": 2.0,
}
"""Largest error in units of eps max(1, |result|), or eps |result| for ratios."""


def ours(quantity: str, v: Any, x: Any) -> Any:
    """What the library gives."""
    from fewbits import functions as ff

    if quantity == "log_normalizer":
        return ff.vmf.log_normalizer(np.asarray(2 * np.asarray(v) + 2).astype(np.int64), x)
    if quantity in ("log_ive", "log_kve"):
        return getattr(ff, quantity.removesuffix("e"))(v, x, scaled=True)
    if quantity.endswith(("_dv", "_dx")):
        return getattr(ff, quantity[:6] + "_grad")(v, x)[quantity.endswith("dx")]
    return getattr(ff, quantity)(v, x)


# ---- exact values ---------------------------------------------------------------------------------------


def _expansion() -> list[list[Fraction]]:
    sys.path.insert(0, str(ROOT / "tools"))
    from functions_bessel_tables import debye, logarithms

    return logarithms(debye(24))


class Exact:
    """Values as balls."""

    def __init__(self) -> None:
        from flint import arb, ctx, fmpq  # type: ignore[import-not-found]

        self.arb, self.ctx, self.fmpq = arb, ctx, fmpq
        ctx.prec = 400
        self.d = [[arb(fmpq(c.numerator, c.denominator)) for c in row] for row in _expansion()]

    def number(self, x: float) -> Any:
        numerator, denominator = float(x).as_integer_ratio()
        return self.arb(self.fmpq(numerator, denominator))

    def uniform(self, v: Any, x: Any, sign: int) -> Any:
        """log I (sign 1) or log K (sign -1) for large hypot(v, x)."""
        arb = self.arb
        w = (v * v + x * x).sqrt()
        s, total = v * v / w / w, arb(0)
        for k in range(1, 25):
            row = arb(0)
            for c in reversed(self.d[k]):
                row = row * s + c
            total += row * sign**k / w**k
        bracket = w - v * (v / x).asinh()
        if sign > 0:
            return bracket - (2 * arb.pi() * w).log() / 2 + total
        return -bracket + (arb.pi() / 2 / w).log() / 2 + total

    def log_bessel(self, v: Any, x: Any, sign: int, large: bool) -> Any:
        if large:
            return self.uniform(v, x, sign)
        return (x.bessel_i(v) if sign > 0 else x.bessel_k(v)).log()

    def once(self, quantity: str, v: float, x: float) -> Any:
        arb = self.arb
        a, b, large = self.number(v), self.number(x), math.hypot(v, x) > 2000
        sign = -1 if quantity.removeprefix("log_").startswith("k") else 1
        log_f = lambda order, argument: self.log_bessel(order, argument, sign, large)  # noqa: E731
        if quantity == "log_normalizer":
            p_half = a + 1
            return a * b.log() - p_half * (2 * arb.pi()).log() - log_f(a, b)
        if quantity in RELATIVE:
            ratio = (log_f(a + 1, b) - log_f(a, b)).exp()
            return 1 - ratio if quantity == "iv_ratio_c" else ratio
        if quantity.endswith("_dv"):
            if v == 0:
                return arb(0) if sign < 0 else -(self.log_bessel(a, b, -1, large) - log_f(a, b)).exp()
            h = arb(2) ** -(self.ctx.prec // 4) * a.min(1)
            return (log_f(a + h, b) - log_f(a - h, b)) / (2 * h)
        if quantity.endswith("_dx"):
            h = arb(2) ** -(self.ctx.prec // 4) * b
            return (log_f(a, b + h) - log_f(a, b - h)) / (2 * h)
        result = log_f(a, b)
        return result - sign * b if quantity.endswith("e") else result

    def __call__(self, quantity: str, v: float, x: float) -> Any:
        precision = 400
        while precision < 200_000:
            self.ctx.prec = precision
            value = self.once(quantity, v, x)
            self.ctx.prec = 400
            if value.is_finite() and (value.is_zero() or value.rel_accuracy_bits() > 90):
                return value
            precision *= 2
        raise ArithmeticError(f"{quantity}({v}, {x}) needs too many bits")

    def parts(self, value: Any) -> tuple[float, float]:
        """As two float64."""
        high = float(value.mid())
        return high, float((value - self.number(high)).mid())

    def error(self, quantity: str, v: float, x: float, got: float) -> float:
        """In the units of `PROMISED`."""
        value = self(quantity, v, x)
        if not math.isfinite(got):
            return math.inf
        size = abs(float(value.mid()))
        scale = size if quantity in RELATIVE else max(1.0, size)
        missing = abs(float((self.number(got) - value).mid()))
        return missing / scale / EPS if scale else (0.0 if missing == 0 else math.inf)


# ---- where errors are looked for ------------------------------------------------------------------------

Pairs = tuple[np.ndarray, np.ndarray]


def _log_uniform(rng: np.random.Generator, low: float, high: float, n: int) -> np.ndarray:
    return np.exp(rng.uniform(math.log(low), math.log(high), n))


def _polar(rng: np.random.Generator, low: float, high: float, n: int) -> Pairs:
    w, angle = _log_uniform(rng, low, high, n), rng.uniform(0, math.pi / 2, n)
    return w * np.cos(angle), w * np.sin(angle)


def _plane(rng: np.random.Generator, n: int) -> Pairs:
    v = _log_uniform(rng, 1e-3, 1e8, n)
    v[::10] = 0
    return v, _log_uniform(rng, 1e-300, 1e8, n)


def _zeros(rng: np.random.Generator, n: int) -> Pairs:
    v = _log_uniform(rng, 20, 1e6, n)
    return v, v * (0.6627 + rng.uniform(-0.02, 0.02, n))


def _borders(rng: np.random.Generator, n: int) -> Pairs:
    w = np.array([20, 30, 50, 100, 500, 2000])[np.arange(n) % 6] * (1 + rng.uniform(-1e-3, 1e-3, n))
    angle = rng.uniform(0, math.pi / 2, n)
    angle[::3] = math.pi / 2 * (1 - rng.uniform(0, 1e-3, angle[::3].size))
    return w * np.cos(angle), w * np.sin(angle)


def _tiny(rng: np.random.Generator, n: int) -> Pairs:
    v = _log_uniform(rng, 1e-3, 19, n)
    v[::5] = np.round(v[::5])
    return v, _log_uniform(rng, 1e-300, 2e-3, n)


def _small(rng: np.random.Generator, n: int) -> Pairs:
    return _log_uniform(rng, 1e-3, 20, n), _log_uniform(rng, 1e-3, 20, n)


STRATA: dict[str, Callable[[np.random.Generator, int], Pairs]] = {
    "v and x over the plane": _plane,
    "box [0, 25]^2": lambda rng, n: (rng.uniform(0, 25, n), rng.uniform(0, 25, n)),
    "20 <= w <= 2000": lambda rng, n: _polar(rng, 20, 2000, n),
    "2000 <= w <= 1e8": lambda rng, n: _polar(rng, 2000, 1e8, n),
    "x = v (0.6627 +- 0.02)": _zeros,
    "at the borders of regions": _borders,
    "v, x in [1e-3, 20]": _small,
    "x < 2e-3, v < 19": _tiny,
    "v = 0": lambda rng, n: (np.zeros(n), _log_uniform(rng, 1e-5, 1e5, n)),
}


def pairs(stratum: str, n: int, seed: int) -> Pairs:
    """Orders and arguments of a stratum."""
    return STRATA[stratum](np.random.default_rng([seed, list(STRATA).index(stratum)]), n)


def measure(exact: Exact, quantity: str, stratum: str, n: int, seed: int) -> dict[str, Any]:
    """Largest error, and where."""
    v, x = pairs(stratum, n, seed)
    if quantity == "log_normalizer":  # dimensions are integers
        v = np.round(2 * np.minimum(v, 1e8)) / 2
    got = np.asarray(ours(quantity, v, x))
    errors = [exact.error(quantity, *z) for z in zip(v.tolist(), x.tolist(), got.tolist(), strict=True)]
    worst = int(np.argmax(errors))
    return {
        "n": n,
        "error": errors[worst],
        "median": float(np.median(errors)),
        "worst": [float(v[worst]).hex(), float(x[worst]).hex()],
    }


def table_pairs() -> list[tuple[float, float]]:
    """Pairs of the stored table: spread over the strata, and what is special."""
    special = [
        (0, 1e-8), (0, 0.001), (0, 1), (0, 29.5), (0, 31), (0, 709), (0, 1401), (0, 1e5), (0.25, 1e-300),
        (0.5, 1), (0.5, 30.5), (0.69, 29.9), (0.7, 19.69), (0.71, 19.7), (1, 2), (2.5, 0.001), (3, 1500),
        (3.1, 1400.5), (7.5, 12), (10, 1e5), (12.69, 0.5), (12.7, 0.5), (15.39, 30.01), (20.16, 20),
        (42, 35.91), (57, 38), (57, 84.5), (100, 0.001), (100, 100), (163.7, 275), (164, 1e-300), (500, 331),
        (1000, 662.7), (1000, 1000), (1023, 500), (1000, 1e5), (4095, 3000), (1e4, 0.01), (1e4, 1e4),
        (16383, 20000), (1e5, 0.001), (1e5, 66274), (1e5, 1e5), (1e5, 1e7), (1e8, 1e8), (1e-300, 5),
        (3, 1e300), (0, 1e-5), (0, 50), (0, 1e6), (7, 1), (511, 1), (1023, 300),
        (4095, 20000), (16383, 16384), (1e6, 1), (2, 3), (10, 30), (100, 50), (3.4999, 1e-5), (3.5, 1e-5),
        (1e150, 1e200), (1e200, 1e100), (25, 1e-200), (1e300, 1e300), (30, 1e-121), (1.5, 1e-3), (19.9, 1.5),
    ]  # fmt: skip
    spread = [
        pair for name in STRATA for pair in zip(*(a.tolist() for a in pairs(name, 12, 99)), strict=True)
    ]
    return [(float(v), float(x)) for v, x in [*special, *spread]]


def write_values() -> None:
    exact = Exact()
    lines = []
    for quantity in QUANTITIES:
        for v, x in table_pairs():
            # Dimensions are integers, and differences in v of extreme numbers need too many digits.
            if quantity == "log_normalizer" and not (float(2 * v).is_integer() and v < 1e8):
                continue
            high, low = exact.parts(exact(quantity, v, x))
            if math.isfinite(high) and abs(high) > 1e-300:
                lines.append(f"{quantity} {v.hex()} {x.hex()} {high.hex()} {low.hex()}")
    VALUES.write_text("\n".join(lines) + "\n")


def write_record(count: int, seed: int) -> None:
    exact, record = Exact(), {}
    for quantity in QUANTITIES:
        record[quantity] = {name: measure(exact, quantity, name, count, seed) for name in STRATA}
        print(quantity, max(entry["error"] for entry in record[quantity].values()), flush=True)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


def main() -> int:
    kind, *rest = sys.argv[1:]
    if kind == "values":
        write_values()
    else:
        write_record(int(rest[0]) if rest else 10_000, 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
