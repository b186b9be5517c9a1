//! Which thread is calling, as a number.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number of the calling thread that no other thread of this process has or had; from 1.
pub fn thread_token() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static TOKEN: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    TOKEN.with(|token| *token)
}
