//! A random program as data: region trees, and what is launched on them. The same data is interpreted twice, by the
//! sequential model and through the library.

use std::collections::HashSet;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub lo: [i64; 3],
    pub hi: [i64; 3],
}

impl Bounds {
    pub fn extent(&self, d: usize) -> i64 {
        self.hi[d] - self.lo[d] + 1
    }

    pub fn overlaps(&self, other: &Bounds) -> bool {
        (0..3).all(|d| self.lo[d] <= other.hi[d] && other.lo[d] <= self.hi[d])
    }

    pub fn volume(&self) -> usize {
        (0..3).map(|d| self.extent(d) as usize).product()
    }

    /// Position of a point in Fortran order.
    pub fn offset(&self, p: [i64; 3]) -> usize {
        let at = |d: usize| p[d] - self.lo[d];
        (at(0) + self.extent(0) * (at(1) + self.extent(1) * at(2))) as usize
    }

    pub fn points(&self) -> impl Iterator<Item = [i64; 3]> {
        let Bounds { lo, hi } = *self;
        (lo[2]..=hi[2]).flat_map(move |k| (lo[1]..=hi[1]).flat_map(move |j| (lo[0]..=hi[0]).map(move |i| [i, j, k])))
    }

    /// Near-equal blocks, the longer ones first, first dimension fastest; `None` if a dimension has fewer points.
    pub fn blocks(&self, counts: [i64; 3]) -> Option<Vec<Bounds>> {
        if (0..3).any(|d| counts[d] < 1 || counts[d] > self.extent(d)) {
            return None;
        }
        let cut = |d: usize, i: i64| {
            let (size, longer) = (self.extent(d) / counts[d], self.extent(d) % counts[d]);
            self.lo[d] + i * size + i.min(longer)
        };
        let all = Bounds { lo: [0; 3], hi: counts.map(|c| c - 1) };
        let block = |c: [i64; 3]| Bounds {
            lo: std::array::from_fn(|d| cut(d, c[d])),
            hi: std::array::from_fn(|d| cut(d, c[d] + 1) - 1),
        };
        Some(all.points().map(block).collect())
    }
}

/// What a field's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Raw(usize),
    Int32,
    Int64,
    Float,
    Double,
    FloatComplex,
    DoubleComplex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Sum,
    Product,
    Min,
    Max,
}

#[derive(Clone, Debug)]
pub enum Cut {
    Blocks([i64; 3]),
    Given,
    /// Of the sub-regions of an earlier partition of the same region.
    Grown(usize, [i64; 3]),
}

#[derive(Clone, Debug)]
pub struct Partition {
    pub parent: usize,
    pub cut: Cut,
    /// Regions by colour.
    pub children: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub bounds: Bounds,
    pub parent: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Tree {
    pub dim: usize,
    pub kinds: Vec<Kind>,
    pub regions: Vec<Region>,
    pub partitions: Vec<Partition>,
    /// Fields that lie in one array of the host during the whole program; the host writes it between turns.
    pub hosted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Nothing,
    Read,
    Write,
    Discard,
    Reduce(Operator),
}

impl Right {
    pub fn writes(self) -> bool {
        matches!(self, Right::Write | Right::Discard)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Region(usize),
    /// Point p uses sub-region p.
    Partition(usize),
    /// The region of the requirement of the launching task with this id.
    Parents(u32),
    /// Blocks of that, cut by the launching task.
    ParentsBlocks(u32, [i64; 3]),
}

#[derive(Clone, Debug)]
pub struct Need {
    pub id: u32,
    pub tree: usize,
    pub target: Target,
    pub fields: Vec<u32>,
    pub right: Right,
    pub coherence: Coherence,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coherence {
    Exclusive,
    Simultaneous,
    Atomic,
    Relaxed,
}

impl Coherence {
    pub fn is_weak(self) -> bool {
        matches!(self, Coherence::Simultaneous | Coherence::Relaxed)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Failure {
    pub point: u32,
    /// After the task has written and launched, or before it does anything.
    pub after: bool,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: u32,
    pub needs: Vec<Need>,
    /// An index launch over so many points.
    pub points: Option<u32>,
    /// The results of the points are reduced into one value.
    pub reduced: Option<(Operator, Kind)>,
    /// Somebody uses the result.
    pub result: bool,
    /// Results of earlier tasks of the same context, by their ids.
    pub futures: Vec<u32>,
    pub leaf: bool,
    pub on_host: bool,
    pub fails: Option<Failure>,
    pub argument_bytes: usize,
    pub children: Vec<Step>,
    /// Waits for its children and computes once more.
    pub again: bool,
}

impl Task {
    pub fn with_needs(id: u32, needs: Vec<Need>) -> Self {
        Self {
            id,
            needs,
            points: None,
            reduced: None,
            result: false,
            futures: Vec::new(),
            leaf: true,
            on_host: false,
            fails: None,
            argument_bytes: 0,
            children: Vec::new(),
            again: false,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Action {
    Launch(Task),
    /// Tasks that use the same data at the same time as far as coherence goes, and order themselves by a phase barrier.
    Chain(Vec<Task>, bool),
    /// Rounds between the host and the tasks; launched so many rounds ahead.
    Turns(Vec<Vec<Task>>, usize),
    Epoch(Vec<Task>),
    Fill(Need),
    /// The context itself reads and writes as a task would.
    Map(Need),
    WaitAll,
    Get(u32),
    /// Waits for everything first.
    Attach { tree: usize, fields: Vec<u32>, layout: u64 },
    /// Waits as well, then fills the fields: what they hold without the array is nobody's business.
    Detach { tree: usize, fields: Vec<u32> },
}

#[derive(Clone, Debug)]
pub struct Step {
    pub id: u32,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub workers: i32,
    pub host_helps: bool,
    pub window: u32,
    pub spin_microseconds: i32,
    /// The seed of a mapper that chooses at random, if there is one.
    pub mapper: Option<u64>,
    /// Reductions by operators that the program registers.
    pub registered: bool,
    /// Contributions may be folded in in any order. Not where tasks fail: then who shared a copy with them is lost, too.
    pub any_order: bool,
    /// Whether some tasks may fail.
    pub fails: bool,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub seed: u64,
    pub settings: Settings,
    pub trees: Vec<Tree>,
    pub steps: Vec<Step>,
}

impl Program {
    /// Whether any use leaves it open when others use the data.
    pub fn shares(&self) -> bool {
        fn of_steps(steps: &[Step]) -> bool {
            let weak = |task: &&Task| task.needs.iter().any(|n| n.coherence.is_weak()) || of_steps(&task.children);
            steps.iter().any(|s| tasks_of(&s.action).iter().any(weak))
        }
        of_steps(&self.steps)
    }

    /// Ids of everything that `without` can leave out, outermost first.
    pub fn ids(&self) -> Vec<u32> {
        let mut ids = Vec::new();
        collect_ids(&self.steps, &mut ids);
        ids
    }

    /// The program less steps, tasks and requirements with these ids, and what cannot be without them.
    pub fn without(&self, removed: &HashSet<u32>) -> Program {
        let mut smaller = self.clone();
        remove_steps(&mut smaller.steps, removed, &HashSet::new());
        smaller
    }
}

fn tasks_of(action: &Action) -> Vec<&Task> {
    match action {
        Action::Launch(task) => vec![task],
        Action::Chain(tasks, _) | Action::Epoch(tasks) => tasks.iter().collect(),
        Action::Turns(rounds, _) => rounds.iter().flatten().collect(),
        _ => Vec::new(),
    }
}

fn collect_ids(steps: &[Step], ids: &mut Vec<u32>) {
    ids.extend(steps.iter().map(|s| s.id));
    for task in steps.iter().flat_map(|s| tasks_of(&s.action)) {
        ids.push(task.id);
        ids.extend(task.needs.iter().map(|n| n.id));
        collect_ids(&task.children, ids);
    }
}

fn remove_steps(steps: &mut Vec<Step>, removed: &HashSet<u32>, parents: &HashSet<u32>) {
    steps.retain(|s| !removed.contains(&s.id));
    let mut known: HashSet<u32> = HashSet::new();
    for step in steps.iter_mut() {
        let mut keep = |tasks: &mut Vec<Task>, ends: bool| {
            // The first and the last task of a round are what the host waits for.
            let last = tasks.len().saturating_sub(1);
            let mut at = 0;
            tasks.retain(|t| {
                at += 1;
                ends && (at == 1 || at == last + 1) || !removed.contains(&t.id)
            });
            for task in tasks.iter_mut() {
                remove_within(task, removed, parents, &known);
                known.insert(task.id);
            }
        };
        match &mut step.action {
            Action::Launch(task) => {
                let mut one = vec![task.clone()];
                keep(&mut one, true);
                *task = one.remove(0);
            }
            Action::Chain(tasks, _) | Action::Epoch(tasks) => keep(tasks, false),
            Action::Turns(rounds, _) => rounds.iter_mut().for_each(|tasks| keep(tasks, true)),
            _ => (),
        }
    }
    let mut attached: Vec<(usize, Vec<u32>)> = Vec::new();
    steps.retain(|s| match &s.action {
        Action::Attach { tree, fields, .. } => {
            let free = !attached.iter().any(|a| a.0 == *tree && a.1.iter().any(|f| fields.contains(f)));
            attached.extend(free.then(|| (*tree, fields.clone())));
            free
        }
        Action::Detach { tree, fields } => {
            let before = attached.len();
            attached.retain(|a| a.0 != *tree || &a.1 != fields);
            attached.len() < before
        }
        Action::Launch(task) => !removed.contains(&task.id),
        Action::Chain(tasks, _) | Action::Epoch(tasks) => !tasks.is_empty(),
        Action::Get(future) => known.contains(future) && !removed.contains(future),
        Action::Fill(Need { target: Target::Parents(need), .. }) | Action::Map(Need { target: Target::Parents(need), .. }) => {
            parents.contains(need)
        }
        _ => true,
    });
}

fn remove_within(task: &mut Task, removed: &HashSet<u32>, parents: &HashSet<u32>, known: &HashSet<u32>) {
    task.needs.retain(|n| {
        let has_parent = match n.target {
            Target::Parents(need) | Target::ParentsBlocks(need, _) => parents.contains(&need),
            _ => true,
        };
        has_parent && !removed.contains(&n.id)
    });
    task.futures.retain(|f| known.contains(f) && !removed.contains(f));
    let mine = task.needs.iter().map(|n| n.id).collect();
    remove_steps(&mut task.children, removed, &mine);
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "seed {}, {:?}", self.seed, self.settings)?;
        for (i, tree) in self.trees.iter().enumerate() {
            let few = &tree.kinds[..tree.kinds.len().min(8)];
            writeln!(f, "tree {i}: {}-D{}, {} fields {few:?}", tree.dim, if tree.hosted { ", hosted" } else { "" }, tree.kinds.len())?;
            for (r, region) in tree.regions.iter().enumerate() {
                let used = r == 0 || format!("{:?}", self.steps).contains(&format!("Region({r})"));
                if used {
                    writeln!(f, "  region {r} {:?}..{:?} of {:?}", region.bounds.lo, region.bounds.hi, region.parent)?;
                }
            }
            for (p, partition) in tree.partitions.iter().enumerate() {
                writeln!(f, "  partition {p} of {} {:?} {:?}", partition.parent, partition.cut, partition.children)?;
            }
        }
        self.steps.iter().try_for_each(|step| write_step(f, step, 0))
    }
}

fn write_step(f: &mut fmt::Formatter, step: &Step, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    match &step.action {
        Action::Launch(task) => write_task(f, task, depth),
        Action::Chain(tasks, waits) => {
            writeln!(f, "{indent}chain #{}{}", step.id, if *waits { ", waited for" } else { "" })?;
            tasks.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }
        Action::Turns(rounds, ahead) => rounds.iter().try_for_each(|round| {
            writeln!(f, "{indent}turn #{}, {ahead} ahead", step.id)?;
            round.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }),
        Action::Epoch(tasks) => {
            writeln!(f, "{indent}epoch #{}", step.id)?;
            tasks.iter().try_for_each(|t| write_task(f, t, depth + 1))
        }
        other => writeln!(f, "{indent}#{} {other:?}", step.id),
    }
}

fn write_task(f: &mut fmt::Formatter, task: &Task, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    write!(f, "{indent}task #{}", task.id)?;
    if let Some(points) = task.points {
        write!(f, " over {points} points")?;
    }
    let marks = [(task.leaf, " leaf"), (task.on_host, " on-host"), (task.result, " result"), (task.again, " again")];
    marks.iter().filter(|m| m.0).try_for_each(|m| write!(f, "{}", m.1))?;
    if let Some(fails) = task.fails {
        write!(f, " {fails:?}")?;
    }
    if let Some(reduced) = task.reduced {
        write!(f, " reduced {reduced:?}")?;
    }
    if !task.futures.is_empty() {
        write!(f, " futures {:?}", task.futures)?;
    }
    writeln!(f)?;
    for n in &task.needs {
        writeln!(f, "{indent}  need #{} tree {} {:?} {:?} {:?} fields {:?}", n.id, n.tree, n.target, n.right, n.coherence, n.fields)?;
    }
    task.children.iter().try_for_each(|s| write_step(f, s, depth + 2))
}
