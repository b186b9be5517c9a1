//! Partitions: sub-regions of a region, by colour; they may overlap and leave points out.

use super::cuts::{Cuts, Halves};
use super::tree::bounds_text;
use super::RegionNode;
use crate::base::{memory, Result};
use crate::fail;
use crate::geometry::{overlap_within, Domain, Point, PointSet, Rect};
use std::sync::{Arc, OnceLock};

/// Up to here the bounds of given rectangles are not worth collecting.
const MANY: usize = 16;
const MOST_COLOURS: i64 = 1 << 24;

#[derive(Debug)]
pub struct Partition {
    pub parent: Arc<RegionNode>,
    pub children: Vec<Arc<RegionNode>>,
    /// Found when first asked for, as is `complete`.
    disjoint: OnceLock<bool>,
    complete: OnceLock<bool>,
}

impl Partition {
    fn new(parent: &Arc<RegionNode>, domains: Vec<Domain>, cuts: Option<Cuts>) -> Self {
        let cuts = cuts.map(Arc::new);
        let children = domains.into_iter().enumerate().map(|(colour, domain)| parent.child(colour, domain, cuts.clone())).collect();
        Self { parent: parent.clone(), children, disjoint: OnceLock::new(), complete: OnceLock::new() }
    }

    /// Memory for so many sub-regions that come of so many rectangles in all.
    pub fn expect(count: usize, rects: usize) -> Result<()> {
        // Besides: two counts and what malloc keeps for each, and two planes in each dimension.
        let each = size_of::<Domain>() + size_of::<RegionNode>() + 10 * size_of::<usize>();
        // Lists of rectangles grow by doubling.
        memory::expect(count.saturating_mul(each).saturating_add(rects.saturating_mul(2 * size_of::<Rect>())))
    }

    /// Sub-regions with the given points as far as the parent has them.
    pub fn of_domains(parent: &Arc<RegionNode>, domains: impl IntoIterator<Item = Domain>) -> Result<Self> {
        let parts = domains.into_iter().map(|d| d.intersection(&parent.domain)).collect::<Result<_>>()?;
        Ok(Self::of_parts(parent, parts))
    }

    /// Sub-regions with the given points, which lie in the parent.
    pub fn of_parts(parent: &Arc<RegionNode>, domains: Vec<Domain>) -> Self {
        let dense = domains.iter().all(Domain::is_dense);
        let cuts = (domains.len() > MANY).then(|| match dense {
            true => Cuts::of_rects(domains.iter().map(|d| &d.bounds)),
            false => Cuts::Halves(Halves::new(domains.clone())),
        });
        Self::new(parent, domains, cuts)
    }

    /// Near-equal blocks of the parent's bounds: the first `extent % count` blocks of a dimension are one point longer.
    pub fn blocks(parent: &Arc<RegionNode>, counts: &[i64]) -> Result<Self> {
        let bounds = parent.domain.bounds;
        let mut count = [1i64; 3];
        for d in 0..parent.dim() {
            if counts[d] < 1 || counts[d] > bounds.extent(d) {
                fail!(
                    InvalidArgument,
                    "{} blocks in dimension {d}, where the region has {} points; give from 1 to that many",
                    counts[d],
                    bounds.extent(d)
                );
            }
            count[d] = counts[d];
        }
        let colours = count.iter().try_fold(1i64, |n, c| n.checked_mul(*c));
        if colours.is_none_or(|n| n > MOST_COLOURS) {
            fail!(InvalidArgument, "{:?} blocks are more than 2^24 sub-regions", &count[..parent.dim()]);
        }
        Self::expect(count.iter().product::<i64>() as usize, parent.domain.rects().len())?;
        let start = |d: usize, i: i64| {
            let (n, c) = (bounds.extent(d), count[d]);
            bounds.lo[d] + i * (n / c) + i.min(n % c)
        };
        let block = |at: Point| Rect::new(std::array::from_fn(|d| start(d, at[d])), std::array::from_fn(|d| start(d, at[d] + 1) - 1));
        let all = Rect::new([0; 3], count.map(|c| c - 1));
        let domains = all.points().map(|at| Domain::from(block(at)).intersection(&parent.domain)).collect::<Result<_>>()?;
        let planes = std::array::from_fn(|d| (0..=count[d]).map(|i| start(d, i)).collect());
        let partition = Self::new(parent, domains, Some(Cuts::Planes(planes)));
        Ok(Self { disjoint: OnceLock::from(true), complete: OnceLock::from(true), ..partition })
    }

    /// Sub-regions by given rectangles, which may overlap.
    pub fn rects(parent: &Arc<RegionNode>, rects: &[Rect]) -> Result<Self> {
        for (colour, rect) in rects.iter().enumerate() {
            if rect.is_empty() || !parent.domain.bounds.contains(rect) {
                let text = bounds_text(&Domain::from(*rect), parent.dim());
                fail!(Bounds, "rectangle {colour}, {text}, is empty or leaves the region {}", parent.bounds_text());
            }
        }
        Self::expect(rects.len(), parent.domain.rects().len())?;
        Self::of_domains(parent, rects.iter().map(|r| Domain::from(*r)))
    }

    /// The bounds of another partition's sub-regions grown by `depth` on both sides, clipped to the parent.
    pub fn grown(blocks: &Partition, depth: &[i64]) -> Result<Self> {
        let dim = blocks.parent.dim();
        if let Some(d) = (0..dim).find(|&d| depth[d] < 0) {
            fail!(InvalidArgument, "depth is {} in dimension {d}; it must not be negative", depth[d]);
        }
        let grow = |r: &Rect| {
            let mut grown = *r;
            for (d, depth) in depth[..dim].iter().enumerate() {
                grown.lo[d] = grown.lo[d].saturating_sub(*depth);
                grown.hi[d] = grown.hi[d].saturating_add(*depth);
            }
            Domain::from(if r.is_empty() { *r } else { grown })
        };
        Self::expect(blocks.children.len(), blocks.parent.domain.rects().len())?;
        Self::of_domains(&blocks.parent, blocks.children.iter().map(|c| grow(&c.domain.bounds)))
    }

    /// `colours` sub-regions of as nearly as possible equal numbers of points: the longest dimension is halved, and the
    /// halves again.
    pub fn equal(parent: &Arc<RegionNode>, colours: u32) -> Result<Self> {
        if colours == 0 || i64::from(colours) > MOST_COLOURS {
            fail!(InvalidArgument, "{colours} sub-regions; give from 1 to 2^24");
        }
        Self::expect(colours as usize, parent.domain.rects().len())?;
        let mut domains = Vec::with_capacity(colours as usize);
        bisect(&parent.domain, colours, &mut domains)?;
        let partition = Self::of_parts(parent, domains);
        Ok(Self { disjoint: OnceLock::from(true), complete: OnceLock::from(true), ..partition })
    }

    /// One sub-region for each point `c` of a rectangle of colours, in Fortran order: the points of `extent` moved by
    /// `transform` times `c`. `transform` has as many rows as the parent has dimensions.
    pub fn restricted(parent: &Arc<RegionNode>, colours: &Rect, transform: &[Point; 3], extent: &Rect) -> Result<Self> {
        let colour_count = (0..3).try_fold(1i64, |n, d| n.checked_mul(colours.extent(d)));
        if colours.is_empty() || colour_count.is_none_or(|n| n > MOST_COLOURS) {
            fail!(InvalidArgument, "colours {:?}..{:?}; give from 1 to 2^24 colours, lo not above hi", colours.lo, colours.hi);
        }
        Self::expect(colours.volume() as usize, parent.domain.rects().len())?;
        let moved = |c: Point| {
            let by: [Option<i64>; 3] = std::array::from_fn(|row| {
                let product = |d: usize| transform[row][d].checked_mul(c[d]);
                product(0)?.checked_add(product(1)?)?.checked_add(product(2)?)
            });
            let end = |of: Point| -> Option<Point> {
                let [x, y, z] = [0, 1, 2].map(|d| of[d].checked_add(by[d]?));
                Some([x?, y?, z?])
            };
            Some(Domain::from(Rect::new(end(extent.lo)?, end(extent.hi)?)))
        };
        let domains: Option<Vec<Domain>> = colours.points().map(moved).collect();
        match domains {
            Some(domains) => Self::of_domains(parent, domains),
            None => fail!(Bounds, "transform {transform:?} takes a colour of {:?}..{:?} beyond 64 bits", colours.lo, colours.hi),
        }
    }

    /// Colour by colour what `combine` makes of the sub-regions of two partitions, as far as the parent has it.
    fn paired(parent: &Arc<RegionNode>, a: &Partition, b: &Partition, combine: impl Fn(&Domain, &Domain) -> Result<Domain>) -> Result<Self> {
        for other in [a, b] {
            if other.parent.tree.id != parent.tree.id {
                fail!(InvalidArgument, "a partition of another region tree; combine partitions of the tree that the result divides");
            }
        }
        if a.children.len() != b.children.len() {
            fail!(
                InvalidArgument,
                "partitions with {} and {} sub-regions are combined colour by colour; give as many of the one as of the other",
                a.children.len(),
                b.children.len()
            );
        }
        Self::expect(a.children.len(), parent.domain.rects().len() + a.rects_in_all() + b.rects_in_all())?;
        let pairs = a.children.iter().zip(&b.children);
        let combined = |(a, b): (&Arc<RegionNode>, &Arc<RegionNode>)| combine(&a.domain, &b.domain)?.intersection(&parent.domain);
        Ok(Self::of_parts(parent, pairs.map(combined).collect::<Result<_>>()?))
    }

    pub fn union(parent: &Arc<RegionNode>, a: &Partition, b: &Partition) -> Result<Self> {
        Self::paired(parent, a, b, Domain::union)
    }

    pub fn intersection(parent: &Arc<RegionNode>, a: &Partition, b: &Partition) -> Result<Self> {
        Self::paired(parent, a, b, Domain::intersection)
    }

    pub fn difference(parent: &Arc<RegionNode>, a: &Partition, b: &Partition) -> Result<Self> {
        Self::paired(parent, a, b, Domain::minus)
    }

    /// A partition of one sub-region of `a` by the sub-regions of `b`: of all of `a`'s, the cross product of `a` and `b`.
    pub fn crossed(a: &Arc<RegionNode>, b: &Partition) -> Result<Self> {
        if a.tree.id != b.parent.tree.id {
            fail!(InvalidArgument, "partitions of two region trees; a cross product divides the sub-regions of one by another of the same tree");
        }
        Self::expect(b.children.len(), a.domain.rects().len() + b.rects_in_all())?;
        Self::of_domains(a, b.children.iter().map(|c| c.domain.clone()))
    }

    /// How many rectangles the sub-regions have.
    pub fn rects_in_all(&self) -> usize {
        self.children.iter().map(|child| child.domain.rects().len()).sum()
    }

    /// An error, as of `is_complete`: the system has no memory to find out.
    pub fn is_disjoint(&self) -> Result<bool> {
        found_once(&self.disjoint, || Ok(overlap_within(colour_rects(&self.children))?.is_none())).copied()
    }

    /// Whether every point of the parent is in a sub-region.
    pub fn is_complete(&self) -> Result<bool> {
        found_once(&self.complete, || {
            let covered = match self.is_disjoint()? {
                true => self.children.iter().map(|c| c.domain.volume()).sum(),
                false => united(&self.children)?.volume(),
            };
            Ok(covered == self.parent.domain.volume())
        })
        .copied()
    }

    pub fn child(&self, colour: u32) -> Result<&Arc<RegionNode>> {
        match self.children.get(colour as usize) {
            Some(child) => Ok(child),
            None => fail!(Bounds, "colour {colour} of a partition with {} sub-regions; colours count from 0", self.children.len()),
        }
    }
}

/// As `get_or_init`, of what can fail; what failed is tried again.
pub(super) fn found_once<T>(known: &OnceLock<T>, find: impl FnOnce() -> Result<T>) -> Result<&T> {
    match known.get() {
        Some(known) => Ok(known),
        None => find().map(|found| known.get_or_init(|| found)),
    }
}

/// The points of any of them; pairs are joined, then pairs of pairs.
fn united(children: &[Arc<RegionNode>]) -> Result<Domain> {
    match children {
        [] => Ok(PointSet::empty().into()),
        [one] => Ok(one.domain.clone()),
        _ => {
            let (first, second) = children.split_at(children.len() / 2);
            united(first)?.union(&united(second)?)
        }
    }
}

/// The rectangles of sub-regions with their colours.
fn colour_rects(children: &[Arc<RegionNode>]) -> impl Iterator<Item = (u32, Rect)> + Clone + use<'_> {
    children.iter().flat_map(|c| c.domain.rects().map(move |rect| (c.colour, rect)))
}

/// Appends `colours` parts of the domain, cut across its longest dimension where the numbers of points come closest to
/// the numbers of colours on both sides.
fn bisect(domain: &Domain, colours: u32, parts: &mut Vec<Domain>) -> Result<()> {
    if colours == 1 {
        parts.push(domain.clone());
        return Ok(());
    }
    let bounds = domain.bounds;
    let d = (0..3).max_by_key(|&d| bounds.extent(d)).expect("three dimensions");
    let below = |end: i64| {
        let mut half = bounds;
        half.hi[d] = end;
        domain.intersection(&Domain::from(half))
    };
    let wanted = (domain.volume() * i64::from(colours / 2) + i64::from(colours / 2)) / i64::from(colours);
    let (mut few, mut enough) = (bounds.lo[d] - 1, bounds.hi[d].max(bounds.lo[d] - 1));
    while few + 1 < enough {
        let middle = few + (enough - few) / 2;
        if below(middle)?.volume() < wanted {
            few = middle;
        } else {
            enough = middle;
        }
    }
    let (less, more) = (below(few)?, below(enough)?);
    let first = if wanted - less.volume() < more.volume() - wanted { less } else { more };
    bisect(&first, colours / 2, parts)?;
    bisect(&domain.minus(&first)?, colours - colours / 2, parts)
}

#[cfg(test)]
mod tests {
    use super::super::{IndexSpace, Tree};
    use super::*;
    use proptest::prelude::*;

    fn root(dim: i32, lo: &[i64], hi: &[i64]) -> Arc<RegionNode> {
        RegionNode::root(Tree::new(IndexSpace::new(dim, lo, hi).unwrap(), Arc::default()))
    }

    fn bounds(partition: &Partition, colour: u32) -> Rect {
        partition.child(colour).unwrap().domain.bounds
    }

    #[test]
    fn blocks_cover_once_and_are_near_equal() {
        let region = root(3, &[1, -2, 5], &[10, 4, 5]);
        let partition = Partition::blocks(&region, &[3, 2, 1]).unwrap();
        assert_eq!(partition.children.len(), 6);
        assert_eq!(bounds(&partition, 1), Rect::new([5, -2, 5], [7, 1, 5]));
        let volumes: i64 = partition.children.iter().map(|c| c.domain.volume()).sum();
        assert_eq!(volumes, region.domain.volume());
        for (i, a) in partition.children.iter().enumerate() {
            assert!(partition.children[..i].iter().all(|b| !a.domain.overlaps(&b.domain)));
            assert!(a.is_within(&region) && !region.is_within(a));
        }
    }

    #[test]
    fn grown_blocks_stop_at_the_region() {
        let region = root(1, &[0], &[9]);
        let halo = Partition::grown(&Partition::blocks(&region, &[2]).unwrap(), &[2]).unwrap();
        assert_eq!(bounds(&halo, 0), Rect::new([0, 0, 0], [6, 0, 0]));
        assert_eq!(bounds(&halo, 1), Rect::new([3, 0, 0], [9, 0, 0]));
        assert!(halo.child(2).unwrap_err().text.contains("colour 2"));
        assert_eq!((halo.is_disjoint().unwrap(), halo.is_complete().unwrap()), (false, true));
    }

    #[test]
    fn nonsense_is_refused() {
        let region = root(2, &[0, 0], &[3, 3]);
        assert!(Partition::blocks(&region, &[5, 1]).is_err());
        let large = root(2, &[0, 0], &[1 << 20, 1 << 20]);
        assert!(Partition::blocks(&large, &[1 << 20, 1 << 20]).unwrap_err().text.contains("2^24"));
        assert!(Partition::rects(&region, &[Rect::new([0, 0, 0], [4, 0, 0])]).is_err());
        let quarters = Partition::blocks(&region, &[2, 2]).unwrap();
        assert!(Partition::grown(&quarters, &[-1, 0]).is_err());
        assert!(Partition::equal(&region, 0).is_err());
        let halves = Partition::blocks(&region, &[2, 1]).unwrap();
        assert!(Partition::union(&region, &quarters, &halves).unwrap_err().text.contains("4 and 2"));
        let stranger = Partition::blocks(&root(2, &[0, 0], &[3, 3]), &[2, 2]).unwrap();
        assert!(Partition::union(&region, &quarters, &stranger).unwrap_err().text.contains("another region tree"));
        assert!(Partition::crossed(&region, &stranger).is_err());
        let (one, far) = (Rect::new([0; 3], [0; 3]), Rect::new([i64::MAX; 3], [i64::MAX; 3]));
        assert!(Partition::restricted(&region, &far, &[[2, 0, 0], [0; 3], [0; 3]], &one).unwrap_err().text.contains("64 bits"));
        assert!(Partition::restricted(&region, &Rect::new([1, 0, 0], [0; 3]), &[[0; 3]; 3], &one).is_err());
    }

    #[test]
    fn a_restriction_makes_strided_blocks() {
        let region = root(2, &[0, 0], &[7, 5]);
        let transform = [[4, 0, 0], [0, 3, 0], [0; 3]];
        let tiles = Partition::restricted(&region, &Rect::new([0; 3], [1, 1, 0]), &transform, &Rect::new([-1, 0, 0], [3, 2, 0])).unwrap();
        assert_eq!(bounds(&tiles, 0), Rect::new([0, 0, 0], [3, 2, 0]));
        assert_eq!(bounds(&tiles, 3), Rect::new([3, 3, 0], [7, 5, 0]));
        assert_eq!((tiles.is_disjoint().unwrap(), tiles.is_complete().unwrap()), (false, true));
    }

    fn domains(colours: usize) -> impl Strategy<Value = Vec<Domain>> {
        let rect = (prop::array::uniform2(0i64..8), prop::array::uniform2(0i64..4))
            .prop_map(|(lo, size)| Rect::new([lo[0], lo[1], 0], [lo[0] + size[0], lo[1] + size[1], 0]));
        let domain = prop::collection::vec(rect, 0..4).prop_map(|rects| PointSet::from_rects(&rects).unwrap().into());
        prop::collection::vec(domain, colours)
    }

    proptest! {
        #[test]
        fn algebra_disjointness_and_completeness_agree_with_every_point(own in domains(1), a in domains(20), b in domains(20), colours in 1u32..12) {
            let space = IndexSpace { dim: 2, domain: own[0].clone() };
            prop_assume!(!space.domain.is_empty());
            let region = RegionNode::root(Tree::new(space, Arc::default()));
            let has = |domain: &Domain, p: Point| domain.points().contains_point(p);
            let points: Vec<Point> = Rect::new([0; 3], [11, 11, 0]).points().filter(|&p| has(&own[0], p)).collect();
            let (a, b) = (Partition::of_domains(&region, a).unwrap(), Partition::of_domains(&region, b).unwrap());
            let pairs: [(Partition, fn(bool, bool) -> bool); 3] = [
                (Partition::union(&region, &a, &b).unwrap(), |a, b| a || b),
                (Partition::intersection(&region, &a, &b).unwrap(), |a, b| a && b),
                (Partition::difference(&region, &a, &b).unwrap(), |a, b| a && !b),
            ];
            let equal = Partition::equal(&region, colours).unwrap();
            let sizes: Vec<i64> = equal.children.iter().map(|c| c.domain.volume()).collect();
            prop_assert_eq!(sizes.iter().sum::<i64>(), points.len() as i64);
            prop_assert!(overlap_within(colour_rects(&equal.children)).unwrap().is_none());
            let blocks = Partition::blocks(&region, &[1, 1]).unwrap();
            prop_assert_eq!(&blocks.children[0].domain, &region.domain);
            for (partition, keep) in &pairs {
                for (c, child) in partition.children.iter().enumerate() {
                    for &p in &points {
                        prop_assert_eq!(has(&child.domain, p), keep(has(&a.children[c].domain, p), has(&b.children[c].domain, p)));
                    }
                }
            }
            for partition in pairs.iter().map(|(p, _)| p).chain([&a, &b]) {
                let owners = |p: Point| partition.children.iter().filter(|c| has(&c.domain, p)).count();
                prop_assert_eq!(partition.is_disjoint().unwrap(), points.iter().all(|&p| owners(p) <= 1));
                prop_assert_eq!(partition.is_complete().unwrap(), points.iter().all(|&p| owners(p) >= 1));
            }
            let crossed = Partition::crossed(&a.children[0], &b).unwrap();
            for (child, other) in crossed.children.iter().zip(&b.children) {
                prop_assert_eq!(&child.domain, &a.children[0].domain.intersection(&other.domain).unwrap());
            }
        }

        #[test]
        fn equal_parts_of_a_row_differ_by_one_point(count in 1i64..50, colours in 1u32..20) {
            let parts = Partition::equal(&root(1, &[3], &[2 + count]), colours).unwrap();
            let sizes: Vec<i64> = parts.children.iter().map(|c| c.domain.volume()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
        }
    }
}
