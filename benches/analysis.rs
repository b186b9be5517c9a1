//! What the analysis of a launch with two region requirements costs, against the fields declared and against the
//! sub-regions that nobody touches, and when tasks may take turns in any order. `cargo bench --bench analysis`; median and quartiles of repeated runs.

use cohort::analysis::ContextAnalysis;
use cohort::region::{Access, Coherence, FieldMask, FieldSpace, IndexSpace, Partition, Privilege, RegionNode, Tree};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const RUNS: usize = 21;
const LAUNCHES: u64 = 20_000;
/// Operations that may be under way at once; older ones count as complete.
const WINDOW: u64 = 1024;
const TOUCHED: usize = 8;

fn access(privilege: Privilege) -> Access {
    Access::exclusive(privilege)
}

/// `LAUNCHES` launches over the first sub-regions, each reading one group of fields and writing the next, as the
/// stages of a right-hand side do. Nanoseconds a launch: median and quartiles.
fn cost(fields: u32, regions: i64, group: u32, coherence: Coherence) -> [f64; 3] {
    let space = IndexSpace::new(1, &[0], &[regions * 10 - 1]).expect("a space");
    let root = RegionNode::root(Tree::new(space, Arc::new(FieldSpace::default())));
    let blocks = Partition::blocks(&root, &[regions]).expect("blocks");
    let all: Vec<u32> = (0..fields).collect();
    let masks: Vec<FieldMask> = all.chunks(group as usize).map(FieldMask::of).collect();
    let mut analysis = ContextAnalysis::new();
    let mut operation = 0u64;
    let mut run = || {
        let start = Instant::now();
        for launch in 0..LAUNCHES as usize {
            operation += 1;
            let complete = |op: u64| op + WINDOW < operation;
            let region = &blocks.children[launch % TOUCHED.min(blocks.children.len())];
            let stage = launch / TOUCHED;
            let (from, to) = (&masks[stage % masks.len()], &masks[(stage + 1) % masks.len()]);
            let mut found = |op| {
                black_box(op);
            };
            analysis.record(operation, region, from, Access { coherence, ..access(Privilege::ReadOnly) }, &complete, &mut found);
            analysis.record(operation, region, to, Access { coherence, ..access(Privilege::ReadWrite) }, &complete, &mut found);
        }
        start.elapsed().as_nanos() as f64 / LAUNCHES as f64
    };
    run();
    quartiles((0..RUNS).map(|_| run()).collect())
}

fn quartiles(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [times.len() / 2, times.len() / 4, times.len() * 3 / 4].map(|i| times[i])
}

/// Every sub-region touched once, from an analysis that knows none: nanoseconds each.
fn first_touch(regions: i64) -> f64 {
    let space = IndexSpace::new(1, &[0], &[regions * 10 + 2]).expect("a space");
    let root = RegionNode::root(Tree::new(space, Arc::new(FieldSpace::default())));
    let blocks = Partition::blocks(&root, &[regions]).expect("blocks");
    let mask = FieldMask::of(&[0]);
    let mut analysis = ContextAnalysis::new();
    let start = Instant::now();
    for (operation, region) in blocks.children.iter().enumerate() {
        let mut found = |op| {
            black_box(op);
        };
        analysis.record(operation as u64, region, &mask, access(Privilege::ReadWrite), &|_| false, &mut found);
    }
    start.elapsed().as_nanos() as f64 / regions as f64
}

fn main() {
    let line = |what: &str, [median, low, high]: [f64; 3]| println!("{what:<52} {median:8.1} ns [{low:.1} .. {high:.1}]");
    println!("a launch with two requirements, analysed: median [quartiles] of {RUNS} runs");
    for fields in [64, 256, 1024, 4096] {
        line(&format!("{fields} fields declared, 2 a requirement"), cost(fields, 64, 2, Coherence::Exclusive));
    }
    for fields in [64, 4096] {
        line(&format!("{fields} fields declared, a quarter of them a requirement"), cost(fields, 64, fields / 4, Coherence::Exclusive));
    }
    for regions in [10, 1_000, 100_000] {
        line(&format!("{regions} sub-regions, 8 of them touched"), cost(64, regions, 4, Coherence::Exclusive));
    }
    line("64 fields declared, 2 a requirement, atomic", cost(64, 64, 2, Coherence::Atomic));
    println!("each sub-region touched for the first time");
    for regions in [10, 1_000, 100_000] {
        line(&format!("{regions} sub-regions"), quartiles((0..RUNS).map(|_| first_touch(regions)).collect()));
    }
}
