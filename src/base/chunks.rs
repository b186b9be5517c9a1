//! A table that grows by chunks and whose elements never move: they are found without a lock while others are added. A chunk that
//! is there stays as long as the table.

use super::sync::atomic::{AtomicPtr, Ordering};

/// Up to `COUNT` chunks of `SIZE` elements.
pub struct Chunks<T, const SIZE: usize, const COUNT: usize>(Box<[AtomicPtr<T>; COUNT]>);

// Hands out shared references to elements, and drops them.
unsafe impl<T: Send + Sync, const SIZE: usize, const COUNT: usize> Sync for Chunks<T, SIZE, COUNT> {}
unsafe impl<T: Send, const SIZE: usize, const COUNT: usize> Send for Chunks<T, SIZE, COUNT> {}

impl<T, const SIZE: usize, const COUNT: usize> Default for Chunks<T, SIZE, COUNT> {
    fn default() -> Self {
        // Not on the stack first: there are many.
        let none: Box<[AtomicPtr<T>]> = (0..COUNT).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect();
        Self(none.try_into().unwrap_or_else(|_| unreachable!("as many as there are to be")))
    }
}

impl<T, const SIZE: usize, const COUNT: usize> Chunks<T, SIZE, COUNT> {
    /// The element at `index`, if its chunk is there.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        let chunk = self.0.get(index / SIZE)?.load(Ordering::Acquire);
        // Freed only with the table.
        (!chunk.is_null()).then(|| unsafe { &*chunk.add(index % SIZE) })
    }

    /// Makes the chunk unless it is there, of what `make` gives for each index. False: there is no memory for it.
    pub fn make(&self, chunk: usize, make: impl FnMut(usize) -> T) -> bool {
        let slot = &self.0[chunk];
        if !slot.load(Ordering::Acquire).is_null() {
            return true;
        }
        let mut made = Vec::new();
        if made.try_reserve_exact(SIZE).is_err() {
            return false;
        }
        made.extend((chunk * SIZE..(chunk + 1) * SIZE).map(make));
        let made = Box::into_raw(made.into_boxed_slice());
        if slot.compare_exchange(std::ptr::null_mut(), made.cast(), Ordering::AcqRel, Ordering::Acquire).is_err() {
            // Another thread was faster.
            drop(unsafe { Box::from_raw(made) });
        }
        true
    }
}

impl<T, const SIZE: usize, const COUNT: usize> Drop for Chunks<T, SIZE, COUNT> {
    fn drop(&mut self) {
        for chunk in &*self.0 {
            let chunk = chunk.load(Ordering::Acquire);
            if !chunk.is_null() {
                // As `make` made it.
                drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(chunk, SIZE)) });
            }
        }
    }
}
