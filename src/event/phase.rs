//! A counter of completed phases and the nodes that wait for it: one side of a handshake, or this rank's view of a
//! barrier. Phases are 64 bits wide and never run out.
//!
//! `waiters` heads lists of edges (see `graph`), one for each phase modulo their number, so that a program that launches far
//! ahead does not walk over its future phases at every step. Waiters push themselves; whoever advances the counter takes the
//! lists of the phases it completed, satisfies those whose phase is complete and pushes the rest back. A sequentially
//! consistent fence stands between pushing and looking at the counter, and between advancing it and looking at the
//! list, so that one of the two sees the other and no waiter is missed.
//!
//! `failed` heads a list of phases that failed, added to before the phase is completed: who waits for one inherits its error.

use super::graph::{Graph, NodeRef};
use crate::base::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, Ordering};

const MANY: usize = if cfg!(loom) { 2 } else { 64 };

/// With as many lists as there may be phases that are waited for at a time; more share them.
pub struct PhaseCell<const LISTS: usize = MANY> {
    done: AtomicU64,
    waiters: [AtomicU32; LISTS],
    failed: AtomicPtr<FailedPhase>,
}

struct FailedPhase {
    phase: u64,
    error: u32,
    next: *mut FailedPhase,
}

unsafe impl<const LISTS: usize> Send for PhaseCell<LISTS> {}
unsafe impl<const LISTS: usize> Sync for PhaseCell<LISTS> {}

impl<const LISTS: usize> Default for PhaseCell<LISTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const LISTS: usize> PhaseCell<LISTS> {
    pub fn new() -> Self {
        Self {
            done: AtomicU64::new(0),
            waiters: std::array::from_fn(|_| AtomicU32::new(0)),
            failed: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Phases completed so far: phase `p` is complete when this exceeds `p`.
    #[inline]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    pub fn has_waiters(&self) -> bool {
        self.waiters.iter().any(|list| list.load(Ordering::Relaxed) != 0)
    }

    /// The phase, which is not complete yet, fails with an error that is not 0.
    pub fn fail(&self, phase: u64, error: u32) {
        let made = Box::into_raw(Box::new(FailedPhase { phase, error, next: self.failed.load(Ordering::Relaxed) }));
        // Nobody else has what was just made until the exchange succeeds.
        while let Err(now) = self.failed.compare_exchange(unsafe { (*made).next }, made, Ordering::AcqRel, Ordering::Relaxed) {
            unsafe { (*made).next = now };
        }
    }

    /// The error of a complete phase, or 0.
    #[inline]
    pub fn error(&self, phase: u64) -> u32 {
        let mut at = self.failed.load(Ordering::Acquire);
        // Entries stay until the cell goes.
        while let Some(failed) = unsafe { at.as_ref() } {
            if failed.phase == phase {
                return failed.error;
            }
            at = failed.next;
        }
        0
    }

    /// Completes every phase below `done`; lower values than before change nothing.
    pub fn advance_to(&self, graph: &Graph, done: u64, ready: &mut impl FnMut(NodeRef)) {
        let before = self.done.fetch_max(done, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let completed = before..done.max(before);
        for phase in completed.start..completed.end.min(completed.start + LISTS as u64) {
            self.drain(graph, phase, ready);
        }
    }

    pub(super) fn add(&self, graph: &Graph, edge: u32, phase: u64, ready: &mut impl FnMut(NodeRef)) {
        graph.edge(edge).phase.store(phase, Ordering::Relaxed);
        self.push(graph, edge, phase);
        fence(Ordering::SeqCst);
        if self.done.load(Ordering::Acquire) > phase {
            self.drain(graph, phase, ready);
        }
    }

    fn list(&self, phase: u64) -> &AtomicU32 {
        &self.waiters[phase as usize % LISTS]
    }

    fn push(&self, graph: &Graph, edge: u32, phase: u64) {
        let list = self.list(phase);
        let mut head = list.load(Ordering::Relaxed);
        loop {
            graph.edge(edge).next.store(head, Ordering::Relaxed);
            match list.compare_exchange_weak(head, edge, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Releases who waits in the list of `phase` for a phase that is complete.
    fn drain(&self, graph: &Graph, phase: u64, ready: &mut impl FnMut(NodeRef)) {
        let list = self.list(phase);
        loop {
            if list.load(Ordering::Relaxed) == 0 {
                return;
            }
            let mut edge = list.swap(0, Ordering::AcqRel);
            let done = self.done.load(Ordering::Acquire);
            let mut kept = false;
            while edge != 0 {
                let this = edge;
                edge = graph.edge(this).next.load(Ordering::Relaxed);
                let awaited = graph.edge(this).phase.load(Ordering::Relaxed);
                if awaited < done {
                    graph.satisfy_edge(this, self.error(awaited), ready);
                } else {
                    self.push(graph, this, awaited);
                    kept = true;
                }
            }
            if !kept {
                return;
            }
            fence(Ordering::SeqCst);
            if self.done.load(Ordering::Acquire) == done {
                return;
            }
        }
    }
}

impl<const LISTS: usize> Drop for PhaseCell<LISTS> {
    fn drop(&mut self) {
        let mut at = self.failed.load(Ordering::Acquire);
        while !at.is_null() {
            // Nobody else has the cell.
            at = unsafe { Box::from_raw(at) }.next;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::event::Pool;

    #[test]
    fn waiters_are_released_at_their_phase() {
        let (graph, mut pool, cell) = (Graph::new(), Pool::new(), PhaseCell::<MANY>::new());
        let mut ready = Vec::new();
        let nodes: Vec<NodeRef> = (0..200u64)
            .map(|phase| {
                let mut builder = graph.build(&mut pool);
                assert!(builder.after_phase(&cell, phase, &mut |n| ready.push(n)));
                builder.seal(&mut |n| ready.push(n))
            })
            .collect();
        assert!(ready.is_empty());
        for (phase, &node) in nodes.iter().enumerate() {
            cell.advance_to(&graph, phase as u64 + 1, &mut |n| ready.push(n));
            assert_eq!(ready.pop(), Some(node));
            assert!(ready.is_empty());
        }
        assert!(!cell.has_waiters());
        let mut builder = graph.build(&mut pool);
        assert!(!builder.after_phase(&cell, 199, &mut |_| {}));
        builder.seal(&mut |n| ready.push(n));
        assert_eq!(ready.len(), 1);
    }

    #[test]
    fn those_who_wait_for_a_failed_phase_inherit_its_error() {
        let (graph, mut pool, cell) = (Graph::new(), Pool::new(), PhaseCell::<MANY>::new());
        let mut ready = Vec::new();
        let mut wait = |phase, ready: &mut Vec<NodeRef>| {
            let mut builder = graph.build(&mut pool);
            builder.after_phase(&cell, phase, &mut |n| ready.push(n));
            builder.seal(&mut |n| ready.push(n));
        };
        (0..3).for_each(|phase| wait(phase, &mut ready));
        cell.fail(1, 7);
        cell.advance_to(&graph, 3, &mut |n| ready.push(n));
        wait(1, &mut ready);
        wait(2, &mut ready);
        let errors: Vec<u32> = ready.iter().map(|&node| graph.poison(node)).collect();
        assert_eq!(errors, [0, 7, 0, 7, 0]);
    }

    #[test]
    fn many_phases_at_once_release_all_their_waiters() {
        let (graph, mut pool, cell) = (Graph::new(), Pool::new(), PhaseCell::<MANY>::new());
        let mut ready = 0;
        for phase in 0..300u64 {
            let mut builder = graph.build(&mut pool);
            builder.after_phase(&cell, phase, &mut |_| ready += 1);
            builder.seal(&mut |_| ready += 1);
        }
        cell.advance_to(&graph, 250, &mut |_| ready += 1);
        assert_eq!(ready, 250);
        cell.advance_to(&graph, 300, &mut |_| ready += 1);
        assert_eq!(ready, 300);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};
    use crate::event::Pool;

    type Shared = Arc<(Graph, PhaseCell)>;

    fn shared() -> Shared {
        Arc::new((Graph::new(), PhaseCell::<MANY>::new()))
    }

    /// A thread that completes phases; how many nodes it released.
    fn advance(shared: &Shared, to: &'static [u64]) -> thread::JoinHandle<u32> {
        let other = shared.clone();
        thread::spawn(move || {
            let mut released = 0;
            to.iter().for_each(|&done| other.1.advance_to(&other.0, done, &mut |_| released += 1));
            released
        })
    }

    /// A node that waits for a phase; how many nodes this thread released meanwhile.
    fn wait(shared: &Shared, pool: &mut Pool, phase: u64) -> u32 {
        let mut released = 0;
        let mut builder = shared.0.build(pool);
        builder.after_phase(&shared.1, phase, &mut |_| released += 1);
        builder.seal(&mut |_| released += 1);
        released
    }

    #[test]
    fn model_no_waiter_is_missed() {
        loom::model(|| {
            let shared = shared();
            let advancer = advance(&shared, &[1]);
            let released = wait(&shared, &mut Pool::new(), 0);
            assert_eq!(released + advancer.join().unwrap(), 1);
        });
    }

    #[test]
    fn model_waiters_of_phases_that_share_a_list_are_told_apart() {
        loom::model(|| {
            let (shared, mut pool) = (shared(), Pool::new());
            assert_eq!(wait(&shared, &mut pool, MANY as u64), 0);
            let advancer = advance(&shared, &[1]);
            let released = wait(&shared, &mut pool, 0);
            assert_eq!(released + advancer.join().unwrap(), 1, "one of the two waits for a later phase");
            let mut later = 0;
            shared.1.advance_to(&shared.0, MANY as u64 + 1, &mut |_| later += 1);
            assert_eq!((later, shared.1.has_waiters()), (1, false));
        });
    }

    #[test]
    fn model_two_that_advance_miss_nobody() {
        loom::model(|| {
            let (shared, mut pool) = (shared(), Pool::new());
            assert_eq!(wait(&shared, &mut pool, MANY as u64), 0);
            assert_eq!(wait(&shared, &mut pool, 0), 0);
            let advancers = [advance(&shared, &[1]), advance(&shared, &[MANY as u64 + 1])];
            assert_eq!(advancers.map(|a| a.join().unwrap()).iter().sum::<u32>(), 2);
        });
    }

    #[test]
    fn model_a_waiter_that_comes_while_two_advance_is_released_once() {
        loom::model(|| {
            let shared = shared();
            let advancers = [advance(&shared, &[1]), advance(&shared, &[2])];
            let released = wait(&shared, &mut Pool::new(), 1);
            assert_eq!(released + advancers.map(|a| a.join().unwrap()).iter().sum::<u32>(), 1);
        });
    }

    #[test]
    fn model_no_waiter_misses_the_error() {
        loom::model(|| {
            let shared = Arc::new((Graph::new(), PhaseCell::<MANY>::new()));
            let other = shared.clone();
            let advancer = thread::spawn(move || {
                let mut poison = None;
                other.1.fail(0, 7);
                other.1.advance_to(&other.0, 1, &mut |n| poison = Some(other.0.poison(n)));
                poison
            });
            let mut pool = Pool::new();
            let mut poison = None;
            let mut builder = shared.0.build(&mut pool);
            builder.after_phase(&shared.1, 0, &mut |n| poison = Some(shared.0.poison(n)));
            builder.seal(&mut |n| poison = Some(shared.0.poison(n)));
            assert_eq!(poison.or(advancer.join().unwrap()), Some(7));
        });
    }
}
