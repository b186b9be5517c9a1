//! What an MPI code touches: handshakes between its thread and the tasks. Knows operations, not C.

mod handshake;

pub use handshake::{Handshake, Side};
