//! The algebra of sorted lists of disjoint pieces: bands along the last dimension, within each band bands along the one
//! before, and so on. The same walk serves rectangles and the runs of one row.

use super::rect::Rect;
use super::room::Growing;

/// Points of one row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    pub lo: i64,
    pub hi: i64,
}

/// Has an interval in each of its dimensions.
pub trait Piece: Copy {
    const UNIT: Self;
    fn lo(&self, d: usize) -> i64;
    fn hi(&self, d: usize) -> i64;
    fn set(&mut self, d: usize, lo: i64, hi: i64);
}

impl Piece for Rect {
    const UNIT: Self = Rect { lo: [0; 3], hi: [0; 3] };

    #[inline]
    fn lo(&self, d: usize) -> i64 {
        self.lo[d]
    }

    #[inline]
    fn hi(&self, d: usize) -> i64 {
        self.hi[d]
    }

    #[inline]
    fn set(&mut self, d: usize, lo: i64, hi: i64) {
        (self.lo[d], self.hi[d]) = (lo, hi);
    }
}

impl Piece for Run {
    const UNIT: Self = Run { lo: 0, hi: 0 };

    #[inline]
    fn lo(&self, _: usize) -> i64 {
        self.lo
    }

    #[inline]
    fn hi(&self, _: usize) -> i64 {
        self.hi
    }

    #[inline]
    fn set(&mut self, _: usize, lo: i64, hi: i64) {
        (self.lo, self.hi) = (lo, hi);
    }
}

/// Where the first band of `pieces` along dimension `d` ends. In the first dimension each piece is a band.
#[inline]
fn band<P: Piece>(pieces: &[P], d: usize) -> usize {
    if d == 0 {
        return pieces.len().min(1);
    }
    pieces.iter().position(|r| r.lo(d) != pieces[0].lo(d)).unwrap_or(pieces.len())
}

/// The rectangles of a canonical list that cross the row at `at` in the second and third dimension, by the first.
pub fn within_row(rects: &[Rect], at: [i64; 2]) -> &[Rect] {
    let mut rest = rects;
    for d in [2, 1] {
        let end = rest.partition_point(|r| r.lo[d] <= at[d - 1]);
        let Some(last) = rest[..end].last().filter(|last| last.hi[d] >= at[d - 1]) else { return &[] };
        let begin = rest[..end].partition_point(|r| r.lo[d] < last.lo[d]);
        rest = &rest[begin..end];
    }
    rest
}

/// Appends to `out` the points that `keep` chooses by whether they are in `a` and in `b`. Of both lists and of what is
/// appended, the first `depth` dimensions count.
pub fn combine<P: Piece>(depth: usize, a: &[P], b: &[P], keep: impl Fn(bool, bool) -> bool + Copy, out: &mut Growing<P>) {
    let Some(d) = depth.checked_sub(1) else {
        if keep(true, true) {
            out.push(P::UNIT);
        }
        return;
    };
    let (mut a, mut b) = (a, b);
    let (mut end_a, mut end_b) = (band(a, d), band(b, d));
    let mut at = i64::MIN;
    let mut previous = out.list.len();
    loop {
        let (inside_a, next_a) = interval(a, d, at);
        let (inside_b, next_b) = interval(b, d, at);
        let next = next_a.min(next_b);
        if next == i64::MAX {
            return;
        }
        let start = out.list.len();
        match (inside_a, inside_b) {
            (true, true) => combine(d, &a[..end_a], &b[..end_b], keep, out),
            (true, false) if keep(true, false) => out.extend(&a[..end_a]),
            (false, true) if keep(false, true) => out.extend(&b[..end_b]),
            _ => {}
        }
        for piece in &mut out.list[start..] {
            piece.set(d, at, next - 1);
        }
        previous = join_bands(&mut out.list, previous, start, d);
        if inside_a && next_a == next {
            a = &a[end_a..];
            end_a = band(a, d);
        }
        if inside_b && next_b == next {
            b = &b[end_b..];
            end_b = band(b, d);
        }
        at = next;
    }
}

/// Whether the first band begins at or before `at`, and where along `d` that changes.
fn interval<P: Piece>(pieces: &[P], d: usize, at: i64) -> (bool, i64) {
    match pieces.first() {
        None => (false, i64::MAX),
        Some(first) if first.lo(d) <= at => (true, first.hi(d) + 1),
        Some(first) => (false, first.lo(d)),
    }
}

/// Makes the band that begins at `start` part of the one that begins at `previous` if it continues it along `d`. Returns
/// where the last band begins.
pub fn join_bands<P: Piece>(pieces: &mut Vec<P>, previous: usize, start: usize, d: usize) -> usize {
    let (before, band) = pieces[previous..].split_at(start - previous);
    let Some(first) = band.first() else { return previous };
    let same_shape = |(x, y): (&P, &P)| (0..d).all(|d| x.lo(d) == y.lo(d) && x.hi(d) == y.hi(d));
    let continues = before.len() == band.len() && before[0].hi(d) + 1 == first.lo(d) && before.iter().zip(band).all(same_shape);
    if !continues {
        return start;
    }
    let end = first.hi(d);
    pieces.truncate(start);
    pieces[previous..].iter_mut().for_each(|piece| piece.set(d, piece.lo(d), end));
    previous
}

/// Whether there is a common point as far as the first `depth` dimensions count.
pub fn meet<A: Piece, B: Piece>(depth: usize, a: &[A], b: &[B]) -> bool {
    let Some(d) = depth.checked_sub(1) else { return true };
    let (mut a, mut b) = (a, b);
    while let (Some(first_a), Some(first_b)) = (a.first(), b.first()) {
        let (end_a, end_b) = (band(a, d), band(b, d));
        if first_a.lo(d) <= first_b.hi(d) && first_b.lo(d) <= first_a.hi(d) && meet(d, &a[..end_a], &b[..end_b]) {
            return true;
        }
        if first_a.hi(d) <= first_b.hi(d) {
            a = &a[end_a..];
        } else {
            b = &b[end_b..];
        }
    }
    false
}

/// Whether every point of `b` is in `a` as far as the first `depth` dimensions count.
pub fn covers<A: Piece, B: Piece>(depth: usize, mut a: &[A], mut b: &[B]) -> bool {
    let Some(d) = depth.checked_sub(1) else { return true };
    while let Some(first_b) = b.first() {
        let band_b = &b[..band(b, d)];
        let mut at = first_b.lo(d);
        while at <= first_b.hi(d) {
            let Some(first_a) = a.first() else { return false };
            let band_a = &a[..band(a, d)];
            if first_a.hi(d) < at {
                a = &a[band_a.len()..];
                continue;
            }
            if first_a.lo(d) > at || !covers(d, band_a, band_b) {
                return false;
            }
            at = first_a.hi(d) + 1;
        }
        b = &b[band_b.len()..];
    }
    true
}
