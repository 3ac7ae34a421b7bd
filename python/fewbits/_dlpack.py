"""Arrays of small floats that come by DLPack, for which NumPy has no type.

`numpy.from_dlpack` knows booleans, integers, and IEEE floats of 16 bits and more. This reads the rest of the
type codes (bfloat16 and the floats of 8 bits) from the C structure, as `ml_dtypes` arrays.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["small_floats"]

# DLDataTypeCode of dlpack.h -> type of ml_dtypes. The types below 8 bits may be packed or not: left out.
_CODES: Final = {
    4: "bfloat16",
    7: "float8_e3m4",
    8: "float8_e4m3",
    9: "float8_e4m3b11fnuz",
    10: "float8_e4m3fn",
    11: "float8_e4m3fnuz",
    12: "float8_e5m2",
    13: "float8_e5m2fnuz",
    14: "float8_e8m0fnu",
}


class _Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


def small_floats(x: Any) -> NDArray[Any] | None:
    """A copy of the CPU tensor `x` as an array of a type of ml_dtypes; None where it is no such tensor."""
    capsule = x.__dlpack__()
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    # The DLManagedTensor starts with its DLTensor; the capsule, not consumed, frees it when it goes.
    tensor = _Tensor.from_address(address(capsule, b"dltensor"))
    if tensor.code not in _CODES or tensor.lanes != 1 or tensor.bits not in (8, 16):
        return None
    try:
        import ml_dtypes
    except ImportError:
        return None
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    size = tensor.bits // 8
    steps = [1] * tensor.ndim
    for i in reversed(range(tensor.ndim - 1)):
        steps[i] = steps[i + 1] * shape[i + 1]
    if tensor.strides:
        steps = [tensor.strides[i] for i in range(tensor.ndim)]
    dtype = np.dtype(getattr(ml_dtypes, _CODES[tensor.code]))
    if 0 in shape:
        return np.empty(shape, dtype)
    span = sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1
    if min(steps, default=0) < 0:
        return None
    memory = (ctypes.c_uint8 * (span * size)).from_address(tensor.data + tensor.byte_offset)
    words = np.frombuffer(memory, np.dtype(f"u{size}"))
    view = np.lib.stride_tricks.as_strided(words, shape, [step * size for step in steps])
    copy: NDArray[Any] = np.array(view).view(dtype)
    return copy
