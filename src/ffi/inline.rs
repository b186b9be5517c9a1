//! Inline mappings: the program or a task reads and writes region data by itself. A mapping is used in the context that
//! made it, on that context's thread.

use super::convert::{access, check_view_shape, given, out, privilege, slice};
use super::guard;
use super::tasks::view_of;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::inline::{self, Mapping};
use crate::operation::{Engine, Frame, Need};
use crate::runtime;
use std::sync::Arc;

/// Waits for the operations of the context that conflict with the requirement, then hands its data to the caller until
/// `cohort_inline_unmap`; meanwhile operations of this context that conflict are refused (INTERFERENCE). In the root context or
/// inside a task, which may map what it may pass on. Errors: INVALID_ARGUMENT (a partition, NO_ACCESS, REDUCE), PRIVILEGE,
/// INTERFERENCE (with another mapping of this context), TASK_FAILED (what it waited for).
#[no_mangle]
pub unsafe extern "C" fn cohort_inline_map(
    context: cohort_context_t,
    requirement: *const cohort_requirement_t,
    mapping: *mut cohort_mapping_t,
) -> cohort_status_t {
    guard("cohort_inline_map", || {
        let (engine, frame) = runtime::context(context.id)?;
        let (runtime, out, asked) = (runtime::current()?, out(mapping)?, given(requirement, "requirement")?);
        if asked.partition.id != 0 {
            fail!(InvalidArgument, "a partition, in an inline mapping; give a region, such as one of cohort_subregion");
        }
        let region = runtime.objects.regions.get(asked.region.id)?.clone();
        let fields = slice(asked.fields, asked.field_count as usize, "fields")?;
        let mapped = inline::map(engine, frame, Need::new(region, fields, access(asked)?)?)?;
        out.id = runtime.objects.mappings.insert(mapped)?;
        Ok(())
    })
}

/// The mapping and the context it was made in, which has not ended and is this thread's.
fn open(mapping: cohort_mapping_t) -> Result<(&'static Engine, &'static Frame, &'static Arc<Mapping>)> {
    let found = runtime::current()?.objects.mappings.get(mapping.id)?;
    let (engine, frame) = runtime::context(found.context)?;
    Ok((engine, frame, found))
}

/// Where the data of one field of the mapping lies; valid until it is unmapped. `right` is what the caller does with it. Errors:
/// PRIVILEGE (a field or a right that the mapping does not have), WRONG_THREAD, INVALID_HANDLE (unmapped, or its context ended).
#[no_mangle]
pub unsafe extern "C" fn cohort_inline_view(
    mapping: cohort_mapping_t,
    field: cohort_field_t,
    right: cohort_privilege_t,
    view: *mut cohort_view_t,
) -> cohort_status_t {
    guard("cohort_inline_view", || {
        *out(view)? = view_of(&inline::view(open(mapping)?.2, field, privilege(right)?)?);
        Ok(())
    })
}

/// `cohort_inline_view` for an array pointer of `rank` dimensions with elements of `bytes` bytes; as `cohort_view_array`.
#[no_mangle]
pub unsafe extern "C" fn cohort_inline_view_array(
    mapping: cohort_mapping_t,
    field: cohort_field_t,
    right: cohort_privilege_t,
    rank: i32,
    bytes: usize,
    view: *mut cohort_view_t,
) -> cohort_status_t {
    guard("cohort_inline_view", || {
        let mapped = open(mapping)?.2;
        let found = inline::view(mapped, field, privilege(right)?)?;
        check_view_shape(&found, &mapped.need.region.node.tree.fields, field, rank, bytes)?;
        *out(view)? = view_of(&found);
        Ok(())
    })
}

/// Ends the mapping and clears its handle: what was written shows to the operations launched from here on. A null handle is
/// accepted. Errors: WRONG_THREAD, INVALID_HANDLE.
#[no_mangle]
pub unsafe extern "C" fn cohort_inline_unmap(mapping: *mut cohort_mapping_t) -> cohort_status_t {
    guard("cohort_inline_unmap", || {
        let handle = out(mapping)?;
        if handle.id == 0 {
            return Ok(());
        }
        let (engine, frame, found) = open(*handle)?;
        inline::unmap(engine, frame, found);
        runtime::current()?.objects.mappings.take(handle.id)?;
        handle.id = 0;
        Ok(())
    })
}
