//! Copies of several fields between layouts.

use super::strided::copy_rect;
use crate::geometry::Rect;
use crate::instance::FieldInstance;

/// Points of all fields that are copied before going on: where fields lie side by side, what one field's copy has brought
/// to the cache serves the next. Half of a common second-level cache, both sides counted.
const CHUNK_BYTES: i64 = 128 << 10;

/// Copies the elements of `rect` from the first instance of each pair to the second.
///
/// # Safety
/// As for `copy_rect`, for each pair.
pub unsafe fn convert(pairs: &[(FieldInstance, FieldInstance)], rect: &Rect) {
    let interleaved = |i: &FieldInstance| i.blocks.is_some() || i.stride.iter().all(|s| s.unsigned_abs() as usize != i.bytes);
    let shared = pairs.len() > 1 && pairs.iter().any(|(from, to)| interleaved(from) || interleaved(to));
    if !shared {
        return pairs.iter().for_each(|(from, to)| copy_rect(from, to, rect, [0; 3]));
    }
    let bytes: i64 = pairs.iter().map(|(from, _)| from.bytes as i64).sum();
    each_chunk(rect, (CHUNK_BYTES / bytes).max(64), &mut |part| {
        pairs.iter().for_each(|(from, to)| unsafe { copy_rect(from, to, part, [0; 3]) });
    });
}

/// Cuts a rectangle into parts of about so many points: whole planes, whole rows, or parts of rows.
fn each_chunk(rect: &Rect, points: i64, part: &mut impl FnMut(&Rect)) {
    let below = |d: usize| (0..d).map(|i| rect.extent(i)).product::<i64>();
    let d = (0..3).rev().find(|&d| rect.extent(d) > 1 && below(d) <= points).unwrap_or(0);
    let step = (points / below(d)).max(1);
    let mut outer = *rect;
    // Beyond dimension d one at a time.
    let mut each_slab = |slab: &Rect| {
        let mut at = *slab;
        while at.lo[d] <= slab.hi[d] {
            at.hi[d] = slab.hi[d].min(at.lo[d] + step - 1);
            part(&at);
            at.lo[d] = at.hi[d] + 1;
        }
    };
    let (last_y, last_z) = (if d < 1 { rect.hi[1] } else { rect.lo[1] }, if d < 2 { rect.hi[2] } else { rect.lo[2] });
    for z in rect.lo[2]..=last_z {
        for y in rect.lo[1]..=last_y {
            if d < 2 {
                (outer.lo[2], outer.hi[2]) = (z, z);
            }
            if d < 1 {
                (outer.lo[1], outer.hi[1]) = (y, y);
            }
            each_slab(&outer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::strided::tests::points;
    use super::*;
    use crate::instance::{Arrangement, Grouping, Layout, Order};
    use proptest::prelude::*;

    fn layout() -> impl Strategy<Value = Layout> {
        let grouping = prop_oneof![Just(Grouping::Apart), Just(Grouping::Together), (1u32..9).prop_map(Grouping::Blocks)];
        (any::<bool>(), grouping, prop::array::uniform3(0u32..3)).prop_map(|(c, grouping, padding)| Layout {
            order: if c { Order::C } else { Order::Fortran },
            grouping,
            padding,
            ..Layout::default()
        })
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(
            (a, b) in (layout(), layout()), extent in prop::array::uniform3(1i64..40), sizes in prop::collection::vec(1usize..20, 1..5),
        ) {
            let rect = Rect::new([2, -3, 0], [1 + extent[0], extent[1] - 4, extent[2] - 1]);
            let fields: Vec<(u32, usize)> = sizes.iter().enumerate().map(|(i, &size)| (i as u32, size)).collect();
            let make = |layout: &Layout| {
                let plan = layout.plan(rect, 3, sizes.iter().copied()).unwrap();
                Arrangement::new(&plan, fields.iter().copied(), &[]).unwrap()
            };
            let (from, to) = (make(&a), make(&b));
            let value = |p: [i64; 3], field: u32, byte: usize| (p[0] * 7 + p[1] * 31 + p[2] * 101 + i64::from(field) * 3 + byte as i64) as u8;
            for ((field, instance), p) in from.fields.iter().flat_map(|f| points(rect).map(move |p| (f, p))) {
                (0..instance.bytes).for_each(|byte| unsafe { *instance.at(p).add(byte) = value(p, *field, byte) });
            }
            let pairs: Vec<_> = from.fields.iter().zip(&to.fields).map(|(a, b)| (a.1, b.1)).collect();
            unsafe { convert(&pairs, &rect) };
            for ((field, instance), p) in to.fields.iter().flat_map(|f| points(rect).map(move |p| (f, p))) {
                let same = |byte| unsafe { *instance.at(p).add(byte) == value(p, *field, byte) };
                prop_assert!((0..instance.bytes).all(same), "{:?} of field {}", p, field);
            }
        }

        #[test]
        fn chunks_make_up_the_rectangle(extent in prop::array::uniform3(1i64..9), limit in 1i64..200) {
            let rect = Rect::new([1; 3], extent);
            let mut seen = std::collections::HashSet::new();
            each_chunk(&rect, limit, &mut |part| assert!(points(*part).all(|p| seen.insert(p))));
            prop_assert_eq!(seen.len() as i64, rect.volume());
        }
    }
}
