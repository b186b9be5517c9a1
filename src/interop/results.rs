//! The last results of a dynamic collective whose words another rank has, as far as that rank told of them.

use crate::base::Result;
use crate::event::{Value, RESULTS_KEPT};
use crate::fail;
use std::collections::VecDeque;

/// A value, and the failure (not 0) that left the phase without one.
pub(super) type Outcome = (Value, u64);

#[derive(Default)]
pub(super) struct Results {
    /// The phase of the first one kept.
    first: u64,
    kept: VecDeque<Outcome>,
}

impl Results {
    /// Phases completed so far.
    pub fn completed(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// The outcomes of the phases from `first` on. If that is later than expected, those between are lost.
    pub fn learn(&mut self, first: u64, outcomes: impl Iterator<Item = Outcome>) {
        if first > self.completed() {
            self.kept.clear();
            self.first = first;
        }
        let known = (self.completed() - first) as usize;
        self.kept.extend(outcomes.skip(known));
        while self.kept.len() as u64 > RESULTS_KEPT {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    pub fn of(&self, phase: u64) -> Result<Outcome> {
        match phase.checked_sub(self.first).and_then(|at| self.kept.get(at as usize)) {
            Some(&outcome) => Ok(outcome),
            None => fail!(
                WrongOrder,
                "the result of phase {phase} is no longer kept: {} phases are complete, and only the last {RESULTS_KEPT} results are; ask for a result before so many further phases",
                self.completed()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(phases: std::ops::Range<u64>) -> impl Iterator<Item = Outcome> {
        phases.map(|phase| ([phase, 1], 0))
    }

    #[test]
    fn the_last_results_are_kept_and_none_is_learnt_twice() {
        let mut results = Results::default();
        results.learn(0, outcomes(0..3));
        results.learn(1, outcomes(1..70));
        assert_eq!((results.completed(), results.of(69)), (70, Ok(([69, 1], 0))));
        assert_eq!(results.of(6), Ok(([6, 1], 0)));
        assert!(results.of(5).unwrap_err().text.contains("phase 5 is no longer kept: 70 phases are complete"));
    }

    #[test]
    fn what_was_never_told_is_lost() {
        let mut results = Results::default();
        results.learn(0, outcomes(0..2));
        results.learn(9, outcomes(9..11));
        assert_eq!((results.completed(), results.of(9)), (11, Ok(([9, 1], 0))));
        assert!(results.of(1).is_err());
    }
}
