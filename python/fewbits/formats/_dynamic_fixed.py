"""Dynamic fixed point: tensors of integers that share one exponent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fewbits._arguments import choice, integer, seed_value, thread_count
from fewbits._core import formats as _core
from fewbits._interop import as_numbers
from fewbits.errors import ArgumentError
from fewbits.formats._rounding import wide

__all__ = [
    "DfpTensor",
    "dfp_add",
    "dfp_compare",
    "dfp_conv2d",
    "dfp_conv2d_backward_data",
    "dfp_conv2d_backward_weights",
    "dfp_dequantize",
    "dfp_downconvert",
    "dfp_gemm",
    "dfp_gemv",
    "dfp_maximum",
    "dfp_mul",
    "dfp_quantize",
    "dfp_relu",
    "safe_chain",
]

_ROUNDINGS: Final = ("nearest_even", "toward_zero", "stochastic")
_MASK64: Final = (1 << 64) - 1
_LIMIT: Final = _core.dfp_exponent_limit


def _storage(bits: int) -> np.dtype[Any]:
    """The narrowest type of so many bits."""
    return np.dtype(next(f"i{size}" for size in (1, 2, 4, 8) if bits <= 8 * size))


def _options(function: str, rounding: str, seed: int | np.random.Generator, stream: int) -> Any:
    choice(function, "rounding", rounding, _ROUNDINGS)
    number = seed_value(function, seed)
    if number != 0 and rounding != "stochastic":
        raise ArgumentError(
            f"{function}: seed must not be given with the deterministic rounding {rounding!r}"
        )
    mode = _core.roundings.index(rounding)
    draws = integer(function, "stream", stream, 0, _MASK64)
    return _core.options(mode, 0, 0, 0, 0, number, draws, 0, 0, True, False, 1)


class DfpTensor:
    """Integers of a few bits with one exponent for all: the values are ``integers * 2**exponent``.

    Parameters
    ----------
    integers : array_like of integers
    exponent : int
    bits : int, 2 to 64
        Bits of an integer, its sign included; all are at most ``2**(bits - 1) - 1`` in magnitude. Default:
        those of the type of an array; 8, 16, 32 or 64 for a list, as it needs.

    Attributes
    ----------
    integers : ndarray of int8, int16, int32 or int64
        The narrowest type of `bits`; read-only.
    exponent, bits : int

    Raises
    ------
    ArgumentError
        Integers of more bits, bits or exponent out of range.
    TypeError
        No integers.

    Notes
    -----
    ``a + b``, ``a - b``, ``a * b`` and ``a @ b`` are `dfp_add`, `dfp_mul`, `dfp_gemm` and `dfp_gemv`;
    comparisons are exact. Immutable.

    References
    ----------
    .. [1] D. Das et al., "Mixed Precision Training of Convolutional Neural Networks using Integer
       Operations", arXiv:1802.00930.

    Examples
    --------
    >>> x = DfpTensor([3, -1], -1)
    >>> x.dequantize().tolist(), (x + x).dequantize().tolist(), (x > DfpTensor([1, 0], 0)).tolist()
    ([1.5, -0.5], [3.0, -1.0], [True, False])
    """

    __slots__ = ("bits", "exponent", "integers", "largest")

    integers: NDArray[Any]
    exponent: int
    bits: int
    largest: int
    """The largest magnitude of an integer."""

    def __init__(self, integers: ArrayLike, exponent: int, bits: int | None = None) -> None:
        function = "formats.DfpTensor"
        array = np.asarray(integers)
        if array.dtype.kind not in "iu" and array.size:
            raise TypeError(f"{function}: integers must have an integer dtype, got {array.dtype}")
        largest = max(int(array.max()), -int(array.min())) if array.size else 0
        if bits is None:
            needed = 8 * _storage(largest.bit_length() + 1).itemsize if largest < 1 << 63 else 64
            bits = 8 * array.dtype.itemsize if isinstance(integers, np.ndarray) else needed
        size = integer(function, "bits", bits, 2, 64)
        limit = (1 << (size - 1)) - 1
        if largest > limit:
            raise ArgumentError(f"{function}: integers must be in {-limit}..{limit}, got {largest}")
        # A copy: the caller may go on writing to his own.
        stored = np.array(array, _storage(size), order="C")
        self._set(stored, integer(function, "exponent", exponent, -_LIMIT, _LIMIT), size, largest)

    def _set(self, integers: NDArray[Any], exponent: int, bits: int, largest: int) -> None:
        integers.flags.writeable = False
        for name, value in (
            ("integers", integers),
            ("exponent", exponent),
            ("bits", bits),
            ("largest", largest),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def _of(cls, integers: NDArray[Any], exponent: int, bits: int) -> DfpTensor:
        """Of a fresh array that is known to be right."""
        self = cls.__new__(cls)
        self._set(integers, exponent, bits, _core.dfp_largest(integers.reshape(-1)))
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"DfpTensor is immutable: {name} cannot be set")

    def __reduce__(self) -> tuple[Any, ...]:
        return (DfpTensor, (self.integers, self.exponent, self.bits))

    def __repr__(self) -> str:
        return f"DfpTensor({self.integers.tolist()!r}, {self.exponent}, bits={self.bits})"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    @property
    def ndim(self) -> int:
        return self.integers.ndim

    @property
    def size(self) -> int:
        return self.integers.size

    @property
    def T(self) -> DfpTensor:
        return self._with(self.integers.T)

    def _with(self, integers: NDArray[Any]) -> DfpTensor:
        """Other integers of this tensor: their largest is at most the same."""
        self_like = DfpTensor.__new__(DfpTensor)
        self_like._set(np.array(integers, order="C"), self.exponent, self.bits, self.largest)
        return self_like

    def reshape(self, *shape: Any) -> DfpTensor:
        return self._with(self.integers.reshape(*shape))

    def transpose(self, *axes: Any) -> DfpTensor:
        return self._with(self.integers.transpose(*axes))

    def __getitem__(self, index: Any) -> DfpTensor:
        return self._with(np.asarray(self.integers[index]))

    def max(self, axis: int | tuple[int, ...] | None = None) -> DfpTensor:
        """The largest value along `axis`: max-pooling, with integers as they are."""
        return self._with(np.asarray(self.integers.max(axis=axis)))

    def dequantize(self, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """`dfp_dequantize` of this tensor."""
        return dfp_dequantize(self, dtype=dtype)

    def downconvert(self, bits: int) -> DfpTensor:
        """`dfp_downconvert` of this tensor, to nearest even."""
        return dfp_downconvert(self, bits)

    def __neg__(self) -> DfpTensor:
        return self._with(-self.integers)

    def __add__(self, other: DfpTensor) -> DfpTensor:
        return dfp_add(self, other) if isinstance(other, DfpTensor) else NotImplemented

    def __sub__(self, other: DfpTensor) -> DfpTensor:
        return dfp_add(self, -other) if isinstance(other, DfpTensor) else NotImplemented

    def __mul__(self, other: DfpTensor) -> DfpTensor:
        return dfp_mul(self, other) if isinstance(other, DfpTensor) else NotImplemented

    def __matmul__(self, other: DfpTensor) -> NDArray[np.float32]:
        if not isinstance(other, DfpTensor):
            return NotImplemented
        result = (dfp_gemv if other.ndim == 1 else dfp_gemm)(self, other)
        assert isinstance(result, np.ndarray)
        return result

    def _order(self, other: Any) -> NDArray[np.int8] | None:
        return dfp_compare(self, other) if isinstance(other, DfpTensor) else None

    def __lt__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order < 0

    def __le__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order <= 0

    def __gt__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order > 0

    def __ge__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order >= 0

    def __eq__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order == 0

    def __ne__(self, other: Any) -> Any:
        order = self._order(other)
        return NotImplemented if order is None else order != 0

    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # NumPy leaves operators to this class


def _tensor(function: str, name: str, x: Any, most: int = 64) -> DfpTensor:
    if not isinstance(x, DfpTensor):
        raise TypeError(f"{function}: {name} must be a DfpTensor, got {type(x).__name__}")
    if x.bits > most:
        raise ArgumentError(f"{function}: {name} must have at most {most} bits, got {x.bits}")
    return x


def _flat(x: DfpTensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    return x.integers.astype(dtype, copy=False).reshape(-1)


def _pair(
    function: str, a: Any, b: Any, most: int
) -> tuple[DfpTensor, DfpTensor, NDArray[Any], NDArray[Any], tuple[int, ...]]:
    """Both tensors, their integers broadcast and of one type, and the shape."""
    p, q = _tensor(function, "a", a, most), _tensor(function, "b", b, most)
    dtype = _storage(max(p.bits, q.bits))
    try:
        x, y = np.broadcast_arrays(p.integers, q.integers)
    except ValueError:
        raise ArgumentError(
            f"{function}: a and b must have shapes that broadcast, got {p.shape} and {q.shape}"
        ) from None
    left = np.ascontiguousarray(x, dtype).reshape(-1)
    return p, q, left, np.ascontiguousarray(y, dtype).reshape(-1), x.shape


def dfp_quantize(
    x: ArrayLike,
    bits: int = 16,
    *,
    rounding: str = "nearest_even",
    seed: int | np.random.Generator = 0,
    stream: int = 0,
) -> DfpTensor:
    """Dynamic fixed point of `x`: ``exponent = floor(log2 max|x|) - (bits - 2)``.

    Parameters
    ----------
    x : array_like, any shape, floats or integers up to 2^53
    bits : int, 2 to 32
        Of each integer, its sign included.
    rounding : {"nearest_even", "toward_zero", "stochastic"}
    seed : int or numpy.random.Generator
        For ``"stochastic"``: element i reads draw i of the stream.
    stream : int

    Returns
    -------
    DfpTensor, shape of `x`
        int8, int16 or int32, the narrowest of `bits`.

    Raises
    ------
    ArgumentError
        Infinity or NaN, values out of range.
    TypeError
        `x` is of another dtype.

    Notes
    -----
    Exact: each value rounded once. What rounds to ``2**(bits - 1)`` is clipped to the integer below. A tensor
    of zeros has the exponent 0.

    References
    ----------
    .. [1] D. Das et al., arXiv:1802.00930, section 3.

    Examples
    --------
    >>> dfp_quantize([3.0, -1.5, 0.1, 1e-5])
    DfpTensor([24576, -12288, 819, 0], -13, bits=16)
    >>> dfp_quantize([3.0, -1.5, 0.1, 1e-5], 8)
    DfpTensor([96, -48, 3, 0], -5, bits=8)
    """
    function = "formats.dfp_quantize"
    array = as_numbers(function, "x", x)
    size = integer(function, "bits", bits, 2, 32)
    options = _options(function, rounding, seed, stream)
    if array.dtype.kind in "iu":
        if array.size and max(int(array.max()), -int(array.min())) > 1 << 53:
            raise ArgumentError(f"{function}: x must hold integers up to 2^53")
        array = array.astype(np.float64)
    integers = np.empty(array.shape, _storage(size))
    exponent = _core.dfp_quantize(wide(array), size, options, integers.reshape(-1))
    return DfpTensor._of(integers, exponent, size)


def dfp_dequantize(x: DfpTensor, *, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """The values, to nearest even where `dtype` lacks the bits or the range.

    Parameters
    ----------
    x : DfpTensor
    dtype : float32 or float64

    Returns
    -------
    ndarray, shape of `x`

    Raises
    ------
    ArgumentError
        Another dtype.
    TypeError
        `x` is no DfpTensor.

    Examples
    --------
    >>> dfp_dequantize(DfpTensor([3, -4], -2)).tolist()
    [0.75, -1.0]
    """
    function = "formats.dfp_dequantize"
    tensor = _tensor(function, "x", x)
    wanted = np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(f"{function}: dtype must be float32 or float64, got {wanted}")
    out = np.empty(tensor.shape, wanted)
    _core.dfp_dequantize(tensor.integers.reshape(-1), tensor.exponent, out.reshape(-1))
    return out


def dfp_downconvert(
    x: DfpTensor,
    bits: int = 16,
    *,
    rounding: str = "nearest_even",
    seed: int | np.random.Generator = 0,
    stream: int = 0,
) -> DfpTensor:
    """Fewer bits: all integers shifted right by what the largest needs, the exponent raised by as much.

    Parameters
    ----------
    x : DfpTensor
    bits : int, 2 to 32
    rounding, seed, stream
        As for `dfp_quantize`.

    Returns
    -------
    DfpTensor, shape of `x`

    Raises
    ------
    ArgumentError
        Values out of range.
    TypeError
        `x` is no DfpTensor.

    Examples
    --------
    >>> dfp_downconvert(DfpTensor([1000, -37], 0, bits=16), 8)
    DfpTensor([125, -5], 3, bits=8)
    """
    function = "formats.dfp_downconvert"
    tensor = _tensor(function, "x", x)
    size = integer(function, "bits", bits, 2, 32)
    options = _options(function, rounding, seed, stream)
    out = np.empty(tensor.shape, _storage(size))
    exponent = _core.dfp_downconvert(
        tensor.integers.reshape(-1), tensor.exponent, size, options, out.reshape(-1)
    )
    return DfpTensor._of(out, exponent, size)


def dfp_add(
    a: DfpTensor,
    b: DfpTensor,
    *,
    bits: int | None = None,
    rounding: str = "nearest_even",
    seed: int | np.random.Generator = 0,
    stream: int = 0,
) -> DfpTensor:
    """The sum at the larger exponent, or at one more where a sum has no room.

    Parameters
    ----------
    a, b : DfpTensor of at most 32 bits
        Their shapes broadcast.
    bits : int
        Of the result; default the larger of both, and at least that.
    rounding, seed, stream
        As for `dfp_quantize`.

    Returns
    -------
    DfpTensor

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, values out of range.
    TypeError
        No DfpTensor.

    Notes
    -----
    The exact sum is rounded once; what then rounds past the range is clipped. A tensor of zeros takes the
    exponent of the other.

    Examples
    --------
    >>> dfp_add(DfpTensor([100, 3], 0, bits=8), DfpTensor([100, 3], -1, bits=8))
    DfpTensor([75, 2], 1, bits=8)
    """
    function = "formats.dfp_add"
    p, q, x, y, shape = _pair(function, a, b, 32)
    size = max(p.bits, q.bits)
    if bits is not None:
        size = integer(function, "bits", bits, size, 32)
        x, y = x.astype(_storage(size), copy=False), y.astype(_storage(size), copy=False)
    out = np.empty(shape, _storage(size))
    options = _options(function, rounding, seed, stream)
    exponent = _core.dfp_add(x, p.exponent, y, q.exponent, size, options, out.reshape(-1))
    return DfpTensor._of(out, exponent, size)


def dfp_mul(a: DfpTensor, b: DfpTensor) -> DfpTensor:
    """The exact products: integers multiply, exponents add.

    Parameters
    ----------
    a, b : DfpTensor of at most 32 bits
        Their shapes broadcast.

    Returns
    -------
    DfpTensor of ``a.bits + b.bits - 1`` bits
        `dfp_downconvert` makes them fewer.

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, more bits.
    TypeError
        No DfpTensor.

    Examples
    --------
    >>> dfp_mul(DfpTensor([100, -3], -2, bits=8), DfpTensor([50, 7], 1, bits=8))
    DfpTensor([5000, -21], -1, bits=15)
    """
    function = "formats.dfp_mul"
    p, q, x, y, shape = _pair(function, a, b, 32)
    out = np.empty(shape, f"i{2 * x.dtype.itemsize}")
    _core.dfp_mul(x, y, out.reshape(-1))
    size = p.bits + q.bits - 1
    return DfpTensor._of(out.astype(_storage(size), copy=False), p.exponent + q.exponent, size)


def dfp_compare(a: DfpTensor, b: DfpTensor) -> NDArray[np.int8]:
    """-1, 0 or 1 as a value of `a` is below, at or above that of `b`; exact, whatever the exponents.

    Parameters
    ----------
    a, b : DfpTensor
        Their shapes broadcast.

    Returns
    -------
    ndarray of int8

    Raises
    ------
    ArgumentError, TypeError
        As for `dfp_mul`.

    Examples
    --------
    >>> dfp_compare(DfpTensor([1, 5], 3), DfpTensor([8, 39], 0)).tolist()
    [0, 1]
    """
    p, q, x, y, shape = _pair("formats.dfp_compare", a, b, 64)
    out = np.empty(shape, np.int8)
    _core.dfp_compare(x, p.exponent, y, q.exponent, out.reshape(-1))
    return out


def dfp_maximum(
    a: DfpTensor,
    b: DfpTensor,
    *,
    rounding: str = "nearest_even",
    seed: int | np.random.Generator = 0,
    stream: int = 0,
) -> DfpTensor:
    """The larger of both at the larger exponent, chosen exactly and then rounded.

    Parameters
    ----------
    a, b : DfpTensor of at most 32 bits
        Their shapes broadcast.
    rounding, seed, stream
        As for `dfp_quantize`.

    Returns
    -------
    DfpTensor

    Raises
    ------
    ArgumentError, TypeError
        As for `dfp_add`.

    Examples
    --------
    >>> dfp_maximum(DfpTensor([1, 5], 3), DfpTensor([9, 50], 0)).dequantize().tolist()
    [8.0, 48.0]
    """
    function = "formats.dfp_maximum"
    p, q, x, y, shape = _pair(function, a, b, 32)
    options = _options(function, rounding, seed, stream)
    out = np.empty(shape, x.dtype)
    exponent = _core.dfp_maximum(x, p.exponent, y, q.exponent, options, out.reshape(-1))
    return DfpTensor._of(out, exponent, max(p.bits, q.bits))


def dfp_relu(x: DfpTensor) -> DfpTensor:
    """``max(x, 0)``, with integers as they are.

    Parameters
    ----------
    x : DfpTensor

    Returns
    -------
    DfpTensor

    Examples
    --------
    >>> dfp_relu(DfpTensor([3, -4], -2, bits=8))
    DfpTensor([3, 0], -2, bits=8)
    """
    tensor = _tensor("formats.dfp_relu", "x", x)
    out = np.empty_like(tensor.integers)
    _core.dfp_relu(tensor.integers.reshape(-1), out.reshape(-1))
    return DfpTensor._of(out, tensor.exponent, tensor.bits)


def safe_chain(a: DfpTensor | int, b: DfpTensor | int) -> int:
    """How many products of integers of `a` and `b` one int32 takes without overflow.

    Parameters
    ----------
    a, b : DfpTensor or int
        An integer stands for the largest magnitude.

    Returns
    -------
    int
        The largest L with ``L * max|a| * max|b| <= 2**31 - 1``; that number itself where one is zero.

    Examples
    --------
    >>> [safe_chain(2**bits - 1, 2**bits - 1) for bits in (15, 14, 13, 12, 11)]
    [2, 8, 32, 128, 512]
    """
    largest = [
        x.largest if isinstance(x, DfpTensor) else integer("formats.safe_chain", name, x, 0, (1 << 63) - 1)
        for name, x in (("a", a), ("b", b))
    ]
    return int(_core.safe_chain(*largest))


_ACCUMULATE: Final = ("float32", "int64")


class _Product:
    """The common arguments of products, and the result they ask for."""

    def __init__(
        self,
        function: str,
        a: Any,
        b: Any,
        names: tuple[str, str],
        *,
        accumulate: str,
        chain: str,
        headroom_bits: int,
        threads: int | None,
    ) -> None:
        self.function = function
        self.a, self.b = _tensor(function, names[0], a, 16), _tensor(function, names[1], b, 16)
        dtype = _storage(max(self.a.bits, self.b.bits))
        self.left, self.right = _flat(self.a, dtype), _flat(self.b, dtype)
        self.exact = choice(function, "accumulate", accumulate, _ACCUMULATE) == 1
        self.headroom = integer(function, "headroom_bits", headroom_bits, 0, 14)
        self.options = _core.DfpProductOptions(
            choice(function, "chain", chain, _core.dfp_chains),
            self.headroom,
            thread_count(function, threads),
            self.a.largest,
        )

    def run(self, kernel: Any, sizes: tuple[Any, ...], shape: tuple[int, ...]) -> NDArray[Any] | DfpTensor:
        out = np.empty(shape, np.int64 if self.exact else np.float32)
        operands = self.left, self.a.exponent, self.right, self.b.exponent
        kernel(*sizes, *operands, self.options, out.reshape(-1))
        if not self.exact:
            return out
        return DfpTensor._of(out, self.a.exponent + self.b.exponent + 2 * self.headroom, 64)


def dfp_gemm(
    a: DfpTensor,
    b: DfpTensor,
    *,
    accumulate: str = "float32",
    chain: str = "norms",
    headroom_bits: int = 0,
    threads: int | None = None,
) -> NDArray[np.float32] | DfpTensor:
    """The matrix product, summed in int32 as long as that is safe, then in float32 or int64.

    Parameters
    ----------
    a : DfpTensor of at most 16 bits, (m, k)
    b : DfpTensor of at most 16 bits, (k, n)
    accumulate : {"float32", "int64"}
        What sums of chains are added in. ``"int64"`` is exact.
    chain : {"norms", "maxima"}
        How long a chain may be: as long as ``max|a| sum|b| <= 2**31 - 1`` over it, or ``safe_chain(a, b)``
        products. Never longer than what fits.
    headroom_bits : int, 0 to 14
        Bits both operands are shifted right by first, for longer chains.
    threads : int
        Default 1; 0 stands for all CPUs. Never changes the result.

    Returns
    -------
    ndarray of float32, (m, n); a DfpTensor of 64 bits for ``"int64"``

    Raises
    ------
    ArgumentError
        Shapes that do not agree, more bits, unknown names.
    TypeError
        No DfpTensor.

    Notes
    -----
    In float32, with c the number of chains (at most ``ceil(k / 2)``), the error against the exact product of
    the integers is at most ``c 2^-24 |a| |b|`` to first order.

    References
    ----------
    .. [1] D. Das et al., arXiv:1802.00930, section 4.

    Examples
    --------
    >>> a, b = dfp_quantize([[1.0, 2.0], [-0.5, 3.0]]), dfp_quantize([[4.0], [0.25]])
    >>> dfp_gemm(a, b).tolist()
    [[4.5], [-1.25]]
    >>> dfp_gemm(a, b, accumulate="int64")
    DfpTensor([[150994944], [-41943040]], -25, bits=64)
    """
    function = "formats.dfp_gemm"
    product = _Product(
        function,
        a,
        b,
        ("a", "b"),
        accumulate=accumulate,
        chain=chain,
        headroom_bits=headroom_bits,
        threads=threads,
    )
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ArgumentError(f"{function}: a and b must be matrices that agree, got {a.shape} and {b.shape}")
    (m, k), n = a.shape, b.shape[1]
    return product.run(
        _core.dfp_gemm,
        (
            m,
            n,
            k,
        ),
        (m, n),
    )


def dfp_gemv(
    a: DfpTensor,
    x: DfpTensor,
    *,
    accumulate: str = "float32",
    chain: str = "norms",
    headroom_bits: int = 0,
    threads: int | None = None,
) -> NDArray[np.float32] | DfpTensor:
    """The product of a matrix and a vector, as `dfp_gemm` but for the order of float32 sums.

    Parameters
    ----------
    a : DfpTensor of at most 16 bits, (m, k)
    x : DfpTensor of at most 16 bits, (k,)
    accumulate, chain, headroom_bits, threads
        As for `dfp_gemm`.

    Returns
    -------
    ndarray of float32, (m,); a DfpTensor of 64 bits for ``"int64"``

    Raises
    ------
    ArgumentError, TypeError
        As for `dfp_gemm`.

    Examples
    --------
    >>> dfp_gemv(dfp_quantize([[1.0, 2.0], [-0.5, 3.0]]), dfp_quantize([4.0, 0.25])).tolist()
    [4.5, -1.25]
    """
    function = "formats.dfp_gemv"
    product = _Product(
        function,
        a,
        x,
        ("a", "x"),
        accumulate=accumulate,
        chain=chain,
        headroom_bits=headroom_bits,
        threads=threads,
    )
    if a.ndim != 2 or x.ndim != 1 or a.shape[1] != x.shape[0]:
        raise ArgumentError(
            f"{function}: a and x must be a matrix and a vector that agree, got {a.shape} and {x.shape}"
        )
    return product.run(
        _core.dfp_gemv,
        (
            a.shape[0],
            a.shape[1],
        ),
        (a.shape[0],),
    )


def _conv_shape(
    function: str, images: Sequence[int], kernel: Sequence[int], outputs: int, *, stride: int, padding: int
) -> tuple[Any, tuple[int, int, int, int]]:
    """The sizes for C++, and the shape of the result."""
    step = integer(function, "stride", stride, 1, 1 << 20)
    edge = integer(function, "padding", padding, 0, 1 << 20)
    batch, channels, height, width = images
    i, j = kernel
    if not (1 <= i <= height + 2 * edge and 1 <= j <= width + 2 * edge):
        raise ArgumentError(
            f"{function}: the kernel must be within the padded image, got {i} x {j} for "
            f"{height + 2 * edge} x {width + 2 * edge}"
        )
    result = (batch, outputs, (height + 2 * edge - i) // step + 1, (width + 2 * edge - j) // step + 1)
    return _core.Conv2dShape(batch, channels, height, width, outputs, i, j, step, edge), result


def _images(function: str, name: str, x: Any) -> None:
    if _tensor(function, name, x, 16).ndim != 4:
        raise ArgumentError(f"{function}: {name} must have four dimensions, got {x.shape}")


def dfp_conv2d(
    x: DfpTensor,
    weights: DfpTensor,
    *,
    stride: int = 1,
    padding: int = 0,
    accumulate: str = "float32",
    chain: str = "norms",
    headroom_bits: int = 0,
    threads: int | None = None,
) -> NDArray[np.float32] | DfpTensor:
    """A convolution of images (in fact a correlation), one `dfp_gemm` for each image.

    Parameters
    ----------
    x : DfpTensor of at most 16 bits, (batch, channels, height, width)
    weights : DfpTensor of at most 16 bits, (outputs, channels, kernel height, kernel width)
    stride, padding : int
        Of both directions; what is padded is zero.
    accumulate, chain, headroom_bits, threads
        As for `dfp_gemm`; threads share the images.

    Returns
    -------
    ndarray of float32, (batch, outputs, out height, out width); a DfpTensor of 64 bits for ``"int64"``

    Raises
    ------
    ArgumentError
        Shapes that do not agree, a kernel larger than the padded image, values out of range.
    TypeError
        No DfpTensor.

    References
    ----------
    .. [1] D. Das et al., arXiv:1802.00930, section 4.

    Examples
    --------
    >>> x = DfpTensor(np.arange(9, dtype=np.int16).reshape(1, 1, 3, 3), 0)
    >>> dfp_conv2d(x, DfpTensor(np.array([[[[1, 2], [3, 4]]]], np.int16), 0)).tolist()
    [[[[27.0, 37.0], [57.0, 67.0]]]]
    """
    function = "formats.dfp_conv2d"
    _images(function, "x", x)
    _images(function, "weights", weights)
    if x.shape[1] != weights.shape[1]:
        raise ArgumentError(
            f"{function}: weights must have the channels of x, got {weights.shape} for {x.shape}"
        )
    sizes, shape = _conv_shape(
        function, x.shape, weights.shape[2:], weights.shape[0], stride=stride, padding=padding
    )
    product = _Product(
        function,
        x,
        weights,
        ("x", "weights"),
        accumulate=accumulate,
        chain=chain,
        headroom_bits=headroom_bits,
        threads=threads,
    )
    return product.run(_core.dfp_conv2d, (sizes,), shape)


def dfp_conv2d_backward_data(
    gradient: DfpTensor,
    weights: DfpTensor,
    size: tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
    accumulate: str = "float32",
    chain: str = "norms",
    headroom_bits: int = 0,
    threads: int | None = None,
) -> NDArray[np.float32] | DfpTensor:
    """The gradient of the images of `dfp_conv2d` from that of its results.

    Parameters
    ----------
    gradient : DfpTensor of at most 16 bits, (batch, outputs, out height, out width)
    weights : DfpTensor of at most 16 bits, (outputs, channels, kernel height, kernel width)
    size : (height, width)
        Of the images.
    stride, padding, accumulate, chain, headroom_bits, threads
        As for `dfp_conv2d`.

    Returns
    -------
    ndarray of float32, (batch, channels, height, width); a DfpTensor of 64 bits for ``"int64"``

    Raises
    ------
    ArgumentError, TypeError
        As for `dfp_conv2d`.

    Examples
    --------
    >>> w = DfpTensor(np.array([[[[1, 2], [3, 4]]]], np.int16), 0)
    >>> dfp_conv2d_backward_data(DfpTensor(np.ones((1, 1, 1, 1), np.int16), 0), w, (2, 2)).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    function = "formats.dfp_conv2d_backward_data"
    _images(function, "gradient", gradient)
    _images(function, "weights", weights)
    height, width = (integer(function, f"size[{i}]", s, 1, 1 << 30) for i, s in enumerate(size))
    images = (gradient.shape[0], weights.shape[1], height, width)
    sizes, shape = _conv_shape(
        function, images, weights.shape[2:], weights.shape[0], stride=stride, padding=padding
    )
    if gradient.shape != shape:
        raise ArgumentError(f"{function}: gradient must have shape {shape}, got {gradient.shape}")
    product = _Product(
        function,
        gradient,
        weights,
        ("gradient", "weights"),
        accumulate=accumulate,
        chain=chain,
        headroom_bits=headroom_bits,
        threads=threads,
    )
    return product.run(_core.dfp_conv2d_backward_data, (sizes,), images)


def dfp_conv2d_backward_weights(
    x: DfpTensor,
    gradient: DfpTensor,
    size: tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
    accumulate: str = "float32",
    chain: str = "norms",
    headroom_bits: int = 0,
    threads: int | None = None,
) -> NDArray[np.float32] | DfpTensor:
    """The gradient of the weights of `dfp_conv2d` from that of its results.

    Parameters
    ----------
    x : DfpTensor of at most 16 bits, (batch, channels, height, width)
    gradient : DfpTensor of at most 16 bits, (batch, outputs, out height, out width)
    size : (kernel height, kernel width)
    stride, padding, accumulate, chain, headroom_bits, threads
        As for `dfp_conv2d`. It is one product for the whole batch, whose patches are in memory: kernel height
        times kernel width times the size of `x`.

    Returns
    -------
    ndarray of float32, (outputs, channels, kernel height, kernel width); a DfpTensor of 64 bits for
    ``"int64"``

    Raises
    ------
    ArgumentError, TypeError
        As for `dfp_conv2d`.

    Examples
    --------
    >>> x = DfpTensor(np.array([[[[1, 2], [3, 4]]]], np.int16), 0)
    >>> dfp_conv2d_backward_weights(x, DfpTensor(np.ones((1, 1, 2, 2), np.int16), 0), (1, 1)).tolist()
    [[[[10.0]]]]
    """
    function = "formats.dfp_conv2d_backward_weights"
    _images(function, "x", x)
    _images(function, "gradient", gradient)
    i, j = (integer(function, f"size[{axis}]", s, 1, 1 << 30) for axis, s in enumerate(size))
    sizes, shape = _conv_shape(function, x.shape, (i, j), gradient.shape[1], stride=stride, padding=padding)
    if gradient.shape != shape:
        raise ArgumentError(f"{function}: gradient must have shape {shape}, got {gradient.shape}")
    product = _Product(
        function,
        x,
        gradient,
        ("x", "gradient"),
        accumulate=accumulate,
        chain=chain,
        headroom_bits=headroom_bits,
        threads=threads,
    )
    return product.run(_core.dfp_conv2d_backward_weights, (sizes,), (gradient.shape[1], x.shape[1], i, j))
