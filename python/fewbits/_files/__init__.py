"""Readers and writers of the files around tensors: `.safetensors`, `.npy`, `.npz`.

A reader yields the tensors as little-endian C-order bytes, mapped where the file holds them so, together with
what is needed to write the same file again. That description travels in two reserved keys of the container's
metadata: `fewbits.source` (JSON), and `fewbits.header`, the original safetensors header, only where it cannot
be regenerated. Every other key belongs to the user. Input is hostile: every declared size is checked against
the file before it is used, and pickles are never read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from fewbits._files import npy, safetensors
from fewbits._files.common import Origin, Progress, Source, SourceTensor, check_regular_file, map_file, pieces
from fewbits.container import File
from fewbits.errors import ArgumentError, CorruptDataError

__all__ = [
    "CONTAINER_MAGIC",
    "Origin",
    "Source",
    "SourceTensor",
    "check_regular_file",
    "open_source",
    "pieces",
    "restore",
]

CONTAINER_MAGIC = b"\x89FWB\r\n\x1a\n"


def open_source(path: str | os.PathLike[str]) -> Source:
    """Open a `.safetensors`, `.npy` or `.npz` file; the content decides which it is."""
    path = os.fspath(path)
    data = map_file(path)
    start = bytes(data[:8])
    if start == CONTAINER_MAGIC:
        raise ArgumentError(f"{path}: is a .fewbits file already; use `fewbits decompress` to restore it")
    if start.startswith(b"\x93NUMPY"):
        return npy.read_npy(path, data)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return npy.read_npz(path, data)
    if path.endswith((".npy", ".npz")):
        raise CorruptDataError(f"{path}: does not start like a {path[-4:]} file: damaged, or something else")
    return safetensors.read(path, data)


def restore(
    file: File, origin: Origin, target: str, names: Sequence[str], progress: Progress
) -> tuple[int, str]:
    """Write the tensors `names` of a container as the kind of file they came from.

    Returns the size of `target` and a clause that says how it relates to the original.
    """
    if origin.format == "npy":
        return npy.restore_npy(file, origin, target, progress)
    if origin.format == "npz":
        return npy.restore_npz(file, origin, target, names, progress)
    return safetensors.restore(file, origin, target, names, progress)
