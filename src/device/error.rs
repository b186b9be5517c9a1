//! Texts of drivers' failures: which device, which call for what, and the code by name.

use crate::base::{Error, Status};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A device as messages call it, and the fault after which it takes no more work.
pub(super) struct Known {
    name: Box<str>,
    lost: OnceLock<Box<str>>,
}

impl Known {
    pub fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name: name.into(), lost: OnceLock::new() })
    }

    /// A failure of the device's; `ends` if it takes no more work after that.
    pub fn failure(&self, status: Status, what: &str, code: &str, ends: bool) -> Error {
        let error = failure(status, &self.name, what, code);
        if ends {
            self.lost.get_or_init(|| error.text.clone());
        }
        error
    }

    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(|text| &**text)
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_that_ends_a_device_is_kept() {
        let known = Known::new("\"X\"".into());
        known.failure(Status::Resources, "a fill", "FULL", false);
        assert_eq!(known.lost(), None);
        known.failure(Status::Resources, "kernel k", "GONE", true);
        known.failure(Status::Resources, "a copy", "GONE", true);
        assert_eq!(known.lost(), Some("device \"X\": kernel k failed: GONE"));
    }
}
