//! Projections: how the points of an index launch come to their sub-regions.

use super::convert::{text, UserPointer};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::operation::{Colours, Projection};
use crate::runtime::{self, Runtime};
use std::cell::Cell;
use std::ffi::{c_char, c_void};

/// The first number that the program's own projections get.
const OWN: u32 = 2;

/// Registers a projection. `name` (copied) appears in messages. `user` is handed to every call and stays the caller's. Any
/// thread; it lasts as long as the runtime. Errors: INVALID_ARGUMENT (no name, no function).
#[no_mangle]
pub unsafe extern "C" fn cohort_projection_register(
    runtime: cohort_runtime_t,
    name: *const c_char,
    function: cohort_projection_function_t,
    user: *mut c_void,
    projection: *mut cohort_projection_t,
) -> cohort_status_t {
    guard("cohort_projection_register", || {
        let (objects, out) = (&runtime::of(runtime.id)?.objects, super::convert::out(projection)?);
        let Some(name) = text(name, "name")? else {
            fail!(InvalidArgument, "name is null; give the projection a name, messages need it")
        };
        let Some(function) = function else {
            fail!(InvalidArgument, "the projection's function is null; pass the address of a function");
        };
        let user = UserPointer::new(user);
        let function = Box::new(move |point, points| unsafe { function(point, points, user.get()) });
        *out = objects.projections.push(Projection { name: name.into(), function }) as u32 + OWN;
        Ok(())
    })
}

thread_local! {
    /// Room for the colours of one launch.
    static ROOM: Cell<Vec<i64>> = const { Cell::new(Vec::new()) };
}

/// The colours that the program's own projections gave: of each requirement that has one, those of all points.
pub(super) struct Lists<'a> {
    colours: Vec<i64>,
    points: usize,
    /// Requirement and name of the projection, in order.
    of: smallvec::SmallVec<[(usize, &'a str); 4]>,
}

impl<'a> Lists<'a> {
    pub fn of(runtime: &'a Runtime, requirements: &[cohort_requirement_t], points: u32) -> Result<Self> {
        let mut lists = Self { colours: Vec::new(), points: points as usize, of: smallvec::SmallVec::new() };
        let own = |r: &cohort_requirement_t| r.projection.checked_sub(OWN);
        for (i, number) in requirements.iter().enumerate().filter_map(|(i, r)| Some((i, own(r)?))) {
            let Some(projection) = runtime.objects.projections.get(number as usize) else {
                fail!(
                    InvalidArgument,
                    "requirement {i}: projection is {}; use COHORT_PROJECTION_IDENTITY, COHORT_PROJECTION_OFFSET, or what cohort_projection_register gave",
                    number + OWN
                );
            };
            if lists.of.is_empty() {
                lists.colours = ROOM.take();
                lists.colours.clear();
            }
            lists.of.push((i, &projection.name));
            lists.colours.extend((0..points).map(|point| (projection.function)(point, points)));
        }
        Ok(lists)
    }

    /// The colours of requirement `i` and who gave them, if its projection is the program's own.
    pub fn get(&self, i: usize) -> Option<(&[i64], &str)> {
        let at = self.of.iter().position(|&(requirement, _)| requirement == i)?;
        Some((&self.colours[at * self.points..][..self.points], self.of[at].1))
    }
}

impl Drop for Lists<'_> {
    fn drop(&mut self) {
        if !self.of.is_empty() {
            ROOM.set(std::mem::take(&mut self.colours));
        }
    }
}

/// The colours of a requirement of an index launch.
pub(super) fn colours<'a>(r: &cohort_requirement_t, listed: Option<(&'a [i64], &'a str)>) -> Result<Colours<'a>> {
    if r.projection != COHORT_PROJECTION_IDENTITY && r.partition.id == 0 {
        fail!(InvalidArgument, "a projection and no partition; give the partition whose sub-regions it chooses from");
    }
    if r.projection_offset != 0 && r.projection != COHORT_PROJECTION_OFFSET {
        fail!(InvalidArgument, "projection_offset is {} but projection is not COHORT_PROJECTION_OFFSET; set both, or leave the offset 0", r.projection_offset);
    }
    Ok(match listed {
        Some((colours, name)) => Colours::Listed(colours, name),
        None => Colours::Shifted(r.projection_offset),
    })
}
