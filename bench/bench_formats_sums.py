"""Exact and compensated sums and dot products, one thread, beside numpy.sum, numpy.dot and math.fsum."""

from __future__ import annotations

import math
import sys

import fewbits.formats as ff
import numpy as np
from harness import Bench


def main() -> int:
    bench = Bench("formats_sums", title="Exact and compensated sums", peers=["numpy"])
    n = 1 << (16 if bench.options.quick else 23)
    rng = np.random.default_rng(0)
    for kind in (np.float32, np.float64):
        x, y = rng.normal(size=(2, n)).astype(kind)
        name = np.dtype(kind).name
        if kind is np.float64 and ff.exact_sum(x) != math.fsum(x):
            raise SystemExit("exact_sum and math.fsum differ")
        row = bench.row(
            f"sum of {n} values of {name}",
            work=x.nbytes,
            baseline="numpy.sum",
            # Memory bound, compensated sums should cost no more than twice the plain one.
            targets={"compensated_sum": 0.5, **({"exact_sum": 0.1} if kind is np.float32 else {})},
        )
        row.add("numpy.sum", lambda x=x: x.sum())
        row.add("exact_sum", lambda x=x: ff.exact_sum(x))
        row.add("binned_sum", lambda x=x: ff.binned_sum(x))
        row.add("compensated_sum", lambda x=x: ff.compensated_sum(x))
        row.add("compensated_sum, kahan", lambda x=x: ff.compensated_sum(x, method="kahan"))
        if kind is np.float64:
            row.add("math.fsum", lambda x=x: math.fsum(x), rounds=3)
        row.run()
        row = bench.row(
            f"dot product of {n} values of {name}",
            work=2 * x.nbytes,
            baseline="numpy.dot",
            targets={"compensated_dot": 0.5},
        )
        row.add("numpy.dot", lambda x=x, y=y: np.dot(x, y))
        row.add("compensated_dot", lambda x=x, y=y: ff.compensated_dot(x, y))
        row.add("exact_dot", lambda x=x, y=y: ff.exact_dot(x, y), rounds=5)
        row.run()
    for name in ("float8_e4m3fn", "float8_e5m2", "float4_e2m1fn"):
        a, b = (ff.encode(rng.normal(size=n), name) for _ in range(2))
        table = ff.decode(np.arange(256 if name != "float4_e2m1fn" else 16, dtype=np.uint8), name)
        if ff.exact_dot_codes(a, b, name) != ff.exact_dot(table[a], table[b], format="float64"):
            raise SystemExit("exact_dot_codes and exact_dot differ")
        row = bench.row(
            f"dot product of {n} codes of {name}", work=n, unit="Mop/s", baseline="decoded, numpy.dot"
        )
        row.add("decoded, numpy.dot", lambda a=a, b=b, t=table: np.dot(t[a], t[b]))
        row.add("exact_dot_codes", lambda a=a, b=b, name=name: ff.exact_dot_codes(a, b, name))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
