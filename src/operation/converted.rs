//! Tasks whose data is to lie in another layout or memory than it does: such a task works on a copy of its points and fields, made
//! before it runs if it reads, written back after it if it writes. A task that fails leaves the data as it was.

use super::body::{Body, Held};
use super::placed::{self, Elsewhere};
use super::{Engine, Processor, TaskKind};
use crate::base::sync::Mutex;
use crate::base::{Result, Stash};
use crate::copy::{convert, copy_rect};
use crate::fail;
use crate::geometry::Rect;
use crate::instance::{Arrangement, Difference, FieldInstance, Layout, Plan, What};
use crate::region::{Privilege, RegionNode, Usage};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::OnceLock;

/// Layouts that mappers chose, which live as long as the runtime.
#[derive(Default)]
pub struct Layouts(boxcar::Vec<Layout>);

impl Layouts {
    pub fn intern(&self, layout: &Layout) -> &'static Layout {
        let known = self.0.iter().map(|(_, known)| known).find(|known| *known == layout);
        let known = known.unwrap_or_else(|| &self.0[self.0.push(*layout)]);
        // It does not move, and operations end before the runtime does.
        unsafe { &*std::ptr::from_ref(known) }
    }
}

/// What a kind of task asks for, and what that cost.
#[derive(Default)]
pub struct Asked {
    any: AtomicBool,
    layouts: boxcar::Vec<(Processor, u32, Layout)>,
    adding: Mutex<()>,
    copies: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    first: OnceLock<Box<str>>,
}

impl Asked {
    pub fn add(&self, processor: Processor, requirement: u32, layout: Layout) -> Result<()> {
        layout.check()?;
        let _adding = self.adding.lock();
        if self.layouts.iter().any(|(_, l)| l.1 == requirement && (l.0 == processor || l.0 == Processor::Any || processor == Processor::Any)) {
            fail!(WrongOrder, "requirement {requirement} has a layout for this kind of processor already");
        }
        self.layouts.push((processor, requirement, layout));
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    #[inline]
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Whether the kind's body for that processor asks for a layout of the requirement.
    pub(super) fn asks(&self, processor: Processor, requirement: usize) -> bool {
        self.any() && self.find(processor, requirement).is_some()
    }

    fn find(&self, processor: Processor, requirement: usize) -> Option<&Layout> {
        let asked = |l: &&(Processor, u32, Layout)| l.1 as usize == requirement && (l.0 == processor || l.0 == Processor::Any);
        self.layouts.iter().map(|(_, l)| l).find(asked).map(|l| &l.2)
    }

    fn count(&self, copy: &Converted, held: &Held) {
        self.copies.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(copy.bytes_in, Ordering::Relaxed);
        self.bytes_out.fetch_add(copy.bytes_out, Ordering::Relaxed);
        self.first.get_or_init(|| copy.cause.explain(held.node()).to_string().into());
    }

    pub fn totals(&self) -> Copied<'_> {
        Copied {
            copies: self.copies.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            why: self.first.get().map(|text| text as &dyn fmt::Display),
        }
    }
}

/// How many copies were made, how much was copied, and why (the first of them).
pub struct Copied<'a> {
    pub copies: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub why: Option<&'a dyn fmt::Display>,
}

/// Why a copy was made: one of the two at least.
#[derive(Clone, Copy, Debug)]
struct Cause {
    layout: Option<(Layout, Difference)>,
    memory: Option<Elsewhere>,
}

struct Explanation<'a>(&'a Cause, &'a RegionNode);

impl Cause {
    fn explain<'a>(&'a self, node: &'a RegionNode) -> Explanation<'a> {
        Explanation(self, node)
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Cause { layout, memory } = self.0;
        if let Some((asked, difference)) = layout {
            write!(f, "{asked} is asked for: field {} {}", self.1.tree.fields.label(difference.field), difference.what)?;
        }
        match memory {
            Some(memory) => write!(f, "{}{memory}", if layout.is_some() { "; " } else { "" }),
            None => Ok(()),
        }
    }
}

/// A copy that a task works on.
pub struct Converted {
    data: Arrangement,
    /// The memory that was asked for, if one was.
    memory: Option<u32>,
    cause: Cause,
    bytes_in: u64,
    bytes_out: u64,
}

impl Converted {
    pub fn get(&self, field: u32) -> Option<&FieldInstance> {
        self.data.get(field)
    }
}

/// Copies put by for later, those of each memory by themselves.
pub struct Conversions {
    anywhere: Stash<Converted>,
    in_memories: Box<[Stash<Converted>]>,
}

impl Conversions {
    pub fn new(memories: usize) -> Self {
        Self { anywhere: Stash::default(), in_memories: (0..memories).map(|_| Stash::default()).collect() }
    }

    fn of(&self, memory: Option<u32>) -> &Stash<Converted> {
        memory.map_or(&self.anywhere, |memory| &self.in_memories[memory as usize])
    }

    /// One that has room, with what lies there.
    fn take(&self, memory: Option<u32>, plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone) -> Result<Option<Box<Converted>>> {
        match self.of(memory).take() {
            Some(mut made) => Ok(made.data.reuse(plan, fields)?.then_some(made)),
            None => Ok(None),
        }
    }
}

/// Where a field lies that the task would use without a copy: its own contributions, or the region's data. None: in several arrays.
fn place(held: &Held, field: u32) -> Result<Option<&FieldInstance>> {
    match held.private.iter().find(|private| private.0 == field) {
        Some(private) => Ok(Some(&private.1.instance)),
        None => held.data().instances.whole(field, &held.node().domain.bounds),
    }
}

/// Gives each requirement whose data is to lie otherwise its copy.
#[cold]
#[inline(never)]
pub fn prepare(engine: &Engine, body: &mut Body, kind: &TaskKind) -> Result<()> {
    let on = body.on.unwrap_or(Processor::Cpu);
    for number in 0..body.needs().len() {
        let held = &body.needs()[number];
        let layout = held.wished.layout.or_else(|| kind.asked.find(on, number)).copied();
        if layout.is_none() && held.wished.memory.is_none() {
            continue;
        }
        if held.access.privilege == Privilege::NoAccess || held.node().domain.is_empty() {
            continue;
        }
        let restricted = body.restricted && held.restricted && held.access.privilege != Privilege::Reduce;
        let elsewhere = if restricted { None } else { lies_elsewhere(engine, held)? };
        let Some(made) = make(engine, held, (layout, elsewhere), restricted.then_some(number))? else { continue };
        kind.asked.count(&made, held);
        let held = &mut body.needs_mut()[number];
        held.converted = Some(made);
        if held.access.privilege != Privilege::WriteDiscard {
            transfer(held, false)?;
        }
        body.converts = true;
    }
    Ok(())
}

/// Whether the data of a requirement lies in another memory than the one that a mapper chose.
fn lies_elsewhere(engine: &Engine, held: &Held) -> Result<Option<Elsewhere>> {
    let Some(memory) = held.wished.memory else { return Ok(None) };
    let parts = |field: u32, visit: &mut dyn FnMut(&Rect, &FieldInstance)| {
        held.node().domain.rects().try_for_each(|rect| match place(held, field)? {
            Some(place) => {
                visit(&rect, place);
                Ok(())
            }
            None => held.data().instances.each_place(field, &rect, &mut *visit),
        })
    };
    placed::look(engine, (&held.data().instances, held.node(), &held.mask), &parts, memory, held.access.writes())
}

/// A place for the copy of a requirement, if its data is to lie otherwise. `restricted`: the number of a requirement that may not have one.
fn make(
    engine: &Engine,
    held: &Held,
    (layout, elsewhere): (Option<Layout>, Option<Elsewhere>),
    restricted: Option<usize>,
) -> Result<Option<Box<Converted>>> {
    let (node, space) = (held.node(), &held.node().tree.fields);
    let size = |field: u32| (field, space.bytes(field).unwrap_or(0));
    let mut in_pieces = None;
    for field in held.mask.iter() {
        if place(held, field)?.is_none() {
            in_pieces = in_pieces.or(Some(Difference { field, what: What::Pieces }));
        }
    }
    let found = || held.mask.iter().filter_map(|field| place(held, field).ok().flatten().map(|instance| (field, instance)));
    let made = layout.unwrap_or_else(|| Layout::like(found().map(|(_, instance)| instance)));
    let plan = made.plan(node.domain.bounds, node.dim(), held.mask.iter().map(|field| size(field).1))?;
    let differs = layout.and_then(|layout| Some((layout, in_pieces.or_else(|| plan.differs(found()))?)));
    if differs.is_none() && elsewhere.is_none() {
        return Ok(None);
    }
    let cause = Cause { layout: differs, memory: elsewhere };
    if let Some(number) = restricted {
        fail!(
            Privilege,
            "requirement {number} is restricted to the data that others use at the same time, and would be copied ({}); acquire the region before (cohort_acquire), or lay the data out as the task asks",
            cause.explain(node)
        );
    }
    let fields = held.mask.iter().map(size);
    let memory = held.wished.memory;
    let mut made = match engine.conversions.take(memory, &plan, fields.clone())? {
        Some(made) => made,
        None => Box::new(Converted { data: arrange(engine, &plan, fields, memory)?, memory, cause, bytes_in: 0, bytes_out: 0 }),
    };
    let bytes = node.domain.volume() as u64 * held.mask.iter().map(|field| size(field).1 as u64).sum::<u64>();
    made.cause = cause;
    made.bytes_in = if held.access.privilege == Privilege::WriteDiscard { 0 } else { bytes };
    made.bytes_out = if held.access.privilege == Privilege::ReadOnly { 0 } else { bytes };
    Ok(Some(made))
}

fn arrange(engine: &Engine, plan: &Plan, fields: impl Iterator<Item = (u32, usize)> + Clone, memory: Option<u32>) -> Result<Arrangement> {
    let Some(memory) = memory else { return Arrangement::new(plan, fields, &engine.mappers.setting.fast) };
    let (made, bound) = Arrangement::in_node(plan, fields, engine.mappers.setting.nodes[memory as usize])?;
    bound.unwrap_or_else(|error| engine.unplaced.add(error));
    Ok(made)
}

/// Copies the points of a requirement to its copy, or back.
fn transfer(held: &Held, back: bool) -> Result<()> {
    let Some(converted) = &held.converted else { return Ok(()) };
    let mut pairs = smallvec::SmallVec::<[(FieldInstance, FieldInstance); 16]>::new();
    for (field, copy) in &converted.data.fields {
        match place(held, *field)? {
            Some(place) => pairs.push(if back { (*copy, *place) } else { (*place, *copy) }),
            None => transfer_pieces(held, *field, copy, back)?,
        }
    }
    // The task holds these points, and the copy is its own.
    held.node().domain.rects().for_each(|rect| unsafe { convert(&pairs, &rect) });
    Ok(())
}

/// As `transfer`, of a field that lies in several arrays.
fn transfer_pieces(held: &Held, field: u32, copy: &FieldInstance, back: bool) -> Result<()> {
    held.node().domain.rects().try_for_each(|rect| {
        held.data().instances.each_place(field, &rect, |part, place| {
            let (from, to) = if back { (copy, place) } else { (place, copy) };
            // As in `transfer`.
            unsafe { copy_rect(from, to, part, [0; 3]) }
        })
    })
}

/// After the task: its copies go back to where the data lies, if it succeeded, and are put by for others.
#[cold]
#[inline(never)]
pub fn finish(engine: &Engine, body: &mut Body, succeeded: bool) -> Result<()> {
    body.converts = false;
    let mut result = Ok(());
    for held in body.needs_mut() {
        if held.converted.is_none() {
            continue;
        }
        if succeeded && held.access.privilege != Privilege::ReadOnly {
            result = result.and(transfer(held, true));
        }
        if let Some(converted) = held.converted.take() {
            // When enough are put by, the memory goes.
            drop(engine.conversions.of(converted.memory).give(converted));
        }
    }
    result
}

/// What was copied for a requirement of the running task.
pub fn copied<'a, R>(held: &'a Held, report: impl FnOnce(Copied) -> R) -> R {
    match &held.converted {
        None => report(Copied { copies: 0, bytes_in: 0, bytes_out: 0, why: None }),
        Some(made) => {
            let why = made.cause.explain(held.node());
            report(Copied { copies: 1, bytes_in: made.bytes_in, bytes_out: made.bytes_out, why: Some(&why) })
        }
    }
}

/// Refuses a use, by an operation that the task `parent` launches, of data that the task has a copy of: the operation would
/// not see what the task wrote, or the task would write over what the operation did.
#[cold]
pub(super) fn check_use(parent: &Body, asked: Usage) -> Result<()> {
    let meets = |held: &Held| held.converted.is_some() && held.usage().conflicts(asked);
    match parent.needs().iter().position(meets) {
        None => Ok(()),
        Some(number) => fail!(
            Interference,
            "{:?} of region {} while the launching task works on a copy of it, which requirement {number} asked for by its layout; let the tasks that it launches ask for the layout instead",
            asked.access.privilege,
            asked.node.bounds_text()
        ),
    }
}
