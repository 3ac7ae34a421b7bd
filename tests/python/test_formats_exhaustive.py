"""Every input there is, where there are few enough.

``python tests/python/test_formats_exhaustive.py [NAME ...]`` records counts in
tests/data/formats_exhaustive.json, which docs/formats.md shows: those of all inputs of 16 bits, and of all of
32 bits for the formats named.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import ml_dtypes
import numpy as np
import pytest
from formats_oracle import How, round_many

RECORD = Path(__file__).parents[1] / "data/formats_exhaustive.json"
PEERS = ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float4_e2m1fn")
MODES = [m for m in ff.roundings() if m not in ("stochastic", "stochastic_equal", "random_directed")]
FORMATS = [
    *(name for name in ff.FORMATS if (f := ff.get(name)).is_signed and f.has_zero and name != "float64"),
    *("binary8p3se", "binary8p1se", "binary6p3sf", "binary4p2sf", "int8", "int4", "fixed(4,4)", "int16"),
    *("float(e=4,m=3,neg_zero=0)", "float(p=5,emin=-3,emax=9)", "float(p=12,emin=-60,emax=60)"),
]


def bits_of(values: np.ndarray) -> np.ndarray:
    """Bits, every NaN the same."""
    words = np.where(np.isnan(values), np.nan, values).astype(np.float32).view(np.uint32)
    return np.where(np.isnan(values), np.uint32(0x7FC00000), words)


def all_of_16_bits(carrier: str, name: str) -> int:
    """Mismatches of all 2^16 numbers of a carrier, in every mode, against the definition."""
    x = ff.decode(np.arange(1 << 16, dtype=np.uint16), carrier)
    x = x[np.isfinite(x)]
    f = ff.get(name)
    wrong = 0
    for saturate in ("none", "finite"):
        for mode in MODES:
            want = round_many(x.astype(np.float64), f, How(mode, saturate))
            wrong += int(
                (bits_of(ff.round_to(x, f, rounding=mode, saturate=saturate)) != bits_of(want)).sum()
            )
    draws = np.random.default_rng(1).integers(0, 32, x.size)
    for variant in "abc":
        how = How("stochastic", random_bits=5, variant=variant)
        want = round_many(x.astype(np.float64), f, how, draws)
        got = ff.round_to(x, f, rounding="stochastic", random_bits=5, variant=variant, bits=draws)
        wrong += int((bits_of(got) != bits_of(want)).sum())
    return wrong


def all_of_32_bits(name: str, step: int = 1 << 24) -> int:
    """Mismatches of all 2^32 float32 numbers, to nearest even, against NumPy or ml_dtypes."""
    f = ff.get(name)
    peer = np.float16 if name == "float16" else getattr(ml_dtypes, name)
    wrong = 0
    for start in range(0, 1 << 32, step):
        x = np.arange(start, start + step, dtype=np.uint32).view(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            theirs = x.astype(peer).view(f.code_dtype)
        differ = ff.encode(x, f, nan="ml_dtypes") != theirs
        if name == "float16":  # NumPy keeps the payload of NaN
            differ &= ~np.isnan(x)
        wrong += int(differ.sum())
    return wrong


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float4_e2m1fn", "bfloat16", "binary8p1se", "int8"])
@pytest.mark.parametrize("carrier", ["float16", "bfloat16"])
def test_all_inputs_of_16_bits(carrier: str, name: str) -> None:
    assert all_of_16_bits(carrier, name) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("carrier", ["float16", "bfloat16"])
def test_all_inputs_of_16_bits_to_every_format(carrier: str, name: str) -> None:
    assert all_of_16_bits(carrier, name) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_all_inputs_of_32_bits(name: str) -> None:
    assert all_of_32_bits(name) == 0


def test_the_record_is_right_and_shown() -> None:
    record = json.loads(RECORD.read_text())
    assert set(record["float32"]) <= set(PEERS)
    assert set(record["float16"]) == set(record["bfloat16"]) == set(FORMATS)
    assert all(
        count == 0 for counts in record.values() if isinstance(counts, dict) for count in counts.values()
    )
    page = " ".join((Path(__file__).parents[2] / "docs/formats.md").read_text().split())
    recorded = [name for name in PEERS if name in record["float32"]]
    assert f"recorded for {', '.join(recorded) or 'none yet'} " in page
    assert f"{len(FORMATS)} formats" in page


def main(names: list[str]) -> None:
    record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {"float32": {}}
    record.update({"ml_dtypes": ml_dtypes.__version__, "numpy": np.__version__})
    for carrier in ("float16", "bfloat16"):
        record[carrier] = {name: all_of_16_bits(carrier, name) for name in FORMATS}
    for name in names:
        begin = time.perf_counter()
        record["float32"][name] = all_of_32_bits(name)
        print(
            name, record["float32"][name], f"{time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True
        )
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
