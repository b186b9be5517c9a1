//! The words of a dynamic collective, as they lie in memory that the ranks of a node share: a phase barrier whose arrivals
//! bring values. The values of a phase are kept apart until all have come and are then folded in an order that does not
//! depend on who came first, so that the result is the same, bit for bit, every time.
//!
//! * `phases`: how many are complete, and who listens (see `phase_count`, and there for what a word is). A phase is counted once its
//!   result is there.
//! * `slots`: for each phase modulo their number
//!   * `word`: `round | published | claimed`. An arrival claims an entry, writes its value there and publishes it. Whoever
//!     publishes the last folds.
//!   * `result`, `error`: of phase `result_of - 1`; `result_of` is 0 while they change. They change when the phase that
//!     many later is full. A reader that saw `result_of` as it should be before and after it read has the phase's result.
//! * `entries`: the values of the arrivals, by slot and claim.

use super::phase_count::{parts, place, round, word, PhaseCount, LAST_ROUND, PHASES};
use crate::base::sync::atomic::{fence, AtomicU64, Ordering};
use crate::base::Result;
use crate::fail;
use smallvec::SmallVec;

/// Of how many of the last phases the results are kept.
pub const RESULTS_KEPT: u64 = PHASES;

/// An element of any type of a reduction.
pub type Value = [u64; 2];

/// What lies before the entries.
#[repr(C, align(128))]
pub struct CollectiveHead {
    pub phases: PhaseCount,
    /// What the owner noted about the values.
    kind: AtomicU64,
    arrivals: AtomicU64,
    slots: [Slot; PHASES as usize],
}

#[repr(C)]
struct Slot {
    word: AtomicU64,
    result_of: AtomicU64,
    result: [AtomicU64; 2],
    error: AtomicU64,
}

/// What one arrival brings: a value, or why it has none.
#[repr(C)]
pub struct Entry {
    value: [AtomicU64; 2],
    error: AtomicU64,
}

#[derive(Clone, Copy)]
struct Word {
    round: u64,
    published: u64,
    claimed: u64,
}

impl Word {
    fn of(word: u64) -> Self {
        let [round, published, claimed] = parts(word);
        Self { round, published, claimed }
    }

    fn word(self) -> u64 {
        word([self.round, self.published, self.claimed])
    }
}

const ONE_PUBLISHED: u64 = 1 << 20;

impl CollectiveHead {
    /// Entries that a collective of so many arrivals a phase has.
    pub fn entries(arrivals: u32) -> usize {
        PHASES as usize * arrivals as usize
    }

    pub fn arrivals(&self) -> u32 {
        self.arrivals.load(Ordering::Relaxed) as u32
    }

    pub fn kind(&self) -> u64 {
        self.kind.load(Ordering::Relaxed)
    }

    /// Makes words that nobody uses, whatever they hold, those of a new collective. It exists from
    /// `phases.publish` on.
    pub fn reset(&self, arrivals: u32, kind: u64) {
        self.phases.reset();
        self.arrivals.store(arrivals.into(), Ordering::Relaxed);
        self.kind.store(kind, Ordering::Relaxed);
        let over = Word { round: LAST_ROUND, published: arrivals.into(), claimed: arrivals.into() }.word();
        for slot in &self.slots {
            slot.word.store(over, Ordering::Relaxed);
            slot.result_of.store(0, Ordering::Relaxed);
        }
    }

    /// How many have arrived at the first phase that is not complete.
    pub fn came(&self) -> u32 {
        let done = self.phases.completed();
        let word = Word::of(self.slot(done).word.load(Ordering::Acquire));
        if word.round == round(done) { word.claimed as u32 } else { 0 }
    }

    fn slot(&self, phase: u64) -> &Slot {
        &self.slots[place(phase)]
    }

    /// An entry for one arrival at `phase`.
    fn claim(&self, phase: u64) -> Result<usize> {
        let (slot, wanted) = (self.slot(phase), u64::from(self.arrivals()));
        let mut old = slot.word.load(Ordering::Acquire);
        loop {
            self.phases.check_open(phase, "take a result")?;
            let mut now = Word::of(old);
            if now.round != round(phase) {
                now = Word { round: round(phase), published: 0, claimed: 0 };
            }
            if now.claimed == wanted {
                fail!(WrongOrder, "all {wanted} arrivals of phase {phase} have come; create the collective for more, or advance the handle");
            }
            let new = Word { claimed: now.claimed + 1, ..now }.word();
            match slot.word.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(place(phase) * wanted as usize + now.claimed as usize),
                Err(current) => old = current,
            }
        }
    }

    /// One arrival at a phase with a value, or with the failure that left it without one; the number of completed phases if
    /// this call completed some. `entries` are those behind this head. `claimed` is called once the arrival is accepted and
    /// before it counts: whoever takes results there that are complete does not lose them to later phases. `fold` gets the
    /// values of a phase in their order.
    pub fn arrive(
        &self,
        entries: &[Entry],
        phase: u64,
        value: Value,
        error: u64,
        claimed: impl FnOnce(),
        fold: impl FnOnce(&[Value]) -> Value,
    ) -> Result<Option<u64>> {
        let (slot, wanted) = (self.slot(phase), self.arrivals() as usize);
        let at = self.claim(phase)?;
        let entry = &entries[at];
        entry.value[0].store(value[0], Ordering::Relaxed);
        entry.value[1].store(value[1], Ordering::Relaxed);
        entry.error.store(error, Ordering::Relaxed);
        claimed();
        let word = Word::of(slot.word.fetch_add(ONE_PUBLISHED, Ordering::AcqRel));
        if word.published as usize + 1 < wanted {
            return Ok(None);
        }
        let first = place(phase) * wanted;
        slot.conclude(phase, &entries[first..first + wanted], fold);
        Ok(self.phases.count_on(|phase| self.slot(phase).result_of.load(Ordering::Acquire) == phase + 1))
    }

    /// The result of a phase, or the failure (not 0) that kept it from having one.
    pub fn result(&self, phase: u64) -> Result<(Value, u64)> {
        let done = self.phases.completed();
        if phase >= done {
            fail!(WrongOrder, "phase {phase} is not complete, {done} phases are");
        }
        let slot = self.slot(phase);
        let is_here = |order| slot.result_of.load(order) == phase + 1;
        if is_here(Ordering::Acquire) {
            let value = [slot.result[0].load(Ordering::Relaxed), slot.result[1].load(Ordering::Relaxed)];
            let error = slot.error.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if is_here(Ordering::Relaxed) {
                return Ok((value, error));
            }
        }
        fail!(
            WrongOrder,
            "the result of phase {phase} is no longer kept: {done} phases are complete, and only the last {PHASES} results are; ask for a result before so many further phases"
        );
    }
}

impl Slot {
    fn conclude(&self, phase: u64, entries: &[Entry], fold: impl FnOnce(&[Value]) -> Value) {
        let load = |entry: &Entry| [entry.value[0].load(Ordering::Relaxed), entry.value[1].load(Ordering::Relaxed)];
        let mut values: SmallVec<[Value; 32]> = entries.iter().map(load).collect();
        // Any order will do that the values alone decide.
        values.sort_unstable();
        let error = entries.iter().map(|entry| entry.error.load(Ordering::Relaxed)).filter(|&error| error != 0).min();
        let result = if error.is_some() { [0; 2] } else { fold(&values) };
        self.result_of.store(0, Ordering::Relaxed);
        // A reader that sees any of the new words sees that they are not of its phase.
        fence(Ordering::Release);
        self.result[0].store(result[0], Ordering::Relaxed);
        self.result[1].store(result[1], Ordering::Relaxed);
        self.error.store(error.unwrap_or(0), Ordering::Relaxed);
        self.result_of.store(phase + 1, Ordering::Release);
    }
}

#[cfg(test)]
struct Words {
    head: CollectiveHead,
    entries: Vec<Entry>,
}

#[cfg(test)]
impl Words {
    fn new(arrivals: u32) -> Self {
        let zero = || AtomicU64::new(0);
        let slot = |_| Slot { word: zero(), result_of: zero(), result: [zero(), zero()], error: zero() };
        let head = CollectiveHead {
            phases: super::phase_count::no_phases(),
            kind: zero(),
            arrivals: zero(),
            slots: std::array::from_fn(slot),
        };
        head.reset(arrivals, 0);
        let entry = |_| Entry { value: [zero(), zero()], error: zero() };
        Self { head, entries: (0..CollectiveHead::entries(arrivals)).map(entry).collect() }
    }

    /// Folds as digits, so that the order shows.
    fn arrive(&self, phase: u64, value: u64) -> Result<Option<u64>> {
        let digits = |values: &[Value]| [values.iter().fold(0, |sum, value| 10 * sum + value[0]), 7];
        self.head.arrive(&self.entries, phase, [value, 0], 0, || (), digits)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::base::Status;

    fn refused<T: std::fmt::Debug>(result: Result<T>, status: Status, part: &str) {
        let error = result.unwrap_err();
        assert!(error.status == status && error.text.contains(part), "{error:?}");
    }

    #[test]
    fn values_are_folded_in_their_own_order() {
        for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let words = Words::new(3);
            assert_eq!(words.arrive(0, order[0]), Ok(None));
            assert_eq!(words.arrive(0, order[1]), Ok(None));
            refused(words.head.result(0), Status::WrongOrder, "phase 0 is not complete");
            assert_eq!((words.head.came(), words.arrive(0, order[2])), (2, Ok(Some(1))));
            assert_eq!(words.head.result(0), Ok(([123, 7], 0)));
        }
    }

    #[test]
    fn results_stay_for_a_whole_ring_and_are_then_missed() {
        let words = Words::new(1);
        for phase in 0..1000 {
            assert_eq!(words.arrive(phase, phase), Ok(Some(phase + 1)));
            let oldest = (phase + 1).saturating_sub(PHASES);
            assert_eq!(words.head.result(oldest), Ok(([oldest, 7], 0)));
            if oldest > 0 {
                refused(words.head.result(oldest - 1), Status::WrongOrder, "is no longer kept");
            }
        }
    }

    #[test]
    fn a_failed_arrival_fails_its_phase_and_no_other() {
        let words = Words::new(2);
        words.arrive(0, 5).unwrap();
        words.head.arrive(&words.entries, 0, [0; 2], 42, || (), |_| unreachable!("a failed phase has no result")).unwrap();
        assert_eq!(words.head.result(0), Ok(([0; 2], 42)));
        words.arrive(1, 5).unwrap();
        words.arrive(1, 6).unwrap();
        assert_eq!(words.head.result(1), Ok(([56, 7], 0)));
    }

    #[test]
    fn wrong_arrivals_change_nothing() {
        let words = Words::new(2);
        assert_eq!(words.arrive(1, 1), Ok(None));
        assert_eq!(words.arrive(1, 2), Ok(None), "full, and not complete before phase 0");
        refused(words.arrive(1, 3), Status::WrongOrder, "all 2 arrivals of phase 1");
        refused(words.arrive(64, 1), Status::Resources, "phase 64 is more than 63 ahead of phase 0");
        words.arrive(0, 8).unwrap();
        assert_eq!(words.arrive(0, 9), Ok(Some(2)));
        refused(words.arrive(0, 1), Status::WrongOrder, "phase 0 is complete already");
        assert_eq!((words.head.result(0), words.head.result(1)), (Ok(([89, 7], 0)), Ok(([12, 7], 0))));
    }

    #[test]
    fn threads_that_run_ahead_get_every_result() {
        const THREADS: u64 = 4;
        const ROUNDS: u64 = 5000;
        let words = Words::new(THREADS as u32);
        let sum = |values: &[Value]| [values.iter().map(|value| value[0]).sum(), 0];
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let words = &words;
                scope.spawn(move || {
                    let mut taken = 0;
                    for phase in 0..ROUNDS {
                        while phase >= words.head.phases.completed() + PHASES / 2 {
                            std::thread::yield_now();
                        }
                        let take = || {
                            while taken < words.head.phases.completed() {
                                assert_eq!(words.head.result(taken), Ok(([THREADS * taken + 6, 0], 0)));
                                taken += 1;
                            }
                        };
                        words.head.arrive(&words.entries, phase, [phase + thread, 0], 0, take, sum).unwrap();
                    }
                });
            }
        });
        assert_eq!(words.head.phases.completed(), ROUNDS);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    fn beside<A: Send + 'static>(words: &Arc<Words>, there: impl FnOnce(&Words) -> A + Send + 'static) -> thread::JoinHandle<A> {
        let words = words.clone();
        thread::spawn(move || there(&words))
    }

    #[test]
    fn model_whoever_comes_last_sees_both_values() {
        loom::model(|| {
            let words = Arc::new(Words::new(2));
            let other = beside(&words, |w| w.arrive(0, 1).unwrap());
            let mine = words.arrive(0, 2).unwrap();
            let theirs = other.join().unwrap();
            assert_eq!((mine.or(theirs), mine.is_some() && theirs.is_some()), (Some(1), false));
            assert_eq!(words.head.result(0), Ok(([12, 7], 0)));
        });
    }

    #[test]
    fn model_neighbouring_phases_concluded_at_once_are_both_counted() {
        loom::model(|| {
            let words = Arc::new(Words::new(1));
            let other = beside(&words, |w| w.arrive(1, 5).unwrap());
            words.arrive(0, 4).unwrap();
            other.join().unwrap();
            assert_eq!(words.head.phases.completed(), 2);
            assert_eq!((words.head.result(0), words.head.result(1)), (Ok(([4, 7], 0)), Ok(([5, 7], 0))));
        });
    }

    #[test]
    fn model_a_late_reader_gets_its_result_or_an_error() {
        loom::model(|| {
            let words = Arc::new(Words::new(1));
            words.arrive(0, 4).unwrap();
            words.arrive(1, 5).unwrap();
            let other = beside(&words, |w| w.arrive(2, 6).unwrap());
            if let Ok(result) = words.head.result(0) {
                assert_eq!(result, ([4, 7], 0));
            }
            other.join().unwrap();
            assert!(words.head.result(0).is_err());
        });
    }

    #[test]
    fn model_a_listener_is_told_or_sees_for_itself() {
        loom::model(|| {
            let words = Arc::new(Words::new(1));
            let other = beside(&words, |w| {
                w.arrive(0, 1).unwrap();
                w.head.phases.listeners()
            });
            words.head.phases.listen(3);
            let seen = words.head.phases.completed();
            let told = other.join().unwrap();
            assert!(seen == 1 || told == 1 << 3);
        });
    }
}
