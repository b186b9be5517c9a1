//! Equivalence sets: boxes of points that every operation so far has used alike. A set that an operation covers only in
//! part is split along the operation's bounds; regions remember the sets they touched. As in Legion's equivalence
//! sets (Bauer et al., "Visibility algorithms for dynamic dependence analysis", PPoPP 2023), kept here per context and exact.

use super::history::History;
use crate::geometry::Rect;
use crate::region::{Access, FieldMask, Privilege, RegionNode};
use smallvec::SmallVec;

struct Set {
    rect: Rect,
    history: History,
    /// The sets this one was split into; its own history is then out of use.
    parts: SmallVec<[u32; 4]>,
}

type Leaves = SmallVec<[u32; 4]>;

struct TreeSets {
    tree: u64,
    sets: Vec<Set>,
    /// By region: the sets that make it up. One that was split since is replaced when met.
    regions: Vec<Leaves>,
}

/// What the operations of one context have used so far.
#[derive(Default)]
pub struct ContextAnalysis {
    trees: Vec<TreeSets>,
}

impl ContextAnalysis {
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls `found` for every earlier operation on which this use of `region` makes `operation` depend, possibly more than
    /// once, and remembers the use. Operations are named by words; `is_complete` says which of them may be forgotten.
    pub fn record(
        &mut self,
        operation: u64,
        region: &RegionNode,
        mask: &FieldMask,
        access: Access,
        is_complete: &impl Fn(u64) -> bool,
        found: &mut impl FnMut(u64),
    ) {
        if access.privilege == Privilege::NoAccess || mask.is_empty() {
            return;
        }
        let tree = self.tree(region);
        tree.refresh(region);
        for i in 0..tree.regions[region.index as usize].len() {
            let set = tree.regions[region.index as usize][i] as usize;
            tree.sets[set].history.record(operation, mask, access, is_complete, found);
        }
    }

    /// The operations that `record` would find; nothing is remembered.
    pub fn conflicts(&mut self, region: &RegionNode, mask: &FieldMask, access: Access, found: &mut impl FnMut(u64)) {
        let tree = self.tree(region);
        tree.refresh(region);
        for &set in &tree.regions[region.index as usize] {
            tree.sets[set as usize].history.conflicts(mask, access, found);
        }
    }

    /// Forgets a destroyed region tree.
    pub fn forget(&mut self, tree: u64) {
        self.trees.retain(|t| t.tree != tree);
    }

    fn tree(&mut self, region: &RegionNode) -> &mut TreeSets {
        let id = region.tree.id;
        let at = match self.trees.binary_search_by_key(&id, |t| t.tree) {
            Ok(at) => at,
            Err(at) => {
                let root = Set { rect: region.tree.space.rect, history: History::default(), parts: SmallVec::new() };
                self.trees.insert(at, TreeSets { tree: id, sets: vec![root], regions: Vec::new() });
                at
            }
        };
        &mut self.trees[at]
    }
}

impl TreeSets {
    /// Brings the region's list of sets up to date.
    fn refresh(&mut self, region: &RegionNode) {
        let index = region.index as usize;
        if self.regions.len() <= index {
            self.regions.resize_with(index + 1, Leaves::new);
        }
        let known = &self.regions[index];
        if !known.is_empty() && known.iter().all(|&s| self.sets[s as usize].parts.is_empty()) {
            return;
        }
        let starts = if known.is_empty() { Leaves::from_slice(&[0]) } else { std::mem::take(&mut self.regions[index]) };
        let mut leaves = Leaves::new();
        for start in starts {
            self.collect(start, &region.rect, &mut leaves);
        }
        self.regions[index] = leaves;
    }

    /// Adds the leaves that make up `rect` within `set`, splitting those that reach beyond it.
    fn collect(&mut self, set: u32, rect: &Rect, leaves: &mut Leaves) {
        let own = self.sets[set as usize].rect;
        if !own.overlaps(rect) {
            return;
        }
        if !self.sets[set as usize].parts.is_empty() {
            for i in 0..self.sets[set as usize].parts.len() {
                self.collect(self.sets[set as usize].parts[i], rect, leaves);
            }
        } else if rect.contains(&own) {
            leaves.push(set);
        } else {
            let inside = self.split(set, rect);
            leaves.push(inside);
        }
    }

    /// Splits a leaf along the bounds of `rect`; returns the part inside it.
    fn split(&mut self, set: u32, rect: &Rect) -> u32 {
        let own = self.sets[set as usize].rect;
        let history = std::mem::take(&mut self.sets[set as usize].history);
        let first = self.sets.len() as u32;
        let outside = own.minus(rect);
        self.sets[set as usize].parts = (first..=first + outside.len() as u32).collect();
        for part in outside {
            self.sets.push(Set { rect: part, history: history.clone(), parts: SmallVec::new() });
        }
        self.sets.push(Set { rect: own.intersection(rect), history, parts: SmallVec::new() });
        self.sets.len() as u32 - 1
    }
}
