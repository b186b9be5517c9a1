//! Index spaces, field spaces and masks, region trees, partitions, privileges: pure data. Knows nothing of storage,
//! of operations or of who runs what.

mod access;
mod cuts;
mod fields;
mod operator;
mod partition;
mod reduce;
mod space;
mod tree;
mod usage;

pub use access::{dependence, Access, Coherence, Dependence, Contribution, ElementType, Privilege, Reduction};
pub use cuts::Cuts;
pub use fields::{FieldMask, FieldSpace, MAX_FIELDS};
pub use operator::{forget_operators, register_operator, Fold, Operator};
pub use partition::Partition;
pub use reduce::Run;
pub use space::{check_dim, expect_rects, rects_of, IndexSpace};
pub use tree::{RegionNode, Tree};
pub use usage::Usage;
