"""Lossless weights: size and one-thread speed beside zipnn, zstd, blosc2 and pcodec.

The synthetic set is a Gaussian matrix with log-normal row scales in four dtypes; MiniLM-L6 is the network of
`fewbits demo`, as it is and rounded to bfloat16. Every contender's output is decompressed and compared with
the input before anything is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness import Bench
from numpy.typing import NDArray
from weights import (
    BFLOAT16,
    Codec,
    fewbits_codec,
    joined,
    minilm_path,
    peer_codecs,
    read_safetensors,
    synthetic,
)

LEVELS = ("fast", "default", "max")
PEERS = ("zipnn", "zstandard", "blosc2", "pcodec", "ml_dtypes")

# Size as a fraction of the input, by dtype and level.
SIZE_TARGETS = {
    "bfloat16": {"fewbits fast": 0.666, "fewbits default": 0.662},
    "float16": {"fewbits default": 0.8486},
    "float32": {"fewbits default": 0.8312},
    "float8_e4m3fn": {"fewbits default": 0.8115},
}
# Speed against zipnn.
SYNTHETIC_SPEED = {
    "bfloat16": {"decode": {"fewbits fast": 1.3}, "encode": {"fewbits fast": 1.5}},
}
MODEL_BITS = {"float32": {"fewbits default": 26.12}, "bfloat16": {"fewbits default": 10.60}}
MODEL_SPEED = {
    "decode": {"fewbits fast": 1.5, "fewbits default": 1.0},
    "encode": {"fewbits fast": 1.5, "fewbits default": 1.0},
}


def if_installed(make: Callable[[], Codec]) -> Codec | None:
    try:
        return make()
    except ImportError:
        return None


def codecs(dtype: np.dtype[Any]) -> dict[str, Codec | None]:
    """Contenders that take the dtype, by name; None for peers that are not installed."""
    ours: dict[str, Codec | None] = {f"fewbits {level}": fewbits_codec(level) for level in LEVELS}
    return ours | {name: if_installed(make) for name, make in peer_codecs(dtype).items()}


def compare(
    bench: Bench,
    label: str,
    tensors: list[NDArray[Any]],
    *,
    per_weight: bool,
    size_targets: Mapping[str, float],
    speed_targets: Mapping[str, Mapping[str, float]],
    headline: bool,
) -> None:
    """One data set: sizes, then decoding, then encoding."""
    original = joined(tensors)
    contenders = codecs(tensors[0].dtype)
    packed: dict[str, Any] = {}
    for name, codec in contenders.items():
        if codec is None:
            continue
        packed[name] = codec.compress(codec.prepare(tensors))
        if codec.restored(codec.decompress(packed[name])) != original:
            raise SystemExit(f"{label}: {name} is not lossless")
    count = sum(tensor.size for tensor in tensors)
    scale, unit, digits = (8 / count, "bits", 3) if per_weight else (1 / len(original), "", 4)
    sizes = {name: codec.size(packed[name]) * scale if codec else None for name, codec in contenders.items()}
    what = "bits per weight" if per_weight else "size, fraction of the input"
    bench.facts(f"{label}: {what}", sizes, unit=unit, digits=digits, targets=size_targets, headline=headline)

    # Where zipnn does not take the dtype, zstd -3 is what there is to compare with.
    baseline = "zipnn" if contenders.get("zipnn") else "zstd -3"
    common = {"work": float(len(original)), "baseline": baseline, "time_of": "cpu"}
    row = bench.row(f"{label}: decode", targets=speed_targets.get("decode", {}), headline=headline, **common)
    for name, codec in contenders.items():
        row.add(name, codec and (lambda c=codec, d=packed[name]: c.decompress(d)))
    row.add("memcpy", lambda: bytearray(original))
    row.run()

    row = bench.row(f"{label}: encode", targets=speed_targets.get("encode", {}), headline=headline, **common)
    for name, codec in contenders.items():
        if codec is None:
            row.add(name, None)
            continue
        held = [codec.prepare(tensors)]

        def renew(c: Codec = codec, h: list[Any] = held) -> None:
            h[0] = c.prepare(tensors)

        row.add(
            name,
            lambda c=codec, h=held: c.compress(h[0]),
            setup=renew if codec.overwrites else None,
            rounds=1 if codec.slow else None,
        )
    row.add("memcpy", lambda: bytearray(original))
    row.run()


def main() -> int:
    bench = Bench("coding_lossless", title="Lossless weights, one thread", peers=PEERS)
    quick = bench.options.quick
    for name, array in synthetic(*((256, 512) if quick else (2048, 2048))).items():
        compare(
            bench,
            f"synthetic {name}",
            [array],
            per_weight=False,
            size_targets=SIZE_TARGETS[name],
            speed_targets=SYNTHETIC_SPEED.get(name, {}),
            headline=name == "bfloat16",
        )

    path = minilm_path()
    if path is None:
        bench.note("MiniLM-L6 is not in the cache: run `fewbits demo` once, then this bench again.")
    else:
        model = read_safetensors(path)
        if quick:
            model = model[-20:]
        for name, tensors in (("float32", model), ("bfloat16", [t.astype(BFLOAT16) for t in model])):
            compare(
                bench,
                f"MiniLM {name}",
                tensors,
                per_weight=True,
                size_targets=MODEL_BITS[name],
                speed_targets=MODEL_SPEED,
                headline=True,
            )
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
