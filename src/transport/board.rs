//! What a rank lets the others of its node read: which process it is, whether it is still there or about to end, and what failed on it.
//! Lies at one place in the memory of every rank; new memory, all zero, is a board with nothing on it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes of a notice's text.
pub const NOTICE_BYTES: usize = 1000;
const NOTICES: usize = 32;

#[repr(C, align(128))]
pub struct Board {
    process: AtomicU32,
    ended: AtomicU32,
    leaves: AtomicU32,
    /// Notices that are complete. Only the owner adds.
    posted: AtomicU32,
    notices: [Notice; NOTICES],
}

#[repr(C)]
struct Notice {
    code: AtomicU64,
    bytes: AtomicU64,
    text: [AtomicU64; NOTICE_BYTES / 8],
}

impl Board {
    /// The owner is there.
    pub fn sign(&self) {
        self.process.store(std::process::id(), Ordering::Release);
    }

    /// The owner's program is about to end its runtime.
    pub fn leave(&self) {
        self.leaves.store(1, Ordering::Release);
    }

    pub fn leaves(&self) -> bool {
        self.leaves.load(Ordering::Acquire) != 0
    }

    /// The owner needs the others no longer, and may be gone at any time.
    pub fn sign_off(&self) {
        self.ended.store(1, Ordering::Release);
    }

    /// The owner's process, unless it has signed off.
    pub fn process(&self) -> Option<u32> {
        let process = self.process.load(Ordering::Acquire);
        (process != 0 && self.ended.load(Ordering::Acquire) == 0).then_some(process)
    }

    /// By one thread of the owner at a time. A board that is full takes no more.
    pub fn post(&self, code: u64, text: &str) {
        let posted = self.posted();
        let Some(notice) = self.notices.get(posted as usize) else { return };
        let bytes = &text.as_bytes()[..text.len().min(NOTICE_BYTES)];
        notice.code.store(code, Ordering::Relaxed);
        notice.bytes.store(bytes.len() as u64, Ordering::Relaxed);
        for (word, part) in notice.text.iter().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..part.len()].copy_from_slice(part);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        self.posted.store(posted + 1, Ordering::Release);
    }

    pub fn posted(&self) -> u32 {
        self.posted.load(Ordering::Acquire)
    }

    /// A notice that `posted` counts: its code and text.
    pub fn read(&self, number: u32) -> Option<(u64, String)> {
        let notice = self.notices.get(number as usize)?;
        let words = notice.text.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes: Vec<u8> = words.take(notice.bytes.load(Ordering::Relaxed) as usize).collect();
        Some((notice.code.load(Ordering::Relaxed), String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_read_as_they_were_posted() {
        // All zero, as new memory.
        let board: Box<Board> = unsafe { Box::new(std::mem::zeroed()) };
        assert_eq!((board.posted(), board.process()), (0, None));
        let long = "x".repeat(NOTICE_BYTES + 1);
        for (code, text) in [(7, "task \"α\" failed"), (8, ""), (9, &*long)] {
            board.post(code, text);
            let cut = text[..text.len().min(NOTICE_BYTES)].to_string();
            assert_eq!(board.read(board.posted() - 1), Some((code, cut)));
        }
        (0..100).for_each(|code| board.post(code, "more"));
        assert_eq!((board.posted() as usize, board.read(NOTICES as u32)), (NOTICES, None));
    }

    #[test]
    fn an_owner_is_there_from_signing_to_signing_off() {
        let board: Box<Board> = unsafe { Box::new(std::mem::zeroed()) };
        board.sign();
        assert_eq!((board.process(), board.leaves()), (Some(std::process::id()), false));
        board.leave();
        assert_eq!((board.process(), board.leaves()), (Some(std::process::id()), true));
        board.sign_off();
        assert_eq!(board.process(), None);
    }
}
