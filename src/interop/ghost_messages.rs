//! Copies into ghost regions of ranks that share no memory with this one: the points travel in one message, together with the
//! barriers to arrive at, at which the owner arrives once the points lie in their place.
//!
//! A message's words are the ghost region, the number of fields and that of arrivals. Its payload: the bounds of the points in
//! the owner's numbering (6 words), barrier and phase of each arrival, the fields, and the points field by field.

use super::barriers::Barriers;
use super::ghost::Ghosts;
use crate::base::Result;
use crate::copy::unpack;
use crate::fail;
use crate::geometry::Rect;
use crate::operation::{Arrival, Elsewhere, Engine, Transfer};
use crate::transport::{Message, Messages, Topic};
use smallvec::SmallVec;
use std::sync::Arc;

const WORD: usize = size_of::<u64>();
const BOUNDS: usize = 6 * WORD;

/// A ghost region of a rank of another node.
pub(super) struct FarGhost {
    messages: Arc<Messages>,
    id: u64,
}

impl FarGhost {
    pub fn new(messages: Arc<Messages>, id: u64) -> Self {
        Self { messages, id }
    }
}

/// Where the parts of a payload begin.
struct Parts {
    arrivals: usize,
    fields: usize,
    points: usize,
}

impl Parts {
    fn of(fields: usize, arrivals: usize) -> Self {
        let fields_at = BOUNDS + arrivals * 2 * WORD;
        Self { arrivals: BOUNDS, fields: fields_at, points: (fields_at + fields * size_of::<u32>()).next_multiple_of(64) }
    }
}

impl Elsewhere for FarGhost {
    fn rank(&self) -> u32 {
        self.id as u32
    }

    fn is_mapped(&self) -> bool {
        false
    }

    fn check(&self) -> Result<()> {
        // The owner notices when the copy comes.
        Ok(())
    }

    fn will_write(&self, _field: u32) {}

    fn deliver(&self, _engine: &Engine, transfer: &Transfer, arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        let addressed = |arrival: &(Arc<dyn Arrival>, u64)| arrival.0.address().map(|address| (address, arrival.1));
        let travelling: SmallVec<[(u64, u64); 4]> = arrivals.iter().filter_map(addressed).collect();
        // Messages of one thread are read in order: what arrives comes with the last of the points.
        let mut rects = transfer.domain.rects();
        while let Some(rect) = rects.next() {
            let arriving = if rects.len() == 0 { &travelling[..] } else { &[] };
            self.send(transfer, &rect, arriving)?;
        }
        arrivals.retain(|arrival| addressed(arrival).is_none());
        Ok(())
    }
}

impl FarGhost {
    fn send(&self, transfer: &Transfer, rect: &Rect, arrivals: &[(u64, u64)]) -> Result<()> {
        let fields = transfer.fields();
        let parts = Parts::of(fields.len(), arrivals.len());
        let words = [self.id, fields.len() as u64, arrivals.len() as u64, 0, 0, 0];
        let mut message = self.messages.write(Topic::Ghost, words, parts.points + transfer.bytes(rect)?);
        let payload = message.payload_mut();
        let target = rect.shifted(transfer.shift);
        let mut put = |at: usize, word: u64| payload[at..at + WORD].copy_from_slice(&word.to_ne_bytes());
        for d in 0..3 {
            put(d * WORD, target.lo[d] as u64);
            put((3 + d) * WORD, target.hi[d] as u64);
        }
        for (i, (address, phase)) in arrivals.iter().enumerate() {
            put(parts.arrivals + 2 * i * WORD, *address);
            put(parts.arrivals + (2 * i + 1) * WORD, *phase);
        }
        for ((_, destination), place) in fields.zip(payload[parts.fields..].chunks_exact_mut(size_of::<u32>())) {
            place.copy_from_slice(&destination.to_ne_bytes());
        }
        transfer.pack(rect, &mut payload[parts.points..])?;
        self.messages.send(self.rank(), message);
        Ok(())
    }
}

/// Does what a message of another rank asks for. A failure reaches this rank's next wait.
pub fn receive(engine: &Engine, ghosts: &Ghosts, barriers: &Barriers, message: &Message) {
    let fail = |text: &str| engine.fail(format!("copy from rank {} into a ghost region of rank {}: {text}", message.from(), engine.rank));
    let failed = place(ghosts, message).map_or_else(|error| fail(&error.text), |()| 0);
    let (payload, words) = (message.payload(), message.words());
    let parts = Parts::of(words[1] as usize, words[2] as usize);
    for arrival in payload.get(parts.arrivals..parts.fields).unwrap_or_default().chunks_exact(2 * WORD) {
        match barriers.get(word(arrival, 0)) {
            Ok(barrier) => Arrival::arrive(&**barrier, engine, word(arrival, WORD), failed),
            Err(error) => _ = fail(&error.text),
        }
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + WORD].try_into().expect("eight bytes"))
}

fn place(ghosts: &Ghosts, message: &Message) -> Result<()> {
    let (payload, words) = (message.payload(), message.words());
    let parts = Parts::of(words[1] as usize, words[2] as usize);
    if payload.len() < parts.points {
        fail!(Internal, "a message of {} bytes, too short for {} fields and {} arrivals", payload.len(), words[1], words[2]);
    }
    let ghost = ghosts.own(words[0])?;
    let bound = |i: usize| word(payload, i * WORD) as i64;
    let rect = Rect::new(std::array::from_fn(bound), std::array::from_fn(|d| bound(3 + d)));
    let whole = ghost.node.domain.bounds;
    if rect.is_empty() || !whole.contains(&rect) {
        fail!(Bounds, "points {:?}..{:?} do not lie in {}", rect.lo, rect.hi, ghost.node.bounds_text());
    }
    let mut points = &payload[parts.points..];
    for field in payload[parts.fields..].chunks_exact(size_of::<u32>()).take(words[1] as usize) {
        let field = u32::from_ne_bytes(field.try_into().expect("four bytes"));
        // The phases that the copy waited for and arrives at keep the owner's tasks away.
        let used = unsafe { unpack(points, ghost.data.instances.covering(field, &rect)?, &rect)? };
        points = &points[used..];
        ghost.data.is_written_here(field, &rect);
    }
    Ok(())
}
