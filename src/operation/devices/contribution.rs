//! Tasks on devices that reduce. What such a requirement gets is memory of its own that starts as identities, as on the host. It is
//! folded in in the task's place of the order, together with contributions made on the host: there, to where it goes behind the task, or on the
//! device (see `fold`).

use super::super::body::{Body, Held, Work};
use super::super::Engine;
use super::resident::{Events, Physical};
use super::{Devices, Request, Then, Whose};
use crate::base::sync::Mutex;
use crate::base::Result;
use crate::device::{Device, Dim, Event, Fill, HostBuffer, Side, Stream, Transfer};
use crate::event::NodeRef;
use crate::instance::FieldInstance;
use crate::region::Operator;
use smallvec::SmallVec;
use std::sync::{Arc, Weak};

/// Host memory that a copy reads or writes until the event has happened.
struct Lent {
    _memory: HostBuffer,
    event: Event,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The memory is used again at once; whoever waits for what was copied is told of a fault.
        let _ = self.event.wait();
    }
}

/// The contribution on its way to the host, or there.
struct Home {
    lent: Lent,
    fields: SmallVec<[(u32, FieldInstance); 4]>,
}

/// What a task has for one of its requirements that reduce.
pub struct Contribution {
    /// The requirement among the task's, and among those of its fold.
    pub number: usize,
    pub of_fold: usize,
    pub operator: Operator,
    /// Its memory on the device, until it goes home or is folded in there.
    pub there: Option<Physical>,
    /// Where its identities come from, if not from the device.
    identities: Option<Lent>,
    home: Option<Home>,
    /// Bytes of an element of each of its fields.
    sizes: SmallVec<[usize; 4]>,
}

/// All that a task contributes. The thread of its device sends home what lies there when it needs the room.
pub struct Contributions(Arc<Mutex<Vec<Contribution>>>);

/// For whoever looks for room.
pub type Left = Weak<Mutex<Vec<Contribution>>>;

/// The shortest pattern that a device fills memory with and that gives the element when repeated.
fn pattern(element: &[u8]) -> Option<&[u8]> {
    let repeats = |length: &usize| element.len().is_multiple_of(*length) && element.chunks(*length).all(|part| part == &element[..*length]);
    [1, 2, 4, 8, 16].iter().find(|length| repeats(length)).map(|&length| &element[..length])
}

impl Contribution {
    /// `None`: all that is on the device is in use.
    pub fn new(devices: &Devices, device: usize, held: &Held, number: usize, of_fold: usize) -> Result<Option<Self>> {
        let Some(contribution) = held.access.reduction else { crate::fail!(Internal, "requirement {number} reduces by no operator") };
        let mut sizes = SmallVec::new();
        for field in held.mask.iter() {
            sizes.push(held.data().instances.ensure(field)?.bytes);
            // What cannot be folded is refused before the task has worked for nothing.
            held.node().domain.rects().try_for_each(|part| held.data().instances.whole(field, &part).map(drop))?;
        }
        let there = devices.room_for(device, held)?;
        let made = |there| Self { number, of_fold, operator: contribution.operator, there: Some(there), identities: None, home: None, sizes };
        Ok(there.map(made))
    }

    /// Sets all of it to identities; the task waits for `waits`.
    pub fn clear(&mut self, device: &dyn Device, stream: Stream, waits: &mut Events) -> Result<()> {
        let Some(there) = &mut self.there else { return Ok(()) };
        let bytes = there.spacing * there.fields.len();
        let event = self.operator.with_identity(|identity| match pattern(identity) {
            Some(value) => {
                let mut dims = [Dim::ONE; 4];
                dims[0] = Dim { count: bytes / value.len(), from: 0, to: value.len() as isize };
                device.fill(stream, &Fill { buffer: &there.buffer, offset: 0, dims, value }, &[])
            }
            None => {
                let memory = device.staging(bytes)?;
                // Nobody else has it.
                let elements = unsafe { std::slice::from_raw_parts_mut(memory.at(), bytes) };
                elements.chunks_exact_mut(identity.len()).for_each(|element| element.copy_from_slice(identity));
                let transfer = Transfer { element: bytes, dims: [Dim::ONE; 4], from: Side::Host(memory.at()), to: Side::Device(&there.buffer, 0) };
                let event = unsafe { device.copy(Stream::In, &transfer, &[])? };
                self.identities = Some(Lent { _memory: memory, event: event.clone() });
                Ok(event)
            }
        })?;
        there.is_used_by(&event);
        waits.push(event);
        Ok(())
    }

    /// Starts its way home, behind all that uses it.
    pub fn go_home(&mut self, device: &dyn Device) -> Result<()> {
        let Some(there) = &self.there else { return Ok(()) };
        let bytes = there.spacing * there.fields.len();
        let memory = device.staging(bytes)?;
        let mut fields = SmallVec::new();
        for (i, (&field, &size)) in there.fields.iter().zip(&self.sizes).enumerate() {
            let first = unsafe { memory.at().add(i * there.spacing) };
            fields.push((field, FieldInstance::dense(first, there.rect, size)));
        }
        let transfer = Transfer { element: bytes, dims: [Dim::ONE; 4], from: Side::Device(&there.buffer, 0), to: Side::Host(memory.at()) };
        let event = unsafe { device.copy(Stream::Out, &transfer, &there.users().collect::<Events>())? };
        if let Some(there) = self.there.take() {
            there.buffer.retire(vec![event.clone()]);
        }
        self.home = Some(Home { lent: Lent { _memory: memory, event }, fields });
        Ok(())
    }

    pub fn is_here(&self) -> bool {
        self.there.is_some()
    }

    /// Its memory is free after the event.
    pub fn is_folded(&mut self, event: &Event) {
        if let Some(there) = self.there.take() {
            there.buffer.retire(vec![event.clone()]);
        }
    }

    /// The task uses it until the event.
    pub fn is_used_by(&mut self, event: &Event) {
        if let Some(there) = &mut self.there {
            there.is_used_by(event);
        }
    }
}

impl Drop for Contribution {
    fn drop(&mut self) {
        if let Some(there) = self.there.take() {
            there.buffer.retire(there.users);
        }
    }
}

impl Contributions {
    pub fn new(all: Vec<Contribution>) -> Self {
        Self(Arc::new(Mutex::new(all)))
    }

    pub fn share(&self) -> Arc<Mutex<Vec<Contribution>>> {
        self.0.clone()
    }

    /// For the device where some of it lies, if any does.
    pub fn left(&self) -> Option<Left> {
        self.0.lock().iter().any(Contribution::is_here).then(|| Arc::downgrade(&self.0))
    }

    /// The device where some of it lies.
    fn device(&self) -> Option<usize> {
        self.0.lock().iter().find_map(|contribution| contribution.there.as_ref()).map(|there| there.device)
    }

    /// Calls `each` with what has come home: the fold's requirement, the field and where it lies.
    pub fn each_home(&self, mut each: impl FnMut(usize, u32, &FieldInstance)) {
        for contribution in &*self.0.lock() {
            let fields = contribution.home.iter().flat_map(|home| &home.fields);
            fields.for_each(|(field, instance)| each(contribution.of_fold, *field, instance));
        }
    }

    /// What a fold waits for.
    fn outstanding(&self) -> Events {
        let all = self.0.lock();
        let events = all.iter().filter_map(|contribution| contribution.home.as_ref().map(|home| &home.lent.event));
        events.filter(|event| !matches!(event.done(), Ok(true))).cloned().collect()
    }
}

impl Devices {
    /// Sends contributions home that lie on the device until their fold. False: there are none.
    pub(super) fn send_home(&self, device: usize) -> Result<bool> {
        let attached = &self.list[device];
        let left = std::mem::take(&mut *attached.left.lock());
        let mut any = false;
        for contributions in left.iter().filter_map(Weak::upgrade) {
            for contribution in contributions.lock().iter_mut().filter(|contribution| contribution.is_here()) {
                contribution.go_home(&*attached.device)?;
                any = true;
            }
        }
        Ok(any)
    }
}

impl Engine {
    /// Whether contributions lie on a device, or are on their way from there to a fold, which then comes again. Those of a task that failed are thrown away.
    pub(in super::super) fn awaits_contributions(&self, node: NodeRef, body: &mut Body) -> bool {
        let (Work::Fold(Some(left)), Some(devices)) = (&body.work, self.devices.get()) else { return false };
        if body.task_error != 0 {
            body.work = Work::Fold(None);
            return false;
        }
        if let Some(device) = left.device() {
            devices.list[device].send(Request::Fold(node));
            return true;
        }
        let events = left.outstanding();
        let awaits = !events.is_empty();
        if awaits {
            devices.when(events, Then::Offer(node), Whose::from(&body.work));
        }
        awaits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_fills_with_what_repeats() {
        assert_eq!(pattern(&[0; 24]), Some(&[0][..]));
        assert_eq!(pattern(&1.5f64.to_ne_bytes()), Some(&1.5f64.to_ne_bytes()[..]));
        let [one, two] = [1.0f64, 2.0].map(f64::to_ne_bytes);
        assert_eq!(pattern(&[one, one, one].concat()), Some(&one[..]));
        assert_eq!(pattern(&[one, two].concat()), Some(&[one, two].concat()[..]));
        assert_eq!(pattern(&[one, two, two].concat()), None);
        assert_eq!(pattern(&[7; 3]), Some(&[7][..]));
        assert_eq!(pattern(&[1, 2, 3]), None);
    }
}
