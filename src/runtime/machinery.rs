//! What the program may ask about the machine: the processors and memories of this rank, how fast one reaches the other, and
//! where the ranks are.

use super::placement::Placement;
use crate::base::sync::Mutex;
use crate::base::Result;
use crate::device::{measure as measure_copies, Speed, Way};
use crate::fail;
use crate::machine::{available_for_sharing, measure, Affinity, Cpu, Place, SystemMemory};
use crate::operation::devices::Attached;
use crate::transport::{NodeMemory, Transport};
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::Arc;

/// Something that runs tasks. The first one is the MPI thread; the others are the background workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Processor {
    pub is_host: bool,
    /// Whether it runs tasks of any kind: the MPI thread may have been told not to.
    pub helps: bool,
    /// The processor to which it is bound; `None` if the system may move it.
    pub cpu: Option<u32>,
    /// The NUMA node in which it runs; `None` if it may run in several.
    pub numa_node: Option<u32>,
    /// Its processor, or the first one that it may run on.
    first: Cpu,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryKind {
    System,
    Shared,
    Device,
    /// The host's, used by devices in place.
    ZeroCopy,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    pub kind: MemoryKind,
    /// `None` for node-shared memory, whose pages lie where they are touched first; of a device the nearest, if that is known.
    pub numa_node: Option<u32>,
    pub bytes: u64,
}

/// Where a rank is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankPlace {
    /// Nodes are numbered in the order of their first ranks.
    pub node: u32,
    /// `None` if its threads may run in several.
    pub numa_node: Option<u32>,
    pub workers: u32,
}

pub struct Machinery {
    pub processors: Vec<Processor>,
    pub memories: Vec<Memory>,
    pub ranks: Vec<RankPlace>,
    /// How workers are bound, as COHORT_VERBOSE prints it.
    pub binding: CString,
    allowed: Vec<Cpu>,
    shared: Arc<NodeMemory>,
    /// By processor of the system and number of the memory.
    measured: Mutex<HashMap<(u32, usize), Affinity>>,
    /// Of devices, by the numbers of both.
    copies: Mutex<HashMap<(usize, usize), Affinity>>,
}

impl Machinery {
    /// Collective.
    pub fn take_stock(placement: &Placement, transport: &dyn Transport, shared: Arc<NodeMemory>) -> Result<Self> {
        let unknown = u64::from(u32::MAX);
        let mine = [placement.node().map_or(unknown, u64::from), placement.workers.into()];
        let all = transport.gather(&mine, &mut || Ok(false))?;
        let place = |(words, &node): (&[u64], &u32)| {
            RankPlace { node, numa_node: (words[0] != unknown).then_some(words[0] as u32), workers: words[1] as u32 }
        };
        Ok(Self {
            processors: processors(placement),
            memories: memories(&shared)?,
            ranks: all.chunks_exact(mine.len()).zip(&placement.nodes).map(place).collect(),
            binding: CString::new(placement.to_string()).unwrap_or_default(),
            allowed: placement.allowed().cpus().to_vec(),
            shared,
            measured: Mutex::default(),
            copies: Mutex::default(),
        })
    }

    /// Whether this rank and another reach each other's node-shared memory.
    pub fn shares_memory(&self, rank: u32) -> bool {
        self.shared.own.is_shared() && self.shared.of(rank).is_some()
    }

    /// The NUMA nodes of this rank, whose memories come first.
    pub fn nodes(&self) -> Box<[u32]> {
        self.memories.iter().filter(|memory| memory.kind == MemoryKind::System).filter_map(|memory| memory.numa_node).collect()
    }

    /// The part of a node's devices that a rank uses.
    pub fn share_of<T>(&self, devices: Vec<T>, rank: u32) -> Vec<T> {
        let nodes: Vec<u32> = self.ranks.iter().map(|place| place.node).collect();
        share(&nodes, rank as usize, devices)
    }

    /// Bytes of a memory of the host that can be had now.
    pub fn available(&self, memory: &Memory) -> u64 {
        match memory.kind {
            MemoryKind::System => {
                let node = memory.numa_node.unwrap_or(0);
                SystemMemory { node, bytes: memory.bytes }.available()
            }
            MemoryKind::Shared => {
                let (free, to_come) = self.shared.own.available();
                // What /dev/shm has given lies in the segment already.
                free.saturating_sub(to_come.saturating_sub(available_for_sharing()))
            }
            MemoryKind::Device | MemoryKind::ZeroCopy => memory.bytes,
        }
    }

    /// How fast a processor of the host reaches a memory of the host, measured when it is first asked for.
    pub fn affinity(&self, processor: usize, memory: usize) -> Result<Affinity> {
        let (Some(from), Some(to)) = (self.processors.get(processor), self.memories.get(memory)) else {
            fail!(Internal, "processor {processor} and memory {memory} are not the host's");
        };
        // Held while measuring: two measurements at a time would share the memory's bandwidth.
        let mut measured = self.measured.lock();
        let key = (from.first.number, memory);
        if let Some(known) = measured.get(&key) {
            return Ok(*known);
        }
        let found = measure(&from.first, self.place(from, to))?;
        measured.insert(key, found);
        Ok(found)
    }

    /// The same where one is a device or its memory: how fast it copies. `None`: there is no such processor or memory.
    pub fn affinity_with(&self, devices: &[Attached], (processor, memory): (usize, usize)) -> Option<Result<Affinity>> {
        let device = |number: usize, before: usize| match number.checked_sub(before) {
            None => Some(None),
            Some(at) => devices.get(at).map(|attached| Some(&*attached.device)),
        };
        // What devices use in place is the host's, as fast as its own.
        let in_place = memory == self.memories.len() + devices.len() && devices.iter().any(|attached| attached.device.shares());
        let memory = if in_place { 0 } else { memory };
        let (from, to) = (device(processor, self.processors.len())?, device(memory, self.memories.len())?);
        // Held while measuring, as above.
        let mut copies = self.copies.lock();
        if let Some(known) = copies.get(&(processor, memory)) {
            return Some(Ok(*known));
        }
        let found = match (from, to) {
            (Some(device), None) => measure_copies(device, Way::FromHost),
            (None, Some(device)) => measure_copies(device, Way::ToHost),
            (Some(device), Some(_)) if processor - self.processors.len() == memory - self.memories.len() => measure_copies(device, Way::Within),
            (Some(device), Some(other)) => measure_copies(device, Way::FromOther(other)),
            (None, None) => return Some(self.affinity(processor, memory)),
        };
        let found = found.map(|Speed { bandwidth, latency }| Affinity { bandwidth, latency });
        Some(found.inspect(|found| {
            copies.insert((processor, memory), *found);
        }))
    }

    fn place(&self, from: &Processor, to: &Memory) -> Place {
        let Some(node) = to.numa_node else { return Place::Shared };
        let near = self.allowed.iter().find(|cpu| cpu.node == node);
        match near {
            _ if from.first.node == node => Place::Near(from.first),
            Some(cpu) => Place::Near(*cpu),
            None => Place::Node(node),
        }
    }
}

/// Each rank has devices of its own where there are enough; otherwise ranks take turns at them. `nodes`: each rank's.
fn share<T>(nodes: &[u32], rank: usize, devices: Vec<T>) -> Vec<T> {
    let of_node = |ranks: &[u32]| ranks.iter().filter(|&&node| node == nodes[rank]).count();
    let (before, all, count) = (of_node(&nodes[..rank]), of_node(nodes), devices.len());
    let is_mine = |number: usize| number % all == before || count <= before && number == before % count;
    devices.into_iter().enumerate().filter(|(number, _)| is_mine(*number)).map(|(_, device)| device).collect()
}

fn processors(placement: &Placement) -> Vec<Processor> {
    let allowed = placement.allowed();
    let background = placement.workers - u32::from(placement.host_helps);
    let one = |number: u32| {
        // The MPI thread is the program's, and stays where the launcher let it run.
        let bound = if number == 0 { None } else { placement.bound(number) };
        let only = bound.or((allowed.cpus().len() == 1).then(|| allowed.cpu(0)));
        Processor {
            is_host: number == 0,
            helps: number > 0 || placement.host_helps,
            cpu: only.map(|cpu| cpu.number),
            numa_node: bound.map(|cpu| cpu.node).or(allowed.node()),
            first: bound.unwrap_or(allowed.cpu(0)),
        }
    };
    (0..=background).map(one).collect()
}

fn memories(shared: &NodeMemory) -> Result<Vec<Memory>> {
    let system = |memory: SystemMemory| Memory { kind: MemoryKind::System, numa_node: Some(memory.node), bytes: memory.bytes };
    let mut all: Vec<Memory> = SystemMemory::all()?.into_iter().map(system).collect();
    if shared.own.is_shared() {
        all.push(Memory { kind: MemoryKind::Shared, numa_node: None, bytes: shared.own.mapping.bytes() as u64 });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_node_share_its_devices() {
        let shares = |nodes: &[u32], devices: u32| (0..nodes.len()).map(|rank| share(nodes, rank, (0..devices).collect())).collect::<Vec<_>>();
        assert_eq!(shares(&[0, 0], 5), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(shares(&[0, 1, 0, 1, 1], 2), [vec![0], vec![0], vec![1], vec![1], vec![0]]);
        assert_eq!(shares(&[0, 0, 0], 1), [vec![0], vec![0], vec![0]]);
        assert_eq!(shares(&[0, 0], 0), [vec![], Vec::<u32>::new()]);
    }
}
