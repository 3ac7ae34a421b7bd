"""Which formats there are, and what is known of each."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fewbits._core import formats as _core
from fewbits.errors import ArgumentError

__all__ = ["FORMATS", "FloatFormat", "get", "require_codes", "roundings"]

FORMATS: Final[tuple[str, ...]] = tuple(_core.registered)
"""Names of the formats that need no grammar."""


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
    def _lowest(self) -> float:
        """Least value: the lowest finite one, or the smallest positive where there is no zero."""
        return float(self.min) if self.has_zero else self.smallest_normal

    @property
    def _quantum_exponent(self) -> int:
        return int(self._core.quantum_exponent)

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """The unsigned type that `encode` returns: uint8, uint16 or uint32."""
        require_codes("code_dtype", self)
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16 if self.bits <= 16 else np.uint32)

    def _decode_all(self) -> NDArray[np.float64]:
        out = np.empty(1 << self.bits, np.float64)
        _core.decode(np.arange(out.size, dtype=np.uint32), self._core, out, 1)
        return out

    def values(self) -> NDArray[np.float64]:
        """All finite values in ascending order, zero once; formats of at most 16 bits.

        >>> get("float4_e2m1fn").values()[7:].tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
        """
        if not 0 < self.bits <= 16:
            raise ArgumentError(
                f"FloatFormat.values: format must have codes of 1..16 bits, got {self.name!r}"
            )
        all_values = self._decode_all()
        values = np.unique(all_values[np.isfinite(all_values)]) + 0.0
        # The codes of subnormals exist in formats without them, too.
        return values if self.has_subnormal else values[(values == 0) | (abs(values) >= self.smallest_normal)]

    def table(self) -> dict[str, Any]:
        """Name, shape, range and counts as a dictionary; counts are None for formats of more than 16 bits."""
        row: dict[str, Any] = {"name": self.name}
        row.update({field: getattr(self, field) for field in _FIELDS})
        for derived in ("epsilon", "unit_roundoff", "smallest_normal", "smallest_subnormal"):
            row[derived] = getattr(self, derived)
        row["finite_values"] = row["nan_codes"] = None
        if 0 < self.bits <= 16:
            decoded = self._decode_all()
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


def require_codes(function: str, f: FloatFormat) -> None:
    """Refuse a format of values only."""
    if not 0 < f.bits <= 32:
        raise ArgumentError(f"formats.{function}: format must have codes of 1..32 bits, got {f.name!r}")
