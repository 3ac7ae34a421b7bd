"""Train a small network on scikit-learn's digits with AdamW in bfloat16 (pure, light, plus) and float32.

    python collage_digits.py           a few steps, to see it run
    python collage_digits.py --full    the figures of the documentation, some seconds

Forward and backward pass are float32 on the first components of the parameters, so that what differs is the
state of the optimiser alone.
"""

from __future__ import annotations

import argparse
import sys

import fewbits.formats as ff
import numpy as np

try:
    from sklearn.datasets import load_digits
except ImportError:
    print("scikit-learn is not installed: no digits to train on")
    sys.exit(0)

Arrays = list[np.ndarray]


def loss_and_gradients(parameters: Arrays, x: np.ndarray, y: np.ndarray) -> tuple[float, Arrays, float]:
    """Cross entropy of a network with one hidden layer of tanh; accuracy."""
    w1, b1, w2, b2 = parameters
    hidden = np.tanh(x @ w1 + b1)
    scores = hidden @ w2 + b2
    scores = scores - scores.max(1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(1, keepdims=True)
    n = len(x)
    loss = float(-np.log(p[np.arange(n), y] + 1e-30).mean())
    accuracy = float((p.argmax(1) == y).mean())
    d = p.copy()
    d[np.arange(n), y] -= 1
    d /= n
    back = d @ w2.T * (1 - hidden * hidden)
    return loss, [x.T @ back, back.sum(0), hidden.T @ d, d.sum(0)], accuracy


class Float32AdamW:
    """The same update in float32; with `master` the network sees bfloat16 copies of the weights."""

    def __init__(
        self, parameters: Arrays, lr: float, betas: tuple[float, float], weight_decay: float, master: bool
    ) -> None:
        self.values = [p.astype(np.float32) for p in parameters]
        self.master = master
        self.m = [np.zeros_like(p) for p in self.values]
        self.v = [np.zeros_like(p) for p in self.values]
        self.lr, self.betas, self.weight_decay, self.t = lr, betas, weight_decay, 0
        self.lost = 0.0

    @property
    def parameters(self) -> Arrays:
        return [ff.round_to(p, "bfloat16") for p in self.values] if self.master else self.values

    def step(self, gradients: Arrays) -> None:
        self.t += 1
        b1, b2 = self.betas
        for i, g in enumerate(gradients):
            p, m, v = self.values[i], self.m[i], self.v[i]
            np.add(m, (1 - b1) * (g - m), out=m)
            np.add(v, (1 - b2) * (g * g - v), out=v)
            root = np.sqrt(v / (1 - b2**self.t)) + 1e-8
            step = m / (1 - b1**self.t) / root + self.weight_decay * p
            np.subtract(p, np.float32(self.lr) * step, out=p)


def train(variant: str, steps: int, lr: float, seed: int = 0) -> tuple[float, float, float]:
    """Training loss, accuracy on the last 397 images, mean share of lost updates."""
    data = load_digits()
    x, y = (data.data / 16).astype(np.float32), data.target
    rng = np.random.default_rng(seed)
    start = [
        rng.normal(size=(64, 48)) / 8,
        np.zeros(48),
        rng.normal(size=(48, 10)) / 7,
        np.zeros(10),
    ]
    betas, decay = (0.9, 0.999), 0.01
    optimiser = (
        Float32AdamW(start, lr, betas, decay, variant == "master")
        if variant in ("float32", "master")
        else ff.CollageAdamW(start, variant=variant, lr=lr, betas=betas, weight_decay=decay)
    )
    lost = 0.0
    for _ in range(steps):
        batch = rng.integers(0, 1400, 128)
        parameters = [np.asarray(p, np.float32) for p in optimiser.parameters]
        _, gradients, _ = loss_and_gradients(parameters, x[batch], y[batch])
        optimiser.step(gradients)
        lost += optimiser.lost / steps
    parameters = [np.asarray(p, np.float32) for p in optimiser.values]
    loss, _, _ = loss_and_gradients(parameters, x[:1400], y[:1400])
    _, _, accuracy = loss_and_gradients(parameters, x[1400:], y[1400:])
    return loss, accuracy, lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    steps, lr = 1000 if options.full else 60, 1e-3
    print(f"{steps} steps of 128 images, learning rate {lr:g}")
    print(f"{'optimiser':10} {'training loss':>14} {'test accuracy':>14} {'updates lost':>13}")
    for variant in ("float32", "master", "plus", "light", "pure"):
        loss, accuracy, lost = train(variant, steps, lr)
        print(f"{variant:10} {loss:14.5f} {accuracy:14.4f} {lost:13.4f}")


if __name__ == "__main__":
    main()
