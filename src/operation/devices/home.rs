//! Data comes back to the host: before an operation of the host runs that needs it, before an array is detached, when a task looks at data
//! that its children wrote, and when the program outside of tasks has waited and may look at its arrays.

use super::super::body::{Body, Held, Work};
use super::super::object::Home;
use super::super::{inside_task, current_task, Engine, Frame, RegionObject, TreeData};
use super::resident::{Events, Pieces, Place, State, HOST};
use super::sources::{Asking, Ranking};
use super::transfer::{self, Pair};
use super::{Attached, Devices, Done, Request, Then, Told, Watched, Whose};
use crate::base::Result;
use crate::device::{Event, Stream};
use crate::event::NodeRef;
use crate::geometry::{Domain, Rect};
use crate::region::{FieldMask, Privilege};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Instant;

/// Data that the host is about to use.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    data: &'a TreeData,
    mask: &'a FieldMask,
    domain: &'a Domain,
    reads: bool,
    writes: bool,
    /// Who is asked where it comes from, and for which requirement.
    ranked: Option<(Asking<'a>, usize, &'a Held)>,
}

impl<'a> Wanted<'a> {
    fn of((number, held): (usize, &'a Held), asking: Option<Asking<'a>>) -> Self {
        let privilege = held.access.privilege;
        Self {
            data: held.data(),
            mask: &held.mask,
            domain: &held.node().domain,
            reads: privilege != Privilege::WriteDiscard,
            writes: privilege != Privilege::ReadOnly,
            ranked: asking.map(|asking| (asking, number, held)),
        }
    }

    /// Also what was there before where that is discarded.
    fn whole(need: (usize, &'a Held), asking: Option<Asking<'a>>) -> Self {
        Self { reads: true, ..Self::of(need, asking) }
    }
}

impl Devices {
    /// Starts the copies that make fields valid on the host.
    pub fn bring_fields(&self, state: &mut State, data: &TreeData, (mask, domain): (&FieldMask, &Domain), ranking: &Ranking) -> Result<()> {
        let mut pieces = Pieces::new();
        state.see_failures(mask, domain);
        state.read((mask, domain), HOST, ranking, &mut pieces)?;
        self.copy_home(state, data, &mut pieces).inspect_err(|_| state.stay(&pieces))
    }

    /// Starts copies of points of fields from places to the host.
    pub fn copy_home(&self, state: &mut State, data: &TreeData, pieces: &mut [(Place, Rect, u32)]) -> Result<()> {
        pieces.sort_unstable_by_key(|piece| piece.0);
        for of_place in pieces.chunk_by(|a, b| a.0 == b.0) {
            let (from, mut waits) = (of_place[0].0, Events::new());
            let parts = of_place.iter().map(|(_, rect, field)| (*field, *rect));
            state.wait_for_fills_of(from, parts.clone(), &mut waits);
            // One that the host has yet to unpack must not come after this.
            state.wait_for_room_of(HOST, parts, &mut waits);
            let Some(physical) = state.physical.get(&from) else { continue };
            let device = &*self.list[physical.device].device;
            waits.extend(physical.users());
            let mut fields: Vec<(Rect, Pair)> = of_place.iter().map(|(_, rect, field)| (*rect, (*field, *field))).collect();
            for run in transfer::runs((&self.pins, &mut state.holds, device), &data.instances, (physical, [0; 3]), &mut fields)? {
                let Some(physical) = state.physical.get_mut(&from) else { continue };
                let (rect, fields) = (run.rect, run.fields.clone());
                // What is not valid on the host nobody reads there, and whoever is to use it waits for this copy.
                let copied = unsafe { transfer::to_host(device, run, physical, &waits)? };
                physical.is_used_by(&copied.on_device);
                self.counts.add(Done::CopyHome);
                state.fill_is_under_way(HOST, fields.iter().map(|(field, _)| *field), rect, &copied.there);
            }
        }
        Ok(())
    }

    /// Starts what has to happen until the host can use the data. What needs nothing is the host's from here on.
    fn bring<'a>(&self, wanted: impl Iterator<Item = Wanted<'a>>) -> Result<Events> {
        // A device may be lost since its thread last looked, and have nothing more to run.
        self.start_bringing(wanted).inspect_err(|_| self.look_for_lost())
    }

    fn start_bringing<'a>(&self, wanted: impl Iterator<Item = Wanted<'a>>) -> Result<Events> {
        let mut events = Events::new();
        for Wanted { data, mask, domain, reads, writes, ranked } in wanted {
            let Some(resident) = data.on_devices.get() else { continue };
            let ask = |(asking, number, held): (Asking, usize, &Held)| self.rank_sources(&asking, data, (number, held), HOST);
            let ranking = ranked.filter(|_| reads).map(ask).unwrap_or_default();
            let mut state = resident.lock();
            if reads {
                self.bring_fields(&mut state, data, (mask, domain), &ranking)?;
            }
            let before = events.len();
            match writes && !reads {
                true => state.wait_for_room(HOST, mask, domain, &mut events),
                false => state.wait_for_fills(HOST, mask, domain, &mut events),
            }
            if writes && events.len() == before {
                mask.iter().try_for_each(|field| state.write(field, domain, HOST))?;
            }
        }
        Ok(events)
    }

    /// The fields that have a place on a device.
    fn placed(&self, data: &TreeData, which: impl Fn(u32) -> bool) -> FieldMask {
        let mut mask = FieldMask::default();
        if let Some(resident) = data.on_devices.get() {
            resident.lock().fields().filter(|&field| which(field)).for_each(|field| mask.extend(&[field]));
        }
        mask
    }

    /// What comes when these events have happened.
    pub(super) fn when(&self, events: Events, then: Then, whose: Whose) {
        let device = events.first().map_or(0, |event| self.device_of(event));
        self.list[device].send(Request::Watch(Watched { events, then, whose, since: Instant::now() }));
    }

    /// The device on one of whose streams the event is.
    fn device_of(&self, event: &Event) -> usize {
        let stream = event.position().stream;
        let has_it = |attached: &Attached| {
            let device = &attached.device;
            let mut all = [Stream::In, Stream::Out].into_iter().chain((0..device.streams()).map(Stream::Kernels));
            all.any(|one| device.native_stream(one) as usize == stream)
        };
        self.list.iter().position(has_it).unwrap_or(0)
    }
}

impl Engine {
    /// What keeps an operation of the host from running: a failure's number, or 0. `None`: copies do, and the operation comes again.
    #[cold]
    #[inline(never)]
    pub(in super::super) fn look(&self, node: NodeRef, body: &Body) -> Option<u32> {
        let error = if body.has_more() { body.failed_input() } else { 0 };
        if body.needs().iter().all(|held| held.data().on_devices.get().is_none()) {
            return Some(error);
        }
        let skipped = body.has_more() && body.predicate.as_ref().is_some_and(|predicate| !matches!(predicate.holds(), Ok(true)));
        let Some(devices) = self.devices.get().filter(|_| error == 0 && !skipped) else { return Some(error) };
        let contributes = match &body.work {
            // What it looks at comes when it does.
            Work::Task(kind) if !kind.leaf && !body.asks_instances && !kind.asked.any() => return Some(0),
            Work::Task(_) => true,
            _ => false,
        };
        let only_orders = matches!(body.work, Work::Nothing) && body.result.is_none();
        let uses = |(_, held): &(usize, &Held)| match held.access.privilege {
            Privilege::NoAccess => false,
            // Acquire and release: whoever looks at it as others do sees to that.
            _ if only_orders && matches!(held.data().home, Home::Shared(_)) => false,
            Privilege::Reduce => !contributes,
            _ => true,
        };
        let asking = self.who_ranks_for(body);
        // Where a value names a point elsewhere, the copy leaves its destination as it was.
        let may_copy_nothing = matches!(body.work, Work::Indirect(how) if !how.skips);
        let wanted = |need| match may_copy_nothing {
            true => Wanted::whole(need, asking),
            false => Wanted::of(need, asking),
        };
        match devices.bring(body.needs().iter().enumerate().filter(uses).map(wanted)) {
            Ok(events) if events.is_empty() => Some(0),
            Ok(events) => {
                devices.when(events, Then::Offer(node), Whose::from(&body.work));
                None
            }
            Err(error) => Some(self.fail(format!("{} failed on rank {}: its data could not be brought from a device: {}", body.work.name(), self.rank, error.text))),
        }
    }

    /// Waits until the host can use the data.
    fn bring_now(&self, devices: &Devices, wanted: &[Wanted]) -> Result<()> {
        loop {
            let events = devices.bring(wanted.iter().copied())?;
            if events.is_empty() {
                return Ok(());
            }
            let told = Arc::new(Told::default());
            devices.when(events, Then::Tell(told.clone()), Whose::Thread);
            self.block(|| told.done.load(Ordering::Acquire), &told.seats, || (), None)?;
            let failed = told.failed.lock().take();
            failed.map_or(Ok(()), Err)?;
        }
    }

    /// The execution has waited, and may look at data that operations used meanwhile: the program outside of tasks at its arrays, a task at what
    /// it has looked at before.
    #[cold]
    pub(in super::super) fn come_home(&self) -> Result<()> {
        let Some(devices) = self.devices.get() else { return Ok(()) };
        if inside_task() {
            let frame = self.frames.get(current_task())?;
            let (Some(body), context) = (frame.body(), self.context_of(frame)) else { return Ok(()) };
            // It may read what tasks that it launched wrote, even where it discards what was there before.
            let viewed = context.viewed().iter().map(|&number| Wanted::whole((number, &body.needs()[number]), None));
            return self.bring_now(devices, &viewed.collect::<Vec<_>>());
        }
        let mut lost = None;
        for data in devices.trees() {
            let mask = devices.placed(&data, |field| data.instances.is_attached(field));
            if mask.is_empty() {
                continue;
            }
            let domain = data.instances.domain();
            lost = devices.resident(&data).lock().take_lost(&mask).or(lost);
            self.bring_now(devices, &[Wanted { data: &data, mask: &mask, domain, reads: true, writes: true, ranked: None }])?;
        }
        // From here on the arrays count as what they hold: the program has been told.
        lost.map_or(Ok(()), Err)
    }

    /// A task that is not a leaf looks at its data, and may do so again whenever it has waited.
    #[cold]
    pub(in super::super) fn look_at(&self, frame: &Frame, number: usize, held: &Held) -> Result<()> {
        let Some(devices) = self.devices.get() else { return Ok(()) };
        if frame.kind().is_none_or(|kind| kind.leaf) {
            // What it sees from here on comes to the host's memory; what came before that to a device alone is brought.
            let sees = matches!(held.data().home, Home::Shared(_)) && held.access.coherence.is_weak();
            return if sees { self.bring_now(devices, &[Wanted::of((number, held), None)]) } else { Ok(()) };
        }
        let viewed = self.context_of(frame).viewed();
        if !viewed.contains(&number) {
            viewed.push(number);
        }
        self.bring_now(devices, &[Wanted::whole((number, held), frame.kind().and_then(|kind| self.who_ranks(kind)))])
    }

    /// The fields are to lie elsewhere: nothing of them is valid on devices. Memory that a task uses for other fields stays there.
    pub(in super::super) fn leave_places(&self, region: &RegionObject, fields: &[u32]) -> Result<()> {
        let Some(devices) = self.devices.get() else { return Ok(()) };
        let (data, domain) = (region.data.shared(), region.data.instances.domain());
        let mask = devices.placed(data, |field| fields.contains(&field));
        if mask.is_empty() {
            // They may share an array with fields that have places.
            data.on_devices.get().into_iter().for_each(|resident| resident.lock().unregister());
            return Ok(());
        }
        // What was lost with a device a wait has told; it keeps nobody from getting an array back.
        devices.resident(data).lock().take_lost(&mask);
        self.bring_now(devices, &[Wanted { data, mask: &mask, domain, reads: true, writes: true, ranked: None }])?;
        let places: Vec<Place> = {
            let state = devices.resident(data).lock();
            let of_fields = state.physical.iter().filter(|(_, physical)| physical.fields.iter().any(|field| fields.contains(field)));
            of_fields.map(|(place, _)| *place).collect()
        };
        places.into_iter().try_for_each(|place| devices.drop_place(data, place))?;
        // What other fields of those places had is on its way.
        let others = devices.placed(data, |_| true);
        self.bring_now(devices, &[Wanted { data, mask: &others, domain, reads: false, writes: false, ranked: None }])?;
        devices.resident(data).lock().unregister();
        Ok(())
    }
}
