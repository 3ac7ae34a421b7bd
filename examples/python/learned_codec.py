"""A small learned image codec: a linear transform, and mixtures of three Gaussians for its coefficients.

Trained on one of scikit-learn's sample images, tried on the other: 8 x 8 blocks of luminance, principal
components, a uniform step, and for each coefficient a mixture chosen by how busy the row of blocks above is
(the context a network would supply). The decoder works row by row from the same integers. The rate is
compared with the ideal of the model, with one mixture for each coefficient, and with zlib.

    pip install fewbits scikit-learn pillow && python examples/python/learned_codec.py
"""

from __future__ import annotations

import zlib

import numpy as np
from fewbits.coding import Decoder, Encoder, Mixture, encode, fit, ideal_code_length

try:
    import PIL  # noqa: F401 (what scikit-learn reads images with)
    from sklearn.datasets import load_sample_image
except ImportError:
    raise SystemExit(print("this example needs scikit-learn and pillow")) from None

CONTEXTS = 6


def blocks(name: str) -> np.ndarray:
    """Luminance in blocks, shape (rows, columns, 64)."""
    image = load_sample_image(name).astype(np.float64) @ np.array([0.299, 0.587, 0.114]) - 128
    h, w = image.shape[0] // 8, image.shape[1] // 8
    return image[: 8 * h, : 8 * w].reshape(h, 8, w, 8).transpose(0, 2, 1, 3).reshape(h, w, 64)


def contexts(above: np.ndarray) -> np.ndarray:
    """A class for each block of a row, from the integers of the row above, shape (columns, 64)."""
    energy = np.abs(above[:, 1:]).sum(axis=1)
    padded = np.pad(energy, 1, mode="edge")
    around = padded[:-2] + 2 * energy + padded[2:]
    return np.minimum(np.searchsorted([4, 16, 40, 100, 240], around, side="right"), CONTEXTS - 1)


def row_model(above: np.ndarray, table: np.ndarray) -> Mixture:
    """Mixtures for a row of blocks; table: weights, means, scales, shape (3, CONTEXTS, 64, K)."""
    weights, means, scales = (np.ascontiguousarray(part) for part in table[:, contexts(above)])
    return Mixture(weights, means, scales, axis=-1, normalize=True)


def above(codes: np.ndarray, row: int) -> np.ndarray:
    return codes[row - 1] if row > 0 else np.zeros_like(codes[0])


def robust(values: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    """Two fitted components, and a wide one for what the training image did not show."""
    model = fit(values, components=2)
    wide = 4 * float(values.std()) + 1
    return (
        [*(0.97 * model.weights), 0.03],
        [*model.means, 0.0],
        [*np.maximum(model.scales, 0.15), wide],
    )


def train(codes: np.ndarray) -> np.ndarray:
    where = np.stack([contexts(above(codes, row)) for row in range(len(codes))])
    table = np.empty((3, CONTEXTS, 64, 3), np.float32)
    for c in range(CONTEXTS):
        for i in range(64):
            own = codes[where == c][:, i]
            table[:, c, i] = robust(own if own.size else codes[..., i])
    return table


def main() -> None:
    training, test = blocks("china.jpg"), blocks("flower.jpg")
    flat = training.reshape(-1, 64)
    basis = np.linalg.eigh(flat.T @ flat)[1][:, ::-1]
    for step in (16.0,):
        codes = np.rint(training @ basis / step).astype(np.int32)
        table = train(codes)
        single = [Mixture(*map(np.float32, robust(codes[..., i])), normalize=True) for i in range(64)]

        latents = np.rint(test @ basis / step).astype(np.int32)
        encoder, ideal = Encoder(), 0.0
        for row in range(len(latents)):
            model = row_model(above(latents, row), table)
            encoder.put(latents[row], model)
            ideal += float(ideal_code_length(latents[row], model))
        data = encoder.finish()

        decoder, decoded = Decoder(data), np.empty_like(latents)
        for row in range(len(latents)):
            decoded[row] = decoder.get(row_model(above(decoded, row), table))
        decoder.finish()
        assert (decoded == latents).all()

        psnr = 10 * np.log10(255**2 / np.mean((test - decoded * step @ basis.T) ** 2))
        rows = {
            "mixtures by context": 8 * len(data),
            "ideal of that model": ideal,
            "one mixture a coefficient": sum(8 * len(encode(latents[..., i], single[i])) for i in range(64)),
            "zlib -9 of the integers": 8 * len(zlib.compress(latents.astype(np.int16).tobytes(), 9)),
        }
        print(f"step {step:g}, PSNR {psnr:.2f} dB, bits a pixel:")
        for name, bits in rows.items():
            print(f"  {name:28} {bits / latents.size:.4f}")
        assert len(data) * 8 < 1.005 * ideal + 5000


if __name__ == "__main__":
    main()
