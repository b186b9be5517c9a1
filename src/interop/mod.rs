//! What an MPI code touches: handshakes between its thread and the tasks, phase barriers. Knows operations, not C.

mod barrier;
mod handshake;

pub use barrier::PhaseBarrier;
pub use handshake::{Handshake, Side};
