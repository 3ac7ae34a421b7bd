"""Errors between the tensors of two files of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewbits._files.common import Bytes, Origin, Source, SourceTensor, pieces
from fewbits.container import DTYPES, File, TensorInfo

__all__ = ["CompareReport", "TensorDifference", "compare"]

_PIECE = 1 << 20  # elements that are wide at a time


@dataclass(frozen=True)
class TensorDifference:
    """How far a tensor of one file is from the tensor of that name in another.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtypes : (str, str)
        In the first file and in the second.
    identical : bool
        The same dtype and the same bytes.
    elements, unequal : int
        All, and those with another value; two NaN are equal.
    rmse, max_error : float
        Root mean square and largest difference over the elements that are finite in both files.
    sqnr_db : float
        ``10 log10(sum x^2 / sum (x - y)^2)`` of the same, x from the first file; inf where nothing differs.
    cosine : float
        Of the angle between both; 1 where nothing differs.
    problem : str
        Why there are no figures: another shape, or a dtype without numbers. Else empty.
    """

    name: str
    shape: tuple[int, ...]
    dtypes: tuple[str, str]
    identical: bool
    elements: int
    unequal: int = 0
    rmse: float = 0.0
    max_error: float = 0.0
    sqnr_db: float = math.inf
    cosine: float = 1.0
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; an infinite ratio is None."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtypes": list(self.dtypes),
            "identical": self.identical,
            "elements": self.elements,
            "unequal": self.unequal,
            "rmse": self.rmse,
            "max_error": self.max_error,
            "sqnr_db": self.sqnr_db if math.isfinite(self.sqnr_db) else None,
            "cosine": self.cosine,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class CompareReport:
    """What `compare_files` found.

    Attributes
    ----------
    first, second : str
        The paths.
    tensors : tuple of TensorDifference
        Those that both files have, in the order of the first.
    only_first, only_second : tuple of str
        Names that the other file lacks.
    rmse, sqnr_db : float
        Over all elements that were compared.
    """

    first: str
    second: str
    tensors: tuple[TensorDifference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    rmse: float
    sqnr_db: float

    @property
    def identical(self) -> bool:
        """Whether both files have the same tensors, bit for bit."""
        return not (self.only_first or self.only_second) and all(t.identical for t in self.tensors)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; an infinite ratio is None."""
        return {
            "first": self.first,
            "second": self.second,
            "identical": self.identical,
            "rmse": self.rmse,
            "sqnr_db": self.sqnr_db if math.isfinite(self.sqnr_db) else None,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "tensors": [tensor.as_dict() for tensor in self.tensors],
        }


@dataclass(frozen=True)
class _Tensor:
    """A tensor of either kind of file."""

    dtype: str
    shape: tuple[int, ...]
    known: bool  # whether its bytes are numbers that we can read
    nbytes: int
    load: Callable[[], Bytes]


def _of_container(file: File, origin: Origin, info: TensorInfo) -> _Tensor:
    name = info.original_dtype or info.dtype
    parts = lambda: np.concatenate([np.empty(0, np.uint8), *pieces(file, info.name)])  # noqa: E731
    return _Tensor(name, origin.shape(info), info.dtype != "bytes", info.nbytes, parts)


def _of_source(tensor: SourceTensor) -> _Tensor:
    known = tensor.dtype != "bytes"
    name = tensor.dtype if known else tensor.original_dtype
    return _Tensor(name, tensor.original_shape, known, tensor.nbytes, tensor.load)


@contextmanager
def _tensors(opened: File | Source, path: str) -> Iterator[dict[str, _Tensor]]:
    if isinstance(opened, Source):
        yield {tensor.name: _of_source(tensor) for tensor in opened.tensors}
        return
    with opened as file:
        origin = Origin.of(file, path)
        yield {name: _of_container(file, origin, info) for name, info in file.tensors.items()}


def _wide(data: Bytes, dtype: str) -> NDArray[np.float64]:
    """Elements as float64; integers beyond 2^53 lose their last bits."""
    if dtype in ("float16", "bfloat16") or dtype.startswith("float8"):
        from fewbits.formats import decode

        return decode(data.view(f"u{DTYPES[dtype]}"), dtype).astype(np.float64)
    return data.view(np.dtype(dtype)).astype(np.float64)


class _Sums:
    """Running sums over the elements of one or of all tensors."""

    def __init__(self) -> None:
        self.finite = self.unequal = 0
        self.energy = self.other = self.product = self.lost = self.largest = 0.0

    def add(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self.unequal += int(((x != y) & ~(np.isnan(x) & np.isnan(y))).sum())
        both = np.isfinite(x) & np.isfinite(y)
        if not both.all():
            x, y = x[both], y[both]
        error = x - y
        self.finite += x.size
        with np.errstate(over="ignore"):
            self.energy += float(np.square(x).sum())
            self.other += float(np.square(y).sum())
            self.product += float((x * y).sum())
            self.lost += float(np.square(error).sum())
        self.largest = max(self.largest, float(np.abs(error).max(initial=0)))

    def join(self, other: _Sums) -> None:
        self.finite += other.finite
        self.energy += other.energy
        self.lost += other.lost

    @property
    def rmse(self) -> float:
        return math.sqrt(self.lost / self.finite) if self.finite else 0.0

    @property
    def sqnr_db(self) -> float:
        if self.lost == 0:
            return math.inf
        return 10 * math.log10(self.energy / self.lost) if self.energy > 0 else -math.inf

    @property
    def cosine(self) -> float:
        if self.lost == 0:
            return 1.0
        norm = math.sqrt(self.energy) * math.sqrt(self.other)
        return min(1.0, max(-1.0, self.product / norm)) if norm > 0 else 0.0


def _difference(
    name: str, a: _Tensor, b: _Tensor, advance: Callable[[int], object]
) -> tuple[TensorDifference, _Sums]:
    sums = _Sums()
    dtypes = (a.dtype, b.dtype)
    elements = math.prod(a.shape)
    if a.shape != b.shape:
        problem = f"shape {list(a.shape)} and {list(b.shape)}"
        return TensorDifference(name, a.shape, dtypes, False, elements, problem=problem), sums
    first, second = a.load(), b.load()
    identical = a.dtype == b.dtype and np.array_equal(first, second)
    advance(a.nbytes + b.nbytes)
    if identical and not (a.known and b.known):
        return TensorDifference(name, a.shape, dtypes, True, elements), sums
    if not (a.known and b.known):
        problem = f"dtype {a.dtype if not a.known else b.dtype}: the bytes differ"
        return TensorDifference(name, a.shape, dtypes, False, elements, problem=problem), sums
    sizes = [DTYPES[dtype] for dtype in dtypes]
    for start in range(0, elements, _PIECE):
        stop = min(start + _PIECE, elements)
        sums.add(
            _wide(first[start * sizes[0] : stop * sizes[0]], a.dtype),
            _wide(second[start * sizes[1] : stop * sizes[1]], b.dtype),
        )
    return (
        TensorDifference(
            name=name,
            shape=a.shape,
            dtypes=dtypes,
            identical=identical,
            elements=elements,
            unequal=sums.unequal,
            rmse=sums.rmse,
            max_error=sums.largest,
            sqnr_db=sums.sqnr_db,
            cosine=sums.cosine,
        ),
        sums,
    )


def compare(
    paths: tuple[str, str], opened: tuple[File | Source, File | Source], progress: Callable[[int, int], None]
) -> CompareReport:
    """Every tensor of two opened files; see `fewbits.files.compare_files`."""
    total = _Sums()
    with _tensors(opened[0], paths[0]) as ours, _tensors(opened[1], paths[1]) as theirs:
        shared = [name for name in ours if name in theirs]
        whole = sum(ours[name].nbytes + theirs[name].nbytes for name in shared)
        done = 0

        def advance(nbytes: int) -> None:
            nonlocal done
            done += nbytes
            progress(done, whole)

        found = []
        for name in shared:
            difference, sums = _difference(name, ours[name], theirs[name], advance)
            found.append(difference)
            total.join(sums)
        return CompareReport(
            first=paths[0],
            second=paths[1],
            tensors=tuple(found),
            only_first=tuple(name for name in ours if name not in theirs),
            only_second=tuple(name for name in theirs if name not in ours),
            rmse=total.rmse,
            sqnr_db=total.sqnr_db,
        )
