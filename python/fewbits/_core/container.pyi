# Written by tools/stubs.py; do not edit.
"""Tensors and the .fewbits container."""

from typing import Any

from collections.abc import Sequence
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray

import fewbits._core.core


levels: tuple[Any, ...] = ('fast', 'default', 'max')

verify_levels: tuple[Any, ...] = ('none', 'crc', 'full')

dtypes: tuple[Any, ...] = ...

default_max_bytes: int = 18446744073709551615

def compress_tensor(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], dtype: str, dims: Sequence[int], level: int, threads: int, base: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> bytes: ...

class TensorFrame:
    def __init__(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], max_bytes: int) -> None: ...

    @property
    def entry(self) -> tuple[Any, ...]: ...

    def decode(self, out: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], verify: int, threads: int, base: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> None: ...

class FileWriter:
    def __init__(self, path: object) -> None: ...

    def add_metadata(self, key: str, value: str) -> None: ...

    def begin_tensor(self, name: str, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], dtype: str, dims: Sequence[int], level: int, threads: int, base: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> None:
        """`data` and `base` must stay alive until end_tensor()."""

    def write_blocks(self) -> int: ...

    def end_tensor(self) -> tuple[Any, ...]: ...

    def set_report(self, json: str) -> None: ...

    def finish(self) -> int: ...

    def abort(self) -> None: ...

class FileReader:
    @overload
    def __init__(self, path: bytes, max_bytes: int) -> None: ...

    @overload
    def __init__(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], max_bytes: int) -> None: ...

    @property
    def metadata(self) -> list[Any]: ...

    @property
    def tensors(self) -> list[Any]: ...

    @property
    def report(self) -> str: ...

    @property
    def size(self) -> int: ...

class Tensor:
    def __init__(self, reader: FileReader, position: int, base: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> None: ...

    @property
    def blocks(self) -> int: ...

    def begin_of(self, block: int) -> int:
        """First element of a block."""

    def blocks_of(self, begin: int, end: int) -> tuple[int, int]:
        """The blocks [first, last) that hold elements [begin, end)."""

    def bytes_of(self, first: int, last: int) -> int: ...

    def decode_blocks(self, first: int, last: int, out: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], verify: int, threads: int) -> None: ...

    def copy_blocks(self, first: int, last: int, output: fewbits._core.core.OutputFile, offset: int, verify: int, threads: int) -> None: ...

    def check_hash(self, hash: int) -> None: ...
