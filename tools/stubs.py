"""Writes the type stubs of the compiled extension: python/fewbits/_core/*.pyi.

``python tools/stubs.py`` writes them for the installed extension, ``--check`` only says (exit status 1) which
are out of date. Every instruction set binds the same names, so one set of stubs serves all: the module
``fewbits._core._avx2.coding`` is written down as ``fewbits._core.coding``, the name it is imported by.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "python/fewbits/_core"
NOTICE = "# Written by tools/stubs.py; do not edit.\n"


def with_arguments(stub: str) -> str:
    """Gives bare ``tuple``, ``list`` and ``dict`` annotations the arguments that strict checking demands."""
    bare = r"(?P<before>->|:|=|\||[\[,]) *\b(?P<name>tuple|list|dict)\b(?![\[\w(.])"
    arguments = {"tuple": "tuple[Any, ...]", "list": "list[Any]", "dict": "dict[Any, Any]"}
    lines = []
    for line in stub.splitlines(keepends=True):
        code = re.match(r"\s*(def |\w+: |->)", line)
        lines.append(re.sub(bare, lambda m: f"{m['before']} {arguments[m['name']]}", line) if code else line)
    text = "".join(lines)
    if text == stub:
        return stub
    # After the docstring of the module, where there is one.
    docstring = re.match(r'\s*""".*?"""\n', text, re.DOTALL)
    at = docstring.end() if docstring else 0
    return text[:at] + "\nfrom typing import Any\n" + text[at:]


def generate() -> dict[str, str]:
    """File name -> text of every stub."""
    import fewbits

    extension = f"_{fewbits.isa}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-r", "-O", folder]
        for module in (extension, "_cpu"):
            subprocess.run([*command, "-m", f"fewbits._core.{module}"], check=True)
        written = {str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*.pyi")}
    stubs = {}
    for name, text in written.items():
        # The extension itself is imported by its loader alone, which reads its attributes dynamically.
        if name != f"{extension}/__init__.pyi":
            renamed = re.sub(rf"\bfewbits\._core\.{extension}\b", "fewbits._core", text)
            stubs[Path(name).name] = NOTICE + with_arguments(renamed).rstrip() + "\n"
    return stubs


def stale(stubs: dict[str, str], folder: Path = TARGET) -> list[str]:
    """Names of the stubs whose committed twin says something else, or that should not be there.

    The comparison is of syntax trees: stub generators differ in blank lines.
    """

    def tree(text: str) -> str:
        return ast.dump(ast.parse(text))

    committed = {path.name: path.read_text() for path in folder.glob("*.pyi")}
    return sorted(
        name
        for name in stubs.keys() | committed.keys()
        if name not in stubs or name not in committed or tree(stubs[name]) != tree(committed[name])
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the stubs of the compiled extension.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a stub is out of date"
    )
    check = parser.parse_args(arguments).check
    stubs = generate()
    changed = stale(stubs)
    for name in changed:
        print(f"{name} is out of date: run python tools/stubs.py" if check else f"wrote {name}")
        if not check:
            if name in stubs:
                (TARGET / name).write_text(stubs[name])
            else:
                (TARGET / name).unlink()
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
