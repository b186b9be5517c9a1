//! The thread of a device: enqueues what is ready, and brings about what waits for events that have happened.

use super::super::body::{Body, Work};
use super::super::mapped::special;
use super::super::Engine;
use super::start::{Data, Started};
use super::compile::Kernels;
use super::parcel::Shipment;
use super::standing::{Standing, Whose};
use super::{Attached, Contributions, DeviceBody, DeviceTask, Devices, Done, Job, Request, Then, Watched, LOOK};
use super::super::Context;
use crate::base::{Error, Result};
use crate::device::{Outstanding, Stream};
use crate::event::{NodeRef, State};
use crate::fail;
use super::resident::Events;
use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long the thread looks again and again after something has happened; then it sleeps between two looks.
const BUSY: Duration = Duration::from_micros(20);
const NAP: Duration = Duration::from_micros(20);

/// What became of an operation that is ready.
pub enum Beginning {
    Started(Started),
    /// For its data, until another task is complete.
    NoRoom,
    /// It comes again by itself.
    Later,
    /// The host does it.
    ToHost,
}

/// A task that was enqueued and is not complete, or one that is not enqueued and comes after such.
struct Running {
    task: Box<DeviceTask>,
    started: Started,
    since: Instant,
    /// What it ends with in any case.
    left: Option<u32>,
}

pub struct DeviceThread<'a> {
    pub engine: &'a Engine,
    pub devices: &'a Devices,
    pub number: usize,
    /// Tasks that are ready, in the order in which they became so.
    waiting: VecDeque<NodeRef>,
    /// In the order in which they were enqueued.
    running: VecDeque<Running>,
    watched: Vec<Watched>,
    pub kernels: Kernels,
    turn: usize,
    /// Something runs or is compiled: a wait that a failure may end lasts as long.
    is_active: bool,
    /// The device is lost, and what lay there alone.
    is_lost: bool,
    /// In which a function of the program launched, though it must not.
    pub launched: Cell<Option<Box<Context>>>,
}

/// The engine, for a thread that ends before it.
pub struct Lent(NonNull<Engine>);

unsafe impl Send for Lent {}

impl Lent {
    pub fn of(engine: &Engine) -> Self {
        Self(NonNull::from(engine))
    }

    pub fn engine(&self) -> &Engine {
        unsafe { self.0.as_ref() }
    }
}

pub fn start(engine: &Engine) -> Result<()> {
    let count = engine.devices.get().map_or(0, |devices| devices.list.len());
    for number in 0..count {
        let lent = Lent::of(engine);
        engine.scheduler.spawn("cohort-device", move |_| {
            let engine = lent.engine();
            if let Some(devices) = engine.devices.get() {
                let (waiting, running, watched, kernels) = Default::default();
                let (turn, is_active, is_lost, launched) = (0, false, false, Cell::default());
                DeviceThread { engine, devices, number, waiting, running, watched, kernels, turn, is_active, is_lost, launched }.serve();
            }
        })?;
    }
    Ok(())
}

impl DeviceThread<'_> {
    pub fn attached(&self) -> &Attached {
        &self.devices.list[self.number]
    }

    fn serve(&mut self) {
        // Who sends before this wakes nobody, and is seen by the first look.
        let _ = self.attached().thread.set(std::thread::current());
        let mut moved = Instant::now();
        let mut requests = VecDeque::new();
        loop {
            std::mem::swap(&mut requests, &mut *self.attached().inbox.lock());
            let mut any = !requests.is_empty();
            for request in requests.drain(..) {
                match request {
                    Request::Run(node) => self.waiting.push_back(node),
                    Request::Fold(node) => self.fold(node),
                    Request::Watch(watched) => self.watched.push(watched),
                    Request::Compiled(text, compiled) => self.kernels.add(text, *compiled).into_iter().for_each(|node| self.comes_again(node)),
                    Request::Stop => return,
                }
            }
            any |= self.complete();
            // A call of the driver's may keep the thread from here on.
            if any {
                self.engine.activity.moves();
            }
            any |= self.enqueue_waiting();
            self.say_whether_active();
            if any {
                moved = Instant::now();
                self.say_what_stands(None);
                self.engine.activity.moves();
            } else if self.running.is_empty() && self.watched.is_empty() && self.waiting.is_empty() {
                std::thread::park();
            } else if moved.elapsed() < BUSY {
                std::thread::yield_now();
            } else {
                std::thread::park_timeout(NAP);
            }
        }
    }

    fn say_whether_active(&mut self) {
        let is_active = !self.running.is_empty() || !self.watched.is_empty() || self.kernels.are_under_way();
        if std::mem::replace(&mut self.is_active, is_active) != is_active {
            self.engine.activity.device_is_active(is_active);
        }
    }

    /// `enqueues`: what the driver is about to be given.
    fn say_what_stands(&self, enqueues: Option<Whose>) {
        let runs = self.running.front().map(|running| (running.task.job.into(), running.since));
        let oldest = self.watched.iter().min_by_key(|watched| watched.since);
        *self.attached().standing.lock() = Standing {
            enqueues: enqueues.map(|whose| (whose, Instant::now())),
            runs,
            behind: (self.running.len() + self.waiting.len()).saturating_sub(1),
            brings: oldest.map(|watched| (watched.whose, watched.since)),
            compiles: self.kernels.oldest_under_way(),
        };
    }

    /// What comes when these events have happened.
    pub fn watch(&mut self, events: Events, then: Then, whose: Whose) {
        self.watched.push(Watched { events, then, whose, since: Instant::now() });
    }

    /// Whether the device is lost. What lay there alone is lost before anyone learns of the fault.
    fn look_whether_lost(&mut self) -> Option<&str> {
        let lost = self.devices.list[self.number].device.lost();
        if let Some(why) = lost.filter(|_| !self.is_lost) {
            self.is_lost = true;
            self.devices.lose(self.number, why);
        }
        lost
    }

    pub fn has_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Whether something that was enqueued has ended.
    fn complete(&mut self) -> bool {
        let (mut at, mut outstanding) = (0, Outstanding::default());
        let before = self.running.len() + self.watched.len();
        while at < self.running.len() {
            match outstanding.outcome(&self.running[at].started.events) {
                None => at += 1,
                Some(result) => {
                    self.look_whether_lost();
                    let Some(Running { task, started, left, .. }) = self.running.remove(at) else { break };
                    if let Some(error) = left {
                        self.end(&task, error);
                        continue;
                    }
                    self.unpin(&started.data.pinned);
                    let shipped = result.and_then(|()| self.ship(&task, started.data.shipment));
                    let error = self.engine.number_of(shipped, task.job.name());
                    if let (0, Some(fold)) = (error, task.fold) {
                        let contributions = Contributions::new(started.data.contributions);
                        self.attached().keep(&contributions);
                        // The fold waits for the task's end, so nobody else has its body.
                        unsafe { self.engine.bodies.get(fold.index()) }.work = Work::Fold(Some(Box::new(contributions)));
                    }
                    self.end(&task, error);
                }
            }
        }
        at = 0;
        while at < self.watched.len() {
            match outstanding.outcome(&self.watched[at].events) {
                None => at += 1,
                Some(result) => {
                    self.look_whether_lost();
                    let Watched { then, whose, .. } = self.watched.swap_remove(at);
                    let failed = |text| format!("a copy from a device failed on rank {}, for which {whose} waited: {text}", self.engine.rank);
                    self.bring_about(then, result.map_err(|error| Error::new(error.status, failed(error.text))));
                }
            }
        }
        self.running.len() + self.watched.len() < before
    }

    /// Sends what a copy has packed, and with it what arrives together with the points.
    fn ship(&self, task: &DeviceTask, shipment: Option<Shipment>) -> Result<()> {
        let Some(shipment) = shipment else { return Ok(()) };
        // The second node waits for this thread, so nobody else has its body.
        shipment.leave(&mut unsafe { self.engine.bodies.get(task.end.index()) }.arrivals)
    }

    fn bring_about(&mut self, then: Then, result: Result<()>) {
        match (then, result) {
            (Then::Offer(node), Ok(())) => self.engine.offer_again(node),
            (Then::Offer(node), Err(error)) => self.engine.finish(node, self.engine.fail(error.text.into())),
            // It looks itself whether what it comes after failed.
            (Then::Run(node), _) => self.waiting.push_back(node),
            (Then::Tell(told), result) => {
                *told.failed.lock() = result.err();
                told.done.store(true, Ordering::Release);
                told.seats.wake(&self.engine.scheduler);
            }
        }
    }

    /// Whether a task was enqueued, or failed. A task for whose data there is no room keeps those after it waiting.
    fn enqueue_waiting(&mut self) -> bool {
        let mut any = false;
        while let Some(&node) = self.waiting.front() {
            if self.is_to_be_compiled(node) {
                self.waiting.pop_front();
                continue;
            }
            if !self.enqueue(node) {
                self.say_what_stands(None);
                return any;
            }
            self.waiting.pop_front();
            any = true;
        }
        any
    }

    /// A kernel is there that the task or the fold waited for.
    fn comes_again(&mut self, node: NodeRef) {
        // Both are this thread's.
        match unsafe { self.engine.bodies.get(node.index()) }.work {
            Work::Fold(_) => self.fold(node),
            _ => self.waiting.push_back(node),
        }
    }

    /// Whether the task's kernel is not there yet; the task comes again when it is.
    fn is_to_be_compiled(&mut self, node: NodeRef) -> bool {
        // The node is ready, and so this thread's.
        let body = unsafe { self.engine.bodies.get(node.index()) };
        let Work::Device(task) = &body.work else { return false };
        let Job::Task(kind) = task.job else { return false };
        match kind.devices.find(self.attached().device.info().api) {
            Some(DeviceBody::Kernel(text)) => !self.kernels.are_there(text, node, self.engine, self.number),
            _ => false,
        }
    }

    /// False: there is no room yet.
    fn enqueue(&mut self, node: NodeRef) -> bool {
        // The node is ready, and so this thread's.
        let body = unsafe { self.engine.bodies.get(node.index()) };
        let Work::Device(mut task) = std::mem::take(&mut body.work) else { return true };
        let error = match self.engine.inherited(node, body) {
            LOOK => body.failed_input(),
            error => error,
        };
        // A task that it comes after may have failed since it was enqueued.
        let failed = |end: &NodeRef| match self.engine.graph.state(*end) {
            State::Failed(number) => Some(number),
            _ => None,
        };
        let error = if error == 0 { task.after.harming().iter().find_map(failed).unwrap_or(0) } else { error };
        if error != 0 {
            self.leave(node, body, task, error);
            return true;
        }
        match body.is_skipped() {
            Ok(false) => (),
            Ok(true) => {
                self.leave(node, body, task, 0);
                return true;
            }
            Err(error) => {
                let number = self.engine.number_of(Err(error), task.job.name());
                self.leave(node, body, task, number);
                return true;
            }
        }
        if let (Job::Task(kind), true) = (task.job, body.special & special::OPEN != 0) {
            // A task for whose data there is no room comes here again.
            body.special &= !special::OPEN;
            let chosen = self.engine.ask_on_device(kind, body, self.devices.place_of(self.number));
            if !chosen.is_empty() {
                self.settle_choices(kind, body, &mut task, chosen);
            }
        }
        self.say_what_stands(Some(task.job.into()));
        let lost = self.look_whether_lost().map(|why| fail_lost(why));
        let started = match (task.job, lost) {
            (Job::Task(_), Some(lost)) => lost,
            // What the device takes with it nobody copies; the rest the host can.
            (_, Some(_)) => Ok(Beginning::ToHost),
            (Job::Task(kind), None) => self.start(node, body, (kind, &task)),
            (Job::Copy, None) => self.start_copy(body, &task),
            (Job::Indirect(how), None) => self.start_indirect(node, body, (&mut task, how)),
        };
        self.look_whether_lost();
        match started {
            Ok(Beginning::NoRoom) => {
                body.work = Work::Device(task);
                false
            }
            Ok(Beginning::Later) => {
                body.work = Work::Device(task);
                true
            }
            Ok(Beginning::ToHost) => {
                self.leave_to_host(node, body, task);
                true
            }
            Ok(Beginning::Started(started)) => {
                self.devices.counts.add(if matches!(task.job, Job::Task(_)) { Done::Task } else { Done::Copy });
                if matches!(task.job, Job::Indirect(_)) {
                    self.devices.counts.add(Done::Indirect);
                }
                if !started.data.contributions.is_empty() {
                    self.devices.counts.add(Done::Reduction);
                }
                self.running.push_back(Running { task, started, since: Instant::now(), left: None });
                body.result = None;
                self.engine.finish(node, 0);
                true
            }
            Err(error) => {
                // A fault of those before it may have met this call first: they fail before it does.
                self.complete();
                let number = self.engine.number_of(Err(error), task.job.name());
                self.leave(node, body, task, number);
                true
            }
        }
    }

    /// The task is not enqueued, and both its nodes are done; the second when all that it comes after is, as those after it wait for that.
    fn leave(&mut self, node: NodeRef, body: &mut Body, task: Box<DeviceTask>, error: u32) {
        body.result = None;
        match self.stream_of_last(task.after.all()) {
            Some(stream) => {
                let started = Started { events: self.events_of(task.after.all()), stream, data: Data::default() };
                self.running.push_back(Running { task, started, since: Instant::now(), left: Some(error) });
            }
            None => self.end(&task, error),
        }
        match self.launched.take() {
            // The first node ends with the last of what was launched.
            Some(context) => Box::leak(context).close(self.engine, node, error),
            None => self.engine.finish(node, error),
        }
    }

    /// The host copies, when nothing on the device uses the data any more.
    fn leave_to_host(&mut self, node: NodeRef, body: &mut Body, task: Box<DeviceTask>) {
        let events = self.events_of(task.after.all());
        if !events.is_empty() {
            let whose = task.job.into();
            body.work = Work::Device(task);
            self.watch(events, Then::Run(node), whose);
            return;
        }
        body.work = task.job.on_host();
        body.on = None;
        body.special &= !special::DEVICE;
        // The second node waits for the first; a message takes along what arrives.
        body.arrivals.append(&mut unsafe { self.engine.bodies.get(task.end.index()) }.arrivals);
        self.engine.release(node);
        // The second node waits for the first.
        self.ended(task.end);
    }

    fn end(&self, task: &DeviceTask, error: u32) {
        // The second node waits for this thread, so nobody else has its body.
        unsafe { self.engine.bodies.get(task.end.index()) }.task_error = error;
        self.ended(task.end);
    }

    fn ended(&self, end: NodeRef) {
        self.attached().load.fetch_sub(1, Ordering::Relaxed);
        self.engine.graph.satisfy(end.index(), &mut |node| self.engine.run(node));
    }

    /// Those of these that are under way. What comes next mostly comes after what was enqueued last.
    fn under_way<'a>(&'a self, after: &'a [NodeRef]) -> impl DoubleEndedIterator<Item = &'a Running> {
        after.iter().filter_map(|end| self.running.iter().rev().find(|running| running.task.end == *end))
    }

    /// What a task that comes after these has to wait for.
    pub fn events_of(&self, after: &[NodeRef]) -> Events {
        self.under_way(after).flat_map(|running| running.started.events.iter().cloned()).collect()
    }

    /// The stream of a task that it comes after, or the next.
    pub fn stream_for(&mut self, after: &[NodeRef]) -> Stream {
        self.stream_of_last(after).unwrap_or_else(|| {
            self.turn = (self.turn + 1) % self.attached().device.streams().max(1);
            Stream::Kernels(self.turn)
        })
    }

    fn stream_of_last(&self, after: &[NodeRef]) -> Option<Stream> {
        self.under_way(after).next_back().map(|running| running.started.stream)
    }
}

fn fail_lost(why: &str) -> Result<Beginning> {
    fail!(Resources, "its device is lost: {why}")
}
