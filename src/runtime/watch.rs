//! Watches a rank from a thread of its own: whether the other ranks of the node are still there, and, if asked to, whether
//! anything moves. What waits when nothing does is printed, by name.

use super::Runtime;
use crate::base::{Error, Status};
use crate::operation::Engine;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the watch looks, or oftener if it is to report sooner.
const INTERVAL: Duration = Duration::from_millis(500);

pub struct Watch {
    /// Nothing moves for so long before the watchdog reports.
    patience: Option<Duration>,
    moved: u64,
    since: Instant,
    reported: bool,
    /// Processes of other ranks that were there, by rank.
    seen: HashMap<u32, u32>,
}

impl Watch {
    pub fn new(patience: Option<Duration>) -> Self {
        Self { patience, moved: 0, since: Instant::now(), reported: false, seen: HashMap::new() }
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
            if let Some(patience) = self.patience {
                self.report(runtime, patience);
            }
        }
    }

    /// A rank of this node that was there, did not finalize, and is gone.
    fn lost(&mut self, runtime: &Runtime) -> Option<Error> {
        let memory = &runtime.attention.memory;
        for rank in (0..runtime.size).filter(|&rank| rank != runtime.rank) {
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
        if moved != self.moved || activity.running() > 0 {
            (self.moved, self.since, self.reported) = (moved, Instant::now(), false);
        } else if !self.reported && self.since.elapsed() >= patience {
            self.reported = true;
            let waits = runtime.waits();
            if !waits.is_empty() {
                eprint!("{}", report(&runtime.engine, self.since.elapsed(), &waits));
            }
        }
    }
}

fn report(engine: &Engine, still: Duration, waits: &[String]) -> String {
    let mut text = format!("cohort: rank {}: nothing has moved for {:.1} s\n", engine.rank, still.as_secs_f64());
    for wait in waits {
        text += &format!("cohort: rank {}: {wait}\n", engine.rank);
    }
    text
}

impl Runtime {
    /// What waits for whom.
    fn waits(&self) -> Vec<String> {
        let mut waits = Vec::new();
        self.objects.handshakes.for_each(|handle, handshake| waits.extend(handshake.waits(handle)));
        self.barriers.for_each(|barrier| waits.extend(barrier.wait_text()));
        self.collectives.for_each(|collective| waits.extend(collective.wait_text()));
        self.objects.futures.for_each(|handle, future| {
            if !future.is_ready() && future.seats.has_sleepers() {
                waits.push(format!("a thread waits for the future {handle:#x}, whose operation is not complete"));
            }
        });
        waits
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
