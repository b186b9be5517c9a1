//! Lists that grow as long as the system has memory. How long the list of an operation on sets becomes nobody knows before, and it may be
//! longer than what it is made of.

use crate::base::{memory, Result};
use crate::fail;

/// What lists ask before they grow. Once memory was refused none of them gets longer, and what they are for is not made.
#[derive(Default)]
pub struct Room {
    /// Bytes that the system refused, or 0.
    refused: usize,
}

impl Room {
    /// Whether the list has room for more now.
    #[inline]
    pub fn is_in<T>(&mut self, list: &mut Vec<T>, more: usize) -> bool {
        list.capacity() - list.len() >= more || self.make(list, more)
    }

    #[cold]
    fn make<T>(&mut self, list: &mut Vec<T>, more: usize) -> bool {
        if self.refused == 0 {
            if memory::sparing(|| list.try_reserve(more)).is_err() {
                self.refused = (list.len() + more).max(2 * list.capacity()) * size_of::<T>();
            }
        }
        self.refused == 0
    }

    /// An error if memory was refused.
    pub fn check(&self) -> Result<()> {
        match self.refused {
            0 => Ok(()),
            bytes => fail!(Resources, "the system gives no memory for {bytes} bytes of a set of points; destroy what is no longer used, or name fewer points"),
        }
    }
}

/// A list of these.
pub fn list<T>(of: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let (mut list, mut room) = (Vec::new(), Room::default());
    if room.is_in(&mut list, of.len()) {
        list.extend(of);
    }
    room.check().map(|_| list)
}

/// A list that grows.
pub struct Growing<T> {
    pub list: Vec<T>,
    room: Room,
}

/// Lists that have room for fewer are left as they are.
const FEW: usize = 64;

impl<T: Copy> Growing<T> {
    /// With room for `first`, if there is any.
    pub fn new(first: usize) -> Self {
        let (mut list, mut room) = (Vec::new(), Room::default());
        room.is_in(&mut list, first);
        Self { list, room }
    }

    #[inline]
    pub fn push(&mut self, item: T) {
        if self.room.is_in(&mut self.list, 1) {
            self.list.push(item);
        }
    }

    pub fn extend(&mut self, items: &[T]) {
        if self.room.is_in(&mut self.list, items.len()) {
            self.list.extend_from_slice(items);
        }
    }

    pub fn finish(mut self) -> Result<Vec<T>> {
        self.room.check()?;
        if self.list.capacity() > FEW && self.list.len() < self.list.capacity() / 2 {
            self.list.shrink_to_fit();
        }
        Ok(self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_once_stays_refused() {
        let mut room = Room::default();
        let (mut large, mut small): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        assert!(room.is_in(&mut small, 2) && room.check().is_ok());
        assert!(!room.is_in(&mut large, usize::MAX / 64));
        assert!(room.is_in(&mut small, 1), "there is room already");
        assert!(!room.is_in(&mut small, 1000));
        assert!(room.check().unwrap_err().text.contains(&format!("{} bytes", usize::MAX / 64 * 8)));
    }

    #[test]
    fn a_list_is_made_whole_or_refused() {
        assert_eq!(list(0..1000).unwrap(), (0..1000).collect::<Vec<_>>());
        assert!(list(std::iter::repeat_n(0u64, usize::MAX / 64)).is_err());
    }

    #[test]
    fn a_list_keeps_no_more_than_twice_its_length() {
        let mut few = Growing::new(100_000);
        few.extend(&[1, 2, 3]);
        few.push(4);
        let few = few.finish().unwrap();
        assert!(few == [1, 2, 3, 4] && few.capacity() < 100);
    }
}
