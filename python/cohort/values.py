"""Values as bytes, the way they cross the C interface: arguments, results and futures."""

from __future__ import annotations

import ctypes
import struct
from typing import Any, Union

import numpy as np

from . import abi
from .library import refuse

Value = Union[None, bytes, bytearray, memoryview, int, float, complex, np.generic, np.ndarray, ctypes.Structure]

# Reductions know these.
ELEMENTS = {"int32": abi.INT32, "int64": abi.INT64, "float32": abi.FLOAT, "float64": abi.DOUBLE,
            "complex64": abi.FLOAT_COMPLEX, "complex128": abi.DOUBLE_COMPLEX}


def element(dtype: Any, reduction: int, what: str) -> int:
    """The number by which the library knows a dtype that it can reduce; none for a reduction of the program's own, which knows."""
    if reduction not in (abi.SUM, abi.PRODUCT, abi.MIN, abi.MAX):
        return abi.TYPE_NONE
    name = np.dtype(dtype).name
    if name not in ELEMENTS:
        refuse(what, f"values of type {name} cannot be reduced; use one of {', '.join(ELEMENTS)}")
    return ELEMENTS[name]


def encode(value: Value, what: str) -> bytes:
    """A Python float is a C double, an int (or bool) an int64_t, a complex two doubles; what has bytes of its own, such as a
    NumPy number or array or a ctypes struct, is these."""
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview, np.generic, np.ndarray, ctypes.Structure)):
        if isinstance(value, (np.generic, np.ndarray)) and value.dtype.hasobject:
            refuse(what, f"an array of dtype {value.dtype} holds Python objects; use numbers or structs of numbers")
        return value.tobytes() if isinstance(value, (memoryview, np.ndarray, np.generic)) else bytes(value)
    if isinstance(value, int):
        if not -1 << 63 <= value < 1 << 63:
            refuse(what, f"{value} does not fit into 64 bits")
        return struct.pack("=q", value)
    if isinstance(value, float):
        return struct.pack("=d", value)
    if isinstance(value, complex):
        return struct.pack("=dd", value.real, value.imag)
    refuse(what, f"a {type(value).__name__} has no bytes that C and Fortran know; pass a number, a NumPy array, a ctypes struct, "
                 "or bytes, which pickle.dumps makes of any object")


def size_of(dtype: Any) -> int:
    """Bytes of a value of a dtype, or of a ctypes type."""
    return ctypes.sizeof(dtype) if isinstance(dtype, type) and issubclass(dtype, ctypes.Structure) else np.dtype(dtype).itemsize


def decode(data: bytes, dtype: Any) -> Any:
    """Bytes as one value of a dtype, or of a ctypes struct. An int or float comes back as Python's."""
    if isinstance(dtype, type) and issubclass(dtype, ctypes.Structure):
        return dtype.from_buffer_copy(data)
    array = np.frombuffer(data, dtype=dtype)
    return array[0].item() if dtype in (int, float, complex) else array[0]
