//! Dependences, exactly. Every launch waits for a gate of its own; the gates open one after another, in random order. After
//! each, exactly those tasks run that the rules let run: one more is a dependence missed, one less a dependence invented.

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
    children: Vec<usize>,
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
            let (before, folds_before) = (those(Use::conflicts), those(Use::reduces_alike));
            let number = self.executions.len();
            let name = path_of(path, task.id, point as u32);
            self.by_path.insert(name, number);
            let children = Vec::new();
            self.executions.push(Execution { task: task.id, gate, uses: uses.clone(), parent, before, folds_before, children });
            mine.push(number);
            let mut children = Vec::new();
            for child in &task.children {
                self.step(program, child, Some(&uses), name, Some(number), &mut children);
            }
            self.executions[number].children = children;
        }
    }

    fn is_complete(&self, ran: &impl Fn(usize) -> bool, number: usize) -> bool {
        let one = &self.executions[number];
        ran(number) && one.children.iter().chain(&one.folds_before).all(|&other| self.is_complete(ran, other))
    }

    /// Which of the first `launched` executions run when these gates are open.
    fn run(&self, open: &[bool], launched: usize) -> Vec<bool> {
        let mut ran = vec![false; self.executions.len()];
        for number in 0..launched {
            let one = &self.executions[number];
            let may = |e: &usize| self.is_complete(&|n| ran[n], *e);
            ran[number] = open[one.gate] && one.parent.is_none_or(|parent| ran[parent]) && one.before.iter().all(may);
        }
        ran
    }
}

/// What the tasks of the program look at.
pub struct Watch {
    plan: Plan,
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

    /// A task begins; what it should have waited for.
    pub fn begin(&self, path: u64) -> Option<String> {
        let one = &self.plan.executions[self.plan.by_path[&path]];
        let missed: Vec<u32> = one
            .before
            .iter()
            .filter(|&&before| !self.plan.is_complete(&|n| self.has_run(n), before))
            .map(|&before| self.plan.executions[before].task)
            .collect();
        (!missed.is_empty()).then(|| format!("#{} runs before {missed:?}, on which it depends", one.task))
    }

    pub fn end(&self, path: u64) {
        self.ran[self.plan.by_path[&path]].store(true, Ordering::Release);
    }

    /// Waits until all have run that may; what did not.
    fn settle(&self, open: &[bool], launched: usize) -> Option<String> {
        let wanted = self.plan.run(open, launched);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let late = (0..wanted.len()).find(|&n| wanted[n] && !self.has_run(n));
            let early = (0..wanted.len()).find(|&n| !wanted[n] && self.has_run(n));
            match (late, early) {
                (_, Some(early)) => return Some(format!("#{} has run and must not yet", self.plan.executions[early].task)),
                (Some(late), None) if Instant::now() > deadline => {
                    return Some(format!("#{} does not run and depends on nothing", self.plan.executions[late].task));
                }
                (Some(_), None) => std::thread::yield_now(),
                (None, None) => return None,
            }
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
    let ran = plan.executions.iter().map(|_| AtomicBool::new(false)).collect();
    world.watch = Some(Watch { plan, ran, gates });

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
