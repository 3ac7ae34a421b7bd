"""Makes the tables of `fewbits/functions/detail/*_tables.hpp`: ``python tools/functions_tables.py``.

Every number comes from ball arithmetic (python-flint) at 400 bits and is rounded once. Polynomials
interpolate at Chebyshev nodes, in exact arithmetic and in the variable the kernel uses; the largest error of
each, relative to its function and measured on a fine grid with the rounded coefficients evaluated exactly,
stands in the comment above it. ``--check`` compares instead of writing.
"""

# ruff: noqa: PLR0917  the arguments of these helpers follow the formulas

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from flint import arb, arb_poly, ctx, fmpq  # type: ignore[import-not-found]

ctx.prec = 400
ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "cpp/include/fewbits/functions/detail"
Real = Callable[[arb], arb]


def exact(x: float) -> arb:
    numerator, denominator = x.as_integer_ratio()
    return arb(fmpq(numerator, denominator))


def nearest(x: arb) -> float:
    """The float64 nearest to x; the ball is far narrower than half an ulp."""
    mantissa, exponent = x.mid().man_exp()
    value = fmpq(int(mantissa)) * fmpq(2) ** int(exponent)
    return int(value.p) / int(value.q)  # Python's division of integers is correctly rounded


def split(x: arb) -> tuple[float, float]:
    high = nearest(x)
    return high, nearest(x - exact(high))


def short(x: arb, bits: int) -> float:
    """x rounded to a multiple of 2^-bits."""
    scaled = x * arb(2) ** bits
    return float(int((scaled + arb("0.5")).floor().unique_fmpz())) * 2.0**-bits


def chebyshev(f: Real, low: arb, high: arb, degree: int) -> list[arb]:
    """Coefficients of the polynomial that equals f at the Chebyshev nodes of [low, high]."""
    n = degree + 1
    half, centre = (high - low) / 2, (high + low) / 2
    nodes = [(centre + half * ((arb(2 * i + 1) / (2 * n)).cos_pi())).mid() for i in range(n)]
    polynomial = arb_poly.interpolate(nodes, [f(x) for x in nodes])
    return [polynomial[i] for i in range(n)]


def worst(f: Real, g: Real, low: arb, high: arb, points: int = 200) -> float:
    """Largest |f - g| on a grid."""
    largest = arb(0)
    for i in range(points + 1):
        x = (low + (high - low) * i / points).mid()
        largest = largest.max((f(x) - g(x)).__abs__())
    return float(largest.mid())


def horner(c: Sequence[float]) -> Real:
    def evaluate(x: arb) -> arb:
        total = arb(0)
        for value in reversed(c):
            total = total * x + exact(value)
        return total

    return evaluate


def log2(x: float) -> str:
    return f"2^{float(arb(x).log_base(2).mid()) if x else -999:.1f}"


def number(x: float) -> str:
    text = float(x).hex()
    return text.replace("0x0.0p+0", "0x0p+0")


class Header:
    def __init__(self, name: str, what: str, script: str = "functions_tables.py") -> None:
        self.name, self.lines = name, [f"// {what}", f"// Made by tools/{script}; do not edit."]
        self.lines += ["#pragma once", "", "#include <cstdint>", "", '#include "fewbits/core/isa.hpp"', ""]
        self.lines += ["namespace fewbits {", "inline namespace FEWBITS_ISA {", "namespace functions {"]
        self.lines += ["namespace detail {", ""]

    def scalar(self, name: str, value: float, comment: str = "") -> None:
        self.lines.append(
            f"inline constexpr double {name} = {number(value)};{'  // ' + comment if comment else ''}"
        )

    def pair(self, name: str, value: arb, comment: str) -> None:
        high, low = split(value)
        self.lines.append(
            f"inline constexpr double {name}[2] = {{{number(high)}, {number(low)}}};  // {comment}"
        )

    def vector(self, name: str, values: Sequence[float], comment: str) -> None:
        self.lines += [f"// {comment}", f"inline constexpr double {name}[{len(values)}] = {{"]
        self.lines += [
            "    " + ", ".join(number(v) for v in values[i : i + 4]) + "," for i in range(0, len(values), 4)
        ]
        self.lines.append("};")

    def floats(self, name: str, values: Sequence[float], comment: str) -> None:
        self.lines += [f"// {comment}", f"inline constexpr float {name}[{len(values)}] = {{"]
        self.lines += [", ".join(number(v) + "F" for v in values) + ",", "};"]

    def words(self, name: str, values: Sequence[int], comment: str) -> None:
        self.lines += [f"// {comment}", f"inline constexpr std::uint64_t {name}[{len(values)}] = {{"]
        self.lines += [
            "    " + ", ".join(f"{v:#018x}ULL" for v in values[i : i + 4]) + ","
            for i in range(0, len(values), 4)
        ]
        self.lines.append("};")

    def rows(self, name: str, rows: Sequence[Sequence[float]], comment: Sequence[str]) -> None:
        self.lines += [f"// {line}" for line in comment]
        width = len(rows[0])
        self.lines.append(f"alignas(64) inline constexpr double {name}[{len(rows) * width}] = {{")
        for row in rows:
            for i in range(0, width, 4):
                self.lines.append("    " + ", ".join(number(v) for v in row[i : i + 4]) + ",")
        self.lines.append("};")

    def text(self) -> str:
        body = "\n".join([*self.lines, "", "}  // namespace detail", "}  // namespace functions"])
        body += "\n}  // namespace FEWBITS_ISA\n}  // namespace fewbits\n"
        done = subprocess.run(
            ["clang-format", "--assume-filename", str(TARGET / "x.hpp")],
            input=body, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


def series(
    header: Header, name: str, f: Real, low: float, high: float, degree: int, what: str, error: Real
) -> None:
    """A polynomial for f; `error` scales its error at x to what the comment states."""
    a, b = exact(low), exact(high)
    c = [nearest(v) for v in chebyshev(f, a, b, degree)]
    p = horner(c)
    e = worst(lambda x: f(x) * error(x), lambda x: p(x) * error(x), a + (b - a) * arb(2) ** -60, b)
    header.vector(name, c, f"{what}, from the constant term up; error {log2(e)}")


def single(x: arb) -> float:
    """The float32 nearest to x."""
    return struct.unpack("<f", struct.pack("<f", nearest(x)))[0]


def series_float32(h: Header, name: str, f: Real, reach: tuple[float, float], degree: int, what: str) -> None:
    """A polynomial with float32 coefficients; the error is absolute."""
    a, b = exact(reach[0]), exact(reach[1])
    c = [single(v) for v in chebyshev(f, a, b, degree)]
    e = worst(f, horner(c), a + (b - a) * arb(2) ** -60, b)
    h.floats(name, c, f"{what}, for float32 arithmetic; error {log2(e)}")


def double_double() -> Header:
    h = Header("double_double", "Tables of exp and log, and the constants that go with them.")
    ln2 = arb.const_log2()
    h.scalar("inv_ln2_128", nearest(128 / ln2))
    high, low = split(ln2 / 128)
    h.scalar("ln2_128_high", high)
    h.scalar("ln2_128_low", low)
    rows = [split((arb(j) / 128 * ln2).exp()) for j in range(128)]
    h.rows("exp2_table", rows, ["2^(j/128) as high and low part"])
    r = float((ln2 / 256).mid()) * 1.001

    def tail(x: arb) -> arb:
        return (x.expm1() - x) / x**2 if not x.is_zero() else arb(1) / 2

    series(h, "exp_tail", tail, -r, r, 4, "(e^r - 1 - r) / r^2, |r| <= ln2/256", lambda x: x * x)

    # Natural logarithm: z in [0.6875, 1.375), 256 intervals of equal numbers of floats.
    rows4 = []
    reach = 0.0
    for i in range(256):
        bits = 0x3FE6000000000000 + (i << 44)
        start = struct.unpack("<d", struct.pack("<Q", bits))[0]
        end = struct.unpack("<d", struct.pack("<Q", bits + (1 << 44)))[0]
        near_one = start >= 1 - 2.0**-8 and end <= 1 + 2.0**-8
        c = 1.0 if near_one else short(2 / (exact(start) + exact(end)), 9 if start >= 1 else 8)
        reach = max(reach, abs(start * c - 1), abs(end * c - 1))
        log_c = -exact(c).log()
        high = short(log_c, 42)
        rows4.append((c, high, nearest(log_c - exact(high)), 0.0))
    h.rows("log_table", rows4, [
        "c, -log c as multiple of 2^-42 and rest, 0; z c - 1 is exact, and at most "
        f"{reach:.6f} in size; c = 1 around 1",
    ])  # fmt: skip
    high = short(ln2, 42)
    h.scalar("ln2_high", high, "multiple of 2^-42: its products with exponents are exact")
    h.scalar("ln2_low", nearest(ln2 - exact(high)))

    def log_tail(x: arb) -> arb:
        return (x.log1p() - x + x * x / 2) / x**3 if not x.is_zero() else arb(1) / 3

    series(h, "log_tail", log_tail, -reach, reach, 6, "(log(1 + r) - r + r^2/2) / r^3", lambda x: x * x)

    def log_short(x: arb) -> arb:
        return (x.log1p() - x) / x**2 if not x.is_zero() else -arb(1) / 2

    series(h, "log_short", log_short, -reach, reach, 5, "(log(1 + r) - r) / r^2, for float32", lambda x: x)
    h.pair("log2_e", 1 / ln2, "1 / log 2")
    h.pair("log10_e", 1 / arb(10).log(), "1 / log 10")
    h.pair("ln2", ln2, "log 2")
    h.pair("ln10", arb(10).log(), "log 10")
    return h


def exponential() -> Header:
    h = Header("exponential", "Constants and polynomials of exp, exp2 and exp10.")
    ln2, ln10 = arb.const_log2(), arb(10).log()
    h.scalar("inv_log10_2_128", nearest(128 * ln10 / ln2))
    first = nearest(ln2 / ln10 / 128)
    rest = ln2 / ln10 / 128 - exact(first)
    h.scalar("log10_2_128_high", first)
    h.pair("log10_2_128_low", rest, "log10(2)/128 beyond the high part")
    h.scalar("inv_ln2", nearest(1 / ln2))
    h.scalar("ln2_first", split(ln2)[0])
    h.scalar("ln2_second", split(ln2)[1])
    h.scalar("inv_log10_2", nearest(ln10 / ln2))
    h.scalar("log10_2_first", split(ln2 / ln10)[0])
    h.scalar("log10_2_second", split(ln2 / ln10)[1])
    single_precision(h)
    r = float((ln2 / 2).mid()) * 1.0001
    s = float((ln2 / ln10 / 2).mid()) * 1.0001
    series(h, "exp_whole", lambda x: x.exp(), -r, r, 11, "e^r, |r| <= ln2/2", lambda x: (-x).exp())
    series(
        h,
        "exp2_whole",
        lambda x: (x * ln2).exp(),
        -0.5,
        0.5,
        11,
        "2^r, |r| <= 1/2",
        lambda x: (-x * ln2).exp(),
    )
    series(
        h,
        "exp10_whole",
        lambda x: (x * ln10).exp(),
        -s,
        s,
        11,
        "10^r, |r| <= log10(2)/2",
        lambda x: (-x * ln10).exp(),
    )
    return h


def single_precision(h: Header) -> None:
    """What Accuracy::fast of exp and exp2 needs."""
    ln2 = arb.const_log2()
    high = short(ln2, 15)
    h.lines.append(f"inline constexpr float ln2_high_f32 = {number(high)}F;  // times k exact")
    h.lines.append(f"inline constexpr float ln2_low_f32 = {number(single(ln2 - exact(high)))}F;")
    h.lines.append(f"inline constexpr float inv_ln2_f32 = {number(single(1 / ln2))}F;")

    def exp_tail(x: arb) -> arb:
        return (x.expm1() - x) / x**2 if not x.is_zero() else arb(1) / 2

    def exp2_rest(x: arb) -> arb:
        return (x * ln2).expm1() / x if not x.is_zero() else ln2

    series_float32(h, "exp_tail_f32", exp_tail, (-0.3475, 0.3475), 4, "(e^r - 1 - r) / r^2, |r| <= ln2/2")
    series_float32(h, "exp2_rest_f32", exp2_rest, (-0.5, 0.5), 5, "(2^r - 1) / r, |r| <= 1/2")


def logarithm() -> Header:
    h = Header("logarithm", "Constants of log in float32 arithmetic.")
    ln2 = arb.const_log2()
    high = short(ln2, 15)
    h.lines.append(f"inline constexpr float log_2_high_f32 = {number(high)}F;  // times exponents exact")
    h.lines.append(f"inline constexpr float log_2_low_f32 = {number(single(ln2 - exact(high)))}F;")

    def log_tail(x: arb) -> arb:
        return (x.log1p() - x + x * x / 2) / x**3 if not x.is_zero() else arb(1) / 3

    series_float32(h, "log_tail_f32", log_tail, (-0.3125, 0.375), 8, "(log(1 + f) - f + f^2/2) / f^3")
    return h


def trigonometric() -> Header:
    h = Header("trigonometric", "Constants and polynomials of sin and cos.")
    half_pi = arb.pi() / 2
    h.scalar("two_over_pi", nearest(1 / half_pi))
    first = nearest(half_pi)
    second = nearest(half_pi - exact(first))
    third = nearest(half_pi - exact(first) - exact(second))
    h.vector("half_pi", [first, second, third], "pi/2 in three parts")
    h.pair("minus_sixth", -arb(1) / 6, "-1/6")
    old, ctx.prec = ctx.prec, 3000
    value = (2 / arb.pi() * arb(2) ** (64 * 20)).floor().unique_fmpz()
    ctx.prec = old
    words = [(int(value) >> (64 * (19 - i))) & (2**64 - 1) for i in range(20)]
    h.words("two_over_pi_bits", words, "The first 1280 bits of 2/pi behind the binary point, highest first")
    end = float(((half_pi / 2) ** 2).mid()) * 1.001

    def by_root(f: Real, at_zero: arb) -> Real:
        return lambda z: f(z.sqrt()) if not z.is_zero() else at_zero

    sin5 = by_root(lambda x: (x.sin() - x + x**3 / 6) / x**5, arb(1) / 120)
    cos4 = by_root(lambda x: (x.cos() - 1 + x**2 / 2) / x**4, arb(1) / 24)
    sin3 = by_root(lambda x: (x.sin() - x) / x**3, -arb(1) / 6)
    series(h, "sin_tail", sin5, 0.0, end, 6, "(sin r - r + r^3/6) / r^5 in r^2, |r| <= pi/4", lambda z: z * z)
    series(h, "cos_tail", cos4, 0.0, end, 6, "(cos r - 1 + r^2/2) / r^4 in r^2, |r| <= pi/4", lambda z: z * z)
    series(h, "sin_whole", sin3, 0.0, end, 6, "(sin r - r) / r^3 in r^2, |r| <= pi/4", lambda z: z)
    return h


ROW = 12


def piece(f: Real, mid: arb, width: float) -> tuple[list[float], float]:
    """A row: f(mid) as high and low part, then the coefficients of h, h^2, ... h^10 about mid."""
    centre = f(mid)
    high, low = split(centre)
    c = chebyshev(lambda t: (f(mid + t) - centre) / t, exact(-width / 2), exact(width / 2), 9)
    row = [high, low, *(nearest(v) for v in c)]
    p = horner(row[2:])
    error = worst(lambda t: f(mid + t) / centre, lambda t: (exact(high) + exact(low) + p(t) * t) / centre,
                  exact(-width / 2), exact(width / 2), 24)  # fmt: skip
    return row, error


def pieces(f: Real, start: float, stop: float, what: str, shift: int = 0) -> tuple[list[list[float]], str]:
    """Rows for 16 intervals per octave of y from `start` to `stop`; the argument of f is y - shift."""
    rows, worst_error = [], 0.0
    y = start
    while y < stop:
        width = 2.0 ** int(y.hex().split("p")[1]) / 16
        row, error = piece(f, exact(y + width / 2) - shift, width)
        rows.append(row)
        worst_error = max(worst_error, error)
        y += width
    return rows, f"{what}: 16 intervals per octave from {start} to {y}; error {log2(worst_error)}"


def table(h: Header, name: str, *parts: tuple[list[list[float]], str]) -> None:
    """One table of the rows of all parts, and behind which row the second part begins."""
    h.rows(name, [row for rows, _ in parts for row in rows], [what for _, what in parts])
    if len(parts) > 1:
        h.lines.append(f"inline constexpr std::uint64_t {name}_second = {len(parts[0][0])};")


def even(f: Real, at_zero: Real | arb) -> Real:
    return lambda z: f(z.sqrt()) if not z.is_zero() else at_zero


def logistic() -> Header:
    h = Header("logistic", "Table of tanh, constants of gelu_tanh.")
    series(h, "tanh_small", even(lambda x: (x.tanh() - x) / x**3, -arb(1) / 3), 0.0, 1 / 64, 7,
           "(tanh x - x) / x^3 in x^2, |x| <= 1/8", lambda z: z)  # fmt: skip
    table(h, "tanh_table", pieces(lambda x: x.tanh(), 0.125, 20.0, "tanh x"))
    two_c = 2 * (2 / arb.pi()).sqrt()
    h.pair("gelu_first", two_c, "2 sqrt(2/pi)")
    h.pair("gelu_third", two_c * arb("0.044715"), "2 sqrt(2/pi) 0.044715")
    return h


def erfcx(x: arb) -> arb:
    return (x * x).exp() * x.erfc()


def ndtri(p_log: arb, guess: arb) -> arb:
    """g > 0 with log ndtr(-g) = p_log, by Newton's method; quadratic, so few steps reach 400 bits."""
    g = guess.mid()
    root_two = arb(2).sqrt()
    for _ in range(60):
        tail = (g / root_two).erfc() / 2
        density = (-g * g / 2).exp() / (2 * arb.pi()).sqrt()
        step = (tail.log() - p_log) * tail / density
        g = (g + step).mid()
        if step.__abs__().mid() < arb(2) ** -300 * g:
            return g
    raise ArithmeticError("ndtri: no convergence")


def error_function() -> Header:
    h = Header("error_function", "Tables of erf, erfcx and ndtri.")
    root_pi, root_two = arb.pi().sqrt(), arb(2).sqrt()
    h.pair("two_over_root_pi", 2 / root_pi, "2 / sqrt(pi)")
    h.pair("one_over_root_pi", 1 / root_pi, "1 / sqrt(pi)")
    h.pair("root_half", 1 / root_two, "1 / sqrt 2")
    h.pair("root_two_pi", (2 * arb.pi()).sqrt(), "sqrt(2 pi)")
    rest = even(lambda x: (x.erf() - 2 / root_pi * x) / x**3, -2 / root_pi / 3)
    series(
        h, "erf_small", rest, 0.0, 1 / 64, 7, "(erf x - 2 x / sqrt pi) / x^3 in x^2, |x| <= 1/8", lambda z: z
    )
    table(
        h,
        "erf_table",
        pieces(lambda x: x.erf(), 0.125, 6.0, "erf x"),
        pieces(erfcx, 1.0, 36.0, "erfcx(y - 1)", 1),
    )
    c, coefficients = arb(1), []
    for k in range(1, 8):
        c = -c * (2 * k - 1) / 2
        coefficients.append(nearest(c))
    h.vector(
        "erfcx_far",
        coefficients,
        "x sqrt(pi) erfcx(x) - 1 in 1/x^2 without constant term, x >= 32: asymptotic",
    )

    def inverse(q: arb) -> arb:  # ndtri(1/2 + q)
        return root_two * (2 * q).erfinv()

    s = (2 * arb.pi()).sqrt()
    series(h, "ndtri_small", even(lambda q: (inverse(q) - s * q) / q**3, s**3 / 6), 0.0, 1 / 256, 9,
           "(ndtri(1/2 + q) - sqrt(2 pi) q) / q^3 in q^2, |q| <= 1/16", lambda z: z)  # fmt: skip

    def tail(t: arb) -> arb:
        return ndtri(-t * t / 2, (t - (t.log() + arb("0.92")) / t).max(arb("0.3")))

    middle = pieces(inverse, 0.0625, 0.2578125, "ndtri(1/2 + q)")
    table(h, "ndtri_table", middle, pieces(tail, 1.625, 40.0, "-ndtri(exp(-t^2/2))"))
    return h


def power() -> Header:
    h = Header("power", "Table of cbrt.")
    table(h, "cbrt_table", pieces(lambda x: x.root(3), 1.0, 8.0, "cbrt x"))
    return h


def main() -> int:
    wrong = 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for make in (double_double, exponential, logarithm, trigonometric, logistic, error_function, power):
        header = make()
        path = TARGET / f"{header.name}_tables.hpp"
        text = header.text()
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text() != text:
                print(f"{path}: differs from what the script makes")
                wrong = 1
        else:
            path.write_text(text)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
