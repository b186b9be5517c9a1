"""The host and the tasks taking turns; this is the host's side."""

from __future__ import annotations

import ctypes
from typing import Optional

from . import abi
from .data import Handle
from .library import lib, made


class Handshake(Handle):
    """Tasks take their side by wait_handshakes and arrive_handshakes of a launch, or in their bodies."""

    _type = abi.cohort_handshake_t
    _destroy = "cohort_handshake_destroy"

    def handoff_to_tasks(self) -> None:
        """The tasks may go on: what the host wrote before is theirs."""
        lib.cohort_handoff_to_tasks(self.handle)

    def wait_on_tasks(self, seconds: Optional[float] = None) -> None:
        """Waits until the tasks hand off, for ever or for at most `seconds`; meanwhile this thread runs tasks."""
        if seconds is None:
            lib.cohort_wait_on_tasks(self.handle)
        else:
            lib.cohort_wait_on_tasks_for(self.handle, seconds)

    def test_on_tasks(self) -> bool:
        """Whether wait_on_tasks would return at once; the wait is still due."""
        return bool(made(ctypes.c_bool, "cohort_test_on_tasks", self.handle))
