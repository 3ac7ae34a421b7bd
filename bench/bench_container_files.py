"""Whole files with every core: `fewbits decompress` and `compress` beside copying the file.

The copy gives what fewbits gives: it reads the source (from the page cache, as fewbits does), writes a
temporary file, makes it durable with fsync, and renames it. It writes as many bytes as fewbits does: the file
that decompressing restores. A second pair of rows has the output on a memory file system where there is one,
which tells the disk's share from ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from fewbits.files import compress_file, decompress_file
from harness import Bench
from weights import minilm_path

BLOCK = 1 << 22


def durable_copy(source: Path, target: Path) -> None:
    """A copy that is on the disk, under its name, when this returns."""
    temporary = target.with_name(f"{target.name}.tmp")
    with source.open("rb") as read, temporary.open("wb") as write:
        while block := read.read(BLOCK):
            write.write(block)
        write.flush()
        os.fsync(write.fileno())
    temporary.replace(target)


def compare(bench: Bench, model: Path, folder: Path, label: str, target: float | None) -> None:
    packed = folder / "model.fewbits"
    restored = folder / model.name
    compress_file(model, packed, threads=0, overwrite=True)
    decompress_file(packed, restored, threads=0, overwrite=True)
    if restored.read_bytes() != model.read_bytes():
        raise SystemExit("the restored file differs from the original")

    size = model.stat().st_size
    targets = {"fewbits": target} if target else {}
    row = bench.row(
        f"decompress{label}, all threads", work=size, baseline="copy", targets=targets, headline=not label
    )
    row.add("fewbits", lambda: decompress_file(packed, restored, threads=0, overwrite=True))
    row.add("copy", lambda: durable_copy(model, folder / "copy"))
    row.run()
    row = bench.row(f"compress{label}, all threads", work=size, baseline="copy")
    for level in ("fast", "default"):
        row.add(
            f"fewbits {level}",
            lambda level=level: compress_file(model, packed, level=level, threads=0, overwrite=True),
        )
    row.add("copy", lambda: durable_copy(model, folder / "copy"))
    row.run()


def main() -> int:
    bench = Bench("container_files", title="Whole files, all threads")
    model = minilm_path()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        if model is None or bench.options.quick:
            bench.note("MiniLM-L6 is not in the cache (run `fewbits demo` once): synthetic weights instead.")
            model = Path(folder) / "weights.npy"
            rng = np.random.default_rng(0)
            np.save(
                model,
                (rng.normal(size=(2048, 512 if bench.options.quick else 8192)) * 0.02).astype(np.float32),
            )
        compare(bench, model, Path(folder), "", 0.7)
        memory = Path("/dev/shm")
        if memory.is_dir():
            with tempfile.TemporaryDirectory(dir=memory, prefix="fewbits-bench-") as other:
                compare(bench, model, Path(other), " to memory", None)
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
