//! Settings: what the caller gave, over what the environment says, over defaults. The environment is read once, at start.

use super::Result;
use crate::fail;

/// `None` means "not given".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Processors that run tasks on this rank, the waiting MPI thread included.
    pub workers: Option<u32>,
    /// Whether the MPI thread runs tasks while it waits.
    pub host_helps: Option<bool>,
    pub bind: Option<bool>,
    /// Operations that may be outstanding in one context before a launch waits.
    pub window: Option<u32>,
    pub spin_microseconds: Option<u32>,
    pub task_stack_bytes: Option<u64>,
    /// Seconds without any progress after which the watchdog says what waits for whom; off when absent.
    pub watchdog_seconds: Option<f64>,
    pub force_messages: Option<bool>,
    /// Whether MPI takes addresses in devices' memory; it is asked if this is absent.
    pub gpu_aware_mpi: Option<bool>,
    /// Node-shared memory reserved for the ghost regions and barriers that this rank owns.
    pub shared_bytes: Option<u64>,
    pub on_error: Option<OnError>,
    /// Whether each rank says at start on which processors its workers run.
    pub verbose: Option<bool>,
    /// The default mapper's refinements.
    pub affinity: Option<bool>,
    pub priorities: Option<bool>,
    /// The path of a mapping file.
    pub mapping: Option<String>,
    pub devices: Option<DeviceChoice>,
    /// Bytes that the buffers of one device may take together.
    pub device_memory: Option<u64>,
    /// Streams for kernels on each device.
    pub device_streams: Option<u32>,
    /// The folder of compiled kernels.
    pub cache: Option<String>,
    /// The path of NVIDIA's run-time compiler.
    pub nvrtc: Option<String>,
}

/// Which devices a rank looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// All of CUDA, and OpenCL's but for CPUs.
    #[default]
    Usual,
    None,
    Cuda,
    /// CPUs too.
    Opencl,
    All,
    /// These of all, in this order.
    Numbers(Vec<u32>),
}

impl DeviceChoice {
    const RULE: &str = "none, cuda, opencl, all, or different numbers such as 0,2";

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Self::None,
            "cuda" => Self::Cuda,
            "opencl" => Self::Opencl,
            "all" => Self::All,
            list => {
                let numbers: Vec<u32> = list.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
                let once = (1..numbers.len()).all(|i| !numbers[..i].contains(&numbers[i]));
                once.then_some(Self::Numbers(numbers))?
            }
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Return,
    Print,
    Abort,
}

/// Below this the library's own frames under a task body may not fit.
const LEAST_STACK: u64 = 64 << 10;
/// The user half of a 48-bit address space.
const MOST_BYTES: u64 = 1 << 48;
/// Thirty years: times in nanoseconds stay far from overflow.
const MOST_SECONDS: f64 = 1e9;

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Fills what the caller left open from the process environment.
    pub fn with_environment(self) -> Result<Self> {
        self.with_variables(&|name| std::env::var(name).ok())
    }

    fn with_variables(self, lookup: Lookup) -> Result<Self> {
        let mut merged = Self {
            workers: self.workers.or(parsed(lookup, "COHORT_WORKERS", "a whole number from 1 to 64", |s| {
                s.parse().ok().filter(|n| (1..=64).contains(n))
            })?),
            host_helps: self.host_helps.or(switch(lookup, "COHORT_HOST_HELPS")?),
            bind: self.bind.or(switch(lookup, "COHORT_BIND")?),
            window: self.window.or(parsed(lookup, "COHORT_WINDOW", "a whole number from 4 to 1000000", |s| {
                s.parse().ok().filter(|n| (4..=1_000_000).contains(n))
            })?),
            spin_microseconds: self.spin_microseconds.or(parsed(lookup, "COHORT_SPIN_US", "microseconds, a whole number", |s| {
                s.parse().ok()
            })?),
            task_stack_bytes: self.task_stack_bytes.or(size(lookup, "COHORT_TASK_STACK")?),
            watchdog_seconds: self.watchdog_seconds.or(parsed(lookup, "COHORT_WATCHDOG", "seconds, or 0 for off", |s| {
                s.parse().ok().filter(|t| *t >= 0.0)
            })?),
            force_messages: self.force_messages.or(switch(lookup, "COHORT_FORCE_MESSAGES")?),
            gpu_aware_mpi: self.gpu_aware_mpi.or(switch(lookup, "COHORT_GPU_AWARE_MPI")?),
            shared_bytes: self.shared_bytes.or(size(lookup, "COHORT_SHARED_BYTES")?),
            on_error: self.on_error.or(parsed(lookup, "COHORT_ON_ERROR", "return, print or abort", |s| match s {
                "return" => Some(OnError::Return),
                "print" => Some(OnError::Print),
                "abort" => Some(OnError::Abort),
                _ => None,
            })?),
            verbose: self.verbose.or(switch(lookup, "COHORT_VERBOSE")?),
            affinity: self.affinity.or(switch(lookup, "COHORT_AFFINITY")?),
            priorities: self.priorities.or(switch(lookup, "COHORT_PRIORITIES")?),
            mapping: self.mapping.or(parsed(lookup, "COHORT_MAPPING", "the path of a mapping file", path)?),
            devices: self.devices.or(parsed(lookup, "COHORT_DEVICES", DeviceChoice::RULE, DeviceChoice::parse)?),
            device_memory: self.device_memory.or(size(lookup, "COHORT_DEVICE_MEMORY")?),
            device_streams: self.device_streams.or(parsed(lookup, "COHORT_DEVICE_STREAMS", "a whole number from 1 to 32", |s| {
                s.parse().ok().filter(|n| (1..=32).contains(n))
            })?),
            cache: self.cache.or(parsed(lookup, "COHORT_CACHE", "the path of a folder", path)?),
            nvrtc: self.nvrtc.or(parsed(lookup, "COHORT_NVRTC", "the path of a libnvrtc.so", path)?),
        };
        merged.check()?;
        merged.watchdog_seconds = merged.watchdog_seconds.filter(|&seconds| seconds > 0.0);
        Ok(merged)
    }

    /// Rules that hold wherever a value came from.
    fn check(&self) -> Result<()> {
        if let Some(bytes) = self.task_stack_bytes.filter(|bytes| !(LEAST_STACK..=MOST_BYTES).contains(bytes)) {
            fail!(InvalidArgument, "task_stack_bytes (COHORT_TASK_STACK) is {bytes}; use 64K to 256T");
        }
        if let Some(bytes) = self.shared_bytes.filter(|bytes| *bytes > MOST_BYTES) {
            fail!(InvalidArgument, "shared_bytes (COHORT_SHARED_BYTES) is {bytes}; use at most 256T");
        }
        if let Some(seconds) = self.watchdog_seconds.filter(|seconds| *seconds > MOST_SECONDS) {
            fail!(InvalidArgument, "watchdog_seconds (COHORT_WATCHDOG) is {seconds}; use at most {MOST_SECONDS}, or 0 for off");
        }
        Ok(())
    }
}

fn parsed<T>(lookup: Lookup, name: &str, rule: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(text) = lookup(name) else { return Ok(None) };
    match parse(text.trim()) {
        Some(value) => Ok(Some(value)),
        None => fail!(InvalidArgument, "the environment variable {name} is \"{text}\"; it must be {rule}"),
    }
}

fn path(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

fn switch(lookup: Lookup, name: &str) -> Result<Option<bool>> {
    parsed(lookup, name, "0 or 1", |s| match s {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    })
}

fn size(lookup: Lookup, name: &str) -> Result<Option<u64>> {
    parsed(lookup, name, "bytes, with K, M or G for powers of 1024, such as 64M", |s| {
        let (digits, shift) = match s.as_bytes().last()? {
            b'K' | b'k' => (&s[..s.len() - 1], 10),
            b'M' | b'm' => (&s[..s.len() - 1], 20),
            b'G' | b'g' => (&s[..s.len() - 1], 30),
            _ => (s, 0),
        };
        digits.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|&n| n > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config> {
        Config::default().with_variables(&|name| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_string()))
    }

    #[test]
    fn values_are_read_and_the_callers_win() {
        let config = read(&[("COHORT_WORKERS", "3"), ("COHORT_TASK_STACK", "64M"), ("COHORT_ON_ERROR", "abort")]).unwrap();
        assert_eq!(config.workers, Some(3));
        assert_eq!(config.task_stack_bytes, Some(64 << 20));
        assert_eq!(config.on_error, Some(OnError::Abort));
        let given = Config { workers: Some(2), ..Config::default() };
        let config = given.with_variables(&|name| (name == "COHORT_WORKERS").then(|| "5".into())).unwrap();
        assert_eq!(config.workers, Some(2));
    }

    #[test]
    fn bad_values_name_variable_value_and_rule() {
        for (name, value, rule) in [
            ("COHORT_WORKERS", "0", "from 1 to 64"),
            ("COHORT_HOST_HELPS", "yes", "0 or 1"),
            ("COHORT_TASK_STACK", "12Q", "bytes, with K"),
            ("COHORT_SHARED_BYTES", "99999999999999999G", "bytes"),
            ("COHORT_TASK_STACK", "4096", "64K to 256T"),
            ("COHORT_SHARED_BYTES", "1125899906842624", "at most 256T"),
            ("COHORT_WATCHDOG", "-1", "0 for off"),
            ("COHORT_WATCHDOG", "NaN", "0 for off"),
            ("COHORT_WATCHDOG", "inf", "at most"),
            ("COHORT_ON_ERROR", "panic", "return, print or abort"),
            ("COHORT_DEVICES", "gpu", "none, cuda, opencl"),
            ("COHORT_DEVICES", "0,1,0", "different numbers"),
            ("COHORT_DEVICE_MEMORY", "much", "bytes, with K"),
            ("COHORT_DEVICE_STREAMS", "0", "from 1 to 32"),
        ] {
            let text = read(&[(name, value)]).unwrap_err().text;
            assert!(text.contains(name) && text.contains(value) && text.contains(rule), "{text}");
        }
    }

    #[test]
    fn devices_are_kinds_or_numbers() {
        let devices = |text| read(&[("COHORT_DEVICES", text)]).unwrap().devices;
        assert_eq!(devices("none"), Some(DeviceChoice::None));
        assert_eq!(devices("opencl"), Some(DeviceChoice::Opencl));
        assert_eq!(devices("2, 0"), Some(DeviceChoice::Numbers(vec![2, 0])));
        assert_eq!(read(&[]).unwrap().devices, None);
    }

    #[test]
    fn no_watchdog_can_be_asked_for() {
        assert_eq!(read(&[("COHORT_WATCHDOG", "0")]).unwrap().watchdog_seconds, None);
        assert_eq!(read(&[("COHORT_WATCHDOG", "1.5")]).unwrap().watchdog_seconds, Some(1.5));
    }

    #[test]
    fn what_the_caller_gave_is_checked_too() {
        let given = Config { task_stack_bytes: Some(1), ..Config::default() };
        assert!(given.with_variables(&|_| None).unwrap_err().text.contains("task_stack_bytes"));
    }
}
