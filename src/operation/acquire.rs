//! Acquire and release: between the two, what a context holds with simultaneous coherence is its own, and its operations may
//! work on copies of it; before and after, they are restricted to the instance that all share. As in Legion the two pair within
//! one context, and what is acquired when the context ends is released by that, with no arrival anywhere.

use super::body::Held;
use super::copy::{order, Terms};
use super::launch::check_fields;
use super::{Engine, Frame, RegionObject};
use crate::base::Result;
use crate::fail;
use crate::geometry::Domain;
use crate::region::{Access, FieldMask, Privilege, RegionNode};
use smallvec::SmallVec;

/// Parts by their numbers, and what stays of their points.
type Cut = SmallVec<[(usize, Domain); 2]>;

/// What a context has acquired and not released: disjoint in points or fields.
#[derive(Default)]
pub(super) struct Acquired(Vec<Part>);

struct Part {
    tree: u64,
    domain: Domain,
    mask: FieldMask,
}

impl Part {
    fn meets(&self, node: &RegionNode, mask: &FieldMask) -> bool {
        self.tree == node.tree.id && self.mask.intersects(mask) && self.domain.overlaps(&node.domain)
    }
}

impl Acquired {
    /// The context is over, or the tree is.
    pub fn forget(&mut self, is_over: impl Fn(u64) -> bool) {
        self.0.retain(|part| !is_over(part.tree));
    }

    /// A field of which some point is acquired.
    fn first_met(&self, node: &RegionNode, mask: &FieldMask) -> Option<u32> {
        self.0.iter().find(|part| part.meets(node, mask)).and_then(|part| part.mask.and(mask).first())
    }

    /// A field of which some point is not acquired.
    fn first_missing(&self, node: &RegionNode, mask: &FieldMask) -> Result<Option<u32>> {
        let covers = |part: &Part| part.tree == node.tree.id && mask.is_subset(&part.mask) && part.domain.contains(&node.domain);
        if self.0.iter().any(covers) {
            return Ok(None);
        }
        for field in mask.iter() {
            let mut of_field = self.0.iter().filter(|part| part.tree == node.tree.id && part.mask.contains(field));
            if !of_field.try_fold(node.domain.clone(), |left, part| left.minus(&part.domain))?.is_empty() {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }

    fn add(&mut self, node: &RegionNode, mask: FieldMask) {
        self.0.push(Part { tree: node.tree.id, domain: node.domain.clone(), mask });
    }

    /// The parts that are not acquired any more without these, each with those of its points that stay.
    fn cut(&self, node: &RegionNode, mask: &FieldMask) -> Result<Cut> {
        let met = self.0.iter().enumerate().filter(|(_, part)| part.meets(node, mask));
        met.map(|(at, part)| Ok((at, part.domain.minus(&node.domain)?))).collect()
    }

    /// What `cut` found, of the same fields.
    fn remove(&mut self, cut: Cut, mask: &FieldMask) {
        // The last first: no other that is still to go moves.
        for (at, other_points) in cut.into_iter().rev() {
            // Mostly that is all of it.
            let Part { tree, domain, mask: fields } = self.0.swap_remove(at);
            let other_fields = fields.minus(mask);
            if !other_points.is_empty() {
                self.0.push(Part { tree, domain: other_points, mask: fields.and(mask) });
            }
            if !other_fields.is_empty() {
                self.0.push(Part { tree, domain, mask: other_fields });
            }
        }
    }

    /// Whether an operation launched here has to use the instance that all share. `parents`: what the launching task holds.
    pub fn leaves_restricted(&self, held: &Held, parents: &[Held]) -> Result<bool> {
        let inherits = |parent: &Held| {
            parent.restricted && parent.node().tree.id == held.node().tree.id && parent.mask.intersects(&held.mask)
                && parent.node().domain.overlaps(&held.node().domain)
        };
        let may_be = held.access.privilege != Privilege::NoAccess && (held.access.coherence.is_weak() || parents.iter().any(inherits));
        Ok(may_be && self.first_missing(held.node(), &held.mask)?.is_some())
    }
}

/// What an acquire or a release names.
pub struct Sync<'a> {
    pub region: &'a RegionObject,
    pub fields: &'a [u32],
    pub terms: Terms<'a>,
}

impl Sync<'_> {
    fn mask(&self) -> Result<FieldMask> {
        self.region.check_here()?;
        check_fields(&self.region.node.tree.fields, self.fields, Access::exclusive(Privilege::ReadWrite))?;
        Ok(FieldMask::of(self.fields))
    }

    fn launch(self, engine: &Engine, frame: &Frame) -> Result<()> {
        order(engine, frame, self.region, self.fields, self.terms)
    }
}

/// Launches what waits for the gates and before which nothing uses the fields.
pub fn acquire(engine: &Engine, frame: &Frame, sync: Sync) -> Result<()> {
    let (mask, node, context) = (sync.mask()?, &sync.region.node, engine.context_of(frame));
    if let Some(field) = context.acquired().first_met(node, &mask) {
        fail!(
            WrongOrder,
            "field {} of region {} or of a part of it is acquired already in this context; call cohort_release first",
            node.tree.fields.label(field),
            node.bounds_text()
        );
    }
    let region = sync.region;
    sync.launch(engine, frame)?;
    context.acquired().add(&region.node, mask);
    Ok(())
}

/// Launches what waits for the uses of the fields so far, and arrives.
pub fn release(engine: &Engine, frame: &Frame, sync: Sync) -> Result<()> {
    let (mask, node, context) = (sync.mask()?, &sync.region.node, engine.context_of(frame));
    if let Some(field) = context.acquired().first_missing(node, &mask)? {
        fail!(
            WrongOrder,
            "field {} of region {} is not acquired in this context, at least not everywhere; call cohort_acquire first, in the same task",
            node.tree.fields.label(field),
            node.bounds_text()
        );
    }
    let cut = context.acquired().cut(node, &mask)?;
    sync.launch(engine, frame)?;
    context.acquired().remove(cut, &mask);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Body;
    use crate::region::{Coherence, FieldSpace, IndexSpace, Partition, Tree};
    use std::sync::Arc;

    #[test]
    fn parts_are_acquired_and_released_by_points_and_fields() {
        let space = IndexSpace::new(1, &[0; 3], &[99]).unwrap();
        let root = RegionNode::root(Tree::new(space, Arc::new(FieldSpace::default())));
        let halves = Partition::blocks(&root, &[2]).unwrap().children;
        let (both, one, two) = (FieldMask::of(&[1, 2]), FieldMask::of(&[1]), FieldMask::of(&[2]));
        let mut acquired = Acquired::default();
        let missing = |acquired: &Acquired, node: &RegionNode, mask: &FieldMask| acquired.first_missing(node, mask).unwrap();
        let remove = |acquired: &mut Acquired, node: &RegionNode, mask: &FieldMask| {
            let cut = acquired.cut(node, mask).unwrap();
            acquired.remove(cut, mask);
        };
        assert_eq!(missing(&acquired, &root, &both), Some(1));
        acquired.add(&root, both.clone());
        assert_eq!((acquired.first_met(&halves[0], &two), missing(&acquired, &halves[1], &two)), (Some(2), None));
        remove(&mut acquired, &halves[0], &two);
        assert_eq!((missing(&acquired, &root, &both), acquired.first_met(&halves[0], &two)), (Some(2), None));
        assert_eq!((missing(&acquired, &root, &one), missing(&acquired, &halves[1], &both)), (None, None));
        acquired.add(&halves[0], two.clone());
        assert_eq!(missing(&acquired, &root, &both), None, "of two parts");
        remove(&mut acquired, &root, &both);
        assert!(acquired.0.is_empty());
        acquired.add(&root, both.clone());
        acquired.forget(|tree| tree != root.tree.id);
        assert_eq!(missing(&acquired, &root, &both), None);
        acquired.forget(|tree| tree == root.tree.id);
        assert!(acquired.0.is_empty());
    }

    #[test]
    fn what_is_simultaneous_is_restricted_and_what_lies_below_it() {
        let space = IndexSpace::new(1, &[0; 3], &[99]).unwrap();
        let fields = FieldSpace::default();
        fields.allocate(8, 2, None).unwrap();
        let region = RegionObject::root(space, Arc::new(fields), 0, &Arc::default());
        let body = |coherence| {
            let mut body = Body::default();
            let access = Access { privilege: Privilege::ReadWrite, coherence, reduction: None };
            body.add_need(region.by_ref(), access).mask = FieldMask::of(&[1]);
            body
        };
        let mut acquired = Acquired::default();
        let [exclusive, mut atomic, simultaneous, relaxed] =
            [Coherence::Exclusive, Coherence::Atomic, Coherence::Simultaneous, Coherence::Relaxed].map(body);
        let under = |acquired: &Acquired, own: &Body, parent: &Body| acquired.leaves_restricted(&own.needs()[0], parent.needs()).unwrap();
        assert!(under(&acquired, &simultaneous, &exclusive) && under(&acquired, &relaxed, &exclusive));
        assert!(!under(&acquired, &exclusive, &simultaneous), "the parent has acquired it where it was launched");
        atomic.needs_mut()[0].restricted = true;
        assert!(under(&acquired, &exclusive, &atomic), "restricted by the parent's parent");
        acquired.add(&region.node, FieldMask::of(&[1]));
        assert!(!under(&acquired, &exclusive, &atomic) && !under(&acquired, &simultaneous, &atomic));
    }
}
