"""Microscaling: elements of a few bits, blocks of which share a scale (MX, NVFP4 and their like)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, thread_count
from fewbits._core import quant as _core
from fewbits._interop import as_numbers, dtype_name
from fewbits.errors import ArgumentError

__all__ = ["QTensor", "QuantReport", "quantize"]

POWER_RULES: Final = ("ocp", "ceil", "rtn", "mse")
SCALED_RULES: Final = ("absmax", "four_six", "mse")
_NAN_SCALE: Final = 255
_LARGEST: Final = float(np.finfo(np.float32).max)

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class QuantReport:
    """How far a quantised array is from what it was made of.

    Attributes
    ----------
    rmse, max_error : float
        Root mean square and largest error.
    sqnr_db : float
        ``10 log10(sum x^2 / sum (x - y)^2)``, inf where exact.
    cosine : float
        Of the angle between x and y.
    saturated, zeroed : float
        Share of elements beyond the largest value of their block, and of those that became zero.
    entropy_bits : float
        Order-0 entropy of the codes of elements, bits per element.
    bits_per_element : float
        Stored, scales included.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)
    >>> report = quantize(x, "mxfp8").report(x)
    >>> report.bits_per_element, report.sqnr_db > 30
    (8.25, True)
    """

    rmse: float
    max_error: float
    sqnr_db: float
    cosine: float
    saturated: float
    zeroed: float
    entropy_bits: float
    bits_per_element: float


@dataclass(frozen=True)
class QTensor:
    """A quantised array: codes, the scales of its blocks, and how they were chosen.

    Attributes
    ----------
    codes : ndarray of uint8
        A code for each element, in the shape of the array.
    scales : ndarray of uint8 or uint16
        Codes of the scales, one for each block, the axis of the blocks last.
    tensor_scale : float
        What all scales are multiplied by: 1 but for formats with a scale of the tensor.
    spec : str
        ``name;axis=...;rounding=...;scale_rule=...``, which `quantize` takes as a format.
    name : str
        Of `fewbits.formats.get_block`.
    axis : int
        Of the blocks.

    Examples
    --------
    >>> q = quantize([[0.5, 1.0, -3.0, 6.0]], "mxfp4")
    >>> q.codes.tolist(), q.scales.tolist(), q.dequantize().tolist()
    ([[1, 2, 13, 7]], [[127]], [[0.5, 1.0, -3.0, 6.0]])
    >>> q.spec
    'mxfp4;axis=-1;rounding=nearest_even;scale_rule=ocp'
    """

    codes: Bytes
    scales: NDArray[Any]
    tensor_scale: float
    spec: str
    name: str
    axis: int

    def _factors(self) -> Floats:
        from fewbits.formats import decode, get_block

        values = decode(self.scales, get_block(self.name).scale).reshape(-1)
        factors: Floats = values * np.float32(self.tensor_scale)
        return factors

    def dequantize(self, *, threads: int | None = None) -> Floats:
        """The values, in float32: element times (scale times tensor scale), exact but for one rounding.

        Parameters
        ----------
        threads : int
            Default 1; 0 stands for all CPUs.

        Returns
        -------
        ndarray of float32
            In the shape of the codes; blocks with a NaN scale are NaN.
        """
        from fewbits.formats import get_block

        block = get_block(self.name)
        codes = np.ascontiguousarray(np.moveaxis(self.codes, self.axis, -1))
        out = np.empty(codes.shape, np.float32)
        _core.block_decode(
            codes.reshape(-1),
            codes.shape[-1],
            block.block_size,
            self._factors(),
            block.element._core,
            out.reshape(-1),
            thread_count("quant.QTensor.dequantize", threads),
        )
        return np.ascontiguousarray(np.moveaxis(out, -1, self.axis))

    @property
    def bits_per_element(self) -> float:
        """Stored bits, the scales of blocks and tensor included."""
        from fewbits.formats import get_block

        block = get_block(self.name)
        bits = self.codes.size * block.element.bits + self.scales.size * block.scale.bits
        if block.tensor_scale is not None:
            bits += block.tensor_scale.bits
        return float(bits / self.codes.size)

    def report(self, x: ArrayLike) -> QuantReport:
        """Errors against what was quantised.

        Parameters
        ----------
        x : array_like
            In the shape of the codes.

        Returns
        -------
        QuantReport

        Raises
        ------
        ArgumentError
            Another shape.
        """
        function = "quant.QTensor.report"
        array = as_numbers(function, "x", x)
        if array.shape != self.codes.shape:
            raise ArgumentError(
                f"{function}: x must have the shape of the codes, {self.codes.shape}, got {array.shape}"
            )
        from fewbits.formats import get_block

        exact = array.astype(np.float64)
        values = self.dequantize().astype(np.float64)
        error = exact - values
        block = get_block(self.name)
        rows = np.moveaxis(np.abs(exact), self.axis, -1)
        factors = self._factors().reshape(self.scales.shape)
        largest = np.repeat(factors, block.block_size, axis=-1)[..., : rows.shape[-1]] * block.element.max
        energy, lost = float(np.square(exact).sum()), float(np.square(error).sum())
        norm = math.sqrt(energy * float(np.square(values).sum()))
        counts = np.bincount(self.codes.reshape(-1))
        shares = counts[counts > 0] / self.codes.size
        return QuantReport(
            rmse=math.sqrt(lost / error.size),
            max_error=float(np.abs(error).max()),
            sqnr_db=10 * math.log10(energy / lost) if lost > 0 and energy > 0 else math.inf,
            cosine=float((exact * values).sum()) / norm if norm > 0 else float(lost == 0),
            saturated=float((rows > largest).mean()),
            zeroed=float(((values == 0) & (exact != 0)).mean()),
            entropy_bits=float(-(shares * np.log2(shares)).sum()),
            bits_per_element=self.bits_per_element,
        )


class _Tensor:
    """An array whose blocks get scales."""

    def __init__(self, x: Floats, block: Any, options: Any, threads: int) -> None:
        self.x, self.block, self.options, self.threads = x, block, options, threads
        self.width = x.shape[-1]
        self.shape = (*x.shape[:-1], -(-self.width // block.block_size))
        bits = np.empty(math.prod(self.shape), np.uint32)
        _core.block_maxima(x.reshape(-1), self.width, block.block_size, bits, threads)
        self.finite = bits < 0x7F800000
        self.maxima: Floats = np.where(self.finite, bits, 0).astype(np.uint32).view(np.float32)

    def encode(self, factors: Floats) -> Bytes:
        codes = np.empty(self.x.shape, np.uint8)
        element, size = self.block.element._core, self.block.block_size
        flat = codes.reshape(-1)
        _core.block_encode(self.x.reshape(-1), self.width, size, factors, element, self.options, flat)
        if self.block.name == "mxint8":
            codes[codes == 0x80] = 0x81  # -2 is left unused, so that codes are symmetric
        return codes

    def errors(self, codes: Bytes, factors: Floats) -> NDArray[np.float64]:
        errors = np.empty(factors.size)
        element = self.block.element._core
        size = self.block.block_size
        flat = self.x.reshape(-1)
        _core.block_errors(flat, codes.reshape(-1), self.width, size, factors, element, errors, self.threads)
        return errors

    def best(self, candidates: list[tuple[NDArray[Any], Floats]]) -> tuple[NDArray[Any], Floats]:
        """Of several (scale codes, factors) those with the least squared error, block by block; the first of
        equals."""
        chosen, factors = candidates[0]
        least = self.errors(self.encode(factors), factors)
        chosen, factors = chosen.copy(), factors.copy()
        for codes, others in candidates[1:]:
            found = self.errors(self.encode(others), others)
            better = found < least
            least[better], chosen[better], factors[better] = found[better], codes[better], others[better]
        return chosen, factors


def _powers(tensor: _Tensor, rule: str) -> tuple[NDArray[Any], Floats]:
    """E8M0 codes of the scales and their values, OCP MX section 6.3 and its variants."""
    a = tensor.maxima.astype(np.float64)
    top = float(tensor.block.element.max)
    emax = math.frexp(top)[1] - 1
    floor = np.frexp(a)[1].astype(np.int64) - 1 - emax
    if rule == "ceil":
        floor += a > top * np.exp2(floor.astype(np.float64))
    if rule == "rtn":
        # To nearest in log2 of a / top: above sqrt(2) times a power of two goes up. Squares are exact.
        floor -= a < top * np.exp2(floor.astype(np.float64))
        floor += a * a > 2 * (top * np.exp2(floor.astype(np.float64))) ** 2

    def made(exponents: NDArray[np.int64]) -> tuple[NDArray[Any], Floats]:
        e = np.clip(exponents, -127, 127)
        codes = np.where(a == 0, 0, e + 127).astype(np.uint8)
        values: Floats = np.ldexp(np.float32(1), codes.astype(np.int32) - 127).astype(np.float32)
        return codes, values

    if rule == "mse":
        return tensor.best([made(floor), made(floor - 1), made(floor + 1)])
    return made(floor)


def _scaled(tensor: _Tensor, rule: str) -> tuple[NDArray[Any], Floats, float]:
    """Codes of floating point scales, the factors, and the tensor's scale, in float32 in the stated order."""
    from fewbits.formats import decode, encode

    one, top = np.float32(1), np.float32(tensor.block.element.max)
    scale = tensor.block.scale
    ceiling = min(float(scale.max), 448.0)
    largest = np.float32(tensor.maxima.max(initial=0))
    with np.errstate(over="ignore", divide="ignore"):
        enlarge = np.float32(float(top) * ceiling) / largest if largest > 0 else one
    enlarge = np.float32(min(float(enlarge), _LARGEST))
    reduce = one / enlarge

    def made(target: float) -> tuple[NDArray[Any], Floats]:
        wanted: Floats = (tensor.maxima / np.float32(target)) * enlarge
        codes = encode(wanted, scale, rounding="nearest_even", saturate="finite")
        return codes, decode(codes, scale) * reduce

    if rule == "absmax":
        return (*made(float(top)), float(reduce))
    if rule == "four_six":
        return (*tensor.best([made(float(top)), made(float(top) * 4 / 6)]), float(reduce))
    first, _ = made(float(top))
    last = int(encode([scale.max], scale, rounding="toward_zero")[0])
    candidates = []
    for shift in (0, *(s for s in range(-12, 9) if s != 0)):
        codes = np.clip(first.astype(np.int64) + shift, 1, last).astype(first.dtype)
        codes = np.where(tensor.maxima == 0, first, codes)
        candidates.append((codes, decode(codes, scale) * reduce))
    return (*tensor.best(candidates), float(reduce))


def _settings(function: str, text: str) -> tuple[str, dict[str, str]]:
    """Name and options of ``name;key=value;...``."""
    name, *pairs = text.split(";")
    options = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in ("axis", "rounding", "scale_rule"):
            raise ArgumentError(
                f"{function}: format must be a name, or name;axis=..;rounding=..;scale_rule=.., got {text!r}"
            )
        options[key] = value
    return name, options


def quantize(
    x: ArrayLike,
    format: str,
    *,
    axis: int | None = None,
    scale_rule: str | None = None,
    rounding: str | None = None,
    nonfinite: str = "error",
    seed: int | np.random.Generator = 0,
    threads: int | None = None,
) -> QTensor:
    """Quantise to a format whose blocks share a scale.

    Parameters
    ----------
    x : array_like of at least one axis
        float16, bfloat16, float32 or float64.
    format : str
        A name of `fewbits.formats.get_block`: ``"mxfp4"``, ``"mxfp6_e2m3"``, ``"mxfp6_e3m2"``,
        ``"mxfp8_e4m3"``, ``"mxfp8_e5m2"``, ``"mxint8"``, ``"nvfp4"``, or ``"block(element,scale,size)"``
        with at will a scale of the tensor, ``"block(float4_e2m1fn,float8_ue5m3,16,float32)"``; or the
        `spec` of a `QTensor`.
    axis : int
        Along which blocks lie; default the last. They never reach over the end of it: the last of a row may
        be shorter.
    scale_rule : str
        Scales that are powers of two: ``"ocp"`` (default), the exponent of the largest element less that of
        the element format: elements between the largest value and the next power of two saturate;
        ``"ceil"``, the least power that nothing saturates under; ``"rtn"``, the nearest in log2; ``"mse"``,
        the best of three.
        Floating point scales: ``"absmax"`` (default) takes the largest element to the largest value,
        ``"four_six"`` that or 4/6 of it, ``"mse"`` the best of 21 neighbouring codes.
    rounding : str
        Of the elements, see `fewbits.formats.roundings`; default ``"nearest_even"``.
    nonfinite : ``"error"`` or ``"nan"``
        Refuse infinities and NaN, or make their block NaN (formats with E8M0 scales).
    seed : int or numpy.random.Generator
        For the stochastic modes.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    QTensor

    Raises
    ------
    ArgumentError
        Unknown names, an axis out of range, no elements, elements that are not finite.
    TypeError
        Other dtypes.

    Notes
    -----
    Exact: ``round(x / scale)`` with one division and one rounding in float32, the same on every instruction
    set; float64 is rounded to odd first. Of NVFP4 every step is in float32 in the order of the recipe.

    References
    ----------
    .. [1] OCP Microscaling Formats (MX) Specification v1.0, 2023; B. Rouhani et al., "Microscaling data
       formats for deep learning", arXiv:2310.10537.
    .. [2] NVIDIA, "Pretraining large language models with NVFP4", arXiv:2509.25149.

    Examples
    --------
    >>> x = (np.arange(32, dtype=np.float32) - 15.5) / 7
    >>> q = quantize(x, "mxfp4")
    >>> q.bits_per_element, hex(q.scales[0]), q.codes[:6].tolist()
    (4.25, '0x7e', [14, 14, 14, 14, 13, 13])
    >>> [round(quantize(x, "nvfp4", scale_rule=r).report(x).sqnr_db, 1) for r in ("absmax", "mse")]
    [19.6, 20.3]
    """
    from fewbits.formats import get_block, round_to
    from fewbits.formats._rounding import options_of

    function = "quant.quantize"
    name, written = _settings(function, format)
    block = get_block(name)
    if block.element.bits > 8:
        raise ArgumentError(f"{function}: format must have elements of at most 8 bits, got {name!r}")
    array = as_numbers(function, "x", x)
    if array.dtype.kind in "iu" or dtype_name(array.dtype) not in (
        "float16",
        "bfloat16",
        "float32",
        "float64",
    ):
        raise TypeError(f"{function}: x must be of float16, bfloat16, float32 or float64, got {array.dtype}")
    if array.ndim == 0 or array.size == 0:
        raise ArgumentError(f"{function}: x must have at least one axis and one element, got {array.shape}")
    place = int(written.get("axis", -1)) if axis is None else axis
    along = integer(function, "axis", place, -array.ndim, array.ndim - 1)
    mode = rounding or written.get("rounding", "nearest_even")
    powers = block.scale.name == "float8_e8m0fnu"
    rules = POWER_RULES if powers else SCALED_RULES
    rule = scale_rule or written.get("scale_rule", rules[0])
    choice(function, "scale_rule", rule, rules)
    choice(function, "nonfinite", nonfinite, ("error", "nan") if powers else ("error",))
    options, _ = options_of(
        function,
        block.element,
        array.shape,
        rounding=mode,
        saturate="finite",
        subnormal="gradual",
        nan="zero",
        random_bits=None,
        variant="c",
        bits=None,
        seed=seed,
        stream=0,
        first=0,
        exponent_limit=True,
        flush_inputs=False,
        threads=threads,
    )
    if array.dtype == np.float64:
        array = round_to(array, "float32", rounding="to_odd", nan="keep")
    moved = np.ascontiguousarray(np.moveaxis(array, along, -1).astype(np.float32))
    tensor = _Tensor(moved, block, options, thread_count(function, threads))
    if nonfinite == "error" and not tensor.finite.all():
        wrong = ~np.isfinite(array.astype(np.float32)).reshape(-1)
        raise ArgumentError(
            f"{function}: x must be finite, {int(wrong.sum())} elements are not, the first at flat index "
            f"{int(np.flatnonzero(wrong)[0])}"
        )
    tensor_scale = 1.0
    if powers:
        scales, factors = _powers(tensor, rule)
        scales[~tensor.finite] = _NAN_SCALE
    else:
        scales, factors, tensor_scale = _scaled(tensor, rule)
    return QTensor(
        codes=np.moveaxis(tensor.encode(factors), -1, along),
        scales=scales.reshape(tensor.shape),
        tensor_scale=tensor_scale,
        spec=f"{name};axis={along};rounding={mode};scale_rule={rule}",
        name=name,
        axis=along,
    )
