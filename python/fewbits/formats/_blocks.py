"""Blocks of numbers that share a scale, and integers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import choice, integer
from fewbits._core import formats as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.formats._codes import encode
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import options_of, wide

__all__ = ["BLOCK_FORMATS", "Bfp", "BlockFormat", "get_block", "round_to_int"]


def round_to_int(
    x: ArrayLike,
    bits: int,
    *,
    signed: bool = True,
    rounding: str = "nearest_even",
    overflow: str = "saturate",
    nan: str = "error",
    seed: int | np.random.Generator = 0,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round `x` to integers of so many bits.

    Parameters
    ----------
    x : array_like, any shape
        As for `round_to`.
    bits : int, 1 to 32
        Of two's complement, or of unsigned numbers.
    signed : bool
    rounding : str
        One of `roundings()`.
    overflow : ``"saturate"`` or ``"wrap"``
        The nearest end of the range, or modulo 2^bits (infinities saturate).
    nan : ``"error"`` or ``"zero"``
    seed : int or numpy.random.Generator
        For the stochastic modes.
    threads : int
        As for `round_to`.

    Returns
    -------
    ndarray, shape of `x`
        int8, int16 or int32, the narrowest that has `bits`; unsigned alike.

    Raises
    ------
    ArgumentError
        Values out of range, NaN under ``"error"``.

    Examples
    --------
    >>> round_to_int([0.5, 1.5, -7.6, 300.0], 4).tolist()
    [0, 2, -8, 7]
    >>> round_to_int([300.0, -1.0], 8, overflow="wrap").tolist()
    [44, -1]
    """
    function = "formats.round_to_int"
    width = integer(function, "bits", bits, 1, 32)
    wraps = choice(function, "overflow", overflow, ("saturate", "wrap")) == 1
    choice(function, "nan", nan, ("error", "zero"))
    f = get(f"{'' if signed else 'u'}fixed({width},0)")
    codes = encode(
        x, f, rounding=rounding, saturate="wrap" if wraps else "finite", nan=nan, seed=seed, threads=threads
    )
    if not signed:
        return codes
    signed_codes = codes.view(np.dtype(f"i{codes.dtype.itemsize}"))
    spare = codes.dtype.itemsize * 8 - width
    return (signed_codes << spare) >> spare if spare else signed_codes


@dataclass(frozen=True)
class Bfp:
    """Block floating point: blocks share an exponent E = floor(log2 max|x|); elements are signed integers of
    m bits, clipped to +-(2^(m-1) - 1), times 2^(E - (m - 2)).

    Parameters
    ----------
    mantissa_bits : int, 2 to 24
        m, the sign included.
    block_size : int
        Neighbours along `axis` that share an exponent; the last block of a row may be shorter.
    axis : int
    carry : ``"clip"`` or ``"bump"``
        Where rounding carries past the largest integer: that one, or the block once more with E + 1.
    nan : ``"error"`` or ``"block"``
        Infinity or NaN in a block: refused, or the whole block becomes NaN.

    Notes
    -----
    Exact: rounded once, the same on every instruction set. Zeros lose their sign. MX and NVFP4 are other
    formats, see `get_block`.

    References
    ----------
    .. [1] J. Wilkinson, "Rounding Errors in Algebraic Processes", 1963.

    Examples
    --------
    >>> b = Bfp(4, 4)
    >>> b.round_to([1.0, 0.3, -0.13, 0.01]).tolist()
    [1.0, 0.25, -0.25, 0.0]
    >>> mantissas, exponents = b.encode([1.0, 0.3, -0.13, 0.01])
    >>> mantissas.tolist(), exponents.tolist()
    ([4, 1, -1, 0], [0])
    """

    mantissa_bits: int
    block_size: int
    axis: int = -1
    carry: str = "clip"
    nan: str = "error"

    def __post_init__(self) -> None:
        integer("formats.Bfp", "mantissa_bits", self.mantissa_bits, 2, 24)
        integer("formats.Bfp", "block_size", self.block_size, 1, 1 << 48)
        integer("formats.Bfp", "axis", self.axis, -64, 63)
        choice("formats.Bfp", "carry", self.carry, ("clip", "bump"))
        choice("formats.Bfp", "nan", self.nan, ("error", "block"))

    @property
    def bits_per_value(self) -> float:
        """Storage of an element, its share of an 8-bit exponent included."""
        return self.mantissa_bits + 8 / self.block_size

    def _rows(self, function: str, array: NDArray[Any]) -> tuple[NDArray[Any], int]:
        """The array with the axis of the blocks last, and that axis."""
        if array.ndim == 0:
            raise ArgumentError(f"{function}: x must have at least one dimension")
        if not -array.ndim <= self.axis < array.ndim:
            raise ArgumentError(
                f"{function}: axis must be in {-array.ndim}..{array.ndim - 1}, got {self.axis}"
            )
        return np.moveaxis(array, self.axis, -1), self.axis % array.ndim

    def encode(
        self,
        x: ArrayLike,
        *,
        rounding: str = "nearest_even",
        seed: int | np.random.Generator = 0,
        stream: int = 0,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Integers and exponents.

        Returns
        -------
        mantissas : ndarray of int32, shape of `x`
        exponents : ndarray of int32
            E of each block; the shape of `x` with blocks for elements along `axis`. Blocks of zeros have
            -32768, blocks of NaN 32768.
        """
        function = "formats.Bfp.encode"
        array = as_numbers(function, "x", x)
        if array.dtype.kind in "iu":
            if array.size and max(int(array.max()), -int(array.min())) >> 53:
                raise ArgumentError(f"{function}: x must hold integers up to 2^53")
            array = array.astype(np.float64)
        moved, axis = self._rows(function, array)
        row = moved.shape[-1]
        flat = wide(np.ascontiguousarray(moved))
        options, bits = options_of(
            function, get(f"fixed({self.mantissa_bits + 1},0)"), moved.shape,
            rounding=rounding, saturate=None, subnormal="gradual", nan="keep", random_bits=None, variant="c",
            bits=None, seed=seed, stream=stream, first=0, exponent_limit=True, flush_inputs=False, threads=1,
        )  # fmt: skip
        blocks = -(-row // self.block_size)
        mantissas = np.empty(moved.shape, np.int32)
        exponents = np.empty((*moved.shape[:-1], blocks), np.int32)
        if flat.size:
            _core.encode_blocks(
                flat, row, self.block_size, self.mantissa_bits, self.carry == "bump", self.nan == "block",
                options, bits, mantissas.reshape(-1), exponents.reshape(-1),
            )  # fmt: skip
        return np.moveaxis(mantissas, -1, axis), np.moveaxis(exponents, -1, axis)

    def decode(
        self, mantissas: ArrayLike, exponents: ArrayLike, *, dtype: DTypeLike = np.float32
    ) -> NDArray[Any]:
        """The values of integers and exponents, as float32 or float64."""
        function = "formats.Bfp.decode"
        wanted = np.dtype(dtype)
        if wanted not in (np.float32, np.float64):
            raise ArgumentError(f"{function}: dtype must be float32 or float64, got {wanted}")
        moved, axis = self._rows(function, np.asarray(mantissas))
        scales, _ = self._rows(function, np.asarray(exponents))
        if moved.dtype.kind not in "iu" or scales.dtype.kind not in "iu":
            raise TypeError(f"{function}: mantissas and exponents must be integers")
        row = moved.shape[-1]
        if scales.shape != (*moved.shape[:-1], -(-row // self.block_size)):
            raise ArgumentError(
                f"{function}: exponents must have one element for each block, got shape {scales.shape}"
            )
        limit = (1 << (self.mantissa_bits - 1)) - 1
        if moved.size and max(int(moved.max()), -int(moved.min())) > limit:
            raise ArgumentError(f"{function}: mantissas must be in {-limit}..{limit}")
        values = np.empty(moved.shape, wanted)
        if moved.size:
            _core.decode_blocks(
                np.ascontiguousarray(moved, np.int32).reshape(-1),
                np.ascontiguousarray(scales, np.int32).reshape(-1),
                row, self.block_size, self.mantissa_bits, values.reshape(-1),
            )  # fmt: skip
        return np.moveaxis(values, -1, axis)

    def round_to(
        self,
        x: ArrayLike,
        *,
        rounding: str = "nearest_even",
        seed: int | np.random.Generator = 0,
        stream: int = 0,
    ) -> NDArray[Any]:
        """`x` rounded to the format: float32, or float64 for float64 and integers."""
        array = as_numbers("formats.Bfp.round_to", "x", x)
        dtype = np.float64 if array.dtype == np.float64 or array.dtype.kind in "iu" else np.float32
        return self.decode(*self.encode(array, rounding=rounding, seed=seed, stream=stream), dtype=dtype)


@dataclass(frozen=True)
class BlockFormat:
    """What a block-scaled format is made of: elements, a scale for each block, at times one for the tensor.

    Attributes
    ----------
    name : str
        What `get_block` finds it by.
    element, scale : FloatFormat
    block_size : int
        Elements that share a scale.
    tensor_scale : FloatFormat or None
        Of a second scale, for the whole tensor.
    """

    name: str
    element: FloatFormat
    scale: FloatFormat
    block_size: int
    tensor_scale: FloatFormat | None = None

    @property
    def bits_per_value(self) -> float:
        """Bits of an element and its share of the scale of the block."""
        return float(self.element.bits + self.scale.bits / self.block_size)

    @property
    def max(self) -> float:
        """Largest value without a tensor scale: largest element times largest scale."""
        return float(self.element.max * self.scale.max)

    def __repr__(self) -> str:
        return f"fewbits.formats.get_block({self.name!r})"


# name -> element, scale, block size, scale of the tensor
_KNOWN: Final[dict[str, tuple[str, str, int, str | None]]] = {
    "mxfp8_e5m2": ("float8_e5m2", "float8_e8m0fnu", 32, None),
    "mxfp8_e4m3": ("float8_e4m3fn", "float8_e8m0fnu", 32, None),
    "mxfp6_e3m2": ("float6_e3m2fn", "float8_e8m0fnu", 32, None),
    "mxfp6_e2m3": ("float6_e2m3fn", "float8_e8m0fnu", 32, None),
    "mxfp4": ("float4_e2m1fn", "float8_e8m0fnu", 32, None),
    "mxint8": ("mxint8", "float8_e8m0fnu", 32, None),
    "nvfp4": ("float4_e2m1fn", "float8_e4m3fn", 16, "float32"),
}
BLOCK_FORMATS: Final[tuple[str, ...]] = tuple(_KNOWN)
"""Names of the block formats that need no grammar."""
_ALIASES: Final = {"mxfp4_e2m1": "mxfp4", "mxfp8": "mxfp8_e4m3", "mxfp6": "mxfp6_e2m3"}


def _arguments(text: str) -> list[str]:
    """Split at the commas outside parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def get_block(name: str | BlockFormat) -> BlockFormat:
    """The block format of a name.

    Parameters
    ----------
    name : str or BlockFormat
        One of `BLOCK_FORMATS`; an alias (``"mxfp4_e2m1"``, ``"mxfp8"``, ``"mxfp6"``); or
        ``"block(element,scale,size)"`` with two names for `get` and a number, and at will the format of a
        scale for the whole tensor after that.

    Returns
    -------
    BlockFormat

    Raises
    ------
    ArgumentError
        An unknown name, a format without codes, a size below 1.

    References
    ----------
    .. [1] OCP Microscaling Formats (MX) 1.0, tables 1 and 2; NVIDIA, NVFP4.

    Examples
    --------
    >>> f = get_block("nvfp4")
    >>> f.element.name, f.scale.name, f.block_size, f.bits_per_value
    ('float4_e2m1fn', 'float8_e4m3fn', 16, 4.5)
    >>> get_block("block(int4, float16, 64)").bits_per_value
    4.25
    """
    function = "formats.get_block"
    if isinstance(name, BlockFormat):
        return name
    if not isinstance(name, str):
        raise TypeError(f"{function}: name must be a str or BlockFormat, got {type(name).__name__}")
    compact = name.replace(" ", "")
    compact = _ALIASES.get(compact, compact)
    if compact in _KNOWN:
        element, scale, size, tensor = _KNOWN[compact]
        return BlockFormat(compact, get(element), get(scale), size, get(tensor) if tensor else None)
    match = re.fullmatch(r"block\((.*)\)", compact)
    parts = _arguments(match[1]) if match else []
    if len(parts) not in (3, 4) or not re.fullmatch(r"[0-9]{1,9}", parts[2]):
        known = ", ".join(BLOCK_FORMATS)
        raise ArgumentError(
            f"{function}: name must be one of {known} or block(element,scale,size), got {name!r}"
        )
    formats = [get(parts[0]), get(parts[1])]
    for f in formats:
        if f.bits == 0:
            raise ArgumentError(f"{function}: element and scale must have codes, got {f.name!r}")
    size = integer(function, "size", int(parts[2]), 1, 10**9)
    tensor_scale = get(parts[3]) if len(parts) == 4 else None
    canonical = ",".join(
        [formats[0].name, formats[1].name, str(size), *([tensor_scale.name] if tensor_scale else [])]
    )
    return BlockFormat(f"block({canonical})", formats[0], formats[1], size, tensor_scale)
