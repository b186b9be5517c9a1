//! Phase barriers: a phase is complete when as many arrivals have come as it expects. Waiting on a handle waits for the
//! phase before the handle's, as in Legion: producers arrive and advance, consumers advance and wait.
//!
//! The words of a barrier lie in the node-shared memory of the rank that made it, and every rank of the node arrives and
//! looks without asking anybody. A rank that shares no memory with the owner sends it arrivals and alterations; once it
//! wants to know of completions it subscribes, and the owner tells it how many phases are complete.

use super::attention::{Attention, Listener};
use super::barrier_messages::Note;
use super::ghost_layout::name_of;
use super::handle::Handle;
use super::registry::{stale, Placed};
use crate::base::{Kind, Result};
use crate::event::{BarrierWords, NamedPhases, MOST_ARRIVALS};
use crate::fail;
use crate::operation::{Arrival, Engine, SeatSet};
use crate::transport::{Mapping, News};
use crate::base::sync::Mutex;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Where a barrier is.
enum Side {
    /// In memory that this rank reaches; `attention` keeps it mapped.
    /// The second says where its news are looked for.
    Near(NonNull<BarrierWords>, usize),
    Far(Far),
}

struct Far {
    handle: u64,
    subscribed: AtomicBool,
    /// Its owner destroyed it, or never had it.
    gone: AtomicBool,
}

/// Ranks that share no memory with the owner and want to know of completions; the owner's.
#[derive(Default)]
struct Subscribers {
    ranks: Vec<u32>,
    /// How many complete phases they were told of.
    told: u64,
}

/// A barrier as one rank knows it.
pub struct PhaseBarrier {
    attention: Arc<Attention>,
    side: Side,
    /// The phases that are complete as far as this rank's operations were told.
    complete: NamedPhases,
    seats: SeatSet,
    listening: AtomicBool,
    /// Operations wait for phases of it, or did.
    awaited: AtomicBool,
    subscribers: Mutex<Subscribers>,
}

unsafe impl Send for PhaseBarrier {}
unsafe impl Sync for PhaseBarrier {}

impl PhaseBarrier {
    fn new(attention: &Arc<Attention>, side: Side) -> Self {
        Self {
            attention: attention.clone(),
            side,
            complete: NamedPhases::default(),
            seats: SeatSet::default(),
            listening: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            subscribers: Mutex::default(),
        }
    }

    /// Unless the barrier is far.
    pub(super) fn words(&self) -> Option<&BarrierWords> {
        match &self.side {
            // Mapped as long as `attention`, and places of barriers are never used for anything else.
            Side::Near(words, _) => Some(unsafe { words.as_ref() }),
            Side::Far(_) => None,
        }
    }

    /// Phases completed so far; of a far barrier, as far as its owner told this rank.
    #[inline]
    pub fn completed(&self) -> u64 {
        self.words().map_or_else(|| self.complete.done(), |words| words.phases.completed())
    }

    /// `count` arrivals at a phase.
    pub fn arrive(&self, engine: &Engine, phase: u64, count: u32) -> Result<()> {
        match &self.side {
            Side::Near(..) => self.changed(engine, self.near()?.arrive(phase, count)?),
            Side::Far(far) => {
                if !(1..=MOST_ARRIVALS).contains(&count) {
                    fail!(InvalidArgument, "{count} arrivals; arrive from 1 to {MOST_ARRIVALS} times at once");
                }
                self.send(far, phase, Note::Arrive { phase, count })?;
            }
        }
        Ok(())
    }

    /// This phase expects `delta` more arrivals, or fewer.
    pub fn alter(&self, engine: &Engine, phase: u64, delta: i32) -> Result<()> {
        match &self.side {
            Side::Near(..) => self.changed(engine, self.near()?.alter(phase, delta)?),
            Side::Far(far) => self.send(far, phase, Note::Alter { phase, delta })?,
        }
        Ok(())
    }

    fn near(&self) -> Result<&BarrierWords> {
        match self.words() {
            Some(words) => Ok(words),
            None => fail!(Internal, "the words of a far barrier were asked for"),
        }
    }

    /// Sends the owner what it alone can check in full; what it refuses is a failure that the next wait tells of.
    fn send(&self, far: &Far, phase: u64, note: Note) -> Result<()> {
        let done = self.completed();
        if phase < done {
            fail!(WrongOrder, "phase {phase} is complete already, {done} phases are; advance the handle after each arrival");
        }
        note.send_to_owner(&self.attention.messages, far.handle);
        Ok(())
    }

    fn changed(&self, engine: &Engine, completed: Option<u64>) {
        let (Some(done), Side::Near(_, pigeonhole), Some(words)) = (completed, &self.side, self.words()) else { return };
        self.tell(engine, done);
        self.attention.memory.ring(words.phases.listeners(), *pigeonhole);
    }

    /// Tells this rank's operations, and ranks that learn it from this one.
    fn tell(&self, engine: &Engine, done: u64) {
        if let Some(words) = self.words() {
            for (phase, code) in words.failures(self.complete.done()) {
                self.complete.fail(phase, engine.failure_of(code));
            }
        }
        self.complete.advance_to(&engine.graph, done, &mut |n| engine.offer(n));
        self.seats.wake(&engine.scheduler);
        if self.attention.messages.some_are_far() {
            self.inform(engine, done);
        }
    }

    fn inform(&self, engine: &Engine, done: u64) {
        let (Some(words), mut subscribers) = (self.words(), self.subscribers.lock()) else { return };
        if done > subscribers.told {
            let before = std::mem::replace(&mut subscribers.told, done);
            for &rank in &subscribers.ranks {
                self.inform_one(engine, words, rank, before, done);
            }
        }
    }

    /// What became of the phases from `first` to the one before `done`.
    fn inform_one(&self, engine: &Engine, words: &BarrierWords, rank: u32, first: u64, done: u64) {
        for (phase, code) in words.failures(first).filter(|failure| failure.0 < done) {
            self.send_failure(engine, rank, words.phases.handle(), phase, code);
        }
        Note::Done { done }.send(&self.attention.messages, rank, words.phases.handle());
    }

    fn send_failure(&self, engine: &Engine, rank: u32, handle: u64, phase: u64, code: u64) {
        self.attention.herald.pass_on(engine, rank, code);
        Note::Failed { phase, code }.send(&self.attention.messages, rank, handle);
    }

    /// The owner's: `rank` is told how many phases are complete, now and from now on.
    pub(super) fn subscribe(&self, engine: &Engine, rank: u32) {
        let (Some(words), mut subscribers) = (self.words(), self.subscribers.lock()) else { return };
        if !subscribers.ranks.contains(&rank) {
            subscribers.ranks.push(rank);
        }
        // Under the lock: who completes a phase later finds the rank among the subscribers.
        self.inform_one(engine, words, rank, 0, words.phases.completed());
    }

    /// A phase fails; an arrival at it, or the news that it is complete, comes after this.
    pub(super) fn fail(&self, engine: &Engine, phase: u64, error: u32) {
        match &self.side {
            _ if phase < self.completed() => {}
            // As in `words`.
            Side::Near(words, _) => unsafe { words.as_ref() }.fail(phase, engine.failures.code(error)),
            Side::Far(_) => self.complete.fail(phase, error),
        }
    }

    /// The failure of a complete phase, or 0.
    fn error(&self, engine: &Engine, phase: u64) -> u32 {
        match self.words() {
            Some(words) => words.failures(phase).find(|failure| failure.0 == phase).map_or(0, |(_, code)| engine.failure_of(code)),
            None => self.complete.error(phase),
        }
    }

    pub(super) fn unsubscribe(&self, rank: u32) {
        self.subscribers.lock().ranks.retain(|&other| other != rank);
    }

    /// The owner of a far barrier told this rank how many phases are complete.
    pub(super) fn learn(&self, engine: &Engine, done: u64) {
        if done > self.complete.done() {
            self.tell(engine, done);
        }
    }

    /// The owner of a far barrier told this rank that it has none of this handle any more. What waits for later phases is
    /// let go: the failure is what the program learns.
    pub(super) fn end(&self, engine: &Engine, done: u64) {
        let Side::Far(far) = &self.side else { return };
        self.learn(engine, done);
        far.gone.store(true, Ordering::Release);
        if self.complete.has_waiters() {
            engine.fail(format!(
                "operations on rank {} wait for the phase barrier {:#x}, which its owner destroyed; destroy a barrier after its last wait",
                engine.rank, far.handle
            ));
            self.complete.advance_to(&engine.graph, u64::MAX, &mut |n| engine.offer(n));
        }
        self.seats.wake(&engine.scheduler);
    }

    /// Who waits for what, if anybody does.
    pub fn wait_text(&self) -> Option<String> {
        let who = match (self.complete.has_waiters(), self.seats.has_sleepers()) {
            (true, _) => match self.complete.subject() {
                0 => "operations wait".to_string(),
                ghost => format!("operations on {} wait", name_of(ghost)),
            },
            (_, true) => "a thread waits".to_string(),
            _ => return None,
        };
        let (handle, phase) = (Placed::handle(self), self.completed());
        let came = match self.words().map(BarrierWords::arrivals) {
            Some((came, wanted)) => format!("{came} of {wanted} arrivals at phase {phase} have come"),
            None => format!("phase {phase} is not complete as far as rank {} told", Handle::of(handle).owner),
        };
        Some(format!("{who} for the phase barrier {handle:#x} of rank {}: {came}", Handle::of(handle).owner))
    }

    /// Operations of this rank wait for its phases no longer.
    pub(super) fn release(&self, engine: &Engine) {
        self.complete.advance_to(&engine.graph, u64::MAX, &mut |n| engine.offer(n));
    }

    /// Whether this is the first call: from it on operations of this rank may wait for phases, with no thread that looks.
    pub(super) fn start_awaiting(&self) -> bool {
        !self.awaited.load(Ordering::Acquire) && !self.awaited.swap(true, Ordering::AcqRel)
    }

    /// Makes completions on other ranks known to this one. Where the attention keeps it, if this is the first call and the
    /// bell will be rung for it.
    pub(super) fn start_listening(&self) -> Option<usize> {
        match &self.side {
            Side::Near(words, pigeonhole) => {
                let first = !self.listening.load(Ordering::Acquire) && !self.listening.swap(true, Ordering::AcqRel);
                first.then(|| {
                    // As in `words`.
                    unsafe { words.as_ref() }.phases.listen(self.attention.memory.bit());
                    *pigeonhole
                })
            }
            Side::Far(far) => {
                if !far.subscribed.load(Ordering::Acquire) && !far.subscribed.swap(true, Ordering::AcqRel) {
                    Note::Subscribe.send_to_owner(&self.attention.messages, far.handle);
                }
                None
            }
        }
    }

    /// What operations that wait for a phase hang on.
    pub(super) fn cell(&self) -> &NamedPhases {
        &self.complete
    }

    /// Waits for the phase before `phase`. `asleep` is called once before the thread first sleeps, and makes the barrier listen.
    pub(super) fn wait(&self, engine: &Engine, phase: u64, asleep: impl FnOnce()) -> Result<()> {
        let gone = || matches!(&self.side, Side::Far(far) if far.gone.load(Ordering::Acquire));
        engine.wait_asleep(|| self.completed() >= phase || gone(), &self.seats, asleep, None)?;
        match &self.side {
            Side::Far(far) if self.completed() < phase => stale(far.handle, Self::KIND),
            _ => match phase.checked_sub(1).map_or(0, |phase| self.error(engine, phase)) {
                0 => Ok(()),
                error => Err(engine.failures.error(error)),
            },
        }
    }

    pub(super) fn is_far(&self) -> bool {
        matches!(self.side, Side::Far(_))
    }
}

impl Placed for PhaseBarrier {
    const KIND: Kind = Kind::PhaseBarrier;

    fn at(attention: &Arc<Attention>, mapping: &Mapping, offset: usize) -> Option<Self> {
        Some(Self::new(attention, Side::Near(mapping.place(offset)?, News::pigeonhole(offset as u64))))
    }

    fn far(attention: &Arc<Attention>, handle: u64) -> Result<Self> {
        Ok(Self::new(attention, Side::Far(Far { handle, subscribed: AtomicBool::new(false), gone: AtomicBool::new(false) })))
    }

    fn bytes(&self) -> usize {
        size_of::<BarrierWords>()
    }

    fn handle(&self) -> u64 {
        match &self.side {
            // As in `words`.
            Side::Near(words, _) => unsafe { words.as_ref() }.phases.handle(),
            Side::Far(far) => match far.gone.load(Ordering::Acquire) {
                true => 0,
                false => far.handle,
            },
        }
    }

    fn publish(&self, handle: u64) {
        let Some(words) = self.words() else { return };
        if handle == 0 {
            // The place may be another barrier's soon.
            let note = Note::Gone { done: words.phases.completed() };
            for rank in self.subscribers.lock().ranks.drain(..) {
                note.send(&self.attention.messages, rank, words.phases.handle());
            }
        }
        words.phases.publish(handle);
    }

    fn leave(self: Arc<Self>, attention: &Attention) {
        match &self.side {
            Side::Far(far) => {
                if far.subscribed.load(Ordering::Acquire) && !far.gone.load(Ordering::Acquire) {
                    Note::Unsubscribe.send_to_owner(&attention.messages, far.handle);
                }
            }
            &Side::Near(_, pigeonhole) => {
                if self.awaited.load(Ordering::Acquire) {
                    attention.end_awaiting();
                }
                let listener: Arc<dyn Listener> = self;
                attention.forget(&listener, pigeonhole);
            }
        }
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
    fn arrive(&self, engine: &Engine, phase: u64, error: u32) {
        match &self.side {
            _ if error == 0 => {}
            Side::Near(..) => self.fail(engine, phase, error),
            Side::Far(far) => {
                let owner = Handle::of(far.handle).owner;
                self.send_failure(engine, owner, far.handle, phase, engine.failures.code(error));
            }
        }
        // The launch checked what it could; an arrival too many is a failure that the next wait tells of.
        if let Err(error) = PhaseBarrier::arrive(self, engine, phase, 1) {
            engine.fail(format!("arrival at a phase barrier on rank {}: {}", engine.rank, error.text));
        }
    }

    fn address(&self) -> Option<u64> {
        Some(match &self.side {
            Side::Near(..) => self.handle(),
            Side::Far(far) => far.handle,
        })
    }
}
