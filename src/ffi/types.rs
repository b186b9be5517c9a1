//! What crosses the C interface by value: handles, constants, and the structs that callers fill. Names are C's, since
//! the header is generated from this file.
#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_void};

/// The runtime of this process.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_runtime_t {
    pub id: u64,
}

/// Where operations are launched: the root context, or a task that runs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_context_t {
    pub id: u64,
}

/// A rectangle of points.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_index_space_t {
    pub id: u64,
}

/// The fields that points have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_field_space_t {
    pub id: u64,
}

/// Points with fields: a root region, or a sub-region.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_region_t {
    pub id: u64,
}

/// Sub-regions of a region, by colour.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_partition_t {
    pub id: u64,
}

/// A kind of task.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_task_t {
    pub id: u64,
}

/// A value that an operation will have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_future_t {
    pub id: u64,
}

/// The values that the points of an index launch will have.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_future_map_t {
    pub id: u64,
}

/// A truth value that operations will have, and that decides whether others do their work.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_predicate_t {
    pub id: u64,
}

/// The host and the tasks taking turns.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_handshake_t {
    pub id: u64,
}

/// The ghost regions around a block.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_halo_t {
    pub id: u64,
}

/// A region's data in the hands of the program or of a task.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_mapping_t {
    pub id: u64,
}

/// A field's number inside its field space.
pub type cohort_field_t = u32;

/// What every function returns; `COHORT_OK` is 0.
pub type cohort_status_t = i32;
pub const COHORT_OK: cohort_status_t = 0;
pub const COHORT_ERROR_INVALID_ARGUMENT: cohort_status_t = 1;
pub const COHORT_ERROR_INVALID_HANDLE: cohort_status_t = 2;
pub const COHORT_ERROR_WRONG_THREAD: cohort_status_t = 3;
pub const COHORT_ERROR_WRONG_ORDER: cohort_status_t = 4;
pub const COHORT_ERROR_WRONG_RANK: cohort_status_t = 5;
pub const COHORT_ERROR_PRIVILEGE: cohort_status_t = 6;
pub const COHORT_ERROR_BOUNDS: cohort_status_t = 7;
pub const COHORT_ERROR_OUT_OF_MEMORY: cohort_status_t = 8;
pub const COHORT_ERROR_TASK_FAILED: cohort_status_t = 9;
pub const COHORT_ERROR_TIMEOUT: cohort_status_t = 10;
pub const COHORT_ERROR_UNSUPPORTED: cohort_status_t = 11;
pub const COHORT_ERROR_MPI: cohort_status_t = 12;
pub const COHORT_ERROR_VERSION: cohort_status_t = 13;
pub const COHORT_ERROR_INTERFERENCE: cohort_status_t = 14;
pub const COHORT_ERROR_RESOURCES: cohort_status_t = 15;
pub const COHORT_ERROR_PEER_LOST: cohort_status_t = 16;
pub const COHORT_ERROR_INTERNAL: cohort_status_t = 99;

/// What a task may do with the fields of a requirement.
pub type cohort_privilege_t = i32;
pub const COHORT_NO_ACCESS: cohort_privilege_t = 0;
pub const COHORT_READ_ONLY: cohort_privilege_t = 1;
pub const COHORT_READ_WRITE: cohort_privilege_t = 2;
/// The old content is not needed.
pub const COHORT_WRITE_DISCARD: cohort_privilege_t = 3;
/// Contributions with the requirement's reduction; tasks that reduce alike run at the same time.
pub const COHORT_REDUCE: cohort_privilege_t = 4;

pub type cohort_coherence_t = i32;
pub const COHORT_EXCLUSIVE: cohort_coherence_t = 0;
/// Tasks may use the data at the same time and order themselves, by phase barriers say.
pub const COHORT_SIMULTANEOUS: cohort_coherence_t = 1;
/// One after the other, in any order: tasks that update the data so that the order does not matter, a histogram say.
pub const COHORT_ATOMIC: cohort_coherence_t = 2;
/// As COHORT_SIMULTANEOUS.
pub const COHORT_RELAXED: cohort_coherence_t = 3;

pub type cohort_reduction_t = i32;
pub const COHORT_REDUCTION_NONE: cohort_reduction_t = 0;
pub const COHORT_SUM: cohort_reduction_t = 1;
pub const COHORT_PRODUCT: cohort_reduction_t = 2;
pub const COHORT_MIN: cohort_reduction_t = 3;
pub const COHORT_MAX: cohort_reduction_t = 4;

pub type cohort_type_t = i32;
pub const COHORT_TYPE_NONE: cohort_type_t = 0;
pub const COHORT_INT32: cohort_type_t = 1;
pub const COHORT_INT64: cohort_type_t = 2;
pub const COHORT_FLOAT: cohort_type_t = 3;
pub const COHORT_DOUBLE: cohort_type_t = 4;
pub const COHORT_FLOAT_COMPLEX: cohort_type_t = 5;
pub const COHORT_DOUBLE_COMPLEX: cohort_type_t = 6;

pub type cohort_processor_t = i32;
pub const COHORT_PROC_ANY: cohort_processor_t = 0;
pub const COHORT_PROC_CPU: cohort_processor_t = 1;
/// The thread that started the runtime: for kernels that call MPI or are not thread-safe.
pub const COHORT_PROC_MPI: cohort_processor_t = 2;
/// Any device of the rank that has a variant of the task; without one the task runs on a processor of the host.
pub const COHORT_PROC_DEVICE: cohort_processor_t = 3;

pub type cohort_side_t = i32;
pub const COHORT_SIDE_HOST: cohort_side_t = 0;
pub const COHORT_SIDE_TASKS: cohort_side_t = 1;

/// The task launches nothing and waits for nothing, so it may run on the stack of a thread that waits.
pub const COHORT_TASK_LEAF: u32 = 1;
/// The task runs on the MPI thread only, whatever processor a launch asks for: its body is not thread-safe, or calls MPI.
pub const COHORT_TASK_MPI_THREAD: u32 = 2;

/// Of a requirement that reduces: contributions are folded in in whatever order the tasks end, by fewer operations and in less
/// memory than in program order, in which a sum's last digits are the same in every run.
pub const COHORT_FOLD_ANY_ORDER: u32 = 1;

/// In `flags` of an index launch: all points run at the same time, each on a thread of its own, so that they may wait for
/// each other, by phase barriers say.
pub const COHORT_LAUNCH_CONCURRENT: u32 = 1;

/// Version of this header: major * 10000 + minor * 100 + patch.
pub const COHORT_VERSION: u32 = 100;

/// Settings; fill with COHORT_CONFIG_INIT, then set what matters. What is left open comes from the environment
/// (docs/environment.md), then from defaults.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_config_t {
    pub size: usize,
    /// Processors that run tasks, the waiting MPI thread included; -1: one for each core of the process's mask.
    pub workers: i32,
    /// Whether the MPI thread runs tasks while it waits; -1: yes.
    pub host_helps: i32,
    /// Whether workers are bound to cores; -1: default.
    pub bind: i32,
    /// Operations outstanding in one context before a launch waits; 0: default.
    pub window: u32,
    /// How long an idle worker spins before it sleeps; -1: default.
    pub spin_microseconds: i32,
    /// Stack of a thread that runs tasks; 0: default.
    pub task_stack_bytes: u64,
    /// Time without progress after which the watchdog reports; 0: off.
    pub watchdog_seconds: f64,
    /// 1: ranks of one node use messages instead of shared memory; -1: no.
    pub force_messages: i32,
    /// Node-shared memory for ghost regions and barriers of this rank; 0: default.
    pub shared_bytes: u64,
    /// What an error does besides being returned: 0 nothing, 1 prints, 2 prints and aborts; -1: default.
    pub on_error: i32,
}

/// The body of a task. Runs on any thread of the runtime; must not unwind or longjmp out. `task` is valid until it
/// returns. A result other than 0 is a failure.
pub type cohort_task_function_t = Option<unsafe extern "C" fn(task: cohort_context_t, user: *mut c_void) -> i32>;

/// Frees what `user` points to. Runs on the thread that ends the runtime.
pub type cohort_release_function_t = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// The colour of the sub-region that point `point` of `points` gets. Called on the launching thread, for each point of a
/// launch once; the same arguments give the same colour.
pub type cohort_projection_function_t = Option<unsafe extern "C" fn(point: u32, points: u32, user: *mut c_void) -> i64>;

/// Which sub-region of a requirement's partition a point of an index launch gets: one of these, or what
/// cohort_projection_register gave.
pub type cohort_projection_t = u32;
/// Point p gets sub-region p.
pub const COHORT_PROJECTION_IDENTITY: cohort_projection_t = 0;
/// Point p gets sub-region p + projection_offset.
pub const COHORT_PROJECTION_OFFSET: cohort_projection_t = 1;
/// `into[i] = into[i] op from[i]` for `count` elements that lie side by side. Runs on any thread, several at a time.
pub type cohort_fold_function_t =
    Option<unsafe extern "C" fn(into: *mut c_void, from: *const c_void, count: usize, user: *mut c_void)>;

/// Fields of a region that a task uses, and how. In an index launch `partition` may be given instead of `region`:
/// each point gets the sub-region that `projection` says.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_requirement_t {
    pub region: cohort_region_t,
    pub partition: cohort_partition_t,
    /// Borrowed for the call.
    pub fields: *const cohort_field_t,
    pub field_count: u32,
    pub privilege: i32,
    pub coherence: i32,
    /// COHORT_SUM and the like with a type, or what `cohort_reduction_register` gave with COHORT_TYPE_NONE.
    pub reduction: i32,
    pub reduction_type: i32,
    pub projection: cohort_projection_t,
    /// With COHORT_PROJECTION_OFFSET.
    pub projection_offset: i64,
    /// 0 or COHORT_FOLD_ANY_ORDER.
    pub flags: u32,
}

/// A barrier and one of its phases. Plain bytes: may be sent to other ranks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_phase_barrier_t {
    pub id: u64,
    pub phase: u64,
}

/// A dynamic collective and one of its phases. Plain bytes as well.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct cohort_collective_t {
    pub id: u64,
    pub phase: u64,
}

/// What another rank needs to name a ghost region of this one. Plain bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_ghost_t {
    pub words: [u64; 32],
}

/// A launch; fill with COHORT_LAUNCH_INIT, then set what matters. All that it points to is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_launch_t {
    pub size: usize,
    pub task: cohort_task_t,
    pub args: *const c_void,
    pub args_size: usize,
    pub requirements: *const cohort_requirement_t,
    pub requirement_count: u32,
    pub futures: *const cohort_future_t,
    pub future_count: u32,
    pub wait_barriers: *const cohort_phase_barrier_t,
    pub wait_barrier_count: u32,
    pub arrive_barriers: *const cohort_phase_barrier_t,
    pub arrive_barrier_count: u32,
    pub wait_handshakes: *const cohort_handshake_t,
    pub wait_handshake_count: u32,
    pub arrive_handshakes: *const cohort_handshake_t,
    pub arrive_handshake_count: u32,
    pub processor: i32,
    /// 0 or COHORT_LAUNCH_CONCURRENT.
    pub flags: u32,
    /// Of an index launch: point p is given the future of point p of each, after `futures`.
    pub future_map_count: u32,
    pub future_maps: *const cohort_future_map_t,
    /// Unless it is null: if it does not hold, the task does not run and has the false result. Its dependences, waits and
    /// arrivals stay.
    pub predicate: cohort_predicate_t,
    pub false_result: *const c_void,
    pub false_result_size: usize,
}

/// Where the data of one field lies.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_view_t {
    /// The element at `lo`.
    pub base: *mut c_void,
    pub dim: i32,
    /// Bounds, both ends included.
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    /// Bytes from one element to the next in each dimension.
    pub stride: [i64; 3],
    /// 0, or the points of a block, along dimension `block_dim` (from 0): the element i points from `lo` in that dimension, with
    /// k = i + block_offset, lies (k / block) * block_stride + (k % block - block_offset) * stride[block_dim] bytes from the
    /// first, and the other dimensions add their strides.
    pub block: i64,
    pub block_stride: i64,
    pub block_offset: i64,
    pub block_dim: i32,
}

/// An explicit copy; fill with COHORT_COPY_INIT, then set what matters. All that it points to is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_copy_t {
    pub size: usize,
    pub source: cohort_region_t,
    pub destination: cohort_region_t,
    pub source_fields: *const cohort_field_t,
    pub destination_fields: *const cohort_field_t,
    pub field_count: u32,
    /// Destination point = source point + shift.
    pub shift: [i64; 3],
    pub wait_barriers: *const cohort_phase_barrier_t,
    pub wait_barrier_count: u32,
    pub arrive_barriers: *const cohort_phase_barrier_t,
    pub arrive_barrier_count: u32,
    /// Unless it is null: if it does not hold, nothing is done but to wait and to arrive.
    pub predicate: cohort_predicate_t,
    /// Unless it is null: the element at each of its points comes from the source's point that the field names there. A point is as
    /// many integers of 4 or of 8 bytes as it has coordinates, with bounds as in the source. Without it, from the point itself.
    pub gather: cohort_region_t,
    pub gather_field: cohort_field_t,
    /// Likewise the point of the destination that the element goes to.
    pub scatter: cohort_region_t,
    pub scatter_field: cohort_field_t,
    /// COHORT_COPY_SKIP_OUT_OF_RANGE or 0, of copies with gather or scatter.
    pub flags: u32,
    /// Unless it is COHORT_REDUCTION_NONE: elements are folded into those of the destination. With gather or scatter.
    pub reduction: i32,
    pub reduction_type: i32,
}

/// Values of gather and scatter that name points elsewhere are passed over; otherwise the copy fails, and copies nothing.
pub const COHORT_COPY_SKIP_OUT_OF_RANGE: u32 = 1;

/// An acquire or a release; fill with COHORT_SYNC_INIT, then set what matters.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_sync_t {
    pub size: usize,
    pub region: cohort_region_t,
    pub fields: *const cohort_field_t,
    pub field_count: u32,
    pub wait_barriers: *const cohort_phase_barrier_t,
    pub wait_barrier_count: u32,
    pub arrive_barriers: *const cohort_phase_barrier_t,
    pub arrive_barrier_count: u32,
    /// Unless it is null: if it does not hold, nothing is done but to wait and to arrive.
    pub predicate: cohort_predicate_t,
}

/// This rank's block of a block decomposition and its neighbours; fill with COHORT_HALO_OPTIONS_INIT, then set what matters.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_halo_options_t {
    pub size: usize,
    pub dim: i32,
    /// The points of the block, both ends included, in whatever numbering this rank uses.
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    /// Ghost points beyond a face, by dimension; 0: none.
    pub depth: [i64; 3],
    /// Ranks beyond -x, +x, -y, +y, -z, +z; -1: none.
    pub neighbours: [i32; 6],
    /// Fields that the ghost regions have room for, and the size of each.
    pub field_count: u32,
    pub field_bytes: usize,
}

pub type cohort_order_t = i32;
/// Neighbours in the first dimension lie side by side.
pub const COHORT_ORDER_FORTRAN: cohort_order_t = 0;
/// Neighbours in the last dimension lie side by side.
pub const COHORT_ORDER_C: cohort_order_t = 1;

/// How several fields share memory.
pub type cohort_grouping_t = i32;
/// An array for each field (structure of arrays).
pub const COHORT_SOA: cohort_grouping_t = 0;
/// The fields of a point side by side, as members of a C struct (array of structures).
pub const COHORT_AOS: cohort_grouping_t = 1;
/// `block` points of one field side by side, then as many of the next (array of structures of arrays). Blocks run along the
/// dimension whose neighbours lie side by side, and begin with the first point.
pub const COHORT_BLOCKED: cohort_grouping_t = 2;

/// A place with larger strides, such as a part of a larger array, will not do.
pub const COHORT_LAYOUT_EXACT: u32 = 1;

/// How fields are laid out in memory; fill with COHORT_LAYOUT_INIT (structure of arrays, Fortran order), then set what matters.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_layout_t {
    pub size: usize,
    pub order: i32,
    pub grouping: i32,
    /// Points in a block; 0 unless the grouping is COHORT_BLOCKED.
    pub block: u32,
    /// Points of room beyond the last, by dimension.
    pub padding: [u32; 3],
    /// 0 or COHORT_LAYOUT_EXACT.
    pub flags: u32,
    /// What the addresses of arrays (of blocks, in COHORT_BLOCKED) are multiples of: a power of two; 0: does not matter.
    pub alignment: u64,
}

/// Characters of `cohort_copied_t.why`.
pub const COHORT_COPIED_TEXT: usize = 232;

/// What was copied because data lay in another layout or memory than a task or its mapper asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_copied_t {
    /// Copies made; of one requirement 0 or 1.
    pub copies: u64,
    /// Bytes copied before tasks ran, and after.
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Why the (first) copy was made; empty without one.
    pub why: [c_char; COHORT_COPIED_TEXT],
}

/// Kinds of devices.
pub type cohort_device_api_t = i32;
pub const COHORT_DEVICE_ANY: cohort_device_api_t = 0;
pub const COHORT_DEVICE_CUDA: cohort_device_api_t = 1;
pub const COHORT_DEVICE_OPENCL: cohort_device_api_t = 2;

/// A kernel for devices; fill with COHORT_KERNEL_INIT, then set what matters. All that it points to is copied.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_kernel_t {
    pub size: usize,
    /// Its text, CUDA C, OpenCL C or PTX, after which cohort_kernel.h need not be included; or NULL.
    pub source: *const c_char,
    /// The file that the text is in; with `source` what messages call it.
    pub file: *const c_char,
    /// The kernel's name in the text.
    pub name: *const c_char,
    /// For the compiler, separated by blanks; or NULL.
    pub options: *const c_char,
    /// Work items of a group, by dimension; zeros leave it to the driver.
    pub block: [u32; 3],
    /// The requirement that has a work item for each point of its bounds.
    pub grid_requirement: u32,
    /// COHORT_DEVICE_ANY: for devices of any kind.
    pub api: cohort_device_api_t,
}

/// The device on which a task runs, for its function: handles of the driver's own.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_device_t {
    pub size: usize,
    pub api: cohort_device_api_t,
    pub number: u32,
    /// CUdevice or cl_device_id.
    pub device: *mut c_void,
    /// CUcontext or cl_context.
    pub context: *mut c_void,
    /// CUstream or cl_command_queue.
    pub stream: *mut c_void,
}

/// The data of one field of a requirement on a device.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct cohort_device_view_t {
    /// CUdeviceptr or cl_mem.
    pub base: *mut c_void,
    /// Bytes from there to the element at `lo`.
    pub offset: u64,
    pub dim: i32,
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    /// Bytes from a point to its successor in each dimension.
    pub stride: [i64; 3],
}

/// The body of a task on a device: enqueues its work on the device's stream and returns. `task` and `device` are valid until it returns.
pub type cohort_device_function_t =
    Option<unsafe extern "C" fn(task: cohort_context_t, device: *const cohort_device_t, user: *mut c_void) -> i32>;
