//! Copies into ghost regions of ranks that share no memory with this one: the points travel in one message, together with the
//! barriers to arrive at, at which the owner arrives once the points lie in their place.
//!
//! A message's words are the ghost region, the number of fields and that of arrivals. Its payload: the bounds of the points in
//! the owner's numbering (6 words), barrier and phase of each arrival, the fields, and the points field by field; points that were packed on a
//! device travel as its cargo. Cargo is received where a device of the owner's unpacks it, if the ghost region has a place on one.

use super::barriers::Barriers;
use super::ghost::Ghosts;
use crate::base::Result;
use crate::copy::unpack;
use crate::fail;
use crate::geometry::Rect;
use crate::operation::devices::Brought;
use crate::operation::{Arrival, Elsewhere, Engine, RegionObject, Transfer};
use crate::transport::{Cargo, Line, Message, Messages, Topic};
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
        // It waits for what comes from here.
        messages.know(id as u32);
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

    fn id(&self) -> u64 {
        self.id
    }

    fn is_mapped(&self) -> bool {
        false
    }

    fn check(&self) -> Result<()> {
        // The owner notices when the copy comes.
        Ok(())
    }

    fn is_written(&self, _field: u32) {}

    fn deliver(&self, _engine: &Engine, transfer: &Transfer, arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        self.send_each(transfer.domain.rects(), arrivals, |rect, arriving| {
            let (mut message, points) = self.address(&rect.shifted(transfer.shift), transfer.fields().map(|pair| pair.1), arriving, transfer.bytes(&rect)?);
            transfer.pack(&rect, &mut message.payload_mut()[points..])?;
            self.messages.send(self.rank(), message);
            Ok(())
        })
    }

    fn ship(&self, parcels: Vec<(Rect, Box<dyn Cargo>)>, fields: &[u32], arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        self.send_each(parcels.into_iter(), arrivals, |(rect, cargo), arriving| {
            let (mut message, _) = self.address(&rect, fields.iter().copied(), arriving, 0);
            message.carry(cargo);
            self.messages.send(self.rank(), message);
            Ok(())
        })
    }
}

impl FarGhost {
    /// Sends a message for each part, with what is to arrive; the rest stays.
    fn send_each<T>(
        &self,
        mut parts: impl ExactSizeIterator<Item = T>,
        arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>,
        send: impl Fn(T, &[(u64, u64)]) -> Result<()>,
    ) -> Result<()> {
        let addressed = |arrival: &(Arc<dyn Arrival>, u64)| arrival.0.address().map(|address| (address, arrival.1));
        let travelling: SmallVec<[(u64, u64); 4]> = arrivals.iter().filter_map(addressed).collect();
        // Messages of one thread are read in order: what arrives comes with the last of the points.
        while let Some(part) = parts.next() {
            send(part, if parts.len() == 0 { &travelling[..] } else { &[] })?;
        }
        arrivals.retain(|arrival| addressed(arrival).is_none());
        Ok(())
    }

    /// A message with room for the points, and where they begin.
    fn address(&self, target: &Rect, fields: impl ExactSizeIterator<Item = u32>, arrivals: &[(u64, u64)], bytes: usize) -> (Message, usize) {
        let parts = Parts::of(fields.len(), arrivals.len());
        let words = [self.id, fields.len() as u64, arrivals.len() as u64, 0, 0, 0];
        let mut message = self.messages.write(Topic::Ghost, words, parts.points + bytes);
        let payload = message.payload_mut();
        let mut put = |at: usize, word: u64| payload[at..at + WORD].copy_from_slice(&word.to_ne_bytes());
        for d in 0..3 {
            put(d * WORD, target.lo[d] as u64);
            put((3 + d) * WORD, target.hi[d] as u64);
        }
        for (i, (address, phase)) in arrivals.iter().enumerate() {
            put(parts.arrivals + 2 * i * WORD, *address);
            put(parts.arrivals + (2 * i + 1) * WORD, *phase);
        }
        for (field, place) in fields.zip(payload[parts.fields..].chunks_exact_mut(size_of::<u32>())) {
            place.copy_from_slice(&field.to_ne_bytes());
        }
        (message, parts.points)
    }
}

/// Does what a message of another rank asks for. A failure reaches this rank's next wait.
pub fn receive(engine: &Engine, ghosts: &Ghosts, barriers: &Barriers, mut message: Message) {
    let from = message.from();
    let fail = |text: &str| engine.fail(format!("copy from rank {from} into a ghost region of rank {}: {text}", engine.rank));
    let cargo = message.take_cargo();
    let failed = place(engine, ghosts, &message, cargo).map_or_else(|error| fail(&error.text), |()| 0);
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

/// What a message says of its points.
struct Delivery<'a> {
    ghost: RegionObject,
    rect: Rect,
    /// As they lie in the message.
    fields: &'a [u32],
    /// Where they begin in its payload, unless they are its cargo.
    points: usize,
}

impl<'a> Delivery<'a> {
    fn of(ghosts: &Ghosts, message: &'a Message) -> Result<Self> {
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
        // They begin at a multiple of eight bytes in a payload that begins on a cache line, and end before the points.
        let fields = unsafe { std::slice::from_raw_parts(payload[parts.fields..parts.points].as_ptr().cast(), words[1] as usize) };
        Ok(Self { ghost, rect, fields, points: parts.points })
    }

    fn brought(&self) -> Brought<'_> {
        Brought { data: self.ghost.data.shared(), rect: self.rect, fields: self.fields }
    }

    /// Brings points to their place in the host's memory.
    fn unpack(&self, mut points: &[u8]) -> Result<()> {
        for &field in self.fields {
            // The phases that the copy waited for and arrives at keep the owner's tasks away.
            let used = unsafe { unpack(points, self.ghost.data.instances.covering(field, &self.rect)?, &self.rect)? };
            points = &points[used..];
            self.ghost.data.is_written_here(field, &self.rect)?;
        }
        Ok(())
    }
}

/// Where what comes with a message is received, if a device is to unpack it from there.
pub fn berth(engine: &Engine, ghosts: &Ghosts, message: &Message) -> Option<Box<dyn Cargo>> {
    // What is wrong with the message is said when it is received.
    engine.berth(&Delivery::of(ghosts, message).ok()?.brought(), message.cargo_lines())
}

fn place(engine: &Engine, ghosts: &Ghosts, message: &Message, cargo: Option<Box<dyn Cargo>>) -> Result<()> {
    let delivery = Delivery::of(ghosts, message)?;
    let Some(cargo) = cargo else { return delivery.unpack(&message.payload()[delivery.points..]) };
    match engine.unload(&delivery.brought(), cargo)? {
        // The host's memory, as long as the cargo.
        Some(cargo) => delivery.unpack(unsafe { std::slice::from_raw_parts(cargo.at().cast(), cargo.lines() * size_of::<Line>()) }),
        None => Ok(()),
    }
}
