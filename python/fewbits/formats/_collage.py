"""Multi-component floats, and AdamW whose state is a few of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice, integer, real, seed_value
from fewbits.errors import ArgumentError
from fewbits.formats._emulated import Context, EmulatedArray, emulated, fma
from fewbits.formats._registry import FloatFormat

__all__ = ["CollageAdamW", "Expansion"]

_VARIANTS: Final = ("plus", "light", "kahan", "stochastic", "pure")


def _two_sum(a: EmulatedArray, b: EmulatedArray) -> tuple[EmulatedArray, EmulatedArray]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _fast_two_sum(a: EmulatedArray, b: EmulatedArray) -> tuple[EmulatedArray, EmulatedArray]:
    total = a + b
    return total, b - (total - a)


def _two_prod(a: EmulatedArray, b: EmulatedArray) -> tuple[EmulatedArray, EmulatedArray]:
    product = a * b
    return product, fma(a, b, -product)


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
    errors (TwoSum) into the components, then two passes that separate them. Products need their errors in
    the format: they are inexact where those underflow.

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

    def _join(self, parts: Sequence[EmulatedArray]) -> Expansion:
        """As many components as this has, of the sum of all parts."""
        terms = list(parts)
        for _ in range(2):
            for i in range(len(terms) - 2, -1, -1):
                terms[i], terms[i + 1] = _two_sum(terms[i], terms[i + 1])
        return Expansion._of(terms[: len(self)])

    def renormalise(self) -> Expansion:
        """The components separated again."""
        return self._join(self.components)

    def grow(self, a: Any, *, safe: bool = False) -> Expansion:
        """Plus a number of the format: ``Grow`` of Collage, for ``|a|`` at most the first component.

        `safe` drops that condition. Expansions of other lengths are always safe.
        """
        number = self._number(a)
        if len(self) == 2:
            x, y = self.components
            u, v = (_two_sum if safe else _fast_two_sum)(x, number)
            return Expansion._of(_fast_two_sum(u, v + y))
        parts = []
        for part in self.components:
            total, number = _two_sum(part, number)
            parts.append(total)
        return self._join([*parts, number])

    def scale(self, c: Any) -> Expansion:
        """Times a number of the format."""
        number = self._number(c)
        if len(self) == 2:
            x, y = self.components
            p, e = _two_prod(x, number)
            return Expansion._of(_fast_two_sum(p, e + y * number))
        result: Expansion | None = None
        for part in self.components:
            for term in _two_prod(part, number):
                result = self._start(term) if result is None else result.grow(term, safe=True)
        assert result is not None
        return result

    def _start(self, term: EmulatedArray) -> Expansion:
        return Expansion._of([term, *(term * 0 for _ in range(len(self) - 1))])

    def _like(self, function: str, other: Any) -> Expansion:
        if isinstance(other, Expansion):
            if len(other) != len(self):
                raise ArgumentError(
                    f"formats.Expansion: {function} needs one length, got {len(self)} and {len(other)}"
                )
            return other
        return Expansion(other, self.components[0].context, length=len(self))

    def __add__(self, other: Any) -> Expansion:
        right = self._like("addition", other)
        if len(self) == 2:
            (x, y), (a, b) = self.components, right.components
            s, e = _two_sum(x, a)
            return Expansion._of(_fast_two_sum(s, e + (y + b)))
        result = self
        for part in right.components:
            result = result.grow(part, safe=True)
        return result

    def __neg__(self) -> Expansion:
        return Expansion._of([-part for part in self.components])

    def __sub__(self, other: Any) -> Expansion:
        return self + (-self._like("subtraction", other))

    def __mul__(self, other: Any) -> Expansion:
        right = self._like("multiplication", other)
        if len(self) == 2:
            (x, y), (a, b) = self.components, right.components
            p, e = _two_prod(x, a)
            return Expansion._of(_fast_two_sum(p, e + (x * b + y * a)))
        result: Expansion | None = None
        for i, part in enumerate(self.components):
            for factor in right.components[: len(self) - i]:
                for term in _two_prod(part, factor):
                    result = self._start(term) if result is None else result.grow(term, safe=True)
        assert result is not None
        return result

    def __truediv__(self, other: Any) -> Expansion:
        right = self._like("division", other)
        rest, digits = self, []
        for _ in range(len(self)):
            digit = rest.components[0] / right.components[0]
            digits.append(digit)
            rest = rest - right.scale(digit)
        return self._join(digits)


class CollageAdamW:
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
        function = "formats.CollageAdamW"
        choice(function, "variant", variant, _VARIANTS)
        self.variant = variant
        self.lr = real(function, "lr", lr, 0.0)
        self.betas = tuple(
            real(function, f"betas[{i}]", b, 0.0, 1.0, open_high=True) for i, b in enumerate(betas)
        )
        self.eps = real(function, "eps", eps, 0.0)
        self.weight_decay = real(function, "weight_decay", weight_decay, 0.0)
        self._context = Context(format)
        self._random = Context(format, rounding="stochastic", seed=seed_value(function, seed))
        self._theta = [Expansion(p, self._context) for p in parameters]
        zeros = [np.zeros(t.components[0].shape) for t in self._theta]
        self._m = [emulated(z, self._context) for z in zeros]
        self._v = [Expansion(z, self._context) for z in zeros]
        if variant in ("pure", "stochastic", "kahan"):
            self._theta = [Expansion._of([t.components[0], t.components[0] * 0]) for t in self._theta]
        self._steps = 0
        self.lost = 0.0
        self.effective_descent = 0.0
        self.update_norm = 0.0

    @property
    def parameters(self) -> list[NDArray[Any]]:
        return [t.components[0].values for t in self._theta]

    @property
    def values(self) -> list[NDArray[np.float64]]:
        if self.variant == "kahan":  # the second component is what has still to be subtracted
            return [t.components[0].values.astype(np.float64) - t.components[1].values for t in self._theta]
        return [t.value for t in self._theta]

    def step(self, gradients: Sequence[ArrayLike]) -> None:
        """One update; `gradients` have the shapes of the parameters and are rounded to the format."""
        if len(gradients) != len(self._theta):
            raise ArgumentError(
                f"formats.CollageAdamW: gradients must be {len(self._theta)} arrays, got {len(gradients)}"
            )
        self._steps += 1
        lost = changed = 0
        inner = squares = 0.0
        for i, gradient in enumerate(gradients):
            g = emulated(gradient, self._context)
            theta = self._theta[i]
            if g.shape != theta.components[0].shape:
                raise ArgumentError(
                    f"formats.CollageAdamW: gradients[{i}] must have shape {theta.components[0].shape}, got "
                    f"{g.shape}"
                )
            before = self.values[i]
            u = self._update(i, g)
            x, y = theta.components
            if self.variant in ("plus", "light"):
                self._theta[i] = theta.grow(u)
            elif self.variant == "kahan":
                wanted = u - y
                total = x + wanted
                self._theta[i] = Expansion._of([total, (total - x) - wanted])
            elif self.variant == "stochastic":
                random = EmulatedArray(x.values, self._random) + u
                self._theta[i] = Expansion._of([EmulatedArray(random.values, self._context), y])
            else:
                self._theta[i] = Expansion._of([x + u, y])
            after = self.values[i]
            wide = u.values.astype(np.float64)
            lost += int(((wide != 0) & (after == before)).sum())
            changed += wide.size
            inner += float((wide * (after - before)).sum())
            squares += float((wide * wide).sum())
        self.update_norm = math.sqrt(squares)
        self.lost = lost / max(changed, 1)
        self.effective_descent = inner / self.update_norm if self.update_norm > 0 else 0.0

    def _update(self, i: int, g: EmulatedArray) -> EmulatedArray:
        beta1, beta2 = self.betas
        self._m[i] = m = self._m[i] * beta1 + g * (1 - beta1)
        squares = (g * g) * (1 - beta2)
        v = self._v[i]
        if self.variant == "plus":
            two = Expansion(np.full(g.shape, beta2), self._context)
            self._v[i] = (two * v).grow(squares)
        else:
            self._v[i] = Expansion._of([v.components[0] * beta2 + squares, v.components[1]])
        mean = m / (1 - beta1**self._steps)
        variance = self._v[i].components[0] / (1 - beta2**self._steps)
        direction = mean / (np.sqrt(variance) + self.eps) + self._theta[i].components[0] * self.weight_decay
        result: EmulatedArray = direction * -self.lr
        return result
