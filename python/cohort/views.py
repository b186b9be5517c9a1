"""Data of fields as NumPy arrays, in place."""

from __future__ import annotations

import ctypes
import gc
import sys
import weakref
from typing import Any, Callable, List, Tuple

import numpy as np

from . import abi
from .errors import WrongOrderError
from .library import refuse


class _Memory:
    """Memory of the runtime, for NumPy. An array refers to it for as long as the array, or any part of it, lives."""

    def __init__(self, address: int, shape: Tuple[int, ...], strides: Tuple[int, ...], dtype: np.dtype, read_only: bool) -> None:
        self.__array_interface__ = {"data": (address, read_only), "shape": shape, "strides": strides, "version": 3,
                                    "typestr": dtype.str, "descr": dtype.descr}


class Views:
    """The arrays that a task or a mapping gave out, which are good for its time only."""

    def __init__(self) -> None:
        self._given: List[Tuple[_Memory, str]] = []
        self._arrays: List[Any] = []

    def array(self, what: str, field: int, right: int, dtype: Any, ask: Callable[[int, Any], Any]) -> np.ndarray:
        """The data of a field; `ask` gets the size of an element and the address of the cohort_view_t that it fills."""
        dtype = getattr(field, "dtype", None) if dtype is None else dtype
        if dtype is None:
            refuse(what, f"field {field} is only a number; say which dtype it has, or make a cohort.Field(number, dtype)")
        kind = np.dtype(dtype)
        view = abi.cohort_view_t()
        ask(kind.itemsize, ctypes.byref(view))
        shape = tuple(view.hi[d] - view.lo[d] + 1 for d in range(view.dim))
        if 0 in shape or not view.base:
            return np.empty(shape, kind)
        memory = _Memory(view.base, shape, tuple(view.stride[:view.dim]), kind, right == abi.READ_ONLY)
        self._given.append((memory, getattr(field, "name", "") or str(int(field))))
        array = np.asarray(memory)
        self._arrays.append(weakref.ref(array))
        return array

    def _kept(self) -> List[str]:
        # The list's pair, the loop's variable and getrefcount's own argument.
        return [name for memory, name in self._given if sys.getrefcount(memory) > 3]

    def check_forgotten(self, task: str) -> None:
        """Raises an error if anything still refers to one of the arrays."""
        if self._kept():
            gc.collect()  # Cycles that nobody refers to any more.
        kept = self._kept()
        if kept:
            raise WrongOrderError(f"cohort: a view of field {', '.join(kept)} is still referred to after the body of task "
                                  f"\"{task}\" (an attribute, a list, a closure?), and its memory is the task's only while it "
                                  "runs; keep a copy (view.copy())")

    def freeze(self) -> None:
        """Makes the arrays read-only, as far as they live."""
        for reference in self._arrays:
            array = reference()
            if array is not None:
                array.flags.writeable = False
