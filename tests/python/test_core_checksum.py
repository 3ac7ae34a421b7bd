"""CRC-32C and XXH64 against definitions written in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from fewbits._core import core
from hypothesis import given
from hypothesis import strategies as st

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    11400714785074694791,
    14029467366897019727,
    1609587929392839161,
    9650029242287828579,
    2870177450012600261,
)


def crc32c(data: bytes, crc: int = 0) -> int:
    """One bit at a time."""
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _rotate(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & MASK


def _round(lane: int, word: int) -> int:
    return _rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data: bytes, seed: int = 0) -> int:
    """The steps of the xxHash specification."""
    at = 0
    if len(data) >= 32:
        lanes = [seed + P1 + P2, seed + P2, seed, seed - P1]
        while at + 32 <= len(data):
            words = [int.from_bytes(data[at + 8 * i : at + 8 * i + 8], "little") for i in range(4)]
            lanes = [_round(lane & MASK, word) for lane, word in zip(lanes, words, strict=True)]
            at += 32
        hashed = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane in lanes:
            hashed = ((hashed ^ _round(0, lane)) * P1 + P4) & MASK
    else:
        hashed = seed + P5 & MASK
    hashed = hashed + len(data) & MASK
    while at + 8 <= len(data):
        word = int.from_bytes(data[at : at + 8], "little")
        hashed = (_rotate(hashed ^ _round(0, word), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= len(data):
        word = int.from_bytes(data[at : at + 4], "little")
        hashed = (_rotate(hashed ^ word * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        hashed = _rotate(hashed ^ byte * P5 & MASK, 11) * P1 & MASK
    hashed = (hashed ^ hashed >> 33) * P2 & MASK
    hashed = (hashed ^ hashed >> 29) * P3 & MASK
    return hashed ^ hashed >> 32


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def test_published_values() -> None:
    assert core.crc32c(array(b"123456789")) == 0xE3069283 == crc32c(b"123456789")
    assert core.crc32c(array(b"")) == 0
    assert core.xxh64(array(b"")) == 0xEF46DB3751D8E999 == xxh64(b"")
    assert core.xxh64(array(b"abc")) == 0x44BC2CF5AD770999 == xxh64(b"abc")


@given(st.binary(max_size=300), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_equal_the_definitions(data: bytes, crc: int, seed: int) -> None:
    assert core.crc32c(array(data), crc) == crc32c(data, crc)
    assert core.xxh64(array(data), seed) == xxh64(data, seed)


@given(st.integers(0, 40_000), st.integers(0, 15))
def test_long_unaligned_data(size: int, offset: int) -> None:
    # Longer than the interleaved streams of the kernel; one byte that matters in a sea of zeros.
    data = np.zeros(size + offset + 1, np.uint8)[offset:]
    zeros = core.crc32c(data)
    data[size // 2] = 1
    # Linear: the difference depends only on how many bytes follow the changed one.
    difference = core.crc32c(data) ^ zeros
    following = bytes(size - size // 2)
    expected = core.crc32c(array(b"\1" + following)) ^ core.crc32c(array(b"\0" + following))
    assert difference == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6), st.integers(0, 2**64 - 1))
def test_pieces_do_not_matter(data: bytes, cuts: list[int], seed: int) -> None:
    ends = sorted(min(cut, len(data)) for cut in cuts)
    pieces = [data[i:j] for i, j in zip([0, *ends], [*ends, len(data)], strict=True)]
    crc, state = 0, core.Xxh64(seed)
    for piece in pieces:
        crc = core.crc32c(array(piece), crc)
        state.update(array(piece))
    assert crc == core.crc32c(array(data))
    assert state.digest() == core.xxh64(array(data), seed)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_every_flipped_bit_changes_the_crc(data: bytes, choice: st.DataObject) -> None:
    bit = choice.draw(st.integers(0, 8 * len(data) - 1))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    assert core.crc32c(array(bytes(changed))) != core.crc32c(array(data))


@pytest.mark.parametrize(
    "bad", [np.zeros(4, np.float32), np.zeros((2, 2), np.uint8), np.zeros(8, np.uint8)[::2]]
)
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(TypeError):
        core.crc32c(bad)
    with pytest.raises(TypeError):
        core.xxh64(bad)
