//! What an MPI code touches: handshakes between its thread and the tasks, phase barriers, dynamic collectives, ghost regions
//! and the halos made of them. Knows operations, not C.

mod attention;
mod barrier;
mod barrier_messages;
mod barriers;
mod collective;
mod collective_messages;
mod collectives;
mod ghost;
mod ghost_layout;
mod ghost_messages;
mod halo;
mod handle;
mod handshake;
mod herald;
mod operator;
mod participants;
mod registry;
mod results;

pub use attention::Attention;
pub use barrier_messages::receive_barrier;
pub use barriers::Barriers;
pub use collective_messages::receive_collective;
pub use collectives::Collectives;
pub use ghost::Ghosts;
pub use ghost_messages::{berth as berth_of_ghost, receive as receive_ghost};
pub use halo::{Block, Halo};
pub use handshake::{Handshake, Side};
