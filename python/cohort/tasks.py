"""Python callables as bodies of tasks."""

from __future__ import annotations

import ctypes
import threading
import traceback
from typing import Any, Callable, Tuple

import numpy as np

from . import abi
from .context import Context
from .data import Point, Region
from .errors import WrongOrderError, WrongThreadError, task_raised
from .library import lib, made
from .values import Value, decode, encode, size_of
from .views import Views


class TaskContext(Context):
    """What a task sees of itself and its data; valid while its body runs."""

    def __init__(self, handle: Any, name: str) -> None:
        super().__init__(handle)
        self.name = name
        self._views = Views()
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
        # Rank 0: with any strides, but elements of the dtype's size.
        return self._views.array("cohort.TaskContext.view", field, right, dtype, lambda size, view: lib.cohort_view_array(
            self.handle, requirement, field, right, 0, size, view))

    def result(self, value: Value) -> None:
        """Sets the value of the launch's future; what the body returns does the same."""
        data = encode(value, f"the result of task \"{self.name}\"")
        lib.cohort_task_result(self.handle, data, len(data))

    def handoff_to_host(self, handshake: Any) -> None:
        """The host may go on."""
        lib.cohort_handoff_to_host(self.handle, handshake.handle)

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
    mpi_thread = threading.get_ident()

    def run(handle: Any, _user: Any) -> int:
        context = TaskContext(handle, name)
        try:
            if threading.get_ident() != mpi_thread:
                raise WrongThreadError(f"cohort: task \"{name}\" is Python's, and was launched for a thread of its own; "
                                       "launch it without that")
            value = function(context)
            if value is not None:
                context.result(value)
            del value
            context._views.check_forgotten(name)
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
