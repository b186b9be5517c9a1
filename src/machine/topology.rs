//! Where processors and memories lie, which of them a thread may use, and the binding of threads, by hwloc.

use super::{Cpu, SystemMemory};
use crate::base::Result;
use crate::fail;
use hwlocality::bitmap::BitmapIndex;
use hwlocality::cpu::binding::CpuBindingFlags;
use hwlocality::cpu::cpuset::CpuSet;
use hwlocality::memory::attribute::MemoryAttribute;
use hwlocality::object::attributes::ObjectAttributes;
use hwlocality::object::types::ObjectType;
use hwlocality::object::TopologyObject;
use hwlocality::Topology;
use std::collections::HashSet;
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
    let pu = pu(topology, cpu);
    let size = |object: &TopologyObject| match object.attributes() {
        Some(ObjectAttributes::Cache(cache)) => cache.size().map(|size| size.get() as usize),
        _ => None,
    };
    Ok(pu.into_iter().flat_map(TopologyObject::ancestors).filter_map(size).max().unwrap_or(0))
}

fn pu<'a>(topology: &'a Topology, cpu: &Cpu) -> Option<&'a TopologyObject> {
    topology.objects_with_type(ObjectType::PU).find(|pu| pu.os_index() == Some(cpu.number as usize))
}

/// What the machine's tables say of how fast the processors of one NUMA node, all together, reach the memory of another, or their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    pub from: u32,
    pub to: u32,
    /// Bytes in a second.
    pub bandwidth: f64,
    /// Whether the memory is some processors' own.
    pub has_processors: bool,
}

/// Those of the nodes of these processors. Where the tables say nothing, as on most machines with one kind of memory, there are none.
pub fn reaches(cpus: &[Cpu]) -> Result<Vec<Reach>> {
    Ok(reaches_in(this_machine()?, cpus))
}

fn reaches_in(topology: &Topology, cpus: &[Cpu]) -> Vec<Reach> {
    let with_processors: HashSet<u32> = topology.objects_with_type(ObjectType::PU).filter_map(place).map(|cpu| cpu.node).collect();
    let (bandwidth, mut seen, mut found) = (MemoryAttribute::bandwidth(topology), HashSet::new(), Vec::new());
    for cpu in cpus.iter().filter(|cpu| seen.insert(cpu.node)) {
        let Some(processor) = pu(topology, cpu) else { continue };
        found.extend(topology.objects_with_type(ObjectType::NUMANode).filter_map(|node| {
            let to = node.os_index()? as u32;
            // MiB.
            let value = bandwidth.value(Some(processor.cpuset()?.into()), node).ok()??;
            Some(Reach { from: cpu.node, to, bandwidth: value as f64 * f64::from(1 << 20), has_processors: with_processors.contains(&to) })
        }));
    }
    found
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

    /// Two processors with DRAM, two without tables, fast memory beside the former, and slow memory that all reach.
    const SEVERAL_KINDS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
<object type="Machine" os_index="0" cpuset="0xf" complete_cpuset="0xf" allowed_cpuset="0xf" nodeset="0xf" complete_nodeset="0xf" allowed_nodeset="0xf" gp_index="1">
<object type="NUMANode" os_index="3" cpuset="0xf" complete_cpuset="0xf" nodeset="0x8" complete_nodeset="0x8" gp_index="2" local_memory="1073741824"/>
<object type="Package" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0xd" complete_nodeset="0xd" gp_index="3">
<object type="NUMANode" os_index="0" cpuset="0x3" complete_cpuset="0x3" nodeset="0x1" complete_nodeset="0x1" gp_index="4" local_memory="1073741824"/>
<object type="NUMANode" os_index="2" cpuset="0x3" complete_cpuset="0x3" nodeset="0x4" complete_nodeset="0x4" gp_index="5" local_memory="1073741824"/>
<object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0xd" complete_nodeset="0xd" gp_index="6"/>
<object type="PU" os_index="1" cpuset="0x2" complete_cpuset="0x2" nodeset="0xd" complete_nodeset="0xd" gp_index="7"/>
</object>
<object type="Package" os_index="1" cpuset="0xc" complete_cpuset="0xc" nodeset="0xa" complete_nodeset="0xa" gp_index="8">
<object type="NUMANode" os_index="1" cpuset="0xc" complete_cpuset="0xc" nodeset="0x2" complete_nodeset="0x2" gp_index="9" local_memory="1073741824"/>
<object type="PU" os_index="2" cpuset="0x4" complete_cpuset="0x4" nodeset="0xa" complete_nodeset="0xa" gp_index="10"/>
<object type="PU" os_index="3" cpuset="0x8" complete_cpuset="0x8" nodeset="0xa" complete_nodeset="0xa" gp_index="11"/>
</object>
</object>
<memattr name="Bandwidth" flags="5">
<memattr_value target_obj_type="NUMANode" target_obj_gp_index="4" value="100000" initiator_cpuset="0x3"/>
<memattr_value target_obj_type="NUMANode" target_obj_gp_index="5" value="400000" initiator_cpuset="0x3"/>
<memattr_value target_obj_type="NUMANode" target_obj_gp_index="2" value="20000" initiator_cpuset="0xf"/>
</memattr>
</topology>"#;

    #[test]
    fn tables_say_which_memory_is_fast() {
        let machine = TopologyBuilder::new().from_xml(SEVERAL_KINDS).unwrap().build().unwrap();
        let cpus = places(&machine, &machine.cpuset().clone_target());
        assert_eq!(cpus.iter().map(|cpu| cpu.node).collect::<Vec<_>>(), [0, 0, 1, 1]);
        let mut found: Vec<_> = reaches_in(&machine, &cpus).iter().map(|one| (one.from, one.to, one.bandwidth as u64 >> 20, one.has_processors)).collect();
        found.sort_unstable();
        assert_eq!(found, [(0, 0, 100_000, true), (0, 2, 400_000, false), (0, 3, 20_000, false), (1, 3, 20_000, false)]);
        let silent = TopologyBuilder::new().from_synthetic("numa:2 core:2 pu:1").unwrap().build().unwrap();
        assert!(reaches_in(&silent, &places(&silent, &silent.cpuset().clone_target())).is_empty());
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
