"""Write the golden files of this format version: ``python tools/golden.py tests/data/golden``.

A container and messages of every kind. Run once for a format version and committed; every later version must
decode them. Needs ml_dtypes.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fewbits
import ml_dtypes
import numpy as np
from fewbits import coding
from fewbits._core import coding as _core
from fewbits.coding._codes import CODE_MODELS


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


def messages() -> dict[str, tuple[np.ndarray, Callable[[], Any], dict[str, Any]]]:
    """Symbols, how to make their model, and options of `coding.encode`, by name.

    All from integer arithmetic: a reader in years to come must make the same parameters.
    """
    i = np.arange(600, dtype=np.int64)
    hashed = (i * 2654435761 % 4294967296) >> 12  # 20 bits
    small = np.minimum(hashed % 97, hashed % 53) % 40
    unit = (hashed / 1048576).astype(np.float32)
    scale = np.float32(0.25) + 4 * unit
    mean = (20 * unit[::-1] - 10).astype(np.float32)
    symbols = np.rint(mean + scale * (2 * unit - 1)).astype(np.int64)
    three = np.stack([unit + 1, 2 - unit, unit * 0 + 1]).astype(np.float32)
    mixture = (three, np.stack([mean, mean + 1, mean - 2]), np.stack([scale, scale * 2, scale / 4]))
    rows = 1 + (hashed[:, np.newaxis] * np.arange(1, 9)) % 31
    counts = np.bincount(small, minlength=40)
    return {
        "static": (small, lambda: coding.Categorical.from_counts(counts), {}),
        "static, precision 20": (small, lambda: coding.Categorical.from_counts(counts, precision=20), {}),
        "static, one lane": (small[:50], lambda: coding.Categorical.from_counts(counts), {"lanes": 1}),
        "uniform": (small, lambda: coding.Uniform(300), {"checksum": False}),
        "bernoulli": (small % 2, lambda: coding.Bernoulli(0.25), {"param_hash": True}),
        "gaussian": (symbols, lambda: coding.Gaussian(mean, scale), {"param_hash": True}),
        "gaussian, bounded": (
            np.clip(symbols, -8, 8),
            lambda: coding.Gaussian(mean, scale, support=(-8, 8)),
            {},
        ),
        "laplace": (symbols, lambda: coding.Laplace(mean, scale), {}),
        "logistic": (symbols, lambda: coding.Logistic(mean, scale), {}),
        "mixture": (
            symbols,
            lambda: coding.Mixture(*mixture, normalize=True),
            {"param_hash": True, "lanes": 8},
        ),
        "exceptions": (symbols * 100000, lambda: coding.Gaussian(mean, scale), {}),
        "rows": (hashed % 8, lambda: coding.CategoricalRows(rows / rows.sum(axis=1, keepdims=True)), {}),
        "adaptive bits": (small % 2, coding.AdaptiveBitModel, {}),
        "adaptive nibbles": (small % 16, coding.AdaptiveNibbleModel, {}),
        "adaptive bytes": (small, coding.AdaptiveByteModel, {}),
        "adaptive bytes, order 1": (small, lambda: coding.AdaptiveByteModel(1), {"lanes": 4}),
        "adaptive tree": (hashed % 1000, lambda: coding.AdaptiveTreeModel(1000), {}),
        "exp-golomb": (symbols * (hashed % 77), coding.AdaptiveExpGolombModel, {}),
        "empty": (symbols[:0], lambda: coding.Uniform(300), {}),
        "constant": (small * 0 + 3, lambda: coding.Categorical.from_counts([0, 0, 0, 1]), {}),
    }


def codes() -> np.ndarray:
    """Codes whose spread changes by row and column, from integer arithmetic."""
    i, j = np.arange(70, dtype=np.int64)[:, np.newaxis], np.arange(48, dtype=np.int64)
    hashed = ((i * 48 + j) * 2654435761 % 4294967296) >> 16  # 16 bits
    triangle = (hashed >> 8) + (hashed & 255) - 255
    return triangle * (1 + i % 7) * (1 + j % 5) // 600


def main(directory: Path) -> None:
    streams = {
        name: base64.b64encode(coding.encode(symbols, model(), **options)).decode()
        for name, (symbols, model, options) in messages().items()
    }
    for model in CODE_MODELS:
        streams[f"codes: {model}"] = base64.b64encode(coding.encode_codes(codes(), models=[model])).decode()
    (directory / "messages-1.json").write_text(json.dumps(streams, indent=1) + "\n")
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
    """Small sound inputs for the fuzz targets (the last two bytes of a frame say where its checksum is, the
    first three of a matrix of codes its shape and lowest code)."""
    small_codes = codes()[:64, :40].clip(-100, 100).astype(np.int32)
    payload = _core.context_encode(small_codes.reshape(-1), *small_codes.shape, 0)
    head = bytes([*small_codes.shape, int(small_codes.min()) % 256])
    (directory / "fuzz_context_matrix" / "codes").write_bytes(head + payload)
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
