//! Runs operations and carries their completion on: results, arrivals, successors, the context that launched them.

use super::body::{Bodies, Body, Work};
use super::context::Context;
use super::frame::Frames;
use super::{reduction, Failures, Frame, Processor};
use crate::base::{Error, Result, Stash, Status};
use crate::copy;
use crate::event::{Graph, NodeRef};
use crate::instance::Storage;
use crate::scheduler::{Class, Runner, Scheduler};
use crate::base::sync::Mutex;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::NonNull;
use std::sync::atomic::{fence, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The seats of threads that sleep until something happens: a bit for each seat modulo 64. Who is woken for another looks
/// again, adds itself again, and sleeps on; so nobody has to be taken out who does not wait any more.
#[derive(Default)]
pub struct SeatSet(AtomicU64);

impl SeatSet {
    /// Before each sleep.
    fn add(&self, seat: usize) {
        self.0.fetch_or(1 << (seat % 64), Ordering::SeqCst);
    }

    /// Call after what they wait for has come true.
    #[inline]
    pub fn wake(&self, scheduler: &Scheduler) {
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) != 0 {
            self.wake_all(scheduler);
        }
    }

    #[cold]
    fn wake_all(&self, scheduler: &Scheduler) {
        let seats = self.0.swap(0, Ordering::SeqCst);
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
}

pub struct Engine {
    pub graph: Graph,
    pub(super) bodies: Bodies,
    pub scheduler: Scheduler,
    pub failures: Failures,
    pub frames: Frames,
    pub rank: u32,
    pub window: u64,
    pub outside: Option<Arc<dyn Outside>>,
    /// Contexts to be used again. Their pools own nodes, so none is freed before the graph.
    contexts: Stash<Context>,
    #[allow(clippy::vec_box)]
    more_contexts: Mutex<Vec<Box<Context>>>,
    /// Copies that reducing tasks worked on.
    pub(super) buffers: Stash<Storage>,
    /// Threads that wait for something which a failure elsewhere may keep from happening.
    anxious: SeatSet,
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
    pub fn start(scheduler: Scheduler, rank: u32, window: u32, outside: Option<Arc<dyn Outside>>) -> Result<Box<Self>> {
        let engine = Box::new(Self {
            graph: Graph::new(),
            bodies: Bodies::default(),
            scheduler,
            failures: Failures::new(rank),
            frames: Frames::default(),
            rank,
            window: window.into(),
            outside,
            contexts: Stash::default(),
            more_contexts: Mutex::default(),
            buffers: Stash::default(),
            anxious: SeatSet::default(),
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
        if unsafe { self.bodies.get(node.index()) }.member {
            return self.run_member(node);
        }
        self.scheduler.released(node.0, self.class_of(node));
    }

    /// A node was ready when it was launched.
    #[inline]
    pub fn offer(&self, node: NodeRef) {
        if unsafe { self.bodies.get(node.index()) }.member {
            return self.run_member(node);
        }
        self.scheduler.offer(node.0, self.class_of(node));
    }

    /// Members of a must epoch may wait for each other: each gets a thread.
    fn run_member(&self, node: NodeRef) {
        let driver = Driver(NonNull::from(self));
        if let Err(error) = self.scheduler.spawn("cohort-member", move |_| driver.run(node.0)) {
            let number = self.fail(error.text.into());
            self.finish(node, number);
        }
    }

    /// Drives what lies outside of this process, once; whether anything moved. For calls that return at once, so that a loop of them drives too.
    #[inline]
    pub fn poll(&self) -> bool {
        self.outside.as_ref().is_some_and(|outside| outside.poll(self))
    }

    /// Waits for `until`; whoever makes it true wakes `seats`. False: the deadline passed.
    pub fn wait(&self, until: impl Fn() -> bool, seats: &SeatSet, deadline: Option<Instant>) -> Result<bool> {
        let result = self.scheduler.block(until, |seat| seats.add(seat), deadline);
        result
    }

    /// As `wait`, but ends with the error of any task that fails meanwhile.
    pub fn wait_or_failure(&self, until: impl Fn() -> bool, seats: &SeatSet, deadline: Option<Instant>) -> Result<bool> {
        self.wait_or_failure_asleep(until, seats, || (), deadline)
    }

    /// As `wait_or_failure`; `asleep` is called once before the thread first sleeps.
    pub fn wait_or_failure_asleep(
        &self,
        until: impl Fn() -> bool,
        seats: &SeatSet,
        asleep: impl FnOnce(),
        deadline: Option<Instant>,
    ) -> Result<bool> {
        let before = self.failures.count();
        let failed = || self.failures.count() != before;
        let mut asleep = Some(asleep);
        let register = |seat| {
            seats.add(seat);
            self.anxious.add(seat);
            if let Some(asleep) = asleep.take() {
                asleep();
            }
        };
        let result = self.scheduler.block(|| until() || failed(), register, deadline);
        result?;
        if until() {
            return Ok(true);
        }
        if failed() {
            return Err(self.failures.error(before + 1));
        }
        Ok(false)
    }

    /// Something failed on this rank: its number.
    pub fn fail(&self, text: String) -> u32 {
        let number = self.failures.add(Error::new(Status::TaskFailed, text));
        self.anxious.wake(&self.scheduler);
        number
    }

    /// The number here of a failure that another rank names by its code; 0 for 0.
    pub fn failure_of(&self, code: u64) -> u32 {
        if code == 0 {
            return 0;
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

    fn run(&self, node: NodeRef) {
        // Ready, and so this thread's.
        let body = unsafe { self.bodies.get(node.index()) };
        if matches!(body.work, Work::Fold) {
            return self.run_fold(node, body);
        }
        let inherited = match self.graph.poison(node) {
            0 => body.futures.iter().map(|f| f.error()).find(|&e| e != 0).unwrap_or(0),
            error => error,
        };
        if inherited != 0 {
            return self.finish(node, inherited);
        }
        let error = match std::mem::take(&mut body.work) {
            Work::Nothing => 0,
            Work::Task(kind) => {
                let name = &*kind.name;
                match self.run_task(node, body, &kind) {
                    Some(result) => self.number_of(result, name),
                    None => return,
                }
            }
            Work::Fill => self.number_of(fill(body), "fill"),
            Work::Copy => self.number_of(super::copy::run(self, body), "copy"),
            Work::Reduce(how, element) => {
                let total = super::index::reduce(&body.futures, how, element, &self.failures);
                self.number_of(total.map(|t| body.set_value(&t)), "reduction of results")
            }
            Work::Fold => unreachable!("has a way of its own"),
        };
        self.finish(node, error);
    }

    /// A fold waits for the folds before it only for the order: their failures are not its own, its task's is.
    fn run_fold(&self, node: NodeRef, body: &mut Body) {
        self.graph.absolve(node);
        reduction::fold(self, body);
        self.finish(node, body.task_error);
    }

    fn number_of(&self, result: Result<()>, name: &str) -> u32 {
        match result {
            Ok(()) => 0,
            Err(error) => self.fail(format!("task \"{name}\" failed on rank {}: {}", self.rank, error.text)),
        }
    }

    /// `None`: children are outstanding, and the last of them finishes the node.
    fn run_task(&self, node: NodeRef, body: &mut Body, kind: &super::TaskKind) -> Option<Result<()>> {
        let prepared = if body.reduces { reduction::prepare(self, body) } else { Ok(()) };
        let frame = self.frames.open(node, body);
        let handle = frame.handle();
        let outer = super::frame::enter_task(handle);
        let call = || (kind.body(body.on.unwrap_or(Processor::Cpu)))(handle);
        let mut result = match prepared {
            Ok(()) => match catch_unwind(AssertUnwindSafe(call)) {
                Ok(0) => Ok(()),
                Ok(code) => Err(format!("its body returned {code}")),
                Err(panic) => Err(format!("its body panicked: {}", crate::base::status::panic_text(&*panic))),
            },
            Err(error) => Err(error.text.into()),
        };
        super::frame::enter_task(outer);
        let (complaint, context) = unsafe { ((*frame.complaint.get()).take(), (*frame.context.get()).take()) };
        if let Some(complaint) = complaint {
            result = Err(complaint.into());
        }
        frame.close();
        let result = result.map_err(|text| Error::new(Status::TaskFailed, text));
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

    /// A node has done its work, or will not do it.
    pub(super) fn finish(&self, node: NodeRef, error: u32) {
        let body = unsafe { self.bodies.get(node.index()) };
        if body.has_more() {
            if let Some(result) = body.result.take() {
                result.prepare(body.value.get_mut(), error);
                result.ready.advance_to(&self.graph, 1, &mut |n| self.release(n));
                result.seats.wake(&self.scheduler);
            }
            for (arrival, phase) in body.arrivals.drain(..) {
                arrival.arrive(self, phase, error);
            }
        }
        if body.reduces && !matches!(body.work, Work::Fold) {
            // The fold waits for this task, so nobody else has its body.
            unsafe { self.bodies.get(body.fold) }.task_error = error;
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
        slot.get_or_insert_with(|| self.contexts.take().or_else(|| self.more_contexts.lock().pop()).unwrap_or_default())
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
            let to = need.data().instances.covering(field, &need.node().domain.bounds)?;
            // The fill holds these points for writing.
            need.node().domain.rects().iter().for_each(|rect| unsafe { copy::fill_rect(to, rect, &body.args) });
        }
    }
    Ok(())
}
