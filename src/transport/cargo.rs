//! Memory of its own that travels with a message: what would cost too much to bring into one, or lies where only the transport and a device
//! reach it.

use super::letter::Line;
use std::any::Any;

/// Stays where it is, and as it is, until it is dropped.
pub trait Cargo: Any + Send {
    /// An address that the transport takes. Behind it are as many lines as travel, or more.
    fn at(&self) -> *mut Line;
    /// How many lines travel.
    fn lines(&self) -> usize;
    /// Calls the transport with the address.
    fn aboard(&self, call: &mut dyn FnMut());
}
