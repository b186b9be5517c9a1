//! Whether storage comes to lie in memory that is faster than the processors' own: what the default wants, the system lets it have, and nobody
//! else has decided.

use super::placement::Placement;
use crate::machine::{follows_a_policy, page_bytes, reaches, Pages};
use crate::mapping::faster;
use std::sync::Arc;

/// The NUMA nodes that are preferred. `told`: the rank that says what it prefers, and why.
pub fn choose(placement: &Placement, told: Option<u32>) -> Arc<[u32]> {
    // Without tables there is nothing to prefer.
    let found = faster(&reaches(placement.allowed().cpus()).unwrap_or_default());
    let mut nodes: Vec<u32> = found.iter().map(|one| one.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    if nodes.is_empty() {
        return Arc::default();
    }
    let refused = match follows_a_policy() {
        true => Some("the process was started with a memory policy (numactl), which holds".into()),
        false => Pages::new(page_bytes(), false).and_then(|pages| pages.prefer(&nodes)).err().map(|error| error.text),
    };
    if let Some(rank) = told {
        let named = nodes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let why = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        match &refused {
            None => crate::tell!("cohort: rank {rank}: storage of regions comes to lie in NUMA node {named} as long as there is room: {why}"),
            Some(refused) => crate::tell!("cohort: rank {rank}: storage of regions does not prefer NUMA node {named}: {refused}; {why}"),
        }
    }
    if refused.is_some() { Arc::default() } else { nodes.into() }
}
