//! Where the elements of a region's fields lie: storage of our own, arrays of the caller, memory that several processes
//! share. Knows addresses and strides; knows nothing of who uses them when (the analysis orders that) nor of copies.

mod layout;
mod storage;
mod table;

pub use layout::{dense_bytes, dense_strides, FieldInstance};
pub use storage::Storage;
pub use table::InstanceTable;
