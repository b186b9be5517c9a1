//! The bodies of operations: an array parallel to the nodes of the graph. A slot keeps its buffers when it is used
//! again, so that steady state allocates nothing.
//!
//! A body belongs to the launching thread until its node is sealed, then to whoever runs the node.

use super::{FutureCell, Processor, RegionObject, TaskKind};
use crate::geometry::Point;
use crate::instance::Storage;
use crate::region::{Access, ElementType, FieldMask, Reduction};
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;

/// One side of a handshake, or a barrier, at which an operation arrives when it ends.
pub trait Arrival: Send + Sync {
    /// `error` is 0 or the number of the failure that kept the operation from its work.
    fn arrive(&self, engine: &super::Engine, phase: u64, error: u32);
    /// The handle by which any rank can arrive instead, if there is one.
    fn address(&self) -> Option<u64> {
        None
    }
}

/// A requirement as its operation holds it.
pub struct Held {
    pub region: RegionObject,
    pub mask: FieldMask,
    pub access: Access,
    /// Contributions of a reduction, by field; folded in when the body has returned.
    pub private: Vec<(u32, Storage)>,
}

#[derive(Default)]
pub enum Work {
    /// Only orders others: waits, arrives, or stands for a range of operations.
    #[default]
    Nothing,
    Task(Arc<TaskKind>),
    /// Writes one element's bytes, which are the arguments, everywhere.
    Fill,
    /// From the first requirement to the second, this far; the arguments are pairs of fields.
    Copy(Point),
    Reduce(Reduction, ElementType),
}

#[derive(Default)]
pub struct Body {
    pub work: Work,
    pub point: u32,
    pub on: Option<Processor>,
    pub member: bool,
    pub args: SmallVec<[u8; 64]>,
    pub needs: Vec<Held>,
    pub futures: Vec<Arc<FutureCell>>,
    pub result: Option<Arc<FutureCell>>,
    pub value: UnsafeCell<SmallVec<[u8; 32]>>,
    pub arrivals: Vec<(Arc<dyn Arrival>, u64)>,
    /// Where the operation was launched. Outlives it: contexts wait for what they launched.
    pub parent: Option<std::ptr::NonNull<super::Context>>,
}

unsafe impl Send for Body {}
unsafe impl Sync for Body {}

impl Body {
    /// By the running task.
    pub fn set_value(&self, value: &[u8]) {
        // The task's thread alone, until the body returns.
        let slot = unsafe { &mut *self.value.get() };
        slot.clear();
        slot.extend_from_slice(value);
    }

    /// Lets go of what the operation held, keeps the buffers.
    pub fn clear(&mut self) {
        self.work = Work::Nothing;
        self.on = None;
        self.member = false;
        self.args.clear();
        self.needs.clear();
        self.futures.clear();
        self.value.get_mut().clear();
        self.arrivals.clear();
    }
}

const CHUNK: usize = 1024;

/// Bodies by node index.
pub struct Bodies {
    chunks: Box<[AtomicPtr<UnsafeCell<Body>>]>,
}

unsafe impl Send for Bodies {}
unsafe impl Sync for Bodies {}

impl Default for Bodies {
    fn default() -> Self {
        Self { chunks: (0..1 << 14).map(|_| AtomicPtr::default()).collect() }
    }
}

impl Bodies {
    /// # Safety
    /// The caller owns the node: it builds it, or runs it.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn get(&self, index: u32) -> &mut Body {
        let slot = &self.chunks[index as usize / CHUNK];
        let mut chunk = slot.load(Ordering::Acquire);
        if chunk.is_null() {
            chunk = self.grow(slot);
        }
        &mut *(*chunk.add(index as usize % CHUNK)).get()
    }

    #[cold]
    fn grow(&self, slot: &AtomicPtr<UnsafeCell<Body>>) -> *mut UnsafeCell<Body> {
        let made: Box<[UnsafeCell<Body>]> = (0..CHUNK).map(|_| UnsafeCell::default()).collect();
        let made = Box::into_raw(made);
        match slot.compare_exchange(std::ptr::null_mut(), made.cast(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => made.cast(),
            Err(other) => {
                drop(unsafe { Box::from_raw(made) });
                other
            }
        }
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        for slot in &self.chunks {
            let chunk = slot.load(Ordering::Acquire);
            if !chunk.is_null() {
                drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(chunk, CHUNK)) });
            }
        }
    }
}
