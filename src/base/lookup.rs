//! From words to words: looked up without a lock, changed under one.
//!
//! An entry never goes; the place of one that was removed, whose `value` is 0, serves for another of the same bucket. Who
//! looks reads the key again after the value, so that a value is never taken for another key's.

use super::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use super::sync::Mutex;
use std::ptr::null_mut;

const BUCKETS: usize = 1024;

struct Entry {
    key: AtomicU64,
    value: AtomicU64,
    next: *mut Entry,
}

pub struct Lookup {
    buckets: Box<[AtomicPtr<Entry>]>,
    change: Mutex<()>,
}

unsafe impl Send for Lookup {}
unsafe impl Sync for Lookup {}

impl Default for Lookup {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicPtr::new(null_mut())).collect(), change: Mutex::default() }
    }
}

fn bucket(key: u64) -> usize {
    // Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4).
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize
}

impl Lookup {
    fn entries(&self, key: u64) -> impl Iterator<Item = &Entry> {
        let mut at = self.buckets[bucket(key)].load(Ordering::Acquire);
        // Entries live as long as the table.
        std::iter::from_fn(move || unsafe { at.as_ref() }.inspect(|entry| at = entry.next))
    }

    #[inline]
    pub fn get(&self, key: u64) -> Option<u64> {
        let entry = self.entries(key).find(|entry| entry.key.load(Ordering::Acquire) == key)?;
        let value = entry.value.load(Ordering::Acquire);
        (value != 0 && entry.key.load(Ordering::Acquire) == key).then_some(value)
    }

    /// The value of `key`, which `make` gives if it has none; never 0.
    pub fn get_or_insert<E>(&self, key: u64, make: impl FnOnce() -> Result<u64, E>) -> Result<u64, E> {
        let _change = self.change.lock();
        let known = self.get(key);
        if let Some(value) = known {
            return Ok(value);
        }
        let value = make()?;
        // First its own former place: a key has one.
        let own = self.entries(key).find(|entry| entry.key.load(Ordering::Relaxed) == key);
        let vacant = own.or_else(|| self.entries(key).find(|entry| entry.value.load(Ordering::Relaxed) == 0));
        match vacant {
            Some(entry) => {
                entry.key.store(key, Ordering::Release);
                entry.value.store(value, Ordering::Release);
            }
            None => {
                let head = &self.buckets[bucket(key)];
                let entry = Entry { key: AtomicU64::new(key), value: AtomicU64::new(value), next: head.load(Ordering::Relaxed) };
                head.store(Box::into_raw(Box::new(entry)), Ordering::Release);
            }
        }
        Ok(value)
    }

    /// The value it had.
    pub fn remove(&self, key: u64) -> Option<u64> {
        let _change = self.change.lock();
        let entry = self.entries(key).find(|entry| entry.key.load(Ordering::Relaxed) == key)?;
        Some(entry.value.swap(0, Ordering::AcqRel)).filter(|&value| value != 0)
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        for bucket in &self.buckets {
            let mut at = bucket.load(Ordering::Acquire);
            while !at.is_null() {
                at = unsafe { Box::from_raw(at) }.next;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn insert(lookup: &Lookup, key: u64, value: u64) -> u64 {
        lookup.get_or_insert(key, || Ok::<_, ()>(value)).unwrap()
    }

    #[test]
    fn what_is_inserted_is_found_until_it_is_removed() {
        let lookup = Lookup::default();
        for round in 1..4 {
            for key in 0..5000 {
                assert_eq!(lookup.get(key), None);
                assert_eq!(insert(&lookup, key, key * round + 1), key * round + 1);
                assert_eq!(insert(&lookup, key, 7), key * round + 1);
            }
            for key in 0..5000 {
                assert_eq!(lookup.get(key), Some(key * round + 1));
                assert_eq!(lookup.remove(key), Some(key * round + 1));
                assert_eq!(lookup.remove(key), None);
            }
        }
        let entries: usize = (0..BUCKETS as u64).map(|key| lookup.entries(key).count()).sum();
        assert!(entries <= 3 * 5000, "places serve again: {entries}");
    }

    #[test]
    fn a_value_is_never_taken_for_another_keys() {
        let lookup = Lookup::default();
        let same: Vec<u64> = (1..).filter(|&key| bucket(key) == 3).take(4).collect();
        std::thread::scope(|scope| {
            let (lookup, same) = (&lookup, &same);
            scope.spawn(move || {
                for round in 0..50_000 {
                    let key = same[round % same.len()];
                    insert(lookup, key, key);
                    lookup.remove(key);
                }
            });
            for _ in 0..2 {
                scope.spawn(move || {
                    for round in 0..50_000 {
                        let key = same[round % same.len()];
                        assert!(lookup.get(key).is_none_or(|value| value == key));
                    }
                });
            }
        });
    }
}
