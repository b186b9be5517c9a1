//! What a reduction combines its values with: an operator of ours over one of our types, or one that the program
//! registered. The registered ones lie in a table of the process, as its one runtime does; a number is a place in it, so
//! that an access stays small and folding takes one load to find the function.

use super::reduce::Run;
use super::{ElementType, Reduction};
use crate::base::sync::Mutex;
use crate::base::Result;
use crate::fail;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Registered operators of one runtime.
pub const MOST_OPERATORS: usize = 4096;
/// Bytes of an element of a registered operator.
pub const MOST_ELEMENT_BYTES: usize = 1 << 20;
/// Registered operators have numbers from here on.
pub const FIRST_NUMBER: i32 = 256;
/// Elements that do not lie side by side are folded in packs of this many bytes.
const PACK: usize = 2048;

/// `fold(into, from, count)`: `into[i] = into[i] op from[i]` for `count` elements that lie side by side.
pub type Fold = Box<dyn Fn(*mut u8, *const u8, usize) + Send + Sync>;

pub struct Registered {
    name: Box<str>,
    identity: Box<[u8]>,
    fold: Fold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Known(Reduction, ElementType),
    /// By its place in the table.
    Registered(u16),
}

/// Filled in order under the lock; a place is written before the count says so.
struct Table {
    places: [AtomicPtr<Registered>; MOST_OPERATORS],
    count: AtomicU32,
    /// How many were registered before the runtime that runs: numbers are not given twice.
    earlier: AtomicU32,
    adding: Mutex<()>,
}

static TABLE: Table = Table {
    places: [const { AtomicPtr::new(std::ptr::null_mut()) }; MOST_OPERATORS],
    count: AtomicU32::new(0),
    earlier: AtomicU32::new(0),
    adding: Mutex::new(()),
};

impl Table {
    fn get(&self, place: usize) -> Option<&'static Registered> {
        // Taken out by `forget_operators` alone, after which nobody asks.
        unsafe { self.places.get(place)?.load(Ordering::Acquire).as_ref() }
    }

    fn all(&self) -> impl Iterator<Item = &'static Registered> + '_ {
        (0..self.count.load(Ordering::Acquire) as usize).filter_map(|place| self.get(place))
    }
}

/// Adds an operator and returns its number.
pub fn register_operator(name: &str, identity: &[u8], fold: Fold) -> Result<i32> {
    if identity.is_empty() || identity.len() > MOST_ELEMENT_BYTES {
        fail!(InvalidArgument, "elements of {} bytes; give from 1 to {MOST_ELEMENT_BYTES}", identity.len());
    }
    let _one_at_a_time = TABLE.adding.lock();
    if TABLE.all().any(|known| *known.name == *name) {
        fail!(InvalidArgument, "a reduction with the name \"{name}\" is registered already; names tell reductions apart on all ranks, give another");
    }
    let place = TABLE.count.load(Ordering::Relaxed);
    let number = i64::from(FIRST_NUMBER) + i64::from(TABLE.earlier.load(Ordering::Relaxed)) + i64::from(place);
    let Some(number) = i32::try_from(number).ok().filter(|_| (place as usize) < MOST_OPERATORS) else {
        fail!(Resources, "{place} reductions are registered, and there is room for {MOST_OPERATORS}; register each once, when the program starts");
    };
    let made = Box::new(Registered { name: name.into(), identity: identity.into(), fold });
    TABLE.places[place as usize].store(Box::into_raw(made), Ordering::Release);
    TABLE.count.store(place + 1, Ordering::Release);
    Ok(number)
}

/// Before the runtime goes: what was registered is stale from here on, and nobody folds any more.
pub fn forget_operators() {
    let _one_at_a_time = TABLE.adding.lock();
    let count = TABLE.count.swap(0, Ordering::AcqRel);
    TABLE.earlier.fetch_add(count, Ordering::AcqRel);
    for place in &TABLE.places[..count as usize] {
        let gone = place.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if !gone.is_null() {
            drop(unsafe { Box::from_raw(gone) });
        }
    }
}

impl Operator {
    /// The operator with a number that `register_operator` gave.
    pub fn of_number(number: i32) -> Result<Self> {
        let earlier = i64::from(TABLE.earlier.load(Ordering::Acquire));
        let place = i64::from(number) - i64::from(FIRST_NUMBER) - earlier;
        if (0..i64::from(TABLE.count.load(Ordering::Acquire))).contains(&place) {
            return Ok(Self::Registered(place as u16));
        }
        if place < 0 && number >= FIRST_NUMBER {
            fail!(InvalidHandle, "reduction {number} was registered with a runtime that has ended; register it again after cohort_init");
        }
        fail!(InvalidArgument, "reduction is {number}; use COHORT_SUM, PRODUCT, MIN or MAX, or what cohort_reduction_register gave")
    }

    /// All that are registered.
    pub fn registered() -> impl Iterator<Item = Self> {
        (0..TABLE.count.load(Ordering::Acquire) as u16).map(Self::Registered)
    }

    /// Its name, if it was registered.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Known(..) => None,
            Self::Registered(place) => Some(&registered(place).name),
        }
    }

    /// Of an element.
    pub fn bytes(self) -> usize {
        match self {
            Self::Known(_, element) => element.bytes(),
            Self::Registered(place) => registered(place).identity.len(),
        }
    }

    /// Calls `act` with the element that changes nothing when folded.
    pub fn with_identity<R>(self, act: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Known(how, element) => act(&how.identity(element)[..element.bytes()]),
            Self::Registered(place) => act(&registered(place).identity),
        }
    }

    /// `into[i] = op(into[i], from[i])` for `count` elements.
    ///
    /// # Safety
    /// Both runs are valid, do not overlap and nobody else touches them.
    #[inline]
    pub unsafe fn fold_run(self, into: Run, from: Run, count: usize) {
        match self {
            Self::Known(how, element) => how.fold_run(element, into, from, count),
            Self::Registered(place) => registered(place).fold_run(into, from, count),
        }
    }

    /// Folds one value into another; both have the size of an element.
    pub fn fold(self, into: &mut [u8], from: &[u8]) {
        assert!(into.len() == self.bytes() && from.len() == self.bytes(), "values of another size");
        let stride = into.len() as i64;
        let (into, from) = (Run { at: into.as_mut_ptr(), stride }, Run { at: from.as_ptr().cast_mut(), stride });
        unsafe { self.fold_run(into, from, 1) };
    }
}

fn registered(place: u16) -> &'static Registered {
    TABLE.get(place.into()).expect("an operator lives as long as the runtime")
}

impl Registered {
    unsafe fn fold_run(&self, into: Run, from: Run, count: usize) {
        let bytes = self.identity.len();
        let side_by_side = |run: Run| run.stride == bytes as i64;
        if side_by_side(into) && side_by_side(from) {
            return (self.fold)(into.at, from.at, count);
        }
        let element = |run: Run, i: usize| run.at.offset(i as isize * run.stride as isize);
        let most = PACK / bytes;
        if most <= 1 {
            return (0..count).for_each(|i| (self.fold)(element(into, i), element(from, i), 1));
        }
        // Aligned as any element may have to be.
        #[repr(align(64))]
        struct Pack([std::mem::MaybeUninit<u8>; PACK]);
        let mut packs = [const { Pack([std::mem::MaybeUninit::uninit(); PACK]) }; 2];
        let [packed_into, packed_from] = &mut packs;
        let (packed_into, packed_from) = (packed_into.0.as_mut_ptr().cast::<u8>(), packed_from.0.as_mut_ptr().cast::<u8>());
        for first in (0..count).step_by(most) {
            let some = most.min(count - first);
            for i in 0..some {
                packed_into.add(i * bytes).copy_from_nonoverlapping(element(into, first + i), bytes);
                packed_from.add(i * bytes).copy_from_nonoverlapping(element(from, first + i), bytes);
            }
            (self.fold)(packed_into, packed_from, some);
            (0..some).for_each(|i| element(into, first + i).copy_from_nonoverlapping(packed_into.add(i * bytes), bytes));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::base::Status;

    /// Largest first number with the sum of the second: elements of three bytes, so that nothing is aligned.
    fn fold_triples(into: *mut u8, from: *const u8, count: usize) {
        for i in 0..count {
            unsafe {
                let (a, b) = (into.add(3 * i), from.add(3 * i));
                *a = (*a).max(*b);
                *a.add(1) = (*a.add(1)).wrapping_add(*b.add(1));
                *a.add(2) ^= *b.add(2);
            }
        }
    }

    #[test]
    fn elements_with_gaps_fold_as_elements_side_by_side() {
        let number = register_operator("triples with gaps", &[0; 3], Box::new(fold_triples)).unwrap();
        let operator = Operator::of_number(number).unwrap();
        assert_eq!((operator.bytes(), operator.name()), (3, Some("triples with gaps")));
        assert!(Operator::registered().any(|known| known == operator));
        let count = 2 * PACK / 3 + 5;
        let value = |i: usize, k: usize| (i * 7 + k * 31) as u8;
        for (a, b) in [(3, 3), (5, 3), (3, 8), (4, 7)] {
            let mut into: Vec<u8> = (0..count * a).map(|i| value(i, 1)).collect();
            let from: Vec<u8> = (0..count * b).map(|i| value(i, 2)).collect();
            let mut expected = into.clone();
            (0..count).for_each(|i| fold_triples(expected[i * a..].as_mut_ptr(), from[i * b..].as_ptr(), 1));
            let run = |at: *const u8, stride: usize| Run { at: at.cast_mut(), stride: stride as i64 };
            unsafe { operator.fold_run(run(into.as_ptr(), a), run(from.as_ptr(), b), count) };
            assert!(into == expected, "strides {a} and {b}");
            into.clear();
        }
    }

    #[test]
    fn elements_larger_than_a_pack_fold_one_by_one() {
        let or: Fold = Box::new(|into, from, count| (0..count * 3000).for_each(|i| unsafe { *into.add(i) |= *from.add(i) }));
        let operator = Operator::of_number(register_operator("large", &[0; 3000], or).unwrap()).unwrap();
        let (mut into, from) = (vec![1u8; 2 * 3001], vec![2u8; 2 * 3000]);
        let run = |at: *mut u8, stride: i64| Run { at, stride };
        unsafe { operator.fold_run(run(into.as_mut_ptr(), 3001), run(from.as_ptr().cast_mut(), 3000), 2) };
        assert!((0..6002).all(|i| into[i] == if i % 3001 == 3000 { 1 } else { 3 }));
    }

    #[test]
    fn a_name_is_given_once() {
        let nothing = || -> Fold { Box::new(|_, _, _| ()) };
        register_operator("named once", &[0], nothing()).unwrap();
        assert_eq!(register_operator("named once", &[0], nothing()).unwrap_err().status, Status::InvalidArgument);
        assert_eq!(register_operator("no bytes", &[], nothing()).unwrap_err().status, Status::InvalidArgument);
        assert_eq!(Operator::of_number(255).unwrap_err().status, Status::InvalidArgument);
        assert_eq!(Operator::of_number(i32::MAX).unwrap_err().status, Status::InvalidArgument);
    }
}
