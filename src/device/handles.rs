//! What a device hands out, and what it is given. Nothing here belongs to one driver.

use super::error::Known;
use super::pool::Pool;
use crate::base::sync::Mutex;
use crate::base::Result;
use crate::fail;
use std::ffi::c_void;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// Copies have streams of their own, so that both directions and kernels overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Kernels: 0 to `streams() - 1`.
    Kernels(usize),
    /// To the device.
    In,
    /// From the device.
    Out,
}

impl Stream {
    /// The number among all streams of a device that has `kernels` for kernels.
    pub(super) fn index(self, kernels: usize) -> usize {
        match self {
            Stream::Kernels(number) => number % kernels,
            Stream::In => kernels,
            Stream::Out => kernels + 1,
        }
    }
}

/// Device memory. Dropped, it is used again at once: whoever drops it knows that no work on it is outstanding, or calls
/// [`Buffer::retire`].
pub struct Buffer {
    pub(super) native: u64,
    pub(super) bytes: usize,
    /// What the memory takes of the device; the pool keeps it by this.
    pub(super) size: usize,
    pub(super) pool: Arc<Pool>,
    /// The devices that can name this memory: those of one OpenCL context, all of CUDA.
    pub(super) domain: usize,
}

impl Buffer {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// `CUdeviceptr` or `cl_mem`.
    pub fn native(&self) -> u64 {
        self.native
    }

    /// Gives the memory back as soon as these events are done.
    pub fn retire(mut self, after: Vec<Event>) {
        let size = std::mem::take(&mut self.size);
        self.pool.give_back(self.native, size, after);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.size > 0 {
            self.pool.give_back(self.native, self.size, Vec::new());
        }
    }
}

/// Pinned host memory.
pub struct HostBuffer {
    pub(super) at: *mut u8,
    pub(super) bytes: usize,
    pub(super) size: usize,
    pub(super) pool: Arc<Pool>,
}

// SAFETY: the memory belongs to the buffer; it is reached through a raw pointer only.
unsafe impl Send for HostBuffer {}
unsafe impl Sync for HostBuffer {}

impl HostBuffer {
    pub fn at(&self) -> *mut u8 {
        self.at
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl HostBuffer {
    /// Gives the memory back as soon as these events are done.
    pub fn retire(mut self, after: Vec<Event>) {
        let size = std::mem::take(&mut self.size);
        self.pool.give_back(self.at as u64, size, after);
    }
}

impl Drop for HostBuffer {
    fn drop(&mut self) {
        if self.size > 0 {
            self.pool.give_back(self.at as u64, self.size, Vec::new());
        }
    }
}

/// Host memory that kernels use in place. Zeroed at first; freed when dropped, by whoever knows that no work on it is outstanding.
pub struct Shared {
    pub(super) at: *mut u8,
    pub(super) bytes: usize,
    pub(super) native: u64,
    /// Devices of this domain use it.
    pub(super) domain: usize,
    pub(super) _memory: Box<dyn Send + Sync>,
}

// SAFETY: as for `HostBuffer`.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    pub fn at(&self) -> *mut u8 {
        self.at
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its addresses.
    pub fn span(&self) -> Range<usize> {
        let start = self.at as usize;
        start..start + self.bytes
    }

    /// All of it, as functions of the program get it: `CUdeviceptr` or `cl_mem`.
    pub fn native(&self) -> u64 {
        self.native
    }
}

/// Keeps host memory registered; empty where the driver has no use for that.
pub struct Pin(#[allow(dead_code, reason = "dropped, it undoes the registration")] Option<Box<dyn Send + Sync>>);

impl Pin {
    pub const NONE: Self = Self(None);

    /// Until `registration` is dropped.
    pub fn until(registration: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(registration)))
    }

    pub fn is_registered(&self) -> bool {
        self.0.is_some()
    }
}

/// Work that was enqueued. Cloned freely; asked and waited for by any thread.
#[derive(Clone)]
pub struct Event(Arc<dyn Completion>);

/// When work comes among that of its stream, which ends in order. Of two that threads enqueue at the same time the one that comes second
/// may have the lesser number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub stream: usize,
    pub number: u64,
}

impl Position {
    /// Of what was enqueued last on a driver's stream.
    pub(super) fn next(stream: *const c_void) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Self { stream: stream as usize, number: NUMBERS.fetch_add(1, Ordering::Relaxed) }
    }
}

pub trait Completion: Send + Sync {
    /// Asks the driver. A fault says what failed, on which device.
    fn done(&self) -> Result<bool>;
    fn wait(&self) -> Result<()>;
    /// `CUevent` or `cl_event`; null for one that the host brings about.
    fn native(&self) -> *mut c_void;
    /// Devices of this domain can wait for the event themselves; 0: none.
    fn domain(&self) -> usize;
    fn position(&self) -> Position;
}

impl Event {
    pub fn of(completion: impl Completion + 'static) -> Self {
        Self(Arc::new(completion))
    }

    /// A fault says what failed, on which device.
    pub fn done(&self) -> Result<bool> {
        self.0.done()
    }

    pub fn wait(&self) -> Result<()> {
        self.0.wait()
    }

    /// `CUevent` or `cl_event`; null for one that the host brings about.
    pub fn native(&self) -> *mut c_void {
        self.0.native()
    }

    /// Devices of this domain can wait for the event themselves; 0: none.
    pub fn domain(&self) -> usize {
        self.0.domain()
    }

    pub fn position(&self) -> Position {
        self.0.position()
    }

    /// Done when `work` is, which the host does once this event is done: whoever asks or waits for it then.
    pub fn then(self, work: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        Self(Arc::new(Afterwards { event: self, work: Mutex::new(Work::Waiting(Box::new(work))) }))
    }
}

/// Work of the host that begins when an event is done, on the thread that asks first.
struct Afterwards {
    event: Event,
    work: Mutex<Work>,
}

enum Work {
    Waiting(Box<dyn FnOnce() -> Result<()> + Send>),
    Ended(Result<()>),
}

impl Afterwards {
    fn end(&self) -> Result<()> {
        let mut work = self.work.lock();
        if let Work::Ended(result) = &*work {
            return result.clone();
        }
        let result = match std::mem::replace(&mut *work, Work::Ended(Ok(()))) {
            Work::Waiting(todo) => todo(),
            Work::Ended(result) => result,
        };
        *work = Work::Ended(result.clone());
        result
    }
}

impl Completion for Afterwards {
    fn done(&self) -> Result<bool> {
        Ok(self.event.done()? && self.end().map(|()| true)?)
    }

    fn wait(&self) -> Result<()> {
        self.event.wait()?;
        self.end()
    }

    fn native(&self) -> *mut c_void {
        std::ptr::null_mut()
    }

    /// No driver knows of it.
    fn domain(&self) -> usize {
        0
    }

    fn position(&self) -> Position {
        self.event.position()
    }
}

/// One side of a transfer: where the box's first element lies.
#[derive(Clone, Copy)]
pub enum Side<'a> {
    Host(*mut u8),
    /// A buffer and an offset in bytes.
    Device(&'a Buffer, usize),
}

/// One dimension of a transfer: so many steps, this many bytes apart on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    pub count: usize,
    pub from: isize,
    pub to: isize,
}

impl Dim {
    pub const ONE: Self = Self { count: 1, from: 0, to: 0 };
}

/// A box of elements in up to four dimensions (three, and fields that are equally spaced), in any order.
#[derive(Clone, Copy)]
pub struct Transfer<'a> {
    pub element: usize,
    pub dims: [Dim; 4],
    pub from: Side<'a>,
    pub to: Side<'a>,
}

impl Transfer<'_> {
    /// How many commands it takes: one, unless its strides fit no rule that drivers have for pitches.
    pub fn commands(&self) -> usize {
        super::boxes::count(self.element, &self.dims)
    }

    /// Which way it goes, for the text of a failure.
    pub(super) fn what(&self) -> Result<&'static str> {
        Ok(match (self.from, self.to) {
            (Side::Host(_), Side::Device(..)) => "a copy to the device",
            (Side::Device(..), Side::Host(_)) => "a copy from the device",
            (Side::Device(..), Side::Device(..)) => "a copy on the device",
            (Side::Host(_), Side::Host(_)) => fail!(InvalidArgument, "a device's copy has host memory on both sides"),
        })
    }
}

/// A box in a buffer set to one value; of a `Dim` only `to` counts.
#[derive(Clone, Copy)]
pub struct Fill<'a> {
    pub buffer: &'a Buffer,
    /// Bytes before the first element.
    pub offset: usize,
    pub dims: [Dim; 4],
    /// An element: 1, 2, 4, 8 or 16 bytes.
    pub value: &'a [u8],
}

impl Fill<'_> {
    pub(super) fn check(&self, device: &Known) -> Result<()> {
        if !matches!(self.value.len(), 1 | 2 | 4 | 8 | 16) {
            fail!(InvalidArgument, "device {device}: a fill with elements of {} bytes; use 1, 2, 4, 8 or 16", self.value.len());
        }
        Ok(())
    }
}

pub struct Module {
    pub(super) inner: Arc<dyn Compiled>,
    pub(super) cached: bool,
}

impl Module {
    /// Whether it came from the disk.
    pub fn is_cached(&self) -> bool {
        self.cached
    }
}

/// Unloaded when dropped.
pub(super) trait Compiled: Send + Sync {
    fn native(&self) -> *mut c_void;
    /// Bytes of each of a kernel's parameters, where the driver tells before a launch.
    fn parameters(&self) -> Option<&[usize]> {
        None
    }
}

#[derive(Clone)]
pub struct Kernel {
    pub(super) inner: Arc<dyn Compiled>,
    pub(super) name: Arc<str>,
}

impl Kernel {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `CUfunction` or `cl_kernel`.
    pub fn native(&self) -> *mut c_void {
        self.inner.native()
    }
}

#[derive(Clone, Copy)]
pub enum Arg<'a> {
    Buffer(&'a Buffer),
    /// Host memory that the device uses in place, by what `Device::address` said.
    Address(u64),
    /// A null pointer where a buffer is expected.
    Null,
    /// A scalar or a struct by value.
    Bytes(&'a [u8]),
}

#[derive(Clone, Copy)]
pub struct Launch<'a> {
    pub kernel: &'a Kernel,
    /// Work items; with a block they are rounded up to whole blocks, and the kernel leaves out those outside.
    pub grid: [usize; 3],
    /// Work items of a block; zeros leave it to the driver.
    pub block: [u32; 3],
    pub args: &'a [Arg<'a>],
}

impl Launch<'_> {
    /// All work items, and those of a block if that is given.
    pub(super) fn items(&self) -> ([usize; 3], Option<[usize; 3]>) {
        if self.block == [0; 3] {
            return (self.grid, None);
        }
        let block = self.block.map(|items| items.max(1) as usize);
        (std::array::from_fn(|d| self.grid[d].next_multiple_of(block[d])), Some(block))
    }
}
