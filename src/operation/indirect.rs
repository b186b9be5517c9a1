//! Copies with indirection: fields say which points elements come from (gather), which they go to (scatter), or both.

use super::body::{Body, Held};
use super::copy::{field_pairs, pairs_of, Terms};
use super::launch::{launch, Launch, Launched, Need};
use super::{Engine, Frame, RegionObject};
use crate::base::Result;
use crate::copy::{Indirect, Side};
use crate::fail;
use crate::geometry::{self, Point};
use crate::instance::FieldInstance;
use crate::region::{Access, Operator, Privilege};

/// A field whose values name points, on a region.
pub type Names<'a> = Option<(&'a RegionObject, u32)>;

/// What a copy with indirection does besides copying fields.
#[derive(Clone, Copy, Default)]
pub struct Indirection {
    pub gathers: bool,
    pub scatters: bool,
    /// Values that name points elsewhere are passed over instead of being a failure.
    pub skips: bool,
    /// Folds elements into those of the destination.
    pub operator: Option<Operator>,
}

/// A copy to be launched.
pub struct IndirectCopy<'a> {
    pub source: (&'a RegionObject, &'a [u32]),
    pub destination: (&'a RegionObject, &'a [u32]),
    pub gather: Names<'a>,
    pub scatter: Names<'a>,
    pub skips: bool,
    pub operator: Option<Operator>,
}

/// Launches a copy at the points of the regions of `gather` and `scatter`; where one of them is missing, the points of its side
/// are those themselves.
pub fn copy_indirect(engine: &Engine, frame: &Frame, copy: &IndirectCopy, mut terms: Terms) -> Result<()> {
    let (source, destination) = (copy.source.0, copy.destination.0);
    source.check_here()?;
    destination.check_here()?;
    check_names("gather", copy.gather, source)?;
    check_names("scatter", copy.scatter, destination)?;
    check_operator(copy)?;
    // Where the values lie, or the points of a side are their own.
    let (at_source, at_destination) = (copy.gather.map_or(source, |names| names.0), copy.scatter.map_or(destination, |names| names.0));
    if at_source.node.dim() != at_destination.node.dim() {
        fail!(
            InvalidArgument,
            "the elements come from points of {} dimensions and go to points of {}; let both be of the region that names points, or name points for both",
            at_source.node.dim(),
            at_destination.node.dim()
        );
    }
    let domain = at_source.node.domain.intersection(&at_destination.node.domain)?;
    if domain.is_empty() {
        fail!(Bounds, "the regions {} and {} share no point, so nothing would be copied", at_source.node.bounds_text(), at_destination.node.bounds_text());
    }
    let context = engine.context_of(frame);
    let pairs = field_pairs(context, copy.source, copy.destination)?;
    let how = Indirection { gathers: copy.gather.is_some(), scatters: copy.scatter.is_some(), skips: copy.skips, operator: copy.operator };
    let all_written = !how.scatters && !how.skips && how.operator.is_none();
    let write = if all_written { Privilege::WriteDiscard } else { Privilege::ReadWrite };
    let used = |region: &RegionObject, named: bool| if named { region.clone() } else { region.piece(domain.clone()) };
    let mut operation = Launch::new(Launched::Indirect(how));
    let read = Access::exclusive(Privilege::ReadOnly);
    operation.needs.push(Need::new(used(source, how.gathers), copy.source.1, read)?);
    operation.needs.push(Need::new(used(destination, how.scatters), copy.destination.1, Access::exclusive(write))?);
    for (region, field) in [copy.gather, copy.scatter].into_iter().flatten() {
        operation.needs.push(Need::new(region.piece(domain.clone()), &[field], read)?);
    }
    operation.args = &pairs;
    terms.apply(&mut operation);
    operation.wish = engine.ask_about_copy(&operation);
    let launched = launch(engine, frame, operation).map(drop);
    *context.pairs() = pairs;
    launched
}

/// The values of a field that names points of `target` have to hold as many coordinates.
fn check_names(what: &str, names: Names, target: &RegionObject) -> Result<()> {
    let Some((region, field)) = names else { return Ok(()) };
    region.check_here()?;
    let (fields, dim) = (&region.node.tree.fields, target.node.dim());
    match fields.bytes(field) {
        Some(bytes) if geometry::fits(bytes, dim, false) => Ok(()),
        Some(bytes) => fail!(
            InvalidArgument,
            "{what}: field {} has {bytes} bytes; a point of {dim} dimensions takes as many integers of 4 or of 8 bytes",
            fields.label(field)
        ),
        None => fail!(InvalidArgument, "{what}: field {field} is not in the region's field space, which has {} fields", fields.len()),
    }
}

fn check_operator(copy: &IndirectCopy) -> Result<()> {
    let Some(operator) = copy.operator else { return Ok(()) };
    let space = &copy.destination.0.node.tree.fields;
    match copy.destination.1.iter().find(|&&field| space.bytes(field).is_some_and(|bytes| bytes != operator.bytes())) {
        None => Ok(()),
        Some(&field) => fail!(InvalidArgument, "field {} does not have {} bytes, the size of the reduction's type", space.label(field), operator.bytes()),
    }
}

/// Does the work of a copy with indirection. Unless it skips them, values that name points elsewhere are found before anything is
/// written.
pub(super) fn run(body: &Body, how: Indirection) -> Result<()> {
    let [source, destination, names @ ..] = body.needs() else { unreachable!("a copy has two requirements") };
    let (gather, scatter) = (names.first().filter(|_| how.gathers), names.last().filter(|_| how.scatters));
    let at = gather.or(scatter).unwrap_or(source);
    let domain = &at.node().domain;
    let from = Side { named: gather.map(values).transpose()?, inside: &source.node().domain, dim: source.node().dim() };
    let to = Side { named: scatter.map(values).transpose()?, inside: &destination.node().domain, dim: destination.node().dim() };
    let copy = Indirect { source: from, destination: to, domain };
    // The operation holds the points of all its requirements.
    if let (false, Some(astray)) = (how.skips, unsafe { copy.first_astray() }) {
        let (what, target, values) = if astray.in_source { ("gather", source, gather) } else { ("scatter", destination, scatter) };
        return refuse(what, values.unwrap_or(at), astray.at, target, astray.named);
    }
    for (from, to) in pairs_of(&body.args) {
        let from = source.data().instances.covering(from, &source.node().domain.bounds)?;
        let to = destination.data().instances.covering(to, &destination.node().domain.bounds)?;
        unsafe { copy.copy(from, to, how.operator) };
    }
    Ok(())
}

/// Where the values of a requirement's one field lie.
fn values(held: &Held) -> Result<&FieldInstance> {
    let field = held.mask.first().expect("one field");
    held.data().instances.covering(field, &held.node().domain.bounds)
}

fn refuse(what: &str, values: &Held, at: Point, target: &Held, named: Point) -> Result<()> {
    let field = values.mask.first().unwrap_or_default();
    fail!(
        Bounds,
        "{what}: field {} at {:?} names {:?}, which is not in the region {}; correct it, or ask to skip what is out of range",
        values.node().tree.fields.label(field),
        &at[..values.node().dim()],
        &named[..target.node().dim()],
        target.node().bounds_text()
    )
}
