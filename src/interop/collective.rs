//! Dynamic collectives: phase barriers whose arrivals bring values. The result of a phase is a future. As for barriers, a
//! handle stands for what came before its phase: arrive, advance, and ask for the future of the phase just left.
//!
//! The words of a collective lie in the node-shared memory of the rank that made it. A rank that shares no memory with the
//! owner sends it arrivals; once it asks for a result it subscribes, and the owner sends it every result from then on. Its
//! handle says what type the values have.

use super::attention::{Attention, Listener};
use super::collective_messages::{send_results, Note};
use super::handle::Handle;
use super::operator::{bytes_of, element_of, fold, operator_of, value_of, Element, ELEMENT_NUMBERS};
use super::registry::{note_of, stale, Placed};
use super::results::{Outcome, Results};
use crate::base::{Kind, Result};
use crate::event::{CollectiveHead, Entry, Value, RESULTS_KEPT};
use crate::fail;
use crate::operation::{Engine, Future, FutureCell};
use crate::region::Operator;
use crate::transport::{Mapping, News};
use crate::base::sync::Mutex;
use smallvec::{smallvec, SmallVec};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Where a collective is.
enum Side {
    Near(Near),
    Far(Far),
}

/// In memory that this rank reaches; the collective's `attention` keeps it mapped.
struct Near {
    head: NonNull<CollectiveHead>,
    entries: NonNull<[Entry]>,
    /// Found at the first arrival from here, before which this rank may register it.
    operator: OnceLock<Operator>,
    /// Where its news are looked for.
    pigeonhole: usize,
}

impl Near {
    fn head(&self) -> &CollectiveHead {
        // Mapped, and places of collectives are never used for anything else.
        unsafe { self.head.as_ref() }
    }

    fn operator(&self) -> Result<Operator> {
        match self.operator.get() {
            Some(&known) => Ok(known),
            None => operator_of(self.head().kind()).map(|found| *self.operator.get_or_init(|| found)),
        }
    }

    fn entries(&self) -> &[Entry] {
        // As `head`.
        unsafe { self.entries.as_ref() }
    }

    /// The outcomes of the phases before `done`, all complete, from `first` on or as far back as they are kept; and the
    /// phase of the first of them.
    fn outcomes(&self, first: u64, done: u64) -> (u64, SmallVec<[Outcome; 4]>) {
        let (mut from, mut outcomes) = (first, SmallVec::new());
        for phase in first.max(done.saturating_sub(RESULTS_KEPT))..done {
            match self.head().result(phase) {
                Ok(outcome) if from + outcomes.len() as u64 == phase => outcomes.push(outcome),
                Ok(outcome) => (from, outcomes) = (phase, smallvec![outcome]),
                // Later phases took its place meanwhile, and those of phases before it.
                Err(_) => (from, outcomes) = (phase + 1, SmallVec::new()),
            }
        }
        (from, outcomes)
    }
}

struct Far {
    handle: u64,
    /// Its owner destroyed it, or never had it.
    gone: AtomicBool,
    results: Mutex<Results>,
}

/// Ranks that share no memory with the owner and want to know of results; the owner's.
#[derive(Default)]
struct Subscribers {
    ranks: Vec<u32>,
    /// How many complete phases they were told of.
    told: u64,
}

/// A collective as one rank knows it.
pub struct Collective {
    attention: Arc<Attention>,
    side: Side,
    element: Element,
    /// Futures of this rank by their phase. Results are taken under the lock.
    pending: Mutex<BTreeMap<u64, Future>>,
    /// The first phase among them, or `u64::MAX`.
    first_pending: AtomicU64,
    listening: AtomicBool,
    /// Ranks that share no memory with the owner learn of results from this one.
    relaying: AtomicBool,
    subscribers: Mutex<Subscribers>,
}

unsafe impl Send for Collective {}
unsafe impl Sync for Collective {}

impl Collective {
    fn new(attention: &Arc<Attention>, side: Side, element: Element) -> Self {
        Self {
            attention: attention.clone(),
            side,
            element,
            pending: Mutex::default(),
            first_pending: AtomicU64::new(u64::MAX),
            listening: AtomicBool::new(false),
            relaying: AtomicBool::new(false),
            subscribers: Mutex::default(),
        }
    }

    pub(super) fn bytes_of(arrivals: u32) -> usize {
        size_of::<CollectiveHead>() + CollectiveHead::entries(arrivals) * size_of::<Entry>()
    }

    /// Phases completed so far; of a far collective, as far as its owner told this rank.
    fn completed(&self) -> u64 {
        match &self.side {
            Side::Near(near) => near.head().phases.completed(),
            Side::Far(far) => far.results.lock().completed(),
        }
    }

    fn outcome(&self, phase: u64) -> Result<Outcome> {
        match &self.side {
            Side::Near(near) => near.head().result(phase),
            Side::Far(far) => far.results.lock().of(phase),
        }
    }

    /// An arrival with a value, or with the code of the failure (not 0) that left it without one. What the owner of a far
    /// collective refuses is a failure that the next wait tells of.
    pub(super) fn arrive_with(&self, engine: &Engine, phase: u64, value: Value, code: u64) -> Result<()> {
        match &self.side {
            Side::Near(near) => {
                let operator = near.operator()?;
                // Before the arrival counts this rank takes what is complete: later phases cannot be complete before that.
                let take = || {
                    self.take_results(engine);
                };
                if near.head().arrive(near.entries(), phase, value, code, take, |values| fold(operator, values))?.is_some() {
                    self.take_results(engine);
                    self.attention.memory.ring(near.head().phases.listeners(), near.pigeonhole);
                }
            }
            Side::Far(far) => {
                let done = self.completed();
                if phase < done {
                    fail!(WrongOrder, "phase {phase} is complete already, {done} phases are; advance the handle after each arrival");
                }
                self.attention.herald.pass_on(engine, Handle::of(far.handle).owner, code);
                Note::Arrive { phase, outcome: (value, code) }.send_to_owner(&self.attention.messages, far.handle);
            }
        }
        Ok(())
    }

    /// The value in these bytes, if they are as many as its type has.
    pub(super) fn value(&self, bytes: &[u8]) -> Result<Value> {
        let expected = self.element.bytes();
        if bytes.len() != expected {
            fail!(
                InvalidArgument,
                "the value has {} bytes, and the collective's {} has {expected}; arrive with a value of the type that the collective was created for",
                bytes.len(),
                self.element.text()
            );
        }
        Ok(value_of(bytes))
    }

    /// Bytes of a value.
    pub fn value_bytes(&self) -> usize {
        self.element.bytes()
    }

    /// One arrival with a value of the collective's type.
    pub fn arrive(&self, engine: &Engine, phase: u64, value: &[u8]) -> Result<()> {
        self.arrive_with(engine, phase, self.value(value)?, 0)
    }

    /// The first phase that a future of this rank waits for.
    pub(super) fn awaited(&self) -> Option<u64> {
        Some(self.first_pending.load(Ordering::Acquire)).filter(|&first| first != u64::MAX)
    }

    /// The future of a phase: the same one as long as it has no value.
    pub(super) fn future(&self, engine: &Engine, phase: u64) -> Result<Future> {
        let mut pending = self.pending.lock();
        if phase < self.completed() {
            let outcome = self.outcome(phase)?;
            drop(pending);
            let future = Future::default();
            self.settle(engine, &future, outcome);
            return Ok(future);
        }
        if let Side::Far(far) = &self.side {
            if far.gone.load(Ordering::Acquire) {
                return stale(far.handle, Self::KIND);
            }
        }
        let future = pending
            .entry(phase)
            .or_insert_with(|| {
                self.attention.begin_awaiting();
                Future::default()
            })
            .clone();
        self.first_pending.fetch_min(phase, Ordering::AcqRel);
        Ok(future)
    }

    /// What a future of this rank waits for, if one does.
    pub fn wait_text(&self) -> Option<String> {
        let (phase, handle) = (self.awaited()?, Placed::handle(self));
        let short = match &self.side {
            Side::Near(near) => format!("has not had its {} arrivals", near.head().arrivals()),
            Side::Far(_) => "is not complete as far as its owner told".to_string(),
        };
        Some(format!("a future waits for the dynamic collective {handle:#x} of rank {}: phase {phase} {short}", Handle::of(handle).owner))
    }

    /// Futures of this rank wait for its phases no longer; without a result they carry the last failure.
    pub(super) fn release(&self, engine: &Engine) {
        let pending = std::mem::take(&mut *self.pending.lock());
        self.first_pending.store(u64::MAX, Ordering::Release);
        for future in pending.values() {
            self.attention.end_awaiting();
            self.settle(engine, future, ([0; 2], engine.failures.code(engine.failures.count())));
        }
    }

    fn settle(&self, engine: &Engine, future: &FutureCell, (value, code): Outcome) {
        let bytes = &bytes_of(value)[..self.element.bytes()];
        match engine.failure_of(code) {
            0 => future.prepare(bytes, 0),
            error => future.prepare(&[], error),
        }
        future.ready.advance_to(&engine.graph, 1, &mut |n| engine.offer(n));
        future.seats.wake(&engine.scheduler);
    }

    /// Gives the results that are there to the futures of this rank, and to ranks that learn them from this one; whether any
    /// future had waited.
    pub(super) fn take_results(&self, engine: &Engine) -> bool {
        if self.relaying.load(Ordering::Acquire) {
            self.inform(engine, &mut self.subscribers.lock());
        }
        let done = self.completed();
        if self.first_pending.load(Ordering::Acquire) >= done {
            return false;
        }
        let mut pending = self.pending.lock();
        let later = pending.split_off(&done);
        let complete = std::mem::replace(&mut *pending, later);
        let taken: Vec<_> = complete.into_iter().map(|(phase, future)| (future, self.outcome(phase))).collect();
        let first = pending.keys().next().copied().unwrap_or(u64::MAX);
        self.first_pending.store(first, Ordering::Release);
        drop(pending);
        for (future, outcome) in &taken {
            self.attention.end_awaiting();
            match outcome {
                Ok(outcome) => self.settle(engine, future, *outcome),
                Err(error) => self.settle_without(engine, future, &error.text),
            }
        }
        !taken.is_empty()
    }

    fn settle_without(&self, engine: &Engine, future: &FutureCell, why: &str) {
        let number = engine.fail(format!("a dynamic collective on rank {}: {why}", engine.rank));
        self.settle(engine, future, ([0; 2], engine.failures.code(number)));
    }

    /// Tells all subscribers of the results that they do not know.
    fn inform(&self, engine: &Engine, subscribers: &mut Subscribers) {
        let Side::Near(near) = &self.side else { return };
        let done = near.head().phases.completed();
        if done <= subscribers.told {
            return;
        }
        if !subscribers.ranks.is_empty() {
            let (first, outcomes) = near.outcomes(subscribers.told, done);
            for &rank in &subscribers.ranks {
                self.send_results(engine, near, rank, first, &outcomes);
            }
        }
        subscribers.told = done;
    }

    fn send_results(&self, engine: &Engine, near: &Near, rank: u32, first: u64, outcomes: &[Outcome]) {
        for &(_, code) in outcomes {
            self.attention.herald.pass_on(engine, rank, code);
        }
        send_results(&self.attention.messages, rank, near.head().phases.handle(), first, outcomes);
    }

    /// The owner's: `rank` is told of the results that are kept, and from now on of each.
    pub(super) fn subscribe(&self, engine: &Engine, rank: u32) {
        let Side::Near(near) = &self.side else { return };
        let mut subscribers = self.subscribers.lock();
        // Under the lock: who completes a phase later finds the rank among the subscribers.
        self.inform(engine, &mut subscribers);
        let (first, outcomes) = near.outcomes(0, subscribers.told);
        self.send_results(engine, near, rank, first, &outcomes);
        if !subscribers.ranks.contains(&rank) {
            subscribers.ranks.push(rank);
        }
        drop(subscribers);
        // What was completed before this rank listened.
        self.take_results(engine);
    }

    pub(super) fn unsubscribe(&self, rank: u32) {
        self.subscribers.lock().ranks.retain(|&other| other != rank);
    }

    /// The owner of a far collective told this rank of results.
    pub(super) fn learn(&self, engine: &Engine, first: u64, outcomes: impl Iterator<Item = Outcome>) {
        let Side::Far(far) = &self.side else { return };
        far.results.lock().learn(first, outcomes);
        self.take_results(engine);
    }

    /// The owner of a far collective told this rank that it has none of this handle any more.
    pub(super) fn end(&self, engine: &Engine) {
        let Side::Far(far) = &self.side else { return };
        let mut pending = self.pending.lock();
        far.gone.store(true, Ordering::Release);
        let left = std::mem::take(&mut *pending);
        self.first_pending.store(u64::MAX, Ordering::Release);
        drop(pending);
        for (phase, future) in left {
            self.attention.end_awaiting();
            let why = "its owner destroyed the collective; destroy it after the last result";
            self.settle_without(engine, &future, &format!("the result of phase {phase} will not come, {why}"));
        }
    }

    /// Makes results of other ranks known to this one. Where the attention keeps it, if this is the first call and the bell
    /// will be rung for it.
    pub(super) fn start_listening(&self) -> Option<usize> {
        if self.listening.load(Ordering::Acquire) || self.listening.swap(true, Ordering::AcqRel) {
            return None;
        }
        match &self.side {
            Side::Near(near) => {
                near.head().phases.listen(self.attention.memory.bit());
                Some(near.pigeonhole)
            }
            Side::Far(far) => {
                Note::Subscribe.send_to_owner(&self.attention.messages, far.handle);
                None
            }
        }
    }

    /// Whether this is the first call.
    pub(super) fn start_relaying(&self) -> bool {
        !self.relaying.swap(true, Ordering::AcqRel)
    }
}

impl Listener for Collective {
    fn look(&self, engine: &Engine) -> bool {
        self.take_results(engine)
    }
}

impl Placed for Collective {
    const KIND: Kind = Kind::Collective;
    const NOTES: u64 = ELEMENT_NUMBERS;

    fn at(attention: &Arc<Attention>, mapping: &Mapping, offset: usize) -> Option<Self> {
        let head = mapping.place::<CollectiveHead>(offset)?;
        // Made of atomics, and mapped; what is no collective has another stamp.
        let (arrivals, element) = unsafe { (head.as_ref().arrivals(), element_of(head.as_ref().kind())?) };
        let entries = mapping.places(offset + size_of::<CollectiveHead>(), CollectiveHead::entries(arrivals))?;
        let near = Near { head, entries, operator: OnceLock::new(), pigeonhole: News::pigeonhole(offset as u64) };
        Some(Self::new(attention, Side::Near(near), element))
    }

    fn far(attention: &Arc<Attention>, handle: u64) -> Result<Self> {
        let Some(element) = Element::of(note_of::<Self>(handle)) else { return stale(handle, Self::KIND) };
        let far = Far { handle, gone: AtomicBool::new(false), results: Mutex::default() };
        Ok(Self::new(attention, Side::Far(far), element))
    }

    fn bytes(&self) -> usize {
        match &self.side {
            Side::Near(near) => Self::bytes_of(near.head().arrivals()),
            Side::Far(_) => 0,
        }
    }

    fn handle(&self) -> u64 {
        match &self.side {
            Side::Near(near) => near.head().phases.handle(),
            Side::Far(far) if far.gone.load(Ordering::Acquire) => 0,
            Side::Far(far) => far.handle,
        }
    }

    fn publish(&self, handle: u64) {
        let Side::Near(near) = &self.side else { return };
        if handle == 0 {
            // The place may be another collective's soon.
            for rank in self.subscribers.lock().ranks.drain(..) {
                Note::Gone.send(&self.attention.messages, rank, near.head().phases.handle());
            }
        }
        near.head().phases.publish(handle);
    }

    fn leave(self: Arc<Self>, attention: &Attention) {
        match &self.side {
            Side::Far(far) => {
                if self.listening.load(Ordering::Acquire) && !far.gone.load(Ordering::Acquire) {
                    Note::Unsubscribe.send_to_owner(&attention.messages, far.handle);
                }
            }
            Side::Near(near) => {
                let pigeonhole = near.pigeonhole;
                if self.relaying.load(Ordering::Acquire) {
                    attention.end_awaiting();
                }
                let listener: Arc<dyn Listener> = self;
                attention.forget(&listener, pigeonhole);
            }
        }
    }
}
