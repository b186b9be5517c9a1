//! Cuts a strided box into what drivers copy in one call: runs of bytes in rows and slices, where rows do not overlap
//! and slices lie whole rows apart. Dimensions without a gap on both sides are merged, so that most boxes are one call.

use super::handles::Dim;
use smallvec::SmallVec;

/// One call: `rows` runs of `run` bytes in each of `slices`, at these offsets from where the two sides begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub run: usize,
    pub rows: usize,
    pub slices: usize,
    pub from: Pitches,
    pub to: Pitches,
}

impl Piece {
    /// The same, run by run.
    pub fn each_row(self) -> impl Iterator<Item = Piece> {
        let side = |side: Pitches, row: usize, slice: usize| Pitches { offset: side.offset + (slice * side.slice + row * side.row) as isize, ..side };
        let rows = (0..self.slices).flat_map(move |slice| (0..self.rows).map(move |row| (row, slice)));
        rows.map(move |(row, slice)| Piece { rows: 1, slices: 1, from: side(self.from, row, slice), to: side(self.to, row, slice), ..self })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pitches {
    pub offset: isize,
    /// Bytes from row to row; at least a run.
    pub row: usize,
    /// Bytes from slice to slice; whole rows, and at least all of one slice.
    pub slice: usize,
}

/// Calls `each` with the pieces of a box of elements of `element` bytes.
pub(super) fn pieces<E>(element: usize, dims: &[Dim; 4], mut each: impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
    if element == 0 || dims.iter().any(|dim| dim.count == 0) {
        return Ok(());
    }
    let plan = Plan::new(element, dims);
    let [a, b, c, d] = plan.loops;
    for i in 0..a.count as isize {
        for j in 0..b.count as isize {
            for k in 0..c.count as isize {
                for l in 0..d.count as isize {
                    let mut piece = plan.piece;
                    piece.from.offset += i * a.from + j * b.from + k * c.from + l * d.from;
                    piece.to.offset += i * a.to + j * b.to + k * c.to + l * d.to;
                    each(piece)?;
                }
            }
        }
    }
    Ok(())
}

/// How many pieces a box has.
pub(super) fn count(element: usize, dims: &[Dim; 4]) -> usize {
    if element == 0 || dims.iter().any(|dim| dim.count == 0) {
        return 0;
    }
    Plan::new(element, dims).loops.iter().map(|dim| dim.count).product()
}

/// Calls `each` with the offset and the bytes of each run of a box on its `to` side.
pub(super) fn runs<E>(element: usize, dims: &[Dim; 4], mut each: impl FnMut(isize, usize) -> Result<(), E>) -> Result<(), E> {
    let dims = dims.map(|dim| Dim { from: dim.to, ..dim });
    pieces(element, &dims, |piece| {
        for k in 0..piece.slices {
            for j in 0..piece.rows {
                each(piece.to.offset + (k * piece.to.slice + j * piece.to.row) as isize, piece.run)?;
            }
        }
        Ok(())
    })
}

/// One piece, and the loops around it.
struct Plan {
    piece: Piece,
    loops: [Dim; 4],
}

impl Plan {
    fn new(element: usize, given: &[Dim; 4]) -> Self {
        let mut run = element;
        let (mut first_from, mut first_to) = (0, 0);
        let mut dims: SmallVec<[Dim; 4]> = SmallVec::new();
        for dim in given.iter().filter(|dim| dim.count > 1) {
            let mut dim = *dim;
            if dim.from < 0 && dim.to < 0 {
                let last = dim.count as isize - 1;
                first_from += last * dim.from;
                first_to += last * dim.to;
                dim = Dim { count: dim.count, from: -dim.from, to: -dim.to };
            }
            dims.push(dim);
        }
        dims.sort_by_key(|dim| dim.to.unsigned_abs());
        while let Some(at) = dims.iter().position(|dim| dim.from == run as isize && dim.to == run as isize) {
            run *= dims.remove(at).count;
        }
        while let Some((inner, outer)) = mergeable(&dims) {
            dims[inner].count *= dims[outer].count;
            dims.remove(outer);
        }
        let (row, slice) = best(run, &dims);
        let pick = |at: Option<usize>| at.map_or(Dim::ONE, |at| dims[at]);
        let (rows, slices) = (pick(row), pick(slice));
        let side = |offset, row: isize, slice: isize| {
            let row = if rows.count > 1 { row as usize } else { run };
            Pitches { offset, row, slice: if slices.count > 1 { slice as usize } else { row * rows.count } }
        };
        let mut loops = [Dim::ONE; 4];
        let outside = (0..dims.len()).filter(|at| Some(*at) != row && Some(*at) != slice);
        loops.iter_mut().zip(outside).for_each(|(place, at)| *place = dims[at]);
        let piece = Piece {
            run,
            rows: rows.count,
            slices: slices.count,
            from: side(first_from, rows.from, slices.from),
            to: side(first_to, rows.to, slices.to),
        };
        Self { piece, loops }
    }
}

/// Two dimensions of which the second goes on where the first ends, on both sides.
fn mergeable(dims: &[Dim]) -> Option<(usize, usize)> {
    let pairs = (0..dims.len()).flat_map(|inner| (0..dims.len()).map(move |outer| (inner, outer)));
    pairs.into_iter().find(|&(inner, outer)| {
        let (a, b) = (&dims[inner], &dims[outer]);
        inner != outer && b.from == a.from * a.count as isize && b.to == a.to * a.count as isize
    })
}

/// The dimensions that become rows and slices of one call: those that make the fewest calls.
fn best(run: usize, dims: &[Dim]) -> (Option<usize>, Option<usize>) {
    let mut best = (1, None, None);
    for (row, a) in dims.iter().enumerate() {
        if a.from < run as isize || a.to < run as isize {
            continue;
        }
        if a.count > best.0 {
            best = (a.count, Some(row), None);
        }
        for (slice, b) in dims.iter().enumerate() {
            let whole = |row: isize, slice: isize| slice % row == 0 && slice >= row * a.count as isize;
            if slice != row && whole(a.from, b.from) && whole(a.to, b.to) && a.count * b.count > best.0 {
                best = (a.count * b.count, Some(row), Some(slice));
            }
        }
    }
    (best.1, best.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Copies as the pieces say, after the rules that drivers have for pitches.
    fn by_pieces(element: usize, dims: &[Dim; 4], from: &[u8], first: usize, to: &mut [u8], start: usize) -> usize {
        let mut calls = 0;
        pieces(element, dims, |piece| {
            calls += 1;
            for side in [piece.from, piece.to] {
                assert!(side.row >= piece.run && side.slice >= side.row * piece.rows && side.slice % side.row == 0, "{piece:?}");
            }
            for k in 0..piece.slices {
                for j in 0..piece.rows {
                    let at = |base: usize, side: Pitches| (base as isize + side.offset) as usize + k * side.slice + j * side.row;
                    let (source, target) = (at(first, piece.from), at(start, piece.to));
                    to[target..target + piece.run].copy_from_slice(&from[source..source + piece.run]);
                }
            }
            Ok::<_, ()>(())
        })
        .unwrap();
        calls
    }

    #[test]
    fn whole_and_merged_boxes_are_one_call() {
        let dense = [Dim { count: 4, from: 8, to: 8 }, Dim { count: 3, from: 32, to: 32 }, Dim { count: 2, from: 96, to: 96 }, Dim::ONE];
        let mut seen = Vec::new();
        pieces(8, &dense, |piece| Ok::<_, ()>(seen.push(piece))).unwrap();
        assert_eq!((seen.len(), seen[0].run, seen[0].rows), (1, 192, 1));
        let face = [Dim { count: 4, from: 8, to: 8 }, Dim { count: 3, from: 80, to: 32 }, Dim { count: 2, from: 800, to: 96 }, Dim::ONE];
        seen.clear();
        pieces(8, &face, |piece| Ok::<_, ()>(seen.push(piece))).unwrap();
        assert_eq!((seen.len(), seen[0].run, seen[0].rows, seen[0].slices), (1, 32, 3, 2));
    }

    #[test]
    fn an_empty_box_is_no_call() {
        let empty = [Dim { count: 0, from: 8, to: 8 }, Dim::ONE, Dim::ONE, Dim::ONE];
        pieces(8, &empty, |_| Err(())).unwrap();
    }

    /// Strides of a box in an array with room around it, its dimensions in some order, some reversed.
    fn side(counts: [usize; 4], order: usize, room: [usize; 4], backwards: [bool; 4], element: usize) -> ([isize; 4], usize, usize) {
        let mut strides = [0; 4];
        let mut step = element + room[3] % 2 * element;
        let mut dims = vec![0, 1, 2, 3];
        for turn in 0..4 {
            let d = dims.remove(order / [1, 4, 12, 24][turn] % dims.len());
            strides[d] = step as isize;
            step *= counts[d] + room[d];
        }
        let mut first = 0;
        for d in 0..4 {
            if backwards[d] {
                first += (counts[d] - 1) * strides[d] as usize;
                strides[d] = -strides[d];
            }
        }
        (strides, first, step)
    }

    proptest! {
        #[test]
        fn pieces_copy_what_a_plain_loop_copies(
            counts in prop::array::uniform4(1usize..4), element in prop::sample::select(vec![1usize, 4, 8]),
            orders in (0usize..24, 0usize..24), room in prop::array::uniform2(prop::array::uniform4(0usize..3)),
            backwards in prop::array::uniform2(prop::array::uniform4(prop::bool::weighted(0.2))),
        ) {
            let (from, first, source_bytes) = side(counts, orders.0, room[0], backwards[0], element);
            let (to, start, target_bytes) = side(counts, orders.1, room[1], backwards[1], element);
            let dims: [Dim; 4] = std::array::from_fn(|d| Dim { count: counts[d], from: from[d], to: to[d] });
            let source: Vec<u8> = (0..source_bytes).map(|i| (i * 37 + 1) as u8).collect();
            let (mut seen, mut expected) = (vec![0; target_bytes], vec![0; target_bytes]);
            let calls = by_pieces(element, &dims, &source, first, &mut seen, start);
            prop_assert_eq!(calls, count(element, &dims));
            for at in 0..counts.iter().product::<usize>() {
                let (mut rest, mut a, mut b) = (at, first as isize, start as isize);
                for dim in dims {
                    a += (rest % dim.count) as isize * dim.from;
                    b += (rest % dim.count) as isize * dim.to;
                    rest /= dim.count;
                }
                for byte in 0..element {
                    expected[b as usize + byte] = source[a as usize + byte];
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
