"""compress_matrix: targets, limits of theory, every dtype and shape, damage, messages."""

from __future__ import annotations

import math
import struct
from typing import Any

import fewbits.quant as fq
import ml_dtypes
import numpy as np
import pytest
from fewbits._core import core
from fewbits.errors import ArgumentError, CorruptDataError, LimitError, UnsupportedFeatureError
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(0)
GAUSS = RNG.normal(size=(1000, 1024)).astype(np.float32)


def errors(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    e = x.astype(np.float64) - y.astype(np.float64)
    sqnr = 10 * math.log10(np.square(x.astype(np.float64)).sum() / max(np.square(e).sum(), 1e-300))
    return float(np.sqrt(np.square(e).mean())), float(np.abs(e).max()), sqnr


@pytest.mark.parametrize("states", [8, 256])
@pytest.mark.parametrize("bits", [2.0, 3.0, 4.0])
def test_gaussian_elements_are_near_the_limit(states: int, bits: float) -> None:
    """The bounds of the docstring, of the whole message."""
    data, report = fq.compress_matrix(GAUSS, {"bits": bits}, trellis=states)
    assert report.met
    assert report.nbytes == len(data)
    assert report.bits_per_element == len(data) * 8 / GAUSS.size
    assert bits - 0.02 <= report.bits_per_element <= bits
    gap = report.bits_per_element - math.log2(float(GAUSS.std()) / report.rmse)
    assert gap <= (0.085 if states == 8 else 0.045)


@pytest.mark.parametrize("states", [0, 4, 8, 64])
@pytest.mark.parametrize(
    "target",
    [{"bits": 3.3}, {"bits": 1.0}, {"bytes": 9000}, {"rmse": 0.02}, {"sqnr_db": 25.5}, {"max_error": 0.01},
     {"step": 0.03}],
)  # fmt: skip
def test_targets_are_met_and_reports_are_true(states: int, target: dict[str, float]) -> None:
    x = (RNG.standard_t(4, size=(120, 333)) * np.exp(RNG.normal(0, 0.6, (120, 1)))).astype(np.float32)
    data, report = fq.compress_matrix(x, target, trellis=states)
    y = fq.decompress_matrix(data)
    rmse, largest, sqnr = errors(x, y)
    assert report.met
    assert report.rmse == pytest.approx(rmse, rel=1e-9)
    assert report.max_error == pytest.approx(largest, rel=1e-9)
    assert report.sqnr_db == pytest.approx(sqnr, rel=1e-9)
    cosine = float(
        (x.astype(float) * y).sum() / np.linalg.norm(x.astype(float)) / np.linalg.norm(y.astype(float))
    )
    assert report.cosine == pytest.approx(cosine, rel=1e-9)
    ((goal, value),) = target.items()
    reached = {"bits": report.bits_per_element, "bytes": len(data), "rmse": rmse, "sqnr_db": sqnr}
    reached |= {"max_error": largest, "step": report.step}
    if goal == "sqnr_db":
        assert value <= reached[goal] <= value + 0.1
    elif goal == "step":
        assert reached[goal] == np.float32(value)
    else:
        assert 0.97 * value <= reached[goal] <= value
    assert report.method == ("scalar" if states == 0 or goal == "max_error" else report.method)


def test_trellis_and_contexts_pay() -> None:
    spread = GAUSS[:256] * np.exp(np.random.default_rng(1).normal(0, 0.7, (256, 1))).astype(np.float32)
    bits = {}
    for states in (0, 8, 256):
        bits[states] = fq.compress_matrix(spread, {"rmse": 0.05}, trellis=states)[1].bits_per_element
    assert bits[8] < bits[0] - 0.15
    assert bits[256] < bits[8] - 0.03
    # A global step meets rows of different spread: the limit is that of reverse water-filling.
    limit = np.mean(np.log2(spread.std(axis=1) / 0.05))
    assert bits[256] < limit + 0.13


def test_relative_steps_follow_rows_and_columns() -> None:
    rows = np.exp(np.linspace(-3, 3, 128))[:, None]
    x = (RNG.normal(size=(128, 256)) * rows).astype(np.float32)
    results = {}
    for objective in ("mse", "relative"):
        data, report = fq.compress_matrix(x, {"bits": 4}, objective=objective)
        y = fq.decompress_matrix(data)
        results[objective] = np.sqrt(np.square((x - y) / rows).mean()), report.rmse
    assert results["relative"][0] < results["mse"][0] / 1.3
    assert results["mse"][1] < results["relative"][1]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.sampled_from([np.float32, np.float64, np.float16, ml_dtypes.bfloat16]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([(0, "mse"), (4, "relative"), (8, "mse"), (32, "relative")]),
    st.integers(-60, 60),
)
def test_shapes_and_dtypes(
    shape: list[int], dtype: Any, seed: int, how: tuple[int, str], exponent: int
) -> None:
    scale = 2.0 ** (exponent if np.dtype(dtype).itemsize >= 4 else exponent / 8)
    x = (np.random.default_rng(seed).normal(size=shape) * scale).astype(dtype)
    data, report = fq.compress_matrix(x, {"sqnr_db": 15}, trellis=how[0], objective=how[1])
    y = fq.decompress_matrix(data)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert report.met
    np.testing.assert_array_equal(y, fq.decompress_matrix(bytearray(data), threads=2))


def test_what_is_special() -> None:
    zeros, report = fq.compress_matrix(np.zeros((3, 4)), {"bits": 3})
    assert (report.rmse, report.met, fq.decompress_matrix(zeros).any()) == (0.0, False, False)
    one, report = fq.compress_matrix([1.0], {"sqnr_db": 90})
    assert report.met
    assert abs(fq.decompress_matrix(one)[0] - 1) < 1e-4
    # A few elements a thousand times as large as the rest.
    x = RNG.normal(size=(64, 64)).astype(np.float32)
    x[3, 5], x[60, 1] = 900, -800
    data, report = fq.compress_matrix(x, {"rmse": 0.1})
    assert report.exceptions >= 1
    assert report.met
    assert report.bits_per_element < 4.3
    y = fq.decompress_matrix(data)
    assert np.abs(x - y).max() < 1
    # Views of every layout give the same bytes.
    base = fq.compress_matrix(x, {"bits": 3})[0]
    for view in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1]):
        assert fq.compress_matrix(view, {"bits": 3})[0] == base
    assert fq.compress_matrix(x, {"bits": 3}, threads=3)[0] == base


def test_a_target_out_of_reach_is_said() -> None:
    x = RNG.normal(size=(8, 8)).astype(np.float32)
    _, report = fq.compress_matrix(x, {"bytes": 10})
    assert not report.met
    _, report = fq.compress_matrix(x, {"rmse": 1e-9})
    assert not report.met
    assert 1e-9 < report.rmse < 1e-5
    with pytest.raises(ArgumentError, match="compress without loss instead"):
        fq.compress_matrix(x, {"step": 1e-9})


def rewritten(body: bytes) -> bytes:
    return body + struct.pack("<I", core.crc32c(np.frombuffer(body, np.uint8)))


def test_damage() -> None:
    x = RNG.normal(size=(40, 50)).astype(np.float32)
    x[range(5), range(5)] = 3000
    data, report = fq.compress_matrix(x, {"rmse": 0.05}, objective="relative")
    assert report.exceptions
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 0x55
        with pytest.raises((CorruptDataError, UnsupportedFeatureError)):
            fq.decompress_matrix(broken)
    for end in range(0, len(data), 7):
        with pytest.raises(CorruptDataError):
            fq.decompress_matrix(data[:end])
    with pytest.raises(CorruptDataError):
        fq.decompress_matrix(data + b"0")
    with pytest.raises(UnsupportedFeatureError, match="version 2"):
        fq.decompress_matrix(data[:4] + b"\x02" + data[5:])
    with pytest.raises(LimitError, match="2000 elements, more than 1999"):
        fq.decompress_matrix(data, max_elements=1999)
    # With a right checksum: shapes, lengths and flags that contradict the parts.
    body = data[:-4]
    rng = np.random.default_rng(5)
    survived = 0
    for _ in range(1500):
        changed = bytearray(body)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(5, min(len(body), 120))] = rng.integers(0, 256)
        try:
            fq.decompress_matrix(rewritten(bytes(changed)), max_elements=1 << 16)
            survived += 1
        except (CorruptDataError, LimitError, UnsupportedFeatureError):
            pass
    assert survived < 500  # a changed step or scale is a valid message


def test_messages() -> None:
    x = np.ones((4, 4), np.float32)
    bad = x.copy()
    bad[1, 2] = np.nan
    cases: list[tuple[type[Exception], str, Any]] = [
        (ArgumentError, r"target must have one entry, of bits, bytes", lambda: fq.compress_matrix(x, {})),
        (ArgumentError, r"target must be one of 'bits'", lambda: fq.compress_matrix(x, {"size": 3})),
        (ArgumentError, r"target\['bits'\] must be above 0 and finite, got -1",
         lambda: fq.compress_matrix(x, {"bits": -1})),
        (ArgumentError, r"trellis must be 0 or a power of two in 4..256, got 6",
         lambda: fq.compress_matrix(x, {"bits": 3}, trellis=6)),
        (ArgumentError, r"objective must be one of",
         lambda: fq.compress_matrix(x, {"bits": 3}, objective="x")),
        (ArgumentError, r"x must be finite, 1 elements are not, the first at flat index 6",
         lambda: fq.compress_matrix(bad, {"bits": 3})),
        (ArgumentError, r"at least one axis and one element", lambda: fq.compress_matrix(x[:0], {"bits": 3})),
        (ArgumentError, r"within the range of float32", lambda: fq.compress_matrix([1e300], {"bits": 3})),
        (TypeError, r"x must be of float32, .* got int64", lambda: fq.compress_matrix([1, 2], {"bits": 3})),
        (CorruptDataError, r"no message of compress_matrix", lambda: fq.decompress_matrix(b"abc")),
    ]  # fmt: skip
    for kind, message, call in cases:
        with pytest.raises(kind, match=message):
            call()
