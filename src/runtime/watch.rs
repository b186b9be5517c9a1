//! Watches a rank from a thread of its own: whether the other ranks of the node are still there and messages go to and fro, and, if asked
//! to or left behind by others, whether anything moves. What waits when nothing does is printed, by name.

use super::Runtime;
use crate::base::{Error, Status};
use crate::operation::devices::Devices;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the watch looks, or oftener if it is to report sooner.
const INTERVAL: Duration = Duration::from_millis(500);
/// A rank that nobody asked to be watched, and that others leave, stands still so long before that is reported.
const LEFT_BEHIND: Duration = Duration::from_secs(30);
/// Lines of a report, and ranks that it names together.
const MOST_LINES: usize = 40;
const MOST_RANKS: usize = 8;

pub struct Watch {
    /// Nothing moves for so long before the watchdog reports, if it was asked to.
    patience: Option<Duration>,
    moved: u64,
    since: Instant,
    reported: bool,
    /// Processes of other ranks that were there, by rank.
    seen: HashMap<u32, u32>,
    /// The end of messages was told.
    told: bool,
}

impl Watch {
    pub fn new(patience: Option<Duration>) -> Self {
        Self { patience, moved: 0, since: Instant::now(), reported: false, seen: HashMap::new(), told: false }
    }

    /// The body of the watch's thread; ends when nobody has the other end of `stopped` any more.
    pub fn keep(mut self, runtime: &Runtime, stopped: &Receiver<()>) {
        let interval = self.patience.map_or(INTERVAL, |patience| INTERVAL.min(patience / 4));
        while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            if let Some(error) = self.lost(runtime) {
                crate::tell!("cohort: rank {}: {}", runtime.rank, error.text);
                runtime.give_up(error);
                runtime.messages.abandon();
            }
            if let Some(error) = runtime.messages.trouble().filter(|_| !std::mem::replace(&mut self.told, true)) {
                let text = format!("no messages go between rank {} and others any more: {}", runtime.rank, error.text);
                crate::tell!("cohort: rank {}: {text}", runtime.rank);
                // First, or a wait that was told of the failure below would be followed by one that is told nothing.
                runtime.give_up(Error::new(error.status, text.clone()));
                // Those that learn of failures without messages learn of this one.
                runtime.engine.fail_as(error.status, text);
            }
            let is_left = || runtime.others().any(|rank| runtime.leaves(rank)) && !runtime.messages.is_gathering();
            if let Some(patience) = self.patience.or_else(|| is_left().then_some(LEFT_BEHIND)) {
                self.report(runtime, patience);
            }
        }
    }

    /// A rank of this node that was there, did not finalize, and is gone.
    fn lost(&mut self, runtime: &Runtime) -> Option<Error> {
        let memory = &runtime.attention.memory;
        for rank in runtime.others() {
            let Some(process) = memory.board(rank).and_then(|board| board.process()) else {
                self.seen.remove(&rank);
                continue;
            };
            if is_there(process) {
                self.seen.insert(rank, process);
            } else if self.seen.remove(&rank).is_some() {
                let text = format!("rank {rank} (process {process}) is gone: it ended or was killed before cohort_finalize; end this rank, too");
                return Some(Error::new(Status::PeerLost, text));
            }
        }
        None
    }

    fn report(&mut self, runtime: &Runtime, patience: Duration) {
        let activity = &runtime.engine.activity;
        let moved = activity.moved();
        if moved != self.moved || activity.running_on_host() > 0 {
            (self.moved, self.since, self.reported) = (moved, Instant::now(), false);
        } else if !self.reported && self.since.elapsed() >= patience {
            self.reported = true;
            let waits = runtime.waits();
            if !waits.is_empty() {
                eprint!("{}", report(runtime.rank, self.since.elapsed(), &waits));
            }
        }
    }
}

fn report(rank: u32, still: Duration, waits: &[String]) -> String {
    let mut text = format!("cohort: rank {rank}: nothing has moved for {:.1} s\n", still.as_secs_f64());
    for wait in &waits[..waits.len().min(MOST_LINES)] {
        text += &format!("cohort: rank {rank}: {wait}\n");
    }
    if waits.len() > MOST_LINES {
        text += &format!("cohort: rank {rank}: and {} more such waits\n", waits.len() - MOST_LINES);
    }
    text
}

/// The ranks for a reader, if there are any.
fn named(mut ranks: impl Iterator<Item = u32>) -> Option<String> {
    let named: Vec<String> = ranks.by_ref().take(MOST_RANKS).map(|rank| rank.to_string()).collect();
    let others = ranks.count();
    let more = if others > 0 { format!(" and {others} others") } else { String::new() };
    match named.len() {
        0 => None,
        1 => Some(format!("rank {}", named[0])),
        _ => Some(format!("ranks {}{more}", named.join(", "))),
    }
}

impl Runtime {
    /// What waits for whom.
    fn waits(&self) -> Vec<String> {
        let mut waits = self.engine.devices.get().map_or_else(Vec::new, Devices::waits);
        self.objects.handshakes.for_each(|handle, handshake| waits.extend(handshake.waits(handle)));
        self.objects.halos.for_each(|handle, halo| waits.extend(halo.waits(handle)));
        self.collectives.for_each(|collective| waits.extend(collective.wait_text()));
        self.objects.futures.for_each(|handle, future| {
            if !future.is_ready() && future.seats.has_sleepers() {
                waits.push(format!("a thread waits for the future {handle:#x}, whose operation is not complete"));
            }
        });
        let is_gathering = self.messages.is_gathering();
        if is_gathering {
            let (absent, leaves) = (named(self.others().filter(|&rank| !self.leaves(rank))), self.leaves(self.rank));
            waits.push(match absent {
                Some(ranks) if leaves => format!("cohort_finalize waits for {ranks} to call it, too, as far as this rank was told"),
                None if leaves => "cohort_finalize waits for other ranks, which have called it and are not done".into(),
                _ => "a collective call waits until every rank has made it".into(),
            });
        }
        self.barriers.for_each(|barrier| waits.extend(barrier.wait_text()));
        if waits.is_empty() {
            return waits;
        }
        // By themselves these need not keep anybody waiting.
        let left = named(self.others().filter(|&rank| self.leaves(rank))).filter(|_| !is_gathering);
        let left = left.map(|ranks| format!("{ranks} called cohort_finalize: nothing new comes from there"));
        left.into_iter().chain(self.messages.waits()).chain(waits).collect()
    }

    fn others(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.size).filter(|&rank| rank != self.rank)
    }

    /// Whether the program on a rank has called `finalize`, as far as this one was told.
    fn leaves(&self, rank: u32) -> bool {
        self.attention.herald.leaves(rank)
    }
}

/// Whether a process exists and has not ended.
fn is_there(process: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        // After the name, which may contain anything, comes the state: Z and X have ended (proc(5)).
        Ok(stat) => !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_so_many_ranks_and_waits_and_counts_the_others() {
        assert_eq!(named(0..0), None);
        assert_eq!(named(3..4).unwrap(), "rank 3");
        assert_eq!(named(1..3).unwrap(), "ranks 1, 2");
        assert_eq!(named(1..12).unwrap(), "ranks 1, 2, 3, 4, 5, 6, 7, 8 and 3 others");
        let waits: Vec<String> = (0..43).map(|i| format!("wait {i}")).collect();
        let text = report(5, Duration::from_secs(2), &waits);
        assert_eq!((text.lines().next(), text.lines().last()), (Some("cohort: rank 5: nothing has moved for 2.0 s"), Some("cohort: rank 5: and 3 more such waits")));
        assert_eq!(text.lines().count(), 42);
        assert!(!report(5, Duration::ZERO, &waits[..40]).contains("more"));
    }

    #[test]
    fn a_process_is_there_until_it_ends_and_not_until_its_parent_asks() {
        assert!(is_there(std::process::id()));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(is_there(child.id()));
        child.kill().unwrap();
        let start = Instant::now();
        while is_there(child.id()) && start.elapsed() < Duration::from_secs(10) {
            std::thread::yield_now();
        }
        assert!(!is_there(child.id()), "a zombie");
        child.wait().unwrap();
        assert!(!is_there(child.id()));
    }
}
