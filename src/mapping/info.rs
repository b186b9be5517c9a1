//! What mappers are told. Borrowed for the call.

use crate::region::{Access, FieldMask, RegionNode};
use smallvec::SmallVec;
use std::ffi::CStr;

/// Where a task may run. The numbers are part of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Processor {
    Any = 0,
    Cpu = 1,
    /// The thread that started the runtime.
    Mpi = 2,
    /// A device of the rank, any of them.
    Device = 3,
}

impl Processor {
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Any, Self::Cpu, Self::Mpi, Self::Device].into_iter().find(|&kind| kind as i32 == number)
    }
}

/// What an operation uses, and how.
#[derive(Clone, Copy)]
pub struct NeedInfo<'a> {
    pub region: &'a RegionNode,
    pub fields: &'a FieldMask,
    pub access: Access,
    /// Why no layout can be chosen for it, if it is so.
    pub no_layout: Option<&'static str>,
}

impl<'a> NeedInfo<'a> {
    pub fn new(region: &'a RegionNode, fields: &'a FieldMask, access: Access) -> Self {
        Self { region, fields, access, no_layout: Some("only map_task chooses layouts") }
    }

    /// Of the fields at the region's points.
    pub fn bytes(&self) -> u64 {
        let fields = &self.region.tree.fields;
        let each: usize = self.fields.iter().filter_map(|field| fields.bytes(field)).sum();
        each as u64 * self.region.domain.volume() as u64
    }
}

pub struct TaskInfo<'a> {
    pub handle: u64,
    pub name: &'a CStr,
    /// Which point of its index launch or must epoch it is, and how many there are.
    pub point: u32,
    pub points: u32,
    pub args: &'a [u8],
    /// Where it is to run so far.
    pub processor: Processor,
    /// The launch asked for that processor.
    pub fixed: bool,
    pub leaf: bool,
    /// Whether it has a body of its own for the MPI thread.
    pub has_mpi_variant: bool,
    /// The devices of this rank that can run it, by their numbers among the processors.
    pub devices: SmallVec<[i32; 4]>,
    /// Of each of them, as its driver says it.
    pub device_names: SmallVec<[&'a CStr; 4]>,
    /// The device that it is to run on, once that is settled.
    pub device: Option<DevicePlace>,
    /// Whether the launching thread can run it by itself.
    pub can_be_inline: bool,
    pub needs: SmallVec<[NeedInfo<'a>; 8]>,
}

/// A device, by its number among the processors, its memory, and that of the host which it uses in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePlace {
    pub processor: i32,
    pub memory: i32,
    pub in_place: Option<i32>,
}

pub struct CopyInfo<'a> {
    pub source: NeedInfo<'a>,
    pub destination: NeedInfo<'a>,
}

/// The task that a context is of.
pub struct ContextInfo<'a> {
    /// 0 for the program outside of tasks.
    pub task: u64,
    pub name: &'a CStr,
}

/// What was measured of a task that ran.
pub struct Report<'a> {
    pub handle: u64,
    pub name: &'a CStr,
    pub point: u32,
    pub processor: Processor,
    pub worker: Option<u8>,
    /// Nanoseconds of the steady clock.
    pub start: u64,
    pub stop: u64,
}

/// A leaf without requirements, for tests.
#[cfg(test)]
pub(super) fn some_task() -> TaskInfo<'static> {
    TaskInfo {
        handle: 1,
        name: c"task",
        point: 0,
        points: 1,
        args: &[],
        processor: Processor::Cpu,
        fixed: false,
        leaf: true,
        has_mpi_variant: false,
        devices: Default::default(),
        device_names: Default::default(),
        device: None,
        can_be_inline: true,
        needs: Default::default(),
    }
}
