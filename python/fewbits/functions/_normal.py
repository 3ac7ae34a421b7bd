"""Normal draws."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewbits._arguments import integer, seed_value
from fewbits._core import functions as _core

__all__ = ["sample_normal"]

_MOST = (1 << 62) - 1


def sample_normal(
    shape: int | Sequence[int], *, seed: int | np.random.Generator = 0, stream: int = 0, first: int = 0
) -> NDArray[np.float64]:
    """Independent draws from the standard normal distribution.

    Parameters
    ----------
    shape : int or sequence of int
    seed : int in 0..2**64-1, or numpy.random.Generator, which gives one
    stream : int
        Of the 2**64 independent streams of a seed.
    first : int
        Index of the first draw in the stream.

    Returns
    -------
    ndarray, float64, of that shape

    Raises
    ------
    TypeError, ArgumentError
        No such shape, seed, stream or index.

    Notes
    -----
    Draw i is a function of (seed, stream, i) alone: Box and Muller's transform of 64-bit Philox draws, the
    same bits on every machine. No draw exceeds 8.6 in size.

    References
    ----------
    .. [1] G. Box, M. Muller, "A note on the generation of random normal deviates", Ann. Math. Statist. 29
       (1958).

    Examples
    --------
    >>> z = sample_normal(100_000, seed=1)
    >>> bool(abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01)
    True
    >>> bool((sample_normal((2, 3), seed=1, first=4).ravel() == z[4:10]).all())
    True
    """
    name = "functions.sample_normal"
    sizes = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    sizes = tuple(integer(name, "shape", operator.index(size), 0, _MOST) for size in sizes)
    out = np.empty(sizes)
    start = integer(name, "first", first, 0, _MOST)
    _core.sample_normal(
        seed_value(name, seed), integer(name, "stream", stream, 0, (1 << 64) - 1), start, out.reshape(-1)
    )
    return out
