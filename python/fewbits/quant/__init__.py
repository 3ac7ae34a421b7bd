"""Quantisers: fewer bits for each number, and what prepares tensors for that."""

from __future__ import annotations

from fewbits.quant._hadamard import hadamard_rotate

__all__ = ["hadamard_rotate"]
