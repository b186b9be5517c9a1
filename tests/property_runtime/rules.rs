//! When a launch is refused and when two operations depend on each other, written down a second time: pair by pair, from the
//! rules of Legion's region requirements, and without a look at what the library does.

use super::program::{Bounds, Coherence, Kind, Need, Operator, Program, Right, Target, Task, Transfer};
use std::collections::HashSet;
use std::rc::Rc;

pub const INVALID_ARGUMENT: i32 = 1;
pub const WRONG_ORDER: i32 = 4;
pub const PRIVILEGE: i32 = 6;
pub const BOUNDS: i32 = 7;
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

    /// A part of it that only one launch names.
    fn part(self: &Rc<Self>, (path, need, colour): (u64, u32, u64), bounds: Bounds) -> Rc<Place> {
        let name = super::kernel::mix(path ^ u64::from(need) << 32, colour) | 1 << 63;
        Rc::new(Place { tree: self.tree, name, bounds, parent: Some(self.clone()) })
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
    fn new(program: &Program, need: &Need, place: Rc<Place>) -> Self {
        let kind = matches!(need.right, Right::Reduce(_)).then(|| program.trees[need.tree].kinds[need.fields[0] as usize]);
        Use { need: need.id, place, fields: need.fields.clone(), right: need.right, coherence: need.coherence, kind }
    }

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

/// What the points of a launch use; an error where blocks cannot be cut, or a point gets none of the sub-regions.
pub fn uses(program: &Program, parent: &[Use], task: &Task, path: u64) -> Result<Vec<Vec<Use>>, i32> {
    let points = task.points.unwrap_or(1);
    // Blocks are cut before anything is launched.
    let places: Result<Vec<Vec<Rc<Place>>>, i32> = task.needs.iter().map(|need| places_of(program, parent, need, path)).collect();
    let mut all = vec![Vec::new(); points as usize];
    for (need, places) in task.needs.iter().zip(places?) {
        for (point, of_point) in all.iter_mut().enumerate() {
            let at = match need.target {
                Target::Region(_) | Target::Parents(_) => 0,
                _ => need.projection.colour(point as u32, points),
            };
            let place = usize::try_from(at).ok().and_then(|at| places.get(at)).ok_or(BOUNDS)?;
            of_point.push(Use::new(program, need, place.clone()));
        }
    }
    Ok(all)
}

/// The regions that the points of a launch may get of a requirement.
fn places_of(program: &Program, parent: &[Use], need: &Need, path: u64) -> Result<Vec<Rc<Place>>, i32> {
    let held = |id: u32| parent.iter().find(|u| u.need == id).expect("the parent has this requirement").place.clone();
    let of_region = |&region: &usize| Place::of_region(program, need.tree, region);
    Ok(match &need.target {
        Target::Region(region) => vec![of_region(region)],
        Target::Partition(partition) => program.trees[need.tree].partitions[*partition].children.iter().map(of_region).collect(),
        Target::Parents(id) => vec![held(*id)],
        Target::ParentsBlocks(id, counts) => {
            let whole = held(*id);
            let blocks = whole.bounds.blocks(*counts).ok_or(INVALID_ARGUMENT)?;
            blocks.into_iter().enumerate().map(|(colour, bounds)| whole.part((path, need.id, colour as u64), bounds)).collect()
        }
    })
}

/// What the points of a launch use, or why it is refused. `held`: what the launching task holds; `None` outside of tasks.
pub fn launched(program: &Program, held: Option<&[Use]>, task: &Task, path: u64) -> Result<Vec<Vec<Use>>, i32> {
    let points = uses(program, held.unwrap_or(&[]), task, path)?;
    if task.concurrent && points.len() > program.settings.workers as usize {
        return Err(RESOURCES);
    }
    let meet = |a: &Use, b: &Use| a.conflicts(b) || a.excludes(b);
    let any = |a: &[Use], b: &[Use]| a.iter().any(|a| b.iter().any(|b| meet(a, b)));
    if task.concurrent && (0..points.len()).any(|p| points[..p].iter().any(|q| any(&points[p], q))) {
        return Err(INTERFERENCE);
    }
    match refusal(held, &points) {
        0 => Ok(points),
        status => Err(status),
    }
}

/// A copy that may be launched.
pub struct Moves {
    pub uses: Vec<Use>,
    /// At which points it looks for names, or that are their own.
    pub domain: Bounds,
}

/// What a copy uses and where, or why it is refused.
pub fn copied(program: &Program, held: Option<&[Use]>, copy: &Transfer, id: u32, path: u64) -> Result<Moves, i32> {
    let place = |need: &Need| places_of(program, held.unwrap_or(&[]), need, path).map(|mut places| places.remove(0));
    let dim = |need: &Need| program.trees[need.tree].dim;
    let (source, destination) = (place(&copy.source)?, place(&copy.destination)?);
    let part = |need: &Need, of: &Rc<Place>, bounds: Bounds, right| {
        let place = of.part((path, id, u64::from(need.id)), bounds);
        Use { right, ..Use::new(program, need, place) }
    };
    let names = [(&copy.gather, &copy.source), (&copy.scatter, &copy.destination)];
    for (named, of) in names {
        let Some(need) = named else { continue };
        let bytes = program.trees[need.tree].kinds[need.fields[0] as usize].bytes();
        if bytes != 4 * dim(of) && bytes != 8 * dim(of) {
            return Err(INVALID_ARGUMENT);
        }
    }
    let from = copy.gather.as_ref().unwrap_or(&copy.source);
    let to = copy.scatter.as_ref().unwrap_or(&copy.destination);
    if dim(from) != dim(to) {
        return Err(INVALID_ARGUMENT);
    }
    let (from, to) = (place(from)?.bounds, place(to)?.bounds);
    let back = copy.shift.map(|s| -s);
    let domain = from.common(&to.shifted(back)).ok_or(BOUNDS)?;
    let mut uses = Vec::new();
    uses.push(match copy.gather {
        Some(_) => Use { right: Right::Read, ..Use::new(program, &copy.source, source) },
        None => part(&copy.source, &source, domain, Right::Read),
    });
    uses.push(match copy.scatter {
        Some(_) => Use { right: Right::Write, ..Use::new(program, &copy.destination, destination) },
        None => part(&copy.destination, &destination, domain.shifted(copy.shift), Right::Write),
    });
    for need in copy.gather.iter().chain(&copy.scatter) {
        uses.push(part(need, &place(need)?, domain, Right::Read));
    }
    match refusal(held, std::slice::from_ref(&uses)) {
        0 => Ok(Moves { uses, domain }),
        status => Err(status),
    }
}

/// Trees, fields and points that a context has acquired.
pub type Acquired = HashSet<(usize, u32, [i64; 3])>;

/// What an acquire or a release uses, or why it is refused. `acquires`: which of the two it is.
pub fn synchronised(program: &Program, held: Option<&[Use]>, need: &Need, acquires: bool, acquired: &mut Acquired) -> Result<Vec<Use>, i32> {
    let used = Use::new(program, need, places_of(program, held.unwrap_or(&[]), need, 0)?.remove(0));
    let of_field = |&field: &u32| used.place.bounds.points().map(move |point| (need.tree, field, point)).collect::<Vec<_>>();
    let all: Vec<(usize, u32, [i64; 3])> = need.fields.iter().flat_map(of_field).collect();
    if all.iter().any(|one| acquired.contains(one) == acquires) {
        return Err(WRONG_ORDER);
    }
    let uses = vec![used];
    match refusal(held, std::slice::from_ref(&uses)) {
        0 if acquires => acquired.extend(all),
        0 => acquired.retain(|one| !all.contains(one)),
        status => return Err(status),
    }
    Ok(uses)
}

/// Why a launch is refused, or 0; interference is looked for first. `parent`: what the launching task holds; `None` outside of tasks.
fn refusal(parent: Option<&[Use]>, points: &[Vec<Use>]) -> i32 {
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
