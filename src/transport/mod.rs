//! What lies between the processes of one run: their number, setting up together, the memory that those of a node share,
//! and messages. Knows nothing of tasks.

mod bell;
#[cfg(not(loom))]
mod board;
mod cargo;
mod letter;
mod loopback;
#[cfg(not(loom))]
mod messages;
#[cfg(feature = "mpi")]
mod mpi;
mod news;
#[cfg(not(loom))]
mod node;
#[cfg(not(loom))]
mod pool;
#[cfg(all(test, not(loom)))]
mod rehearsal;
#[cfg(not(loom))]
mod segment;

use crate::base::Result;

pub use bell::Bell;
#[cfg(not(loom))]
pub use board::{Board, NOTICE_BYTES};
pub use cargo::Cargo;
pub use letter::Line;
pub use loopback::Loopback;
#[cfg(not(loom))]
pub use messages::{Message, Messages, Topic};
#[cfg(feature = "mpi")]
pub use mpi::{CallerMpi, Level, Mpi};
pub use news::{News, PIGEONHOLES};
#[cfg(not(loom))]
pub use node::NodeMemory;
#[cfg(not(loom))]
pub use segment::{in_pages, Mapping, GRAIN};

/// What a thread does while it waits for other ranks: whether something moved. An error ends the waiting.
pub type Meanwhile<'a> = &'a mut dyn FnMut() -> Result<bool>;

/// A message that has come and is not received yet.
pub struct Found {
    pub from: u32,
    pub lines: usize,
    /// The transport's.
    pub handle: u64,
}

/// Collective calls are made by the MPI thread of every rank, in the same order.
pub trait Transport: Send + Sync {
    fn rank(&self) -> u32;
    fn size(&self) -> u32;
    /// Collective. The words of every rank, in order of rank; all ranks give equally many.
    fn gather(&self, mine: &[u64], meanwhile: Meanwhile) -> Result<Vec<u64>>;
    /// The ranks beyond -x, +x, -y, +y, -z, +z in a Cartesian communicator, given as its Fortran handle; -1: none.
    fn neighbours(&self, communicator: i32) -> Result<[i32; 6]>;
    /// Collective. Gives back what the transport holds.
    fn close(&self) -> Result<()>;

    /// Whether every thread may drive, and not only the one that opened the transport.
    fn any_thread_drives(&self) -> bool;
    /// Whether the calling thread may call the functions below. One thread at a time does.
    fn may_drive(&self) -> bool;
    /// Messages from one rank to another are found in the order in which they were sent. The lines stay as and where they
    /// are until `request` is done.
    fn start_send(&self, to: u32, lines: &[Line], request: &mut u64) -> Result<()>;
    /// The next message that has come, from any rank.
    fn probe(&self) -> Result<Option<Found>>;
    fn start_receive(&self, found: &mut Found, lines: &mut [Line], request: &mut u64) -> Result<()>;
    fn is_done(&self, request: &mut u64) -> Result<bool>;

    /// What comes with the last message that was sent to the rank.
    /// # Safety
    /// The lines are there, and stay as they are, until `request` is done.
    unsafe fn start_send_cargo(&self, to: u32, at: *const Line, lines: usize, request: &mut u64) -> Result<()>;
    /// The rank's first cargo that nobody has begun to receive.
    /// # Safety
    /// The lines are there, and nobody touches them, until `request` is done.
    unsafe fn start_receive_cargo(&self, from: u32, at: *mut Line, lines: usize, request: &mut u64) -> Result<()>;
    /// Whether cargo may lie in the memory of CUDA's devices, as far as the transport says.
    fn takes_device_memory(&self) -> bool {
        false
    }
}
