//! Executions: a task that is running, or the program outside of all tasks. The handle that a body gets names one; it
//! goes stale when the body returns. Frames are recycled, so that running a task allocates nothing.
//!
//! `generation` is odd while the frame is in use. All other fields belong to the thread whose token is in `owner`, from
//! `open` to `close`; the children that complete later touch the context alone.

use super::{Body, Context};
use crate::base::{thread_token, Kind, Result};
use crate::event::NodeRef;
use crate::fail;
use parking_lot::{Mutex, RwLock};
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const GENERATIONS: u32 = 1 << 24;

pub struct Frame {
    index: u32,
    generation: AtomicU32,
    owner: AtomicU64,
    /// The task's body; null for the program outside of tasks.
    body: Cell<*const Body>,
    pub node: Cell<NodeRef>,
    pub context: UnsafeCell<Option<Box<Context>>>,
    /// What `cohort_task_fail` said.
    pub complaint: UnsafeCell<Option<Box<str>>>,
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

    /// The handle is stale from here on.
    pub fn close(&self) {
        self.body.set(std::ptr::null());
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1) % GENERATIONS;
        self.generation.store(next, Ordering::Release);
    }
}

/// All frames of a runtime. They live as long as it.
#[derive(Default)]
pub struct Frames {
    all: RwLock<Vec<&'static Frame>>,
    free: Mutex<Vec<u32>>,
}

impl Frames {
    /// A frame of the calling thread.
    pub fn open(&self, body: *const Body, node: NodeRef) -> &Frame {
        let recycled = self.free.lock().pop();
        let frame = match recycled {
            Some(index) => self.all.read()[index as usize],
            None => self.grow(),
        };
        frame.body.set(body);
        frame.node.set(node);
        frame.owner.store(thread_token(), Ordering::Relaxed);
        let next = frame.generation.load(Ordering::Relaxed).wrapping_add(1) % GENERATIONS;
        frame.generation.store(next, Ordering::Release);
        frame
    }

    fn grow(&self) -> &'static Frame {
        static START: AtomicU32 = AtomicU32::new(0);
        let mut all = self.all.write();
        // Runtimes that follow each other start elsewhere, so that a handle of an ended one is stale.
        let generation = START.fetch_add(2 * 97, Ordering::Relaxed) % GENERATIONS & !1;
        let frame = Box::leak(Box::new(Frame {
            index: all.len() as u32,
            generation: AtomicU32::new(generation),
            owner: AtomicU64::new(0),
            body: Cell::new(std::ptr::null()),
            node: Cell::new(NodeRef(0)),
            context: UnsafeCell::new(None),
            complaint: UnsafeCell::new(None),
        }));
        all.push(frame);
        frame
    }

    pub fn recycle(&self, frame: &Frame) {
        self.free.lock().push(frame.index);
    }

    pub fn get(&self, handle: u64) -> Result<&Frame> {
        let (kind, generation) = ((handle >> 56) as u8, (handle >> 32) as u32 % GENERATIONS);
        if handle == 0 {
            fail!(InvalidHandle, "the context is the null handle; use the one the task's body received, or cohort_root_context");
        }
        if kind != Kind::Context as u8 {
            fail!(InvalidHandle, "{handle:#x} is not the handle of a context");
        }
        let frame = self.all.read().get(handle as u32 as usize).copied();
        match frame {
            Some(frame) if frame.generation.load(Ordering::Acquire) == generation && generation % 2 == 1 => {
                if frame.owner.load(Ordering::Relaxed) != thread_token() {
                    fail!(WrongThread, "this context belongs to another thread; use a context only in the thread whose task received it (the root context: in the thread that called cohort_init)");
                }
                Ok(frame)
            }
            _ => fail!(InvalidHandle, "the context {handle:#x} has ended; a task's context is valid until its body returns"),
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        for frame in self.all.get_mut().drain(..) {
            drop(unsafe { Box::from_raw(frame as *const Frame as *mut Frame) });
        }
    }
}
