//! Contexts: where operations are launched, in program order, by one thread. The program outside of tasks has one, and
//! every task that launches.
//!
//! State words of a context, which outlives its uses and is used again:
//! * `launched` and `first` belong to the thread of the execution.
//! * `completed` counts the operations that are complete, and one for each execution that ended. It never goes back, so
//!   that a thread which is late with what it read of an earlier use does no harm.
//! * `end`: what `completed` comes to when the execution is over and nothing is outstanding. Whoever takes `completed` there
//!   owns the context.
//! * `alarm`: what `completed` must reach to wake the context's thread. Set before the thread looks for the last time,
//!   looked at after `completed` has moved on, all sequentially consistent: one of the two sees the other.

use super::acquire::Acquired;
use super::devices::Chains;
use super::engine::SeatSet;
use super::inline::{check_use, left_open, Mapping};
use super::object::{times_unnamed, TreeData};
use super::replayed::Replays;
use super::sharing::Groups;
use super::turns::Turns;
use super::future::Results;
use super::{inside_task, Engine, Future, RegionObject};
use crate::analysis::ContextAnalysis;
use crate::base::{memory, Result};
use crate::event::{NodeRef, Pool, State};
use crate::fail;
use crate::region::{Access, FieldMask, Privilege, Usage};
use smallvec::SmallVec;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;

const NEVER: u64 = u64::MAX;
/// Launches between two looks at trees without a name that were still in use.
const RETRY: u32 = 256;

#[derive(Default)]
pub(super) struct Launching {
    pub pool: Pool,
    pub analysis: ContextAnalysis,
    /// Working space of a launch.
    pub folds: Vec<NodeRef>,
    pub ends: Vec<NodeRef>,
    /// Fields of the requirements of an index launch.
    pub masks: Vec<FieldMask>,
    /// Fields of a copy.
    pairs: Vec<u8>,
    pub results: Results,
    /// Colours and points of one, to be sorted.
    pub scratch: Vec<(u32, u32)>,
    /// What the execution reads and writes by itself.
    pub mapped: Vec<Arc<Mapping>>,
    pub acquired: Acquired,
    pub groups: Groups,
    /// Made when tasks are launched that share data with each other, and with whose children theirs take turns.
    pub turns: Option<Arc<Turns>>,
    /// Answers of mappers that are used again.
    pub replays: Replays,
    /// Tasks on devices that were launched here.
    pub chains: Chains,
    /// Requirements whose data the execution has looked at, where there are devices.
    viewed: Vec<usize>,
    /// The data of the trees that the analysis knows, by address: what operations use lives as long as they.
    kept: Vec<Arc<TreeData>>,
    /// How often a tree had lost its last name when this context last let go of such trees.
    seen: u64,
    retry: u32,
}

impl Launching {
    #[inline]
    pub fn keep(&mut self, data: &Arc<TreeData>) {
        if let Err(at) = self.kept.binary_search_by_key(&Arc::as_ptr(data), Arc::as_ptr) {
            self.kept.insert(at, data.clone());
        }
    }

    /// Lets go of trees that no handle names and no operation uses any more. `idle`: nothing launched here is outstanding.
    #[cold]
    pub fn let_go(&mut self, engine: &Engine, idle: bool) {
        let Self { kept, analysis, acquired, groups, turns, .. } = self;
        let done = |op: u64| engine.graph.state(NodeRef(op)) != State::Pending;
        let seen = times_unnamed();
        let mut in_use = false;
        kept.retain(|data| {
            let tree = data.tree();
            let goes = !data.is_named() && (idle || analysis.tree_is_idle(tree, done));
            if goes {
                analysis.forget(tree);
                acquired.forget(|over| over == tree);
                groups.forget(tree);
                turns.iter().for_each(|turns| turns.forget(tree));
            }
            in_use |= !goes && !data.is_named();
            !goes
        });
        if !in_use {
            self.seen = seen;
        }
        self.retry = RETRY;
    }

    /// At every launch.
    #[inline]
    fn look_for_unnamed(&mut self, engine: &Engine) {
        if self.seen != times_unnamed() {
            if self.retry == 0 {
                self.let_go(engine, false);
                engine.let_go_of_unnamed();
            }
            self.retry = self.retry.saturating_sub(1);
        }
    }
}

pub struct Context {
    pub(super) launching: UnsafeCell<Launching>,
    launched: Cell<u64>,
    /// How many operations may be outstanding.
    pub(super) window: Cell<u64>,
    completed: AtomicU64,
    end: AtomicU64,
    alarm: AtomicU64,
    /// The first failure that no wait has told of yet, or 0.
    failed: AtomicU32,
    seats: SeatSet,
    ending: Cell<(NodeRef, u32)>,
}

unsafe impl Sync for Context {}
unsafe impl Send for Context {}

impl Default for Context {
    fn default() -> Self {
        Self {
            launching: UnsafeCell::default(),
            launched: Cell::new(0),
            window: Cell::new(0),
            completed: AtomicU64::new(0),
            end: AtomicU64::new(NEVER),
            alarm: AtomicU64::new(NEVER),
            failed: AtomicU32::new(0),
            seats: SeatSet::default(),
            ending: Cell::new((NodeRef(0), 0)),
        }
    }
}

impl Context {
    /// Operations launched here and not complete. By the context's thread.
    pub fn outstanding(&self) -> u64 {
        self.launched.get() - self.completed.load(Ordering::Acquire)
    }

    /// A future for the result of an operation that is about to be launched here. By the context's thread.
    pub fn future(&self) -> Future {
        // This thread is the context's own.
        unsafe { &mut *self.launching.get() }.results.single()
    }

    /// Operations launched here that use the fields and are not complete. Fields that do not exist have none. An error if
    /// the execution itself has mapped them.
    pub(super) fn pending_users(&self, engine: &Engine, region: &RegionObject, fields: &[u32]) -> Result<Vec<NodeRef>> {
        let count = region.node.tree.fields.len() as u32;
        let known: SmallVec<[u32; 16]> = fields.iter().copied().filter(|&field| field < count).collect();
        let (mask, all) = (FieldMask::of(&known), Access::exclusive(Privilege::ReadWrite));
        let mut found = Vec::new();
        // This thread is the context's own.
        let launching = unsafe { &mut *self.launching.get() };
        check_use(&launching.mapped, Usage { node: &region.node, mask: &mask, access: all })?;
        launching.keep(region.data.shared());
        launching.analysis.conflicts(&region.node, &mask, all, &mut |user| {
            if engine.graph.state(NodeRef(user)) == State::Pending {
                found.push(NodeRef(user));
            }
        })?;
        Ok(found)
    }

    /// The open inline mappings. By the context's thread, and not held across another call of this.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn mappings(&self) -> &mut Vec<Arc<Mapping>> {
        &mut unsafe { &mut *self.launching.get() }.mapped
    }

    /// Requirements whose data the execution has looked at. By the context's thread, and not held across another call of this.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn viewed(&self) -> &mut Vec<usize> {
        &mut unsafe { &mut *self.launching.get() }.viewed
    }

    /// Working space of the launch of a copy. By the context's thread, and not held across another call of this.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn pairs(&self) -> &mut Vec<u8> {
        &mut unsafe { &mut *self.launching.get() }.pairs
    }

    /// What is acquired. By the context's thread, and not held across another call of this.
    #[allow(clippy::mut_from_ref)]
    pub(super) fn acquired(&self) -> &mut Acquired {
        &mut unsafe { &mut *self.launching.get() }.acquired
    }

    /// An error that says so if inline mappings are open. By the context's thread.
    pub fn check_mappings_closed(&self) -> Result<()> {
        match left_open(self.mappings()) {
            None => Ok(()),
            Some(text) => fail!(WrongOrder, "{text}"),
        }
    }

    /// Waits while the window is full, until a quarter of it is free; then room is left for one more operation.
    pub(super) fn make_room(&self, engine: &Engine) -> Result<()> {
        let window = self.window.get();
        if self.outstanding() >= window {
            self.wait_for(engine, self.launched.get() - window / 4 * 3, || engine.untold())?;
        }
        // This thread is the context's own.
        unsafe { &mut *self.launching.get() }.look_for_unnamed(engine);
        Ok(())
    }

    /// Memory is short, and a launch has begun that may take any number of steps: an error if little is left for them.
    #[cold]
    pub(super) fn check_memory_left(&self) -> Result<()> {
        memory::running_out().map_or(Ok(()), |bytes| self.has_no_memory(bytes))
    }

    /// Memory is short: an error, unless it is there again, or all that was launched here is over and enough is kept to begin again.
    #[cold]
    pub(super) fn check_memory(&self) -> Result<()> {
        let refused = if self.outstanding() == 0 { memory::go_on() } else { memory::refused() };
        refused.map_or(Ok(()), |bytes| self.has_no_memory(bytes))
    }

    fn has_no_memory(&self, bytes: usize) -> Result<()> {
        let outstanding = self.outstanding();
        fail!(
            Resources,
            "the system gave no memory for {bytes} bytes, with {outstanding} operations of this context outstanding, and has none yet; wait for them before launching more (cohort_wait_all), destroy what is no longer used, or lower COHORT_WINDOW"
        );
    }

    /// There is no node for one more operation.
    #[cold]
    pub(super) fn is_full<T>(&self) -> Result<T> {
        fail!(
            Resources,
            "there is no memory for one more operation, or too many are outstanding in all contexts together, {} in this one; wait for them before launching more (cohort_wait_all), launch fewer tasks that launch others before the earlier ones are complete, or lower COHORT_WINDOW",
            self.outstanding()
        );
    }

    /// One more operation is launched.
    pub(super) fn enter(&self) {
        self.launched.set(self.launched.get() + 1);
    }

    /// Ends with what `failed` says, if that keeps operations from going on.
    fn wait_for(&self, engine: &Engine, completed: u64, failed: impl Fn() -> Option<u32>) -> Result<()> {
        if self.completed.load(Ordering::Acquire) < completed {
            self.alarm.store(completed, Ordering::SeqCst);
            let until = || self.completed.load(Ordering::SeqCst) >= completed;
            let result = engine.wait_unless_stuck(until, &self.seats, || (), None, failed);
            self.alarm.store(NEVER, Ordering::Relaxed);
            result?;
        }
        Ok(())
    }

    pub(super) fn child_done(&self, engine: &Engine, error: u32) {
        if error != 0 {
            let _ = self.failed.compare_exchange(0, error, Ordering::Relaxed, Ordering::Relaxed);
        }
        self.complete_one(engine);
    }

    fn complete_one(&self, engine: &Engine) {
        let completed = self.completed.fetch_add(1, Ordering::SeqCst) + 1;
        if completed == self.end.load(Ordering::Relaxed) {
            return self.end(engine);
        }
        let alarm = self.alarm.load(Ordering::SeqCst);
        if completed >= alarm && self.alarm.compare_exchange(alarm, NEVER, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.seats.wake(&engine.scheduler);
        }
    }

    /// The execution is over; its node finishes with the last child.
    pub(super) fn close(&self, engine: &Engine, node: NodeRef, error: u32) {
        self.ending.set((node, error));
        // The execution itself counts as one more.
        self.enter();
        // Shown to whoever completes last by its own addition, which comes after this thread's or is this thread's.
        self.end.store(self.launched.get(), Ordering::Relaxed);
        self.complete_one(engine);
    }

    fn end(&self, engine: &Engine) {
        let (node, error) = self.ending.get();
        let error = if error != 0 { error } else { self.failed.load(Ordering::Relaxed) };
        // Everything is complete: nobody else has it.
        let mut context = unsafe { Box::from_raw(self as *const Self as *mut Self) };
        context.end = AtomicU64::new(NEVER);
        context.failed = AtomicU32::new(0);
        context.launching.get_mut().analysis.all_complete();
        context.launching.get_mut().acquired.forget(|_| true);
        context.launching.get_mut().groups.close_all();
        context.launching.get_mut().replays.clear();
        context.launching.get_mut().viewed.clear();
        engine.recycle(context);
        engine.finish(node, error);
    }

    /// Lets go of trees that no handle names and no operation uses any more. By the context's thread.
    pub fn let_go_of_unnamed(&self, engine: &Engine) {
        // This thread is the context's own.
        let launching = unsafe { &mut *self.launching.get() };
        if launching.seen != times_unnamed() {
            launching.let_go(engine, self.outstanding() == 0);
            engine.let_go_of_unnamed();
        }
    }

    /// Lets go of trees that no handle names, while nobody uses the context.
    pub(super) fn let_go(&mut self, engine: &Engine) {
        self.launching.get_mut().let_go(engine, true);
    }

    /// As `wait_all`, before the runtime ends: a failure that was told of ends this wait, too.
    pub fn wait_to_end(&self, engine: &Engine) -> Result<()> {
        self.wait_for(engine, self.launched.get(), || Some(engine.failures.count()).filter(|&last| last != 0))?;
        self.wait_all(engine)
    }

    /// Waits for everything launched here so far; tells of the first failure since the last wait.
    pub fn wait_all(&self, engine: &Engine) -> Result<()> {
        engine.poll();
        self.wait_for(engine, self.launched.get(), || engine.untold())?;
        self.let_go_of_unnamed(engine);
        let failed = self.failed.swap(0, Ordering::Relaxed);
        if failed != 0 {
            // Nothing can depend on anything any more; what failed is told of.
            unsafe { &mut *self.launching.get() }.analysis.all_complete();
        }
        // What did not fail is to be seen all the same.
        let seen = engine.has_waited();
        // Every rank tells of the same one, which is not always the first that hit this context.
        let told = engine.check_failures().and_then(|()| if failed == 0 { Ok(()) } else { Err(engine.tell(failed)) });
        if let (Err(_), Err(lost)) = (&told, &seen) {
            if !inside_task() {
                // It is said once, and not now.
                engine.fail_here(lost.text.to_string());
            }
        }
        told.and(seen)
    }
}
