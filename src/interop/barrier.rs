//! Phase barriers: a phase is complete when as many arrivals have come as it expects. Waiting on a handle waits for the
//! phase before the handle's, as in Legion: producers arrive and advance, consumers advance and wait.

use crate::base::Result;
use crate::event::PhaseCell;
use crate::fail;
use crate::operation::{Arrival, Engine, SeatSet};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Arrivals of a phase that is not complete.
struct Expected {
    /// Of the phases that nobody has altered.
    usual: i64,
    /// By phase: changes to the expected arrivals, and arrivals that have come.
    open: BTreeMap<u64, (i64, i64)>,
}

pub struct PhaseBarrier {
    pub complete: PhaseCell,
    pub seats: SeatSet,
    arrivals: Mutex<Expected>,
}

impl PhaseBarrier {
    pub fn new(arrivals: u32) -> Result<Self> {
        if !(1..1 << 20).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to 1048575");
        }
        let expected = Expected { usual: arrivals.into(), open: BTreeMap::new() };
        Ok(Self { complete: PhaseCell::new(), seats: SeatSet::default(), arrivals: Mutex::new(expected) })
    }

    /// `count` arrivals at a phase.
    pub fn arrive(&self, engine: &Engine, phase: u64, count: u32) -> Result<()> {
        if count == 0 {
            fail!(InvalidArgument, "0 arrivals; arrive at least once");
        }
        self.change(engine, phase, 0, count.into())
    }

    /// This phase expects `delta` more arrivals, or fewer.
    pub fn alter(&self, engine: &Engine, phase: u64, delta: i32) -> Result<()> {
        self.change(engine, phase, delta.into(), 0)
    }

    fn change(&self, engine: &Engine, phase: u64, delta: i64, count: i64) -> Result<()> {
        let mut expected = self.arrivals.lock();
        let mut done = self.complete.done();
        if phase < done {
            fail!(WrongOrder, "phase {phase} is complete already, {done} phases are; advance the handle after each arrival");
        }
        let usual = expected.usual;
        let open = expected.open.entry(phase).or_default();
        let (wanted, came) = (usual + open.0 + delta, open.1 + count);
        if wanted < 1 || came > wanted {
            fail!(WrongOrder, "{came} arrivals at phase {phase}, which expects {wanted}; create the barrier for more, or advance the handle");
        }
        *open = (open.0 + delta, came);
        while expected.open.get(&done).is_some_and(|o| o.1 == usual + o.0) {
            expected.open.remove(&done);
            done += 1;
        }
        drop(expected);
        self.complete.advance_to(&engine.graph, done, &mut |n| engine.offer(n));
        self.seats.wake(&engine.scheduler);
        Ok(())
    }

    /// Waits for the phase before `phase`.
    pub fn wait(&self, engine: &Engine, phase: u64) -> Result<()> {
        engine.wait_or_failure(|| self.complete.done() >= phase, &self.seats, None).map(drop)
    }
}

impl Arrival for PhaseBarrier {
    fn arrive(&self, engine: &Engine, phase: u64, _error: u32) {
        // The launch checked what it could; an arrival too many is a failure that the next wait tells of.
        if let Err(error) = PhaseBarrier::arrive(self, engine, phase, 1) {
            engine.fail(format!("arrival at a phase barrier on rank {}: {}", engine.rank, error.text));
        }
    }
}
