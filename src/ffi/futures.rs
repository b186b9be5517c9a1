//! Futures: values that operations will have, as the program and the tasks that get them see them.

use super::convert::{copy_out, out, slice};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::Future;
use crate::runtime;
use std::ffi::c_void;

/// Waits for the value and copies it; `bytes` is its size. Errors: TASK_FAILED, INVALID_ARGUMENT (another size).
#[no_mangle]
pub unsafe extern "C" fn cohort_future_get(future: cohort_future_t, value: *mut c_void, bytes: usize) -> cohort_status_t {
    guard("cohort_future_get", || {
        let runtime = runtime::current()?;
        let future = runtime.objects.futures.get(future.id)?.clone();
        runtime.engine.wait(|| future.is_ready(), &future.seats, None)?;
        let found = future.value(&runtime.engine.failures)?;
        copy_out(found, value, bytes, "the future's value", "cohort_task_result was given")
    })
}

/// Whether the value is there. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_test(future: cohort_future_t, ready: *mut bool) -> cohort_status_t {
    guard("cohort_future_test", || {
        let runtime = runtime::current()?;
        runtime.engine.poll();
        runtime.engine.check_failures()?;
        *out(ready)? = runtime.objects.futures.get(future.id)?.is_ready();
        Ok(())
    })
}

/// Operations that use it still get its value.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_destroy(future: *mut cohort_future_t) -> cohort_status_t {
    destroy!("cohort_future_destroy", future, |id| runtime::current()?.objects.futures.remove(id))
}

/// A future that has a value (copied) from the start. The caller destroys it.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_value(
    runtime: cohort_runtime_t,
    value: *const c_void,
    bytes: usize,
    future: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_future_value", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(future)?);
        let cell = Future::default();
        cell.prepare(slice(value.cast(), bytes, "value")?, 0);
        cell.ready.advance_to(&runtime.engine.graph, 1, &mut |_| ());
        out.id = runtime.objects.futures.insert(cell)?;
        Ok(())
    })
}

/// The value of a future that the running task was launched with.
unsafe fn future_of<'a>(task: cohort_context_t, index: u32) -> Result<&'a [u8]> {
    let (engine, frame) = runtime::context(task.id)?;
    let futures = &frame.task()?.futures;
    match futures.get(index as usize) {
        Some(future) => future.value(&engine.failures),
        None => fail!(InvalidArgument, "future {index} of a task launched with {}; they count from 0", futures.len()),
    }
}

/// Copies the value of future `index` of the launch, which has `bytes` bytes, to `value`. Inside a task. Errors:
/// INVALID_ARGUMENT (no such future, another size).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_future_get(task: cohort_context_t, index: u32, value: *mut c_void, bytes: usize) -> cohort_status_t {
    guard("cohort_task_future_get", || copy_out(future_of(task, index)?, value, bytes, "the future's value", "cohort_task_result was given"))
}

/// The value of future `index` of the launch; valid until the body returns. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_future(
    task: cohort_context_t,
    index: u32,
    value: *mut *const c_void,
    bytes: *mut usize,
) -> cohort_status_t {
    guard("cohort_task_future", || {
        let found = future_of(task, index)?;
        *out(value)? = found.as_ptr().cast();
        if let Some(bytes) = bytes.as_mut() {
            *bytes = found.len();
        }
        Ok(())
    })
}

/// Sets the value (copied) of the launch's future; the last call counts. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_result(task: cohort_context_t, value: *const c_void, bytes: usize) -> cohort_status_t {
    guard("cohort_task_result", || {
        let body = runtime::context(task.id)?.1.task()?;
        body.set_value(slice(value.cast(), bytes, "value")?);
        Ok(())
    })
}
