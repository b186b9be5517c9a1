//! Where the elements of a region's fields lie: storage of our own in whatever layout was asked for, arrays of the caller,
//! memory that several processes share; which memories hold their newest values. Knows addresses and strides; knows nothing of who uses them when (the analysis
//! orders that) nor of copies.

mod field;
mod layout;
mod overlap;
mod residency;
mod storage;
mod table;

pub use field::{dense_bytes, dense_strides, Blocks, FieldInstance};
pub use layout::{Difference, Grouping, Layout, Order, Plan, What};
pub use residency::{nearest_source, Offers, MemoryNumber, Move, PlaceId, Residency, HOST_MEMORY};
pub use storage::{Arrangement, Lender, Lent, Storage};
pub use table::InstanceTable;
