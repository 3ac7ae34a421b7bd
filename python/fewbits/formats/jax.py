"""Straight-through rounding for JAX: forward rounds, the derivative is the identity.

Runs on the CPU through `jax.pure_callback`, so it may stand inside `jit`, `grad`, `vmap` and `scan`. Needs
jax, which fewbits does not install.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import round_to as _round_to

__all__ = ["round_to", "rounder"]


def rounder(
    format: str | FloatFormat,
    *,
    clip: bool = False,
    grad_format: str | FloatFormat | None = None,
    **options: Any,
) -> Callable[[Any], Any]:
    """A function that rounds arrays to `format`, with a straight-through derivative.

    Parameters
    ----------
    format : str or FloatFormat
    clip : bool
        True: derivative 0 where x lies beyond the largest or lowest value.
    grad_format : str or FloatFormat
        The cotangent is rounded to this, by the same options.
    **options
        Keywords of `fewbits.formats.round_to`, but `out`.

    Returns
    -------
    callable
        x -> array of the shape and dtype of x: float16, bfloat16, float32 or float64.
    """
    if "out" in options:
        raise ArgumentError("formats.jax.rounder: out must not be given")
    f = get(format)
    gradient = None if grad_format is None else get(grad_format)

    def on_host(target: FloatFormat, x: Any) -> Any:
        def call(values: Any) -> Any:
            return _round_to(np.asarray(values), target, **options)

        result = jax.ShapeDtypeStruct(  # type: ignore[no-untyped-call,unused-ignore]
            jnp.shape(x), jnp.result_type(x)
        )
        return jax.pure_callback(call, result, x, vmap_method="expand_dims")

    @jax.custom_vjp  # type: ignore[untyped-decorator,unused-ignore]
    def rounded(x: Any) -> Any:
        return on_host(f, x)

    def forward(x: Any) -> tuple[Any, Any]:
        return rounded(x), ((x >= f.min) & (x <= f.max) if clip else None)

    def backward(inside: Any, cotangent: Any) -> tuple[Any]:
        if inside is not None:
            cotangent = jnp.where(inside, cotangent, jnp.zeros_like(cotangent))
        return (cotangent if gradient is None else on_host(gradient, cotangent),)

    rounded.defvjp(forward, backward)

    def checked(x: Any) -> Any:
        x = jnp.asarray(x)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise TypeError(f"formats.jax.round_to: x must have a floating point dtype, got {x.dtype}")
        return rounded(x)

    return checked


def round_to(x: Any, format: str | FloatFormat, **options: Any) -> Any:
    """Round an array: ``rounder(format, **options)(x)``.

    Parameters
    ----------
    x : jax.Array
    format, **options
        As for `rounder`.

    Returns
    -------
    jax.Array, shape and dtype of `x`
    """
    return rounder(format, **options)(x)
