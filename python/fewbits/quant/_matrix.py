"""Weights in the fewest bits: trellis-coded or scalar quantisation with an entropy coder, to a target."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, thread_count
from fewbits._core import core as _checks
from fewbits._core import quant as _core
from fewbits._interop import as_bytes, as_numbers, dtype_name
from fewbits.errors import ArgumentError, CorruptDataError, LimitError, UnsupportedFeatureError

__all__ = ["MatrixReport", "compress_matrix", "decompress_matrix"]

TARGETS: Final = ("bits", "bytes", "rmse", "sqnr_db", "max_error", "step")
OBJECTIVES: Final = ("mse", "relative")
_DTYPES: Final = ("float32", "float64", "float16", "bfloat16")
_MAGIC: Final = b"\x89FWM\x01"
_HEADER: Final = struct.Struct("<5sBBBBf")  # magic, dtype, axes, log2 of the states or 0, flags, step
_WINDOW: Final = 256  # values of a code, less its parity, that one table holds
_MOST_STEPS: Final = 2.0**22
_SEARCHES: Final = 14
# Code k of a row or column stands for 2^((k - 128) / 16), as float32.
_SIXTEENTHS: Final = np.exp2(np.arange(16) / 16).astype(np.float32)

Floats = NDArray[np.float32]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class MatrixReport:
    """What `compress_matrix` reached, of the decoded array.

    Attributes
    ----------
    method : str
        ``"trellis"`` or ``"scalar"``.
    states : int
        Of the trellis; 0 for scalar codes.
    step : float
        Distance of neighbouring reconstruction values, before the scales of rows and columns.
    nbytes : int
        Of the message.
    bits_per_element : float
        Of the whole message, everything included.
    rmse, sqnr_db, max_error, cosine : float
        Root mean square error, ``10 log10(sum x^2 / sum (x - y)^2)`` (inf where exact), largest error, and
        the cosine of the angle between x and y.
    exceptions : int
        Codes outside the table's window, kept apart.
    target : str
        The goal as it was given.
    met : bool
        Whether it was reached.

    Examples
    --------
    >>> _, report = compress_matrix(np.ones((4, 8), np.float32), {"max_error": 0.01})
    >>> report.met, report.max_error <= 0.01
    (True, True)
    """

    method: str
    states: int
    step: float
    nbytes: int
    bits_per_element: float
    rmse: float
    sqnr_db: float
    max_error: float
    cosine: float
    exceptions: int
    target: str
    met: bool


@dataclass(frozen=True)
class _Attempt:
    """A message and what it decodes to."""

    data: bytes
    states: int
    step: float
    exceptions: int
    rmse: float
    sqnr_db: float
    max_error: float
    cosine: float
    elements: int

    @property
    def bits(self) -> float:
        return len(self.data) * 8 / self.elements

    def value(self, goal: str) -> float:
        if goal == "bytes":
            return float(len(self.data))
        return float(getattr(self, goal))


def _scale_codes(squares: NDArray[np.float64], exponent: float) -> NDArray[np.uint8]:
    """Logarithmic codes of rms^exponent over its geometric mean; 1 where everything is zero."""
    from fewbits.functions import log2

    logs = np.full(squares.shape, np.nan)
    positive = squares > 0
    logs[positive] = 0.5 * exponent * log2(squares[positive])
    if not positive.any():
        return np.full(squares.shape, 128, np.uint8)
    steps = np.rint(16 * (logs - logs[positive].mean()))
    steps[~positive] = 0
    codes: NDArray[np.uint8] = np.clip(steps + 128, 0, 255).astype(np.uint8)
    return codes


def _scales_of(codes: NDArray[np.uint8]) -> Floats:
    steps = codes.astype(np.int32) - 128
    scales: Floats = np.ldexp(_SIXTEENTHS[steps & 15], steps >> 4).astype(np.float32)
    return scales


def _unit(step: float, rows: Floats | None, columns: Floats | None, shape: tuple[int, int]) -> Floats:
    """(step r_i) c_j in float32."""
    unit = np.full((shape[0], 1), step, np.float32)
    if rows is not None:
        unit = unit * rows[:, None]
    if columns is not None:
        unit = unit * columns[None, :]
    return unit


def _rates(counts: NDArray[np.int64]) -> Floats:
    """Bits of the symbols counted, with half a count more for each."""
    from fewbits.functions import log2

    smoothed = counts + 0.5
    bits: Floats = (log2(smoothed.sum()) - log2(smoothed)).astype(np.float32)
    return bits


def _quantize(y: Floats, states: int, weighs_rate: bool, threads: int) -> Codes:
    """Codes of values in steps: nearest first, then twice with the rates of the last codes."""
    from fewbits.formats import exact_sum

    codes = np.empty(y.shape, np.int32)
    flat, flat_codes, none = y.reshape(-1), codes.reshape(-1), np.empty(0, np.float32)
    for turn in range(3 if weighs_rate else 1):
        weight, low, tables = 0.0, 0, [none, none]
        if turn:
            # Along the curve of rate and distortion a bit is worth 2 ln 2 times the distortion.
            weight = 2 * math.log(2) * float(exact_sum(np.square(y - codes.astype(np.float32)))) / y.size
            # A trellis has a table for each parity, over half of the code.
            classes = 2 if states else 1
            low = int(codes.min()) // classes
            counts = np.bincount(flat_codes - classes * low)
            if counts.size > 1 << 20:
                break
            counts = np.pad(counts, (0, -counts.size % classes))
            tables = [_rates(counts[parity::classes]) for parity in range(classes)]
        if states:
            even, odd = tables[0], tables[-1]
            _core.trellis_quantize(flat, y.shape[1], states, flat_codes, weight, low, even, odd, threads)
        else:
            _core.scalar_quantize(flat, flat_codes, weight, low, tables[0], threads)
    return codes


def _window(codes: Codes, states: int) -> tuple[Codes, NDArray[np.int64], Codes]:
    """Codes moved into the window of one table, and those that were not in it: (codes, places, values).

    A code moves to one of the same class of the trellis, so that the path stays as it is.
    """
    shift = 1 if states else 0
    symbols = codes >> shift
    low, high = int(symbols.min()), int(symbols.max())
    if high - low < _WINDOW:
        return codes, np.empty(0, np.int64), np.empty(0, np.int32)
    ends = np.sort(symbols, axis=None)
    # The window that holds most: it begins at one of the values.
    starts = np.unique(ends)
    inside = np.searchsorted(ends, starts + _WINDOW) - np.searchsorted(ends, starts)
    low = int(starts[int(np.argmax(inside))])
    last = low + _WINDOW - 1
    outside = (symbols < low) | (symbols > last)
    kept = symbols[outside]
    moved = np.where(kept < low, low + ((kept - low) & 1), last - ((last - kept) & 1))
    result = codes.copy()
    result[outside] = (moved << shift) + (codes[outside] & shift)
    return result, np.flatnonzero(outside), codes[outside]


def _messages(codes: Codes, states: int, threads: int) -> tuple[list[bytes], int]:
    from fewbits.coding import encode_codes

    windowed, places, values = _window(codes, states)
    main: bytes = encode_codes(windowed, models=["context", "static"], trellis=states, threads=threads)
    parts = [main]
    if places.size:
        gaps = np.diff(places, prepend=-1) - 1
        if gaps.max() >= 1 << 31:
            raise ArgumentError(
                "quant.compress_matrix: x must have fewer than 2^31 elements between outliers"
            )
        parts += [encode_codes(v.astype(np.int32), models=["static", "adaptive"]) for v in (gaps, values)]
    return parts, int(places.size)


class _Matrix:
    """An array on its way to a message: scales chosen once, steps tried."""

    def __init__(self, x: NDArray[Any], objective: str, threads: int) -> None:
        self.dtype, self.shape, self.threads = x.dtype, x.shape, threads
        rows = x.shape[0] if x.ndim > 1 else 1
        self.x: Floats = x.reshape(rows, -1).astype(np.float32)
        self.exact = x.reshape(rows, -1).astype(np.float64)
        self.energy = float(np.square(self.exact).sum())
        self.row_codes: NDArray[np.uint8] | None = None
        self.column_codes: NDArray[np.uint8] | None = None
        if objective == "relative" and x.ndim > 1:
            squares = np.square(self.exact)
            self.row_codes = _scale_codes(squares.mean(axis=1), 0.5)
            self.column_codes = _scale_codes(squares.mean(axis=0), 0.5)

    @property
    def scales(self) -> tuple[Floats | None, Floats | None]:
        return tuple(None if c is None else _scales_of(c) for c in (self.row_codes, self.column_codes))  # type: ignore[return-value]

    def attempt(self, step: float, states: int, weighs_rate: bool) -> _Attempt:
        from fewbits.coding import encode_codes

        step = float(np.float32(step))
        unit = _unit(step, *self.scales, self.x.shape)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            y = self.x / unit
        largest = float(np.abs(y).max())
        if not largest <= _MOST_STEPS:
            raise ArgumentError(
                f"quant.compress_matrix: target must allow steps of at least {2**-22:.2g} of the largest "
                f"element; {step:.3g} is below that: compress without loss instead"
            )
        codes = _quantize(y, states, weighs_rate, self.threads)
        parts, exceptions = _messages(codes, states, self.threads)
        flags = (self.row_codes is not None) | (self.column_codes is not None) << 1 | (exceptions > 0) << 2
        scales = [c for c in (self.row_codes, self.column_codes) if c is not None]
        parts = [encode_codes(c, models=["static", "parametric", "adaptive"]) for c in scales] + parts
        head = _HEADER.pack(
            _MAGIC,
            _DTYPES.index(dtype_name(self.dtype)),
            len(self.shape),
            states.bit_length() - 1 if states else 0,
            flags,
            step,
        )
        body = head + struct.pack(f"<{len(self.shape)}Q", *self.shape)
        body += b"".join(struct.pack("<Q", len(part)) + part for part in parts)
        data = body + struct.pack("<I", _checks.crc32c(np.frombuffer(body, np.uint8)))
        decoded = (codes.astype(np.float32) * unit).astype(self.dtype).astype(np.float64)
        error = self.exact - decoded
        squares = float(np.square(error).sum())
        norm = math.sqrt(self.energy * float(np.square(decoded).sum()))
        return _Attempt(
            data=data,
            states=states,
            step=step,
            exceptions=exceptions,
            rmse=math.sqrt(squares / error.size),
            sqnr_db=math.inf
            if squares == 0
            else 10 * math.log10(self.energy / squares)
            if self.energy
            else 0.0,
            max_error=float(np.abs(error).max()),
            cosine=float((self.exact * decoded).sum()) / norm if norm else float(squares == 0),
            elements=error.size,
        )


def _search(goal: str, wanted: float, start: float, run: Callable[[float], _Attempt]) -> _Attempt:
    """The attempt that reaches the goal by the least margin: the largest step for an error, the smallest for
    a size; where none does, the one that comes nearest.

    Errors grow in proportion to the step, bits fall by one where it doubles: Newton's steps on these curves,
    within the bracket of what was good and what was not.
    """
    if goal == "step":
        return run(wanted)
    sizes = goal in ("bits", "bytes")

    def octaves(a: _Attempt) -> float:
        """By how many octaves the step of `a` may grow to the goal (for a size: must)."""
        value = a.value(goal)
        if goal == "sqnr_db":
            return (min(value, 400.0) - wanted) / 6.0206
        if sizes:
            return (value - wanted) * (1.0 if goal == "bits" else 8.0 / a.elements)
        return math.log2(wanted / value) if value > 0 else 3.0

    best, nearest = None, None
    good_end, bad_end = None, None  # log2 of the steps nearest to one another from either side
    at = math.log2(start)
    for _ in range(_SEARCHES):
        try:
            a = run(2.0**at)
        except (ArgumentError, OverflowError):
            if best is None and nearest is None:
                raise
            break
        miss = octaves(a)
        good = miss <= 0 if sizes else miss >= 0
        if good:
            best, good_end = a, at
            if abs(miss) <= 0.005:
                break
        else:
            bad_end = at
            if nearest is None or abs(miss) < abs(octaves(nearest)):
                nearest = a
        # A little to the good side of the goal.
        move = max(-6.0, min(6.0, miss)) + (0.002 if sizes else -0.002)
        at += move
        if good_end is not None and bad_end is not None:
            inner, outer = sorted((good_end, bad_end))
            if outer - inner < 0.003:
                break
            if not inner < at < outer:
                at = (inner + outer) / 2
    # Curves of a few elements are no curves: whole octaves, then, as far as they go.
    for _ in range(24):
        if best is not None:
            break
        at += 1.0 if sizes else -1.0
        try:
            a = run(2.0**at)
        except (ArgumentError, OverflowError):
            break
        miss = octaves(a)
        if miss <= 0 if sizes else miss >= 0:
            best = a
        elif nearest is None or abs(miss) < abs(octaves(nearest)):
            nearest = a
    result = best if best is not None else nearest
    assert result is not None
    return result


def _first_step(matrix: _Matrix, goal: str, wanted: float) -> float:
    """A step from what Gaussian elements would need."""
    rms = math.sqrt(matrix.energy / matrix.exact.size)
    if goal == "rmse":
        return wanted / 0.51
    if goal == "max_error":
        return wanted * 1.99
    if goal == "sqnr_db":
        return rms * float(10 ** (-wanted / 20)) / 0.51
    if goal == "step":
        return wanted
    bits = wanted if goal == "bits" else wanted * 8 / matrix.exact.size
    return rms * float(2 ** (1.1 - min(bits, 30.0)))


def compress_matrix(
    x: ArrayLike,
    target: Mapping[str, float],
    *,
    objective: str = "mse",
    trellis: int = 8,
    threads: int | None = None,
) -> tuple[bytes, MatrixReport]:
    """Compress an array with loss, to a size or to an error.

    Elements are quantised to integer multiples of a step and the integers coded by contexts of rows and
    columns. A trellis lets every row choose between even and odd multiples, which saves 0.18 bit per element
    at the same error (8 states; 0.22 with 256); below two bits scalar codes are tried as well, and the better
    ones kept.

    Parameters
    ----------
    x : array_like of float16, bfloat16, float32 or float64, finite, not empty
        The first axis is that of the rows; one axis is one row.
    target : mapping with one entry
        ``{"bits": 3.5}`` per element, ``{"bytes": n}``, ``{"rmse": e}``, ``{"sqnr_db": d}``,
        ``{"max_error": e}`` (always scalar codes), or ``{"step": s}`` to choose the step itself.
    objective : ``"mse"`` or ``"relative"``
        Relative steps follow the square roots of the root mean squares of row and column: smaller errors
        where elements are small, for matrices whose rows and columns matter alike. 0.03 bit of side
        information.
    trellis : int
        States, 4 to 256 (a power of two); 0 for scalar codes.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the bytes.

    Returns
    -------
    data : bytes
        For `decompress_matrix`.
    report : MatrixReport
        Of the decoded array; ``report.met`` is False where the target could not be reached.

    Raises
    ------
    ArgumentError
        No such target, values out of range, elements that are not finite, a step below 2^-22 of the largest
        element.
    TypeError
        Other dtypes.

    Notes
    -----
    For Gaussian elements the bits are within 0.085 of the limit ``log2(sigma / rmse)`` with 8 states and
    0.045 with 256, coder and headers included, from two bits on. Decoding is exact: the same bits everywhere.
    The bytes are the same for any number of threads; errors are summed by NumPy, so that two machines may, at
    the edge of a target, stop at another step.

    References
    ----------
    .. [1] M. W. Marcellin, T. R. Fischer, "Trellis coded quantization of memoryless and Gauss-Markov
       sources", IEEE Trans. Communications 38 (1990).
    .. [2] T. R. Fischer, M. Wang, "Entropy-constrained trellis-coded quantization", IEEE Trans. Information
       Theory 38 (1992).

    Examples
    --------
    >>> w = np.random.default_rng(0).normal(size=(256, 512)).astype(np.float32)
    >>> data, report = compress_matrix(w, {"sqnr_db": 20})
    >>> report.sqnr_db >= 20, report.bits_per_element < 3.5
    (True, True)
    >>> bool(np.sqrt(np.mean((decompress_matrix(data) - w) ** 2)) < 0.101)
    True
    """
    function = "quant.compress_matrix"
    array = as_numbers(function, "x", x)
    if dtype_name(array.dtype) not in _DTYPES:
        raise TypeError(f"{function}: x must be of {', '.join(_DTYPES)}, got {array.dtype}")
    if array.size == 0 or array.ndim == 0:
        raise ArgumentError(f"{function}: x must have at least one axis and one element, got {array.shape}")
    if array.ndim > 255:
        raise ArgumentError(f"{function}: x must have at most 255 axes, got {array.ndim}")
    finite = np.isfinite(array.astype(np.float32) if array.dtype.itemsize == 2 else array).reshape(-1)
    if not finite.all():
        raise ArgumentError(
            f"{function}: x must be finite, {int((~finite).sum())} elements are not, the first at flat index "
            f"{int(np.flatnonzero(~finite)[0])}"
        )
    if np.abs(array).max() > np.finfo(np.float32).max:
        raise ArgumentError(f"{function}: x must be within the range of float32")
    if not isinstance(target, Mapping) or len(target) != 1:
        raise ArgumentError(
            f"{function}: target must have one entry, of {', '.join(TARGETS)}, got {target!r}"
        )
    goal, value = next(iter(target.items()))
    choice(function, "target", goal, TARGETS)
    wanted = real(function, f"target[{goal!r}]", value, -math.inf if goal == "sqnr_db" else 0, open_low=True)
    choice(function, "objective", objective, OBJECTIVES)
    states = integer(function, "trellis", trellis, 0, 256)
    if states and (states < 4 or states & (states - 1)):
        raise ArgumentError(f"{function}: trellis must be 0 or a power of two in 4..256, got {states}")
    matrix = _Matrix(array, objective, thread_count(function, threads))
    # Not below what the codes can hold: where that is not enough the search says so.
    start = max(_first_step(matrix, goal, wanted), float(np.abs(matrix.x).max()) / _MOST_STEPS * 8)
    if goal == "step":
        start = wanted
    if matrix.energy == 0:
        best = matrix.attempt(1.0, states, False)
    else:
        if not 0 < float(np.float32(start)) < math.inf:
            raise ArgumentError(f"{function}: target must lead to a step that float32 holds, got {start:.3g}")
        chosen = 0 if goal == "max_error" else states
        weighs = goal != "max_error"
        best = _search(goal, wanted, start, lambda step: matrix.attempt(step, chosen, weighs))
        if chosen and goal != "step" and best.bits < 2:
            other = _search(goal, wanted, best.step * 2, lambda step: matrix.attempt(step, 0, True))
            better = other.rmse < best.rmse if goal in ("bits", "bytes") else len(other.data) < len(best.data)
            best = other if better else best
    reached = best.value(goal) if goal != "step" else wanted
    met = reached >= wanted if goal == "sqnr_db" else reached <= wanted
    return best.data, MatrixReport(
        method="trellis" if best.states else "scalar",
        states=best.states,
        step=best.step,
        nbytes=len(best.data),
        bits_per_element=best.bits,
        rmse=best.rmse,
        sqnr_db=best.sqnr_db,
        max_error=best.max_error,
        cosine=best.cosine,
        exceptions=best.exceptions,
        target=f"{goal}={wanted:g}",
        met=met,
    )


def decompress_matrix(
    data: Any, *, max_elements: int | None = None, threads: int | None = None
) -> NDArray[Any]:
    """The array of a message of `compress_matrix`.

    Parameters
    ----------
    data : bytes-like
    max_elements : int
        Refuse larger arrays before anything is allocated. Default 2^26 for each byte of `data`.
    threads : int
        Default 1; 0 stands for all CPUs.

    Returns
    -------
    ndarray
        Shape and dtype of what was compressed: ``n * ((step * r_i) * c_j)`` in float32, then rounded to the
        dtype.

    Raises
    ------
    CorruptDataError
        Damaged or truncated data.
    UnsupportedFeatureError
        A later version's.
    LimitError
        More than `max_elements`.

    Examples
    --------
    >>> data, _ = compress_matrix([0.5, -1.0, 2.0], {"max_error": 0.01})
    >>> bool(np.abs(decompress_matrix(data) - [0.5, -1.0, 2.0]).max() <= 0.01)
    True
    """
    from fewbits.coding import decode_codes

    function = "quant.decompress_matrix"
    view = as_bytes(function, "data", data)
    workers = thread_count(function, threads)
    raw = view.tobytes()
    if len(raw) < _HEADER.size + 4 or raw[:4] != _MAGIC[:4]:
        raise CorruptDataError(f"{function}: data is no message of compress_matrix")
    if raw[4] != _MAGIC[4]:
        raise UnsupportedFeatureError(
            f"{function}: data is of version {raw[4]}, this build knows {_MAGIC[4]}"
        )
    body, (crc,) = raw[:-4], struct.unpack("<I", raw[-4:])
    if _checks.crc32c(np.frombuffer(body, np.uint8)) != crc:
        raise CorruptDataError(f"{function}: data does not match its checksum")
    _, kind, axes, log_states, flags, step = _HEADER.unpack_from(body)
    at = _HEADER.size + 8 * axes
    good = kind < len(_DTYPES) and axes >= 1 and (log_states == 0 or 2 <= log_states <= 8) and flags < 8
    if not good or at > len(body) or not 0 < step < math.inf:
        raise CorruptDataError(f"{function}: data has a header that no encoder writes")
    shape: tuple[int, ...] = struct.unpack_from(f"<{axes}Q", body, _HEADER.size)
    size = math.prod(shape)
    limit = (
        len(raw) << 26
        if max_elements is None
        else integer(function, "max_elements", max_elements, 0, 1 << 60)
    )
    if size > limit:
        raise LimitError(
            f"{function}: data stands for {float(min(size, 1 << 64)):g} elements, more than {limit}"
        )
    parts = _parts(function, body, at, (flags & 1) + (flags >> 1 & 1) + 1 + 2 * (flags >> 2))
    rows = shape[0] if axes > 1 else 1
    width = size // rows if rows else 0
    if size == 0:
        raise CorruptDataError(f"{function}: data has a header that no encoder writes")
    scales: list[Floats | None] = []
    for bit, count in ((0, rows), (1, width)):
        scales.append(_scales_of(_decode_scales(function, parts.pop(0), count)) if flags >> bit & 1 else None)
    codes = decode_codes(parts.pop(0), max_codes=size, threads=workers)
    if codes.shape != (rows, width):
        raise CorruptDataError(f"{function}: codes have shape {codes.shape}, not {(rows, width)}")
    if parts:
        gaps, values = (decode_codes(part, max_codes=size).astype(np.int64) for part in parts)
        places = np.cumsum(gaps + 1) - 1
        inside = gaps.shape == values.shape and gaps.ndim == 1 and (gaps >= 0).all()
        if not inside or (places.size and places[-1] >= size):
            raise CorruptDataError(f"{function}: data names elements outside the array")
        codes = codes.copy()
        codes.reshape(-1)[places] = values
    unit = _unit(float(np.float32(step)), scales[0], scales[1], (rows, width))
    with np.errstate(over="ignore"):
        values32: Floats = codes.astype(np.float32) * unit
    return _narrowed(values32, _DTYPES[kind]).reshape(shape)


def _narrowed(values: Floats, name: str) -> NDArray[Any]:
    """Values rounded to a dtype; without ml_dtypes those of bfloat16 are its codes, as everywhere."""
    if name != "bfloat16":
        return values.astype(np.dtype(name))
    from fewbits.formats import encode

    codes = encode(values, "bfloat16")
    try:
        import ml_dtypes
    except ImportError:
        return codes
    return codes.view(ml_dtypes.bfloat16)


def _parts(function: str, body: bytes, at: int, count: int) -> list[bytes]:
    """So many parts, each after its length, that end where the body does."""
    parts = []
    for _ in range(count):
        if len(body) - at < 8:
            raise CorruptDataError(f"{function}: data ends within a part")
        (length,) = struct.unpack_from("<Q", body, at)
        at += 8
        if length > len(body) - at:
            raise CorruptDataError(f"{function}: data ends within a part")
        parts.append(body[at : at + length])
        at += length
    if at != len(body):
        raise CorruptDataError(f"{function}: data goes on behind its last part")
    return parts


def _decode_scales(function: str, part: bytes, count: int) -> NDArray[np.uint8]:
    from fewbits.coding import decode_codes

    codes = decode_codes(part, max_codes=count)
    if codes.shape != (count,) or (codes < 0).any() or (codes > 255).any():
        raise CorruptDataError(f"{function}: data has scales that no encoder writes")
    return codes.astype(np.uint8)
