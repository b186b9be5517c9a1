//! The phase barriers that a rank made or was told of.

use super::attention::{Attention, Listener};
use super::barrier::PhaseBarrier;
use super::registry::{Placed, Registry};
use crate::base::Result;
use crate::event::{BarrierWords, PhaseCell, MOST_ARRIVALS};
use crate::fail;
use crate::operation::Engine;
use std::cell::Cell;
use std::sync::Arc;

pub struct Barriers(Registry<PhaseBarrier>);

impl Barriers {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self(Registry::new(attention))
    }

    /// A barrier of this rank; the handle is good on every rank of the node.
    pub fn create(&self, arrivals: u32) -> Result<u64> {
        if !(1..=MOST_ARRIVALS).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to {MOST_ARRIVALS}");
        }
        self.0.create(size_of::<BarrierWords>(), |memory, mapping, offset| {
            let barrier = PhaseBarrier::at(memory, mapping, offset).expect("just allocated");
            barrier.words().reset(arrivals);
            barrier
        })
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<PhaseBarrier>> {
        self.0.get(handle)
    }

    fn listen(&self, barrier: &Arc<PhaseBarrier>) {
        if barrier.start_listening() {
            self.0.attention.listen(barrier.clone());
        }
    }

    /// What operations that wait for the barrier hang on.
    pub fn cell(&self, engine: &Engine, handle: u64) -> Result<&PhaseCell> {
        let barrier = self.get(handle)?;
        if barrier.start_awaiting() {
            self.0.attention.begin_awaiting();
        }
        self.listen(barrier);
        // What was completed before this rank listened.
        barrier.look(engine);
        Ok(barrier.cell())
    }

    /// Waits for the phase before `phase`. A thread that looks by itself needs no bell before it sleeps.
    pub fn wait(&self, engine: &Engine, handle: u64, phase: u64) -> Result<()> {
        let barrier = self.get(handle)?.clone();
        let slept = Cell::new(false);
        let result = barrier.wait(engine, phase, || {
            slept.set(true);
            self.0.attention.begin_awaiting();
            self.listen(&barrier);
        });
        if slept.get() {
            self.0.attention.end_awaiting();
        }
        result
    }

    pub fn remove(&self, handle: u64) -> Result<()> {
        self.0.remove(handle)
    }
}
