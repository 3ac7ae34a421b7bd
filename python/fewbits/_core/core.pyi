# Written by tools/stubs.py; do not edit.
"""Checksums, random numbers, files."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


def crc32c(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], crc: int = 0) -> int:
    """CRC-32C of `data`, continuing from the CRC of what came before it."""

def xxh64(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], seed: int = 0) -> int:
    """XXH64 of `data`."""

def philox_fill(seed: int, stream: int, first: int, out: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]) -> None:
    """
    Fills `out` with the 32-bit Philox4x32-10 draws `first`, `first` + 1, ... of a stream of a seed.
    """

class OutputFile:
    """A file that appears under its name at commit(), whole, or not at all."""

    def __init__(self, path: object) -> None: ...

    def write(self, offset: int, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...

class Xxh64:
    """XXH64 of bytes that come in pieces."""

    def __init__(self, seed: int = 0) -> None: ...

    def update(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def digest(self) -> int: ...
