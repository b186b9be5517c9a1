//! Memory for the library's own objects when the system has no more. Rust ends the process when it gets no memory for a collection,
//! and an operation has many, mostly small. So some memory is kept aside: when the system refuses memory, a piece of
//! what was kept is given back to it, and it is asked again. Memory is then short: launches are refused (see `Draft`), while what is
//! outstanding goes on and ends. What grows with every launch, and what holds the program's data, is asked for `sparing` what is
//! kept, and fails where it is asked for. What is made of many parts is expected before it is made.
//!
//! `KEPT` are the pieces, or null. Whoever takes a piece gives it to the system; whoever finds a place empty may put a new piece
//! there. `REFUSED`: bytes that the system refused last, 0 when everything is there.

use super::{Error, Result};
use crate::{fail, tell};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Small, so that each refusal costs little; together more than malloc asks the system for at once when its heap cannot grow (1 MiB:
/// MMAP_AS_MORECORE_SIZE of glibc's malloc.c). Nobody writes there, so they take address space alone.
const PIECE: Layout = match Layout::from_size_align(256 << 10, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};
const PIECES: usize = 64;
/// With fewer pieces nothing new begins, whatever is outstanding.
const LEAST: usize = PIECES / 2;
/// With fewer pieces what has begun, and may take any number of steps, ends.
const LAST: usize = PIECES / 4;
/// Each time that malloc is asked it looks at 10,000 at most of the blocks that were given back (MAX_ITERS of glibc's malloc.c), and says that it
/// has nothing where a later one would do: so often asked, it has looked at a million.
const TRIES: usize = 100;
/// Less than this is there while memory is not short.
const SMALL: usize = PIECE.size() * PIECES / 16;

static KEPT: [AtomicPtr<u8>; PIECES] = [const { AtomicPtr::new(null_mut()) }; PIECES];
static REFUSED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SPARING: Cell<bool> = const { Cell::new(false) };
}

/// The system's, and what is kept when that has no more.
pub struct Allocator;

// SAFETY: hands every request to the system's allocator unchanged, once or again.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        counted::add(layout.size(), 0);
        let found = unsafe { System.alloc(layout) };
        if found.is_null() { again(layout.size(), || unsafe { System.alloc(layout) }) } else { found }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        counted::add(layout.size(), 0);
        let found = unsafe { System.alloc_zeroed(layout) };
        if found.is_null() { again(layout.size(), || unsafe { System.alloc_zeroed(layout) }) } else { found }
    }

    #[inline]
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        counted::remove(layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        counted::add(bytes, layout.size());
        let found = unsafe { System.realloc(at, layout, bytes) };
        if found.is_null() { again(bytes, || unsafe { System.realloc(at, layout, bytes) }) } else { found }
    }
}

/// The system refused `bytes`: gives pieces back to it until it has them. Null: all that is kept would not do, or the thread is to
/// spare it.
#[cold]
#[inline(never)]
fn again(bytes: usize, ask: impl Fn() -> *mut u8) -> *mut u8 {
    if bytes > PIECE.size() * PIECES / 2 || SPARING.try_with(Cell::get).unwrap_or(false) {
        return null_mut();
    }
    for place in &KEPT {
        let piece = place.swap(null_mut(), Ordering::AcqRel);
        if piece.is_null() {
            continue;
        }
        REFUSED.store(bytes.max(1), Ordering::Relaxed);
        // From `refill`, and this thread's since the exchange.
        unsafe { System.dealloc(piece, PIECE) };
        let found = ask();
        if !found.is_null() {
            return found;
        }
    }
    null_mut()
}

/// Runs `ask`, whose requests for memory fail when the system has no more: each must be one that may.
pub fn sparing<R>(ask: impl FnOnce() -> R) -> R {
    let before = SPARING.replace(true);
    let result = ask();
    SPARING.set(before);
    result
}

/// Whether the system refused memory, and not everything that is kept for such a time is there again.
#[inline]
pub fn is_short() -> bool {
    REFUSED.load(Ordering::Relaxed) != 0
}

/// An error unless the system has `bytes` for something that is about to be made, and does so besides what is kept.
#[inline]
pub fn expect(bytes: usize) -> Result<()> {
    if bytes < SMALL && !is_short() { Ok(()) } else { try_out(bytes) }
}

#[cold]
fn try_out(bytes: usize) -> Result<()> {
    let has = |layout| {
        let found = unsafe { System.alloc(layout) };
        if !found.is_null() {
            // Not to be left out by a compiler that knows that nobody uses it.
            unsafe { System.dealloc(std::hint::black_box(found), layout) };
        }
        !found.is_null()
    };
    let layout = Layout::from_size_align(bytes.max(1), PIECE.align());
    // Memory stays short: launches do not take the rest of what is kept while others are outstanding, which may need it.
    let missing = if !layout.is_ok_and(has) { Some(bytes) } else { Some(REFUSED.load(Ordering::Relaxed)).filter(|_| is_short() && !is_enough_kept()) };
    match missing {
        None => Ok(()),
        Some(bytes) => fail!(Resources, "the system gives no memory for {bytes} bytes; destroy what is no longer used, or make less of it"),
    }
}

/// For those who cannot do without: as where a collection gets no memory, the process ends.
#[inline]
pub fn or_end<T>(made: Result<T>) -> T {
    made.unwrap_or_else(|error| end(&error))
}

#[cold]
fn end(error: &Error) -> ! {
    tell!("cohort: {}", error.text);
    std::process::abort()
}

fn pieces_left() -> usize {
    KEPT.iter().filter(|place| !place.load(Ordering::Relaxed).is_null()).count()
}

/// Memory is short, and little is left of what was kept: how many bytes the system refused.
#[cold]
pub fn running_out() -> Option<usize> {
    (pieces_left() < LAST).then(|| REFUSED.load(Ordering::Relaxed))
}

/// Keeps aside what is missing, as far as the system has it; whether everything is there.
pub fn refill() -> bool {
    for place in KEPT.iter().filter(|place| place.load(Ordering::Relaxed).is_null()) {
        let piece = unsafe { System.alloc(PIECE) };
        if piece.is_null() {
            return false;
        }
        if place.compare_exchange(null_mut(), piece, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // Another thread was faster.
            unsafe { System.dealloc(piece, PIECE) };
        }
    }
    REFUSED.store(0, Ordering::Relaxed);
    true
}

/// Whether something small and new may begin.
fn is_enough_kept() -> bool {
    (0..TRIES).any(|_| {
        let left = pieces_left();
        refill() || left >= LEAST
    })
}

/// Memory was short, and nothing is outstanding: bytes that the system refused, unless enough is kept to begin again.
#[cold]
pub fn go_on() -> Option<usize> {
    if is_enough_kept() {
        REFUSED.store(0, Ordering::Relaxed);
        return None;
    }
    Some(REFUSED.load(Ordering::Relaxed))
}

/// Bytes that the system refused last, if it still has none to keep.
#[cold]
pub fn refused() -> Option<usize> {
    if refill() { None } else { Some(REFUSED.load(Ordering::Relaxed)) }
}

/// Gives what is kept back, when no runtime runs.
pub fn let_go() {
    for place in &KEPT {
        let piece = place.swap(null_mut(), Ordering::AcqRel);
        if !piece.is_null() {
            // As in `again`.
            unsafe { System.dealloc(piece, PIECE) };
        }
    }
    REFUSED.store(0, Ordering::Relaxed);
}

/// What the process asked for so far. Counted only where debug assertions are on: tests hold the hot paths to none.
pub mod counted {
    use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

    static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
    static BYTES: AtomicIsize = AtomicIsize::new(0);

    #[inline(always)]
    pub(super) fn add(bytes: usize, instead_of: usize) {
        if cfg!(debug_assertions) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(bytes as isize - instead_of as isize, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    pub(super) fn remove(bytes: usize) {
        if cfg!(debug_assertions) {
            BYTES.fetch_sub(bytes as isize, Ordering::Relaxed);
        }
    }

    /// How often memory was asked for.
    pub fn allocations() -> usize {
        assert!(cfg!(debug_assertions), "allocations are counted in builds with debug assertions only");
        ALLOCATIONS.load(Ordering::Relaxed)
    }

    /// Bytes in use.
    pub fn bytes() -> isize {
        assert!(cfg!(debug_assertions), "bytes are counted in builds with debug assertions only");
        BYTES.load(Ordering::Relaxed)
    }
}
