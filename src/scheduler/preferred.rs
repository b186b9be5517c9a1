//! Items that somebody wished to be run earlier or later than others, or by a certain worker. Wishes, not orders: who has nothing
//! else to do takes an item that was meant for another. While there are none, looking for items costs one load.
//!
//! `waiting` counts after an item was added and before its adder looks for sleepers, so that the rule of `sleepers` holds: who
//! is about to sleep sees the count, or is seen.

use super::queue::Queue;
use crate::base::sync::atomic::{AtomicU32, Ordering};
use crate::base::sync::Padded;
use std::sync::OnceLock;

/// Priorities reach from `-PRIORITIES` to `PRIORITIES`; 0 is what items have that nobody cared about.
pub const PRIORITIES: i8 = 7;
const LEVELS: usize = 2 * PRIORITIES as usize + 1;
const CLASSES: usize = 3;
/// Items of one priority, class and worker; beyond, a wish is not heeded.
const CAPACITY: usize = if cfg!(loom) { 2 } else { 1024 };

/// How an item is to be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub priority: i8,
    /// The worker plus 1; 0: any.
    place: u8,
}

impl Wish {
    pub fn new(priority: i8, worker: Option<u8>) -> Self {
        Self { priority, place: worker.map_or(0, |worker| worker + 1) }
    }

    pub fn worker(self) -> Option<u8> {
        self.place.checked_sub(1)
    }

    /// The place in which the item lies.
    pub(super) fn place(self) -> usize {
        self.place.into()
    }

    #[inline]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Items for one worker, or for any.
#[derive(Default)]
struct Place {
    held: [AtomicU32; CLASSES],
    /// By class and priority, made when first needed.
    queues: [[OnceLock<Queue>; LEVELS]; CLASSES],
}

pub struct Preferred {
    waiting: Padded<[AtomicU32; CLASSES]>,
    /// For any worker, then for each.
    places: Box<[Place]>,
}

impl Preferred {
    pub fn new(workers: usize) -> Self {
        assert!(workers < u128::BITS as usize, "a bit for each place");
        Self { waiting: Padded::default(), places: (0..=workers).map(|_| Place::default()).collect() }
    }

    /// Whether there are items of the class; out of date at once.
    #[inline]
    pub fn any(&self, class: usize) -> bool {
        self.waiting[class].load(Ordering::Relaxed) != 0
    }

    /// Adds an item. False: there is no room, or no such worker.
    pub fn add(&self, item: u64, class: usize, wish: Wish) -> bool {
        let Some(place) = self.places.get(wish.place()) else { return false };
        let queue = &place.queues[class][level(wish.priority)];
        if !queue.get_or_init(|| Queue::new(CAPACITY)).push(item) {
            return false;
        }
        place.held[class].fetch_add(1, Ordering::Relaxed);
        self.waiting[class].fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The places that hold items of the class, a bit each.
    fn holding(&self, class: usize) -> u128 {
        let holds = |place: &Place| place.held[class].load(Ordering::Relaxed) != 0;
        self.places.iter().enumerate().filter(|(_, place)| holds(place)).fold(0, |all, (at, _)| all | 1 << at)
    }

    fn take_from(&self, class: usize, place: usize, priority: i8) -> Option<u64> {
        let place = &self.places[place];
        let item = place.queues[class][level(priority)].get()?.pop()?;
        place.held[class].fetch_sub(1, Ordering::Relaxed);
        self.waiting[class].fetch_sub(1, Ordering::Relaxed);
        Some(item)
    }

    /// By priority; of each first what is meant for `mine`, then what is for any, then what is for others.
    fn take_of(&self, class: usize, mine: usize, mut priorities: impl Iterator<Item = i8>) -> Option<u64> {
        if !self.any(class) {
            return None;
        }
        let holding = self.holding(class);
        let holds = |place: &usize| holding >> place & 1 != 0;
        priorities.find_map(|priority| {
            let own = Some(mine).filter(holds);
            let others = (0..self.places.len()).filter(|place| *place != mine && holds(place));
            own.into_iter().chain(others).find_map(|place| self.take_from(class, place, priority))
        })
    }

    /// What comes before items without a wish.
    pub fn take_urgent(&self, class: usize, mine: usize) -> Option<u64> {
        self.take_of(class, mine, (1..=PRIORITIES).rev())
    }

    /// What is meant for the worker of place `mine`.
    pub fn take_own(&self, class: usize, mine: usize) -> Option<u64> {
        if mine == 0 || !self.any(class) || self.places[mine].held[class].load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.take_from(class, mine, 0)
    }

    /// What comes after items without a wish: what is meant for others, and what can wait.
    pub fn take_late(&self, class: usize, mine: usize) -> Option<u64> {
        self.take_of(class, mine, (0..=PRIORITIES).map(|late| -late))
    }
}

fn level(priority: i8) -> usize {
    (priority.clamp(-PRIORITIES, PRIORITIES) + PRIORITIES) as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn urgent_before_own_before_late() {
        let preferred = Preferred::new(2);
        let add = |item, priority, worker| assert!(preferred.add(item, 0, Wish::new(priority, worker)));
        add(1, -7, None);
        add(2, 0, Some(1));
        add(3, 3, None);
        add(4, 7, Some(0));
        add(5, 3, Some(1));
        add(6, -1, Some(0));
        let mine = Wish::new(0, Some(1)).place();
        let urgent: Vec<u64> = std::iter::from_fn(|| preferred.take_urgent(0, mine)).collect();
        assert_eq!(urgent, [4, 5, 3], "by priority; the own before another's");
        assert_eq!((preferred.take_own(0, mine), preferred.take_own(0, mine)), (Some(2), None));
        let late: Vec<u64> = std::iter::from_fn(|| preferred.take_late(0, mine)).collect();
        assert_eq!(late, [6, 1]);
        assert!(!preferred.any(0));
    }

    #[test]
    fn what_has_no_room_or_no_worker_is_refused() {
        let preferred = Preferred::new(1);
        assert!(!preferred.add(1, 0, Wish::new(0, Some(1))));
        let wish = Wish::new(1, None);
        assert!((0..CAPACITY as u64).all(|item| preferred.add(item, 1, wish)));
        assert!(!preferred.add(1, 1, wish));
        assert!(preferred.any(1) && !preferred.any(0));
    }

    #[test]
    fn anybody_takes_what_was_meant_for_another() {
        let preferred = Preferred::new(3);
        assert!(preferred.add(9, 0, Wish::new(0, Some(2))));
        assert_eq!(preferred.take_own(0, 1), None);
        assert_eq!(preferred.take_late(0, 0), Some(9));
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};
    use crate::scheduler::{Sleepers, Word};

    const CLASS: usize = 0;
    const FOR_THE_FIRST: Wish = Wish { priority: 0, place: 1 };
    const URGENT: Wish = Wish { priority: 1, place: 0 };

    struct Model {
        sleepers: Sleepers<CLASSES, 1>,
        words: [Word; 2],
        preferred: Preferred,
    }

    impl Model {
        fn new() -> Arc<Self> {
            let preferred = Preferred::new(2);
            // loom cannot see that OnceLock orders what is made later.
            for wish in [FOR_THE_FIRST, URGENT] {
                preferred.places[wish.place()].queues[CLASS][level(wish.priority)].get_or_init(|| Queue::new(CAPACITY));
            }
            Arc::new(Self { sleepers: Sleepers::default(), words: Default::default(), preferred })
        }

        /// As `Scheduler::offer_as`: the worker that it is meant for is woken if it sleeps, else another.
        fn add(&self, item: u64, wish: Wish) {
            assert!(self.preferred.add(item, CLASS, wish));
            let own = wish.worker().and_then(|worker| self.sleepers.take_seat(CLASS, worker.into()));
            if let Some(seat) = own.or_else(|| self.sleepers.take(CLASS, 2)) {
                self.words[seat].wake();
            }
        }

        /// As `Scheduler::work`.
        fn run_one(&self, seat: usize) -> u64 {
            loop {
                let found = self.preferred.take_urgent(CLASS, seat + 1);
                let found = found.or_else(|| self.preferred.take_own(CLASS, seat + 1));
                if let Some(item) = found.or_else(|| self.preferred.take_late(CLASS, seat + 1)) {
                    return item;
                }
                let look = || self.preferred.any(CLASS);
                self.sleepers.sleep(seat, [CLASS].into_iter(), look, || self.words[seat].sleep(None));
            }
        }
    }

    #[test]
    fn model_an_item_for_a_worker_that_does_something_else_is_run_by_another() {
        loom::model(|| {
            let model = Model::new();
            let other = model.clone();
            let worker = thread::spawn(move || other.run_one(1));
            model.add(1, FOR_THE_FIRST);
            assert_eq!(worker.join().unwrap(), 1);
        });
    }

    #[test]
    fn model_an_urgent_item_is_seen_before_a_worker_sleeps() {
        loom::model(|| {
            let model = Model::new();
            let other = model.clone();
            let worker = thread::spawn(move || other.run_one(1));
            model.add(2, URGENT);
            assert_eq!(worker.join().unwrap(), 2);
        });
    }
}
