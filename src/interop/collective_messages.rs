//! What ranks that share no memory tell each other about a dynamic collective.

use super::handle::Handle;
use super::results::Outcome;
use super::Collectives;
use crate::base::{Error, Result};
use crate::event::Value;
use crate::fail;
use crate::operation::Engine;
use crate::transport::{Message, Messages, Topic};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// To the owner.
    Arrive { phase: u64, outcome: Outcome },
    Subscribe,
    Unsubscribe,
    /// From the owner: the outcomes of phases from this one on, in the payload.
    Results { first: u64 },
    /// The collective is no more.
    Gone,
    /// The owner could not do what it was told to; the payload says why.
    Refused,
}

impl Note {
    fn words(self, handle: u64) -> [u64; 6] {
        let [verb, phase, a, b, code] = match self {
            Note::Arrive { phase, outcome: ([a, b], code) } => [1, phase, a, b, code],
            Note::Subscribe => [2, 0, 0, 0, 0],
            Note::Unsubscribe => [3, 0, 0, 0, 0],
            Note::Results { first } => [4, first, 0, 0, 0],
            Note::Gone => [5, 0, 0, 0, 0],
            Note::Refused => [6, 0, 0, 0, 0],
        };
        [verb, handle, phase, a, b, code]
    }

    fn of(words: &[u64; 6]) -> Result<(Self, u64)> {
        let &[verb, handle, phase, a, b, code] = words;
        let note = match verb {
            1 => Note::Arrive { phase, outcome: ([a, b], code) },
            2 => Note::Subscribe,
            3 => Note::Unsubscribe,
            4 => Note::Results { first: phase },
            5 => Note::Gone,
            6 => Note::Refused,
            _ => fail!(Internal, "a message about a dynamic collective says {verb}, which is none of this library's words"),
        };
        Ok((note, handle))
    }

    pub fn send(self, messages: &Messages, to: u32, handle: u64) {
        messages.tell(to, Topic::Collective, self.words(handle));
    }

    pub fn send_to_owner(self, messages: &Messages, handle: u64) {
        self.send(messages, Handle::of(handle).owner, handle);
    }
}

const OUTCOME_BYTES: usize = size_of::<[u64; 3]>();

pub(super) fn send_results(messages: &Messages, to: u32, handle: u64, first: u64, outcomes: &[Outcome]) {
    let mut message = messages.write(Topic::Collective, Note::Results { first }.words(handle), outcomes.len() * OUTCOME_BYTES);
    for (&(value, code), place) in outcomes.iter().zip(message.payload_mut().chunks_exact_mut(OUTCOME_BYTES)) {
        for (word, place) in [value[0], value[1], code].iter().zip(place.chunks_exact_mut(size_of::<u64>())) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
    }
    messages.send(to, message);
}

fn outcomes(payload: &[u8]) -> impl Iterator<Item = Outcome> + '_ {
    payload.chunks_exact(OUTCOME_BYTES).map(|outcome| {
        let word = |i: usize| u64::from_ne_bytes(outcome[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        let value: Value = [word(0), word(1)];
        (value, word(2))
    })
}

fn refuse(messages: &Messages, to: u32, handle: u64, error: &Error) {
    messages.tell_text(to, Topic::Collective, Note::Refused.words(handle), &error.text);
}

/// Does what a message says.
pub fn receive_collective(engine: &Engine, collectives: &Collectives, message: &Message) {
    let (from, messages) = (message.from(), collectives.messages());
    let (note, handle) = match Note::of(message.words()) {
        Ok(read) => read,
        Err(error) => {
            engine.fail(format!("from rank {from}: {}", error.text));
            return;
        }
    };
    match note {
        Note::Arrive { phase, outcome: (value, code) } => {
            if let Err(error) = collectives.get(handle).and_then(|collective| collective.arrive_with(engine, phase, value, code)) {
                refuse(messages, from, handle, &error);
            }
        }
        Note::Subscribe => match collectives.get(handle) {
            Ok(collective) => {
                // Ranks of this node may complete phases, too; this one passes it on.
                collectives.listen_for_others(collective);
                collective.subscribe(engine, from);
            }
            Err(_) => Note::Gone.send(messages, from, handle),
        },
        // These may cross the end of the collective, or of this rank's interest: then there is nothing to do.
        Note::Unsubscribe => collectives.met(handle).into_iter().for_each(|collective| collective.unsubscribe(from)),
        Note::Results { first } => {
            collectives.met(handle).into_iter().for_each(|collective| collective.learn(engine, first, outcomes(message.payload())));
        }
        Note::Gone => collectives.met(handle).into_iter().for_each(|collective| collective.end(engine)),
        Note::Refused => {
            let text = String::from_utf8_lossy(message.payload());
            engine.fail_here(format!(
                "an arrival of rank {} at the dynamic collective {handle:#x} of rank {from} was refused there: {text}",
                engine.rank
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_survive_the_journey() {
        let notes = [
            Note::Arrive { phase: u64::MAX, outcome: ([3, u64::MAX], 7 << 32) },
            Note::Subscribe,
            Note::Unsubscribe,
            Note::Results { first: 1 << 40 },
            Note::Gone,
            Note::Refused,
        ];
        for note in notes {
            assert_eq!(Note::of(&note.words(77)), Ok((note, 77)));
        }
        assert!(Note::of(&[99, 0, 0, 0, 0, 0]).is_err());
    }
}
