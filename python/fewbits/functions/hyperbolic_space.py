"""Hyperbolic space of curvature -1: distances, maps between its models, sums, means, hyperplanes.

Points are rows, in one of three models:

``"ball"``      |x| < 1 in n coordinates, the Poincaré ball
``"lorentz"``   (x0, x) in n + 1 coordinates, x0 = sqrt(1 + |x|^2); distances and maps do not read x0
``"tangent"``   any vector v of n coordinates, standing for exp_0(v): |v| is the distance from the origin

In float64 the ball ends at a distance of 37.4 from the origin, the Lorentz model distinguishes neighbours up
to about 18.7; tangent vectors have no such end. Tangent vectors at other points of the ball are given in an
orthonormal frame, so that their length is a hyperbolic one too.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real
from fewbits._core import functions as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError, ConvergenceError

__all__ = [
    "convert",
    "distance",
    "exp",
    "frechet_mean",
    "geodesic",
    "hyperplane_distance",
    "lift",
    "log",
    "mobius_add",
    "polar_distance",
    "transport",
]

Array = NDArray[Any]
_MODELS: Final = ("ball", "lorentz", "tangent")


def _numbers(function: str, name: str, x: ArrayLike) -> Array:
    array = as_array(f"functions.hyperbolic_space.{function}", name, x, "fiu")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    return array


def _dtype(*arrays: Array) -> np.dtype[Any]:
    return np.result_type(*arrays)


def _rows(function: str, *named: tuple[str, Array]) -> list[Array]:
    """The arrays broadcast to one shape of at least one dimension, float64, contiguous."""
    arrays = [x for _, x in named]
    for name, x in named:
        if x.ndim == 0 or x.shape[-1] == 0:
            raise ArgumentError(
                f"functions.hyperbolic_space.{function}: {name} must have rows of coordinates, got shape "
                f"{x.shape}"
            )
    try:
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
    except ValueError:
        shape = None
    if shape is None or any(x.shape[-1] != shape[-1] for x in arrays):
        names = ", ".join(name for name, _ in named)
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ArgumentError(
            f"functions.hyperbolic_space.{function}: {names} must broadcast with one number of coordinates, "
            f"got shapes {shapes}"
        )
    return [np.ascontiguousarray(np.broadcast_to(x, shape), np.float64) for x in arrays]


def _model(function: str, name: str, model: str) -> int:
    return choice(f"functions.hyperbolic_space.{function}", name, model, _MODELS)


def _dimension(function: str, name: str, x: Array, model: str) -> int:
    n = x.shape[-1] - (model == "lorentz")
    if n < 1:
        raise ArgumentError(
            f"functions.hyperbolic_space.{function}: {name} must have at least two columns in the model "
            f"'lorentz', got {x.shape[-1]}"
        )
    return int(n)


def polar_distance(r1: ArrayLike, r2: ArrayLike, theta: ArrayLike) -> Array:
    """Distance of two points given by their distances from the origin and the angle between them.

    Parameters
    ----------
    r1, r2 : array_like, any shape
        Not negative, of any size.
    theta : array_like
        Radians. The three broadcast.

    Returns
    -------
    ndarray of float64, or float32 where all three are

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast.
    TypeError
        No real numbers.

    Notes
    -----
    At most 1.5 ulp from the exact distance of the given numbers, for radii up to 1000 and angles from 1e-12
    to pi: where the textbook's arccosh overflows, or loses every digit. NaN and negative radii give NaN.

    References
    ----------
    .. [1] G. Mishne, Z. Wan, Y. Wang, S. Yang, "The Numerical Stability of Hyperbolic Representation
       Learning", arXiv:2211.00181.

    Examples
    --------
    >>> polar_distance([1.0, 30.0, 1000.0], [2.0, 30.0, 1000.0], [np.pi / 3, 1e-8, 1e-3]).tolist()
    [1.9754344018723017, 21.7723441516759, 1984.7981949975824]
    """
    arrays = [_numbers("polar_distance", n, x) for n, x in (("r1", r1), ("r2", r2), ("theta", theta))]
    dtype = _dtype(*arrays)
    try:
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
    except ValueError:
        raise ArgumentError(
            "functions.hyperbolic_space.polar_distance: r1, r2 and theta must broadcast, got shapes "
            f"{', '.join(str(x.shape) for x in arrays)}"
        ) from None
    first, second, angle = (
        np.ascontiguousarray(np.broadcast_to(x, shape), np.float64).reshape(shape) for x in arrays
    )
    out = np.empty(shape)
    _core.hyperbolic_polar_distance(first, second, angle, out)
    return out.astype(dtype, copy=False)


def distance(x: ArrayLike, y: ArrayLike, *, model: str = "tangent") -> Array:
    """Distance of points, row by row.

    Parameters
    ----------
    x, y : array_like, (..., n), in the model ``"lorentz"`` (..., n + 1)
        They broadcast.
    model : {"tangent", "ball", "lorentz"}

    Returns
    -------
    ndarray of float64 (float32 where both are), shape without the last axis

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model.
    TypeError
        No real numbers.

    Notes
    -----
    At most 2 ulp from the distance of the points that the numbers stand for. Infinite for a point on the
    sphere of the ball, NaN outside.

    Examples
    --------
    >>> distance([0.3, 0.4], [-0.1, 0.2], model="ball").item()
    1.0154342565303058
    >>> distance([[1000.0, 0.0]], [[0.0, 1000.0]]).tolist()
    [1999.3068528194399]
    """
    which = _model("distance", "model", model)
    a, b = _numbers("distance", "x", x), _numbers("distance", "y", y)
    dtype = _dtype(a, b)
    a, b = _rows("distance", ("x", a), ("y", b))
    out = np.empty(a.shape[:-1])
    _core.hyperbolic_distance(which, _dimension("distance", "x", a, model), a, b, out)
    return out.astype(dtype, copy=False)


def convert(x: ArrayLike, source: str, target: str) -> Array:
    """Points of one model in another.

    Parameters
    ----------
    x : array_like, (..., n) or, from ``"lorentz"``, (..., n + 1)
    source, target : {"tangent", "ball", "lorentz"}
        ``"tangent"`` to ``"ball"`` is the exponential map at the origin, ``v tanh(|v| / 2) / |v|``; to
        ``"lorentz"`` it is ``(cosh |v|, v sinh |v| / |v|)``. The other ways are the logarithms.

    Returns
    -------
    ndarray of the dtype of `x`, (..., n) or, to ``"lorentz"``, (..., n + 1)

    Raises
    ------
    ArgumentError
        No rows, an unknown model.
    TypeError
        No real numbers.

    Notes
    -----
    Coordinates are at most 2 ulp off. Points further than 37.4 from the origin lie on the sphere of the ball
    in float64; beyond 710 Lorentz coordinates are infinite.

    Examples
    --------
    >>> convert([[3.0, 4.0]], "tangent", "ball").tolist()
    [[0.5919685789..., 0.7892914385...]]
    >>> convert(convert([300.0, 400.0], "tangent", "lorentz"), "lorentz", "tangent").tolist()
    [300.0, 400.0]
    """
    start, end = _model("convert", "source", source), _model("convert", "target", target)
    array = _numbers("convert", "x", x)
    (rows,) = _rows("convert", ("x", array))
    n = _dimension("convert", "x", rows, source)
    if start == end:
        return rows.astype(array.dtype)
    out = np.empty((*rows.shape[:-1], n + (target == "lorentz")))
    _core.hyperbolic_convert(start, end, n, rows, out)
    with np.errstate(over="ignore"):
        return out.astype(array.dtype, copy=False)


def lift(v: ArrayLike) -> Array:
    """The Lorentz point above a vector, ``(sqrt(1 + |v|^2), v)``: another Euclidean parametrisation.

    Parameters
    ----------
    v : array_like, (..., n)

    Returns
    -------
    ndarray of the dtype of `v`, (..., n + 1)

    Examples
    --------
    >>> lift([2.0, 2.0]).tolist()
    [3.0, 2.0, 2.0]
    """
    array = _numbers("lift", "v", v)
    (rows,) = _rows("lift", ("v", array))
    # Scaled by a power of two, so that squares stay within range.
    most = np.abs(rows).max(axis=-1, keepdims=True)
    unit = np.ldexp(1.0, -np.maximum(np.frexp(most)[1], 0))
    head = np.sqrt(unit * unit + ((rows * unit) ** 2).sum(axis=-1, keepdims=True)) / unit
    return np.concatenate([head, rows], axis=-1).astype(array.dtype, copy=False)


def mobius_add(x: ArrayLike, y: ArrayLike) -> Array:
    """Möbius sum in the ball: where y lies once the origin has been moved to x.

    Parameters
    ----------
    x, y : array_like, (..., n)
        Points of the ball; they broadcast.

    Returns
    -------
    ndarray of float64 (float32 where both are), (..., n)

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast.

    Notes
    -----
    ``((1 + 2 x.y + |y|^2) x + (1 - |x|^2) y) / (1 + 2 x.y + |x|^2 |y|^2)``, at most 1 ulp of the largest
    coordinate off.

    References
    ----------
    .. [1] A. Ungar, "A Gyrovector Space Approach to Hyperbolic Geometry" (2009).

    Examples
    --------
    >>> mobius_add([0.5, 0.0], [0.25, 0.0]).tolist()
    [0.6666666666666666, 0.0]
    """
    a, b = _numbers("mobius_add", "x", x), _numbers("mobius_add", "y", y)
    dtype = _dtype(a, b)
    a, b = _rows("mobius_add", ("x", a), ("y", b))
    out = np.empty_like(a)
    _core.hyperbolic_mobius_add(a.shape[-1], a, b, out)
    return out.astype(dtype, copy=False)


def _minkowski(x: Array, y: Array) -> Array:
    product = x * y
    return np.asarray(product[..., 1:].sum(-1, keepdims=True) - product[..., :1])


def _sinh_ratio(x: Array, scale: ArrayLike = 1.0) -> Array:
    """sinh(scale x) / sinh(x) for scale in [0, 1], x >= 0; `scale` itself at 0."""
    from fewbits.functions import exp as _exp
    from fewbits.functions import expm1

    s = np.asarray(scale, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = _exp(-(1 - s) * x) * expm1(-2 * s * x) / expm1(-2 * x)
    return np.where(x == 0, s, ratio)


def exp(v: ArrayLike, base: ArrayLike | None = None, *, model: str = "ball") -> Array:
    """The point reached from `base` along the geodesic that starts with v, of length ``|v|``.

    Parameters
    ----------
    v : array_like, (..., n); in the model ``"lorentz"`` (..., n + 1) and tangent at `base`
    base : array_like, shape of a point
        Default the origin; then v has n coordinates in both models.
    model : {"ball", "lorentz"}
        In the ball v is given in an orthonormal frame: ``v (1 - |base|^2) / 2`` in its own coordinates.

    Returns
    -------
    ndarray, points of the model

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model.

    Examples
    --------
    >>> distance([0.3, 0.4], exp([3.0, 4.0], [0.3, 0.4]), model="ball").round(12).item()
    5.0
    """
    _model("exp", "model", model)
    if model == "tangent":
        raise ArgumentError(
            "functions.hyperbolic_space.exp: model must be 'ball' or 'lorentz', got 'tangent'"
        )
    if base is None:
        return convert(v, "tangent", model)
    if model == "ball":
        return mobius_add(base, convert(v, "tangent", "ball"))
    a, b = _numbers("exp", "v", v), _numbers("exp", "base", base)
    dtype = _dtype(a, b)
    a, b = _rows("exp", ("v", a), ("base", b))
    _dimension("exp", "v", a, model)
    length = np.sqrt(np.maximum(_minkowski(a, a), 0))
    lifted = convert(length, "tangent", "lorentz")  # (cosh, sinh)
    cosh, sinh = lifted[..., :1], lifted[..., 1:]
    direction = np.divide(a, length, out=np.zeros_like(a), where=length > 0)
    return np.asarray(cosh * b + sinh * direction, dtype)


def log(y: ArrayLike, base: ArrayLike | None = None, *, model: str = "ball") -> Array:
    """The tangent vector at `base` whose geodesic reaches y: the inverse of `exp`.

    Parameters
    ----------
    y : array_like, points of the model
    base : array_like, shape of a point
        Default the origin; then the result has n coordinates in both models.
    model : {"ball", "lorentz"}

    Returns
    -------
    ndarray; its length is the distance

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model.

    Examples
    --------
    >>> log(exp([3.0, 4.0], [0.3, 0.4]), [0.3, 0.4]).round(10).tolist()
    [3.0, 4.0]
    """
    _model("log", "model", model)
    if model == "tangent":
        raise ArgumentError(
            "functions.hyperbolic_space.log: model must be 'ball' or 'lorentz', got 'tangent'"
        )
    if base is None:
        return convert(y, model, "tangent")
    if model == "ball":
        return convert(mobius_add(-_numbers("log", "base", base), y), "ball", "tangent")
    a, b = _numbers("log", "y", y), _numbers("log", "base", base)
    dtype = _dtype(a, b)
    a, b = _rows("log", ("y", a), ("base", b))
    d = distance(a, b, model="lorentz")[..., None]
    # y + <x, y> x with -<x, y> = cosh d; y - x is exact where they are close.
    half = convert(d / 2, "tangent", "lorentz")[..., 1:]
    across = (a - b) - 2 * half * half * b
    length = convert(d, "tangent", "lorentz")[..., 1:]
    ratio = np.divide(d, length, out=np.ones_like(d), where=length > 0)
    return np.asarray(across * ratio, dtype)


def transport(v: ArrayLike, x: ArrayLike, y: ArrayLike, *, model: str = "ball") -> Array:
    """A tangent vector at x carried along the geodesic to y.

    Parameters
    ----------
    v : array_like, (..., n); in the model ``"lorentz"`` (..., n + 1) and tangent at `x`
    x, y : array_like, points of the model
    model : {"ball", "lorentz"}
        In the ball vectors are given in orthonormal frames, as in `exp`.

    Returns
    -------
    ndarray, shape of `v`; its length is that of `v`

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model.

    References
    ----------
    .. [1] A. Ungar, "A Gyrovector Space Approach to Hyperbolic Geometry" (2009): gyr[y, -x] v.

    Examples
    --------
    >>> transport([1.0, 0.0], [0.0, 0.0], [0.0, 0.5]).tolist()
    [1.0, 0.0]
    """
    _model("transport", "model", model)
    if model == "tangent":
        raise ArgumentError(
            "functions.hyperbolic_space.transport: model must be 'ball' or 'lorentz', got 'tangent'"
        )
    arrays = [_numbers("transport", n, z) for n, z in (("v", v), ("x", x), ("y", y))]
    dtype = _dtype(*arrays)
    w, a, b = _rows("transport", *zip("vxy", arrays, strict=True))
    if model == "lorentz":
        along = _minkowski(b, w) / (1 - _minkowski(a, b))
        return np.asarray(w + along * (a + b), dtype)

    def dot(p: Array, q: Array) -> Array:
        return np.asarray((p * q).sum(-1, keepdims=True))

    p, q = b, -a
    pp, qq, pq, pw, qw = dot(p, p), dot(q, q), dot(p, q), dot(p, w), dot(q, w)
    first = -pw * qq + qw + 2 * pq * qw
    second = -qw * pp - pw
    moved = w + 2 * (first * p + second * q) / (1 + 2 * pq + pp * qq)
    return np.asarray(moved, dtype)


def geodesic(x: ArrayLike, y: ArrayLike, t: ArrayLike, *, model: str = "tangent") -> Array:
    """The points at the fractions `t` of the way from x to y.

    Parameters
    ----------
    x, y : array_like, points of the model
    t : array_like
        In [0, 1]; broadcasts with the rows of x and y.
    model : {"tangent", "ball", "lorentz"}

    Returns
    -------
    ndarray, points of the model

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model, fractions outside [0, 1].

    Notes
    -----
    By Lorentz coordinates, hence for points within 700 of the origin.

    Examples
    --------
    >>> geodesic([-1.0, 0.0], [3.0, 0.0], [0.0, 0.25, 0.5]).round(12).tolist()
    [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    """
    _model("geodesic", "model", model)
    a, b = _numbers("geodesic", "x", x), _numbers("geodesic", "y", y)
    dtype = _dtype(a, b)
    part = _numbers("geodesic", "t", t).astype(np.float64)[..., None]
    if not bool(((part >= 0) & (part <= 1)).all()):
        raise ArgumentError(f"functions.hyperbolic_space.geodesic: t must be in [0, 1], got {t!r}")
    a, b = _rows("geodesic", ("x", a), ("y", b))
    if model != "lorentz":
        a, b = convert(a, model, "lorentz"), convert(b, model, "lorentz")
    d = distance(a, b, model="lorentz")[..., None]
    d, part = np.broadcast_arrays(d, part)
    point = _sinh_ratio(d, 1 - part) * a + _sinh_ratio(d, part) * b
    point[..., :1] = lift(point[..., 1:])[..., :1]
    return (point if model == "lorentz" else convert(point, "lorentz", model)).astype(dtype, copy=False)


def frechet_mean(
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    model: str = "tangent",
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> Array:
    """The point with the least weighted sum of squared distances: Karcher's iteration.

    Parameters
    ----------
    points : array_like, (m, n), in the model ``"lorentz"`` (m, n + 1)
    weights : array_like, (m,)
        Not negative; default equal ones.
    model : {"tangent", "ball", "lorentz"}
    tol : float
        Stops where a step is at most `tol` times (1 + the largest distance).
    max_iter : int

    Returns
    -------
    ndarray, a point of the model

    Raises
    ------
    ArgumentError
        No points, weights of another shape, negative or all zero.
    ConvergenceError
        Steps are still too large after `max_iter`.

    References
    ----------
    .. [1] H. Karcher, "Riemannian center of mass and mollifier smoothing", Comm. Pure Appl. Math. 30 (1977).

    Examples
    --------
    >>> frechet_mean([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]]).round(12).tolist()
    [0.0, 0.0]
    """
    function = "functions.hyperbolic_space.frechet_mean"
    _model("frechet_mean", "model", model)
    limit = real(function, "tol", tol, 0.0)
    most = integer(function, "max_iter", max_iter, 1, 1 << 30)
    array = _numbers("frechet_mean", "points", points)
    if array.ndim != 2 or array.shape[0] == 0:
        raise ArgumentError(f"{function}: points must be rows, at least one, got shape {array.shape}")
    (rows,) = _rows("frechet_mean", ("points", array))
    x = rows if model == "lorentz" else convert(rows, model, "lorentz")
    w = np.ones(len(x)) if weights is None else _numbers("frechet_mean", "weights", weights)
    if w.shape != (len(x),) or not bool((w >= 0).all()) or not w.sum() > 0:
        raise ArgumentError(
            f"{function}: weights must be {len(x)} numbers that are not negative and not all zero"
        )
    w = (w / w.sum())[:, None]
    # The mean of the coordinates, back on the hyperboloid, is close.
    total = (w * x / x[:, :1]).sum(0)
    mean = total / np.sqrt(-_minkowski(total, total))
    size = np.inf
    for _ in range(most):
        steps = log(x, mean, model="lorentz")
        step = (w * steps).sum(0)
        mean = exp(step, mean, model="lorentz")
        mean[:1] = lift(mean[1:])[:1]
        size = float(np.sqrt(max(_minkowski(step, step).item(), 0.0)))
        reach = float(distance(x, mean[None], model="lorentz").max())
        if size <= limit * (1 + reach):
            result = mean if model == "lorentz" else convert(mean, "lorentz", model)
            return result.astype(array.dtype, copy=False)
    raise ConvergenceError(f"{function}: steps are still {size:g} after {most} iterations")


def hyperplane_distance(x: ArrayLike, z: ArrayLike, a: ArrayLike = 0.0, *, model: str = "tangent") -> Array:
    """Signed distance from a hyperplane, positive on the side its normal points to.

    Parameters
    ----------
    x : array_like, points of the model
    z : array_like, (..., n)
        Normal direction; any vector but zero, so that nothing constrains it. Its length does not matter.
    a : array_like
        Where the hyperplane crosses the geodesic from the origin along z; may be negative.
    model : {"tangent", "ball", "lorentz"}

    Returns
    -------
    ndarray, shape of x without the last axis

    Raises
    ------
    ArgumentError
        Shapes that do not broadcast, an unknown model.

    Notes
    -----
    ``asinh(<w, x> / |z|)`` with ``w = (|z| sinh a, z cosh a)``, from exponentials of the sum and the
    difference of the radius of x and a, for radii and offsets of any size.

    References
    ----------
    .. [1] G. Mishne, Z. Wan, Y. Wang, S. Yang, "The Numerical Stability of Hyperbolic Representation
       Learning", arXiv:2211.00181, section 5.

    Examples
    --------
    >>> hyperplane_distance([[0.0, 500.0], [0.0, -1.0]], [0.0, 1.0], 300.0).tolist()
    [200.0, -301.0]
    """
    which = _model("hyperplane_distance", "model", model)
    p, q = _numbers("hyperplane_distance", "x", x), _numbers("hyperplane_distance", "z", z)
    offset = _numbers("hyperplane_distance", "a", a)
    dtype = _dtype(p, q, offset) if np.ndim(a) else _dtype(p, q)
    if which != _MODELS.index("tangent"):
        p = convert(p.astype(np.float64), model, "tangent")
    p, q = _rows("hyperplane_distance", ("x", p), ("z", q))
    try:
        shape = np.broadcast_shapes(p.shape[:-1], offset.shape)
    except ValueError:
        raise ArgumentError(
            "functions.hyperbolic_space.hyperplane_distance: a must broadcast with the rows, got shapes "
            f"{offset.shape} and {p.shape[:-1]}"
        ) from None
    n = p.shape[-1]
    p, q = (np.ascontiguousarray(np.broadcast_to(r, (*shape, n))) for r in (p, q))
    offset = np.ascontiguousarray(np.broadcast_to(offset, shape), np.float64).reshape(shape)
    out = np.empty(shape)
    _core.hyperbolic_hyperplane_distance(n, p, q, offset, out)
    return out.astype(dtype, copy=False)
