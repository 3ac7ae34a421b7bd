"""Codebooks: codes of nearest levels beside NumPy, and optimal levels beside scikit-learn.

Codes of both are compared first; the search for levels shows times and the costs reached.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and scikit-learn: one thread each
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from fewbits.quant import codebook_decode, codebook_encode, kmeans1d
from harness import Bench

try:
    from sklearn.cluster import KMeans
except ImportError:
    KMeans = None


def main() -> int:
    bench = Bench("quant_codebook", title="Codebooks", peers=["scikit-learn"])
    quick = bench.options.quick
    x = np.random.default_rng(0).normal(size=1 << (16 if quick else 22)).astype(np.float32)
    codes = np.empty(x.size, np.uint8)
    values = np.empty_like(x)
    for count in (4, 16, 256):
        levels = np.linspace(-4, 4, count).astype(np.float32).astype(np.float64)
        middles = ((levels[1:] + levels[:-1]) / 2).astype(np.float32)
        codebook_encode(x, levels, out=codes)
        if not (codes == np.searchsorted(middles, x)).all():
            raise SystemExit(f"{count} levels: the codes differ")
        row = bench.row(
            f"codes of {count} levels",
            work=x.nbytes,
            baseline="NumPy searchsorted",
            targets={"fewbits": 3 if count > 16 else 10},
        )
        row.add("fewbits", lambda v=levels: codebook_encode(x, v, out=codes))
        row.add("NumPy searchsorted", lambda m=middles: np.searchsorted(m, x).astype(np.uint8))
        row.run()
        book = levels.astype(np.float32)
        row = bench.row(f"values of {count} levels", work=x.nbytes, baseline="NumPy take")
        row.add("fewbits", lambda v=levels: codebook_decode(codes, v, out=values))
        row.add("NumPy take", lambda b=book: np.take(b, codes, out=values))
        row.run()

    if KMeans is None:
        bench.note("scikit-learn is not installed: no rows for the search for levels.")
        return bench.finish()
    points = np.random.default_rng(1).standard_t(4, size=1000 if quick else 4000)
    column = points[:, None]
    for count in (8, 16):
        model = KMeans(count, n_init=1, random_state=0)
        costs = {
            "fewbits exact": kmeans1d(points, count).cost,
            "fewbits lloyd": kmeans1d(points, count, method="lloyd").cost,
            "scikit-learn": float(model.fit(column).inertia_),
        }
        best = costs["fewbits exact"]
        bench.facts(f"{count} levels: cost over the optimum", {name: c / best for name, c in costs.items()})
        row = bench.row(
            f"search for {count} levels",
            work=points.nbytes,
            baseline="scikit-learn",
            targets={"fewbits exact": 1.0},
        )
        row.add("fewbits exact", lambda k=count: kmeans1d(points, k))
        row.add("fewbits lloyd", lambda k=count: kmeans1d(points, k, method="lloyd"))
        row.add("scikit-learn", lambda m=model: m.fit(column))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
