"""Conjugate gradients on a small network in several formats: how far down does the error go?

    python single_versus_double.py            a few iterations, two formats
    python single_versus_double.py --full     the figures of the documentation, minutes

A teacher of the student's shape makes the targets, so the least error is zero. Every value lives in the
format: sums, products, the gradient, the line search; the hyperbolic tangent is the float64 one, rounded.
Polak-Ribiere+ with restarts; the line search quarters the step until the error falls, doubles it while that
helps, then refines it.
"""

from __future__ import annotations

import argparse
from typing import Any

import fewbits.formats as ff
import numpy as np

SHAPE = (8, 16, 4)


class Network:
    """Mean squared error and its gradient with every operation in one format."""

    def __init__(self, format: str, samples: int, gain: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.context = ff.Context(format)
        inputs, hidden, outputs = SHAPE
        sizes = [(hidden, inputs + 1), (outputs, hidden + 1)]
        x = rng.normal(size=(samples, inputs))
        teacher = [gain * rng.normal(size=s) / np.sqrt(s[1]) for s in sizes]
        student = [rng.normal(size=s) / np.sqrt(s[1]) for s in sizes]
        self.sizes = sizes
        self.x = self.array(np.c_[x, np.ones(samples)])
        self.samples = samples
        y = np.tanh(np.c_[x, np.ones(samples)] @ teacher[0].T)
        self.y = self.array(np.c_[y, np.ones(samples)] @ teacher[1].T)
        self.variance = float(np.var(self.y.values.astype(np.float64)))
        self.start = self.array(np.concatenate([w.reshape(-1) for w in student]))

    def array(self, x: Any) -> ff.EmulatedArray:
        return ff.emulated(x, self.context)

    def forward(self, weights: ff.EmulatedArray) -> tuple[Any, ...]:
        first = self.sizes[0][0] * self.sizes[0][1]
        w1, w2 = weights[:first].reshape(self.sizes[0]), weights[first:].reshape(self.sizes[1])
        hidden = self.array(np.tanh((self.x @ w1.T).values.astype(np.float64)))
        full = np.concatenate([hidden, self.array(np.ones((self.samples, 1)))], axis=1)
        return w2, hidden, full, full @ w2.T - self.y

    def error(self, weights: ff.EmulatedArray) -> float:
        residual = self.forward(weights)[3].reshape(-1)
        return ((residual @ residual) / (self.samples * self.sizes[1][0])).item()

    def gradient(self, weights: ff.EmulatedArray) -> ff.EmulatedArray:
        w2, hidden, full, residual = self.forward(weights)
        d = residual * (2.0 / (self.samples * self.sizes[1][0]))
        back = (d @ w2[:, :-1]) * (1 - hidden * hidden)
        return np.concatenate([(back.T @ self.x).reshape(-1), (d.T @ full).reshape(-1)])


def line_search(network: Network, w: Any, d: Any, f0: float, step: float) -> tuple[float, float]:
    """Step and error; step 0 where none makes the error smaller."""

    def at(t: float) -> float:
        return network.error(w + d * t)

    best = at(step)
    for _ in range(40):
        if best < f0:
            break
        step /= 4
        best = at(step)
    if not best < f0:
        return 0.0, f0
    while (further := at(2 * step)) < best:
        step, best = 2 * step, further
    low, high = step / 2, 2 * step
    for _ in range(12):
        if high - low < 1e-3 * step:
            break
        for trial in ((low + step) / 2, (step + high) / 2):
            value = at(trial)
            if value < best:
                low, high = (low, step) if trial < step else (step, high)
                step, best = trial, value
                break
        else:
            low, high = (low + step) / 2, (step + high) / 2
    return step, best


def minimise(format: str, iterations: int, gain: float, seed: int, samples: int) -> tuple[float, int]:
    """Final error over the variance of the targets; the iteration the search failed at."""
    network = Network(format, samples, gain, seed)
    w, f = network.start, network.error(network.start)
    g = network.gradient(w)
    d, step = -g, 1e-2
    for iteration in range(iterations):
        slope = (d @ g).item()
        if slope >= 0 or iteration % network.start.size == 0:
            d = -g
        step, f = line_search(network, w, d, f, step)
        if step == 0.0:
            d = -g
            step, f = line_search(network, w, d, f, 1e-2)
            if step == 0.0:
                return f / network.variance, iteration
        w = w + d * step
        new = network.gradient(w)
        denominator = (g @ g).item()
        beta = max((new @ (new - g)).item() / denominator, 0.0) if denominator > 0 else 0.0
        d = d * beta - new
        g = new
    return f / network.variance, iterations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    formats = ["bfloat16", "float64"]
    if options.full:
        formats = ["float16", "bfloat16", "tf32", "float32", "float64"]
    seeds, iterations, samples = (range(5), 300, 100) if options.full else (range(1), 8, 50)
    print(f"{iterations} iterations, {len(seeds)} seeds: median of log10(error / variance), search failed at")
    for format in formats:
        results = [minimise(format, iterations, 1.0, seed, samples) for seed in seeds]
        errors = [np.log10(max(error, 1e-40)) for error, _ in results]
        print(f"{format:10} {np.median(errors):7.2f} {np.median([at for _, at in results]):8.0f}")


if __name__ == "__main__":
    main()
