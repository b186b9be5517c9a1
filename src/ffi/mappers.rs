//! Mappers in C: a struct of callbacks, each of which may be missing. What a callback is told is borrowed for its call; what it
//! chooses starts as what holds without it. A callback returns 0, or anything else for "no choice", which is told and counted.
#![allow(non_camel_case_types)]

use super::convert::{check_size, given, layout, out, slice, text};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::mapping::{
    Answer, ContextInfo, CopyChoice, CopyInfo, Mapper, Member, NeedChoice, NeedInfo, Question, Registered, Report, Slice, Source, SourcesInfo, TaskChoice,
    TaskInfo, TaskOptions,
};
use crate::region::Privilege;
use crate::runtime;
use smallvec::SmallVec;
use std::ffi::{c_char, c_void, CStr};
use std::sync::Arc;

/// A mapper that was registered.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_mapper_handle_t {
    pub id: u64,
}

/// Flag of a mapper: its callbacks are called by one thread at a time.
pub const COHORT_MAPPER_SERIALISED: u32 = 1;

/// What a mapper is told of a requirement.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_requirement_info_t {
    pub dim: i32,
    /// Bounds of the region, both ends included. Of an index launch that is being sliced: of what holds the points' regions.
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    /// Points of the region.
    pub volume: u64,
    pub fields: *const cohort_field_t,
    pub field_count: u32,
    pub privilege: i32,
    pub coherence: i32,
    /// The worker that ran a task on the region last; -1: none that is known.
    pub worker: i32,
    /// Of the fields at the region's points.
    pub bytes: u64,
    /// Whether `map_task` can choose a layout: the task is a leaf, asks for none itself, and may work on a copy.
    pub layout_is_open: bool,
}

/// What a mapper is told of a task. `name` and the arrays are valid during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_task_info_t {
    pub task: cohort_task_t,
    pub name: *const c_char,
    /// Which point of its index launch or must epoch it is, and how many there are.
    pub point: u32,
    pub points: u32,
    pub args: *const c_void,
    pub args_size: usize,
    pub requirements: *const cohort_requirement_info_t,
    pub requirement_count: u32,
    /// Where it runs unless the mapper says something else.
    pub processor: i32,
    /// Kinds of processors for which it has a body of its own: bit COHORT_PROC_CPU, bit COHORT_PROC_MPI, bit COHORT_PROC_DEVICE.
    pub variants: u32,
    pub leaf: bool,
    /// Whether the launch leaves the kind of processor open.
    pub processor_is_open: bool,
    /// Whether `run_inline` can be chosen: the launch waits for no barrier or handshake, which its own thread may have to reach.
    pub may_run_inline: bool,
    /// The devices of this rank that can run it, by their numbers in cohort_machine_processors.
    pub devices: *const i32,
    pub device_count: u32,
}

/// `processor` is COHORT_PROC_CPU, COHORT_PROC_MPI or COHORT_PROC_DEVICE; where the launch names one, no other. `priority` is -7 to 7: of ready tasks
/// those of higher priority run first. `run_inline` 1: the launching thread runs the task itself before the launch returns. `replay` 1:
/// these options, and what `map_task` says of this task, hold for later launches of the task and point in the same context with the
/// same requirements, and nobody is asked again until a `cohort_mapper_use`; 0: each launch asks. `device`, of a task for COHORT_PROC_DEVICE: one of
/// the task's `devices`, on which it runs if it fits there; -1: the one that has most of its data, and then the fewest tasks.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_task_options_t {
    pub processor: i32,
    pub priority: i32,
    pub run_inline: i32,
    pub replay: i32,
    pub device: i32,
}

/// Points first .. first + count - 1, for `worker`, or for any: -1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_slice_t {
    pub first: u32,
    pub count: u32,
    pub worker: i32,
}

/// The slices of an index launch: `count` of them, at most `capacity`, cover every point once.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_slices_t {
    pub slices: *mut cohort_slice_t,
    pub capacity: u32,
    pub count: u32,
}

/// Where the data of a requirement is to lie: `memory` of the list of cohort_machine_memories, on this rank; -1: where it is. Tasks of
/// the host use memories of NUMA nodes (COHORT_MEMORY_SYSTEM), a task on a device has its data in that device's memory, or in place in
/// that of kind COHORT_MEMORY_ZERO_COPY (-1: if its fields were given such memory). Data that
/// lies in another node's memory is worked on in a copy, as with a layout, by leaves alone, and never where others use it at the
/// same time: else it stays where it is. Data that nobody has written comes to lie there. And
/// how: `layout` (valid until the callback returns; NULL: as it does). The task then works on a copy in that layout; a body that
/// does not use the strides that cohort_view gives says what it needs by cohort_task_layout, and no mapper chooses for it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_requirement_mapping_t {
    pub rank: i32,
    pub memory: i32,
    pub layout: *const cohort_layout_t,
}

/// Where a task runs. `worker`: a processor's number, which is a preference, as workers with nothing else to do take what was
/// meant for others; -1: any. Of a task on a device both are the device's, and no other.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_task_mapping_t {
    pub processor: i32,
    pub worker: i32,
    pub priority: i32,
    pub requirement_count: u32,
    pub requirements: *mut cohort_requirement_mapping_t,
}

/// What a mapper is told of an explicit copy.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_copy_info_t {
    pub source: cohort_requirement_info_t,
    pub destination: cohort_requirement_info_t,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_copy_mapping_t {
    pub worker: i32,
    pub priority: i32,
}

/// A memory that holds data which is to be copied, by its number in cohort_machine_memories, and how much of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_copy_source_t {
    pub memory: i32,
    pub bytes: u64,
}

/// Data that has to be copied before an operation can run, and that is valid in several memories. The host's memories count as one,
/// with the number of the first.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_sources_info_t {
    /// The null handle for an operation that is no task; `name` is then what it is: copy, fold, operation.
    pub task: cohort_task_t,
    pub name: *const c_char,
    /// Which of the operation's requirements it is, from 0.
    pub number: u32,
    pub requirement: cohort_requirement_info_t,
    /// The memory to which it is copied.
    pub destination: i32,
    /// How much is to be copied.
    pub bytes: u64,
    /// From where it can be, nearest first.
    pub sources: *const cohort_copy_source_t,
    pub source_count: u32,
}

/// The memories of all sources, by number, each once: what the first has is copied from there, the rest from the next. `count` stays
/// what it is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_source_order_t {
    pub memories: *mut i32,
    pub count: u32,
}

/// Where a member of a must epoch runs: on its own rank.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_member_mapping_t {
    pub rank: i32,
}

/// The task of a context; for the program outside of tasks the null handle, and an empty name.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_context_info_t {
    pub task: cohort_task_t,
    pub name: *const c_char,
}

/// What was measured of a task that ran. Times are nanoseconds of CLOCK_MONOTONIC.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_report_t {
    pub task: cohort_task_t,
    pub name: *const c_char,
    pub point: u32,
    pub processor: i32,
    /// -1: no worker, as a member of a must epoch.
    pub worker: i32,
    pub start: u64,
    pub stop: u64,
}

/// When a task is launched, on the launching thread.
pub type cohort_select_task_options_t =
    Option<unsafe extern "C" fn(task: *const cohort_task_info_t, options: *mut cohort_task_options_t, user: *mut c_void) -> i32>;
/// When an index launch begins, on the launching thread.
pub type cohort_slice_index_launch_t =
    Option<unsafe extern "C" fn(task: *const cohort_task_info_t, slices: *mut cohort_slices_t, user: *mut c_void) -> i32>;
/// When a task is ready to run, on the thread that made it ready; of a task on a device, on that device's thread.
pub type cohort_map_task_t =
    Option<unsafe extern "C" fn(task: *const cohort_task_info_t, mapping: *mut cohort_task_mapping_t, user: *mut c_void) -> i32>;
/// When the task of `context`, or the program, maps data inline. Of what is chosen counts the memory of data that nobody has written.
pub type cohort_map_inline_t = Option<
    unsafe extern "C" fn(
        context: *const cohort_context_info_t,
        requirement: *const cohort_requirement_info_t,
        mapping: *mut cohort_requirement_mapping_t,
        user: *mut c_void,
    ) -> i32,
>;
/// When an explicit copy is launched.
pub type cohort_map_copy_t =
    Option<unsafe extern "C" fn(copy: *const cohort_copy_info_t, mapping: *mut cohort_copy_mapping_t, user: *mut c_void) -> i32>;
/// When data is about to be copied that is valid in several memories, on the thread that copies: a device's, for a task there, else one
/// of a worker. `order` starts as the sources are listed.
pub type cohort_rank_copy_sources_t = Option<
    unsafe extern "C" fn(copy: *const cohort_sources_info_t, order: *mut cohort_source_order_t, user: *mut c_void) -> i32,
>;
/// When a must epoch is launched: this rank's members and where they run.
pub type cohort_map_must_epoch_t = Option<
    unsafe extern "C" fn(
        members: *const cohort_task_info_t,
        count: u32,
        mapping: *mut cohort_member_mapping_t,
        user: *mut c_void,
    ) -> i32,
>;
/// When the program asks for a tunable; `value` starts as the program's default.
pub type cohort_select_tunable_t = Option<
    unsafe extern "C" fn(context: *const cohort_context_info_t, name: *const c_char, value: *mut i64, user: *mut c_void) -> i32,
>;
/// When a context first launches: how many of its operations may be outstanding, 4 to 1000000.
pub type cohort_configure_context_t =
    Option<unsafe extern "C" fn(context: *const cohort_context_info_t, window: *mut i64, user: *mut c_void) -> i32>;
/// When a task has run, on the thread that ran it.
pub type cohort_report_times_t = Option<unsafe extern "C" fn(report: *const cohort_report_t, user: *mut c_void)>;

/// A mapper; fill with COHORT_MAPPER_INIT, then set the callbacks that it has. They are called on any thread, at the same time
/// unless `flags` says COHORT_MAPPER_SERIALISED. They choose and return: launching or waiting in one is an error (WRONG_ORDER).
/// One that returns 0 has chosen; anything else is "no choice". A choice that makes no sense is told on stderr and counted, and
/// what holds without the mapper holds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_mapper_t {
    pub size: usize,
    /// Handed to every callback; the caller's, until cohort_finalize.
    pub user: *mut c_void,
    pub flags: u32,
    pub select_task_options: cohort_select_task_options_t,
    pub slice_index_launch: cohort_slice_index_launch_t,
    pub map_task: cohort_map_task_t,
    pub map_copy: cohort_map_copy_t,
    pub map_must_epoch: cohort_map_must_epoch_t,
    pub select_tunable: cohort_select_tunable_t,
    pub configure_context: cohort_configure_context_t,
    pub report: cohort_report_times_t,
    pub map_inline: cohort_map_inline_t,
    pub rank_copy_sources: cohort_rank_copy_sources_t,
}

struct Table(cohort_mapper_t);

// The caller promises that its callbacks may be called on any thread.
unsafe impl Send for Table {}
unsafe impl Sync for Table {}

type Fields = SmallVec<[u32; 32]>;

fn worker(worker: Option<u8>) -> i32 {
    worker.map_or(-1, i32::from)
}

fn privilege(privilege: Privilege) -> i32 {
    match privilege {
        Privilege::NoAccess => COHORT_NO_ACCESS,
        Privilege::ReadOnly => COHORT_READ_ONLY,
        Privilege::ReadWrite => COHORT_READ_WRITE,
        Privilege::WriteDiscard => COHORT_WRITE_DISCARD,
        Privilege::Reduce => COHORT_REDUCE,
    }
}

/// `fields` holds those of the requirement, from `first` on.
fn requirement_info(need: &NeedInfo, fields: &Fields, first: usize) -> cohort_requirement_info_t {
    let bounds = need.region.domain.bounds;
    cohort_requirement_info_t {
        dim: need.region.dim() as i32,
        lo: bounds.lo,
        hi: bounds.hi,
        volume: need.region.domain.volume() as u64,
        fields: fields[first..].as_ptr(),
        field_count: need.fields.len() as u32,
        privilege: privilege(need.access.privilege),
        // Its numbers are those of the interface.
        coherence: need.access.coherence as i32,
        worker: worker(need.region.toucher()),
        bytes: need.bytes(),
        layout_is_open: need.no_layout.is_none(),
    }
}

/// Calls with the tasks as C sees them.
fn with_tasks<R>(tasks: &[TaskInfo], call: impl FnOnce(&[cohort_task_info_t]) -> R) -> R {
    let mut fields = Fields::new();
    let all = || tasks.iter().flat_map(|task| &task.needs);
    all().for_each(|need| fields.extend(need.fields.iter()));
    let mut needs = SmallVec::<[cohort_requirement_info_t; 8]>::new();
    let mut first = 0;
    for need in all() {
        needs.push(requirement_info(need, &fields, first));
        first += need.fields.len();
    }
    let mut rest = needs.as_ptr();
    let info = |task: &TaskInfo| {
        let requirements = rest;
        // Each task's follow those of the one before.
        rest = unsafe { rest.add(task.needs.len()) };
        cohort_task_info_t {
            task: cohort_task_t { id: task.handle },
            name: task.name.as_ptr(),
            point: task.point,
            points: task.points,
            args: task.args.as_ptr().cast(),
            args_size: task.args.len(),
            requirements,
            requirement_count: task.needs.len() as u32,
            processor: task.processor as i32,
            variants: 1 << COHORT_PROC_CPU | u32::from(task.has_mpi_variant) << COHORT_PROC_MPI | u32::from(!task.devices.is_empty()) << COHORT_PROC_DEVICE,
            leaf: task.leaf,
            processor_is_open: !task.fixed,
            may_run_inline: task.can_be_inline,
            devices: task.devices.as_ptr(),
            device_count: task.devices.len() as u32,
        }
    };
    let tasks: SmallVec<[cohort_task_info_t; 1]> = tasks.iter().map(info).collect();
    call(&tasks)
}

fn with_task<R>(task: &TaskInfo, call: impl FnOnce(&cohort_task_info_t) -> R) -> R {
    with_tasks(std::slice::from_ref(task), |tasks| call(&tasks[0]))
}

fn context_info(context: &ContextInfo) -> cohort_context_info_t {
    cohort_context_info_t { task: cohort_task_t { id: context.task }, name: context.name.as_ptr() }
}

/// A layout that was chosen before stays unless the callback says another.
fn mapping_of(need: &NeedChoice) -> cohort_requirement_mapping_t {
    cohort_requirement_mapping_t { rank: need.rank, memory: need.memory, layout: std::ptr::null() }
}

fn take_mapping(c: &cohort_requirement_mapping_t, need: &mut NeedChoice) -> Answer {
    (need.rank, need.memory) = (c.rank, c.memory);
    // Valid until the callback's caller is done with what it chose.
    if let Some(chosen) = unsafe { c.layout.as_ref() } {
        need.layout = Some(layout(chosen).map_err(|error| error.text.to_string())?);
    }
    Ok(())
}

fn answer(status: i32) -> Answer {
    match status {
        0 => Ok(()),
        _ => Err(format!("it returned {status}; 0 says that it chose")),
    }
}

impl Mapper for Table {
    fn answers(&self) -> u32 {
        let c = &self.0;
        let has = [
            (Question::SelectTaskOptions, c.select_task_options.is_some()),
            (Question::SliceIndexLaunch, c.slice_index_launch.is_some()),
            (Question::MapTask, c.map_task.is_some()),
            (Question::MapCopy, c.map_copy.is_some()),
            (Question::MapMustEpoch, c.map_must_epoch.is_some()),
            (Question::SelectTunable, c.select_tunable.is_some()),
            (Question::ConfigureContext, c.configure_context.is_some()),
            (Question::Report, c.report.is_some()),
            (Question::MapInline, c.map_inline.is_some()),
            (Question::RankCopySources, c.rank_copy_sources.is_some()),
        ];
        has.into_iter().filter(|&(_, there)| there).fold(0, |all, (question, _)| all | question as u32)
    }

    fn select_task_options(&self, task: &TaskInfo, options: &mut TaskOptions) -> Answer {
        let Some(call) = self.0.select_task_options else { return Ok(()) };
        let mut c = cohort_task_options_t {
            processor: options.processor,
            priority: options.priority,
            run_inline: options.inline,
            replay: options.replay,
            device: options.device,
        };
        answer(with_task(task, |task| unsafe { call(task, &mut c, self.0.user) }))?;
        *options = TaskOptions { processor: c.processor, priority: c.priority, inline: c.run_inline, replay: c.replay, device: c.device };
        Ok(())
    }

    fn slice_index_launch(&self, task: &TaskInfo, slices: &mut Vec<Slice>) -> Answer {
        let Some(call) = self.0.slice_index_launch else { return Ok(()) };
        let to_c = |slice: &Slice| cohort_slice_t { first: slice.first, count: slice.count, worker: slice.worker };
        let mut room: Vec<cohort_slice_t> = slices.iter().map(to_c).collect();
        room.resize(room.len().max(task.points as usize), cohort_slice_t { first: 0, count: 0, worker: -1 });
        let capacity = room.len() as u32;
        let mut c = cohort_slices_t { slices: room.as_mut_ptr(), capacity, count: slices.len() as u32 };
        answer(with_task(task, |task| unsafe { call(task, &mut c, self.0.user) }))?;
        if c.count > capacity {
            return Err(format!("count is {}; there is room for {capacity} slices, one for each point", c.count));
        }
        let chosen = room[..c.count as usize].iter();
        *slices = chosen.map(|slice| Slice { first: slice.first, count: slice.count, worker: slice.worker }).collect();
        Ok(())
    }

    fn map_task(&self, task: &TaskInfo, choice: &mut TaskChoice) -> Answer {
        let Some(call) = self.0.map_task else { return Ok(()) };
        let mut needs: SmallVec<[cohort_requirement_mapping_t; 8]> = choice.needs.iter().map(mapping_of).collect();
        let mut c = cohort_task_mapping_t {
            processor: choice.processor,
            worker: choice.worker,
            priority: choice.priority,
            requirement_count: needs.len() as u32,
            requirements: needs.as_mut_ptr(),
        };
        answer(with_task(task, |task| unsafe { call(task, &mut c, self.0.user) }))?;
        if c.requirement_count as usize != needs.len() {
            return Err(format!("requirement_count is {}; the task has {} requirements", c.requirement_count, needs.len()));
        }
        (choice.processor, choice.worker, choice.priority) = (c.processor, c.worker, c.priority);
        for (need, c) in choice.needs.iter_mut().zip(&needs) {
            take_mapping(c, need)?;
        }
        Ok(())
    }

    fn map_inline(&self, context: &ContextInfo, need: &NeedInfo, choice: &mut NeedChoice) -> Answer {
        let Some(call) = self.0.map_inline else { return Ok(()) };
        let fields: Fields = need.fields.iter().collect();
        let mut c = mapping_of(choice);
        answer(unsafe { call(&context_info(context), &requirement_info(need, &fields, 0), &mut c, self.0.user) })?;
        take_mapping(&c, choice)
    }

    fn map_copy(&self, copy: &CopyInfo, choice: &mut CopyChoice) -> Answer {
        let Some(call) = self.0.map_copy else { return Ok(()) };
        let fields: Fields = copy.source.fields.iter().chain(copy.destination.fields.iter()).collect();
        let info = cohort_copy_info_t {
            source: requirement_info(&copy.source, &fields, 0),
            destination: requirement_info(&copy.destination, &fields, copy.source.fields.len()),
        };
        let mut c = cohort_copy_mapping_t { worker: choice.worker, priority: choice.priority };
        answer(unsafe { call(&info, &mut c, self.0.user) })?;
        *choice = CopyChoice { worker: c.worker, priority: c.priority };
        Ok(())
    }

    fn rank_copy_sources(&self, copy: &SourcesInfo, order: &mut Vec<i32>) -> Answer {
        let Some(call) = self.0.rank_copy_sources else { return Ok(()) };
        let fields: Fields = copy.need.fields.iter().collect();
        let to_c = |source: &Source| cohort_copy_source_t { memory: source.memory, bytes: source.bytes };
        let sources: SmallVec<[cohort_copy_source_t; 4]> = copy.sources.iter().map(to_c).collect();
        let info = cohort_sources_info_t {
            task: cohort_task_t { id: copy.task },
            name: copy.name.as_ptr(),
            number: copy.number,
            requirement: requirement_info(&copy.need, &fields, 0),
            destination: copy.destination,
            bytes: copy.bytes,
            sources: sources.as_ptr(),
            source_count: sources.len() as u32,
        };
        let mut c = cohort_source_order_t { memories: order.as_mut_ptr(), count: order.len() as u32 };
        answer(unsafe { call(&info, &mut c, self.0.user) })?;
        match c.count as usize == order.len() {
            true => Ok(()),
            false => Err(format!("count is {}; the data can be copied from {} memories, each of which has one place in the order", c.count, order.len())),
        }
    }

    fn map_must_epoch(&self, tasks: &[TaskInfo], members: &mut Vec<Member>) -> Answer {
        let Some(call) = self.0.map_must_epoch else { return Ok(()) };
        let mut c: Vec<_> = members.iter().map(|member| cohort_member_mapping_t { rank: member.rank }).collect();
        answer(with_tasks(tasks, |tasks| unsafe { call(tasks.as_ptr(), tasks.len() as u32, c.as_mut_ptr(), self.0.user) }))?;
        *members = c.iter().map(|member| Member { rank: member.rank }).collect();
        Ok(())
    }

    fn select_tunable(&self, context: &ContextInfo, name: &CStr, value: &mut i64) -> Answer {
        let Some(call) = self.0.select_tunable else { return Ok(()) };
        answer(unsafe { call(&context_info(context), name.as_ptr(), value, self.0.user) })
    }

    fn configure_context(&self, context: &ContextInfo, window: &mut i64) -> Answer {
        let Some(call) = self.0.configure_context else { return Ok(()) };
        answer(unsafe { call(&context_info(context), window, self.0.user) })
    }

    fn report(&self, report: &Report) {
        let Some(call) = self.0.report else { return };
        let c = cohort_report_t {
            task: cohort_task_t { id: report.handle },
            name: report.name.as_ptr(),
            point: report.point,
            processor: report.processor as i32,
            worker: worker(report.worker),
            start: report.start,
            stop: report.stop,
        };
        unsafe { call(&c, self.0.user) }
    }
}

/// Registers a mapper (copied), which `cohort_mapper_use` then puts to use. `name` (copied) appears in messages. It lasts until
/// the runtime ends. Any thread. Errors: INVALID_ARGUMENT (no callback, an unknown flag), VERSION.
#[no_mangle]
pub unsafe extern "C" fn cohort_mapper_register(
    runtime: cohort_runtime_t,
    mapper: *const cohort_mapper_t,
    name: *const c_char,
    handle: *mut cohort_mapper_handle_t,
) -> cohort_status_t {
    guard("cohort_mapper_register", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(handle)?);
        let c = given(mapper, "mapper")?;
        check_size(c.size, size_of::<cohort_mapper_t>(), "mapper", "COHORT_MAPPER_INIT")?;
        let Some(name) = text(name, "name")? else { fail!(InvalidArgument, "name is null; give the mapper a name, messages need it") };
        if c.flags & !COHORT_MAPPER_SERIALISED != 0 {
            fail!(InvalidArgument, "flags is {:#x}; use 0 or COHORT_MAPPER_SERIALISED", c.flags);
        }
        let table = Table(*c);
        if table.answers() == 0 {
            fail!(InvalidArgument, "mapper \"{name}\" has no callback; set one at least");
        }
        let registered = Registered::new(name, Box::new(table), c.flags & COHORT_MAPPER_SERIALISED != 0);
        out.id = runtime.objects.mappers.insert(Arc::new(registered))?;
        Ok(())
    })
}

/// Has the mapper asked for `count` tasks from now on, in the place of any other; with 0 for all tasks, those registered later
/// included, for copies and for the program outside of tasks. The null handle: no mapper but the default. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_mapper_use(
    mapper: cohort_mapper_handle_t,
    tasks: *const cohort_task_t,
    count: u32,
) -> cohort_status_t {
    guard("cohort_mapper_use", || {
        let runtime = runtime::current()?;
        let mapper = match mapper.id {
            0 => None,
            id => Some(runtime.objects.mappers.get(id)?),
        };
        let kinds: Result<Vec<_>> =
            slice(tasks, count as usize, "tasks")?.iter().map(|task| runtime.objects.tasks.get(task.id)).collect();
        runtime.use_mapper(mapper, &kinds?);
        Ok(())
    })
}

/// How many choices of a mapper were refused, and what was said of the last one: `text` (NULL, or `bytes` bytes) gets it, cut if
/// need be and ended by a zero. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_mapper_refusals(
    mapper: cohort_mapper_handle_t,
    count: *mut u64,
    text: *mut c_char,
    bytes: usize,
) -> cohort_status_t {
    guard("cohort_mapper_refusals", || {
        let (refused, last) = runtime::current()?.objects.mappers.get(mapper.id)?.refusals();
        *out(count)? = refused;
        if !text.is_null() && bytes > 0 {
            let shown = &last.to_bytes()[..last.to_bytes().len().min(bytes - 1)];
            text.copy_from_nonoverlapping(shown.as_ptr().cast(), shown.len());
            *text.add(shown.len()) = 0;
        }
        Ok(())
    })
}

/// The value of a tunable: what the mapper of the context's task says (of the program, outside of tasks: the mapper of all), else
/// `otherwise`.
#[no_mangle]
pub unsafe extern "C" fn cohort_tunable(
    context: cohort_context_t,
    name: *const c_char,
    otherwise: i64,
    value: *mut i64,
) -> cohort_status_t {
    guard("cohort_tunable", || {
        let (engine, frame) = runtime::context(context.id)?;
        let out = out(value)?;
        if text(name, "name")?.is_none() {
            fail!(InvalidArgument, "name is null; give the tunable a name");
        }
        *out = engine.tunable(frame, CStr::from_ptr(name), otherwise);
        Ok(())
    })
}
