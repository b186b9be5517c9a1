//! What of a region tree lies on devices: the places, what is valid where, and the copies under way.
//!
//! Who uses what when is the completion graph's business: when an operation is about to start, whatever wrote its points before is
//! complete, or was enqueued earlier on the same device. Here is only what the graph does not know: copies that were made for one reader and
//! serve another, which has to wait for them too.

use super::super::body::Held;
use super::super::object::Home;
use super::pins::Holds;
use crate::base::sync::Mutex;
use crate::base::{memory, Error, Result, Status};
use crate::device::{Buffer, Event};
use crate::geometry::{Domain, Point, Rect, Room};
use super::sources::Ranking;
use crate::instance::{Move, MemoryNumber, Offers, PlaceId, Residency, HOST_MEMORY};
use crate::region::FieldMask;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

pub type Events = SmallVec<[Event; 8]>;

/// Copies that are looked at whenever one is.
const FEW: usize = 8;

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
        if self.users.len() == self.users.capacity() {
            self.users.retain(is_under_way);
            // As many more come before the driver is asked again: that costs the same for each, however many are under way.
            self.users.reserve(self.users.len() + 1);
        }
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
    fields: FieldMask,
    rect: Rect,
    event: Event,
    /// It is a task that writes on the host in place: what becomes of it concerns nobody else.
    is_task: bool,
}

impl Filling {
    fn touches(&self, mask: &FieldMask, domain: &Domain) -> bool {
        self.fields.intersects(mask) && domain.overlaps(&self.rect.into())
    }

    fn touches_any(&self, mut parts: impl Iterator<Item = (u32, Rect)>) -> bool {
        parts.any(|(field, rect)| self.fields.contains(field) && rect.overlaps(&self.rect))
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

/// Bytes that a copy of a rectangle takes, at most, until it has ended: here and in the driver.
const OF_COPY: usize = 2 << 10;

/// An error unless there is memory for so many copies.
pub fn expect_copies(count: usize) -> Result<()> {
    memory::expect(count.saturating_mul(OF_COPY))
}

/// Adds the rectangles of points of a field.
pub fn add_rects<T>(list: &mut Vec<T>, domain: &Domain, of: impl Fn(Rect) -> T) -> Result<()> {
    let (rects, mut room) = (domain.rects(), Room::default());
    if room.is_in(list, rects.len()) {
        list.extend(rects.map(of));
    }
    room.check()
}

/// What is to be copied: rectangles of fields, and the places that they come from.
pub type Pieces = Vec<(Place, Rect, u32)>;

pub struct State {
    bounds: Rect,
    fields: HashMap<u32, OfField>,
    pub physical: HashMap<Place, Box<Physical>>,
    fillings: Vec<Filling>,
    /// With so many all of them are looked at.
    most_fillings: usize,
    lost: Vec<Lost>,
    /// Host memory that is registered for copies.
    pub holds: Holds,
    /// Used again: empty between calls.
    moves: Vec<Move>,
    pub pieces: Pieces,
    /// What was valid before, of fields that are being read.
    before: Vec<(u32, Domain)>,
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
    pub fn offers(&self, field: u32, domain: &Domain, to: Option<Place>) -> Result<(u64, Offers)> {
        let of_field = self.fields.get(&field);
        of_field.map_or_else(|| Ok(Default::default()), |of_field| of_field.residency.offers(to.map(|place| of_field.id(place)), domain))
    }

    /// Makes points of fields valid at a place; what is to be copied for that, for which there is memory, is added to `pieces`. On an error they
    /// are as valid there as before.
    pub fn read(&mut self, (mask, domain): (&FieldMask, &Domain), to: Place, ranking: &Ranking, pieces: &mut Pieces) -> Result<()> {
        let others = pieces.len();
        let read = mask.iter().try_fold(0, |sum, field| Ok(sum + self.read_field(field, domain, to, ranking, pieces)?)).and_then(expect_copies);
        if read.is_err() {
            pieces.truncate(others);
        }
        self.is_read(to, &read);
        read
    }

    /// If that failed, what is valid at the place is what was before.
    fn is_read(&mut self, to: Place, read: &Result<()>) {
        for (field, before) in self.before.drain(..).filter(|_| read.is_err()) {
            if let Some(of_field) = self.fields.get_mut(&field) {
                of_field.residency.unread(of_field.id(to), before);
            }
        }
    }

    /// How many rectangles there are of parts with holes.
    fn read_field(&mut self, field: u32, domain: &Domain, to: Place, ranking: &Ranking, pieces: &mut Pieces) -> Result<usize> {
        self.check(field, domain)?;
        let memory = self.memory(to);
        let Some(of_field) = self.fields.get_mut(&field) else { return Ok(0) };
        let id = of_field.id(to);
        let before = of_field.residency.valid(id).clone();
        of_field.residency.read(id, domain, ranking.of(memory), &mut self.moves)?;
        self.add_moves(field, before, pieces)
    }

    /// As `read_field`. `before`: what was valid where they go to.
    fn add_moves(&mut self, field: u32, before: Domain, pieces: &mut Pieces) -> Result<usize> {
        let Some(of_field) = self.fields.get(&field).filter(|_| !self.moves.is_empty()) else { return Ok(0) };
        self.before.push((field, before));
        let from = |m: &Move| of_field.place(m.from);
        let added = self.moves.iter().try_for_each(|m| add_rects(pieces, &m.part, |rect| (from(m), rect, field)));
        let holes = self.moves.iter().filter(|m| !m.part.is_dense()).map(|m| m.part.rects().len()).sum();
        self.moves.clear();
        added.map(|()| holes)
    }

    /// From where points can be copied to a memory, each from one place; nothing changes.
    pub fn locate(&self, (field, domain): (u32, &Domain), device: Option<usize>, ranking: &Ranking, parts: &mut Vec<(Place, Domain)>) -> Result<()> {
        let Some(of_field) = self.fields.get(&field) else {
            parts.push((HOST, domain.clone()));
            return Ok(());
        };
        let memory = device.map_or(0, |device| device as u32 + 1);
        of_field.residency.locate(domain, ranking.of(memory), |id, part| parts.push((of_field.place(id), part)))
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

    /// The points are to get new values at a place, and are valid nowhere else. On an error nothing has changed.
    pub fn write(&mut self, field: u32, domain: &Domain, place: Place) -> Result<()> {
        // What stays lost is known before anything changes.
        let of_field = self.lost.iter().filter(|lost| lost.field == field);
        let rest = of_field.map(|lost| lost.domain.minus(domain)).collect::<Result<SmallVec<[Domain; 1]>>>()?;
        self.is_only_at(field, domain, place)?;
        self.lost.iter_mut().filter(|lost| lost.field == field).zip(rest).for_each(|(lost, rest)| lost.domain = rest);
        self.lost.retain(|lost| !lost.domain.is_empty());
        Ok(())
    }

    /// The same of points of fields that have, or are about to: where it cannot be said that they are valid nowhere else, they are lost.
    pub fn is_written(&mut self, mask: &FieldMask, domain: &Domain, place: Place) -> Result<()> {
        mask.iter().fold(Ok(()), |so_far, field| so_far.and(self.is_field_written(field, domain, place)))
    }

    /// The same of one field.
    pub fn is_field_written(&mut self, field: u32, domain: &Domain, place: Place) -> Result<()> {
        self.write(field, domain, place).inspect_err(|error| self.lose_points(field, domain.clone(), &(&*error.text).into()))
    }

    fn lose_points(&mut self, field: u32, domain: Domain, why: &Arc<str>) {
        self.lost.push(Lost { field, domain, why: why.clone() });
    }

    fn is_only_at(&mut self, field: u32, domain: &Domain, place: Place) -> Result<()> {
        let Some(of_field) = self.fields.get_mut(&field) else { return Ok(()) };
        let id = of_field.id(place);
        of_field.residency.write(id, domain)
    }

    /// What other ranks write they write in the host's memory: of fields that they have written since this was last asked, places have old values.
    /// Which points they wrote nobody knows.
    pub fn see_writes(&mut self, held: &Held) -> Result<()> {
        let Home::Shared(home) = &held.data().home else { return Ok(()) };
        for field in held.mask.iter() {
            let Some(of_field) = self.fields.get_mut(&field) else { continue };
            let writes = home.writes(field);
            if of_field.seen != writes {
                let on_host = of_field.residency.valid(PlaceId::HOST).clone();
                of_field.residency.write(PlaceId::HOST, &on_host)?;
                of_field.seen = writes;
            }
        }
        Ok(())
    }

    /// Points that were to be copied from these places are still there, and only there: the copy failed.
    pub fn stay(&mut self, pieces: &[(Place, Rect, u32)]) {
        for (from, rect, field) in pieces {
            let domain = (*rect).into();
            // What cannot be said to be there is lost, which whoever looks for it is told.
            if let Err(error) = self.is_only_at(*field, &domain, *from) {
                self.lose_points(*field, domain, &(&*error.text).into());
            }
        }
    }

    /// A device is lost: what was valid there alone is valid nowhere.
    pub fn lose(&mut self, device: usize, why: &Arc<str>) {
        let of_device = self.physical.iter().filter(|(_, physical)| physical.device == device);
        let places: Vec<Place> = of_device.map(|(place, _)| *place).collect();
        self.fillings.retain(|filling| !places.contains(&filling.to));
        self.see_all_failures();
        for place in places {
            let parts = self.give_up(place);
            self.lost.extend(parts.into_iter().map(|(field, domain)| Lost { field, domain, why: why.clone() }));
            if let Some(physical) = self.physical.remove(&place) {
                physical.buffer.retire(physical.users);
            }
        }
    }

    /// Whoever gets the fields now finds old values, and is to be told.
    pub fn take_lost(&mut self, mask: &FieldMask) -> Option<Error> {
        self.see_all_failures();
        let error = self.lost.iter().find(|lost| mask.contains(lost.field)).map(Lost::error);
        self.lost.retain(|lost| !mask.contains(lost.field));
        error
    }

    /// Asks about the copies that matter, and gives those to `each` that have not ended. What has ended is forgotten. One that failed brought
    /// nothing: that is so from here on if `settles`, and before that it is one that whoever relies on it has to learn of.
    fn look_at_fills(&mut self, matters: impl Fn(&Filling) -> bool, settles: bool, mut each: impl FnMut(&Event)) {
        let all = self.fillings.len() >= self.most_fillings;
        let mut failed = Vec::new();
        self.fillings.retain(|filling| {
            let matters = matters(filling);
            if !matters && !all {
                return true;
            }
            let ended = match filling.event.done() {
                Ok(done) => done,
                Err(_) if filling.is_task => true,
                Err(error) if matters && settles => {
                    failed.push((filling.to, filling.fields.clone(), filling.rect, error));
                    true
                }
                Err(_) => false,
            };
            if matters && !ended {
                each(&filling.event);
            }
            !ended
        });
        if all {
            // The driver is not asked about all of them each time.
            self.most_fillings = 2 * self.fillings.len().max(FEW);
        }
        for (to, fields, rect, error) in failed {
            fields.iter().for_each(|field| self.misses(to, (field, &rect.into()), &error));
        }
    }

    /// What was to be copied to a place, or to the host, is not there. Whoever needs it there gets it again from where else it is valid; what is valid
    /// nowhere else is lost.
    fn misses(&mut self, to: Place, (field, domain): (u32, &Domain), error: &Error) {
        let Some(of_field) = self.fields.get_mut(&field) else { return };
        let id = match of_field.ids.iter().find(|(_, known)| *known == to) {
            Some((id, _)) => *id,
            None if to == HOST => PlaceId::HOST,
            // It was let go.
            None => return,
        };
        let why: Arc<str> = (&*error.text).into();
        let mut lose = |domain: Domain| self.lost.push(Lost { field, domain, why: why.clone() });
        if of_field.residency.miss(id, domain, &mut lose).is_err() {
            // Without memory nobody knows which points these are.
            lose(domain.clone());
        }
    }

    /// Before anyone looks where fields are valid: where copies are known to have failed they are not.
    pub fn see_failures(&mut self, mask: &FieldMask, domain: &Domain) {
        self.look_at_fills(|filling| filling.touches(mask, domain), true, |_| ());
    }

    fn see_all_failures(&mut self) {
        self.look_at_fills(|_| true, true, |_| ());
    }

    /// Makes valid on the host what is valid at the place and nowhere else, and is to be copied there, for which there is memory. On an error
    /// nothing has changed.
    pub fn save(&mut self, place: Place) -> Result<Pieces> {
        self.see_all_failures();
        let mut pieces = Pieces::new();
        let fields: Vec<u32> = self.fields().collect();
        let saved = fields.into_iter().try_fold(0, |sum, field| Ok(sum + self.save_field(field, place, &mut pieces)?)).and_then(expect_copies);
        self.is_read(HOST, &saved);
        saved.map(|()| pieces)
    }

    /// As `read_field`.
    fn save_field(&mut self, field: u32, place: Place, pieces: &mut Pieces) -> Result<usize> {
        let Some(of_field) = self.fields.get_mut(&field) else { return Ok(0) };
        let Some(&(id, _)) = of_field.ids.iter().find(|(_, known)| *known == place) else { return Ok(0) };
        let before = of_field.residency.valid(PlaceId::HOST).clone();
        of_field.residency.save(id, &mut self.moves)?;
        self.add_moves(field, before, pieces)
    }

    /// Takes the place out of what is valid where. What was valid there alone, by field. Its memory is still there.
    pub fn give_up(&mut self, place: Place) -> Vec<(u32, Domain)> {
        let mut parts = Vec::new();
        for (&field, of_field) in &mut self.fields {
            let Some(at) = of_field.ids.iter().position(|(_, known)| *known == place) else { continue };
            let (id, _) = of_field.ids.swap_remove(at);
            of_field.residency.evict(id, |part| parts.push((field, part)));
        }
        parts
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

    pub fn fill_is_under_way(&mut self, to: Place, fields: impl Iterator<Item = u32>, rect: Rect, event: &Event) {
        let mut mask = FieldMask::default();
        fields.for_each(|field| mask.extend(&[field]));
        self.fillings.push(Filling { to, fields: mask, rect, event: event.clone(), is_task: false });
    }

    /// A task writes on the host, in place.
    pub fn kernel_writes(&mut self, fields: &FieldMask, rect: Rect, event: &Event) {
        self.fillings.push(Filling { to: HOST, fields: fields.clone(), rect, event: event.clone(), is_task: true });
    }

    /// Copies and tasks that use a place and may be under way.
    pub fn outstanding(&self, place: Place) -> Events {
        let fills = self.fillings.iter().filter(|filling| filling.to == place).map(|filling| &filling.event);
        fills.chain(self.physical.get(&place).into_iter().flat_map(|physical| &physical.users)).cloned().collect()
    }

    /// Copies to the host, of points that a place has too.
    pub fn on_the_way_home(&mut self, place: Place) -> Events {
        let mut copies = Events::new();
        if let Some(physical) = self.physical.get(&place) {
            let (fields, rect) = (FieldMask::of(&physical.fields), physical.rect);
            let is_such = |filling: &Filling| filling.to == HOST && !filling.is_task && filling.fields.intersects(&fields) && filling.rect.overlaps(&rect);
            self.look_at_fills(is_such, false, |event| copies.push(event.clone()));
        }
        copies
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

    /// Adds what a reader of `place` has to wait for; it fails with a copy that was to bring what it reads.
    pub fn wait_for_fills(&mut self, place: Place, mask: &FieldMask, domain: &Domain, waits: &mut Events) {
        self.wait(place, |filling| filling.touches(mask, domain), false, waits);
    }

    /// The same for parts of fields.
    pub fn wait_for_fills_of(&mut self, place: Place, parts: impl Iterator<Item = (u32, Rect)> + Clone, waits: &mut Events) {
        self.wait(place, |filling| filling.touches_any(parts.clone()), false, waits);
    }

    /// Adds what has to end before somebody overwrites what lies at `place`, for whom copies that have failed are nothing.
    pub fn wait_for_room(&mut self, place: Place, mask: &FieldMask, domain: &Domain, waits: &mut Events) {
        self.wait(place, |filling| filling.touches(mask, domain), true, waits);
    }

    /// The same for parts of fields.
    pub fn wait_for_room_of(&mut self, place: Place, parts: impl Iterator<Item = (u32, Rect)> + Clone, waits: &mut Events) {
        self.wait(place, |filling| filling.touches_any(parts.clone()), true, waits);
    }

    /// `settles` as for `look_at_fills`.
    fn wait(&mut self, place: Place, touches: impl Fn(&Filling) -> bool, settles: bool, waits: &mut Events) {
        self.look_at_fills(|filling| filling.to == place && touches(filling), settles, |event| waits.push(event.clone()));
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
        let (fields, physical, fillings, lost, holds, moves, pieces, before) = Default::default();
        let state = Mutex::new(State { bounds, fields, physical, fillings, most_fillings: FEW, lost, holds, moves, pieces, before, next: HOST });
        Self { state, launched_for: AtomicUsize::new(0) }
    }

    pub fn lock(&self) -> impl std::ops::DerefMut<Target = State> + '_ {
        self.state.lock()
    }

    pub fn is_written_on_host(&self, field: u32, rect: &Rect) -> Result<()> {
        self.lock().is_field_written(field, &(*rect).into(), HOST)
    }

    /// A task for that device is about to be launched.
    pub fn expect(&self, device: usize) {
        self.launched_for.store(device + 1, Ordering::Relaxed);
    }

    pub fn launched_for(&self) -> Option<usize> {
        self.launched_for.load(Ordering::Relaxed).checked_sub(1)
    }
}
