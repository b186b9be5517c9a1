//! Where the analysis had better cut sets of points: as the sub-regions of one partition will cut them anyway.

use super::partition::found_once;
use crate::base::Result;
use crate::geometry::{Domain, PointSet, Rect};
use std::sync::OnceLock;

#[derive(Debug)]
pub enum Cuts {
    /// In each dimension the first points of rectangles and the points just past them, rising, each once.
    Planes([Vec<i64>; 3]),
    Halves(Halves),
}

impl Cuts {
    pub fn of_rects<'a>(rects: impl Iterator<Item = &'a Rect> + Clone) -> Self {
        Self::Planes(std::array::from_fn(|d| {
            let mut planes: Vec<i64> = rects.clone().flat_map(|r| [r.lo[d], r.hi[d] + 1]).collect();
            planes.sort_unstable();
            planes.dedup();
            planes
        }))
    }

    /// The plane across dimension `d` nearest to `at` if it lies between `least` and `most`, as `at` does.
    pub fn nearest(&self, d: usize, at: i64, least: i64, most: i64) -> Option<i64> {
        let Self::Planes(planes) = self else { return None };
        let planes = &planes[d];
        let next = planes.partition_point(|c| *c < at);
        let around = [next.checked_sub(1).map(|i| planes[i]), planes.get(next).copied()];
        around.into_iter().flatten().filter(|c| (least..=most).contains(c)).min_by_key(|c| (c - at).abs())
    }
}

/// Sub-regions that are no rectangles: half of them, by colour, and half of these, and so on. Cut along the halves, as many
/// sets as there are sub-regions cost as much as a sort of their rectangles.
#[derive(Debug)]
pub struct Halves {
    children: Vec<Domain>,
    /// The children of node i are 2i and 2i + 1; node 1 is all. A node holds the points of any of its sub-regions.
    tree: OnceLock<Vec<Domain>>,
}

impl Halves {
    pub fn new(children: Vec<Domain>) -> Self {
        Self { children, tree: OnceLock::new() }
    }

    /// The halves that hold the sub-region of a colour, from the largest; itself not. An error: the system has no memory for them.
    pub fn around(&self, colour: u32) -> Result<impl Iterator<Item = &Domain>> {
        let tree = found_once(&self.tree, || self.united())?;
        let leaf = tree.len() + colour as usize;
        Ok((1..tree.len().ilog2() + 1).rev().map(move |level| &tree[leaf >> level]))
    }

    fn united(&self) -> Result<Vec<Domain>> {
        let leaves = self.children.len().next_power_of_two();
        let nobody = Domain::from(PointSet::empty());
        let mut tree = vec![nobody.clone(); leaves];
        for node in (1..leaves).rev() {
            let half = |i: usize| match i.checked_sub(leaves) {
                Some(child) => self.children.get(child).unwrap_or(&nobody),
                None => &tree[i],
            };
            tree[node] = half(2 * node).union(half(2 * node + 1))?;
        }
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_shrink_around_a_sub_region() {
        let comb = |i: i64| {
            let teeth: Vec<Rect> = (0..4).map(|t| Rect::new([10 * t + i, 0, 0], [10 * t + i, 0, 0])).collect();
            Domain::from(PointSet::from_rects(&teeth).unwrap())
        };
        let halves = Halves::new((0..5).map(comb).collect());
        let volumes: Vec<i64> = halves.around(1).unwrap().map(Domain::volume).collect();
        assert_eq!(volumes, [20, 16, 8]);
        assert!(halves.around(4).unwrap().all(|half| half.contains(&comb(4))));
        assert_eq!(Halves::new(vec![comb(0)]).around(0).unwrap().count(), 0);
    }
}
