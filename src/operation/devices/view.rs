//! Where a function of the program, called for a device, finds the data of its requirements.

use super::super::view::{check_right, requirement};
use super::super::Frame;
use super::resident::Physical;
use super::start::Data;
use super::Devices;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::region::Privilege;
use std::cell::RefCell;

pub struct DeviceView {
    /// `CUdeviceptr` or `cl_mem`.
    pub buffer: u64,
    /// Bytes before the element at `rect.lo`.
    pub offset: usize,
    pub dim: usize,
    pub rect: Rect,
    /// Bytes from a point to its successor.
    pub stride: [i64; 3],
}

struct Placed {
    number: usize,
    field: u32,
    buffer: u64,
    start: usize,
    steps: [i64; 3],
    rect: Rect,
}

thread_local! {
    /// The data of the task whose function the device's thread is in.
    static PLACES: RefCell<Vec<Placed>> = const { RefCell::new(Vec::new()) };
}

fn placed(number: usize, physical: &Physical) -> impl Iterator<Item = Placed> + '_ {
    physical.fields.iter().enumerate().map(move |(i, &field)| Placed {
        number,
        field,
        buffer: physical.buffer.native(),
        start: i * physical.spacing,
        steps: physical.steps(),
        rect: physical.rect,
    })
}

/// Calls a function that may ask where its data lies.
pub fn with_places<R>(devices: &Devices, data: &Data, call: impl FnOnce() -> R) -> R {
    let mut all = Vec::new();
    for (number, place) in &data.pinned {
        if let Some(physical) = devices.resident(&place.data).lock().physical.get(&place.place) {
            all.extend(placed(*number, physical));
        }
    }
    for used in &data.in_place {
        all.extend(used.fields.iter().map(|(field, instance)| {
            let ((buffer, start), steps) = (used.native(instance), instance.stride.map(|step| step / instance.bytes as i64));
            Placed { number: used.number, field: *field, buffer, start, steps, rect: used.bounds }
        }));
    }
    for contribution in &data.contributions {
        all.extend(contribution.there.iter().flat_map(|there| placed(contribution.number, there)));
    }
    PLACES.set(all);
    let result = call();
    PLACES.take();
    result
}

/// The data of one field of a requirement, for a use that the requirement covers.
pub fn device_view(frame: &Frame, number: u32, field: u32, privilege: Privilege) -> Result<DeviceView> {
    let held = requirement(frame, number)?;
    let node = held.node();
    check_right(node, &held.mask, held.access, field, privilege, &format_args!("requirement {number} of the launch"))?;
    let bytes = held.data().instances.ensure(field)?.bytes as i64;
    PLACES.with_borrow(|places| match places.iter().find(|place| place.number == number as usize && place.field == field) {
        Some(Placed { buffer, start, steps, rect, .. }) => {
            let lo = node.domain.bounds.lo;
            let before: i64 = (0..3).map(|d| (lo[d] - rect.lo[d]) * steps[d] * bytes).sum();
            let (buffer, offset, stride) = (*buffer, start + before as usize, steps.map(|step| step * bytes));
            Ok(DeviceView { buffer, offset, dim: node.dim(), rect: node.domain.bounds, stride })
        }
        None => fail!(WrongOrder, "this task does not run on a device; ask for a view of the host's memory (cohort_view)"),
    })
}
