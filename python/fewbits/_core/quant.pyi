# Written by tools/stubs.py; do not edit.
"""Quantisers."""

from typing import Annotated, overload

import numpy
from numpy.typing import NDArray


@overload
def hadamard_rotate(x: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu')], width: int, block_size: int, seed: int, signs: bool, inverse: bool, threads: int) -> None: ...

@overload
def hadamard_rotate(x: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu')], width: int, block_size: int, seed: int, signs: bool, inverse: bool, threads: int) -> None: ...

def is_hadamard_size(size: int) -> bool: ...
