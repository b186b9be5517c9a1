//! Random programs against a brute-force oracle: every dependence found is a real one between two operations, and every
//! real one is found, directly or through others.

use cohort::analysis::ContextAnalysis;
use cohort::geometry::{Domain, PointSet, Rect};
use cohort::region::{
    Access, Coherence, ElementType, FieldMask, FieldSpace, IndexSpace, Partition, Privilege, Reduction, RegionNode, Tree,
};
use std::sync::Arc;

/// splitmix64 (Steele, Lea and Flood, OOPSLA 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn between(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1) as usize) as i64
    }
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const FIELDS: u32 = 300;

fn random_rect(random: &mut Random, within: &RegionNode) -> Rect {
    let mut rect = within.domain.bounds;
    for d in 0..within.dim() {
        let (a, b) = (random.between(rect.lo[d], rect.hi[d]), random.between(rect.lo[d], rect.hi[d]));
        (rect.lo[d], rect.hi[d]) = (a.min(b), a.max(b));
    }
    rect
}

fn random_domain(random: &mut Random, within: &RegionNode) -> Domain {
    let rects: Vec<Rect> = (0..random.below(4)).map(|_| random_rect(random, within)).collect();
    PointSet::from_rects(&rects).into()
}

/// A tree with blocks, overlapping rectangles, halos, sets with holes, and partitions of sub-regions.
fn random_regions(random: &mut Random) -> Vec<Arc<RegionNode>> {
    let dim = 1 + random.below(3);
    let lo: Vec<i64> = (0..dim).map(|_| random.between(-3, 3)).collect();
    let hi: Vec<i64> = lo.iter().map(|l| l + random.between(1, 11)).collect();
    let mut space = IndexSpace::new(dim as i32, &lo, &hi).unwrap();
    let whole = RegionNode::root(Tree::new(space.clone(), Arc::new(FieldSpace::default())));
    if random.below(3) == 0 {
        let domain = random_domain(random, &whole);
        space.domain = if domain.is_empty() { space.domain } else { domain };
    }
    let mut regions = vec![RegionNode::root(Tree::new(space, Arc::new(FieldSpace::default())))];
    for _ in 0..random.below(5) {
        let parent = random.pick(&regions).clone();
        if parent.domain.is_empty() {
            continue;
        }
        let counts: Vec<i64> = (0..dim).map(|d| random.between(1, parent.domain.bounds.extent(d).min(3))).collect();
        let rects: Vec<Rect> = (0..1 + *random.pick(&[1, 3, 20])).map(|_| random_rect(random, &parent)).collect();
        let domains: Vec<Domain> = (0..1 + *random.pick(&[1, 3, 20])).map(|_| random_domain(random, &parent)).collect();
        let partition = match random.below(5) {
            3 => Partition::equal(&parent, 1 + random.below(20) as u32),
            4 => Ok(Partition::of_domains(&parent, domains)),
            0 => Partition::blocks(&parent, &counts),
            1 => Partition::rects(&parent, &rects),
            _ => Partition::grown(&Partition::blocks(&parent, &counts).unwrap(), &[1; 3]),
        };
        let partition = partition.unwrap();
        regions.extend(partition.children.iter().cloned());
    }
    regions
}

fn random_access(random: &mut Random) -> Access {
    let privileges =
        [Privilege::ReadOnly, Privilege::ReadOnly, Privilege::ReadWrite, Privilege::WriteDiscard, Privilege::Reduce, Privilege::NoAccess];
    let privilege = *random.pick(&privileges);
    let coherence = if random.below(3) == 0 { Coherence::Simultaneous } else { Coherence::Exclusive };
    let operator = *random.pick(&[Reduction::Sum, Reduction::Min]);
    Access { privilege, coherence, reduction: (privilege == Privilege::Reduce).then_some((operator, ElementType::Double)) }
}

fn random_fields(random: &mut Random) -> Vec<u32> {
    if random.below(4) == 0 {
        let first = random.below(FIELDS as usize) as u32;
        return (first..FIELDS.min(first + 1 + random.below(200) as u32)).collect();
    }
    let few = random.below(2) == 0;
    let range = if few { 4 } else { FIELDS };
    (0..1 + random.below(6)).map(|_| random.below(range as usize) as u32).collect()
}

type Requirement = (Arc<RegionNode>, Vec<u32>, Access);

fn overlap(a: &Domain, b: &Domain) -> bool {
    a.rects().any(|r| b.rects().any(|s| r.overlaps(&s)))
}

/// Legion's table of privileges and coherence, written down a second time.
fn must_wait(a: Access, b: Access) -> bool {
    let reads = |access: Access| access.privilege == Privilege::ReadOnly;
    if a.privilege == Privilege::NoAccess || b.privilege == Privilege::NoAccess || reads(a) && reads(b) {
        return false;
    }
    match (a.reduction, b.reduction) {
        (Some(one), Some(other)) if one == other => a.coherence != b.coherence,
        (Some(_), Some(_)) => true,
        _ => [a, b].iter().any(|access| access.coherence == Coherence::Exclusive),
    }
}

fn depends(later: &[Requirement], earlier: &[Requirement]) -> bool {
    later.iter().any(|(ra, fa, a)| {
        earlier.iter().any(|(rb, fb, b)| overlap(&ra.domain, &rb.domain) && must_wait(*a, *b) && fa.iter().any(|f| fb.contains(f)))
    })
}

fn reached_by(found: &[usize], reached: &[Vec<bool>], op: usize) -> bool {
    found.iter().any(|&f| f == op || reached[f][op])
}

fn check_program(seed: u64) {
    let mut random = Random(seed);
    let regions = random_regions(&mut random);
    let count = 2 + random.below(40);
    let program: Vec<Vec<Requirement>> = (0..count)
        .map(|_| {
            (0..1 + random.below(3))
                .map(|_| (random.pick(&regions).clone(), random_fields(&mut random), random_access(&mut random)))
                .collect()
        })
        .collect();

    let mut analysis = ContextAnalysis::new();
    // Ancestors of each operation in the graph found, and what had completed when it was launched.
    let mut reached = vec![vec![false; count]; count];
    let mut complete = vec![false; count];
    for (now, requirements) in program.iter().enumerate() {
        let (mut found, mut asked) = (Vec::new(), Vec::new());
        for (region, fields, access) in requirements {
            analysis.conflicts(region, &FieldMask::of(fields), *access, &mut |op| asked.push(op as usize));
        }
        for (region, fields, access) in requirements {
            let done = |op: u64| complete[op as usize];
            analysis.record(now as u64, region, &FieldMask::of(fields), *access, &done, &mut |op| found.push(op as usize));
        }
        found.sort_unstable();
        asked.sort_unstable();
        found.dedup();
        asked.dedup();
        let pruned = |op: &usize| complete[*op];
        assert!(asked.iter().filter(|op| !pruned(op)).all(|op| reached_by(&found, &reached, *op)), "seed {seed}: {now} asked {asked:?}, found {found:?}");
        assert!(found.iter().all(|op| asked.contains(op)), "seed {seed}: {now} asked {asked:?}, found {found:?}");
        for before in found {
            assert!(before < now, "seed {seed}: operation {now} depends on {before}");
            assert!(depends(requirements, &program[before]), "seed {seed}: {now} on {before} is invented");
            let ancestors = reached[before].clone();
            reached[now].iter_mut().zip(ancestors).for_each(|(r, a)| *r |= a);
            reached[now][before] = true;
        }
        for before in 0..now {
            let must = depends(requirements, &program[before]) && !complete[before];
            assert!(!must || reached[now][before], "seed {seed}: {now} on {before} is missing");
        }
        // Operations complete in any order that their dependences allow.
        for op in 0..=now {
            if random.below(4) == 0 && (0..op).all(|b| !reached[op][b] || complete[b]) {
                complete[op] = true;
            }
        }
    }
}

#[test]
fn random_programs_agree_with_the_oracle() {
    let programs = std::env::var("COHORT_TEST_PROGRAMS").map_or(20_000, |n| n.parse().expect("a number of programs"));
    (0..programs).for_each(check_program);
}
