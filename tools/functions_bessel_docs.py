"""The table of errors and the plot of docs/functions_bessel.md: ``python tools/functions_bessel_docs.py``.

The table comes from tests/data/functions_bessel_errors.json; ``--check`` compares it instead of writing. The
plot, docs/images/functions_bessel.png, compares with ball arithmetic (python-flint) and with SciPy.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/functions_bessel.md"
BEGIN, END = "<!-- errors: tools/functions_bessel_docs.py -->", "<!-- end of errors -->"


def table(record: dict[str, dict[str, dict[str, Any]]]) -> str:
    strata = list(next(iter(record.values())))
    names = " | ".join(f"`{name}`" for name in record)
    lines = [f"| where | {names} |", "| --- " * (len(record) + 1) + "|"]
    for stratum in strata:
        cells = [f"{entries[stratum]['error']:.2f}" for entries in record.values()]
        lines.append(f"| {stratum} | " + " | ".join(cells) + " |")
    counts = {entries[stratum]["n"] for entries in record.values() for stratum in strata}
    assert len(counts) == 1
    lines += ["", f"{counts.pop()} pairs for each number, w = hypot(v, x)."]
    return "\n".join(lines)


def page() -> str:
    record = json.loads((ROOT / "tests/data/functions_bessel_errors.json").read_text())
    pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
    block = f"{BEGIN}\n\n{table(record)}\n\n{END}"
    return re.sub(pattern, lambda _: block, PAGE.read_text(), flags=re.S)


def plot() -> None:
    import matplotlib.pyplot as plt
    import numpy as np
    import scipy.special as sp

    sys.path.insert(0, str(ROOT / "tests/python"))
    import functions_bessel_oracle as oracle

    exact = oracle.Exact()
    side = 36
    grid = np.exp(np.linspace(np.log(0.1), np.log(3000), side))
    v, x = (a.ravel() for a in np.meshgrid(grid, grid * 1.0001, indexing="ij"))
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6), layout="constrained", sharex=True, sharey=True)
    for row, (quantity, label) in enumerate((("log_iv", "log I"), ("log_kv", "log K"))):
        with np.errstate(all="ignore"):
            theirs = np.log(sp.ive(v, x)) + x if row == 0 else np.log(sp.kve(v, x)) - x
        from fewbits import functions as ff

        paper = getattr(ff, quantity)(v, x, method="paper")
        results = {"fewbits": oracle.ours(quantity, v, x), "method='paper'": paper, "SciPy": theirs}
        for axis, (name, got) in zip(axes[row], results.items(), strict=True):
            pairs = zip(v.tolist(), x.tolist(), np.asarray(got).tolist(), strict=True)
            error = np.array([exact.error(quantity, *z) for z in pairs]).reshape(side, side)
            error = np.where(np.isfinite(error), np.maximum(error, 0.1), np.nan)
            scale = {"vmin": -1, "vmax": 7, "cmap": "viridis", "shading": "nearest"}
            mesh = axis.pcolormesh(grid, grid, np.log10(error), **scale)
            axis.set(xscale="log", yscale="log", title=f"{label}, {name}", facecolor="lightgray")
            if row == 1:
                axis.set_xlabel("x")
        axes[row][0].set_ylabel("v")
    bar = figure.colorbar(mesh, ax=axes, label="log10 of the error in eps max(1, |result|); gray: inf or nan")
    bar.outline.set_visible(False)
    figure.savefig(ROOT / "docs/images/functions_bessel.png", dpi=110)


def main() -> int:
    text = page()
    if "--check" in sys.argv:
        return int(PAGE.read_text() != text)
    PAGE.write_text(text)
    plot()
    return 0


if __name__ == "__main__":
    sys.exit(main())
