"""Tables of bounds for the pages of functions, and their plots: ``python tools/functions_docs.py``.

The tables come from ``python/fewbits/functions/bounds.json``; ``--check`` compares them instead of writing.
The plots, ``docs/images/functions_<family>.png``, show the error of float64 results against mpmath.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = {
    "exponential": {"exp": (-745, 709), "exp2": (-1074, 1023), "exp10": (-323, 308), "expm1": (-5, 5)},
    "logarithm": {"log": (0.01, 4), "log2": (0.01, 4), "log10": (0.01, 4), "log1p": (-0.99, 3)},
    "trigonometric": {"sin": (-10, 10), "cos": (-10, 10)},
    "logistic": {
        "tanh": (-5, 5), "sigmoid": (-40, 40), "log_sigmoid": (-40, 40), "softplus": (-40, 40),
        "silu": (-40, 40), "gelu_tanh": (-10, 6),
    },
    "error_function": {
        "erf": (-4, 4), "erfc": (-4, 27), "erfcx": (-5, 40), "ndtr": (-38, 8), "log_ndtr": (-40, 8),
        "ndtri": (0.0001, 0.9999), "gelu": (-38, 8),
    },
    "power": {"rsqrt": (0.01, 16), "cbrt": (-8, 8)},
    "gamma": {"log_gamma": (0.01, 20)},
}  # fmt: skip
BEGIN, END = "<!-- bounds: tools/functions_docs.py -->", "<!-- end of bounds -->"


def table(names: list[str]) -> str:
    recorded = json.loads((ROOT / "python/fewbits/functions/bounds.json").read_text())
    lines = [
        "| function | float32 `best` | float32 `fast` | float64 | float64 worst argument |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in names:
        entry = recorded[name]
        best, wide = entry["float32 best"], entry["float64"]
        if "misrounded" not in best:
            single = f"{best['ulp']:.4f} ulp on {best['n']:.0e} pairs"
        else:
            how = "all 2^32 inputs" if best["inputs"] == 2**32 else f"{best['inputs']} inputs"
            single = f"{best['misrounded']} misrounded of {how}"
        quick = f"{entry['float32 fast']['ulp']:.3f} ulp" if "float32 fast" in entry else "as `best`"
        where = (
            wide["worst_input"] if isinstance(wide["worst_input"], str) else ", ".join(wide["worst_input"])
        )
        lines.append(
            f"| `{name}` | {single} | {quick} | {wide['ulp']:.4f} ulp on {wide['n']:.0e} | `{where}` |"
        )
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Pages with their tables brought up to date."""
    found = {}
    for family, functions in FAMILIES.items():
        path = ROOT / f"docs/functions_{family}.md"
        names = [*functions, *(["pow"] if family == "power" else [])]
        block = f"{BEGIN}\n\n{table(names)}\n\n{END}"
        pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
        found[path] = re.sub(pattern, lambda _, b=block: b, path.read_text(), flags=re.S)
    return found


def plot(family: str) -> None:
    import fewbits.functions as ff
    import matplotlib.pyplot as plt
    import numpy as np

    sys.path.insert(0, str(ROOT / "tests/python"))
    from functions_oracle import EXACT, ulp_error

    functions = FAMILIES[family]
    columns = 2
    rows = -(-len(functions) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 1.9 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(functions) :]:
        axis.axis("off")
    for axis, (name, (low, high)) in zip(axes.flat, functions.items(), strict=False):
        x = np.random.default_rng(0).uniform(low, high, 1500)
        y = getattr(ff, name)(x)
        errors = [ulp_error(b, EXACT[name](a)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        axis.plot(x, errors, ".", markersize=1.5, color="#1f5fa8")
        axis.axhline(0.5, color="#888888", linewidth=0.6)
        axis.set(title=name, ylabel="ulp", ylim=(0, 0.75), xlim=(low, high))
    target = ROOT / f"docs/images/functions_{family}.png"
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, dpi=90, metadata={"Software": None})
    plt.close(figure)


def main() -> int:
    wrong = 0
    for path, text in pages().items():
        if path.read_text() == text:
            continue
        if "--check" in sys.argv:
            print(f"{path.name}: the table of bounds is out of date")
            wrong = 1
        else:
            path.write_text(text)
    if "--check" not in sys.argv:
        for family in FAMILIES:
            plot(family)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
