//! Texts of drivers' failures: which device, which call for what, and the code by name.

use crate::base::{Error, Status};

/// "device NAME: WHAT failed: CODE".
pub(super) fn failure(status: Status, device: &str, what: &str, code: &str) -> Error {
    Error::new(status, format!("device {device}: {what} failed: {code}"))
}
