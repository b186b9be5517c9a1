//! The threads of one rank and what each does when it has nothing to do.
//!
//! Every thread that launches or runs items has a seat (see `seats`): three deques, one a class, and a place to sleep.
//!
//! A worker is a token. `active` counts workers that run or look for items; a worker whose task blocks leaves the count
//! and wakes (or starts) a spare; when its task goes on it joins the count again, and a worker that then finds more
//! active than there are tokens becomes a spare at its next item. Whoever takes over looks for items in the seat of the
//! task that waits first: nested tasks run depth first, so that few threads block. When as many threads were started as may
//! be, a worker that waits runs what may block on its own stack.
//!
//! Who sleeps is in `sleepers`. Who is woken for an item but finds that what it waited for has come true leaves the item to
//! another.

use super::seats::{Seat, Seats, SEATS, WORDS};
use super::{Bits, Preferred, Sleepers, Wish};
use crate::base::status::panic_text;
use crate::base::sync::Mutex;
use crate::base::{expect_errors, thread_token, Error, Result, Status, CALLBACK};
use crate::{fail, tell};
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads started in the place of workers that wait, at most: seats are left for threads of the program.
const FOLLOWERS: u32 = SEATS as u32 / 2;
/// Pauses of a spinning thread between polls: few, since each takes up to 140 cycles and messages come only by polling.
const PAUSES: usize = 2;
/// The first seat is the host's: `start` takes it.
const HOST: usize = 0;
/// What a worker runs between tasks.
const ALL: [Class; 2] = [Class::Leaf, Class::Blocking];

/// Who may run an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Never blocks: any worker, and any thread that waits, on its own stack.
    Leaf = 0,
    /// May block: workers only.
    Blocking = 1,
    /// The host thread only.
    Host = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The thread that started the runtime.
    Host,
    /// Another thread of the program, or a must-epoch member: launches, but runs nothing.
    Launcher,
    Worker,
    /// Runs items only while no host thread is inside the library: keeps a rank with one processor going.
    Standby,
}

/// What the layers above do with an item, and with the time of a thread that waits.
pub trait Runner: Send + Sync {
    fn run(&self, item: u64);
    /// Drives communication; whether something moved.
    fn poll(&self) -> bool;
    /// The calling thread is about to `poll` again and again.
    fn begin_polling(&self);
    /// It does no longer. Polls once more, for what came in between.
    fn end_polling(&self);
    /// How long a thread may sleep before it has to poll; `None` when nothing outside this process is awaited.
    fn poll_interval(&self) -> Option<Duration>;
}

pub struct Settings {
    /// Processors of this rank, the host thread included when it helps.
    pub workers: u32,
    pub host_helps: bool,
    pub spin: Duration,
    pub stack_bytes: usize,
    /// Called by each background worker with its number, from 1 when the host is processor 0.
    pub bind: Box<dyn Fn(u32) + Send + Sync>,
}

struct Shared {
    seats: Arc<Seats>,
    sleepers: Sleepers<3, WORDS>,
    /// Workers without a token.
    spares: Bits<WORDS>,
    followers: AtomicU32,
    active: AtomicU32,
    tokens: u32,
    /// Items that found their deque full, or came from a thread without a seat.
    overflow: [Mutex<VecDeque<u64>>; 3],
    overflowing: [AtomicU32; 3],
    preferred: Preferred,
    host_inside: AtomicU32,
    stopping: AtomicBool,
    settings: Settings,
    runner: std::sync::OnceLock<Arc<dyn Runner>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    background: u32,
}

/// A handle to the threads; `stop` ends them.
#[derive(Clone)]
pub struct Scheduler(Arc<Shared>);

thread_local! {
    /// Item released by the one that just finished, to be run next by the same thread: 0 none, else item + 1.
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl Scheduler {
    pub fn new(settings: Settings) -> Self {
        let background = if settings.host_helps { settings.workers - 1 } else { settings.workers };
        Self(Arc::new(Shared {
            seats: Seats::new(),
            sleepers: Default::default(),
            spares: Default::default(),
            followers: AtomicU32::new(0),
            active: AtomicU32::new(0),
            // A rank without workers has its standby.
            tokens: background.max(1),
            overflow: Default::default(),
            overflowing: Default::default(),
            preferred: Preferred::new(background as usize + 1),
            host_inside: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            settings,
            runner: std::sync::OnceLock::new(),
            threads: Mutex::new(Vec::new()),
            background,
        }))
    }

    /// Seats the calling thread as the host and starts the workers.
    pub fn start(&self, runner: Arc<dyn Runner>) -> Result<()> {
        assert!(self.0.runner.set(runner).is_ok(), "a scheduler starts once");
        self.sit(Role::Host)?;
        for number in 0..self.0.background {
            self.0.active.fetch_add(1, Ordering::Relaxed);
            let cpu = number + u32::from(self.0.settings.host_helps);
            let seat = self.reserve()?;
            debug_assert_eq!(seat, number as usize + 1, "workers are named by their seats");
            self.spawn("cohort-worker", move |scheduler| {
                (scheduler.0.settings.bind)(cpu);
                scheduler.0.seats.occupy(seat, Role::Worker, seat, seat + 1);
                scheduler.work(seat)
            })?;
        }
        if self.0.background == 0 {
            self.0.active.fetch_add(1, Ordering::Relaxed);
            self.start_follower(Role::Standby, self.reserve()?, 0)?;
        }
        Ok(())
    }

    /// Starts a worker or a standby that looks in seat `follows` first.
    fn start_follower(&self, role: Role, seat: usize, follows: usize) -> Result<()> {
        let name = if role == Role::Standby { "cohort-standby" } else { "cohort-worker" };
        self.spawn(name, move |scheduler| {
            scheduler.0.seats.occupy(seat, role, follows, scheduler.place_of(follows));
            match role {
                Role::Standby => scheduler.stand_by(seat),
                _ => scheduler.work(seat),
            }
        })
    }

    /// Starts a thread with the stack of a task. Others wait for what it does: if it panics, the program ends.
    pub fn spawn(&self, name: &str, body: impl FnOnce(&Scheduler) + Send + 'static) -> Result<()> {
        let scheduler = self.clone();
        let stack = self.0.settings.stack_bytes;
        let thread = std::thread::Builder::new().name(name.into()).stack_size(stack).spawn(move || {
            expect_errors();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&scheduler))) {
                let thread = std::thread::current();
                let name = thread.name().unwrap_or_default();
                tell!("cohort: a defect of the library, on its thread {name}: {}; please report it", panic_text(&*panic));
                std::process::abort();
            }
        });
        match thread {
            Ok(thread) => {
                let mut threads = self.0.threads.lock();
                // Their stacks are given back now, and not with the last epoch of a long program.
                threads.retain(|other| !other.is_finished());
                threads.push(thread);
            }
            Err(error) => {
                let text = format!("cannot start a thread with a stack of {stack} bytes: {error}; lower COHORT_TASK_STACK or raise the limit on threads");
                return Err(Error::new(Status::Resources, text));
            }
        }
        Ok(())
    }

    /// Gives the calling thread a seat, unless it has one.
    pub fn sit(&self, role: Role) -> Result<usize> {
        if let Some(seat) = self.my_seat() {
            return Ok(seat);
        }
        let number = self.reserve()?;
        let place = usize::from(role == Role::Host && self.0.settings.host_helps);
        self.0.seats.occupy(number, role, number, place);
        Ok(number)
    }

    fn reserve(&self) -> Result<usize> {
        match self.0.seats.reserve() {
            Some(number) => Ok(number),
            None => fail!(Resources, "more than {SEATS} threads launch or run tasks at once; let fewer threads do so"),
        }
    }

    /// All seats that were ever taken are below.
    pub fn seats(&self) -> usize {
        self.0.seats.count()
    }

    #[inline]
    pub fn my_seat(&self) -> Option<usize> {
        self.0.seats.mine()
    }

    #[inline]
    fn seat(&self, number: usize) -> Option<&Seat> {
        self.0.seats.get(number)
    }

    fn runner(&self) -> &dyn Runner {
        &**self.0.runner.get().expect("set by start")
    }

    /// Offers an item to every thread that may run it. The calling thread goes on with something else.
    #[inline]
    pub fn offer(&self, item: u64, class: Class) {
        let pushed = match self.my_seat().and_then(|n| self.seat(n)) {
            Some(seat) => seat.deques[class as usize].push(item),
            None => false,
        };
        if !pushed {
            self.0.overflow[class as usize].lock().push_back(item);
            self.0.overflowing[class as usize].fetch_add(1, Ordering::Release);
        }
        self.rouse(class);
    }

    /// Offers an item that somebody has wishes about.
    pub fn offer_as(&self, item: u64, class: Class, wish: Wish) {
        if wish.is_none() || !self.0.preferred.add(item, class as usize, wish) {
            return self.offer(item, class);
        }
        // The worker that it is meant for, or another that has nothing to do while that one does something else.
        let meant = wish.worker().and_then(|worker| self.0.sleepers.take_seat(class as usize, worker.into()));
        match meant.and_then(|number| self.seat(number)) {
            Some(seat) => seat.word.wake(),
            None => self.rouse(class),
        }
    }

    /// As `released`, of an item that somebody has wishes about.
    pub fn released_as(&self, item: u64, class: Class, wish: Wish) {
        if wish.is_none() || wish.priority == 0 && self.my_place() == wish.place() {
            self.released(item, class);
        } else {
            self.offer_as(item, class, wish);
        }
    }

    /// The worker as which the calling thread runs items: the number of the seat of that worker's own thread.
    #[inline]
    pub fn my_worker(&self) -> Option<u8> {
        self.my_place().checked_sub(1).map(|worker| worker as u8)
    }

    /// The workers: the host is 0, if it runs items, the others follow.
    pub fn workers(&self) -> std::ops::RangeInclusive<u32> {
        u32::from(!self.0.settings.host_helps)..=self.0.background
    }

    fn my_place(&self) -> usize {
        self.my_seat().map_or(0, |seat| self.place_of(seat))
    }

    fn place_of(&self, seat: usize) -> usize {
        self.seat(seat).map_or(0, |seat| seat.place.load(Ordering::Relaxed))
    }

    /// Called while an item finishes, for what it released: the first leaf is run next by this thread, whose cache has
    /// its data; the rest are offered.
    #[inline]
    pub fn released(&self, item: u64, class: Class) {
        if class == Class::Leaf && NEXT.get() == 0 && self.runs_leaves() {
            NEXT.set(item + 1);
        } else {
            self.offer(item, class);
        }
    }

    fn runs_leaves(&self) -> bool {
        match self.my_seat().and_then(|n| self.seat(n)).map(Seat::role) {
            Some(Role::Worker | Role::Standby) => true,
            Some(Role::Host) => self.0.settings.host_helps && self.0.host_inside.load(Ordering::Relaxed) > 0,
            _ => false,
        }
    }

    /// Wakes one thread that sleeps and would run an item of the class, of which one was added.
    #[inline]
    fn rouse(&self, class: Class) {
        if let Some(seat) = self.0.sleepers.take(class as usize, self.0.seats.count()).and_then(|number| self.seat(number)) {
            seat.word.wake();
        }
    }

    /// Wakes the thread of a seat: what it blocks on may be there.
    pub fn wake(&self, seat: usize) {
        self.0.sleepers.withdraw(seat);
        if let Some(seat) = self.seat(seat) {
            seat.word.wake();
        }
    }

    /// Wakes the thread that started the runtime: there may be something that no other thread can drive.
    pub fn wake_host(&self) {
        self.wake(HOST);
    }

    fn find(&self, classes: &[Class], newest_first: bool) -> Option<u64> {
        let preferred = &self.0.preferred;
        let any_preferred = classes.iter().any(|&class| preferred.any(class as usize));
        let mut place = 0;
        if any_preferred {
            place = self.my_place();
            if let Some(item) = classes.iter().find_map(|&class| preferred.take_urgent(class as usize, place)) {
                self.pass_on_next();
                return Some(item);
            }
        }
        let next = NEXT.replace(0);
        if next != 0 {
            return Some(next - 1);
        }
        let mine = self.my_seat().unwrap_or(0);
        let seated = self.0.seats.count();
        let first = self.seat(mine).map_or(mine, |s| s.follows.load(Ordering::Relaxed));
        for &class in classes {
            if any_preferred {
                if let Some(item) = preferred.take_own(class as usize, place) {
                    return Some(item);
                }
            }
            if let Some(seat) = self.seat(mine) {
                let deque = &seat.deques[class as usize];
                if let Some(item) = if newest_first { deque.pop() } else { deque.steal() } {
                    return Some(item);
                }
            }
            for back in 0..seated {
                let other = (first + seated - back) % seated;
                if let Some(item) = self.seat(other).and_then(|s| s.deques[class as usize].steal()) {
                    return Some(item);
                }
            }
            if self.0.overflowing[class as usize].load(Ordering::Acquire) != 0 {
                if let Some(item) = self.0.overflow[class as usize].lock().pop_front() {
                    self.0.overflowing[class as usize].fetch_sub(1, Ordering::Relaxed);
                    return Some(item);
                }
            }
        }
        if any_preferred {
            return classes.iter().find_map(|&class| preferred.take_late(class as usize, place));
        }
        None
    }

    fn work_exists(&self, classes: &[Class]) -> bool {
        let seated = self.0.seats.count();
        let beside = |c| self.0.overflowing[c as usize].load(Ordering::Acquire) != 0 || self.0.preferred.any(c as usize);
        classes.iter().any(|&c| beside(c))
            || (0..seated).any(|n| self.seat(n).is_some_and(|s| classes.iter().any(|&c| !s.deques[c as usize].is_empty())))
    }

    fn sleep_time(&self, deadline: Option<Instant>) -> Option<Duration> {
        let left = deadline.map(|t| t.saturating_duration_since(Instant::now()));
        match (left, self.runner().poll_interval()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Sleeps in seat `number` until an item of `classes` may exist or somebody wakes it.
    fn sleep(&self, number: usize, classes: &[Class], until: impl Fn() -> bool, deadline: Option<Instant>) {
        let look = || until() || self.work_exists(classes);
        let sleep = || self.seat(number).expect("its own seat").word.sleep(self.sleep_time(deadline));
        self.0.sleepers.sleep(number, classes.iter().map(|&class| class as usize), look, sleep);
    }

    fn work(&self, number: usize) {
        loop {
            self.rest_if_too_many(number);
            if let Some(item) = self.find(&ALL, true) {
                self.runner().run(item);
                continue;
            }
            if self.stopping() {
                return;
            }
            if !self.spin(|| self.work_exists(&ALL) || self.stopping()) {
                self.sleep(number, &ALL, || self.stopping(), None);
            }
        }
    }

    /// Between items: a thread beyond the tokens becomes a spare until somebody hands it a token.
    fn rest_if_too_many(&self, number: usize) {
        let (active, tokens) = (&self.0.active, self.0.tokens);
        let leave = |n| (n > tokens).then(|| n - 1);
        if active.load(Ordering::Relaxed) <= tokens || active.fetch_update(Ordering::AcqRel, Ordering::Relaxed, leave).is_err() {
            return;
        }
        self.pass_on_next();
        self.leave_to_others(&ALL);
        self.0.spares.set(number);
        while self.0.spares.has(number) && !self.stopping() {
            self.seat(number).expect("its own seat").word.sleep(None);
        }
    }

    /// Looks for `until` for the spin time, driving communication; whether it came true.
    fn spin(&self, until: impl Fn() -> bool) -> bool {
        self.runner().begin_polling();
        let result = self.look_for(until);
        self.runner().end_polling();
        result
    }

    fn look_for(&self, until: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        loop {
            if until() || self.runner().poll() {
                return true;
            }
            for _ in 0..PAUSES {
                std::hint::spin_loop();
                if until() {
                    return true;
                }
            }
            if start.elapsed() >= self.0.settings.spin {
                return false;
            }
        }
    }

    fn stand_by(&self, number: usize) {
        let tick = Duration::from_millis(1);
        while !self.stopping() {
            self.rest_if_too_many(number);
            let host_inside = self.0.host_inside.load(Ordering::Acquire) > 0;
            let classes = if host_inside { &ALL[1..] } else { &ALL[..] };
            match self.find(classes, true) {
                Some(item) => self.runner().run(item),
                None => {
                    self.runner().poll();
                    self.sleep(number, &ALL[1..], || self.stopping(), Some(Instant::now() + tick));
                }
            }
        }
    }

    /// Returns when `until` is true, or `deadline` has passed: whether it is true. Meanwhile the thread runs what its role
    /// may run. `register` is called each time before the thread sleeps: from then on whoever makes `until` true must `wake`
    /// the seat it is given.
    pub fn block(&self, until: impl Fn() -> bool, mut register: impl FnMut(usize), deadline: Option<Instant>) -> Result<bool> {
        let result = if until() { Ok(true) } else { self.block_until(&until, &mut register, deadline) };
        // The host may be the only thread that can send what others left to it, and goes away now.
        if self.my_seat() == Some(HOST) {
            self.runner().poll();
        }
        result
    }

    fn block_until(&self, until: &impl Fn() -> bool, register: &mut impl FnMut(usize), deadline: Option<Instant>) -> Result<bool> {
        if thread_token() == CALLBACK {
            fail!(WrongOrder, "a wait in a callback of a mapper; a mapper chooses and returns, it launches nothing and waits for nothing");
        }
        let number = self.sit(Role::Launcher)?;
        let role = self.seat(number).expect("its own seat").role();
        let classes: &[Class] = match role {
            Role::Host if self.0.settings.host_helps => &[Class::Host, Class::Leaf],
            Role::Host => &[Class::Host],
            Role::Worker | Role::Standby => &[Class::Leaf],
            Role::Launcher => &[],
        };
        if role == Role::Host {
            self.0.host_inside.fetch_add(1, Ordering::AcqRel);
        }
        let result = self.wait(number, role, classes, until, register, deadline);
        if role == Role::Host {
            self.0.host_inside.fetch_sub(1, Ordering::AcqRel);
        }
        self.pass_on_next();
        Ok(result)
    }

    /// Somebody may have woken this thread for an item that it does not run now.
    fn leave_to_others(&self, classes: &[Class]) {
        let left = classes.iter().filter(|&&class| self.work_exists(&[class]));
        left.for_each(|&class| self.rouse(class));
    }

    /// What this thread meant to run next is for others: it does something else now.
    fn pass_on_next(&self) {
        let next = NEXT.replace(0);
        if next != 0 {
            self.offer(next - 1, Class::Leaf);
        }
    }

    fn wait(
        &self,
        number: usize,
        role: Role,
        mut classes: &[Class],
        until: &impl Fn() -> bool,
        register: &mut impl FnMut(usize),
        deadline: Option<Instant>,
    ) -> bool {
        let (mut gave_token, mut slept) = (false, false);
        let late = || deadline.is_some_and(|t| Instant::now() >= t);
        let result = loop {
            if until() {
                break true;
            }
            if let Some(item) = self.find(classes, role == Role::Worker) {
                self.runner().run(item);
                // A thread that always finds items still drives communication: it may be the only one that can.
                self.runner().poll();
                continue;
            }
            if late() {
                break until();
            }
            if self.spin(|| until() || self.work_exists(classes)) {
                continue;
            }
            if matches!(role, Role::Worker | Role::Standby) && !gave_token && classes.len() < ALL.len() {
                gave_token = self.give_token(number, role);
                if !gave_token {
                    classes = &ALL;
                    continue;
                }
            }
            slept = true;
            register(number);
            self.sleep(number, classes, until, deadline);
        };
        if slept {
            self.leave_to_others(classes);
        }
        if gave_token {
            self.0.active.fetch_add(1, Ordering::AcqRel);
        }
        result
    }

    /// A worker is about to sleep inside its task: another takes its place. False: there is none, and no more may be started.
    fn give_token(&self, number: usize, role: Role) -> bool {
        if let Some(spare) = self.0.spares.take(WORDS) {
            let spare = self.seat(spare).expect("a spare has a seat");
            spare.follows.store(number, Ordering::Relaxed);
            spare.place.store(self.place_of(number), Ordering::Relaxed);
            spare.word.wake();
            return true;
        }
        let one_more = |started| (started < FOLLOWERS).then_some(started + 1);
        if self.0.followers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            return false;
        }
        let started = self.reserve().is_ok_and(|seat| {
            self.start_follower(role, seat, number).inspect_err(|_| self.0.seats.give_back(seat)).is_ok()
        });
        if !started {
            self.0.followers.fetch_sub(1, Ordering::Relaxed);
        }
        started
    }

    fn stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Acquire)
    }

    /// Ends the workers. No item is left and none comes any more.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
        loop {
            for number in 0..self.0.seats.count() {
                self.wake(number);
            }
            let Some(thread) = self.0.threads.lock().pop() else { break };
            while !thread.is_finished() {
                for number in 0..self.0.seats.count() {
                    self.wake(number);
                }
                std::thread::sleep(Duration::from_micros(50));
            }
            // A worker's panic is caught around each task; nothing else can panic there.
            let _ = thread.join();
        }
        self.0.seats.leave();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[derive(Default)]
    struct Count {
        ran: AtomicU64,
        threads: Mutex<Vec<std::thread::ThreadId>>,
    }

    impl Runner for Count {
        fn run(&self, _: u64) {
            let me = std::thread::current().id();
            let mut threads = self.threads.lock();
            if !threads.contains(&me) {
                threads.push(me);
            }
            drop(threads);
            self.ran.fetch_add(1, Ordering::AcqRel);
        }
        fn poll(&self) -> bool {
            false
        }
        fn begin_polling(&self) {}
        fn end_polling(&self) {}
        fn poll_interval(&self) -> Option<Duration> {
            None
        }
    }

    fn scheduler(workers: u32, host_helps: bool) -> (Scheduler, Arc<Count>) {
        let bind = Box::new(|_| ());
        let spin = Duration::from_micros(5);
        let scheduler = Scheduler::new(Settings { workers, host_helps, spin, stack_bytes: 1 << 20, bind });
        let count = Arc::new(Count::default());
        scheduler.start(count.clone()).unwrap();
        (scheduler, count)
    }

    fn wait_for(scheduler: &Scheduler, count: &Count, n: u64) {
        let deadline = Some(Instant::now() + Duration::from_secs(30));
        // Nobody wakes this seat when the count is reached, so look again now and then.
        while count.ran.load(Ordering::Acquire) < n {
            let soon = Some(Instant::now() + Duration::from_millis(1));
            scheduler.block(|| count.ran.load(Ordering::Acquire) >= n, |_| (), soon).unwrap();
            assert!(Instant::now() < deadline.unwrap(), "{} of {n}", count.ran.load(Ordering::Acquire));
        }
    }

    #[test]
    fn every_item_runs_with_any_number_of_workers() {
        for (workers, helps) in [(1, true), (1, false), (2, true), (3, false)] {
            let (scheduler, count) = scheduler(workers, helps);
            for round in 1..=20u64 {
                for item in 0..500 {
                    let class = if item % 7 == 0 { Class::Blocking } else { Class::Leaf };
                    scheduler.offer(item, class);
                }
                wait_for(&scheduler, &count, round * 500);
            }
            scheduler.stop();
        }
    }

    #[test]
    fn items_with_wishes_all_run_with_any_number_of_workers() {
        for (workers, helps) in [(1, true), (1, false), (2, true), (3, false)] {
            let (scheduler, count) = scheduler(workers, helps);
            for item in 0..9000u64 {
                let class = if item % 7 == 0 { Class::Blocking } else { Class::Leaf };
                let worker = (item % 3 != 0).then_some((item % u64::from(workers)) as u8 + u8::from(!helps));
                scheduler.offer_as(item, class, Wish::new((item % 15) as i8 - 7, worker));
            }
            wait_for(&scheduler, &count, 9000);
            scheduler.stop();
        }
    }

    #[test]
    fn host_items_run_on_the_host_only() {
        let (scheduler, count) = scheduler(2, false);
        (0..100).for_each(|item| scheduler.offer(item, Class::Host));
        wait_for(&scheduler, &count, 100);
        assert_eq!(*count.threads.lock(), [std::thread::current().id()]);
        scheduler.stop();
    }

    #[test]
    fn a_rank_with_one_processor_goes_on_while_its_host_is_away() {
        let (scheduler, count) = scheduler(1, true);
        (0..100).for_each(|item| scheduler.offer(item, Class::Leaf));
        let start = Instant::now();
        while count.ran.load(Ordering::Acquire) < 100 {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::yield_now();
        }
        scheduler.stop();
    }

    #[test]
    fn more_items_than_a_deque_holds() {
        let (scheduler, count) = scheduler(2, true);
        (0..20_000).for_each(|item| scheduler.offer(item, Class::Leaf));
        wait_for(&scheduler, &count, 20_000);
        scheduler.stop();
    }
}
