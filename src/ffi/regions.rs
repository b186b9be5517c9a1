//! Index spaces, field spaces, regions, partitions; attach, detach, fill. Creation and destruction from any thread;
//! a destroy function clears the handle, accepts a null one, and must not run while another thread uses the object.

use super::convert::{out, slice, text};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::operation::{attach, current_task, PartitionObject, RegionObject};
use crate::region::{check_dim, FieldSpace, IndexSpace, Partition};
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

/// Regions made from it live on.
#[no_mangle]
pub unsafe extern "C" fn cohort_index_space_destroy(space: *mut cohort_index_space_t) -> cohort_status_t {
    destroy!("cohort_index_space_destroy", space, |id| runtime::current()?.objects.index_spaces.remove(id))
}

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
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(region)?);
        let (space, fields) = (objects.index_spaces.get(space.id)?.clone(), objects.field_spaces.get(fields.id)?.clone());
        out.id = objects.regions.insert(RegionObject::root(space, fields, current_task()))?;
        Ok(())
    })
}

/// Operations that use it still complete.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_destroy(region: *mut cohort_region_t) -> cohort_status_t {
    destroy!("cohort_region_destroy", region, |id| runtime::current()?.objects.regions.take(id))
}

/// Dimension and bounds; `lo` and `hi` need room for the region's dimension, 3 at most. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_region_bounds(region: cohort_region_t, dim: *mut i32, lo: *mut i64, hi: *mut i64) -> cohort_status_t {
    guard("cohort_region_bounds", || {
        let node = &runtime::current()?.objects.regions.get(region.id)?.node;
        let (dim, lo, hi) = (out(dim)?, out(lo)? as *mut i64, out(hi)? as *mut i64);
        *dim = node.dim() as i32;
        lo.copy_from_nonoverlapping(node.domain.bounds.lo.as_ptr(), node.dim());
        hi.copy_from_nonoverlapping(node.domain.bounds.hi.as_ptr(), node.dim());
        Ok(())
    })
}

unsafe fn make_partition(
    region: cohort_region_t,
    partition: *mut cohort_partition_t,
    make: impl FnOnce(&RegionObject) -> Result<Partition>,
) -> Result<()> {
    let (objects, out) = (&runtime::current()?.objects, out(partition)?);
    let region = objects.regions.get(region.id)?;
    out.id = objects.partitions.insert(PartitionObject::new(make(region)?, region.data.clone()))?;
    Ok(())
}

/// Blocks of near-equal size, `counts[d]` of them in dimension d. Colour of block (i,j,k): i + counts[0]*(j + counts[1]*k).
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_blocks(
    region: cohort_region_t,
    counts: *const i64,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_blocks", || {
        make_partition(region, partition, |r| Partition::blocks(&r.node, slice(counts, r.node.dim(), "counts")?))
    })
}

/// `count` sub-regions by their bounds, which may overlap; `lo` and `hi` hold dim entries a colour, colour by colour.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_rects(
    region: cohort_region_t,
    count: u32,
    lo: *const i64,
    hi: *const i64,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_rects", || {
        make_partition(region, partition, |r| {
            let dim = r.node.dim();
            let entries = dim * count as usize;
            let (lo, hi) = (slice(lo, entries, "lo")?, slice(hi, entries, "hi")?);
            if count == 0 {
                fail!(InvalidArgument, "a partition with 0 sub-regions; give at least one");
            }
            let corner = |of: &[i64], colour: usize| {
                let mut point = [0; 3];
                point[..dim].copy_from_slice(&of[colour * dim..(colour + 1) * dim]);
                point
            };
            let rects: Vec<Rect> = (0..count as usize).map(|c| Rect::new(corner(lo, c), corner(hi, c))).collect();
            Partition::rects(&r.node, &rects)
        })
    })
}

/// The sub-regions of `blocks`, each grown by `depth[d]` points on both sides and clipped to the region: tiles with
/// their halo.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_tiles_halo(
    blocks: cohort_partition_t,
    depth: *const i64,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_tiles_halo", || {
        let (objects, out) = (&runtime::current()?.objects, out(partition)?);
        let blocks = objects.partitions.get(blocks.id)?;
        let grown = Partition::grown(&blocks.partition, slice(depth, blocks.partition.parent.dim(), "depth")?)?;
        out.id = objects.partitions.insert(PartitionObject::new(grown, blocks.data.clone()))?;
        Ok(())
    })
}

/// The number of sub-regions.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_count(partition: cohort_partition_t, count: *mut u32) -> cohort_status_t {
    guard("cohort_partition_count", || {
        *out(count)? = runtime::current()?.objects.partitions.get(partition.id)?.partition.children.len() as u32;
        Ok(())
    })
}

/// The sub-region of a colour; the same handle every time. It ends with its partition.
#[no_mangle]
pub unsafe extern "C" fn cohort_subregion(partition: cohort_partition_t, colour: u32, region: *mut cohort_region_t) -> cohort_status_t {
    guard("cohort_subregion", || {
        out(region)?.id = runtime::current()?.objects.subregion(partition.id, colour)?;
        Ok(())
    })
}

/// Ends the handles of its sub-regions too.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_destroy(partition: *mut cohort_partition_t) -> cohort_status_t {
    destroy!("cohort_partition_destroy", partition, |id| runtime::current()?.objects.remove_partition(id))
}

/// Makes the caller's memory the storage of fields of a root region, in place. `base` is the element at the region's
/// lo of the first field, `strides[d]` the bytes from one point to the next in dimension d, `field_stride` the bytes
/// from one field to the next. The memory stays the caller's, must outlive the use, and may be looked at by the host
/// only when no outstanding operation uses it. Errors: INVALID_ARGUMENT (null base, elements that overlap, a
/// sub-region), WRONG_ORDER (a field in use or attached).
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

/// Waits for the operations that use the fields, then forgets the attached memory, which holds the content.
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
