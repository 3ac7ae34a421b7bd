"""Matrix products by integer addition (L-Mul), one thread, beside numpy's float32 product.

L-Mul is not faster on a CPU and is not meant to be: the row says by how much it is slower. Its error against
the exact product is checked before anything is timed.
"""

from __future__ import annotations

import sys

import fewbits.formats as ff
import numpy as np
from harness import Bench


def main() -> int:
    bench = Bench("formats_lmul", title="Products by integer addition", peers=["numpy"])
    n = 64 if bench.options.quick else 512
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n, n)).astype(np.float32)
    exact = a.astype(np.float64) @ b
    error = np.linalg.norm(ff.lmul_matmul(a, b) - exact) / np.linalg.norm(exact)
    if error > 0.05:
        raise SystemExit(f"lmul_matmul: error {error:.3f}")
    row = bench.row(f"matmul {n} x {n} x {n} of float32", work=n**3, unit="Mop/s", baseline="numpy")
    row.add("lmul_matmul", lambda: ff.lmul_matmul(a, b))
    row.add("numpy", lambda: a @ b)
    row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
