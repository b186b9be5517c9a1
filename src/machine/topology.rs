//! Where processors and memories lie, which of them a thread may use, and the binding of threads, by hwloc.

use super::{Cpu, SystemMemory};
use crate::base::Result;
use crate::fail;
use hwlocality::bitmap::BitmapIndex;
use hwlocality::cpu::binding::CpuBindingFlags;
use hwlocality::cpu::cpuset::CpuSet;
use hwlocality::memory::binding::{MemoryBindingFlags, MemoryBindingPolicy};
use hwlocality::memory::nodeset::NodeSet;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::types::ObjectType;
use hwlocality::object::TopologyObject;
use hwlocality::Topology;
use std::sync::OnceLock;

/// This machine, looked at once.
fn this_machine() -> Result<&'static Topology> {
    static MACHINE: OnceLock<std::result::Result<Topology, String>> = OnceLock::new();
    match MACHINE.get_or_init(|| Topology::new().map_err(|error| error.to_string())) {
        Ok(topology) => Ok(topology),
        Err(error) => fail!(Resources, "hwloc cannot tell what this machine looks like: {error}"),
    }
}

/// The processors on which the calling thread may run, ascending by number.
pub fn allowed() -> Result<Vec<Cpu>> {
    let topology = this_machine()?;
    match topology.cpu_binding(CpuBindingFlags::THREAD) {
        Ok(mask) => Ok(places(topology, &mask)),
        Err(error) => fail!(Resources, "the process's processor mask cannot be read: {error}"),
    }
}

fn places(topology: &Topology, mask: &CpuSet) -> Vec<Cpu> {
    let mut cpus: Vec<Cpu> = topology.pus_from_cpuset(mask).filter_map(place).collect();
    cpus.sort_unstable_by_key(|cpu| cpu.number);
    cpus
}

/// Machines that hide a level have one object of it, and no cores where each processor is one.
fn place(pu: &TopologyObject) -> Option<Cpu> {
    let number = pu.os_index()? as u32;
    let within = |level| pu.first_ancestor_with_type(level).map(|object| object.logical_index() as u32);
    Some(Cpu {
        number,
        core: within(ObjectType::Core).unwrap_or(number),
        package: within(ObjectType::Package).unwrap_or(0),
        node: pu.nodeset().and_then(|nodes| nodes.first_set()).map_or(0, |node| usize::from(node) as u32),
    })
}

/// Lets the calling thread run on these processors only.
pub fn bind(numbers: &[u32]) -> Result<()> {
    let topology = this_machine()?;
    let set: CpuSet = numbers.iter().filter_map(|n| BitmapIndex::try_from(*n as usize).ok()).collect();
    match topology.bind_cpu(&set, CpuBindingFlags::THREAD) {
        Ok(()) => Ok(()),
        Err(error) => fail!(Resources, "{error}"),
    }
}

/// The NUMA nodes that have memory and that this process may use.
pub fn memories() -> Result<Vec<SystemMemory>> {
    Ok(banks(this_machine()?))
}

fn banks(topology: &Topology) -> Vec<SystemMemory> {
    let bank = |object: &TopologyObject| {
        let Some(ObjectAttributes::NUMANode(attributes)) = object.attributes() else { return None };
        Some(SystemMemory { node: object.os_index()? as u32, bytes: attributes.local_memory()?.get() })
    };
    let mut found: Vec<_> = topology.objects_with_type(ObjectType::NUMANode).filter_map(bank).collect();
    found.sort_unstable_by_key(|memory| memory.node);
    found
}

/// Bytes of the largest cache of a processor; 0 if hwloc sees none.
pub fn cache_bytes(cpu: &Cpu) -> Result<usize> {
    let topology = this_machine()?;
    let pu = topology.objects_with_type(ObjectType::PU).find(|pu| pu.os_index() == Some(cpu.number as usize));
    let size = |object: &TopologyObject| match object.attributes() {
        Some(ObjectAttributes::Cache(cache)) => cache.size().map(|size| size.get() as usize),
        _ => None,
    };
    Ok(pu.into_iter().flat_map(TopologyObject::ancestors).filter_map(size).max().unwrap_or(0))
}

/// Has the pages of an area that nobody touched yet come from this NUMA node.
pub fn bind_area(area: &[u8], node: u32) -> Result<()> {
    let nodes: NodeSet = BitmapIndex::try_from(node as usize).into_iter().collect();
    let topology = this_machine()?;
    match topology.bind_memory_area(area, &nodes, MemoryBindingPolicy::Bind, MemoryBindingFlags::empty()) {
        Ok(()) => Ok(()),
        Err(error) => fail!(Resources, "no memory can be had from NUMA node {node}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hwlocality::topology::builder::TopologyBuilder;

    #[test]
    fn memories_are_those_of_the_nodes() {
        let machine = TopologyBuilder::new().from_synthetic("numa:3(memory=1048576) core:2 pu:1").unwrap().build().unwrap();
        let bank = |node| SystemMemory { node, bytes: 1 << 20 };
        assert_eq!(banks(&machine), [bank(0), bank(1), bank(2)]);
    }

    #[test]
    fn places_are_found_in_any_machine() {
        let machine = TopologyBuilder::new().from_synthetic("numa:2 pack:1 core:2 pu:2").unwrap().build().unwrap();
        let cpus = places(&machine, &machine.cpuset().clone_target());
        assert_eq!(cpus.len(), 8);
        assert_eq!(cpus[5], Cpu { number: 5, core: 2, package: 1, node: 1 });
        let flat = TopologyBuilder::new().from_synthetic("pu:3").unwrap().build().unwrap();
        assert_eq!(places(&flat, &flat.cpuset().clone_target())[2], Cpu { number: 2, core: 2, package: 0, node: 0 });
    }
}
