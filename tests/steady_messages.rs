//! Copies into the ghost region of a rank that shares no memory with this one allocate nothing once they repeat, however many fields they
//! name. Two processes, started by this test; what MPI itself allocates does not count.
#![cfg(feature = "mpi")]

mod scratch;

use cohort::base::memory::counted;
use cohort::ffi::{abi, barriers as br, ghosts as gh, launches as ln, regions as rg, runtime as rt, types::*};
use std::ffi::{c_char, c_int};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// More than lists of a launch or of a message hold in place.
const FIELDS: u32 = 12;
/// Steps in which nothing may be counted, and how often that is tried: at first pools grow.
const COUNTED: usize = 60;
const STRETCHES: usize = 40;
/// MPI_COMM_WORLD in Fortran, of Open MPI and of MPICH.
const WORLDS: [i32; 2] = [0, 0x4400_0000];
/// MPI_THREAD_FUNNELED of both.
const FUNNELED: c_int = 1;

extern "C" {
    fn MPI_Init_thread(count: *mut c_int, arguments: *mut *mut *mut c_char, level: c_int, provided: *mut c_int) -> c_int;
    fn MPI_Finalize() -> c_int;
}

fn ok(status: i32) {
    let text = unsafe { std::ffi::CStr::from_ptr(rt::cohort_last_error()) };
    assert_eq!(status, COHORT_OK, "{}", text.to_string_lossy());
}

/// What a rank tells the other: its ghost region, a barrier at which that arrives when it has copied, and one at which this arrives when it
/// has read.
#[repr(C)]
#[derive(Clone, Copy)]
struct Told {
    ghost: cohort_ghost_t,
    full: cohort_phase_barrier_t,
    empty: cohort_phase_barrier_t,
}

impl Told {
    /// Gives this to the other rank, by a file, and gets that of the other.
    unsafe fn exchange(self, folder: &Path, rank: i32) -> Self {
        let bytes = std::slice::from_raw_parts((&raw const self).cast::<u8>(), size_of::<Self>());
        let [mine, theirs] = [rank, 1 - rank].map(|rank| folder.join(rank.to_string()));
        let unfinished = mine.with_extension("part");
        std::fs::write(&unfinished, bytes).unwrap();
        std::fs::rename(unfinished, mine).unwrap();
        let limit = Instant::now() + Duration::from_secs(60);
        while !theirs.exists() {
            assert!(Instant::now() < limit, "the other rank tells nothing");
            std::thread::yield_now();
        }
        let told = std::fs::read(theirs).unwrap();
        assert_eq!(told.len(), size_of::<Self>());
        told.as_ptr().cast::<Self>().read_unaligned()
    }
}

fn advance(barrier: &mut cohort_phase_barrier_t) {
    ok(unsafe { br::cohort_phase_barrier_advance(*barrier, barrier) });
}

/// Copies from the one region into the other rank's, waits for what that copies, and says that it was read.
struct Ring {
    from: cohort_region_t,
    ghost: cohort_region_t,
    next: cohort_region_t,
    own: Told,
    other: Told,
    fields: [u32; FIELDS as usize],
    steps: usize,
}

impl Ring {
    unsafe fn step(&mut self, ctx: cohort_context_t) {
        let mut copy: cohort_copy_t = std::mem::zeroed();
        (copy.size, copy.source, copy.destination) = (size_of::<cohort_copy_t>(), self.from, self.next);
        (copy.source_fields, copy.destination_fields, copy.field_count) = (self.fields.as_ptr(), self.fields.as_ptr(), FIELDS);
        if self.steps > 0 {
            advance(&mut self.other.empty);
            (copy.wait_barriers, copy.wait_barrier_count) = (&self.other.empty, 1);
        }
        (copy.arrive_barriers, copy.arrive_barrier_count) = (&self.other.full, 1);
        ok(gh::cohort_copy(ctx, &copy));
        advance(&mut self.other.full);
        advance(&mut self.own.full);
        let mut sync: cohort_sync_t = std::mem::zeroed();
        (sync.size, sync.region, sync.fields, sync.field_count) = (size_of::<cohort_sync_t>(), self.ghost, self.fields.as_ptr(), FIELDS);
        (sync.wait_barriers, sync.wait_barrier_count) = (&self.own.full, 1);
        ok(gh::cohort_acquire(ctx, &sync));
        sync.wait_barrier_count = 0;
        (sync.arrive_barriers, sync.arrive_barrier_count) = (&self.own.empty, 1);
        ok(gh::cohort_release(ctx, &sync));
        advance(&mut self.own.empty);
        self.steps += 1;
    }
}

unsafe fn build(runtime: cohort_runtime_t, folder: &Path) -> Ring {
    let (mut rank, mut space, mut fields) = (0, std::mem::zeroed(), std::mem::zeroed());
    let (mut from, mut ghost, mut next, mut own): (_, _, _, Told) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
    ok(rt::cohort_rank(runtime, &mut rank));
    ok(rg::cohort_index_space_create(runtime, 1, &0, &99, &mut space));
    ok(rg::cohort_field_space_create(runtime, &mut fields));
    ok(rg::cohort_fields_allocate(fields, 8, FIELDS, &mut 0));
    ok(rg::cohort_region_create(runtime, space, fields, &mut from));
    ok(gh::cohort_ghost_create(runtime, space, fields, &mut ghost));
    ok(gh::cohort_ghost_export(ghost, &mut own.ghost));
    ok(br::cohort_phase_barrier_create(runtime, 1, &mut own.full));
    ok(br::cohort_phase_barrier_create(runtime, 1, &mut own.empty));
    let other = own.exchange(folder, rank);
    ok(gh::cohort_ghost_import(runtime, &other.ghost, &mut next));
    Ring { from, ghost, next, own, other, fields: std::array::from_fn(|field| field as u32), steps: 0 }
}

/// The body of each process.
unsafe fn run(folder: &Path, world: i32) {
    assert_eq!(MPI_Init_thread(null_mut(), null_mut(), FUNNELED, &mut 0), 0);
    let mut config: cohort_config_t = std::mem::zeroed();
    (config.size, config.workers, config.host_helps, config.window) = (size_of::<cohort_config_t>(), 1, 1, 64);
    (config.bind, config.spin_microseconds, config.force_messages, config.on_error) = (-1, -1, 1, -1);
    let (mut runtime, mut ctx) = (std::mem::zeroed(), std::mem::zeroed());
    ok(rt::cohort_init_communicator(abi::COHORT_ABI, 0, world, &config, &mut runtime));
    ok(rt::cohort_root_context(runtime, &mut ctx));
    let mut ring = build(runtime, folder);
    let stretch = |_| {
        let before = counted::allocations();
        (0..COUNTED).for_each(|_| ring.step(ctx));
        ok(ln::cohort_wait_all(ctx));
        counted::allocations() - before
    };
    let counts: Vec<usize> = (0..STRETCHES).map(stretch).collect();
    ok(rt::cohort_finalize(&mut runtime));
    assert_eq!(MPI_Finalize(), 0);
    assert!(counts.contains(&0), "allocations in {COUNTED} repeated steps: {counts:?}");
}

#[test]
fn messages_that_repeat_allocate_nothing() {
    if let (Some(folder), Some(world)) = (std::env::var_os("STEADY_FOLDER"), std::env::var_os("STEADY_WORLD")) {
        return unsafe { run(&PathBuf::from(folder), world.to_str().unwrap().parse().unwrap()) };
    }
    let folder = scratch::folder("told");
    let shown = Command::new(std::env::var("MPICC").unwrap_or("mpicc".into())).arg("-show").output().unwrap();
    let is_mpich = String::from_utf8_lossy(&shown.stdout).contains("mpich");
    let mut run = if is_mpich { Command::new("mpirun.mpich") } else { Command::new("mpirun.openmpi") };
    if !is_mpich {
        run.arg("--oversubscribe").envs(["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_mpi_yield_when_idle"].map(|name| (name, "1")));
    }
    run.args(["-n", "2"]).arg(std::env::current_exe().unwrap()).args(["--nocapture", "--test-threads=1"]);
    let output = run.env("STEADY_FOLDER", &folder).env("STEADY_WORLD", WORLDS[usize::from(is_mpich)].to_string()).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}
