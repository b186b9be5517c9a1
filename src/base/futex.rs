//! A word that threads sleep on until another changes it: the kernel's futex, or in model tests a word with the one
//! property that counts: comparing and going to sleep are one step for whoever wakes.

use super::sync::atomic::AtomicU32;
use std::ops::Deref;

/// The word's own operations are those of an atomic. Whoever changes it wakes afterwards.
#[repr(transparent)]
#[derive(Debug, Default)]
pub struct Futex {
    #[cfg(not(loom))]
    word: AtomicU32,
    #[cfg(loom)]
    model: model::Futex,
}

impl Deref for Futex {
    type Target = AtomicU32;
    fn deref(&self) -> &AtomicU32 {
        #[cfg(not(loom))]
        return &self.word;
        #[cfg(loom)]
        return &self.model.word;
    }
}

/// Who may sleep on a word: threads of this process, or of any that map it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Process,
    Node,
}

#[cfg(not(loom))]
mod kernel {
    use super::{Futex, Reach};
    use std::time::Duration;

    fn operation(what: i32, reach: Reach) -> i32 {
        if reach == Reach::Process {
            what | libc::FUTEX_PRIVATE_FLAG
        } else {
            what
        }
    }

    impl Futex {
        /// Sleeps while the word is `value`, for `limit` at most. May return early: callers look again.
        pub fn wait(&self, value: u32, limit: Option<Duration>, reach: Reach) {
            let time = limit.map(|t| libc::timespec { tv_sec: t.as_secs() as _, tv_nsec: t.subsec_nanos() as _ });
            let time = time.as_ref().map_or(std::ptr::null(), |t| t as *const libc::timespec);
            unsafe { libc::syscall(libc::SYS_futex, self.word.as_ptr(), operation(libc::FUTEX_WAIT, reach), value, time) };
        }

        pub fn wake(&self, sleepers: i32, reach: Reach) {
            unsafe { libc::syscall(libc::SYS_futex, self.word.as_ptr(), operation(libc::FUTEX_WAKE, reach), sleepers) };
        }
    }
}

#[cfg(loom)]
mod model {
    use super::{AtomicU32, Reach};
    use loom::sync::{Condvar, Mutex};
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    #[derive(Debug, Default)]
    pub struct Futex {
        pub word: AtomicU32,
        bed: Mutex<()>,
        bell: Condvar,
    }

    impl super::Futex {
        /// A limit is not modelled: the thread sleeps until it is woken, or the model tells that nobody does.
        pub fn wait(&self, value: u32, _limit: Option<Duration>, _reach: Reach) {
            let bed = self.model.bed.lock().expect("no thread panics");
            if self.model.word.load(Ordering::Relaxed) == value {
                drop(self.model.bell.wait(bed).expect("no thread panics"));
            }
        }

        pub fn wake(&self, _sleepers: i32, _reach: Reach) {
            let _bed = self.model.bed.lock().expect("no thread panics");
            self.model.bell.notify_all();
        }
    }
}
