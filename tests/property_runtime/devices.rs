//! Tasks of the programs on devices: by a function that enqueues what the task computes on the host, as work of the device's stream, and by
//! a kernel that computes the same. Tasks that launch nothing have these variants. Where only dependences are looked at, the function
//! enqueues what notes that the task runs.

use super::bodies::{fail, launched, look, seed_of, Launched, Views};
use super::execute::World;
use super::generate::Random;
use super::kernel::{compute, mix, result_of, Operand};
use super::layouts::random_fields;
use super::program::*;
use super::sequential::path_of;
use cl3::{command_queue, event};
use cudarc::driver::sys as cuda;
use cohort::ffi::{devices::*, futures::cohort_task_result, layouts::cohort_region_zero_copy, tasks::*, types::*};
use cohort::operation::devices::Done;
use std::cell::RefCell;
use std::ffi::{c_void, CString};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

/// What kernels take: so many requirements, and fields in all of them together.
const MOST_NEEDS: usize = 5;
const MOST_FIELDS: usize = 24;

const TEXT: &str = include_str!("compute.cl");

/// The two devices of every process that runs such programs; programs choose among them. Where there is CUDA, its devices come first.
pub const DRIVERS: (&str, &str) = ("POCL_DEVICES", "pthread pthread");

/// What all programs of a process had devices do.
pub static DID: [(Done, AtomicU64); 9] = [
    (Done::Task, AtomicU64::new(0)),
    (Done::Reduction, AtomicU64::new(0)),
    (Done::Copy, AtomicU64::new(0)),
    (Done::Indirect, AtomicU64::new(0)),
    (Done::CopyIn, AtomicU64::new(0)),
    (Done::CopyHome, AtomicU64::new(0)),
    (Done::CopyAcross, AtomicU64::new(0)),
    (Done::Eviction, AtomicU64::new(0)),
    (Done::InPlace, AtomicU64::new(0)),
];

/// Kinds of tasks with variants for devices.
#[derive(Default)]
pub struct DeviceTasks {
    function: cohort_task_t,
    /// The same, of a kind that may launch tasks.
    inner_function: cohort_task_t,
    kernels: [cohort_task_t; MOST_NEEDS],
}

impl Program {
    /// Which of the two devices, how much of their memory, how many streams. Bytes down to a tenth of what the trees take; where tasks are
    /// watched, none waits for room.
    pub fn choose_devices(&mut self, watched: bool) {
        let mut random = Random(mix(self.seed, 0xde71));
        let bytes_of = |tree: &Tree| {
            let of_field = |kind: &Kind| (tree.regions[0].bounds.volume() * kind.bytes()).next_multiple_of(256);
            tree.kinds.iter().take(12).map(of_field).sum::<usize>()
        };
        let all: usize = self.trees.iter().map(bytes_of).sum();
        self.settings.devices = Some(DeviceSettings {
            numbers: *random.pick(&["0", "1", "0,1", "0,1", "1,0"]),
            bytes: (!watched && !random.one_in(3)).then(|| (all / random.pick(&[1, 2, 4, 10])).max(1024)),
            streams: *random.pick(&[1, 2, 4]),
            watched,
        });
    }

    /// Whether the task has a kernel, which knows neither its point nor futures, and takes one size of elements for each requirement.
    pub fn has_kernel(&self, task: &Task) -> bool {
        let plain = |need: &Need| {
            let kinds: Vec<Kind> = need.fields.iter().map(|&field| self.trees[need.tree].kinds[field as usize]).collect();
            kinds.iter().all(|kind| !matches!(kind, Kind::Names { .. }) && kind.bytes() == kinds[0].bytes())
        };
        let fields: usize = task.needs.iter().map(|need| need.fields.len()).sum();
        let takes_or_gives = task.result || !task.futures.is_empty() || !task.maps.is_empty();
        let fits = (1..=MOST_NEEDS).contains(&task.needs.len()) && fields <= MOST_FIELDS && task.needs.iter().all(plain);
        let watched = self.settings.devices.as_ref().is_some_and(|devices| devices.watched);
        self.has_variant(task) && task.leaf && !watched && task.fails.is_none() && !takes_or_gives && fits && task.id % 3 != 0
    }

    fn has_variant(&self, task: &Task) -> bool {
        // On a device it would take turns in order.
        let in_any_order = task.needs.iter().any(|need| need.coherence == Coherence::Atomic);
        let launches = !task.leaf && (!task.children.is_empty() || task.again || task.concurrent);
        self.settings.devices.as_ref().is_some_and(|devices| !launches && !(devices.watched && in_any_order))
    }

    /// Kernels compute the same for all points of a launch.
    pub fn point_seen(&self, task: &Task, point: u32) -> u32 {
        if self.has_kernel(task) { 0 } else { point }
    }
}

impl DeviceSettings {
    /// For the runtime that starts next; no driver does anything now that could look at variables.
    pub fn set(&self) {
        std::env::set_var("COHORT_DEVICES", self.numbers);
        std::env::set_var("COHORT_DEVICE_STREAMS", self.streams.to_string());
        match self.bytes {
            Some(bytes) => std::env::set_var("COHORT_DEVICE_MEMORY", bytes.to_string()),
            None => std::env::remove_var("COHORT_DEVICE_MEMORY"),
        }
    }
}

impl World<'_> {
    /// Registers the kinds of tasks that devices can run, and gives `asking` ones the function.
    pub fn register_device_tasks(&mut self, user: *mut c_void) {
        let function = |task| unsafe { cohort_task_device_callback(task, COHORT_DEVICE_ANY, Some(run_on_device), user) };
        let register = |flags, task: &mut cohort_task_t| unsafe {
            cohort_task_register(self.runtime, c"on devices".as_ptr(), Some(super::bodies::run_task), user, flags, task)
        };
        let mut tasks = DeviceTasks::default();
        self.must("a task for devices", register(COHORT_TASK_LEAF, &mut tasks.function));
        self.must("a task for devices", register(0, &mut tasks.inner_function));
        for task in self.asking.iter().chain([&tasks.function, &tasks.inner_function]) {
            self.must("cohort_task_device_callback", function(*task));
        }
        let text = CString::new(TEXT).expect("no zero byte");
        for (n, task) in tasks.kernels.iter_mut().enumerate() {
            self.must("a task with a kernel", register(COHORT_TASK_LEAF, task));
            let entry = CString::new(format!("compute_{}", n + 1)).expect("no zero byte");
            let kernel = cohort_kernel_t {
                size: size_of::<cohort_kernel_t>(),
                source: text.as_ptr(),
                file: c"compute.cl".as_ptr(),
                name: entry.as_ptr(),
                options: null(),
                block: [0; 3],
                grid_requirement: 0,
                api: COHORT_DEVICE_ANY,
            };
            self.must("cohort_task_kernel", unsafe { cohort_task_kernel(*task, &kernel) });
        }
        self.device_tasks = tasks;
    }

    /// Some fields lie in memory that devices use in place: some of those that were given a layout together, and others.
    pub fn put_in_place(&self, root: cohort_region_t, laid_out: &[u32], fields: usize) {
        let (zero_copy, seed) = (|fields: &[u32]| unsafe { cohort_region_zero_copy(root, fields.len() as u32, fields.as_ptr()) }, self.program.seed);
        if seed % 2 == 0 && !laid_out.is_empty() {
            self.must("cohort_region_zero_copy after cohort_region_layout", zero_copy(laid_out));
        }
        let mut others = random_fields(mix(seed, 78), fields);
        others.retain(|field| !laid_out.contains(field));
        if seed % 3 != 0 && !others.is_empty() {
            self.must("cohort_region_zero_copy", zero_copy(&others));
        }
    }

    /// The kind of a task that does not ask for layouts.
    pub fn kind_of(&self, task: &Task) -> cohort_task_t {
        match (self.program.has_variant(task), task.leaf) {
            (true, true) if self.program.has_kernel(task) => self.device_tasks.kernels[task.needs.len() - 1],
            (true, true) => self.device_tasks.function,
            (true, false) => self.device_tasks.inner_function,
            (false, true) => self.leaf,
            (false, false) => self.inner,
        }
    }

    /// Some launches ask for a device, where memory suffices for any of them.
    pub fn asks_for_device(&self, task: &Task) -> bool {
        let Some(devices) = &self.program.settings.devices else { return false };
        self.program.has_variant(task) && devices.bytes.is_none() && if devices.watched { task.id % 4 != 0 } else { task.id % 4 == 1 }
    }

    /// Arguments of a task with a kernel: the mirror of `description` in compute.cl.
    pub fn description(&self, task: &Task, path: u64) -> Vec<u64> {
        let mut words = vec![&raw const *task as u64, path, path_of(path, task.id, 0), task.needs.len() as u64];
        for n in 0..MOST_NEEDS {
            words.push(task.needs.get(n).map_or(0, |need| {
                let (right, operator) = match need.right {
                    Right::Read => (0, 0),
                    Right::Write => (1, 0),
                    Right::Discard => (2, 0),
                    Right::Reduce(operator) => (3, operator as u8),
                    Right::Nothing => unreachable!("no program has such requirements"),
                };
                let turns = need.coherence == Coherence::Atomic;
                u64::from_ne_bytes([right, turns.into(), operator, need.fields.len() as u8, 0, 0, 0, 0])
            }));
        }
        let field_of = |need: &Need, field: u32| {
            let kind = self.program.trees[need.tree].kinds[field as usize];
            let position = need.fields.iter().filter(|&&other| other < field).count();
            [field as u64, number_of(kind), kind.bytes() as u64, position as u64].iter().rev().fold(0, |word, part| word << 16 | part)
        };
        words.extend(task.needs.iter().flat_map(|need| need.fields.iter().map(move |&field| field_of(need, field))));
        words.resize(4 + MOST_NEEDS + MOST_FIELDS, 0);
        words
    }

    fn expect_cuda(&self, call: &str, code: cuda::CUresult) {
        if code != cuda::CUresult::CUDA_SUCCESS {
            self.complain(format!("{call}: {code:?}"));
        }
    }

    /// Adds up what devices did.
    pub fn count_devices(&self) {
        let runtime = cohort::runtime::of(self.runtime.id).expect("it has not ended");
        for (done, count) in &DID {
            count.fetch_add(runtime.engine.devices_did(*done), Ordering::Relaxed);
        }
    }
}

/// What compute.cl calls the kind.
fn number_of(kind: Kind) -> u64 {
    match kind {
        Kind::Raw(_) => 0,
        Kind::Int32 => 1,
        Kind::Int64 => 2,
        Kind::Float => 3,
        Kind::Double => 4,
        Kind::FloatComplex => 5,
        Kind::DoubleComplex => 6,
        Kind::Names { .. } => unreachable!("kernels get no such fields"),
    }
}

/// What a device's stream computes when it comes to it.
struct Work {
    seed: u64,
    operands: Vec<Operand>,
    views: Views<'static>,
    /// Where the buffer of each requirement lies.
    places: Vec<*mut c_void>,
    hash: *const AtomicU64,
}

unsafe extern "C" fn run_on_device(context: cohort_context_t, device: *const cohort_device_t, user: *mut c_void) -> i32 {
    let (world, stream) = (&*user.cast::<World>(), (*device).stream);
    let Launched { task, point, path, .. } = launched(world, context);
    if world.watch.is_some() {
        let seen = Box::into_raw(Box::new(Seen { world: (&raw const *world).cast(), path }));
        if (*device).api == COHORT_DEVICE_CUDA {
            world.expect_cuda("cuLaunchHostFunc", cuda::cuLaunchHostFunc(stream.cast(), Some(be_seen_here), seen.cast()));
        } else {
            enqueue(world, stream, be_seen, &mut [seen.cast()], None);
        }
        let result = result_of(task, path);
        world.must("cohort_task_result", cohort_task_result(context, result.as_ptr().cast(), result.len()));
        return 0;
    }
    let failure = task.fails.filter(|failure| failure.point == point);
    if failure.is_some_and(|failure| !failure.after) {
        return fail(world, context, task);
    }
    let bases: RefCell<Vec<*mut c_void>> = RefCell::default();
    let show = |n: u32, field, right, view: &mut cohort_view_t| {
        let mut there: cohort_device_view_t = std::mem::zeroed();
        let status = cohort_view_device(context, n, field, right, &mut there);
        if status == 0 {
            bases.borrow_mut().resize(n as usize + 1, there.base);
            (view.base, view.dim, view.lo, view.hi, view.stride) = (there.offset as *mut c_void, there.dim, there.lo, there.hi, there.stride);
        }
        status
    };
    let (operands, views) = look(world, task, &show);
    let (bases, hash, waits) = (bases.into_inner(), AtomicU64::new(0), task.result);
    let (seed, places) = (seed_of(task, context, path), vec![null_mut(); bases.len()]);
    let work = Box::into_raw(Box::new(Work { seed, operands, views, places, hash: if waits { &hash } else { null() } }));
    if (*device).api == COHORT_DEVICE_CUDA {
        (*work).places = bases;
        let code = cuda::cuLaunchHostFunc(stream.cast(), Some(compute_here), work.cast());
        world.expect_cuda("cuLaunchHostFunc", code);
    } else {
        // Work with several buffers gets their addresses mixed up by PoCL 3.1.
        for (place, base) in (*work).places.iter_mut().zip(&bases) {
            enqueue(world, stream, note_place, &mut [(&raw mut *place).cast(), null_mut()], Some(base));
        }
        enqueue(world, stream, compute_there, &mut [work.cast()], None);
    }
    if waits {
        if (*device).api == COHORT_DEVICE_CUDA {
            world.expect_cuda("cuStreamSynchronize", cuda::cuStreamSynchronize(stream.cast()));
        } else {
            command_queue::finish(stream).unwrap_or_else(|code| world.complain(format!("clFinish: {code}")));
        }
        let result = result_of(task, hash.load(Ordering::Acquire));
        world.must("cohort_task_result", cohort_task_result(context, result.as_ptr().cast(), result.len()));
    }
    if failure.is_some() {
        return fail(world, context, task);
    }
    0
}

/// A task that is watched.
struct Seen {
    world: *const World<'static>,
    path: u64,
}

/// On the stand-in for CUDA's driver.
unsafe extern "C" fn be_seen_here(mut seen: *mut c_void) {
    be_seen((&raw mut seen).cast());
}

/// `args`: the task.
unsafe extern "C" fn be_seen(args: *mut c_void) {
    let seen = Box::from_raw(*args.cast::<*mut Seen>());
    let world = &*seen.world;
    if let Some(watch) = &world.watch {
        watch.begin(seen.path).into_iter().for_each(|wrong| world.complain(wrong));
        if seen.path % 4 == 0 {
            // Whoever does not wait for it begins meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        watch.end(seen.path);
    }
}

/// Enqueues work of the host; the address of the buffer becomes the last of `args`.
unsafe fn enqueue(world: &World, stream: *mut c_void, work: unsafe extern "C" fn(*mut c_void), args: &mut [*mut c_void], buffer: Option<&*mut c_void>) {
    let size = size_of_val(args);
    let place: *const c_void = (&raw const args[args.len() - 1]).cast();
    let (list, places) = buffer.map_or((null(), null()), |buffer| (&raw const *buffer, &raw const place));
    let count = u32::from(buffer.is_some());
    let enqueued = command_queue::enqueue_native_kernel(stream, Some(work), args.as_mut_ptr().cast(), size, count, list, places, 0, null());
    if let Err(code) = enqueued.and_then(|done| event::release_event(done)) {
        world.complain(format!("clEnqueueNativeKernel: {code}"));
    }
}

/// `args`: where the address is to be noted, and the address.
unsafe extern "C" fn note_place(args: *mut c_void) {
    let [into, place] = *args.cast::<[*mut c_void; 2]>();
    *into.cast::<*mut c_void>() = place;
}

/// On the stand-in for CUDA's driver, whose device memory the host reaches (CUDA_STAND_IN_HOST_ACCESS=1).
unsafe extern "C" fn compute_here(mut work: *mut c_void) {
    compute_there((&raw mut work).cast());
}

/// `args`: the work, whose places are noted.
unsafe extern "C" fn compute_there(args: *mut c_void) {
    let mut work = Box::from_raw(*args.cast::<*mut Work>());
    let Work { seed, operands, views, places, hash } = &mut *work;
    views.move_to(|need| places[need].cast());
    let found = compute(*seed, operands, false, views);
    if let Some(hash) = hash.as_ref() {
        hash.store(found, Ordering::Release);
    }
}
