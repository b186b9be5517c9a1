//! Requirements that tasks on devices use in place, without a copy: what lies in memory of the host that kernels reach. Fields for which the
//! program asked for such memory are used so by default, others where a mapper says so and the driver lets kernels into registered memory.
//! For everybody else such data is the host's: it is valid there when the task starts, and there alone when the task has written.

use super::super::body::{Body, Held};
use super::super::{TaskKind, TreeData};
use super::pins::{within, Way};
use super::place::bytes_for;
use super::resident::{expect_copies, Events, HOST};
use super::sources::Ranking;
use super::start::Extent;
use super::thread::DeviceThread;
use super::transfer::equally_far;
use super::{used, DeviceBody, DeviceTask, Devices};
use crate::base;
use crate::device::{Device, Event, Shared};
use crate::fail;
use crate::geometry::Rect;
use crate::instance::{FieldInstance, Lender, Lent};
use crate::mapping::{DevicePlace, WHERE_IT_IS};
use crate::region::Privilege;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// Why something cannot be used in place.
type Why = Cow<'static, str>;

/// What a mapper chose for a requirement, as far as it can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// In place, if the program asked for memory for that, else on the device.
    WhereItIs,
    OnDevice,
    InPlace,
}

impl Chosen {
    pub fn of(memory: i32, device: &DevicePlace) -> Self {
        match memory {
            WHERE_IT_IS => Self::WhereItIs,
            _ if device.in_place == Some(memory) => Self::InPlace,
            _ => Self::OnDevice,
        }
    }
}

/// A requirement that is used in place.
pub struct InPlace {
    /// Among the task's.
    pub number: usize,
    /// Keeps the memory.
    pub data: Arc<TreeData>,
    pub bounds: Rect,
    /// In ascending order, where each lies.
    pub fields: SmallVec<[(u32, FieldInstance); 2]>,
    /// What kernels call the first field's element at the lower bound.
    pub address: u64,
    base: Option<Arc<Shared>>,
}

impl InPlace {
    /// For functions: `CUdeviceptr` or `cl_mem`, and bytes from there to the element at the lower bound of a field.
    pub fn native(&self, instance: &FieldInstance) -> (u64, usize) {
        let lo = self.bounds.lo;
        let at = instance.at(lo) as usize;
        match &self.base {
            Some(shared) => (shared.native(), at - shared.at() as usize),
            // An address, from which to any other it is as far as on the host.
            None => (self.address.wrapping_add((at as u64).wrapping_sub(self.fields[0].1.at(lo) as u64)), 0),
        }
    }

    /// For kernels, of fields that lie as `evenly` says.
    pub fn extent(&self) -> Extent {
        let bounds = self.bounds;
        let (first, bytes) = (&self.fields[0].1, self.fields[0].1.bytes as i64);
        let field = self.fields.get(1).map_or(0, |(_, second)| second.at(bounds.lo) as i64 - first.at(bounds.lo) as i64);
        Extent { lo: bounds.lo, hi: bounds.hi, stride: first.stride.map(|step| step / bytes), offset: 0, field: field / bytes }
    }
}

/// Whether a kernel finds all fields by one distance, in elements.
fn evenly(fields: &[(u32, FieldInstance)], lo: [i64; 3]) -> Result<(), Why> {
    let first = &fields[0].1;
    let alike = |one: &FieldInstance| one.bytes == first.bytes && one.stride == first.stride;
    let apart = |one: &FieldInstance| (one.at(lo) as isize).wrapping_sub(first.at(lo) as isize);
    let (count, [step]) = equally_far(fields.len(), |number| alike(&fields[number].1).then(|| [apart(&fields[number].1)]));
    if count < fields.len() || step % first.bytes as isize != 0 {
        return Err("its fields are not equally far apart, and a kernel has one distance from field to field".into());
    }
    Ok(())
}

/// Whether neighbours are whole elements apart.
fn in_elements(field: u32, one: &FieldInstance) -> Result<(), Why> {
    if one.blocks.is_some() {
        return Err(format!("field {field} lies in blocks, which have no stride").into());
    }
    match (0..3).find(|&d| one.rect.extent(d) > 1 && one.stride[d] % one.bytes as i64 != 0) {
        None => Ok(()),
        Some(d) => Err(format!("field {field} has neighbours {} bytes apart in dimension {d}, and elements of {} bytes", one.stride[d], one.bytes).into()),
    }
}

impl Devices {
    /// Who has memory for fields that devices use in place. `None`: no device does that.
    pub fn lender(&self) -> Option<Lender> {
        let device = self.list.iter().find(|attached| attached.device.shares())?.device.clone();
        let memory = self.shared.clone();
        Some(Arc::new(move |bytes| {
            let shared = Arc::new(device.share(bytes)?);
            memory.add(&shared);
            Ok(Lent { start: shared.at(), bytes: shared.bytes(), keep: Box::new(shared) })
        }))
    }

    /// The requirement as it is used in place, by a kernel or by a function. `registers`: its memory may be registered for that.
    pub fn in_place(&self, device: usize, (number, held): (usize, &Held), is_kernel: bool, registers: bool) -> Result<InPlace, Why> {
        let device = &*self.list[device].device;
        if held.access.privilege == Privilege::Reduce {
            return Err("it reduces, into memory of its own".into());
        }
        if !device.shares() {
            return Err(format!("device \"{}\" does not use the host's memory in place", device.info().name).into());
        }
        let (bounds, instances) = (held.node().domain.bounds, &held.data().instances);
        let mut fields = SmallVec::<[(u32, FieldInstance); 2]>::new();
        for field in held.mask.iter() {
            match instances.whole(field, &bounds) {
                Ok(Some(instance)) => fields.push((field, *instance)),
                Ok(None) => return Err(format!("field {field} lies in several attached arrays").into()),
                Err(error) => return Err(error.text.to_string().into()),
            }
        }
        let Some((field, first)) = fields.first() else { return Err("it has no fields".into()) };
        fields.iter().try_for_each(|(field, one)| in_elements(*field, one))?;
        if is_kernel {
            evenly(&fields, bounds.lo)?;
        }
        let base = self.shared.find(&first.span());
        let all_there = |shared: &Shared| fields.iter().all(|(_, one)| within(&one.span(), &shared.span()));
        match &base {
            Some(shared) if !all_there(shared) => return Err("its fields lie in memories of their own; give them one together (cohort_region_zero_copy)".into()),
            Some(_) => (),
            None if !registers => return Err("its memory is the host's alone".into()),
            None => self.register(device, held, &fields)?,
        }
        let Some(address) = device.address(first.at(bounds.lo), base.as_deref()) else {
            return Err(format!("device \"{}\" does not reach the memory of field {field}", device.info().name).into());
        };
        Ok(InPlace { number, data: held.region().data.shared().clone(), bounds, fields, address, base })
    }

    /// Memory that is not made for use in place, such as an attached array.
    fn register(&self, device: &dyn Device, held: &Held, fields: &[(u32, FieldInstance)]) -> Result<(), Why> {
        if !device.registers() {
            return Err(format!(
                "device \"{}\" uses no array of the program in place, only memory of the library's own (cohort_region_zero_copy)",
                device.info().name
            )
            .into());
        }
        let region = held.region();
        let data = region.data.shared();
        let mut state = self.resident(data).lock();
        let mut first = None;
        for (field, one) in fields {
            let way = state.holds.way(&self.pins, device, &data.instances, *field, one);
            match (&way, first.get_or_insert_with(|| way.clone())) {
                (Way::Registered(_), before) if *before == way => (),
                (Way::Registered(_), _) => return Err("its fields lie in several arrays".into()),
                _ => return Err(format!("the array of field {field} is not registered with the driver, which takes those of 64 KiB and more that share no page with others").into()),
            }
        }
        Ok(())
    }

    pub fn is_kernel(&self, device: usize, kind: &TaskKind) -> bool {
        matches!(kind.devices.find(self.list[device].device.info().api), Some(DeviceBody::Kernel(_)))
    }

    /// What the task's requirements take of the device's memory, unless a mapper says otherwise.
    pub fn takes(&self, device: usize, kind: &TaskKind, body: &Body) -> u64 {
        let is_kernel = self.is_kernel(device, kind);
        let goes_there = |need: &(usize, &Held)| self.in_place_by_default(device, *need, is_kernel).is_none();
        used(body).into_iter().filter(goes_there).fold(0u64, |sum, (_, held)| sum.saturating_add(bytes_for(held)))
    }

    /// Whether the program asked for memory in which the requirement is used in place.
    fn is_meant(held: &Held) -> bool {
        held.access.privilege != Privilege::Reduce && held.mask.iter().all(|field| held.data().instances.is_lent(field))
    }

    /// The same as long as no mapper says otherwise; only what can be used in place is.
    pub fn in_place_by_default(&self, device: usize, need: (usize, &Held), is_kernel: bool) -> Option<InPlace> {
        if !Self::is_meant(need.1) {
            return None;
        }
        self.in_place(device, need, is_kernel, false).ok()
    }
}

impl DeviceThread<'_> {
    /// What a mapper chose becomes what can be: it is told what cannot.
    pub fn settle_choices(&self, kind: &TaskKind, body: &Body, task: &mut DeviceTask, chosen: SmallVec<[Chosen; 4]>) {
        task.chosen = chosen;
        let is_kernel = self.devices.is_kernel(self.number, kind);
        let mut there = 0u64;
        for need in used(body) {
            let choice = task.chosen[need.0];
            if choice == Chosen::InPlace {
                if let Err(why) = self.devices.in_place(self.number, need, is_kernel, true) {
                    self.refuse_memory(kind, need.0, &why);
                    task.chosen[need.0] = Chosen::WhereItIs;
                }
            }
            let stays_home = match task.chosen[need.0] {
                Chosen::InPlace => true,
                Chosen::OnDevice => false,
                Chosen::WhereItIs => self.devices.in_place_by_default(self.number, need, is_kernel).is_some(),
            };
            there = there.saturating_add(if stays_home { 0 } else { bytes_for(need.1) });
        }
        let most = self.attached().device.info().memory_bytes;
        if there <= most {
            return;
        }
        // Its launch was let through because that does not count.
        for need in used(body) {
            if task.chosen[need.0] == Chosen::OnDevice && self.devices.in_place_by_default(self.number, need, is_kernel).is_some() {
                self.refuse_memory(kind, need.0, &format!("the requirements that are to lie on the device take {there} bytes, and {most} may be used"));
                task.chosen[need.0] = Chosen::WhereItIs;
            }
        }
    }

    fn refuse_memory(&self, kind: &TaskKind, number: usize, why: &str) {
        if let Some(chain) = kind.mappers() {
            chain.refuse_memory(kind.c_name(), number, why);
        }
    }

    /// The requirements that the task uses in place.
    pub fn all_in_place(&self, kind: &TaskKind, body: &Body, task: &DeviceTask) -> base::Result<Vec<InPlace>> {
        let (mut all, is_kernel) = (Vec::new(), self.devices.is_kernel(self.number, kind));
        for need in used(body) {
            match task.chosen.get(need.0).unwrap_or(&Chosen::WhereItIs) {
                Chosen::OnDevice => (),
                Chosen::WhereItIs => all.extend(self.devices.in_place_by_default(self.number, need, is_kernel)),
                Chosen::InPlace => match self.devices.in_place(self.number, need, is_kernel, true) {
                    Ok(found) => all.push(found),
                    Err(why) => fail!(Internal, "requirement {} was to be used in place, and no longer can be: {why}", need.0),
                },
            }
        }
        Ok(all)
    }

    /// Starts what makes the requirement valid on the host, for which the task then waits.
    pub fn bring_home_for(&self, held: &Held, (used, ranking): (&InPlace, &Ranking), waits: &mut Events) -> base::Result<()> {
        let domain = &held.node().domain;
        if held.access.writes() {
            // One for each rectangle is noted when it has been launched.
            expect_copies(domain.rects().len())?;
        }
        let mut state = self.devices.resident(&used.data).lock();
        state.see_writes(held)?;
        if held.access.privilege == Privilege::WriteDiscard {
            state.wait_for_room(HOST, &held.mask, domain, waits);
            return Ok(());
        }
        self.devices.bring_fields(&mut state, &used.data, (&held.mask, domain), ranking)?;
        state.wait_for_fills(HOST, &held.mask, domain, waits);
        Ok(())
    }

    /// The task will have written on the host when the event has happened, which others on the device may come before.
    pub fn is_written_in_place(&self, held: &Held, used: &InPlace, event: &Event) -> base::Result<()> {
        if !held.access.writes() {
            return Ok(());
        }
        let mut state = self.devices.resident(&used.data).lock();
        let domain = &held.node().domain;
        domain.rects().for_each(|rect| state.kernel_writes(&held.mask, rect, event));
        state.is_written(&held.mask, domain, HOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_take_fields_at_one_distance_in_elements() {
        let rect = Rect::new([0; 3], [9, 3, 0]);
        let at = |offset: usize, bytes| FieldInstance::dense((0x10000 + offset) as *mut u8, rect, bytes);
        let even = |list: &[(usize, usize)]| evenly(&list.iter().map(|&(offset, bytes)| (0, at(offset, bytes))).collect::<Vec<_>>(), rect.lo).is_ok();
        assert!(even(&[(0, 8)]) && even(&[(0, 8), (640, 8), (1280, 8)]) && even(&[(640, 8), (0, 8)]));
        assert!(!even(&[(0, 8), (640, 8), (1288, 8)]), "unequal");
        assert!(!even(&[(0, 8), (644, 8)]), "no whole elements");
        assert!(!even(&[(0, 8), (640, 4)]), "of two sizes");
    }

    #[test]
    fn strides_are_whole_elements() {
        let rect = Rect::new([0; 3], [9, 3, 0]);
        let base = 0x10000 as *mut u8;
        in_elements(0, &FieldInstance::new(base, rect, [16, 160, 1], 8)).unwrap();
        assert!(in_elements(0, &FieldInstance::new(base, rect, [12, 160, 0], 8)).unwrap_err().contains("12 bytes apart in dimension 0"));
        assert!(in_elements(0, &FieldInstance::blocked(base, rect, [8, 160, 0], 8, 0, 4, 64)).unwrap_err().contains("blocks"));
    }
}
