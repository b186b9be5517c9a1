//! Where the elements of one field lie: the address of an element is a base plus a dot product of its point with byte
//! strides. With blocks, what lies between neighbours along one dimension changes from the end of a block to the next.

use crate::base::Result;
use crate::fail;
use crate::geometry::{Point, Rect};

/// The elements of one field on the points of `rect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInstance {
    /// Where the point (0,0,0) would lie; often no memory of ours. Kept instead of the first element's address so that
    /// an address needs no lower bound.
    zero: *mut u8,
    /// Bytes from a point to its successor in each dimension.
    pub stride: [i64; 3],
    /// Size of one element.
    pub bytes: usize,
    /// The points that exist.
    pub rect: Rect,
    pub blocks: Option<Blocks>,
}

/// Runs of points along one dimension with the same field side by side; between the runs lie other fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    pub dim: usize,
    /// Points in a block.
    pub points: i64,
    /// Bytes from a block to the next.
    pub stride: i64,
    /// First point of a block.
    pub origin: i64,
}

impl Blocks {
    /// How far into its block a coordinate lies.
    pub fn phase(&self, x: i64) -> i64 {
        x.wrapping_sub(self.origin).rem_euclid(self.points)
    }
}

// An address: who may follow it when is the business of the analysis.
unsafe impl Send for FieldInstance {}
unsafe impl Sync for FieldInstance {}

fn dot(p: Point, stride: [i64; 3]) -> isize {
    (0..3).fold(0i64, |sum, d| sum.wrapping_add(p[d].wrapping_mul(stride[d]))) as isize
}

impl FieldInstance {
    /// `base` is the address of the element at `rect.lo`.
    pub fn new(base: *mut u8, rect: Rect, stride: [i64; 3], bytes: usize) -> Self {
        Self { zero: base.wrapping_offset(dot(rect.lo, stride).wrapping_neg()), stride, bytes, rect, blocks: None }
    }

    /// As `new`; the first block along `dim` begins at `rect.lo`.
    pub fn blocked(base: *mut u8, rect: Rect, stride: [i64; 3], bytes: usize, dim: usize, points: i64, block: i64) -> Self {
        let blocks = Some(Blocks { dim, points, stride: block, origin: rect.lo[dim] });
        Self { blocks, ..Self::new(base, rect, stride, bytes) }
    }

    /// Elements side by side in Fortran order from `base` on.
    pub fn dense(base: *mut u8, rect: Rect, bytes: usize) -> Self {
        Self::new(base, rect, dense_strides(&rect, bytes), bytes)
    }

    /// The address of the element at `point`, which must lie in `rect` for the address to be of use.
    #[inline]
    pub fn at(&self, point: Point) -> *mut u8 {
        let within = self.zero.wrapping_offset(dot(point, self.stride));
        match &self.blocks {
            None => within,
            Some(blocks) => {
                let before = point[blocks.dim].wrapping_sub(blocks.origin).div_euclid(blocks.points);
                within.wrapping_offset(before.wrapping_mul(self.beyond_block(blocks)) as isize)
            }
        }
    }

    /// The addresses from the first byte of its elements to the end of the last.
    pub fn span(&self) -> std::ops::Range<usize> {
        let (mut first, mut last) = (self.rect.lo, self.rect.lo);
        for d in 0..3 {
            // Each dimension adds its part to the address, whatever the others do.
            let mut end = self.rect.lo;
            end[d] = self.rect.hi[d];
            let ahead = (self.at(end) as usize).wrapping_sub(self.at(self.rect.lo) as usize) as isize;
            if ahead < 0 { first[d] = end[d] } else { last[d] = end[d] }
        }
        self.at(first) as usize..self.at(last) as usize + self.bytes
    }

    /// Points from `point` on along the first dimension that lie `stride[0]` apart: to the end of its block.
    pub fn run_along_row(&self, point: Point) -> usize {
        match &self.blocks {
            Some(blocks) if blocks.dim == 0 => (blocks.points - blocks.phase(point[0])) as usize,
            _ => usize::MAX,
        }
    }

    /// What the end of a block adds to the distance of neighbours.
    fn beyond_block(&self, blocks: &Blocks) -> i64 {
        blocks.stride.wrapping_sub(blocks.points.wrapping_mul(self.stride[blocks.dim]))
    }

    /// Bytes over `points` points along dimension `d`, a whole number of blocks if that is the dimension of blocks.
    pub fn step(&self, d: usize, points: i64) -> i64 {
        match &self.blocks {
            Some(blocks) if blocks.dim == d => blocks.stride.wrapping_mul(points / blocks.points),
            _ => self.stride[d].wrapping_mul(points),
        }
    }
}

/// Byte strides of Fortran order without padding.
pub fn dense_strides(rect: &Rect, bytes: usize) -> [i64; 3] {
    let x = bytes as i64;
    let y = x.wrapping_mul(rect.extent(0));
    [x, y, y.wrapping_mul(rect.extent(1))]
}

/// Bytes that a dense instance takes.
pub fn dense_bytes(rect: &Rect, bytes: usize) -> Result<usize> {
    let total = (0..3).try_fold(bytes, |n, d| n.checked_mul(rect.extent(d) as usize));
    match total.filter(|&n| n <= isize::MAX as usize) {
        Some(n) => Ok(n),
        None => fail!(OutOfMemory, "a field of {} x {} x {} points of {bytes} bytes exceeds the address space", rect.extent(0), rect.extent(1), rect.extent(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_step_by_their_strides() {
        let rect = Rect::new([3, -2, 0], [9, 4, 0]);
        let base = 0x10000 as *mut u8;
        let instance = FieldInstance::dense(base, rect, 8);
        assert_eq!(instance.at([3, -2, 0]), base);
        assert_eq!(instance.at([5, 1, 0]) as usize, 0x10000 + 2 * 8 + 3 * 7 * 8);
        assert_eq!(dense_bytes(&rect, 8), Ok(7 * 7 * 8));
        assert!(dense_bytes(&Rect::new([0; 3], [1 << 30; 3]), 8).is_err());
    }

    #[test]
    fn a_span_holds_all_elements_whatever_the_strides() {
        let rect = Rect::new([3, -2, 5], [9, 4, 6]);
        let base = 0x100000 as *mut u8;
        let strided = [FieldInstance::new(base, rect, [16, -200, 4000], 8), FieldInstance::blocked(base, rect, [8, 400, 8000], 8, 0, 4, 96)];
        for instance in strided {
            let points = (5..=6).flat_map(|z| (-2..=4).flat_map(move |y| (3..=9).map(move |x| [x, y, z])));
            let addresses: Vec<usize> = points.map(|point| instance.at(point) as usize).collect();
            assert_eq!(instance.span(), *addresses.iter().min().unwrap()..addresses.iter().max().unwrap() + 8);
        }
    }

    #[test]
    fn blocks_interrupt_a_dimension() {
        let rect = Rect::new([5, 0, 0], [24, 1, 0]);
        let base = 0x10000 as *mut u8;
        // Two fields of 8 bytes in blocks of 4 points, 5 blocks a row.
        let instance = FieldInstance::blocked(base, rect, [8, 5 * 64, 0], 8, 0, 4, 64);
        let offset = |p: Point| instance.at(p) as usize - 0x10000;
        assert_eq!([offset([5, 0, 0]), offset([8, 0, 0]), offset([9, 0, 0]), offset([24, 1, 0])], [0, 24, 64, 320 + 4 * 64 + 24]);
        assert_eq!(instance.blocks.unwrap().phase(8), 3);
        assert_eq!((instance.step(0, 8), instance.step(1, 8)), (128, 8 * 320));
    }
}
