//! Predicates: whether launched operations do their work, decided when they are ready.

use super::convert::{out, slice};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::{combine, Future, Predicate};
use crate::runtime::{self, Runtime};

/// The predicate that a launch names, if it names one.
pub(super) fn given_predicate(runtime: &Runtime, predicate: cohort_predicate_t) -> Result<Option<Predicate>> {
    match predicate.id {
        0 => Ok(None),
        id => Ok(Some(runtime.objects.predicates.get(id)?.clone())),
    }
}

/// A predicate that is known. The caller destroys it, as all predicates. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_constant(
    runtime: cohort_runtime_t,
    value: bool,
    predicate: *mut cohort_predicate_t,
) -> cohort_status_t {
    guard("cohort_predicate_constant", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(predicate)?);
        let future = Future::default();
        future.prepare(&[value.into()], 0);
        future.ready.advance_to(&runtime.engine.graph, 1, &mut |_| ());
        out.id = runtime.objects.predicates.insert(Predicate { future, negated: false })?;
        Ok(())
    })
}

/// Holds if the future's value, a bool or an integer of 1, 4 or 8 bytes, is not 0. Who is given it fails if the future
/// carries a failure, or has another size. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_from_future(future: cohort_future_t, predicate: *mut cohort_predicate_t) -> cohort_status_t {
    guard("cohort_predicate_from_future", || {
        let (runtime, out) = (runtime::current()?, out(predicate)?);
        let future = runtime.objects.futures.get(future.id)?.clone();
        out.id = runtime.objects.predicates.insert(Predicate { future, negated: false })?;
        Ok(())
    })
}

/// The opposite. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_not(of: cohort_predicate_t, predicate: *mut cohort_predicate_t) -> cohort_status_t {
    guard("cohort_predicate_not", || {
        let (runtime, out) = (runtime::current()?, out(predicate)?);
        let opposite = runtime.objects.predicates.get(of.id)?.negation();
        out.id = runtime.objects.predicates.insert(opposite)?;
        Ok(())
    })
}

unsafe fn combination(
    context: cohort_context_t,
    count: u32,
    of: *const cohort_predicate_t,
    predicate: *mut cohort_predicate_t,
    all: bool,
) -> Result<()> {
    let ((engine, frame), out) = (runtime::context(context.id)?, out(predicate)?);
    let runtime = runtime::current()?;
    if count == 0 {
        fail!(InvalidArgument, "0 predicates; give at least one");
    }
    let found: Result<Vec<&Predicate>> = slice(of, count as usize, "predicates")?.iter().map(|p| runtime.objects.predicates.get(p.id)).collect();
    out.id = runtime.objects.predicates.insert(combine(engine, frame, &found?, all)?)?;
    Ok(())
}

/// Launches what finds out whether all of `count` predicates hold. Fails if one of them does.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_and(
    context: cohort_context_t,
    count: u32,
    predicates: *const cohort_predicate_t,
    predicate: *mut cohort_predicate_t,
) -> cohort_status_t {
    guard("cohort_predicate_and", || combination(context, count, predicates, predicate, true))
}

/// Launches what finds out whether any of `count` predicates holds. Fails if one of them does.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_or(
    context: cohort_context_t,
    count: u32,
    predicates: *const cohort_predicate_t,
    predicate: *mut cohort_predicate_t,
) -> cohort_status_t {
    guard("cohort_predicate_or", || combination(context, count, predicates, predicate, false))
}

/// Operations that were given it keep it.
#[no_mangle]
pub unsafe extern "C" fn cohort_predicate_destroy(predicate: *mut cohort_predicate_t) -> cohort_status_t {
    destroy!("cohort_predicate_destroy", predicate, |id| runtime::current()?.objects.predicates.remove(id))
}
