//! Index spaces, field spaces, regions; attach, detach, fill. Creation and destruction from any thread;
//! a destroy function clears the handle, accepts a null one, and must not run while another thread uses the object.

use super::convert::{out, slice, text};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::operation::{attach, current_task, RegionObject};
use crate::region::{check_dim, FieldSpace, IndexSpace};
use crate::runtime;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// Removes an object and clears its handle.
macro_rules! destroy {
    ($name:literal, $handle:expr, $remove:expr) => {
        guard($name, || {
            let handle = out($handle)?;
            if handle.id != 0 {
                $remove(handle.id)?;
                handle.id = 0;
            }
            Ok(())
        })
    };
}
pub(super) use destroy;

/// A rectangle of points of `dim` (1 to 3) dimensions; `lo` and `hi` have `dim` entries, both ends included.
/// Errors: INVALID_ARGUMENT (dim), BOUNDS (lo above hi).
#[no_mangle]
pub unsafe extern "C" fn cohort_index_space_create(
    runtime: cohort_runtime_t,
    dim: i32,
    lo: *const i64,
    hi: *const i64,
    space: *mut cohort_index_space_t,
) -> cohort_status_t {
    guard("cohort_index_space_create", || {
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(space)?);
        let n = check_dim(dim)?;
        out.id = objects.index_spaces.insert(IndexSpace::new(dim, slice(lo, n, "lo")?, slice(hi, n, "hi")?)?)?;
        Ok(())
    })
}

/// The points of any of `count` rectangles, which may overlap and leave holes between them; `lo` and `hi` hold dim entries a
/// rectangle, one after the other. Errors: INVALID_ARGUMENT (dim, count 0), BOUNDS (lo above hi).
#[no_mangle]
pub unsafe extern "C" fn cohort_index_space_create_rects(
    runtime: cohort_runtime_t,
    dim: i32,
    count: u32,
    lo: *const i64,
    hi: *const i64,
    space: *mut cohort_index_space_t,
) -> cohort_status_t {
    guard("cohort_index_space_create_rects", || {
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(space)?);
        let count = count as usize;
        let n = check_dim(dim)? * count;
        out.id = objects.index_spaces.insert(IndexSpace::of_rects(dim, count, slice(lo, n, "lo")?, slice(hi, n, "hi")?)?)?;
        Ok(())
    })
}

/// Regions made from it live on.
#[no_mangle]
pub unsafe extern "C" fn cohort_index_space_destroy(space: *mut cohort_index_space_t) -> cohort_status_t {
    destroy!("cohort_index_space_destroy", space, |id| runtime::current()?.objects.index_spaces.remove(id))
}

/// An empty field space; add fields, then make regions from it. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_field_space_create(runtime: cohort_runtime_t, space: *mut cohort_field_space_t) -> cohort_status_t {
    guard("cohort_field_space_create", || {
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(space)?);
        out.id = objects.field_spaces.insert(Arc::new(FieldSpace::default()))?;
        Ok(())
    })
}

/// Regions made from it live on.
#[no_mangle]
pub unsafe extern "C" fn cohort_field_space_destroy(space: *mut cohort_field_space_t) -> cohort_status_t {
    destroy!("cohort_field_space_destroy", space, |id| runtime::current()?.objects.field_spaces.remove(id))
}

/// Adds a field of `bytes` bytes a point. `name` (copied, may be NULL) appears in messages.
#[no_mangle]
pub unsafe extern "C" fn cohort_field_allocate(
    space: cohort_field_space_t,
    bytes: usize,
    name: *const c_char,
    field: *mut cohort_field_t,
) -> cohort_status_t {
    guard("cohort_field_allocate", || {
        *out(field)? = runtime::current()?.objects.field_spaces.get(space.id)?.allocate(bytes, 1, text(name, "name")?)?;
        Ok(())
    })
}

/// Adds `count` fields alike, numbered `*first` to `*first + count - 1`.
#[no_mangle]
pub unsafe extern "C" fn cohort_fields_allocate(
    space: cohort_field_space_t,
    bytes: usize,
    count: u32,
    first: *mut cohort_field_t,
) -> cohort_status_t {
    guard("cohort_fields_allocate", || {
        *out(first)? = runtime::current()?.objects.field_spaces.get(space.id)?.allocate(bytes, count, None)?;
        Ok(())
    })
}

/// A region: every point of the index space has every field of the field space. Storage appears when first used,
/// unless arrays are attached.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_create(
    runtime: cohort_runtime_t,
    space: cohort_index_space_t,
    fields: cohort_field_space_t,
    region: *mut cohort_region_t,
) -> cohort_status_t {
    guard("cohort_region_create", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(region)?);
        let objects = &runtime.objects;
        let (space, fields) = (objects.index_spaces.get(space.id)?.clone(), objects.field_spaces.get(fields.id)?.clone());
        out.id = objects.regions.insert(RegionObject::root(space, fields, current_task(), &runtime.engine.mappers.setting.fast))?;
        Ok(())
    })
}

/// Operations that use it still complete; then its storage is given back.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_destroy(region: *mut cohort_region_t) -> cohort_status_t {
    destroy!("cohort_region_destroy", region, |id| {
        let runtime = runtime::current()?;
        let taken = runtime.objects.regions.take(id).map(drop);
        runtime.forget_unnamed();
        taken
    })
}

/// Dimension and bounds; `lo` and `hi` need room for the region's dimension, 3 at most. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_bounds(region: cohort_region_t, dim: *mut i32, lo: *mut i64, hi: *mut i64) -> cohort_status_t {
    guard("cohort_region_bounds", || {
        let node = &runtime::current()?.objects.regions.get(region.id)?.node;
        *out(dim)? = node.dim() as i32;
        put_rects(node.dim(), std::iter::once(node.domain.bounds), 1, lo, hi)
    })
}

/// The number of points, and of the disjoint rectangles that they make up: 1 unless the region has holes, 0 when it is empty.
/// Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_points(region: cohort_region_t, points: *mut i64, rects: *mut u32) -> cohort_status_t {
    guard("cohort_region_points", || {
        let domain = &runtime::current()?.objects.regions.get(region.id)?.node.domain;
        (*out(points)?, *out(rects)?) = (domain.volume(), domain.rects().len() as u32);
        Ok(())
    })
}

/// The disjoint rectangles that the region's points make up; `lo` and `hi` have room for `capacity` of them, dim entries each,
/// one after the other. Errors: BOUNDS (more rectangles than that; cohort_region_points counts them). Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_rects(region: cohort_region_t, capacity: u32, lo: *mut i64, hi: *mut i64) -> cohort_status_t {
    guard("cohort_region_rects", || {
        let node = &runtime::current()?.objects.regions.get(region.id)?.node;
        put_rects(node.dim(), node.domain.rects(), capacity, lo, hi)
    })
}

unsafe fn put_rects(dim: usize, rects: impl ExactSizeIterator<Item = Rect>, capacity: u32, lo: *mut i64, hi: *mut i64) -> Result<()> {
    if rects.len() > capacity as usize {
        fail!(Bounds, "capacity is {capacity} and the region has {} rectangles; pass arrays of that many times {dim} entries", rects.len());
    }
    if rects.len() == 0 {
        return Ok(());
    }
    let (lo, hi) = (out(lo)? as *mut i64, out(hi)? as *mut i64);
    for (i, rect) in rects.enumerate() {
        lo.add(i * dim).copy_from_nonoverlapping(rect.lo.as_ptr(), dim);
        hi.add(i * dim).copy_from_nonoverlapping(rect.hi.as_ptr(), dim);
    }
    Ok(())
}

/// Makes the caller's memory the storage of fields of a region, in place. `base` is the element at the region's
/// lo of the first field, `strides[d]` the bytes from one point to the next in dimension d, `field_stride` the bytes
/// from one field to the next. The memory stays the caller's, must outlive the use, and may be looked at by the host
/// only when no outstanding operation uses it. To sub-regions that share no points different arrays can be attached: a task then
/// uses what lies in one of them, or asks for a layout (cohort_task_layout) and works on one copy. Errors: INVALID_ARGUMENT (null base,
/// elements that overlap), WRONG_ORDER (a field attached there).
#[no_mangle]
pub unsafe extern "C" fn cohort_attach(
    context: cohort_context_t,
    region: cohort_region_t,
    field_count: u32,
    fields: *const cohort_field_t,
    base: *mut c_void,
    strides: *const i64,
    field_stride: i64,
) -> cohort_status_t {
    guard("cohort_attach", || {
        let (engine, frame) = runtime::context(context.id)?;
        let region = runtime::current()?.objects.regions.get(region.id)?;
        let strides = slice(strides, region.node.dim(), "strides")?;
        let fields = slice(fields, field_count as usize, "fields")?;
        attach::attach(engine, frame, region, fields, base.cast(), strides, field_stride)
    })
}

/// Waits for the operations that use the fields, then forgets the memory attached to the region, which holds the content; with a root
/// region also what is attached to its sub-regions.
#[no_mangle]
pub unsafe extern "C" fn cohort_detach(
    context: cohort_context_t,
    region: cohort_region_t,
    field_count: u32,
    fields: *const cohort_field_t,
) -> cohort_status_t {
    guard("cohort_detach", || {
        let (engine, frame) = runtime::context(context.id)?;
        let region = runtime::current()?.objects.regions.get(region.id)?;
        attach::detach(engine, frame, region, slice(fields, field_count as usize, "fields")?)
    })
}

/// Launches an operation that writes `value` (copied), of `bytes` bytes, into every point of the fields.
#[no_mangle]
pub unsafe extern "C" fn cohort_fill(
    context: cohort_context_t,
    region: cohort_region_t,
    field_count: u32,
    fields: *const cohort_field_t,
    value: *const c_void,
    bytes: usize,
) -> cohort_status_t {
    guard("cohort_fill", || {
        let (engine, frame) = runtime::context(context.id)?;
        let region = runtime::current()?.objects.regions.get(region.id)?;
        let (fields, value) = (slice(fields, field_count as usize, "fields")?, slice(value.cast(), bytes, "value")?);
        attach::fill(engine, frame, region, fields, value)
    })
}
