//! The words of a phase barrier, as they lie in memory that the ranks of a node share. Any rank changes them; whoever
//! completes a phase tells those that listen.
//!
//! * `phases`: how many are complete, and who listens (see `phase_count`, and there for what a word is).
//! * `words`: one for each phase modulo their number: `round | came | wanted`. A word with `came == wanted` is full and does not
//!   change before the phase is counted and the next round takes the word, so that arrivals and alterations of a phase
//!   never cross its completion.
//! * `failures`: for each phase modulo their number why it failed, written before an arrival of that phase; `failed` tells
//!   whether any ever did.

use super::phase_count::{parts, place, round, word, PhaseCount, LAST_ROUND, MOST_ARRIVALS, PHASES};
use crate::base::sync::atomic::{AtomicU64, Ordering};
use crate::base::Result;
use crate::fail;

#[repr(C, align(128))]
pub struct BarrierWords {
    pub phases: PhaseCount,
    usual: AtomicU64,
    words: [AtomicU64; PHASES as usize],
    failed: AtomicU64,
    failures: [Failure; PHASES as usize],
}

#[repr(C)]
struct Failure {
    /// Phase + 1, or 0.
    of: AtomicU64,
    code: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Phase {
    round: u64,
    came: u64,
    wanted: u64,
}

impl Phase {
    fn of(word: u64) -> Self {
        let [round, came, wanted] = parts(word);
        Self { round, came, wanted }
    }

    fn word(self) -> u64 {
        word([self.round, self.came, self.wanted])
    }

    fn is_full(self) -> bool {
        self.came == self.wanted
    }
}

impl BarrierWords {
    /// Makes words that nobody uses, whatever they hold, those of a barrier whose phases expect `arrivals` each. It exists
    /// from `phases.publish` on.
    pub fn reset(&self, arrivals: u32) {
        let over = Phase { round: LAST_ROUND, came: 1, wanted: 1 }.word();
        self.phases.reset();
        self.usual.store(arrivals.into(), Ordering::Relaxed);
        for word in &self.words {
            word.store(over, Ordering::Relaxed);
        }
        self.failed.store(0, Ordering::Relaxed);
        for failure in &self.failures {
            failure.of.store(0, Ordering::Relaxed);
        }
    }

    fn phase(&self, phase: u64) -> Phase {
        Phase::of(self.words[place(phase)].load(Ordering::Acquire))
    }

    /// How many arrivals have come at the first phase that is not complete, and how many it expects.
    pub fn arrivals(&self) -> (u64, u64) {
        let phase = self.phases.completed();
        let now = self.phase(phase);
        match now.round == round(phase) {
            true => (now.came, now.wanted),
            false => (0, self.usual.load(Ordering::Relaxed)),
        }
    }

    /// `count` arrivals at a phase; the number of completed phases if this call completed some.
    pub fn arrive(&self, phase: u64, count: u32) -> Result<Option<u64>> {
        if !(1..=MOST_ARRIVALS).contains(&count) {
            fail!(InvalidArgument, "{count} arrivals; arrive from 1 to {MOST_ARRIVALS} times at once");
        }
        self.change(phase, 0, count.into())
    }

    /// The phase expects `delta` more arrivals, or fewer.
    pub fn alter(&self, phase: u64, delta: i32) -> Result<Option<u64>> {
        self.change(phase, delta.into(), 0)
    }

    /// The phase fails with a code that is not 0. Call before an arrival at it that is still to come.
    pub fn fail(&self, phase: u64, code: u64) {
        let failure = &self.failures[place(phase)];
        failure.code.store(code, Ordering::Relaxed);
        failure.of.store(phase + 1, Ordering::Release);
        self.failed.store(1, Ordering::Release);
    }

    /// The phases from `first` on, all complete, that failed, and why. Failures of phases long ago are forgotten.
    pub fn failures(&self, first: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let slots = if self.failed.load(Ordering::Acquire) == 0 { &[][..] } else { &self.failures };
        let done = self.phases.completed();
        slots.iter().filter_map(move |failure| {
            let phase = failure.of.load(Ordering::Acquire).checked_sub(1)?;
            (first..done).contains(&phase).then(|| (phase, failure.code.load(Ordering::Relaxed)))
        })
    }

    fn change(&self, phase: u64, delta: i64, count: u64) -> Result<Option<u64>> {
        let slot = &self.words[place(phase)];
        let mut old = slot.load(Ordering::Acquire);
        loop {
            self.phases.check_open(phase, "wait for a phase")?;
            let mut now = Phase::of(old);
            if now.round != round(phase) {
                now = Phase { round: round(phase), came: 0, wanted: self.usual.load(Ordering::Relaxed) };
            } else if now.is_full() {
                fail!(WrongOrder, "all {} arrivals of phase {phase} have come; create the barrier for more, or advance the handle", now.wanted);
            }
            let (came, wanted) = (now.came + count, now.wanted as i64 + delta);
            if wanted < 1 || wanted > MOST_ARRIVALS.into() || came > wanted as u64 {
                fail!(
                    WrongOrder,
                    "{came} arrivals at phase {phase}, which expects {wanted}; create the barrier for more, from 1 to {MOST_ARRIVALS}, or advance the handle"
                );
            }
            let new = Phase { came, wanted: wanted as u64, ..now };
            match slot.compare_exchange_weak(old, new.word(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if new.is_full() => return Ok(self.count_on()),
                Ok(_) => return Ok(None),
                Err(current) => old = current,
            }
        }
    }

    /// The number of completed phases if there are more now.
    fn count_on(&self) -> Option<u64> {
        self.phases.count_on(|phase| {
            let now = self.phase(phase);
            now.round == round(phase) && now.is_full()
        })
    }
}

#[cfg(test)]
fn words_for(arrivals: u32) -> BarrierWords {
    let words = BarrierWords {
        phases: super::phase_count::no_phases(),
        usual: AtomicU64::new(0),
        words: std::array::from_fn(|_| AtomicU64::new(0)),
        failed: AtomicU64::new(0),
        failures: std::array::from_fn(|_| Failure { of: AtomicU64::new(0), code: AtomicU64::new(0) }),
    };
    words.reset(arrivals);
    words
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::base::Status;

    #[test]
    fn phases_complete_in_order_however_arrivals_come() {
        let words = words_for(2);
        assert_eq!(words.arrive(1, 2), Ok(None));
        assert_eq!(words.arrive(0, 1), Ok(None));
        assert_eq!(words.phases.completed(), 0);
        assert_eq!(words.arrive(0, 1), Ok(Some(2)));
        for phase in 2..1000 {
            assert_eq!(words.arrive(phase, 2), Ok(Some(phase + 1)));
        }
    }

    #[test]
    fn a_phase_may_expect_more_or_fewer() {
        let words = words_for(2);
        assert_eq!(words.alter(0, 1), Ok(None));
        assert_eq!(words.arrive(0, 2), Ok(None));
        assert_eq!(words.alter(0, -1), Ok(Some(1)));
        assert_eq!(words.alter(1, -1), Ok(None));
        assert_eq!(words.arrive(1, 1), Ok(Some(2)));
        assert_eq!(words.arrive(2, 1), Ok(None), "the next phase expects as many as at first");
    }

    #[test]
    fn wrong_arrivals_change_nothing() {
        let words = words_for(2);
        words.arrive(0, 1).unwrap();
        let refused = |result: Result<Option<u64>>, status, part: &str| {
            let error = result.unwrap_err();
            assert!(error.status == status && error.text.contains(part), "{error:?}");
        };
        refused(words.arrive(0, 0), Status::InvalidArgument, "0 arrivals");
        refused(words.arrive(0, 2), Status::WrongOrder, "3 arrivals at phase 0, which expects 2");
        refused(words.alter(0, -2), Status::WrongOrder, "expects 0");
        refused(words.alter(0, i32::MAX), Status::WrongOrder, "expects 2147483649");
        refused(words.arrive(64, 1), Status::Resources, "phase 64 is more than 63 ahead of phase 0");
        assert_eq!(words.arrive(63, 2), Ok(None));
        refused(words.arrive(63, 1), Status::WrongOrder, "all 2 arrivals of phase 63");
        assert_eq!(words.arrive(0, 1), Ok(Some(1)));
        refused(words.arrive(0, 1), Status::WrongOrder, "phase 0 is complete already");
    }

    #[test]
    fn a_phase_that_failed_says_why() {
        let words = words_for(1);
        words.arrive(0, 1).unwrap();
        words.fail(1, 99);
        assert_eq!(words.failures(0).next(), None, "it is not complete");
        words.arrive(1, 1).unwrap();
        words.arrive(2, 1).unwrap();
        assert_eq!(words.failures(0).collect::<Vec<_>>(), [(1, 99)]);
        assert_eq!(words.failures(2).next(), None);
    }

    #[test]
    fn threads_that_arrive_at_once_are_all_counted() {
        const THREADS: u32 = 4;
        const ROUNDS: u64 = 5000;
        let words = words_for(THREADS);
        let completions: usize = std::thread::scope(|scope| {
            let arrive_and_wait = || {
                (0..ROUNDS)
                    .filter(|&phase| {
                        let completed = words.arrive(phase, 1).unwrap();
                        while words.phases.completed() <= phase {
                            std::thread::yield_now();
                        }
                        completed.is_some()
                    })
                    .count()
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(arrive_and_wait)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!((words.phases.completed(), completions as u64), (ROUNDS, ROUNDS));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    fn beside<A: Send + 'static>(
        words: &Arc<BarrierWords>,
        there: impl FnOnce(&BarrierWords) -> A + Send + 'static,
    ) -> thread::JoinHandle<A> {
        let words = words.clone();
        thread::spawn(move || there(&words))
    }

    #[test]
    fn model_one_of_the_arrivals_completes_the_phase() {
        loom::model(|| {
            let words = Arc::new(words_for(2));
            let other = beside(&words, |w| w.arrive(0, 1).unwrap());
            let mine = words.arrive(0, 1).unwrap();
            let theirs = other.join().unwrap();
            assert_eq!((mine.or(theirs), mine.is_some() && theirs.is_some()), (Some(1), false));
        });
    }

    #[test]
    fn model_neighbouring_phases_filled_at_once_are_both_counted() {
        loom::model(|| {
            let words = Arc::new(words_for(1));
            let other = beside(&words, |w| w.arrive(1, 1).unwrap());
            let mine = words.arrive(0, 1).unwrap();
            let theirs = other.join().unwrap();
            assert_eq!((words.phases.completed(), mine.max(theirs)), (2, Some(2)));
        });
    }

    #[test]
    fn model_a_word_is_taken_by_its_next_round() {
        loom::model(|| {
            let words = Arc::new(words_for(1));
            let other = beside(&words, |w| w.arrive(1, 1).unwrap());
            words.arrive(0, 1).unwrap();
            words.arrive(2, 1).unwrap();
            other.join().unwrap();
            assert_eq!(words.phases.completed(), 3);
        });
    }

    #[test]
    fn model_an_alteration_never_crosses_the_completion() {
        loom::model(|| {
            let words = Arc::new(words_for(1));
            let other = beside(&words, |w| w.alter(0, 1).is_ok());
            words.arrive(0, 1).unwrap();
            let altered = other.join().unwrap();
            assert_eq!(words.phases.completed(), u64::from(!altered));
        });
    }

    #[test]
    fn model_a_listener_is_told_or_sees_for_itself() {
        loom::model(|| {
            let words = Arc::new(words_for(1));
            let other = beside(&words, |w| {
                w.arrive(0, 1).unwrap();
                w.phases.listeners()
            });
            words.phases.listen(3);
            let seen = words.phases.completed();
            let told = other.join().unwrap();
            assert!(seen == 1 || told == 1 << 3);
        });
    }
}
