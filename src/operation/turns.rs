//! Turns at data that tasks of several contexts use at once. Atomic tasks of one context exclude each other by the reservations of
//! its analysis. Tasks that hold data simultaneously, or relaxed, run at the same time, and each may launch tasks that hold it
//! atomically: those exclude each other whoever launched them, by reservations that all these contexts share.
//!
//! They are found as in one context, by points and fields, and under a lock: contexts launch at the same time. Whoever launches such
//! tasks first makes them, and passes them on to what is launched below. A task that holds something atomically passes
//! none on: those below it take turns among themselves. So nobody waits for what somebody above it holds, nor do two wait for each
//! other's children.

use super::body::{Body, Held};
use super::Engine;
use crate::analysis::{ContextAnalysis, Dependences, Use};
use crate::base::sync::Mutex;
use crate::base::Result;
use crate::event::{Hold, NodeRef, Reservation, Reservations, State};
use crate::region::RegionNode;
use std::sync::Arc;

/// Knows the atomic users alone.
#[derive(Default)]
pub struct Turns(Mutex<ContextAnalysis>);

impl Turns {
    /// As [`ContextAnalysis::prepare`].
    pub fn prepare(&self, region: &Arc<RegionNode>) -> Result<()> {
        self.0.lock().prepare(region)
    }

    /// What `operation`, an atomic user, reserves.
    pub fn reserve(&self, engine: &Engine, operation: NodeRef, held: &Held, reservations: &mut Reservations) {
        let this = Use { operation: operation.0, mask: &held.mask, access: held.access };
        self.0.lock().record_use(&held.shared_node(), &this, &mut Reserves { engine, reservations });
    }

    /// Nothing uses the tree any more.
    pub fn forget(&self, tree: u64) {
        self.0.lock().forget(tree);
    }
}

/// Those that the launching task shares, if it shares data of this tree.
pub fn shared(parent: Option<&Body>, tree: u64) -> Option<&Turns> {
    let parent = parent?;
    let turns = parent.turns.as_deref()?;
    parent.needs().iter().any(|other| other.node().tree.id == tree).then_some(turns)
}

struct Reserves<'a> {
    engine: &'a Engine,
    reservations: &'a mut Reservations,
}

impl Dependences for Reserves<'_> {
    fn is_complete(&self, operation: u64) -> bool {
        self.engine.graph.state(NodeRef(operation)) == State::Complete
    }

    /// Operations of other contexts come in no order; those of this one wait by its own analysis.
    fn after(&mut self, _: u64) {}

    fn take(&mut self, reservation: &Reservation, how: Hold) {
        // Forgotten with the tree, when all that use it are complete: the context that made the turns launched what is above them.
        unsafe { self.reservations.want(reservation, how) };
    }
}
