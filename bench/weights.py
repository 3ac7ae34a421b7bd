"""What the weight benches share: the data sets, and the peers behind one interface."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOAT8 = np.dtype(ml_dtypes.float8_e4m3fn)


def synthetic(rows: int = 2048, columns: int = 2048) -> dict[str, NDArray[Any]]:
    """A matrix of Gaussian rows with log-normal scales, in four dtypes."""
    rng = np.random.default_rng(0)
    scales = np.exp(rng.normal(0, 0.3, (rows, 1)))
    weights = (rng.normal(0, 1, (rows, columns)) * 0.02 * scales).astype(np.float32)
    peaks = np.abs(weights).max(axis=1, keepdims=True)
    return {
        "bfloat16": weights.astype(BFLOAT16),
        "float16": weights.astype(np.float16),
        "float32": weights,
        "float8_e4m3fn": (weights * (448 / peaks)).astype(FLOAT8),
    }


def minilm_path() -> Path | None:
    """MiniLM-L6 in the cache of `fewbits demo`, or None where the demo has not fetched it yet."""
    from fewbits.demo import CACHED, cache_directory

    path = cache_directory() / CACHED
    return path if path.is_file() else None


def read_safetensors(path: Path) -> list[NDArray[np.float32]]:
    """The float32 tensors of a file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = []
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            tensors.append(np.frombuffer(data[start:stop], np.float32).reshape(entry["shape"]))
    return tensors


@dataclass(frozen=True)
class Codec:
    """A way to compress the tensors of a model; `compress` and `decompress` use one thread."""

    name: str
    package: str
    prepare: Callable[[list[NDArray[Any]]], Any]
    """What `compress` takes. Called outside the timed region: some peers overwrite their input."""
    compress: Callable[[Any], Any]
    decompress: Callable[[Any], Any]
    size: Callable[[Any], int]
    restored: Callable[[Any], bytes]
    """Bytes of what `decompress` returned."""
    overwrites: bool = False
    slow: bool = False


def joined(tensors: list[NDArray[Any]]) -> bytes:
    return b"".join(tensor.tobytes() for tensor in tensors)


def fewbits_codec(level: str) -> Codec:
    """Ours, tensor by tensor: what a file holds is the sum of it."""
    import fewbits

    return Codec(
        name=f"fewbits {level}",
        package="fewbits",
        prepare=lambda tensors: tensors,
        compress=lambda tensors: [fewbits.compress_array(t, level=level, threads=1) for t in tensors],
        decompress=lambda data: [fewbits.decompress_array(d, threads=1) for d in data],
        size=lambda data: sum(map(len, data)),
        restored=joined,
    )


def peer_codecs(dtype: np.dtype[Any]) -> dict[str, Callable[[], Codec]]:
    """Peers that take the dtype, by name, made on demand: those not installed raise ImportError.

    All get the whole model as one buffer, which suits them best.
    """
    zipnn_names = {BFLOAT16: "bfloat16", np.dtype(np.float16): "float16", np.dtype(np.float32): "float32"}
    # pcodec knows float16 and float32; bfloat16 goes as 16-bit integers.
    pcodec_views = {BFLOAT16: np.uint16, np.dtype(np.float16): np.float16, np.dtype(np.float32): np.float32}

    def zipnn() -> Codec:
        import zipnn as module

        coder = module.ZipNN(input_format="byte", bytearray_dtype=zipnn_names[dtype], threads=1)
        return Codec(
            name="zipnn",
            package="zipnn",
            prepare=lambda tensors: bytearray(joined(tensors)),
            compress=coder.compress,
            decompress=coder.decompress,
            size=len,
            restored=bytes,
            overwrites=True,
        )

    def zstd(level: int) -> Callable[[], Codec]:
        def make() -> Codec:
            import zstandard

            return Codec(
                name=f"zstd -{level}",
                package="zstandard",
                prepare=joined,
                compress=zstandard.ZstdCompressor(level=level).compress,
                decompress=zstandard.ZstdDecompressor().decompress,
                size=len,
                restored=bytes,
                slow=level > 10,
            )

        return make

    def blosc() -> Codec:
        import blosc2

        options = {
            "codec": blosc2.Codec.ZSTD,
            "clevel": 5,
            "filters": [blosc2.Filter.BITSHUFFLE],
            "typesize": dtype.itemsize,
            "nthreads": 1,
        }
        return Codec(
            name="blosc2 bitshuffle+zstd",
            package="blosc2",
            prepare=joined,
            compress=lambda data: blosc2.compress2(data, **options),
            decompress=lambda data: blosc2.decompress2(data, nthreads=1),
            size=len,
            restored=bytes,
        )

    def pco() -> Codec:
        from pcodec import ChunkConfig, standalone

        return Codec(
            name="pcodec",
            package="pcodec",
            prepare=lambda tensors: np.frombuffer(joined(tensors), pcodec_views[dtype]),
            compress=lambda array: standalone.simple_compress(array, ChunkConfig()),
            decompress=standalone.simple_decompress,
            size=len,
            restored=lambda array: array.tobytes(),
        )

    return {
        **({"zipnn": zipnn} if dtype in zipnn_names else {}),
        "zstd -3": zstd(3),
        "zstd -19": zstd(19),
        "blosc2 bitshuffle+zstd": blosc,
        **({"pcodec": pco} if dtype in pcodec_views else {}),
    }
