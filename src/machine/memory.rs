//! The memories of this node: one for each NUMA node that the process may use, with what is free in it now.

use super::topology;
use crate::base::Result;

/// The memory of a NUMA node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemMemory {
    /// NUMA node as the operating system numbers it.
    pub node: u32,
    pub bytes: u64,
}

impl SystemMemory {
    /// In ascending order of their nodes.
    pub fn all() -> Result<Vec<Self>> {
        topology::memories()
    }

    /// Bytes that a program could get here now: free pages, and those that only cache files.
    pub fn available(&self) -> u64 {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let node = read(&format!("/sys/devices/system/node/node{}/meminfo", self.node));
        let found = node.and_then(|text| of_node(&text)).or_else(|| of_machine(&read("/proc/meminfo")?));
        found.unwrap_or(0).min(self.bytes)
    }
}

/// What `/dev/shm` has room for now.
pub fn available_for_sharing() -> u64 {
    let mut room = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    match unsafe { libc::statvfs(c"/dev/shm".as_ptr(), room.as_mut_ptr()) } {
        0 => {
            // Filled by the call.
            let room = unsafe { room.assume_init() };
            room.f_bavail * room.f_frsize
        }
        _ => 0,
    }
}

/// The kernel gives no estimate for a node. Its own for the whole machine counts caches but for pages that are shared, as those of
/// /dev/shm are, which nothing can take back.
fn of_node(text: &str) -> Option<u64> {
    let cached = entry(text, "FilePages:").unwrap_or(0).saturating_sub(entry(text, "Shmem:").unwrap_or(0));
    Some(entry(text, "MemFree:")? + cached + entry(text, "SReclaimable:").unwrap_or(0))
}

/// Where the kernel knows no NUMA nodes.
fn of_machine(text: &str) -> Option<u64> {
    entry(text, "MemAvailable:")
}

/// Bytes after this word of a meminfo file, whose numbers are in KiB.
fn entry(text: &str, name: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip_while(|word| *word != name).skip(1);
    words.next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_read_as_the_kernel_writes_it() {
        let node = "Node 1 MemTotal:  1000 kB\nNode 1 MemFree:  300 kB\nNode 1 FilePages:  120 kB\nNode 1 Shmem:   20 kB\n\
                    Node 1 SReclaimable:  4 kB\n";
        assert_eq!(of_node(node), Some(404 << 10));
        assert_eq!(of_node("Node 0 MemFree: 7 kB\n"), Some(7 << 10));
        assert_eq!(of_node("nothing"), None);
        assert_eq!(of_machine("MemTotal: 9 kB\nMemAvailable:    5 kB\n"), Some(5 << 10));
    }

    #[test]
    fn memories_hold_something_and_fill_up() {
        let memories = SystemMemory::all().unwrap();
        assert!(!memories.is_empty() && memories.windows(2).all(|pair| pair[0].node < pair[1].node));
        for memory in memories {
            let available = memory.available();
            assert!(available > 0 && available <= memory.bytes, "{memory:?}: {available}");
        }
        assert!(available_for_sharing() > 0);
    }
}
