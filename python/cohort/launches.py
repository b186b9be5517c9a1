"""What a launch says: requirements, and the launch itself, as structs of the C interface."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, List, Optional, Sequence, Union

from . import abi
from .data import Field, Handle, Partition, Region, field_numbers
from .futures import Future
from .library import assign, initial, refuse
from .values import Value, element, encode

Fields = Union[int, Sequence[int]]


class Requirement:
    """Fields of a region, or of the sub-regions of a partition in an index launch, that a task uses, and how. Further members
    of cohort_requirement_t may be given by name."""

    def __init__(self, data: Union[Region, Partition], fields: Fields, privilege: int, **members: Any) -> None:
        what = "cohort.Requirement"
        self.fields = field_numbers(fields)
        self.struct = abi.cohort_requirement_t(fields=self.fields, field_count=len(self.fields), privilege=privilege)
        if not isinstance(data, (Region, Partition)):
            refuse(what, f"{data!r} is neither a Region nor a Partition")
        setattr(self.struct, "region" if isinstance(data, Region) else "partition", data.handle)
        assign(self.struct, what, members)


def read_only(data: Union[Region, Partition], *fields: int, **members: Any) -> Requirement:
    """The task reads the fields."""
    return Requirement(data, fields, abi.READ_ONLY, **members)


def read_write(data: Union[Region, Partition], *fields: int, **members: Any) -> Requirement:
    """The task reads and writes the fields."""
    return Requirement(data, fields, abi.READ_WRITE, **members)


def write_discard(data: Union[Region, Partition], *fields: int, **members: Any) -> Requirement:
    """The task writes the fields, and their old content is not needed."""
    return Requirement(data, fields, abi.WRITE_DISCARD, **members)


def reduce(data: Union[Region, Partition], reduction: int, *fields: Field, **members: Any) -> Requirement:
    """The task contributes to the fields with a reduction (SUM, PRODUCT, MIN, MAX, or one that was registered)."""
    if "reduction_type" not in members:
        if not fields or not all(isinstance(field, Field) for field in fields):
            refuse("cohort.reduce", "name fields that know their dtype (cohort.Field), or give reduction_type")
        members["reduction_type"] = element(fields[0].dtype, reduction, "cohort.reduce")
    return Requirement(data, fields, abi.REDUCE, reduction=reduction, **members)


class Task(Handle):
    """A kind of task. A Python callable runs on the thread that started the runtime, whenever that waits."""

    _type = abi.cohort_task_t

    def __init__(self, handle: Any, name: str = "", function: Optional[Callable[..., Any]] = None) -> None:
        super().__init__(handle)
        self.name = name
        self.function = function

    def destroy(self) -> None:
        """Tasks live until the runtime ends."""


class Launch:
    """A cohort_launch_t, with all that it points to."""

    def __init__(self, task: Task, requirements: Sequence[Requirement], args: Value, futures: Sequence[Future],
                 what: str, members: dict) -> None:
        self.struct = initial(abi.cohort_launch_t)
        if not isinstance(task, Task):
            refuse(what, f"{task!r} is no Task; give what task_register returned")
        for requirement in requirements:
            if not isinstance(requirement, Requirement):
                refuse(what, f"{requirement!r} is no Requirement; cohort.read_only(region, field) and its like make one")
        self.struct.task = task.handle
        # The struct keeps what its pointers point to.
        self.struct.requirements = (abi.cohort_requirement_t * len(requirements))(*(need.struct for need in requirements))
        self.struct.requirement_count = len(requirements)
        self._kept: List[Any] = [need.fields for need in requirements]
        for name, value in (("args", args), ("false_result", members.pop("false_result", None))):
            data = encode(value, what)
            if data:
                self._kept.append(ctypes.create_string_buffer(data, len(data)))
                setattr(self.struct, name, ctypes.addressof(self._kept[-1]))
                setattr(self.struct, f"{name}_size", len(data))
        assign(self.struct, what, {"futures": futures, **members} if futures else members)
