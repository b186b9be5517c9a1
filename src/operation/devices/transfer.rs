//! Copies of boxes of one field between the host's memory and a place, and between places.

use super::resident::Physical;
use crate::base::Result;
use crate::device::{Device, Dim, Event, Side, Stream, Transfer};
use crate::geometry::Rect;
use crate::instance::FieldInstance;

/// The points of `rect`, by the strides in bytes of both sides.
fn dims(rect: &Rect, from: [i64; 3], to: [i64; 3]) -> [Dim; 4] {
    let dim = |d: usize| Dim { count: rect.extent(d) as usize, from: from[d] as isize, to: to[d] as isize };
    [dim(0), dim(1), dim(2), Dim::ONE]
}

fn strides(place: &Physical, bytes: usize) -> [i64; 3] {
    place.steps().map(|step| step * bytes as i64)
}

fn side<'a>(place: &'a Physical, field: u32, rect: &Rect, bytes: usize) -> Side<'a> {
    Side::Device(&place.buffer, place.offset(field, rect.lo, bytes))
}

/// # Safety
/// Both hold the points, and nothing else touches them in `to` until the copy is done.
pub unsafe fn to_host(device: &dyn Device, field: u32, rect: &Rect, from: &Physical, to: &FieldInstance, waits: &[Event]) -> Result<Event> {
    let transfer = Transfer {
        element: to.bytes,
        dims: dims(rect, strides(from, to.bytes), to.stride),
        from: side(from, field, rect, to.bytes),
        to: Side::Host(to.at(rect.lo)),
    };
    device.copy(Stream::Out, &transfer, waits)
}

/// # Safety
/// As `to_host`; and the host's memory stays as it is until then.
pub unsafe fn to_device(device: &dyn Device, field: u32, rect: &Rect, from: &FieldInstance, to: &Physical, waits: &[Event]) -> Result<Event> {
    let transfer = Transfer {
        element: from.bytes,
        dims: dims(rect, from.stride, strides(to, from.bytes)),
        from: Side::Host(from.at(rect.lo)),
        to: side(to, field, rect, from.bytes),
    };
    device.copy(Stream::In, &transfer, waits)
}

/// # Safety
/// As `to_host`.
pub unsafe fn within(
    (device, stream): (&dyn Device, Stream),
    (field, bytes): (u32, usize),
    rect: &Rect,
    from: &Physical,
    to: &Physical,
    waits: &[Event],
) -> Result<Event> {
    let transfer = Transfer {
        element: bytes,
        dims: dims(rect, strides(from, bytes), strides(to, bytes)),
        from: side(from, field, rect, bytes),
        to: side(to, field, rect, bytes),
    };
    device.copy(stream, &transfer, waits)
}
