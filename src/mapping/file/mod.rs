//! A mapper that is a text file: the user of an installed program says for tasks, by patterns of their names, where and how urgently
//! they run, and answers the program's tunables (docs/guide/mapping-file.md). It is asked last, so that it has the last word.

mod glob;
mod parse;

use super::{Answer, ContextInfo, Mapper, Processor, Question, Setting, TaskChoice, TaskInfo, TaskOptions, ANY, WHERE_IT_IS};
use crate::base::{sync::Mutex, Error, Lookup, Result, Status};
use crate::scheduler::PRIORITIES;
use parse::{Choices, Device, Limits, Memory, Mistake, Place, Rule, Tunable, Which, Worker};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::ffi::CStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// More are counted, not told.
const MISTAKES_TOLD: usize = 20;

/// Something of the file, and whether anything in the program was meant by it.
struct Used<T> {
    what: T,
    used: AtomicBool,
}

impl<T> Used<T> {
    fn all(list: Vec<T>) -> Vec<Self> {
        list.into_iter().map(|what| Self { what, used: AtomicBool::new(false) }).collect()
    }
}

/// What holds for a kind of task.
struct Merged {
    choices: Choices,
    /// The devices that the file means, of those that could run the kind when one was first launched.
    devices: OnceLock<SmallVec<[i32; 4]>>,
}

pub struct FileMapper {
    path: String,
    /// Equal for files of equal content.
    pub identity: u64,
    rules: Vec<Used<Rule>>,
    tunables: Vec<Used<Tunable>>,
    answers: u32,
    workers: RangeInclusive<u32>,
    /// What all rules together say for each kind of task that was asked about: place in `merged`, from 1, by the kind's handle.
    known: Lookup,
    merged: boxcar::Vec<Merged>,
    names: Mutex<BTreeSet<String>>,
}

impl FileMapper {
    /// From the file at `path`; an error names every mistake with line and column.
    pub fn read(path: &str, setting: &Setting) -> Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => Self::from_bytes(path, &bytes, setting),
            Err(error) => crate::fail!(InvalidArgument, "COHORT_MAPPING names the mapping file \"{path}\", which cannot be read: {error}"),
        }
    }

    fn from_bytes(path: &str, bytes: &[u8], setting: &Setting) -> Result<Self> {
        let refuse = |mistakes: Vec<Mistake>| Error::new(Status::InvalidArgument, told(path, &mistakes));
        let text = std::str::from_utf8(bytes).map_err(|error| refuse(vec![no_text(&bytes[..error.valid_up_to()])]))?;
        let priorities = -i32::from(PRIORITIES)..=i32::from(PRIORITIES);
        let limits = Limits { workers: setting.workers.clone(), memories: setting.nodes.len() as u32, priorities };
        let rules = parse::parse(text, &limits).map_err(refuse)?;
        let says = |what: fn(&Choices) -> bool| rules.tasks.iter().any(|rule| what(&rule.choices));
        let asked = [
            // For every task, so that patterns that match none are found.
            (Question::SelectTaskOptions, !rules.tasks.is_empty()),
            (Question::MapTask, says(|choices| choices.worker.is_some() || choices.memory.is_some())),
            (Question::ConfigureContext, says(|choices| choices.window.is_some())),
            (Question::SelectTunable, !rules.tunables.is_empty()),
        ];
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Ok(Self {
            path: path.into(),
            identity: hasher.finish(),
            answers: asked.into_iter().filter(|&(_, wanted)| wanted).fold(0, |all, (question, _)| all | question as u32),
            rules: Used::all(rules.tasks),
            tunables: Used::all(rules.tunables),
            workers: setting.workers.clone(),
            known: Lookup::default(),
            merged: boxcar::Vec::new(),
            names: Mutex::default(),
        })
    }

    /// What holds for a kind of task.
    fn merged(&self, handle: u64, name: &CStr) -> &Merged {
        let place = self.known.get(handle).unwrap_or_else(|| {
            let made = self.known.get_or_insert(handle, || Ok::<_, std::convert::Infallible>(self.merge(name) as u64 + 1));
            made.unwrap_or_else(|never| match never {})
        });
        &self.merged[place as usize - 1]
    }

    fn choices(&self, handle: u64, name: &CStr) -> &Choices {
        &self.merged(handle, name).choices
    }

    /// The device that the file says. One of several: equal runs of the points over all of them.
    fn device(&self, task: &TaskInfo, meant: &OnceLock<SmallVec<[i32; 4]>>, Device { which, place }: &Device) -> std::result::Result<i32, String> {
        let named = || task.devices.iter().zip(&task.device_names).map(|(&number, name)| (number, name.to_string_lossy()));
        let is_meant = |number: i32, name: &str| match which {
            Which::Any => false,
            Which::Number(wanted) => u32::try_from(number) == Ok(*wanted),
            Which::Named(pattern) => glob::matches(pattern, name),
        };
        if *which == Which::Any {
            return Ok(ANY);
        }
        let meant = meant.get_or_init(|| named().filter(|(number, name)| is_meant(*number, name)).map(|(number, _)| number).collect());
        let there: SmallVec<[i32; 4]> = meant.iter().copied().filter(|number| task.devices.contains(number)).collect();
        if there.is_empty() {
            let all: Vec<String> = named().map(|(number, name)| format!("{number} \"{name}\"")).collect();
            return Err(format!("{}:{place}: none of the devices that can run it is meant: {}", self.path, all.join(", ")));
        }
        Ok(there[run_of(task, there.len())])
    }

    #[cold]
    fn merge(&self, name: &CStr) -> usize {
        let name = name.to_string_lossy();
        let mut all = Choices::default();
        for Used { what, used } in self.rules.iter().filter(|rule| glob::matches(&rule.what.pattern, &name)) {
            used.store(true, Ordering::Relaxed);
            let later = what.choices.clone();
            all = Choices {
                processor: later.processor.or(all.processor),
                device: later.device.or(all.device),
                worker: later.worker.or(all.worker),
                memory: later.memory.or(all.memory),
                priority: later.priority.or(all.priority),
                inline: later.inline.or(all.inline),
                replay: later.replay.or(all.replay),
                window: later.window.or(all.window),
            };
        }
        if !name.is_empty() {
            self.names.lock().insert(name.into());
        }
        self.merged.push(Merged { choices: all, devices: OnceLock::new() })
    }

    /// Where a point goes whose launch is spread: equal runs of points over all workers.
    fn spread(&self, task: &TaskInfo) -> i32 {
        let workers = (self.workers.end() - self.workers.start() + 1) as usize;
        // Below their number.
        *self.workers.start() as i32 + run_of(task, workers) as i32
    }

    /// What the file says of nothing that the program has, a line each.
    pub fn unused(&self) -> Vec<String> {
        let names: Vec<String> = self.names.lock().iter().map(|name| format!("\"{name}\"")).collect();
        let names = if names.is_empty() { "nothing was launched".into() } else { format!("tasks were {}", names.join(", ")) };
        let at = |place: Place| format!("{}:{place}", self.path);
        let never = |used: &AtomicBool| !used.load(Ordering::Relaxed);
        let rules = self.rules.iter().filter(|rule| never(&rule.used)).map(|Used { what, .. }| {
            format!("{}: no task was launched that matches \"{}\"; {names}", at(what.place), what.pattern)
        });
        let tunables = self.tunables.iter().filter(|tunable| never(&tunable.used)).map(|Used { what, .. }| {
            format!("{}: the program asked for no tunable \"{}\"", at(what.place), what.name)
        });
        rules.chain(tunables).collect()
    }
}

/// Which of so many equal runs of a launch's points the task belongs to.
fn run_of(task: &TaskInfo, runs: usize) -> usize {
    (u64::from(task.point) * runs as u64 / u64::from(task.points.max(1))) as usize
}

fn told(path: &str, mistakes: &[Mistake]) -> String {
    let mut lines: Vec<String> =
        mistakes.iter().take(MISTAKES_TOLD).map(|mistake| format!("{path}:{}: {}", mistake.place, mistake.text)).collect();
    if mistakes.len() > MISTAKES_TOLD {
        lines.push(format!("and {} more mistakes", mistakes.len() - MISTAKES_TOLD));
    }
    lines.join("\n")
}

/// The mistake after the part of a file that is text.
fn no_text(before: &[u8]) -> Mistake {
    let before = String::from_utf8_lossy(before);
    let last = before.rsplit('\n').next().unwrap_or_default();
    let place = Place { line: before.matches('\n').count() + 1, column: last.chars().count() + 1 };
    Mistake { place, text: "this is not UTF-8; a mapping file is text".into() }
}

impl Mapper for Arc<FileMapper> {
    fn answers(&self) -> u32 {
        self.answers
    }

    /// A launch that names its processor, and a task that must not run inline, keep to that.
    fn select_task_options(&self, task: &TaskInfo, options: &mut TaskOptions) -> Answer {
        let Merged { choices, devices } = self.merged(task.handle, task.name);
        let device = choices.device.as_ref().filter(|_| !task.devices.is_empty());
        let kind = choices.processor.or(device.map(|_| Processor::Device));
        if let Some(processor) = kind.filter(|&kind| !task.fixed && kind != Processor::Any) {
            options.processor = processor as i32;
        }
        if let Some(device) = device.filter(|_| options.processor == Processor::Device as i32) {
            options.device = self.device(task, devices, device)?;
        }
        options.priority = choices.priority.unwrap_or(options.priority);
        if let Some(inline) = choices.inline {
            options.inline = i32::from(inline && task.can_be_inline);
        }
        options.replay = choices.replay.map_or(options.replay, i32::from);
        Ok(())
    }

    fn map_task(&self, task: &TaskInfo, choice: &mut TaskChoice) -> Answer {
        let choices = self.choices(task.handle, task.name);
        if let Some(device) = &task.device {
            let memory = match choices.memory {
                None | Some(Memory::Number(_)) => return Ok(()),
                Some(Memory::Any) => WHERE_IT_IS,
                Some(Memory::Device) => device.memory,
                Some(Memory::ZeroCopy) => match device.in_place {
                    Some(memory) => memory,
                    None => return Err("memory is zero-copy; the task's device uses none of the host's memory in place".into()),
                },
            };
            choice.needs.iter_mut().for_each(|need| need.memory = memory);
            return Ok(());
        }
        match choices.worker {
            Some(Worker::Number(number)) => choice.worker = number as i32,
            Some(Worker::Spread) => choice.worker = self.spread(task),
            Some(Worker::Any) => choice.worker = ANY,
            None => {}
        }
        let memory = match choices.memory {
            Some(Memory::Any) => WHERE_IT_IS,
            Some(Memory::Number(number)) => number as i32,
            _ => return Ok(()),
        };
        choice.needs.iter_mut().for_each(|need| need.memory = memory);
        Ok(())
    }

    fn select_tunable(&self, _: &ContextInfo, name: &CStr, value: &mut i64) -> Answer {
        if let Some(found) = self.tunables.iter().find(|tunable| tunable.what.name.as_bytes() == name.to_bytes()) {
            found.used.store(true, Ordering::Relaxed);
            *value = found.what.value;
        }
        Ok(())
    }

    fn configure_context(&self, context: &ContextInfo, window: &mut i64) -> Answer {
        *window = self.choices(context.task, context.name).window.unwrap_or(*window);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::some_task;
    use super::super::{DevicePlace, NeedChoice};
    use super::*;

    fn mapper(text: &str) -> Result<Arc<FileMapper>> {
        FileMapper::from_bytes("some.map", text.as_bytes(), &Setting { workers: 0..=3, nodes: [0, 1].into(), fast: Arc::default(), rank: 0 }).map(Arc::new)
    }

    fn task(name: &'static CStr, handle: u64) -> TaskInfo<'static> {
        TaskInfo { handle, name, ..some_task() }
    }

    fn all_options(mapper: &Arc<FileMapper>, task: &TaskInfo) -> TaskOptions {
        let mut options = TaskOptions::default_for(task);
        mapper.select_task_options(task, &mut options).unwrap();
        options
    }

    fn options(mapper: &Arc<FileMapper>, task: &TaskInfo) -> (i32, i32, i32) {
        let options = all_options(mapper, task);
        (options.processor, options.priority, options.inline)
    }

    #[test]
    fn later_sections_win_where_they_say_something() {
        let mapper = mapper("[task *]\npriority = -2\nprocessor = mpi\n[task fl*]\npriority = 5\n[task flux]\ninline = yes\n").unwrap();
        assert_eq!(options(&mapper, &task(c"other", 1)), (2, -2, 0));
        assert_eq!(options(&mapper, &task(c"flow", 2)), (2, 5, 0));
        assert_eq!(options(&mapper, &task(c"flux", 3)), (2, 5, 1));
        assert_eq!(options(&mapper, &task(c"flux", 3)), (2, 5, 1), "and again");
        let fixed = TaskInfo { fixed: true, can_be_inline: false, ..task(c"flux", 3) };
        assert_eq!(options(&mapper, &fixed), (1, 5, 0), "what the launch fixes stays");
        assert_eq!(mapper.answers, Question::SelectTaskOptions as u32);
    }

    #[test]
    fn devices_go_by_number_or_name() {
        let file = mapper("[task a]\ndevice = 5\n[task b]\ndevice = *H100*\n[task c]\ndevice = *\nprocessor = cpu\n[task d]\ndevice = any\n[task e]\ndevice = V100\n").unwrap();
        let on = |task: TaskInfo<'static>| TaskInfo {
            devices: [4, 5, 6].into_iter().collect(),
            device_names: [c"H100 80GB", c"A100", c"H100"].into_iter().collect(),
            ..task
        };
        let chosen = |task: TaskInfo<'static>| {
            let options = all_options(&file, &on(task));
            (options.processor, options.device)
        };
        assert_eq!(chosen(task(c"a", 1)), (3, 5));
        let points: Vec<_> = (0..4).map(|point| chosen(TaskInfo { point, points: 4, ..task(c"b", 2) })).collect();
        assert_eq!(points, [(3, 4), (3, 4), (3, 6), (3, 6)]);
        assert_eq!(chosen(task(c"c", 3)), (1, ANY));
        assert_eq!(chosen(task(c"d", 4)), (3, ANY));
        assert_eq!(chosen(TaskInfo { fixed: true, ..task(c"a", 1) }), (1, ANY), "the launch asks for a processor of the host");
        assert_eq!(all_options(&file, &task(c"e", 5)).processor, 1, "no device can run it");
        let wrong = on(task(c"e", 5));
        let text = file.select_task_options(&wrong, &mut TaskOptions::default_for(&wrong)).unwrap_err();
        assert_eq!(text, "some.map:11:10: none of the devices that can run it is meant: 4 \"H100 80GB\", 5 \"A100\", 6 \"H100\"");
    }

    #[test]
    fn answers_are_replayed_where_the_file_says_so() {
        let mapper = mapper("[task a]\nreplay = yes\n[task b]\nreplay = no\n").unwrap();
        assert_eq!([all_options(&mapper, &task(c"a", 1)).replay, all_options(&mapper, &task(c"b", 2)).replay], [1, 0]);
    }

    #[test]
    fn points_are_spread_and_requirements_placed() {
        let mapper = mapper("[task a]\nworker = spread\nmemory = 1\n[task b]\nworker = 2\n").unwrap();
        let chosen = |task: &TaskInfo| {
            let mut choice = TaskChoice { processor: 1, worker: ANY, priority: 3, needs: Default::default() };
            mapper.map_task(task, &mut choice).unwrap();
            choice.worker
        };
        let workers: Vec<i32> = (0..8).map(|point| chosen(&TaskInfo { point, points: 8, ..task(c"a", 1) })).collect();
        assert_eq!(workers, [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!((chosen(&task(c"b", 2)), chosen(&task(c"c", 3))), (2, ANY));
    }

    #[test]
    fn requirements_of_tasks_on_devices_lie_there_or_are_used_in_place() {
        let mapper = mapper("[task a]\nmemory = zero-copy\n[task b]\nmemory = device\n[task c]\nmemory = 1\n[task d]\nmemory = any\n").unwrap();
        let need = NeedChoice { rank: 0, memory: 9, layout: None };
        let memory = |name, handle, device| {
            let mut choice = TaskChoice { processor: 3, worker: 4, priority: 0, needs: [need.clone()].into_iter().collect() };
            mapper.map_task(&TaskInfo { device, ..task(name, handle) }, &mut choice).map(|()| choice.needs[0].memory)
        };
        let device = Some(DevicePlace { processor: 4, memory: 2, in_place: Some(3) });
        assert_eq!([memory(c"a", 1, device), memory(c"b", 2, device), memory(c"c", 3, device), memory(c"d", 4, device)], [3, 2, 9, WHERE_IT_IS].map(Ok));
        assert_eq!([memory(c"a", 1, None), memory(c"b", 2, None), memory(c"c", 3, None), memory(c"d", 4, None)], [9, 9, 1, WHERE_IT_IS].map(Ok));
        let without = Some(DevicePlace { processor: 4, memory: 2, in_place: None });
        assert!(memory(c"a", 1, without).unwrap_err().contains("in place"));
    }

    #[test]
    fn tunables_and_windows_come_from_the_file() {
        let mapper = mapper("[tunables]\ntile = 8\n[task main]\nwindow = 99\n").unwrap();
        let (main, root) = (ContextInfo { task: 1, name: c"main" }, ContextInfo { task: 0, name: c"" });
        let (mut tile, mut other) = (1, 1);
        mapper.select_tunable(&root, c"tile", &mut tile).unwrap();
        mapper.select_tunable(&root, c"til", &mut other).unwrap();
        assert_eq!((tile, other), (8, 1));
        let (mut inside, mut outside) = (1024, 1024);
        mapper.configure_context(&main, &mut inside).unwrap();
        mapper.configure_context(&root, &mut outside).unwrap();
        assert_eq!((inside, outside), (99, 1024));
    }

    #[test]
    fn what_nothing_was_meant_by_is_told() {
        let mapper = mapper("[tunables]\ntile = 8\n[task flux]\n[task flox*]\npriority = 1\n").unwrap();
        assert!(mapper.unused()[0].contains("nothing was launched"));
        options(&mapper, &task(c"flux", 1));
        let unused = mapper.unused();
        assert_eq!(unused.len(), 2, "{unused:?}");
        assert!(unused[0].starts_with("some.map:4:7: no task was launched that matches \"flox*\"; tasks were \"flux\""), "{}", unused[0]);
        assert!(unused[1].starts_with("some.map:2:1:") && unused[1].contains("no tunable \"tile\""), "{}", unused[1]);
    }

    #[test]
    fn errors_tell_every_mistake() {
        let error = mapper("[task a]\nworker = 7\ncolour = red\n").err().unwrap();
        assert_eq!(error.status, Status::InvalidArgument);
        let lines: Vec<&str> = error.text.lines().collect();
        assert!(lines.len() == 2 && lines[0].starts_with("some.map:2:10: ") && lines[1].starts_with("some.map:3:1: "), "{}", error.text);
        let many = mapper(&"x\n[task a]\n".repeat(25)).err().unwrap();
        assert!(many.text.ends_with("and 5 more mistakes"), "{}", many.text);
        let setting = Setting { workers: 0..=3, nodes: [0, 1].into(), fast: Arc::default(), rank: 0 };
        let binary = FileMapper::from_bytes("some.map", b"[task a]\n\xc3\xa9\xff", &setting).err().unwrap();
        assert!(binary.text.starts_with("some.map:2:2: this is not UTF-8"), "{}", binary.text);
        let missing = FileMapper::read("/no/such/file", &setting).err().unwrap();
        assert!(missing.text.contains("\"/no/such/file\"") && missing.text.contains("cannot be read"), "{}", missing.text);
    }
}
