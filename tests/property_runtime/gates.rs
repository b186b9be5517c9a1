//! Dependences, exactly. Every launch waits for a gate of its own; the gates open one after another, in random order. After
//! each, exactly those tasks run that the rules let run: one more is a dependence missed, one less a dependence invented.
//! Tasks that come in any order but not at once have no order: one runs as soon as no other that has begun keeps it out, be it
//! launched earlier or later.

use super::execute::{Place, World};
use super::generate::Random;
use super::program::{Action, Program, Step};
use super::rules::{refusal, uses, Use};
use super::sequential::{path_of, Answer, Expected, ROOT};
use cohort::ffi::barriers::{cohort_phase_barrier_advance, cohort_phase_barrier_arrive, cohort_phase_barrier_create};
use cohort::ffi::types::cohort_phase_barrier_t;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than any task takes on a machine that others keep busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// One point of a task.
struct Execution {
    task: u32,
    gate: usize,
    uses: Vec<Use>,
    parent: Option<usize>,
    /// Earlier ones of the same context that it must wait for.
    before: Vec<usize>,
    /// Earlier ones of the same context whose contributions are folded in before its own.
    folds_before: Vec<usize>,
    /// Those of the same context, earlier and later, that must not be at the same data at the same time.
    excluded: Vec<Excluded>,
    children: Vec<usize>,
}

/// A task reduces into something of its own, and it is the fold of that which is kept out or keeps out.
#[derive(Clone, Copy)]
struct Excluded {
    other: usize,
    own_fold: bool,
    others_fold: bool,
}

/// All that will run, in program order: children follow their parent, and what comes after it follows them.
#[derive(Default)]
struct Plan {
    executions: Vec<Execution>,
    by_path: HashMap<u64, usize>,
    /// By the context of a launch and its task.
    gates: HashMap<(u64, u32), usize>,
    expected: Expected,
}

impl Plan {
    fn step(&mut self, program: &Program, step: &Step, held: Option<&[Use]>, path: u64, parent: Option<usize>, mine: &mut Vec<usize>) {
        let Action::Launch(task) = &step.action else { unreachable!("such programs launch only") };
        let points = uses(program, held.unwrap_or(&[]), task, path).and_then(|points| match refusal(held, &points) {
            0 => Ok(points),
            status => Err(status),
        });
        self.expected.answers.insert((step.id, path), Answer::Status(points.as_ref().err().copied().unwrap_or(0)));
        let Ok(points) = points else { return };
        let gate = self.gates.len();
        self.gates.insert((path, task.id), gate);
        for (point, uses) in points.into_iter().enumerate() {
            let those = |related: fn(&Use, &Use) -> bool| {
                let with = |e: &&usize| self.executions[**e].uses.iter().any(|a| uses.iter().any(|b| related(b, a)));
                mine.iter().filter(with).copied().collect::<Vec<usize>>()
            };
            // Where all contributions may be folded in in any order, none waits for another.
            let any_order = program.settings.any_order && uses.iter().all(Use::folds_in_any_order);
            let folds_before = if any_order { Vec::new() } else { those(Use::reduces_alike) };
            let before = those(Use::conflicts);
            let number = self.executions.len();
            let mut excluded = Vec::new();
            for &other in mine.iter() {
                self.exclude((other, number), &uses, &mut excluded);
            }
            let name = path_of(path, task.id, point as u32);
            self.by_path.insert(name, number);
            let children = Vec::new();
            self.executions.push(Execution { task: task.id, gate, uses: uses.clone(), parent, before, folds_before, excluded, children });
            mine.push(number);
            let mut children = Vec::new();
            for child in &task.children {
                self.step(program, child, Some(&uses), name, Some(number), &mut children);
            }
            self.executions[number].children = children;
        }
    }

    /// Notes, on both sides, what keeps two executions apart. `mine`: what the later one uses.
    fn exclude(&mut self, (earlier, later): (usize, usize), mine: &[Use], of_later: &mut Vec<Excluded>) {
        let mut found: Vec<(bool, bool)> = Vec::new();
        for theirs in &self.executions[earlier].uses {
            found.extend(mine.iter().filter(|u| u.excludes(theirs)).map(|u| (u.reduces(), theirs.reduces())));
        }
        found.sort_unstable();
        found.dedup();
        for (mine, theirs) in found {
            of_later.push(Excluded { other: earlier, own_fold: mine, others_fold: theirs });
            self.executions[earlier].excluded.push(Excluded { other: later, own_fold: theirs, others_fold: mine });
        }
    }

    /// Whether the task and its children are done, as far as that can be told from which have run.
    fn has_ended(&self, ran: &impl Fn(usize) -> bool, number: usize) -> bool {
        ran(number) && self.executions[number].children.iter().all(|&child| self.is_complete(ran, child))
    }

    fn is_complete(&self, ran: &impl Fn(usize) -> bool, number: usize) -> bool {
        let folds = &self.executions[number].folds_before;
        self.has_ended(ran, number) && folds.iter().all(|&other| self.is_complete(ran, other))
    }

    /// Why an execution that is or is not among those that `ran` should be otherwise.
    fn wrong(&self, ran: &[bool], open: &[bool], launched: usize) -> Option<Wrong> {
        let held_up = HeldUp::find(self, ran, open, launched);
        let one_of = |number: usize| {
            let may = held_up.is_ready(number);
            match ran[number] {
                true if !may => Some(Wrong::Early(number)),
                false if may && held_up.is_surely_ready(number) && !held_up.tasks[number] => Some(Wrong::Late(number)),
                _ => None,
            }
        };
        let found: Vec<Wrong> = (0..launched).filter_map(one_of).collect();
        found.iter().find(|w| matches!(w, Wrong::Early(_))).or(found.first()).copied()
    }
}

#[derive(Clone, Copy)]
enum Wrong {
    Early(usize),
    Late(usize),
}

/// Who is kept out by somebody who has begun and not ended, or who stands in line before.
struct HeldUp<'a> {
    plan: &'a Plan,
    ran: &'a [bool],
    open: &'a [bool],
    tasks: Vec<bool>,
    folds: Vec<bool>,
}

impl<'a> HeldUp<'a> {
    fn find(plan: &'a Plan, ran: &'a [bool], open: &'a [bool], launched: usize) -> Self {
        let none = vec![false; plan.executions.len()];
        let mut found = Self { plan, ran, open, tasks: none.clone(), folds: none };
        // Nobody is held up by those who are held up by him alone, so what is known grows from those who run.
        while (0..launched).filter(|&number| found.learn(number)).count() > 0 {}
        found
    }

    /// Whether the execution turns out to be held up.
    fn learn(&mut self, number: usize) -> bool {
        let ran = |n: usize| self.ran[n];
        let task = !ran(number) && self.is_ready(number) && self.is_kept_out(number, false);
        let fold = self.plan.has_ended(&ran, number) && self.is_kept_out(number, true);
        let news = task && !self.tasks[number] || fold && !self.folds[number];
        self.tasks[number] |= task;
        self.folds[number] |= fold;
        news
    }

    fn is_kept_out(&self, number: usize, own_fold: bool) -> bool {
        self.plan.executions[number].excluded.iter().filter(|e| e.own_fold == own_fold).any(|e| match e.others_fold {
            true => self.folds[e.other],
            false if self.ran[e.other] => !self.has_surely_ended(e.other),
            false => self.tasks[e.other],
        })
    }

    fn has_surely_ended(&self, number: usize) -> bool {
        self.ran[number] && self.plan.executions[number].children.iter().all(|&child| self.is_surely_complete(child))
    }

    fn is_surely_complete(&self, number: usize) -> bool {
        let folds = &self.plan.executions[number].folds_before;
        self.has_surely_ended(number) && !self.folds[number] && folds.iter().all(|&other| self.is_surely_complete(other))
    }

    fn is_ready(&self, number: usize) -> bool {
        let one = &self.plan.executions[number];
        let complete = |e: &usize| self.plan.is_complete(&|n| self.ran[n], *e);
        // A parent runs while it launches its children.
        self.open[one.gate] && one.parent.is_none_or(|parent| self.is_ready(parent)) && one.before.iter().all(complete)
    }

    fn is_surely_ready(&self, number: usize) -> bool {
        let one = &self.plan.executions[number];
        let complete = |e: &usize| self.is_surely_complete(*e);
        self.open[one.gate] && one.parent.is_none_or(|parent| self.ran[parent]) && one.before.iter().all(complete)
    }
}

/// What the tasks of the program look at.
pub struct Watch {
    plan: Plan,
    began: Vec<AtomicBool>,
    ran: Vec<AtomicBool>,
    gates: Vec<cohort_phase_barrier_t>,
}

impl Watch {
    /// What a launch has to wait for.
    pub fn gate(&self, path: u64, task: u32) -> Option<cohort_phase_barrier_t> {
        self.plan.gates.get(&(path, task)).map(|&gate| {
            let mut next = cohort_phase_barrier_t { id: 0, phase: 0 };
            assert_eq!(unsafe { cohort_phase_barrier_advance(self.gates[gate], &mut next) }, 0);
            next
        })
    }

    fn has_run(&self, number: usize) -> bool {
        self.ran[number].load(Ordering::Acquire)
    }

    /// A task begins; what is wrong with that.
    pub fn begin(&self, path: u64) -> Option<String> {
        let number = self.plan.by_path[&path];
        let one = &self.plan.executions[number];
        let ran = |n: usize| self.has_run(n);
        let names = |those: &[usize]| those.iter().map(|&other| self.plan.executions[other].task).collect::<Vec<_>>();
        let missed: Vec<usize> = one.before.iter().filter(|&&before| !self.plan.is_complete(&ran, before)).copied().collect();
        if !missed.is_empty() {
            return Some(format!("#{} runs before {:?}, on which it depends", one.task, names(&missed)));
        }
        self.began[number].store(true, Ordering::Release);
        let tasks = one.excluded.iter().filter(|e| !e.own_fold && !e.others_fold).map(|e| e.other);
        let beside: Vec<usize> =
            tasks.filter(|&e| self.began[e].load(Ordering::Acquire) && !self.plan.has_ended(&ran, e)).collect();
        (!beside.is_empty()).then(|| format!("#{} runs beside {:?}, which use the same data atomically", one.task, names(&beside)))
    }

    pub fn end(&self, path: u64) {
        self.ran[self.plan.by_path[&path]].store(true, Ordering::Release);
    }

    /// Waits until all have run that may; what did not.
    fn settle(&self, open: &[bool], launched: usize) -> Option<String> {
        let name = |number: usize| self.plan.executions[number].task;
        let deadline = Instant::now() + PATIENCE;
        let mut looked_at = None;
        loop {
            // The last first: what a task waited for had run before it, and comes before it.
            let mut ran: Vec<bool> = (0..self.ran.len()).rev().map(|n| self.has_run(n)).collect();
            ran.reverse();
            if looked_at.as_ref() != Some(&ran) {
                match self.plan.wrong(&ran, open, launched) {
                    None => return None,
                    Some(Wrong::Early(early)) => return Some(format!("#{} has run and must not yet", name(early))),
                    Some(Wrong::Late(late)) if Instant::now() > deadline => {
                        return Some(format!("#{} does not run and depends on nothing", name(late)));
                    }
                    Some(Wrong::Late(_)) => (),
                }
            } else if Instant::now() > deadline {
                looked_at = None;
                continue;
            }
            looked_at = Some(ran);
            std::thread::yield_now();
        }
    }
}

/// What differs from the rules.
pub fn differences(program: &Program) -> Vec<String> {
    let mut plan = Plan::default();
    let (mut roots, mut launched) = (Vec::new(), Vec::new());
    for step in &program.steps {
        plan.step(program, step, None, ROOT, None, &mut roots);
        launched.push(plan.executions.len());
    }
    let expected = std::mem::take(&mut plan.expected);
    let mut world = World::start(program, &expected);
    let gates: Vec<cohort_phase_barrier_t> = (0..plan.gates.len())
        .map(|_| {
            let mut gate = cohort_phase_barrier_t { id: 0, phase: 0 };
            world.must("a gate", unsafe { cohort_phase_barrier_create(world.runtime, 1, &mut gate) });
            gate
        })
        .collect();
    let flags = || plan.executions.iter().map(|_| AtomicBool::new(false)).collect();
    let (began, ran) = (flags(), flags());
    world.watch = Some(Watch { plan, began, ran, gates });

    let watch = world.watch.as_ref().expect("just set");
    let mut random = Random(program.seed);
    let mut closed: Vec<usize> = (0..watch.gates.len()).collect();
    let mut open = vec![false; closed.len()];
    let mut open_one = |random: &mut Random, launched: usize| {
        if closed.is_empty() {
            return false;
        }
        let gate = closed.swap_remove(random.below(closed.len()));
        open[gate] = true;
        world.must("opening a gate", cohort_phase_barrier_arrive(watch.gates[gate], 1));
        if let Some(wrong) = watch.settle(&open, launched) {
            world.complain(wrong);
        }
        !world.is_wrong()
    };
    let mut place = Place::root(&world);
    for (step, launched) in program.steps.iter().zip(launched) {
        place.step(step);
        while random.one_in(3) && open_one(&mut random, launched) {}
    }
    while open_one(&mut random, watch.ran.len()) {}
    if world.is_wrong() {
        // Tasks may still wait for gates that stay closed: this runtime cannot end, and the process will.
        let wrong = world.wrong.lock().expect("no panic").clone();
        std::mem::forget(world);
        return wrong;
    }
    drop(place);
    world.finish()
}
