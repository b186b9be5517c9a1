//! What a program that is watched will run, and when each of it may: a comparison of all pairs.

use super::kernel::{otherwise, result_of};
use super::program::{Action, Coherence, Condition, Given, Program, Step, Task};
use super::rules::{copied, launched, synchronised, Acquired, Use};
use super::sequential::{path_of, Answer, Expected};
use std::cell::Cell;
use std::collections::HashMap;

/// One point of a task, a copy, a fill, or a mapping.
pub struct Execution {
    /// The task or the step.
    pub name: u32,
    /// Fills and mappings have none.
    pub gate: Option<usize>,
    /// Nobody sees whether it has run.
    silent: bool,
    uses: Vec<Use>,
    parent: Option<usize>,
    /// Earlier ones of the same context that it must wait for.
    pub before: Vec<usize>,
    /// Those of them whose contributions it need not wait for, as it uses nothing that they reduce: tasks that may have been on a device.
    end_before: Vec<usize>,
    /// Earlier ones of the same context whose results it takes.
    pub given: Vec<usize>,
    /// Mappings before it in the same context: it is launched when they are there.
    mappings: Vec<usize>,
    /// Earlier ones of the same context whose contributions are folded in before its own.
    folds_before: Vec<usize>,
    /// The same, where they need not but may.
    folds_perhaps_before: Vec<usize>,
    /// Those, earlier and later, that must not be at the same data at the same time.
    pub excluded: Vec<Excluded>,
    children: Vec<usize>,
    /// With which other contexts' atomic tasks those of its children take turns.
    turns: Option<usize>,
}

/// A task reduces into something of its own, and it is the fold of that which is kept out or keeps out.
#[derive(Clone, Copy)]
pub struct Excluded {
    pub other: usize,
    pub own_fold: bool,
    pub others_fold: bool,
}

/// What one context has launched so far.
#[derive(Default)]
pub struct Launches {
    all: Vec<usize>,
    /// Of those below them that use shared data, unless they have their turns from further above.
    turns: Option<usize>,
    mappings: Vec<usize>,
    acquired: Acquired,
    /// By task: which execution makes each result, and whether that is true.
    results: HashMap<u32, Vec<(usize, bool)>>,
}

impl Launches {
    fn result(&self, given: Given) -> Option<(usize, bool)> {
        self.results.get(&given.of)?.get(given.point.unwrap_or(0) as usize).copied()
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Known(holds) => *holds,
            Condition::Of(given) => self.result(*given).is_none_or(|(_, truth)| truth),
            Condition::Not(of) => !self.holds(of),
            Condition::All(of) => of.iter().all(|c| self.holds(c)),
            Condition::Any(of) => of.iter().any(|c| self.holds(c)),
        }
    }

    /// Whose results a launch waits for that takes these.
    fn makers(&self, given: &[Given], condition: &Option<Condition>) -> Vec<usize> {
        let of_condition = condition.as_ref().map_or(Vec::new(), Condition::given);
        given.iter().chain(&of_condition).filter_map(|given| self.result(*given)).map(|(maker, _)| maker).collect()
    }
}

/// All that will run, in program order: children follow their parent, and what comes after it follows them.
#[derive(Default)]
pub struct Plan {
    pub executions: Vec<Execution>,
    pub by_path: HashMap<u64, usize>,
    /// By the context of a launch, and its task or step.
    pub gates: HashMap<(u64, u32), usize>,
    pub expected: Expected,
    /// How many sets of contexts take turns.
    turns: usize,
}

/// Where something is launched.
#[derive(Clone, Copy)]
pub struct Within<'a> {
    pub held: Option<&'a [Use]>,
    pub path: u64,
    pub parent: Option<usize>,
}

impl Plan {
    pub fn step(&mut self, program: &Program, step: &Step, within: Within, mine: &mut Launches) {
        let Within { held, path, .. } = within;
        let alone = |need| launched(program, held, &Task::with_needs(step.id, vec![need]), path).map(|mut points| points.remove(0));
        let status = match &step.action {
            Action::Launch(task) => self.launch(program, task, within, mine),
            Action::Copy(copy) => copied(program, held, copy, step.id, path).map(|moves| {
                let gate = self.new_gate(path, step.id);
                let given = mine.makers(&[], &copy.condition);
                self.add(program, (step.id, Some(gate), true), moves.uses, given, within, mine);
            }),
            Action::Acquire(need, condition) | Action::Release(need, condition) => {
                let acquires = matches!(step.action, Action::Acquire(..));
                synchronised(program, held, need, acquires, &mut mine.acquired).map(|uses| {
                    let gate = self.new_gate(path, step.id);
                    let given = mine.makers(&[], condition);
                    self.add(program, (step.id, Some(gate), true), uses, given, within, mine);
                })
            }
            Action::Fill(need) => alone(need.clone()).map(|uses| {
                self.add(program, (step.id, None, true), uses, Vec::new(), within, mine);
            }),
            Action::Map(need) => alone(need.clone()).map(|uses| {
                let number = self.add(program, (step.id, None, false), uses, Vec::new(), within, mine);
                self.by_path.insert(path_of(path, step.id, 0), number);
                mine.mappings.push(number);
            }),
            other => unreachable!("not in such programs: {other:?}"),
        };
        self.expected.answers.insert((step.id, path), Answer::Status(status.err().unwrap_or(0)));
    }

    fn new_gate(&mut self, path: u64, name: u32) -> usize {
        let gate = self.gates.len();
        self.gates.insert((path, name), gate);
        gate
    }

    fn launch(&mut self, program: &Program, task: &Task, within: Within, mine: &mut Launches) -> Result<(), i32> {
        let points = launched(program, within.held, task, within.path)?;
        let gate = self.new_gate(within.path, task.id);
        let runs = task.condition.as_ref().is_none_or(|condition| mine.holds(condition));
        let mut results = Vec::new();
        for (point, uses) in points.into_iter().enumerate() {
            let of_maps = task.maps.iter().map(|&of| Given { of, point: Some(point as u32) });
            let given: Vec<Given> = task.futures.iter().copied().chain(of_maps).collect();
            let given = mine.makers(&given, &task.condition);
            let number = self.add(program, (task.id, Some(gate), !runs), uses.clone(), given, within, mine);
            let path = path_of(within.path, task.id, point as u32);
            let value = if runs { result_of(task, path) } else { otherwise(task) };
            results.push((number, value.iter().any(|byte| *byte != 0)));
            if !runs {
                continue;
            }
            self.by_path.insert(path, number);
            let mut children = Launches::default();
            for child in &task.children {
                self.step(program, child, Within { held: Some(&uses), path, parent: Some(number) }, &mut children);
            }
            self.executions[number].children = children.all;
        }
        if task.result {
            mine.results.insert(task.id, results);
        }
        Ok(())
    }

    fn add(
        &mut self,
        program: &Program,
        (name, gate, silent): (u32, Option<usize>, bool),
        uses: Vec<Use>,
        given: Vec<usize>,
        within: Within,
        mine: &mut Launches,
    ) -> usize {
        let those = |related: fn(&Use, &Use) -> bool| {
            let with = |e: &&usize| self.executions[**e].uses.iter().any(|a| uses.iter().any(|b| related(b, a)));
            mine.all.iter().filter(with).copied().collect::<Vec<usize>>()
        };
        // Where contributions may be folded in in any order, none has to wait for another; those that share no copies may.
        let alike = those(Use::reduces_alike);
        let shares = program.settings.any_order && uses.iter().all(Use::folds_in_any_order);
        let folds_before = if program.settings.any_order { Vec::new() } else { alike.clone() };
        let folds_perhaps_before = if shares { Vec::new() } else { alike };
        let before = those(Use::conflicts);
        let meets_what_is_reduced = |e: &usize| self.executions[*e].uses.iter().any(|a| a.reduces() && uses.iter().any(|b| b.conflicts(a)));
        let end_before = match program.settings.devices {
            Some(_) => before.iter().copied().filter(|e| !meets_what_is_reduced(e)).collect(),
            None => Vec::new(),
        };
        let number = self.executions.len();
        let mut excluded = Vec::new();
        let (parent, mappings) = (within.parent, mine.mappings.clone());
        let given_turns = self.turns_below(parent);
        let takes_turns = |&other: &usize| {
            let others = self.executions[other].parent;
            others == parent || given_turns.is_some() && self.turns_below(others) == given_turns
        };
        for other in (0..number).filter(takes_turns).collect::<Vec<_>>() {
            self.exclude((other, number), &uses, &mut excluded);
        }
        let in_turns = given_turns.is_some() || uses.iter().any(|u| u.coherence.is_weak());
        let turns = (in_turns && uses.iter().all(|u| u.coherence != Coherence::Atomic)).then(|| {
            given_turns.unwrap_or_else(|| {
                *mine.turns.get_or_insert_with(|| {
                    self.turns += 1;
                    self.turns
                })
            })
        });
        let children = Vec::new();
        let one = Execution { name, gate, silent, uses, parent, before, end_before, given, mappings, folds_before, folds_perhaps_before, excluded, children, turns };
        self.executions.push(one);
        mine.all.push(number);
        number
    }

    fn turns_below(&self, parent: Option<usize>) -> Option<usize> {
        self.executions[parent?].turns
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

    /// Everything that has to be over before this is, with what keeps it out: executions of gates that have to open.
    pub fn needed_for(&self, number: usize, launched: usize) -> Vec<usize> {
        let (mut found, mut left) = (vec![false; self.executions.len()], vec![number]);
        while let Some(next) = left.pop() {
            if next >= launched || std::mem::replace(&mut found[next], true) {
                continue;
            }
            let one = &self.executions[next];
            let lists = [&one.before, &one.given, &one.folds_perhaps_before, &one.children];
            left.extend(lists.into_iter().flatten());
            left.extend(one.excluded.iter().map(|e| e.other));
        }
        (0..launched).filter(|&n| found[n]).collect()
    }
}

/// What was found of each execution, until something changes: each of many folds waits for all before it, and all would be asked in every order.
struct Found(Vec<Cell<Option<bool>>>);

impl Found {
    fn nothing(executions: usize) -> Self {
        Self(vec![Cell::new(None); executions])
    }

    fn or(&self, number: usize, find: impl FnOnce() -> bool) -> bool {
        self.0[number].get().unwrap_or_else(|| {
            let found = find();
            self.0[number].set(Some(found));
            found
        })
    }

    fn forget(&mut self) {
        self.0.fill(Cell::new(None));
    }
}

/// What is known at one moment.
pub struct Moment<'a> {
    plan: &'a Plan,
    /// Seen to begin, and to have run; of what nobody sees, what may be over.
    began: &'a [bool],
    pub ran: Vec<bool>,
    open: &'a [bool],
    complete: Found,
}

impl<'a> Moment<'a> {
    pub fn new(plan: &'a Plan, began: &'a [bool], ran: &[bool], open: &'a [bool]) -> Self {
        let mut moment = Self { plan, began, ran: ran.to_vec(), open, complete: Found::nothing(ran.len()) };
        for number in (0..ran.len()).filter(|&n| plan.executions[n].silent) {
            moment.ran[number] = moment.is_ready(number);
            moment.complete.forget();
        }
        moment
    }

    /// Whether the task and its children are done, as far as that can be told from which have run.
    pub fn has_ended(&self, number: usize) -> bool {
        self.ran[number] && self.plan.executions[number].children.iter().all(|&child| self.is_complete(child))
    }

    pub fn is_complete(&self, number: usize) -> bool {
        let folds = &self.plan.executions[number].folds_before;
        self.complete.or(number, || self.has_ended(number) && folds.iter().all(|&other| self.is_complete(other)))
    }

    /// Whether `one` need not wait any more for one of those before it.
    pub fn is_over_for(&self, one: &Execution, before: usize) -> bool {
        self.is_complete(before) || one.end_before.contains(&before) && self.has_ended(before)
    }

    fn is_ready(&self, number: usize) -> bool {
        let one = &self.plan.executions[number];
        // A parent runs while it launches its children.
        one.gate.is_none_or(|gate| self.open[gate])
            && one.parent.is_none_or(|parent| self.is_ready(parent))
            && one.mappings.iter().all(|&mapping| self.ran[mapping])
            && one.before.iter().all(|&other| self.is_over_for(one, other))
            && one.given.iter().all(|&other| self.has_ended(other))
    }

    /// Whether it has begun and stands where it maps data that it cannot have yet.
    fn waits_for_data(&self, number: usize) -> bool {
        let is_mapping = |one: &Execution| !one.silent && one.gate.is_none();
        let missing = |&child: &usize| is_mapping(&self.plan.executions[child]) && !self.ran[child];
        self.began[number] && self.plan.executions[number].children.iter().any(missing)
    }

    /// Why an execution that is or is not among those that ran should be otherwise.
    pub fn wrong(&self, launched: usize) -> Option<Wrong> {
        let held_up = HeldUp::find(self, launched);
        let one_of = |number: usize| {
            let may = self.is_ready(number);
            match self.ran[number] {
                true if !may => Some(Wrong::Early(number)),
                false if !may || held_up.tasks[number] || self.waits_for_data(number) => None,
                false if held_up.is_surely_ready(number) => Some(Wrong::Late(number)),
                _ => None,
            }
        };
        let found: Vec<Wrong> = (0..launched).filter_map(one_of).collect();
        found.iter().find(|w| matches!(w, Wrong::Early(_))).or(found.first()).copied()
    }
}

#[derive(Clone, Copy)]
pub enum Wrong {
    Early(usize),
    Late(usize),
}

/// Who is kept out by somebody who has begun and not ended, or who stands in line before.
struct HeldUp<'a> {
    at: &'a Moment<'a>,
    tasks: Vec<bool>,
    folds: Vec<bool>,
    /// Seen to have run, or surely over.
    ran: Vec<bool>,
    complete: Found,
}

impl<'a> HeldUp<'a> {
    fn find(at: &'a Moment<'a>, launched: usize) -> Self {
        let none = vec![false; at.plan.executions.len()];
        let complete = Found::nothing(none.len());
        let mut found = Self { at, tasks: none.clone(), folds: none, ran: at.ran.clone(), complete };
        found.look_for_silent_ones();
        // Nobody is held up by those who are held up by him alone, so what is known grows from those who run.
        while (0..launched).filter(|&number| found.learn(number)).count() > 0 {
            found.look_for_silent_ones();
        }
        found
    }

    fn look_for_silent_ones(&mut self) {
        for number in (0..self.ran.len()).filter(|&n| self.at.plan.executions[n].silent) {
            self.ran[number] = self.is_surely_ready(number);
            self.complete.forget();
        }
    }

    /// Whether the execution turns out to be held up.
    fn learn(&mut self, number: usize) -> bool {
        let task = !self.at.began[number] && self.at.is_ready(number) && self.is_kept_out(number, false);
        let fold = self.at.has_ended(number) && self.is_kept_out(number, true);
        let news = task && !self.tasks[number] || fold && !self.folds[number];
        self.tasks[number] |= task;
        self.folds[number] |= fold;
        if news {
            self.complete.forget();
        }
        news
    }

    fn is_kept_out(&self, number: usize, own_fold: bool) -> bool {
        self.at.plan.executions[number].excluded.iter().filter(|e| e.own_fold == own_fold).any(|e| match e.others_fold {
            true => self.folds[e.other],
            false if self.at.began[e.other] => !self.has_surely_ended(e.other),
            false => self.tasks[e.other],
        })
    }

    fn has_surely_ended(&self, number: usize) -> bool {
        self.ran[number] && self.at.plan.executions[number].children.iter().all(|&child| self.is_surely_complete(child))
    }

    fn is_surely_complete(&self, number: usize) -> bool {
        let folds = &self.at.plan.executions[number].folds_perhaps_before;
        let find = || self.has_surely_ended(number) && !self.folds[number] && folds.iter().all(|&other| self.is_surely_complete(other));
        self.complete.or(number, find)
    }

    fn is_surely_ready(&self, number: usize) -> bool {
        let one = &self.at.plan.executions[number];
        one.gate.is_none_or(|gate| self.at.open[gate])
            && one.parent.is_none_or(|parent| self.at.began[parent])
            && one.mappings.iter().all(|&mapping| self.ran[mapping])
            && one.before.iter().all(|&other| self.is_surely_complete(other))
            && one.given.iter().all(|&other| self.has_surely_ended(other))
    }
}
