"""Values that operations will have, and what is decided by them."""

from __future__ import annotations

import ctypes
from typing import Any

from . import abi
from .data import Handle
from .library import lib, made
from .values import decode, size_of


class _Owned(Handle):
    """Ends when Python no longer refers to it; operations that use it still get its value."""

    def __del__(self) -> None:
        try:
            self.destroy()
        except Exception:  # The runtime has ended, and it with the runtime.
            pass


class Future(_Owned):
    """A value that an operation will have."""

    _type = abi.cohort_future_t
    _destroy = "cohort_future_destroy"

    def get(self, dtype: Any = float) -> Any:
        """Waits for the value, of this dtype or ctypes struct. `None` waits for one without bytes."""
        buffer = ctypes.create_string_buffer(0 if dtype is None else size_of(dtype))
        lib.cohort_future_get(self.handle, buffer, len(buffer))
        return None if dtype is None else decode(buffer.raw, dtype)

    def test(self) -> bool:
        """Whether the value is there."""
        return bool(made(ctypes.c_bool, "cohort_future_test", self.handle))


class FutureMap(_Owned):
    """The future of each point of an index launch: len(), [point]."""

    _type = abi.cohort_future_map_t
    _destroy = "cohort_future_map_destroy"

    def __len__(self) -> int:
        return int(made(ctypes.c_uint32, "cohort_future_map_count", self.handle))

    def __getitem__(self, point: int) -> Future:
        return Future(made(Future._type, "cohort_future_map_future", self.handle, point))

    def get(self, point: int, dtype: Any = float) -> Any:
        """Waits for the value of a point."""
        buffer = ctypes.create_string_buffer(size_of(dtype))
        lib.cohort_future_map_get(self.handle, point, buffer, len(buffer))
        return decode(buffer.raw, dtype)

    def wait(self) -> None:
        """Waits for the values of all points."""
        lib.cohort_future_map_wait(self.handle)


class Predicate(_Owned):
    """Decides whether a launch, copy, acquire or release takes place: `predicate=` of it. ~ is the opposite."""

    _type = abi.cohort_predicate_t
    _destroy = "cohort_predicate_destroy"

    @classmethod
    def from_future(cls, future: Future) -> Predicate:
        """Holds if the future's value, an integer, is not 0."""
        return cls(made(cls._type, "cohort_predicate_from_future", future.handle))

    def __invert__(self) -> Predicate:
        return Predicate(made(self._type, "cohort_predicate_not", self.handle))
