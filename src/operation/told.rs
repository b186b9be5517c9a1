//! Which failures a waiter knows of. Failures are numbered in the order in which the rank learned of them, so that one
//! count says it. Each execution has its count: a task starts with what its launcher knew, and every thread outside of tasks
//! has its own. Nobody is told twice, and nobody waits for what a failure it was not told of may keep from happening.

use super::current;
use super::devices::LOOK;
use super::Engine;
use crate::base::Error;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names a runtime, in the life of the process; never 0.
pub fn next_serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Engine {
    /// How many failures the calling execution was told of.
    #[inline]
    pub(super) fn told(&self) -> u32 {
        match current::told() {
            (serial, told) if serial == self.serial => told,
            _ => 0,
        }
    }

    /// A failure that the calling execution was not told of, or one that every wait tells.
    pub(super) fn untold(&self) -> Option<u32> {
        match self.last.load(Ordering::Acquire) {
            0 | LOOK => (self.failures.count() > self.told()).then(|| self.told() + 1),
            last => Some(last),
        }
    }

    /// The calling execution knows all failures from here on.
    pub(super) fn tell(&self, number: u32) -> Error {
        current::set_told((self.serial, self.failures.count()));
        // The program may leave the library for long, and others would learn of it only then.
        self.poll();
        self.failures.error(number)
    }
}
