//! The meaning of a program: its tasks executed one after another, in program order.

use super::kernel::{compute, hash_of, mix, otherwise, result_of, Data, Element, Operand};
use super::program::*;
use super::rules::{copied, launched, synchronised, uses, Acquired, Moves, Use, INTERFERENCE, RESOURCES, TASK_FAILED};
use std::collections::HashMap;

/// What a call must answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Status(i32),
    Value(Vec<u8>),
}

/// What the program must show: answers by step and by the path of tasks that makes the call, contents of the host's array
/// after each turn, and of every field used, at the end.
#[derive(Default)]
pub struct Expected {
    pub answers: HashMap<(u32, u64), Answer>,
    pub hosted: HashMap<(u32, usize), Vec<Vec<u8>>>,
    pub fields: HashMap<(usize, u32), Vec<u8>>,
}

pub const ROOT: u64 = 1;

/// Names the execution of one point of a task.
pub fn path_of(parent: u64, task: u32, point: u32) -> u64 {
    mix(mix(parent, u64::from(task)), u64::from(point))
}

/// What the host writes into field `f` before round `round`.
pub fn host_value(kind: Kind, step: u32, round: usize, f: usize, at: usize) -> Element {
    kind.value(mix(mix(u64::from(step) << 8 | f as u64, round as u64), at as u64))
}

pub fn fill_value(kind: Kind, step: u32) -> Element {
    kind.value(mix(u64::from(step), 0xf111))
}

/// What an array holds when it is attached.
pub fn array_value(kind: Kind, step: u32, field: u32, at: usize) -> Element {
    kind.value(mix(mix(u64::from(step), u64::from(field)), at as u64))
}

#[derive(Clone)]
pub enum Future {
    Value(Vec<u8>),
    Failed,
}

#[derive(Default)]
struct Context {
    /// What failed operations of this context use: whatever depends on them does not run.
    bad: Vec<Use>,
    failed: bool,
    /// One, or one for each point.
    futures: HashMap<u32, Vec<Future>>,
    acquired: Acquired,
}

impl Context {
    /// Tells of failures, once; nothing depends on what is told of.
    fn wait_all(&mut self) -> i32 {
        self.bad.clear();
        if std::mem::take(&mut self.failed) {
            TASK_FAILED
        } else {
            0
        }
    }

    fn future(&self, given: Given) -> Option<&Future> {
        self.futures.get(&given.of)?.get(given.point.unwrap_or(0) as usize)
    }

    /// Whether the condition holds; `None` if that cannot be told, since what it takes failed.
    fn holds(&mut self, condition: &Condition) -> Option<bool> {
        match condition {
            Condition::Known(holds) => Some(*holds),
            Condition::Of(given) => match self.future(*given) {
                None => Some(true),
                Some(Future::Failed) => None,
                Some(Future::Value(value)) => matches!(value.len(), 1 | 4 | 8).then(|| value.iter().any(|byte| *byte != 0)),
            },
            Condition::Not(of) => self.holds(of).map(|holds| !holds),
            Condition::All(of) => self.combined(of, true),
            Condition::Any(of) => self.combined(of, false),
        }
    }

    /// An operation of its own: it fails if anything that it takes did, and looks at no more values than it has to.
    fn combined(&mut self, of: &[Condition], all: bool) -> Option<bool> {
        let taken = |context: &Self, c: &Condition| {
            let mut inner = c;
            while let Condition::Not(of) = inner {
                inner = of;
            }
            matches!(inner, Condition::Of(given) if matches!(context.future(*given), Some(Future::Failed)))
        };
        let lost = of.iter().any(|c| taken(self, c));
        // What is combined itself is so before.
        let found: Vec<Option<bool>> = of.iter().map(|c| self.holds(c)).collect();
        let lost = lost || of.iter().zip(&found).any(|(c, found)| found.is_none() && c.is_combined());
        let decided = found.iter().find(|found| **found != Some(all)).copied().unwrap_or(Some(all));
        let holds = if lost { None } else { decided };
        self.failed |= holds.is_none();
        holds
    }
}

struct Model<'p> {
    program: &'p Program,
    expected: Expected,
    last_failed: bool,
}

pub fn run(program: &Program) -> Expected {
    let mut model = Model { program, expected: Expected::default(), last_failed: false };
    let mut context = Context::default();
    for step in &program.steps {
        model.step(step, None, &mut context, ROOT);
    }
    model.expected.answers.insert((0, ROOT), Answer::Status(context.wait_all()));
    model.expected
}

impl Model<'_> {
    fn field(&mut self, tree: usize, field: u32) -> &mut Vec<u8> {
        let tree_data = &self.program.trees[tree];
        let bytes = tree_data.regions[0].bounds.volume() * tree_data.kinds[field as usize].bytes();
        self.expected.fields.entry((tree, field)).or_insert_with(|| vec![0; bytes])
    }

    /// Gives the points in `bounds`, or all, values by their place in Fortran order.
    fn set(&mut self, tree: usize, field: u32, bounds: Option<&Bounds>, value: impl Fn(Kind, usize) -> Element) {
        let (kind, whole) = (self.program.trees[tree].kinds[field as usize], self.program.trees[tree].regions[0].bounds);
        let content = self.field(tree, field);
        for point in bounds.unwrap_or(&whole).points() {
            let at = whole.offset(point);
            content[at * kind.bytes()..][..kind.bytes()].copy_from_slice(&value(kind, at)[..kind.bytes()]);
        }
    }

    /// Something to be mixed into what the launching task computes next.
    fn step(&mut self, step: &Step, held: Option<&[Use]>, context: &mut Context, path: u64) -> u64 {
        let mut answer = None;
        match &step.action {
            Action::Launch(task) => answer = Some(Answer::Status(self.launch(task, held, context, path))),
            Action::Chain(tasks, _) => {
                let mut broken = false;
                for task in tasks {
                    let status = self.launch_behind(task, broken, held, context, path);
                    broken |= status == 0 && std::mem::take(&mut self.last_failed);
                    self.expected.answers.insert((task.id, path), Answer::Status(status));
                }
            }
            Action::Turns(rounds, _) => self.turns(step.id, rounds, context),
            Action::Epoch(tasks) => answer = Some(Answer::Status(self.epoch(tasks, context))),
            Action::Fill(need) => {
                answer = Some(Answer::Status(self.fill(step.id, need.clone(), held, context, path)));
            }
            Action::Copy(copy) => answer = Some(Answer::Status(self.copy(step.id, copy, held, context, path))),
            Action::Acquire(need, condition) | Action::Release(need, condition) => {
                let holds = condition.as_ref().map_or(Some(true), |condition| context.holds(condition));
                let acquires = matches!(step.action, Action::Acquire(..));
                let found = synchronised(self.program, held, need, acquires, &mut context.acquired);
                answer = Some(Answer::Status(found.map_or_else(|status| status, |uses| order(uses, holds.is_none(), context))));
            }
            Action::Total(of, operator, kind) => total(step.id, (*of, *operator, *kind), context),
            Action::Map(need) => answer = Some(Answer::Status(self.map(step.id, need.clone(), held, path))),
            Action::WaitAll => answer = Some(Answer::Status(context.wait_all())),
            Action::Get(given) => {
                answer = Some(match context.future(*given) {
                    Some(Future::Value(value)) => Answer::Value(value.clone()),
                    Some(Future::Failed) => Answer::Status(TASK_FAILED),
                    // Its launch was refused.
                    None => return 0,
                });
            }
            Action::Attach { tree, fields, .. } => {
                answer = Some(Answer::Status(context.wait_all()));
                fields.iter().for_each(|&f| self.set(*tree, f, None, |kind, at| array_value(kind, step.id, f, at)));
            }
            Action::Detach { tree, fields, .. } => {
                answer = Some(Answer::Status(context.wait_all()));
                let attached = fields.iter().map(|&f| self.field(*tree, f).clone()).collect();
                self.expected.hosted.insert((step.id, 0), attached);
                fields.iter().for_each(|&f| self.set(*tree, f, None, |kind, _| fill_value(kind, step.id)));
            }
        }
        let mixed = match &answer {
            Some(Answer::Value(value)) => hash_of(value),
            Some(Answer::Status(status)) => *status as u64,
            None => 0,
        };
        if let Some(answer) = answer {
            self.expected.answers.insert((step.id, path), answer);
        }
        mixed
    }

    fn turns(&mut self, id: u32, rounds: &[Vec<Task>], context: &mut Context) {
        let tree = self.program.trees.iter().position(|t| t.hosted).expect("turns need a hosted tree");
        let fields = self.program.trees[tree].kinds.len();
        for (r, round) in rounds.iter().enumerate() {
            (0..fields).for_each(|f| self.set(tree, f as u32, None, |kind, at| host_value(kind, id, r, f, at)));
            for task in round {
                let status = self.launch(task, None, context, ROOT);
                self.expected.answers.insert((task.id, ROOT), Answer::Status(status));
            }
            let seen = (0..fields).map(|f| self.field(tree, f as u32).clone()).collect();
            self.expected.hosted.insert((id, r), seen);
        }
    }

    fn epoch(&mut self, tasks: &[Task], context: &mut Context) -> i32 {
        let members: Vec<Vec<Use>> =
            tasks.iter().map(|t| uses(self.program, &[], t, ROOT).expect("no blocks of a parent").remove(0)).collect();
        if tasks.len() > self.program.settings.workers as usize {
            return RESOURCES;
        }
        for (i, a) in members.iter().enumerate() {
            if members[..i].iter().flatten().any(|b| a.iter().any(|a| a.conflicts(b) || a.excludes(b))) {
                return INTERFERENCE;
            }
        }
        let mut all = 0;
        for (point, (task, uses)) in tasks.iter().zip(members).enumerate() {
            if self.execute(task, (point as u32, true), uses, context, path_of(ROOT, task.id, point as u32)).is_none() {
                (context.failed, all) = (true, TASK_FAILED);
            }
        }
        // What waiting for the members tells.
        self.expected.answers.insert((tasks[0].id, ROOT), Answer::Status(all));
        0
    }

    fn fill(&mut self, id: u32, need: Need, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        let of_points = match launched(self.program, held, &Task::with_needs(id, vec![need]), path) {
            Ok(of_points) => of_points,
            Err(status) => return status,
        };
        let used = of_points[0][0].clone();
        if context.bad.iter().any(|b| b.conflicts(&used)) {
            context.failed = true;
            context.bad.push(used);
            return 0;
        }
        for &f in &used.fields {
            self.set(used.place.tree, f, Some(&used.place.bounds), |kind, _| fill_value(kind, id));
        }
        0
    }

    fn map(&mut self, id: u32, need: Need, held: Option<&[Use]>, path: u64) -> i32 {
        let uses = match launched(self.program, held, &Task::with_needs(id, vec![need]), path) {
            Ok(mut of_points) => of_points.remove(0),
            Err(status) => return status,
        };
        let operands = [self.operand(&uses[0])];
        compute(path_of(path, id, 0), &operands, false, &mut Content { model: self, uses: &uses, keeps_reductions: true });
        0
    }

    fn copy(&mut self, id: u32, copy: &Transfer, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        let holds = copy.condition.as_ref().map_or(Some(true), |condition| context.holds(condition));
        let moves = match copied(self.program, held, copy, id, path) {
            Ok(moves) => moves,
            Err(status) => return status,
        };
        let inherits = moves.uses.iter().any(|u| context.bad.iter().any(|b| b.conflicts(u)));
        let done = match holds {
            None => false,
            Some(_) if inherits => false,
            Some(holds) => !holds || self.move_elements(copy, &moves),
        };
        if !done {
            context.failed = true;
            context.bad.extend(moves.uses);
        }
        0
    }

    /// Nothing, and `false`, if a name is of no point that may be named.
    fn move_elements(&mut self, copy: &Transfer, moves: &Moves) -> bool {
        let dim = |need: &Need| self.program.trees[need.tree].dim;
        let named = |need: &Need, of: &Need, at: [i64; 3]| Kind::named(&self.element(need.tree, need.fields[0], at), dim(of));
        let (from, to) = (moves.uses[0].place.bounds, moves.uses[1].place.bounds);
        let mut pairs = Vec::new();
        for at in moves.domain.points() {
            let source = copy.gather.as_ref().map_or(at, |need| named(need, &copy.source, at));
            let shifted = std::array::from_fn(|d| at[d] + copy.shift[d]);
            let destination = copy.scatter.as_ref().map_or(shifted, |need| named(need, &copy.destination, at));
            match from.has(source) && to.has(destination) {
                true => pairs.push((source, destination)),
                false if copy.skips => (),
                false => return false,
            }
        }
        for (&field, &into) in copy.source.fields.iter().zip(&copy.destination.fields) {
            for &(source, destination) in &pairs {
                let mut value = self.element(copy.source.tree, field, source);
                if let Some(operator) = copy.fold {
                    let kind = self.program.trees[copy.destination.tree].kinds[into as usize];
                    let (mut total, mut with) = (Element::default(), Element::default());
                    with[..value.len()].copy_from_slice(&value);
                    total[..value.len()].copy_from_slice(&self.element(copy.destination.tree, into, destination));
                    kind.fold(operator, &mut total, &with);
                    value.copy_from_slice(&kind.plain(total)[..kind.bytes()]);
                }
                let at = self.program.trees[copy.destination.tree].regions[0].bounds.offset(destination) * value.len();
                self.field(copy.destination.tree, into)[at..][..value.len()].copy_from_slice(&value);
            }
        }
        true
    }

    /// Elements that nobody has written are 0.
    fn element(&self, tree: usize, field: u32, at: [i64; 3]) -> Vec<u8> {
        let of = &self.program.trees[tree];
        let bytes = of.kinds[field as usize].bytes();
        let first = of.regions[0].bounds.offset(at) * bytes;
        self.expected.fields.get(&(tree, field)).map_or(vec![0; bytes], |content| content[first..][..bytes].to_vec())
    }

    fn launch(&mut self, task: &Task, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        self.launch_behind(task, false, held, context, path)
    }

    /// `broken`: what the launch waits for failed. Notes whether the task itself failed, or could not run.
    fn launch_behind(&mut self, task: &Task, broken: bool, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        let holds = task.condition.as_ref().map_or(Some(true), |condition| context.holds(condition));
        let of_points = match launched(self.program, held, task, path) {
            Ok(of_points) => of_points,
            Err(status) => return status,
        };
        let mut results = Vec::new();
        for (point, uses) in of_points.into_iter().enumerate() {
            let done = match holds.filter(|_| !broken) {
                None => self.spoil(uses, context),
                Some(holds) => {
                    let seen = self.program.point_seen(task, point as u32);
                    self.execute(task, (point as u32, holds), uses, context, path_of(path, task.id, seen))
                }
            };
            context.failed |= done.is_none();
            results.push(done.map_or(Future::Failed, Future::Value));
        }
        self.last_failed = results.iter().any(|result| matches!(result, Future::Failed));
        if !task.result {
            return 0;
        }
        if let (Some((operator, kind)), false) = (task.reduced, task.mapped) {
            let otherwise = (holds == Some(false) && !self.last_failed).then(|| Future::Value(otherwise(task)));
            results = vec![otherwise.unwrap_or_else(|| folded(operator, kind, &results))];
        }
        context.futures.insert(task.id, results);
        0
    }

    /// One point of a task that does not run.
    fn spoil(&self, uses: Vec<Use>, context: &mut Context) -> Option<Vec<u8>> {
        context.bad.extend(uses);
        None
    }

    /// One point of a task: its result, or `None` if it failed or could not run.
    fn execute(
        &mut self,
        task: &Task,
        (point, holds): (u32, bool),
        uses: Vec<Use>,
        context: &mut Context,
        path: u64,
    ) -> Option<Vec<u8>> {
        let of_maps = task.maps.iter().map(|&of| Given { of, point: Some(point) });
        let futures: Vec<&Future> = task.futures.iter().copied().chain(of_maps).filter_map(|f| context.future(f)).collect();
        let inherits = uses.iter().any(|u| context.bad.iter().any(|b| b.conflicts(u)));
        let failed_future = futures.iter().any(|f| matches!(f, Future::Failed));
        let mut seed = path;
        for future in &futures {
            if let Future::Value(value) = future {
                seed = mix(seed, hash_of(value));
            }
        }
        let failure = task.fails.filter(|f| f.point == point);
        let before = matches!(failure, Some(Failure { after: false, .. }));
        if inherits || failed_future {
            return self.spoil(uses, context);
        }
        if !holds {
            return Some(otherwise(task));
        }
        if before {
            return self.spoil(uses, context);
        }
        let result = self.body(task, &uses, seed, failure.is_some(), path);
        if result.is_none() {
            context.bad.extend(uses);
        }
        result
    }

    fn body(&mut self, task: &Task, uses: &[Use], seed: u64, fails: bool, path: u64) -> Option<Vec<u8>> {
        let operands: Vec<Operand> = uses.iter().map(|u| self.operand(u)).collect();
        let mut hash = compute(seed, &operands, false, &mut Content { model: self, uses, keeps_reductions: !fails });
        let mut inner = Context::default();
        for step in &task.children {
            hash = mix(hash, self.step(step, Some(uses), &mut inner, path));
        }
        if task.again {
            hash = mix(hash, inner.wait_all() as u64);
            hash = compute(hash, &operands, true, &mut Content { model: self, uses, keeps_reductions: !fails });
        }
        (!fails && !inner.failed).then(|| result_of(task, hash))
    }

    fn operand(&self, used: &Use) -> Operand {
        let kinds = &self.program.trees[used.place.tree].kinds;
        let fields = used.fields.iter().map(|&f| (f, kinds[f as usize])).collect();
        Operand { right: used.right, takes_turns: used.coherence == Coherence::Atomic, bounds: used.place.bounds, fields }
    }
}

/// An operation that only comes between others.
fn order(uses: Vec<Use>, lost: bool, context: &mut Context) -> i32 {
    if lost || uses.iter().any(|u| context.bad.iter().any(|b| b.conflicts(u))) {
        context.failed = true;
        context.bad.extend(uses);
    }
    0
}

/// The reduction of the results of the points of a launch, an operation of its own.
fn total(id: u32, (of, operator, kind): (u32, Operator, Kind), context: &mut Context) {
    let Some(results) = context.futures.get(&of) else { return };
    let total = folded(operator, kind, results);
    context.failed |= matches!(total, Future::Failed);
    context.futures.insert(id, vec![total]);
}

fn folded(operator: Operator, kind: Kind, results: &[Future]) -> Future {
    let mut total: Option<Element> = None;
    for result in results {
        let Future::Value(value) = result else { return Future::Failed };
        if value.len() != kind.bytes() {
            return Future::Failed;
        }
        let mut element = Element::default();
        element[..value.len()].copy_from_slice(value);
        match &mut total {
            None => total = Some(element),
            Some(total) => kind.fold(operator, total, &element),
        }
    }
    Future::Value(total.expect("at least one point")[..kind.bytes()].to_vec())
}

struct Content<'m, 'p, 'u> {
    model: &'m mut Model<'p>,
    uses: &'u [Use],
    /// A task that fails contributes to no reduction.
    keeps_reductions: bool,
}

impl Content<'_, '_, '_> {
    fn place(&self, need: usize, field: usize, point: [i64; 3]) -> (usize, u32, usize, usize) {
        let used = &self.uses[need];
        let tree = &self.model.program.trees[used.place.tree];
        let bytes = tree.kinds[used.fields[field] as usize].bytes();
        (used.place.tree, used.fields[field], tree.regions[0].bounds.offset(point) * bytes, bytes)
    }
}

impl Data for Content<'_, '_, '_> {
    fn read(&self, need: usize, field: usize, point: [i64; 3]) -> Element {
        let (tree, field, at, bytes) = self.place(need, field, point);
        let mut element = Element::default();
        if let Some(content) = self.model.expected.fields.get(&(tree, field)) {
            element[..bytes].copy_from_slice(&content[at..][..bytes]);
        }
        element
    }

    fn write(&mut self, need: usize, field: usize, point: [i64; 3], value: &Element) {
        if matches!(self.uses[need].right, Right::Reduce(_)) && !self.keeps_reductions {
            return;
        }
        let (tree, field, at, bytes) = self.place(need, field, point);
        let value = self.model.program.trees[tree].kinds[field as usize].plain(*value);
        self.model.field(tree, field)[at..][..bytes].copy_from_slice(&value[..bytes]);
    }
}
