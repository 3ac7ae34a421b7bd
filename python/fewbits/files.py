"""Whole files: compress a `.safetensors`, `.npy` or `.npz` file, restore it, look into it, verify it.

These functions are what the command line calls. They name the file in every error; refusals of the operating
system (missing file, full disk, no permission) are `OSError`. An output file appears under its name when it
is whole and not before: an exception, Ctrl-C or a crash leaves what was there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fewbits._arguments import choice, thread_count
from fewbits._files import (
    CONTAINER_MAGIC,
    Origin,
    Source,
    SourceTensor,
    check_regular_file,
    open_source,
    pieces,
    restore,
)
from fewbits._files.compare import CompareReport, TensorDifference, compare
from fewbits.container import DTYPES, File, TensorInfo, Writer
from fewbits.errors import ArgumentError, CodecError

__all__ = [
    "CODECS",
    "LEVELS",
    "SUFFIX",
    "CompareReport",
    "CompressReport",
    "DecompressReport",
    "FileReport",
    "Problem",
    "TensorDifference",
    "TensorReport",
    "VerifyReport",
    "compare_files",
    "compress_file",
    "decompress_file",
    "inspect_file",
    "verify_file",
]

SUFFIX = ".fewbits"
CODECS = ("lossless",)
LEVELS = ("fast", "default", "max")

Path = str | os.PathLike[str]
# Called with the bytes of raw tensor data that are done, and their total.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class TensorReport:
    """One tensor of a `.fewbits` file, in the words of the file it came from.

    Attributes
    ----------
    name : str
    dtype : str
        Name of the dtype, e.g. ``"float32"``; where fewbits keeps bytes, the original name (``"F4"``).
    shape : tuple of int
    nbytes, stored_bytes : int
        Size of the tensor, and what it takes in the file.
    stages : tuple of str
        The coding pipeline.
    blocks : int
    bits_per_element, ratio : float
        Stored bits per element, and `stored_bytes / nbytes`; 0 and 1 for an empty tensor.
    xxh64 : int
        XXH64 of the raw bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    stored_bytes: int
    stages: tuple[str, ...]
    blocks: int
    xxh64: int

    @property
    def size(self) -> int:
        result = 1
        for dim in self.shape:
            result *= dim
        return result

    @property
    def bits_per_element(self) -> float:
        return 8 * self.stored_bytes / self.size if self.size else 0.0

    @property
    def ratio(self) -> float:
        return self.stored_bytes / self.nbytes if self.nbytes else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "bytes": self.nbytes,
            "stored_bytes": self.stored_bytes,
            "stages": list(self.stages),
            "blocks": self.blocks,
            "bits_per_element": self.bits_per_element,
            "ratio": self.ratio,
            "xxh64": f"{self.xxh64:016x}",
        }


@dataclass(frozen=True)
class FileReport:
    """A `.fewbits` file.

    Attributes
    ----------
    path : str
    format : str
        What it was made from: ``"safetensors"``, ``"npy"``, ``"npz"``; ``""`` where it was saved from Python.
    file_bytes, raw_bytes : int
        Size of the file, and of the tensors in it.
    tensors : tuple of TensorReport
    metadata : mapping of str to str
    left_out : int
        Tensors of the original that were not stored.
    """

    path: str
    format: str
    file_bytes: int
    tensors: tuple[TensorReport, ...]
    metadata: Mapping[str, str]
    left_out: int

    @property
    def raw_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.tensors)

    @property
    def elements(self) -> int:
        return sum(tensor.size for tensor in self.tensors)

    @property
    def bits_per_element(self) -> float:
        return 8 * self.file_bytes / self.elements if self.elements else 0.0

    @property
    def ratio(self) -> float:
        return self.file_bytes / self.raw_bytes if self.raw_bytes else 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "file": self.path,
            "format": self.format or None,
            "file_bytes": self.file_bytes,
            "raw_bytes": self.raw_bytes,
            "elements": self.elements,
            "bits_per_element": self.bits_per_element,
            "ratio": self.ratio,
            "left_out": self.left_out,
            "metadata": dict(self.metadata),
            "tensors": [tensor.as_dict() for tensor in self.tensors],
        }


@dataclass(frozen=True)
class CompressReport:
    """What `compress_file` did: `bits_per_element` and `ratio` are of whole files."""

    input: str
    output: str
    format: str
    input_bytes: int
    output_bytes: int
    elements: int
    tensors: tuple[TensorReport, ...]
    left_out: int
    note: str
    seconds: float

    @property
    def bits_per_element(self) -> float:
        return 8 * self.output_bytes / self.elements if self.elements else 0.0

    @property
    def ratio(self) -> float:
        return self.output_bytes / self.input_bytes

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "input": self.input,
            "output": self.output,
            "format": self.format,
            "input_bytes": self.input_bytes,
            "output_bytes": self.output_bytes,
            "elements": self.elements,
            "bits_per_element": self.bits_per_element,
            "ratio": self.ratio,
            "left_out": self.left_out,
            "note": self.note,
            "seconds": self.seconds,
            "tensors": [tensor.as_dict() for tensor in self.tensors],
        }


@dataclass(frozen=True)
class DecompressReport:
    """What `decompress_file` did."""

    input: str
    output: str
    input_bytes: int
    output_bytes: int
    tensors: int
    left_out: int
    note: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dict(self.__dict__)


class Problem(NamedTuple):
    """Something that `verify_file` found wrong with a tensor, or (`tensor` None) with the file."""

    tensor: str | None
    problem: str


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_file` found; `bytes` is the size of the raw tensors."""

    path: str
    against: str | None
    tensors: int
    bytes: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "file": self.path,
            "against": self.against,
            "ok": self.ok,
            "tensors": self.tensors,
            "bytes": self.bytes,
            "problems": [problem._asdict() for problem in self.problems],
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def compress_file(
    source: Path,
    output: Path | None = None,
    *,
    codec: str = "lossless",
    level: str = "default",
    threads: int | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CompressReport:
    """Compress a `.safetensors`, `.npy` or `.npz` file.

    Parameters
    ----------
    source : path
        The content decides which format it is. Tensors of any dtype are taken; pickles and structured arrays
        are refused.
    output : path, optional
        Default: `source` with ``.fewbits`` appended. An existing directory gets the file under that name.
    codec : ``"lossless"``
    level : ``"fast"``, ``"default"`` or ``"max"``
    threads : int, optional
        Default (and 0): all cores. The file does not depend on it.
    include, exclude : sequence of glob patterns
        Keep only tensors whose name matches one of `include` (where given) and none of `exclude`.
    overwrite : bool
        Replace an existing `output`.
    progress : callable, optional
        Called with (bytes done, bytes in all).

    Returns
    -------
    CompressReport

    Raises
    ------
    ArgumentError
        Unknown codec or level, a pattern of `include` that matches nothing, an existing `output`.
    CorruptDataError
        `source` is damaged or no file of these formats.
    UnsupportedFeatureError
        `source` holds pickles or structured arrays.
    OSError
        The operating system refuses.

    Notes
    -----
    Lossless: `decompress_file` gives the same tensors bit for bit, and for `.safetensors` and `.npy` the same
    file byte for byte. The source is mapped, not loaded.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> path = os.path.join(directory.name, "weights.npy")
    >>> np.save(path, np.ones((100, 100), np.float32))
    >>> report = compress_file(path)
    >>> report.output == path + ".fewbits", report.ratio < 0.05
    (True, True)
    >>> directory.cleanup()
    """
    started = time.perf_counter()
    choice("files.compress_file", "codec", codec, CODECS)
    choice("files.compress_file", "level", level, LEVELS)
    opened = open_source(source)
    kept = _select(opened, include, exclude)
    target = _target(opened.path, output, opened.path + SUFFIX, overwrite)
    advance = _Advance(progress, sum(tensor.nbytes for tensor in kept))
    metadata = opened.container_metadata(kept)
    infos = []
    with (
        _naming(opened.path),
        Writer(target, level=level, threads=thread_count("files", threads, 0), metadata=metadata) as writer,
    ):
        for tensor in kept:
            info = writer.add(
                tensor.name,
                tensor.load(),
                dtype=tensor.dtype,
                shape=tensor.shape,
                original_dtype=tensor.original_dtype if tensor.dtype == "bytes" else "",
                progress=advance,
            )
            infos.append(_tensor_report(info, tensor.original_shape))
        output_bytes = writer.close()
    return CompressReport(
        input=opened.path,
        output=target,
        format=opened.format,
        input_bytes=opened.size,
        output_bytes=output_bytes,
        elements=sum(info.size for info in infos),
        tensors=tuple(infos),
        left_out=len(opened.tensors) - len(kept),
        note=opened.note
        if len(kept) == len(opened.tensors)
        else "decompress gives a file of the tensors kept",
        seconds=time.perf_counter() - started,
    )


def decompress_file(
    source: Path,
    output: Path | None = None,
    *,
    tensors: Sequence[str] = (),
    threads: int | None = None,
    max_bytes: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DecompressReport:
    """Restore the file that `compress_file` was given.

    Parameters
    ----------
    source : path of a `.fewbits` file
    output : path, optional
        Default: `source` without ``.fewbits``. An existing directory gets the file under that name.
    tensors : sequence of str
        Restore only these; default all.
    threads : int, optional
        Default (and 0): all cores.
    max_bytes : int, optional
        Refuse to decode more than this; default 256 times the size of `source` and 64 MiB.
    overwrite : bool
        Replace an existing `output`.
    progress : callable, optional
        Called with (bytes done, bytes in all).

    Returns
    -------
    DecompressReport

    Raises
    ------
    ArgumentError
        An unknown name in `tensors`, an existing `output`, no default for `output`.
    CorruptDataError
        `source` is damaged; nothing is written then.
    LimitError
        More than `max_bytes`.
    OSError
        The operating system refuses.

    Notes
    -----
    Every block is checked by CRC-32C before it is decoded, and the state of the coder after. A `.fewbits`
    file that was saved from Python is written as `.safetensors`.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(directory.name, "weights.npy")
    >>> np.save(path, np.arange(12.0).reshape(3, 4))
    >>> restored = path.with_name("restored.npy")
    >>> report = decompress_file(compress_file(path).output, restored)
    >>> report.note, restored.read_bytes() == path.read_bytes()
    ('byte-identical to the original', True)
    >>> directory.cleanup()
    """
    started = time.perf_counter()
    path = os.fspath(source)
    with _open(path, max_bytes, threads) as file:
        origin = Origin.of(file, path)
        names = _chosen(path, file, tensors)
        default = path.removesuffix(SUFFIX)
        if default == path and output is None:
            raise ArgumentError(f"{path}: the name does not end in {SUFFIX}; give the output a name with -o")
        if origin.format == "" and not default.endswith(".safetensors"):
            default += ".safetensors"
        target = _target(path, output, default, overwrite)
        advance = _Advance(progress, sum(file.tensors[name].nbytes for name in names))
        with _naming(path):
            output_bytes, note = restore(file, origin, target, names, advance)
        return DecompressReport(
            input=path,
            output=target,
            input_bytes=file.size,
            output_bytes=output_bytes,
            tensors=len(names),
            left_out=len(file.tensors) - len(names),
            note=note,
            seconds=time.perf_counter() - started,
        )


def inspect_file(path: Path) -> FileReport:
    """Describe a `.fewbits` file; its tensors are not decoded.

    Parameters
    ----------
    path : path of a `.fewbits` file

    Returns
    -------
    FileReport

    Raises
    ------
    CorruptDataError
        The file is damaged or no `.fewbits` file.
    OSError
        The operating system refuses.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> path = os.path.join(directory.name, "weights.npy")
    >>> np.save(path, np.zeros((3, 4), np.float32))
    >>> inspect_file(compress_file(path).output).tensors[0].shape
    (3, 4)
    >>> directory.cleanup()
    """
    path = os.fspath(path)
    with _open(path, _NO_LIMIT, 1) as file:
        origin = Origin.of(file, path)
        return FileReport(
            path=path,
            format=origin.format,
            file_bytes=file.size,
            tensors=tuple(_tensor_report(info, origin.shape(info)) for info in file.tensors.values()),
            metadata=origin.metadata or {},
            left_out=origin.left_out,
        )


def verify_file(
    path: Path,
    against: Path | None = None,
    *,
    threads: int | None = None,
    max_bytes: int | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Decode every tensor of a `.fewbits` file, check all checksums, and compare with an original.

    Parameters
    ----------
    path : path of a `.fewbits` file
    against : path, optional
        A `.safetensors`, `.npy` or `.npz` file; every tensor must equal its namesake there bit for bit.
    threads : int, optional
        Default (and 0): all cores.
    max_bytes : int, optional
        As for `decompress_file`.
    progress : callable, optional
        Called with (bytes done, bytes in all).

    Returns
    -------
    VerifyReport
        `ok` is whether nothing is wrong; `problems` says what is.

    Raises
    ------
    CorruptDataError
        A file cannot be read at all: not `.fewbits`, or its index is damaged.
    OSError
        The operating system refuses.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> path = os.path.join(directory.name, "weights.npy")
    >>> np.save(path, np.arange(12.0).reshape(3, 4))
    >>> packed = compress_file(path).output
    >>> verify_file(packed, path).ok
    True
    >>> np.save(path, np.arange(12.0).reshape(3, 4) * 2)
    >>> [problem.problem for problem in verify_file(packed, path).problems]
    ['11 of 12 elements differ, the first at [0, 1]']
    >>> directory.cleanup()
    """
    started = time.perf_counter()
    path = os.fspath(path)
    problems: list[Problem] = []
    notes: list[str] = []
    with _open(path, max_bytes, threads) as file:
        origin = Origin.of(file, path)
        original = None if against is None else open_source(against)
        raw = sum(info.nbytes for info in file.tensors.values())
        advance = _Advance(progress, raw if original is None else 2 * raw)
        for name in file.tensors:
            problems += _verify_tensor(file, name, advance)
        if original is not None:
            damaged = {problem.tensor for problem in problems}
            found, notes = _compare(file, origin, original, damaged, advance)
            problems += found
        return VerifyReport(
            path=path,
            against=None if original is None else original.path,
            tensors=len(file.tensors),
            bytes=raw,
            problems=tuple(problems),
            notes=tuple(notes),
            seconds=time.perf_counter() - started,
        )


_NO_LIMIT = (1 << 63) - 1  # for what only reads the index


def compare_files(
    first: Path,
    second: Path,
    *,
    threads: int | None = None,
    max_bytes: int | None = None,
    progress: Progress | None = None,
) -> CompareReport:
    """Errors of every tensor of one file against the tensor of that name in another.

    Parameters
    ----------
    first, second : paths of `.safetensors`, `.npy`, `.npz` or `.fewbits` files
        The first is the reference that errors are relative to.
    threads : int, optional
        For `.fewbits` files; default all CPUs.
    max_bytes : int, optional
        As for `verify_file`.
    progress : callable, optional
        Called with the bytes of tensors that are done, and their total.

    Returns
    -------
    CompareReport

    Raises
    ------
    ArgumentError, CodecError, OSError
        As for `compress_file` and `verify_file`; messages name the file.

    Notes
    -----
    Differences are taken in float64. A whole tensor of each file is in memory at a time.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> directory = tempfile.TemporaryDirectory()
    >>> a, b = (os.path.join(directory.name, name) for name in ("a.npy", "b.npy"))
    >>> np.save(a, np.ones(10, np.float32)); np.save(b, np.full(10, 1.01, np.float16))
    >>> report = compare_files(a, b)
    >>> report.tensors[0].dtypes, round(report.sqnr_db, 1), report.identical
    (('float32', 'float16'), 40.2, False)
    >>> directory.cleanup()
    """
    paths = os.fspath(first), os.fspath(second)
    opened: list[File | Source] = []
    for path in paths:
        check_regular_file(path)
        with open(path, "rb") as stream:
            is_container = stream.read(8) == CONTAINER_MAGIC
        opened.append(_open(path, max_bytes, threads) if is_container else open_source(path))
    return compare(paths, (opened[0], opened[1]), progress or (lambda done, total: None))


class _Advance:
    """Turns the increments of the container into (done, total) of a whole file."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def __call__(self, nbytes: int) -> None:
        self._done += nbytes
        if self._progress is not None:
            self._progress(self._done, self._total)


def _open(path: str, max_bytes: int | None, threads: int | None) -> File:
    check_regular_file(path)
    # Without this a user who mixes up the two commands would read about a bad magic number.
    with open(path, "rb") as stream:
        start = stream.read(8)
    if start[:6] == b"\x93NUMPY" or start[:2] == b"PK" or path.endswith((".safetensors", ".npy", ".npz")):
        raise ArgumentError(f"{path}: not a {SUFFIX} file; make one with `fewbits compress`")
    with _naming(path):
        return File(path, max_bytes=max_bytes, verify="full", threads=thread_count("files", threads, 0))


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors of the container are about tensors and bytes: say which file they are in."""
    try:
        yield
    except (ArgumentError, CodecError) as error:
        if path in str(error):
            raise
        # The container does not know its name and calls itself "file".
        raise type(error)(f"{path}: {str(error).removeprefix('file: ')}") from error


def _target(source: str, output: Path | None, default: str, overwrite: bool) -> str:
    target = default if output is None else os.fspath(output)
    if os.path.isdir(target):
        target = os.path.join(target, os.path.basename(default))
    if os.path.exists(target) and os.path.samefile(source, target):
        raise ArgumentError(f"{target}: is the input itself; choose another output with -o")
    if os.path.lexists(target) and not overwrite:
        raise ArgumentError(f"{target}: exists already; use --force to replace it, or -o for another name")
    return target


def _near(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names)[:10_000], 3, 0.4)
    return f"; near it: {', '.join(near)}" if near else ""


def _select(source: Source, include: Sequence[str], exclude: Sequence[str]) -> list[SourceTensor]:
    names = [tensor.name for tensor in source.tensors]
    for pattern in include:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ArgumentError(f"{source.path}: no tensor matches {pattern!r}{_near(pattern, names)}")

    def wanted(name: str) -> bool:
        kept = not include or any(fnmatchcase(name, pattern) for pattern in include)
        return kept and not any(fnmatchcase(name, pattern) for pattern in exclude)

    kept = [tensor for tensor in source.tensors if wanted(tensor.name)]
    if names and not kept:
        raise ArgumentError(f"{source.path}: the patterns leave out all of its {len(names)} tensors")
    return kept


def _chosen(path: str, file: File, tensors: Sequence[str]) -> list[str]:
    for name in tensors:
        if name not in file.tensors:
            raise ArgumentError(f"{path}: no tensor {name!r}{_near(name, file.tensors)}")
    return [name for name in file.tensors if name in tensors] if tensors else list(file.tensors)


def _tensor_report(info: TensorInfo, shape: tuple[int, ...]) -> TensorReport:
    return TensorReport(
        name=info.name,
        dtype=info.original_dtype or info.dtype,
        shape=shape,
        nbytes=info.nbytes,
        stored_bytes=info.stored_bytes,
        stages=info.stages,
        blocks=info.blocks,
        xxh64=info.xxh64,
    )


def _verify_tensor(file: File, name: str, advance: _Advance) -> list[Problem]:
    try:
        file.verify(name, progress=advance)
    except CodecError as error:
        return [Problem(name, str(error).removeprefix(f"tensor '{name}': "))]
    return []


def _compare(
    file: File, origin: Origin, original: Source, damaged: Collection[str | None], advance: _Advance
) -> tuple[list[Problem], list[str]]:
    """Problems and notes; tensors that are known to be damaged are not compared."""
    problems: list[Problem] = []
    notes: list[str] = []
    if dict(origin.metadata or {}) != dict(original.metadata):
        problems.append(Problem(None, "the metadata differ"))
    theirs = {tensor.name: tensor for tensor in original.tensors}
    for name, info in file.tensors.items():
        if name not in theirs:
            problems.append(Problem(name, "not in the original"))
        elif name not in damaged:
            difference = _difference(file, info, origin.shape(info), theirs[name], advance)
            if difference:
                problems.append(Problem(name, difference))
    missing = [name for name in theirs if name not in file.tensors]
    if missing and len(missing) == origin.left_out:
        notes.append(f"{len(missing)} tensors of the original were left out when it was compressed")
    else:
        problems += [Problem(name, "only in the original") for name in missing]
    return problems, notes


def _difference(
    file: File, info: TensorInfo, shape: tuple[int, ...], tensor: SourceTensor, advance: _Advance
) -> str:
    """What tells the stored tensor from the original one; empty where nothing does."""
    stored_dtype = info.original_dtype or info.dtype
    original_dtype = tensor.original_dtype if tensor.dtype == "bytes" else tensor.dtype
    if stored_dtype != original_dtype:
        return f"dtype {stored_dtype}, in the original {original_dtype}"
    if shape != tensor.original_shape:
        return f"shape {list(shape)}, in the original {list(tensor.original_shape)}"
    if info.nbytes != tensor.nbytes:
        return f"{info.nbytes} bytes, in the original {tensor.nbytes}"
    itemsize = DTYPES[info.dtype]
    original = tensor.load()
    position = count = 0
    first = -1
    for piece in pieces(file, info.name):
        unequal = _unequal_elements(piece, original[position : position + piece.size], itemsize)
        if unequal.size:
            first = position // itemsize + int(unequal[0]) if first < 0 else first
            count += unequal.size
        position += piece.size
        advance(piece.size)
    if not count:
        return ""
    if info.dtype == "bytes":
        return f"{count} of {info.nbytes} bytes differ, the first at byte {first}"
    index = [int(i) for i in np.unravel_index(first, info.shape)]
    return f"{count} of {info.nbytes // itemsize} elements differ, the first at {index}"


def _unequal_elements(a: NDArray[np.uint8], b: NDArray[np.uint8], itemsize: int) -> NDArray[np.intp]:
    if np.array_equal(a, b):
        return np.empty(0, np.intp)
    return np.flatnonzero((a != b).reshape(-1, itemsize).any(axis=1))
