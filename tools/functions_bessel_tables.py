"""Makes `detail/gamma_tables.hpp` and `detail/bessel_tables.hpp`: run without arguments.

The polynomials of the uniform expansions come from rational arithmetic, everything else from ball arithmetic
(python-flint) at 400 bits; every number is rounded once. ``--check`` compares instead of writing.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from flint import arb, arb_series, ctx  # type: ignore[import-not-found]
from functions_tables import TARGET, Header, nearest, series

Polynomial = list[Fraction]
TERMS = 24  # of the uniform expansion where w = hypot(v, x) is smallest, 20
STEPS = 160  # nodes of the trapezoidal rule on one side, 1/8 apart


def debye(count: int) -> list[Polynomial]:
    """p_k(s), k = 0..count, with u_k(t) = t^k p_k(t^2) of NIST DLMF 10.41.9."""
    u = [{0: Fraction(1)}]
    for _ in range(count):
        following: dict[int, Fraction] = {}
        for power, a in u[-1].items():
            low = a * Fraction(power, 2) + a / 8 / (power + 1)
            high = -a * Fraction(power, 2) - 5 * a / 8 / (power + 3)
            following[power + 1] = following.get(power + 1, Fraction(0)) + low
            following[power + 3] = following.get(power + 3, Fraction(0)) + high
        u.append(following)
    return [[u[k].get(k + 2 * j, Fraction(0)) for j in range(k + 1)] for k in range(count + 1)]


def logarithms(p: list[Polynomial]) -> list[Polynomial]:
    """d_k with log(sum p_k(s) y^k) = sum d_k(s) y^k."""
    d: list[Polynomial] = [[Fraction(0)]]
    for k in range(1, len(p)):
        total = list(p[k])
        for j in range(1, k):
            for a, left in enumerate(d[j]):
                for b, right in enumerate(p[k - j]):
                    total[a + b] -= Fraction(j, k) * left * right
        d.append(total)
    return d


def triangle(h: Header, name: str, polynomials: list[Polynomial], comment: str) -> None:
    """Row k = 1, 2, ... of k + 1 coefficients begins at k (k + 1) / 2 - 1."""
    flat = [float(c) for k, row in enumerate(polynomials) if k > 0 for c in row]
    h.vector(name, flat, comment)


def derivatives(d: list[Polynomial]) -> tuple[list[Polynomial], list[Polynomial]]:
    """2 s d_k' + k d_k, and 2 (1 - s) d_k' - k d_k."""
    first, second = [], []
    for k, row in enumerate(d):
        following = [*row[1:], Fraction(0)]
        first.append([(2 * j + k) * c for j, c in enumerate(row)])
        second.append([
            2 * (j + 1) * n - (2 * j + k) * c for j, (c, n) in enumerate(zip(row, following, strict=True))
        ])  # fmt: skip
    return first, second


def bessel() -> Header:
    h = Header("bessel", "Tables of the modified Bessel functions.", Path(__file__).name)
    p = debye(TERMS)
    d = logarithms(p)
    first, second = derivatives(d)
    triangle(h, "debye_u", p[:14], "p_k(s), k = 1..13: u_k(t) = t^k p_k(t^2)")
    triangle(h, "debye_log", d, f"d_k(s), k = 1..{TERMS}: log of the sum of p_k(s)/w^k is that of d_k(s)/w^k")
    triangle(h, "debye_dx", first, "2 s d_k' + k d_k")
    triangle(h, "debye_dv", second, "2 (1 - s) d_k' - k d_k")
    rows = []
    for i in range(1, STEPS + 1):
        t = arb(i) / 8
        up, down = t.exp() - 1 - t, (-t).exp() - 1 + t
        rows.append([nearest(t.cosh() - 1), nearest(up), nearest(down), nearest(t.exp())])
    h.rows("trapezoid", rows, ["cosh t - 1, e^t - 1 - t, e^-t - 1 + t, e^t at t = 1/8, 2/8, ..."])

    ctx.cap = 60
    reciprocal = (arb_series([arb(0), arb(1)]) + 1).rgamma()
    a = [reciprocal[k] for k in range(40)]
    h.vector(
        "temme_gamma1", [nearest(-a[2 * k + 1]) for k in range(10)],
        "(1/Gamma(1-m) - 1/Gamma(1+m)) / (2m) in powers of m^2, |m| <= 1/2",
    )  # fmt: skip
    h.vector(
        "temme_gamma2", [nearest(a[2 * k]) for k in range(10)],
        "(1/Gamma(1-m) + 1/Gamma(1+m)) / 2 in powers of m^2, |m| <= 1/2",
    )  # fmt: skip
    factorial = [arb(1)]
    for n in range(1, 30):
        factorial.append(factorial[-1] * n)
    h.vector(
        "sinhc_slope", [nearest(arb(2 * n) / factorial[2 * n + 1]) for n in range(1, 11)],
        "derivative of sinh(y)/y, over y, in powers of y^2, |y| <= 1",
    )  # fmt: skip
    h.vector(
        "sinhc", [nearest(1 / factorial[2 * n + 1]) for n in range(11)],
        "sinh(y)/y in powers of y^2, |y| <= 1",
    )  # fmt: skip
    h.pair("log_two_pi", (2 * arb.pi()).log(), "log 2 pi")
    h.pair("log_half_pi", (arb.pi() / 2).log(), "log pi/2")
    h.pair("log_16", arb(16).log(), "log 16")
    return h


def gamma() -> Header:
    h = Header(
        "gamma", "Tables of the logarithm of the gamma function and its derivative.", Path(__file__).name
    )

    def around_two(t: arb) -> arb:
        return (t + 2).lgamma() / t

    constant = 1 - arb.const_euler()
    h.pair("log_gamma_slope", constant, "derivative of log Gamma at 2")
    curve = (arb(2).zeta() - 1) / 2
    h.pair("log_gamma_curve", curve, "half the second one")
    cubic = (1 - arb(3).zeta()) / 3
    h.pair("log_gamma_cubic", cubic, "a sixth of the third one")
    series(
        h, "log_gamma_rest",
        lambda t: (((around_two(t) - constant) / t - curve) / t - cubic) / t, -0.5, 0.5, 23,
        "what is left of log Gamma(2 + t), over t^4, |t| <= 1/2", lambda t: t**3,
    )  # fmt: skip
    bernoulli = [arb.bernoulli(2 * k) for k in range(1, 12)]
    h.vector(
        "stirling",
        [nearest(b / (2 * k * (2 * k - 1))) for k, b in enumerate(bernoulli, 1)][:9],
        "of 1/z, 1/z^3, ...",
    )
    h.vector("digamma_tail", [nearest(b / (2 * k)) for k, b in enumerate(bernoulli, 1)][:9],
             "of 1/z^2, 1/z^4, ...")  # fmt: skip
    h.pair("half_log_two_pi_e", ((2 * arb.pi()).log() - 1) / 2, "(log 2 pi - 1) / 2")
    return h


def main() -> int:
    stale = 0
    for header in (gamma(), bessel()):
        path, text = TARGET / f"{header.name}_tables.hpp", header.text()
        if "--check" in sys.argv:
            stale += path.read_text() != text
        else:
            path.write_text(text)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
