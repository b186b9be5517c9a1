//! What mappers choose, in the numbers in which they say it, and the rules that a choice has to keep.

use super::{Answer, DevicePlace, NeedInfo, Processor, TaskInfo};
use crate::instance::Layout;
use crate::scheduler::{Wish, PRIORITIES};
use smallvec::{smallvec, SmallVec};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// No worker in particular.
pub const ANY: i32 = -1;
/// The memory in which a requirement's data lies.
pub const WHERE_IT_IS: i32 = -1;

/// What there is to choose from.
#[derive(Clone, Debug)]
pub struct Setting {
    pub workers: RangeInclusive<u32>,
    /// The NUMA nodes whose memories are numbered first.
    pub nodes: Box<[u32]>,
    /// Of these by default: those in which storage comes to lie that nobody has written, as long as they have room. None: where it is touched.
    pub fast: Arc<[u32]>,
    pub rank: u32,
}

impl Setting {
    /// The memory that was chosen, where data could lie in another.
    pub fn other_memory(&self, chosen: i32) -> Option<u32> {
        u32::try_from(chosen).ok().filter(|_| self.nodes.len() > 1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskOptions {
    /// A `Processor`; any: the default's choice.
    pub processor: i32,
    pub priority: i32,
    /// 1: the launching thread runs the task itself, before the launch returns.
    pub inline: i32,
    /// 1: the answers for this launch hold for later ones of the context that look the same.
    pub replay: i32,
    /// Which device, where the processor is one; any: the one that has most of the data.
    pub device: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedChoice {
    pub rank: i32,
    pub memory: i32,
    /// `None`: the one that the data has, or that the task asks for.
    pub layout: Option<Layout>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChoice {
    pub processor: i32,
    pub worker: i32,
    pub priority: i32,
    /// One for each requirement.
    pub needs: SmallVec<[NeedChoice; 8]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyChoice {
    pub worker: i32,
    pub priority: i32,
}

/// Points `first..first + count` of an index launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    pub first: u32,
    pub count: u32,
    pub worker: i32,
}

/// Where a member of a must epoch runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub rank: i32,
}

fn check_priority(priority: i32) -> Answer {
    let most = i32::from(PRIORITIES);
    if (-most..=most).contains(&priority) {
        return Ok(());
    }
    Err(format!("priority is {priority}; priorities are -{most} to {most}"))
}

fn check_processor(number: i32, task: &TaskInfo) -> Answer {
    if number == task.processor as i32 {
        // The launch's own, of which it is told itself if there is none.
        return Ok(());
    }
    let Some(processor) = Processor::from_number(number) else {
        return Err(format!("processor is {number}; kinds are COHORT_PROC_CPU (1), COHORT_PROC_MPI (2) and COHORT_PROC_DEVICE (3), and COHORT_PROC_ANY (0) leaves it open"));
    };
    if processor == Processor::Device && task.devices.is_empty() {
        return Err("processor is COHORT_PROC_DEVICE (3), and no device of this rank has a variant of the task".into());
    }
    if task.fixed && processor != Processor::Any && processor != task.processor {
        return Err(format!("processor is {number}, and the launch asks for {}; a mapper chooses where the launch says COHORT_PROC_ANY", task.processor as i32));
    }
    Ok(())
}

fn check_worker(worker: i32, setting: &Setting) -> Answer {
    if worker == ANY || u32::try_from(worker).is_ok_and(|worker| setting.workers.contains(&worker)) {
        return Ok(());
    }
    Err(format!("worker is {worker}; workers are {} to {}, and -1 is any", setting.workers.start(), setting.workers.end()))
}

pub(super) fn wish(priority: i32, worker: i32) -> Wish {
    // Both were checked.
    Wish::new(priority as i8, u8::try_from(worker).ok())
}

impl TaskOptions {
    pub fn default_for(task: &TaskInfo) -> Self {
        Self { processor: task.processor as i32, priority: 0, inline: 0, replay: 0, device: ANY }
    }

    fn check_device(&self, task: &TaskInfo) -> Answer {
        if self.device == ANY || self.processor != Processor::Device as i32 || task.devices.contains(&self.device) {
            return Ok(());
        }
        let able = task.devices.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
        Err(format!("device is {}; processors that are devices with a variant of the task: {able}; -1 is the one that has most of its data", self.device))
    }

    pub(super) fn check(&self, task: &TaskInfo) -> Answer {
        check_processor(self.processor, task)?;
        self.check_device(task)?;
        check_priority(self.priority)?;
        if !(0..=1).contains(&self.inline) {
            return Err(format!("run_inline is {}; 0 or 1", self.inline));
        }
        if !(0..=1).contains(&self.replay) {
            return Err(format!("replay is {}; 0 or 1", self.replay));
        }
        if self.inline == 1 && !task.can_be_inline {
            return Err("run_inline is 1; the task waits for a barrier or a handshake that the launching thread may have to reach first".into());
        }
        Ok(())
    }
}

impl NeedChoice {
    pub fn default_on(setting: &Setting) -> Self {
        Self { rank: setting.rank as i32, memory: WHERE_IT_IS, layout: None }
    }

    pub(super) fn check(&self, what: &dyn std::fmt::Display, info: &NeedInfo, setting: &Setting) -> Answer {
        if let Some(layout) = &self.layout {
            if let Some(why) = info.no_layout {
                return Err(format!("{what} is given a layout; {why}"));
            }
            layout.check().map_err(|error| format!("{what}: {}", error.text))?;
        }
        if self.rank != setting.rank as i32 {
            return Err(format!("{what} is put into memory of rank {}; this is rank {}, which has its own alone", self.rank, setting.rank));
        }
        Ok(())
    }

    /// Of what a processor of the host uses.
    pub(super) fn check_memory(&self, what: &dyn std::fmt::Display, setting: &Setting) -> Answer {
        if self.memory != WHERE_IT_IS && !usize::try_from(self.memory).is_ok_and(|memory| memory < setting.nodes.len()) {
            return Err(format!(
                "{what} is put into memory {}; processors of the host use the memories of NUMA nodes, of which this rank has {}, numbered from 0, and -1 is where the data is; what ranks share holds ghost regions alone",
                self.memory, setting.nodes.len()
            ));
        }
        Ok(())
    }
}

impl TaskChoice {
    pub fn default_for(task: &TaskInfo, wish: Wish, setting: &Setting) -> Self {
        Self {
            processor: task.processor as i32,
            worker: wish.worker().map_or(ANY, i32::from),
            priority: wish.priority.into(),
            needs: smallvec![NeedChoice::default_on(setting); task.needs.len()],
        }
    }

    /// What a mapper can say of a task whose data is about to be brought to a device.
    fn check_on(&self, device: &DevicePlace) -> Answer {
        let (processor, own) = (Processor::Device as i32, device.processor);
        if ![Processor::Any as i32, processor].contains(&self.processor) || ![ANY, own].contains(&self.worker) {
            return Err(format!("processor is {} and worker {}; the task is about to run on device {own}, and is sent elsewhere when it is launched (select_task_options)", self.processor, self.worker));
        }
        let in_place = |memory| device.in_place == Some(memory);
        let wrong = |memory| ![WHERE_IT_IS, device.memory].contains(&memory) && !in_place(memory);
        let Some((i, need)) = self.needs.iter().enumerate().find(|(_, need)| wrong(need.memory)) else { return Ok(()) };
        let other = match device.in_place {
            Some(memory) => format!("{memory} is the host's that it uses in place"),
            None => "it uses none of the host's in place".into(),
        };
        Err(format!("requirement {i} is put into memory {}; the task runs on device {own}, whose memory is {}; {other}, and -1 leaves it open", need.memory, device.memory))
    }

    pub(super) fn check(&self, task: &TaskInfo, setting: &Setting) -> Answer {
        if let Some(device) = &task.device {
            return self.check_needs(task, setting).and_then(|()| self.check_on(device));
        }
        check_processor(self.processor, task)?;
        if self.processor == Processor::Device as i32 {
            return Err("processor is COHORT_PROC_DEVICE (3) when the task is ready; a mapper sends it to a device when it is launched (select_task_options)".into());
        }
        check_worker(self.worker, setting)?;
        self.check_needs(task, setting)?;
        let each = self.needs.iter().enumerate();
        each.into_iter().try_for_each(|(i, need)| need.check_memory(&format_args!("requirement {i}"), setting))
    }

    fn check_needs(&self, task: &TaskInfo, setting: &Setting) -> Answer {
        check_priority(self.priority)?;
        if self.needs.len() != task.needs.len() {
            return Err(format!("requirement_count is {}; the task has {} requirements", self.needs.len(), task.needs.len()));
        }
        let each = self.needs.iter().zip(&task.needs).enumerate();
        each.into_iter().try_for_each(|(i, (need, info))| need.check(&format_args!("requirement {i}"), info, setting))
    }

    pub fn wish(&self) -> Wish {
        wish(self.priority, self.worker)
    }
}

impl CopyChoice {
    pub(super) fn check(&self, setting: &Setting) -> Answer {
        check_worker(self.worker, setting)?;
        check_priority(self.priority)
    }

    pub fn wish(&self) -> Wish {
        wish(self.priority, self.worker)
    }
}

/// Slices cover every point once.
pub(super) fn check_slices(slices: &[Slice], points: u32, setting: &Setting) -> Answer {
    let mut order: Vec<&Slice> = slices.iter().collect();
    order.sort_by_key(|slice| slice.first);
    let mut next = 0u64;
    for slice in order {
        let (first, count) = (u64::from(slice.first), u64::from(slice.count));
        if count == 0 {
            return Err(format!("the slice that begins at point {first} has 0 points; give each at least one"));
        }
        if first > next {
            return Err(format!("points {next} to {} are in no slice; slices cover every point once", first - 1));
        }
        if first < next {
            return Err(format!("point {first} is in two slices; slices cover every point once"));
        }
        next = first + count;
        check_worker(slice.worker, setting)?;
    }
    if next != u64::from(points) {
        return Err(format!("slices end before point {next} and the launch has {points} points; slices cover every point once"));
    }
    Ok(())
}

/// The one choice that could corrupt: a member on another rank would write another's ghost data (`must_epoch` checks the points).
pub(super) fn check_members(members: &[Member], tasks: &[TaskInfo], setting: &Setting) -> Answer {
    if members.len() != tasks.len() {
        return Err(format!("member_count is {}; this rank has {} members", members.len(), tasks.len()));
    }
    match members.iter().zip(tasks).find(|(member, _)| member.rank != setting.rank as i32) {
        Some((member, task)) => Err(format!(
            "the member that is point {} is put on rank {}; it belongs to rank {}, and would write another's ghost data there",
            task.point, member.rank, setting.rank
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::some_task as task;
    use super::*;
    use crate::region::{Access, FieldMask, IndexSpace, Privilege, RegionNode, Tree};

    fn setting() -> Setting {
        Setting { workers: 0..=3, nodes: [0, 1].into(), fast: Arc::default(), rank: 5 }
    }

    fn refused(answer: Answer, part: &str) {
        let text = answer.unwrap_err();
        assert!(text.contains(part), "{text}");
    }

    #[test]
    fn options_name_processors_and_priorities_that_exist() {
        let check = |processor, priority, inline| TaskOptions { processor, priority, inline, replay: 1, device: ANY }.check(&task());
        for good in [(0, 0, 0), (1, -7, 1), (2, 7, 0)] {
            check(good.0, good.1, good.2).unwrap();
        }
        refused(check(4, 0, 0), "processor is 4");
        refused(check(3, 0, 0), "no device of this rank has a variant");
        let for_devices = TaskInfo { devices: smallvec![4, 6], ..task() };
        let device = |device| TaskOptions { processor: 3, priority: 0, inline: 0, replay: 0, device }.check(&for_devices);
        device(ANY).and(device(6)).unwrap();
        refused(device(5), "device is 5; processors that are devices with a variant of the task: 4, 6");
        TaskOptions { processor: 1, priority: 0, inline: 0, replay: 0, device: 5 }.check(&for_devices).unwrap();
        let of_lost = TaskInfo { processor: Processor::Device, fixed: true, ..task() };
        TaskOptions::default_for(&of_lost).check(&of_lost).unwrap();
        refused(check(1, 8, 0), "priority is 8; priorities are -7 to 7");
        refused(check(1, 0, 2), "run_inline is 2");
        let fixed = TaskInfo { fixed: true, can_be_inline: false, ..task() };
        refused(TaskOptions { processor: 2, priority: 0, inline: 0, replay: 0, device: ANY }.check(&fixed), "the launch asks for 1");
        refused(TaskOptions { processor: 1, priority: 0, inline: 1, replay: 0, device: ANY }.check(&fixed), "waits for a barrier");
    }

    #[test]
    fn tasks_go_to_workers_and_memories_of_this_rank() {
        let good = TaskChoice::default_for(&task(), Wish::new(2, Some(3)), &setting());
        good.check(&task(), &setting()).unwrap();
        assert_eq!((good.worker, good.priority, good.wish()), (3, 2, Wish::new(2, Some(3))));
        refused(TaskChoice { worker: 4, ..good.clone() }.check(&task(), &setting()), "worker is 4; workers are 0 to 3");
        let for_devices = TaskInfo { devices: smallvec![4], ..task() };
        refused(TaskChoice { processor: 3, ..good.clone() }.check(&for_devices, &setting()), "when it is launched");
        refused(TaskChoice { worker: -2, ..good.clone() }.check(&task(), &setting()), "worker is -2");
        let extra = smallvec![NeedChoice { rank: 5, memory: 0, layout: None }];
        refused(TaskChoice { needs: extra, ..good }.check(&task(), &setting()), "requirement_count is 1; the task has 0");
    }

    #[test]
    fn a_task_on_a_device_has_its_data_in_the_devices_memory() {
        let root = RegionNode::root(Tree::new(IndexSpace::of_rects(1, 1, &[0], &[9]).unwrap(), Arc::default()));
        let (node, fields): (&'static RegionNode, &'static FieldMask) = (Box::leak(Box::new(root)), Box::leak(Box::default()));
        let mut task = task();
        task.needs.push(NeedInfo::new(node, fields, Access::exclusive(Privilege::ReadOnly)));
        let on_host = TaskChoice::default_for(&task, Wish::default(), &setting());
        let on_device = TaskInfo { device: Some(DevicePlace { processor: 4, memory: 3, in_place: Some(5) }), processor: Processor::Device, devices: smallvec![4], ..task };
        let there = TaskChoice { processor: 3, worker: 4, ..on_host.clone() };
        let in_memory = |choice: &TaskChoice, memory| TaskChoice { needs: smallvec![NeedChoice { rank: 5, memory, layout: None }], ..choice.clone() };
        there.check(&on_device, &setting()).unwrap();
        in_memory(&there, 3).check(&on_device, &setting()).unwrap();
        in_memory(&there, 5).check(&on_device, &setting()).unwrap();
        let no_other = TaskInfo { device: Some(DevicePlace { in_place: None, ..on_device.device.unwrap() }), needs: on_device.needs.clone(), devices: smallvec![4], ..self::task() };
        refused(in_memory(&there, 5).check(&no_other, &setting()), "requirement 0 is put into memory 5; the task runs on device 4, whose memory is 3; it uses none");
        refused(in_memory(&there, 0).check(&on_device, &setting()), "requirement 0 is put into memory 0; the task runs on device 4, whose memory is 3");
        refused(TaskChoice { processor: 1, ..there.clone() }.check(&on_device, &setting()), "processor is 1 and worker 4");
        refused(TaskChoice { worker: 5, ..there }.check(&on_device, &setting()), "worker 5");
        let on_processor = TaskInfo { device: None, processor: Processor::Cpu, ..on_device };
        in_memory(&on_host, 1).check(&on_processor, &setting()).unwrap();
        refused(in_memory(&on_host, 3).check(&on_processor, &setting()), "requirement 0 is put into memory 3; processors of the host use");
    }

    #[test]
    fn slices_cover_every_point_once() {
        let check = |slices: &[(u32, u32, i32)]| {
            let slices: Vec<Slice> = slices.iter().map(|&(first, count, worker)| Slice { first, count, worker }).collect();
            check_slices(&slices, 10, &setting())
        };
        check(&[(0, 10, ANY)]).unwrap();
        check(&[(6, 4, 1), (0, 6, 2)]).unwrap();
        refused(check(&[(0, 4, 0), (5, 5, 0)]), "points 4 to 4 are in no slice");
        refused(check(&[(0, 6, 0), (5, 5, 0)]), "point 5 is in two slices");
        refused(check(&[(0, 9, 0)]), "end before point 9 and the launch has 10");
        refused(check(&[(0, 11, 0)]), "end before point 11");
        refused(check(&[(0, u32::MAX, 0), (5, 2, 0)]), "two slices");
        refused(check(&[]), "end before point 0");
        refused(check(&[(0, 0, 0), (0, 10, 0)]), "0 points");
        refused(check(&[(0, 10, 9)]), "worker is 9");
    }

    #[test]
    fn members_stay_on_their_rank() {
        let tasks = [task(), TaskInfo { point: 11, ..task() }];
        let on = |ranks: &[i32]| check_members(&ranks.iter().map(|&rank| Member { rank }).collect::<Vec<_>>(), &tasks, &setting());
        on(&[5, 5]).unwrap();
        refused(on(&[5, 4]), "point 11 is put on rank 4; it belongs to rank 5");
        refused(on(&[5]), "member_count is 1; this rank has 2");
    }
}
