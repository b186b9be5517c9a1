//! Executions: a task that is running, or the program outside of all tasks. The handle that a body gets names one; it
//! goes stale when the body returns. A task's frame lies at the index of its node, so that opening, finding and closing
//! one takes no lock and allocates nothing.
//!
//! `generation` is odd while the frame is in use. All other fields belong to the thread whose token is in `owner`, from
//! `open` to `close`; the children that complete later touch the context alone.

use super::{Body, Context, TaskKind};
use crate::base::{thread_token, Chunks, Kind, Result, CALLBACK};
use crate::event::{NodeRef, CHUNK, CHUNKS};
use crate::fail;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const GENERATIONS: u32 = 1 << 24;
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
    of_nodes: Chunks<Frame, CHUNK, CHUNKS>,
    first_generation: u32,
}

impl Default for Frames {
    fn default() -> Self {
        static START: AtomicU32 = AtomicU32::new(0);
        // Runtimes that follow each other start elsewhere, so that a handle of an ended one is stale.
        let first_generation = START.fetch_add(2 * 97, Ordering::Relaxed) % GENERATIONS & !1;
        Self { root: Frame::new(ROOT, first_generation), of_nodes: Chunks::default(), first_generation }
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
        let frame = self.find(node.index()).expect("made before the node");
        frame.kind.set(Some(kind));
        frame.open(body);
        frame
    }

    #[inline]
    fn find(&self, index: u32) -> Option<&Frame> {
        if index == ROOT {
            return Some(&self.root);
        }
        self.of_nodes.get(index as usize)
    }

    /// Those of a chunk of nodes, before the nodes are there. Whether there is memory for them.
    pub(super) fn make(&self, chunk: usize) -> bool {
        self.of_nodes.make(chunk, |index| Frame::new(index as u32, self.first_generation))
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
