//! Whether anything happens on a rank: how many tasks run, and whether anything has begun or ended since somebody looked last.
//! Each thread counts in words of its own, without a locked instruction; threads beyond their number share the last words.

use crate::base::sync::Padded;
use crate::base::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const WORDS: usize = 64;
const SHARED: usize = WORDS - 1;

#[derive(Default)]
struct Words {
    moved: AtomicU64,
    /// Tasks that began here and have not ended, less waits of tasks that have not ended.
    running: AtomicI64,
}

pub struct Activity {
    words: [Padded<Words>; WORDS],
    /// Devices on which something is under way.
    devices: AtomicI64,
}

/// Numbers below `SHARED` that no thread has.
struct Numbers {
    free: Vec<usize>,
    next: usize,
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { free: Vec::new(), next: 0 });

/// A thread's words, in every runtime.
struct Number(usize);

impl Number {
    fn take() -> Self {
        let mut numbers = NUMBERS.lock();
        if let Some(number) = numbers.free.pop() {
            return Self(number);
        }
        let number = numbers.next.min(SHARED);
        numbers.next = number + 1;
        Self(number)
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        if self.0 < SHARED {
            NUMBERS.lock().free.push(self.0);
        }
    }
}

thread_local! {
    static NUMBER: Number = Number::take();
}

/// The words in which the calling thread counts.
#[must_use]
pub struct Mine<'a> {
    words: &'a Words,
    shared: bool,
}

impl Mine<'_> {
    #[inline]
    fn count(&self, running: i64) {
        let Words { moved, running: sum } = self.words;
        if self.shared {
            moved.fetch_add(1, Ordering::Relaxed);
            sum.fetch_add(running, Ordering::Relaxed);
        } else {
            moved.store(moved.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            sum.store(sum.load(Ordering::Relaxed) + running, Ordering::Relaxed);
        }
    }

    /// The task ends that this thread said began.
    #[inline]
    pub fn ends(self) {
        self.count(-1);
    }
}

impl Default for Activity {
    fn default() -> Self {
        // The calling thread's own, while there is memory to register it.
        NUMBER.with(|_| ());
        Self { words: std::array::from_fn(|_| Padded::default()), devices: AtomicI64::new(0) }
    }
}

impl Activity {
    #[inline]
    fn mine(&self) -> Mine<'_> {
        // Threads that end use the shared words once their number is gone.
        let number = NUMBER.try_with(|number| number.0).unwrap_or(SHARED);
        Mine { words: &self.words[number], shared: number == SHARED }
    }

    /// The thread that says so says when the task ends.
    #[inline]
    pub fn task_begins(&self) -> Mine<'_> {
        let mine = self.mine();
        mine.count(1);
        mine
    }

    /// `inside_task`: while a task waits it does not run.
    pub fn wait_begins(&self, inside_task: bool) {
        self.mine().count(-i64::from(inside_task));
    }

    pub fn wait_ends(&self, inside_task: bool) {
        self.mine().count(inside_task.into());
    }

    /// Something is under way on a device from here on, or nothing is any more.
    pub fn device_is_active(&self, is_active: bool) {
        self.devices.fetch_add(if is_active { 1 } else { -1 }, Ordering::Relaxed);
        self.moves();
    }

    /// Something on a device began or ended.
    pub fn moves(&self) {
        self.mine().count(0);
    }

    /// Changes whenever a task begins or ends, or a wait, or something on a device.
    pub fn moved(&self) -> u64 {
        self.words.iter().map(|words| words.moved.load(Ordering::Relaxed)).sum()
    }

    /// Tasks that run, and do not wait, and devices that are at something.
    pub fn running(&self) -> i64 {
        self.running_on_host() + self.devices.load(Ordering::Relaxed)
    }

    /// Tasks that run, and do not wait.
    pub fn running_on_host(&self) -> i64 {
        self.words.iter().map(|words| words.running.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_many_threads_are_counted_even_when_threads_share_words() {
        let activity = Activity::default();
        let rounds = 200;
        std::thread::scope(|scope| {
            for _ in 0..2 * WORDS {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        let task = activity.task_begins();
                        activity.wait_begins(true);
                        activity.wait_ends(true);
                        task.ends();
                    }
                });
            }
            let task = activity.task_begins();
            assert!(activity.running() >= 1);
            task.ends();
        });
        assert_eq!(activity.running(), 0);
        let _task = activity.task_begins();
        activity.wait_begins(true);
        assert_eq!(activity.running(), 0, "a task that waits");
        activity.wait_begins(false);
        assert_eq!(activity.moved(), (2 * WORDS * rounds * 4 + 2 + 3) as u64);
    }
}
