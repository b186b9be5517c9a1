//! Index launches: one task for each point, and one operation that stands for all of them.

use super::context::{Context, Launching};
use super::draft::{missing, Draft};
use super::inline::{check_use, Mapping};
use super::launch::{check_fields, Launch, Launched};
use super::{converted, Engine, Frame, Future, FutureCell, FutureMap, Regions, TaskKind};
use crate::base::{memory, Error, Result, Status};
use crate::event::NodeRef;
use crate::fail;
use crate::mapping::NeedInfo;
use crate::region::{dependence, Access, Dependence, FieldMask, Operator, Privilege, Usage};
use crate::scheduler::Wish;
use smallvec::SmallVec;
use std::sync::Arc;

struct IndexNeed<'a> {
    regions: Regions<'a>,
    access: Access,
}

/// An index launch being put together.
pub struct IndexLaunch<'a> {
    engine: &'a Engine,
    frame: &'a Frame,
    context: &'a Context,
    points: u32,
    needs: SmallVec<[IndexNeed<'a>; 4]>,
    /// Maps of which point p is given the future of point p.
    given: SmallVec<[FutureMap; 2]>,
    /// All points at once, each on a thread of its own.
    pub concurrent: bool,
}

impl<'a> IndexLaunch<'a> {
    pub fn new(engine: &'a Engine, frame: &'a Frame, points: u32) -> Self {
        Self { engine, frame, context: engine.context_of(frame), points, needs: SmallVec::new(), given: SmallVec::new(), concurrent: false }
    }

    #[allow(clippy::mut_from_ref)]
    fn launching(&self) -> &mut Launching {
        // This thread is the context's own, and no other reference is held across a call of this.
        unsafe { &mut *self.context.launching.get() }
    }

    /// Gives every point the future of that point.
    pub fn give(&mut self, map: FutureMap) -> Result<()> {
        if map.cells().len() < self.points as usize {
            fail!(InvalidArgument, "a future map of {} points, for {} points; give one that has a future for each", map.cells().len(), self.points);
        }
        self.given.push(map);
        Ok(())
    }

    /// Adds a requirement of every point.
    pub fn need(&mut self, regions: Regions<'a>, fields: &[u32], access: Access) -> Result<()> {
        check_fields(&regions.cover().tree.fields, fields, access)?;
        regions.check(self.points)?;
        let masks = &mut self.launching().masks;
        if masks.len() == self.needs.len() {
            masks.push(FieldMask::default());
        }
        let mask = &mut masks[self.needs.len()];
        mask.clear();
        mask.extend(fields);
        self.needs.push(IndexNeed { regions, access });
        Ok(())
    }

    /// The last thing that can fail.
    pub fn check(&self) -> Result<()> {
        let Launching { masks, scratch, mapped, .. } = self.launching();
        if !mapped.is_empty() {
            self.check_mapped(mapped, masks)?;
        }
        for i in 0..self.needs.len() {
            // With itself first: finding what meets a writer is quick when its own parts do not meet.
            for j in (0..=i).rev() {
                let (a, b) = (&self.needs[i], &self.needs[j]);
                let alike = a.regions.cover().tree.id == b.regions.cover().tree.id;
                let found = dependence(a.access, b.access);
                if alike && found != Dependence::None && masks[i].intersects(&masks[j]) {
                    self.check_pair(i, j, found, scratch)?;
                }
            }
        }
        (0..self.needs.len()).try_for_each(|i| self.check_containment(i, &masks[i]))
    }

    /// No point may use what the launching execution has mapped.
    fn check_mapped(&self, mapped: &[Arc<Mapping>], masks: &[FieldMask]) -> Result<()> {
        for (need, mask) in self.needs.iter().zip(masks) {
            match need.regions {
                Regions::Whole(region) => check_use(mapped, Usage { node: region.node, mask, access: need.access })?,
                Regions::Parts(..) => {
                    (0..self.points).try_for_each(|p| check_use(mapped, Usage { node: need.regions.of(p)?.node, mask, access: need.access }))?;
                }
            }
        }
        Ok(())
    }

    /// A task's children may use what the task itself may use.
    fn check_containment(&self, i: usize, mask: &FieldMask) -> Result<()> {
        let Some(parent) = self.frame.body() else { return Ok(()) };
        let IndexNeed { regions, access } = self.needs[i];
        if access.privilege == Privilege::NoAccess || regions.of(0)?.data.is_free_for(self.frame.handle()) {
            return Ok(());
        }
        if parent.converts {
            (0..self.points).try_for_each(|p| converted::check_use(parent, Usage { node: regions.of(p)?.node, mask, access }))?;
        }
        if missing(parent.needs(), regions.cover(), mask, access).is_none() {
            return Ok(());
        }
        for point in 0..self.points {
            let node = regions.of(point)?.node;
            if let Some(field) = missing(parent.needs(), node, mask, access) {
                fail!(
                    Privilege,
                    "requirement {i} of point {point} asks for {:?} on field {} of region {}, which the task that launches it does not hold; declare it in the parent's launch",
                    access.privilege,
                    node.tree.fields.label(field),
                    node.bounds_text()
                );
            }
        }
        Ok(())
    }

    /// Whether requirements i and j, whose uses depend on each other, share points.
    fn check_pair(&self, i: usize, j: usize, found: Dependence, scratch: &mut Vec<(u32, u32)>) -> Result<()> {
        let (a, b) = (&self.needs[i], &self.needs[j]);
        if i != j {
            for point in 0..self.points {
                let (mine, other) = (a.regions.of(point)?.node, b.regions.of(point)?.node);
                if mine.domain.overlaps(&other.domain) {
                    fail!(
                        Interference,
                        "requirements {j} and {i} of point {point} share points and fields of the region {} and one of them writes; merge them into one requirement",
                        mine.bounds_text()
                    );
                }
            }
        }
        if self.points == 1 {
            return Ok(());
        }
        if self.concurrent {
            return match a.regions.shared_with(b.regions, self.points, scratch)? {
                Some((p, q)) => fail!(
                    Interference,
                    "requirement {i} of point {p} and requirement {j} of point {q} conflict on the region {}, so that one would have to wait for the other, and points of a concurrent launch run at once; use COHORT_SIMULTANEOUS or other sub-regions",
                    b.regions.of(q)?.node.bounds_text()
                ),
                None => Ok(()),
            };
        }
        // Points that come one after the other in any order are no harm to each other.
        if found != Dependence::True || !(a.access.writes() || b.access.writes()) {
            return Ok(());
        }
        let ((i, a), (j, b)) = if a.access.writes() { ((i, a), (j, b)) } else { ((j, b), (i, a)) };
        match a.regions.shared_with(b.regions, self.points, scratch)? {
            Some((p, q)) => fail!(
                Interference,
                "requirement {i} of point {p} writes what requirement {j} of point {q} uses, region {}; points of an index launch run in any order, so give them disjoint sub-regions",
                b.regions.of(q)?.node.bounds_text()
            ),
            None => Ok(()),
        }
    }

    /// Launches a task for each point. What `whole` waits for, each point waits for; what it arrives at, it arrives at when
    /// all points are complete. The future of the results, folded in order of the points.
    pub fn launch_reduced(&mut self, whole: &mut Launch, operator: Operator) -> Result<Future> {
        let Launching { results, .. } = self.launching();
        let (results, reduced) = (results.map(self.points), results.single());
        self.launch_points(whole, Some(&results))?;
        self.launch_end(whole, Launched::Reduce(operator), Some((results, reduced.clone())))?;
        Ok(reduced)
    }

    /// The same, each point with a result of its own.
    pub fn launch_map(&mut self, whole: &mut Launch) -> Result<FutureMap> {
        let results = self.launching().results.map(self.points);
        self.launch_all(whole, Some(&results))?;
        Ok(results)
    }

    /// The same, without results.
    pub fn launch(&mut self, whole: &mut Launch) -> Result<()> {
        self.launch_all(whole, None)
    }

    fn launch_all(&mut self, whole: &mut Launch, results: Option<&FutureMap>) -> Result<()> {
        self.launch_points(whole, results)?;
        match whole.arrivals.is_empty() {
            true => Ok(()),
            false => self.launch_end(whole, Launched::Nothing, None),
        }
    }

    /// What comes after all points, and arrives for them.
    fn launch_end(&mut self, whole: &mut Launch, work: Launched, from_to: Option<(FutureMap, Future)>) -> Result<()> {
        let ends = std::mem::take(&mut self.launching().ends);
        let mut end = Launch::new(work);
        (end.predicate, end.otherwise) = (whole.predicate.take(), whole.otherwise);
        if let Some((from, to)) = from_to {
            (end.map, end.result) = (Some(from), Some(to));
        }
        // What follows cannot fail.
        let draft = Draft::of_point(self.engine, self.frame).map_err(|error| self.break_off(self.points, whole, error))?;
        if !whole.arrivals.is_empty() {
            end.after = &ends;
            end.arrivals = std::mem::take(&mut whole.arrivals);
        }
        draft.launch(&mut end);
        drop(end);
        self.launching().ends = ends;
        Ok(())
    }

    fn launch_points(&mut self, whole: &mut Launch, results: Option<&FutureMap>) -> Result<()> {
        let Launched::Task(kind, processor) = whole.work else {
            return Err(Error::new(Status::Internal, "an index launch of something that is not a task"));
        };
        self.make_room(results.is_some() || !whole.arrivals.is_empty())?;
        let mut ends = std::mem::take(&mut self.launching().ends);
        ends.clear();
        let wishes = self.wishes(kind, whole);
        for point in 0..self.points {
            let mut one = Launch::new(Launched::Task(kind, processor));
            (one.args, one.point, one.points) = (whole.args, point, self.points);
            one.wish = wishes.get(point as usize).copied().unwrap_or_default();
            one.futures.extend(whole.futures.iter().cloned());
            for map in &self.given {
                one.futures.push(map.get(point)?);
            }
            one.waits.extend_from_slice(&whole.waits);
            (one.predicate, one.otherwise) = (whole.predicate.clone(), whole.otherwise);
            one.result = results.map(|results| results.get(point)).transpose()?;
            one.member = self.concurrent;
            match self.launch_point(point, &mut one) {
                Ok(end) => ends.push(end),
                Err(error) => return Err(self.break_off(point, whole, error)),
            }
        }
        self.launching().ends = ends;
        Ok(())
    }

    /// Room for as many points as may be outstanding, and what comes after them, so that a launch happens as a whole or not at all.
    fn make_room(&self, has_end: bool) -> Result<()> {
        let at_once = (u64::from(self.points) + u64::from(has_end)).min(self.context.window.get().saturating_sub(self.context.outstanding()));
        if memory::is_short() {
            self.context.check_memory()?;
        }
        if !self.engine.graph.make_room(&mut self.launching().pool, at_once as usize) {
            return self.context.is_full();
        }
        Ok(())
    }

    /// A point cannot be launched, or what comes after all of them, and those before it are: whoever waits for the launch as a whole
    /// learns of it.
    #[cold]
    fn break_off(&self, point: u32, whole: &mut Launch, error: Error) -> Error {
        let text = format!("{}; of the {} points of the launch {point} are launched", error.text, self.points);
        if !whole.arrivals.is_empty() {
            let number = self.engine.fail_here(text.clone());
            for (arrival, phase) in whole.arrivals.drain(..) {
                arrival.arrive(self.engine, phase, number);
            }
        }
        Error::new(error.status, text)
    }

    /// For each point, which worker a mapper wants it to run on; nothing if there is no mapper.
    fn wishes(&self, kind: &'static TaskKind, whole: &Launch) -> Vec<Wish> {
        if kind.mappers().is_none() {
            return Vec::new();
        }
        let masks = &self.launching().masks;
        let need = |(i, need): (usize, &IndexNeed<'a>)| {
            NeedInfo::new(need.regions.cover(), &masks[i], need.access)
        };
        let needs: SmallVec<[NeedInfo; 8]> = self.needs.iter().enumerate().map(need).collect();
        let slices = self.engine.ask_for_slices(kind, self.points, whole, &needs);
        if slices.is_empty() {
            return Vec::new();
        }
        let mut wishes = vec![Wish::default(); self.points as usize];
        for slice in slices {
            let points = slice.first as usize..(slice.first + slice.count) as usize;
            wishes[points].fill(Wish::new(0, u8::try_from(slice.worker).ok()));
        }
        wishes
    }

    fn launch_point(&self, point: u32, one: &mut Launch) -> Result<NodeRef> {
        let mut draft = Draft::of_point(self.engine, self.frame)?;
        for (i, need) in self.needs.iter().enumerate() {
            draft.need_of_point(need.regions.of(point)?, i, need.access)?;
        }
        draft.make_room_for(one.args.len())?;
        draft.restrict()?;
        Ok(draft.launch(one))
    }
}

/// Folds the results of the points into `result`.
pub(super) fn reduce(futures: &[FutureCell], operator: Operator, failures: &super::Failures, result: &FutureCell) -> Result<()> {
    operator.with_identity(|identity| result.write(identity));
    let total = result.written();
    for (point, future) in futures.iter().enumerate() {
        let value = future.value(failures)?;
        if value.len() != total.len() {
            fail!(InvalidArgument, "point {point} gave a result of {} bytes where the reduction's elements have {}; call cohort_task_result in every point", value.len(), total.len());
        }
        operator.fold(total, value);
    }
    Ok(())
}
