//! Copies between points that values of fields name: where an element comes from (gather), where it goes (scatter), or both.

use crate::geometry::{read_points, Domain, Point};
use crate::instance::FieldInstance;
use crate::region::{Operator, Run};

/// Points that are looked at together, so that many loads are under way at once.
const BATCH: usize = 256;

/// One side of a copy: its points are those of the copy's domain, or what the values there name.
pub struct Side<'a> {
    pub named: Option<&'a FieldInstance>,
    /// The points that may be named.
    pub inside: &'a Domain,
    /// Coordinates of a point.
    pub dim: usize,
}

/// A value that names a point elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Astray {
    /// Where the value lies.
    pub at: Point,
    pub named: Point,
    pub in_source: bool,
}

pub struct Indirect<'a> {
    pub source: Side<'a>,
    pub destination: Side<'a>,
    /// The points at which values lie, or that are their own.
    pub domain: &'a Domain,
}

impl Side<'_> {
    /// The side's points for `count` points of a row from `start` on.
    unsafe fn points(&self, start: Point, points: &mut [Point]) {
        let Some(values) = self.named else {
            points.iter_mut().enumerate().for_each(|(i, p)| *p = [start[0] + i as i64, start[1], start[2]]);
            return;
        };
        let mut first = 0;
        while first < points.len() {
            let at = [start[0] + first as i64, start[1], start[2]];
            let run = values.run_along_row(at).min(points.len() - first);
            read_points(values.at(at), values.stride[0] as isize, values.bytes, self.dim, &mut points[first..first + run]);
            first += run;
        }
    }
}

impl Indirect<'_> {
    /// The first value in Fortran order that names a point which it may not.
    ///
    /// # Safety
    /// The instances hold the domain, and nobody writes their values meanwhile.
    pub unsafe fn first_astray(&self) -> Option<Astray> {
        let mut found = None;
        self.each_batch(|start, from, to| {
            for (i, (&from, &to)) in from.iter().zip(to).enumerate() {
                let in_source = !self.source.inside.contains_point(from);
                if found.is_none() && (in_source || !self.destination.inside.contains_point(to)) {
                    let at = [start[0] + i as i64, start[1], start[2]];
                    found = Some(Astray { at, named: if in_source { from } else { to }, in_source });
                }
            }
        });
        found
    }

    /// Copies the field `from` to the field `to`, or folds it into it, in Fortran order of the domain: of several elements that go
    /// to one point the last stays. What names a point elsewhere is left out.
    ///
    /// # Safety
    /// As for `first_astray`; the fields hold the points that may be named, do not overlap, and nobody else uses them. With an
    /// operator its elements are as large as the fields'.
    pub unsafe fn copy(&self, from: &FieldInstance, to: &FieldInstance, operator: Option<Operator>) {
        debug_assert_eq!(from.bytes, to.bytes);
        let mut kept = [(std::ptr::null(), std::ptr::null_mut()); BATCH];
        self.each_batch(|_, sources, destinations| {
            let mut count = 0;
            for (&source, &destination) in sources.iter().zip(destinations) {
                kept[count] = (from.at(source).cast_const(), to.at(destination));
                let inside = self.source.inside.contains_point(source) && self.destination.inside.contains_point(destination);
                count += usize::from(inside);
            }
            match operator {
                None => move_all(&kept[..count], from.bytes),
                Some(operator) => fold_all(&kept[..count], operator),
            }
        });
    }

    /// Calls `visit` with the start of each batch, all in one row, and the points of both sides.
    unsafe fn each_batch(&self, mut visit: impl FnMut(Point, &[Point], &[Point])) {
        let (mut from, mut to) = ([[0; 3]; BATCH], [[0; 3]; BATCH]);
        for rect in self.domain.rects() {
            for z in rect.lo[2]..=rect.hi[2] {
                for y in rect.lo[1]..=rect.hi[1] {
                    for x in (rect.lo[0]..=rect.hi[0]).step_by(BATCH) {
                        let (start, count) = ([x, y, z], BATCH.min((rect.hi[0] - x + 1) as usize));
                        self.source.points(start, &mut from[..count]);
                        self.destination.points(start, &mut to[..count]);
                        visit(start, &from[..count], &to[..count]);
                    }
                }
            }
        }
    }
}

unsafe fn move_all(elements: &[(*const u8, *mut u8)], bytes: usize) {
    match bytes {
        4 => move_known::<4>(elements),
        8 => move_known::<8>(elements),
        16 => move_known::<16>(elements),
        24 => move_known::<24>(elements),
        _ => elements.iter().for_each(|&(from, to)| to.copy_from_nonoverlapping(from, bytes)),
    }
}

/// Elements of `N` bytes: the compiler turns each into a few moves instead of a call.
unsafe fn move_known<const N: usize>(elements: &[(*const u8, *mut u8)]) {
    elements.iter().for_each(|&(from, to)| to.cast::<[u8; N]>().write(from.cast::<[u8; N]>().read()));
}

unsafe fn fold_all(elements: &[(*const u8, *mut u8)], operator: Operator) {
    let run = |at| Run { at, stride: operator.bytes() as i64 };
    elements.iter().for_each(|&(from, to)| operator.fold_run(run(to), run(from.cast_mut()), 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{PointSet, Rect};
    use crate::instance::dense_bytes;
    use crate::region::{ElementType, Reduction};
    use proptest::prelude::*;

    struct Held {
        bytes: Vec<u8>,
        rect: Rect,
        size: usize,
    }

    impl Held {
        fn new(rect: Rect, size: usize, value: impl Fn(usize) -> u8) -> Self {
            let bytes = (0..dense_bytes(&rect, size).unwrap()).map(value).collect();
            Self { bytes, rect, size }
        }

        fn instance(&self) -> FieldInstance {
            FieldInstance::dense(self.bytes.as_ptr().cast_mut(), self.rect, self.size)
        }

        fn element(&self, p: Point) -> std::ops::Range<usize> {
            let start = self.instance().at(p) as usize - self.bytes.as_ptr() as usize;
            start..start + self.size
        }
    }

    /// A rectangle's points without one corner: a domain with a hole.
    fn domain(rect: Rect, hole: bool) -> Domain {
        let all = PointSet::from_rect(rect);
        if hole { all.minus(&PointSet::from_rect(Rect::new(rect.lo, rect.lo))).unwrap().into() } else { all.into() }
    }

    /// Values that name points of `of` and around it, at every point of `at`.
    fn named(at: Rect, of: Rect, dim: usize, wide: bool, seed: &[u8]) -> (Held, Vec<(Point, Point)>) {
        let size = dim * if wide { 8 } else { 4 };
        let mut held = Held::new(at, size, |_| 0);
        let mut list = Vec::new();
        for (i, p) in at.points().enumerate() {
            let pick = |d: usize| of.lo[d] - 1 + i64::from(seed[(i * 3 + d) % seed.len()]) % (of.extent(d) + 2);
            let point: Point = std::array::from_fn(|d| if d < dim { pick(d) } else { 0 });
            let place = held.element(p).start;
            for (d, &x) in point[..dim].iter().enumerate() {
                if wide {
                    held.bytes[place + 8 * d..][..8].copy_from_slice(&x.to_ne_bytes());
                } else {
                    held.bytes[place + 4 * d..][..4].copy_from_slice(&(x as i32).to_ne_bytes());
                }
            }
            list.push((p, point));
        }
        (held, list)
    }

    fn box_of(dim: usize, lo: i64, size: i64) -> Rect {
        let end = |x: i64| std::array::from_fn(|d| if d < dim { x + d as i64 } else { 0 });
        Rect::new(end(lo), end(lo + size - 1))
    }

    proptest! {
        #[test]
        fn elements_go_where_the_values_say(
            dims in (1usize..4, 1usize..4), seed in prop::collection::vec(any::<u8>(), 50), wide: bool, holes: (bool, bool),
            gathers: bool, scatters: bool, size in prop::sample::select(vec![4usize, 8, 12]), sums: bool,
        ) {
            prop_assume!(gathers || scatters);
            // What is not named has the domain's points.
            let own = box_of(2, 3, 7);
            let (from_dim, to_dim) = (if gathers { dims.0 } else { 2 }, if scatters { dims.1 } else { 2 });
            let (from_rect, to_rect) = (if gathers { box_of(dims.0, -2, 4) } else { own }, if scatters { box_of(dims.1, 5, 5) } else { own });
            let (size, operator) = if sums { (4, Some(Operator::Known(Reduction::Sum, ElementType::Int32))) } else { (size, None) };
            let from = Held::new(from_rect, size, |i| (i * 7 % 251) as u8);
            let mut to = Held::new(to_rect, size, |i| (i * 5 % 241) as u8);
            let (gather, gathered) = named(own, from_rect, from_dim, wide, &seed);
            let (scatter, scattered) = named(own, to_rect, to_dim, wide, &seed[7..]);
            let (in_from, in_to, in_own) = (domain(from_rect, holes.0 && gathers), domain(to_rect, holes.1 && scatters), domain(own, true));

            let mut expected = to.bytes.clone();
            let mut astray = None;
            for (&(p, source), &(_, destination)) in gathered.iter().zip(&scattered).filter(|((p, _), _)| in_own.contains_point(*p)) {
                let (source, destination) = (if gathers { source } else { p }, if scatters { destination } else { p });
                if !in_from.contains_point(source) || !in_to.contains_point(destination) {
                    let in_source = !in_from.contains_point(source);
                    astray = astray.or(Some(Astray { at: p, named: if in_source { source } else { destination }, in_source }));
                    continue;
                }
                let (into, with) = (to.element(destination), from.element(source));
                match operator {
                    None => expected[into].copy_from_slice(&from.bytes[with]),
                    Some(operator) => operator.fold(&mut expected[into], &from.bytes[with]),
                }
            }
            let (gather, scatter) = (gather.instance(), scatter.instance());
            let copy = Indirect {
                source: Side { named: gathers.then_some(&gather), inside: &in_from, dim: from_dim },
                destination: Side { named: scatters.then_some(&scatter), inside: &in_to, dim: to_dim },
                domain: &in_own,
            };
            let to_instance = FieldInstance::dense(to.bytes.as_mut_ptr(), to.rect, size);
            unsafe {
                prop_assert_eq!(copy.first_astray(), astray);
                copy.copy(&from.instance(), &to_instance, operator);
            }
            prop_assert_eq!(&to.bytes, &expected);
        }
    }
}
