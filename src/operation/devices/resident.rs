//! What of a region tree lies on devices: the places, what is valid where, and the copies under way.
//!
//! Who uses what when is the completion graph's business: when an operation is about to start, whatever wrote its points before is
//! complete, or was enqueued earlier on the same device. Here is only what the graph does not know: copies that were made for one reader and
//! serve another, which has to wait for them too.

use super::super::body::Held;
use super::super::object::Home;
use super::pins::Holds;
use crate::base::sync::Mutex;
use crate::base::{Error, Result, Status};
use crate::device::{Buffer, Event};
use crate::geometry::{Domain, Point, Rect};
use super::sources::Ranking;
use crate::instance::{Move, MemoryNumber, Offers, PlaceId, Residency, HOST_MEMORY};
use crate::region::FieldMask;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

pub type Events = SmallVec<[Event; 8]>;

/// A place of several fields. Numbers are not used again.
pub type Place = u64;
pub const HOST: Place = 0;

/// The memory of a place: fields at equal distances, each in Fortran order.
pub struct Physical {
    pub device: usize,
    pub buffer: Buffer,
    pub rect: Rect,
    /// In ascending order.
    pub fields: Box<[u32]>,
    /// Bytes from a field to the next.
    pub spacing: usize,
    /// When it was used last, by the devices' clock.
    pub stamp: u64,
    /// Tasks and copies that were enqueued and use it.
    pub users: Vec<Event>,
    /// Tasks that use it and are not complete.
    pub pins: u32,
}

impl Physical {
    pub fn number(&self, field: u32) -> Option<usize> {
        self.fields.binary_search(&field).ok()
    }

    /// Where among the place's fields those of the mask lie: the first, and the distance from one to the next. `None`: not all do, at equal
    /// distances.
    pub fn positions(&self, mask: &FieldMask) -> Option<(usize, usize)> {
        let first = self.number(mask.first()?)?;
        let second = mask.next_after(mask.first()?).map(|field| self.number(field));
        let step = second.map_or(Some(1), |second| second.map(|second| second - first))?;
        let equal = mask.iter().enumerate().all(|(i, field)| self.number(field) == Some(first + i * step));
        equal.then_some((first, step))
    }

    /// Elements from a point to its successor, by dimension.
    pub fn steps(&self) -> [i64; 3] {
        [1, self.rect.extent(0), self.rect.extent(0) * self.rect.extent(1)]
    }

    /// Elements before the one at `point`, in each field.
    pub fn elements_before(&self, point: Point) -> i64 {
        let steps = self.steps();
        (0..3).map(|d| (point[d] - self.rect.lo[d]) * steps[d]).sum()
    }

    /// Where the element of `field` at `point` lies, in bytes.
    pub fn offset(&self, field: u32, point: Point, bytes: usize) -> usize {
        self.number(field).unwrap_or(0) * self.spacing + self.elements_before(point) as usize * bytes
    }

    pub fn is_used_by(&mut self, event: &Event) {
        self.users.retain(is_under_way);
        self.users.push(event.clone());
    }

    /// What has to happen before a copy takes or changes what others may be using.
    pub fn users(&self) -> impl Iterator<Item = Event> + '_ {
        self.users.iter().filter(|user| is_under_way(user)).cloned()
    }
}

/// What has failed uses nothing any more; whoever waits for it is told, and others are not to fail with it.
fn is_under_way(event: &Event) -> bool {
    matches!(event.done(), Ok(false))
}

/// A copy that may be under way.
struct Filling {
    to: Place,
    field: u32,
    rect: Rect,
    event: Event,
    /// It is a task that writes on the host in place: what becomes of it concerns nobody else.
    is_task: bool,
}

impl Filling {
    /// Whether somebody has to wait for it, and to know how it ended.
    fn matters(&self) -> bool {
        match self.event.done() {
            Ok(done) => !done,
            Err(_) => !self.is_task,
        }
    }
}

/// Points whose newest values are nowhere.
struct Lost {
    field: u32,
    domain: Domain,
    why: Arc<str>,
}

impl Lost {
    fn error(&self) -> Error {
        let (field, rect) = (self.field, self.domain.bounds);
        let text = format!("the newest values of field {field} at {:?}..{:?} were on a device alone, and are lost: {}; write them anew", rect.lo, rect.hi, self.why);
        Error::new(Status::Resources, text)
    }
}

/// Where one field's values are valid, and whose places those are.
struct OfField {
    residency: Residency,
    ids: Vec<(PlaceId, Place)>,
    /// How often other ranks had written it in the host's memory when this was last asked.
    seen: u64,
}

impl OfField {
    fn id(&self, place: Place) -> PlaceId {
        self.ids.iter().find(|(_, known)| *known == place).map_or(PlaceId::HOST, |(id, _)| *id)
    }

    fn place(&self, id: PlaceId) -> Place {
        self.ids.iter().find(|(known, _)| *known == id).map_or(HOST, |(_, place)| *place)
    }
}

/// Points of fields, by the places that they are to be copied from.
#[derive(Default)]
pub struct Parts {
    pub found: Vec<(Place, Domain)>,
    pub list: Vec<(Place, Rect, u32)>,
}

pub struct State {
    bounds: Rect,
    fields: HashMap<u32, OfField>,
    pub physical: HashMap<Place, Box<Physical>>,
    fillings: Vec<Filling>,
    lost: Vec<Lost>,
    /// Host memory that is registered for copies.
    pub holds: Holds,
    /// Used again: empty between calls.
    moves: Vec<Move>,
    pub parts: Parts,
    next: Place,
}

impl State {
    /// The largest place on the device that has room for the points and the fields: what was copied to a tile with its halo
    /// serves the tile as well.
    pub fn find(&mut self, device: usize, rect: &Rect, mask: &FieldMask) -> Option<(Place, &mut Physical)> {
        let fits = |p: &Physical| p.device == device && p.rect.contains(rect) && p.positions(mask).is_some();
        let fitting = self.physical.iter_mut().filter(|(_, physical)| fits(physical));
        fitting.max_by_key(|(place, physical)| (physical.rect.volume(), **place)).map(|(place, physical)| (*place, &mut **physical))
    }

    /// A place on the device where all points of all fields are valid.
    pub fn valid_at(&self, device: usize, mask: &FieldMask, domain: &Domain) -> Option<Place> {
        let holds = |(place, physical): &(&Place, &Box<Physical>)| {
            let is_valid = |field: u32| physical.number(field).is_some() && self.fields.get(&field).is_some_and(|f| f.residency.is_valid(f.id(**place), domain));
            physical.device == device && physical.rect.contains(&domain.bounds) && mask.iter().all(is_valid)
        };
        self.physical.iter().find(holds).map(|(place, _)| *place)
    }

    pub fn add(&mut self, physical: Physical) -> Place {
        self.next += 1;
        for &field in &physical.fields {
            let bounds = self.bounds;
            let of_field = self.fields.entry(field).or_insert_with(|| OfField { residency: Residency::new(bounds), ids: Vec::new(), seen: 0 });
            let id = of_field.residency.create(physical.device as u32 + 1, physical.rect);
            of_field.ids.push((id, self.next));
        }
        self.physical.insert(self.next, Box::new(physical));
        self.next
    }

    /// Whether the points have their newest values anywhere.
    pub fn check(&self, field: u32, domain: &Domain) -> Result<()> {
        let lost = self.lost.iter().find(|lost| lost.field == field && lost.domain.overlaps(domain));
        lost.map_or(Ok(()), |lost| Err(lost.error()))
    }

    /// Of a place.
    pub fn memory(&self, place: Place) -> MemoryNumber {
        self.physical.get(&place).map_or(HOST_MEMORY, |physical| physical.device as u32 + 1)
    }

    /// How many points are not valid at a place, if there is one yet, and how many of those each memory could give.
    pub fn offers(&self, field: u32, domain: &Domain, to: Option<Place>) -> (u64, Offers) {
        self.fields.get(&field).map_or_else(Default::default, |of_field| of_field.residency.offers(to.map(|place| of_field.id(place)), domain))
    }

    /// Makes the points valid at a place; from where what is copied for that is added to `parts`.
    pub fn read(&mut self, (field, domain): (u32, &Domain), to: Place, ranking: &Ranking, parts: &mut Vec<(Place, Domain)>) -> Result<()> {
        self.check(field, domain)?;
        let memory = self.memory(to);
        let Some(of_field) = self.fields.get_mut(&field) else { return Ok(()) };
        of_field.residency.read(of_field.id(to), domain, ranking.of(memory), &mut self.moves);
        parts.extend(self.moves.drain(..).map(|m| (of_field.place(m.from), m.part)));
        Ok(())
    }

    /// From where points can be copied to a memory, each from one place; nothing changes.
    pub fn locate(&self, (field, domain): (u32, &Domain), device: Option<usize>, ranking: &Ranking, parts: &mut Vec<(Place, Domain)>) {
        let Some(of_field) = self.fields.get(&field) else { return parts.push((HOST, domain.clone())) };
        let memory = device.map_or(0, |device| device as u32 + 1);
        of_field.residency.locate(domain, ranking.of(memory), |id, part| parts.push((of_field.place(id), part)));
    }

    /// The place with room for the points and fields that has their newest values, or else any; of several the one used last. And whether it
    /// has them.
    pub fn latest(&self, domain: &Domain, mask: &FieldMask) -> Option<(Place, bool)> {
        let fits = |p: &Physical| p.rect.contains(&domain.bounds) && mask.iter().all(|field| p.number(field).is_some());
        let is_valid = |place: Place| mask.iter().all(|field| self.fields.get(&field).is_some_and(|of| of.residency.is_valid(of.id(place), domain)));
        let fitting = self.physical.iter().filter(|(_, physical)| fits(physical));
        let newest = fitting.map(|(&place, physical)| (is_valid(place), physical.stamp, place)).max();
        newest.map(|(valid, _, place)| (place, valid))
    }

    /// The points get new values at a place, and are valid nowhere else.
    pub fn write(&mut self, field: u32, domain: &Domain, place: Place) {
        if let Some(of_field) = self.fields.get_mut(&field) {
            let id = of_field.id(place);
            of_field.residency.write(id, domain);
        }
        self.lost.retain_mut(|lost| {
            if lost.field == field {
                lost.domain = lost.domain.minus(domain);
            }
            !lost.domain.is_empty()
        });
    }

    /// What other ranks write they write in the host's memory: of fields that they have written since this was last asked, places have old values.
    /// Which points they wrote nobody knows.
    pub fn see_writes(&mut self, held: &Held) {
        let Home::Shared(home) = &held.data().home else { return };
        for field in held.mask.iter() {
            let Some(of_field) = self.fields.get_mut(&field) else { continue };
            let writes = home.writes(field);
            if std::mem::replace(&mut of_field.seen, writes) != writes {
                let on_host = of_field.residency.valid(PlaceId::HOST).clone();
                of_field.residency.write(PlaceId::HOST, &on_host);
            }
        }
    }

    /// Points that were to be copied from these places are still there, and only there: the copy failed.
    pub fn stay(&mut self, pieces: &[(Place, Rect, u32)]) {
        pieces.iter().for_each(|(from, rect, field)| self.write(*field, &(*rect).into(), *from));
    }

    /// A device is lost: what was valid there alone is valid nowhere.
    pub fn lose(&mut self, device: usize, why: &Arc<str>) {
        let of_device = self.physical.iter().filter(|(_, physical)| physical.device == device);
        for place in of_device.map(|(place, _)| *place).collect::<Vec<_>>() {
            let mut parts = Vec::new();
            self.give_up(place, &mut parts);
            self.lost.extend(parts.into_iter().map(|(field, domain)| Lost { field, domain, why: why.clone() }));
            if let Some(physical) = self.physical.remove(&place) {
                physical.buffer.retire(physical.users);
            }
            self.fillings.retain(|filling| filling.to != place);
        }
        self.forget_fills();
    }

    /// What is given up cannot be saved.
    pub fn lose_parts(&mut self, parts: Vec<(u32, Domain)>, why: &str) {
        self.lost.extend(parts.into_iter().map(|(field, domain)| Lost { field, domain, why: why.into() }));
    }

    /// Whoever gets the fields now finds old values, and is to be told.
    pub fn take_lost(&mut self, mask: &FieldMask) -> Option<Error> {
        self.forget_fills();
        let error = self.lost.iter().find(|lost| mask.contains(lost.field)).map(Lost::error);
        self.lost.retain(|lost| !mask.contains(lost.field));
        error
    }

    /// Copies that are done are forgotten. What one that failed was to bring to the host is lost; another fails whoever waits for it.
    fn forget_fills(&mut self) {
        let (fields, lost) = (&self.fields, &mut self.lost);
        self.fillings.retain(|Filling { to, field, rect, event, is_task }| match event.done() {
            Ok(done) => !done,
            Err(_) if *is_task => false,
            Err(_) if *to != HOST => true,
            Err(error) => {
                // Newer values elsewhere are not.
                let of_field = fields.get(field);
                let domain = of_field.map(|of_field| of_field.residency.valid(PlaceId::HOST).intersection(&(*rect).into()));
                let domain = domain.filter(|domain| !domain.is_empty());
                lost.extend(domain.map(|domain| Lost { field: *field, domain, why: (&*error.text).into() }));
                false
            }
        });
    }

    /// Takes the place out of what is valid where; what has to be copied to the host first is added to `parts`, by field. Its memory is still there.
    pub fn give_up(&mut self, place: Place, parts: &mut Vec<(u32, Domain)>) {
        for (&field, of_field) in &mut self.fields {
            let Some(at) = of_field.ids.iter().position(|(_, known)| *known == place) else { continue };
            let (mut moves, (id, _)) = (Vec::new(), of_field.ids.swap_remove(at));
            of_field.residency.evict(id, &mut moves);
            parts.extend(moves.into_iter().map(|m| (field, m.part)));
        }
    }

    /// The fields that have or had a place on a device.
    pub fn fields(&self) -> impl Iterator<Item = u32> + '_ {
        self.fields.keys().copied()
    }

    /// Host memory may go, once what is copied from and to it is.
    pub fn unregister(&mut self) {
        if !self.holds.is_empty() {
            self.settle();
            self.holds.clear();
        }
    }

    /// Waits for the copies under way.
    fn settle(&self) {
        for filling in &self.fillings {
            // Whoever waits for the copy is told of a fault.
            let _ = filling.event.wait();
        }
    }

    pub fn fill_is_under_way(&mut self, to: Place, field: u32, rect: Rect, event: &Event) {
        self.fillings.push(Filling { to, field, rect, event: event.clone(), is_task: false });
    }

    /// A task writes on the host, in place.
    pub fn kernel_writes(&mut self, field: u32, rect: Rect, event: &Event) {
        self.fillings.push(Filling { to: HOST, field, rect, event: event.clone(), is_task: true });
    }

    /// Copies and tasks that use a place and may be under way.
    pub fn outstanding(&self, place: Place) -> Events {
        let fills = self.fillings.iter().filter(|filling| filling.to == place).map(|filling| &filling.event);
        fills.chain(self.physical.get(&place).into_iter().flat_map(|physical| &physical.users)).cloned().collect()
    }

    /// The device that a place is on; the host's is on none.
    pub fn device_of(&self, place: Place) -> Option<usize> {
        self.physical.get(&place).map(|physical| physical.device)
    }

    /// A copy uses a place, if it is one on a device.
    pub fn is_used(&mut self, place: Place, now: u64, event: &Event) {
        if let Some(physical) = self.physical.get_mut(&place) {
            physical.stamp = now;
            physical.is_used_by(event);
        }
    }

    /// Adds what a reader of `place` has to wait for. Copies that are done are forgotten.
    pub fn wait_for_fills(&mut self, place: Place, field: u32, domain: &Domain, waits: &mut Events) {
        let of_part = |f: &&Filling| f.to == place && f.field == field && domain.overlaps(&f.rect.into()) && f.matters();
        waits.extend(self.fillings.iter().filter(of_part).map(|filling| filling.event.clone()));
        self.forget_fills();
    }
}

impl Drop for State {
    /// The region goes, and with it memory of the library.
    fn drop(&mut self) {
        self.settle();
    }
}

/// A tree's part on devices.
pub struct Resident {
    state: Mutex<State>,
    /// The device for which an operation on the tree was launched last, and one more; 0: for none.
    launched_for: AtomicUsize,
}

impl Resident {
    /// Of a tree within `bounds`.
    pub fn new(bounds: Rect) -> Self {
        let (fields, physical, fillings, lost, holds, moves, parts) = Default::default();
        let state = Mutex::new(State { bounds, fields, physical, fillings, lost, holds, moves, parts, next: HOST });
        Self { state, launched_for: AtomicUsize::new(0) }
    }

    pub fn lock(&self) -> impl std::ops::DerefMut<Target = State> + '_ {
        self.state.lock()
    }

    pub fn is_written_on_host(&self, field: u32, rect: &Rect) {
        self.lock().write(field, &(*rect).into(), HOST);
    }

    /// A task for that device is about to be launched.
    pub fn expect(&self, device: usize) {
        self.launched_for.store(device + 1, Ordering::Relaxed);
    }

    pub fn launched_for(&self) -> Option<usize> {
        self.launched_for.load(Ordering::Relaxed).checked_sub(1)
    }
}
