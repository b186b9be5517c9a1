//! Whether the elements of an array with given strides keep apart.

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
