"""Conjugate gradients on a small network in several formats: how far down does the error go?

    python single_versus_double.py            a few iterations, two formats
    python single_versus_double.py --full     the figures of the documentation, several minutes

A teacher of the student's shape makes the targets, so the least error is zero: moderately nonlinear with
weights of the gain 1, strongly with 3. Every value lives in the format: sums, products, the gradient, the
line search; the hyperbolic tangent is the float64 one, rounded. float32 and float64 are NumPy's, the others
emulated operation by operation. Polak-Ribiere+ with restarts; the line search quarters the step until the
error falls, doubles it while that helps, then closes in by parabolas and golden sections. Where it finds
nothing it tries the gradient once, and then the run ends.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from typing import Any

import fewbits.formats as ff
import numpy as np

SHAPE = (8, 16, 4)
FORMATS = ("float16", "bfloat16", "tf32", "float32", "float64")


class Network:
    """Mean squared error and its gradient with every operation in one format."""

    def __init__(self, format: str, samples: int, gain: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.dtype = np.dtype(format) if format in ("float32", "float64") else None
        self.context = ff.Context(format)
        inputs, hidden, outputs = SHAPE
        sizes = [(hidden, inputs + 1), (outputs, hidden + 1)]
        x = rng.normal(size=(samples, inputs))
        teacher = [gain * rng.normal(size=s) / np.sqrt(s[1]) for s in sizes]
        student = [rng.normal(size=s) / np.sqrt(s[1]) for s in sizes]
        self.sizes = sizes
        self.x = self.array(np.c_[x, np.ones(samples)])
        self.ones = self.array(np.ones((samples, 1)))
        self.samples = samples
        y = np.c_[np.tanh(np.c_[x, np.ones(samples)] @ teacher[0].T), np.ones(samples)] @ teacher[1].T
        self.variance = float(np.var(y))
        # The targets are the teacher's in this format, so that zero can be reached.
        weights = self.array(np.concatenate([w.reshape(-1) for w in teacher]))
        self.y = self.array(np.zeros(y.shape))
        self.y = self.forward(weights)[3]
        self.start = self.array(np.concatenate([w.reshape(-1) for w in student]))

    def array(self, x: Any) -> Any:
        return ff.emulated(x, self.context) if self.dtype is None else np.asarray(x, self.dtype)

    def number(self, x: Any) -> float:
        return float(x.item())

    def tanh(self, x: Any) -> Any:
        values = x if self.dtype is not None else x.values
        return self.array(np.tanh(values.astype(np.float64)))

    def scaled(self, x: Any, by: float) -> Any:
        return x * by if self.dtype is None else x * self.dtype.type(by)

    def forward(self, weights: Any) -> tuple[Any, ...]:
        first = self.sizes[0][0] * self.sizes[0][1]
        w1, w2 = weights[:first].reshape(self.sizes[0]), weights[first:].reshape(self.sizes[1])
        hidden = self.tanh(self.x @ w1.T)
        full = np.concatenate([hidden, self.ones], axis=1)
        return w2, hidden, full, full @ w2.T - self.y

    def error(self, weights: Any) -> float:
        residual = self.forward(weights)[3].reshape(-1)
        return self.number(self.scaled(residual @ residual, 1 / residual.size))

    def gradient(self, weights: Any) -> Any:
        w2, hidden, full, residual = self.forward(weights)
        d = self.scaled(residual, 2 / residual.size)
        back = (d @ w2[:, :-1]) * (self.scaled(hidden * hidden, -1.0) + self.array(1.0))
        return np.concatenate([(back.T @ self.x).reshape(-1), (d.T @ full).reshape(-1)])


def line_search(network: Network, w: Any, d: Any, f0: float, step: float) -> tuple[float, float]:
    """Step and error; step 0 where none makes the error smaller."""

    def at(t: float) -> float:
        value = network.error(w + network.scaled(d, t))
        return value if math.isfinite(value) else math.inf

    best = at(step)
    for _ in range(40):
        if best < f0:
            break
        step /= 4
        best = at(step)
    if not best < f0:
        return 0.0, f0
    low, f_low, high, f_high = 0.0, f0, 2 * step, at(2 * step)
    while f_high < best:
        low, f_low, step, best = step, best, high, f_high
        high = 2 * step
        f_high = at(high)
    for _ in range(12):
        if high - low < 1e-3 * step:
            break
        # The vertex of the parabola through three points, or the golden section of the longer side.
        left, right = (step - low) * (best - f_high), (step - high) * (best - f_low)
        denominator = 2 * (left - right)
        shift = ((step - low) * left - (step - high) * right) / denominator if denominator else math.inf
        trial = step - shift
        margin = 1e-3 * (high - low)
        if not (low + margin < trial < high - margin) or abs(trial - step) < margin / 10:
            trial = step + 0.381966 * ((high - step) if high - step > step - low else (low - step))
        value = at(trial)
        if value < best:
            low, f_low, high, f_high = (
                (low, f_low, step, best) if trial < step else (step, best, high, f_high)
            )
            step, best = trial, value
        elif trial < step:
            low, f_low = trial, value
        else:
            high, f_high = trial, value
    return step, best


@dataclass(frozen=True)
class Result:
    error: float
    """Over the variance of the targets."""
    failed: int
    """The iteration whose line search first found nothing, even if the gradient then helped; else all."""
    ended: int


def minimise(format: str, iterations: int, gain: float, seed: int, samples: int) -> Result:
    network = Network(format, samples, gain, seed)
    w, f = network.start, network.error(network.start)
    g = network.gradient(w)
    d, step, failed = network.scaled(g, -1.0), 1e-2, iterations
    for iteration in range(iterations):
        if f == 0:
            return Result(0.0, failed, iteration)
        if not network.number(d @ g) < 0 or iteration % network.start.size == 0:
            d = network.scaled(g, -1.0)
        step, f = line_search(network, w, d, f, step)
        if step == 0.0:
            failed = min(failed, iteration)
            d = network.scaled(g, -1.0)
            step, f = line_search(network, w, d, f, 1e-2)
            if step == 0.0:
                return Result(f / network.variance, failed, iteration)
        w = w + network.scaled(d, step)
        new = network.gradient(w)
        denominator = network.number(g @ g)
        beta = max(network.number(new @ (new - g)) / denominator, 0.0) if denominator > 0 else 0.0
        d = network.scaled(d, beta if math.isfinite(beta) else 0.0) - new
        g = new
    return Result(f / network.variance, failed, iterations)


def compare(
    formats: tuple[str, ...], iterations: int, seeds: int, samples: int, gain: float
) -> dict[str, tuple[float, int, int]]:
    """By format: medians of log10(error / variance), of the first failure and of the end."""
    table = {}
    for format in formats:
        runs = [minimise(format, iterations, gain, seed, samples) for seed in range(seeds)]
        table[format] = (
            float(np.median([math.log10(max(run.error, 1e-40)) for run in runs])),
            int(np.median([run.failed for run in runs])),
            int(np.median([run.ended for run in runs])),
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    formats = FORMATS if options.full else ("bfloat16", "float64")
    iterations, seeds, samples = (5000, 10, 400) if options.full else (8, 1, 50)
    for gain in (1.0, 3.0) if options.full else (1.0,):
        print(f"gain {gain:g}, {iterations} iterations, {seeds} seeds: medians")
        print(f"{'format':10} {'log10(error / variance)':>24} {'search failed':>14} {'ended':>8}")
        for format, (error, failed, ended) in compare(formats, iterations, seeds, samples, gain).items():
            print(f"{format:10} {error:24.2f} {failed:14} {ended:8}", flush=True)


if __name__ == "__main__":
    main()
