//! From a mapping file's text to rules. Every mistake is found in one go, each with its line and column.

use crate::mapping::Processor;
use std::fmt;
use std::ops::RangeInclusive;

/// What a file may name.
#[derive(Clone, Debug)]
pub struct Limits {
    pub workers: RangeInclusive<u32>,
    pub memories: u32,
    pub priorities: RangeInclusive<i32>,
}

const WINDOWS: RangeInclusive<i64> = 4..=1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Any,
    /// Of a NUMA node; says nothing of tasks on devices.
    Number(u32),
    /// These say nothing of others.
    Device,
    ZeroCopy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    Any,
    Number(u32),
    /// Points of an index launch in equal runs over all workers.
    Spread,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    Any,
    /// By its number among the processors.
    Number(u32),
    Named(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub which: Which,
    pub place: Place,
}

/// What a section says; `None`: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub processor: Option<Processor>,
    pub device: Option<Device>,
    pub worker: Option<Worker>,
    pub memory: Option<Memory>,
    pub priority: Option<i32>,
    pub inline: Option<bool>,
    pub replay: Option<bool>,
    pub window: Option<i64>,
}

/// Lines and columns count from 1, columns in letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// What holds for the tasks whose names match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub pattern: String,
    pub place: Place,
    pub choices: Choices,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunable {
    pub name: String,
    pub place: Place,
    pub value: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// In the order of the file: later ones win.
    pub tasks: Vec<Rule>,
    pub tunables: Vec<Tunable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub place: Place,
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A part of a line and where it begins, counted in letters.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    place: Place,
}

impl<'a> Word<'a> {
    /// Without what stands before and after it.
    fn trimmed(self) -> Self {
        let text = self.text.trim_start();
        let skipped = self.text[..self.text.len() - text.len()].chars().count();
        Self { text: text.trim_end(), place: Place { column: self.place.column + skipped, ..self.place } }
    }

    /// What stands before and after byte `at`, which is one letter long.
    fn split_at(self, at: usize) -> (Self, Self) {
        let (before, after) = (&self.text[..at], &self.text[at + 1..]);
        let column = self.place.column + before.chars().count() + 1;
        (Self { text: before, ..self }, Self { text: after, place: Place { column, ..self.place } })
    }

    fn mistake(self, text: impl Into<String>) -> Mistake {
        Mistake { place: self.place, text: text.into() }
    }
}

enum Section {
    /// Nothing yet, or a heading that is wrong: what follows it is not looked at.
    None { told: bool },
    Task,
    Tunables,
}

pub fn parse(text: &str, limits: &Limits) -> Result<Rules, Vec<Mistake>> {
    let (mut rules, mut mistakes) = (Rules::default(), Vec::new());
    let mut section = Section::None { told: false };
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let code = Word { text: code, place: Place { line: number + 1, column: 1 } }.trimmed();
        if code.text.is_empty() {
            continue;
        }
        let taken = match code.text.starts_with('[') {
            true => heading(code, &mut rules).map(|found| section = found).inspect_err(|_| section = Section::None { told: true }),
            false => entry(code, &mut section, &mut rules, limits),
        };
        mistakes.extend(taken.err());
    }
    if mistakes.is_empty() {
        Ok(rules)
    } else {
        Err(mistakes)
    }
}

/// `[task PATTERN]` or `[tunables]`.
fn heading(code: Word, rules: &mut Rules) -> Result<Section, Mistake> {
    let Some(inside) = code.text.strip_suffix(']') else {
        return Err(code.mistake("a heading ends with ]"));
    };
    let inside = Word { text: inside, ..code }.split_at(0).1.trimmed();
    if inside.text == "tunables" {
        return Ok(Section::Tunables);
    }
    match inside.text.find(char::is_whitespace) {
        Some(at) if &inside.text[..at] == "task" => {
            let pattern = Word { text: &inside.text[at..], place: Place { column: inside.place.column + 4, ..inside.place } }.trimmed();
            rules.tasks.push(Rule { pattern: pattern.text.into(), place: pattern.place, choices: Choices::default() });
            Ok(Section::Task)
        }
        _ => Err(inside.mistake(format!("\"{}\" is no heading; use [task NAME], where * and ? match any letters and one, or [tunables]", inside.text))),
    }
}

/// `KEY = VALUE`.
fn entry(code: Word, section: &mut Section, rules: &mut Rules, limits: &Limits) -> Result<(), Mistake> {
    if let Section::None { told } = section {
        return match std::mem::replace(told, true) {
            true => Ok(()),
            false => Err(code.mistake("nothing may stand before the first heading; begin with [task NAME] or [tunables]")),
        };
    }
    let Some(at) = code.text.find('=') else {
        return Err(code.mistake(format!("\"{}\" says nothing; write KEY = VALUE, or a heading in [ ]", code.text)));
    };
    let (key, value) = code.split_at(at);
    let (key, value) = (key.trimmed(), value.trimmed());
    if key.text.is_empty() {
        return Err(key.mistake("there is no key before ="));
    }
    if value.text.is_empty() {
        return Err(value.mistake(format!("{} has no value", key.text)));
    }
    match (section, rules.tasks.last_mut()) {
        (Section::Task, Some(rule)) => choice(key, value, &mut rule.choices, limits),
        _ => tunable(key, value, &mut rules.tunables),
    }
}

fn choice(key: Word, value: Word, choices: &mut Choices, limits: &Limits) -> Result<(), Mistake> {
    match key.text {
        "processor" => once(key, &mut choices.processor, processor(value)?),
        "device" => once(key, &mut choices.device, device(value, limits)?),
        "worker" => once(key, &mut choices.worker, worker(value, limits)?),
        "memory" => once(key, &mut choices.memory, memory(value, limits)?),
        "priority" => {
            let (least, most) = (i64::from(*limits.priorities.start()), i64::from(*limits.priorities.end()));
            once(key, &mut choices.priority, number(value, least..=most, "")? as i32)
        }
        "inline" => once(key, &mut choices.inline, yes_or_no(value)?),
        "replay" => once(key, &mut choices.replay, yes_or_no(value)?),
        "window" => once(key, &mut choices.window, number(value, WINDOWS, "")?),
        other => Err(key.mistake(format!("unknown key \"{other}\"; keys are processor, device, worker, memory, priority, inline, replay, window"))),
    }
}

fn once<T>(key: Word, place: &mut Option<T>, value: T) -> Result<(), Mistake> {
    if place.is_some() {
        return Err(key.mistake(format!("{} is given twice in this section", key.text)));
    }
    *place = Some(value);
    Ok(())
}

fn number(value: Word, range: RangeInclusive<i64>, or: &str) -> Result<i64, Mistake> {
    let rule = || {
        let whole = match (*range.start(), *range.end()) {
            (i64::MIN, i64::MAX) => "a whole number".into(),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        value.mistake(format!("\"{}\" is not {whole}{or}", value.text))
    };
    value.text.parse().ok().filter(|number| range.contains(number)).ok_or_else(rule)
}

fn processor(value: Word) -> Result<Processor, Mistake> {
    match value.text {
        "cpu" => Ok(Processor::Cpu),
        "mpi" => Ok(Processor::Mpi),
        "device" => Ok(Processor::Device),
        "any" => Ok(Processor::Any),
        other => Err(value.mistake(format!("unknown kind of processor \"{other}\"; kinds are cpu, mpi, device, any"))),
    }
}

/// Which devices there are, is known when the first task could use one.
fn device(value: Word, limits: &Limits) -> Result<Device, Mistake> {
    let which = match value.text {
        "any" => Which::Any,
        text if text.bytes().all(|letter| letter.is_ascii_digit()) => {
            let first = limits.workers.end() + 1;
            let known = text.parse().ok().filter(|&number| number >= first);
            let rule = || value.mistake(format!("\"{text}\" is no device; they are numbered as processors, here from {first} on (cohort-info lists them)"));
            Which::Number(known.ok_or_else(rule)?)
        }
        text => Which::Named(text.into()),
    };
    Ok(Device { which, place: value.place })
}

fn worker(value: Word, limits: &Limits) -> Result<Worker, Mistake> {
    match value.text {
        "any" => Ok(Worker::Any),
        "spread" => Ok(Worker::Spread),
        _ => {
            let range = i64::from(*limits.workers.start())..=i64::from(*limits.workers.end());
            Ok(Worker::Number(number(value, range, ", any, or spread")? as u32))
        }
    }
}

fn memory(value: Word, limits: &Limits) -> Result<Memory, Mistake> {
    match value.text {
        "any" => Ok(Memory::Any),
        "device" => Ok(Memory::Device),
        "zero-copy" => Ok(Memory::ZeroCopy),
        _ => Ok(Memory::Number(number(value, 0..=i64::from(limits.memories) - 1, ", any, device, or zero-copy")? as u32)),
    }
}

fn yes_or_no(value: Word) -> Result<bool, Mistake> {
    match value.text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(value.mistake(format!("\"{other}\" is neither yes nor no"))),
    }
}

fn tunable(key: Word, value: Word, tunables: &mut Vec<Tunable>) -> Result<(), Mistake> {
    let value = number(value, i64::MIN..=i64::MAX, "")?;
    if tunables.iter().any(|known| known.name == key.text) {
        return Err(key.mistake(format!("{} is given twice", key.text)));
    }
    tunables.push(Tunable { name: key.text.into(), place: key.place, value });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits() -> Limits {
        Limits { workers: 0..=3, memories: 2, priorities: -7..=7 }
    }

    #[test]
    fn a_file_says_what_holds_for_which_tasks() {
        let text = "# comment\r\n[tunables]\r\ntile_y = 16 # rows\ntile_z=-4\n\n[task flux *]\n processor = cpu\n  device= *H100*\n  worker = spread\n\
                    memory = 1\npriority = -7\ninline = no\nreplay = yes\nwindow = 4096\n[ task  * ]\nworker=2\nmemory=any\n";
        let rules = parse(text, &limits()).unwrap();
        let tunable = |name: &str, line, value| Tunable { name: name.into(), place: Place { line, column: 1 }, value };
        assert_eq!(rules.tunables, [tunable("tile_y", 3, 16), tunable("tile_z", 4, -4)]);
        let flux = Choices {
            processor: Some(Processor::Cpu),
            device: Some(Device { which: Which::Named("*H100*".into()), place: Place { line: 8, column: 11 } }),
            worker: Some(Worker::Spread),
            memory: Some(Memory::Number(1)),
            priority: Some(-7),
            inline: Some(false),
            replay: Some(true),
            window: Some(4096),
        };
        let all = Choices { worker: Some(Worker::Number(2)), memory: Some(Memory::Any), ..Choices::default() };
        let rule = |pattern: &str, line, column, choices| Rule { pattern: pattern.into(), place: Place { line, column }, choices };
        assert_eq!(rules.tasks, [rule("flux *", 6, 7, flux), rule("*", 15, 9, all)]);
        assert_eq!(parse("", &limits()), Ok(Rules::default()));
    }

    #[test]
    fn mistakes_are_named_with_line_column_and_rule() {
        for (text, place, part) in [
            ("x = 1", (1, 1), "before the first heading"),
            ("[task a]\n\nprocesor = cpu", (3, 1), "unknown key \"procesor\"; keys are processor, device"),
            ("[task a]\n  processor = gpu", (2, 15), "unknown kind of processor \"gpu\"; kinds are cpu, mpi, device, any"),
            ("[task a]\ndevice = 3", (2, 10), "\"3\" is no device; they are numbered as processors, here from 4 on"),
            ("[task a]\ndevice = 99999999999", (2, 10), "is no device"),
            ("[task a]\nworker = 4", (2, 10), "\"4\" is not a whole number from 0 to 3, any, or spread"),
            ("[task a]\nmemory = 2", (2, 10), "from 0 to 1, any, device, or zero-copy"),
            ("[task a]\npriority = 8", (2, 12), "from -7 to 7"),
            ("[task a]\npriority = high", (2, 12), "\"high\" is not"),
            ("[task a]\ninline = maybe", (2, 10), "neither yes nor no"),
            ("[task a]\nreplay = 1", (2, 10), "neither yes nor no"),
            ("[task a]\nwindow = 3", (2, 10), "from 4 to 1000000"),
            ("[task a]\nworker", (2, 1), "write KEY = VALUE"),
            ("[task a]\nworker = # 1", (2, 9), "worker has no value"),
            ("[task a]\n= 1", (2, 1), "no key"),
            ("[task a]\nworker=1\nworker=1", (3, 1), "twice in this section"),
            ("[task a", (1, 1), "ends with ]"),
            ("[tusk a]", (1, 2), "\"tusk a\" is no heading"),
            ("[task ]", (1, 2), "\"task\" is no heading"),
            ("[tunables]\nn = 1.5", (2, 5), "\"1.5\" is not a whole number"),
            ("[tunables]\nn = 1\nn = 2", (3, 1), "twice"),
            ("[tunables]\né = 99999999999999999999", (2, 5), "not a whole number"),
        ] {
            let mistakes = parse(text, &limits()).unwrap_err();
            let found = &mistakes[0];
            assert_eq!((found.place.line, found.place.column), place, "{text}: {}", found.text);
            assert!(found.text.contains(part), "{text}: {}", found.text);
            assert_eq!(mistakes.len(), 1, "{text}");
        }
    }

    #[test]
    fn all_mistakes_are_told_and_none_twice() {
        let mistakes = parse("a = 1\nb = 2\n[task x]\nworker = 9\ncolour = red\n[what]\nworker = 9\n[tunables]\nt = x\n", &limits()).unwrap_err();
        let lines: Vec<usize> = mistakes.iter().map(|mistake| mistake.place.line).collect();
        assert_eq!(lines, [1, 4, 5, 6, 9]);
    }

    fn choices() -> impl Strategy<Value = Choices> {
        let processor = proptest::option::of(prop_oneof![Just(Processor::Cpu), Just(Processor::Mpi), Just(Processor::Device), Just(Processor::Any)]);
        let worker = proptest::option::of(prop_oneof![Just(Worker::Any), Just(Worker::Spread), (0..=3u32).prop_map(Worker::Number)]);
        let memory = prop_oneof![Just(Memory::Any), (0..2u32).prop_map(Memory::Number), Just(Memory::Device), Just(Memory::ZeroCopy)];
        let memory = proptest::option::of(memory);
        let priority = proptest::option::of(-7..=7);
        let yes_or_no = || proptest::option::of(any::<bool>());
        let which = prop_oneof![Just(Which::Any), (4..99u32).prop_map(Which::Number), "[A-Z*?][A-Z0-9*? ]{0,6}[A-Z*?]".prop_map(Which::Named)];
        let device = proptest::option::of(which.prop_map(|which| Device { which, place: Place::default() }));
        let made = (processor, device, worker, memory, priority, yes_or_no(), yes_or_no(), proptest::option::of(WINDOWS));
        made.prop_map(|(processor, device, worker, memory, priority, inline, replay, window)| Choices { processor, device, worker, memory, priority, inline, replay, window })
    }

    /// As a user would write it.
    fn written(pattern: &str, choices: &Choices) -> String {
        let mut text = format!("[task {pattern}]\n");
        let mut line = |key: &str, value: Option<String>| text += &value.map_or(String::new(), |value| format!("{key} = {value}\n"));
        let any = || "any".to_string();
        line("processor", choices.processor.map(|kind| ["any", "cpu", "mpi", "device"][kind as usize].into()));
        line("device", choices.device.as_ref().map(|device| match &device.which {
            Which::Any => any(),
            Which::Number(number) => number.to_string(),
            Which::Named(pattern) => pattern.clone(),
        }));
        line("worker", choices.worker.map(|worker| match worker {
            Worker::Any => any(),
            Worker::Spread => "spread".into(),
            Worker::Number(number) => number.to_string(),
        }));
        line("memory", choices.memory.map(|memory| match memory {
            Memory::Any => any(),
            Memory::Number(number) => number.to_string(),
            Memory::Device => "device".into(),
            Memory::ZeroCopy => "zero-copy".into(),
        }));
        line("priority", choices.priority.map(|priority| priority.to_string()));
        let yes_or_no = |choice: Option<bool>| choice.map(|yes| if yes { "yes" } else { "no" }.into());
        line("inline", yes_or_no(choices.inline));
        line("replay", yes_or_no(choices.replay));
        line("window", choices.window.map(|window| window.to_string()));
        text
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(sections in proptest::collection::vec(("[a-z*?][a-z*? ]{0,6}[a-z*?]", choices()), 0..6)) {
            let text: String = sections.iter().map(|(pattern, choices)| written(pattern, choices)).collect();
            let read = parse(&text, &limits()).unwrap().tasks;
            let mut read: Vec<_> = read.into_iter().map(|rule| (rule.pattern, rule.choices)).collect();
            read.iter_mut().filter_map(|rule| rule.1.device.as_mut()).for_each(|device| device.place = Place::default());
            prop_assert_eq!(read, sections);
        }

        /// Nothing panics, and mistakes lie inside the text.
        #[test]
        fn any_text_is_taken_or_refused(text in prop_oneof![
            any::<String>(),
            "([\\[\\]=#\n\r\t é0-9-]|task |tunables|worker|processor|device|priority|memory|cpu|any|zero-copy|spread|\u{feff}){0,40}",
        ]) {
            if let Err(mistakes) = parse(&text, &limits()) {
                let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
                for Mistake { place, text } in mistakes {
                    prop_assert!(place.line >= 1 && place.line <= lines.len(), "{place}: {text}");
                    prop_assert!(place.column >= 1 && place.column <= lines[place.line - 1].chars().count() + 1, "{place}: {text}");
                }
            }
        }
    }
}
