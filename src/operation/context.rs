//! Contexts: where operations are launched, in program order, by one thread. The program outside of tasks has one, and
//! every task that launches.

use super::engine::SeatSet;
use super::Engine;
use crate::analysis::ContextAnalysis;
use crate::base::Result;
use crate::event::{NodeRef, Pool};
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Default)]
pub(super) struct Launching {
    pub pool: Pool,
    pub analysis: ContextAnalysis,
}

/// `outstanding` counts operations launched here and not complete, and one for the execution itself. Whoever takes it
/// to zero owns the context. `launching` belongs to the thread of the execution; `ending` is written by it before it
/// takes its one away.
pub struct Context {
    pub(super) launching: UnsafeCell<Launching>,
    outstanding: AtomicU32,
    /// The first failure that no wait has told of yet, or 0.
    failed: AtomicU32,
    seats: SeatSet,
    ending: Cell<(NodeRef, u32)>,
}

unsafe impl Sync for Context {}
unsafe impl Send for Context {}

impl Default for Context {
    fn default() -> Self {
        Self {
            launching: UnsafeCell::default(),
            outstanding: AtomicU32::new(1),
            failed: AtomicU32::new(0),
            seats: SeatSet::default(),
            ending: Cell::new((NodeRef(0), 0)),
        }
    }
}

impl Context {
    pub fn outstanding(&self) -> u32 {
        self.outstanding.load(Ordering::Acquire) - 1
    }

    /// One more operation; waits while the window is full, until a quarter of it is free.
    pub(super) fn enter(&self, engine: &Engine) -> Result<()> {
        if self.outstanding() >= engine.window {
            engine.wait(|| self.outstanding() <= engine.window / 4 * 3, &self.seats, None)?;
        }
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn child_done(&self, engine: &Engine, error: u32) {
        if error != 0 {
            let _ = self.failed.compare_exchange(0, error, Ordering::Relaxed, Ordering::Relaxed);
        }
        let left = self.outstanding.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 {
            self.end(engine);
        } else if left == 1 || left == engine.window / 4 * 3 + 1 {
            self.seats.wake(&engine.scheduler);
        }
    }

    /// The execution is over; its node finishes with the last child.
    pub(super) fn close(&self, engine: &Engine, node: NodeRef, error: u32) {
        self.ending.set((node, error));
        if self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.end(engine);
        }
    }

    fn end(&self, engine: &Engine) {
        let (node, error) = self.ending.get();
        let error = if error != 0 { error } else { self.failed.load(Ordering::Relaxed) };
        // The count is zero: nobody else has it.
        let mut context = unsafe { Box::from_raw(self as *const Self as *mut Self) };
        context.launching.get_mut().analysis = ContextAnalysis::new();
        context.outstanding = AtomicU32::new(1);
        context.failed = AtomicU32::new(0);
        engine.recycle(context);
        engine.finish(node, error);
    }

    /// Waits for everything launched here so far; tells of the first failure since the last wait.
    pub fn wait_all(&self, engine: &Engine) -> Result<()> {
        engine.poll();
        engine.wait(|| self.outstanding() == 0, &self.seats, None)?;
        match self.failed.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            number => {
                // All is complete, so nothing can depend on anything any more; what failed is told of.
                unsafe { &mut *self.launching.get() }.analysis = ContextAnalysis::new();
                Err(engine.failures.error(number))
            }
        }
    }
}
