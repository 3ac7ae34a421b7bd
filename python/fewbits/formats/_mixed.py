"""Mixed precision training: master weights, loss scaling, and histograms that choose the scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real
from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import round_to

__all__ = [
    "ExponentHistogram",
    "LossScaler",
    "exponent_histogram",
    "master_update",
    "suggest_scale",
    "underflow_fraction",
]


@dataclass(frozen=True)
class ExponentHistogram:
    """Magnitudes by binade.

    Attributes
    ----------
    exponents : ndarray of int
        Consecutive, from the smallest met to the largest.
    counts : ndarray of int
        Values with magnitude in ``[2^e, 2^(e+1))``.
    zeros, not_finite : int
    subnormal, underflow, overflow : int
        With regard to the format: below its smallest normal value but not zero once rounded; not zero but
        rounded to zero; beyond its largest value once rounded.
    """

    exponents: NDArray[np.int64]
    counts: NDArray[np.int64]
    zeros: int
    not_finite: int
    subnormal: int
    underflow: int
    overflow: int


def _values(function: str, x: Any) -> NDArray[np.float64]:
    array = np.asarray(x)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"formats.{function}: x must hold real numbers, got {array.dtype}")
    return np.asarray(array, np.float64).reshape(-1)


def exponent_histogram(x: ArrayLike, format: str | FloatFormat = "float16") -> ExponentHistogram:
    """How many values each binade holds, and how many a format would lose.

    Parameters
    ----------
    x : array_like of real numbers
        Gradients, say.
    format : str or FloatFormat

    Returns
    -------
    ExponentHistogram

    Raises
    ------
    TypeError
        Complex numbers or objects.

    References
    ----------
    .. [1] P. Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740, figure 3.

    Examples
    --------
    >>> h = exponent_histogram([1.0, 1.5, 2.0**-15, 2.0**-30, 1e6, 0.0])
    >>> dict(zip(h.exponents[h.counts > 0].tolist(), h.counts[h.counts > 0].tolist()))
    {-30: 1, -15: 1, 0: 2, 19: 1}
    >>> h.zeros, h.subnormal, h.underflow, h.overflow
    (1, 1, 1, 1)
    """
    f = get(format)
    values = _values("exponent_histogram", x)
    finite = values[np.isfinite(values)]
    nonzero = np.abs(finite[finite != 0])
    exponents = np.frexp(nonzero)[1].astype(np.int64) - 1
    low, high = (int(exponents.min()), int(exponents.max())) if exponents.size else (0, -1)
    rounded = np.abs(round_to(nonzero, f)) if nonzero.size else nonzero
    kept = np.abs(round_to(nonzero, f, saturate="none", exponent_limit=False)) if nonzero.size else nonzero
    return ExponentHistogram(
        np.arange(low, high + 1),
        np.bincount(exponents - low, minlength=high - low + 1) if exponents.size else np.zeros(0, np.int64),
        int(finite.size - nonzero.size),
        int(values.size - finite.size),
        int(((rounded < f.smallest_normal) & (rounded > 0)).sum()),
        int((rounded == 0).sum()),
        int((kept > f.max).sum()),
    )


def underflow_fraction(x: ArrayLike, format: str | FloatFormat = "float16", scale: float = 1.0) -> float:
    """The share of the values that are not zero but become so in the format, when scaled first.

    Parameters
    ----------
    x : array_like of real numbers
    format : str or FloatFormat
    scale : float, positive

    Returns
    -------
    float

    Examples
    --------
    >>> x = [2.0**-26, 2.0**-20, 0.0, 1.0]
    >>> underflow_fraction(x), underflow_fraction(x, scale=8.0)
    (0.25, 0.0)
    """
    values = _values("underflow_fraction", x)
    by = real("formats.underflow_fraction", "scale", scale, 0.0, open_low=True)
    if values.size == 0:
        return 0.0
    rounded = round_to(values * by, get(format))
    return float(((values != 0) & (rounded == 0)).mean())


def suggest_scale(x: ArrayLike, format: str | FloatFormat = "float16", *, margin: int = 1) -> float:
    """The largest power of two that leaves ``max |x| scale`` below the largest value of the format.

    Parameters
    ----------
    x : array_like of real numbers
    format : str or FloatFormat
    margin : int
        Binades to stay below that.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        No value that is finite and not zero.

    Examples
    --------
    >>> suggest_scale([1e-3, -2e-4], "float16")
    16777216.0
    """
    values = np.abs(_values("suggest_scale", x))
    values = values[np.isfinite(values) & (values > 0)]
    if values.size == 0:
        raise ArgumentError("formats.suggest_scale: x must hold a finite value that is not zero")
    binades = integer("formats.suggest_scale", "margin", margin, 0, 100)
    ratio = get(format).max / float(values.max())
    return math.ldexp(1.0, math.frexp(ratio)[1] - 1 - binades)


class LossScaler:
    """Dynamic loss scaling: the scale falls where gradients overflow, and grows after a clean stretch.

    Parameters
    ----------
    init, growth, backoff, min, max : float
        Powers of two, so that unscaling is exact.
    interval : int
        Clean steps until the scale grows.

    Attributes
    ----------
    value : float
        The scale.
    clean_steps, skipped : int
        Steps since the last change or overflow; steps skipped in all.

    Raises
    ------
    ArgumentError
        No powers of two, or values out of order.

    Notes
    -----
    Use: ``gradients = unscale(gradients of scale(loss))``, then clip, then step where `update` says so.

    References
    ----------
    .. [1] P. Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740.

    Examples
    --------
    >>> scaler = LossScaler(init=8.0, interval=2)
    >>> [scaler.update([np.array([g])]) for g in (1.0, np.inf, 1.0, 1.0)], scaler.value
    ([True, False, True, True], 8.0)
    """

    def __init__(
        self,
        *,
        init: float = 2.0**16,
        growth: float = 2.0,
        backoff: float = 0.5,
        interval: int = 2000,
        min: float = 1.0,
        max: float = 2.0**24,
    ) -> None:
        numbers = {"init": init, "growth": growth, "backoff": backoff, "min": min, "max": max}
        for name, number in numbers.items():
            value = real("formats.LossScaler", name, number, 0.0, open_low=True)
            if math.frexp(value)[0] != 0.5:
                raise ArgumentError(f"formats.LossScaler: {name} must be a power of two, got {number}")
        if not growth > 1 > backoff:
            raise ArgumentError(
                f"formats.LossScaler: growth must be above 1 and backoff below, got {growth} and {backoff}"
            )
        if not min <= init <= max:
            raise ArgumentError(f"formats.LossScaler: init must be in [{min}, {max}], got {init}")
        self.value = float(init)
        self.growth, self.backoff = float(growth), float(backoff)
        self.interval = integer("formats.LossScaler", "interval", interval, 1, 1 << 60)
        self.min, self.max = float(min), float(max)
        self.clean_steps = 0
        self.skipped = 0

    def scale(self, loss: float) -> float:
        """`loss` times the scale."""
        return loss * self.value

    def unscale(self, gradients: Sequence[ArrayLike]) -> list[NDArray[np.float32]]:
        """The gradients in float32, divided by the scale."""
        inverse = np.float32(1 / self.value)
        return [np.asarray(g, np.float32) * inverse for g in gradients]

    def update(self, gradients: Sequence[ArrayLike]) -> bool:
        """Whether to take the step: all gradients are finite. Adapts the scale."""
        if not all(bool(np.isfinite(np.asarray(g)).all()) for g in gradients):
            self.value = max(self.value * self.backoff, self.min)
            self.clean_steps = 0
            self.skipped += 1
            return False
        self.clean_steps += 1
        if self.clean_steps == self.interval:
            self.value = min(self.value * self.growth, self.max)
            self.clean_steps = 0
        return True


def master_update(
    master: NDArray[np.float32], update: ArrayLike, format: str | FloatFormat = "float16"
) -> NDArray[np.float32]:
    """Add `update` to float32 master weights in place; return their copy rounded to the format.

    Parameters
    ----------
    master : ndarray of float32
        Changed in place.
    update : array_like, shape of `master`
    format : str or FloatFormat

    Returns
    -------
    ndarray of float32
        Values of the format, for the next forward pass.

    Raises
    ------
    ArgumentError, TypeError
        Shapes that differ, or master weights of another type.

    Notes
    -----
    In float16 alone an update below 2^-12 of its weight changes nothing.

    Examples
    --------
    >>> master = np.ones(1, np.float32)
    >>> for _ in range(10):
    ...     copy = master_update(master, [2.0**-13])
    >>> float(master[0]), float(copy[0])
    (1.001220703125, 1.0009765625)
    """
    if not isinstance(master, np.ndarray) or master.dtype != np.float32:
        raise TypeError("formats.master_update: master must be an ndarray of float32")
    change = np.asarray(update, np.float32)
    if change.shape != master.shape:
        raise ArgumentError(
            f"formats.master_update: update must have shape {master.shape}, got {change.shape}"
        )
    master += change
    return round_to(master, get(format))
