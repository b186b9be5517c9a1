//! The dynamic collectives that a rank made or was told of.

use super::attention::Attention;
use super::collective::Collective;
use super::operator::{element_of, word_of};
use super::registry::{Placed, Registry};
use crate::base::Result;
use crate::event::{CollectiveHead, MOST_ARRIVALS};
use crate::fail;
use crate::operation::{Arrival, Engine, Future};
use crate::region::Operator;
use crate::transport::Messages;
use std::sync::Arc;

/// An operation's arrival with the value of a future, which the operation waited for.
struct FutureArrival {
    collective: Arc<Collective>,
    future: Future,
}

impl Arrival for FutureArrival {
    fn arrive(&self, engine: &Engine, phase: u64, error: u32) {
        let collective = &self.collective;
        let refuse = |text: &str| engine.fail(format!("arrival at a dynamic collective on rank {}: {text}", engine.rank));
        let (value, error) = match self.future.value(&engine.failures).and_then(|bytes| collective.value(bytes)) {
            Ok(value) if error == 0 => (value, 0),
            Err(wrong) if error == 0 => ([0; 2], refuse(&wrong.text)),
            _ => ([0; 2], error),
        };
        if let Err(wrong) = collective.arrive_with(engine, phase, value, engine.failures.code(error)) {
            refuse(&wrong.text);
        }
    }
}

pub struct Collectives(Registry<Collective>);

impl Collectives {
    pub fn new(attention: Arc<Attention>) -> Self {
        Self(Registry::new(attention))
    }

    /// A collective of this rank; the handle is good on every rank.
    pub fn create(&self, arrivals: u32, operator: Operator) -> Result<u64> {
        if !(1..=MOST_ARRIVALS).contains(&arrivals) {
            fail!(InvalidArgument, "{arrivals} arrivals a phase; give from 1 to {MOST_ARRIVALS}");
        }
        let word = word_of(operator)?;
        let element = element_of(word).expect("it was just made");
        self.0.create(Collective::bytes_of(arrivals), element.number(), |attention, mapping, offset| {
            let head = mapping.place::<CollectiveHead>(offset).expect("just allocated");
            unsafe { head.as_ref() }.reset(arrivals, word);
            Collective::at(attention, mapping, offset).expect("just allocated")
        })
    }

    pub fn get(&self, handle: u64) -> Result<&Arc<Collective>> {
        self.0.get(handle)
    }

    pub(super) fn messages(&self) -> &Messages {
        &self.0.attention.messages
    }

    /// The collective if this rank has met it.
    pub(super) fn met(&self, handle: u64) -> Option<&Arc<Collective>> {
        self.0.met(handle)
    }

    pub fn remove(&self, handle: u64) -> Result<()> {
        if let Some(first) = self.get(handle).ok().and_then(|collective| collective.awaited()) {
            fail!(WrongOrder, "phase {first} is not complete, and its future waits for it; destroy the collective after the last result");
        }
        self.0.remove(handle)
    }

    pub fn for_each(&self, act: impl FnMut(&Arc<Collective>)) {
        self.0.for_each(act);
    }

    /// Nothing waits for any result any more, after a failure.
    pub fn release(&self, engine: &Engine) {
        self.0.for_each(|collective| collective.release(engine));
    }

    fn listen(&self, collective: &Arc<Collective>) {
        if let Some(pigeonhole) = collective.start_listening() {
            self.0.attention.listen(collective.clone(), pigeonhole);
        }
    }

    /// As `listen`, for ranks that learn of results from this one: no thread of this rank looks because it waits.
    pub(super) fn listen_for_others(&self, collective: &Arc<Collective>) {
        if collective.start_relaying() {
            self.0.attention.begin_awaiting();
        }
        self.listen(collective);
    }

    /// The future of the phase before `phase`.
    pub fn future(&self, engine: &Engine, handle: u64, phase: u64) -> Result<Future> {
        let collective = self.get(handle)?;
        let Some(before) = phase.checked_sub(1) else {
            fail!(WrongOrder, "the handle is of phase 0, and no phase was before it; advance the handle after the arrivals, then ask");
        };
        self.listen(collective);
        let future = collective.future(engine, before)?;
        // What was completed before this rank waited.
        collective.take_results(engine);
        Ok(future)
    }

    /// What an operation that waits for `future` does when it ends, to bring the value.
    pub fn arrival(&self, handle: u64, future: Future) -> Result<Arc<dyn Arrival>> {
        let collective = self.get(handle)?.clone();
        if future.is_ready() && future.error() == 0 {
            collective.value(future.ready_value())?;
        }
        Ok(Arc::new(FutureArrival { collective, future }))
    }
}
