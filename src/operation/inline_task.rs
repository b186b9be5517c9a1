//! Tasks that the launching thread runs by itself before their launch returns. Whoever makes such a task ready hands it to the
//! thread that waits for it. If nothing moves any more, the thread may be what the task waits for: then it leaves the task to
//! others and goes on.
//!
//! `state`: WAITING until the task is ready (READY, and the launching thread's) or the thread leaves it (LEFT). One step decides.

use super::engine::{SeatSet, PATIENCE};
use super::{inside_task, Engine, Frame, TaskKind};
use crate::event::NodeRef;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::time::Instant;

const WAITING: u8 = 0;
const READY: u8 = 1;
const LEFT: u8 = 2;

#[derive(Default)]
pub struct InlineTask {
    state: AtomicU8,
    seats: SeatSet,
}

impl InlineTask {
    fn move_on(&self, to: u8) -> bool {
        self.state.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The task is ready. False: the launching thread does not wait for it any more.
    pub fn hand_over(self: Arc<Self>, engine: &Engine) -> bool {
        let waits = self.move_on(READY);
        if waits {
            self.seats.wake(&engine.scheduler);
        }
        waits
    }

    /// Waits for the task and runs it. Meanwhile the context in which it is launched is closed: it is in the middle of a launch.
    pub fn run(&self, engine: &Engine, frame: &Frame, node: NodeRef, kind: &TaskKind) {
        let owner = frame.lend();
        if self.comes(engine) {
            engine.run(node);
        } else {
            kind.never_inline.store(true, Ordering::Relaxed);
            if let Some(chain) = kind.mappers() {
                chain.refuse_inline(kind.c_name());
            }
        }
        frame.give_back(owner);
    }

    fn comes(&self, engine: &Engine) -> bool {
        loop {
            let moved = engine.activity.moved();
            let ready = || self.state.load(Ordering::Acquire) == READY;
            // Without a seat the thread cannot wait.
            let waited = engine.block(ready, &self.seats, || (), Some(Instant::now() + PATIENCE));
            // The wait itself begins and ends.
            let others = engine.activity.moved() - moved > 2 || engine.activity.running() > i64::from(inside_task());
            match waited {
                Ok(true) => return true,
                Ok(false) if others => {}
                _ => return !self.move_on(LEFT),
            }
        }
    }
}
