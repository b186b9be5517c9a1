//! Launching: checks, dependences, a node with its body. Never blocks but for the window.

use super::body::{Arrival, Held, Work};
use super::{Engine, Frame, FutureCell, Processor, RegionObject, TaskKind};
use crate::base::Result;
use crate::event::{NodeRef, PhaseCell, State};
use crate::fail;
use crate::geometry::Point;
use crate::region::{conflict, Access, ElementType, FieldMask, Privilege, Reduction};
use smallvec::SmallVec;
use std::ptr::NonNull;
use std::sync::Arc;

/// What an operation uses, and how.
pub struct Need {
    pub region: RegionObject,
    pub mask: FieldMask,
    pub access: Access,
}

impl Need {
    /// Checks that the fields exist and fit the reduction.
    pub fn new(region: RegionObject, fields: &[u32], access: Access) -> Result<Self> {
        let space = &region.node.tree.fields;
        if fields.is_empty() {
            fail!(InvalidArgument, "a requirement with 0 fields; name at least one");
        }
        let count = space.len() as u32;
        if let Some(field) = fields.iter().find(|&&f| f >= count) {
            fail!(InvalidArgument, "field {field} is not in the region's field space, which has {count} fields");
        }
        if let Some((_, element)) = access.reduction {
            if let Some(&field) = fields.iter().find(|&&f| space.bytes(f) != Some(element.bytes())) {
                fail!(InvalidArgument, "field {} does not have {} bytes, the size of the reduction's type", space.label(field), element.bytes());
            }
        }
        Ok(Self { region, mask: FieldMask::of(fields), access })
    }

    /// Whether an operation with the one has to wait for an operation with the other.
    pub fn conflicts(&self, other: &Need) -> bool {
        self.region.node.tree.id == other.region.node.tree.id
            && conflict(self.access, other.access)
            && self.region.node.rect.overlaps(&other.region.node.rect)
            && self.mask.intersects(&other.mask)
    }
}

/// A phase that an operation waits for.
pub type Gate<'a> = (&'a PhaseCell, u64);

pub struct Launch<'a> {
    pub work: Launched,
    pub args: &'a [u8],
    pub point: u32,
    pub needs: SmallVec<[Need; 4]>,
    pub futures: SmallVec<[Arc<FutureCell>; 2]>,
    /// Operations to come after, besides those that the analysis finds.
    pub after: SmallVec<[NodeRef; 16]>,
    pub waits: SmallVec<[Gate<'a>; 4]>,
    pub arrivals: SmallVec<[(Arc<dyn Arrival>, u64); 2]>,
    pub result: Option<Arc<FutureCell>>,
    /// A member of a must epoch: runs on a thread of its own.
    pub member: bool,
}

pub enum Launched {
    Task(Arc<TaskKind>, Processor),
    Fill,
    Copy(Point),
    /// Folds the futures into the result.
    Reduce(Reduction, ElementType),
    Nothing,
}

impl Launch<'_> {
    pub fn new(work: Launched) -> Self {
        Self {
            work,
            args: &[],
            point: 0,
            needs: SmallVec::new(),
            futures: SmallVec::new(),
            after: SmallVec::new(),
            waits: SmallVec::new(),
            arrivals: SmallVec::new(),
            result: None,
            member: false,
        }
    }
}

pub fn launch(engine: &Engine, frame: &Frame, launch: Launch) -> Result<NodeRef> {
    check(frame, &launch.needs)?;
    submit(engine, frame, launch)
}

/// Whether these requirements may be launched here. A launch that has more than one part, or takes something besides, is
/// checked as a whole before any of it happens.
pub fn check(frame: &Frame, needs: &[Need]) -> Result<()> {
    check_interference(needs)?;
    check_containment(frame, needs)
}

/// Launches what was checked.
pub fn submit(engine: &Engine, frame: &Frame, launch: Launch) -> Result<NodeRef> {
    let context = engine.context_of(frame);
    context.enter(engine)?;
    // This thread is the context's own.
    let launching = unsafe { &mut *context.launching.get() };
    let mut builder = engine.graph.build(&mut launching.pool);
    let node = builder.node();
    // Not sealed, so nobody else has the body.
    let body = unsafe { engine.bodies.get(node.index()) };
    (body.work, body.on) = match launch.work {
        Launched::Task(kind, processor) => {
            let on = kind.place(processor);
            (Work::Task(kind), Some(on))
        }
        Launched::Fill => (Work::Fill, None),
        Launched::Copy(shift) => (Work::Copy(shift), None),
        Launched::Reduce(how, element) => (Work::Reduce(how, element), None),
        Launched::Nothing => (Work::Nothing, None),
    };
    body.point = launch.point;
    body.member = launch.member;
    body.args.extend_from_slice(launch.args);
    body.futures.extend(launch.futures);
    body.arrivals.extend(launch.arrivals);
    body.result = launch.result;
    body.parent = Some(NonNull::from(context));
    for need in launch.needs {
        let Need { region, mask, access } = need;
        if access.privilege != Privilege::NoAccess {
            let complete = |op: u64| engine.graph.state(NodeRef(op)) == State::Complete;
            launching.analysis.record(node.0, &region.node, &mask, access, &complete, &mut |op| {
                builder.after(NodeRef(op));
            });
        }
        body.needs.push(Held { region, mask, access, private: Vec::new() });
    }
    let mut ready = |n| engine.offer(n);
    for future in &body.futures {
        builder.after_phase(&future.ready, 0, &mut ready);
    }
    for before in launch.after {
        builder.after(before);
    }
    for (cell, phase) in launch.waits {
        builder.after_phase(cell, phase, &mut ready);
    }
    Ok(builder.seal(&mut ready))
}

/// Requirements of one operation must not conflict: it would have to wait for itself.
fn check_interference(needs: &[Need]) -> Result<()> {
    for (i, a) in needs.iter().enumerate() {
        for (j, b) in needs[..i].iter().enumerate() {
            if a.conflicts(b) {
                fail!(
                    Interference,
                    "requirements {j} and {i} of one launch share points and fields of the region {} and one of them writes; merge them into one requirement",
                    a.region.node.bounds_text()
                );
            }
        }
    }
    Ok(())
}

/// A task's children may use what the task itself may use.
fn check_containment(frame: &Frame, needs: &[Need]) -> Result<()> {
    let Some(parent) = frame.body() else { return Ok(()) };
    let handle = frame.handle();
    for (i, need) in needs.iter().enumerate() {
        if need.access.privilege == Privilege::NoAccess || need.region.is_free_for(handle) {
            continue;
        }
        let mut missing = need.mask.clone();
        for held in &parent.needs {
            if need.region.node.is_within(&held.region.node) && allows(held.access, need.access) {
                missing = missing.minus(&held.mask);
            }
        }
        let first = missing.iter().next();
        if let Some(field) = first {
            fail!(
                Privilege,
                "requirement {i} asks for {:?} on field {} of region {}, which the task that launches it does not hold; declare it in the parent's launch",
                need.access.privilege,
                need.region.node.tree.fields.label(field),
                need.region.node.bounds_text()
            );
        }
    }
    Ok(())
}

/// Whether a task that holds `held` may pass `asked` on.
pub fn allows(held: Access, asked: Access) -> bool {
    match asked.privilege {
        Privilege::NoAccess => true,
        Privilege::ReadOnly => held.privilege == Privilege::ReadOnly || held.writes(),
        Privilege::Reduce => held.writes() || held.privilege == Privilege::Reduce && held.reduction == asked.reduction,
        Privilege::ReadWrite | Privilege::WriteDiscard => held.writes(),
    }
}
