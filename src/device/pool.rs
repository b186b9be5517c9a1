//! Memory that is used again. Freed memory is kept by size; what was freed while work on it is outstanding waits for that work.

use super::handles::Event;
use super::outstanding::Outstanding;
use crate::base::sync::Mutex;
use crate::base::{Error, Result, Status};

use std::collections::BTreeMap;

/// What a driver does; `Err(OutOfMemory)` when it has no more.
pub(super) trait Memory: Send + Sync {
    fn take(&self, bytes: usize) -> Result<u64>;
    fn free(&self, native: u64);
}

pub(super) struct Pool {
    memory: Box<dyn Memory>,
    /// For messages, "device 0 (...)".
    owner: String,
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By size.
    free: BTreeMap<usize, Vec<u64>>,
    retired: Vec<Retired>,
    /// Taken from the driver, in use or kept.
    held: u64,
    kept: u64,
}

struct Retired {
    native: u64,
    size: usize,
    after: Vec<Event>,
}

/// Sizes are multiples of this, so that almost equal boxes share memory; no driver aligns to less.
const GRAIN: usize = 256;

impl Pool {
    pub fn new(memory: Box<dyn Memory>, owner: String, capacity: u64) -> Self {
        Self { memory, owner, capacity, state: Mutex::default() }
    }

    /// Memory of at least `bytes`, and the size that it is given back with.
    pub fn take(&self, bytes: usize) -> Result<(u64, usize)> {
        let Some(size) = bytes.max(1).checked_next_multiple_of(GRAIN) else { return Err(self.full(bytes, 0)) };
        let mut state = self.state.lock();
        state.collect(false);
        if let Some(found) = state.reuse(size) {
            return Ok(found);
        }
        if size as u64 > self.capacity {
            return Err(self.full(bytes, state.held - state.kept));
        }
        if state.held + size as u64 > self.capacity {
            state.collect(true);
            if let Some(found) = state.reuse(size) {
                return Ok(found);
            }
            self.trim(&mut state);
            if state.held + size as u64 > self.capacity {
                return Err(self.full(bytes, state.held));
            }
        }
        let native = match self.memory.take(size) {
            Err(error) if error.status == Status::OutOfMemory => {
                state.collect(true);
                self.trim(&mut state);
                self.memory.take(size)?
            }
            taken => taken?,
        };
        state.held += size as u64;
        Ok((native, size))
    }

    /// Frees all that is kept, once the work on it is done.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.collect(true);
        self.trim(&mut state);
    }

    pub fn give_back(&self, native: u64, size: usize, after: Vec<Event>) {
        let mut state = self.state.lock();
        if after.is_empty() {
            state.keep(native, size);
        } else {
            state.retired.push(Retired { native, size, after });
        }
    }

    fn trim(&self, state: &mut State) {
        for (size, natives) in std::mem::take(&mut state.free) {
            for native in natives {
                self.memory.free(native);
                state.held -= size as u64;
            }
        }
        state.kept = 0;
    }

    fn full(&self, bytes: usize, used: u64) -> Error {
        Error::new(
            Status::OutOfMemory,
            format!(
                "{}: {bytes} bytes asked for, {used} of its {} bytes are in use; free some, or give it more with COHORT_DEVICE_MEMORY",
                self.owner, self.capacity
            ),
        )
    }
}

impl State {
    fn keep(&mut self, native: u64, size: usize) {
        self.free.entry(size).or_default().push(native);
        self.kept += size as u64;
    }

    /// Takes memory that is free again back; `all` waits for what is not.
    fn collect(&mut self, all: bool) {
        let mut outstanding = Outstanding::default();
        // In the order in which it was retired, which is mostly that of the work.
        let mut retired = std::mem::take(&mut self.retired);
        retired.retain_mut(|Retired { native, size, after }| {
            if all {
                after.drain(..).for_each(|event| drop(event.wait()));
            }
            // The last mostly ends last. Whoever waits for the work is told of a fault; the memory is free either way.
            while after.pop_if(|event| outstanding.done(event).unwrap_or(true)).is_some() {}
            let is_in_use = !after.is_empty();
            if !is_in_use {
                self.keep(*native, *size);
            }
            is_in_use
        });
        self.retired = retired;
    }

    /// The smallest piece that holds `size` and wastes at most an eighth.
    fn reuse(&mut self, size: usize) -> Option<(u64, usize)> {
        let (&found, natives) = self.free.range_mut(size..=size + size / 8).next()?;
        let native = natives.pop()?;
        if natives.is_empty() {
            self.free.remove(&found);
        }
        self.kept -= found as u64;
        Some((native, found))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut());
        for native in state.free.into_values().flatten() {
            self.memory.free(native);
        }
        for retired in state.retired {
            for event in &retired.after {
                let _ = event.wait();
            }
            self.memory.free(retired.native);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sync::Arc;
    use super::super::handles::{Completion, Position};
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    /// A driver with this many bytes, which counts what it gave; freed twice or not given is a panic.
    struct Driver {
        bytes: u64,
        given: Mutex<Given>,
    }

    #[derive(Default)]
    struct Given {
        next: u64,
        held: u64,
        calls: usize,
        sizes: std::collections::HashMap<u64, u64>,
    }

    impl Memory for Arc<Driver> {
        fn take(&self, bytes: usize) -> Result<u64> {
            let mut given = self.given.lock();
            if given.held + bytes as u64 > self.bytes {
                return Err(Error::new(Status::OutOfMemory, "the driver has no more"));
            }
            given.next += 1;
            given.calls += 1;
            given.held += bytes as u64;
            let native = given.next;
            given.sizes.insert(native, bytes as u64);
            Ok(native)
        }

        fn free(&self, native: u64) {
            let mut given = self.given.lock();
            let bytes = given.sizes.remove(&native).expect("freed what is not held");
            given.held -= bytes;
        }
    }

    fn pool(bytes: u64, capacity: u64) -> (Arc<Driver>, Pool) {
        let driver = Arc::new(Driver { bytes, given: Mutex::default() });
        (driver.clone(), Pool::new(Box::new(driver), "device test".into(), capacity))
    }

    #[test]
    fn a_repeated_step_asks_the_driver_for_nothing() {
        let (driver, pool) = pool(u64::MAX, u64::MAX);
        for step in 0..10 {
            let taken: Vec<_> = [1000, 70_000, 1000, 3].into_iter().map(|bytes| pool.take(bytes).unwrap()).collect();
            assert_eq!(taken.iter().map(|&(native, _)| native).collect::<HashSet<_>>().len(), 4);
            taken.into_iter().for_each(|(native, size)| pool.give_back(native, size, Vec::new()));
            assert_eq!(driver.given.lock().calls, 4, "step {step}");
        }
        drop(pool);
        assert_eq!(driver.given.lock().held, 0);
    }

    #[test]
    fn large_pieces_are_not_spent_on_small_needs() {
        let (_, pool) = pool(u64::MAX, u64::MAX);
        let (large, size) = pool.take(1 << 20).unwrap();
        pool.give_back(large, size, Vec::new());
        assert_ne!(pool.take(1000).unwrap().0, large);
        assert_eq!(pool.take((1 << 20) - 100_000).unwrap(), (large, size));
    }

    #[test]
    fn what_is_kept_makes_room_where_the_driver_or_the_capacity_ends() {
        for (bytes, capacity) in [(1 << 20, u64::MAX), (u64::MAX, 1 << 20)] {
            let (driver, pool) = pool(bytes, capacity);
            for _ in 0..2 {
                let parts: Vec<_> = (0..4).map(|_| pool.take(1 << 18).unwrap()).collect();
                let error = pool.take(1).unwrap_err();
                assert_eq!(error.status, Status::OutOfMemory);
                parts.into_iter().for_each(|(native, size)| pool.give_back(native, size, Vec::new()));
                let (whole, size) = pool.take(1 << 20).unwrap();
                assert_eq!(driver.given.lock().held, 1 << 20);
                pool.give_back(whole, size, Vec::new());
            }
        }
    }

    /// Work on a stream that ends when that has come so far; the stream counts how often it is asked.
    #[derive(Default)]
    struct Progress {
        ended: AtomicU64,
        asked: AtomicUsize,
    }

    struct Working(Arc<Progress>, Position);

    impl Completion for Working {
        fn done(&self) -> Result<bool> {
            self.0.asked.fetch_add(1, Ordering::Relaxed);
            Ok(self.1.number < self.0.ended.load(Ordering::Relaxed))
        }
        fn wait(&self) -> Result<()> {
            Ok(())
        }
        fn native(&self) -> *mut std::ffi::c_void {
            std::ptr::null_mut()
        }
        fn domain(&self) -> usize {
            0
        }
        fn position(&self) -> Position {
            self.1
        }
    }

    #[test]
    fn a_driver_is_asked_about_the_first_work_of_each_stream_that_has_not_ended() {
        const EACH: u64 = 50;
        let (driver, pool) = pool(u64::MAX, u64::MAX);
        let streams: [Arc<Progress>; 2] = Default::default();
        let all: Vec<_> = (0..2 * EACH).map(|_| pool.take(1000).unwrap()).collect();
        for (number, (native, size)) in all.into_iter().enumerate() {
            let (stream, number) = (number % 2, number as u64 / 2);
            let on = |stream: usize, number| Event::of(Working(streams[stream].clone(), Position { stream, number }));
            // Some wait for both.
            let after = if number % 10 == 9 { vec![on(0, number), on(1, number)] } else { vec![on(stream, number)] };
            pool.give_back(native, size, after);
        }
        let asked = || streams.each_ref().map(|stream| stream.asked.swap(0, Ordering::Relaxed));
        let look = || {
            let (native, size) = pool.take(1 << 20).unwrap();
            pool.give_back(native, size, Vec::new());
        };
        for ended in [0, 10, 30] {
            streams.iter().for_each(|stream| stream.ended.store(ended, Ordering::Relaxed));
            // What has ended meanwhile is asked about once.
            look();
            asked();
            (0..10).for_each(|_| look());
            assert_eq!(asked(), [10, 10], "{ended} have ended");
        }
        streams.iter().for_each(|stream| stream.ended.store(EACH, Ordering::Relaxed));
        let calls = driver.given.lock().calls;
        let again: HashSet<_> = (0..2 * EACH).map(|_| pool.take(1000).unwrap()).collect();
        assert_eq!(again.len(), 2 * EACH as usize);
        assert_eq!(driver.given.lock().calls, calls, "all are free again");
    }

    #[test]
    fn a_need_beyond_all_numbers_is_an_error() {
        let (_, pool) = pool(u64::MAX, u64::MAX);
        assert_eq!(pool.take(usize::MAX).unwrap_err().status, Status::OutOfMemory);
    }
}
