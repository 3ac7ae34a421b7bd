"""Train a small convolutional network on scikit-learn's digits in 16-bit dynamic fixed point and in float32.

    python dfp_digits.py           one seed, a few steps, to see it run
    python dfp_digits.py --full    the figures of the documentation, a few minutes

Two convolutions and a linear layer. In fixed point every operand of every product, forward and backward, is
an integer tensor with one exponent: images, activations, weights, gradients. Sums leave the products as
float32, where bias, softmax and the update of float32 weights happen, as in the paper (arXiv:1802.00930).
Start, batches, learning rate, momentum and decay are those of the float32 network.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import fewbits.formats as ff
import numpy as np

try:
    from sklearn.datasets import load_digits
except ImportError:
    print("scikit-learn is not installed: no digits to train on")
    sys.exit(0)

Array = np.ndarray


class Float32:
    """The products in float32."""

    def quantize(self, x: Array) -> Array:
        return x

    def values(self, x: Array) -> Array:
        return x

    def matmul(self, a: Array, b: Array) -> Array:
        return a @ b

    def _patches(self, x: Array) -> Array:
        """3 x 3 neighbourhoods with zeros around: (batch, height, width, channels, 3, 3)."""
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3)).transpose(
            0, 2, 3, 1, 4, 5
        )

    def conv(self, x: Array, w: Array, stride: int) -> Array:
        patches = self._patches(x)[:, ::stride, ::stride]
        b, h, v = patches.shape[:3]
        out = patches.reshape(b * h * v, -1) @ w.reshape(len(w), -1).T
        return out.reshape(b, h, v, len(w)).transpose(0, 3, 1, 2)

    def conv_weights(self, x: Array, gradient: Array, stride: int) -> Array:
        patches = self._patches(x)[:, ::stride, ::stride]
        flat = gradient.transpose(1, 0, 2, 3).reshape(gradient.shape[1], -1)
        return (flat @ patches.reshape(flat.shape[1], -1)).reshape(-1, x.shape[1], 3, 3)

    def conv_data(self, gradient: Array, w: Array, size: tuple[int, int], stride: int) -> Array:
        b, outputs, h, v = gradient.shape
        spread = np.zeros((b, outputs, size[0], size[1]), gradient.dtype)
        spread[:, :, : h * stride : stride, : v * stride : stride] = gradient
        return self.conv(spread, w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3), 1)


class FixedPoint:
    """The products in dynamic fixed point."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def quantize(self, x: Array) -> ff.DfpTensor:
        return ff.dfp_quantize(x, self.bits)

    def values(self, x: ff.DfpTensor) -> Array:
        return x.dequantize()

    def matmul(self, a: ff.DfpTensor, b: ff.DfpTensor) -> Any:
        return ff.dfp_gemm(a, b)

    def conv(self, x: ff.DfpTensor, w: ff.DfpTensor, stride: int) -> Any:
        return ff.dfp_conv2d(x, w, stride=stride, padding=1)

    def conv_weights(self, x: ff.DfpTensor, gradient: ff.DfpTensor, stride: int) -> Any:
        return ff.dfp_conv2d_backward_weights(x, gradient, (3, 3), stride=stride, padding=1)

    def conv_data(self, gradient: ff.DfpTensor, w: ff.DfpTensor, size: tuple[int, int], stride: int) -> Any:
        return ff.dfp_conv2d_backward_data(gradient, w, size, stride=stride, padding=1)


def start(seed: int) -> list[Array]:
    """He's initialisation; weights and biases in turn."""
    rng = np.random.default_rng(seed)
    shapes = [(16, 1, 3, 3), (32, 16, 3, 3), (10, 32 * 4 * 4)]
    result = []
    for shape in shapes:
        weights = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        result += [weights.astype(np.float32), np.zeros(shape[0], np.float32)]
    return result


def forward(products: Any, parameters: list[Array], x: Array) -> tuple[Array, tuple[Any, ...]]:
    w1, b1, w2, b2, w3, b3 = parameters
    q = products.quantize
    x0, q1, q2, q3 = q(x), q(w1), q(w2), q(w3)
    a1 = np.maximum(products.conv(x0, q1, 1) + b1[:, None, None], 0)
    x1 = q(a1)
    a2 = np.maximum(products.conv(x1, q2, 2) + b2[:, None, None], 0)
    x2 = q(np.ascontiguousarray(a2).reshape(len(x), -1))
    scores = products.matmul(x2, q3.T) + b3
    return scores, (x0, x1, x2, q2, q3, a1, a2)


def gradients(products: Any, parameters: list[Array], x: Array, y: Array) -> list[Array]:
    """Of the mean cross entropy."""
    scores, (x0, x1, x2, q2, q3, a1, a2) = forward(products, parameters, x)
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(x)), y] -= 1
    q = products.quantize
    g3 = p / np.float32(len(x))
    d3 = q(g3)
    g2 = products.matmul(d3, q3).reshape(a2.shape) * (a2 > 0)
    d2 = q(g2)
    g1 = products.conv_data(d2, q2, (8, 8), 2) * (a1 > 0)
    d1 = q(g1)
    return [
        products.conv_weights(x0, d1, 1),
        g1.sum((0, 2, 3)),
        products.conv_weights(x1, d2, 2),
        g2.sum((0, 2, 3)),
        products.matmul(d3.T, x2),
        g3.sum(0),
    ]


def train(products: Any, steps: int, seed: int) -> tuple[float, float]:
    """Training loss and accuracy on the last 397 images."""
    data = load_digits()
    x, y = (data.images / 16).astype(np.float32)[:, None], data.target
    parameters = start(seed)
    velocity = [np.zeros_like(p) for p in parameters]
    rng = np.random.default_rng(seed)
    for step in range(steps):
        batch = rng.integers(0, 1400, 64)
        lr = np.float32(0.1 * 0.5 * (1 + np.cos(np.pi * step / steps)))
        new = gradients(products, parameters, x[batch], y[batch])
        velocity = [
            np.float32(0.9) * v + g + np.float32(1e-4) * p
            for p, v, g in zip(parameters, velocity, new, strict=True)
        ]
        parameters = [p - lr * v for p, v in zip(parameters, velocity, strict=True)]
    scores, _ = forward(products, parameters, x)
    scores = scores - scores.max(1, keepdims=True)
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(x)), y]
    return float(losses[:1400].mean()), float((scores.argmax(1) == y)[1400:].mean())


def compare(steps: int, seeds: int, bits: tuple[int, ...]) -> dict[str, tuple[float, float]]:
    """Mean loss and accuracy over the seeds, by the kind of products."""
    kinds: dict[str, Any] = {"float32": Float32(), **{f"DFP-{b}": FixedPoint(b) for b in bits}}
    results = {}
    for name, products in kinds.items():
        runs = np.array([train(products, steps, seed) for seed in range(seeds)])
        results[name] = (float(runs[:, 0].mean()), float(runs[:, 1].mean()))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    steps, seeds, bits = (600, 5, (16, 12, 8)) if options.full else (40, 1, (16,))
    print(f"{steps} steps of 64 images, {seeds} seeds: mean training loss and test accuracy")
    for name, (loss, accuracy) in compare(steps, seeds, bits).items():
        print(f"{name:8} {loss:9.5f} {accuracy:8.4f}")


if __name__ == "__main__":
    main()
