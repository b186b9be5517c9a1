//! Finding two rectangles of many that overlap.

use super::bits::Bits;
use super::numbering::Numbering;
use super::Rect;

/// Up to here all pairs are tried.
const FEW: usize = 16;
/// Bits that a rectangle takes otherwise.
const BITS_FOR_ONE: u128 = 8 * size_of::<Item>() as u128;

/// A rectangle and its number.
type Item = (Rect, u32);

/// Two rectangles of one list that overlap and have different numbers, by these, or `None`: in n log n steps for rectangles
/// that do not, or in one step a row of points where the rectangles are so many that a bit for every point takes less memory.
pub fn overlap_within(rects: impl Iterator<Item = (u32, Rect)> + Clone) -> Option<(u32, u32)> {
    let count = rects.clone().count();
    let bounds = around(rects.clone())?;
    let points: u128 = (0..3).map(|d| bounds.extent(d) as u128).product();
    if count > FEW && points <= count as u128 * BITS_FOR_ONE {
        return mark(rects, bounds);
    }
    search(rects.map(|(i, r)| (r, i)).collect(), &|a, b| a.1 != b.1)
}

fn around(rects: impl Iterator<Item = (u32, Rect)>) -> Option<Rect> {
    rects.map(|(_, r)| r).reduce(|a, b| a.hull(&b))
}

/// Marks the points of one rectangle after the other, until one is marked already.
fn mark(rects: impl Iterator<Item = (u32, Rect)> + Clone, bounds: Rect) -> Option<(u32, u32)> {
    let numbering = Numbering::new(bounds);
    let mut marked = Bits::new(bounds.volume() as u64);
    for (own, rect) in rects.clone() {
        let mut taken = false;
        numbering.rows_of(&rect, |first, count| taken |= marked.set(first, count));
        if taken {
            let before = rects.clone().find(|(other, r)| *other != own && r.overlaps(&rect));
            if let Some((other, _)) = before {
                return Some((other, own));
            }
        }
    }
    None
}

/// Halves the items by a cut through the space; those that the cut crosses go to both halves.
fn search(items: Vec<Item>, counts: &impl Fn(&Item, &Item) -> bool) -> Option<(u32, u32)> {
    let Some((d, at)) = (items.len() > FEW).then(|| cut(&items)).flatten() else {
        return all_pairs(&items, counts);
    };
    let (below, above) = halve(&items, d, at);
    drop(items);
    search(below, counts).or_else(|| search(above, counts))
}

fn all_pairs(items: &[Item], counts: &impl Fn(&Item, &Item) -> bool) -> Option<(u32, u32)> {
    for (i, a) in items.iter().enumerate() {
        if let Some(b) = items[..i].iter().find(|b| counts(a, b) && a.0.overlaps(&b.0)) {
            return Some((a.1, b.1));
        }
    }
    None
}

/// A rectangle of `any` and one of `disjoint` that overlap and of which `counts` is true. Those of `disjoint` do not overlap
/// each other, or only where that is refused anyway; those of `any` may all be the same, so the cuts go by `disjoint`.
pub fn overlap_between<A: Copy, B: Copy>(
    mut any: Vec<(Rect, A)>,
    disjoint: Vec<(Rect, B)>,
    counts: &impl Fn(A, B) -> bool,
) -> Option<(A, B)> {
    let Some(bounds) = disjoint.iter().map(|(rect, _)| *rect).reduce(|a, b| a.hull(&b)) else { return None };
    any.retain(|(rect, _)| rect.overlaps(&bounds));
    let Some((d, at)) = (disjoint.len() > FEW && !any.is_empty()).then(|| cut(&disjoint)).flatten() else {
        let meets = |a: &(Rect, A)| disjoint.iter().find(|b| counts(a.1, b.1) && a.0.overlaps(&b.0)).map(|b| (a.1, b.1));
        return any.iter().find_map(meets);
    };
    let ((any_below, any_above), (below, above)) = (halve(&any, d, at), halve(&disjoint, d, at));
    drop((any, disjoint));
    overlap_between(any_below, below, counts).or_else(|| overlap_between(any_above, above, counts))
}

/// The best of three cuts, one a dimension; `None` if none takes much from either side.
fn cut<L>(items: &[(Rect, L)]) -> Option<(usize, i64)> {
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
    (larger < items.len() - items.len() / 8).then_some((d, at))
}

fn halve<L: Copy>(items: &[(Rect, L)], d: usize, at: i64) -> (Vec<(Rect, L)>, Vec<(Rect, L)>) {
    let part = |keep: &dyn Fn(&Rect) -> bool| items.iter().filter(|i| keep(&i.0)).copied().collect();
    (part(&|r| r.lo[d] < at), part(&|r| r.hi[d] >= at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect() -> impl Strategy<Value = Rect> {
        (prop::array::uniform3(0i64..60), prop::array::uniform3(0i64..6)).prop_map(|(lo, size)| Rect::new(lo, [lo[0] + size[0], lo[1] + size[1], lo[2] + size[2]]))
    }

    #[test]
    fn scattered_points_are_marked_one_by_one() {
        let point = |x: i64| Rect::new([x, 0, 0], [x, 0, 0]);
        // Points of eight colours in turn, and one of them twice.
        let points = (0..100_000u32).map(|i| (i % 8, point(i64::from(i))));
        assert_eq!(overlap_within(points.clone()), None);
        assert_eq!(overlap_within(points.clone().chain([(2, point(77_778))])), None, "of the same colour");
        assert_eq!(overlap_within(points.chain([(9, point(77_777))])), Some((1, 9)));
    }

    fn numbered(rects: &[Rect]) -> impl Iterator<Item = (u32, Rect)> + Clone + use<'_> {
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
            let list = |rects: &[Rect]| numbered(rects).map(|(i, r)| (r, i)).collect::<Vec<_>>();
            let between = overlap_between(list(&a), list(&b), &|i, j| i != j);
            let within = overlap_within(numbered(&a));
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
        let items = blocks.iter().enumerate().map(|(i, r)| (*r, i as u32)).collect();
        let found = search(items, &|a, b| {
            counted.set(counted.get() + 1);
            a.1 != b.1
        });
        assert_eq!(found, None);
        assert!(counted.get() < 40 * blocks.len() as u64, "{} pairs tried", counted.get());
    }

    #[test]
    fn many_that_are_the_same_cost_no_more_than_many_that_differ() {
        let row = |i: i64, y: i64| Rect::new([4 * i, y, 0], [4 * i + 3, y, 0]);
        let n = 20_000i64;
        let disjoint: Vec<(Rect, i64)> = (0..n).map(|i| (row(i, i % 2), i)).collect();
        // In the gap between two of them, one within the other, or all alike.
        let between = |i: i64| Rect::new([4 * (n / 2), (n / 2 + 1) % 2, 0], [4 * (n / 2) + i % 4, (n / 2 + 1) % 2, 0]);
        let counted = std::cell::Cell::new(0);
        let any: Vec<(Rect, i64)> = (0..n).map(|i| (between(i), i)).collect();
        let found = overlap_between(any, disjoint, &|_, _| {
            counted.set(counted.get() + 1);
            true
        });
        assert_eq!(found, None);
        assert!(counted.get() < 40 * n, "{} pairs tried", counted.get());
    }
}
