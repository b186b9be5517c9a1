//! Executions: a task that is running, or the program outside of all tasks. The handle that a body gets names one; it
//! goes stale when the body returns. A task's frame lies at the index of its node, so that opening, finding and closing
//! one takes no lock and allocates nothing.
//!
//! `generation` is odd while the frame is in use. All other fields belong to the thread whose token is in `owner`, from
//! `open` to `close`; the children that complete later touch the context alone.

use super::{Body, Context, TaskKind};
use crate::base::{thread_token, Kind, Result, CALLBACK};
use crate::event::NodeRef;
use crate::fail;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

const GENERATIONS: u32 = 1 << 24;
const CHUNK: usize = 1024;
const CHUNKS: usize = 1 << 14;
/// Index of the frame of the program outside of tasks: no node has it.
const ROOT: u32 = u32::MAX;

pub struct Frame {
    index: u32,
    generation: AtomicU32,
    owner: AtomicU64,
    /// The task's body; null for the program outside of tasks.
    body: Cell<*const Body>,
    /// The task's kind; none for the program outside of tasks.
    kind: Cell<Option<&'static TaskKind>>,
    pub(super) context: UnsafeCell<Option<Box<Context>>>,
    /// What `cohort_task_fail` said.
    pub(super) complaint: UnsafeCell<Option<Box<str>>>,
}

unsafe impl Sync for Frame {}
unsafe impl Send for Frame {}

thread_local! {
    /// The task that the calling thread runs: innermost, when it runs one while it waits in another; 0: none.
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

/// The context of the task that the calling thread runs, or 0.
pub fn current_task() -> u64 {
    CURRENT.get()
}

/// Sets it; the one before.
pub(super) fn enter_task(handle: u64) -> u64 {
    CURRENT.replace(handle)
}

pub fn inside_task() -> bool {
    current_task() != 0
}

impl Frame {
    fn new(index: u32, generation: u32) -> Self {
        Self {
            index,
            generation: AtomicU32::new(generation),
            owner: AtomicU64::new(0),
            body: Cell::new(std::ptr::null()),
            kind: Cell::new(None),
            context: UnsafeCell::new(None),
            complaint: UnsafeCell::new(None),
        }
    }

    /// The task fails with this text when its body returns.
    pub fn complain(&self, text: &str) {
        // Only the frame's thread gets a reference to it.
        unsafe { *self.complaint.get() = Some(text.into()) };
    }

    pub fn handle(&self) -> u64 {
        (Kind::Context as u64) << 56 | u64::from(self.generation.load(Ordering::Relaxed)) << 32 | u64::from(self.index)
    }

    pub fn body(&self) -> Option<&Body> {
        unsafe { self.body.get().as_ref() }
    }

    /// The body of the task, for functions that make sense inside one only.
    pub fn task(&self) -> Result<&Body> {
        match self.body() {
            Some(body) => Ok(body),
            None => fail!(WrongOrder, "this is the root context; call it inside a task, with the context that the body received"),
        }
    }

    fn open(&self, body: *const Body) {
        self.body.set(body);
        self.owner.store(thread_token(), Ordering::Relaxed);
        self.turn();
    }

    pub(super) fn kind(&self) -> Option<&'static TaskKind> {
        self.kind.get()
    }

    /// Closes the context to its own thread, which is inside a launch: the thread that it belongs to.
    pub(super) fn lend(&self) -> u64 {
        self.owner.swap(0, Ordering::Relaxed)
    }

    pub(super) fn give_back(&self, owner: u64) {
        self.owner.store(owner, Ordering::Relaxed);
    }

    /// The handle is stale from here on.
    pub(super) fn close(&self) {
        self.body.set(std::ptr::null());
        self.turn();
    }

    fn turn(&self) {
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1) % GENERATIONS;
        self.generation.store(next, Ordering::Release);
    }
}

/// All frames of a runtime. They live as long as it.
pub struct Frames {
    root: Frame,
    chunks: Box<[AtomicPtr<Frame>]>,
    first_generation: u32,
}

impl Default for Frames {
    fn default() -> Self {
        static START: AtomicU32 = AtomicU32::new(0);
        // Runtimes that follow each other start elsewhere, so that a handle of an ended one is stale.
        let first_generation = START.fetch_add(2 * 97, Ordering::Relaxed) % GENERATIONS & !1;
        let chunks = (0..CHUNKS).map(|_| AtomicPtr::default()).collect();
        Self { root: Frame::new(ROOT, first_generation), chunks, first_generation }
    }
}

impl Frames {
    /// The frame of the program outside of tasks, for the calling thread.
    pub fn open_root(&self) -> &Frame {
        self.root.open(std::ptr::null());
        &self.root
    }

    /// The frame of the task at `node`, which the calling thread is about to run.
    #[inline]
    pub(super) fn open(&self, node: NodeRef, body: *const Body, kind: &'static TaskKind) -> &Frame {
        let frame = self.find(node.index()).unwrap_or_else(|| self.grow(node.index()));
        frame.kind.set(Some(kind));
        frame.open(body);
        frame
    }

    #[inline]
    fn find(&self, index: u32) -> Option<&Frame> {
        if index == ROOT {
            return Some(&self.root);
        }
        let chunk = self.chunks.get(index as usize / CHUNK)?.load(Ordering::Acquire);
        // A chunk lives as long as the runtime.
        (!chunk.is_null()).then(|| unsafe { &*chunk.add(index as usize % CHUNK) })
    }

    #[cold]
    fn grow(&self, index: u32) -> &Frame {
        let first = index - index % CHUNK as u32;
        let made: Box<[Frame]> = (0..CHUNK as u32).map(|i| Frame::new(first + i, self.first_generation)).collect();
        let made = Box::into_raw(made);
        let slot = &self.chunks[index as usize / CHUNK];
        if slot.compare_exchange(std::ptr::null_mut(), made.cast(), Ordering::AcqRel, Ordering::Acquire).is_err() {
            // Another thread was faster.
            drop(unsafe { Box::from_raw(made) });
        }
        self.find(index).expect("made by one of the two")
    }

    #[inline]
    pub fn get(&self, handle: u64) -> Result<&Frame> {
        let (kind, generation) = ((handle >> 56) as u8, (handle >> 32) as u32 % GENERATIONS);
        if kind != Kind::Context as u8 {
            return refuse(handle);
        }
        match self.find(handle as u32) {
            Some(frame) if frame.generation.load(Ordering::Acquire) == generation && generation % 2 == 1 => {
                if frame.owner.load(Ordering::Relaxed) != thread_token() {
                    if thread_token() == CALLBACK {
                        fail!(WrongOrder, "called in a callback of a mapper; a mapper chooses and returns, it launches nothing and waits for nothing");
                    }
                    fail!(WrongThread, "this context belongs to another thread; use a context only in the thread whose task received it (the root context: in the thread that called cohort_init)");
                }
                Ok(frame)
            }
            _ => fail!(InvalidHandle, "the context {handle:#x} has ended; a task's context is valid until its body returns"),
        }
    }
}

#[cold]
fn refuse<T>(handle: u64) -> Result<T> {
    if handle == 0 {
        fail!(InvalidHandle, "the context is the null handle; use the one the task's body received, or cohort_root_context");
    }
    fail!(InvalidHandle, "{handle:#x} is not the handle of a context")
}

impl Drop for Frames {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            let chunk = chunk.load(Ordering::Acquire);
            if !chunk.is_null() {
                drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(chunk, CHUNK)) });
            }
        }
    }
}
