"""In place of CompressAI's coders: its own streams bit for bit, and mixtures without tables.

Needs neither CompressAI nor torch; torch tensors (on the CPU) are taken where given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real
from fewbits._core import coding as _core
from fewbits._interop import as_array, as_bytes, as_integers
from fewbits.coding._messages import decode, encode
from fewbits.coding._parametric import Mixture
from fewbits.errors import ArgumentError

__all__ = [
    "BufferedRansEncoder",
    "GaussianMixtureConditionalFast",
    "MixtureCoder",
    "RansDecoder",
    "RansEncoder",
]


def _integers(function: str, name: str, values: ArrayLike) -> NDArray[np.int32]:
    return as_integers(function, name, values).astype(np.int32, copy=False).reshape(-1)


def _tables(
    function: str, cdfs: Sequence[ArrayLike] | ArrayLike, sizes: ArrayLike, offsets: ArrayLike
) -> tuple[NDArray[np.int32], int, NDArray[np.int32], NDArray[np.int32]]:
    """Tables as one array; rows of different lengths, as CompressAI's lists have them, are filled up."""
    if isinstance(cdfs, (list, tuple)):
        rows = [_integers(function, "cdfs", row) for row in cdfs]
        width = max((row.size for row in rows), default=0)
        table = np.full((len(rows), width), -1, np.int32)
        for i, row in enumerate(rows):
            table[i, : row.size] = row
    else:
        whole: Any = cdfs
        table = as_integers(function, "cdfs", whole).astype(np.int32, copy=False)
        if table.ndim != 2:
            raise ArgumentError(f"{function}: cdfs must have two dimensions, got {table.ndim}")
        width = table.shape[1]
    return (
        table.reshape(-1),
        width,
        _integers(function, "cdfs_sizes", sizes),
        _integers(function, "offsets", offsets),
    )


class BufferedRansEncoder:
    """CompressAI's encoder of that name: symbols over several calls, then `flush`.

    Examples
    --------
    >>> encoder = BufferedRansEncoder()
    >>> cdfs = [[0, 1000, 30000, 60000, 65000, 65536]]
    >>> encoder.encode_with_indexes([0, 1, -40], [0, 0, 0], cdfs, [6], [-2])
    >>> data = encoder.flush()
    >>> RansDecoder().decode_with_indexes(data, [0, 0, 0], cdfs, [6], [-2])
    [0, 1, -40]
    """

    def __init__(self) -> None:
        self._core = _core.CompressAiEncoder()

    def encode_with_indexes(
        self,
        symbols: ArrayLike,
        indexes: ArrayLike,
        cdfs: Sequence[ArrayLike] | ArrayLike,
        cdfs_sizes: ArrayLike,
        offsets: ArrayLike,
    ) -> None:
        """Add symbols.

        Parameters
        ----------
        symbols, indexes : array_like of int, of the same size: values, and the row of the tables for each
        cdfs : rows of cumulative frequencies from 0 to 65536, strictly increasing over their size
        cdfs_sizes, offsets : entries in use and first symbol of each row

        Raises
        ------
        ArgumentError : tables, indexes or sizes that do not fit one another
        """
        function = "coding.compressai.encode_with_indexes"
        self._core.put(
            _integers(function, "symbols", symbols),
            _integers(function, "indexes", indexes),
            *_tables(function, cdfs, cdfs_sizes, offsets),
        )

    def flush(self) -> bytes:
        """The stream; the encoder is then empty again."""
        return self._core.flush()


class RansEncoder:
    """CompressAI's encoder of that name: one call, one stream."""

    def encode_with_indexes(
        self,
        symbols: ArrayLike,
        indexes: ArrayLike,
        cdfs: Sequence[ArrayLike] | ArrayLike,
        cdfs_sizes: ArrayLike,
        offsets: ArrayLike,
    ) -> bytes:
        """The stream of the symbols; arguments as in `BufferedRansEncoder`."""
        encoder = BufferedRansEncoder()
        encoder.encode_with_indexes(symbols, indexes, cdfs, cdfs_sizes, offsets)
        return encoder.flush()


class RansDecoder:
    """CompressAI's decoder of that name."""

    def __init__(self) -> None:
        self._core: _core.CompressAiDecoder | None = None

    def set_stream(self, encoded: Any) -> None:
        """The stream that `decode_stream` reads on in.

        Raises
        ------
        CorruptDataError : no such stream (the original takes an empty one)
        """
        self._core = _core.CompressAiDecoder(as_bytes("coding.compressai.set_stream", "encoded", encoded))

    def decode_stream(
        self,
        indexes: ArrayLike,
        cdfs: Sequence[ArrayLike] | ArrayLike,
        cdfs_sizes: ArrayLike,
        offsets: ArrayLike,
    ) -> list[int]:
        """The next symbols, one for each index.

        Raises
        ------
        ArgumentError : no stream set, or tables that do not fit
        CorruptDataError : the stream ends early
        """
        function = "coding.compressai.decode_stream"
        if self._core is None:
            raise ArgumentError(f"{function}: set_stream must be called first")
        rows = _integers(function, "indexes", indexes)
        out = np.empty(rows.size, np.int32)
        self._core.get(rows, *_tables(function, cdfs, cdfs_sizes, offsets), out)
        values: list[int] = out.tolist()
        return values

    def decode_with_indexes(
        self,
        encoded: Any,
        indexes: ArrayLike,
        cdfs: Sequence[ArrayLike] | ArrayLike,
        cdfs_sizes: ArrayLike,
        offsets: ArrayLike,
    ) -> list[int]:
        """All symbols of a stream.

        Raises
        ------
        CorruptDataError : damage, or a stream of another length (the original does not look)
        """
        self.set_stream(encoded)
        values = self.decode_stream(indexes, cdfs, cdfs_sizes, offsets)
        assert self._core is not None
        self._core.expect_end()
        return values


class MixtureCoder:
    """Latents under Gaussian mixtures, without a table.

    Parameters
    ----------
    K : components
    scale_min, scale_max : scales are moved into this range (in a copy), as CompressAI's models do

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(0, 3, (1, 2, 4, 4)).astype(np.float32)
    >>> means, scales = np.zeros((1, 6, 4, 4), np.float32), np.full((1, 6, 4, 4), 3, np.float32)
    >>> weights = np.full((1, 6, 4, 4), 1 / 3, np.float32)
    >>> coder = MixtureCoder(3)
    >>> data, rounded = coder.compress(y, scales, means, weights)
    >>> bool((coder.decompress(data, scales, means, weights) == np.rint(y)).all())
    True
    """

    def __init__(self, K: int, *, scale_min: float = 0.11, scale_max: float = 256.0) -> None:
        function = "coding.compressai.MixtureCoder"
        self.K = integer(function, "K", K, 1, 16)
        self.scale_min = real(function, "scale_min", scale_min, 0, open_low=True)
        self.scale_max = real(function, "scale_max", scale_max, self.scale_min)

    def _models(
        self, function: str, scales: ArrayLike, means: ArrayLike, weights: ArrayLike
    ) -> list[tuple[Mixture, tuple[int, ...]]]:
        arrays = {}
        for name, values in (("scales", scales), ("means", means), ("weights", weights)):
            array = as_array(function, name, _detach(values), "f").astype(np.float32, copy=False)
            if array.ndim != 4 or array.shape[1] % self.K:
                raise ArgumentError(
                    f"{function}: {name} must have shape (B, K * M, h, w) with K = {self.K}, "
                    f"got {array.shape}"
                )
            arrays[name] = array
        shape = arrays["scales"].shape
        for name, array in arrays.items():
            if array.shape != shape:
                raise ArgumentError(
                    f"{function}: {name} must have the shape of scales, {shape}, got {array.shape}"
                )
        clipped = np.clip(arrays["scales"], np.float32(self.scale_min), np.float32(self.scale_max))
        inner = (self.K, shape[1] // self.K, *shape[2:])
        return [
            (
                Mixture(
                    arrays["weights"][b].reshape(inner),
                    arrays["means"][b].reshape(inner),
                    clipped[b].reshape(inner),
                    normalize=True,
                ),
                inner[1:],
            )
            for b in range(shape[0])
        ]

    def compress(
        self, y: ArrayLike, scales: ArrayLike, means: ArrayLike, weights: ArrayLike
    ) -> tuple[Any, NDArray[np.float32]]:
        """Round latents and code them.

        Parameters
        ----------
        y : array_like of float, shape (B, M, h, w); torch tensors on the CPU are taken
        scales, means, weights : array_like of float, shape (B, K M, h, w), component-major; weights are
        normalised

        Returns
        -------
        data : bytes for B = 1, else a list of B
        y_quantised : ndarray of float32, the rounded latents

        Raises
        ------
        ArgumentError : shapes that do not fit, bad values
        TypeError : a tensor on another device (call ``.cpu()``)
        """
        function = "coding.compressai.MixtureCoder.compress"
        latents = as_array(function, "y", _detach(y), "f").astype(np.float32, copy=False)
        models = self._models(function, scales, means, weights)
        if latents.shape != (len(models), *(models[0][1] if models else ())):
            raise ArgumentError(
                f"{function}: y must have shape (B, M, h, w) as the parameters say, got {latents.shape}"
            )
        rounded = np.rint(latents)
        streams = [encode(rounded[b], model, cast=True) for b, (model, _) in enumerate(models)]
        return (streams[0] if len(streams) == 1 else streams), rounded

    def decompress(
        self, data: Any, scales: ArrayLike, means: ArrayLike, weights: ArrayLike
    ) -> NDArray[np.float32]:
        """The rounded latents, shape (B, M, h, w), float32.

        Raises
        ------
        CorruptDataError : damage, or parameters other than the encoder's
        """
        function = "coding.compressai.MixtureCoder.decompress"
        models = self._models(function, scales, means, weights)
        streams = list(data) if isinstance(data, (list, tuple)) else [data]
        if len(streams) != len(models):
            raise ArgumentError(f"{function}: data must have {len(models)} streams, got {len(streams)}")
        out = [decode(stream, model) for stream, (model, _) in zip(streams, models, strict=False)]
        return np.stack(out).astype(np.float32)


class GaussianMixtureConditionalFast(MixtureCoder):
    """`MixtureCoder` in the call shape of FlashGMM's and CompressAI's ``GaussianMixtureConditional``.

    ``compress`` returns ``((data, abs_max, zero_bitmap), y_quantised)`` and ``decompress`` takes that tuple;
    the last two are informative, the stream says all that is needed.

    Examples
    --------
    >>> GaussianMixtureConditionalFast(3).K
    3
    """

    def compress(
        self, y: ArrayLike, scales: ArrayLike, means: ArrayLike, weights: ArrayLike
    ) -> tuple[Any, NDArray[np.float32]]:
        """As `MixtureCoder.compress`, with the tuple."""
        data, rounded = super().compress(y, scales, means, weights)
        abs_max = int(np.abs(rounded).max(initial=0))
        zero_bitmap = (rounded != 0).any(axis=(0, 2, 3)).astype(np.uint8)
        return (data, abs_max, zero_bitmap), rounded

    def decompress(
        self, data: Any, scales: ArrayLike, means: ArrayLike, weights: ArrayLike
    ) -> NDArray[np.float32]:
        """As `MixtureCoder.decompress`; `data` may be the tuple."""
        if isinstance(data, tuple) and len(data) == 3:
            data = data[0]
        return super().decompress(data, scales, means, weights)


def _detach(x: ArrayLike) -> Any:
    """A torch tensor without its graph, which DLPack refuses."""
    return x.detach() if hasattr(x, "detach") else x
