"""Looks rows of a large embedding up without decompressing the table.

Run it: ``python examples/python/embedding_rows.py``. It writes a table of 100 000 rows into a temporary
folder, opens it lazily, and reads three rows from three places.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import fewbits
import numpy as np


def main() -> None:
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(100_000, 128)) * 0.02).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "embedding.fewbits"
        fewbits.save(path, {"embedding": table}, level="fast", threads=0)
        with fewbits.open(path) as file:
            info = file.tensors["embedding"]
            print(f"{info.blocks} blocks, {info.bits_per_element:.2f} bits per element")
            for row in (0, 31_415, 99_999):
                start = time.perf_counter()
                vector = file.read("embedding", row)
                milliseconds = 1e3 * (time.perf_counter() - start)
                assert np.array_equal(vector, table[row])
                print(f"row {row}: {milliseconds:.2f} ms")


if __name__ == "__main__":
    main()
