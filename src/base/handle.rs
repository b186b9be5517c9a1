//! Generational handles: one word `kind:8 | generation:24 | index:32`, so that a null, stale or foreign handle is an
//! error and never a crash. Lookup is lock free; creation and removal may lock.

use super::{memory, Chunks, Result};
use crate::fail;
use super::sync::Mutex;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a handle names; the number lies in the handle.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Runtime = 1,
    Context = 2,
    IndexSpace = 3,
    FieldSpace = 4,
    Region = 5,
    Partition = 6,
    Task = 7,
    Future = 8,
    Handshake = 9,
    PhaseBarrier = 10,
    Collective = 11,
    Halo = 12,
    Mapping = 13,
    Mapper = 14,
    FutureMap = 15,
    Predicate = 16,
}

impl Kind {
    fn name(number: u8) -> &'static str {
        const NAMES: [&str; 17] = [
            "unknown object",
            "runtime",
            "context",
            "index space",
            "field space",
            "region",
            "partition",
            "task",
            "future",
            "handshake",
            "phase barrier",
            "collective",
            "halo",
            "inline mapping",
            "mapper",
            "future map",
            "predicate",
        ];
        NAMES.get(number as usize).copied().unwrap_or(NAMES[0])
    }

    pub fn label(self) -> &'static str {
        Self::name(self as u8)
    }

    /// Whether a handle is of this kind, whatever it names.
    #[inline]
    pub fn check(self, handle: u64) -> Result<()> {
        match (handle >> 56) as u8 == self as u8 {
            true => Ok(()),
            false => self.refuse(handle),
        }
    }

    #[cold]
    fn refuse(self, handle: u64) -> Result<()> {
        let wanted = self.label();
        if handle == 0 {
            fail!(InvalidHandle, "the {wanted} is the null handle; create it first");
        }
        fail!(InvalidHandle, "{handle:#x} is the handle of a {}; a {wanted} is needed here", Self::name((handle >> 56) as u8))
    }
}

const CHUNK: usize = 256;
const CHUNKS: usize = 1 << 14;
const GENERATIONS: u32 = 1 << 24;

struct Slot<T> {
    /// Odd while the slot is in use. Written under the lock, read by anyone.
    generation: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

struct Free {
    indices: Vec<u32>,
    next: u32,
}

/// The objects of one kind. A removed value is dropped when its slot is used again or the table goes: removing an
/// object while another thread is inside a call that uses it is a data race of the caller, as in every C interface.
pub struct Table<T> {
    kind: Kind,
    slots: Chunks<Slot<T>, CHUNK, CHUNKS>,
    free: Mutex<Free>,
}

unsafe impl<T: Send + Sync> Sync for Table<T> {}
unsafe impl<T: Send> Send for Table<T> {}

impl<T> Table<T> {
    pub fn new(kind: Kind) -> Self {
        Self { kind, slots: Chunks::default(), free: Mutex::new(Free { indices: Vec::new(), next: 0 }) }
    }

    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        self.slots.get(index as usize)
    }

    pub fn insert(&self, value: T) -> Result<u64> {
        if memory::is_short() && memory::expect(0).is_err() {
            self.let_go();
            memory::expect(0)?;
        }
        let mut free = self.free.lock();
        let index = match free.indices.pop() {
            Some(index) => index,
            None => {
                if free.next as usize == CHUNK * CHUNKS {
                    fail!(OutOfMemory, "{} {}s exist; destroy those no longer used", free.next, Kind::name(self.kind as u8));
                }
                let first = generation_of_new_slots();
                let slot = |_| Slot { generation: AtomicU32::new(first), value: UnsafeCell::new(None) };
                // None of them takes memory when it is destroyed, as it may be for want of it.
                let before = free.next as usize;
                let has_room = free.indices.try_reserve(before + 1).is_ok();
                if !has_room || !self.slots.make(before / CHUNK, slot) {
                    fail!(OutOfMemory, "{} {}s exist, and the system gives no memory for more; destroy those no longer used", free.next, Kind::name(self.kind as u8));
                }
                free.next += 1;
                free.next - 1
            }
        };
        let slot = self.slot(index).expect("its chunk was just made");
        // Not in use, so nobody else looks at the value.
        let old = unsafe { (*slot.value.get()).replace(value) };
        let generation = slot.generation.load(Ordering::Relaxed).wrapping_add(1) % GENERATIONS;
        slot.generation.store(generation, Ordering::Release);
        // Whatever goes with the old value may use this table.
        drop(free);
        drop(old);
        Ok((self.kind as u64) << 56 | u64::from(generation) << 32 | u64::from(index))
    }

    #[inline]
    fn used(&self, handle: u64) -> Result<&Slot<T>> {
        self.kind.check(handle)?;
        let (generation, index) = ((handle >> 32) as u32 % GENERATIONS, handle as u32);
        match self.slot(index) {
            Some(slot) if slot.generation.load(Ordering::Acquire) == generation && generation % 2 == 1 => Ok(slot),
            _ => self.refuse(handle),
        }
    }

    #[cold]
    fn refuse<R>(&self, handle: u64) -> Result<R> {
        fail!(InvalidHandle, "the {} {handle:#x} no longer exists, or never did; it was destroyed, or its runtime ended", self.kind.label())
    }

    #[inline]
    pub fn get(&self, handle: u64) -> Result<&T> {
        let slot = self.used(handle)?;
        unsafe { &*slot.value.get() }.as_ref().map_or_else(
            || fail!(InvalidHandle, "{handle:#x} is being destroyed by another thread"),
            Ok,
        )
    }

    /// As `remove`; the value goes to the caller, for objects whose memory should not wait for the slot to be used again and
    /// to which nothing in this process holds plain references.
    pub fn take(&self, handle: u64) -> Result<T> {
        let mut free = self.free.lock();
        let slot = self.end(handle)?;
        // No longer in use, and not yet free to be used again.
        let value = unsafe { (*slot.value.get()).take() };
        free.indices.push(handle as u32);
        Ok(value.expect("a slot in use has a value"))
    }

    /// Calls `act` with the handle and value of each slot in use; none is created or removed meanwhile.
    pub fn for_each(&self, mut act: impl FnMut(u64, &T)) {
        let free = self.free.lock();
        for (index, slot) in (0..free.next).filter_map(|index| Some((index, self.slot(index)?))) {
            let generation = slot.generation.load(Ordering::Acquire);
            if generation % 2 == 1 {
                let handle = (self.kind as u64) << 56 | u64::from(generation) << 32 | u64::from(index);
                // In use, and not removed before the lock is given back.
                unsafe { &*slot.value.get() }.iter().for_each(|value| act(handle, value));
            }
        }
    }

    /// Values that were removed go now, and not when their slots are used again.
    #[cold]
    fn let_go(&self) {
        for at in 0.. {
            let free = self.free.lock();
            let Some(&index) = free.indices.get(at) else { return };
            // Not in use, so nobody else looks at the value.
            let value = self.slot(index).and_then(|slot| unsafe { (*slot.value.get()).take() });
            // As in `insert`.
            drop(free);
            drop(value);
        }
    }

    /// The handle is stale from here on.
    pub fn remove(&self, handle: u64) -> Result<()> {
        let mut free = self.free.lock();
        self.end(handle)?;
        free.indices.push(handle as u32);
        Ok(())
    }

    /// With the lock held.
    fn end(&self, handle: u64) -> Result<&Slot<T>> {
        let slot = self.used(handle)?;
        slot.generation.store(((handle >> 32) as u32).wrapping_add(1) % GENERATIONS, Ordering::Release);
        Ok(slot)
    }
}

/// Differs between tables made one after another, so that handles of an ended runtime are stale in the next.
fn generation_of_new_slots() -> u32 {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    (SERIAL.fetch_add(2 * 97, Ordering::Relaxed) % GENERATIONS) & !1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Status;

    #[test]
    fn null_stale_and_foreign_handles_are_told_apart() {
        let regions = Table::new(Kind::Region);
        let tasks = Table::new(Kind::Task);
        let region = regions.insert(7).unwrap();
        let task = tasks.insert(8).unwrap();
        assert_eq!(regions.get(region), Ok(&7));
        let text = |r: Result<&i32>| {
            let error = r.unwrap_err();
            assert_eq!(error.status, Status::InvalidHandle);
            error.text.to_string()
        };
        assert!(text(regions.get(0)).contains("null handle"));
        assert!(text(regions.get(task)).contains("handle of a task; a region is needed"));
        regions.remove(region).unwrap();
        assert!(text(regions.get(region)).contains("no longer exists"));
        assert!(regions.remove(region).is_err());
        let again = regions.insert(9).unwrap();
        assert_ne!(again, region);
        assert!(regions.get(region).is_err());
    }

    #[test]
    fn handles_of_an_ended_table_are_stale_in_the_next() {
        let old = Table::new(Kind::Region).insert(1).unwrap();
        let new = Table::new(Kind::Region);
        new.insert(2).unwrap();
        assert!(new.get(old).is_err());
    }

    #[test]
    fn threads_create_use_and_destroy_at_once() {
        let table = Table::new(Kind::Future);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let table = &table;
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for i in 0..2000 {
                        let value = thread << 32 | i;
                        let handle = table.insert(value).unwrap();
                        assert_eq!(table.get(handle), Ok(&value));
                        if i % 3 == 0 {
                            kept.push((handle, value));
                        } else {
                            table.remove(handle).unwrap();
                            assert!(table.get(handle).is_err());
                        }
                    }
                    assert!(kept.iter().all(|(handle, value)| table.get(*handle) == Ok(value)));
                });
            }
        });
    }

    #[test]
    fn one_of_several_that_destroy_a_handle_wins() {
        let table = Table::new(Kind::Task);
        for _ in 0..200 {
            let handle = table.insert(()).unwrap();
            let won = std::thread::scope(|scope| {
                let threads = [0; 2].map(|_| scope.spawn(|| table.remove(handle).is_ok()));
                threads.into_iter().map(|t| t.join().unwrap()).filter(|won| *won).count()
            });
            assert_eq!(won, 1);
        }
    }

    #[test]
    fn values_that_go_may_use_their_table() {
        struct Owner(std::sync::Weak<Table<Owner>>);
        impl Drop for Owner {
            fn drop(&mut self) {
                if let Some(table) = self.0.upgrade() {
                    table.remove(table.insert(Owner(std::sync::Weak::new())).unwrap()).unwrap();
                }
            }
        }
        let table = std::sync::Arc::new(Table::new(Kind::Context));
        for _ in 0..3 {
            let handle = table.insert(Owner(std::sync::Arc::downgrade(&table))).unwrap();
            table.remove(handle).unwrap();
        }
    }

    #[test]
    fn many_slots_keep_their_values_and_go_without_memory() {
        let table = Table::new(Kind::Future);
        let handles: Vec<u64> = (0..1000u64).map(|i| table.insert(i).unwrap()).collect();
        for (i, &handle) in handles.iter().enumerate() {
            assert_eq!(table.get(handle), Ok(&(i as u64)));
        }
        let room = table.free.lock().indices.capacity();
        assert!(room >= handles.len(), "to destroy them takes memory: there is room for {room}");
    }
}
