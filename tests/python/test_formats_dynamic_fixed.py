"""Dynamic fixed point against Fractions and int64 NumPy: rounding, arithmetic, products that do not wrap."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import fewbits.formats as ff
import numpy as np
import pytest
from fewbits.errors import ArgumentError
from hypothesis import given
from hypothesis import strategies as st

MODES = ("nearest_even", "toward_zero")


def rounded(x: Fraction, mode: str) -> int:
    """To an integer."""
    return round(x) if mode == "nearest_even" else int(x)  # round(Fraction) is half to even


def values(t: ff.DfpTensor) -> list[Fraction]:
    return [int(i) * Fraction(2) ** t.exponent for i in t.integers.reshape(-1)]


def floor_log2(x: Fraction) -> int:
    e = x.numerator.bit_length() - x.denominator.bit_length()
    return e if Fraction(2) ** e <= x else e - 1


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
    st.integers(2, 32),
    st.sampled_from(MODES),
    st.booleans(),
)
def test_quantize_is_the_definition(x: list[float], bits: int, mode: str, single: bool) -> None:
    with np.errstate(over="ignore"):
        array = np.array(x, np.float32 if single else np.float64)
    array = np.where(np.isfinite(array), array, array.dtype.type(3))
    t = ff.dfp_quantize(array, bits, rounding=mode)
    exact = [Fraction(float(v)) for v in array]
    largest = max(abs(v) for v in exact)
    exponent = floor_log2(largest) - (bits - 2) if largest else 0
    limit = 2 ** (bits - 1) - 1
    want = [max(-limit, min(limit, rounded(v / Fraction(2) ** exponent, mode))) for v in exact]
    assert (t.exponent, t.integers.tolist(), t.bits) == (exponent, want, bits)
    assert t.integers.dtype == f"i{1 if bits <= 8 else 2 if bits <= 16 else 4}"
    back = t.dequantize(np.float64)
    assert [Fraction(v) for v in back.tolist()] == values(t) or abs(exponent) > 900


def test_stochastic_rounding_has_the_probability_of_the_fraction() -> None:
    n = 200_000
    x = np.full(n, 0.3, np.float32)
    x[0] = 1.0
    t = ff.dfp_quantize(x, 4, rounding="stochastic", seed=3)  # units of 1/4
    assert set(t.integers[1:].tolist()) == {1, 2}
    p = float(np.float32(0.3)) * 4 - 1
    assert abs((t.integers[1:] == 2).mean() - p) < 6 * (p * (1 - p) / n) ** 0.5
    again = ff.dfp_quantize(x, 4, rounding="stochastic", seed=3)
    assert (again.integers == t.integers).all()
    assert (ff.dfp_quantize(x, 4, rounding="stochastic", seed=4).integers != t.integers).any()
    # Draw i belongs to element i, whatever the kernel: float64 takes another way.
    wide = ff.dfp_quantize(x.astype(np.float64), 4, rounding="stochastic", seed=3)
    assert (wide.integers == t.integers).all()


def tensors(bits: int) -> st.SearchStrategy[ff.DfpTensor]:
    limit = 2 ** (bits - 1) - 1
    element = st.one_of(st.integers(-limit, limit), st.sampled_from([0, 1, -1, limit, -limit]))
    return st.builds(
        lambda i, e: ff.DfpTensor(i, e, bits), st.lists(element, min_size=4, max_size=4), st.integers(-70, 70)
    )


@given(st.data(), st.sampled_from([4, 8, 13, 16, 24, 32]), st.sampled_from(MODES))
def test_add_rounds_the_exact_sum_once(data: Any, bits: int, mode: str) -> None:
    a, b = data.draw(tensors(bits)), data.draw(tensors(bits))
    got = ff.dfp_add(a, b, rounding=mode)
    exponents = [t.exponent for t in (a, b) if t.largest] or [0]
    exact = [p + q for p, q in zip(values(a), values(b), strict=True)]
    limit = 2 ** (bits - 1) - 1
    for exponent in (max(exponents), max(exponents) + 1):
        want = [rounded(v / Fraction(2) ** exponent, mode) for v in exact]
        if max(map(abs, want)) <= limit:
            break
    assert got.exponent == exponent
    assert got.integers.tolist() == [max(-limit, min(limit, w)) for w in want]
    assert (ff.dfp_add(b, a, rounding=mode).integers == got.integers).all()
    assert values(a - b) == values(ff.dfp_add(a, -b))


@given(st.data(), st.sampled_from([(4, 4), (8, 8), (8, 16), (16, 16), (20, 32), (32, 32)]))
def test_mul_is_exact(data: Any, bits: tuple[int, int]) -> None:
    a, b = data.draw(tensors(bits[0])), data.draw(tensors(bits[1]))
    product = a * b
    assert values(product) == [p * q for p, q in zip(values(a), values(b), strict=True)]
    assert product.bits == sum(bits) - 1


@given(tensors(16), tensors(16), st.sampled_from(MODES))
def test_compare_and_maximum(a: ff.DfpTensor, b: ff.DfpTensor, mode: str) -> None:
    p, q = values(a), values(b)
    pairs = list(zip(p, q, strict=True))
    assert ff.dfp_compare(a, b).tolist() == [(x > y) - (x < y) for x, y in pairs]
    assert (a < b).tolist() == [x < y for x, y in pairs]
    assert (a <= b).tolist() == [x <= y for x, y in pairs]
    assert (a > b).tolist() == [x > y for x, y in pairs]
    assert (a >= b).tolist() == [x >= y for x, y in pairs]
    assert (a == b).tolist() == [x == y for x, y in pairs]
    assert (a != b).tolist() == [x != y for x, y in pairs]
    got = ff.dfp_maximum(a, b, rounding=mode)
    unit = Fraction(2) ** got.exponent
    assert got.integers.tolist() == [rounded(max(x, y) / unit, mode) for x, y in pairs]


@given(tensors(32), st.integers(2, 32), st.sampled_from(MODES))
def test_downconvert(t: ff.DfpTensor, bits: int, mode: str) -> None:
    got = ff.dfp_downconvert(t, bits, rounding=mode)
    shift = max(0, t.largest.bit_length() - (bits - 1))
    limit = 2 ** (bits - 1) - 1
    want = [rounded(Fraction(int(i), 2**shift), mode) for i in t.integers]
    assert got.exponent == t.exponent + shift
    assert got.integers.tolist() == [max(-limit, min(limit, w)) for w in want]


@pytest.mark.parametrize("bits", [8, 11, 12, 13, 14, 15, 16])
def test_all_max_products_of_every_length(bits: int) -> None:
    """Where one chain were a product too long, int32 would wrap."""
    top = 2 ** (bits - 1) - 1
    lengths = np.arange(1, 4097)
    for sign in (1, -1):
        a = np.full(4096, top, np.int16)
        b = np.full(4096, sign * top, np.int16)
        for chain in ("norms", "maxima"):
            for k in lengths if bits in (13, 16) else lengths[::31]:
                p = ff.DfpTensor(a[:k].reshape(1, -1), 0, bits)
                q = ff.DfpTensor(b[:k].reshape(-1, 1), 0, bits)
                want = sign * top * top * int(k)
                for got in (
                    ff.dfp_gemm(p, q, accumulate="int64", chain=chain),
                    ff.dfp_gemv(p, q.reshape(-1), accumulate="int64", chain=chain),
                ):
                    assert isinstance(got, ff.DfpTensor)
                    assert got.integers.reshape(-1).tolist() == [want]


@pytest.mark.parametrize("bits", [8, 13, 16])
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 4, 3), (17, 33, 70), (64, 40, 300), (3, 2, 5000)])
def test_products_equal_int64_numpy(bits: int, shape: tuple[int, int, int]) -> None:
    m, n, k = shape
    rng = np.random.default_rng(bits)
    limit = 2 ** (bits - 1) - 1
    dtype = np.int8 if bits == 8 else np.int16
    for mixed in (False, True):
        a, b = (rng.integers(-limit, limit, s, endpoint=True).astype(dtype) for s in ((m, k), (k, n)))
        if mixed:  # runs of the largest among small ones
            a[:, : k // 2], b[: k // 2] = limit, -limit
            b[k // 3 :] //= 50
        want = a.astype(np.int64) @ b.astype(np.int64)
        p, q = ff.DfpTensor(a, -5, bits), ff.DfpTensor(b, 3, bits)
        for chain in ("norms", "maxima"):
            got = ff.dfp_gemm(p, q, accumulate="int64", chain=chain, threads=2)
            assert isinstance(got, ff.DfpTensor)
            assert got.exponent == -2
            assert (got.integers == want).all()
            single = ff.dfp_gemm(p, q, chain=chain)
            assert isinstance(single, np.ndarray)
            chains = k / 2 + 1
            bound = chains * 2.0**-24 * (np.abs(a).astype(float) @ np.abs(b).astype(float)) / 4
            assert (np.abs(single.astype(float) - want / 4) <= bound).all()
            assert (ff.dfp_gemm(p, q, chain=chain, threads=3) == single).all()
            column = ff.dfp_gemv(p, q[:, 0], accumulate="int64", chain=chain)
            assert isinstance(column, ff.DfpTensor)
            assert (column.integers == want[:, 0]).all()
            vector = ff.dfp_gemv(p, q[:, 0], chain=chain)
            assert (np.abs(vector - want[:, 0] / 4) <= bound[:, 0]).all()


def test_gaussian_error_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(256, 1024)), rng.normal(size=(1024, 256))
    exact = a @ b
    for bits, published in ((8, 2.6e-2), (12, 1.6e-3), (15, 2.0e-4), (16, 1.0e-4)):
        got = ff.dfp_quantize(a, bits) @ ff.dfp_quantize(b, bits)
        error = np.linalg.norm(got - exact) / np.linalg.norm(exact)
        assert error == pytest.approx(published, rel=0.15)


def test_headroom_is_a_shift_of_both_operands() -> None:
    rng = np.random.default_rng(1)
    a, b = (ff.dfp_quantize(rng.normal(size=s)) for s in ((9, 50), (50, 7)))
    half = [ff.DfpTensor(np.rint(t.integers / 4).astype(np.int16), t.exponent + 2, 16) for t in (a, b)]
    got = ff.dfp_gemm(a, b, headroom_bits=2, accumulate="int64")
    want = ff.dfp_gemm(*half, accumulate="int64")
    assert isinstance(got, ff.DfpTensor)
    assert isinstance(want, ff.DfpTensor)
    assert got.exponent == want.exponent
    assert (got.integers == want.integers).all()
    assert (ff.dfp_gemm(a, b, headroom_bits=2) == ff.dfp_gemm(*half)).all()


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("bits", [8, 16])
def test_convolutions_equal_numpy(stride: int, padding: int, bits: int) -> None:
    rng = np.random.default_rng(stride)
    limit = 2 ** (bits - 1) - 1
    x = rng.integers(-limit, limit, (3, 2, 8, 7))
    w = rng.integers(-limit, limit, (5, 2, 3, 2))
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 2), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    want = np.einsum("bcyxij,ocij->boyx", windows, w)
    g = rng.integers(-limit, limit, want.shape)
    want_w = np.einsum("bcyxij,boyx->ocij", windows, g)
    want_x = np.zeros_like(padded)
    for y in range(want.shape[2]):
        for v in range(want.shape[3]):
            want_x[:, :, y * stride : y * stride + 3, v * stride : v * stride + 2] += np.einsum(
                "bo,ocij->bcij", g[:, :, y, v], w
            )
    want_x = want_x[:, :, padding : padding + 8, padding : padding + 7]
    tx, tw, tg = (ff.DfpTensor(a, -4, bits) for a in (x, w, g))
    how: dict[str, Any] = {"stride": stride, "padding": padding, "accumulate": "int64", "threads": 2}
    for got, wanted in (
        (ff.dfp_conv2d(tx, tw, **how), want),
        (ff.dfp_conv2d_backward_data(tg, tw, (8, 7), **how), want_x),
        (ff.dfp_conv2d_backward_weights(tx, tg, (3, 2), **how), want_w),
    ):
        assert isinstance(got, ff.DfpTensor)
        assert got.exponent == -8
        assert got.shape == wanted.shape
        assert (got.integers == wanted).all()
    single = ff.dfp_conv2d(tx, tw, stride=stride, padding=padding)
    np.testing.assert_allclose(single, want / 256, rtol=0, atol=1e-5 * np.abs(want).max() / 256)


def test_tensor() -> None:
    t = ff.DfpTensor([[3, -4], [0, 7]], -1, 8)
    assert (t.shape, t.ndim, t.size, t.largest, t.integers.dtype) == ((2, 2), 2, 4, 7, np.int8)
    again = pickle.loads(pickle.dumps(t))
    assert (again.integers == t.integers).all()
    assert (again.exponent, again.bits) == (t.exponent, t.bits)
    assert repr(t) == "DfpTensor([[3, -4], [0, 7]], -1, bits=8)"
    assert t.T.integers.tolist() == [[3, 0], [-4, 7]]
    assert t.transpose(1, 0).integers.tolist() == t.T.integers.tolist()
    assert t.reshape(4)[1:3].integers.tolist() == [-4, 0]
    assert t.max(axis=1).integers.tolist() == [3, 7]
    assert ff.dfp_relu(t).integers.tolist() == [[3, 0], [0, 7]]
    assert (t @ t[0]).tolist() == [6.25, -7.0]
    assert (t @ t).shape == (2, 2)
    assert t.downconvert(3).integers.tolist() == [[2, -2], [0, 3]]
    empty = ff.dfp_quantize(np.zeros((0, 3)))
    assert (empty.exponent, empty.shape, (empty + empty).shape) == (0, (0, 3), (0, 3))
    assert ff.dfp_gemm(empty, ff.dfp_quantize(np.ones((3, 2)))).shape == (0, 2)
    assert (ff.dfp_gemm(empty.T, empty) == np.zeros((3, 3))).all()
    strided = np.arange(10, dtype=np.float64)[::-2]
    assert ff.dfp_quantize(strided).dequantize().tolist() == strided.tolist()
    assert ff.dfp_quantize(np.arange(5)).dequantize().tolist() == [0, 1, 2, 3, 4]
    own = np.array([1, 2], np.int16)
    t = ff.DfpTensor(own, 0)
    own[0] = 9
    assert t.integers.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        t.integers[0] = 5
    with pytest.raises(AttributeError, match="immutable"):
        t.exponent = 3


def test_bad_input() -> None:
    x, wide = ff.dfp_quantize([1.0, 2.0]), ff.dfp_quantize([1.0, 2.0], 20)
    with pytest.raises(
        ArgumentError, match="dfp_quantize: x must be finite, got infinity or nan at flat index 1"
    ):
        ff.dfp_quantize([1.0, np.inf])
    with pytest.raises(ArgumentError, match=r"formats.dfp_quantize: bits must be in 2..32, got 33"):
        ff.dfp_quantize([1.0], 33)
    with pytest.raises(ArgumentError, match="rounding must be one of 'nearest_even', 'toward_zero', 'stoch"):
        ff.dfp_quantize([1.0], rounding="jam")
    with pytest.raises(ArgumentError, match="seed must not be given with the deterministic rounding"):
        ff.dfp_quantize([1.0], seed=1)
    with pytest.raises(ArgumentError, match=r"formats.dfp_quantize: x must hold integers up to 2\^53"):
        ff.dfp_quantize([2**60])
    with pytest.raises(TypeError, match=r"formats.dfp_quantize: x must hold"):
        ff.dfp_quantize([1j])
    with pytest.raises(ArgumentError, match=r"formats.DfpTensor: integers must be in -127..127, got 128"):
        ff.DfpTensor(np.array([-128], np.int8), 0)
    with pytest.raises(TypeError, match="integers must have an integer dtype, got float64"):
        ff.DfpTensor([1.5], 0)
    with pytest.raises(ArgumentError, match="exponent must be in"):
        ff.DfpTensor([1], 1 << 21)
    with pytest.raises(ArgumentError, match=r"formats.dfp_gemv: a must have at most 16 bits, got 20"):
        ff.dfp_gemv(wide.reshape(1, 2), x)
    with pytest.raises(ArgumentError, match=r"must be matrices that agree, got \(1, 2\) and \(1, 2\)"):
        ff.dfp_gemm(x.reshape(1, 2), x.reshape(1, 2))
    with pytest.raises(ArgumentError, match=r"headroom_bits must be in 0..14, got 15"):
        ff.dfp_gemv(x.reshape(1, 2), x, headroom_bits=15)
    with pytest.raises(ArgumentError, match="accumulate must be one of 'float32', 'int64', got 'int32'"):
        ff.dfp_gemv(x.reshape(1, 2), x, accumulate="int32")
    with pytest.raises(ArgumentError, match=r"shapes that broadcast, got \(2,\) and \(3,\)"):
        ff.dfp_add(x, ff.dfp_quantize(np.ones(3)))
    with pytest.raises(ArgumentError, match=r"bits must be in 20..32, got 16"):
        ff.dfp_add(wide, wide, bits=16)
    with pytest.raises(TypeError, match="b must be a DfpTensor, got float"):
        ff.dfp_mul(x, 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        x + 1.0  # type: ignore[operator]
    with pytest.raises(ArgumentError, match="dtype must be float32 or float64, got float16"):
        x.dequantize(np.float16)
    image = ff.dfp_quantize(np.ones((1, 2, 3, 3)))
    with pytest.raises(ArgumentError, match="weights must have the channels of x"):
        ff.dfp_conv2d(image, ff.dfp_quantize(np.ones((1, 3, 2, 2))))
    with pytest.raises(
        ArgumentError, match="the kernel must be within the padded image, got 4 x 1 for 3 x 3"
    ):
        ff.dfp_conv2d(image, ff.dfp_quantize(np.ones((1, 2, 4, 1))))
    with pytest.raises(ArgumentError, match="x must have four dimensions"):
        ff.dfp_conv2d(x, image)
    with pytest.raises(ArgumentError, match=r"gradient must have shape \(1, 1, 2, 2\), got \(1, 2, 3, 3\)"):
        ff.dfp_conv2d_backward_data(image, ff.dfp_quantize(np.ones((1, 2, 2, 2))), (3, 3))
