//! What lies between the processes of one run: their number, and setting up together. Knows nothing of tasks.

mod loopback;
#[cfg(feature = "mpi")]
mod mpi;

use crate::base::Result;

pub use loopback::Loopback;
#[cfg(feature = "mpi")]
pub use mpi::{CallerMpi, Level, Mpi};

/// Collective calls are made by the MPI thread of every rank, in the same order.
pub trait Transport: Send + Sync {
    fn rank(&self) -> u32;
    fn size(&self) -> u32;
    /// Collective. The words of every rank, in order of rank; all ranks give equally many.
    fn gather(&self, mine: &[u64]) -> Result<Vec<u64>>;
    /// Collective. Returns when every rank has called.
    fn barrier(&self) -> Result<()>;
    /// Collective. Gives back what the transport holds.
    fn close(&self) -> Result<()>;
}
