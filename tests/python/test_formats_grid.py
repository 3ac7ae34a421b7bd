"""neighbours, spacing, is_representable; packed codes; arrays of every kind."""

from __future__ import annotations

import math
from typing import Any

import fewbits.formats as ff
import ml_dtypes
import numpy as np
import pytest
from fewbits.errors import ArgumentError

NAMES = [
    *(name for name in ff.FORMATS if 0 < ff.get(name).bits <= 16),
    *("binary8p3se", "binary8p3uf", "binary8p1se", "int8", "uint4", "fixed(3,3)"),
    *("float(e=4,m=3,subnormal=0)", "float(e=4,m=3,neg_zero=0)", "float(e=3,m=2,signed=0,nan=none,inf=0)"),
]


def all_values(f: ff.FloatFormat) -> np.ndarray:
    """Finite values and infinities, ascending, from the codes."""
    decoded = ff.decode(np.arange(1 << f.bits, dtype=np.uint32), f, dtype=np.float64)
    values = np.unique(decoded[~np.isnan(decoded)]) + 0.0
    # The codes of subnormals exist in formats without them, too.
    return values if f.has_subnormal else values[(values == 0) | (np.abs(values) >= f.smallest_normal)]


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_are_those_of_the_list(name: str) -> None:
    f = ff.get(name)
    grid = all_values(f)
    if grid.size > 5000:
        grid = np.concatenate([grid[:400], grid[grid.size // 2 - 400 : grid.size // 2 + 400], grid[-400:]])
    finite = grid[np.isfinite(grid)]
    between = finite[1:] / 2 + finite[:-1] / 2
    x = np.concatenate([grid, between, [1e300, -1e300, np.inf, -np.inf, 5e-324]])
    below, above = ff.neighbours(x, f)
    whole = all_values(f)
    for value, low, high in zip(x, below, above, strict=True):
        at = np.searchsorted(whole, value, "left")
        want_low = whole[at - 1] if at > 0 else np.nan
        at = np.searchsorted(whole, value, "right")
        want_high = whole[at] if at < whole.size else np.nan
        np.testing.assert_equal((low, high), (want_low, want_high), err_msg=f"{value}")
    assert all(np.isnan(side) for side in ff.neighbours(math.nan, f))


@pytest.mark.parametrize("name", NAMES)
def test_spacing_is_the_difference_of_neighbours(name: str) -> None:
    f = ff.get(name)
    values = all_values(f)
    values = values[np.isfinite(values) & (values >= 0)]
    np.testing.assert_array_equal(ff.spacing(values[:-1], f), np.diff(values))


@pytest.mark.parametrize("name", NAMES)
def test_is_representable(name: str) -> None:
    f = ff.get(name)
    values = all_values(f)
    finite = values[np.isfinite(values)]
    assert ff.is_representable(values, f).all()
    between = finite[1:] / 2 + finite[:-1] / 2
    assert not ff.is_representable(between, f).any()
    assert ff.is_representable(math.inf, f).item() == f.has_inf
    assert ff.is_representable(math.nan, f).item() == (f.nan != "none")
    assert ff.is_representable(-0.0, f).item() == f.has_neg_zero
    assert ff.is_representable(0.0, f).item() == f.has_zero
    assert not ff.is_representable([f.max * 2, -f.max * 2], f).any() or (f.has_inf and np.isinf(f.max * 2))


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_packed_codes_lie_low_bits_first(width: int, count: int) -> None:
    codes = np.random.default_rng(0).integers(0, 1 << width, count).astype(np.uint8)
    packed = ff.pack(codes, width)
    number = sum(int(code) << (i * width) for i, code in enumerate(codes))
    assert packed.tobytes() == number.to_bytes(-(-count * width // 8), "little")
    np.testing.assert_array_equal(ff.unpack(packed, width, count), codes)
    np.testing.assert_array_equal(ff.unpack(packed.tobytes(), width, (1, count)), codes.reshape(1, -1))


def test_packing_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"pack: codes must be in 0..15, got 16"):
        ff.pack(np.array([16], np.uint8), "fp4")
    with pytest.raises(ArgumentError, match=r"format must have codes of 1..8 bits, got 'float16'"):
        ff.pack([1], "half")
    with pytest.raises(ArgumentError, match=r"packed must have 2 bytes for 3 codes of 4 bits, got 1"):
        ff.unpack(b"a", 4, 3)
    with pytest.raises(TypeError, match="codes must be uint8"):
        ff.pack(np.array([1], np.uint16), 4)


SMALL_TYPES = [
    np.float16,
    ml_dtypes.bfloat16,
    ml_dtypes.float8_e5m2,
    ml_dtypes.float8_e4m3fn,
    ml_dtypes.float8_e4m3,
]


@pytest.mark.parametrize("dtype", SMALL_TYPES)
@pytest.mark.parametrize("rounding", ["nearest_even", "toward_negative", "stochastic"])
def test_small_carriers_round_as_float32_does(dtype: Any, rounding: str) -> None:
    bits = np.dtype(dtype).itemsize * 8
    x = np.arange(1 << bits, dtype=np.uint32).astype(f"u{bits // 8}").view(dtype)
    for name in ("float8_e5m2", "float8_e4m3fn", "float4_e2m1fn", "float6_e2m3fn", "int4", "binary5p2sf"):
        f = ff.get(name)
        carrier = ff.get(np.dtype(dtype).name)
        options: dict[str, Any] = {"rounding": rounding, "nan": "zero"}
        if rounding == "stochastic":
            options["seed"] = 3
        fits = (
            f.max <= carrier.max
            and f.smallest_subnormal >= carrier.smallest_subnormal
            and ff.is_representable(f.values(), carrier).all()
            and (carrier.has_inf or not f.has_inf)
        )
        if not fits:
            with pytest.raises(ArgumentError, match=rf"does not fit {np.dtype(dtype).name}: pass float32"):
                ff.round_to(x, f, **options)
            continue
        with np.errstate(invalid="ignore"):
            want = ff.round_to(x.astype(np.float32), f, **options)
            got = ff.round_to(x, f, **options)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got.astype(np.float32), want)
        in_place = x.copy()
        assert ff.round_to(in_place, f, out=in_place, **options) is in_place
        np.testing.assert_array_equal(in_place.view(f"u{bits // 8}"), got.view(f"u{bits // 8}"))
    with pytest.raises(ArgumentError, match="exponent_limit must be True"):
        ff.round_to(x, "float4_e2m1fn", exponent_limit=False)


def test_outputs_of_the_caller() -> None:
    x = np.linspace(-3, 3, 101, dtype=np.float32)
    codes = np.empty(101, np.uint8)
    assert ff.encode(x, "float8_e4m3fn", out=codes) is codes
    np.testing.assert_array_equal(codes, ff.encode(x, "float8_e4m3fn"))
    strided = np.zeros(202, np.uint8)[::2]
    ff.encode(x, "float8_e4m3fn", out=strided)
    np.testing.assert_array_equal(strided, codes)
    values = np.empty(101, np.float64)
    assert ff.decode(codes, "float8_e4m3fn", out=values) is values
    np.testing.assert_array_equal(values, ff.decode(codes, "float8_e4m3fn"))
    np.testing.assert_array_equal(
        ff.decode(codes, "float8_e4m3fn", threads=3), ff.decode(codes, "float8_e4m3fn")
    )
    np.testing.assert_array_equal(
        ff.decode(codes.view(ml_dtypes.float8_e4m3fn), "e4m3fn"), values.astype(np.float32)
    )
    with pytest.raises(
        ArgumentError, match=r"encode: out must be a writable array of uint8 and shape \(101,\)"
    ):
        ff.encode(x, "float8_e4m3fn", out=np.empty(100, np.uint8))
    with pytest.raises(ArgumentError, match="codes must be of 'float8_e5m2', got float8_e4m3fn"):
        ff.decode(codes.view(ml_dtypes.float8_e4m3fn), "e5m2")


def test_large_results_are_the_same() -> None:
    """Above 32 MiB results are streamed, from any alignment."""
    x = np.random.default_rng(0).normal(size=(1 << 23) + 77).astype(np.float32)
    memory = np.empty(x.size + 16, np.float32)
    for offset in (0, 1, 7):
        out = memory[offset : offset + x.size]
        ff.round_to(x, "float8_e4m3fn", rounding="stochastic", seed=1, out=out, threads=2)
        for begin in (0, 5000, x.size - 3000):
            part = ff.round_to(x[begin : begin + 3000], "e4m3fn", rounding="stochastic", seed=1, first=begin)
            np.testing.assert_array_equal(out[begin : begin + 3000], part)
    halves = [ff.round_to(piece, "bf16", rounding="to_odd") for piece in np.array_split(x, 2)]
    np.testing.assert_array_equal(ff.round_to(x, "bf16", rounding="to_odd"), np.concatenate(halves))


class Capsule:
    """A tensor of another library, by DLPack alone."""

    def __init__(self, array: np.ndarray, code: int) -> None:
        self.array, self.code = array, code

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0

    def __dlpack__(self, **_: Any) -> Any:
        import ctypes

        from fewbits._dlpack import _Tensor

        capsule = self.array.__dlpack__()
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        _Tensor.from_address(get(capsule, b"dltensor")).code = self.code
        return capsule


@pytest.mark.parametrize(
    ("dtype", "code"),
    [(ml_dtypes.bfloat16, 4), (ml_dtypes.float8_e4m3fn, 10), (ml_dtypes.float8_e5m2, 12)],
)
def test_small_floats_by_dlpack(dtype: Any, code: int) -> None:
    bits = np.dtype(dtype).itemsize
    words = np.arange(60, dtype=f"u{bits}").reshape(5, 12) * (257 if bits == 2 else 1)
    for view in (words, words.T, words[1:, 2::3]):
        got = ff.round_to(Capsule(view, code), "float4_e2m1fn", nan="zero")
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, ff.round_to(np.array(view).view(dtype), "fp4", nan="zero"))
