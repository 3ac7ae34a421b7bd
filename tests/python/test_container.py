"""The container and the single-array codec from Python: round trips, slices, limits, damage, interop."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import fewbits
import ml_dtypes
import numpy as np
import pytest
from fewbits import container
from fewbits.errors import (
    ArgumentError,
    CorruptDataError,
    LimitError,
    ParameterMismatchError,
    UnsupportedFeatureError,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

LEVELS = ("fast", "default", "max")
DTYPES = [np.dtype(getattr(ml_dtypes, n, None) or n) for n in container.DTYPES if n != "bytes"]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def synthetic(dtype: Any, rows: int = 2048) -> np.ndarray:
    """The weights of the specification: normal with a log-normal scale for each row, by way of float32."""
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 0.3, (rows, 1)))
    x = (rng.normal(0, 1, (rows, 2048)) * 0.02 * scale).astype(np.float32)
    if dtype == ml_dtypes.float8_e4m3fn:
        x *= 448 / np.abs(x).max(axis=1, keepdims=True)
    return x.astype(dtype)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 0), (40, 70), (2, 3, 4, 5), (5000,)], ids=str)
def test_array_round_trip(dtype: np.dtype[Any], shape: tuple[int, ...], level: str) -> None:
    rng = np.random.default_rng(1)
    noise = np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), np.uint8)
    if dtype == np.bool_:
        noise = noise & 1
    x = noise.view(dtype).reshape(shape)
    data = fewbits.compress_array(x, level=level)
    assert len(data) <= 1.001 * x.nbytes + 64
    assert same_bits(fewbits.decompress_array(data, verify="full"), x)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    x=st.one_of(
        [
            hnp.arrays(t, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=24))
            for t in (np.float16, np.float32, np.float64, np.int8, np.uint16, np.int64, np.bool_)
        ]
    ),
    level=st.sampled_from(LEVELS),
)
def test_array_property(x: np.ndarray, level: str) -> None:
    data = fewbits.compress_array(x, level=level)
    assert same_bits(fewbits.decompress_array(data, verify="full"), x)
    assert fewbits.compress_array(x, level=level, threads=3) == data
    assert len(data) <= 1.001 * x.nbytes + 64


@pytest.mark.parametrize(
    ("dtype", "level", "bound"),
    [
        (ml_dtypes.bfloat16, "default", 0.6618),
        (ml_dtypes.bfloat16, "fast", 0.6656),
        (np.float16, "default", 0.8486),
        (np.float32, "default", 0.8312),
        (ml_dtypes.float8_e4m3fn, "default", 0.8115),
    ],
)
def test_ratio_on_synthetic_weights(dtype: Any, level: str, bound: float) -> None:
    x = synthetic(dtype)
    data = fewbits.compress_array(x, level=level)
    assert len(data) / x.nbytes <= bound
    assert same_bits(fewbits.decompress_array(data), x)


def test_special_values_keep_their_bits() -> None:
    patterns = np.array(
        [
            0,
            0x80000000,
            1,
            0x807FFFFF,
            0x7F800000,
            0xFF800000,
            0x7FC00000,
            0xFFC12345,
            0x7F800001,
            0x7F7FFFFF,
        ],
        np.uint32,
    )
    x = np.tile(patterns, 1000).view(np.float32)
    for level in LEVELS:
        assert same_bits(fewbits.decompress_array(fewbits.compress_array(x, level=level)), x)


def test_layouts_of_the_input() -> None:
    x = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)
    for view in (x[::2, ::3], x.T, x[::-1], np.asfortranarray(x), x.astype(">f4"), x[1:1]):
        out = fewbits.decompress_array(fewbits.compress_array(view))
        assert out.dtype == np.float32
        assert out.flags.c_contiguous
        assert (out == view).all()
    x.flags.writeable = False
    assert same_bits(fewbits.decompress_array(fewbits.compress_array(x)), x)
    assert fewbits.decompress_array(fewbits.compress_array([1, 2, 3])).tolist() == [1, 2, 3]
    assert fewbits.decompress_array(fewbits.compress_array(np.float32(3))).shape == ()


@pytest.mark.parametrize(
    "x",
    [
        np.array([object()]),
        np.array(["a"]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, complex),
        np.ma.masked_array([1.0], [True]),
    ],
    ids=["object", "str", "time", "struct", "complex", "masked"],
)
def test_dtypes_that_are_refused(x: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"compress_array: .* not supported"):
        fewbits.compress_array(x)


def test_bad_arguments_are_named() -> None:
    x = np.zeros(3, np.float32)
    with pytest.raises(
        ArgumentError, match=r"compress_array: level must be one of 'fast', 'default', 'max', got 'best'"
    ):
        fewbits.compress_array(x, level="best")
    with pytest.raises(ArgumentError, match=r"compress_array: threads must be in 0..65536, got -1"):
        fewbits.compress_array(x, threads=-1)
    with pytest.raises(TypeError, match="threads must be an integer, got float"):
        fewbits.compress_array(x, threads=1.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="verify must be one of"):
        fewbits.decompress_array(fewbits.compress_array(x), verify="all")
    with pytest.raises(ArgumentError, match=r"max_bytes must be in 0\.\.18446744073709551616, got -5"):
        fewbits.decompress_array(fewbits.compress_array(x), max_bytes=-5)
    with pytest.raises(
        ArgumentError, match=r"base must be float32 of shape \(3,\), got float32 of shape \(4,\)"
    ):
        fewbits.compress_array(x, base=np.zeros(4, np.float32))


def test_limit() -> None:
    data = fewbits.compress_array(np.zeros(1 << 20, np.uint8))
    assert fewbits.decompress_array(data, max_bytes=1 << 20).size == 1 << 20
    with pytest.raises(LimitError, match="1048576 bytes, max_bytes allows 1048575"):
        fewbits.decompress_array(data, max_bytes=(1 << 20) - 1)


def test_every_damaged_byte_of_a_frame_is_noticed() -> None:
    x = np.random.default_rng(2).normal(size=200).astype(np.float16)
    data = fewbits.compress_array(x)
    for i in range(len(data)):
        for bit in (1, 0x80):
            damaged = bytearray(data)
            damaged[i] ^= bit
            with pytest.raises((CorruptDataError, UnsupportedFeatureError)):
                fewbits.decompress_array(bytes(damaged))
        with pytest.raises(CorruptDataError):
            fewbits.decompress_array(data[:i])
    with pytest.raises(CorruptDataError):
        fewbits.decompress_array(data + b"\0")


def test_base() -> None:
    rng = np.random.default_rng(3)
    old = rng.normal(size=(300, 400)).astype(np.float32)
    new = old.copy()
    new[::10] *= np.float32(1.0001)
    data = fewbits.compress_array(new, base=old)
    assert len(data) < 0.2 * len(fewbits.compress_array(new))
    assert same_bits(fewbits.decompress_array(data, base=old), new)
    with pytest.raises(ParameterMismatchError, match="which was not given"):
        fewbits.decompress_array(data)
    with pytest.raises(ParameterMismatchError, match="not the one it was coded against"):
        fewbits.decompress_array(data, base=new)


# ---- files ----------------------------------------------------------------------------------------------


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {
        "weight": rng.normal(0, 0.05, (700, 500)).astype(np.float32),
        "half": rng.normal(0, 0.05, (40, 50)).astype(ml_dtypes.bfloat16),
        "ids": np.arange(300)[None],
        "flag": np.array(True),
        "nothing": np.zeros((0, 7), np.float16),
        "phase": np.exp(1j * np.arange(5)).astype(np.complex64),
        "ünïcode/名": np.arange(3, dtype=np.uint8),
    }


def test_file_round_trip(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    path = tmp_path / "a.fewbits"
    done: list[int] = []
    size = fewbits.save(path, tensors, metadata={"b": "2", "a": ""}, progress=done.append)
    assert size == path.stat().st_size
    assert sum(done) == sum(x.nbytes for x in tensors.values())
    with fewbits.open(path) as file:
        assert list(file) == list(tensors)
        assert list(file.metadata.items()) == [("b", "2"), ("a", "")]
        assert len(file) == len(tensors)
        assert "weight" in file
        assert "bias" not in file
        for name, x in tensors.items():
            assert same_bits(file[name], x)
            info = file.tensors[name]
            assert (info.shape, info.nbytes, info.size) == (x.shape, x.nbytes, x.size)
            file.verify(name)
        assert file.tensors["phase"].dtype == "bytes"
        assert file.tensors["phase"].original_dtype == "complex64"
        with pytest.raises(KeyError):
            file["bias"]
    with pytest.raises(ArgumentError, match="closed"):
        file["weight"]
    with fewbits.open(path.read_bytes(), verify="full") as file:
        assert same_bits(file["weight"], tensors["weight"])


def test_file_bytes_do_not_depend_on_threads(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    contents = set()
    for threads in (1, 2, 7):
        fewbits.save(tmp_path / "t.fewbits", tensors, threads=threads)
        contents.add((tmp_path / "t.fewbits").read_bytes())
    assert len(contents) == 1


INDICES = [
    0,
    -1,
    699,
    np.s_[:],
    np.s_[3:9],
    np.s_[650:20:-7],
    np.s_[::-1],
    np.s_[5:5],
    np.s_[-3:],
    np.s_[2, 3],
    np.s_[10:600:50, 4:9],
    np.s_[..., 0],
    np.s_[[5, 2, 600], :2],
    np.s_[None, 4],
    np.s_[3, ..., None],
    np.s_[np.array([[1, 2], [3, -4]])],
    np.s_[np.arange(700) % 100 == 3],
    np.s_[[]],
    (),
    ...,
]


@pytest.mark.parametrize("index", INDICES, ids=lambda i: str(i).replace("\n", "")[:40])
def test_slices(tmp_path: Path, tensors: dict[str, np.ndarray], index: Any) -> None:
    path = tmp_path / "s.fewbits"
    fewbits.save(path, {"weight": tensors["weight"]})
    with fewbits.open(path) as file:
        expected = tensors["weight"][index]
        got = file.read("weight", index)
        assert got.shape == expected.shape
        assert got.tobytes() == expected.tobytes()
        out = np.empty(expected.shape, np.float32)
        assert file.read("weight", index, out=out) is out
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("index", [700, -701, np.s_[0, 500], [3, 900], "x", 1.5, np.ones(3, bool)], ids=str)
def test_bad_slices(tmp_path: Path, tensors: dict[str, np.ndarray], index: Any) -> None:
    fewbits.save(tmp_path / "s.fewbits", {"weight": tensors["weight"]})
    with fewbits.open(tmp_path / "s.fewbits") as file, pytest.raises(IndexError):
        file.read("weight", index)


def test_bad_out(tmp_path: Path) -> None:
    fewbits.save(tmp_path / "o.fewbits", {"x": np.zeros((4, 3), np.float32)})
    with fewbits.open(tmp_path / "o.fewbits") as file:
        for out in (np.zeros((4, 3)), np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32).T):
            with pytest.raises(ArgumentError, match="out must be a writable C-contiguous array of float32"):
                file.read("x", out=out)


def test_one_row_reads_few_blocks(tmp_path: Path) -> None:
    """Damage everywhere but in the blocks that hold the row goes unnoticed: they alone are read."""
    x = np.random.default_rng(5).normal(size=(4000, 1024)).astype(np.float32)
    path = tmp_path / "row.fewbits"
    fewbits.save(path, {"x": x}, level="fast")
    data = bytearray(path.read_bytes())
    index_offset = struct.unpack_from("<Q", data, 24)[0]
    with fewbits.open(path) as file:
        blocks = file.tensors["x"].blocks
        stored = file.tensors["x"].stored_bytes
    assert blocks == 16
    # The blocks lie in order: spoil the second half of the data.
    middle = 48 + stored * 9 // 16
    data[middle:index_offset] = bytes(index_offset - middle)
    with fewbits.open(bytes(data)) as file:
        assert (file.read("x", np.s_[300:301]) == x[300:301]).all()
        with pytest.raises(CorruptDataError, match=r"tensor 'x': block \d+ is damaged"):
            file.read("x", 3999)


def test_damage_in_a_file_names_the_tensor(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    path = tmp_path / "d.fewbits"
    fewbits.save(path, tensors)
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    with fewbits.open(bytes(data)) as file:
        with pytest.raises(CorruptDataError, match="tensor 'weight': block 0 is damaged"):
            file["weight"]
        assert same_bits(file["half"], tensors["half"])
    with pytest.raises(CorruptDataError, match="truncated"):
        fewbits.open(bytes(data[:-1]))
    with pytest.raises(CorruptDataError, match=r"not a \.fewbits file"):
        fewbits.open(b"PK\x03\x04" + bytes(100))
    with pytest.raises(CorruptDataError, match=r"not a \.fewbits file"):
        fewbits.open(b"")


def test_nothing_appears_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "w.fewbits"
    path.write_bytes(b"old")
    writer = fewbits.Writer(path)
    writer.add("x", np.zeros(1000))
    assert path.read_bytes() == b"old"
    writer.abort()
    assert os.listdir(tmp_path) == ["w.fewbits"]
    with pytest.raises(ZeroDivisionError), fewbits.Writer(path) as writer:  # noqa: PT012
        writer.add("x", np.zeros(1000))
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["w.fewbits"]
    assert path.read_bytes() == b"old"
    with fewbits.Writer(path) as writer:
        writer.add("x", np.zeros(1000))
    assert os.listdir(tmp_path) == ["w.fewbits"]
    assert list(fewbits.open(path)) == ["x"]


def test_writer_arguments(tmp_path: Path) -> None:
    path = tmp_path / "w.fewbits"
    with fewbits.Writer(path) as writer:
        writer.add("x", np.zeros(3))
        with pytest.raises(ArgumentError, match="'x' is there already"):
            writer.add("x", np.zeros(3))
        with pytest.raises(ArgumentError, match="dtype must be one of"):
            writer.add("y", b"123", dtype="float33", shape=(3,))
        with pytest.raises(ArgumentError, match="shape must be given"):
            writer.add("y", b"123", dtype="uint8")
        with pytest.raises(ArgumentError, match=r"float32 of shape \(3,\) has 12 bytes, got 3"):
            writer.add("y", b"123", dtype="float32", shape=(3,))
        writer.add("four bits", b"\x12\x34", dtype="bytes", shape=(4,), original_dtype="F4")
    with pytest.raises(ArgumentError, match="closed"):
        writer.add("z", np.zeros(3))
    with pytest.raises(ArgumentError, match="closed"):
        writer.close()
    with fewbits.open(path) as file:
        info = file.tensors["four bits"]
        assert (info.original_dtype, info.shape, info.nbytes) == ("F4", (4,), 2)
        assert file["four bits"].tolist() == [0x12, 0x34]
    with pytest.raises(TypeError, match="metadata must map str to str"):
        fewbits.Writer(path, metadata={"a": 1})  # type: ignore[dict-item]
    with pytest.raises(ArgumentError, match="reserved"):
        fewbits.Writer(path, metadata={"fewbits.tensor.x": "{}"})
    with pytest.raises(ArgumentError, match="Writer: level"):
        fewbits.Writer(path, level="none")


def test_errors_of_the_operating_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        fewbits.open(tmp_path / "missing.fewbits")
    assert missing.value.filename == str(tmp_path / "missing.fewbits")
    with pytest.raises(IsADirectoryError):
        fewbits.open(tmp_path)
    with pytest.raises(IsADirectoryError):
        fewbits.save(tmp_path, {})
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        fewbits.save(tmp_path / "file" / "below.fewbits", {})


def test_base_of_a_file(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    newer = {name: x.copy() for name, x in tensors.items()}
    newer["weight"][0] += 1
    path = tmp_path / "b.fewbits"
    size = fewbits.save(path, newer, base={"weight": tensors["weight"]})
    assert size < 0.1 * sum(x.nbytes for x in tensors.values())
    with fewbits.open(path, base=tensors) as file:
        assert all(same_bits(file[name], x) for name, x in newer.items())
    with fewbits.open(path) as file:
        assert same_bits(file["half"], newer["half"])
        with pytest.raises(ParameterMismatchError):
            file["weight"]


def test_file_of_many_threads(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "c.fewbits"
    fewbits.save(path, tensors)
    with fewbits.open(path, threads=2) as file, ThreadPoolExecutor(4) as pool:
        names = list(tensors) * 6
        assert all(same_bits(x, tensors[n]) for n, x in zip(names, pool.map(file.read, names), strict=True))


def test_golden_file() -> None:
    """A file of the first release decodes for ever."""
    golden = Path(__file__).parents[1] / "data" / "golden"
    expected = json.loads((golden / "container-1.json").read_text())
    with fewbits.open(golden / "container-1.fewbits", verify="full") as file:
        assert file.metadata == expected["metadata"]
        assert {n: i.xxh64 for n, i in file.tensors.items()} == expected["xxh64"]
        assert {n: list(i.stages) for n, i in file.tensors.items()} == expected["stages"]
        for name in file:
            file.verify(name)


# ---- interop --------------------------------------------------------------------------------------------


def test_torch_tensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    values = torch.linspace(-3, 3, 600).reshape(20, 30)
    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.int64, torch.bool):
        x = values.to(dtype)
        for view in (x, x.t(), x[::2]):
            out = fewbits.decompress_array(fewbits.compress_array(view))
            assert out.shape == tuple(view.shape)
            assert out.tobytes() == view.contiguous().view(torch.uint8).numpy().tobytes()
    fewbits.save(tmp_path / "torch.fewbits", {"x": values.requires_grad_()})
    with fewbits.open(tmp_path / "torch.fewbits") as file:
        assert torch.equal(torch.from_dlpack(file["x"]), values)


def test_dlpack_producers() -> None:
    class Producer:
        def __init__(self, array: np.ndarray) -> None:
            self.array = array

        def __dlpack__(self, **arguments: Any) -> Any:
            return self.array.__dlpack__(**arguments)

        def __dlpack_device__(self) -> tuple[int, int]:
            return self.array.__dlpack_device__()

    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert same_bits(fewbits.decompress_array(fewbits.compress_array(Producer(x))), x)


def test_without_ml_dtypes_codes_are_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(10, dtype=np.float32).astype(ml_dtypes.bfloat16)
    data = fewbits.compress_array(x)
    # An interpreter that never imported ml_dtypes knows no dtype of that name.
    monkeypatch.setattr(container, "_numpy_dtype", lambda name: np.dtype("uint16"))
    assert fewbits.decompress_array(data).tolist() == x.view(np.uint16).tolist()
