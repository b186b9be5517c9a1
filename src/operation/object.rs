//! What the handles of regions and partitions name.

use crate::base::Result;
use crate::instance::InstanceTable;
use crate::region::{FieldSpace, IndexSpace, Partition, RegionNode, Tree};
use parking_lot::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::Arc;

/// What the regions of a tree share besides their names.
pub struct TreeData {
    pub instances: InstanceTable,
    /// Held while the contribution of a task is folded in: tasks that reduce alike run at the same time.
    pub folding: Mutex<()>,
    /// The task that made the tree, or 0: it needs no requirement to use it.
    pub creator: u64,
}

/// A region and where its data lies. Operations keep it alive.
#[derive(Clone)]
pub struct RegionObject {
    pub node: Arc<RegionNode>,
    pub data: Arc<TreeData>,
}

impl RegionObject {
    pub fn root(space: IndexSpace, fields: Arc<FieldSpace>, creator: u64) -> Self {
        let tree = Tree::new(space, fields);
        let data = TreeData { instances: InstanceTable::new(tree.clone()), folding: Mutex::new(()), creator };
        Self { node: RegionNode::root(tree), data: Arc::new(data) }
    }
}

pub struct PartitionObject {
    pub partition: Partition,
    pub data: Arc<TreeData>,
    /// Handles of the sub-regions, made when first asked for.
    pub handles: Box<[AtomicU64]>,
}

impl PartitionObject {
    pub fn new(partition: Partition, data: Arc<TreeData>) -> Self {
        let handles = partition.children.iter().map(|_| AtomicU64::new(0)).collect();
        Self { partition, data, handles }
    }

    pub fn region(&self, colour: u32) -> Result<RegionObject> {
        Ok(RegionObject { node: self.partition.child(colour)?.clone(), data: self.data.clone() })
    }
}
