"""Discovered programs: targets against mpmath, best approximations with known errors, the search, C++."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fewbits.functions as ff
import numpy as np
import pytest
from fewbits.cli import main
from fewbits.errors import ArgumentError
from fewbits.functions import discover
from fewbits.functions._discover_programs import Graph
from fewbits.functions._discover_target import Target
from mpmath import mp, mpf

# Best errors of 2^x on [0, 1] by operations, from the literature's forms: a front must not be worse.
KNOWN = {
    3: 1.043e-2, 4: 1.725e-3, 5: 4.33e-4, 6: 1.389e-5, 7: 1.192e-8, 8: 1.862e-10, 9: 2.909e-12, 10: 1.723e-15,
    11: 1.682e-18, 12: 1.643e-21,
}  # fmt: skip
LN2 = math.log(2)


@pytest.fixture(scope="module")
def seeded() -> discover.Front:
    return discover.search("exp2", 0, 1, max_iter=0, seconds=None, seeds="rational-even", threads=2)


@pytest.mark.parametrize("name", sorted(discover.FUNCTIONS))
def test_targets_have_fifty_digits(name: str) -> None:
    table: dict[str, Any] = {
        "arctan": mp.atan, "exp2": lambda x: mpf(2) ** x, "exp10": lambda x: mpf(10) ** x, "abs": abs,
        "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x), "gelu": lambda x: x * mp.ncdf(x), "ndtr": mp.ncdf,
        "log2": lambda x: mp.log(x, 2), "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
        "rsqrt": lambda x: 1 / mp.sqrt(x),
        "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)), "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "silu": lambda x: x / (1 + mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
    }  # fmt: skip
    with mp.workdps(70):
        exact = table.get(name, getattr(mp, name, None))
        lo = 0.05
        target = Target("test", name, lo, 3.5, scale=1)
        for x in (lo, 0.3, 1.0, 2.5, 3.5):
            got = mpf(str(target(x)))
            wanted = exact(mpf(x))
            assert abs(got - wanted) <= mpf(10) ** -46 * abs(wanted)


def test_targets_from_expressions_and_callables() -> None:
    with mp.workdps(60):
        target = Target("test", "exp(-x*x)/2 + pi**2 - 1/3", -1, 1)
        assert (
            abs(mpf(str(target(0.5))) - (mp.exp(mpf("-0.25")) / 2 + mp.pi**2 - mpf(1) / 3)) < mpf(10) ** -45
        )
    assert Target("test", math.exp, 0, 1)(0.5) == Decimal(math.exp(0.5))
    assert not Target("test", math.exp, 0, 1).exact
    with mp.workdps(60):
        assert abs(Target("test", mp.exp, 0, 1)(0.5) - Decimal("0.5").exp()) < Decimal("1e-27")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exp", 1, 0), "lo must be below hi"),
        (("sin", -1, 1), "must not have a zero"),
        (("log", -1, 1), "must be finite"),
        (("exq", 0, 1), "'exq' in 'exq'"),
        (("__import__('os')", 0, 1), "f must be a function name or an expression"),
        (("x +", 0, 1), "f must be an expression in x"),
        (("x.real", 0, 1), "f must be a function name"),
    ],
)
def test_targets_refuse(arguments: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        discover.search(*arguments, max_iter=0)
    with pytest.raises(TypeError, match="f must be a name"):
        discover.search(3, 0, 1)


def test_seeded_front_reaches_the_known_one(seeded: discover.Front) -> None:
    for ops, error in KNOWN.items():
        assert seeded[ops].error <= 1.001 * error, ops
    errors = [p.error for p in seeded.programs]
    assert errors == sorted(errors, reverse=True)
    # The error is that of the program: again with mpmath, on points of its own.
    with mp.workdps(50):
        for program in seeded.programs:
            worst = mpf(0)
            for i in range(301):
                x = mpf(i) / 300
                worst = max(worst, abs(value(program, x) / mpf(2) ** x - 1))
            assert worst <= 1.001 * mpf(program.error)
            assert worst >= 0.9 * mpf(program.error)


def operate(operation: str, v: list[Any]) -> Any:
    if operation == "fma":
        return v[0] * v[1] + v[2]
    table = {"add": lambda: v[0] + v[1], "sub": lambda: v[0] - v[1], "mul": lambda: v[0] * v[1]}
    return table[operation]() if operation in table else v[0] / v[1]


def value(program: discover.Program, x: Any) -> Any:
    constants = [mpf(str(c)) for c in program.constants]
    values: list[Any] = []
    for operation, operands in program.nodes:
        v = [x if o == -1 else constants[-2 - o] if o <= -2 else values[o] for o in operands]
        values.append(operate(operation, v))
    return values[-1]


@pytest.mark.parametrize(
    ("f", "lo", "hi", "scale"),
    [("log2", 0.5, 1, 1.0), ("erf", 0, 1, 1.0), ("exp", -LN2 / 2, LN2 / 2, None)],
)
def test_fronts_dominate_the_baselines(f: str, lo: float, hi: float, scale: float | None) -> None:
    front = discover.search(
        f, lo, hi, max_ops=10, max_iter=0, seconds=None, seeds="rational-even", scale=scale
    )
    others = discover.baselines(f, lo, hi, 10, scale=scale)
    for ops in range(6, 11):
        best = min(p.error for p in others if p.ops <= ops)
        assert front[ops].error <= best * (1 + 1e-6)


def test_remez_and_refine() -> None:
    # Relative minimax errors of e^r on |r| <= ln2/2.
    for degree, error in {5: 7.49e-8, 6: 1.86e-9, 8: 7.74e-13, 10: 2.11e-16}.items():
        got = discover.remez("exp", -LN2 / 2, LN2 / 2, degree)
        assert abs(got.error / error - 1) < 0.005
        assert got.ops == 2 * degree
    assert discover.remez("exp2", 0, 1, (2, 2)).error < 4.4e-7
    line = discover.remez("sqrt", 1, 4, 1)
    narrower = discover.refine(line, "sqrt", 1, 2)
    assert narrower.error < line.error / 2
    assert abs(discover.remez(math.exp, 0, 1, 3).error / discover.remez("exp", 0, 1, 3).error - 1) < 1e-6
    taylor = [p for p in discover.baselines("exp", -1, 1, 8) if p.origin == "taylor 4"]
    np.testing.assert_allclose([float(c) for c in taylor[0].constants], [1 / 24, 1 / 6, 0.5, 1, 1], rtol=1e-6)


def test_search_is_deterministic_and_goes_on(tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_ops": 6, "seconds": None, "seed": 3}
    whole = discover.search("exp2", 0, 1, max_iter=6, threads=1, **options)
    again = discover.search("exp2", 0, 1, max_iter=6, threads=2, **options)
    assert whole.programs == again.programs
    path = tmp_path / "state.json"
    discover.search("exp2", 0, 1, max_iter=2, checkpoint=path, **options)
    assert json.loads(path.read_text())["generation"] == 2
    resumed = discover.search("exp2", 0, 1, max_iter=6, checkpoint=path, **options)
    assert resumed.programs == whole.programs
    assert resumed.generations == 6
    with pytest.raises(ArgumentError, match="checkpoint must be of the same search, got another seed"):
        discover.search("exp2", 0, 1, max_iter=6, checkpoint=path, **{**options, "seed": 4})
    path.write_text("{")
    with pytest.raises(ArgumentError, match="must hold JSON"):
        discover.search("exp2", 0, 1, max_iter=6, checkpoint=path, **options)


def test_an_unseeded_search_gets_somewhere() -> None:
    seen = []
    front = discover.search(
        "exp2", 0, 1, max_ops=6, max_iter=40, seconds=None, threads=2, progress=lambda *a: seen.append(a)
    )
    assert len(seen) == 40
    assert front[4].error < 1.8e-3  # the best polynomial of so many operations
    assert front[6].error < 1e-4
    assert front.evaluated > 1000


def test_simplification_keeps_the_value() -> None:
    import random

    rng = random.Random(1)
    x = np.linspace(0.1, 2, 5)
    for _ in range(300):
        graph = Graph([("add", (-1, -2))], [1.5], 0)
        for _ in range(6):
            graph = graph.mutated(rng, ("add", "sub", "mul", "div", "fma"), 9)
        assert graph.simplified() == graph
        assert graph.ops <= 9
        values: list[Any] = []
        for operation, operands in graph.nodes:
            v = [x if o == -1 else graph.constants[-2 - o] if o <= -2 else values[o] for o in operands]
            with np.errstate(all="ignore"):
                values.append(operate(operation, v))
        got = discover.Program.of(graph)(x)
        np.testing.assert_allclose(got, np.broadcast_to(values[-1], x.shape), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def float32_front() -> discover.Front:
    return discover.search(
        "exp2", 0, 1, ops=("fma",), mode="float32", max_ops=6, max_iter=0, seconds=None, seeds="rational-even"
    )


def test_float32(float32_front: discover.Front) -> None:
    best = float32_front[6]
    assert best.ops == 6
    assert best.error <= 0.95
    found = discover.verify(best, "exp2", 0, 1, every=1009)
    assert found["ulp"] <= best.error
    assert found["points"] > 1e6
    x = np.float32(found["worst_input"])
    assert abs(float(best(x)) - 2.0 ** float(x)) / 2.0**-23 == pytest.approx(found["ulp"], abs=1e-6)


@pytest.mark.slow
def test_float32_on_all_floats(float32_front: discover.Front) -> None:
    found = discover.verify(float32_front[6], "exp2", 0, 1)
    assert found["points"] >= 1065353217
    assert found["ulp"] <= 0.95


def test_emitted_cpp_has_the_bits(
    seeded: discover.Front, float32_front: discover.Front, tmp_path: Path
) -> None:
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    x = np.random.default_rng(0).random(1000)
    (tmp_path / "x").write_bytes(x.tobytes())
    for program, name, kind in ((seeded[10], "wide", "double"), (float32_front[6], "narrow", "float")):
        (tmp_path / f"{name}.hpp").write_text(discover.emit(program, name, function="exp2", interval=(0, 1)))
        (tmp_path / f"{name}.cpp").write_text(
            f'#include "{name}.hpp"\n#include <cstdio>\n#include <vector>\nint main() {{\n'
            f"std::vector<double> w(1000);\nif (fread(w.data(), 8, 1000, stdin) != 1000) return 1;\n"
            f"std::vector<{kind}> x(w.begin(), w.end()), y(1000);\n{name}(x.data(), y.data(), 1000);\n"
            f"return fwrite(y.data(), sizeof y[0], 1000, stdout) == 1000 ? 0 : 1;\n}}\n"
        )
        command = [compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
        subprocess.run([*command, f"{name}.cpp", "-o", name], cwd=tmp_path, check=True)
        done = subprocess.run([tmp_path / name], input=x.tobytes(), capture_output=True, check=True)
        assert done.stdout == program(x).tobytes()
    with pytest.raises(ArgumentError, match="C\\+\\+ identifier"):
        discover.emit(seeded[3], "2x")


def test_fronts_are_saved(seeded: discover.Front, tmp_path: Path) -> None:
    seeded.save(tmp_path / "front.json")
    loaded = discover.Front.load(tmp_path / "front.json")
    assert loaded == seeded
    assert loaded.table() == seeded.table()
    with pytest.raises(ArgumentError, match="record must be one of as_dict"):
        discover.Program.from_dict({"code": [["add", -1, 3]], "constants": []})
    with pytest.raises(KeyError):
        seeded[1]


def test_ctrl_c_keeps_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    timer = threading.Timer(0.7, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    front = discover.search("exp2", 0, 1, max_ops=5, seconds=60, checkpoint=path)
    assert front.interrupted
    assert time.monotonic() - begun < 20
    assert front.programs
    assert json.loads(path.read_text())["generation"] == front.generations


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, saved = tmp_path / "exp2.hpp", tmp_path / "front.json"
    command = ["discover", "exp2", "--interval", "0", "1", "--ops", "7", "--generations", "0"]
    command += ["--seeds", "rational-even", "--baselines", "--threads", "1"]
    options = ["--header", str(header), "--save", str(saved), "--name", "exp2_7", "--pick", "7"]
    assert main([*command, *options]) == 0
    shown = capsys.readouterr().out
    assert "1.192e-08" in shown
    assert "baseline" in shown
    assert "inline double exp2_7(double x)" in header.read_text()
    assert discover.Front.load(saved)[7].error < 1.2e-8
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["programs"][-1]["ops"] == 7
    assert main(["discover", "sin", "--interval", "-1", "1", "--generations", "0"]) == 2
    assert "must not have a zero" in capsys.readouterr().err
    assert main([*command, "--header", str(header), "--pick", "1"]) == 2


def test_plot(seeded: discover.Front, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    seeded.plot(tmp_path / "front.png", {"baselines": discover.baselines("exp2", 0, 1, 5)})
    assert (tmp_path / "front.png").stat().st_size > 1000


def test_the_function_is_ours() -> None:
    assert ff.discover is discover
