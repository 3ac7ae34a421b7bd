"""Softmax and its losses, without absorption and without cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, thread_count
from fewbits._core import functions as _core
from fewbits._interop import as_array, as_numbers
from fewbits.errors import ArgumentError
from fewbits.functions._elementwise import check_out, writable_by_kernel

if TYPE_CHECKING:
    from fewbits.formats import FloatFormat

__all__ = [
    "Collapse",
    "cross_entropy",
    "log_softmax",
    "log_softmax_gradient",
    "log_z_penalty",
    "logsumexp",
    "perp_grad",
    "softmax",
    "softmax_collapse",
    "softmax_gradient",
    "stablemax",
]

Array = NDArray[Any]

_LOSSES: Final = ("softmax", "stablemax", "taylor", "spherical", "z", "mse")


def scores(function: str, name: str, z: ArrayLike) -> tuple[Array, np.dtype[Any]]:
    """`z` as float32 or float64, and the dtype of the result; smaller floats are computed in float32."""
    array = as_numbers(function, name, z)
    if array.dtype in (np.float32, np.float64):
        return array, array.dtype
    if array.dtype.kind in "iu":
        return array.astype(np.float64), np.dtype(np.float64)
    return array.astype(np.float32), array.dtype


@dataclass(frozen=True)
class Rows:
    """An array seen as rows along one axis."""

    flat: Array
    width: int
    shape: tuple[int, ...]
    """Of the array with the axis moved to the end."""
    axis: int

    @classmethod
    def of(cls, function: str, z: Array, axis: Any) -> Rows:
        if z.ndim == 0:
            raise ArgumentError(f"{function}: z must have at least one axis, got a scalar")
        at = integer(function, "axis", axis, -z.ndim, z.ndim - 1) % z.ndim
        moved = np.ascontiguousarray(np.moveaxis(z, at, -1))
        if moved.shape[-1] == 0:
            raise ArgumentError(f"{function}: z must have elements along axis {axis}, got shape {z.shape}")
        return cls(moved.reshape(-1), moved.shape[-1], moved.shape, at)

    def back(self, flat: Array, dtype: np.dtype[Any]) -> Array:
        """A result with an entry for each of ours, with the axis at its place."""
        array = np.moveaxis(flat.reshape(self.shape), -1, self.axis).astype(dtype, copy=False)
        return np.ascontiguousarray(array)


def _along(name: str, z: ArrayLike, axis: int, threads: int | None, out: Array | None) -> Array:
    function = f"functions.{name}"
    array, dtype = scores(function, "z", z)
    rows = Rows.of(function, array, axis)
    count = thread_count(function, threads)
    kernel = getattr(_core, name)
    if out is None:
        flat = np.empty_like(rows.flat)
        kernel(rows.flat, rows.width, flat, count)
        return rows.back(flat, dtype)
    check_out(name, "out", out, np.empty(array.shape, dtype))
    last = rows.axis == array.ndim - 1
    # Rows are read again after their first entries are written: the memory of z is no place for a kernel.
    direct = last and out.dtype == rows.flat.dtype and writable_by_kernel(out, ())
    flat = out.reshape(-1) if direct and not np.may_share_memory(out, rows.flat) else np.empty_like(rows.flat)
    kernel(rows.flat, rows.width, flat, count)
    if not np.may_share_memory(flat, out):
        out[...] = rows.back(flat, dtype)
    return out


def logsumexp(z: ArrayLike, *, axis: int = -1, threads: int | None = None) -> Array:
    """Logarithm of the sum of e^z along an axis; its gradient is `softmax`.

    Parameters
    ----------
    z : array_like, at least one axis
        float32, float64, floats of at most 16 bits (computed in float32), or integers (float64).
    axis : int
    threads : int, optional
        Rows are shared among them; 0 for all CPUs. The bits do not depend on it.

    Returns
    -------
    ndarray, shape of `z` without `axis`, dtype of `z`

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        No such axis, or no elements along it.

    Notes
    -----
    The maximum m is left out of the sum and of the logarithm: m + log1p(sum of the others). float32 within
    0.501 ulp; float64 within 2 ulp of the larger of abs(m) and log1p(sum). ``-inf`` is a masked entry. A row
    of masked entries gives -inf; +inf gives +inf; NaN gives NaN.

    References
    ----------
    .. [1] P. Blanchard, D. Higham, N. Higham, "Accurately computing the log-sum-exp and softmax functions",
       IMA J. Numer. Anal. 41 (2021).

    Examples
    --------
    >>> logsumexp([0.0, -40.0]).item()
    4.248354255291589e-18
    """
    function = "functions.logsumexp"
    array, dtype = scores(function, "z", z)
    rows = Rows.of(function, array, axis)
    out = np.empty(rows.shape[:-1], rows.flat.dtype)
    _core.logsumexp(rows.flat, rows.width, out.reshape(-1), thread_count(function, threads))
    return out.astype(dtype, copy=False)


def softmax(z: ArrayLike, *, axis: int = -1, threads: int | None = None, out: Array | None = None) -> Array:
    """e^z over its sum along an axis.

    Parameters
    ----------
    z, axis, threads : as for `logsumexp`
    out : ndarray, optional
        Where the result goes: shape and dtype of the result; it may be `z` itself.

    Returns
    -------
    ndarray, shape and dtype of `z`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        No such axis, no elements along it, or an `out` of another shape.

    Notes
    -----
    float32 within 0.501 ulp, float64 within 2 ulp for rows of up to 4096 entries. Masked entries (``-inf``)
    get 0. A row that is all masked, or that has +inf or NaN, gives NaN.

    References
    ----------
    .. [1] P. Blanchard, D. Higham, N. Higham, as for `logsumexp`.

    Examples
    --------
    >>> softmax([0.5, -1.0, float("-inf")]).round(12).tolist()
    [0.817574476194, 0.182425523806, 0.0]
    """
    return _along("softmax", z, axis, threads, out)


def log_softmax(
    z: ArrayLike, *, axis: int = -1, threads: int | None = None, out: Array | None = None
) -> Array:
    """Logarithm of `softmax`, accurate for the dominant entry as well.

    Parameters
    ----------
    z, axis, threads : as for `logsumexp`
    out : as for `softmax`

    Returns
    -------
    ndarray, shape and dtype of `z`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        No such axis, no elements along it, or an `out` of another shape.

    Notes
    -----
    For the first maximum -log1p(s), s the sum of the others, for the rest (z - m) - log1p(s): sums of numbers
    of one sign. float32 within 0.501 ulp, float64 within 2 ulp for rows of up to 4096 entries.

    References
    ----------
    .. [1] P. Blanchard, D. Higham, N. Higham, as for `logsumexp`.

    Examples
    --------
    >>> log_softmax(np.float32([0, -17, -18])).tolist()  # scipy.special.log_softmax gives 0 for the first
    [-5.662935365080557e-08, -17.0, -18.0]
    """
    return _along("log_softmax", z, axis, threads, out)


def _gradient(name: str, z: ArrayLike, g: ArrayLike, axis: int, threads: int | None) -> Array:
    function = f"functions.{name}"
    array, dtype = scores(function, "z", z)
    upstream, _ = scores(function, "g", g)
    if upstream.shape != array.shape:
        raise ArgumentError(
            f"{function}: g must have the shape of z, {array.shape}, got shape {upstream.shape}"
        )
    rows = Rows.of(function, array, axis)
    flat = Rows.of(function, upstream, axis).flat.astype(rows.flat.dtype, copy=False)
    out = np.empty_like(rows.flat)
    getattr(_core, name)(rows.flat, flat, rows.width, out, thread_count(function, threads))
    return rows.back(out, dtype)


def softmax_gradient(z: ArrayLike, g: ArrayLike, *, axis: int = -1, threads: int | None = None) -> Array:
    """Gradient with respect to `z` of the sum of ``g * softmax(z)``.

    Parameters
    ----------
    z, axis, threads : as for `softmax`
    g : array_like, shape of `z`
        Gradient with respect to the result of `softmax`.

    Returns
    -------
    ndarray, shape and dtype of `z`

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        Shapes that differ, no such axis.

    Notes
    -----
    p_j (g_j - sum p_k g_k), with g counted from its value at the maximum, so that the entry of a dominant
    class is right to rounding. Checked against mpmath.

    Examples
    --------
    >>> softmax_gradient([0.0, -40.0], [1.0, 0.0]).tolist()
    [4.248354255291589e-18, -4.248354255291589e-18]
    """
    return _gradient("softmax_gradient", z, g, axis, threads)


def log_softmax_gradient(z: ArrayLike, g: ArrayLike, *, axis: int = -1, threads: int | None = None) -> Array:
    """Gradient with respect to `z` of the sum of ``g * log_softmax(z)``.

    Parameters
    ----------
    z, g, axis, threads : as for `softmax_gradient`

    Returns
    -------
    ndarray, shape and dtype of `z`

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        Shapes that differ, no such axis.

    Notes
    -----
    g_j - p_j sum g_k; at the maximum g_j s/(1 + s) less the part of the others, never 1 - p_j.

    Examples
    --------
    >>> log_softmax_gradient([0.0, -40.0], [1.0, 0.0]).tolist()
    [4.248354255291589e-18, -4.248354255291589e-18]
    """
    return _gradient("log_softmax_gradient", z, g, axis, threads)


def stablemax(z: ArrayLike, *, axis: int = -1, threads: int | None = None, out: Array | None = None) -> Array:
    """StableMax: s(z) over its sum, s(x) = x + 1 for x >= 0 and 1/(1 - x) below.

    Parameters
    ----------
    z, axis, threads, out : as for `softmax`

    Returns
    -------
    ndarray, shape and dtype of `z`

    Raises
    ------
    TypeError
        Another dtype, or an `out` of another dtype than the result.
    ArgumentError
        No such axis, no elements along it, or an `out` of another shape.

    Notes
    -----
    The softmax of sign(z) log1p(abs(z)). Masked entries (``-inf``) get 0.

    References
    ----------
    .. [1] L. Prieto et al., "Grokking at the edge of numerical stability", arXiv 2501.04697.

    Examples
    --------
    >>> stablemax([1.0, 0.0, -1.0]).tolist()
    [0.5714285714285714, 0.2857142857142857, 0.14285714285714285]
    """
    return _along("stablemax", z, axis, threads, out)


def _targets(function: str, target: ArrayLike, rows: Rows, ignore_index: int | None) -> NDArray[np.int64]:
    array = as_array(function, "target", target, "iu")
    if array.shape != rows.shape[:-1]:
        raise ArgumentError(
            f"{function}: target must have one class for each row, shape {rows.shape[:-1]}, "
            f"got shape {array.shape}"
        )
    flat = array.reshape(-1)
    ignored = np.zeros(flat.size, bool)
    if ignore_index is not None:
        ignored = flat == integer(function, "ignore_index", ignore_index, -(2**63), 2**63 - 1)
    bad = ~ignored & ((flat < 0) | (flat >= rows.width))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ArgumentError(
            f"{function}: target must be in 0..{rows.width - 1}, got {flat[row]} in row {row}"
        )
    return np.where(ignored, -1, flat.astype(np.int64))


def cross_entropy(
    z: ArrayLike,
    target: ArrayLike,
    kind: str = "softmax",
    *,
    axis: int = -1,
    epsilon: float | None = None,
    sharpness: float = 1.0,
    location: float = 0.0,
    ignore_index: int | None = None,
    threads: int | None = None,
) -> tuple[Array, Array]:
    """Loss of each row of scores against its target class, and its gradient.

    Parameters
    ----------
    z : array_like, at least one axis
        Scores; float32, float64, floats of at most 16 bits (computed in float32), or integers (float64).
    target : array_like of int, shape of `z` without `axis`
    kind : {"softmax", "stablemax", "taylor", "spherical", "z", "mse"}
        ``"softmax"``: cross-entropy. ``"stablemax"``, ``"taylor"``, ``"spherical"``: -log(w_c / sum w) with
        the weights of `stablemax`, 1 + x + x^2/2, or x^2 + `epsilon`. ``"z"``:
        softplus(a (b - z_c)) / a of the standardised scores. ``"mse"``: distance to the unit vector of the
        class, squared.
    axis : int
        Along which the classes stand.
    epsilon : float, optional
        For ``"spherical"``, above 0 (default 1e-6); for ``"z"`` added to the standard deviation (default 0).
    sharpness, location : float
        a > 0 and b of ``"z"``.
    ignore_index : int, optional
        A target of this value has loss and gradient 0.
    threads : int, optional

    Returns
    -------
    loss : ndarray, shape of `target`, dtype of `z`
    grad : ndarray, shape and dtype of `z`
        Of the loss of each row with respect to its scores.

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        A target out of range (the message names row and value), an unknown kind, parameters out of range,
        equal scores for ``"z"`` without `epsilon`.

    Notes
    -----
    The target's part of the gradient is -sum of the others' probabilities, never p - 1; the loss is a
    logarithm of 1 plus a sum that leaves the target out. So neither is lost to rounding where the target
    dominates: ``"softmax"`` in float32 reaches 0 only where e^-gap underflows, at a gap of 103.
    Relative errors below 1e-15 in float64, 0.501 ulp in float32, where no entry is masked or infinite.
    ``-inf`` is a masked entry (NaN for ``"z"`` and ``"mse"``).

    References
    ----------
    .. [1] L. Prieto et al., "Grokking at the edge of numerical stability", arXiv 2501.04697.
    .. [2] A. de Brebisson, P. Vincent, "An exploration of softmax alternatives belonging to the spherical
       loss family", arXiv 1511.05042; "The Z-loss", arXiv 1604.08859.

    Examples
    --------
    >>> loss, grad = cross_entropy(np.float32([[30, 0, 0]]), [0])
    >>> loss.tolist(), grad[0].tolist()
    ([1.8715245824439675e-13], [-1.8715245824439675e-13, 9.357622912219837e-14, 9.357622912219837e-14])
    >>> round(cross_entropy([0.5, -1.0, 2.0, -3.25, 0.0], 0, "stablemax")[0].item(), 12)
    1.424760641948
    """
    function = "functions.cross_entropy"
    index = choice(function, "kind", kind, _LOSSES)
    array, dtype = scores(function, "z", z)
    rows = Rows.of(function, array, axis)
    targets = _targets(function, target, rows, ignore_index)
    value = 0.0
    if kind == "spherical":
        value = real(function, "epsilon", 1e-6 if epsilon is None else epsilon, 0, open_low=True)
    elif epsilon is not None:
        value = real(function, "epsilon", epsilon, 0)
    a = real(function, "sharpness", sharpness, 0, open_low=True)
    b = real(function, "location", location)
    loss, grad = np.empty(targets.size, rows.flat.dtype), np.empty_like(rows.flat)
    count = thread_count(function, threads)
    _core.cross_entropy(rows.flat, targets, rows.width, index, value, a, b, loss, grad, count)
    shaped = loss.reshape(rows.shape[:-1]).astype(dtype, copy=False)
    return shaped, rows.back(grad, dtype)


def log_z_penalty(
    z: ArrayLike, coefficient: float = 1e-4, *, axis: int = -1, threads: int | None = None
) -> tuple[Array, Array]:
    """The penalty ``coefficient * logsumexp(z)**2`` of each row, and its gradient.

    Parameters
    ----------
    z, axis, threads : as for `logsumexp`
    coefficient : float, at least 0

    Returns
    -------
    penalty : ndarray, shape of `z` without `axis`, dtype of `z`
    grad : ndarray, shape and dtype of `z`
        ``2 * coefficient * logsumexp(z) * softmax(z)``

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        No such axis, a coefficient that is negative.

    Notes
    -----
    Often called z-loss where large language models are trained; not the loss ``"z"`` of `cross_entropy`.

    Examples
    --------
    >>> log_z_penalty([0.5, -1.0, 2.0, -3.25, 0.0], 1.0)[0].item()
    5.50403937496421
    """
    function = "functions.log_z_penalty"
    weight = real(function, "coefficient", coefficient, 0)
    array, dtype = scores(function, "z", z)
    # float32 is enough for the parts only in the end.
    wide = array.astype(np.float64)
    total = logsumexp(wide, axis=axis, threads=threads)
    share = softmax(wide, axis=axis, threads=threads)
    grad = 2 * weight * np.expand_dims(total, axis) * share
    return (weight * total * total).astype(dtype), grad.astype(dtype)


@dataclass(frozen=True)
class Collapse:
    """What `softmax_collapse` finds.

    Attributes
    ----------
    fraction : float
        Of the rows that collapse.
    collapsed : ndarray of bool, one for each row
    gap : ndarray of float64
        Score of the target less the largest other score.
    loss : ndarray of float64
        The exact cross-entropy, which is above 0.
    """

    fraction: float
    collapsed: NDArray[np.bool_]
    gap: NDArray[np.float64]
    loss: NDArray[np.float64]


def softmax_collapse(
    z: ArrayLike, target: ArrayLike, *, format: str | FloatFormat = "float32", axis: int = -1
) -> Collapse:
    """Rows whose cross-entropy would be exactly 0 in the arithmetic of a format, and learn nothing.

    Parameters
    ----------
    z : array_like, at least one axis
        Scores, rounded to `format` first.
    target : array_like of int, shape of `z` without `axis`
    format : str or FloatFormat
        In which differences, exponentials and their sum, in order, are rounded.
    axis : int

    Returns
    -------
    Collapse
        Entries have the shape of `target`.

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        A target out of range, an unknown format, no such axis.

    Notes
    -----
    A row collapses where the sum of e^(z - max) rounds to 1 and the target is the maximum: all other terms
    are absorbed, the loss and the target's gradient are exactly 0. With precision p it is certain once
    (D - 1) e^-gap < 2^-p. `cross_entropy` does not collapse before e^-gap underflows.

    References
    ----------
    .. [1] L. Prieto et al., "Grokking at the edge of numerical stability", arXiv 2501.04697, section 3.

    Examples
    --------
    >>> found = softmax_collapse([[12.0, 0.0, 0.0], [20.0, 0.0, 0.0]], [0, 0], format="float32")
    >>> found.collapsed.tolist(), found.loss.tolist()
    ([False, True], [1.2288349204584067e-05, 4.1223072363804075e-09])
    """
    # At load no module knows its siblings.
    from fewbits.formats import get, round_to
    from fewbits.functions._exponential import exp

    function = "functions.softmax_collapse"
    array, _ = scores(function, "z", z)
    rows = Rows.of(function, array, axis)
    targets = _targets(function, target, rows, None)
    chosen = get(format)

    def rounded(x: Array) -> Array:
        return round_to(x, chosen, saturate="none")

    naive = rounded(rows.flat.astype(np.float64)).reshape(-1, rows.width)
    top = naive.max(axis=1, keepdims=True)
    terms = rounded(exp(rounded(naive - top)))
    total = np.zeros(len(naive))
    for column in terms.T:  # in order, as a loop would
        total = rounded(total + column)
    at = np.arange(len(naive))
    collapsed = (total == 1) & (naive[at, targets] == top[:, 0])
    exact = rows.flat.reshape(-1, rows.width).astype(np.float64)
    others = exact.copy()
    others[at, targets] = -np.inf
    gap = exact[at, targets] - others.max(axis=1)
    loss, _ = cross_entropy(exact, targets)
    shape = rows.shape[:-1]
    fraction = float(collapsed.mean()) if collapsed.size else 0.0
    return Collapse(fraction, collapsed.reshape(shape), gap.reshape(shape), loss.reshape(shape))


def perp_grad(
    grad: ArrayLike | Sequence[ArrayLike],
    weights: ArrayLike | Sequence[ArrayLike],
    *,
    mode: str = "tensor",
    renormalize: bool = True,
) -> Any:
    """The part of a gradient that is orthogonal to the weights.

    Parameters
    ----------
    grad : array_like, or a list or tuple of arrays
        float32 or float64, any shape.
    weights : the same kind and shapes as `grad`
    mode : {"tensor", "global"}
        For several tensors: project each by itself, or all as one vector.
    renormalize : bool
        Rescale to the length of `grad`.

    Returns
    -------
    ndarray, or list of ndarray, shapes and dtypes of `grad`

    Raises
    ------
    TypeError
        Another dtype.
    ArgumentError
        Shapes or dtypes that differ, an unknown mode.

    Notes
    -----
    ``g - (<w, g> / <w, w>) w``, inner products in float64: ``abs(<w, result>) <= 4 eps |w| |g|``. Where what
    is left is below 8 eps sqrt(n) of abs(g) it is rounding noise, and zeros are returned. w = 0 leaves g as
    it is.

    References
    ----------
    .. [1] L. Prieto et al., "Grokking at the edge of numerical stability", arXiv 2501.04697, section 4.

    Examples
    --------
    >>> perp_grad(np.array([1.0, 1.0]), np.array([2.0, 0.0]), renormalize=False).tolist()
    [0.0, 1.0]
    """
    function = "functions.perp_grad"
    choice(function, "mode", mode, ("tensor", "global"))
    several = isinstance(grad, list | tuple)
    if several != isinstance(weights, list | tuple):
        raise ArgumentError(f"{function}: grad and weights must both be arrays, or both lists of arrays")
    grads: list[Any] = list(grad) if isinstance(grad, list | tuple) else [grad]
    others: list[Any] = list(weights) if isinstance(weights, list | tuple) else [weights]
    pairs = []
    for g, w in zip(grads, others, strict=False):
        a, b = as_array(function, "grad", g, "f"), as_array(function, "weights", w, "f")
        if a.dtype not in (np.float32, np.float64):
            raise TypeError(f"{function}: grad must be float32 or float64, got {a.dtype}")
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ArgumentError(
                f"{function}: weights must have the shape and dtype of grad, {a.shape} {a.dtype}, "
                f"got {b.shape} {b.dtype}"
            )
        pairs.append((a, b))
    if len(grads) != len(others):
        raise ArgumentError(
            f"{function}: weights must have the length of grad, {len(grads)}, got {len(others)}"
        )
    if len({a.dtype for a, _ in pairs}) > 1:
        raise ArgumentError(f"{function}: the arrays of grad must have one dtype")
    groups = [pairs] if mode == "global" else [[pair] for pair in pairs]
    results = []
    for group in groups:
        flat = [(b.reshape(-1), a.reshape(-1)) for a, b in group]
        sums = np.zeros(3)
        for w, g in flat:
            sums += _core.perp_sums(w, g)
        rest = np.zeros(2)
        if sums[0] > 0:
            for w, g in flat:
                rest += _core.perp_rest(w, g, float(sums[1] / sums[0]))
        size = sum(g.size for _, g in flat)
        for (w, g), (a, _) in zip(flat, group, strict=True):
            out = np.empty_like(g)
            _core.perp_apply(w, g, sums.tolist(), rest.tolist(), size, bool(renormalize), out)
            results.append(out.reshape(a.shape))
    return results if several else results[0]
