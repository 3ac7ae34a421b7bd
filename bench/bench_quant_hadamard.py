"""Blockwise Hadamard rotation, one thread: beside the same rotation as a product with SciPy's matrix.

Both leave a rotated float32 matrix in memory that is there already; the results agree to rounding.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: one thread each

import numpy as np
from fewbits.quant import hadamard_rotate
from harness import Bench

SIZES = (16, 32, 128, 1024)


def main() -> int:
    bench = Bench("quant_hadamard", title="Hadamard rotation", peers=["scipy"])
    from scipy.linalg import hadamard

    rows = 64 if bench.options.quick else 4096
    x = np.random.default_rng(0).normal(size=(rows, 1024)).astype(np.float32)
    out, product = np.empty_like(x), np.empty_like(x)
    for size in SIZES:
        matrix = (hadamard(size) / np.sqrt(size)).astype(np.float32)
        blocks, target = x.reshape(-1, size), product.reshape(-1, size)
        hadamard_rotate(x, block_size=size, signs=False, out=out)
        np.matmul(blocks, matrix, out=target)
        if not np.allclose(out, product, rtol=0, atol=1e-5):
            raise SystemExit(f"size {size}: the results differ")
        row = bench.row(f"blocks of {size}", work=x.nbytes, baseline="NumPy matmul", targets={"fewbits": 1.0})
        row.add("fewbits", lambda s=size: hadamard_rotate(x, block_size=s, signs=False, out=out))
        row.add("NumPy matmul", lambda b=blocks, m=matrix, t=target: np.matmul(b, m, out=t))
        row.add("memcpy", lambda: np.copyto(out, x))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
