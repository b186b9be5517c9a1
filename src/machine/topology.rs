//! Where processors lie, which of them a thread may use, and the binding of threads, by hwloc.

use super::Cpu;
use crate::base::Result;
use crate::fail;
use hwlocality::bitmap::BitmapIndex;
use hwlocality::cpu::binding::CpuBindingFlags;
use hwlocality::cpu::cpuset::CpuSet;
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

#[cfg(test)]
mod tests {
    use super::*;
    use hwlocality::topology::builder::TopologyBuilder;

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
