"""Quantisers: fewer bits for each number, and what prepares tensors for that."""

from __future__ import annotations

from fewbits.quant._block_scaled import QTensor, QuantReport, quantize
from fewbits.quant._codebook import KMeans1d, codebook_decode, codebook_encode, kmeans1d
from fewbits.quant._hadamard import hadamard_rotate
from fewbits.quant._matrix import MatrixReport, compress_matrix, decompress_matrix

__all__ = [
    "KMeans1d",
    "MatrixReport",
    "QTensor",
    "QuantReport",
    "codebook_decode",
    "codebook_encode",
    "compress_matrix",
    "decompress_matrix",
    "hadamard_rotate",
    "kmeans1d",
    "quantize",
]
