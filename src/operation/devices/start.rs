//! Enqueues a task: what it needs is brought in, its kernel is launched or its function called, what it writes is valid there alone.

use super::super::body::{Body, Held};
use super::super::object::Home;
use super::super::TaskKind;
use super::contribution::Contribution;
use super::in_place::InPlace;
use super::parcel::Shipment;
use super::place::{bytes_for, Pinned};
use super::resident::{Events, Physical, Place, State, HOST};
use super::sources::{Asking, Ranking};
use super::thread::{Beginning, DeviceThread};
use super::transfer::{self, settled, Pair, Within};
use super::{used, view, DeviceBody, DeviceTask, Done, KernelText, NativeDevice};
use crate::base::Result;
use crate::device::{Arg, Buffer, Event, Kernel, Launch, Stream};
use crate::event::NodeRef;
use crate::fail;
use crate::geometry::Rect;
use crate::region::{FieldMask, Privilege};
use smallvec::{smallvec, SmallVec};

/// Where the data of one requirement lies: the mirror of `cohort_extent` in include/cohort_kernel.h.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub lo: [i64; 3],
    pub hi: [i64; 3],
    /// Elements from a point to its successor.
    pub stride: [i64; 3],
    /// Elements before the point `lo` of the first field.
    pub offset: i64,
    /// Elements from a field to the next.
    pub field: i64,
}

impl Extent {
    pub const NONE: Self = Self { lo: [0; 3], hi: [-1; 3], stride: [0; 3], offset: 0, field: 0 };

    pub fn bytes(&self) -> &[u8] {
        // Eleven words of eight bytes, without padding.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

/// The pointer that a kernel gets for a requirement.
#[derive(Clone, Copy)]
enum Base {
    Null,
    Buffer(*const Buffer),
    /// Of memory that is used in place.
    Address(u64),
}

/// A task under way.
pub struct Started {
    /// All have to happen until it is complete.
    pub events: Events,
    pub stream: Stream,
    pub data: Data,
}

/// Where a task's data lies.
#[derive(Default)]
pub struct Data {
    /// By the numbers of the requirements.
    pub pinned: SmallVec<[(usize, Pinned); 4]>,
    pub in_place: Vec<InPlace>,
    pub contributions: Vec<Contribution>,
    /// What it sends when it is complete.
    pub shipment: Option<Shipment>,
}

impl Data {
    /// Whether the requirement needs no place on the device.
    fn uses_in_place(&self, number: usize) -> bool {
        self.in_place.iter().any(|used| used.number == number)
    }
}

impl DeviceThread<'_> {
    pub fn start(&mut self, node: NodeRef, body: &mut Body, (kind, task): (&'static TaskKind, &DeviceTask)) -> Result<Beginning> {
        let variant = kind.devices.find(self.attached().device.info().api);
        let Some(variant) = variant else { fail!(Internal, "no variant for this device") };
        let kernel = match variant {
            DeviceBody::Kernel(text) => Some(self.kernels.get(text)?),
            DeviceBody::Function(_) => None,
        };
        let in_place = Data { in_place: self.all_in_place(kind, body, task)?, ..Data::default() };
        let mut wanted = used(body);
        wanted.retain(|(number, _)| !in_place.uses_in_place(*number));
        let pinned = self.pin_all(body, &wanted, in_place)?;
        drop(wanted);
        let Some(mut data) = pinned else { return Ok(Beginning::NoRoom) };
        let stream = self.stream_for(task.after.all());
        let events = self.fill_and_launch((node, body, kind, task), (variant, kernel.as_ref()), stream, &mut data);
        self.with_pins(data, events).map(|(events, data)| Beginning::Started(Started { events, stream, data }))
    }

    /// What was done with places that are pinned for it; they are not any more if it failed. Whoever is told of the failure may go on with the
    /// data: nothing that was enqueued touches it any more.
    pub fn with_pins<R>(&self, data: Data, done: Result<R>) -> Result<(R, Data)> {
        match done {
            Ok(done) => Ok((done, data)),
            Err(error) => {
                self.devices.settle(data.pinned.iter().map(|(_, place)| place));
                self.unpin(&data.pinned);
                Err(error)
            }
        }
    }

    /// Places for requirements. `None`: there will be room when a task is complete, or what was packed has left.
    pub fn pin_all(&self, body: &Body, wanted: &[(usize, &Held)], mut data: Data) -> Result<Option<Data>> {
        if self.try_pin(body, wanted, &mut data)? {
            return Ok(Some(data));
        }
        if self.has_running() || self.attached().parcels.are_there() {
            return Ok(None);
        }
        // What is in the way are larger places that it would use itself, and memory kept for other sizes: with nothing on the device it gets
        // places of just its sizes.
        while self.devices.evict(self.number)? {}
        self.attached().device.trim();
        if self.try_pin(body, wanted, &mut data)? {
            return Ok(Some(data));
        }
        let bytes: u64 = wanted.iter().map(|(_, held)| bytes_for(held)).sum();
        let info = self.attached().device.info();
        fail!(Resources, "its requirements take {bytes} bytes of device \"{}\", of whose {} bytes not so many can be had", info.name, info.memory_bytes)
    }

    /// False: there is no room for all, and nothing is pinned.
    fn try_pin(&self, body: &Body, wanted: &[(usize, &Held)], data: &mut Data) -> Result<bool> {
        let found = self.pin_into(body, wanted, data);
        if !matches!(found, Ok(true)) {
            self.unpin(&data.pinned);
            data.pinned.clear();
            data.contributions.clear();
        }
        found
    }

    /// False: there is no room for all.
    fn pin_into(&self, body: &Body, wanted: &[(usize, &Held)], data: &mut Data) -> Result<bool> {
        for &(number, held) in wanted {
            if held.access.privilege != Privilege::Reduce {
                let Some(place) = self.devices.pin(self.number, held)? else { return Ok(false) };
                data.pinned.push((number, place));
                continue;
            }
            let of_fold = body.needs()[..number].iter().filter(|other| other.access.privilege == Privilege::Reduce).count();
            let Some(contribution) = Contribution::new(self.devices, self.number, held, number, of_fold)? else { return Ok(false) };
            data.contributions.push(contribution);
        }
        Ok(true)
    }

    fn fill_and_launch(
        &self,
        (node, body, kind, task): (NodeRef, &mut Body, &'static TaskKind, &DeviceTask),
        variant: (&DeviceBody, Option<&Kernel>),
        stream: Stream,
        data: &mut Data,
    ) -> Result<Events> {
        let mut waits = self.bring_all((body, &data.pinned), self.engine.who_ranks(kind), stream, task.after.all())?;
        for used in &data.in_place {
            let held = &body.needs()[used.number];
            let ranking = self.devices.rank_sources_for(self.engine.who_ranks(kind), &used.data, (used.number, held), HOST);
            self.bring_home_for(held, (used, &ranking), &mut waits)?;
            self.devices.counts.add(Done::InPlace);
        }
        for contribution in &mut data.contributions {
            contribution.clear(&*self.attached().device, stream, &mut waits)?;
        }
        let (event, called) = match variant {
            (DeviceBody::Kernel(text), Some(kernel)) => (self.launch(body, text, kernel, stream, data, &waits)?, Ok(())),
            (DeviceBody::Function(function), _) => {
                let device = self.attached().device.clone();
                device.barrier(stream, &waits)?;
                device.make_current()?;
                let native = NativeDevice {
                    api: device.info().api,
                    number: self.number as u32,
                    device: device.native_device(),
                    context: device.native_context(),
                    stream: device.native_stream(stream),
                };
                let call = || self.engine.execute(node, body, kind, Ok(()), |handle| function(handle, &native));
                let (mut called, context) = view::with_places(self.devices, data, call);
                if context.is_some() {
                    self.launched.set(context);
                    called = called.and_then(|()| fail!(WrongOrder, "its function for devices launched operations or waited; it enqueues on its stream and returns"));
                }
                // What it had enqueued uses the places even if it failed then.
                (device.mark(stream)?, called)
            }
            _ => fail!(Internal, "a kernel that was not compiled"),
        };
        data.contributions.iter_mut().for_each(|contribution| contribution.is_used_by(&event));
        let in_place = data.in_place.iter().fold(Ok(()), |so_far, used| so_far.and(self.is_written_in_place(&body.needs()[used.number], used, &event)));
        let mut events = Events::from_iter([event]);
        if let Err(error) = in_place.and(self.are_written((body, &data.pinned), &mut events)) {
            return Err(settled(&events, error));
        }
        if let Err(error) = called {
            // What it has written stays.
            events.iter().try_for_each(Event::wait)?;
            return Err(error);
        }
        for contribution in &mut data.contributions {
            if !self.stays(&body.needs()[contribution.number]) {
                contribution.go_home(&*self.attached().device)?;
            }
        }
        Ok(events)
    }

    /// Brings what requirements read to their places. What their operation, which comes after others, has to wait for.
    pub fn bring_all(&self, (body, pinned): (&Body, &[(usize, Pinned)]), asking: Option<Asking>, stream: Stream, after: &[NodeRef]) -> Result<Events> {
        let chained = self.events_of(after);
        let mut waits = chained.clone();
        for (number, place) in pinned {
            let held = &body.needs()[*number];
            let ranking = self.devices.rank_sources_for(asking, &place.data, (*number, held), place.place);
            self.bring_in(held, (place, &ranking), stream, &chained, &mut waits)?;
        }
        Ok(waits)
    }

    /// Brings what the requirement reads to its place; what the task has to wait for is added to `waits`.
    fn bring_in(&self, held: &Held, (pinned, ranking): (&Pinned, &Ranking), stream: Stream, chained: &[Event], waits: &mut Events) -> Result<()> {
        let (domain, to) = (&held.node().domain, pinned.place);
        let resident = self.devices.resident(&pinned.data);
        let mut state = resident.lock();
        if held.access.privilege == Privilege::WriteDiscard {
            // A copy that was to fill it may be under way.
            state.wait_for_room(to, &held.mask, domain, waits);
            return Ok(());
        }
        state.see_failures(&held.mask, domain);
        state.see_writes(held)?;
        let mut pieces = std::mem::take(&mut state.pieces);
        let mut fetched = state.read((&held.mask, domain), to, ranking, &mut pieces);
        if fetched.is_ok() {
            fetched = self.fetch_parts(&mut state, held, to, &mut pieces, (stream, chained)).inspect_err(|_| state.stay(&pieces));
        }
        pieces.clear();
        state.pieces = pieces;
        fetched?;
        state.wait_for_fills(to, &held.mask, domain, waits);
        Ok(())
    }

    /// To a place, from wherever the parts are.
    fn fetch_parts(&self, state: &mut State, held: &Held, to: Place, parts: &mut [(Place, Rect, u32)], order: (Stream, &[Event])) -> Result<()> {
        let mut from_host = Vec::new();
        parts.sort_unstable_by_key(|(from, rect, field)| (*from, rect.lo, rect.hi, *field));
        for alike in parts.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            if alike[0].0 == HOST || !self.copy_within(state, held, alike, to, order)? {
                from_host.extend(alike.iter().map(|(_, rect, field)| (*rect, (*field, *field))));
            }
        }
        self.copy_in(state, held, to, &mut from_host)
    }

    /// From the host to a place.
    fn copy_in(&self, state: &mut State, held: &Held, to: Place, pieces: &mut [(Rect, Pair)]) -> Result<()> {
        let mut fills = Events::new();
        state.wait_for_fills_of(HOST, pieces.iter().map(|(rect, (field, _))| (*field, *rect)), &mut fills);
        let Some(there) = state.physical.get(&to) else { fail!(Internal, "a place without memory") };
        let device = &*self.attached().device;
        for run in transfer::runs((&self.devices.pins, &mut state.holds, device), &held.data().instances, (there, [0; 3]), pieces)? {
            let Some(there) = state.physical.get_mut(&to) else { fail!(Internal, "a place without memory") };
            // The task holds the points for reading, and who writes them waits for it.
            let event = unsafe { transfer::to_device(device, &run, there, &fills)? };
            there.is_used_by(&event);
            self.devices.counts.add(Done::CopyIn);
            state.fill_is_under_way(to, run.fields.iter().map(|(field, _)| *field), run.rect, &event);
        }
        Ok(())
    }

    /// Fields of a rectangle, from place to place. False: the device does not reach the other, and what is to be copied is on its way to the host.
    fn copy_within(
        &self,
        state: &mut State,
        held: &Held,
        alike: &[(Place, Rect, u32)],
        to: Place,
        (stream, chained): (Stream, &[Event]),
    ) -> Result<bool> {
        let (from, rect, _) = alike[0];
        let mut waits = chained.iter().cloned().collect::<Events>();
        state.wait_for_fills_of(from, alike.iter().map(|(_, rect, field)| (*field, *rect)), &mut waits);
        let (Some(other), Some(there)) = (state.physical.get(&from), state.physical.get(&to)) else { fail!(Internal, "a place without memory") };
        let device = &*self.attached().device;
        if !device.reaches(&other.buffer) {
            self.devices.copy_home(state, held.data(), &mut alike.to_vec())?;
            return Ok(false);
        }
        waits.extend(other.users());
        if other.device != there.device {
            self.devices.counts.add(Done::CopyAcross);
        }
        let fields: SmallVec<[Pair; 4]> = alike.iter().map(|&(_, _, field)| (field, field)).collect();
        let (copy, size) = (Within { from: other, to: there, rect, shift: [0; 3] }, |field| held.data().instances.element_bytes(field));
        let mut begun = SmallVec::<[(Event, usize); 4]>::new();
        // As in `copy_in`.
        let copied = unsafe { copy.start((device, stream), (&fields, size), &waits, |fields, event| begun.push((event, fields.len()))) };
        let mut rest = &fields[..];
        for (event, count) in &begun {
            state.fill_is_under_way(to, rest[..*count].iter().map(|(field, _)| *field), rect, event);
            rest = &rest[*count..];
            for place in [from, to] {
                if let Some(physical) = state.physical.get_mut(&place) {
                    physical.is_used_by(event);
                }
            }
        }
        copied.map(|()| true)
    }

    /// The operation was enqueued that uses these places: the first of `events` is its.
    pub fn are_written(&self, (body, pinned): (&Body, &[(usize, Pinned)]), events: &mut Events) -> Result<()> {
        // Of each, whatever became of the others.
        pinned.iter().fold(Ok(()), |so_far, (number, place)| so_far.and(self.is_written(&body.needs()[*number], place, events)))
    }

    /// What others than this rank's operations look at goes back at once.
    fn is_written(&self, held: &Held, pinned: &Pinned, events: &mut Events) -> Result<()> {
        let mut state = self.devices.resident(&pinned.data).lock();
        if let Some(physical) = state.physical.get_mut(&pinned.place) {
            physical.is_used_by(&events[0]);
        }
        if held.access.writes() {
            let domain = &held.node().domain;
            state.is_written(&held.mask, domain, pinned.place)?;
            if matches!(pinned.data.home, Home::Shared(_)) {
                self.devices.bring_fields(&mut state, &pinned.data, (&held.mask, domain), &Ranking::default())?;
                state.wait_for_fills(HOST, &held.mask, domain, events);
            }
        }
        Ok(())
    }

    fn launch(&self, body: &Body, text: &KernelText, kernel: &Kernel, stream: Stream, data: &Data, waits: &[Event]) -> Result<Event> {
        let needs = body.needs();
        let Some(over) = needs.get(text.grid_requirement as usize) else {
            fail!(InvalidArgument, "its work items are to be the points of requirement {}, and it was launched with {}", text.grid_requirement, needs.len());
        };
        let bounds = over.node().domain.bounds;
        // Held until the launch is enqueued: a place's memory stays where it is.
        let mut extents = SmallVec::<[Extent; 8]>::with_capacity(needs.len());
        let mut buffers: SmallVec<[Base; 8]> = smallvec![Base::Null; needs.len()];
        for (number, held) in needs.iter().enumerate() {
            if let Some(there) = data.contributions.iter().find(|one| one.number == number).and_then(|one| one.there.as_ref()) {
                extents.push(extent(there, held, number)?);
                buffers[number] = Base::Buffer(&there.buffer);
                continue;
            }
            if let Some(used) = data.in_place.iter().find(|used| used.number == number) {
                extents.push(used.extent());
                buffers[number] = Base::Address(used.address);
                continue;
            }
            let Some((_, place)) = data.pinned.iter().find(|(n, _)| *n == number) else {
                extents.push(Extent::NONE);
                continue;
            };
            let state = self.devices.resident(&place.data).lock();
            let Some(physical) = state.physical.get(&place.place) else { fail!(Internal, "a place without memory") };
            extents.push(extent(physical, held, number)?);
            buffers[number] = Base::Buffer(&physical.buffer);
        }
        let mut args = SmallVec::<[Arg; 17]>::with_capacity(2 * needs.len() + 1);
        for (buffer, extent) in buffers.iter().zip(&extents) {
            args.push(match buffer {
                Base::Null => Arg::Null,
                Base::Address(at) => Arg::Address(*at),
                // Pinned places are not let go, and a boxed place does not move.
                Base::Buffer(buffer) => Arg::Buffer(unsafe { &**buffer }),
            });
            args.push(Arg::Bytes(extent.bytes()));
        }
        if !body.args.is_empty() {
            args.push(Arg::Bytes(&body.args));
        }
        let grid = std::array::from_fn(|d| bounds.extent(d) as usize);
        let launch = Launch { kernel, grid, block: text.block, args: &args };
        // What the kernel takes is the program's word.
        unsafe { self.attached().device.launch(stream, &launch, waits) }
    }

    pub fn unpin(&self, pinned: &[(usize, Pinned)]) {
        pinned.iter().for_each(|(_, place)| self.devices.unpin(place));
    }
}

fn extent(physical: &Physical, held: &Held, number: usize) -> Result<Extent> {
    let (node, mask) = (held.node(), &held.mask);
    let bytes = element_bytes(held, number, mask)?;
    let (first, step) = physical.positions(mask).unwrap_or((0, 1));
    let between = (physical.spacing / bytes) as i64;
    let bounds = node.domain.bounds;
    Ok(Extent {
        lo: bounds.lo,
        hi: bounds.hi,
        stride: physical.steps(),
        offset: first as i64 * between + physical.elements_before(bounds.lo),
        field: step as i64 * between,
    })
}

/// The size of an element, of which a requirement of a kernel has one.
fn element_bytes(held: &Held, number: usize, mask: &FieldMask) -> Result<usize> {
    let fields = &held.node().tree.fields;
    let mut sizes = mask.iter().filter_map(|field| fields.bytes(field));
    let first = sizes.next().unwrap_or(1);
    if let Some(other) = sizes.find(|&size| size != first) {
        fail!(InvalidArgument, "requirement {number} has fields of {first} and of {other} bytes; a kernel gets one pointer for each requirement, so give fields of one size to each");
    }
    Ok(first)
}
