//! Index launches: one task for each point, and one operation that stands for all of them.

use super::launch::{check, submit, Launch, Launched, Need};
use super::{Engine, Frame, FutureCell};
use crate::base::{Error, Result, Status};
use crate::fail;
use crate::region::{ElementType, Reduction};
use smallvec::SmallVec;
use std::sync::Arc;

/// Launches a task for each entry of `needs`, which were checked. What the launch waits for, each point waits for; what it arrives at, it
/// arrives at when all points are complete. The future of the results, folded in order of the points.
pub fn index_launch(
    engine: &Engine,
    frame: &Frame,
    whole: Launch,
    needs: Vec<SmallVec<[Need; 4]>>,
    reduction: Option<(Reduction, ElementType)>,
) -> Result<Option<Arc<FutureCell>>> {
    let Launched::Task(kind, processor) = whole.work else {
        return Err(Error::new(Status::Internal, "an index launch of something that is not a task"));
    };
    let mut results = Vec::new();
    let mut points: SmallVec<[_; 16]> = SmallVec::new();
    for (point, needs) in needs.into_iter().enumerate() {
        let mut one = Launch::new(Launched::Task(kind.clone(), processor));
        one.args = whole.args;
        one.point = point as u32;
        one.needs = needs;
        one.futures = whole.futures.clone();
        one.waits = whole.waits.clone();
        if reduction.is_some() {
            let result = Arc::new(FutureCell::default());
            results.push(result.clone());
            one.result = Some(result);
        }
        points.push(submit(engine, frame, one)?);
    }
    if reduction.is_none() && whole.arrivals.is_empty() {
        return Ok(None);
    }
    let mut end = Launch::new(Launched::Nothing);
    end.after = points;
    end.arrivals = whole.arrivals;
    let reduced = reduction.map(|(how, element)| {
        let reduced = Arc::new(FutureCell::default());
        end.result = Some(reduced.clone());
        end.futures = results.iter().cloned().collect();
        end.work = Launched::Reduce(how, element);
        reduced
    });
    submit(engine, frame, end)?;
    Ok(reduced)
}

/// Checks all points before any is launched: a launch is refused as a whole. Points run in any order, so they must not
/// conflict with each other.
pub fn check_points(frame: &Frame, needs: &[SmallVec<[Need; 4]>]) -> Result<()> {
    for (p, of_p) in needs.iter().enumerate() {
        for (i, a) in of_p.iter().enumerate().filter(|(_, a)| a.access.writes()) {
            for (q, of_q) in needs.iter().enumerate().filter(|(q, _)| *q != p) {
                let clash = of_q.iter().position(|b| a.conflicts(b));
                if let Some(j) = clash {
                    fail!(
                        Interference,
                        "requirement {i} of point {p} writes what requirement {j} of point {q} uses; points of an index launch run in any order, so give them disjoint sub-regions"
                    );
                }
            }
        }
    }
    needs.iter().try_for_each(|needs| check(frame, needs))
}

/// Folds the results of the points.
pub(super) fn reduce(futures: &[Arc<FutureCell>], how: Reduction, element: ElementType, failures: &super::Failures) -> Result<Vec<u8>> {
    let mut total = how.identity(element)[..element.bytes()].to_vec();
    for (point, future) in futures.iter().enumerate() {
        let value = future.value(failures)?;
        if value.len() != element.bytes() {
            fail!(InvalidArgument, "point {point} gave a result of {} bytes where the reduction's type has {}; call cohort_task_result in every point", value.len(), element.bytes());
        }
        how.fold(element, &mut total, value);
    }
    Ok(total)
}
