//! Layouts: asked for a region's own storage, and by tasks for their requirements; and what that copied.

use super::convert::{given, layout, out, slice};
use super::guard;
use super::tasks::processor;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::converted::{self, Copied};
use crate::operation::devices::Devices;
use crate::operation::{self, RegionObject};
use crate::runtime;
use std::ffi::c_char;
use std::fmt::{self, Write};

/// The region's own storage for `fields`, in this order, is laid out like this when one of them is first used. A root region. Any
/// thread. Errors: INVALID_ARGUMENT (a sub-region, a layout that cannot be), WRONG_ORDER (a field was used, is attached or was given a
/// layout before), UNSUPPORTED (a ghost region).
#[no_mangle]
pub unsafe extern "C" fn cohort_region_layout(
    region: cohort_region_t,
    field_count: u32,
    fields: *const cohort_field_t,
    asked: *const cohort_layout_t,
) -> cohort_status_t {
    guard("cohort_region_layout", || {
        let region = of_root(region)?;
        let (fields, layout) = (slice(fields, field_count as usize, "fields")?, layout(given(asked, "layout")?)?);
        check_named(fields)?;
        region.data.instances.set_layout(fields, layout)
    })
}

/// The region's own storage for `fields`, once one of them is first used, lies in memory of the host that devices use in place, together,
/// in the layout that they were given or else each an array: tasks on such a device then have no copy of them, unless a mapper says so. A root region. Any
/// thread. Loads the drivers of devices. Errors: INVALID_ARGUMENT (a sub-region), WRONG_ORDER (a field was used, is attached, was given a memory before, or
/// a layout with others), UNSUPPORTED (no device of this rank uses the host's memory in place; a ghost region).
#[no_mangle]
pub unsafe extern "C" fn cohort_region_zero_copy(region: cohort_region_t, field_count: u32, fields: *const cohort_field_t) -> cohort_status_t {
    guard("cohort_region_zero_copy", || {
        let runtime = runtime::current()?;
        let (region, fields) = (of_root(region)?, slice(fields, field_count as usize, "fields")?);
        check_named(fields)?;
        let Some(lender) = runtime.devices()?.and_then(Devices::lender) else {
            fail!(Unsupported, "no device of rank {} uses the host's memory in place; cohort_machine_memories lists a memory of kind COHORT_MEMORY_ZERO_COPY where one does", runtime.rank);
        };
        region.data.instances.set_lender(fields, lender)
    })
}

/// A root region, whose storage is the library's to lay out.
fn of_root(region: cohort_region_t) -> Result<&'static RegionObject> {
    let region: &RegionObject = runtime::current()?.objects.regions.get(region.id)?;
    if region.node.parent.is_some() {
        fail!(InvalidArgument, "region {} is a sub-region; lay out the root region", region.node.bounds_text());
    }
    Ok(region)
}

fn check_named(fields: &[u32]) -> Result<()> {
    if fields.is_empty() {
        fail!(InvalidArgument, "0 fields given; name at least one");
    }
    Ok(())
}

/// When the task runs on this kind of processor (COHORT_PROC_ANY: on any), requirement `requirement` of its launch, from 0, lies like
/// this, its fields in ascending order of their numbers. Where the data lies otherwise the task works on a copy of the requirement's
/// points and fields: made before the task if it reads, written back after it if it writes and does not fail. A task that others work
/// beside (COHORT_SIMULTANEOUS) fails instead. Tasks that it launches may not use what it has a copy of. Any thread, before the task is
/// launched. Errors: INVALID_ARGUMENT (a layout that cannot be), WRONG_ORDER (there is one already).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_layout(
    task: cohort_task_t,
    kind: cohort_processor_t,
    requirement: u32,
    asked: *const cohort_layout_t,
) -> cohort_status_t {
    guard("cohort_task_layout", || {
        let task = runtime::current()?.objects.tasks.get(task.id)?;
        task.asked.add(processor(kind)?, requirement, layout(given(asked, "layout")?)?)
    })
}

/// What was copied for a requirement of the running task, and why. Inside a task. Errors: INVALID_ARGUMENT (no such requirement).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_copied(task: cohort_context_t, requirement: u32, copied: *mut cohort_copied_t) -> cohort_status_t {
    guard("cohort_task_copied", || {
        let held = operation::requirement(runtime::context(task.id)?.1, requirement)?;
        *out(copied)? = converted::copied(held, |found| copied_t(&found));
        Ok(())
    })
}

/// What was copied for all executions of a task so far. COHORT_VERBOSE prints it when the runtime ends. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_task_copied_total(task: cohort_task_t, copied: *mut cohort_copied_t) -> cohort_status_t {
    guard("cohort_task_copied_total", || {
        *out(copied)? = copied_t(&runtime::current()?.objects.tasks.get(task.id)?.asked.totals());
        Ok(())
    })
}

/// As much of a text as fits, and a zero.
struct Fixed {
    text: [c_char; COHORT_COPIED_TEXT],
    used: usize,
}

impl Write for Fixed {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for byte in part.bytes().take(COHORT_COPIED_TEXT - 1 - self.used) {
            self.text[self.used] = byte as c_char;
            self.used += 1;
        }
        Ok(())
    }
}

fn copied_t(found: &Copied) -> cohort_copied_t {
    let mut why = Fixed { text: [0; COHORT_COPIED_TEXT], used: 0 };
    if let Some(text) = found.why {
        // Never fails: what does not fit is left out.
        let _ = write!(why, "{text}");
    }
    cohort_copied_t { copies: found.copies, bytes_in: found.bytes_in, bytes_out: found.bytes_out, why: why.text }
}
