//! The launch of a task for a device: two nodes.

use super::super::body::{Body, Held, Work};
use super::super::mapped::special;
use super::super::object::Home;
use super::super::{Engine, Processor, TaskKind};
use super::indirect::has_kernels;
use super::{DeviceBody, DeviceTask, Devices, Job};
use crate::base::Status;
use crate::event::NodeRef;
use crate::region::Privilege;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// First nodes of a context's device tasks, by their second nodes.
#[derive(Default)]
pub struct Chains {
    first: FxHashMap<u64, (NodeRef, usize)>,
}

impl Chains {
    pub fn of(&self, end: NodeRef, device: usize) -> Option<NodeRef> {
        self.first.get(&end.0).filter(|(_, on)| *on == device).map(|(first, _)| *first)
    }

    pub fn add(&mut self, end: NodeRef, first: NodeRef, device: usize, is_pending: impl Fn(NodeRef) -> bool) {
        if self.first.len() == self.first.capacity() {
            self.first.retain(|&end, _| is_pending(NodeRef(end)));
        }
        self.first.insert(end.0, (first, device));
    }
}

/// The second nodes of tasks on the same device that a task comes after.
#[derive(Clone)]
pub struct Before {
    all: SmallVec<[NodeRef; 4]>,
    /// How many of these, the first, it fails with. It takes turns with the others.
    harming: usize,
}

impl Before {
    pub fn new(after: SmallVec<[NodeRef; 4]>, behind: SmallVec<[NodeRef; 4]>) -> Self {
        let harming = after.len();
        let mut all = after;
        for earlier in behind {
            if !all.contains(&earlier) {
                all.push(earlier);
            }
        }
        Self { all, harming }
    }

    pub fn all(&self) -> &[NodeRef] {
        &self.all
    }

    pub fn harming(&self) -> &[NodeRef] {
        &self.all[..self.harming]
    }
}

/// Why a task with these requirements does not go to a device. `asked`: its launch says that it is to.
fn unfit(body: &Body, variant: &DeviceBody, asked: bool) -> Option<String> {
    let is_kernel = matches!(variant, DeviceBody::Kernel(_));
    // Who asks for the device knows what a kernel can do; a mapper's choice changes no result.
    if is_kernel && !asked && (body.result.is_some() || !body.futures.is_empty()) {
        return Some("it takes futures or gives a result, of which a kernel knows nothing".into());
    }
    for (number, held) in body.needs().iter().enumerate() {
        let (node, access) = (held.node(), held.access);
        if access.privilege == Privilege::NoAccess {
            continue;
        }
        if held.restricted || access.coherence.is_weak() {
            return Some(format!("requirement {number} is restricted to the data that others use at the same time"));
        }
        if matches!(held.data().home, Home::Elsewhere(_)) {
            return Some(format!("requirement {number} is another rank's"));
        }
        if is_kernel && !node.domain.is_dense() {
            return Some(format!("requirement {number} is not a rectangle, and a kernel has a work item for every point of one"));
        }
    }
    None
}

/// Why its requirements do not even fit when nothing else is there.
fn too_large(body: &Body, kind: &TaskKind, (devices, number): (&Devices, usize)) -> Option<String> {
    let (bytes, info) = (devices.takes(number, kind, body), devices.list[number].device.info());
    let more = bytes > info.memory_bytes;
    more.then(|| format!("its requirements take {bytes} bytes, and {} bytes of device \"{}\" may be used", info.memory_bytes, info.name))
}

/// The mapper that wanted a device for the task is told why it does not go there.
fn refuse(kind: &TaskKind, why: &str) {
    if let Some(chain) = kind.mappers() {
        chain.refuse_device(kind.c_name(), why);
    }
}

impl Engine {
    /// The device for a task whose mapper, or whose launch, wants one; the mapper is told if it cannot run there. The number of a failure: the
    /// launch `asked` for a device, and the task can never fit on one. `wanted`: the device that the mapper chose, by its number among the processors.
    pub(in super::super) fn device_for(&self, kind: &'static TaskKind, body: &Body, (asked, wanted): (bool, Option<u32>)) -> Result<Option<usize>, u32> {
        let Some(devices) = self.devices.get() else { return Ok(None) };
        let Some(number) = devices.working(kind, wanted).or_else(|| devices.choose(kind, body)) else {
            let Some(why) = devices.lost(kind) else { return Ok(None) };
            if asked {
                let text = format!("task \"{}\" cannot run on rank {}: its launch asks for a device, which is lost: {why}", kind.name, self.rank);
                return Err(self.fail_as(Status::Resources, text));
            }
            refuse(kind, &format!("that is lost: {why}"));
            return Ok(None);
        };
        let attached = &devices.list[number];
        let info = attached.device.info();
        let Some(variant) = kind.devices.find(info.api) else { return Ok(None) };
        let large = too_large(body, kind, (devices, number));
        if let (true, Some(why)) = (asked, &large) {
            let text = format!("task \"{}\" cannot run on rank {}: {why}; launch it on smaller regions, or let a mapper choose", kind.name, self.rank);
            return Err(self.fail_as(Status::Resources, text));
        }
        match unfit(body, variant, asked).or(large) {
            None => {
                devices.expect(number, body);
                attached.load.fetch_add(1, Ordering::Relaxed);
                Ok(Some(number))
            }
            Some(why) => {
                refuse(kind, &why);
                Ok(None)
            }
        }
    }

    /// The device whose thread sees to a copy, and what it does there. `None`: nothing of its data was ever on one, or others than operations of
    /// this rank use it meanwhile, or no kernel copies so: the host does.
    pub(in super::super) fn device_for_copy(&self, body: &Body) -> Option<(Job, usize)> {
        let devices = self.devices.get()?;
        let device = devices.choose_for_copy(body)?;
        let is_own = |held: &Held| matches!(held.data().home, Home::Here) && !held.restricted;
        let fits = |held: &Held| match &held.data().home {
            Home::Here => is_own(held),
            Home::Shared(_) | Home::Elsewhere(_) => true,
        };
        let job = match body.work {
            Work::Indirect(how) => Job::Indirect(how),
            _ => Job::Copy,
        };
        let goes = match job {
            Job::Indirect(how) => body.needs().iter().all(is_own) && has_kernels(body, how),
            _ => body.needs().iter().all(fits),
        };
        if !goes {
            return None;
        }
        if matches!(job, Job::Indirect(_)) {
            // What it writes may stay there.
            devices.expect(device, body);
        }
        devices.list[device].load.fetch_add(1, Ordering::Relaxed);
        Some((job, device))
    }
}

/// Turns a body with requirements into the first node's, and gives the second what comes at the end.
pub fn split(body: &mut Body, end: &mut Body, task: DeviceTask) {
    end.work = Work::Ended;
    (end.on, end.special, end.task_error) = (None, 0, 0);
    end.told = body.told;
    body.move_end(end);
    // The fold hears from the end how the task ended.
    (end.reduces, end.fold) = (body.reduces, body.fold);
    body.special = body.special & !special::RESERVES | special::DEVICE;
    body.work = Work::Device(Box::new(task));
    body.on = Some(Processor::Device);
}

/// The requirements that use data.
pub fn used(body: &Body) -> SmallVec<[(usize, &Held); 8]> {
    body.needs().iter().enumerate().filter(|(_, held)| held.access.privilege != Privilege::NoAccess && !held.node().domain.is_empty()).collect()
}
