"""Von Mises-Fisher fits to features of many dimensions, real and made.

For each data set: the concentration, Newton's steps, the time from the mean to it, and whether SciPy's
distribution can evaluate the same density. Real: scikit-learn's digits (64 dimensions) and, where the cache
of `fewbits demo` holds the weights, the token vectors of MiniLM (384 dimensions). Made: samples in 2048, 8192
and 32768 dimensions, whose concentration is known; where they are fewer than dimensions, chance lengthens
their mean, by (1 - R^2) / n in the square. With matplotlib and ``--plot`` the figure of the page is drawn.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
from fewbits.demo import CACHED, cache_directory
from fewbits.functions import vmf


def scipy_works(mu: np.ndarray, kappa: float, row: np.ndarray) -> bool:
    try:
        from scipy.stats import vonmises_fisher
    except ImportError:
        return False
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return bool(np.isfinite(vonmises_fisher(mu / np.linalg.norm(mu), kappa).logpdf(row)))


def report(name: str, rows: np.ndarray, truth: float | None = None) -> vmf.VmfFit:
    found = vmf.fit(rows)
    p = rows.shape[1]
    start = time.perf_counter()
    vmf.kappa_from_resultant(p, found.R)
    microseconds = (time.perf_counter() - start) * 1e6
    row = rows[0].astype(np.float64)
    scipy = "works" if scipy_works(found.mu, found.kappa, row / np.linalg.norm(row)) else "fails"
    known = f" (true {truth:9.1f})" if truth is not None else ""
    print(
        f"{name:34s} n = {len(rows):6d}  R = {found.R:.4f}  kappa = {found.kappa:10.2f}{known}  "
        f"{found.iterations} steps, {microseconds:4.0f} us  SciPy {scipy}"
    )
    return found


def unit(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def real() -> dict[str, np.ndarray]:
    sets = {}
    try:
        from sklearn.datasets import load_digits

        sets["digits, 64 dimensions"] = unit(load_digits().data)
    except ImportError:
        print("scikit-learn is not installed: no digits")
    weights = cache_directory() / CACHED
    try:
        from safetensors.numpy import load_file

        tensors = load_file(weights)
        name = next(n for n in tensors if n.endswith("word_embeddings.weight"))
        sets["MiniLM tokens, 384 dimensions"] = unit(tensors[name][::10])
    except (ImportError, FileNotFoundError):
        print("no safetensors, or no weights in the cache (`fewbits demo` fetches them): no token vectors")
    return sets


def made(p: int, kappa: float, n: int) -> np.ndarray:
    mu = np.cos(np.arange(p))
    return vmf.sample(n, mu / np.linalg.norm(mu), kappa, seed=p)


def plot() -> None:
    import matplotlib.pyplot as plt
    from scipy.special import ive

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    r = np.linspace(0.01, 0.99, 99)
    for p in (64, 2048, 8192, 32768):
        kappa = vmf.kappa_from_resultant(p, r)
        line = axes[0].plot(r, vmf.log_normalizer(p, kappa) / p, label=f"p = {p}")
        with np.errstate(all="ignore"):
            bessel = np.log(ive(p / 2 - 1, kappa)) + kappa
        theirs = (p / 2 - 1) * np.log(kappa) - p / 2 * np.log(2 * np.pi) - bessel
        at = np.isfinite(theirs)
        axes[0].plot(r[at][::6], theirs[at][::6] / p, "o", color=line[0].get_color(), markersize=3)
        error = np.abs(vmf.kappa_from_resultant(p, r, method="banerjee") / kappa - 1)
        axes[1].semilogy(r, error, color=line[0].get_color())
    axes[0].set(xlabel="R", ylabel="log C_p / p", title="normalizer; dots where SciPy is finite")
    axes[0].legend(frameon=False)
    axes[1].set(xlabel="R", ylabel="relative error", title="Banerjee's estimate of kappa")
    figure.savefig(Path(__file__).resolve().parents[2] / "docs/images/functions_vmf.png", dpi=110)


def main() -> None:
    for name, rows in real().items():
        report(name, rows)
        if rows.shape[1] == 64:
            mixture = vmf.VonMisesFisherMixture(10, seed=1, max_iter=100, tol=1e-5).fit(rows)
            print(
                f"{'':34s} a mixture of 10: log-likelihood of a row {mixture.score(rows):.2f} after "
                f"{vmf.fit(rows).log_likelihood / len(rows):.2f} for one, in {mixture.n_iter_} iterations"
            )
    for p in (2048, 8192, 32768):
        for kappa in (p / 4, float(p), 10.0 * p):
            report(f"samples, {p} dimensions", made(p, kappa, max(40, (1 << 21) // p)), kappa)
    if "--plot" in sys.argv:
        plot()


if __name__ == "__main__":
    main()
