"""The committed stubs say what the extension has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import stubs

ROOT = Path(__file__).resolve().parents[2]


def test_stubs_are_current() -> None:
    assert stubs.stale(stubs.generate()) == [], "run python tools/stubs.py"


def test_stale_stubs_are_noticed(tmp_path: Path) -> None:
    wanted = {"a.pyi": "def f(x: int) -> int: ...\n", "b.pyi": "x: int\n"}
    assert stubs.stale(wanted, tmp_path) == ["a.pyi", "b.pyi"]
    (tmp_path / "a.pyi").write_text("# A comment.\n\ndef f(x: int) -> int: ...\n")
    (tmp_path / "b.pyi").write_text("x: str\n")
    (tmp_path / "old.pyi").write_text("")
    assert stubs.stale(wanted, tmp_path) == ["b.pyi", "old.pyi"]


def test_bare_containers_get_arguments() -> None:
    stub = '"""A list."""\n\ndef f(a: tuple, b: list[int], c: list | None) -> dict: ...\n'
    stub += '    """list: a list"""\n'
    done = stubs.with_arguments(stub)
    assert "def f(a: tuple[Any, ...], b: list[int], c: list[Any] | None) -> dict[Any, Any]: ..." in done
    assert done.startswith('"""A list."""\n\nfrom typing import Any\n')
    assert '"""list: a list"""' in done
    assert stubs.with_arguments("x: int\n") == "x: int\n"


@pytest.mark.parametrize("isa", ["scalar", "avx2", "neon"])
def test_every_isa_has_the_same_names(isa: str) -> None:
    """One set of stubs serves all extensions."""
    program = (
        "import fewbits._core as c\n"
        "for m in sorted(n for n in vars(c) if n[0] != '_' and type(getattr(c, n)).__name__ == 'module'):\n"
        "    print(m, [(n, str(v.__doc__).replace('_core._' + c.isa, '_core'))"
        " for n, v in sorted(vars(getattr(c, m)).items())"
        " if not n.startswith('_')])\n"
    )

    def names(**environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    forced = names(FEWBITS_ISA=isa)
    if "is not available" in forced.stderr:
        pytest.skip(f"this machine does not run {isa}")
    assert forced.returncode == 0, forced.stderr
    assert forced.stdout == names().stdout


@pytest.mark.skipif(shutil.which("mypy") is None, reason="mypy is not installed: pip install '.[lint]'")
def test_mypy_strict_passes() -> None:
    done = subprocess.run(["mypy"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
