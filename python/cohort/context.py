"""Where operations are launched: the root context, or a task that runs."""

from __future__ import annotations

import ctypes
from typing import Any, Optional, Sequence

import numpy as np

from . import abi, attached
from .data import Field, Numbers, Partition, Region, field_numbers
from .futures import Future, FutureMap, Predicate
from .launches import Fields, Launch, Requirement, Task
from .library import assign, initial, lib, made, numbers, refuse
from .values import Value, element, encode
from .views import Views


class Attachment:
    """Arrays attached to fields of a region; `with` detaches them at its end."""

    def __init__(self, context: Context, region: Region, fields: Fields) -> None:
        self.context, self.region, self.fields = context, region, fields

    def detach(self) -> None:
        """Waits for the operations that use the fields, and gives the array, which holds the content, back."""
        self.context.detach(self.region, self.fields)

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()


class Mapping:
    """Data in the hands of the program, or of a task, while no operation uses it; `with` ends it."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self._views = Views()

    def view(self, field: int, right: int = abi.READ_ONLY, dtype: Any = None) -> np.ndarray:
        """The values of a field as a NumPy array, in place; read-only unless another right is asked for. Good until `unmap`,
        which makes it read-only; its memory may end with the region's."""
        return self._views.array("cohort.Mapping.view", field, right, dtype, lambda size, view: lib.cohort_inline_view_array(
            self.handle, field, right, 0, size, view))

    def unmap(self) -> None:
        """What was written shows to the operations launched from here on. A second time it does nothing."""
        self._views.freeze()
        lib.cohort_inline_unmap(ctypes.byref(self.handle))

    def __enter__(self) -> Mapping:
        return self

    def __exit__(self, *_: object) -> None:
        self.unmap()


class Context:
    """Launches operations; each is ordered after earlier ones of the context that it depends on, and none waits here."""

    def __init__(self, handle: Any) -> None:
        self._context = handle

    @property
    def handle(self) -> Any:
        """The cohort_context_t."""
        return self._context

    def attach(self, region: Region, fields: Fields, array: np.ndarray, field_axis: Optional[int] = None) -> Attachment:
        """Makes a NumPy array the storage of fields of a region, in place, whatever its strides. Axis d is dimension d of
        the region; `field_axis` is the axis that counts the fields, if there is more than one. The array is kept alive, and may be
        looked at only when no outstanding operation uses it: after wait_all, detach, or the wait on a handshake."""
        what = "cohort.Context.attach"
        if not isinstance(array, np.ndarray):
            refuse(what, f"a {type(array).__name__} is no NumPy array; numpy.asarray makes one")
        if not array.flags.writeable:
            refuse(what, "the array is read-only, and tasks may write its fields; attach a copy (array.copy())")
        names = [fields] if isinstance(fields, int) else list(fields)
        for field in names:
            wanted = getattr(field, "dtype", array.dtype)
            if wanted != array.dtype:
                refuse(what, f"the array has dtype {array.dtype}, and {field!r} holds {wanted}; attach an array of the field's "
                             "dtype (array.astype makes a copy)")
        if field_axis is not None and not 0 <= field_axis < array.ndim:
            refuse(what, f"field_axis is {field_axis}; the array has axes 0 to {array.ndim - 1}")
        shape, strides = (ctypes.c_int64 * array.ndim)(*array.shape), (ctypes.c_int64 * array.ndim)(*array.strides)
        lib.cohort_attach_array(self.handle, region.handle, len(names), field_numbers(names), array.ctypes.data, array.itemsize,
                                array.ndim, shape, strides, 0 if field_axis is None else field_axis + 1)
        for field in names:
            attached.keep(region.handle.id, int(field), array)
        return Attachment(self, region, names)

    def detach(self, region: Region, fields: Fields) -> None:
        """Waits for the operations that use the fields, then forgets the attached array, which holds the content."""
        chosen = field_numbers(fields)
        lib.cohort_detach(self.handle, region.handle, len(chosen), chosen)
        for field in chosen:
            attached.release(region.handle.id, field)

    def inline_map(self, requirement: Requirement) -> Mapping:
        """Waits for the operations that conflict with the requirement, then hands its data over until `unmap`; operations of this
        context that conflict are refused meanwhile."""
        return Mapping(made(abi.cohort_mapping_t, "cohort_inline_map", self.handle, ctypes.byref(requirement.struct)))

    def fill(self, region: Region, fields: Fields, value: Value) -> None:
        """Launches an operation that writes a value into every point of the fields; a number becomes one of a Field's dtype."""
        first = fields if isinstance(fields, int) else fields[0] if fields else None
        data = np.asarray(value, dtype=first.dtype).tobytes() if isinstance(first, Field) else encode(value, "cohort.Context.fill")
        chosen = field_numbers(fields)
        lib.cohort_fill(self.handle, region.handle, len(chosen), chosen, data, len(data))

    def copy(self, source: Region, destination: Region, source_fields: Fields, destination_fields: Optional[Fields] = None,
             shift: Optional[Numbers] = None, **members: Any) -> None:
        """Launches a copy, field by field, of every point of the source whose point, moved by `shift`, lies in the destination.
        Further members of cohort_copy_t may be given by name."""
        what = "cohort.Context.copy"
        struct = initial(abi.cohort_copy_t)
        from_fields = field_numbers(source_fields)
        to_fields = from_fields if destination_fields is None else field_numbers(destination_fields)
        if len(from_fields) != len(to_fields):
            refuse(what, f"{len(from_fields)} fields of the source and {len(to_fields)} of the destination; give as many")
        struct.source, struct.destination = source.handle, destination.handle
        struct.source_fields, struct.destination_fields, struct.field_count = from_fields, to_fields, len(from_fields)
        if shift is not None:
            moved = numbers(shift, source.dim, f"{what}: shift")
            struct.shift[:len(moved)] = moved[:]
        assign(struct, what, members)
        lib.cohort_copy(self.handle, ctypes.byref(struct))

    def launch(self, task: Task, *requirements: Requirement, args: Value = None, futures: Sequence[Future] = (),
               **members: Any) -> Future:
        """Launches a task, and returns the future of its result. `args` is copied. Further members of cohort_launch_t may be given
        by name, such as processor=PROC_MPI, wait_handshakes=[handshake], or predicate=predicate with the false_result that counts
        when it does not hold."""
        launch = Launch(task, requirements, args, futures, "cohort.Context.launch", members)
        return Future(made(Future._type, "cohort_launch", self.handle, ctypes.byref(launch.struct)))

    def index_launch(self, task: Task, points: int, *requirements: Requirement, args: Value = None, futures: Sequence[Future] = (),
                     reduction: int = abi.REDUCTION_NONE, dtype: Any = float, **members: Any) -> Optional[Future]:
        """Launches `points` tasks; point p gets sub-region p of each requirement that names a partition. With a `reduction` returns
        the future of the points' results, values of `dtype`, reduced in order of the points."""
        what = "cohort.Context.index_launch"
        launch = Launch(task, requirements, args, futures, what, members)
        if reduction == abi.REDUCTION_NONE:
            lib.cohort_index_launch(self.handle, ctypes.byref(launch.struct), points, reduction, abi.TYPE_NONE, None)
            return None
        kind = element(dtype, reduction, what)
        return Future(made(Future._type, "cohort_index_launch", self.handle, ctypes.byref(launch.struct), points, reduction, kind))

    def index_launch_map(self, task: Task, points: int, *requirements: Requirement, args: Value = None,
                         futures: Sequence[Future] = (), **members: Any) -> FutureMap:
        """As index_launch; returns the futures of all points. A later index launch hands them on by future_maps=[map]."""
        launch = Launch(task, requirements, args, futures, "cohort.Context.index_launch_map", members)
        return FutureMap(made(FutureMap._type, "cohort_index_launch_map", self.handle, ctypes.byref(launch.struct), points))

    def future_map_reduce(self, values: FutureMap, reduction: int, dtype: Any = float) -> Future:
        """The future of the values, of a dtype, reduced in order of the points."""
        kind = element(dtype, reduction, "cohort.Context.future_map_reduce")
        return Future(made(Future._type, "cohort_future_map_reduce", self.handle, values.handle, reduction, kind))

    def predicate_and(self, *predicates: Predicate) -> Predicate:
        """Holds if all of them do."""
        return self._combined("cohort_predicate_and", predicates)

    def predicate_or(self, *predicates: Predicate) -> Predicate:
        """Holds if any of them does."""
        return self._combined("cohort_predicate_or", predicates)

    def _combined(self, function: str, predicates: Sequence[Predicate]) -> Predicate:
        handles = (Predicate._type * len(predicates))(*(predicate.handle for predicate in predicates))
        return Predicate(made(Predicate._type, function, self.handle, len(predicates), handles))

    def wait_all(self) -> None:
        """Waits for every operation launched so far in the context; a waiting root context runs tasks meanwhile. Raises
        TaskFailedError with the text of the first failure since the last wait."""
        lib.cohort_wait_all(self.handle)

    def handshake_advance(self, handshake: Any) -> None:
        """After launches that wait for and arrive at the handshake: later ones mean the next phase."""
        lib.cohort_handshake_advance(self.handle, handshake.handle)

    def partition_by_field(self, region: Region, field: int, colours: int) -> Partition:
        """Point p is in the sub-region whose number the field, a 4- or 8-byte integer, holds at p."""
        return Partition(made(Partition._type, "cohort_partition_by_field", self.handle, region.handle, field, colours))

    def partition_image(self, target: Region, sources: Partition, field: int, ranges: bool = False) -> Partition:
        """Sub-region c has the points of `target` that the field names at the points of `sources`' sub-region c; with `ranges`
        each value names a rectangle, by its lo and its hi."""
        return self._by_names("cohort_partition_image", target, sources, field, ranges)

    def partition_preimage(self, source: Region, targets: Partition, field: int, ranges: bool = False) -> Partition:
        """Sub-region c has the points of `source` at which the field names a point of `targets`' sub-region c; with `ranges`
        each value names a rectangle, by its lo and its hi."""
        return self._by_names("cohort_partition_preimage", source, targets, field, ranges)

    def _by_names(self, function: str, region: Region, parts: Partition, field: int, ranges: bool) -> Partition:
        name = function + ("_range" if ranges else "")
        return Partition(made(Partition._type, name, self.handle, region.handle, parts.handle, field))
