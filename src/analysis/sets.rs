//! Equivalence sets: boxes of points that every operation so far has used alike. A set that an operation covers only in
//! part is split along the operation's bounds; regions remember the sets they touched. As in Legion's equivalence
//! sets (Bauer et al., "Visibility algorithms for dynamic dependence analysis", PPoPP 2023), kept here per context and exact.

use super::history::{Dependences, History, Use, Work};
use crate::base::{memory, Pieces, Result};
use crate::geometry::{Domain, Rect};
use crate::region::{Access, Cuts, FieldMask, Privilege, RegionNode};
use smallvec::SmallVec;
use std::sync::Arc;

struct Set {
    domain: Domain,
    history: History,
    /// The two sets this one was split into; its own history is then out of use.
    parts: Option<[u32; 2]>,
}

type Leaves = SmallVec<[u32; 4]>;

/// A region that was used. It is kept, so that the operations that use it need not keep it themselves.
struct Known {
    _region: Arc<RegionNode>,
    /// The sets that make it up. One that was split since is replaced when met.
    leaves: Leaves,
    /// How many sets the tree had when they were looked for: none was split if there are no more.
    among: usize,
}

/// The sets of one tree, those that were split among them. The first is the root's.
struct Sets(Pieces<Set>);

struct TreeSets {
    tree: u64,
    sets: Sets,
    /// By number of the region.
    regions: Pieces<Option<Known>>,
    work: Work,
}

/// What the operations of one context have used so far.
#[derive(Default)]
pub struct ContextAnalysis {
    trees: Vec<TreeSets>,
    /// Moved on when all operations so far are complete: what the sets know of users before is out of date.
    epoch: u32,
}

/// Closures as a place for dependences.
struct Closures<'a, C, F> {
    is_complete: &'a C,
    found: &'a mut F,
}

impl<C: Fn(u64) -> bool, F: FnMut(u64)> Dependences for Closures<'_, C, F> {
    fn is_complete(&self, operation: u64) -> bool {
        (self.is_complete)(operation)
    }
    fn after(&mut self, earlier: u64) {
        (self.found)(earlier);
    }
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
        region: &Arc<RegionNode>,
        mask: &FieldMask,
        access: Access,
        is_complete: &impl Fn(u64) -> bool,
        found: &mut impl FnMut(u64),
    ) {
        self.record_use(region, &Use { operation, mask, access }, &mut Closures { is_complete, found });
    }

    /// Finds the points of `region`, so that uses of it are recorded without more memory for sets of points. An error if the system has
    /// none: nothing has changed that anybody sees.
    pub fn prepare(&mut self, region: &Arc<RegionNode>) -> Result<()> {
        let at = self.tree(region);
        let TreeSets { sets, regions, .. } = &mut self.trees[at];
        look_up(regions, sets, region, self.epoch)
    }

    /// As `record`; tells besides which reductions are folded in order. Of a tree where not all regions are rectangles the region was
    /// prepared, or there is memory.
    pub fn record_use(&mut self, region: &Arc<RegionNode>, this: &Use, found: &mut impl Dependences) {
        if this.access.privilege == Privilege::NoAccess || this.mask.is_empty() {
            return;
        }
        let at = self.tree(region);
        let TreeSets { sets, regions, work, .. } = &mut self.trees[at];
        let epoch = self.epoch;
        for &set in leaves(regions, sets, region, epoch) {
            let history = &mut sets.0[set as usize].history;
            history.enter(epoch);
            history.record(this, work, found);
        }
    }

    /// The operations that `record` would find; nothing is remembered.
    pub fn conflicts(&mut self, region: &Arc<RegionNode>, mask: &FieldMask, access: Access, found: &mut impl FnMut(u64)) -> Result<()> {
        let at = self.tree(region);
        let TreeSets { sets, regions, .. } = &mut self.trees[at];
        let epoch = self.epoch;
        look_up(regions, sets, region, epoch)?;
        for &set in leaves(regions, sets, region, epoch) {
            let history = &mut sets.0[set as usize].history;
            history.enter(epoch);
            history.conflicts(mask, access, found);
        }
        Ok(())
    }

    /// All operations so far are complete: none is found any more. How points and fields are grouped stays known.
    pub fn all_complete(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Whether every operation that used the tree is one that `is_done`.
    pub fn tree_is_idle(&self, tree: u64, mut is_done: impl FnMut(u64) -> bool) -> bool {
        let mut known = self.trees.iter().filter(|t| t.tree == tree);
        known.all(|t| t.sets.0.iter().all(|s| s.parts.is_some() || s.history.all_users(self.epoch, &mut is_done)))
    }

    /// Forgets a region tree; its users are complete, or it will not be used again.
    pub fn forget(&mut self, tree: u64) {
        self.trees.retain(|t| t.tree != tree);
    }

    /// Where the tree's sets are.
    fn tree(&mut self, region: &RegionNode) -> usize {
        let id = region.tree.id;
        self.trees.binary_search_by_key(&id, |t| t.tree).unwrap_or_else(|at| {
            let root = Set { domain: region.tree.space.domain.clone(), history: History::default(), parts: None };
            let mut sets = Pieces::default();
            sets.push(root);
            self.trees.insert(at, TreeSets { tree: id, sets: Sets(sets), regions: Pieces::default(), work: Work::default() });
            at
        })
    }
}

/// The sets that make up a region, which was looked up, or there is memory.
fn leaves<'a>(regions: &'a mut Pieces<Option<Known>>, sets: &mut Sets, region: &Arc<RegionNode>, epoch: u32) -> &'a Leaves {
    let slot = regions.make(region.index as usize);
    if sets.have_changed_since(slot) {
        memory::or_end(sets.look_up(slot, region, epoch));
    }
    &slot.as_ref().expect("just looked up").leaves
}

fn look_up(regions: &mut Pieces<Option<Known>>, sets: &mut Sets, region: &Arc<RegionNode>, epoch: u32) -> Result<()> {
    let slot = regions.make(region.index as usize);
    if sets.have_changed_since(slot) {
        sets.look_up(slot, region, epoch)?;
    }
    Ok(())
}

impl Sets {
    #[inline]
    fn have_changed_since(&self, slot: &Option<Known>) -> bool {
        slot.as_ref().is_none_or(|known| known.among != self.0.len())
    }

    /// Brings a region's list of sets up to date.
    #[cold]
    fn look_up(&mut self, slot: &mut Option<Known>, region: &Arc<RegionNode>, epoch: u32) -> Result<()> {
        let known = slot.get_or_insert_with(|| Known { _region: region.clone(), leaves: Leaves::from_slice(&[0]), among: 0 });
        let is_new = known.among == 0;
        if is_new || known.leaves.iter().any(|&set| self.0[set as usize].parts.is_some()) {
            let mut open = known.leaves.clone();
            let mut leaves = Leaves::new();
            while let Some(set) = open.pop() {
                if !self.0[set as usize].domain.overlaps(&region.domain) {
                    continue;
                }
                match self.0[set as usize].parts {
                    Some(parts) => open.extend(parts),
                    None => leaves.push(self.narrow(set, region, epoch)?),
                }
            }
            known.leaves = leaves;
        }
        known.among = self.0.len();
        Ok(())
    }

    /// Splits a leaf until a part of it lies in the region, and no other part does; returns that part.
    fn narrow(&mut self, mut set: u32, region: &RegionNode, epoch: u32) -> Result<u32> {
        if region.domain.contains(&self.0[set as usize].domain) {
            return Ok(set);
        }
        self.0[set as usize].history.enter(epoch);
        if let Some(Cuts::Halves(halves)) = region.cuts.as_deref() {
            for half in halves.around(region.colour)? {
                set = self.split(set, |own| own.intersection(half))?;
            }
        }
        let inside = self.0[set as usize].domain.intersection(&region.domain)?;
        while self.0[set as usize].domain.bounds != inside.bounds {
            set = self.split(set, |own| {
                let (d, at) = cut(&own.bounds, &inside.bounds, region.cuts.as_deref());
                let mut part = own.bounds;
                if inside.bounds.lo[d] < at {
                    part.hi[d] = at - 1;
                } else {
                    part.lo[d] = at;
                }
                own.intersection(&part.into())
            })?;
        }
        self.split(set, |_| Ok(inside))
    }

    /// Splits a leaf in the part that `part` returns, which goes on with its history, and the rest, if there is one.
    fn split(&mut self, set: u32, part: impl FnOnce(&Domain) -> Result<Domain>) -> Result<u32> {
        let own = &self.0[set as usize].domain;
        let with = part(own)?;
        if with == *own {
            return Ok(set);
        }
        let without = own.minus(&with)?;
        let first = self.0.len() as u32;
        let mut history = std::mem::take(&mut self.0[set as usize].history);
        self.0[set as usize].parts = Some([first, first + 1]);
        self.0.push(Set { domain: without, history: history.of_part(), parts: None });
        self.0.push(Set { domain: with, history, parts: None });
        Ok(first + 1)
    }
}

/// Where to cut `own` in two without cutting `inside`: dimension and first point of the upper part. Cutting near the
/// middle where neighbouring sub-regions will be cut anyway makes a search tree of them, however many they are.
fn cut(own: &Rect, inside: &Rect, cuts: Option<&Cuts>) -> (usize, i64) {
    let ratio = |d: usize| own.extent(d) / inside.extent(d);
    let uncut = (0..3).filter(|&d| (own.lo[d], own.hi[d]) != (inside.lo[d], inside.hi[d]));
    let d = uncut.max_by_key(|&d| ratio(d)).expect("some dimension is left to cut");
    let middle = own.lo[d] + own.extent(d) / 2;
    let (below, above) = (inside.lo[d], inside.hi[d] + 1);
    let listed = cuts.and_then(|cuts| {
        if middle <= below {
            cuts.nearest(d, middle, own.lo[d] + 1, below)
        } else if middle >= above {
            cuts.nearest(d, middle, above, own.hi[d])
        } else {
            None
        }
    });
    // A face of what is looked for: the one with more beyond it.
    let face = if below - own.lo[d] > own.hi[d] + 1 - above { below } else { above };
    (d, listed.unwrap_or(face))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Coherence, FieldSpace, IndexSpace, Partition, Tree};
    use std::sync::Arc;

    const WRITE: Access = Access { privilege: Privilege::ReadWrite, coherence: Coherence::Exclusive, reduction: None };

    fn root(dim: i32, hi: &[i64]) -> Arc<RegionNode> {
        RegionNode::root(Tree::new(IndexSpace::new(dim, &[0; 3], hi).unwrap(), Arc::new(FieldSpace::default())))
    }

    fn write(analysis: &mut ContextAnalysis, operation: u64, region: &Arc<RegionNode>) -> Vec<u64> {
        let mut found = Vec::new();
        analysis.record(operation, region, &FieldMask::of(&[0]), WRITE, &|_| false, &mut |op| found.push(op));
        found
    }

    #[test]
    fn a_hundred_thousand_uneven_blocks_become_one_set_each() {
        let region = root(1, &[1_000_002]);
        let blocks = Partition::blocks(&region, &[100_000]).unwrap();
        let mut analysis = ContextAnalysis::new();
        assert!(write(&mut analysis, 0, &region).is_empty());
        for (i, block) in blocks.children.iter().enumerate() {
            assert_eq!(write(&mut analysis, i as u64 + 1, block), [0]);
        }
        let tree = &analysis.trees[0];
        assert_eq!(tree.sets.0.len(), 2 * blocks.children.len() - 1);
        assert!(blocks.children.iter().all(|b| tree.regions[b.index as usize].as_ref().unwrap().leaves.len() == 1));
        assert_eq!(write(&mut analysis, 200_000, &region).len(), 100_000);
    }

    #[test]
    fn one_block_of_many_costs_a_path_to_it() {
        let region = root(3, &[63; 3]);
        let blocks = Partition::blocks(&region, &[32, 32, 32]).unwrap();
        let mut analysis = ContextAnalysis::new();
        write(&mut analysis, 0, &region);
        assert_eq!(write(&mut analysis, 1, &blocks.children[12_345]), [0]);
        assert!(analysis.trees[0].sets.0.len() <= 2 * 15 + 1);
    }

    #[test]
    fn many_given_rectangles_in_a_row_split_as_blocks_do() {
        let region = root(1, &[99_999]);
        let rects: Vec<Rect> = (0..10_000).map(|i| Rect::new([i * 10, 0, 0], [i * 10 + 9, 0, 0])).collect();
        let rows = Partition::rects(&region, &rects).unwrap();
        let mut analysis = ContextAnalysis::new();
        rows.children.iter().enumerate().for_each(|(i, row)| assert!(write(&mut analysis, i as u64, row).is_empty()));
        assert_eq!(analysis.trees[0].sets.0.len(), 2 * rects.len() - 1);
    }

    #[test]
    fn users_of_an_ended_epoch_are_not_found() {
        let region = root(1, &[99]);
        let blocks = Partition::blocks(&region, &[10]).unwrap();
        let mut analysis = ContextAnalysis::new();
        write(&mut analysis, 1, &region);
        assert!(!analysis.tree_is_idle(region.tree.id, |op| op != 1));
        analysis.all_complete();
        assert!(analysis.tree_is_idle(region.tree.id, |_| false));
        assert!(write(&mut analysis, 2, &blocks.children[3]).is_empty());
        assert!(write(&mut analysis, 3, &blocks.children[4]).is_empty());
        assert_eq!(write(&mut analysis, 4, &blocks.children[3]), [2]);
        let mut all = write(&mut analysis, 5, &region);
        all.sort_unstable();
        assert_eq!(all, [3, 4]);
    }

    #[test]
    fn reductions_alike_follow_the_last_of_their_kind() {
        struct Found(Vec<u64>, Vec<u64>);
        impl Dependences for Found {
            fn is_complete(&self, _: u64) -> bool {
                false
            }
            fn after(&mut self, earlier: u64) {
                self.0.push(earlier);
            }
            fn reduces_alike(&mut self, earlier: u64) {
                self.1.push(earlier);
            }
        }
        use crate::region::{ElementType, Reduction};
        let region = root(1, &[99]);
        let mask = FieldMask::of(&[0]);
        let mut analysis = ContextAnalysis::new();
        let mut reduce = |operation, op| {
            let reduction = Some((op, ElementType::Double).into());
            let access = Access { privilege: Privilege::Reduce, coherence: Coherence::Exclusive, reduction };
            let mut found = Found(Vec::new(), Vec::new());
            analysis.record_use(&region, &Use { operation, mask: &mask, access }, &mut found);
            (found.0, found.1)
        };
        assert_eq!(reduce(1, Reduction::Sum), (vec![], vec![]));
        assert_eq!(reduce(2, Reduction::Sum), (vec![], vec![1]));
        assert_eq!(reduce(3, Reduction::Sum), (vec![], vec![2]));
        assert_eq!(reduce(4, Reduction::Max), (vec![1, 2, 3], vec![]));
    }

    #[test]
    fn a_forgotten_tree_has_no_users() {
        let region = root(2, &[9, 9]);
        let mut analysis = ContextAnalysis::new();
        write(&mut analysis, 1, &region);
        assert_eq!(write(&mut analysis, 2, &region), [1]);
        analysis.forget(region.tree.id);
        assert!(write(&mut analysis, 3, &region).is_empty());
    }
}
