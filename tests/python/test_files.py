"""fewbits.files and the readers and writers under it: the safetensors library and numpy are the oracles."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from fewbits import files
from fewbits._files import common
from fewbits._files.common import piece_indices
from fewbits._files.safetensors import DTYPE_BITS_AND_NAMES
from fewbits.container import File, Writer
from fewbits.errors import ArgumentError, CodecError, CorruptDataError, LimitError, UnsupportedFeatureError
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

Entry = tuple[str, str, Sequence[int], int]  # name, dtype, shape, bytes


def safetensors_bytes(header: Mapping[str, Any] | bytes | str, data: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else header.encode() if isinstance(header, str) else None
    if raw is None:
        raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def entry(dtype: str, shape: Sequence[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def round_trip(path: Path, **options: Any) -> tuple[files.CompressReport, files.DecompressReport, bytes]:
    packed = path.with_name(path.name + ".fewbits")
    restored = path.with_name("restored" + path.suffix)
    compressed = files.compress_file(path, packed, overwrite=True, **options)
    decompressed = files.decompress_file(packed, restored, overwrite=True)
    assert compressed.output_bytes == packed.stat().st_size
    assert decompressed.output_bytes == restored.stat().st_size
    return compressed, decompressed, restored.read_bytes()


def container_metadata(path: Path) -> dict[str, str]:
    with File(path) as file:
        return dict(file.metadata)


# ---- safetensors -------------------------------------------------------------------------------------------

NUMPY_DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NUMPY_DTYPES += ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", [*NUMPY_DTYPES, "bfloat16"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (7,), (5, 3), (300, 1000)])
def test_safetensors_of_the_library_come_back_byte_for_byte(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(1)
    kind: Any = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    values = rng.integers(0, 2, shape) if dtype == "bool" else rng.normal(0, 10, shape)
    tensor = np.asarray(values).astype(kind)
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"a": tensor, "b.ü": tensor}, path, metadata={"format": "np"})
    compressed, decompressed, restored = round_trip(path)
    assert restored == path.read_bytes()
    assert "header is canonical" in compressed.note
    assert "byte-identical" in decompressed.note
    assert "fewbits.header" not in container_metadata(Path(compressed.output))
    assert compressed.elements == 2 * tensor.size
    with File(compressed.output) as file:
        assert file.tensors["a"].dtype == dtype
        assert file["a"].tobytes() == tensor.tobytes()
        assert file["a"].shape == shape


@pytest.mark.parametrize("dtype", sorted(DTYPE_BITS_AND_NAMES))
def test_every_dtype_of_the_format(tmp_path: Path, dtype: str) -> None:
    bits, _ = DTYPE_BITS_AND_NAMES[dtype]
    data = (
        np.random.default_rng(2)
        .integers(0, 2 if dtype == "BOOL" else 256, 4 * bits)
        .astype(np.uint8)
        .tobytes()
    )
    raw = safetensors_bytes({"w": entry(dtype, (8, 4), 0, len(data))}, data)
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    assert safetensors.deserialize(raw)[0][1]["shape"] == [8, 4]  # the library agrees that this is sound
    compressed, _, restored = round_trip(path)
    assert restored == raw
    (tensor,) = files.inspect_file(compressed.output).tensors
    assert tensor.shape == (8, 4)
    assert tensor.nbytes == len(data)
    assert files.verify_file(compressed.output, path).ok


def test_the_table_of_dtypes_is_that_of_the_library() -> None:
    with pytest.raises(safetensors.SafetensorError) as caught:
        safetensors.deserialize(safetensors_bytes({"a": entry("X", [1], 0, 1)}, b"a"))
    for dtype, (bits, _) in DTYPE_BITS_AND_NAMES.items():
        assert f"`{dtype}`" in str(caught.value)
        good = safetensors_bytes({"a": entry(dtype, [8], 0, bits)}, bytes(bits))
        safetensors.deserialize(good)
    assert str(caught.value).count("`") == 2 * len(DTYPE_BITS_AND_NAMES) + 2


def test_an_unknown_dtype_is_kept_as_bytes(tmp_path: Path) -> None:
    raw = safetensors_bytes({"w": entry("F2_NEW", (3, 5), 0, 7)}, b"\0\1\2\3\4\5\6")
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    compressed, _, restored = round_trip(path)
    assert restored == raw
    (tensor,) = files.inspect_file(compressed.output).tensors
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == ("F2_NEW", (3, 5), 7)


_A, _B = b"aaaa", b"bbbbbbbb"
NON_CANONICAL: dict[str, tuple[Any, bytes]] = {
    "spaces": ({"a": entry("F32", [1], 0, 4)}, _A),
    "trailing white space": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} \n\t', _A),
    "leading white space": (' {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', _A),
    "not aligned": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', _A),
    "over-aligned": ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' + " " * 58, _A),
    "keys in another order": ('{"a":{"shape":[1],"data_offsets":[0,4],"dtype":"F32"}}  ', _A),
    "header not in the order of the data": (
        {"a": entry("F32", [1], 8, 12), "b": entry("F64", [1], 0, 8)},
        _B + _A,
    ),
    "empty tensors at odd places": (
        {"a": entry("F32", [1], 0, 4), "e": entry("F32", [0], 0, 0), "f": entry("F32", [0], 4, 4)},
        _A,
    ),
    "metadata last": ({"a": entry("F32", [1], 0, 4), "__metadata__": {"k": "v"}}, _A),
    "metadata null": ({"__metadata__": None}, b""),
    "escaped": (r'{"\u00fc\/\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', _A),
    "extra key": ({"a": {**entry("F32", [1], 0, 4), "note": {"deep": [1, 2.5, None]}}}, _A),
    "no tensors": ("{}", b""),
}


@pytest.mark.parametrize("case", NON_CANONICAL)
def test_a_header_that_is_not_canonical_is_kept(tmp_path: Path, case: str) -> None:
    raw = safetensors_bytes(*NON_CANONICAL[case])
    safetensors.deserialize(raw)  # sound, says the library
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    compressed, decompressed, restored = round_trip(path)
    assert restored == raw
    assert "not canonical" in compressed.note
    assert "not canonical" in decompressed.note
    assert files.verify_file(compressed.output, path).ok


@pytest.mark.parametrize(
    "metadata", [{}, {"": ""}, {"k": 'v\n"\\\u2028é\x01'}, {"z": "1", "a": "2"}, {"fewbits.source": "mine"}]
)
def test_metadata_come_back_verbatim(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"a": np.ones(3, np.float32)}, path, metadata=metadata)
    compressed, _, restored = round_trip(path)
    assert "header is canonical" in compressed.note
    assert restored == path.read_bytes()
    assert files.inspect_file(compressed.output).metadata == metadata


HOSTILE: dict[str, tuple[bytes, str]] = {
    "three bytes": (b"abc", "3 bytes are too few"),
    "header beyond the file": (struct.pack("<Q", 100) + b"{}", "header of 100 bytes"),
    "huge header": (struct.pack("<Q", 100_000_001) + b"{}" + b" " * 100, "header of 100000001 bytes"),
    "header of 2^64 - 1": (b"\xff" * 8 + b"{}", "header of 18446744073709551615 bytes"),
    "text": (b"This is a text, no tensors.\n" * 10, "not a .safetensors, .npy or .npz file"),
    "not JSON": (safetensors_bytes(b"{nonsense}"), "bad header"),
    "empty header": (safetensors_bytes(b""), "bad header"),
    "not an object": (safetensors_bytes(b"[1,2]"), "not a JSON object"),
    "NaN": (safetensors_bytes(b'{"a":NaN}'), "NaN is not JSON"),
    "not UTF-8": (safetensors_bytes(b'{"\xff":1}'), "not UTF-8"),
    "byte order mark": (safetensors_bytes(b"\xef\xbb\xbf{}"), "bad header"),
    "lone surrogate": (
        safetensors_bytes(rb'{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"a"),
        "not valid Unicode",
    ),
    "deep nesting": (
        safetensors_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "nested too deeply",
    ),
    "deep nesting of objects": (
        safetensors_bytes(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "nested too deeply",
    ),
    "duplicate tensor": (
        safetensors_bytes(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
            b"ab",
        ),
        "'a' appears twice",
    ),
    "entry is a list": (safetensors_bytes({"a": []}), "'a': its header entry must be a JSON object"),
    "no dtype": (
        safetensors_bytes({"a": {"shape": [1], "data_offsets": [0, 1]}}, b"a"),
        "'a': dtype must be",
    ),
    "no shape": (
        safetensors_bytes({"a": {"dtype": "U8", "data_offsets": [0, 1]}}, b"a"),
        "'a': shape must be",
    ),
    "no offsets": (
        safetensors_bytes({"a": {"dtype": "U8", "shape": [1]}}, b"a"),
        "'a': data_offsets must be",
    ),
    "negative dimension": (safetensors_bytes({"a": entry("U8", [-1], 0, 1)}, b"a"), "'a': shape must be"),
    "fractional dimension": (safetensors_bytes({"a": entry("U8", [1.0], 0, 1)}, b"a"), "'a': shape must be"),  # type: ignore[list-item]
    "boolean dimension": (safetensors_bytes({"a": entry("U8", [True], 0, 1)}, b"a"), "'a': shape must be"),
    "dimension of 2^64": (safetensors_bytes({"a": entry("U8", [1 << 64], 0, 1)}, b"a"), "'a': shape must be"),
    "product overflows to the right size": (
        safetensors_bytes({"a": entry("U8", [1 << 32, 1 << 32], 0, 0)}),
        "'a': U8 of shape",
    ),
    "a million dimensions": (
        safetensors_bytes({"a": entry("U8", [1 << 63] * 100_000, 0, 1)}, b"a"),
        "'a': U8 of shape",
    ),
    "negative offset": (safetensors_bytes({"a": entry("U8", [1], -1, 0)}, b"a"), "'a': data_offsets must be"),
    "offsets decrease": (
        safetensors_bytes({"a": entry("U8", [1], 1, 0)}, b"a"),
        "'a': data_offsets must not",
    ),
    "end beyond the file": (safetensors_bytes({"a": entry("U8", [9], 0, 9)}, b"a"), "'a' ends at byte 9"),
    "wrong size": (safetensors_bytes({"a": entry("F32", [2], 0, 4)}, b"aaaa"), "'a': F32 of shape"),
    "half a byte": (safetensors_bytes({"a": entry("F4", [3], 0, 2)}, b"aa"), "'a': F4 of shape"),
    "overlap": (
        safetensors_bytes({"a": entry("U8", [2], 0, 2), "b": entry("U8", [2], 1, 3)}, b"abc"),
        "'b' overlaps",
    ),
    "same bytes twice": (
        safetensors_bytes({"a": entry("U8", [2], 0, 2), "b": entry("U8", [2], 0, 2)}, b"ab"),
        "overlaps",
    ),
    "hole": (
        safetensors_bytes({"a": entry("U8", [1], 0, 1), "b": entry("U8", [1], 2, 3)}, b"abc"),
        "'b' leaves a hole",
    ),
    "rest": (safetensors_bytes({"a": entry("U8", [1], 0, 1)}, b"abc"), "2 bytes after the last tensor"),
    "metadata is a list": (safetensors_bytes({"__metadata__": ["a"]}), "must map strings to strings"),
    "metadata of numbers": (safetensors_bytes({"__metadata__": {"a": 1}}), "must map strings to strings"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_safetensors_are_refused(tmp_path: Path, case: str) -> None:
    raw, message = HOSTILE[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    with pytest.raises(CorruptDataError) as caught:
        files.compress_file(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 600
    assert list(tmp_path.iterdir()) == [path]
    # The library refuses them as well; it takes the last of two equal names, which would lose data.
    if case != "duplicate tensor":
        with pytest.raises(safetensors.SafetensorError):
            safetensors.deserialize(raw)


def test_a_truncated_safetensors_file_is_refused_at_every_length(tmp_path: Path) -> None:
    raw = safetensors.numpy.save({"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 2), np.int8)})
    path = tmp_path / "x.safetensors"
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        with pytest.raises(CorruptDataError):
            files.compress_file(path)


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
arrays = st.sampled_from(NUMPY_DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)
    )
)


@settings(max_examples=60, deadline=None)
@given(
    tensors=st.dictionaries(
        names.filter(lambda name: name != "__metadata__"), arrays, min_size=1, max_size=6
    ),
    metadata=st.none() | st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_random_safetensors_come_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory,
    tensors: dict[str, NDArray[Any]],
    metadata: dict[str, str] | None,
) -> None:
    path = tmp_path_factory.mktemp("random") / "x.safetensors"
    safetensors.numpy.save_file(tensors, path, metadata=metadata)
    compressed, _, restored = round_trip(path)
    assert restored == path.read_bytes()
    assert "header is canonical" in compressed.note
    loaded = safetensors.numpy.load(restored)
    assert {name: (t.dtype, t.shape, t.tobytes()) for name, t in loaded.items()} == {
        name: (t.dtype, t.shape, t.tobytes()) for name, t in tensors.items()
    }
    assert files.verify_file(compressed.output, path).ok


# ---- npy and npz -------------------------------------------------------------------------------------------

rng = np.random.default_rng(3)
ARRAYS: dict[str, NDArray[Any]] = {
    "float32": rng.normal(0, 1, (40, 30)).astype(np.float32),
    "0-d": np.array(2.5),
    "empty": np.zeros((3, 0, 2), np.int16),
    "empty Fortran": np.asfortranarray(np.zeros((3, 0, 2), np.int16)),
    "bool": rng.integers(0, 2, 77).astype(bool),
    "Fortran": np.asfortranarray(rng.normal(0, 1, (7, 5, 3))),
    "big-endian": rng.integers(-9999, 9999, (6, 7)).astype(">i4"),
    "big-endian Fortran": np.asfortranarray(rng.normal(0, 1, (6, 7)).astype(">f8")),
    "big-endian 0-d": np.array(3, ">u2"),
    "complex": rng.normal(0, 1, (3, 3)) + 1j,
    "complex big-endian Fortran": np.asfortranarray((rng.normal(0, 1, (3, 4)) + 1j).astype(">c8")),
    "strings": np.array(["a", "bcd", "é"]),
    "bytes": np.array([b"a", b"bcd"]),
    "datetime": np.array(["2001-02-03", "2004-05-06"], "M8[D]"),
    "long double": np.arange(3).astype(np.longdouble),
    "20 dimensions": np.arange(2.0**5).reshape((2,) * 5 + (1,) * 15),
    "bfloat16": np.arange(9).astype(ml_dtypes.bfloat16),
}


@pytest.mark.parametrize("case", ARRAYS)
@pytest.mark.parametrize("in_memory", [True, False])
def test_npy_comes_back_byte_for_byte(
    tmp_path: Path, case: str, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:  # through mapped temporary files, as with large arrays
        monkeypatch.setattr(common, "_SCRATCH_IN_MEMORY", 0)
        monkeypatch.setattr(common, "PIECE_BYTES", 64)
    array = ARRAYS[case]
    path = tmp_path / "x.npy"
    np.save(path, array)
    compressed, _, restored = round_trip(path)
    assert restored == path.read_bytes()
    assert files.verify_file(compressed.output, path).ok
    (tensor,) = files.inspect_file(compressed.output).tensors
    assert tensor.shape == array.shape
    with File(compressed.output) as file:
        stored = file["array"]
    if tensor.dtype in NUMPY_DTYPES and array.ndim <= 16:  # others are kept as bytes, or flat
        assert stored.dtype == array.dtype.newbyteorder("=")
        assert np.array_equal(stored, array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("in_memory", [True, False])
def test_npz_has_the_same_arrays(
    tmp_path: Path, save: Any, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(common, "_SCRATCH_IN_MEMORY", 0)
        monkeypatch.setattr(common, "PIECE_BYTES", 64)
    path = tmp_path / "x.npz"
    save(path, **{name.replace(" ", "/") + "ü": array for name, array in ARRAYS.items()})
    compressed, decompressed, _ = round_trip(path)
    assert "rewritten zip" in compressed.note
    assert "rewritten" in decompressed.note
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(decompressed.output) as after:
        assert after.namelist() == before.namelist()
        assert after.testzip() is None
        for name in before.namelist():
            assert after.read(name) == before.read(name)
            assert after.getinfo(name).compress_type == before.getinfo(name).compress_type
    with np.load(decompressed.output) as loaded:
        assert list(loaded) == [name.replace(" ", "/") + "ü" for name in ARRAYS]
    assert files.verify_file(compressed.output, path).ok


def test_an_empty_npz(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path)
    _, decompressed, _ = round_trip(path)
    with np.load(decompressed.output) as loaded:
        assert list(loaded) == []


def test_npz_of_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, a=np.arange(10))
    _, _, first = round_trip(path)
    assert round_trip(path)[2] == first


def npy_bytes(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    raw = header.encode("latin-1")
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(raw)) + raw + data


def npy_of(array: NDArray[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


BAD_NPY: dict[str, tuple[bytes, type[CodecError], str]] = {
    "pickle": (npy_of(np.array([{}], object)), UnsupportedFeatureError, "Python objects"),
    "structured": (
        npy_of(np.zeros(2, [("x", "f4"), ("y", "i2")])),
        UnsupportedFeatureError,
        "structured dtype",
    ),
    "only the magic": (b"\x93NUMPY", CorruptDataError, "bad .npy header"),
    "version 9": (npy_bytes("{}", version=b"\x09\0"), UnsupportedFeatureError, "version 9.0"),
    "version 3": (
        npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", b"abcd", b"\3\0"),
        UnsupportedFeatureError,
        "version 3.0",
    ),
    "code": (
        npy_bytes("__import__('os').system('true')"),
        CorruptDataError,
        "bad .npy header",
    ),
    "no keys": (npy_bytes("{}"), CorruptDataError, "bad .npy header"),
    "bad dtype": (
        npy_bytes("{'descr': 'zz', 'fortran_order': False, 'shape': (1,), }"),
        CorruptDataError,
        "bad .npy header",
    ),
    "negative shape": (
        npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,-1), }", b"abcd"),
        CorruptDataError,
        "bad shape",
    ),
    "huge shape": (
        npy_bytes(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({1 << 62}, {1 << 62}), }}", b"abcd"),
        CorruptDataError,
        "the file has 4",
    ),
    "deep nesting": (npy_bytes("(" * 9000 + ")" * 9000), CorruptDataError, "bad .npy header"),
    "long header": (npy_bytes(" " * 60000), CorruptDataError, "bad .npy header"),
    "too long": (npy_of(np.arange(3)) + b"x", CorruptDataError, "needs 24 bytes, the file has 25"),
    "too short": (npy_of(np.arange(3))[:-1], CorruptDataError, "needs 24 bytes, the file has 23"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_npy_files_are_refused(tmp_path: Path, case: str) -> None:
    raw, kind, message = BAD_NPY[case]
    path = tmp_path / "x.npy"
    path.write_bytes(raw)
    with pytest.raises(kind) as caught:
        files.compress_file(path)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_npy_of_format_version_2(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(npy_of(np.arange(30.0).reshape(5, 6), version=(2, 0)))
    assert round_trip(path)[2] == path.read_bytes()


def zip_bytes(members: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


def test_bad_npz_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    good = npy_of(np.arange(100))
    cases: list[tuple[bytes, str]] = [
        (b"not a zip file", "does not start like a .npz file"),
        (b"PK\3\4" + b"x" * 50, "bad .npz file"),
        (zip_bytes([("archive/data.pkl", b"x")]), "pickles (.pt, .pkl) are never read"),
        (zip_bytes([("a.npy", npy_of(np.array([None])))]), "Python objects"),
        (zip_bytes([("a.npy", good[:-1])]), "needs 800 bytes, the file has 799"),
        (zip_bytes([("a.npy", good[:-1])], zipfile.ZIP_DEFLATED), "needs 800 bytes, the member has 799"),
        (zip_bytes([("a.npy", b"")]), "bad .npy header"),
        (zip_bytes([("a.npy", good)], zipfile.ZIP_BZIP2), "zip compression method 12"),
        (zip_bytes([("a.npy", good)]).replace(good[-90:], b"\1" * 90), "CRC-32 does not match"),
    ]
    for raw, message in cases:
        path.write_bytes(raw)
        with pytest.raises(CodecError) as caught:
            files.compress_file(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_npz_with_two_arrays_of_one_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(zip_bytes([("a.npy", npy_of(np.arange(3)))] * 2))
    with pytest.raises(CorruptDataError, match="appears twice"):
        files.compress_file(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_npz_is_refused_or_means_the_same(tmp_path: Path, compression: int) -> None:
    array = np.random.default_rng(5).integers(0, 9, 60).astype(np.int16)
    raw = zip_bytes([("a.npy", npy_of(array))], compression)
    path, restored = tmp_path / "x.npz", tmp_path / "y.npz"
    generator = np.random.default_rng(6)
    refused = 0
    for position in range(len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= int(generator.integers(1, 256))
        path.write_bytes(damaged)
        try:
            report = files.compress_file(path, overwrite=True)
        except (CodecError, ArgumentError):
            refused += 1
            continue
        files.decompress_file(report.output, restored, overwrite=True)
        with np.load(restored) as loaded:
            (name,) = loaded
            assert loaded[name].tobytes() == array.tobytes()
    assert refused > len(raw) // 2


# ---- whole-file functions ----------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    generator = np.random.default_rng(4)
    safetensors.numpy.save_file(
        {
            "encoder.weight": generator.normal(0, 0.02, (64, 32)).astype(np.float32),
            "encoder.bias": np.zeros(32, np.float32),
            "decoder.weight": generator.normal(0, 0.02, (32, 64)).astype(np.float32),
            "step": np.array(7, np.int64),
        },
        path,
        metadata={"format": "np"},
    )
    return path


def test_default_names(model: Path) -> None:
    original = model.read_bytes()
    report = files.compress_file(model)
    assert report.output == f"{model}.fewbits"
    with pytest.raises(ArgumentError, match="exists already; use --force"):
        files.compress_file(model)
    with pytest.raises(ArgumentError, match="exists already; use --force"):
        files.decompress_file(report.output)
    assert model.read_bytes() == original
    model.unlink()
    assert files.decompress_file(report.output).output == str(model)
    assert model.read_bytes() == original


def test_output_into_a_directory(model: Path, tmp_path: Path) -> None:
    directory = tmp_path / "out"
    directory.mkdir()
    report = files.compress_file(model, directory)
    assert report.output == str(directory / "model.safetensors.fewbits")
    assert files.decompress_file(report.output, directory).output == str(directory / "model.safetensors")


def test_the_input_is_never_the_output(model: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(model)
    for output in (model, link):
        with pytest.raises(ArgumentError, match="is the input itself"):
            files.compress_file(model, output, overwrite=True)


def test_decompress_without_a_default_name(model: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.bin"
    files.compress_file(model, packed)
    with pytest.raises(ArgumentError, match="give the output a name with -o"):
        files.decompress_file(packed)


def test_include_and_exclude(model: Path, tmp_path: Path) -> None:
    report = files.compress_file(model, include=["encoder.*", "step"], exclude=["*.bias"])
    assert [tensor.name for tensor in report.tensors] == ["step", "encoder.weight"]
    assert report.left_out == 2
    out = tmp_path / "part.safetensors"
    note = files.decompress_file(report.output, out).note
    assert note == "a part of the original"
    before, after = safetensors.numpy.load_file(model), safetensors.numpy.load_file(out)
    assert set(after) == {"step", "encoder.weight"}
    for name, tensor in after.items():
        assert tensor.tobytes() == before[name].tobytes()
    with safetensors.safe_open(out, "np") as opened:
        assert opened.metadata() == {"format": "np"}
    assert files.inspect_file(report.output).left_out == 2
    verified = files.verify_file(report.output, model)
    assert verified.ok
    assert verified.notes == ("2 tensors of the original were left out when it was compressed",)
    with pytest.raises(ArgumentError, match=r"no tensor matches 'encodr.*'; near it: encoder"):
        files.compress_file(model, tmp_path / "x", include=["encodr.*"])
    with pytest.raises(ArgumentError, match="leave out all of its 4 tensors"):
        files.compress_file(model, tmp_path / "x", exclude=["*"])


def test_decompress_some_tensors(model: Path, tmp_path: Path) -> None:
    packed = files.compress_file(model).output
    out = tmp_path / "part.safetensors"
    report = files.decompress_file(packed, out, tensors=["step", "decoder.weight"])
    assert (report.tensors, report.left_out) == (2, 2)
    before, after = safetensors.numpy.load_file(model), safetensors.numpy.load_file(out)
    assert {name: t.tobytes() for name, t in after.items()} == {
        name: before[name].tobytes() for name in ("step", "decoder.weight")
    }
    with pytest.raises(ArgumentError, match=r"no tensor 'stp'; near it: step"):
        files.decompress_file(packed, out, tensors=["stp"], overwrite=True)


def test_some_arrays_of_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, a=np.arange(3), b=np.ones(2), c=np.zeros(1))
    packed = files.compress_file(path, exclude=["c"]).output
    files.decompress_file(packed, tmp_path / "y.npz", tensors=["b"])
    with np.load(tmp_path / "y.npz") as loaded:
        assert list(loaded) == ["b"]
        assert loaded["b"].tolist() == [1.0, 1.0]


def test_the_file_does_not_depend_on_threads(model: Path, tmp_path: Path) -> None:
    contents = set()
    for threads in (None, 1, 2, 5):
        report = files.compress_file(model, tmp_path / "x.fewbits", threads=threads, overwrite=True)
        contents.add(Path(report.output).read_bytes())
        files.decompress_file(report.output, tmp_path / "y", threads=threads, overwrite=True)
        assert (tmp_path / "y").read_bytes() == model.read_bytes()
    assert len(contents) == 1


@pytest.mark.parametrize("level", files.LEVELS)
def test_levels(model: Path, level: str) -> None:
    assert round_trip(model, level=level)[2] == model.read_bytes()


def test_bad_arguments(model: Path) -> None:
    with pytest.raises(
        ArgumentError, match=r"files.compress_file: codec must be one of 'lossless', got 'jpeg'"
    ):
        files.compress_file(model, codec="jpeg")
    with pytest.raises(ArgumentError, match="level must be one of 'fast', 'default', 'max', got 'best'"):
        files.compress_file(model, level="best")
    with pytest.raises(ArgumentError, match="threads must be in 0"):
        files.compress_file(model, threads=-1)


def test_progress_ends_at_the_total(model: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = files.compress_file(model, progress=lambda done, total: calls.append((done, total)))
    raw = sum(tensor.nbytes for tensor in report.tensors)
    assert calls[-1] == (raw, raw)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    for run in (
        lambda p: files.decompress_file(report.output, model, overwrite=True, progress=p),
        lambda p: files.verify_file(report.output, progress=p),
        lambda p: files.verify_file(report.output, model, progress=p),
    ):
        calls.clear()
        run(lambda done, total: calls.append((done, total)))
        assert calls[-1][0] == calls[-1][1]


def test_an_exception_in_progress_leaves_nothing(model: Path, tmp_path: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("stop")

    packed = files.compress_file(model).output
    before = set(tmp_path.iterdir())
    with pytest.raises(RuntimeError, match="stop"):
        files.compress_file(model, tmp_path / "new", progress=fail)
    with pytest.raises(RuntimeError, match="stop"):
        files.decompress_file(packed, tmp_path / "new", progress=fail)
    assert set(tmp_path.iterdir()) == before


def test_verify_lists_the_differences(model: Path, tmp_path: Path) -> None:
    packed = files.compress_file(model).output
    assert files.verify_file(packed).ok
    assert files.verify_file(packed, model).ok
    tensors = safetensors.numpy.load_file(model)
    tensors["encoder.weight"] = tensors["encoder.weight"].copy()
    tensors["encoder.weight"].view(np.uint32)[3, 5] ^= 1
    tensors["encoder.bias"] = tensors["encoder.bias"].astype(np.float64)
    tensors["decoder.weight"] = tensors["decoder.weight"].reshape(64, 32)
    tensors["new"] = np.zeros(1, np.int8)
    del tensors["step"]
    other = tmp_path / "other.safetensors"
    safetensors.numpy.save_file(tensors, other, metadata={"format": "pt"})
    report = files.verify_file(packed, other)
    assert not report.ok
    assert dict(report.problems) == {
        None: "the metadata differ",
        "encoder.weight": "1 of 2048 elements differ, the first at [3, 5]",
        "encoder.bias": "dtype float32, in the original float64",
        "decoder.weight": "shape [32, 64], in the original [64, 32]",
        "step": "not in the original",
        "new": "only in the original",
    }


def test_negative_zero_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array([0.0, 1.0, np.nan]))
    packed = files.compress_file(path).output
    assert files.verify_file(packed, path).ok  # equal NaNs are equal bits
    np.save(path, np.array([-0.0, 1.0, np.nan]))
    report = files.verify_file(packed, path)
    assert [problem.problem for problem in report.problems] == ["1 of 3 elements differ, the first at [0]"]


def test_damage_is_found_and_named(model: Path, tmp_path: Path) -> None:
    packed = Path(files.compress_file(model).output)
    good = packed.read_bytes()
    bad = bytearray(good)
    bad[len(good) // 2] ^= 0x55
    packed.write_bytes(bad)
    report = files.verify_file(packed)  # the middle of the file is data: the index is sound
    assert [problem.tensor in ("encoder.weight", "decoder.weight") for problem in report.problems] == [True]
    with pytest.raises(CorruptDataError):
        files.decompress_file(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_mutation_of_a_packed_file_is_refused_or_harmless(tmp_path: Path) -> None:
    path, packed, out = tmp_path / "x.npz", tmp_path / "x.npz.fewbits", tmp_path / "y.npz"
    np.savez(path, a=np.arange(40, dtype=np.float32), b=np.asfortranarray(np.ones((2, 3), ">i2")))
    files.compress_file(path)
    expected = Path(files.decompress_file(packed, out).output).read_bytes()
    good = packed.read_bytes()
    generator = np.random.default_rng(7)
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= int(generator.integers(1, 256))
        packed.write_bytes(bad)
        try:
            files.decompress_file(packed, out, overwrite=True)
        except (CodecError, ArgumentError):
            continue
        assert out.read_bytes() == expected


def write_container(path: Path, metadata: dict[str, str], name: str = "a") -> None:
    with Writer(path, metadata=metadata) as writer:
        writer.add(name, np.arange(3, dtype=np.float32), dtype="float32", shape=(3,))


GOOD_NPY_HEADER = npy_of(np.arange(3, dtype=np.float32))[:-12].decode("latin-1")
BAD_DESCRIPTIONS = {
    "not JSON": "{",
    "not an object": "[]",
    "no format": "{}",
    "format is a number": '{"format":1}',
    "nested": '{"format":' + "[" * 50_000 + "]" * 50_000 + "}",
    "metadata of numbers": '{"format":"safetensors","metadata":{"a":1}}',
    "shapes is a list": '{"format":"safetensors","shapes":[1]}',
    "shape of another size": '{"format":"safetensors","shapes":{"a":[4]}}',
    "negative shape": '{"format":"safetensors","shapes":{"a":[-3]}}',
    "left_out is negative": '{"format":"safetensors","left_out":-1}',
    "npy without header": '{"format":"npy"}',
    "npy with another header": json.dumps(
        {"format": "npy", "arrays": {"a": GOOD_NPY_HEADER.replace("(3,)", "(4,)")}}
    ),
    "npy with another dtype": json.dumps(
        {"format": "npy", "arrays": {"a": GOOD_NPY_HEADER.replace("<f4", "<i4")}}
    ),
    "npy with rubbish": json.dumps({"format": "npy", "arrays": {"a": "\u1234"}}),
    "npz of unknown compression": json.dumps(
        {"format": "npz", "compression": "magic", "arrays": {"a": GOOD_NPY_HEADER}}
    ),
}


@pytest.mark.parametrize("case", BAD_DESCRIPTIONS)
def test_a_damaged_description_is_refused(tmp_path: Path, case: str) -> None:
    path = tmp_path / "x.fewbits"
    write_container(path, {"fewbits.source": BAD_DESCRIPTIONS[case]})
    with pytest.raises(CorruptDataError) as caught:
        files.decompress_file(path, tmp_path / "out")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_stored_header_must_match_the_tensors(tmp_path: Path) -> None:
    path = tmp_path / "x.fewbits"
    headers = [
        "{}",
        "nonsense",
        json.dumps({"b": entry("F32", [3], 0, 12)}),
        json.dumps({"a": entry("I32", [3], 0, 12)}),
        json.dumps({"a": entry("F32", [4], 0, 16)}),
        json.dumps({"a": entry("F32", [3, 1], 0, 12)}),
        json.dumps({"a": entry("F32", [3], 0, 12), "b": entry("F32", [0], 12, 12)}),
    ]
    for header in headers:
        write_container(path, {"fewbits.source": '{"format":"safetensors"}', "fewbits.header": header})
        with pytest.raises(CorruptDataError):
            files.decompress_file(path, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_source_format_of_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.fewbits"
    write_container(path, {"fewbits.source": '{"format":"gguf"}'})
    with pytest.raises(UnsupportedFeatureError, match="made from a 'gguf' file"):
        files.decompress_file(path, tmp_path / "out")


def test_a_file_saved_from_python_becomes_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "x.fewbits"
    write_container(path, {"author": "me"}, "wü")
    report = files.decompress_file(path)
    assert report.output == str(tmp_path / "x.safetensors")
    assert report.note == "written as safetensors"
    assert safetensors.numpy.load_file(report.output)["wü"].tolist() == [0.0, 1.0, 2.0]
    with safetensors.safe_open(report.output, "np") as opened:
        assert opened.metadata() == {"author": "me"}
    assert files.inspect_file(path).format == ""


def test_a_bomb_is_refused_until_allowed(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros(1 << 20, np.uint8))
    packed = files.compress_file(path).output
    with pytest.raises(LimitError):
        files.decompress_file(packed, tmp_path / "y", max_bytes=1000)
    assert not (tmp_path / "y").exists()
    files.decompress_file(packed, tmp_path / "y", max_bytes=1 << 20)
    assert (tmp_path / "y").read_bytes() == path.read_bytes()


def test_mixed_up_commands_are_explained(model: Path, tmp_path: Path) -> None:
    packed = files.compress_file(model).output
    with pytest.raises(ArgumentError, match=r"is a \.fewbits file already"):
        files.compress_file(packed)
    with pytest.raises(ArgumentError, match=r"not a \.fewbits file; make one with `fewbits compress`"):
        files.decompress_file(model, tmp_path / "x")


@pytest.mark.parametrize(
    "shape", [(), (1,), (0,), (10,), (3, 4), (1, 1000), (2, 3, 50), (5, 0, 3), (2, 2, 2, 40)]
)
@pytest.mark.parametrize("piece_bytes", [1, 16, 100, 10_000])
def test_pieces_follow_one_another(
    shape: tuple[int, ...], piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "PIECE_BYTES", piece_bytes)
    array = np.arange(np.prod(shape, dtype=int), dtype=np.int32).reshape(shape)
    found = [np.asarray(array[index]).reshape(-1) for index in piece_indices(shape, 4)]
    assert np.array_equal(np.concatenate([np.empty(0, np.int32), *found]), array.reshape(-1))
    assert all(piece.nbytes <= max(piece_bytes, 4) for piece in found)
