//! Pages of memory and the NUMA nodes that they come from: pages of our own, where those of any data lie, and which node those come from
//! that a thread is about to touch first.

use crate::base::Result;
use crate::fail;
use std::io::Error;

/// Words of a set of NUMA nodes: as many nodes as Linux can be built for (MAX_NUMNODES).
const WORDS: usize = 1024 / 64;
const BITS: usize = WORDS * 64;

fn set_of(nodes: &[u32]) -> Result<[u64; WORDS]> {
    let mut set = [0; WORDS];
    for &node in nodes {
        let Some(word) = set.get_mut(node as usize / 64) else { fail!(Resources, "there is no NUMA node {node}") };
        *word |= 1 << (node % 64);
    }
    Ok(set)
}

/// Several preferred nodes at once, which Linux knows since 5.15: see set_mempolicy(2). libc does not name it.
const MPOL_PREFERRED_MANY: i32 = 5;

/// Pages of our own that hold zeros, and lie nowhere until they are touched.
#[derive(Debug)]
pub struct Pages {
    start: *mut u8,
    bytes: usize,
}

// Owned like a vector, and as free to go to other threads.
unsafe impl Send for Pages {}
unsafe impl Sync for Pages {}

impl Pages {
    /// `shared`: of the kind that processes share.
    pub fn new(bytes: usize, shared: bool) -> Result<Self> {
        let flags = libc::MAP_ANONYMOUS | if shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            fail!(OutOfMemory, "{bytes} bytes cannot be had from the system: {}", Error::last_os_error());
        }
        Ok(Self { start: start.cast(), bytes })
    }

    pub fn start(&self) -> *mut u8 {
        self.start
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Those that nobody has touched come from these NUMA nodes as long as they have memory, from the one nearest to who touches them, then from
    /// others. Without any: from where other pages of who touches them come.
    pub fn prefer(&self, nodes: &[u32]) -> Result<()> {
        let mode = match nodes.len() {
            0 => libc::MPOL_DEFAULT,
            1 => libc::MPOL_PREFERRED,
            _ => MPOL_PREFERRED_MANY,
        };
        let set = set_of(nodes)?;
        if unsafe { libc::syscall(libc::SYS_mbind, self.start, self.bytes, i64::from(mode), set.as_ptr(), BITS, 0i64) } != 0 {
            let error = Error::last_os_error();
            let nodes = nodes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            fail!(Resources, "no memory can be had from NUMA node {nodes}: {error} (mbind)");
        }
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        unsafe { libc::munmap(self.start.cast(), self.bytes) };
    }
}

/// Where most of some pages lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// In the NUMA node that was asked about.
    There,
    /// In others, as in this one.
    Elsewhere(u32),
    /// Nobody has written there.
    Untouched,
    Unknown,
}

/// Whether the pages of these addresses lie in a NUMA node. An error if the system does not tell.
pub fn find(addresses: &[*const u8], node: u32) -> Result<Found> {
    let size = page_bytes();
    let pages: Vec<usize> = addresses.iter().map(|&at| at as usize / size * size).collect();
    let mut nodes = vec![-libc::EINVAL; pages.len()];
    // Without nodes to move to it only tells. See move_pages(2).
    let told = unsafe { libc::syscall(libc::SYS_move_pages, 0, pages.len(), pages.as_ptr(), std::ptr::null::<i32>(), nodes.as_mut_ptr(), 0) };
    if told != 0 {
        fail!(Resources, "the system does not tell in which NUMA nodes pages lie (move_pages): {}", Error::last_os_error());
    }
    Ok(most(&nodes, node))
}

/// `nodes`: what the system says of each page.
fn most(nodes: &[i32], node: u32) -> Found {
    let count = |what: &dyn Fn(i32) -> bool| nodes.iter().filter(|&&one| what(one)).count();
    let there = count(&|one| u32::try_from(one) == Ok(node));
    let elsewhere = count(&|one| one >= 0) - there;
    // What was only read is the one page of zeros that all share.
    let untouched = count(&|one| [-libc::ENOENT, -libc::EFAULT].contains(&one));
    match there.max(elsewhere).max(untouched) {
        0 => Found::Unknown,
        most if most == there => Found::There,
        most if most == elsewhere => {
            let other = nodes.iter().find_map(|&one| u32::try_from(one).ok().filter(|&one| one != node));
            other.map_or(Found::Unknown, Found::Elsewhere)
        }
        _ => Found::Untouched,
    }
}

pub fn page_bytes() -> usize {
    // Never negative.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// While it lives, pages that the calling thread touches first come from one NUMA node as long as that has memory, unless the program said
/// something else of their addresses.
pub struct Touching {
    mode: i32,
    nodes: [u64; WORDS],
}

impl Touching {
    pub fn on(node: u32) -> Result<Self> {
        let (mut before, only) = (Self { mode: 0, nodes: [0; WORDS] }, set_of(&[node])?);
        let refused = unsafe {
            libc::syscall(libc::SYS_get_mempolicy, &mut before.mode, before.nodes.as_mut_ptr(), BITS, 0, 0) != 0
                || libc::syscall(libc::SYS_set_mempolicy, libc::MPOL_PREFERRED, only.as_ptr(), BITS) != 0
        };
        if refused {
            let error = Error::last_os_error();
            // It was not changed, or may not be changed back either.
            std::mem::forget(before);
            fail!(Resources, "a thread's pages cannot be had from NUMA node {node} (set_mempolicy): {error}");
        }
        Ok(before)
    }
}

impl Drop for Touching {
    fn drop(&mut self) {
        // What it was before cannot be refused.
        unsafe { libc::syscall(libc::SYS_set_mempolicy, self.mode, self.nodes.as_ptr(), BITS) };
    }
}

/// Whether somebody has said where the calling thread's pages come from, as numactl and launchers do.
pub fn follows_a_policy() -> bool {
    let mut mode = libc::MPOL_DEFAULT;
    let told = unsafe { libc::syscall(libc::SYS_get_mempolicy, &mut mode, 0, 0, 0, 0) };
    told == 0 && mode != libc::MPOL_DEFAULT
}

/// How the system chooses the node of the page at an address: mode and first word of the set of nodes. None if it does not tell.
#[cfg(test)]
pub fn policy_at(address: *const u8) -> Option<(i32, u64)> {
    const MPOL_F_ADDR: u64 = 2;
    let (mut mode, mut nodes) = (-1, [0u64; WORDS]);
    let told = unsafe { libc::syscall(libc::SYS_get_mempolicy, &mut mode, nodes.as_mut_ptr(), BITS, address, MPOL_F_ADDR) };
    (told == 0).then_some((mode, nodes[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::SystemMemory;

    #[test]
    fn most_pages_decide() {
        let (none, zeros) = (-libc::ENOENT, -libc::EFAULT);
        assert_eq!(most(&[1, 1, 0], 1), Found::There);
        assert_eq!(most(&[1, 3, 0], 0), Found::Elsewhere(1));
        assert_eq!(most(&[0, 1, none], 1), Found::There);
        assert_eq!(most(&[1, none, zeros], 1), Found::Untouched);
        assert_eq!(most(&[-libc::EBUSY], 1), Found::Unknown);
        assert_eq!(most(&[], 1), Found::Unknown);
    }

    #[test]
    fn pages_are_nowhere_until_they_are_touched() {
        let node = SystemMemory::all().unwrap()[0].node;
        let pages = Pages::new(3 * page_bytes(), false).unwrap();
        let middle = pages.start().wrapping_add(page_bytes() + 5);
        // Some containers allow no such question.
        let Ok(before) = find(&[middle], node) else { return };
        assert_eq!(before, Found::Untouched);
        pages.prefer(&[node]).unwrap();
        unsafe { *middle = 1 };
        assert_eq!(find(&[middle], node), Ok(Found::There));
        assert_eq!(find(&[middle], node + 1), Ok(Found::Elsewhere(node)));
        assert_eq!(find(&[middle, pages.start(), pages.start()], node), Ok(Found::Untouched));
    }

    #[test]
    fn pages_prefer_nodes_until_they_prefer_none() {
        let node = SystemMemory::all().unwrap()[0].node;
        let pages = Pages::new(3 * page_bytes(), false).unwrap();
        let Some(before) = policy_at(pages.start()) else { return };
        pages.prefer(&[node]).unwrap();
        assert_eq!(policy_at(pages.start()), Some((libc::MPOL_PREFERRED, 1 << node)));
        // What is there counts, besides what is not.
        if pages.prefer(&[node, 40]).is_ok() {
            assert_eq!(policy_at(pages.start()), Some((MPOL_PREFERRED_MANY, 1 << node)));
        }
        pages.prefer(&[]).unwrap();
        assert_eq!(policy_at(pages.start()), Some(before));
        let error = pages.prefer(&[900]).unwrap_err();
        assert!(error.text.contains("NUMA node 900"), "{}", error.text);
        assert_eq!(policy_at(pages.start()), Some(before));
    }

    #[test]
    fn a_thread_touches_on_a_node_and_then_as_before() {
        let mode = || {
            let mut mode = -1;
            unsafe { libc::syscall(libc::SYS_get_mempolicy, &mut mode, 0, 0, 0, 0) };
            mode
        };
        let node = SystemMemory::all().unwrap()[0].node;
        let before = mode();
        let Ok(touching) = Touching::on(node) else { return };
        assert_eq!(mode(), libc::MPOL_PREFERRED);
        drop(touching);
        assert_eq!(mode(), before);
        for none in [900, 1 << 20] {
            let error = Touching::on(none).map(drop).unwrap_err();
            assert!(error.text.contains(&format!("NUMA node {none}")), "{}", error.text);
        }
        assert_eq!(mode(), before);
    }
}
