"""Straight-through rounding for PyTorch: forward rounds, backward hands the gradient on.

Tensors on the CPU, of float16, bfloat16, float32 and float64. Needs torch, which fewbits does not install.
"""

from __future__ import annotations

from typing import Any

import torch

from fewbits.errors import ArgumentError
from fewbits.formats._registry import FloatFormat, get
from fewbits.formats._rounding import round_to as _round_to

__all__ = ["Round", "round_to"]


def _round(x: Any, f: FloatFormat, options: dict[str, Any]) -> Any:
    """The tensor, rounded; no gradient."""
    values = x.detach().contiguous()
    if x.dtype == torch.bfloat16:
        import ml_dtypes

        words = values.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
        result: Any = torch.from_numpy(_round_to(words, f, **options).view("int16")).view(torch.bfloat16)
        return result
    return torch.from_numpy(_round_to(values.numpy(), f, **options))


class _StraightThrough(torch.autograd.Function):  # type: ignore[misc,unused-ignore]
    @staticmethod
    def forward(ctx: Any, x: Any, settings: tuple[FloatFormat, Any, bool, dict[str, Any]]) -> Any:
        f, gradient, clip, options = settings
        ctx.gradient = gradient
        ctx.options = {**options, "stream": options.get("stream", 0) + 1} if gradient else options
        # Where the forward result left the range or stopped at its end.
        ctx.save_for_backward((x.detach() >= f.min) & (x.detach() <= f.max) if clip else None)
        return _round(x, f, options)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, None]:
        (inside,) = ctx.saved_tensors
        gradient = gradients[0]
        if inside is not None:
            gradient = gradient * inside
        if ctx.gradient is not None:
            gradient = _round(gradient, ctx.gradient, ctx.options)
        return gradient, None


def round_to(
    x: Any,
    format: str | FloatFormat,
    *,
    clip: bool = False,
    grad_format: str | FloatFormat | None = None,
    **options: Any,
) -> Any:
    """`fewbits.formats.round_to` on a tensor, with the identity as its gradient.

    Parameters
    ----------
    x : torch.Tensor on the CPU
    format : str or FloatFormat
    clip : bool
        True: no gradient where x lies beyond the largest or lowest value.
    grad_format : str or FloatFormat
        The gradient is rounded to this, by the same options, from the next stream.
    **options
        Keywords of `fewbits.formats.round_to`, but `out`.

    Returns
    -------
    torch.Tensor, shape and dtype of `x`

    Raises
    ------
    ArgumentError, TypeError
        As `fewbits.formats.round_to`; a tensor on another device.
    """
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"formats.torch.round_to: x must be a torch.Tensor, got {type(x).__name__}")
    if x.device.type != "cpu":
        raise TypeError(f"formats.torch.round_to: x must be on the CPU, got {x.device}")
    if not x.dtype.is_floating_point:
        raise TypeError(f"formats.torch.round_to: x must have a floating point dtype, got {x.dtype}")
    if "out" in options:
        raise ArgumentError("formats.torch.round_to: out must not be given")
    gradient = None if grad_format is None else get(grad_format)
    settings = (get(format), gradient, clip, options)
    return _StraightThrough.apply(x, settings)  # type: ignore[no-untyped-call,unused-ignore]


class Round(torch.nn.Module):  # type: ignore[misc,unused-ignore]
    """A layer that rounds, for activations or as a parametrization of weights.

    Parameters
    ----------
    format, clip, grad_format, **options
        As for `round_to`. With a stochastic rounding each call reads the next streams.
    """

    def __init__(
        self,
        format: str | FloatFormat,
        *,
        clip: bool = False,
        grad_format: str | FloatFormat | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.format = get(format)
        self.clip = clip
        self.grad_format = None if grad_format is None else get(grad_format)
        self.options = options
        self.calls = 0

    def forward(self, x: Any) -> Any:
        options = self.options
        if options.get("rounding") in ("stochastic", "stochastic_equal", "random_directed"):
            options = {**options, "stream": options.get("stream", 0) + 2 * self.calls}
        self.calls += 1
        return round_to(x, self.format, clip=self.clip, grad_format=self.grad_format, **options)

    def extra_repr(self) -> str:
        return f"{self.format.name!r}"
