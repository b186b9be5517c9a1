//! Sets of points of any shape: disjoint rectangles in one canonical order, so that equal sets are equal lists. The form is
//! that of X11's regions, one dimension higher: the set is cut into bands along the last dimension, each band into
//! bands along the one before, and neighbouring bands of the same shape are one band. Sets within one row, as all of one
//! dimension are, are lists of runs: a third of the memory, which is what sets of scattered points cost.

use super::bands::{combine, covers, join_bands, meet, within_row, Run};
use super::rect::{Point, Rect};
use super::room::{list, Growing, Room};
use crate::base::{memory, Result};
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PointSet(Pieces);

/// A set within one row, the empty set too, is a `Row`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Pieces {
    Row(Row),
    Rects(Vec<Rect>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Row {
    /// Where it lies in the second and third dimension; zeros if there is no run.
    at: [i64; 2],
    runs: Vec<Run>,
}

impl Row {
    fn rect(at: [i64; 2], run: &Run) -> Rect {
        Rect::new([run.lo, at[0], at[1]], [run.hi, at[0], at[1]])
    }

    /// Those that do not end before `lo`.
    fn runs_from(&self, lo: i64) -> &[Run] {
        &self.runs[self.runs.partition_point(|run| run.hi < lo)..]
    }
}

/// What operations work on: the list of a set, or a rectangle, of which no set is built.
#[derive(Clone, Copy)]
pub(super) enum List<'a> {
    Row([i64; 2], &'a [Run]),
    Rects(&'a [Rect]),
}

impl<'a> List<'a> {
    /// `run`: where to put the rectangle if it lies in one row.
    pub fn of_rect(rect: &'a Rect, run: &'a mut Run) -> Self {
        if rect.is_empty() {
            return Self::Row([0; 2], &[]);
        }
        if rect.lo[1..] != rect.hi[1..] {
            return Self::Rects(std::slice::from_ref(rect));
        }
        *run = Run { lo: rect.lo[0], hi: rect.hi[0] };
        Self::Row([rect.lo[1], rect.lo[2]], std::slice::from_ref(run))
    }

    fn rects(self) -> Result<Cow<'a, [Rect]>> {
        match self {
            Self::Row(at, runs) => Ok(list(runs.iter().map(|run| Row::rect(at, run)))?.into()),
            Self::Rects(rects) => Ok(rects.into()),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Row(_, runs) => runs.len(),
            Self::Rects(rects) => rects.len(),
        }
    }
}

/// The rectangles of a set, in its order.
#[derive(Clone)]
pub enum Rects<'a> {
    Row([i64; 2], std::slice::Iter<'a, Run>),
    Rects(std::slice::Iter<'a, Rect>),
}

impl Iterator for Rects<'_> {
    type Item = Rect;

    #[inline]
    fn next(&mut self) -> Option<Rect> {
        match self {
            Self::Row(at, runs) => runs.next().map(|run| Row::rect(*at, run)),
            Self::Rects(rects) => rects.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Row(_, runs) => runs.size_hint(),
            Self::Rects(rects) => rects.size_hint(),
        }
    }
}

impl ExactSizeIterator for Rects<'_> {}

impl Default for PointSet {
    fn default() -> Self {
        Self(Pieces::Row(Row::default()))
    }
}

impl PointSet {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn from_rect(rect: Rect) -> Self {
        match List::of_rect(&rect, &mut Run { lo: 0, hi: 0 }) {
            List::Row(at, runs) => Self::of_runs(at, runs.to_vec()),
            List::Rects(rects) => Self(Pieces::Rects(rects.to_vec())),
        }
    }

    /// Rectangles in canonical form, or of one row.
    fn of_bands(rects: Vec<Rect>) -> Result<Self> {
        let (Some(first), Some(last)) = (rects.first(), rects.last()) else { return Ok(Self::empty()) };
        if first.lo[1..] != last.hi[1..] {
            return Ok(Self(Pieces::Rects(rects)));
        }
        let at = [first.lo[1], first.lo[2]];
        Ok(Self::of_runs(at, list(rects.iter().map(|r| Run { lo: r.lo[0], hi: r.hi[0] }))?))
    }

    /// Runs in rising order with gaps between them.
    fn of_runs(at: [i64; 2], runs: Vec<Run>) -> Self {
        let at = if runs.is_empty() { [0; 2] } else { at };
        Self(Pieces::Row(Row { at, runs }))
    }

    /// The points of any of the rectangles, which may overlap and come in any order.
    pub fn from_rects(rects: &[Rect]) -> Result<Self> {
        Self::union_of(&list(rects.iter().map(|r| Self::from_rect(*r)))?)
    }

    /// Pairs of sets are joined, then pairs of pairs: as in a merge sort, each rectangle is looked at a few times only.
    fn union_of(sets: &[PointSet]) -> Result<Self> {
        match sets {
            [] => Ok(Self::empty()),
            [one] => Ok(one.clone()),
            _ => {
                let (first, second) = sets.split_at(sets.len() / 2);
                Self::union_of(first)?.union(&Self::union_of(second)?)
            }
        }
    }

    pub fn rects(&self) -> Rects<'_> {
        match &self.0 {
            Pieces::Row(row) => Rects::Row(row.at, row.runs.iter()),
            Pieces::Rects(rects) => Rects::Rects(rects.iter()),
        }
    }

    pub(super) fn list(&self) -> List<'_> {
        match &self.0 {
            Pieces::Row(row) => List::Row(row.at, &row.runs),
            Pieces::Rects(rects) => List::Rects(rects),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Pieces::Row(row) if row.runs.is_empty())
    }

    pub fn volume(&self) -> i64 {
        match &self.0 {
            Pieces::Row(row) => row.runs.iter().map(|run| run.hi - run.lo + 1).sum(),
            Pieces::Rects(rects) => rects.iter().map(Rect::volume).sum(),
        }
    }

    /// The smallest rectangle around all points; none when there is no point.
    pub fn bounds(&self) -> Option<Rect> {
        match &self.0 {
            Pieces::Row(row) => {
                let (first, last) = (row.runs.first()?, row.runs.last()?);
                Some(Row::rect(row.at, &Run { lo: first.lo, hi: last.hi }))
            }
            Pieces::Rects(rects) => {
                let mut bounds = *rects.first()?;
                for rect in rects {
                    for d in 0..3 {
                        bounds.lo[d] = bounds.lo[d].min(rect.lo[d]);
                        bounds.hi[d] = bounds.hi[d].max(rect.hi[d]);
                    }
                }
                Some(bounds)
            }
        }
    }

    pub fn contains_point(&self, p: Point) -> bool {
        self.overlaps_rect(&Rect::new(p, p))
    }

    /// Calls `visit` with start and length of every row along the first dimension, in Fortran order.
    pub fn for_each_row(&self, mut visit: impl FnMut(Point, i64)) {
        match &self.0 {
            Pieces::Row(Row { at, runs }) => runs.iter().for_each(|run| visit([run.lo, at[0], at[1]], run.hi - run.lo + 1)),
            Pieces::Rects(rects) => for_each_row_of(rects, visit),
        }
    }

    pub fn shifted(&self, by: Point) -> Result<PointSet> {
        match &self.0 {
            Pieces::Row(Row { at, runs }) => {
                let moved = runs.iter().map(|run| Run { lo: run.lo + by[0], hi: run.hi + by[0] });
                Ok(Self::of_runs([at[0] + by[1], at[1] + by[2]], list(moved)?))
            }
            Pieces::Rects(rects) => Ok(Self(Pieces::Rects(list(rects.iter().map(|r| r.shifted(by)))?))),
        }
    }

    pub fn contains(&self, other: &PointSet) -> bool {
        match (&self.0, &other.0) {
            (Pieces::Row(a), Pieces::Row(b)) => b.runs.first().is_none_or(|first| a.at == b.at && covers(1, a.runs_from(first.lo), &b.runs)),
            // Of more than one row.
            (Pieces::Row(_), Pieces::Rects(_)) => false,
            (Pieces::Rects(rects), Pieces::Row(row)) => covers(1, within_row(rects, row.at), &row.runs),
            (Pieces::Rects(a), Pieces::Rects(b)) => covers(3, a, b),
        }
    }

    pub fn contains_rect(&self, rect: &Rect) -> bool {
        match (&self.0, List::of_rect(rect, &mut Run { lo: 0, hi: 0 })) {
            (_, List::Row(_, [])) => true,
            (Pieces::Row(row), List::Row(at, [run])) => {
                row.at == at && row.runs_from(run.lo).first().is_some_and(|own| own.lo <= run.lo && run.hi <= own.hi)
            }
            (Pieces::Row(_), _) => false,
            (Pieces::Rects(rects), _) => covers(3, rects, std::slice::from_ref(rect)),
        }
    }

    pub fn overlaps(&self, other: &PointSet) -> bool {
        match (&self.0, &other.0) {
            (Pieces::Row(a), Pieces::Row(b)) => a.at == b.at && meet(1, &a.runs, &b.runs),
            (Pieces::Row(row), Pieces::Rects(rects)) | (Pieces::Rects(rects), Pieces::Row(row)) => {
                meet(1, &row.runs, within_row(rects, row.at))
            }
            (Pieces::Rects(a), Pieces::Rects(b)) => meet(3, a, b),
        }
    }

    pub fn overlaps_rect(&self, rect: &Rect) -> bool {
        match &self.0 {
            Pieces::Row(row) => {
                let crosses = (1..3).all(|d| rect.lo[d] <= row.at[d - 1] && row.at[d - 1] <= rect.hi[d]);
                crosses && !rect.is_empty() && row.runs_from(rect.lo[0]).first().is_some_and(|run| run.lo <= rect.hi[0])
            }
            Pieces::Rects(rects) => !rect.is_empty() && meet(3, rects, std::slice::from_ref(rect)),
        }
    }

    pub fn union(&self, other: &PointSet) -> Result<PointSet> {
        Self::combined(self.list(), other.list(), |a, b| a || b)
    }

    pub fn intersection(&self, other: &PointSet) -> Result<PointSet> {
        Self::combined(self.list(), other.list(), |a, b| a && b)
    }

    pub fn minus(&self, other: &PointSet) -> Result<PointSet> {
        Self::combined(self.list(), other.list(), |a, b| a && !b)
    }

    pub(super) fn combined(a: List, b: List, keep: impl Fn(bool, bool) -> bool + Copy) -> Result<PointSet> {
        if let (List::Row(at, x), List::Row(other, y)) = (a, b) {
            if at == other || x.is_empty() || y.is_empty() {
                let mut runs = Growing::new(x.len() + y.len());
                combine(1, x, y, keep, &mut runs);
                return Ok(Self::of_runs(if x.is_empty() { other } else { at }, runs.finish()?));
            }
        }
        // A rectangle cuts another into nine at most; what bands along different dimensions have in common may be much more than they.
        let mut rects = Growing::new(a.len() + b.len() + 7);
        combine(3, &a.rects()?, &b.rects()?, keep, &mut rects);
        Self::of_bands(rects.finish()?)
    }
}

fn for_each_row_of(rects: &[Rect], mut visit: impl FnMut(Point, i64)) {
    for slab in rects.chunk_by(|a, b| a.lo[2] == b.lo[2]) {
        for z in slab[0].lo[2]..=slab[0].hi[2] {
            for bar in slab.chunk_by(|a, b| a.lo[1] == b.lo[1]) {
                for y in bar[0].lo[1]..=bar[0].hi[1] {
                    bar.iter().for_each(|run| visit([run.lo[0], y, z], run.extent(0)));
                }
            }
        }
    }
}

/// Builds a set from points that come in Fortran order: the first dimension runs fastest. How many runs these make nobody knows before.
#[derive(Default)]
pub struct RowsInOrder {
    /// Rows that are complete.
    rects: Vec<Rect>,
    row: Row,
    room: Room,
}

impl RowsInOrder {
    /// Adds `count` points from `start` along the first dimension, all of them behind those added before.
    #[inline]
    pub fn add(&mut self, start: Point, count: i64) {
        let run = Run { lo: start[0], hi: start[0] + count - 1 };
        if self.row.at != start[1..] {
            self.begin_row([start[1], start[2]]);
        }
        match self.row.runs.last_mut() {
            Some(last) if last.hi + 1 == run.lo => last.hi = run.hi,
            _ => {
                if self.room.is_in(&mut self.row.runs, 1) {
                    self.row.runs.push(run);
                }
            }
        }
    }

    fn begin_row(&mut self, at: [i64; 2]) {
        let Row { at: before, runs } = &mut self.row;
        if self.room.is_in(&mut self.rects, runs.len()) {
            self.rects.extend(runs.drain(..).map(|run| Row::rect(*before, &run)));
        }
        *before = at;
    }

    /// An error: the system has no memory for it.
    pub fn finish(mut self) -> Result<PointSet> {
        if !self.rects.is_empty() {
            self.begin_row([0; 2]);
        }
        self.room.check()?;
        if self.rects.is_empty() {
            let Row { at, mut runs } = self.row;
            runs.shrink_to_fit();
            return Ok(PointSet::of_runs(at, runs));
        }
        // One list more while neighbours are joined.
        memory::expect(self.rects.len() * size_of::<Rect>())?;
        let mut rects = joined_along(joined_along(self.rects, 1), 2);
        rects.shrink_to_fit();
        PointSet::of_bands(rects)
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
        rows.finish().unwrap()
    }

    proptest! {
        #[test]
        fn algebra_agrees_with_points_and_has_one_form(a in rects(), b in rects()) {
            let in_a = |p| a.iter().any(|r| r.contains_point(p));
            let in_b = |p| b.iter().any(|r| r.contains_point(p));
            let (set_a, set_b) = (PointSet::from_rects(&a).unwrap(), PointSet::from_rects(&b).unwrap());
            prop_assert_eq!(&set_a, &of_points(in_a));
            prop_assert_eq!(set_a.union(&set_b).unwrap(), of_points(|p| in_a(p) || in_b(p)));
            prop_assert_eq!(set_a.intersection(&set_b).unwrap(), of_points(|p| in_a(p) && in_b(p)));
            prop_assert_eq!(set_a.minus(&set_b).unwrap(), of_points(|p| in_a(p) && !in_b(p)));
            prop_assert_eq!(set_a.overlaps(&set_b), points().any(|p| in_a(p) && in_b(p)));
            prop_assert_eq!(set_a.contains(&set_b), points().all(|p| in_a(p) || !in_b(p)));
            prop_assert!(set_a.contains(&set_a.minus(&set_b).unwrap()) && set_a.union(&set_b).unwrap().contains(&set_b));
            for rect in &b {
                prop_assert_eq!(set_a.contains_rect(rect), points().all(|p| in_a(p) || !rect.contains_point(p)));
            }
            prop_assert!(set_a.rects().all(|rect| set_a.contains_rect(&rect)));
            prop_assert_eq!(set_a.volume(), points().filter(|&p| in_a(p)).count() as i64);
            for p in points() {
                prop_assert_eq!(set_a.contains_point(p), in_a(p));
                prop_assert_eq!(set_a.rects().filter(|r| r.contains_point(p)).count(), usize::from(in_a(p)));
            }
            let mut rows = RowsInOrder::default();
            set_a.for_each_row(|start, count| rows.add(start, count));
            prop_assert_eq!(&rows.finish().unwrap(), &set_a);
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
        assert_eq!(none.union(&one).unwrap(), one);
        assert!(!one.overlaps_rect(&Rect::new([1, 0, 0], [0, 0, 0])));
        assert!(none.bounds().is_none() && one.intersection(&none).unwrap().is_empty() && !one.overlaps(&none));
        assert_eq!(PointSet::from_rect(Rect::new([1, 0, 0], [0, 0, 0])), none);
    }
}
