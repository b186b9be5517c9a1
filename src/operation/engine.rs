//! Runs operations and carries their completion on: results, arrivals, successors, the context that launched them.

use super::body::{Bodies, Body, Work};
use super::context::Context;
use super::current::{self, Execution};
use super::devices::{Devices, LOOK};
use super::converted::{self, Conversions, Layouts};
use super::frame::Frames;
use super::mapped::special;
use super::placed::Unplaced;
use super::{inline, inside_task, reduction, told, Activity, Failures, Frame, FutureMap, Processor};
use crate::base::{Error, Result, Stash, Status};
use crate::copy;
use crate::event::{Graph, NodeRef};
use crate::geometry::Rect;
use crate::instance::{FieldInstance, Storage};
use crate::mapping::Mappers;
use crate::scheduler::{Class, Role, Runner, Scheduler};
use crate::base::sync::Mutex;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::{fence, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The seats of threads that sleep until something happens: a bit for each seat modulo 64. Who is woken for another looks
/// again, adds itself again, and sleeps on; so nobody has to be taken out who does not wait any more. How many wait is
/// counted for those who ask.
#[derive(Default)]
pub struct SeatSet {
    seats: AtomicU64,
    sleepers: AtomicU32,
}

impl SeatSet {
    /// Before each sleep.
    fn add(&self, seat: usize) {
        self.seats.fetch_or(1 << (seat % 64), Ordering::SeqCst);
    }

    /// Whether anybody waits who has slept.
    pub fn has_sleepers(&self) -> bool {
        self.sleepers.load(Ordering::Relaxed) != 0
    }

    /// Call after what they wait for has come true.
    #[inline]
    pub fn wake(&self, scheduler: &Scheduler) {
        fence(Ordering::SeqCst);
        if self.seats.load(Ordering::Relaxed) != 0 {
            self.wake_all(scheduler);
        }
    }

    #[cold]
    fn wake_all(&self, scheduler: &Scheduler) {
        let seats = self.seats.swap(0, Ordering::SeqCst);
        (0..scheduler.seats()).filter(|seat| seats >> (seat % 64) & 1 != 0).for_each(|seat| scheduler.wake(seat));
    }
}

/// Drives what lies outside of this process.
pub trait Outside: Send + Sync {
    /// Whether something moved. Never blocks.
    fn poll(&self, engine: &Engine) -> bool;
    /// The calling thread is about to poll again and again; and polls no longer.
    fn begin_polling(&self);
    fn end_polling(&self);
    fn poll_interval(&self) -> Option<Duration>;
    /// Tells other ranks of a failure of this one, before anything that depends on it can reach them.
    fn announce(&self, code: u64, text: &str);
    /// Learns of the failures that other ranks announced where this one can look.
    fn hear(&self, engine: &Engine);
}

/// Bytes of a failure's text.
pub const MOST_TEXT: usize = 1000;
/// How long nothing moves before a wait believes that a failure keeps it from ending.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

pub struct Engine {
    pub graph: Graph,
    pub(super) bodies: Arc<Bodies>,
    pub scheduler: Scheduler,
    pub failures: Failures,
    pub frames: Arc<Frames>,
    pub rank: u32,
    pub window: u64,
    pub outside: Option<Arc<dyn Outside>>,
    /// Contexts to be used again. Their pools own nodes, so none is freed before the graph.
    contexts: Stash<Context>,
    #[allow(clippy::vec_box)]
    more_contexts: Mutex<Vec<Box<Context>>>,
    /// Copies that reducing tasks worked on.
    pub(super) buffers: Stash<Storage>,
    pub mappers: Mappers,
    /// Copies in other layouts or memories, to be used again.
    pub(super) conversions: Conversions,
    pub unplaced: Unplaced,
    /// Layouts that mappers chose.
    pub layouts: Layouts,
    /// Set when the first task gets something for devices, or never.
    pub devices: OnceLock<Devices>,
    /// Threads that wait for something which a failure elsewhere may keep from happening.
    anxious: SeatSet,
    pub activity: Activity,
    pub(super) serial: u64,
    /// The failure after which nothing runs any more, or 0; `LOOK` where there are devices: an operation then looks where its data is.
    pub(super) last: AtomicU32,
}

/// What the scheduler calls. The engine outlives the scheduler's threads.
struct Driver(NonNull<Engine>);

unsafe impl Send for Driver {}
unsafe impl Sync for Driver {}

impl Driver {
    #[inline]
    fn engine(&self) -> &Engine {
        unsafe { self.0.as_ref() }
    }
}

impl Runner for Driver {
    fn run(&self, item: u64) {
        self.engine().run(NodeRef(item));
    }

    fn poll(&self) -> bool {
        self.engine().poll()
    }

    fn begin_polling(&self) {
        if let Some(outside) = &self.engine().outside {
            outside.begin_polling();
        }
    }

    fn end_polling(&self) {
        if let Some(outside) = &self.engine().outside {
            outside.end_polling();
            outside.poll(self.engine());
        }
    }

    fn poll_interval(&self) -> Option<Duration> {
        self.engine().outside.as_ref().and_then(|o| o.poll_interval())
    }
}

impl Engine {
    pub fn start(scheduler: Scheduler, mappers: Mappers, window: u32, outside: Option<Arc<dyn Outside>>) -> Result<Box<Self>> {
        let (rank, conversions) = (mappers.setting.rank, Conversions::new(mappers.setting.nodes.len()));
        let (bodies, frames) = (Arc::new(Bodies::default()), Arc::new(Frames::default()));
        let beside = (bodies.clone(), frames.clone());
        let engine = Box::new(Self {
            mappers,
            graph: Graph::with_arrays(Box::new(move |chunk| beside.0.make(chunk) && beside.1.make(chunk))),
            bodies,
            scheduler,
            failures: Failures::new(rank),
            frames,
            rank,
            window: window.into(),
            outside,
            contexts: Stash::default(),
            more_contexts: Mutex::default(),
            buffers: Stash::default(),
            conversions,
            unplaced: Unplaced::default(),
            layouts: Layouts::default(),
            devices: OnceLock::new(),
            anxious: SeatSet::default(),
            activity: Activity::default(),
            serial: told::next_serial(),
            last: AtomicU32::new(0),
        });
        engine.scheduler.start(Arc::new(Driver(NonNull::from(&*engine))))?;
        Ok(engine)
    }

    #[inline]
    pub(super) fn class_of(&self, node: NodeRef) -> Class {
        let body = unsafe { self.bodies.get(node.index()) };
        match &body.work {
            Work::Task(_) if body.on == Some(Processor::Mpi) => Class::Host,
            Work::Task(kind) if !kind.leaf => Class::Blocking,
            _ => Class::Leaf,
        }
    }

    /// A node became ready while something else finished.
    #[inline]
    pub fn release(&self, node: NodeRef) {
        let body = unsafe { self.bodies.get(node.index()) };
        if body.special != 0 {
            return self.reserve(node, body, true);
        }
        self.scheduler.released(node.0, self.class_of(node));
    }

    /// Operations that stand in line for what this one held may have all they want now.
    fn give_back(&self, body: &mut Body) {
        body.reservations.give_back(&self.graph, &mut |node| {
            // Its body is this thread's from now on.
            let waiting = unsafe { self.bodies.get(node.index()) };
            if waiting.reservations.go_on(&self.graph, node) {
                self.place(node, waiting, true);
            }
        });
    }

    /// A node was ready when it was launched.
    #[inline]
    pub fn offer(&self, node: NodeRef) {
        let body = unsafe { self.bodies.get(node.index()) };
        if body.special != 0 {
            return self.reserve(node, body, false);
        }
        self.scheduler.offer(node.0, self.class_of(node));
    }

    /// A node is ready that is not just offered.
    #[cold]
    fn reserve(&self, node: NodeRef, body: &mut Body, released: bool) {
        // If it stands in line for what it wants, it is no longer this thread's.
        if body.special & special::RESERVES == 0 || body.reservations.take(&self.graph, node) {
            self.place(node, body, released);
        }
    }

    fn place(&self, node: NodeRef, body: &mut Body, released: bool) {
        if body.special & special::MEMBER != 0 {
            return self.run_member(node);
        }
        if body.special & special::DEVICE != 0 {
            return self.submit(node, body);
        }
        // From then on the node may be the launching thread's.
        if body.inline.clone().is_some_and(|inline| inline.hand_over(self)) {
            return;
        }
        if body.special & special::OPEN != 0 {
            self.ask_when_ready(body, released);
        }
        let class = self.class_of(node);
        if released {
            self.scheduler.released_as(node.0, class, body.wish);
        } else {
            self.scheduler.offer_as(node.0, class, body.wish);
        }
    }

    /// Members of a must epoch may wait for each other: each gets a thread.
    fn run_member(&self, node: NodeRef) {
        let driver = Driver(NonNull::from(self));
        let run = move |scheduler: &Scheduler| {
            // Without a seat it runs as well, but nobody sees it.
            let _ = scheduler.sit(Role::Launcher);
            driver.run(node.0)
        };
        if let Err(error) = self.scheduler.spawn("cohort-member", run) {
            let number = self.fail(error.text.into());
            self.finish(node, number);
        }
    }

    /// Drives what lies outside of this process, once; whether anything moved. For calls that return at once, so that a loop of them drives too.
    #[inline]
    pub fn poll(&self) -> bool {
        self.outside.as_ref().is_some_and(|outside| outside.poll(self))
    }

    /// Blocks until `until`; `asleep` is called once before the thread first sleeps.
    pub(super) fn block(&self, until: impl Fn() -> bool, seats: &SeatSet, asleep: impl FnOnce(), deadline: Option<Instant>) -> Result<bool> {
        let mut asleep = Some(asleep);
        self.activity.wait_begins(inside_task());
        let register = |seat| {
            seats.add(seat);
            self.anxious.add(seat);
            if let Some(asleep) = asleep.take() {
                seats.sleepers.fetch_add(1, Ordering::Relaxed);
                asleep();
            }
        };
        let result = self.scheduler.block(until, register, deadline);
        if asleep.is_none() {
            seats.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
        self.activity.wait_ends(inside_task());
        result
    }

    /// Waits for `until`; whoever makes it true wakes `seats`. False: the deadline passed. The program outside of tasks is
    /// told of a failure first; a task is told of one that may keep what it waits for from coming.
    pub fn wait(&self, until: impl Fn() -> bool, seats: &SeatSet, deadline: Option<Instant>) -> Result<bool> {
        self.wait_asleep(until, seats, || (), deadline)
    }

    /// As `wait`; `asleep` is called once before the thread first sleeps.
    pub fn wait_asleep(
        &self,
        until: impl Fn() -> bool,
        seats: &SeatSet,
        asleep: impl FnOnce(),
        deadline: Option<Instant>,
    ) -> Result<bool> {
        if inside_task() {
            let came = self.wait_unless_stuck(until, seats, asleep, deadline, || self.untold())?;
            return self.has_waited().map(|()| came);
        }
        self.block(|| until() || self.untold().is_some(), seats, asleep, deadline)?;
        self.check_failures()?;
        Ok(until())
    }

    /// The execution has waited for what hands data over, and may look at it.
    #[inline]
    pub fn has_waited(&self) -> Result<()> {
        if self.last.load(Ordering::Relaxed) == LOOK { self.come_home() } else { Ok(()) }
    }

    /// For functions that ask whether a wait would return: an error if it would tell of a failure.
    pub fn check_failures(&self) -> Result<()> {
        match self.untold() {
            Some(number) if !inside_task() => Err(self.tell(number)),
            _ => Ok(()),
        }
    }

    /// As `wait_asleep`, but a failure ends the wait only if it keeps operations from going on: when nothing has moved for a
    /// while and no task runs.
    pub(super) fn wait_unless_stuck(
        &self,
        until: impl Fn() -> bool,
        seats: &SeatSet,
        asleep: impl FnOnce(),
        deadline: Option<Instant>,
        failed: impl Fn() -> Option<u32>,
    ) -> Result<bool> {
        let mut asleep = Some(asleep);
        let mut asleep_once = || {
            if let Some(asleep) = asleep.take() {
                asleep();
            }
        };
        loop {
            self.block(|| until() || failed().is_some(), seats, &mut asleep_once, deadline)?;
            let moved = self.activity.moved();
            let limit = Instant::now() + PATIENCE;
            if until() || self.block(&until, seats, &mut asleep_once, Some(deadline.map_or(limit, |d| d.min(limit))))? {
                return Ok(true);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(false);
            }
            // This wait itself begins once and ends once, and the task that it is in runs again.
            let others = self.activity.moved() - moved > 2 || self.activity.running() > i64::from(inside_task());
            if let (false, Some(number)) = (others, failed()) {
                return Err(self.tell(number));
            }
        }
    }

    /// Something failed on this rank, and every rank is told: its number.
    pub fn fail(&self, text: String) -> u32 {
        self.fail_as(Status::TaskFailed, text)
    }

    /// As `fail`, with another status.
    pub fn fail_as(&self, status: Status, text: String) -> u32 {
        self.note(status, text, |code, text| {
            if let Some(outside) = &self.outside {
                outside.announce(code, text);
            }
        })
    }

    /// As `fail`, of a wrong call that comes to light later: only this rank is told, as by a call that fails at once.
    pub fn fail_here(&self, text: String) -> u32 {
        self.note(Status::TaskFailed, text, |_, _| ())
    }

    fn note(&self, status: Status, mut text: String, announce: impl FnOnce(u64, &str)) -> u32 {
        if text.len() > MOST_TEXT {
            let end = (0..=MOST_TEXT - 3).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.replace_range(end.., "...");
        }
        let number = self.failures.add(Error::new(status, text), announce);
        self.anxious.wake(&self.scheduler);
        number
    }

    /// Every wait ends with this error from here on, and no operation runs any more: there is nothing to wait for.
    pub fn give_up(&self, error: Error) -> u32 {
        let number = self.failures.add(error, |_, _| ());
        self.last.store(number, Ordering::Release);
        self.anxious.wake(&self.scheduler);
        number
    }

    /// The number here of a failure that another rank names by its code; 0 for 0.
    pub fn failure_of(&self, code: u64) -> u32 {
        if code == 0 {
            return 0;
        }
        if let Some(outside) = &self.outside {
            outside.hear(self);
        }
        let unsaid = || Error::new(Status::TaskFailed, format!("a task failed on rank {}", Failures::origin(code)));
        self.learn(code, unsaid)
    }

    /// A failure that another rank told of: its number here.
    pub fn learn(&self, code: u64, error: impl FnOnce() -> Error) -> u32 {
        let (number, news) = self.failures.learn(code, error);
        if news {
            self.anxious.wake(&self.scheduler);
        }
        number
    }

    /// Why a node that is ready does not run, or 0; `LOOK` if only devices speak against it.
    #[inline]
    pub(super) fn inherited(&self, node: NodeRef, body: &Body) -> u32 {
        match (self.graph.poison(node), self.last.load(Ordering::Relaxed)) {
            (0, 0) if body.has_more() => body.failed_input(),
            (0, last) => last,
            (error, _) => error,
        }
    }

    /// A node is ready again that was put by.
    pub(super) fn offer_again(&self, node: NodeRef) {
        // Nobody else has the body of a node that was put by.
        let body = unsafe { self.bodies.get(node.index()) };
        let class = self.class_of(node);
        if body.special == 0 {
            return self.scheduler.offer(node.0, class);
        }
        self.scheduler.offer_as(node.0, class, body.wish);
    }

    pub(super) fn run(&self, node: NodeRef) {
        // Ready, and so this thread's.
        let body = unsafe { self.bodies.get(node.index()) };
        if matches!(body.work, Work::Fold(_)) {
            return self.run_fold(node, body);
        }
        let inherited = self.inherited(node, body);
        if inherited != 0 {
            match if inherited == LOOK { self.look(node, body) } else { Some(inherited) } {
                Some(0) => (),
                Some(error) => return self.finish(node, error),
                None => return,
            }
        }
        if body.has_more() && body.predicate.is_some() {
            match body.is_skipped() {
                Ok(true) => return self.finish(node, 0),
                Ok(false) => (),
                Err(error) => return self.finish(node, self.number_of(Err(error), body.work.name())),
            }
        }
        let error = match std::mem::take(&mut body.work) {
            Work::Nothing => 0,
            Work::Task(kind) => {
                let name = &*kind.name;
                match self.run_task(node, body, kind) {
                    Some(result) => self.number_of(result, name),
                    None => return,
                }
            }
            work => self.run_other(body, work),
        };
        self.finish(node, error);
    }

    /// Does the work of an operation that is no task; the number of its failure, or 0. Its working space is not to be part of
    /// `run`'s frame: a task that waits runs others on its own stack, one such frame for each level.
    #[inline(never)]
    fn run_other(&self, body: &mut Body, work: Work) -> u32 {
        match work {
            Work::Fill => self.number_of(fill(body), "fill"),
            Work::Copy => self.number_of(super::copy::run(self, body), "copy"),
            Work::Indirect(how) => self.number_of(super::indirect::run(body, how), "copy"),
            Work::Reduce(operator) => {
                let points = body.map.as_ref().map_or(&[][..], FutureMap::cells);
                let result = body.result.as_ref().map_or(Ok(()), |result| super::index::reduce(points, operator, &self.failures, result));
                self.number_of(result, "reduction of results")
            }
            Work::Combine { all } => {
                let found = super::predicate::combined(&body.futures, &body.args, all);
                self.number_of(found.map(|holds| body.set_value(&[holds.into()])), "combination of predicates")
            }
            Work::Ended => body.task_error,
            Work::Nothing | Work::Task(_) | Work::Fold(_) | Work::Device(_) => unreachable!("have ways of their own"),
        }
    }

    /// A fold waits for the folds before it only for the order: their failures are not its own, its task's is.
    #[inline(never)]
    fn run_fold(&self, node: NodeRef, body: &mut Body) {
        self.graph.absolve(node);
        if self.awaits_contributions(node, body) {
            return;
        }
        let lacks = if self.last.load(Ordering::Relaxed) == LOOK { self.look(node, body) } else { Some(0) };
        let Some(lacks) = lacks else { return };
        reduction::fold(self, body);
        self.finish(node, if body.task_error != 0 { body.task_error } else { lacks });
    }

    /// The number of the failure that an operation ended with, or 0.
    pub(super) fn number_of(&self, result: Result<()>, name: &str) -> u32 {
        match result {
            Ok(()) => 0,
            Err(error) => self.fail(format!("task \"{name}\" failed on rank {}: {}", self.rank, error.text)),
        }
    }

    /// `None`: children are outstanding, and the last of them finishes the node.
    fn run_task(&self, node: NodeRef, body: &mut Body, kind: &'static super::TaskKind) -> Option<Result<()>> {
        // The fold waits for this task, so nobody else has its body.
        let mut prepared = if body.reduces { reduction::prepare(self, body, unsafe { self.bodies.get(body.fold) }) } else { Ok(()) };
        if body.asks_instances || kind.asked.any() {
            prepared = prepared.and_then(|()| converted::prepare(self, body, kind));
        }
        let function = kind.body(body.on.unwrap_or(Processor::Cpu));
        let (mut result, context) = self.execute(node, body, kind, prepared, |handle| function(handle));
        if body.converts {
            result = converted::finish(self, body, result.is_ok()).and(result);
        }
        if body.reduces {
            // The fold waits for this task, so nobody else has its body.
            reduction::hand_over(self, body, unsafe { self.bodies.get(body.fold) }, result.is_ok());
        }
        let Some(context) = context else { return Some(result) };
        let error = self.number_of(result, &kind.name);
        // From here on the context belongs to whoever takes its count to zero.
        let context = Box::leak(context);
        context.close(self, node, error);
        None
    }

    /// Calls the body of a task, unless what had to be prepared for it failed; and the context in which it launched, if it did.
    #[inline]
    pub(super) fn execute(
        &self,
        node: NodeRef,
        body: &Body,
        kind: &'static super::TaskKind,
        prepared: Result<()>,
        function: impl FnOnce(u64) -> i32,
    ) -> (Result<()>, Option<Box<Context>>) {
        let watched = kind.mappers().map(|chain| (chain, self.task_is_watched(chain, body)));
        let frame = self.frames.open(node, body, kind);
        let handle = frame.handle();
        let measured = self.is_measured(kind, handle);
        let outer = current::enter(Execution { task: handle, told: (self.serial, body.told) });
        let activity = self.activity.task_begins();
        let mut result = match prepared {
            Ok(()) => match catch_unwind(AssertUnwindSafe(|| function(handle))) {
                Ok(0) => Ok(()),
                Ok(code) => Err(format!("its body returned {code}")),
                Err(panic) => Err(format!("its body panicked: {}", crate::base::status::panic_text(&*panic))),
            },
            Err(error) => Err(error.text.into()),
        };
        if let Some(start) = measured {
            self.was_measured(kind, start);
        }
        current::enter(outer);
        activity.ends();
        let (complaint, context) = unsafe { ((*frame.complaint.get()).take(), (*frame.context.get()).take()) };
        if let Some(context) = &context {
            let left = std::mem::take(context.mappings());
            result = inline::left_open(&left).map_or(result, Err);
        }
        if let Some(complaint) = complaint {
            result = Err(complaint.into());
        }
        frame.close();
        if let Some((chain, start)) = watched {
            self.task_was_watched(kind, chain, body, start);
        }
        (result.map_err(|text| Error::new(Status::TaskFailed, text)), context)
    }

    /// A node has done its work, or will not do it.
    pub(super) fn finish(&self, node: NodeRef, error: u32) {
        let body = unsafe { self.bodies.get(node.index()) };
        if body.has_more() {
            if let Some(result) = body.result.take() {
                result.fail(error);
                result.ready.advance_to(&self.graph, 1, &mut |n| self.release(n));
                result.seats.wake(&self.scheduler);
            }
            for (arrival, phase) in body.arrivals.drain(..) {
                arrival.arrive(self, phase, error);
            }
        }
        if body.reduces && !matches!(body.work, Work::Fold(_)) {
            // The fold waits for this task, so nobody else has its body.
            unsafe { self.bodies.get(body.fold) }.task_error = error;
        }
        if body.special & special::RESERVES != 0 {
            self.give_back(body);
        }
        let parent = body.parent.take();
        body.clear();
        self.graph.complete(node, error, &mut |n| self.release(n));
        if let Some(parent) = parent {
            // A context outlives what was launched in it.
            unsafe { parent.as_ref() }.child_done(self, error);
        }
    }

    /// The context of an execution, made when it first launches.
    #[allow(clippy::mut_from_ref)]
    pub fn context_of<'a>(&self, frame: &'a Frame) -> &'a Context {
        // The frame's thread is the calling one.
        let slot = unsafe { &mut *frame.context.get() };
        slot.get_or_insert_with(|| {
            let context = self.contexts.take().or_else(|| self.more_contexts.lock().pop()).unwrap_or_default();
            context.window.set(self.window_of(frame));
            context
        })
    }

    /// A tree lost its last name: what only the execution or nobody uses lets go of it. By the execution's thread.
    pub fn forget_unnamed(&self, frame: &Frame) {
        match unsafe { &*frame.context.get() } {
            Some(context) => context.let_go_of_unnamed(self),
            None => self.let_go_of_unnamed(),
        }
    }

    pub(super) fn recycle(&self, context: Box<Context>) {
        if let Err(context) = self.contexts.give(context) {
            self.more_contexts.lock().push(context);
        }
    }

    /// Contexts that nobody uses let go of the trees that no handle names.
    pub(super) fn let_go_of_unnamed(&self) {
        let mut idle: Vec<_> = std::iter::from_fn(|| self.contexts.take()).collect();
        idle.append(&mut self.more_contexts.lock());
        for mut context in idle {
            context.let_go(self);
            self.recycle(context);
        }
    }
}

fn fill(body: &Body) -> Result<()> {
    for need in body.needs() {
        for field in need.mask.iter() {
            for rect in need.node().domain.rects() {
                // The fill holds these points for writing.
                let fill = |part: &Rect, to: &FieldInstance| unsafe { copy::fill_rect(to, part, &body.args) };
                need.data().instances.each_place(field, &rect, fill)?;
            }
        }
    }
    Ok(())
}
