"""Softmax and Zipf's law, one thread, beside SciPy.

Softmax over rows of 32000 logits, as a language model has them; Zipf's law with N = 10^4, s = 1.1. Results of
both sides are compared before anything is timed.
"""

from __future__ import annotations

import sys

import fewbits.functions as ff
import numpy as np
import scipy.special as sp
from fewbits.functions import zipf
from harness import Bench
from scipy.stats import zipfian


def main() -> int:
    bench = Bench("functions_families", title="Softmax and Zipf's law", peers=["scipy"])
    rows = 4 if bench.options.quick else 64
    pairs = {
        "logsumexp": (ff.logsumexp, lambda x: sp.logsumexp(x, axis=-1)),
        "softmax": (ff.softmax, lambda x: sp.softmax(x, axis=-1)),
        "log_softmax": (ff.log_softmax, lambda x: sp.log_softmax(x, axis=-1)),
    }
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(0).normal(0, 3, (rows, 32000)).astype(dtype)
        for name, (ours, theirs) in pairs.items():
            np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-4 if dtype == np.float32 else 1e-12)
            row = bench.row(
                f"{name}, {np.dtype(dtype).name}",
                work=x.nbytes,
                baseline="scipy.special",
                targets={"fewbits": 2.0},
                time_of="cpu",
            )
            row.add("fewbits", lambda f=ours, x=x: f(x))
            row.add("scipy.special", lambda f=theirs, x=x: f(x))
            row.run()
    n, s, draws = 10_000, 1.1, 100 if bench.options.quick else 2000
    k = np.arange(1, n + 1)
    np.testing.assert_allclose(zipf.pmf(k, n, s), zipfian.pmf(k, s, n), rtol=1e-12)
    row = bench.row(
        "samples of Zipf's law",
        work=float(draws),
        unit="Mop/s",
        baseline="scipy.stats",
        targets={"fewbits": 100.0},
        time_of="cpu",
    )
    row.add("fewbits", lambda: zipf.sample(draws, n, s, seed=1))
    row.add("scipy.stats", lambda: zipfian.rvs(s, n, size=draws, random_state=1))
    row.run()
    row = bench.row(
        "probabilities of Zipf's law", work=8.0 * n, baseline="scipy.stats", targets={}, time_of="cpu"
    )
    row.add("fewbits", lambda: zipf.pmf(k, n, s))
    row.add("scipy.stats", lambda: zipfian.pmf(k, s, n))
    row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
