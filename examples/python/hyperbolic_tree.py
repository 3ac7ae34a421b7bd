"""A binary tree in the hyperbolic plane, deeper than the ball of float64 can hold.

Sarkar's construction: nodes at depth k lie k edges of length 3 from the origin, the angle between siblings
shrinks with the circle they have to themselves, by e^-3 a level. Then distances of leaves are nearly those of
the tree, twice the way to the common ancestor. The table counts the pairs of leaves for which they are more
than 10 % off: of polar coordinates (distance and angle of the pair), Lorentz coordinates, points of the ball.

    python examples/python/hyperbolic_tree.py
"""

from __future__ import annotations

import fewbits.functions.hyperbolic_space as hs
import numpy as np

EDGE = 3.0


def lost(depth: int, pairs: int = 2000) -> dict[str, float]:
    """Share of pairs whose distance is more than 10 % off, or no number, for each model."""
    rng = np.random.default_rng(depth)
    # Leaves are the turns that lead to them; a pair parts ways after `common` turns.
    first, second = rng.choice([-1.0, 1.0], (2, pairs, depth))
    common = rng.integers(0, depth, pairs)
    level = np.arange(depth)
    second = np.where(level < common[:, None], first, second)
    second = np.where(level == common[:, None], -first, second)
    steps = np.exp(-EDGE * level)
    # Of the difference of the turns: an angle between leaves of any size keeps its digits.
    between = ((first - second) * steps).sum(axis=1)
    angles = np.stack([(turns * steps).sum(axis=1) for turns in (first, second)])
    radius = depth * EDGE
    tree = 2 * EDGE * (depth - common)
    points = radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    lorentz, ball = (hs.convert(points, "tangent", model) for model in ("lorentz", "ball"))
    distances = {
        "polar": hs.polar_distance(radius, radius, between),
        "lorentz": hs.distance(lorentz[0], lorentz[1], model="lorentz"),
        "ball": hs.distance(ball[0], ball[1], model="ball"),
    }
    return {name: float((~(np.abs(d / tree - 1) < 0.1)).mean()) for name, d in distances.items()}


def main() -> None:
    print("depth  radius  polar  lorentz  ball   (share of distances lost)")
    for depth in (4, 8, 12, 16, 20, 200):
        row = lost(depth)
        print(f"{depth:5d}  {depth * EDGE:6.1f}  " + "   ".join(f"{value:.3f}" for value in row.values()))


if __name__ == "__main__":
    main()
