"""Index spaces, field spaces, regions and partitions: the data that tasks name."""

from __future__ import annotations

import ctypes
from typing import Any, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union

import numpy as np

from . import abi, attached
from .library import lib, made, numbers, refuse

Point = Tuple[int, ...]
Numbers = Union[int, Sequence[int]]
H = TypeVar("H", bound="Handle")


class Handle:
    """An object of the library. `handle` is the struct that C and Fortran know; a Handle can be made from such a struct, or from
    the number in it, so that objects of a Fortran library can be named. Objects live until `destroy` or finalize, not for as
    long as Python refers to them; `with` destroys at its end."""

    _type: Any
    _destroy: str

    def __init__(self, handle: Any) -> None:
        self.handle = handle if isinstance(handle, self._type) else self._type(int(getattr(handle, "id", handle)))

    def destroy(self) -> None:
        """Ends the object, as the destroy function in cohort.h says; a second time it does nothing."""
        getattr(lib, self._destroy)(ctypes.byref(self.handle))

    def __enter__(self: H) -> H:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and bytes(self.handle) == bytes(other.handle)  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(bytes(self.handle))

    def __repr__(self) -> str:
        return f"<cohort.{type(self).__name__} {self.handle.id:#x}>"


class IndexSpace(Handle):
    """Points of 1 to 3 dimensions."""

    _type = abi.cohort_index_space_t
    _destroy = "cohort_index_space_destroy"


class Field(int):
    """A field's number inside its field space, with the dtype of its values. For fields of a Fortran library say
    `Field(number, dtype, name)`."""

    dtype: np.dtype
    name: str

    def __new__(cls, number: int, dtype: Any, name: str = "") -> Field:
        field = super().__new__(cls, number)
        field.dtype = np.dtype(dtype)
        field.name = name
        return field

    def __repr__(self) -> str:
        return f"<cohort.Field {int(self)} {self.name} {self.dtype}>"


class FieldSpace(Handle):
    """The fields that points have."""

    _type = abi.cohort_field_space_t
    _destroy = "cohort_field_space_destroy"

    def allocate(self, dtype: Any, name: Optional[str] = None) -> Field:
        """Adds a field whose values have this NumPy dtype. `name` appears in messages."""
        kind = np.dtype(dtype)
        if kind.hasobject:
            refuse("cohort.FieldSpace.allocate", f"dtype {kind} holds Python objects; use numbers or structs of numbers")
        number = made(ctypes.c_uint32, "cohort_field_allocate", self.handle, kind.itemsize, name.encode() if name else None)
        return Field(number, kind, name or "")


def field_numbers(fields: Union[int, Sequence[int]]) -> Any:
    """One field or several as cohort_field_t[]."""
    numbers = [fields] if isinstance(fields, int) else list(fields)
    return (abi.cohort_field_t * len(numbers))(*numbers)


class Region(Handle):
    """Points with fields: a root region, or a sub-region."""

    _type = abi.cohort_region_t
    _destroy = "cohort_region_destroy"

    def destroy(self) -> None:
        """Operations that use it still complete; then its storage is given back."""
        number = self.handle.id
        super().destroy()
        attached.region_destroyed(number)

    def bounds(self) -> Tuple[Point, Point]:
        """The lowest and the highest point, both ends included."""
        dim, lo, hi = ctypes.c_int32(), (ctypes.c_int64 * 3)(), (ctypes.c_int64 * 3)()
        lib.cohort_region_bounds(self.handle, ctypes.byref(dim), lo, hi)
        return tuple(lo[:dim.value]), tuple(hi[:dim.value])

    @property
    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.bounds()[0])

    @property
    def shape(self) -> Tuple[int, ...]:
        """The extents of an array over the bounds."""
        return tuple(high - low + 1 for low, high in zip(*self.bounds()))

    def points(self) -> int:
        """The number of points; less than the bounds hold if there are holes."""
        points = ctypes.c_int64()
        lib.cohort_region_points(self.handle, ctypes.byref(points), ctypes.byref(ctypes.c_uint32()))
        return points.value

    def rects(self) -> List[Tuple[Point, Point]]:
        """The disjoint rectangles that the points make up."""
        points, count, dim = ctypes.c_int64(), ctypes.c_uint32(), self.dim
        lib.cohort_region_points(self.handle, ctypes.byref(points), ctypes.byref(count))
        lo, hi = (ctypes.c_int64 * (dim * count.value))(), (ctypes.c_int64 * (dim * count.value))()
        lib.cohort_region_rects(self.handle, count, lo, hi)
        return [(tuple(lo[at:at + dim]), tuple(hi[at:at + dim])) for at in range(0, dim * count.value, dim)]

    def partition_equal(self, colours: int) -> Partition:
        """Sub-regions of as nearly as possible equal numbers of points."""
        return Partition(made(Partition._type, "cohort_partition_equal", self.handle, colours))

    def partition_blocks(self, counts: Numbers) -> Partition:
        """Blocks of near-equal size, `counts[d]` of them in dimension d; the first dimension's colour runs fastest."""
        counts = numbers(counts, self.dim, "cohort.Region.partition_blocks: counts")
        return Partition(made(Partition._type, "cohort_partition_blocks", self.handle, counts))

    def partition_rects(self, rects: Sequence[Tuple[Numbers, Numbers]]) -> Partition:
        """Sub-regions by their bounds (lo, hi), which may overlap."""
        lo, hi = corners(rects, self.dim, "cohort.Region.partition_rects")
        return Partition(made(Partition._type, "cohort_partition_rects", self.handle, len(rects), lo, hi))

    def partition_restriction(self, colours: Tuple[Numbers, Numbers], transform: Any, extent: Tuple[Numbers, Numbers]) -> Partition:
        """For each point c of a rectangle of colours (lo, hi) the points of `extent` (lo, hi) moved by transform @ c."""
        what = "cohort.Region.partition_restriction"
        rows = np.atleast_2d(np.asarray(transform, dtype=np.int64))
        colour_dim = rows.shape[-1]
        if rows.shape != (self.dim, colour_dim):
            refuse(what, f"transform has shape {rows.shape}; it has one row for each of the region's {self.dim} dimensions")
        first, last = (numbers(end, colour_dim, f"{what}: colours") for end in colours)
        lo, hi = (numbers(end, self.dim, f"{what}: extent") for end in extent)
        flat = numbers(rows.ravel(), None, what)
        return Partition(made(Partition._type, "cohort_partition_restriction", self.handle, colour_dim, first, last, flat, lo, hi))

    def partition_union(self, a: Partition, b: Partition) -> Partition:
        """Sub-region c has the points of `a`'s or of `b`'s, as far as this region has them."""
        return Partition(made(Partition._type, "cohort_partition_union", self.handle, a.handle, b.handle))

    def partition_intersection(self, a: Partition, b: Partition) -> Partition:
        """Sub-region c has the points of `a`'s and of `b`'s, as far as this region has them."""
        return Partition(made(Partition._type, "cohort_partition_intersection", self.handle, a.handle, b.handle))

    def partition_difference(self, a: Partition, b: Partition) -> Partition:
        """Sub-region c has the points of `a`'s that `b`'s does not have, as far as this region has them."""
        return Partition(made(Partition._type, "cohort_partition_difference", self.handle, a.handle, b.handle))


class Partition(Handle):
    """Sub-regions of a region, by colour: len(), [colour], and iteration."""

    _type = abi.cohort_partition_t
    _destroy = "cohort_partition_destroy"

    def __len__(self) -> int:
        return int(made(ctypes.c_uint32, "cohort_partition_count", self.handle))

    def subregion(self, colour: int) -> Region:
        """The sub-region of a colour. It ends with its partition."""
        return Region(made(abi.cohort_region_t, "cohort_subregion", self.handle, colour))

    __getitem__ = subregion

    def __iter__(self) -> Iterator[Region]:
        return (self.subregion(colour) for colour in range(len(self)))

    def kind(self) -> Tuple[bool, bool]:
        """Whether no two sub-regions share a point, and whether every point of the region is in one."""
        disjoint, complete = ctypes.c_bool(), ctypes.c_bool()
        lib.cohort_partition_kind(self.handle, ctypes.byref(disjoint), ctypes.byref(complete))
        return disjoint.value, complete.value

    def tiles_halo(self, depth: Numbers) -> Partition:
        """The sub-regions, each grown by `depth[d]` points on both sides and clipped to the region."""
        depth = numbers(depth, self.subregion(0).dim, "cohort.Partition.tiles_halo: depth")
        return Partition(made(Partition._type, "cohort_partition_tiles_halo", self.handle, depth))

    def cross_product(self, other: Partition) -> List[Partition]:
        """One partition of each of this one's sub-regions by the sub-regions of `other`."""
        parts = (self._type * len(self))()
        lib.cohort_partition_cross_product(self.handle, other.handle, parts)
        return [Partition(self._type(part.id)) for part in parts]


def corners(rects: Sequence[Tuple[Numbers, Numbers]], dim: int, what: str) -> Tuple[Any, Any]:
    """Rectangles (lo, hi) as the two arrays that C takes."""
    lo = [value for low, _ in rects for value in numbers(low, dim, what)]
    hi = [value for _, high in rects for value in numbers(high, dim, what)]
    return (ctypes.c_int64 * len(lo))(*lo), (ctypes.c_int64 * len(hi))(*hi)


