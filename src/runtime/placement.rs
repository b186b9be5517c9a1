//! Which processors this rank takes, and whether its workers are bound to them.

use crate::base::{Config, Result};
use crate::machine::Machine;
use crate::transport::Transport;
use std::fmt;

const MAX_WORKERS: u32 = 64;

pub struct Placement {
    machine: Machine,
    pub workers: u32,
    bind: bool,
    /// What the launcher allowed, before it was shared out.
    allowed: Machine,
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
        Ok(Self { machine: share.unwrap_or_else(|| allowed.clone()), workers, bind, allowed })
    }

    /// What binds worker `number`, in the thread that is it.
    pub fn binder(self) -> Box<dyn Fn(u32) + Send + Sync> {
        if !self.bind {
            return Box::new(|_| ());
        }
        Box::new(move |number| {
            if let Err(error) = self.machine.bind(number as usize) {
                eprintln!("cohort: {}", error.text);
            }
        })
    }
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
