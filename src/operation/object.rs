//! What the handles of regions and partitions name.

use super::Elsewhere;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::instance::InstanceTable;
use crate::region::{FieldSpace, IndexSpace, Partition, RegionNode, Tree};
use parking_lot::Mutex;
use std::any::Any;
use std::sync::atomic::AtomicU64;
use std::sync::Arc;

/// Whose memory the fields of a tree lie in.
pub enum Home {
    /// Storage that appears when first used, or arrays of the caller.
    Here,
    /// Memory that others write too; kept as long as the region.
    Shared(Box<dyn Any + Send + Sync>),
    /// Another rank's: a destination of copies, nothing else.
    Elsewhere(Box<dyn Elsewhere>),
}

/// The creator of trees that any task may use without a requirement, as those of a halo.
pub const ANYBODY: u64 = u64::MAX;

/// What the regions of a tree share besides their names.
pub struct TreeData {
    pub instances: InstanceTable,
    /// Held while the contribution of a task is folded in: tasks that reduce alike run at the same time.
    pub folding: Mutex<()>,
    /// The task that made the tree, 0 for the program outside of tasks, or ANYBODY: it needs no requirement to use it.
    creator: u64,
    pub home: Home,
    /// Pieces of regions that explicit copies named, so that the next copy of the same points finds its region again.
    pieces: boxcar::Vec<Arc<RegionNode>>,
}

/// A region and where its data lies. Operations keep it alive.
#[derive(Clone)]
pub struct RegionObject {
    pub node: Arc<RegionNode>,
    pub data: Arc<TreeData>,
}

impl RegionObject {
    pub fn root(space: IndexSpace, fields: Arc<FieldSpace>, creator: u64) -> Self {
        Self::root_at(Tree::new(space, fields), creator, |_| Ok(Home::Here)).expect("nothing that fails")
    }

    /// A root whose fields `place` lays out in memory from elsewhere.
    pub fn root_at(tree: Arc<Tree>, creator: u64, place: impl FnOnce(&InstanceTable) -> Result<Home>) -> Result<Self> {
        let instances = InstanceTable::new(tree.clone());
        let home = place(&instances)?;
        let data = TreeData { instances, folding: Mutex::new(()), creator, home, pieces: boxcar::Vec::new() };
        Ok(Self { node: RegionNode::root(tree), data: Arc::new(data) })
    }

    /// Whether the task with this context may use the region without a requirement.
    pub fn is_free_for(&self, task: u64) -> bool {
        self.data.creator == task || self.data.creator == ANYBODY
    }

    /// The part of the region that has the points of `rect`, which lie in it.
    pub fn piece(&self, rect: Rect) -> Result<Self> {
        let whole = &self.node;
        if rect == whole.rect {
            return Ok(self.clone());
        }
        let is_it = |piece: &RegionNode| piece.rect == rect && piece.parent.as_ref().is_some_and(|p| p.index == whole.index);
        let known = self.data.pieces.iter().map(|(_, piece)| piece).find(|piece| is_it(piece));
        let node = match known {
            Some(node) => node.clone(),
            None => {
                let node = Partition::rects(whole, &[rect])?.children.swap_remove(0);
                self.data.pieces.push(node.clone());
                node
            }
        };
        Ok(Self { node, data: self.data.clone() })
    }

    /// For uses that need the data in this process.
    pub fn check_here(&self) -> Result<()> {
        match &self.data.home {
            Home::Elsewhere(owner) => fail!(
                Privilege,
                "region {} is a ghost region of rank {}; here it can be the destination of a copy and nothing else",
                self.node.bounds_text(),
                owner.rank()
            ),
            _ => Ok(()),
        }
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
