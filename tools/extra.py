"""Prints the requirements of an extra of pyproject.toml, one per line: ``python tools/extra.py lint``.

Installing them by themselves spares building the package again for ``pip install ".[lint]"``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def requirements(name: str) -> list[str]:
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text()
    # tomllib is not there before Python 3.11.
    extras = text.split("[project.optional-dependencies]")[1].split("\n[", maxsplit=1)[0]
    match = re.search(rf"^{re.escape(name)} = \[(.*?)\]", extras, re.MULTILINE | re.DOTALL)
    if match is None:
        raise SystemExit(f"extra.py: pyproject.toml has no extra {name!r}")
    return re.findall(r'"([^"]+)"', match[1])


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1])))
