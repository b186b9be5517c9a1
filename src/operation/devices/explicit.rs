//! Explicit copies of data that lies on devices, straight from where it is valid to where the destination lives: from place to place, from
//! a place to the host's memory, which other ranks of the node may share, or from there to a place. Where both are the host's, or parts
//! here and parts there go to the host, the copy is the host's.

use super::super::body::{Body, Held};
use super::super::copy::pairs_of;
use super::super::object::Home;
use super::parcel::Shipment;
use super::pins::Holds;
use super::sources::{Offered, Ranking};
use super::resident::{add_rects, expect_copies, Events, Physical, Pieces, Place, State, HOST};
use super::start::{Data, Started};
use super::thread::{Beginning, DeviceThread};
use super::transfer::{self, settled, Copied, Pair, Within};
use super::{DeviceTask, Resident};
use crate::base::Result;
use crate::device::{Device, Event, Stream};
use crate::fail;
use crate::geometry::{Point, Rect};
use crate::instance::MemoryNumber;
use crate::region::FieldMask;
use smallvec::SmallVec;
use std::ops::DerefMut;

/// What of the source's tree and of the destination's lies on devices; they may be one tree.
struct Both<G> {
    source: G,
    destination: Option<G>,
}

fn lock<'a>(source: &'a Resident, destination: &'a Resident) -> Both<impl DerefMut<Target = State> + 'a> {
    // All take two in one order.
    match std::ptr::from_ref(source).cmp(&std::ptr::from_ref(destination)) {
        std::cmp::Ordering::Equal => Both { source: source.lock(), destination: None },
        std::cmp::Ordering::Less => {
            let first = source.lock();
            Both { source: first, destination: Some(destination.lock()) }
        }
        std::cmp::Ordering::Greater => {
            let first = destination.lock();
            Both { source: source.lock(), destination: Some(first) }
        }
    }
}

impl<G: DerefMut<Target = State>> Both<G> {
    fn to(&self) -> &State {
        self.destination.as_ref().unwrap_or(&self.source)
    }

    fn to_mut(&mut self) -> &mut State {
        self.destination.as_mut().unwrap_or(&mut self.source)
    }

    /// For a copy between the host and a place of the other side: what the host's side has registered, and the place.
    fn sides(&mut self, to_host: bool, place: Place) -> Option<(&mut Holds, &Physical)> {
        Some(match &mut self.destination {
            None => {
                let State { holds, physical, .. } = &mut *self.source;
                (holds, physical.get(&place)?)
            }
            Some(destination) => {
                let (host, other) = if to_host { (&mut **destination, &*self.source) } else { (&mut *self.source, &**destination) };
                (&mut host.holds, other.physical.get(&place)?)
            }
        })
    }
}

/// Points of a field of the source, valid at a place, that go to a field of the destination.
struct Part {
    from: Place,
    rect: Rect,
    fields: Pair,
}

/// A copy that is under way: points of the source.
struct Begun {
    rect: Rect,
    fields: SmallVec<[Pair; 4]>,
    copied: Copied,
}

/// A copy that is about to start.
pub struct Explicit<'a> {
    pub source: &'a Held,
    pub destination: &'a Held,
    pub pairs: &'a [u8],
    pub shift: Point,
}

impl<'a> Explicit<'a> {
    fn of(body: &'a Body) -> Self {
        let [source, destination] = body.needs() else { unreachable!("a copy has two requirements") };
        Self { source, destination, pairs: &body.args, shift: body.shift }
    }

    /// The parts of the source, from where a copy to that device, or to the host, comes best.
    fn parts(&self, state: &State, device: Option<usize>, ranking: &Ranking) -> Result<Vec<Part>> {
        let (mut parts, mut found) = (Vec::new(), Vec::new());
        for fields in pairs_of(self.pairs) {
            state.locate((fields.0, &self.source.node().domain), device, ranking, &mut found)?;
            for (from, domain) in found.drain(..) {
                add_rects(&mut parts, &domain, |rect| Part { from, rect, fields })?;
            }
        }
        expect_copies(parts.len())?;
        parts.sort_unstable_by_key(|part| part.from);
        Ok(parts)
    }

    /// The memory to which it goes if nobody is asked, and what could come from where.
    fn offered<G: DerefMut<Target = State>>(&self, both: &Both<G>) -> (MemoryNumber, Offered) {
        let to = self.plan(both, &Ranking::default()).ok().flatten().map_or(HOST, |(to, _)| to);
        (both.to().memory(to), Offered::of(&both.source, self.source, None))
    }

    /// Where the destination becomes valid, and from where the points come: at the place that has the destination's data, at one that has room
    /// for it if the source's lies on the same device, or else on the host. `None`: the host copies.
    fn plan<G: DerefMut<Target = State>>(&self, both: &Both<G>, ranking: &Ranking) -> Result<Option<(Place, Vec<Part>)>> {
        let private = matches!(self.destination.data().home, Home::Here);
        let place = if private { both.to().latest(&self.destination.node().domain, &self.destination.mask) } else { None };
        if let Some((place, is_valid)) = place {
            let device = both.to().device_of(place);
            let parts = self.parts(&both.source, device, ranking)?;
            if is_valid || parts.iter().all(|part| both.source.device_of(part.from) == device) {
                return Ok(Some((place, parts)));
            }
        }
        let parts = self.parts(&both.source, None, ranking)?;
        Ok(parts.iter().all(|part| part.from != HOST).then_some((HOST, parts)))
    }
}

impl DeviceThread<'_> {
    pub fn start_copy(&mut self, body: &Body, task: &DeviceTask) -> Result<Beginning> {
        let copy = Explicit::of(body);
        if let Home::Elsewhere(owner) = &copy.destination.data().home {
            owner.check()?;
        }
        let stream = self.stream_for(task.after.all());
        let chained = self.events_of(task.after.all());
        let (from, to) = (copy.source.region(), copy.destination.region());
        let (from, to) = (self.devices.resident(from.data.shared()), self.devices.resident(to.data.shared()));
        let ranking = match self.engine.who_ranks_copies() {
            Some(asking) => {
                let (to, offered) = copy.offered(&lock(from, to));
                self.devices.ask_for_sources(&asking, (0, copy.source), to, &offered)
            }
            None => Ranking::default(),
        };
        let mut both = lock(from, to);
        both.source.see_failures(&copy.source.mask, &copy.source.node().domain);
        both.source.see_writes(copy.source)?;
        copy.source.mask.iter().try_for_each(|field| both.source.check(field, &copy.source.node().domain))?;
        if matches!(&copy.destination.data().home, Home::Elsewhere(owner) if !owner.is_mapped()) {
            let packed = self.pack_parcels(&mut both.source, &copy, (stream, &chained))?;
            let started = |(events, shipment)| Started { events, stream, data: Data { shipment: Some(shipment), ..Data::default() } };
            return Ok(packed.map_or(Beginning::ToHost, |packed| Beginning::Started(started(packed))));
        }
        let Some((to, mut parts)) = copy.plan(&both, &ranking)? else { return Ok(Beginning::ToHost) };
        self.bring_what_is_out_of_reach(&mut both, &copy, to, &mut parts)?;
        let mut events = Events::new();
        for of_place in parts.chunk_by(|a, b| a.from == b.from) {
            if let Err(error) = self.copy_parts(&mut both, &copy, of_place, (to, stream), (&chained, &mut events)) {
                drop(both);
                return Err(settled(&events, error));
            }
        }
        let domain = &copy.destination.node().domain;
        let written = both.to_mut().is_written(&copy.destination.mask, domain, to);
        drop(both);
        if let Err(error) = written {
            return Err(settled(&events, error));
        }
        let is_away = matches!(copy.destination.data().home, Home::Elsewhere(_));
        let shipment = is_away.then(|| Shipment::of(copy.destination, copy.pairs, Vec::new()));
        Ok(Beginning::Started(Started { events, stream, data: Data { shipment, ..Data::default() } }))
    }

    /// Parts that lie on devices whose memory the destination's device does not reach go by way of the source's memory on the host.
    fn bring_what_is_out_of_reach<G: DerefMut<Target = State>>(
        &self,
        both: &mut Both<G>,
        copy: &Explicit,
        to: Place,
        parts: &mut [Part],
    ) -> Result<()> {
        let Some(device) = both.to().device_of(to).map(|number| &self.devices.list[number].device) else { return Ok(()) };
        let is_far = |part: &Part, state: &State| state.physical.get(&part.from).is_some_and(|from| !device.reaches(&from.buffer));
        let mut pieces = Pieces::new();
        let mut copied = Ok(());
        for part in parts.iter_mut() {
            if copied.is_ok() && is_far(part, &both.source) {
                part.from = HOST;
                copied = both.source.read((&FieldMask::of(&[part.fields.0]), &part.rect.into()), HOST, &Ranking::default(), &mut pieces);
            }
        }
        if copied.is_ok() {
            copied = self.devices.copy_home(&mut both.source, copy.source.data(), &mut pieces);
        }
        copied.inspect_err(|_| both.source.stay(&pieces))?;
        parts.sort_unstable_by_key(|part| part.from);
        Ok(())
    }

    /// Enqueues the copies of parts that lie at one place.
    fn copy_parts<G: DerefMut<Target = State>>(
        &self,
        both: &mut Both<G>,
        copy: &Explicit,
        parts: &[Part],
        (to, stream): (Place, Stream),
        (chained, events): (&Events, &mut Events),
    ) -> Result<()> {
        let from = parts[0].from;
        let mut waits = chained.clone();
        both.source.wait_for_fills_of(from, parts.iter().map(|part| (part.fields.0, part.rect)), &mut waits);
        // A copy that was to fill it may be under way.
        both.to_mut().wait_for_room_of(to, parts.iter().map(|part| (part.fields.1, part.rect.shifted(copy.shift))), &mut waits);
        let devices = (both.source.device_of(from), both.to().device_of(to));
        let mut begun = Vec::new();
        let copied = match devices {
            (Some(here), Some(there)) => {
                let stream = if (here, there) == (self.number, self.number) { stream } else { Stream::In };
                let device = (&*self.devices.list[there].device, stream);
                self.within(both, copy, parts, to, device, (&waits, &mut begun))
            }
            (Some(here), None) => self.pack(both, copy, parts, &*self.devices.list[here].device, (&waits, &mut begun)),
            (None, Some(there)) => self.unpack(both, copy, parts, to, &*self.devices.list[there].device, (&waits, &mut begun)),
            (None, None) => fail!(Internal, "a device's copy has host memory on both sides"),
        };
        // Whatever became of the others.
        for Begun { rect, fields, copied: Copied { on_device, there } } in begun {
            both.to_mut().fill_is_under_way(to, fields.iter().map(|(_, field)| *field), rect.shifted(copy.shift), &there);
            let now = self.devices.tick();
            both.source.is_used(from, now, &on_device);
            both.to_mut().is_used(to, now, &on_device);
            events.push(there);
        }
        copied
    }

    /// From place to place.
    fn within<G: DerefMut<Target = State>>(
        &self,
        both: &Both<G>,
        copy: &Explicit,
        parts: &[Part],
        to: Place,
        device: (&dyn Device, Stream),
        (waits, begun): (&[Event], &mut Vec<Begun>),
    ) -> Result<()> {
        let (Some(from), Some(to)) = (both.source.physical.get(&parts[0].from), both.to().physical.get(&to)) else {
            fail!(Internal, "a place without memory")
        };
        let size = |field: u32| copy.source.data().instances.element_bytes(field);
        let mut order: Vec<&Part> = parts.iter().collect();
        order.sort_unstable_by_key(|part| (part.rect.lo, part.rect.hi, part.fields));
        for alike in order.chunk_by(|a, b| a.rect == b.rect) {
            let (rect, fields) = (alike[0].rect, alike.iter().map(|part| part.fields).collect::<SmallVec<[Pair; 4]>>());
            let add = |fields: &[Pair], event: Event| begun.push(Begun { rect, fields: fields.into(), copied: event.into() });
            // The copy holds the points of the one for reading and of the other for writing; whoever uses them on the host or another device
            // waits for it, and on this device for its events.
            unsafe { Within { from, to, rect, shift: copy.shift }.start(device, (&fields, size), waits, add)? };
        }
        Ok(())
    }

    /// From a place to the host.
    fn pack<G: DerefMut<Target = State>>(
        &self,
        both: &mut Both<G>,
        copy: &Explicit,
        parts: &[Part],
        device: &dyn Device,
        (waits, begun): (&[Event], &mut Vec<Begun>),
    ) -> Result<()> {
        let back = copy.shift.map(|s| -s);
        let mut pieces: Vec<_> = parts.iter().map(|part| (part.rect.shifted(copy.shift), (part.fields.1, part.fields.0))).collect();
        let Some((holds, physical)) = both.sides(true, parts[0].from) else { fail!(Internal, "a place without memory") };
        for run in transfer::runs((&self.devices.pins, holds, device), &copy.destination.data().instances, (physical, back), &mut pieces)? {
            let (rect, fields) = (run.rect.shifted(back), run.fields.iter().map(|&(to, from)| (from, to)).collect());
            // As in `within`.
            let copied = unsafe { transfer::to_host(device, run, physical, waits)? };
            begun.push(Begun { rect, fields, copied });
        }
        Ok(())
    }

    /// From the host to a place.
    fn unpack<G: DerefMut<Target = State>>(
        &self,
        both: &mut Both<G>,
        copy: &Explicit,
        parts: &[Part],
        to: Place,
        device: &dyn Device,
        (waits, begun): (&[Event], &mut Vec<Begun>),
    ) -> Result<()> {
        let mut pieces: Vec<_> = parts.iter().map(|part| (part.rect, part.fields)).collect();
        let Some((holds, physical)) = both.sides(false, to) else { fail!(Internal, "a place without memory") };
        for run in transfer::runs((&self.devices.pins, holds, device), &copy.source.data().instances, (physical, copy.shift), &mut pieces)? {
            // As in `within`.
            let event = unsafe { transfer::to_device(device, &run, physical, waits)? };
            begun.push(Begun { rect: run.rect, fields: run.fields, copied: event.into() });
        }
        Ok(())
    }
}
