//! Tells other ranks what failed on this one and that it ends, and hears the same of them: on boards in memory that ranks share, by
//! messages between others. A failure is known wherever it is told before anything that depends on it arrives there. That a rank ends
//! only those of other nodes are told that it had to do with.

use super::attention::Listener;
use crate::base::{Error, Status};
use crate::operation::{Engine, Failures, MOST_TEXT};
use crate::transport::{Board, Message, Messages, NodeMemory, Topic, NOTICE_BYTES};
use crate::base::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

const _: () = assert!(MOST_TEXT <= NOTICE_BYTES);

/// All failures are one object to listen to.
pub const PIGEONHOLE: usize = 0;

pub struct Herald {
    memory: Arc<NodeMemory>,
    messages: Arc<Messages>,
    /// Notices read of each rank; held while this rank posts or reads.
    read: Mutex<Vec<u32>>,
    /// By rank, of those of other nodes.
    leaving: Box<[AtomicBool]>,
}

impl Herald {
    pub fn new(memory: Arc<NodeMemory>, messages: Arc<Messages>) -> Self {
        let read = Mutex::new(vec![0; memory.size() as usize]);
        let leaving = (0..memory.size()).map(|_| AtomicBool::new(false)).collect();
        Self { memory, messages, read, leaving }
    }

    /// The program on this rank is about to end the runtime.
    pub fn take_leave(&self) {
        self.memory.board(self.memory.rank()).expect("one's own").leave();
        if !self.messages.abandoned() {
            let far = |&rank: &u32| self.memory.of(rank).is_none() && self.messages.knows(rank);
            self.others().filter(far).for_each(|rank| self.messages.tell(rank, Topic::Leave, [0; 6]));
        }
    }

    /// A rank of another node said so.
    pub fn heard_leave(&self, rank: u32) {
        self.leaving[rank as usize].store(true, Ordering::Release);
    }

    /// Whether the program on a rank is about to end the runtime, as far as this one was told.
    pub fn leaves(&self, rank: u32) -> bool {
        let told = || self.leaving[rank as usize].load(Ordering::Acquire);
        self.memory.board(rank).map_or_else(told, Board::leaves)
    }

    fn others(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.memory.size()).filter(|&rank| rank != self.memory.rank())
    }

    /// This rank failed.
    pub fn announce(&self, code: u64, text: &str) {
        let own = self.read.lock();
        self.memory.board(self.memory.rank()).expect("one's own").post(code, text);
        drop(own);
        self.memory.ring_out(PIGEONHOLE);
        for rank in self.others().filter(|&rank| self.memory.of(rank).is_none()) {
            self.send(rank, code, text);
        }
    }

    fn send(&self, rank: u32, code: u64, text: &str) {
        self.messages.tell_text(rank, Topic::Failure, [code, 0, 0, 0, 0, 0], text);
    }

    /// Call before a message that names a failure by its code (or none, 0): what the rank where it failed announces may come
    /// later than that.
    pub fn pass_on(&self, engine: &Engine, rank: u32, code: u64) {
        if code != 0 {
            let number = engine.failure_of(code);
            self.send(rank, code, &engine.failures.error(number).text);
        }
    }

    /// What another rank announced by a message. Ranks that share memory with this one may meet its code in that memory before
    /// they hear of it, and find it on this rank's board then.
    pub fn heard(&self, engine: &Engine, message: &Message) {
        let (code, text) = (message.words()[0], String::from_utf8_lossy(message.payload()));
        engine.learn(code, || {
            let own = self.read.lock();
            self.memory.board(self.memory.rank()).expect("one's own").post(code, &text);
            drop(own);
            Error::new(Status::TaskFailed, &*text)
        });
    }
}

impl Listener for Herald {
    fn look(&self, engine: &Engine) -> bool {
        let mut news = Vec::new();
        let mut read = self.read.lock();
        for rank in self.others() {
            let Some(board) = self.memory.board(rank) else { continue };
            let seen = &mut read[rank as usize];
            news.extend((*seen..board.posted()).filter_map(|number| board.read(number)));
            *seen = board.posted();
        }
        drop(read);
        for (code, text) in &news {
            debug_assert_ne!(Failures::origin(*code), engine.rank);
            engine.learn(*code, || Error::new(Status::TaskFailed, &**text));
        }
        !news.is_empty()
    }
}
