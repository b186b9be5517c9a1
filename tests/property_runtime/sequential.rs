//! The meaning of a program: its tasks executed one after another, in program order.

use super::kernel::{compute, hash_of, mix, result_of, Data, Element, Operand};
use super::program::{Action, Bounds, Coherence, Failure, Kind, Need, Program, Right, Step, Task};
use super::rules::{refusal, uses, Use, INTERFERENCE, RESOURCES, TASK_FAILED};
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
enum Future {
    Value(Vec<u8>),
    Failed,
}

#[derive(Default)]
struct Context {
    /// What failed operations of this context use: whatever depends on them does not run.
    bad: Vec<Use>,
    failed: bool,
    futures: HashMap<u32, Future>,
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
            Action::Map(need) => answer = Some(Answer::Status(self.map(step.id, need.clone(), held, path))),
            Action::WaitAll => answer = Some(Answer::Status(context.wait_all())),
            Action::Get(future) => {
                answer = Some(match context.futures.get(future) {
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
            Action::Detach { tree, fields } => {
                answer = Some(Answer::Status(context.wait_all()));
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
            if self.execute(task, point as u32, uses, context, path_of(ROOT, task.id, point as u32)).is_none() {
                (context.failed, all) = (true, TASK_FAILED);
            }
        }
        // What waiting for the members tells.
        self.expected.answers.insert((tasks[0].id, ROOT), Answer::Status(all));
        0
    }

    fn fill(&mut self, id: u32, need: Need, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        let as_task = Task::with_needs(id, vec![need]);
        let of_points = uses(self.program, held.unwrap_or(&[]), &as_task, path).expect("nothing to cut");
        let status = refusal(held, &of_points);
        if status != 0 {
            return status;
        }
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
        let as_task = Task::with_needs(id, vec![need]);
        let mut of_points = uses(self.program, held.unwrap_or(&[]), &as_task, path).expect("nothing to cut");
        let status = refusal(held, &of_points);
        if status == 0 {
            let uses = of_points.remove(0);
            let operands = [self.operand(&uses[0])];
            compute(path_of(path, id, 0), &operands, false, &mut Content { model: self, uses: &uses, keeps_reductions: true });
        }
        status
    }

    fn launch(&mut self, task: &Task, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        self.launch_behind(task, false, held, context, path)
    }

    /// `broken`: what the launch waits for failed. Notes whether the task itself failed, or could not run.
    fn launch_behind(&mut self, task: &Task, broken: bool, held: Option<&[Use]>, context: &mut Context, path: u64) -> i32 {
        let of_points = match uses(self.program, held.unwrap_or(&[]), task, path) {
            Ok(of_points) => of_points,
            Err(status) => return status,
        };
        let status = refusal(held, &of_points);
        if status != 0 {
            return status;
        }
        let mut results = Vec::new();
        for (point, uses) in of_points.into_iter().enumerate() {
            let done = match broken {
                true => self.spoil(uses, context),
                false => self.execute(task, point as u32, uses, context, path_of(path, task.id, point as u32)),
            };
            if done.is_none() {
                context.failed = true;
            }
            results.push(done);
        }
        self.last_failed = results.iter().any(Option::is_none);
        if task.result {
            let future = match (results.into_iter().collect::<Option<Vec<_>>>(), task.reduced) {
                (None, _) => Future::Failed,
                (Some(mut values), None) => Future::Value(values.remove(0)),
                (Some(values), Some((operator, kind))) => {
                    let mut total: Option<Element> = None;
                    for value in values {
                        let mut element = [0; 16];
                        element[..value.len()].copy_from_slice(&value);
                        match &mut total {
                            None => total = Some(element),
                            Some(total) => kind.fold(operator, total, &element),
                        }
                    }
                    Future::Value(total.expect("at least one point")[..kind.bytes()].to_vec())
                }
            };
            context.futures.insert(task.id, future);
        }
        0
    }

    /// One point of a task that does not run.
    fn spoil(&self, uses: Vec<Use>, context: &mut Context) -> Option<Vec<u8>> {
        context.bad.extend(uses);
        None
    }

    /// One point of a task: its result, or `None` if it failed or could not run.
    fn execute(&mut self, task: &Task, point: u32, uses: Vec<Use>, context: &mut Context, path: u64) -> Option<Vec<u8>> {
        let futures: Vec<&Future> = task.futures.iter().filter_map(|f| context.futures.get(f)).collect();
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
        if inherits || failed_future || before {
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
        (!fails && !inner.failed).then(|| result_of(task.id, task.reduced, hash))
    }

    fn operand(&self, used: &Use) -> Operand {
        let kinds = &self.program.trees[used.place.tree].kinds;
        let fields = used.fields.iter().map(|&f| (f, kinds[f as usize])).collect();
        Operand { right: used.right, takes_turns: used.coherence == Coherence::Atomic, bounds: used.place.bounds, fields }
    }
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
        let mut element = [0; 16];
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
