//! Where the fields of a ghost region lie, in words that every rank understands: `mark:16 | generation:16 | owner:32`, the
//! place, the bounds, and the sizes of the fields as runs of fields alike.

use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::instance::dense_bytes;
use crate::region::{FieldSpace, IndexSpace, MAX_FIELDS};
use crate::transport::GRAIN;
use std::sync::atomic::AtomicU64;

pub const DESCRIPTION_WORDS: usize = 32;
pub type Description = [u64; DESCRIPTION_WORDS];

pub(super) const MARK: u64 = 0x6057;
pub(super) const GENERATIONS: u64 = 1 << 16;
const FIRST_RUN: usize = 10;
const MOST_RUNS: usize = (DESCRIPTION_WORDS - FIRST_RUN) / 2;

/// What lies at the place of a ghost region, before a count for each field of how often other ranks have written it, and the fields.
#[repr(C, align(128))]
pub(super) struct Stamp {
    /// The first word of its description, or 0 once it is gone.
    pub id: AtomicU64,
    /// Not 0: ranks write here, or somebody of the owner's looks on. A rank says so before it looks at `kept`, and the owner sets `kept` before it
    /// looks here: of the two at least one sees the other (Dekker), so that a rank that may find the newest values missing sends messages.
    pub near: AtomicU64,
    /// Not 0: the newest values may lie on a device of the owner's alone.
    pub kept: AtomicU64,
}

/// Fields of one size, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub bytes: usize,
    pub count: u32,
}

/// What a description says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub id: u64,
    pub place: usize,
    pub space: IndexSpace,
    pub runs: Vec<Run>,
}

impl Layout {
    pub fn owner(&self) -> u32 {
        self.id as u32
    }

    /// Bytes from one field to the next of the same run.
    fn field_step(&self, bytes: usize) -> Result<usize> {
        Ok(dense_bytes(&self.space.domain.bounds, bytes)?.next_multiple_of(GRAIN))
    }

    /// Where the count of a field lies.
    pub fn count(&self, field: u32) -> usize {
        self.place + size_of::<Stamp>() + field as usize * size_of::<AtomicU64>()
    }

    /// Offsets of the fields in order, and the end of the last.
    pub fn fields(&self) -> Result<(Vec<usize>, usize)> {
        let count = self.runs.iter().map(|run| run.count).sum();
        let (mut at, mut offsets) = (self.count(count).next_multiple_of(GRAIN), Vec::new());
        for run in &self.runs {
            let step = self.field_step(run.bytes)?;
            for _ in 0..run.count {
                offsets.push(at);
                at = match at.checked_add(step) {
                    Some(next) => next,
                    None => fail!(OutOfMemory, "the fields of the ghost region exceed the address space; use fewer or smaller fields"),
                };
            }
        }
        Ok((offsets, at))
    }

    pub fn words(&self) -> Description {
        let mut words = [0; DESCRIPTION_WORDS];
        let Rect { lo, hi } = self.space.domain.bounds;
        words[0] = self.id;
        words[1] = self.place as u64;
        words[2] = (self.space.dim as u64) << 32 | self.runs.len() as u64;
        for d in 0..3 {
            (words[3 + d], words[6 + d]) = (lo[d] as u64, hi[d] as u64);
        }
        for (i, run) in self.runs.iter().enumerate() {
            (words[FIRST_RUN + 2 * i], words[FIRST_RUN + 2 * i + 1]) = (run.bytes as u64, run.count.into());
        }
        words
    }

    pub fn of(words: &Description) -> Result<Self> {
        let bounds = |first: usize| -> [i64; 3] { std::array::from_fn(|d| words[first + d] as i64) };
        let (dim, runs) = ((words[2] >> 32) as i32, (words[2] as u32) as usize);
        let space = IndexSpace::new(dim, &bounds(3), &bounds(6));
        let runs: Vec<Run> = words[FIRST_RUN..]
            .chunks_exact(2)
            .take(runs)
            .map(|pair| Run { bytes: pair[0] as usize, count: pair[1] as u32 })
            .collect();
        let fields: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
        // No memory is larger, and the counts behind such a place do not exceed the address space.
        let is_place = isize::try_from(words[1]).is_ok();
        match space {
            Ok(space) if words[0] >> 48 == MARK && is_place && (1..=MAX_FIELDS as u64).contains(&fields) && runs.iter().all(|r| r.bytes > 0) => {
                Ok(Self { id: words[0], place: words[1] as usize, space, runs })
            }
            _ => fail!(InvalidArgument, "the words do not describe a ghost region; pass what cohort_ghost_export filled in on the rank that owns it, all 256 bytes"),
        }
    }
}

/// For a reader.
pub(super) fn name_of(id: u64) -> String {
    format!("ghost region {} of rank {}", id >> 32 & (GENERATIONS - 1), id as u32)
}

pub(super) fn runs_of(fields: &FieldSpace) -> Result<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for field in 0..fields.len() as u32 {
        let bytes = fields.bytes(field).unwrap_or(0);
        match runs.last_mut().filter(|run| run.bytes == bytes) {
            Some(run) => run.count += 1,
            None => runs.push(Run { bytes, count: 1 }),
        }
    }
    match runs.len() {
        0 => fail!(InvalidArgument, "the field space has 0 fields; allocate the fields before the ghost region is created"),
        1..=MOST_RUNS => Ok(runs),
        n => fail!(Resources, "the sizes of the fields change {} times from field to field, and a ghost region allows for {}; allocate fields of one size one after the other", n - 1, MOST_RUNS - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_where_the_fields_lie() {
        let space = IndexSpace::new(2, &[-3, 0], &[4, 9]).unwrap();
        let runs = vec![Run { bytes: 8, count: 3 }, Run { bytes: 4, count: 1 }];
        let layout = Layout { id: MARK << 48 | 7 << 32 | 5, place: 1280, space, runs };
        assert_eq!(Layout::of(&layout.words()), Ok(layout.clone()));
        assert_eq!(layout.owner(), 5);
        let step = (80 * 8usize).next_multiple_of(GRAIN);
        let first = 1280 + size_of::<Stamp>() + GRAIN;
        assert_eq!(layout.count(3), 1280 + size_of::<Stamp>() + 24);
        assert_eq!(layout.fields().unwrap().0, [first, first + step, first + 2 * step, first + 3 * step]);
    }

    #[test]
    fn words_that_describe_nothing_are_refused() {
        let space = IndexSpace::new(1, &[0], &[9]).unwrap();
        let layout = Layout { id: MARK << 48, place: 0, space, runs: vec![Run { bytes: 8, count: 1 }] };
        for (word, value) in [(0, 1), (1, u64::MAX), (2, 4 << 32 | 1), (2, 1 << 32), (6, u64::MAX), (10, 0), (11, 1 << 31)] {
            let mut words = layout.words();
            words[word] = value;
            assert!(Layout::of(&words).is_err(), "word {word}");
        }
        assert!(Layout::of(&[0; DESCRIPTION_WORDS]).is_err());
    }

    #[test]
    fn fields_of_many_sizes_in_turn_are_refused() {
        let fields = FieldSpace::default();
        (0..12).for_each(|i| drop(fields.allocate(4 + 4 * (i % 2), 1, None)));
        assert!(runs_of(&fields).unwrap_err().text.contains("change 11 times"));
        assert!(runs_of(&FieldSpace::default()).is_err());
    }
}
