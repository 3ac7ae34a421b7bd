"""get, encode and decode: every code, layouts, and what is refused."""

from __future__ import annotations

import copy
import pickle

import fewbits.formats as ff
import ml_dtypes
import numpy as np
import pytest
from fewbits.errors import ArgumentError

CODED = [name for name in ff.FORMATS if ff.get(name).bits <= 16]


@pytest.mark.parametrize("name", [n for n in CODED if hasattr(ml_dtypes, n)])
def test_every_code_has_the_value_of_ml_dtypes(name: str) -> None:
    f = ff.get(name)
    codes = np.arange(1 << f.bits, dtype=f.code_dtype)
    theirs = codes.view(getattr(ml_dtypes, name)).astype(np.float32)
    ours = ff.decode(codes, f)
    assert np.array_equal(ours, theirs, equal_nan=True)
    assert np.array_equal(np.signbit(ours[ours == 0]), np.signbit(theirs[theirs == 0]))


def test_every_float16_code_has_the_value_of_numpy() -> None:
    codes = np.arange(1 << 16, dtype=np.uint16)
    for dtype in (np.float32, np.float64):
        theirs = codes.view(np.float16).astype(dtype)
        assert np.array_equal(ff.decode(codes, "float16", dtype=dtype), theirs, equal_nan=True)
        assert np.array_equal(ff.decode(codes[::999], "float16", dtype=dtype), theirs[::999], equal_nan=True)


@pytest.mark.parametrize("mode", ff.roundings()[:-1])  # all but jam
@pytest.mark.parametrize("name", [*CODED, "int8", "uint4", "fixed(4,4)", "binary8p1se", "binary5p5uf"])
def test_every_value_rounds_to_itself(name: str, mode: str) -> None:
    f = ff.get(name)
    codes = np.arange(1 << f.bits, dtype=f.code_dtype)
    for dtype in (np.float32, np.float64):
        values = ff.decode(codes, f, dtype=dtype)
        number = ~np.isnan(values)
        assert np.array_equal(ff.encode(values[number], f, rounding=mode), codes[number])


def test_integers_and_fixed_point_are_twos_complement() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(ff.decode(codes, "int8"), codes.view(np.int8))
    assert np.array_equal(ff.decode(codes, "mxint8"), codes.view(np.int8) / 64)
    assert np.array_equal(
        ff.encode(np.arange(-200, 200), "int8").view(np.int8), np.arange(-200, 200).clip(-128, 127)
    )
    assert ff.encode([1.5, -2.25], "fixed(16,16)").tolist() == [0x18000, 0xFFFDC000]
    assert ff.decode(np.array([0xFFFDC000], np.uint32), "fixed(16,16)").dtype == np.float64


def test_counts() -> None:
    table = ff.get("float8_e4m3fn").table()
    assert (table["finite_values"], table["nan_codes"], table["max"]) == (253, 2, 448.0)
    assert ff.get("float8_e8m0fnu").table()["finite_values"] == 255
    assert ff.get("float64").table()["finite_values"] is None
    for name in ff.FORMATS:
        if hasattr(ml_dtypes, name) and name != "float8_e8m0fnu":
            f, info = ff.get(name), ml_dtypes.finfo(getattr(ml_dtypes, name))
            assert (f.max, f.epsilon) == (float(info.max), float(info.eps))
            assert f.smallest_normal == float(info.smallest_normal)
            assert f.smallest_subnormal == float(info.smallest_subnormal)


def test_formats_compare_hash_copy_and_pickle() -> None:
    f = ff.get("float(e=5, m=10)")
    assert f == ff.get("half")
    assert hash(f) == hash(ff.get("half"))
    assert f != ff.get("bf16")
    assert f != "half"
    assert repr(ff.get("half")) == "fewbits.formats.get('float16')"
    for twin in (pickle.loads(pickle.dumps(f)), copy.deepcopy(f)):
        assert twin == f
        assert twin.name == f.name
    with pytest.raises(AttributeError, match="read-only"):
        f.bits = 3
    with pytest.raises(AttributeError, match="no attribute 'emin'"):
        _ = f.emin
    assert ff.get(np.dtype(ml_dtypes.bfloat16)) == ff.get("bf16")
    assert "max" in dir(f)


def test_shapes() -> None:
    assert ff.encode(np.float32(1), "fp4").shape == ()
    assert ff.decode([], "fp4").shape == (0,)
    assert ff.decode(np.empty((2, 0), np.uint8), "fp4").shape == (2, 0)
    codes = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert np.array_equal(ff.decode(codes.T, "fp4"), ff.decode(codes, "fp4").T)
    assert np.array_equal(ff.decode(codes.astype(">u2"), "fp4"), ff.decode(codes, "fp4"))


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="nearest: float16"):
        ff.get("flaot16")
    with pytest.raises(ArgumentError, match=r"'q43' is ambiguous.*448.*240.*480"):
        ff.get("q43")
    with pytest.raises(TypeError, match="got int"):
        ff.get(3)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"codes must be below 2\^4, got 16 at flat index 1"):
        ff.decode(np.array([1, 16], np.uint8), "fp4")
    with pytest.raises(ArgumentError, match=r"codes must be in 0\.\.15"):
        ff.decode([-1], "fp4")
    with pytest.raises(TypeError, match="codes must be uint8, uint16 or uint32, got float64"):
        ff.decode([1.0], "fp4")
    with pytest.raises(ArgumentError, match=r"codes of 1\.\.32 bits, got 'float64'"):
        ff.decode([1], "float64")
    with pytest.raises(ArgumentError, match="format must have codes"):
        ff.encode([1.0], "float(p=3,emin=-3,emax=3)")
    with pytest.raises(ArgumentError, match="dtype must be float32 or float64, got float16"):
        ff.decode([1], "fp4", dtype=np.float16)
    with pytest.raises(ArgumentError, match="does not fit float32"):
        ff.decode(np.array([1], np.uint32), "fixed(16,16)", dtype=np.float32)
    with pytest.raises(ArgumentError, match=r"1\.\.16 bits, got 'float32'"):
        ff.get("float32").values()
