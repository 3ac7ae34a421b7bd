"""A step of AdamW in bfloat16 with every operation rounded, one thread, beside float32 in NumPy.

The emulated step is a study of what such a state does to training, not a faster optimiser: the rows say what
the study costs. The variants are compared with the trajectory of float64 before anything is timed.
"""

from __future__ import annotations

import sys

import fewbits.formats as ff
import numpy as np
from harness import Bench


def float_adamw(p: np.ndarray, m: np.ndarray, v: np.ndarray, g: np.ndarray, t: int) -> None:
    kind = p.dtype.type
    m += kind(0.1) * (g - m)
    v += kind(0.001) * (g * g - v)
    p -= kind(1e-3) * (m / kind(1 - 0.9**t)) / (np.sqrt(v / kind(1 - 0.999**t)) + kind(1e-8))


def main() -> int:
    bench = Bench("formats_collage", title="AdamW in bfloat16", peers=["numpy"])
    n = 1 << (12 if bench.options.quick else 18)
    rng = np.random.default_rng(0)
    start, g = rng.normal(size=(2, n)).astype(np.float32)
    p, m, v = start.astype(np.float64), np.zeros(n), np.zeros(n)
    plus = ff.CollageAdamW([start])
    for t in range(1, 6):
        plus.step([g])
        float_adamw(p, m, v, g.astype(np.float64), t)
    if np.abs(plus.values[0] - p).max() > 3e-4:
        raise SystemExit("CollageAdamW strays from float64")
    row = bench.row(f"a step of {n} parameters", work=n, unit="Mop/s", baseline="numpy float32")
    state = start.copy(), np.zeros_like(start), np.zeros_like(start)
    row.add("numpy float32", lambda: float_adamw(*state, g, 1))
    for variant in ("plus", "light", "kahan", "stochastic", "pure"):
        adam = ff.CollageAdamW([start], variant=variant)
        row.add(variant, lambda adam=adam: adam.step([g]))
    row.run()
    x, y = (ff.Expansion(rng.normal(size=n), "bfloat16") for _ in range(2))
    row = bench.row(f"{n} numbers of two components", work=n, unit="Mop/s", baseline="add")
    row.add("add", lambda: x + y)
    row.add("multiply", lambda: x * y)
    row.add("divide", lambda: x / y)
    row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
