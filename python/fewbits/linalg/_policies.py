"""Policies that choose a parameter for each of many systems from what the last ones cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import integer, real, seed_value
from fewbits._core import linalg as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError

__all__ = ["ChebCB", "TsallisInf", "TsallisInfCB"]


def _arms(function: str, arms: ArrayLike) -> NDArray[np.float64]:
    values = as_array(function, "arms", arms, "fiu").astype(np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ArgumentError(
            f"{function}: arms must be finite numbers in one dimension, got shape {values.shape}"
        )
    return values


class _Policy:
    _name: str
    _core: Any
    arms: NDArray[np.float64]

    def report(self, cost: float) -> None:
        """What the last suggestion cost: an iteration count, at least 1.

        Parameters
        ----------
        cost : float, positive and finite

        Raises
        ------
        ArgumentError
            Nothing was suggested, or the cost is out of range.
        """
        self._core.report(real(f"linalg.{self._name}", "cost", cost, 0, open_low=True))

    def state(self) -> list[float]:
        """Everything the policy has learnt, as numbers for JSON.

        Returns
        -------
        list of float
            For `restore`.
        """
        return list(self._core.state())

    def restore(self, state: list[float]) -> None:
        """Go on from a `state` of a policy with the same arguments.

        Raises
        ------
        ArgumentError
            It is of another policy.
        """
        self._core.restore([float(v) for v in state])


class TsallisInf(_Policy):
    """One choice among arms for a whole sequence of systems, nearly as good as the best fixed one.

    Parameters
    ----------
    arms : array_like, shape (d,)
        The parameters to choose from.
    seed : int or numpy.random.Generator

    Notes
    -----
    The sum of costs exceeds that of the best fixed arm by at most O(sqrt(d T)) after T systems, whatever
    their order.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, "Learning to relax: setting solver parameters
       across a sequence of linear system instances", ICLR 2024.
    .. [2] J. Zimmert, Y. Seldin, "Tsallis-INF", JMLR 22 (2021).

    Examples
    --------
    >>> policy = TsallisInf([1.0, 1.5, 1.9], seed=1)
    >>> played = []
    >>> for _ in range(300):
    ...     played.append(policy.suggest())
    ...     policy.report({1.0: 60, 1.5: 20, 1.9: 90}[played[-1]])
    >>> played[-100:].count(1.5) > 80
    True
    """

    _name = "TsallisInf"

    def __init__(self, arms: ArrayLike, *, seed: int | np.random.Generator = 0) -> None:
        self.arms = _arms("linalg.TsallisInf", arms)
        self._core = _core.TsallisInf(len(self.arms), seed_value("linalg.TsallisInf", seed))

    def suggest(self) -> float:
        """The parameter for the next system.

        Raises
        ------
        ArgumentError
            The last suggestion was not reported.
        """
        return float(self.arms[self._core.suggest()])


class TsallisInfCB(_Policy):
    """`TsallisInf` in each of several bins of a context, such as a shift of the diagonal.

    Parameters
    ----------
    arms : array_like, shape (d,)
    context : (low, high)
        Range of the contexts.
    bins : int
        Of equal width.
    seed : int or numpy.random.Generator

    References
    ----------
    .. [1] M. Khodak et al., "Learning to relax", ICLR 2024, algorithm 2.

    Examples
    --------
    >>> policy = TsallisInfCB([1.0, 1.5], context=(0.0, 1.0), bins=2)
    >>> policy.suggest(0.3) in (1.0, 1.5)
    True
    """

    _name = "TsallisInfCB"

    def __init__(
        self,
        arms: ArrayLike,
        *,
        context: tuple[float, float],
        bins: int = 5,
        seed: int | np.random.Generator = 0,
    ) -> None:
        function = "linalg.TsallisInfCB"
        self.arms = _arms(function, arms)
        low, high = (real(function, "context", v) for v in context)
        if not low < high:
            raise ArgumentError(
                f"{function}: context must have its low end below the high one, got {context}"
            )
        count = integer(function, "bins", bins, 1, 1 << 20)
        self._core = _core.TsallisInfCB(len(self.arms), low, high, count, seed_value(function, seed))

    def suggest(self, context: float) -> float:
        """The parameter for the next system.

        Raises
        ------
        ArgumentError
            A context out of range, or the last suggestion was not reported.
        """
        return float(self.arms[self._core.suggest(real(f"linalg.{self._name}", "context", context))])


class ChebCB(TsallisInfCB):
    """Costs of every arm as a polynomial of the context: nearly as good as the best arm for each system.

    Parameters
    ----------
    arms : array_like, shape (d,)
    context : (low, high)
    degree : int, 0 to 30
        Of the Chebyshev polynomials.
    seed : int or numpy.random.Generator

    Notes
    -----
    A round costs O(d m^2) for m = degree + 1, about 20 microseconds for 20 arms.

    References
    ----------
    .. [1] M. Khodak et al., "Learning to relax", ICLR 2024, algorithm 3 (ChebCB).
    .. [2] D. Foster, A. Rakhlin, "Beyond UCB" (SquareCB), ICML 2020.

    Examples
    --------
    >>> policy = ChebCB([1.0, 1.5], context=(0.0, 1.0))
    >>> for i in range(400):
    ...     shift = (i % 10) / 10
    ...     omega = policy.suggest(shift)
    ...     policy.report(40 + 30 * shift if omega == 1.0 else 60)
    >>> policy.suggest(0.1)
    1.0
    """

    _name = "ChebCB"

    def __init__(
        self,
        arms: ArrayLike,
        *,
        context: tuple[float, float],
        degree: int = 5,
        seed: int | np.random.Generator = 0,
    ) -> None:
        function = "linalg.ChebCB"
        super().__init__(arms, context=context)
        low, high = context
        terms = integer(function, "degree", degree, 0, 30)
        self._core = _core.ChebCB(len(self.arms), float(low), float(high), terms, seed_value(function, seed))
