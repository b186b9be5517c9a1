//! Field spaces, and sets of their fields. A set costs what it names, not what the space holds: thousands of fields,
//! as S3D's temporaries need, must not cost thousands of steps.

use crate::base::Result;
use crate::fail;
use crate::base::sync::Mutex;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

pub const MAX_FIELDS: usize = 1 << 16;

/// A set of fields: the words of a bit mask that are not zero, in order. Up to four words lie inline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldMask {
    words: SmallVec<[(u16, u64); 4]>,
}

impl FieldMask {
    pub fn of(fields: &[u32]) -> Self {
        let mut mask = Self::default();
        mask.extend(fields);
        mask
    }

    pub fn extend(&mut self, fields: &[u32]) {
        let word_of = |field: u32| (field / 64) as u16;
        let Some(&first) = fields.first() else { return };
        let (mut word, mut bits) = (word_of(first), 0);
        // Fields of one word mostly follow each other: a step for each word.
        for &field in fields {
            if word_of(field) != word {
                self.add(word, bits);
                (word, bits) = (word_of(field), 0);
            }
            bits |= 1u64 << (field % 64);
        }
        self.add(word, bits);
    }

    #[inline]
    fn add(&mut self, word: u16, bits: u64) {
        // Fields mostly come in rising order: look at the last word first.
        match self.words.last_mut() {
            Some(last) if last.0 == word => last.1 |= bits,
            Some(last) if last.0 > word => match self.words.binary_search_by_key(&word, |w| w.0) {
                Ok(i) => self.words[i].1 |= bits,
                Err(i) => self.words.insert(i, (word, bits)),
            },
            _ => self.words.push((word, bits)),
        }
    }

    pub fn clear(&mut self) {
        self.words.clear();
    }

    /// Becomes equal to `other`, and keeps the memory it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.words.clear();
        self.words.extend_from_slice(&other.words);
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn len(&self) -> usize {
        self.words.iter().map(|w| w.1.count_ones() as usize).sum()
    }

    pub fn contains(&self, field: u32) -> bool {
        let word = (field / 64) as u16;
        self.words.iter().find(|w| w.0 == word).is_some_and(|w| w.1 >> (field % 64) & 1 == 1)
    }

    pub fn first(&self) -> Option<u32> {
        self.words.first().map(|w| u32::from(w.0) * 64 + w.1.trailing_zeros())
    }

    /// The first field beyond `field`.
    pub fn next_after(&self, field: u32) -> Option<u32> {
        let (word, bit) = ((field / 64) as u16, field % 64);
        let at = self.words.partition_point(|w| w.0 < word);
        let beyond = |w: &(u16, u64)| if w.0 == word { w.1 & (!1u64 << bit) } else { w.1 };
        self.words[at..].iter().find(|w| beyond(w) != 0).map(|w| u32::from(w.0) * 64 + beyond(w).trailing_zeros())
    }

    /// Calls `f(word, mine, theirs)` for every word that either has.
    fn zip(&self, other: &Self, mut f: impl FnMut(u16, u64, u64)) {
        let (mut i, mut j) = (0, 0);
        loop {
            match (self.words.get(i), other.words.get(j)) {
                (None, None) => return,
                (Some(a), Some(b)) if a.0 == b.0 => {
                    f(a.0, a.1, b.1);
                    i += 1;
                    j += 1;
                }
                (Some(a), b) if b.is_none_or(|b| a.0 < b.0) => {
                    f(a.0, a.1, 0);
                    i += 1;
                }
                (_, Some(b)) => {
                    f(b.0, 0, b.1);
                    j += 1;
                }
                (Some(_), None) => unreachable!("taken by the guard above"),
            }
        }
    }

    fn combine(&self, other: &Self, op: impl Fn(u64, u64) -> u64) -> Self {
        let mut words = SmallVec::new();
        self.zip(other, |word, a, b| {
            let bits = op(a, b);
            if bits != 0 {
                words.push((word, bits));
            }
        });
        Self { words }
    }

    /// The question that every step of an analysis asks: answered at the first common field.
    #[inline]
    pub fn intersects(&self, other: &Self) -> bool {
        let (mut mine, mut theirs) = (self.words.as_slice(), other.words.as_slice());
        while let (Some(a), Some(b)) = (mine.first(), theirs.first()) {
            if a.0 == b.0 && a.1 & b.1 != 0 {
                return true;
            }
            let (next_mine, next_theirs) = (usize::from(a.0 <= b.0), usize::from(b.0 <= a.0));
            mine = &mine[next_mine..];
            theirs = &theirs[next_theirs..];
        }
        false
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        let mut theirs = other.words.iter();
        self.words.iter().all(|mine| theirs.find(|t| t.0 >= mine.0).is_some_and(|t| t.0 == mine.0 && mine.1 & !t.1 == 0))
    }

    pub fn and(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & b)
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a & !b)
    }

    /// Takes the fields of `other` out, in place.
    pub fn remove(&mut self, other: &Self) {
        let mut theirs = other.words.as_slice();
        self.words.retain(|(word, bits)| {
            while theirs.first().is_some_and(|t| t.0 < *word) {
                theirs = &theirs[1..];
            }
            if let Some(t) = theirs.first().filter(|t| t.0 == *word) {
                *bits &= !t.1;
            }
            *bits != 0
        });
    }

    pub fn merge(&mut self, other: &Self) {
        *self = self.combine(other, |a, b| a | b);
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        self.words.iter().flat_map(|&(word, bits)| {
            // Each but the lowest that is left.
            let rest = |bits: &u64| Some(bits & (bits - 1)).filter(|&rest| rest != 0);
            let lowest = move |bits: u64| u32::from(word) * 64 + bits.trailing_zeros();
            std::iter::successors(Some(bits).filter(|&bits| bits != 0), rest).map(lowest)
        })
    }
}

const CHUNK: usize = 256;

type Names = Vec<Option<Box<str>>>;

/// The fields that every point of a region has. Fields may be added while regions exist; every launch asks for their number
/// and sizes, so that takes no lock.
#[derive(Debug)]
pub struct FieldSpace {
    /// Written under the lock of the names before `count` shows it.
    bytes: Box<[OnceLock<Box<[AtomicUsize]>>]>,
    count: AtomicUsize,
    names: Mutex<Names>,
}

impl Default for FieldSpace {
    fn default() -> Self {
        let bytes = (0..MAX_FIELDS / CHUNK).map(|_| OnceLock::new()).collect();
        Self { bytes, count: AtomicUsize::new(0), names: Mutex::default() }
    }
}

impl FieldSpace {
    /// Adds `count` fields of `bytes` bytes a point; their ids are consecutive from the one returned.
    pub fn allocate(&self, bytes: usize, count: u32, name: Option<&str>) -> Result<u32> {
        if bytes == 0 {
            fail!(InvalidArgument, "a field of 0 bytes; give the size of one element, such as 8 for a double");
        }
        if count == 0 {
            fail!(InvalidArgument, "0 fields asked for; ask for at least one");
        }
        let mut names = self.names.lock();
        let first = names.len();
        let end = first + count as usize;
        if end > MAX_FIELDS {
            fail!(OutOfMemory, "{first} fields exist and {count} more are asked for; a field space holds {MAX_FIELDS}");
        }
        for field in first..end {
            let chunk = self.bytes[field / CHUNK].get_or_init(|| (0..CHUNK).map(|_| AtomicUsize::new(0)).collect());
            chunk[field % CHUNK].store(bytes, Ordering::Relaxed);
        }
        names.resize(end, name.map(Into::into));
        self.count.store(end, Ordering::Release);
        Ok(first as u32)
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn bytes(&self, field: u32) -> Option<usize> {
        let field = field as usize;
        (field < self.len()).then(|| self.bytes[field / CHUNK].get().map(|chunk| chunk[field % CHUNK].load(Ordering::Relaxed)))?
    }

    /// How messages name a field: its own name if it has one.
    pub fn label(&self, field: u32) -> String {
        match self.names.lock().get(field as usize).cloned().flatten() {
            Some(name) => format!("\"{name}\" ({field})"),
            None => field.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn masks_are_sets(a in prop::collection::vec(0u32..600, 0..40), b in prop::collection::vec(0u32..600, 0..40)) {
            let (sa, sb): (BTreeSet<u32>, BTreeSet<u32>) = (a.iter().copied().collect(), b.iter().copied().collect());
            let (ma, mb) = (FieldMask::of(&a), FieldMask::of(&b));
            prop_assert_eq!(ma.iter().collect::<BTreeSet<_>>(), sa.clone());
            prop_assert_eq!(ma.len(), sa.len());
            prop_assert_eq!(ma.intersects(&mb), !sa.is_disjoint(&sb));
            prop_assert_eq!(ma.is_subset(&mb), sa.is_subset(&sb));
            let mut either = ma.clone();
            either.merge(&mb);
            prop_assert_eq!(either.iter().collect::<BTreeSet<_>>(), &sa | &sb);
            prop_assert_eq!(ma.and(&mb).iter().collect::<BTreeSet<_>>(), &sa & &sb);
            prop_assert_eq!(ma.minus(&mb), FieldMask::of(&(&sa - &sb).into_iter().collect::<Vec<_>>()));
            let mut left = FieldMask::default();
            left.copy_from(&ma);
            left.remove(&mb);
            prop_assert_eq!(left, ma.minus(&mb));
            prop_assert_eq!(ma.first(), sa.first().copied());
            prop_assert!((0..600).all(|f| ma.next_after(f) == sa.range(f + 1..).next().copied()));
            prop_assert!((0..600).all(|f| ma.contains(f) == sa.contains(&f)));
        }
    }

    #[test]
    fn a_field_space_holds_thousands_and_refuses_nonsense() {
        let space = FieldSpace::default();
        assert_eq!(space.allocate(8, 4096, None).unwrap(), 0);
        assert_eq!(space.allocate(4, 1, Some("flag")).unwrap(), 4096);
        assert_eq!(space.bytes(4096), Some(4));
        assert_eq!(space.bytes(4097), None);
        assert!(space.label(4096).contains("flag"));
        assert!(space.allocate(0, 1, None).is_err());
        assert!(space.allocate(8, 0, None).is_err());
        assert!(space.allocate(8, MAX_FIELDS as u32, None).is_err());
    }
}
