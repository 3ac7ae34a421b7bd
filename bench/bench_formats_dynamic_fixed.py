"""Dynamic fixed point, one thread: products of int16 and int8 beside float32 ones, and quantisation.

The float32 product of the same blocking is `matmul` in the context of float32 with one rounding per
multiply-add (`simd/gemm.hpp`); NumPy's is OpenBLAS. Integer results are compared with int64 before anything
is timed.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import fewbits.formats as ff
import numpy as np
from harness import Bench


def main() -> int:
    bench = Bench("formats_dynamic_fixed", title="Dynamic fixed point", peers=["numpy"])
    quick = bench.options.quick
    rng = np.random.default_rng(0)

    n = 96 if quick else 512
    a, b = rng.normal(size=(2, n, n)).astype(np.float32)
    row = bench.row(
        f"matmul {n} x {n} x {n}",
        work=n**3,
        unit="Mop/s",
        baseline="float32, same blocking",
        targets={"14 bits (magnitudes of 13)": 1.0},
    )
    left, right = (ff.emulated(x, "float32", accumulate="fma") for x in (a, b))
    row.add("float32, same blocking", lambda: ff.matmul(left, right))
    row.add("numpy float32", lambda: a @ b)
    for bits, name in ((8, "8 bits"), (14, "14 bits (magnitudes of 13)"), (16, "16 bits")):
        p, q = ff.dfp_quantize(a, bits), ff.dfp_quantize(b, bits)
        exact = ff.dfp_gemm(p, q, accumulate="int64")
        if (exact.integers != p.integers.astype(np.int64) @ q.integers.astype(np.int64)).any():
            raise SystemExit("dfp_gemm is not exact")
        row.add(name, lambda p=p, q=q: ff.dfp_gemm(p, q))
        if bits == 16:
            row.add("16 bits, chains of two", lambda p=p, q=q: ff.dfp_gemm(p, q, chain="maxima"))
            row.add("16 bits, int64", lambda p=p, q=q: ff.dfp_gemm(p, q, accumulate="int64"))
    row.run()

    m = 512 if quick else 6000
    a, x = rng.normal(size=(m, m)).astype(np.float32), rng.normal(size=m).astype(np.float32)
    row = bench.row(
        f"matrix {m} x {m} by vector",
        work=m * m,
        unit="Mop/s",
        baseline="numpy float32",
        targets={"16 bits": 1.5},
    )
    row.add("numpy float32", lambda: a @ x)
    for bits in (8, 16):
        p, q = ff.dfp_quantize(a, bits), ff.dfp_quantize(x, bits)
        row.add(f"{bits} bits", lambda p=p, q=q: ff.dfp_gemv(p, q))
        if bits == 16:
            row.add("16 bits, chains of two", lambda p=p, q=q: ff.dfp_gemv(p, q, chain="maxima"))
    row.run()

    y = rng.normal(size=1 << (14 if quick else 22)).astype(np.float32)
    t = ff.dfp_quantize(y)
    row = bench.row(f"{y.size} float32 to 16 bits", work=y.nbytes, baseline="numpy astype(int16)")
    row.add("numpy astype(int16)", lambda: y.astype(np.int16))
    row.add("dfp_quantize", lambda: ff.dfp_quantize(y))
    row.add("dfp_dequantize", lambda: ff.dfp_dequantize(t))
    row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
