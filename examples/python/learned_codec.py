"""A small learned image codec: a linear transform, mixtures of three Gaussians for its coefficients.

Trained on one of scikit-learn's sample images, tried on the other: 8 x 8 blocks of luminance, principal components,
a uniform step, and for each coefficient a mixture whose scales follow from the blocks above and to the left (the
context a network would supply). The rate is compared with the ideal of the model, with one distribution a coefficient,
and with zlib on the same integers.

    pip install fewbits scikit-learn pillow && python examples/python/learned_codec.py
"""

from __future__ import annotations

import zlib

import numpy as np
from fewbits.coding import Mixture, decode, encode, fit, ideal_code_length
from sklearn.datasets import load_sample_image

CONTEXTS = 6


def blocks(name: str) -> np.ndarray:
    """Luminance in blocks, shape (rows, columns, 64)."""
    image = load_sample_image(name).astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    h, w = (s // 8 * 8 for s in image.shape)
    return (image[:h, :w] - 128).reshape(h // 8, 8, w // 8, 8).transpose(0, 2, 1, 3).reshape(h // 8, w // 8, 64)


def contexts(codes: np.ndarray) -> np.ndarray:
    """For each block, how busy its neighbours above and to the left are: 0..CONTEXTS-1. Known to the decoder."""
    energy = np.abs(codes[:, :, 1:]).sum(axis=2)
    padded = np.pad(energy, 1, mode="edge")
    around = padded[:-2, 1:-1] + padded[1:-1, :-2]
    around[0, 0] = 0
    # Integers: the same on both sides.
    return np.minimum(np.searchsorted([2, 8, 20, 50, 120], around, side="right"), CONTEXTS - 1)


def model_of(codes: np.ndarray, table: np.ndarray) -> Mixture:
    """Mixtures of all coefficients of all blocks; table: (3, CONTEXTS, 64, K) float32."""
    chosen = table[:, contexts(codes)]  # (3, rows, columns, 64, K)
    weights, means, scales = (np.ascontiguousarray(part) for part in chosen)
    return Mixture(weights, means, scales, axis=-1, normalize=True)


def main() -> None:
    train, test = blocks("china.jpg"), blocks("flower.jpg")
    flat = train.reshape(-1, 64)
    _, basis = np.linalg.eigh(flat.T @ flat)
    basis = basis[:, ::-1]
    for step in (8.0, 24.0):
        codes = np.rint(train @ basis / step).astype(np.int32)
        where = contexts(codes)
        table = np.empty((3, CONTEXTS, 64, 3), np.float32)
        for c in range(CONTEXTS):
            for i in range(64):
                own = codes[where == c][:, i]
                m = fit(own if own.size else codes[..., i], components=3)
                # A floor for what the training image did not show.
                table[:, c, i] = m.weights + 0.01, m.means, np.maximum(m.scales, 0.15)
        single = [fit(codes[..., i], components=3) for i in range(64)]

        latents = np.rint(test @ basis / step).astype(np.int32)
        model = model_of(latents, table)
        data = encode(latents, model)
        # A real decoder would go block by block with fewbits.coding.Decoder; the contexts are the same integers.
        assert (decode(data, model) == latents).all()
        rows = [
            ("mixtures by context", 8 * len(data)),
            ("ideal of that model", ideal_code_length(latents, model)),
            ("one mixture a coefficient", sum(8 * len(encode(latents[..., i], single[i])) for i in range(64))),
            ("zlib -9 of the integers", 8 * len(zlib.compress(latents.astype(np.int16).tobytes(), 9))),
        ]
        error = test - latents * step @ basis.T
        psnr = 10 * np.log10(255**2 / np.mean(error**2))
        print(f"step {step:g}, PSNR {psnr:.2f} dB, bits a pixel:")
        for name, bits in rows:
            print(f"  {name:28} {bits / latents.size:.4f}")
        assert rows[0][1] < 1.01 * rows[1][1] + 1000


if __name__ == "__main__":
    main()
