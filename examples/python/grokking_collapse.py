"""Why a network stops learning once it has learnt by heart, and two remedies.

A small network with squares as activation learns addition modulo P from a part of the table. With softmax
cross-entropy in float32 and no weight decay it knows the part it has seen after a few hundred steps and
then scales its scores up, until every other term is absorbed by the 1 of the correct class: softmax
collapse. The gradient is exactly 0, the accuracy on the other part stays where it is. `softmax_collapse`
shows the share of rows without gradient; StableMax does not collapse, and `perp_grad` takes the scaling out
of the gradient. After L. Prieto et al., arXiv 2501.04697.

    python grokking_collapse.py [--steps N] [--plot FILE]

Seconds on one core; --steps 4000 shows where it ends.
"""

from __future__ import annotations

import argparse

import fewbits.functions as ff
import numpy as np

P, WIDTH, TRAIN, SPREAD = 23, 64, 0.7, 3.0
RATE, BETA1, BETA2 = 0.003, 0.9, 0.98
RUNS = ("softmax as written", "softmax, exact", "StableMax", "perpGrad")


def naive_softmax_gradient(z: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The textbook's formula in float32: p - 1 for the target."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(z))
    loss = -np.log(np.maximum(p[rows, target], np.float32(1e-38)))
    p[rows, target] -= 1
    return loss, p


def table(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One-hot pairs, sums, and which of them are for training."""
    a, b = (v.reshape(-1) for v in np.meshgrid(np.arange(P), np.arange(P)))
    x = np.zeros((P * P, 2 * P), np.float32)
    x[np.arange(P * P), a] = x[np.arange(P * P), P + b] = 1
    train = np.random.default_rng(seed).permutation(P * P) < TRAIN * P * P
    return x, (a + b) % P, train


def run(kind: str, steps: int, seed: int = 0, every: int = 50) -> list[tuple[int, float, float, float]]:
    """(step, accuracy on what was seen, accuracy on the rest, share of rows without gradient)."""
    x, y, train = table(seed)
    rng = np.random.default_rng(seed + 1)
    weights = [
        (SPREAD * rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for s in ((2 * P, WIDTH), (WIDTH, P))
    ]
    first, second = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    history = []
    for step in range(1, steps + 1):
        u = x[train] @ weights[0]
        h = u * u
        z = h @ weights[1]
        if kind == "softmax as written":
            _, g = naive_softmax_gradient(z, y[train])
        else:
            _, g = ff.cross_entropy(z, y[train], "stablemax" if kind == "StableMax" else "softmax")
        dead = float((g[np.arange(len(g)), y[train]] == 0).mean())
        g = g / np.float32(len(z))
        gradients = [x[train].T @ ((g @ weights[1].T) * 2 * u), h.T @ g]
        if kind == "perpGrad":
            gradients = ff.perp_grad(gradients, weights)
        for k, gradient in enumerate(gradients):  # Adam
            first[k] = BETA1 * first[k] + (1 - BETA1) * gradient
            second[k] = BETA2 * second[k] + (1 - BETA2) * gradient**2
            size = np.sqrt(second[k] / (1 - BETA2**step)) + 1e-30
            weights[k] -= (RATE * first[k] / (1 - BETA1**step) / size).astype(np.float32)
        if step % every == 0:
            scores = np.square(x @ weights[0]) @ weights[1]
            right = scores.argmax(axis=1) == y
            history.append((step, right[train].mean(), right[~train].mean(), dead))
    return history


def plot(histories: dict[str, list[tuple[int, float, float, float]]], path: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    for kind, history in histories.items():
        steps, _, rest, collapsed = zip(*history, strict=True)
        panels[0].plot(steps, rest, label=kind)
        panels[1].plot(steps, collapsed, label=kind)
    panels[0].set_title("accuracy on pairs not seen")
    panels[1].set_title("share of rows without gradient, float32")
    for panel in panels:
        panel.set_xlabel("steps")
        panel.set_ylim(-0.03, 1.03)
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description="Softmax collapse in modular addition, and two remedies.")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--plot", metavar="FILE")
    options = parser.parse_args()
    histories = {kind: run(kind, options.steps) for kind in RUNS}
    print(f"addition modulo {P}, {options.steps} steps of Adam, float32")
    print(f"{'loss and update':<20}{'seen':>8}{'not seen':>10}{'gradient 0':>12}")
    for kind, history in histories.items():
        _, seen, rest, collapsed = history[-1]
        print(f"{kind:<20}{seen:>8.3f}{rest:>10.3f}{collapsed:>12.3f}")
    if options.plot:
        plot(histories, options.plot)


if __name__ == "__main__":
    main()
