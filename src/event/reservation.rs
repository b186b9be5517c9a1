//! Reservations: held by operations that may run in any order but not at once. An operation that became ready takes what
//! it wants in the order of addresses, so that no two wait for each other. Nobody blocks: an operation that finds one held
//! is put in line there, and whoever gives it back hands it on to the oldest. No lock, no allocation.
//!
//! A reservation is held by one operation alone, or by any number in one way, or by any number in the other way. Its words:
//! * `state`: `way:1 holders:31 | newest`, holders `ALONE` if it is one alone. `newest` heads the stack of those who came
//!   while it was held, newest first, as `index + 1, hold:2`, linked through their nodes. Pushed by compare-exchange, taken as a
//!   whole by an operation that holds it alone: no entry is popped, so none can come back unnoticed.
//! * `line`: the rest of an earlier stack, turned round, oldest first. Belongs to who holds the reservation alone, and does
//!   not change while others hold it. Empty when nobody does.
//!
//! A waiting node waits at one reservation at a time. It belongs to the thread that hands the reservation to it, from
//! then on: its link is read before.

use super::graph::{Graph, NodeRef};
use crate::base::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::ptr::NonNull;

/// How an operation holds a reservation: alone, or with all others that hold it in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Hold {
    Alone,
    OneWay,
    OtherWay,
}

impl Hold {
    fn way(self) -> u32 {
        u32::from(self == Hold::OtherWay) << 31
    }
}

const ALONE: u32 = u32::MAX >> 1;
const NOBODY: u32 = 0;

fn state(holders: u32, newest: u32) -> u64 {
    u64::from(holders) << 32 | u64::from(newest)
}

/// Who waits, and how it will hold what it waits for.
fn entry(node: NodeRef, hold: Hold) -> u32 {
    (node.index() + 1) << 2 | hold as u32
}

fn index(entry: u32) -> u32 {
    (entry >> 2) - 1
}

fn hold(entry: u32) -> Hold {
    match entry & 3 {
        0 => Hold::Alone,
        1 => Hold::OneWay,
        _ => Hold::OtherWay,
    }
}

#[derive(Debug, Default)]
pub struct Reservation {
    state: AtomicU64,
    line: AtomicU32,
}

impl Reservation {
    pub fn new() -> Self {
        Self { state: AtomicU64::new(0), line: AtomicU32::new(0) }
    }

    /// Whether the node holds it now. If not, it waits in line, and belongs to whoever will hand the reservation to it.
    fn take(&self, graph: &Graph, node: NodeRef, how: Hold) -> bool {
        let mut seen = self.state.load(Ordering::Acquire);
        loop {
            let (holders, newest) = ((seen >> 32) as u32, seen as u32);
            // Who could join waits behind those who cannot, or these might wait for ever.
            let joins = || holders & ALONE != ALONE && holders & !ALONE == how.way() && self.line.load(Ordering::Relaxed) == 0;
            let fits = holders == NOBODY || how != Hold::Alone && newest == 0 && joins();
            let next = match how {
                _ if !fits => {
                    graph.next_in_line(node.index()).store(newest, Ordering::Relaxed);
                    state(holders, entry(node, how))
                }
                Hold::Alone => state(ALONE, 0),
                _ => state((holders | how.way()) + 1, 0),
            };
            match self.state.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return fits,
                Err(now) => seen = now,
            }
        }
    }

    /// Gives back what was held in this way; calls `handed` for each node that holds it now.
    fn give_back(&self, graph: &Graph, how: Hold, handed: &mut impl FnMut(NodeRef)) {
        if how != Hold::Alone && !self.leave(how) {
            return;
        }
        let mut line = self.line.load(Ordering::Relaxed);
        if line == 0 {
            let newest = self.take_stack();
            if newest == 0 {
                return;
            }
            line = turn_round(graph, newest);
        }
        self.hand_on(graph, line, handed);
    }

    /// One of those who share it goes. Whether it was the last and somebody waits: it then holds it alone.
    fn leave(&self, how: Hold) -> bool {
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let (holders, newest) = ((seen >> 32) as u32, seen as u32);
            let last = holders == how.way() + 1;
            // It was filled, if at all, before this node got the reservation.
            let waited_for = newest != 0 || self.line.load(Ordering::Relaxed) != 0;
            let next = match (last, waited_for) {
                (true, true) => state(ALONE, newest),
                (true, false) => state(NOBODY, 0),
                _ => state(holders - 1, newest),
            };
            match self.state.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return last && waited_for,
                Err(now) => seen = now,
            }
        }
    }

    /// By who holds it alone: the stack, or, if that is empty, 0, and nobody holds the reservation any more.
    fn take_stack(&self) -> u32 {
        let mut seen = self.state.load(Ordering::Relaxed);
        loop {
            let next = if seen as u32 == 0 { state(NOBODY, 0) } else { state(ALONE, 0) };
            match self.state.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return seen as u32,
                Err(now) => seen = now,
            }
        }
    }

    /// By who holds it alone: hands it to the first in line, and to those next to it that hold it in the same way.
    fn hand_on(&self, graph: &Graph, first: u32, handed: &mut impl FnMut(NodeRef)) {
        let next = |at: u32| graph.next_in_line(index(at)).load(Ordering::Relaxed);
        let how = hold(first);
        if how == Hold::Alone {
            self.line.store(next(first), Ordering::Relaxed);
            return handed(graph.pending(index(first)));
        }
        let (mut end, mut count) = (first, 0);
        while end != 0 && hold(end) == how {
            (end, count) = (next(end), count + 1);
        }
        self.line.store(end, Ordering::Relaxed);
        // From `ALONE` to their number, beside a stack that may grow: more may join only from here on.
        let change = (how.way() | count).wrapping_sub(ALONE);
        self.state.fetch_add(u64::from(change) << 32, Ordering::AcqRel);
        let mut at = first;
        for _ in 0..count {
            let node = graph.pending(index(at));
            at = next(at);
            handed(node);
        }
    }
}

/// What one operation wants, and how much of it it holds. By the thread that the operation belongs to.
#[derive(Default)]
pub struct Reservations {
    wanted: Vec<(NonNull<Reservation>, Hold)>,
    /// Held so far, from the first on. Atomic for the sake of the model alone: what hands the node on orders its accesses.
    held: AtomicU32,
}

// Reservations are shared, and outlive the operations that want them.
unsafe impl Send for Reservations {}
unsafe impl Sync for Reservations {}

impl Reservations {
    /// # Safety
    /// The reservation stays where it is until the operation has given it back.
    pub unsafe fn want(&mut self, reservation: &Reservation, how: Hold) {
        self.wanted.push((NonNull::from(reservation), how));
    }

    /// Everything is wanted that will be.
    pub fn arrange(&mut self) {
        self.wanted.sort_unstable();
        // Of several ways to hold one reservation `Alone` comes first, and stands for all.
        self.wanted.dedup_by_key(|wanted| wanted.0);
    }

    /// The node has nothing else to wait for: whether it holds everything it wants. If not, it waits in a line and belongs to
    /// whoever hands it on.
    #[must_use]
    pub fn take(&self, graph: &Graph, node: NodeRef) -> bool {
        let mut held = self.held.load(Ordering::Relaxed);
        while let Some((reservation, how)) = self.wanted.get(held as usize) {
            // See `want`.
            if !unsafe { reservation.as_ref() }.take(graph, node, *how) {
                return false;
            }
            held += 1;
            self.held.store(held, Ordering::Relaxed);
        }
        true
    }

    /// The node was handed the reservation that it waited for, and goes on as by `take`.
    #[must_use]
    pub fn go_on(&self, graph: &Graph, node: NodeRef) -> bool {
        self.held.store(self.held.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.take(graph, node)
    }

    /// Gives back what is held, and wants nothing more; calls `handed` for each node to `go_on`.
    pub fn give_back(&mut self, graph: &Graph, handed: &mut impl FnMut(NodeRef)) {
        for (reservation, how) in self.wanted.drain(..) {
            // See `want`.
            unsafe { reservation.as_ref() }.give_back(graph, how, handed);
        }
        self.held.store(0, Ordering::Relaxed);
    }
}

/// Turns a stack round.
fn turn_round(graph: &Graph, newest: u32) -> u32 {
    let (mut at, mut turned) = (newest, 0);
    while at != 0 {
        let link = graph.next_in_line(index(at));
        let next = link.load(Ordering::Relaxed);
        link.store(turned, Ordering::Relaxed);
        (turned, at) = (at, next);
    }
    turned
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::event::Pool;

    struct Queue {
        graph: Graph,
        pool: Pool,
        reservation: Reservation,
    }

    impl Queue {
        fn new() -> Self {
            Self { graph: Graph::new(), pool: Pool::new(), reservation: Reservation::new() }
        }
        fn comes(&mut self, how: Hold) -> (NodeRef, bool) {
            let node = self.graph.reserve(&mut self.pool);
            (node, self.reservation.take(&self.graph, node, how))
        }
        fn goes(&self, how: Hold) -> Vec<NodeRef> {
            let mut handed = Vec::new();
            self.reservation.give_back(&self.graph, how, &mut |node| handed.push(node));
            handed
        }
    }

    #[test]
    fn one_alone_and_the_others_in_the_order_they_came() {
        let mut queue = Queue::new();
        assert!(queue.comes(Hold::Alone).1);
        let [(b, at_once), (c, _), (d, _)] = [(); 3].map(|()| queue.comes(Hold::Alone));
        assert!(!at_once);
        assert_eq!(queue.goes(Hold::Alone), [b]);
        let (e, _) = queue.comes(Hold::Alone);
        assert_eq!([c, d, e].map(|_| queue.goes(Hold::Alone)), [[c], [d], [e]]);
        assert!(queue.goes(Hold::Alone).is_empty());
        assert!(queue.comes(Hold::OtherWay).1, "free again");
    }

    #[test]
    fn those_of_one_way_share_and_let_nobody_past_who_waits() {
        for (way, other) in [(Hold::OneWay, Hold::OtherWay), (Hold::OtherWay, Hold::OneWay)] {
            let mut queue = Queue::new();
            assert!(queue.comes(way).1 && queue.comes(way).1);
            let (writer, at_once) = queue.comes(Hold::Alone);
            assert!(!at_once);
            let ((late, at_once), (later, _), (opposed, _)) = (queue.comes(way), queue.comes(way), queue.comes(other));
            assert!(!at_once);
            assert!(queue.goes(way).is_empty());
            assert_eq!(queue.goes(way), [writer]);
            assert_eq!(queue.goes(Hold::Alone), [late, later]);
            let (last, at_once) = queue.comes(way);
            assert!(!at_once, "behind the one that waits");
            assert!(queue.goes(way).is_empty());
            assert_eq!(queue.goes(way), [opposed]);
            assert_eq!(queue.goes(other), [last]);
            assert!(queue.goes(way).is_empty());
        }
    }

    #[test]
    fn an_operation_wants_each_reservation_once_and_in_one_order() {
        let (graph, mut pool) = (Graph::new(), Pool::new());
        let [a, b] = [Reservation::new(), Reservation::new()];
        let mut all = [Reservations::default(), Reservations::default()];
        for (wants, order) in all.iter_mut().zip([[&a, &b, &a], [&b, &a, &b]]) {
            order.iter().for_each(|r| unsafe { wants.want(r, Hold::OneWay) });
            unsafe { wants.want(&b, Hold::Alone) };
            wants.arrange();
            assert_eq!(wants.wanted.len(), 2);
        }
        assert_eq!(all[0].wanted, all[1].wanted);
        let [first, second] = [(); 2].map(|()| graph.reserve(&mut pool));
        assert!(all[0].take(&graph, first) && !all[1].take(&graph, second));
        let mut handed = Vec::new();
        all[0].give_back(&graph, &mut |node| handed.push(node));
        assert_eq!(handed, [second]);
        assert!(all[1].go_on(&graph, second));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc, UnsafeCell};
    use crate::event::Pool;

    /// Operations that each thread brings: what they want, by number of the reservation.
    type Wants = &'static [(usize, Hold)];

    struct World {
        graph: Graph,
        reservations: [Reservation; 2],
        wants: Vec<Wants>,
        operations: Vec<(NodeRef, UnsafeCell<Reservations>)>,
        /// What a reservation protects: written by who holds it alone, read by others.
        held: [UnsafeCell<u32>; 2],
        /// How many read it now in one way, and in the other.
        ways: [[AtomicU32; 2]; 2],
        _pool: Pool,
        ran: AtomicU32,
    }

    // As the engine's bodies: an operation belongs to the thread that it was handed to.
    unsafe impl Send for World {}
    unsafe impl Sync for World {}

    impl World {
        fn new(wants: &[Wants]) -> Arc<Self> {
            let (graph, mut pool) = (Graph::new(), Pool::new());
            let nodes: Vec<NodeRef> = wants.iter().map(|_| graph.reserve(&mut pool)).collect();
            let mut world = Self {
                graph,
                reservations: [Reservation::new(), Reservation::new()],
                wants: wants.to_vec(),
                operations: Vec::new(),
                held: [UnsafeCell::new(0), UnsafeCell::new(0)],
                ways: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU32::new(0))),
                _pool: pool,
                ran: AtomicU32::new(0),
            };
            world.operations = nodes.into_iter().map(|node| (node, UnsafeCell::new(Reservations::default()))).collect();
            let world = Arc::new(world);
            for (wants, (_, list)) in wants.iter().zip(&world.operations) {
                list.with_mut(|list| unsafe {
                    wants.iter().for_each(|&(r, how)| (*list).want(&world.reservations[r], how));
                    (*list).arrange();
                });
            }
            world
        }

        /// The operation is ready, and so are those that it hands its reservations to.
        fn ready(&self, operation: usize) {
            let (node, list) = &self.operations[operation];
            let mut running = Vec::new();
            if list.with(|list| unsafe { (*list).take(&self.graph, *node) }) {
                running.push(operation);
            }
            while let Some(operation) = running.pop() {
                self.run(operation);
                let mut handed = Vec::new();
                self.operations[operation].1.with_mut(|list| unsafe { (*list).give_back(&self.graph, &mut |node| handed.push(node)) });
                for node in handed {
                    let at = self.operations.iter().position(|(n, _)| *n == node).expect("one of these");
                    if self.operations[at].1.with(|list| unsafe { (*list).go_on(&self.graph, node) }) {
                        running.push(at);
                    }
                }
            }
        }

        fn run(&self, operation: usize) {
            for &(r, how) in self.wants[operation] {
                match how {
                    Hold::Alone => self.held[r].with_mut(|held| unsafe { *held += 1 }),
                    _ => {
                        let (own, others) = if how == Hold::OneWay { (0, 1) } else { (1, 0) };
                        let ways = &self.ways[r];
                        ways[own].fetch_add(1, Ordering::Relaxed);
                        assert_eq!(ways[others].fetch_add(0, Ordering::Relaxed), 0, "both ways at once");
                        self.held[r].with(|held| assert!(unsafe { held.read() } <= self.wants.len() as u32));
                        ways[own].fetch_sub(1, Ordering::Relaxed);
                    }
                }
            }
            self.ran.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Every operation runs once, and never beside one that it excludes: loom watches what they hold.
    fn model(wants: &'static [Wants]) {
        loom::model(move || {
            let world = World::new(wants);
            let others: Vec<_> = (1..wants.len())
                .map(|operation| {
                    let world = world.clone();
                    thread::spawn(move || world.ready(operation))
                })
                .collect();
            world.ready(0);
            others.into_iter().for_each(|other| other.join().unwrap());
            assert_eq!(world.ran.load(Ordering::Relaxed) as usize, wants.len());
            assert!(world.reservations.iter().all(|r| r.state.load(Ordering::Relaxed) == 0 && r.line.load(Ordering::Relaxed) == 0));
        });
    }

    #[test]
    fn model_three_writers_take_turns() {
        model(&[&[(0, Hold::Alone)], &[(0, Hold::Alone)], &[(0, Hold::Alone)]]);
    }

    #[test]
    fn model_readers_share_and_a_writer_takes_its_turn() {
        model(&[&[(0, Hold::OneWay)], &[(0, Hold::Alone)], &[(0, Hold::OneWay)]]);
    }

    #[test]
    fn model_two_ways_exclude_each_other() {
        model(&[&[(0, Hold::OneWay)], &[(0, Hold::OtherWay)], &[(0, Hold::Alone)]]);
    }

    #[test]
    fn model_two_of_two_do_not_wait_for_each_other() {
        model(&[&[(0, Hold::Alone), (1, Hold::Alone)], &[(1, Hold::Alone), (0, Hold::Alone)], &[(1, Hold::OneWay)]]);
    }
}
