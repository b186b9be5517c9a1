//! Which node a process runs on.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Equal for processes of one node, different between nodes. The kernel's boot id rather than the host name: containers
/// of one node have names of their own, and share its processors.
pub fn node_identity() -> u64 {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    hash(&boot)
}

/// The same in every process of one program.
pub(super) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_node_is_itself() {
        assert_eq!(super::node_identity(), super::node_identity());
        assert_ne!(super::hash(&"one"), super::hash(&"two"));
    }
}
