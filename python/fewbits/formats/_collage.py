"""Multi-component floats, and AdamW whose state is a few of them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, seed_value
from fewbits._core import formats as _core
from fewbits.errors import ArgumentError
from fewbits.formats._emulated import Context, EmulatedArray, emulated
from fewbits.formats._registry import FloatFormat

__all__ = ["CollageAdamW", "CollageSGD", "Expansion"]

_VARIANTS: Final = ("plus", "light", "kahan", "stochastic", "pure")


class Expansion:
    """An array of numbers held as unevaluated sums of a few values of a low format.

    ``value = components[0] + components[1] + ...``, each component at most half a unit in the last place of
    the one before it: twice the digits of the format with two components, with operations of the format
    alone.

    Parameters
    ----------
    x : array_like
        Split into components, the first the rounded value.
    format : str, FloatFormat or Context
        With a signed format of at least three bits of precision, rounded to nearest even.
    length : int
        Number of components.

    Attributes
    ----------
    components : tuple of EmulatedArray
    value : ndarray of float64
        The sum of the components.

    Raises
    ------
    ArgumentError
        A format, rounding or length that will not do.

    Notes
    -----
    For two components the operations are Grow, Scale, Mul and Add of Collage; longer ones go by sums with
    errors (TwoSum) into the components, then passes that separate them. Products need their errors in the
    format: they are inexact where those underflow.

    References
    ----------
    .. [1] T. Yu et al., "Collage: Light-Weight Low-Precision Strategy for LLM Training", arXiv:2405.03637.
    .. [2] T. Yu et al., "MCTensor: A High-Precision Deep Learning Library with Multi-Component
       Floating-Point", arXiv:2207.08867.

    Examples
    --------
    >>> x = Expansion(100.0, "bfloat16")
    >>> for _ in range(100):
    ...     x = x.grow(0.01)
    >>> x.components[0].item(), x.components[1].item()  # bfloat16 alone stays at 100
    (101.0, -0.016357421875)
    """

    __slots__ = ("components",)

    components: tuple[EmulatedArray, ...]

    def __init__(
        self, x: ArrayLike, format: str | FloatFormat | Context = "bfloat16", *, length: int = 2
    ) -> None:
        context = format if isinstance(format, Context) else Context(format)
        f = context.format
        if context.rounding != "nearest_even" or not f.is_signed or f.is_fixed or f.precision < 3:
            raise ArgumentError(
                "formats.Expansion: format must be a signed float of at least 3 bits of precision, rounded "
                f"to nearest even, got {f.name!r} with {context.rounding!r}"
            )
        rest = np.asarray(x, np.float64)
        parts = []
        for _ in range(integer("formats.Expansion", "length", length, 1, 16)):
            part = emulated(rest, context)
            parts.append(part)
            rest = rest - part.values
        self.components = tuple(parts)

    @classmethod
    def _of(cls, components: Sequence[EmulatedArray]) -> Expansion:
        self = cls.__new__(cls)
        self.components = tuple(components)
        return self

    def __len__(self) -> int:
        return len(self.components)

    def __repr__(self) -> str:
        return f"Expansion({self.value.tolist()!r}, {self.components[0].format.name!r}, length={len(self)})"

    @property
    def value(self) -> NDArray[np.float64]:
        total = np.zeros(self.components[0].shape)
        for part in reversed(self.components):
            total = total + part.values
        return np.asarray(total)

    def _number(self, x: Any) -> EmulatedArray:
        return x if isinstance(x, EmulatedArray) else emulated(x, self.components[0].context)

    def _apply(self, operation: str, other: Sequence[EmulatedArray] = ()) -> Expansion:
        """An operation of C++ on this and the components of another, broadcast to one shape."""
        context, length = self.components[0].context, len(self)
        values = [part.values for part in (*self.components, *other)]
        try:
            arrays = np.broadcast_arrays(*values)
        except ValueError:
            raise ArgumentError(
                "formats.Expansion: operands must have shapes that broadcast, got "
                f"{self.components[0].shape} and {other[0].shape}"
            ) from None
        shape, n = arrays[0].shape, arrays[0].size
        x, y = (
            np.concatenate([a.reshape(-1) for a in rows]) if rows else np.empty(0, context.dtype)
            for rows in (arrays[:length], arrays[length:])
        )
        out = np.empty(length * n, context.dtype)
        which = _core.expansion_operations.index(operation)
        _core.expansion(context._core, which, length, n, x, y, out)
        rows = out.reshape(length, *shape)
        return Expansion._of([EmulatedArray(rows[i, ...], context) for i in range(length)])

    def renormalise(self) -> Expansion:
        """The components separated again."""
        return self._apply("renormalise")

    def grow(self, a: Any, *, safe: bool = False) -> Expansion:
        """Plus a number of the format: ``Grow`` of Collage, for ``|a|`` at most the first component.

        `safe` drops that condition. Expansions of other lengths are always safe.
        """
        return self._apply("grow_safe" if safe else "grow", [self._number(a)])

    def scale(self, c: Any) -> Expansion:
        """Times a number of the format."""
        return self._apply("scale", [self._number(c)])

    def _like(self, function: str, other: Any) -> Expansion:
        if isinstance(other, Expansion):
            if len(other) != len(self):
                raise ArgumentError(
                    f"formats.Expansion: {function} needs one length, got {len(self)} and {len(other)}"
                )
            if other.components[0].format != self.components[0].format:
                raise ArgumentError(
                    f"formats.Expansion: {function} needs one format, got "
                    f"{self.components[0].format.name!r} and {other.components[0].format.name!r}"
                )
            return other
        return Expansion(other, self.components[0].context, length=len(self))

    def __add__(self, other: Any) -> Expansion:
        return self._apply("add", self._like("addition", other).components)

    def __neg__(self) -> Expansion:
        return Expansion._of([-part for part in self.components])

    def __sub__(self, other: Any) -> Expansion:
        return self._apply("add", (-self._like("subtraction", other)).components)

    def __mul__(self, other: Any) -> Expansion:
        return self._apply("multiply", self._like("multiplication", other).components)

    def __truediv__(self, other: Any) -> Expansion:
        return self._apply("divide", self._like("division", other).components)


class _Optimiser(ABC):
    """What the optimisers of Collage share: parameters and moments as values of the format."""

    _name: str

    def __init__(
        self,
        parameters: Sequence[ArrayLike],
        *,
        format: str | FloatFormat,
        variant: str,
        variants: Sequence[str],
        options: Sequence[float],
        seed: int | np.random.Generator,
    ) -> None:
        choice(self._name, "variant", variant, variants)
        self.variant = variant
        self._options = _core.CollageOptions(_core.collage_variants.index(variant), *options)
        self._context = Context(format)
        self._random = Context(format, rounding="stochastic", seed=seed_value(self._name, seed))
        starts = [Expansion(p, self._context) for p in parameters]
        self._shapes = [start.components[0].shape for start in starts]
        self._theta, self._dtheta = (
            [start.components[k].values.reshape(-1).copy() for start in starts] for k in (0, 1)
        )
        if variant not in ("plus", "light"):
            self._dtheta = [np.zeros_like(x) for x in self._theta]
        self._m, self._v, self._dv = ([np.zeros_like(x) for x in self._theta] for _ in range(3))
        self._steps = 0
        self.lost = 0.0
        self.effective_descent = 0.0
        self.update_norm = 0.0

    @property
    def parameters(self) -> list[NDArray[Any]]:
        return [x.reshape(shape).copy() for x, shape in zip(self._theta, self._shapes, strict=True)]

    @property
    def values(self) -> list[NDArray[np.float64]]:
        pairs = zip(self._theta, self._dtheta, self._shapes, strict=True)
        sign = -1.0 if self.variant == "kahan" else 1.0  # kahan: what has still to be subtracted
        return [(x.astype(np.float64) + sign * y).reshape(shape) for x, y, shape in pairs]

    @abstractmethod
    def _kernel(self, i: int, gradient: NDArray[Any], update: NDArray[Any]) -> None: ...

    def step(self, gradients: Sequence[ArrayLike]) -> None:
        """One update; `gradients` have the shapes of the parameters and are rounded to the format."""
        if len(gradients) != len(self._theta):
            raise ArgumentError(
                f"{self._name}: gradients must be {len(self._theta)} arrays, got {len(gradients)}"
            )
        rounded = [emulated(gradient, self._context) for gradient in gradients]
        for i, (g, shape) in enumerate(zip(rounded, self._shapes, strict=True)):
            if g.shape != shape:
                raise ArgumentError(f"{self._name}: gradients[{i}] must have shape {shape}, got {g.shape}")
        self._steps += 1
        lost = changed = 0
        inner = squares = 0.0
        before = self.values
        updates = [np.empty_like(x) for x in self._theta]
        for i, g in enumerate(rounded):
            self._kernel(i, np.ascontiguousarray(g.values.reshape(-1)), updates[i])
        for u, old, new in zip(updates, before, self.values, strict=True):
            wide = u.astype(np.float64).reshape(old.shape)
            lost += int(((wide != 0) & (new == old)).sum())
            changed += wide.size
            inner += float((wide * (new - old)).sum())
            squares += float((wide * wide).sum())
        self.update_norm = math.sqrt(squares)
        self.lost = lost / max(changed, 1)
        self.effective_descent = inner / self.update_norm if self.update_norm > 0 else 0.0


class CollageAdamW(_Optimiser):
    """AdamW with parameters and moments in a low format, every operation rounded to it.

    Parameters
    ----------
    parameters : sequence of array_like
        Rounded to the format; what they lose is kept by the variants with two components.
    format : str or FloatFormat
    variant : str
        ``"plus"``: parameters, second moment and beta2 have two components. ``"light"``: parameters alone.
        ``"kahan"``: a compensation beside each parameter. ``"stochastic"``: parameters are updated with
        stochastic rounding. ``"pure"``: nothing of that.
    lr, eps, weight_decay : float
    betas : pair of float
    seed : int
        For ``"stochastic"``.

    Attributes
    ----------
    parameters : list of ndarray
        What a forward pass sees: the first components.
    values : list of ndarray of float64
        With all components.
    lost : float
        Share of the last update's entries that were not zero and changed nothing.
    effective_descent, update_norm : float
        Effective descent quality of the last update, ``<u / |u|, stored change>``, and ``|u|``: equal where
        nothing is lost.

    Raises
    ------
    ArgumentError
        Unknown variants, values out of range.

    Notes
    -----
    Weight decay is inside the update: a factor ``1 - lr weight_decay`` is 1 in bfloat16. Constants are
    computed in float64 and rounded once; beta2 = 0.999 rounds to 1 in bfloat16 and so needs two components.
    Bytes per parameter in bfloat16 with its gradient: pure 8, light and kahan 10, plus 12, float32 state with
    master weights 16.

    References
    ----------
    .. [1] T. Yu et al., "Collage: Light-Weight Low-Precision Strategy for LLM Training", arXiv:2405.03637.

    Examples
    --------
    >>> for variant in ("pure", "light", "plus"):
    ...     adam = CollageAdamW([[1.0, -0.5]], variant=variant, lr=1e-3)
    ...     for _ in range(100):
    ...         adam.step([[0.5, -2.0]])
    ...     print(variant, adam.values[0].round(3).tolist(), adam.lost)
    pure [1.0, -0.379] 1.0
    light [0.901, -0.401] 0.0
    plus [0.901, -0.401] 0.0
    """

    _name = "formats.CollageAdamW"

    def __init__(
        self,
        parameters: Sequence[ArrayLike],
        *,
        format: str | FloatFormat = "bfloat16",
        variant: str = "plus",
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        function = self._name
        self.lr = real(function, "lr", lr, 0.0)
        self.betas = tuple(
            real(function, f"betas[{i}]", b, 0.0, 1.0, open_high=True) for i, b in enumerate(betas)
        )
        self.eps = real(function, "eps", eps, 0.0)
        self.weight_decay = real(function, "weight_decay", weight_decay, 0.0)
        super().__init__(
            parameters,
            format=format,
            variant=variant,
            variants=_VARIANTS,
            options=(self.lr, *self.betas, self.eps, self.weight_decay),
            seed=seed,
        )

    def _kernel(self, i: int, gradient: NDArray[Any], update: NDArray[Any]) -> None:
        _core.collage_adamw(
            self._random._take(), self._options, self._steps, gradient,
            self._theta[i], self._dtheta[i], self._m[i], self._v[i], self._dv[i], update,
        )  # fmt: skip


class CollageSGD(_Optimiser):
    """Gradient descent with momentum in a low format, every operation rounded to it: a baseline.

    Parameters
    ----------
    parameters : sequence of array_like
    format : str or FloatFormat
    variant : str
        ``"light"``: parameters have two components. ``"kahan"``: a compensation beside each parameter.
        ``"stochastic"``: parameters are updated with stochastic rounding. ``"pure"``: nothing of that.
    lr, momentum, weight_decay : float
    seed : int
        For ``"stochastic"``.

    Attributes
    ----------
    parameters, values, lost, effective_descent, update_norm
        As of `CollageAdamW`.

    Raises
    ------
    ArgumentError
        Unknown variants, values out of range.

    References
    ----------
    .. [1] P. Zamirai, J. Zhang, C. Aberger, C. De Sa, "Revisiting BFloat16 Training", arXiv:2010.06192.

    Examples
    --------
    >>> for variant in ("pure", "kahan"):
    ...     sgd = CollageSGD([[1.0]], variant=variant, lr=1e-3, momentum=0.0)
    ...     for _ in range(100):
    ...         sgd.step([[1.0]])
    ...     print(variant, sgd.values[0].round(2).tolist())
    pure [1.0]
    kahan [0.9]
    """

    _name = "formats.CollageSGD"

    def __init__(
        self,
        parameters: Sequence[ArrayLike],
        *,
        format: str | FloatFormat = "bfloat16",
        variant: str = "kahan",
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        function = self._name
        self.lr = real(function, "lr", lr, 0.0)
        self.momentum = real(function, "momentum", momentum, 0.0, 1.0, open_high=True)
        self.weight_decay = real(function, "weight_decay", weight_decay, 0.0)
        super().__init__(
            parameters,
            format=format,
            variant=variant,
            variants=_VARIANTS[1:],
            options=(self.lr, self.momentum, 0.0, 0.0, self.weight_decay),
            seed=seed,
        )

    def _kernel(self, i: int, gradient: NDArray[Any], update: NDArray[Any]) -> None:
        _core.collage_sgd(
            self._random._take(), self._options, gradient,
            self._theta[i], self._dtheta[i], self._m[i], update,
        )  # fmt: skip
