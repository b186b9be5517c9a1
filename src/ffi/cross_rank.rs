//! Functions that move data or values between ranks. This version refuses them all, with COHORT_ERROR_UNSUPPORTED: they
//! are here so that programs and the Fortran module link, and can ask.
#![allow(unused_variables)]

use super::barriers::not_yet;
use super::guard;
use super::types::*;
use std::ffi::c_void;

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_create(
    runtime: cohort_runtime_t,
    arrivals: u32,
    how: cohort_reduction_t,
    element: cohort_type_t,
    collective: *mut cohort_collective_t,
) -> cohort_status_t {
    guard("cohort_collective_create", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_destroy(collective: *mut cohort_collective_t) -> cohort_status_t {
    guard("cohort_collective_destroy", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_advance(
    collective: cohort_collective_t,
    next: *mut cohort_collective_t,
) -> cohort_status_t {
    guard("cohort_collective_advance", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_arrive(collective: cohort_collective_t, value: *const c_void) -> cohort_status_t {
    guard("cohort_collective_arrive", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_arrive_future(
    context: cohort_context_t,
    collective: cohort_collective_t,
    future: cohort_future_t,
) -> cohort_status_t {
    guard("cohort_collective_arrive_future", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_collective_future(
    context: cohort_context_t,
    collective: cohort_collective_t,
    future: *mut cohort_future_t,
) -> cohort_status_t {
    guard("cohort_collective_future", || not_yet("dynamic collectives"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_ghost_create(
    runtime: cohort_runtime_t,
    space: cohort_index_space_t,
    fields: cohort_field_space_t,
    region: *mut cohort_region_t,
) -> cohort_status_t {
    guard("cohort_ghost_create", || not_yet("ghost regions"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_ghost_export(region: cohort_region_t, ghost: *mut cohort_ghost_t) -> cohort_status_t {
    guard("cohort_ghost_export", || not_yet("ghost regions"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_ghost_import(
    runtime: cohort_runtime_t,
    ghost: *const cohort_ghost_t,
    region: *mut cohort_region_t,
) -> cohort_status_t {
    guard("cohort_ghost_import", || not_yet("ghost regions"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_copy(context: cohort_context_t, copy: *const cohort_copy_t) -> cohort_status_t {
    guard("cohort_copy", || not_yet("explicit copies"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_acquire(context: cohort_context_t, sync: *const cohort_sync_t) -> cohort_status_t {
    guard("cohort_acquire", || not_yet("acquire and release"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_release(context: cohort_context_t, sync: *const cohort_sync_t) -> cohort_status_t {
    guard("cohort_release", || not_yet("acquire and release"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_create(
    runtime: cohort_runtime_t,
    options: *const cohort_halo_options_t,
    halo: *mut cohort_halo_t,
) -> cohort_status_t {
    guard("cohort_halo_create", || not_yet("halos"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_create_fortran(
    runtime: cohort_runtime_t,
    communicator: i32,
    options: *const cohort_halo_options_t,
    halo: *mut cohort_halo_t,
) -> cohort_status_t {
    guard("cohort_halo_create_fortran", || not_yet("halos"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_exchange(
    context: cohort_context_t,
    halo: cohort_halo_t,
    source: cohort_region_t,
    field_count: u32,
    source_fields: *const cohort_field_t,
    slots: *const u32,
) -> cohort_status_t {
    guard("cohort_halo_exchange", || not_yet("halos"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_release(
    context: cohort_context_t,
    halo: cohort_halo_t,
    field_count: u32,
    slots: *const u32,
) -> cohort_status_t {
    guard("cohort_halo_release", || not_yet("halos"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_region(halo: cohort_halo_t, face: u32, region: *mut cohort_region_t) -> cohort_status_t {
    guard("cohort_halo_region", || not_yet("halos"))
}

/// Not available in this version: always COHORT_ERROR_UNSUPPORTED.
#[no_mangle]
pub extern "C" fn cohort_halo_destroy(halo: *mut cohort_halo_t) -> cohort_status_t {
    guard("cohort_halo_destroy", || not_yet("halos"))
}
