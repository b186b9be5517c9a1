//! Tasks that reduce: each works on a copy that starts as identities, so that tasks which reduce alike run at the same
//! time; the copies are folded in in the order of the launches, so that a sum is the same in every run. A copy lies from the
//! start of its task to its fold, which waits for the folds before: a slow task keeps the copies of later ones. Tasks whose
//! contributions may be folded in in any order share copies instead (see `sharing`).

use super::body::{Body, Held, Work};
use super::sharing::Copies;
use super::Engine;
use crate::base::Result;
use crate::copy;
use crate::geometry::Rect;
use crate::instance::{FieldInstance, Storage};
use crate::region::Contribution;

/// Gives each reduction of a task its copies; `fold` is the body of the task's fold.
pub fn prepare(engine: &Engine, body: &mut Body, fold: &Body) -> Result<()> {
    let reducing = body.needs_mut().iter_mut().filter(|need| need.access.reduction.is_some());
    for (need, last) in reducing.zip(fold.needs()) {
        let shared = last.sharing.as_ref().is_some_and(|sharing| sharing.take(&mut need.private));
        if !shared {
            make_copies(engine, need)?;
        }
    }
    Ok(())
}

fn make_copies(engine: &Engine, need: &mut Held) -> Result<()> {
    let Some(Contribution { operator, .. }) = need.access.reduction else { return Ok(()) };
    // The task's rectangle and fields stay as they are while its copies are made.
    let (rect, mut next) = (need.node().domain.bounds, need.mask.first());
    while let Some(field) = next {
        // What cannot be folded is refused before the task has worked for nothing.
        let instances = &need.data().instances;
        need.node().domain.rects().try_for_each(|part| instances.whole(field, &part).map(drop))?;
        let bytes = instances.ensure(field)?.bytes;
        let storage = match engine.buffers.take().and_then(|mut s| s.reuse(rect, bytes, field as usize).then_some(s)) {
            Some(storage) => storage,
            None => Box::new(Storage::new(rect, bytes, field as usize, &engine.mappers.setting.fast)?),
        };
        // The copy is this task's alone.
        operator.with_identity(|identity| unsafe { copy::fill_rect(&storage.instance, &rect, identity) });
        need.private.push((field, storage));
        next = need.mask.next_after(field);
    }
    Ok(())
}

/// Leaves the copies of a task to its fold or to its group, or throws them away if the task failed: then whatever depends on
/// the task fails as well, and with it on all of its group, whose contributions are thrown away with its own.
pub fn hand_over(engine: &Engine, body: &mut Body, fold: &mut Body, succeeded: bool) {
    let reducing = body.needs_mut().iter_mut().filter(|need| need.access.reduction.is_some());
    for (from, to) in reducing.zip(fold.needs_mut()) {
        if !succeeded {
            put_by(engine, &mut from.private);
            continue;
        }
        let given = to.sharing.as_ref().is_some_and(|sharing| sharing.give(&mut from.private));
        if !given {
            std::mem::swap(&mut from.private, &mut to.private);
        }
    }
}

/// Folds what the task left here, and what its group left if it is the last of it.
pub fn fold(engine: &Engine, body: &mut Body) {
    let from_device = if let Work::Fold(left) = &mut body.work { left.take() } else { None };
    if let Some(left) = from_device {
        left.each_home(|need, field, instance| fold_field(&body.needs()[need], field, instance));
    }
    for need in body.needs_mut() {
        let mut copies = std::mem::take(&mut need.private);
        fold_copies(engine, need, &mut copies);
        if let Some(sharing) = need.sharing.take() {
            if sharing.leave() {
                while sharing.take(&mut copies) {
                    fold_copies(engine, need, &mut copies);
                }
            }
        }
        need.private = copies;
    }
}

fn fold_copies(engine: &Engine, need: &Held, copies: &mut Copies) {
    for (field, storage) in copies.iter() {
        fold_field(need, *field, &storage.instance);
    }
    put_by(engine, copies);
}

fn fold_field(need: &Held, field: u32, from: &FieldInstance) {
    let Some(Contribution { operator, .. }) = need.access.reduction else { return };
    let _one_at_a_time = need.data().folding.lock();
    for rect in need.node().domain.rects() {
        // Whoever reads the field waits for this operation; others that fold are ordered, or wait for the lock.
        let fold = |part: &Rect, to: &FieldInstance| unsafe { copy::fold_rect(operator, from, to, part, [0; 3]) };
        // Attached arrays do not move while an operation uses them, so the field is where the task saw it when it began.
        let _ = need.data().instances.each_place(field, &rect, fold);
    }
}

fn put_by(engine: &Engine, copies: &mut Copies) {
    for (_, storage) in copies.drain(..) {
        // When enough are put by, the memory goes.
        drop(engine.buffers.give(storage));
    }
}
