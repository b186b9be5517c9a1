//! A table that grows by pieces: it asks for little memory at once, however long it is, and only what lies in its last piece moves.

use std::ops::{Index, IndexMut};

/// Of a power of two elements, to which a vector grows by doubling.
pub struct Pieces<T>(Vec<Vec<T>>);

const PIECE: usize = 256;

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pieces<T> {
    pub fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PIECE + last.len())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of a table without gaps.
    pub fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some(last) if last.len() < PIECE => last.push(value),
            _ => self.0.push(vec![value]),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// The element at `index`, which is made if it is not there; those before it may be missing still.
    #[inline]
    pub fn make(&mut self, index: usize) -> &mut T
    where
        T: Default,
    {
        let (piece, at) = (index / PIECE, index % PIECE);
        if self.0.get(piece).is_none_or(|piece| piece.len() <= at) {
            self.grow(piece, at);
        }
        &mut self.0[piece][at]
    }

    #[cold]
    fn grow(&mut self, piece: usize, at: usize)
    where
        T: Default,
    {
        if self.0.len() <= piece {
            self.0.resize_with(piece + 1, Vec::new);
        }
        self.0[piece].resize_with(at + 1, T::default);
    }
}

impl<T> Index<usize> for Pieces<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: usize) -> &T {
        &self.0[index / PIECE][index % PIECE]
    }
}

impl<T> IndexMut<usize> for Pieces<T> {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.0[index / PIECE][index % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_full_pieces_stay_where_they_are() {
        let mut pieces = Pieces::default();
        (0..PIECE).for_each(|i| pieces.push(i));
        let first: *const usize = &pieces[0];
        (PIECE..1000).for_each(|i| pieces.push(i));
        assert!(std::ptr::eq(first, &pieces[0]) && pieces.iter().copied().eq(0..1000) && pieces.len() == 1000);
        pieces[700] = 7;
        assert_eq!((pieces[700], pieces[701]), (7, 701));
    }

    #[test]
    fn what_lies_far_out_takes_no_memory_for_what_does_not() {
        let mut pieces: Pieces<[u64; 16]> = Pieces::default();
        let before = crate::base::memory::counted::bytes();
        pieces.make(10_000_000)[3] = 5;
        assert_eq!((pieces[10_000_000][3], *pieces.make(10_000_000 - 1)), (5, [0; 16]));
        assert!(crate::base::memory::counted::bytes() - before < 4 << 20);
    }
}
