"""Static models: a fixed frequency for each symbol."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real
from fewbits._core import coding as _core
from fewbits._interop import as_array, as_bytes, as_integers
from fewbits.errors import ArgumentError

__all__ = ["Bernoulli", "Categorical", "Uniform", "static_model"]

_MAX_SPAN = 65536
# Probabilities become counts in units of 2^-40.
_PROBABILITY_SCALE = 2.0**40


def _precision(function: str, precision: int | None, used: int) -> int:
    if precision is not None:
        precision = integer(function, "precision", precision, 8, 24)
        if used > 1 << precision:
            raise ArgumentError(
                f"{function}: precision must leave a unit for each of {used} symbols, got {precision}"
            )
        return precision
    # 12 bits decode fastest; large alphabets need a few units a symbol on average.
    return max(12, min(24, (used - 1).bit_length() + 3))


def _one_dimension(function: str, name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 1:
        raise ArgumentError(f"{function}: {name} must have one dimension, got {array.ndim}")
    if array.size == 0:
        raise ArgumentError(f"{function}: {name} must not be empty")
    return array


def _counts(function: str, counts: ArrayLike) -> NDArray[np.uint64]:
    array = _one_dimension(function, "counts", as_array(function, "counts", counts, "iu"))
    if array.dtype.kind == "i" and (array < 0).any():
        index = int(np.flatnonzero(array < 0)[0])
        raise ArgumentError(f"{function}: counts must be at least 0, got counts[{index}] = {array[index]}")
    return array.astype(np.uint64, copy=False)


def _lo(function: str, lo: int, size: int) -> int:
    return integer(function, "lo", lo, -(2**31), 2**31 - size)


class Categorical:
    """Integer symbols ``lo, lo + 1, ...`` with a fixed frequency each; frequencies sum to ``2**precision``.

    Symbols of frequency 0 cannot be encoded. `from_counts`, `from_probs` and `fit` choose good frequencies;
    the constructor takes them as they are. Immutable and hashable; equal models code to equal bytes.

    Parameters
    ----------
    frequencies : array_like of int, shape (n,), each at least 0, summing to ``2**precision``
    lo : symbol that the first frequency is of
    precision : 8..24. Up to 12, decoding is fastest; up to 15 it takes 32-bit states, above 64-bit ones,
        which are several times slower

    Raises
    ------
    ArgumentError : a sum other than ``2**precision``, a negative frequency, symbols that do not fit int32,
        used symbols that span more than 65536
    TypeError : frequencies that are not integers

    Examples
    --------
    >>> model = Categorical([3000, 700, 300, 95, 1], precision=12)
    >>> data = encode([0, 0, 1, 0, 2, 0, 0, 4, 3, 1, 0, 0, 0, 2, 1, 0], model, checksum=False)
    >>> decode(data, model)
    array([0, 0, 1, 0, 2, 0, 0, 4, 3, 1, 0, 0, 0, 2, 1, 0], dtype=int32)
    """

    __slots__ = ("_model",)
    _model: _core.Model

    def __init__(self, frequencies: ArrayLike, *, lo: int = 0, precision: int) -> None:
        function = "coding.Categorical"
        precision = integer(function, "precision", precision, 8, 24)
        array = as_array(function, "frequencies", frequencies, "iu")
        array = _one_dimension(function, "frequencies", array)
        outside = (array < 0) | (array > 1 << precision)
        if outside.any():
            index = int(np.flatnonzero(outside)[0])
            raise ArgumentError(
                f"{function}: frequencies must be in 0..2^precision, "
                f"got frequencies[{index}] = {array[index]}"
            )
        lo = _lo(function, lo, array.size)
        self._model = _core.Model.from_frequencies(array.astype(np.uint32), lo, precision)

    @classmethod
    def _of(cls, model: _core.Model) -> Categorical:
        self = object.__new__(Categorical)
        self._model = model
        return self

    @classmethod
    def from_counts(
        cls,
        counts: ArrayLike,
        *,
        lo: int = 0,
        precision: int | None = None,
        support: Literal["used", "all"] = "used",
    ) -> Categorical:
        """The model that codes a message with these counts in the fewest bits.

        Parameters
        ----------
        counts : array_like of int, shape (n,): how often `lo`, ``lo + 1``, ... occur, each at least 0
        lo : symbol of the first count
        precision : 8..24; by default 12, and three bits above the number of symbols where that is more
        support : ``"used"`` gives frequency 0 to symbols of count 0; ``"all"`` gives every symbol at least 1

        Returns
        -------
        Categorical

        Raises
        ------
        ArgumentError : no positive count, a negative count, a sum of 2^62 or more, more symbols than
            ``2**precision``, used symbols that span more than 65536 or do not fit int32

        Notes
        -----
        Greedy by exact integer comparisons, the same on every machine; at most 4 exchanges a symbol after
        rounding. Within 0.1 % of the entropy for 12 bits on bell-shaped counts of some 40 symbols.

        Examples
        --------
        >>> Categorical.from_counts([100000, 31000, 9000, 2500, 800, 150, 40, 7, 1], precision=8).frequencies
        array([176,  55,  16,   4,   1,   1,   1,   1,   1], dtype=uint32)
        """
        function = "coding.Categorical.from_counts"
        array = _counts(function, counts)
        return cls._from_counts(function, array, lo, precision, support)

    @classmethod
    def _from_counts(
        cls, function: str, array: NDArray[np.uint64], lo: int, precision: int | None, support: str
    ) -> Categorical:
        if support not in ("used", "all"):
            raise ArgumentError(f"{function}: support must be 'used' or 'all', got {support!r}")
        lo = _lo(function, lo, array.size)
        positive = np.flatnonzero(array)
        if positive.size == 0:
            raise ArgumentError(f"{function}: at least one count must be positive")
        # Float sums cannot overflow and are exact enough to refuse 2^62; C++ checks the exact sum again.
        if float(array.sum(dtype=np.float64)) >= 2.0**62:
            raise ArgumentError(f"{function}: counts must sum to less than 2^62")
        span = array.size if support == "all" else int(positive[-1] - positive[0]) + 1
        if span > _MAX_SPAN:
            raise ArgumentError(f"{function}: symbols must span at most {_MAX_SPAN}, got {span}")
        used = array.size if support == "all" else positive.size
        bits = _precision(function, precision, used)
        return cls._of(_core.Model.from_counts(np.ascontiguousarray(array), lo, bits, support == "all"))

    @classmethod
    def from_probs(
        cls,
        probs: ArrayLike,
        *,
        lo: int = 0,
        precision: int | None = None,
        support: Literal["used", "all"] = "used",
    ) -> Categorical:
        """The model nearest to these probabilities (in the bits it costs to code by it).

        Parameters
        ----------
        probs : array_like of float, shape (n,), finite and at least 0. Only their ratios matter; their sum
            must be in 2^-20..2^20
        lo, precision, support : as in `from_counts`; a probability below 2^-41 counts as 0

        Returns
        -------
        Categorical

        Raises
        ------
        ArgumentError : a probability that is negative, infinite or nan, a sum out of range, or as in
            `from_counts`

        Examples
        --------
        >>> Categorical.from_probs([0.15, 0.69, 0.15], precision=8).frequencies
        array([ 39, 178,  39], dtype=uint32)
        """
        function = "coding.Categorical.from_probs"
        array = _one_dimension(function, "probs", as_array(function, "probs", probs, "fiu")).astype(
            np.float64
        )
        bad = ~((array >= 0) & (array < np.inf))
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            raise ArgumentError(
                f"{function}: probs must be finite and at least 0, got probs[{index}] = {array[index]}"
            )
        total = math.fsum(array)
        if not 2.0**-20 <= total <= 2.0**20:
            raise ArgumentError(f"{function}: probs must sum to 2^-20..2^20, got a sum of {total}")
        counts = np.rint(array * _PROBABILITY_SCALE).astype(np.uint64)
        return cls._from_counts(function, counts, lo, precision, support)

    @classmethod
    def fit(cls, symbols: ArrayLike, *, precision: int | None = None) -> Categorical:
        """The model that codes `symbols` in the fewest bits.

        Parameters
        ----------
        symbols : array_like of integers, any shape, not empty, of values that span at most 65536
        precision : as in `from_counts`

        Returns
        -------
        Categorical

        Raises
        ------
        ArgumentError : no symbols, or as in `from_counts`
        TypeError : symbols that are not integers

        Examples
        --------
        >>> model = Categorical.fit([-1, 0, 0, 3, 0])
        >>> model.lo, model.frequencies
        (-1, array([ 819, 2458,    0,    0,  819], dtype=uint32))
        """
        function = "coding.Categorical.fit"
        array = as_integers(function, "symbols", symbols).reshape(-1)
        if array.size == 0:
            raise ArgumentError(f"{function}: symbols must not be empty")
        low, high = int(array.min()), int(array.max())
        if high - low >= _MAX_SPAN:
            raise ArgumentError(
                f"{function}: symbols must span at most {_MAX_SPAN}, got {high - low + 1} ({low}..{high})"
            )
        counts = np.zeros(high - low + 1, np.uint64)
        _core.count(array, low, counts)
        return cls._from_counts(function, counts, low, precision, "used")

    @classmethod
    def from_bytes(cls, data: Any) -> Categorical:
        """The model that `to_bytes` wrote.

        Raises
        ------
        CorruptDataError : bytes that no model has
        """
        return cls._of(_core.Model.from_bytes(as_bytes("coding.Categorical.from_bytes", "data", data)))

    def to_bytes(self) -> bytes:
        """The model in a few bytes: about 2 log2(frequency) + 2 bits a symbol.

        Examples
        --------
        >>> model = Categorical.fit([1, 2, 2, 3])
        >>> Categorical.from_bytes(model.to_bytes()) == model
        True
        """
        return self._model.to_bytes()

    @property
    def lo(self) -> int:
        """The smallest symbol of positive frequency."""
        return self._model.lo

    @property
    def span(self) -> int:
        """Largest minus smallest symbol of positive frequency, plus one."""
        return self._model.span

    @property
    def used(self) -> int:
        """Number of symbols of positive frequency."""
        return self._model.used

    @property
    def precision(self) -> int:
        """Frequencies sum to ``2**precision``."""
        return self._model.precision

    @property
    def frequencies(self) -> NDArray[np.uint32]:
        """Frequencies of ``lo, ..., lo + span - 1``, shape (span,), uint32."""
        out = np.empty(self.span, np.uint32)
        self._model.frequencies(out)
        return out

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Frequencies over ``2**precision``: exact, shape (span,), float64."""
        return self.frequencies / np.float64(1 << self.precision)

    def entropy(self) -> float:
        """Entropy of the model in bits a symbol: what a message costs that follows it.

        Examples
        --------
        >>> Uniform(8).entropy()
        3.0
        """
        return self.cross_entropy(self.frequencies)

    def cross_entropy(self, counts: ArrayLike, *, lo: int | None = None) -> float:
        """Bits a symbol that a message with these counts costs under this model.

        Parameters
        ----------
        counts : array_like of int, shape (n,), each at least 0, not all 0
        lo : symbol of the first count; by default the model's `lo`

        Returns
        -------
        float; infinite where a symbol occurs that the model has no frequency for

        Examples
        --------
        >>> counts = [100000, 31000, 9000, 2500, 800, 150, 40, 7, 1]
        >>> round(Categorical.from_counts(counts, precision=12).cross_entropy(counts), 6)
        1.249705
        """
        function = "coding.Categorical.cross_entropy"
        array = _counts(function, counts)
        total = int(array.sum(dtype=object))
        if total == 0:
            raise ArgumentError(f"{function}: at least one count must be positive")
        first = _lo(function, self.lo if lo is None else lo, array.size)
        return self._model.cross_entropy_bits(np.ascontiguousarray(array), first) / total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Categorical) and self._model == other._model

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __reduce__(self) -> tuple[Any, ...]:
        return Categorical.from_bytes, (self.to_bytes(),)

    def __repr__(self) -> str:
        high = self.lo + self.span - 1
        return f"<Categorical: {self.used} symbols in {self.lo}..{high}, precision {self.precision}>"


def Uniform(n: int) -> Categorical:
    """The model of `n` equally probable symbols ``0..n-1``.

    Parameters
    ----------
    n : 1..65536

    Returns
    -------
    Categorical. Exact where `n` is a power of two up to 2^15; else frequencies differ by at most one unit,
    which costs less than 0.003 bits a symbol up to 4096 symbols and less than 0.00001 above.

    Examples
    --------
    >>> len(encode(np.arange(256), Uniform(256), lanes=1, checksum=False))
    268
    """
    n = integer("coding.Uniform", "n", n, 1, _MAX_SPAN)
    power = n & (n - 1) == 0 and n <= 1 << 15
    # Above 4096 symbols, units of 2^-15 would be too coarse.
    precision = max(8, (n - 1).bit_length()) if power else 15 if n <= 4096 else 24
    return Categorical.from_counts(np.ones(n, np.uint64), precision=precision)


def Zipf(n: int, s: float, *, precision: int = 24) -> Categorical:
    """Symbols 1 to n with probabilities proportional to ``k**-s``: ranks of words, sizes of things.

    Parameters
    ----------
    n : int, 1 to 65536
    s : float, at least 0
    precision : frequencies sum to ``2**precision``; 8 to 24, with ``2**precision > n``

    Returns
    -------
    Categorical with `fewbits.functions.zipf.CodingModel`'s frequencies: the same integers on every machine

    Raises
    ------
    ArgumentError : `n`, `s` or `precision` out of range

    Examples
    --------
    >>> words = [1, 1, 2, 1, 7, 3, 1, 1200]
    >>> bool((decode(encode(words, Zipf(50257, 1.07)), Zipf(50257, 1.07)) == words).all())
    True
    """
    from fewbits.functions import zipf

    function = "coding.Zipf"
    size = integer(function, "n", n, 1, 65536)
    law = real(function, "s", s, 0)
    bits = integer(function, "precision", precision, max(8, size.bit_length()), 24)
    cumulative = zipf.CodingModel(size, law, bits).cumulative(np.arange(size + 1))
    return Categorical(np.diff(cumulative), lo=1, precision=bits)


def Bernoulli(p: float, *, precision: int = 15) -> Categorical:
    """The model of symbols 0 and 1, where 1 has probability `p`.

    Parameters
    ----------
    p : 0 < p < 1; nearer than ``2**-precision`` to an end it counts as that far from it
    precision : 8..24

    Returns
    -------
    Categorical

    Raises
    ------
    ArgumentError : `p` not between 0 and 1

    Examples
    --------
    >>> Bernoulli(0.25, precision=8).frequencies
    array([192,  64], dtype=uint32)
    """
    function = "coding.Bernoulli"
    p = real(function, "p", p, 0, 1, open_low=True, open_high=True)
    precision = integer(function, "precision", precision, 8, 24)
    total = 1 << precision
    ones = min(max(round(p * total), 1), total - 1)
    return Categorical([total - ones, ones], precision=precision)


def static_model(function: str, model: object) -> _core.Model:
    """The compiled side of a static model."""
    if not isinstance(model, Categorical):
        raise TypeError(f"{function}: model must be a Categorical, got {type(model).__name__}")
    return model._model
