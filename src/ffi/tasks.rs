//! Tasks: registration, and what a task sees of itself and its data. A task's context is used by the thread that runs
//! the body only.

use super::convert::{copy_out, out, privilege, text, UserPointer};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::{self, Processor, TaskBody, TaskKind};
use crate::runtime;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

fn body(function: cohort_task_function_t, user: *mut c_void) -> Result<TaskBody> {
    let Some(function) = function else {
        fail!(InvalidArgument, "the task's function is null; pass the address of a function");
    };
    let user = UserPointer::new(user);
    Ok(Box::new(move |handle| unsafe { function(cohort_context_t { id: handle }, user.get()) }))
}

pub(super) fn processor(number: i32) -> Result<Processor> {
    Ok(match number {
        COHORT_PROC_ANY => Processor::Any,
        COHORT_PROC_CPU => Processor::Cpu,
        COHORT_PROC_MPI => Processor::Mpi,
        COHORT_PROC_DEVICE => Processor::Device,
        _ => fail!(InvalidArgument, "processor is {number}; use COHORT_PROC_ANY, COHORT_PROC_CPU, COHORT_PROC_MPI or COHORT_PROC_DEVICE"),
    })
}

/// Registers a kind of task. `name` (copied) appears in messages. `user` is handed to every execution and stays the
/// caller's. `flags`: 0, or COHORT_TASK_LEAF, COHORT_TASK_MPI_THREAD or their sum. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_register(
    runtime: cohort_runtime_t,
    name: *const c_char,
    function: cohort_task_function_t,
    user: *mut c_void,
    flags: u32,
    task: *mut cohort_task_t,
) -> cohort_status_t {
    guard("cohort_task_register", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(task)?);
        let Some(name) = text(name, "name")? else { fail!(InvalidArgument, "name is null; give the task a name, messages need it") };
        if flags & !(COHORT_TASK_LEAF | COHORT_TASK_MPI_THREAD) != 0 {
            fail!(InvalidArgument, "flags is {flags:#x}; use 0, or COHORT_TASK_LEAF, COHORT_TASK_MPI_THREAD or their sum");
        }
        let mut kind = TaskKind::new(name, flags & COHORT_TASK_LEAF != 0, body(function, user)?);
        kind.mpi_thread = flags & COHORT_TASK_MPI_THREAD != 0;
        let kind = Arc::new(kind);
        out.id = runtime.objects.tasks.insert(kind.clone())?;
        kind.set_handle(out.id);
        runtime.engine.mappers.adopt(&kind.mappers);
        Ok(())
    })
}

/// Gives a task another body for one kind of processor. Any thread, before the task is launched.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_variant(
    task: cohort_task_t,
    kind: cohort_processor_t,
    function: cohort_task_function_t,
    user: *mut c_void,
) -> cohort_status_t {
    guard("cohort_task_variant", || {
        runtime::current()?.objects.tasks.get(task.id)?.add_variant(processor(kind)?, body(function, user)?)
    })
}

/// The arguments of the launch; valid until the body returns. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_args(task: cohort_context_t, args: *mut *const c_void, bytes: *mut usize) -> cohort_status_t {
    guard("cohort_task_args", || {
        let body = runtime::context(task.id)?.1.task()?;
        *out(args)? = body.args.as_ptr().cast();
        if let Some(bytes) = bytes.as_mut() {
            *bytes = body.args.len();
        }
        Ok(())
    })
}

/// Copies the arguments of the launch, which have `bytes` bytes, to `value`. Inside a task. Errors: INVALID_ARGUMENT (another
/// size).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_args_get(task: cohort_context_t, value: *mut c_void, bytes: usize) -> cohort_status_t {
    guard("cohort_task_args_get", || {
        let body = runtime::context(task.id)?.1.task()?;
        copy_out(&body.args, value, bytes, "the block of arguments", "the launch was given")
    })
}

/// Which point of its index launch or must epoch the task is; 0 otherwise. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_point(task: cohort_context_t, point: *mut u32) -> cohort_status_t {
    guard("cohort_task_point", || {
        *out(point)? = runtime::context(task.id)?.1.task()?.point;
        Ok(())
    })
}

/// The task fails with this text (copied) when its body returns, whatever the body returns. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_fail(task: cohort_context_t, why: *const c_char) -> cohort_status_t {
    guard("cohort_task_fail", || {
        let frame = runtime::context(task.id)?.1;
        frame.task()?;
        frame.complain(text(why, "text")?.unwrap_or("no text given"));
        Ok(())
    })
}

/// The region of a requirement: in an index launch the point's sub-region. The handle is the task's and ends with it.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_region(task: cohort_context_t, requirement: u32, region: *mut cohort_region_t) -> cohort_status_t {
    guard("cohort_task_region", || {
        let frame = runtime::context(task.id)?.1;
        let held = operation::requirement(frame, requirement)?;
        out(region)?.id = runtime::current()?.objects.regions.insert(held.region())?;
        Ok(())
    })
}

/// Where the data of one field of a requirement lies; valid until the body returns. With COHORT_REDUCE a private array
/// of identities, which is folded in when the body has returned. Inside a task. Errors: PRIVILEGE (a field or a right
/// that the launch did not declare), INVALID_ARGUMENT (no such requirement).
#[no_mangle]
pub unsafe extern "C" fn cohort_view(
    task: cohort_context_t,
    requirement: u32,
    field: cohort_field_t,
    right: cohort_privilege_t,
    view: *mut cohort_view_t,
) -> cohort_status_t {
    guard("cohort_view", || {
        let (engine, frame) = runtime::context(task.id)?;
        let found = operation::view(engine, frame, requirement, field, privilege(right)?)?;
        *out(view)? = view_of(&found);
        Ok(())
    })
}

pub(super) fn view_of(found: &operation::View) -> cohort_view_t {
    let (block, block_stride, block_offset, block_dim) = match found.blocks {
        None => (0, 0, 0, 0),
        Some((blocks, phase)) => (blocks.points, blocks.stride, phase, blocks.dim as i32),
    };
    cohort_view_t {
        base: found.base.cast(),
        dim: found.dim as i32,
        lo: found.rect.lo,
        hi: found.rect.hi,
        stride: found.stride,
        block,
        block_stride,
        block_offset,
        block_dim,
    }
}
