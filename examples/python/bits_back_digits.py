"""Bits-back coding of scikit-learn's digits with a latent-variable model: a mixture of 40 prototypes.

The latent is which prototype an image (8 x 8 pixels of 0..16) comes from; given it, pixels are independent.
Coding an image costs its marginal under the mixture, less than naming the best prototype costs, because the
choice among prototypes is decoded from bits that are there anyway, and comes back at the decoder.

    pip install fewbits scikit-learn && python examples/python/bits_back_digits.py
"""

from __future__ import annotations

import zlib

import numpy as np
from fewbits.coding import AnsStack, Categorical, CategoricalRows

try:
    from sklearn.datasets import load_digits
except ImportError:
    raise SystemExit(print("this example needs scikit-learn")) from None

CLASSES, LEVELS = 40, 17


def train(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Expectation maximisation: weights (CLASSES,), probabilities (CLASSES, 64, LEVELS)."""
    rng = np.random.default_rng(seed)
    one_hot = np.eye(LEVELS)[images]
    shares = rng.dirichlet(np.ones(CLASSES), len(images))
    for _ in range(60):
        weights = shares.mean(axis=0) + 1e-4
        weights /= weights.sum()
        probs = np.einsum("nk,npl->kpl", shares, one_hot) + 0.05
        probs /= probs.sum(axis=2, keepdims=True)
        logs = np.log(weights) + np.einsum("npl,kpl->nk", one_hot, np.log(probs))
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
    return weights, probs


def posterior(image: np.ndarray, weights: np.ndarray, probs: np.ndarray) -> CategoricalRows:
    likelihood = np.prod(probs[:, np.arange(64), image] * 8.0, axis=1)  # products only: the same everywhere
    joint = weights * likelihood
    return CategoricalRows((joint / joint.max())[np.newaxis])


def main() -> None:
    images = load_digits().images.astype(np.int64).reshape(-1, 64)
    training, test = images[:1200], images[1200:]
    weights, probs = train(training)
    weights, probs = (
        weights.astype(np.float32).astype(np.float64),
        probs.astype(np.float32).astype(np.float64),
    )
    prior = Categorical.from_probs(weights, precision=16)

    seed = zlib.compress(__doc__.encode()) * 4  # other data, sent along
    stack = AnsStack.from_bytes(seed, seal=True)
    before = stack.num_valid_bits
    for image in test:
        k = stack.pop(posterior(image, weights, probs))
        stack.push(image, CategoricalRows(probs[k[0]]))
        stack.push(k, prior)
    net = stack.num_valid_bits - before

    marginal = np.stack([np.log2(probs[:, np.arange(64), image]).sum(axis=1) for image in test]) + np.log2(
        weights
    )
    top = marginal.max(axis=1, keepdims=True)
    ideal = -(top[:, 0] + np.log2(np.exp2(marginal - top).sum(axis=1))).sum()
    best = -top.sum()
    print(f"{len(test)} images of 64 pixels, bits a pixel:")
    for name, bits in (
        ("bits back", net),
        ("marginal of the model (ideal)", ideal),
        ("naming the best prototype", best),
        ("zlib", 8 * len(zlib.compress(test.astype(np.uint8).tobytes(), 9))),
    ):
        print(f"  {name:30} {bits / test.size:.4f}")

    other = AnsStack.from_bytes(stack.to_bytes())
    for image in test[::-1]:
        k = other.pop(prior, 1)
        back = other.pop(CategoricalRows(probs[k[0]]))
        other.push(k, posterior(back, weights, probs))
        assert (back == image).all()
    assert other.unseal() == seed
    print(f"  all images and the {len(seed)} bytes of other data are back")
    assert abs(net / ideal - 1) < 0.002


if __name__ == "__main__":
    main()
