//! Region trees: a root with sub-regions that partitions name. Nodes live as long as their tree.

use super::FieldSpace;
use crate::base::Result;
use crate::fail;
use crate::geometry::{overlap_within, Point, Rect};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Sums of bounds, depths and shifts stay within 64 bits.
const LARGEST_BOUND: i64 = 1 << 60;
/// More than any machine's memory holds; sizes in bytes and sums of volumes stay within 64 bits.
const MOST_POINTS: i64 = 1 << 48;

/// Up to here the bounds of given rectangles are not worth collecting.
const MANY_RECTS: usize = 16;
const MOST_COLOURS: i64 = 1 << 24;

/// A rectangle of points of 1 to 3 dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSpace {
    pub dim: usize,
    pub rect: Rect,
}

impl IndexSpace {
    pub fn new(dim: i32, lo: &[i64], hi: &[i64]) -> Result<Self> {
        let dim = check_dim(dim)?;
        let mut rect = Rect::new([0; 3], [0; 3]);
        for d in 0..dim {
            if lo[d] > hi[d] {
                fail!(Bounds, "lo is {} and hi is {} in dimension {d}; lo must not exceed hi (both ends are included)", lo[d], hi[d]);
            }
            if lo[d] < -LARGEST_BOUND || hi[d] > LARGEST_BOUND {
                fail!(Bounds, "{}..{} in dimension {d}; bounds lie between -2^60 and 2^60", lo[d], hi[d]);
            }
            (rect.lo[d], rect.hi[d]) = (lo[d], hi[d]);
        }
        let points = (0..dim).try_fold(1i64, |n, d| n.checked_mul(rect.extent(d)));
        if points.is_none_or(|n| n > MOST_POINTS) {
            fail!(Bounds, "{:?}..{:?} holds more than 2^48 points", &lo[..dim], &hi[..dim]);
        }
        Ok(Self { dim, rect })
    }
}

pub fn check_dim(dim: i32) -> Result<usize> {
    if !(1..=3).contains(&dim) {
        fail!(InvalidArgument, "dimension is {dim}; index spaces have 1 to 3 dimensions");
    }
    Ok(dim as usize)
}

/// What the regions of one tree share.
#[derive(Debug)]
pub struct Tree {
    /// Never used again in this process.
    pub id: u64,
    pub space: IndexSpace,
    pub fields: Arc<FieldSpace>,
    nodes: AtomicU32,
}

impl Tree {
    pub fn new(space: IndexSpace, fields: Arc<FieldSpace>) -> Arc<Self> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { id, space, fields, nodes: AtomicU32::new(0) })
    }
}

/// A region: the root of a tree, or a sub-region of a partition.
#[derive(Debug)]
pub struct RegionNode {
    pub tree: Arc<Tree>,
    pub rect: Rect,
    /// Counts the nodes of the tree, so that per-region tables can be dense.
    pub index: u32,
    pub parent: Option<Arc<RegionNode>>,
    /// Where the sub-regions of the same partition begin and end, if they are many or cover the parent.
    pub cuts: Option<Arc<Cuts>>,
}

/// In each dimension the first points of boxes and the points just past them, rising, each once.
#[derive(Debug, PartialEq, Eq)]
pub struct Cuts([Vec<i64>; 3]);

impl Cuts {
    fn of<'a>(rects: impl Iterator<Item = &'a Rect> + Clone) -> Arc<Self> {
        Arc::new(Self(std::array::from_fn(|d| {
            let mut cuts: Vec<i64> = rects.clone().flat_map(|r| [r.lo[d], r.hi[d] + 1]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            cuts
        })))
    }

    /// The cut of dimension `d` nearest to `at` if it lies between `least` and `most`, as `at` does.
    pub fn nearest(&self, d: usize, at: i64, least: i64, most: i64) -> Option<i64> {
        let cuts = &self.0[d];
        let next = cuts.partition_point(|c| *c < at);
        let around = [next.checked_sub(1).map(|i| cuts[i]), cuts.get(next).copied()];
        around.into_iter().flatten().filter(|c| (least..=most).contains(c)).min_by_key(|c| (c - at).abs())
    }
}

impl RegionNode {
    pub fn root(tree: Arc<Tree>) -> Arc<Self> {
        let (rect, index) = (tree.space.rect, tree.nodes.fetch_add(1, Ordering::Relaxed));
        Arc::new(Self { tree, rect, index, parent: None, cuts: None })
    }

    fn child(self: &Arc<Self>, rect: Rect, cuts: Option<Arc<Cuts>>) -> Arc<Self> {
        let index = self.tree.nodes.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { tree: self.tree.clone(), rect, index, parent: Some(self.clone()), cuts })
    }

    pub fn dim(&self) -> usize {
        self.tree.space.dim
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
        let text = |p: Point| (0..self.dim()).map(|d| p[d].to_string()).collect::<Vec<_>>().join(",");
        format!("({})..({})", text(self.rect.lo), text(self.rect.hi))
    }
}

/// Sub-regions of a region, by colour.
#[derive(Debug)]
pub struct Partition {
    pub parent: Arc<RegionNode>,
    pub children: Vec<Arc<RegionNode>>,
    /// Two sub-regions that overlap, if any do; found when first asked for.
    overlap: OnceLock<Option<(u32, u32)>>,
}

impl Partition {
    /// Near-equal blocks: the first `extent % count` blocks of a dimension are one point longer.
    pub fn blocks(parent: &Arc<RegionNode>, counts: &[i64]) -> Result<Self> {
        let mut count = [1i64; 3];
        for d in 0..parent.dim() {
            if counts[d] < 1 || counts[d] > parent.rect.extent(d) {
                fail!(
                    InvalidArgument,
                    "{} blocks in dimension {d}, where the region has {} points; give from 1 to that many",
                    counts[d],
                    parent.rect.extent(d)
                );
            }
            count[d] = counts[d];
        }
        let colours = count.iter().try_fold(1i64, |n, c| n.checked_mul(*c));
        if colours.is_none_or(|n| n > MOST_COLOURS) {
            fail!(InvalidArgument, "{:?} blocks are more than 2^24 sub-regions", &count[..parent.dim()]);
        }
        let ends = |d: usize, i: i64| {
            let (n, c) = (parent.rect.extent(d), count[d]);
            let start = |i: i64| parent.rect.lo[d] + i * (n / c) + i.min(n % c);
            (start(i), start(i + 1) - 1)
        };
        let starts = |d: usize| (0..=count[d]).map(|i| ends(d, i).0).collect::<Vec<_>>();
        let cuts = Arc::new(Cuts([starts(0), starts(1), starts(2)]));
        let mut children = Vec::with_capacity((count[0] * count[1] * count[2]) as usize);
        for k in 0..count[2] {
            for j in 0..count[1] {
                for i in 0..count[0] {
                    let (x, y, z) = (ends(0, i), ends(1, j), ends(2, k));
                    children.push(parent.child(Rect::new([x.0, y.0, z.0], [x.1, y.1, z.1]), Some(cuts.clone())));
                }
            }
        }
        Ok(Self { parent: parent.clone(), children, overlap: OnceLock::from(None) })
    }

    /// Sub-regions by given rectangles, which may overlap.
    pub fn rects(parent: &Arc<RegionNode>, rects: &[Rect]) -> Result<Self> {
        for (colour, rect) in rects.iter().enumerate() {
            if rect.is_empty() || !parent.rect.contains(rect) {
                let text = RegionNode { tree: parent.tree.clone(), rect: *rect, index: 0, parent: None, cuts: None }.bounds_text();
                fail!(Bounds, "rectangle {colour}, {text}, is empty or leaves the region {}", parent.bounds_text());
            }
        }
        let cuts = (rects.len() > MANY_RECTS).then(|| Cuts::of(rects.iter()));
        let children = rects.iter().map(|r| parent.child(*r, cuts.clone())).collect();
        Ok(Self { parent: parent.clone(), children, overlap: OnceLock::new() })
    }

    /// The sub-regions of another partition grown by `depth` on both sides, clipped to the parent.
    pub fn grown(blocks: &Partition, depth: &[i64]) -> Result<Self> {
        let dim = blocks.parent.dim();
        if let Some(d) = (0..dim).find(|&d| depth[d] < 0) {
            fail!(InvalidArgument, "depth is {} in dimension {d}; it must not be negative", depth[d]);
        }
        let grow = |r: &Rect| {
            let mut r = *r;
            for (d, depth) in depth[..dim].iter().enumerate() {
                r.lo[d] = r.lo[d].saturating_sub(*depth);
                r.hi[d] = r.hi[d].saturating_add(*depth);
            }
            r.intersection(&blocks.parent.rect)
        };
        Self::rects(&blocks.parent, &blocks.children.iter().map(|c| grow(&c.rect)).collect::<Vec<_>>())
    }

    /// Two of the first `count` sub-regions that overlap.
    pub fn overlap_among(&self, count: u32) -> Option<(u32, u32)> {
        let rects = |n: usize| self.children[..n].iter().map(|c| &c.rect);
        let (p, q) = (*self.overlap.get_or_init(|| overlap_within(rects(self.children.len()))))?;
        if p.max(q) < count {
            return Some((p, q));
        }
        overlap_within(rects(count as usize))
    }

    pub fn child(&self, colour: u32) -> Result<&Arc<RegionNode>> {
        match self.children.get(colour as usize) {
            Some(child) => Ok(child),
            None => fail!(Bounds, "colour {colour} of a partition with {} sub-regions; colours count from 0", self.children.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(dim: i32, lo: &[i64], hi: &[i64]) -> Arc<RegionNode> {
        RegionNode::root(Tree::new(IndexSpace::new(dim, lo, hi).unwrap(), Arc::default()))
    }

    #[test]
    fn blocks_cover_once_and_are_near_equal() {
        let region = root(3, &[1, -2, 5], &[10, 4, 5]);
        let partition = Partition::blocks(&region, &[3, 2, 1]).unwrap();
        assert_eq!(partition.children.len(), 6);
        assert_eq!(partition.children[1].rect, Rect::new([5, -2, 5], [7, 1, 5]));
        let volumes: i64 = partition.children.iter().map(|c| c.rect.volume()).sum();
        assert_eq!(volumes, region.rect.volume());
        for (i, a) in partition.children.iter().enumerate() {
            assert!(partition.children[..i].iter().all(|b| !a.rect.overlaps(&b.rect)));
            assert!(a.is_within(&region) && !region.is_within(a));
        }
    }

    #[test]
    fn grown_blocks_stop_at_the_region() {
        let region = root(1, &[0], &[9]);
        let halo = Partition::grown(&Partition::blocks(&region, &[2]).unwrap(), &[2]).unwrap();
        assert_eq!(halo.child(0).unwrap().rect, Rect::new([0, 0, 0], [6, 0, 0]));
        assert_eq!(halo.child(1).unwrap().rect, Rect::new([3, 0, 0], [9, 0, 0]));
        assert!(halo.child(2).unwrap_err().text.contains("colour 2"));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(IndexSpace::new(4, &[0; 4], &[1; 4]).is_err());
        assert!(IndexSpace::new(1, &[3], &[2]).is_err());
        assert!(IndexSpace::new(1, &[i64::MIN], &[i64::MAX]).is_err());
        assert!(IndexSpace::new(3, &[0; 3], &[1 << 20; 3]).unwrap_err().text.contains("2^48"));
        let region = root(2, &[0, 0], &[3, 3]);
        assert!(Partition::blocks(&region, &[5, 1]).is_err());
        let large = root(2, &[0, 0], &[1 << 20, 1 << 20]);
        assert!(Partition::blocks(&large, &[1 << 20, 1 << 20]).unwrap_err().text.contains("2^24"));
        assert!(Partition::rects(&region, &[Rect::new([0, 0, 0], [4, 0, 0])]).is_err());
        assert!(Partition::grown(&Partition::blocks(&region, &[2, 2]).unwrap(), &[-1, 0]).is_err());
    }
}
