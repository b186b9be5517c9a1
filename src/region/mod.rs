//! Index spaces, field spaces and masks, region trees, partitions, privileges: pure data. Knows nothing of storage,
//! of operations or of who runs what.

mod access;
mod fields;
mod reduce;
mod tree;

pub use access::{conflict, Access, Coherence, ElementType, Privilege, Reduction};
pub use fields::{FieldMask, FieldSpace, MAX_FIELDS};
pub use reduce::Run;
pub use tree::{check_dim, Cuts, IndexSpace, Partition, RegionNode, Tree};
