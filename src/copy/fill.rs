//! Fills.

use super::strided::{each_loops, Loops};
use crate::geometry::Rect;
use crate::instance::FieldInstance;

/// Gives every element of `rect` the value `value`, which has the size of an element.
///
/// # Safety
/// `to` holds `rect`, and nobody else touches it meanwhile.
pub unsafe fn fill_rect(to: &FieldInstance, rect: &Rect, value: &[u8]) {
    if rect.is_empty() {
        return;
    }
    assert_eq!(value.len(), to.bytes, "a value for elements of another size");
    each_loops(to, to, rect, [0; 3], |loops, _, first| fill_loops(loops, first, value));
}

unsafe fn fill_loops(loops: &Loops, first: *mut u8, value: &[u8]) {
    match value.len() {
        1 => fill_known::<1>(loops, first, value),
        2 => fill_known::<2>(loops, first, value),
        4 => fill_known::<4>(loops, first, value),
        8 => fill_known::<8>(loops, first, value),
        16 => fill_known::<16>(loops, first, value),
        _ => each_run(loops, first, |run| {
            for element in (0..loops.run).step_by(value.len()) {
                std::ptr::copy_nonoverlapping(value.as_ptr(), run.add(element), value.len());
            }
        }),
    }
}

unsafe fn fill_known<const N: usize>(loops: &Loops, first: *mut u8, value: &[u8]) {
    let value: [u8; N] = value.try_into().expect("its length is N");
    each_run(loops, first, |run| std::slice::from_raw_parts_mut(run.cast::<[u8; N]>(), loops.run / N).fill(value));
}

unsafe fn each_run(loops: &Loops, first: *mut u8, mut fill: impl FnMut(*mut u8)) {
    let x = loops.dims[0];
    loops.rows(first, first, |_, row| (0..x.count as isize).for_each(|i| fill(row.offset(i * x.to))));
}

#[cfg(test)]
mod tests {
    use super::super::strided::tests::{held, nested, points};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fills_touch_the_rectangle_and_nothing_else(
            (to, rect) in (nested(), prop::sample::select(vec![1usize, 2, 3, 4, 8, 12, 16]))
                .prop_flat_map(|((outer, inner), bytes)| (held(outer, bytes), Just(inner)))
        ) {
            let value: Vec<u8> = (100..).take(to.instance.bytes).collect();
            let mut expected = to.clone().bytes;
            points(rect).for_each(|p| expected[to.element(p)].copy_from_slice(&value));
            unsafe { fill_rect(&to.instance, &rect, &value) };
            prop_assert_eq!(&to.bytes, &expected);
        }
    }
}
