"""Functions whose result is one rounding: elementary ones by float64 kernels, those of C's math library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice
from fewbits._core import formats as _core
from fewbits._interop import as_integers
from fewbits.errors import ArgumentError
from fewbits.formats._codes import decode, encode
from fewbits.formats._emulated import Context, EmulatedArray, emulated, fma
from fewbits.formats._grid import neighbours
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import wide

__all__ = ["classify", "evaluate", "evaluated", "frexp", "ldexp", "modf"]

Array = NDArray[Any]
_NO_VALUES: Final = np.empty(0, np.float64)
_CLASSES: Final = ("nan", "infinite", "zero", "subnormal", "normal")


def _kernel(name: str, operands: list[Array]) -> Array:
    """Values of an elementary function that round as the exact ones do."""
    from fewbits._core import functions

    x, second = operands[0], operands[1] if len(operands) == 2 else _NO_VALUES
    y = np.empty_like(x)
    getattr(functions, f"{name}_f64")(*operands, y, False)
    _core.settle(_core.elementary.index(name), x, second, y)
    return y


def _remainder(x: Array, y: Array) -> Array:
    """IEEE 754: x - n y with n the integer nearest to x / y, ties to even; exact."""
    a, b = np.abs(x), np.abs(y)
    r = np.where(np.isinf(b) & np.isfinite(a), a, np.fmod(a, 2 * b))
    odd = 2 * r > b
    r = np.where(odd, r - b, r)
    r = np.where(odd & (2 * r >= b), r - b, r)
    return np.copysign(1.0, x) * r


def _hypot(x: Array, y: Array) -> Array:
    out = np.empty_like(x)
    _core.odd_hypot(x, y, out)
    return out


def _logb(x: Array) -> Array:
    """Exponent of the leading bit."""
    finite = np.isfinite(x) & (x != 0)
    exponents = np.frexp(np.where(finite, x, 1.0))[1] - 1.0
    return np.where(finite, exponents, np.where(x == 0, -np.inf, x * x))


def _fmax(x: Array, y: Array, *, least: bool) -> Array:
    """IEEE maximumNumber: NaN loses, +0 beats -0."""
    first = (x < y) | ((x == y) & np.signbit(x)) if least else (x > y) | ((x == y) & ~np.signbit(x))
    return np.where(np.isnan(y) | first, x, y)


# What is exact in float64 before the one rounding: every value of a format with at most 24 bits is.
_EXACT: Final[dict[str, tuple[int, Callable[..., Array]]]] = {
    "floor": (1, np.floor),
    "ceil": (1, np.ceil),
    "trunc": (1, np.trunc),
    "rint": (1, np.rint),
    "round": (1, lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x)),
    "logb": (1, _logb),
    "fmod": (2, np.fmod),
    "remainder": (2, _remainder),
    "fmax": (2, lambda x, y: _fmax(x, y, least=False)),
    "fmin": (2, lambda x, y: _fmax(x, y, least=True)),
    "copysign": (2, np.copysign),
    "hypot": (2, _hypot),
}
_OPERATIONS: Final = ("add", "subtract", "multiply", "divide")


def evaluated() -> tuple[str, ...]:
    """The names of the functions that `evaluate` knows.

    Examples
    --------
    >>> [name for name in evaluated() if name.startswith("log")]
    ['log', 'log10', 'log1p', 'log2', 'log_gamma', 'log_ndtr', 'log_sigmoid', 'logb']
    """
    special = ("sqrt", "fma", "fdim", "nextafter")
    return tuple(sorted((*_core.elementary, *_EXACT, *_OPERATIONS, *special)))


def _number_of_operands(name: str) -> int:
    if name in _EXACT:
        return _EXACT[name][0]
    if name in _core.elementary:
        return 2 if name in ("pow", "atan2") else 1
    return {"sqrt": 1, "fma": 3}.get(name, 2)


def _nextafter(x: EmulatedArray, to: Any) -> EmulatedArray:
    a, b = np.broadcast_arrays(x._values, x._operand("nextafter", to))
    below, above = neighbours(a, x.format)
    moved = np.where(b > a, above, np.where(b < a, below, b))
    # Beyond the last value there is none: it stays.
    moved = np.where(np.isnan(moved), np.where(np.isnan(a + b), np.nan, a), moved)
    return EmulatedArray(moved.astype(x.dtype), x.context)


def evaluate(
    function: str, *operands: Any, format: str | FloatFormat | Context | None = None, **options: Any
) -> EmulatedArray:
    """A function of values of a format, rounded once to the format.

    Parameters
    ----------
    function : str
        One of `evaluated`: the elementary and special functions of `fewbits.functions`, the operations
        ``add subtract multiply divide sqrt fma``, and of C's math library ``tan asin acos atan atan2 sinh
        cosh asinh acosh atanh gamma floor ceil trunc rint round logb fmod remainder fmax fmin fdim copysign
        hypot nextafter``. ``round`` sends ties away from zero, ``rint`` to even; ``remainder`` is that of
        IEEE 754; of ``fmax`` and ``fmin`` NaN loses; ``log_gamma`` is NaN below zero.
    *operands : EmulatedArray or array_like
        One, two or three. They broadcast. The first EmulatedArray says format and context; plain numbers
        and lists are rounded to it first.
    format : str, FloatFormat or Context
        Needed where no operand is an EmulatedArray.
    **options
        With a name or format: the arguments of `Context`.

    Returns
    -------
    EmulatedArray

    Raises
    ------
    ArgumentError
        Unknown function, wrong number of operands; for a format of more than 24 bits of precision also modes
        other than to nearest.
    TypeError
        No EmulatedArray and no format; plain arrays or other formats beside an EmulatedArray.

    Notes
    -----
    Correctly rounded in every mode, for formats of at most 24 bits of precision: the float64 result is moved
    off the numbers where rounding changes, to the side of the exact value. All float16 and bfloat16 arguments
    of every function of one argument were compared with mpmath without an exception; beyond them an
    argument fails with a probability of about 2^-28 in float32, 2^-41 for 11 bits. The probability of
    stochastic rounding is that of a float64 within an ulp of the exact value. For more than 24 bits the
    result is that of `fewbits.functions`, rounded to nearest: `fewbits.functions.error_bound`.
    Outside the domain results are NaN, poles are infinite; nothing is raised.

    References
    ----------
    .. [1] A. Ziv, "Fast evaluation of elementary mathematical functions with correctly rounded last bit",
       ACM Trans. Math. Softw. 17 (1991).
    .. [2] M. Fasi, M. Mikaitis, "CPFloat: A C Library for Simulating Low-precision Arithmetic", ACM Trans.
       Math. Softw. 49 (2023).

    Examples
    --------
    >>> evaluate("exp", [0.0, 1.0, 20.0], format="float16").tolist()
    [1.0, 2.71875, inf]
    >>> x = emulated([2.0**-60], "bfloat16", rounding="toward_positive")
    >>> evaluate("exp", x).tolist(), np.exp(x.values).tolist()
    ([1.0078125], [1.0])
    """
    choice("formats.evaluate", "function", function, evaluated())
    wanted = _number_of_operands(function)
    if len(operands) != wanted:
        plural = "" if wanted == 1 else "s"
        raise ArgumentError(
            f"formats.evaluate: {function} must have {wanted} operand{plural}, got {len(operands)}"
        )
    first = next((x for x in operands if isinstance(x, EmulatedArray)), None)
    if format is not None:
        operands = tuple(
            x if isinstance(x, EmulatedArray) and x is first else emulated(x, format, **options)
            for x in operands
        )
        if first is None:
            first = operands[0]
        elif first.format != (format.format if isinstance(format, Context) else get(format)):
            raise TypeError(
                f"formats.evaluate: format must be that of the operands, {first.format.name!r}; cast with "
                "astype"
            )
    if first is None:
        raise TypeError("formats.evaluate: format must be given where no operand is an EmulatedArray")
    return _evaluate(function, first, operands)


def _evaluate(function: str, like: EmulatedArray, operands: tuple[Any, ...]) -> EmulatedArray:
    if function in _OPERATIONS:
        return like._binary(function, *operands)
    if function == "sqrt":
        return like.sqrt()
    values = np.broadcast_arrays(*(like._operand(function, x) for x in operands))
    wrapped = [EmulatedArray(np.ascontiguousarray(v).reshape(v.shape), like.context) for v in values]
    if function == "fma":
        return fma(*wrapped)
    if function == "fdim":
        difference = wrapped[0] - wrapped[1]
        zero = np.zeros((), like.dtype)
        kept = np.where(values[0] <= values[1], zero, difference._values)
        return EmulatedArray(kept.astype(like.dtype), like.context)
    if function == "nextafter":
        return _nextafter(wrapped[0], wrapped[1])
    f = like.format
    nearest = like.context.rounding.startswith("nearest")
    if f.precision > 24 and (not nearest or f.is_fixed):
        raise ArgumentError(
            f"formats.evaluate: rounding must be to nearest for functions in {f.name!r}, which has more than "
            f"24 bits, got {like.context.rounding!r}"
        )
    size = 1 << f.bits if like.context._tabulates and function in _core.elementary and len(values) == 1 else 0
    if 0 < size <= 2 * values[0].size:
        return _by_table(function, wrapped[0], size)
    flat = [np.array(v, np.float64).reshape(-1) for v in values]
    if like.context._flushes:
        for v in flat:
            v[np.abs(v) < f.smallest_normal] *= 0.0
    with np.errstate(all="ignore"):
        if function in _core.elementary:
            exact = _kernel(function, flat)
        else:
            exact = np.ascontiguousarray(_EXACT[function][1](*flat), np.float64)
        exact = np.where(np.isnan(exact), np.nan, exact)
    rounded = like.context._round(exact)
    return EmulatedArray(rounded.reshape(values[0].shape), like.context)


def _by_table(function: str, x: EmulatedArray, size: int) -> EmulatedArray:
    """The result of every code, made once for a context, and looked up."""
    context = x.context
    table = context._tables.get(function)
    if table is None:
        every = np.arange(size, dtype=np.uint16 if size > 256 else np.uint8)
        values = decode(every, context.format, dtype=context.dtype)
        # In pieces, each too short for a table.
        pieces = (EmulatedArray(piece, context) for piece in np.array_split(values, 5))
        table = np.concatenate([_evaluate(function, piece, (piece,))._values for piece in pieces])
        context._tables[function] = table
    codes: Any = encode(x._values, context.format, rounding="toward_zero")
    return EmulatedArray(np.take(table, codes), context)


def frexp(x: EmulatedArray) -> tuple[EmulatedArray, NDArray[np.int64]]:
    """Fraction in [1/2, 1) and exponent: ``x = fraction * 2**exponent``, exact.

    Parameters
    ----------
    x : EmulatedArray

    Returns
    -------
    fraction : EmulatedArray
        Zeros, infinities and NaN as they are; rounded where the format has no value in [1/2, 1).
    exponent : ndarray of int64

    Examples
    --------
    >>> fraction, exponent = frexp(emulated([10.0, 2.0**-24], "float16"))
    >>> fraction.tolist(), exponent.tolist()
    ([0.625, 0.5], [4, -23])
    """
    _require(x, "frexp")
    fraction, exponent = np.frexp(x._values.astype(np.float64))
    return EmulatedArray(x.context._round(fraction), x.context), np.asarray(exponent, np.int64)


def ldexp(x: EmulatedArray, exponent: ArrayLike) -> EmulatedArray:
    """``x * 2**exponent``, rounded once where it leaves the normal range.

    Parameters
    ----------
    x : EmulatedArray
    exponent : array_like of integers
        Broadcasts with `x`.

    Returns
    -------
    EmulatedArray

    Raises
    ------
    TypeError
        `exponent` holds no integers.

    Examples
    --------
    >>> ldexp(emulated([1.5, 1.5], "float16"), [15, -25]).tolist()
    [49152.0, 5.960464477539063e-08]
    """
    _require(x, "ldexp")
    steps = as_integers("formats.ldexp", "exponent", exponent).astype(np.int64)
    values, steps = np.broadcast_arrays(x._values.astype(np.float64), steps)
    # Clipped, the result is below or beyond the format as before, but still exact in float64.
    low = -1020 if x.format._quantum_exponent > -1000 else -1100
    fraction, exponents = np.frexp(values)
    total = np.clip(exponents.astype(np.int64) + steps, low, 1024)
    with np.errstate(over="ignore"):
        exact = np.where(
            np.isfinite(values) & (values != 0), np.ldexp(fraction, total.astype(np.int32)), values
        )
    return EmulatedArray(x.context._round(exact), x.context)


def modf(x: EmulatedArray) -> tuple[EmulatedArray, EmulatedArray]:
    """Fractional and integral part, both with the sign of `x`, exact.

    Parameters
    ----------
    x : EmulatedArray

    Returns
    -------
    fraction, whole : EmulatedArray

    Examples
    --------
    >>> [part.tolist() for part in modf(emulated([-2.75, 0.5], "float16"))]
    [[-0.75, 0.5], [-2.0, 0.0]]
    """
    _require(x, "modf")
    fraction, whole = np.modf(x._values.astype(np.float64))
    return EmulatedArray(x.context._round(fraction), x.context), EmulatedArray(
        x.context._round(whole), x.context
    )


def classify(x: ArrayLike | EmulatedArray, format: str | FloatFormat | None = None) -> NDArray[np.str_]:
    """What each element is in a format: C's fpclassify.

    Parameters
    ----------
    x : EmulatedArray or array_like
        Numbers; they need not be values of the format.
    format : str or FloatFormat
        Not needed for an EmulatedArray.

    Returns
    -------
    ndarray of str, shape of `x`
        ``"nan"``, ``"infinite"``, ``"zero"``, ``"subnormal"`` or ``"normal"``.

    Raises
    ------
    TypeError
        A plain array without a format.

    Examples
    --------
    >>> classify([0.0, 2.0**-24, 1.0, float("inf")], "float16").tolist()
    ['zero', 'subnormal', 'normal', 'infinite']
    """
    if isinstance(x, EmulatedArray):
        f, values = x.format, x._values
    else:
        if format is None:
            raise TypeError("formats.classify: format must be given for a plain array")
        from fewbits._interop import as_numbers

        f = get(format)
        array = as_numbers("formats.classify", "x", x)
        values = wide(array).reshape(array.shape)
    magnitudes = np.abs(values.astype(np.float64))
    smallest = 0.0 if f.is_fixed else f.smallest_normal
    conditions = [np.isnan(magnitudes), np.isinf(magnitudes), magnitudes == 0, magnitudes < smallest]
    return np.select(conditions, [np.str_(name) for name in _CLASSES[:4]], default=np.str_(_CLASSES[4]))


def _require(x: Any, function: str) -> None:
    if not isinstance(x, EmulatedArray):
        raise TypeError(f"formats.{function}: x must be an EmulatedArray, got {type(x).__name__}")
