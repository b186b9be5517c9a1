//! Letters that nobody uses, by size, and cargo in their memory.

use super::cargo::Cargo;
use super::letter::{Letter, Line};
use crossbeam_queue::ArrayQueue;
use std::ptr::NonNull;
use std::sync::Arc;

const CLASSES: usize = 36;
/// Of letters up to this class many are kept, of larger ones few.
const SMALL: usize = 9;

pub struct Pool([ArrayQueue<Box<Letter>>; CLASSES]);

impl Default for Pool {
    fn default() -> Self {
        Self(std::array::from_fn(|class| ArrayQueue::new(if class <= SMALL { 64 } else { 8 })))
    }
}

impl Pool {
    /// A letter of so many lines, whose content is whatever lay there.
    pub fn take(&self, lines: usize) -> Box<Letter> {
        match self.0.get(Letter::class_of(lines)).and_then(ArrayQueue::pop) {
            Some(mut letter) => {
                letter.resize(lines);
                letter
            }
            None => Letter::new(lines),
        }
    }

    /// Keeps the letter, or frees it if there are enough.
    pub fn give(&self, mut letter: Box<Letter>) {
        letter.cargo = None;
        if let Some(class) = self.0.get(letter.class()) {
            // A queue that is full hands the letter back, and it is freed.
            let _ = class.push(letter);
        }
    }
}

/// Memory of the host: a letter's of which nothing else is used.
pub struct Plain {
    /// The letter's; the transport writes there while others know where it lies.
    at: NonNull<Line>,
    lines: usize,
    letter: Option<Box<Letter>>,
    pool: Arc<Pool>,
}

// What lies at `at` is the letter's, and goes with it.
unsafe impl Send for Plain {}

impl Plain {
    /// Whose content is whatever lay there.
    pub fn new(lines: usize, pool: &Arc<Pool>) -> Self {
        let mut letter = pool.take(lines);
        Self { at: NonNull::from(letter.lines_mut()).cast(), lines, letter: Some(letter), pool: pool.clone() }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.letter.take().into_iter().for_each(|letter| self.pool.give(letter));
    }
}

impl Cargo for Plain {
    fn at(&self) -> *mut Line {
        self.at.as_ptr()
    }

    fn lines(&self) -> usize {
        self.lines
    }

    fn aboard(&self, call: &mut dyn FnMut()) {
        call();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_used_again_by_size() {
        let pool = Pool::default();
        let letter = pool.take(1000);
        let place = letter.lines().as_ptr();
        pool.give(letter);
        assert_ne!(pool.take(400).lines().as_ptr(), place, "another class");
        let again = pool.take(600);
        assert_eq!((again.lines().as_ptr(), again.lines().len()), (place, 600));
    }

    #[test]
    fn cargo_lies_in_letters_that_are_used_again() {
        let pool = Arc::new(Pool::default());
        let places: [*mut Line; 2] = std::array::from_fn(|_| {
            let cargo = Plain::new(1000, &pool);
            // Nobody else has it.
            unsafe { cargo.at().cast::<u8>().write_bytes(1, cargo.lines() * size_of::<Line>()) };
            cargo.at()
        });
        assert_eq!(places[0], places[1]);
        assert_eq!(pool.take(1000).lines().as_ptr(), places[0].cast_const());
    }
}
