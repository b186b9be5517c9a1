//! Future maps: a value for each point of an index launch. Waits as for futures.

use super::convert::{copy_out, out, reduction};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::{launch, FutureMap, Launch, Launched};
use crate::runtime::{self, Runtime};
use std::ffi::c_void;

fn map_of(runtime: &Runtime, map: cohort_future_map_t) -> Result<FutureMap> {
    Ok(runtime.objects.future_maps.get(map.id)?.clone())
}

/// The number of points. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_count(map: cohort_future_map_t, points: *mut u32) -> cohort_status_t {
    guard("cohort_future_map_count", || {
        *out(points)? = map_of(runtime::current()?, map)?.cells().len() as u32;
        Ok(())
    })
}

/// Waits for the value of a point and copies it; `bytes` is its size. Errors: TASK_FAILED, BOUNDS (no such point),
/// INVALID_ARGUMENT (another size).
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_get(map: cohort_future_map_t, point: u32, value: *mut c_void, bytes: usize) -> cohort_status_t {
    guard("cohort_future_map_get", || {
        let runtime = runtime::current()?;
        let future = map_of(runtime, map)?.get(point)?;
        runtime.engine.wait(|| future.is_ready(), &future.seats, None)?;
        copy_out(future.value(&runtime.engine.failures)?, value, bytes, "the point's value", "cohort_task_result was given")
    })
}

/// A future of one point, which the caller destroys; it lives on without the map. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_future(map: cohort_future_map_t, point: u32, future: *mut cohort_future_t) -> cohort_status_t {
    guard("cohort_future_map_future", || {
        let runtime = runtime::current()?;
        out(future)?.id = runtime.objects.futures.insert(map_of(runtime, map)?.get(point)?)?;
        Ok(())
    })
}

/// Waits for the values of all points. Errors: TASK_FAILED (the first point that failed).
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_wait(map: cohort_future_map_t) -> cohort_status_t {
    guard("cohort_future_map_wait", || {
        let runtime = runtime::current()?;
        let map = map_of(runtime, map)?;
        for future in map.cells() {
            runtime.engine.wait(|| future.is_ready(), &future.seats, None)?;
        }
        map.cells().iter().try_for_each(|future| future.value(&runtime.engine.failures).map(drop))
    })
}

/// Launches the reduction of the values, in order of the points; `result` gets its future, which the caller destroys.
/// Errors: INVALID_ARGUMENT (no reduction, or one that the type does not have).
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_reduce(
    context: cohort_context_t,
    map: cohort_future_map_t,
    how: cohort_reduction_t,
    element: cohort_type_t,
    result: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_future_map_reduce", || {
        let runtime = runtime::current()?;
        let ((engine, frame), out) = (runtime::context(context.id)?, out(result)?);
        let Some(operator) = reduction(how, element)? else {
            fail!(InvalidArgument, "no reduction; give one, COHORT_SUM say");
        };
        let mut operation = Launch::new(Launched::Reduce(operator));
        let reduced = engine.context_of(frame).future();
        (operation.map, operation.result) = (Some(map_of(runtime, map)?), Some(reduced.clone()));
        launch(engine, frame, operation)?;
        out.id = runtime.objects.futures.insert(reduced)?;
        Ok(())
    })
}

/// Operations that use it, and futures that it gave, still get the values.
#[no_mangle]
pub unsafe extern "C" fn cohort_future_map_destroy(map: *mut cohort_future_map_t) -> cohort_status_t {
    destroy!("cohort_future_map_destroy", map, |id| runtime::current()?.objects.future_maps.remove(id))
}
