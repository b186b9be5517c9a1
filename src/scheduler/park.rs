//! One thread's place to sleep: a futex word. Waking costs a system call only if the thread sleeps.

use crate::base::futex::{Futex, Reach};
use crate::base::sync::atomic::Ordering;
use std::time::Duration;

const EMPTY: u32 = 0;
const WOKEN: u32 = 1;
const ASLEEP: u32 = 2;

/// A wake that comes before the sleep is kept, so that none is lost. One thread sleeps, any wakes.
#[derive(Debug, Default)]
pub struct Word(Futex);

impl Word {
    /// Sleeps until woken, or for `limit`; returns at once if a wake is pending.
    pub fn sleep(&self, limit: Option<Duration>) {
        if self.0.compare_exchange(EMPTY, ASLEEP, Ordering::Acquire, Ordering::Acquire).is_ok() {
            // Returns early when the word is no longer ASLEEP; a spurious return is harmless, callers look again.
            self.0.wait(ASLEEP, limit, Reach::Process);
        }
        // Acquires what a wake that came meanwhile had published: the caller looks again after this.
        self.0.swap(EMPTY, Ordering::AcqRel);
    }

    pub fn wake(&self) {
        if self.0.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            self.0.wake(1, Reach::Process);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_wake_before_the_sleep_is_kept() {
        let word = Word::default();
        word.wake();
        word.sleep(None);
        let start = Instant::now();
        word.sleep(Some(Duration::from_millis(5)));
        assert!(start.elapsed() >= Duration::from_millis(4));
    }

    #[test]
    fn a_sleeper_is_woken() {
        let word = Word::default();
        std::thread::scope(|scope| {
            scope.spawn(|| word.sleep(None));
            std::thread::sleep(Duration::from_millis(5));
            word.wake();
        });
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{atomic::AtomicU32, thread, Arc};

    #[test]
    fn model_a_sleeper_sees_what_its_waker_did() {
        loom::model(|| {
            let shared = Arc::new((Word::default(), AtomicU32::new(0)));
            let other = shared.clone();
            let waker = thread::spawn(move || {
                other.1.store(1, Ordering::Relaxed);
                other.0.wake();
            });
            while shared.1.load(Ordering::Relaxed) == 0 {
                shared.0.sleep(None);
            }
            waker.join().unwrap();
        });
    }

    #[test]
    fn model_of_two_wakers_each_is_heeded() {
        loom::model(|| {
            let shared = Arc::new((Word::default(), AtomicU32::new(0)));
            let wakers = [1, 2].map(|bit| {
                let other = shared.clone();
                thread::spawn(move || {
                    other.1.fetch_or(bit, Ordering::Relaxed);
                    other.0.wake();
                })
            });
            while shared.1.load(Ordering::Relaxed) != 3 {
                shared.0.sleep(None);
            }
            wakers.into_iter().for_each(|w| w.join().unwrap());
        });
    }
}
