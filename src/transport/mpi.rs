//! Ranks of an MPI program. MPI is the host's: it calls MPI_Init, chooses the thread level, and calls MPI_Finalize.

use super::Transport;
use crate::base::{Error, Result, Status};
use crate::fail;
use std::ffi::{c_char, c_int, c_void, CStr};

extern "C" {
    fn cohort_shim_family() -> c_int;
    fn cohort_shim_library(text: *mut c_char, capacity: c_int);
    fn cohort_shim_phase() -> c_int;
    fn cohort_shim_level() -> c_int;
    fn cohort_shim_open(fortran: i32, rank: *mut i32, size: *mut i32, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_neighbours(communicator: i32, neighbours: *mut i32, text: *mut c_char, capacity: i32) -> i32;
    fn cohort_shim_allgather(mine: *const c_void, all: *mut c_void, bytes: i32, text: *mut c_char, capacity: c_int) -> c_int;
    fn cohort_shim_barrier(text: *mut c_char, capacity: c_int) -> c_int;
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
}

/// Calls a shim function that returns 0, or not 0 and a text.
fn shim(what: &str, call: impl FnOnce(*mut c_char, c_int) -> c_int) -> Result<()> {
    let mut text = [0 as c_char; 512];
    if call(text.as_mut_ptr(), text.len() as c_int) == 0 {
        return Ok(());
    }
    // The shim ends its text with a zero byte within the capacity.
    let text = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
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
        let (mut rank, mut size) = (0, 0);
        shim("MPI_Comm_dup", |text, n| unsafe { cohort_shim_open(communicator, &mut rank, &mut size, text, n) })?;
        if let Some(text) = mismatch(built, CallerMpi::Unknown, "", size as u32, number) {
            return Err(refuse(text));
        }
        let level = match unsafe { cohort_shim_level() } {
            3 => Level::Multiple,
            2 => Level::Serialized,
            1 => Level::Funneled,
            _ => Level::Single,
        };
        Ok(Self { rank: rank as u32, size: size as u32, level })
    }
}

impl Transport for Mpi {
    fn rank(&self) -> u32 {
        self.rank
    }
    fn size(&self) -> u32 {
        self.size
    }
    fn gather(&self, mine: &[u64]) -> Result<Vec<u64>> {
        let mut all = vec![0u64; mine.len() * self.size as usize];
        let bytes = std::mem::size_of_val(mine) as i32;
        shim("MPI_Allgather", |text, n| unsafe {
            cohort_shim_allgather(mine.as_ptr().cast(), all.as_mut_ptr().cast(), bytes, text, n)
        })?;
        Ok(all)
    }
    fn barrier(&self) -> Result<()> {
        shim("MPI_Barrier", |text, n| unsafe { cohort_shim_barrier(text, n) })
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
