//! Which sub-region each point of an index launch gets, and whether different points share any points of them.

use super::{PartitionObject, RegionRef};
use crate::base::{memory, Result};
use crate::fail;
use crate::geometry::{overlap_between, overlap_within, Rect};
use crate::region::{Partition, RegionNode};
use std::sync::Arc;

/// Takes a point and the number of points to a colour.
pub type ProjectionFunction = Box<dyn Fn(u32, u32) -> i64 + Send + Sync>;

/// The program's own way from points to colours.
pub struct Projection {
    pub name: Box<str>,
    pub function: ProjectionFunction,
}

/// The colours of the points of one requirement.
#[derive(Clone, Copy)]
pub enum Colours<'a> {
    /// Point p has colour p plus this.
    Shifted(i64),
    /// As listed, by a projection of this name.
    Listed(&'a [i64], &'a str),
}

impl Colours<'_> {
    pub const IDENTITY: Self = Colours::Shifted(0);

    fn of(self, point: u32) -> i64 {
        match self {
            Self::Shifted(by) => by.saturating_add(point.into()),
            Self::Listed(colours, _) => colours[point as usize],
        }
    }

    /// The first point whose colour is not one of `count`.
    fn first_outside(self, points: u32, count: usize) -> Option<u32> {
        let outside = |&point: &u32| !(0..count as i64).contains(&self.of(point));
        match self {
            Self::Shifted(_) if !outside(&0) && !outside(&(points - 1)) => None,
            _ => (0..points).find(outside),
        }
    }
}

/// What the points of a requirement use.
#[derive(Clone, Copy)]
pub enum Regions<'a> {
    /// All the same region.
    Whole(RegionRef<'a>),
    /// Each the sub-region of its colour.
    Parts(&'a PartitionObject, Colours<'a>),
}

impl<'a> Regions<'a> {
    /// Every point has a sub-region.
    pub fn check(self, points: u32) -> Result<()> {
        let Self::Parts(parts, colours) = self else { return Ok(()) };
        let partition = &parts.partition;
        let Some(point) = colours.first_outside(points, partition.children.len()) else { return Ok(()) };
        let how = match colours {
            Colours::Shifted(0) => "without a projection".into(),
            Colours::Shifted(by) => format!("with offset {by}"),
            Colours::Listed(_, name) => format!("by projection \"{name}\""),
        };
        fail!(
            Bounds,
            "point {point} of {points} gets colour {} {how}, and the partition of region {} has {} sub-regions; colours count from 0",
            colours.of(point),
            partition.parent.bounds_text(),
            partition.children.len()
        )
    }

    pub fn of(self, point: u32) -> Result<RegionRef<'a>> {
        match self {
            Self::Whole(region) => Ok(region),
            // Beyond 32 bits it would not have been accepted.
            Self::Parts(parts, colours) => parts.by_ref(colours.of(point) as u32),
        }
    }

    /// A region that holds those of all points.
    pub fn cover(self) -> &'a RegionNode {
        match self {
            Self::Whole(region) => region.node,
            Self::Parts(parts, _) => &parts.partition.parent,
        }
    }

    /// Two different points of which the first writes, by `self`, data that the second uses, by `other`. `scratch` is working
    /// space. An error: the system has no memory to find out.
    pub fn shared_with(self, other: Self, points: u32, scratch: &mut Vec<(u32, u32)>) -> Result<Option<(u32, u32)>> {
        let another = |p: u32| u32::from(p == 0);
        Ok(match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.node.domain.overlaps(&b.node.domain).then_some((0, 1)),
            (Self::Whole(a), parts) => parts.first_meeting(a, points).map(|q| (another(q), q)),
            (parts, Self::Whole(b)) => parts.first_meeting(b, points).map(|p| (p, another(p))),
            (Self::Parts(a, x), Self::Parts(b, y)) => {
                let (a, b) = (&a.partition, &b.partition);
                if std::ptr::eq(a, b) && a.is_disjoint()? {
                    return Ok(match (x, y) {
                        (Colours::Shifted(i), Colours::Shifted(j)) if i == j => None,
                        _ => same_colour(a, x, y, points, scratch),
                    });
                }
                let groups = (Group::all(x, points), Group::all(y, points));
                match self.is_like(other) {
                    true => match Group::two_of_a_kind(a, &groups.0) {
                        None => overlap_within(rects(a, &groups.0)?.iter().map(|(rect, group)| (group.point, *rect)))?,
                        found => found,
                    },
                    false if !a.parent.domain.overlaps(&b.parent.domain) => None,
                    false => overlap_between(rects(b, &groups.1)?, rects(a, &groups.0)?, &|b, a| Group::different(a, b).is_some())?
                        .and_then(|(b, a)| Group::different(a, b)),
                }
            }
        })
    }

    /// Whether every point gets the same by the one as by the other.
    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Parts(a, x), Self::Parts(b, y)) if std::ptr::eq(a, b) => match (x, y) {
                (Colours::Shifted(i), Colours::Shifted(j)) => i == j,
                (Colours::Listed(i, _), Colours::Listed(j, _)) => std::ptr::eq(i, j),
                _ => false,
            },
            _ => false,
        }
    }

    fn first_meeting(self, whole: RegionRef, points: u32) -> Option<u32> {
        let meets = |&point: &u32| self.of(point).is_ok_and(|part| part.node.domain.overlaps(&whole.node.domain));
        (0..points).find(meets)
    }
}

fn child<'a>(partition: &'a Partition, colour: u32) -> &'a Arc<RegionNode> {
    &partition.children[colour as usize]
}

/// Different points that get the same sub-region of a partition, the first by `x` and the second by `y`.
fn same_colour(of: &Partition, x: Colours, y: Colours, points: u32, scratch: &mut Vec<(u32, u32)>) -> Option<(u32, u32)> {
    scratch.clear();
    scratch.extend((0..points).map(|point| (x.of(point) as u32, point)));
    scratch.sort_unstable();
    (0..points).find_map(|q| {
        let colour = y.of(q) as u32;
        if child(of, colour).domain.is_empty() {
            return None;
        }
        let from = scratch.partition_point(|&(c, _)| c < colour);
        // Of two points with the colour one is another than q.
        let those = scratch[from..].iter().take(2).take_while(|&&(c, _)| c == colour);
        those.map(|&(_, p)| (p, q)).find(|(p, q)| p != q)
    })
}

/// A colour and a point that has it; another that has it, too, or the same.
#[derive(Clone, Copy)]
struct Group {
    colour: u32,
    point: u32,
    other: u32,
}

impl Group {
    /// Every colour once, so that many points on one sub-region cost no more than one.
    fn all(colours: Colours, points: u32) -> Vec<Self> {
        let mut all: Vec<Self> = (0..points).map(|point| Self { colour: colours.of(point) as u32, point, other: point }).collect();
        if let Colours::Listed(..) = colours {
            all.sort_unstable_by_key(|group| (group.colour, group.point));
            all.dedup_by(|later, first| {
                let same = later.colour == first.colour;
                if same {
                    first.other = later.point;
                }
                same
            });
        }
        all
    }

    fn two_of_a_kind(of: &Partition, groups: &[Self]) -> Option<(u32, u32)> {
        let shared = |group: &&Self| group.point != group.other && !child(of, group.colour).domain.is_empty();
        groups.iter().find(shared).map(|group| (group.point, group.other))
    }

    /// A point of the one and a different one of the other.
    fn different(a: Self, b: Self) -> Option<(u32, u32)> {
        let pairs = [(a.point, b.point), (a.other, b.point), (a.point, b.other)];
        pairs.into_iter().find(|(p, q)| p != q)
    }
}

fn rects(of: &Partition, groups: &[Group]) -> Result<Vec<(Rect, Group)>> {
    let of_group = |group: &Group| child(of, group.colour).domain.rects();
    let count = groups.iter().map(|group| of_group(group).len()).sum();
    memory::expect(count * size_of::<(Rect, Group)>())?;
    let mut rects = Vec::with_capacity(count);
    groups.iter().for_each(|group| rects.extend(of_group(group).map(|rect| (rect, *group))));
    Ok(rects)
}
