//! A set of numbers below a bound, one bit each, that is filled in any order and emptied in rising order, again and again.

const WORD: u64 = 64;
/// Words of a block: blocks that have no number are skipped when the set is emptied.
const BLOCK: usize = 64;
/// Words that near numbers lie in.
const NEAR: u64 = 8;

pub struct Bits {
    words: Vec<u64>,
    /// By block: whether a number was set there. A byte that is only written, so that setting bits does not wait for it.
    touched: Vec<bool>,
}

impl Bits {
    pub fn new(numbers: u64) -> Self {
        let blocks = (numbers.div_ceil(WORD) as usize).div_ceil(BLOCK);
        Self { words: vec![0; blocks * BLOCK], touched: vec![false; blocks] }
    }

    pub fn set_all(&mut self, numbers: &[u64]) {
        let (lowest, highest) = numbers.iter().fold((u64::MAX, 0), |(low, high), &n| (low.min(n), high.max(n)));
        let base = lowest / WORD;
        if highest / WORD < base.saturating_add(NEAR) {
            return self.set_near(base, numbers);
        }
        numbers.iter().for_each(|&number| self.set_one(number));
    }

    /// Numbers of few words, from the word `base` on. A byte each first: none waits for another one's bit in the same word.
    fn set_near(&mut self, base: u64, numbers: &[u64]) {
        let mut bytes = [0u8; NEAR as usize * WORD as usize];
        numbers.iter().for_each(|number| bytes[(number - base * WORD) as usize % (NEAR * WORD) as usize] = 1);
        for (word, bytes) in (base as usize..).zip(bytes.chunks_exact(WORD as usize)) {
            let found = packed(bytes);
            if found != 0 {
                self.touched[word / BLOCK] = true;
                self.words[word] |= found;
            }
        }
    }

    #[inline]
    fn set_one(&mut self, number: u64) {
        let word = (number / WORD) as usize;
        self.touched[word / BLOCK] = true;
        self.words[word] |= 1 << (number % WORD);
    }

    /// Whether any of the numbers was set before.
    #[inline]
    pub fn set(&mut self, first: u64, count: u64) -> bool {
        let end = first + count - 1;
        let (word, last) = ((first / WORD) as usize, (end / WORD) as usize);
        self.touched[word / BLOCK..=last / BLOCK].fill(true);
        let (from_first, to_last) = (!0 << (first % WORD), !0 >> (WORD - 1 - end % WORD));
        if word == last {
            return merge(&mut self.words[word], from_first & to_last);
        }
        let ends = merge(&mut self.words[word], from_first) | merge(&mut self.words[last], to_last);
        self.words[word + 1..last].iter_mut().fold(ends, |before, word| before | merge(word, !0))
    }

    /// Calls `visit` with start and length of runs, which may continue each other, and leaves the set empty.
    pub fn take(&mut self, mut visit: impl FnMut(u64, u64)) {
        for (block, touched) in self.touched.iter_mut().enumerate() {
            if !std::mem::take(touched) {
                continue;
            }
            for at in block * BLOCK..(block + 1) * BLOCK {
                runs_of(std::mem::take(&mut self.words[at]), |first, count| visit(at as u64 * WORD + first, count));
            }
        }
    }
}

/// A bit for each of 64 bytes that are 0 or 1.
fn packed(bytes: &[u8]) -> u64 {
    // The product moves the lowest bit of byte i to bit 56 + i; none of the others meet or carry there.
    let eight = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight")).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    bytes.chunks_exact(8).rev().fold(0, |word, bytes| word << 8 | eight(bytes))
}

/// Whether any of the bits was there before.
#[inline]
fn merge(word: &mut u64, bits: u64) -> bool {
    let before = *word & bits != 0;
    *word |= bits;
    before
}

#[inline]
fn runs_of(mut word: u64, mut visit: impl FnMut(u64, u64)) {
    while word != 0 {
        let first = word.trailing_zeros();
        let filled = word | ((1 << first) - 1);
        let end = filled.trailing_ones();
        visit(first.into(), (end - first).into());
        // Everything below `end` is done; a shift by all bits is none.
        word &= (!0u64).checked_shl(end).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn what_was_set_is_taken_once(runs in prop::collection::vec((0u64..20_000, 1u64..300), 0..40), ones in prop::collection::vec(0u64..20_300, 0..40), near in prop::collection::vec(9_000u64..9_400, 0..300)) {
            let mut bits = Bits::new(20_300);
            for _again in 0..2 {
                let mut before = BTreeSet::new();
                for &(first, count) in &runs {
                    prop_assert_eq!(bits.set(first, count), before.range(first..first + count).next().is_some());
                    before.extend(first..first + count);
                }
                ones.chunks(7).chain([&near[..]]).for_each(|some| bits.set_all(some));
                before.extend(ones.iter().chain(&near));
                let mut found = Vec::new();
                bits.take(|first, count| found.extend(first..first + count));
                prop_assert_eq!(found, before.into_iter().collect::<Vec<_>>());
            }
            bits.take(|first, _| panic!("{first} was taken before"));
        }
    }
}
