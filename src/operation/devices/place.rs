//! Where on a device the data of a requirement lies: found, or made, for which others may have to go.

use super::super::body::Held;
use super::super::TreeData;
use super::resident::{Physical, Place, State};
use super::{Devices, Done};
use crate::base::{Result, Status};
use crate::device::{Buffer, Event};
use crate::geometry::Rect;
use crate::region::FieldMask;
use std::sync::Arc;

/// What the arrays of a place begin at a multiple of.
const ALIGNMENT: usize = 256;

/// A place that an operation uses.
pub struct Pinned {
    pub data: Arc<TreeData>,
    pub place: Place,
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

/// Bytes from a field to the next.
fn spacing(held: &Held) -> usize {
    let node = held.node();
    let sizes = || held.mask.iter().filter_map(|field| node.tree.fields.bytes(field)).filter(|&bytes| bytes > 0);
    let bytes = sizes().max().unwrap_or(1);
    let dense = (node.domain.bounds.volume() as usize).saturating_mul(bytes);
    // Whole elements from field to field, of whatever size: kernels count in them, and may come for some of the fields only.
    let whole = sizes().fold(1, least_common_multiple);
    let step = if ALIGNMENT % whole == 0 { ALIGNMENT } else { whole };
    dense.checked_next_multiple_of(step).unwrap_or(usize::MAX)
}

/// What a place for the requirement takes.
pub fn bytes_for(held: &Held) -> u64 {
    let bytes = (spacing(held) as u64).saturating_mul(held.mask.len() as u64);
    // Devices hand out memory in such pieces.
    bytes.checked_next_multiple_of(ALIGNMENT as u64).unwrap_or(u64::MAX)
}

impl Devices {
    /// A place for the requirement, pinned. `None`: all that is on the device is in use.
    pub fn pin(&self, device: usize, held: &Held) -> Result<Option<Pinned>> {
        let (data, rect) = (held.region().data.shared().clone(), held.node().domain.bounds);
        let resident = self.resident(&data);
        let found = self.find(&mut resident.lock(), device, &rect, &held.mask);
        if let Some(place) = found {
            return Ok(Some(Pinned { data, place }));
        }
        let Some(physical) = self.room_for(device, held)? else { return Ok(None) };
        let place = resident.lock().add(physical);
        Ok(Some(Pinned { data, place }))
    }

    /// Memory for which others may have to go. `None`: all that is on the device is in use.
    pub fn memory(&self, device: usize, bytes: usize) -> Result<Option<Buffer>> {
        loop {
            match self.list[device].device.allocate(bytes) {
                Ok(buffer) => return Ok(Some(buffer)),
                Err(error) if error.status != Status::OutOfMemory => return Err(error),
                Err(_) if self.evict(device)? => (),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Memory of the requirement's own, with one user. `None`: all that is on the device is in use.
    pub fn room_for(&self, device: usize, held: &Held) -> Result<Option<Physical>> {
        let Some(buffer) = self.memory(device, bytes_for(held) as usize)? else { return Ok(None) };
        Ok(Some(Physical {
            device,
            buffer,
            rect: held.node().domain.bounds,
            fields: held.mask.iter().collect(),
            spacing: spacing(held),
            stamp: self.tick(),
            users: Vec::new(),
            pins: 1,
        }))
    }

    fn find(&self, state: &mut State, device: usize, rect: &Rect, mask: &FieldMask) -> Option<Place> {
        let (place, physical) = state.find(device, rect, mask)?;
        physical.pins += 1;
        physical.stamp = self.tick();
        Some(place)
    }

    /// The operation does not use the place any more.
    pub fn unpin(&self, pinned: &Pinned) {
        if let Some(physical) = self.resident(&pinned.data).lock().physical.get_mut(&pinned.place) {
            physical.pins -= 1;
        }
    }

    /// Waits until nothing that was enqueued uses the places.
    pub fn settle<'a>(&self, pinned: impl Iterator<Item = &'a Pinned>) {
        let outstanding: Vec<Event> = pinned.flat_map(|place| self.resident(&place.data).lock().outstanding(place.place)).collect();
        // The task has failed already.
        outstanding.iter().for_each(|event| drop(event.wait()));
    }

    /// Writes back and lets go of the place that was not used for longest, or else of contributions. False: all are in use.
    pub fn evict(&self, device: usize) -> Result<bool> {
        let mut oldest: Option<(u64, Arc<TreeData>, Place)> = None;
        for data in self.trees() {
            let state = self.resident(&data).lock();
            let free = state.physical.iter().filter(|(_, p)| p.device == device && p.pins == 0);
            if let Some((place, p)) = free.min_by_key(|(_, p)| p.stamp) {
                if oldest.as_ref().is_none_or(|(stamp, ..)| p.stamp < *stamp) {
                    oldest = Some((p.stamp, data.clone(), *place));
                }
            }
        }
        let Some((_, data, place)) = oldest else { return self.send_home(device) };
        self.drop_place(&data, place)?;
        self.counts.add(Done::Eviction);
        Ok(true)
    }

    /// Writes back what lies nowhere else, and gives the memory back. A place that a task uses stays, and so does one whose values do not come home.
    pub fn drop_place(&self, data: &Arc<TreeData>, place: Place) -> Result<()> {
        loop {
            let mut state = self.resident(data).lock();
            if state.physical.get(&place).is_none_or(|physical| physical.pins > 0) {
                return Ok(());
            }
            let mut pieces = state.save(place)?;
            self.copy_home(&mut state, data, &mut pieces).inspect_err(|_| state.stay(&pieces))?;
            let copies = state.on_the_way_home(place);
            if copies.is_empty() {
                state.give_up(place);
                if let Some(physical) = state.physical.remove(&place) {
                    physical.buffer.retire(physical.users);
                }
                return Ok(());
            }
            // The memory is not let go before what comes from there is at home; whoever wants it has to wait for that anyway, and nobody else does.
            drop(state);
            let home = copies.iter().try_for_each(Event::wait);
            if !pieces.is_empty() {
                home?;
            }
        }
    }
}
