"""Exceptions: one for each status of the library, with the library's own text."""

from __future__ import annotations

from typing import ClassVar, Dict, Optional, Type

from . import abi


class Error(RuntimeError):
    """What a function of the library refused or reports; str() says function, value, rule and fix."""

    status: ClassVar[int] = abi.ERROR_INTERNAL
    kinds: ClassVar[Dict[int, Type[Error]]] = {}

    def __init_subclass__(cls, status: int) -> None:
        cls.status = status
        Error.kinds[status] = cls


class InvalidArgumentError(Error, ValueError, status=abi.ERROR_INVALID_ARGUMENT):
    """An argument that no call would accept."""


class InvalidHandleError(Error, status=abi.ERROR_INVALID_HANDLE):
    """A null, stale or foreign handle."""


class WrongThreadError(Error, status=abi.ERROR_WRONG_THREAD):
    """A call that belongs to another thread, most often to the one that started the runtime."""


class WrongOrderError(Error, status=abi.ERROR_WRONG_ORDER):
    """A call that is right at another time."""


class WrongRankError(Error, status=abi.ERROR_WRONG_RANK):
    """Something that belongs to another rank."""


class PrivilegeError(Error, status=abi.ERROR_PRIVILEGE):
    """A use of data that the launch did not declare, or that the launching task does not hold itself."""


class BoundsError(Error, IndexError, status=abi.ERROR_BOUNDS):
    """Points outside of what they must lie in."""


class OutOfMemoryError(Error, MemoryError, status=abi.ERROR_OUT_OF_MEMORY):
    """No memory left."""


class TaskFailedError(Error, status=abi.ERROR_TASK_FAILED):
    """A task failed; the text says which, where and why. A task in Python: `__cause__` is its exception."""


class TimeoutError(Error, status=abi.ERROR_TIMEOUT):
    """The time given was over first; waiting again is allowed."""


class UnsupportedError(Error, status=abi.ERROR_UNSUPPORTED):
    """The library was built without it."""


class MpiError(Error, status=abi.ERROR_MPI):
    """An MPI call failed, or the program and the library use different MPIs."""


class VersionError(Error, ImportError, status=abi.ERROR_VERSION):
    """This module and the library that it found are of different versions, or there is no library."""


class InterferenceError(Error, status=abi.ERROR_INTERFERENCE):
    """Requirements of one launch, or operations that would wait for themselves, conflict."""


class ResourcesError(Error, status=abi.ERROR_RESOURCES):
    """More of something than there is room for."""


class PeerLostError(Error, status=abi.ERROR_PEER_LOST):
    """Another rank of the node has ended."""


class InternalError(Error, status=abi.ERROR_INTERNAL):
    """A defect of the library; please report it."""


# What a task in Python raised last, until a wait has told of it.
_raised: Optional[BaseException] = None


def task_raised(error: BaseException) -> None:
    """Remembers the first exception of a task, as the cause of the error that the next wait raises."""
    global _raised
    _raised = _raised or error


def error_of(status: int, text: str) -> Error:
    """The exception for a status and its text."""
    global _raised
    error = Error.kinds.get(status, InternalError)(text)
    if status == abi.ERROR_TASK_FAILED:
        if _raised is not None and type(_raised).__name__ in text:
            error.__cause__ = _raised
        _raised = None
    return error
