//! Memory of our own: for one field, or for several fields in a layout.

use super::field::FieldInstance;
use super::layout::{Layout, Plan};
use crate::base::{memory, Result};
use crate::fail;
use crate::geometry::Rect;
use crate::machine::Pages;
use std::alloc::{alloc_zeroed, dealloc};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Smaller blocks stay in caches anyway, and would take whole pages.
const LEAST_PREFERRED: usize = 1 << 16;

/// A zeroed block; freed when dropped.
#[derive(Debug)]
struct Memory {
    start: *mut u8,
    bytes: usize,
    owner: Owner,
}

#[derive(Debug)]
enum Owner {
    Heap(std::alloc::Layout),
    /// Of NUMA nodes, which the heap knows nothing of; whether they are preferred still.
    Nodes(Pages, AtomicBool),
    Lender { _memory: Lent },
}

/// Zeroed memory that somebody else takes back when this is dropped.
pub struct Lent {
    pub start: *mut u8,
    pub bytes: usize,
    pub keep: Box<dyn Send + Sync>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} bytes at {:?}", self.bytes, self.start)
    }
}

/// Gives memory of so many bytes.
pub type Lender = Arc<dyn Fn(usize) -> Result<Lent> + Send + Sync>;

unsafe impl Send for Memory {}
unsafe impl Sync for Memory {}

impl Memory {
    /// In NUMA nodes that are preferred, if there are any, as long as they have room.
    fn new(bytes: usize, alignment: usize, preferred: &[u32]) -> Result<Self> {
        match preferred {
            [_, ..] if bytes >= LEAST_PREFERRED => Ok(Self::in_nodes(bytes, alignment, preferred)?.0),
            _ => Self::in_heap(bytes, alignment),
        }
    }

    fn in_heap(bytes: usize, alignment: usize) -> Result<Self> {
        // Aligned by hand: asked for more than malloc's own alignment, the standard library clears the block itself, and
        // all of it would be resident near the thread that asked instead of near the tasks that touch it first.
        let Ok(layout) = std::alloc::Layout::from_size_align(bytes.max(1).saturating_add(alignment), 16) else {
            fail!(OutOfMemory, "{bytes} bytes of field data exceed the address space");
        };
        let start = memory::sparing(|| unsafe { alloc_zeroed(layout) });
        if start.is_null() {
            fail!(OutOfMemory, "{bytes} bytes of field data cannot be had from the system; use smaller regions or fewer fields, or destroy regions that are no longer used");
        }
        Ok(Self { start, bytes: layout.size(), owner: Owner::Heap(layout) })
    }

    /// In NUMA nodes; and why not there, if it is so.
    fn in_nodes(bytes: usize, alignment: usize, nodes: &[u32]) -> Result<(Self, Result<()>)> {
        let pages = Pages::new(bytes.max(1).saturating_add(alignment), false)?;
        let bound = pages.prefer(nodes);
        Ok((Self { start: pages.start(), bytes: pages.bytes(), owner: Owner::Nodes(pages, AtomicBool::new(true)) }, bound))
    }

    /// What nobody has touched comes from where other pages of who touches it come.
    fn prefer_none(&self) {
        let Owner::Nodes(pages, preferred) = &self.owner else { return };
        if preferred.load(Ordering::Acquire) {
            // It was preferred before, so that this is not refused either.
            let _ = pages.prefer(&[]);
            // Now, and not before: whoever finds it so goes on to touch pages.
            preferred.store(false, Ordering::Release);
        }
    }

    fn of(lender: &Lender, bytes: usize, alignment: usize) -> Result<Self> {
        let memory = lender(bytes.max(1).saturating_add(alignment))?;
        Ok(Self { start: memory.start, bytes: memory.bytes, owner: Owner::Lender { _memory: memory } })
    }

    /// The first aligned address, if so many bytes fit behind it.
    fn base(&self, bytes: usize, alignment: usize) -> Option<*mut u8> {
        let fits = bytes.checked_add(alignment).is_some_and(|needed| needed <= self.bytes);
        fits.then(|| unsafe { self.start.add(self.start.align_offset(alignment)) })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Owner::Heap(layout) = self.owner {
            unsafe { dealloc(self.start, layout) };
        }
    }
}

/// One field in Fortran order.
#[derive(Debug)]
pub struct Storage {
    memory: Memory,
    pub instance: FieldInstance,
}

impl Storage {
    /// `turn` picks one of the starting offsets; a field's number does. `preferred`: NUMA nodes in which it is to lie as long as they have room.
    pub fn new(rect: Rect, bytes: usize, turn: usize, preferred: &[u32]) -> Result<Self> {
        let plan = Layout::default().plan(rect, 3, [bytes].into_iter())?;
        let (total, instance) = one(&plan, std::ptr::null_mut(), bytes, turn)?;
        let mut storage = Self { memory: Memory::new(total, plan.alignment(), preferred)?, instance };
        storage.reuse(rect, bytes, turn);
        Ok(storage)
    }

    /// Takes another shape, as `new` would give it but with what lies there, if the memory is large enough.
    pub fn reuse(&mut self, rect: Rect, bytes: usize, turn: usize) -> bool {
        let Ok(plan) = Layout::default().plan(rect, 3, [bytes].into_iter()) else { return false };
        let Ok((total, _)) = one(&plan, std::ptr::null_mut(), bytes, turn) else { return false };
        let Some(base) = self.memory.base(total, plan.alignment()) else { return false };
        let Ok((_, instance)) = one(&plan, base, bytes, turn) else { return false };
        self.instance = instance;
        true
    }

    /// What nobody has touched comes from where other pages of who touches it come.
    pub fn prefer_none(&self) {
        self.memory.prefer_none();
    }
}

fn one(plan: &Plan, base: *mut u8, bytes: usize, turn: usize) -> Result<(usize, FieldInstance)> {
    let mut found = None;
    let total = plan.place(base, std::iter::once((turn as u32, bytes)), |_, instance| found = Some(instance))?;
    Ok((total, found.expect("the one field was placed")))
}

/// Several fields in one block of memory.
#[derive(Debug)]
pub struct Arrangement {
    memory: Memory,
    /// By field, in the order in which they were given.
    pub fields: Vec<(u32, FieldInstance)>,
}

impl Arrangement {
    /// Zeroed, `fields` as planned. `fields` says the size of each field's elements. `preferred` as for `Storage`.
    pub fn new(plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone, preferred: &[u32]) -> Result<Self> {
        let total = plan.place(std::ptr::null_mut(), fields.clone(), |_, _| ())?;
        Self::placed(Memory::new(total, plan.alignment(), preferred)?, plan, fields)
    }

    /// As `new`, in pages of a NUMA node; and why they are not, if it is so.
    pub fn in_node(plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone, node: u32) -> Result<(Self, Result<()>)> {
        let total = plan.place(std::ptr::null_mut(), fields.clone(), |_, _| ())?;
        let (memory, bound) = Memory::in_nodes(total, plan.alignment(), &[node])?;
        Ok((Self::placed(memory, plan, fields)?, bound))
    }

    /// As `new`, in memory of a lender.
    pub fn lent(plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone, lender: &Lender) -> Result<Self> {
        let total = plan.place(std::ptr::null_mut(), fields.clone(), |_, _| ())?;
        Self::placed(Memory::of(lender, total, plan.alignment())?, plan, fields)
    }

    fn placed(memory: Memory, plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone) -> Result<Self> {
        let mut made = Self { memory, fields: Vec::new() };
        made.reuse(plan, fields)?;
        Ok(made)
    }

    /// Takes another shape, with what lies there, if the memory is large enough; whether it is.
    pub fn reuse(&mut self, plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone) -> Result<bool> {
        let total = plan.place(std::ptr::null_mut(), fields.clone(), |_, _| ())?;
        let Some(base) = self.memory.base(total, plan.alignment()) else { return Ok(false) };
        self.fields.clear();
        plan.place(base, fields, |field, instance| self.fields.push((field, instance)))?;
        Ok(true)
    }

    /// As for `Storage`.
    pub fn prefer_none(&self) {
        self.memory.prefer_none();
    }

    pub fn get(&self, field: u32) -> Option<&FieldInstance> {
        self.fields.iter().find(|place| place.0 == field).map(|place| &place.1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Grouping;
    use super::*;
    use crate::machine::policy_at;

    const LINE: usize = 64;

    #[test]
    fn memory_serves_again_for_what_fits() {
        let mut storage = Storage::new(Rect::new([0; 3], [99, 99, 0]), 8, 5, &[]).unwrap();
        assert!(!storage.reuse(Rect::new([0; 3], [999, 99, 0]), 8, 5));
        let smaller = Rect::new([5, 5, 5], [9, 9, 9]);
        assert!(storage.reuse(smaller, 16, 63));
        assert_eq!((storage.instance.rect, storage.instance.bytes), (smaller, 16));
        let (first, last) = (storage.instance.at(smaller.lo) as usize, storage.instance.at(smaller.hi) as usize);
        assert_eq!((first % LINE, last - first), (0, 124 * 16));
        assert!(last + 16 <= storage.memory.start as usize + storage.memory.bytes);
    }

    #[test]
    fn storage_is_aligned_zeroed_and_whole() {
        let rect = Rect::new([-1, 0, 2], [30, 20, 3]);
        for turn in 0..70 {
            let storage = Storage::new(rect, 8, turn, &[]).unwrap();
            let first = storage.instance.at(rect.lo);
            assert_eq!(first as usize % LINE, 0);
            let last = storage.instance.at(rect.hi).cast::<f64>();
            unsafe {
                assert_eq!(*last, 0.0);
                *last = 1.0;
            }
            assert_eq!(last as usize - first as usize + 8, rect.volume() as usize * 8);
            assert!(last as usize + 8 <= storage.memory.start as usize + storage.memory.bytes);
        }
        assert!(Storage::new(Rect::new([0; 3], [1 << 20; 3]), 8, 0, &[]).is_err());
    }

    #[test]
    fn large_blocks_lie_in_preferred_nodes_until_none_is_preferred() {
        let node = crate::machine::SystemMemory::all().unwrap()[0].node;
        let policy = |storage: &Storage| policy_at(storage.instance.at([0; 3]));
        let made = |points: i64, preferred: &[u32]| Storage::new(Rect::new([0; 3], [points - 1, 0, 0]), 8, 3, preferred).unwrap();
        let Some(usual) = policy(&made(1 << 16, &[])) else { return };
        let large = made(1 << 16, &[node]);
        assert_eq!(policy(&large), Some((libc::MPOL_PREFERRED, 1 << node)));
        assert_eq!(policy(&made(100, &[node])), Some(usual));
        large.prefer_none();
        assert_eq!(policy(&large), Some(usual));
        // The system is asked once, however many pieces of it are put elsewhere.
        let Owner::Nodes(pages, _) = &large.memory.owner else { panic!("not in a node") };
        pages.prefer(&[node]).unwrap();
        large.prefer_none();
        assert_eq!(policy(&large), Some((libc::MPOL_PREFERRED, 1 << node)));
        let nowhere = made(1 << 16, &[900]);
        assert_eq!(policy(&nowhere), Some(usual));
        for storage in [large, nowhere] {
            let last = storage.instance.at([(1 << 16) - 1, 0, 0]).cast::<f64>();
            assert_eq!((storage.instance.at([0; 3]) as usize % LINE, unsafe { *last }), (0, 0.0));
            unsafe { *last = 1.0 };
        }
    }

    #[test]
    fn an_arrangement_is_aligned_and_serves_again() {
        let layout = Layout { grouping: Grouping::Blocks(4), alignment: 256, ..Layout::default() };
        let fields = [(3, 8), (9, 4)];
        let plan = |hi| layout.plan(Rect::new([0; 3], [hi, 3, 0]), 2, [8, 4].into_iter()).unwrap();
        let mut held = Arrangement::new(&plan(9), fields.into_iter(), &[]).unwrap();
        let base = held.get(3).unwrap().at([0; 3]) as usize;
        assert_eq!((base % 256, held.get(9).unwrap().at([0; 3]) as usize - base), (0, 32));
        assert!(held.reuse(&plan(5), fields.into_iter()).unwrap());
        assert_eq!(held.fields[0].1.rect.hi, [5, 3, 0]);
        assert!(!held.reuse(&plan(99), fields.into_iter()).unwrap());
        assert!(held.get(4).is_none());
    }

    #[test]
    fn an_arrangement_in_a_node_is_as_any_other() {
        let plan = Layout::default().plan(Rect::new([0; 3], [999, 3, 0]), 2, [8, 8].into_iter()).unwrap();
        let node = crate::machine::SystemMemory::all().unwrap()[0].node;
        let (held, bound) = Arrangement::in_node(&plan, [(0, 8), (1, 8)].into_iter(), node).unwrap();
        bound.unwrap();
        let (elsewhere, refused) = Arrangement::in_node(&plan, [(0, 8), (1, 8)].into_iter(), 900).unwrap();
        assert!(refused.unwrap_err().text.contains("NUMA node 900"));
        for made in [held, elsewhere] {
            let (first, last) = (made.get(0).unwrap().at([0; 3]), made.get(1).unwrap().at([999, 3, 0]).cast::<f64>());
            assert_eq!(first as usize % LINE, 0);
            unsafe {
                assert_eq!(*last, 0.0);
                *last = 1.0;
            }
        }
    }
}
