//! The C interface. Every function is one line: a guard around a safe call. The guard turns errors into a status and
//! a text, stops panics, and applies the policy for errors. Knows how C spells things; decides nothing.

pub mod abi;
pub mod barriers;
pub mod collectives;
mod convert;
pub mod devices;
pub mod epoch;
pub mod fortran;
pub mod future_maps;
pub mod futures;
pub mod ghosts;
pub mod halos;
pub mod handshakes;
pub mod inline;
pub mod launches;
pub mod layouts;
pub mod machine;
pub mod mappers;
pub mod partitions;
pub mod predicates;
pub mod projections;
pub mod reductions;
pub mod regions;
pub mod runtime;
pub mod tasks;
pub mod types;

use crate::base::config::OnError;
use crate::base::{status, Error, Result, Status};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicI32, Ordering};
use types::cohort_status_t;

static ON_ERROR: AtomicI32 = AtomicI32::new(OnError::Return as i32);

fn set_on_error(policy: OnError) {
    ON_ERROR.store(policy as i32, Ordering::Relaxed);
}

/// Runs the body of the C function `name`.
#[inline]
fn guard(name: &'static str, body: impl FnOnce() -> Result<()>) -> cohort_status_t {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Status::Ok as i32,
        Ok(Err(error)) => refuse(name, &error),
        Err(panic) => {
            let text = format!("a defect of the library: {}; please report it", status::panic_text(&*panic));
            refuse(name, &Error::new(Status::Internal, text))
        },
    }
}

#[cold]
fn refuse(name: &str, error: &Error) -> cohort_status_t {
    let text = status::set_last(name, error);
    let policy = ON_ERROR.load(Ordering::Relaxed);
    if policy != OnError::Return as i32 {
        crate::tell!("{text} [{}]", error.status.name().trim_end_matches('\0'));
    }
    if policy == OnError::Abort as i32 {
        std::process::abort();
    }
    error.status as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        let status = guard("cohort_test", || panic!("broken {}", 7));
        assert_eq!(status, Status::Internal as i32);
        let text = unsafe { std::ffi::CStr::from_ptr(status::last()) }.to_str().unwrap();
        assert!(text.starts_with("cohort_test: ") && text.contains("broken 7"), "{text}");
    }

    #[test]
    fn the_numbers_of_the_header_are_those_of_the_library() {
        let named = [types::COHORT_OK, types::COHORT_ERROR_INVALID_ARGUMENT, types::COHORT_ERROR_INVALID_HANDLE,
            types::COHORT_ERROR_WRONG_THREAD, types::COHORT_ERROR_WRONG_ORDER, types::COHORT_ERROR_WRONG_RANK,
            types::COHORT_ERROR_PRIVILEGE, types::COHORT_ERROR_BOUNDS, types::COHORT_ERROR_OUT_OF_MEMORY,
            types::COHORT_ERROR_TASK_FAILED, types::COHORT_ERROR_TIMEOUT, types::COHORT_ERROR_UNSUPPORTED,
            types::COHORT_ERROR_MPI, types::COHORT_ERROR_VERSION, types::COHORT_ERROR_INTERFERENCE,
            types::COHORT_ERROR_RESOURCES, types::COHORT_ERROR_PEER_LOST, types::COHORT_ERROR_INTERNAL];
        assert!(named.iter().zip(Status::ALL).all(|(&number, status)| number == status as i32));
        assert_eq!(named.len(), Status::ALL.len());
    }
}
