//! Memory of the host that drivers made for fields which devices use in place. Drivers know it as they know memory that is registered, which it
//! need not and cannot be.

use crate::base::sync::Mutex;
use crate::device::Shared;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

#[derive(Default)]
pub struct SharedMemory {
    /// By where it begins.
    all: Mutex<BTreeMap<usize, Weak<Shared>>>,
    /// Whether there ever was any.
    any: AtomicBool,
}

impl SharedMemory {
    pub fn add(&self, shared: &Arc<Shared>) {
        let mut all = self.all.lock();
        all.retain(|_, known| known.strong_count() > 0);
        all.insert(shared.span().start, Arc::downgrade(shared));
        self.any.store(true, Ordering::Release);
    }

    /// The one that holds all of these addresses.
    pub fn find(&self, span: &Range<usize>) -> Option<Arc<Shared>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let shared = self.all.lock().range(..=span.start).next_back()?.1.upgrade()?;
        (span.end <= shared.span().end).then_some(shared)
    }
}
