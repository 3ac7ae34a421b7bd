"""fewbits.coding byte for byte against ref_coding.py, and ref_coding.py against published values."""

from __future__ import annotations

import random
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import ref_coding as ref
from fewbits.coding import Categorical, decode, encode

FAMILIES = {
    "gaussian": (0x255028C1, 0x043AA9D1052F5A87),
    "laplace": (0xB796245E, 0x1B8AC06580633987),
    "logistic": (0x59477C97, 0x666251E710051375),
}
SYMBOLS = [0, -4, 12, 1, 0, -20, 20, 0]
LO, SIZE = -20, 41
MIXTURE: dict[str, Any] = {"weights": (0.6, 0.3, 0.1), "means": (0.25, -3.5, 7.0), "scales": (0.5, 2.0, 10.0)}
MIXTURE |= {"lo": LO, "size": SIZE}
SINGLE: dict[str, Any] = {"weights": (1.0,), "means": (0.25,), "scales": (1.5,), "lo": LO, "size": SIZE}


def fnv1a(words: list[int]) -> int:
    value = 0xCBF29CE484222325
    for word in words:
        value = (value ^ word) * 0x100000001B3 % 2**64
    return value


@pytest.fixture(scope="module")
def tables() -> dict[str, list[int]]:
    return {family: ref.cdf_table(family) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
def test_integer_cdf_tables(family: str, tables: dict[str, list[int]]) -> None:
    table = tables[family]
    assert zlib.crc32(struct.pack("<4097I", *table)) == FAMILIES[family][0]
    assert fnv1a(table) == FAMILIES[family][1]


def mixture_pairs(tables: dict[str, list[int]]) -> list[ref.Pair]:
    def cumulative(q: int) -> int:
        return ref.mixture_cdf(q, tables["gaussian"], 2**20, **MIXTURE)

    published = {-20: 0, -19: 6753, -5: 975801, -1: 4568599, 0: 5749639, 1: 12311734, 2: 15494201}
    published |= {7: 15904890, 20: 16599964, 21: 16777216}
    assert {q: cumulative(q) for q in published} == published
    return [(cumulative(s), cumulative(s + 1) - cumulative(s)) for s in SYMBOLS]


def test_mixture_streams(tables: dict[str, list[int]]) -> None:
    pairs = mixture_pairs(tables)
    streams = {
        1: "3099627f0b0000006776f85b",
        2: "27d9960d5a570100045d26e8a4490400",
        8: "7e58714701000000b14c1b63080000004363f80f8e000000d005e2a2020000007e587147010000004c0a0034da040000"
        "3073fe532f0000007e58714701000000",
    }
    for lanes, stream in streams.items():
        assert ref.rans_encode(pairs, 24, lanes, ref.A64).hex() == stream
    # What tests/cpp/test_coding_rans.cpp encodes.
    assert pairs[1] == (1762768, 1000213)
    assert pairs[2] == (16229674, 59049)


@pytest.mark.parametrize(
    ("family", "stream"),
    [("laplace", "7e296ec10100000011a7054bf3ffff44"), ("logistic", "2e0f83c40000000082830f1eedffff09")],
)
def test_single_component_streams(family: str, stream: str, tables: dict[str, list[int]]) -> None:
    def cumulative(q: int) -> int:
        return ref.mixture_cdf(q, tables[family], 2**19, **SINGLE)

    pairs = [(cumulative(s), cumulative(s + 1) - cumulative(s)) for s in SYMBOLS]
    assert ref.rans_encode(pairs, 24, 1, ref.A64).hex() == stream


def test_the_mixture_as_a_static_table(tables: dict[str, list[int]]) -> None:
    """A static table of precision 24 goes through the same 64-bit core: the same states and words."""
    cumulative = [ref.mixture_cdf(q, tables["gaussian"], 2**20, **MIXTURE) for q in range(LO, LO + SIZE + 1)]
    model = Categorical(np.diff(cumulative), lo=LO, precision=24)
    data = encode(SYMBOLS, model, lanes=2, checksum=False)
    assert data.hex().endswith("27d9960d5a570100045d26e8a4490400")
    assert decode(data, model).tolist() == SYMBOLS


def test_published_static_vectors() -> None:
    frequencies = [3000, 700, 300, 95, 1]
    starts = [0, 3000, 3700, 4000, 4095]
    symbols = [0, 0, 1, 0, 2, 0, 0, 4, 3, 1, 0, 0, 0, 2, 1, 0]
    model = Categorical(frequencies, precision=12)
    for lanes, stream in ((1, "18f41900df392cde"), (4, "480a3f041054950048de3f005fc11c28")):
        assert (
            ref.rans_encode([(starts[s], frequencies[s]) for s in symbols], 12, lanes, ref.A32).hex()
            == stream
        )
        assert encode(symbols, model, lanes=lanes, checksum=False).hex().endswith(stream)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        (8, [176, 55, 16, 4, 1, 1, 1, 1, 1]),
        (10, [711, 221, 64, 18, 6, 1, 1, 1, 1]),
        (12, [2853, 885, 257, 71, 23, 4, 1, 1, 1]),
    ],
)
def test_published_frequencies(precision: int, expected: list[int]) -> None:
    counts = [100000, 31000, 9000, 2500, 800, 150, 40, 7, 1]
    assert ref.quantize_counts(counts, precision) == expected
    assert Categorical.from_counts(counts, precision=precision).frequencies.tolist() == expected


def random_case(seed: int) -> tuple[list[int], int, int, int, list[int]]:
    """Counts, lo, precision, lanes, symbols."""
    r = random.Random(seed)
    precision = r.choice([8, 9, 10, 11, 12, 12, 13, 14, 15, 15, 16, 20, 24])
    size = min(r.choice([1, 2, 3, 7, 30, 90]), 1 << precision)
    scale = r.choice([1, 10, 1000, 10**9, 10**15])
    counts = [r.choice([0, 1, r.randint(0, scale), int(scale * r.random() ** 8)]) for _ in range(size)]
    counts[0] += 1
    counts[-1] += 1
    lo = r.choice([0, -1, 5, -(2**31), 2**31 - size])
    lanes = r.choice([1, 4, 8, 32] if precision <= 15 else [1, 2, 4, 8])
    used = [i for i, n in enumerate(counts) if n > 0]
    weights = [counts[i] for i in used] if r.random() < 0.5 else None
    n = r.choice([0, 1, 2, 31, 33, 100, r.randint(0, 300)])
    return counts, lo, precision, lanes, [lo + i for i in r.choices(used, weights, k=n)]


@pytest.mark.parametrize("block", range(20))
def test_random_cases_byte_for_byte(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        counts, lo, precision, lanes, symbols = random_case(seed)
        frequencies = ref.quantize_counts(counts, precision)
        model = Categorical.from_counts(counts, lo=lo, precision=precision)
        assert (model.lo, model.precision) == (lo, precision)
        assert model.frequencies.tolist() == frequencies
        assert model.to_bytes() == ref.table_bytes(frequencies, lo, precision)
        assert Categorical.from_bytes(model.to_bytes()) == model
        checksum = seed % 2 == 0
        data = encode(symbols, model, lanes=lanes, checksum=checksum)
        assert data == ref.static_block(symbols, frequencies, lo, precision, lanes, checksum=checksum)
        assert decode(data, model).tolist() == symbols


@pytest.mark.parametrize(("precision", "core"), [(8, ref.A32), (12, ref.A32), (15, ref.A32), (18, ref.A64)])
def test_reference_decodes_our_payloads(precision: int, core: tuple[int, int]) -> None:
    symbols = np.random.default_rng(3).binomial(20, 0.3, 400)
    model = Categorical.fit(symbols, precision=precision)
    data = encode(symbols, model, lanes=4, checksum=False)
    # u8, u8, varint 400 (2 bytes), u8 precision, varint 0, varint word count of one or two bytes
    payload = data[7:] if data[6] < 128 else data[8:]
    got = ref.rans_decode(payload, 400, model.frequencies.tolist(), precision, lanes=4, core=core)
    assert (np.array(got) + model.lo == symbols).all()
