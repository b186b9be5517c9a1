//! Dynamic collectives: phase barriers whose arrivals bring values. A handle names a collective and a phase of it, and is
//! plain bytes: sent to another rank it names the same collective there.
//!
//! A rank that shares no memory with the one that made the collective (another node, or COHORT_FORCE_MESSAGES=1) sends it
//! arrivals. What that rank then refuses is a failure that the sender's next wait tells of.

use super::convert::{given, out, reduction};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::fail;
use crate::operation::{self, Launch, Launched};
use crate::runtime;
use std::ffi::c_void;

/// A collective of this rank whose phases are complete after `arrivals` arrivals each, from any rank; the handle is of phase
/// 0. A phase's result is the reduction of its values in an order that the values alone decide: the same, bit for bit,
/// whoever comes first. Ranks that arrive at it have registered the reduction by the same name, if it is not one of the library's.
/// Any thread. Errors: INVALID_ARGUMENT (arrivals, reduction, type), OUT_OF_MEMORY.
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_create(
    runtime: cohort_runtime_t,
    arrivals: u32,
    how: cohort_reduction_t,
    element: cohort_type_t,
    collective: *mut cohort_collective_t,
) -> cohort_status_t {
    guard("cohort_collective_create", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(collective)?);
        let Some(operator) = reduction(how, element)? else {
            fail!(InvalidArgument, "the reduction is COHORT_REDUCTION_NONE; use COHORT_SUM, PRODUCT, MIN or MAX");
        };
        *out = cohort_collective_t { id: runtime.collectives.create(arrivals, operator)?, phase: 0 };
        Ok(())
    })
}

/// Ends the collective on the rank that made it, forgets it on others, and clears the handle; a null one is accepted.
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_destroy(collective: *mut cohort_collective_t) -> cohort_status_t {
    destroy!("cohort_collective_destroy", collective, |id| runtime::current()?.collectives.remove(id))
}

/// The handle of the next phase. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_advance(
    collective: cohort_collective_t,
    next: *mut cohort_collective_t,
) -> cohort_status_t {
    guard("cohort_collective_advance", || {
        runtime::current()?.collectives.get(collective.id)?;
        *out(next)? = cohort_collective_t { phase: collective.phase + 1, ..collective };
        Ok(())
    })
}

/// One arrival at the handle's phase with a value (copied) of the collective's type. Never blocks. Any thread. Errors:
/// WRONG_ORDER (more arrivals than the phase expects, or it is complete; a reduction that this rank has not registered), RESOURCES (64 or more phases ahead of the first
/// that is not complete).
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_arrive(collective: cohort_collective_t, value: *const c_void) -> cohort_status_t {
    guard("cohort_collective_arrive", || {
        let runtime = runtime::current()?;
        let known = runtime.collectives.get(collective.id)?;
        let value = std::slice::from_raw_parts(given(value.cast::<u8>(), "value")?, known.value_bytes());
        known.arrive(&runtime.engine, collective.phase, value)
    })
}

/// One arrival at the handle's phase with the value of a future, once it is there. Never blocks. If what makes the future
/// fails, so does the collective's phase, on every rank. Errors: INVALID_ARGUMENT (a value of another size than the
/// collective's type); if it is found later, or the arrival is one too many, the next wait tells.
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_arrive_future(
    context: cohort_context_t,
    collective: cohort_collective_t,
    future: cohort_future_t,
) -> cohort_status_t {
    guard("cohort_collective_arrive_future", || {
        let runtime = runtime::current()?;
        let (engine, frame) = runtime::context(context.id)?;
        let future = runtime.objects.futures.get(future.id)?.clone();
        let mut launch = Launch::new(Launched::Nothing);
        launch.arrivals.push((runtime.collectives.arrival(collective.id, future.clone())?, collective.phase));
        launch.futures.push(future);
        operation::launch(engine, frame, launch).map(drop)
    })
}

/// A future of the result of the phase before the handle's; the caller destroys it. Arrive, advance, then ask. Errors:
/// WRONG_ORDER (the handle is of phase 0; or 64 further phases are complete, and the result is no longer kept).
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_future(
    context: cohort_context_t,
    collective: cohort_collective_t,
    future: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_collective_future", || {
        let runtime = runtime::current()?;
        let (engine, _) = runtime::context(context.id)?;
        let out = out(future)?;
        out.id = runtime.objects.futures.insert(runtime.collectives.future(engine, collective.id, collective.phase)?)?;
        Ok(())
    })
}
