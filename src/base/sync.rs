//! The one door to atomics and threads: std, or loom when a model checker explores the interleavings.

#[cfg(loom)]
pub use loom::{
    cell::UnsafeCell,
    hint,
    sync::{atomic, Arc},
    thread,
};

#[cfg(not(loom))]
pub use std::{
    hint,
    sync::{atomic, Arc},
    thread,
};

/// loom's interface over std's cell, so that code is written once.
#[cfg(not(loom))]
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Between two sequentially consistent operations of a thread. loom takes those for acquire and release; a fence between them
/// gives it the order that they have.
#[inline(always)]
pub fn in_one_order() {
    #[cfg(loom)]
    atomic::fence(atomic::Ordering::SeqCst);
}

/// One cache line and its prefetched neighbour: words that different threads write stay apart.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct Padded<T>(pub T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
