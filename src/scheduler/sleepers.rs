//! Who sleeps, by class of items: a bit for each seat. A thread sets its bits, looks once more whether there is something to do,
//! and sleeps. Whoever adds an item looks here afterwards, and takes the bit of the thread that it wakes. A sequentially
//! consistent fence stands on either side between writing and looking, so that one of the two sees the other and no item waits
//! while a thread that would run it sleeps.
//!
//! Who is woken for an item and does something else instead leaves the item to another: see `Scheduler::leave_to_others`.

use super::Bits;
use crate::base::sync::atomic::{fence, Ordering};

#[derive(Debug)]
pub struct Sleepers<const CLASSES: usize, const WORDS: usize>([Bits<WORDS>; CLASSES]);

impl<const CLASSES: usize, const WORDS: usize> Default for Sleepers<CLASSES, WORDS> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Bits::default()))
    }
}

impl<const CLASSES: usize, const WORDS: usize> Sleepers<CLASSES, WORDS> {
    /// Has the thread of `seat` sleep, unless there is something to do by now: an item of the classes, or what else it waits
    /// for. It may wake early.
    pub fn sleep(&self, seat: usize, classes: impl Iterator<Item = usize>, look: impl FnOnce() -> bool, sleep: impl FnOnce()) {
        for class in classes {
            self.0[class].set(seat);
        }
        fence(Ordering::SeqCst);
        if !look() {
            sleep();
        }
        self.withdraw(seat);
    }

    /// The thread of `seat` is woken, or awake, whatever there is to do.
    pub fn withdraw(&self, seat: usize) {
        self.0.iter().for_each(|class| class.clear(seat));
    }

    /// After an item of the class was added: the seat of one thread that is to be woken for it, of the first `seats`.
    #[inline]
    pub fn take(&self, class: usize, seats: usize) -> Option<usize> {
        fence(Ordering::SeqCst);
        self.0[class].take(seats.div_ceil(64))
    }

    /// As `take`, for the thread of one seat only.
    pub fn take_seat(&self, class: usize, seat: usize) -> Option<usize> {
        fence(Ordering::SeqCst);
        self.0[class].take_this(seat).then_some(seat)
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{atomic::AtomicBool, thread, Arc};
    use crate::scheduler::{Deque, Word};

    const CLASS: usize = 0;

    #[derive(Default)]
    struct Model {
        sleepers: Sleepers<2, 1>,
        words: [Word; 2],
        items: Option<Deque>,
        /// What the thread of seat 0 waits for.
        came: AtomicBool,
        /// And that of seat 1.
        nothing_left: AtomicBool,
    }

    impl Model {
        fn new() -> Arc<Self> {
            Arc::new(Self { items: Some(Deque::new(2)), ..Self::default() })
        }

        fn items(&self) -> &Deque {
            self.items.as_ref().expect("made by new")
        }

        fn rouse(&self) {
            if let Some(seat) = self.sleepers.take(CLASS, 2) {
                self.words[seat].wake();
            }
        }

        fn add(&self, item: u64) {
            assert!(self.items().push(item));
            self.rouse();
        }

        /// As `Scheduler::wake`.
        fn tell(&self, what: &AtomicBool, seat: usize) {
            what.store(true, Ordering::Release);
            fence(Ordering::SeqCst);
            self.sleepers.withdraw(seat);
            self.words[seat].wake();
        }

        /// Runs one item, or returns without one when `until` has come true. As `Scheduler::wait`.
        fn run_one(&self, seat: usize, until: impl Fn() -> bool) -> Option<u64> {
            let found = loop {
                if until() {
                    break None;
                }
                if let Some(item) = self.items().steal() {
                    break Some(item);
                }
                let look = || until() || !self.items().is_empty();
                self.sleepers.sleep(seat, [CLASS].into_iter(), look, || self.words[seat].sleep(None));
            };
            if !self.items().is_empty() {
                self.rouse();
            }
            found
        }
    }

    #[test]
    fn model_no_item_waits_while_a_worker_sleeps() {
        loom::model(|| {
            let model = Model::new();
            let other = model.clone();
            let worker = thread::spawn(move || [other.run_one(0, || false), other.run_one(0, || false)]);
            model.add(1);
            model.add(2);
            assert_eq!(worker.join().unwrap(), [Some(1), Some(2)]);
        });
    }

    #[test]
    fn model_two_workers_share_two_items() {
        loom::model(|| {
            let model = Model::new();
            let workers = [0, 1].map(|seat| {
                let other = model.clone();
                thread::spawn(move || other.run_one(seat, || false).unwrap())
            });
            model.add(1);
            model.add(2);
            assert_eq!(workers.map(|w| w.join().unwrap()).into_iter().sum::<u64>(), 3);
        });
    }

    #[test]
    fn model_an_item_is_left_to_another_by_who_has_no_time_for_it() {
        loom::model(|| {
            let model = Model::new();
            let (one, two) = (model.clone(), model.clone());
            let waiter = thread::spawn(move || {
                let ran = one.run_one(0, || one.came.load(Ordering::Acquire));
                if ran.is_some() {
                    one.tell(&one.nothing_left, 1);
                }
                ran
            });
            let worker = thread::spawn(move || two.run_one(1, || two.nothing_left.load(Ordering::Acquire)));
            model.add(1);
            model.tell(&model.came, 0);
            assert_eq!(waiter.join().unwrap().or(worker.join().unwrap()), Some(1));
        });
    }
}
