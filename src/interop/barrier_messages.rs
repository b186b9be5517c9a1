//! What ranks that share no memory tell each other about a phase barrier.

use super::handle::Handle;
use super::Barriers;
use crate::base::{Error, Result};
use crate::fail;
use crate::operation::Engine;
use crate::transport::{Message, Messages, Topic};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// To the owner.
    Arrive { phase: u64, count: u32 },
    Alter { phase: u64, delta: i32 },
    Subscribe,
    Unsubscribe,
    /// From the owner: so many phases are complete.
    Done { done: u64 },
    /// So many phases are complete, and the barrier is no more.
    Gone { done: u64 },
    /// The owner could not do what it was told to; the payload says why.
    Refused,
    /// To the owner or from it, ahead of an arrival or of `Done`: this phase fails.
    Failed { phase: u64, code: u64 },
}

impl Note {
    fn words(self, handle: u64) -> [u64; 6] {
        let [verb, a, b] = match self {
            Note::Arrive { phase, count } => [1, phase, count.into()],
            Note::Alter { phase, delta } => [2, phase, delta as u64],
            Note::Subscribe => [3, 0, 0],
            Note::Unsubscribe => [4, 0, 0],
            Note::Done { done } => [5, done, 0],
            Note::Gone { done } => [6, done, 0],
            Note::Refused => [7, 0, 0],
            Note::Failed { phase, code } => [8, phase, code],
        };
        [verb, handle, a, b, 0, 0]
    }

    fn of(words: &[u64; 6]) -> Result<(Self, u64)> {
        let &[verb, handle, a, b, ..] = words;
        let note = match verb {
            1 => Note::Arrive { phase: a, count: b as u32 },
            2 => Note::Alter { phase: a, delta: b as i32 },
            3 => Note::Subscribe,
            4 => Note::Unsubscribe,
            5 => Note::Done { done: a },
            6 => Note::Gone { done: a },
            7 => Note::Refused,
            8 => Note::Failed { phase: a, code: b },
            _ => fail!(Internal, "a message about a phase barrier says {verb}, which is none of this library's words"),
        };
        Ok((note, handle))
    }

    pub fn send(self, messages: &Messages, to: u32, handle: u64) {
        messages.tell(to, Topic::Barrier, self.words(handle));
    }

    pub fn send_to_owner(self, messages: &Messages, handle: u64) {
        self.send(messages, Handle::of(handle).owner, handle);
    }
}

fn refuse(messages: &Messages, to: u32, handle: u64, error: &Error) {
    messages.tell_text(to, Topic::Barrier, Note::Refused.words(handle), &error.text);
}

/// Does what a message says.
pub fn receive_barrier(engine: &Engine, barriers: &Barriers, message: &Message) {
    let (from, messages) = (message.from(), barriers.messages());
    let (note, handle) = match Note::of(message.words()) {
        Ok(read) => read,
        Err(error) => {
            engine.fail(format!("from rank {from}: {}", error.text));
            return;
        }
    };
    match note {
        Note::Arrive { phase, count } => {
            if let Err(error) = barriers.get(handle).and_then(|barrier| barrier.arrive(engine, phase, count)) {
                refuse(messages, from, handle, &error);
            }
        }
        Note::Alter { phase, delta } => {
            if let Err(error) = barriers.get(handle).and_then(|barrier| barrier.alter(engine, phase, delta)) {
                refuse(messages, from, handle, &error);
            }
        }
        Note::Subscribe => match barriers.get(handle) {
            Ok(barrier) => {
                // Ranks of this node may complete phases, too; this one passes it on.
                barriers.cell_of(engine, barrier);
                barrier.subscribe(engine, from);
            }
            Err(_) => Note::Gone { done: 0 }.send(messages, from, handle),
        },
        // These may cross the end of the barrier, or of this rank's interest: then there is nothing to do.
        Note::Unsubscribe => barriers.met(handle).into_iter().for_each(|barrier| barrier.unsubscribe(from)),
        Note::Done { done } => barriers.met(handle).into_iter().for_each(|barrier| barrier.learn(engine, done)),
        Note::Gone { done } => barriers.met(handle).into_iter().for_each(|barrier| barrier.end(engine, done)),
        Note::Refused => {
            let text = String::from_utf8_lossy(message.payload());
            engine.fail_here(format!(
                "an arrival or alteration of rank {} at the phase barrier {handle:#x} of rank {from} was refused there: {text}",
                engine.rank
            ));
        }
        Note::Failed { phase, code } => {
            let error = engine.failure_of(code);
            barriers.met(handle).into_iter().for_each(|barrier| barrier.fail(engine, phase, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_survive_the_journey() {
        let notes = [
            Note::Arrive { phase: u64::MAX, count: u32::MAX },
            Note::Alter { phase: 3, delta: -7 },
            Note::Subscribe,
            Note::Unsubscribe,
            Note::Done { done: 1 << 40 },
            Note::Gone { done: 9 },
            Note::Refused,
            Note::Failed { phase: 5, code: u64::MAX },
        ];
        for note in notes {
            assert_eq!(Note::of(&note.words(77)), Ok((note, 77)));
        }
        assert!(Note::of(&[99, 0, 0, 0, 0, 0]).is_err());
    }
}
