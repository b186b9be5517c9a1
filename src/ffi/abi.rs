//! Which headers' programs this library serves. Made by tests/headers.rs out of the declarations; do not edit.

/// Stands for every declaration in this header; `cohort_init` compares it with the library's.
pub const COHORT_ABI: u32 = 1798641460;

/// Those of earlier headers whose declarations are all in this one, and its own.
pub(super) const SERVED: &[u32] = &[2049364941, 1798641460];
