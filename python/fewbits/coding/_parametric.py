"""Parametric models: a distribution for each symbol, alone or in mixtures, and rows of probabilities."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real
from fewbits._core import coding as _core
from fewbits._interop import as_array, as_integers
from fewbits.errors import ArgumentError

__all__ = [
    "CategoricalRows",
    "Gaussian",
    "Laplace",
    "Logistic",
    "Mixture",
    "cdf_int",
    "pmf",
    "snap_parameters",
]

FAMILIES = ("gaussian", "laplace", "logistic")
_MAX_SUPPORT = 65536
_TOTAL = 1 << 24
_NO_WEIGHTS = np.empty(0, np.float32)


def _parameters(function: str, name: str, x: ArrayLike) -> NDArray[np.float32]:
    """Parameters as float32: float64 rounded, float16 and bfloat16 widened, integer arrays refused."""
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        return np.float32(x).reshape(())
    if getattr(getattr(x, "dtype", None), "name", "") == "bfloat16":
        x = np.asarray(x).astype(np.float32)
    array = as_array(function, name, x, "f")
    with np.errstate(over="ignore"):  # what overflows is refused as infinite
        return array.astype(np.float32, copy=False)


def _support(function: str, support: tuple[int, int] | None) -> tuple[int, int]:
    """(lo, size); size 0 where there is none."""
    if support is None:
        return 0, 0
    lo = integer(function, "support[0]", support[0], -(2**30), 2**30)
    hi = integer(function, "support[1]", support[1], lo, min(2**30, lo + _MAX_SUPPORT - 1))
    return lo, hi - lo + 1


class Mixture:
    """Mixtures of 1 to 16 Gaussian, Laplace or logistic distributions, rounded to integers.

    A symbol q has the mass between q - 1/2 and q + 1/2. Every symbol has parameters of its own, or all share
    one set. Nothing is tabulated: the cumulative function is evaluated in integers where it is needed.

    Parameters
    ----------
    weights, means, scales : array_like of float, all of the same shape: components along `axis`, symbols
        along the others; of one dimension, all symbols share them. float64 is rounded to float32, float16 and
        bfloat16 are widened. Finite, ``scales > 0``, ``weights >= 0``
    family : "gaussian", "laplace" or "logistic"
    axis : axis of the components. First and last are used in place, others are copied
    normalize : take weights of any sum from 2^-20 on; else they must sum to 1 within 0.001. Either way
        their ratios count
    support : (lo, hi) of at most 65536 symbols that the model distinguishes. By default `encode` chooses and
        the message says; `AnsStack` needs one

    Raises
    ------
    ArgumentError : shapes that differ, more than 16 components. Bad values are found, and the first of them
        named, where the model is used
    TypeError : parameters that are not floating point

    Examples
    --------
    >>> model = Mixture([0.6, 0.3, 0.1], [0.25, -3.5, 7.0], [0.5, 2.0, 10.0])
    >>> data = encode([0, -4, 12, 1, 0, -20, 20, 0], model)
    >>> decode(data, model)
    array([  0,  -4,  12,   1,   0, -20,  20,   0], dtype=int32)
    """

    __slots__ = (
        "_core",
        "_lo",
        "_means",
        "_scales",
        "_size",
        "_weights",
        "axis",
        "components",
        "family",
        "shape",
    )
    _core: _core.Mixture
    family: str
    components: int
    #: Shape of the symbols; None where all share their parameters.
    shape: tuple[int, ...] | None

    def __init__(
        self,
        weights: ArrayLike,
        means: ArrayLike,
        scales: ArrayLike,
        *,
        family: Literal["gaussian", "laplace", "logistic"] = "gaussian",
        axis: int = 0,
        normalize: bool = False,
        support: tuple[int, int] | None = None,
    ) -> None:
        function = "coding.Mixture"
        arrays = {
            "weights": _parameters(function, "weights", weights),
            "means": _parameters(function, "means", means),
            "scales": _parameters(function, "scales", scales),
        }
        shape = arrays["weights"].shape
        for name, array in arrays.items():
            if array.shape != shape:
                raise ArgumentError(
                    f"{function}: {name} must have the shape of weights, {shape}, got {array.shape}"
                )
        if not shape:
            raise ArgumentError(f"{function}: weights must have an axis of components, got a scalar")
        axis = integer(function, "axis", axis, -len(shape), len(shape) - 1) % len(shape)
        if not 1 <= shape[axis] <= 16:
            raise ArgumentError(f"{function}: axis {axis} must have 1 to 16 components, got {shape[axis]}")
        if 0 < axis < len(shape) - 1:
            arrays = {n: np.ascontiguousarray(np.moveaxis(a, axis, 0)) for n, a in arrays.items()}
            shape = arrays["weights"].shape
            axis = 0
        self._setup(function, family, axis, normalize, support, **arrays)

    def _setup(
        self,
        function: str,
        family: str,
        axis: int,
        normalize: bool,
        support: tuple[int, int] | None,
        *,
        weights: NDArray[np.float32] | None,
        means: NDArray[np.float32],
        scales: NDArray[np.float32],
    ) -> None:
        self.family = family
        self._lo, self._size = _support(function, support)
        self._weights, self._means, self._scales, self.axis = weights, means, scales, axis
        shape = means.shape
        k = self.components = shape[axis]
        shared = len(shape) == 1
        self.shape = None if shared else shape[:axis] + shape[axis + 1 :]
        n = 0 if shared else means.size // k
        stride_k, stride_n = (1, 0) if shared else (n, 1) if axis == 0 else (1, k)
        self._core = _core.Mixture(
            _NO_WEIGHTS if weights is None else weights.reshape(-1),
            means.reshape(-1),
            scales.reshape(-1),
            n,
            k,
            stride_k,
            stride_n,
            choice(function, "family", family, FAMILIES),
            bool(normalize),
        )

    @classmethod
    def _single(
        cls, function: str, family: str, mean: ArrayLike, scale: ArrayLike, support: tuple[int, int] | None
    ) -> Mixture:
        means = _parameters(function, "mean", mean)
        scales = _parameters(function, "scale", scale)
        try:
            means, scales = np.broadcast_arrays(means, scales)
        except ValueError:
            raise ArgumentError(
                f"{function}: mean and scale must have shapes that broadcast, "
                f"got {means.shape} and {scales.shape}"
            ) from None
        self = object.__new__(Mixture)
        self._setup(
            function,
            family,
            0,
            False,
            support,
            weights=None,
            means=np.ascontiguousarray(means[np.newaxis]),
            scales=np.ascontiguousarray(scales[np.newaxis]),
        )
        return self

    @property
    def support(self) -> tuple[int, int] | None:
        """(lo, hi), or None where messages choose."""
        return None if self._size == 0 else (self._lo, self._lo + self._size - 1)

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weights as float32, components first: shape (K, ...)."""
        weights = np.ones_like(self._means) if self._weights is None else self._weights
        return np.moveaxis(weights, self.axis, 0)

    @property
    def means(self) -> NDArray[np.float32]:
        """Means as float32, components first: shape (K, ...)."""
        return np.moveaxis(self._means, self.axis, 0)

    @property
    def scales(self) -> NDArray[np.float32]:
        """Scales as float32, components first: shape (K, ...)."""
        return np.moveaxis(self._scales, self.axis, 0)

    def with_support(self, lo: int, hi: int) -> Mixture:
        """The same model of the symbols lo..hi.

        Examples
        --------
        >>> Gaussian(0.0, 2.0).with_support(-20, 20).support
        (-20, 20)
        """
        other = object.__new__(Mixture)
        for name in Mixture.__slots__:
            setattr(other, name, getattr(self, name))
        other._lo, other._size = _support("coding.Mixture.with_support", (lo, hi))
        return other

    def __repr__(self) -> str:
        shape = "shared" if self.shape is None else f"shape {self.shape}"
        support = "" if self.support is None else f", support {self._lo}..{self._lo + self._size - 1}"
        return f"<Mixture: {self.components} {self.family}, {shape}{support}>"


def Gaussian(mean: ArrayLike, scale: ArrayLike, *, support: tuple[int, int] | None = None) -> Mixture:
    """The normal distribution with standard deviation `scale`, rounded to integers.

    Parameters
    ----------
    mean, scale : array_like of float, broadcast; two scalars are shared by all symbols
    support : as in `Mixture`

    Returns
    -------
    Mixture

    Examples
    --------
    >>> means = np.array([0.0, 10.0, -3.5])
    >>> decode(encode([1, 9, -4], Gaussian(means, 2.0)), Gaussian(means, 2.0))
    array([ 1,  9, -4], dtype=int32)
    """
    return Mixture._single("coding.Gaussian", "gaussian", mean, scale, support)


def Laplace(mean: ArrayLike, scale: ArrayLike, *, support: tuple[int, int] | None = None) -> Mixture:
    """The density ``exp(-|x - mean| / scale) / (2 scale)``, rounded to integers; arguments as in `Gaussian`.

    Examples
    --------
    >>> Laplace(0.0, 1.5)
    <Mixture: 1 laplace, shared>
    """
    return Mixture._single("coding.Laplace", "laplace", mean, scale, support)


def Logistic(mean: ArrayLike, scale: ArrayLike, *, support: tuple[int, int] | None = None) -> Mixture:
    """The distribution function ``1 / (1 + exp(-(x - mean) / scale))``, rounded; arguments as in `Gaussian`.

    Examples
    --------
    >>> Logistic(np.zeros(3), 1.5)
    <Mixture: 1 logistic, shape (3,)>
    """
    return Mixture._single("coding.Logistic", "logistic", mean, scale, support)


class CategoricalRows:
    """Symbols ``lo .. lo + n_alphabet - 1`` with a row of probabilities for each symbol of the message.

    Parameters
    ----------
    probs : array_like of float, shape (..., n_alphabet), finite, at least 0, each row with a sum in
        2^-20..2^20; only ratios count. Every symbol gets at least 2^-24, so that all can be coded
    lo : symbol of the first column

    Raises
    ------
    ArgumentError : no columns, or more than 65536. Bad values are found where the model is used
    TypeError : probabilities that are not floating point

    Examples
    --------
    >>> model = CategoricalRows([[0.5, 0.5, 0.0], [0.1, 0.1, 0.8]])
    >>> decode(encode([1, 2], model), model)
    array([1, 2], dtype=int32)
    """

    __slots__ = ("_core", "_probs", "alphabet", "lo", "shape")
    _core: _core.Rows

    def __init__(self, probs: ArrayLike, *, lo: int = 0) -> None:
        function = "coding.CategoricalRows"
        array = as_array(function, "probs", probs, "f").astype(np.float64, copy=False)
        if array.ndim == 0 or not 1 <= array.shape[-1] <= _MAX_SUPPORT:
            raise ArgumentError(f"{function}: probs must have 1 to 65536 columns, got shape {array.shape}")
        self.alphabet = array.shape[-1]
        self.shape: tuple[int, ...] = array.shape[:-1]
        self.lo = integer(function, "lo", lo, -(2**31), 2**31 - self.alphabet)
        self._probs = array.reshape(-1, self.alphabet)
        self._core = _core.Rows(array.reshape(-1), array.size // self.alphabet, self.alphabet, self.lo)

    def frequencies(self) -> NDArray[np.uint32]:
        """Integer frequencies, shape (..., n_alphabet); each row sums to 2^24."""
        n = int(np.prod(self.shape))
        edges = np.empty((n, self.alphabet + 1), np.uint32)
        self._core.edges(edges.reshape(-1))
        return np.diff(edges, axis=1).reshape(*self.shape, self.alphabet)

    def __repr__(self) -> str:
        return f"<CategoricalRows: shape {self.shape}, {self.lo}..{self.lo + self.alphabet - 1}>"


def cdf_int(model: Mixture, q: ArrayLike) -> NDArray[np.uint32]:
    """The integer cumulative function C(q) of a model with a support: what the coders use.

    Parameters
    ----------
    model : Mixture with a support lo..hi
    q : array_like of int, broadcast to the shape of the model's symbols (any shape if they are shared);
        C is 0 up to lo and 2^24 from hi + 1 on

    Returns
    -------
    ndarray of uint32. Strictly increasing in q over the support; the same on every machine

    Examples
    --------
    >>> cdf_int(Gaussian(0.0, 1.0, support=(-4, 4)), [-4, -3, 0, 1, 5])
    array([       0,     3903,  5176402, 11600813, 16777216], dtype=uint32)
    """
    function = "coding.cdf_int"
    if not isinstance(model, Mixture):
        raise TypeError(f"{function}: model must be a Mixture, got {type(model).__name__}")
    if model.support is None:
        raise ArgumentError(f"{function}: model must have a support (pass support=(lo, hi))")
    points = as_integers(function, "q", q).astype(np.int64)
    if model.shape is not None:
        points = np.ascontiguousarray(np.broadcast_to(points, model.shape))
    out = np.empty(points.shape, np.uint32)
    model._core.cdf(points.size, model._lo, model._size, points.reshape(-1), out.reshape(-1))
    return out


def pmf(model: Mixture, lo: int, hi: int) -> NDArray[np.float64]:
    """Probabilities that the coders give the symbols lo..hi: exact integer frequencies over 2^24.

    Parameters
    ----------
    model : Mixture; without a support, lo..hi is taken for it
    lo, hi : symbols

    Returns
    -------
    ndarray of float64, shape (..., hi - lo + 1), sums to 1 if lo..hi is the support

    Examples
    --------
    >>> pmf(Gaussian(0.0, 1.0), -1, 1).round(3)
    array([0.309, 0.383, 0.309])
    """
    function = "coding.pmf"
    lo, size = _support(function, (lo, hi))
    if not isinstance(model, Mixture):
        raise TypeError(f"{function}: model must be a Mixture, got {type(model).__name__}")
    if model.support is None:
        model = model.with_support(lo, lo + size - 1)
    shape = () if model.shape is None else model.shape
    edges = np.empty((*shape, size + 1), np.uint32)
    for i in range(size + 1):
        edges[..., i] = cdf_int(model, lo + i)
    wide = edges.astype(np.float64)
    return (wide[..., 1:] - wide[..., :-1]) / _TOTAL


def snap_parameters(
    weights: ArrayLike, means: ArrayLike, scales: ArrayLike, *, grid: tuple[float, float, float] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Parameters moved to a grid, so that tiny differences between two machines mostly vanish.

    Networks give slightly different parameters on other hardware, and one different integer ruins a message.
    On a grid most differences are gone; those that straddle a rounding boundary are not: this lowers the risk
    and does not remove it. Use ``param_hash=True`` to be told.

    Parameters
    ----------
    weights, means, scales : array_like of float
    grid : steps of the means, of log2 of the scales, and of the weights; by default (1/64, 1/16, 1/256),
        which costs about 0.01 % of the rate

    Returns
    -------
    weights, means, scales : float32. Weights are at least one step, and are not renormalised: pass
        ``normalize=True`` to `Mixture`

    Examples
    --------
    >>> snap_parameters([0.3, 0.7], [0.1, 2.0], [1.1, 3.0])[1]
    array([0.09375, 2.     ], dtype=float32)
    """
    function = "coding.snap_parameters"
    steps = (1 / 64, 1 / 16, 1 / 256) if grid is None else tuple(grid)
    if len(steps) != 3:
        raise ArgumentError(f"{function}: grid must have 3 steps, got {len(steps)}")
    mean_step, scale_step, weight_step = (real(function, "grid", g, 0, 1, open_low=True) for g in steps)
    w = _parameters(function, "weights", weights).astype(np.float64)
    m = _parameters(function, "means", means).astype(np.float64)
    s = _parameters(function, "scales", scales).astype(np.float64)
    if not (s > 0).all():
        raise ArgumentError(f"{function}: scales must be > 0")
    # exp2 differs between libms in the last bit of float64; rounded to float32 it very rarely does.
    return (
        (np.maximum(np.rint(w / weight_step), 1) * weight_step).astype(np.float32),
        (np.rint(m / mean_step) * mean_step).astype(np.float32),
        np.exp2(np.rint(np.log2(s) / scale_step) * scale_step).astype(np.float32),
    )
