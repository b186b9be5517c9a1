//! What launches are given besides requirements: results of earlier ones and conditions; and what is launched that is no task.

use super::execute::World;
use super::kernel::hash_of;
use super::launches::Place;
use super::program::*;
use super::sequential::Answer;
use cohort::ffi::types::*;
use cohort::ffi::{future_maps::*, futures::*, ghosts::*, predicates::*};
use std::ptr::null;

/// The result of a launch: one future, or one for each point.
#[derive(Clone, Copy)]
pub enum Outcome {
    One(cohort_future_t),
    Each(cohort_future_map_t),
}

/// Destroyed again when the launch is made.
pub struct Terms<'w> {
    world: &'w World<'w>,
    pub futures: Vec<cohort_future_t>,
    pub maps: Vec<cohort_future_map_t>,
    pub predicate: cohort_predicate_t,
    /// Futures of points.
    of_points: Vec<cohort_future_t>,
    predicates: Vec<cohort_predicate_t>,
}

impl Drop for Terms<'_> {
    fn drop(&mut self) {
        for future in &mut self.of_points {
            self.world.must("cohort_future_destroy", unsafe { cohort_future_destroy(future) });
        }
        for predicate in &mut self.predicates {
            self.world.must("cohort_predicate_destroy", unsafe { cohort_predicate_destroy(predicate) });
        }
    }
}

impl Terms<'_> {
    fn keep(&mut self, made: cohort_predicate_t) -> cohort_predicate_t {
        self.predicates.push(made);
        made
    }
}

impl<'w> Place<'w> {
    fn no_terms(&self) -> Terms<'w> {
        let (futures, maps, of_points, predicates) = Default::default();
        Terms { world: self.world, futures, maps, predicate: cohort_predicate_t { id: 0 }, of_points, predicates }
    }

    pub fn terms(&self, task: &Task) -> Terms<'w> {
        let mut terms = self.no_terms();
        for given in &task.futures {
            let future = self.future(*given, &mut terms);
            terms.futures.extend(future);
        }
        for of in &task.maps {
            if let Some(Outcome::Each(map)) = self.results.get(of) {
                terms.maps.push(*map);
            }
        }
        if let Some(condition) = &task.condition {
            terms.predicate = self.predicate(condition, &mut terms);
        }
        terms
    }

    fn future(&self, given: Given, terms: &mut Terms) -> Option<cohort_future_t> {
        match self.results.get(&given.of)? {
            Outcome::One(future) => Some(*future),
            Outcome::Each(map) => {
                let mut future = cohort_future_t { id: 0 };
                let point = given.point.expect("an index launch has a result for each point");
                self.world.must("cohort_future_map_future", unsafe { cohort_future_map_future(*map, point, &mut future) });
                terms.of_points.push(future);
                Some(future)
            }
        }
    }

    fn predicate(&self, condition: &Condition, terms: &mut Terms) -> cohort_predicate_t {
        let (world, mut made) = (self.world, cohort_predicate_t { id: 0 });
        let status = match condition {
            Condition::Known(holds) => unsafe { cohort_predicate_constant(world.runtime, *holds, &mut made) },
            Condition::Of(given) => match self.future(*given, terms) {
                None => unsafe { cohort_predicate_constant(world.runtime, true, &mut made) },
                Some(future) => unsafe { cohort_predicate_from_future(future, &mut made) },
            },
            Condition::Not(of) => {
                let of = self.predicate(of, terms);
                unsafe { cohort_predicate_not(of, &mut made) }
            }
            Condition::All(of) | Condition::Any(of) => {
                let parts: Vec<cohort_predicate_t> = of.iter().map(|of| self.predicate(of, terms)).collect();
                let combine = if matches!(condition, Condition::All(_)) { cohort_predicate_and } else { cohort_predicate_or };
                unsafe { combine(self.context, parts.len() as u32, parts.as_ptr(), &mut made) }
            }
        };
        world.must("a predicate", status);
        terms.keep(made)
    }

    pub fn get(&mut self, id: u32, given: Given) -> u64 {
        let Some(&outcome) = self.results.get(&given.of) else { return 0 };
        let length = match self.world.expected.answers.get(&(id, self.path)) {
            Some(Answer::Value(value)) => value.len(),
            _ => 1,
        };
        let mut value = vec![0u8; length];
        let into = value.as_mut_ptr();
        let status = self.world.wait((id, self.path), || match outcome {
            Outcome::One(future) => unsafe { cohort_future_get(future, into.cast(), length) },
            Outcome::Each(map) => unsafe { cohort_future_map_get(map, given.point.unwrap_or(0), into.cast(), length) },
        });
        let (answer, mixed) = match status {
            0 => (Answer::Value(value.clone()), hash_of(&value)),
            status => (Answer::Status(status), status as u64),
        };
        self.world.check((id, self.path), "future", answer);
        mixed
    }

    pub fn total(&mut self, id: u32, (of, operator, kind): (u32, Operator, Kind)) {
        let Some(Outcome::Each(map)) = self.results.get(&of) else { return };
        let (how, element) = self.world.reductions.of(operator, kind);
        let mut future = cohort_future_t { id: 0 };
        self.world.must("cohort_future_map_reduce", unsafe { cohort_future_map_reduce(self.context, *map, how, element, &mut future) });
        self.results.insert(id, Outcome::One(future));
    }

    pub fn copy(&self, id: u32, copy: &Transfer) -> i32 {
        let needs: Vec<Need> = copy.needs().cloned().collect();
        let needs = self.requirements(&needs).unwrap_or_else(|_| unreachable!("nothing is cut"));
        let mut terms = self.no_terms();
        if let Some(condition) = &copy.condition {
            terms.predicate = self.predicate(condition, &mut terms);
        }
        let names = |need: &Option<Need>, at: usize| match need {
            Some(need) => (needs.list[at].region, need.fields[0]),
            None => (cohort_region_t { id: 0 }, 0),
        };
        let (gather, gather_field) = names(&copy.gather, 2);
        let (scatter, scatter_field) = names(&copy.scatter, needs.list.len() - 1);
        let kind = self.world.program.trees[copy.destination.tree].kinds[copy.destination.fields[0] as usize];
        let (reduction, reduction_type) = copy.fold.map_or((0, 0), |how| self.world.reductions.of(how, kind));
        let gate = self.gate(id);
        let what = cohort_copy_t {
            size: size_of::<cohort_copy_t>(),
            source: needs.list[0].region,
            destination: needs.list[1].region,
            source_fields: needs.list[0].fields,
            destination_fields: needs.list[1].fields,
            field_count: needs.list[0].field_count,
            shift: copy.shift,
            wait_barriers: gate.as_ref().map_or(null(), |gate| gate as *const _),
            wait_barrier_count: gate.iter().count() as u32,
            arrive_barriers: null(),
            arrive_barrier_count: 0,
            predicate: terms.predicate,
            gather,
            gather_field,
            scatter,
            scatter_field,
            flags: if copy.skips { COHORT_COPY_SKIP_OUT_OF_RANGE } else { 0 },
            reduction,
            reduction_type,
        };
        unsafe { cohort_copy(self.context, &what) }
    }

    pub fn synchronise(&self, id: u32, (need, condition): (&Need, &Option<Condition>), acquires: bool) -> i32 {
        let needs = self.requirements(std::slice::from_ref(need)).unwrap_or_else(|_| unreachable!("nothing is cut"));
        let mut terms = self.no_terms();
        if let Some(condition) = condition {
            terms.predicate = self.predicate(condition, &mut terms);
        }
        let gate = self.gate(id);
        let sync = cohort_sync_t {
            size: size_of::<cohort_sync_t>(),
            region: needs.list[0].region,
            fields: needs.list[0].fields,
            field_count: needs.list[0].field_count,
            wait_barriers: gate.as_ref().map_or(null(), |gate| gate as *const _),
            wait_barrier_count: gate.iter().count() as u32,
            arrive_barriers: null(),
            arrive_barrier_count: 0,
            predicate: terms.predicate,
        };
        if acquires { unsafe { cohort_acquire(self.context, &sync) } } else { unsafe { cohort_release(self.context, &sync) } }
    }

    pub fn drop_futures(&mut self) {
        for (_, outcome) in self.results.drain() {
            let (what, status) = match outcome {
                Outcome::One(mut future) => ("cohort_future_destroy", unsafe { cohort_future_destroy(&mut future) }),
                Outcome::Each(mut map) => ("cohort_future_map_destroy", unsafe { cohort_future_map_destroy(&mut map) }),
            };
            self.world.must(what, status);
        }
    }
}
