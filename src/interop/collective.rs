//! Dynamic collectives: phase barriers whose arrivals bring values. The result of a phase is a future. As for barriers, a
//! handle stands for what came before its phase: arrive, advance, and ask for the future of the phase just left.

use super::attention::{Attention, Listener};
use super::registry::{Placed, Registry};
use crate::base::{Kind, Result};
use crate::event::{CollectiveHead, Entry, Value, MOST_ARRIVALS};
use crate::fail;
use crate::operation::{Arrival, Engine, FutureCell};
use crate::region::{ElementType, Reduction};
use crate::transport::{Mapping, News, NodeMemory};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

const REDUCTIONS: [Reduction; 4] = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max];
const ELEMENTS: [ElementType; 6] = [
    ElementType::Int32,
    ElementType::Int64,
    ElementType::Float,
    ElementType::Double,
    ElementType::FloatComplex,
    ElementType::DoubleComplex,
];

/// How the values of a collective are combined, as its words note it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operator {
    how: Reduction,
    element: ElementType,
}

impl Operator {
    fn number(self) -> u64 {
        let how = REDUCTIONS.iter().position(|&r| r == self.how);
        let element = ELEMENTS.iter().position(|&e| e == self.element);
        (how.expect("all are listed") << 8 | element.expect("all are listed")) as u64
    }

    fn of(number: u64) -> Option<Self> {
        let how = *REDUCTIONS.get((number >> 8) as usize)?;
        Some(Self { how, element: *ELEMENTS.get((number & 0xff) as usize)? })
    }

    fn value(self, bytes: &[u8]) -> Value {
        let mut whole = [0; 16];
        whole[..bytes.len()].copy_from_slice(bytes);
        let half = |at: usize| u64::from_ne_bytes(whole[at..at + 8].try_into().expect("eight bytes"));
        [half(0), half(8)]
    }

    fn bytes(value: Value) -> [u8; 16] {
        let mut whole = [0; 16];
        whole[..8].copy_from_slice(&value[0].to_ne_bytes());
        whole[8..].copy_from_slice(&value[1].to_ne_bytes());
        whole
    }

    fn fold(self, values: &[Value]) -> Value {
        let mut total = self.how.identity(self.element);
        for &value in values {
            self.how.fold(self.element, &mut total, &Self::bytes(value));
        }
        self.value(&total[..self.element.bytes()])
    }
}

/// A collective as one rank knows it.
pub struct Collective {
    memory: Arc<NodeMemory>,
    /// In `memory`.
    head: NonNull<CollectiveHead>,
    /// Where its news are looked for.
    pigeonhole: usize,
    entries: NonNull<[Entry]>,
    operator: Operator,
    /// Futures of this rank by their phase. Results are taken under the lock.
    pending: Mutex<BTreeMap<u64, Arc<FutureCell>>>,
    /// The first phase among them, or `u64::MAX`.
    first_pending: AtomicU64,
    listening: AtomicBool,
}

unsafe impl Send for Collective {}
unsafe impl Sync for Collective {}

impl Collective {
    fn head(&self) -> &CollectiveHead {
        // `memory` keeps the place mapped, and places of collectives are never used for anything else.
        unsafe { self.head.as_ref() }
    }

    fn bytes_of(arrivals: u32) -> usize {
        size_of::<CollectiveHead>() + CollectiveHead::entries(arrivals) * size_of::<Entry>()
    }

    /// An arrival with a value, or with the number of the failure that left it without one.
    fn arrive_with(&self, engine: &Engine, phase: u64, value: Value, error: u32) -> Result<()> {
        let entries = unsafe { self.entries.as_ref() };
        let code = engine.failures.code(error);
        // Before the arrival counts this rank takes what is complete: later phases cannot be complete before that.
        let take = || {
            self.look(engine);
        };
        if self.head().arrive(entries, phase, value, code, take, |values| self.operator.fold(values))?.is_some() {
            self.look(engine);
            self.memory.ring(self.head().listeners(), self.pigeonhole);
        }
        Ok(())
    }

    fn check(&self, value: &[u8]) -> Result<()> {
        let expected = self.operator.element.bytes();
        if value.len() != expected {
            fail!(
                InvalidArgument,
                "the value has {} bytes, and the collective's {:?} has {expected}; arrive with a value of the type that the collective was created for",
                value.len(),
                self.operator.element
            );
        }
        Ok(())
    }

    /// One arrival with a value of the collective's type.
    ///
    /// # Safety
    /// `value` points to as many bytes.
    pub unsafe fn arrive(&self, engine: &Engine, phase: u64, value: *const u8) -> Result<()> {
        let bytes = std::slice::from_raw_parts(value, self.operator.element.bytes());
        self.arrive_with(engine, phase, self.operator.value(bytes), 0)
    }

    /// The future of a phase: the same one as long as it has no value.
    fn future(&self, engine: &Engine, attention: &Attention, phase: u64) -> Result<Arc<FutureCell>> {
        let mut pending = self.pending.lock();
        if phase < self.head().completed() {
            let (value, code) = self.head().result(phase)?;
            drop(pending);
            let future = Arc::new(FutureCell::default());
            self.settle(engine, &future, value, code);
            return Ok(future);
        }
        let future = pending
            .entry(phase)
            .or_insert_with(|| {
                attention.begin_awaiting();
                Arc::default()
            })
            .clone();
        self.first_pending.fetch_min(phase, Ordering::AcqRel);
        Ok(future)
    }

    fn settle(&self, engine: &Engine, future: &FutureCell, value: Value, code: u64) {
        let bytes = &Operator::bytes(value)[..self.operator.element.bytes()];
        match engine.failure_of(code) {
            0 => future.prepare(bytes, 0),
            error => future.prepare(&[], error),
        }
        future.ready.advance_to(&engine.graph, 1, &mut |n| engine.offer(n));
        future.seats.wake(&engine.scheduler);
    }
}

impl Listener for Collective {
    fn look(&self, engine: &Engine) -> bool {
        let done = self.head().completed();
        if self.first_pending.load(Ordering::Acquire) >= done {
            return false;
        }
        let mut pending = self.pending.lock();
        let later = pending.split_off(&done);
        let complete = std::mem::replace(&mut *pending, later);
        let taken: Vec<_> = complete.into_iter().map(|(phase, future)| (future, self.head().result(phase))).collect();
        let first = pending.keys().next().copied().unwrap_or(u64::MAX);
        self.first_pending.store(first, Ordering::Release);
        drop(pending);
        for (future, result) in &taken {
            self.memory.bell().end_awaiting();
            match result {
                Ok((value, code)) => self.settle(engine, future, *value, *code),
                Err(error) => {
                    let number = engine.fail(format!("a dynamic collective on rank {}: {}", engine.rank, error.text));
                    self.settle(engine, future, [0; 2], engine.failures.code(number));
                }
            }
        }
        !taken.is_empty()
    }
}

impl Placed for Collective {
    const KIND: Kind = Kind::Collective;

    fn at(attention: &Arc<Attention>, mapping: &Mapping, offset: usize) -> Option<Self> {
        let head = mapping.place::<CollectiveHead>(offset)?;
        // Made of atomics, and mapped; what is no collective has another stamp.
        let (arrivals, operator) = unsafe { (head.as_ref().arrivals(), Operator::of(head.as_ref().kind())?) };
        let entries = mapping.places(offset + size_of::<CollectiveHead>(), CollectiveHead::entries(arrivals))?;
        Some(Self {
            memory: attention.memory.clone(),
            head,
            pigeonhole: News::pigeonhole(offset as u64),
            entries,
            operator,
            pending: Mutex::default(),
            first_pending: AtomicU64::new(u64::MAX),
            listening: AtomicBool::new(false),
        })
    }

    fn bytes(&self) -> usize {
        Self::bytes_of(self.head().arrivals())
    }

    fn handle(&self) -> u64 {
        self.head().handle()
    }

    fn publish(&self, handle: u64) {
        self.head().publish(handle);
    }

    fn leave(self: Arc<Self>, attention: &Attention) {
        let pigeonhole = self.pigeonhole;
        let listener: Arc<dyn Listener> = self;
        attention.forget(&listener, pigeonhole);
    }
}

/// An operation's arrival with the value of a future, which the operation waited for.
struct FutureArrival {
    collective: Arc<Collective>,
    future: Arc<FutureCell>,
}

impl Arrival for FutureArrival {
    fn arrive(&self, engine: &Engine, phase: u64, error: u32) {
        let collective = &self.collective;
        let refuse = |text: &str| engine.fail(format!("arrival at a dynamic collective on rank {}: {text}", engine.rank));
        let (value, error) = match self.future.value(&engine.failures).and_then(|value| collective.check(value).map(|()| value)) {
            Ok(value) if error == 0 => (collective.operator.value(value), 0),
            Err(wrong) if error == 0 => ([0; 2], refuse(&wrong.text)),
            _ => ([0; 2], error),
        };
        if let Err(wrong) = collective.arrive_with(engine, phase, value, error) {
            refuse(&wrong.text);
        }
    }
}

pub struct Collectives(Registry<Collective>);

impl Collectives {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self(Registry::new(attention))
    }

    /// A collective of this rank; the handle is good on every rank of the node.
    pub fn create(&self, arrivals: u32, how: Reduction, element: ElementType) -> Result<u64> {
        if !(1..=MOST_ARRIVALS).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to {MOST_ARRIVALS}");
        }
        self.0.create(Collective::bytes_of(arrivals), |attention, mapping, offset| {
            let head = mapping.place::<CollectiveHead>(offset).expect("just allocated");
            unsafe { head.as_ref() }.reset(arrivals, Operator { how, element }.number());
            Collective::at(attention, mapping, offset).expect("just allocated")
        })
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<Collective>> {
        self.0.get(handle)
    }

    pub fn remove(&self, handle: u64) -> Result<()> {
        let pending = self.get(handle).map(|collective| collective.first_pending.load(Ordering::Acquire));
        if let Some(first) = pending.ok().filter(|&first| first != u64::MAX) {
            fail!(WrongOrder, "phase {first} is not complete, and its future waits for it; destroy the collective after the last result");
        }
        self.0.remove(handle)
    }

    /// The future of the phase before `phase`.
    pub fn future(&self, engine: &Engine, handle: u64, phase: u64) -> Result<Arc<FutureCell>> {
        let collective = self.get(handle)?;
        let Some(before) = phase.checked_sub(1) else {
            fail!(WrongOrder, "the handle is of phase 0, and no phase was before it; advance the handle after the arrivals, then ask");
        };
        if !collective.listening.load(Ordering::Acquire) && !collective.listening.swap(true, Ordering::AcqRel) {
            collective.head().listen(self.0.attention.memory.bit());
            self.0.attention.listen(collective.clone(), collective.pigeonhole);
        }
        let future = collective.future(engine, &self.0.attention, before)?;
        // What was completed before this rank waited.
        collective.look(engine);
        Ok(future)
    }

    /// What an operation that waits for `future` does when it ends, to bring the value.
    pub fn arrival(&self, handle: u64, future: Arc<FutureCell>) -> Result<Arc<dyn Arrival>> {
        let collective = self.get(handle)?.clone();
        if future.is_ready() && future.error() == 0 {
            collective.check(future.ready_value())?;
        }
        Ok(Arc::new(FutureArrival { collective, future }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_go_through_words() {
        for how in REDUCTIONS {
            for element in ELEMENTS {
                let operator = Operator { how, element };
                assert_eq!(Operator::of(operator.number()), Some(operator));
            }
        }
        assert_eq!((Operator::of(4 << 8), Operator::of(6)), (None, None));
    }

    #[test]
    fn values_fold_as_their_type_says() {
        let fold = |how, values: [f64; 3]| {
            let operator = Operator { how, element: ElementType::Double };
            let total = operator.fold(&values.map(|v| operator.value(&v.to_ne_bytes())));
            f64::from_bits(total[0])
        };
        assert_eq!(REDUCTIONS.map(|how| fold(how, [4.0, -1.0, 2.5])), [5.5, -10.0, -1.0, 4.0]);
    }
}
