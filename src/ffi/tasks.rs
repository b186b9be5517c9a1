//! Tasks: registration, launches, waits, futures, and what a task sees of itself and its data. A context is used by
//! its own thread only: the root context by the MPI thread, a task's by the thread that runs the body.

use super::convert::{access, check_size, given, out, privilege, reduction, slice, text};
use super::guard;
use super::regions::destroy;
use super::types::*;
use crate::base::{Error, Result};
use crate::fail;
use crate::operation::{
    self, Draft, Engine, Frame, FutureCell, IndexLaunch, Launch, Launched, Need, Processor, RegionObject, Regions, TaskBody,
    TaskKind,
};
use crate::runtime::{self, Runtime};
use std::ffi::{c_char, c_void};
use std::sync::Arc;

struct UserPointer(*mut c_void);
// The caller promises that its tasks may use it on any thread.
unsafe impl Send for UserPointer {}
unsafe impl Sync for UserPointer {}

impl UserPointer {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

fn body(function: cohort_task_function_t, user: *mut c_void) -> Result<TaskBody> {
    let Some(function) = function else {
        fail!(InvalidArgument, "the task's function is null; pass the address of a function");
    };
    let user = UserPointer(user);
    Ok(Box::new(move |handle| unsafe { function(cohort_context_t { id: handle }, user.get()) }))
}

fn processor(number: i32) -> Result<Processor> {
    Ok(match number {
        COHORT_PROC_ANY => Processor::Any,
        COHORT_PROC_CPU => Processor::Cpu,
        COHORT_PROC_MPI => Processor::Mpi,
        _ => fail!(InvalidArgument, "processor is {number}; use COHORT_PROC_ANY, COHORT_PROC_CPU or COHORT_PROC_MPI"),
    })
}

/// Registers a kind of task. `name` (copied) appears in messages. `user` is handed to every execution and stays the
/// caller's. `flags`: 0 or COHORT_TASK_LEAF. Any thread.
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
        let (objects, out) = (&runtime::of(runtime.id)?.objects, out(task)?);
        let Some(name) = text(name, "name")? else { fail!(InvalidArgument, "name is null; give the task a name, messages need it") };
        if flags & !COHORT_TASK_LEAF != 0 {
            fail!(InvalidArgument, "flags is {flags:#x}; use 0 or COHORT_TASK_LEAF");
        }
        let kind = TaskKind::new(name, flags & COHORT_TASK_LEAF != 0, body(function, user)?);
        out.id = objects.tasks.insert(Arc::new(kind))?;
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

/// What a launch says besides its requirements, handshakes excepted.
unsafe fn terms<'a>(runtime: &'static Runtime, c: &'a cohort_launch_t) -> Result<Launch<'a>> {
    check_size(c.size, size_of::<cohort_launch_t>(), "launch", "COHORT_LAUNCH_INIT")?;
    let kind = runtime.objects.tasks.get(c.task.id)?;
    let mut launch = Launch::new(Launched::Task(kind, processor(c.processor)?));
    launch.args = slice(c.args.cast(), c.args_size, "args")?;
    for future in slice(c.futures, c.future_count as usize, "futures")? {
        launch.futures.push(runtime.objects.futures.get(future.id)?.clone());
    }
    for barrier in slice(c.wait_barriers, c.wait_barrier_count as usize, "wait_barriers")? {
        let found = runtime.barriers.cell(&runtime.engine, barrier.id)?;
        // A wait is for the phase before the handle's.
        launch.waits.extend(barrier.phase.checked_sub(1).map(|before| (found, before)));
    }
    for barrier in slice(c.arrive_barriers, c.arrive_barrier_count as usize, "arrive_barriers")? {
        launch.arrivals.push((runtime.barriers.get(barrier.id)?.clone(), barrier.phase));
    }
    Ok(launch)
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

/// The region of a requirement of one task.
fn region(runtime: &'static Runtime, r: &cohort_requirement_t) -> Result<&'static RegionObject> {
    if r.partition.id != 0 {
        fail!(InvalidArgument, "a partition, in a launch of one task; give a region, or use cohort_index_launch");
    }
    runtime.objects.regions.get(r.region.id)
}

/// The launch of one task that is not to be launched yet. Its requirements are checked.
pub(super) unsafe fn prepare_single<'a>(runtime: &'static Runtime, context: u64, c: &'a cohort_launch_t) -> Result<Launch<'a>> {
    let (engine, frame) = runtime::context(context)?;
    let mut launch = terms(runtime, c)?;
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
    result: Option<Arc<FutureCell>>,
) -> Result<()> {
    let mut launch = terms(runtime, c)?;
    let mut draft = Draft::new(engine, frame)?;
    for (i, r) in requirements(c)?.iter().enumerate() {
        let mut need = || draft.need(region(runtime, r)?.by_ref(), fields(r)?, access(r)?);
        need().map_err(in_requirement(i))?;
    }
    draft.check()?;
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
        let future = Arc::new(FutureCell::default());
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

/// Launches `points` tasks at once: point p (cohort_task_point) gets sub-region p of each requirement that names a
/// partition. `result`, unless NULL, gets a future of the points' results reduced in order of the points. Otherwise as
/// `cohort_launch`; waits and arrivals belong to the launch as a whole.
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
        let runtime = runtime::current()?;
        let (engine, frame) = runtime::context(context.id)?;
        let c = given(launch, "launch")?;
        if points == 0 {
            fail!(InvalidArgument, "0 points; launch at least one");
        }
        let reduction = reduction(how, element)?;
        if result.is_null() == reduction.is_some() {
            fail!(InvalidArgument, "a reduction and a place for its result go together; give both or neither");
        }
        let mut whole = terms(runtime, c)?;
        let mut index = IndexLaunch::new(engine, frame, points);
        for (i, r) in requirements(c)?.iter().enumerate() {
            let mut need = || -> Result<()> {
                let regions = match r.partition.id {
                    0 => Regions::Whole(runtime.objects.regions.get(r.region.id)?.by_ref()),
                    partition => Regions::Parts(runtime.objects.partitions.get(partition)?),
                };
                index.need(regions, fields(r)?, access(r)?)
            };
            need().map_err(in_requirement(i))?;
        }
        index.check()?;
        turns(runtime, context.id, c, &mut whole)?;
        let reduced = index.launch(&mut whole, reduction)?;
        if let (Some(result), Some(reduced)) = (result.as_mut(), reduced) {
            result.id = runtime.objects.futures.insert(reduced)?;
        }
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

/// Copies what the task was given into a variable of the same size.
unsafe fn copy_out(found: &[u8], value: *mut c_void, bytes: usize, what: &str, wanted: &str) -> Result<()> {
    if found.len() != bytes {
        fail!(InvalidArgument, "{what} has {} bytes and {bytes} are asked for; pass what {wanted}", found.len());
    }
    if bytes != 0 {
        let to = out(value.cast::<u8>())? as *mut u8;
        to.copy_from_nonoverlapping(found.as_ptr(), bytes);
    }
    Ok(())
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
        let cell = FutureCell::default();
        cell.prepare(slice(value.cast(), bytes, "value")?, 0);
        cell.ready.advance_to(&runtime.engine.graph, 1, &mut |_| ());
        out.id = runtime.objects.futures.insert(Arc::new(cell))?;
        Ok(())
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
        let found = operation::view(runtime::context(task.id)?.1, requirement, field, privilege(right)?)?;
        *out(view)? = view_of(&found);
        Ok(())
    })
}

pub(super) fn view_of(found: &operation::View) -> cohort_view_t {
    cohort_view_t { base: found.base.cast(), dim: found.dim as i32, lo: found.rect.lo, hi: found.rect.hi, stride: found.stride }
}
