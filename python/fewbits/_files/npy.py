"""`.npy` and `.npz`. Headers are kept as they are: their padding differs between versions of numpy.
Big-endian and Fortran-order arrays are stored as ordinary ones and converted back; the zip file around `.npz`
is rewritten."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fewbits._files.common import (
    MAX_NAME_BYTES,
    MAX_NDIM,
    PIECE_BYTES,
    Bytes,
    Origin,
    Progress,
    Source,
    SourceTensor,
    flat_bytes,
    is_utf8,
    number_of_elements,
    output_file,
    piece_indices,
    pieces,
    scratch,
)
from fewbits.container import DTYPES, File
from fewbits.errors import CodecError, CorruptDataError, UnsupportedFeatureError

if TYPE_CHECKING:
    from fewbits._core.core import OutputFile

_MAX_DEFLATE_RATIO = 1032  # what the deflate format can reach at most
# What zipfile raises for damaged archives, besides errors of the operating system.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
    RuntimeError,
)
_NUMPY_DTYPES = {
    np.dtype(name).str[1:]: name for name in DTYPES if not name.startswith(("bfloat", "float8", "bytes"))
}


@dataclass(frozen=True)
class _NpyHeader:
    raw: bytes  # from the magic up to the data
    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * number_of_elements(self.shape)

    @property
    def stored_dtype(self) -> str:
        return _NUMPY_DTYPES.get(self.dtype.str[1:], "bytes")

    @property
    def little_endian(self) -> np.dtype[Any]:
        return self.dtype.newbyteorder("<")

    @property
    def original_dtype(self) -> str:
        """Tells a container what its bytes are; it has a name of its own for the other dtypes."""
        return self.little_endian.str if self.stored_dtype == "bytes" and self.dtype.itemsize else ""

    @property
    def stored_shape(self) -> tuple[int, ...]:
        if not self.dtype.itemsize:  # strings of length 0, which numpy itself cannot make again
            return (0,)
        if len(self.shape) > MAX_NDIM:
            return (number_of_elements(self.shape),)
        return self.shape

    @property
    def converts(self) -> bool:
        """Whether a container holds other bytes than the file: big-endian and Fortran order are undone."""
        return self.nbytes > 0 and (self.dtype.str[0] == ">" or (self.fortran and len(self.shape) > 1))


def _parse_npy_header(where: str, data: bytes) -> _NpyHeader:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise UnsupportedFeatureError(
                f"{where}: .npy format version {version[0]}.{version[1]} is not supported (1.0 and 2.0 are); "
                "save the array again without structured fields"
            )
    except UnsupportedFeatureError:
        raise
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError):
        raise CorruptDataError(f"{where}: bad .npy header") from None
    if dtype.hasobject:
        raise UnsupportedFeatureError(f"{where}: holds Python objects (a pickle), which fewbits never reads")
    if dtype.fields is not None or dtype.subdtype is not None:
        raise UnsupportedFeatureError(
            f"{where}: has the structured dtype {dtype!s:.80}; save each field as an array of its own"
        )
    if any(dim < 0 for dim in shape) or len(shape) > 64:
        raise CorruptDataError(f"{where}: bad shape {shape!s:.80}")
    return _NpyHeader(data[: stream.tell()], dtype, bool(fortran), tuple(int(dim) for dim in shape))


def _npy_tensor(where: str, name: str, data: Bytes) -> tuple[SourceTensor, _NpyHeader]:
    """`data` is a whole `.npy` file."""
    header = _parse_npy_header(where, bytes(data[: 1 << 17]))
    body = data[len(header.raw) :]
    if body.size != header.nbytes:
        raise CorruptDataError(
            f"{where}: {header.dtype} of shape {header.shape!s:.80} needs {header.nbytes} bytes, "
            f"the file has {body.size}"
        )
    return _tensor_of_npy(name, header, lambda: body), header


def _tensor_of_npy(name: str, header: _NpyHeader, body: Callable[[], Bytes]) -> SourceTensor:
    def load() -> Bytes:
        return _to_stored_order(body(), header) if header.converts else body()

    shape = header.stored_shape
    return SourceTensor(
        name, header.stored_dtype, shape, header.original_dtype, header.shape, header.nbytes, load
    )


def _to_stored_order(body: Bytes, header: _NpyHeader) -> Bytes:
    order = "F" if header.fortran else "C"
    array = body.view(header.dtype).reshape(header.shape, order=order)  # type: ignore[call-overload]
    stored = scratch(header.nbytes)
    target = stored.view(header.little_endian).reshape(header.shape)
    np.copyto(target, array)
    return stored


def read_npy(path: str, data: Bytes) -> Source:
    # The array has no name of its own; one made from the path would make equal files compress to other bytes.
    tensor, header = _npy_tensor(path, "array", data)
    return Source(
        path=path,
        format="npy",
        size=int(data.size),
        tensors=(tensor,),
        metadata={},
        description={"arrays": {"array": header.raw.decode("latin-1")}},
        header=None,
        note="the restored file is byte-identical",
    )


def read_npz(path: str, data: Bytes) -> Source:
    tensors = []
    headers: dict[str, str] = {}
    compression = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                where = f"{path}: member {member.filename!r:.200}"
                if name == member.filename:
                    raise UnsupportedFeatureError(
                        f"{where} is not a .npy array, so this is no .npz file; pickles (.pt, .pkl) are "
                        "never read: save the tensors as .safetensors first"
                    )
                if name in headers:
                    raise CorruptDataError(f"{where} appears twice")
                if len(name.encode()) > MAX_NAME_BYTES or "\0" in name or not is_utf8(name):
                    raise UnsupportedFeatureError(
                        f"{where}: names must be Unicode of at most {MAX_NAME_BYTES} bytes"
                    )
                if not 0 <= member.header_offset < data.size:
                    raise CorruptDataError(f"{where} lies outside of the file")
                if member.flag_bits & 1:
                    raise UnsupportedFeatureError(f"{where} is encrypted")
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise UnsupportedFeatureError(
                        f"{where} uses zip compression method {member.compress_type}; numpy writes 0 and 8"
                    )
                if member.compress_type == zipfile.ZIP_STORED:
                    body = _stored_member(where, data, member)
                    tensor, header = _npy_tensor(where, name, body)
                else:
                    tensor, header = _deflated_tensor(path, where, archive, member, name)
                tensors.append(tensor)
                headers[name] = header.raw.decode("latin-1")
                compression.add(member.compress_type)
    except CodecError:
        raise
    except _ZIP_ERRORS as error:
        raise CorruptDataError(f"{path}: bad .npz file: {error}") from None
    stored = compression <= {zipfile.ZIP_STORED}
    return Source(
        path=path,
        format="npz",
        size=int(data.size),
        tensors=tuple(tensors),
        metadata={},
        description={"compression": "stored" if stored else "deflated", "arrays": headers},
        header=None,
        note="a restored .npz has the same names, order and arrays, bit for bit, in a rewritten zip file",
    )


def _stored_member(where: str, data: Bytes, member: zipfile.ZipInfo) -> Bytes:
    """The bytes of an uncompressed zip member as a slice of the mapped file."""
    local = bytes(data[member.header_offset : member.header_offset + 30])
    if len(local) != 30 or local[:4] != b"PK\x03\x04":
        raise CorruptDataError(f"{where} has no local header")
    name_length, extra_length = struct.unpack("<HH", local[26:30])
    begin = member.header_offset + 30 + name_length + extra_length
    body = data[begin : begin + member.file_size]
    if body.size != member.file_size or member.compress_size != member.file_size:
        raise CorruptDataError(f"{where} is truncated")
    checksum = 0
    for start in range(0, body.size, PIECE_BYTES):
        checksum = zlib.crc32(body[start : start + PIECE_BYTES].data, checksum)
    if checksum != member.CRC:
        raise CorruptDataError(f"{where} is damaged: its CRC-32 does not match")
    return body


def _deflated_tensor(
    path: str, where: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> tuple[SourceTensor, _NpyHeader]:
    """Only the header is read now; the array is inflated, and its CRC-32 checked, when it is loaded."""
    if member.file_size > _MAX_DEFLATE_RATIO * member.compress_size + 1024:
        raise CorruptDataError(f"{where} declares {member.file_size} bytes, more than it can hold")
    with archive.open(member) as stream:
        header = _parse_npy_header(where, stream.read(1 << 17))
    if member.file_size != len(header.raw) + header.nbytes:
        raise CorruptDataError(
            f"{where}: {header.dtype} of shape {header.shape!s:.80} needs {header.nbytes} bytes, "
            f"the member has {member.file_size - len(header.raw)}"
        )

    def body() -> Bytes:
        buffer = scratch(header.nbytes)
        view = buffer.data
        try:
            with zipfile.ZipFile(path) as again, again.open(member) as stream:
                stream.read(len(header.raw))
                position = 0
                while piece := stream.read(PIECE_BYTES):
                    view[position : position + len(piece)] = piece
                    position += len(piece)
        except _ZIP_ERRORS as error:
            raise CorruptDataError(f"{where} is damaged: {error}") from None
        if position != header.nbytes:
            raise CorruptDataError(f"{where} is truncated")
        return buffer

    return _tensor_of_npy(name, header, body), header


def _npy_header_of(file: File, origin: Origin, name: str) -> _NpyHeader:
    info = file.tensors[name]
    where = f"{origin.path}: array {name!r:.200}"
    text = origin.arrays.get(name)
    try:
        raw = (text or "").encode("latin-1")
    except UnicodeEncodeError:
        raw = b""
    header = _parse_npy_header(where, raw)
    expected = (header.stored_dtype, header.stored_shape, header.nbytes, header.original_dtype)
    if header.raw != raw or (info.dtype, info.shape, info.nbytes, info.original_dtype) != expected:
        raise CorruptDataError(f"{where} does not match its stored .npy header")
    return header


def restore_npy(file: File, origin: Origin, target: str, progress: Progress) -> tuple[int, str]:
    if len(file.tensors) != 1:
        raise CorruptDataError(f"{origin.path}: a .npy file holds one array, found {len(file.tensors)}")
    (name,) = file.tensors
    header = _npy_header_of(file, origin, name)
    position = len(header.raw)
    with output_file(target) as output:
        output.write(0, np.frombuffer(header.raw, np.uint8))
        if header.converts:
            for piece in _npy_pieces(file, name, header, progress):
                output.write(position, piece)
                position += piece.size
        else:
            file.copy_to(name, output, position, progress=progress)
            position += header.nbytes
    return position, "byte-identical to the original"


def restore_npz(
    file: File, origin: Origin, target: str, names: Sequence[str], progress: Progress
) -> tuple[int, str]:
    headers = {name: _npy_header_of(file, origin, name) for name in names}
    compression = zipfile.ZIP_STORED if origin.compression == "stored" else zipfile.ZIP_DEFLATED
    with output_file(target) as output:
        stream = _OutputStream(output)
        with zipfile.ZipFile(stream, "w", compression) as archive:
            for name, header in headers.items():
                # The epoch of zip files: no time stamp, so that equal input gives equal bytes.
                member = zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0))
                member.compress_type = compression
                with archive.open(member, "w", force_zip64=True) as sink:
                    sink.write(header.raw)
                    for piece in _npy_pieces(file, name, header, progress):
                        sink.write(piece.data)
        size = stream.size
    return size, "same names, order and arrays, bit for bit; the zip file around them is rewritten"


class _OutputStream(io.RawIOBase):
    """The seekable stream that `zipfile` wants, on an OutputFile."""

    def __init__(self, output: OutputFile) -> None:
        self._output = output
        self._position = 0
        self.size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self.size)[whence]
        return self._position

    def write(self, data: Any) -> int:
        piece = np.frombuffer(data, np.uint8)
        self._output.write(self._position, piece)
        self._position += piece.size
        self.size = max(self.size, self._position)
        return int(piece.size)


def _npy_pieces(file: File, name: str, header: _NpyHeader, progress: Progress) -> Iterator[Bytes]:
    """The data of a `.npy` file, in its order, a few MiB at a time."""
    if not header.converts:
        for piece in pieces(file, name):
            progress(piece.size)
            yield piece
        return
    stored = scratch(header.nbytes)
    array = stored.view(header.little_endian).reshape(header.shape)
    file.read(name, out=array.reshape(header.stored_shape))
    if header.fortran:
        array = array.T
    for index in piece_indices(array.shape, header.dtype.itemsize):
        piece = flat_bytes(np.ascontiguousarray(array[index]).astype(header.dtype))
        progress(piece.size)
        yield piece
