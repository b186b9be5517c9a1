//! What a task sees of its data.

use super::body::Held;
use super::Frame;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::region::Privilege;

pub struct View {
    pub base: *mut u8,
    pub dim: usize,
    pub rect: Rect,
    pub stride: [i64; 3],
    pub bytes: usize,
}

pub fn requirement(frame: &Frame, number: u32) -> Result<&Held> {
    let body = frame.task()?;
    match body.needs().get(number as usize) {
        Some(held) => Ok(held),
        None => fail!(InvalidArgument, "requirement {number} of a task launched with {}; they count from 0", body.needs().len()),
    }
}

/// The data of one field of a requirement, for a use that the requirement covers.
pub fn view(frame: &Frame, number: u32, field: u32, privilege: Privilege) -> Result<View> {
    let held = requirement(frame, number)?;
    let node = held.node();
    if !held.mask.contains(field) {
        fail!(Privilege, "field {} is not among those of requirement {number}; add it to the launch's requirement", node.tree.fields.label(field));
    }
    let declared = held.access.privilege;
    let allowed = match privilege {
        Privilege::NoAccess => false,
        Privilege::ReadOnly => matches!(declared, Privilege::ReadOnly | Privilege::ReadWrite | Privilege::WriteDiscard),
        Privilege::ReadWrite => matches!(declared, Privilege::ReadWrite | Privilege::WriteDiscard),
        Privilege::WriteDiscard => held.access.writes(),
        Privilege::Reduce => declared == Privilege::Reduce,
    };
    if !allowed {
        fail!(Privilege, "{privilege:?} is asked of requirement {number}, which was declared {declared:?}; ask for what the launch declares");
    }
    held.data().check_here(node)?;
    let bounds = node.domain.bounds;
    let private = held.private.iter().find(|p| p.0 == field).map(|p| &p.1.instance);
    let instance = match private {
        Some(instance) => instance,
        None => held.data().instances.covering(field, &bounds)?,
    };
    Ok(View { base: instance.at(bounds.lo), dim: node.dim(), rect: bounds, stride: instance.stride, bytes: instance.bytes })
}
