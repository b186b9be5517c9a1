//! Who takes part in one side of a handshake, and what each did last: what makes a wrong turn an error and not a hang.
//!
//! A place belongs to its participant, who alone changes it while it is in the middle of a phase. Between two phases another
//! participant may take the place over, by one exchange of `turn`, which names its owner by a few bits of a hash: `who` and
//! those bits agree for the owner alone, so that of two who use one place at the same time one is refused.

use crate::base::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::base::Result;

const WAITED: u32 = 1;
const HANDED: u32 = 2;
const VACANT: u32 = 0;

/// What a participant did in its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub phase: u64,
    pub waited: bool,
    pub handed: bool,
}

impl Turn {
    /// Moves on if both steps are done; whether they were.
    pub fn finish(&mut self) -> bool {
        let both = self.waited && self.handed;
        if both {
            *self = Self { phase: self.phase + 1, waited: false, handed: false };
        }
        both
    }
}

#[derive(Debug)]
struct Place {
    who: AtomicU64,
    phase: AtomicU64,
    /// `owner:30 | handed | waited`; 0 if nobody has had the place.
    turn: AtomicU32,
}

#[derive(Debug)]
pub struct Participants(Box<[Place]>);

fn owner(who: u64) -> u32 {
    // Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4). Never that of a vacant place.
    ((who.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32 | 1 << 31) & !(WAITED | HANDED)
}

impl Participants {
    pub fn new(count: u32) -> Self {
        let vacant = || Place { who: AtomicU64::new(0), phase: AtomicU64::new(0), turn: AtomicU32::new(VACANT) };
        Self((0..count).map(|_| vacant()).collect())
    }

    pub fn count(&self) -> u32 {
        self.0.len() as u32
    }

    /// Changes the turn of participant `who` by `act`, unless it fails. Who is new joins in phase `first`, if there is room;
    /// `full` says that there is none, and gets a phase in which others are.
    pub fn step<R>(
        &self,
        who: u64,
        first: impl Fn() -> u64,
        full: impl Fn(u64) -> crate::base::Error,
        act: impl Fn(&mut Turn) -> Result<R>,
    ) -> Result<R> {
        loop {
            let Some(place) = self.find(who).or_else(|| self.join(who, &first)) else {
                return Err(full(self.0[0].phase.load(Ordering::Relaxed)));
            };
            let word = place.turn.load(Ordering::Acquire);
            if word & !(WAITED | HANDED) != owner(who) {
                continue;
            }
            let phase = place.phase.load(Ordering::Relaxed);
            let mut turn = Turn { phase, waited: word & WAITED != 0, handed: word & HANDED != 0 };
            let result = act(&mut turn)?;
            let flags = if turn.waited { WAITED } else { 0 } | if turn.handed { HANDED } else { 0 };
            if turn.phase != phase {
                // Still in the middle of a phase as far as others can see, so the place is not taken over meanwhile.
                place.phase.store(turn.phase, Ordering::Relaxed);
            }
            if place.turn.compare_exchange(word, owner(who) | flags, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return Ok(result);
            }
        }
    }

    /// Whether somebody waits, or has waited, in a phase that is not over.
    pub fn any_waited(&self) -> bool {
        self.0.iter().any(|place| place.turn.load(Ordering::Acquire) & WAITED != 0)
    }

    fn find(&self, who: u64) -> Option<&Place> {
        let owns = |place: &&Place| {
            place.who.load(Ordering::Relaxed) == who && place.turn.load(Ordering::Acquire) & !(WAITED | HANDED) == owner(who)
        };
        self.0.iter().find(owns)
    }

    /// Takes a place that is vacant, or else one between two phases.
    #[cold]
    fn join(&self, who: u64, first: &impl Fn() -> u64) -> Option<&Place> {
        let take = |place: &Place, word: u32| {
            place.turn.compare_exchange(word, owner(who), Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        let vacant = self.0.iter().find(|place| place.turn.load(Ordering::Relaxed) == VACANT && take(place, VACANT));
        if let Some(place) = vacant {
            place.phase.store(first(), Ordering::Relaxed);
            place.who.store(who, Ordering::Relaxed);
            return Some(place);
        }
        let place = self.0.iter().find(|place| {
            let word = place.turn.load(Ordering::Relaxed);
            word & (WAITED | HANDED) == 0 && take(place, word)
        })?;
        place.who.store(who, Ordering::Relaxed);
        Some(place)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::base::{Error, Status};

    fn full(phase: u64) -> Error {
        Error::new(Status::WrongOrder, format!("full in phase {phase}"))
    }

    fn hand(places: &Participants, who: u64) -> Result<u64> {
        places.step(who, || 7, full, |turn| {
            turn.handed = true;
            Ok(turn.phase)
        })
    }

    fn wait(places: &Participants, who: u64) -> Result<bool> {
        places.step(who, || 7, full, |turn| {
            turn.waited = true;
            Ok(turn.finish())
        })
    }

    #[test]
    fn a_place_is_taken_over_between_two_phases_only() {
        let places = Participants::new(2);
        assert_eq!(hand(&places, 1), Ok(7));
        assert_eq!(hand(&places, 2), Ok(7));
        assert!(hand(&places, 3).unwrap_err().text.contains("full in phase 7"));
        assert_eq!(wait(&places, 1), Ok(true));
        assert_eq!(hand(&places, 3), Ok(8));
        assert!(hand(&places, 1).is_err());
        assert_eq!(wait(&places, 2), Ok(true));
        assert_eq!(hand(&places, 2), Ok(8));
        assert!(!places.any_waited());
    }

    #[test]
    fn of_those_who_rush_for_one_place_one_gets_it() {
        for round in 0..200 {
            let places = Participants::new(1);
            let joined = std::thread::scope(|scope| {
                let threads = [1, 2, 3].map(|who| {
                    let places = &places;
                    scope.spawn(move || hand(places, who + 10 * round).is_ok())
                });
                threads.into_iter().map(|t| t.join().unwrap()).filter(|joined| *joined).count()
            });
            assert_eq!(joined, 1);
        }
    }
}
