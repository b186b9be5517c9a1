"""Start and end, and what belongs to the runtime as a whole."""

from __future__ import annotations

import atexit
import ctypes
import functools
import sys
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from . import abi, attached
from .context import Context
from .data import FieldSpace, IndexSpace, Numbers, Region, corners, numbers
from .errors import TaskFailedError
from .futures import Future, Predicate
from .handshakes import Handshake
from .launches import Task
from .library import assign, initial, lib, made, refuse
from .tasks import body
from .values import Value, encode

# Families of MPI as cohort_init_communicator numbers them.
_FAMILIES = {"Open MPI": 1, "MPICH": 2, "Intel MPI": 2, "MVAPICH": 2, "MVAPICH2": 2, "Cray MPI": 2}

# Bodies that the runtime may call: kept until it ends.
_bodies: List[Any] = []
# The runtime that these, and the attached arrays, belong to.
_served = 0
# The last runtime that this module started.
_started: Optional[Runtime] = None


def _serve(runtime: int) -> None:
    """What another runtime held is free."""
    global _served
    if runtime != _served:
        _bodies.clear()
        attached.runtime_ended()
        _served = runtime


class Runtime(Context):
    """The runtime of this process, and its root context. `with` finalizes it at its end."""

    def __init__(self, handle: Any, started_here: bool) -> None:
        super().__init__(made(abi.cohort_context_t, "cohort_root_context", handle))
        self._runtime = handle
        self._started_here = started_here
        _serve(handle.id)

    @property
    def rank(self) -> int:
        """This process's rank in the communicator; 0 without MPI."""
        return int(made(ctypes.c_int32, "cohort_rank", self._runtime))

    @property
    def size(self) -> int:
        """The number of ranks; 1 without MPI."""
        return int(made(ctypes.c_int32, "cohort_size", self._runtime))

    @property
    def workers(self) -> int:
        """Processors of this rank that run tasks, the waiting MPI thread included."""
        return int(made(ctypes.c_int32, "cohort_workers", self._runtime))

    def finalize(self) -> None:
        """Waits for all work, then ends the runtime. Collective. A second time it does nothing. A runtime that other code started
        is ended by that code."""
        if not self._started_here:
            refuse("cohort.Runtime.finalize", "this module did not start the runtime; who started it ends it")
        if not self._runtime.id:
            return
        try:
            lib.cohort_finalize(ctypes.byref(self._runtime))
        finally:
            _serve(self._runtime.id)

    def wait_all(self) -> None:
        super().wait_all()
        attached.all_complete()

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> None:
        if not self._started_here:
            return
        if error is not None and not isinstance(error, TaskFailedError) and self._runtime.id:
            if self.size > 1:
                # Of this rank alone; the end is for all ranks. A failed task in contrast is told to every rank.
                return
            print(f"cohort: waits for all work to end the runtime, after {kind.__name__}: {error}", file=sys.stderr)
        self.finalize()

    def index_space_create(self, lo: Numbers, hi: Numbers) -> IndexSpace:
        """A rectangle of points of 1 to 3 dimensions, both ends included."""
        first = numbers(lo, None, "cohort.Runtime.index_space_create: lo")
        last = numbers(hi, len(first), "cohort.Runtime.index_space_create: hi")
        return IndexSpace(made(IndexSpace._type, "cohort_index_space_create", self._runtime, len(first), first, last))

    def index_space_create_rects(self, rects: Sequence[Tuple[Numbers, Numbers]]) -> IndexSpace:
        """The points of any of the rectangles (lo, hi), which may overlap and leave holes between them."""
        what = "cohort.Runtime.index_space_create_rects"
        if not rects:
            refuse(what, "there are no rectangles; give one or more")
        dim = len(numbers(rects[0][0], None, what))
        lo, hi = corners(rects, dim, what)
        return IndexSpace(made(IndexSpace._type, "cohort_index_space_create_rects", self._runtime, dim, len(rects), lo, hi))

    def field_space_create(self) -> FieldSpace:
        """An empty field space; allocate fields, then make regions from it."""
        return FieldSpace(made(FieldSpace._type, "cohort_field_space_create", self._runtime))

    def region_create(self, space: IndexSpace, fields: FieldSpace) -> Region:
        """A region: every point of the index space has every field of the field space."""
        return Region(made(Region._type, "cohort_region_create", self._runtime, space.handle, fields.handle))

    def task_register(self, name: str, function: Union[Callable[..., Value], Any], leaf: bool = False) -> Task:
        """A kind of task. A Python callable gets a TaskContext, runs on the thread that started the runtime, and what it returns
        is the result; its exception is the task's failure. A compiled function (of ctypes, with the arguments of
        cohort_task_function_t) runs on any processor."""
        flags = abi.TASK_LEAF if leaf else 0
        if isinstance(function, abi.cohort_task_function_t):
            entry = function
        elif hasattr(ctypes, "_CFuncPtr") and isinstance(function, ctypes._CFuncPtr):
            entry = ctypes.cast(function, abi.cohort_task_function_t)
        elif callable(function):
            entry, flags = body(function, name), flags | abi.TASK_MPI_THREAD
        else:
            refuse("cohort.Runtime.task_register", f"{function!r} is no function")
        _bodies.append((entry, function))
        handle = made(Task._type, "cohort_task_register", self._runtime, name.encode(), entry, None, flags)
        return Task(handle, name, function)

    def task(self, function: Optional[Callable[..., Value]] = None, *, leaf: bool = False) -> Any:
        """Decorator: registers a function as a task by its own name."""
        if function is None:
            return functools.partial(self.task, leaf=leaf)
        return self.task_register(function.__name__, function, leaf)

    def handshake_create(self, host_participants: int = 1, task_participants: int = 1, first: int = abi.SIDE_HOST) -> Handshake:
        """A handshake between threads of the host and tasks; `first` hands off first in every phase."""
        return Handshake(made(Handshake._type, "cohort_handshake_create", self._runtime, host_participants, task_participants,
                              first))

    def future_value(self, value: Value) -> Future:
        """A future that has a value from the start."""
        data = encode(value, "cohort.Runtime.future_value")
        return Future(made(Future._type, "cohort_future_value", self._runtime, data, len(data)))

    def predicate_constant(self, value: bool) -> Predicate:
        """A predicate that is known."""
        return Predicate(made(Predicate._type, "cohort_predicate_constant", self._runtime, value))

    def __repr__(self) -> str:
        return f"<cohort.Runtime {self._runtime.id:#x}>"


def init(communicator: Any = None, **settings: Any) -> Runtime:
    """Starts the runtime: on every rank of an mpi4py communicator (or of one given by its Fortran handle), collectively; without
    one in this process alone. The calling thread becomes the MPI thread. `settings` are members of cohort_config_t, such as
    workers=2."""
    config = initial(abi.cohort_config_t)
    assign(config, "cohort.init", settings)
    if communicator is None:
        handle = made(abi.cohort_runtime_t, "cohort_init_version", abi.ABI, ctypes.byref(config))
    else:
        family, number = 0, communicator
        if hasattr(communicator, "py2f"):
            # The module that the communicator is of: importing another would start an MPI.
            vendor = sys.modules[type(communicator).__module__].get_vendor()[0]
            family, number = _FAMILIES.get(vendor, 0), communicator.py2f()
        elif not isinstance(communicator, int):
            refuse("cohort.init", f"{communicator!r} is no communicator; give one of mpi4py, or its Fortran handle")
        handle = made(abi.cohort_runtime_t, "cohort_init_communicator", abi.ABI, family, number, ctypes.byref(config))
    global _started
    _started = Runtime(handle, started_here=True)
    return _started


def current() -> Runtime:
    """The runtime that runs in this process already, started by Fortran or C code with the shared library. Call it on the thread
    that started it."""
    lib.cohort_check_abi(abi.ABI)
    return Runtime(made(abi.cohort_runtime_t, "cohort_current"), started_here=False)


@atexit.register
def _end() -> None:
    """The interpreter ends. MPI is finalized later, by mpi4py, and needs a runtime that has ended."""
    if _started is None or not _started._runtime.id:
        return
    if hasattr(sys, "last_value"):
        print("cohort: an exception ends this rank, and other ranks may wait for it; run the program with python -m mpi4py to end "
              "all of them", file=sys.stderr)
    else:
        _started.finalize()
