# Written by tools/stubs.py; do not edit.
"""Entropy coders and coded blocks."""

from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


class Model:
    @staticmethod
    def from_counts(counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, precision: int, all: bool) -> Model: ...

    @staticmethod
    def from_frequencies(frequencies: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, precision: int) -> Model: ...

    @staticmethod
    def from_bytes(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Model: ...

    def to_bytes(self) -> bytes: ...

    @property
    def lo(self) -> int: ...

    @property
    def span(self) -> int: ...

    @property
    def used(self) -> int: ...

    @property
    def precision(self) -> int: ...

    def frequencies(self, out: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order='C', device='cpu')]) -> None:
        """Frequencies of the symbols lo, lo + 1, ..., lo + span - 1."""

    def bits(self, out: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')]) -> None:
        """Cost in bits of the symbols lo, lo + 1, ..., lo + span - 1."""

    def cross_entropy_bits(self, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int) -> float:
        """Bits of a message with these counts of lo, lo + 1, ..."""

    def __eq__(self, other: object, /) -> bool: ...

    @overload
    def encode(self, symbols: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu', writable=False)], lanes: int, checksum: bool, hash: bool, threads: int) -> bytes: ...

    @overload
    def encode(self, symbols: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], lanes: int, checksum: bool, hash: bool, threads: int) -> bytes: ...

    @overload
    def encode(self, symbols: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)], lanes: int, checksum: bool, hash: bool, threads: int) -> bytes: ...

    @overload
    def encode(self, symbols: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu', writable=False)], lanes: int, checksum: bool, hash: bool, threads: int) -> bytes: ...

    @overload
    def encode(self, symbols: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], lanes: int, checksum: bool, hash: bool, threads: int) -> bytes: ...

    @overload
    def decode(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu')], threads: int) -> None: ...

    @overload
    def decode(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu')], threads: int) -> None: ...

    @overload
    def decode(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu')], threads: int) -> None: ...

    @overload
    def decode(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu')], threads: int) -> None: ...

    @overload
    def decode(self, data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], out: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu')], threads: int) -> None: ...

    @overload
    def code_length(self, symbols: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

    @overload
    def code_length(self, symbols: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

    @overload
    def code_length(self, symbols: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

    @overload
    def code_length(self, symbols: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

    @overload
    def code_length(self, symbols: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> float: ...

@overload
def count(symbols: Annotated[NDArray[numpy.int8], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

@overload
def count(symbols: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

@overload
def count(symbols: Annotated[NDArray[numpy.int16], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

@overload
def count(symbols: Annotated[NDArray[numpy.uint16], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

@overload
def count(symbols: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], lo: int, counts: Annotated[NDArray[numpy.uint64], dict(shape=(None,), order='C', device='cpu')]) -> None: ...

def count_symbols(data: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> int:
    """Number of symbols in a message, from its headers."""
