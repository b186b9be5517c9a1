//! The one runtime of a process: its start and end, and the tables behind the handles.

mod epoch;
mod fast_memory;
mod machinery;
mod mapping_file;
mod objects;
mod placement;
mod watch;

pub use epoch::must_epoch;
pub use machinery::{Machinery, Memory, MemoryKind, Processor, RankPlace};
pub use objects::Objects;
use placement::Placement;
use watch::Watch;

use crate::base::config::DeviceChoice;
use crate::base::{expect_errors, memory, thread_token, Config, Error, Kind, Result, CALLBACK};
use crate::fail;
use crate::machine::Affinity;
use crate::mapping::{FileMapper, Mappers, Registered, Setting};
use crate::device::{discover, Device, Discovered, Wanted};
use crate::operation::converted::Copied;
use crate::operation::devices::{Devices, Done};
use crate::operation::{current_task, Engine, Frame, Future, Outside, TaskKind};
use crate::scheduler::{Scheduler, Settings};
#[cfg(feature = "mpi")]
use crate::transport::{Level, Mpi};
use crate::transport::{Loopback, Messages, NodeMemory, Topic, Transport};
use crate::interop::{berth_of_ghost, receive_barrier, receive_collective, receive_ghost, Attention, Barriers, Collectives, Ghosts};
use crate::base::sync::Mutex;
use crate::region::forget_operators;
use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const DEFAULT_WINDOW: u32 = 1024;
const DEFAULT_SPIN: Duration = Duration::from_micros(20);
/// Fortran kernels put large automatic arrays on the stack.
const DEFAULT_STACK: u64 = 64 << 20;
/// Address space; the system gives memory as it is used.
const DEFAULT_SHARED: u64 = 256 << 20;

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
    pub barriers: Arc<Barriers>,
    pub messages: Arc<Messages>,
    pub ghosts: Arc<Ghosts>,
    pub collectives: Arc<Collectives>,
    attention: Arc<Attention>,
    pub transport: Arc<dyn Transport>,
    pub machinery: Machinery,
    /// What devices to look for, until somebody asks for them.
    wanted: Mutex<Option<Wanted>>,
    /// And what was not found.
    absent: OnceLock<CString>,
    mapping_file: Option<Arc<FileMapper>>,
    verbose: bool,
    /// What the environment says; else MPI is asked.
    gpu_aware_mpi: Option<bool>,
    /// Dropped to end the watch.
    watch: Mutex<Option<Sender<()>>>,
    /// Results of the members of the last must epoch.
    members: Mutex<Vec<Future>>,
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
    pub fn handle(&self) -> u64 {
        self.handle
    }

    /// The devices of the rank, if there are any. They are looked for when they are first asked for: who has no use for them loads no driver.
    pub fn devices(&self) -> Result<Option<&Devices>> {
        let mut wanted = self.wanted.lock();
        if let Some(which) = &*wanted {
            let Discovered { devices: found, absent } = discover(which)?;
            if self.verbose {
                absent.iter().for_each(|why| crate::tell!("cohort: rank {}: {why}", self.rank));
            }
            let _ = self.absent.set(CString::new(absent.join("\n")).unwrap_or_default());
            let named = matches!(which.choice, DeviceChoice::Numbers(_));
            self.attach(if named { found } else { self.machinery.share_of(found, self.rank) })?;
            *wanted = None;
        }
        Ok(self.engine.devices.get())
    }

    fn attach(&self, devices: Vec<Arc<dyn Device>>) -> Result<()> {
        let before = (self.machinery.processors.len() as u32, self.machinery.memories.len() as u32);
        let mut devices = Devices::new(devices, before, self.verbose);
        devices.mpi_takes_addresses = self.gpu_aware_mpi.unwrap_or_else(|| self.transport.takes_device_memory());
        self.engine.use_devices(devices)
    }

    /// From now on the rank has these devices, in place of those that would be looked for.
    pub fn give_devices(&self, devices: Vec<Arc<dyn Device>>) -> Result<()> {
        let mut wanted = self.wanted.lock();
        if wanted.take().is_none() {
            fail!(WrongOrder, "devices have been looked for already");
        }
        self.attach(devices)
    }

    /// Why there are no more devices: a line for each driver or device that could not be used.
    pub fn absent_devices(&self) -> Result<&CStr> {
        self.devices()?;
        Ok(self.absent.get().map_or(c"", CString::as_c_str))
    }

    /// The memories of the rank, those of devices after those of the host, and then what these use in place; and how much of each can be had now.
    pub fn memories(&self) -> Result<Vec<(Memory, u64)>> {
        let of_host = self.machinery.memories.iter().map(|memory| (memory.clone(), self.machinery.available(memory)));
        let of_devices = self.devices()?.into_iter().flat_map(Devices::memories).map(|(info, free)| {
            (Memory { kind: MemoryKind::Device, numa_node: info.numa, bytes: info.memory_bytes }, free)
        });
        let mut all: Vec<(Memory, u64)> = of_host.chain(of_devices).collect();
        if self.devices()?.is_some_and(Devices::any_shares) {
            let of_nodes = || all.iter().filter(|(memory, _)| memory.kind == MemoryKind::System);
            let (bytes, free) = of_nodes().fold((0, 0), |sum, (memory, free)| (sum.0 + memory.bytes, sum.1 + free));
            all.push((Memory { kind: MemoryKind::ZeroCopy, numa_node: None, bytes }, free));
        }
        Ok(all)
    }

    /// How fast a processor reaches a memory.
    pub fn affinity(&self, processor: usize, memory: usize) -> Result<Affinity> {
        let (processors, memories) = (self.machinery.processors.len(), self.machinery.memories.len());
        if processor < processors && memory < memories {
            return self.machinery.affinity(processor, memory);
        }
        let devices = self.devices()?.map_or(&[][..], |devices| &devices.list);
        self.machinery.affinity_with(devices, (processor, memory)).unwrap_or_else(|| {
            fail!(
                Bounds,
                "processor {processor} and memory {memory} of a rank with {} processors and {} memories; numbers begin at 0, as \
                 cohort_machine_processors and cohort_machine_memories give them",
                processors + devices.len(),
                self.memories()?.len()
            )
        })
    }

    /// A task can run on devices, if there are any.
    pub fn offer_devices(&self, kind: &TaskKind) -> Result<()> {
        if self.devices()?.is_some() {
            self.engine.mappers.offer_devices(&kind.mappers);
        }
        Ok(())
    }

    /// A region lost a handle, maybe its last: what the calling execution alone still holds of it is given back.
    pub fn forget_unnamed(&self) {
        let handle = match current_task() {
            0 => self.root,
            task => task,
        };
        // A thread that is in no execution leaves it to those that are.
        if let Ok(frame) = self.engine.frames.get(handle) {
            self.engine.forget_unnamed(frame);
        }
    }

    /// Says which tasks worked on copies, because data lay in another layout or memory than was asked for.
    fn tell_copies(&self) {
        self.objects.tasks.for_each(|_, kind| {
            let Copied { copies, bytes_in, bytes_out, why } = kind.asked.totals();
            if let Some(why) = why {
                let (rank, name) = (self.rank, &kind.name);
                crate::tell!("cohort: rank {rank}: task \"{name}\" worked on {copies} copies, {bytes_in} bytes in and {bytes_out} out; first: {why}");
            }
        });
        if let Some(why) = self.engine.unplaced.first() {
            crate::tell!("cohort: rank {}: data does not lie in the memories that mappers chose; first: {why}", self.rank);
        }
    }

    /// Says which tasks turned out to be worth a choice of the default mapper.
    fn tell_long_tasks(&self) {
        self.objects.tasks.for_each(|_, kind| {
            if kind.mappers.is_long() {
                crate::tell!("cohort: rank {}: tasks \"{}\" take long: the default mapper chose workers and priorities for them", self.rank, kind.name);
            }
        });
    }

    /// Says what went where of data that tasks on devices used.
    fn tell_devices(&self) {
        let [tasks, copies, indirect, copies_in, home, across, evictions, in_place, sent, received] =
            [Done::Task, Done::Copy, Done::Indirect, Done::CopyIn, Done::CopyHome, Done::CopyAcross, Done::Eviction, Done::InPlace, Done::Sent, Done::Received]
                .map(|done| self.engine.devices_did(done));
        if tasks + copies > 0 {
            crate::tell!(
                "cohort: rank {}: devices ran {tasks} tasks and {copies} copies; for tasks {copies_in} copies to devices, {home} back, {across} from one to another, {evictions} evictions, {in_place} requirements used in place; {sent} messages packed and {received} unpacked; {indirect} copies gathered or scattered",
                self.rank
            );
        }
    }

    /// Waits for the members of the last must epoch. A failure ends the wait; one can wait again.
    pub fn wait_for_members(&self) -> Result<()> {
        self.check_mpi_thread()?;
        let members = self.members.lock().clone();
        for member in &members {
            self.engine.wait(|| member.is_ready(), &member.seats, None)?;
        }
        self.engine.has_waited()?;
        self.members.lock().clear();
        let results = members.iter().map(|member| member.value(&self.engine.failures).map(drop));
        results.collect()
    }

    /// Waits until nothing is outstanding. What a failure keeps from going on fails too.
    fn settle(&self) -> Result<()> {
        let context = self.engine.context_of(self.engine.frames.get(self.root)?);
        let result = context.wait_to_end(&self.engine);
        let Err(error) = &result else { return result };
        if context.outstanding() > 0 {
            self.give_up(error.clone());
            // Tells of the same failure once more, when all is done.
            let _ = context.wait_all(&self.engine);
        }
        result
    }

    /// Every wait ends with this error from here on, and what waits does not run.
    fn give_up(&self, error: Error) {
        self.engine.give_up(error);
        self.barriers.release(&self.engine);
        self.collectives.release(&self.engine);
        self.objects.handshakes.for_each(|_, handshake| handshake.release(&self.engine));
    }

    /// Has a mapper, or none, asked for these kinds of tasks; for everything, if there are none.
    pub fn use_mapper(&self, mapper: Option<&Arc<Registered>>, kinds: &[&Arc<TaskKind>]) {
        let mappers = &self.engine.mappers;
        if kinds.is_empty() {
            mappers.use_for(mapper, std::iter::empty(), true);
            self.objects.tasks.for_each(|_, kind| mappers.use_for(mapper, std::iter::once(&kind.mappers), false));
        } else {
            mappers.use_for(mapper, kinds.iter().map(|kind| &kind.mappers), false);
        }
    }

    /// For functions of the MPI thread.
    pub fn check_mpi_thread(&self) -> Result<()> {
        if thread_token() == CALLBACK {
            fail!(WrongOrder, "called in a callback of a mapper; a mapper chooses and returns, it launches nothing and waits for nothing");
        }
        if thread_token() != self.mpi_thread {
            fail!(WrongThread, "this is not the thread that called cohort_init; call it there");
        }
        Ok(())
    }
}

/// Starts the runtime of this process alone.
pub fn init(config: Config) -> Result<u64> {
    start(config, || Ok(Arc::new(Loopback)))
}

/// Collective. Starts the runtime on every rank of a communicator, given as its Fortran handle; `caller` is the family of
/// the MPI that the program was compiled for, 0 when it did not say.
#[cfg(feature = "mpi")]
pub fn init_communicator(config: Config, communicator: i32, caller: i32) -> Result<u64> {
    start(config, || {
        let mpi = Mpi::open(communicator, caller)?;
        if mpi.level == Level::Single && mpi.rank() == 0 {
            crate::tell!(
                "cohort: MPI was started with MPI_THREAD_SINGLE, though this process has several threads; only the one that \
                 initialised the runtime will call MPI. Ask MPI_Init_thread for MPI_THREAD_FUNNELED."
            );
        }
        Ok(Arc::new(mpi))
    })
}

#[cfg(not(feature = "mpi"))]
pub fn init_communicator(_: Config, _: i32, _: i32) -> Result<u64> {
    fail!(Unsupported, "this libcohort was built without MPI; build it with MPI (COHORT_WITH_MPI=ON), or call cohort_init without a communicator")
}

fn start(config: Config, open: impl FnOnce() -> Result<Arc<dyn Transport>>) -> Result<u64> {
    if !CURRENT.load(Ordering::Acquire).is_null() {
        fail!(WrongOrder, "the runtime is running already; a process has one at a time, call cohort_finalize first");
    }
    let transport = open()?;
    // What there is no memory to keep now is kept when there is.
    memory::refill();
    expect_errors();
    let started = match start_engine(&config, transport.clone()) {
        Ok(started) => started,
        Err(error) => {
            memory::let_go();
            // The first error is the one to tell.
            let _ = transport.close();
            return Err(error);
        }
    };
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    let handle = (Kind::Runtime as u64) << 56 | SERIAL.fetch_add(1, Ordering::Relaxed);
    let runtime = Runtime {
        objects: Objects::default(),
        rank: transport.rank(),
        size: transport.size(),
        workers: started.workers,
        root: started.engine.frames.open_root().handle(),
        handle,
        mpi_thread: thread_token(),
        verbose: config.verbose.unwrap_or(false),
        gpu_aware_mpi: config.gpu_aware_mpi,
        watch: Mutex::default(),
        members: Mutex::default(),
        engine: started.engine,
        barriers: started.barriers,
        collectives: started.collectives,
        messages: started.attention.messages.clone(),
        ghosts: started.ghosts,
        attention: started.attention,
        machinery: started.machinery,
        wanted: Mutex::new(Some(wanted(&config))),
        absent: OnceLock::new(),
        mapping_file: started.mapping_file,
        transport,
    };
    let runtime = Box::into_raw(Box::new(runtime));
    CURRENT.store(runtime, Ordering::Release);
    // It lives until `finalize`, which ends the watch before.
    start_watch(unsafe { &*runtime }, config.watchdog_seconds.map(Duration::from_secs_f64));
    Ok(handle)
}

/// A thread that watches the runtime, if there is anything to watch.
fn start_watch(runtime: &'static Runtime, patience: Option<Duration>) {
    if patience.is_none() && runtime.size == 1 {
        return;
    }
    let (stop, stopped) = channel();
    match runtime.engine.scheduler.spawn("cohort-watch", move |_| Watch::new(patience).keep(runtime, &stopped)) {
        Ok(()) => *runtime.watch.lock() = Some(stop),
        Err(error) => crate::tell!("cohort: rank {}: nobody watches: {}", runtime.rank, error.text),
    }
}

/// The engine for a thread of its scheduler.
struct EngineRef(NonNull<Engine>);

unsafe impl Send for EngineRef {}
unsafe impl Sync for EngineRef {}

impl EngineRef {
    fn get(&self) -> &Engine {
        unsafe { self.0.as_ref() }
    }
}

struct Started {
    engine: Box<Engine>,
    workers: u32,
    machinery: Machinery,
    mapping_file: Option<Arc<FileMapper>>,
    attention: Arc<Attention>,
    barriers: Arc<Barriers>,
    collectives: Arc<Collectives>,
    ghosts: Arc<Ghosts>,
}

/// Collective.
fn start_engine(config: &Config, transport: Arc<dyn Transport>) -> Result<Started> {
    let placement = Placement::choose(config, &*transport)?;
    if config.verbose.unwrap_or(false) {
        crate::tell!("cohort: rank {} of {}: {placement}", transport.rank(), transport.size());
    }
    let share = !config.force_messages.unwrap_or(false);
    let memory = Arc::new(NodeMemory::open(&*transport, config.shared_bytes.unwrap_or(DEFAULT_SHARED) as usize, share)?);
    let machinery = Machinery::take_stock(&placement, &*transport, memory.clone())?;
    let fast = fast_memory::choose(&placement, config.verbose.unwrap_or(false).then(|| transport.rank()));
    let messages = Arc::new(Messages::new(transport.clone(), memory.clone()));
    let attention = Arc::new(Attention::new(memory, messages));
    let workers = placement.workers;
    let scheduler = Scheduler::new(Settings {
        workers,
        host_helps: placement.host_helps,
        spin: config.spin_microseconds.map_or(DEFAULT_SPIN, |us| Duration::from_micros(us.into())),
        stack_bytes: config.task_stack_bytes.unwrap_or(DEFAULT_STACK) as usize,
        bind: placement.binder(),
    });
    let window = config.window.unwrap_or(DEFAULT_WINDOW);
    let alone = transport.size() == 1;
    let outside = (!alone).then(|| attention.clone() as Arc<dyn Outside>);
    let setting = Setting { workers: scheduler.workers(), nodes: machinery.nodes(), fast, rank: transport.rank() };
    let mapping_file = mapping_file::read(config.mapping.as_deref(), &setting, &*transport)?;
    let mut mappers = Mappers::new(setting);
    mappers.refine_default(config.affinity, config.priorities);
    let engine = Engine::start(scheduler, mappers, window, outside)?;
    if let Some(file) = &mapping_file {
        engine.mappers.install(Registered::new("mapping file", Box::new(file.clone()), false), true);
    }
    let barriers = Arc::new(Barriers::new(attention.clone()));
    let collectives = Arc::new(Collectives::new(attention.clone()));
    let ghosts = Arc::new(Ghosts::new(attention.clone()));
    let started = Started { engine, workers, machinery, mapping_file, attention, barriers, collectives, ghosts };
    connect(&started, alone)?;
    Ok(started)
}

fn wanted(config: &Config) -> Wanted {
    Wanted {
        choice: config.devices.clone().unwrap_or_default(),
        capacity: config.device_memory,
        streams: config.device_streams,
        cache: config.cache.clone().map(Into::into),
        nvrtc: config.nvrtc.clone().map(Into::into),
    }
}

/// Leads what comes from other ranks to where it belongs.
fn connect(started: &Started, alone: bool) -> Result<()> {
    let Started { engine, attention, .. } = started;
    // The engine outlives its threads, and nobody drives messages or attends once they have ended.
    let served = || EngineRef(NonNull::from(&**engine));
    let (messages, host) = (attention.messages.clone(), served());
    // Weak, since what they hold on to holds the messages.
    let (handled, own) = (Arc::downgrade(&started.barriers), served());
    messages.on(Topic::Barrier, move |message| {
        if let Some(barriers) = handled.upgrade() {
            receive_barrier(own.get(), &barriers, &message);
        }
    });
    let (handled, own) = (Arc::downgrade(&started.collectives), served());
    messages.on(Topic::Collective, move |message| {
        if let Some(collectives) = handled.upgrade() {
            receive_collective(own.get(), &collectives, &message);
        }
    });
    let (ghosts, barriers, owner) = (Arc::downgrade(&started.ghosts), Arc::downgrade(&started.barriers), served());
    messages.on(Topic::Ghost, move |message| {
        if let (Some(ghosts), Some(barriers)) = (ghosts.upgrade(), barriers.upgrade()) {
            receive_ghost(owner.get(), &ghosts, &barriers, message);
        }
    });
    let (ghosts, owner) = (Arc::downgrade(&started.ghosts), served());
    messages.receive_cargo_at(Topic::Ghost, move |message| berth_of_ghost(owner.get(), &*ghosts.upgrade()?, message));
    let (herald, hearing) = (Arc::downgrade(&attention.herald), served());
    messages.on(Topic::Failure, move |message| {
        if let Some(herald) = herald.upgrade() {
            herald.heard(hearing.get(), &message);
        }
    });
    let herald = Arc::downgrade(&attention.herald);
    messages.on(Topic::Leave, move |message| {
        if let Some(herald) = herald.upgrade() {
            herald.heard_leave(message.from());
        }
    });
    messages.open(move || host.get().scheduler.wake_host());
    if alone {
        return Ok(());
    }
    let (attended, served) = (attention.clone(), served());
    engine.scheduler.spawn("cohort-bell", move |_| attended.attend(served.get()))?;
    if messages.needs_attendant() {
        engine.scheduler.spawn("cohort-messages", move |_| messages.attend())?;
    }
    Ok(())
}

/// Collective. Ends the runtime even if a task failed, and then says so.
pub fn finalize(handle: u64) -> Result<()> {
    let runtime = of(handle)?;
    runtime.check_mpi_thread()?;
    let (engine, frame) = context(runtime.root)?;
    engine.context_of(frame).check_mappings_closed()?;
    runtime.attention.herald.take_leave();
    let result = runtime.settle();
    if let Some(file) = runtime.mapping_file.as_ref().filter(|_| runtime.rank == 0) {
        file.unused().iter().for_each(|line| crate::tell!("cohort: {line}"));
    }
    if runtime.verbose {
        runtime.tell_copies();
        runtime.tell_long_tasks();
        runtime.tell_devices();
    }
    let drained = runtime.messages.drain();
    // From here on this process may end.
    if let Some(board) = runtime.attention.memory.board(runtime.rank) {
        board.sign_off();
    }
    let runtime = CURRENT.swap(std::ptr::null_mut(), Ordering::AcqRel);
    // Nobody else may be inside; the scheduler's threads end before what they use goes.
    let runtime = unsafe { Box::from_raw(runtime) };
    runtime.watch.lock().take();
    runtime.attention.close();
    runtime.messages.close();
    runtime.engine.leave_devices();
    runtime.engine.scheduler.stop();
    forget_operators();
    memory::let_go();
    // Giving back what the transport holds is collective.
    let closed = if runtime.messages.abandoned() { Ok(()) } else { runtime.transport.close() };
    result.and(drained).and(closed)
}
