//! Tasks on devices, and what of the data lies there.
//!
//! A device task is two nodes of the completion graph: one that is ready when the task can be enqueued, and one that is complete when its event
//! is. Another task for the same device waits for the first and leaves the rest to the device, so that the host is not between two kernels;
//! everything else waits for the second. A thread for each device enqueues what is ready and watches events.
//!
//! Where data is valid is decided when an operation is about to start and not when it is launched: only then is everything before it, in whatever
//! context it was launched, complete or enqueued. An operation of the host that reads what lies on a device only is put by until
//! copies have brought it (`home`); tasks on devices bring what they need themselves (`start`), and explicit
//! copies go straight to where the destination is (`explicit`), those with gather and scatter by kernels of ours (`indirect`). What kernels reach in the
//! host's memory is used there (`in_place`).

mod compile;
mod contribution;
mod counts;
mod explicit;
mod fold;
mod home;
mod in_place;
mod indirect;
mod indirect_kernels;
mod launch;
mod parcel;
mod pins;
mod place;
mod resident;
mod shared_memory;
mod sources;
mod standing;
mod start;
mod thread;
mod transfer;
mod variant;
mod view;

pub use contribution::Contributions;
pub use counts::{Counts, Done};
pub use in_place::Chosen;
pub use launch::{split, used, Before, Chains};
pub use parcel::Brought;
pub use resident::Resident;
pub use variant::{DeviceBody, KernelText, NativeDevice, Variants};
pub use view::{device_view, DeviceView};

use super::body::{Body, Held, Work};
use super::indirect::Indirection;
use super::{Engine, TaskKind, TreeData};
use crate::base::sync::Mutex;
use crate::base::{Error, Result};
use crate::device::{Device, DeviceInfo};
use crate::event::NodeRef;
use crate::mapping::DevicePlace;
use pins::Pins;
use resident::Events;
use shared_memory::SharedMemory;
use smallvec::SmallVec;
use standing::{Standing, Whose};
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::Instant;

/// In the place of a failure's number: operations have to look where their data is.
pub(super) const LOOK: u32 = u32::MAX;

/// What an operation for a device does there.
#[derive(Clone, Copy)]
pub enum Job {
    Task(&'static TaskKind),
    /// An explicit copy, of data that may lie on devices.
    Copy,
    /// The same with gather or scatter.
    Indirect(Indirection),
}

impl Job {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task(kind) => &kind.name,
            Self::Copy | Self::Indirect(_) => "copy",
        }
    }

    /// What the host does in its place.
    fn on_host(self) -> Work {
        match self {
            Self::Task(kind) => Work::Task(kind),
            Self::Copy => Work::Copy,
            Self::Indirect(how) => Work::Indirect(how),
        }
    }
}

/// An operation for a device, as its first node holds it.
pub struct DeviceTask {
    pub job: Job,
    pub device: usize,
    /// The second node.
    pub end: NodeRef,
    /// The node that folds its contributions in, if it reduces.
    pub fold: Option<NodeRef>,
    pub after: Before,
    /// Where its requirements lie, if a mapper was asked.
    pub chosen: SmallVec<[Chosen; 4]>,
    /// Of a copy whose values are looked at before anything is written.
    pub check: Option<indirect::Check>,
}

/// What happens when copies are there.
pub(super) enum Then {
    /// The node is ready again.
    Offer(NodeRef),
    /// The thread looks at the operation again.
    Run(NodeRef),
    /// Somebody waits.
    Tell(Arc<Told>),
}

/// What comes when all these events have happened.
pub(super) struct Watched {
    events: Events,
    then: Then,
    whose: Whose,
    since: Instant,
}

/// What a thread waits for, and what that failed with.
#[derive(Default)]
pub(super) struct Told {
    pub done: std::sync::atomic::AtomicBool,
    pub failed: Mutex<Option<Error>>,
    pub seats: super::SeatSet,
}

pub(super) enum Request {
    Run(NodeRef),
    /// A fold of what lies on the device.
    Fold(NodeRef),
    Watch(Watched),
    /// A kernel is there, or does not compile.
    Compiled(&'static KernelText, Box<compile::Compilation>),
    Stop,
}

/// A device of the rank.
pub struct Attached {
    pub device: Arc<dyn Device>,
    name: CString,
    inbox: Mutex<VecDeque<Request>>,
    thread: OnceLock<Thread>,
    /// Contributions of complete tasks that lie there until they are folded in.
    left: Mutex<Vec<contribution::Left>>,
    parcels: parcel::Parcels,
    /// Tasks launched for it and not complete.
    load: AtomicU64,
    standing: Mutex<Standing>,
}

impl Attached {
    /// Whether it takes more work.
    fn works(&self) -> bool {
        self.device.lost().is_none()
    }

    /// Until they are folded in, or there is no room for them.
    fn keep(&self, contributions: &Contributions) {
        if let Some(new) = contributions.left() {
            let mut left = self.left.lock();
            left.retain(|old| old.strong_count() > 0);
            left.push(new);
        }
    }

    fn send(&self, request: Request) {
        self.inbox.lock().push_back(request);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// The devices of a rank.
pub struct Devices {
    pub list: Box<[Attached]>,
    /// Moves on with each use of a place.
    clock: AtomicU64,
    /// How many processors and memories of the host the machine's lists have before them.
    processors_before: u32,
    memories_before: u32,
    /// Trees that have places.
    trees: Mutex<Vec<Weak<TreeData>>>,
    pins: Arc<Pins>,
    /// Whether MPI takes addresses in the memory of CUDA's devices.
    pub mpi_takes_addresses: bool,
    shared: Arc<SharedMemory>,
    pub counts: Counts,
}

impl Devices {
    /// `before`: how many processors and memories of the host the machine's lists have before the devices.
    pub fn new(found: Vec<Arc<dyn Device>>, before: (u32, u32), verbose: bool) -> Self {
        let name = |device: &Arc<dyn Device>| CString::new(device.info().name.clone()).unwrap_or_default();
        let shared = Arc::<SharedMemory>::default();
        let attached = |device| Attached { name: name(&device), device, inbox: Mutex::default(), thread: OnceLock::new(), left: Mutex::default(), parcels: Default::default(), load: AtomicU64::new(0), standing: Mutex::default() };
        Self {
            list: found.into_iter().map(attached).collect(),
            clock: AtomicU64::new(0),
            processors_before: before.0,
            memories_before: before.1,
            trees: Mutex::default(),
            pins: Pins::new(shared.clone(), verbose),
            mpi_takes_addresses: false,
            shared,
            counts: Counts::default(),
        }
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// Numbers of a device and its memory in the machine's lists.
    fn place_of(&self, number: usize) -> DevicePlace {
        let [processor, memory] = [self.processors_before, self.memories_before].map(|before| before as i32 + number as i32);
        DevicePlace { processor, memory, in_place: self.list[number].device.shares().then(|| self.memories_before as i32 + self.list.len() as i32) }
    }

    /// Whether there is memory of the host that a device uses in place.
    pub fn any_shares(&self) -> bool {
        self.list.iter().any(|attached| attached.device.shares())
    }

    /// Each device: its numbers, what it is, its name.
    pub fn places(&self) -> impl Iterator<Item = (DevicePlace, &DeviceInfo, &CStr)> {
        self.list.iter().enumerate().map(|(number, one)| (self.place_of(number), one.device.info(), one.name.as_c_str()))
    }

    /// The devices that have a variant of the task.
    fn able<'a>(&'a self, kind: &'a TaskKind) -> impl Iterator<Item = usize> + 'a {
        (0..self.list.len()).filter(|&number| kind.devices.find(self.list[number].device.info().api).is_some())
    }

    /// Those of them that take more work.
    fn ready<'a>(&'a self, kind: &'a TaskKind) -> impl Iterator<Item = usize> + 'a {
        self.able(kind).filter(|&number| self.list[number].works())
    }

    /// The one of them that has this number among the processors.
    fn working(&self, kind: &TaskKind, processor: Option<u32>) -> Option<usize> {
        let wanted = processor?.checked_sub(self.processors_before)? as usize;
        self.ready(kind).find(|&number| number == wanted)
    }

    /// Why none of those takes more work.
    fn lost<'a>(&'a self, kind: &'a TaskKind) -> Option<&'a str> {
        self.able(kind).find_map(|number| self.list[number].device.lost())
    }

    /// A device is lost: what lay there alone is lost, too.
    fn lose(&self, number: usize, why: &str) {
        let why = why.into();
        self.trees().iter().for_each(|data| self.resident(data).lock().lose(number, &why));
    }

    /// What lay on devices that are lost is lost, too, whether or not their threads know.
    fn look_for_lost(&self) {
        let lost = self.list.iter().enumerate().filter_map(|(number, attached)| attached.device.lost().map(|why| (number, why)));
        lost.for_each(|(number, why)| self.lose(number, why));
    }

    /// Among those that take more work one with room for the task, and of these the one that has places for most of its requirements, and then
    /// the one with the fewest tasks.
    fn choose(&self, kind: &TaskKind, body: &Body) -> Option<usize> {
        let mut able = self.ready(kind);
        let first = able.next()?;
        let Some(second) = able.next() else { return Some(first) };
        let places = |number: usize| {
            used(body).iter().filter(|(_, held)| self.has_place(number, held)).count()
        };
        let all = [first, second].into_iter().chain(able);
        let is_too_small = |number: usize| self.list[number].device.info().memory_bytes < self.takes(number, kind, body);
        all.min_by_key(|&number| (is_too_small(number), std::cmp::Reverse(places(number)), self.list[number].load.load(Ordering::Relaxed), number))
    }

    fn has_place(&self, device: usize, held: &Held) -> bool {
        let resident = held.data().on_devices.get();
        resident.is_some_and(|resident| resident.lock().find(device, &held.node().domain.bounds, &held.mask).is_some())
    }

    /// The device that has places for most of what a copy names, or else the one for which operations on its trees were launched last. `None`:
    /// none ever was.
    fn choose_for_copy(&self, body: &Body) -> Option<usize> {
        let last = body.needs().iter().rev().find_map(|held| held.data().on_devices.get()?.launched_for())?;
        if self.list.len() == 1 {
            return Some(last);
        }
        let places = |number: usize| {
            body.needs().iter().filter(|held| self.has_place(number, held)).count()
        };
        (0..self.list.len()).max_by_key(|&number| (places(number), number == last))
    }

    /// From here on copies may meet the operation's data on that device.
    fn expect(&self, device: usize, body: &Body) {
        for (_, held) in used(body) {
            match held.data().on_devices.get() {
                Some(resident) => resident.expect(device),
                None => self.resident(held.region().data.shared()).expect(device),
            }
        }
    }

    /// What of the tree lies on devices.
    fn resident<'a>(&self, data: &'a Arc<TreeData>) -> &'a Resident {
        data.on_devices.get_or_init(|| {
            let mut trees = self.trees.lock();
            trees.retain(|tree| tree.strong_count() > 0);
            trees.push(Arc::downgrade(data));
            Box::new(Resident::new(data.instances.domain().bounds))
        })
    }

    /// Each device, and the bytes of its memory that no place takes.
    pub fn memories(&self) -> impl Iterator<Item = (&DeviceInfo, u64)> {
        let free = |(number, attached): (usize, &'_ Attached)| attached.device.info().memory_bytes.saturating_sub(self.used(number));
        self.list.iter().enumerate().map(move |one| (one.1.device.info(), free(one)))
    }

    /// Bytes of a device's memory that places take.
    fn used(&self, device: usize) -> u64 {
        let of_tree = |data: &Arc<TreeData>| {
            let state = self.resident(data).lock();
            let places = state.physical.values().filter(|physical| physical.device == device);
            places.map(|physical| physical.buffer.bytes() as u64).sum::<u64>()
        };
        self.trees().iter().map(of_tree).sum()
    }

    fn trees(&self) -> Vec<Arc<TreeData>> {
        self.trees.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Engine {
    /// From here on tasks may run on these devices, and operations look where their data is.
    pub fn use_devices(&self, devices: Devices) -> Result<()> {
        if devices.list.is_empty() || self.devices.set(devices).is_err() {
            return Ok(());
        }
        // A failure that ends all stays.
        let _ = self.last.compare_exchange(0, LOOK, Ordering::AcqRel, Ordering::Relaxed);
        thread::start(self)
    }

    /// Ends the threads of the devices; nothing is outstanding.
    pub fn leave_devices(&self) {
        for attached in self.devices.get().iter().flat_map(|devices| &devices.list) {
            attached.send(Request::Stop);
        }
    }

    /// Whether a device of this rank can run the task.
    pub(super) fn has_device_for(&self, kind: &TaskKind) -> bool {
        self.devices.get().is_some_and(|devices| !kind.mpi_thread && !kind.devices.is_empty() && devices.able(kind).next().is_some())
    }

    /// The devices that can run the task, as mappers call them.
    pub(super) fn devices_for<'a>(&'a self, kind: &'a TaskKind) -> impl Iterator<Item = (i32, &'a CStr)> {
        let devices = self.devices.get().filter(|_| !kind.mpi_thread && !kind.devices.is_empty()).into_iter();
        devices.flat_map(move |devices| devices.ready(kind).map(|number| (devices.place_of(number).processor, devices.list[number].name.as_c_str())))
    }

    /// A device task is ready to be enqueued.
    #[cold]
    pub(super) fn submit(&self, node: NodeRef, body: &Body) {
        if let (Some(devices), Work::Device(task)) = (self.devices.get(), &body.work) {
            let device = task.device;
            devices.list[device].send(Request::Run(node));
        }
    }
}
