//! A few boxes put by for later, given and taken without a lock. Whoever swaps a place empty owns what lay there, so
//! nothing else orders the two sides.

use super::sync::atomic::{AtomicPtr, Ordering};

const PLACES: usize = if cfg!(loom) { 2 } else { 32 };

#[derive(Debug)]
pub struct Stash<T> {
    places: [AtomicPtr<T>; PLACES],
}

impl<T> Default for Stash<T> {
    fn default() -> Self {
        Self { places: std::array::from_fn(|_| AtomicPtr::new(std::ptr::null_mut())) }
    }
}

impl<T> Stash<T> {
    pub fn take(&self) -> Option<Box<T>> {
        for place in &self.places {
            if !place.load(Ordering::Relaxed).is_null() {
                let found = place.swap(std::ptr::null_mut(), Ordering::AcqRel);
                if !found.is_null() {
                    // Came from `give`, and the swap made it ours alone.
                    return Some(unsafe { Box::from_raw(found) });
                }
            }
        }
        None
    }

    /// Gives `value` back to the caller when all places are taken.
    pub fn give(&self, value: Box<T>) -> Result<(), Box<T>> {
        let given = Box::into_raw(value);
        for place in &self.places {
            if place.load(Ordering::Relaxed).is_null()
                && place.compare_exchange(std::ptr::null_mut(), given, Ordering::AcqRel, Ordering::Relaxed).is_ok()
            {
                return Ok(());
            }
        }
        Err(unsafe { Box::from_raw(given) })
    }
}

impl<T> Drop for Stash<T> {
    fn drop(&mut self) {
        while self.take().is_some() {}
    }
}

// Hands boxes from thread to thread, and shares none.
unsafe impl<T: Send> Send for Stash<T> {}
unsafe impl<T: Send> Sync for Stash<T> {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_box_is_taken_once_and_the_last_are_handed_back() {
        let stash = Stash::default();
        let refused = (0..40u32).filter(|&i| stash.give(Box::new(i)).is_err()).count();
        assert_eq!(refused, 40 - PLACES);
        let taken: std::collections::BTreeSet<u32> = std::iter::from_fn(|| stash.take()).map(|b| *b).collect();
        assert_eq!(taken.len(), PLACES);
    }

    #[test]
    fn threads_that_give_and_take_at_once_lose_nothing() {
        let stash = Stash::default();
        let sum = |n: u64| -> u64 {
            let mut held = 0;
            for i in 0..n {
                if let Err(mine) = stash.give(Box::new(i)) {
                    held += *mine;
                }
                held += stash.take().map_or(0, |b| *b);
            }
            held
        };
        let total: u64 = std::thread::scope(|scope| {
            let threads = [0; 4].map(|_| scope.spawn(|| sum(5000)));
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        let left: u64 = std::iter::from_fn(|| stash.take()).map(|b| *b).sum();
        assert_eq!(total + left, 4 * (0..5000).sum::<u64>());
    }
}
