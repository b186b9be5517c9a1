//! Halos: the ghost regions around this rank's block of a block decomposition, those of its neighbours that this rank fills,
//! and the barriers that order both. For every face and slot there are two barriers: `full`, of the rank that reads,
//! completes a phase when the data of an exchange has come; `empty`, of the rank that sends, completes one when the reader has
//! released the slot. As in S3D's Legion version (Bauer, Stanford thesis 2014, chapter on S3D), with the twelve regions hidden.

use super::barrier::PhaseBarrier;
use super::barriers::{nth_of_row, Barriers};
use super::ghost::Ghosts;
use super::ghost_layout::{Description, DESCRIPTION_WORDS};
use crate::base::Result;
use crate::fail;
use crate::geometry::{Point, Rect};
use crate::operation::copy::{copy, order, Arrivals, Terms};
use crate::operation::{Engine, Frame, RegionObject, ANYBODY};
use crate::region::{check_dim, FieldSpace, IndexSpace};
use crate::transport::Messages;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

pub const FACES: usize = 6;
const FACE_NAMES: [&str; FACES] = ["-x", "+x", "-y", "+y", "-z", "+z"];

/// This rank's block and what lies around it.
pub struct Block {
    pub dim: i32,
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    pub depth: [i64; 3],
    /// Ranks beyond the faces; negative: none.
    pub neighbours: [i32; FACES],
    pub fields: u32,
    pub field_bytes: usize,
}

impl Block {
    fn space(&self) -> Result<IndexSpace> {
        let dim = check_dim(self.dim)?;
        if self.fields == 0 || self.field_bytes == 0 {
            fail!(InvalidArgument, "{} slots of {} bytes; give at least one of each", self.fields, self.field_bytes);
        }
        if let Some(d) = (0..dim).find(|&d| self.depth[d] < 0) {
            fail!(InvalidArgument, "depth[{d}] is {}; give the number of ghost points beyond a face, 0 for none", self.depth[d]);
        }
        IndexSpace::new(self.dim, &self.lo, &self.hi)
    }

    fn has(&self, face: usize) -> bool {
        face < 2 * self.dim as usize && self.depth[face / 2] > 0 && self.neighbours[face] >= 0
    }

    /// The ghost points beyond a face, `within` this block's own numbering.
    fn beyond(&self, face: usize, block: &IndexSpace) -> Result<IndexSpace> {
        let (d, Rect { mut lo, mut hi }) = (face / 2, block.domain.bounds);
        if face % 2 == 0 {
            (lo[d], hi[d]) = (lo[d] - self.depth[d], lo[d] - 1);
        } else {
            (lo[d], hi[d]) = (hi[d] + 1, hi[d] + self.depth[d]);
        }
        IndexSpace::new(self.dim, &lo, &hi)
    }
}

/// What a rank tells the others of one face, in this order: the neighbour's number + 1, the ghost region, the first of its
/// `full` barriers and the first of its `empty` ones.
const WORDS: usize = 1 + DESCRIPTION_WORDS + 2;

/// One side of a block with a neighbour.
struct Face {
    neighbour: u32,
    /// Filled by the neighbour.
    ghost: RegionObject,
    /// The neighbour's, filled by this rank.
    theirs: RegionObject,
    /// This rank's points that go there, and the way to there.
    sent: Rect,
    shift: Point,
    /// Of this rank, for `ghost`; of the neighbour, for `theirs`. By slot.
    full: Vec<Arc<PhaseBarrier>>,
    their_full: Vec<Arc<PhaseBarrier>>,
    /// Of this rank, for `theirs`; of the neighbour, for `ghost`.
    empty: Vec<Arc<PhaseBarrier>>,
    their_empty: Vec<Arc<PhaseBarrier>>,
    their_rows: [u64; 2],
}

/// How often a slot was exchanged and released.
#[derive(Default)]
struct Turns {
    exchanged: AtomicU64,
    released: AtomicU64,
}

pub struct Halo {
    faces: [Option<Face>; FACES],
    turns: Vec<Turns>,
    /// Rows of this rank's barriers.
    rows: Vec<u64>,
}

/// What this rank makes before it knows of the others.
struct Own {
    block: Block,
    ghosts: [Option<(RegionObject, Description)>; FACES],
    full: [u64; FACES],
    empty: [u64; FACES],
}

impl Halo {
    /// Collective. Ranks whose own part fails take part too, so that none hangs.
    pub fn create(messages: &Messages, ghosts: &Ghosts, barriers: &Barriers, block: Result<Block>) -> Result<Self> {
        let slots = block.as_ref().map_or(0, |block| block.fields);
        let mut rows = Vec::new();
        let own = block.and_then(|block| prepare(messages, ghosts, barriers, block, &mut rows));
        let mut words = vec![u64::from(own.is_ok())];
        for face in 0..FACES {
            let mut mine = [0; WORDS];
            if let Ok(own) = &own {
                if let Some((_, description)) = &own.ghosts[face] {
                    mine[0] = own.block.neighbours[face] as u64 + 1;
                    mine[1..=DESCRIPTION_WORDS].copy_from_slice(description);
                    mine[WORDS - 2..].copy_from_slice(&[own.full[face], own.empty[face]]);
                }
            }
            words.extend(mine);
        }
        let all = messages.gather(&words)?;
        let connected = own.as_ref().map_err(Clone::clone).and_then(|own| {
            let each = words.len();
            if let Some(rank) = all.chunks_exact(each).position(|theirs| theirs[0] == 0) {
                fail!(InvalidArgument, "rank {rank} could not make its part of the halo; the error it returned there says why");
            }
            let of = |rank: i32, face: usize| &all[rank as usize * each + 1 + face * WORDS..][..WORDS];
            let (block, mut faces) = (&own.block, [const { None }; FACES]);
            for (face, ghost) in own.ghosts.iter().enumerate() {
                let Some((ghost, _)) = ghost else { continue };
                let row = (own.full[face], own.empty[face]);
                let theirs = of(block.neighbours[face], face ^ 1);
                faces[face] = Some(connect(messages.rank(), ghosts, barriers, block, face, ghost, row, theirs)?);
            }
            Ok(faces)
        });
        // Nobody begins to exchange, or takes back what failed, before all have looked.
        let agreed = messages.gather(&[u64::from(connected.is_ok())])?;
        let faces = connected.and_then(|faces| match agreed.iter().position(|ok| *ok == 0) {
            Some(rank) => fail!(InvalidArgument, "rank {rank} could not connect its part of the halo; the error it returned there says why"),
            None => Ok(faces),
        });
        match faces {
            Ok(faces) => {
                let turns = std::iter::repeat_with(Turns::default).take(slots as usize).collect();
                Ok(Self { faces, turns, rows })
            }
            Err(error) => {
                remove_rows(barriers, &rows, slots);
                Err(error)
            }
        }
    }

    fn check_slots(&self, slots: &[u32]) -> Result<()> {
        if slots.is_empty() {
            fail!(InvalidArgument, "0 slots given; name at least one");
        }
        for (i, &slot) in slots.iter().enumerate() {
            if slot as usize >= self.turns.len() {
                fail!(InvalidArgument, "slot {slot} of a halo with {}; they count from 0", self.turns.len());
            }
            if slots[..i].contains(&slot) {
                fail!(InvalidArgument, "slot {slot} is named twice; name each once");
            }
        }
        Ok(())
    }

    /// Launches the copies of this rank's faces into its neighbours' ghost regions, and what later uses of its own ghost regions
    /// wait for.
    pub fn exchange(&self, engine: &Engine, barriers: &Barriers, frame: &Frame, source: &RegionObject, fields: &[u32], slots: &[u32]) -> Result<()> {
        self.check_slots(slots)?;
        for &slot in slots {
            let Turns { exchanged, released } = &self.turns[slot as usize];
            if exchanged.load(Ordering::Relaxed) != released.load(Ordering::Relaxed) {
                fail!(WrongOrder, "slot {slot} was exchanged and not released since; call cohort_halo_release after the launches that read it");
            }
        }
        for (face, name) in self.faces.iter().zip(FACE_NAMES) {
            if let Some(face) = face.as_ref().filter(|face| !source.node.domain.bounds.contains(&face.sent)) {
                fail!(
                    Bounds,
                    "the source {} does not hold the points {:?}..{:?} that go to the neighbour at {name}; pass a region that has the whole block",
                    source.node.bounds_text(),
                    face.sent.lo,
                    face.sent.hi
                );
            }
        }
        let turn = |slot: &u32| self.turns[*slot as usize].exchanged.load(Ordering::Relaxed);
        for face in self.faces.iter().flatten() {
            let emptied = slots.iter().filter_map(|slot| {
                let before = turn(slot).checked_sub(1)?;
                Some((barriers.cell_of(engine, &face.empty[*slot as usize]), before))
            });
            let arrivals = arrivals(&face.their_full, slots, turn);
            let terms = Terms { waits: emptied.collect(), arrivals, ..Terms::default() };
            copy(engine, frame, (&source.piece(face.sent.into()), fields), (&face.theirs, slots), face.shift, terms)?;
        }
        for face in self.faces.iter().flatten() {
            let filled = slots.iter().map(|slot| (barriers.cell_of(engine, &face.full[*slot as usize]), turn(slot)));
            order(engine, frame, &face.ghost, slots, Terms { waits: filled.collect(), ..Terms::default() })?;
        }
        for slot in slots {
            self.turns[*slot as usize].exchanged.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Launches what tells the neighbours that the uses launched so far are over.
    pub fn release(&self, engine: &Engine, frame: &Frame, slots: &[u32]) -> Result<()> {
        self.check_slots(slots)?;
        for &slot in slots {
            let Turns { exchanged, released } = &self.turns[slot as usize];
            if exchanged.load(Ordering::Relaxed) == released.load(Ordering::Relaxed) {
                fail!(WrongOrder, "slot {slot} was not exchanged since its last release; call cohort_halo_exchange first");
            }
        }
        let turn = |slot: &u32| self.turns[*slot as usize].released.load(Ordering::Relaxed);
        for face in self.faces.iter().flatten() {
            let arrivals = arrivals(&face.their_empty, slots, turn);
            order(engine, frame, &face.ghost, slots, Terms { arrivals, ..Terms::default() })?;
        }
        for slot in slots {
            self.turns[*slot as usize].released.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Who waits for whom.
    pub fn waits(&self, handle: u64) -> Vec<String> {
        let mut waits = Vec::new();
        for (face, name) in self.faces.iter().zip(FACE_NAMES) {
            let Some(face) = face else { continue };
            let mut missing = |barriers: &[Arc<PhaseBarrier>], less: u64, what: &str| {
                let expected = |slot: usize| self.turns[slot].exchanged.load(Ordering::Relaxed).saturating_sub(less);
                let mut late = (0..self.turns.len()).filter(|&slot| barriers[slot].completed() < expected(slot));
                if let Some(first) = late.next() {
                    // The first that is missing: launches run ahead.
                    let (others, rank, exchange) = (late.count(), face.neighbour, barriers[first].completed() + 1);
                    let others = if others == 0 { String::new() } else { format!(" and {others} other slots") };
                    waits.push(format!("the halo {handle:#x} waits for rank {rank} at {name}, which has not {what} slot {first} in exchange {exchange}{others}"));
                }
            };
            missing(&face.full, 0, "sent its points for");
            missing(&face.empty, 1, "released");
        }
        waits
    }

    /// The ghost region beyond a face, if there is a neighbour.
    pub fn ghost(&self, face: u32) -> Result<Option<&RegionObject>> {
        match self.faces.get(face as usize) {
            Some(face) => Ok(face.as_ref().map(|f| &f.ghost)),
            None => fail!(InvalidArgument, "face {face}; they count from 0 (-x) to 5 (+z)"),
        }
    }

    /// Collective. Waits for what this rank sent and receives, then gives up its part.
    pub fn destroy(&self, messages: &Messages, engine: &Engine, barriers: &Barriers) -> Result<()> {
        let settled = self.settle(engine, barriers);
        messages.gather(&[0])?;
        let slots = self.turns.len() as u32;
        for row in self.faces.iter().flatten().flat_map(|face| face.their_rows) {
            (0..slots).try_for_each(|slot| barriers.forget(nth_of_row(row, slot)))?;
        }
        remove_rows(barriers, &self.rows, slots);
        settled
    }

    fn settle(&self, engine: &Engine, barriers: &Barriers) -> Result<()> {
        for face in self.faces.iter().flatten() {
            for (slot, turns) in self.turns.iter().enumerate() {
                let (exchanged, released) = (turns.exchanged.load(Ordering::Relaxed), turns.released.load(Ordering::Relaxed));
                for (barrier, phase) in [(&face.full, exchanged), (&face.their_full, exchanged), (&face.their_empty, released)] {
                    barriers.wait_for(engine, &barrier[slot], phase)?;
                }
            }
        }
        Ok(())
    }
}

fn arrivals(barriers: &[Arc<PhaseBarrier>], slots: &[u32], turn: impl Fn(&u32) -> u64) -> Arrivals {
    slots.iter().map(|slot| (barriers[*slot as usize].clone() as Arc<_>, turn(slot))).collect()
}

fn remove_rows(barriers: &Barriers, rows: &[u64], slots: u32) {
    for &row in rows {
        for slot in 0..slots {
            // Made by this rank, and removed here only.
            let _ = barriers.remove(nth_of_row(row, slot));
        }
    }
}

fn prepare(messages: &Messages, ghosts: &Ghosts, barriers: &Barriers, block: Block, rows: &mut Vec<u64>) -> Result<Own> {
    let space = block.space()?;
    let fields = Arc::new(FieldSpace::default());
    fields.allocate(block.field_bytes, block.fields, None)?;
    let mut own = Own { block, ghosts: [const { None }; FACES], full: [0; FACES], empty: [0; FACES] };
    let block = &own.block;
    for face in (0..FACES).filter(|&face| block.has(face)) {
        let neighbour = block.neighbours[face];
        if neighbour as u32 >= messages.size() {
            fail!(WrongRank, "neighbours[{face}] is {neighbour}, and there are {} ranks; give a rank, or -1 for none", messages.size());
        }
        let ghost = ghosts.create(block.beyond(face, &space)?, fields.clone(), ANYBODY)?;
        let description = ghosts.export(&ghost)?;
        for place in [&mut own.full[face], &mut own.empty[face]] {
            *place = barriers.create_row(1, block.fields)?;
            rows.push(*place);
        }
        own.ghosts[face] = Some((ghost, description));
    }
    Ok(own)
}

#[allow(clippy::too_many_arguments)]
fn connect(
    rank: u32,
    ghosts: &Ghosts,
    barriers: &Barriers,
    block: &Block,
    face: usize,
    ghost: &RegionObject,
    (full, empty): (u64, u64),
    theirs: &[u64],
) -> Result<Face> {
    let (name, neighbour) = (FACE_NAMES[face], block.neighbours[face]);
    if theirs[0] != u64::from(rank) + 1 {
        fail!(
            InvalidArgument,
            "the neighbour at {name} is rank {neighbour}, whose neighbour at {} is {}; give every rank the neighbours of one block decomposition",
            FACE_NAMES[face ^ 1],
            match theirs[0] {
                0 => "none".into(),
                other => format!("rank {}", other - 1),
            }
        );
    }
    let description: &Description = theirs[1..=DESCRIPTION_WORDS].try_into().expect("it is that long");
    let region = ghosts.import(description, ANYBODY)?;
    let target = region.node.domain.bounds;
    let fields = &region.node.tree.fields;
    if fields.len() != block.fields as usize || fields.bytes(0) != Some(block.field_bytes) {
        fail!(
            InvalidArgument,
            "rank {neighbour} has {} slots of {} bytes and this rank {} of {}; give equally many on every rank",
            fields.len(),
            fields.bytes(0).unwrap_or(0),
            block.fields,
            block.field_bytes
        );
    }
    // The points next to the face, as deep as the neighbour's ghost region.
    let d = face / 2;
    let mut sent = block.space()?.domain.bounds;
    if face % 2 == 0 {
        sent.hi[d] = sent.lo[d] + target.extent(d) - 1;
    } else {
        sent.lo[d] = sent.hi[d] - target.extent(d) + 1;
    }
    if !block.space()?.domain.bounds.contains(&sent) {
        fail!(
            Bounds,
            "the block has {} points in dimension {d}, and the neighbour at {name} needs {}; use blocks at least as thick as the halo is deep",
            block.hi[d] - block.lo[d] + 1,
            target.extent(d)
        );
    }
    if let Some(e) = (0..3).find(|&e| sent.extent(e) != target.extent(e)) {
        fail!(
            Bounds,
            "the face at {name} has {} points in dimension {e} and that of rank {neighbour} has {}; neighbouring blocks have equal faces",
            sent.extent(e),
            target.extent(e)
        );
    }
    let row = |first: u64| (0..block.fields).map(|slot| barriers.get(nth_of_row(first, slot)).cloned()).collect::<Result<Vec<_>>>();
    Ok(Face {
        neighbour: neighbour as u32,
        ghost: ghost.clone(),
        theirs: region,
        sent,
        shift: std::array::from_fn(|d| target.lo[d] - sent.lo[d]),
        full: row(full)?,
        empty: row(empty)?,
        their_full: row(theirs[WORDS - 2])?,
        their_empty: row(theirs[WORDS - 1])?,
        their_rows: [theirs[WORDS - 2], theirs[WORDS - 1]],
    })
}
