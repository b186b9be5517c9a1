//! The bodies of operations: an array parallel to the nodes of the graph. A slot keeps its buffers when it is used
//! again, so that steady state allocates nothing.
//!
//! A body belongs to the launching thread until its node is sealed, then to whoever runs the node.

use super::converted::Converted;
use super::devices::{Contributions, DeviceTask};
use super::indirect::Indirection;
use super::inline_task::InlineTask;
use super::mapped::special;
use super::replayed::{Place, Replayed};
use super::sharing::Copies;
use super::turns::Turns;
use super::object::{TreeData, TreeName};
use super::{Future, FutureMap, Launch, Launched, Predicate, Processor, RegionObject, RegionRef, TaskKind};
use crate::base::{Chunks, Sharing};
use crate::event::{Reservations, CHUNK, CHUNKS};
use crate::geometry::Point;
use crate::instance::Layout;
use crate::region::{Access, Coherence, FieldMask, Operator, Privilege, RegionNode, Usage};
use crate::scheduler::Wish;
use smallvec::SmallVec;
use std::cell::{Cell, UnsafeCell};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;

/// One side of a handshake, or a barrier, at which an operation arrives when it ends.
pub trait Arrival: Send + Sync {
    /// `error` is 0 or the number of the failure that kept the operation from its work.
    fn arrive(&self, engine: &super::Engine, phase: u64, error: u32);
    /// The handle by which any rank can arrive instead, if there is one.
    fn address(&self) -> Option<u64> {
        None
    }
}

/// What a mapper says of a requirement's data; nothing: as it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wished {
    pub layout: Option<&'static Layout>,
    /// By its number among those of NUMA nodes.
    pub memory: Option<u32>,
}

/// A requirement as its operation holds it. The context that launched the operation keeps the region (see `Launching`),
/// so that no counter is shared between the thread that launches and those that run.
pub struct Held {
    node: NonNull<RegionNode>,
    data: NonNull<TreeData>,
    pub mask: FieldMask,
    pub access: Access,
    /// Others may use the data meanwhile: the operation works on the instance that all share, and on no copy of it.
    pub restricted: bool,
    /// Contributions of a reduction, by field, until they are folded in.
    pub private: Copies,
    /// Of a fold: whose copies its task took turns at.
    pub sharing: Option<Arc<Sharing<Copies>>>,
    /// What a mapper chose for the data; without a layout that of the task's kind holds, if it has one.
    pub wished: Wished,
    /// What the task works on, where the data lies in another layout or memory.
    pub converted: Option<Box<Converted>>,
    /// The region, where the context does not keep it: the analysis never hears of requirements without access.
    own: Option<Box<(Arc<RegionNode>, Arc<TreeData>)>>,
}

fn pointer<T>(shared: &Arc<T>) -> NonNull<T> {
    // Never null.
    unsafe { NonNull::new_unchecked(Arc::as_ptr(shared).cast_mut()) }
}

unsafe impl Send for Held {}
unsafe impl Sync for Held {}

impl Held {
    fn new(region: RegionRef) -> Self {
        Self {
            node: pointer(region.node),
            data: pointer(region.data),
            mask: FieldMask::default(),
            access: Access::exclusive(Privilege::NoAccess),
            restricted: false,
            private: Copies::new(),
            sharing: None,
            wished: Wished::default(),
            converted: None,
            own: None,
        }
    }

    #[inline]
    pub fn node(&self) -> &RegionNode {
        unsafe { self.node.as_ref() }
    }

    #[inline]
    pub fn data(&self) -> &TreeData {
        unsafe { self.data.as_ref() }
    }

    #[inline]
    pub fn usage(&self) -> Usage<'_> {
        Usage { node: self.node(), mask: &self.mask, access: self.access }
    }

    /// The node as what keeps it holds it.
    pub fn shared_node(&self) -> ManuallyDrop<Arc<RegionNode>> {
        // Made from what an Arc points to, and not counted down when it goes.
        ManuallyDrop::new(unsafe { Arc::from_raw(self.node.as_ptr()) })
    }

    pub fn region(&self) -> RegionObject {
        // Both were made from what an Arc points to, and somebody keeps them while the operation is not complete.
        unsafe {
            Arc::increment_strong_count(self.node.as_ptr());
            Arc::increment_strong_count(self.data.as_ptr());
            RegionObject { node: Arc::from_raw(self.node.as_ptr()), data: TreeName::new(Arc::from_raw(self.data.as_ptr())) }
        }
    }
}

#[derive(Default)]
pub enum Work {
    /// Only orders others: waits, arrives, or stands for a range of operations.
    #[default]
    Nothing,
    /// Kinds of tasks live as long as the runtime.
    Task(&'static TaskKind),
    /// Writes one element's bytes, which are the arguments, everywhere.
    Fill,
    /// From the first requirement to the second, by `shift`; the arguments are pairs of fields.
    Copy,
    /// From the first requirement to the second, where the fields of the others say; the arguments are pairs of fields.
    Indirect(Indirection),
    /// Folds the futures of the map into the result.
    Reduce(Operator),
    /// Whether all futures are true, or any; the arguments say which are negated.
    Combine { all: bool },
    /// Folds the contributions that a reducing task left in this operation's requirements, or here if it ran on a device.
    Fold(Option<Box<Contributions>>),
    /// Enqueues a task on a device.
    Device(Box<DeviceTask>),
    /// Ends with what `task_error` says: the second node of such a task, or one that cannot run.
    Ended,
}

impl Work {
    /// For messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "acquire or release",
            Self::Task(kind) => &kind.name,
            Self::Fill => "fill",
            Self::Copy | Self::Indirect(_) => "copy",
            Self::Reduce(..) => "reduction of results",
            Self::Combine { .. } => "combination of predicates",
            Self::Fold(_) => "fold",
            Self::Device(task) => task.job.name(),
            Self::Ended => "task on a device",
        }
    }
}

/// Bytes of arguments for which an operation that is over keeps its buffer: there are many such.
const MOST_KEPT: usize = 4096;

/// What every operation has comes first, in one line; the rest is touched only if it is in use.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Body {
    pub work: Work,
    /// Where the operation was launched. Outlives it: contexts wait for what they launched.
    pub parent: Option<NonNull<super::Context>>,
    needs: Vec<Held>,
    /// How many of `needs` are in use; the others keep their buffers for later.
    need_count: u16,
    pub on: Option<Processor>,
    /// Why it is not just offered when it is ready: bits of `special`.
    pub special: u8,
    pub wish: Wish,
    /// Whether a requirement reduces.
    pub reduces: bool,
    /// Whether a requirement is restricted to the instance that others share.
    pub restricted: bool,
    /// Whether a mapper chose a layout or a memory for a requirement.
    pub asks_instances: bool,
    /// Whether the task works on copies in another layout or memory. Set and cleared by the thread that runs it.
    pub converts: bool,
    /// Whether anything below, or a region of its own, is in use.
    more: Cell<bool>,
    /// How many failures the launcher was told of.
    pub told: u32,
    /// Index of the operation to which a task that reduces leaves its contributions.
    pub fold: u32,
    /// Of a fold, or of what has ended: why its task failed, or 0.
    pub task_error: u32,
    pub point: u32,
    /// How many points the whole launch has; of special operations only.
    pub points: u32,
    pub shift: Point,
    pub args: SmallVec<[u8; 64]>,
    pub futures: Vec<Future>,
    pub result: Option<Future>,
    pub map: Option<FutureMap>,
    /// If it does not hold, the operation does no work, and this is its result.
    pub predicate: Option<Predicate>,
    pub otherwise: SmallVec<[u8; 32]>,
    pub arrivals: Vec<(Arc<dyn Arrival>, u64)>,
    pub reservations: Reservations,
    /// Those that its atomic children take with those of others.
    pub turns: Option<Arc<Turns>>,
    /// The mapper's answer for launches that look so, if it is to be used again.
    pub replayed: Option<Arc<Replayed>>,
    /// The launching thread, if it waits to run the task.
    pub inline: Option<Arc<InlineTask>>,
}

unsafe impl Send for Body {}
unsafe impl Sync for Body {}

impl Body {
    /// By the running task.
    pub fn set_value(&self, value: &[u8]) {
        if let Some(result) = &self.result {
            result.write(value);
        }
    }

    /// The failure of something that the operation was given, or 0. Once it is ready.
    pub fn failed_input(&self) -> u32 {
        let predicate = self.predicate.as_ref().map(|predicate| &*predicate.future);
        let map = self.map.as_ref().map_or(&[][..], FutureMap::cells);
        let given = self.futures.iter().map(|future| &**future);
        given.chain(map).chain(predicate).map(|future| future.error()).find(|&error| error != 0).unwrap_or(0)
    }

    /// Whether the predicate keeps the operation from its work; its result is ready then.
    pub fn is_skipped(&self) -> crate::base::Result<bool> {
        let skipped = match &self.predicate {
            Some(predicate) => !predicate.holds()?,
            None => false,
        };
        if skipped {
            self.set_value(&self.otherwise);
        }
        Ok(skipped)
    }

    /// The task runs where a mapper says.
    pub fn put(&mut self, kind: &TaskKind, place: &Place) {
        if let Some(processor) = place.processor {
            self.on = Some(kind.place(processor));
        }
        self.wish = place.wish;
        for (held, wished) in self.needs_mut().iter_mut().zip(&place.wished) {
            held.wished = *wished;
        }
        self.asks_instances = place.wished.iter().any(|wished| *wished != Wished::default());
    }

    #[inline]
    pub fn needs(&self) -> &[Held] {
        &self.needs[..self.need_count as usize]
    }

    #[inline]
    pub fn needs_mut(&mut self) -> &mut [Held] {
        &mut self.needs[..self.need_count as usize]
    }

    /// Adds a requirement, whose mask the caller fills in.
    pub fn add_need(&mut self, region: RegionRef, access: Access) -> &mut Held {
        let at = self.need_count as usize;
        self.need_count += 1;
        self.reduces |= access.privilege == Privilege::Reduce;
        match self.needs.get_mut(at) {
            Some(held) => (held.node, held.data) = (pointer(region.node), pointer(region.data)),
            None => self.needs.push(Held::new(region)),
        }
        let held = &mut self.needs[at];
        held.access = access;
        held.restricted = false;
        match access.coherence {
            Coherence::Exclusive => (),
            Coherence::Atomic | Coherence::InOrder => self.special |= special::RESERVES,
            Coherence::Simultaneous | Coherence::Relaxed => self.restricted = true,
        }
        if access.privilege == Privilege::NoAccess {
            held.own = Some(Box::new((region.node.clone(), region.data.clone())));
            self.more.set(true);
        }
        held
    }

    /// The requirements, and where the reservations that they need go.
    pub fn needs_and_reservations(&mut self) -> (&[Held], &mut Reservations) {
        (&self.needs[..self.need_count as usize], &mut self.reservations)
    }

    pub fn last_need(&mut self) -> &mut Held {
        &mut self.needs[self.need_count as usize - 1]
    }

    pub fn has_room_for_need(&self) -> bool {
        self.need_count < u16::MAX
    }

    /// Whether the operation has arguments, futures, a result or arrivals.
    #[inline]
    pub fn has_more(&self) -> bool {
        self.more.get()
    }

    /// Takes what the launch says besides requirements.
    pub fn begin(&mut self, launch: &mut Launch) {
        (self.work, self.on) = match std::mem::replace(&mut launch.work, Launched::Nothing) {
            Launched::Task(kind, processor) => (Work::Task(kind), Some(kind.place(processor))),
            Launched::Fill => (Work::Fill, None),
            Launched::Copy(shift) => {
                self.shift = shift;
                (Work::Copy, None)
            }
            Launched::Indirect(how) => (Work::Indirect(how), None),
            Launched::Reduce(operator) => (Work::Reduce(operator), None),
            Launched::Combine { all } => (Work::Combine { all }, None),
            Launched::Nothing => (Work::Nothing, None),
        };
        self.point = launch.point;
        self.special |= launch.special | if launch.member { special::MEMBER } else { 0 };
        if !launch.wish.is_none() {
            self.special |= special::WISHED;
        }
        if self.special != 0 {
            (self.wish, self.points) = (launch.wish, launch.points);
            self.replayed = launch.replayed.take();
        }
        let plain = launch.map.is_none() && launch.predicate.is_none() && launch.result.is_none();
        if plain && launch.args.is_empty() && launch.futures.is_empty() && launch.arrivals.is_empty() {
            return;
        }
        self.more.set(true);
        self.args.extend_from_slice(launch.args);
        self.futures.extend(launch.futures.drain(..));
        self.arrivals.extend(launch.arrivals.drain(..));
        self.result = launch.result.take();
        self.map = launch.map.take();
        self.predicate = launch.predicate.take();
        self.otherwise.extend_from_slice(launch.otherwise);
    }

    /// Its atomic children take turns with those of other tasks.
    pub fn share_turns(&mut self, turns: Arc<Turns>) {
        self.turns = Some(turns);
        self.more.set(true);
    }

    /// Leaves to `fold`, at `index`, what comes after the task's contributions are folded in.
    pub fn split_fold(&mut self, fold: &mut Body, index: u32) {
        self.fold = index;
        fold.work = Work::Fold(None);
        (fold.on, fold.special) = (None, 0);
        for held in self.needs() {
            if held.access.privilege == Privilege::Reduce {
                let same = held.shared_node();
                let region = ManuallyDrop::new(unsafe { Arc::from_raw(held.data.as_ptr()) });
                fold.add_need(RegionRef { node: &same, data: &region }, held.access).mask.copy_from(&held.mask);
            }
        }
        if !self.arrivals.is_empty() {
            fold.more.set(true);
            fold.arrivals.append(&mut self.arrivals);
        }
    }

    /// Leaves to `end`, the operation that stands for the end of a task on a device, what comes when the task is complete. The result stays
    /// here too: it is written here and ready there.
    pub fn move_end(&mut self, end: &mut Body) {
        if self.result.is_some() || !self.arrivals.is_empty() {
            end.more.set(true);
            end.result = self.result.clone();
            end.arrivals.append(&mut self.arrivals);
        }
    }

    /// Lets go of what the operation held, keeps the buffers that are not large.
    pub fn clear(&mut self) {
        self.work = Work::Nothing;
        self.parent = None;
        (self.reduces, self.restricted) = (false, false);
        if std::mem::take(&mut self.asks_instances) {
            self.needs.iter_mut().for_each(|held| held.wished = Wished::default());
        }
        if self.more.replace(false) {
            self.needs.iter_mut().for_each(|held| held.own = None);
            self.args.clear();
            if self.args.capacity() > MOST_KEPT {
                self.args = SmallVec::new();
            }
            self.futures.clear();
            self.result = None;
            (self.map, self.predicate, self.turns) = (None, None, None);
            self.otherwise.clear();
            self.arrivals.clear();
        }
        if std::mem::take(&mut self.special) != 0 {
            (self.wish, self.inline, self.replayed) = (Wish::default(), None, None);
        }
        self.need_count = 0;
    }
}

const _: () = assert!(std::mem::offset_of!(Body, fold) <= 64, "what every operation has lies in one line");

/// Bodies by node index.
#[derive(Default)]
pub struct Bodies(Chunks<UnsafeCell<Body>, CHUNK, CHUNKS>);

unsafe impl Send for Bodies {}
unsafe impl Sync for Bodies {}

impl Bodies {
    /// # Safety
    /// The node exists, and the caller owns it: it builds it, or runs it.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn get(&self, index: u32) -> &mut Body {
        let body = self.0.get(index as usize);
        debug_assert!(body.is_some());
        &mut *body.unwrap_unchecked().get()
    }

    /// Those of a chunk of nodes, before the nodes are there. Whether there is memory for them.
    pub fn make(&self, chunk: usize) -> bool {
        self.0.make(chunk, |_| UnsafeCell::default())
    }
}
