//! A set of seats, a bit each.

use crate::base::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub struct Bits<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> Default for Bits<WORDS> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const WORDS: usize> Bits<WORDS> {
    pub fn set(&self, seat: usize) {
        self.0[seat / 64].fetch_or(1 << (seat % 64), Ordering::AcqRel);
    }

    pub fn has(&self, seat: usize) -> bool {
        // Acquires what another did before it took the bit.
        self.0[seat / 64].load(Ordering::Acquire) >> (seat % 64) & 1 != 0
    }

    pub fn clear(&self, seat: usize) {
        if self.has(seat) {
            self.0[seat / 64].fetch_and(!(1 << (seat % 64)), Ordering::AcqRel);
        }
    }

    /// Takes this one out, if it is in: once.
    pub fn take_this(&self, seat: usize) -> bool {
        let bit = 1 << (seat % 64);
        self.has(seat) && self.0[seat / 64].fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// Takes one out, of the first `words` words: each is taken once.
    #[inline]
    pub fn take(&self, words: usize) -> Option<usize> {
        for (at, word) in self.0[..words.min(WORDS)].iter().enumerate() {
            let mut seats = word.load(Ordering::Relaxed);
            while seats != 0 {
                let bit = seats & seats.wrapping_neg();
                seats &= !bit;
                if word.fetch_and(!bit, Ordering::AcqRel) & bit != 0 {
                    return Some(at * 64 + bit.trailing_zeros() as usize);
                }
            }
        }
        None
    }
}
