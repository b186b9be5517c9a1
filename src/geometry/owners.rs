//! Which of several sets of points, that may overlap, each point belongs to.

use super::numbering::Numbering;
use super::points::PointSet;
use super::rect::Rect;
use crate::base::{memory, Result};
use std::borrow::Borrow;
use std::collections::HashMap;

/// For every point of a rectangle the number of a list of colours.
pub struct Owners {
    bounds: Rect,
    numbering: Numbering,
    /// The number of all points elsewhere.
    elsewhere: u64,
    table: Table,
    /// A colour, and the list of the other ones; list 0 is empty.
    lists: Vec<(u32, u32)>,
}

/// The number of the list of each point, and 0 behind the last for all that lies elsewhere. In bytes where these do: points
/// are looked up in any order, and a small table stays in cache.
enum Table {
    Narrow(Vec<u8>),
    Wide(Vec<u32>),
}

trait ListNumber: Copy + PartialEq + Default + TryFrom<u32> + Into<u32> {}
impl ListNumber for u8 {}
impl ListNumber for u32 {}

/// Neighbours in the table of which it is worth asking whether they are all alike.
const NEAR: u64 = 1024;

impl Owners {
    pub fn new(bounds: Rect, sets: &[impl Borrow<PointSet>]) -> Result<Self> {
        let numbering = Numbering::new(bounds);
        let points = bounds.volume() as usize;
        memory::expect(points)?;
        let (table, lists) = match fill::<u8>(&numbering, points, sets)? {
            Some((table, lists)) => (Table::Narrow(table), lists),
            None => {
                memory::expect(points * size_of::<u32>())?;
                let (table, lists) = fill::<u32>(&numbering, points, sets)?.expect("fewer lists than points");
                (Table::Wide(table), lists)
            }
        };
        Ok(Self { bounds, numbering, elsewhere: points as u64, table, lists })
    }

    /// The numbers of points, by which their lists are found.
    pub fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// The number of all points that have none.
    pub fn elsewhere(&self) -> u64 {
        self.elsewhere
    }

    /// Calls `visit` with the list of the points with these numbers, and how many in turn have it. `lists`: working space, one for each.
    pub fn each_alike(&self, numbers: &[u64], lists: &mut [u32], visit: impl FnMut(u32, usize)) {
        match &self.table {
            Table::Narrow(table) => each_alike(table, numbers, lists, visit),
            Table::Wide(table) => each_alike(table, numbers, lists, visit),
        }
    }

    /// Calls `visit` with every colour of a list.
    #[inline]
    pub fn each_of(&self, mut list: u32, mut visit: impl FnMut(u32)) {
        while list != 0 {
            let (colour, rest) = self.lists[list as usize];
            visit(colour);
            list = rest;
        }
    }

    /// The colours that any point of `range` has, each once.
    pub fn of_range(&self, range: &Rect, seen: &mut Vec<u32>) {
        seen.clear();
        let add = |list| {
            self.each_of(list, |colour| {
                if !seen.contains(&colour) {
                    seen.push(colour);
                }
            })
        };
        let inside = range.intersection(&self.bounds);
        match &self.table {
            Table::Narrow(table) => each_list(table, &self.numbering, &inside, add),
            Table::Wide(table) => each_list(table, &self.numbering, &inside, add),
        }
    }
}

type Filled<N> = (Vec<N>, Vec<(u32, u32)>);

/// The table and the lists; nothing if there are more lists than `N` has numbers for.
fn fill<N: ListNumber>(numbering: &Numbering, points: usize, sets: &[impl Borrow<PointSet>]) -> Result<Option<Filled<N>>> {
    let mut table = vec![N::default(); points + 1];
    let mut lists = vec![(0, 0)];
    for (colour, set) in (0..).zip(sets.iter().map(Borrow::borrow)) {
        // Each list gets a longer one at most, and each run of points: these, and their number by that of the shorter one.
        let most = lists.len().min(set.volume() as usize);
        memory::expect(most * 2 * size_of::<[(u32, u32); 2]>())?;
        let mut longer = HashMap::new();
        let mut enough = true;
        set.for_each_row(|start, count| {
            let first = numbering.number(start) as usize;
            for alike in table[first..first + count as usize].chunk_by_mut(|a, b| a == b) {
                let list = alike[0].into();
                let number = *longer.entry(list).or_insert_with(|| {
                    lists.push((colour, list));
                    lists.len() as u32 - 1
                });
                match N::try_from(number) {
                    Ok(number) => alike.fill(number),
                    Err(_) => enough = false,
                }
            }
        });
        if !enough {
            return Ok(None);
        }
    }
    Ok(Some((table, lists)))
}

/// As [`Owners::each_alike`].
fn each_alike<N: ListNumber>(table: &[N], numbers: &[u64], lists: &mut [u32], mut visit: impl FnMut(u32, usize)) {
    let (lowest, highest) = numbers.iter().fold((u64::MAX, 0), |(low, high), &n| (low.min(n), high.max(n)));
    // Pointers that stay near name points of one set, mostly: that is seen faster than each is looked up.
    if highest.checked_sub(lowest).is_some_and(|reach| reach <= NEAR) {
        let around = &table[lowest as usize..=highest as usize];
        if around[1..] == around[..around.len() - 1] {
            return visit(around[0].into(), numbers.len());
        }
    }
    let lists = &mut lists[..numbers.len()];
    lists.iter_mut().zip(numbers).for_each(|(list, &n)| *list = table[n as usize].into());
    lists.chunk_by(|a, b| a == b).for_each(|alike| visit(alike[0], alike.len()));
}

/// Calls `visit` with the lists of the points of `part`, neighbours of one list once.
fn each_list<N: ListNumber>(table: &[N], numbering: &Numbering, part: &Rect, mut visit: impl FnMut(u32)) {
    numbering.rows_of(part, |first, count| {
        let row = &table[first as usize..(first + count) as usize];
        row.chunk_by(|a, b| a == b).for_each(|same| visit(same[0].into()));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_lists_than_bytes_have_numbers_for() {
        let line = |lo: i64, hi: i64| Rect::new([lo, 0, 0], [hi, 0, 0]);
        // Point p is in the sets from p on: each point has a list of its own.
        let sets: Vec<PointSet> = (0..300).map(|last| PointSet::from_rect(line(0, last))).collect();
        let owners = Owners::new(line(0, 299), &sets).unwrap();
        let numbers = [0, 123, 299, 300, -1].map(|x| owners.numbering().find([x, 0, 0]).unwrap_or(owners.elsewhere()));
        let mut lists = [0; 5];
        let mut runs = Vec::new();
        owners.each_alike(&numbers, &mut lists, |_, count| runs.push(count));
        assert_eq!(runs, [1, 1, 1, 2], "two points lie elsewhere");
        let colours = |list| {
            let mut all = Vec::new();
            owners.each_of(list, |colour| all.push(colour));
            all.sort_unstable();
            all
        };
        assert_eq!(lists.iter().map(|&l| colours(l).len()).collect::<Vec<_>>(), [300, 177, 1, 0, 0]);
        assert_eq!(colours(lists[1]), (123..300).collect::<Vec<u32>>());
        let mut seen = Vec::new();
        owners.of_range(&line(295, 1000), &mut seen);
        seen.sort_unstable();
        assert_eq!(seen, [295, 296, 297, 298, 299]);
    }
}
