"""Arrays of quantised codes, with whichever model takes the fewest bits; the model goes with them."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, thread_count
from fewbits._core import coding as _core
from fewbits._core import core as _checks
from fewbits._interop import as_bytes, as_integers
from fewbits.coding._adaptive import AdaptiveExpGolombModel
from fewbits.coding._fit import fit
from fewbits.coding._messages import code_length, decode, encode
from fewbits.coding._models import Categorical
from fewbits.coding._parametric import FAMILIES, Mixture
from fewbits.errors import ArgumentError, CorruptDataError, LimitError, UnsupportedFeatureError

__all__ = ["CodesReport", "decode_codes", "encode_codes", "inspect_codes"]

Array = NDArray[Any]
Codes = NDArray[np.int32]

CODE_MODELS = ("static", "rows", "columns", "parametric", "mixture", "context", "adaptive", "delta")
_MAGIC = b"\x89FWQ\x01"
_HEAD = struct.Struct(
    "<5sBBxIiq"
)  # magic and version, model, dimensions, bytes of side information, lo, size
_GRANULARITIES = ("tensor", "rows", "blocks")
_MOST_GROUPS = 16
_GROUP_START = 64  # quantiles of the rows from which merging starts
_TABLE_BITS = 9.0  # about what a used symbol of a table costs


@dataclass(frozen=True)
class CodesReport:
    """What an array of codes takes.

    Attributes
    ----------
    model : the one chosen, e.g. ``"context"`` or ``"parametric: gaussian by rows"``
    size : number of codes
    nbytes : of the message, all in all
    side_nbytes : of these, header, tables and parameters
    bits_per_code : ``8 * nbytes / size``
    model_bits : what the chosen model's frequencies say, without side information; None where they are not
        kept (adaptive models, and a message that is only inspected)
    entropy_bits : order-0 entropy of the codes times their number; None where only a message is inspected

    Examples
    --------
    >>> inspect_codes(encode_codes([1, 2, 3, 4] * 9, models=["static"])).size
    36
    """

    model: str
    size: int
    nbytes: int
    side_nbytes: int
    model_bits: float | None = None
    entropy_bits: float | None = None

    @property
    def bits_per_code(self) -> float:
        return 8 * self.nbytes / self.size if self.size else 0.0


@dataclass(frozen=True)
class _Candidate:
    name: str
    side: bytes
    payload: bytes
    model_bits: float | None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class _Reader:
    """Side information, never read beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        if count < 0 or count > len(self._data) - self._at:
            raise CorruptDataError("coding.decode_codes: the side information is truncated")
        self._at += count
        return self._data[self._at - count : self._at]

    def varint(self, limit: int) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if value > limit or shift > 63:
                raise CorruptDataError("coding.decode_codes: a length in the side information is too large")
            if byte < 0x80:
                return value

    def blob(self) -> bytes:
        return self.take(self.varint(1 << 32))

    def end(self) -> None:
        if self._at != len(self._data):
            raise CorruptDataError("coding.decode_codes: the side information is longer than its content")


def _blob(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _as_matrix(codes: Codes) -> Codes:
    """Rows are the first axis, as in a weight; a vector is one row."""
    return codes.reshape(codes.shape[0] if codes.ndim > 1 else 1, -1)


# ---- side information that several models share ---------------------------------------------------------


def _store_bfloat16(values: Array) -> tuple[bytes, NDArray[np.float32]]:
    """float32 values rounded to bfloat16, as coded bytes and as what the decoder gets.

    Their high and low bytes go apart: the high ones repeat.
    """
    from fewbits import formats

    words = formats.encode(np.ascontiguousarray(values, np.float32), "bfloat16").reshape(-1)
    planes = [(words >> 8).astype(np.uint8), (words & 0xFF).astype(np.uint8)]
    side = b"".join(_blob(_small(plane)) for plane in planes)
    return side, (words.astype(np.uint32) << 16).view(np.float32).reshape(values.shape)


def _load_bfloat16(reader: _Reader, count: int) -> NDArray[np.float32]:
    high, low = (_large(reader.blob(), count).astype(np.uint32) for _ in range(2))
    return (high << 24 | low << 16).view(np.float32)


def _small(plane: NDArray[np.uint8]) -> bytes:
    """Bytes, coded where that is smaller."""
    model = Categorical.fit(plane) if plane.size else None
    coded = b"" if model is None else _blob(model.to_bytes()) + encode(plane, model, checksum=False)
    raw = plane.tobytes()
    return b"\x01" + coded if coded and len(coded) < len(raw) else b"\x00" + raw


def _large(data: bytes, count: int) -> NDArray[np.uint8]:
    kind, data = data[:1], data[1:]
    if kind == b"\x00":
        if len(data) != count:
            raise CorruptDataError("coding.decode_codes: parameters have the wrong size")
        return np.frombuffer(data, np.uint8)
    if kind != b"\x01":
        raise CorruptDataError("coding.decode_codes: parameters are stored in an unknown way")
    reader = _Reader(data)
    model = Categorical.from_bytes(reader.blob())
    return _exactly(reader.take(len(data) - reader._at), model, count).astype(np.uint8)


def _exactly(message: bytes, model: Any, count: int, threads: int = 1) -> Codes:
    out: Codes = decode(message, model, max_symbols=count, threads=threads).reshape(-1)
    if out.size != count:
        raise CorruptDataError(f"coding.decode_codes: a part has {out.size} codes, must have {count}")
    return out


# ---- tables ---------------------------------------------------------------------------------------------


def _entropy(counts: Array) -> Any:
    """Bits of messages with these counts, along the last axis."""
    total = counts.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        weighted = np.where(counts > 0, counts * np.log2(counts), 0).sum(axis=-1)
        return np.where(total > 0, total * np.log2(total), 0) - weighted


def _table_cost(counts: Array) -> Any:
    return _entropy(counts) + _TABLE_BITS * (counts > 0).sum(axis=-1) + 160


def _histograms(ranks: NDArray[np.int64], span: int) -> NDArray[np.float64]:
    """Counts by line of a matrix of ranks."""
    lines = ranks.shape[0]
    flat = (ranks + np.arange(lines)[:, np.newaxis] * span).reshape(-1)
    return np.bincount(flat, minlength=lines * span).reshape(lines, span).astype(np.float64)


def _group_lines(lines: Codes, lo: int, span: int) -> NDArray[np.uint8]:
    """A group for each line such that a table for each group pays: lines in the order of their mean
    magnitude, neighbours merged while the cost falls."""
    order = np.argsort(np.abs(lines.astype(np.float64)).mean(axis=1), kind="stable")
    pieces = np.array_split(order, min(_GROUP_START, len(order)))
    histograms = _histograms(lines.astype(np.int64) - lo, span)
    counts = [histograms[piece].sum(axis=0) for piece in pieces]
    costs = [float(_table_cost(c)) for c in counts]
    label_bits = len(order) / 4.0  # a label costs less the fewer groups there are
    while len(pieces) > 1:
        joint = np.stack([a + b for a, b in itertools.pairwise(counts)])
        more = _table_cost(joint) - costs[:-1] - costs[1:]
        best = int(np.argmin(more))
        if more[best] >= label_bits / len(pieces) and len(pieces) <= _MOST_GROUPS:
            break
        pieces[best] = np.concatenate([pieces[best], pieces[best + 1]])
        counts[best] = joint[best]
        costs[best] = float(_table_cost(joint[best]))
        del pieces[best + 1], counts[best + 1], costs[best + 1]
    labels = np.empty(len(order), np.uint8)
    for group, piece in enumerate(pieces):
        labels[piece] = group
    return labels


def _static(codes: Codes, threads: int) -> Iterator[_Candidate]:
    model = Categorical.fit(codes.reshape(-1))
    yield _Candidate(
        "static", model.to_bytes(), encode(codes, model, threads=threads), float(code_length(codes, model))
    )


def _by_lines(name: str, codes: Codes, threads: int) -> Iterator[_Candidate]:
    matrix = _as_matrix(codes)
    lines = np.ascontiguousarray(matrix if name == "rows" else matrix.T)
    lo, hi = int(lines.min()), int(lines.max())
    if hi - lo >= 4096 or lines.shape[0] < 2 or lines.shape[1] < 2:
        return
    labels = _group_lines(lines, lo, hi - lo + 1)
    side, payload, bits = [bytes([int(labels.max()) + 1]), _blob(_small(labels))], [], 0.0
    for group in range(int(labels.max()) + 1):
        part = lines[labels == group].reshape(-1)
        model = Categorical.fit(part)
        side.append(_blob(model.to_bytes()))
        payload.append(_blob(encode(part, model, threads=threads)))
        bits += float(code_length(part, model))
    yield _Candidate(name, b"".join(side), b"".join(payload), bits)


# ---- parametric -----------------------------------------------------------------------------------------


def _parametric(codes: Codes, threads: int, block: int) -> Iterator[_Candidate]:
    """The best of the families and granularities, by the bits of its model: only that one is coded."""
    function = "coding.encode_codes"
    matrix = _as_matrix(codes)
    rows, columns = matrix.shape
    best: tuple[float, str, bytes, Mixture, float] | None = None
    for g, granularity in enumerate(_GRANULARITIES):
        if granularity == "tensor":
            lines = matrix.reshape(1, -1)
        elif granularity == "rows" and rows > 1:
            lines = matrix
        elif granularity == "blocks" and columns % block == 0 and columns > block:
            lines = matrix.reshape(-1, block)
        else:
            continue
        length = lines.shape[1]
        for f, family in enumerate(FAMILIES):
            fitted = fit(lines, family=family, axis=0)  # type: ignore[arg-type]
            mean, scale = (np.asarray(a).reshape(lines.shape)[:, 0] for a in (fitted.means, fitted.scales))
            side_mean, m = _store_bfloat16(mean)
            side_scale, s = _store_bfloat16(scale)
            side = bytes([f, g]) + _varint(length) + side_mean + side_scale
            sent = Mixture._single(function, family, np.repeat(m, length), np.repeat(s, length), None)
            bits = float(code_length(codes.reshape(-1), sent))
            if best is None or bits + 8 * len(side) < best[0]:
                best = bits + 8 * len(side), f"parametric: {family} by {granularity}", side, sent, bits
    if best is not None:
        _, name, side, sent, bits = best
        yield _Candidate(name, side, encode(codes.reshape(-1), sent, threads=threads), bits)


def _mixture(codes: Codes, threads: int) -> Iterator[_Candidate]:
    flat = codes.reshape(-1)
    for k in (2, 3, 4):
        model = fit(flat, components=k)
        parameters = [
            np.asarray(a, np.float32).reshape(-1) for a in (model.weights, model.means, model.scales)
        ]
        yield _Candidate(
            f"mixture of {k}",
            bytes([k]) + b"".join(p.astype("<f4").tobytes() for p in parameters),
            encode(flat, Mixture(*parameters, normalize=True), threads=threads),
            float(code_length(flat, Mixture(*parameters, normalize=True))),
        )


def _context(codes: Codes, trellis: int) -> Iterator[_Candidate]:
    matrix = _as_matrix(codes)
    lo, hi = int(matrix.min()), int(matrix.max())
    if trellis:
        lo, hi = lo >> 1, hi >> 1
    if hi - lo < 256 and max(abs(lo), abs(hi)) <= 1 << 18 and min(matrix.shape) > 1:
        rows, columns = matrix.shape
        payload = _core.context_encode(matrix.reshape(-1), rows, columns, trellis)
        yield _Candidate("context", b"", payload, None)


def _adaptive(codes: Codes, threads: int) -> Iterator[_Candidate]:
    yield _Candidate("adaptive", b"", encode(codes, AdaptiveExpGolombModel(), threads=threads), None)


def _delta(codes: Codes, threads: int) -> Iterator[_Candidate]:
    """Differences along the rows, of which the first starts from 0."""
    wide = _as_matrix(codes).astype(np.int64)
    steps = np.diff(wide, axis=1, prepend=0).reshape(-1)
    if int(steps.max()) - int(steps.min()) < 65536:
        yield from (
            _Candidate("delta", c.side, c.payload, c.model_bits)
            for c in _static(steps.astype(np.int32), threads)
        )


# ---- messages -------------------------------------------------------------------------------------------


def _candidates(
    codes: Codes, models: Sequence[str], threads: int, block: int, trellis: int
) -> Iterator[tuple[int, _Candidate]]:
    makers: dict[str, Callable[[], Iterator[_Candidate]]] = {
        "static": lambda: _static(codes, threads),
        "rows": lambda: _by_lines("rows", codes, threads),
        "columns": lambda: _by_lines("columns", codes, threads),
        "parametric": lambda: _parametric(codes, threads, block),
        "mixture": lambda: _mixture(codes, threads),
        "context": lambda: _context(codes, trellis),
        "adaptive": lambda: _adaptive(codes, threads),
        "delta": lambda: _delta(codes, threads),
    }
    for name in models:
        for candidate in makers[name]():
            yield CODE_MODELS.index(name), candidate


def encode_codes(
    codes: ArrayLike,
    *,
    models: Sequence[str] | Literal["all"] = "all",
    block_size: int = 32,
    trellis: int = 0,
    return_info: bool = False,
    threads: int | None = None,
) -> Any:
    """Code an array of integers, such as quantised weights or their scales, with the model that suits it.

    Every model of `models` codes the array, and the shortest message, with its tables and parameters, wins:

    - ``"static"``: one table of frequencies;
    - ``"rows"``, ``"columns"``: a table for each of up to 16 groups of rows (first axis) or columns, merged
      while the cost falls;
    - ``"parametric"``: Gaussian, Laplace or logistic, with a mean and a scale, kept as bfloat16, for the
      array, each row, or each block of `block_size` codes of a row;
    - ``"mixture"``: 2 to 4 Gaussians fitted to the histogram;
    - ``"context"``: tables chosen by the magnitudes before each code in its row and its column;
    - ``"adaptive"``: learnt as it goes, for codes of any size;
    - ``"delta"``: a table of the differences along the rows, for scales.

    Parameters
    ----------
    codes : array_like of integers of any shape; values must fit int32, for parametric models -2^30..2^30
    models : names of the models to try
    block_size : codes that share parameters in ``"parametric"``
    trellis : states of the trellis that each row follows from state 0 (4, 8, ... 256), as trellis-coded
        quantisation makes them: the parity of a code is then known and not coded. 0: none
    return_info : also return a `CodesReport`
    threads : number of threads; 0 means all CPUs, None one. The bytes do not depend on it

    Returns
    -------
    bytes, or (bytes, CodesReport)

    Raises
    ------
    ArgumentError : no codes for which any of `models` exists, unknown names
    TypeError : codes that are not integers

    Notes
    -----
    The message decodes alike on every machine. Parameters are fitted in floating point, so that two machines
    may choose parameters, and bytes, that differ. The payload is within 0.3 % of ``model_bits`` from some
    2^16 codes on.

    References
    ----------
    .. [1] The rate of fitted parameters: J. Rissanen, "Modeling by shortest data description", Automatica 14
       (1978). Context coding of quantised weights: `docs/format.md`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> codes = np.rint(rng.normal(0, 3, (64, 256)) * rng.uniform(0.2, 2, (64, 1))).astype(np.int8)
    >>> data, report = encode_codes(codes, return_info=True)
    >>> bool((decode_codes(data) == codes).all()), report.bits_per_code < report.entropy_bits / codes.size
    (True, True)
    """
    function = "coding.encode_codes"
    names = CODE_MODELS if models == "all" else tuple(models)
    if isinstance(models, str) and models != "all":
        names = (models,)
    for name in names:
        choice(function, "models", name, CODE_MODELS)
    block = integer(function, "block_size", block_size, 1, 2**31 - 1)
    states = integer(function, "trellis", trellis, 0, 256)
    if states and (states < 4 or states & (states - 1)):
        raise ArgumentError(f"{function}: trellis must be 0 or a power of two in 4..256, got {states}")
    workers = thread_count(function, threads)
    array = as_integers(function, "codes", codes)
    limits = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if limits[0] < -(2**31) or limits[1] >= 2**31:
        raise ArgumentError(f"{function}: codes must fit int32, got {limits[0]}..{limits[1]}")
    wide: Codes = np.asarray(array, np.int32, order="C")
    if wide.ndim > 255:
        raise ArgumentError(f"{function}: codes must have at most 255 dimensions, got {wide.ndim}")
    if max(-limits[0], limits[1]) > 2**30:
        names = tuple(name for name in names if name not in ("parametric", "mixture"))
    span = limits[1] - limits[0]
    if span >= 65536:  # no table spans more
        names = tuple(name for name in names if name not in ("static", "rows", "columns"))
    best: tuple[int, _Candidate] | None = None
    if wide.size:
        for index, candidate in _candidates(wide, names, workers, block, states):
            length = len(candidate.side) + len(candidate.payload)
            if best is None or length < len(best[1].side) + len(best[1].payload):
                best = index, candidate
        if best is None:
            raise ArgumentError(
                f"{function}: models must name one that can code {wide.shape} codes in "
                f"{limits[0]}..{limits[1]}, got {', '.join(map(repr, models))}"
            )
    else:
        best = 0, _Candidate("static", b"", b"", 0.0)
    index, chosen = best
    dims = b"".join(_varint(d) for d in wide.shape)
    side = dims + chosen.side
    lowest = limits[0] >> 1 if chosen.name == "context" and states else limits[0]
    head = _HEAD.pack(_MAGIC, index, wide.ndim, len(side), lowest, wide.size)
    body = head + side + chosen.payload
    data = body + struct.pack("<I", _checks.crc32c(np.frombuffer(body, np.uint8)))
    if not return_info:
        return data
    values, counts = np.unique(wide, return_counts=True)
    del values
    report = CodesReport(
        chosen.name,
        wide.size,
        len(data),
        len(data) - len(chosen.payload),
        chosen.model_bits,
        float(_entropy(counts.astype(np.float64))) if wide.size else 0.0,
    )
    return data, report


def _parse(function: str, data: Any) -> tuple[int, tuple[int, ...], int, _Reader, bytes, int]:
    """Model, shape, lowest code, side information, payload and size of a checked message."""
    message = bytes(as_bytes(function, "data", data))
    if len(message) < _HEAD.size + 4 or message[:4] != _MAGIC[:4]:
        raise CorruptDataError(f"{function}: data are not a message of codes")
    if message[4] != _MAGIC[4]:
        raise UnsupportedFeatureError(f"{function}: version {message[4]} is not known to this version")
    body, (crc,) = message[:-4], struct.unpack("<I", message[-4:])
    if _checks.crc32c(np.frombuffer(body, np.uint8)) != crc:
        raise CorruptDataError(f"{function}: data are damaged (the checksum differs)")
    _, index, ndim, side, lo, size = _HEAD.unpack_from(body)
    if index >= len(CODE_MODELS):
        raise UnsupportedFeatureError(f"{function}: model {index} is not known to this version")
    if side > len(body) - _HEAD.size or size < 0:
        raise CorruptDataError(f"{function}: the header contradicts itself")
    reader = _Reader(body[_HEAD.size : _HEAD.size + side])
    shape = tuple(reader.varint(1 << 62) for _ in range(ndim))
    if int(np.prod([int(d) for d in shape], dtype=object)) != size:
        raise CorruptDataError(f"{function}: the header contradicts itself")
    return index, shape, lo, reader, body[_HEAD.size + side :], len(message)


def decode_codes(data: Any, *, max_codes: int | None = None, threads: int | None = None) -> Codes:
    """The codes that `encode_codes` coded.

    Parameters
    ----------
    data : bytes-like, what `encode_codes` returned
    max_codes : refuse longer messages before allocating anything. By default 2^26 + 64 for each byte of
        `data`: a few bytes can stand for millions of equal codes
    threads : as in `encode_codes`

    Returns
    -------
    ndarray of int32, in the shape of the codes

    Raises
    ------
    CorruptDataError : damaged or truncated data
    UnsupportedFeatureError : a later version's
    LimitError : more than `max_codes`

    Examples
    --------
    >>> decode_codes(encode_codes([[3, -1], [4, 1]]))
    array([[ 3, -1],
           [ 4,  1]], dtype=int32)
    """
    function = "coding.decode_codes"
    workers = thread_count(function, threads)
    index, shape, lo, reader, payload, nbytes = _parse(function, data)
    size = int(np.prod(shape, dtype=np.int64)) if shape else 1
    limit = 2**26 + 64 * nbytes if max_codes is None else integer(function, "max_codes", max_codes, 0, 2**62)
    if size > limit:
        raise LimitError(f"{function}: the message has {size} codes, at most {limit} are allowed (max_codes)")
    if size == 0:
        return np.empty(shape, np.int32)
    try:
        out = _decode_as(CODE_MODELS[index], shape, lo, reader, payload, threads=workers)
    except ArgumentError as error:  # parameters that no encoder sends
        raise CorruptDataError(f"{function}: {error}") from None
    reader.end()
    return out.reshape(shape)


def _decode_as(
    model: str, shape: tuple[int, ...], lo: int, reader: _Reader, payload: bytes, *, threads: int
) -> Codes:
    size = int(np.prod(shape, dtype=np.int64))
    rows = shape[0] if len(shape) > 1 else 1
    columns = size // rows
    if model == "static":
        return _exactly(payload, Categorical.from_bytes(_rest(reader)), size, threads)
    if model in ("rows", "columns"):
        lines, length = (rows, columns) if model == "rows" else (columns, rows)
        groups = reader.take(1)[0]
        labels = _large(reader.blob(), lines)
        parts = _Reader(payload)
        out = np.empty((lines, length), np.int32)
        if labels.size and int(labels.max()) >= groups:
            raise CorruptDataError("coding.decode_codes: a line names no table")
        for group in range(groups):
            chosen = labels == group
            table = Categorical.from_bytes(reader.blob())
            count = int(chosen.sum()) * length
            out[chosen] = _exactly(parts.blob(), table, count, threads).reshape(-1, length)
        parts.end()
        return out if model == "rows" else np.ascontiguousarray(out.T)
    if model == "parametric":
        family, granularity = reader.take(2)
        length = reader.varint(size)
        if family >= len(FAMILIES) or granularity >= len(_GRANULARITIES) or length == 0 or size % length:
            raise CorruptDataError("coding.decode_codes: the parameters contradict the shape")
        mean, scale = (_load_bfloat16(reader, size // length) for _ in range(2))
        sent = Mixture._single(
            "coding.decode_codes", FAMILIES[family], np.repeat(mean, length), np.repeat(scale, length), None
        )
        return _exactly(payload, sent, size, threads)
    if model == "mixture":
        k = reader.take(1)[0]
        parameters = [np.frombuffer(reader.take(4 * k), "<f4") for _ in range(3)]
        return _exactly(payload, Mixture(*parameters, normalize=True), size, threads)
    if model == "context":
        flat = np.empty(size, np.int32)
        _core.context_decode(np.frombuffer(payload, np.uint8), lo, rows, columns, flat)
        return flat
    if model == "delta":
        steps = _exactly(payload, Categorical.from_bytes(_rest(reader)), size, threads)
        # int32 wraps for damage alone.
        return np.cumsum(steps.reshape(rows, columns), axis=1, dtype=np.int32)
    return _exactly(payload, AdaptiveExpGolombModel(), size, threads)


def _rest(reader: _Reader) -> bytes:
    return reader.take(len(reader._data) - reader._at)


def inspect_codes(data: Any) -> CodesReport:
    """What a message of `encode_codes` holds, without decoding it.

    Parameters
    ----------
    data : bytes-like

    Returns
    -------
    CodesReport, without ``model_bits`` and ``entropy_bits``

    Raises
    ------
    CorruptDataError, UnsupportedFeatureError : as `decode_codes`

    Examples
    --------
    >>> inspect_codes(encode_codes([[3, -1], [4, 1]], models=["static"])).model
    'static'
    """
    index, shape, _, reader, payload, nbytes = _parse("coding.inspect_codes", data)
    name = CODE_MODELS[index]
    if name == "parametric":
        family, granularity = reader.take(2)
        if family < len(FAMILIES) and granularity < len(_GRANULARITIES):
            name = f"parametric: {FAMILIES[family]} by {_GRANULARITIES[granularity]}"
    elif name == "mixture":
        name = f"mixture of {reader.take(1)[0]}"
    size = int(np.prod(shape, dtype=np.int64)) if shape else 1
    return CodesReport(name, size, nbytes, nbytes - len(payload))
