//! When storage comes and goes: attach and detach wait for the operations on their fields and for no others, and a destroyed
//! region's memory is given back once its operations are complete.

use cohort::base::memory::counted;
use cohort::ffi::{abi, launches as ln, partitions as pt, regions as rg, runtime as rt, tasks as tk, types::*};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static GO_ON: AtomicBool = AtomicBool::new(false);

fn ok(status: i32) {
    let text = unsafe { std::ffi::CStr::from_ptr(rt::cohort_last_error()) };
    assert_eq!(status, COHORT_OK, "{}", text.to_string_lossy());
}

unsafe extern "C" fn nothing(_: cohort_context_t, _: *mut c_void) -> i32 {
    0
}

/// Runs until the program lets it end; fails if it does not.
unsafe extern "C" fn lasting(_: cohort_context_t, _: *mut c_void) -> i32 {
    let start = Instant::now();
    while !GO_ON.load(Ordering::Acquire) {
        if start.elapsed() > Duration::from_secs(20) {
            return 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    0
}

struct Program {
    runtime: cohort_runtime_t,
    root: cohort_context_t,
    space: cohort_index_space_t,
    fields: cohort_field_space_t,
    field: [u32; 2],
}

const POINTS: i64 = 1 << 17;

impl Program {
    unsafe fn start() -> Self {
        let mut config: cohort_config_t = std::mem::zeroed();
        (config.size, config.workers, config.host_helps, config.window) = (size_of::<cohort_config_t>(), 2, 0, 64);
        (config.bind, config.spin_microseconds, config.force_messages, config.on_error) = (-1, -1, -1, -1);
        config.task_stack_bytes = 1 << 20;
        let mut program: Self = std::mem::zeroed();
        ok(rt::cohort_init_version(abi::COHORT_ABI, &config, &mut program.runtime));
        ok(rt::cohort_root_context(program.runtime, &mut program.root));
        ok(rg::cohort_index_space_create(program.runtime, 1, &0, &(POINTS - 1), &mut program.space));
        ok(rg::cohort_field_space_create(program.runtime, &mut program.fields));
        ok(rg::cohort_fields_allocate(program.fields, 8, 2, &mut program.field[0]));
        program.field[1] = program.field[0] + 1;
        program
    }

    unsafe fn region(&self) -> cohort_region_t {
        let mut region = std::mem::zeroed();
        ok(rg::cohort_region_create(self.runtime, self.space, self.fields, &mut region));
        region
    }

    unsafe fn task(&self, name: &std::ffi::CStr, function: cohort_task_function_t) -> cohort_task_t {
        let mut task = std::mem::zeroed();
        ok(tk::cohort_task_register(self.runtime, name.as_ptr(), function, null_mut(), COHORT_TASK_LEAF, &mut task));
        task
    }

    unsafe fn launch(&self, task: cohort_task_t, region: cohort_region_t, field: u32) {
        let mut need: cohort_requirement_t = std::mem::zeroed();
        (need.region, need.fields, need.field_count, need.privilege) = (region, &raw const field, 1, COHORT_READ_WRITE);
        let mut launch: cohort_launch_t = std::mem::zeroed();
        (launch.size, launch.task, launch.requirements, launch.requirement_count) = (size_of::<cohort_launch_t>(), task, &need, 1);
        ok(ln::cohort_launch(self.root, &launch, null_mut()));
    }

    unsafe fn attach(&self, region: cohort_region_t, field: u32, array: &mut [f64]) {
        ok(rg::cohort_attach(self.root, region, 1, &field, array.as_mut_ptr().cast(), &8, 0));
    }
}

unsafe fn attach_and_detach_beside_a_task_on(program: &Program, held: cohort_region_t, other: cohort_region_t) {
    let (mut first, mut second) = (vec![1.0; POINTS as usize], vec![2.0; POINTS as usize]);
    let [one, two] = program.field;
    let (lasting, nothing) = (program.task(c"lasting", Some(lasting)), program.task(c"nothing", Some(nothing)));
    GO_ON.store(false, Ordering::Release);
    program.attach(held, one, &mut first);
    program.launch(lasting, held, one);
    program.launch(nothing, other, two);
    program.attach(other, two, &mut second);
    program.launch(nothing, other, two);
    ok(rg::cohort_detach(program.root, other, 1, &two));
    GO_ON.store(true, Ordering::Release);
    ok(rg::cohort_detach(program.root, held, 1, &one));
    ok(ln::cohort_wait_all(program.root));
}

/// Bytes in use beyond those before.
fn grown_since(before: isize) -> isize {
    counted::bytes() - before
}

#[test]
fn storage_comes_and_goes() {
    unsafe {
        let program = Program::start();
        let (region, other) = (program.region(), program.region());
        attach_and_detach_beside_a_task_on(&program, region, other);
        attach_and_detach_beside_a_task_on(&program, region, region);

        let nothing = program.task(c"user", Some(nothing));
        let lasting = program.task(c"lasting user", Some(lasting));
        let of_a_field = POINTS as isize * 8;
        for round in 0..20 {
            let before = counted::bytes();
            let (mut region, mut parts, mut part) = (program.region(), std::mem::zeroed(), std::mem::zeroed());
            ok(pt::cohort_partition_blocks(region, &4, &mut parts));
            ok(pt::cohort_subregion(parts, 3, &mut part));
            ok(rg::cohort_fill(program.root, region, 1, &program.field[0], (&0f64 as *const f64).cast(), 8));
            program.launch(nothing, part, program.field[0]);
            ok(ln::cohort_wait_all(program.root));
            assert!(grown_since(before) >= of_a_field);
            if round % 2 == 0 {
                ok(pt::cohort_partition_destroy(&mut parts));
                ok(rg::cohort_region_destroy(&mut region));
                assert!(grown_since(before) < of_a_field, "nothing uses it any more");
            } else {
                GO_ON.store(false, Ordering::Release);
                program.launch(lasting, part, program.field[0]);
                ok(pt::cohort_partition_destroy(&mut parts));
                ok(rg::cohort_region_destroy(&mut region));
                assert!(grown_since(before) >= of_a_field, "a task uses it");
                GO_ON.store(true, Ordering::Release);
                ok(ln::cohort_wait_all(program.root));
                assert!(grown_since(before) < of_a_field, "nothing uses it any more");
            }
        }
        let mut runtime = program.runtime;
        ok(rt::cohort_finalize(&mut runtime));
    }
}
