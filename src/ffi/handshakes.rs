//! Handshakes: the MPI code and the tasks take turns. The host's functions run on any thread of the program (each
//! thread is one participant), the tasks' on the thread of the context given.

use super::convert::out;
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::{thread_token, Result};
use crate::fail;
use crate::interop::{Handshake, Side};
use crate::runtime;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A handshake between `host_participants` threads and `task_participants` tasks; `first` (COHORT_SIDE_HOST or
/// COHORT_SIDE_TASKS) hands off first in every phase. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_handshake_create(
    runtime: cohort_runtime_t,
    host_participants: u32,
    task_participants: u32,
    first: cohort_side_t,
    handshake: *mut cohort_handshake_t,
) -> cohort_status_t {
    guard("cohort_handshake_create", || {
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(handshake)?);
        let first = match first {
            COHORT_SIDE_HOST => Side::Host,
            COHORT_SIDE_TASKS => Side::Tasks,
            _ => fail!(InvalidArgument, "first is {first}; use COHORT_SIDE_HOST or COHORT_SIDE_TASKS"),
        };
        out.id = objects.handshakes.insert(Arc::new(Handshake::new(host_participants, task_participants, first)?))?;
        Ok(())
    })
}

/// Clears the handle; a null one is accepted. Errors: WRONG_ORDER (somebody waits on it).
#[no_mangle]
pub unsafe extern "C" fn cohort_handshake_destroy(handshake: *mut cohort_handshake_t) -> cohort_status_t {
    destroy!("cohort_handshake_destroy", handshake, |id| {
        let handshakes = &runtime::current()?.objects.handshakes;
        if handshakes.get(id)?.in_use() {
            fail!(WrongOrder, "the handshake is in the middle of a phase; let both sides finish it first");
        }
        handshakes.remove(id)
    })
}

fn deadline(seconds: f64) -> Result<Instant> {
    if !(0.0..=1e9).contains(&seconds) {
        fail!(InvalidArgument, "the time limit is {seconds} seconds; use 0 to 1e9");
    }
    Ok(Instant::now() + Duration::from_secs_f64(seconds))
}

/// A task's thread is not the host: it would wait for itself.
fn host() -> Result<u64> {
    if crate::operation::inside_task() {
        fail!(WrongThread, "this is the host's side, called inside a task; use cohort_wait_on_host, cohort_handoff_to_host or their like");
    }
    Ok(thread_token())
}

fn wait(handshake: u64, side: Side, who: u64, limit: Option<f64>) -> Result<()> {
    let runtime = runtime::current()?;
    let handshake = runtime.objects.handshakes.get(handshake)?.clone();
    let until = limit.map(deadline).transpose()?;
    if handshake.wait(&runtime.engine, side, who, until)? {
        return Ok(());
    }
    fail!(Timeout, "the other side has not handed off within {} s; waiting again is allowed", limit.unwrap_or(0.0))
}

/// The tasks may go on: what the host wrote before is theirs. Never blocks. Errors: WRONG_ORDER (twice in a phase).
#[no_mangle]
pub unsafe extern "C" fn cohort_handoff_to_tasks(handshake: cohort_handshake_t) -> cohort_status_t {
    guard("cohort_handoff_to_tasks", || {
        let runtime = runtime::current()?;
        runtime.objects.handshakes.get(handshake.id)?.hand_off(&runtime.engine, Side::Host, host()?)
    })
}

/// Waits until the tasks hand off; meanwhile the MPI thread runs tasks. Errors: TASK_FAILED (a task failed meanwhile),
/// WRONG_ORDER (not this side's turn, or waited for already).
#[no_mangle]
pub unsafe extern "C" fn cohort_wait_on_tasks(handshake: cohort_handshake_t) -> cohort_status_t {
    guard("cohort_wait_on_tasks", || wait(handshake.id, Side::Host, host()?, None))
}

/// As `cohort_wait_on_tasks`, for at most `seconds`. Errors: TIMEOUT besides; waiting again is allowed then.
#[no_mangle]
pub unsafe extern "C" fn cohort_wait_on_tasks_for(handshake: cohort_handshake_t, seconds: f64) -> cohort_status_t {
    guard("cohort_wait_on_tasks_for", || wait(handshake.id, Side::Host, host()?, Some(seconds)))
}

/// Whether `cohort_wait_on_tasks` would return at once. Does not end the phase: the wait is still due.
#[no_mangle]
pub unsafe extern "C" fn cohort_test_on_tasks(handshake: cohort_handshake_t, ready: *mut bool) -> cohort_status_t {
    guard("cohort_test_on_tasks", || {
        let runtime = runtime::current()?;
        runtime.engine.poll();
        runtime.engine.check_failures()?;
        *out(ready)? = runtime.objects.handshakes.get(handshake.id)?.test(Side::Host, host()?)?;
        Ok(())
    })
}

/// The host may go on. Never blocks. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_handoff_to_host(task: cohort_context_t, handshake: cohort_handshake_t) -> cohort_status_t {
    guard("cohort_handoff_to_host", || {
        let (engine, frame) = runtime::context(task.id)?;
        frame.task()?;
        runtime::current()?.objects.handshakes.get(handshake.id)?.hand_off(engine, Side::Tasks, task.id)
    })
}

fn task_waits(task: cohort_context_t, handshake: cohort_handshake_t, limit: Option<f64>) -> Result<()> {
    runtime::context(task.id)?.1.task()?;
    wait(handshake.id, Side::Tasks, task.id, limit)
}

/// Waits until the host hands off; another task may run on the processor meanwhile. Inside a task that is not a leaf.
#[no_mangle]
pub unsafe extern "C" fn cohort_wait_on_host(task: cohort_context_t, handshake: cohort_handshake_t) -> cohort_status_t {
    guard("cohort_wait_on_host", || task_waits(task, handshake, None))
}

/// As `cohort_wait_on_host`, for at most `seconds`. Errors: TIMEOUT besides; waiting again is allowed then.
#[no_mangle]
pub unsafe extern "C" fn cohort_wait_on_host_for(task: cohort_context_t, handshake: cohort_handshake_t, seconds: f64) -> cohort_status_t {
    guard("cohort_wait_on_host_for", || task_waits(task, handshake, Some(seconds)))
}

/// Whether `cohort_wait_on_host` would return at once. Inside a task.
#[no_mangle]
pub unsafe extern "C" fn cohort_test_on_host(task: cohort_context_t, handshake: cohort_handshake_t, ready: *mut bool) -> cohort_status_t {
    guard("cohort_test_on_host", || {
        runtime::context(task.id)?.1.task()?;
        *out(ready)? = runtime::current()?.objects.handshakes.get(handshake.id)?.test(Side::Tasks, task.id)?;
        Ok(())
    })
}

/// After launches of this context that wait for and arrive at the handshake: later ones mean the next phase. Errors:
/// WRONG_ORDER (the phase lacks a wait or an arrival).
#[no_mangle]
pub unsafe extern "C" fn cohort_handshake_advance(context: cohort_context_t, handshake: cohort_handshake_t) -> cohort_status_t {
    guard("cohort_handshake_advance", || {
        runtime::context(context.id)?;
        runtime::current()?.objects.handshakes.get(handshake.id)?.advance(context.id)
    })
}
