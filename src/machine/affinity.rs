//! How fast a processor reaches a memory: measured, since what tables of the firmware say is missing or wrong on many machines.
//!
//! A thread bound to a processor of the memory's node touches an area first, so that it lies there; a node without processors has
//! the area bound to it instead. The area is larger than the caches that the measuring processor sees. A thread on that processor
//! then reads all of it, word by word in order, for the bandwidth; after this the caches hold none of the lines that are followed
//! for the latency: each says which is next, in random order, so that no prefetcher helps. Both are timed in many pieces, of which
//! the median counts: a piece in which the system gave the processor to another program does not show.

use super::{topology, Cpu, Pages};
use crate::base::Result;
use crate::fail;
use std::hint::black_box;
use std::time::Instant;

const LINE: usize = 64;
const WORDS: usize = LINE / size_of::<u64>();
const LEAST_BYTES: usize = 16 << 20;
/// More would take long; only caches larger than half of this would show.
const MOST_BYTES: usize = 256 << 20;
/// Lines of the chain; they all fit in a cache, and are therefore followed once in a round.
const CHAIN: usize = 1 << 14;
const ROUNDS: usize = 3;
/// Of each round. Long against reading a clock, short against the time that a system gives a program at once.
const PIECES: usize = 16;

/// What one thread gets, or a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affinity {
    /// Bytes read in a second.
    pub bandwidth: f64,
    /// Seconds from a load to its value.
    pub latency: f64,
}

/// Where an area's pages come to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a NUMA node, touched first by this processor of it.
    Near(Cpu),
    /// In a NUMA node without processors of this process.
    Node(u32),
    /// In pages that processes share, touched first by the processor that uses them.
    Shared,
}

/// Measures from one processor of this machine; takes some tens of milliseconds.
pub fn measure(from: &Cpu, place: Place) -> Result<Affinity> {
    let bytes = (2 * topology::cache_bytes(from)?).clamp(LEAST_BYTES, MOST_BYTES);
    let mut area = Area::new(bytes, place == Place::Shared)?;
    let prepared = match place {
        Place::Near(cpu) => on(&cpu, || area.fill()),
        Place::Node(node) => area.pages.prefer(&[node]).and_then(|()| on(from, || area.fill())),
        Place::Shared => on(from, || area.fill()),
    };
    prepared?;
    on(from, || {
        let (mut reads, mut follows) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            area.read(&mut reads);
            area.follow(&mut follows);
        }
        let (piece, links) = ((bytes / PIECES) as f64, (CHAIN / PIECES) as f64);
        Affinity { bandwidth: piece / median(reads), latency: median(follows) / links }
    })
}

/// Runs on a thread of its own, bound to this processor, so that the calling one stays where it is.
fn on<T: Send>(cpu: &Cpu, body: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| topology::bind(&[cpu.number]).map(|()| body()));
        match thread.join() {
            Ok(result) => result,
            Err(_) => fail!(Internal, "the measurement on processor {} ended early", cpu.number),
        }
    })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What is measured.
struct Area {
    pages: Pages,
    words: usize,
    /// Line at which the chain begins.
    start: usize,
}

impl Area {
    fn new(bytes: usize, shared: bool) -> Result<Self> {
        Ok(Self { pages: Pages::new(bytes, shared)?, words: bytes / size_of::<u64>(), start: 0 })
    }

    fn words(&self) -> &[u64] {
        // Anonymous pages hold zeros, and only this value points to them.
        unsafe { std::slice::from_raw_parts(self.pages.start().cast(), self.words) }
    }

    fn words_mut(&mut self) -> &mut [u64] {
        unsafe { std::slice::from_raw_parts_mut(self.pages.start().cast(), self.words) }
    }

    /// Touches every page and lays the chain: one line in each stretch of equal length, in an order and at places that
    /// splitmix64 draws.
    fn fill(&mut self) {
        let stretch = self.words / WORDS / CHAIN;
        let mut state = 0u64;
        let mut draw = |below: usize| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) % below as u64) as usize
        };
        let mut lines: Vec<usize> = (0..CHAIN).map(|i| i * stretch + draw(stretch)).collect();
        for i in (1..CHAIN).rev() {
            lines.swap(i, draw(i + 1));
        }
        let words = self.words_mut();
        words.fill(1);
        for (i, &line) in lines.iter().enumerate() {
            words[line * WORDS] = lines[(i + 1) % CHAIN] as u64;
        }
        self.start = lines[0];
    }

    /// Reads all of it; the seconds of each piece.
    fn read(&self, seconds: &mut Vec<f64>) {
        for piece in self.words().chunks_exact(self.words / PIECES) {
            let started = Instant::now();
            black_box(piece.iter().fold(0u64, |sum, word| sum.wrapping_add(*word)));
            seconds.push(started.elapsed().as_secs_f64());
        }
    }

    /// Follows the chain to its end; the seconds of each piece.
    fn follow(&self, seconds: &mut Vec<f64>) {
        let (words, mut line) = (self.words(), self.start);
        for _ in 0..PIECES {
            let started = Instant::now();
            line = black_box((0..CHAIN / PIECES).fold(line, |line, _| words[line * WORDS] as usize));
            seconds.push(started.elapsed().as_secs_f64());
        }
        assert_eq!(line, self.start, "the chain is a ring");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use std::collections::HashSet;

    #[test]
    fn the_chain_visits_different_lines_all_over_the_area() {
        let mut area = Area::new(LEAST_BYTES, false).unwrap();
        area.fill();
        let (mut seen, mut line) = (HashSet::new(), area.start);
        while seen.insert(line) {
            line = area.words()[line * WORDS] as usize;
        }
        let lines = LEAST_BYTES / LINE;
        assert_eq!((seen.len(), line), (CHAIN, area.start));
        assert!(seen.iter().all(|line| *line < lines));
        assert!(*seen.iter().max().unwrap() >= lines - lines / CHAIN && *seen.iter().min().unwrap() < lines / CHAIN);
    }

    #[test]
    fn every_place_can_be_measured_and_the_thread_stays_where_it_was() {
        let machine = Machine::discover().unwrap();
        let cpu = machine.cpus()[0];
        for place in [Place::Near(cpu), Place::Shared] {
            let found = measure(&cpu, place).unwrap();
            // Between a tape and a register.
            assert!(found.bandwidth > 1e6 && found.bandwidth < 1e13, "{place:?}: {found:?}");
            assert!(found.latency > 1e-10 && found.latency < 1e-3, "{place:?}: {found:?}");
        }
        assert_eq!(Machine::discover().unwrap(), machine);
    }
}
