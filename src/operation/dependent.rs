//! Partitions computed from what a field holds. The calling thread waits until the field's values are there, then computes.

use super::launch::{launch, Launch, Launched, Need};
use super::{Engine, Frame, Future, PartitionObject, RegionObject};
use crate::base::{memory, Result};
use crate::copy::copy_rect;
use crate::fail;
use crate::geometry::{self, Domain, Point, PointSet, Values};
use crate::instance::{FieldInstance, Storage};
use crate::region::{Access, Partition, Privilege, RegionNode};
use std::borrow::Cow;
use std::sync::Arc;

/// A field whose values name points, as pointers or as ranges, both ends included.
#[derive(Clone, Copy)]
pub struct Pointers {
    pub field: u32,
    pub ranges: bool,
}

/// Waits for the earlier operations that write the field at the region's points; later ones are launched by the calling
/// thread, which is here.
fn settle(engine: &Engine, frame: &Frame, region: &RegionObject, field: u32) -> Result<()> {
    region.check_here()?;
    let mut operation = Launch::new(Launched::Nothing);
    operation.needs.push(Need::new(region.clone(), &[field], Access::exclusive(Privilege::ReadOnly))?);
    let written = Future::default();
    operation.result = Some(written.clone());
    launch(engine, frame, operation)?;
    engine.wait(|| written.is_ready(), &written.seats, None)?;
    written.value(&engine.failures).map(drop)
}

/// Sub-regions of the points whose value is the colour; a value that is no colour puts its point in none.
pub fn by_field(engine: &Engine, frame: &Frame, region: &RegionObject, field: u32, colours: u32) -> Result<Partition> {
    if colours == 0 || colours > 1 << 24 {
        fail!(InvalidArgument, "{colours} colours; give from 1 to 2^24");
    }
    let colour = Pointers { field, ranges: false };
    let found = with_values(engine, frame, region, colour, 1, |values| {
        // Nobody writes the field until the caller launches again.
        unsafe { geometry::by_colour(&region.node.domain.points(), colours as usize, values) }
    })?;
    of_sets(&region.node, found?)
}

/// Sub-regions of `target`: the points that the values in each sub-region of `sources` name.
pub fn image(engine: &Engine, frame: &Frame, target: &RegionObject, sources: &PartitionObject, pointers: Pointers) -> Result<Partition> {
    let parent = RegionObject { node: sources.partition.parent.clone(), data: sources.data.clone() };
    let points = sets_of(&sources.partition)?;
    let found = with_values(engine, frame, &parent, pointers, target.node.dim(), |values| {
        // As above.
        unsafe { geometry::image(&points, &target.node.domain.points(), values) }
    })?;
    of_sets(&target.node, found?)
}

/// Sub-regions of `source`: the points whose values name a point of each sub-region of `targets`.
pub fn preimage(engine: &Engine, frame: &Frame, source: &RegionObject, targets: &PartitionObject, pointers: Pointers) -> Result<Partition> {
    let targets = &targets.partition;
    let points = sets_of(targets)?;
    let found = with_values(engine, frame, source, pointers, targets.parent.dim(), |values| {
        // As above.
        unsafe { geometry::preimage(&source.node.domain.points(), &points, values) }
    })?;
    of_sets(&source.node, found?)
}

/// The points of each sub-region.
fn sets_of(partition: &Partition) -> Result<Vec<Cow<'_, PointSet>>> {
    memory::expect(partition.children.len() * size_of::<Cow<PointSet>>())?;
    Ok(partition.children.iter().map(|child| child.domain.points()).collect())
}

fn of_sets(parent: &Arc<RegionNode>, sets: Vec<PointSet>) -> Result<Partition> {
    Partition::expect(sets.len(), 0)?;
    Ok(Partition::of_parts(parent, sets.into_iter().map(Domain::from).collect()))
}

/// Calls `compute` with the field's values on the region, once they are there.
fn with_values<R>(
    engine: &Engine,
    frame: &Frame,
    region: &RegionObject,
    Pointers { field, ranges }: Pointers,
    coordinates: usize,
    compute: impl FnOnce(&Values<&dyn Fn(Point) -> (*const u8, isize)>) -> R,
) -> Result<R> {
    settle(engine, frame, region, field)?;
    let instance = region.data.instances.covering(field, &region.node.domain.bounds)?;
    if !geometry::fits(instance.bytes, coordinates, ranges) {
        let what = if ranges { "range, two points" } else { "point" };
        fail!(
            InvalidArgument,
            "field {} has {} bytes; a {what} of {coordinates} dimensions takes as many integers of 4 or of 8 bytes as it has coordinates",
            region.node.tree.fields.label(field),
            instance.bytes
        );
    }
    // Rows are walked in steps of one size.
    let rows = match &instance.blocks {
        Some(blocks) if blocks.dim == 0 => Some(in_rows(region, field, instance)?),
        _ => None,
    };
    let instance = rows.as_ref().map_or(instance, |rows| &rows.instance);
    let row = |p: Point| (instance.at(p).cast_const(), instance.stride[0] as isize);
    Ok(compute(&Values { row: &row, coordinates, ranges, bytes: instance.bytes }))
}

/// A copy of a field that lies in blocks.
fn in_rows(region: &RegionObject, field: u32, instance: &FieldInstance) -> Result<Storage> {
    let rows = Storage::new(region.node.domain.bounds, instance.bytes, field as usize, &[])?;
    // Nobody writes the field until the caller launches again.
    region.node.domain.rects().for_each(|rect| unsafe { copy_rect(instance, &rows.instance, &rect, [0; 3]) });
    Ok(rows)
}
