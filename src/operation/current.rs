//! What the calling thread executes: which task, and which failures it was told of. In one place, since both change whenever a
//! task begins or ends.

use std::cell::Cell;

#[derive(Clone, Copy)]
pub struct Execution {
    /// The task's context: of the innermost task, when one runs while another waits; 0: none.
    pub task: u64,
    /// How many failures it was told of, and the runtime that they are of.
    pub told: (u64, u32),
}

thread_local! {
    static CURRENT: Cell<Execution> = const { Cell::new(Execution { task: 0, told: (0, 0) }) };
}

/// Sets what the thread executes; what it did before.
pub fn enter(execution: Execution) -> Execution {
    CURRENT.replace(execution)
}

/// The context of the task that the calling thread runs, or 0.
pub fn current_task() -> u64 {
    CURRENT.get().task
}

pub fn inside_task() -> bool {
    current_task() != 0
}

pub fn told() -> (u64, u32) {
    CURRENT.get().told
}

pub fn set_told(told: (u64, u32)) {
    CURRENT.set(Execution { told, ..CURRENT.get() });
}
