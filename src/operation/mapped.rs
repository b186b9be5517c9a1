//! Where operations ask mappers: what they tell of an operation, and what becomes of the answer. Nothing here runs while a kind of
//! task has no mapper.

use super::body::{Body, Held, Wished, Work};
use super::devices::Chosen;
use super::replayed::{Asking, Place, Replays};
use super::{Engine, Frame, Launch, Launched, Processor, TaskKind};
use crate::mapping::{Chain, ContextInfo, CopyInfo, DevicePlace, NeedChoice, NeedInfo, Question, Report, Slice, TaskChoice, TaskInfo, TaskOptions};
use crate::scheduler::Wish;
use smallvec::SmallVec;
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::Ordering;

/// What makes an operation special when it is ready: bits of `Body::special`.
pub mod special {
    /// A member of a must epoch.
    pub const MEMBER: u8 = 1;
    /// It has a wish.
    pub const WISHED: u8 = 2;
    /// A mapper is asked where it runs.
    pub const OPEN: u8 = 4;
    /// The launching thread runs it.
    pub const INLINE: u8 = 8;
    /// Its launch asked for the processor that it has.
    pub const FIXED: u8 = 16;
    /// It takes reservations first.
    pub const RESERVES: u8 = 32;
    /// A device's thread enqueues it.
    pub const DEVICE: u8 = 64;
}

/// One of so many tasks is measured: a prime.
const MEASURED: u64 = 17;

thread_local! {
    /// The kind of the task that ended last on this thread: what becomes ready now waited for it.
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn need_of(held: &Held) -> NeedInfo<'_> {
    NeedInfo::new(held.node(), &held.mask, held.access)
}

/// As `need_of`, of a task that is ready: whether a mapper may choose a layout for it.
fn need_of_ready<'a>(kind: &TaskKind, body: &Body, number: usize, held: &'a Held) -> NeedInfo<'a> {
    let no_layout = if kind.asked.asks(body.on.unwrap_or(Processor::Cpu), number) {
        Some("the task asks for one itself (cohort_task_layout)")
    } else if !kind.leaf {
        Some("the task is not a leaf, and what it launches has to find the data where it lies")
    } else if held.restricted {
        Some("it is restricted to the data that others use at the same time")
    } else {
        None
    };
    NeedInfo { no_layout, ..need_of(held) }
}

/// Whether a launch that asks for `wanted` leaves mappers no processor to choose.
fn is_fixed(kind: &TaskKind, wanted: Processor) -> bool {
    wanted != Processor::Any || kind.mpi_thread
}

impl Engine {
    /// What mappers are told of a kind of task; the rest is to be said of the launch.
    fn about<'a>(&'a self, kind: &'a TaskKind) -> TaskInfo<'a> {
        let (devices, device_names) = self.devices_for(kind).unzip();
        TaskInfo {
            handle: kind.handle(),
            name: kind.c_name(),
            point: 0,
            points: 1,
            args: &[],
            processor: Processor::Cpu,
            fixed: false,
            leaf: kind.leaf,
            has_mpi_variant: kind.has_mpi_variant(),
            devices,
            device_names,
            device: None,
            can_be_inline: false,
            needs: Default::default(),
        }
    }

    /// The kind of processor that a launch which asks for `wanted` goes to on this rank.
    fn processor_for(&self, kind: &TaskKind, wanted: Processor) -> Processor {
        if wanted == Processor::Device && self.has_device_for(kind) { wanted } else { kind.place(wanted) }
    }

    /// A task is about to be launched whose kind has mappers. `body` has its requirements.
    #[cold]
    pub(super) fn ask_at_launch(&self, kind: &'static TaskKind, chain: &Chain, body: &Body, replays: &mut Replays, launch: &mut Launch) {
        let Launched::Task(_, wanted) = launch.work else { return };
        launch.device = None;
        if launch.member {
            return;
        }
        if chain.answers(Question::SelectTaskOptions) {
            let options = self.options_of(Asking::new(kind, chain, wanted, launch, body.needs()), replays, launch);
            let processor = Processor::from_number(options.processor).filter(|&chosen| chosen != Processor::Any);
            let processor = self.processor_for(kind, processor.unwrap_or(wanted));
            launch.work = Launched::Task(kind, processor);
            launch.wish = Wish::new(options.priority as i8, launch.wish.worker());
            launch.device = u32::try_from(options.device).ok();
            // What only the MPI thread runs, another cannot run by itself.
            let here = processor != Processor::Mpi || self.scheduler.my_seat() == Some(0);
            if options.inline == 1 && processor != Processor::Device && here && !kind.never_inline.load(Ordering::Relaxed) {
                launch.special |= special::INLINE;
            }
        }
        if chain.answers(Question::MapTask) {
            launch.special |= special::OPEN | if is_fixed(kind, wanted) { special::FIXED } else { 0 };
        }
    }

    /// What the mapper says of a launch, or said of one that looked the same.
    fn options_of(&self, asking: Asking, replays: &mut Replays, launch: &mut Launch) -> TaskOptions {
        let uses = self.mappers.uses();
        if let Some(known) = replays.find(&asking, uses) {
            launch.replayed = Some(known.clone());
            return known.options;
        }
        let kind = asking.kind;
        let options = asking.chain.task_options(&TaskInfo {
            point: launch.point,
            points: launch.points,
            args: launch.args,
            processor: self.processor_for(kind, asking.wanted),
            fixed: is_fixed(kind, asking.wanted),
            can_be_inline: asking.can_be_inline,
            needs: asking.needs.iter().map(need_of).collect(),
            ..self.about(kind)
        });
        if options.replay == 1 {
            launch.replayed = Some(replays.add(&asking, options, uses));
        }
        options
    }

    /// A task is ready whose mapper chooses where it runs.
    pub(super) fn ask_when_ready(&self, body: &mut Body, released: bool) {
        let Work::Task(kind) = body.work else { return };
        let Some(chain) = kind.mappers() else { return };
        if let (Some(paths), true) = (self.mappers.paths(), released) {
            paths.released(ENDED.get(), kind.handle());
        }
        match body.replayed.take() {
            Some(known) => {
                let place = known.place.get_or_init(|| self.place_of(kind, chain, body));
                // Whether a layout can be chosen may have changed since.
                let open = |(i, held)| need_of_ready(kind, body, i, held).no_layout.is_none();
                let fits = body.needs().iter().enumerate().zip(&place.wished).all(|(need, wished)| wished.layout.is_none() || open(need));
                if fits { body.put(kind, place) } else { body.put(kind, &self.place_of(kind, chain, body)) }
            }
            None => body.put(kind, &self.place_of(kind, chain, body)),
        }
    }

    /// What a task that is no leaf uses, those that it launches use where it lies, be that a device.
    fn wished(&self, kind: &TaskKind, need: &NeedChoice) -> Wished {
        let memory = self.mappers.setting.other_memory(need.memory).filter(|_| kind.leaf);
        Wished { layout: need.layout.map(|layout| self.layouts.intern(&layout)), memory }
    }

    /// Where the mapper says that a task which is ready runs.
    fn place_of(&self, kind: &'static TaskKind, chain: &Chain, body: &Body) -> Place {
        let setting = &self.mappers.setting;
        let info = TaskInfo {
            point: body.point,
            points: body.points,
            args: &body.args,
            processor: body.on.unwrap_or(Processor::Cpu),
            fixed: body.special & special::FIXED != 0,
            needs: body.needs().iter().enumerate().map(|(i, held)| need_of_ready(kind, body, i, held)).collect(),
            ..self.about(kind)
        };
        let mut choice = TaskChoice::default_for(&info, body.wish, setting);
        chain.map_task(&info, &mut choice, setting);
        Place {
            processor: Processor::from_number(choice.processor).filter(|&chosen| chosen != Processor::Any),
            wish: choice.wish(),
            wished: choice.needs.iter().map(|need| self.wished(kind, need)).collect(),
            on_device: SmallVec::new(),
        }
    }

    /// A task is ready to be enqueued on a device whose mapper is asked how: it can say where requirements lie, on the device or in place.
    #[cold]
    pub(super) fn ask_on_device(&self, kind: &'static TaskKind, body: &mut Body, device: DevicePlace) -> SmallVec<[Chosen; 4]> {
        let Some(chain) = kind.mappers() else { return SmallVec::new() };
        match body.replayed.take() {
            Some(known) => {
                let asked = || {
                    let chosen = self.ask_about_device(kind, chain, body, device);
                    Place { processor: None, wish: body.wish, wished: Default::default(), on_device: chosen }
                };
                known.place.get_or_init(asked).on_device.clone()
            }
            None => self.ask_about_device(kind, chain, body, device),
        }
    }

    fn ask_about_device(&self, kind: &'static TaskKind, chain: &Chain, body: &Body, device: DevicePlace) -> SmallVec<[Chosen; 4]> {
        let no_layout = Some("a device has a layout of its own");
        let info = TaskInfo {
            point: body.point,
            points: body.points,
            args: &body.args,
            processor: Processor::Device,
            fixed: body.special & special::FIXED != 0,
            device: Some(device),
            needs: body.needs().iter().map(|held| NeedInfo { no_layout, ..need_of(held) }).collect(),
            ..self.about(kind)
        };
        let setting = &self.mappers.setting;
        let mut choice = TaskChoice { worker: device.processor, ..TaskChoice::default_for(&info, body.wish, setting) };
        chain.map_task(&info, &mut choice, setting);
        choice.needs.iter().map(|need| Chosen::of(need.memory, &device)).collect()
    }

    /// The slices of an index launch, or none if nobody is asked.
    pub(super) fn ask_for_slices(&self, kind: &'static TaskKind, points: u32, launch: &Launch, needs: &[NeedInfo]) -> Vec<Slice> {
        let Some(chain) = kind.mappers().filter(|chain| chain.answers(Question::SliceIndexLaunch)) else { return Vec::new() };
        let Launched::Task(_, wanted) = launch.work else { return Vec::new() };
        let info = TaskInfo {
            points,
            args: launch.args,
            processor: self.processor_for(kind, wanted),
            fixed: is_fixed(kind, wanted),
            can_be_inline: launch.waits.is_empty(),
            needs: needs.iter().copied().collect(),
            ..self.about(kind)
        };
        chain.slices(&info, &self.mappers.setting)
    }

    /// What mappers wish for a copy.
    pub(super) fn ask_about_copy(&self, launch: &Launch) -> Wish {
        let Some(chain) = self.mappers.general().filter(|chain| chain.answers(Question::MapCopy)) else { return Wish::default() };
        let info = |i: usize| {
            let need: &super::Need = &launch.needs[i];
            NeedInfo::new(&need.region.node, &need.mask, need.access)
        };
        chain.map_copy(&CopyInfo { source: info(0), destination: info(1) }, &self.mappers.setting).wish()
    }

    /// Asks in which memory data is to lie that the execution maps inline, if nobody has written it yet.
    pub(super) fn ask_about_mapping(&self, frame: &Frame, need: &super::Need) -> Option<u32> {
        let (chain, context) = self.chain_of(frame).filter(|(chain, _)| chain.answers(Question::MapInline))?;
        let no_layout = Some("an inline mapping shows the data as it lies");
        let need = NeedInfo { no_layout, ..NeedInfo::new(&need.region.node, &need.mask, need.access) };
        self.mappers.setting.other_memory(chain.map_inline(&context, &need, &self.mappers.setting).memory)
    }

    /// Asks where the members of a must epoch run; they run where they have to.
    pub fn ask_about_members(&self, launches: &[Launch], first: u32) {
        let mut chains = launches.iter().filter_map(|launch| match launch.work {
            Launched::Task(kind, _) => kind.mappers(),
            _ => None,
        });
        let Some(chain) = chains.find(|chain| chain.answers(Question::MapMustEpoch)) else { return };
        let infos = (first..).zip(launches).filter_map(|(point, launch)| {
            let Launched::Task(kind, wanted) = launch.work else { return None };
            let needs = launch.needs.iter();
            Some(TaskInfo {
                point,
                points: launches.len() as u32,
                args: launch.args,
                processor: kind.place(wanted),
                fixed: true,
                needs: needs.map(|need| NeedInfo::new(&need.region.node, &need.mask, need.access)).collect(),
                ..self.about(kind)
            })
        });
        chain.map_must_epoch(&infos.collect::<Vec<_>>(), &self.mappers.setting);
    }

    /// Who is asked about a context, and what they are told of it.
    fn chain_of<'a>(&'a self, frame: &'a Frame) -> Option<(&'a Chain, ContextInfo<'a>)> {
        match frame.kind() {
            Some(kind) => Some((kind.mappers()?, ContextInfo { task: kind.handle(), name: kind.c_name() })),
            None => Some((self.mappers.general()?, ContextInfo { task: 0, name: c"" })),
        }
    }

    /// How many operations of the execution may be outstanding.
    pub(super) fn window_of(&self, frame: &Frame) -> u64 {
        self.chain_of(frame).map_or(self.window, |(chain, info)| chain.window(&info, self.window))
    }

    /// What the mapper of the execution says that a tunable is.
    pub fn tunable(&self, frame: &Frame, name: &CStr, default: i64) -> i64 {
        self.chain_of(frame).map_or(default, |(chain, info)| chain.tunable(&info, name, default))
    }

    /// When a task begins that is measured, to know whether tasks of its kind take long. Those that launch and wait are not. Its context's
    /// handle is chance enough: no pattern of launches keeps a kind away from every seventeenth.
    #[inline]
    pub(super) fn is_measured(&self, kind: &TaskKind, context: u64) -> Option<u64> {
        (self.mappers.measures() && context % MEASURED == 0 && kind.leaf && !kind.mappers.is_long()).then(now)
    }

    /// It has run.
    #[cold]
    pub(super) fn was_measured(&self, kind: &TaskKind, start: u64) {
        self.mappers.took(&kind.mappers, now() - start);
    }

    /// A task whose kind has mappers begins to run: when.
    pub(super) fn task_is_watched(&self, chain: &Chain, body: &Body) -> u64 {
        if let Some(worker) = self.scheduler.my_worker() {
            body.needs().iter().for_each(|held| held.node().touch(worker));
        }
        if chain.answers(Question::Report) { now() } else { 0 }
    }

    /// It has run.
    pub(super) fn task_was_watched(&self, kind: &TaskKind, chain: &Chain, body: &Body, start: u64) {
        if self.mappers.paths().is_some() {
            ENDED.set(kind.handle());
        }
        if start != 0 {
            chain.report(&Report {
                handle: kind.handle(),
                name: kind.c_name(),
                point: body.point,
                processor: body.on.unwrap_or(Processor::Cpu),
                worker: self.scheduler.my_worker(),
                start,
                stop: now(),
            });
        }
    }
}

/// Nanoseconds of the clock that `clock_gettime(CLOCK_MONOTONIC)` shows, so that the program's own times compare.
fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
