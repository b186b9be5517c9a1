//! What this process may run on: the processors of the mask that the launcher gave it, where each lies, the binding of
//! threads to them, the node's memories, and how fast a processor reaches each. Knows nothing of ranks' messages, workers'
//! queues or tasks.

mod affinity;
mod memory;
mod node;
mod pages;
mod topology;

pub use affinity::{measure, Affinity, Place};
pub use memory::{available_for_sharing, SystemMemory};
pub use node::node_identity;
#[cfg(test)]
pub use pages::policy_at;
pub use pages::{find, follows_a_policy, page_bytes, Found, Pages, Touching};
pub use topology::{reaches, Reach};

use crate::base::Result;
use crate::fail;
use std::fmt;

/// A processor as the operating system numbers it, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cpu {
    pub number: u32,
    /// Processors with equal core and package are hardware threads of one core.
    pub core: u32,
    pub package: u32,
    /// NUMA node; memory touched first here lies near.
    pub node: u32,
}

/// The processors of this process, in the order in which workers take them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    cpus: Vec<Cpu>,
    cores: usize,
}

impl Machine {
    /// The processors that the calling thread's mask allows. Called before any thread is bound.
    pub fn discover() -> Result<Self> {
        let cpus = topology::allowed()?;
        if cpus.is_empty() {
            fail!(Resources, "the process may run on no processor; look at the launcher's binding options");
        }
        Ok(Self::of(cpus))
    }

    /// Orders processors so that the first threads of all cores come before the second ones, neighbours staying near:
    /// workers then fill cores before they share them.
    fn of(mut cpus: Vec<Cpu>) -> Self {
        cpus.sort_by_key(|c| (c.node, c.package, c.core, c.number));
        let mut turn = 0;
        let mut order: Vec<(u32, Cpu)> = Vec::with_capacity(cpus.len());
        for (i, cpu) in cpus.iter().enumerate() {
            let sibling = i > 0 && (cpus[i - 1].package, cpus[i - 1].core) == (cpu.package, cpu.core);
            turn = if sibling { turn + 1 } else { 0 };
            order.push((turn, *cpu));
        }
        order.sort_by_key(|&(turn, _)| turn);
        let cores = order.iter().filter(|&&(turn, _)| turn == 0).count();
        Self { cpus: order.into_iter().map(|(_, cpu)| cpu).collect(), cores }
    }

    pub fn cpus(&self) -> &[Cpu] {
        &self.cpus
    }

    /// The NUMA node in which all processors lie, if they lie in one.
    pub fn node(&self) -> Option<u32> {
        let node = self.cpus.first()?.node;
        self.cpus.iter().all(|cpu| cpu.node == node).then_some(node)
    }

    /// The processor to which `bind` binds.
    pub fn cpu(&self, index: usize) -> Cpu {
        self.cpus[index % self.cpus.len()]
    }

    /// Cores in the mask, hardware threads of one counted once: how many workers there are unless the user says.
    pub fn cores(&self) -> usize {
        self.cores
    }

    /// Whether the process may run on a part of the node only, as when a launcher bound it: that part is then its own.
    pub fn restricted(&self) -> bool {
        let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        (self.cpus.len() as i64) < online
    }

    /// Two words that are equal in processes that were given the same processors of the same node.
    pub fn identity(&self) -> [u64; 2] {
        [node::node_identity(), node::hash(self)]
    }

    /// The part of the mask for process `index` of the `count` on this node that were given the same mask, as launchers
    /// do that bind to nothing: without it every process would bind its first worker to the same processor. `None` when
    /// there are fewer cores than processes, and binding would only stop the system from sharing them fairly.
    pub fn share(&self, index: usize, count: usize) -> Option<Self> {
        assert!(index < count, "process {index} of {count}");
        if count > self.cores {
            return None;
        }
        let (first, end) = (index * self.cores / count, (index + 1) * self.cores / count);
        let mine = &self.cpus[first..end];
        let with_siblings = |cpu: &&Cpu| mine.iter().any(|m| (m.package, m.core) == (cpu.package, cpu.core));
        Some(Self::of(self.cpus.iter().filter(with_siblings).copied().collect()))
    }

    /// Binds the calling thread to processor `index` of this machine; wraps around when there are more workers than
    /// processors.
    pub fn bind(&self, index: usize) -> Result<()> {
        let cpu = self.cpu(index);
        match topology::bind(&[cpu.number]) {
            Ok(()) => Ok(()),
            Err(error) => fail!(Resources, "a worker cannot be bound to processor {}: {error}; COHORT_BIND=0 turns binding off", cpu.number),
        }
    }

    /// Lets the calling thread run on every processor of this machine: for threads that a bound thread started.
    pub fn unbind(&self) -> Result<()> {
        let numbers: Vec<u32> = self.cpus.iter().map(|c| c.number).collect();
        match topology::bind(&numbers) {
            Ok(()) => Ok(()),
            Err(error) => fail!(Resources, "a thread cannot be given the process's processors back: {error}"),
        }
    }
}

/// Numbers in ascending order, as launchers and taskset write them: 0-3,8.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut numbers: Vec<u32> = self.cpus.iter().map(|c| c.number).collect();
        numbers.sort_unstable();
        for (i, run) in numbers.chunk_by(|a, b| a + 1 == *b).enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match run {
                [one] => write!(f, "{comma}{one}")?,
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Status;

    /// Two packages of two cores of two threads, numbered as Linux does: second threads after all first ones.
    fn eight() -> Machine {
        let cpu = |n: u32| Cpu { number: n, core: n % 2, package: n % 4 / 2, node: n % 4 / 2 };
        Machine::of((0..8).rev().map(cpu).collect())
    }

    fn numbers(machine: &Machine) -> Vec<u32> {
        machine.cpus().iter().map(|c| c.number).collect()
    }

    #[test]
    fn cores_come_before_their_second_threads() {
        let machine = eight();
        assert_eq!(machine.cores(), 4);
        assert_eq!(numbers(&machine), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn processors_are_listed_as_launchers_do() {
        let machine = eight();
        assert_eq!(machine.to_string(), "0-7");
        assert_eq!(machine.share(0, 2).unwrap().to_string(), "0-1,4-5");
        assert_eq!(machine.share(2, 4).unwrap().to_string(), "2,6");
    }

    #[test]
    fn processes_with_one_mask_share_it_without_overlap() {
        let machine = eight();
        assert_eq!(numbers(&machine.share(0, 2).unwrap()), [0, 1, 4, 5]);
        assert_eq!(numbers(&machine.share(1, 2).unwrap()), [2, 3, 6, 7]);
        assert_eq!(numbers(&machine.share(2, 4).unwrap()), [2, 6]);
        let parts: Vec<u32> = (0..3).flat_map(|i| numbers(&machine.share(i, 3).unwrap())).collect();
        assert_eq!(parts.iter().collect::<std::collections::BTreeSet<_>>().len(), 8, "{parts:?}");
        assert_eq!(parts.len(), 8);
        assert_eq!(machine.share(0, 5), None);
    }

    #[test]
    fn a_part_may_lie_in_one_node() {
        let machine = eight();
        assert_eq!(machine.node(), None);
        assert_eq!(machine.share(1, 2).unwrap().node(), Some(1));
    }

    #[test]
    fn a_bound_thread_runs_where_it_was_bound_and_nowhere_else() {
        let machine = Machine::discover().unwrap();
        assert!(machine.cores() >= 1 && machine.cores() <= machine.cpus().len());
        for (index, cpu) in machine.cpus().iter().enumerate() {
            let (allowed, running) = std::thread::scope(|scope| {
                let thread = scope.spawn(|| {
                    machine.bind(index).unwrap();
                    (topology::allowed().unwrap(), unsafe { libc::sched_getcpu() })
                });
                thread.join().unwrap()
            });
            assert_eq!(allowed, [*cpu]);
            assert_eq!(running, cpu.number as i32);
        }
        assert_eq!(Machine::discover().unwrap(), machine, "binding another thread left this one alone");
    }

    #[test]
    fn a_thread_gets_the_whole_mask_back() {
        let machine = Machine::discover().unwrap();
        let again = std::thread::scope(|scope| {
            let bound_then_not = || {
                machine.bind(0).unwrap();
                machine.unbind().unwrap();
                Machine::discover().unwrap()
            };
            scope.spawn(bound_then_not).join().unwrap()
        });
        assert_eq!(again, machine);
    }

    #[test]
    fn a_mask_without_processors_is_refused_by_name() {
        let nowhere = Machine::of(vec![Cpu { number: 100_000, core: 0, package: 0, node: 0 }]);
        let error = nowhere.bind(0).unwrap_err();
        assert_eq!(error.status, Status::Resources);
        assert!(error.text.contains("processor 100000") && error.text.contains("COHORT_BIND=0"), "{}", error.text);
    }
}
