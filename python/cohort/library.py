"""The shared library: where it lies, and its functions by name, raising what they refuse."""

from __future__ import annotations

import ctypes
import os
import pathlib
from typing import Any, NoReturn, Optional

from . import abi
from .errors import VersionError, error_of

SONAME = "libcohort.so.0"


def _load() -> ctypes.CDLL:
    """The library that COHORT_LIBRARY names, else the one that the process has loaded already, else that of this installation."""
    chosen = os.environ.get("COHORT_LIBRARY")
    if chosen is None:
        try:
            return ctypes.CDLL(SONAME, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            chosen = _installed()
    try:
        return ctypes.CDLL(chosen)
    except OSError as problem:
        raise VersionError(f"cohort: the library does not load: {problem}; "
                           "set COHORT_LIBRARY to the path of libcohort.so") from None


def _installed() -> str:
    try:
        from .installed import LIBRARY  # type: ignore[import]  # CMake writes it.
    except ImportError:
        return SONAME
    return str(pathlib.Path(__file__).resolve().parent / LIBRARY)


class Library:
    """The functions of cohort.h as attributes; each raises a subclass of Error when its status is not OK."""

    def __init__(self) -> None:
        self._loaded: Optional[ctypes.CDLL] = None

    def _library(self) -> ctypes.CDLL:
        if self._loaded is None:
            loaded = _load()
            try:
                fits = loaded.cohort_check_abi(ctypes.c_uint32(abi.ABI)) == abi.OK
            except AttributeError:
                fits = False
            if not fits:
                raise VersionError(f"cohort: this module is for the interface {abi.ABI}, which {loaded._name} does not have; "
                                   "use the module and the library of one installation")
            loaded.cohort_last_error.restype = ctypes.c_char_p
            self._loaded = loaded
        return self._loaded

    def __getattr__(self, name: str) -> Any:
        if name not in abi.FUNCTIONS:
            raise AttributeError(f"cohort.h has no function {name}")
        loaded = self._library()
        try:
            function = getattr(loaded, name)
        except AttributeError:
            raise VersionError(f"cohort: {loaded._name} has no function {name}, which this module knows; "
                               "use the module and the library of one installation") from None
        function.restype, function.argtypes = abi.FUNCTIONS[name]
        if function.restype is ctypes.c_int32:
            function.errcheck = self._check
        setattr(self, name, function)
        return function

    def _check(self, status: int, _function: Any, _arguments: Any) -> None:
        if status != abi.OK:
            raise error_of(status, self._library().cohort_last_error().decode(errors="replace"))


lib = Library()


def refuse(function: str, problem: str) -> NoReturn:
    """Raises the InvalidArgumentError of an argument that this module refuses by itself."""
    lib.cohort_argument_error(function.encode(), problem.encode())
    raise AssertionError(problem)


def initial(kind: Any) -> Any:
    """A struct as its _INIT macro makes it."""
    return kind(**abi.INITIAL[kind])


def assign(struct: Any, what: str, members: dict) -> None:
    """Sets members of a struct by their names in cohort.h. A list sets its count as well: `futures` and `future_count`."""
    kinds = dict(struct._fields_)
    for name, value in members.items():
        if name not in kinds:
            refuse(what, f"there is no {name}; use one of {', '.join(kinds)}")
        try:
            if isinstance(value, (list, tuple)) and issubclass(kinds[name], ctypes._Pointer):
                handles = [getattr(item, "handle", item) for item in value]
                value = (kinds[name]._type_ * len(handles))(*handles)
                setattr(struct, f"{name[:-1]}_count", len(handles))
            setattr(struct, name, getattr(value, "handle", value))
        except (TypeError, ValueError) as problem:
            refuse(what, f"{name}: {problem}")


def made(kind: Any, function: str, *arguments: Any) -> Any:
    """What a function gives through its last argument, of a type of the C interface."""
    result = kind()
    getattr(lib, function)(*arguments, ctypes.byref(result))
    return result if isinstance(result, ctypes.Structure) else result.value


def numbers(values: Any, dim: Optional[int], what: str) -> Any:
    """One number or several as int64_t[]; `dim` is how many there must be."""
    try:
        values = [int(value) for value in (values if hasattr(values, "__len__") else [values])]
    except (TypeError, ValueError):
        refuse(what, f"{values!r} is no list of whole numbers")
    if dim is not None and len(values) != dim:
        refuse(what, f"{tuple(values)} has {len(values)} numbers; give {dim}, one for each dimension")
    return (ctypes.c_int64 * len(values))(*values)
