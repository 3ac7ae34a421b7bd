"""The one door through which arrays come in.

`as_array` takes NumPy arrays, sequences, and anything with ``__array__`` or ``__dlpack__`` on the CPU (torch,
JAX), and gives a C-contiguous NumPy array in native byte order. It converts layout, never values.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fewbits._dlpack import small_floats
from fewbits.errors import ArgumentError

__all__ = ["as_array", "as_bytes", "as_integers", "as_numbers", "dtype_name"]


@lru_cache(maxsize=256)
def dtype_name(dtype: np.dtype[Any]) -> str:
    """`dtype.name`, which NumPy puts together anew every time."""
    return str(dtype.name)


def as_array(function: str, name: str, x: ArrayLike, kinds: str) -> NDArray[Any]:
    """`x` as a C-contiguous array in native byte order.

    Parameters
    ----------
    function, name : for the message: the public function and its argument
    x : array_like
    kinds : the `numpy.dtype.kind` letters that are accepted

    Returns
    -------
    ndarray, any shape; `x` itself where it already is one

    Raises
    ------
    TypeError : another kind of elements, a masked array, or a device other than the CPU
    """
    array = _open(function, name, x)
    if array.dtype.kind not in kinds:
        names = {"b": "boolean", "i": "integer", "u": "unsigned integer", "f": "floating point"}
        wanted = " or ".join(names[kind] for kind in kinds)
        # An empty list is float64 to NumPy.
        if array.size == 0 and not isinstance(x, np.ndarray):
            return np.zeros(
                array.shape, {"b": np.bool_, "i": np.int64, "u": np.uint64, "f": np.float64}[kinds[0]]
            )
        raise TypeError(f"{function}: {name} must have a {wanted} dtype, got {array.dtype}")
    return _in_order(array)


def _open(function: str, name: str, x: Any) -> NDArray[Any]:
    """`x` as a NumPy array of any layout and type."""
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{function}: {name} must not be a masked array; pass .filled(...) or .data")
    if not isinstance(x, np.ndarray) and hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__"):
        # 1 is the CPU in DLPack; NumPy's own message does not say what to do.
        if int(x.__dlpack_device__()[0]) != 1:
            raise TypeError(f"{function}: {name} must be on the CPU (call .cpu() on a torch tensor)")
        try:
            return np.from_dlpack(x)
        except (BufferError, RuntimeError):
            small = small_floats(x)
            if small is not None:
                return small
    return np.asarray(x)


def _in_order(array: NDArray[Any]) -> NDArray[Any]:
    """The same values in native byte order, C-contiguous."""
    if array.dtype.kind in "iufc":  # types of ml_dtypes have no byte order
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
    # ascontiguousarray would turn 0-d arrays into 1-d ones.
    return array if array.flags.c_contiguous else array.copy(order="C")


# Types of ml_dtypes, all exact in float32.
_SMALL_FLOATS = frozenset(
    (
        *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz"),
        *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn"),
        "float4_e2m1fn",
    )
)


def as_numbers(function: str, name: str, x: ArrayLike) -> NDArray[Any]:
    """`x` as a C-contiguous array of float16, float32, float64, integers or a float type of ml_dtypes.

    Parameters
    ----------
    function, name, x : as in `as_array`

    Returns
    -------
    ndarray, any shape, native byte order; the type of `x`

    Raises
    ------
    TypeError : other elements, a masked array, or a device other than the CPU
    """
    array = _in_order(_open(function, name, x))
    known = array.dtype in (np.float16, np.float32, np.float64) or array.dtype.kind in "iu"
    if not known and dtype_name(array.dtype) not in _SMALL_FLOATS:
        raise TypeError(
            f"{function}: {name} must hold float16, float32, float64, integers or floats of ml_dtypes, "
            f"got {array.dtype}"
        )
    return array


def as_integers(function: str, name: str, x: ArrayLike, *, cast: bool = False) -> NDArray[Any]:
    """`x` as int8, uint8, int16, uint16 or int32, unchanged where it has one of these types.

    Parameters
    ----------
    function, name, x : as in `as_array`; booleans are 0 and 1
    cast : take floating point arrays, too, if every element is an integer

    Raises
    ------
    TypeError : neither integers nor, with `cast`, floats
    ArgumentError : an element that is no integer, or does not fit int32; the message names it
    """
    array = as_array(function, name, x, "iubf" if cast else "iub")
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    if (array.dtype.kind in "iu" and array.dtype.itemsize < 4) or array.dtype == np.int32:
        return array
    bad = (array < -(2**31)) | (array > 2**31 - 1) if array.dtype.kind in "iu" else None
    if bad is None:
        # ~(...) and not the converse: nan compares false with everything.
        bad = ~((array >= -(2.0**31)) & (array <= 2.0**31 - 1) & (np.trunc(array) == array))
    if bad.any():
        index = int(np.flatnonzero(bad)[0])
        value = array.reshape(-1)[index]
        rule = "fit int32" if array.dtype.kind in "iu" else "be integers that fit int32"
        raise ArgumentError(f"{function}: {name} must {rule}, got {name}[{index}] = {value}")
    return array.astype(np.int32)


def as_bytes(function: str, name: str, data: Any) -> NDArray[np.uint8]:
    """The bytes of a bytes-like object, not copied.

    Raises
    ------
    TypeError : no contiguous buffer
    """
    try:
        return np.frombuffer(memoryview(data).cast("B"), np.uint8)
    except (TypeError, ValueError, BufferError):
        kind = type(data).__name__
        raise TypeError(f"{function}: {name} must be a contiguous bytes-like object, got {kind}") from None
