"""compare_files and `fewbits compare`: every pair of kinds, figures against NumPy, what has none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from fewbits import cli
from fewbits.errors import ArgumentError, CorruptDataError
from fewbits.files import compare_files, compress_file

RNG = np.random.default_rng(1)
WEIGHTS = RNG.normal(size=(300, 70)).astype(np.float32)


def save(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    safetensors.numpy.save_file(tensors, path)
    return path


def test_every_kind_of_file_with_itself_and_others(tmp_path: Path) -> None:
    tensors = {"w": WEIGHTS, "b": np.arange(5), "flag": np.array(True)}
    st = save(tmp_path / "a.safetensors", tensors)
    npz = tmp_path / "a.npz"
    np.savez(npz, **tensors)
    packed = Path(compress_file(st).output)
    for one in (st, npz, packed):
        for other in (st, npz, packed):
            report = compare_files(one, other)
            assert report.identical
            assert (report.rmse, report.sqnr_db) == (0.0, math.inf)
            assert {t.name for t in report.tensors} == set(tensors)
            assert all(t.identical and t.unequal == 0 and t.cosine == 1 for t in report.tensors)
    npy = tmp_path / "w.npy"
    np.save(npy, WEIGHTS)
    assert compare_files(npy, npy).identical


def test_figures_are_those_of_numpy(tmp_path: Path) -> None:
    other = WEIGHTS + RNG.normal(0, 0.01, WEIGHTS.shape).astype(np.float32)
    other[0] = WEIGHTS[0]
    small = (WEIGHTS * 3).astype(ml_dtypes.bfloat16)
    first = save(tmp_path / "a.safetensors", {"w": WEIGHTS, "s": WEIGHTS * 3, "only": WEIGHTS[:2]})
    second = save(tmp_path / "b.safetensors", {"w": other, "s": small, "new": WEIGHTS[:3]})
    for path in (second, Path(compress_file(second).output)):
        report = compare_files(first, path, threads=1)
        found = {t.name: t for t in report.tensors}
        assert (report.only_first, report.only_second) == (("only",), ("new",))
        energy = lost = 0.0
        for name, x, y in (("w", WEIGHTS, other), ("s", WEIGHTS * 3, small)):
            a, b = x.astype(np.float64), y.astype(np.float64)
            t, error = found[name], a - b
            assert t.rmse == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-12)
            assert t.max_error == np.abs(error).max()
            assert t.sqnr_db == pytest.approx(10 * np.log10((a**2).sum() / (error**2).sum()), rel=1e-12)
            assert t.cosine == pytest.approx((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-12)
            assert t.unequal == (a != b).sum()
            energy, lost = energy + (a**2).sum(), lost + (error**2).sum()
        assert found["s"].dtypes == ("float32", "bfloat16")
        assert report.rmse == pytest.approx(math.sqrt(lost / (2 * WEIGHTS.size)), rel=1e-12)
        assert report.sqnr_db == pytest.approx(10 * math.log10(energy / lost), rel=1e-12)
        assert not report.identical
        json.dumps(report.as_dict(), allow_nan=False)


def test_what_has_no_figures(tmp_path: Path) -> None:
    x = np.array([1, np.nan, np.inf, 0, 2], np.float32)
    y = np.array([1, np.nan, 5, -0.0, 3], np.float32)
    z = np.array([1 + 2j, 3])
    np.savez(tmp_path / "a.npz", x=x, shape=x, z=z, same=z)
    np.savez(tmp_path / "b.npz", x=y, shape=x[:4], z=z + 1, same=z)
    found = {t.name: t for t in compare_files(tmp_path / "a.npz", tmp_path / "b.npz").tensors}
    # The infinite element counts as unequal, and for nothing else.
    assert (found["x"].unequal, found["x"].max_error, found["x"].identical) == (2, 1.0, False)
    assert found["x"].rmse == pytest.approx(1 / math.sqrt(3))
    assert "shape [5] and [4]" in found["shape"].problem
    assert "the bytes differ" in found["z"].problem
    assert found["same"].identical
    assert not found["same"].problem


def test_errors_name_the_file(tmp_path: Path) -> None:
    good = save(tmp_path / "a.safetensors", {"w": WEIGHTS})
    packed = Path(compress_file(good).output)
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\xff" * 40)
    with pytest.raises(CorruptDataError, match=r"bad\.safetensors"):
        compare_files(good, bad)
    with pytest.raises(FileNotFoundError):
        compare_files(good, tmp_path / "none.npy")
    data = bytearray(packed.read_bytes())
    data[100] ^= 1
    packed.write_bytes(data)
    with pytest.raises((CorruptDataError, ArgumentError)):
        compare_files(good, packed)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = save(tmp_path / "a.safetensors", {"w": WEIGHTS, "same": WEIGHTS[0], "only": WEIGHTS[1]})
    second = save(tmp_path / "b.safetensors", {"w": WEIGHTS.astype(np.float16), "same": WEIGHTS[0]})
    assert cli.main(["compare", str(first), str(first)]) == 0
    assert "3 tensors in both, 3 identical" in capsys.readouterr().out
    assert cli.main(["compare", str(first), str(second)]) == 1
    text = capsys.readouterr().out
    assert "float32, float16" in text
    assert "only in" in text
    assert "2 tensors in both, 1 identical, rmse" in text
    assert "\nsame" not in text
    assert cli.main(["compare", "-v", str(first), str(second)]) == 1
    assert "\nsame" in capsys.readouterr().out
    assert cli.main(["compare", "-q", str(first), str(second)]) == 1
    assert capsys.readouterr().out == ""
    assert cli.main(["compare", "--json", str(first), str(second)]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["only_first"] == ["only"]
    assert {t["name"]: t["identical"] for t in value["tensors"]} == {"w": False, "same": True}
    assert cli.main(["compare", str(first), str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
