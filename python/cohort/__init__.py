"""Cohort for Python: Legion-style tasks beside NumPy and mpi4py.

Functions have the names of cohort.h without the prefix, and are methods of what is their first argument there:
cohort_partition_blocks(region, ...) is region.partition_blocks(...), cohort_launch(context, ...) is runtime.launch(...), where a
Runtime is the root context as well. Constants lose their prefix, too. What has no method yet is reached by `cohort.lib`, which has
every function of the header, and `cohort.abi`, which has its types.
"""

from . import abi
from .abi import *  # noqa: F403
from .context import Attachment, Context, Mapping
from .data import Field, FieldSpace, Handle, IndexSpace, Partition, Region
from .errors import (BoundsError, Error, InterferenceError, InternalError, InvalidArgumentError, InvalidHandleError, MpiError,
                     OutOfMemoryError, PeerLostError, PrivilegeError, ResourcesError, TaskFailedError, TimeoutError,
                     UnsupportedError, VersionError, WrongOrderError, WrongRankError, WrongThreadError)
from .futures import Future, FutureMap, Predicate
from .handshakes import Handshake
from .launches import Requirement, Task, read_only, read_write, reduce, write_discard
from .library import lib
from .runtime import Runtime, current, init
from .tasks import TaskContext

__all__ = abi.__all__ + [
    "Attachment", "BoundsError", "Context", "Error", "Field", "FieldSpace", "Future", "FutureMap", "Handle", "Handshake",
    "IndexSpace", "InterferenceError", "InternalError", "InvalidArgumentError", "InvalidHandleError", "Mapping", "MpiError",
    "OutOfMemoryError", "Partition", "PeerLostError", "Predicate", "PrivilegeError", "Region", "Requirement", "ResourcesError",
    "Runtime", "Task", "TaskContext", "TaskFailedError", "TimeoutError", "UnsupportedError", "VersionError", "WrongOrderError",
    "WrongRankError", "WrongThreadError", "abi", "current", "init", "lib", "read_only", "read_write", "reduce", "write_discard",
]
