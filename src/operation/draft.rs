//! An operation being put together: requirements go straight to where the operation will hold them, so that a launch
//! copies and allocates nothing. Until `launch` nothing outside has changed; a draft that is dropped leaves no trace.

use super::body::{Body, Held, Work};
use super::inline_task::InlineTask;
use super::mapped::special;
use super::context::{Context, Launching};
use super::devices::{self, Before, Chains, DeviceTask, Job};
use super::sharing::Groups;
use super::launch::{check_fields, Launch, Launched};
use super::turns::shared;
use super::{converted, inline, Engine, Frame, FutureMap, Processor, RegionRef, TaskKind};
use crate::analysis::{ContextAnalysis, Dependences, Use};
use crate::base::{memory, Result};
use crate::event::{Builder, Hold, NodeRef, Pool, Reservation, Reservations, State};
use crate::fail;
use crate::mapping::Chain;
use crate::region::{Access, Coherence, FieldMask, Privilege, RegionNode};
use smallvec::SmallVec;
use std::ptr::NonNull;
use std::sync::Arc;

pub struct Draft<'a> {
    engine: &'a Engine,
    frame: &'a Frame,
    context: &'a Context,
    launching: &'a mut Launching,
    node: NodeRef,
    /// Not published, so nobody else has it.
    body: &'a mut Body,
    launched: bool,
}

impl<'a> Draft<'a> {
    /// Waits while the context's window is full.
    pub fn new(engine: &'a Engine, frame: &'a Frame) -> Result<Self> {
        let context = engine.context_of(frame);
        context.make_room(engine)?;
        if memory::is_short() {
            context.check_memory()?;
        }
        Self::open(engine, frame, context)
    }

    /// The same for a part of a launch that has begun.
    pub fn of_point(engine: &'a Engine, frame: &'a Frame) -> Result<Self> {
        let context = engine.context_of(frame);
        context.make_room(engine)?;
        if memory::is_short() {
            context.check_memory_left()?;
        }
        Self::open(engine, frame, context)
    }

    fn open(engine: &'a Engine, frame: &'a Frame, context: &'a Context) -> Result<Self> {
        // This thread is the context's own.
        let launching = unsafe { &mut *context.launching.get() };
        let Some(node) = engine.graph.try_reserve(&mut launching.pool) else { return context.is_full() };
        let body = unsafe { engine.bodies.get(node.index()) };
        Ok(Self { engine, frame, context, launching, node, body, launched: false })
    }

    /// Adds a requirement.
    pub fn need(&mut self, region: RegionRef, fields: &[u32], access: Access) -> Result<()> {
        check_fields(&region.node.tree.fields, fields, access)?;
        let mask = &mut self.hold(region, access)?.mask;
        mask.clear();
        mask.extend(fields);
        Ok(())
    }

    /// Adds a requirement whose fields were checked.
    pub fn need_checked(&mut self, region: RegionRef, mask: &FieldMask, access: Access) -> Result<()> {
        self.hold(region, access)?.mask.copy_from(mask);
        Ok(())
    }

    /// Adds a requirement whose fields are those of requirement `i` of the index launch that is under way.
    pub fn need_of_point(&mut self, region: RegionRef, i: usize, access: Access) -> Result<()> {
        self.hold(region, access)?;
        self.body.last_need().mask.copy_from(&self.launching.masks[i]);
        Ok(())
    }

    fn hold(&mut self, region: RegionRef, access: Access) -> Result<&mut Held> {
        if !self.body.has_room_for_need() {
            fail!(InvalidArgument, "more than {} requirements; give fewer", u16::MAX);
        }
        self.launching.keep(region.data);
        if region.node.tree.has_sets() {
            self.prepare(region.node, access)?;
        }
        Ok(self.body.add_need(region, access))
    }

    /// What the analysis keeps of sets of points is made while the launch can still fail.
    #[inline(never)]
    fn prepare(&mut self, region: &Arc<RegionNode>, access: Access) -> Result<()> {
        if access.privilege == Privilege::NoAccess {
            return Ok(());
        }
        let turns = if access.coherence == Coherence::Atomic { shared(self.frame.body(), region.tree.id) } else { None };
        turns.map_or(Ok(()), |turns| turns.prepare(region))?;
        self.launching.analysis.prepare(region)
    }

    /// The last thing that can fail. `args`: bytes of arguments that the operation gets.
    pub fn check(&mut self, args: usize) -> Result<()> {
        self.make_room_for(args)?;
        check_interference(self.body.needs())?;
        inline::check_needs(&self.launching.mapped, self.body.needs())?;
        check_containment(self.frame, self.body.needs())?;
        self.restrict()
    }

    /// Makes room for arguments, which may be large.
    #[inline]
    pub fn make_room_for(&mut self, args: usize) -> Result<()> {
        if args > self.body.args.inline_size() && memory::sparing(|| self.body.args.try_reserve(args)).is_err() {
            fail!(
                Resources,
                "the system gives no memory for {args} bytes of arguments, with {} operations of this context outstanding; wait for them before launching more (cohort_wait_all), give smaller arguments, or lower COHORT_WINDOW",
                self.context.outstanding()
            );
        }
        Ok(())
    }

    /// `launch` gives all but the requirements; its futures, arrivals and result are taken.
    #[inline]
    pub fn launch(self, launch: &mut Launch) -> NodeRef {
        match launch.work {
            Launched::Task(kind, _) => match kind.mappers() {
                Some(chain) => self.launch_asking(kind, chain, launch),
                None => self.launch_mapped(launch),
            },
            Launched::Copy(_) | Launched::Indirect(_) if self.engine.devices.get().is_some() => self.launch_copy(launch),
            _ => self.launch_mapped(launch),
        }
    }

    /// A task whose kind has mappers.
    #[cold]
    fn launch_asking(self, kind: &'static TaskKind, chain: &Chain, launch: &mut Launch) -> NodeRef {
        let on_device = |launch: &Launch| matches!(launch.work, Launched::Task(_, Processor::Device));
        let asked = on_device(launch);
        self.engine.ask_at_launch(kind, chain, self.body, &mut self.launching.replays, launch);
        if on_device(launch) {
            return self.launch_for_device(kind, launch, asked);
        }
        if launch.special & special::INLINE == 0 {
            return self.launch_mapped(launch);
        }
        let (engine, frame, node) = (self.engine, self.frame, self.node);
        let inline = Arc::new(InlineTask::default());
        self.body.inline = Some(inline.clone());
        let end = self.launch_mapped(launch);
        inline.run(engine, frame, node, kind);
        end
    }

    #[inline]
    fn launch_mapped(mut self, launch: &mut Launch) -> NodeRef {
        self.begin(launch);
        self.launch_begun(launch)
    }

    fn begin(&mut self, launch: &mut Launch) {
        self.launched = true;
        self.context.enter();
        self.body.begin(launch);
        if self.body.restricted || self.frame.body().is_some_and(|parent| parent.restricted || parent.turns.is_some()) {
            self.share_turns();
            self.body.restricted = self.body.needs().iter().any(|held| held.restricted);
        }
        self.body.told = self.engine.told();
        self.launching.groups.launched(self.body.needs());
    }

    fn launch_begun(&mut self, launch: &Launch) -> NodeRef {
        if self.body.reduces {
            return self.launch_with_fold(launch);
        }
        self.body.parent = Some(NonNull::from(self.context));
        let Launching { pool, analysis, .. } = &mut *self.launching;
        let (engine, parent) = (self.engine, self.frame.body());
        let mut edges = Edges { engine, parent, builder: engine.graph.resume(pool, self.node), folds: None };
        edges.record(analysis, self.node, self.body, None);
        edges.wait_for(self.body, launch);
        edges.builder.seal(&mut |n| self.engine.offer(n))
    }

    /// A task that is to run on a device, if it can. `asked`: the launch says so, and no mapper.
    fn launch_for_device(mut self, kind: &'static TaskKind, launch: &mut Launch, asked: bool) -> NodeRef {
        self.begin(launch);
        match self.engine.device_for(kind, self.body, (asked, launch.device)) {
            Ok(Some(device)) => return self.launch_on_device(Job::Task(kind), device, launch),
            Ok(None) => (),
            Err(number) => (self.body.work, self.body.task_error) = (Work::Ended, number),
        }
        self.launch_begun(launch)
    }

    /// A copy whose data may lie on devices.
    #[cold]
    fn launch_copy(mut self, launch: &mut Launch) -> NodeRef {
        self.begin(launch);
        match self.engine.device_for_copy(self.body) {
            Some((job, device)) => self.launch_on_device(job, device, launch),
            None => self.launch_begun(launch),
        }
    }

    /// Two nodes: one is ready when the task can be enqueued on its device, the other is complete when the task is. Tasks on the same device wait
    /// for the first of those before them, and their own second node for the second, so that failures are passed on. What the task contributes is
    /// folded in by a third, as that of a task on the host by its second.
    fn launch_on_device(&mut self, job: Job, device: usize, launch: &Launch) -> NodeRef {
        let engine = self.engine;
        let Launching { pool, analysis, chains, folds, .. } = &mut *self.launching;
        let end = engine.graph.reserve(pool);
        let fold = self.body.reduces.then(|| engine.graph.reserve(pool));
        folds.clear();
        // None is sealed, so nobody else has their bodies.
        let last = unsafe { engine.bodies.get(end.index()) };
        let (mut after, mut behind) = (SmallVec::new(), SmallVec::new());
        let mut edges = Edges { engine, parent: None, builder: engine.graph.resume(pool, self.node), folds: None };
        for held in self.body.needs() {
            let operation = fold.filter(|_| held.access.privilege == Privilege::Reduce).unwrap_or(end);
            // It is enqueued before its turn comes, so that the host is not between it and the one before.
            let this = Use { operation: operation.0, mask: &held.mask, access: held.access.in_order() };
            let mut found = OnDevice { edges: &mut edges, chains, device, after: &mut after, behind: &mut behind, folds };
            analysis.record_use(&held.shared_node(), &this, &mut found);
        }
        edges.wait_for(self.body, launch);
        chains.add(end, self.node, device, |n| engine.graph.state(n) == State::Pending);
        let parent = Some(NonNull::from(self.context));
        if let Some(fold) = fold {
            let folding = unsafe { engine.bodies.get(fold.index()) };
            self.body.split_fold(folding, fold.index());
            folding.parent = parent;
        } else {
            last.parent = parent;
        }
        let in_order = self.body.needs().iter().any(|held| held.access.reduction.is_some_and(|contribution| !contribution.any_order));
        let before = Before::new(after, behind);
        devices::split(self.body, last, DeviceTask { job, device, end, fold, after: before.clone(), chosen: SmallVec::new(), check: None });
        edges.builder.seal(&mut |n| engine.offer(n));
        let mut builder = engine.graph.resume(pool, end);
        builder.after(self.node);
        before.harming().iter().for_each(|&earlier| { builder.after(earlier); });
        before.all().iter().for_each(|&earlier| { builder.behind(earlier); });
        builder.external();
        let end = builder.seal(&mut |n| engine.offer(n));
        let Some(fold) = fold else { return end };
        launch_fold(engine, pool, fold, end, if in_order { folds } else { &[] })
    }

    /// A task that shares data with others, or is below one that does, may launch atomic users of it.
    #[cold]
    fn share_turns(&mut self) {
        let launches = matches!(self.body.work, Work::Task(kind) if !kind.leaf);
        if launches && self.body.special & special::RESERVES == 0 {
            let given = self.frame.body().and_then(|parent| parent.turns.as_ref());
            let turns = given.unwrap_or_else(|| self.launching.turns.get_or_insert_default());
            self.body.share_turns(turns.clone());
        }
    }

    /// Finds which requirements are restricted to the instance that others share.
    #[inline]
    pub fn restrict(&mut self) -> Result<()> {
        let may_be = self.body.restricted || self.frame.body().is_some_and(|parent| parent.restricted);
        if may_be { self.restrict_each() } else { Ok(()) }
    }

    #[cold]
    fn restrict_each(&mut self) -> Result<()> {
        let parents = self.frame.body().map_or(&[][..], Body::needs);
        for i in 0..self.body.needs().len() {
            self.body.needs_mut()[i].restricted = self.launching.acquired.leaves_restricted(&self.body.needs()[i], parents)?;
        }
        Ok(())
    }

    /// A task that reduces works on a copy of its own, at the same time as others that reduce alike; a second operation
    /// folds the copy in, after the task and after the folds of earlier ones, if they are folded in order. For all others the two are one operation: the
    /// second.
    fn launch_with_fold(&mut self, launch: &Launch) -> NodeRef {
        let engine = self.engine;
        let Launching { pool, analysis, folds, groups, .. } = &mut *self.launching;
        let fold = engine.graph.reserve(pool);
        folds.clear();
        let mut edges = Edges { engine, parent: self.frame.body(), builder: engine.graph.resume(pool, self.node), folds: Some(folds) };
        // Neither is sealed, so nobody else has their bodies.
        let last = unsafe { engine.bodies.get(fold.index()) };
        edges.record(analysis, fold, self.body, Some(&mut last.reservations));
        edges.wait_for(self.body, launch);
        self.body.split_fold(last, fold.index());
        let in_order = !join_groups(groups, last);
        last.parent = Some(NonNull::from(self.context));
        edges.builder.seal(&mut |n| engine.offer(n));
        launch_fold(engine, pool, fold, self.node, if in_order { folds } else { &[] })
    }
}

/// The fold of a task comes after it, and after the folds of earlier ones.
fn launch_fold(engine: &Engine, pool: &mut Pool, fold: NodeRef, task: NodeRef, earlier: &[NodeRef]) -> NodeRef {
    let mut builder = engine.graph.resume(pool, fold);
    builder.after(task);
    earlier.iter().for_each(|&earlier| { builder.after(earlier); });
    builder.seal(&mut |n| engine.offer(n))
}

/// Lets a task take turns at the copies of its groups, if its fold shows that it may. Whether it needs no other copies.
fn join_groups(groups: &mut Groups, fold: &mut Body) -> bool {
    // Whoever is told of the end by an arrival looks at the result, in whatever context.
    let told = !fold.arrivals.is_empty();
    let mut all = true;
    for held in fold.needs_mut() {
        if held.access.shares_copies() && !told {
            held.sharing = Some(groups.join(held));
        } else {
            all = false;
        }
    }
    all
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.launched {
            self.body.clear();
            self.engine.graph.abandon(&mut self.launching.pool, self.node);
        }
    }
}

/// The edges of a node being built.
struct Edges<'a> {
    engine: &'a Engine,
    /// The launching task.
    parent: Option<&'a Body>,
    builder: Builder<'a>,
    /// Gets the folds that the operation's own comes after, if it has one.
    folds: Option<&'a mut Vec<NodeRef>>,
}

impl Edges<'_> {
    /// `of_fold`: what the fold takes, for requirements that reduce.
    fn record(&mut self, analysis: &mut ContextAnalysis, operation: NodeRef, body: &mut Body, mut of_fold: Option<&mut Reservations>) {
        if body.special & special::RESERVES == 0 {
            for held in body.needs() {
                let this = Use { operation: operation.0, mask: &held.mask, access: held.access };
                analysis.record_use(&held.shared_node(), &this, &mut Uses { edges: self, reservations: None });
            }
            return;
        }
        let (needs, own) = body.needs_and_reservations();
        for held in needs {
            let this = Use { operation: operation.0, mask: &held.mask, access: held.access };
            let reservations = match &mut of_fold {
                Some(of_fold) if held.access.privilege == Privilege::Reduce => of_fold,
                _ => &mut *own,
            };
            let turns = if held.access.coherence == Coherence::Atomic { shared(self.parent, held.node().tree.id) } else { None };
            if let Some(turns) = turns {
                turns.reserve(self.engine, operation, held, reservations);
            }
            let reservations = if turns.is_none() { Some(reservations) } else { None };
            analysis.record_use(&held.shared_node(), &this, &mut Uses { edges: self, reservations });
        }
        own.arrange();
        if let Some(of_fold) = of_fold {
            of_fold.arrange();
        }
    }

    /// What the launch names besides requirements.
    fn wait_for(&mut self, body: &Body, launch: &Launch) {
        let engine = self.engine;
        let mut ready = |n| engine.offer(n);
        if body.has_more() {
            let map = body.map.as_ref().map_or(&[][..], FutureMap::cells);
            let predicate = body.predicate.as_ref().map(|predicate| &*predicate.future);
            for future in body.futures.iter().map(|future| &**future).chain(map).chain(predicate) {
                self.builder.after_phase(&future.ready, 0, &mut ready);
            }
        }
        for &before in launch.after {
            self.builder.after(before);
        }
        for &(cell, phase) in &launch.waits {
            self.builder.after_phase(cell, phase, &mut ready);
        }
    }
}

/// What a requirement brings about.
struct Uses<'a, 'b> {
    edges: &'a mut Edges<'b>,
    /// Where they go; those of a task that shares turns are others.
    reservations: Option<&'a mut Reservations>,
}

impl Dependences for Uses<'_, '_> {
    fn is_complete(&self, operation: u64) -> bool {
        self.edges.engine.graph.state(NodeRef(operation)) == State::Complete
    }

    fn after(&mut self, earlier: u64) {
        self.edges.builder.after(NodeRef(earlier));
    }

    fn behind(&mut self, earlier: u64) {
        self.edges.builder.behind(NodeRef(earlier));
    }

    fn reduces_alike(&mut self, earlier: u64) {
        if let Some(folds) = &mut self.edges.folds {
            folds.push(NodeRef(earlier));
        }
    }

    fn take(&mut self, reservation: &Reservation, how: Hold) {
        // The analysis keeps it as long as it knows the tree, and it knows that while operations use it.
        if let Some(reservations) = &mut self.reservations {
            unsafe { reservations.want(reservation, how) };
        }
    }
}

/// What a requirement of a task on a device brings about.
struct OnDevice<'a, 'b> {
    edges: &'a mut Edges<'b>,
    chains: &'a Chains,
    device: usize,
    /// Get the ends of tasks on the same device that it comes after, and of those behind which it comes whatever becomes of them.
    after: &'a mut SmallVec<[NodeRef; 4]>,
    behind: &'a mut SmallVec<[NodeRef; 4]>,
    /// Gets the folds that its own comes after, if it has one.
    folds: &'a mut Vec<NodeRef>,
}

impl Dependences for OnDevice<'_, '_> {
    fn is_complete(&self, operation: u64) -> bool {
        self.edges.engine.graph.state(NodeRef(operation)) == State::Complete
    }

    fn after(&mut self, earlier: u64) {
        let earlier = NodeRef(earlier);
        match self.chains.of(earlier, self.device) {
            Some(first) => {
                self.edges.builder.after(first);
                if !self.after.contains(&earlier) {
                    self.after.push(earlier);
                }
            }
            None => { self.edges.builder.after(earlier); }
        }
    }

    fn behind(&mut self, earlier: u64) {
        let earlier = NodeRef(earlier);
        match self.chains.of(earlier, self.device) {
            Some(first) => {
                self.edges.builder.behind(first);
                self.behind.push(earlier);
            }
            None => { self.edges.builder.behind(earlier); }
        }
    }

    fn reduces_alike(&mut self, earlier: u64) {
        self.folds.push(NodeRef(earlier));
    }
}

/// Requirements of one operation must not conflict: it would have to wait for itself.
fn check_interference(needs: &[Held]) -> Result<()> {
    for (i, a) in needs.iter().enumerate() {
        if let Some(j) = needs[..i].iter().position(|b| a.usage().conflicts(b.usage())) {
            fail!(
                Interference,
                "requirements {j} and {i} of one launch share points and fields of the region {} and one of them writes; merge them into one requirement",
                a.node().bounds_text()
            );
        }
    }
    Ok(())
}

/// A task's children may use what the task itself may use.
fn check_containment(frame: &Frame, needs: &[Held]) -> Result<()> {
    let Some(parent) = frame.body() else { return Ok(()) };
    let handle = frame.handle();
    for (i, need) in needs.iter().enumerate() {
        if need.access.privilege == Privilege::NoAccess || need.data().is_free_for(handle) {
            continue;
        }
        if parent.converts {
            converted::check_use(parent, need.usage())?;
        }
        if let Some(field) = missing(parent.needs(), need.node(), &need.mask, need.access) {
            fail!(
                Privilege,
                "requirement {i} asks for {:?} on field {} of region {}, which the task that launches it does not hold; declare it in the parent's launch",
                need.access.privilege,
                need.node().tree.fields.label(field),
                need.node().bounds_text()
            );
        }
    }
    Ok(())
}

/// A field that a task with the requirements `held` may not pass on.
pub(super) fn missing(held: &[Held], node: &RegionNode, mask: &FieldMask, access: Access) -> Option<u32> {
    let passes = |h: &&Held| allows(h.access, access) && node.is_within(h.node());
    // Mostly one requirement covers them all.
    if held.iter().filter(passes).any(|h| mask.is_subset(&h.mask)) {
        return None;
    }
    let mut left = mask.clone();
    held.iter().filter(passes).for_each(|h| left.remove(&h.mask));
    left.first()
}

/// Whether a task that holds `held` may pass `asked` on.
fn allows(held: Access, asked: Access) -> bool {
    match asked.privilege {
        Privilege::NoAccess => true,
        Privilege::ReadOnly => held.privilege == Privilege::ReadOnly || held.writes(),
        Privilege::Reduce => held.writes() || held.privilege == Privilege::Reduce && held.reduction == asked.reduction,
        Privilege::ReadWrite | Privilege::WriteDiscard => held.writes(),
    }
}
