//! A mapper that chooses at random, as often otherwise as it is asked: no choice may change a result.

use super::kernel::mix;
use super::layouts::random_layout;
use super::program::Settings;
use cohort::ffi::machine::*;
use cohort::ffi::mappers::*;
use cohort::ffi::types::*;
use std::ffi::c_void;
use std::ptr::null;
use std::sync::atomic::{AtomicU64, Ordering};

pub struct RandomMapper {
    seed: u64,
    asked: AtomicU64,
    workers: std::ops::RangeInclusive<i32>,
    pub handle: cohort_mapper_handle_t,
    layouts: [cohort_layout_t; LAYOUTS],
    /// Tasks may fail: what they wrote into a copy is lost, and what they wrote into the data is not.
    fails: bool,
    /// The numbers of devices and their memories, and of the memory that they use in place.
    devices: Vec<(i32, i32)>,
    in_place: i32,
}

const LAYOUTS: usize = 6;

impl RandomMapper {
    /// Registers it and has it asked about everything. It lives as long as the runtime.
    pub fn start(runtime: cohort_runtime_t, seed: u64, settings: &Settings) -> Result<Box<Self>, i32> {
        let workers = i32::from(!settings.host_helps)..=settings.workers - i32::from(settings.host_helps);
        let layouts = std::array::from_fn(|i| random_layout(mix(seed, i as u64)));
        let mut random = Box::new(Self { seed, asked: AtomicU64::new(0), workers, handle: cohort_mapper_handle_t { id: 0 }, layouts, fails: settings.fails, devices: Vec::new(), in_place: -1 });
        if settings.devices.is_some() {
            random.look_for_memories(runtime)?;
        }
        let table = cohort_mapper_t {
            size: size_of::<cohort_mapper_t>(),
            user: (&raw const *random).cast_mut().cast(),
            flags: if seed % 5 == 0 { COHORT_MAPPER_SERIALISED } else { 0 },
            select_task_options: Some(options),
            slice_index_launch: Some(slices),
            map_task: Some(task),
            map_copy: Some(copy),
            map_must_epoch: None,
            select_tunable: None,
            configure_context: None,
            map_inline: None,
            rank_copy_sources: Some(sources),
            report: if seed % 3 == 0 { Some(report) } else { None },
        };
        let status = unsafe {
            match cohort_mapper_register(runtime, &table, c"random".as_ptr(), &mut random.handle) {
                0 => cohort_mapper_use(random.handle, null(), 0),
                status => status,
            }
        };
        if status == 0 { Ok(random) } else { Err(status) }
    }

    fn look_for_memories(&mut self, runtime: cohort_runtime_t) -> Result<(), i32> {
        let (mut processors, mut memories): ([cohort_processor_info_t; 4], [cohort_memory_info_t; 1]) = unsafe { std::mem::zeroed() };
        (processors[0].size, memories[0].size) = (size_of::<cohort_processor_info_t>(), size_of::<cohort_memory_info_t>());
        let (mut count, mut shared) = (0, 0);
        let status = unsafe {
            match cohort_machine_processors(runtime, COHORT_PROC_DEVICE, 4, processors.as_mut_ptr(), &mut count) {
                0 => cohort_machine_memories(runtime, COHORT_MEMORY_ZERO_COPY, 1, memories.as_mut_ptr(), &mut shared),
                status => status,
            }
        };
        self.devices = processors.iter().take(count as usize).map(|device| (device.number, device.memory)).collect();
        self.in_place = if shared > 0 { memories[0].number } else { -1 };
        if status == 0 { Ok(()) } else { Err(status) }
    }

    /// Where a requirement of a task on a device lies.
    fn memory(&self, device: i32) -> i32 {
        let own = self.devices.iter().find(|(number, _)| *number == device);
        match (self.below(4), own) {
            (0, Some((_, memory))) => *memory,
            (1, _) => self.in_place,
            _ => -1,
        }
    }

    /// A number below `bound`.
    fn below(&self, bound: u64) -> u64 {
        mix(self.seed, self.asked.fetch_add(1, Ordering::Relaxed)) % bound
    }

    /// A worker, or -1 for any.
    fn worker(&self) -> i32 {
        let worker = self.below(2 + *self.workers.end() as u64) as i32 - 1;
        if self.workers.contains(&worker) { worker } else { -1 }
    }

    fn priority(&self) -> i32 {
        self.below(15) as i32 - 7
    }

    /// The MPI thread now and then, where the launch leaves that open.
    fn processor(&self, task: &cohort_task_info_t) -> i32 {
        if task.processor_is_open && self.below(8) == 0 { COHORT_PROC_MPI } else { COHORT_PROC_ANY }
    }
}

unsafe extern "C" fn options(info: *const cohort_task_info_t, options: *mut cohort_task_options_t, user: *mut c_void) -> i32 {
    let random = &*user.cast::<RandomMapper>();
    let on_device = (*info).processor_is_open && (*info).variants >> COHORT_PROC_DEVICE & 1 == 1 && random.below(4) > 0;
    (*options).processor = if on_device { COHORT_PROC_DEVICE } else { random.processor(&*info) };
    if on_device && random.below(2) == 0 {
        (*options).device = *(*info).devices.add(random.below(u64::from((*info).device_count)) as usize);
    }
    (*options).priority = random.priority();
    // Seldom: a task that waits for the launching thread itself is left to others after half a second.
    (*options).run_inline = i32::from((*info).may_run_inline && random.below(64) == 0);
    (*options).replay = i32::from(random.below(4) == 0);
    0
}

unsafe extern "C" fn slices(info: *const cohort_task_info_t, chosen: *mut cohort_slices_t, user: *mut c_void) -> i32 {
    let random = &*user.cast::<RandomMapper>();
    let (points, mut first, mut count) = ((*info).points, 0, 0);
    while first < points {
        let length = 1 + random.below(u64::from(points - first)) as u32;
        *(*chosen).slices.add(count) = cohort_slice_t { first, count: length, worker: random.worker() };
        (first, count) = (first + length, count + 1);
    }
    (*chosen).count = count as u32;
    0
}

unsafe extern "C" fn task(info: *const cohort_task_info_t, chosen: *mut cohort_task_mapping_t, user: *mut c_void) -> i32 {
    let random = &*user.cast::<RandomMapper>();
    if (*info).processor == COHORT_PROC_DEVICE {
        // The device was chosen when the task was launched.
        for i in 0..(*info).requirement_count as usize {
            (*(*chosen).requirements.add(i)).memory = random.memory((*chosen).worker);
        }
        return 0;
    }
    (*chosen).processor = random.processor(&*info);
    (*chosen).worker = if (*chosen).processor == COHORT_PROC_MPI { -1 } else { random.worker() };
    (*chosen).priority = random.priority();
    for i in 0..(*info).requirement_count as usize {
        if !random.fails && (*(*info).requirements.add(i)).layout_is_open && random.below(3) == 0 {
            (*(*chosen).requirements.add(i)).layout = &random.layouts[random.below(LAYOUTS as u64) as usize];
        }
        if !random.fails && random.below(4) == 0 {
            (*(*chosen).requirements.add(i)).memory = random.below(3) as i32 - 1;
        }
    }
    0
}

unsafe extern "C" fn copy(_: *const cohort_copy_info_t, chosen: *mut cohort_copy_mapping_t, user: *mut c_void) -> i32 {
    let random = &*user.cast::<RandomMapper>();
    (*chosen).worker = random.worker();
    (*chosen).priority = random.priority();
    0
}

/// Exchanges a few of them.
unsafe extern "C" fn sources(_: *const cohort_sources_info_t, order: *mut cohort_source_order_t, user: *mut c_void) -> i32 {
    let random = &*user.cast::<RandomMapper>();
    let memories = std::slice::from_raw_parts_mut((*order).memories, (*order).count as usize);
    for i in 0..memories.len() {
        memories.swap(i, random.below(memories.len() as u64) as usize);
    }
    0
}

unsafe extern "C" fn report(times: *const cohort_report_t, user: *mut c_void) {
    let random = &*user.cast::<RandomMapper>();
    assert!((*times).stop >= (*times).start);
    random.asked.fetch_add(1, Ordering::Relaxed);
}
