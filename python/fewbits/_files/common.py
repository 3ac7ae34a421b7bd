"""What the readers and writers of foreign files share: mapped input, scratch space, the description of a
source file inside a container, and output that appears only when it is whole."""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewbits.container import DTYPES, File, TensorInfo
from fewbits.errors import CorruptDataError, UnsupportedFeatureError

if TYPE_CHECKING:
    from fewbits._core.core import OutputFile


FORMATS = ("safetensors", "npy", "npz")
SOURCE_KEY = "fewbits.source"
HEADER_KEY = "fewbits.header"
MAX_NAME_BYTES = 4000  # the 4096 of a container, less the prefix of its own keys about a tensor
MAX_NDIM = 16
PIECE_BYTES = 1 << 24
_SCRATCH_IN_MEMORY = 1 << 26

Bytes = NDArray[np.uint8]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class SourceTensor:
    """A tensor of an input file: how it is stored in a container, and how the input file calls it."""

    name: str
    dtype: str  # a name of fewbits.container.DTYPES
    shape: tuple[int, ...]  # in elements of `dtype`; of `original_dtype` where that is "bytes"
    original_dtype: str  # in the words of the input file (little-endian, for numpy)
    original_shape: tuple[int, ...]
    nbytes: int
    load: Callable[[], Bytes]  # little-endian, C order; mapped where possible


@dataclass(frozen=True)
class Source:
    """An opened input file."""

    path: str
    format: str
    size: int
    tensors: tuple[SourceTensor, ...]
    metadata: Mapping[str, str]
    description: Mapping[str, Any]  # what `restore` needs besides the tensors
    header: str | None  # the original header where the description does not regenerate it
    note: str  # what a restored file will be

    def container_metadata(self, kept: Sequence[SourceTensor]) -> dict[str, str]:
        """Metadata of a container that holds the tensors `kept` of this file."""
        description: dict[str, Any] = {"format": self.format, **self.description}
        names = {tensor.name for tensor in kept}
        if "arrays" in description:
            description["arrays"] = {k: v for k, v in description["arrays"].items() if k in names}
        shapes = {t.name: list(t.original_shape) for t in kept if t.original_shape != t.shape}
        if shapes:
            description["shapes"] = shapes
        left_out = len(self.tensors) - len(kept)
        if left_out:
            description["left_out"] = left_out
        metadata = {key: value for key, value in self.metadata.items() if _is_storable(key, value)}
        if len(metadata) != len(self.metadata):
            description["metadata"] = dict(self.metadata)
        if not left_out and self.header is not None:
            metadata[HEADER_KEY] = self.header
        metadata[SOURCE_KEY] = json.dumps(description, ensure_ascii=False, separators=(",", ":"))
        return metadata


def _is_storable(key: str, value: str) -> bool:
    """Whether a container can hold this metadata item as it is; else only the description has it."""
    if key.startswith("fewbits.") or "\0" in key or "\0" in value:
        return False
    return 0 < len(key.encode()) <= MAX_NAME_BYTES and len(value) < 1 << 28


def check_regular_file(path: str) -> None:
    """Refuse what cannot be mapped, and what would block when it is opened (a pipe), and empty files."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.ESPIPE, "not a regular file", path)
    if status.st_size == 0:
        raise CorruptDataError(f"{path}: the file is empty")


def map_file(path: str) -> Bytes:
    """The whole file, mapped read-only."""
    check_regular_file(path)
    return np.memmap(path, np.uint8, "r").view(np.ndarray)


def number_of_elements(shape: Iterable[int]) -> int:
    # A hostile shape may have millions of factors: stop once it is past any file size.
    dims = list(shape)
    if 0 in dims:
        return 0
    size = 1
    for dim in dims:
        size *= dim
        if size > 1 << 64:
            return size
    return size


def scratch(nbytes: int) -> Bytes:
    """A writable buffer; a large one is a mapped temporary file, so that it need not stay in memory."""
    if nbytes <= _SCRATCH_IN_MEMORY:
        return np.empty(nbytes, np.uint8)
    with tempfile.TemporaryFile(prefix="fewbits-") as file:
        # Reserve the space: writing to a hole on a full disk would end the process with SIGBUS.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, nbytes)
        else:
            file.truncate(nbytes)
        return np.memmap(file, np.uint8, "r+", shape=(nbytes,)).view(np.ndarray)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key!r} appears twice")
            seen.add(key)
    return result


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def json_object(text: str) -> dict[str, Any]:
    """Parse strict JSON with unique keys; any defect is a ValueError."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


@dataclass(frozen=True)
class Origin:
    """Where the tensors of a container came from, as far as it says."""

    path: str  # of the container, for messages
    format: str  # one of FORMATS, or "" for a container that no file was compressed into
    metadata: Mapping[str, str] | None  # of the user; None where the original had none
    header: str | None
    shapes: Mapping[str, tuple[int, ...]]  # where the original shape is not the stored one
    arrays: Mapping[str, str] = field(default_factory=dict)  # .npy headers
    compression: str = "stored"
    left_out: int = 0

    @classmethod
    def of(cls, file: File, path: str) -> Origin:
        user = {key: value for key, value in file.metadata.items() if not key.startswith("fewbits.")}
        text = file.metadata.get(SOURCE_KEY)
        if text is None:
            return cls(path, "", user or None, None, {})
        try:
            source = json_object(text)
            origin = cls(
                path=path,
                format=source["format"],
                metadata=source.get("metadata", user or None),
                header=file.metadata.get(HEADER_KEY),
                shapes={name: tuple(shape) for name, shape in source.get("shapes", {}).items()},
                arrays=source.get("arrays", {}),
                compression=source.get("compression", "stored"),
                left_out=source.get("left_out", 0),
            )
            sound = (
                isinstance(origin.format, str)
                and (origin.metadata is None or _is_text_map(origin.metadata))
                and _is_text_map(origin.arrays)
                and all(is_size(dim) for shape in origin.shapes.values() for dim in shape)
                and origin.compression in ("stored", "deflated")
                and is_size(origin.left_out)
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            raise CorruptDataError(f"{path}: the description of its source file is damaged")
        if origin.format not in FORMATS:
            raise UnsupportedFeatureError(
                f"{path}: was made from a {origin.format!r:.40} file, which this fewbits cannot write"
            )
        return origin

    def shape(self, info: TensorInfo) -> tuple[int, ...]:
        return self.shapes.get(info.name, info.shape)


def _is_text_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(v, str) and is_utf8(v) for v in value.values())


@contextmanager
def output_file(path: str) -> Iterator[OutputFile]:
    """A file that appears at `path` when the block ends without an exception, and else not at all."""
    from fewbits._core.core import OutputFile

    output = OutputFile(os.fsencode(path))
    try:
        yield output
        output.commit()
    except BaseException:
        output.abort()
        raise


def flat_bytes(array: NDArray[Any]) -> Bytes:
    """The bytes of an array in C order, a view where it is contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def pieces(file: File, name: str) -> Iterator[Bytes]:
    """The bytes of a tensor in C order, a few MiB at a time."""
    info = file.tensors[name]
    if info.dtype == "bytes":
        # Of unknown structure, so that it cannot be read in parts.
        data = flat_bytes(file.read(name))
        for start in range(0, data.size, PIECE_BYTES):
            yield data[start : start + PIECE_BYTES]
        return
    for index in piece_indices(info.shape, DTYPES[info.dtype]):
        yield flat_bytes(file.read(name, index))


def piece_indices(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[int | slice, ...]]:
    """Indices that cut an array into pieces that follow one another in C order."""
    if math.prod(shape) == 0:
        return
    if not shape:
        yield ()
        return
    row_bytes = itemsize * math.prod(shape[1:])
    if row_bytes > PIECE_BYTES:
        for row in range(shape[0]):
            for rest in piece_indices(shape[1:], itemsize):
                yield (row, *rest)
        return
    rows = max(1, PIECE_BYTES // row_bytes)
    for start in range(0, shape[0], rows):
        yield (slice(start, min(start + rows, shape[0])),)
