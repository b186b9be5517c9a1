//! Ranks of an MPI program. MPI is the host's: it calls MPI_Init, chooses the thread level, and calls MPI_Finalize.

use super::{Found, Line, Meanwhile, Transport};
use crate::base::{thread_token, Error, Result, Status};
use crate::fail;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::mem::MaybeUninit;
use std::time::Duration;

extern "C" {
    fn cohort_shim_family() -> c_int;
    fn cohort_shim_library(text: *mut c_char, capacity: c_int);
    fn cohort_shim_phase() -> c_int;
    fn cohort_shim_level() -> c_int;
    fn cohort_shim_open(fortran: i32, rank: *mut i32, size: *mut i32, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_neighbours(communicator: i32, neighbours: *mut i32, text: *mut c_char, capacity: i32) -> i32;
    fn cohort_shim_is_main() -> c_int;
    fn cohort_shim_gather(mine: *const c_void, all: *mut c_void, bytes: i32, request: *mut u64, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_takes_device_memory() -> c_int;
    fn cohort_shim_send(lines: *const c_void, count: i32, is_cargo: i32, to: i32, request: *mut u64, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_probe(
        found: *mut i32,
        from: *mut i32,
        count: *mut i32,
        matched: *mut u64,
        text: *mut c_char,
        capacity: c_int,
    ) -> c_int;
    fn cohort_shim_receive(lines: *mut c_void, count: i32, matched: *mut u64, request: *mut u64, text: *mut c_char, capacity: c_int)
        -> c_int;
    fn cohort_shim_receive_cargo(lines: *mut c_void, count: i32, from: i32, request: *mut u64, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_test(request: *mut u64, done: *mut i32, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_close(text: *mut c_char, capacity: c_int) -> c_int;
}

/// Thread level that the host asked MPI for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Single,
    Funneled,
    Serialized,
    Multiple,
}

impl Level {
    fn of_mpi() -> Self {
        match unsafe { cohort_shim_level() } {
            3 => Level::Multiple,
            2 => Level::Serialized,
            1 => Level::Funneled,
            _ => Level::Single,
        }
    }
}

/// Which MPI the caller's own code was compiled for, as far as its header said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerMpi {
    Unknown,
    OpenMpi,
    Mpich,
}

impl CallerMpi {
    fn from_number(number: i32) -> Self {
        match number {
            1 => CallerMpi::OpenMpi,
            2 => CallerMpi::Mpich,
            _ => CallerMpi::Unknown,
        }
    }
    fn name(self) -> &'static str {
        match self {
            CallerMpi::OpenMpi => "Open MPI",
            CallerMpi::Mpich => "MPICH",
            CallerMpi::Unknown => "another MPI",
        }
    }
}

pub struct Mpi {
    rank: u32,
    size: u32,
    pub level: Level,
    /// Of the thread that opened it.
    thread: u64,
}

/// Calls a shim function that returns 0, or not 0 and a text.
fn shim(what: &str, call: impl FnOnce(*mut c_char, c_int) -> c_int) -> Result<()> {
    // Most calls succeed, and some are made all the time: the text is not cleared for them.
    const CAPACITY: usize = 512;
    let mut text = MaybeUninit::<[c_char; CAPACITY]>::uninit();
    let text: *mut c_char = text.as_mut_ptr().cast();
    unsafe { *text = 0 };
    if call(text, CAPACITY as c_int) == 0 {
        return Ok(());
    }
    // The shim ends its text with a zero byte within the capacity, or leaves it empty.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    fail!(Mpi, "{what}: {text}")
}

fn library() -> String {
    let mut text = [0 as c_char; 512];
    unsafe { cohort_shim_library(text.as_mut_ptr(), text.len() as c_int) };
    let text = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
    text.lines().next().unwrap_or_default().to_string()
}

/// Why a program built for one MPI cannot go on under what it finds at run time; `variable` looks up the environment.
fn mismatch(built: CallerMpi, caller: CallerMpi, library: &str, size: u32, variable: impl Fn(&str) -> Option<u32>) -> Option<String> {
    let other = match built {
        CallerMpi::OpenMpi => CallerMpi::Mpich,
        _ => CallerMpi::OpenMpi,
    };
    if caller != CallerMpi::Unknown && caller != built {
        return Some(format!(
            "the program was compiled for {}, and this libcohort for {}; configure Cohort with the program's mpicc",
            caller.name(),
            built.name()
        ));
    }
    if library.contains(other.name()) {
        return Some(format!(
            "this libcohort was built for {}, but the MPI library loaded is \"{library}\"; link the program and Cohort with one MPI",
            built.name()
        ));
    }
    let launched = match built {
        CallerMpi::OpenMpi => variable("PMI_SIZE").filter(|_| variable("OMPI_COMM_WORLD_SIZE").is_none()),
        _ => variable("OMPI_COMM_WORLD_SIZE").filter(|_| variable("PMI_SIZE").is_none()),
    };
    launched.filter(|&n| n > 1 && size == 1).map(|n| {
        format!(
            "the program was built for {} but started by the mpiexec of {} with {n} processes, so that each believes to be alone; use the mpiexec of {}",
            built.name(),
            other.name(),
            built.name()
        )
    })
}

impl Mpi {
    /// Collective over the communicator, a Fortran handle, which is duplicated. `caller` as the caller's header says.
    pub fn open(communicator: i32, caller: i32) -> Result<Self> {
        let built = CallerMpi::from_number(unsafe { cohort_shim_family() });
        let number = |name: &str| std::env::var(name).ok()?.parse().ok();
        let refuse = |text| Error::new(Status::Mpi, text);
        // Before the handle is looked at: another MPI's handles mean nothing here.
        if let Some(text) = mismatch(built, CallerMpi::from_number(caller), &library(), 0, number) {
            return Err(refuse(text));
        }
        match unsafe { cohort_shim_phase() } {
            0 => fail!(WrongOrder, "MPI is not initialised; call MPI_Init or MPI_Init_thread first (Cohort never does)"),
            2 => fail!(WrongOrder, "MPI has been finalised; start the runtime between MPI_Init and MPI_Finalize"),
            _ => {}
        }
        if Level::of_mpi() < Level::Serialized && unsafe { cohort_shim_is_main() } == 0 {
            fail!(
                WrongThread,
                "MPI's thread level is below MPI_THREAD_SERIALIZED, and this is not the thread that initialised MPI; call it there, or ask MPI_Init_thread for more"
            );
        }
        let (mut rank, mut size) = (0, 0);
        shim("MPI_Comm_dup", |text, n| unsafe { cohort_shim_open(communicator, &mut rank, &mut size, text, n) })?;
        if let Some(text) = mismatch(built, CallerMpi::Unknown, "", size as u32, number) {
            return Err(refuse(text));
        }
        Ok(Self { rank: rank as u32, size: size as u32, level: Level::of_mpi(), thread: thread_token() })
    }
}

impl Transport for Mpi {
    fn rank(&self) -> u32 {
        self.rank
    }
    fn size(&self) -> u32 {
        self.size
    }
    fn gather(&self, mine: &[u64], meanwhile: Meanwhile) -> Result<Vec<u64>> {
        let (mine, mut all) = (mine.to_vec(), vec![0u64; mine.len() * self.size as usize]);
        let (bytes, mut request) = (size_of_val(&mine[..]) as i32, 0);
        shim("MPI_Iallgather", |text, n| unsafe {
            cohort_shim_gather(mine.as_ptr().cast(), all.as_mut_ptr().cast(), bytes, &mut request, text, n)
        })?;
        let waited = self.wait(&mut request, meanwhile);
        if waited.is_err() {
            // MPI may still read the one and write the other.
            std::mem::forget((mine, all));
            return waited.map(|()| Vec::new());
        }
        Ok(all)
    }
    fn neighbours(&self, communicator: i32) -> Result<[i32; 6]> {
        let mut found = [-1; 6];
        shim("the neighbours of a Cartesian communicator", |text, n| unsafe {
            cohort_shim_neighbours(communicator, found.as_mut_ptr(), text, n)
        })?;
        Ok(found)
    }
    fn close(&self) -> Result<()> {
        if unsafe { cohort_shim_phase() } != 1 {
            fail!(WrongOrder, "MPI has been finalised before the runtime; call cohort_finalize before MPI_Finalize");
        }
        shim("MPI_Comm_free", |text, n| unsafe { cohort_shim_close(text, n) })
    }

    fn any_thread_drives(&self) -> bool {
        self.level == Level::Multiple
    }
    #[inline]
    fn may_drive(&self) -> bool {
        self.level == Level::Multiple || self.thread == thread_token()
    }
    fn start_send(&self, to: u32, lines: &[Line], request: &mut u64) -> Result<()> {
        let count = count_of(lines.len())?;
        shim("MPI_Isend", |text, n| unsafe { cohort_shim_send(lines.as_ptr().cast(), count, 0, to as i32, request, text, n) })
    }
    fn probe(&self) -> Result<Option<Found>> {
        let (mut found, mut from, mut count, mut handle) = (0, 0, 0, 0);
        shim("MPI_Improbe", |text, n| unsafe { cohort_shim_probe(&mut found, &mut from, &mut count, &mut handle, text, n) })?;
        Ok((found != 0).then_some(Found { from: from as u32, lines: count as usize, handle }))
    }
    fn start_receive(&self, found: &mut Found, lines: &mut [Line], request: &mut u64) -> Result<()> {
        let count = count_of(lines.len())?;
        shim("MPI_Imrecv", |text, n| unsafe {
            cohort_shim_receive(lines.as_mut_ptr().cast(), count, &mut found.handle, request, text, n)
        })
    }
    fn is_done(&self, request: &mut u64) -> Result<bool> {
        let mut done = 0;
        shim("MPI_Test", |text, n| unsafe { cohort_shim_test(request, &mut done, text, n) })?;
        Ok(done != 0)
    }
    unsafe fn start_send_cargo(&self, to: u32, at: *const Line, lines: usize, request: &mut u64) -> Result<()> {
        let count = count_of(lines)?;
        shim("MPI_Isend", |text, n| unsafe { cohort_shim_send(at.cast(), count, 1, to as i32, request, text, n) })
    }
    unsafe fn start_receive_cargo(&self, from: u32, at: *mut Line, lines: usize, request: &mut u64) -> Result<()> {
        let count = count_of(lines)?;
        shim("MPI_Irecv", |text, n| unsafe { cohort_shim_receive_cargo(at.cast(), count, from as i32, request, text, n) })
    }
    fn takes_device_memory(&self) -> bool {
        unsafe { cohort_shim_takes_device_memory() != 0 }
    }
}

fn count_of(lines: usize) -> Result<i32> {
    match i32::try_from(lines) {
        Ok(count) => Ok(count),
        Err(_) => fail!(Unsupported, "a message of {} bytes; MPI takes at most {} at once", size_of::<Line>() * lines, size_of::<Line>() << 31),
    }
}

impl Mpi {
    /// Until the request is done; for calls that are rare. Ranks may share processors, so it does not spin for long.
    fn wait(&self, request: &mut u64, meanwhile: Meanwhile) -> Result<()> {
        let mut idle = 0;
        while !self.is_done(request)? {
            idle = if meanwhile()? { 0 } else { idle + 1 };
            match idle {
                0..100 => std::hint::spin_loop(),
                100..200 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(20)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_launchers_of_another_mpi_are_told() {
        let (open, mpich) = (CallerMpi::OpenMpi, CallerMpi::Mpich);
        let none = |_: &str| None;
        assert_eq!(mismatch(open, open, "Open MPI v4.1.4", 2, none), None);
        assert_eq!(mismatch(mpich, CallerMpi::Unknown, "MPICH Version: 4.0.2", 1, none), None);
        let text = mismatch(open, mpich, "", 0, none).unwrap();
        assert!(text.contains("compiled for MPICH") && text.contains("libcohort for Open MPI"), "{text}");
        let text = mismatch(open, open, "MPICH Version: 4.0.2", 0, none).unwrap();
        assert!(text.contains("loaded is \"MPICH"), "{text}");
        let hydra = |name: &str| (name == "PMI_SIZE").then_some(2);
        let text = mismatch(open, open, "Open MPI v4", 1, hydra).unwrap();
        assert!(text.contains("mpiexec of MPICH with 2 processes"), "{text}");
        assert_eq!(mismatch(open, open, "Open MPI v4", 2, hydra), None);
        let orte = |name: &str| (name == "OMPI_COMM_WORLD_SIZE").then_some(4);
        assert!(mismatch(mpich, mpich, "MPICH", 1, orte).unwrap().contains("mpiexec of Open MPI"));
    }
}
