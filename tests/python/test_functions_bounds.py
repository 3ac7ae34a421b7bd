"""The recorded bounds hold: measured again on a million inputs by default, on all of them when slow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import functions_oracle as oracle
import pytest
from fewbits import functions

NAMES = [*oracle.EXACT]
SAMPLED = [*NAMES, "pow", "pow32"]
RECORD: dict[str, Any] = json.loads(oracle.RECORD.read_text())
HAVE_FAST = [name for name in NAMES if "float32 fast" in RECORD[name]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = oracle.supported()
    if reason:
        pytest.skip(reason)
    return oracle.build(tmp_path_factory.mktemp("oracle"))


def recorded(name: str, key: str) -> dict[str, Any]:
    entry: dict[str, Any] = RECORD[name][key]
    return entry


def fast_limit(name: str) -> float:
    """The recorded error of all inputs, else the promise."""
    entry = recorded(name, "float32 fast")
    return float(entry["ulp"]) if entry["inputs"] == 2**32 else 1.0


def test_every_function_has_its_bounds() -> None:
    # The elementwise functions; the families have their bounds on their pages.
    assert set(RECORD) == {*NAMES, "pow"} <= set(functions.__all__)
    for name in RECORD:
        bound = functions.error_bound(name)
        assert 0.5 <= bound["ulp"] <= 1.0
        assert bound["proof"] == "sampled"
        assert functions.error_bound(name, "float32")["ulp"] <= (0.501 if name == "pow" else 0.5)
        assert functions.error_bound(name, "float32", "fast")["ulp"] <= (1.0 if name != "pow" else 0.501)


def test_pages_show_the_recorded_bounds() -> None:
    subprocess.run([sys.executable, oracle.ROOT / "tools/functions_docs.py", "--check"], check=True)


def test_tables_are_those_of_the_script() -> None:
    pytest.importorskip("flint", reason="python-flint makes the tables")
    if shutil.which("clang-format") is None:
        pytest.skip("clang-format is not installed")
    for script in ("functions_tables.py", "functions_bessel_tables.py"):
        subprocess.run([sys.executable, oracle.ROOT / "tools" / script, "--check"], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_correctly_rounded_on_a_million_inputs(program: Path, name: str) -> None:
    result = oracle.exhaustive(program, name, 4093, 1)
    assert result["misrounded"] == 0, result
    assert result["inputs"] > 10**6


@pytest.mark.parametrize("name", HAVE_FAST)
def test_fast_float32_on_a_million_inputs(program: Path, name: str) -> None:
    assert oracle.fast(program, name, 4093, 2)["ulp"] <= fast_limit(name)


@pytest.mark.parametrize("name", SAMPLED)
def test_float64_on_a_million_inputs(program: Path, name: str) -> None:
    key = "float32 best" if name == "pow32" else "float64"
    bound = recorded(name.removesuffix("32") if name == "pow32" else name, key)["ulp"]
    # Other inputs than the recorded ones: close to their maximum, and below the promise.
    assert oracle.sampled(program, name, 10**6, 7)["ulp"] <= min(bound * 1.02, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float32_is_correctly_rounded_on_all_inputs(program: Path, name: str) -> None:
    result = oracle.exhaustive(program, name)
    assert result["inputs"] == 2**32
    assert result["misrounded"] == 0, result


@pytest.mark.slow
@pytest.mark.parametrize("name", HAVE_FAST)
def test_fast_float32_on_all_inputs(program: Path, name: str) -> None:
    assert oracle.fast(program, name)["ulp"] <= fast_limit(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLED)
def test_float64_on_many_inputs(program: Path, name: str) -> None:
    key = "float32 best" if name == "pow32" else "float64"
    entry = recorded(name.removesuffix("32") if name == "pow32" else name, key)
    assert oracle.sampled(program, name, entry["n"], entry["seed"])["ulp"] <= entry["ulp"]
