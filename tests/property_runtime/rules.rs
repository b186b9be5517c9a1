//! When a launch is refused and when two operations depend on each other, written down a second time: pair by pair, from the
//! rules of Legion's region requirements, and without a look at what the library does.

use super::program::{Bounds, Coherence, Kind, Operator, Partition, Program, Right, Target, Task};
use std::rc::Rc;

pub const INVALID_ARGUMENT: i32 = 1;
pub const PRIVILEGE: i32 = 6;
pub const TASK_FAILED: i32 = 9;
pub const INTERFERENCE: i32 = 14;
pub const RESOURCES: i32 = 15;

/// A region, with those above it.
#[derive(Debug)]
pub struct Place {
    pub tree: usize,
    pub name: u64,
    pub bounds: Bounds,
    pub parent: Option<Rc<Place>>,
}

impl Place {
    pub fn of_region(program: &Program, tree: usize, region: usize) -> Rc<Place> {
        let found = program.trees[tree].regions[region];
        let parent = found.parent.map(|p| Self::of_region(program, tree, p));
        Rc::new(Place { tree, name: region as u64, bounds: found.bounds, parent })
    }

    fn lies_in(&self, other: &Place) -> bool {
        self.tree == other.tree && self.name == other.name || self.parent.as_ref().is_some_and(|p| p.lies_in(other))
    }
}

/// A requirement of one point of a launch.
#[derive(Clone, Debug)]
pub struct Use {
    pub need: u32,
    pub place: Rc<Place>,
    pub fields: Vec<u32>,
    pub right: Right,
    pub coherence: Coherence,
    /// Of the fields of a reduction.
    pub kind: Option<Kind>,
}

impl Use {
    fn reduction(&self) -> Option<(Operator, Option<Kind>)> {
        match self.right {
            Right::Reduce(operator) => Some((operator, self.kind)),
            _ => None,
        }
    }

    pub fn reduces(&self) -> bool {
        self.reduction().is_some()
    }

    fn meets(&self, other: &Use) -> bool {
        self.place.tree == other.place.tree
            && self.place.bounds.overlaps(&other.place.bounds)
            && self.fields.iter().any(|f| other.fields.contains(f))
    }

    /// Whether the two have to come in program order.
    pub fn conflicts(&self, other: &Use) -> bool {
        if !self.touches(other) {
            return false;
        }
        if let (Some(a), Some(b)) = (self.reduction(), other.reduction()) {
            return a != b || self.coherence.is_weak() != other.coherence.is_weak();
        }
        let both = [self, other];
        if both.iter().any(|u| u.coherence == Coherence::Exclusive) {
            return true;
        }
        // An atomic use and one that is weak: only if the weak one just reads may they meet.
        let weak = both.iter().find(|u| u.coherence.is_weak());
        both.iter().any(|u| u.coherence == Coherence::Atomic) && weak.is_some_and(|weak| weak.right != Right::Read)
    }

    /// Whether the two may come in any order, but not at once.
    pub fn excludes(&self, other: &Use) -> bool {
        let both_reduce = self.reduces() && other.reduces();
        self.touches(other) && !both_reduce && [self, other].iter().all(|u| u.coherence == Coherence::Atomic)
    }

    /// Whether the two use common data, and one of them changes it.
    fn touches(&self, other: &Use) -> bool {
        let both = |right| self.right == right && other.right == right;
        self.meets(other) && self.right != Right::Nothing && other.right != Right::Nothing && !both(Right::Read)
    }

    /// Whether the two reduce common elements alike: they run at once, and their contributions are folded in in program order.
    pub fn reduces_alike(&self, other: &Use) -> bool {
        self.meets(other) && self.reduces() && other.reduces() && !self.conflicts(other)
    }

    /// If the program says that reductions may be.
    pub fn folds_in_any_order(&self) -> bool {
        !self.reduces() || self.coherence == Coherence::Exclusive
    }

    fn covers(&self, asked: &Use, field: u32) -> bool {
        let allowed = match asked.right {
            Right::Nothing => true,
            Right::Read => self.right == Right::Read || self.right.writes(),
            Right::Write | Right::Discard => self.right.writes(),
            Right::Reduce(_) => self.right.writes() || self.reduction() == asked.reduction(),
        };
        allowed && self.fields.contains(&field) && asked.place.lies_in(&self.place)
    }
}

/// What the points of a launch use; an error where blocks cannot be cut.
pub fn uses(program: &Program, parent: &[Use], task: &Task, path: u64) -> Result<Vec<Vec<Use>>, i32> {
    let points = task.points.unwrap_or(1);
    let mut all = vec![Vec::new(); points as usize];
    for need in &task.needs {
        let tree = &program.trees[need.tree];
        let kind = matches!(need.right, Right::Reduce(_)).then(|| tree.kinds[need.fields[0] as usize]);
        let held = |id: u32| parent.iter().find(|u| u.need == id).expect("the parent has this requirement").place.clone();
        let places: Vec<Rc<Place>> = match &need.target {
            Target::Region(region) => vec![Place::of_region(program, need.tree, *region); points as usize],
            Target::Partition(partition) => {
                let Partition { children, .. } = &tree.partitions[*partition];
                children[..points as usize].iter().map(|&c| Place::of_region(program, need.tree, c)).collect()
            }
            Target::Parents(id) => vec![held(*id); points as usize],
            Target::ParentsBlocks(id, counts) => {
                let whole = held(*id);
                let blocks = whole.bounds.blocks(*counts).ok_or(INVALID_ARGUMENT)?;
                let name = |colour: usize| super::kernel::mix(path ^ u64::from(need.id) << 32, colour as u64) | 1 << 63;
                let block = |(colour, bounds)| {
                    Rc::new(Place { tree: need.tree, name: name(colour), bounds, parent: Some(whole.clone()) })
                };
                blocks.into_iter().enumerate().map(block).take(points as usize).collect()
            }
        };
        for (of_point, place) in all.iter_mut().zip(places) {
            let (fields, right, coherence) = (need.fields.clone(), need.right, need.coherence);
            of_point.push(Use { need: need.id, place, fields, right, coherence, kind });
        }
    }
    Ok(all)
}

/// Why a launch is refused, or 0; interference is looked for first. `parent`: what the launching task holds; `None` outside of tasks.
pub fn refusal(parent: Option<&[Use]>, points: &[Vec<Use>]) -> i32 {
    for (p, of_p) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(q, _)| *q != p);
        let written: Vec<&Use> = of_p.iter().filter(|u| u.right.writes()).collect();
        if others.flat_map(|(_, of_q)| of_q).any(|b| written.iter().any(|a| a.conflicts(b))) {
            return INTERFERENCE;
        }
    }
    let interferes = |uses: &Vec<Use>| uses.iter().enumerate().any(|(i, a)| uses[..i].iter().any(|b| a.conflicts(b) || a.excludes(b)));
    if points.iter().any(interferes) {
        return INTERFERENCE;
    }
    let Some(held) = parent else { return 0 };
    let covered = |u: &Use| u.right == Right::Nothing || u.fields.iter().all(|&f| held.iter().any(|h| h.covers(u, f)));
    if points.iter().flatten().all(covered) {
        0
    } else {
        PRIVILEGE
    }
}
