//! Contributions that may be folded in in any order. Tasks that reduce the same fields of a region alike take turns at copies: one
//! takes a copy that is free, with what earlier tasks contributed, or a new one, and gives it back when it is done. So there are
//! at most as many copies as such tasks run at once, and they are folded in when the last of the tasks launched so far has ended, not after
//! each. An operation that needs the result waits for the folds of all of them; tasks launched after it take turns of their own.
//!
//! A task joins when it is launched, and its fold, which runs in any case, leaves; see `base::Sharing`.

use super::body::Held;
use crate::base::Sharing;
use crate::instance::Storage;
use crate::region::{Access, Contribution, FieldMask, RegionNode, Usage};
use std::sync::Arc;

/// Copies of the fields of one requirement.
pub type Copies = Vec<(u32, Box<Storage>)>;

/// Tasks of one context that share copies.
#[derive(Default)]
struct Group {
    region: Option<Arc<RegionNode>>,
    mask: FieldMask,
    contribution: Option<Contribution>,
    sharing: Arc<Sharing<Copies>>,
}

impl Group {
    fn is_of(&self, held: &Held) -> bool {
        let same = |region: &Arc<RegionNode>| std::ptr::eq(&**region, held.node());
        self.region.as_ref().is_some_and(same) && self.contribution == held.access.reduction && self.mask == held.mask
    }

    /// Whether an operation with this requirement comes between tasks of before and of after it.
    fn ends_with(&self, held: &Held, access: Access) -> bool {
        let Some(region) = &self.region else { return true };
        Usage { node: region, mask: &self.mask, access }.conflicts(held.usage())
    }

    fn access(&self) -> Access {
        Access { reduction: self.contribution, ..Access::exclusive(crate::region::Privilege::Reduce) }
    }
}

/// The groups of one context.
#[derive(Default)]
pub struct Groups {
    open: Vec<Group>,
    closed: Vec<Group>,
}

impl Groups {
    /// The copies of the task's group, of which it is a member from here on.
    pub fn join(&mut self, held: &Held) -> Arc<Sharing<Copies>> {
        let at = self.open.iter().position(|group| group.is_of(held)).unwrap_or_else(|| {
            self.open_for(held);
            self.open.len() - 1
        });
        self.open[at].sharing.join();
        self.open[at].sharing.clone()
    }

    fn open_for(&mut self, held: &Held) {
        // What no operation holds has no copies left.
        let unused = self.closed.iter_mut().position(|group| Arc::get_mut(&mut group.sharing).is_some());
        let mut group = unused.map_or_else(Group::default, |at| self.closed.swap_remove(at));
        group.region = Some(Arc::clone(&held.shared_node()));
        group.mask.copy_from(&held.mask);
        group.contribution = held.access.reduction;
        self.open.push(group);
    }

    /// An operation with these requirements is launched.
    #[inline]
    pub fn launched(&mut self, needs: &[Held]) {
        if !self.open.is_empty() {
            self.close(|group| needs.iter().any(|held| group.ends_with(held, group.access())));
        }
    }

    /// Nothing is outstanding, or none of what is left will be needed.
    pub fn close_all(&mut self) {
        self.close(|_| true);
    }

    /// Lets go of the regions of a tree.
    pub fn forget(&mut self, tree: u64) {
        self.close(|group| group.region.as_ref().is_none_or(|region| region.tree.id == tree));
    }

    fn close(&mut self, ends: impl Fn(&Group) -> bool) {
        let mut at = 0;
        while at < self.open.len() {
            if ends(&self.open[at]) {
                let mut group = self.open.swap_remove(at);
                group.region = None;
                self.closed.push(group);
            } else {
                at += 1;
            }
        }
    }
}
