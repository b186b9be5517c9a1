//! Inline mappings: the program, or the body of a task, reads and writes a region's data by itself between two of its
//! launches. Mapping waits for the operations of the context that conflict. Until it is unmapped the context launches
//! nothing that conflicts: such an operation would have to wait for the thread that launches it.

use super::body::Held;
use super::launch::{launch, Launch, Launched, Need};
use super::view::{self, View};
use super::{placed, Engine, Frame, Future};
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::instance::FieldInstance;
use crate::region::{Coherence, Privilege, Usage};
use std::sync::Arc;

/// A region's data in the hands of an execution.
pub struct Mapping {
    pub need: Need,
    /// The handle of the context that mapped it.
    pub context: u64,
}

/// Refuses a use of what the context itself has mapped.
#[inline]
pub(super) fn check_use(open: &[Arc<Mapping>], asked: Usage) -> Result<()> {
    match open.iter().find(|mapping| mapping.need.usage().conflicts(asked)) {
        None => Ok(()),
        Some(mapping) => refuse(mapping, asked),
    }
}

#[cold]
fn refuse(mapping: &Mapping, asked: Usage) -> Result<()> {
    fail!(
        Interference,
        "{:?} of region {} conflicts with this context's inline mapping ({:?}) of region {}; call cohort_inline_unmap first",
        asked.access.privilege,
        asked.node.bounds_text(),
        mapping.need.access.privilege,
        mapping.need.region.node.bounds_text()
    );
}

pub(super) fn check_needs(open: &[Arc<Mapping>], needs: &[Held]) -> Result<()> {
    if open.is_empty() {
        return Ok(());
    }
    needs.iter().try_for_each(|held| check_use(open, held.usage()))
}

/// What is wrong with an execution that ends now, if it left mappings open.
pub(super) fn left_open(open: &[Arc<Mapping>]) -> Option<String> {
    let first = open.first()?;
    Some(format!(
        "{} inline mapping(s) are open, the first of region {}; what was written there stays; call cohort_inline_unmap before the end",
        open.len(),
        first.need.region.node.bounds_text()
    ))
}

/// Waits for what the mapping depends on, then opens it.
pub fn map(engine: &Engine, frame: &Frame, need: Need) -> Result<Arc<Mapping>> {
    need.region.check_here()?;
    match need.access.privilege {
        Privilege::NoAccess => fail!(InvalidArgument, "an inline mapping with COHORT_NO_ACCESS; ask for what the code does with the data"),
        Privilege::Reduce => fail!(InvalidArgument, "an inline mapping with COHORT_REDUCE; map with COHORT_READ_WRITE and add to the data"),
        _ => (),
    }
    if need.access.coherence == Coherence::Atomic {
        fail!(InvalidArgument, "an inline mapping with COHORT_ATOMIC, whose turn never comes to an end by itself; use COHORT_EXCLUSIVE");
    }
    // Fails here, before anything waits, if the data lies in arrays that do not hold the region.
    let bounds = need.region.node.domain.bounds;
    need.mask.iter().try_for_each(|field| need.region.data.instances.covering(field, &bounds).map(drop))?;
    let memory = engine.ask_about_mapping(frame, &need);
    need.region.data.is_seen(need.access);
    let mut operation = Launch::new(Launched::Nothing);
    operation.needs.push(Need { region: need.region.clone(), mask: need.mask.clone(), access: need.access });
    let reached = Future::default();
    operation.result = Some(reached.clone());
    launch(engine, frame, operation)?;
    engine.wait(|| reached.is_ready(), &reached.seats, None)?;
    reached.value(&engine.failures)?;
    if let Some(memory) = memory.filter(|_| need.access.coherence == Coherence::Exclusive) {
        put(engine, &need, memory)?;
    }
    let mapping = Arc::new(Mapping { need, context: frame.handle() });
    engine.context_of(frame).mappings().push(mapping.clone());
    Ok(mapping)
}

/// Into the memory that a mapper chose, if nobody has written it; else the mapping shows it where it lies.
fn put(engine: &Engine, need: &Need, memory: u32) -> Result<()> {
    let (node, instances) = (&need.region.node, &need.region.data.instances);
    let parts = |field: u32, visit: &mut dyn FnMut(&Rect, &FieldInstance)| node.domain.rects().try_for_each(|rect| instances.each_place(field, &rect, &mut *visit));
    placed::look(engine, (instances, node, &need.mask), &parts, memory, need.access.writes()).map(drop)
}

/// The data is the operations' again.
pub fn unmap(engine: &Engine, frame: &Frame, mapping: &Arc<Mapping>) {
    engine.context_of(frame).mappings().retain(|open| !Arc::ptr_eq(open, mapping));
}

/// The data of one of the mapping's fields, for a use that it was mapped for.
pub fn view(mapping: &Mapping, field: u32, privilege: Privilege) -> Result<View> {
    let Need { region, mask, access } = &mapping.need;
    view::check_right(&region.node, mask, *access, field, privilege, &"the inline mapping")?;
    let bounds = region.node.domain.bounds;
    Ok(View::of(&region.node, region.data.instances.covering(field, &bounds)?))
}
