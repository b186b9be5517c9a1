//! Sets of points of any shape: disjoint rectangles in one canonical order, so that equal sets are equal lists. The form is
//! that of X11's regions, one dimension higher: the set is cut into bands along the last dimension, each band into
//! bands along the one before, and neighbouring bands of the same shape are one band.

use super::rect::{Point, Rect};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PointSet {
    rects: Vec<Rect>,
}

impl PointSet {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn from_rect(rect: Rect) -> Self {
        Self { rects: if rect.is_empty() { Vec::new() } else { vec![rect] } }
    }

    /// The points of any of the rectangles, which may overlap and come in any order.
    pub fn from_rects(rects: &[Rect]) -> Self {
        Self::union_of(&rects.iter().map(|r| Self::from_rect(*r)).collect::<Vec<_>>())
    }

    /// Pairs of sets are joined, then pairs of pairs: as in a merge sort, each rectangle is looked at a few times only.
    pub fn union_of(sets: &[PointSet]) -> Self {
        match sets {
            [] => Self::empty(),
            [one] => one.clone(),
            _ => {
                let (first, second) = sets.split_at(sets.len() / 2);
                Self::union_of(first).union(&Self::union_of(second))
            }
        }
    }

    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    pub fn volume(&self) -> i64 {
        self.rects.iter().map(Rect::volume).sum()
    }

    /// The smallest rectangle around all points; none when there is no point.
    pub fn bounds(&self) -> Option<Rect> {
        let mut rects = self.rects.iter();
        let mut bounds = *rects.next()?;
        for rect in rects {
            for d in 0..3 {
                bounds.lo[d] = bounds.lo[d].min(rect.lo[d]);
                bounds.hi[d] = bounds.hi[d].max(rect.hi[d]);
            }
        }
        Some(bounds)
    }

    pub fn contains_point(&self, p: Point) -> bool {
        let mut rest = &self.rects[..];
        for d in (0..3).rev() {
            let end = rest.partition_point(|r| r.lo[d] <= p[d]);
            let Some(last) = rest[..end].last() else { return false };
            if last.hi[d] < p[d] {
                return false;
            }
            let begin = rest[..end].partition_point(|r| r.lo[d] < last.lo[d]);
            rest = &rest[begin..end];
        }
        true
    }

    /// Calls `visit` with start and length of every row along the first dimension, in Fortran order.
    pub fn for_each_row(&self, mut visit: impl FnMut(Point, i64)) {
        let mut slabs = &self.rects[..];
        while !slabs.is_empty() {
            let (slab, later) = slabs.split_at(band(slabs, 2));
            for z in slab[0].lo[2]..=slab[0].hi[2] {
                let mut bars = slab;
                while !bars.is_empty() {
                    let (bar, rest) = bars.split_at(band(bars, 1));
                    for y in bar[0].lo[1]..=bar[0].hi[1] {
                        bar.iter().for_each(|run| visit([run.lo[0], y, z], run.extent(0)));
                    }
                    bars = rest;
                }
            }
            slabs = later;
        }
    }

    pub fn shifted(&self, by: Point) -> PointSet {
        Self { rects: self.rects.iter().map(|r| r.shifted(by)).collect() }
    }

    pub fn contains(&self, other: &PointSet) -> bool {
        other.minus(self).is_empty()
    }

    pub fn overlaps(&self, other: &PointSet) -> bool {
        meet(3, &self.rects, &other.rects)
    }

    pub fn union(&self, other: &PointSet) -> PointSet {
        self.combined(other, |a, b| a || b)
    }

    pub fn intersection(&self, other: &PointSet) -> PointSet {
        self.combined(other, |a, b| a && b)
    }

    pub fn minus(&self, other: &PointSet) -> PointSet {
        self.combined(other, |a, b| a && !b)
    }

    fn combined(&self, other: &PointSet, keep: impl Fn(bool, bool) -> bool + Copy) -> PointSet {
        let mut rects = Vec::new();
        combine(3, &self.rects, &other.rects, keep, &mut rects);
        PointSet { rects }
    }
}

/// Where the first band of `rects` along dimension `d` ends.
fn band(rects: &[Rect], d: usize) -> usize {
    rects.iter().position(|r| r.lo[d] != rects[0].lo[d]).unwrap_or(rects.len())
}

/// Appends to `out` the points that `keep` chooses by whether they are in `a` and in `b`. Of both lists and of what is
/// appended, the first `depth` dimensions count.
fn combine(depth: usize, a: &[Rect], b: &[Rect], keep: impl Fn(bool, bool) -> bool + Copy, out: &mut Vec<Rect>) {
    let Some(d) = depth.checked_sub(1) else {
        if keep(true, true) {
            out.push(Rect::new([0; 3], [0; 3]));
        }
        return;
    };
    let (mut a, mut b) = (a, b);
    let (mut end_a, mut end_b) = (band(a, d), band(b, d));
    let mut at = i64::MIN;
    let mut previous = out.len();
    loop {
        let (inside_a, next_a) = interval(a, d, at);
        let (inside_b, next_b) = interval(b, d, at);
        let next = next_a.min(next_b);
        if next == i64::MAX {
            return;
        }
        let start = out.len();
        match (inside_a, inside_b) {
            (true, true) => combine(d, &a[..end_a], &b[..end_b], keep, out),
            (true, false) if keep(true, false) => out.extend_from_slice(&a[..end_a]),
            (false, true) if keep(false, true) => out.extend_from_slice(&b[..end_b]),
            _ => {}
        }
        for rect in &mut out[start..] {
            (rect.lo[d], rect.hi[d]) = (at, next - 1);
        }
        previous = join_bands(out, previous, start, d);
        if inside_a && next_a == next {
            a = &a[end_a..];
            end_a = band(a, d);
        }
        if inside_b && next_b == next {
            b = &b[end_b..];
            end_b = band(b, d);
        }
        at = next;
    }
}

/// Whether the first band begins at or before `at`, and where along `d` that changes.
fn interval(rects: &[Rect], d: usize, at: i64) -> (bool, i64) {
    match rects.first() {
        None => (false, i64::MAX),
        Some(first) if first.lo[d] <= at => (true, first.hi[d] + 1),
        Some(first) => (false, first.lo[d]),
    }
}

/// Makes the band that begins at `start` part of the one that begins at `previous` if it continues it along `d`. Returns
/// where the last band begins.
fn join_bands(rects: &mut Vec<Rect>, previous: usize, start: usize, d: usize) -> usize {
    let (before, band) = rects[previous..].split_at(start - previous);
    let Some(first) = band.first() else { return previous };
    let same_shape = |(x, y): (&Rect, &Rect)| x.lo[..d] == y.lo[..d] && x.hi[..d] == y.hi[..d];
    let continues = before.len() == band.len() && before[0].hi[d] + 1 == first.lo[d] && before.iter().zip(band).all(same_shape);
    if !continues {
        return start;
    }
    let end = first.hi[d];
    rects.truncate(start);
    rects[previous..].iter_mut().for_each(|r| r.hi[d] = end);
    previous
}

/// Whether there is a common point as far as the first `depth` dimensions count.
pub(super) fn meet(depth: usize, a: &[Rect], b: &[Rect]) -> bool {
    let Some(d) = depth.checked_sub(1) else { return true };
    let (mut a, mut b) = (a, b);
    while let (Some(first_a), Some(first_b)) = (a.first(), b.first()) {
        let (end_a, end_b) = (band(a, d), band(b, d));
        if first_a.lo[d] <= first_b.hi[d] && first_b.lo[d] <= first_a.hi[d] && meet(d, &a[..end_a], &b[..end_b]) {
            return true;
        }
        if first_a.hi[d] <= first_b.hi[d] {
            a = &a[end_a..];
        } else {
            b = &b[end_b..];
        }
    }
    false
}

/// Builds a set from points that come in Fortran order: the first dimension runs fastest.
#[derive(Default)]
pub struct RowsInOrder {
    rows: Vec<Rect>,
}

impl RowsInOrder {
    /// Adds `count` points from `start` along the first dimension, all of them behind those added before.
    #[inline]
    pub fn add(&mut self, start: Point, count: i64) {
        if let Some(last) = self.rows.last_mut() {
            if last.hi[0] + 1 == start[0] && last.lo[1..] == start[1..] {
                last.hi[0] += count;
                return;
            }
        }
        self.rows.push(Rect::new(start, [start[0] + count - 1, start[1], start[2]]));
    }

    pub fn finish(self) -> PointSet {
        let mut rects = self.rows;
        let one_row = matches!((rects.first(), rects.last()), (Some(first), Some(last)) if first.lo[1..] == last.lo[1..]);
        for d in 1..3 {
            if !one_row {
                rects = joined_along(rects, d);
            }
        }
        rects.shrink_to_fit();
        PointSet { rects }
    }
}

/// Joins neighbouring bands along `d`; along the dimensions below, they are joined already.
fn joined_along(rects: Vec<Rect>, d: usize) -> Vec<Rect> {
    let mut joined = Vec::with_capacity(rects.len());
    let mut previous = 0;
    let mut rest = &rects[..];
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|r| r.lo[d..] != first.lo[d..]).unwrap_or(rest.len());
        let start = joined.len();
        joined.extend_from_slice(&rest[..end]);
        let same_slab = d == 2 || joined[previous].lo[2] == first.lo[2];
        previous = if same_slab { join_bands(&mut joined, previous, start, d) } else { start };
        rest = &rest[end..];
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rects() -> impl Strategy<Value = Vec<Rect>> {
        let rect = (prop::array::uniform3(-2i64..4), prop::array::uniform3(0i64..4))
            .prop_map(|(lo, size)| Rect::new(lo, [lo[0] + size[0], lo[1] + size[1], lo[2] + size[2]]));
        prop::collection::vec(rect, 0..6)
    }

    fn points() -> impl Iterator<Item = Point> {
        (-3..8).flat_map(|z| (-3..8).flat_map(move |y| (-3..8).map(move |x| [x, y, z])))
    }

    fn of_points(inside: impl Fn(Point) -> bool) -> PointSet {
        let mut rows = RowsInOrder::default();
        points().filter(|&p| inside(p)).for_each(|p| rows.add(p, 1));
        rows.finish()
    }

    proptest! {
        #[test]
        fn algebra_agrees_with_points_and_has_one_form(a in rects(), b in rects()) {
            let in_a = |p| a.iter().any(|r| r.contains_point(p));
            let in_b = |p| b.iter().any(|r| r.contains_point(p));
            let (set_a, set_b) = (PointSet::from_rects(&a), PointSet::from_rects(&b));
            prop_assert_eq!(&set_a, &of_points(in_a));
            prop_assert_eq!(set_a.union(&set_b), of_points(|p| in_a(p) || in_b(p)));
            prop_assert_eq!(set_a.intersection(&set_b), of_points(|p| in_a(p) && in_b(p)));
            prop_assert_eq!(set_a.minus(&set_b), of_points(|p| in_a(p) && !in_b(p)));
            prop_assert_eq!(set_a.overlaps(&set_b), points().any(|p| in_a(p) && in_b(p)));
            prop_assert_eq!(set_a.contains(&set_b), points().all(|p| in_a(p) || !in_b(p)));
            prop_assert_eq!(set_a.volume(), points().filter(|&p| in_a(p)).count() as i64);
            for p in points() {
                prop_assert_eq!(set_a.contains_point(p), in_a(p));
                prop_assert_eq!(set_a.rects().iter().filter(|r| r.contains_point(p)).count(), usize::from(in_a(p)));
            }
            let mut rows = RowsInOrder::default();
            set_a.for_each_row(|start, count| rows.add(start, count));
            prop_assert_eq!(&rows.finish(), &set_a);
            let bounds = set_a.bounds();
            prop_assert_eq!(bounds.is_none(), a.is_empty());
            prop_assert!(a.iter().all(|r| bounds.unwrap().contains(r)));
        }
    }

    #[test]
    fn a_box_given_point_by_point_is_one_rectangle() {
        let rect = Rect::new([-1, 0, 2], [4, 3, 5]);
        assert_eq!(of_points(|p| rect.contains_point(p)), PointSet::from_rect(rect));
    }

    #[test]
    fn the_empty_set_is_neutral() {
        let (none, one) = (PointSet::empty(), PointSet::from_rect(Rect::new([0; 3], [1, 0, 0])));
        assert_eq!(none.union(&one), one);
        assert!(none.bounds().is_none() && one.intersection(&none).is_empty() && !one.overlaps(&none));
        assert_eq!(PointSet::from_rect(Rect::new([1, 0, 0], [0, 0, 0])), none);
    }
}
