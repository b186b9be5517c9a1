//! A runtime on given devices, arrays as programs have them, and the calls that the tests make.

use super::*;

pub fn said() -> String {
    unsafe { CStr::from_ptr(rt::cohort_last_error()) }.to_string_lossy().into_owned()
}

pub fn ok(status: i32) {
    assert_eq!(status, COHORT_OK, "{}", said());
}

/// A runtime that has these devices; one at a time in a process.
pub struct Running {
    pub runtime: cohort_runtime_t,
    pub context: cohort_context_t,
    pub _alone: MutexGuard<'static, ()>,
}

pub static ALONE: Mutex<()> = Mutex::new(());

pub const BUMP: &str = "COHORT_KERNEL void bump(COHORT_GLOBAL double *x, cohort_extent e, long fields)
{
    COHORT_POINT(e, i, j, k)
    for (long f = 0; f < fields; f++) COHORT_FIELD(x, e, f, i, j, k) += 1 + f;
}";

const NOTHING: &str = "COHORT_KERNEL void NAME(COHORT_GLOBAL double *x, cohort_extent e, long fields) {}";

/// Before anyone gives up.
const LIMIT: Duration = Duration::from_secs(60);

/// Comes back when it holds. `failure`: what it is that it does not.
pub fn until(failure: &str, holds: impl Fn() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < limit, "{failure}");
        std::thread::yield_now();
    }
}

/// Tasks that ran on the host.
pub static ON_HOST: AtomicUsize = AtomicUsize::new(0);

pub unsafe extern "C" fn on_host(_: cohort_context_t, _: *mut c_void) -> i32 {
    ON_HOST.fetch_add(1, Ordering::Relaxed);
    0
}

pub unsafe extern "C" fn hand_off(task: cohort_context_t, handshake: *mut c_void) -> i32 {
    hs::cohort_handoff_to_host(task, *handshake.cast())
}

impl Running {
    pub fn with(devices: Vec<Arc<dyn Device>>) -> Self {
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

    /// On a device that is watched.
    pub fn watched() -> (Self, Arc<Seen>) {
        let (device, seen) = Watched::open();
        (Self::with(vec![device]), seen)
    }

    /// On one that has so many bytes.
    pub fn watched_within(capacity: u64) -> (Self, Arc<Seen>) {
        let (device, seen) = Watched::of(&Wanted { capacity: Some(capacity), ..drivers::wanted("watched") });
        (Self::with(vec![device]), seen)
    }

    fn space(&self, extents: &[i64], fields: u32) -> (cohort_index_space_t, cohort_field_space_t, Vec<cohort_field_t>) {
        unsafe {
            let (mut space, mut names, mut first) = (std::mem::zeroed(), std::mem::zeroed(), 0);
            let (lo, hi) = (vec![1; extents.len()], extents.to_vec());
            ok(rg::cohort_index_space_create(self.runtime, extents.len() as i32, lo.as_ptr(), hi.as_ptr(), &mut space));
            ok(rg::cohort_field_space_create(self.runtime, &mut names));
            ok(rg::cohort_fields_allocate(names, 8, fields, &mut first));
            (space, names, (first..first + fields).collect())
        }
    }

    pub fn region(&self, extents: &[i64], fields: u32) -> (cohort_region_t, Vec<cohort_field_t>) {
        let (space, names, fields) = self.space(extents, fields);
        let mut region = cohort_region_t { id: 0 };
        ok(unsafe { rg::cohort_region_create(self.runtime, space, names, &mut region) });
        (region, fields)
    }

    /// A ghost region of this rank.
    pub fn ghost(&self, extents: &[i64], fields: u32) -> (cohort_region_t, Vec<cohort_field_t>) {
        let (space, names, fields) = self.space(extents, fields);
        let mut region = cohort_region_t { id: 0 };
        ok(unsafe { gh::cohort_ghost_create(self.runtime, space, names, &mut region) });
        (region, fields)
    }

    pub fn attach(&self, region: cohort_region_t, fields: &[cohort_field_t], at: *const f64, strides: &[i64], apart: i64) {
        let at = at.cast_mut().cast();
        ok(unsafe { rg::cohort_attach(self.context, region, fields.len() as u32, fields.as_ptr(), at, strides.as_ptr(), apart) });
    }

    pub fn detach(&self, region: cohort_region_t, fields: &[cohort_field_t]) {
        ok(unsafe { rg::cohort_detach(self.context, region, fields.len() as u32, fields.as_ptr()) });
    }

    /// Memory that the devices use in place.
    pub fn zero_copy(&self, region: cohort_region_t, fields: &[cohort_field_t]) {
        ok(unsafe { ly::cohort_region_zero_copy(region, fields.len() as u32, fields.as_ptr()) });
    }

    pub fn task(&self, name: &str, text: &str, entry: &str) -> cohort_task_t {
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

    /// Its kernel has its name.
    pub fn bumps(&self, name: &str) -> cohort_task_t {
        self.task(name, &BUMP.replace("bump", name), name)
    }

    /// The same of one that does nothing.
    pub fn nothing(&self, name: &str) -> cohort_task_t {
        self.task(name, &NOTHING.replace("NAME", name), name)
    }

    pub fn launch(&self, task: cohort_task_t, region: cohort_region_t, fields: &[cohort_field_t]) {
        self.launch_on(COHORT_PROC_DEVICE, task, (region, fields, COHORT_READ_WRITE));
    }

    /// Reductions are sums.
    pub fn launch_on(&self, processor: i32, task: cohort_task_t, need: (cohort_region_t, &[cohort_field_t], i32)) {
        self.launch_for(null_mut(), processor, task, need);
    }

    pub fn launch_for(&self, result: *mut cohort_future_t, processor: i32, task: cohort_task_t, (region, fields, privilege): (cohort_region_t, &[cohort_field_t], i32)) {
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

    pub fn fill(&self, region: cohort_region_t, fields: &[cohort_field_t], value: f64) {
        ok(unsafe { rg::cohort_fill(self.context, region, fields.len() as u32, fields.as_ptr(), (&raw const value).cast(), 8) });
    }

    /// Both fields of one region to both of the other, in turns.
    pub fn copy(&self, source: cohort_region_t, destination: cohort_region_t, shift: [i64; 3]) {
        unsafe {
            let mut copy: cohort_copy_t = std::mem::zeroed();
            (copy.size, copy.source, copy.destination, copy.shift) = (size_of::<cohort_copy_t>(), source, destination, shift);
            (copy.source_fields, copy.destination_fields, copy.field_count) = ([0, 1].as_ptr(), [1, 0].as_ptr(), 2);
            ok(gh::cohort_copy(self.context, &copy));
        }
    }

    /// Field 0 of one region to that of the other, from or to the points that field 1 of `names` names.
    pub fn copy_named(&self, (source, destination, names): (cohort_region_t, cohort_region_t, cohort_region_t), scatters: bool, flags: u32, sums: bool) {
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
    pub fn look(&self, region: cohort_region_t, field: u32, at: [i64; 2]) -> f64 {
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

    pub fn wait(&self) {
        ok(unsafe { ln::cohort_wait_all(self.context) });
    }

    /// The next wait tells of a failure, in these words.
    pub fn wait_fails(&self, words: &[&str]) {
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
pub struct Halo {
    pub n: usize,
    pub values: Vec<f64>,
}

impl Halo {
    pub fn new(n: usize, fields: usize) -> Self {
        Self { n, values: (0..(n + 2) * (n + 2) * fields).map(|at| at as f64).collect() }
    }

    pub fn first(&self) -> *const f64 {
        self.values[self.n + 3..].as_ptr()
    }

    pub fn strides(&self) -> [i64; 2] {
        [8, 8 * (self.n as i64 + 2)]
    }

    pub fn apart(&self) -> i64 {
        8 * (self.n as i64 + 2).pow(2)
    }

    /// Points inside were bumped so often, others not at all.
    pub fn check(&self, times: f64) {
        let wide = self.n + 2;
        for (at, value) in self.values.iter().enumerate() {
            let (i, j, field) = (at % wide, at / wide % wide, at / (wide * wide));
            let inside = (1..=self.n).contains(&i) && (1..=self.n).contains(&j);
            assert_eq!(*value, at as f64 + if inside { times * (1.0 + field as f64) } else { 0.0 }, "{i}, {j}, field {field}");
        }
    }
}
