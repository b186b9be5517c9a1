//! What the handles of regions and partitions name.

use super::devices::Resident;
use super::Elsewhere;
use crate::base::Result;
use crate::fail;
use crate::geometry::{Domain, Rect};
use crate::instance::InstanceTable;
use crate::region::{Access, FieldSpace, IndexSpace, Partition, RegionNode, Tree};
use crate::base::sync::Mutex;
use std::any::Any;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Whose memory the fields of a tree lie in.
pub enum Home {
    /// Storage that appears when first used, or arrays of the caller.
    Here,
    /// Memory that others write too; kept as long as the region.
    Shared(Box<dyn Shared>),
    /// Another rank's: a destination of copies, nothing else.
    Elsewhere(Box<dyn Elsewhere>),
}

/// Data of this rank that other ranks write.
pub trait Shared: Any + Send + Sync {
    /// What names it among those of all ranks; not 0.
    fn id(&self) -> u64;
    /// How often others have written the field, and more often where nobody has waited for it yet.
    fn writes(&self, field: u32) -> u64;
    /// Whether others write by messages alone, and nobody looks on, so that the newest values may be missing in the memory.
    fn keep(&self) -> bool;
    /// Somebody of this rank looks at the memory while others write: from here on the newest values come there.
    fn look_on(&self);
}

/// The creator of trees that any task may use without a requirement, as those of a halo.
pub const ANYBODY: u64 = u64::MAX;

/// What the regions of a tree share besides their names.
pub struct TreeData {
    /// What of it lies on devices, once any did. Goes before the memory that is copied from and to.
    pub(super) on_devices: OnceLock<Box<Resident>>,
    pub instances: InstanceTable,
    /// Held while the contribution of a task is folded in: tasks of different parents may reduce alike at the same time.
    pub folding: Mutex<()>,
    /// The task that made the tree, 0 for the program outside of tasks, or ANYBODY: it needs no requirement to use it.
    creator: u64,
    pub home: Home,
    /// Pieces of regions that explicit copies named, so that the next copy of the same points finds its region again.
    pieces: boxcar::Vec<Arc<RegionNode>>,
    tree: u64,
    /// Handles that name the tree or a part of it. Without any, contexts keep it only while their operations use it.
    named: AtomicU32,
}

/// How often a tree lost its last name: contexts that see the number change look for what they may let go.
static UNNAMED: AtomicU64 = AtomicU64::new(0);

pub(super) fn times_unnamed() -> u64 {
    UNNAMED.load(Ordering::Relaxed)
}

impl TreeData {
    pub(super) fn tree(&self) -> u64 {
        self.tree
    }

    pub(super) fn is_named(&self) -> bool {
        self.named.load(Ordering::Acquire) != 0
    }

    /// Whether the task with this context may use the tree without a requirement.
    pub(super) fn is_free_for(&self, task: u64) -> bool {
        self.creator == task || self.creator == ANYBODY
    }

    /// Points of a field have got new values in the host's memory, of which no operation of this rank knows.
    pub fn is_written_here(&self, field: u32, rect: &Rect) -> Result<()> {
        self.on_devices.get().map_or(Ok(()), |resident| resident.is_written_on_host(field, rect))
    }

    /// Somebody with this access sees the memory as it is.
    pub fn is_seen(&self, access: Access) {
        if let (Home::Shared(home), true) = (&self.home, access.coherence.is_weak()) {
            home.look_on();
        }
    }

    /// For uses that need the data in this process.
    pub fn check_here(&self, node: &RegionNode) -> Result<()> {
        match &self.home {
            Home::Elsewhere(owner) => fail!(
                Privilege,
                "region {} is a ghost region of rank {}; here it can be the destination of a copy and nothing else",
                node.bounds_text(),
                owner.rank()
            ),
            _ => Ok(()),
        }
    }
}

/// The data of a tree, as what names the tree holds it.
pub struct TreeName(Arc<TreeData>);

impl TreeName {
    pub fn new(data: Arc<TreeData>) -> Self {
        data.named.fetch_add(1, Ordering::Relaxed);
        Self(data)
    }

    pub fn shared(&self) -> &Arc<TreeData> {
        &self.0
    }
}

impl Clone for TreeName {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for TreeName {
    fn drop(&mut self) {
        if self.0.named.fetch_sub(1, Ordering::AcqRel) == 1 {
            UNNAMED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Deref for TreeName {
    type Target = TreeData;
    fn deref(&self) -> &TreeData {
        &self.0
    }
}

/// A region and where its data lies. Operations keep it alive.
#[derive(Clone)]
pub struct RegionObject {
    pub node: Arc<RegionNode>,
    pub data: TreeName,
}

/// A region named for the time of a call.
#[derive(Clone, Copy)]
pub struct RegionRef<'a> {
    pub node: &'a Arc<RegionNode>,
    pub data: &'a Arc<TreeData>,
}

impl RegionObject {
    pub fn by_ref(&self) -> RegionRef<'_> {
        RegionRef { node: &self.node, data: self.data.shared() }
    }

    /// Storage of the fields comes to lie in the NUMA nodes that are preferred, as long as they have room.
    pub fn root(space: IndexSpace, fields: Arc<FieldSpace>, creator: u64, preferred: &Arc<[u32]>) -> Self {
        let here = |instances: &InstanceTable| {
            instances.prefer(preferred.clone());
            Ok(Home::Here)
        };
        Self::root_at(Tree::new(space, fields), creator, here).expect("nothing that fails")
    }

    /// A root whose fields `place` lays out in memory from elsewhere.
    pub fn root_at(tree: Arc<Tree>, creator: u64, place: impl FnOnce(&InstanceTable) -> Result<Home>) -> Result<Self> {
        let instances = InstanceTable::new(tree.clone());
        let home = place(&instances)?;
        let data = TreeData {
            instances,
            folding: Mutex::new(()),
            creator,
            home,
            on_devices: OnceLock::new(),
            pieces: boxcar::Vec::new(),
            tree: tree.id,
            named: AtomicU32::new(0),
        };
        Ok(Self { node: RegionNode::root(tree), data: TreeName::new(Arc::new(data)) })
    }

    /// The region that all others of the tree are parts of.
    pub fn root_of_tree(&self) -> Self {
        let mut node = &self.node;
        while let Some(parent) = &node.parent {
            node = parent;
        }
        Self { node: node.clone(), data: self.data.clone() }
    }

    /// The part of the region that has the points of `domain`, which lie in it.
    pub fn piece(&self, domain: Domain) -> Self {
        let whole = &self.node;
        if domain == whole.domain {
            return self.clone();
        }
        let is_it = |piece: &RegionNode| piece.domain == domain && piece.parent.as_ref().is_some_and(|p| p.index == whole.index);
        let known = self.data.pieces.iter().map(|(_, piece)| piece).find(|piece| is_it(piece));
        let node = match known {
            Some(node) => node.clone(),
            None => {
                let node = Partition::of_parts(whole, vec![domain]).children.swap_remove(0);
                self.data.pieces.push(node.clone());
                node
            }
        };
        Self { node, data: self.data.clone() }
    }

    /// For uses that need the data in this process.
    pub fn check_here(&self) -> Result<()> {
        self.data.check_here(&self.node)
    }
}

pub struct PartitionObject {
    pub partition: Partition,
    pub data: TreeName,
    /// Handles of the sub-regions, made when first asked for.
    pub handles: Box<[AtomicU64]>,
}

impl PartitionObject {
    pub fn new(partition: Partition, data: TreeName) -> Self {
        let handles = partition.children.iter().map(|_| AtomicU64::new(0)).collect();
        Self { partition, data, handles }
    }

    pub fn by_ref(&self, colour: u32) -> Result<RegionRef<'_>> {
        Ok(RegionRef { node: self.partition.child(colour)?, data: self.data.shared() })
    }

    pub fn region(&self, colour: u32) -> Result<RegionObject> {
        Ok(RegionObject { node: self.partition.child(colour)?.clone(), data: self.data.clone() })
    }
}
