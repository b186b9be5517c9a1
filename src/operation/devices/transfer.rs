//! Copies of boxes between the host's memory and a place, and between places. Fields that lie equally far apart on both sides, as those of
//! an array with a dimension for fields, are copied together.

use super::resident::Physical;
use crate::base::Result;
use crate::device::{Device, Dim, Event, Side, Stream, Transfer};
use crate::geometry::Rect;
use crate::instance::{FieldInstance, InstanceTable};
use smallvec::SmallVec;

/// Points of one or several fields that one call copies between the host and a place.
pub struct Run {
    pub rect: Rect,
    pub fields: SmallVec<[u32; 4]>,
    host: FieldInstance,
    /// Where the first field's first point lies in the place, in bytes.
    start: usize,
    /// Bytes from a field to the next on the host and in the place, once there are two.
    steps: (isize, isize),
}

impl Run {
    /// Takes one more field, if it lies as far from the last as that one from the one before.
    fn takes(&mut self, field: u32, rect: &Rect, host: &FieldInstance, start: usize) -> bool {
        let alike = self.rect == *rect && self.host.stride == host.stride && self.host.bytes == host.bytes;
        if !alike || self.host.blocks.is_some() || host.blocks.is_some() {
            return false;
        }
        let count = self.fields.len() as isize;
        let apart = ((host.at(rect.lo) as isize).wrapping_sub(self.host.at(rect.lo) as isize), start as isize - self.start as isize);
        if count == 1 {
            self.steps = apart;
        }
        let fits = apart == (self.steps.0 * count, self.steps.1 * count);
        if fits {
            self.fields.push(field);
        }
        fits
    }

    fn dims(&self, place: &Physical, to_host: bool) -> [Dim; 4] {
        let there = place.steps().map(|step| step as isize * self.host.bytes as isize);
        let dim = |count: usize, host: isize, device: isize| {
            let (from, to) = if to_host { (device, host) } else { (host, device) };
            Dim { count, from, to }
        };
        let along = |d: usize| dim(self.rect.extent(d) as usize, self.host.stride[d] as isize, there[d]);
        [along(0), along(1), along(2), dim(self.fields.len(), self.steps.0, self.steps.1)]
    }
}

/// The parts of `rect` in which neighbours lie equally far apart.
fn even_parts(rect: &Rect, place: &FieldInstance, mut each: impl FnMut(&Rect)) {
    let Some(blocks) = &place.blocks else { return each(rect) };
    let mut rest = *rect;
    while !rest.is_empty() {
        let lo = rest.lo[blocks.dim];
        let mut part = rest;
        part.hi[blocks.dim] = rest.hi[blocks.dim].min(lo + blocks.points - blocks.phase(lo) - 1);
        each(&part);
        rest.lo[blocks.dim] = part.hi[blocks.dim] + 1;
    }
}

/// The copies that points of fields take, given field by field for each rectangle.
pub fn runs(instances: &InstanceTable, place: &Physical, pieces: &mut [(Rect, u32)]) -> Result<Vec<Run>> {
    pieces.sort_unstable_by_key(|(rect, field)| (rect.lo, rect.hi, *field));
    let mut runs: Vec<Run> = Vec::new();
    for (rect, field) in pieces {
        instances.each_place(*field, rect, |part, host| {
            even_parts(part, host, |even| {
                let start = place.offset(*field, even.lo, host.bytes);
                if !runs.last_mut().is_some_and(|last| last.takes(*field, even, host, start)) {
                    let fields = SmallVec::from_slice(&[*field]);
                    runs.push(Run { rect: *even, fields, host: *host, start, steps: (0, 0) });
                }
            });
        })?;
    }
    Ok(runs)
}

/// # Safety
/// Both hold the points, and nothing else touches them on the host until the copy is done.
pub unsafe fn to_host(device: &dyn Device, run: &Run, from: &Physical, waits: &[Event]) -> Result<Event> {
    let transfer = Transfer {
        element: run.host.bytes,
        dims: run.dims(from, true),
        from: Side::Device(&from.buffer, run.start),
        to: Side::Host(run.host.at(run.rect.lo)),
    };
    device.copy(Stream::Out, &transfer, waits)
}

/// # Safety
/// Both hold the points, those on the host stay as they are, and nothing else touches the place until the copy is done.
pub unsafe fn to_device(device: &dyn Device, run: &Run, to: &Physical, waits: &[Event]) -> Result<Event> {
    let transfer = Transfer {
        element: run.host.bytes,
        dims: run.dims(to, false),
        from: Side::Host(run.host.at(run.rect.lo)),
        to: Side::Device(&to.buffer, run.start),
    };
    device.copy(Stream::In, &transfer, waits)
}

/// From place to place: one field, whose elements have so many bytes.
///
/// # Safety
/// As `to_device`.
pub unsafe fn within(
    (device, stream): (&dyn Device, Stream),
    (field, bytes): (u32, usize),
    rect: &Rect,
    from: &Physical,
    to: &Physical,
    waits: &[Event],
) -> Result<Event> {
    let (here, there) = (from.steps(), to.steps());
    let dim = |d: usize| Dim { count: rect.extent(d) as usize, from: here[d] as isize * bytes as isize, to: there[d] as isize * bytes as isize };
    let side = |place: &Physical| place.offset(field, rect.lo, bytes);
    let transfer = Transfer {
        element: bytes,
        dims: [dim(0), dim(1), dim(2), Dim::ONE],
        from: Side::Device(&from.buffer, side(from)),
        to: Side::Device(&to.buffer, side(to)),
    };
    device.copy(stream, &transfer, waits)
}
