"""Arrays whose every operation rounds to a format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, thread_count
from fewbits._core import formats as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import STOCHASTIC, options_of, wide

__all__ = ["Context", "EmulatedArray", "emulated", "fma"]

_MASK64: Final = (1 << 64) - 1
_NO_BITS: Final = np.empty(0, np.uint32)


class Context:
    """A format and how to compute in it.

    Parameters
    ----------
    format : str or FloatFormat
        Every result is a value of it.
    rounding, saturate, subnormal, nan, random_bits, variant, seed, exponent_limit, flush_inputs
        As for `round_to`.
    stream : int
        First stream of random bits; every operation takes the next ones.
    accumulate : str
        How a sum of products is taken, in index order: ``"per_op"`` (product and sum rounded), ``"fma"``
        (one rounding per multiply-add), ``"block"`` (`block_size` exact products and the accumulator added
        exactly, one rounding to `accumulator`; at the end one to the format), ``"wide"`` (multiply-adds with
        one rounding to `accumulator`, at the end one to the format), ``"exact"`` (one rounding in all).
    block_size : int
        For ``"block"``.
    accumulator : str or FloatFormat
        For ``"block"`` and ``"wide"``.
    summation : str
        Order of the terms of a sum: ``"index"``, or with ``"per_op"`` and ``"exact"`` also ``"pairwise"``:
        the first 2^k terms (the largest power of two below their number) and the rest, each by the same
        rule, then the two sums.

    Attributes
    ----------
    format : FloatFormat
    rounding, accumulate : str
    dtype : numpy.dtype
        float32 where it holds the format, else float64: the carrier of arrays.

    Raises
    ------
    ArgumentError
        Unknown names, values out of range.

    Examples
    --------
    >>> context = Context("bfloat16", accumulate="wide")
    >>> x = emulated([1.0, 2.0**-9, 2.0**-9, 2.0**-9], context)
    >>> (x @ [1, 1, 1, 1]).item(), x.sum().item()
    (1.0078125, 1.0)
    """

    __slots__ = (
        *("_core", "_flushes", "_options", "_stream", "_tables", "_tabulates"),
        *("accumulate", "dtype", "format", "rounding"),
    )

    def __init__(
        self,
        format: str | FloatFormat,
        *,
        rounding: str | None = None,
        saturate: str | None = None,
        subnormal: str = "gradual",
        nan: str = "keep",
        random_bits: int | None = None,
        variant: str = "c",
        seed: int | np.random.Generator = 0,
        stream: int = 0,
        exponent_limit: bool = True,
        flush_inputs: bool = False,
        accumulate: str = "per_op",
        block_size: int = 4,
        accumulator: str | FloatFormat = "float32",
        summation: str = "index",
    ) -> None:
        self.format = get(format)
        options, _ = options_of(
            "formats.Context",
            self.format,
            (),
            rounding=rounding,
            saturate=saturate,
            subnormal=subnormal,
            nan=nan,
            random_bits=random_bits,
            variant=variant,
            bits=None,
            seed=seed,
            stream=stream,
            first=0,
            exponent_limit=exponent_limit,
            flush_inputs=flush_inputs,
            threads=None,
        )
        how = choice("formats.Context", "accumulate", accumulate, _core.accumulates)
        size = integer("formats.Context", "block_size", block_size, 1, 1 << 30)
        pairwise = bool(choice("formats.Context", "summation", summation, _core.summations))
        if pairwise and accumulate not in ("per_op", "exact"):
            raise ArgumentError(
                f"formats.Context: summation must be 'index' with accumulate={accumulate!r}, got 'pairwise'"
            )
        self._core = _core.Context(self.format._core, options, how, size, get(accumulator)._core, pairwise)
        self._flushes = bool(flush_inputs)
        # Whether a function is the table of its results: by code, one result each, none of which raises.
        f = self.format
        self._tabulates = (
            0 < f.bits <= 16 and rounding not in STOCHASTIC and f.nan != "none" and nan == "keep"
        )
        self._tables: dict[str, NDArray[Any]] = {}
        self._options = options
        self._stream = int(stream)
        self.rounding = rounding if rounding is not None else "nearest_even"
        self.accumulate = accumulate
        self.dtype: np.dtype[Any] = np.dtype(np.float32 if self.format._core.fits_float32 else np.float64)

    def __repr__(self) -> str:
        return f"Context({self.format.name!r}, rounding={self.rounding!r}, accumulate={self.accumulate!r})"

    def _take(self, streams: int = 1) -> Any:
        """The context of the next operation, which gets its own streams of random bits."""
        taken = _core.at_stream(self._core, self._stream & _MASK64)
        self._stream += streams
        return taken

    def _round(self, x: Any) -> NDArray[Any]:
        """`x` rounded, as an array of the carrier."""
        array = as_numbers("formats.emulated", "x", x)
        flat = wide(array)
        if flat.dtype == np.float32:
            with np.errstate(invalid="ignore"):  # signalling nan
                flat = flat.astype(np.float64)
        out = np.empty(flat.size, np.float64)
        options = self._options
        if self._stream != 0:
            options = _core.options_at_stream(options, self._stream & _MASK64)
        self._stream += 1
        _core.round_to(flat, self.format._core, options, _NO_BITS, out)
        return out.astype(self.dtype).reshape(array.shape)


def _plain(x: Any) -> bool:
    return isinstance(x, int | float | np.integer | np.floating) and not isinstance(x, bool | np.bool_)


class EmulatedArray:
    """An array of values of a format; every operation on it rounds to the format. `emulated` makes it.

    Python and NumPy operators work where each result is one rounding: ``+ - * / **``, ``abs``, comparisons,
    ``@``, and of the functions of NumPy those that this class names in its documentation; `evaluate` knows
    more. Any other function raises TypeError: it would compute in double and round at its end.

    Plain numbers are constants and are rounded to the format; plain arrays and arrays of another format are
    refused: write the cast, ``emulated(x, context)``.

    Attributes
    ----------
    context : Context
    format : FloatFormat
    shape, ndim, size, dtype
        Those of `values`.

    Notes
    -----
    Functions of NumPy that are understood: add, subtract, multiply, divide, sqrt, square, negative,
    positive, absolute, fabs, maximum, minimum, comparisons, isnan, isinf, isfinite, signbit, matmul; exp,
    exp2, expm1, log, log2, log10, log1p, sin, cos, tan, sinh, cosh, tanh and their inverses, arctan2, cbrt,
    power, hypot, floor, ceil, trunc, rint, fmod, fmax, fmin, copysign, nextafter, frexp, ldexp, modf,
    correctly rounded by `evaluate`; sum, prod, mean, max, min, argmax, argmin, dot, vdot, inner, outer,
    trace; reshape, ravel, transpose, squeeze, expand_dims, broadcast_to, concatenate, stack, copy, diag,
    where, zeros_like, ones_like, flip, tril, triu, shape, ndim, size. Sums and products go in index order
    along the axis, one rounding each.

    Examples
    --------
    >>> x = emulated([0.1, 0.2, 0.3], "float8_e5m2")
    >>> x + 1
    EmulatedArray([1.  , 1.25, 1.25], 'float8_e5m2')
    >>> np.sqrt(x).values.tolist()
    [0.3125, 0.4375, 0.5]
    >>> np.exp(x).values.tolist()
    [1.0, 1.25, 1.25]
    >>> np.deg2rad(x)
    Traceback (most recent call last):
    TypeError: EmulatedArray: numpy.deg2rad is not one rounding of the format; call it on .values and cast it
    """

    __slots__ = ("_values", "context")
    __array_priority__ = 1000

    def __init__(self, values: NDArray[Any], context: Context) -> None:
        # Trusted: `values` are of the format and the carrier; elements of arrays are scalars.
        self._values = np.asarray(values)
        self.context = context

    # ---- what it is ----
    @property
    def values(self) -> NDArray[Any]:
        """The values, exactly, as a read-only view of float32 or float64."""
        view = self._values.view()
        view.flags.writeable = False
        return view

    @property
    def format(self) -> FloatFormat:
        return self.context.format

    @property
    def shape(self) -> tuple[int, ...]:
        return self._values.shape

    @property
    def ndim(self) -> int:
        return self._values.ndim

    @property
    def size(self) -> int:
        return self._values.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._values.dtype

    @property
    def T(self) -> EmulatedArray:
        return EmulatedArray(self._values.T, self.context)

    def __repr__(self) -> str:
        text = np.array2string(self._values, separator=", ", prefix="EmulatedArray(")
        return f"EmulatedArray({text}, {self.format.name!r})"

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[EmulatedArray]:
        return (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        return float(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def item(self) -> float:
        """The one value of an array of size 1."""
        return float(self._values.item())

    def tolist(self) -> Any:
        return self._values.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        array = self._values if dtype is None else self._values.astype(dtype)
        return array.copy() if copy or array is self._values else array

    def __getitem__(self, index: Any) -> EmulatedArray:
        return EmulatedArray(np.asarray(self._values[index]), self.context)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._values[index] = self._operand("assignment", value)

    def copy(self) -> EmulatedArray:
        return EmulatedArray(self._values.copy(), self.context)

    def reshape(self, *shape: Any) -> EmulatedArray:
        return EmulatedArray(self._values.reshape(*shape), self.context)

    def astype(self, format: str | FloatFormat | Context, **options: Any) -> EmulatedArray:
        """The values rounded to another format: the cast between formats."""
        return emulated(self._values, format, **options)

    # ---- arithmetic ----
    def _operand(self, function: str, x: Any) -> NDArray[Any]:
        """`x` as values of this format."""
        if isinstance(x, EmulatedArray):
            if x.format != self.format:
                raise TypeError(
                    f"EmulatedArray: {function} needs operands of one format, got {self.format.name!r} and "
                    f"{x.format.name!r}; cast one with astype"
                )
            return x._values
        if _plain(x):
            return self.context._round(x)
        if isinstance(x, list | tuple):
            return self.context._round(x)
        raise TypeError(
            f"EmulatedArray: {function} needs numbers or arrays of format {self.format.name!r}, got "
            f"{type(x).__name__}; cast with emulated"
        )

    def _new(self, shape: tuple[int, ...]) -> NDArray[Any]:
        return np.empty(shape, self.dtype)

    def _binary(self, operation: str, a: Any, b: Any) -> EmulatedArray:
        left, right = np.broadcast_arrays(self._operand(operation, a), self._operand(operation, b))
        out = self._new(left.shape)
        _core.operation(
            self.context._take(),
            _core.operations.index(operation),
            np.ascontiguousarray(left).reshape(-1),
            np.ascontiguousarray(right).reshape(-1),
            out.reshape(-1),
        )
        return EmulatedArray(out, self.context)

    def __add__(self, other: Any) -> EmulatedArray:
        return self._binary("add", self, other)

    def __radd__(self, other: Any) -> EmulatedArray:
        return self._binary("add", other, self)

    def __sub__(self, other: Any) -> EmulatedArray:
        return self._binary("subtract", self, other)

    def __rsub__(self, other: Any) -> EmulatedArray:
        return self._binary("subtract", other, self)

    def __mul__(self, other: Any) -> EmulatedArray:
        return self._binary("multiply", self, other)

    def __rmul__(self, other: Any) -> EmulatedArray:
        return self._binary("multiply", other, self)

    def __truediv__(self, other: Any) -> EmulatedArray:
        return self._binary("divide", self, other)

    def __rtruediv__(self, other: Any) -> EmulatedArray:
        return self._binary("divide", other, self)

    def __pow__(self, exponent: Any) -> EmulatedArray:
        if _plain(exponent) and exponent == 2:
            return self * self
        return self._evaluated("pow", self, exponent)

    def __rpow__(self, base: Any) -> EmulatedArray:
        return self._evaluated("pow", base, self)

    def _evaluated(self, function: str, *operands: Any) -> EmulatedArray:
        from fewbits.formats._functions import _evaluate  # which builds on this class

        return _evaluate(function, self, operands)

    def __neg__(self) -> EmulatedArray:
        f = self.format
        if f.is_signed and f.has_neg_zero:
            return EmulatedArray(-self._values, self.context)
        return EmulatedArray(self.context._round(-self._values), self.context)

    def __pos__(self) -> EmulatedArray:
        return self.copy()

    def __abs__(self) -> EmulatedArray:
        f = self.format
        if f.is_fixed:
            return EmulatedArray(self.context._round(np.abs(self._values)), self.context)
        return EmulatedArray(np.abs(self._values), self.context)

    def sqrt(self) -> EmulatedArray:
        """Correctly rounded square roots."""
        out = self._new(self.shape)
        flat = np.ascontiguousarray(self._values).reshape(-1)
        _core.square_root(self.context._take(), flat, out.reshape(-1))
        return EmulatedArray(out, self.context)

    def __matmul__(self, other: Any) -> EmulatedArray:
        return self._matmul(self, other)

    def __rmatmul__(self, other: Any) -> EmulatedArray:
        return self._matmul(other, self)

    def _matmul(self, a: Any, b: Any, threads: int | None = None) -> EmulatedArray:
        left, right = self._operand("matmul", a), self._operand("matmul", b)
        if left.ndim not in (1, 2) or right.ndim not in (1, 2):
            raise ArgumentError(
                f"formats.matmul: operands must have one or two dimensions, got {left.ndim} and {right.ndim}"
            )
        rows = left if left.ndim == 2 else left.reshape(1, -1)
        columns = right if right.ndim == 2 else right.reshape(-1, 1)
        (m, k), (depth, n) = rows.shape, columns.shape
        if k != depth:
            raise ArgumentError(
                f"formats.matmul: inner dimensions must agree, got shapes {left.shape} and {right.shape}"
            )
        out = self._new((m, n))
        if n == 1 and self.format.precision < 24:
            # The same sums as one row, whose elements stand side by side: pays where operations round.
            rows, columns, m, n = columns.reshape(1, -1), np.ascontiguousarray(rows.T), n, m
        _core.gemm(
            self.context._take(m * n),
            m,
            n,
            k,
            np.ascontiguousarray(rows).reshape(-1),
            np.ascontiguousarray(columns).reshape(-1),
            out.reshape(-1),
            False,
            thread_count("formats.matmul", threads),
        )
        shape = (*left.shape[:-1], *right.shape[1:])
        return EmulatedArray(out.reshape(shape), self.context)

    def dot(self, other: Any) -> EmulatedArray:
        """The same as ``self @ other``."""
        return self._matmul(self, other)

    def _reduce(self, product: bool, axis: Any, keepdims: bool) -> EmulatedArray:
        name = "prod" if product else "sum"
        values = self._values
        if axis is None:
            flat, shape = values.reshape(1, -1, 1), (1,) * values.ndim if keepdims else ()
        else:
            at = integer(f"formats.{name}", "axis", axis, -values.ndim, values.ndim - 1) % values.ndim
            outer = int(np.prod(values.shape[:at]))
            inner = int(np.prod(values.shape[at + 1 :]))
            flat = values.reshape(outer, values.shape[at], inner)
            middle = (1,) if keepdims else ()
            shape = (*values.shape[:at], *middle, *values.shape[at + 1 :])
        outer, length, inner = flat.shape
        out = self._new((outer * inner,))
        contiguous = np.ascontiguousarray(flat).reshape(-1)
        _core.reduce(self.context._take(outer * inner), product, contiguous, outer, length, inner, out)
        return EmulatedArray(out.reshape(shape), self.context)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> EmulatedArray:
        """Sums in index order, each addition rounded."""
        return self._reduce(False, axis, keepdims)

    def prod(self, axis: int | None = None, keepdims: bool = False) -> EmulatedArray:
        """Products in index order, each multiplication rounded."""
        return self._reduce(True, axis, keepdims)

    def mean(self, axis: int | None = None, keepdims: bool = False) -> EmulatedArray:
        """The rounded sum divided by the rounded count."""
        count = self.size if axis is None else self.shape[axis]
        return self.sum(axis, keepdims) / count

    def max(self, axis: int | None = None, keepdims: bool = False) -> EmulatedArray:
        return EmulatedArray(np.asarray(self._values.max(axis=axis, keepdims=keepdims)), self.context)

    def min(self, axis: int | None = None, keepdims: bool = False) -> EmulatedArray:
        return EmulatedArray(np.asarray(self._values.min(axis=axis, keepdims=keepdims)), self.context)

    # ---- comparisons: plain booleans; constants are compared as they are ----
    def _comparand(self, other: Any) -> Any:
        return other if _plain(other) else self._operand("comparison", other)

    def __eq__(self, other: object) -> Any:
        return self._values == self._comparand(other)

    def __ne__(self, other: object) -> Any:
        return self._values != self._comparand(other)

    def __lt__(self, other: Any) -> Any:
        return self._values < self._comparand(other)

    def __le__(self, other: Any) -> Any:
        return self._values <= self._comparand(other)

    def __gt__(self, other: Any) -> Any:
        return self._values > self._comparand(other)

    def __ge__(self, other: Any) -> Any:
        return self._values >= self._comparand(other)

    __hash__ = None  # type: ignore[assignment]

    # ---- NumPy ----
    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        if method == "reduce" and ufunc in _REDUCTIONS and out is None:
            kwargs.pop("dtype", None)
            return _REDUCTIONS[ufunc](inputs[0], kwargs.pop("axis", 0), bool(kwargs.pop("keepdims", False)))
        if method != "__call__" or kwargs or ufunc not in _UFUNCS:
            what = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            if kwargs and ufunc in _UFUNCS:
                what += f" with {', '.join(kwargs)}"
            raise TypeError(
                f"EmulatedArray: numpy.{what} is not one rounding of the format; call it on .values and "
                "cast it"
            )
        result = _UFUNCS[ufunc](self, *inputs)
        if out is None:
            return result
        (target,) = out
        if not isinstance(target, EmulatedArray) or not isinstance(result, EmulatedArray):
            raise TypeError(f"EmulatedArray: out of numpy.{ufunc.__name__} must be an EmulatedArray")
        target[...] = result
        return target

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        if function not in _FUNCTIONS:
            raise TypeError(
                f"EmulatedArray: numpy.{function.__name__} is not one rounding of the format; call it on "
                ".values and cast it"
            )
        return _FUNCTIONS[function](self, *args, **kwargs)


def _on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that moves values about, or answers without arithmetic."""

    def wrapped(self: EmulatedArray, *args: Any, **kwargs: Any) -> Any:
        def strip(x: Any) -> Any:
            if isinstance(x, EmulatedArray):
                return self._operand(function.__name__, x)
            return type(x)(strip(e) for e in x) if isinstance(x, list | tuple) else x

        result = function(*(strip(x) for x in args), **{k: strip(v) for k, v in kwargs.items()})
        if isinstance(result, np.ndarray | np.floating) and result.dtype == self.dtype:
            return EmulatedArray(np.asarray(result), self.context)
        return result

    return wrapped


def _compare(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda self, a, b: ufunc(self._comparand(a), self._comparand(b))


def _select(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda self, a, b: EmulatedArray(
        np.asarray(ufunc(self._operand(ufunc.__name__, a), self._operand(ufunc.__name__, b))), self.context
    )


def _evaluated(name: str) -> Callable[..., Any]:
    return lambda self, *operands: self._evaluated(name, *operands)


def _by_functions(name: str) -> Callable[..., Any]:
    def call(self: EmulatedArray, *operands: Any) -> Any:
        from fewbits.formats import _functions

        return getattr(_functions, name)(*operands)

    return call


def _method(name: str) -> Callable[..., Any]:
    return lambda self, x, *args, **kwargs: getattr(x, name)(*args, **kwargs)


_UFUNCS: Final[dict[np.ufunc, Callable[..., Any]]] = {
    np.add: lambda self, a, b: self._binary("add", a, b),
    np.subtract: lambda self, a, b: self._binary("subtract", a, b),
    np.multiply: lambda self, a, b: self._binary("multiply", a, b),
    np.divide: lambda self, a, b: self._binary("divide", a, b),
    np.matmul: lambda self, a, b: self._matmul(a, b),
    np.sqrt: lambda self, x: x.sqrt(),
    np.square: lambda self, x: x * x,
    np.negative: lambda self, x: -x,
    np.positive: lambda self, x: +x,
    np.absolute: lambda self, x: abs(x),
    np.fabs: lambda self, x: abs(x),
    **{
        getattr(np, name): _evaluated(name)
        for name in (
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh"),
            *("tanh", "cbrt", "hypot"),
            *("floor", "ceil", "trunc", "rint", "fmod", "fmax", "fmin", "copysign", "nextafter"),
        )
    },
    **{
        getattr(np, f"arc{name}"): _evaluated(f"a{name}")
        for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")
    },
    np.power: lambda self, x, y: x**y if isinstance(x, EmulatedArray) else self._evaluated("pow", x, y),
    **{getattr(np, name): _by_functions(name) for name in ("frexp", "ldexp", "modf")},
    **{u: _select(u) for u in (np.maximum, np.minimum)},
    **{
        u: _compare(u) for u in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
    },
    **{u: _on_values(u) for u in (np.isnan, np.isinf, np.isfinite, np.signbit)},
}
_REDUCTIONS: Final[dict[np.ufunc, Callable[[EmulatedArray, Any, bool], EmulatedArray]]] = {
    np.add: lambda x, axis, keep: x.sum(axis, keep),
    np.multiply: lambda x, axis, keep: x.prod(axis, keep),
    np.maximum: lambda x, axis, keep: x.max(axis, keep),
    np.minimum: lambda x, axis, keep: x.min(axis, keep),
}
_MOVES: Final = (
    np.reshape,
    np.ravel,
    np.transpose,
    np.squeeze,
    np.expand_dims,
    np.broadcast_to,
    np.concatenate,
    np.stack,
    np.copy,
    np.diag,
    np.where,
    np.zeros_like,
    np.ones_like,
    np.flip,
    np.tril,
    np.triu,
    np.argmax,
    np.argmin,
    np.shape,
    np.ndim,
    np.size,
)
_FUNCTIONS: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    **{f: _on_values(f) for f in _MOVES},
    np.sum: _method("sum"),
    np.prod: _method("prod"),
    np.mean: _method("mean"),
    np.max: _method("max"),
    np.min: _method("min"),
    np.amax: _method("max"),
    np.amin: _method("min"),
    np.trace: lambda self, x: EmulatedArray(np.diag(x._values).copy(), x.context).sum(),
    np.dot: lambda self, a, b: self._matmul(a, b),
    np.vdot: lambda self, a, b: self._matmul(np.ravel(a), np.ravel(b)),
    np.inner: lambda self, a, b: self._matmul(a, b.T if b.ndim > 1 else b),
    np.outer: lambda self, a, b: self._binary("multiply", np.ravel(a).reshape(-1, 1), np.ravel(b)),
}


def emulated(
    x: ArrayLike | EmulatedArray, format: str | FloatFormat | Context, **options: Any
) -> EmulatedArray:
    """`x` rounded to a format, as an array whose every operation rounds to it.

    Parameters
    ----------
    x : array_like or EmulatedArray, any shape
        Real numbers.
    format : str, FloatFormat or Context
        Arrays that compute with one another need one format; the context of the left operand says how.
    **options
        For a name or format: the arguments of `Context`.

    Returns
    -------
    EmulatedArray, shape of `x`

    Raises
    ------
    ArgumentError
        As `round_to`, and for options beside a context.

    Notes
    -----
    Exact: every result is the exact one rounded once, in every mode. Random bits depend on seed, stream and
    the order of operations of a context alone.

    References
    ----------
    .. [1] S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
       rounding to odd", IEEE Trans. Computers 57 (2008).

    Examples
    --------
    >>> a = emulated([[1.0, 0.5], [0.25, 3.0]], "float8_e4m3fn", rounding="toward_negative")
    >>> (a / 3).tolist()
    [[0.3125, 0.15625], [0.078125, 1.0]]
    """
    if isinstance(format, Context):
        if options:
            raise ArgumentError(f"formats.emulated: {', '.join(options)} must be given to the context")
        context = format
    else:
        context = Context(format, **options)
    if isinstance(x, EmulatedArray):
        x = x._values
    return EmulatedArray(context._round(x), context)


def fma(a: EmulatedArray, b: Any, c: Any) -> EmulatedArray:
    """``a * b + c`` with one rounding.

    Parameters
    ----------
    a : EmulatedArray
    b, c : EmulatedArray or number
        Of the format of `a`; shapes broadcast.

    Returns
    -------
    EmulatedArray

    Raises
    ------
    TypeError
        `a` is no EmulatedArray, or the formats differ.

    Notes
    -----
    Exact in every mode. Through float32 it would not be, as the example shows:

    >>> half = lambda code: emulated(decode(np.uint16(code), "float16"), "float16")
    >>> hex(encode(fma(half(0x3de0), half(0x3e60), half(0x0001)).values, "float16"))
    '0x40af'
    >>> a, b, c = (half(code).values for code in (0x3de0, 0x3e60, 0x0001))
    >>> hex(encode(np.float32(a * b + c), "float16"))
    '0x40ae'
    """
    if not isinstance(a, EmulatedArray):
        raise TypeError(f"formats.fma: a must be an EmulatedArray, got {type(a).__name__}")
    arrays = np.broadcast_arrays(*(a._operand("fma", x) for x in (a, b, c)))
    x, y, z = (np.ascontiguousarray(v).reshape(-1) for v in arrays)
    out = a._new(cast(Any, arrays[0]).shape)
    _core.fused_multiply_add(a.context._take(), x, y, z, out.reshape(-1))
    return EmulatedArray(out, a.context)
