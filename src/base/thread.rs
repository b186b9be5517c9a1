//! Which thread is calling, as a number.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a thread is called while it is inside a callback of the program that may not use the library as its thread does.
pub const CALLBACK: u64 = u64::MAX;

thread_local!(static TOKEN: Cell<u64> = const { Cell::new(0) });

/// A number of the calling thread that no other thread of this process has or had, from 1; or `CALLBACK`.
#[inline]
pub fn thread_token() -> u64 {
    match TOKEN.get() {
        0 => first_token(),
        token => token,
    }
}

#[cold]
fn first_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    TOKEN.set(NEXT.fetch_add(1, Ordering::Relaxed));
    TOKEN.get()
}

/// Runs `call` with the calling thread being nobody's: contexts and functions of the MPI thread are closed to it.
pub fn as_callback<R>(call: impl FnOnce() -> R) -> R {
    struct Restore(u64);
    impl Drop for Restore {
        fn drop(&mut self) {
            TOKEN.set(self.0);
        }
    }
    let _restore = Restore(TOKEN.replace(CALLBACK));
    call()
}
