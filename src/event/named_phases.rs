//! A counter of phases whose waiters may say what they are about, for a reader who is to tell why nothing moves.

use super::PhaseCell;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct NamedPhases {
    cell: PhaseCell,
    /// What waiters said last that they are about, and the first phase after all that those wait for.
    subject: AtomicU64,
    end: AtomicU64,
}

impl Deref for NamedPhases {
    type Target = PhaseCell;
    fn deref(&self) -> &PhaseCell {
        &self.cell
    }
}

impl NamedPhases {
    /// Whoever is about to wait for a phase says what that is about, in a word that is not 0 and that the caller knows how to read.
    #[inline]
    pub fn concern(&self, phase: u64, subject: u64) {
        let is_new = self.subject.load(Ordering::Relaxed) != subject;
        if is_new {
            self.subject.store(subject, Ordering::Relaxed);
        }
        if is_new || self.end.load(Ordering::Relaxed) <= phase {
            self.end.store(phase + 1, Ordering::Relaxed);
        }
    }

    /// What somebody who still waits is about, or 0.
    pub fn subject(&self) -> u64 {
        if self.done() < self.end.load(Ordering::Relaxed) { self.subject.load(Ordering::Relaxed) } else { 0 }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::event::Graph;

    #[test]
    fn a_subject_is_there_as_long_as_somebody_waits_for_its_phases() {
        let (graph, phases) = (Graph::new(), NamedPhases::default());
        let subject_at = |done: u64| {
            phases.advance_to(&graph, done, &mut |_| ());
            phases.subject()
        };
        assert_eq!(subject_at(0), 0);
        // Two that run ahead, the second by more.
        phases.concern(0, 7);
        phases.concern(2, 7);
        phases.concern(1, 7);
        assert_eq!([0, 1, 2, 3].map(subject_at), [7, 7, 7, 0]);
        phases.concern(5, 7);
        phases.concern(4, 8);
        assert_eq!([4, 5].map(subject_at), [8, 0]);
    }
}
