"""The attached arrays. The runtime holds their addresses, so they are kept alive and in place."""

from __future__ import annotations

import weakref
from typing import Any, Dict, List, Tuple

import numpy as np

# By region and field. The weak reference keeps ndarray.resize from moving the array, even with refcheck=False.
_arrays: Dict[Tuple[int, int], Tuple[np.ndarray, Any]] = {}
# Of regions that are destroyed; operations launched before may still use them.
_orphans: List[Any] = []


def keep(region: int, field: int, array: np.ndarray) -> None:
    """Until it is detached, or nothing can use it any more."""
    _arrays[region, field] = (array, weakref.ref(array))


def release(region: int, field: int) -> None:
    """It is detached."""
    _arrays.pop((region, field), None)


def region_destroyed(region: int) -> None:
    """Its arrays are kept until all operations are complete."""
    for key in [key for key in _arrays if key[0] == region]:
        _orphans.append(_arrays.pop(key))


def all_complete() -> None:
    """Nothing is outstanding."""
    _orphans.clear()


def runtime_ended() -> None:
    """And holds no addresses."""
    _arrays.clear()
    _orphans.clear()
