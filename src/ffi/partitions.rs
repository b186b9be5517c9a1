//! Partitions: of rectangles and blocks, computed from fields, and combined from others. Creation and destruction from any
//! thread, except where a context is asked for; there, on the context's thread.

use super::convert::{out, slice};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::operation::dependent::{self, Pointers};
use crate::operation::{Engine, Frame, PartitionObject, RegionObject};
use crate::region::{check_dim, expect_rects, rects_of, Partition, RegionNode};
use crate::runtime;
use std::sync::Arc;

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
            expect_rects(count as usize)?;
            Partition::rects(&r.node, &rects_of(dim, count as usize, lo, hi))
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

/// `colours` sub-regions of as nearly as possible equal numbers of points.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_equal(
    region: cohort_region_t,
    colours: u32,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_equal", || make_partition(region, partition, |r| Partition::equal(&r.node, colours)))
}

/// One sub-region for each point c of a rectangle of colours, numbered in Fortran order: the points of `extent_lo` to
/// `extent_hi` moved by `transform` times c, as far as the region has them. `transform` has one row for each of the region's
/// dimensions, `colour_dim` entries a row. As Legion's partition by restriction.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_restriction(
    region: cohort_region_t,
    colour_dim: i32,
    colour_lo: *const i64,
    colour_hi: *const i64,
    transform: *const i64,
    extent_lo: *const i64,
    extent_hi: *const i64,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_restriction", || {
        make_partition(region, partition, |r| {
            let (dim, columns) = (r.node.dim(), check_dim(colour_dim)?);
            let rect = |n: usize, lo: *const i64, hi: *const i64, what: &str| -> Result<Rect> {
                Ok(rects_of(n, 1, slice(lo, n, what)?, slice(hi, n, what)?)[0])
            };
            let mut rows = [[0; 3]; 3];
            for (row, entries) in rows.iter_mut().zip(slice(transform, dim * columns, "transform")?.chunks(columns)) {
                row[..columns].copy_from_slice(entries);
            }
            let colours = rect(columns, colour_lo, colour_hi, "colour bounds")?;
            Partition::restricted(&r.node, &colours, &rows, &rect(dim, extent_lo, extent_hi, "extent bounds")?)
        })
    })
}

/// `colours` sub-regions: point p is in sub-region v if the field, an integer of 4 or 8 bytes, holds v at p; in none if v is not
/// from 0 to colours - 1. Waits for the operations that write the field. On the context's thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_by_field(
    context: cohort_context_t,
    region: cohort_region_t,
    field: cohort_field_t,
    colours: u32,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_by_field", || {
        let (engine, frame) = runtime::context(context.id)?;
        make_partition(region, partition, |r| dependent::by_field(engine, frame, r, field, colours))
    })
}

/// A partition of `region` by the values of a field that name points, and by the sub-regions of another.
unsafe fn by_pointers(
    context: cohort_context_t,
    region: cohort_region_t,
    other: cohort_partition_t,
    pointers: Pointers,
    partition: *mut cohort_partition_t,
    make: impl FnOnce(&Engine, &Frame, &RegionObject, &PartitionObject, Pointers) -> Result<Partition>,
) -> Result<()> {
    let (engine, frame) = runtime::context(context.id)?;
    let other = runtime::current()?.objects.partitions.get(other.id)?;
    make_partition(region, partition, |r| make(engine, frame, r, other, pointers))
}

/// Sub-regions of `target`, as many as `sources` has: sub-region c holds the points that the field names at the points of
/// `sources`' sub-region c. A value of the field is one integer for each of the target's dimensions, all of 4 or all of 8 bytes.
/// Points outside of the target are left out. Waits for the operations that write the field. On the context's thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_image(
    context: cohort_context_t,
    target: cohort_region_t,
    sources: cohort_partition_t,
    field: cohort_field_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_image", || {
        by_pointers(context, target, sources, Pointers { field, ranges: false }, partition, dependent::image)
    })
}

/// As cohort_partition_image, but each value names all points of a rectangle: its lo, then its hi, which is included.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_image_range(
    context: cohort_context_t,
    target: cohort_region_t,
    sources: cohort_partition_t,
    field: cohort_field_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_image_range", || {
        by_pointers(context, target, sources, Pointers { field, ranges: true }, partition, dependent::image)
    })
}

/// Sub-regions of `source`, as many as `targets` has: sub-region c holds the points at which the field names a point of
/// `targets`' sub-region c. Values as for cohort_partition_image. Waits for the operations that write the field. On the
/// context's thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_preimage(
    context: cohort_context_t,
    source: cohort_region_t,
    targets: cohort_partition_t,
    field: cohort_field_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_preimage", || {
        by_pointers(context, source, targets, Pointers { field, ranges: false }, partition, dependent::preimage)
    })
}

/// As cohort_partition_preimage, but each value names all points of a rectangle, as for cohort_partition_image_range; one of
/// them in the sub-region is enough.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_preimage_range(
    context: cohort_context_t,
    source: cohort_region_t,
    targets: cohort_partition_t,
    field: cohort_field_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_preimage_range", || {
        by_pointers(context, source, targets, Pointers { field, ranges: true }, partition, dependent::preimage)
    })
}

/// Sub-region c has the points of sub-region c of `a` or of `b`, as far as `region` has them. All are of one region tree.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_union(
    region: cohort_region_t,
    a: cohort_partition_t,
    b: cohort_partition_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_union", || combine(region, a, b, partition, Partition::union))
}

/// Sub-region c has the points of sub-region c of `a` and of `b`, as far as `region` has them. All are of one region tree.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_intersection(
    region: cohort_region_t,
    a: cohort_partition_t,
    b: cohort_partition_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_intersection", || combine(region, a, b, partition, Partition::intersection))
}

/// Sub-region c has the points of sub-region c of `a` that that of `b` does not have, as far as `region` has them. All are of
/// one region tree.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_difference(
    region: cohort_region_t,
    a: cohort_partition_t,
    b: cohort_partition_t,
    partition: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_difference", || combine(region, a, b, partition, Partition::difference))
}

unsafe fn combine(
    region: cohort_region_t,
    a: cohort_partition_t,
    b: cohort_partition_t,
    partition: *mut cohort_partition_t,
    how: impl FnOnce(&Arc<RegionNode>, &Partition, &Partition) -> Result<Partition>,
) -> Result<()> {
    let partitions = &runtime::current()?.objects.partitions;
    let (a, b) = (&partitions.get(a.id)?.partition, &partitions.get(b.id)?.partition);
    make_partition(region, partition, |r| how(&r.node, a, b))
}

/// The cross product of two partitions of one region tree: one partition of each of `a`'s sub-regions by the sub-regions of `b`.
/// `partitions` has room for as many handles as `a` has sub-regions.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_cross_product(
    a: cohort_partition_t,
    b: cohort_partition_t,
    partitions: *mut cohort_partition_t,
) -> cohort_status_t {
    guard("cohort_partition_cross_product", || {
        let all = &runtime::current()?.objects.partitions;
        let (a, b) = (all.get(a.id)?, all.get(b.id)?);
        out(partitions)?;
        let crossed = a.partition.children.iter().map(|child| Partition::crossed(child, &b.partition)).collect::<Result<Vec<_>>>()?;
        for (colour, partition) in crossed.into_iter().enumerate() {
            (*partitions.add(colour)).id = all.insert(PartitionObject::new(partition, a.data.clone()))?;
        }
        Ok(())
    })
}

/// Whether no two sub-regions share a point, and whether every point of the region is in one. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_partition_kind(partition: cohort_partition_t, disjoint: *mut bool, complete: *mut bool) -> cohort_status_t {
    guard("cohort_partition_kind", || {
        let partition = &runtime::current()?.objects.partitions.get(partition.id)?.partition;
        (*out(disjoint)?, *out(complete)?) = (partition.is_disjoint()?, partition.is_complete()?);
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
    destroy!("cohort_partition_destroy", partition, |id| {
        let runtime = runtime::current()?;
        let removed = runtime.objects.remove_partition(id);
        runtime.forget_unnamed();
        removed
    })
}

