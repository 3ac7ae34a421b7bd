"""LU factorisation and conjugate gradients from fp8 to float64, every operation rounded.

python low_precision_algorithms.py                  a table, a few seconds
python low_precision_algorithms.py --plot FOLDER    and its plots (needs matplotlib)
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import fewbits.formats as ff
import numpy as np
from fewbits.errors import ArgumentError

FORMATS = ("float8_e5m2", "float8_e4m3fn", "bfloat16", "float16", "tf32", "float32", "float64")


def matrix(kappa: float, n: int, seed: int = 0) -> np.ndarray:
    """Symmetric positive definite, with that condition number."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    a = q @ np.diag(np.logspace(0, -np.log10(kappa), n)) @ q.T
    return (a + a.T) / 2


def lu_errors(n: int, seeds: int) -> dict[str, list[float]]:
    """Backward errors |P A - L U| / |A| of random matrices."""
    errors: dict[str, list[float]] = {name: [] for name in FORMATS}
    for seed in range(seeds):
        plain = np.random.default_rng(seed).normal(size=(n, n))
        for name in FORMATS:
            a = ff.emulated(plain, name)
            try:
                factors, permutation = ff.lu(a)
            except ArgumentError:  # no pivot is left in so few bits
                errors[name].append(np.nan)
                continue
            f = factors.values.astype(np.float64)
            product = (np.tril(f, -1) + np.eye(n)) @ np.triu(f)
            exact = a.values.astype(np.float64)
            errors[name].append(float(np.linalg.norm(exact[permutation] - product) / np.linalg.norm(exact)))
    return errors


def cg_residuals(kappa: float, n: int, iterations: int) -> dict[str, np.ndarray]:
    """True residuals |b - A x| / |b| after each iteration, in float64."""
    plain = matrix(kappa, n)
    curves = {}
    for name in FORMATS:
        a = ff.emulated(plain, name)
        b = a @ ff.emulated(np.ones(n), name)
        exact_a, exact_b = a.values.astype(np.float64), b.values.astype(np.float64)
        curve = [1.0]
        for steps in range(1, iterations + 1):
            x, _ = ff.cg(a, b, tol=0.0, max_iter=steps)
            residual = exact_b - exact_a @ x.values.astype(np.float64)
            curve.append(float(np.linalg.norm(residual) / np.linalg.norm(exact_b)))
        curves[name] = np.array(curve)
    return curves


def plot(folder: Path, lu: dict[str, list[float]], cg: dict[str, np.ndarray]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fewbits"
    from matplotlib import pyplot

    def save(figure: Any, name: str) -> None:
        figure.tight_layout()
        figure.savefig(folder / name, metadata={"Date": None})

    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    units = [ff.get(name).unit_roundoff for name in FORMATS]
    axes.loglog(units, [np.median(lu[name]) for name in FORMATS], "o-", label="LU, backward error")
    axes.loglog(units, units, "--", color="grey", label="unit roundoff")
    for unit, name in zip(units, FORMATS, strict=True):
        axes.annotate(name.removeprefix("float8_"), (unit, np.median(lu[name])), rotation=30, fontsize=7)
    axes.set_xlabel("unit roundoff of the format")
    axes.legend()
    save(figure, "emulating_lu.svg")

    figure, axes = pyplot.subplots(figsize=(6, 3.5))
    for name, curve in cg.items():
        axes.semilogy(curve, label=name)
    axes.set_xlabel("iterations of conjugate gradients")
    axes.set_ylabel("true residual / |b|")
    axes.legend(fontsize=7)
    save(figure, "emulating_cg.svg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--plot", type=Path, metavar="FOLDER")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--iterations", type=int, default=30)
    options = parser.parse_args()
    lu, cg = lu_errors(options.size, 5), cg_residuals(100.0, options.size, options.iterations)
    print(f"{'format':14} {'unit roundoff':>14} {'LU error':>10} {'best CG residual':>17}")
    for name in FORMATS:
        unit = ff.get(name).unit_roundoff
        print(f"{name:14} {unit:14.1e} {np.median(lu[name]):10.1e} {cg[name].min():17.1e}")
    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        plot(options.plot, lu, cg)


if __name__ == "__main__":
    main()
