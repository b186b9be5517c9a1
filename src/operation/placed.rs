//! Data in the memories that mappers choose: whether it lies there, and where it goes if nobody has written it yet. Data that lies elsewhere
//! is another module's: its task works on a copy (`converted`).

use super::Engine;
use crate::base::{Error, Result};
use crate::copy::touch;
use crate::geometry::{Point, Rect};
use crate::instance::{FieldInstance, InstanceTable};
use crate::machine::{find, page_bytes, Found, Touching};
use crate::region::{FieldMask, RegionNode};
use smallvec::SmallVec;
use std::fmt;
use std::sync::OnceLock;

/// Points of each rectangle whose pages are looked at. At the ends there may be pages that neighbours touched.
const LOOKED_AT: i64 = 4;
/// Pages that are looked at in all: of a field space with thousands of fields those of the first.
const MOST_PAGES: usize = 256;

/// A memory of the host, chosen for some data that lies elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    memory: u32,
    /// Its NUMA node, and the one of the data.
    node: u32,
    found: u32,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "memory {} (NUMA node {}) is asked for: the data lies in NUMA node {}", self.memory, self.node, self.found)
    }
}

/// What kept data from lying where a mapper wanted it: the first that was met.
#[derive(Default)]
pub struct Unplaced(OnceLock<Box<str>>);

impl Unplaced {
    pub fn add(&self, error: Error) {
        self.0.get_or_init(|| error.text.into());
    }

    pub fn first(&self) -> Option<&str> {
        self.0.get().map(|text| &**text)
    }
}

/// Calls with the parts of a field's points that lie together, and where each does.
pub type Parts<'a> = &'a dyn Fn(u32, &mut dyn FnMut(&Rect, &FieldInstance)) -> Result<()>;

/// Whether the fields lie elsewhere than in a memory. Those that nobody has written are put there if they are to be, and then lie there.
pub fn look(
    engine: &Engine,
    (instances, node, mask): (&InstanceTable, &RegionNode, &FieldMask),
    parts: Parts,
    memory: u32,
    to_be_written: bool,
) -> Result<Option<Elsewhere>> {
    if node.domain.is_empty() {
        return Ok(None);
    }
    let wanted = engine.mappers.setting.nodes[memory as usize];
    let mut addresses = SmallVec::<[*const u8; 64]>::new();
    for field in mask.iter() {
        if addresses.len() == MOST_PAGES {
            break;
        }
        parts(field, &mut |rect, place| {
            let points = (0..LOOKED_AT).map(|turn| place.at(between(rect, turn)).cast_const());
            addresses.extend(points.take(MOST_PAGES - addresses.len()));
        })?;
    }
    match find(&addresses, wanted) {
        Ok(Found::Elsewhere(found)) => return Ok(Some(Elsewhere { memory, node: wanted, found })),
        Ok(Found::Untouched) if to_be_written => put(engine, (instances, mask), parts, wanted)?,
        Ok(_) => (),
        Err(error) => engine.unplaced.add(error),
    }
    Ok(None)
}

/// A point within the rectangle, on the way from its first to its last.
fn between(rect: &Rect, turn: i64) -> Point {
    let steps = i128::from(2 * turn + 1);
    std::array::from_fn(|d| rect.lo[d] + (i128::from(rect.extent(d) - 1) * steps / i128::from(2 * LOOKED_AT)) as i64)
}

/// Touches what nobody has. Of these fields the mapper decides from now on, not the default.
fn put(engine: &Engine, (instances, mask): (&InstanceTable, &FieldMask), parts: Parts, node: u32) -> Result<()> {
    // What is said of addresses would overrule what is said of the thread.
    mask.iter().for_each(|field| instances.prefer_none(field));
    let _touching = match Touching::on(node) {
        Ok(touching) => touching,
        Err(error) => {
            engine.unplaced.add(error);
            return Ok(());
        }
    };
    let page = page_bytes();
    // The caller holds these points.
    mask.iter().try_for_each(|field| parts(field, &mut |rect, place| unsafe { touch(place, rect, page) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_looked_at_lie_inside() {
        for rect in [Rect::new([-3, 5, 0], [4, 5, 1 << 40]), Rect::new([0; 3], [0; 3]), Rect::new([1, 2, 3], [10, 4, 8])] {
            let points: Vec<Point> = (0..LOOKED_AT).map(|turn| between(&rect, turn)).collect();
            assert!(points.iter().all(|&point| rect.contains_point(point)), "{points:?}");
            assert!(points.windows(2).all(|pair| (0..3).all(|d| pair[0][d] <= pair[1][d])), "{points:?}");
        }
        assert_eq!([0, 3].map(|turn| between(&Rect::new([0; 3], [80, 0, 0]), turn)), [[10, 0, 0], [70, 0, 0]]);
    }
}
