//! Ghost regions: regions of one rank into which other ranks copy. Their fields lie in the owner's node-shared memory.
//!
//! What an owner exports is a description in plain words, good on every rank: `mark:16 | generation:16 | owner:32`, the
//! place, the bounds, and the sizes of the fields as runs of fields alike.

use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::instance::dense_bytes;
use crate::operation::{Arrival, Elsewhere, Engine, Home, RegionObject, Transfer};
use crate::region::{FieldSpace, IndexSpace, RegionNode, Tree, MAX_FIELDS};
use crate::transport::{NodeMemory, GRAIN};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

pub const DESCRIPTION_WORDS: usize = 32;
pub type Description = [u64; DESCRIPTION_WORDS];

const MARK: u64 = 0x6057;
const FIRST_RUN: usize = 10;
const MOST_RUNS: usize = (DESCRIPTION_WORDS - FIRST_RUN) / 2;

/// What lies at the place of a ghost region, before its fields: the first word of its description, or 0 once it is gone.
#[repr(C, align(128))]
struct Stamp(AtomicU64);

/// Fields of one size, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    bytes: usize,
    count: u32,
}

/// What a description says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    id: u64,
    place: usize,
    space: IndexSpace,
    runs: Vec<Run>,
}

impl Layout {
    fn owner(&self) -> u32 {
        self.id as u32
    }

    /// Bytes from one field to the next of the same run.
    fn field_step(&self, bytes: usize) -> Result<usize> {
        Ok(dense_bytes(&self.space.rect, bytes)?.next_multiple_of(GRAIN))
    }

    /// Offsets of the fields in order, and the end of the last.
    fn fields(&self) -> Result<(Vec<usize>, usize)> {
        let (mut at, mut offsets) = (self.place + size_of::<Stamp>(), Vec::new());
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

    fn words(&self) -> Description {
        let mut words = [0; DESCRIPTION_WORDS];
        let Rect { lo, hi } = self.space.rect;
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

    fn of(words: &Description) -> Result<Self> {
        let bounds = |first: usize| -> [i64; 3] { std::array::from_fn(|d| words[first + d] as i64) };
        let (dim, runs) = ((words[2] >> 32) as i32, (words[2] as u32) as usize);
        let space = IndexSpace::new(dim, &bounds(3), &bounds(6));
        let runs: Vec<Run> = words[FIRST_RUN..]
            .chunks_exact(2)
            .take(runs)
            .map(|pair| Run { bytes: pair[0] as usize, count: pair[1] as u32 })
            .collect();
        let fields: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
        match space {
            Ok(space) if words[0] >> 48 == MARK && (1..=MAX_FIELDS as u64).contains(&fields) && runs.iter().all(|r| r.bytes > 0) => {
                Ok(Self { id: words[0], place: words[1] as usize, space, runs })
            }
            _ => fail!(InvalidArgument, "the words do not describe a ghost region; pass what cohort_ghost_export filled in on the rank that owns it, all 256 bytes"),
        }
    }
}

/// The memory of a ghost region of this rank. Given back with the region and the last operation that uses it.
struct OwnGhost {
    memory: Arc<NodeMemory>,
    layout: Layout,
    bytes: usize,
}

impl OwnGhost {
    fn stamp(&self) -> &Stamp {
        let stamp = self.memory.own.mapping.place::<Stamp>(self.layout.place).expect("it was allocated");
        // As long as `memory`.
        unsafe { stamp.as_ref() }
    }
}

impl Drop for OwnGhost {
    fn drop(&mut self) {
        self.stamp().0.store(0, Ordering::Release);
        self.memory.own.release(self.layout.place, self.bytes);
    }
}

/// A ghost region of another rank of this node.
struct NearGhost {
    /// Keeps the stamp and the fields mapped.
    _memory: Arc<NodeMemory>,
    stamp: NonNull<Stamp>,
    layout: Layout,
}

unsafe impl Send for NearGhost {}
unsafe impl Sync for NearGhost {}

impl Elsewhere for NearGhost {
    fn rank(&self) -> u32 {
        self.layout.owner()
    }

    fn check(&self) -> Result<()> {
        // Atomic, and mapped as long as `_memory`.
        if unsafe { self.stamp.as_ref() }.0.load(Ordering::Acquire) != self.layout.id {
            fail!(InvalidHandle, "the ghost region was destroyed by rank {}, which owns it; destroy it there only after the last copy", self.rank());
        }
        Ok(())
    }

    fn deliver(&self, _engine: &Engine, transfer: &Transfer, _arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        self.check()?;
        transfer.copy()
    }
}

/// A ghost region of this rank, for the ranks that import it here.
struct Known {
    node: Weak<RegionNode>,
    data: Weak<crate::operation::TreeData>,
}

pub struct Ghosts {
    memory: Arc<NodeMemory>,
    own: Mutex<HashMap<u64, Known>>,
    generation: AtomicU64,
}

impl Ghosts {
    pub fn new(memory: Arc<NodeMemory>) -> Self {
        Self { memory, own: Mutex::default(), generation: AtomicU64::new(0) }
    }

    /// A region of this rank, zeroed, whose fields lie where other ranks reach them. It has the fields that `fields` has now.
    pub fn create(&self, space: IndexSpace, fields: Arc<FieldSpace>, creator: u64) -> Result<RegionObject> {
        let runs = runs_of(&fields)?;
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) & 0xffff;
        let id = MARK << 48 | generation << 32 | u64::from(self.memory.rank());
        let mut layout = Layout { id, place: 0, space, runs };
        let (_, bytes) = layout.fields()?;
        layout.place = self.memory.own.allocate(bytes)?;
        let own = OwnGhost { memory: self.memory.clone(), layout, bytes };
        let start = self.memory.own.mapping.place::<u8>(own.layout.place).expect("just allocated");
        // Nobody else knows of it yet.
        unsafe { start.write_bytes(0, bytes) };
        let (offsets, _) = own.layout.fields()?;
        let tree = Tree::new(space, fields);
        let region = RegionObject::root_at(tree, creator, |instances| {
            for (field, &offset) in offsets.iter().enumerate() {
                let base = self.memory.own.mapping.place::<u8>(offset).expect("just allocated");
                instances.place(field as u32, base.as_ptr())?;
            }
            own.stamp().0.store(id, Ordering::Release);
            Ok(Home::Shared(Box::new(own)))
        })?;
        let known = Known { node: Arc::downgrade(&region.node), data: Arc::downgrade(&region.data) };
        let mut all = self.own.lock();
        all.retain(|_, known| known.data.strong_count() > 0);
        all.insert(id, known);
        Ok(region)
    }

    /// What other ranks import.
    pub fn export(&self, region: &RegionObject) -> Result<Description> {
        let own = match &region.data.home {
            Home::Shared(home) => home.downcast_ref::<OwnGhost>(),
            _ => None,
        };
        match own {
            Some(own) if region.node.parent.is_none() => Ok(own.layout.words()),
            Some(_) => fail!(InvalidArgument, "region {} is a sub-region; export the ghost region itself", region.node.bounds_text()),
            None => fail!(
                InvalidArgument,
                "region {} is not a ghost region of this rank; make it with cohort_ghost_create",
                region.node.bounds_text()
            ),
        }
    }

    /// The region that a description names; on the owner the region itself.
    pub fn import(&self, words: &Description, creator: u64) -> Result<RegionObject> {
        let layout = Layout::of(words)?;
        let owner = layout.owner();
        if owner >= self.memory.size() {
            fail!(WrongRank, "the ghost region belongs to rank {owner}, and there are {} ranks", self.memory.size());
        }
        if owner == self.memory.rank() {
            let all = self.own.lock();
            let known = all.get(&layout.id).and_then(|k| Some((k.node.upgrade()?, k.data.upgrade()?)));
            return match known {
                Some((node, data)) => Ok(RegionObject { node, data }),
                None => fail!(InvalidHandle, "the ghost region of this rank {owner} no longer exists"),
            };
        }
        let Some(mapping) = self.memory.of(owner) else {
            fail!(
                Unsupported,
                "the ghost region belongs to rank {owner}, with which this rank {} shares no memory; this version of the library copies through node-shared memory only",
                self.memory.rank()
            );
        };
        let (offsets, end) = layout.fields()?;
        let place = mapping.place::<Stamp>(layout.place);
        let Some(stamp) = place.filter(|_| end <= mapping.bytes()) else {
            fail!(InvalidArgument, "the words describe a ghost region outside of the memory of rank {owner}; pass what cohort_ghost_export filled in");
        };
        let near = NearGhost { _memory: self.memory.clone(), stamp, layout: layout.clone() };
        near.check()?;
        let fields = FieldSpace::default();
        for run in &layout.runs {
            fields.allocate(run.bytes, run.count, None)?;
        }
        RegionObject::root_at(Tree::new(layout.space, Arc::new(fields)), creator, |instances| {
            for (field, &offset) in offsets.iter().enumerate() {
                let base = mapping.place::<u8>(offset).expect("its end lies inside");
                instances.place(field as u32, base.as_ptr())?;
            }
            Ok(Home::Elsewhere(Box::new(near)))
        })
    }
}

fn runs_of(fields: &FieldSpace) -> Result<Vec<Run>> {
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
        let first = 1280 + size_of::<Stamp>();
        assert_eq!(layout.fields().unwrap().0, [first, first + step, first + 2 * step, first + 3 * step]);
    }

    #[test]
    fn words_that_describe_nothing_are_refused() {
        let space = IndexSpace::new(1, &[0], &[9]).unwrap();
        let layout = Layout { id: MARK << 48, place: 0, space, runs: vec![Run { bytes: 8, count: 1 }] };
        for (word, value) in [(0, 1), (2, 4 << 32 | 1), (2, 1 << 32), (6, u64::MAX), (10, 0), (11, 1 << 31)] {
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
