//! A program of another language, through what bindgen made of the committed header (tests/headers.rs compares the two).

#[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
mod bindings {
    // Compiling this checks the size of every struct and the place of every field.
    include!("abi/bindings.rs");
}

use bindings::*;
use cohort as _; // the library that defines them
use std::ffi::{c_void, CStr};

fn check(status: cohort_status_t) {
    let text = unsafe { CStr::from_ptr(cohort_last_error()) };
    assert_eq!(status, COHORT_OK, "{}", text.to_string_lossy());
}

unsafe extern "C" fn double(task: cohort_context_t, user: *mut c_void) -> i32 {
    unsafe {
        let mut view: cohort_view_t = std::mem::zeroed();
        check(cohort_view(task, 0, *user.cast(), COHORT_READ_WRITE, &mut view));
        for i in 0..=view.hi[0] - view.lo[0] {
            *view.base.cast::<f64>().byte_offset((i * view.stride[0]) as isize) *= 2.0;
        }
    }
    0
}

#[test]
fn a_program_of_another_language_works_through_the_bindings() {
    const N: usize = 100;
    let mut data: [f64; N] = std::array::from_fn(|i| i as f64);
    unsafe {
        let mut rt: cohort_runtime_t = std::mem::zeroed();
        let (mut ctx, mut space, mut fields, mut region, mut task): (
            cohort_context_t,
            cohort_index_space_t,
            cohort_field_space_t,
            cohort_region_t,
            cohort_task_t,
        ) = std::mem::zeroed();
        let mut field = 0;
        check(cohort_init_version(COHORT_ABI as u32, std::ptr::null(), &mut rt));
        check(cohort_root_context(rt, &mut ctx));
        check(cohort_index_space_create(rt, 1, &0, &(N as i64 - 1), &mut space));
        check(cohort_field_space_create(rt, &mut fields));
        check(cohort_fields_allocate(fields, size_of::<f64>(), 1, &mut field));
        check(cohort_region_create(rt, space, fields, &mut region));
        check(cohort_attach(ctx, region, 1, &field, data.as_mut_ptr().cast(), &(size_of::<f64>() as i64), 0));
        let user = (&raw mut field).cast();
        check(cohort_task_register(rt, c"double".as_ptr(), Some(double), user, COHORT_TASK_LEAF as u32, &mut task));
        let mut requirement: cohort_requirement_t = std::mem::zeroed();
        requirement.region = region;
        requirement.fields = &field;
        requirement.field_count = 1;
        requirement.privilege = COHORT_READ_WRITE;
        requirement.coherence = COHORT_EXCLUSIVE;
        let mut launch: cohort_launch_t = std::mem::zeroed();
        launch.size = size_of::<cohort_launch_t>();
        launch.task = task;
        launch.requirements = &requirement;
        launch.requirement_count = 1;
        check(cohort_launch(ctx, &launch, std::ptr::null_mut()));
        check(cohort_launch(ctx, &launch, std::ptr::null_mut()));
        check(cohort_detach(ctx, region, 1, &field));
        check(cohort_finalize(&mut rt));
    }
    assert_eq!(data, std::array::from_fn(|i| 4.0 * i as f64));
}
