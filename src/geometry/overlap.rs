//! Finding two rectangles of many that overlap.

use super::Rect;

/// Up to here all pairs are tried.
const FEW: usize = 16;

/// A rectangle, which of two lists it is from, and its number there.
pub type Item = (Rect, u32, u32);

/// Two rectangles of one list that overlap and have different numbers, by these, or `None`: in n log n steps for rectangles
/// that do not.
pub fn overlap_within(rects: impl Iterator<Item = (u32, Rect)>) -> Option<(u32, u32)> {
    let items = rects.map(|(i, r)| (r, 0, i)).collect();
    search(items, &|a, b| a.2 != b.2)
}

/// A rectangle of `first` and one of `second` with another number that overlap.
pub fn overlap_between(
    first: impl Iterator<Item = (u32, Rect)>,
    second: impl Iterator<Item = (u32, Rect)>,
) -> Option<(u32, u32)> {
    let mut items: Vec<Item> = first.map(|(i, r)| (r, 0, i)).collect();
    items.extend(second.map(|(i, r)| (r, 1, i)));
    search(items, &|a, b| a.1 != b.1 && a.2 != b.2)
}

/// Halves the items by a cut through the space; those that the cut crosses go to both halves.
fn search(items: Vec<Item>, counts: &impl Fn(&Item, &Item) -> bool) -> Option<(u32, u32)> {
    let Some((below, above)) = (items.len() > FEW).then(|| halve(&items)).flatten() else {
        return all_pairs(&items, counts);
    };
    drop(items);
    search(below, counts).or_else(|| search(above, counts))
}

fn all_pairs(items: &[Item], counts: &impl Fn(&Item, &Item) -> bool) -> Option<(u32, u32)> {
    for (i, a) in items.iter().enumerate() {
        if let Some(b) = items[..i].iter().find(|b| counts(a, b) && a.0.overlaps(&b.0)) {
            let (first, second) = if a.1 <= b.1 { (a, b) } else { (b, a) };
            return Some((first.2, second.2));
        }
    }
    None
}

/// The best of three cuts, one a dimension; `None` if none takes much from either side.
fn halve(items: &[Item]) -> Option<(Vec<Item>, Vec<Item>)> {
    let sides = |d: usize, at: i64| {
        let below = items.iter().filter(|i| i.0.lo[d] < at).count();
        let above = items.iter().filter(|i| i.0.hi[d] >= at).count();
        below.max(above)
    };
    let cuts = (0..3).map(|d| {
        let mut starts: Vec<i64> = items.iter().map(|i| i.0.lo[d]).collect();
        let middle = starts.len() / 2;
        let at = *starts.select_nth_unstable(middle).1;
        (sides(d, at), d, at)
    });
    let (larger, d, at) = cuts.min()?;
    (larger < items.len() - items.len() / 8).then(|| {
        let part = |keep: &dyn Fn(&Item) -> bool| items.iter().filter(|i| keep(i)).copied().collect();
        (part(&|i| i.0.lo[d] < at), part(&|i| i.0.hi[d] >= at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect() -> impl Strategy<Value = Rect> {
        (prop::array::uniform3(0i64..60), prop::array::uniform3(0i64..6)).prop_map(|(lo, size)| Rect::new(lo, [lo[0] + size[0], lo[1] + size[1], lo[2] + size[2]]))
    }

    fn numbered(rects: &[Rect]) -> impl Iterator<Item = (u32, Rect)> + use<'_> {
        (0..).zip(rects.iter().copied())
    }

    proptest! {
        #[test]
        fn a_pair_is_found_if_and_only_if_there_is_one(a in prop::collection::vec(rect(), 0..60), b in prop::collection::vec(rect(), 0..60)) {
            let pairs = |x: &[Rect], y: &[Rect]| {
                let mut all = Vec::new();
                for (i, r) in x.iter().enumerate() {
                    all.extend(y.iter().enumerate().filter(|(j, s)| *j != i && r.overlaps(s)).map(|(j, _)| (i as u32, j as u32)));
                }
                all
            };
            let (within, between) = (overlap_within(numbered(&a)), overlap_between(numbered(&a), numbered(&b)));
            prop_assert_eq!(within.is_some(), !pairs(&a, &a).is_empty());
            prop_assert!(within.is_none_or(|pair| pairs(&a, &a).contains(&pair)));
            prop_assert_eq!(between.is_some(), !pairs(&a, &b).is_empty());
            prop_assert!(between.is_none_or(|pair| pairs(&a, &b).contains(&pair)));
        }
    }

    #[test]
    fn a_hundred_thousand_disjoint_blocks_take_no_time_to_speak_of() {
        let blocks: Vec<Rect> = (0..100_000i64).map(|i| {
            let lo = [i % 50 * 4, i / 50 % 50 * 4, i / 2500 * 4];
            Rect::new(lo, [lo[0] + 3, lo[1] + 3, lo[2] + 3])
        }).collect();
        let counted = std::cell::Cell::new(0u64);
        let items = blocks.iter().enumerate().map(|(i, r)| (*r, 0, i as u32)).collect();
        let found = search(items, &|a, b| {
            counted.set(counted.get() + 1);
            a.2 != b.2
        });
        assert_eq!(found, None);
        assert!(counted.get() < 40 * blocks.len() as u64, "{} pairs tried", counted.get());
    }
}
