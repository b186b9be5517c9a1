//! What phase barriers and dynamic collectives have in common, as it lies in memory that the ranks of a node share: who is here,
//! how many phases are complete, and who wants to be told.
//!
//! * `stamp`: the handle of what lies here, or 0: stale and invented handles are noticed on any rank.
//! * `completed`: phases in order that are complete. Whoever makes a phase complete fences and then counts on: of two that
//!   make neighbouring phases complete at once, at least one sees both and counts both.
//! * `listeners`: a bit for each rank modulo 64 that wants to be told. A listener sets its bit, fences and looks at
//!   `completed`; whoever counts fences and looks at `listeners`. One of the two sees the other.
//!
//! And how the word of a phase is made up: `round:24 | count:20 | count:20`, one word for each phase modulo their number. A word of
//! an earlier round is over, and the first arrival of the next round takes it. (A thread would have to stand still between
//! its load and its exchange for 2^24 rounds for an old word to look new.)

use crate::base::sync::atomic::{fence, AtomicU64, Ordering};
use crate::base::sync::Padded;
use crate::base::Result;
use crate::fail;

/// How far arrivals may run ahead of the first phase that is not complete.
pub(super) const PHASES: u64 = if cfg!(loom) { 2 } else { 64 };
const ROUNDS: u64 = 1 << 24;
/// The last round there is: no phase is of it for long.
pub(super) const LAST_ROUND: u64 = ROUNDS - 1;
pub const MOST_ARRIVALS: u32 = (1 << 20) - 1;

pub(super) fn round(phase: u64) -> u64 {
    phase / PHASES % ROUNDS
}

/// The place of a phase among as many as there are words.
pub(super) fn place(phase: u64) -> usize {
    (phase % PHASES) as usize
}

pub(super) fn word([round, high, low]: [u64; 3]) -> u64 {
    round << 40 | high << 20 | low
}

/// Round and counts of a word.
pub(super) fn parts(word: u64) -> [u64; 3] {
    let count = |word| word & u64::from(MOST_ARRIVALS);
    [word >> 40, count(word >> 20), count(word)]
}

#[repr(C)]
pub struct PhaseCount {
    stamp: AtomicU64,
    listeners: AtomicU64,
    completed: Padded<AtomicU64>,
}

impl PhaseCount {
    /// Nothing complete, nobody listening, and not there before `publish`.
    pub(super) fn reset(&self) {
        self.publish(0);
        self.listeners.store(0, Ordering::Relaxed);
        self.completed.store(0, Ordering::Relaxed);
    }

    pub fn publish(&self, handle: u64) {
        self.stamp.store(handle, Ordering::Release);
    }

    /// The handle that was published; 0 when what lay here was destroyed.
    pub fn handle(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    /// Phases completed so far: phase `p` is complete when this exceeds `p`.
    #[inline]
    pub fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
    }

    /// Whether arrivals at the phase may still come. Ask after the phase's word was loaded: if that is of a later round, somebody saw
    /// this phase complete. `remedy` is what keeps arrivals from running too far ahead.
    #[inline]
    pub(super) fn check_open(&self, phase: u64, remedy: &str) -> Result<()> {
        let done = self.completed();
        if phase < done {
            fail!(WrongOrder, "phase {phase} is complete already, {done} phases are; advance the handle after each arrival");
        }
        if phase >= done + PHASES {
            fail!(
                Resources,
                "phase {phase} is more than {} ahead of phase {done}, which is not complete; {remedy} now and then",
                PHASES - 1
            );
        }
        Ok(())
    }

    /// Counts the phases that are complete, in order; their number if this call counted any. Call when one became so.
    pub(super) fn count_on(&self, is_complete: impl Fn(u64) -> bool) -> Option<u64> {
        fence(Ordering::SeqCst);
        let (mut done, mut counted) = (self.completed(), None);
        loop {
            if !is_complete(done) {
                let now = self.completed();
                if now == done {
                    return counted;
                }
                done = now;
                continue;
            }
            match self.completed.compare_exchange(done, done + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    done += 1;
                    counted = Some(done);
                }
                Err(now) => done = now,
            }
        }
    }

    /// From here on whoever completes phases sees this bit. Look at `completed` afterwards.
    pub fn listen(&self, bit: u32) {
        self.listeners.fetch_or(1 << bit, Ordering::AcqRel);
        fence(Ordering::SeqCst);
    }

    /// Whom to tell that phases are complete.
    pub fn listeners(&self) -> u64 {
        fence(Ordering::SeqCst);
        self.listeners.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(super) fn no_phases() -> PhaseCount {
    PhaseCount { stamp: AtomicU64::new(0), listeners: AtomicU64::new(0), completed: Padded(AtomicU64::new(0)) }
}
