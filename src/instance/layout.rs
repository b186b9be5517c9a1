//! Affine layouts: the address of an element is a base plus a dot product of its point with byte strides.

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
        Self { zero: base.wrapping_offset(dot(rect.lo, stride).wrapping_neg()), stride, bytes, rect }
    }

    /// Elements side by side in Fortran order from `base` on.
    pub fn dense(base: *mut u8, rect: Rect, bytes: usize) -> Self {
        Self::new(base, rect, dense_strides(&rect, bytes), bytes)
    }

    /// The address of the element at `point`, which must lie in `rect` for the address to be of use.
    #[inline]
    pub fn at(&self, point: Point) -> *mut u8 {
        self.zero.wrapping_offset(dot(point, self.stride))
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

/// Whether two different elements of an affine layout share a byte. Elements overlap where a non-zero difference of
/// their indices moves the address by less than an element; branch and bound over the dimensions, longest stride first.
pub(super) fn elements_overlap(dims: &[(i64, i64)], bytes: usize) -> bool {
    // (extent, stride), without dimensions that nobody steps along; the sign of a stride does not matter here.
    let mut steps: smallvec::SmallVec<[(i128, i128); 4]> = dims
        .iter()
        .filter(|(extent, _)| *extent > 1)
        .map(|&(extent, stride)| (i128::from(extent), i128::from(stride).abs()))
        .collect();
    steps.sort_unstable_by_key(|&(_, stride)| std::cmp::Reverse(stride));
    overlap_from(&steps, 0, false, bytes as i128)
}

fn overlap_from(steps: &[(i128, i128)], moved: i128, stepped: bool, bytes: i128) -> bool {
    let Some((&(extent, stride), rest)) = steps.split_first() else {
        return stepped && moved.abs() < bytes;
    };
    if stride == 0 {
        return !stepped || moved.abs() < bytes;
    }
    // The remaining dimensions can bring the sum back by this much at most.
    let reach = bytes - 1 + rest.iter().map(|&(n, s)| (n - 1) * s).sum::<i128>();
    // Differences come in pairs of opposite sign: before the first step only those not negative count.
    let least = if stepped { 1 - extent } else { 0 };
    let from = least.max((-reach - moved).div_euclid(stride));
    let to = (extent - 1).min((reach - moved).div_euclid(stride));
    (from..=to).any(|delta| overlap_from(rest, moved + delta * stride, stepped || delta != 0, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn overlap_agrees_with_marking_bytes(
            dims in prop::array::uniform4((1i64..5, -40i64..40)), bytes in 1usize..9,
        ) {
            let mut owner = std::collections::HashSet::new();
            let mut overlap = false;
            for index in 0..dims.iter().map(|d| d.0).product::<i64>() {
                let (mut rest, mut address) = (index, 0);
                for (extent, stride) in dims {
                    address += rest % extent * stride;
                    rest /= extent;
                }
                overlap |= (0..bytes as i64).any(|b| !owner.insert(address + b));
            }
            prop_assert_eq!(elements_overlap(&dims, bytes), overlap);
        }
    }

    #[test]
    fn large_layouts_are_checked_at_once() {
        let n = 1 << 20;
        assert!(!elements_overlap(&[(n, 8), (n, 8 * n), (n, 8 * n * n)], 8));
        assert!(elements_overlap(&[(n, 8), (n, 8 * n - 8), (n, 8 * n * n)], 8));
        assert!(elements_overlap(&[(n, 8), (n, 8), (n, 8)], 8));
    }
}
