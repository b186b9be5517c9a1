//! How one process wakes another on its node: a futex word that lies in memory they share. Ringing costs a system call only
//! if somebody sleeps.
//!
//! Nobody has to be woken while nothing in the listening process waits for a ring (`awaited`), nor while some thread of it
//! polls: it announces that in `pollers`, and looks at `count` once more after it took that back.
//!
//! A listener reads `count`, looks at whatever it waits for, announces itself in `asleep`, and sleeps if `count` is still
//! the same. A ringer counts up and then looks at the other words; all are sequentially consistent, so that one sees the other.

use std::sync::atomic::{AtomicU32, Ordering};

#[repr(C)]
#[derive(Debug, Default)]
pub struct Bell {
    count: AtomicU32,
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
        unsafe { libc::syscall(libc::SYS_futex, self.count.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
    }

    /// From here on something waits for a ring. Whoever calls looks afterwards whether it has come true already.
    pub fn begin_awaiting(&self) {
        self.awaited.fetch_add(1, Ordering::SeqCst);
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
    }

    /// Sleeps until it was rung since `count` was read. May return early.
    pub fn listen(&self, count: u32) {
        self.asleep.fetch_add(1, Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == count {
            let forever = std::ptr::null::<libc::timespec>();
            // Not FUTEX_PRIVATE: ringers are other processes. The kernel compares the word with `count` once more.
            unsafe { libc::syscall(libc::SYS_futex, self.count.as_ptr(), libc::FUTEX_WAIT, count, forever) };
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
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
