//! For the Fortran module: what it needs beyond the C interface because Fortran's arrays know their shape.

use super::convert::{check_view_shape, out, privilege, slice, text};
use super::tasks::view_of;
use super::types::*;
use super::{guard, refuse};
use crate::base::sync::Mutex;
use crate::base::{Error, Result, Status};
use crate::fail;
use crate::operation::{self, attach, RegionObject};
use crate::runtime;
use std::collections::HashSet;
use std::ffi::{c_char, c_void};
use std::sync::LazyLock;

/// Strides along the dimensions, and from field to field.
fn check_shape(
    region: &RegionObject,
    fields: &[u32],
    element: usize,
    extents: &[i64],
    strides: &[i64],
    field_dimension: i32,
) -> Result<([i64; 3], i64)> {
    let (node, rank) = (&region.node, extents.len());
    let space = &node.tree.fields;
    if let Some(&field) = fields.iter().find(|&&f| space.bytes(f).is_some_and(|bytes| bytes != element)) {
        fail!(InvalidArgument, "the array has elements of {element} bytes and field {} has {}; attach an array of the field's kind", space.label(field), space.bytes(field).unwrap_or(0));
    }
    let wanted = node.dim() + usize::from(field_dimension != 0);
    if rank != wanted {
        fail!(InvalidArgument, "the array has rank {rank}, and the region has {} dimensions{}; attach an array of rank {wanted}", node.dim(), if field_dimension == 0 { "" } else { " besides the one that counts fields" });
    }
    if field_dimension < 0 || field_dimension as usize > rank {
        fail!(InvalidArgument, "dimension {field_dimension} is said to count the fields of an array of rank {rank}; use 1 to {rank}, or 0 for none");
    }
    if field_dimension == 0 && fields.len() > 1 {
        fail!(InvalidArgument, "{} fields and an array of one; say which dimension counts the fields, or attach one array for each", fields.len());
    }
    let (mut by_dimension, mut by_field, mut d) = ([0; 3], 0, 0);
    for (at, (&extent, &stride)) in extents.iter().zip(strides).enumerate() {
        if at + 1 == field_dimension as usize {
            if extent < fields.len() as i64 {
                fail!(InvalidArgument, "dimension {field_dimension} of the array has extent {extent}, and {} fields are attached", fields.len());
            }
            by_field = stride;
            continue;
        }
        if extent != node.domain.bounds.extent(d) {
            fail!(InvalidArgument, "dimension {} of the array has extent {extent}, and the region {} has {} points there", at + 1, node.bounds_text(), node.domain.bounds.extent(d));
        }
        by_dimension[d] = stride;
        d += 1;
    }
    Ok((by_dimension, by_field))
}

/// `cohort_attach` for an array with a shape, which is checked: element size, rank (the region's dimension, and one more
/// if dimension `field_dimension`, counted from 1, counts the fields; 0: none does), extents. `strides` in bytes.
#[no_mangle]
pub unsafe extern "C" fn cohort_attach_array(
    context: cohort_context_t,
    region: cohort_region_t,
    field_count: u32,
    fields: *const cohort_field_t,
    base: *mut c_void,
    element_bytes: usize,
    rank: i32,
    extents: *const i64,
    strides: *const i64,
    field_dimension: i32,
) -> cohort_status_t {
    guard("cohort_attach", || {
        let (engine, frame) = runtime::context(context.id)?;
        let region = runtime::current()?.objects.regions.get(region.id)?;
        let fields = slice(fields, field_count as usize, "fields")?;
        let rank = rank.max(0) as usize;
        let (extents, strides) = (slice(extents, rank.min(4), "extents")?, slice(strides, rank.min(4), "strides")?);
        let (strides, field_stride) = check_shape(region, fields, element_bytes, extents, strides, field_dimension)?;
        attach::attach(engine, frame, region, fields, base.cast(), &strides[..region.node.dim()], field_stride)
    })
}

/// Sets and returns the error of an argument that the Fortran module refuses by itself.
#[no_mangle]
pub unsafe extern "C" fn cohort_argument_error(procedure: *const c_char, problem: *const c_char) -> cohort_status_t {
    let said = |pointer| text(pointer, "the text").ok().flatten().unwrap_or("cohort");
    refuse(said(procedure), &Error::new(Status::InvalidArgument, said(problem).to_owned()))
}

/// The list as the library holds it, once for good: requirements of the Fortran module, which nobody frees, point to it.
#[no_mangle]
pub unsafe extern "C" fn cohort_fields_kept(count: u32, fields: *const cohort_field_t) -> *const cohort_field_t {
    static KEPT: LazyLock<Mutex<HashSet<Box<[cohort_field_t]>>>> = LazyLock::new(Mutex::default);
    let Ok(list) = slice(fields, count as usize, "fields") else { return std::ptr::null() };
    let mut kept = KEPT.lock();
    if let Some(known) = kept.get(list) {
        return known.as_ptr();
    }
    let new: Box<[cohort_field_t]> = list.into();
    let at = new.as_ptr();
    kept.insert(new);
    at
}

/// `cohort_collective_arrive` with a value whose size is checked.
#[no_mangle]
pub unsafe extern "C" fn cohort_collective_arrive_bytes(
    collective: cohort_collective_t,
    value: *const c_void,
    bytes: usize,
) -> cohort_status_t {
    guard("cohort_collective_arrive", || {
        let runtime = runtime::current()?;
        let value = slice(value.cast::<u8>(), bytes, "value")?;
        runtime.collectives.get(collective.id)?.arrive(&runtime.engine, collective.phase, value)
    })
}

/// `cohort_view` for an array pointer of `rank` dimensions with elements of `bytes` bytes, which must be those of the field;
/// and every stride must be a multiple of the one before, as in a whole array and its padding. Rank 0: any dimensions and any
/// strides, only the size of the elements is checked. Errors: INVALID_ARGUMENT besides.
#[no_mangle]
pub unsafe extern "C" fn cohort_view_array(
    task: cohort_context_t,
    requirement: u32,
    field: cohort_field_t,
    right: cohort_privilege_t,
    rank: i32,
    bytes: usize,
    view: *mut cohort_view_t,
) -> cohort_status_t {
    guard("cohort_view", || {
        let (engine, frame) = runtime::context(task.id)?;
        let found = operation::view(engine, frame, requirement, field, privilege(right)?)?;
        let fields = &operation::requirement(frame, requirement)?.node().tree.fields;
        check_view_shape(&found, fields, field, rank, bytes)?;
        *out(view)? = view_of(&found);
        Ok(())
    })
}
