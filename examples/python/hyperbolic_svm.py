"""Large-margin classification in hyperbolic space: three ways to fit a hyperplane.

Two classes are points around two far centres of the hyperbolic plane. A hyperplane is fitted as

    PSVM   a linear SVM on the tangent vectors, that is in Euclidean space;
    LSVM   on Lorentz coordinates with the normal w kept space-like by projection;
    LSVM++ with the normal written as (|z| sinh a, z cosh a), which is space-like for every z and a.

The last two minimise |z|^2 / 2 + C sum max(0, asinh(1) - asinh(y <w, x>)) by gradient descent.

    python examples/python/hyperbolic_svm.py
"""

from __future__ import annotations

import fewbits.functions.hyperbolic_space as hs
import numpy as np


def data(count: int, reach: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tangent vectors of points around two centres `reach` from the origin, and labels."""
    rng = np.random.default_rng(seed)
    centres = hs.convert(reach * np.array([[1.0, 0.0], [0.6, 0.8]]), "tangent", "lorentz")
    labels = rng.choice([-1.0, 1.0], count)
    base = centres[(labels > 0).astype(int)]
    # A tangent vector at the origin, carried to the centre.
    origin = np.zeros_like(base)
    origin[:, 0] = 1
    flat = np.concatenate([np.zeros((count, 1)), 1.2 * rng.normal(size=(count, 2))], axis=1)
    steps = hs.transport(flat, origin, base, model="lorentz")
    return hs.convert(hs.exp(steps, base, model="lorentz"), "lorentz", "tangent"), labels


def linear_start(x: np.ndarray, y: np.ndarray, steps: int = 300) -> np.ndarray:
    """A linear SVM without offset on rows x, by subgradients."""
    w = np.zeros(x.shape[1])
    scale = np.abs(x).max()
    for k in range(steps):
        active = y * (x @ w) / scale < 1
        w -= (0.01 * w - (y * active) @ x / scale / len(y)) / (1 + 0.01 * k)
    return w


def fit_lsvm_pp(x: np.ndarray, y: np.ndarray, steps: int = 400, c: float = 10.0) -> tuple[np.ndarray, float]:
    """Normal z and offset a by gradient descent; x are Lorentz coordinates."""
    scale = x[:, 0].mean()
    x = x / scale  # of the loss alone: the sign of <w, x> does not change
    w = linear_start(x, y)
    norm = np.linalg.norm(w[1:])
    # <w, x> has -w0 x0: the first coordinate of the linear normal flips, and is cut to be space-like.
    ratio = np.clip(-w[0] / norm, -0.999, 0.999)
    a, z = float(np.arctanh(ratio)), w[1:] * np.sqrt(1 - ratio**2)
    for k in range(steps):
        length = np.linalg.norm(z)
        inner = -x[:, 0] * length * np.sinh(a) + np.cosh(a) * (x[:, 1:] @ z)
        active = np.arcsinh(y * inner) < np.arcsinh(1)
        pull = -c * active * y / np.sqrt(1 + inner**2) / len(y)
        grad_z = z + pull @ (np.cosh(a) * x[:, 1:] - np.outer(x[:, 0], z / length) * np.sinh(a))
        grad_a = pull @ (-x[:, 0] * length * np.cosh(a) + np.sinh(a) * (x[:, 1:] @ z))
        rate = 0.1 / (1 + 0.02 * k)
        z, a = z - rate * grad_z, a - rate * float(grad_a)
    return z, a


def fit_lsvm(x: np.ndarray, y: np.ndarray, steps: int = 400, c: float = 10.0) -> np.ndarray:
    """The normal w itself, projected to |w0| < |w_1..n| after each step."""
    x = x / x[:, 0].mean()
    w = linear_start(x, y)
    w[0] = -w[0]
    for k in range(steps):
        inner = x[:, 1:] @ w[1:] - x[:, 0] * w[0]
        active = np.arcsinh(y * inner) < np.arcsinh(1)
        pull = -c * active * y / np.sqrt(1 + inner**2) / len(y)
        gradient = np.concatenate([[-w[0] - pull @ x[:, 0]], w[1:] + pull @ x[:, 1:]])
        w = w - 0.1 / (1 + 0.02 * k) * gradient
        limit = 0.999 * np.linalg.norm(w[1:])
        w[0] = np.clip(w[0], -limit, limit)
    return w


def accuracies(reach: float) -> tuple[float, float, float]:
    (v, y), (test, truth) = data(300, reach, 0), data(2000, reach, 1)
    x, test_x = (hs.convert(u, "tangent", "lorentz") for u in (v, test))
    ones = np.ones((len(v), 1)), np.ones((len(test), 1))
    flat = linear_start(np.hstack([v, ones[0]]), y)
    psvm = np.sign(np.hstack([test, ones[1]]) @ flat)
    w = fit_lsvm(x, y)
    lsvm = np.sign(test_x[:, 1:] @ w[1:] - test_x[:, 0] * w[0])
    z, a = fit_lsvm_pp(x, y)
    lsvm_pp = np.sign(hs.hyperplane_distance(test, z, a))
    psvm_score, lsvm_score, pp_score = (float((p == truth).mean()) for p in (psvm, lsvm, lsvm_pp))
    return psvm_score, lsvm_score, pp_score


def main() -> None:
    print("reach  PSVM   LSVM   LSVM++   (accuracy on 2000 test points)")
    for reach in (1.5, 3.0, 6.0, 9.0):
        print(f"{reach:5.1f}  " + "  ".join(f"{score:.3f}" for score in accuracies(reach)))


if __name__ == "__main__":
    main()
