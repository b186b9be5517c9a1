//! Status codes, errors with text, and the last error of a thread. Numbers are never reused.

use std::cell::RefCell;
use std::ffi::{c_char, CString};

/// What an entry point returns. The numbers are part of the ABI.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok = 0,
    InvalidArgument = 1,
    InvalidHandle = 2,
    WrongThread = 3,
    WrongOrder = 4,
    WrongRank = 5,
    Privilege = 6,
    Bounds = 7,
    OutOfMemory = 8,
    TaskFailed = 9,
    Timeout = 10,
    Unsupported = 11,
    Mpi = 12,
    Version = 13,
    Interference = 14,
    Resources = 15,
    PeerLost = 16,
    Internal = 99,
}

impl Status {
    pub const ALL: [Status; 18] = [
        Status::Ok,
        Status::InvalidArgument,
        Status::InvalidHandle,
        Status::WrongThread,
        Status::WrongOrder,
        Status::WrongRank,
        Status::Privilege,
        Status::Bounds,
        Status::OutOfMemory,
        Status::TaskFailed,
        Status::Timeout,
        Status::Unsupported,
        Status::Mpi,
        Status::Version,
        Status::Interference,
        Status::Resources,
        Status::PeerLost,
        Status::Internal,
    ];

    /// The C constant's name, ended by a zero byte.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "COHORT_OK\0",
            Status::InvalidArgument => "COHORT_ERROR_INVALID_ARGUMENT\0",
            Status::InvalidHandle => "COHORT_ERROR_INVALID_HANDLE\0",
            Status::WrongThread => "COHORT_ERROR_WRONG_THREAD\0",
            Status::WrongOrder => "COHORT_ERROR_WRONG_ORDER\0",
            Status::WrongRank => "COHORT_ERROR_WRONG_RANK\0",
            Status::Privilege => "COHORT_ERROR_PRIVILEGE\0",
            Status::Bounds => "COHORT_ERROR_BOUNDS\0",
            Status::OutOfMemory => "COHORT_ERROR_OUT_OF_MEMORY\0",
            Status::TaskFailed => "COHORT_ERROR_TASK_FAILED\0",
            Status::Timeout => "COHORT_ERROR_TIMEOUT\0",
            Status::Unsupported => "COHORT_ERROR_UNSUPPORTED\0",
            Status::Mpi => "COHORT_ERROR_MPI\0",
            Status::Version => "COHORT_ERROR_VERSION\0",
            Status::Interference => "COHORT_ERROR_INTERFERENCE\0",
            Status::Resources => "COHORT_ERROR_RESOURCES\0",
            Status::PeerLost => "COHORT_ERROR_PEER_LOST\0",
            Status::Internal => "COHORT_ERROR_INTERNAL\0",
        }
    }
}

/// A status and why: the value passed, the rule broken, what to do. The function's name is put before it at the ABI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub status: Status,
    pub text: Box<str>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(status: Status, text: impl Into<Box<str>>) -> Self {
        Self { status, text: text.into() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// Returns from the function with an error: `fail!(Bounds, "point {} lies outside", p)`.
#[macro_export]
macro_rules! fail {
    ($status:ident, $($text:tt)*) => {
        return Err($crate::base::Error::new($crate::base::Status::$status, format!($($text)*)))
    };
}

/// What a panic that was caught says.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::new(CString::default());
}

/// Has room for the thread's errors from here on. What a thread has of its own is registered when it is first used, for which the C library ends
/// the process if there is no memory then.
pub fn expect_errors() {
    LAST.with(|_| ());
}

/// Keeps the text of an error for `cohort_last_error` on this thread.
pub fn set_last(function: &str, error: &Error) -> String {
    let text = format!("{function}: {}", error.text);
    LAST.with(|last| *last.borrow_mut() = CString::new(text.replace('\0', " ")).unwrap_or_default());
    text
}

/// Valid until the next error on this thread.
pub fn last() -> *const c_char {
    LAST.with(|last| last.borrow().as_ptr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ended() {
        for (i, status) in Status::ALL.iter().enumerate() {
            assert!(status.name().ends_with('\0'));
            assert!(Status::ALL[..i].iter().all(|other| other.name() != status.name()));
        }
    }

    #[test]
    fn a_panic_keeps_its_text() {
        let texts: [Box<dyn std::any::Any + Send>; 3] = [Box::new("plain"), Box::new(String::from("made")), Box::new(7)];
        assert_eq!(texts.each_ref().map(|panic| panic_text(&**panic)), ["plain", "made", "no text"]);
    }

    #[test]
    fn the_last_error_names_the_function() {
        set_last("cohort_fill", &Error::new(Status::Bounds, "too far"));
        let text = unsafe { std::ffi::CStr::from_ptr(last()) };
        assert_eq!(text.to_str(), Ok("cohort_fill: too far"));
    }
}
