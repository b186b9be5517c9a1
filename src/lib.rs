//! Cohort: Legion-style tasks for existing MPI, Fortran and C codes. The C interface in `ffi` is the product; the
//! modules below it stand on floors, listed in tests/layers.rs, which holds them to use only lower ones.

pub mod analysis;
pub mod base;
pub mod copy;
#[cfg(not(loom))]
pub mod device;
pub mod event;
pub mod geometry;
pub mod instance;
pub mod machine;
pub mod region;
#[cfg(not(loom))]
pub mod ffi;
#[cfg(not(loom))]
pub mod interop;
#[cfg(not(loom))]
pub mod mapping;
#[cfg(not(loom))]
pub mod operation;
#[cfg(not(loom))]
pub mod runtime;
pub mod scheduler;
pub mod transport;

#[global_allocator]
static ALLOCATOR: base::memory::Allocator = base::memory::Allocator;
