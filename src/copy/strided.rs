//! Strided copies. The dimensions of a copy are merged where both sides run on without a gap, so that whole blocks become
//! one memory copy and a thin face a loop over short runs of a size the compiler knows.

use crate::base::Result;
use crate::fail;
use crate::geometry::{Point, Rect};
use crate::instance::{dense_bytes, Blocks, FieldInstance};
use std::mem::MaybeUninit;

/// One dimension of a transfer: so many steps, this many bytes apart on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dim {
    pub count: usize,
    pub from: isize,
    pub to: isize,
}

const NO_LOOP: Dim = Dim { count: 1, from: 0, to: 0 };

/// Loops over `dims`, the first innermost, around runs of `run` bytes that lie without gaps on both sides. One more than
/// there are dimensions: one of them may come in blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loops {
    pub run: usize,
    pub dims: [Dim; 4],
}

impl Loops {
    /// Stores cost more than loads: the destination's shortest stride goes inside.
    pub fn new(mut given: [Dim; 4], bytes: usize) -> Self {
        given.sort_by_key(|dim| if dim.count == 1 { usize::MAX } else { dim.to.unsigned_abs() });
        let mut loops = Self { run: bytes, dims: [NO_LOOP; 4] };
        let mut used = 0;
        for dim in given.into_iter().filter(|dim| dim.count > 1) {
            let run = loops.run as isize;
            if used == 0 && dim.from == run && dim.to == run {
                loops.run *= dim.count;
                continue;
            }
            if used > 0 {
                let inner = &mut loops.dims[used - 1];
                let n = inner.count as isize;
                if dim.from == inner.from * n && dim.to == inner.to * n {
                    inner.count *= dim.count;
                    continue;
                }
            }
            loops.dims[used] = dim;
            used += 1;
        }
        loops
    }

    /// Calls `row` with the addresses of each innermost row.
    #[inline]
    pub unsafe fn rows(&self, from: *const u8, to: *mut u8, mut row: impl FnMut(*const u8, *mut u8)) {
        let [_, y, z, w] = self.dims;
        for l in 0..w.count as isize {
            for k in 0..z.count as isize {
                let (from, to) = (from.offset(k * z.from + l * w.from), to.offset(k * z.to + l * w.to));
                (0..y.count as isize).for_each(|j| row(from.offset(j * y.from), to.offset(j * y.to)));
            }
        }
    }

    /// Copies with runs of `N` bytes: the compiler turns each into a few moves instead of a call.
    unsafe fn copy_known<const N: usize>(&self, from: *const u8, to: *mut u8) {
        if let Some(turned) = self.turned().filter(|_| N <= 16) {
            return turned.copy_tiles::<N>(from, to);
        }
        let x = self.dims[0];
        self.rows(from, to, |from, to| {
            for i in 0..x.count as isize {
                let value = from.offset(i * x.from).cast::<[u8; N]>().read();
                to.offset(i * x.to).cast::<[u8; N]>().write(value);
            }
        });
    }

    /// Whether the lines of cache that one row of loads touches stay there for the next row: not if they are many, nor if they fall
    /// into few sets.
    fn rows_stay(&self) -> bool {
        const LINES: usize = (256 << 10) / 64;
        self.dims[0].count <= LINES && self.dims[0].from.unsigned_abs() % 1024 != 0
    }

    /// The same loops with the dimension in which the source has its shortest stride second, if that is not the first, where the
    /// destination has it: a transposition.
    fn turned(&self) -> Option<Self> {
        let shortest = |dim: &Dim| if dim.count > 1 { dim.from.unsigned_abs() } else { usize::MAX };
        let y = (0..4).min_by_key(|&d| shortest(&self.dims[d]))?;
        let few = self.dims[0].count < TILE || self.dims[y].count < TILE;
        if y == 0 || few || self.rows_stay() {
            return None;
        }
        let mut dims = self.dims;
        dims.swap(1, y);
        Some(Self { run: self.run, dims })
    }

    /// Copies a transposition in small tiles, each by way of a buffer: what is loaded, and what is stored, lies side by side, so that
    /// no cache line is needed twice, however the strides fall into the sets of a cache. Larger tiles around them keep to few pages
    /// (blocking for caches as in Lam, Rothberg and Wolf, ASPLOS 1991).
    unsafe fn copy_tiles<const N: usize>(&self, from: *const u8, to: *mut u8) {
        let [x, y, z, w] = self.dims;
        let starts = |dim: &Dim, first: usize| (first..dim.count.min(first + PAGES)).step_by(TILE);
        for l in 0..w.count as isize {
            for k in 0..z.count as isize {
                let (from, to) = (from.offset(k * z.from + l * w.from), to.offset(k * z.to + l * w.to));
                for y0 in (0..y.count).step_by(PAGES) {
                    for x0 in (0..x.count).step_by(PAGES) {
                        for (j, i) in starts(&y, y0).flat_map(|j| starts(&x, x0).map(move |i| (j, i))) {
                            let part = |dim: &Dim, at: usize| Dim { count: TILE.min(dim.count - at), ..*dim };
                            let from = from.offset(i as isize * x.from + j as isize * y.from);
                            let to = to.offset(i as isize * x.to + j as isize * y.to);
                            copy_tile::<N>(from, to, part(&x, i), part(&y, j));
                        }
                    }
                }
            }
        }
    }

    unsafe fn copy(&self, from: *const u8, to: *mut u8) {
        match self.run {
            4 => self.copy_known::<4>(from, to),
            8 => self.copy_known::<8>(from, to),
            16 => self.copy_known::<16>(from, to),
            24 => self.copy_known::<24>(from, to),
            32 => self.copy_known::<32>(from, to),
            40 => self.copy_known::<40>(from, to),
            48 => self.copy_known::<48>(from, to),
            64 => self.copy_known::<64>(from, to),
            run => {
                let x = self.dims[0];
                self.rows(from, to, |from, to| {
                    for i in 0..x.count as isize {
                        std::ptr::copy_nonoverlapping(from.offset(i * x.from), to.offset(i * x.to), run);
                    }
                });
            }
        }
    }
}

/// Points of a tile in each dimension, and of the larger tiles around it.
const TILE: usize = 8;
const PAGES: usize = 64;

unsafe fn copy_tile<const N: usize>(from: *const u8, to: *mut u8, x: Dim, y: Dim) {
    let mut tile = [[MaybeUninit::<[u8; N]>::uninit(); TILE]; TILE];
    let load = |i: usize, j: usize| from.offset(i as isize * x.from + j as isize * y.from).cast::<[u8; N]>().read();
    let store = |i: usize, j: usize, value| to.offset(i as isize * x.to + j as isize * y.to).cast::<[u8; N]>().write(value);
    if (x.count, y.count) == (TILE, TILE) {
        // Bounds that the compiler knows.
        for i in 0..TILE {
            for (j, row) in tile.iter_mut().enumerate() {
                row[i].write(load(i, j));
            }
        }
        for (j, row) in tile.iter().enumerate() {
            row.iter().enumerate().for_each(|(i, value)| store(i, j, value.assume_init()));
        }
    } else {
        (0..x.count).for_each(|i| (0..y.count).for_each(|j| store(i, j, load(i, j))));
    }
}

/// Calls `each` with loops over the elements of `rect`, in one go or in several, and with the addresses of the first element
/// on both sides. `from` holds `rect`, which is not empty, and `to` holds it shifted.
#[inline]
pub(super) fn each_loops(from: &FieldInstance, to: &FieldInstance, rect: &Rect, shift: Point, mut each: impl FnMut(&Loops, *const u8, *mut u8)) {
    if from.blocks.is_none() && to.blocks.is_none() {
        let step = |d: usize| Dim { count: rect.extent(d) as usize, from: from.stride[d] as isize, to: to.stride[d] as isize };
        return each(&Loops::new([step(0), step(1), step(2), NO_LOOP], from.bytes), from.at(rect.lo), to.at(rect.shifted(shift).lo));
    }
    each_block(from, to, rect, shift, &mut each);
}

/// Cuts a rectangle at the blocks of either side, so that both are affine in each piece; runs of whole blocks stay one piece,
/// where the dimension of blocks counts as two, unless both sides have blocks and these do not match.
fn each_block(from: &FieldInstance, to: &FieldInstance, rect: &Rect, shift: Point, each: &mut impl FnMut(&Loops, *const u8, *mut u8)) {
    let moved = to.blocks.map(|blocks| Blocks { origin: blocks.origin - shift[blocks.dim], ..blocks });
    let mut piece = |part: &Rect, whole: Option<&Blocks>| {
        let mut dims = [NO_LOOP; 4];
        for (d, dim) in dims.iter_mut().enumerate().take(3) {
            *dim = Dim { count: part.extent(d) as usize, from: from.stride[d] as isize, to: to.stride[d] as isize };
        }
        if let Some(&Blocks { dim, points, .. }) = whole {
            dims[3] = Dim { count: dims[dim].count / points as usize, from: from.step(dim, points) as isize, to: to.step(dim, points) as isize };
            dims[dim].count = points as usize;
        }
        each(&Loops::new(dims, from.bytes), from.at(part.lo), to.at(part.shifted(shift).lo));
    };
    match (&from.blocks, &moved) {
        (Some(a), Some(b)) if (a.dim, a.points, a.phase(b.origin)) != (b.dim, b.points, 0) => {
            cut(rect, a, false, &mut |part, _| cut(part, b, false, &mut |smaller, _| piece(smaller, None)));
        }
        (Some(blocks), _) | (None, Some(blocks)) => cut(rect, blocks, true, &mut |part, whole| piece(part, whole.then_some(blocks))),
        (None, None) => piece(rect, None),
    }
}

/// Cuts a rectangle where blocks begin. With `together` neighbouring whole blocks stay together, and `part` is told so.
fn cut(rect: &Rect, blocks: &Blocks, together: bool, part: &mut impl FnMut(&Rect, bool)) {
    let (d, last) = (blocks.dim, rect.hi[blocks.dim]);
    let mut at = *rect;
    while at.lo[d] <= last {
        let phase = blocks.phase(at.lo[d]);
        let left = last - at.lo[d] + 1;
        let whole = together && phase == 0 && left >= blocks.points;
        let points = if whole { left - left % blocks.points } else { left.min(blocks.points - phase) };
        at.hi[d] = at.lo[d] + points - 1;
        part(&at, whole);
        at.lo[d] += points;
    }
}

/// Copies the elements of `rect` in `from` to the points `shift` away in `to`.
///
/// # Safety
/// `from` holds `rect` and `to` holds it shifted; their elements have one size; the bytes read and written do not overlap,
/// and nobody else writes the former or touches the latter.
pub unsafe fn copy_rect(from: &FieldInstance, to: &FieldInstance, rect: &Rect, shift: Point) {
    if rect.is_empty() {
        return;
    }
    debug_assert!(from.bytes == to.bytes && from.rect.contains(rect) && to.rect.contains(&rect.shifted(shift)));
    each_loops(from, to, rect, shift, |loops, from, to| loops.copy(from, to));
}

/// Gathers the elements of `rect` into `buffer` in Fortran order; returns the bytes used.
///
/// # Safety
/// `from` holds `rect`, and nobody writes it meanwhile.
pub unsafe fn pack(from: &FieldInstance, rect: &Rect, buffer: &mut [u8]) -> Result<usize> {
    let used = check_buffer(from, rect, buffer.len())?;
    copy_rect(from, &FieldInstance::dense(buffer.as_mut_ptr(), *rect, from.bytes), rect, [0; 3]);
    Ok(used)
}

/// Scatters what `pack` gathered to the elements of `rect`; returns the bytes used.
///
/// # Safety
/// `to` holds `rect`, and nobody else touches it meanwhile.
pub unsafe fn unpack(buffer: &[u8], to: &FieldInstance, rect: &Rect) -> Result<usize> {
    let used = check_buffer(to, rect, buffer.len())?;
    copy_rect(&FieldInstance::dense(buffer.as_ptr().cast_mut(), *rect, to.bytes), to, rect, [0; 3]);
    Ok(used)
}

fn check_buffer(instance: &FieldInstance, rect: &Rect, length: usize) -> Result<usize> {
    let needed = dense_bytes(rect, instance.bytes)?;
    if needed > length {
        fail!(Bounds, "a buffer of {length} bytes for {needed} bytes of field data");
    }
    Ok(needed)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An instance in a buffer of its own: dimensions in any order, each with padding and either direction, or blocks along one
    /// of them.
    #[derive(Clone, Debug)]
    pub struct Held {
        pub instance: FieldInstance,
        pub bytes: Vec<u8>,
    }

    pub fn held(rect: Rect, bytes: usize) -> impl Strategy<Value = Held> {
        let order = Just([0usize, 1, 2]).prop_shuffle();
        (order, prop::array::uniform3(0i64..3), prop::array::uniform3(any::<bool>()), any::<u8>(), prop::option::of(1i64..5)).prop_map(
            move |(order, padding, mut reversed, seed, blocks)| {
                let (mut stride, mut size, mut first) = ([0; 3], bytes as i64, 0);
                if let Some(points) = blocks {
                    (stride[order[0]], reversed[order[0]]) = (size, false);
                    // Room for more in each block, and for the origin of blocks anywhere.
                    size = (size * points + padding[0]) * ((rect.extent(order[0]) + padding[0]) / points + 1);
                }
                for d in order.into_iter().skip(blocks.is_some().into()) {
                    stride[d] = if reversed[d] { -size } else { size };
                    first += if reversed[d] { size * (rect.extent(d) - 1) } else { 0 };
                    size *= rect.extent(d) + padding[d];
                }
                let mut memory: Vec<u8> = (0..size).map(|i| (i * 7 + i / 251) as u8 ^ seed).collect();
                let base = memory.as_mut_ptr().wrapping_offset(first as isize);
                let instance = match blocks {
                    None => FieldInstance::new(base, rect, stride, bytes),
                    Some(points) => {
                        // What is held may begin in the middle of a block.
                        let mut wider = rect;
                        wider.lo[order[0]] -= padding[0];
                        let block = bytes as i64 * points + padding[0];
                        let mut instance = FieldInstance::blocked(base, wider, stride, bytes, order[0], points, block);
                        instance.rect = rect;
                        instance
                    }
                };
                Held { instance, bytes: memory }
            },
        )
    }

    impl Held {
        /// The bytes of the element at `p`, by their offsets in the buffer.
        pub fn element(&self, p: Point) -> std::ops::Range<usize> {
            let at = self.instance.at(p) as usize - self.bytes.as_ptr() as usize;
            at..at + self.instance.bytes
        }
    }

    pub fn points(rect: Rect) -> impl Iterator<Item = Point> {
        (rect.lo[2]..=rect.hi[2]).flat_map(move |z| {
            (rect.lo[1]..=rect.hi[1]).flat_map(move |y| (rect.lo[0]..=rect.hi[0]).map(move |x| [x, y, z]))
        })
    }

    /// A rectangle of small extents, some of them 1, and one inside it.
    pub fn nested() -> impl Strategy<Value = (Rect, Rect)> {
        (prop::array::uniform3(-5i64..5), prop::array::uniform3((0i64..6, 0i64..6, 0i64..6))).prop_map(|(lo, sizes)| {
            let outer = Rect::new(lo, std::array::from_fn(|d| lo[d] + sizes[d].0));
            let from: Point = std::array::from_fn(|d| lo[d] + sizes[d].1 % (sizes[d].0 + 1));
            let to: Point = std::array::from_fn(|d| from[d] + sizes[d].2 % (outer.hi[d] - from[d] + 1));
            (outer, Rect::new(from, to))
        })
    }

    fn transfers() -> impl Strategy<Value = (Held, Held, Rect, Point)> {
        let bytes = prop::sample::select(vec![1usize, 2, 3, 4, 8, 12, 16, 24, 40]);
        (nested(), prop::array::uniform3(-9i64..9), bytes).prop_flat_map(|((outer, inner), shift, bytes)| {
            (held(outer, bytes), held(outer.shifted(shift), bytes), Just(inner), Just(shift))
        })
    }

    proptest! {
        #[test]
        fn copies_move_the_points_of_the_rectangle_and_nothing_else((from, to, rect, shift) in transfers()) {
            let mut expected = to.clone().bytes;
            for p in points(rect) {
                let q = std::array::from_fn(|d| p[d] + shift[d]);
                expected[to.element(q)].copy_from_slice(&from.bytes[from.element(p)]);
            }
            unsafe { copy_rect(&from.instance, &to.instance, &rect, shift) };
            prop_assert_eq!(&to.bytes, &expected);
        }

        #[test]
        fn what_is_packed_unpacks_to_the_same((from, to, rect, shift) in transfers()) {
            let bytes = from.instance.bytes;
            let mut buffer = vec![0; rect.volume() as usize * bytes];
            prop_assert_eq!(unsafe { pack(&from.instance, &rect, &mut buffer) }, Ok(buffer.len()));
            let gathered: Vec<u8> = points(rect).flat_map(|p| from.bytes[from.element(p)].to_vec()).collect();
            prop_assert_eq!(&buffer, &gathered);
            let target = rect.shifted(shift);
            unsafe { unpack(&buffer, &to.instance, &target) }.unwrap();
            let scattered: Vec<u8> = points(target).flat_map(|p| to.bytes[to.element(p)].to_vec()).collect();
            prop_assert_eq!(&scattered, &gathered);
            let too_short = unsafe { pack(&from.instance, &rect, &mut buffer[1..]) };
            prop_assert_eq!(too_short.map_err(|error| error.status), Err(crate::base::Status::Bounds));
        }
    }

    #[test]
    fn contiguous_dimensions_merge() {
        let block = Rect::new([0; 3], [47, 47, 3]);
        let dense = [8, 8 * 48, 8 * 48 * 48];
        let loops = |rect: &Rect, from: [isize; 3], to: [isize; 3]| {
            let step = |d: usize| Dim { count: rect.extent(d) as usize, from: from[d], to: to[d] };
            Loops::new([step(0), step(1), step(2), NO_LOOP], 8)
        };
        let whole = loops(&block, dense, dense);
        assert_eq!(whole, Loops { run: 8 * 48 * 48 * 4, dims: [NO_LOOP; 4] });
        // An x face four points deep into a dense ghost region: one loop of 32-byte runs.
        let face = Rect::new([0; 3], [3, 47, 47]);
        let loops = loops(&face, dense, [8, 32, 32 * 48]);
        assert_eq!(loops, Loops { run: 32, dims: [Dim { count: 48 * 48, from: 8 * 48, to: 32 }, NO_LOOP, NO_LOOP, NO_LOOP] });
    }

    #[test]
    fn whole_blocks_are_copied_in_one_go() {
        let rect = Rect::new([0; 3], [63, 9, 9]);
        let blocked = FieldInstance::blocked(0x10000 as *mut u8, rect, [8, 1024, 10240], 8, 0, 8, 128);
        let dense = FieldInstance::dense(0x90000 as *mut u8, rect, 8);
        let pieces = |part: Rect| {
            let mut pieces = 0;
            each_loops(&blocked, &dense, &part, [0; 3], |_, _, _| pieces += 1);
            pieces
        };
        assert_eq!(pieces(rect), 1);
        assert_eq!(pieces(Rect::new([3, 0, 0], [60, 9, 9])), 3);
        let mut runs = 0;
        each_loops(&blocked, &blocked, &rect, [8, 0, 0], |loops, _, _| runs += loops.run);
        assert_eq!(runs, 64);
    }
}
