//! What the tasks of the program do when they run.

use super::execute::World;
use super::kernel::{compute, hash_of, mix, result_of, Data, Element, Operand};
use super::launches::Place;
use super::layouts::address;
use super::numbers::number;
use super::program::*;
use super::sequential::path_of;
use cohort::ffi::types::*;
use cohort::ffi::{barriers::*, futures::*, launches::cohort_wait_all, tasks::*};
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// The data of a task through its views.
pub struct Views<'w> {
    world: &'w World<'w>,
    views: Vec<Vec<cohort_view_t>>,
    bytes: Vec<Vec<usize>>,
}

impl Views<'_> {
    /// Views in buffers become views of memory.
    pub fn move_to(&mut self, base: impl Fn(usize) -> *mut u8) {
        for (need, views) in self.views.iter_mut().enumerate() {
            views.iter_mut().for_each(|view| view.base = unsafe { base(need).add(view.base as usize).cast() });
        }
    }

    fn at(&self, need: usize, field: usize, point: [i64; 3]) -> *mut u8 {
        address(&self.views[need][field], point)
    }
}

impl Data for Views<'_> {
    fn read(&self, need: usize, field: usize, point: [i64; 3]) -> Element {
        let mut element = Element::default();
        unsafe { element.as_mut_ptr().copy_from_nonoverlapping(self.at(need, field, point), self.bytes[need][field]) };
        element
    }

    fn write(&mut self, need: usize, field: usize, point: [i64; 3], value: &Element) {
        unsafe { self.at(need, field, point).copy_from_nonoverlapping(value.as_ptr(), self.bytes[need][field]) };
    }

    fn others_turn(&mut self) {
        std::thread::yield_now();
    }

    fn changed_meanwhile(&mut self) {
        self.world.complain("data of a task that holds it atomically changed under its hands".into());
    }
}

/// What a running task finds out about itself.
pub struct Launched<'w> {
    pub task: &'w Task,
    /// The path of the context that launched it.
    pub launch: u64,
    pub point: u32,
    pub path: u64,
}

/// From the arguments, which are looked at besides.
pub unsafe fn launched<'w>(world: &'w World<'w>, context: cohort_context_t) -> Launched<'w> {
    let (mut args, mut bytes, mut point) = (null(), 0, 0);
    world.must("cohort_task_args", cohort_task_args(context, &mut args, &mut bytes));
    world.must("cohort_task_point", cohort_task_point(context, &mut point));
    let words: Vec<u64> = (0..bytes / 8).map(|i| args.cast::<u64>().add(i).read_unaligned()).collect();
    let task = &*(words[0] as *const Task);
    if words != world.arguments(task, words[1]) {
        world.complain(format!("#{}: its arguments are not those of the launch", task.id));
    }
    Launched { task, launch: words[1], point, path: path_of(words[1], task.id, world.program.point_seen(task, point)) }
}

/// What a task begins with: its path and the results that it takes.
pub unsafe fn seed_of(task: &Task, context: cohort_context_t, path: u64) -> u64 {
    let mut seed = path;
    for n in 0..task.futures.len() + task.maps.len() {
        let (mut value, mut length) = (null(), 0);
        if cohort_task_future(context, n as u32, &mut value, &mut length) != 0 {
            break; // Fewer than in the program: the launch of one was refused.
        }
        seed = mix(seed, hash_of(std::slice::from_raw_parts(value.cast(), length)));
    }
    seed
}

pub unsafe extern "C" fn run_task(context: cohort_context_t, user: *mut c_void) -> i32 {
    let world = &*user.cast::<World>();
    let Launched { task, launch, point, path } = launched(world, context);
    let mut place = Place::inside(world, context, path, &task.needs);
    if let Some(watch) = &world.watch {
        watch.begin(path).into_iter().for_each(|wrong| world.complain(wrong));
        for step in &task.children {
            place.step(step);
        }
        place.drop_futures();
        let result = result_of(task, path);
        world.must("cohort_task_result", cohort_task_result(context, result.as_ptr().cast(), result.len()));
        watch.end(path);
        return 0;
    }
    if task.concurrent && !world.program.settings.fails {
        meet(world, context, (launch, task.id));
    }
    let failure = task.fails.filter(|f| f.point == point);
    if failure.is_some_and(|f| !f.after) {
        return fail(world, context, task);
    }
    let seed = seed_of(task, context, path);
    let show = |n, field, right, view: &mut cohort_view_t| cohort_view(context, n, field, right, view);
    let (operands, mut views) = look(world, task, &show);
    let mut hash = compute(seed, &operands, false, &mut views);
    for step in &task.children {
        hash = mix(hash, place.step(step));
    }
    place.drop_futures();
    if task.again {
        hash = mix(hash, cohort_wait_all(context) as u64);
        hash = compute(hash, &operands, true, &mut views);
    }
    let result = result_of(task, hash);
    world.must("cohort_task_result", cohort_task_result(context, result.as_ptr().cast(), result.len()));
    if failure.is_some() {
        return fail(world, context, task);
    }
    0
}

/// Waits for the other points, which run meanwhile.
unsafe fn meet(world: &World, context: cohort_context_t, launch: (u64, u32)) {
    let mut meeting = *world.meetings.lock().expect("no panic").get(&launch).expect("announced before the launch");
    world.must("arriving among the points", cohort_phase_barrier_arrive(meeting, 1));
    world.must("advance", cohort_phase_barrier_advance(meeting, &mut meeting));
    world.must("waiting for the other points", cohort_phase_barrier_wait(context, meeting));
}

pub fn fail(world: &World, context: cohort_context_t, task: &Task) -> i32 {
    if task.id % 2 == 0 {
        return 7;
    }
    world.must("cohort_task_fail", unsafe { cohort_task_fail(context, c"on purpose".as_ptr()) });
    0
}

/// The views of all requirements; and that what was not declared is refused.
pub fn look<'w>(world: &'w World, task: &Task, show: &dyn Fn(u32, u32, i32, &mut cohort_view_t) -> i32) -> (Vec<Operand>, Views<'w>) {
    let mut views = Views { world, views: Vec::new(), bytes: Vec::new() };
    let mut operands = Vec::new();
    for (n, need) in task.needs.iter().enumerate() {
        let kinds = &world.program.trees[need.tree].kinds;
        let mut of_need: Vec<cohort_view_t> = Vec::new();
        for &field in &need.fields {
            let mut view: cohort_view_t = unsafe { std::mem::zeroed() };
            world.must("view", show(n as u32, field, number(need.right), &mut view));
            of_need.push(view);
        }
        if need.right == Right::Read {
            let mut view: cohort_view_t = unsafe { std::mem::zeroed() };
            let status = show(n as u32, need.fields[0], COHORT_READ_WRITE, &mut view);
            if status != super::rules::PRIVILEGE {
                world.complain(format!("#{}: a view for writing of what is only read gave {status}", task.id));
            }
        }
        let mut bounds = Bounds { lo: [0; 3], hi: [0; 3] };
        let dim = of_need[0].dim as usize;
        bounds.lo[..dim].copy_from_slice(&of_need[0].lo[..dim]);
        bounds.hi[..dim].copy_from_slice(&of_need[0].hi[..dim]);
        let fields: Vec<(u32, Kind)> = need.fields.iter().map(|&f| (f, kinds[f as usize])).collect();
        views.bytes.push(fields.iter().map(|f| f.1.bytes()).collect());
        operands.push(Operand { right: need.right, takes_turns: need.coherence == Coherence::Atomic, bounds, fields });
        views.views.push(of_need);
    }
    (operands, views)
}

pub unsafe extern "C" fn run_reader(context: cohort_context_t, user: *mut c_void) -> i32 {
    let world = &*user.cast::<World>();
    let mut args = null();
    world.must("cohort_task_args", cohort_task_args(context, &mut args, null_mut()));
    let [tree, field] = args.cast::<[u32; 2]>().read_unaligned();
    let data = &world.program.trees[tree as usize];
    let mut view = std::mem::MaybeUninit::<cohort_view_t>::zeroed();
    world.must("cohort_view", cohort_view(context, 0, field, COHORT_READ_ONLY, view.as_mut_ptr()));
    let kind = data.kinds[field as usize];
    let views = Views { world, views: vec![vec![view.assume_init()]], bytes: vec![vec![kind.bytes()]] };
    let content = data.regions[0].bounds.points().flat_map(|p| kind.plain(views.read(0, 0, p))[..kind.bytes()].to_vec()).collect();
    world.found.lock().expect("no panic").insert((tree as usize, field), content);
    0
}
