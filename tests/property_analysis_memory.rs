//! A time step that repeats costs the analysis no memory: counted at the allocator.

use cohort::analysis::ContextAnalysis;
use cohort::base::memory::counted;
use cohort::region::{Access, Coherence, FieldMask, FieldSpace, IndexSpace, Partition, Privilege, RegionNode, Tree};
use std::sync::Arc;

const FIELDS: u32 = 600;
const WINDOW: u64 = 200;

#[test]
fn a_repeated_time_step_allocates_nothing() {
    let space = IndexSpace::new(3, &[0; 3], &[47; 3]).unwrap();
    let root = RegionNode::root(Tree::new(space, Arc::new(FieldSpace::default())));
    let tiles = Partition::blocks(&root, &[2, 3, 2]).unwrap();
    let halos = Partition::grown(&tiles, &[4; 3]).unwrap();
    let all: Vec<u32> = (0..FIELDS).collect();
    let masks: Vec<FieldMask> = all.chunks(60).map(FieldMask::of).collect();
    let single: Vec<FieldMask> = all.iter().map(|f| FieldMask::of(&[*f])).collect();
    let access = |privilege| Access { privilege, coherence: Coherence::Exclusive, reduction: None };
    let (reads, writes) = (access(Privilege::ReadOnly), access(Privilege::ReadWrite));

    let mut analysis = ContextAnalysis::new();
    let (mut operation, mut edges) = (0u64, 0usize);
    let mut step = |edges: &mut usize| {
        for stage in 0..masks.len() {
            for colour in 0..tiles.children.len() {
                operation += 1;
                let complete = |op: u64| op + WINDOW < operation;
                let (from, to) = (&masks[stage], &masks[(stage + 1) % masks.len()]);
                let mut found = |_| *edges += 1;
                analysis.record(operation, &halos.children[colour], from, reads, &complete, &mut found);
                analysis.record(operation, &tiles.children[colour], to, writes, &complete, &mut found);
                analysis.record(operation, &tiles.children[colour], &single[stage * 7], reads, &complete, &mut found);
            }
        }
    };
    (0..20).for_each(|_| step(&mut edges));
    let before = counted::allocations();
    assert!(before > 0, "the counter counts");
    let warm = edges;
    (0..20).for_each(|_| step(&mut edges));
    assert!(edges > warm, "steps depend on each other");
    assert_eq!(counted::allocations() - before, 0, "allocations in 20 steps after 20 to warm up");
}
