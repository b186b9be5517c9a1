//! Copies of boxes between the host's memory and a place, and between places. Fields that lie equally far apart on both sides, as those of
//! an array with a dimension for fields, are copied together. What would take a device many commands is packed by the host, and goes by
//! way of memory made for copies: blocks, several arrays of one field, strides that fit no rule that drivers have.

use super::pins::{Holds, Pins, Way};
use super::resident::Physical;
use crate::base::{Error, Result};
use crate::copy::copy_rect;
use crate::device::{Device, Dim, Event, Side, Stream, Transfer};
use crate::geometry::{Point, Rect};
use crate::instance::{dense_strides, FieldInstance, InstanceTable};
use crate::machine::page_bytes;
use smallvec::SmallVec;
use std::sync::Arc;

/// A field and another one, to or from which it is copied.
pub type Pair = (u32, u32);

/// Points of one or several fields that are copied together between the host and a place.
pub struct Run {
    /// In the host's numbering.
    pub rect: Rect,
    /// Those on the host with those in the place.
    pub fields: SmallVec<[Pair; 4]>,
    /// Bytes of an element.
    bytes: usize,
    host: Host,
    /// Where the first field's first point lies in the place, and bytes from a field to the next.
    start: usize,
    step: isize,
}

enum Host {
    /// The points of the first field lie in one instance in which neighbours are equally far apart, and so do those of the others, each so many
    /// bytes after the one before.
    Even { first: FieldInstance, step: isize, way: Way },
    /// They lie in several arrays, or in blocks: parts of the rectangle, by the field's number in the run.
    Parts(Vec<(usize, Rect, FieldInstance)>),
}

/// A copy that is under way.
pub struct Copied {
    /// The place is not used any more.
    pub on_device: Event,
    /// What was copied is there.
    pub there: Event,
}

impl From<Event> for Copied {
    fn from(event: Event) -> Self {
        Self { on_device: event.clone(), there: event }
    }
}

impl Run {
    fn of(fields: Pair, rect: Rect, host: &FieldInstance, way: Way, start: usize) -> Self {
        let host_side = match host.blocks.filter(|blocks| blocks.phase(rect.lo[blocks.dim]) + rect.extent(blocks.dim) > blocks.points) {
            None => Host::Even { first: *host, step: 0, way },
            Some(_) => Host::Parts(vec![(0, rect, *host)]),
        };
        Self { rect, fields: SmallVec::from_slice(&[fields]), bytes: host.bytes, host: host_side, start, step: 0 }
    }

    /// Takes the next one in, if that has the same points of the next field, equally far from the last as that from the one before.
    fn takes(&mut self, next: &mut Run) -> bool {
        let (count, apart) = (self.fields.len() as isize, next.start as isize - self.start as isize);
        if self.rect != next.rect || self.bytes != next.bytes || count > 1 && apart != self.step * count {
            return false;
        }
        let fits = match (&mut self.host, &mut next.host) {
            // A driver takes what lies between, too, and nothing that is registered in part: between fields that are not registered there is no
            // room for a page, and what is registered or made by a driver, now or when the copy runs, has one at least.
            (Host::Even { first, step, way }, Host::Even { first: other, way: other_way, .. }) => {
                let there = (other.at(self.rect.lo) as isize).wrapping_sub(first.at(self.rect.lo) as isize);
                let fits = first.stride == other.stride
                    && way == other_way
                    && (count == 1 || there == *step * count)
                    && (*way != Way::Plain || there.unsigned_abs() < count as usize * (first.span().len() + page_bytes()));
                if fits && count == 1 {
                    *step = there;
                }
                fits
            }
            (Host::Parts(parts), Host::Parts(more)) => {
                parts.extend(more.drain(..).map(|(_, rect, host)| (count as usize, rect, host)));
                true
            }
            _ => false,
        };
        if fits {
            self.step = if count == 1 { apart } else { self.step };
            self.fields.extend_from_slice(&next.fields);
        }
        fits
    }

    /// Bytes from neighbour to neighbour in a place, and from field to field.
    fn steps_in(&self, place: &Physical) -> [isize; 4] {
        let [x, y, z] = place.steps().map(|step| step as isize * self.bytes as isize);
        [x, y, z, self.step]
    }

    /// The same in memory that has nothing else.
    fn dense_steps(&self) -> [isize; 4] {
        let [x, y, z] = dense_strides(&self.rect, self.bytes).map(|step| step as isize);
        [x, y, z, z * self.rect.extent(2) as isize]
    }

    fn dims(&self, from: [isize; 4], to: [isize; 4]) -> [Dim; 4] {
        let count = |d: usize| if d < 3 { self.rect.extent(d) as usize } else { self.fields.len() };
        std::array::from_fn(|d| Dim { count: count(d), from: from[d], to: to[d] })
    }

    fn volume(&self) -> usize {
        self.rect.volume() as usize * self.fields.len() * self.bytes
    }

    /// The host's side, if it goes without a stop on the way: its address and its steps.
    fn direct(&self, place: &Physical) -> Option<(*mut u8, [isize; 4])> {
        let Host::Even { first, step, way } = &self.host else { return None };
        let [x, y, z] = first.stride.map(|step| step as isize);
        let (at, steps) = (first.at(self.rect.lo), [x, y, z, *step]);
        let commands = |host: [isize; 4]| commands(self.bytes, &self.dims(host, self.steps_in(place)));
        let direct = commands(steps);
        let pays = direct > 1 && (direct - commands(self.dense_steps()).min(direct)) * WORTH > self.volume();
        (*way != Way::Mixed && !pays).then_some((at, steps))
    }

    /// Calls `each` with the parts on the host, and with where they lie in memory that has nothing else.
    fn each_part(&self, dense: *mut u8, mut each: impl FnMut(&Rect, &FieldInstance, &FieldInstance)) {
        let field_bytes = self.rect.volume() as usize * self.bytes;
        let packed = |number: usize| FieldInstance::dense(dense.wrapping_add(number * field_bytes), self.rect, self.bytes);
        match &self.host {
            Host::Parts(parts) => parts.iter().for_each(|(number, rect, host)| each(rect, host, &packed(*number))),
            Host::Even { first, step, .. } => (0..self.fields.len()).for_each(|number| {
                let at = first.at(self.rect.lo).wrapping_offset(step * number as isize);
                each(&self.rect, &FieldInstance::new(at, self.rect, first.stride, self.bytes), &packed(number));
            }),
        }
    }
}

/// Bytes that the host packs in the time of a command: some microseconds, at some 10 GB a second.
const WORTH: usize = 64 << 10;

fn commands(element: usize, dims: &[Dim; 4]) -> usize {
    let none = Side::Host(std::ptr::null_mut());
    Transfer { element, dims: *dims, from: none, to: none }.commands()
}

/// The copies that points of fields take, given field by field for each rectangle on the host. In the place they are the points `shift` away.
pub fn runs(
    (pins, holds, device): (&Arc<Pins>, &mut Holds, &dyn Device),
    instances: &InstanceTable,
    (place, shift): (&Physical, Point),
    pieces: &mut [(Rect, Pair)],
) -> Result<Vec<Run>> {
    pieces.sort_unstable_by_key(|(rect, fields)| (rect.lo, rect.hi, *fields));
    let mut runs: Vec<Run> = Vec::new();
    for (rect, fields) in pieces {
        let (before, start) = (runs.len(), |part: &Rect, bytes: usize| place.offset(fields.1, part.shifted(shift).lo, bytes));
        instances.each_place(fields.0, rect, |part, host| {
            let way = holds.way(pins, device, instances, fields.0, host);
            runs.push(Run::of(*fields, *part, host, way, start(part, host.bytes)));
        })?;
        if runs.len() > before + 1 {
            // Several arrays of one field.
            let bytes = runs[before].bytes;
            let parts = runs.drain(before..).flat_map(|run| match run.host {
                Host::Even { first, .. } => vec![(0, run.rect, first)],
                Host::Parts(parts) => parts,
            });
            let host = Host::Parts(parts.collect());
            runs.push(Run { rect: *rect, fields: SmallVec::from_slice(&[*fields]), bytes, host, start: start(rect, bytes), step: 0 });
        }
        if let [.., last, next] = &mut runs[before.saturating_sub(1)..] {
            if last.takes(next) {
                runs.pop();
            }
        }
    }
    Ok(runs)
}

/// # Safety
/// Both hold the points, and nothing else touches them on the host until the copy is there.
pub unsafe fn to_host(device: &dyn Device, run: Run, from: &Physical, waits: &[Event]) -> Result<Copied> {
    let there = run.steps_in(from);
    let transfer = |to: *mut u8, steps| Transfer {
        element: run.bytes,
        dims: run.dims(there, steps),
        from: Side::Device(&from.buffer, run.start),
        to: Side::Host(to),
    };
    if let Some((at, steps)) = run.direct(from) {
        return device.copy(Stream::Out, &transfer(at, steps), waits).map(Copied::from);
    }
    let staging = device.staging(run.volume())?;
    let on_device = device.copy(Stream::Out, &transfer(staging.at(), run.dense_steps()), waits)?;
    let there = on_device.clone().then(move || {
        run.each_part(staging.at(), |rect, host, packed| unsafe { copy_rect(packed, host, rect, [0; 3]) });
        Ok(())
    });
    Ok(Copied { on_device, there })
}

/// # Safety
/// Both hold the points, those on the host stay as they are, and nothing else touches the place until the copy is done.
pub unsafe fn to_device(device: &dyn Device, run: &Run, to: &Physical, waits: &[Event]) -> Result<Event> {
    let there = run.steps_in(to);
    let transfer = |from: *mut u8, steps| Transfer {
        element: run.bytes,
        dims: run.dims(steps, there),
        from: Side::Host(from),
        to: Side::Device(&to.buffer, run.start),
    };
    if let Some((at, steps)) = run.direct(to) {
        return device.copy(Stream::In, &transfer(at, steps), waits);
    }
    // What is packed has to be there.
    waits.iter().try_for_each(Event::wait)?;
    let staging = device.staging(run.volume())?;
    run.each_part(staging.at(), |rect, host, packed| copy_rect(host, packed, rect, [0; 3]));
    let event = device.copy(Stream::In, &transfer(staging.at(), run.dense_steps()), &[])?;
    staging.retire(vec![event.clone()]);
    Ok(event)
}

/// What was begun has ended before anyone is told of the failure of what was to follow, and memory is given back that it uses.
pub fn settled(events: &[Event], error: Error) -> Error {
    events.iter().for_each(|event| drop(event.wait()));
    error
}

/// How many of some fields, from the first on, lie equally far apart, and how far. `from_first`: how far a field lies from the first, in each of `N`
/// memories; `None` if it does not go together with that.
pub fn equally_far<const N: usize>(fields: usize, from_first: impl Fn(usize) -> Option<[isize; N]>) -> (usize, [isize; N]) {
    let steps = (1..fields).next().and_then(&from_first).unwrap_or([0; N]);
    let fits = |number: &usize| from_first(*number) == Some(steps.map(|step| step.wrapping_mul(*number as isize)));
    (1 + (1..fields).take_while(fits).count(), steps)
}

/// A copy from place to place.
pub struct Within<'a> {
    pub from: &'a Physical,
    pub to: &'a Physical,
    /// Of the source; the destination's points are `shift` away.
    pub rect: Rect,
    pub shift: Point,
}

impl Within<'_> {
    /// Copies fields, those of one size that lie equally far apart in both places together. Calls `begun` with the fields of each copy that is
    /// under way, whatever becomes of the next. `size`: of an element of a field of the source.
    ///
    /// # Safety
    /// As `to_device`.
    pub unsafe fn start(
        &self,
        (device, stream): (&dyn Device, Stream),
        (fields, size): (&[Pair], impl Fn(u32) -> Result<usize>),
        waits: &[Event],
        mut begun: impl FnMut(&[Pair], Event),
    ) -> Result<()> {
        // Within one buffer drivers want the same pitches on both sides, which fields need not have.
        let alone = std::ptr::eq(self.from, self.to);
        let mut rest = fields;
        while let Some(&first) = rest.first() {
            let bytes = size(first.0)?;
            let is_as_large = |field: u32| size(field).is_ok_and(|other| other == bytes);
            let from_first = |i: usize| is_as_large(rest[i].0).then(|| self.apart(first, rest[i], bytes));
            let (count, steps) = equally_far(if alone { 1 } else { rest.len() }, from_first);
            begun(&rest[..count], self.together(device, stream, (first, count, steps), bytes, waits)?);
            rest = &rest[count..];
        }
        Ok(())
    }

    fn offsets(&self, (from, to): Pair, bytes: usize) -> (usize, usize) {
        (self.from.offset(from, self.rect.lo, bytes), self.to.offset(to, self.rect.shifted(self.shift).lo, bytes))
    }

    /// Bytes from one pair of fields to another on either side.
    fn apart(&self, first: Pair, other: Pair, bytes: usize) -> [isize; 2] {
        let (a, b) = (self.offsets(first, bytes), self.offsets(other, bytes));
        [b.0 as isize - a.0 as isize, b.1 as isize - a.1 as isize]
    }

    unsafe fn together(
        &self,
        device: &dyn Device,
        stream: Stream,
        (first, count, [step, step_there]): (Pair, usize, [isize; 2]),
        bytes: usize,
        waits: &[Event],
    ) -> Result<Event> {
        let (here, there) = (self.from.steps(), self.to.steps());
        let along = |d: usize| Dim { count: self.rect.extent(d) as usize, from: here[d] as isize * bytes as isize, to: there[d] as isize * bytes as isize };
        let (start, target) = self.offsets(first, bytes);
        let transfer = Transfer {
            element: bytes,
            dims: [along(0), along(1), along(2), Dim { count, from: step, to: step_there }],
            from: Side::Device(&self.from.buffer, start),
            to: Side::Device(&self.to.buffer, target),
        };
        device.copy(stream, &transfer, waits)
    }
}
