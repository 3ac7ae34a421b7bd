"""Bits and error of lossy weights: the 36 encoder matrices of MiniLM, and Gaussian elements.

Sizes are those of whole messages, headers and side information included, summed over the matrices; errors are
root mean squares over all of them. One step for all matrices, as least squares wants it. Fixed-length formats
are counted with their scales and without an entropy coder; ECSQ is uniform steps with the order-0 entropy of
every matrix; R(D) is the limit of Gaussian matrices of their variances by reverse water-filling, which heavy
tails can undercut. NNCodec (ISO/IEC 15938-17) takes part in a process of its own. One thread for the times.
"""

from __future__ import annotations

import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from fewbits.quant import compress_matrix, decompress_matrix
from harness import Bench
from weights import minilm_path

NF4 = np.array(
    [-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803,
     0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0], np.float32,
)  # fmt: skip
# Root mean square error to reach, most bits per weight.
POINTS = {"at the error of NF4": (5.76e-3, 3.40), "at the error of int8 per channel": (6.10e-4, 6.65)}

Matrices = list[np.ndarray]


def encoder_matrices(quick: bool) -> Matrices:
    """The 36 matrices, or random ones in their place."""
    path = minilm_path()
    if path is None or quick:
        rng = np.random.default_rng(0)
        return [(rng.standard_t(6, size=(384, 384)) * 0.05).astype(np.float32) for _ in range(2)]
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    found = []
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name.startswith("encoder") and len(entry["shape"]) == 2:
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            found.append(np.frombuffer(data[start:stop], np.float32).reshape(entry["shape"]))
    return found


def count(matrices: Matrices) -> int:
    return sum(x.size for x in matrices)


def rms(matrices: Matrices, others: Matrices) -> float:
    total = sum(float(np.square(x.astype(float) - y).sum()) for x, y in zip(matrices, others, strict=True))
    return math.sqrt(total / count(matrices))


def at_step(matrices: Matrices, step: float, states: int) -> tuple[float, float]:
    """Bits per weight of the messages and the error."""
    nbytes, squares = 0, 0.0
    for x in matrices:
        _, report = compress_matrix(x, {"step": step}, trellis=states)
        nbytes += report.nbytes
        squares += report.rmse**2 * x.size
    return 8 * nbytes / count(matrices), math.sqrt(squares / count(matrices))


def at_error(matrices: Matrices, wanted: float, states: int) -> tuple[float, float]:
    """The same for the one step that reaches an error."""
    step = wanted / (0.51 if states else 0.289)
    for _ in range(6):
        bits, error = at_step(matrices, step, states)
        if 0.998 * wanted <= error <= wanted:
            break
        step *= wanted / error * 0.9992
    return bits, error


def ecsq(matrices: Matrices, wanted: float) -> float:
    """Bits of uniform steps with ideal order-0 coding of every matrix."""
    step = wanted * math.sqrt(12)
    for _ in range(6):
        error = rms(matrices, [np.rint(x / step) * step for x in matrices])
        step *= wanted / error
    bits = 0.0
    for x in matrices:
        counts = np.unique(np.rint(x / step), return_counts=True)[1]
        bits += float(-(counts * np.log2(counts / x.size)).sum())
    return bits / count(matrices)


def gaussian_limit(matrices: Matrices, wanted: float) -> float:
    """Reverse water-filling: every matrix gets the same distortion, or all of its variance."""
    variances = np.array([float(np.square(x.astype(float)).mean()) for x in matrices])
    sizes = np.array([x.size for x in matrices])
    low, high = 0.0, float(variances.max())
    for _ in range(100):
        level = (low + high) / 2
        reached = (np.minimum(variances, level) * sizes).sum() / sizes.sum()
        low, high = (level, high) if reached < wanted**2 else (low, level)
    return float((np.maximum(0.0, 0.5 * np.log2(variances / low)) * sizes).sum() / sizes.sum())


def nf4(x: np.ndarray) -> np.ndarray:
    blocks = x.reshape(-1, 64)
    scales = np.abs(blocks).max(axis=1, keepdims=True)
    middles = (NF4[1:] + NF4[:-1]) / 2
    return (NF4[np.searchsorted(middles, blocks / scales)] * scales).reshape(x.shape)


def integers(x: np.ndarray, bits: int, group: int | None) -> np.ndarray:
    """Symmetric integers with a float16 scale per row, or per group of a row."""
    blocks = x if group is None else x.reshape(-1, group)
    top = 2 ** (bits - 1) - 1
    scales = (np.abs(blocks).max(axis=1, keepdims=True) / top).astype(np.float16).astype(np.float32)
    return (np.clip(np.rint(blocks / scales), -top, top) * scales).reshape(x.shape)


def fixed_formats(bench: Bench, matrices: Matrices) -> None:
    formats: dict[str, tuple[float, Any]] = {
        "NF4, blocks of 64": (4.5, nf4),
        "int4, groups of 128": (4.125, lambda x: integers(x, 4, 128)),
        "int8, rows": (8 + 16 / 700, lambda x: integers(x, 8, None)),
    }
    for name, (stored, quantize) in formats.items():
        error = rms(matrices, [quantize(x) for x in matrices])
        ours, _ = at_error(matrices, error, 8)
        bench.facts(
            f"bits at the error of {name} ({error:.2e})",
            {"fewbits, 8 states": ours, name: stored, "ECSQ": ecsq(matrices, error),
             "R(D)": gaussian_limit(matrices, error)},
            unit="bits",
        )  # fmt: skip


NNCODEC = """
import json, os, sys, time
import numpy as np
from nncodec import nnc
weights = {f"{k}.weight": v for k, v in np.load(sys.argv[1]).items()}
points = []
for qp in (-24, -38):
    path = sys.argv[1] + ".nnc"
    begin = time.perf_counter()
    nnc.compress(weights, bitstream_path=path, qp=qp, use_dq=True)
    middle = time.perf_counter()
    decoded = nnc.decompress(path)
    end = time.perf_counter()
    error = sum(float(((v.astype(float) - decoded[k]) ** 2).sum()) for k, v in weights.items())
    points.append([qp, os.path.getsize(path), error, middle - begin, end - middle])
print(json.dumps(points))
"""


def nncodec_points(bench: Bench, matrices: Matrices) -> None:
    """Bytes, error and times of NNCodec at two of its settings, and ours at the same error, one thread."""
    python = os.environ.get("FEWBITS_NNCODEC_PYTHON")
    if not python:
        bench.note(
            "FEWBITS_NNCODEC_PYTHON names no Python with nncodec, which needs NumPy 1: no rows against it."
        )
        return
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "weights.npz")
        np.savez(path, **{f"m{i}": x for i, x in enumerate(matrices)})
        done = subprocess.run([python, "-c", NNCODEC, path], capture_output=True, text=True, check=True)
    for qp, nbytes, squares, encode, decode in json.loads(done.stdout.splitlines()[-1]):
        error, theirs = math.sqrt(squares / count(matrices)), 8 * nbytes / count(matrices)
        ours = {f"fewbits, {states} states": at_error(matrices, error, states)[0] for states in (8, 256)}
        bench.facts(
            f"bits at the error of NNCodec, qp {qp} ({error:.2e})",
            {**ours, "nncodec": theirs},
            targets=dict.fromkeys(ours, theirs * 0.985),
            unit="bits",
        )
        begin = time.perf_counter()
        messages = [compress_matrix(x, {"step": error / 0.51})[0] for x in matrices]
        middle = time.perf_counter()
        for message in messages:
            decompress_matrix(message)
        bench.facts(
            f"seconds at the error of NNCodec, qp {qp}",
            {"fewbits encode": middle - begin, "nncodec encode": encode,
             "fewbits decode": time.perf_counter() - middle, "nncodec decode": decode},
            targets={"fewbits encode": encode / 5, "fewbits decode": decode / 10},
            unit="s",
            digits=3,
        )  # fmt: skip


def gaussian(bench: Bench, quick: bool) -> None:
    x = np.random.default_rng(0).normal(size=(100 if quick else 1000, 1000)).astype(np.float32)
    for bits in (2, 3, 4):
        gaps = {}
        for states in (0, 8, 256):
            _, report = compress_matrix(x, {"bits": bits}, trellis=states)
            gaps[f"{states} states" if states else "scalar"] = report.bits_per_element - math.log2(
                float(x.std()) / report.rmse
            )
        bench.facts(
            f"Gaussian, {bits} bits: above R(D)",
            gaps,
            targets={"8 states": 0.085, "256 states": 0.045},
            unit="bits",
            digits=3,
        )


def main() -> int:
    bench = Bench("quant_rate_distortion", title="Lossy weights", peers=[])
    quick = bench.options.quick
    matrices = encoder_matrices(quick)
    for name, (error, target) in POINTS.items():
        bits = {f"fewbits, {s} states": at_error(matrices, error, s)[0] for s in (8, 256)}
        bits["fewbits, scalar"] = at_error(matrices, error, 0)[0]
        bench.facts(
            f"MiniLM encoder, {name} ({error:.2e}): bits per weight",
            {**bits, "ECSQ": ecsq(matrices, error), "R(D)": gaussian_limit(matrices, error)},
            targets={"fewbits, 8 states": target},
            unit="bits",
            headline=True,
        )
    fixed_formats(bench, matrices)
    nncodec_points(bench, matrices)
    gaussian(bench, quick)
    x = max(matrices, key=lambda m: m.size)
    for states in (8, 256):
        data, report = compress_matrix(x, {"sqnr_db": 20}, trellis=states)
        row = bench.row(
            f"one matrix, 20 dB, {states} states", work=x.size * 4, unit="MB/s", baseline="encode"
        )
        row.add("encode", lambda s=states, step=report.step: compress_matrix(x, {"step": step}, trellis=s))
        row.add("decode", lambda d=data: decompress_matrix(d))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
