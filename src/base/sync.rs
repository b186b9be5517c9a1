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

/// How often this process took a lock so far, on any thread. Counted only where debug assertions are on: tests hold the hot
/// paths to none.
static LOCKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

#[inline(always)]
fn count() {
    if cfg!(debug_assertions) {
        LOCKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// `None` where locks are not counted.
pub fn locks_taken() -> Option<u64> {
    cfg!(debug_assertions).then(|| LOCKS.load(std::sync::atomic::Ordering::Relaxed))
}

/// The one kind of lock in use, counted.
#[derive(Debug, Default)]
pub struct Mutex<T>(parking_lot::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self(parking_lot::Mutex::new(value))
    }
    #[inline]
    pub fn lock(&self) -> parking_lot::MutexGuard<'_, T> {
        count();
        self.0.lock()
    }
    #[inline]
    pub fn try_lock(&self) -> Option<parking_lot::MutexGuard<'_, T>> {
        count();
        self.0.try_lock()
    }
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}
