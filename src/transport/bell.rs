//! How one process wakes another on its node: a futex word that lies in memory they share. Ringing costs a system call only
//! if somebody sleeps.
//!
//! Nobody has to be woken while nothing in the listening process waits for a ring (`awaited`), nor while some thread of it
//! polls: it announces that in `pollers`, and looks at `count` once more after it took that back.
//!
//! A listener reads `count`, looks at whatever it waits for, announces itself in `asleep`, and sleeps if `count` is still
//! the same. A ringer counts up and then looks at the other words; all are sequentially consistent, so that one sees the other.

use crate::base::futex::{Futex, Reach};
use crate::base::sync::atomic::{AtomicU32, Ordering};
use crate::base::sync::in_one_order;

#[repr(C)]
#[derive(Debug, Default)]
pub struct Bell {
    count: Futex,
    asleep: AtomicU32,
    pollers: AtomicU32,
    awaited: AtomicU32,
    /// Messages that the ranks of this node sent to the listening process.
    mail: AtomicU32,
}

impl Bell {
    /// How often it was rung.
    #[inline]
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    /// Call after what the listener waits for has come true.
    pub fn ring(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        in_one_order();
        let word = |word: &AtomicU32| word.load(Ordering::SeqCst);
        if word(&self.awaited) != 0 && word(&self.pollers) == 0 && word(&self.asleep) != 0 {
            self.wake();
        }
    }

    /// Rings so that sleepers wake whatever others do.
    pub fn ring_out(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// Call after a message for the listening process was given to the transport.
    pub fn post(&self) {
        self.mail.fetch_add(1, Ordering::SeqCst);
        self.ring_out();
    }

    /// How many messages were posted.
    #[inline]
    pub fn mail(&self) -> u32 {
        self.mail.load(Ordering::SeqCst)
    }

    fn wake(&self) {
        self.count.wake(i32::MAX, Reach::Node);
    }

    /// From here on something waits for a ring. Whoever calls looks afterwards whether it has come true already.
    pub fn begin_awaiting(&self) {
        self.awaited.fetch_add(1, Ordering::SeqCst);
        in_one_order();
    }

    pub fn end_awaiting(&self) {
        self.awaited.fetch_sub(1, Ordering::SeqCst);
    }

    /// From here on the calling thread looks at `count` again and again.
    pub fn begin_polling(&self) {
        self.pollers.fetch_add(1, Ordering::SeqCst);
    }

    /// The calling thread has to look at `count` once more afterwards.
    pub fn end_polling(&self) {
        self.pollers.fetch_sub(1, Ordering::SeqCst);
        in_one_order();
    }

    /// Sleeps until it was rung since `count` was read. May return early.
    pub fn listen(&self, count: u32) {
        self.asleep.fetch_add(1, Ordering::SeqCst);
        in_one_order();
        if self.count() == count {
            self.count.wait(count, None, Reach::Node);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_ring_is_lost() {
        const TURNS: u32 = 2000;
        let (there, back, turn) = (Bell::default(), Bell::default(), AtomicU32::new(0));
        let wait = |bell: &Bell, wanted: u32| loop {
            let count = bell.count();
            if turn.load(Ordering::Acquire) == wanted {
                return;
            }
            bell.listen(count);
        };
        there.begin_awaiting();
        back.begin_awaiting();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for i in 0..TURNS {
                    wait(&there, 2 * i + 1);
                    turn.store(2 * i + 2, Ordering::Release);
                    back.ring();
                }
            });
            for i in 0..TURNS {
                // A poller that gives up leaves what it missed to the one that sleeps.
                back.begin_polling();
                turn.store(2 * i + 1, Ordering::Release);
                there.ring();
                std::thread::yield_now();
                back.end_polling();
                wait(&back, 2 * i + 2);
            }
        });
        assert_eq!(turn.into_inner(), 2 * TURNS);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{atomic::AtomicU64, thread, Arc};
    use crate::transport::News;

    /// A word in shared memory, and what tells of it.
    #[derive(Default)]
    struct Rank {
        word: AtomicU64,
        bell: Bell,
        news: News,
    }

    impl Rank {
        /// As `NodeMemory::ring` after a change that a fence follows, as in `PhaseCount::listeners`.
        fn change(&self, bit: u64) {
            self.word.fetch_or(bit, Ordering::AcqRel);
            crate::base::sync::atomic::fence(Ordering::SeqCst);
            self.news.mark(0);
            self.bell.ring();
        }

        fn look(&self, seen: &mut u64) {
            self.news.take(|_| *seen = self.word.load(Ordering::Acquire));
        }

        /// As `Attention::attend`.
        fn attend(&self, wanted: u64) {
            let (mut seen, mut answered) = (0, 0);
            while seen != wanted {
                let count = self.bell.count();
                if count == answered {
                    self.bell.listen(count);
                } else {
                    answered = count;
                    self.look(&mut seen);
                }
            }
        }
    }

    #[test]
    fn model_who_sleeps_at_the_bell_sees_every_change() {
        loom::model(|| {
            let rank = Arc::new(Rank::default());
            rank.bell.begin_awaiting();
            let ringers = [1, 2].map(|bit| {
                let other = rank.clone();
                thread::spawn(move || other.change(bit))
            });
            rank.attend(3);
            ringers.into_iter().for_each(|ringer| ringer.join().unwrap());
        });
    }

    #[test]
    fn model_a_ring_while_somebody_polls_is_seen_by_the_poller() {
        loom::model(|| {
            let rank = Arc::new(Rank::default());
            rank.bell.begin_awaiting();
            let (ringer, sleeper) = (rank.clone(), rank.clone());
            let ringer = thread::spawn(move || ringer.change(1));
            let sleeper = thread::spawn(move || sleeper.bell.listen(0));
            rank.bell.begin_polling();
            rank.bell.end_polling();
            // What the poller saw, the sleeper need not be woken for; otherwise the ringer has to.
            if rank.bell.count() != 0 {
                rank.bell.ring_out();
            }
            ringer.join().unwrap();
            sleeper.join().unwrap();
        });
    }

    #[test]
    fn model_what_came_before_anybody_waited_is_seen_by_who_begins_to() {
        loom::model(|| {
            let rank = Arc::new(Rank::default());
            let (ringer, sleeper) = (rank.clone(), rank.clone());
            let ringer = thread::spawn(move || ringer.change(1));
            let woken = thread::spawn(move || sleeper.attend(1));
            rank.bell.begin_awaiting();
            if rank.word.load(Ordering::Acquire) == 1 {
                rank.bell.ring_out();
            }
            ringer.join().unwrap();
            woken.join().unwrap();
        });
    }
}
