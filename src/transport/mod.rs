//! What lies between the processes of one run: their number, setting up together, and the memory that those of a node
//! share. Knows nothing of tasks.

#[cfg(not(loom))]
mod bell;
mod loopback;
#[cfg(feature = "mpi")]
mod mpi;
#[cfg(not(loom))]
mod node;
#[cfg(not(loom))]
mod segment;

use crate::base::Result;

#[cfg(not(loom))]
pub use bell::Bell;
pub use loopback::Loopback;
#[cfg(feature = "mpi")]
pub use mpi::{CallerMpi, Level, Mpi};
#[cfg(not(loom))]
pub use node::NodeMemory;
#[cfg(not(loom))]
pub use segment::{Mapping, GRAIN};

/// Collective calls are made by the MPI thread of every rank, in the same order.
pub trait Transport: Send + Sync {
    fn rank(&self) -> u32;
    fn size(&self) -> u32;
    /// Collective. The words of every rank, in order of rank; all ranks give equally many.
    fn gather(&self, mine: &[u64]) -> Result<Vec<u64>>;
    /// Collective. Returns when every rank has called.
    fn barrier(&self) -> Result<()>;
    /// The ranks beyond -x, +x, -y, +y, -z, +z in a Cartesian communicator, given as its Fortran handle; -1: none.
    fn neighbours(&self, communicator: i32) -> Result<[i32; 6]>;
    /// Collective. Gives back what the transport holds.
    fn close(&self) -> Result<()>;
}
