//! The program through the library's C interface, compared call by call and field by field with what is expected.

use super::gates::Watch;
use super::mapper::RandomMapper;
use super::numbers::{coherence, number};
use super::layouts::{address, random_fields, random_layout};
use super::kernel::{compute, hash_of, mix, result_of, Data, Element, Operand};
use super::program::*;
use super::registered::Reductions;
use super::rules::TASK_FAILED;
use super::sequential::{array_value, fill_value, host_value, path_of, Answer, Expected, ROOT};
use cohort::ffi::types::*;
use cohort::ffi::{barriers::*, epoch::*, futures::*, handshakes::*, inline::*, layouts::*, launches::*, mappers::cohort_mapper_refusals, partitions::*, regions::*, runtime::*, tasks::*};
use std::collections::HashMap;
use std::ffi::{c_void, CStr};
use std::ptr::{null, null_mut};
use std::sync::Mutex;

/// Kinds of leaves that ask for layouts.
const ASKING: usize = 3;
/// Bytes around the elements of an attached array, which nobody may touch.
const UNTOUCHED: u8 = 0xa5;

struct TreeHandles {
    regions: Vec<cohort_region_t>,
    partitions: Vec<cohort_partition_t>,
}

pub struct World<'p> {
    program: &'p Program,
    expected: &'p Expected,
    pub runtime: cohort_runtime_t,
    /// Where only dependences are looked at.
    pub watch: Option<Watch>,
    root: cohort_context_t,
    leaf: cohort_task_t,
    /// Leaves that ask for layouts.
    asking: [cohort_task_t; ASKING],
    inner: cohort_task_t,
    reader: cohort_task_t,
    trees: Vec<TreeHandles>,
    pub wrong: Mutex<Vec<String>>,
    found: Mutex<HashMap<(usize, u32), Vec<u8>>>,
    mapper: Option<Box<RandomMapper>>,
    reductions: Reductions,
}

/// Where launches are made: everything outside of tasks, or a running task.
pub struct Place<'w> {
    world: &'w World<'w>,
    context: cohort_context_t,
    path: u64,
    needs: &'w [Need],
    futures: HashMap<u32, cohort_future_t>,
}

/// The layout of an array of the host.
struct Array {
    tree: usize,
    fields: Vec<u32>,
    bytes: Vec<u8>,
    first: usize,
    strides: [i64; 3],
    field_stride: i64,
}

fn last_error() -> String {
    unsafe { CStr::from_ptr(cohort_last_error()) }.to_string_lossy().into_owned()
}

/// The number of calls and elements that differ from what is expected, described.
pub fn differences(program: &Program, expected: &Expected) -> Vec<String> {
    let world = World::start(program, expected);
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
    pub fn start(program: &'p Program, expected: &'p Expected) -> Box<Self> {
        let mut config = cohort_config_t {
            size: size_of::<cohort_config_t>(),
            version: COHORT_VERSION,
            workers: program.settings.workers,
            host_helps: program.settings.host_helps.into(),
            bind: 0,
            window: program.settings.window,
            spin_microseconds: program.settings.spin_microseconds,
            task_stack_bytes: 1 << 20,
            watchdog_seconds: 0.0,
            force_messages: -1,
            shared_bytes: 1 << 20,
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
            reader: cohort_task_t { id: 0 },
            trees: Vec::new(),
            wrong: Mutex::default(),
            found: Mutex::default(),
            mapper: None,
            reductions: Reductions::default(),
        });
        config.size = size_of::<cohort_config_t>();
        let user = (&raw mut *world).cast::<c_void>();
        unsafe {
            world.must("cohort_init", cohort_init_version(COHORT_VERSION, &config, &mut (*user.cast::<World>()).runtime));
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
        let trees = program.trees.iter().map(|t| world.make_tree(t)).collect();
        world.trees = trees;
        world
    }

    /// Ends the runtime; what was wrong.
    pub fn finish(self: Box<Self>) -> Vec<String> {
        let mut runtime = self.runtime;
        if let Some(mapper) = &self.mapper {
            let (mut refused, mut text) = (0, [0; 300]);
            self.must("refusals", unsafe { cohort_mapper_refusals(mapper.handle, &mut refused, text.as_mut_ptr(), text.len()) });
            let said = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy();
            // A task that never became ready in its launch is the program's doing.
            if refused != 0 && !said.contains("nothing moved") {
                self.complain(format!("{refused} choices of the mapper were refused: {said}"));
            }
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

    fn check(&self, key: (u32, u64), what: &str, got: Answer) {
        let wanted = self.expected.answers.get(&key);
        if wanted != Some(&got) {
            let text = if matches!(got, Answer::Status(s) if s != 0) { last_error() } else { String::new() };
            self.complain(format!("#{} {what}: expected {wanted:?}, got {got:?} {text}", key.0));
        }
    }

    /// The program outside of tasks is told once of every failure, also of one that a task has dealt with, by whatever wait
    /// comes next; the wait after that is its own.
    fn wait(&self, key: (u32, u64), mut call: impl FnMut() -> i32) -> i32 {
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

    fn attach_hosted(&self) -> Vec<Array> {
        let hosted = self.program.trees.iter().position(|t| t.hosted);
        hosted
            .map(|tree| {
                let fields: Vec<u32> = (0..self.program.trees[tree].kinds.len() as u32).collect();
                self.attach(tree, &fields, self.program.seed, |_, _, _| [0; 16])
            })
            .into_iter()
            .collect()
    }

    /// An array with gaps, fields before or after the dimensions, in any order of dimensions and directions.
    fn attach(&self, tree: usize, fields: &[u32], layout: u64, value: impl Fn(Kind, u32, usize) -> Element) -> Array {
        let data = &self.program.trees[tree];
        let whole = data.regions[0].bounds;
        let element = fields.iter().map(|&f| data.kinds[f as usize].bytes()).max().expect("a field") as i64;
        let choose = |of: u64, n: u64| mix(layout, of) % n;
        let mut order: Vec<usize> = (0..4).collect();
        (0..4).for_each(|i| order.swap(i, choose(i as u64, 4) as usize));
        let extents = [whole.extent(0), whole.extent(1), whole.extent(2), fields.len() as i64];
        let (mut strides, mut size) = ([0i64; 4], element + choose(9, 2) as i64 * 4);
        let mut first = 16;
        for d in order {
            strides[d] = size;
            let padded = extents[d] + choose(20 + d as u64, 2) as i64;
            if d < 3 && choose(30 + d as u64, 4) == 0 {
                first += size * (extents[d] - 1);
                strides[d] = -size;
            }
            size *= padded;
        }
        let mut array = Array {
            tree,
            fields: fields.to_vec(),
            bytes: vec![UNTOUCHED; size as usize + 32],
            first: first as usize,
            strides: [strides[0], strides[1], strides[2]],
            field_stride: strides[3],
        };
        self.write_array(&mut array, value);
        let base = unsafe { array.bytes.as_mut_ptr().add(array.first) };
        let handle = self.trees[tree].regions[0];
        let status = unsafe {
            cohort_attach(
                self.root,
                handle,
                fields.len() as u32,
                fields.as_ptr(),
                base.cast(),
                array.strides.as_ptr(),
                array.field_stride,
            )
        };
        self.must("cohort_attach", status);
        array
    }

    fn write_array(&self, array: &mut Array, value: impl Fn(Kind, u32, usize) -> Element) {
        let data = &self.program.trees[array.tree];
        let whole = data.regions[0].bounds;
        for (n, &field) in array.fields.iter().enumerate() {
            let kind = data.kinds[field as usize];
            for point in whole.points() {
                let at = array.at(&whole, n, point);
                array.bytes[at..][..kind.bytes()].copy_from_slice(&value(kind, field, whole.offset(point))[..kind.bytes()]);
            }
        }
    }

    /// The content of an array's field in Fortran order.
    fn content(&self, array: &Array, n: usize) -> Vec<u8> {
        let data = &self.program.trees[array.tree];
        let (whole, kind) = (data.regions[0].bounds, data.kinds[array.fields[n] as usize]);
        let element = |p| {
            let mut element = [0; 16];
            element[..kind.bytes()].copy_from_slice(&array.bytes[array.at(&whole, n, p)..][..kind.bytes()]);
            kind.plain(element)
        };
        whole.points().flat_map(|p| element(p)[..kind.bytes()].to_vec()).collect()
    }

    /// What lies between the elements is as it was.
    fn check_array(&self, array: &Array) {
        let data = &self.program.trees[array.tree];
        let whole = data.regions[0].bounds;
        let mut rest = array.bytes.clone();
        for (n, &field) in array.fields.iter().enumerate() {
            for point in whole.points() {
                rest[array.at(&whole, n, point)..][..data.kinds[field as usize].bytes()].fill(UNTOUCHED);
            }
        }
        if rest.iter().any(|b| *b != UNTOUCHED) {
            self.complain(format!("an array attached to tree {} was written between its elements", array.tree));
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

impl Array {
    fn at(&self, whole: &Bounds, n: usize, point: [i64; 3]) -> usize {
        let moved: i64 = (0..3).map(|d| (point[d] - whole.lo[d]) * self.strides[d]).sum();
        (self.first as i64 + moved + n as i64 * self.field_stride) as usize
    }
}

fn empty_launch(task: cohort_task_t, args: *const c_void, args_size: usize) -> cohort_launch_t {
    cohort_launch_t {
        size: size_of::<cohort_launch_t>(),
        task,
        args,
        args_size,
        processor: COHORT_PROC_ANY,
        ..unsafe { std::mem::zeroed() }
    }
}

/// What a launch waits for and arrives at besides.
#[derive(Default)]
struct Gates {
    wait_barrier: Option<cohort_phase_barrier_t>,
    arrive_barrier: Option<cohort_phase_barrier_t>,
    wait_handshake: Option<cohort_handshake_t>,
    arrive_handshake: Option<cohort_handshake_t>,
}

fn list<T>(one: &Option<T>) -> (*const T, u32) {
    one.as_ref().map_or((null(), 0), |one| (one as *const T, 1))
}

/// The requirements of a launch with what they point to.
struct Needs {
    _fields: Vec<Vec<u32>>,
    list: Vec<cohort_requirement_t>,
    cut: Vec<cohort_partition_t>,
}

impl<'w> Place<'w> {
    pub fn root(world: &'w World<'w>) -> Self {
        Self { world, context: world.root, path: ROOT, needs: &[], futures: HashMap::new() }
    }

    fn root_step(&mut self, step: &'w Step, arrays: &mut Vec<Array>) {
        let world = self.world;
        match &step.action {
            Action::Turns(rounds, ahead) => self.turns(step.id, rounds, *ahead, arrays),
            Action::Epoch(tasks) => self.epoch(step.id, tasks),
            Action::Attach { tree, fields, layout } => {
                self.wait_all(step.id);
                arrays.push(world.attach(*tree, fields, *layout, |kind, field, at| array_value(kind, step.id, field, at)));
            }
            Action::Detach { tree, fields } => {
                self.wait_all(step.id);
                let at = arrays.iter().position(|a| a.tree == *tree && &a.fields == fields).expect("attached before");
                let region = world.trees[*tree].regions[0];
                let (count, list) = (fields.len() as u32, fields.as_ptr());
                world.must("cohort_detach", unsafe { cohort_detach(world.root, region, count, list) });
                world.check_array(&arrays.remove(at));
                for &field in fields {
                    let kind = world.program.trees[*tree].kinds[field as usize];
                    let value = fill_value(kind, step.id);
                    let filled = unsafe { cohort_fill(world.root, region, 1, &field, value.as_ptr().cast(), kind.bytes()) };
                    world.must("cohort_fill after detach", filled);
                }
            }
            _ => drop(self.step(step)),
        }
    }

    fn wait_all(&mut self, id: u32) -> i32 {
        let status = self.world.wait((id, self.path), || unsafe { cohort_wait_all(self.context) });
        self.world.check((id, self.path), "wait_all", Answer::Status(status));
        status
    }

    /// Something to be mixed into what the launching task computes next.
    pub fn step(&mut self, step: &'w Step) -> u64 {
        match &step.action {
            Action::Launch(task) => {
                let gate = self.world.watch.as_ref().and_then(|watch| watch.gate(self.path, task.id));
                let status = self.launch(task, &Gates { wait_barrier: gate, ..Gates::default() });
                self.world.check((step.id, self.path), "launch", Answer::Status(status));
                status as u64
            }
            Action::Chain(tasks, waits) => {
                self.chain(tasks, *waits);
                0
            }
            Action::Fill(need) => {
                let status = self.fill(step.id, need);
                self.world.check((step.id, self.path), "fill", Answer::Status(status));
                status as u64
            }
            Action::Map(need) => {
                let status = self.map(step.id, need);
                self.world.check((step.id, self.path), "inline map", Answer::Status(status));
                status as u64
            }
            Action::WaitAll => self.wait_all(step.id) as u64,
            Action::Get(future) => self.get(step.id, *future),
            _ => unreachable!("at the root only"),
        }
    }

    fn get(&mut self, id: u32, future: u32) -> u64 {
        let Some(&handle) = self.futures.get(&future) else { return 0 };
        let length = match self.world.expected.answers.get(&(id, self.path)) {
            Some(Answer::Value(value)) => value.len(),
            _ => 1,
        };
        let mut value = vec![0u8; length];
        let status = self.world.wait((id, self.path), || unsafe { cohort_future_get(handle, value.as_mut_ptr().cast(), length) });
        let (answer, mixed) = match status {
            0 => (Answer::Value(value.clone()), hash_of(&value)),
            status => (Answer::Status(status), status as u64),
        };
        self.world.check((id, self.path), "future", answer);
        mixed
    }

    fn region_of(&self, need: u32) -> cohort_region_t {
        let number = self.needs.iter().position(|n| n.id == need).expect("the task has this requirement");
        let mut region = cohort_region_t { id: 0 };
        self.world.must("cohort_task_region", unsafe { cohort_task_region(self.context, number as u32, &mut region) });
        region
    }

    fn requirements(&self, needs: &[Need]) -> Result<Needs, i32> {
        let fields: Vec<Vec<u32>> = needs.iter().map(|n| n.fields.clone()).collect();
        let (mut list, mut cut) = (Vec::new(), Vec::new());
        for (need, fields) in needs.iter().zip(&fields) {
            let (mut region, mut partition) = (cohort_region_t { id: 0 }, cohort_partition_t { id: 0 });
            match &need.target {
                Target::Region(r) => region = self.world.trees[need.tree].regions[*r],
                Target::Partition(p) => partition = self.world.trees[need.tree].partitions[*p],
                Target::Parents(id) => region = self.region_of(*id),
                Target::ParentsBlocks(id, counts) => {
                    let whole = self.region_of(*id);
                    let status = unsafe { cohort_partition_blocks(whole, counts.as_ptr(), &mut partition) };
                    if status != 0 {
                        return Err(status);
                    }
                    cut.push(partition);
                }
            }
            let kind = self.world.program.trees[need.tree].kinds[need.fields[0] as usize];
            let (reduction, reduction_type) = match need.right {
                Right::Reduce(how) => self.world.reductions.of(how, kind),
                _ => (0, 0),
            };
            let any_order = reduction != 0 && self.world.program.settings.any_order;
            list.push(cohort_requirement_t {
                region,
                partition,
                fields: fields.as_ptr(),
                field_count: fields.len() as u32,
                privilege: number(need.right),
                coherence: coherence(need.coherence),
                reduction,
                reduction_type,
                flags: if any_order { COHORT_FOLD_ANY_ORDER } else { 0 },
                ..unsafe { std::mem::zeroed() }
            });
        }
        Ok(Needs { _fields: fields, list, cut })
    }

    /// Whether the task may ask for layouts: it may work on copies, launches nothing, and leaves what it wrote.
    fn may_ask(&self, task: &Task) -> bool {
        let restricted = task.needs.iter().any(|n| n.coherence.is_weak()) || self.path != ROOT && self.world.program.shares();
        task.leaf && task.fails.is_none() && !restricted && self.world.watch.is_none() && task.id % 2 == 0
    }

    fn launch(&mut self, task: &'w Task, gates: &Gates) -> i32 {
        let mut needs = match self.requirements(&task.needs) {
            Ok(needs) => needs,
            Err(status) => return status,
        };
        let args = arguments(task, self.path);
        let kind = if self.may_ask(task) {
            self.world.asking[task.id as usize % ASKING]
        } else if task.leaf {
            self.world.leaf
        } else {
            self.world.inner
        };
        let mut launch = empty_launch(kind, args.as_ptr().cast(), size_of_val(&*args));
        (launch.requirements, launch.requirement_count) = (needs.list.as_ptr(), needs.list.len() as u32);
        let futures: Vec<cohort_future_t> = task.futures.iter().filter_map(|f| self.futures.get(f).copied()).collect();
        (launch.futures, launch.future_count) = (futures.as_ptr(), futures.len() as u32);
        (launch.wait_barriers, launch.wait_barrier_count) = list(&gates.wait_barrier);
        (launch.arrive_barriers, launch.arrive_barrier_count) = list(&gates.arrive_barrier);
        (launch.wait_handshakes, launch.wait_handshake_count) = list(&gates.wait_handshake);
        (launch.arrive_handshakes, launch.arrive_handshake_count) = list(&gates.arrive_handshake);
        launch.processor = if task.on_host { COHORT_PROC_MPI } else { COHORT_PROC_ANY };
        let mut future = cohort_future_t { id: 0 };
        let result = if task.result { &raw mut future } else { null_mut() };
        let status = match task.points {
            None => unsafe { cohort_launch(self.context, &launch, result) },
            Some(points) => {
                let (how, element) = task.reduced.map_or((0, 0), |(how, kind)| self.world.reductions.of(how, kind));
                unsafe { cohort_index_launch(self.context, &launch, points, how, element, result) }
            }
        };
        for partition in &mut needs.cut {
            self.world.must("cohort_partition_destroy", unsafe { cohort_partition_destroy(partition) });
        }
        if status == 0 && task.result {
            self.futures.insert(task.id, future);
        }
        status
    }

    fn fill(&self, id: u32, need: &Need) -> i32 {
        let needs = self.requirements(std::slice::from_ref(need)).unwrap_or_else(|_| unreachable!("nothing is cut"));
        let kind = self.world.program.trees[need.tree].kinds[need.fields[0] as usize];
        let (value, one) = (fill_value(kind, id), &needs.list[0]);
        unsafe { cohort_fill(self.context, one.region, one.field_count, one.fields, value.as_ptr().cast(), kind.bytes()) }
    }

    /// Maps, computes as a task would, and unmaps; meanwhile what conflicts is refused.
    fn map(&self, id: u32, need: &Need) -> i32 {
        let world = self.world;
        let needs = self.requirements(std::slice::from_ref(need)).unwrap_or_else(|_| unreachable!("nothing is cut"));
        let mut mapping = cohort_mapping_t { id: 0 };
        let status = unsafe { cohort_inline_map(self.context, &needs.list[0], &mut mapping) };
        if status != 0 {
            return status;
        }
        let refused = self.fill(id, &Need { fields: vec![need.fields[0]], ..need.clone() });
        if refused != super::rules::INTERFERENCE && refused != super::rules::PRIVILEGE {
            world.complain(format!("#{id}: a fill of what is mapped gave {refused}"));
        }
        let as_task = Task::with_needs(id, vec![need.clone()]);
        let show = |_, field, right, view: &mut cohort_view_t| unsafe { cohort_inline_view(mapping, field, right, view) };
        let (operands, mut views) = look(world, &as_task, &show);
        compute(path_of(self.path, id, 0), &operands, false, &mut views);
        world.must("cohort_inline_unmap", unsafe { cohort_inline_unmap(&mut mapping) });
        status
    }

    fn chain(&mut self, tasks: &'w [Task], waits: bool) {
        let mut phase = cohort_phase_barrier_t { id: 0, phase: 0 };
        self.world.must("cohort_phase_barrier_create", unsafe { cohort_phase_barrier_create(self.world.runtime, 1, &mut phase) });
        for task in tasks {
            // A handle of phase 0 waits for nothing.
            let gates = Gates { wait_barrier: Some(phase), arrive_barrier: Some(phase), ..Gates::default() };
            let status = self.launch(task, &gates);
            self.world.check((task.id, self.path), "launch in a chain", Answer::Status(status));
            if status == 0 {
                self.world.must("advance", unsafe { cohort_phase_barrier_advance(phase, &mut phase) });
            }
        }
        if waits {
            self.world.must("cohort_phase_barrier_wait", cohort_phase_barrier_wait(self.context, phase));
        }
    }

    fn epoch(&mut self, id: u32, tasks: &'w [Task]) {
        let needs: Vec<Needs> = tasks.iter().map(|t| self.requirements(&t.needs).unwrap_or_else(|_| unreachable!())).collect();
        let args: Vec<Vec<u64>> = tasks.iter().map(|t| arguments(t, self.path)).collect();
        let launches: Vec<cohort_launch_t> = needs
            .iter()
            .zip(&args)
            .map(|(needs, args)| {
                let mut launch = empty_launch(self.world.inner, args.as_ptr().cast(), size_of_val(&**args));
                (launch.requirements, launch.requirement_count) = (needs.list.as_ptr(), needs.list.len() as u32);
                launch
            })
            .collect();
        let status = unsafe { cohort_must_epoch(self.context, launches.len() as u32, launches.as_ptr(), null()) };
        self.world.check((id, self.path), "must epoch", Answer::Status(status));
        if status == 0 {
            let waited = self.world.wait((tasks[0].id, self.path), || cohort_must_epoch_wait(self.context));
            self.world.check((tasks[0].id, self.path), "wait for members", Answer::Status(waited));
        }
    }

    fn turns(&mut self, id: u32, rounds: &'w [Vec<Task>], ahead: usize, arrays: &mut [Array]) {
        let world = self.world;
        let array = &mut arrays[0];
        let mut turn = cohort_handshake_t { id: 0 };
        world.must("handshake", unsafe { cohort_handshake_create(world.runtime, 1, 1, COHORT_SIDE_HOST, &mut turn) });
        let mut launched = 0;
        for r in 0..rounds.len() {
            while ahead > 0 && launched < rounds.len().min(r + ahead) {
                self.launch_round(&rounds[launched], turn);
                launched += 1;
            }
            world.write_array(array, |kind, field, at| host_value(kind, id, r, field as usize, at));
            world.must("cohort_handoff_to_tasks", unsafe { cohort_handoff_to_tasks(turn) });
            if launched == r {
                self.launch_round(&rounds[r], turn);
                launched += 1;
            }
            // Any failure ends the wait, which may then begin again.
            let mut status = TASK_FAILED;
            while status == TASK_FAILED {
                status = unsafe { cohort_wait_on_tasks(turn) };
            }
            world.must("cohort_wait_on_tasks", status);
            let seen: Vec<Vec<u8>> = (0..array.fields.len()).map(|n| world.content(array, n)).collect();
            if world.expected.hosted.get(&(id, r)) != Some(&seen) {
                world.complain(format!("#{id}: the host's array differs after round {r}"));
            }
        }
        world.must("cohort_handshake_destroy", unsafe { cohort_handshake_destroy(&mut turn) });
    }

    fn launch_round(&mut self, round: &'w [Task], turn: cohort_handshake_t) {
        for (n, task) in round.iter().enumerate() {
            let gates = Gates {
                wait_handshake: (n == 0).then_some(turn),
                arrive_handshake: (n + 1 == round.len()).then_some(turn),
                ..Gates::default()
            };
            let status = self.launch(task, &gates);
            self.world.check((task.id, self.path), "launch in a turn", Answer::Status(status));
        }
        self.world.must("advance", unsafe { cohort_handshake_advance(self.context, turn) });
    }

    fn drop_futures(&mut self) {
        for (_, mut future) in self.futures.drain() {
            self.world.must("cohort_future_destroy", unsafe { cohort_future_destroy(&mut future) });
        }
    }
}

/// Address of the task, path of the launch, and padding.
fn arguments(task: &Task, path: u64) -> Vec<u64> {
    let mut args = vec![&raw const *task as u64, path];
    args.extend((0..task.argument_bytes as u64 / 8).map(|i| mix(path, i)));
    args
}

/// The data of a task through its views.
struct Views<'w> {
    world: &'w World<'w>,
    views: Vec<Vec<cohort_view_t>>,
    bytes: Vec<Vec<usize>>,
}

impl Views<'_> {
    fn at(&self, need: usize, field: usize, point: [i64; 3]) -> *mut u8 {
        address(&self.views[need][field], point)
    }
}

impl Data for Views<'_> {
    fn read(&self, need: usize, field: usize, point: [i64; 3]) -> Element {
        let mut element = [0; 16];
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

unsafe extern "C" fn run_task(context: cohort_context_t, user: *mut c_void) -> i32 {
    let world = &*user.cast::<World>();
    let (mut args, mut bytes, mut point) = (null(), 0, 0);
    world.must("cohort_task_args", cohort_task_args(context, &mut args, &mut bytes));
    world.must("cohort_task_point", cohort_task_point(context, &mut point));
    let words: Vec<u64> = (0..bytes / 8).map(|i| args.cast::<u64>().add(i).read_unaligned()).collect();
    let task = &*(words[0] as *const Task);
    if words[2..].iter().enumerate().any(|(i, word)| *word != mix(words[1], i as u64)) || words.len() != 2 + task.argument_bytes / 8 {
        world.complain(format!("#{}: its arguments are not those of the launch", task.id));
    }
    let path = path_of(words[1], task.id, point);
    let mut place = Place { world, context, path, needs: &task.needs, futures: HashMap::new() };
    if let Some(watch) = &world.watch {
        watch.begin(path).into_iter().for_each(|wrong| world.complain(wrong));
        for step in &task.children {
            place.step(step);
        }
        watch.end(path);
        return 0;
    }
    let failure = task.fails.filter(|f| f.point == point);
    if failure.is_some_and(|f| !f.after) {
        return fail(world, context, task);
    }
    let mut seed = path;
    for (n, _) in task.futures.iter().enumerate() {
        let (mut value, mut length) = (null(), 0);
        if cohort_task_future(context, n as u32, &mut value, &mut length) != 0 {
            break; // Fewer than in the program: the launch of one was refused.
        }
        seed = mix(seed, hash_of(std::slice::from_raw_parts(value.cast(), length)));
    }
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
    let result = result_of(task.id, task.reduced, hash);
    world.must("cohort_task_result", cohort_task_result(context, result.as_ptr().cast(), result.len()));
    if failure.is_some() {
        return fail(world, context, task);
    }
    0
}

fn fail(world: &World, context: cohort_context_t, task: &Task) -> i32 {
    if task.id % 2 == 0 {
        return 7;
    }
    world.must("cohort_task_fail", unsafe { cohort_task_fail(context, c"on purpose".as_ptr()) });
    0
}

/// The views of all requirements; and that what was not declared is refused.
fn look<'w>(world: &'w World, task: &Task, show: &dyn Fn(u32, u32, i32, &mut cohort_view_t) -> i32) -> (Vec<Operand>, Views<'w>) {
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

unsafe extern "C" fn run_reader(context: cohort_context_t, user: *mut c_void) -> i32 {
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
