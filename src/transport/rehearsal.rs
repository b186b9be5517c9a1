//! For tests: ranks that are threads of one process. Large messages take their time, so that later small ones overtake them
//! inside the transport, as a rendezvous is overtaken.

use super::{Found, Line, Meanwhile, Transport};
use crate::base::Result;
use crate::base::sync::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, Barrier};

struct Parcel {
    from: u32,
    lines: Vec<Line>,
}

pub struct Rehearsal {
    rank: u32,
    /// By receiving rank.
    ways: Arc<Vec<Mutex<VecDeque<Parcel>>>>,
    /// The same for cargo.
    cargo_ways: Arc<Vec<Mutex<VecDeque<Parcel>>>>,
    found: Mutex<VecDeque<Parcel>>,
    words: Arc<Mutex<Vec<u64>>>,
    step: Arc<Barrier>,
    /// Whether any thread of a rank may drive; else none that calls from outside the rank's first thread.
    pub any: bool,
    thread: u64,
}

const LARGE: usize = 16;
const PATIENCE: u64 = 5;

impl Rehearsal {
    /// The transports of `size` ranks, to be opened by one thread each.
    pub fn cast(size: u32) -> Vec<impl FnOnce(bool) -> Arc<Self>> {
        let [ways, cargo_ways]: [Arc<Vec<_>>; 2] = [(); 2].map(|()| Arc::new((0..size).map(|_| Mutex::default()).collect()));
        let (words, step) = (Arc::new(Mutex::default()), Arc::new(Barrier::new(size as usize)));
        let open = |rank| {
            let (ways, cargo_ways, words, step) = (ways.clone(), cargo_ways.clone(), words.clone(), step.clone());
            move |any| {
                let thread = crate::base::thread_token();
                Arc::new(Self { rank, ways, cargo_ways, found: Mutex::default(), words, step, any, thread })
            }
        };
        (0..size).map(open).collect()
    }
}

impl Transport for Rehearsal {
    fn rank(&self) -> u32 {
        self.rank
    }
    fn size(&self) -> u32 {
        self.ways.len() as u32
    }
    fn gather(&self, mine: &[u64], meanwhile: Meanwhile) -> Result<Vec<u64>> {
        meanwhile()?;
        self.words.lock().resize(mine.len() * self.ways.len(), 0);
        self.step.wait();
        let at = self.rank as usize * mine.len();
        self.words.lock()[at..at + mine.len()].copy_from_slice(mine);
        self.step.wait();
        let all = self.words.lock().clone();
        self.step.wait();
        Ok(all)
    }
    fn neighbours(&self, _: i32) -> Result<[i32; 6]> {
        Ok([-1; 6])
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
    fn any_thread_drives(&self) -> bool {
        self.any
    }
    fn may_drive(&self) -> bool {
        self.any || crate::base::thread_token() == self.thread
    }
    fn start_send(&self, to: u32, lines: &[Line], request: &mut u64) -> Result<()> {
        self.ways[to as usize].lock().push_back(Parcel { from: self.rank, lines: lines.to_vec() });
        *request = PATIENCE;
        Ok(())
    }
    fn probe(&self) -> Result<Option<Found>> {
        let parcel = self.ways[self.rank as usize].lock().pop_front();
        Ok(parcel.map(|parcel| {
            let found = Found { from: parcel.from, lines: parcel.lines.len(), handle: 0 };
            self.found.lock().push_back(parcel);
            found
        }))
    }
    fn start_receive(&self, _: &mut Found, lines: &mut [Line], request: &mut u64) -> Result<()> {
        let parcel = self.found.lock().pop_front().expect("found before");
        lines.copy_from_slice(&parcel.lines);
        *request = if lines.len() > LARGE { PATIENCE } else { 0 };
        Ok(())
    }
    fn is_done(&self, request: &mut u64) -> Result<bool> {
        *request = request.saturating_sub(1);
        Ok(*request == 0)
    }
    unsafe fn start_send_cargo(&self, to: u32, at: *const Line, lines: usize, request: &mut u64) -> Result<()> {
        let lines = unsafe { std::slice::from_raw_parts(at, lines) }.to_vec();
        self.cargo_ways[to as usize].lock().push_back(Parcel { from: self.rank, lines });
        *request = PATIENCE;
        Ok(())
    }
    unsafe fn start_receive_cargo(&self, from: u32, at: *mut Line, lines: usize, request: &mut u64) -> Result<()> {
        // The sender is about to send it.
        let parcel = loop {
            let mut way = self.cargo_ways[self.rank as usize].lock();
            match way.iter().position(|parcel| parcel.from == from).and_then(|first| way.remove(first)) {
                Some(parcel) => break parcel,
                None => std::thread::yield_now(),
            }
        };
        unsafe { std::slice::from_raw_parts_mut(at, lines) }.copy_from_slice(&parcel.lines);
        *request = PATIENCE;
        Ok(())
    }
}
