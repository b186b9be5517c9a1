//! A set of numbers below a bound, one bit each, that is filled in any order and emptied in rising order, again and again.

const WORD: u64 = 64;
/// Words of a block: blocks that have no number are skipped when the set is emptied.
const BLOCK: usize = 64;

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

    #[inline]
    pub fn set_one(&mut self, number: u64) {
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
        fn what_was_set_is_taken_once(runs in prop::collection::vec((0u64..20_000, 1u64..300), 0..40), ones in prop::collection::vec(0u64..20_300, 0..40)) {
            let mut bits = Bits::new(20_300);
            for _again in 0..2 {
                let mut before = BTreeSet::new();
                for &(first, count) in &runs {
                    prop_assert_eq!(bits.set(first, count), before.range(first..first + count).next().is_some());
                    before.extend(first..first + count);
                }
                ones.iter().for_each(|&one| bits.set_one(one));
                let mut found = Vec::new();
                bits.take(|first, count| found.extend(first..first + count));
                let expected: BTreeSet<u64> = runs.iter().flat_map(|&(first, count)| first..first + count).chain(ones.iter().copied()).collect();
                prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            }
            bits.take(|first, _| panic!("{first} was taken before"));
        }
    }
}
