//! Accelerators: memory, copies, kernels and the events that order them, behind one trait, with CUDA and OpenCL below it. Knows
//! bytes, pitches, streams and kernels; no regions and no tasks.
//!
//! The drivers' libraries are loaded by [`discover`] and by nothing else: a program that uses no device pays nothing, and
//! a machine without drivers has no devices.
//!
//! Threads: kernels are launched, and streams marked, by one thread, the device's own, and compiled by one, which may be another. Memory may be allocated, copied and
//! filled, and buffers, events and modules dropped, asked or waited for, by any thread.

mod boxes;
mod cache;
mod cuda;
mod cuda_device;
mod cuda_memory;
mod cuda_peers;
mod error;
mod handles;
mod measure;
mod nvrtc;
mod opencl;
mod opencl_device;
mod opencl_shared;
mod outstanding;
mod pool;
mod source;

pub use cache::Cache;
pub use handles::{Arg, Buffer, Completion, Dim, Event, Fill, HostBuffer, Kernel, Launch, Module, Pin, Position, Shared, Side, Stream, Transfer};
pub use measure::{measure, Speed, Way};
pub use nvrtc::Nvrtc;
pub use outstanding::Outstanding;
pub use source::Source;

use crate::base::config::DeviceChoice;
use crate::base::Result;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::Arc;

/// Put before every kernel source: one text is then CUDA C, OpenCL C and C.
pub const KERNEL_HEADER: &str = include_str!("../../include/cohort_kernel.h");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Cuda,
    Opencl,
}

impl Api {
    pub fn name(self) -> &'static str {
        match self {
            Api::Cuda => "CUDA",
            Api::Opencl => "OpenCL",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeviceInfo {
    pub api: Api,
    pub name: String,
    pub driver: String,
    /// What buffers may take together: the device's memory, or the capacity asked for.
    pub memory_bytes: u64,
    pub compute_units: u32,
    pub fp64: bool,
    /// The device works in the host's memory.
    pub unified: bool,
    /// Address on the PCI bus, as `domain:bus:device.function` in hexadecimal.
    pub pci: Option<String>,
    /// NUMA node of the host that is nearest.
    pub numa: Option<u32>,
}

/// What [`discover`] is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub choice: DeviceChoice,
    /// Bytes that the buffers of one device may take; absent: all that the device has.
    pub capacity: Option<u64>,
    /// Streams for kernels on each device.
    pub streams: Option<u32>,
    /// The folder of compiled kernels; absent: [`Cache::standard`].
    pub cache: Option<PathBuf>,
    /// NVIDIA's run-time compiler; absent: where the system looks for libraries.
    pub nvrtc: Option<PathBuf>,
}

pub struct Discovered {
    /// CUDA first, then OpenCL.
    pub devices: Vec<Arc<dyn Device>>,
    /// Why there are not more: a line for each library, platform or device that could not be used.
    pub absent: Vec<String>,
}

/// Loads the libraries that the choice names and opens the devices that it names. What cannot be loaded has no devices, and that is
/// no error; a number that no device has is one.
pub fn discover(wanted: &Wanted) -> Result<Discovered> {
    let mut found = Discovered { devices: Vec::new(), absent: Vec::new() };
    if wanted.choice == DeviceChoice::None {
        return Ok(found);
    }
    let setting = Setting {
        capacity: wanted.capacity,
        streams: wanted.streams.unwrap_or(DEFAULT_STREAMS) as usize,
        cache: Arc::new(wanted.cache.clone().map_or_else(Cache::standard, Cache::at)),
        nvrtc: wanted.nvrtc.clone(),
    };
    cuda::discover(wanted, &setting, &mut found);
    opencl::discover(wanted, &setting, &mut found);
    if let DeviceChoice::Numbers(numbers) = &wanted.choice {
        let all = std::mem::take(&mut found.devices);
        for &number in numbers {
            match all.get(number as usize) {
                Some(device) => found.devices.push(device.clone()),
                None => crate::fail!(
                    InvalidArgument,
                    "COHORT_DEVICES names device {number}, but there are {}; cohort-info lists them, COHORT_DEVICES=none uses none{}",
                    all.len(),
                    found.absent.iter().map(|why| format!("; {why}")).collect::<String>()
                ),
            }
        }
    }
    Ok(found)
}

/// Kernels of unrelated tasks overlap on that many streams.
const DEFAULT_STREAMS: u32 = 4;

/// What all devices of one discovery share.
struct Setting {
    capacity: Option<u64>,
    streams: usize,
    cache: Arc<Cache>,
    nvrtc: Option<PathBuf>,
}

/// The node next to a device on the PCI bus, where the kernel says it.
fn numa_node(pci: &str) -> Option<u32> {
    std::fs::read_to_string(format!("/sys/bus/pci/devices/{pci}/numa_node")).ok()?.trim().parse().ok()
}

/// Everything that is enqueued on one stream runs in the order of the calls; streams are ordered by events only. Events of
/// another driver are waited for within the call. A fault that a call finds is its error, one found later is the event's.
pub trait Device: Send + Sync {
    fn info(&self) -> &DeviceInfo;
    /// The text of the fault after which the device takes no more work, if there was one.
    fn lost(&self) -> Option<&str>;

    /// Device memory, with undefined contents. From any thread. The memory of dropped and retired buffers is used again: in a steady
    /// state nothing is asked of the driver. `OutOfMemory` when neither the capacity nor the driver has more.
    fn allocate(&self, bytes: usize) -> Result<Buffer>;
    /// Gives the memory that is kept for later back to the driver: what is allocated next takes no more than its size.
    fn trim(&self);
    /// Host memory that the driver copies from and to without a stop on the way. From any thread; used again as buffers are.
    fn staging(&self, bytes: usize) -> Result<HostBuffer>;
    /// Whether `pin` does anything.
    fn registers(&self) -> bool;
    /// Registers the caller's memory in place, where drivers do that, until the pin is dropped. The memory must outlive it.
    fn pin(&self, at: *mut u8, bytes: usize) -> Result<Pin>;
    /// Whether kernels use host memory in place.
    fn shares(&self) -> bool;
    /// Host memory for that, of a device that shares. From any thread.
    fn share(&self, bytes: usize) -> Result<Shared>;
    /// What kernels call the byte at `at`, which lies in `shared` or else in memory that is pinned. `None`: they do not reach it.
    fn address(&self, at: *mut u8, shared: Option<&Shared>) -> Option<u64>;

    /// How many streams there are for kernels; two more carry copies, one for each direction.
    fn streams(&self) -> usize;
    /// Copies a strided box. Host memory must stay as it is until the event is done.
    /// # Safety
    /// Both sides hold the box, and nothing else touches what is written meanwhile.
    unsafe fn copy(&self, stream: Stream, transfer: &Transfer, wait: &[Event]) -> Result<Event>;
    /// Whether `copy` takes a buffer of another device on one of its sides.
    fn reaches(&self, other: &Buffer) -> bool;
    fn fill(&self, stream: Stream, fill: &Fill, wait: &[Event]) -> Result<Event>;

    /// Compiles a source, or takes what an earlier run kept on disk. A source that does not compile is `InvalidArgument` with the
    /// compiler's log.
    fn compile(&self, source: &Source) -> Result<Module>;
    fn kernel(&self, module: &Module, name: &str) -> Result<Kernel>;
    /// # Safety
    /// The arguments are those that the kernel takes, in number and size.
    unsafe fn launch(&self, stream: Stream, launch: &Launch, wait: &[Event]) -> Result<Event>;

    /// What comes later on the stream begins after these events.
    fn barrier(&self, stream: Stream, wait: &[Event]) -> Result<()>;
    /// Done when everything that was enqueued on the stream so far is, also what a callback enqueued itself.
    fn mark(&self, stream: Stream) -> Result<Event>;

    /// Makes the device that of the calling thread, where drivers know such a thing: CUDA's runtime, which callbacks may use, takes it.
    fn make_current(&self) -> Result<()>;
    /// For callbacks, which enqueue on their own: `CUstream` or `cl_command_queue`.
    fn native_stream(&self, stream: Stream) -> *mut c_void;
    /// `CUcontext` or `cl_context`.
    fn native_context(&self) -> *mut c_void;
    /// `CUdevice` or `cl_device_id`.
    fn native_device(&self) -> *mut c_void;
    /// Calls another library that is given addresses in the device's memory.
    fn in_context(&self, call: &mut dyn FnMut()) {
        call();
    }
}
