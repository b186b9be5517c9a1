//! Tasks that reduce: each works on a copy that starts as identities, so that tasks which reduce alike run at the same
//! time; the copies are folded in in the order of the launches, so that a sum is the same in every run. A copy lies from the
//! start of its task to its fold, which waits for the folds before: a slow task keeps the copies of later ones.

use super::body::{Body, Held};
use super::Engine;
use crate::base::Result;
use crate::copy;
use crate::instance::Storage;
use crate::region::Contribution;

/// Gives each reduction of a task its copies.
pub fn prepare(engine: &Engine, body: &mut Body) -> Result<()> {
    for need in body.needs_mut() {
        let Some(Contribution { operator, .. }) = need.access.reduction else { continue };
        // The task's rectangle and fields stay as they are while its copies are made.
        let (rect, mut next) = (need.node().domain.bounds, need.mask.first());
        while let Some(field) = next {
            // What cannot be folded is refused before the task has worked for nothing.
            let bytes = need.data().instances.covering(field, &rect)?.bytes;
            let storage = match engine.buffers.take().and_then(|mut s| s.reuse(rect, bytes, field as usize).then_some(s)) {
                Some(storage) => storage,
                None => Box::new(Storage::new(rect, bytes, field as usize)?),
            };
            // The copy is this task's alone.
            operator.with_identity(|identity| unsafe { copy::fill_rect(&storage.instance, &rect, identity) });
            need.private.push((field, storage));
            next = need.mask.next_after(field);
        }
    }
    Ok(())
}

/// Leaves the copies of a task to its fold, or throws them away if the task failed.
pub fn hand_over(engine: &Engine, body: &mut Body, fold: &mut Body, succeeded: bool) {
    let reducing = body.needs_mut().iter_mut().filter(|need| need.access.reduction.is_some());
    for (from, to) in reducing.zip(fold.needs_mut()) {
        std::mem::swap(&mut from.private, &mut to.private);
        if !succeeded {
            put_by(engine, to);
        }
    }
}

pub fn fold(engine: &Engine, body: &mut Body) {
    for need in body.needs_mut() {
        let Some(Contribution { operator, .. }) = need.access.reduction else { continue };
        let domain = &need.node().domain;
        for (field, storage) in &need.private {
            // Attached arrays do not move while an operation uses them, so the field is where `prepare` saw it.
            let Ok(to) = need.data().instances.covering(*field, &domain.bounds) else { continue };
            let _one_at_a_time = need.data().folding.lock();
            // Whoever reads the field waits for this operation; others that fold are ordered, or wait for the lock.
            domain.rects().for_each(|rect| unsafe { copy::fold_rect(operator, &storage.instance, to, &rect, [0; 3]) });
        }
        put_by(engine, need);
    }
}

fn put_by(engine: &Engine, need: &mut Held) {
    for (_, storage) in need.private.drain(..) {
        // When enough are put by, the memory goes.
        drop(engine.buffers.give(storage));
    }
}
