//! Dynamic collectives. This version refuses them all, with COHORT_ERROR_UNSUPPORTED: they
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
