//! Seats: where a thread that launches or runs items has its deques and its place to sleep. A thread takes one when it first
//! needs it and gives it back when it ends. What lies at a seat stays as long as the scheduler, so that others may look into
//! it at any time; items that a thread leaves behind are stolen as before.

use super::{Bits, Deque, Role, Word};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

/// Threads that have a seat at the same time, at most.
pub(super) const SEATS: usize = 1024;
pub(super) const WORDS: usize = SEATS / 64;
const DEQUE: usize = 4096;

pub(super) struct Seat {
    pub deques: [Deque; 3],
    pub word: Word,
    role: AtomicU8,
    /// The seat in which this thread looks for items after its own: that of the worker whose token it took last.
    pub follows: AtomicUsize,
    /// The worker whose items this thread runs before those of others, plus 1; 0: none.
    pub place: AtomicUsize,
}

impl Seat {
    /// By its own thread.
    pub fn role(&self) -> Role {
        match self.role.load(Ordering::Relaxed) {
            0 => Role::Host,
            1 => Role::Launcher,
            2 => Role::Worker,
            _ => Role::Standby,
        }
    }
}

pub(super) struct Seats {
    places: [AtomicPtr<Seat>; SEATS],
    /// All seats that were ever taken are below.
    top: AtomicUsize,
    free: Bits<WORDS>,
    /// Names the scheduler, in the life of the process; never 0.
    id: u64,
}

/// A thread's seat, given back when the thread ends or takes another scheduler's.
struct Taken {
    seats: Weak<Seats>,
    number: usize,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(seats) = self.seats.upgrade() {
            seats.give_back(self.number);
        }
    }
}

thread_local! {
    /// Seat of this thread and the scheduler it belongs to.
    static SEAT: Cell<(usize, u64)> = const { Cell::new((usize::MAX, 0)) };
    static TAKEN: RefCell<Option<Taken>> = const { RefCell::new(None) };
}

impl Seats {
    pub fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let places = std::array::from_fn(|_| AtomicPtr::default());
        Arc::new(Self { places, top: AtomicUsize::new(0), free: Bits::default(), id: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// A seat that nobody has.
    pub fn reserve(&self) -> Option<usize> {
        let next = |top| (top < SEATS).then_some(top + 1);
        self.free.take(WORDS).or_else(|| self.top.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next).ok())
    }

    pub fn give_back(&self, number: usize) {
        self.free.set(number);
    }

    /// Seats the calling thread at a place that was reserved.
    pub fn occupy(self: &Arc<Self>, number: usize, role: Role, follows: usize, place: usize) {
        match self.get(number) {
            Some(seat) => {
                seat.role.store(role as u8, Ordering::Relaxed);
                seat.follows.store(follows, Ordering::Relaxed);
                seat.place.store(place, Ordering::Relaxed);
            }
            None => {
                let deques = std::array::from_fn(|_| Deque::new(DEQUE));
                let (role, follows) = (AtomicU8::new(role as u8), AtomicUsize::new(follows));
                let seat = Box::new(Seat { deques, word: Word::default(), role, follows, place: AtomicUsize::new(place) });
                self.places[number].store(Box::into_raw(seat), Ordering::Release);
            }
        }
        SEAT.set((number, self.id));
        TAKEN.replace(Some(Taken { seats: Arc::downgrade(self), number }));
    }

    #[inline]
    pub fn mine(&self) -> Option<usize> {
        let (number, id) = SEAT.get();
        (id == self.id).then_some(number)
    }

    /// The calling thread's seat is for others.
    pub fn leave(&self) {
        if self.mine().is_some() {
            SEAT.set((usize::MAX, 0));
            TAKEN.take();
        }
    }

    /// How many seats there are to look into.
    #[inline]
    pub fn count(&self) -> usize {
        self.top.load(Ordering::Acquire)
    }

    #[inline]
    pub fn get(&self, number: usize) -> Option<&Seat> {
        let seat = self.places.get(number)?.load(Ordering::Acquire);
        // Freed only with the seats.
        (!seat.is_null()).then(|| unsafe { &*seat })
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        for seat in &self.places {
            let seat = seat.load(Ordering::Acquire);
            if !seat.is_null() {
                drop(unsafe { Box::from_raw(seat) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_end_give_their_seats_back() {
        let seats = Seats::new();
        for _ in 0..3 * SEATS {
            let shared = seats.clone();
            std::thread::spawn(move || {
                let number = shared.reserve().unwrap();
                shared.occupy(number, Role::Launcher, number, 0);
                assert_eq!(shared.mine(), Some(number));
            })
            .join()
            .unwrap();
        }
        assert_eq!(seats.count(), 1);
    }

    #[test]
    fn a_seat_of_an_ended_scheduler_is_none_of_the_next() {
        for _ in 0..4 {
            let seats = Seats::new();
            assert_eq!(seats.mine(), None);
            seats.occupy(seats.reserve().unwrap(), Role::Host, 0, 0);
            assert_eq!(seats.mine(), Some(0));
        }
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let seats = Seats::new();
        let all: std::collections::BTreeSet<usize> = std::iter::from_fn(|| seats.reserve()).collect();
        assert_eq!(all.len(), SEATS);
        seats.give_back(700);
        assert_eq!((seats.reserve(), seats.reserve()), (Some(700), None));
    }
}
