//! Memory of our own for one field.

use super::layout::{dense_bytes, FieldInstance};
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use std::alloc::{alloc_zeroed, dealloc, Layout};

const LINE: usize = 64;
/// Fields of one size start at different offsets within this: kernels walk many fields in step, and with equal page
/// offsets they would all fall into the same sets of the first-level cache (a sum over 24 or 48 fields of 32^3 and 64^3
/// doubles, point by point, ran 1 to 16 % faster with it).
const STAGGER: usize = 4096;

/// A zeroed block in Fortran order, aligned to a cache line; freed when dropped.
#[derive(Debug)]
pub struct Storage {
    memory: *mut u8,
    layout: Layout,
    pub instance: FieldInstance,
}

unsafe impl Send for Storage {}
unsafe impl Sync for Storage {}

impl Storage {
    /// `turn` picks one of the starting offsets; a field's number does.
    pub fn new(rect: Rect, bytes: usize, turn: usize) -> Result<Self> {
        let content = dense_bytes(&rect, bytes)?;
        let offset = offset(content, turn);
        // Aligned by hand: asked for more than malloc's own alignment, the standard library clears the block itself, and
        // all of it would be resident near the thread that asked instead of near the tasks that touch it first.
        let layout = match Layout::from_size_align((content + offset).max(1).saturating_add(LINE), 16) {
            Ok(layout) => layout,
            Err(_) => fail!(OutOfMemory, "{content} bytes for one field exceed the address space"),
        };
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            fail!(OutOfMemory, "{content} bytes for one field of {} points cannot be had from the system", rect.volume());
        }
        let base = unsafe { memory.add(memory.align_offset(LINE) + offset) };
        Ok(Self { memory, layout, instance: FieldInstance::dense(base, rect, bytes) })
    }

    /// Takes another shape, as `new` would give it but with what lies there, if the memory is large enough.
    pub fn reuse(&mut self, rect: Rect, bytes: usize, turn: usize) -> bool {
        let Ok(content) = dense_bytes(&rect, bytes) else { return false };
        let offset = offset(content, turn);
        let fits = (content + offset).saturating_add(LINE) <= self.layout.size();
        if fits {
            let base = unsafe { self.memory.add(self.memory.align_offset(LINE) + offset) };
            self.instance = FieldInstance::dense(base, rect, bytes);
        }
        fits
    }
}

fn offset(content: usize, turn: usize) -> usize {
    if content > STAGGER {
        turn * 3 * LINE % STAGGER
    } else {
        0
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        unsafe { dealloc(self.memory, self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_serves_again_for_what_fits() {
        let mut storage = Storage::new(Rect::new([0; 3], [99, 99, 0]), 8, 5).unwrap();
        assert!(!storage.reuse(Rect::new([0; 3], [999, 99, 0]), 8, 5));
        let smaller = Rect::new([5, 5, 5], [9, 9, 9]);
        assert!(storage.reuse(smaller, 16, 63));
        assert_eq!((storage.instance.rect, storage.instance.bytes), (smaller, 16));
        let (first, last) = (storage.instance.at(smaller.lo) as usize, storage.instance.at(smaller.hi) as usize);
        assert_eq!((first % LINE, last - first), (0, 124 * 16));
        assert!(last + 16 <= storage.memory as usize + storage.layout.size());
    }

    #[test]
    fn storage_is_aligned_zeroed_and_whole() {
        let rect = Rect::new([-1, 0, 2], [30, 20, 3]);
        for turn in 0..70 {
            let storage = Storage::new(rect, 8, turn).unwrap();
            let first = storage.instance.at(rect.lo);
            assert_eq!(first as usize % LINE, 0);
            let last = storage.instance.at(rect.hi).cast::<f64>();
            unsafe {
                assert_eq!(*last, 0.0);
                *last = 1.0;
            }
            assert_eq!(last as usize - first as usize + 8, rect.volume() as usize * 8);
            assert!(last as usize + 8 <= storage.memory as usize + storage.layout.size());
        }
        assert!(Storage::new(Rect::new([0; 3], [1 << 20; 3]), 8, 0).is_err());
    }
}
