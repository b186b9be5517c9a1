//! Messages between ranks: any thread sends, and what comes is given to the handler of its topic.
//!
//! Messages from one thread to one rank arrive, and are handled, in the order in which they were sent. A thread that may
//! not call the transport (see `Transport::may_drive`), or finds another one driving, leaves its message in the outbox: it
//! pushes, fences and tries the lock; whoever drives gives the lock back, fences and looks at the outbox. One of the two
//! sees the other, so that no message stays behind.
//!
//! Nobody asks the transport for messages unless some may come: always if some rank shares no memory with this one;
//! else when a peer counted one in this rank's `mail`, or while one's own are on their way.

use super::cargo::Cargo;
use super::letter::{Letter, Line, Outbox, WORDS};
use super::pool::{Plain, Pool};
use super::{NodeMemory, Transport};
use crate::base::{Error, Result, Status};
use crate::fail;
use crate::base::sync::Mutex;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::atomic::{fence, AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// What a message is about. Each topic has one handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Topic {
    Barrier,
    Collective,
    Ghost,
    Failure,
    Leave,
}

const TOPICS: usize = 5;
/// What messages are about, for a reader.
const ABOUT: [&str; TOPICS] = ["a phase barrier", "a dynamic collective", "a ghost region", "a failure", "the end of a rank"];
/// Messages handled before the driver looks at the outbox again, and sends looked at in one turn.
const TURN: usize = 32;
/// How long a thread that may drive sleeps at least and at most before it looks again.
const NAPS: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

/// A message, being written or received: some words and a payload, in memory that is used again when it is dropped. May be
/// kept, and read on any thread.
pub struct Message {
    letter: ManuallyDrop<Box<Letter>>,
    pool: Arc<Pool>,
}

impl Message {
    /// The rank that sent it.
    pub fn from(&self) -> u32 {
        self.letter.rank
    }

    pub fn words(&self) -> &[u64; WORDS] {
        self.letter.words()
    }

    /// Begins on a cache line.
    pub fn payload(&self) -> &[u8] {
        self.letter.payload()
    }

    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.letter.payload_mut()
    }

    /// Sends memory along, which nobody touches from here on.
    pub fn carry(&mut self, cargo: Box<dyn Cargo>) {
        self.letter.carry(cargo);
    }

    /// How many lines come with it.
    pub fn cargo_lines(&self) -> usize {
        self.letter.cargo_lines()
    }

    /// What came with it.
    pub fn take_cargo(&mut self) -> Option<Box<dyn Cargo>> {
        self.letter.cargo.take()
    }

    fn into_letter(self) -> Box<Letter> {
        let mut message = ManuallyDrop::new(self);
        // Not dropped afterwards; the pool's count is given back by hand.
        unsafe {
            std::ptr::drop_in_place(&mut message.pool);
            ManuallyDrop::take(&mut message.letter)
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // Taken once: `into_letter` forgets the message.
        self.pool.give(unsafe { ManuallyDrop::take(&mut self.letter) });
    }
}

type Handler = Box<dyn Fn(Message) + Send + Sync>;
type Berth = Box<dyn Fn(&Message) -> Option<Box<dyn Cargo>> + Send + Sync>;

struct Incoming {
    letter: Box<Letter>,
    complete: bool,
}

impl Incoming {
    /// The letter is there, and nothing of the cargo that it announces.
    fn waits_for_cargo(&self) -> bool {
        self.complete && self.letter.cargo.is_none() && self.letter.cargo_lines() > 0
    }

    /// All of it is there or on its way.
    fn is_begun(&self) -> bool {
        self.letter.cargo.is_some() || self.complete && self.letter.cargo_lines() == 0
    }
}

/// What the transport is moving; the driver's.
#[derive(Default)]
struct Traffic {
    leaving: VecDeque<Box<Letter>>,
    /// In the order in which they were met: those of one rank are handled in this order.
    coming: VecDeque<Incoming>,
}

impl Drop for Traffic {
    fn drop(&mut self) {
        // Where a rank is lost the end is not waited for, and MPI may still read and write what it moves.
        self.leaving.drain(..).for_each(std::mem::forget);
        self.coming.drain(..).for_each(std::mem::forget);
    }
}

pub struct Messages {
    transport: Arc<dyn Transport>,
    node: Arc<NodeMemory>,
    pool: Arc<Pool>,
    outbox: Outbox,
    traffic: Mutex<Traffic>,
    handlers: [OnceLock<Handler>; TOPICS],
    berths: [OnceLock<Berth>; TOPICS],
    /// Some rank shares no memory with this one.
    far: bool,
    /// By rank.
    known: Box<[AtomicBool]>,
    /// Messages on their way from or to this rank, as far as the transport was told.
    moving: AtomicUsize,
    sent: AtomicU64,
    handled: AtomicU64,
    /// Of these, the ones from ranks that share memory with this one; wraps, as `Bell::mail` does.
    handled_near: AtomicU32,
    begin: Instant,
    /// When something moved last, in nanoseconds since `begin`.
    moved: AtomicU64,
    open: AtomicBool,
    gathering: AtomicBool,
    lost: AtomicBool,
    trouble: OnceLock<Error>,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
    attendant: OnceLock<Thread>,
}

impl Messages {
    pub fn new(transport: Arc<dyn Transport>, node: Arc<NodeMemory>) -> Self {
        let size = transport.size();
        let far = (0..size).any(|rank| node.of(rank).is_none());
        Self {
            transport,
            node,
            pool: Arc::default(),
            outbox: Outbox::default(),
            traffic: Mutex::default(),
            handlers: std::array::from_fn(|_| OnceLock::new()),
            berths: std::array::from_fn(|_| OnceLock::new()),
            far,
            known: (0..size).map(|_| AtomicBool::new(false)).collect(),
            moving: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            handled_near: AtomicU32::new(0),
            begin: Instant::now(),
            moved: AtomicU64::new(0),
            open: AtomicBool::new(false),
            gathering: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            trouble: OnceLock::new(),
            waker: OnceLock::new(),
            attendant: OnceLock::new(),
        }
    }

    pub fn rank(&self) -> u32 {
        self.transport.rank()
    }

    pub fn size(&self) -> u32 {
        self.transport.size()
    }

    /// Whether some rank shares no memory with this one.
    #[inline]
    pub fn some_are_far(&self) -> bool {
        self.far
    }

    /// The rank has to do with this one, if no message said so yet.
    pub fn know(&self, rank: u32) {
        let known = &self.known[rank as usize];
        // Written once: many threads read what lies beside it.
        if !known.load(Ordering::Relaxed) {
            known.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the rank has to do with this one.
    pub fn knows(&self, rank: u32) -> bool {
        self.known[rank as usize].load(Ordering::Relaxed)
    }

    /// Who is given the messages of a topic, one at a time, on whatever thread drives. A handler does not block; it may
    /// send, and it may keep the message. Before `open`.
    pub fn on(&self, topic: Topic, handler: impl Fn(Message) + Send + Sync + 'static) {
        assert!(self.handlers[topic as usize].set(Box::new(handler)).is_ok(), "a topic has one handler");
    }

    /// Who says where what comes with a message of a topic is received, as many lines as that announces. As for a handler; without anyone, or an
    /// answer, it is memory of the host.
    pub fn receive_cargo_at(&self, topic: Topic, berth: impl Fn(&Message) -> Option<Box<dyn Cargo>> + Send + Sync + 'static) {
        assert!(self.berths[topic as usize].set(Box::new(berth)).is_ok(), "a topic has one berth");
    }

    /// From here on messages are handled. `wake` is called when the thread that opened the transport may sleep and has
    /// something to drive, unless some thread attends.
    pub fn open(&self, wake: impl Fn() + Send + Sync + 'static) {
        assert!(self.waker.set(Box::new(wake)).is_ok(), "opened once");
        self.open.store(true, Ordering::SeqCst);
    }

    /// A message of `bytes` bytes, whose payload is whatever lay in its memory: write it, then `send`.
    pub fn write(&self, topic: Topic, words: [u64; WORDS], bytes: usize) -> Message {
        let mut letter = self.pool.take(Letter::lines_for(bytes));
        letter.address(topic as u64, bytes, words);
        self.message(letter)
    }

    /// Sends a message that `write` gave to another rank. Any thread; never blocks, and handles nothing, so that the caller
    /// may hold its locks.
    pub fn send(&self, to: u32, message: Message) {
        debug_assert!(to < self.size() && to != self.rank());
        let mut letter = message.into_letter();
        letter.rank = to;
        self.know(to);
        self.sent.fetch_add(1, Ordering::AcqRel);
        self.outbox.put(letter);
        fence(Ordering::SeqCst);
        if self.may_drive() {
            self.drive(|messages, traffic| messages.depart(traffic));
        }
        if !self.outbox.is_empty() || self.moving.load(Ordering::Acquire) != 0 {
            self.wake();
        }
    }

    /// Sends words alone.
    pub fn tell(&self, to: u32, topic: Topic, words: [u64; WORDS]) {
        self.tell_text(to, topic, words, "");
    }

    /// The same with a text as the payload.
    pub fn tell_text(&self, to: u32, topic: Topic, words: [u64; WORDS], text: &str) {
        let mut message = self.write(topic, words, text.len());
        message.payload_mut().copy_from_slice(text.as_bytes());
        self.send(to, message);
    }

    fn may_drive(&self) -> bool {
        self.open.load(Ordering::Acquire) && self.transport.may_drive()
    }

    /// Makes whoever may drive look, if it sleeps.
    pub fn wake(&self) {
        match (self.attendant.get(), self.waker.get()) {
            (Some(thread), _) => thread.unpark(),
            (None, Some(wake)) => wake(),
            (None, None) => {}
        }
    }

    /// Whether a thread has to `attend`: where any may drive, none has to be inside the library.
    pub fn needs_attendant(&self) -> bool {
        self.transport.any_thread_drives() && self.size() > 1
    }

    /// The body of the thread that drives when no other does; until `close`.
    pub fn attend(&self) {
        let first = self.attendant.set(std::thread::current());
        debug_assert!(first.is_ok(), "one thread attends");
        while self.open.load(Ordering::SeqCst) {
            self.poll();
            match self.poll_interval() {
                Some(nap) => std::thread::park_timeout(nap),
                None => std::thread::park(),
            }
        }
    }

    /// Whether a rank of this node sent something that was not handled yet.
    #[inline]
    pub fn mail_came(&self) -> bool {
        self.node.bell().mail() != self.handled_near.load(Ordering::Acquire)
    }

    /// Whether somebody has to drive now and then.
    #[inline]
    pub fn wanted(&self) -> bool {
        (self.far || self.mail_came() || self.moving.load(Ordering::Acquire) != 0 || !self.outbox.is_empty())
            && !self.lost.load(Ordering::Relaxed)
    }

    /// Drives, if the calling thread may; whether something moved.
    #[inline]
    pub fn poll(&self) -> bool {
        self.wanted() && self.may_drive() && self.drive(Self::advance)
    }

    /// How long the calling thread may sleep before it has to poll: the longer the less has moved lately. `None`: it need not,
    /// or may not.
    pub fn poll_interval(&self) -> Option<Duration> {
        (self.wanted() && self.may_drive()).then(|| {
            let idle = self.now().saturating_sub(self.moved.load(Ordering::Relaxed));
            Duration::from_nanos(idle / 8).clamp(NAPS.0, NAPS.1)
        })
    }

    fn now(&self) -> u64 {
        self.begin.elapsed().as_nanos() as u64
    }

    /// Takes a turn of `step`, and more while there is something to send.
    fn drive(&self, step: impl Fn(&Self, &mut Traffic) -> Result<bool>) -> bool {
        let mut moved = false;
        loop {
            let Some(mut traffic) = self.traffic.try_lock() else { break };
            match step(self, &mut traffic) {
                Ok(news) => moved |= news,
                Err(error) => self.fail(error),
            }
            self.moving.store(traffic.leaving.len() + traffic.coming.len(), Ordering::Release);
            drop(traffic);
            fence(Ordering::SeqCst);
            if self.outbox.is_empty() || self.lost.load(Ordering::Relaxed) {
                break;
            }
        }
        if moved {
            self.moved.store(self.now(), Ordering::Relaxed);
        }
        moved
    }

    fn advance(&self, traffic: &mut Traffic) -> Result<bool> {
        let departed = self.depart(traffic)?;
        let met = self.meet(traffic)?;
        Ok(self.receive(traffic)? | departed | met)
    }

    /// Begins to send what is in the outbox, and takes back the letters that have left.
    fn depart(&self, traffic: &mut Traffic) -> Result<bool> {
        let mut moved = false;
        for mut letter in self.outbox.take() {
            moved = true;
            let (to, mut request) = (letter.rank, 0);
            self.transport.start_send(to, letter.lines(), &mut request)?;
            letter.request = request;
            if let Some(cargo) = &letter.cargo {
                let (at, lines, mut request, mut started) = (cargo.at(), cargo.lines(), 0, Ok(()));
                // The letter keeps it until it has left.
                cargo.aboard(&mut || started = unsafe { self.transport.start_send_cargo(to, at, lines, &mut request) });
                letter.cargo_request = request;
                if started.is_err() {
                    // The letter itself has left, and the transport may still read it.
                    std::mem::forget(letter);
                    return started.map(|()| moved);
                }
            }
            if let Some(peer) = self.node.of(to) {
                peer.bell().post();
            }
            traffic.leaving.push_back(letter);
        }
        for _ in 0..traffic.leaving.len().min(TURN) {
            let Some(first) = traffic.leaving.front_mut() else { break };
            // One that cannot be asked about stays where it is.
            let is_moved = self.is_moved(first)?;
            let Some(letter) = traffic.leaving.pop_front() else { break };
            match is_moved {
                true => self.pool.give(letter),
                false => traffic.leaving.push_back(letter),
            }
        }
        Ok(moved)
    }

    /// Whether nothing of the letter, and of its cargo if it has one here, is on its way.
    fn is_moved(&self, letter: &mut Letter) -> Result<bool> {
        if !self.transport.is_done(&mut letter.request)? {
            return Ok(false);
        }
        let (mut request, mut done) = (letter.cargo_request, Ok(true));
        if let Some(cargo) = &letter.cargo {
            cargo.aboard(&mut || done = self.transport.is_done(&mut request));
        }
        letter.cargo_request = request;
        done
    }

    /// Begins to receive what has come.
    fn meet(&self, traffic: &mut Traffic) -> Result<bool> {
        for turn in 0..TURN {
            let Some(mut found) = self.transport.probe()? else { return Ok(turn > 0) };
            let mut letter = self.pool.take(found.lines);
            letter.rank = found.from;
            self.know(found.from);
            let mut request = 0;
            self.transport.start_receive(&mut found, letter.lines_mut(), &mut request)?;
            letter.request = request;
            traffic.coming.push_back(Incoming { letter, complete: false });
        }
        Ok(true)
    }

    /// Handles what is complete, unless something from the same rank came before it and is not; what has cargo is complete when that is there.
    fn receive(&self, traffic: &mut Traffic) -> Result<bool> {
        let (mut moved, mut at) = (false, 0);
        while at < traffic.coming.len() {
            let incoming = &mut traffic.coming[at];
            if !incoming.complete {
                incoming.complete = self.is_moved(&mut incoming.letter)?;
            }
            let (from, complete, waits) = (incoming.letter.rank, incoming.complete, incoming.waits_for_cargo());
            let mut earlier = traffic.coming.iter().take(at).filter(|earlier| earlier.letter.rank == from);
            // Several of one rank may be on their way, but those that were met first begin first.
            let is_next = if waits { earlier.all(Incoming::is_begun) } else { earlier.next().is_none() };
            if !complete || !is_next {
                at += 1;
                continue;
            }
            let Some(Incoming { letter, .. }) = traffic.coming.remove(at) else { break };
            moved = true;
            if waits {
                let letter = self.berth(letter)?;
                traffic.coming.insert(at, Incoming { letter, complete: false });
                at += 1;
            } else {
                self.handle(letter, self.node.of(from).is_some());
            }
        }
        Ok(moved)
    }

    /// Begins to receive the cargo of a letter that is there. Those of one rank are begun in the order of their letters.
    fn berth(&self, letter: Box<Letter>) -> Result<Box<Letter>> {
        let (from, lines) = (letter.rank, letter.cargo_lines());
        let message = self.message(letter);
        let berth = self.berths.get(message.letter.topic() as usize).and_then(OnceLock::get);
        let cargo = berth.and_then(|berth| berth(&message)).unwrap_or_else(|| Box::new(Plain::new(lines, &self.pool)));
        let (at, mut request, mut started) = (cargo.at(), 0, Ok(()));
        debug_assert_eq!(cargo.lines(), lines, "a berth is as long as what is announced");
        // The letter keeps it, and is kept until all is there.
        cargo.aboard(&mut || started = unsafe { self.transport.start_receive_cargo(from, at, lines, &mut request) });
        started?;
        let mut letter = message.into_letter();
        (letter.cargo, letter.cargo_request) = (Some(cargo), request);
        Ok(letter)
    }

    fn message(&self, letter: Box<Letter>) -> Message {
        Message { letter: ManuallyDrop::new(letter), pool: self.pool.clone() }
    }

    fn handle(&self, letter: Box<Letter>, near: bool) {
        let topic = letter.topic();
        let message = self.message(letter);
        match self.handlers.get(topic as usize).and_then(OnceLock::get) {
            Some(handler) => handler(message),
            None => self.fail(Error::new(Status::Internal, format!("a message from rank {} on topic {topic}, which has no handler", message.from()))),
        }
        if near {
            self.handled_near.fetch_add(1, Ordering::AcqRel);
        }
        self.handled.fetch_add(1, Ordering::AcqRel);
    }

    fn fail(&self, error: Error) {
        if self.trouble.set(error).is_ok() {
            self.abandon();
        }
    }

    /// What went wrong between the ranks, if something did.
    pub fn trouble(&self) -> Option<&Error> {
        self.trouble.get()
    }

    /// What has not come to where it is going, for a reader.
    pub fn waits(&self) -> Vec<String> {
        let mut waits = Vec::new();
        if !self.outbox.is_empty() {
            waits.push("messages wait for the thread that called cohort_init, the only one that may send them; it does when it is inside the library".into());
        }
        let traffic = self.traffic.lock();
        let known = |letter: &Letter| (letter.rank, letter.lines().len() + letter.cargo_lines(), ABOUT.get(letter.topic() as usize).copied());
        // What a letter says is known once it is there and its cargo is on its way.
        let coming = |Incoming { letter, .. }: &Incoming| match letter.cargo {
            Some(_) => known(letter),
            None => (letter.rank, letter.lines().len(), None),
        };
        for rank in (0..self.size()).filter(|&rank| self.knows(rank)) {
            let leaving = summary(rank, traffic.leaving.iter().map(|letter| known(letter)));
            waits.extend(leaving.map(|what| format!("rank {rank} has not received {what}")));
            let coming = summary(rank, traffic.coming.iter().map(coming));
            waits.extend(coming.map(|what| format!("rank {rank} has not sent all of {what}")));
        }
        drop(traffic);
        // Who found the lock taken left it to whoever gives it back.
        self.wake();
        waits
    }

    /// A peer is gone. From here on nothing is awaited from other ranks: collective calls return an error, and ending the
    /// runtime does without them.
    pub fn abandon(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub fn abandoned(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    fn meanwhile(&self) -> Result<bool> {
        if self.abandoned() {
            match self.trouble() {
                Some(error) => return Err(error.clone()),
                None => fail!(PeerLost, "another rank has ended before the runtime did; end this one too"),
            }
        }
        Ok(self.poll())
    }

    /// Collective, as `Transport::gather`; drives while it waits.
    pub fn gather(&self, mine: &[u64]) -> Result<Vec<u64>> {
        self.gathering.store(true, Ordering::Release);
        let gathered = self.transport.gather(mine, &mut || self.meanwhile());
        self.gathering.store(false, Ordering::Release);
        gathered
    }

    /// Whether a thread is inside `gather`.
    pub fn is_gathering(&self) -> bool {
        self.gathering.load(Ordering::Acquire)
    }

    /// Collective. Returns when every message that any rank sent has been handled, and no handler sent another: when two
    /// rounds of counting in a row find as many handled as sent, and as many as each other (Mattern's four counters, 1987).
    pub fn drain(&self) -> Result<()> {
        let mut before = None;
        loop {
            let counts = self.gather(&[self.sent.load(Ordering::Acquire), self.handled.load(Ordering::Acquire)])?;
            let totals = counts.chunks_exact(2).fold((0, 0), |sum, rank| (sum.0 + rank[0], sum.1 + rank[1]));
            if totals.0 == totals.1 && before == Some(totals) {
                break;
            }
            before = Some(totals);
        }
        while self.moving.load(Ordering::Acquire) != 0 {
            self.meanwhile()?;
        }
        Ok(())
    }

    /// Ends `attend`, and the driving. What the handlers refer to may go when no thread is inside any more.
    pub fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.wake();
    }
}

/// How many of these letters, with their lines and what they are about, are a rank's.
fn summary(rank: u32, letters: impl Iterator<Item = (u32, usize, Option<&'static str>)>) -> Option<String> {
    let (mut count, mut lines, mut first) = (0, 0, None);
    for (_, each, about) in letters.filter(|letter| letter.0 == rank) {
        (count, lines, first) = (count + 1, lines + each, first.or(about));
    }
    let about = first.map_or(String::new(), |about| format!(", the first about {about}"));
    (count > 0).then(|| format!("{count} message(s) of {} bytes{about}", lines * size_of::<Line>()))
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;

    const RANKS: u32 = 3;
    const EACH: u64 = 500;

    /// Runs `rank` on every rank, each on a thread of its own.
    fn play(any: bool, rank: impl Fn(Arc<Messages>) + Sync) {
        std::thread::scope(|scope| {
            for open in Rehearsal::cast(RANKS) {
                let rank = &rank;
                scope.spawn(move || {
                    let transport = open(any);
                    let node = NodeMemory::open(&*transport, 1 << 16, false).unwrap();
                    rank(Arc::new(Messages::new(transport, Arc::new(node))));
                });
            }
        });
    }

    /// Numbered messages of changing sizes, whose payload repeats the number.
    fn send_all(messages: &Messages, thread: u64) {
        for number in 0..EACH {
            for to in (0..RANKS).filter(|&to| to != messages.rank()) {
                let bytes = if number % 7 == 0 { 5000 } else { number as usize % 100 };
                let mut message = messages.write(Topic::Ghost, [thread, number, bytes as u64, 0, 0, 0], bytes);
                message.payload_mut().fill(number as u8);
                messages.send(to, message);
            }
        }
    }

    fn every_message_arrives_once_and_in_order(any: bool) {
        play(any, |messages| {
            let next = Arc::new(Mutex::new([[0; 2]; RANKS as usize]));
            let seen = next.clone();
            messages.on(Topic::Ghost, move |message| {
                let &[thread, number, bytes, ..] = message.words();
                let expected = &mut seen.lock()[message.from() as usize][thread as usize];
                assert_eq!(number, *expected);
                *expected += 1;
                assert_eq!(message.payload().len() as u64, bytes);
                assert!(message.payload().iter().all(|&byte| byte == number as u8));
            });
            messages.open(|| ());
            std::thread::scope(|scope| {
                // Where only the first thread may drive, this one leaves what it sends to it.
                scope.spawn(|| send_all(&messages, 1));
                send_all(&messages, 0);
            });
            messages.drain().unwrap();
            for (from, counts) in next.lock().iter().enumerate() {
                let expected = if from as u32 == messages.rank() { 0 } else { EACH };
                assert_eq!(*counts, [expected; 2]);
            }
        });
    }

    #[test]
    fn messages_of_any_thread_that_drives_itself() {
        every_message_arrives_once_and_in_order(true);
    }

    #[test]
    fn messages_of_threads_that_may_not_drive() {
        every_message_arrives_once_and_in_order(false);
    }

    /// Messages with cargo and without in turns, some of them so large that later ones overtake them; where it is received somebody says, or
    /// nobody.
    fn cargo_comes_with_its_message(says: bool) {
        play(true, |messages| {
            let next = Arc::new(Mutex::new([0; RANKS as usize]));
            let seen = next.clone();
            messages.on(Topic::Ghost, move |mut message| {
                let expected = &mut seen.lock()[message.from() as usize];
                assert_eq!(message.words()[0], *expected, "in order");
                *expected += 1;
                let cargo = message.take_cargo();
                assert_eq!(cargo.is_some(), message.words()[1] > 0);
                if let Some(cargo) = cargo {
                    let values = unsafe { std::slice::from_raw_parts(cargo.at().cast::<u8>(), 64 * cargo.lines()) };
                    assert!(cargo.lines() as u64 == message.words()[1] && values.iter().all(|&value| value == message.words()[0] as u8));
                }
            });
            if says {
                let pool = Arc::default();
                messages.receive_cargo_at(Topic::Ghost, move |message| match message.words()[1] as usize {
                    odd if odd % 2 == 1 => Some(Box::new(Plain::new(odd, &pool))),
                    _ => None,
                });
            }
            messages.open(|| ());
            for number in 0..60 {
                for to in (0..RANKS).filter(|&to| to != messages.rank()) {
                    let lines = if number % 3 == 0 { 0 } else { number as usize % 50 + 1 };
                    let bytes = if number % 7 == 0 { 5000 } else { 8 };
                    let mut message = messages.write(Topic::Ghost, [number, lines as u64, 0, 0, 0, 0], bytes);
                    if lines > 0 {
                        let cargo = Plain::new(lines, &messages.pool);
                        unsafe { cargo.at().cast::<u8>().write_bytes(number as u8, 64 * lines) };
                        message.carry(Box::new(cargo));
                    }
                    messages.send(to, message);
                }
            }
            messages.drain().unwrap();
            let rank = messages.rank();
            assert!(next.lock().iter().enumerate().all(|(from, &count)| count == if from as u32 == rank { 0 } else { 60 }));
        });
    }

    #[test]
    fn cargo_comes_with_its_message_to_where_somebody_says_or_nobody() {
        cargo_comes_with_its_message(true);
        cargo_comes_with_its_message(false);
    }

    #[test]
    fn cargo_of_one_rank_begins_to_come_while_other_cargo_does() {
        const EACH: usize = 3;
        let sent = std::sync::Barrier::new(RANKS as usize);
        play(true, |messages| {
            let (begun, handled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (began, seen, pool) = (begun.clone(), handled.clone(), Arc::default());
            messages.receive_cargo_at(Topic::Ghost, move |message| {
                began.fetch_add(1, Ordering::Relaxed);
                Some(Box::new(Plain::new(message.cargo_lines(), &pool)))
            });
            messages.on(Topic::Ghost, move |message| {
                assert_eq!(begun.load(Ordering::Relaxed), EACH, "the first takes its time");
                assert_eq!(message.words()[0], seen.fetch_add(1, Ordering::Relaxed) as u64, "in order");
            });
            messages.open(|| ());
            for number in (0..EACH as u64).filter(|_| messages.rank() == 0) {
                let mut message = messages.write(Topic::Ghost, [number, 0, 0, 0, 0, 0], 8);
                message.carry(Box::new(Plain::new(40, &messages.pool)));
                messages.send(1, message);
            }
            sent.wait();
            messages.drain().unwrap();
            assert_eq!(handled.load(Ordering::Relaxed), if messages.rank() == 1 { EACH } else { 0 });
        });
    }

    #[test]
    fn ranks_know_those_that_they_sent_to_and_heard_from() {
        play(true, |messages| {
            messages.on(Topic::Ghost, drop);
            messages.open(|| ());
            if messages.rank() == 0 {
                messages.send(1, messages.write(Topic::Ghost, [0; 6], 8));
            }
            messages.drain().unwrap();
            let known: Vec<u32> = (0..RANKS).filter(|&rank| messages.knows(rank)).collect();
            assert_eq!(known, [&[1][..], &[0], &[]][messages.rank() as usize]);
        });
    }

    #[test]
    fn what_handlers_send_is_drained_too() {
        play(true, |messages| {
            let hops = Arc::new(AtomicU64::new(0));
            let (own, weak) = (hops.clone(), Arc::downgrade(&messages));
            messages.on(Topic::Barrier, move |message| {
                let &[left, ..] = message.words();
                own.fetch_add(1, Ordering::AcqRel);
                if let Some(messages) = weak.upgrade().filter(|_| left > 1) {
                    messages.tell((messages.transport.rank() + 1) % RANKS, Topic::Barrier, [left - 1, 0, 0, 0, 0, 0]);
                }
            });
            messages.open(|| ());
            messages.tell((messages.rank() + 1) % RANKS, Topic::Barrier, [300, 0, 0, 0, 0, 0]);
            messages.drain().unwrap();
            assert_eq!(hops.load(Ordering::Acquire), 300, "100 hops on each of 3 ranks, for each of 3 chains");
        });
    }

    #[test]
    fn nobody_waits_for_a_rank_that_is_gone() {
        play(true, |messages| {
            messages.open(|| ());
            messages.abandon();
            let error = messages.gather(&[1]).unwrap_err();
            assert_eq!(error.status, Status::PeerLost);
            assert_eq!(messages.poll_interval(), None);
        });
    }

    #[test]
    fn naps_grow_while_nothing_moves() {
        play(false, |messages| {
            messages.open(|| ());
            assert!(messages.poll_interval().unwrap() <= NAPS.1);
            std::thread::sleep(NAPS.1 * 9);
            assert_eq!(messages.poll_interval(), Some(NAPS.1));
            let elsewhere = std::thread::scope(|scope| scope.spawn(|| messages.poll_interval()).join().unwrap());
            assert_eq!(elsewhere, None, "a thread that may not drive need not wake for it");
        });
    }
}
