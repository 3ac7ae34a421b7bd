"""Polynomial continued fractions: values against mpmath, irrationality measures, fields, searches."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from fewbits.errors import ArgumentError
from fewbits.functions import fractions as fr
from mpmath import mp

# a, b, value, digits a term, delta of q as it comes, delta of the reduced q at depth 400
TABLE = [
    ([1, 2], [0, 0, 1], lambda: 4 / mp.pi, 0.76555, -0.7003, -0.194),
    ([3, 6], [0, 0, -1], lambda: 2 / mp.log(2), 1.531, None, 0.316),
    ([3, 11, 11], [0, 0, 0, 0, 1], lambda: 5 / mp.zeta(2), 2.090, None, 0.106),
    (*fr.APERY, lambda: 6 / mp.zeta(3), 3.062, None, 0.0844),
    ([1], [1], lambda: mp.phi, 0.41798, None, 1.004),
]


@pytest.mark.parametrize("row", TABLE)
def test_table(row: Any) -> None:
    a, b, exact, rate, naive, reduced = row
    with mp.workdps(120):
        assert abs(mp.mpf(str(fr.value(a, b, 100))) / exact() - 1) < mp.mpf(10) ** -98
    far = fr.convergent(a, b, 800)
    got = (fr._log10_gap(fr.convergent(a, b, 200), far) - fr._log10_gap(fr.convergent(a, b, 400), far)) / 200
    assert got == pytest.approx(rate, abs=6e-4)
    assert fr.delta(a, b, 400) == pytest.approx(reduced, abs=6e-4)
    if naive is not None:
        assert fr.delta(a, b, 400, reduced=False) == pytest.approx(naive, abs=6e-5)
    assert fr.predicted_delta(a, b) == pytest.approx(fr.delta(a, b, 400), abs=0.02)


def test_convergents_are_the_recurrence() -> None:
    a, b = [3, -1, 2], [1, 4, -1]
    p, q = [1, 3], [0, 1]
    for n in range(1, 40):
        an, bn = 3 - n + 2 * n * n, 1 + 4 * n - n * n
        p.append(an * p[-1] + bn * p[-2])
        q.append(an * q[-1] + bn * q[-2])
        got = fr.convergent(a, b, n)
        assert (got.p, got.q, got.depth) == (p[-1], q[-1], n)
    ended = fr.convergent([2], [6, -1], 100)  # b(6) = 0
    assert ended.exact
    assert ended.depth == 5
    value = Fraction(2)
    for n in range(5, 0, -1):
        value = 2 + (6 - n) / value
    assert ended.fraction() == value


@pytest.mark.parametrize("digits", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_zeta3_to_many_digits(digits: int) -> None:
    with localcontext() as context:
        context.prec = digits + 10
        zeta = 6 / fr.value(*fr.APERY, digits + 5)
        # All digits: another depth gives the same ones.
        other = 6 / fr.convergent(*fr.APERY, int(0.332 * digits)).digits(digits + 5)
        assert str(other)[:digits] == str(zeta)[:digits]
    with mp.workdps(2000):
        assert str(zeta)[:1990] == mp.nstr(mp.zeta(3), 2000)[:1990]


def test_dynamics() -> None:
    found = fr.dynamics(*fr.APERY)
    assert found.d == 0  # factorial reduction
    assert found.conv_c == pytest.approx(-3.062 * 2.302585, rel=0.02)
    assert found.delta == pytest.approx(0.0805, abs=0.01)
    plain = fr.dynamics([1, 2], [0, 0, 1])
    assert plain.conv_c == pytest.approx(-0.7656 * 2.302585, rel=0.02)


def test_matrix_fields() -> None:
    for name in ("e", "pi", "zeta(3)"):
        assert fr.field_of(name).is_conservative()
    broken = fr.MatrixField(lambda x, y: ((x, x * y), (1, 1 + 2 * x + y)), lambda x, y: ((y, x), (1, 1 + x)))
    assert not broken.is_conservative()
    assert fr.field_of("zeta(3)").delta((1, 1), 200) == pytest.approx(0.0837, abs=1e-3)
    walk = fr.field_of("zeta(3)").walk((1, 1), 100)
    with mp.workdps(60):
        constants = {"zeta(3)": Decimal(mp.nstr(mp.zeta(3), 50))}
    assert fr.identify(walk.digits(50), constants, bound=1000) is not None


def test_recurrences() -> None:
    assert fr.recurrence([0, 1] * 12) == [0, 1]
    squares = [n * n for n in range(30)]
    assert fr.recurrence(squares) == [3, -3, 1]
    assert fr.recurrence(squares, modulus=199) == [3, 196, 1]
    assert fr.recurrence([int(c) for c in "314159265358979323846264338327950288"]) is None


def test_esma() -> None:
    with localcontext() as context:
        context.prec = 250
        e = Decimal(1).exp()
        tangent = None
    hits = fr.esma(e, longest=1, depth=44)
    regular = next(h for h in hits if h.signs == (1,) and h.transform == (1, 0, 0, 1))
    assert regular.terms[:9] == [2, 1, 2, 1, 1, 4, 1, 1, 6]
    with mp.workdps(260):
        tangent = Decimal(mp.nstr(mp.tan(1), 250))
    signed = fr.esma(tangent, longest=1, depth=44)
    # tan 1 = 1/(1 - 1/(3 - 1/(5 - ...)))
    assert any(h.signs == (-1,) for h in signed)
    assert all(h.digits_per_term > 0.5 for h in signed)
    with mp.workdps(260):
        assert fr.esma(Decimal(mp.nstr(mp.pi, 250)), longest=1, depth=44) == []


def test_identify() -> None:
    with mp.workdps(70):
        constants = {"pi": Decimal(mp.nstr(mp.pi, 60)), "zeta(3)": Decimal(mp.nstr(mp.zeta(3), 60))}
    found = fr.identify(fr.value(*fr.APERY, 60), constants)
    assert found == {"1": 6, "zeta(3)": 0, "value": 0, "value*zeta(3)": -1}
    with localcontext() as context:
        context.prec = 60
        assert fr.identify(Decimal(7).sqrt(), constants, bound=100) is None


def test_arguments() -> None:
    with pytest.raises(ArgumentError, match="a must be a sequence of integers"):
        fr.convergent([], [1], 3)
    with pytest.raises(TypeError, match="b must be an integer"):
        fr.convergent([1], [0.5], 3)  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="must gain digits"):
        fr.value([1, 3, 3, 2], [0, 0, 0, 0, 0, 0, -1], 20)
    with pytest.raises(ArgumentError, match="must not end"):
        fr.delta([2], [6, -1], 10)
    with pytest.raises(TypeError, match="constant must be a Decimal"):
        fr.esma(2.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="constant must be one of"):
        fr.field_of("pie")
