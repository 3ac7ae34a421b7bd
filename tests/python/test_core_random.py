"""Philox4x32-10 against the algorithm of the paper in plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from fewbits._core import core
from hypothesis import given
from hypothesis import strategies as st

WORD = (1 << 32) - 1
U64 = st.integers(0, 2**64 - 1)


def philox4x32(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """Ten rounds: multiply, swap, add the key, bump the key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 1 << 32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + 0x9E3779B9 & WORD, k1 + 0xBB67AE85 & WORD
    return c0, c1, c2, c3


def draw32(seed: int, stream: int, index: int) -> int:
    block = index // 4
    counter = (block & WORD, block >> 32, stream & WORD, stream >> 32)
    return philox4x32(counter, (seed & WORD, seed >> 32))[index % 4]


def fill(seed: int, stream: int, first: int, size: int) -> np.ndarray:
    out = np.full(size, 0xDEADBEEF, np.uint32)
    core.philox_fill(seed, stream, first, out)
    return out


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # Random123, kat_vectors
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((WORD,) * 4, (WORD,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_oracle_gives_the_known_answers(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    assert philox4x32(counter, key) == words


def test_first_block() -> None:
    assert fill(0, 0, 0, 4).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@given(seed=U64, stream=U64, first=U64, size=st.integers(0, 40))
def test_every_draw_is_a_function_of_its_index(seed: int, stream: int, first: int, size: int) -> None:
    expected = [draw32(seed, stream, (first + i) % 2**64) for i in range(size)]
    assert fill(seed, stream, first, size).tolist() == expected


@given(seed=U64, first=st.integers(0, 2**40), sizes=st.lists(st.integers(0, 30), max_size=5))
def test_pieces_do_not_matter(seed: int, first: int, sizes: list[int]) -> None:
    whole = fill(seed, 3, first, sum(sizes))
    at = 0
    for size in sizes:
        assert np.array_equal(fill(seed, 3, first + at, size), whole[at : at + size])
        at += size


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(4, np.int32),
        np.zeros(4, np.float32),
        np.zeros((2, 2), np.uint32),
        np.zeros(8, np.uint32)[::2],
    ],
)
def test_an_output_that_cannot_be_filled_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(TypeError):
        core.philox_fill(0, 0, 0, bad)


def test_a_read_only_output_is_refused() -> None:
    out = np.zeros(4, np.uint32)
    out.flags.writeable = False
    with pytest.raises(TypeError):
        core.philox_fill(0, 0, 0, out)
