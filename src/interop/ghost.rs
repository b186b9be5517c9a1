//! Ghost regions: regions of one rank into which other ranks copy. Their fields lie in the owner's node-shared memory; a rank
//! that shares it writes there, and others send messages.

use super::attention::Attention;
use super::ghost_layout::{runs_of, Description, Layout, Stamp, GENERATIONS, MARK};
use super::ghost_messages::FarGhost;
use crate::base::Result;
use crate::fail;
use crate::operation::{Arrival, Elsewhere, Engine, Home, RegionObject, Shared, Transfer, TreeData, TreeName};
use crate::geometry::Rect;
use crate::region::{FieldSpace, IndexSpace, RegionNode, Tree};
use crate::transport::{in_pages, Cargo, NodeMemory};
use crate::base::sync::Mutex;
use std::any::Any;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

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

impl Shared for OwnGhost {
    fn id(&self) -> u64 {
        self.layout.id
    }

    fn writes(&self, field: u32) -> u64 {
        let count = self.memory.own.mapping.place::<AtomicU64>(self.layout.count(field)).expect("it was allocated");
        // As long as `memory`.
        unsafe { count.as_ref() }.load(Ordering::Acquire)
    }

    fn keep(&self) -> bool {
        let stamp = self.stamp();
        if stamp.near.load(Ordering::Relaxed) != 0 {
            return false;
        }
        stamp.kept.store(1, Ordering::SeqCst);
        stamp.near.load(Ordering::SeqCst) == 0
    }

    fn look_on(&self) {
        self.stamp().near.store(1, Ordering::SeqCst);
    }
}

impl Drop for OwnGhost {
    fn drop(&mut self) {
        self.stamp().id.store(0, Ordering::Release);
        self.memory.own.release(self.layout.place, self.bytes);
    }
}

/// A ghost region of another rank of this node.
struct NearGhost {
    /// Keeps the stamp and the fields mapped.
    _memory: Arc<NodeMemory>,
    stamp: NonNull<Stamp>,
    /// By field.
    counts: NonNull<[AtomicU64]>,
    layout: Layout,
}

unsafe impl Send for NearGhost {}
unsafe impl Sync for NearGhost {}

impl NearGhost {
    /// Whether its newest values may be missing in its memory; if not, they will not from here on.
    fn is_kept(&self) -> bool {
        // Mapped as long as `_memory`.
        let stamp = unsafe { self.stamp.as_ref() };
        stamp.near.store(1, Ordering::SeqCst);
        stamp.kept.load(Ordering::SeqCst) != 0
    }
}

impl Elsewhere for NearGhost {
    fn rank(&self) -> u32 {
        self.layout.owner()
    }

    fn id(&self) -> u64 {
        self.layout.id
    }

    fn is_mapped(&self) -> bool {
        true
    }

    fn check(&self) -> Result<()> {
        // Atomic, and mapped as long as `_memory`.
        if unsafe { self.stamp.as_ref() }.id.load(Ordering::Acquire) != self.layout.id {
            fail!(InvalidHandle, "the ghost region was destroyed by rank {}, which owns it; destroy it there only after the last copy", self.rank());
        }
        Ok(())
    }

    fn is_written(&self, field: u32) {
        // Mapped as long as `_memory`. The arrivals that come after the copy bring it to the owner's sight.
        let counts = unsafe { self.counts.as_ref() };
        counts[field as usize].fetch_add(1, Ordering::Release);
    }

    fn deliver(&self, _engine: &Engine, transfer: &Transfer, _arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        self.check()?;
        let copied = transfer.copy();
        transfer.fields().for_each(|(_, destination)| self.is_written(destination));
        copied
    }

    fn ship(&self, _: Vec<(Rect, Box<dyn Cargo>)>, _: &[u32], _: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        fail!(Internal, "points were packed for a ghost region of this node")
    }
}

/// A ghost region of this rank, for the ranks that import it here.
struct Known {
    node: Weak<RegionNode>,
    data: Weak<TreeData>,
}

pub struct Ghosts {
    attention: Arc<Attention>,
    own: Mutex<HashMap<u64, Known>>,
    generation: AtomicU64,
}

impl Ghosts {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self { attention, own: Mutex::default(), generation: AtomicU64::new(0) }
    }

    fn memory(&self) -> &Arc<NodeMemory> {
        &self.attention.memory
    }

    /// A region of this rank, zeroed, whose fields lie where other ranks reach them. It has the fields that `fields` has now.
    pub fn create(&self, space: IndexSpace, fields: Arc<FieldSpace>, creator: u64) -> Result<RegionObject> {
        if !space.domain.is_dense() {
            fail!(InvalidArgument, "the index space has holes; a ghost region is one rectangle of points");
        }
        let runs = runs_of(&fields)?;
        let id = self.new_id()?;
        let mut layout = Layout { id, place: 0, space: space.clone(), runs };
        let bytes = in_pages(layout.fields()?.1);
        // Drivers of devices register whole pages.
        layout.place = self.memory().own.allocate_pages(bytes)?;
        let own = OwnGhost { memory: self.memory().clone(), layout, bytes };
        let start = self.memory().own.mapping.place::<u8>(own.layout.place).expect("just allocated");
        // Nobody else knows of it yet.
        unsafe { start.write_bytes(0, bytes) };
        let (offsets, _) = own.layout.fields()?;
        let tree = Tree::new(space, fields);
        let region = RegionObject::root_at(tree, creator, |instances| {
            for (field, &offset) in offsets.iter().enumerate() {
                let base = self.memory().own.mapping.place::<u8>(offset).expect("just allocated");
                instances.place(field as u32, base.as_ptr())?;
            }
            instances.lie_in(start.addr().get()..start.addr().get() + bytes);
            own.stamp().id.store(id, Ordering::Release);
            Ok(Home::Shared(Box::new(own)))
        })?;
        let known = Known { node: Arc::downgrade(&region.node), data: Arc::downgrade(region.data.shared()) };
        self.own.lock().insert(id, known);
        Ok(region)
    }

    /// One that no ghost region of this rank has, though numbers come again.
    fn new_id(&self) -> Result<u64> {
        let mut all = self.own.lock();
        all.retain(|_, known| known.data.strong_count() > 0);
        let id = |generation: u64| MARK << 48 | generation << 32 | u64::from(self.memory().rank());
        match free_generation(&self.generation, |generation| all.contains_key(&id(generation))) {
            Some(generation) => Ok(id(generation)),
            None => fail!(Resources, "this rank has {GENERATIONS} ghost regions, the most that there may be; give some of them more fields, and destroy what is no longer used"),
        }
    }

    /// What other ranks import.
    pub fn export(&self, region: &RegionObject) -> Result<Description> {
        let own = match &region.data.home {
            Home::Shared(home) => (&**home as &dyn Any).downcast_ref::<OwnGhost>(),
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
        if owner >= self.memory().size() {
            fail!(WrongRank, "the ghost region belongs to rank {owner}, and there are {} ranks", self.memory().size());
        }
        if owner == self.memory().rank() {
            return self.own(layout.id);
        }
        let fields = FieldSpace::default();
        for run in &layout.runs {
            fields.allocate(run.bytes, run.count, None)?;
        }
        let tree = Tree::new(layout.space.clone(), Arc::new(fields));
        let far = |tree| {
            let far = FarGhost::new(self.attention.messages.clone(), layout.id);
            RegionObject::root_at(tree, creator, |_| Ok(Home::Elsewhere(Box::new(far))))
        };
        let Some(mapping) = self.memory().of(owner) else { return far(tree) };
        let (offsets, end) = layout.fields()?;
        let places = mapping.place::<Stamp>(layout.place).zip(mapping.places::<AtomicU64>(layout.count(0), offsets.len()));
        let whole = in_pages(layout.place) == layout.place && in_pages(end) <= mapping.bytes();
        let Some((stamp, counts)) = places.filter(|_| whole) else {
            fail!(InvalidArgument, "the words describe a ghost region outside of the memory of rank {owner}; pass what cohort_ghost_export filled in");
        };
        let near = NearGhost { _memory: self.memory().clone(), stamp, counts, layout: layout.clone() };
        near.check()?;
        if near.is_kept() {
            return far(tree);
        }
        RegionObject::root_at(tree, creator, |instances| {
            for (field, &offset) in offsets.iter().enumerate() {
                let base = mapping.place::<u8>(offset).expect("its end lies inside");
                instances.place(field as u32, base.as_ptr())?;
            }
            let (start, bytes) = (near.stamp.addr().get(), in_pages(end - layout.place));
            instances.lie_in(start..start + bytes);
            Ok(Home::Elsewhere(Box::new(near)))
        })
    }

    /// The ghost region of this rank with this number.
    pub(super) fn own(&self, id: u64) -> Result<RegionObject> {
        let all = self.own.lock();
        match all.get(&id).and_then(|known| Some((known.node.upgrade()?, known.data.upgrade()?))) {
            Some((node, data)) => Ok(RegionObject { node, data: TreeName::new(data) }),
            None => fail!(InvalidHandle, "a ghost region of rank {} no longer exists; destroy it only after the last copy", self.memory().rank()),
        }
    }
}

/// The next one that is not taken.
fn free_generation(next: &AtomicU64, is_taken: impl Fn(u64) -> bool) -> Option<u64> {
    (0..GENERATIONS).map(|_| next.fetch_add(1, Ordering::Relaxed) % GENERATIONS).find(|&generation| !is_taken(generation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_come_again_but_for_those_that_are_taken() {
        let next = AtomicU64::new(0);
        let given: Vec<_> = (0..GENERATIONS).map(|_| free_generation(&next, |generation| generation == 0 || generation == 7)).collect();
        assert_eq!((given[0], given[6]), (Some(1), Some(8)));
        assert_eq!(given[GENERATIONS as usize - 3..], [Some(GENERATIONS - 1), Some(1), Some(2)]);
        assert_eq!(free_generation(&next, |_| true), None);
    }
}
