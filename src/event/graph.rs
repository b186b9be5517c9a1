//! The completion graph. A node counts what it waits for and heads a list of who waits for it; finishing a node
//! releases its successors. No lock, and in steady state no allocation: nodes and their edges are recycled.
//!
//! State words of a node:
//! * `waits`: what is still missing. Biased while the node is being built, so that it cannot become ready early; the
//!   builder takes the bias away in one step. Whoever takes it to zero owns the node until it completes.
//! * `successors`: `generation:32 | edge id or OPEN, CLOSED, POISONED`. Builders push edges by compare-exchange; the one
//!   completing thread swaps the list away, closes it and moves the generation on, all in one step, so that a reference
//!   to a recycled node reads as complete. A failed node keeps its generation and its slot: later nodes must learn of it.
//! * an edge belongs to the node that waits. Its `next` is read before the waiting node is satisfied, because from
//!   then on the edge may be in use again. A bit of its id says in a node's list that failures do not go along it.

use super::PhaseCell;
use crate::base::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use crate::base::sync::UnsafeCell;
use crate::base::{memory, Chunks};
use smallvec::SmallVec;

/// Nodes, and elements of the arrays parallel to them, are made so many at once, so often.
pub const CHUNK: usize = if cfg!(loom) { 4 } else { 1024 };
pub const CHUNKS: usize = if cfg!(loom) { 2 } else { 1 << 14 };
/// Nodes that a pool takes at first; then as many as it has, up to a chunk. A recursion has a pool for each of its tasks.
const FIRST: usize = if cfg!(loom) { CHUNK } else { 16 };
/// Nodes kept for operations that have begun to be built, when no others begin.
const KEPT: usize = if cfg!(loom) { 0 } else { CHUNK };
/// Edges of a node; the last one links a join node when there are more predecessors.
const EDGES: u32 = if cfg!(loom) { 2 } else { 8 };

const OPEN: u32 = 0;
const CLOSED: u32 = u32::MAX;
const POISONED: u32 = u32::MAX - 1;
/// Beside an edge's id: the node that waits does not fail with the one that it waits for. Ids are smaller, and the other words are no ids.
const UNHARMED: u32 = 1 << 31;
const BIAS: i32 = i32::MAX / 2;
const NOT_JOIN: u32 = 0;

/// A node and its generation. Outlives the node: it then reads as complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeRef(pub u64);

impl NodeRef {
    fn new(generation: u32, index: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(index))
    }
    pub fn index(self) -> u32 {
        self.0 as u32
    }
    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Complete,
    /// Failed, or not run because what it waited for failed: the error's number.
    Failed(u32),
}

pub(super) struct Edge {
    pub(super) next: AtomicU32,
    /// Phase waited for, when the edge hangs in a phase cell.
    pub(super) phase: AtomicU64,
}

#[repr(align(64))]
struct Node {
    waits: AtomicI32,
    poison: AtomicU32,
    successors: AtomicU64,
    /// Serial of the last builder that added this node as predecessor: no second edge. Serials are even; one more if failures do not go along it.
    mark: AtomicU64,
    next_returned: AtomicU32,
    join: AtomicU32,
    /// Who is next in the line where the node waits (see `reservation`).
    next_in_line: AtomicU32,
    pool: UnsafeCell<*const Returned>,
    edges: [Edge; EDGES as usize],
}

/// Slots that completed nodes give back to the thread that builds.
struct Returned {
    /// index + 1 of the first, or 0.
    head: AtomicU32,
}

/// Where one building thread takes its nodes from. It must outlive them.
pub struct Pool {
    /// Slots that were used before: taken first, newest first, so that few are in use and those lie in cache.
    used: Vec<u32>,
    fresh: Vec<u32>,
    /// How many it has, in use or not.
    owned: usize,
    returned: Box<Returned>,
}

unsafe impl Send for Pool {}

impl Pool {
    pub fn new() -> Self {
        Self { used: Vec::new(), fresh: Vec::new(), owned: 0, returned: Box::new(Returned { head: AtomicU32::new(0) }) }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes a chunk of what lies beside the nodes; false: there is no memory for it.
type Beside = Box<dyn Fn(usize) -> bool + Send + Sync>;

pub struct Graph {
    nodes: Chunks<Node, CHUNK, CHUNKS>,
    beside: Beside,
    next: AtomicU32,
    /// As many nodes as there can be.
    limit: usize,
    serial: AtomicU64,
}

unsafe impl Sync for Graph {}
unsafe impl Send for Graph {}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    pub fn new() -> Self {
        Self::with_limit(CHUNK * CHUNKS, Box::new(|_| true))
    }

    /// With arrays parallel to the nodes, whose chunks `beside` makes before those of the nodes.
    pub fn with_arrays(beside: Beside) -> Self {
        Self::with_limit(CHUNK * CHUNKS, beside)
    }

    fn with_limit(limit: usize, beside: Beside) -> Self {
        Self {
            limit,
            nodes: Chunks::default(),
            beside,
            next: AtomicU32::new(0),
            serial: AtomicU64::new(2),
        }
    }

    #[inline]
    fn node(&self, index: u32) -> &Node {
        let node = self.nodes.get(index as usize);
        debug_assert!(node.is_some());
        // Indices come from `grow`, which made the chunk.
        unsafe { node.unwrap_unchecked() }
    }

    pub(super) fn edge(&self, id: u32) -> &Edge {
        &self.node((id - 1) / EDGES).edges[((id - 1) % EDGES) as usize]
    }

    pub(super) fn next_in_line(&self, index: u32) -> &AtomicU32 {
        &self.node(index).next_in_line
    }

    /// The node that is pending at this index.
    pub(super) fn pending(&self, index: u32) -> NodeRef {
        NodeRef::new((self.node(index).successors.load(Ordering::Relaxed) >> 32) as u32, index)
    }

    /// A chunk of new nodes for a pool that has none left: only while the program still finds its working set. False: there are as
    /// many as there can be, or no memory for more.
    #[cold]
    fn grow(&self, pool: &mut Pool) -> bool {
        let count = pool.owned.clamp(FIRST, CHUNK);
        // No push of a slot that comes back allocates.
        let room = pool.owned + count - pool.used.len();
        if pool.fresh.try_reserve(count).is_err() || pool.used.try_reserve(room).is_err() {
            return false;
        }
        let mut first = self.next.load(Ordering::Relaxed);
        let indices = loop {
            let end = first as usize + count;
            // What there is no memory for is not taken.
            if end > self.limit || !(first as usize / CHUNK..=(end - 1) / CHUNK).all(|chunk| self.make_chunk(chunk)) {
                return false;
            }
            match self.next.compare_exchange(first, end as u32, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break first..end as u32,
                Err(now) => first = now,
            }
        };
        // Nobody else has them yet.
        indices.clone().for_each(|index| self.node(index).pool.with_mut(|owner| unsafe { *owner = &*pool.returned }));
        pool.fresh.extend(indices.rev());
        pool.owned += count;
        true
    }

    /// Whether the chunk is there now, or there is no memory for it.
    fn make_chunk(&self, chunk: usize) -> bool {
        (self.beside)(chunk)
            && self.nodes.make(chunk, |_| Node {
                waits: AtomicI32::new(0),
                poison: AtomicU32::new(0),
                successors: AtomicU64::new(u64::from(CLOSED)),
                mark: AtomicU64::new(0),
                next_returned: AtomicU32::new(0),
                join: AtomicU32::new(NOT_JOIN),
                next_in_line: AtomicU32::new(0),
                pool: UnsafeCell::new(std::ptr::null()),
                edges: std::array::from_fn(|_| Edge { next: AtomicU32::new(0), phase: AtomicU64::new(0) }),
            })
    }

    /// Whether the pool has nodes for `count` operations now. False: there are as many as there can be, or no memory for more besides
    /// what is kept for bad times.
    #[inline(never)]
    pub fn make_room(&self, pool: &mut Pool, count: usize) -> bool {
        self.take_returned(pool);
        let more = || self.next.load(Ordering::Relaxed) as usize + CHUNK + KEPT <= self.limit;
        memory::sparing(|| {
            while pool.used.len() + pool.fresh.len() < count {
                if !(more() && self.grow(pool)) {
                    return false;
                }
            }
            true
        })
    }

    /// What completed nodes gave back.
    fn take_returned(&self, pool: &mut Pool) {
        if pool.returned.head.load(Ordering::Relaxed) != 0 {
            let mut head = pool.returned.head.swap(0, Ordering::Acquire);
            while head != 0 {
                pool.used.push(head - 1);
                head = self.node(head - 1).next_returned.load(Ordering::Relaxed);
            }
        }
    }

    /// A join node, or one of an operation that has begun to be built: some are kept for these.
    fn allocate(&self, pool: &mut Pool, join: bool) -> NodeRef {
        self.try_allocate(pool, join).expect("the completion graph is full, or the memory")
    }

    fn try_allocate(&self, pool: &mut Pool, join: bool) -> Option<NodeRef> {
        if pool.used.is_empty() {
            self.take_returned(pool);
        }
        if pool.used.is_empty() && pool.fresh.is_empty() && !self.grow(pool) {
            return None;
        }
        let index = pool.used.pop().or_else(|| pool.fresh.pop()).expect("just filled");
        let node = self.node(index);
        let generation = (node.successors.load(Ordering::Relaxed) >> 32) as u32;
        node.waits.store(BIAS, Ordering::Relaxed);
        node.poison.store(0, Ordering::Relaxed);
        node.join.store(u32::from(join), Ordering::Relaxed);
        // Released to whoever sees the node through a successor list or the scheduler.
        node.successors.store(u64::from(generation) << 32 | u64::from(OPEN), Ordering::Release);
        Some(NodeRef::new(generation, index))
    }

    pub fn state(&self, node: NodeRef) -> State {
        let word = self.node(node.index()).successors.load(Ordering::Acquire);
        match word as u32 {
            _ if (word >> 32) as u32 != node.generation() => State::Complete,
            POISONED => State::Failed(self.node(node.index()).poison.load(Ordering::Relaxed)),
            CLOSED => State::Complete,
            _ => State::Pending,
        }
    }

    /// The error that a node which is about to run has inherited, or 0.
    pub fn poison(&self, node: NodeRef) -> u32 {
        self.node(node.index()).poison.load(Ordering::Relaxed)
    }

    /// A node that is about to run does not fail because what it waited for failed.
    pub fn absolve(&self, node: NodeRef) {
        self.node(node.index()).poison.store(0, Ordering::Relaxed);
    }

    /// Starts a node. Nothing runs it before `Builder::seal`.
    pub fn build<'a>(&'a self, pool: &'a mut Pool) -> Builder<'a> {
        let node = self.reserve(pool);
        self.resume(pool, node)
    }

    /// A node to be built later; until then it is pending. `None`: there are as many as there can be, or no memory for more.
    pub fn try_reserve(&self, pool: &mut Pool) -> Option<NodeRef> {
        if pool.used.is_empty() && pool.fresh.is_empty() && !self.make_room(pool, 1) {
            return None;
        }
        self.try_allocate(pool, false)
    }

    /// The same, where there is one for sure.
    pub fn reserve(&self, pool: &mut Pool) -> NodeRef {
        self.allocate(pool, false)
    }

    /// Takes back a reserved node that nobody was told of.
    pub fn abandon(&self, pool: &mut Pool, node: NodeRef) {
        pool.used.push(node.index());
    }

    /// Builds a node that `reserve` gave.
    pub fn resume<'a>(&'a self, pool: &'a mut Pool, node: NodeRef) -> Builder<'a> {
        let serial = self.serial.fetch_add(2, Ordering::Relaxed);
        Builder { graph: self, pool, node, holder: node, used: 0, count: 0, serial }
    }

    /// What hung on this edge, in a phase cell, is there, or failed with `error`.
    pub(super) fn satisfy_edge(&self, edge: u32, error: u32, ready: &mut impl FnMut(NodeRef)) {
        let node = (edge - 1) / EDGES;
        if error != 0 {
            self.node(node).poison.store(error, Ordering::Relaxed);
        }
        self.release(node, 1, ready);
    }

    /// One of the things that `node` waits for is there.
    pub fn satisfy(&self, node: u32, ready: &mut impl FnMut(NodeRef)) {
        self.release(node, 1, ready);
    }

    fn release(&self, index: u32, count: i32, ready: &mut impl FnMut(NodeRef)) {
        let node = self.node(index);
        if node.waits.fetch_sub(count, Ordering::AcqRel) != count {
            return;
        }
        let reference = self.pending(index);
        if node.join.load(Ordering::Relaxed) == NOT_JOIN {
            ready(reference);
        } else {
            self.complete(reference, 0, ready);
        }
    }

    /// Finishes a node whose wait count is zero: `error` 0, or why it failed. Calls `ready` for each node that this made
    /// ready. The caller must not touch the node's slot afterwards.
    pub fn complete(&self, node: NodeRef, error: u32, ready: &mut impl FnMut(NodeRef)) {
        // Join nodes are completed here and not by their own releasers, or a long chain of them would recurse deeply.
        let mut joins: SmallVec<[NodeRef; 8]> = SmallVec::new();
        let (mut reference, mut error) = (node, error);
        loop {
            let node = self.node(reference.index());
            if error != 0 {
                node.poison.store(error, Ordering::Relaxed);
            }
            let poison = node.poison.load(Ordering::Relaxed);
            let closed = match poison {
                0 => u64::from(reference.generation().wrapping_add(1)) << 32 | u64::from(CLOSED),
                _ => u64::from(reference.generation()) << 32 | u64::from(POISONED),
            };
            let mut edge = node.successors.swap(closed, Ordering::AcqRel) as u32;
            if poison == 0 {
                self.give_back(reference.index());
            }
            while edge != OPEN {
                let (id, harms) = (edge & !UNHARMED, edge & UNHARMED == 0);
                let waiting = (id - 1) / EDGES;
                edge = self.edge(id).next.load(Ordering::Relaxed);
                if poison != 0 && harms {
                    self.node(waiting).poison.store(poison, Ordering::Relaxed);
                }
                let is_join = self.node(waiting).join.load(Ordering::Relaxed) != NOT_JOIN;
                if !is_join {
                    self.release(waiting, 1, ready);
                } else if self.node(waiting).waits.fetch_sub(1, Ordering::AcqRel) == 1 {
                    joins.push(self.pending(waiting));
                }
            }
            match joins.pop() {
                Some(join) => (reference, error) = (join, 0),
                None => return,
            }
        }
    }

    fn give_back(&self, index: u32) {
        let node = self.node(index);
        // The pool outlives its nodes (see `Pool`), and the pointer never changes.
        let returned = node.pool.with(|pool| unsafe { &**pool });
        let mut head = returned.head.load(Ordering::Relaxed);
        loop {
            node.next_returned.store(head, Ordering::Relaxed);
            match returned.head.compare_exchange_weak(head, index + 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }
}

/// A node being built: collects what it waits for, then is sealed.
pub struct Builder<'a> {
    graph: &'a Graph,
    pool: &'a mut Pool,
    node: NodeRef,
    /// The node whose edges are being used: the node itself, or its last join node.
    holder: NodeRef,
    used: u32,
    count: i32,
    serial: u64,
}

impl Builder<'_> {
    pub fn node(&self) -> NodeRef {
        self.node
    }

    /// Waits for `before`, once however often it is named. Whether there was something to wait for.
    #[inline]
    pub fn after(&mut self, before: NodeRef) -> bool {
        if self.graph.node(before.index()).mark.load(Ordering::Relaxed) == self.serial {
            return true;
        }
        self.link(before, true)
    }

    /// The same, whatever becomes of `before`: the node does not fail with it, unless it waits for it by `after` too.
    pub fn behind(&mut self, before: NodeRef) -> bool {
        if self.graph.node(before.index()).mark.load(Ordering::Relaxed) | 1 == self.serial | 1 {
            return true;
        }
        self.link(before, false)
    }

    #[inline]
    fn link(&mut self, before: NodeRef, harms: bool) -> bool {
        let node = self.graph.node(before.index());
        let mut word = node.successors.load(Ordering::Acquire);
        loop {
            if (word >> 32) as u32 != before.generation() || word as u32 == CLOSED {
                return false;
            }
            if word as u32 == POISONED {
                if !harms {
                    return false;
                }
                self.inherit(node.poison.load(Ordering::Relaxed));
                return false;
            }
            let id = self.edge();
            self.graph.edge(id).next.store(word as u32, Ordering::Relaxed);
            let linked = word >> 32 << 32 | u64::from(if harms { id } else { id | UNHARMED });
            match node.successors.compare_exchange_weak(word, linked, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    node.mark.store(self.serial | u64::from(!harms), Ordering::Relaxed);
                    self.used += 1;
                    self.count += 1;
                    return true;
                }
                Err(now) => word = now,
            }
        }
    }

    /// Waits until `cell` has completed `phase`.
    pub fn after_phase<const LISTS: usize>(&mut self, cell: &PhaseCell<LISTS>, phase: u64, ready: &mut impl FnMut(NodeRef)) -> bool {
        if cell.done() > phase {
            let error = cell.error(phase);
            if error != 0 {
                self.inherit(error);
            }
            return false;
        }
        let id = self.edge();
        self.used += 1;
        self.count += 1;
        cell.add(self.graph, id, phase, ready);
        true
    }

    /// Waits for one more call of `Graph::satisfy`.
    pub fn external(&mut self) {
        self.main_count(1);
    }

    /// The node will not run: it inherits this error.
    pub fn inherit(&mut self, error: u32) {
        self.graph.node(self.node.index()).poison.store(error, Ordering::Relaxed);
    }

    fn main_count(&mut self, count: i32) {
        // Biased, so it cannot reach zero here.
        self.graph.node(self.node.index()).waits.fetch_add(count, Ordering::Relaxed);
    }

    /// The next free edge; makes a join node when only the holder's last one is left.
    fn edge(&mut self) -> u32 {
        if self.used == EDGES - 1 {
            let join = self.graph.allocate(self.pool, true);
            let id = self.holder.index() * EDGES + self.used + 1;
            self.graph.edge(id).next.store(OPEN, Ordering::Relaxed);
            let word = u64::from(join.generation()) << 32 | u64::from(id);
            self.graph.node(join.index()).successors.store(word, Ordering::Release);
            // The join node is not complete, so the holder cannot become ready here.
            self.seal_holder(self.count + 1);
            self.holder = join;
            self.used = 0;
            self.count = 0;
        }
        self.holder.index() * EDGES + self.used + 1
    }

    /// Takes the bias from a holder that is not the last: the main node keeps its own until `seal`.
    fn seal_holder(&mut self, count: i32) {
        if self.holder == self.node {
            self.main_count(count);
        } else {
            self.graph.release(self.holder.index(), BIAS - count, &mut |_| unreachable!("its join node is pending"));
        }
    }

    /// From here on the node may become ready, at once or later; `ready` is called if it is now.
    pub fn seal(self, ready: &mut impl FnMut(NodeRef)) -> NodeRef {
        if self.holder == self.node {
            self.graph.release(self.node.index(), BIAS - self.count, ready);
        } else {
            // The join node first: while the main node is biased, completing the join cannot release it.
            self.graph.release(self.holder.index(), BIAS - self.count, &mut |_| unreachable!("a join node does not run"));
            self.graph.release(self.node.index(), BIAS, ready);
        }
        self.node
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn start(graph: &Graph, pool: &mut Pool, before: &[NodeRef]) -> (NodeRef, bool) {
        let mut ready = false;
        let mut builder = graph.build(pool);
        for &b in before {
            builder.after(b);
        }
        let node = builder.seal(&mut |_| ready = true);
        (node, ready)
    }

    fn finish(graph: &Graph, node: NodeRef, error: u32) -> Vec<NodeRef> {
        let mut released = Vec::new();
        graph.complete(node, error, &mut |n| released.push(n));
        released
    }

    #[test]
    fn successors_wait_for_all_and_once() {
        let (graph, mut pool) = (Graph::new(), Pool::new());
        let (a, ready) = start(&graph, &mut pool, &[]);
        assert!(ready);
        let (b, _) = start(&graph, &mut pool, &[]);
        let (c, ready) = start(&graph, &mut pool, &[a, b, a, b, a]);
        assert!(!ready && graph.state(c) == State::Pending);
        assert!(finish(&graph, a, 0).is_empty());
        assert_eq!(finish(&graph, b, 0), [c]);
        assert!(finish(&graph, c, 0).is_empty());
        let (_, ready) = start(&graph, &mut pool, &[a, b, c]);
        assert!(ready, "complete nodes are not waited for, recycled or not");
    }

    #[test]
    fn any_number_of_predecessors() {
        for n in [6, 7, 8, 15, 100, 5000] {
            let (graph, mut pool) = (Graph::new(), Pool::new());
            let before: Vec<NodeRef> = (0..n).map(|_| start(&graph, &mut pool, &[]).0).collect();
            let (last, ready) = start(&graph, &mut pool, &before);
            assert!(!ready);
            for (i, &node) in before.iter().enumerate() {
                let released = finish(&graph, node, 0);
                assert_eq!(released, if i + 1 == n { vec![last] } else { vec![] }, "{n} {i}");
            }
        }
    }

    #[test]
    fn failure_reaches_dependents_now_and_later() {
        let (graph, mut pool) = (Graph::new(), Pool::new());
        let (a, _) = start(&graph, &mut pool, &[]);
        let (b, _) = start(&graph, &mut pool, &[a]);
        assert_eq!(finish(&graph, a, 7), [b]);
        assert_eq!(graph.poison(b), 7);
        finish(&graph, b, 0);
        assert_eq!(graph.state(b), State::Failed(7));
        let (c, ready) = start(&graph, &mut pool, &[b]);
        assert!(ready);
        assert_eq!(graph.poison(c), 7);
    }

    #[test]
    fn failure_does_not_reach_who_only_comes_behind() {
        // With and without join nodes, named in either order and twice.
        for (first, last) in [(0, 0), (0, 20), (20, 0)] {
            let (graph, mut pool) = (Graph::new(), Pool::new());
            let [failing, fine] = [(); 2].map(|()| start(&graph, &mut pool, &[]).0);
            let others: Vec<NodeRef> = (0..20).map(|_| start(&graph, &mut pool, &[]).0).collect();
            let mut build = |depends: Option<bool>| {
                let mut builder = graph.build(&mut pool);
                others[..first].iter().for_each(|&other| assert!(builder.after(other)));
                if depends == Some(true) {
                    builder.after(failing);
                }
                assert!(builder.behind(failing) && builder.behind(failing) && builder.behind(fine));
                if depends == Some(false) {
                    builder.after(failing);
                }
                others[..last].iter().for_each(|&other| assert!(builder.after(other)));
                builder.seal(&mut |_| panic!("it waits"))
            };
            let nodes = [None, Some(true), Some(false)].map(&mut build);
            let mut released = finish(&graph, failing, 7);
            for &node in others.iter().chain([&fine]) {
                assert!(released.is_empty());
                released = finish(&graph, node, 0);
            }
            released.sort_unstable_by_key(|node| node.0);
            let mut all = nodes;
            all.sort_unstable_by_key(|node| node.0);
            assert_eq!(released, all, "none waits any more, and none did not");
            assert_eq!(nodes.map(|node| graph.poison(node)), [0, 7, 7]);
            let mut later = graph.build(&mut pool);
            assert!(!later.behind(failing));
            let later = later.seal(&mut |_| ());
            assert_eq!(graph.poison(later), 0);
        }
    }

    #[test]
    fn a_full_graph_gives_no_more_until_one_is_complete_and_lets_what_began_go_on() {
        let (graph, mut pool) = (Graph::with_limit(4 * CHUNK, Box::new(|_| true)), Pool::new());
        let all: Vec<NodeRef> = std::iter::from_fn(|| graph.try_reserve(&mut pool)).collect();
        assert!(all.len() >= 2 * CHUNK && all.len() <= 4 * CHUNK - KEPT, "{}", all.len());
        assert!(graph.try_reserve(&mut Pool::new()).is_none(), "nor to another pool");
        // One that has begun may have any number of predecessors, for which it needs join nodes.
        let (last, before) = all.split_last().unwrap();
        let mut builder = graph.resume(&mut pool, *last);
        before[..100].iter().for_each(|&node| assert!(builder.after(node)));
        builder.seal(&mut |_| panic!("it waits"));
        for &node in before {
            graph.resume(&mut pool, node).seal(&mut |_| {});
        }
        assert!(finish(&graph, all[0], 0).is_empty());
        assert_eq!(graph.try_reserve(&mut pool).map(NodeRef::index), Some(all[0].index()));
    }

    #[test]
    fn slots_are_recycled() {
        let (graph, mut pool) = (Graph::new(), Pool::new());
        for _ in 0..10 * CHUNK {
            let (node, _) = start(&graph, &mut pool, &[]);
            finish(&graph, node, 0);
        }
        assert_eq!(graph.next.load(Ordering::Relaxed) as usize, FIRST);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    fn leaf(graph: &Graph, pool: &mut Pool) -> NodeRef {
        graph.build(pool).seal(&mut |_| {})
    }

    /// How many nodes became ready when this thread completed these.
    fn complete(graph: &Graph, nodes: &[NodeRef], error: u32) -> u32 {
        let mut released = 0;
        nodes.iter().for_each(|&node| graph.complete(node, error, &mut |_| released += 1));
        released
    }

    fn beside<R: 'static>(graph: &Arc<Graph>, there: impl FnOnce(&Graph) -> R + 'static) -> thread::JoinHandle<R> {
        let other = graph.clone();
        thread::spawn(move || there(&other))
    }

    #[test]
    fn model_building_races_with_completion() {
        loom::model(|| {
            let (graph, mut pool) = (Arc::new(Graph::new()), Pool::new());
            let nodes = [leaf(&graph, &mut pool), leaf(&graph, &mut pool)];
            let finisher = beside(&graph, move |graph| complete(graph, &nodes, 0));
            let mut ready = 0;
            let mut builder = graph.build(&mut pool);
            nodes.iter().for_each(|&node| drop(builder.after(node)));
            builder.seal(&mut |_| ready += 1);
            assert_eq!(ready + finisher.join().unwrap(), 1, "ready exactly once");
        });
    }

    #[test]
    fn model_two_finishers_release_a_node_once() {
        loom::model(|| {
            let (graph, mut pool) = (Arc::new(Graph::new()), Pool::new());
            let [a, b] = [leaf(&graph, &mut pool), leaf(&graph, &mut pool)];
            let mut builder = graph.build(&mut pool);
            builder.after(a);
            builder.external();
            builder.after(b);
            let node = builder.seal(&mut |_| unreachable!("three things are missing"));
            let others = [a, b].map(|before| beside(&graph, move |graph| complete(graph, &[before], 0)));
            let mut ready = 0;
            graph.satisfy(node.index(), &mut |released| {
                assert_eq!(released, node);
                ready += 1;
            });
            assert_eq!(ready + others.map(|other| other.join().unwrap()).iter().sum::<u32>(), 1);
        });
    }

    /// `poison`: of who comes to wait while the one before fails.
    fn model_of_a_failure(wait: fn(&mut Builder, NodeRef) -> bool, poison: u32) {
        loom::model(move || {
            let (graph, mut pool) = (Arc::new(Graph::new()), Pool::new());
            let failing = leaf(&graph, &mut pool);
            let finisher = beside(&graph, move |graph| complete(graph, &[failing], 7));
            let mut ready = 0;
            let mut builder = graph.build(&mut pool);
            wait(&mut builder, failing);
            let node = builder.seal(&mut |_| ready += 1);
            assert_eq!(ready + finisher.join().unwrap(), 1);
            assert_eq!((graph.poison(node), graph.state(failing)), (poison, State::Failed(7)));
        });
    }

    #[test]
    fn model_a_failure_reaches_who_waits_and_who_comes_later() {
        model_of_a_failure(|builder, before| builder.after(before), 7);
    }

    #[test]
    fn model_a_failure_passes_by_who_only_comes_behind() {
        model_of_a_failure(|builder, before| builder.behind(before), 0);
    }

    #[test]
    fn model_a_slot_used_again_is_another_node() {
        loom::model(|| {
            let (graph, mut pool) = (Arc::new(Graph::new()), Pool::new());
            // All but one of the chunk, so that the slot of the first is used again as soon as it is given back.
            let nodes: Vec<NodeRef> = (1..CHUNK).map(|_| leaf(&graph, &mut pool)).collect();
            let first = nodes[0];
            let finisher = beside(&graph, move |graph| complete(graph, &[first], 0));
            let (one, two) = (leaf(&graph, &mut pool), leaf(&graph, &mut pool));
            assert!(one != first && two != first && graph.state(one) == State::Pending && graph.state(two) == State::Pending);
            let mut ready = 0;
            let mut builder = graph.build(&mut pool);
            builder.after(first);
            builder.seal(&mut |_| ready += 1);
            assert_eq!(ready + finisher.join().unwrap(), 1);
            assert_eq!(graph.state(first), State::Complete);
        });
    }

    #[test]
    fn model_a_join_node_passes_completion_on() {
        loom::model(|| {
            let (graph, mut pool) = (Arc::new(Graph::new()), Pool::new());
            let [a, b] = [leaf(&graph, &mut pool), leaf(&graph, &mut pool)];
            let finishers = [a, b].map(|before| beside(&graph, move |graph| complete(graph, &[before], 0)));
            let mut ready = 0;
            // Two edges a node, of which one links the join node.
            let mut builder = graph.build(&mut pool);
            builder.after(a);
            builder.after(b);
            builder.seal(&mut |_| ready += 1);
            assert_eq!(ready + finishers.map(|f| f.join().unwrap()).iter().sum::<u32>(), 1);
        });
    }
}
