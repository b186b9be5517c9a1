//! What a device is at, for whoever asks why nothing moves. Its thread writes it down whenever that changes, so that it can be read while a call
//! of the driver's keeps that thread.

use super::super::body::Work;
use super::{Devices, Job};
use std::fmt;
use std::time::Instant;

/// Whose work it is.
#[derive(Clone, Copy)]
pub enum Whose {
    Task(&'static str),
    Other(&'static str),
    /// Of the program's, or of a task that has not ended.
    Thread,
}

impl From<Job> for Whose {
    fn from(job: Job) -> Self {
        match job {
            Job::Task(_) => Self::Task(job.name()),
            Job::Copy | Job::Indirect(_) => Self::Other(job.name()),
        }
    }
}

impl From<&Work> for Whose {
    fn from(work: &Work) -> Self {
        match work {
            Work::Task(_) => Self::Task(work.name()),
            _ => Self::Other(work.name()),
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Task(name) => write!(f, "the task \"{name}\""),
            Self::Other(name) => write!(f, "the {name}"),
            Self::Thread => f.write_str("a thread"),
        }
    }
}

#[derive(Default)]
pub struct Standing {
    /// What a call of the driver's enqueues that has not returned.
    pub enqueues: Option<(Whose, Instant)>,
    /// What was enqueued first and has not ended, and how many operations come after it.
    pub runs: Option<(Whose, Instant)>,
    pub behind: usize,
    /// Who has waited for longest for copies, say, that are under way.
    pub brings: Option<(Whose, Instant)>,
    /// The kernel whose compilation began first.
    pub compiles: Option<(&'static str, Instant)>,
}

impl Standing {
    fn lines(&self, number: usize, name: &str, lines: &mut Vec<String>) {
        let device = format!("device {number} ({name})");
        let seconds = |since: Instant| format!("{:.1} s", since.elapsed().as_secs_f64());
        if let Some((whose, since)) = self.enqueues {
            lines.push(format!("the driver of {device} has been at {whose} for {}", seconds(since)));
        }
        if let Some((whose, since)) = self.runs {
            let behind = if self.behind == 0 { String::new() } else { format!(", and {} more operations there", self.behind) };
            lines.push(format!("{whose} has been under way on {device} for {}{behind}", seconds(since)));
        }
        if let Some((whose, since)) = self.brings {
            lines.push(format!("{whose} has waited for data from {device} for {}", seconds(since)));
        }
        if let Some((kernel, since)) = self.compiles {
            lines.push(format!("the compilation of kernel \"{kernel}\" for {device} has taken {} so far", seconds(since)));
        }
    }
}

impl Devices {
    /// What the devices are at, a line for each.
    pub fn waits(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, attached) in self.list.iter().enumerate() {
            attached.standing.lock().lines(number, &attached.device.info().name, &mut lines);
        }
        lines
    }
}
