//! One process, alone.

use super::Transport;
use crate::base::Result;

pub struct Loopback;

impl Transport for Loopback {
    fn rank(&self) -> u32 {
        0
    }
    fn size(&self) -> u32 {
        1
    }
    fn gather(&self, mine: &[u64]) -> Result<Vec<u64>> {
        Ok(mine.to_vec())
    }
    fn barrier(&self) -> Result<()> {
        Ok(())
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
}
