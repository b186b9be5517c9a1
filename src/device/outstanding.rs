//! Which events have happened, with as few questions to drivers as there are streams.

use super::handles::{Event, Position};
use crate::base::Result;
use smallvec::SmallVec;

/// Of each stream the first event that has not happened, as far as is known: drivers are not asked for those behind it.
#[derive(Default)]
pub struct Outstanding(SmallVec<[Position; 8]>);

impl Outstanding {
    /// `None`: not all have happened.
    pub fn outcome(&mut self, events: &[Event]) -> Option<Result<()>> {
        let mut result = Ok(());
        for event in events {
            match self.done(event) {
                Ok(true) => (),
                Ok(false) => return None,
                Err(error) => result = Err(error),
            }
        }
        Some(result)
    }

    pub fn done(&mut self, event: &Event) -> Result<bool> {
        let position = event.position();
        let known = self.0.iter_mut().find(|known| known.stream == position.stream);
        if known.as_ref().is_some_and(|known| known.number <= position.number) {
            return Ok(false);
        }
        let done = event.done()?;
        match known {
            _ if done => (),
            Some(known) => *known = position,
            None => self.0.push(position),
        }
        Ok(done)
    }
}
