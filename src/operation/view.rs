//! What a task sees of its data.

use super::body::Held;
use super::{Engine, Frame};
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use crate::instance::{Blocks, FieldInstance};
use crate::region::{Access, FieldMask, Privilege, RegionNode};
use std::fmt::Display;

pub struct View {
    pub base: *mut u8,
    pub dim: usize,
    pub rect: Rect,
    pub stride: [i64; 3],
    pub bytes: usize,
    /// Blocks of points, where the field lies so; how far into its block the first point is.
    pub blocks: Option<(Blocks, i64)>,
}

impl View {
    /// The points of a region in an instance that holds them.
    pub(super) fn of(node: &RegionNode, instance: &FieldInstance) -> Self {
        let rect = node.domain.bounds;
        let blocks = instance.blocks.map(|blocks| (blocks, blocks.phase(rect.lo[blocks.dim])));
        Self { base: instance.at(rect.lo), dim: node.dim(), rect, stride: instance.stride, bytes: instance.bytes, blocks }
    }
}

pub fn requirement(frame: &Frame, number: u32) -> Result<&Held> {
    let body = frame.task()?;
    match body.needs().get(number as usize) {
        Some(held) => Ok(held),
        None => fail!(InvalidArgument, "requirement {number} of a task launched with {}; they count from 0", body.needs().len()),
    }
}

/// Checks that a field is among those asked for, and that it may be used like this. `what`: who asked.
pub(super) fn check_right(
    node: &RegionNode,
    mask: &FieldMask,
    access: Access,
    field: u32,
    privilege: Privilege,
    what: &dyn Display,
) -> Result<()> {
    if !mask.contains(field) {
        fail!(Privilege, "field {} is not among those of {what}; add it there", node.tree.fields.label(field));
    }
    let declared = access.privilege;
    let allowed = match privilege {
        Privilege::NoAccess => false,
        Privilege::ReadOnly => matches!(declared, Privilege::ReadOnly | Privilege::ReadWrite | Privilege::WriteDiscard),
        Privilege::ReadWrite => matches!(declared, Privilege::ReadWrite | Privilege::WriteDiscard),
        Privilege::WriteDiscard => access.writes(),
        Privilege::Reduce => declared == Privilege::Reduce,
    };
    if !allowed {
        fail!(Privilege, "{privilege:?} is asked of {what}, which was declared {declared:?}; ask for what was declared");
    }
    Ok(())
}

/// The data of one field of a requirement, for a use that the requirement covers.
pub fn view(engine: &Engine, frame: &Frame, number: u32, field: u32, privilege: Privilege) -> Result<View> {
    let held = requirement(frame, number)?;
    let node = held.node();
    check_right(node, &held.mask, held.access, field, privilege, &format_args!("requirement {number} of the launch"))?;
    held.data().check_here(node)?;
    let private = held.private.iter().find(|p| p.0 == field).map(|p| &p.1.instance);
    let copied = held.converted.as_ref().and_then(|copy| copy.get(field));
    let instance = match copied.or(private) {
        Some(instance) => instance,
        None => {
            held.data().is_seen(held.access);
            if engine.devices.get().is_some() {
                engine.look_at(frame, number as usize, held)?;
            }
            held.data().instances.covering(field, &node.domain.bounds)?
        }
    };
    Ok(View::of(node, instance))
}
