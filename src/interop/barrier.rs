//! Phase barriers: a phase is complete when as many arrivals have come as it expects. Waiting on a handle waits for the
//! phase before the handle's, as in Legion: producers arrive and advance, consumers advance and wait.
//!
//! The words of a barrier lie in the node-shared memory of the rank that made it, and every rank of the node arrives and
//! looks without asking anybody.

use super::attention::{Attention, Listener};
use super::registry::Placed;
use crate::base::{Kind, Result};
use crate::event::{BarrierWords, PhaseCell};
use crate::operation::{Arrival, Engine, SeatSet};
use crate::transport::{Mapping, News, NodeMemory};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// A barrier as one rank knows it.
pub struct PhaseBarrier {
    memory: Arc<NodeMemory>,
    /// In `memory`.
    words: NonNull<BarrierWords>,
    /// Where its news are looked for.
    pigeonhole: usize,
    /// The phases that are complete as far as this rank's operations were told.
    complete: PhaseCell,
    seats: SeatSet,
    listening: AtomicBool,
    /// Operations wait for phases of it, or did.
    awaited: AtomicBool,
}

unsafe impl Send for PhaseBarrier {}
unsafe impl Sync for PhaseBarrier {}

impl PhaseBarrier {
    pub(super) fn words(&self) -> &BarrierWords {
        // `memory` keeps the place mapped, and places of barriers are never used for anything else.
        unsafe { self.words.as_ref() }
    }

    /// Phases completed so far.
    #[inline]
    pub fn completed(&self) -> u64 {
        self.words().completed()
    }

    /// `count` arrivals at a phase.
    pub fn arrive(&self, engine: &Engine, phase: u64, count: u32) -> Result<()> {
        self.changed(engine, self.words().arrive(phase, count)?);
        Ok(())
    }

    /// This phase expects `delta` more arrivals, or fewer.
    pub fn alter(&self, engine: &Engine, phase: u64, delta: i32) -> Result<()> {
        self.changed(engine, self.words().alter(phase, delta)?);
        Ok(())
    }

    fn changed(&self, engine: &Engine, completed: Option<u64>) {
        let Some(done) = completed else { return };
        self.tell(engine, done);
        self.memory.ring(self.words().listeners(), self.pigeonhole);
    }

    fn tell(&self, engine: &Engine, done: u64) {
        self.complete.advance_to(&engine.graph, done, &mut |n| engine.offer(n));
        self.seats.wake(&engine.scheduler);
    }

    /// Whether this is the first call: from it on operations of this rank may wait for phases, with no thread that looks.
    pub(super) fn start_awaiting(&self) -> bool {
        !self.awaited.load(Ordering::Acquire) && !self.awaited.swap(true, Ordering::AcqRel)
    }

    /// Where the attention keeps it, if this is the first call: from it on the completions of other ranks ring this rank's bell.
    pub(super) fn start_listening(&self) -> Option<usize> {
        let first = !self.listening.load(Ordering::Acquire) && !self.listening.swap(true, Ordering::AcqRel);
        first.then(|| {
            self.words().listen(self.memory.bit());
            self.pigeonhole
        })
    }

    /// What operations that wait for a phase hang on.
    pub(super) fn cell(&self) -> &PhaseCell {
        &self.complete
    }

    /// Waits for the phase before `phase`. `asleep` is called once before the thread first sleeps, and makes the barrier listen.
    pub(super) fn wait(&self, engine: &Engine, phase: u64, asleep: impl FnOnce()) -> Result<()> {
        engine.wait_or_failure_asleep(|| self.completed() >= phase, &self.seats, asleep, None).map(drop)
    }
}

impl Placed for PhaseBarrier {
    const KIND: Kind = Kind::PhaseBarrier;

    fn at(memory: &Arc<NodeMemory>, mapping: &Mapping, offset: usize) -> Option<Self> {
        Some(Self {
            memory: memory.clone(),
            words: mapping.place(offset)?,
            pigeonhole: News::pigeonhole(offset as u64),
            complete: PhaseCell::new(),
            seats: SeatSet::default(),
            listening: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
        })
    }

    fn bytes(&self) -> usize {
        size_of::<BarrierWords>()
    }

    fn handle(&self) -> u64 {
        self.words().handle()
    }

    fn publish(&self, handle: u64) {
        self.words().publish(handle);
    }

    fn leave(self: Arc<Self>, attention: &Attention) {
        if self.awaited.load(Ordering::Acquire) {
            attention.end_awaiting();
        }
        let pigeonhole = self.pigeonhole;
        let listener: Arc<dyn Listener> = self;
        attention.forget(&listener, pigeonhole);
    }
}

impl Listener for PhaseBarrier {
    fn look(&self, engine: &Engine) -> bool {
        let done = self.completed();
        let news = done > self.complete.done();
        if news {
            self.tell(engine, done);
        }
        news
    }
}

impl Arrival for PhaseBarrier {
    fn arrive(&self, engine: &Engine, phase: u64, _error: u32) {
        // The launch checked what it could; an arrival too many is a failure that the next wait tells of.
        if let Err(error) = PhaseBarrier::arrive(self, engine, phase, 1) {
            engine.fail(format!("arrival at a phase barrier on rank {}: {}", engine.rank, error.text));
        }
    }

    fn address(&self) -> Option<u64> {
        Some(self.words().handle())
    }
}
