"""Exact and compensated sums and dot products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, thread_count
from fewbits._core import formats as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError
from fewbits.formats._emulated import Context
from fewbits.formats._registry import FloatFormat, get

__all__ = [
    "ExactAccumulator",
    "binned_sum",
    "compensated_dot",
    "compensated_sum",
    "exact_dot",
    "exact_dot_codes",
    "exact_sum",
    "horner",
    "two_prod",
    "two_sum",
]

_SUMS = ("kahan", "neumaier", "klein", "pairwise", "sum_k")


def _floats(function: str, name: str, x: Any) -> NDArray[Any]:
    """`x` as a contiguous vector of float32 or float64."""
    array = np.asarray(x)
    if array.dtype.kind in "iu" or array.dtype == np.float16 or (array.size == 0 and array.dtype.kind == "f"):
        wide = np.float64 if array.dtype.kind in "iu" else array.dtype
        if array.dtype.kind in "iu" and array.size and int(np.abs(array).max()) > 1 << 53:
            raise ArgumentError(f"formats.{function}: {name} must hold integers of at most 2^53")
        array = array.astype(np.float32 if wide == np.float16 else wide)
    native = array.dtype.newbyteorder("=")
    if native not in (np.float32, np.float64):
        raise TypeError(
            f"formats.{function}: {name} must hold float16, float32, float64 or integers, got {array.dtype}"
        )
    return np.ascontiguousarray(array, dtype=native).reshape(-1)


def _pair(function: str, x: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = _floats(function, "x", x), _floats(function, "y", y)
    if a.size != b.size:
        raise ArgumentError(f"formats.{function}: y must have the size of x, got {b.size} for {a.size}")
    kind = np.result_type(a, b)
    return a.astype(kind, copy=False), b.astype(kind, copy=False)


def _context(format: str | FloatFormat | Context | None, dtype: np.dtype[Any]) -> Any:
    if isinstance(format, Context):
        return format._take()
    return Context(dtype.name if format is None else format)._take()


def _carrier(format: str | FloatFormat | Context | None, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type to compute in: that of the data, or float64 where the format needs it."""
    if format is None:
        return dtype
    context = format if isinstance(format, Context) else Context(format)
    return dtype if context.dtype == np.float32 else np.dtype(np.float64)


def exact_sum(
    x: ArrayLike, *, format: str | FloatFormat | Context | None = None, threads: int | None = None
) -> float:
    """The sum of all elements without error, rounded once at the end.

    Parameters
    ----------
    x : array_like, any shape, float16, float32, float64 or integers up to 2^53
    format : str, FloatFormat or Context
        What the sum is rounded to, in the rounding of a context; default the dtype of `x`, to nearest even.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        Another dtype.

    Notes
    -----
    Exact, so it depends on no order: a reproducible sum. NaN and infinities as IEEE 754 has them.

    References
    ----------
    .. [1] U. Kulisch, "Computer Arithmetic and Validity" (2013).
    .. [2] R. Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571.

    Examples
    --------
    >>> exact_sum([1.0, 1e100, 1.0, -1e100])
    2.0
    >>> exact_sum([0.1] * 10), exact_sum([0.1] * 10, format=Context("float64", rounding="toward_positive"))
    (1.0, 1.0000000000000002)
    """
    flat = _floats("exact_sum", "x", x)
    kind = _carrier(format, flat.dtype)
    context = _context(format, flat.dtype)
    return float(
        _core.exact_sum(context, flat.astype(kind, copy=False), thread_count("formats.exact_sum", threads))
    )


def exact_dot(
    x: ArrayLike,
    y: ArrayLike,
    *,
    format: str | FloatFormat | Context | None = None,
    threads: int | None = None,
) -> float:
    """The sum of all products without error, rounded once at the end.

    Parameters
    ----------
    x, y : array_like of one size, float16, float32, float64 or integers up to 2^53
    format, threads
        As for `exact_sum`.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Sizes that differ.
    TypeError
        Another dtype.

    Notes
    -----
    Exact also where products underflow or overflow: they are formed as integers.

    Examples
    --------
    >>> exact_dot([1e200, 1.0, -1e200], [1e200, 2.0, 1e200])
    2.0
    """
    a, b = _pair("exact_dot", x, y)
    kind = _carrier(format, a.dtype)
    context = _context(format, a.dtype)
    return float(
        _core.exact_dot(
            context,
            a.astype(kind, copy=False),
            b.astype(kind, copy=False),
            thread_count("formats.exact_dot", threads),
        )
    )


def _codes(function: str, name: str, x: Any) -> NDArray[np.uint8]:
    array = np.asarray(x)
    if array.dtype.itemsize == 1 and array.dtype.kind not in "iub":
        array = array.view(np.uint8)  # types of ml_dtypes: their codes
    array = as_array(f"formats.{function}", name, array, "iu")
    if array.size and not 0 <= int(array.min()) <= int(array.max()) <= 255:
        raise ArgumentError(f"formats.{function}: {name} must hold codes in 0..255")
    return array.astype(np.uint8, copy=False).reshape(-1)


class ExactAccumulator:
    """A sum without error that goes on: add numbers, products and other sums, and round when you like.

    Parameters
    ----------
    x : array_like, optional
        What to begin with.

    Raises
    ------
    TypeError
        Another dtype, as for `exact_sum`.

    Notes
    -----
    Holds any sum of float64 values and of products of two of them, 2^63 terms of it, in 1 KiB. The value
    depends on what was added, in no order: parts may be summed by threads, processes (it can be pickled) or
    machines, and merged. NaN and infinities as IEEE 754 has them.

    References
    ----------
    .. [1] U. Kulisch, "Computer Arithmetic and Validity" (2013).

    Examples
    --------
    >>> total = ExactAccumulator([1e100, 1.0])
    >>> total.add([-1e100]).add_dot([1e-200], [1e-200]).value()
    1.0
    >>> total.value("float64") == 1.0, total.value(Context("float64", rounding="toward_positive"))
    (True, 1.0000000000000002)
    """

    __slots__ = ("_sum",)

    def __init__(self, x: ArrayLike | None = None) -> None:
        self._sum = _core.ExactAccumulator()
        if x is not None:
            self.add(x)

    def add(self, x: ArrayLike, *, threads: int | None = None) -> ExactAccumulator:
        """Add all elements of `x`; returns itself. Arguments as for `exact_sum`."""
        self._sum.add(
            _floats("ExactAccumulator.add", "x", x), thread_count("formats.ExactAccumulator.add", threads)
        )
        return self

    def add_dot(self, x: ArrayLike, y: ArrayLike, *, threads: int | None = None) -> ExactAccumulator:
        """Add all products ``x[i] * y[i]``; returns itself. Arguments as for `exact_dot`."""
        a, b = _pair("ExactAccumulator.add_dot", x, y)
        self._sum.add_dot(a, b, thread_count("formats.ExactAccumulator.add_dot", threads))
        return self

    def add_dot_codes(self, x: ArrayLike, y: ArrayLike, format: str | FloatFormat) -> ExactAccumulator:
        """Add all products of the values of codes; returns itself. Arguments as for `exact_dot_codes`."""
        function = "ExactAccumulator.add_dot_codes"
        a, b = _codes(function, "x", x), _codes(function, "y", y)
        if a.size != b.size:
            raise ArgumentError(f"formats.{function}: y must have the size of x, got {b.size} for {a.size}")
        self._sum.add_codes(a, b, get(format)._core)
        return self

    def merge(self, other: ExactAccumulator) -> ExactAccumulator:
        """Add another sum, which stays as it is; returns itself."""
        if not isinstance(other, ExactAccumulator):
            raise TypeError(
                "formats.ExactAccumulator.merge: other must be an ExactAccumulator, got "
                f"{type(other).__name__}"
            )
        self._sum.merge(other._sum if other is not self else _core.ExactAccumulator.from_state(self._state()))
        return self

    def value(self, format: str | FloatFormat | Context = "float64") -> float:
        """The sum, rounded once: to nearest even, or as a `Context` says."""
        context = _context(format, np.dtype(np.float64))
        return float(self._sum.round(context, "formats.ExactAccumulator.value"))

    def _state(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._sum.state(), np.uint8)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExactAccumulator):
            return NotImplemented
        return bool(self._sum.state() == other._sum.state())

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> bytes:
        return bytes(self._sum.state())

    def __setstate__(self, state: bytes) -> None:
        self._sum = _core.ExactAccumulator.from_state(np.frombuffer(state, np.uint8))

    def __repr__(self) -> str:
        return f"<ExactAccumulator of {self.value()!r}>"


def exact_dot_codes(
    x: ArrayLike, y: ArrayLike, format: str | FloatFormat, *, to: str | FloatFormat | Context = "float64"
) -> float:
    """The sum of all products of the values of codes without error, rounded once at the end.

    Parameters
    ----------
    x, y : array_like of integers in 0..255, of one size; or of a float type of ml_dtypes
        Codes, one each (see `unpack`); bits above those of the format do not count.
    format : str or FloatFormat
        Of at most 8 bits, whose largest value is at most 2^33 times its least: float8_e4m3fn, float8_e5m2,
        float4_e2m1fn, int8, ...
    to : str, FloatFormat or Context
        What the sum is rounded to.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Sizes that differ, a format of more bits or a wider span.
    TypeError
        Other dtypes.

    Notes
    -----
    Exact: values are whole numbers of the least one (512ths in float8_e4m3fn, halves in float4_e2m1fn,
    65536ths in float8_e5m2), and so are their products.

    Examples
    --------
    >>> from fewbits.formats import encode
    >>> x, y = (encode([448.0, 2.0**-9, sign * 448.0], "float8_e4m3fn") for sign in (1, -1))
    >>> exact_dot_codes(x, y, "float8_e4m3fn") == 2.0**-18
    True
    """
    total = ExactAccumulator()
    function = "exact_dot_codes"
    a, b = _codes(function, "x", x), _codes(function, "y", y)
    if a.size != b.size:
        raise ArgumentError(f"formats.{function}: y must have the size of x, got {b.size} for {a.size}")
    return total.add_dot_codes(a, b, format).value(to)


def binned_sum(
    x: ArrayLike,
    *,
    fold: int = 3,
    format: str | FloatFormat | Context | None = None,
    threads: int | None = None,
) -> float:
    """A sum that depends on no order, nearly as accurate as `exact_sum` and faster.

    Parameters
    ----------
    x : array_like, any shape, float16, float32, float64 or integers up to 2^53
    fold : int, 1 to 4
        Slices of 40 bits kept below the largest number.
    format : str, FloatFormat or Context
        What the sum is rounded to, as for `exact_sum`.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        `fold` out of range.
    TypeError
        Another dtype.

    Notes
    -----
    Reproducible: the same bits for any order, number of threads and instruction set. With n numbers the error
    before the one rounding is at most ``n 2**(-40 (fold - 1)) max|x|``.

    References
    ----------
    .. [1] J. Demmel, H. D. Nguyen, "Fast reproducible floating-point summation", ARITH 2013.
    .. [2] W. Ahrens, J. Demmel, H. D. Nguyen, "Algorithms for efficient reproducible floating point
       summation", ACM TOMS 46 (2020).

    Examples
    --------
    >>> x = [1.0, 1e20, 2.0**-30, -1e20]
    >>> binned_sum(x) == binned_sum(x[::-1]) == 1 + 2.0**-30, sum(x) == sum(x[::-1])
    (True, False)
    """
    function = "formats.binned_sum"
    flat = _floats("binned_sum", "x", x)
    kind = _carrier(format, flat.dtype)
    context = _context(format, flat.dtype)
    kept = integer(function, "fold", fold, 1, 4)
    return float(
        _core.binned_sum(context, flat.astype(kind, copy=False), kept, thread_count(function, threads))
    )


def compensated_sum(x: ArrayLike, *, method: str = "sum_k", k: int = 2) -> float:
    """A sum that carries its rounding errors along.

    Parameters
    ----------
    x : array_like, any shape, float16, float32, float64 or integers up to 2^53
    method : {"sum_k", "neumaier", "klein", "kahan", "pairwise"}
    k : int, 2..64
        For ``"sum_k"``: the result is as if computed in k-fold precision and rounded.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        An unknown method, `k` out of range.
    TypeError
        Another dtype.

    Notes
    -----
    With u the unit roundoff, n elements, S their sum and A that of their magnitudes, the error is at most
    about ``u |S|`` plus: ``n^k u^k A`` (sum_k), ``2 n^2 u^2 A`` (neumaier), ``2 u A`` (kahan),
    ``u log2(n) A`` (pairwise).

    References
    ----------
    .. [1] T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005).
    .. [2] A. Neumaier, ZAMM 54 (1974). A. Klein, Computing 76 (2006).

    Examples
    --------
    >>> x = [1.0, 1e100, 1.0, -1e100]
    >>> compensated_sum(x), compensated_sum(x, method="kahan"), sum(x)
    (2.0, 0.0, 0.0)
    """
    function = "formats.compensated_sum"
    which = choice(function, "method", method, _SUMS)
    fold = integer(function, "k", k, 2, 64)
    return float(_core.compensated_sum(_floats("compensated_sum", "x", x), which, fold))


def compensated_dot(x: ArrayLike, y: ArrayLike, *, k: int = 2) -> float:
    """A dot product as if computed in k-fold precision and rounded.

    Parameters
    ----------
    x, y : array_like of one size, float16, float32, float64 or integers up to 2^53
    k : int, 2..64

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Sizes that differ, `k` out of range.
    TypeError
        Another dtype.

    Notes
    -----
    ``|error| <= u |x . y| + gamma_n^2 |x| . |y|`` for k = 2, unless products underflow or the sum overflows.

    References
    ----------
    .. [1] T. Ogita, S. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005).

    Examples
    --------
    >>> x, y = [1e10, 1.0, -1e10], [1e10, 1.0, 1e10]
    >>> compensated_dot(x, y), float(np.dot(x, y))
    (1.0, 0.0)
    """
    a, b = _pair("compensated_dot", x, y)
    return float(_core.compensated_dot(a, b, integer("formats.compensated_dot", "k", k, 2, 64)))


def horner(coefficients: ArrayLike, x: float) -> float:
    """``c[0] + c[1] x + c[2] x^2 + ...`` by the compensated scheme of Horner, as if in doubled precision.

    Parameters
    ----------
    coefficients : array_like of one dimension, float32 or float64
    x : float

    Returns
    -------
    float

    Raises
    ------
    TypeError
        Another dtype.

    References
    ----------
    .. [1] S. Graillat, P. Langlois, N. Louvet, "Compensated Horner scheme" (2005).

    Examples
    --------
    >>> horner([-1.0, 5.0, -10.0, 10.0, -5.0, 1.0], 1 + 2.0**-8) == 2.0**-40  # (x - 1)^5
    True
    """
    c = _floats("horner", "coefficients", coefficients)
    return float(_core.horner(c, float(x)))


def two_sum(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rounded sum and its exact error: ``value + error == a + b``.

    Parameters
    ----------
    a, b : array_like, float32 or float64
        They broadcast.

    Returns
    -------
    value, error : ndarray
        The error is 0 where the sum is infinite.

    References
    ----------
    .. [1] D. Knuth, The Art of Computer Programming, vol. 2, section 4.2.2.

    Examples
    --------
    >>> value, error = two_sum(1.0, 2.0**-60)
    >>> float(value), float(error) == 2.0**-60
    (1.0, True)
    """
    return _transform("two_sum", a, b)


def two_prod(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rounded product and its exact error: ``value + error == a * b``.

    Parameters
    ----------
    a, b : array_like, float32 or float64
        They broadcast.

    Returns
    -------
    value, error : ndarray
        The error is 0 where the product is infinite.

    Notes
    -----
    Exact unless the error underflows (products below 2^-969, in float32 2^-102).

    Examples
    --------
    >>> value, error = two_prod(1 + 2.0**-30, 1 + 2.0**-30)
    >>> float(error) == 2.0**-60
    True
    """
    return _transform("two_prod", a, b)


def _transform(function: str, a: ArrayLike, b: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = np.broadcast_arrays(a, b)
    p, q = _pair(function, x, y)
    value, error = np.empty_like(p), np.empty_like(p)
    getattr(_core, function)(p, q, value, error)
    return value.reshape(x.shape), error.reshape(x.shape)
