//! Handshakes: the host and the tasks take turns, phase by phase. Two phase cells play ping-pong, one for each side.
//! A phase goes: the side that is first hands off, the other waits for it, hands off in turn, and the first waits. Unlike
//! two bare barriers a handshake knows what each participant did last, so that a wrong turn is an error and not a hang.

use super::participants::{Participants, Turn};
use crate::base::{Error, Result, Status};
use crate::event::NamedPhases;
use crate::fail;
use crate::operation::{inside_task, Arrival, Engine, SeatSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Host,
    Tasks,
}

struct Half {
    /// Phases in which all participants of this side have handed off.
    handed: NamedPhases,
    arrivals: AtomicU64,
    /// Threads on the host's side, contexts on the tasks' side.
    participants: Participants,
    /// Threads that wait for this side.
    seats: SeatSet,
    side: Side,
    is_first: bool,
}

pub struct Handshake {
    host: Half,
    tasks: Half,
}

impl Half {
    fn new(side: Side, participants: u32, is_first: bool) -> Self {
        Self {
            handed: NamedPhases::default(),
            arrivals: AtomicU64::new(0),
            participants: Participants::new(participants),
            seats: SeatSet::default(),
            side,
            is_first,
        }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self.side {
            Side::Host => ("host", "threads"),
            Side::Tasks => ("task", "tasks"),
        }
    }

    /// Does `act` for participant `who`, who joins if there is room: a participant that is between two phases makes room.
    fn with<R>(&self, who: u64, act: impl Fn(&mut Turn) -> Result<R>) -> Result<R> {
        self.participants.step(who, || self.handed.done(), |phase| self.full(phase), act)
    }

    #[cold]
    fn full(&self, phase: u64) -> Error {
        let ((side, kind), count) = (self.words(), self.participants.count());
        let text = format!("another of the {kind} uses the handshake in phase {phase}, and it was created for {count} {side} participant(s); create it for more, or let them take turns");
        Error::new(Status::WrongOrder, text)
    }

    /// Notes that a participant waits; the phase it waits for. `again`: more waits in one phase are meant.
    fn note_wait(&self, who: u64, again: bool) -> Result<u64> {
        self.with(who, |p| {
            if self.is_first && !p.handed {
                fail!(WrongOrder, "a wait in phase {} before this side handed off; it is this side's turn to hand off first", p.phase);
            }
            if p.waited && !again {
                fail!(WrongOrder, "a second wait in phase {} with no hand-off between; hand off, then wait again", p.phase);
            }
            p.waited = true;
            Ok(p.phase)
        })
    }

    /// Notes that a participant hands off; the phase in which it does. `deferred`: it moves on by `advance` only.
    fn note_hand_off(&self, who: u64, deferred: bool) -> Result<u64> {
        self.with(who, |p| {
            if p.handed {
                fail!(
                    WrongOrder,
                    "a second hand-off in phase {}; {}",
                    p.phase,
                    match self.side {
                        Side::Host => "wait for the tasks (cohort_wait_on_tasks) between two hand-offs",
                        Side::Tasks => "wait for the host, or after deferred use call cohort_handshake_advance, between two hand-offs",
                    }
                );
            }
            if !self.is_first && !p.waited {
                fail!(WrongOrder, "a hand-off in phase {} before this side waited for the other; wait first, it is the other side's turn", p.phase);
            }
            let phase = p.phase;
            p.handed = true;
            if !deferred {
                p.finish();
            }
            Ok(phase)
        })
    }

    /// One participant's hand-off takes effect.
    fn arrive(&self, engine: &Engine) {
        let arrivals = self.arrivals.fetch_add(1, Ordering::AcqRel) + 1;
        let count = u64::from(self.participants.count());
        if arrivals % count == 0 {
            let done = arrivals / count;
            self.handed.advance_to(&engine.graph, done, &mut |n| engine.offer(n));
            self.seats.wake(&engine.scheduler);
        }
    }
}

impl Handshake {
    pub fn new(host_participants: u32, task_participants: u32, first: Side) -> Result<Self> {
        for (n, side) in [(host_participants, "host"), (task_participants, "task")] {
            if !(1..=1024).contains(&n) {
                fail!(InvalidArgument, "{n} {side} participants; give from 1 to 1024");
            }
        }
        Ok(Self {
            host: Half::new(Side::Host, host_participants, first == Side::Host),
            tasks: Half::new(Side::Tasks, task_participants, first == Side::Tasks),
        })
    }

    fn halves(&self, side: Side) -> (&Half, &Half) {
        match side {
            Side::Host => (&self.host, &self.tasks),
            Side::Tasks => (&self.tasks, &self.host),
        }
    }

    /// The other side may go on. Never blocks.
    pub fn hand_off(&self, engine: &Engine, side: Side, who: u64) -> Result<()> {
        let (mine, _) = self.halves(side);
        mine.note_hand_off(who, false)?;
        mine.arrive(engine);
        Ok(())
    }

    /// Waits for the other side's hand-off in this phase. False or an error: the wait does not count.
    pub fn wait(&self, engine: &Engine, side: Side, who: u64, deadline: Option<Instant>) -> Result<bool> {
        let (mine, other) = self.halves(side);
        let phase = mine.note_wait(who, false)?;
        let came = engine.wait(|| other.handed.done() > phase, &other.seats, deadline);
        // A wait inside a task has looked after the task's data.
        let result = came.and_then(|came| if came && !inside_task() { engine.has_waited().map(|()| true) } else { Ok(came) });
        mine.with(who, |p| {
            // Otherwise it may wait again.
            p.waited = matches!(result, Ok(true));
            p.finish();
            Ok(())
        })?;
        result
    }

    /// Whether `wait` would return at once.
    pub fn test(&self, side: Side, who: u64) -> Result<bool> {
        let (mine, other) = self.halves(side);
        mine.with(who, |p| {
            if mine.is_first && !p.handed {
                fail!(WrongOrder, "a test in phase {} before this side handed off; hand off first", p.phase);
            }
            Ok(other.handed.done() > p.phase)
        })
    }

    /// What an operation that waits for the host has to wait for. Any number of operations may, in one phase.
    pub fn deferred_wait(&self, who: u64) -> Result<(&NamedPhases, u64)> {
        let phase = self.tasks.note_wait(who, true)?;
        Ok((&self.host.handed, phase))
    }

    /// The phase in which an operation will hand off. The second part is what keeps hand-offs in order.
    pub fn deferred_hand_off(&self, who: u64) -> Result<(u64, Option<(&NamedPhases, u64)>)> {
        let phase = self.tasks.note_hand_off(who, true)?;
        Ok((phase, phase.checked_sub(1).map(|before| (&self.tasks.handed, before))))
    }

    /// After deferred use: the next phase.
    pub fn advance(&self, who: u64) -> Result<()> {
        self.tasks.with(who, |p| {
            if p.finish() {
                return Ok(());
            }
            fail!(
                WrongOrder,
                "phase {} is not over: no operation was launched that {}; launch it before the advance, or the host waits for ever",
                p.phase,
                if p.handed { "waits for the handshake" } else { "arrives at the handshake" }
            )
        })
    }

    /// Who waits for whom.
    pub fn waits(&self, handle: u64) -> impl Iterator<Item = String> {
        let text = |half: &Half, (who, whose): (&str, &str)| {
            let waits = half.handed.has_waiters() || half.seats.has_sleepers();
            let (phase, count) = (half.handed.done(), u64::from(half.participants.count()));
            let came = half.arrivals.load(Ordering::Relaxed) - phase * count;
            waits.then(|| format!("{who} for the {whose} hand-off in the handshake {handle:#x}: {came} of {count} have come in phase {phase}"))
        };
        [text(&self.host, ("tasks wait", "host's")), text(&self.tasks, ("the host waits", "tasks'"))].into_iter().flatten()
    }

    /// Operations wait for it no longer.
    pub fn release(&self, engine: &Engine) {
        for half in [&self.host, &self.tasks] {
            half.handed.advance_to(&engine.graph, u64::MAX, &mut |n| engine.offer(n));
        }
    }

    /// Whether somebody is in the middle of a phase.
    pub fn in_use(&self) -> bool {
        [&self.host, &self.tasks].iter().any(|half| half.participants.any_waited())
    }
}

impl Arrival for Handshake {
    fn arrive(&self, engine: &Engine, _phase: u64, _error: u32) {
        // A failure reaches the host through its wait, which tells of every failure; and later hand-offs come after this one.
        self.tasks.arrive(engine);
    }
}
