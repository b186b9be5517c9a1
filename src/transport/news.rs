//! What changed since a rank looked last: a bit for each of a number of pigeonholes, into which objects are sorted by where
//! they lie. A rank that is rung looks at those objects only, not at all it listens to.

use crate::base::sync::atomic::{fence, AtomicU64, Ordering};

const WORDS: usize = if cfg!(loom) { 1 } else { 16 };
pub const PIGEONHOLES: usize = WORDS * u64::BITS as usize;

#[repr(C)]
#[derive(Debug, Default)]
pub struct News([AtomicU64; WORDS]);

impl News {
    /// The pigeonhole of an object that every rank knows by this number.
    pub fn pigeonhole(number: u64) -> usize {
        // Fibonacci hashing: neighbours in memory go to different pigeonholes.
        (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PIGEONHOLES
    }

    /// Call after the change and a sequentially consistent fence, and before the bell is rung.
    pub fn mark(&self, pigeonhole: usize) {
        let (word, bit) = (&self.0[pigeonhole / 64], 1 << (pigeonhole % 64));
        if word.load(Ordering::SeqCst) & bit == 0 {
            word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// Takes the marks away. Call after the bell's count was read.
    pub fn take(&self, mut marked: impl FnMut(usize)) {
        for (i, word) in self.0.iter().enumerate() {
            if word.load(Ordering::SeqCst) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::SeqCst);
            // Whoever found a bit set and left it has his change seen by those who look from here on.
            fence(Ordering::SeqCst);
            while bits != 0 {
                marked(i * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_once() {
        let news = News::default();
        for hole in [0, 63, 64, PIGEONHOLES - 1, 64] {
            news.mark(hole);
        }
        let mut taken = Vec::new();
        news.take(|hole| taken.push(hole));
        assert_eq!(taken, [0, 63, 64, PIGEONHOLES - 1]);
        news.take(|hole| panic!("{hole} again"));
    }

    #[test]
    fn objects_in_a_row_are_spread() {
        let mut count = vec![0; PIGEONHOLES];
        (0..1000u64).for_each(|i| count[News::pigeonhole(i * 768)] += 1);
        assert!(count.iter().max() <= Some(&6), "{:?}", count.iter().max());
    }
}
