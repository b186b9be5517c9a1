//! How much the devices of a rank did.

use super::super::Engine;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug)]
pub enum Done {
    Task,
    /// One that reduces.
    Reduction,
    /// The program's own copy.
    Copy,
    /// One with gather or scatter.
    Indirect,
    CopyIn,
    CopyHome,
    /// From one device to another.
    CopyAcross,
    Eviction,
    /// A requirement of a task, used in place.
    InPlace,
    /// Points packed on a device for a message.
    Sent,
    /// And unpacked there.
    Received,
}

#[derive(Default)]
pub struct Counts([AtomicU64; Done::Received as usize + 1]);

impl Counts {
    pub fn add(&self, done: Done) {
        self.0[done as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn of(&self, done: Done) -> u64 {
        self.0[done as usize].load(Ordering::Relaxed)
    }
}

impl Engine {
    /// How often the devices of this rank did something.
    pub fn devices_did(&self, done: Done) -> u64 {
        self.devices.get().map_or(0, |devices| devices.counts.of(done))
    }
}
