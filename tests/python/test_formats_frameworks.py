"""Straight-through rounding in torch and JAX."""

from __future__ import annotations

from typing import Any

import fewbits.formats as ff
import ml_dtypes
import numpy as np
import pytest
from fewbits.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32) * 4


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def jax() -> Any:
    return pytest.importorskip("jax", reason="jax is not installed")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_torch_rounds_and_hands_the_gradient_on(torch: Any, dtype: str) -> None:
    from fewbits.formats.torch import round_to

    x = torch.tensor(X).to(getattr(torch, dtype)).requires_grad_()
    y = round_to(x, "float4_e2m1fn")
    numpy_type = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    want = ff.round_to(x.detach().double().numpy().astype(numpy_type), "float4_e2m1fn")
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y.detach().double().numpy(), want.astype(np.float64))
    y.sum().backward()
    assert (x.grad == 1).all()


def test_torch_options(torch: Any) -> None:
    from fewbits.formats.torch import Round, round_to

    x = torch.tensor([1.0, 100.0, -100.0, 5.9], requires_grad=True)
    round_to(x, "fp4", clip=True).sum().backward()
    assert x.grad.tolist() == [1, 0, 0, 1]
    x.grad = None
    (
        round_to(x, "fp4", grad_format="float(p=2,emin=-9,emax=9)") * torch.tensor([1.1, 1.3, 1.6, 2.2])
    ).sum().backward()
    assert x.grad.tolist() == [1, 1.5, 1.5, 2]
    layer = Round("fp4", rounding="stochastic", seed=3)
    first, second = layer(x.detach()), layer(x.detach())
    assert first.shape == second.shape
    a = torch.full((1000,), 0.25)
    assert not torch.equal(layer(a), layer(a))
    assert "float4_e2m1fn" in repr(layer)
    weights = torch.nn.Linear(3, 2)
    torch.nn.utils.parametrize.register_parametrization(weights, "weight", Round("e4m3fn"))
    assert ff.is_representable(weights.weight.detach().numpy(), "e4m3fn").all()
    with pytest.raises(TypeError, match=r"must have a floating point dtype, got torch.int64"):
        round_to(torch.arange(3), "fp4")
    with pytest.raises(TypeError, match=r"x must be a torch.Tensor, got list"):
        round_to([1.0], "fp4")
    with pytest.raises(ArgumentError, match="out must not be given"):
        round_to(x, "fp4", out=None)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_jax_rounds_and_hands_the_gradient_on(jax: Any, dtype: str) -> None:
    from fewbits.formats.jax import round_to, rounder

    x = jax.numpy.asarray(X).astype(dtype)
    want = ff.round_to(np.asarray(x), "float4_e2m1fn").astype(np.float32)
    f = rounder("float4_e2m1fn")
    for function in (f, jax.jit(f), jax.vmap(f), lambda x: round_to(x, "fp4")):
        y = function(x)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(np.asarray(y.astype("float32")), want)
    assert (jax.grad(lambda x: f(x).sum())(x) == 1).all()
    assert (jax.jit(jax.grad(lambda x: f(x).sum()))(x) == 1).all()


def test_jax_options(jax: Any) -> None:
    from fewbits.formats.jax import rounder

    x = jax.numpy.asarray([1.0, 100.0, -100.0, 5.9])
    assert jax.grad(lambda x: rounder("fp4", clip=True)(x).sum())(x).tolist() == [1, 0, 0, 1]
    weights = jax.numpy.asarray([1.1, 1.3, 1.6, 2.2])
    coarse = rounder("fp4", grad_format="float(p=2,emin=-9,emax=9)")
    assert jax.grad(lambda x: (coarse(x) * weights).sum())(x).tolist() == [1, 1.5, 1.5, 2]
    with pytest.raises(TypeError, match="must have a floating point dtype, got int32"):
        rounder("fp4")(jax.numpy.arange(3))
    with pytest.raises(ArgumentError, match="out must not be given"):
        rounder("fp4", out=None)
