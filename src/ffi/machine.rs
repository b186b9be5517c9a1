//! What the machine has: processors, memories, how fast one reaches the other, and where the ranks are.
#![allow(non_camel_case_types)]

use super::convert::{check_size, out};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::device::Api;
use crate::operation::devices::Devices;
use crate::runtime::{self, MemoryKind};
use std::ffi::c_char;

/// A kind of memory.
pub type cohort_memory_t = i32;
pub const COHORT_MEMORY_ANY: cohort_memory_t = 0;
/// The memory of a NUMA node.
pub const COHORT_MEMORY_SYSTEM: cohort_memory_t = 1;
/// Memory of this rank that the ranks of its node reach, in which ghost regions and phase barriers lie.
pub const COHORT_MEMORY_SHARED: cohort_memory_t = 2;
/// A device's own; one for each device, in their order.
pub const COHORT_MEMORY_DEVICE: cohort_memory_t = 3;
/// Memory of the host that devices use in place (cohort_region_zero_copy): one for all, where a device does that.
pub const COHORT_MEMORY_ZERO_COPY: cohort_memory_t = 4;

/// Something that runs tasks: the MPI thread, a worker thread, or a device.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_processor_info_t {
    pub size: usize,
    /// From 0 on, the MPI thread first, devices last.
    pub number: i32,
    /// COHORT_PROC_MPI, COHORT_PROC_CPU or COHORT_PROC_DEVICE.
    pub kind: i32,
    /// 1 if tasks of any kind run here; 0 for an MPI thread that was told not to help, and for a device.
    pub helps: i32,
    /// The system's processor on which alone it runs; -1 if it may run on several.
    pub cpu: i32,
    /// The NUMA node in which it runs; -1 if it may run in several. Of a device: the nearest, if that is known.
    pub numa_node: i32,
    /// The memory that is its own, by its number in cohort_machine_memories: a device's, or that of `numa_node`; -1: none.
    pub memory: i32,
    /// COHORT_DEVICE_CUDA or COHORT_DEVICE_OPENCL of a device, else COHORT_DEVICE_ANY.
    pub api: i32,
    /// A device's name, as its driver says it; empty for others. The runtime's.
    pub name: *const c_char,
}

/// A memory.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_memory_info_t {
    pub size: usize,
    /// From 0 on.
    pub number: i32,
    /// COHORT_MEMORY_SYSTEM, COHORT_MEMORY_SHARED, COHORT_MEMORY_DEVICE or COHORT_MEMORY_ZERO_COPY.
    pub kind: i32,
    /// -1 for node-shared memory, whose pages lie where they are touched first, and for memory that devices use in place.
    pub numa_node: i32,
    pub bytes: u64,
    /// Bytes that can be had now.
    pub available: u64,
}

/// How fast a processor reaches a memory.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_affinity_t {
    pub size: usize,
    /// Bytes that one thread reads in a second.
    pub bandwidth: f64,
    /// Seconds from a load to its value, for a line that is in no cache.
    pub latency: f64,
}

/// Where a rank is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_rank_info_t {
    pub size: usize,
    pub rank: i32,
    /// From 0 on, in the order of the nodes' first ranks.
    pub node: i32,
    /// 1 for the ranks of this rank's node, itself included.
    pub same_node: i32,
    /// 1 if this rank reaches that one's node-shared memory: COHORT_FORCE_MESSAGES gives it up.
    pub shares_memory: i32,
    /// The NUMA node in which its workers run; -1 if they may run in several.
    pub numa_node: i32,
    /// Processors that run its tasks, as cohort_workers says there.
    pub workers: i32,
}

/// A caller's array for a list: room for some entries, the first one of which says how large each is.
unsafe fn fill<T>(list: &[T], capacity: u32, entries: *mut T, size: impl Fn(&T) -> usize, initialiser: &str, count: *mut u32) -> Result<()>
where
    T: Copy,
{
    let count = out(count)?;
    if capacity > 0 {
        check_size(size(out(entries)?), size_of::<T>(), "the first entry", initialiser)?;
        let room = list.len().min(capacity as usize);
        std::slice::from_raw_parts_mut(entries, room).copy_from_slice(&list[..room]);
    }
    *count = list.len() as u32;
    Ok(())
}

fn or_none(number: Option<u32>) -> i32 {
    number.map_or(-1, |number| number as i32)
}

/// The processors of this rank, of one kind or, with COHORT_PROC_ANY, all: devices, too, whose drivers are loaded for that. Fills `processors` as far as its `capacity` goes,
/// and gives how many there are. Before the call the first entry's `size` is set, by COHORT_PROCESSOR_INFO_INIT; `processors` may
/// be NULL with a capacity of 0. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_processors(
    runtime: cohort_runtime_t,
    kind: i32,
    capacity: u32,
    processors: *mut cohort_processor_info_t,
    count: *mut u32,
) -> cohort_status_t {
    guard("cohort_machine_processors", || {
        if !matches!(kind, COHORT_PROC_ANY | COHORT_PROC_CPU | COHORT_PROC_MPI | COHORT_PROC_DEVICE) {
            fail!(InvalidArgument, "kind is {kind}; use COHORT_PROC_ANY, COHORT_PROC_CPU, COHORT_PROC_MPI or COHORT_PROC_DEVICE");
        }
        let runtime = runtime::of(runtime.id)?;
        let (all, of_host) = (&runtime.machinery.processors, &runtime.machinery.memories);
        let of_node = |node: u32| of_host.iter().position(|memory| memory.numa_node == Some(node));
        let list = all.iter().enumerate().map(|(number, processor)| cohort_processor_info_t {
            size: size_of::<cohort_processor_info_t>(),
            number: number as i32,
            kind: if processor.is_host { COHORT_PROC_MPI } else { COHORT_PROC_CPU },
            helps: processor.helps.into(),
            cpu: or_none(processor.cpu),
            numa_node: or_none(processor.numa_node),
            memory: or_none(processor.numa_node.and_then(of_node).map(|number| number as u32)),
            api: COHORT_DEVICE_ANY,
            name: c"".as_ptr(),
        });
        // Who asks for processors of the host alone has no driver loaded.
        let devices = if matches!(kind, COHORT_PROC_ANY | COHORT_PROC_DEVICE) { runtime.devices()? } else { None };
        let of_devices = devices.into_iter().flat_map(Devices::places).map(|(place, info, name)| cohort_processor_info_t {
            size: size_of::<cohort_processor_info_t>(),
            number: place.processor,
            kind: COHORT_PROC_DEVICE,
            helps: 0,
            cpu: -1,
            numa_node: or_none(info.numa),
            memory: place.memory,
            api: match info.api {
                Api::Cuda => COHORT_DEVICE_CUDA,
                Api::Opencl => COHORT_DEVICE_OPENCL,
            },
            name: name.as_ptr(),
        });
        let list: Vec<_> = list.chain(of_devices).filter(|info| kind == COHORT_PROC_ANY || info.kind == kind).collect();
        fill(&list, capacity, processors, |info| info.size, "COHORT_PROCESSOR_INFO_INIT", count)
    })
}

/// The memories that this rank can use, of one kind or, with COHORT_MEMORY_ANY, all; arguments as for cohort_machine_processors, with
/// COHORT_MEMORY_INFO_INIT. One rank alone has no node-shared memory. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_memories(
    runtime: cohort_runtime_t,
    kind: cohort_memory_t,
    capacity: u32,
    memories: *mut cohort_memory_info_t,
    count: *mut u32,
) -> cohort_status_t {
    guard("cohort_machine_memories", || {
        let runtime = runtime::of(runtime.id)?;
        let wanted = match kind {
            COHORT_MEMORY_ANY => None,
            COHORT_MEMORY_SYSTEM => Some(MemoryKind::System),
            COHORT_MEMORY_SHARED => Some(MemoryKind::Shared),
            COHORT_MEMORY_DEVICE => Some(MemoryKind::Device),
            COHORT_MEMORY_ZERO_COPY => Some(MemoryKind::ZeroCopy),
            _ => fail!(
                InvalidArgument,
                "kind is {kind}; use COHORT_MEMORY_ANY, COHORT_MEMORY_SYSTEM, COHORT_MEMORY_SHARED, COHORT_MEMORY_DEVICE or COHORT_MEMORY_ZERO_COPY"
            ),
        };
        let all = runtime.memories()?;
        let chosen = all.iter().enumerate().filter(|(_, (memory, _))| wanted.is_none_or(|kind| memory.kind == kind));
        let list = chosen.map(|(number, (memory, available))| cohort_memory_info_t {
            size: size_of::<cohort_memory_info_t>(),
            number: number as i32,
            kind: match memory.kind {
                MemoryKind::System => COHORT_MEMORY_SYSTEM,
                MemoryKind::Shared => COHORT_MEMORY_SHARED,
                MemoryKind::Device => COHORT_MEMORY_DEVICE,
                MemoryKind::ZeroCopy => COHORT_MEMORY_ZERO_COPY,
            },
            numa_node: or_none(memory.numa_node),
            bytes: memory.bytes,
            available: *available,
        });
        let list: Vec<_> = list.collect();
        fill(&list, capacity, memories, |info| info.size, "COHORT_MEMORY_INFO_INIT", count)
    })
}

/// How fast a processor of this rank reaches a memory, both by their numbers. Measured when it is first asked for, which takes some
/// tens of milliseconds, and kept: one thread of this rank, on that processor, reads an area in that memory; what else runs
/// there at that time makes it slower. Of devices copies are measured: from a device's memory to the host for a processor of the host, from
/// the host's memory (any) or another device's to the device for the device, within its memory for its own, of which what is read and what
/// is written counts; the latency is that of a copy of 8 bytes. `affinity` is filled with COHORT_AFFINITY_INIT before the call. Any thread. Errors: BOUNDS (no
/// such processor or memory), RESOURCES (the system or the device gives no memory there, or the device does not reach the other's).
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_affinity(
    runtime: cohort_runtime_t,
    processor: i32,
    memory: i32,
    affinity: *mut cohort_affinity_t,
) -> cohort_status_t {
    guard("cohort_machine_affinity", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(affinity)?);
        check_size(out.size, size_of::<cohort_affinity_t>(), "affinity", "COHORT_AFFINITY_INIT")?;
        let (Ok(from), Ok(to)) = (usize::try_from(processor), usize::try_from(memory)) else {
            fail!(Bounds, "processor {processor} and memory {memory}; numbers begin at 0");
        };
        let found = runtime.affinity(from, to)?;
        (out.bandwidth, out.latency) = (found.bandwidth, found.latency);
        Ok(())
    })
}

/// Where the ranks are, in order of rank; arguments as for cohort_machine_processors, with COHORT_RANK_INFO_INIT. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_ranks(
    runtime: cohort_runtime_t,
    capacity: u32,
    ranks: *mut cohort_rank_info_t,
    count: *mut u32,
) -> cohort_status_t {
    guard("cohort_machine_ranks", || {
        let runtime = runtime::of(runtime.id)?;
        let places = &runtime.machinery.ranks;
        let own = places[runtime.rank as usize].node;
        let list = places.iter().zip(0..).map(|(place, rank)| cohort_rank_info_t {
            size: size_of::<cohort_rank_info_t>(),
            rank: rank as i32,
            node: place.node as i32,
            same_node: (place.node == own).into(),
            shares_memory: runtime.machinery.shares_memory(rank).into(),
            numa_node: or_none(place.numa_node),
            workers: place.workers as i32,
        });
        let list: Vec<_> = list.collect();
        fill(&list, capacity, ranks, |info| info.size, "COHORT_RANK_INFO_INIT", count)
    })
}

/// Why there are no more devices: a line for each driver, platform or device that could not be used; empty if there is nothing to
/// say. Owned by the runtime. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_absent_devices(runtime: cohort_runtime_t, text: *mut *const c_char) -> cohort_status_t {
    guard("cohort_machine_absent_devices", || {
        let out = out(text)?;
        *out = runtime::of(runtime.id)?.absent_devices()?.as_ptr();
        Ok(())
    })
}

/// How many workers this rank has and on which processors they run, in words, as COHORT_VERBOSE=1 prints it. Owned by the
/// runtime. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_machine_binding(runtime: cohort_runtime_t, text: *mut *const c_char) -> cohort_status_t {
    guard("cohort_machine_binding", || {
        *out(text)? = runtime::of(runtime.id)?.machinery.binding.as_ptr();
        Ok(())
    })
}
