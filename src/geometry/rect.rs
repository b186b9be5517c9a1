//! Rectangles with inclusive bounds. Dimensions that a rectangle does not have are 0..0, so that all arithmetic is 3-D.

use smallvec::SmallVec;

pub type Point = [i64; 3];
/// Disjoint pieces; a difference of two rectangles has at most six.
pub type RectList = SmallVec<[Rect; 6]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rect {
    pub lo: Point,
    pub hi: Point,
}

impl Rect {
    #[inline]
    pub fn new(lo: Point, hi: Point) -> Self {
        Self { lo, hi }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        (0..3).any(|d| self.lo[d] > self.hi[d])
    }

    /// Points along dimension `d`; 0 when empty there.
    #[inline]
    pub fn extent(&self, d: usize) -> i64 {
        (self.hi[d] - self.lo[d] + 1).max(0)
    }

    #[inline]
    pub fn volume(&self) -> i64 {
        (0..3).map(|d| self.extent(d)).product()
    }

    #[inline]
    pub fn contains_point(&self, p: Point) -> bool {
        (0..3).all(|d| self.lo[d] <= p[d] && p[d] <= self.hi[d])
    }

    #[inline]
    pub fn contains(&self, other: &Rect) -> bool {
        other.is_empty() || (0..3).all(|d| self.lo[d] <= other.lo[d] && other.hi[d] <= self.hi[d])
    }

    #[inline]
    pub fn overlaps(&self, other: &Rect) -> bool {
        (0..3).all(|d| self.lo[d].max(other.lo[d]) <= self.hi[d].min(other.hi[d]))
    }

    #[inline]
    /// The smallest rectangle around both.
    pub fn hull(&self, other: &Rect) -> Rect {
        Rect::new(std::array::from_fn(|d| self.lo[d].min(other.lo[d])), std::array::from_fn(|d| self.hi[d].max(other.hi[d])))
    }

    pub fn intersection(&self, other: &Rect) -> Rect {
        let mut r = *self;
        for d in 0..3 {
            r.lo[d] = r.lo[d].max(other.lo[d]);
            r.hi[d] = r.hi[d].min(other.hi[d]);
        }
        r
    }

    /// All points in Fortran order: the first dimension runs fastest.
    pub fn points(self) -> impl Iterator<Item = Point> {
        let range = move |d: usize| self.lo[d]..=self.hi[d];
        range(2).flat_map(move |z| range(1).flat_map(move |y| range(0).map(move |x| [x, y, z])))
    }

    pub fn shifted(&self, by: Point) -> Rect {
        let moved = |p: Point| std::array::from_fn(|d| p[d] + by[d]);
        Rect::new(moved(self.lo), moved(self.hi))
    }

    /// The points of `self` outside `other`, as disjoint rectangles.
    pub fn minus(&self, other: &Rect) -> RectList {
        let mut pieces = RectList::new();
        if self.is_empty() {
            return pieces;
        }
        if !self.overlaps(other) {
            pieces.push(*self);
            return pieces;
        }
        let mut rest = *self;
        for d in (0..3).rev() {
            if rest.lo[d] < other.lo[d] {
                let mut below = rest;
                below.hi[d] = other.lo[d] - 1;
                pieces.push(below);
                rest.lo[d] = other.lo[d];
            }
            if rest.hi[d] > other.hi[d] {
                let mut above = rest;
                above.lo[d] = other.hi[d] + 1;
                pieces.push(above);
                rest.hi[d] = other.hi[d];
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rects() -> impl Strategy<Value = Rect> {
        (prop::array::uniform3(-3i64..4), prop::array::uniform3(-1i64..4))
            .prop_map(|(lo, size)| Rect::new(lo, [lo[0] + size[0], lo[1] + size[1], lo[2] + size[2]]))
    }

    fn points() -> impl Iterator<Item = Point> {
        (-5..9).flat_map(|x| (-5..9).flat_map(move |y| (-5..9).map(move |z| [x, y, z])))
    }

    proptest! {
        #[test]
        fn algebra_agrees_with_points(a in rects(), b in rects()) {
            let common = a.intersection(&b);
            let difference = a.minus(&b);
            for p in points() {
                let (ina, inb) = (a.contains_point(p), b.contains_point(p));
                prop_assert_eq!(common.contains_point(p), ina && inb);
                let pieces = difference.iter().filter(|r| r.contains_point(p)).count();
                prop_assert_eq!(pieces, usize::from(ina && !inb));
            }
            prop_assert_eq!(a.overlaps(&b) && !a.is_empty() && !b.is_empty(), !common.is_empty());
            prop_assert_eq!(a.volume(), points().filter(|&p| a.contains_point(p)).count() as i64);
            prop_assert_eq!(a.contains(&b), points().all(|p| !b.contains_point(p) || a.contains_point(p)));
        }
    }
}
