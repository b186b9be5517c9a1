//! The mappers in force: each with its name, its lock if it wants to be asked by one thread at a time, and the count of answers
//! that were refused; and for each kind of task the chain of those that are asked, the last of which has the last word.

use super::choice::{check_members, check_slices};
use super::sources::check_order;
use super::{
    Answer, ContextInfo, CopyChoice, CopyInfo, DefaultMapper, DeviceMapper, Mapper, Member, NeedChoice, NeedInfo, Paths, Question, Report, Setting, Slice, SourcesInfo, TaskChoice, TaskInfo,
    TaskOptions,
};
use crate::base::{as_callback, sync::Mutex};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

#[derive(Default)]
struct Said {
    /// What was printed, by question and subject: each once.
    subjects: BTreeSet<(u32, CString)>,
    last: CString,
}

pub struct Registered {
    name: Box<str>,
    mapper: Box<dyn Mapper>,
    one_at_a_time: Option<Mutex<()>>,
    refusals: AtomicU64,
    said: Mutex<Said>,
}

impl Registered {
    pub fn new(name: &str, mapper: Box<dyn Mapper>, serialised: bool) -> Self {
        let one_at_a_time = serialised.then(Mutex::default);
        Self { name: name.into(), mapper, one_at_a_time, refusals: AtomicU64::new(0), said: Mutex::default() }
    }

    fn answers(&self, question: Question) -> bool {
        self.mapper.answers() & question as u32 != 0
    }

    fn call<R>(&self, call: impl FnOnce(&dyn Mapper) -> R) -> R {
        let _alone = self.one_at_a_time.as_ref().map(Mutex::lock);
        as_callback(|| call(&*self.mapper))
    }

    /// Asks for a better choice than `choice`, which holds if the answer breaks a rule.
    fn ask<C: Clone>(
        &self,
        question: Question,
        subject: &CStr,
        choice: &mut C,
        call: impl FnOnce(&dyn Mapper, &mut C) -> Answer,
        check: impl FnOnce(&C) -> Answer,
    ) {
        if !self.answers(question) {
            return;
        }
        let mut other = choice.clone();
        match self.call(|mapper| call(mapper, &mut other)).and_then(|_| check(&other)) {
            Ok(()) => *choice = other,
            Err(rule) => self.refuse(question, subject, &rule),
        }
    }

    /// Said once for each callback and task, counted always.
    #[cold]
    fn refuse(&self, question: Question, subject: &CStr, rule: &str) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let about = match question {
            Question::SelectTunable => "tunable",
            Question::MapCopy => "a copy of",
            Question::RankCopySources => "operation",
            _ => "task",
        };
        let text = format!(
            "mapper \"{}\", {}, {about} \"{}\": {rule}; the default is used",
            self.name,
            question.name(),
            subject.to_string_lossy()
        );
        let mut said = self.said.lock();
        if said.subjects.insert((question as u32, subject.into())) {
            crate::tell!("cohort: {text}");
        }
        said.last = CString::new(text).unwrap_or_default();
    }

    /// How many answers were refused, and what was said of the last one.
    pub fn refusals(&self) -> (u64, CString) {
        (self.refusals.load(Ordering::Relaxed), self.said.lock().last.clone())
    }
}

/// The mappers that are asked about a task, in order.
#[derive(Default)]
pub struct Chain {
    mappers: Vec<Arc<Registered>>,
    answers: u32,
}

impl Chain {
    fn new(mappers: Vec<Arc<Registered>>) -> Self {
        let answers = mappers.iter().fold(0, |all, one| all | one.mapper.answers());
        Self { mappers, answers }
    }

    #[inline]
    pub fn answers(&self, question: Question) -> bool {
        self.answers & question as u32 != 0
    }

    pub fn task_options(&self, task: &TaskInfo) -> TaskOptions {
        let mut options = TaskOptions::default_for(task);
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, options: &mut _| mapper.select_task_options(task, options);
            one.ask(Question::SelectTaskOptions, task.name, &mut options, call, |options| options.check(task));
        }
        options
    }

    /// A task that was to run inside its launch did not become ready there.
    pub fn refuse_inline(&self, task: &CStr) {
        let rule = "run_inline is 1; nothing moved while the launching thread waited to run the task, so it went on without";
        let asked = self.mappers.iter().rev().find(|one| one.answers(Question::SelectTaskOptions));
        asked.inspect(|one| one.refuse(Question::SelectTaskOptions, task, rule));
    }

    /// A task that was to run on a device does not fit there.
    pub fn refuse_device(&self, task: &CStr, why: &str) {
        let rule = format!("it is to run on a device, and {why}; it runs on a processor of the host");
        let asked = self.mappers.iter().rev().find(|one| one.answers(Question::SelectTaskOptions));
        asked.inspect(|one| one.refuse(Question::SelectTaskOptions, task, &rule));
    }

    /// A requirement of a task on a device cannot lie where it is to.
    pub fn refuse_memory(&self, task: &CStr, requirement: usize, why: &str) {
        let rule = format!("requirement {requirement} is put into a memory in which it cannot lie: {why}");
        let asked = self.mappers.iter().rev().find(|one| one.answers(Question::MapTask));
        asked.inspect(|one| one.refuse(Question::MapTask, task, &rule));
    }

    pub fn slices(&self, task: &TaskInfo, setting: &Setting) -> Vec<Slice> {
        let mut slices = vec![Slice { first: 0, count: task.points, worker: super::ANY }];
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, slices: &mut _| mapper.slice_index_launch(task, slices);
            let check = |slices: &Vec<Slice>| check_slices(slices, task.points, setting);
            one.ask(Question::SliceIndexLaunch, task.name, &mut slices, call, check);
        }
        slices
    }

    /// Where the task runs; `choice` is what was chosen before.
    pub fn map_task(&self, task: &TaskInfo, choice: &mut TaskChoice, setting: &Setting) {
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, choice: &mut _| mapper.map_task(task, choice);
            one.ask(Question::MapTask, task.name, choice, call, |choice| choice.check(task, setting));
        }
    }

    /// Where data lies that an execution maps inline.
    pub fn map_inline(&self, context: &ContextInfo, need: &NeedInfo, setting: &Setting) -> NeedChoice {
        let mut choice = NeedChoice::default_on(setting);
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, choice: &mut _| mapper.map_inline(context, need, choice);
            let check = |choice: &NeedChoice| choice.check(&"the mapping", need, setting).and_then(|()| choice.check_memory(&"the mapping", setting));
            one.ask(Question::MapInline, context.name, &mut choice, call, check);
        }
        choice
    }

    pub fn map_copy(&self, copy: &CopyInfo, setting: &Setting) -> CopyChoice {
        let mut choice = CopyChoice { worker: super::ANY, priority: 0 };
        let subject = CString::new(copy.source.region.bounds_text()).unwrap_or_default();
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, choice: &mut _| mapper.map_copy(copy, choice);
            one.ask(Question::MapCopy, &subject, &mut choice, call, |choice| choice.check(setting));
        }
        choice
    }

    /// From which memories data is copied, those that are preferred first.
    pub fn rank_sources(&self, copy: &SourcesInfo) -> Vec<i32> {
        let mut order = copy.sources.iter().map(|source| source.memory).collect();
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, order: &mut _| mapper.rank_copy_sources(copy, order);
            one.ask(Question::RankCopySources, copy.name, &mut order, call, |order: &Vec<i32>| check_order(order, copy));
        }
        order
    }

    /// Asks where the members run, and refuses all but where they have to.
    pub fn map_must_epoch(&self, tasks: &[TaskInfo], setting: &Setting) {
        let mut members = vec![Member { rank: setting.rank as i32 }; tasks.len()];
        let subject = tasks.first().map_or(c"", |task| task.name);
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, members: &mut _| mapper.map_must_epoch(tasks, members);
            let check = |members: &Vec<Member>| check_members(members, tasks, setting);
            one.ask(Question::MapMustEpoch, subject, &mut members, call, check);
        }
    }

    pub fn tunable(&self, context: &ContextInfo, name: &CStr, default: i64) -> i64 {
        let mut value = default;
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, value: &mut _| mapper.select_tunable(context, name, value);
            one.ask(Question::SelectTunable, name, &mut value, call, |_| Ok(()));
        }
        value
    }

    pub fn window(&self, context: &ContextInfo, default: u64) -> u64 {
        let mut window = default as i64;
        for one in &self.mappers {
            let call = |mapper: &dyn Mapper, window: &mut _| mapper.configure_context(context, window);
            let check = |window: &i64| match window {
                4..=1_000_000 => Ok(()),
                _ => Err(format!("window is {window}; use 4 to 1000000")),
            };
            one.ask(Question::ConfigureContext, context.name, &mut window, call, check);
        }
        window as u64
    }

    pub fn report(&self, report: &Report) {
        for one in self.mappers.iter().filter(|one| one.answers(Question::Report)) {
            one.call(|mapper| mapper.report(report));
        }
    }
}

/// Nanoseconds that a task of a kind which takes long takes at least: a hundred times what it costs to ask the refinements.
const LONG: u64 = 250_000;
/// So many in succession make a kind one that takes long: a single one may have been interrupted.
const ENOUGH: u32 = 4;

/// The place of a chain in a kind of task: null where nobody is asked.
#[derive(Default)]
pub struct ChainSlot {
    chain: AtomicPtr<Chain>,
    /// Whether devices can run the task: then their mapper is asked first.
    on_devices: AtomicBool,
    /// Whether its tasks take long: then the default mapper's refinements are asked.
    is_long: AtomicBool,
    /// Tasks in succession that were measured and took long.
    long_ones: AtomicU32,
}

impl ChainSlot {
    #[inline]
    pub fn get(&self) -> Option<&Chain> {
        // Chains live as long as the mappers, which outlive kinds of tasks and operations.
        unsafe { self.chain.load(Ordering::Acquire).as_ref() }
    }

    /// Whether the refinements are asked for this kind because its tasks take long.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.is_long.load(Ordering::Relaxed)
    }

    fn set(&self, chain: Option<&Arc<Chain>>) {
        self.chain.store(chain.map_or(std::ptr::null_mut(), |chain| Arc::as_ptr(chain).cast_mut()), Ordering::Release);
    }
}

#[derive(Default)]
struct Made {
    /// Asked first, and asked last: for every task.
    first: Vec<Arc<Registered>>,
    last: Vec<Arc<Registered>>,
    for_all: Option<Arc<Registered>>,
    devices: Option<Arc<Registered>>,
    /// Asked for kinds whose tasks take long.
    for_long: Option<Arc<Registered>>,
    chains: Vec<Arc<Chain>>,
}

impl Made {
    /// The chain with `mapper` in the middle; `None` where it would be empty.
    fn chain(&mut self, mapper: Option<&Arc<Registered>>, slot: &ChainSlot) -> Option<Arc<Chain>> {
        let devices = self.devices.iter().filter(|_| slot.on_devices.load(Ordering::Relaxed));
        let for_long = self.for_long.iter().filter(|_| slot.is_long());
        self.chain_of(for_long.chain(devices).chain(&self.first).chain(mapper).chain(&self.last).cloned().collect())
    }

    fn chain_of(&mut self, wanted: Vec<Arc<Registered>>) -> Option<Arc<Chain>> {
        if wanted.is_empty() {
            return None;
        }
        let same = |chain: &&Arc<Chain>| {
            chain.mappers.len() == wanted.len() && chain.mappers.iter().zip(&wanted).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if let Some(known) = self.chains.iter().find(same) {
            return Some(known.clone());
        }
        let made = Arc::new(Chain::new(wanted));
        self.chains.push(made.clone());
        Some(made)
    }
}

pub struct Mappers {
    pub setting: Setting,
    /// Where the program's tasks and what they release are learned from, if anybody wants to know.
    paths: Option<Arc<Paths>>,
    /// Whether some of the tasks that run are measured, to find the kinds whose tasks take long.
    measures: bool,
    /// For what belongs to no task, and tasks that are registered from now on.
    general: ChainSlot,
    made: Mutex<Made>,
    uses: AtomicU64,
}

impl Mappers {
    pub fn new(setting: Setting) -> Self {
        Self { setting, paths: None, measures: false, general: ChainSlot::default(), made: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Has the default mapper's refinements asked first: for every task, for none, or (not said) for those of kinds whose tasks take so
    /// long that asking costs less than a hundredth of it. Before any other mapper.
    pub fn refine_default(&mut self, affinity: Option<bool>, priorities: Option<bool>) {
        self.paths = (priorities != Some(false)).then(Arc::default);
        let refinements = |asked: Option<bool>| {
            let (affinity, priorities) = (affinity == asked, priorities == asked);
            let paths = self.paths.clone().filter(|_| priorities);
            (affinity || priorities).then(|| Registered::new("default", Box::new(DefaultMapper { affinity, paths }), false))
        };
        let (for_all, for_long) = (refinements(Some(true)), refinements(None));
        if let Some(mapper) = for_all {
            self.install(mapper, false);
        }
        // A single worker leaves nothing to choose.
        self.measures = for_long.is_some() && self.setting.workers.start() < self.setting.workers.end();
        self.made.get_mut().for_long = for_long.map(Arc::new);
    }

    /// Whether some tasks are to be measured.
    #[inline]
    pub fn measures(&self) -> bool {
        self.measures
    }

    /// A task that was measured took so long: after enough of them the refinements are asked about its kind.
    pub fn took(&self, slot: &ChainSlot, nanoseconds: u64) {
        if nanoseconds < LONG {
            slot.long_ones.store(0, Ordering::Relaxed);
            return;
        }
        if slot.long_ones.fetch_add(1, Ordering::Relaxed) + 1 < ENOUGH {
            return;
        }
        let mut made = self.made.lock();
        if let (false, Some(refinements)) = (slot.is_long.swap(true, Ordering::Relaxed), made.for_long.clone()) {
            self.ask_before(&mut made, slot, refinements);
        }
    }

    pub fn paths(&self) -> Option<&Paths> {
        self.paths.as_deref()
    }

    #[inline]
    pub fn general(&self) -> Option<&Chain> {
        self.general.get()
    }

    /// Has a mapper asked for every task before the program's own; or after them, so that it has the last word. Before any
    /// kind of task is registered.
    pub fn install(&self, mapper: Registered, last: bool) {
        let mut made = self.made.lock();
        let list = if last { &mut made.last } else { &mut made.first };
        list.push(Arc::new(mapper));
        let chain = made.chain(None, &ChainSlot::default());
        self.general.set(chain.as_ref());
    }

    /// The chain of a kind of task that is new.
    pub fn adopt(&self, slot: &ChainSlot) {
        let mut made = self.made.lock();
        let for_all = made.for_all.clone();
        slot.set(made.chain(for_all.as_ref(), slot).as_ref());
    }

    /// Devices can run the tasks of this kind from here on: their mapper is asked, before all others.
    pub fn offer_devices(&self, slot: &ChainSlot) {
        let mut made = self.made.lock();
        if slot.on_devices.swap(true, Ordering::Relaxed) {
            return;
        }
        let devices = made.devices.get_or_insert_with(|| Arc::new(Registered::new("devices", Box::new(DeviceMapper), false))).clone();
        self.ask_before(&mut made, slot, devices);
    }

    /// Has `mapper` asked about a kind before those that are asked already.
    fn ask_before(&self, made: &mut Made, slot: &ChainSlot, mapper: Arc<Registered>) {
        let others = slot.get().map_or(&[][..], |chain| &chain.mappers);
        let wanted = std::iter::once(&mapper).chain(others).cloned().collect();
        slot.set(made.chain_of(wanted).as_ref());
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// Uses `mapper`, or none, for these kinds; and for all to come, if `all`.
    pub fn use_for<'a>(&self, mapper: Option<&Arc<Registered>>, slots: impl Iterator<Item = &'a ChainSlot>, all: bool) {
        let mut made = self.made.lock();
        if all {
            made.for_all = mapper.cloned();
            self.general.set(made.chain(mapper, &ChainSlot::default()).as_ref());
        }
        slots.for_each(|slot| slot.set(made.chain(mapper, slot).as_ref()));
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// How often somebody else was put in place to be asked: what was answered before is asked again.
    #[inline]
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::some_task;
    use super::*;

    /// Gives every task this priority, and notes that it was asked.
    struct Always(i32, Arc<AtomicU32>);

    impl Mapper for Always {
        fn answers(&self) -> u32 {
            Question::SelectTaskOptions as u32
        }

        fn select_task_options(&self, _: &TaskInfo, options: &mut TaskOptions) -> Answer {
            self.1.fetch_add(1, Ordering::Relaxed);
            options.priority = self.0;
            Ok(())
        }
    }

    fn always(priority: i32) -> (Registered, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        (Registered::new("always", Box::new(Always(priority, asked.clone())), false), asked)
    }

    #[test]
    fn the_refinements_are_asked_about_kinds_that_take_long() {
        let (mut mappers, slot, other) = (mappers(), ChainSlot::default(), ChainSlot::default());
        mappers.refine_default(None, None);
        assert!(mappers.measures());
        mappers.use_for(Some(&Arc::new(always(3).0)), [&slot, &other].into_iter(), false);
        let run = |nanoseconds: &[u64]| nanoseconds.iter().for_each(|&time| mappers.took(&slot, time));
        run(&[LONG, LONG, LONG, LONG - 1, LONG, LONG, LONG]);
        assert!(!slot.is_long() && !slot.get().unwrap().answers(Question::MapTask), "four in succession");
        run(&[LONG]);
        assert!(slot.is_long() && slot.get().unwrap().answers(Question::MapTask) && slot.get().unwrap().answers(Question::SelectTaskOptions));
        assert!(!other.is_long() && !other.get().unwrap().answers(Question::MapTask));
        // Also beside another mapper.
        mappers.use_for(None, [&slot, &other].into_iter(), false);
        assert!(slot.get().unwrap().answers(Question::Report) && other.get().is_none());
    }

    #[test]
    fn the_refinements_can_be_had_for_all_or_for_none() {
        let (mut all, mut none, slot) = (mappers(), mappers(), ChainSlot::default());
        all.refine_default(Some(true), Some(false));
        all.adopt(&slot);
        assert!(!all.measures() && all.paths().is_none() && slot.get().unwrap().answers(Question::MapTask));
        none.refine_default(Some(false), Some(false));
        none.adopt(&slot);
        assert!(!none.measures() && slot.get().is_none());
    }

    fn mappers() -> Mappers {
        Mappers::new(Setting { workers: 0..=1, nodes: [0].into(), fast: Arc::default(), rank: 0 })
    }

    #[test]
    fn the_last_mapper_has_the_last_word_and_nonsense_leaves_the_one_before() {
        let mappers = mappers();
        let (first, asked_first) = always(1);
        mappers.install(first, false);
        let (kind, own) = (ChainSlot::default(), Arc::new(always(2).0));
        let wrong = Arc::new(always(99).0);
        mappers.adopt(&kind);
        let priority = || kind.get().unwrap().task_options(&some_task()).priority;
        assert_eq!(priority(), 1);
        mappers.use_for(Some(&own), std::iter::once(&kind), false);
        assert_eq!(priority(), 2);
        mappers.use_for(Some(&wrong), std::iter::once(&kind), false);
        assert_eq!(priority(), 1);
        let (count, text) = wrong.refusals();
        assert_eq!(count, 1);
        assert!(text.to_str().unwrap().contains("priority is 99"), "{text:?}");
        mappers.use_for(None, std::iter::once(&kind), false);
        assert_eq!(priority(), 1);
        assert_eq!(asked_first.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_mapper_for_all_is_asked_for_kinds_to_come_and_others_for_none() {
        let mappers = mappers();
        let (one, later) = (ChainSlot::default(), ChainSlot::default());
        mappers.adopt(&one);
        assert!(one.get().is_none() && mappers.general().is_none());
        let own = Arc::new(always(3).0);
        mappers.use_for(Some(&own), std::iter::empty(), true);
        mappers.adopt(&later);
        assert!(one.get().is_none() && later.get().is_some() && mappers.general().is_some());
        assert!(std::ptr::eq(later.get().unwrap(), mappers.general().unwrap()), "equal chains are one");
    }

    #[test]
    fn the_last_installed_is_asked_after_the_programs_own() {
        let mappers = mappers();
        mappers.install(always(5).0, true);
        let (kind, own) = (ChainSlot::default(), Arc::new(always(2).0));
        mappers.use_for(Some(&own), std::iter::once(&kind), false);
        assert_eq!(kind.get().unwrap().task_options(&some_task()).priority, 5);
    }
}
