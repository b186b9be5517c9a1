//! Which processors this rank takes, and whether its workers are bound to them.

use crate::base::{Config, Result};
use crate::machine::{Cpu, Machine};
use crate::transport::Transport;
use std::collections::HashMap;
use std::fmt;

const MAX_WORKERS: u32 = 64;

#[derive(Clone)]
pub struct Placement {
    machine: Machine,
    pub workers: u32,
    /// Whether the MPI thread is one of the workers.
    pub host_helps: bool,
    bind: bool,
    /// What the launcher allowed, before it was shared out.
    allowed: Machine,
    /// By rank: the number of its node, nodes being numbered in the order of their first ranks.
    pub nodes: Vec<u32>,
}

impl Placement {
    /// Collective. Ranks that were given the same processors share them out.
    pub fn choose(config: &Config, transport: &dyn Transport) -> Result<Self> {
        let allowed = Machine::discover()?;
        let mine = allowed.identity();
        let all = transport.gather(&mine, &mut || Ok(false))?;
        let alike: Vec<usize> = (0..transport.size() as usize).filter(|r| all[2 * r..2 * r + 2] == mine).collect();
        let index = alike.iter().position(|&r| r == transport.rank() as usize).unwrap_or(0);
        let share = allowed.share(index, alike.len().max(1));
        let cores = share.as_ref().map_or(1, Machine::cores) as u32;
        let workers = config.workers.unwrap_or(cores.min(MAX_WORKERS));
        // On processors that the whole node may use, the system moves threads out of the way of other programs.
        let bind = config.bind.unwrap_or(allowed.restricted() && share.is_some() && workers <= cores);
        let host_helps = config.host_helps.unwrap_or(true);
        let nodes = numbered(all.chunks_exact(mine.len()).map(|identity| identity[0]));
        Ok(Self { machine: share.unwrap_or_else(|| allowed.clone()), workers, host_helps, bind, allowed, nodes })
    }

    /// The processor to which background worker `number`, from 1, is bound.
    pub fn bound(&self, number: u32) -> Option<Cpu> {
        let before = u32::from(!self.host_helps);
        self.bind.then(|| self.machine.cpu((number - before) as usize))
    }

    /// Where threads may run that are not bound.
    pub fn allowed(&self) -> &Machine {
        &self.allowed
    }

    /// The NUMA node in which all processors of this rank lie, if they lie in one.
    pub fn node(&self) -> Option<u32> {
        if self.bind { &self.machine } else { &self.allowed }.node()
    }

    /// What binds worker `number`, in the thread that is it.
    pub fn binder(self) -> Box<dyn Fn(u32) + Send + Sync> {
        if !self.bind {
            return Box::new(|_| ());
        }
        Box::new(move |number| {
            if let Err(error) = self.machine.bind(number as usize) {
                crate::tell!("cohort: {}", error.text);
            }
        })
    }
}

/// Each value's number, equal values having the same: 0 for the first, then counting up as new ones come.
fn numbered(values: impl Iterator<Item = u64>) -> Vec<u32> {
    let mut known = HashMap::new();
    let number = |value| {
        let next = known.len() as u32;
        *known.entry(value).or_insert(next)
    };
    values.map(number).collect()
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (workers, of) = (self.workers, &self.allowed);
        let plural = if workers == 1 { "" } else { "s" };
        write!(f, "{workers} worker{plural}, ")?;
        if self.bind {
            write!(f, "each bound to one of processors {} of {of} that the launcher allows", self.machine)
        } else {
            write!(f, "not bound, on processors {of} (COHORT_BIND=1 binds them)")
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nodes_are_numbered_by_their_first_ranks() {
        assert_eq!(super::numbered([7, 7, 3, 9, 3, 7].into_iter()), [0, 0, 1, 2, 1, 0]);
    }
}
