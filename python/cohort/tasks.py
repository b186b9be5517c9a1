"""Python callables as bodies of tasks."""

from __future__ import annotations

import ctypes
import gc
import sys
import traceback
from typing import Any, Callable, List, Tuple

import numpy as np

from . import abi
from .context import Context
from .data import Point, Region
from .errors import WrongOrderError, task_raised
from .library import lib, made, refuse
from .values import Value, decode, encode, size_of


class _Memory:
    """Memory of the runtime, for NumPy. An array refers to it for as long as the array, or any part of it, lives."""

    def __init__(self, address: int, shape: Tuple[int, ...], strides: Tuple[int, ...], dtype: np.dtype, read_only: bool) -> None:
        self.__array_interface__ = {"data": (address, read_only), "shape": shape, "strides": strides, "version": 3,
                                    "typestr": dtype.str, "descr": dtype.descr}


class TaskContext(Context):
    """What a task sees of itself and its data; valid while its body runs."""

    def __init__(self, handle: Any, name: str) -> None:
        super().__init__(handle)
        self.name = name
        self._views: List[Tuple[_Memory, str]] = []
        self._over = False

    @property
    def handle(self) -> Any:
        if self._over:
            raise WrongOrderError(f"cohort: task \"{self.name}\" has ended, and its context with it; use it in the body only")
        return self._context

    @property
    def args(self) -> bytes:
        """The arguments of the launch, as bytes."""
        start, size = ctypes.c_void_p(), ctypes.c_size_t()
        lib.cohort_task_args(self.handle, ctypes.byref(start), ctypes.byref(size))
        return ctypes.string_at(start, size.value) if start.value else b""

    def args_get(self, dtype: Any = float) -> Any:
        """The arguments of the launch, as one value of a dtype or ctypes struct."""
        buffer = ctypes.create_string_buffer(size_of(dtype))
        lib.cohort_task_args_get(self.handle, buffer, len(buffer))
        return decode(buffer.raw, dtype)

    def future_get(self, index: int, dtype: Any = float) -> Any:
        """The value of a future that the launch handed over, of a dtype or ctypes struct."""
        buffer = ctypes.create_string_buffer(size_of(dtype))
        lib.cohort_task_future_get(self.handle, index, buffer, len(buffer))
        return decode(buffer.raw, dtype)

    @property
    def point(self) -> int:
        """Which point of its index launch the task is; 0 otherwise."""
        return int(made(ctypes.c_uint32, "cohort_task_point", self.handle))

    def region(self, requirement: int) -> Region:
        """The region of a requirement; in an index launch the point's sub-region. It ends with the task."""
        return Region(made(abi.cohort_region_t, "cohort_task_region", self.handle, requirement))

    def bounds(self, requirement: int) -> Tuple[Point, Point]:
        """The lowest and the highest point of a requirement's region, in the program's numbering: element [0, 0] of a view lies
        at the lowest."""
        return self.region(requirement).bounds()

    def view(self, requirement: int, field: int, right: int = abi.READ_ONLY, dtype: Any = None) -> np.ndarray:
        """The values of a field as a NumPy array, in place; read-only unless another right is asked for. It is the task's: one
        that is still referred to when the body has returned makes the task fail. Copy what is to be kept. `dtype` is needed
        for a field that is only a number."""
        dtype = getattr(field, "dtype", None) if dtype is None else dtype
        if dtype is None:
            refuse("cohort.TaskContext.view", f"field {field} is only a number; say which dtype it has, "
                                              "or make a cohort.Field(number, dtype)")
        kind = np.dtype(dtype)
        view = abi.cohort_view_t()
        # Rank 0: with any strides, but elements of the dtype's size.
        lib.cohort_view_array(self.handle, requirement, field, right, 0, kind.itemsize, ctypes.byref(view))
        shape = tuple(view.hi[d] - view.lo[d] + 1 for d in range(view.dim))
        if 0 in shape or not view.base:
            return np.empty(shape, kind)
        memory = _Memory(view.base, shape, tuple(view.stride[:view.dim]), kind, right == abi.READ_ONLY)
        self._views.append((memory, getattr(field, "name", "") or str(int(field))))
        return np.asarray(memory)

    def result(self, value: Value) -> None:
        """Sets the value of the launch's future; what the body returns does the same."""
        data = encode(value, f"the result of task \"{self.name}\"")
        lib.cohort_task_result(self.handle, data, len(data))

    def handoff_to_host(self, handshake: Any) -> None:
        """The host may go on."""
        lib.cohort_handoff_to_host(self.handle, handshake.handle)

    def _kept_views(self) -> List[str]:
        # The list's pair, the loop's variable and getrefcount's own argument.
        return [name for memory, name in self._views if sys.getrefcount(memory) > 3]

    def _finish(self) -> None:
        if self._kept_views():
            gc.collect()  # Cycles that nobody refers to any more.
        kept = self._kept_views()
        if kept:
            raise WrongOrderError(f"cohort: a view of field {', '.join(kept)} is still referred to after the body of task "
                                  f"\"{self.name}\" (an attribute, a list, a closure?), and its memory is the task's only while "
                                  "it runs; keep a copy (view.copy())")

    def _fail(self, error: BaseException) -> None:
        # Below this module's own frame.
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        # What happened comes first: the text of a failure has an end.
        text = "".join(traceback.format_exception_only(type(error), error) + traceback.format_tb(inner)).rstrip()
        traceback.clear_frames(error.__traceback__)  # They refer to views.
        task_raised(error)
        lib.cohort_task_fail(self.handle, text.replace("\0", "\\0").encode(errors="backslashreplace"))


def body(function: Callable[[TaskContext], Value], name: str) -> Any:
    """A cohort_task_function_t around a Python callable. No exception leaves it: it is the task's failure, with its traceback."""

    def run(handle: Any, _user: Any) -> int:
        context = TaskContext(handle, name)
        try:
            value = function(context)
            if value is not None:
                context.result(value)
            del value
            context._finish()
            return 0
        except BaseException as error:  # pylint: disable=broad-except
            try:
                context._fail(error)
            except BaseException:  # pylint: disable=broad-except
                pass  # A failure all the same, by the result.
            return 1
        finally:
            context._over = True

    return abi.cohort_task_function_t(run)
