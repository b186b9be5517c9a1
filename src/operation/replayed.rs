//! Answers of mappers that are used again. A mapper that says `replay` in a task's options is not asked again for launches of the
//! same task in the same context that look the same: neither for their options nor where they run. They look the same if the kind
//! of task, the point of how many, the processor that the launch names and the requirements (region, fields, privilege,
//! coherence, reduction) do; arguments are not compared.
//!
//! The context's thread finds and adds answers, without a lock. What `map_task` says comes later, on whatever thread makes the
//! first of the tasks ready: the others that are ready by then wait for it.

use super::body::{Held, Wished};
use super::devices::Chosen;
use super::{Launch, Processor, TaskKind};
use crate::mapping::{Chain, TaskOptions};
use crate::region::{Access, FieldMask};
use crate::scheduler::Wish;
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// Answers that a context keeps: a program that never launches alike twice does not fill the memory with them.
const MOST: usize = 1 << 16;

/// Where a task runs.
pub struct Place {
    /// `None`: as it was.
    pub processor: Option<Processor>,
    pub wish: Wish,
    /// Of each requirement.
    pub wished: SmallVec<[Wished; 4]>,
    /// The same, of a task on a device.
    pub on_device: SmallVec<[Chosen; 4]>,
}

pub struct Replayed {
    look: Look,
    pub options: TaskOptions,
    /// What `map_task` said, once it was asked.
    pub place: OnceLock<Place>,
}

/// How a launch looks to its mapper.
pub struct Asking<'a> {
    pub kind: &'static TaskKind,
    pub chain: &'a Chain,
    pub wanted: Processor,
    pub point: u32,
    pub points: u32,
    pub can_be_inline: bool,
    pub needs: &'a [Held],
}

/// The same, kept. The chain is compared, and not used.
struct Look {
    kind: &'static TaskKind,
    chain: *const Chain,
    wanted: Processor,
    points: (u32, u32),
    can_be_inline: bool,
    needs: Box<[Need]>,
}

// See `chain`.
unsafe impl Send for Look {}
unsafe impl Sync for Look {}

struct Need {
    tree: u64,
    region: u32,
    mask: FieldMask,
    access: Access,
}

impl Need {
    fn is(&self, held: &Held) -> bool {
        (self.tree, self.region) == (held.node().tree.id, held.node().index) && self.access == held.access && self.mask == held.mask
    }
}

impl<'a> Asking<'a> {
    pub fn new(kind: &'static TaskKind, chain: &'a Chain, wanted: Processor, launch: &Launch, needs: &'a [Held]) -> Self {
        let can_be_inline = launch.waits.is_empty();
        Self { kind, chain, wanted, point: launch.point, points: launch.points, can_be_inline, needs }
    }

    /// Where to look for the answer. Those that fall together take each other's place.
    fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        (std::ptr::from_ref(self.kind) as usize, self.wanted as u8, self.can_be_inline, self.point, self.points).hash(&mut hasher);
        for held in self.needs {
            (held.node().tree.id, held.node().index, held.access, &held.mask).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn is(&self, look: &Look) -> bool {
        std::ptr::eq(self.kind, look.kind)
            && std::ptr::eq(self.chain, look.chain)
            && (self.wanted, self.can_be_inline, (self.point, self.points)) == (look.wanted, look.can_be_inline, look.points)
            && self.needs.len() == look.needs.len()
            && look.needs.iter().zip(self.needs).all(|(need, held)| need.is(held))
    }

    fn look(&self) -> Look {
        let need = |held: &Held| Need { tree: held.node().tree.id, region: held.node().index, mask: held.mask.clone(), access: held.access };
        Look {
            kind: self.kind,
            chain: self.chain,
            wanted: self.wanted,
            points: (self.point, self.points),
            can_be_inline: self.can_be_inline,
            needs: self.needs.iter().map(need).collect(),
        }
    }
}

/// The answers of one context.
#[derive(Default)]
pub struct Replays {
    known: FxHashMap<u64, Arc<Replayed>>,
    /// How often mappers had been put to use when the answers were given.
    uses: u64,
}

impl Replays {
    /// The answer for a launch that looks so. `uses`: how often mappers were put to use; each time all are asked again.
    pub fn find(&mut self, asking: &Asking, uses: u64) -> Option<&Arc<Replayed>> {
        if self.known.is_empty() {
            return None;
        }
        if self.uses != uses {
            self.known.clear();
        }
        self.known.get(&asking.hash()).filter(|known| asking.is(&known.look))
    }

    pub fn add(&mut self, asking: &Asking, options: TaskOptions, uses: u64) -> Arc<Replayed> {
        if self.uses != uses || self.known.len() == MOST {
            self.known.clear();
            self.uses = uses;
        }
        let made = Arc::new(Replayed { look: asking.look(), options, place: OnceLock::new() });
        self.known.insert(asking.hash(), made.clone());
        made
    }

    /// The context is over.
    pub fn clear(&mut self) {
        self.known.clear();
    }
}
