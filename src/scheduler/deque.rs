//! A work-stealing deque of fixed capacity: one owner pushes and pops at the bottom, anyone steals the oldest at the top.
//! Chase and Lev (SPAA 2005) with the orderings of Le, Pop, Cohen and Zappa Nardelli (PPoPP 2013). A full deque refuses,
//! so that it never allocates; the caller has somewhere else to put the item.

use crate::base::sync::atomic::{fence, AtomicI64, AtomicU64, Ordering};
use crate::base::sync::Padded;

pub struct Deque {
    /// Moved on by thieves, and by the owner when it takes the last item.
    top: Padded<AtomicI64>,
    /// Written by the owner alone.
    bottom: Padded<AtomicI64>,
    items: Box<[AtomicU64]>,
}

impl Deque {
    /// `capacity` is a power of two.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity.is_power_of_two());
        Self {
            top: Padded(AtomicI64::new(0)),
            bottom: Padded(AtomicI64::new(0)),
            items: (0..capacity).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn item(&self, at: i64) -> &AtomicU64 {
        &self.items[at as usize & (self.items.len() - 1)]
    }

    /// Owner only. Returns whether there was room.
    #[inline]
    pub fn push(&self, value: u64) -> bool {
        let bottom = self.bottom.load(Ordering::Relaxed);
        let top = self.top.load(Ordering::Acquire);
        if bottom - top >= self.items.len() as i64 {
            return false;
        }
        self.item(bottom).store(value, Ordering::Relaxed);
        self.bottom.store(bottom + 1, Ordering::Release);
        true
    }

    /// Owner only: the newest item.
    pub fn pop(&self) -> Option<u64> {
        let bottom = self.bottom.load(Ordering::Relaxed) - 1;
        if self.top.load(Ordering::Relaxed) > bottom {
            return None;
        }
        self.bottom.store(bottom, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let top = self.top.load(Ordering::Relaxed);
        if top > bottom {
            self.bottom.store(bottom + 1, Ordering::Relaxed);
            return None;
        }
        let value = self.item(bottom).load(Ordering::Relaxed);
        if top < bottom {
            return Some(value);
        }
        let won = self.top.compare_exchange(top, top + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        self.bottom.store(bottom + 1, Ordering::Relaxed);
        won.then_some(value)
    }

    /// Anyone: the oldest item. `None` when there is none.
    #[inline]
    pub fn steal(&self) -> Option<u64> {
        loop {
            let top = self.top.load(Ordering::Acquire);
            fence(Ordering::SeqCst);
            if top >= self.bottom.load(Ordering::Acquire) {
                return None;
            }
            let value = self.item(top).load(Ordering::Relaxed);
            if self.top.compare_exchange(top, top + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                return Some(value);
            }
        }
    }

    /// A hint: may be out of date at once.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.top.load(Ordering::Relaxed) >= self.bottom.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64 as Counter;

    #[test]
    fn newest_for_the_owner_oldest_for_thieves() {
        let deque = Deque::new(4);
        assert!((1..=4).all(|i| deque.push(i)));
        assert!(!deque.push(5));
        assert_eq!((deque.pop(), deque.steal(), deque.pop(), deque.steal()), (Some(4), Some(1), Some(3), Some(2)));
        assert_eq!((deque.pop(), deque.steal()), (None, None));
    }

    #[test]
    fn nothing_is_lost_or_taken_twice_under_load() {
        let (deque, sum) = (Deque::new(64), Counter::new(0));
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Acquire) {
                        match deque.steal() {
                            Some(value) => drop(sum.fetch_add(value, Ordering::Relaxed)),
                            None => std::thread::yield_now(),
                        }
                    }
                });
            }
            let mut expected = 0;
            for value in 1..100_000 {
                expected += value;
                while !deque.push(value) {
                    sum.fetch_add(deque.pop().unwrap_or(0), Ordering::Relaxed);
                }
                if value % 3 == 0 {
                    sum.fetch_add(deque.pop().unwrap_or(0), Ordering::Relaxed);
                }
            }
            while sum.load(Ordering::Relaxed) < expected {
                std::thread::yield_now();
            }
            done.store(true, Ordering::Release);
            assert_eq!(sum.load(Ordering::Relaxed), expected);
        });
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    fn thief(deque: &Arc<Deque>, items: usize) -> thread::JoinHandle<Vec<u64>> {
        let deque = deque.clone();
        thread::spawn(move || (0..items).filter_map(|_| deque.steal()).collect())
    }

    fn all_of(mine: Vec<u64>, thieves: Vec<thread::JoinHandle<Vec<u64>>>) -> Vec<u64> {
        let mut all = mine;
        thieves.into_iter().for_each(|t| all.extend(t.join().unwrap()));
        all.sort_unstable();
        all
    }

    #[test]
    fn model_owner_and_thief_share_the_items() {
        loom::model(|| {
            let deque = Arc::new(Deque::new(2));
            deque.push(1);
            deque.push(2);
            let other = thief(&deque, 2);
            let mine = [deque.pop(), deque.pop()].into_iter().flatten().collect();
            assert_eq!(all_of(mine, vec![other]), [1, 2]);
        });
    }

    #[test]
    fn model_the_last_item_is_taken_once() {
        loom::model(|| {
            let deque = Arc::new(Deque::new(2));
            deque.push(1);
            let thieves = vec![thief(&deque, 1), thief(&deque, 1)];
            let mine = deque.pop().into_iter().collect();
            assert_eq!(all_of(mine, thieves), [1]);
        });
    }

    #[test]
    fn model_a_place_is_used_again_only_when_its_item_is_gone() {
        loom::model(|| {
            let deque = Arc::new(Deque::new(2));
            deque.push(1);
            deque.push(2);
            let other = thief(&deque, 2);
            let pushed = deque.push(3);
            let mut mine: Vec<u64> = std::iter::from_fn(|| deque.pop()).collect();
            if !pushed {
                mine.push(3);
            }
            assert_eq!(all_of(mine, vec![other]), [1, 2, 3]);
        });
    }

    #[test]
    fn model_a_thief_sees_what_was_done_before_the_push() {
        use crate::base::sync::atomic::AtomicU64 as Content;
        loom::model(|| {
            let shared = Arc::new((Deque::new(2), Content::new(0)));
            let other = shared.clone();
            let thief = thread::spawn(move || other.0.steal().map(|_| other.1.load(Ordering::Relaxed)));
            shared.1.store(7, Ordering::Relaxed);
            shared.0.push(1);
            assert!(thief.join().unwrap().is_none_or(|content| content == 7));
        });
    }
}
