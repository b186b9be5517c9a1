//! What an MPI code touches: handshakes between its thread and the tasks, phase barriers. Knows operations, not C.

mod attention;
mod barrier;
mod barriers;
mod handle;
mod handshake;
mod registry;

pub use attention::Attention;
pub use barriers::Barriers;
pub use handshake::{Handshake, Side};
