"""Write the golden container of this format version: ``python tools/golden.py tests/data/golden``.

Run once for a format version and committed; every later version must decode it. Needs ml_dtypes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fewbits
import ml_dtypes
import numpy as np


def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2026)
    scale = np.exp(rng.normal(0, 0.5, (64, 1)))
    weight = (rng.normal(0, 0.05, (64, 96)) * scale).astype(np.float32)
    sparse = np.where(rng.random((64, 96)) < 0.5, 0, weight).astype(np.float32)
    exact = weight.copy()
    exact[::2] = exact[::2].astype(np.float16)
    return {
        "float32": weight,
        "float32 sparse": sparse,
        "float32 exact rows": exact,
        "bfloat16": weight.astype(ml_dtypes.bfloat16),
        "float16": weight.astype(np.float16),
        "float64": weight.astype(np.float64) * np.pi,
        "float8_e4m3fn": (weight * 100).astype(ml_dtypes.float8_e4m3fn),
        "int8": np.clip(weight * 400, -128, 127).astype(np.int8),
        "int32": (weight * 1000).astype(np.int32),
        "bool": weight > 0,
        "noise": np.frombuffer(rng.bytes(500), np.uint8),
        "zeros": np.zeros((10, 10), np.float32),
        "scalar": np.array(-7, np.int64),
        "empty": np.zeros((0, 3), np.float32),
        "complex64": weight[0].astype(np.complex64),
    }


def main(directory: Path) -> None:
    path = directory / "container-1.fewbits"
    fewbits.save(path, tensors(), metadata={"format": "pt", "note": "golden file of format 1.0"})
    with fewbits.open(path) as file:
        expected = {
            "metadata": file.metadata,
            "xxh64": {name: info.xxh64 for name, info in file.tensors.items()},
            "stages": {name: list(info.stages) for name, info in file.tensors.items()},
        }
    (directory / "container-1.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def seeds(directory: Path) -> None:
    """Small sound inputs for the fuzz targets (the last two bytes of a frame say where its checksum is)."""
    x = tensors()
    small = {name: x[name][:8, :64] for name in ("float32", "float32 sparse", "bfloat16", "int8", "bool")}
    for level in ("fast", "max"):
        fewbits.save(directory / "fuzz_container" / level, {**small, "scalar": x["scalar"]}, level=level)
        for name, array in small.items():
            frame = fewbits.compress_array(array, level=level)
            path = directory / "fuzz_tensor_frame" / f"{level} {name}".replace(" ", "-")
            path.write_bytes(frame + (40).to_bytes(2, "little"))


if __name__ == "__main__":
    if sys.argv[1] == "--seeds":
        seeds(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]))
