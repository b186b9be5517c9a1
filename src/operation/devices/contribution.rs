//! Tasks on devices that reduce. What such a requirement gets is memory of its own that starts as identities, as on the host; it goes
//! home behind the task and is folded in in the task's place of the order, together with contributions made on the host.

use super::super::body::{Body, Held, Work};
use super::super::Engine;
use super::resident::{Events, Physical};
use super::{Devices, Then};
use crate::base::Result;
use crate::device::{Device, Dim, Event, Fill, HostBuffer, Side, Stream, Transfer};
use crate::event::NodeRef;
use crate::instance::FieldInstance;
use crate::region::Operator;
use smallvec::SmallVec;

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
    operator: Operator,
    /// Its memory on the device, until it goes home.
    pub there: Option<Physical>,
    /// Where its identities come from, if not from the device.
    identities: Option<Lent>,
    home: Option<Home>,
}

/// All that a task contributes.
#[derive(Default)]
pub struct Contributions(pub Vec<Contribution>);

/// The shortest pattern that a device fills memory with and that gives the element when repeated.
fn pattern(element: &[u8]) -> Option<&[u8]> {
    let repeats = |length: &usize| element.len().is_multiple_of(*length) && element.chunks(*length).all(|part| part == &element[..*length]);
    [1, 2, 4, 8, 16].iter().find(|length| repeats(length)).map(|&length| &element[..length])
}

impl Contribution {
    /// `None`: all that is on the device is in use.
    pub fn new(devices: &Devices, device: usize, held: &Held, number: usize, of_fold: usize) -> Result<Option<Self>> {
        let Some(contribution) = held.access.reduction else { crate::fail!(Internal, "requirement {number} reduces by no operator") };
        for field in held.mask.iter() {
            // What cannot be folded is refused before the task has worked for nothing.
            held.node().domain.rects().try_for_each(|part| held.data().instances.whole(field, &part).map(drop))?;
        }
        let there = devices.room_for(device, held)?;
        let made = |there| Self { number, of_fold, operator: contribution.operator, there: Some(there), identities: None, home: None };
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
    pub fn go_home(&mut self, device: &dyn Device, held: &Held) -> Result<()> {
        let Some(there) = &self.there else { return Ok(()) };
        let bytes = there.spacing * there.fields.len();
        let memory = device.staging(bytes)?;
        let mut fields = SmallVec::new();
        for (i, &field) in there.fields.iter().enumerate() {
            let first = unsafe { memory.at().add(i * there.spacing) };
            fields.push((field, FieldInstance::dense(first, there.rect, held.data().instances.ensure(field)?.bytes)));
        }
        let transfer = Transfer { element: bytes, dims: [Dim::ONE; 4], from: Side::Device(&there.buffer, 0), to: Side::Host(memory.at()) };
        let event = unsafe { device.copy(Stream::Out, &transfer, &there.users)? };
        if let Some(there) = self.there.take() {
            there.buffer.retire(vec![event.clone()]);
        }
        self.home = Some(Home { lent: Lent { _memory: memory, event }, fields });
        Ok(())
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
    /// Calls `each` with what has come home: the fold's requirement, the field and where it lies.
    pub fn each_home(&self, mut each: impl FnMut(usize, u32, &FieldInstance)) {
        for contribution in &self.0 {
            let fields = contribution.home.iter().flat_map(|home| &home.fields);
            fields.for_each(|(field, instance)| each(contribution.of_fold, *field, instance));
        }
    }

    /// What a fold waits for.
    fn outstanding(&self) -> Events {
        let events = self.0.iter().filter_map(|contribution| contribution.home.as_ref().map(|home| &home.lent.event));
        events.filter(|event| !matches!(event.done(), Ok(true))).cloned().collect()
    }
}

impl Engine {
    /// Whether contributions are on their way from a device to a fold, which then comes again. Those of a task that failed are thrown away.
    pub(in super::super) fn awaits_contributions(&self, node: NodeRef, body: &mut Body) -> bool {
        let (Work::Fold(Some(left)), Some(devices)) = (&body.work, self.devices.get()) else { return false };
        if body.task_error != 0 {
            body.work = Work::Fold(None);
            return false;
        }
        let events = left.outstanding();
        let awaits = !events.is_empty();
        if awaits {
            devices.when(events, Then::Offer(node));
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
