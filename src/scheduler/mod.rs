//! Who runs ready items, and what threads do while they wait. Knows items as words of three classes and nothing of what
//! they mean: no regions, no operations, no ranks.

mod bits;
mod deque;
mod park;
mod preferred;
mod queue;
#[cfg(not(loom))]
mod seats;
mod sleepers;
#[cfg(not(loom))]
mod threads;

use bits::Bits;
pub use deque::Deque;
pub use park::Word;
pub use preferred::{Preferred, Wish, PRIORITIES};
pub use sleepers::Sleepers;
#[cfg(not(loom))]
pub use threads::{Class, Role, Runner, Scheduler, Settings};
