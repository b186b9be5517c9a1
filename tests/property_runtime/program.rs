//! A random program as data: region trees, and what is launched on them. The same data is interpreted twice, by the
//! sequential model and through the library.

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

    pub fn contains(&self, other: &Bounds) -> bool {
        (0..3).all(|d| self.lo[d] <= other.lo[d] && other.hi[d] <= self.hi[d])
    }

    pub fn has(&self, p: [i64; 3]) -> bool {
        (0..3).all(|d| self.lo[d] <= p[d] && p[d] <= self.hi[d])
    }

    pub fn shifted(&self, by: [i64; 3]) -> Bounds {
        let moved = |p: [i64; 3]| std::array::from_fn(|d| p[d] + by[d]);
        Bounds { lo: moved(self.lo), hi: moved(self.hi) }
    }

    /// What the two have in common, if they have anything.
    pub fn common(&self, other: &Bounds) -> Option<Bounds> {
        let lo = std::array::from_fn(|d| self.lo[d].max(other.lo[d]));
        let hi = std::array::from_fn(|d| self.hi[d].min(other.hi[d]));
        (0..3).all(|d| lo[d] <= hi[d]).then_some(Bounds { lo, hi })
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
    /// Names points of these bounds, by as many integers of 4 or 8 bytes as they have coordinates.
    Names { within: Bounds, dim: usize, wide: bool },
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

/// Which sub-region of a partition each point gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    Identity,
    Offset(i64),
    /// One of the program's own.
    Own(usize),
}

pub const OWN_PROJECTIONS: [fn(i64, i64) -> i64; 5] =
    [|point, points| points - 1 - point, |point, _| point / 2, |_, points| points / 2, |point, points| (3 * point + 1) % points, |point, _| 2 * point];

impl Projection {
    pub fn colour(self, point: u32, points: u32) -> i64 {
        match self {
            Projection::Identity => point.into(),
            Projection::Offset(by) => i64::from(point) + by,
            Projection::Own(which) => OWN_PROJECTIONS[which](point.into(), points.into()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Need {
    pub id: u32,
    pub tree: usize,
    pub target: Target,
    /// Of a target that is a partition or blocks.
    pub projection: Projection,
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

/// The result of an earlier operation of the same context, by its id; of an index launch with a result for each point, of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given {
    pub of: u32,
    pub point: Option<u32>,
}

/// What decides whether an operation does its work. Results that there are not, since their launch was refused, hold.
#[derive(Clone, Debug)]
pub enum Condition {
    Known(bool),
    Of(Given),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    /// Whether an operation of its own finds out whether it holds.
    pub fn is_combined(&self) -> bool {
        match self {
            Condition::Not(of) => of.is_combined(),
            other => matches!(other, Condition::All(_) | Condition::Any(_)),
        }
    }

    /// Results that it takes.
    pub fn given(&self) -> Vec<Given> {
        match self {
            Condition::Known(_) => Vec::new(),
            Condition::Of(given) => vec![*given],
            Condition::Not(of) => of.given(),
            Condition::All(of) | Condition::Any(of) => of.iter().flat_map(Condition::given).collect(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: u32,
    pub needs: Vec<Need>,
    /// An index launch over so many points.
    pub points: Option<u32>,
    /// The points run at once, and wait for each other where none of them can fail.
    pub concurrent: bool,
    /// The results of the points are, or will be, reduced into one value.
    pub reduced: Option<(Operator, Kind)>,
    /// Each point of an index launch keeps a result of its own.
    pub mapped: bool,
    /// The result is a truth value of so many bytes.
    pub truth: Option<usize>,
    /// Somebody uses the result.
    pub result: bool,
    pub futures: Vec<Given>,
    /// Index launches, by their ids: point p is given the result of their point p.
    pub maps: Vec<u32>,
    pub condition: Option<Condition>,
    /// There is a result for when the condition does not hold.
    pub otherwise: bool,
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
            concurrent: false,
            reduced: None,
            mapped: false,
            truth: None,
            result: false,
            futures: Vec::new(),
            maps: Vec::new(),
            condition: None,
            otherwise: false,
            leaf: true,
            on_host: false,
            fails: None,
            argument_bytes: 0,
            children: Vec::new(),
            again: false,
        }
    }
}

/// A copy of each field of `source` to that of `destination`.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub source: Need,
    pub destination: Need,
    pub shift: [i64; 3],
    /// Where a field names the points that elements come from, and go to.
    pub gather: Option<Need>,
    pub scatter: Option<Need>,
    pub skips: bool,
    pub fold: Option<Operator>,
    pub condition: Option<Condition>,
}

impl Transfer {
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        [&self.source, &self.destination].into_iter().chain(&self.gather).chain(&self.scatter)
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
    Copy(Transfer),
    /// Begins or ends the context's own use of data.
    Acquire(Need, Option<Condition>),
    Release(Need, Option<Condition>),
    /// Reduces the results of the points of an earlier index launch.
    Total(u32, Operator, Kind),
    /// The context itself reads and writes as a task would.
    Map(Need),
    WaitAll,
    Get(Given),
    /// Waits for everything first. An array of its own for each sub-region of a partition, or one for all.
    Attach { tree: usize, partition: Option<usize>, fields: Vec<u32>, layout: u64 },
    /// Waits as well, then fills the fields: what they hold without the arrays is nobody's business.
    Detach { tree: usize, partition: Option<usize>, fields: Vec<u32> },
}

impl Action {
    pub fn tasks(&self) -> Vec<&Task> {
        match self {
            Action::Launch(task) => vec![task],
            Action::Chain(tasks, _) | Action::Epoch(tasks) => tasks.iter().collect(),
            Action::Turns(rounds, _) => rounds.iter().flatten().collect(),
            _ => Vec::new(),
        }
    }
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
    /// Where leaves have variants for devices.
    pub devices: Option<DeviceSettings>,
}

#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// As COHORT_DEVICES takes them.
    pub numbers: &'static str,
    /// What of each device's memory may be used.
    pub bytes: Option<usize>,
    pub streams: u32,
    /// It is when tasks run that is looked at: none has a kernel, which could not tell.
    pub watched: bool,
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
            steps.iter().any(|s| s.action.tasks().iter().any(weak))
        }
        of_steps(&self.steps)
    }
}
