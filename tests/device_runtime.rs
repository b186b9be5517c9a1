//! What the runtime asks of a device, seen by one that counts, refuses and fails in front of PoCL's: host memory is registered and let go,
//! copies that fit no rule for pitches are packed, explicit copies move what they name and nothing else.

mod drivers;
#[path = "device_runtime/in_place.rs"]
mod in_place;

use cohort::base::{Error, Result, Status};
use cohort::device::*;
use cohort::ffi::{abi, devices as dv, futures as ft, ghosts as gh, handshakes as hs, inline as il, launches as ln, partitions as pt, regions as rg, runtime as rt, tasks as tk, types::*};
use std::ffi::{c_void, CStr, CString};
use std::ops::Range;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

/// What it saw.
#[derive(Default)]
struct Seen {
    pinned: Mutex<Vec<Range<usize>>>,
    staged: Mutex<Vec<Range<usize>>>,
    refuses_pins: AtomicBool,
    /// The library's own kernels do not compile.
    refuses_kernels: AtomicBool,
    /// Copies of host memory, by how it is known to the driver.
    from_pins: AtomicUsize,
    from_staging: AtomicUsize,
    from_elsewhere: AtomicUsize,
    commands: AtomicUsize,
    lost: OnceLock<String>,
    /// Whether the kernel "slow" may be compiled, and the kernel "held" launched.
    is_open: Mutex<bool>,
    opened: Condvar,
    /// The kernel "held" is about to be launched.
    is_held: AtomicBool,
    refuses_copies: AtomicBool,
    /// Bytes copied to the device, from it, and on it.
    to_device: AtomicUsize,
    from_device: AtomicUsize,
    within: AtomicUsize,
}

impl Seen {
    /// Bytes to the device, from it and on it since this was last asked.
    fn moved(&self) -> [usize; 3] {
        [&self.to_device, &self.from_device, &self.within].map(|bytes| bytes.swap(0, Ordering::Relaxed))
    }
}

impl Seen {
    fn wait_until_open(&self) {
        drop(self.opened.wait_while(self.is_open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// As every call of a driver does that has lost its device.
    fn check(&self, what: &str) -> Result<()> {
        match self.lost.get() {
            None => Ok(()),
            Some(_) => Err(Error::new(Status::Resources, format!("device \"fake\": {what} failed: {GONE}"))),
        }
    }
}

const FAULT: &str = "CL_OUT_OF_RESOURCES (-5)";
const GONE: &str = "CUDA_ERROR_ILLEGAL_ADDRESS (700)";

struct Watched {
    inner: Arc<dyn Device>,
    seen: Arc<Seen>,
}

/// A registration that its device knows.
struct Registered(Arc<Seen>, Range<usize>, #[allow(dead_code, reason = "dropped, it undoes the registration")] Pin);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.pinned.lock().unwrap().retain(|span| *span != self.1);
    }
}

/// The bytes of a transfer on its host's side.
fn span(transfer: &Transfer) -> Option<Range<usize>> {
    let (at, step): (_, fn(&Dim) -> isize) = match (transfer.from, transfer.to) {
        (Side::Host(at), _) => (at as isize, |dim| dim.from),
        (_, Side::Host(at)) => (at as isize, |dim| dim.to),
        _ => return None,
    };
    let reach = |dim: &Dim| (dim.count as isize - 1) * step(dim);
    let below: isize = transfer.dims.iter().map(reach).filter(|reach| *reach < 0).sum();
    let above: isize = transfer.dims.iter().map(reach).filter(|reach| *reach > 0).sum();
    Some((at + below) as usize..(at + above) as usize + transfer.element)
}

impl Watched {
    fn open() -> (Arc<dyn Device>, Arc<Seen>) {
        let cache = std::env::temp_dir().join(format!("cohort-watched-{}", std::process::id()));
        let found = discover(&Wanted { choice: drivers::choice(), cache: Some(cache), ..Wanted::default() }).unwrap();
        let inner = found.devices.first().unwrap_or_else(|| panic!("no device (install pocl-opencl-icd): {:?}", found.absent)).clone();
        let seen = Arc::new(Seen::default());
        (Arc::new(Self { inner, seen: seen.clone() }), seen)
    }

    /// CUDA takes host memory that is registered as one, or not at all.
    fn look_at(&self, transfer: &Transfer) {
        self.seen.commands.fetch_add(transfer.commands(), Ordering::Relaxed);
        let way = match (transfer.from, transfer.to) {
            (Side::Host(_), _) => &self.seen.to_device,
            (_, Side::Host(_)) => &self.seen.from_device,
            _ => &self.seen.within,
        };
        way.fetch_add(transfer.element * transfer.dims.iter().map(|dim| dim.count).product::<usize>(), Ordering::Relaxed);
        let Some(span) = span(transfer) else { return };
        let holds = |known: &Range<usize>| known.start <= span.start && span.end <= known.end;
        let touches = |known: &Range<usize>| known.start < span.end && span.start < known.end;
        let pinned = self.seen.pinned.lock().unwrap();
        let way = if self.seen.staged.lock().unwrap().iter().any(holds) {
            &self.seen.from_staging
        } else if pinned.iter().any(holds) {
            &self.seen.from_pins
        } else {
            assert!(!pinned.iter().any(touches), "{span:x?} is registered in part: {pinned:x?}");
            &self.seen.from_elsewhere
        };
        way.fetch_add(1, Ordering::Relaxed);
    }
}

impl Device for Watched {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }
    fn lost(&self) -> Option<&str> {
        self.seen.lost.get().map(String::as_str)
    }
    fn allocate(&self, bytes: usize) -> Result<Buffer> {
        self.seen.check("an allocation")?;
        self.inner.allocate(bytes)
    }
    fn trim(&self) {
        self.inner.trim()
    }
    fn staging(&self, bytes: usize) -> Result<HostBuffer> {
        let staging = self.inner.staging(bytes)?;
        let span = staging.at() as usize..staging.at() as usize + bytes;
        self.seen.staged.lock().unwrap().push(span);
        Ok(staging)
    }
    fn registers(&self) -> bool {
        true
    }
    fn pin(&self, at: *mut u8, bytes: usize) -> Result<Pin> {
        if self.seen.refuses_pins.load(Ordering::Relaxed) {
            return Err(Error::new(Status::Resources, "refused"));
        }
        let span = at as usize..at as usize + bytes;
        let mut pinned = self.seen.pinned.lock().unwrap();
        assert!(!pinned.iter().any(|known| known.start < span.end && span.start < known.end), "{span:x?} overlaps {pinned:x?}");
        pinned.push(span.clone());
        Ok(Pin::until(Registered(self.seen.clone(), span, self.inner.pin(at, bytes)?)))
    }
    fn shares(&self) -> bool {
        self.inner.shares()
    }
    fn share(&self, bytes: usize) -> Result<Shared> {
        self.inner.share(bytes)
    }
    /// Kernels reach what is registered, as CUDA's do; PoCL's reach everything.
    fn address(&self, at: *mut u8, shared: Option<&Shared>) -> Option<u64> {
        let pinned = || self.seen.pinned.lock().unwrap().iter().any(|span| span.contains(&(at as usize)));
        match shared {
            None if !self.inner.registers() => pinned().then_some(at as u64),
            _ => self.inner.address(at, shared),
        }
    }
    fn streams(&self) -> usize {
        self.inner.streams()
    }
    unsafe fn copy(&self, stream: Stream, transfer: &Transfer, wait: &[Event]) -> Result<Event> {
        self.seen.check("a copy")?;
        self.look_at(transfer);
        if self.seen.refuses_copies.load(Ordering::Relaxed) {
            return Err(Error::new(Status::Resources, "the copy was refused"));
        }
        self.inner.copy(stream, transfer, wait)
    }
    fn reaches(&self, other: &Buffer) -> bool {
        self.inner.reaches(other)
    }
    fn fill(&self, stream: Stream, fill: &Fill, wait: &[Event]) -> Result<Event> {
        self.inner.fill(stream, fill, wait)
    }
    fn compile(&self, source: &Source) -> Result<Module> {
        self.seen.check("a compilation")?;
        if matches!(&*source.file, "fold" | "indirect") && self.seen.refuses_kernels.load(Ordering::Relaxed) {
            return Err(Error::new(Status::InvalidArgument, "refused"));
        }
        if source.text.contains("slow") {
            self.seen.wait_until_open();
        }
        self.inner.compile(source)
    }
    fn kernel(&self, module: &Module, name: &str) -> Result<Kernel> {
        self.inner.kernel(module, name)
    }
    unsafe fn launch(&self, stream: Stream, launch: &Launch, wait: &[Event]) -> Result<Event> {
        self.seen.check("a launch")?;
        if launch.kernel.name() == "held" {
            self.seen.is_held.store(true, Ordering::Release);
            self.seen.wait_until_open();
        }
        let event = self.inner.launch(stream, launch, wait)?;
        let (seen, name) = (self.seen.clone(), launch.kernel.name().to_string());
        Ok(match &*name {
            // That kernel ends with a fault after which the device takes no more work.
            "breaking" => event.then(move || {
                seen.lost.get_or_init(|| format!("device \"fake\": kernel {name} failed: {GONE}"));
                seen.check(&format!("kernel {name}"))
            }),
            "faulting" => event.then(|| Err(Error::new(Status::Resources, FAULT))),
            _ => event,
        })
    }
    fn barrier(&self, stream: Stream, wait: &[Event]) -> Result<()> {
        self.inner.barrier(stream, wait)
    }
    fn mark(&self, stream: Stream) -> Result<Event> {
        self.inner.mark(stream)
    }
    fn make_current(&self) -> Result<()> {
        self.inner.make_current()
    }
    fn native_stream(&self, stream: Stream) -> *mut c_void {
        self.inner.native_stream(stream)
    }
    fn native_context(&self) -> *mut c_void {
        self.inner.native_context()
    }
    fn native_device(&self) -> *mut c_void {
        self.inner.native_device()
    }
}

fn said() -> String {
    unsafe { CStr::from_ptr(rt::cohort_last_error()) }.to_string_lossy().into_owned()
}

fn ok(status: i32) {
    assert_eq!(status, COHORT_OK, "{}", said());
}

/// A runtime that has these devices; one at a time in a process.
struct Running {
    runtime: cohort_runtime_t,
    context: cohort_context_t,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

const BUMP: &str = "COHORT_KERNEL void bump(COHORT_GLOBAL double *x, cohort_extent e, long fields)
{
    COHORT_POINT(e, i, j, k)
    for (long f = 0; f < fields; f++) COHORT_FIELD(x, e, f, i, j, k) += 1 + f;
}";

/// Tasks that ran on the host.
static ON_HOST: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn on_host(_: cohort_context_t, _: *mut c_void) -> i32 {
    ON_HOST.fetch_add(1, Ordering::Relaxed);
    0
}

unsafe extern "C" fn hand_off(task: cohort_context_t, handshake: *mut c_void) -> i32 {
    hs::cohort_handoff_to_host(task, *handshake.cast())
}

impl Running {
    fn with(devices: Vec<Arc<dyn Device>>) -> Self {
        let alone = ALONE.lock().expect("a test failed, and its runtime is still there");
        unsafe {
            let mut config: cohort_config_t = std::mem::zeroed();
            (config.size, config.workers, config.bind, config.on_error) = (size_of::<cohort_config_t>(), 2, 0, 0);
            (config.host_helps, config.spin_microseconds, config.force_messages) = (-1, -1, -1);
            let (mut runtime, mut context) = (std::mem::zeroed(), std::mem::zeroed());
            ok(rt::cohort_init_version(abi::COHORT_ABI, &config, &mut runtime));
            ok(rt::cohort_root_context(runtime, &mut context));
            cohort::runtime::current().unwrap().give_devices(devices).unwrap();
            Self { runtime, context, _alone: alone }
        }
    }

    fn region(&self, extents: &[i64], fields: u32) -> (cohort_region_t, Vec<cohort_field_t>) {
        unsafe {
            let (mut space, mut names, mut region) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
            let (lo, hi) = (vec![1; extents.len()], extents.to_vec());
            ok(rg::cohort_index_space_create(self.runtime, extents.len() as i32, lo.as_ptr(), hi.as_ptr(), &mut space));
            ok(rg::cohort_field_space_create(self.runtime, &mut names));
            let mut first = 0;
            ok(rg::cohort_fields_allocate(names, 8, fields, &mut first));
            ok(rg::cohort_region_create(self.runtime, space, names, &mut region));
            (region, (first..first + fields).collect())
        }
    }

    /// A ghost region of this rank.
    fn ghost(&self, extents: &[i64], fields: u32) -> (cohort_region_t, Vec<cohort_field_t>) {
        unsafe {
            let (mut space, mut names, mut region) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
            let (lo, hi) = (vec![1; extents.len()], extents.to_vec());
            ok(rg::cohort_index_space_create(self.runtime, extents.len() as i32, lo.as_ptr(), hi.as_ptr(), &mut space));
            ok(rg::cohort_field_space_create(self.runtime, &mut names));
            let mut first = 0;
            ok(rg::cohort_fields_allocate(names, 8, fields, &mut first));
            ok(gh::cohort_ghost_create(self.runtime, space, names, &mut region));
            (region, (first..first + fields).collect())
        }
    }

    fn attach(&self, region: cohort_region_t, fields: &[cohort_field_t], at: *const f64, strides: &[i64], apart: i64) {
        let at = at.cast_mut().cast();
        ok(unsafe { rg::cohort_attach(self.context, region, fields.len() as u32, fields.as_ptr(), at, strides.as_ptr(), apart) });
    }

    fn detach(&self, region: cohort_region_t, fields: &[cohort_field_t]) {
        ok(unsafe { rg::cohort_detach(self.context, region, fields.len() as u32, fields.as_ptr()) });
    }

    fn task(&self, name: &str, text: &str, entry: &str) -> cohort_task_t {
        let [name, text, entry] = [name, text, entry].map(|text| CString::new(text).unwrap());
        unsafe {
            let mut task = std::mem::zeroed();
            ok(tk::cohort_task_register(self.runtime, name.as_ptr(), Some(on_host), null_mut(), COHORT_TASK_LEAF, &mut task));
            let mut kernel: cohort_kernel_t = std::mem::zeroed();
            (kernel.size, kernel.source, kernel.name) = (size_of::<cohort_kernel_t>(), text.as_ptr(), entry.as_ptr());
            ok(dv::cohort_task_kernel(task, &kernel));
            task
        }
    }

    fn launch(&self, task: cohort_task_t, region: cohort_region_t, fields: &[cohort_field_t]) {
        self.launch_on(COHORT_PROC_DEVICE, task, (region, fields, COHORT_READ_WRITE));
    }

    /// Reductions are sums.
    fn launch_on(&self, processor: i32, task: cohort_task_t, need: (cohort_region_t, &[cohort_field_t], i32)) {
        self.launch_for(null_mut(), processor, task, need);
    }

    fn launch_for(&self, result: *mut cohort_future_t, processor: i32, task: cohort_task_t, (region, fields, privilege): (cohort_region_t, &[cohort_field_t], i32)) {
        unsafe {
            let mut need: cohort_requirement_t = std::mem::zeroed();
            (need.region, need.fields, need.field_count, need.privilege) = (region, fields.as_ptr(), fields.len() as u32, privilege);
            if privilege == COHORT_REDUCE {
                (need.reduction, need.reduction_type) = (COHORT_SUM, COHORT_DOUBLE);
            }
            let count = fields.len() as i64;
            let mut launch: cohort_launch_t = std::mem::zeroed();
            (launch.size, launch.task, launch.requirements, launch.requirement_count) = (size_of::<cohort_launch_t>(), task, &need, 1);
            (launch.args, launch.args_size, launch.processor) = ((&raw const count).cast(), 8, processor);
            ok(ln::cohort_launch(self.context, &launch, result));
        }
    }

    /// Both fields of one region to both of the other, in turns.
    fn copy(&self, source: cohort_region_t, destination: cohort_region_t, shift: [i64; 3]) {
        unsafe {
            let mut copy: cohort_copy_t = std::mem::zeroed();
            (copy.size, copy.source, copy.destination, copy.shift) = (size_of::<cohort_copy_t>(), source, destination, shift);
            (copy.source_fields, copy.destination_fields, copy.field_count) = ([0, 1].as_ptr(), [1, 0].as_ptr(), 2);
            ok(gh::cohort_copy(self.context, &copy));
        }
    }

    /// Field 0 of one region to that of the other, from or to the points that field 1 of `names` names.
    fn copy_named(&self, (source, destination, names): (cohort_region_t, cohort_region_t, cohort_region_t), scatters: bool, flags: u32, sums: bool) {
        unsafe {
            let mut copy: cohort_copy_t = std::mem::zeroed();
            (copy.size, copy.source, copy.destination, copy.flags) = (size_of::<cohort_copy_t>(), source, destination, flags);
            (copy.source_fields, copy.destination_fields, copy.field_count) = ([0].as_ptr(), [0].as_ptr(), 1);
            if scatters {
                (copy.scatter, copy.scatter_field) = (names, 1);
            } else {
                (copy.gather, copy.gather_field) = (names, 1);
            }
            if sums {
                (copy.reduction, copy.reduction_type) = (COHORT_SUM, COHORT_DOUBLE);
            }
            ok(gh::cohort_copy(self.context, &copy));
        }
    }

    /// A value, seen from outside of tasks.
    fn look(&self, region: cohort_region_t, field: u32, at: [i64; 2]) -> f64 {
        unsafe {
            let mut need: cohort_requirement_t = std::mem::zeroed();
            (need.region, need.fields, need.field_count, need.privilege) = (region, &field, 1, COHORT_READ_ONLY);
            let (mut mapping, mut view): (cohort_mapping_t, cohort_view_t) = std::mem::zeroed();
            ok(il::cohort_inline_map(self.context, &need, &mut mapping));
            ok(il::cohort_inline_view(mapping, field, COHORT_READ_ONLY, &mut view));
            let before: i64 = (0..2).map(|d| (at[d] - view.lo[d]) * view.stride[d]).sum();
            let value = *view.base.cast::<f64>().byte_offset(before as isize);
            ok(il::cohort_inline_unmap(&mut mapping));
            value
        }
    }

    fn wait(&self) {
        ok(unsafe { ln::cohort_wait_all(self.context) });
    }

    /// The next wait tells of a failure, in these words.
    fn wait_fails(&self, words: &[&str]) {
        let status = unsafe { ln::cohort_wait_all(self.context) };
        assert_ne!(status, COHORT_OK);
        let text = said();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            ok(unsafe { rt::cohort_finalize(&mut self.runtime) });
        }
    }
}

/// An array with room around the points of a region in two dimensions and for its fields, as a Fortran code has.
struct Halo {
    n: usize,
    values: Vec<f64>,
}

impl Halo {
    fn new(n: usize, fields: usize) -> Self {
        Self { n, values: (0..(n + 2) * (n + 2) * fields).map(|at| at as f64).collect() }
    }

    fn first(&self) -> *const f64 {
        self.values[self.n + 3..].as_ptr()
    }

    fn strides(&self) -> [i64; 2] {
        [8, 8 * (self.n as i64 + 2)]
    }

    fn apart(&self) -> i64 {
        8 * (self.n as i64 + 2).pow(2)
    }

    /// Points inside were bumped so often, others not at all.
    fn check(&self, times: f64) {
        let wide = self.n + 2;
        for (at, value) in self.values.iter().enumerate() {
            let (i, j, field) = (at % wide, at / wide % wide, at / (wide * wide));
            let inside = (1..=self.n).contains(&i) && (1..=self.n).contains(&j);
            assert_eq!(*value, at as f64 + if inside { times * (1.0 + field as f64) } else { 0.0 }, "{i}, {j}, field {field}");
        }
    }
}

/// The first has none, whatever else is there.
#[test]
fn a_task_goes_to_the_device_that_has_room_for_it() {
    let with = |capacity| discover(&Wanted { choice: drivers::choice(), capacity, ..Wanted::default() }).unwrap().devices.remove(0);
    let running = Running::with(vec![with(Some(64 << 10)), with(None)]);
    let (region, fields) = running.region(&[100, 100], 1);
    let (bump, times) = (running.task("bump", BUMP, "bump"), 3);
    (0..times).for_each(|_| running.launch(bump, region, &fields));
    running.wait();
    assert_eq!(running.look(region, fields[0], [50, 50]), f64::from(times));
}

#[test]
fn arrays_are_registered_once_until_they_are_detached() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 4);
    running.attach(region, &fields[..3], array.first(), &array.strides(), array.apart());
    let bump = running.task("bump", BUMP, "bump");
    assert!(seen.pinned.lock().unwrap().is_empty(), "nothing was copied yet");
    for _ in 0..3 {
        running.launch(bump, region, &fields[..3]);
        running.wait();
        let pinned = seen.pinned.lock().unwrap();
        let last = array.first() as usize + (2 * array.apart() + 99 * array.strides()[1] + 100 * 8) as usize;
        assert_eq!(*pinned, [array.first() as usize..last], "all fields of the array, as one");
    }
    array.check(3.0);
    assert_eq!((seen.from_elsewhere.load(Ordering::Relaxed), seen.from_staging.load(Ordering::Relaxed)), (0, 0));
    // Storage of the library.
    running.launch(bump, region, &fields[3..]);
    running.wait();
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 2);
    assert_eq!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
    // A field that shares the array with others; what is still attached is registered anew when it is copied.
    running.detach(region, &fields[1..2]);
    assert!(seen.pinned.lock().unwrap().is_empty());
    array.check(4.0);
    running.launch(bump, region, &fields[..1]);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    running.detach(region, &[fields[0], fields[2]]);
    assert!(seen.pinned.lock().unwrap().is_empty());
}

#[test]
fn memory_goes_unregistered_with_its_region_or_where_the_driver_refuses() {
    let (device, seen) = Watched::open();
    {
        let running = Running::with(vec![device.clone()]);
        let bump = running.task("bump", BUMP, "bump");
        let (mut region, fields) = running.region(&[100, 100], 1);
        running.launch(bump, region, &fields);
        running.wait();
        assert_eq!(seen.pinned.lock().unwrap().len(), 1);
        ok(unsafe { rg::cohort_region_destroy(&mut region) });
    }
    assert!(seen.pinned.lock().unwrap().is_empty());
    seen.refuses_pins.store(true, Ordering::Relaxed);
    seen.from_pins.store(0, Ordering::Relaxed);
    let array = Halo::new(100, 2);
    {
        let running = Running::with(vec![device]);
        let bump = running.task("bump", BUMP, "bump");
        let (region, fields) = running.region(&[100, 100], 2);
        running.attach(region, &fields, array.first(), &array.strides(), array.apart());
        running.launch(bump, region, &fields);
        running.detach(region, &fields);
    }
    array.check(1.0);
    assert_eq!(seen.from_pins.load(Ordering::Relaxed), 0);
    assert_ne!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
}

#[test]
fn arrays_that_share_memory_are_never_copied_across_the_edge_of_a_registration() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    // Columns of one array in turns; the second ends beyond the first.
    let array: Vec<f64> = vec![0.0; 2 * 100 * 101];
    let regions = [running.region(&[100, 100], 1), running.region(&[100, 100], 1)];
    for (number, (region, fields)) in regions.iter().enumerate() {
        running.attach(*region, fields, array[100 * number..].as_ptr(), &[8, 1600], 0);
    }
    for _ in 0..2 {
        for (region, fields) in &regions {
            running.launch(bump, *region, fields);
        }
        running.wait();
    }
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    assert_ne!(seen.from_staging.load(Ordering::Relaxed), 0);
    let touched = array[..2 * 100 * 100].iter().all(|&value| value == 2.0) && array[2 * 100 * 100..].iter().all(|&value| value == 0.0);
    assert!(touched);
    regions.iter().for_each(|(region, fields)| running.detach(*region, fields));
}

#[test]
fn fields_on_both_sides_of_a_registration_are_not_copied_together() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    // Two small fields, and between them an array that is registered.
    let array: Vec<f64> = vec![0.0; 100 + 100 * 100 + 100];
    let (middle, fields_of_middle) = running.region(&[100, 100], 1);
    let (ends, fields_of_ends) = running.region(&[10, 10], 2);
    running.attach(middle, &fields_of_middle, array[100..].as_ptr(), &[8, 800], 0);
    for (field, at) in fields_of_ends.iter().zip([0, 100 + 100 * 100]) {
        running.attach(ends, &[*field], array[at..].as_ptr(), &[8, 80], 0);
    }
    running.launch(bump, middle, &fields_of_middle);
    running.wait();
    assert_eq!(seen.pinned.lock().unwrap().len(), 1);
    running.launch(bump, ends, &fields_of_ends);
    running.wait();
    let (first, rest) = array.split_at(100 + 100 * 100);
    assert!(first.iter().all(|&value| value == 1.0) && rest.iter().all(|&value| value == 2.0));
    running.detach(middle, &fields_of_middle);
    running.detach(ends, &fields_of_ends);
}

#[test]
fn boxes_of_many_commands_are_packed_and_copied_with_one() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    // Padded so that planes are no whole number of rows, and fields no whole number of planes.
    let (n, row, plane, field) = (16usize, 17usize, 17 * 16 + 5, 4096 + 700);
    let array: Vec<f64> = (0..9 * field).map(|at| at as f64).collect();
    let (region, fields) = running.region(&[n as i64; 3], 9);
    running.attach(region, &fields, array.as_ptr(), &[8, 8 * row as i64, 8 * plane as i64], 8 * field as i64);
    running.launch(bump, region, &fields);
    running.wait();
    assert_eq!(seen.commands.load(Ordering::Relaxed), 2, "one to the device, one back");
    running.detach(region, &fields);
    let mut expected: Vec<f64> = (0..9 * field).map(|at| at as f64).collect();
    for (f, k, j, i) in (0..9).flat_map(|f| (0..n).flat_map(move |k| (0..n).flat_map(move |j| (0..n).map(move |i| (f, k, j, i))))) {
        expected[f * field + k * plane + j * row + i] += 1.0 + f as f64;
    }
    assert_eq!(array, expected);
}

#[test]
fn a_lost_device_fails_what_needs_it_and_nothing_else() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let breaking = running.task("breaking", &BUMP.replace("bump", "breaking"), "breaking");
    let (inside, fields) = running.region(&[50, 50], 1);
    let (broken, _) = running.region(&[50, 50], 1);
    let (other, _) = running.region(&[50, 50], 1);
    let attached = running.region(&[100, 100], 1).0;
    let array = Halo::new(100, 1);
    running.attach(attached, &fields, array.first(), &array.strides(), 0);
    running.launch(bump, inside, &fields);
    running.launch(bump, attached, &fields);
    // Both are on the device, and only the array comes back.
    running.wait();
    array.check(1.0);
    running.launch(bump, attached, &fields);
    running.launch(breaking, broken, &fields);
    // Depends on it.
    running.launch(bump, broken, &fields);
    running.wait_fails(&["task \"breaking\" failed", "kernel breaking failed", GONE]);
    // The array is the program's again, which is told once that it holds old values.
    running.wait_fails(&["were on a device alone, and are lost", GONE]);
    array.check(1.0);

    // What may go there goes to the host, and what must fails.
    let before = ON_HOST.load(Ordering::Relaxed);
    running.launch_on(COHORT_PROC_ANY, bump, (other, &fields, COHORT_READ_WRITE));
    running.wait();
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 1);
    running.launch(bump, other, &fields);
    running.wait_fails(&["\"bump\"", "asks for a device, which is lost", GONE]);

    // Whoever reads what lay there alone is told, each time, until it is written anew.
    for _ in 0..2 {
        running.launch_on(COHORT_PROC_CPU, bump, (inside, &fields, COHORT_READ_ONLY));
        running.wait_fails(&["bump failed", "were on a device alone, and are lost", GONE]);
    }
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 1);
    for privilege in [COHORT_WRITE_DISCARD, COHORT_READ_ONLY] {
        running.launch_on(COHORT_PROC_CPU, bump, (inside, &fields, privilege));
        running.wait();
    }
    assert_eq!(ON_HOST.load(Ordering::Relaxed), before + 3);

    // Arrays are given back, and registered no more.
    running.detach(attached, &fields);
    assert!(seen.pinned.lock().unwrap().is_empty());
    running.wait();
}

#[test]
fn a_wait_for_the_tasks_that_tells_of_lost_data_does_not_count() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let (region, fields) = running.region(&[100, 100], 1);
    let array = Halo::new(100, 1);
    running.attach(region, &fields, array.first(), &array.strides(), 0);
    unsafe {
        let (mut bumped, mut turns, mut task): (cohort_future_t, cohort_handshake_t, cohort_task_t) = std::mem::zeroed();
        running.launch_for(&mut bumped, COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_READ_WRITE));
        ok(ft::cohort_future_get(bumped, null_mut(), 0));
        seen.lost.get_or_init(|| GONE.into());
        ok(hs::cohort_handshake_create(running.runtime, 1, 1, COHORT_SIDE_TASKS, &mut turns));
        ok(tk::cohort_task_register(running.runtime, c"hand off".as_ptr(), Some(hand_off), (&raw mut turns).cast(), COHORT_TASK_LEAF, &mut task));
        running.launch_on(COHORT_PROC_CPU, task, (running.region(&[1], 1).0, &[0], COHORT_READ_ONLY));
        // That the device is lost shows when the data is to come back.
        for words in ["a copy failed", "were on a device alone, and are lost"] {
            assert_ne!(hs::cohort_wait_on_tasks(turns), COHORT_OK);
            assert!(said().contains(words) && said().contains(GONE), "{}", said());
        }
        ok(hs::cohort_wait_on_tasks(turns));
        array.check(0.0);
        ok(hs::cohort_handoff_to_tasks(turns));
        ok(hs::cohort_handshake_destroy(&mut turns));
        ok(ft::cohort_future_destroy(&mut bumped));
    }
    running.wait();
}

#[test]
fn sums_into_what_lies_on_the_device_do_not_travel() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 3);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.task("bump", BUMP, "bump");
    // With nothing on the device contributions go to where the data is.
    running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE));
    running.wait();
    array.check(1.0);
    assert_eq!((seen.from_staging.load(Ordering::Relaxed), seen.commands.load(Ordering::Relaxed)), (1, 1));
    let commands = |work: &dyn Fn()| {
        seen.commands.store(0, Ordering::Relaxed);
        work();
        running.wait();
        seen.commands.load(Ordering::Relaxed)
    };
    // What the program may have changed goes there, and comes back.
    let write = || running.launch(bump, region, &fields);
    let without = commands(&write);
    let sums = || (0..5).for_each(|_| running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE)));
    let with = commands(&|| {
        write();
        sums();
        write();
    });
    array.check(9.0);
    assert_eq!(with, without, "commands for the data, and none for contributions");
    assert_eq!(seen.from_staging.load(Ordering::Relaxed), 1);
    running.detach(region, &fields);
}

#[test]
fn tasks_of_other_kinds_go_on_while_a_kernel_is_compiled() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let slow = running.task("slow", &BUMP.replace("bump", "slow"), "slow");
    let faulty = running.task("faulty", &BUMP.replace("bump", "slow").replace("e, f", "nothing"), "slow");
    let arrays = [Halo::new(50, 1), Halo::new(50, 1)];
    let [held, free] = [0, 1].map(|number| {
        let (region, fields) = running.region(&[50, 50], 1);
        running.attach(region, &fields, arrays[number].first(), &arrays[number].strides(), 0);
        (region, fields)
    });
    // Its kernel is there.
    running.launch(bump, free.0, &free.1);
    running.wait();
    let before = ON_HOST.load(Ordering::Relaxed);
    for _ in 0..2 {
        running.launch(slow, held.0, &held.1);
        // Comes after it.
        running.launch(bump, held.0, &held.1);
        running.launch(bump, free.0, &free.1);
    }
    running.launch_on(COHORT_PROC_CPU, bump, (free.0, &free.1, COHORT_READ_ONLY));
    let late = Instant::now() + Duration::from_secs(60);
    while ON_HOST.load(Ordering::Relaxed) == before {
        assert!(Instant::now() < late, "a task waits for the compilation of another's kernel");
        std::thread::yield_now();
    }
    seen.open();
    running.wait();
    arrays[0].check(4.0);
    arrays[1].check(3.0);
    // One that does not compile fails its tasks, each time.
    for _ in 0..2 {
        running.launch(faulty, free.0, &free.1);
        running.wait_fails(&["task \"faulty\" failed", "the compilation of slow"]);
    }
    running.detach(held.0, &held.1);
    running.detach(free.0, &free.1);
}

/// Of a region of 40 x 30 points, what a region of 40 x 2 points takes up, in two fields.
const FACE: usize = 40 * 2 * 2 * 8;
/// Leads from the last two rows of a region of 30 to those of a face.
const TO_FACE: [i64; 3] = [0, -28, 0];

#[test]
fn explicit_copies_move_the_points_they_name_and_nothing_else() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let [(left, fields), (right, _)] = [(); 2].map(|()| running.region(&[40, 30], 2));
    let (face, _) = running.region(&[40, 2], 2);
    running.launch(bump, left, &fields);
    running.launch(bump, right, &fields);
    running.launch(bump, right, &fields);
    running.wait();
    assert_eq!(seen.moved(), [2 * 40 * 30 * 2 * 8, 0, 0]);
    // From place to place, in both directions, with tasks on the device around.
    for _ in 0..3 {
        running.copy(left, right, TO_FACE);
        running.copy(right, left, [0, 28, 0]);
        running.launch(bump, left, &fields);
        running.launch(bump, right, &fields);
    }
    running.wait();
    assert_eq!(seen.moved(), [0, 0, 6 * FACE]);
    // To the host's memory, of a region that was never on a device; without a stop in the source's.
    running.copy(left, face, TO_FACE);
    running.wait();
    assert_eq!(seen.moved(), [0, FACE, 0]);
    let first = running.look(face, 0, [7, 1]);
    assert_eq!(seen.moved(), [0; 3], "the face is on the host");
    // Back from there, to a place that has the other points, and those too until now.
    running.copy(face, right, [0; 3]);
    running.launch(bump, right, &fields);
    running.wait();
    assert_eq!(seen.moved(), [FACE, 0, 0]);
    assert_eq!(running.look(right, 1, [7, 1]), first + 2.0);
    assert_eq!(seen.moved(), [0, 40 * 30 * 8, 0], "one field came home");
    // What the host has got meanwhile it copies itself.
    running.copy(face, left, [0, 28, 0]);
    running.look(left, 0, [7, 1]);
    running.look(left, 1, [7, 1]);
    seen.moved();
    running.copy(left, face, [0; 3]);
    running.wait();
    assert_eq!(seen.moved(), [0; 3]);
}

#[test]
fn ghost_regions_stay_on_the_device_until_they_are_written() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let (tile, fields) = running.region(&[40, 30], 2);
    let (mut ghost, _) = running.ghost(&[40, 2], 2);
    running.launch(bump, tile, &fields);
    running.wait();
    seen.moved();
    // The tile's own memory is too small to be registered.
    seen.from_elsewhere.store(0, Ordering::Relaxed);
    for _ in 0..3 {
        // From the device into memory that ranks share, and from there to the device once.
        running.copy(tile, ghost, TO_FACE);
        for _ in 0..5 {
            running.launch_on(COHORT_PROC_DEVICE, bump, (ghost, &fields, COHORT_READ_ONLY));
        }
        running.wait();
        assert_eq!(seen.moved(), [FACE, FACE, 0]);
    }
    // A field of two is written; a task of the host reads both.
    running.launch_on(COHORT_PROC_CPU, bump, (ghost, &fields[..1], COHORT_READ_WRITE));
    running.launch_on(COHORT_PROC_CPU, bump, (ghost, &fields, COHORT_READ_ONLY));
    for _ in 0..5 {
        running.launch_on(COHORT_PROC_DEVICE, bump, (ghost, &fields, COHORT_READ_ONLY));
    }
    running.wait();
    assert_eq!(seen.moved(), [FACE / 2, 0, 0]);
    running.copy(ghost, tile, [0, 28, 0]);
    running.wait();
    assert_eq!(seen.moved(), [0, 0, FACE], "copies start where it was read");
    // What a task on the device writes is in the shared memory when the task is complete, and on the device too.
    running.launch(bump, ghost, &fields);
    running.launch(bump, ghost, &fields);
    running.wait();
    assert_eq!(seen.moved(), [0, 2 * FACE, 0]);
    // However small, the memory is registered: whole pages of its own, and until the region goes.
    let pinned = seen.pinned.lock().unwrap().clone();
    assert!(pinned.iter().any(|span| span.len() == 4096 && span.start % 4096 == 0), "{pinned:x?}");
    assert_eq!(seen.from_elsewhere.load(Ordering::Relaxed), 0);
    ok(unsafe { rg::cohort_region_destroy(&mut ghost) });
    // The device's thread may be the last that knows of it.
    let late = Instant::now() + Duration::from_secs(60);
    while seen.pinned.lock().unwrap().len() == pinned.len() {
        assert!(Instant::now() < late, "the memory stays registered");
        std::thread::yield_now();
    }
}

#[test]
fn a_copy_that_a_device_refuses_fails_by_its_name() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let [(left, fields), (right, _)] = [(); 2].map(|()| running.region(&[40, 30], 2));
    running.launch(bump, left, &fields);
    running.launch(bump, right, &fields);
    running.wait();
    seen.refuses_copies.store(true, Ordering::Relaxed);
    running.copy(left, right, TO_FACE);
    running.launch(bump, right, &fields);
    assert_eq!(unsafe { ln::cohort_wait_all(running.context) }, COHORT_ERROR_TASK_FAILED);
    assert!(said().contains("\"copy\" failed") && said().contains("the copy was refused"), "{}", said());
    // What does not depend on it goes on.
    seen.refuses_copies.store(false, Ordering::Relaxed);
    running.launch(bump, left, &fields);
    running.wait();
    assert_eq!(running.look(left, 1, [1, 1]), 4.0);
}

#[test]
fn the_host_folds_what_the_device_cannot() {
    let (device, seen) = Watched::open();
    seen.refuses_kernels.store(true, Ordering::Relaxed);
    let running = Running::with(vec![device]);
    let array = Halo::new(100, 3);
    let (region, fields) = running.region(&[100, 100], 3);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.task("bump", BUMP, "bump");
    running.launch(bump, region, &fields);
    (0..5).for_each(|_| running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE)));
    running.launch(bump, region, &fields);
    running.wait();
    array.check(7.0);
    assert_ne!(seen.from_staging.load(Ordering::Relaxed), 0);
    running.detach(region, &fields);
}

#[test]
fn what_a_kernel_contributed_that_failed_is_not_folded_in() {
    let (device, _) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let breaking = running.task("breaking", &BUMP.replace("bump", "breaking"), "breaking");
    let array = Halo::new(100, 1);
    let (region, fields) = running.region(&[100, 100], 1);
    running.attach(region, &fields, array.first(), &array.strides(), 0);
    running.launch_on(COHORT_PROC_DEVICE, bump, (region, &fields, COHORT_REDUCE));
    running.launch_on(COHORT_PROC_DEVICE, breaking, (region, &fields, COHORT_REDUCE));
    running.wait_fails(&["task \"breaking\" failed", GONE]);
    running.detach(region, &fields);
    array.check(1.0);
}

#[test]
fn an_array_is_given_back_while_a_task_uses_another_field_of_its_place() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let array = Halo::new(50, 2);
    let (region, fields) = running.region(&[50, 50], 2);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    let bump = running.task("bump", BUMP, "bump");
    let held = running.task("held", &BUMP.replace("bump", "held"), "held");
    running.launch(bump, region, &fields);
    (0..2).for_each(|_| running.launch(bump, region, &fields[1..]));
    running.wait();
    running.launch(held, region, &fields[..1]);
    let late = Instant::now() + Duration::from_secs(60);
    while !seen.is_held.load(Ordering::Acquire) {
        assert!(Instant::now() < late, "the kernel is not launched");
        std::thread::yield_now();
    }
    running.detach(region, &fields[1..]);
    seen.open();
    running.detach(region, &fields[..1]);
    array.check(2.0);
}

#[test]
fn a_fault_of_one_task_is_not_that_of_the_next_in_its_place() {
    let (device, _) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let faulting = running.task("faulting", &BUMP.replace("bump", "faulting"), "faulting");
    let (region, fields) = running.region(&[50, 50], 1);
    running.launch(faulting, region, &fields);
    running.wait_fails(&["task \"faulting\" failed", FAULT]);
    running.launch(bump, region, &fields);
    running.wait();
    let first = running.look(region, 0, [7, 7]);
    running.launch(bump, region, &fields);
    assert_eq!(running.look(region, 0, [7, 7]), first + 1.0);
    running.wait();
}

#[test]
fn the_host_copies_when_the_device_is_lost() {
    let (device, _) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    let breaking = running.task("breaking", &BUMP.replace("bump", "breaking"), "breaking");
    let [(left, fields), (right, _), (gone, _)] = [(); 3].map(|()| running.region(&[40, 30], 2));
    for region in [left, right, gone] {
        running.launch(bump, region, &fields);
    }
    running.launch(breaking, gone, &fields);
    running.wait_fails(&["task \"breaking\" failed", GONE]);
    for (region, value) in [(left, 5.0f64), (right, 6.0)] {
        ok(unsafe { rg::cohort_fill(running.context, region, 2, fields.as_ptr(), (&raw const value).cast(), 8) });
    }
    running.copy(left, right, [0; 3]);
    running.wait();
    assert_eq!(running.look(right, 1, [1, 1]), 5.0);
    running.copy(gone, right, [0; 3]);
    running.wait_fails(&["copy failed", "were on a device alone, and are lost", GONE]);
}

#[test]
fn fields_that_lie_side_by_side_go_from_place_to_place_together() {
    let (device, seen) = Watched::open();
    let running = Running::with(vec![device]);
    let bump = running.task("bump", BUMP, "bump");
    // Fields lie whole rows apart, as drivers want it for one command.
    let (whole, fields) = running.region(&[32, 32], 5);
    let array = Halo::new(32, 5);
    running.attach(whole, &fields, array.first(), &array.strides(), array.apart());
    let mut halves = unsafe { std::mem::zeroed() };
    ok(unsafe { pt::cohort_partition_blocks(whole, [2, 1].as_ptr(), &mut halves) });
    for number in 0..2 {
        let mut half = unsafe { std::mem::zeroed() };
        ok(unsafe { pt::cohort_subregion(halves, number, &mut half) });
        running.launch(bump, half, &fields);
    }
    running.launch(bump, whole, &fields);
    running.wait();
    assert_eq!(seen.commands.load(Ordering::Relaxed), 5, "in and across for each half, and all of it back");
    assert_eq!(seen.within.load(Ordering::Relaxed), 32 * 32 * 5 * 8);
    running.detach(whole, &fields);
    array.check(2.0);
}

/// Names points of a line of 1000, each of them once.
const AIM: &str = "COHORT_KERNEL void aim(COHORT_GLOBAL long *x, cohort_extent e, long fields)
{
    COHORT_POINT(e, i, j, k)
    COHORT_AT(x, e, i, j, k) = 1 + 7 * i % 1000;
}";

/// The line, and what names its points; the elements of both count from 1.
fn line_and_names(running: &Running) -> (cohort_region_t, cohort_region_t) {
    const COUNT: &str = "COHORT_KERNEL void count(COHORT_GLOBAL double *x, cohort_extent e, long fields)
    {
        COHORT_POINT(e, i, j, k)
        COHORT_AT(x, e, i, j, k) = (double)i;
    }";
    let (count, aim) = (running.task("count", COUNT, "count"), running.task("aim", AIM, "aim"));
    let [(line, _), (names, fields)] = [1, 2].map(|fields| running.region(&[1000], fields));
    running.launch(count, line, &fields[..1]);
    running.launch(count, names, &fields[..1]);
    running.launch(aim, names, &fields[1..]);
    running.wait();
    (line, names)
}

/// A gather from the line, a scatter to it, a sum; what becomes of the elements of the point 3, which names 22, and of the latter.
fn gather_and_scatter(running: &Running, (line, names): (cohort_region_t, cohort_region_t), flags: u32) -> impl Fn() + use<'_> {
    running.copy_named((line, names, names), false, flags, false);
    running.copy_named((names, line, names), true, flags, true);
    running.copy_named((line, names, names), false, flags, true);
    running.wait();
    move || {
        assert_eq!(running.look(line, 0, [22, 0]), 44.0);
        assert_eq!(running.look(names, 0, [3, 0]), 66.0);
    }
}

#[test]
fn gathers_and_scatters_stay_on_the_device() {
    for (flags, to_host) in [(COHORT_COPY_SKIP_OUT_OF_RANGE, 0), (0, 4)] {
        let (device, seen) = Watched::open();
        let running = Running::with(vec![device]);
        let regions = line_and_names(&running);
        seen.moved();
        let check = gather_and_scatter(&running, regions, flags);
        assert_eq!(seen.moved(), [0, 3 * to_host, 0], "a flag for each copy that does not skip what is out of range");
        check();
    }
}

#[test]
fn the_host_gathers_and_scatters_what_the_device_cannot() {
    let (device, seen) = Watched::open();
    seen.refuses_kernels.store(true, Ordering::Relaxed);
    let running = Running::with(vec![device]);
    let regions = line_and_names(&running);
    seen.moved();
    let check = gather_and_scatter(&running, regions, 0);
    assert_eq!(seen.moved(), [0, 2 * 8000, 0], "the line and the names come home");
    check();
}
