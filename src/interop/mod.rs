//! What an MPI code touches: handshakes between its thread and the tasks, phase barriers. Knows operations, not C.

mod barrier;
mod barriers;
mod handshake;

pub use barriers::Barriers;
pub use handshake::{Handshake, Side};
