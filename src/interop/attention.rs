//! How a rank learns what other ranks did: they send messages, or ring its bell when they changed memory that they share, and
//! whoever polls first, or the thread that sleeps at the bell, has those look that listen where something changed.

use super::herald::{self, Herald};
use crate::operation::{Engine, Outside};
use crate::transport::{Messages, NodeMemory, PIGEONHOLES};
use crate::base::sync::Mutex;
use std::sync::atomic::{fence, AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Something that other ranks change.
pub trait Listener: Send + Sync {
    /// Tells this rank's operations what is new; whether anything was.
    fn look(&self, engine: &Engine) -> bool;
}

pub struct Attention {
    pub memory: Arc<NodeMemory>,
    pub messages: Arc<Messages>,
    pub herald: Arc<Herald>,
    /// By pigeonhole.
    listening: Mutex<Box<[Vec<Arc<dyn Listener>>]>>,
    /// The bell's count up to which the listeners looked.
    answered: AtomicU32,
    closing: AtomicBool,
}

impl Attention {
    pub fn new(memory: Arc<NodeMemory>, messages: Arc<Messages>) -> Self {
        let herald = Arc::new(Herald::new(memory.clone(), messages.clone()));
        let mut listening: Box<[Vec<Arc<dyn Listener>>]> = (0..PIGEONHOLES).map(|_| Vec::new()).collect();
        listening[herald::PIGEONHOLE].push(herald.clone());
        let (answered, closing) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { memory, messages, herald, listening: Mutex::new(listening), answered, closing }
    }

    /// From here on something waits for what other ranks change. Whoever calls looks afterwards whether it has come.
    pub fn begin_awaiting(&self) {
        self.memory.bell().begin_awaiting();
    }

    pub fn end_awaiting(&self) {
        self.memory.bell().end_awaiting();
    }

    /// From here on it looks when the bell was rung for its pigeonhole. Whoever calls makes it look afterwards.
    pub fn listen(&self, listener: Arc<dyn Listener>, pigeonhole: usize) {
        if self.memory.size() > 1 {
            self.listening.lock()[pigeonhole].push(listener);
        }
    }

    pub fn forget(&self, listener: &Arc<dyn Listener>, pigeonhole: usize) {
        self.listening.lock()[pigeonhole].retain(|other| !Arc::ptr_eq(other, listener));
    }

    fn answer(&self, engine: &Engine, listening: &[Vec<Arc<dyn Listener>>]) -> bool {
        // Before they look: what rings from here on is answered next time.
        self.answered.store(self.memory.bell().count(), Ordering::SeqCst);
        let mut moved = false;
        self.memory.news().take(|pigeonhole| {
            for listener in &listening[pigeonhole] {
                moved |= listener.look(engine);
            }
        });
        moved
    }

    /// The body of the thread that sleeps at the bell: it answers when every other thread sleeps or is elsewhere.
    pub fn attend(&self, engine: &Engine) {
        let bell = self.memory.bell();
        while !self.closing.load(Ordering::Acquire) {
            let count = bell.count();
            // Whoever may drive messages may sleep without an eye on them.
            if self.messages.mail_came() {
                self.messages.wake();
            }
            if count == self.answered.load(Ordering::Acquire) {
                bell.listen(count);
            } else {
                self.answer(engine, &self.listening.lock());
            }
        }
    }

    /// Ends `attend`.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.memory.bell().ring_out();
    }
}

impl Outside for Attention {
    #[inline]
    fn poll(&self, engine: &Engine) -> bool {
        let mut moved = self.messages.poll();
        // A ring that comes while one thread answers is not lost on another that finds the lock taken: the first looks
        // again after it gave the lock back. The fences order the look before the lock against the one after it.
        while self.memory.bell().count() != self.answered.load(Ordering::Acquire) {
            fence(Ordering::SeqCst);
            let Some(listening) = self.listening.try_lock() else { break };
            moved |= self.answer(engine, &listening);
            drop(listening);
            fence(Ordering::SeqCst);
        }
        moved
    }

    fn begin_polling(&self) {
        self.memory.bell().begin_polling();
    }

    fn end_polling(&self) {
        self.memory.bell().end_polling();
    }

    fn poll_interval(&self) -> Option<Duration> {
        // The bell has a listener of its own; and so have messages where any thread may drive them.
        match self.messages.needs_attendant() {
            true => None,
            false => self.messages.poll_interval(),
        }
    }

    fn announce(&self, code: u64, text: &str) {
        self.herald.announce(code, text);
    }

    fn hear(&self, engine: &Engine) {
        self.herald.look(engine);
    }
}
