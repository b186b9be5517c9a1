//! The objects of one kind that a rank made in its node-shared memory, or was told of by their handles.

use super::attention::Attention;
use super::handle::Handle;
use crate::base::sync::Mutex;
use crate::base::{memory, Kind, Lookup, Result, Table};
use crate::fail;
use crate::transport::{Mapping, NodeMemory, GRAIN};
use std::collections::HashMap;
use std::sync::Arc;

/// An object as one rank knows it; the rank that made it and the others follow words in the owner's memory.
pub(super) trait Placed: Sized + Send + Sync {
    const KIND: Kind;
    /// How many different notes a handle may carry for ranks that cannot look at the words.
    const NOTES: u64 = 1;
    /// The object whose words begin at `offset` of the owner's memory; `None` if none fits there.
    fn at(attention: &Arc<Attention>, mapping: &Mapping, offset: usize) -> Option<Self>;
    /// The object of this handle, whose owner shares no memory with this rank.
    fn far(attention: &Arc<Attention>, handle: u64) -> Result<Self>;
    fn bytes(&self) -> usize;
    /// The handle with which the words were published, or 0.
    fn handle(&self) -> u64;
    fn publish(&self, handle: u64);
    /// The rank knows it no longer.
    fn leave(self: Arc<Self>, attention: &Attention);
}

/// Places of destroyed objects, by size. They stay places of their kind, so that a stale handle on another rank meets
/// words and not somebody's data.
#[derive(Default)]
struct Places {
    free: HashMap<usize, Vec<usize>>,
    generation: u64,
}

pub(super) struct Registry<T> {
    pub attention: Arc<Attention>,
    places: Mutex<Places>,
    known: Table<Arc<T>>,
    /// The table's handle by the object's, which other ranks know as well.
    by_handle: Lookup,
}

impl<T: Placed> Registry<T> {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self { attention, places: Mutex::default(), known: Table::new(T::KIND), by_handle: Lookup::default() }
    }

    fn memory(&self) -> &Arc<NodeMemory> {
        &self.attention.memory
    }

    /// An object of this rank in `bytes` bytes; `make` writes its words at an offset. The handle is good on every rank, and
    /// carries a note below `NOTES`.
    pub fn create(&self, bytes: usize, note: u64, make: impl FnOnce(&Arc<Attention>, &Mapping, usize) -> T) -> Result<u64> {
        memory::expect(0)?;
        let mut places = self.places.lock();
        let own = &self.memory().own;
        let offset = match places.free.get_mut(&bytes).and_then(Vec::pop) {
            Some(offset) => offset,
            None => own.allocate(bytes)?,
        };
        places.generation += 1;
        let generation = places.generation * T::NOTES + note;
        let handle = Handle { generation, place: (offset / GRAIN) as u64, owner: self.memory().rank() };
        let handle = handle.word(T::KIND).inspect_err(|_| places.free.entry(bytes).or_default().push(offset))?;
        drop(places);
        let object = make(&self.attention, &own.mapping, offset);
        object.publish(handle);
        self.know(handle, object)?;
        Ok(handle)
    }

    /// `count` objects in places that follow each other; the first handle, from which the others follow.
    pub fn create_row(&self, bytes: usize, count: u32, make: impl Fn(&Arc<Attention>, &Mapping, usize) -> T) -> Result<u64> {
        memory::expect(count as usize * size_of::<T>())?;
        let own = &self.memory().own;
        let first = own.allocate(bytes * count as usize)?;
        let generation = {
            let mut places = self.places.lock();
            places.generation += 1;
            places.generation * T::NOTES
        };
        let handle = Handle { generation, place: (first / GRAIN) as u64, owner: self.memory().rank() };
        let last = handle.offset_by(bytes * (count as usize - 1)).word(T::KIND);
        last.inspect_err(|_| own.release(first, bytes * count as usize))?;
        for i in 0..count as usize {
            let object = make(&self.attention, &own.mapping, first + i * bytes);
            let handle = handle.offset_by(i * bytes).word(T::KIND)?;
            object.publish(handle);
            self.know(handle, object)?;
        }
        handle.word(T::KIND)
    }

    fn know(&self, handle: u64, object: T) -> Result<&Arc<T>> {
        let entry = self.by_handle.get_or_insert(handle, || self.known.insert(Arc::new(object)))?;
        self.known.get(entry)
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<T>> {
        match self.by_handle.get(handle) {
            Some(entry) => {
                let object = self.known.get(entry)?;
                if object.handle() == handle {
                    return Ok(object);
                }
                stale(handle, T::KIND)
            }
            None => self.find(handle),
        }
    }

    /// The object of this handle if this rank has met it.
    pub fn met(&self, handle: u64) -> Option<&Arc<T>> {
        let known = self.by_handle.get(handle)?;
        self.known.get(known).ok()
    }

    /// A handle that this rank sees for the first time: its own ones it knows.
    fn find(&self, handle: u64) -> Result<&Arc<T>> {
        T::KIND.check(handle)?;
        let (kind, memory) = (T::KIND.label(), self.memory());
        let Handle { place, owner, .. } = Handle::of(handle);
        if owner >= memory.size() {
            fail!(InvalidHandle, "{handle:#x} names a {kind} of rank {owner}, and there are {} ranks", memory.size());
        }
        let Some(mapping) = memory.of(owner) else {
            // Only its owner can say whether it exists.
            return self.know(handle, T::far(&self.attention, handle)?);
        };
        match T::at(&self.attention, mapping, place as usize * GRAIN) {
            Some(object) if object.handle() == handle => self.know(handle, object),
            _ => stale(handle, T::KIND),
        }
    }

    /// On the rank that made it the object ends; others forget it, also when it has ended.
    pub fn remove(&self, handle: u64) -> Result<()> {
        let known = self.by_handle.get(handle);
        let object = known.map_or_else(|| self.find(handle), |entry| self.known.get(entry))?;
        if Handle::of(handle).owner == self.memory().rank() {
            object.publish(0);
            let mut places = self.places.lock();
            places.free.entry(object.bytes()).or_default().push(Handle::of(handle).place as usize * GRAIN);
        }
        self.forget(handle)
    }

    pub fn for_each(&self, mut act: impl FnMut(&Arc<T>)) {
        self.known.for_each(|_, object| act(object));
    }

    /// This rank uses the handle no longer.
    pub fn forget(&self, handle: u64) -> Result<()> {
        let Some(entry) = self.by_handle.remove(handle) else { return Ok(()) };
        self.known.get(entry)?.clone().leave(&self.attention);
        self.known.remove(entry)
    }
}

/// The note that a handle of `T` carries.
pub(super) fn note_of<T: Placed>(handle: u64) -> u64 {
    Handle::of(handle).generation % T::NOTES
}

pub(super) fn stale<T>(handle: u64, kind: Kind) -> Result<T> {
    fail!(
        InvalidHandle,
        "the {} {handle:#x} of rank {} no longer exists, or never did; it was destroyed, or its runtime ended",
        kind.label(),
        Handle::of(handle).owner
    )
}
