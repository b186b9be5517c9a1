//! Start, end, what the runtime knows about itself, and errors.

use super::abi::{COHORT_ABI, SERVED};
use super::convert::{check_size, out};
use super::types::*;
use super::{guard, set_on_error};
use crate::base::config::{Config, OnError};
use crate::base::sync::Mutex;
use crate::base::{status, Result, Status};
use crate::fail;
use crate::runtime;
use std::ffi::{c_char, c_void};

fn on_error_policy(number: i32) -> Result<OnError> {
    Ok(match number {
        0 => OnError::Return,
        1 => OnError::Print,
        2 => OnError::Abort,
        _ => fail!(InvalidArgument, "on_error is {number}; use 0 (return), 1 (print) or 2 (abort)"),
    })
}

fn switch(number: i32, name: &str) -> Result<Option<bool>> {
    match number {
        -1 => Ok(None),
        0 | 1 => Ok(Some(number == 1)),
        _ => fail!(InvalidArgument, "config.{name} is {number}; use 0, 1, or -1 for the default"),
    }
}

unsafe fn config_from(config: *const cohort_config_t) -> Result<Config> {
    let Some(c) = config.as_ref() else { return Config::default().with_environment() };
    check_size(c.size, size_of::<cohort_config_t>(), "config", "COHORT_CONFIG_INIT")?;
    if c.workers != -1 && !(1..=64).contains(&c.workers) {
        fail!(InvalidArgument, "config.workers is {}; use 1 to 64, or -1 for one on each core", c.workers);
    }
    if c.window != 0 && !(4..=1_000_000).contains(&c.window) {
        fail!(InvalidArgument, "config.window is {}; use 4 to 1000000, or 0 for the default", c.window);
    }
    if c.watchdog_seconds < 0.0 || c.watchdog_seconds.is_nan() {
        fail!(InvalidArgument, "config.watchdog_seconds is {}; use a time, or 0 for off", c.watchdog_seconds);
    }
    let over_zero = |n: u64| (n > 0).then_some(n);
    Config {
        workers: u32::try_from(c.workers).ok(),
        host_helps: switch(c.host_helps, "host_helps")?,
        bind: switch(c.bind, "bind")?,
        window: (c.window > 0).then_some(c.window),
        spin_microseconds: u32::try_from(c.spin_microseconds).ok(),
        task_stack_bytes: over_zero(c.task_stack_bytes),
        watchdog_seconds: (c.watchdog_seconds > 0.0).then_some(c.watchdog_seconds),
        force_messages: switch(c.force_messages, "force_messages")?,
        shared_bytes: over_zero(c.shared_bytes),
        on_error: if c.on_error == -1 { None } else { Some(on_error_policy(c.on_error)?) },
        ..Config::default()
    }
    .with_environment()
}

/// Whether a program with this number in its header may go on.
fn check_abi(abi: u32) -> Result<()> {
    if !SERVED.contains(&abi) {
        fail!(Version, "the program was compiled with the header of interface {abi}, and the library has interface {COHORT_ABI} (version {COHORT_VERSION}); compile with the header of the library that it runs with");
    }
    Ok(())
}

/// Whether code that was compiled, or written, for the header with this COHORT_ABI may call this library: for code that does not
/// start the runtime, since what starts it asks by itself. Any thread. Errors: VERSION.
#[no_mangle]
pub extern "C" fn cohort_check_abi(abi: u32) -> cohort_status_t {
    guard("cohort_check_abi", || check_abi(abi))
}

/// Starts the runtime in this process alone. Call through `cohort_init`, which passes the header's COHORT_ABI. The
/// calling thread becomes the MPI thread: functions that say so must be called on it. `config` may be NULL.
/// Errors: VERSION, INVALID_ARGUMENT (a setting), WRONG_ORDER (it runs already).
#[no_mangle]
pub unsafe extern "C" fn cohort_init_version(abi: u32, config: *const cohort_config_t, runtime: *mut cohort_runtime_t) -> cohort_status_t {
    guard("cohort_init", || {
        check_abi(abi)?;
        let (out, config) = (out(runtime)?, config_from(config)?);
        set_on_error(config.on_error.unwrap_or(OnError::Return));
        out.id = runtime::init(config)?;
        Ok(())
    })
}

/// Starts the runtime on every rank of a communicator, given as its Fortran handle. Collective. Call through
/// `cohort_init_mpi` of cohort_mpi.h, which passes the header's COHORT_ABI and the family of the program's MPI: 1 Open MPI, 2
/// MPICH and its relatives, 0 unknown. The calling thread becomes the MPI thread. `config` may be NULL. Errors: as
/// `cohort_init`, and MPI (another MPI than the library's, an MPI call that failed), UNSUPPORTED (built without MPI).
#[no_mangle]
pub unsafe extern "C" fn cohort_init_communicator(
    abi: u32,
    mpi: i32,
    communicator: i32,
    config: *const cohort_config_t,
    runtime: *mut cohort_runtime_t,
) -> cohort_status_t {
    guard("cohort_init_mpi", || {
        check_abi(abi)?;
        start_ranks(mpi, communicator, config, runtime)
    })
}

/// `cohort_init_mpi` for the Fortran module.
#[no_mangle]
pub unsafe extern "C" fn cohort_init_fortran(
    abi: u32,
    communicator: i32,
    config: *const cohort_config_t,
    runtime: *mut cohort_runtime_t,
) -> cohort_status_t {
    guard("cohort_init", || {
        check_abi(abi)?;
        start_ranks(0, communicator, config, runtime)
    })
}

unsafe fn start_ranks(mpi: i32, communicator: i32, config: *const cohort_config_t, runtime: *mut cohort_runtime_t) -> Result<()> {
    let (out, config) = (out(runtime)?, config_from(config)?);
    set_on_error(config.on_error.unwrap_or(OnError::Return));
    out.id = runtime::init_communicator(config, communicator, mpi)?;
    Ok(())
}

/// Waits for all work, then ends the runtime and clears the handle; every other handle of it is stale afterwards. A
/// null handle is accepted. MPI thread. Collective. Errors: TASK_FAILED if a task failed since the last wait (the
/// runtime ends all the same), WRONG_THREAD, WRONG_ORDER if inline mappings of the root context are open (the runtime goes on: unmap
/// and call again).
#[no_mangle]
pub unsafe extern "C" fn cohort_finalize(runtime: *mut cohort_runtime_t) -> cohort_status_t {
    guard("cohort_finalize", || {
        let handle = out(runtime)?;
        if handle.id == 0 {
            return Ok(());
        }
        let result = runtime::finalize(handle.id);
        if !matches!(&result, Err(e) if matches!(e.status, Status::WrongThread | Status::InvalidHandle | Status::WrongOrder)) {
            handle.id = 0;
            let owned = std::mem::take(&mut *OWNED.lock());
            owned.into_iter().for_each(|Owned(user, release)| release(user));
        }
        result
    })
}

struct Owned(*mut c_void, unsafe extern "C" fn(user: *mut c_void));

// Handed from the thread that gave it to the one that ends the runtime, and used by no other.
unsafe impl Send for Owned {}

static OWNED: Mutex<Vec<Owned>> = Mutex::new(Vec::new());

/// Calls `release(user)` when the runtime has ended: for what the user pointers of callbacks point to, which must live until
/// then. Any thread, also before the runtime starts. Errors: INVALID_ARGUMENT (`release` is null).
#[no_mangle]
pub unsafe extern "C" fn cohort_release_at_end(user: *mut c_void, release: cohort_release_function_t) -> cohort_status_t {
    guard("cohort_release_at_end", || {
        let Some(release) = release else { fail!(InvalidArgument, "release is null; pass the function that frees what user points to") };
        OWNED.lock().push(Owned(user, release));
        Ok(())
    })
}

/// The runtime that runs in this process, for code that did not start it, such as a library that a program loads. Any thread.
/// Errors: WRONG_ORDER (none runs).
#[no_mangle]
pub unsafe extern "C" fn cohort_current(runtime: *mut cohort_runtime_t) -> cohort_status_t {
    guard("cohort_current", || {
        out(runtime)?.id = runtime::current()?.handle();
        Ok(())
    })
}

/// This process's rank in the communicator; 0 without MPI. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_rank(runtime: cohort_runtime_t, rank: *mut i32) -> cohort_status_t {
    guard("cohort_rank", || Ok(*out(rank)? = runtime::of(runtime.id)?.rank as i32))
}

/// The number of ranks; 1 without MPI. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_size(runtime: cohort_runtime_t, size: *mut i32) -> cohort_status_t {
    guard("cohort_size", || Ok(*out(size)? = runtime::of(runtime.id)?.size as i32))
}

/// Processors of this rank that run tasks, the waiting MPI thread included. Any thread.
#[no_mangle]
pub unsafe extern "C" fn cohort_workers(runtime: cohort_runtime_t, workers: *mut i32) -> cohort_status_t {
    guard("cohort_workers", || Ok(*out(workers)? = runtime::of(runtime.id)?.workers as i32))
}

/// The context of the MPI thread, in which the program outside of all tasks launches. Owned by the runtime.
#[no_mangle]
pub unsafe extern "C" fn cohort_root_context(runtime: cohort_runtime_t, context: *mut cohort_context_t) -> cohort_status_t {
    guard("cohort_root_context", || {
        out(context)?.id = runtime::of(runtime.id)?.root;
        Ok(())
    })
}

/// The text of this thread's last error: function, value, rule, remedy. Valid until the next error on this thread.
#[no_mangle]
pub extern "C" fn cohort_last_error() -> *const c_char {
    status::last()
}

/// The name of a status, such as "COHORT_ERROR_BOUNDS". Static.
#[no_mangle]
pub extern "C" fn cohort_status_name(status: cohort_status_t) -> *const c_char {
    let named = Status::ALL.iter().find(|s| **s as i32 == status);
    named.map_or("not a status of cohort\0", |s| s.name()).as_ptr().cast()
}

/// The library's COHORT_VERSION.
#[no_mangle]
pub extern "C" fn cohort_version() -> u32 {
    COHORT_VERSION
}

/// What an error does besides being returned: 0 nothing, 1 prints to stderr, 2 prints and aborts. Any thread.
#[no_mangle]
pub extern "C" fn cohort_set_on_error(policy: i32) -> cohort_status_t {
    guard("cohort_set_on_error", || Ok(set_on_error(on_error_policy(policy)?)))
}
