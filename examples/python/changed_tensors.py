"""Tells which tensors differ between two compressed models without decompressing either.

A `.fewbits` file holds a 64-bit hash of every tensor's bytes, so equal hashes, dtypes and shapes mean equal
tensors. Run it: ``python examples/python/changed_tensors.py [OLD.fewbits NEW.fewbits]``; without arguments it
makes two small models to compare.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import fewbits
import numpy as np


def changed(old: Path, new: Path) -> dict[str, str]:
    """Name -> what happened to it, for every tensor that is not the same in both files."""
    with fewbits.open(old) as before, fewbits.open(new) as after:
        a = {name: (t.dtype, t.shape, t.xxh64) for name, t in before.tensors.items()}
        b = {name: (t.dtype, t.shape, t.xxh64) for name, t in after.tensors.items()}
    result = dict.fromkeys(a.keys() - b.keys(), "removed")
    result |= dict.fromkeys(b.keys() - a.keys(), "added")
    result |= {name: "changed" for name in a.keys() & b.keys() if a[name] != b[name]}
    return dict(sorted(result.items()))


def demonstration(folder: Path) -> None:
    rng = np.random.default_rng(0)
    model = {f"layer{i}.weight": rng.normal(size=(64, 64)).astype(np.float32) for i in range(4)}
    fewbits.save(folder / "old.fewbits", model)
    model["layer2.weight"] = model["layer2.weight"] * np.float32(0.99)
    model["head"] = np.zeros(64, np.float32)
    del model["layer0.weight"]
    fewbits.save(folder / "new.fewbits", model)
    found = changed(folder / "old.fewbits", folder / "new.fewbits")
    assert found == {"head": "added", "layer0.weight": "removed", "layer2.weight": "changed"}, found
    for name, what in found.items():
        print(f"{what:8} {name}")


def main(arguments: list[str]) -> None:
    if len(arguments) == 2:
        for name, what in changed(Path(arguments[0]), Path(arguments[1])).items():
            print(f"{what:8} {name}")
    else:
        with tempfile.TemporaryDirectory() as folder:
            demonstration(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
