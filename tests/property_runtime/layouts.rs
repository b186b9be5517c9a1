//! Layouts at random, and where views say that elements lie.

use super::kernel::mix;
use cohort::ffi::types::*;

pub fn random_layout(seed: u64) -> cohort_layout_t {
    let choose = |of: u64, n: u64| mix(mix(seed, 0x1a), of) % n;
    let grouping = [COHORT_SOA, COHORT_AOS, COHORT_BLOCKED][choose(1, 3) as usize];
    cohort_layout_t {
        size: size_of::<cohort_layout_t>(),
        order: choose(2, 2) as i32,
        grouping,
        block: if grouping == COHORT_BLOCKED { 1 + choose(3, 5) as u32 } else { 0 },
        padding: std::array::from_fn(|d| if choose(4, 2) == 0 { 0 } else { choose(5 + d as u64, 3) as u32 }),
        flags: if choose(8, 3) == 0 { COHORT_LAYOUT_EXACT } else { 0 },
        alignment: [0, 0, 1, 32, 256][choose(9, 5) as usize],
    }
}

/// Some of the fields, in some order.
pub fn random_fields(seed: u64, count: usize) -> Vec<u32> {
    let choose = |of: u64, n: usize| mix(mix(seed, 0x2b), of) as usize % n;
    let mut fields: Vec<u32> = Vec::new();
    for i in 0..choose(0, 7) {
        let field = choose(1 + i as u64, count) as u32;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// The address of an element, as the header says.
pub fn address(view: &cohort_view_t, point: [i64; 3]) -> *mut u8 {
    let moved: i64 = (0..view.dim as usize)
        .map(|d| {
            let i = point[d] - view.lo[d];
            if view.block != 0 && view.block_dim as usize == d {
                let k = i + view.block_offset;
                k / view.block * view.block_stride + (k % view.block - view.block_offset) * view.stride[d]
            } else {
                i * view.stride[d]
            }
        })
        .sum();
    unsafe { view.base.cast::<u8>().offset(moved as isize) }
}
