//! Kinds of tasks: a name and a body for each processor kind.

use super::converted::Asked;
use super::devices::Variants;
use crate::base::Result;
use crate::fail;
use crate::mapping::{Chain, ChainSlot, Processor};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::OnceLock;

/// Gets the handle of its context; a result other than 0 is a failure.
pub type TaskBody = Box<dyn Fn(u64) -> i32 + Send + Sync>;

pub struct TaskKind {
    pub name: Box<str>,
    pub leaf: bool,
    /// It runs nowhere else.
    pub mpi_thread: bool,
    /// Layouts that it asks for.
    pub asked: Asked,
    cpu: OnceLock<TaskBody>,
    mpi: OnceLock<TaskBody>,
    /// For devices.
    pub devices: Variants,
    /// Who is asked where the tasks run.
    pub mappers: ChainSlot,
    handle: AtomicU64,
    c_name: CString,
    /// A task of this kind that was to run inside its launch never became ready there: none is tried again.
    pub never_inline: AtomicBool,
}

impl TaskKind {
    pub fn new(name: &str, leaf: bool, body: TaskBody) -> Self {
        Self {
            name: name.into(),
            leaf,
            mpi_thread: false,
            asked: Asked::default(),
            cpu: OnceLock::from(body),
            mpi: OnceLock::new(),
            devices: Variants::default(),
            mappers: ChainSlot::default(),
            handle: AtomicU64::new(0),
            c_name: CString::new(name).unwrap_or_default(),
            never_inline: AtomicBool::new(false),
        }
    }

    /// The mappers that are asked, if any.
    #[inline]
    pub fn mappers(&self) -> Option<&Chain> {
        self.mappers.get()
    }

    /// The handle that names it, which mappers see.
    pub fn set_handle(&self, handle: u64) {
        self.handle.store(handle, Ordering::Relaxed);
    }

    pub(super) fn handle(&self) -> u64 {
        self.handle.load(Ordering::Relaxed)
    }

    pub(super) fn c_name(&self) -> &std::ffi::CStr {
        &self.c_name
    }

    pub(super) fn has_mpi_variant(&self) -> bool {
        self.mpi.get().is_some()
    }

    pub fn add_variant(&self, processor: Processor, body: TaskBody) -> Result<()> {
        let slot = match processor {
            Processor::Cpu => &self.cpu,
            Processor::Mpi => &self.mpi,
            Processor::Device => fail!(InvalidArgument, "a function of a task runs on processors of the host; use cohort_task_kernel or cohort_task_device_callback for devices"),
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
