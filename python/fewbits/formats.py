"""Number formats of few bits: what they hold, and rounding to them, exactly and in every mode.

Formats are found by name (`get`): those of ml_dtypes, aliases, IEEE P3109 names, and a grammar for floats of
any shape, fixed point and integers. Rounding happens once, from float32, float64 and integers alike, and
gives the same bits on every machine; random bits depend on (seed, stream, index) alone.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._core import formats as _core
from fewbits.errors import ArgumentError

__all__ = [
    "FORMATS",
    "FloatFormat",
    "decode",
    "encode",
    "get",
    "round_to",
    "roundings",
]

FORMATS: Final[tuple[str, ...]] = tuple(_core.registered)
"""Names of the formats that need no grammar."""

_MASK64 = (1 << 64) - 1
_NO_BITS: Final = np.empty(0, np.uint32)
_STOCHASTIC: Final = ("stochastic", "stochastic_equal", "random_directed")


class FloatFormat:
    """A number format; `get` makes it.

    Attributes
    ----------
    name : str
        What `get` finds it by.
    bits : int
        Bits of a code; 0 for a format of values only.
    precision : int
        Significand bits, the hidden one included.
    exponent_bits, bias : int
        Of the exponent field.
    min_exponent, max_exponent : int
        Exponents of the smallest and the largest normal value.
    max, min : float
        Largest and lowest finite value.
    is_signed, has_zero, has_subnormal, has_neg_zero, has_inf, is_fixed : bool
    nan : str
        Where NaN is: ``"ieee"``, ``"outer"``, ``"neg_zero_code"``, ``"top_code"`` or ``"none"``.

    Examples
    --------
    >>> f = get("float8_e4m3fn")
    >>> f.max, f.epsilon, f.smallest_normal, f.smallest_subnormal
    (448.0, 0.125, 0.015625, 0.001953125)
    >>> f == get(repr(f).split("'")[1])
    True
    """

    __slots__ = ("_core", "name")

    _core: Any
    name: str

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"FloatFormat: name must be a str, got {type(name).__name__}")
        compact = name.replace(" ", "")
        object.__setattr__(self, "_core", _core.get(compact))
        object.__setattr__(self, "name", _core.aliases.get(compact, compact))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"FloatFormat is read-only: {name} cannot be set")

    def __getattr__(self, name: str) -> Any:
        if name in _FIELDS:
            return getattr(object.__getattribute__(self, "_core"), name)
        raise AttributeError(f"FloatFormat has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_FIELDS})

    def __repr__(self) -> str:
        return f"fewbits.formats.get({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return bool(self._core.equals(other._core)) if isinstance(other, FloatFormat) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.bits, self.precision, self.min_exponent, self.max, self.min, self.nan))

    def __reduce__(self) -> tuple[type[FloatFormat], tuple[str]]:
        return FloatFormat, (self.name,)

    @property
    def epsilon(self) -> float:
        """Distance from 1 to the next larger value (for fixed point: between any neighbours)."""
        return math.ldexp(1.0, self._quantum_exponent if self.is_fixed else 1 - self.precision)

    @property
    def unit_roundoff(self) -> float:
        """Largest relative error of rounding to nearest in the normal range: half of `epsilon`."""
        return self.epsilon / 2

    @property
    def smallest_normal(self) -> float:
        """Least positive value of full precision (for fixed point: least positive value)."""
        return math.ldexp(1.0, self._quantum_exponent if self.is_fixed else self.min_exponent)

    @property
    def smallest_subnormal(self) -> float:
        """Least positive value."""
        return math.ldexp(1.0, self._quantum_exponent)

    @property
    def _quantum_exponent(self) -> int:
        return int(self._core.quantum_exponent)

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The unsigned type that `encode` returns: uint8, uint16 or uint32."""
        _require_codes("code_dtype", self)
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16 if self.bits <= 16 else np.uint32)

    def values(self) -> NDArray[np.float64]:
        """All finite values in ascending order, zero once; formats of at most 16 bits.

        >>> get("float4_e2m1fn").values()[7:].tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
        """
        if not 0 < self.bits <= 16:
            raise ArgumentError(
                f"FloatFormat.values: format must have codes of 1..16 bits, got {self.name!r}"
            )
        all_values = decode(np.arange(1 << self.bits, dtype=np.uint32), self, dtype=np.float64)
        return np.unique(all_values[np.isfinite(all_values)]) + 0.0

    def table(self) -> dict[str, Any]:
        """Name, shape, range and counts as a dictionary; counts are None for formats of more than 16 bits."""
        row: dict[str, Any] = {"name": self.name}
        row.update({field: getattr(self, field) for field in _FIELDS})
        for derived in ("epsilon", "unit_roundoff", "smallest_normal", "smallest_subnormal"):
            row[derived] = getattr(self, derived)
        row["finite_values"] = row["nan_codes"] = None
        if 0 < self.bits <= 16:
            decoded = decode(np.arange(1 << self.bits, dtype=np.uint32), self, dtype=np.float64)
            row["finite_values"] = len(self.values())
            row["nan_codes"] = int(np.isnan(decoded).sum())
        return row


_FIELDS: Final = (
    "bits",
    "precision",
    "exponent_bits",
    "bias",
    "min_exponent",
    "max_exponent",
    "max",
    "min",
    "is_signed",
    "has_zero",
    "has_subnormal",
    "has_neg_zero",
    "has_inf",
    "is_fixed",
    "nan",
)


def get(name: str | FloatFormat | np.dtype[Any]) -> FloatFormat:
    """The number format of a name.

    Parameters
    ----------
    name : str, FloatFormat or numpy.dtype
        A name of `FORMATS`; an alias (``"bf16"``, ``"half"``, ``"e5m2"``); a P3109 name (``"binary8p3se"``:
        bits, precision, signed or unsigned, extended or finite); ``"int8"``, ``"uint4"`` (1 to 16 bits),
        ``"fixed(8,4)"``, ``"ufixed(8,4)"`` (integer bits with the sign, fraction bits);
        ``"float(e=5,m=10)"`` with any of ``bias=``, ``nan=ieee|outer|neg_zero_code|top_code|none``,
        ``inf=0|1``, ``signed=0|1``, ``subnormal=0|1``, ``neg_zero=0|1``, ``max=``; or
        ``"float(p=11,emin=-14,emax=15)"`` for values without codes. A dtype of NumPy or ml_dtypes stands for
        its name.

    Returns
    -------
    FloatFormat

    Raises
    ------
    ArgumentError
        Unknown name, with the nearest ones; a name that means three formats (``"e4m3"``); impossible
        arguments.
    TypeError
        `name` is none of these.

    References
    ----------
    .. [1] OCP 8-bit Floating Point Specification 1.0; OCP Microscaling Formats 1.0; IEEE P3109 draft.

    Examples
    --------
    >>> get("bf16").max
    3.3895313892515355e+38
    >>> get("float(e=4,m=3,nan=none,inf=0)").max
    480.0
    >>> get("float(p=11,emin=-14,emax=15)").smallest_subnormal == get("half").smallest_subnormal
    True
    """
    if isinstance(name, FloatFormat):
        return name
    if isinstance(name, np.dtype):
        name = name.name
    if not isinstance(name, str):
        raise TypeError(f"formats.get: name must be a str, FloatFormat or dtype, got {type(name).__name__}")
    return FloatFormat(name)


def roundings() -> tuple[str, ...]:
    """Names of the rounding modes.

    >>> roundings()[:4]
    ('nearest_even', 'nearest_away', 'nearest_zero', 'nearest_up')
    """
    return tuple(_core.roundings)


# ---- arguments ------------------------------------------------------------------------------------------


def _require_codes(function: str, f: FloatFormat) -> None:
    if not 0 < f.bits <= 32:
        raise ArgumentError(f"formats.{function}: format must have codes of 1..32 bits, got {f.name!r}")


def _choice(function: str, name: str, value: str, allowed: tuple[str, ...]) -> int:
    if value not in allowed:
        raise ArgumentError(
            f"formats.{function}: {name} must be one of {', '.join(map(repr, allowed))}, got {value!r}"
        )
    return allowed.index(value)


def _integer(function: str, name: str, value: Any, low: int, high: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"formats.{function}: {name} must be an integer, got {type(value).__name__}"
        ) from None
    if isinstance(value, bool) or not low <= number <= high:
        raise ArgumentError(f"formats.{function}: {name} must be in {low}..{high}, got {value}")
    return number


def _array(function: str, x: Any) -> tuple[NDArray[Any], tuple[int, ...], np.dtype[Any]]:
    """`x` flat as float32, float64, int64 or uint64 without loss; its shape; its native dtype."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"formats.{function}: masked arrays are not supported; pass .filled(...) or .data")
    if not isinstance(x, np.ndarray | np.generic) and hasattr(x, "__dlpack__"):
        x = np.from_dlpack(x)
    array = np.asarray(x)
    dtype = array.dtype.newbyteorder("=") if array.dtype.kind in "fiu" else array.dtype
    if dtype in (np.float64, np.float32):
        wide: Any = dtype
    elif dtype.kind in "iu":
        wide = np.uint64 if dtype == np.uint64 else np.int64
    elif dtype == np.float16 or _is_small_float(dtype):
        wide = np.float32
    else:
        raise TypeError(
            f"formats.{function}: x must hold float16, float32, float64, integers or floats of ml_dtypes, "
            f"got {dtype}"
        )
    return np.ascontiguousarray(array, dtype=wide).reshape(-1), array.shape, dtype


def _is_small_float(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype of ml_dtypes is one of our formats, hence exact in float32."""
    return dtype.name in FORMATS and dtype.itemsize <= 2


def _seed(function: str, seed: int | np.random.Generator) -> int:
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, _MASK64, dtype=np.uint64, endpoint=True))
    return _integer(function, "seed", seed, 0, _MASK64)


def _options(
    function: str,
    f: FloatFormat,
    shape: tuple[int, ...],
    *,
    rounding: str | None,
    saturate: str | None,
    subnormal: str,
    nan: str,
    random_bits: int | None,
    variant: str,
    bits: ArrayLike | None,
    seed: int | np.random.Generator,
    stream: int,
    first: int,
    exponent_limit: bool,
    flush_inputs: bool,
    threads: int | None,
) -> tuple[Any, NDArray[np.uint32]]:
    if rounding is None:
        if not f.has_zero:
            raise ArgumentError(
                f"formats.{function}: rounding must be stated for {f.name!r}: 'toward_zero' (OCP scales), "
                "'nearest_up' (ml_dtypes), 'nearest_even', ..."
            )
        rounding = "nearest_even"
    if saturate is None:
        saturate = "finite" if f.is_fixed else "none"
    mode = _choice(function, "rounding", rounding, _core.roundings)
    random = rounding in _STOCHASTIC
    number = _seed(function, seed)
    if not random and (number != 0 or random_bits is not None or bits is not None):
        given = "seed" if number != 0 else "random_bits" if random_bits is not None else "bits"
        raise ArgumentError(
            f"formats.{function}: {given} must not be given with the deterministic rounding {rounding!r}"
        )
    count = 0 if random_bits is None else _integer(function, "random_bits", random_bits, 1, 32)
    own = _NO_BITS
    if bits is not None:
        given_bits = np.asarray(bits)
        if given_bits.dtype.kind not in "iu" or given_bits.shape != shape:
            raise ArgumentError(
                f"formats.{function}: bits must be integers of the shape of x, {shape}, got "
                f"{given_bits.dtype} of shape {given_bits.shape}"
            )
        limit = 1 << (count or 32)
        if given_bits.size and not 0 <= int(given_bits.min()) <= int(given_bits.max()) < limit:
            wrong = given_bits.min() if given_bits.min() < 0 else given_bits.max()
            raise ArgumentError(f"formats.{function}: bits must be in 0..{limit - 1}, got {wrong}")
        own = np.ascontiguousarray(given_bits, dtype=np.uint32).reshape(-1)
    options = _core.options(
        mode,
        _choice(function, "saturate", saturate, _core.saturates),
        _choice(function, "subnormal", subnormal, _core.subnormals),
        _choice(function, "nan", nan, _core.nan_policies),
        _choice(function, "variant", variant, _core.variants),
        number,
        _integer(function, "stream", stream, 0, _MASK64),
        _integer(function, "first", first, 0, _MASK64),
        count,
        bool(exponent_limit),
        bool(flush_inputs),
        1 if threads is None else _integer(function, "threads", threads, 0, 1 << 16),
    )
    return options, own


# ---- rounding -------------------------------------------------------------------------------------------


def round_to(
    x: ArrayLike,
    format: str | FloatFormat,
    *,
    rounding: str | None = None,
    saturate: str | None = None,
    subnormal: str = "gradual",
    nan: str = "keep",
    random_bits: int | None = None,
    variant: str = "c",
    bits: ArrayLike | None = None,
    seed: int | np.random.Generator = 0,
    stream: int = 0,
    first: int = 0,
    exponent_limit: bool = True,
    flush_inputs: bool = False,
    out: NDArray[Any] | None = None,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round every element of `x` to a value of `format`.

    Parameters
    ----------
    x : array_like, any shape
        float16, float32, float64, integers, or a float type of ml_dtypes.
    format : str or FloatFormat
        See `get`.
    rounding : str
        One of `roundings()`; default ``"nearest_even"``, but for scales without zero, where it must be
        stated.
    saturate : str
        Values beyond the largest become: ``"none"`` infinity, else NaN, else the largest, as the mode and the
        format allow; ``"finite"`` the largest, infinities too; ``"propagate"`` the largest, infinities
        staying; ``"wrap"`` (fixed point, integers) modulo 2^bits. Default ``"none"``; for fixed point
        ``"finite"``.
    subnormal : str
        ``"gradual"``; ``"flush"``: zero after rounding; ``"nearest_normal"``: zero or the smallest normal
        value.
    nan : str
        NaN for a format without it: ``"keep"`` and ``"error"`` raise (``"error"`` for every format),
        ``"zero"``, ``"max"``, or ``"ml_dtypes"`` (NaN becomes -0, -NaN +0).
    random_bits : int, 1..32
        Random bits per element of ``"stochastic"``; default as many as the comparison needs, so that the
        probability is exact.
    variant : str
        How limited random bits meet the fraction: ``"a"`` truncates it (biased toward zero), ``"b"`` adds
        half a unit, ``"c"`` rounds it to even.
    bits : array_like of integers, shape of `x`
        Random bits of your own, each below ``2**random_bits`` (default ``2**32``).
    seed : int or numpy.random.Generator
    stream, first : int
        Element i reads draw ``first + i`` of the stream: pieces rounded apart equal the whole.
    exponent_limit : bool
        False: only the precision acts.
    flush_inputs : bool
        True: inputs below the smallest normal value count as zero.
    out : ndarray
        Result array of the shape and dtype of the result; may be `x`.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray, shape of `x`
        dtype of `x`; float64 for integers.

    Raises
    ------
    ArgumentError
        Unknown names, values out of range, a dtype too narrow for the format, NaN that the policy refuses.
    TypeError
        `x` is of another dtype.

    Notes
    -----
    Exact: the correctly rounded value of the mode, rounded once, the same on every instruction set.

    References
    ----------
    .. [1] M. Fasi, M. Mikaitis, "CPFloat: A C Library for Simulating Low-precision Arithmetic", ACM Trans.
       Math. Softw. 49 (2023).

    Examples
    --------
    >>> round_to([0.1, 300.0, 1000.0], "float8_e4m3fn").tolist()
    [0.1015625, 288.0, nan]
    >>> round_to([0.1, 300.0, 1000.0], "float8_e4m3fn", rounding="toward_zero").tolist()
    [0.09375, 288.0, 448.0]
    >>> round_to([2.6] * 6, "int8", rounding="stochastic", seed=5).tolist()
    [3.0, 2.0, 3.0, 3.0, 2.0, 2.0]
    """
    f = get(format)
    flat, shape, dtype = _array("round_to", x)
    options, own = _options(
        "round_to",
        f,
        shape,
        rounding=rounding,
        saturate=saturate,
        subnormal=subnormal,
        nan=nan,
        random_bits=random_bits,
        variant=variant,
        bits=bits,
        seed=seed,
        stream=stream,
        first=first,
        exponent_limit=exponent_limit,
        flush_inputs=flush_inputs,
        threads=threads,
    )
    if flat.dtype == np.float32 and not f._core.fits_float32:
        raise ArgumentError(f"formats.round_to: format {f.name!r} does not fit {dtype}: pass float64")
    wanted = np.dtype(np.float64) if dtype.kind in "iu" else dtype
    if out is not None and (
        not isinstance(out, np.ndarray)
        or out.shape != shape
        or out.dtype != wanted
        or not out.flags.writeable
    ):
        raise ArgumentError(f"formats.round_to: out must be a writable array of {wanted}, shape {shape}")
    carrier = np.float32 if flat.dtype == np.float32 else np.float64
    direct = out is not None and out.dtype == carrier and out.flags.c_contiguous
    result: NDArray[Any] = np.empty(flat.size, carrier) if out is None or not direct else out.reshape(-1)
    _core.round_to(flat, f._core, options, own, result)
    if wanted != carrier:
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = result.astype(wanted)
        # Infinities and nan come back where the dtype has them, else the comparison fails too.
        if not np.array_equal(narrow.astype(carrier), result, equal_nan=True):
            raise ArgumentError(f"formats.round_to: format {f.name!r} does not fit {dtype}: pass float32")
        result = narrow
    if out is None:
        return result.reshape(shape)
    if not direct:
        out[...] = result.reshape(shape)
    return out


def encode(
    x: ArrayLike,
    format: str | FloatFormat,
    *,
    rounding: str | None = None,
    saturate: str | None = None,
    subnormal: str = "gradual",
    nan: str = "keep",
    random_bits: int | None = None,
    variant: str = "c",
    bits: ArrayLike | None = None,
    seed: int | np.random.Generator = 0,
    stream: int = 0,
    first: int = 0,
    flush_inputs: bool = False,
    threads: int | None = None,
) -> NDArray[Any]:
    """Round every element of `x` to `format` and return the codes.

    Parameters
    ----------
    x, format
        As for `round_to`; `x` of any dtype will do for every format.
    rounding, saturate, subnormal, nan, random_bits, variant, bits, seed, stream, first, flush_inputs, threads
        As for `round_to`.

    Returns
    -------
    ndarray of uint8, uint16 or uint32, shape of `x`
        The code of each value in the low bits. Where ml_dtypes has the format, ``codes.view(...)`` is its
        array.

    Raises
    ------
    ArgumentError, TypeError
        As for `round_to`; also for formats without codes.

    Notes
    -----
    Exact, and rounded once: casts of ml_dtypes go from float64 and integers through float32.

    Examples
    --------
    >>> encode([0.5, -6.0, 2.5], "float4_e2m1fn").tolist()
    [1, 15, 4]
    >>> hex(encode(1 + 2**-8 + 2**-40, "bfloat16").item())
    '0x3f81'
    """
    f = get(format)
    _require_codes("encode", f)
    flat, shape, _ = _array("encode", x)
    options, own = _options(
        "encode",
        f,
        shape,
        rounding=rounding,
        saturate=saturate,
        subnormal=subnormal,
        nan=nan,
        random_bits=random_bits,
        variant=variant,
        bits=bits,
        seed=seed,
        stream=stream,
        first=first,
        exponent_limit=True,
        flush_inputs=flush_inputs,
        threads=threads,
    )
    codes = np.empty(flat.size, f.code_dtype)
    _core.encode(flat, f._core, options, own, codes)
    return codes.reshape(shape)


def decode(codes: ArrayLike, format: str | FloatFormat, *, dtype: Any = None) -> NDArray[Any]:
    """The values of codes.

    Parameters
    ----------
    codes : array_like of unsigned integers, any shape
        Each below ``2**format.bits``.
    format : str or FloatFormat
        See `get`.
    dtype : float32 or float64
        Of the result; default float32 where it holds the format, else float64.

    Returns
    -------
    ndarray, shape of `codes`

    Raises
    ------
    ArgumentError
        A code with bits above those of the format, a format without codes, a `dtype` that does not hold it.
    TypeError
        `codes` are not unsigned integers (or Python integers).

    Notes
    -----
    Exact. Signs of zeros come back; NaN is the quiet one without payload.

    Examples
    --------
    >>> decode([0x7E, 0x80, 0x7F], "float8_e4m3fn").tolist()
    [448.0, -0.0, nan]
    """
    f = get(format)
    _require_codes("decode", f)
    array = np.asarray(codes)
    if array.dtype == np.int64 and not isinstance(codes, np.ndarray | np.generic):
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < 1 << 32:
            raise ArgumentError(f"formats.decode: codes must be in 0..{(1 << f.bits) - 1}, got {codes!r}")
        array = array.astype(np.uint32)
    if array.dtype.kind != "u" or array.dtype.itemsize > 4:
        if array.size or array.dtype.kind != "f":  # np.asarray([]) is float64
            raise TypeError(f"formats.decode: codes must be uint8, uint16 or uint32, got {array.dtype}")
        array = array.astype(f.code_dtype)
    if array.dtype.itemsize < f.code_dtype.itemsize:
        array = array.astype(f.code_dtype)
    flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(-1)
    wanted = np.dtype((np.float32 if f._core.fits_float32 else np.float64) if dtype is None else dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(f"formats.decode: dtype must be float32 or float64, got {wanted}")
    out = np.empty(flat.size, wanted)
    _core.decode(flat, f._core, out)
    return out.reshape(array.shape)
