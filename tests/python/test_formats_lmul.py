"""L-Mul against its definition in Python integers, the tables of errors, and special values."""

from __future__ import annotations

import math

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError

SHIFT = {1: 1, 2: 2, 3: 3, 4: 3}


def by_definition(x: float, y: float, m: int = 23) -> float:
    """One product of float32 in Python integers."""
    a, b = (int(np.float32(v).view(np.uint32)) for v in (x, y))
    sign, p, q = (a ^ b) & 0x80000000, a & 0x7FFFFFFF, b & 0x7FFFFFFF
    zero = p < 1 << 23 or q < 1 << 23
    infinity = 0x7F800000
    if max(p, q) > infinity or (max(p, q) == infinity and zero):
        return math.nan
    z = p + q - ((127 << 23) - (1 << (23 - SHIFT.get(m, 4))))
    if max(p, q) == infinity or (not zero and z >= infinity):
        z = infinity
    elif zero or z < 1 << 23:
        z = 0
    return float(np.uint32(sign | z).view(np.float32))


def test_checks_of_the_paper() -> None:
    assert ff.lmul([1.0, 1.5, 3.0, -2.0], [1.0, 1.5, 5.0, 3.0]).tolist() == [1.0625, 2.125, 14.5, -6.25]
    assert ff.lmul(math.pi, math.e).view(np.uint32) == 0x40FF082F


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7, 23])
def test_equals_the_definition(m: int) -> None:
    rng = np.random.default_rng(m)
    codes = rng.integers(0, 1 << 32, (2, 5000), dtype=np.uint32)
    special = [0, 0x80000000, 1, 0x7FFFFF, 0x800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000]
    codes[:, :200] = rng.choice(np.array(special, np.uint32), (2, 200))
    a, b = codes.view(np.float32)
    cut = np.uint32(0xFFFFFFFF << (23 - m) & 0xFFFFFFFF)
    p, q = (np.where(np.isfinite(v), (v.view(np.uint32) & cut).view(np.float32), v) for v in (a, b))
    want = [by_definition(float(x), float(y), m) for x, y in zip(p, q, strict=True)]
    np.testing.assert_array_equal(ff.lmul(a, b, mantissa_bits=m), np.array(want, np.float32))


@pytest.mark.parametrize(
    ("m", "formula", "integer"),
    [
        (2, (0.08639, 0.11105, None, 0.25), (0.14674, 0.14674, 0.06667, 0.25)),
        (3, (-0.00965, 0.06886, None, 0.18222), (0.04930, 0.05241, -0.03030, 0.125)),
        (4, (-0.02183, 0.06936, None, 0.20083), (0.04873, 0.05141, -0.03214, 0.125)),
        (7, (-0.06276, 0.07506, None, 0.23230), (0.00408, 0.02655, -0.07288, 0.0625)),
        (10, (-0.06396, 0.07567, None, 0.23412), (0.00408, 0.02655, -0.07288, 0.0625)),
    ],
)
def test_table_of_errors(m: int, formula: tuple, integer: tuple) -> None:
    grid = (1 + np.arange(1 << m) / (1 << m)).astype(np.float32)
    x, y = np.meshgrid(grid, grid)
    exact = x.astype(np.float64) * y
    for want, how in ((formula, True), (integer, False)):
        error = ff.lmul(x, y, mantissa_bits=m, formula=how) / exact - 1
        got = (error.mean(), np.abs(error).mean(), error.min(), np.abs(error).max() if how else error.max())
        for g, w in zip(got, want, strict=True):
            assert w is None or abs(g - w) < 6e-6, (m, how, got)


def test_truncated_operands_of_four_bits_are_as_good_as_e4m3() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1 << 18)).astype(np.float32)
    exact = a.astype(np.float64) * b

    def error(product: np.ndarray) -> float:
        return float(np.abs(product / exact - 1).mean())

    eight = ff.round_to(a, "float8_e4m3fn").astype(np.float64) * ff.round_to(b, "float8_e4m3fn")
    assert error(ff.lmul(a, b)) == pytest.approx(0.0269, abs=0.0005)
    truncated = error(ff.lmul(a, b, mantissa_bits=4))
    assert truncated == pytest.approx(0.0302, abs=0.0005)
    assert error(ff.lmul(a, b, mantissa_bits=4, operand="round")) == pytest.approx(0.0529, abs=0.0005)
    assert truncated < error(eight)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_every_code_with_some(name: str) -> None:
    f = ff.get(name)
    offset = {"bfloat16": 0x3F78, "float16": 0x3BC0}[name]
    m, infinity = f.precision - 1, {"bfloat16": 0x7F80, "float16": 0x7C00}[name]
    every = np.arange(1 << 16, dtype=np.int64)
    rng = np.random.default_rng(0)
    for other in [0, 1, 1 << m, infinity - 1, infinity, infinity + 1, 0x8000, *rng.integers(0, 1 << 16, 60)]:
        got = ff.lmul_codes(every.astype(np.uint16), np.uint16(other), name).astype(np.int64)
        a, b = every & 0x7FFF, int(other) & 0x7FFF
        sign = (every ^ int(other)) & 0x8000
        z = a + b - offset
        zero = (a >> m == 0) | (b >> m == 0)
        want = np.where(zero | (z < 1 << m), 0, np.where(z >= infinity, infinity, z))
        want = np.where(((a == infinity) | (b == infinity)) & ~zero, infinity, want) | sign
        nan = (a > infinity) | (b > infinity) | (((a == infinity) | (b == infinity)) & zero)
        np.testing.assert_array_equal(got[~nan], want[~nan])
        assert (got[nan] & 0x7FFF > infinity).all()


def test_offsets_and_small_formats() -> None:
    one = {name: int(ff.encode(1.0, name)) for name in ("float8_e4m3fn", "float8_e5m2")}
    assert ff.lmul_codes(one["float8_e4m3fn"], one["float8_e4m3fn"], "float8_e4m3fn") == 2 * 56 - 55
    assert ff.lmul_codes(one["float8_e5m2"], one["float8_e5m2"], "float8_e5m2") == 2 * 60 - 59
    large, tiny = ff.encode([448.0, 2.0**-9], "float8_e4m3fn")
    assert ff.lmul_codes(large, large, "float8_e4m3fn") == 0x7F
    assert ff.lmul_codes(large, large, "float8_e4m3fn", saturate="finite") == 0x7E
    assert ff.lmul_codes(tiny, one["float8_e4m3fn"], "float8_e4m3fn") == 0
    # With their values: about the product, within the error of L-Mul and one unit of the subnormals.
    values = ff.decode(np.arange(256, dtype=np.uint8), "float8_e4m3fn").astype(np.float64)
    finite = np.flatnonzero(np.isfinite(values)).astype(np.uint8)
    x, y = np.meshgrid(finite, finite)
    name = "float8_e4m3fn"
    got = ff.decode(ff.lmul_codes(x, y, name, saturate="finite", subnormal_operands="normalise"), name)
    exact = values[x] * values[y]
    bounded = np.clip(exact, -448, 448)
    assert (np.abs(got - bounded) <= 0.1251 * np.abs(bounded) + 2.0**-9).all()


def test_matmul_equals_the_loop() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(9, 70)).astype(np.float32), rng.normal(size=(70, 21)).astype(np.float32)
    a[2, 3], b[5, 5], b[6, 6] = np.inf, np.nan, 0
    c = np.zeros((9, 21), np.float32)
    with np.errstate(invalid="ignore"):
        for k in range(70):
            c = c + ff.lmul(a[:, k : k + 1], b[k : k + 1], mantissa_bits=5)
    np.testing.assert_array_equal(ff.lmul_matmul(a, b, mantissa_bits=5, threads=2), c)
    exact = ff.lmul_matmul(a[3:], b[:, 7:], accumulate="exact")
    for i in range(6):
        for j in range(14):
            assert exact[i, j] == np.float32(math.fsum(ff.lmul(a[3 + i], b[:, 7 + j]).tolist()))
    assert ff.lmul_dot(a[4], a[4]) == ff.lmul_matmul(a[4:5], a[4:5].T)[0, 0]


def test_attention() -> None:
    rng = np.random.default_rng(2)
    q, k, v = rng.normal(size=(3, 30, 32))
    scores = q @ k.T / math.sqrt(32)
    weights = np.exp(scores - scores.max(1, keepdims=True))
    exact = weights / weights.sum(1, keepdims=True) @ v
    got = ff.lmul_attention(q, k, v)
    assert np.linalg.norm(got - exact) < 0.06 * np.linalg.norm(exact)
    masked = ff.lmul_attention(q, k, v, mask=np.where(np.arange(30) < 1, 0, -np.inf)[None])
    np.testing.assert_array_equal(masked, np.repeat(ff.lmul([[1.0]], v[:1]), 30, 0))


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match=r"formats.lmul: mantissa_bits must be in 1..23, got 24"):
        ff.lmul(1.0, 1.0, mantissa_bits=24)
    with pytest.raises(ArgumentError, match="operand must be one of 'truncate', 'round', 'none'"):
        ff.lmul(1.0, 1.0, operand="chop")
    with pytest.raises(TypeError, match="a must hold real numbers, got complex128"):
        ff.lmul(1j, 1.0)
    with pytest.raises(ArgumentError, match=r"must be matrices that agree, got \(1, 2\) and \(1, 2\)"):
        ff.lmul_matmul([[1, 2]], [[1, 2]])
    with pytest.raises(ArgumentError, match="format must be a signed float of at most 16 bits"):
        ff.lmul_codes([1], [1], "float32")
    with pytest.raises(ArgumentError, match=r"a must be in 0..255"):
        ff.lmul_codes([256], [1], "float8_e5m2")
