//! What a launch says: work, requirements, what to wait for and where to arrive.

use super::body::Arrival;
use super::draft::Draft;
use super::indirect::Indirection;
use super::replayed::Replayed;
use super::{Engine, Frame, Future, FutureMap, Predicate, Processor, RegionObject, TaskKind};
use crate::base::Result;
use crate::event::{NamedPhases, NodeRef};
use crate::fail;
use crate::geometry::Point;
use crate::region::{Access, Contribution, FieldMask, FieldSpace, Operator, Usage};
use crate::scheduler::Wish;
use smallvec::SmallVec;
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
        check_fields(&region.node.tree.fields, fields, access)?;
        Ok(Self { region, mask: FieldMask::of(fields), access })
    }

    pub fn usage(&self) -> Usage<'_> {
        Usage { node: &self.region.node, mask: &self.mask, access: self.access }
    }
}

/// Whether a requirement can ask for these fields.
pub fn check_fields(space: &FieldSpace, fields: &[u32], access: Access) -> Result<()> {
    if fields.is_empty() {
        fail!(InvalidArgument, "a requirement with 0 fields; name at least one");
    }
    let count = space.len() as u32;
    if let Some(field) = fields.iter().find(|&&f| f >= count) {
        fail!(InvalidArgument, "field {field} is not in the region's field space, which has {count} fields");
    }
    if let Some(Contribution { operator, .. }) = access.reduction {
        let bytes = operator.bytes();
        if let Some(&field) = fields.iter().find(|&&f| space.bytes(f) != Some(bytes)) {
            let whose = operator.name().map_or("the reduction's type".into(), |name| format!("an element of the reduction \"{name}\""));
            fail!(InvalidArgument, "field {} does not have {bytes} bytes, the size of {whose}", space.label(field));
        }
    }
    Ok(())
}

/// A phase that an operation waits for.
pub type Gate<'a> = (&'a NamedPhases, u64);

pub struct Launch<'a> {
    pub work: Launched,
    pub args: &'a [u8],
    pub point: u32,
    /// How many points the whole launch has.
    pub points: u32,
    pub needs: SmallVec<[Need; 4]>,
    pub futures: SmallVec<[Future; 2]>,
    /// Of which all are waited for.
    pub map: Option<FutureMap>,
    /// If it does not hold, the operation does not do its work, and `otherwise` is its result.
    pub predicate: Option<Predicate>,
    pub otherwise: &'a [u8],
    /// Operations to come after, besides those that the analysis finds.
    pub after: &'a [NodeRef],
    pub waits: SmallVec<[Gate<'a>; 4]>,
    pub arrivals: SmallVec<[(Arc<dyn Arrival>, u64); 2]>,
    pub result: Option<Future>,
    /// A member of a must epoch: runs on a thread of its own.
    pub member: bool,
    pub wish: Wish,
    /// The device that a mapper chose, by its number among the processors.
    pub(super) device: Option<u32>,
    /// What the mapper made of it: bits of `special`.
    pub(super) special: u8,
    pub(super) replayed: Option<Arc<Replayed>>,
}

pub enum Launched {
    /// Kinds of tasks live as long as the runtime.
    Task(&'static TaskKind, Processor),
    Fill,
    Copy(Point),
    Indirect(Indirection),
    /// Folds the futures of the map into the result.
    Reduce(Operator),
    /// Whether all futures are true, or any; the arguments say which are negated.
    Combine { all: bool },
    Nothing,
}

impl Launch<'_> {
    pub fn new(work: Launched) -> Self {
        Self {
            work,
            args: &[],
            point: 0,
            points: 1,
            needs: SmallVec::new(),
            futures: SmallVec::new(),
            map: None,
            predicate: None,
            otherwise: &[],
            after: &[],
            waits: SmallVec::new(),
            arrivals: SmallVec::new(),
            result: None,
            member: false,
            wish: Wish::default(),
            device: None,
            special: 0,
            replayed: None,
        }
    }
}

/// Checks the requirements, for launches that have to be whole before any part of them happens.
pub fn check(engine: &Engine, frame: &Frame, launch: &Launch) -> Result<()> {
    draft(engine, frame, launch).map(drop)
}

pub fn launch(engine: &Engine, frame: &Frame, mut launch: Launch) -> Result<NodeRef> {
    Ok(draft(engine, frame, &launch)?.launch(&mut launch))
}

fn draft<'a>(engine: &'a Engine, frame: &'a Frame, launch: &Launch) -> Result<Draft<'a>> {
    let mut draft = Draft::new(engine, frame)?;
    for need in &launch.needs {
        draft.need_checked(need.region.by_ref(), &need.mask, need.access)?;
    }
    draft.check(launch.args.len())?;
    Ok(draft)
}
