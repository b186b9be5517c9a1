//! Finding two rectangles of many that overlap.

use super::bits::Bits;
use super::numbering::Numbering;
use super::Rect;
use crate::base::{memory, Result};

/// Up to here all pairs are tried.
const FEW: usize = 16;
/// Bits that a rectangle takes otherwise.
const BITS_FOR_ONE: u128 = 8 * size_of::<Item>() as u128;

/// A rectangle and its number.
type Item = (Rect, u32);

/// Two rectangles of one list that overlap and have different numbers, by these, or `None`: in n log n steps for rectangles
/// that do not, or in one step a row of points where the rectangles are so many that a bit for every point takes less memory. An error,
/// as of `overlap_between`: the system has no memory to find out.
pub fn overlap_within(rects: impl Iterator<Item = (u32, Rect)> + Clone) -> Result<Option<(u32, u32)>> {
    let count = rects.clone().count();
    let Some(bounds) = around(rects.clone()) else { return Ok(None) };
    let points: u128 = (0..3).map(|d| bounds.extent(d) as u128).product();
    if count > FEW && points <= count as u128 * BITS_FOR_ONE {
        memory::expect(points as usize / 8)?;
        return Ok(mark(rects, bounds));
    }
    memory::expect(count * size_of::<Item>())?;
    let mut items = Vec::with_capacity(count);
    items.extend(rects.map(|(i, r)| (r, i)));
    search(items, &|a, b| a.1 != b.1)
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
fn search(items: Vec<Item>, counts: &impl Fn(&Item, &Item) -> bool) -> Result<Option<(u32, u32)>> {
    let Some((d, at)) = cut(&items)? else {
        return Ok(all_pairs(&items, counts));
    };
    let (below, above) = halve(&items, d, at)?;
    drop(items);
    match search(below, counts)? {
        None => search(above, counts),
        found => Ok(found),
    }
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
) -> Result<Option<(A, B)>> {
    let Some(bounds) = disjoint.iter().map(|(rect, _)| *rect).reduce(|a, b| a.hull(&b)) else { return Ok(None) };
    any.retain(|(rect, _)| rect.overlaps(&bounds));
    let cut = if any.is_empty() { None } else { cut(&disjoint)? };
    let Some((d, at)) = cut else {
        let meets = |a: &(Rect, A)| disjoint.iter().find(|b| counts(a.1, b.1) && a.0.overlaps(&b.0)).map(|b| (a.1, b.1));
        return Ok(any.iter().find_map(meets));
    };
    let ((any_below, any_above), (below, above)) = (halve(&any, d, at)?, halve(&disjoint, d, at)?);
    drop((any, disjoint));
    match overlap_between(any_below, below, counts)? {
        None => overlap_between(any_above, above, counts),
        found => Ok(found),
    }
}

/// The best of three cuts, one a dimension; `None` if the items are few, or none takes much from either side.
fn cut<L>(items: &[(Rect, L)]) -> Result<Option<(usize, i64)>> {
    if items.len() <= FEW {
        return Ok(None);
    }
    let sides = |d: usize, at: i64| {
        let below = items.iter().filter(|i| i.0.lo[d] < at).count();
        let above = items.iter().filter(|i| i.0.hi[d] >= at).count();
        below.max(above)
    };
    memory::expect(items.len() * size_of::<i64>())?;
    let cuts = (0..3).map(|d| {
        let mut starts: Vec<i64> = items.iter().map(|i| i.0.lo[d]).collect();
        let middle = starts.len() / 2;
        let at = *starts.select_nth_unstable(middle).1;
        (sides(d, at), d, at)
    });
    Ok(cuts.min().filter(|(larger, ..)| *larger < items.len() - items.len() / 8).map(|(_, d, at)| (d, at)))
}

/// The items on either side.
type Sides<L> = (Vec<(Rect, L)>, Vec<(Rect, L)>);

fn halve<L: Copy>(items: &[(Rect, L)], d: usize, at: i64) -> Result<Sides<L>> {
    let part = |keep: &dyn Fn(&Rect) -> bool| -> Result<Vec<(Rect, L)>> {
        let count = items.iter().filter(|i| keep(&i.0)).count();
        memory::expect(count * size_of::<(Rect, L)>())?;
        let mut part = Vec::with_capacity(count);
        part.extend(items.iter().filter(|i| keep(&i.0)).copied());
        Ok(part)
    };
    Ok((part(&|r| r.lo[d] < at)?, part(&|r| r.hi[d] >= at)?))
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
        assert_eq!(overlap_within(points.clone()).unwrap(), None);
        assert_eq!(overlap_within(points.clone().chain([(2, point(77_778))])).unwrap(), None, "of the same colour");
        assert_eq!(overlap_within(points.chain([(9, point(77_777))])).unwrap(), Some((1, 9)));
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
            let between = overlap_between(list(&a), list(&b), &|i, j| i != j).unwrap();
            let within = overlap_within(numbered(&a)).unwrap();
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
        assert_eq!(found.unwrap(), None);
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
        assert_eq!(found.unwrap(), None);
        assert!(counted.get() < 40 * n, "{} pairs tried", counted.get());
    }
}
