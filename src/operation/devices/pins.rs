//! Host memory that devices copy from and to is registered with their drivers, which then copy it without a stop on the way. An array is
//! registered when the first copy touches it, until it is detached or its region goes; of node-shared memory, what a ghost region of this
//! rank or another takes. Memory that a driver refuses works unregistered.

use super::shared_memory::SharedMemory;
use crate::base::sync::Mutex;
use crate::device::{Device, Pin};
use crate::instance::{FieldInstance, InstanceTable};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Less is not worth the system call, and shares its pages with too much else.
const LEAST: usize = 64 << 10;

/// What all trees of a rank have registered.
pub struct Pins {
    /// Without overlaps.
    list: Mutex<Vec<Entry>>,
    registered: AtomicUsize,
    shared: Arc<SharedMemory>,
    /// Whether it is said what a driver refuses.
    verbose: bool,
}

struct Entry {
    span: Range<usize>,
    /// `None`: it was refused, and is not asked for again.
    pin: Option<Pin>,
    users: usize,
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

pub fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// How a copy of host memory goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// All of it is registered, with all of this, or was made together by a driver.
    Registered(Range<usize>),
    Plain,
    /// Registered in part, or by way of several registrations: no driver takes that in one copy.
    Mixed,
}

impl Pins {
    pub fn new(shared: Arc<SharedMemory>, verbose: bool) -> Arc<Self> {
        Arc::new(Self { list: Mutex::default(), registered: AtomicUsize::new(0), shared, verbose })
    }

    /// Registers the memory, unless that has been done or refused. Memory that is registered in part stays so.
    fn hold(self: &Arc<Self>, device: &dyn Device, span: Range<usize>) -> Hold {
        let mut list = self.list.lock();
        if let Some(entry) = list.iter_mut().find(|entry| within(&span, &entry.span)) {
            entry.users += 1;
            return Hold { pins: self.clone(), span: entry.span.clone(), counted: true };
        }
        if list.iter().any(|entry| overlap(&span, &entry.span)) {
            return Hold { pins: self.clone(), span, counted: false };
        }
        let pin = match device.pin(span.start as *mut u8, span.len()) {
            Ok(pin) => Some(pin).filter(Pin::is_registered),
            Err(error) => {
                if self.verbose {
                    crate::tell!("cohort: an array of {} bytes is copied from and to devices without being registered: {}", span.len(), error.text);
                }
                None
            }
        };
        self.registered.fetch_add(pin.is_some().into(), Ordering::Relaxed);
        list.push(Entry { span: span.clone(), pin, users: 1 });
        Hold { pins: self.clone(), span, counted: true }
    }

    fn release(&self, span: &Range<usize>) {
        let mut list = self.list.lock();
        let Some(at) = list.iter().position(|entry| entry.span == *span) else { return };
        list[at].users -= 1;
        if list[at].users == 0 {
            let Entry { pin, .. } = list.swap_remove(at);
            self.registered.fetch_sub(pin.is_some().into(), Ordering::Relaxed);
            // Unregistered before anyone else can register it.
            drop(pin);
        }
    }

    fn way(&self, span: &Range<usize>) -> Way {
        if self.registered.load(Ordering::Relaxed) == 0 {
            return Way::Plain;
        }
        let list = self.list.lock();
        let mut touched = list.iter().filter(|entry| entry.pin.is_some() && overlap(span, &entry.span));
        match touched.next() {
            None => Way::Plain,
            Some(entry) if within(span, &entry.span) => Way::Registered(entry.span.clone()),
            Some(_) => Way::Mixed,
        }
    }
}

/// A tree's part in what is registered.
struct Hold {
    pins: Arc<Pins>,
    span: Range<usize>,
    counted: bool,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.counted {
            self.pins.release(&self.span);
        }
    }
}

/// What a tree has registered, or tried to, by where it begins.
#[derive(Default)]
pub struct Holds(BTreeMap<usize, Hold>);

impl Holds {
    /// How copies of a field go; registers the memory that it lies in when it is first asked.
    pub fn way(&mut self, pins: &Arc<Pins>, device: &dyn Device, instances: &InstanceTable, field: u32, host: &FieldInstance) -> Way {
        let span = host.span();
        if let Some(shared) = pins.shared.find(&span) {
            return Way::Registered(shared.span());
        }
        let pays = span.len() >= LEAST || instances.own_pages(field).is_some();
        if device.registers() && pays && !self.has(&span) {
            let hold = pins.hold(device, instances.memory_of(field, host));
            self.0.insert(hold.span.start, hold);
        }
        pins.way(&span)
    }

    fn has(&self, span: &Range<usize>) -> bool {
        self.0.range(..=span.start).next_back().is_some_and(|(_, hold)| within(span, &hold.span))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing is copied, and memory may go.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
