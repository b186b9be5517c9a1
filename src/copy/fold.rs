//! Reductions from one instance into another.

use super::strided::{each_loops, Loops};
use crate::geometry::{Point, Rect};
use crate::instance::FieldInstance;
use crate::region::{Operator, Run};

/// Folds the elements of `rect` in `from` into those `shift` away in `to`. A field's element may be several values side by
/// side (a vector of doubles).
///
/// # Safety
/// As for `copy_rect`; besides, the size of the operator's elements divides that of the field's.
pub unsafe fn fold_rect(operator: Operator, from: &FieldInstance, to: &FieldInstance, rect: &Rect, shift: Point) {
    if rect.is_empty() {
        return;
    }
    debug_assert!(from.bytes == to.bytes && from.rect.contains(rect) && to.rect.contains(&rect.shifted(shift)));
    each_loops(from, to, rect, shift, |loops, from, to| fold_loops(operator, loops, from, to));
}

unsafe fn fold_loops(operator: Operator, loops: &Loops, from: *const u8, to: *mut u8) {
    let (size, x) = (operator.bytes(), loops.dims[0]);
    loops.rows(from, to, |from, to| {
        let from = from.cast_mut();
        if loops.run == size {
            let (into, from) = (Run { at: to, stride: x.to as i64 }, Run { at: from, stride: x.from as i64 });
            operator.fold_run(into, from, x.count);
            return;
        }
        for i in 0..x.count as isize {
            let into = Run { at: to.offset(i * x.to), stride: size as i64 };
            let from = Run { at: from.offset(i * x.from), stride: size as i64 };
            operator.fold_run(into, from, loops.run / size);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::strided::tests::{held, nested, points};
    use super::*;
    use crate::region::{ElementType, Reduction};
    use proptest::prelude::*;

    const OPERATORS: [Reduction; 4] = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max];

    proptest! {
        #[test]
        fn folding_a_rectangle_is_folding_its_values(
            (from, to, rect, shift) in (nested(), prop::array::uniform3(-9i64..9), 1usize..3).prop_flat_map(
                |((outer, inner), shift, values)| {
                    (held(outer, 4 * values), held(outer.shifted(shift), 4 * values), Just(inner), Just(shift))
                }
            ),
            op in prop::sample::select(OPERATORS.to_vec()),
        ) {
            let mut expected = to.clone().bytes;
            for p in points(rect) {
                let q = std::array::from_fn(|d| p[d] + shift[d]);
                let (into, with) = (to.element(q), from.element(p));
                for value in (0..into.len()).step_by(4) {
                    let with = &from.bytes[with.start + value..][..4];
                    op.fold(ElementType::Int32, &mut expected[into.start + value..][..4], with);
                }
            }
            unsafe { fold_rect(Operator::Known(op, ElementType::Int32), &from.instance, &to.instance, &rect, shift) };
            prop_assert_eq!(&to.bytes, &expected);
        }
    }
}
