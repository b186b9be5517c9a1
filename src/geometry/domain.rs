//! What a region spans: all points of a rectangle, as nearly always, or a set of points within one.

use super::bands::Run;
use super::points::{List, PointSet, Rects};
use super::rect::{Point, Rect};
use crate::base::Result;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The smallest rectangle around all points; an empty one when there is no point.
    pub bounds: Rect,
    /// Absent when all points of the bounds belong.
    points: Option<Arc<PointSet>>,
}

impl From<Rect> for Domain {
    fn from(bounds: Rect) -> Self {
        Self { bounds, points: None }
    }
}

impl From<PointSet> for Domain {
    fn from(points: PointSet) -> Self {
        let bounds = points.bounds().unwrap_or(Rect::new([0; 3], [-1; 3]));
        Self { bounds, points: (points.rects().len() > 1).then(|| Arc::new(points)) }
    }
}

impl Domain {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    #[inline]
    pub fn is_dense(&self) -> bool {
        self.points.is_none()
    }

    /// The points as disjoint rectangles.
    pub fn rects(&self) -> Rects<'_> {
        match &self.points {
            None => Rects::Rects(std::slice::from_ref(&self.bounds)[usize::from(self.is_empty())..].iter()),
            Some(points) => points.rects(),
        }
    }

    pub fn volume(&self) -> i64 {
        self.points.as_ref().map_or_else(|| self.bounds.volume(), |points| points.volume())
    }

    pub fn points(&self) -> Cow<'_, PointSet> {
        match &self.points {
            None => Cow::Owned(PointSet::from_rect(self.bounds)),
            Some(points) => Cow::Borrowed(points),
        }
    }

    #[inline]
    pub fn overlaps(&self, other: &Domain) -> bool {
        self.bounds.overlaps(&other.bounds)
            && match (&self.points, &other.points) {
                (None, None) => true,
                (Some(points), None) => points.overlaps_rect(&other.bounds),
                (None, Some(points)) => points.overlaps_rect(&self.bounds),
                (Some(a), Some(b)) => a.overlaps(b),
            }
    }

    #[inline]
    pub fn contains_point(&self, p: Point) -> bool {
        self.bounds.contains_point(p) && self.points.as_ref().is_none_or(|points| points.contains_point(p))
    }

    #[inline]
    pub fn contains(&self, other: &Domain) -> bool {
        other.is_empty() || self.bounds.contains(&other.bounds) && (self.is_dense() || self.has_points_of(other))
    }

    /// Whether this set, not all of its bounds, contains `other`.
    fn has_points_of(&self, other: &Domain) -> bool {
        match (&self.points, &other.points) {
            (None, _) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.contains(b),
            (Some(points), None) => points.contains_rect(&other.bounds),
        }
    }

    /// The points of both. An error, as of the other operations that make sets: the system has no memory for one.
    pub fn union(&self, other: &Domain) -> Result<Domain> {
        if self.contains(other) {
            return Ok(self.clone());
        }
        if other.contains(self) {
            return Ok(other.clone());
        }
        if self.is_dense() && other.is_dense() {
            let hull = self.bounds.hull(&other.bounds);
            let common = self.bounds.intersection(&other.bounds).volume();
            if hull.volume() == self.volume() + other.volume() - common {
                return Ok(hull.into());
            }
        }
        self.combined(other, |a, b| a || b)
    }

    /// The points that both have.
    pub fn intersection(&self, other: &Domain) -> Result<Domain> {
        match (self.is_dense(), other.is_dense()) {
            (true, true) => Ok(self.bounds.intersection(&other.bounds).into()),
            // Nothing is copied.
            _ if self.contains(other) => Ok(other.clone()),
            _ if other.contains(self) => Ok(self.clone()),
            _ => self.combined(other, |a, b| a && b),
        }
    }

    /// The points that `other` does not have.
    pub fn minus(&self, other: &Domain) -> Result<Domain> {
        if self.is_dense() && other.is_dense() {
            // What a cut leaves is one rectangle or none, as nearly always.
            match self.bounds.minus(&other.bounds)[..] {
                [] => return Ok(Rect::new([0; 3], [-1; 3]).into()),
                [rest] => return Ok(rest.into()),
                _ => (),
            }
        }
        if other.contains(self) {
            return Ok(Rect::new([0; 3], [-1; 3]).into());
        }
        self.combined(other, |a, b| a && !b)
    }

    fn combined(&self, other: &Domain, keep: impl Fn(bool, bool) -> bool + Copy) -> Result<Domain> {
        let mut runs = [Run { lo: 0, hi: 0 }; 2];
        let [own, its] = &mut runs;
        Ok(PointSet::combined(self.list(own), other.list(its), keep)?.into())
    }

    fn list<'a>(&'a self, run: &'a mut Run) -> List<'a> {
        match &self.points {
            None => List::of_rect(&self.bounds, run),
            Some(points) => points.list(),
        }
    }

    pub fn shifted(&self, by: Point) -> Result<Domain> {
        if by == [0; 3] {
            return Ok(self.clone());
        }
        let points = self.points.as_ref().map(|points| points.shifted(by).map(Arc::new)).transpose()?;
        Ok(Domain { bounds: self.bounds.shifted(by), points })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn domains() -> impl Strategy<Value = Domain> {
        let rect = (prop::array::uniform3(-1i64..3), prop::array::uniform3(0i64..3))
            .prop_map(|(lo, size)| Rect::new(lo, std::array::from_fn(|d| lo[d] + size[d])));
        // One rectangle and none are dense.
        prop::collection::vec(rect, 0..3).prop_map(|rects| PointSet::from_rects(&rects).unwrap().into())
    }

    proptest! {
        #[test]
        fn short_cuts_lead_to_the_same_points(a in domains(), b in domains()) {
            let (all_a, all_b) = (a.points().into_owned(), b.points().into_owned());
            prop_assert_eq!(a.overlaps(&b), all_a.overlaps(&all_b));
            prop_assert_eq!(a.contains(&b), all_a.contains(&all_b));
            prop_assert_eq!(a.minus(&b).unwrap().points().into_owned(), all_a.minus(&all_b).unwrap());
            prop_assert_eq!(a.intersection(&b).unwrap().points().into_owned(), all_a.intersection(&all_b).unwrap());
            prop_assert_eq!(a.union(&b).unwrap().points().into_owned(), all_a.union(&all_b).unwrap());
            prop_assert!(a.contains(&a.clone()));
            prop_assert_eq!(a.shifted([0; 3]).unwrap(), a.shifted([1, -2, 3]).unwrap().shifted([-1, 2, -3]).unwrap());
            prop_assert_eq!(a.minus(&b).unwrap().volume() + a.intersection(&b).unwrap().volume(), a.volume());
        }
    }

    fn row(from: i64, to: i64) -> Rect {
        Rect::new([from, 0, 0], [to, 0, 0])
    }

    #[test]
    fn a_set_that_fills_its_bounds_is_dense() {
        let domain = Domain::from(PointSet::from_rects(&[row(0, 3), row(4, 9)]).unwrap());
        assert_eq!(domain, Domain::from(row(0, 9)));
        assert_eq!((domain.is_dense(), domain.volume(), domain.rects().len()), (true, 10, 1));
    }

    #[test]
    fn holes_are_seen() {
        let comb = Domain::from(PointSet::from_rects(&[row(0, 1), row(4, 5)]).unwrap());
        let gap = Domain::from(row(2, 3));
        assert_eq!((comb.bounds, comb.volume(), comb.is_dense()), (row(0, 5), 4, false));
        assert!(!comb.overlaps(&gap) && !comb.contains(&gap) && comb.overlaps(&Domain::from(row(3, 4))));
        assert_eq!(Domain::from(comb.bounds).minus(&comb).unwrap(), gap);
        assert!(comb.intersection(&Domain::from(row(1, 4))).unwrap().rects().eq([row(1, 1), row(4, 4)]));
    }

    #[test]
    fn nothing_is_empty_and_everywhere() {
        let none = Domain::from(PointSet::empty());
        assert!(none.is_empty() && none.is_dense() && none.volume() == 0);
        assert!(Domain::from(row(0, 1)).contains(&none) && !none.overlaps(&Domain::from(row(-5, 5))));
    }
}
