//! Sets computed from values that lie at points: the points of a colour, the points that pointers name (image), and the
//! points whose pointers name given points (preimage). The operators of Treichler et al., "Dependent Partitioning",
//! OOPSLA 2016; each looks at every value once.

use super::bits::Bits;
use super::numbering::Numbering;
use super::owners::Owners;
use super::points::{PointSet, RowsInOrder};
use super::rect::{Point, Rect};
use super::room::Growing;
use crate::base::{memory, Result};
use std::borrow::Borrow;

/// Values that are read together.
const BATCH: usize = 256;

/// Values of a field: each one integer, or the coordinates of a point, or those of the two ends (both included) of a
/// rectangle of points. Integers have 4 or 8 bytes.
pub struct Values<Row> {
    /// The address of the value at a point, and the bytes from it to the next value along the first dimension.
    pub row: Row,
    pub coordinates: usize,
    pub ranges: bool,
    pub bytes: usize,
}

trait Integer: Copy {
    fn wide(self) -> i64;
}

impl Integer for i32 {
    #[inline]
    fn wide(self) -> i64 {
        self.into()
    }
}

impl Integer for i64 {
    #[inline]
    fn wide(self) -> i64 {
        self
    }
}

/// Whether a value has as many bytes as coordinates of 4 or of 8 bytes need.
pub fn fits(bytes: usize, coordinates: usize, ranges: bool) -> bool {
    let integers = coordinates * if ranges { 2 } else { 1 };
    bytes == 4 * integers || bytes == 8 * integers
}

impl<Row: Fn(Point) -> (*const u8, isize)> Values<Row> {
    /// Calls `visit` with every point in Fortran order and the point that its value names.
    ///
    /// # Safety
    /// `row` gives addresses of values that nobody writes meanwhile.
    #[inline]
    unsafe fn each_point(&self, points: &PointSet, mut visit: impl FnMut(Point, Point)) {
        let mut named = [[0; 3]; BATCH];
        self.each_batch(points, |start, value, stride, count| {
            read_points(value, stride, self.bytes, self.coordinates, &mut named[..count]);
            (start[0]..).zip(&named[..count]).for_each(|(x, named)| visit([x, start[1], start[2]], *named));
        });
    }

    /// Calls `visit` with neighbours along a row, in Fortran order: the first of them, and for each the number of the point that
    /// its value names, or `elsewhere`. Many at once, so that none waits for what another one leads to.
    ///
    /// # Safety
    /// As for `each_point`.
    unsafe fn each_number(&self, points: &PointSet, numbering: &Numbering, elsewhere: u64, mut visit: impl FnMut(Point, &[u64])) {
        let mut numbers = [0; BATCH];
        self.each_batch(points, |start, value, stride, count| {
            let numbers = &mut numbers[..count];
            match (self.bytes / self.coordinates, self.coordinates) {
                (4, 1) => number_as::<i32, 1>(value, stride, numbering, elsewhere, numbers),
                (4, 2) => number_as::<i32, 2>(value, stride, numbering, elsewhere, numbers),
                (4, _) => number_as::<i32, 3>(value, stride, numbering, elsewhere, numbers),
                (_, 1) => number_as::<i64, 1>(value, stride, numbering, elsewhere, numbers),
                (_, 2) => number_as::<i64, 2>(value, stride, numbering, elsewhere, numbers),
                _ => number_as::<i64, 3>(value, stride, numbering, elsewhere, numbers),
            }
            visit(start, numbers);
        });
    }

    /// Calls `visit` with neighbours along a row: the first, the address of its value and the bytes to the next one's, how many.
    #[inline]
    fn each_batch(&self, points: &PointSet, mut visit: impl FnMut(Point, *const u8, isize, usize)) {
        debug_assert!(!self.ranges && fits(self.bytes, self.coordinates, false));
        points.for_each_row(|mut start, count| {
            let (mut value, stride) = (self.row)(start);
            let end = start[0] + count;
            while start[0] < end {
                let here = (end - start[0]).min(BATCH as i64);
                visit(start, value, stride, here as usize);
                value = value.wrapping_offset(stride * here as isize);
                start[0] += here;
            }
        });
    }

    /// As `each_point`, with the rectangle that the value names.
    ///
    /// # Safety
    /// As for `each_point`.
    #[inline]
    unsafe fn each_range(&self, points: &PointSet, mut visit: impl FnMut(Point, Rect)) {
        debug_assert!(self.ranges && fits(self.bytes, self.coordinates, true));
        match (self.bytes / (2 * self.coordinates), self.coordinates) {
            (4, 1) => self.each(points, |at, value| visit(at, ends::<i32, 1>(value))),
            (4, 2) => self.each(points, |at, value| visit(at, ends::<i32, 2>(value))),
            (4, _) => self.each(points, |at, value| visit(at, ends::<i32, 3>(value))),
            (_, 1) => self.each(points, |at, value| visit(at, ends::<i64, 1>(value))),
            (_, 2) => self.each(points, |at, value| visit(at, ends::<i64, 2>(value))),
            _ => self.each(points, |at, value| visit(at, ends::<i64, 3>(value))),
        }
    }

    /// As `each_range`, of points as well.
    ///
    /// # Safety
    /// As for `each_point`.
    unsafe fn each_named(&self, points: &PointSet, mut visit: impl FnMut(Point, Rect)) {
        match self.ranges {
            true => self.each_range(points, visit),
            false => self.each_point(points, |at, named| visit(at, Rect::new(named, named))),
        }
    }

    #[inline(always)]
    unsafe fn each(&self, points: &PointSet, mut visit: impl FnMut(Point, *const u8)) {
        points.for_each_row(|start, count| {
            let (mut value, stride) = (self.row)(start);
            for x in start[0]..start[0] + count {
                visit([x, start[1], start[2]], value);
                value = value.wrapping_offset(stride);
            }
        });
    }
}

/// `N` coordinates from `value` on; those that are not there are 0.
#[inline(always)]
unsafe fn coordinates<I: Integer, const N: usize>(value: *const u8) -> Point {
    std::array::from_fn(|d| if d < N { value.cast::<I>().add(d).read_unaligned().wide() } else { 0 })
}

#[inline(always)]
unsafe fn ends<I: Integer, const N: usize>(value: *const u8) -> Rect {
    Rect::new(coordinates::<I, N>(value), coordinates::<I, N>(value.cast::<I>().add(N).cast()))
}

/// The points that neighbouring values name, one for each of `points`: `dim` integers each, in `bytes` bytes, `stride` bytes
/// apart.
///
/// # Safety
/// The values are there, and nobody writes them meanwhile.
pub unsafe fn read_points(value: *const u8, stride: isize, bytes: usize, dim: usize, points: &mut [Point]) {
    debug_assert!(fits(bytes, dim, false));
    match (bytes / dim, dim) {
        (4, 1) => read_as::<i32, 1>(value, stride, points),
        (4, 2) => read_as::<i32, 2>(value, stride, points),
        (4, _) => read_as::<i32, 3>(value, stride, points),
        (_, 1) => read_as::<i64, 1>(value, stride, points),
        (_, 2) => read_as::<i64, 2>(value, stride, points),
        _ => read_as::<i64, 3>(value, stride, points),
    }
}

unsafe fn read_as<I: Integer, const N: usize>(mut value: *const u8, stride: isize, points: &mut [Point]) {
    for point in points {
        *point = coordinates::<I, N>(value);
        value = value.wrapping_offset(stride);
    }
}

unsafe fn number_as<I: Integer, const N: usize>(mut value: *const u8, stride: isize, numbering: &Numbering, elsewhere: u64, numbers: &mut [u64]) {
    for number in numbers {
        *number = numbering.find(coordinates::<I, N>(value)).unwrap_or(elsewhere);
        value = value.wrapping_offset(stride);
    }
}

/// Points of each of `colours` colours. A point whose value is no colour belongs to none.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn by_colour<Row: Fn(Point) -> (*const u8, isize)>(points: &PointSet, colours: usize, values: &Values<Row>) -> Result<Vec<PointSet>> {
    memory::expect(colours * size_of::<RowsInOrder>())?;
    let mut found: Vec<RowsInOrder> = (0..colours).map(|_| RowsInOrder::default()).collect();
    values.each_point(points, |point, value| {
        if let Some(rows) = usize::try_from(value[0]).ok().and_then(|colour| found.get_mut(colour)) {
            rows.add(point, 1);
        }
    });
    found.into_iter().map(RowsInOrder::finish).collect()
}

/// The points inside `target` that the values at `points` name, one set for each set of points.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn image<Row: Fn(Point) -> (*const u8, isize)>(
    points: &[impl Borrow<PointSet>],
    target: &PointSet,
    values: &Values<Row>,
) -> Result<Vec<PointSet>> {
    let Some(bounds) = target.bounds() else { return Ok(vec![PointSet::empty(); points.len()]) };
    let numbering = Numbering::new(bounds);
    let whole = target.volume() == bounds.volume();
    let points = points.iter().map(Borrow::borrow);
    let most = points.clone().map(PointSet::volume).max().unwrap_or(0);
    // One bit a point of the target as long as that is not much more than the values themselves.
    let numbers = bounds.volume() as u64;
    // One more stands for all points elsewhere.
    let few = bounds.volume() / 64 <= 4 * most + 1024;
    if few {
        memory::expect(numbers as usize / 8)?;
    }
    let mut bits = few.then(|| Bits::new(numbers + 1));
    let image_of = |points: &PointSet| {
        let mut rows = RowsInOrder::default();
        match &mut bits {
            Some(bits) => {
                if values.ranges {
                    let mut add = |named: Rect| numbering.rows_of(&named.intersection(&bounds), |first, count| {
                        bits.set(first, count);
                    });
                    values.each_range(points, |_, named| add(named));
                } else {
                    values.each_number(points, &numbering, numbers, |_, named| bits.set_all(named));
                }
                bits.take(|first, count| {
                    if first < numbers {
                        numbering.add_to(&mut rows, first, count.min(numbers - first));
                    }
                });
            }
            None => {
                let mut runs = Growing::new(0);
                values.each_named(points, |_, named| {
                    numbering.rows_of(&named.intersection(&bounds), |first, count| runs.push((first, count)));
                });
                for (first, count) in joined(runs.finish()?) {
                    numbering.add_to(&mut rows, first, count);
                }
            }
        }
        let found = rows.finish()?;
        if whole {
            return Ok(found);
        }
        found.intersection(target)
    };
    points.map(image_of).collect()
}

/// Runs of numbers in rising order, each number once.
fn joined(mut runs: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    runs.sort_unstable();
    runs.dedup_by(|next, run| {
        let continues = next.0 <= run.0 + run.1;
        if continues {
            run.1 = run.1.max(next.0 + next.1 - run.0);
        }
        continues
    });
    runs
}

/// The points of `points` whose values name a point of each of `targets`, which may overlap.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn preimage<Row: Fn(Point) -> (*const u8, isize)>(
    points: &PointSet,
    targets: &[impl Borrow<PointSet>],
    values: &Values<Row>,
) -> Result<Vec<PointSet>> {
    let each_target = targets.iter().map(Borrow::borrow);
    let Some(bounds) = each_target.clone().filter_map(PointSet::bounds).reduce(|a, b| a.hull(&b)) else {
        return Ok(targets.iter().map(|_| PointSet::empty()).collect());
    };
    memory::expect(targets.len() * size_of::<RowsInOrder>())?;
    let mut found: Vec<RowsInOrder> = targets.iter().map(|_| RowsInOrder::default()).collect();
    if bounds.volume() / 16 > points.volume() + 1024 {
        // A target much larger than the values: each is looked up in each set.
        values.each_named(points, |point, named| {
            for (rows, _) in found.iter_mut().zip(each_target.clone()).filter(|(_, target)| target.overlaps_rect(&named)) {
                rows.add(point, 1);
            }
        });
    } else {
        let owners = Owners::new(bounds, targets)?;
        if values.ranges {
            let mut seen = Vec::new();
            values.each_range(points, |point, named| {
                owners.of_range(&named, &mut seen);
                seen.iter().for_each(|&colour| found[colour as usize].add(point, 1));
            });
        } else {
            let mut lists = [0; BATCH];
            values.each_number(points, owners.numbering(), owners.elsewhere(), |mut at, numbers| {
                owners.each_alike(numbers, &mut lists, |list, count| {
                    owners.each_of(list, |colour| found[colour as usize].add(at, count as i64));
                    at[0] += count as i64;
                });
            });
        }
    }
    found.into_iter().map(RowsInOrder::finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOURCE: Rect = Rect { lo: [-2, 1, 0], hi: [5, 4, 2] };
    const COUNT: usize = 96;

    fn all_points(rect: Rect) -> impl Iterator<Item = Point> {
        let x = move |y, z| (rect.lo[0]..=rect.hi[0]).map(move |x| [x, y, z]);
        (rect.lo[2]..=rect.hi[2]).flat_map(move |z| (rect.lo[1]..=rect.hi[1]).flat_map(move |y| x(y, z)))
    }

    fn rects(most: usize) -> impl Strategy<Value = Vec<Rect>> {
        let rect = (prop::array::uniform3(0i64..6), prop::array::uniform3(0i64..4))
            .prop_map(|(lo, size)| Rect::new(lo, std::array::from_fn(|d| lo[d] + size[d])));
        prop::collection::vec(rect, 0..most)
    }

    /// Coordinates of lower ends and of sizes, of which a test of fewer dimensions uses fewer.
    fn named() -> impl Strategy<Value = Vec<Rect>> {
        let rect = (prop::array::uniform3(-1i64..9), prop::array::uniform3(-1i64..3))
            .prop_map(|(lo, size)| Rect::new(lo, std::array::from_fn(|d| lo[d] + size[d])));
        prop::collection::vec(rect, COUNT)
    }

    fn number(p: Point) -> usize {
        Numbering::new(SOURCE).number(p) as usize
    }

    fn flat(r: &Rect, dims: usize) -> Rect {
        let cut = |p: Point| std::array::from_fn(|d| if d < dims { p[d] } else { 0 });
        Rect::new(cut(r.lo), cut(r.hi))
    }

    /// The values as bytes, and what reads them.
    fn stored(named: &[Rect], dims: usize, ranges: bool, wide: bool) -> (Vec<u8>, usize) {
        let mut bytes = Vec::new();
        for r in named {
            let ends = if ranges { [r.lo, r.hi].concat() } else { r.lo.to_vec() };
            for i in ends.chunks(3).flat_map(|end| &end[..dims]) {
                if wide {
                    bytes.extend(i.to_ne_bytes());
                } else {
                    bytes.extend((*i as i32).to_ne_bytes());
                }
            }
        }
        let size = bytes.len() / named.len();
        (bytes, size)
    }

    proptest! {
        #[test]
        fn images_and_preimages_agree_with_every_point(
            sources in rects(4), targets in prop::collection::vec(rects(3), 1..4), named in named(),
            dims in 1usize..4, ranges: bool, wide: bool, far: bool,
        ) {
            let named: Vec<Rect> = named.iter().map(|r| flat(r, dims)).collect();
            let named: Vec<Rect> = named.iter().map(|r| if ranges { *r } else { Rect::new(r.lo, r.lo) }).collect();
            let (bytes, size) = stored(&named, dims, ranges, wide);
            let row = |p: Point| (bytes[number(p) * size..].as_ptr(), size as isize);
            let values = Values { row, coordinates: dims, ranges, bytes: size };
            let source = PointSet::from_rects(&sources).unwrap().intersection(&PointSet::from_rect(SOURCE)).unwrap();
            // A rectangle far away makes the target too large for tables.
            let away = far.then(|| flat(&Rect::new([1 << 40; 3], [1 << 40; 3]), dims));
            let targets: Vec<PointSet> = targets
                .iter()
                .map(|rects| PointSet::from_rects(&rects.iter().map(|r| flat(r, dims)).chain(away.filter(|_| dims == 1)).collect::<Vec<_>>()).unwrap())
                .collect();

            for target in &targets {
                let found = unsafe { image(&[source.clone(), PointSet::empty()], target, &values).unwrap() };
                prop_assert!(found[1].is_empty());
                let mut expected = Vec::new();
                for p in all_points(SOURCE).filter(|&p| source.contains_point(p)) {
                    let r = named[number(p)];
                    expected.extend((!r.is_empty()).then_some(r));
                }
                prop_assert_eq!(&found[0], &PointSet::from_rects(&expected).unwrap().intersection(target).unwrap());
            }
            let found = unsafe { preimage(&source, &targets, &values).unwrap() };
            for (found, target) in found.iter().zip(&targets) {
                for p in all_points(SOURCE) {
                    let expected = source.contains_point(p) && target.overlaps(&PointSet::from_rect(named[number(p)]));
                    prop_assert_eq!(found.contains_point(p), expected);
                }
            }
        }

        #[test]
        fn colours_agree_with_every_point(colours in prop::collection::vec(-1i32..5, COUNT)) {
            let row = |p: Point| (colours[number(p)..].as_ptr().cast(), 4);
            let values = Values { row, coordinates: 1, ranges: false, bytes: 4 };
            let found = unsafe { by_colour(&PointSet::from_rect(SOURCE), 4, &values).unwrap() };
            for p in all_points(SOURCE) {
                for (colour, set) in found.iter().enumerate() {
                    prop_assert_eq!(set.contains_point(p), colours[number(p)] == colour as i32);
                }
            }
        }
    }
}
