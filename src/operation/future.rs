//! A value that an operation will have: written once, then read by anyone.

use super::{Failures, SeatSet};
use crate::base::Result;
use crate::event::PhaseCell;
use crate::fail;
use smallvec::SmallVec;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

/// `value` belongs to the one who will call `set` until `ready` has completed its only phase; then nobody writes.
pub struct FutureCell {
    pub ready: PhaseCell<1>,
    /// Threads that wait for it.
    pub seats: SeatSet,
    value: UnsafeCell<SmallVec<[u8; 32]>>,
    error: AtomicU32,
}

unsafe impl Sync for FutureCell {}
unsafe impl Send for FutureCell {}

impl Default for FutureCell {
    fn default() -> Self {
        Self { ready: PhaseCell::new(), seats: SeatSet::default(), value: UnsafeCell::default(), error: AtomicU32::new(0) }
    }
}

impl FutureCell {
    /// By the one who will complete the phase of `ready`: the value shows then. The last call counts.
    pub fn write(&self, value: &[u8]) {
        let slot = unsafe { &mut *self.value.get() };
        slot.clear();
        slot.reserve_exact(value.len());
        slot.extend_from_slice(value);
    }

    /// By the same, after `write`: the value, to be worked on.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn written(&self) -> &mut [u8] {
        unsafe { &mut *self.value.get() }
    }

    /// By the same: a value, or the failure that there is none for.
    pub fn prepare(&self, value: &[u8], error: u32) {
        self.write(value);
        self.fail(error);
    }

    pub fn fail(&self, error: u32) {
        self.error.store(error, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.ready.done() > 0
    }

    /// The failure it carries, or 0. Only once ready.
    pub fn error(&self) -> u32 {
        self.error.load(Ordering::Relaxed)
    }

    /// The value of a future that is ready and carries no failure.
    pub fn ready_value(&self) -> &[u8] {
        assert!(self.is_ready(), "the future has no value yet");
        unsafe { &*self.value.get() }
    }

    pub fn value(&self, failures: &Failures) -> Result<&[u8]> {
        if !self.is_ready() {
            fail!(WrongOrder, "the future has no value yet");
        }
        match self.error() {
            0 => Ok(self.ready_value()),
            number => Err(failures.error(number)),
        }
    }
}

/// Several futures that lie together: those of the points of an index launch.
#[derive(Clone)]
pub struct FutureMap(Arc<[FutureCell]>);

impl FutureMap {
    pub fn new(points: u32) -> Self {
        Self((0..points).map(|_| FutureCell::default()).collect())
    }

    /// Makes it as new, unless somebody else has it or it is of another length.
    pub fn renew(&mut self, points: u32) -> bool {
        let Some(cells) = Arc::get_mut(&mut self.0).filter(|cells| cells.len() == points as usize) else { return false };
        for cell in cells {
            (cell.ready, cell.error) = (PhaseCell::new(), AtomicU32::new(0));
            cell.value.get_mut().clear();
        }
        true
    }

    pub fn cells(&self) -> &[FutureCell] {
        &self.0
    }

    pub fn get(&self, point: u32) -> Result<Future> {
        if point as usize >= self.0.len() {
            fail!(Bounds, "point {point} of a future map of {} points; points count from 0", self.0.len());
        }
        Ok(Future { map: self.clone(), point })
    }
}

/// One future.
#[derive(Clone)]
pub struct Future {
    map: FutureMap,
    point: u32,
}

impl Default for Future {
    fn default() -> Self {
        Self { map: FutureMap(Arc::new([FutureCell::default()])), point: 0 }
    }
}

/// Maps that a context keeps to be used again, and futures of single operations: of as many as are mostly outstanding at most.
const MOST_MAPS: usize = 16;
const MOST_SINGLES: usize = 1024;

/// The results of what a context launched last: one that nobody else has any more is used again, so that a program which lets
/// go of its results allocates none.
#[derive(Default)]
pub struct Results {
    maps: Vec<FutureMap>,
    /// First the one that was given out first.
    singles: VecDeque<FutureMap>,
}

impl Results {
    /// Futures for the points of a launch, which nobody else has.
    pub fn map(&mut self, points: u32) -> FutureMap {
        if let Some(free) = self.maps.iter_mut().find_map(|map| map.renew(points).then(|| map.clone())) {
            return free;
        }
        let made = FutureMap::new(points);
        if self.maps.len() == MOST_MAPS {
            self.maps.remove(0);
        }
        self.maps.push(made.clone());
        made
    }

    /// A future that nobody else has. Looks at one only, since programs may keep any number of them.
    pub fn single(&mut self) -> Future {
        let is_free = self.singles.front_mut().is_some_and(|oldest| oldest.renew(1));
        let oldest = if is_free || self.singles.len() == MOST_SINGLES { self.singles.pop_front() } else { None };
        let map = oldest.filter(|_| is_free).unwrap_or_else(|| FutureMap::new(1));
        self.singles.push_back(map.clone());
        Future { map, point: 0 }
    }
}

impl Deref for Future {
    type Target = FutureCell;
    fn deref(&self) -> &FutureCell {
        &self.map.0[self.point as usize]
    }
}
