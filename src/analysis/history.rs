//! Who used a set of points, by field. Fields that have always been used together share one list of users.

use crate::region::{conflict, Access, FieldMask};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Up to here groups are searched one by one; beyond, through the index by field.
const SEARCHED: usize = 16;

#[derive(Clone, Copy, Debug)]
struct User {
    operation: u64,
    access: Access,
}

#[derive(Clone, Debug)]
struct Group {
    mask: FieldMask,
    users: SmallVec<[User; 4]>,
}

/// The users of one equivalence set.
#[derive(Clone, Debug, Default)]
pub struct History {
    groups: Vec<Group>,
    /// Group of each field plus 1, or 0; empty while there are few groups.
    group_of: Vec<u32>,
}

impl History {
    /// Calls `found` for every operation whose use of these fields conflicts with `access`.
    pub fn conflicts(&self, mask: &FieldMask, access: Access, found: &mut impl FnMut(u64)) {
        for group in self.groups.iter().filter(|g| g.mask.intersects(mask)) {
            group.users.iter().filter(|u| conflict(u.access, access)).for_each(|u| found(u.operation));
        }
    }

    /// As `conflicts`, but never for `operation` itself, which is then recorded as a user.
    pub fn record(
        &mut self,
        operation: u64,
        mask: &FieldMask,
        access: Access,
        is_complete: &impl Fn(u64) -> bool,
        found: &mut impl FnMut(u64),
    ) {
        if self.group_of.is_empty() {
            let mut covered = 0;
            let wanted = mask.len();
            for i in 0..self.groups.len() {
                if !self.groups[i].mask.intersects(mask) {
                    continue;
                }
                let group = self.narrow(i, mask);
                covered += self.groups[group].mask.len();
                self.groups[group].visit(operation, access, is_complete, found);
                if covered == wanted {
                    return;
                }
            }
            let mut rest = mask.clone();
            self.groups.iter().for_each(|g| rest = rest.minus(&g.mask));
            self.add(rest, operation, access);
        } else {
            self.record_by_field(operation, mask, access, is_complete, found);
        }
        if self.group_of.is_empty() && self.groups.len() > SEARCHED {
            (0..self.groups.len()).for_each(|i| self.index(i));
        }
    }

    fn record_by_field(
        &mut self,
        operation: u64,
        mask: &FieldMask,
        access: Access,
        is_complete: &impl Fn(u64) -> bool,
        found: &mut impl FnMut(u64),
    ) {
        let mut unused = FieldMask::default();
        let mut rest = Cow::Borrowed(mask);
        let mut next = rest.first();
        while let Some(field) = next {
            match self.group_of.get(field as usize) {
                Some(&group) if group != 0 => {
                    let group = self.narrow(group as usize - 1, mask);
                    self.groups[group].visit(operation, access, is_complete, found);
                    if self.groups[group].mask.len() > 1 {
                        rest = Cow::Owned(rest.minus(&self.groups[group].mask));
                    }
                }
                _ => unused.extend(&[field]),
            }
            next = rest.next_after(field);
        }
        self.add(unused, operation, access);
    }

    fn add(&mut self, mask: FieldMask, operation: u64, access: Access) {
        if mask.is_empty() {
            return;
        }
        let users = SmallVec::from_slice(&[User { operation, access }]);
        self.groups.push(Group { mask, users });
        if !self.group_of.is_empty() {
            self.index(self.groups.len() - 1);
        }
    }

    fn index(&mut self, group: usize) {
        for field in self.groups[group].mask.iter() {
            if self.group_of.len() <= field as usize {
                self.group_of.resize(field as usize + 1, 0);
            }
            self.group_of[field as usize] = group as u32 + 1;
        }
    }

    /// Makes sure that the group's fields all lie in `mask`, by splitting off those that do not. Returns the group of
    /// those that do.
    fn narrow(&mut self, group: usize, mask: &FieldMask) -> usize {
        if self.groups[group].mask.is_subset(mask) {
            return group;
        }
        let mut outside = self.groups[group].clone();
        outside.mask = outside.mask.minus(mask);
        self.groups[group].mask = self.groups[group].mask.and(mask);
        self.groups.push(outside);
        if !self.group_of.is_empty() {
            self.index(self.groups.len() - 1);
        }
        group
    }
}

impl Group {
    fn visit(&mut self, operation: u64, access: Access, is_complete: &impl Fn(u64) -> bool, found: &mut impl FnMut(u64)) {
        for user in &self.users {
            if user.operation != operation && conflict(user.access, access) {
                found(user.operation);
            }
        }
        if access.conflicts_with_all() {
            // Whatever conflicts with an earlier user conflicts with this one too, which waits for them all.
            self.users.clear();
        } else if self.users.len() == self.users.capacity() {
            self.users.retain(|user| !is_complete(user.operation));
        }
        if !self.users.iter().any(|u| u.operation == operation && u.access == access) {
            self.users.push(User { operation, access });
        }
    }
}
