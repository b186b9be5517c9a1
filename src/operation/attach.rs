//! Arrays of the caller as storage, and fills.

use super::launch::{launch, Launch, Launched, Need};
use super::{Engine, Frame, Future, RegionObject};
use crate::base::Result;
use crate::fail;
use crate::region::{Access, Privilege};

/// Waits for the operations of this context that use the fields, and for no others. A failure of theirs is for the next wait
/// to tell: it does not keep an array from being detached.
fn settle(engine: &Engine, frame: &Frame, region: &RegionObject, fields: &[u32]) -> Result<()> {
    let context = engine.context_of(frame);
    let mut users = context.pending_users(engine, region, fields)?;
    users.sort_unstable_by_key(|user| user.0);
    users.dedup();
    if users.is_empty() {
        return Ok(());
    }
    let settled = Future::default();
    let mut operation = Launch::new(Launched::Nothing);
    operation.after = &users;
    operation.result = Some(settled.clone());
    launch(engine, frame, operation)?;
    engine.wait(|| settled.is_ready(), &settled.seats, None).map(drop)
}

fn check(region: &RegionObject, fields: &[u32]) -> Result<()> {
    region.check_here()?;
    if fields.is_empty() {
        fail!(InvalidArgument, "0 fields given; name at least one");
    }
    Ok(())
}

pub fn attach(
    engine: &Engine,
    frame: &Frame,
    region: &RegionObject,
    fields: &[u32],
    base: *mut u8,
    strides: &[i64],
    field_stride: i64,
) -> Result<()> {
    check(region, fields)?;
    settle(engine, frame, &region.root_of_tree(), fields)?;
    engine.leave_places(&region.root_of_tree(), fields)?;
    let mut all = [0; 3];
    all[..strides.len()].copy_from_slice(strides);
    region.data.instances.attach(&region.node, fields, base, all, field_stride)
}

pub fn detach(engine: &Engine, frame: &Frame, region: &RegionObject, fields: &[u32]) -> Result<()> {
    check(region, fields)?;
    settle(engine, frame, &region.root_of_tree(), fields)?;
    engine.leave_places(&region.root_of_tree(), fields)?;
    region.data.instances.detach(&region.node, fields)
}

pub fn fill(engine: &Engine, frame: &Frame, region: &RegionObject, fields: &[u32], value: &[u8]) -> Result<()> {
    region.check_here()?;
    let need = Need::new(region.clone(), fields, Access::exclusive(Privilege::WriteDiscard))?;
    let space = &region.node.tree.fields;
    if let Some(&field) = fields.iter().find(|&&f| space.bytes(f) != Some(value.len())) {
        fail!(
            InvalidArgument,
            "the value has {} bytes and field {} has {}; pass one element",
            value.len(),
            space.label(field),
            space.bytes(field).unwrap_or(0)
        );
    }
    let mut fill = Launch::new(Launched::Fill);
    fill.args = value;
    fill.needs.push(need);
    launch(engine, frame, fill).map(drop)
}
