//! Index spaces: the points that a region spans.

use crate::base::{memory, Result};
use crate::fail;
use crate::geometry::{Domain, Point, PointSet, Rect};

/// Sums of bounds, depths and shifts stay within 64 bits.
const LARGEST_BOUND: i64 = 1 << 60;
/// More than any machine's memory holds; sizes in bytes and sums of volumes stay within 64 bits.
const MOST_POINTS: i64 = 1 << 48;

/// Points of 1 to 3 dimensions: a rectangle, or any set of points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSpace {
    pub dim: usize,
    pub domain: Domain,
}

impl IndexSpace {
    /// A rectangle; both ends are included.
    pub fn new(dim: i32, lo: &[i64], hi: &[i64]) -> Result<Self> {
        let dim = check_dim(dim)?;
        for d in 0..dim {
            if lo[d] > hi[d] {
                fail!(Bounds, "lo is {} and hi is {} in dimension {d}; lo must not exceed hi (both ends are included)", lo[d], hi[d]);
            }
        }
        Self::of(dim, PointSet::from_rect(Rect::new(corner(dim, lo), corner(dim, hi))))
    }

    /// The points of any of `count` rectangles, whose bounds stand in `lo` and `hi` one after the other.
    pub fn of_rects(dim: i32, count: usize, lo: &[i64], hi: &[i64]) -> Result<Self> {
        let dim = check_dim(dim)?;
        expect_rects(count)?;
        let rects = rects_of(dim, count, lo, hi);
        if let Some(i) = rects.iter().position(Rect::is_empty) {
            fail!(Bounds, "rectangle {i} runs from {:?} to {:?}; lo must not exceed hi (both ends are included)", &rects[i].lo[..dim], &rects[i].hi[..dim]);
        }
        rects.iter().try_for_each(|r| check_bounds(dim, r))?;
        Self::of(dim, PointSet::from_rects(&rects)?)
    }

    fn of(dim: usize, points: PointSet) -> Result<Self> {
        let Some(bounds) = points.bounds() else {
            fail!(InvalidArgument, "an index space without points; give at least one");
        };
        check_bounds(dim, &bounds)?;
        Ok(Self { dim, domain: points.into() })
    }
}

fn check_bounds(dim: usize, rect: &Rect) -> Result<()> {
    let (lo, hi) = (&rect.lo[..dim], &rect.hi[..dim]);
    if let Some(d) = (0..dim).find(|&d| lo[d] < -LARGEST_BOUND || hi[d] > LARGEST_BOUND) {
        fail!(Bounds, "{}..{} in dimension {d}; bounds lie between -2^60 and 2^60", lo[d], hi[d]);
    }
    let points = (0..dim).try_fold(1i64, |n, d| n.checked_mul(rect.extent(d)));
    if points.is_none_or(|n| n > MOST_POINTS) {
        fail!(Bounds, "{lo:?}..{hi:?} spans more than 2^48 points");
    }
    Ok(())
}

fn corner(dim: usize, of: &[i64]) -> Point {
    std::array::from_fn(|d| if d < dim { of[d] } else { 0 })
}

/// Memory for so many rectangles, given by their bounds, as sets of points that are joined in pairs.
pub fn expect_rects(count: usize) -> Result<()> {
    memory::expect(count.saturating_mul(3 * size_of::<Rect>() + 2 * size_of::<PointSet>()))
}

/// Rectangles whose bounds stand one after the other, `dim` entries each.
pub fn rects_of(dim: usize, count: usize, lo: &[i64], hi: &[i64]) -> Vec<Rect> {
    (0..count).map(|i| Rect::new(corner(dim, &lo[i * dim..]), corner(dim, &hi[i * dim..]))).collect()
}

pub fn check_dim(dim: i32) -> Result<usize> {
    if !(1..=3).contains(&dim) {
        fail!(InvalidArgument, "dimension is {dim}; index spaces have 1 to 3 dimensions");
    }
    Ok(dim as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        assert!(IndexSpace::new(4, &[0; 4], &[1; 4]).is_err());
        assert!(IndexSpace::new(1, &[3], &[2]).is_err());
        assert!(IndexSpace::new(1, &[i64::MIN], &[i64::MAX]).is_err());
        assert!(IndexSpace::new(3, &[0; 3], &[1 << 20; 3]).unwrap_err().text.contains("2^48"));
        assert!(IndexSpace::of_rects(1, 2, &[0, 5], &[1, 4]).unwrap_err().text.contains("rectangle 1"));
        assert!(IndexSpace::of_rects(1, 1, &[i64::MIN], &[i64::MAX]).is_err());
        assert!(IndexSpace::of_rects(1, 0, &[], &[]).unwrap_err().text.contains("without points"));
    }

    #[test]
    fn rectangles_may_overlap_and_leave_holes() {
        let space = IndexSpace::of_rects(1, 3, &[0, 2, 9], &[3, 4, 9]).unwrap();
        assert_eq!((space.domain.volume(), space.domain.is_dense()), (6, false));
        assert_eq!(IndexSpace::of_rects(1, 2, &[3, 0], &[4, 2]).unwrap(), IndexSpace::new(1, &[0], &[4]).unwrap());
    }
}
