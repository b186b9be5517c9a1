//! The default's choice of memory on machines of which some memory is clearly faster than what the processors have of their own, and has no
//! processors itself, as high-bandwidth memory beside DRAM: storage of the library's own comes to lie there, as long as there is room. What
//! one processor measures does not show such memory, since it takes many to use its bandwidth: the machine's own tables do.

use crate::machine::Reach;
use std::fmt;

/// High-bandwidth memory has two to five times the bandwidth of the DRAM beside it, and more latency.
const CLEARLY: f64 = 1.5;

/// A memory that is faster than that of the processors' own node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faster {
    pub node: u32,
    bandwidth: f64,
    own: Reach,
}

impl fmt::Display for Faster {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { node, bandwidth, own } = self;
        let of = |bandwidth: f64| (bandwidth / 1e9).round();
        write!(f, "processors of NUMA node {} reach {} GB/s in NUMA node {node} and {} GB/s in their own", own.from, of(*bandwidth), of(own.bandwidth))
    }
}

/// Of each node that has processors: the fastest of those that have none, if it is clearly faster than its own.
pub fn faster(reaches: &[Reach]) -> Vec<Faster> {
    let mut found = Vec::new();
    for own in reaches.iter().filter(|reach| reach.from == reach.to) {
        let others = || reaches.iter().filter(|reach| reach.from == own.from && !reach.has_processors && reach.bandwidth >= CLEARLY * own.bandwidth);
        let most = others().map(|reach| reach.bandwidth).fold(0.0, f64::max);
        let fastest = others().filter(|reach| reach.bandwidth == most);
        found.extend(fastest.map(|reach| Faster { node: reach.to, bandwidth: reach.bandwidth, own: *own }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From, to, GB/s. Nodes below 4 have processors.
    fn nodes(reaches: &[(u32, u32, f64)]) -> Vec<u32> {
        let reach = |&(from, to, bandwidth): &(u32, u32, f64)| Reach { from, to, bandwidth: bandwidth * 1e9, has_processors: to < 4 };
        faster(&reaches.iter().map(reach).collect::<Vec<_>>()).iter().map(|one| one.node).collect()
    }

    #[test]
    fn the_fastest_memory_without_processors_is_preferred() {
        assert_eq!(nodes(&[(0, 0, 100.0), (0, 4, 400.0), (0, 5, 200.0), (0, 6, 20.0)]), [4]);
        assert_eq!(nodes(&[(0, 0, 100.0), (0, 4, 400.0), (1, 1, 100.0), (1, 5, 400.0)]), [4, 5]);
    }

    #[test]
    fn what_is_hardly_faster_or_other_processors_or_unknown_is_not() {
        assert!(nodes(&[(0, 0, 100.0), (0, 4, 140.0)]).is_empty());
        assert!(nodes(&[(0, 0, 100.0), (0, 1, 400.0)]).is_empty());
        assert!(nodes(&[(0, 4, 400.0), (1, 1, 100.0)]).is_empty());
        assert!(nodes(&[]).is_empty());
    }

    #[test]
    fn it_says_why() {
        let own = Reach { from: 0, to: 0, bandwidth: 90.4e9, has_processors: true };
        let told = faster(&[own, Reach { to: 4, bandwidth: 400e9, has_processors: false, ..own }])[0].to_string();
        assert_eq!(told, "processors of NUMA node 0 reach 400 GB/s in NUMA node 4 and 90 GB/s in their own");
    }
}
