//! Points that travel by message between places of different ranks. They are packed on the device into memory that the transport sends, are
//! received into such memory, and unpacked from there on the device: memory of the device where MPI takes addresses there, and else of the
//! host, made by the device's driver for copies. In it field follows field, each in Fortran order.

use super::super::body::Held;
use super::super::copy::pairs_of;
use super::super::object::{Home, TreeData};
use super::super::{Arrival, Engine};
use super::explicit::Explicit;
use super::resident::{expect_copies, Events, Physical, Place, State, HOST};
use super::sources::Ranking;
use super::thread::DeviceThread;
use super::transfer::{equally_far, settled};
use super::{Attached, Devices, Done};
use crate::base::{Result, Status};
use crate::device::{Api, Buffer, Device, Dim, Event, HostBuffer, Side, Stream, Transfer};
use crate::fail;
use crate::geometry::Rect;
use crate::instance::dense_strides;
use crate::region::FieldMask;
use crate::transport::{Cargo, Line};
use smallvec::SmallVec;
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

enum Memory {
    Device(Buffer, #[allow(dead_code, reason = "dropped, it counts")] Underway),
    Host(HostBuffer),
}

/// How many parcels take a device's memory. They go by themselves, and a task that finds no room waits for them.
#[derive(Clone, Default)]
pub struct Parcels(Arc<AtomicUsize>);

impl Parcels {
    pub fn are_there(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }

    fn one_more(&self) -> Underway {
        self.0.fetch_add(1, Ordering::Relaxed);
        Underway(self.clone())
    }
}

struct Underway(Parcels);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0 .0.fetch_sub(1, Ordering::Release);
    }
}

/// Memory for points under way.
pub struct Parcel {
    device: Arc<dyn Device>,
    memory: Memory,
    lines: usize,
}

impl Parcel {
    /// On the device if it has room and MPI takes that.
    fn new(devices: &Devices, attached: &Attached, lines: usize) -> Result<Self> {
        let (device, bytes) = (attached.device.clone(), lines * size_of::<Line>());
        let direct = devices.mpi_takes_addresses && device.info().api == Api::Cuda;
        let counted = attached.parcels.one_more();
        let memory = match direct.then(|| device.allocate(bytes)) {
            Some(Ok(buffer)) => Memory::Device(buffer, counted),
            Some(Err(error)) if error.status != Status::OutOfMemory => return Err(error),
            _ => Memory::Host(device.staging(bytes)?),
        };
        Ok(Self { device, memory, lines })
    }

    fn side(&self, offset: usize) -> Side<'_> {
        match &self.memory {
            Memory::Device(buffer, _) => Side::Device(buffer, offset),
            Memory::Host(buffer) => Side::Host(buffer.at().wrapping_add(offset)),
        }
    }

    fn retire(self, after: &[Event]) {
        match self.memory {
            Memory::Device(buffer, _) => buffer.retire(after.to_vec()),
            Memory::Host(buffer) => buffer.retire(after.to_vec()),
        }
    }

    /// The same in memory of the host.
    fn on_host(self) -> Result<Self> {
        let Memory::Device(buffer, _) = &self.memory else { return Ok(self) };
        let (device, lines) = (self.device.clone(), self.lines);
        let bytes = lines * size_of::<Line>();
        let staging = device.staging(bytes)?;
        let along = Dim { count: bytes, from: 1, to: 1 };
        let transfer = Transfer { element: 1, dims: [along, Dim::ONE, Dim::ONE, Dim::ONE], from: Side::Device(buffer, 0), to: Side::Host(staging.at()) };
        // Both are this function's, until the copy is done.
        unsafe { device.copy(Stream::Out, &transfer, &[])? }.wait()?;
        Ok(Self { device, memory: Memory::Host(staging), lines })
    }
}

impl Cargo for Parcel {
    fn at(&self) -> *mut Line {
        match &self.memory {
            Memory::Device(buffer, _) => buffer.native() as *mut Line,
            Memory::Host(buffer) => buffer.at().cast(),
        }
    }

    fn lines(&self) -> usize {
        self.lines
    }

    fn aboard(&self, call: &mut dyn FnMut()) {
        match self.memory {
            Memory::Device(..) => self.device.in_context(call),
            Memory::Host(_) => call(),
        }
    }
}

/// Points of fields of a place, as far as one parcel has them.
struct Lot<'a> {
    place: &'a Physical,
    rect: Rect,
    /// Numbers, and bytes of an element.
    fields: &'a [(u32, usize)],
}

impl Lot<'_> {
    fn bytes(&self) -> usize {
        self.fields.iter().map(|(_, bytes)| self.rect.volume() as usize * bytes).sum()
    }

    /// Copies the points into the parcel, or from there; fields that lie equally far apart together.
    ///
    /// # Safety
    /// As `transfer::to_host`, or as `transfer::to_device`.
    unsafe fn copy(&self, device: &dyn Device, stream: Stream, (parcel, is_packing): (&Parcel, bool), waits: &[Event]) -> Result<Events> {
        let (mut events, mut rest, mut packed) = (Events::new(), self.fields, 0);
        let steps = self.place.steps();
        while let Some(&(field, bytes)) = rest.first() {
            let start = self.place.offset(field, self.rect.lo, bytes);
            let apart = |i: usize| self.place.offset(rest[i].0, self.rect.lo, bytes) as isize - start as isize;
            let (count, [step]) = equally_far(rest.len(), |i| (rest[i].1 == bytes).then(|| [apart(i)]));
            let (dense, volume) = (dense_strides(&self.rect, bytes), self.rect.volume() as usize * bytes);
            let along = |d: usize| (self.rect.extent(d) as usize, steps[d] as isize * bytes as isize, dense[d] as isize);
            let dims = [along(0), along(1), along(2), (count, step, volume as isize)];
            let (place, in_parcel) = (Side::Device(&self.place.buffer, start), parcel.side(packed));
            let transfer = match is_packing {
                true => Transfer { element: bytes, dims: dims.map(|(count, from, to)| Dim { count, from, to }), from: place, to: in_parcel },
                false => Transfer { element: bytes, dims: dims.map(|(count, to, from)| Dim { count, from, to }), from: in_parcel, to: place },
            };
            match unsafe { device.copy(stream, &transfer, waits) } {
                Ok(event) => events.push(event),
                Err(error) => return Err(settled(&events, error)),
            }
            packed += count * volume;
            rest = &rest[count..];
        }
        Ok(events)
    }
}

/// What is left to do of a copy to another rank when its points are copied.
pub struct Shipment {
    to: Arc<TreeData>,
    fields: SmallVec<[u32; 8]>,
    /// For a rank that shares no memory with this one, with the points in the destination's numbering.
    parcels: Vec<(Rect, Parcel)>,
}

impl Shipment {
    pub fn of(destination: &Held, pairs: &[u8], parcels: Vec<(Rect, Parcel)>) -> Self {
        Self { to: destination.region().data.shared().clone(), fields: pairs_of(pairs).map(|(_, field)| field).collect(), parcels }
    }

    /// What arrives together with the points is drained from `arrivals`.
    pub fn leave(self, arrivals: &mut Vec<(Arc<dyn Arrival>, u64)>) -> Result<()> {
        let Home::Elsewhere(owner) = &self.to.home else { fail!(Internal, "a shipment to this rank") };
        if owner.is_mapped() {
            self.fields.iter().for_each(|&field| owner.is_written(field));
            return Ok(());
        }
        let parcels = self.parcels.into_iter().map(|(rect, parcel)| (rect, Box::new(parcel) as Box<dyn Cargo>));
        owner.ship(parcels.collect(), &self.fields, arrivals)
    }
}

impl DeviceThread<'_> {
    /// Packs what a copy sends to a rank that shares no memory with this one. `None`: some of it has its newest values on the host too, or lies at several places: the host sends it.
    pub fn pack_parcels(&self, state: &mut State, copy: &Explicit, (stream, chained): (Stream, &Events)) -> Result<Option<(Events, Shipment)>> {
        let (domain, mask) = (&copy.source.node().domain, &copy.source.mask);
        let mut found = Vec::new();
        mask.iter().try_for_each(|field| state.locate((field, domain), None, &Ranking::default(), &mut found))?;
        if found.iter().any(|(from, _)| *from == HOST) {
            return Ok(None);
        }
        let at = |rect: Rect| -> Option<(Rect, usize, Place)> {
            let numbers = std::iter::once(self.number).chain(0..self.devices.list.len());
            numbers.into_iter().find_map(|number| Some((rect, number, state.valid_at(number, mask, &rect.into())?)))
        };
        expect_copies(domain.rects().len())?;
        let Some(pieces) = domain.rects().map(at).collect::<Option<Vec<_>>>() else { return Ok(None) };
        let sizes = |(field, _)| copy.source.data().instances.element_bytes(field).map(|bytes| (field, bytes));
        let fields = pairs_of(copy.pairs).map(sizes).collect::<Result<SmallVec<[(u32, usize); 8]>>>()?;
        let (mut events, mut parcels) = (Events::new(), Vec::new());
        let mut pack = |rect: Rect, number: usize, place: Place| -> Result<(Events, Parcel)> {
            let mut waits = chained.clone();
            state.wait_for_fills(place, mask, &rect.into(), &mut waits);
            let attached = &self.devices.list[number];
            let Some(physical) = state.physical.get(&place) else { fail!(Internal, "a place without memory") };
            let lot = Lot { place: physical, rect, fields: &fields };
            let parcel = Parcel::new(self.devices, attached, lot.bytes().div_ceil(size_of::<Line>()))?;
            let stream = match parcel.memory {
                Memory::Device(..) if number == self.number => stream,
                _ => Stream::Out,
            };
            // The copy holds the points for reading, and its end comes after the event.
            let packed = unsafe { lot.copy(&*attached.device, stream, (&parcel, true), &waits)? };
            let now = self.devices.tick();
            packed.iter().for_each(|event| state.is_used(place, now, event));
            self.devices.counts.add(Done::Sent);
            Ok((packed, parcel))
        };
        for (rect, number, place) in pieces {
            let (packed, parcel) = pack(rect, number, place).map_err(|error| settled(&events, error))?;
            events.extend(packed);
            parcels.push((rect.shifted(copy.shift), parcel));
        }
        Ok(Some((events, Shipment::of(copy.destination, copy.pairs, parcels))))
    }
}

/// Points of fields of a region of this rank that a message brings.
#[derive(Clone, Copy)]
pub struct Brought<'a> {
    pub data: &'a Arc<TreeData>,
    pub rect: Rect,
    pub fields: &'a [u32],
}

impl Devices {
    /// The device that has a place for them, if they may lie there alone.
    fn place_for(&self, state: &mut State, brought: &Brought) -> Option<(usize, Place)> {
        let mut mask = FieldMask::default();
        mask.extend(brought.fields);
        let mut working = (0..self.list.len()).filter(|&number| self.list[number].works());
        working.find_map(|number| Some((number, state.find(number, &brought.rect, &mask)?.0)))
    }
}

impl Engine {
    /// Where to receive so many lines from which a device is to unpack the points. `None`: the host unpacks them.
    pub fn berth(&self, brought: &Brought, lines: usize) -> Option<Box<dyn Cargo>> {
        let (devices, resident) = (self.devices.get()?, brought.data.on_devices.get()?);
        let Home::Shared(home) = &brought.data.home else { return None };
        let (number, _) = devices.place_for(&mut resident.lock(), brought)?;
        if !home.keep() {
            return None;
        }
        // Without such memory the host's does.
        let parcel = Parcel::new(devices, &devices.list[number], lines).ok()?;
        Some(Box::new(parcel))
    }

    /// Unpacks on the device what was received where `berth` said. Otherwise what has come is given back, in memory of the host.
    pub fn unload(&self, brought: &Brought, cargo: Box<dyn Cargo>) -> Result<Option<Box<dyn Cargo>>> {
        if !(&*cargo as &dyn Any).is::<Parcel>() {
            return Ok(Some(cargo));
        }
        let Ok(parcel) = (cargo as Box<dyn Any>).downcast::<Parcel>() else { fail!(Internal, "cargo of two kinds") };
        let Some((devices, resident)) = self.devices.get().zip(brought.data.on_devices.get()) else { fail!(Internal, "a parcel without devices") };
        let mut state = resident.lock();
        // Whoever looks on says so before it locks the tree.
        let stays = matches!(&brought.data.home, Home::Shared(home) if home.keep());
        let there = devices.place_for(&mut state, brought).filter(|(number, _)| Arc::ptr_eq(&devices.list[*number].device, &parcel.device));
        let Some((_, place)) = there.filter(|_| stays) else {
            // It was let go meanwhile, or somebody looks on.
            drop(state);
            return Ok(Some(Box::new(parcel.on_host()?)));
        };
        let sizes = |&field: &u32| brought.data.instances.element_bytes(field).map(|bytes| (field, bytes));
        let fields = brought.fields.iter().map(sizes).collect::<Result<SmallVec<[(u32, usize); 8]>>>()?;
        let mut waits = Events::new();
        state.wait_for_room_of(place, fields.iter().map(|(field, _)| (*field, brought.rect)), &mut waits);
        let Some(physical) = state.physical.get(&place) else { fail!(Internal, "a place without memory") };
        let lot = Lot { place: physical, rect: brought.rect, fields: &fields };
        if lot.bytes() > parcel.lines * size_of::<Line>() {
            fail!(Internal, "{} lines for {} bytes of points", parcel.lines, lot.bytes());
        }
        // The phases that the copy waited for and arrives at keep the tasks of this rank away; those that come then wait for the events.
        let events = unsafe { lot.copy(&*parcel.device, Stream::In, (&parcel, false), &waits)? };
        let now = devices.tick();
        for event in &events {
            state.is_used(place, now, event);
            state.fill_is_under_way(place, fields.iter().map(|(field, _)| *field), brought.rect, event);
        }
        let written = fields.iter().fold(Ok(()), |so_far, (field, _)| so_far.and(state.is_field_written(*field, &brought.rect.into(), place)));
        parcel.retire(&events);
        devices.counts.add(Done::Received);
        written.map(|()| None)
    }
}
