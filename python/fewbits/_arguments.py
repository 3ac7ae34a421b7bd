"""Checks of scalar arguments: one wording of each rule for every public function.

`function` is the public name that stands before the message ("formats.round_to"), `name` the argument.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewbits.errors import ArgumentError

__all__ = ["choice", "integer", "output", "real", "seed_value", "thread_count"]

_MASK64 = (1 << 64) - 1


def integer(function: str, name: str, value: Any, low: int, high: int) -> int:
    """`value` as an int in ``low..high``; booleans are refused.

    Raises
    ------
    TypeError : not an integer
    ArgumentError : out of range
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{function}: {name} must be an integer, got {type(value).__name__}")
    if not low <= number <= high:
        raise ArgumentError(f"{function}: {name} must be in {low}..{high}, got {value}")
    return number


def real(
    function: str,
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """`value` as a finite float from `low` to `high`, the ends included unless they are open.

    Raises
    ------
    TypeError : not a real number
    ArgumentError : infinite, nan or out of range
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{function}: {name} must be a real number, got {type(value).__name__}")
    number = float(value)
    above = number > low if open_low else number >= low
    below = number < high if open_high else number <= high
    if not (above and below and math.isfinite(number)):
        if low == -math.inf and high == math.inf:
            rule = "finite"
        elif high == math.inf:
            rule = f"{'above' if open_low else 'at least'} {low:g} and finite"
        elif low == -math.inf:
            rule = f"{'below' if open_high else 'at most'} {high:g} and finite"
        else:
            rule = f"in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
        raise ArgumentError(f"{function}: {name} must be {rule}, got {value}")
    return number


def choice(function: str, name: str, value: Any, allowed: Iterable[str]) -> int:
    """Index of `value` among the `allowed` names.

    Raises
    ------
    ArgumentError : none of them
    """
    names = tuple(allowed)
    if value not in names:
        raise ArgumentError(f"{function}: {name} must be one of {', '.join(map(repr, names))}, got {value!r}")
    return names.index(value)


def thread_count(function: str, threads: Any, default: int = 1) -> int:
    """Number of threads; 0 stands for all CPUs, None for `default` (1 for kernels, 0 for whole files)."""
    return default if threads is None else integer(function, "threads", threads, 0, 1 << 16)


def seed_value(function: str, seed: Any) -> int:
    """A 64-bit seed; a `numpy.random.Generator` gives one draw."""
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, _MASK64, dtype=np.uint64, endpoint=True))
    return integer(function, "seed", seed, 0, _MASK64)


def output(
    function: str, out: Any, dtype: np.dtype[Any], shape: tuple[int, ...], *, contiguous: bool = False
) -> NDArray[Any]:
    """`out` if it is a writable array of that dtype and shape.

    Raises
    ------
    TypeError : no NumPy array
    ArgumentError : an array that cannot take the result
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{function}: out must be a numpy array, got {type(out).__name__}")
    layout = "C-contiguous " if contiguous else ""
    good = out.dtype == dtype and out.shape == shape and out.flags.writeable
    if not good or (contiguous and not out.flags.c_contiguous):
        raise ArgumentError(
            f"{function}: out must be a writable {layout}array of {dtype} and shape {shape}, "
            f"got {out.dtype} of shape {out.shape}"
        )
    return out
