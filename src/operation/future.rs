//! A value that an operation will have: written once, then read by anyone.

use super::{Failures, SeatSet};
use crate::base::Result;
use crate::event::PhaseCell;
use crate::fail;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// `value` belongs to the one who will call `set` until `ready` has completed its only phase; then nobody writes.
pub struct FutureCell {
    pub ready: PhaseCell,
    /// Threads that wait for it.
    pub seats: SeatSet,
    value: UnsafeCell<SmallVec<[u8; 32]>>,
    error: AtomicU32,
}

unsafe impl Sync for FutureCell {}
unsafe impl Send for FutureCell {}

impl Default for FutureCell {
    fn default() -> Self {
        Self { ready: PhaseCell::new(), seats: SeatSet::default(), value: UnsafeCell::default(), error: AtomicU32::new(0) }
    }
}

impl FutureCell {
    /// The writer's half of `set`; the value shows once the phase of `ready` is completed.
    pub fn prepare(&self, value: &[u8], error: u32) {
        unsafe { &mut *self.value.get() }.extend_from_slice(value);
        self.error.store(error, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.ready.done() > 0
    }

    /// The failure it carries, or 0. Only once ready.
    pub fn error(&self) -> u32 {
        self.error.load(Ordering::Relaxed)
    }

    /// The value of a future that is ready and carries no failure.
    pub fn ready_value(&self) -> &[u8] {
        assert!(self.is_ready(), "the future has no value yet");
        unsafe { &*self.value.get() }
    }

    pub fn value(&self, failures: &Failures) -> Result<&[u8]> {
        if !self.is_ready() {
            fail!(WrongOrder, "the future has no value yet");
        }
        match self.error() {
            0 => Ok(self.ready_value()),
            number => Err(failures.error(number)),
        }
    }
}
