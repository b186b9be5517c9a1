//! The one runtime of a process: its start and end, and the tables behind the handles.

mod objects;

pub use objects::Objects;

use crate::base::{Config, Kind, Result};
use crate::fail;
use crate::operation::{thread_token, Engine, Frame};
use crate::event::NodeRef;
use crate::scheduler::{Scheduler, Settings};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::Duration;

const DEFAULT_WINDOW: u32 = 1024;
const DEFAULT_SPIN: Duration = Duration::from_micros(20);
/// Fortran kernels put large automatic arrays on the stack.
const DEFAULT_STACK: u64 = 64 << 20;

pub struct Runtime {
    pub objects: Objects,
    pub rank: u32,
    pub size: u32,
    pub workers: u32,
    /// Handle of the context of the MPI thread.
    pub root: u64,
    handle: u64,
    mpi_thread: u64,
    pub engine: Box<Engine>,
}

/// The runtime that is running. Freed by `finalize`, after which no other thread may be inside the library.
static CURRENT: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());

/// The running runtime, for functions whose other handles imply it.
#[inline]
pub fn current() -> Result<&'static Runtime> {
    match unsafe { CURRENT.load(Ordering::Acquire).as_ref() } {
        Some(runtime) => Ok(runtime),
        None => fail!(WrongOrder, "no runtime is running; call cohort_init first, and nothing after cohort_finalize"),
    }
}

/// The runtime with this handle.
pub fn of(handle: u64) -> Result<&'static Runtime> {
    if handle == 0 {
        fail!(InvalidHandle, "the runtime is the null handle; pass what cohort_init gave");
    }
    let runtime = current()?;
    if handle != runtime.handle {
        fail!(InvalidHandle, "{handle:#x} is not the handle of the running runtime; pass what cohort_init gave");
    }
    Ok(runtime)
}

/// The execution that a context's handle names, on its own thread.
#[inline]
pub fn context(handle: u64) -> Result<(&'static Engine, &'static Frame)> {
    let runtime = current()?;
    Ok((&runtime.engine, runtime.engine.frames.get(handle)?))
}

impl Runtime {
    /// For functions of the MPI thread.
    pub fn check_mpi_thread(&self) -> Result<()> {
        if thread_token() != self.mpi_thread {
            fail!(WrongThread, "this is not the thread that called cohort_init; call it there");
        }
        Ok(())
    }
}

/// Cores that this process may use.
fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(64) as u32)
}

pub fn init(config: Config) -> Result<u64> {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    if !CURRENT.load(Ordering::Acquire).is_null() {
        fail!(WrongOrder, "the runtime is running already; a process has one at a time, call cohort_finalize first");
    }
    let workers = config.workers.unwrap_or_else(cores);
    let scheduler = Scheduler::new(Settings {
        workers,
        host_helps: config.host_helps.unwrap_or(true),
        spin: config.spin_microseconds.map_or(DEFAULT_SPIN, |us| Duration::from_micros(us.into())),
        stack_bytes: config.task_stack_bytes.unwrap_or(DEFAULT_STACK) as usize,
        bind: Box::new(|_| ()),
    });
    let engine = Engine::start(scheduler, 0, config.window.unwrap_or(DEFAULT_WINDOW), None)?;
    let root = engine.frames.open(std::ptr::null(), NodeRef(0)).handle();
    let handle = (Kind::Runtime as u64) << 56 | SERIAL.fetch_add(1, Ordering::Relaxed);
    let mpi_thread = thread_token();
    let runtime = Runtime { objects: Objects::default(), rank: 0, size: 1, workers, root, handle, mpi_thread, engine };
    CURRENT.store(Box::into_raw(Box::new(runtime)), Ordering::Release);
    Ok(handle)
}

/// Ends the runtime even if a task failed, and then says so.
pub fn finalize(handle: u64) -> Result<()> {
    let runtime = of(handle)?;
    runtime.check_mpi_thread()?;
    let frame = runtime.engine.frames.get(runtime.root)?;
    let result = runtime.engine.context_of(frame).wait_all(&runtime.engine);
    let runtime = CURRENT.swap(std::ptr::null_mut(), Ordering::AcqRel);
    // Nobody else may be inside; the scheduler's threads end before what they use goes.
    let runtime = unsafe { Box::from_raw(runtime) };
    runtime.engine.scheduler.stop();
    result
}
