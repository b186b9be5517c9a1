//! Phase barriers. A handle names a barrier and a phase of it: advancing gives the handle of the next phase. Handles are
//! plain bytes: sent to another rank they name the same barrier there.
//!
//! A rank that shares no memory with the one that made the barrier (another node, or COHORT_FORCE_MESSAGES=1) sends it
//! arrivals and alterations. What that rank then refuses (an arrival too many, a barrier that it destroyed) is a failure
//! that the sender's next wait tells of.

use super::convert::out;
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::runtime;

/// A barrier of this rank whose phases are complete after `arrivals` arrivals each, from any rank; the handle is of phase 0.
/// Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_phase_barrier_create(
    runtime: cohort_runtime_t,
    arrivals: u32,
    barrier: *mut cohort_phase_barrier_t,
) -> cohort_status_t {
    guard("cohort_phase_barrier_create", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(barrier)?);
        let id = runtime.barriers.create(arrivals)?;
        *out = cohort_phase_barrier_t { id, phase: 0 };
        Ok(())
    })
}

/// Ends the barrier on the rank that made it, forgets it on others, and clears the handle; a null one is accepted.
#[no_mangle]
pub unsafe extern "C" fn cohort_phase_barrier_destroy(barrier: *mut cohort_phase_barrier_t) -> cohort_status_t {
    destroy!("cohort_phase_barrier_destroy", barrier, |id| runtime::current()?.barriers.remove(id))
}

/// The handle of the next phase. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_phase_barrier_advance(
    barrier: cohort_phase_barrier_t,
    next: *mut cohort_phase_barrier_t,
) -> cohort_status_t {
    guard("cohort_phase_barrier_advance", || {
        runtime::current()?.barriers.get(barrier.id)?;
        *out(next)? = cohort_phase_barrier_t { phase: barrier.phase + 1, ..barrier };
        Ok(())
    })
}

/// `count` arrivals at the handle's phase. Never blocks. Any thread. Errors: WRONG_ORDER (more than the phase
/// expects, or it is complete), RESOURCES (64 or more phases ahead of the first that is not complete).
#[no_mangle]
pub extern "C" fn cohort_phase_barrier_arrive(barrier: cohort_phase_barrier_t, count: u32) -> cohort_status_t {
    guard("cohort_phase_barrier_arrive", || {
        let runtime = runtime::current()?;
        runtime.barriers.get(barrier.id)?.arrive(&runtime.engine, barrier.phase, count)
    })
}

/// Waits for the phase before the handle's. Errors: TASK_FAILED (a task failed meanwhile).
#[no_mangle]
pub extern "C" fn cohort_phase_barrier_wait(context: cohort_context_t, barrier: cohort_phase_barrier_t) -> cohort_status_t {
    guard("cohort_phase_barrier_wait", || {
        let (engine, _) = runtime::context(context.id)?;
        runtime::current()?.barriers.wait(engine, barrier.id, barrier.phase)
    })
}

/// Whether the wait would return at once. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_phase_barrier_test(barrier: cohort_phase_barrier_t, ready: *mut bool) -> cohort_status_t {
    guard("cohort_phase_barrier_test", || {
        let runtime = runtime::current()?;
        runtime.engine.check_failures()?;
        *out(ready)? = runtime.barriers.test(&runtime.engine, barrier.id, barrier.phase)?;
        Ok(())
    })
}

/// The handle's phase expects `delta` more arrivals. Any thread. Errors: WRONG_ORDER (fewer than 1, or than have come).
#[no_mangle]
pub extern "C" fn cohort_phase_barrier_alter_arrivals(barrier: cohort_phase_barrier_t, delta: i32) -> cohort_status_t {
    guard("cohort_phase_barrier_alter_arrivals", || {
        let runtime = runtime::current()?;
        runtime.barriers.get(barrier.id)?.alter(&runtime.engine, barrier.phase, delta)
    })
}
