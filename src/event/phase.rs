//! A counter of completed phases and the nodes that wait for it: one side of a handshake, or this rank's view of a
//! barrier. Phases are 64 bits wide and never run out.
//!
//! `waiters` heads a list of edges (see `graph`). Waiters push themselves; whoever advances the counter takes the whole
//! list, satisfies those whose phase is complete and pushes the rest back. A sequentially
//! consistent fence stands between pushing and looking at the counter, and between advancing it and looking at the
//! list, so that one of the two sees the other and no waiter is missed.

use super::graph::{Graph, NodeRef};
use crate::base::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering};

#[derive(Debug)]
pub struct PhaseCell {
    done: AtomicU64,
    waiters: AtomicU32,
}

impl Default for PhaseCell {
    fn default() -> Self {
        Self::new()
    }
}

impl PhaseCell {
    pub fn new() -> Self {
        Self { done: AtomicU64::new(0), waiters: AtomicU32::new(0) }
    }

    /// Phases completed so far: phase `p` is complete when this exceeds `p`.
    #[inline]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    pub fn has_waiters(&self) -> bool {
        self.waiters.load(Ordering::Relaxed) != 0
    }

    /// Completes every phase below `done`; lower values than before change nothing.
    pub fn advance_to(&self, graph: &Graph, done: u64, ready: &mut impl FnMut(NodeRef)) {
        self.done.fetch_max(done, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        self.drain(graph, ready);
    }

    pub(super) fn add(&self, graph: &Graph, edge: u32, phase: u64, ready: &mut impl FnMut(NodeRef)) {
        graph.edge(edge).phase.store(phase, Ordering::Relaxed);
        self.push(graph, edge);
        fence(Ordering::SeqCst);
        if self.done.load(Ordering::Acquire) > phase {
            self.drain(graph, ready);
        }
    }

    fn push(&self, graph: &Graph, edge: u32) {
        let mut head = self.waiters.load(Ordering::Relaxed);
        loop {
            graph.edge(edge).next.store(head, Ordering::Relaxed);
            match self.waiters.compare_exchange_weak(head, edge, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn drain(&self, graph: &Graph, ready: &mut impl FnMut(NodeRef)) {
        loop {
            if self.waiters.load(Ordering::Relaxed) == 0 {
                return;
            }
            let mut edge = self.waiters.swap(0, Ordering::AcqRel);
            let done = self.done.load(Ordering::Acquire);
            let mut kept = false;
            while edge != 0 {
                let this = edge;
                edge = graph.edge(this).next.load(Ordering::Relaxed);
                if graph.edge(this).phase.load(Ordering::Relaxed) < done {
                    graph.satisfy_edge(this, ready);
                } else {
                    self.push(graph, this);
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::event::Pool;

    #[test]
    fn waiters_are_released_at_their_phase() {
        let (graph, mut pool, cell) = (Graph::new(), Pool::new(), PhaseCell::new());
        let mut ready = Vec::new();
        let nodes: Vec<NodeRef> = (0..20u64)
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
        assert!(!builder.after_phase(&cell, 19, &mut |_| {}));
        builder.seal(&mut |n| ready.push(n));
        assert_eq!(ready.len(), 1);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};
    use crate::event::Pool;

    #[test]
    fn model_no_waiter_is_missed() {
        loom::model(|| {
            let shared = Arc::new((Graph::new(), PhaseCell::new()));
            let other = shared.clone();
            let advancer = thread::spawn(move || {
                let mut released = 0;
                other.1.advance_to(&other.0, 1, &mut |_| released += 1);
                released
            });
            let mut pool = Pool::new();
            let mut released = 0;
            let mut builder = shared.0.build(&mut pool);
            builder.after_phase(&shared.1, 0, &mut |_| released += 1);
            builder.seal(&mut |_| released += 1);
            assert_eq!(released + advancer.join().unwrap(), 1);
        });
    }
}
