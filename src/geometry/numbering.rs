//! Numbers for the points of a rectangle.

use super::points::RowsInOrder;
use super::rect::{Point, Rect};

/// Numbers the points of a rectangle in Fortran order.
#[derive(Clone, Copy)]
pub struct Numbering {
    rect: Rect,
    extent: [u64; 3],
}

impl Numbering {
    pub fn new(rect: Rect) -> Self {
        Self { rect, extent: std::array::from_fn(|d| rect.extent(d) as u64) }
    }

    /// The number of a point, if it lies in the rectangle.
    #[inline]
    pub fn find(&self, p: Point) -> Option<u64> {
        let from = |d: usize| p[d].wrapping_sub(self.rect.lo[d]) as u64;
        (0..3).fold(true, |inside, d| inside & (from(d) < self.extent[d])).then(|| self.number(p))
    }

    #[inline]
    pub fn number(&self, p: Point) -> u64 {
        let from = |d: usize| (p[d] - self.rect.lo[d]) as u64;
        from(0) + self.extent[0] * (from(1) + self.extent[1] * from(2))
    }

    /// Calls `visit` with the number of the first point and the count of every row of `part`, which lies inside or is empty.
    #[inline]
    pub fn rows_of(&self, part: &Rect, mut visit: impl FnMut(u64, u64)) {
        if part.is_empty() {
            return;
        }
        for z in part.lo[2]..=part.hi[2] {
            for y in part.lo[1]..=part.hi[1] {
                visit(self.number([part.lo[0], y, z]), part.extent(0) as u64);
            }
        }
    }

    /// Adds the points with numbers from `first` on, row by row.
    #[inline]
    pub fn add_to(&self, rows: &mut RowsInOrder, first: u64, count: u64) {
        if first + count <= self.extent[0] {
            return rows.add([self.rect.lo[0] + first as i64, self.rect.lo[1], self.rect.lo[2]], count as i64);
        }
        self.add_rows_to(rows, first, count);
    }

    fn add_rows_to(&self, rows: &mut RowsInOrder, mut first: u64, mut count: u64) {
        while count > 0 {
            let (row, x) = (first / self.extent[0], first % self.extent[0]);
            let here = count.min(self.extent[0] - x);
            let at = [x as i64, (row % self.extent[1]) as i64, (row / self.extent[1]) as i64];
            rows.add(std::array::from_fn(|d| self.rect.lo[d] + at[d]), here as i64);
            (first, count) = (first + here, count - here);
        }
    }
}
