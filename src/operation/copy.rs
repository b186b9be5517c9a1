//! Explicit copies between regions, and the operations that only order others around them: acquire and release.

use super::body::{Arrival, Body};
use super::context::Context;
use super::launch::{launch, Gate, Launch, Launched, Need};
use super::object::Home;
use super::{Engine, Frame, Predicate, RegionObject};
use crate::base::Result;
use crate::copy::{copy_rect, pack};
use crate::fail;
use crate::geometry::{Domain, Point, Rect};
use crate::instance::{dense_bytes, FieldInstance, InstanceTable};
use crate::region::{Access, Privilege};
use crate::transport::Cargo;
use smallvec::SmallVec;
use std::sync::Arc;

pub type Arrivals = SmallVec<[(Arc<dyn Arrival>, u64); 2]>;

/// What an operation waits for, where it arrives, and what decides whether it does its work.
#[derive(Default)]
pub struct Terms<'a> {
    pub waits: SmallVec<[Gate<'a>; 4]>,
    pub arrivals: Arrivals,
    pub predicate: Option<Predicate>,
}

impl Terms<'_> {
    pub(super) fn apply<'a>(&'a mut self, operation: &mut Launch<'a>) {
        let waits: &[Gate] = &self.waits;
        operation.waits.extend(waits.iter().copied());
        (operation.arrivals, operation.predicate) = (std::mem::take(&mut self.arrivals), self.predicate.take());
    }

    /// What it waits for concerns this ghost region.
    fn concern(&self, ghost: u64) {
        self.waits.iter().for_each(|(phases, phase)| phases.concern(*phase, ghost));
    }
}

/// Data that another rank owns.
pub trait Elsewhere: Send + Sync {
    fn rank(&self) -> u32;
    /// What names it among those of all ranks; not 0.
    fn id(&self) -> u64;
    /// Whether it lies in memory that this process reaches, where the tree's instances say.
    fn is_mapped(&self) -> bool;
    /// Whether it still exists.
    fn check(&self) -> Result<()>;
    /// A field has got new values in memory that this process reaches; who waits for them has not learned of it yet.
    fn is_written(&self, field: u32);
    /// Brings data there. What arrives together with the data is drained from `arrivals`; the rest arrives when this
    /// returns.
    fn deliver(&self, engine: &Engine, transfer: &Transfer, arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()>;
    /// The same of points that were packed, where it is not mapped: rectangles in its numbering, field by field.
    fn ship(&self, parcels: Vec<(Rect, Box<dyn Cargo>)>, fields: &[u32], arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()>;
}

/// What a copy moves: the points of `domain` of the source, to the points `shift` away.
pub struct Transfer<'a> {
    pub from: &'a InstanceTable,
    pub to: &'a InstanceTable,
    pub domain: &'a Domain,
    pub shift: Point,
    /// See `field_pairs`.
    pairs: &'a [u8],
}

impl Transfer<'_> {
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (u32, u32)> + '_ {
        pairs_of(self.pairs)
    }

    /// Bytes that `pack` fills.
    pub fn bytes(&self, rect: &Rect) -> Result<usize> {
        self.fields().try_fold(0, |sum, (source, _)| Ok(sum + dense_bytes(rect, self.from.ensure(source)?.bytes)?))
    }

    /// Gathers the points of one of the domain's rectangles field by field, each in Fortran order.
    pub fn pack(&self, rect: &Rect, buffer: &mut [u8]) -> Result<()> {
        let mut rest = buffer;
        for (source, _) in self.fields() {
            let used = match self.from.whole(source, rect)? {
                // The copy holds the points for reading.
                Some(from) => unsafe { pack(from, rect, rest)? },
                None => self.pack_pieces(source, rect, rest)?,
            };
            rest = &mut rest[used..];
        }
        Ok(())
    }

    /// Copies from memory to memory.
    pub fn copy(&self) -> Result<()> {
        for (source, destination) in self.fields() {
            for rect in self.domain.rects() {
                let mut result = Ok(());
                self.from.each_place(source, &rect, |part, from| {
                    let copied = self.to.each_place(destination, &part.shifted(self.shift), |there, to| {
                        // The copy holds the points of the one for reading and of the other for writing, and they are disjoint.
                        unsafe { copy_rect(from, to, &there.shifted(self.shift.map(|s| -s)), self.shift) }
                    });
                    result = std::mem::replace(&mut result, Ok(())).and(copied);
                })?;
                result?;
            }
        }
        Ok(())
    }

    /// As `pack`, of a field that lies in several arrays.
    fn pack_pieces(&self, source: u32, rect: &Rect, buffer: &mut [u8]) -> Result<usize> {
        let bytes = self.from.ensure(source)?.bytes;
        let used = dense_bytes(rect, bytes)?;
        if used > buffer.len() {
            fail!(Bounds, "a buffer of {} bytes for {used} bytes of field data", buffer.len());
        }
        let dense = FieldInstance::dense(buffer.as_mut_ptr(), *rect, bytes);
        // As in `pack`.
        self.from.each_place(source, rect, |part, from| unsafe { copy_rect(from, &dense, part, [0; 3]) })?;
        Ok(used)
    }
}

/// Source and destination fields of a copy that may be launched, four bytes each, pair by pair; in memory of the context, to which whoever has
/// launched the copy gives it back.
pub(super) fn field_pairs(
    context: &Context,
    (source, source_fields): (&RegionObject, &[u32]),
    (destination, destination_fields): (&RegionObject, &[u32]),
) -> Result<Vec<u8>> {
    let (from, to) = (&source.node.tree.fields, &destination.node.tree.fields);
    let mut pairs = std::mem::take(context.pairs());
    pairs.clear();
    for (i, (&a, &b)) in source_fields.iter().zip(destination_fields).enumerate() {
        let (here, there) = (from.bytes(a), to.bytes(b));
        if here.is_some() && there.is_some() && here != there {
            fail!(
                InvalidArgument,
                "field {} has {} bytes and field {}, to which it is copied, has {}; copy between fields of one size",
                from.label(a),
                here.unwrap_or(0),
                to.label(b),
                there.unwrap_or(0)
            );
        }
        if destination_fields[..i].contains(&b) {
            fail!(InvalidArgument, "two fields are copied to field {}; name each destination once", to.label(b));
        }
        pairs.extend_from_slice(&a.to_ne_bytes());
        pairs.extend_from_slice(&b.to_ne_bytes());
    }
    Ok(pairs)
}

/// What `field_pairs` made.
pub(super) fn pairs_of(bytes: &[u8]) -> impl ExactSizeIterator<Item = (u32, u32)> + '_ {
    let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().expect("four bytes"));
    bytes.chunks_exact(8).map(move |pair| (number(&pair[..4]), number(&pair[4..])))
}

/// Launches a copy of field `source_fields[i]` to `destination_fields[i]` of all points whose `shift`ed point lies in the
/// destination.
pub fn copy(
    engine: &Engine,
    frame: &Frame,
    (source, source_fields): (&RegionObject, &[u32]),
    (destination, destination_fields): (&RegionObject, &[u32]),
    shift: Point,
    mut terms: Terms,
) -> Result<()> {
    source.check_here()?;
    if let Home::Elsewhere(owner) = &destination.data.home {
        owner.check()?;
    }
    let (from, to) = (&source.node, &destination.node);
    if from.dim() != to.dim() {
        fail!(InvalidArgument, "the source has {} dimensions and the destination {}; copy between regions of equal dimension", from.dim(), to.dim());
    }
    let target = from.domain.shifted(shift)?.intersection(&to.domain)?;
    if target.is_empty() {
        fail!(
            Bounds,
            "no point of the source {} lies in the destination {} when shifted by {:?}; give a shift that brings them together",
            from.bounds_text(),
            to.bounds_text(),
            &shift[..from.dim()]
        );
    }
    let context = engine.context_of(frame);
    let pairs = field_pairs(context, (source, source_fields), (destination, destination_fields))?;
    let mut operation = Launch::new(Launched::Copy(shift));
    let back = std::array::from_fn(|d| -shift[d]);
    let read = Access::exclusive(Privilege::ReadOnly);
    let write = Access::exclusive(Privilege::WriteDiscard);
    operation.needs.push(Need::new(source.piece(target.shifted(back)?), source_fields, read)?);
    operation.needs.push(Need::new(destination.piece(target), destination_fields, write)?);
    operation.args = &pairs;
    if let Home::Elsewhere(owner) = &destination.data.home {
        terms.concern(owner.id());
    }
    terms.apply(&mut operation);
    operation.wish = engine.ask_about_copy(&operation);
    let launched = launch(engine, frame, operation).map(drop);
    *context.pairs() = pairs;
    launched
}

/// Launches an operation that does nothing, between earlier and later uses of the fields.
pub fn order(engine: &Engine, frame: &Frame, region: &RegionObject, fields: &[u32], mut terms: Terms) -> Result<()> {
    region.check_here()?;
    let mut operation = Launch::new(Launched::Nothing);
    operation.needs.push(Need::new(region.clone(), fields, Access::exclusive(Privilege::ReadWrite))?);
    if let Home::Shared(home) = &region.data.home {
        terms.concern(home.id());
    }
    terms.apply(&mut operation);
    launch(engine, frame, operation).map(drop)
}

/// Does the work of a copy.
pub(super) fn run(engine: &Engine, body: &mut Body) -> Result<()> {
    let mut arrivals = std::mem::take(&mut body.arrivals);
    let [source, destination] = body.needs() else { unreachable!("a copy has two requirements") };
    let transfer = Transfer {
        from: &source.data().instances,
        to: &destination.data().instances,
        domain: &source.node().domain,
        shift: body.shift,
        pairs: &body.args,
    };
    let result = match &destination.data().home {
        Home::Elsewhere(owner) => owner.deliver(engine, &transfer, &mut arrivals),
        _ => transfer.copy(),
    };
    body.arrivals = arrivals;
    result
}
