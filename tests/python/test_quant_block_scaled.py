"""MX and NVFP4: reference codes, exact rationals, ml_dtypes, rules of scales, shapes, messages."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import fewbits.formats as ff
import fewbits.quant as fq
import ml_dtypes
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from hypothesis import given, settings
from hypothesis import strategies as st

MX = ("mxfp4", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp8_e4m3", "mxfp8_e5m2", "mxint8")
LINE = ((np.arange(32) - 15.5) / 7).astype(np.float32)
WAVE = (np.sin(np.arange(32.0) + 1) * (1 + np.arange(32.0) / 8)).astype(np.float32)


def packed(codes: np.ndarray) -> str:
    """Two codes of four bits in a byte, the first in the low half."""
    return (codes[0::2] | codes[1::2] << 4).astype(np.uint8).tobytes().hex()


def test_reference_codes_of_mx() -> None:
    codes = {
        "mxfp4": (0x7E, None),
        "mxfp6_e2m3": (0x7E, "3938373635343332312f2d2a28262321010306080a0d0f111213141516171819"),
        "mxfp6_e3m2": (0x7C, "3c3c3c3b3b3a39393837363534322f29090f12141516171819191a1b1b1c1c1c"),
        "mxfp8_e4m3": (0x78, "f9f8f7f6f5f4f3f2f1efedeae8e3ded1515e63686a6d6f717273747576777879"),
        "mxfp8_e5m2": (0x71, "f8f8f8f7f7f6f5f5f4f3f2f1f0eeebe5656b6e70717273747575767777787878"),
    }
    for name, (scale, want) in codes.items():
        q = fq.quantize(LINE, name)
        assert q.scales.tolist() == [scale]
        if want is not None:
            assert q.codes.tobytes().hex() == want
    assert packed(fq.quantize(LINE, "mxfp4").codes) == "eeeeddcdccbb9a891021334454556666"
    ties = np.zeros(32, np.float32)
    ties[:16] = [4, -4, 3.0001, 2.5, -2.5, 1.75, 1.25, 0.75, 0.25, 0.2500001, -0.25, 0, -0.0, 5, 7, -7.999]
    q = fq.quantize(ties, "mxfp4")
    assert q.scales.tolist() == [0x7F]
    assert q.codes[:16].tolist() == [6, 14, 5, 4, 12, 4, 2, 2, 0, 1, 8, 0, 8, 6, 7, 15]


def test_reference_codes_of_nvfp4() -> None:
    q = fq.quantize(WAVE, "nvfp4")
    assert q.scales.tolist() == [0x78, 0x7E]
    assert 1 / q.tensor_scale == pytest.approx(588.229309, rel=1e-6)
    assert packed(q.codes) == "44c1ad65d4df74c6" + "de6186ee6937fe6d"


def exact_block(x: list[float], name: str, rule: str) -> tuple[int, list[float]]:
    """Scale exponent and element values of one block, by rationals and enumeration."""
    block = ff.get_block(name)
    values = block.element.values()
    values = sorted({float(v) for v in values[np.isfinite(values)]} - ({-2.0} if name == "mxint8" else set()))
    top = Fraction(values[-1])
    a = max(abs(Fraction(v)) for v in x)
    if a == 0:
        return -127, [0.0] * len(x)

    def log2_floor(q: Fraction) -> int:
        e = q.numerator.bit_length() - q.denominator.bit_length()
        return e if q >= Fraction(2) ** e else e - 1

    e = log2_floor(a) - log2_floor(top)
    if rule == "ceil" and a > top * Fraction(2) ** e:
        e += 1
    if rule == "rtn":
        e = log2_floor(a / top)
        if (a / top / Fraction(2) ** e) ** 2 > 2:
            e += 1
    e = min(max(e, -127), 127)

    def nearest(v: Fraction) -> float:
        below = [w for w in values if Fraction(w) <= v]
        above = [w for w in values if Fraction(w) >= v]
        if not below or not above:
            return values[0] if not below else values[-1]
        low, high = below[-1], above[0]
        if v - Fraction(low) != Fraction(high) - v:
            return low if v - Fraction(low) < Fraction(high) - v else high
        codes = ff.encode([low, high], block.element)
        return low if codes[0] % 2 == 0 else high

    return e, [nearest(Fraction(v) / Fraction(2) ** e) for v in x]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(MX),
    st.sampled_from(["ocp", "ceil", "rtn"]),
    st.integers(0, 2**32 - 1),
    st.integers(-149, 120),
    st.integers(1, 40),
)
def test_blocks_are_those_of_rationals(name: str, rule: str, seed: int, exponent: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    with np.errstate(over="ignore", under="ignore"):
        x = np.ldexp(rng.normal(size=n) * 2.0 ** rng.integers(-6, 4, n), exponent).astype(np.float32)
    x[rng.random(n) < 0.2] = np.float32(2.0) ** max(exponent, -140)  # values that are scales
    q = fq.quantize(x, name, scale_rule=rule)
    for b in range(0, n, 32):
        e, elements = exact_block(x[b : b + 32].tolist(), name, rule)
        code = int(q.scales[b // 32])
        assert code == (e + 127 if any(x[b : b + 32] != 0) else 0)
        got = ff.decode(q.codes[b : b + 32], ff.get_block(name).element)
        np.testing.assert_array_equal(got, elements)
        # mxint8 has no negative zero; elsewhere zeros keep their sign.
        if name != "mxint8":
            np.testing.assert_array_equal(np.signbit(got), np.signbit(x[b : b + 32]))


def test_nvfp4_is_the_recipe_with_the_casts_of_ml_dtypes() -> None:
    rng = np.random.default_rng(3)
    for scale in (1e-30, 1e-3, 1, 1e20):
        x = (rng.standard_t(3, size=(37, 100)) * scale).astype(np.float32)
        x[5] = 0
        q = fq.quantize(x, "nvfp4")
        top = np.abs(x).max()
        enlarge = np.float32(2688) / top
        for row in range(37):
            for b in range(7):
                part = x[row, 16 * b : 16 * (b + 1)]
                t = np.abs(part).max() / np.float32(6) * enlarge
                s = np.minimum(t, np.float32(448)).astype(ml_dtypes.float8_e4m3fn)
                assert q.scales[row, b] == s.view(np.uint8)
                d = np.float32(s) * (np.float32(1) / enlarge)
                want = (
                    np.clip(part / d, -6, 6).astype(ml_dtypes.float4_e2m1fn) if d > 0 else np.zeros(len(part))
                )
                got = q.codes[row, 16 * b : 16 * (b + 1)]
                if d > 0:
                    np.testing.assert_array_equal(got, want.view(np.uint8))
                    values = want.astype(np.float32) * d
                else:
                    assert not got.any()
                    values = np.zeros(len(part), np.float32)
                np.testing.assert_array_equal(q.dequantize()[row, 16 * b : 16 * (b + 1)], values)


def test_rules_are_ordered_as_they_must_be() -> None:
    x = np.random.default_rng(4).normal(size=(64, 256)).astype(np.float32)
    mx = {rule: fq.quantize(x, "mxfp4", scale_rule=rule).report(x) for rule in ("ocp", "ceil", "rtn", "mse")}
    assert mx["mse"].sqnr_db > max(mx[r].sqnr_db for r in ("ocp", "ceil"))
    assert mx["ceil"].saturated == 0 < mx["ocp"].saturated
    nv = {r: fq.quantize(x, "nvfp4", scale_rule=r).report(x).sqnr_db for r in ("absmax", "four_six", "mse")}
    assert nv["absmax"] + 0.3 < nv["four_six"] < nv["mse"]
    assert nv["absmax"] > mx["ocp"].sqnr_db + 1
    # E1M2 is int4 / 4, and a power of two changes scales alone.
    q = fq.quantize(x, "mxfp6_e2m3")
    shifted = fq.quantize(x * np.float32(2.0**20), "mxfp6_e2m3")
    np.testing.assert_array_equal(q.codes, shifted.codes)
    np.testing.assert_array_equal(q.scales + 20, shifted.scales)


@pytest.mark.parametrize("name", [*MX, "nvfp4", "block(float4_e2m1fn,float8_ue5m3,16,float32)"])
def test_encoding_what_was_decoded_changes_nothing(name: str) -> None:
    x = np.random.default_rng(5).normal(size=(3, 70)).astype(np.float32)
    q = fq.quantize(x, name)
    y = q.dequantize()
    if name.startswith("mx"):
        again = fq.quantize(y, name, scale_rule="ocp")
        np.testing.assert_array_equal(again.dequantize(), y)
    assert q.report(y).max_error == 0
    assert 0 < q.report(x).entropy_bits <= ff.get_block(name).element.bits


def test_axes_tails_and_layouts() -> None:
    x = np.random.default_rng(6).normal(size=(5, 7, 45)).astype(np.float32)
    for axis in (-3, -2, -1, 0, 1, 2):
        q = fq.quantize(x, "mxfp8", axis=axis)
        rows = np.moveaxis(x, axis, -1)
        plain = fq.quantize(np.ascontiguousarray(rows), "mxfp8")
        np.testing.assert_array_equal(np.moveaxis(q.codes, axis, -1), plain.codes)
        np.testing.assert_array_equal(q.scales, plain.scales)
        np.testing.assert_array_equal(np.moveaxis(q.dequantize(), axis, -1), plain.dequantize())
        assert q.scales.shape == (*rows.shape[:-1], -(-rows.shape[-1] // 32))
        assert q.bits_per_element == 8 + 8 * q.scales.size / x.size
        strided = np.repeat(x, 2, axis=0)[::2]
        np.testing.assert_array_equal(fq.quantize(strided, "mxfp8", axis=axis).codes, q.codes)
    # The tail is no part of another row.
    one = fq.quantize(x[0, 0], "nvfp4")
    assert one.scales.shape == (3,)
    for threads in (2, 3, 0):
        big = np.random.default_rng(7).normal(size=(300, 1100)).astype(np.float32)
        a, b = fq.quantize(big, "mxfp4"), fq.quantize(big, "mxfp4", threads=threads)
        np.testing.assert_array_equal(a.codes, b.codes)
        np.testing.assert_array_equal(a.dequantize(), b.dequantize(threads=threads))


def test_dtypes_are_rounded_once() -> None:
    x = np.random.default_rng(8).normal(size=(4, 64))
    for dtype in (np.float16, ml_dtypes.bfloat16):
        narrow = x.astype(dtype)
        a, b = fq.quantize(narrow, "mxfp4"), fq.quantize(narrow.astype(np.float32), "mxfp4")
        np.testing.assert_array_equal(a.codes, b.codes)
    # float64 beside a tie that float32 would make one.
    tie = np.full(32, 4.0)
    tie[1], tie[2] = 2.5 + 2**-40, 2.5 - 2**-40
    values = fq.quantize(tie, "mxfp4").dequantize()
    assert values[1:3].tolist() == [3.0, 2.0]


def test_rounding_modes_and_seeds() -> None:
    x = np.random.default_rng(9).normal(size=(8, 320)).astype(np.float32)
    up = fq.quantize(x, "mxfp4", scale_rule="ceil", rounding="toward_positive").dequantize()
    down = fq.quantize(x, "mxfp4", scale_rule="ceil", rounding="toward_negative").dequantize()
    assert (down <= x).all()
    assert (up >= x).all()
    tiny = np.array([2.0**100, 2.0**-149, -(2.0**-149)], np.float32)
    assert fq.quantize(tiny, "mxfp4", rounding="toward_positive").dequantize()[1] > 0
    assert fq.quantize(tiny, "mxfp4", rounding="toward_positive").dequantize()[2] == 0
    a, b, c = (fq.quantize(x, "mxfp4", rounding="stochastic", seed=s).codes for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_stochastic_elements_are_unbiased_where_nothing_saturates() -> None:
    x = np.tile(np.linspace(-5.9, 5.9, 32, dtype=np.float32), (20_000, 1))
    q = fq.quantize(x, "mxfp4", scale_rule="ceil", rounding="stochastic", seed=3)
    error = (q.dequantize() - x).astype(np.float64)
    sigma = error.std(axis=0) / math.sqrt(len(x))
    assert (np.abs(error.mean(axis=0)) <= 5 * sigma + 1e-12).all()
    # The standard rule saturates 6.5 at 6: biased whatever the rounding.
    large = np.tile(np.float32([6.5, 1, 1, 1]), (1000, 1))
    biased = fq.quantize(large, "mxfp4", rounding="stochastic", seed=3).dequantize()[:, 0]
    assert biased.mean() == 6.0


def test_spec_is_a_format() -> None:
    q = fq.quantize(LINE.reshape(4, 8), "mxfp6", axis=0, scale_rule="mse", rounding="nearest_away")
    again = fq.quantize(LINE.reshape(4, 8), q.spec)
    assert again.spec == q.spec == "mxfp6;axis=0;rounding=nearest_away;scale_rule=mse"
    np.testing.assert_array_equal(again.codes, q.codes)
    np.testing.assert_array_equal(again.scales, q.scales)


def test_what_is_not_finite() -> None:
    x = LINE.copy()
    x[3] = np.inf
    y = np.tile(x, 2)
    y[:32] = LINE
    with pytest.raises(ArgumentError, match="1 elements are not, the first at flat index 35"):
        fq.quantize(y, "mxfp4")
    q = fq.quantize(y, "mxfp4", nonfinite="nan")
    assert q.scales[1] == 0xFF
    assert np.isnan(q.dequantize()[32:]).all()
    np.testing.assert_array_equal(q.dequantize()[:32], fq.quantize(LINE, "mxfp4").dequantize())
    zero = fq.quantize(np.zeros(40, np.float32), "nvfp4")
    assert not zero.dequantize().any()
    assert fq.quantize(np.float32([-0.0, 1]), "mxfp4").codes[0] == 8


def test_messages() -> None:
    cases: list[tuple[type[Exception], str, Any]] = [
        (ArgumentError, r"scale_rule must be one of 'ocp'",
         lambda: fq.quantize(LINE, "mxfp4", scale_rule="x")),
        (ArgumentError, r"scale_rule must be one of 'absmax'",
         lambda: fq.quantize(LINE, "nvfp4", scale_rule="ocp")),
        (ArgumentError, r"axis must be in -1..0, got 1", lambda: fq.quantize(LINE, "mxfp4", axis=1)),
        (ArgumentError, r"at least one axis and one element", lambda: fq.quantize(np.float32(1), "mxfp4")),
        (ArgumentError, r"nonfinite must be one of 'error'",
         lambda: fq.quantize(LINE, "nvfp4", nonfinite="nan")),
        (ArgumentError, r"format must be a name, or name;axis", lambda: fq.quantize(LINE, "mxfp4;x=1")),
        (ArgumentError, r"elements of at most 8 bits",
         lambda: fq.quantize(LINE, "block(float16,float8_e8m0fnu,32)")),
        (TypeError, r"x must be of float16, .* got int64", lambda: fq.quantize([1, 2], "mxfp4")),
        (ArgumentError, r"x must have the shape of the codes, \(32,\), got \(31,\)",
         lambda: fq.quantize(LINE, "mxfp4").report(LINE[1:])),
    ]  # fmt: skip
    for kind, message, call in cases:
        with pytest.raises(kind, match=message):
            call()
