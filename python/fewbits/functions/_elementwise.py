"""From array-like arguments to a kernel and back: what every elementwise function shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._arguments import choice
from fewbits._core import functions as _core
from fewbits.errors import ArgumentError

__all__ = ["Array", "binary", "evaluate", "pair", "unary", "unary_pair"]

Array = NDArray[Any]
Kernel = Callable[..., None]

_FLOAT32: Final = np.dtype(np.float32)
_FLOAT64: Final = np.dtype(np.float64)
_ACCURACIES: Final = ("best", "fast")


def _is_fast(name: str, accuracy: str) -> bool:
    if accuracy == "best":
        return False
    return bool(choice(f"functions.{name}", "accuracy", accuracy, _ACCURACIES))


def _small_format(dtype: np.dtype[Any]) -> str | None:
    """Name of the format of a float dtype of at most 16 bits, float16 or one of ml_dtypes."""
    if dtype == np.float16:
        return "float16"
    # At load no module knows its siblings.
    from fewbits.formats import FORMATS

    return dtype.name if dtype.itemsize <= 2 and dtype.name in FORMATS else None


def _array(name: str, argument: str, x: Any) -> Array:
    """`x` in native byte order and C order; integers as float64."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"functions.{name}: {argument} must not be a masked array")
    if not isinstance(x, np.ndarray | np.generic) and hasattr(x, "__dlpack__"):
        if int(x.__dlpack_device__()[0]) != 1:  # 1 is the CPU
            raise TypeError(
                f"functions.{name}: {argument} must be on the CPU (call .cpu() on a torch tensor)"
            )
        x = np.from_dlpack(x)
    array: Array = np.asarray(x)
    dtype = array.dtype
    if dtype.kind in "iu":
        return array.astype(np.float64, order="C")
    if dtype.kind == "f" and dtype.itemsize in (2, 4, 8):
        return np.asarray(array, dtype=dtype.newbyteorder("="), order="C")
    if dtype.kind in "fV" and _small_format(dtype) is not None:
        return np.asarray(array, order="C")
    raise TypeError(
        f"functions.{name}: {argument} must hold float32, float64, integers or floats of at most 16 bits, "
        f"got {dtype}"
    )


def check_out(name: str, argument: str, out: Any, like: Array) -> Array:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"functions.{name}: {argument} must be a numpy array, got {type(out).__name__}")
    if out.dtype != like.dtype:
        raise TypeError(
            f"functions.{name}: {argument} must have the dtype of the result, {like.dtype}, got {out.dtype}"
        )
    if out.shape != like.shape or not out.flags.writeable:
        state = "" if out.flags.writeable else "read-only "
        raise ArgumentError(
            f"functions.{name}: {argument} must be a writable array of shape {like.shape}, "
            f"got a {state}one of {out.shape}"
        )
    return out


def writable_by_kernel(out: Array, inputs: tuple[Array, ...]) -> bool:
    """Whether a kernel may write into `out`: contiguous, and no input unless it is the same memory."""
    if not (out.flags.c_contiguous and out.dtype.isnative):
        return False
    return all(
        x is out or x.ctypes.data == out.ctypes.data or not np.may_share_memory(x, out) for x in inputs
    )


def evaluate(name: str, inputs: tuple[Array, ...], outputs: dict[str, Any], *options: object) -> Any:
    """Results for inputs of one dtype and shape, into `outputs` where these are not None.

    The kernel of a name and dtype is called with the inputs, the outputs and the `options`.
    """
    like = inputs[0]
    wanted = [None if out is None else check_out(name, label, out, like) for label, out in outputs.items()]
    if like.dtype in (_FLOAT32, _FLOAT64):
        kernel: Kernel = getattr(_core, name + ("_f32" if like.dtype == _FLOAT32 else "_f64"))
        results = [
            np.empty_like(like) if out is None or not writable_by_kernel(out, inputs) else out
            for out in wanted
        ]
        kernel(*inputs, *results, *options)
    else:
        # Exact in float64, whose result is then rounded once.
        from fewbits.formats import encode

        wide = [np.empty(like.shape) for _ in wanted]
        kernel = getattr(_core, name + "_f64")
        with np.errstate(invalid="ignore"):  # casts of ml_dtypes flag nan
            exact = [x.astype(np.float64) for x in inputs]
        kernel(*exact, *wide, *options)
        small = _small_format(like.dtype)
        assert small is not None
        results = [encode(y, small, rounding="nearest_even", nan="ml_dtypes").view(like.dtype) for y in wide]
    done = []
    for result, out in zip(results, wanted, strict=True):
        if out is not None and out is not result:
            out[...] = result
        done.append(result if out is None else out)
    return done[0] if len(done) == 1 else tuple(done)


def unary(name: str, kernels: tuple[Kernel, Kernel], x: ArrayLike, out: Array | None, accuracy: str) -> Array:
    """A function of one argument; `kernels` are those for float32 and float64."""
    # The usual call without a detour: about a microsecond.
    if out is None and type(x) is np.ndarray and accuracy == "best":
        dtype = x.dtype
        if (dtype is _FLOAT64 or dtype is _FLOAT32) and x.flags.c_contiguous:
            result: Array = np.empty_like(x)
            kernels[dtype is _FLOAT64](x, result, False)
            return result
    fast = _is_fast(name, accuracy)
    result = evaluate(name, (_array(name, "x", x),), {"out": out}, fast)
    return result


def unary_pair(
    name: str, x: ArrayLike, out: tuple[Array | None, Array | None] | None, accuracy: str
) -> tuple[Array, Array]:
    """A function of one argument with two results."""
    if out is None:
        out = (None, None)
    elif not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"functions.{name}: out must be a pair of arrays, got {type(out).__name__}")
    first, second = out
    if first is not None and second is not None and np.may_share_memory(first, second):
        raise ArgumentError(f"functions.{name}: the two arrays of out must not overlap")
    fast = _is_fast(name, accuracy)
    both: tuple[Array, Array] = evaluate(
        name, (_array(name, "x", x),), {"out[0]": first, "out[1]": second}, fast
    )
    return both


def _is_weak(x: Any) -> bool:
    """Python numbers take the dtype of the other argument, as in NumPy."""
    return type(x) is float or type(x) is int


def pair(name: str, labels: tuple[str, str], x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Two arguments of one dtype and shape: broadcast, of the common type of NumPy."""
    a, b = _array(name, labels[0], x), _array(name, labels[1], y)
    if a.dtype != b.dtype:
        if _is_weak(x) and not _is_weak(y):
            a = a.astype(b.dtype)
        elif _is_weak(y) and not _is_weak(x):
            b = b.astype(a.dtype)
        else:
            common = np.result_type(a, b)
            a, b = a.astype(common), b.astype(common)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ArgumentError(
            f"functions.{name}: {labels[0]} and {labels[1]} must broadcast, "
            f"got shapes {a.shape} and {b.shape}"
        ) from None
    if a.shape == shape == b.shape:
        return a, b
    a, b = (np.ascontiguousarray(np.broadcast_to(v, shape)).reshape(shape) for v in (a, b))
    return a, b


def binary(name: str, x: ArrayLike, y: ArrayLike, out: Array | None, accuracy: str) -> Array:
    """A function of two arguments, which broadcast."""
    fast = _is_fast(name, accuracy)
    result: Array = evaluate(name, pair(name, ("x", "y"), x, y), {"out": out}, fast)
    return result
