//! A bounded queue that any thread fills and any thread empties, oldest first: Vyukov's (1024cores.net, "Bounded MPMC queue").
//! A full queue refuses, so that it never allocates; the caller has somewhere else to put the item.
//!
//! Each place has a turn: `i` while it waits for the item number `i` to be written, `i + 1` while that item lies there. Whoever
//! moves `head` or `tail` past a number owns its place until it writes the turn.

use crate::base::sync::atomic::{AtomicU64, Ordering};
use crate::base::sync::Padded;

struct Place {
    turn: AtomicU64,
    item: AtomicU64,
}

pub struct Queue {
    /// Number of the next item to be taken, and to be written.
    head: Padded<AtomicU64>,
    tail: Padded<AtomicU64>,
    places: Box<[Place]>,
}

impl Queue {
    /// `capacity` is a power of two, 2 at least.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two() && capacity > 1);
        let place = |i| Place { turn: AtomicU64::new(i as u64), item: AtomicU64::new(0) };
        Self { head: Padded::default(), tail: Padded::default(), places: (0..capacity).map(place).collect() }
    }

    fn place(&self, number: u64) -> &Place {
        &self.places[number as usize & (self.places.len() - 1)]
    }

    /// Returns whether there was room.
    pub fn push(&self, item: u64) -> bool {
        let mut number = self.tail.load(Ordering::Relaxed);
        loop {
            let place = self.place(number);
            let turn = place.turn.load(Ordering::Acquire);
            if turn == number {
                match self.tail.compare_exchange(number, number + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        place.item.store(item, Ordering::Relaxed);
                        place.turn.store(number + 1, Ordering::Release);
                        return true;
                    }
                    Err(now) => number = now,
                }
            } else if turn < number {
                return false;
            } else {
                number = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    /// `None` when there is no item, or the oldest is being written.
    pub fn pop(&self) -> Option<u64> {
        let mut number = self.head.load(Ordering::Relaxed);
        loop {
            let place = self.place(number);
            let turn = place.turn.load(Ordering::Acquire);
            if turn == number + 1 {
                match self.head.compare_exchange(number, number + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        let item = place.item.load(Ordering::Relaxed);
                        place.turn.store(number + self.places.len() as u64, Ordering::Release);
                        return Some(item);
                    }
                    Err(now) => number = now,
                }
            } else if turn <= number {
                return None;
            } else {
                number = self.head.load(Ordering::Relaxed);
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64 as Counter;

    #[test]
    fn oldest_first_and_a_full_queue_refuses() {
        let queue = Queue::new(4);
        for round in 0..10 {
            assert!((0..4).all(|i| queue.push(round * 4 + i)));
            assert!(!queue.push(99));
            assert!((0..4).all(|i| queue.pop() == Some(round * 4 + i)));
            assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn nothing_is_lost_or_taken_twice_under_load() {
        let (queue, sum, taken) = (Queue::new(64), Counter::new(0), Counter::new(0));
        let each = 50_000;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (1..=each).for_each(|item| while !queue.push(item) { std::thread::yield_now() }));
                scope.spawn(|| {
                    while taken.load(Ordering::Relaxed) < 2 * each {
                        match queue.pop() {
                            Some(item) => {
                                sum.fetch_add(item, Ordering::Relaxed);
                                taken.fetch_add(1, Ordering::Relaxed);
                            }
                            None => std::thread::yield_now(),
                        }
                    }
                });
            }
        });
        assert_eq!(sum.load(Ordering::Relaxed), each * (each + 1));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    #[test]
    fn model_two_fill_and_one_empties() {
        loom::model(|| {
            let queue = Arc::new(Queue::new(2));
            let writers = [1, 2].map(|item| {
                let queue = queue.clone();
                thread::spawn(move || assert!(queue.push(item)))
            });
            let early: Vec<u64> = queue.pop().into_iter().collect();
            writers.into_iter().for_each(|w| w.join().unwrap());
            let mut all: Vec<u64> = early.into_iter().chain(std::iter::from_fn(|| queue.pop())).collect();
            all.sort_unstable();
            assert_eq!(all, [1, 2]);
        });
    }

    #[test]
    fn model_an_item_is_taken_once_and_its_place_serves_again() {
        loom::model(|| {
            let queue = Arc::new(Queue::new(2));
            queue.push(1);
            queue.push(2);
            let other = queue.clone();
            let thief = thread::spawn(move || other.pop());
            let mut all: Vec<u64> = queue.pop().into_iter().collect();
            if queue.push(3) {
                assert!(!all.is_empty() || queue.pop().is_some_and(|item| { all.push(item); true }));
            } else {
                all.push(3);
            }
            all.extend(thief.join().unwrap());
            all.extend(std::iter::from_fn(|| queue.pop()));
            all.sort_unstable();
            assert_eq!(all, [1, 2, 3]);
        });
    }

    #[test]
    fn model_who_takes_an_item_sees_what_was_done_before_it_was_added() {
        use crate::base::sync::atomic::AtomicU64 as Content;
        loom::model(|| {
            let shared = Arc::new((Queue::new(2), Content::new(0)));
            let other = shared.clone();
            let taker = thread::spawn(move || other.0.pop().map(|_| other.1.load(Ordering::Relaxed)));
            shared.1.store(7, Ordering::Relaxed);
            shared.0.push(1);
            assert!(taker.join().unwrap().is_none_or(|content| content == 7));
        });
    }
}
