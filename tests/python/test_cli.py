"""The command line, mostly as a user runs it: in a process of its own."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fewbits
import numpy as np
import pytest
import safetensors.numpy
from fewbits import cli
from fewbits.container import Writer
from fewbits.errors import LimitError


def run(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fewbits.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120, **options)


def run_code(code: str, *arguments: str | Path) -> list[str]:
    """The command for a process that runs `code` and then the command line."""
    return [
        sys.executable,
        "-c",
        f"import sys\n{code}\nfrom fewbits.cli import main\nsys.exit(main())",
        *map(str, arguments),
    ]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    generator = np.random.default_rng(4)
    tensors = {
        "encoder.weight": generator.normal(0, 0.02, (64, 32)).astype(np.float32),
        "encoder.bias": np.zeros(32, np.float32),
        "step": np.array(7, np.int64),
    }
    safetensors.numpy.save_file(tensors, path, metadata={"format": "np"})
    return path


@pytest.fixture
def packed(model: Path) -> Path:
    assert cli.main(["compress", "-q", str(model)]) == 0
    return Path(f"{model}.fewbits")


def assert_error(result: subprocess.CompletedProcess[str], status: int, *parts: str | Path) -> None:
    """One line on stderr, without a traceback, that contains `parts`."""
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("fewbits: ")
    for part in parts:
        assert str(part) in line


# ---- the commands -----------------------------------------------------------------------------------------


def test_help_teaches_the_tool() -> None:
    result = run("--help")
    assert result.returncode == 0
    for word in (
        "compress",
        "decompress",
        "inspect",
        "verify",
        "formats",
        "demo",
        "examples:",
        "exit status:",
    ):
        assert word in result.stdout
    for command in ("compress", "decompress", "inspect", "verify", "formats", "demo"):
        result = run(command, "--help")
        assert result.returncode == 0
        assert "examples:" in result.stdout
        for option in ("--json", "--quiet", "--verbose", "--debug"):
            assert option in result.stdout


def test_version() -> None:
    assert run("--version").stdout == f"fewbits {fewbits.__version__} ({fewbits.isa})\n"


def test_the_examples_of_the_help_are_valid_commands() -> None:
    parser = cli._build_parser()
    help_text = parser.format_help()
    for command in ("compress", "decompress", "inspect", "verify", "formats", "demo"):
        help_text += run(command, "--help").stdout
    examples = re.findall(r"^  fewbits ([a-z]+ ?[^\n|]*)", help_text, re.MULTILINE)
    assert len(examples) >= 14
    for example in examples:
        words = [word.strip("'") for word in re.split(r"   ", example)[0].split()]
        assert parser.parse_args(words).command == words[0]


@pytest.mark.parametrize("suffix", ["safetensors", "npy", "npz"])
def test_compress_and_decompress(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    array = np.random.default_rng(1).normal(0, 1, (50, 40)).astype(np.float32)
    if suffix == "safetensors":
        safetensors.numpy.save_file({"a": array}, path)
    elif suffix == "npy":
        np.save(path, array)
    else:
        np.savez(path, a=array)
    original = path.read_bytes()
    result = run("compress", path)
    assert (result.returncode, result.stderr) == (0, "")
    first, second, third = result.stdout.splitlines()
    assert first == f"{path} -> {path}.fewbits"
    assert re.fullmatch(
        r"8\.\d kB -> \d\.\d kB \(\d\d\.\d\d %\), \d\d\.\d\d bits per element, .* s, \d+ MB/s", second
    )
    assert third.startswith("1 tensor; ")
    path.unlink()
    result = run("decompress", f"{path}.fewbits")
    assert (result.returncode, result.stderr) == (0, "")
    if suffix == "npz":
        assert "rewritten" in result.stdout
        with np.load(path) as loaded:
            assert loaded["a"].tobytes() == array.tobytes()
    else:
        assert "byte-identical" in result.stdout
        assert path.read_bytes() == original


def test_a_header_that_is_not_canonical_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = b'{ "a": {"dtype":"U8", "shape":[2], "data_offsets":[0,2]} }'
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"ab")
    assert f"header is not canonical: its {len(header)} bytes are kept" in run("compress", path).stdout
    result = run("decompress", f"{path}.fewbits", "-o", tmp_path / "y")
    assert "not canonical and is restored as it was: byte-identical" in result.stdout
    assert (tmp_path / "y").read_bytes() == path.read_bytes()


def test_include_exclude_and_tensor(model: Path, tmp_path: Path) -> None:
    result = run("compress", model, "--include", "encoder.*", "--include", "step", "--exclude", "*bias")
    assert "2 tensors, 1 left out" in result.stdout
    out = tmp_path / "part.safetensors"
    result = run("decompress", f"{model}.fewbits", "-o", out, "--tensor", "step")
    assert "1 tensor, 1 left out" in result.stdout
    assert list(safetensors.numpy.load_file(out)) == ["step"]
    assert "left out" in run("verify", f"{model}.fewbits", "--against", model).stdout


def test_quiet_and_verbose(model: Path) -> None:
    assert run("compress", "-q", model).stdout == ""
    assert "encoder.weight" in run("compress", "-v", "--force", model).stdout
    assert run("decompress", "-q", "--force", f"{model}.fewbits").stdout == ""
    assert run("verify", "-q", f"{model}.fewbits").stdout == ""
    assert run("inspect", "-q", f"{model}.fewbits").stdout == ""
    assert "format    np" in run("inspect", "-v", f"{model}.fewbits").stdout


def test_inspect(packed: Path) -> None:
    lines = run("inspect", packed).stdout.splitlines()
    assert lines[0].split() == ["tensor", "shape", "dtype", "stages", "size", "bits/element", "ratio"]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["step", "scalar", "int64"],
        ["encoder.bias", "32", "float32"],
        ["encoder.weight", "64x32", "float32"],
    ]
    assert len({len(line) for line in lines[:4]}) == 1  # aligned, the last column to the right
    assert lines[4] == f"{packed}: 3 tensors, made from a .safetensors file"


def test_json_everywhere(model: Path, packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    compressed = json.loads(run("compress", "--json", "--force", model).stdout)
    assert compressed["input_bytes"] == model.stat().st_size
    assert compressed["output_bytes"] == packed.stat().st_size
    inspected = json.loads(run("inspect", "--json", packed).stdout)
    assert inspected["format"] == "safetensors"
    assert inspected["metadata"] == {"format": "np"}
    assert inspected["file_bytes"] == packed.stat().st_size
    assert inspected["raw_bytes"] == 4 * 64 * 32 + 4 * 32 + 8
    assert inspected["tensors"] == compressed["tensors"]
    assert inspected["tensors"][2]["shape"] == [64, 32]
    decompressed = json.loads(run("decompress", "--json", packed, "-o", out).stdout)
    assert decompressed["output_bytes"] == model.stat().st_size
    verified = json.loads(run("verify", "--json", packed, "--against", model).stdout)
    assert (verified["ok"], verified["tensors"], verified["problems"]) == (True, 3, [])
    safetensors.numpy.save_file({"x": np.zeros(3)}, out)
    result = run("verify", "--json", packed, "--against", out)
    assert result.returncode == 1
    problems = json.loads(result.stdout)["problems"]
    assert {"tensor": "step", "problem": "not in the original"} in problems
    assert {"tensor": None, "problem": "the metadata differ"} in problems


def test_verify(model: Path, packed: Path) -> None:
    result = run("verify", packed)
    assert (result.returncode, result.stderr) == (0, "")
    assert "checksums good" in result.stdout
    assert f"equal to {model}" in run("verify", packed, "--against", model).stdout
    tensors = safetensors.numpy.load_file(model)
    tensors["step"] = np.array(8, np.int64)
    safetensors.numpy.save_file(tensors, model, metadata={"format": "np"})
    result = run("verify", packed, "--against", model)
    assert result.returncode == 1
    assert "step    1 of 1 elements differ, the first at []" in result.stdout
    assert result.stderr == f"fewbits: {packed}: verification against {model} failed: 1 problem\n"


# ---- errors -----------------------------------------------------------------------------------------------


def test_usage_errors(model: Path, tmp_path: Path) -> None:
    assert run().returncode == 2
    for arguments in (
        ["compres", model],
        ["compress"],
        ["compress", model, "--levle", "max"],
        ["compress", model, "--level", "best"],
        ["compress", model, "--threads", "-1"],
        ["compress", model, "--threads", "many"],
        ["decompress", model, "--max-bytes", "much"],
    ):
        result = run(*arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("usage: fewbits")
        assert "Traceback" not in result.stderr
    assert_error(run("compress", model, "--codec", "jpeg"), 2, "codec must be one of 'lossless', got 'jpeg'")
    assert_error(run("compress", model, "--include", "x*"), 2, model, "no tensor matches 'x*'")
    assert not list(tmp_path.glob("*.fewbits"))


def test_an_existing_output_is_kept(model: Path, packed: Path) -> None:
    packed.write_bytes(b"precious")
    assert_error(run("compress", model), 2, packed, "--force")
    assert packed.read_bytes() == b"precious"
    assert run("compress", "--force", model).returncode == 0
    assert_error(run("decompress", packed), 2, model, "--force")
    assert run("decompress", "-f", packed).returncode == 0


@pytest.mark.parametrize("command", ["compress", "decompress", "inspect", "verify"])
def test_inputs_that_cannot_be_read(command: str, tmp_path: Path) -> None:
    missing, empty, below = tmp_path / "missing", tmp_path / "empty", tmp_path / "empty" / "below"
    empty.touch()
    os.mkfifo(tmp_path / "pipe")
    assert_error(run(command, missing), 1, missing, "no such file or directory; check")
    assert_error(run(command, tmp_path), 1, tmp_path, "is a directory; name a file in it")
    assert_error(run(command, empty), 1, empty, "the file is empty")
    assert_error(run(command, below), 1, below, "not a directory; a part of the path is a file")
    assert_error(run(command, tmp_path / "pipe"), 1, tmp_path / "pipe", "give a regular file")
    (tmp_path / "text").write_text("This is a text, not a file of tensors.\n")
    assert_error(run(command, tmp_path / "text"), 1, tmp_path / "text", "not a")


def test_verify_against_something_unreadable(packed: Path, tmp_path: Path) -> None:
    assert_error(
        run("verify", packed, "--against", tmp_path / "missing"), 1, tmp_path / "missing", "no such file"
    )


def test_outputs_that_cannot_be_written(model: Path, packed: Path, tmp_path: Path) -> None:
    for command, path in (("compress", model), ("decompress", packed)):
        missing, below = tmp_path / "missing" / "x", model / "x"
        assert_error(run(command, path, "-o", missing), 1, missing, "no such file or directory")
        assert_error(run(command, path, "-o", below), 1, below, "not a directory")
        if Path("/proc/version").exists():  # refuses new files even to the superuser
            assert_error(run(command, path, "-o", "/proc/x"), 1, "/proc/x")


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_directory(model: Path, tmp_path: Path) -> None:
    directory = tmp_path / "read-only"
    directory.mkdir(mode=0o555)
    result = run("compress", model, "-o", directory)
    assert_error(
        result, 1, directory / "model.safetensors.fewbits", "permission denied; check the permissions"
    )


def test_a_damaged_file(packed: Path, tmp_path: Path) -> None:
    good = packed.read_bytes()
    packed.write_bytes(good[: len(good) // 2])
    for command in ("decompress", "inspect", "verify"):
        options = ["-o", tmp_path / "out"] if command == "decompress" else []
        assert_error(run(command, packed, *options), 1, packed)
    assert not (tmp_path / "out").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = run("inspect", "--debug", tmp_path / "missing")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert "FileNotFoundError" in result.stderr


def test_explanations() -> None:
    text = cli._explain(LimitError("x.fewbits: 5 bytes, limit 4"))
    assert text == "x.fewbits: 5 bytes, limit 4; if you trust the file, raise the limit with --max-bytes"
    assert cli._explain(OSError(errno.ENOSPC, "No space left on device", "a")).startswith(
        "a: no space left on device; nothing was written; free some space"
    )
    assert "run again with --debug and report it" in cli._explain(KeyError("x"))
    assert cli._explain(MemoryError()).startswith("out of memory")


def test_max_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(1_000_000, np.uint8))
    assert run("compress", path).returncode == 0
    packed = f"{path}.fewbits"
    assert_error(run("verify", packed, "--max-bytes", "999k"), 1, packed, "raise the limit with --max-bytes")
    assert run("verify", packed, "--max-bytes", "1000kB").returncode == 0
    assert [cli._byte_count(text) for text in ("7", "2k", "2KiB", "3MB", "1GiB", "2T")] == [
        7,
        2000,
        2048,
        3_000_000,
        1 << 30,
        2 * 10**12,
    ]


# ---- interruptions ----------------------------------------------------------------------------------------

LIMIT_FILE_SIZE = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.npy"
    np.save(path, np.random.default_rng(1).integers(0, 256, 100_000).astype(np.uint8))
    return path


@pytest.mark.parametrize("old", [True, False])
def test_a_full_disk(large: Path, tmp_path: Path, old: bool) -> None:
    packed, out = tmp_path / "large.npy.fewbits", tmp_path / "out.npy"
    assert run("compress", large).returncode == 0
    new = tmp_path / "new.fewbits"
    if old:
        new.write_bytes(b"old")
        out.write_bytes(b"old")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments in (["compress", "-f", large, "-o", new], ["decompress", "-f", packed, "-o", out]):
        command = run_code(LIMIT_FILE_SIZE, *arguments)
        result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert_error(result, 1, arguments[-1], "file too large; nothing was written")
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


# Says "working" in the middle of the work and stays there until a signal comes.
STOP_IN_THE_MIDDLE = """
import contextlib, os, time
import fewbits.cli
@contextlib.contextmanager
def stop(arguments, label):
    def progress(done, total):
        os.write(1, b"working\\n")
        time.sleep(100)
    yield progress
fewbits.cli._progress_bar = stop
"""


def stop_in_the_middle(number: signal.Signals, *arguments: str | Path) -> tuple[int, str]:
    command = run_code(STOP_IN_THE_MIDDLE, *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors.decode()


@pytest.mark.parametrize("old", [True, False])
def test_an_interrupt_leaves_nothing_partial(large: Path, tmp_path: Path, old: bool) -> None:
    packed, out = tmp_path / "large.npy.fewbits", tmp_path / "out"
    assert run("compress", large).returncode == 0
    if old:
        out.write_bytes(b"old")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments in (["compress", large], ["decompress", packed]):
        for number, status, word in (
            (signal.SIGINT, 130, "interrupted"),
            (signal.SIGTERM, 143, "terminated"),
        ):
            found, errors = stop_in_the_middle(number, *arguments, "-f", "-o", out)
            assert found == status
            assert errors == f"fewbits: {word}; no incomplete output is left\n"
            assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("old", [True, False])
def test_a_kill_leaves_the_old_file_or_none(large: Path, tmp_path: Path, old: bool) -> None:
    out = tmp_path / "out"
    if old:
        out.write_bytes(b"old")
    status, _ = stop_in_the_middle(signal.SIGKILL, "compress", large, "-f", "-o", out)
    assert status == -signal.SIGKILL
    assert (out.read_bytes() if old else out.exists()) == (b"old" if old else False)
    # What a killed process left behind does not stand in the way.
    assert run("compress", "-f", large, "-o", out).returncode == 0
    assert run("verify", out, "--against", large).returncode == 0


def test_a_broken_pipe_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "many.fewbits"
    with Writer(path) as writer:
        for i in range(3000):
            writer.add(f"tensor.{i}", np.zeros(1, np.uint8), dtype="uint8", shape=(1,))
    command = [sys.executable, "-m", "fewbits.cli", "inspect", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


# ---- the terminal -----------------------------------------------------------------------------------------


def test_names_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    path = tmp_path / "ü.safetensors"
    tensors = {
        "é€": np.zeros(1, np.int8),
        "\x1b[31mred\n": np.zeros(1, np.int8),
        "層.weight": np.zeros(2, np.int8),
    }
    safetensors.numpy.save_file(tensors, path)
    ascii_terminal = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = run("compress", "-v", path, env=ascii_terminal)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\xe9\\u20ac" in result.stdout
    assert "\\x1b[31mred\\n" in result.stdout
    assert "\x1b" not in result.stdout
    assert_error(run("compress", tmp_path / "ö", env=ascii_terminal), 1, "\\xf6: no such file")
    utf8 = run("inspect", f"{path}.fewbits", env={**os.environ, "PYTHONIOENCODING": "utf-8"}).stdout
    assert "層.weight" in utf8
    # A wide character takes two columns: the cells of its row begin where those of the other rows do.
    rows = {line.split()[0]: line for line in utf8.splitlines()[1:4]}
    assert rows["層.weight"].index("int8") == rows["é€"].index("int8") - 1


def test_long_names_are_shortened_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "model.layers.17." + "very_" * 20 + "long.weight"
    cli._print_table(("tensor", "size"), [[name, "1"], ["層" * 60, "2"]], right=["size"])
    assert name in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    cli._print_table(("tensor", "size"), [[name, "1"], ["層" * 60, "2"]], right=["size"])
    lines = capsys.readouterr().out.splitlines()
    assert [cli._width(line) for line in lines] == [40, 40, 40]
    assert re.fullmatch(r"model\.la\S*\.\.\.\S*long\.weight +1", lines[1])


def test_sizes() -> None:
    values = (0, 999, 1000, 999_949, 999_950, 90_868_376, 2_000_000_000, 10**15)
    assert [cli._size(value) for value in values] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "90.9 MB",
        "2.0 GB",
        "1.0 PB",
    ]


SLOW = """
import time
import fewbits.files
fast = fewbits.files.compress_file
def slow(*arguments, progress, **options):
    def report(done, total):
        progress(done, total)
        time.sleep(0.7)
    return fast(*arguments, progress=report, **options)
fewbits.files.compress_file = slow
"""


def on_a_terminal(command: list[str], columns: int = 100) -> tuple[int, str]:
    """Run a command with stderr on a pseudo-terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24 if columns else 0, columns, 0, 0))
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, stdin=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        return process.wait(), "".join(_read_all(ours))


def _read_all(descriptor: int) -> Iterator[str]:
    try:
        while data := os.read(descriptor, 65536):
            yield data.decode()
    except OSError as error:  # how Linux says that the other side is closed
        if error.errno != errno.EIO:
            raise
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("columns", [100, 60, 0])  # 0: a terminal that does not know its size
def test_progress_is_shown_for_long_work_on_a_terminal(model: Path, columns: int) -> None:
    status, shown = on_a_terminal(run_code(SLOW, "compress", "-f", model), columns)
    assert status == 0
    assert "compressing" in shown
    assert "B/s" in shown  # throughput
    assert re.search(r"\d\d:\d\d<", shown)  # elapsed < remaining


def test_progress_is_not_shown_otherwise(model: Path) -> None:
    assert on_a_terminal(run_code("", "compress", "-f", model)) == (0, "")  # short work
    assert on_a_terminal(run_code(SLOW, "compress", "-f", "-q", model)) == (0, "")
    started = time.monotonic()
    result = subprocess.run(run_code(SLOW, "compress", "-f", model), capture_output=True, check=False)
    assert time.monotonic() - started > 1
    assert (result.returncode, result.stderr) == (0, b"")


def test_main_in_process(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    assert cli.main(["compress", str(model)]) == 0
    assert capsys.readouterr().out.startswith(f"{model} -> ")
    assert cli.main(["--version"]) == 0
    assert cli.main(["nonsense"]) == 2
    assert cli.main(["inspect", str(model) + "x"]) == 1
    assert signal.getsignal(signal.SIGTERM) is handler


def test_running_the_package() -> None:
    command = [sys.executable, "-m", "fewbits", "--version"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert result.stdout == f"fewbits {fewbits.__version__} ({fewbits.isa})\n"


def test_the_installed_command() -> None:
    command = Path(sys.executable).with_name("fewbits")
    if not command.exists():
        pytest.skip("the package is not installed with its script")
    result = subprocess.run([command, "--version"], capture_output=True, encoding="utf-8", check=True)
    assert result.stdout == f"fewbits {fewbits.__version__} ({fewbits.isa})\n"


def test_formats() -> None:
    listing = run("formats").stdout.splitlines()
    assert listing[0].split()[:3] == ["format", "bits", "precision"]
    row = next(line for line in listing if line.startswith("float8_e4m3fn "))
    assert row.split() == ["float8_e4m3fn", "8", "4", "448", "0.015625", "0.001953125", "outer"]
    tables = json.loads(run("formats", "--json").stdout)
    assert {table["name"]: table["max"] for table in tables}["float16"] == 65504


def test_one_format() -> None:
    shown = run("formats", "fp4").stdout
    assert "finite values       15" in shown
    assert shown.splitlines()[-2].split() == ["-6", "-4", "-3", "-2", "-1.5", "-1", "-0.5", "0"]
    assert shown.splitlines()[-1].split() == ["0.5", "1", "1.5", "2", "3", "4", "6"]
    table = json.loads(run("formats", "float16", "--json").stdout)
    assert (table["finite_values"], table["nan_codes"], table["values"]) == (63487, 2046, None)
    assert run("formats", "fp4", "-q").stdout == ""


def test_formats_refuses() -> None:
    unknown = run("formats", "flaot16")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "nearest: float16" in unknown.stderr
    assert run("formats", "--plot", "a.png").returncode == 2


def test_plot_of_a_format(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pip install matplotlib")
    for name in ("fp4", "bfloat16", "int8", "float64", "e8m0"):
        done = run("formats", name, "--plot", tmp_path / "spacing.png", "-q")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "spacing.png").read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib(tmp_path: Path) -> None:
    command = run_code("sys.modules['matplotlib'] = None", "formats", "fp4", "--plot", tmp_path / "x.png")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install matplotlib" in done.stderr
