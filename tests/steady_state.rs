//! Once a program repeats itself, launching, analysing, running and completing tasks, shaking hands and copying into ghost
//! regions allocate no memory and take no lock, on any thread. Allocations are counted at the allocator; locks where all of
//! the library's are taken, in builds with debug assertions.

use cohort::base::memory::counted;
use cohort::base::sync::locks_taken;
use cohort::ffi::{abi, barriers as br, future_maps as fm, futures as fu, ghosts as gh, handshakes as hs, launches as ln, layouts as ly, mappers as mp, partitions as pt, predicates as pd, projections as pj, regions as rg, runtime as rt, tasks as tk, types::*};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

const TILES: u32 = 16;
const FIELDS: u32 = 640;
/// Steps in which nothing may be counted.
const COUNTED: usize = 60;
/// Times as many before that, at most: with several workers it is left to chance when every buffer has grown to its size.
const WARM_UP: usize = 100;

fn ok(status: i32) {
    let text = unsafe { std::ffi::CStr::from_ptr(rt::cohort_last_error()) };
    assert_eq!(status, COHORT_OK, "{}", text.to_string_lossy());
}

struct World {
    tiles: cohort_partition_t,
    tile: [cohort_region_t; TILES as usize],
    whole: cohort_region_t,
    total: cohort_region_t,
    leaf: cohort_task_t,
    giver: cohort_task_t,
    adder: cohort_task_t,
    asking: cohort_task_t,
    mapped: cohort_task_t,
    layout: cohort_layout_t,
    parent: cohort_task_t,
    handshake: cohort_handshake_t,
    ghost: cohort_region_t,
    barrier: Cell<cohort_phase_barrier_t>,
    turned: cohort_projection_t,
    yes: cohort_predicate_t,
    fields: [u32; FIELDS as usize],
}

/// Every point gets the tile two further on.
unsafe extern "C" fn turned(point: u32, _: u32, _: *mut c_void) -> i64 {
    i64::from((point + 2) % TILES)
}

unsafe extern "C" fn nothing(_: cohort_context_t, _: *mut c_void) -> i32 {
    0
}

/// Gives its point as result, and more if the launch gave it a future.
unsafe extern "C" fn give(task: cohort_context_t, _: *mut c_void) -> i32 {
    let (mut point, mut given, mut bytes) = (0, null(), 0);
    ok(tk::cohort_task_point(task, &mut point));
    let mut result = f64::from(point);
    let (mut args, mut has_future) = (null(), 0);
    ok(tk::cohort_task_args(task, &mut args, &mut has_future));
    if has_future != 0 {
        ok(fu::cohort_task_future(task, 0, &mut given, &mut bytes));
        result += *given.cast::<f64>();
    }
    ok(fu::cohort_task_result(task, (&raw const result).cast(), size_of::<f64>()));
    0
}

unsafe extern "C" fn add(task: cohort_context_t, _: *mut c_void) -> i32 {
    let mut view: cohort_view_t = std::mem::zeroed();
    ok(tk::cohort_view(task, 0, 0, COHORT_REDUCE, &mut view));
    *view.base.cast::<f64>() += 1.0;
    0
}

fn need(fields: &[u32], privilege: i32) -> cohort_requirement_t {
    let mut need: cohort_requirement_t = unsafe { std::mem::zeroed() };
    (need.fields, need.field_count, need.privilege) = (fields.as_ptr(), fields.len() as u32, privilege);
    need
}

fn launch_of(task: cohort_task_t, needs: &[cohort_requirement_t]) -> cohort_launch_t {
    let mut launch: cohort_launch_t = unsafe { std::mem::zeroed() };
    launch.size = size_of::<cohort_launch_t>();
    (launch.task, launch.requirements, launch.requirement_count) = (task, needs.as_ptr(), needs.len() as u32);
    launch
}

impl World {
    /// Fields from all over the field space, wider than a mask holds inline.
    fn scattered(&self) -> &[u32] {
        &self.fields[..]
    }

    unsafe fn singles(&self, ctx: cohort_context_t) {
        for i in 0..TILES as usize {
            let mut needs = [need(&self.fields[..1], COHORT_READ_WRITE), need(self.scattered(), COHORT_READ_ONLY)];
            (needs[0].region, needs[1].region) = (self.tile[i], self.tile[(i + 1) % TILES as usize]);
            (needs[0].fields, needs[0].field_count) = (&self.fields[639], 1);
            needs[1].field_count = 600;
            let args = [i as u64; 4];
            let mut launch = launch_of(self.leaf, &needs);
            (launch.args, launch.args_size) = (args.as_ptr().cast(), size_of_val(&args));
            ok(ln::cohort_launch(ctx, &launch, null_mut()));
        }
    }

    unsafe fn indexed(&self, ctx: cohort_context_t) {
        let mut needs = [need(&self.fields[1..3], COHORT_READ_WRITE), need(self.scattered(), COHORT_READ_ONLY)];
        (needs[0].partition, needs[1].partition) = (self.tiles, self.tiles);
        (needs[1].fields, needs[1].field_count) = (&self.fields[3], 600);
        ok(ln::cohort_index_launch(ctx, &launch_of(self.leaf, &needs), TILES, 0, 0, null_mut()));
    }

    /// Points that get sub-regions by projection.
    unsafe fn projected(&self, ctx: cohort_context_t) {
        let mut needs = [need(&self.fields[1..3], COHORT_READ_WRITE), need(self.scattered(), COHORT_READ_ONLY)];
        (needs[0].partition, needs[0].projection) = (self.tiles, self.turned);
        (needs[1].partition, needs[1].projection, needs[1].projection_offset) = (self.tiles, COHORT_PROJECTION_OFFSET, 1);
        (needs[1].fields, needs[1].field_count) = (&self.fields[3], 600);
        let mut launch = launch_of(self.leaf, &needs);
        launch.predicate = self.yes;
        ok(ln::cohort_index_launch(ctx, &launch, TILES - 1, 0, 0, null_mut()));
    }

    /// A result that is reduced, and given to a launch of one task with a result of its own.
    unsafe fn reduced_results(&self, ctx: cohort_context_t) {
        let (mut total, mut last, mut value) = (std::mem::zeroed(), std::mem::zeroed(), 0.0);
        let mut launch = launch_of(self.giver, &[]);
        ok(ln::cohort_index_launch(ctx, &launch, TILES, COHORT_SUM, COHORT_DOUBLE, &mut total));
        (launch.futures, launch.future_count, launch.predicate) = (&total, 1, self.yes);
        (launch.args, launch.args_size) = ((&raw const launch.task).cast(), 1);
        ok(ln::cohort_launch(ctx, &launch, &mut last));
        ok(fu::cohort_future_get(last, (&raw mut value).cast(), size_of::<f64>()));
        assert_eq!(value, f64::from(TILES * (TILES - 1) / 2));
        ok(fu::cohort_future_destroy(&mut total));
        ok(fu::cohort_future_destroy(&mut last));
    }

    /// A map that is given to the points of another launch, whose map is reduced.
    unsafe fn future_maps(&self, ctx: cohort_context_t) {
        let (mut first, mut second, mut total, mut value) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed(), 0.0);
        let mut launch = launch_of(self.giver, &[]);
        ok(ln::cohort_index_launch_map(ctx, &launch, TILES, &mut first));
        (launch.future_maps, launch.future_map_count, launch.predicate) = (&first, 1, self.yes);
        (launch.args, launch.args_size) = ((&raw const launch.task).cast(), 1);
        ok(ln::cohort_index_launch_map(ctx, &launch, TILES, &mut second));
        ok(fm::cohort_future_map_reduce(ctx, second, COHORT_SUM, COHORT_DOUBLE, &mut total));
        ok(fu::cohort_future_get(total, (&raw mut value).cast(), size_of::<f64>()));
        assert_eq!(value, f64::from(TILES * (TILES - 1)));
        ok(fm::cohort_future_map_destroy(&mut first));
        ok(fm::cohort_future_map_destroy(&mut second));
        ok(fu::cohort_future_destroy(&mut total));
    }

    unsafe fn reductions(&self, ctx: cohort_context_t) {
        self.reduce(ctx, 0);
    }

    unsafe fn reductions_in_any_order(&self, ctx: cohort_context_t) {
        self.reduce(ctx, COHORT_FOLD_ANY_ORDER);
    }

    unsafe fn reduce(&self, ctx: cohort_context_t, flags: u32) {
        let mut reduce = need(&self.fields[..1], COHORT_REDUCE);
        reduce.flags = flags;
        (reduce.region, reduce.reduction, reduce.reduction_type) = (self.total, COHORT_SUM, COHORT_DOUBLE);
        for _ in 0..TILES {
            ok(ln::cohort_launch(ctx, &launch_of(self.adder, &[reduce]), null_mut()));
        }
        let mut read = need(&self.fields[..1], COHORT_READ_ONLY);
        read.region = self.total;
        ok(ln::cohort_launch(ctx, &launch_of(self.leaf, &[read]), null_mut()));
    }

    /// Turns at one tile and at parts of it, by writers and readers.
    unsafe fn atomic(&self, ctx: cohort_context_t) {
        let mut needs = [need(&self.fields[..2], COHORT_READ_WRITE)];
        needs[0].coherence = COHORT_ATOMIC;
        for i in 0..TILES as usize {
            needs[0].region = if i % 4 == 0 { self.whole } else { self.tile[i % 2] };
            needs[0].privilege = if i % 3 == 0 { COHORT_READ_ONLY } else { COHORT_READ_WRITE };
            ok(ln::cohort_launch(ctx, &launch_of(self.leaf, &needs), null_mut()));
        }
        needs[0].region = self.whole;
        ok(ln::cohort_index_launch(ctx, &launch_of(self.leaf, &needs), TILES, 0, 0, null_mut()));
    }

    /// Tasks that work on copies in another layout, of different sizes.
    unsafe fn converted(&self, ctx: cohort_context_t) {
        for (i, privilege) in [COHORT_READ_ONLY, COHORT_READ_WRITE, COHORT_WRITE_DISCARD].into_iter().cycle().take(12).enumerate() {
            let mut needs = [need(&self.fields[..5], privilege), need(&self.fields[8..9], COHORT_READ_ONLY)];
            (needs[0].region, needs[1].region) = (self.tile[i], self.total);
            ok(ln::cohort_launch(ctx, &launch_of(self.asking, &needs), null_mut()));
        }
    }

    /// Launches whose mapper is not asked any more.
    unsafe fn replayed(&self, ctx: cohort_context_t) {
        let mut needs = [need(&self.fields[..2], COHORT_READ_WRITE), need(self.scattered(), COHORT_READ_ONLY)];
        (needs[0].partition, needs[1].region) = (self.tiles, self.total);
        ok(ln::cohort_index_launch(ctx, &launch_of(self.mapped, &needs), TILES, 0, 0, null_mut()));
        needs[0].partition.id = 0;
        for tile in self.tile {
            needs[0].region = tile;
            ok(ln::cohort_launch(ctx, &launch_of(self.mapped, &needs), null_mut()));
        }
    }

    unsafe fn nested(&self, ctx: cohort_context_t) {
        let mut held = [need(self.scattered(), COHORT_READ_WRITE)];
        held[0].region = self.whole;
        let mut launch = launch_of(self.parent, &held);
        let world: *const World = self;
        (launch.args, launch.args_size) = ((&raw const world).cast(), size_of::<*const World>());
        ok(ln::cohort_launch(ctx, &launch, null_mut()));
        // One parent at a time, so that the contexts of the warm-up are enough.
        ok(ln::cohort_wait_all(ctx));
    }

    unsafe fn copies(&self, ctx: cohort_context_t) {
        for _ in 0..8 {
            let mut barrier = self.barrier.get();
            let mut copy: cohort_copy_t = std::mem::zeroed();
            (copy.size, copy.source, copy.destination) = (size_of::<cohort_copy_t>(), self.total, self.ghost);
            (copy.source_fields, copy.destination_fields, copy.field_count) = (&self.fields[0], &self.fields[0], 8);
            (copy.wait_barriers, copy.wait_barrier_count) = (&barrier, 1);
            (copy.arrive_barriers, copy.arrive_barrier_count) = (&barrier, 1);
            ok(gh::cohort_copy(ctx, &copy));
            ok(br::cohort_phase_barrier_advance(barrier, &mut barrier));
            self.barrier.set(barrier);
        }
    }

    unsafe fn hands(&self, ctx: cohort_context_t) {
        let mut launch = launch_of(self.leaf, &[]);
        (launch.wait_handshakes, launch.wait_handshake_count) = (&self.handshake, 1);
        (launch.arrive_handshakes, launch.arrive_handshake_count) = (&self.handshake, 1);
        for _ in 0..4 {
            ok(ln::cohort_launch(ctx, &launch, null_mut()));
            ok(hs::cohort_handshake_advance(ctx, self.handshake));
            ok(hs::cohort_handoff_to_tasks(self.handshake));
            ok(hs::cohort_wait_on_tasks(self.handshake));
        }
    }
}

unsafe extern "C" fn options(_: *const mp::cohort_task_info_t, options: *mut mp::cohort_task_options_t, _: *mut c_void) -> i32 {
    ((*options).priority, (*options).replay) = (1, 1);
    0
}

/// In another layout.
unsafe extern "C" fn map_task(_: *const mp::cohort_task_info_t, mapping: *mut mp::cohort_task_mapping_t, layout: *mut c_void) -> i32 {
    (*(*mapping).requirements).layout = layout.cast();
    0
}

unsafe extern "C" fn parent(task: cohort_context_t, _: *mut c_void) -> i32 {
    let (mut args, mut bytes) = (null::<c_void>(), 0);
    ok(tk::cohort_task_args(task, &mut args, &mut bytes));
    let world = &**args.cast::<*const World>();
    world.singles(task);
    world.indexed(task);
    0
}

unsafe fn build(runtime: cohort_runtime_t) -> Box<World> {
    let mut world: Box<World> = Box::new(std::mem::zeroed());
    let (mut space, mut one, mut fields) = (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed());
    ok(rg::cohort_index_space_create(runtime, 1, &0, &1599, &mut space));
    ok(rg::cohort_index_space_create(runtime, 1, &0, &9, &mut one));
    ok(rg::cohort_field_space_create(runtime, &mut fields));
    ok(rg::cohort_fields_allocate(fields, 8, FIELDS, &mut world.fields[0]));
    let first = world.fields[0];
    world.fields.iter_mut().enumerate().for_each(|(i, f)| *f = first + i as u32);
    ok(rg::cohort_region_create(runtime, space, fields, &mut world.whole));
    ok(rg::cohort_region_create(runtime, one, fields, &mut world.total));
    ok(pt::cohort_partition_blocks(world.whole, &i64::from(TILES), &mut world.tiles));
    for colour in 0..TILES {
        ok(pt::cohort_subregion(world.tiles, colour, &mut world.tile[colour as usize]));
    }
    let mut ghost_fields = std::mem::zeroed();
    ok(rg::cohort_field_space_create(runtime, &mut ghost_fields));
    ok(rg::cohort_fields_allocate(ghost_fields, 8, 8, &mut 0));
    ok(gh::cohort_ghost_create(runtime, one, ghost_fields, &mut world.ghost));
    ok(br::cohort_phase_barrier_create(runtime, 1, world.barrier.as_ptr()));
    let register = |name: &std::ffi::CStr, function: cohort_task_function_t, flags: u32, task: &mut cohort_task_t| {
        ok(tk::cohort_task_register(runtime, name.as_ptr(), function, null_mut(), flags, task));
    };
    ok(pj::cohort_projection_register(runtime, c"turned".as_ptr(), Some(turned), null_mut(), &mut world.turned));
    ok(pd::cohort_predicate_constant(runtime, true, &mut world.yes));
    register(c"nothing", Some(nothing), COHORT_TASK_LEAF, &mut world.leaf);
    register(c"give", Some(give), COHORT_TASK_LEAF, &mut world.giver);
    register(c"add", Some(add), COHORT_TASK_LEAF, &mut world.adder);
    register(c"asking", Some(nothing), COHORT_TASK_LEAF, &mut world.asking);
    for (requirement, grouping) in [(0, COHORT_AOS), (1, COHORT_BLOCKED)] {
        let mut asked: cohort_layout_t = std::mem::zeroed();
        (asked.size, asked.grouping) = (size_of::<cohort_layout_t>(), grouping);
        asked.block = if grouping == COHORT_BLOCKED { 4 } else { 0 };
        ok(ly::cohort_task_layout(world.asking, COHORT_PROC_ANY, requirement, &asked));
    }
    register(c"mapped", Some(nothing), COHORT_TASK_LEAF, &mut world.mapped);
    (world.layout.size, world.layout.grouping) = (size_of::<cohort_layout_t>(), COHORT_AOS);
    let mut mapper: mp::cohort_mapper_t = std::mem::zeroed();
    mapper.size = size_of::<mp::cohort_mapper_t>();
    mapper.select_task_options = Some(options);
    mapper.map_task = Some(map_task);
    mapper.user = (&raw mut world.layout).cast();
    let mut handle = std::mem::zeroed();
    ok(mp::cohort_mapper_register(runtime, &mapper, c"replaying".as_ptr(), &mut handle));
    ok(mp::cohort_mapper_use(handle, &world.mapped, 1));
    register(c"parent", Some(parent), 0, &mut world.parent);
    ok(hs::cohort_handshake_create(runtime, 1, 1, COHORT_SIDE_HOST, &mut world.handshake));
    world
}

type Step = unsafe fn(&World, cohort_context_t);

/// Allocations, and locks where they are counted.
fn counts() -> [u64; 2] {
    [counted::allocations() as u64, locks_taken().unwrap_or(0)]
}

/// Repeats `step` until `COUNTED` repetitions in a row neither allocate nor, if `lock_free`, take a lock. Else what the last
/// ones did.
unsafe fn settle(world: &World, ctx: cohort_context_t, step: Step, lock_free: bool) -> Option<[u64; 2]> {
    let mut last = [0; 2];
    for _ in 0..WARM_UP {
        let before = counts();
        (0..COUNTED).for_each(|_| step(world, ctx));
        ok(ln::cohort_wait_all(ctx));
        let after = counts();
        last = [after[0] - before[0], after[1] - before[1]];
        if last[0] == 0 && (last[1] == 0 || !lock_free) {
            return None;
        }
    }
    Some(last)
}

#[test]
fn what_repeats_allocates_nothing_and_locks_nothing() {
    // A fold takes the lock of its region: tasks of other contexts may reduce to it at the same time. A result has a handle, and
    // making and destroying handles takes the lock of their table.
    let shapes: [(&str, Step, bool); 13] = [
        ("single launches", World::singles, true),
        ("handshakes", World::hands, true),
        ("index launches", World::indexed, true),
        ("index launches by projection and with a predicate", World::projected, true),
        ("launches whose answers are replayed", World::replayed, true),
        ("nested launches", World::nested, true),
        ("ghost copies", World::copies, true),
        ("reduced results of index launches", World::reduced_results, false),
        ("future maps", World::future_maps, false),
        ("reductions", World::reductions, false),
        ("reductions in any order", World::reductions_in_any_order, false),
        ("copies in another layout", World::converted, true),
        ("atomic launches", World::atomic, true),
    ];
    let mut found = Vec::new();
    for (workers, helps) in [(1, 1), (1, 0), (2, 1)] {
        unsafe {
            let mut config: cohort_config_t = std::mem::zeroed();
            (config.size, config.workers, config.host_helps, config.window) = (size_of::<cohort_config_t>(), workers, helps, 64);
            (config.bind, config.spin_microseconds, config.force_messages, config.on_error) = (-1, -1, -1, -1);
            config.task_stack_bytes = 1 << 20;
            let (mut runtime, mut ctx) = (std::mem::zeroed(), std::mem::zeroed());
            ok(rt::cohort_init_version(abi::COHORT_ABI, &config, &mut runtime));
            ok(rt::cohort_root_context(runtime, &mut ctx));
            let world = build(runtime);
            for (name, step, lock_free) in shapes {
                if let Some([allocations, locks]) = settle(&world, ctx, step, lock_free) {
                    found.push(format!("{name}, {workers} worker(s), host helps {helps}: {allocations} allocations, {locks} locks"));
                }
            }
            ok(rt::cohort_finalize(&mut runtime));
        }
    }
    assert!(found.is_empty(), "in {COUNTED} repeated steps: {found:#?}");
}
