//! Predicates: truth values that operations will have, and that decide whether others do their work. Whoever is given one
//! waits for it in order, as for any future; the launching thread never does.

use super::launch::{launch, Launch, Launched};
use super::{Engine, Frame, Future};
use crate::base::Result;
use crate::fail;
use smallvec::SmallVec;

/// A future of a truth value, or its opposite.
#[derive(Clone)]
pub struct Predicate {
    pub future: Future,
    pub negated: bool,
}

impl Predicate {
    pub fn negation(&self) -> Self {
        Self { future: self.future.clone(), negated: !self.negated }
    }

    /// Once the future is ready, and if it carries no failure.
    pub(super) fn holds(&self) -> Result<bool> {
        Ok(truth(self.future.ready_value())? != self.negated)
    }
}

/// Of a bool of C or Fortran, or of an integer.
fn truth(value: &[u8]) -> Result<bool> {
    if !matches!(value.len(), 1 | 4 | 8) {
        fail!(InvalidArgument, "a predicate's future has {} bytes; give one of a bool or an integer, which has 1, 4 or 8", value.len());
    }
    Ok(value.iter().any(|&byte| byte != 0))
}

/// Whether all of the predicates hold, or any of them.
pub fn combine(engine: &Engine, frame: &Frame, predicates: &[&Predicate], all: bool) -> Result<Predicate> {
    let negated: SmallVec<[u8; 16]> = predicates.iter().map(|predicate| predicate.negated.into()).collect();
    let mut operation = Launch::new(Launched::Combine { all });
    operation.futures.extend(predicates.iter().map(|predicate| predicate.future.clone()));
    operation.args = &negated;
    let future = engine.context_of(frame).future();
    operation.result = Some(future.clone());
    launch(engine, frame, operation)?;
    Ok(Predicate { future, negated: false })
}

/// The work of that operation. `negated` has a byte for each future.
pub(super) fn combined(futures: &[Future], negated: &[u8], all: bool) -> Result<bool> {
    for (future, &negated) in futures.iter().zip(negated) {
        if (truth(future.ready_value())? != (negated != 0)) != all {
            return Ok(!all);
        }
    }
    Ok(all)
}
