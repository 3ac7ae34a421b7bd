"""Activations with parameters, and bases for learned functions: values and gradients, float32 and float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real
from fewbits._core import functions as _core
from fewbits._interop import as_array
from fewbits.errors import ArgumentError
from fewbits.functions._logistic import sigmoid, silu
from fewbits.functions._softmax import scores
from fewbits.functions._trigonometric import cos, sin

__all__ = [
    "af_kan_features",
    "bspline_basis",
    "evonorm_b0",
    "evonorm_s0",
    "fourier",
    "hermite",
    "hermite_fit",
    "kan_edge",
    "pade",
    "pade_layer",
    "poly_norm",
    "poly_relu",
    "tropical",
    "tropical_rational",
]

Array = NDArray[Any]
_COMBINATIONS: Final = ("quad1", "quad2", "sum", "prod", "sum_prod", "cubic1", "cubic2", "relu_kan")


def _input(name: str, x: ArrayLike) -> tuple[Array, np.dtype[Any]]:
    """`x` in float64, and the dtype of results: float32 results are float64 ones, rounded once."""
    array, dtype = scores(f"functions.activations.{name}", "x", x)
    return array.astype(np.float64), dtype


def _parameters(name: str, argument: str, values: ArrayLike | None, default: Array) -> Array:
    if values is None:
        return default
    function = f"functions.activations.{name}"
    array = as_array(function, argument, values, "fiu").astype(np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ArgumentError(f"{function}: {argument} must be a row of numbers, got shape {array.shape}")
    return array


def _upstream(name: str, g: ArrayLike, shape: tuple[int, ...]) -> Array:
    array, _ = scores(f"functions.activations.{name}", "g", g)
    if array.shape != shape:
        raise ArgumentError(
            f"functions.activations.{name}: g must have shape {shape}, got shape {array.shape}"
        )
    return array.astype(np.float64)


def _elementwise(
    y: Array, dx: Array, parameters: list[Array], dtype: np.dtype[Any]
) -> tuple[Array, Array, Array]:
    stacked = np.stack(np.broadcast_arrays(*parameters), axis=-1)
    return y.astype(dtype), dx.astype(dtype), stacked.astype(dtype)


def poly_relu(
    x: ArrayLike, weights: ArrayLike | None = None, bias: float = 0.0
) -> tuple[Array, Array, Array]:
    """PolyReLU: bias + w_1 r + w_2 r^2 + ... of r = max(x, 0).

    Parameters
    ----------
    x : array_like, any shape
    weights : array_like, shape (order,), optional
        Of r, r^2, ...; 1/3 each for order 3 by default.
    bias : float

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
        Value, and derivative by `x` (0 at 0).
    dparameters : ndarray, shape of `x` + (order + 1,)
        Derivatives by the bias and by the weights.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Weights that are no row.

    References
    ----------
    .. [1] Z. Zhuo et al., "Polynomial Composition Activations", arXiv 2411.03884.

    Examples
    --------
    >>> y, dx, _ = activations.poly_relu([-1.0, 2.0], [1.0, 0.5, 0.25])
    >>> y.tolist(), dx.tolist()
    ([0.0, 6.0], [0.0, 6.0])
    """
    v, dtype = _input("poly_relu", x)
    w = _parameters("poly_relu", "weights", weights, np.full(3, 1 / 3))
    b = real("functions.activations.poly_relu", "bias", bias)
    r = np.maximum(v, 0)
    y, slope = np.zeros_like(r), np.zeros_like(r)
    for c in w[::-1]:  # Horner's scheme for value and derivative
        slope = slope * r + y
        y = y * r + c
    slope, y = slope * r + y, y * r + b
    powers = [np.ones_like(r)]
    for _ in w:
        powers.append(powers[-1] * r)
    return _elementwise(y, np.where(v > 0, slope, 0.0), powers, dtype)


def poly_norm(
    x: ArrayLike,
    weights: ArrayLike | None = None,
    bias: float = 0.0,
    *,
    epsilon: float = 1e-6,
    g: ArrayLike | None = None,
) -> Any:
    """PolyNorm: bias + sum of w_k N(x^k), N(u) = u / sqrt(mean(u^2 over the last axis) + epsilon).

    Parameters
    ----------
    x : array_like, at least one axis
    weights : array_like, shape (order,), optional
        Of N(x), N(x^2), ...; 1/3 each for order 3 by default.
    bias : float
    epsilon : float, at least 0
    g : array_like, shape of `x`, optional
        Gradient with respect to the result.

    Returns
    -------
    y : ndarray, shape and dtype of `x`
    With `g` also dx : ndarray like `x`, dweights : shape (order,), dbias : float

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Shapes that do not fit, a negative epsilon.

    Notes
    -----
    Computed in float64: powers of 16-bit floats do not overflow.

    References
    ----------
    .. [1] Z. Zhuo et al., "Polynomial Composition Activations", arXiv 2411.03884.

    Examples
    --------
    >>> activations.poly_norm([0.5, -1.0, 2.0, -3.25, 0.0]).round(6).tolist()
    [0.112792, -0.142858, 0.806858, -0.640627, 0.0]
    """
    function = "functions.activations.poly_norm"
    v, dtype = _input("poly_norm", x)
    if v.ndim == 0:
        raise ArgumentError(f"{function}: x must have at least one axis, got a scalar")
    w = _parameters("poly_norm", "weights", weights, np.full(3, 1 / 3))
    b = real(function, "bias", bias)
    e = real(function, "epsilon", epsilon, 0)
    y, power, parts = np.full_like(v, b), np.ones_like(v), []
    for c in w:
        before, power = power, power * v
        scale = 1 / np.sqrt((power * power).mean(axis=-1, keepdims=True) + e)
        parts.append((before, power, scale))
        y = y + c * (power * scale)
    if g is None:
        return y.astype(dtype)
    u = _upstream("poly_norm", g, v.shape)
    dx, dw = np.zeros_like(v), np.zeros(len(w))
    for k, (c, (before, power, scale)) in enumerate(zip(w, parts, strict=True)):
        n = power * scale
        dw[k] = (u * n).sum()
        # N has the derivative scale (1 - n n^T / width).
        inner = scale * (u - n * (u * n).mean(axis=-1, keepdims=True))
        dx = dx + c * inner * (k + 1) * before
    return y.astype(dtype), dx.astype(dtype), dw, float(u.sum())


def _hermite_start(n: int) -> Array:
    a = np.full(n + 1, math.exp(-0.5))
    a[0] *= math.sqrt(1 - 1 / math.factorial(n))
    return a


def _hermite_terms(v: Array, n: int) -> list[Array]:
    """He_k(x)/k! for k = 0..n, by the three-term recurrence."""
    terms = [np.ones_like(v), v.copy()]
    for k in range(1, n):
        terms.append((v * terms[k] - terms[k - 1]) / (k + 1))
    return terms[: n + 1]


def hermite(
    x: ArrayLike, coefficients: ArrayLike | None = None, *, degree: int = 3
) -> tuple[Array, Array, Array]:
    """Sum of a_k He_k(x)/k!, He_k the probabilists' Hermite polynomials.

    Parameters
    ----------
    x : array_like, any shape
    coefficients : array_like, shape (degree + 1,), optional
        By default e^-1/2, and the first e^-1/2 sqrt(1 - 1/degree!): for normal x value and derivative then
        have one second moment.
    degree : int in 1..64
        Where `coefficients` is not given.

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    dcoefficients : ndarray, shape of `x` + (degree + 1,)

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Coefficients that are no row, a degree out of range.

    References
    ----------
    .. [1] "Learnable polynomial, trigonometric, and tropical activations", arXiv 2502.01247.

    Examples
    --------
    >>> y, dx, _ = activations.hermite(0.7)
    >>> y.item(), dx.item()
    (0.645977955624771..., 0.876436803284755...)
    """
    v, dtype = _input("hermite", x)
    n = integer("functions.activations.hermite", "degree", degree, 1, 64)
    a = _parameters("hermite", "coefficients", coefficients, _hermite_start(n))
    terms = _hermite_terms(v, max(1, len(a) - 1))[: len(a)]
    y = sum((c * t for c, t in zip(a, terms, strict=True)), np.zeros_like(v))
    dx = sum((c * t for c, t in zip(a[1:], terms, strict=False)), np.zeros_like(v))
    return _elementwise(y, dx, terms, dtype)


def hermite_fit(values: ArrayLike, slopes: ArrayLike, x: ArrayLike, degree: int) -> Array:
    """Coefficients of `hermite` nearest to given values and derivatives, by linear least squares.

    Parameters
    ----------
    values, slopes, x : array_like, shape (points,)
        Of the activation to match; points in [-sqrt(degree), sqrt(degree)] serve well.
    degree : int in 1..64

    Returns
    -------
    ndarray, shape (degree + 1,)

    Raises
    ------
    ArgumentError
        Shapes that differ, or fewer than degree + 1 points.

    Examples
    --------
    >>> import fewbits.functions as ff
    >>> x = np.linspace(-2, 2, 41)
    >>> s = ff.sigmoid(x)
    >>> a = activations.hermite_fit(s, s * (1 - s), x, 4)
    >>> bool(abs(activations.hermite(x, a)[0] - s).max() < 0.01)
    True
    """
    function = "functions.activations.hermite_fit"
    n = integer(function, "degree", degree, 1, 64)
    v, f, d = (
        as_array(function, name, z, "fiu").astype(np.float64)
        for name, z in (("x", x), ("values", values), ("slopes", slopes))
    )
    if v.ndim != 1 or f.shape != v.shape or d.shape != v.shape or v.size < n + 1:
        raise ArgumentError(
            f"{function}: x, values and slopes must be rows of at least {n + 1} numbers, "
            f"got shapes {v.shape}, {f.shape}, {d.shape}"
        )
    terms = _hermite_terms(v, n)
    design = np.concatenate([np.stack(terms, 1), np.stack([np.zeros_like(v), *terms[:-1]], 1)])
    return np.asarray(np.linalg.lstsq(design, np.concatenate([f, d]), rcond=None)[0])


# 1 / sqrt(I_0(2))
_FOURIER_START: Final = 0.6623264148718883


def fourier(
    x: ArrayLike,
    amplitudes: ArrayLike | None = None,
    phases: ArrayLike | None = None,
    frequencies: ArrayLike | None = None,
    *,
    degree: int = 3,
) -> tuple[Array, Array, Array]:
    """a_0 + sum of a_k cos(w_k x - phi_k)/k!.

    Parameters
    ----------
    x : array_like, any shape
    amplitudes : array_like, shape (degree + 1,), optional
        a_k = I_0(2)^-1/2, and a_0 = that times sqrt(1 - 1/(degree!)^2).
    phases, frequencies : array_like, shape (degree,), optional
        pi/4, and k.
    degree : int in 1..64
        Where none of them is given.

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    dparameters : ndarray, shape of `x` + (3 degree + 1,)
        By amplitudes, phases, frequencies.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Rows whose lengths do not fit.

    References
    ----------
    .. [1] arXiv 2502.01247, as for `hermite`.

    Examples
    --------
    >>> activations.fourier(0.7)[0].item()
    1.61150915395688...
    """
    function = "functions.activations.fourier"
    v, dtype = _input("fourier", x)
    n = integer(function, "degree", degree, 1, 64)
    for given, extra in ((amplitudes, 1), (phases, 0), (frequencies, 0)):
        if given is not None:
            n = np.size(given) - extra
            break
    start = np.full(n + 1, _FOURIER_START)
    start[0] *= math.sqrt(1 - 1 / math.factorial(n) ** 2)
    a = _parameters("fourier", "amplitudes", amplitudes, start)
    p = _parameters("fourier", "phases", phases, np.full(n, math.pi / 4))
    w = _parameters("fourier", "frequencies", frequencies, np.arange(1.0, n + 1))
    if not len(a) - 1 == len(p) == len(w):
        raise ArgumentError(
            f"{function}: amplitudes must have one element more than phases and frequencies, "
            f"got {len(a)}, {len(p)}, {len(w)}"
        )
    y, dx = np.full_like(v, a[0]), np.zeros_like(v)
    by_a, by_p, by_w = [np.ones_like(v)], [], []
    for k in range(n):
        size = 1 / math.factorial(k + 1)
        angle = w[k] * v - p[k]
        c, s = size * cos(angle), size * sin(angle)
        y = y + a[k + 1] * c
        dx = dx - a[k + 1] * w[k] * s
        by_a.append(c)
        by_p.append(a[k + 1] * s)
        by_w.append(-a[k + 1] * v * s)
    return _elementwise(y, dx, [*by_a, *by_p, *by_w], dtype)


def _first_maximum(v: Array, slopes: Array, offsets: Array) -> tuple[Array, Array]:
    """The largest of slope x + offset, and which it is, the first of equals."""
    lines = v[..., None] * slopes + offsets
    index = lines.argmax(axis=-1)
    return np.take_along_axis(lines, index[..., None], -1)[..., 0], index


def tropical(
    x: ArrayLike, offsets: ArrayLike | None = None, *, degree: int = 3
) -> tuple[Array, Array, Array]:
    """(sqrt(2)/n) max over k = 0..n of k x + a_k: a tropical polynomial.

    Parameters
    ----------
    x : array_like, any shape
    offsets : array_like, shape (degree + 1,), optional
        a_k, 1 by default.
    degree : int in 1..64
        Where `offsets` is not given.

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    doffsets : ndarray, shape of `x` + (degree + 1,)
        Of the first of equal maxima.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Offsets that are no row of at least two.

    References
    ----------
    .. [1] arXiv 2502.01247, as for `hermite`.

    Examples
    --------
    >>> activations.tropical([-1.0, 2.0])[1].round(4).tolist()
    [0.0, 1.4142]
    """
    v, dtype = _input("tropical", x)
    n = integer("functions.activations.tropical", "degree", degree, 1, 64)
    a = _parameters("tropical", "offsets", offsets, np.ones(n + 1))
    if len(a) < 2:
        raise ArgumentError("functions.activations.tropical: offsets must have at least 2 elements, got 1")
    n = len(a) - 1
    scale = math.sqrt(2) / n
    y, index = _first_maximum(v, np.arange(n + 1.0), a)
    hits = (index[..., None] == np.arange(n + 1)) * scale
    return (scale * y).astype(dtype), (scale * index).astype(dtype), hits.astype(dtype)


def tropical_rational(
    x: ArrayLike,
    upper_slopes: ArrayLike,
    upper_offsets: ArrayLike,
    lower_slopes: ArrayLike,
    lower_offsets: ArrayLike,
) -> tuple[Array, Array, Array]:
    """Difference of two maxima of lines: max(s_k x + a_k) - max(t_k x + b_k).

    Parameters
    ----------
    x : array_like, any shape
    upper_slopes, upper_offsets : array_like, shape (m,)
    lower_slopes, lower_offsets : array_like, shape (n,)

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    dparameters : ndarray, shape of `x` + (2 m + 2 n,)
        In the order of the arguments.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Rows whose lengths do not fit.

    Examples
    --------
    >>> activations.tropical_rational([-2.0, 3.0], [0, 1], [0, 0], [0], [0])[0].tolist()  # ReLU
    [0.0, 3.0]
    """
    v, dtype = _input("tropical_rational", x)
    rows = [
        _parameters("tropical_rational", name, values, np.zeros(0))
        for name, values in (
            ("upper_slopes", upper_slopes), ("upper_offsets", upper_offsets), ("lower_slopes", lower_slopes),
            ("lower_offsets", lower_offsets),
        )
    ]  # fmt: skip
    if len(rows[0]) != len(rows[1]) or len(rows[2]) != len(rows[3]):
        raise ArgumentError(
            "functions.activations.tropical_rational: slopes and offsets must have one length, got "
            f"{[len(r) for r in rows]}"
        )
    top, i = _first_maximum(v, rows[0], rows[1])
    bottom, j = _first_maximum(v, rows[2], rows[3])
    up = (i[..., None] == np.arange(len(rows[0]))).astype(float)
    down = -(j[..., None] == np.arange(len(rows[2]))).astype(float)
    parameters = np.concatenate([up * v[..., None], up, down * v[..., None], down], axis=-1)
    return (top - bottom).astype(dtype), (rows[0][i] - rows[2][j]).astype(dtype), parameters.astype(dtype)


def pade(x: ArrayLike, numerator: ArrayLike, denominator: ArrayLike) -> tuple[Array, Array, Array]:
    """The safe quotient P(x) / (1 + |b_1 x + b_2 x^2 + ...|), which has no pole.

    Parameters
    ----------
    x : array_like, any shape
    numerator : array_like, shape (m + 1,)
        Coefficients of 1, x, x^2, ...
    denominator : array_like, shape (n,)
        b_1, b_2, ...

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    dparameters : ndarray, shape of `x` + (m + 1 + n,)

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Coefficients that are no rows.

    References
    ----------
    .. [1] A. Molina, P. Schramowski, K. Kersting, "Pade Activation Units", arXiv 1907.06732; Pade neurons:
       arXiv
       2403.11791.

    Examples
    --------
    >>> activations.pade([1.0, -1.0], [0, 1], [0, 1])[0].tolist()
    [0.5, -0.5]
    """
    v, dtype = _input("pade", x)
    a = _parameters("pade", "numerator", numerator, np.zeros(0))
    b = _parameters("pade", "denominator", denominator, np.zeros(0))
    powers = [np.ones_like(v)]
    for _ in range(max(len(a) - 1, len(b))):
        powers.append(powers[-1] * v)

    def polynomial(c: Array, shift: int) -> tuple[Array, Array]:
        value = sum((k * p for k, p in zip(c, powers[shift:], strict=False)), np.zeros_like(v))
        slope = sum(
            ((i + shift) * k * powers[i + shift - 1] for i, k in enumerate(c) if i + shift), np.zeros_like(v)
        )
        return value, slope

    P, dP = polynomial(a, 0)
    inner, dinner = polynomial(b, 1)
    sign, q = np.sign(inner), 1 + np.abs(inner)
    y = P / q
    by_a = [p / q for p in powers[: len(a)]]
    by_b = [-y * sign * p / q for p in powers[1 : len(b) + 1]]
    return _elementwise(y, (dP - y * sign * dinner) / q, [*by_a, *by_b], dtype)


def pade_layer(
    x: ArrayLike, bias: ArrayLike, above: list[ArrayLike], below: list[ArrayLike], *, smooth: bool = False
) -> tuple[Array, float]:
    """Pade neurons: (a_0 + sum A_k x^k) / (1 + sum B_k x^k), powers taken elementwise.

    Parameters
    ----------
    x : array_like, shape (..., inputs)
    bias : array_like, shape (outputs,)
    above, below : lists of array_like, shape (outputs, inputs)
        A_1 ... A_K and B_1 ... B_L, K and L at least 1.
    smooth : bool
        (Q_L P_K + Q_{L-1} P_{K-1}) / (Q_L^2 + Q_{L-1}^2), with Q_0 = 1.

    Returns
    -------
    y : ndarray, shape (..., outputs), dtype of `x`
    least : float
        The least magnitude of a denominator; near 0 the layer has a pole.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Shapes that do not fit.

    References
    ----------
    .. [1] Pade neurons: arXiv 2403.11791, 2601.04005.

    Examples
    --------
    >>> activations.pade_layer([1.0, 2.0], [0.0], [[[1.0, 1.0]]], [[[0.5, 0.0]]])
    (array([2.]), 1.5)
    """
    function = "functions.activations.pade_layer"
    v, dtype = _input("pade_layer", x)
    b = _parameters("pade_layer", "bias", bias, np.zeros(0))
    if v.ndim == 0 or not above or not below:
        raise ArgumentError(f"{function}: x must have an axis, above and below at least one matrix")
    shape = (len(b), v.shape[-1])

    def sums(name: str, matrices: list[ArrayLike], start: Array | float) -> tuple[Array, Array]:
        """Of all powers, and of all but the last."""
        total = np.zeros((*v.shape[:-1], len(b))) + start
        before, power = total, np.ones_like(v)
        for m in matrices:
            matrix = as_array(function, name, m, "fiu").astype(np.float64)
            if matrix.shape != shape:
                raise ArgumentError(
                    f"{function}: {name} must hold matrices of shape {shape}, got {matrix.shape}"
                )
            power = power * v
            before, total = total, total + power @ matrix.T
        return total, before

    (P, P_before), (Q, Q_before) = sums("above", above, b), sums("below", below, 1.0)
    if smooth:
        numerator, denominator = Q * P + Q_before * P_before, Q * Q + Q_before * Q_before
    else:
        numerator, denominator = P, Q
    with np.errstate(all="ignore"):
        y = numerator / denominator
    return y.astype(dtype), float(np.abs(denominator).min()) if denominator.size else math.inf


def _moments(v: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Centred values and population variance, in two passes."""
    centred = v - v.mean(axis=axes, keepdims=True)
    return centred, (centred * centred).mean(axis=axes, keepdims=True)


def evonorm_s0(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    v: ArrayLike,
    *,
    groups: int = 32,
    epsilon: float = 1e-5,
    g: ArrayLike | None = None,
) -> Any:
    """EvoNorm-S0: x sigmoid(v x) / sqrt(variance of the group + epsilon) * gamma + beta.

    Parameters
    ----------
    x : array_like, shape (batch, channels, ...)
    gamma, beta, v : array_like, shape (channels,)
    groups : int
        Divides the channels.
    epsilon : float, at least 0
    g : array_like, shape of `x`, optional
        Gradient with respect to the result.

    Returns
    -------
    y : ndarray, shape and dtype of `x`
    With `g` also dx, dgamma, dbeta, dv

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Shapes that do not fit.

    References
    ----------
    .. [1] H. Liu et al., "Evolving Normalization-Activation Layers", arXiv 2004.02967.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 8).reshape(1, 2, 4)
    >>> activations.evonorm_s0(x, [1, 1], [0, 0], [1, 1], groups=1).shape
    (1, 2, 4)
    """
    function = "functions.activations.evonorm_s0"
    X, dtype = _input("evonorm_s0", x)
    if X.ndim < 2:
        raise ArgumentError(f"{function}: x must have shape (batch, channels, ...), got {X.shape}")
    channels = X.shape[1]
    count = integer(function, "groups", groups, 1, channels)
    if channels % count:
        raise ArgumentError(f"{function}: groups must divide the channels, {channels}, got {groups}")
    e = real(function, "epsilon", epsilon, 0)
    wide = (1, channels, *(1,) * (X.ndim - 2))
    rows = (("gamma", gamma), ("beta", beta), ("v", v))
    a, b, w = (_per_channel(function, n, z, channels).reshape(wide) for n, z in rows)
    grouped = X.reshape(X.shape[0], count, -1)
    centred, variance = _moments(grouped, (2,))
    inverse = np.broadcast_to(1 / np.sqrt(variance + e), grouped.shape).reshape(X.shape)
    s = sigmoid(w * X)
    y = X * s * inverse * a + b
    if g is None:
        return y.astype(dtype)
    u = _upstream("evonorm_s0", g, X.shape)
    # d(x s)/dx = s (1 + v x (1 - s)); 1 - s from the other side.
    other = sigmoid(-w * X)
    direct = u * a * inverse * s * (1 + w * X * other)
    pull = (u * a * X * s).reshape(grouped.shape).sum(axis=2, keepdims=True)
    through = -centred * (variance + e) ** -1.5 * pull / grouped.shape[2]
    others = tuple(i for i in range(X.ndim) if i != 1)
    return (
        y.astype(dtype),
        (direct + through.reshape(X.shape)).astype(dtype),
        (u * X * s * inverse).sum(axis=others),
        u.sum(axis=others),
        (u * a * inverse * X * X * s * other).sum(axis=others),
    )


def _per_channel(function: str, name: str, values: ArrayLike, channels: int) -> Array:
    array = as_array(function, name, values, "fiu").astype(np.float64)
    if array.shape != (channels,):
        raise ArgumentError(f"{function}: {name} must have shape ({channels},), got {array.shape}")
    return array


def evonorm_b0(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    v: ArrayLike,
    *,
    running: ArrayLike | None = None,
    momentum: float = 0.9,
    training: bool = True,
    epsilon: float = 1e-5,
    g: ArrayLike | None = None,
) -> Any:
    """EvoNorm-B0: x / max(sqrt(batch var + epsilon), v x + sqrt(instance var + epsilon)) * gamma + beta.

    Parameters
    ----------
    x : array_like, shape (batch, channels, ...)
    gamma, beta, v : array_like, shape (channels,)
    running : array_like, shape (channels,), optional
        Running batch variance (ones by default): used where not `training`, updated where `training`.
    momentum : float in [0, 1]
        Of the running variance.
    training : bool
    epsilon : float, at least 0
    g : array_like, shape of `x`, optional
        Gradient with respect to the result.

    Returns
    -------
    y : ndarray, shape and dtype of `x`
    running : ndarray, shape (channels,)
    With `g` also dx, dgamma, dbeta, dv

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Shapes that do not fit.

    References
    ----------
    .. [1] H. Liu et al., "Evolving Normalization-Activation Layers", arXiv 2004.02967.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 8).reshape(1, 2, 4)
    >>> y, running = activations.evonorm_b0(x, [1, 1], [0, 0], [1, 1])
    >>> running.round(4).tolist()
    [0.9102, 0.9102]
    """
    function = "functions.activations.evonorm_b0"
    X, dtype = _input("evonorm_b0", x)
    if X.ndim < 2:
        raise ArgumentError(f"{function}: x must have shape (batch, channels, ...), got {X.shape}")
    channels = X.shape[1]
    e = real(function, "epsilon", epsilon, 0)
    m = real(function, "momentum", momentum, 0, 1)
    wide = (1, channels, *(1,) * (X.ndim - 2))
    rows = (("gamma", gamma), ("beta", beta), ("v", v))
    a, b, w = (_per_channel(function, n, z, channels).reshape(wide) for n, z in rows)
    held = np.ones(channels) if running is None else _per_channel(function, "running", running, channels)
    others = tuple(i for i in range(X.ndim) if i != 1)
    spatial = tuple(range(2, X.ndim))
    batch_centred, batch = _moments(X, others)
    centred, instance = _moments(X, spatial) if spatial else (np.zeros_like(X), np.zeros_like(X))
    if training:
        held = m * held + (1 - m) * batch.reshape(channels)
    else:
        batch = held.reshape(wide)
    first = np.broadcast_to(np.sqrt(batch + e), X.shape)
    root = np.sqrt(instance + e)
    second = w * X + root
    use_batch = first >= second
    d = np.where(use_batch, first, second)
    y = X / d * a + b
    if g is None:
        return y.astype(dtype), held
    u = _upstream("evonorm_b0", g, X.shape)
    by_d = -u * a * X / (d * d)
    dx = u * a / d
    if training:
        pull = np.where(use_batch, by_d, 0).sum(axis=others, keepdims=True)
        dx = dx + pull * batch_centred / np.sqrt(batch + e) / (X.size / channels)
    mine = np.where(use_batch, 0, by_d)
    dx = dx + mine * w
    if spatial:
        pull = mine.sum(axis=spatial, keepdims=True)
        dx = dx + pull * centred / root / math.prod(X.shape[2:])
    return (
        y.astype(dtype),
        held,
        dx.astype(dtype),
        (u * X / d).sum(axis=others),
        u.sum(axis=others),
        (mine * X).sum(axis=others),
    )


def bspline_basis(x: ArrayLike, knots: ArrayLike, degree: int = 3, *, derivative: bool = False) -> Array:
    """B-splines of a degree on any knots, at points.

    Parameters
    ----------
    x : array_like, any shape
    knots : array_like, shape (m,), nondecreasing
    degree : int in 0..15
    derivative : bool
        The derivatives instead.

    Returns
    -------
    ndarray, shape of `x` + (m - degree - 1,), dtype of `x`
        At most degree + 1 of a row are not 0. Outside the knots all are 0.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Fewer than degree + 2 knots, knots that decrease or are all equal.

    Notes
    -----
    Cox and de Boor's recursion for the functions that are not 0, in C++; the same bits on every machine.

    References
    ----------
    .. [1] C. de Boor, "A Practical Guide to Splines", revised edition (2001), chapter IX.

    Examples
    --------
    >>> activations.bspline_basis([0.5], [0, 1, 2, 3], 2).tolist()
    [[0.125]]
    """
    function = "functions.activations.bspline_basis"
    array, dtype = scores(function, "x", x)
    t = as_array(function, "knots", knots, "fiu").astype(np.float64)
    d = integer(function, "degree", degree, 0, 15)
    if t.ndim != 1 or t.size < d + 2 or not (np.diff(t) >= 0).all() or not t[0] < t[-1]:
        raise ArgumentError(
            f"{function}: knots must be at least {d + 2} numbers that do not decrease, got shape {t.shape}"
        )
    out = np.empty((*array.shape, t.size - d - 1), array.dtype)
    _core.bspline_basis(array.reshape(-1), t, d, bool(derivative), out.reshape(-1))
    return out.astype(dtype, copy=False)


def kan_edge(
    x: ArrayLike,
    coefficients: ArrayLike,
    base_weight: float = 1.0,
    spline_weight: float = 1.0,
    *,
    low: float = -1.0,
    high: float = 1.0,
    degree: int = 3,
) -> tuple[Array, Array, Array]:
    """The edge of a Kolmogorov-Arnold network: w_b silu(x) + w_s sum of c_i B_i(x).

    Parameters
    ----------
    x : array_like, any shape
    coefficients : array_like, shape (intervals + degree,)
    base_weight, spline_weight : float
    low, high : float
        The grid, of equal intervals, extended by `degree` knots on both sides; beyond these the splines
        are 0.
    degree : int in 1..15

    Returns
    -------
    y, dx : ndarray, shape and dtype of `x`
    dparameters : ndarray, shape of `x` + (2 + intervals + degree,)
        By w_b, w_s and the coefficients.

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Too few coefficients, low >= high.

    References
    ----------
    .. [1] Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv 2404.19756.

    Examples
    --------
    >>> activations.kan_edge(0.25, np.ones(8), base_weight=0.0)[0].item()
    1.0
    """
    function = "functions.activations.kan_edge"
    v, dtype = _input("kan_edge", x)
    d = integer(function, "degree", degree, 1, 15)
    c = _parameters("kan_edge", "coefficients", coefficients, np.zeros(0))
    wb, ws = real(function, "base_weight", base_weight), real(function, "spline_weight", spline_weight)
    lo, hi = real(function, "low", low), real(function, "high", high)
    intervals = len(c) - d
    if intervals < 1 or not lo < hi:
        raise ArgumentError(
            f"{function}: coefficients must be more than degree = {d}, and low below high, got {len(c)}"
        )
    step = (hi - lo) / intervals
    knots = lo + step * np.arange(-d, intervals + d + 1)
    basis, slopes = bspline_basis(v, knots, d), bspline_basis(v, knots, d, derivative=True)
    s = sigmoid(v)
    base, spline = silu(v), basis @ c
    dx = wb * s * (1 + v * sigmoid(-v)) + ws * (slopes @ c)
    parameters = np.concatenate([base[..., None], spline[..., None], ws * basis], axis=-1)
    return (wb * base + ws * spline).astype(dtype), dx.astype(dtype), parameters.astype(dtype)


def af_kan_features(
    x: ArrayLike,
    combination: str = "quad1",
    *,
    intervals: int = 5,
    degree: int = 3,
    normalize: str | None = "row",
) -> Array:
    """Features of AF-KAN and ReLU-KAN: products of an activation rising and falling at grid points.

    Parameters
    ----------
    x : array_like, any shape
    combination : str
        With u = silu(x - l_i), v = silu(h_i - x), p = u v, l_i = i/g, h_i = l_i + (k + 1)/g for i = -k..g
        - 1: ``"quad1"`` p^2, ``"quad2"`` p + u^2 + v^2, ``"sum"`` u + v, ``"prod"`` p, ``"sum_prod"`` u +
        v + p, ``"cubic1"`` (u + v)(u^2 + v^2), ``"cubic2"`` p^3; ``"relu_kan"`` (ReLU for silu) 16 g^4/(k
        + 1)^4 p^2.
    intervals, degree : int
        g and k.
    normalize : {"row", "batch", None}
        To unit length, then to [0, 1]: each row of features by itself, or all as one, as in the published
        code, where an output depends on the other samples.

    Returns
    -------
    ndarray, shape of `x` + (g + k,), dtype of `x`

    Raises
    ------
    TypeError
        No numbers.
    ArgumentError
        Unknown names, numbers out of range.

    References
    ----------
    .. [1] H. Ta, "AF-KAN", arXiv 2503.06112; Q. Qiu et al., "ReLU-KAN", arXiv 2406.02075.

    Examples
    --------
    >>> activations.af_kan_features(0.5, "relu_kan", intervals=2, degree=1, normalize=None).tolist()
    [0.0, 1.0, 0.0]
    """
    function = "functions.activations.af_kan_features"
    value, dtype = _input("af_kan_features", x)
    choice(function, "combination", combination, _COMBINATIONS)
    g, k = (
        integer(function, "intervals", intervals, 1, 1 << 16),
        integer(function, "degree", degree, 0, 1 << 10),
    )
    if normalize is not None:
        choice(function, "normalize", normalize, ("row", "batch"))
    low = np.arange(-k, g) / g
    high = low + (k + 1) / g
    rise, fall = value[..., None] - low, high - value[..., None]
    if combination == "relu_kan":
        u, v = np.maximum(rise, 0), np.maximum(fall, 0)
        features = 16 * g**4 / (k + 1) ** 4 * (u * v) ** 2
    else:
        u, v = silu(rise), silu(fall)
        p = u * v
        products: dict[str, Callable[[], NDArray[Any]]] = {
            "quad1": lambda: p * p,
            "quad2": lambda: p + u * u + v * v,
            "sum": lambda: u + v,
            "prod": lambda: p,
            "sum_prod": lambda: u + v + p,
            "cubic1": lambda: (u + v) * (u * u + v * v),
            "cubic2": lambda: p * p * p,
        }
        features = products[combination]()
    if normalize is not None and features.size:
        axes = (features.ndim - 1,) if normalize == "row" else tuple(range(features.ndim))
        length = np.sqrt((features * features).sum(axis=axes, keepdims=True))
        features = features / np.where(length > 0, length, 1)
        least, most = features.min(axis=axes, keepdims=True), features.max(axis=axes, keepdims=True)
        features = (features - least) / np.where(most > least, most - least, 1)
    return features.astype(dtype)
