//! One thread's place to sleep: a futex word. Waking costs a system call only if the thread sleeps.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const EMPTY: u32 = 0;
const WOKEN: u32 = 1;
const ASLEEP: u32 = 2;

/// A wake that comes before the sleep is kept, so that none is lost. One thread sleeps, any wakes.
#[derive(Debug, Default)]
pub struct Word(AtomicU32);

impl Word {
    /// Sleeps until woken, or for `limit`; returns at once if a wake is pending.
    pub fn sleep(&self, limit: Option<Duration>) {
        if self.0.compare_exchange(EMPTY, ASLEEP, Ordering::Acquire, Ordering::Acquire).is_ok() {
            let time = limit.map(|t| libc::timespec { tv_sec: t.as_secs() as _, tv_nsec: t.subsec_nanos() as _ });
            let time = time.as_ref().map_or(std::ptr::null(), |t| t as *const libc::timespec);
            // Returns early when the word is no longer ASLEEP; a spurious return is harmless, callers look again.
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAIT, ASLEEP, time) };
        }
        // Acquires what a wake that came meanwhile had published: the caller looks again after this.
        self.0.swap(EMPTY, Ordering::AcqRel);
    }

    pub fn wake(&self) {
        if self.0.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), libc::FUTEX_WAKE, 1) };
        }
    }
}

#[cfg(test)]
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
