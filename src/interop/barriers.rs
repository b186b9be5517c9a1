//! The phase barriers that a rank made or was told of.

use super::attention::{Attention, Listener};
use super::barrier::{Handle, PhaseBarrier};
use crate::base::{Kind, Result, Table};
use crate::event::{BarrierWords, PhaseCell, MOST_ARRIVALS};
use crate::fail;
use crate::operation::Engine;
use crate::transport::{NodeMemory, GRAIN};
use parking_lot::{Mutex, RwLock};
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

/// Places of destroyed barriers. They stay barriers' places, so that a stale handle on another rank meets words and not
/// somebody's data.
#[derive(Default)]
struct Places {
    free: Vec<usize>,
    generation: u64,
}

pub struct Barriers {
    memory: Arc<NodeMemory>,
    attention: Arc<Attention>,
    places: Mutex<Places>,
    known: Table<Arc<PhaseBarrier>>,
    /// The table's handle by the barrier's, which other ranks know as well.
    by_handle: RwLock<HashMap<u64, u64>>,
}

impl Barriers {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self {
            memory: attention.memory.clone(),
            attention,
            places: Mutex::default(),
            known: Table::new(Kind::PhaseBarrier),
            by_handle: RwLock::default(),
        }
    }

    /// A barrier of this rank; the handle is good on every rank of the node.
    pub fn create(&self, arrivals: u32) -> Result<u64> {
        if !(1..=MOST_ARRIVALS).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to {MOST_ARRIVALS}");
        }
        let mut places = self.places.lock();
        let offset = match places.free.pop() {
            Some(offset) => offset,
            None => self.memory.own.allocate(size_of::<BarrierWords>())?,
        };
        places.generation += 1;
        let handle = Handle { generation: places.generation, place: (offset / GRAIN) as u64, owner: self.memory.rank() };
        let handle = handle.word().inspect_err(|_| places.free.push(offset))?;
        drop(places);
        let words = self.memory.own.mapping.place::<BarrierWords>(offset).expect("just allocated");
        let barrier = PhaseBarrier::new(self.memory.clone(), words);
        barrier.words().reset(arrivals);
        barrier.words().publish(handle);
        self.know(handle, barrier)?;
        Ok(handle)
    }

    fn know(&self, handle: u64, barrier: PhaseBarrier) -> Result<&Arc<PhaseBarrier>> {
        let mut by_handle = self.by_handle.write();
        let entry = match by_handle.get(&handle) {
            Some(&entry) => entry,
            None => {
                let entry = self.known.insert(Arc::new(barrier))?;
                by_handle.insert(handle, entry);
                entry
            }
        };
        self.known.get(entry)
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<PhaseBarrier>> {
        let known = self.by_handle.read().get(&handle).copied();
        match known {
            Some(entry) => {
                let barrier = self.known.get(entry)?;
                if barrier.words().handle() == handle {
                    return Ok(barrier);
                }
                self.forget(handle)?;
                stale(handle)
            }
            None => self.find(handle),
        }
    }

    /// A handle that this rank sees for the first time: its own ones it knows.
    fn find(&self, handle: u64) -> Result<&Arc<PhaseBarrier>> {
        Kind::PhaseBarrier.check(handle)?;
        let Handle { place, owner, .. } = Handle::of(handle);
        if owner >= self.memory.size() {
            fail!(InvalidHandle, "{handle:#x} names a phase barrier of rank {owner}, and there are {} ranks", self.memory.size());
        }
        let Some(mapping) = self.memory.of(owner) else {
            fail!(
                Unsupported,
                "the phase barrier {handle:#x} belongs to rank {owner}, with which this rank {} shares no memory (another node, or COHORT_FORCE_MESSAGES=1); this version of the library reaches barriers through node-shared memory only",
                self.memory.rank()
            );
        };
        match mapping.place::<BarrierWords>(place as usize * GRAIN) {
            // Made of atomics, and mapped; if no barrier lies here the stamp differs.
            Some(words) if unsafe { words.as_ref() }.handle() == handle => {
                self.know(handle, PhaseBarrier::new(self.memory.clone(), words))
            }
            _ => stale(handle),
        }
    }

    fn listen(&self, barrier: &Arc<PhaseBarrier>) {
        if self.memory.size() > 1 && barrier.start_listening() {
            self.attention.listen(barrier.clone());
        }
    }

    /// What operations that wait for the barrier hang on.
    pub fn cell(&self, engine: &Engine, handle: u64) -> Result<&PhaseCell> {
        let barrier = self.get(handle)?;
        if barrier.start_awaiting() {
            self.memory.bell().begin_awaiting();
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
            self.memory.bell().begin_awaiting();
            self.listen(&barrier);
        });
        if slept.get() {
            self.memory.bell().end_awaiting();
        }
        result
    }

    /// On the rank that made it the barrier ends, on others the rank forgets it.
    pub fn remove(&self, handle: u64) -> Result<()> {
        let words = self.get(handle)?.words();
        if Handle::of(handle).owner == self.memory.rank() {
            words.publish(0);
            self.places.lock().free.push(Handle::of(handle).place as usize * GRAIN);
        }
        self.forget(handle)
    }

    fn forget(&self, handle: u64) -> Result<()> {
        let Some(entry) = self.by_handle.write().remove(&handle) else { return Ok(()) };
        let barrier = self.known.get(entry)?;
        let listener: Arc<dyn Listener> = barrier.clone();
        self.attention.forget(&listener);
        if barrier.is_awaited() {
            self.memory.bell().end_awaiting();
        }
        self.known.remove(entry)
    }
}

fn stale<T>(handle: u64) -> Result<T> {
    fail!(
        InvalidHandle,
        "the phase barrier {handle:#x} of rank {} no longer exists, or never did; it was destroyed, or its runtime ended",
        Handle::of(handle).owner
    )
}
