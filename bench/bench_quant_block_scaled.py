"""MXFP4 and NVFP4, one thread, 4 million float32: encode and decode beside a copy and the cast of ml_dtypes.

The cast alone, float32 to E2M1 without any scale, is the nearest thing a package on PyPI offers on a CPU.
"""

from __future__ import annotations

import sys

import numpy as np
from fewbits.quant import quantize
from harness import Bench

TARGETS = {"encode": 400.0, "decode": 1500.0}  # million elements a second


def main() -> int:
    bench = Bench("quant_block_scaled", title="Microscaling formats", peers=["ml_dtypes"])
    import ml_dtypes

    rows = 16 if bench.options.quick else 1024
    x = np.random.default_rng(0).normal(size=(rows, 4096)).astype(np.float32)
    out, narrow = np.empty_like(x), np.empty(x.shape, ml_dtypes.float4_e2m1fn)
    for name in ("mxfp4", "mxfp8_e4m3", "nvfp4"):
        q = quantize(x, name)
        row = bench.row(f"{name}", work=x.nbytes, baseline="ml_dtypes cast to E2M1")
        row.add("encode", lambda n=name: quantize(x, n))
        row.add("decode", lambda q=q: q.dequantize())
        row.add("ml_dtypes cast to E2M1", lambda: np.copyto(narrow, x, casting="unsafe"), package="ml_dtypes")
        row.add("memcpy", lambda: np.copyto(out, x))
        entries = row.run()["entries"]
        seconds = {entry["name"]: entry["wall_seconds"] for entry in entries}
        bench.facts(
            f"{name}: million elements a second",
            {what: x.size / seconds[what] / 1e6 for what in TARGETS},
            targets=TARGETS,
            better="higher",
            digits=0,
        )
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
