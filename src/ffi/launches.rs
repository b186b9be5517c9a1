//! Launches, and the wait for all of them. A context is used by its own thread only: the root context by the MPI thread,
//! a task's by the thread that runs the body.

use super::convert::{access, check_size, given, out, reduction, slice};
use super::guard;
use super::predicates::given_predicate;
use super::tasks::processor;
use super::types::*;
use crate::base::{Error, Result};
use crate::fail;
use super::projections::{colours, Lists};
use crate::operation::{
    self, Draft, Engine, Frame, Future, IndexLaunch, Launch, Launched, Need, Processor, RegionObject, Regions,
};
use crate::runtime::{self, Runtime};

/// Takes what a launch says besides its requirements and handshakes. In place: a launch is too large to be moved about.
unsafe fn terms<'a>(runtime: &'static Runtime, c: &'a cohort_launch_t, launch: &mut Launch<'a>) -> Result<()> {
    check_size(c.size, size_of::<cohort_launch_t>(), "launch", "COHORT_LAUNCH_INIT")?;
    let kind = runtime.objects.tasks.get(c.task.id)?;
    launch.work = Launched::Task(kind, processor(c.processor)?);
    launch.args = slice(c.args.cast(), c.args_size, "args")?;
    if c.flags & !COHORT_LAUNCH_CONCURRENT != 0 {
        fail!(InvalidArgument, "flags is {:#x}; use 0 or COHORT_LAUNCH_CONCURRENT", c.flags);
    }
    let waits_or_arrives = c.future_count | c.wait_barrier_count | c.arrive_barrier_count != 0;
    if waits_or_arrives || c.predicate.id != 0 || c.false_result_size != 0 { inputs(runtime, c, launch) } else { Ok(()) }
}

/// Takes what a launch waits for, and the barriers that it arrives at.
unsafe fn inputs<'a>(runtime: &'static Runtime, c: &'a cohort_launch_t, launch: &mut Launch<'a>) -> Result<()> {
    for future in slice(c.futures, c.future_count as usize, "futures")? {
        launch.futures.push(runtime.objects.futures.get(future.id)?.clone());
    }
    launch.predicate = given_predicate(runtime, c.predicate)?;
    launch.otherwise = slice(c.false_result.cast(), c.false_result_size, "false_result")?;
    if launch.predicate.is_none() && !launch.otherwise.is_empty() {
        fail!(InvalidArgument, "a false result and no predicate; give both, or neither");
    }
    for barrier in slice(c.wait_barriers, c.wait_barrier_count as usize, "wait_barriers")? {
        let found = runtime.barriers.cell(&runtime.engine, barrier.id)?;
        // A wait is for the phase before the handle's.
        launch.waits.extend(barrier.phase.checked_sub(1).map(|before| (found, before)));
    }
    for barrier in slice(c.arrive_barriers, c.arrive_barrier_count as usize, "arrive_barriers")? {
        launch.arrivals.push((runtime.barriers.get(barrier.id)?.clone(), barrier.phase));
    }
    Ok(())
}

/// Takes the launch's turns at its handshakes. To be called when nothing else can fail: a turn is taken for good.
unsafe fn turns<'a>(runtime: &'static Runtime, context: u64, c: &'a cohort_launch_t, launch: &mut Launch<'a>) -> Result<()> {
    for handshake in slice(c.wait_handshakes, c.wait_handshake_count as usize, "wait_handshakes")? {
        launch.waits.push(runtime.objects.handshakes.get(handshake.id)?.deferred_wait(context)?);
    }
    for handshake in slice(c.arrive_handshakes, c.arrive_handshake_count as usize, "arrive_handshakes")? {
        let handshake = runtime.objects.handshakes.get(handshake.id)?;
        let (phase, in_order) = handshake.deferred_hand_off(context)?;
        launch.waits.extend(in_order);
        launch.arrivals.push((handshake.clone(), phase));
    }
    Ok(())
}

unsafe fn requirements(c: &cohort_launch_t) -> Result<&[cohort_requirement_t]> {
    slice(c.requirements, c.requirement_count as usize, "requirements")
}

unsafe fn fields(r: &cohort_requirement_t) -> Result<&[u32]> {
    slice(r.fields, r.field_count as usize, "fields")
}

fn in_requirement(i: usize) -> impl Fn(Error) -> Error {
    move |e| Error::new(e.status, format!("requirement {i}: {}", e.text))
}

/// What only index launches can ask for.
fn check_single(c: &cohort_launch_t) -> Result<()> {
    if c.flags & COHORT_LAUNCH_CONCURRENT != 0 {
        fail!(InvalidArgument, "flags has COHORT_LAUNCH_CONCURRENT, in a launch of one task; use cohort_index_launch");
    }
    if c.future_map_count != 0 {
        fail!(InvalidArgument, "a future map, in a launch of one task; give it a future that cohort_future_map_future gave");
    }
    Ok(())
}

/// The region of a requirement of one task.
fn region(runtime: &'static Runtime, r: &cohort_requirement_t) -> Result<&'static RegionObject> {
    if r.projection != COHORT_PROJECTION_IDENTITY {
        fail!(InvalidArgument, "a projection, in a launch of one task; give a region, or use cohort_index_launch");
    }
    if r.partition.id != 0 {
        fail!(InvalidArgument, "a partition, in a launch of one task; give a region, or use cohort_index_launch");
    }
    runtime.objects.regions.get(r.region.id)
}

/// The launch of one task that is not to be launched yet. Its requirements are checked.
pub(super) unsafe fn prepare_single<'a>(runtime: &'static Runtime, context: u64, c: &'a cohort_launch_t) -> Result<Launch<'a>> {
    let (engine, frame) = runtime::context(context)?;
    check_single(c)?;
    let mut launch = Launch::new(Launched::Nothing);
    terms(runtime, c, &mut launch)?;
    for (i, r) in requirements(c)?.iter().enumerate() {
        let need = || Need::new(region(runtime, r)?.clone(), fields(r)?, access(r)?);
        launch.needs.push(need().map_err(in_requirement(i))?);
    }
    operation::check(engine, frame, &launch)?;
    turns(runtime, context, c, &mut launch)?;
    Ok(launch)
}

unsafe fn launch_one(
    runtime: &'static Runtime,
    (engine, frame): (&Engine, &Frame),
    context: u64,
    c: &cohort_launch_t,
    result: Option<Future>,
) -> Result<()> {
    check_single(c)?;
    let mut launch = Launch::new(Launched::Nothing);
    terms(runtime, c, &mut launch)?;
    let mut draft = Draft::new(engine, frame)?;
    for (i, r) in requirements(c)?.iter().enumerate() {
        let mut need = || draft.need(region(runtime, r)?.by_ref(), fields(r)?, access(r)?);
        need().map_err(in_requirement(i))?;
    }
    draft.check(launch.args.len())?;
    turns(runtime, context, c, &mut launch)?;
    launch.result = result;
    draft.launch(&mut launch);
    Ok(())
}

/// Launches a task in a context: it runs once all earlier operations of the context that it depends on are complete.
/// Everything that `launch` points to is copied. `result`, unless NULL, gets a future that the caller destroys. Blocks
/// only while the context's window of outstanding operations is full. Errors: INVALID_ARGUMENT, INVALID_HANDLE,
/// PRIVILEGE (more than the launching task holds), INTERFERENCE (requirements that conflict), WRONG_ORDER (a handshake).
#[no_mangle]
pub unsafe extern "C" fn cohort_launch(
    context: cohort_context_t,
    launch: *const cohort_launch_t,
    result: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_launch", || {
        let runtime = runtime::current()?;
        let (engine, frame) = runtime::context(context.id)?;
        let c = given(launch, "launch")?;
        let Some(result) = result.as_mut() else { return launch_one(runtime, (engine, frame), context.id, c, None) };
        let future = engine.context_of(frame).future();
        let handle = runtime.objects.futures.insert(future.clone())?;
        match launch_one(runtime, (engine, frame), context.id, c, Some(future)) {
            Ok(()) => result.id = handle,
            Err(error) => {
                runtime.objects.futures.remove(handle)?;
                return Err(error);
            }
        }
        Ok(())
    })
}

/// Puts an index launch together and hands it, checked, to `launch`.
unsafe fn launch_points<R>(
    context: cohort_context_t,
    c: &cohort_launch_t,
    points: u32,
    launch: impl FnOnce(&mut IndexLaunch, &mut Launch) -> Result<R>,
) -> Result<R> {
    let runtime = runtime::current()?;
    let (engine, frame) = runtime::context(context.id)?;
    if points == 0 {
        fail!(InvalidArgument, "0 points; launch at least one");
    }
    // The program's projections may launch, so they are asked before this launch begins.
    let lists = Lists::of(runtime, requirements(c)?, points)?;
    let mut whole = Launch::new(Launched::Nothing);
    terms(runtime, c, &mut whole)?;
    let mut index = IndexLaunch::new(engine, frame, points);
    for map in slice(c.future_maps, c.future_map_count as usize, "future_maps")? {
        index.give(runtime.objects.future_maps.get(map.id)?.clone())?;
    }
    for (i, r) in requirements(c)?.iter().enumerate() {
        let mut need = || -> Result<()> {
            let colours = colours(r, lists.get(i))?;
            let regions = match r.partition.id {
                0 => Regions::Whole(runtime.objects.regions.get(r.region.id)?.by_ref()),
                partition => Regions::Parts(runtime.objects.partitions.get(partition)?, colours),
            };
            index.need(regions, fields(r)?, access(r)?)
        };
        need().map_err(in_requirement(i))?;
    }
    if c.flags & COHORT_LAUNCH_CONCURRENT != 0 {
        check_concurrent(runtime, &whole, points)?;
        index.concurrent = true;
    }
    index.check()?;
    turns(runtime, context.id, c, &mut whole)?;
    launch(&mut index, &mut whole)
}

fn check_concurrent(runtime: &Runtime, whole: &Launch, points: u32) -> Result<()> {
    if points > runtime.workers {
        fail!(
            Resources,
            "{points} points at once on a rank with {} processors; each needs its own, so raise COHORT_WORKERS or launch fewer",
            runtime.workers
        );
    }
    if matches!(&whole.work, Launched::Task(kind, processor) if kind.place(*processor) == Processor::Mpi) {
        fail!(InvalidArgument, "a concurrent launch on the MPI thread, which is one; each point has a thread of its own, so use COHORT_PROC_CPU");
    }
    Ok(())
}

/// Launches `points` tasks at once: point p (cohort_task_point) gets, of each requirement that names a partition, the
/// sub-region that the projection says. `result`, unless NULL, gets a future of the points' results reduced in order of the
/// points. Otherwise as `cohort_launch`; waits and arrivals belong to the launch as a whole. With a predicate that does not
/// hold the result is the false result. Errors: BOUNDS (a point without a sub-region), INTERFERENCE (points that conflict),
/// RESOURCES (more points at once than processors).
#[no_mangle]
pub unsafe extern "C" fn cohort_index_launch(
    context: cohort_context_t,
    launch: *const cohort_launch_t,
    points: u32,
    how: cohort_reduction_t,
    element: cohort_type_t,
    result: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_index_launch", || {
        let c = given(launch, "launch")?;
        let reduction = reduction(how, element)?;
        if result.is_null() == reduction.is_some() {
            fail!(InvalidArgument, "a reduction and a place for its result go together; give both or neither");
        }
        let (Some(operator), Some(result)) = (reduction, result.as_mut()) else {
            return launch_points(context, c, points, |index, whole| index.launch(whole));
        };
        let reduced = launch_points(context, c, points, |index, whole| index.launch_reduced(whole, operator))?;
        result.id = runtime::current()?.objects.futures.insert(reduced)?;
        Ok(())
    })
}

/// As `cohort_index_launch`; `map` gets a future for each point, which the caller destroys as a whole. With a predicate
/// that does not hold each point has the false result.
#[no_mangle]
pub unsafe extern "C" fn cohort_index_launch_map(
    context: cohort_context_t,
    launch: *const cohort_launch_t,
    points: u32,
    map: *mut cohort_future_map_t,
) -> cohort_status_t {
    guard("cohort_index_launch_map", || {
        let (c, out) = (given(launch, "launch")?, out(map)?);
        let results = launch_points(context, c, points, |index, whole| index.launch_map(whole))?;
        out.id = runtime::current()?.objects.future_maps.insert(results)?;
        Ok(())
    })
}

/// Waits for every operation launched so far in the context. Errors: TASK_FAILED with the text of the first failure
/// since the last wait.
#[no_mangle]
pub unsafe extern "C" fn cohort_wait_all(context: cohort_context_t) -> cohort_status_t {
    guard("cohort_wait_all", || {
        let (engine, frame) = runtime::context(context.id)?;
        engine.context_of(frame).wait_all(engine)
    })
}
