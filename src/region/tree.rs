//! Region trees: a root with sub-regions that partitions name. Nodes live as long as their tree.

use super::{Cuts, FieldSpace, IndexSpace};
use crate::geometry::{Domain, Point};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::Arc;

/// What the regions of one tree share.
#[derive(Debug)]
pub struct Tree {
    /// Never used again in this process.
    pub id: u64,
    pub space: IndexSpace,
    pub fields: Arc<FieldSpace>,
    nodes: AtomicU32,
    has_sets: AtomicBool,
}

impl Tree {
    pub fn new(space: IndexSpace, fields: Arc<FieldSpace>) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, space, fields, nodes: AtomicU32::new(0), has_sets: AtomicBool::new(false) })
    }

    /// Whether some region is no rectangle, so that what regions have in common may take memory.
    #[inline]
    pub fn has_sets(&self) -> bool {
        self.has_sets.load(Ordering::Relaxed)
    }

    /// The number of a new region with these points.
    fn add(&self, domain: &Domain) -> u32 {
        if !domain.is_dense() {
            self.has_sets.store(true, Ordering::Relaxed);
        }
        self.nodes.fetch_add(1, Ordering::Relaxed)
    }
}

/// A region: the root of a tree, or a sub-region of a partition.
#[derive(Debug)]
pub struct RegionNode {
    pub tree: Arc<Tree>,
    pub domain: Domain,
    /// Counts the nodes of the tree, so that per-region tables can be dense.
    pub index: u32,
    pub parent: Option<Arc<RegionNode>>,
    /// Where the sub-regions of the same partition begin and end, if they are many or cover the parent.
    pub cuts: Option<Arc<Cuts>>,
    /// In its partition.
    pub colour: u32,
    /// The worker that ran a task on it last, plus 1: a hint, kept while somebody wants it.
    toucher: AtomicU8,
}

impl RegionNode {
    pub fn root(tree: Arc<Tree>) -> Arc<Self> {
        let (domain, index) = (tree.space.domain.clone(), tree.add(&tree.space.domain));
        Arc::new(Self { tree, domain, index, parent: None, cuts: None, colour: 0, toucher: AtomicU8::new(0) })
    }

    pub(super) fn child(self: &Arc<Self>, colour: usize, domain: Domain, cuts: Option<Arc<Cuts>>) -> Arc<Self> {
        let index = self.tree.add(&domain);
        let (tree, parent, toucher) = (self.tree.clone(), Some(self.clone()), AtomicU8::new(0));
        Arc::new(Self { tree, domain, index, parent, cuts, colour: colour as u32, toucher })
    }

    pub fn dim(&self) -> usize {
        self.tree.space.dim
    }

    /// A worker runs a task on the region.
    pub fn touch(&self, worker: u8) {
        // Mostly the same again, and then nobody's copy of the line is taken away.
        if self.toucher.load(Ordering::Relaxed) != worker + 1 {
            self.toucher.store(worker + 1, Ordering::Relaxed);
        }
    }

    /// The worker that ran a task on it last.
    pub fn toucher(&self) -> Option<u8> {
        self.toucher.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Whether `self` is `ancestor` or lies below it in the tree.
    pub fn is_within(&self, ancestor: &RegionNode) -> bool {
        let mut node = Some(self);
        while let Some(n) = node {
            if n.tree.id == ancestor.tree.id && n.index == ancestor.index {
                return true;
            }
            node = n.parent.as_deref();
        }
        false
    }

    /// Bounds as messages show them.
    pub fn bounds_text(&self) -> String {
        bounds_text(&self.domain, self.dim())
    }
}

pub(super) fn bounds_text(domain: &Domain, dim: usize) -> String {
    let text = |p: Point| (0..dim).map(|d| p[d].to_string()).collect::<Vec<_>>().join(",");
    let holes = if domain.is_dense() { String::new() } else { format!(" with holes, {} points", domain.volume()) };
    format!("({})..({}){holes}", text(domain.bounds.lo), text(domain.bounds.hi))
}
