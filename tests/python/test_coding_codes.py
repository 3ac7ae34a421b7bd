"""Arrays of codes with the model that suits them."""

from __future__ import annotations

import itertools
import math
import struct

import fewbits
import numpy as np
import pytest
from fewbits import coding
from fewbits.coding import decode_codes, encode_codes, inspect_codes
from fewbits.errors import ArgumentError, CodecError, CorruptDataError, LimitError, UnsupportedFeatureError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

MODELS = ("static", "rows", "columns", "parametric", "mixture", "context", "adaptive", "delta")


def weights(rows: int = 96, columns: int = 256, step: float = 0.5, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.normal(0, 0.5, (rows, 1))) * np.exp(rng.normal(0, 0.5, (1, columns)))
    return np.rint(rng.normal(0, 1, (rows, columns)) * spread / step).astype(np.int32)


def order0(codes: np.ndarray) -> float:
    counts = np.unique(codes, return_counts=True)[1]
    return float(-(counts * np.log2(counts / codes.size)).sum())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("step", [3.0, 0.5, 0.06])
def test_every_model_round_trips(model: str, step: float) -> None:
    codes = weights(step=step)
    codes.clip(-127, 127, out=codes)
    data, report = encode_codes(codes, models=[model], return_info=True)
    out = decode_codes(data)
    assert out.dtype == np.int32
    assert (out == codes).all()
    assert report.model.startswith(model)
    assert report.nbytes == len(data)
    assert report.bits_per_code == 8 * len(data) / codes.size
    assert report.entropy_bits == pytest.approx(order0(codes), rel=1e-12)
    seen = inspect_codes(data)
    assert (seen.model, seen.size, seen.nbytes, seen.side_nbytes) == (
        report.model,
        report.size,
        report.nbytes,
        report.side_nbytes,
    )
    if report.model_bits is not None:
        # Within 0.3 % of the model, and what states and headers of the parts take.
        parts = 16 if model in ("rows", "columns") else 1
        payload = 8 * (report.nbytes - report.side_nbytes)
        assert payload <= 1.003 * report.model_bits + parts * (64 * 32 + 400) + 256


def test_the_best_model_is_chosen() -> None:
    codes = weights(320, 512)
    sizes = {}
    for model in MODELS:
        sizes[model] = len(encode_codes(codes, models=[model]))
    assert len(encode_codes(codes)) == min(sizes.values())
    # Spreads by row and by column: one table for all loses to tables by row, and these to both.
    assert sizes["context"] < sizes["rows"] < sizes["static"]
    assert 8 * sizes["context"] < 0.95 * order0(codes)


def test_models_win_where_they_should() -> None:
    rng = np.random.default_rng(1)
    two = np.where(
        rng.random((64, 300)) < 0.5, rng.normal(-300, 20, (64, 300)), rng.normal(400, 60, (64, 300))
    )
    cases = {
        "mixture": np.rint(two),
        "columns": np.rint(rng.laplace(0, 1, (4096, 16)) * np.geomspace(0.3, 30, 16)),
        "parametric": np.rint(rng.normal(0, 1, (512, 32)) * np.exp(rng.normal(2.5, 1.5, (512, 1)))),
        "delta": np.cumsum(rng.integers(-1, 2, (8, 4000)), axis=1),
        "static": rng.choice([-50, 0, 3, 90], (500, 40), p=[0.1, 0.5, 0.3, 0.1]),
        "adaptive": (np.cumsum(rng.normal(0, 1, 3000)) ** 5).astype(np.int64).clip(-(2**30) * 2, 2**31 - 1),
    }
    for name, codes in cases.items():
        data, report = encode_codes(codes.astype(np.int64), return_info=True)
        assert report.model.startswith(name), (name, report)
        assert (decode_codes(data) == codes).all()


def test_int8_rows_against_the_histogram_of_each_row() -> None:
    """Gaussians cost less than a table for each row; with a scale by row in the codes, one for all does."""
    rng = np.random.default_rng(2)
    w = rng.normal(0, 0.05, (256, 512)) * np.exp(rng.normal(0, 0.5, (256, 1)))
    codes = np.rint(w / np.abs(w).max(axis=1, keepdims=True) * 127).astype(np.int8)
    tables = 0.0
    for row in codes:
        model = coding.Categorical.fit(row)
        tables += coding.code_length(row, model) + 8 * len(model.to_bytes())
    data, report = encode_codes(codes, models=["parametric"], return_info=True)
    assert report.model == "parametric: gaussian by tensor"
    assert 8 * len(data) < tables
    codes = np.rint(w / 0.004).astype(np.int16)
    tables = sum(coding.code_length(row, coding.Categorical.fit(row)) for row in codes)
    data, report = encode_codes(codes, models=["parametric"], return_info=True)
    assert report.model == "parametric: gaussian by rows"
    assert 8 * len(data) < tables + 256 * 8 * 20  # a table's bytes: 20 at least


@given(
    hnp.arrays(
        np.int64,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9),
        elements=st.one_of(st.integers(-3, 3), st.integers(-(2**31), 2**31 - 1)),
    )
)
def test_any_shape_and_value(codes: np.ndarray) -> None:
    out = decode_codes(encode_codes(codes))
    assert out.shape == codes.shape
    assert (out == codes).all()


def test_a_trellis_saves_its_bit() -> None:
    symbols = weights(64, 128)
    next_state = ((0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4))  # of 8 states, published
    codes = np.empty_like(symbols)
    for row, into in zip(symbols, codes, strict=True):
        state = 0
        for j, u in enumerate(row):
            into[j] = 2 * u + (state & 1)
            state = next_state[state][u & 1]
    plain, coded = encode_codes(codes), encode_codes(codes, trellis=8)
    assert (decode_codes(coded) == codes).all()
    assert 8 * (len(plain) - len(coded)) > 0.9 * codes.size
    with pytest.raises(ArgumentError, match="follow the trellis"):
        encode_codes(symbols, trellis=8)
    for bad in (2, 12, 512):
        with pytest.raises(ArgumentError, match="trellis must be"):
            encode_codes(codes, trellis=bad)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.bool_])
def test_dtypes_and_layouts(dtype: type) -> None:
    codes = (np.arange(600).reshape(20, 30) % 7).astype(dtype)
    for view in (codes, codes.T, codes[::2, ::-1], codes.astype(codes.dtype.newbyteorder())):
        assert (decode_codes(encode_codes(view)) == view).all()


def test_threads_do_not_change_the_bytes() -> None:
    codes = weights(1024, 600)
    assert encode_codes(codes, threads=1) == encode_codes(codes, threads=3)


def test_damage_raises() -> None:
    for model in MODELS:
        data = encode_codes(weights(40, 50), models=[model])
        for cut in itertools.chain(range(0, 60), range(60, len(data), 97)):
            with pytest.raises(CodecError):
                decode_codes(data[:cut])
        for at in itertools.chain(range(0, 80), range(80, len(data), 41)):
            bad = bytearray(data)
            bad[at] ^= 1 << at % 8
            with pytest.raises(CodecError):
                decode_codes(bytes(bad))


def resealed(body: bytes) -> bytes:
    return body + struct.pack("<I", fewbits._core.core.crc32c(np.frombuffer(body, np.uint8)))


def test_hostile_content_raises() -> None:
    """With its checksum made right: our error, or other codes, never a crash or an allocation."""
    rng = np.random.default_rng(3)
    for model in MODELS:
        codes = weights(40, 50)
        body = encode_codes(codes, models=[model])[:-4]
        for _ in range(150):
            bad = bytearray(body)
            for at in rng.integers(5, min(len(bad), 200), rng.integers(1, 4)):
                bad[at] = rng.integers(0, 256)
            try:
                out = decode_codes(resealed(bytes(bad)), max_codes=10000)
            except CodecError:
                continue
            assert out.size <= 10000


def test_limits_and_versions() -> None:
    data = encode_codes(np.zeros(100000, np.int8))
    assert len(data) < 100
    with pytest.raises(LimitError, match="100000 codes, at most 99999"):
        decode_codes(data, max_codes=99999)
    later = bytearray(data[:-4])
    later[4] = 2
    with pytest.raises(UnsupportedFeatureError, match="version 2"):
        decode_codes(resealed(bytes(later)))
    unknown = bytearray(data[:-4])
    unknown[5] = 99
    with pytest.raises(UnsupportedFeatureError, match="model 99"):
        decode_codes(resealed(bytes(unknown)))
    with pytest.raises(CorruptDataError, match="not a message of codes"):
        decode_codes(b"something else, and long enough to be a message")


def test_bad_arguments() -> None:
    with pytest.raises(ArgumentError, match=r"coding.encode_codes: models must be .*'tables'"):
        encode_codes([1, 2], models=["tables"])
    with pytest.raises(ArgumentError, match="must fit int32"):
        encode_codes([1, 2**31])
    with pytest.raises(ArgumentError, match="models must name one"):
        encode_codes([1, 2, 3], models=["context"])
    with pytest.raises(ArgumentError, match="block_size must be"):
        encode_codes([1], block_size=0)
    with pytest.raises(TypeError, match="codes"):
        encode_codes([1.5])
    assert math.isclose(encode_codes([[1, 2]], return_info=True)[1].entropy_bits, 2.0)
