//! Halos: ghost exchange around a block, without index arithmetic.

use super::convert::{check_size, given, out, slice};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::interop::{Block, Halo};
use crate::runtime::{self, Runtime};

fn block(options: &cohort_halo_options_t) -> Result<Block> {
    check_size(options.size, size_of::<cohort_halo_options_t>(), "options", "COHORT_HALO_OPTIONS_INIT")?;
    Ok(Block {
        dim: options.dim,
        lo: options.lo,
        hi: options.hi,
        depth: options.depth,
        neighbours: options.neighbours,
        fields: options.field_count,
        field_bytes: options.field_bytes,
    })
}

fn create(runtime: &Runtime, block: Result<Block>) -> Result<Halo> {
    runtime.check_mpi_thread()?;
    Halo::create(&runtime.messages, &runtime.ghosts, &runtime.barriers, block)
}

/// The ghost regions around this rank's block: beyond each face with a neighbour `depth` points, for `field_count` fields
/// (slots, from 0) of `field_bytes` bytes. `options->neighbours` are ranks of the runtime's communicator. The root context
/// or one task may exchange them and use the ghost regions, without a requirement. Collective over all ranks, on the MPI
/// thread. Errors: INVALID_ARGUMENT (neighbours that are not mutual, other slots than the neighbour),
/// BOUNDS (blocks thinner than the depth, faces that do not match), WRONG_RANK, OUT_OF_MEMORY.
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_create(
    runtime: cohort_runtime_t,
    options: *const cohort_halo_options_t,
    halo: *mut cohort_halo_t,
) -> cohort_status_t {
    guard("cohort_halo_create", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(halo)?);
        let made = create(runtime, given(options, "options").and_then(block))?;
        out.id = runtime.objects.halos.insert(made)?;
        Ok(())
    })
}

/// As `cohort_halo_create`, with the neighbours of a Cartesian communicator of the same processes, given as its Fortran
/// handle; dimension d of the block is dimension d of the communicator.
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_create_fortran(
    runtime: cohort_runtime_t,
    communicator: i32,
    options: *const cohort_halo_options_t,
    halo: *mut cohort_halo_t,
) -> cohort_status_t {
    guard("cohort_halo_create_fortran", || {
        let (runtime, out) = (runtime::of(runtime.id)?, out(halo)?);
        // Before the communicator is looked at, which MPI does.
        runtime.check_mpi_thread()?;
        let given = given(options, "options").and_then(block).and_then(|mut block| {
            block.neighbours = runtime.transport.neighbours(communicator)?;
            Ok(block)
        });
        out.id = runtime.objects.halos.insert(create(runtime, given)?)?;
        Ok(())
    })
}

/// Launches the copies of this rank's faces of `source_fields[i]` into the neighbours' ghost regions, slot `slots[i]`, and
/// makes later uses of this rank's own ghost regions wait for the neighbours' data. Never blocks (but for the context's
/// window). Errors: BOUNDS (the source lacks points of the block), WRONG_ORDER (a slot that was not released).
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_exchange(
    context: cohort_context_t,
    halo: cohort_halo_t,
    source: cohort_region_t,
    field_count: u32,
    source_fields: *const cohort_field_t,
    slots: *const u32,
) -> cohort_status_t {
    guard("cohort_halo_exchange", || {
        let (engine, frame) = runtime::context(context.id)?;
        let runtime = runtime::current()?;
        let (halo, source) = (runtime.objects.halos.get(halo.id)?, runtime.objects.regions.get(source.id)?);
        let fields = slice(source_fields, field_count as usize, "source_fields")?;
        let slots = slice(slots, field_count as usize, "slots")?;
        halo.exchange(engine, &runtime.barriers, frame, source, fields, slots)
    })
}

/// Tells the neighbours, once the operations launched so far have used the slots, that they may be written again. Call it
/// after the launches that read the ghost regions and before the next exchange of the slots. Errors: WRONG_ORDER.
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_release(
    context: cohort_context_t,
    halo: cohort_halo_t,
    field_count: u32,
    slots: *const u32,
) -> cohort_status_t {
    guard("cohort_halo_release", || {
        let (engine, frame) = runtime::context(context.id)?;
        let halo = runtime::current()?.objects.halos.get(halo.id)?;
        halo.release(engine, frame, slice(slots, field_count as usize, "slots")?)
    })
}

/// The ghost region beyond a face (0 -x, 1 +x, 2 -y, 3 +y, 4 -z, 5 +z), in the numbering of the block; its fields are the
/// slots. The caller destroys the handle, which is null where there is no neighbour. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_region(halo: cohort_halo_t, face: u32, region: *mut cohort_region_t) -> cohort_status_t {
    guard("cohort_halo_region", || {
        let (objects, out) = (&runtime::current()?.objects, out(region)?);
        out.id = match objects.halos.get(halo.id)?.ghost(face)? {
            Some(ghost) => objects.regions.insert(ghost.clone())?,
            None => 0,
        };
        Ok(())
    })
}

/// Waits for the exchanges, and ends the halo. Collective, on the MPI thread. Clears the handle; a null one is accepted if
/// it is null on every rank.
#[no_mangle]
pub unsafe extern "C" fn cohort_halo_destroy(halo: *mut cohort_halo_t) -> cohort_status_t {
    guard("cohort_halo_destroy", || {
        let handle = out(halo)?;
        if handle.id == 0 {
            return Ok(());
        }
        let runtime = runtime::current()?;
        runtime.check_mpi_thread()?;
        let settled = runtime.objects.halos.get(handle.id)?.destroy(&runtime.messages, &runtime.engine, &runtime.barriers);
        runtime.objects.halos.remove(handle.id)?;
        handle.id = 0;
        settled
    })
}
