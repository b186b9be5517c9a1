//! What an operation uses, and whether two uses have to wait for each other.

use super::{dependence, Access, Dependence, FieldMask, RegionNode};

#[derive(Clone, Copy)]
pub struct Usage<'a> {
    pub node: &'a RegionNode,
    pub mask: &'a FieldMask,
    pub access: Access,
}

impl Usage<'_> {
    /// Whether both use some point and field in ways that depend on each other.
    pub fn conflicts(self, other: Usage) -> bool {
        self.node.tree.id == other.node.tree.id
            && dependence(self.access, other.access) != Dependence::None
            && self.mask.intersects(other.mask)
            && self.node.domain.overlaps(&other.node.domain)
    }
}
