# Written by tools/stubs.py; do not edit.
"""Checksums, random numbers, files."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


class OutputFile:
    """A file that appears under its name at commit(), whole, or not at all."""

    def __init__(self, path: bytes) -> None: ...

    def write(self, offset: int, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...

class Xxh64:
    """XXH64 of bytes that come in pieces."""

    def __init__(self, seed: int = 0) -> None: ...

    def update(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    def digest(self) -> int: ...
