//! What the library says on standard error.

use std::io::Write;

/// Writes a line, at once: lines of several ranks and threads stay whole. That nobody reads them is no error.
pub fn tell(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// As `eprintln`, by `tell`.
#[macro_export]
macro_rules! tell {
    ($($text:tt)*) => { $crate::base::tell(&format!($($text)*)) };
}
