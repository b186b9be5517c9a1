//! The program through the library's C interface, compared call by call and field by field with what is expected.

use super::bodies::{run_reader, run_task};
use super::devices::DeviceTasks;
use super::gates::Watch;
use super::kernel::mix;
use super::launches::{empty_launch, Place};
use super::layouts::{random_fields, random_layout};
use super::mapper::RandomMapper;
use super::program::*;
use super::registered::Reductions;
use super::rules::TASK_FAILED;
use super::sequential::{Answer, Expected, ROOT};
use cohort::ffi::types::*;
use cohort::ffi::{abi::COHORT_ABI, layouts::*, launches::*, mappers::cohort_mapper_refusals, partitions::*, projections::*, regions::*, runtime::*, tasks::*};
use std::collections::HashMap;
use std::ffi::{c_void, CStr};
use std::ptr::{null, null_mut};
use std::sync::Mutex;

/// Kinds of leaves that ask for layouts.
pub const ASKING: usize = 3;
/// No less than a phase barrier takes of the memory that ranks share.
const BARRIER_BYTES: usize = 4096;

pub struct TreeHandles {
    pub regions: Vec<cohort_region_t>,
    pub partitions: Vec<cohort_partition_t>,
}

pub struct World<'p> {
    pub program: &'p Program,
    pub expected: &'p Expected,
    pub runtime: cohort_runtime_t,
    /// Where only dependences are looked at.
    pub watch: Option<Watch>,
    pub root: cohort_context_t,
    pub leaf: cohort_task_t,
    /// Leaves that ask for layouts.
    pub asking: [cohort_task_t; ASKING],
    pub inner: cohort_task_t,
    pub device_tasks: DeviceTasks,
    reader: cohort_task_t,
    pub trees: Vec<TreeHandles>,
    pub wrong: Mutex<Vec<String>>,
    pub found: Mutex<HashMap<(usize, u32), Vec<u8>>>,
    mapper: Option<Box<RandomMapper>>,
    pub reductions: Reductions,
    pub projections: [cohort_projection_t; OWN_PROJECTIONS.len()],
    /// Where the points of concurrent launches meet, by the context of the launch and its task.
    pub meetings: Mutex<HashMap<(u64, u32), cohort_phase_barrier_t>>,
}

fn last_error() -> String {
    unsafe { CStr::from_ptr(cohort_last_error()) }.to_string_lossy().into_owned()
}

/// The number of calls and elements that differ from what is expected, described.
pub fn differences(program: &Program, expected: &Expected) -> Vec<String> {
    let world = World::start(program, expected, 0);
    let mut place = Place::root(&world);
    let mut arrays = world.attach_hosted();
    for step in &program.steps {
        place.root_step(step, &mut arrays);
    }
    place.drop_futures();
    let last = world.wait((0, ROOT), || unsafe { cohort_wait_all(world.root) });
    world.check((0, ROOT), "the last wait", Answer::Status(last));
    world.read_fields();
    for array in &arrays {
        world.check_array(array);
    }
    let found = std::mem::take(&mut *world.found.lock().expect("no panic"));
    let mut wrong = world.finish();
    for (&(tree, field), content) in &expected.fields {
        let got = &found[&(tree, field)];
        let bytes = program.trees[tree].kinds[field as usize].bytes();
        let bad: Vec<usize> = (0..content.len() / bytes).filter(|i| content[i * bytes..][..bytes] != got[i * bytes..][..bytes]).collect();
        if !bad.is_empty() {
            wrong.push(format!("tree {tree} field {field}: elements {bad:?} differ"));
        }
    }
    wrong
}

impl<'p> World<'p> {
    /// `barriers`: how many there has to be room for.
    pub fn start(program: &'p Program, expected: &'p Expected, barriers: usize) -> Box<Self> {
        let config = cohort_config_t {
            size: size_of::<cohort_config_t>(),
            workers: program.settings.workers,
            host_helps: program.settings.host_helps.into(),
            bind: 0,
            window: program.settings.window,
            spin_microseconds: program.settings.spin_microseconds,
            task_stack_bytes: 1 << 20,
            watchdog_seconds: 0.0,
            force_messages: -1,
            shared_bytes: (1 << 20) + (barriers * BARRIER_BYTES) as u64,
            on_error: 0,
        };
        let mut world = Box::new(World {
            program,
            expected,
            runtime: cohort_runtime_t { id: 0 },
            watch: None,
            root: cohort_context_t { id: 0 },
            leaf: cohort_task_t { id: 0 },
            asking: [cohort_task_t { id: 0 }; ASKING],
            inner: cohort_task_t { id: 0 },
            device_tasks: DeviceTasks::default(),
            reader: cohort_task_t { id: 0 },
            trees: Vec::new(),
            wrong: Mutex::default(),
            found: Mutex::default(),
            mapper: None,
            reductions: Reductions::default(),
            projections: Default::default(),
            meetings: Mutex::default(),
        });
        let user = (&raw mut *world).cast::<c_void>();
        if let Some(devices) = &program.settings.devices {
            devices.set();
        }
        unsafe {
            world.must("cohort_init", cohort_init_version(COHORT_ABI, &config, &mut (*user.cast::<World>()).runtime));
            let (runtime, w) = (world.runtime, &mut *user.cast::<World>());
            world.must("cohort_root_context", cohort_root_context(runtime, &mut w.root));
            let register = |name: &CStr, body, flags, task: &mut cohort_task_t| {
                cohort_task_register(runtime, name.as_ptr(), Some(body), user, flags, task)
            };
            world.must("leaf", register(c"leaf", run_task, COHORT_TASK_LEAF, &mut w.leaf));
            for (i, task) in w.asking.iter_mut().enumerate() {
                world.must("asking", register(c"asking", run_task, COHORT_TASK_LEAF, task));
                for requirement in 0..4 {
                    let layout = random_layout(mix(program.seed, 8 * i as u64 + requirement));
                    let asked = cohort_task_layout(*task, COHORT_PROC_ANY, requirement as u32, &layout);
                    world.must("cohort_task_layout", asked);
                }
            }
            world.must("inner", register(c"inner", run_task, 0, &mut w.inner));
            world.must("reader", register(c"reader", run_reader, COHORT_TASK_LEAF, &mut w.reader));
        }
        if program.settings.devices.is_some() {
            world.register_device_tasks(user);
        }
        let settings = &program.settings;
        match settings.mapper.map(|seed| RandomMapper::start(world.runtime, seed, settings)) {
            Some(Ok(mapper)) => world.mapper = Some(mapper),
            Some(Err(status)) => world.must("mapper", status),
            None => {}
        }
        if settings.registered {
            match Reductions::register(world.runtime) {
                Ok(reductions) => world.reductions = reductions,
                Err(status) => world.must("reductions", status),
            }
        }
        world.register_projections();
        let trees = program.trees.iter().map(|t| world.make_tree(t)).collect();
        world.trees = trees;
        world
    }

    fn register_projections(&mut self) {
        for which in 0..OWN_PROJECTIONS.len() {
            let number = &raw mut self.projections[which];
            let registered = unsafe { cohort_projection_register(self.runtime, c"own".as_ptr(), Some(project), which as *mut c_void, number) };
            self.must("cohort_projection_register", registered);
        }
    }

    /// Ends the runtime; what was wrong.
    pub fn finish(self: Box<Self>) -> Vec<String> {
        let mut runtime = self.runtime;
        if let Some(mapper) = &self.mapper {
            let (mut refused, mut text) = (0, [0; 300]);
            self.must("refusals", unsafe { cohort_mapper_refusals(mapper.handle, &mut refused, text.as_mut_ptr(), text.len()) });
            let said = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy();
            // A task that never became ready in its launch is the program's doing, and so is one that does not go with a device or a memory.
            let excused = ["nothing moved", "it runs on a processor of the host", "in which it cannot lie"];
            if refused != 0 && !excused.iter().any(|text| said.contains(text)) {
                self.complain(format!("{refused} choices of the mapper were refused: {said}"));
            }
        }
        if self.program.settings.devices.is_some() {
            self.count_devices();
        }
        self.must("cohort_finalize", unsafe { cohort_finalize(&mut runtime) });
        self.wrong.into_inner().expect("no panic")
    }

    pub fn complain(&self, text: String) {
        self.wrong.lock().expect("no panic").push(text);
    }

    pub fn is_wrong(&self) -> bool {
        !self.wrong.lock().expect("no panic").is_empty()
    }

    pub fn must(&self, what: &str, status: i32) {
        if status != 0 {
            self.complain(format!("{what}: {}", last_error()));
        }
    }

    pub fn check(&self, key: (u32, u64), what: &str, got: Answer) {
        let wanted = self.expected.answers.get(&key);
        if wanted != Some(&got) {
            let text = if matches!(got, Answer::Status(s) if s != 0) { last_error() } else { String::new() };
            self.complain(format!("#{} {what}: expected {wanted:?}, got {got:?} {text}", key.0));
        }
    }

    /// The program outside of tasks is told once of every failure, also of one that a task has dealt with, by whatever wait
    /// comes next; the wait after that is its own.
    pub fn wait(&self, key: (u32, u64), mut call: impl FnMut() -> i32) -> i32 {
        let fails = self.expected.answers.get(&key) == Some(&Answer::Status(TASK_FAILED));
        let mut status = call();
        while key.1 == ROOT && !fails && status == TASK_FAILED {
            status = call();
        }
        status
    }

    fn make_tree(&self, tree: &Tree) -> TreeHandles {
        let whole = tree.regions[0].bounds;
        let (mut space, mut fields) = (cohort_index_space_t { id: 0 }, cohort_field_space_t { id: 0 });
        let mut root = cohort_region_t { id: 0 };
        let mut handles = TreeHandles { regions: Vec::new(), partitions: Vec::new() };
        unsafe {
            let made = cohort_index_space_create(self.runtime, tree.dim as i32, whole.lo.as_ptr(), whole.hi.as_ptr(), &mut space);
            self.must("cohort_index_space_create", made);
            self.must("cohort_field_space_create", cohort_field_space_create(self.runtime, &mut fields));
            for (wanted, kind) in tree.kinds.iter().enumerate() {
                let mut field = 0;
                self.must("cohort_field_allocate", cohort_field_allocate(fields, kind.bytes(), null(), &mut field));
                assert_eq!(field as usize, wanted);
            }
            self.must("cohort_region_create", cohort_region_create(self.runtime, space, fields, &mut root));
            let own = random_fields(self.program.seed, tree.kinds.len());
            if !own.is_empty() {
                let layout = random_layout(mix(self.program.seed, 77));
                self.must("cohort_region_layout", cohort_region_layout(root, own.len() as u32, own.as_ptr(), &layout));
            }
            if self.program.settings.devices.is_some() {
                self.put_in_place(root, &own, tree.kinds.len());
            }
            self.must("cohort_index_space_destroy", cohort_index_space_destroy(&mut space));
            self.must("cohort_field_space_destroy", cohort_field_space_destroy(&mut fields));
        }
        handles.regions.resize(tree.regions.len(), root);
        for partition in &tree.partitions {
            let made = self.make_partition(tree, partition, &handles);
            for (colour, &child) in partition.children.iter().enumerate() {
                self.must("cohort_subregion", unsafe { cohort_subregion(made, colour as u32, &mut handles.regions[child]) });
                self.check_bounds(tree, child, handles.regions[child]);
            }
            handles.partitions.push(made);
        }
        handles
    }

    fn make_partition(&self, tree: &Tree, partition: &Partition, handles: &TreeHandles) -> cohort_partition_t {
        let mut made = cohort_partition_t { id: 0 };
        let parent = handles.regions[partition.parent];
        let status = match &partition.cut {
            Cut::Blocks(counts) => unsafe { cohort_partition_blocks(parent, counts.as_ptr(), &mut made) },
            Cut::Grown(of, depth) => unsafe { cohort_partition_tiles_halo(handles.partitions[*of], depth.as_ptr(), &mut made) },
            Cut::Given => {
                let boxes = partition.children.iter().map(|&c| tree.regions[c].bounds);
                let lo: Vec<i64> = boxes.clone().flat_map(|b| b.lo[..tree.dim].to_vec()).collect();
                let hi: Vec<i64> = boxes.flat_map(|b| b.hi[..tree.dim].to_vec()).collect();
                unsafe { cohort_partition_rects(parent, partition.children.len() as u32, lo.as_ptr(), hi.as_ptr(), &mut made) }
            }
        };
        self.must("partition", status);
        made
    }

    fn check_bounds(&self, tree: &Tree, region: usize, handle: cohort_region_t) {
        let (mut dim, mut lo, mut hi) = (0, [0; 3], [0; 3]);
        self.must("cohort_region_bounds", unsafe { cohort_region_bounds(handle, &mut dim, lo.as_mut_ptr(), hi.as_mut_ptr()) });
        let wanted = tree.regions[region].bounds;
        if dim as usize != tree.dim || lo[..tree.dim] != wanted.lo[..tree.dim] || hi[..tree.dim] != wanted.hi[..tree.dim] {
            self.complain(format!("region {region} has bounds {lo:?}..{hi:?}, expected {wanted:?}"));
        }
    }

    /// Tasks that copy every field used.
    fn read_fields(&self) {
        for &(tree, field) in self.expected.fields.keys() {
            let needs = [cohort_requirement_t {
                region: self.trees[tree].regions[0],
                partition: cohort_partition_t { id: 0 },
                fields: &field,
                field_count: 1,
                privilege: COHORT_READ_ONLY,
                coherence: COHORT_EXCLUSIVE,
                ..unsafe { std::mem::zeroed() }
            }];
            let args = [tree as u32, field];
            let mut launch = empty_launch(self.reader, args.as_ptr().cast(), size_of_val(&args));
            (launch.requirements, launch.requirement_count) = (needs.as_ptr(), 1);
            self.must("reading", unsafe { cohort_launch(self.root, &launch, null_mut()) });
        }
        self.must("waiting for the readers", unsafe { cohort_wait_all(self.root) });
    }
}

/// `user` says which of the program's own.
unsafe extern "C" fn project(point: u32, points: u32, user: *mut c_void) -> i64 {
    OWN_PROJECTIONS[user as usize](point.into(), points.into())
}
