//! What a message is written in: a header and a payload, in memory that is used again, and the box into which any thread
//! puts what is to be sent. In steady state nothing is allocated and nothing is locked.

use super::cargo::Cargo;
use crate::base::sync::atomic::{AtomicPtr, Ordering};
use std::ptr::null_mut;

/// Messages are made of whole lines: counted in lines, a payload may exceed the 2 GiB that MPI's counts of bytes reach.
#[repr(C, align(64))]
#[derive(Clone, Copy, Default)]
pub struct Line([u64; 8]);

/// The rest of the word counts the lines of cargo.
const TOPIC_BITS: u32 = 8;

/// Words of a message's header that belong to its sender.
pub const WORDS: usize = 6;

pub struct Letter {
    /// The letter that was put into the box before this one; while it lies there.
    next: *mut Letter,
    /// Where it goes to, or comes from.
    pub rank: u32,
    /// The transport's, while it moves the letter.
    pub request: u64,
    /// What travels with it, and the transport's word for that.
    pub cargo: Option<Box<dyn Cargo>>,
    pub cargo_request: u64,
    lines: usize,
    /// The first line is the header: topic and lines of cargo, length of the payload in bytes, and the sender's words.
    store: Box<[Line]>,
}

// `next` is followed by whoever took the letters out of the box, and they are its own.
unsafe impl Send for Letter {}

const SMALLEST: usize = 4;

impl Letter {
    /// The number of lines that a payload of `bytes` needs.
    pub fn lines_for(bytes: usize) -> usize {
        1 + bytes.div_ceil(size_of::<Line>())
    }

    /// Letters of one class hold equally much.
    pub fn class_of(lines: usize) -> usize {
        (lines.max(SMALLEST).next_power_of_two() / SMALLEST).trailing_zeros() as usize
    }

    pub fn new(lines: usize) -> Box<Self> {
        let room = SMALLEST << Self::class_of(lines);
        Box::new(Self { next: null_mut(), rank: 0, request: 0, cargo: None, cargo_request: 0, lines, store: vec![Line::default(); room].into() })
    }

    pub fn class(&self) -> usize {
        Self::class_of(self.store.len())
    }

    /// Uses so many lines from now on, as many as the class holds at most.
    pub fn resize(&mut self, lines: usize) {
        assert!(lines <= self.store.len());
        self.lines = lines;
    }

    pub fn lines(&self) -> &[Line] {
        &self.store[..self.lines]
    }

    pub fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.store[..self.lines]
    }

    pub fn address(&mut self, topic: u64, bytes: usize, words: [u64; WORDS]) {
        let header = &mut self.store[0].0;
        header[0] = topic;
        header[1] = bytes as u64;
        header[2..].copy_from_slice(&words);
    }

    pub fn topic(&self) -> u64 {
        self.store[0].0[0] & ((1 << TOPIC_BITS) - 1)
    }

    /// How many lines of cargo it announces.
    pub fn cargo_lines(&self) -> usize {
        (self.store[0].0[0] >> TOPIC_BITS) as usize
    }

    /// From now on this travels with it.
    pub fn carry(&mut self, cargo: Box<dyn Cargo>) {
        self.store[0].0[0] = self.topic() | (cargo.lines() as u64) << TOPIC_BITS;
        self.cargo = Some(cargo);
    }

    pub fn words(&self) -> &[u64; WORDS] {
        self.store[0].0[2..].try_into().expect("a line is a header")
    }

    fn bytes(&self) -> usize {
        // What a peer wrote is not trusted with this rank's memory.
        (self.store[0].0[1] as usize).min((self.lines - 1) * size_of::<Line>())
    }

    pub fn payload(&self) -> &[u8] {
        // Lines are plain words, initialised when they were made.
        unsafe { std::slice::from_raw_parts(self.store.as_ptr().add(1).cast(), self.bytes()) }
    }

    pub fn payload_mut(&mut self) -> &mut [u8] {
        let bytes = self.bytes();
        unsafe { std::slice::from_raw_parts_mut(self.store.as_mut_ptr().add(1).cast(), bytes) }
    }
}

/// A stack that any thread pushes to; one takes all there is at once, so that no letter is looked at while another thread
/// may take it.
#[derive(Default)]
pub struct Outbox(AtomicPtr<Letter>);

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire).is_null()
    }

    pub fn put(&self, letter: Box<Letter>) {
        let letter = Box::into_raw(letter);
        let mut head = self.0.load(Ordering::Relaxed);
        loop {
            // Not in the box yet, so this thread's.
            unsafe { (*letter).next = head };
            match self.0.compare_exchange_weak(head, letter, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// All letters, the first one put in first.
    pub fn take(&self) -> Letters {
        let mut newest = self.0.swap(null_mut(), Ordering::Acquire);
        let mut oldest = null_mut();
        while !newest.is_null() {
            // Out of the box, so this thread's.
            let before = unsafe { std::mem::replace(&mut (*newest).next, oldest) };
            oldest = newest;
            newest = before;
        }
        Letters(oldest)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.take().for_each(drop);
    }
}

pub struct Letters(*mut Letter);

impl Iterator for Letters {
    type Item = Box<Letter>;

    fn next(&mut self) -> Option<Box<Letter>> {
        // Made by `Box::into_raw` in `put`.
        let mut letter = (!self.0.is_null()).then(|| unsafe { Box::from_raw(self.0) })?;
        self.0 = std::mem::replace(&mut letter.next, null_mut());
        Some(letter)
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_letter_holds_its_payload() {
        for bytes in [0, 1, 64, 65, 192, 193, 100_000] {
            let mut letter = Letter::new(Letter::lines_for(bytes));
            letter.address(3, bytes, [1, 2, 3, 4, 5, 6]);
            letter.payload_mut().fill(7);
            assert_eq!((letter.topic(), *letter.words()), (3, [1, 2, 3, 4, 5, 6]));
            assert!(letter.payload().len() == bytes && letter.payload().iter().all(|&b| b == 7));
            assert_eq!(letter.class(), Letter::class_of(letter.lines().len()));
        }
    }

    #[test]
    fn a_header_that_lies_about_the_length_is_not_believed() {
        let mut letter = Letter::new(Letter::lines_for(64));
        letter.address(0, 1 << 40, [0; WORDS]);
        assert_eq!(letter.payload().len(), 64);
    }

    #[test]
    fn letters_of_a_thread_come_out_in_order() {
        const EACH: u64 = 2000;
        let outbox = Outbox::default();
        let (mut next, mut came) = ([0; 3], 0);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let outbox = &outbox;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let mut letter = Letter::new(1);
                        letter.address(thread, 0, [number; WORDS]);
                        outbox.put(letter);
                    }
                });
            }
            while came < 3 * EACH {
                for letter in outbox.take() {
                    let expected: &mut u64 = &mut next[letter.topic() as usize];
                    assert_eq!(letter.words()[0], *expected);
                    *expected += 1;
                    came += 1;
                }
            }
        });
        assert!(outbox.is_empty());
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc};

    #[test]
    fn model_every_letter_is_taken_once_and_in_order() {
        loom::model(|| {
            let outbox = Arc::new(Outbox::default());
            let other = outbox.clone();
            let sender = thread::spawn(move || {
                for number in 0..2 {
                    let mut letter = Letter::new(1);
                    letter.rank = number;
                    other.put(letter);
                }
            });
            let mut own = Letter::new(1);
            own.rank = 7;
            outbox.put(own);
            let mut seen: Vec<u32> = outbox.take().map(|letter| letter.rank).collect();
            sender.join().unwrap();
            seen.extend(outbox.take().map(|letter| letter.rank));
            assert_eq!(seen.len(), 3);
            seen.retain(|&rank| rank != 7);
            assert_eq!(seen, [0, 1]);
        });
    }
}
