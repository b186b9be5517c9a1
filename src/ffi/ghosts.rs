//! Ghost regions, explicit copies, acquire and release.

use super::convert::{check_size, given, out, reduction, slice};
use super::guard;
use super::predicates::given_predicate;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::acquire::{acquire, release, Sync};
use crate::operation::copy::{copy, Terms};
use crate::operation::indirect::{copy_indirect, IndirectCopy, Names};
use crate::operation::{current_task, Engine, Frame};
use crate::runtime::{self, Runtime};

/// A region of this rank, zeroed, into which other ranks may copy; it has the fields that the field space has now. Its
/// memory is node-shared (COHORT_SHARED_BYTES). Tasks use it like any region; order them and the copies by phase barriers.
/// Any thread. Errors: OUT_OF_MEMORY, RESOURCES (sizes of fields that change more than ten times from field to field; 65,536 ghost regions
/// of this rank are there).
#[no_mangle]
pub unsafe extern "C" fn cohort_ghost_create(
    runtime: cohort_runtime_t,
    space: cohort_index_space_t,
    fields: cohort_field_space_t,
    region: *mut cohort_region_t,
) -> cohort_status_t {
    guard("cohort_ghost_create", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(region)?);
        let objects = &runtime.objects;
        let (space, fields) = (objects.index_spaces.get(space.id)?.clone(), objects.field_spaces.get(fields.id)?.clone());
        out.id = objects.regions.insert(runtime.ghosts.create(space, fields, current_task())?)?;
        Ok(())
    })
}

/// What other ranks import to name the ghost region: plain bytes, to be sent by MPI. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_ghost_export(region: cohort_region_t, ghost: *mut cohort_ghost_t) -> cohort_status_t {
    guard("cohort_ghost_export", || {
        let runtime = runtime::current()?;
        out(ghost)?.words = runtime.ghosts.export(runtime.objects.regions.get(region.id)?)?;
        Ok(())
    })
}

/// The ghost region of another rank as a region of this one: a destination of copies, nothing else. On the owner the
/// region itself, by another handle. The caller destroys it. Any thread. Errors: INVALID_ARGUMENT (not what an export gave),
/// INVALID_HANDLE (the ghost region was destroyed).
#[no_mangle]
pub unsafe extern "C" fn cohort_ghost_import(
    runtime: cohort_runtime_t,
    ghost: *const cohort_ghost_t,
    region: *mut cohort_region_t,
) -> cohort_status_t {
    guard("cohort_ghost_import", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(region)?);
        let imported = runtime.ghosts.import(&given(ghost, "ghost")?.words, current_task())?;
        out.id = runtime.objects.regions.insert(imported)?;
        Ok(())
    })
}

unsafe fn terms_of<'a>(
    runtime: &'a Runtime,
    (waits, wait_count): (*const cohort_phase_barrier_t, u32),
    (arrivals, arrival_count): (*const cohort_phase_barrier_t, u32),
    predicate: cohort_predicate_t,
) -> Result<Terms<'a>> {
    let mut terms = Terms { predicate: given_predicate(runtime, predicate)?, ..Terms::default() };
    for barrier in slice(waits, wait_count as usize, "wait_barriers")? {
        let cell = runtime.barriers.cell(&runtime.engine, barrier.id)?;
        // A wait is for the phase before the handle's.
        terms.waits.extend(barrier.phase.checked_sub(1).map(|before| (cell, before)));
    }
    for barrier in slice(arrivals, arrival_count as usize, "arrive_barriers")? {
        terms.arrivals.push((runtime.barriers.get(barrier.id)?.clone(), barrier.phase));
    }
    Ok(terms)
}

/// Launches a copy of every point of the source whose shifted point lies in the destination, field by field, in program
/// order with the other operations of the context. With `gather` or `scatter` a copy of the element of each point of their regions,
/// of both if both are given, from and to the points that they name: in Fortran order, so that of several elements that go to one
/// point the last stays. Errors: BOUNDS (no point lies in the destination), PRIVILEGE (the source belongs to another rank),
/// INVALID_ARGUMENT (dimensions or sizes of fields differ), INTERFERENCE (they overlap); and the copy fails, before it has copied
/// anything, where a value names a point elsewhere.
#[no_mangle]
pub unsafe extern "C" fn cohort_copy(context: cohort_context_t, what: *const cohort_copy_t) -> cohort_status_t {
    guard("cohort_copy", || {
        let (engine, frame) = runtime::context(context.id)?;
        let (runtime, c) = (runtime::current()?, given(what, "copy")?);
        check_size(c.size, size_of::<cohort_copy_t>(), "copy", "COHORT_COPY_INIT")?;
        if c.field_count == 0 {
            fail!(InvalidArgument, "field_count is 0; name at least one pair of fields");
        }
        let fields = |list, what| slice::<u32>(list, c.field_count as usize, what);
        let (from, to) = (fields(c.source_fields, "source_fields")?, fields(c.destination_fields, "destination_fields")?);
        let regions = &runtime.objects.regions;
        let (source, destination) = (regions.get(c.source.id)?, regions.get(c.destination.id)?);
        let (waits, arrivals) = ((c.wait_barriers, c.wait_barrier_count), (c.arrive_barriers, c.arrive_barrier_count));
        let terms = terms_of(runtime, waits, arrivals, c.predicate)?;
        let (source, destination) = ((source, from), (destination, to));
        let (gather, scatter) = (names(runtime, c.gather, c.gather_field)?, names(runtime, c.scatter, c.scatter_field)?);
        if gather.is_none() && scatter.is_none() {
            check_direct(c)?;
            return copy(engine, frame, source, destination, c.shift, terms);
        }
        if c.shift != [0; 3] {
            fail!(InvalidArgument, "shift is {:?}, in a copy whose points are named; give a shift or regions that name points", c.shift);
        }
        if c.flags & !COHORT_COPY_SKIP_OUT_OF_RANGE != 0 {
            fail!(InvalidArgument, "flags is {:#x}; use 0 or COHORT_COPY_SKIP_OUT_OF_RANGE", c.flags);
        }
        let (skips, operator) = (c.flags != 0, reduction(c.reduction, c.reduction_type)?);
        copy_indirect(engine, frame, &IndirectCopy { source, destination, gather, scatter, skips, operator }, terms)
    })
}

/// The field that names points, if there is one.
fn names(runtime: &'static Runtime, region: cohort_region_t, field: u32) -> Result<Names<'static>> {
    match region.id {
        0 => Ok(None),
        id => Ok(Some((runtime.objects.regions.get(id)?, field))),
    }
}

/// What only copies with indirection have.
fn check_direct(c: &cohort_copy_t) -> Result<()> {
    if c.flags != 0 || c.reduction != COHORT_REDUCTION_NONE {
        fail!(InvalidArgument, "flags or a reduction, in a copy without indirection; give gather or scatter, or leave them out");
    }
    Ok(())
}

type Launcher = fn(&Engine, &Frame, Sync) -> Result<()>;

unsafe fn synchronise(context: cohort_context_t, sync: *const cohort_sync_t, launch: Launcher) -> Result<()> {
    let (engine, frame) = runtime::context(context.id)?;
    let (runtime, c) = (runtime::current()?, given(sync, "sync")?);
    check_size(c.size, size_of::<cohort_sync_t>(), "sync", "COHORT_SYNC_INIT")?;
    let region = runtime.objects.regions.get(c.region.id)?;
    let fields = slice(c.fields, c.field_count as usize, "fields")?;
    let (waits, arrivals) = ((c.wait_barriers, c.wait_barrier_count), (c.arrive_barriers, c.arrive_barrier_count));
    launch(engine, frame, Sync { region, fields, terms: terms_of(runtime, waits, arrivals, c.predicate)? })
}

/// Launches the beginning of this context's use of fields that other ranks write: later operations on them wait for it, and
/// it for the barriers. Until the release, operations of this context are not restricted to the instance that others share.
/// Errors: WRONG_ORDER (acquired already), PRIVILEGE.
#[no_mangle]
pub unsafe extern "C" fn cohort_acquire(context: cohort_context_t, sync: *const cohort_sync_t) -> cohort_status_t {
    guard("cohort_acquire", || synchronise(context, sync, acquire))
}

/// Launches the end of that use: it waits for earlier operations on the fields, and arrives at the barriers. A context that ends
/// releases what it has acquired, but arrives nowhere for it. Errors: WRONG_ORDER (not acquired in this context), PRIVILEGE.
#[no_mangle]
pub unsafe extern "C" fn cohort_release(context: cohort_context_t, sync: *const cohort_sync_t) -> cohort_status_t {
    guard("cohort_release", || synchronise(context, sync, release))
}
