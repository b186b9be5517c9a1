//! From which memory data is copied that is valid in several: from the nearest, unless a mapper says otherwise. It is asked before the copies are
//! planned, and outside of the tree's lock: what it is told is how things are then, and what it answers is an order of memories,
//! which holds whatever has become of them meanwhile.

use super::super::body::{Body, Held, Work};
use super::super::mapped::need_of;
use super::super::{Engine, TaskKind, TreeData};
use super::resident::{Place, State};
use super::Devices;
use crate::instance::{nearest_source, MemoryNumber, Offers, HOST_MEMORY};
use crate::mapping::{Chain, Question, Source, SourcesInfo};
use crate::region::Privilege;
use smallvec::SmallVec;
use std::ffi::CStr;

/// Memories, from which copies are made before those that are not named.
#[derive(Default)]
pub struct Ranking(SmallVec<[MemoryNumber; 4]>);

impl Ranking {
    /// Of sources for copies to a memory: least first.
    pub fn of<'a>(&'a self, to: MemoryNumber) -> impl Fn(MemoryNumber) -> u32 + 'a {
        move |from| match self.0.iter().position(|&named| named == from) {
            Some(at) => at as u32,
            None => self.0.len() as u32 + nearest_source(to)(from),
        }
    }
}

/// Who ranks the sources of an operation's copies.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    chain: &'a Chain,
    task: u64,
    name: &'a CStr,
}

impl Engine {
    /// Who ranks the sources of a task's copies, if anybody does.
    pub fn who_ranks<'a>(&self, kind: &'a TaskKind) -> Option<Asking<'a>> {
        let chain = kind.mappers().filter(|chain| chain.answers(Question::RankCopySources))?;
        Some(Asking { chain, task: kind.handle(), name: kind.c_name() })
    }

    /// The same of any operation of the host.
    pub fn who_ranks_for<'a>(&'a self, body: &Body) -> Option<Asking<'a>> {
        match &body.work {
            Work::Task(kind) => self.who_ranks(kind),
            Work::Copy | Work::Indirect(_) => self.who_ranks_copies(),
            _ => self.who_ranks_others(c"operation"),
        }
    }

    /// The same of explicit copies.
    pub fn who_ranks_copies(&self) -> Option<Asking<'_>> {
        self.who_ranks_others(c"copy")
    }

    fn who_ranks_others<'a>(&'a self, name: &'a CStr) -> Option<Asking<'a>> {
        let chain = self.mappers.general().filter(|chain| chain.answers(Question::RankCopySources))?;
        Some(Asking { chain, task: 0, name })
    }
}

/// What has to be copied for a requirement, in bytes, and how much of it each memory could give.
#[derive(Default)]
pub struct Offered {
    missing: u64,
    each: Offers,
}

impl Offered {
    /// `to`: where it is to become valid, if there is a place yet.
    pub fn of(state: &State, held: &Held, to: Option<Place>) -> Self {
        let mut all = Self::default();
        for field in held.mask.iter() {
            let bytes = held.node().tree.fields.bytes(field).unwrap_or(0) as u64;
            // Where there is no memory to find out, nobody is asked.
            let Ok((missing, each)) = state.offers(field, &held.node().domain, to) else { return Self::default() };
            all.missing += missing * bytes;
            for (from, points) in each {
                match all.each.iter_mut().find(|known| known.0 == from) {
                    Some(known) => known.1 += points * bytes,
                    None => all.each.push((from, points * bytes)),
                }
            }
        }
        all
    }

    /// Some points are valid in several memories.
    fn is_a_choice(&self) -> bool {
        self.each.iter().map(|offer| offer.1).sum::<u64>() > self.missing
    }
}

impl Devices {
    /// The number of a memory in the machine's list, where the host's data has that of the first.
    fn listed(&self, memory: MemoryNumber) -> i32 {
        match memory {
            HOST_MEMORY => 0,
            device => (self.memories_before + device - 1) as i32,
        }
    }

    /// In which order memories give what a requirement is to have at `to`.
    pub fn rank_sources(&self, asking: &Asking, data: &TreeData, need: (usize, &Held), to: Place) -> Ranking {
        let Some(resident) = data.on_devices.get() else { return Ranking::default() };
        let (memory, offered) = {
            let state = resident.lock();
            (state.memory(to), Offered::of(&state, need.1, Some(to)))
        };
        self.ask_for_sources(asking, need, memory, &offered)
    }

    /// The same for what a requirement of a task or a copy here is to have: one that discards it gets nothing copied.
    pub fn rank_sources_for(&self, asking: Option<Asking>, data: &TreeData, need: (usize, &Held), to: Place) -> Ranking {
        let asking = asking.filter(|_| need.1.access.privilege != Privilege::WriteDiscard);
        asking.map(|asking| self.rank_sources(&asking, data, need, to)).unwrap_or_default()
    }

    /// Asks if there is a choice.
    pub fn ask_for_sources(&self, asking: &Asking, (number, held): (usize, &Held), to: MemoryNumber, offered: &Offered) -> Ranking {
        if !offered.is_a_choice() {
            return Ranking::default();
        }
        let mut offers = offered.each.clone();
        offers.sort_by_key(|offer| nearest_source(to)(offer.0));
        let sources: SmallVec<[Source; 4]> = offers.iter().map(|&(from, bytes)| Source { memory: self.listed(from), bytes }).collect();
        let order = asking.chain.rank_sources(&SourcesInfo {
            task: asking.task,
            name: asking.name,
            number: number as u32,
            need: need_of(held),
            destination: self.listed(to),
            bytes: offered.missing,
            sources: &sources,
        });
        let named = |listed: i32| offers.iter().map(|offer| offer.0).find(|&from| self.listed(from) == listed);
        Ranking(order.into_iter().filter_map(named).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_that_are_named_come_first_and_others_nearest_first() {
        let order = |ranking: Ranking| {
            let mut all = [0, 1, 2, 3];
            all.sort_by_key(|&memory| ranking.of(2)(memory));
            all
        };
        assert_eq!(order(Ranking::default()), [2, 0, 1, 3]);
        assert_eq!(order(Ranking(SmallVec::from_slice(&[3, 0]))), [3, 0, 2, 1]);
    }
}
