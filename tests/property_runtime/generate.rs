//! Random programs. Nearly all of what is generated is correct; now and then a launch breaks a rule, and must be refused.

use super::kernel::mix;
use super::program::*;
use super::rules::launched;

mod arrays;
mod copies;
mod terms;

/// splitmix64 (Steele, Lea and Flood, OOPSLA 2014): small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn between(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1) as usize) as i64
    }
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// What an operation may be launched on: everything outside of tasks, or what the launching task holds.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    parent: Option<&'a Task>,
    depth: usize,
}

pub struct Generator {
    random: Random,
    program: Program,
    next_id: u32,
    fails: bool,
    devices: bool,
    /// Nothing but launches, with any coherence.
    plain: bool,
}

/// Uses so far in a context that are not exclusive, and the results that its operations may take.
#[derive(Default)]
pub struct Context {
    shared: Vec<Need>,
    results: Vec<terms::Made>,
    /// What was acquired and not released.
    acquired: Vec<Need>,
}

/// What a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Every kind of operation; its results are those of its tasks one after another.
    Results,
    /// The same, with leaves that devices can run.
    Devices,
    /// Launches, copies, fills and mappings, and tasks that compute nothing; no more and no fewer of them wait for each other than have to.
    Dependences,
    /// The same, with tasks on devices.
    DeviceDependences,
}

impl Aim {
    pub const ALL: [Aim; 4] = [Aim::Results, Aim::Devices, Aim::Dependences, Aim::DeviceDependences];

    /// Whether it is when tasks run that is looked at.
    pub fn watches(self) -> bool {
        matches!(self, Aim::Dependences | Aim::DeviceDependences)
    }

    pub fn has_devices(self) -> bool {
        matches!(self, Aim::Devices | Aim::DeviceDependences)
    }
}

pub fn program(aim: Aim, seed: u64) -> Program {
    let plain = aim.watches();
    let mut random = Random(mix(seed, 0x5eed));
    let settings = Settings {
        workers: 1 + random.below(4) as i32,
        host_helps: !random.one_in(3),
        window: if plain { 1024 } else { *random.pick(&[4, 5, 16, 1024, 1024]) },
        spin_microseconds: *random.pick(&[0, 1, 20]),
        fails: false,
        devices: None,
        mapper: if !plain && seed % 2 == 1 { Some(seed) } else { None },
        registered: seed % 5 < 2,
        any_order: false,
    };
    let fails = !plain && random.one_in(4);
    let settings = Settings { fails, any_order: !fails && seed % 3 == 1, ..settings };
    let program = Program { seed, settings, trees: Vec::new(), steps: Vec::new() };
    let mut generator = Generator { random, program, next_id: 1, fails, plain, devices: aim.has_devices() };
    for _ in 0..1 + generator.random.below(3) {
        let tree = generator.tree();
        generator.program.trees.push(tree);
    }
    generator.name_points();
    let mut context = Context::default();
    for _ in 0..1 + generator.random.below(25) {
        generator.root_step(&mut context);
    }
    generator.detach_parts();
    let mut program = generator.program;
    if aim.has_devices() {
        program.choose_devices(aim.watches());
    }
    program
}

impl Generator {
    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    fn kind(&mut self) -> Kind {
        let raw = *self.random.pick(&[1, 2, 3, 5, 12]);
        *self.random.pick(&[
            Kind::Raw(raw),
            Kind::Int32,
            Kind::Int64,
            Kind::Int64,
            Kind::Float,
            Kind::Double,
            Kind::FloatComplex,
            Kind::DoubleComplex,
        ])
    }

    fn box_within(&mut self, within: &Bounds, dim: usize) -> Bounds {
        let mut bounds = *within;
        for d in 0..dim {
            let (a, b) = (self.random.between(within.lo[d], within.hi[d]), self.random.between(within.lo[d], within.hi[d]));
            (bounds.lo[d], bounds.hi[d]) = (a.min(b), a.max(b));
        }
        bounds
    }

    fn tree(&mut self) -> Tree {
        let dim = 1 + self.random.below(3);
        let longest = [14, 6, 4][dim - 1];
        let mut whole = Bounds { lo: [0; 3], hi: [0; 3] };
        for d in 0..dim {
            whole.lo[d] = self.random.between(-3, 3);
            whole.hi[d] = whole.lo[d] + self.random.between(0, longest - 1);
        }
        let fields = *self.random.pick(&[1, 2, 3, 5, 8, 70, 700]);
        let few: Vec<Kind> = (0..fields.min(12)).map(|_| self.kind()).collect();
        let few = if fields <= 8 { self.some_that_name(few, (whole, dim)) } else { few };
        let kinds = (0..fields).map(|f| few[f % few.len()]).collect();
        let mut tree = Tree { dim, kinds, regions: vec![Region { bounds: whole, parent: None }], partitions: Vec::new(), hosted: false };
        for _ in 0..self.random.below(5) {
            self.partition(&mut tree);
        }
        tree
    }

    fn counts(&mut self, of: &Bounds, dim: usize) -> [i64; 3] {
        std::array::from_fn(|d| if d < dim { self.random.between(1, of.extent(d).min(3)) } else { 1 })
    }

    fn partition(&mut self, tree: &mut Tree) {
        let parent = self.random.below(tree.regions.len().min(6));
        let (within, dim) = (tree.regions[parent].bounds, tree.dim);
        let blocks: Vec<usize> = (0..tree.partitions.len())
            .filter(|&p| tree.partitions[p].parent == parent && matches!(tree.partitions[p].cut, Cut::Blocks(_)))
            .collect();
        let (cut, children) = match self.random.below(3) {
            0 if !blocks.is_empty() => {
                let of = *self.random.pick(&blocks);
                let depth: [i64; 3] = std::array::from_fn(|d| if d < dim { self.random.between(0, 2) } else { 0 });
                let grow = |&child: &usize| {
                    let b = tree.regions[child].bounds;
                    Bounds {
                        lo: std::array::from_fn(|d| (b.lo[d] - depth[d]).max(within.lo[d])),
                        hi: std::array::from_fn(|d| (b.hi[d] + depth[d]).min(within.hi[d])),
                    }
                };
                (Cut::Grown(of, depth), tree.partitions[of].children.iter().map(grow).collect())
            }
            1 => {
                let count = 1 + self.random.below(4);
                (Cut::Given, (0..count).map(|_| self.box_within(&within, dim)).collect::<Vec<_>>())
            }
            _ => {
                let counts = self.counts(&within, dim);
                (Cut::Blocks(counts), within.blocks(counts).expect("counts fit"))
            }
        };
        let first = tree.regions.len();
        tree.regions.extend(children.iter().map(|&bounds| Region { bounds, parent: Some(parent) }));
        tree.partitions.push(Partition { parent, cut, children: (first..tree.regions.len()).collect() });
    }

    fn root_step(&mut self, context: &mut Context) {
        let scope = Scope { parent: None, depth: 0 };
        let action = match self.random.below(40) {
            _ if self.plain => self.action(scope, context),
            0..=2 => self.attach(),
            3 => self.turns(context),
            4 => self.epoch(),
            _ => self.action(scope, context),
        };
        let Some(action) = action.filter(|action| self.fits_arrays(action)) else { return };
        let id = self.id();
        context.results.extend(terms::Made::by_step(id, &action));
        self.program.steps.push(Step { id, action });
    }

    fn action(&mut self, scope: Scope, context: &mut Context) -> Option<Action> {
        match self.random.below(24) {
            0 if !self.plain => Some(Action::WaitAll),
            1 | 2 if !self.plain && !context.results.is_empty() => Some(Action::Get(self.given(context))),
            3 => self.fill(scope),
            4 => self.map(scope),
            5 if !self.plain => self.chain(scope, context),
            6 if !self.plain => self.total(context),
            7..=9 => self.copy(scope, context),
            10 => self.synchronise(scope, context),
            _ => self.task(scope, context).map(Action::Launch),
        }
    }

    fn fields(&mut self, tree: usize, among: Option<&[u32]>) -> Vec<u32> {
        let count = among.map_or(self.program.trees[tree].kinds.len(), <[u32]>::len);
        let most = *self.random.pick(&[1, 1, 2, 3, 40]);
        let (first, wanted) = (self.random.below(count), 1 + self.random.below(most.min(count)));
        let at = |i: usize| (first + i) % count;
        (0..wanted).map(|i| among.map_or(at(i) as u32, |among| among[at(i)])).collect()
    }

    fn right(&mut self) -> Right {
        let operator = *self.random.pick(&[Operator::Sum, Operator::Sum, Operator::Product, Operator::Min, Operator::Max]);
        *self.random.pick(&[Right::Read, Right::Read, Right::Write, Right::Write, Right::Discard, Right::Reduce(operator)])
    }

    /// A right that goes with the fields, which are cut down to those of one kind for a reduction.
    fn settle_right(&mut self, tree: usize, fields: &mut Vec<u32>, right: Right) -> Right {
        let Right::Reduce(operator) = right else { return right };
        let kinds = &self.program.trees[tree].kinds;
        let kind = kinds[fields[0] as usize];
        if !kind.operators().contains(&operator) {
            return Right::Read;
        }
        fields.retain(|&f| kinds[f as usize] == kind);
        right
    }

    fn free_trees(&self) -> Vec<usize> {
        (0..self.program.trees.len()).filter(|&t| !self.program.trees[t].hosted).collect()
    }

    fn need(&mut self, scope: Scope, indexed: bool) -> Option<Need> {
        match scope.parent {
            None => {
                let trees = self.free_trees();
                let tree = *self.random.pick(&trees);
                Some(self.root_need(tree, indexed))
            }
            Some(parent) => self.inner_need(parent, indexed),
        }
    }

    fn root_need(&mut self, tree: usize, indexed: bool) -> Need {
        let (regions, partitions) = (self.program.trees[tree].regions.len(), self.program.trees[tree].partitions.len());
        let target = if indexed && partitions > 0 && !self.random.one_in(5) {
            Target::Partition(self.random.below(partitions))
        } else {
            Target::Region(self.random.below(regions))
        };
        let mut fields = self.fields(tree, None);
        let right = self.right();
        let right = self.settle_right(tree, &mut fields, right);
        let (right, coherence) = self.coherence(right, 6);
        Need { id: self.id(), tree, target, projection: Projection::Identity, fields, right, coherence }
    }

    /// Not exclusive one time in so many; with the right that goes with it.
    fn coherence(&mut self, right: Right, one_in: usize) -> (Right, Coherence) {
        if !self.random.one_in(one_in) {
            return (right, Coherence::Exclusive);
        }
        match *self.random.pick(&[Coherence::Simultaneous, Coherence::Relaxed, Coherence::Atomic, Coherence::Atomic]) {
            // Tasks that come in any order give one result only if all of them add.
            Coherence::Atomic if !self.plain => match right {
                Right::Discard => (Right::Write, Coherence::Atomic),
                Right::Reduce(operator) if operator != Operator::Sum => (right, Coherence::Exclusive),
                _ => (right, Coherence::Atomic),
            },
            coherence => (right, coherence),
        }
    }

    /// Some of what the parent may do with one of its requirements; rarely more.
    fn inner_need(&mut self, parent: &Task, indexed: bool) -> Option<Need> {
        if parent.needs.is_empty() {
            return None;
        }
        let held = self.random.pick(&parent.needs).clone();
        let mut fields = self.fields(held.tree, Some(&held.fields));
        let wanted = self.right();
        let too_much = self.random.one_in(60);
        let right = match held.right {
            _ if too_much => wanted,
            Right::Write | Right::Discard => wanted,
            other => other,
        };
        let right = self.settle_right(held.tree, &mut fields, right);
        if !too_much && matches!(held.right, Right::Reduce(_)) && right != held.right {
            return None;
        }
        let target = match held.target {
            _ if indexed && !self.random.one_in(4) => {
                let counts = self.counts(&Bounds { lo: [0; 3], hi: [1; 3] }, self.program.trees[held.tree].dim);
                Target::ParentsBlocks(held.id, counts)
            }
            Target::Region(region) if self.random.one_in(2) => Target::Region(self.descendant(held.tree, region)),
            _ => Target::Parents(held.id),
        };
        let (right, coherence) = self.coherence(right, if self.plain { 3 } else { 6 });
        Some(Need { id: self.id(), tree: held.tree, target, projection: Projection::Identity, fields, right, coherence })
    }

    fn descendant(&mut self, tree: usize, region: usize) -> usize {
        let regions = &self.program.trees[tree].regions;
        let below: Vec<usize> = (0..regions.len())
            .filter(|&r| {
                let mut at = Some(r);
                while let Some(here) = at.filter(|&here| here != region) {
                    at = regions[here].parent;
                }
                at.is_some()
            })
            .collect();
        *self.random.pick(&below)
    }

    fn task(&mut self, scope: Scope, context: &mut Context) -> Option<Task> {
        let may_be_wrong = self.random.one_in(20);
        for _ in 0..8 {
            let mut task = self.launch(scope, context);
            if !self.plain {
                limit_coherence(&mut task, context);
            }
            let may_be_refused = may_be_wrong || terms::has_neighbours(&task) && self.random.one_in(3);
            if !may_be_refused && scope.parent.is_none() && self.is_refused(&task) {
                continue;
            }
            context.shared.extend(task.needs.iter().filter(|n| n.coherence != Coherence::Exclusive).cloned());
            context.results.extend(terms::Made::by(&task));
            let depth = scope.depth + 1;
            if !task.leaf {
                task.children = self.children(&task, depth);
                task.again = !self.plain && self.random.one_in(2);
            }
            return Some(task);
        }
        None
    }

    fn is_refused(&self, task: &Task) -> bool {
        launched(&self.program, None, task, 0).is_err()
    }

    fn launch(&mut self, scope: Scope, context: &Context) -> Task {
        let indexed = self.random.one_in(3);
        let count = *self.random.pick(&[0, 1, 1, 2, 2, 3, 4]);
        let mut needs: Vec<Need> = (0..count).filter_map(|_| self.need(scope, indexed)).collect();
        if indexed && !needs.is_empty() && self.random.one_in(5) {
            // Neighbours: the same sub-regions once more, by another projection.
            let (id, right) = (self.id(), if self.random.one_in(2) { Right::Read } else { needs[0].right });
            needs.push(Need { id, right, ..needs[0].clone() });
        }
        let mut task = Task::with_needs(self.id(), needs);
        if indexed {
            task.points = Some(self.points(&task.needs));
            self.project(&mut task);
            self.at_once(&mut task);
        }
        self.result(&mut task);
        self.give(&mut task, context);
        task.leaf = !task.concurrent && (scope.depth >= 3 || !self.random.one_in(3 + 2 * scope.depth));
        task.on_host = !self.plain && !task.concurrent && self.random.one_in(12);
        task.argument_bytes = *self.random.pick(&[0, 8, 100, 3000]);
        if self.fails && self.random.one_in(8) {
            let point = self.random.below(task.points.unwrap_or(1) as usize) as u32;
            self.fail(&mut task, point);
        }
        task
    }

    /// A point of the task fails, before or after it writes. With devices, the old content of what it was only to write is gone in either
    /// case: the host's memory is taken for the newest when the task begins.
    fn fail(&mut self, task: &mut Task, point: u32) {
        let after = self.random.one_in(2);
        task.fails = Some(Failure { point, after });
        if self.devices && !after {
            task.needs.iter_mut().filter(|need| need.right == Right::Discard).for_each(|need| need.right = Right::Write);
        }
    }

    fn points(&mut self, needs: &[Need]) -> u32 {
        let of = |need: &Need| match &need.target {
            Target::Partition(p) => Some(self.program.trees[need.tree].partitions[*p].children.len()),
            Target::ParentsBlocks(_, counts) => Some(counts.iter().product::<i64>() as usize),
            _ => None,
        };
        match needs.iter().filter_map(of).min() {
            Some(least) => least as u32,
            None => 1 + self.random.below(4) as u32,
        }
    }

    fn children(&mut self, task: &Task, depth: usize) -> Vec<Step> {
        let mut context = Context::default();
        let mut steps = Vec::new();
        for _ in 0..self.random.below(5) {
            if let Some(action) = self.action(Scope { parent: Some(task), depth }, &mut context) {
                let id = self.id();
                context.results.extend(terms::Made::by_step(id, &action));
                steps.push(Step { id, action });
            }
        }
        steps
    }

    fn fill(&mut self, scope: Scope) -> Option<Action> {
        let mut need = self.need(scope, false)?;
        (need.right, need.coherence) = (Right::Discard, Coherence::Exclusive);
        let kinds = &self.program.trees[need.tree].kinds;
        let first = kinds[need.fields[0] as usize];
        need.fields.retain(|&f| kinds[f as usize] == first);
        Some(Action::Fill(need))
    }

    /// Acquires, or releases what was acquired; rarely out of order.
    fn synchronise(&mut self, scope: Scope, context: &mut Context) -> Option<Action> {
        let out_of_order = self.random.one_in(20);
        let condition = if self.random.one_in(4) { Some(self.condition(context, 1)) } else { None };
        if !context.acquired.is_empty() && !out_of_order {
            let at = self.random.below(context.acquired.len());
            let need = context.acquired.swap_remove(at);
            return Some(Action::Release(Need { id: self.id(), ..need }, condition));
        }
        let mut need = self.need(scope, false)?;
        (need.right, need.coherence) = (Right::Write, Coherence::Exclusive);
        context.acquired.push(need.clone());
        Some(if out_of_order { Action::Release(need, condition) } else { Action::Acquire(need, condition) })
    }

    /// Nobody fails in programs with mappings: whether a mapping would be told of it is left to chance.
    fn map(&mut self, scope: Scope) -> Option<Action> {
        let mut need = self.need(scope, false)?;
        (need.right, need.coherence) = (*self.random.pick(&[Right::Read, Right::Write, Right::Discard]), Coherence::Exclusive);
        (!self.fails).then_some(Action::Map(need))
    }

    fn chain(&mut self, scope: Scope, context: &mut Context) -> Option<Action> {
        let mut shared = self.need(scope, false)?;
        let may_write = scope.parent.is_none_or(|parent| {
            let holds = |n: &Need| n.tree == shared.tree && n.right.writes() && n.coherence == Coherence::Exclusive;
            parent.needs.iter().all(holds)
        });
        if !may_write {
            return None;
        }
        shared.right = Right::Write;
        shared.coherence = *self.random.pick(&[Coherence::Simultaneous, Coherence::Relaxed]);
        let fields = &shared.fields;
        if context.shared.iter().any(|o| o.tree == shared.tree && o.fields.iter().any(|f| fields.contains(f))) {
            return None;
        }
        let tasks: Vec<Task> = (0..2 + self.random.below(4))
            .map(|_| {
                let mut need = shared.clone();
                need.id = self.id();
                if let (Target::Region(region), true) = (&shared.target, self.random.one_in(2)) {
                    need.target = Target::Region(self.descendant(shared.tree, *region));
                }
                let mut task = Task::with_needs(self.id(), vec![need]);
                task.on_host = self.random.one_in(12);
                if self.fails && self.random.one_in(10) {
                    self.fail(&mut task, 0);
                }
                task
            })
            .collect();
        context.shared.extend(tasks.iter().flat_map(|t| t.needs.iter().cloned()));
        Some(Action::Chain(tasks, scope.parent.is_none() && !self.fails && self.random.one_in(3)))
    }

    /// Rounds of the host and the tasks. The hosted tree is made at the first of them.
    fn turns(&mut self, context: &mut Context) -> Option<Action> {
        let tree = match self.program.trees.iter().position(|t| t.hosted) {
            Some(tree) => tree,
            None => {
                let mut tree = self.tree();
                tree.kinds.truncate(4);
                tree.hosted = true;
                self.program.trees.push(tree);
                self.program.trees.len() - 1
            }
        };
        let all: Vec<u32> = (0..self.program.trees[tree].kinds.len() as u32).collect();
        let gate = |generator: &mut Self| {
            let need = Need {
                id: generator.id(),
                tree,
                target: Target::Region(0),
                projection: Projection::Identity,
                fields: all.clone(),
                right: Right::Write,
                coherence: Coherence::Exclusive,
            };
            Task::with_needs(generator.id(), vec![need])
        };
        let mut rounds = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            let mut round = vec![gate(self)];
            for _ in 0..self.random.below(4) {
                let mut need = self.root_need(tree, false);
                need.coherence = Coherence::Exclusive;
                let mut task = Task::with_needs(self.id(), vec![need]);
                task.leaf = self.random.one_in(2);
                if !task.leaf {
                    task.children = self.children(&task, 2);
                }
                round.push(task);
                if let Some(other) = self.task(Scope { parent: None, depth: 2 }, context) {
                    round.push(other);
                }
            }
            if self.random.one_in(2) {
                round.push(gate(self));
            } else {
                round.truncate(1);
            }
            rounds.push(round);
        }
        // Launching ahead fills the window with what waits for the host.
        let outstanding: usize = rounds.iter().flatten().map(|t| 2 + t.points.unwrap_or(1) as usize).sum();
        let room = outstanding + 200 < self.program.settings.window as usize;
        Some(Action::Turns(rounds, if room { self.random.below(4) } else { 0 }))
    }

    fn epoch(&mut self) -> Option<Action> {
        let trees = self.free_trees();
        let tree = *self.random.pick(&trees);
        let found: Vec<usize> = (0..self.program.trees[tree].partitions.len())
            .filter(|&p| matches!(self.program.trees[tree].partitions[p].cut, Cut::Blocks(_)))
            .collect();
        if found.is_empty() {
            return None;
        }
        let children = self.program.trees[tree].partitions[*self.random.pick(&found)].children.clone();
        let most = children.len().min(self.program.settings.workers as usize);
        let members = most + usize::from(self.random.one_in(10) && most < children.len());
        let tasks = children[..members]
            .iter()
            .map(|&child| {
                let mut fields = self.fields(tree, None);
                let right = self.right();
                let right = self.settle_right(tree, &mut fields, right);
                let need = Need { id: self.id(), tree, target: Target::Region(child), projection: Projection::Identity, fields, right, coherence: Coherence::Exclusive };
                let mut task = Task::with_needs(self.id(), vec![need]);
                task.leaf = false;
                task.children = self.children(&task, 2);
                task.again = self.random.one_in(2);
                task
            })
            .collect();
        Some(Action::Epoch(tasks))
    }
}

/// Makes a use exclusive where nothing else would order it against an earlier one, and the order shows.
fn limit_coherence(task: &mut Task, context: &Context) {
    for n in 0..task.needs.len() {
        let need = &task.needs[n];
        let races = |other: &Need| {
            other.tree == need.tree && order_shows(need, other) && other.fields.iter().any(|f| need.fields.contains(f))
        };
        let within = task.needs.iter().enumerate().any(|(m, other)| m != n && races(other));
        let points_meet = need.coherence.is_weak() && need.right.writes() && task.points.is_some();
        if within || points_meet || !task.leaf || context.shared.iter().any(races) {
            task.needs[n].coherence = Coherence::Exclusive;
        }
    }
}

/// Whether the order of two uses shows in what is computed, and their coherence leaves it open.
fn order_shows(a: &Need, b: &Need) -> bool {
    use Coherence::{Atomic, Exclusive};
    match (a.coherence, b.coherence) {
        (Exclusive, _) | (_, Exclusive) | (Atomic, Atomic) => false,
        (Atomic, _) => b.right == Right::Read,
        (_, Atomic) => a.right == Right::Read,
        _ => a.right != b.right || a.right.writes(),
    }
}
