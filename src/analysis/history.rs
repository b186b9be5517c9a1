//! Who used a set of points, by field. Fields that have always been used together share one list of users.

use crate::event::{Hold, Reservation};
use crate::region::{dependence, Access, Coherence, Dependence, FieldMask, Privilege};
use smallvec::SmallVec;

/// Up to here groups are searched one by one; beyond, through the index by field.
const SEARCHED: usize = 16;

/// Where the analysis puts what it finds.
pub trait Dependences {
    /// Whether an operation may be forgotten.
    fn is_complete(&self, operation: u64) -> bool;
    /// The operation analysed has to wait for `earlier`. Possibly told more than once.
    fn after(&mut self, earlier: u64);
    /// `earlier` is the last to reduce the same points in the same way: the two may run at once, but their contributions
    /// are folded in program order, or sums would differ from run to run in their last digits.
    fn reduces_alike(&mut self, _earlier: u64) {}
    /// The operation analysed comes behind `earlier`, as both use something atomically and one of them takes its turns in program order; it
    /// does not fail with it. Possibly told more than once, and not of those behind which `earlier` came itself.
    fn behind(&mut self, _earlier: u64) {}
    /// The operation analysed takes this reservation when it is ready to run: it comes before or after others that do.
    fn take(&mut self, _reservation: &Reservation, _how: Hold) {}
}

/// A use of some points.
pub struct Use<'a> {
    pub operation: u64,
    pub mask: &'a FieldMask,
    pub access: Access,
}

#[derive(Clone, Copy, Debug)]
struct User {
    operation: u64,
    access: Access,
}

/// What excludes those from each other that use a group of fields atomically.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Pair {
    /// Held alone by who writes, one way by who reads, and by those of parts (see `Reserved::older`).
    all: Reservation,
    /// Held one way by who reads, the other way by those who write parts.
    readers: Reservation,
}

/// Working space, and the reservations of a region tree, which stay where they are as long as it.
#[derive(Debug, Default)]
pub struct Work {
    rest: FieldMask,
    pairs: Vec<Box<Pair>>,
}

/// The reservations of a group's atomic users, by number.
#[derive(Clone, Debug, Default)]
struct Reserved {
    own: Option<u32>,
    /// Of the sets and groups that this one was a part of when users held them, who may hold them still. Users of the part
    /// share them with those of other parts, which are none of their business.
    older: SmallVec<[u32; 2]>,
}

#[derive(Clone, Debug)]
struct Group {
    mask: FieldMask,
    users: SmallVec<[User; 4]>,
    /// All users read: another reader need not look at them.
    only_read: bool,
    /// All users take turns: another one that does depends on none of them, either.
    only_atomic: bool,
    /// Some user takes turns in order.
    in_order: bool,
    /// `None` until somebody uses the group atomically.
    reserved: Option<Box<Reserved>>,
}

/// The users of one equivalence set.
#[derive(Clone, Debug, Default)]
pub struct History {
    groups: Vec<Group>,
    /// Group of each field plus 1, or 0; empty while there are few groups.
    group_of: Vec<u32>,
    /// Users of an earlier epoch are complete.
    epoch: u32,
}

impl History {
    /// Forgets the users, not how the fields are grouped, if they are of another epoch.
    pub fn enter(&mut self, epoch: u32) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.groups.iter_mut().for_each(|g| g.users.clear());
        }
    }

    /// Calls `found` for every operation whose use of these fields conflicts with `access`.
    pub fn conflicts(&self, mask: &FieldMask, access: Access, found: &mut impl FnMut(u64)) {
        for group in self.groups.iter().filter(|g| g.mask.intersects(mask)) {
            group.users.iter().filter(|u| dependence(u.access, access) == Dependence::True).for_each(|u| found(u.operation));
        }
    }

    pub fn all_users(&self, epoch: u32, mut is: impl FnMut(u64) -> bool) -> bool {
        self.epoch != epoch || self.groups.iter().all(|g| g.users.iter().all(|u| is(u.operation)))
    }

    /// The history of a part of the points; the rest goes on with this one.
    pub fn of_part(&mut self) -> History {
        self.groups.iter_mut().for_each(Group::become_part);
        self.clone()
    }

    /// As `conflicts`, but never for the operation itself, which is then recorded as a user.
    pub fn record(&mut self, this: &Use, work: &mut Work, found: &mut impl Dependences) {
        let mask = this.mask;
        if self.group_of.is_empty() {
            let mut covered = 0;
            for i in 0..self.groups.len() {
                if !self.groups[i].mask.intersects(mask) {
                    continue;
                }
                if self.groups[i].mask == *mask {
                    return self.groups[i].visit(this, work, found);
                }
                let group = self.narrow(i, mask);
                covered += self.groups[group].mask.len();
                self.groups[group].visit(this, work, found);
                if covered == mask.len() {
                    return;
                }
            }
            work.rest.copy_from(mask);
            self.groups.iter().for_each(|g| work.rest.remove(&g.mask));
            self.add(work.rest.clone(), this, work, found);
        } else {
            self.record_by_field(this, work, found);
        }
        if self.group_of.is_empty() && self.groups.len() > SEARCHED {
            (0..self.groups.len()).for_each(|i| self.index(i));
        }
    }

    fn record_by_field(&mut self, this: &Use, work: &mut Work, found: &mut impl Dependences) {
        let mut unused = FieldMask::default();
        work.rest.copy_from(this.mask);
        let mut next = work.rest.first();
        while let Some(field) = next {
            match self.group_of.get(field as usize) {
                Some(&group) if group != 0 => {
                    let group = self.narrow(group as usize - 1, this.mask);
                    self.groups[group].visit(this, work, found);
                    if self.groups[group].mask.len() > 1 {
                        work.rest.remove(&self.groups[group].mask);
                    }
                }
                _ => unused.extend(&[field]),
            }
            next = work.rest.next_after(field);
        }
        self.add(unused, this, work, found);
    }

    fn add(&mut self, mask: FieldMask, this: &Use, work: &mut Work, found: &mut impl Dependences) {
        if mask.is_empty() {
            return;
        }
        let mut group = Group { mask, users: SmallVec::new(), only_read: true, only_atomic: true, in_order: false, reserved: None };
        group.visit(this, work, found);
        self.groups.push(group);
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
        self.groups[group].become_part();
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

/// Of those that do, none has to come before another.
fn takes_turns(access: Access) -> bool {
    access.coherence.is_atomic() && access.privilege != Privilege::Reduce
}

impl Group {
    fn visit(&mut self, this: &Use, work: &mut Work, found: &mut impl Dependences) {
        let access = this.access;
        if access.conflicts_with_all() {
            self.users.iter().filter(|user| user.operation != this.operation).for_each(|user| found.after(user.operation));
            // Whatever conflicts with an earlier user conflicts with this one too, which waits for them all.
            self.users.clear();
            self.users.push(User { operation: this.operation, access });
            (self.only_read, self.only_atomic, self.in_order) = (false, false, false);
            return;
        }
        if !(self.only_read && access.privilege == Privilege::ReadOnly) {
            if !(self.only_atomic && takes_turns(access)) {
                self.find(this, found);
            }
            if access.coherence == Coherence::InOrder || self.in_order && access.coherence == Coherence::Atomic {
                self.find_turns(this, found);
            }
        }
        if self.users.len() == self.users.capacity() {
            self.users.retain(|user| !found.is_complete(user.operation));
        }
        if access.coherence == Coherence::Atomic {
            self.reserve(access.privilege != Privilege::ReadOnly, work, found);
        }
        self.push(this);
    }

    fn find(&self, this: &Use, found: &mut impl Dependences) {
        let access = this.access;
        for user in &self.users {
            if user.operation != this.operation && dependence(user.access, access) == Dependence::True {
                found.after(user.operation);
            }
        }
        if access.privilege == Privilege::Reduce {
            let alike = |u: &&User| u.operation != this.operation && u.access.privilege == Privilege::Reduce && dependence(u.access, access) == Dependence::None;
            if let Some(user) = self.users.iter().rev().find(alike) {
                found.reduces_alike(user.operation);
            }
        }
    }

    /// Those behind which an atomic user comes. One that takes its turns in order and writes came behind all before it.
    fn find_turns(&self, this: &Use, found: &mut impl Dependences) {
        let in_order = |access: Access| access.coherence == Coherence::InOrder;
        for user in self.users.iter().rev().filter(|user| user.operation != this.operation) {
            if (in_order(this.access) || in_order(user.access)) && dependence(user.access, this.access) == Dependence::Atomic {
                found.behind(user.operation);
                if in_order(user.access) && user.access.writes() {
                    return;
                }
            }
        }
    }

    /// An atomic user takes its reservations.
    fn reserve(&mut self, writes: bool, work: &mut Work, found: &mut impl Dependences) {
        let Reserved { own, older } = &mut **self.reserved.get_or_insert_default();
        if !self.users.iter().any(|user| user.access.coherence == Coherence::Atomic) {
            // Whoever held them is complete, or there is somebody after them for whom this user waits.
            older.clear();
        }
        let pairs = &mut work.pairs;
        let own = *own.get_or_insert_with(|| {
            pairs.push(Box::default());
            pairs.len() as u32 - 1
        });
        let Pair { all, readers } = &*pairs[own as usize];
        if writes {
            found.take(all, Hold::Alone);
        } else {
            found.take(all, Hold::OneWay);
            found.take(readers, Hold::OneWay);
        }
        for &older in &*older {
            let Pair { all, readers } = &*pairs[older as usize];
            found.take(all, Hold::OneWay);
            if writes {
                found.take(readers, Hold::OtherWay);
            }
        }
    }

    /// The group is about to be split: those who use a part exclude each other, and each excludes those who hold what the
    /// whole has.
    fn become_part(&mut self) {
        if let Some(reserved) = &mut self.reserved {
            let own = reserved.own.take();
            reserved.older.extend(own);
        }
    }

    fn push(&mut self, this: &Use) {
        let reads = this.access.privilege == Privilege::ReadOnly;
        self.only_read = reads && (self.only_read || self.users.is_empty());
        self.only_atomic = takes_turns(this.access) && (self.only_atomic || self.users.is_empty());
        self.in_order = this.access.coherence == Coherence::InOrder || self.in_order && !self.users.is_empty();
        // The uses of one operation follow each other.
        let known = self.users.iter().rev().take_while(|u| u.operation == this.operation).any(|u| u.access == this.access);
        if !known {
            self.users.push(User { operation: this.operation, access: this.access });
        }
    }
}
