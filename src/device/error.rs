//! Texts of drivers' failures: which device, which call for what, and the code by name.

use crate::base::{Error, Status};
use std::fmt;
use std::sync::Arc;

/// "device NAME: WHAT failed: CODE".
pub(super) fn failure(status: Status, device: &str, what: &str, code: &str) -> Error {
    Error::new(status, format!("device {device}: {what} failed: {code}"))
}

/// What was enqueued, for the text of a failure that is found later.
#[derive(Clone)]
pub(super) enum What {
    Plain(&'static str),
    Kernel(Arc<str>),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            What::Plain(what) => f.write_str(what),
            What::Kernel(name) => write!(f, "kernel {name}"),
        }
    }
}
