//! What failed, by number. A number fits beside a node of the graph; the text is looked up when somebody asks.

use crate::base::{Error, Status};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Failures are rare, so they are never thrown away: a number stays good until the runtime ends.
#[derive(Default)]
pub struct Failures {
    texts: Mutex<Vec<Box<str>>>,
    count: AtomicU32,
}

impl Failures {
    /// The number of a new failure; from 1.
    pub fn add(&self, text: String) -> u32 {
        let mut texts = self.texts.lock();
        texts.push(text.into());
        let number = texts.len() as u32;
        self.count.store(number, Ordering::Release);
        number
    }

    /// How many there have been: a waiter that saw fewer when it began looks at what is new.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    pub fn error(&self, number: u32) -> Error {
        Error::new(Status::TaskFailed, self.texts.lock()[number as usize - 1].clone())
    }
}
