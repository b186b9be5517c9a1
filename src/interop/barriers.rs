//! The phase barriers that a rank made or was told of.

use super::attention::{Attention, Listener};
use super::barrier::PhaseBarrier;
use super::handle::Handle;
use super::registry::{Placed, Registry};
use crate::base::{Kind, Result};
use crate::event::{BarrierWords, NamedPhases, MOST_ARRIVALS};
use crate::fail;
use crate::operation::Engine;
use crate::transport::{Mapping, Messages};
use std::cell::Cell;
use std::sync::Arc;

pub struct Barriers(Registry<PhaseBarrier>);

impl Barriers {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self(Registry::new(attention))
    }

    /// A barrier of this rank; the handle is good on every rank.
    pub fn create(&self, arrivals: u32) -> Result<u64> {
        if !(1..=MOST_ARRIVALS).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to {MOST_ARRIVALS}");
        }
        self.0.create(size_of::<BarrierWords>(), 0, |attention, mapping, offset| new(attention, mapping, offset, arrivals))
    }

    /// `count` barriers of this rank whose handles follow from the first: see `nth_of_row`.
    pub fn create_row(&self, arrivals: u32, count: u32) -> Result<u64> {
        self.0.create_row(size_of::<BarrierWords>(), count, |attention, mapping, offset| new(attention, mapping, offset, arrivals))
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<PhaseBarrier>> {
        self.0.get(handle)
    }

    pub(super) fn messages(&self) -> &Messages {
        &self.0.attention.messages
    }

    /// The barrier if this rank has met it.
    pub fn met(&self, handle: u64) -> Option<&Arc<PhaseBarrier>> {
        self.0.met(handle)
    }

    fn listen(&self, barrier: &Arc<PhaseBarrier>) {
        if let Some(pigeonhole) = barrier.start_listening() {
            self.0.attention.listen(barrier.clone(), pigeonhole);
        }
    }

    /// What operations that wait for the barrier hang on.
    pub fn cell(&self, engine: &Engine, handle: u64) -> Result<&NamedPhases> {
        Ok(self.cell_of(engine, self.get(handle)?))
    }

    /// As `cell`, of a barrier at hand.
    pub fn cell_of<'a>(&self, engine: &Engine, barrier: &'a Arc<PhaseBarrier>) -> &'a NamedPhases {
        if !barrier.is_far() && barrier.start_awaiting() {
            self.0.attention.begin_awaiting();
        }
        self.listen(barrier);
        // What was completed before this rank listened.
        barrier.look(engine);
        barrier.cell()
    }

    /// Waits for the phase before `phase`.
    pub fn wait(&self, engine: &Engine, handle: u64, phase: u64) -> Result<()> {
        self.wait_for(engine, self.get(handle)?, phase)
    }

    /// As `wait`, for a barrier at hand. A thread that looks by itself needs no bell before it sleeps.
    pub fn wait_for(&self, engine: &Engine, barrier: &Arc<PhaseBarrier>, phase: u64) -> Result<()> {
        if barrier.is_far() {
            // Before the first look: unlike a bell's, this news has to be ordered.
            self.listen(barrier);
        }
        let slept = Cell::new(false);
        let result = barrier.wait(engine, phase, || {
            slept.set(true);
            self.0.attention.begin_awaiting();
            self.listen(barrier);
        });
        if slept.get() {
            self.0.attention.end_awaiting();
        }
        result
    }

    /// Whether `wait` would return at once.
    pub fn test(&self, engine: &Engine, handle: u64, phase: u64) -> Result<bool> {
        let barrier = self.get(handle)?;
        if barrier.is_far() && barrier.completed() < phase {
            self.listen(barrier);
            // A program that only tests drives messages here.
            engine.poll();
        }
        Ok(barrier.completed() >= phase)
    }

    pub fn remove(&self, handle: u64) -> Result<()> {
        self.0.remove(handle)
    }

    pub fn for_each(&self, act: impl FnMut(&Arc<PhaseBarrier>)) {
        self.0.for_each(act);
    }

    /// Nothing waits for any phase any more.
    pub fn release(&self, engine: &Engine) {
        self.0.for_each(|barrier| barrier.release(engine));
    }

    /// This rank uses the handle no longer.
    pub fn forget(&self, handle: u64) -> Result<()> {
        self.0.forget(handle)
    }
}

fn new(attention: &Arc<Attention>, mapping: &Mapping, offset: usize, arrivals: u32) -> PhaseBarrier {
    let barrier = PhaseBarrier::at(attention, mapping, offset).expect("just allocated");
    barrier.words().expect("this rank's own").reset(arrivals);
    barrier
}

/// Handle `i` of a row.
pub fn nth_of_row(first: u64, i: u32) -> u64 {
    Handle::of(first).offset_by(i as usize * size_of::<BarrierWords>()).word(Kind::PhaseBarrier).expect("the row was made with it")
}
