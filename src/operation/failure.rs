//! What failed, by number. A number fits beside a node of the graph; the text is looked up when somebody asks.
//!
//! A failure is known on every rank. Each rank numbers them in the order in which it learns of them; between ranks they go
//! by a code that says where it happened: `rank + 1:32 | number there:32`.

use crate::base::Error;
use crate::base::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Failures are rare, so they are never thrown away: a number stays good until the runtime ends.
pub struct Failures {
    rank: u32,
    known: Mutex<Vec<Failure>>,
    count: AtomicU32,
}

struct Failure {
    code: u64,
    error: Error,
}

impl Failures {
    pub fn new(rank: u32) -> Self {
        Self { rank, known: Mutex::default(), count: AtomicU32::new(0) }
    }

    fn push(&self, known: &mut Vec<Failure>, code: u64, error: Error) -> u32 {
        known.push(Failure { code, error });
        let number = known.len() as u32;
        self.count.store(number, Ordering::Release);
        number
    }

    /// The number of a new failure of this rank; from 1. `announce` is given its code before anybody here knows of it.
    pub fn add(&self, error: Error, announce: impl FnOnce(u64, &str)) -> u32 {
        let mut known = self.known.lock();
        let code = u64::from(self.rank + 1) << 32 | (known.len() as u64 + 1);
        announce(code, &error.text);
        self.push(&mut known, code, error)
    }

    /// The number of a failure of another rank, and whether it is news.
    pub fn learn(&self, code: u64, error: impl FnOnce() -> Error) -> (u32, bool) {
        let mut known = self.known.lock();
        match known.iter().position(|failure| failure.code == code) {
            Some(at) => (at as u32 + 1, false),
            None => (self.push(&mut known, code, error()), true),
        }
    }

    /// How many there have been: a waiter that saw fewer when it began looks at what is new.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    pub fn error(&self, number: u32) -> Error {
        self.known.lock()[number as usize - 1].error.clone()
    }

    /// What other ranks call failure `number` of this one; 0 stands for none in both.
    pub fn code(&self, number: u32) -> u64 {
        match number {
            0 => 0,
            number => self.known.lock()[number as usize - 1].code,
        }
    }

    /// The rank on which a failure happened.
    pub fn origin(code: u64) -> u32 {
        ((code >> 32) as u32).wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Status;

    #[test]
    fn each_rank_numbers_the_failures_it_knows() {
        let (here, there) = (Failures::new(0), Failures::new(3));
        let failed = |text: &str| Error::new(Status::TaskFailed, text);
        let (a, b) = (here.add(failed("a"), |_, _| ()), there.add(failed("b"), |_, _| ()));
        let learned = here.learn(there.code(b), || there.error(b));
        assert_eq!((a, learned, here.count()), (1, (2, true), 2));
        assert_eq!(here.learn(there.code(b), || unreachable!("it is known")), (2, false));
        assert_eq!((&*here.error(2).text, Failures::origin(here.code(2)), here.code(0)), ("b", 3, 0));
    }
}
