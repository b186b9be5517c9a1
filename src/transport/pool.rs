//! Letters that nobody uses, by size.

use super::letter::Letter;
use crossbeam_queue::ArrayQueue;

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
}
