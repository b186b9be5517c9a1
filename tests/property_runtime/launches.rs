//! What a context of the program launches, call by call.

use super::arrays::Array;
use super::bodies::look;
use super::execute::{World, ASKING};
use super::kernel::{compute, mix, otherwise};
use super::numbers::{coherence, number};
use super::program::*;
use super::rules::TASK_FAILED;
use super::sequential::{fill_value, host_value, path_of, Answer, ROOT};
use super::terms::Outcome;
use cohort::ffi::types::*;
use cohort::ffi::{barriers::*, epoch::*, handshakes::*, inline::*, launches::*, partitions::*, regions::*, tasks::*};
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// Where launches are made: everything outside of tasks, or a running task.
pub struct Place<'w> {
    pub world: &'w World<'w>,
    pub context: cohort_context_t,
    pub path: u64,
    needs: &'w [Need],
    pub results: HashMap<u32, Outcome>,
}

pub fn empty_launch(task: cohort_task_t, args: *const c_void, args_size: usize) -> cohort_launch_t {
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
pub struct Needs {
    _fields: Vec<Vec<u32>>,
    pub list: Vec<cohort_requirement_t>,
    cut: Vec<cohort_partition_t>,
}

impl<'w> Place<'w> {
    pub fn root(world: &'w World<'w>) -> Self {
        Self::inside(world, world.root, ROOT, &[])
    }

    pub fn inside(world: &'w World<'w>, context: cohort_context_t, path: u64, needs: &'w [Need]) -> Self {
        Self { world, context, path, needs, results: HashMap::new() }
    }

    pub fn root_step(&mut self, step: &'w Step, arrays: &mut Vec<Array>) {
        let world = self.world;
        match &step.action {
            Action::Turns(rounds, ahead) => self.turns(step.id, rounds, *ahead, arrays),
            Action::Epoch(tasks) => self.epoch(step.id, tasks),
            Action::Attach { tree, partition, fields, layout } => {
                self.wait_all(step.id);
                world.attach_all(step.id, (*tree, *partition), fields, *layout, arrays);
            }
            Action::Detach { tree, partition, fields } => {
                self.wait_all(step.id);
                world.detach_all(step.id, (*tree, *partition), fields, arrays);
            }
            _ => drop(self.step(step)),
        }
    }

    fn wait_all(&mut self, id: u32) -> i32 {
        let status = self.world.wait((id, self.path), || unsafe { cohort_wait_all(self.context) });
        self.world.check((id, self.path), "wait_all", Answer::Status(status));
        status
    }

    /// What a launch waits for where only dependences are looked at.
    pub fn gate(&self, launched: u32) -> Option<cohort_phase_barrier_t> {
        self.world.watch.as_ref().and_then(|watch| watch.gate(self.path, launched))
    }

    /// Something to be mixed into what the launching task computes next.
    pub fn step(&mut self, step: &'w Step) -> u64 {
        match &step.action {
            Action::Launch(task) => {
                let status = self.launch(task, &Gates { wait_barrier: self.gate(task.id), ..Gates::default() });
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
            Action::Copy(copy) => {
                let status = self.copy(step.id, copy);
                self.world.check((step.id, self.path), "copy", Answer::Status(status));
                status as u64
            }
            Action::Acquire(need, condition) | Action::Release(need, condition) => {
                let status = self.synchronise(step.id, (need, condition), matches!(step.action, Action::Acquire(..)));
                self.world.check((step.id, self.path), "acquire or release", Answer::Status(status));
                status as u64
            }
            Action::Total(of, operator, kind) => {
                self.total(step.id, (*of, *operator, *kind));
                0
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

    fn region_of(&self, need: u32) -> cohort_region_t {
        let number = self.needs.iter().position(|n| n.id == need).expect("the task has this requirement");
        let mut region = cohort_region_t { id: 0 };
        self.world.must("cohort_task_region", unsafe { cohort_task_region(self.context, number as u32, &mut region) });
        region
    }

    pub fn requirements(&self, needs: &[Need]) -> Result<Needs, i32> {
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
            let (projection, projection_offset) = match need.projection {
                _ if partition.id == 0 => (COHORT_PROJECTION_IDENTITY, 0),
                Projection::Identity => (COHORT_PROJECTION_IDENTITY, 0),
                Projection::Offset(by) => (COHORT_PROJECTION_OFFSET, by),
                Projection::Own(which) => (self.world.projections[which], 0),
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
                projection,
                projection_offset,
                flags: if any_order { COHORT_FOLD_ANY_ORDER } else { 0 },
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
            Err(status) => {
                // What a condition combines is found out in any case.
                drop(self.terms(task));
                return status;
            }
        };
        let args = self.world.arguments(task, self.path);
        let kind = if self.may_ask(task) && !self.world.program.has_kernel(task) {
            self.world.asking[task.id as usize % ASKING]
        } else {
            self.world.kind_of(task)
        };
        let terms = self.terms(task);
        let otherwise = task.condition.as_ref().map_or(Vec::new(), |_| otherwise(task));
        let mut launch = empty_launch(kind, args.as_ptr().cast(), size_of_val(&*args));
        (launch.requirements, launch.requirement_count) = (needs.list.as_ptr(), needs.list.len() as u32);
        (launch.futures, launch.future_count) = (terms.futures.as_ptr(), terms.futures.len() as u32);
        (launch.future_maps, launch.future_map_count) = (terms.maps.as_ptr(), terms.maps.len() as u32);
        (launch.wait_barriers, launch.wait_barrier_count) = list(&gates.wait_barrier);
        (launch.arrive_barriers, launch.arrive_barrier_count) = list(&gates.arrive_barrier);
        (launch.wait_handshakes, launch.wait_handshake_count) = list(&gates.wait_handshake);
        (launch.arrive_handshakes, launch.arrive_handshake_count) = list(&gates.arrive_handshake);
        launch.processor = match () {
            _ if task.on_host => COHORT_PROC_MPI,
            _ if self.world.asks_for_device(task) => COHORT_PROC_DEVICE,
            _ => COHORT_PROC_ANY,
        };
        launch.flags = if task.concurrent { COHORT_LAUNCH_CONCURRENT } else { 0 };
        launch.predicate = terms.predicate;
        (launch.false_result, launch.false_result_size) = (otherwise.as_ptr().cast(), otherwise.len());
        if task.concurrent {
            self.arrange_meeting(task);
        }
        let status = self.call(task, &launch);
        drop(terms);
        for partition in &mut needs.cut {
            self.world.must("cohort_partition_destroy", unsafe { cohort_partition_destroy(partition) });
        }
        status
    }

    fn call(&mut self, task: &Task, launch: &cohort_launch_t) -> i32 {
        let (mut future, mut map) = (cohort_future_t { id: 0 }, cohort_future_map_t { id: 0 });
        let result = if task.result && !task.mapped { &raw mut future } else { null_mut() };
        let status = match task.points {
            None => unsafe { cohort_launch(self.context, launch, result) },
            Some(points) if task.mapped => unsafe { cohort_index_launch_map(self.context, launch, points, &mut map) },
            Some(points) => {
                let (how, element) = task.reduced.map_or((0, 0), |(how, kind)| self.world.reductions.of(how, kind));
                unsafe { cohort_index_launch(self.context, launch, points, how, element, result) }
            }
        };
        if status == 0 && task.result {
            self.results.insert(task.id, if task.mapped { Outcome::Each(map) } else { Outcome::One(future) });
        }
        status
    }

    fn arrange_meeting(&self, task: &Task) {
        let mut meeting = cohort_phase_barrier_t { id: 0, phase: 0 };
        let points = task.points.unwrap_or(1);
        self.world.must("a meeting", unsafe { cohort_phase_barrier_create(self.world.runtime, points, &mut meeting) });
        self.world.meetings.lock().expect("no panic").insert((self.path, task.id), meeting);
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
        if let Some(watch) = &world.watch {
            let name = path_of(self.path, id, 0);
            watch.begin(name).into_iter().for_each(|wrong| world.complain(wrong));
            watch.end(name);
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
        let args: Vec<Vec<u64>> = tasks.iter().map(|t| self.world.arguments(t, self.path)).collect();
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
}

impl World<'_> {
    /// Address of the task, path of the launch, and padding, or what a kernel has to know.
    pub fn arguments(&self, task: &Task, path: u64) -> Vec<u64> {
        if self.program.has_kernel(task) {
            return self.description(task, path);
        }
        let mut args = vec![&raw const *task as u64, path];
        args.extend((0..task.argument_bytes as u64 / 8).map(|i| mix(path, i)));
        args
    }
}

