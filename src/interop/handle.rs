//! Handles of what lies in node-shared memory. They say where, so that every rank of the node finds the object without
//! asking anybody: `kind:8 | generation:12 | place:24 | owner:20`.

use crate::base::{Kind, Result};
use crate::fail;
use crate::transport::GRAIN;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub generation: u64,
    /// In units of the allocator's grain.
    pub place: u64,
    pub owner: u32,
}

impl Handle {
    const GENERATIONS: u64 = 1 << 12;
    const PLACES: u64 = 1 << 24;
    const OWNERS: u32 = 1 << 20;

    pub fn word(self, kind: Kind) -> Result<u64> {
        if self.place >= Self::PLACES || self.owner >= Self::OWNERS {
            fail!(
                Resources,
                "what lies at place {} of rank {} has no handle, which reach {} places of {} ranks; create barriers and collectives before large ghost regions",
                self.place,
                self.owner,
                Self::PLACES,
                Self::OWNERS
            );
        }
        Ok((kind as u64) << 56 | (self.generation % Self::GENERATIONS) << 44 | self.place << 20 | u64::from(self.owner))
    }

    /// What lies so many bytes further on; a multiple of the allocator's grain.
    pub fn offset_by(self, bytes: usize) -> Self {
        Self { place: self.place + (bytes / GRAIN) as u64, ..self }
    }

    pub fn of(word: u64) -> Self {
        Self {
            generation: word >> 44 & (Self::GENERATIONS - 1),
            place: word >> 20 & (Self::PLACES - 1),
            owner: word as u32 & (Self::OWNERS - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_say_where_an_object_lies() {
        for (generation, place, owner) in [(0, 0, 0), (4095, (1 << 24) - 1, (1 << 20) - 1), (7, 8, 9)] {
            let handle = Handle { generation, place, owner };
            let word = handle.word(Kind::Collective).unwrap();
            assert_eq!((Handle::of(word), Kind::Collective.check(word)), (handle, Ok(())));
        }
        assert!(Handle { generation: 0, place: 1 << 24, owner: 0 }.word(Kind::PhaseBarrier).is_err());
    }
}
