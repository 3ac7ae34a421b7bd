"""AdamW on a diagonal quadratic in bfloat16: how far each variant strays from the float64 trajectory.

    python collage_quadratic.py           300 steps of 512 unknowns
    python collage_quadratic.py --full    the figures of the documentation, seconds

Curvatures exp(N(0, 1)), start N(0, 1) + 4, learning rate 1e-3. Each run follows its own gradients.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import fewbits.formats as ff
import numpy as np

VARIANTS = ("plus", "light", "kahan", "stochastic", "pure")


@dataclass(frozen=True)
class Outcome:
    distance: float
    """Root mean square, to the parameters of float64."""
    lost: float
    """Mean share of updates that changed nothing."""
    quality: float
    """Mean effective descent quality over the norm of the update; 1 where nothing is lost."""


def compare(n: int, steps: int, format: str = "bfloat16") -> dict[str, Outcome]:
    rng = np.random.default_rng(0)
    h, start = np.exp(rng.normal(size=n)), rng.normal(size=n) + 4
    theta, m, v = start.copy(), np.zeros(n), np.zeros(n)
    for t in range(1, steps + 1):
        g = h * theta
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        theta = theta - 1e-3 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    outcomes = {}
    for variant in VARIANTS:
        seed = 1 if variant == "stochastic" else 0
        adam = ff.CollageAdamW([start], format=format, variant=variant, lr=1e-3, seed=seed)
        lost = quality = 0.0
        for _ in range(steps):
            adam.step([h * adam.values[0]])
            lost += adam.lost / steps
            quality += adam.effective_descent / adam.update_norm / steps
        distance = float(np.sqrt(np.mean((adam.values[0] - theta) ** 2)))
        outcomes[variant] = Outcome(distance, lost, quality)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    n, steps = (4096, 2000) if options.full else (512, 300)
    print(f"{n} unknowns, {steps} steps")
    print(f"{'variant':12} {'distance to float64':>20} {'updates lost':>13} {'descent':>8}")
    for variant, outcome in compare(n, steps).items():
        print(f"{variant:12} {outcome.distance:20.4f} {outcome.lost:13.4f} {outcome.quality:8.3f}")


if __name__ == "__main__":
    main()
