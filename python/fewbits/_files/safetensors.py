"""Safetensors: 8 bytes of header length, a JSON header, the data. Source: the format description of
https://github.com/huggingface/safetensors, checked against that library in the tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fewbits._files.common import (
    MAX_NAME_BYTES,
    MAX_NDIM,
    Bytes,
    Origin,
    Progress,
    Source,
    SourceTensor,
    is_size,
    is_utf8,
    json_object,
    number_of_elements,
    output_file,
)
from fewbits.container import DTYPES, File, TensorInfo
from fewbits.errors import CorruptDataError, UnsupportedFeatureError

MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors library itself

# Bits per element of every dtype of the safetensors format, and the fewbits dtype of those that have one.
DTYPE_BITS_AND_NAMES: Mapping[str, tuple[int, str]] = {
    "BOOL": (8, "bool"),
    "F4": (4, "bytes"),
    "F6_E2M3": (6, "bytes"),
    "F6_E3M2": (6, "bytes"),
    "U8": (8, "uint8"),
    "I8": (8, "int8"),
    "F8_E5M2": (8, "float8_e5m2"),
    "F8_E4M3": (8, "float8_e4m3fn"),
    "F8_E8M0": (8, "float8_e8m0fnu"),
    "F8_E4M3FNUZ": (8, "bytes"),
    "F8_E5M2FNUZ": (8, "bytes"),
    "I16": (16, "int16"),
    "U16": (16, "uint16"),
    "F16": (16, "float16"),
    "BF16": (16, "bfloat16"),
    "I32": (32, "int32"),
    "U32": (32, "uint32"),
    "F32": (32, "float32"),
    "C64": (64, "bytes"),
    "F64": (64, "float64"),
    "I64": (64, "int64"),
    "U64": (64, "uint64"),
}
_NAMES = {dtype: name for name, (_, dtype) in DTYPE_BITS_AND_NAMES.items() if dtype != "bytes"}


class _Entry(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read(path: str, data: Bytes) -> Source:
    if data.size < 8:
        raise CorruptDataError(f"{path}: not a safetensors file: {data.size} bytes are too few")
    (length,) = struct.unpack("<Q", bytes(data[:8]))
    if length > MAX_HEADER_BYTES or length > data.size - 8:
        # Text and other formats end here: their first 8 bytes are a huge number.
        raise CorruptDataError(
            f"{path}: not a .safetensors, .npy or .npz file, or truncated: "
            f"it would have a header of {length} bytes, the file has {data.size}"
        )
    raw = bytes(data[8 : 8 + length])
    entries, metadata = parse_header(path, raw, int(data.size) - 8 - length)
    text = raw.decode()
    canonical = build_header([(e.name, e.dtype, e.shape, e.end - e.begin) for e in entries], metadata)
    is_canonical = canonical[8:] == raw
    body = data[8 + length :]
    tensors = tuple(_tensor(entry, body) for entry in entries)
    description: dict[str, Any] = {}
    if metadata == {}:  # an empty __metadata__ is not the same header as none
        description["metadata"] = {}
    return Source(
        path=path,
        format="safetensors",
        size=int(data.size),
        tensors=tensors,
        metadata=metadata or {},
        description=description,
        header=None if is_canonical else text,
        note="header is canonical; the restored file is byte-identical"
        if is_canonical
        else f"header is not canonical: its {length} bytes are kept, so the restored file is byte-identical",
    )


def _tensor(entry: _Entry, body: Bytes) -> SourceTensor:
    _, dtype = DTYPE_BITS_AND_NAMES.get(entry.dtype, (0, "bytes"))
    nbytes = entry.end - entry.begin
    shape = entry.shape
    if dtype != "bytes" and len(shape) > MAX_NDIM:
        shape = (nbytes // DTYPES[dtype],)
    return SourceTensor(
        entry.name, dtype, shape, entry.dtype, entry.shape, nbytes, lambda: body[entry.begin : entry.end]
    )


def parse_header(path: str, raw: bytes, data_size: int) -> tuple[list[_Entry], dict[str, str] | None]:
    """Entries in header order and `__metadata__` (None where absent) of the JSON `raw`, all checked."""
    try:
        header = json_object(raw.decode())
    except ValueError as error:  # UnicodeDecodeError is one, too
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise CorruptDataError(f"{path}: not a safetensors file: bad header: {reason}") from None
    metadata = header.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        raise CorruptDataError(f"{path}: safetensors header: __metadata__ must map strings to strings")
    for text in [*header, *(metadata or {}), *(metadata or {}).values()]:
        if not is_utf8(text):
            raise CorruptDataError(f"{path}: safetensors header: {text!r:.200} is not valid Unicode")
    entries = [_check_entry(path, name, value) for name, value in header.items()]
    _check_layout(path, entries, data_size)
    return entries, metadata


def _check_entry(path: str, name: str, value: object) -> _Entry:
    where = f"{path}: tensor {name!r}"
    if len(name.encode()) > MAX_NAME_BYTES or "\0" in name:
        raise UnsupportedFeatureError(
            f"{where[:200]}: names must have at most {MAX_NAME_BYTES} bytes and no NUL"
        )
    if not isinstance(value, dict):
        raise CorruptDataError(f"{where}: its header entry must be a JSON object")
    dtype, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not isinstance(dtype, str) or not is_utf8(dtype) or len(dtype) > 64:
        raise CorruptDataError(f"{where}: dtype must be a short string, got {dtype!r:.80}")
    if not isinstance(shape, list) or not all(map(is_size, shape)):
        raise CorruptDataError(f"{where}: shape must be a list of sizes, got {shape!r:.80}")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(is_size, offsets)):
        raise CorruptDataError(f"{where}: data_offsets must be two offsets, got {offsets!r:.80}")
    begin, end = offsets
    if begin > end:
        raise CorruptDataError(f"{where}: data_offsets must not decrease, got {offsets}")
    if dtype in DTYPE_BITS_AND_NAMES:
        bits = DTYPE_BITS_AND_NAMES[dtype][0] * number_of_elements(shape)
        if bits != 8 * (end - begin):
            raise CorruptDataError(
                f"{where}: {dtype} of shape {shape!s:.80} does not fill {end - begin} bytes exactly"
            )
    return _Entry(name, dtype, tuple(shape), begin, end)


def _check_layout(path: str, entries: Sequence[_Entry], data_size: int) -> None:
    """The tensors must tile the data without overlap, and without holes (which could hide data)."""
    position = 0
    for entry in sorted(entries, key=lambda e: (e.begin, e.end)):
        if entry.end > data_size:
            raise CorruptDataError(
                f"{path}: tensor {entry.name!r} ends at byte {entry.end} of the data, which has {data_size}"
            )
        if entry.begin != position:
            what = "overlaps the tensor before it" if entry.begin < position else "leaves a hole before it"
            raise CorruptDataError(
                f"{path}: tensor {entry.name!r} {what}: its data begin at {entry.begin}, expected {position}"
            )
        position = entry.end
    if position != data_size:
        raise CorruptDataError(
            f"{path}: {data_size - position} bytes after the last tensor belong to no tensor"
        )


def build_header(
    tensors: Iterable[tuple[str, str, Sequence[int], int]], metadata: Mapping[str, str] | None
) -> bytes:
    """The header that the safetensors library writes for (name, dtype, shape, bytes) in this order."""
    header: dict[str, Any] = {}
    if metadata is not None:
        header["__metadata__"] = dict(metadata)
    position = 0
    for name, dtype, shape, nbytes in tensors:
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [position, position + nbytes],
        }
        position += nbytes
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw


def _dtype_of(path: str, info: TensorInfo) -> str:
    dtype = _NAMES.get(info.dtype) or info.original_dtype
    if not dtype:
        raise UnsupportedFeatureError(f"{path}: tensor {info.name!r} has no dtype that safetensors knows")
    return dtype


def restore(
    file: File, origin: Origin, target: str, names: Sequence[str], progress: Progress
) -> tuple[int, str]:
    infos = [file.tensors[name] for name in names]
    described = [(i.name, _dtype_of(origin.path, i), origin.shape(i), i.nbytes) for i in infos]
    size = sum(info.nbytes for info in infos)
    complete = len(infos) == len(file.tensors) and not origin.left_out
    if complete and origin.header is not None:
        raw = origin.header.encode()
        head = struct.pack("<Q", len(raw)) + raw
        note = "header was not canonical and is restored as it was: byte-identical to the original"
    else:
        head = build_header(described, origin.metadata)
        if complete and origin.format:
            note = "header was canonical: byte-identical to the original"
        else:
            note = "a part of the original" if origin.format else "written as safetensors"
    # A damaged container must not become a safetensors file that others refuse or misread.
    entries, _ = parse_header(origin.path, head[8:], size)
    if [(e.name, e.dtype, e.shape, e.end - e.begin) for e in entries] != described:
        raise CorruptDataError(f"{origin.path}: the tensors do not match the stored safetensors header")
    with output_file(target) as output:
        output.write(0, np.frombuffer(head, np.uint8))
        for entry in entries:
            file.copy_to(entry.name, output, len(head) + entry.begin, progress=progress)
    return len(head) + size, note
