//! Kinds of tasks: a name and a body for each processor kind.

use crate::base::Result;
use crate::fail;
use std::sync::OnceLock;

/// Gets the handle of its context; a result other than 0 is a failure.
pub type TaskBody = Box<dyn Fn(u64) -> i32 + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    Any,
    Cpu,
    /// The thread that started the runtime.
    Mpi,
}

pub struct TaskKind {
    pub name: Box<str>,
    pub leaf: bool,
    /// It runs nowhere else.
    pub mpi_thread: bool,
    cpu: OnceLock<TaskBody>,
    mpi: OnceLock<TaskBody>,
}

impl TaskKind {
    pub fn new(name: &str, leaf: bool, body: TaskBody) -> Self {
        Self { name: name.into(), leaf, mpi_thread: false, cpu: OnceLock::from(body), mpi: OnceLock::new() }
    }

    pub fn add_variant(&self, processor: Processor, body: TaskBody) -> Result<()> {
        let slot = match processor {
            Processor::Cpu => &self.cpu,
            Processor::Mpi => &self.mpi,
            Processor::Any => fail!(InvalidArgument, "a variant is for one kind of processor; use COHORT_PROC_CPU or COHORT_PROC_MPI"),
        };
        match slot.set(body) {
            Ok(()) => Ok(()),
            Err(_) => fail!(WrongOrder, "task \"{}\" has a variant for this kind of processor already", self.name),
        }
    }

    /// The kind of processor that a launch which asks for `wanted` goes to.
    pub fn place(&self, wanted: Processor) -> Processor {
        match wanted {
            Processor::Mpi => Processor::Mpi,
            _ if self.mpi_thread => Processor::Mpi,
            _ => Processor::Cpu,
        }
    }

    /// A task without a variant for the MPI thread runs its only one there.
    pub fn body(&self, processor: Processor) -> &TaskBody {
        let special = if processor == Processor::Mpi { self.mpi.get() } else { None };
        special.or(self.cpu.get()).expect("a kind is made with a body")
    }
}
