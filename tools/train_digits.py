"""Train the small network that `fewbits demo` falls back to, and write it as safetensors.

A multilayer perceptron 64-256-128-10 (ReLU) on scikit-learn's digits (1797 images of 8 x 8 pixels, the test
set of UCI's "Optical Recognition of Handwritten Digits", CC BY 4.0), trained with Adam (Kingma, Ba, arXiv
1412.6980) on two thirds of them, shifted at random by up to a pixel; the accuracy on the other third is
written into the file. NumPy does all the arithmetic and every random draw comes from one seed, so one machine
gives one file; another BLAS, or another number of its threads, sums in another order.

    OMP_NUM_THREADS=1 python tools/train_digits.py python/fewbits/data/digits.safetensors
"""

from __future__ import annotations

import itertools
import json
import struct
import sys

import numpy as np
from numpy.typing import NDArray

SEED = 2
SIZES = (64, 256, 128, 10)
EPOCHS = 120
BATCH = 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2

Array = NDArray[np.float32]


def shifted(images: Array, rng: np.random.Generator) -> Array:
    """Each image moved by -1, 0 or 1 pixels in both directions, zeros moving in."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    rows = rng.integers(0, 3, len(images))[:, None, None] + np.arange(8)[:, None]
    columns = rng.integers(0, 3, len(images))[:, None, None] + np.arange(8)
    return padded[np.arange(len(images))[:, None, None], rows, columns].reshape(-1, 64)


def forward(parameters: list[Array], x: Array) -> list[Array]:
    """Activations of all layers, the input first, the logits last."""
    activations = [x]
    for layer in range(0, len(parameters), 2):
        y = activations[-1] @ parameters[layer].T + parameters[layer + 1]
        activations.append(y if layer == len(parameters) - 2 else np.maximum(y, 0))
    return activations


def gradients(parameters: list[Array], x: Array, labels: NDArray[np.int64]) -> list[Array]:
    """Gradients of the mean cross-entropy."""
    activations = forward(parameters, x)
    delta = np.exp(activations[-1] - activations[-1].max(axis=1, keepdims=True))
    delta /= delta.sum(axis=1, keepdims=True)
    delta[np.arange(len(x)), labels] -= 1
    delta /= len(x)
    result: list[Array] = []
    for layer in reversed(range(0, len(parameters), 2)):
        below = activations[layer // 2]
        result = [delta.T @ below, delta.sum(axis=0), *result]
        delta = (delta @ parameters[layer]) * (below > 0)
    return result


def train(x: Array, labels: NDArray[np.int64], rng: np.random.Generator) -> list[Array]:
    parameters: list[Array] = []
    for fan_in, fan_out in itertools.pairwise(SIZES):
        parameters.append((rng.normal(0, np.sqrt(2 / fan_in), (fan_out, fan_in))).astype(np.float32))
        parameters.append(np.zeros(fan_out, np.float32))
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    steps = EPOCHS * (len(x) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        images = shifted(x[order], rng)
        for start in range(0, len(x) - BATCH + 1, BATCH):
            batch = slice(start, start + BATCH)
            step += 1
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for i, gradient in enumerate(gradients(parameters, images[batch], labels[order[batch]])):
                first[i] += np.float32(0.1) * (gradient - first[i])
                second[i] += np.float32(0.001) * (gradient**2 - second[i])
                update = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
                if parameters[i].ndim == 2:
                    update = update + WEIGHT_DECAY * parameters[i]
                parameters[i] -= (rate * update).astype(np.float32)
    return parameters


def write_safetensors(path: str, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    header: dict[str, object] = {"__metadata__": metadata}
    position = 0
    for name, tensor in tensors.items():
        end = position + tensor.nbytes
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.astype("<f4").tobytes())


def main() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, labels = (digits.data / 16).astype(np.float32), digits.target.astype(np.int64)
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(x))
    held_out, used = order[: len(x) // 3], order[len(x) // 3 :]
    parameters = train(x[used], labels[used], rng)
    predicted = forward(parameters, x[held_out])[-1].argmax(axis=1)
    accuracy = float((predicted == labels[held_out]).mean())
    layers = range(len(SIZES) - 1)
    names = [f"layers.{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    metadata = {
        "format": "np",
        "model": "multilayer perceptron 64-256-128-10 with ReLU; input: pixels / 16, row by row",
        "data": "scikit-learn load_digits (UCI Optical Recognition of Handwritten Digits, CC BY 4.0)",
        "accuracy": f"{accuracy:.4f} on {len(held_out)} images held out of {len(x)}",
        "held_out": f"numpy.random.default_rng({SEED}).permutation({len(x)})[:{len(held_out)}]",
        "made_by": "tools/train_digits.py of fewbits",
    }
    write_safetensors(sys.argv[1], dict(zip(names, parameters, strict=True)), metadata)
    print(metadata["accuracy"])


if __name__ == "__main__":
    main()
