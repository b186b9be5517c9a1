//! Dependences, exactly. Every launch waits for a gate of its own; the gates open one after another, in random order. After
//! each, exactly those tasks run that the rules let run: one more is a dependence missed, one less a dependence invented.
//! Tasks that come in any order but not at once have no order: one runs as soon as no other that has begun keeps it out, be it
//! launched earlier or later. Nobody sees copies, fills and tasks that a condition keeps from running: they are taken to be
//! over as soon as they may be, and what shows is whether others wait for them and for what they wait for. A mapping keeps
//! whoever launches waiting; outside of tasks the gates of what it depends on open before.

use super::execute::World;
use super::generate::Random;
use super::launches::Place;
use super::plan::{Launches, Moment, Plan, Within, Wrong};
use super::program::{Action, Program};
use super::sequential::ROOT;
use cohort::ffi::barriers::{cohort_phase_barrier_advance, cohort_phase_barrier_arrive, cohort_phase_barrier_create};
use cohort::ffi::types::cohort_phase_barrier_t;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longer than any task takes on a machine that others keep busy.
const PATIENCE: Duration = Duration::from_secs(10);

type Flags = Vec<AtomicBool>;

/// The last first: what a task waited for had run before it, and comes before it.
fn seen(flags: &Flags) -> Vec<bool> {
    let mut seen: Vec<bool> = flags.iter().rev().map(|flag| flag.load(Ordering::Acquire)).collect();
    seen.reverse();
    seen
}

fn flags(count: usize) -> Flags {
    (0..count).map(|_| AtomicBool::new(false)).collect()
}

/// What the tasks of the program look at.
pub struct Watch {
    plan: Plan,
    began: Flags,
    ran: Flags,
    gates: Vec<cohort_phase_barrier_t>,
    open: Flags,
}

impl Watch {
    /// What a launch has to wait for.
    pub fn gate(&self, path: u64, launched: u32) -> Option<cohort_phase_barrier_t> {
        self.plan.gates.get(&(path, launched)).map(|&gate| {
            let mut next = cohort_phase_barrier_t { id: 0, phase: 0 };
            assert_eq!(unsafe { cohort_phase_barrier_advance(self.gates[gate], &mut next) }, 0);
            next
        })
    }

    /// A task begins, or something is mapped; what is wrong with that.
    pub fn begin(&self, path: u64) -> Option<String> {
        let Some(&number) = self.plan.by_path.get(&path) else { return Some(format!("something runs that must not: {path:x}")) };
        let one = &self.plan.executions[number];
        let (began, ran) = (seen(&self.began), seen(&self.ran));
        let open = seen(&self.open);
        let moment = Moment::new(&self.plan, &began, &ran, &open);
        let names = |those: &[usize]| those.iter().map(|&other| self.plan.executions[other].name).collect::<Vec<_>>();
        let mut missed: Vec<usize> = one.before.iter().filter(|&&before| !moment.is_over_for(one, before)).copied().collect();
        missed.extend(one.given.iter().filter(|&&given| !moment.has_ended(given)));
        if !missed.is_empty() {
            return Some(format!("#{} runs before {:?}, on which it depends", one.name, names(&missed)));
        }
        self.began[number].store(true, Ordering::Release);
        let tasks = one.excluded.iter().filter(|e| !e.own_fold && !e.others_fold).map(|e| e.other);
        let beside: Vec<usize> = tasks.filter(|&e| self.began[e].load(Ordering::Acquire) && !moment.has_ended(e)).collect();
        (!beside.is_empty()).then(|| format!("#{} runs beside {:?}, which use the same data atomically", one.name, names(&beside)))
    }

    pub fn end(&self, path: u64) {
        if let Some(&number) = self.plan.by_path.get(&path) {
            self.ran[number].store(true, Ordering::Release);
        }
    }

    fn open(&self, gate: usize) -> i32 {
        self.open[gate].store(true, Ordering::Release);
        cohort_phase_barrier_arrive(self.gates[gate], 1)
    }

    /// Waits until all have run that may; what did not.
    fn settle(&self, launched: usize) -> Option<String> {
        let name = |number: usize| self.plan.executions[number].name;
        let deadline = Instant::now() + PATIENCE;
        let open = seen(&self.open);
        let mut looked_at = None;
        loop {
            let ran = seen(&self.ran);
            let now = (seen(&self.began), ran);
            if looked_at.as_ref() != Some(&now) {
                match Moment::new(&self.plan, &now.0, &now.1, &open).wrong(launched) {
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
            looked_at = Some(now);
            std::thread::yield_now();
        }
    }
}

/// Opens the gates, and looks at what runs then.
struct Gatekeeper<'w> {
    world: &'w World<'w>,
    watch: &'w Watch,
    random: Random,
    closed: Vec<usize>,
}

impl Gatekeeper<'_> {
    fn open(&mut self, gate: usize, launched: usize) {
        self.world.must("opening a gate", self.watch.open(gate));
        if let Some(wrong) = self.watch.settle(launched) {
            self.world.complain(wrong);
        }
    }

    /// Whether there was one to open, and nothing is wrong.
    fn open_any(&mut self, launched: usize) -> bool {
        if self.closed.is_empty() {
            return false;
        }
        let gate = self.closed.swap_remove(self.random.below(self.closed.len()));
        self.open(gate, launched);
        !self.world.is_wrong()
    }

    /// Opens those that have to be before a mapping outside of tasks comes to be.
    fn open_for(&mut self, mapping: usize) {
        for number in self.watch.plan.needed_for(mapping, mapping + 1) {
            let gate = self.watch.plan.executions[number].gate;
            if let Some(at) = self.closed.iter().position(|closed| Some(*closed) == gate) {
                let gate = self.closed.swap_remove(at);
                self.open(gate, mapping);
            }
        }
    }
}

/// What differs from the rules.
pub fn differences(program: &Program) -> Vec<String> {
    let mut plan = Plan::default();
    let (mut roots, mut launched) = (Launches::default(), Vec::new());
    for step in &program.steps {
        plan.step(program, step, Within { held: None, path: ROOT, parent: None }, &mut roots);
        launched.push(plan.executions.len());
    }
    let expected = std::mem::take(&mut plan.expected);
    let mut world = World::start(program, &expected, plan.gates.len());
    let gates: Vec<cohort_phase_barrier_t> = (0..plan.gates.len())
        .map(|_| {
            let mut gate = cohort_phase_barrier_t { id: 0, phase: 0 };
            world.must("a gate", unsafe { cohort_phase_barrier_create(world.runtime, 1, &mut gate) });
            gate
        })
        .collect();
    let (began, ran, open) = (flags(plan.executions.len()), flags(plan.executions.len()), flags(gates.len()));
    world.watch = Some(Watch { plan, began, ran, gates, open });

    let watch = world.watch.as_ref().expect("just set");
    let closed: Vec<usize> = (0..watch.gates.len()).collect();
    let mut keeper = Gatekeeper { world: &world, watch, random: Random(program.seed), closed };
    let mut place = Place::root(&world);
    let mut before = 0;
    for (step, launched) in program.steps.iter().zip(launched) {
        if matches!(step.action, Action::Map(_)) && launched > before {
            keeper.open_for(before);
        }
        if world.is_wrong() {
            break;
        }
        place.step(step);
        before = launched;
        while keeper.random.one_in(3) && keeper.open_any(launched) {}
    }
    while !world.is_wrong() && keeper.open_any(watch.ran.len()) {}
    if world.is_wrong() {
        // Tasks may still wait for gates that stay closed: this runtime cannot end, and the process will.
        let wrong = world.wrong.lock().expect("no panic").clone();
        std::mem::forget(world);
        return wrong;
    }
    place.drop_futures();
    drop(place);
    world.finish()
}
