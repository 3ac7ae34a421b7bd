"""Tensors as compressed bytes, and the ``.fewbits`` file of many tensors.

Everything here is lossless: every bit of every element comes back, NaN payloads and negative zeros included.
The same input and options give the same bytes on every machine and for any number of threads.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fewbits._arguments import choice, integer, output, thread_count
from fewbits._core import container as _core
from fewbits._core.core import Xxh64
from fewbits.errors import ArgumentError

if TYPE_CHECKING:
    from fewbits._core.core import OutputFile

__all__ = ["DTYPES", "File", "TensorInfo", "Writer", "compress_array", "decompress_array", "open", "save"]

DTYPES: Final[Mapping[str, int]] = dict(_core.dtypes)
"""Item size in bytes of every element type of the format; ``"bytes"`` stands for everything else."""

Progress = Callable[[int], None]
"""Called with the number of (uncompressed) bytes done since the last call."""

# Metadata under this prefix describe tensors of types that the format itself does not have.
_TENSOR_PREFIX = "fewbits.tensor."


# ---- arguments ------------------------------------------------------------------------------------------


def _max_bytes(function: str, max_bytes: int | None) -> int:
    if max_bytes is None:
        return int(_core.default_max_bytes)
    return min(integer(function, "max_bytes", max_bytes, 0, 1 << 64), int(_core.default_max_bytes) - 1)


def _numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a fewbits dtype; without ml_dtypes its types come as their unsigned codes."""
    if name == "bytes":
        return np.dtype(np.uint8)
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype(f"uint{8 * DTYPES[name]}")
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def _flat_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The bytes of a C-contiguous array, not copied. (reshape: views refuse 0-d arrays.)"""
    return array.reshape(-1).view(np.uint8)


def _as_tensor(function: str, x: Any) -> tuple[NDArray[np.uint8], str, tuple[int, ...], str]:
    """Any array as (bytes in C order, little-endian; fewbits dtype; shape; original dtype)."""
    if type(x).__module__.partition(".")[0] == "torch":
        return _from_torch(function, x)
    if not isinstance(x, np.ndarray | np.generic) and hasattr(x, "__dlpack__"):
        x = np.from_dlpack(x)
    array = np.asarray(x)
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{function}: masked arrays are not supported; pass .filled(...) or .data")
    dtype = array.dtype
    special = (
        dtype.hasobject or dtype.fields is not None or dtype.subdtype is not None or dtype.kind in "USVmM"
    )
    # ml_dtypes are of kind V as well, but have a name of their own.
    if special and dtype.name not in DTYPES:
        raise TypeError(f"{function}: arrays of dtype {dtype} are not supported")
    shape = tuple(array.shape)
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    flat = _flat_bytes(np.ascontiguousarray(array))
    if dtype.name in DTYPES:
        return flat, dtype.name, shape, ""
    return flat, "bytes", shape, dtype.name


def _from_torch(function: str, x: Any) -> tuple[NDArray[np.uint8], str, tuple[int, ...], str]:
    import torch

    if x.device.type != "cpu":
        raise TypeError(f"{function}: the tensor is on {x.device}; pass tensor.cpu()")
    x = x.detach().contiguous()
    name = str(x.dtype).removeprefix("torch.")
    # DLPack has no bfloat16 that NumPy reads: the bytes cross, the type goes by name.
    flat = np.from_dlpack(x.reshape(-1).view(torch.uint8)).view(np.uint8)
    if name in DTYPES:
        return flat, name, tuple(x.shape), ""
    return flat, "bytes", tuple(x.shape), name


# ---- single arrays --------------------------------------------------------------------------------------


def compress_array(x: Any, *, level: str = "default", threads: int | None = None, base: Any = None) -> bytes:
    """Compress an array losslessly into a byte string that knows its shape and dtype.

    Parameters
    ----------
    x : array_like, any shape
        NumPy array of booleans, integers or floats, ml_dtypes array, torch CPU tensor, or anything with
        ``__dlpack__``. Strided and byte-swapped arrays come back in C order and native byte order.
    level : {"fast", "default", "max"}
        ``"fast"`` codes exponents with a table for each block; ``"default"`` looks at the whole tensor for
        tables, row classes and the best split; ``"max"`` tries more.
    threads : int, optional
        1 if not given; 0 uses every CPU. The result does not depend on it.
    base : array_like, optional
        An array of the same shape and dtype (an earlier checkpoint): the difference is coded. Decoding
        needs it.

    Returns
    -------
    bytes
        At most 0.1 % + 64 bytes longer than the array's own bytes.

    Raises
    ------
    TypeError
        For object, structured, string, time and complex dtypes.
    ArgumentError
        For an unknown level, a negative number of threads, or a base of another shape or dtype.

    References
    ----------
    .. [1] M. Hershcovitch et al., "ZipNN: Lossless Compression for AI Models", arXiv:2411.05239.
    .. [2] J. Duda, "Asymmetric numeral systems", arXiv:1311.2540.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(0, 0.02, (256, 256)).astype(np.float32)
    >>> data = compress_array(x)
    >>> len(data) < 0.85 * x.nbytes
    True
    >>> bool((decompress_array(data).view(np.uint32) == x.view(np.uint32)).all())
    True
    """
    level_index = choice("compress_array", "level", level, _core.levels)
    flat, dtype, shape, original = _as_tensor("compress_array", x)
    if original:
        raise TypeError(
            f"compress_array: arrays of dtype {original} are not supported; view them as real numbers"
        )
    base_flat = None if base is None else _as_base("compress_array", base, dtype, shape)
    return bytes(
        _core.compress_tensor(
            flat, dtype, shape, level_index, thread_count("compress_array", threads, 1), base_flat
        )
    )


def decompress_array(
    data: Any,
    *,
    base: Any = None,
    max_bytes: int | None = None,
    verify: str = "crc",
    threads: int | None = None,
) -> NDArray[Any]:
    """Decompress what :func:`compress_array` made.

    Parameters
    ----------
    data : bytes-like
    base : array_like, optional
        The array that was given as `base` to :func:`compress_array`.
    max_bytes : int, optional
        Refuse to decode to more than this; by default 256 times ``len(data)`` plus 64 MiB.
    verify : {"crc", "full", "none"}
        ``"crc"`` checks every compressed block before it is decoded, ``"full"`` the decoded array as well.
        Bounds and the coder's end state are checked always.
    threads : int, optional
        1 if not given; 0 uses every CPU.

    Returns
    -------
    ndarray
        C-contiguous. bfloat16 and float8 need the package ml_dtypes; without it their codes come as unsigned
        integers.

    Raises
    ------
    CorruptDataError
        The data are damaged or are no such byte string.
    ParameterMismatchError
        `base` is missing or another one.
    UnsupportedFeatureError, LimitError

    Examples
    --------
    >>> import numpy as np
    >>> decompress_array(compress_array(np.arange(5, dtype=np.int16)))
    array([0, 1, 2, 3, 4], dtype=int16)
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    frame = _core.TensorFrame(buffer, _max_bytes("decompress_array", max_bytes))
    info = _info(frame.entry, {})
    base_flat = None if base is None else _as_base("decompress_array", base, info.dtype, info.shape)
    out = np.empty(info.shape, _numpy_dtype(info.dtype))
    frame.decode(
        _flat_bytes(out),
        choice("decompress_array", "verify", verify, _core.verify_levels),
        thread_count("decompress_array", threads, 1),
        base_flat,
    )
    return out


def _as_base(function: str, base: Any, dtype: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    flat, base_dtype, base_shape, _ = _as_tensor(function, base)
    if (base_dtype, base_shape) != (dtype, shape):
        raise ArgumentError(
            f"{function}: base must be {dtype} of shape {shape}, got {base_dtype} of shape {base_shape}"
        )
    return flat


# ---- files ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TensorInfo:
    """What a file says of one tensor without decoding it."""

    name: str
    dtype: str
    """fewbits dtype, see `DTYPES`."""
    shape: tuple[int, ...]
    nbytes: int
    """Bytes of the tensor."""
    stored_bytes: int
    """Bytes of its compressed blocks."""
    stages: tuple[str, ...]
    blocks: int
    xxh64: int
    """XXH64 (seed 0) of the tensor's bytes."""
    original_dtype: str = ""
    """Name of the dtype in the source where `dtype` is ``"bytes"``."""

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bits_per_element(self) -> float:
        """Stored bits for each element (nan for an empty tensor)."""
        return 8 * self.stored_bytes / self.size if self.size else math.nan

    @property
    def ratio(self) -> float:
        """Stored bytes over raw bytes (nan for an empty tensor)."""
        return self.stored_bytes / self.nbytes if self.nbytes else math.nan


def _info(entry: Any, metadata: Mapping[str, str]) -> TensorInfo:
    name, dtype, dims, stored, stages, blocks, xxh64 = entry
    nbytes = math.prod(dims) * DTYPES[dtype]
    shape, original = tuple(dims), ""
    if dtype == "bytes" and (described := metadata.get(_TENSOR_PREFIX + name)) is not None:
        try:
            description = json.loads(described)
            original = str(description["dtype"])
            shape = tuple(int(n) for n in description["shape"])
        except (ValueError, KeyError, TypeError):
            original = ""  # informative only: the bytes are the tensor
    return TensorInfo(name, dtype, shape, nbytes, stored, tuple(stages), blocks, xxh64, original)


class Writer:
    """Write a ``.fewbits`` file tensor by tensor.

    Nothing appears at `path` before :meth:`close` succeeds; an exception inside ``with`` leaves what was
    there.

    Parameters
    ----------
    path : path-like
    level : {"fast", "default", "max"}
        See :func:`compress_array`.
    threads : int, optional
        All CPUs if not given. The file does not depend on it.
    metadata : mapping of str to str, optional
        Stored with the file, in order.

    Examples
    --------
    >>> import numpy as np
    >>> with Writer("weights.fewbits", metadata={"epoch": "3"}) as file:
    ...     info = file.add("bias", np.zeros(1000, np.float32))
    >>> info.nbytes, info.stored_bytes < 100
    (4000, True)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        level: str = "default",
        threads: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._level = choice("Writer", "level", level, _core.levels)
        self._thread_count = thread_count("Writer", threads, 0)
        for key, value in (metadata or {}).items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError(f"Writer: metadata must map str to str, got {key!r}: {value!r}")
            if key.startswith(_TENSOR_PREFIX):
                raise ArgumentError(
                    f"Writer: metadata key {key!r}: the prefix {_TENSOR_PREFIX!r} is reserved"
                )
        self._writer = _core.FileWriter(os.fsencode(path))
        self._open = True
        for key, value in (metadata or {}).items():
            self.add_metadata(key, value)

    def add_metadata(self, key: str, value: str) -> None:
        """Store a text under a key that is not there yet."""
        self._writer.add_metadata(key, value)

    def add(
        self,
        name: str,
        data: Any,
        *,
        dtype: str | None = None,
        shape: tuple[int, ...] | None = None,
        original_dtype: str = "",
        base: Any = None,
        progress: Progress | None = None,
    ) -> TensorInfo:
        """Compress and store a tensor.

        Parameters
        ----------
        name : str
        data : array_like, or bytes-like with `dtype` and `shape`
            As for :func:`compress_array`; other NumPy dtypes without objects are stored as bytes.
        dtype, shape
            For raw bytes in C order, little-endian: the fewbits dtype and the shape.
        original_dtype : str
            For dtype ``"bytes"``: what the elements really are.
        base : array_like, optional
            An array of the same shape and dtype to code the difference from.
        progress : callable, optional
            Called with the number of bytes done since the last call.
        """
        if not self._open:
            raise ArgumentError("Writer.add: the file is closed")
        if dtype is None:
            flat, dtype, shape, original_dtype = _as_tensor("Writer.add", data)
        else:
            if dtype not in DTYPES:
                raise ArgumentError(f"Writer.add: dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
            if shape is None:
                raise ArgumentError("Writer.add: shape must be given with dtype")
            flat = _flat_bytes(data) if isinstance(data, np.ndarray) else np.frombuffer(data, np.uint8)
            size = math.prod(shape) * DTYPES[dtype]
            if dtype != "bytes" and size != flat.size:
                raise ArgumentError(
                    f"Writer.add: {name!r}: {dtype} of shape {shape} has {size} bytes, got {flat.size}"
                )
        assert shape is not None
        base_flat = None if base is None else _as_base("Writer.add", base, dtype, shape)
        dims: tuple[int, ...] = shape
        if dtype == "bytes":
            dims = (flat.size,)
        self._writer.begin_tensor(name, flat, dtype, dims, self._level, self._thread_count, base_flat)
        # Between the calls Python sees Ctrl-C.
        while done := self._writer.write_blocks():
            if progress is not None:
                progress(done)
        entry = self._writer.end_tensor()
        description: dict[str, str] = {}
        if dtype == "bytes" and (original_dtype or shape != dims):
            key, value = _TENSOR_PREFIX + name, json.dumps({"dtype": original_dtype, "shape": list(shape)})
            self._writer.add_metadata(key, value)
            description[key] = value
        return _info(entry, description)

    def close(self) -> int:
        """Finish the file and give it its name; returns its size in bytes."""
        if not self._open:
            raise ArgumentError("Writer.close: the file is closed")
        self._open = False
        return int(self._writer.finish())

    def abort(self) -> None:
        """Forget everything written so far."""
        self._open = False
        self._writer.abort()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()
        elif self._open:
            self.close()


class File(Mapping[str, NDArray[Any]]):
    """An open ``.fewbits`` file: a mapping of names to arrays, decoded when asked for.

    Made by :func:`open`. Usable from several threads.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | bytes,
        *,
        max_bytes: int | None = None,
        verify: str = "crc",
        threads: int | None = None,
        base: Mapping[str, Any] | None = None,
    ) -> None:
        limit = _max_bytes("open", max_bytes)
        self._verify = choice("open", "verify", verify, _core.verify_levels)
        self._thread_count = thread_count("open", threads, 0)
        self._base = base
        source = np.frombuffer(path, np.uint8) if isinstance(path, bytes) else os.fsencode(path)
        self._reader: Any = _core.FileReader(source, limit)
        self.size: int = self._reader.size
        """Bytes of the file."""
        metadata: dict[str, str] = dict(self._reader.metadata)
        infos = [_info(entry, metadata) for entry in self._reader.tensors]
        self.tensors: dict[str, TensorInfo] = {info.name: info for info in infos}
        """What is known of every tensor, in the order of the file."""
        self._positions = {info.name: i for i, info in enumerate(infos)}
        self.metadata: dict[str, str] = {
            k: v for k, v in metadata.items() if not k.startswith(_TENSOR_PREFIX)
        }
        self.report: str = self._reader.report
        """JSON text that the writer left, or ``""``; informative."""

    # Mapping

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def __repr__(self) -> str:
        return f"<fewbits.File: {len(self)} tensors, {self.size} bytes>"

    def _tensor(self, name: str) -> Any:
        if self._reader is None:
            raise ArgumentError("File: the file is closed")
        if name not in self._positions:
            raise KeyError(name)
        info = self.tensors[name]
        base = None
        if "xor_base" in info.stages and self._base is not None and name in self._base:
            base = _as_base("open", self._base[name], info.dtype, info.shape)
        return _core.Tensor(self._reader, self._positions[name], base)

    def _windows(self, blocks: int) -> Iterator[tuple[int, int]]:
        """Ranges of blocks, a few for each thread: between them Python sees Ctrl-C."""
        step = 8 * (self._thread_count or os.cpu_count() or 1)
        for first in range(0, blocks, step):
            yield first, min(first + step, blocks)

    def _dtype(self, info: TensorInfo) -> np.dtype[Any]:
        if info.original_dtype:
            try:
                dtype = np.dtype(info.original_dtype)
            except TypeError:
                return np.dtype(np.uint8)
            if not dtype.hasobject and dtype.itemsize * info.size == info.nbytes:
                return dtype
            return np.dtype(np.uint8)
        return _numpy_dtype(info.dtype)

    def read(self, name: str, index: Any = ..., *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Decode a tensor, or the part of it that `index` selects.

        Parameters
        ----------
        name : str
        index : int, slice, array or tuple of them
            A NumPy index. Only the blocks that hold the selected range of the first axis are read and
            decoded.
        out : ndarray, optional
            C-contiguous, of the dtype and shape of the result.

        Returns
        -------
        ndarray
            A fresh array, or `out`. Tensors of types that NumPy lacks come as flat bytes.

        Raises
        ------
        KeyError
            No tensor has this name.
        IndexError
        CorruptDataError, ParameterMismatchError
        """
        info = self.tensors.get(name)
        tensor = self._tensor(name)
        assert info is not None
        dtype = self._dtype(info)
        shape = info.shape if dtype.itemsize * info.size == info.nbytes else (info.nbytes,)
        whole = index is Ellipsis
        lo, hi, rest = (0, shape[0] if shape else 1, ...) if whole else _first_axis(index, shape)
        row = info.nbytes // DTYPES[info.dtype] // shape[0] if shape and shape[0] else 1
        first, last = tensor.blocks_of(lo * row, hi * row)
        begin = tensor.begin_of(first) if last > first else 0
        part_shape = (hi - lo, *shape[1:]) if shape else ()
        if whole and out is not None:
            output(f"File.read: {name!r}", out, dtype, shape, contiguous=True)
            target = out
        else:
            target = np.empty(part_shape, dtype)
        item = DTYPES[info.dtype]
        skip = (lo * row - begin) * item
        exact = skip == 0 and tensor.bytes_of(first, last) == target.nbytes
        buffer = _flat_bytes(target) if exact else np.empty(tensor.bytes_of(first, last), np.uint8)
        at = 0
        for a, b in self._windows(last - first):
            size = tensor.bytes_of(first + a, first + b)
            tensor.decode_blocks(
                first + a, first + b, buffer[at : at + size], self._verify, self._thread_count
            )
            at += size
        if not exact and target.nbytes:
            _flat_bytes(target)[:] = buffer[skip : skip + target.nbytes]
        if whole:
            if self._verify == _core.verify_levels.index("full"):
                hasher = Xxh64()
                hasher.update(_flat_bytes(target))
                tensor.check_hash(hasher.digest())
            return target
        result = np.ascontiguousarray(target[rest])
        if not np.shape(target[rest]):
            result = result.reshape(())
        if out is not None:
            output(f"File.read: {name!r}", out, result.dtype, result.shape, contiguous=True)
            out[...] = result
            return out
        return result

    def copy_to(
        self, name: str, output: OutputFile, offset: int, *, progress: Progress | None = None
    ) -> None:
        """Decode a tensor straight into a file, in bounded memory."""
        tensor = self._tensor(name)
        for first, last in self._windows(tensor.blocks):
            tensor.copy_blocks(first, last, output, offset, self._verify, self._thread_count)
            if progress is not None:
                progress(tensor.bytes_of(first, last))

    def verify(self, name: str, *, progress: Progress | None = None) -> None:
        """Check a tensor completely: checksums, decoding, and the hash of the decoded bytes.

        Raises
        ------
        CorruptDataError
        """
        tensor = self._tensor(name)
        hasher = Xxh64()
        buffer = np.empty(0, np.uint8)
        for first, last in self._windows(tensor.blocks):
            size = tensor.bytes_of(first, last)
            if buffer.size < size:
                buffer = np.empty(size, np.uint8)
            tensor.decode_blocks(
                first, last, buffer[:size], _core.verify_levels.index("crc"), self._thread_count
            )
            hasher.update(buffer[:size])
            if progress is not None:
                progress(size)
        tensor.check_hash(hasher.digest())

    def close(self) -> None:
        """Let go of the file. Arrays that were read stay."""
        self._reader = None

    def __enter__(self) -> File:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _first_axis(index: Any, shape: tuple[int, ...]) -> tuple[int, int, Any]:
    """The rows [lo, hi) that a NumPy index touches, and the index relative to them."""
    entries = index if isinstance(index, tuple) else (index,)
    if not shape or not entries or entries[0] is None or entries[0] is Ellipsis:
        return 0, shape[0] if shape else 1, index
    head, tail = entries[0], entries[1:]
    n = shape[0]
    if isinstance(head, slice):
        rows = range(n)[head]
        if len(rows) == 0:
            return 0, 0, (slice(0, 0), *tail)
        lo, hi = min(rows[0], rows[-1]), max(rows[0], rows[-1]) + 1
        stop = rows[-1] - lo + (1 if rows.step > 0 else -1)
        return lo, hi, (slice(rows[0] - lo, None if stop < 0 else stop, rows.step), *tail)
    picked = np.asarray(head)
    if picked.dtype == np.bool_ and picked.ndim != 1:
        return 0, n, index
    if picked.dtype == np.bool_:
        if picked.shape[0] != n:
            raise IndexError(f"File.read: boolean index has length {picked.shape[0]}, the first axis {n}")
        picked = np.flatnonzero(picked)
    elif not np.issubdtype(picked.dtype, np.integer):
        if picked.size:
            raise IndexError(f"File.read: an index must be an integer, a slice or an array, got {head!r}")
        picked = picked.astype(np.intp)
    if picked.size == 0:
        return 0, 0, (picked.astype(np.intp), *tail)
    if picked.min() < -n or picked.max() >= n:
        raise IndexError(f"File.read: index {head!r} is out of range for the first axis of length {n}")
    picked = np.where(picked < 0, picked + n, picked)
    lo = int(picked.min())
    relative = picked - lo
    return lo, int(picked.max()) + 1, (int(relative) if relative.ndim == 0 else relative, *tail)


def open(  # the name of the standard library's openers
    path: str | os.PathLike[str] | bytes,
    *,
    max_bytes: int | None = None,
    verify: str = "crc",
    threads: int | None = None,
    base: Mapping[str, Any] | None = None,
) -> File:
    """Open a ``.fewbits`` file; nothing is decoded yet.

    Parameters
    ----------
    path : path-like, or the bytes of a file
    max_bytes : int, optional
        Refuse a file whose tensors decode to more; by default 256 times the file plus 64 MiB.
    verify : {"crc", "full", "none"}
        What reading checks: the compressed blocks, also the decoded tensors (whole reads), or bounds only.
    threads : int, optional
        All CPUs if not given.
    base : mapping of str to array, optional
        The tensors that were given as `base` when the file was written.

    Returns
    -------
    File

    Raises
    ------
    OSError
        The file cannot be read.
    CorruptDataError, UnsupportedFeatureError, LimitError
        The file is damaged, newer than this version, or would decode to too much.

    Examples
    --------
    >>> import numpy as np
    >>> size = save("embeddings.fewbits", {"words": np.ones((5000, 64), np.float32)})
    >>> with open("embeddings.fewbits") as file:
    ...     file["words"].shape, file.read("words", np.s_[10:12, :3]).tolist()
    ((5000, 64), [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    """
    return File(path, max_bytes=max_bytes, verify=verify, threads=threads, base=base)


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Any],
    *,
    level: str = "default",
    threads: int | None = None,
    metadata: Mapping[str, str] | None = None,
    base: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> int:
    """Write arrays to a ``.fewbits`` file, losslessly.

    Parameters
    ----------
    path : path-like
        Replaced as a whole, or left as it is if anything goes wrong.
    tensors : mapping of str to array_like
    level, threads, metadata
        See :class:`Writer`.
    base : mapping of str to array_like, optional
        Tensors (of an earlier checkpoint) to code the difference from; names that it lacks are coded by
        themselves.
    progress : callable, optional
        Called with the number of bytes done since the last call.

    Returns
    -------
    int
        Size of the file in bytes.

    Examples
    --------
    >>> import numpy as np
    >>> save("model.fewbits", {"weight": np.zeros((100, 10), np.float32)}) < 400
    True
    """
    with Writer(path, level=level, threads=threads, metadata=metadata) as writer:
        for name, x in tensors.items():
            reference = None if base is None else base.get(name)
            writer.add(name, x, base=reference, progress=progress)
        return writer.close()
