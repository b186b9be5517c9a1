//! Random programs against a brute-force oracle: every dependence found is a real one between two operations, and every
//! real one is found, directly or through others; and those take turns, by reservations, that come in any order but not at once. Some operations take
//! their turns in program order: they and their like come behind each other, and depend no more on each other than others do.

use cohort::analysis::{ContextAnalysis, Dependences, Use};
use cohort::event::{Hold, Reservation};
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
    PointSet::from_rects(&rects).unwrap().into()
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
            4 => Partition::of_domains(&parent, domains),
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
    use Coherence::{Atomic, Exclusive, Relaxed, Simultaneous};
    let coherence = *random.pick(&[Exclusive, Exclusive, Exclusive, Simultaneous, Relaxed, Atomic, Atomic]);
    let operator = *random.pick(&[Reduction::Sum, Reduction::Min]);
    Access { privilege, coherence, reduction: (privilege == Privilege::Reduce).then(|| (operator, ElementType::Double).into()) }
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
        (Some(one), Some(other)) if one == other => weak(a) != weak(b),
        (Some(_), Some(_)) => true,
        _ if [a, b].iter().any(|access| access.coherence == Coherence::Exclusive) => true,
        // Beside an atomic access there may be others that are atomic, and those that read and are weak.
        _ => weak(a) && !weak(b) && !reads(a) || weak(b) && !weak(a) && !reads(b),
    }
}

fn weak(access: Access) -> bool {
    matches!(access.coherence, Coherence::Simultaneous | Coherence::Relaxed)
}

fn must_take_turns(a: Access, b: Access) -> bool {
    let all = |what: &dyn Fn(Access) -> bool| what(a) && what(b);
    all(&|x| x.coherence == Coherence::Atomic && x.privilege != Privilege::NoAccess)
        && !all(&|x| x.privilege == Privilege::ReadOnly)
        && !all(&|x| x.privilege == Privilege::Reduce)
}

fn related(later: &[Requirement], earlier: &[Requirement], how: fn(Access, Access) -> bool) -> bool {
    later.iter().any(|(ra, fa, a)| {
        earlier.iter().any(|(rb, fb, b)| overlap(&ra.domain, &rb.domain) && how(*a, *b) && fa.iter().any(|f| fb.contains(f)))
    })
}

fn depends(later: &[Requirement], earlier: &[Requirement]) -> bool {
    related(later, earlier, must_wait)
}

/// What the analysis finds for an operation.
struct Found<'a> {
    complete: &'a [bool],
    after: Vec<usize>,
    behind: Vec<usize>,
    /// Reservations, by address.
    taken: Vec<(usize, Hold)>,
}

impl Dependences for Found<'_> {
    fn is_complete(&self, operation: u64) -> bool {
        self.complete[operation as usize]
    }
    fn after(&mut self, earlier: u64) {
        self.after.push(earlier as usize);
    }
    fn behind(&mut self, earlier: u64) {
        self.behind.push(earlier as usize);
    }
    fn take(&mut self, reservation: &Reservation, how: Hold) {
        self.taken.push((reservation as *const Reservation as usize, how));
    }
}

/// Whether two operations with these reservations cannot hold them at once.
fn exclude(a: &[(usize, Hold)], b: &[(usize, Hold)]) -> bool {
    let clash = |x: Hold, y: Hold| x == Hold::Alone || y == Hold::Alone || x != y;
    a.iter().any(|(r, x)| b.iter().any(|(s, y)| r == s && clash(*x, *y)))
}

fn reached_by(found: &[usize], reached: &[Vec<bool>], op: usize) -> bool {
    found.iter().any(|&f| f == op || reached[f][op])
}

/// `before` and all that come before it come before `now`.
fn add(all: &mut [Vec<bool>], now: usize, before: usize) {
    let ancestors = all[before].clone();
    all[now].iter_mut().zip(ancestors).for_each(|(r, a)| *r |= a);
    all[now][before] = true;
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

    let orderly = *random.pick(&[0, 0, 1, 4]);
    let in_order: Vec<bool> = (0..count).map(|_| random.below(4) < orderly).collect();

    let mut analysis = ContextAnalysis::new();
    // Ancestors of each operation in the graph found, and what had completed when it was launched.
    let mut reached = vec![vec![false; count]; count];
    // The same with those behind which it comes.
    let mut ordered = vec![vec![false; count]; count];
    let mut complete = vec![false; count];
    let mut taken: Vec<Vec<(usize, Hold)>> = Vec::new();
    for (now, requirements) in program.iter().enumerate() {
        let mut asked = Vec::new();
        for (region, fields, access) in requirements {
            analysis.conflicts(region, &FieldMask::of(fields), *access, &mut |op| asked.push(op as usize)).unwrap();
        }
        let mut of_now = Found { complete: &complete, after: Vec::new(), behind: Vec::new(), taken: Vec::new() };
        for (region, fields, access) in requirements {
            let this = Use { operation: now as u64, mask: &FieldMask::of(fields), access: if in_order[now] { access.in_order() } else { *access } };
            analysis.record_use(region, &this, &mut of_now);
        }
        taken.push(of_now.taken);
        for &before in &of_now.behind {
            let is_one = (in_order[now] || in_order[before]) && related(requirements, &program[before], must_take_turns);
            assert!(before < now && is_one, "seed {seed}: {now} behind {before} is invented");
        }
        let mut found = of_now.after;
        for &before in found.iter().chain(&of_now.behind) {
            add(&mut ordered, now, before);
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
            add(&mut reached, now, before);
        }
        for before in 0..now {
            let must = depends(requirements, &program[before]) && !complete[before];
            assert!(!must || reached[now][before], "seed {seed}: {now} on {before} is missing");
            let (turns, kept_apart) = (related(requirements, &program[before], must_take_turns), exclude(&taken[now], &taken[before]));
            assert!(!turns || kept_apart || complete[before] || ordered[now][before], "seed {seed}: {now} and {before} may meet");
            let both_reduce = |a: Access, b: Access| a.privilege == Privilege::Reduce && b.privilege == Privilege::Reduce;
            let excused = turns || related(requirements, &program[before], both_reduce);
            assert!(!kept_apart || excused, "seed {seed}: {now} and {before} need not take turns");
        }
        // Operations complete in any order that their dependences allow.
        for op in 0..=now {
            if random.below(4) == 0 && (0..op).all(|b| !ordered[op][b] || complete[b]) {
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
