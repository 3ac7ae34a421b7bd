"""Distances in hyperbolic space beside the formulas of textbooks in NumPy, one thread.

Both see radii up to 5, where the textbook's arccosh still has most of its digits; that is checked first.
"""

from __future__ import annotations

import sys

import fewbits.functions.hyperbolic_space as hs
import numpy as np
from harness import Bench


def textbook_polar(r1: np.ndarray, r2: np.ndarray, theta: np.ndarray) -> np.ndarray:
    return np.arccosh(np.cosh(r1) * np.cosh(r2) - np.sinh(r1) * np.sinh(r2) * np.cos(theta))


def textbook_ball(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    gap = ((x - y) ** 2).sum(-1)
    return np.arccosh(1 + 2 * gap / ((1 - (x**2).sum(-1)) * (1 - (y**2).sum(-1))))


def main() -> int:
    bench = Bench("functions_hyperbolic_space", title="Hyperbolic space", peers=["numpy"])
    size = 1 << (12 if bench.options.quick else 18)
    rng = np.random.default_rng(0)
    r1, r2 = 1 + 4 * rng.uniform(size=(2, size))
    theta = 0.5 + 2 * rng.uniform(size=size)
    np.testing.assert_allclose(hs.polar_distance(r1, r2, theta), textbook_polar(r1, r2, theta), rtol=1e-9)
    row = bench.row("distance of polar coordinates", work=size, unit="Mop/s", baseline="NumPy")
    row.add("fewbits", lambda: hs.polar_distance(r1, r2, theta))
    row.add("NumPy", lambda: textbook_polar(r1, r2, theta))
    row.run()
    for n in (2, 16):
        x, y = (hs.convert(rng.normal(size=(size, n)), "tangent", "ball") for _ in range(2))
        np.testing.assert_allclose(hs.distance(x, y, model="ball"), textbook_ball(x, y), rtol=1e-6)
        row = bench.row(f"distance in the ball of {n} dimensions", work=size, unit="Mop/s", baseline="NumPy")
        row.add("fewbits", lambda x=x, y=y: hs.distance(x, y, model="ball"))
        row.add("NumPy", lambda x=x, y=y: textbook_ball(x, y))
        row.run()
    return bench.finish()


if __name__ == "__main__":
    sys.exit(main())
