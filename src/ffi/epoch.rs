//! Must epochs: tasks on every rank that all run at the same time.

use super::convert::slice;
use super::guard;
use super::launches::prepare_single;
use super::types::*;
use crate::base::{Error, Result};
use crate::runtime;

/// Launches `members` tasks on every rank, all of which run at the same time, each on a thread of its own, so that they
/// may wait for each other. Collective: every rank passes the same number of members and the same tasks by name. Member
/// k of rank r is point r*members + k; `points` (NULL, or `members` entries) says so again and is checked. Root context,
/// MPI thread. Errors: WRONG_RANK (a point of another rank), INTERFERENCE (members whose requirements conflict),
/// RESOURCES (more members than processors), WRONG_ORDER (inside a task), INVALID_ARGUMENT (ranks disagree).
#[no_mangle]
pub unsafe extern "C" fn cohort_must_epoch(
    context: cohort_context_t,
    members: u32,
    launches: *const cohort_launch_t,
    points: *const u32,
) -> cohort_status_t {
    guard("cohort_must_epoch", || {
        let runtime = runtime::current()?;
        let given = slice(launches, members as usize, "launches")?;
        let prepared = || -> Result<Vec<_>> {
            let one = |(k, c)| {
                prepare_single(runtime, context.id, c).map_err(|e: Error| Error::new(e.status, format!("member {k}: {}", e.text)))
            };
            given.iter().enumerate().map(one).collect()
        };
        let points = if points.is_null() { None } else { Some(slice(points, members as usize, "points")?) };
        runtime::must_epoch(runtime, context.id, members, prepared(), points)
    })
}

/// Waits for the members that this rank launched last; `cohort_wait_all` waits for them too. MPI thread. Errors:
/// TASK_FAILED.
#[no_mangle]
pub extern "C" fn cohort_must_epoch_wait(context: cohort_context_t) -> cohort_status_t {
    guard("cohort_must_epoch_wait", || {
        runtime::context(context.id)?;
        runtime::current()?.wait_for_members()
    })
}
