//! What lies in a memory of limited capacity, in program order: who must go when something new needs room. Bytes and
//! an order only; the keys say whose they are.

use crate::base::{Error, Status};
use std::fmt;

/// An entry of a budget; free to be given to another once its own was evicted or released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held(u32);

/// A launch that cannot fit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    pub asked: u64,
    pub capacity: u64,
    /// Held by the launch already.
    pub held: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Full { asked, capacity, held } = self;
        let in_use = if *held == 0 { String::new() } else { format!(" beside {held} bytes that the task uses there already") };
        write!(f, "{asked} bytes are needed{in_use} in a memory of {capacity} bytes; divide the task's regions into smaller ones")
    }
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        Error::new(Status::Resources, full.to_string())
    }
}

const NONE: u32 = u32::MAX;

/// Neighbours in order of last use; of a free entry, the next free one.
#[derive(Debug)]
struct Entry<K> {
    key: K,
    bytes: u64,
    /// The launch that used it last.
    launch: u64,
    older: u32,
    newer: u32,
}

#[derive(Debug)]
pub struct Budget<K> {
    capacity: u64,
    used: u64,
    launch: u64,
    /// Bytes of the entries that the current launch uses.
    held: u64,
    entries: Vec<Entry<K>>,
    free: u32,
    oldest: u32,
    newest: u32,
}

impl<K: Copy> Budget<K> {
    pub fn new(capacity: u64) -> Self {
        Self { capacity, used: 0, launch: 0, held: 0, entries: Vec::new(), free: NONE, oldest: NONE, newest: NONE }
    }

    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    /// A launch begins. First it touches all that it uses and that is there, then it makes room for the rest at once,
    /// then it adds that: so nothing that it needs can be evicted, and what cannot fit is found before anything changes.
    #[inline]
    pub fn begin(&mut self) {
        self.launch += 1;
        self.held = 0;
    }

    /// The current launch uses an entry.
    #[inline]
    pub fn touch(&mut self, held: Held) {
        let entry = &mut self.entries[held.0 as usize];
        if entry.launch == self.launch {
            return;
        }
        entry.launch = self.launch;
        self.held += entry.bytes;
        if self.newest != held.0 {
            self.unlink(held.0);
            self.link_newest(held.0);
        }
    }

    /// Makes room for `bytes` more. The keys of entries that must be evicted for it, least recently used first, are added to
    /// `evicted`, and count no longer. Fails, and changes nothing, when the launch's own entries leave too little room.
    pub fn make_room(&mut self, bytes: u64, evicted: &mut Vec<K>) -> Result<(), Full> {
        if bytes > self.capacity - self.held {
            return Err(Full { asked: bytes, capacity: self.capacity, held: self.held });
        }
        while bytes > self.capacity - self.used {
            evicted.push(self.entries[self.oldest as usize].key);
            self.release(Held(self.oldest));
        }
        Ok(())
    }

    /// Adds an entry of the current launch, for which room was made.
    ///
    /// # Panics
    /// If there is no room.
    pub fn add(&mut self, key: K, bytes: u64) -> Held {
        assert!(bytes <= self.capacity - self.used, "room is made before it is used");
        self.used += bytes;
        self.held += bytes;
        let entry = Entry { key, bytes, launch: self.launch, older: NONE, newer: NONE };
        let at = match self.free {
            NONE => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
            at => {
                self.free = std::mem::replace(&mut self.entries[at as usize], entry).newer;
                at
            }
        };
        self.link_newest(at);
        Held(at)
    }

    /// An entry's memory is given back, as when its region is gone.
    pub fn release(&mut self, held: Held) {
        self.unlink(held.0);
        let entry = &mut self.entries[held.0 as usize];
        entry.newer = self.free;
        self.free = held.0;
        self.used -= entry.bytes;
        if entry.launch == self.launch {
            self.held -= entry.bytes;
        }
    }

    /// Keys and bytes, least recently used first.
    pub fn entries(&self) -> impl Iterator<Item = (K, u64)> + '_ {
        let entry = |at: u32| self.entries.get(at as usize);
        std::iter::successors(entry(self.oldest), move |e| entry(e.newer)).map(|e| (e.key, e.bytes))
    }

    fn unlink(&mut self, at: u32) {
        let Entry { older, newer, .. } = self.entries[at as usize];
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, at: u32) {
        let older = std::mem::replace(&mut self.newest, at);
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = at,
            None => self.oldest = at,
        }
        let entry = &mut self.entries[at as usize];
        entry.older = older;
        entry.newer = NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        /// What is used of that which is there, and the bytes of what is added.
        Launch(Vec<usize>, Vec<u64>),
        Release(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            5 => (prop::collection::vec(any::<usize>(), 0..4), prop::collection::vec(0u64..40, 0..4))
                .prop_map(|(used, added)| Step::Launch(used, added)),
            1 => any::<usize>().prop_map(Step::Release),
        ];
        prop::collection::vec(step, 0..60)
    }

    /// All entries, least recently used first.
    type Model = Vec<(usize, u64, Held)>;

    fn launch(budget: &mut Budget<usize>, model: &mut Model, used: &[usize], added: &[u64], next: &mut usize) {
        budget.begin();
        let mut needed = Vec::new();
        let count = model.len();
        for choice in used.iter().filter(|_| count > 0) {
            let (key, bytes, held) = model[choice % count];
            budget.touch(held);
            if !needed.contains(&key) {
                needed.push(key);
                model.retain(|entry| entry.0 != key);
                model.push((key, bytes, held));
            }
        }
        let bytes = |model: &Model, only: &dyn Fn(usize) -> bool| model.iter().filter(|e| only(e.0)).map(|e| e.1).sum::<u64>();
        let asked = added.iter().sum();
        let held = bytes(model, &|key| needed.contains(&key));
        let mut evicted = Vec::new();
        let room = budget.make_room(asked, &mut evicted);
        if held + asked > budget.capacity() {
            assert_eq!((room, evicted.len()), (Err(Full { asked, capacity: budget.capacity(), held }), 0));
            return;
        }
        assert_eq!(room, Ok(()));
        let mut expected = Vec::new();
        while bytes(model, &|_| true) + asked > budget.capacity() {
            expected.push(model.remove(0).0);
        }
        assert!(!evicted.iter().any(|key| needed.contains(key)));
        assert_eq!(evicted, expected);
        for &bytes in added {
            model.push((*next, bytes, budget.add(*next, bytes)));
            *next += 1;
        }
    }

    proptest! {
        #[test]
        fn the_least_recently_used_go_and_bytes_add_up(capacity in 0u64..120, steps in steps()) {
            let mut budget = Budget::new(capacity);
            let (mut model, mut next) = (Model::new(), 0);
            for step in &steps {
                match step {
                    Step::Launch(used, added) => launch(&mut budget, &mut model, used, added, &mut next),
                    Step::Release(choice) if !model.is_empty() => budget.release(model.remove(choice % model.len()).2),
                    Step::Release(_) => {}
                }
                prop_assert_eq!(budget.entries().collect::<Vec<_>>(), model.iter().map(|e| (e.0, e.1)).collect::<Vec<_>>());
                prop_assert_eq!(budget.used(), model.iter().map(|e| e.1).sum::<u64>());
                prop_assert!(budget.used() <= capacity);
            }
        }
    }

    #[test]
    fn what_can_never_fit_is_named_with_its_sizes() {
        let mut budget = Budget::new(1000);
        budget.begin();
        let kept = budget.add("kept", 600);
        let full = budget.make_room(500, &mut Vec::new()).unwrap_err();
        assert_eq!(full, Full { asked: 500, capacity: 1000, held: 600 });
        let error = Error::from(full);
        assert_eq!(error.status, Status::Resources);
        assert!(error.text.starts_with("500 bytes are needed beside 600 bytes that the task uses there already in a memory of 1000 bytes"));
        budget.release(kept);
        assert_eq!(budget.make_room(1000, &mut Vec::new()), Ok(()));
        let full = budget.make_room(1001, &mut Vec::new()).unwrap_err();
        assert!(full.to_string().starts_with("1001 bytes are needed in a memory of 1000 bytes"));
    }

    #[test]
    fn entries_are_used_again() {
        let mut budget = Budget::new(100);
        for step in 0..1000 {
            budget.begin();
            budget.make_room(60, &mut Vec::new()).unwrap();
            budget.add(step, 60);
        }
        assert_eq!((budget.entries.len(), budget.used()), (1, 60));
    }
}
