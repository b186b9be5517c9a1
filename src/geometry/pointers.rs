//! Sets computed from values that lie at points: the points of a colour, the points that pointers name (image), and the
//! points whose pointers name given points (preimage). The operators of Treichler et al., "Dependent Partitioning",
//! OOPSLA 2016; each looks at every value once.

use super::points::{PointSet, RowsInOrder};
use super::rect::{Point, Rect};
use std::collections::HashMap;

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
    /// Calls `visit` with every point in Fortran order and the rectangle that its value names.
    ///
    /// # Safety
    /// `row` gives addresses of values that nobody writes meanwhile.
    #[inline]
    unsafe fn each(&self, points: &PointSet, visit: impl FnMut(Point, Rect)) {
        let integers = self.coordinates * if self.ranges { 2 } else { 1 };
        debug_assert!(fits(self.bytes, self.coordinates, self.ranges));
        match (self.bytes / integers, self.coordinates, self.ranges) {
            (4, 1, false) => self.each_of::<i32, 1, false>(points, visit),
            (4, 2, false) => self.each_of::<i32, 2, false>(points, visit),
            (4, 3, false) => self.each_of::<i32, 3, false>(points, visit),
            (4, 1, true) => self.each_of::<i32, 1, true>(points, visit),
            (4, 2, true) => self.each_of::<i32, 2, true>(points, visit),
            (4, 3, true) => self.each_of::<i32, 3, true>(points, visit),
            (_, 1, false) => self.each_of::<i64, 1, false>(points, visit),
            (_, 2, false) => self.each_of::<i64, 2, false>(points, visit),
            (_, 3, false) => self.each_of::<i64, 3, false>(points, visit),
            (_, 1, true) => self.each_of::<i64, 1, true>(points, visit),
            (_, 2, true) => self.each_of::<i64, 2, true>(points, visit),
            _ => self.each_of::<i64, 3, true>(points, visit),
        }
    }

    unsafe fn each_of<I: Integer, const N: usize, const RANGES: bool>(&self, points: &PointSet, mut visit: impl FnMut(Point, Rect)) {
        points.for_each_row(|start, count| {
            let (mut value, stride) = (self.row)(start);
            for x in start[0]..start[0] + count {
                let read = |d: usize, first: usize| if d < N { value.cast::<I>().add(first + d).read_unaligned().wide() } else { 0 };
                let lo = [read(0, 0), read(1, 0), read(2, 0)];
                let hi = if RANGES { [read(0, N), read(1, N), read(2, N)] } else { lo };
                visit([x, start[1], start[2]], Rect::new(lo, hi));
                value = value.wrapping_offset(stride);
            }
        });
    }
}

/// Numbers the points of a rectangle in Fortran order.
#[derive(Clone, Copy)]
struct Numbering {
    rect: Rect,
    extent: [u64; 2],
}

impl Numbering {
    fn new(rect: Rect) -> Self {
        Self { rect, extent: [rect.extent(0) as u64, rect.extent(1) as u64] }
    }

    #[inline]
    fn number(&self, p: Point) -> u64 {
        let from = |d: usize| (p[d] - self.rect.lo[d]) as u64;
        from(0) + self.extent[0] * (from(1) + self.extent[1] * from(2))
    }

    /// Calls `visit` with the number of the first point and the count of every row of `part`, which lies inside.
    #[inline]
    fn rows_of(&self, part: &Rect, mut visit: impl FnMut(u64, u64)) {
        for z in part.lo[2]..=part.hi[2] {
            for y in part.lo[1]..=part.hi[1] {
                visit(self.number([part.lo[0], y, z]), part.extent(0) as u64);
            }
        }
    }

    /// Adds the points with numbers from `first` on, row by row.
    fn add_to(&self, rows: &mut RowsInOrder, mut first: u64, mut count: u64) {
        while count > 0 {
            let (row, x) = (first / self.extent[0], first % self.extent[0]);
            let here = count.min(self.extent[0] - x);
            let at = [x as i64, (row % self.extent[1]) as i64, (row / self.extent[1]) as i64];
            rows.add(std::array::from_fn(|d| self.rect.lo[d] + at[d]), here as i64);
            (first, count) = (first + here, count - here);
        }
    }
}

/// Points of each of `colours` colours. A point whose value is no colour belongs to none.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn by_colour<Row: Fn(Point) -> (*const u8, isize)>(points: &PointSet, colours: usize, values: &Values<Row>) -> Vec<PointSet> {
    let mut found: Vec<RowsInOrder> = (0..colours).map(|_| RowsInOrder::default()).collect();
    values.each(points, |point, value| {
        if let Some(rows) = usize::try_from(value.lo[0]).ok().and_then(|colour| found.get_mut(colour)) {
            rows.add(point, 1);
        }
    });
    found.into_iter().map(RowsInOrder::finish).collect()
}

/// The points inside `target` that the values at `points` name, one set for each set of points.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn image<Row: Fn(Point) -> (*const u8, isize)>(points: &[PointSet], target: &PointSet, values: &Values<Row>) -> Vec<PointSet> {
    let Some(bounds) = target.bounds() else { return vec![PointSet::empty(); points.len()] };
    let numbering = Numbering::new(bounds);
    let whole = target.volume() == bounds.volume();
    let most = points.iter().map(PointSet::volume).max().unwrap_or(0);
    // One bit a point of the target as long as that is not much more than the values themselves.
    let mut bits = (bounds.volume() / 64 <= 4 * most + 1024).then(|| Bits::new(bounds.volume() as u64));
    let image_of = |points: &PointSet| {
        let mut rows = RowsInOrder::default();
        match &mut bits {
            Some(bits) => {
                values.each(points, |_, named| {
                    let inside = named.intersection(&bounds);
                    if !inside.is_empty() {
                        numbering.rows_of(&inside, |first, count| bits.set(first, count));
                    }
                });
                bits.take(|first, count| numbering.add_to(&mut rows, first, count));
            }
            None => {
                let mut runs = Vec::new();
                values.each(points, |_, named| {
                    let inside = named.intersection(&bounds);
                    if !inside.is_empty() {
                        numbering.rows_of(&inside, |first, count| runs.push((first, count)));
                    }
                });
                for (first, count) in joined(runs) {
                    numbering.add_to(&mut rows, first, count);
                }
            }
        }
        let found = rows.finish();
        if whole {
            found
        } else {
            found.intersection(target)
        }
    };
    points.iter().map(image_of).collect()
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

/// A set of numbers that remembers between which words it has any.
struct Bits {
    words: Vec<u64>,
    used: std::ops::Range<usize>,
}

impl Bits {
    fn new(numbers: u64) -> Self {
        let words = numbers.div_ceil(64) as usize;
        Self { words: vec![0; words], used: words..0 }
    }

    #[inline]
    fn set(&mut self, first: u64, count: u64) {
        let (word, last) = ((first / 64) as usize, ((first + count - 1) / 64) as usize);
        self.used = self.used.start.min(word)..self.used.end.max(last + 1);
        let (from_first, to_last) = (!0 << (first % 64), !0 >> (63 - (first + count - 1) % 64));
        if word == last {
            self.words[word] |= from_first & to_last;
        } else {
            self.words[word] |= from_first;
            self.words[word + 1..last].fill(!0);
            self.words[last] |= to_last;
        }
    }

    /// Calls `visit` with start and length of every run, and leaves the set empty.
    fn take(&mut self, mut visit: impl FnMut(u64, u64)) {
        let used = std::mem::replace(&mut self.used, self.words.len()..0);
        for at in used {
            let mut word = std::mem::take(&mut self.words[at]);
            let mut base = at as u64 * 64;
            while word != 0 {
                let skipped = word.trailing_zeros();
                word >>= skipped;
                let ones = word.trailing_ones();
                visit(base + u64::from(skipped), ones.into());
                if ones == 64 {
                    break;
                }
                word >>= ones;
                base += u64::from(skipped + ones);
            }
        }
    }
}

/// The points of `points` whose values name a point of each of `targets`, which may overlap.
///
/// # Safety
/// As for [`Values::each`].
pub unsafe fn preimage<Row: Fn(Point) -> (*const u8, isize)>(points: &PointSet, targets: &[PointSet], values: &Values<Row>) -> Vec<PointSet> {
    let mut found: Vec<RowsInOrder> = targets.iter().map(|_| RowsInOrder::default()).collect();
    let bounds = PointSet::from_rects(&targets.iter().filter_map(PointSet::bounds).collect::<Vec<_>>()).bounds();
    let Some(bounds) = bounds else { return targets.to_vec() };
    if bounds.volume() / 16 > points.volume() + 1024 {
        // A target much larger than the values: each is looked up in each set.
        values.each(points, |point, named| {
            let named = PointSet::from_rect(named);
            for (rows, _) in found.iter_mut().zip(targets).filter(|(_, target)| target.overlaps(&named)) {
                rows.add(point, 1);
            }
        });
    } else {
        let owners = Owners::new(bounds, targets);
        let mut seen = Vec::new();
        values.each(points, |point, named| {
            if !values.ranges {
                let list = if bounds.contains_point(named.lo) { owners.list(named.lo) } else { 0 };
                return owners.each_of(list, |colour| found[colour as usize].add(point, 1));
            }
            let inside = named.intersection(&bounds);
            if inside.is_empty() {
                return;
            }
            seen.clear();
            owners.numbering.rows_of(&inside, |first, count| owners.collect(first, count, &mut seen));
            seen.iter().for_each(|&colour| found[colour as usize].add(point, 1));
        });
    }
    found.into_iter().map(RowsInOrder::finish).collect()
}

/// For every point, which sets hold it: the number of a list, whose colours are found by following `lists` to 0.
struct Owners {
    numbering: Numbering,
    list_of: Vec<u32>,
    /// Colour, and the list of the other colours.
    lists: Vec<(u32, u32)>,
}

impl Owners {
    fn new(bounds: Rect, sets: &[PointSet]) -> Self {
        let numbering = Numbering::new(bounds);
        let mut list_of = vec![0u32; bounds.volume() as usize];
        let mut lists = vec![(0, 0)];
        for (colour, set) in sets.iter().enumerate() {
            let mut longer = HashMap::new();
            let mut last = (0, 0);
            set.for_each_row(|start, count| {
                let first = numbering.number(start) as usize;
                for list in &mut list_of[first..first + count as usize] {
                    if last.0 != *list || last.1 == 0 {
                        let next = *longer.entry(*list).or_insert_with(|| {
                            lists.push((colour as u32, *list));
                            lists.len() as u32 - 1
                        });
                        last = (*list, next);
                    }
                    *list = last.1;
                }
            });
        }
        Self { numbering, list_of, lists }
    }

    #[inline]
    fn list(&self, p: Point) -> u32 {
        self.list_of[self.numbering.number(p) as usize]
    }

    #[inline]
    fn each_of(&self, mut list: u32, mut visit: impl FnMut(u32)) {
        while list != 0 {
            let (colour, rest) = self.lists[list as usize];
            visit(colour);
            list = rest;
        }
    }

    /// Adds the colours of the points with numbers from `first` on that are not in `seen` yet.
    #[inline]
    fn collect(&self, first: u64, count: u64, seen: &mut Vec<u32>) {
        let mut last = 0;
        for &of_point in &self.list_of[first as usize..(first + count) as usize] {
            if of_point == last {
                continue;
            }
            last = of_point;
            self.each_of(of_point, |colour| {
                if !seen.contains(&colour) {
                    seen.push(colour);
                }
            });
        }
    }
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
            let source = PointSet::from_rects(&sources).intersection(&PointSet::from_rect(SOURCE));
            // A rectangle far away makes the target too large for tables.
            let away = far.then(|| flat(&Rect::new([1 << 40; 3], [1 << 40; 3]), dims));
            let targets: Vec<PointSet> = targets
                .iter()
                .map(|rects| PointSet::from_rects(&rects.iter().map(|r| flat(r, dims)).chain(away.filter(|_| dims == 1)).collect::<Vec<_>>()))
                .collect();

            for target in &targets {
                let found = unsafe { image(&[source.clone(), PointSet::empty()], target, &values) };
                prop_assert!(found[1].is_empty());
                let mut expected = Vec::new();
                for p in all_points(SOURCE).filter(|&p| source.contains_point(p)) {
                    let r = named[number(p)];
                    expected.extend((!r.is_empty()).then_some(r));
                }
                prop_assert_eq!(&found[0], &PointSet::from_rects(&expected).intersection(target));
            }
            let found = unsafe { preimage(&source, &targets, &values) };
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
            let found = unsafe { by_colour(&PointSet::from_rect(SOURCE), 4, &values) };
            for p in all_points(SOURCE) {
                for (colour, set) in found.iter().enumerate() {
                    prop_assert_eq!(set.contains_point(p), colours[number(p)] == colour as i32);
                }
            }
        }
    }
}
