//! Copies with gather and scatter whose data lies on a device, by kernels of ours: a gather where its source lies, a scatter and what folds where
//! its destination does. Unless values that name points elsewhere are to be passed over, a kernel looks for them before anything is written; if
//! there are any, the host does the copy, and tells of the first.

use super::super::body::{Body, Held};
use super::super::copy::pairs_of;
use super::super::indirect::Indirection;
use super::indirect_kernels::{kernel, Element, Step, BLOCK};
use super::place::{bytes_for, Pinned};
use super::resident::Events;
use super::sources::Ranking;
use super::start::{Data, Extent, Started};
use super::thread::{Beginning, DeviceThread};
use super::transfer::{equally_far, settled, Pair};
use super::{used, DeviceTask, Then};
use crate::base::Result;
use crate::device::{Arg, Buffer, Dim, Event, Fill, HostBuffer, Launch, Side, Stream, Transfer};
use crate::event::NodeRef;
use crate::fail;
use crate::region::Operator;
use smallvec::SmallVec;

const SOURCE: usize = 0;
const DESTINATION: usize = 1;

/// Whether a value names a point elsewhere: on its way to the host, or there.
pub struct Check {
    found: HostBuffer,
    there: Event,
}

impl Check {
    fn is_astray(&self) -> Result<bool> {
        self.there.wait()?;
        Ok(unsafe { self.found.at().cast::<i32>().read() } != 0)
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        // The memory is used again at once; a fault is for whoever asks.
        let _ = self.there.wait();
    }
}

/// Whether there are kernels for such a copy: of rectangles, in whose points 32 bits count, by operators that are not the program's.
pub fn has_kernels(body: &Body, how: Indirection) -> bool {
    let fits = |held: &Held| held.node().domain.is_dense() && held.node().domain.bounds.volume() < i64::from(i32::MAX);
    !matches!(how.operator, Some(Operator::Registered(_))) && body.needs().iter().all(fits)
}

/// The mirror of `indirection` in the kernels' text.
#[repr(C)]
#[derive(Clone, Copy)]
struct How {
    at: Extent,
    gather: [i64; 2],
    scatter: [i64; 2],
    words: i64,
    fields: i64,
}

impl How {
    fn bytes(&self) -> &[u8] {
        // Words of eight bytes, without padding.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

/// Memory of the copy's own on the device: a flag, or for each point of the destination the first element that goes there, and for each element
/// the next that does.
struct Scratch {
    memory: SmallVec<[Buffer; 2]>,
    /// The last that uses it, on the copy's stream.
    user: Option<Event>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for buffer in self.memory.drain(..) {
            buffer.retire(self.user.iter().cloned().collect());
        }
    }
}

/// What a kernel gets of a requirement: where its memory is, and one of its fields in it.
#[derive(Clone, Copy)]
struct Given<'a> {
    buffer: Option<&'a Buffer>,
    extent: Extent,
}

impl<'a> Given<'a> {
    const NOTHING: Self = Self { buffer: None, extent: Extent::NONE };

    fn args(&'a self) -> [Arg<'a>; 2] {
        [self.buffer.map_or(Arg::Null, Arg::Buffer), Arg::Bytes(self.extent.bytes())]
    }
}

/// The requirements of a copy with indirection.
#[derive(Clone, Copy)]
struct Indirect<'a> {
    body: &'a Body,
    how: Indirection,
}

impl<'a> Indirect<'a> {
    fn gather(self) -> Option<usize> {
        self.how.gathers.then_some(2)
    }

    fn scatter(self) -> Option<usize> {
        self.how.scatters.then(|| self.body.needs().len() - 1)
    }

    /// The requirement with whose points the copy begins: those of the values, or its own.
    fn at(self) -> &'a Held {
        &self.body.needs()[self.gather().or(self.scatter()).unwrap_or(SOURCE)]
    }

    fn field_bytes(self, number: usize, field: u32) -> usize {
        self.body.needs()[number].node().tree.fields.bytes(field).unwrap_or(1).max(1)
    }

    /// The only field of a requirement with values, and its bytes.
    fn values(self, number: usize) -> (u32, usize) {
        let field = self.body.needs()[number].mask.first().unwrap_or(0);
        (field, self.field_bytes(number, field))
    }

    /// What becomes of the elements of a pair of fields, and how many of them a field's has.
    fn element(self, field: u32) -> (Element, i64) {
        if let Some(Operator::Known(op, element)) = self.how.operator {
            return (Element::Folded(op, element), 1);
        }
        let bytes = self.field_bytes(SOURCE, field);
        let word = [8, 4, 2, 1].into_iter().find(|word| bytes.is_multiple_of(*word)).unwrap_or(1);
        (Element::Words(word), (bytes / word) as i64)
    }

    /// For kernels that move no elements.
    fn names(self) -> How {
        self.parameters(0, 0)
    }

    fn parameters(self, words: i64, fields: usize) -> How {
        let bounds = self.at().node().domain.bounds;
        let integers = |(names, number): (usize, Option<usize>)| match number {
            None => [0, 0],
            Some(values) => {
                let dim = self.body.needs()[names].node().dim();
                [dim as i64, (self.values(values).1 / dim) as i64]
            }
        };
        let at = Extent { lo: bounds.lo, hi: bounds.hi, ..Extent::NONE };
        How { at, gather: integers((SOURCE, self.gather())), scatter: integers((DESTINATION, self.scatter())), words, fields: fields as i64 }
    }

    /// The bounds of a requirement, for kernels that touch none of its data.
    fn bounds(self, number: usize) -> Extent {
        let bounds = self.body.needs()[number].node().domain.bounds;
        let stride = [1, bounds.extent(0), bounds.extent(0) * bounds.extent(1)];
        Extent { lo: bounds.lo, hi: bounds.hi, stride, ..Extent::NONE }
    }

    fn steps(self) -> SmallVec<[Step; 8]> {
        let mut steps = SmallVec::new();
        if !self.how.skips {
            steps.push(Step::Check);
        }
        if self.how.scatters {
            steps.extend([Step::Chain, Step::Order]);
        }
        for (field, _) in pairs_of(&self.body.args) {
            let step = self.step(self.element(field).0);
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    }

    fn step(self, element: Element) -> Step {
        if self.how.scatters { Step::Take(element) } else { Step::Move(element) }
    }

    /// Bytes that it takes on a device: of its requirements, and of the lists of a scatter.
    fn bytes(self) -> u64 {
        let needs: u64 = self.body.needs().iter().fold(0, |sum, held| sum.saturating_add(bytes_for(held)));
        needs.saturating_add(self.lists().iter().sum::<usize>() as u64)
    }

    /// Bytes of the firsts and of the nexts; of a copy that scatters nothing there are none.
    fn lists(self) -> SmallVec<[usize; 2]> {
        let of_lists = [&self.body.needs()[DESTINATION], self.at()].into_iter().filter(|_| self.how.scatters);
        of_lists.map(|held| size_of::<i32>() * points_of(held)).collect()
    }
}

/// A work item for each.
fn points_of(held: &Held) -> usize {
    held.node().domain.bounds.volume() as usize
}

/// Zeros; whoever uses them waits for the event.
fn zeroed(device: &dyn crate::device::Device, stream: Stream, buffer: &Buffer, bytes: usize) -> Result<Event> {
    let mut dims = [Dim::ONE; 4];
    dims[0] = Dim { count: bytes / 4, from: 0, to: 4 };
    device.fill(stream, &Fill { buffer, offset: 0, dims, value: &[0; 4] }, &[])
}

impl DeviceThread<'_> {
    pub fn start_indirect(&mut self, node: NodeRef, body: &mut Body, (task, how): (&mut DeviceTask, Indirection)) -> Result<Beginning> {
        let copy = Indirect { body, how };
        if !self.lies_here(copy) || copy.bytes() > self.attached().device.info().memory_bytes {
            return Ok(Beginning::ToHost);
        }
        for step in copy.steps() {
            if !self.kernels.are_there(kernel(step), node, self.engine, self.number) {
                return Ok(Beginning::Later);
            }
            // Where it does not compile, the host copies.
            if self.kernels.get(kernel(step)).is_err() {
                return Ok(Beginning::ToHost);
            }
        }
        match &task.check {
            None if !how.skips => return self.look_for_strays(node, copy, task),
            Some(check) if check.is_astray()? => return Ok(Beginning::ToHost),
            _ => (),
        }
        // Whatever the device has no room for goes by way of the host.
        let data = match self.pin_all(body, &used(body), Data::default()) {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(Beginning::NoRoom),
            Err(_) => return Ok(Beginning::ToHost),
        };
        let Some(lists) = self.scratch_beside(&data, &copy.lists())? else { return Ok(self.without_scratch()) };
        let stream = self.stream_for(task.after.all());
        let copied = self.copy_elements(copy, &data, lists, stream, task.after.all());
        let (events, data) = self.with_pins(data, copied)?;
        Ok(Beginning::Started(Started { events, stream, data }))
    }

    /// Whether most of what is gathered from, or scattered and folded into, has its newest values here.
    fn lies_here(&self, copy: Indirect) -> bool {
        let goes_to_destination = copy.how.scatters || copy.how.operator.is_some();
        let held = &copy.body.needs()[if goes_to_destination { DESTINATION } else { SOURCE }];
        let Some(resident) = held.data().on_devices.get() else { return false };
        let (state, mut found) = (resident.lock(), Vec::new());
        let located = held.mask.iter().try_for_each(|field| state.locate((field, &held.node().domain), Some(self.number), &Ranking::default(), &mut found));
        if located.is_err() {
            return false;
        }
        let points = |here: bool| {
            let of = found.iter().filter(|(place, _)| (state.device_of(*place) == Some(self.number)) == here);
            of.map(|(_, part)| part.volume()).sum::<i64>()
        };
        points(true) > points(false)
    }

    /// The memory and the place of a field of a requirement that is pinned.
    fn given<'a>(&self, copy: Indirect, pinned: &'a [(usize, Pinned)], number: usize, (field, bytes): (u32, usize)) -> Result<Given<'a>> {
        let Some((_, place)) = pinned.iter().find(|(of, _)| *of == number) else { fail!(Internal, "a requirement without a place") };
        let state = self.devices.resident(&place.data).lock();
        let Some(physical) = state.physical.get(&place.place) else { fail!(Internal, "a place without memory") };
        let bounds = copy.body.needs()[number].node().domain.bounds;
        let offset = (physical.offset(field, bounds.lo, bytes) / bytes) as i64;
        let extent = Extent { lo: bounds.lo, hi: bounds.hi, stride: physical.steps(), offset, field: 0 };
        // Pinned places are not let go, and a boxed place does not move.
        Ok(Given { buffer: Some(unsafe { &*std::ptr::from_ref(&physical.buffer) }), extent })
    }

    fn given_values<'a>(&self, copy: Indirect, pinned: &'a [(usize, Pinned)], number: Option<usize>) -> Result<Given<'a>> {
        number.map_or(Ok(Given::NOTHING), |number| self.given(copy, pinned, number, copy.values(number)))
    }

    fn launch_step(&self, step: Step, points: usize, args: &[Arg], stream: Stream, waits: &[Event]) -> Result<Event> {
        let kernel = self.kernels.get(kernel(step))?;
        // The text is ours.
        unsafe { self.attached().device.launch(stream, &Launch { kernel: &kernel, grid: [points, 1, 1], block: BLOCK, args }, waits) }
    }

    /// Starts the search for values that name points elsewhere; the copy comes again when that has ended.
    fn look_for_strays(&mut self, node: NodeRef, copy: Indirect, task: &mut DeviceTask) -> Result<Beginning> {
        let names: SmallVec<[(usize, &Held); 8]> = used(copy.body).into_iter().filter(|(number, _)| *number > DESTINATION).collect();
        let data = match self.pin_all(copy.body, &names, Data::default()) {
            Ok(Some(data)) => data,
            Ok(None) => return Ok(Beginning::NoRoom),
            Err(_) => return Ok(Beginning::ToHost),
        };
        let Some(flag) = self.scratch_beside(&data, &[size_of::<i32>()])? else { return Ok(self.without_scratch()) };
        let stream = self.stream_for(task.after.all());
        let found = self.find_strays(copy, &data, flag, stream, task.after.all());
        let (check, data) = self.with_pins(data, found)?;
        self.unpin(&data.pinned);
        let there = Events::from_iter([check.there.clone()]);
        task.check = Some(check);
        self.watch(there, Then::Run(node), task.job.into());
        Ok(Beginning::Later)
    }

    fn find_strays(&self, copy: Indirect, data: &Data, mut scratch: Scratch, stream: Stream, after: &[NodeRef]) -> Result<Check> {
        let device = &*self.attached().device;
        let mut waits = self.bring_all((copy.body, &data.pinned), self.engine.who_ranks_copies(), stream, after)?;
        let [gather, scatter] = [copy.gather(), copy.scatter()].map(|number| self.given_values(copy, &data.pinned, number));
        let (gather, scatter, how) = (gather?, scatter?, copy.names());
        let Scratch { memory, user } = &mut scratch;
        let flag = &memory[0];
        waits.push(zeroed(device, stream, flag, size_of::<i32>())?);
        *user = waits.last().cloned();
        let (from, to) = (copy.bounds(SOURCE), copy.bounds(DESTINATION));
        let mut args: SmallVec<[Arg; 16]> = [gather.args(), scatter.args()].concat().into();
        args.extend([Arg::Bytes(from.bytes()), Arg::Bytes(to.bytes()), Arg::Bytes(how.bytes()), Arg::Buffer(flag)]);
        let looked = self.launch_step(Step::Check, points_of(copy.at()), &args, stream, &waits)?;
        *user = Some(looked.clone());
        self.are_written((copy.body, &data.pinned), &mut Events::from_iter([looked.clone()]))?;
        let found = device.staging(size_of::<i32>())?;
        let transfer = Transfer { element: size_of::<i32>(), dims: [Dim::ONE; 4], from: Side::Device(flag, 0), to: Side::Host(found.at()) };
        let there = unsafe { device.copy(Stream::Out, &transfer, &[looked])? };
        *user = Some(there.clone());
        Ok(Check { found, there })
    }

    /// Enqueues the kernels.
    fn copy_elements(&self, copy: Indirect, data: &Data, mut lists: Scratch, stream: Stream, after: &[NodeRef]) -> Result<Events> {
        let mut waits = self.bring_all((copy.body, &data.pinned), self.engine.who_ranks_copies(), stream, after)?;
        let [gather, scatter] = [copy.gather(), copy.scatter()].map(|number| self.given_values(copy, &data.pinned, number));
        let (gather, scatter) = (gather?, scatter?);
        if copy.how.scatters {
            self.fill_lists(copy, &mut lists, [&gather, &scatter], stream, &mut waits)?;
        }
        let points = points_of(if copy.how.scatters { &copy.body.needs()[DESTINATION] } else { copy.at() });
        let (mut events, pairs) = (Events::new(), pairs_of(&copy.body.args).collect::<SmallVec<[Pair; 8]>>());
        let mut rest = &pairs[..];
        while let Some(&first) = rest.first() {
            let (element, words) = copy.element(first.0);
            let ([from, to], count) = self.together(copy, &data.pinned, rest).map_err(|error| settled(&events, error))?;
            rest = &rest[count..];
            let how = copy.parameters(words, count);
            let mut args: SmallVec<[Arg; 16]> = [gather.args(), from.args(), to.args()].concat().into();
            args.push(Arg::Bytes(how.bytes()));
            args.extend(lists.memory.iter().map(Arg::Buffer));
            let event = self.launch_step(copy.step(element), points, &args, stream, &waits).map_err(|error| settled(&events, error))?;
            // Those before it on the stream are done when it is.
            lists.user = Some(event.clone());
            events.insert(0, event);
        }
        self.are_written((copy.body, &data.pinned), &mut events)?;
        Ok(events)
    }

    /// The first fields of both sides, and how many with them one kernel moves: those of one kind that lie equally far apart.
    fn together<'a>(&self, copy: Indirect, pinned: &'a [(usize, Pinned)], fields: &[Pair]) -> Result<([Given<'a>; 2], usize)> {
        let (kind, bytes) = (copy.element(fields[0].0), copy.field_bytes(SOURCE, fields[0].0));
        let sides = |(source, destination): Pair| -> Result<[Given<'a>; 2]> {
            Ok([self.given(copy, pinned, SOURCE, (source, bytes))?, self.given(copy, pinned, DESTINATION, (destination, bytes))?])
        };
        let [mut from, mut to] = sides(fields[0])?;
        let apart = |number: usize| {
            let [source, destination] = sides(fields[number]).ok().filter(|_| copy.element(fields[number].0) == kind)?;
            Some([(source.extent.offset - from.extent.offset) as isize, (destination.extent.offset - to.extent.offset) as isize])
        };
        let (count, steps) = equally_far(fields.len(), apart);
        [from.extent.field, to.extent.field] = steps.map(|step| step as i64);
        Ok(([from, to], count))
    }

    /// Besides what is pinned for the copy, which is let go if there is no room: `None`.
    fn scratch_beside(&self, data: &Data, bytes: &[usize]) -> Result<Option<Scratch>> {
        let scratch = self.scratch(bytes);
        if !matches!(scratch, Ok(Some(_))) {
            self.unpin(&data.pinned);
        }
        scratch
    }

    /// What becomes of a copy for whose scratch there is no room.
    fn without_scratch(&self) -> Beginning {
        if self.has_running() { Beginning::NoRoom } else { Beginning::ToHost }
    }

    /// `None`: there is no room.
    fn scratch(&self, bytes: &[usize]) -> Result<Option<Scratch>> {
        let mut scratch = Scratch { memory: SmallVec::new(), user: None };
        for &bytes in bytes {
            let Some(buffer) = self.devices.memory(self.number, bytes)? else { return Ok(None) };
            scratch.memory.push(buffer);
        }
        Ok(Some(scratch))
    }

    /// Chains elements to the lists of the points that they go to, in ascending order.
    fn fill_lists(&self, copy: Indirect, lists: &mut Scratch, [gather, scatter]: [&Given; 2], stream: Stream, waits: &mut Events) -> Result<()> {
        let Scratch { memory, user } = lists;
        waits.push(zeroed(&*self.attached().device, stream, &memory[0], copy.lists()[0])?);
        *user = waits.last().cloned();
        let (from, to, how) = (copy.bounds(SOURCE), copy.bounds(DESTINATION), copy.names());
        let lists = [Arg::Buffer(&memory[0]), Arg::Buffer(&memory[1])];
        let mut args: SmallVec<[Arg; 16]> = [gather.args(), scatter.args()].concat().into();
        args.extend([Arg::Bytes(from.bytes()), Arg::Bytes(to.bytes()), Arg::Bytes(how.bytes())].into_iter().chain(lists));
        let chained = self.launch_step(Step::Chain, points_of(copy.at()), &args, stream, waits)?;
        *user = Some(chained.clone());
        let points = points_of(&copy.body.needs()[DESTINATION]);
        let count = (points as i64).to_ne_bytes();
        let args = [Arg::Bytes(&count), lists[0], lists[1]];
        let ordered = self.launch_step(Step::Order, points, &args, stream, &[chained])?;
        *user = Some(ordered.clone());
        waits.push(ordered);
        Ok(())
    }
}
