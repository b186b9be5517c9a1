//! The tables behind the handles.

use crate::base::{Kind, Result, Table};
use crate::interop::{Halo, Handshake};
use crate::operation::inline::Mapping;
use crate::mapping::Registered;
use crate::operation::{Future, FutureMap, Predicate, PartitionObject, Projection, RegionObject, TaskKind};
use crate::region::{FieldSpace, IndexSpace};
use std::sync::atomic::Ordering;
use std::sync::Arc;

pub struct Objects {
    pub index_spaces: Table<IndexSpace>,
    pub field_spaces: Table<Arc<FieldSpace>>,
    pub regions: Table<RegionObject>,
    pub partitions: Table<PartitionObject>,
    pub tasks: Table<Arc<TaskKind>>,
    /// By number.
    pub projections: boxcar::Vec<Projection>,
    pub futures: Table<Future>,
    pub future_maps: Table<FutureMap>,
    pub predicates: Table<Predicate>,
    pub handshakes: Table<Arc<Handshake>>,
    pub halos: Table<Halo>,
    pub mappers: Table<Arc<Registered>>,
    pub mappings: Table<Arc<Mapping>>,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            index_spaces: Table::new(Kind::IndexSpace),
            field_spaces: Table::new(Kind::FieldSpace),
            regions: Table::new(Kind::Region),
            partitions: Table::new(Kind::Partition),
            tasks: Table::new(Kind::Task),
            projections: boxcar::Vec::new(),
            futures: Table::new(Kind::Future),
            future_maps: Table::new(Kind::FutureMap),
            predicates: Table::new(Kind::Predicate),
            handshakes: Table::new(Kind::Handshake),
            halos: Table::new(Kind::Halo),
            mappers: Table::new(Kind::Mapper),
            mappings: Table::new(Kind::Mapping),
        }
    }
}

impl Objects {
    /// The handle of a sub-region; the same one every time.
    pub fn subregion(&self, partition: u64, colour: u32) -> Result<u64> {
        let partition = self.partitions.get(partition)?;
        let region = partition.region(colour)?;
        let slot = &partition.handles[colour as usize];
        let known = slot.load(Ordering::Acquire);
        if known != 0 {
            return Ok(known);
        }
        let made = self.regions.insert(region)?;
        match slot.compare_exchange(0, made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(made),
            Err(other) => self.regions.remove(made).map(|_| other),
        }
    }

    pub fn remove_partition(&self, partition: u64) -> Result<()> {
        for slot in &self.partitions.get(partition)?.handles {
            let handle = slot.load(Ordering::Acquire);
            if handle != 0 {
                // The program may have destroyed it by itself.
                let _ = self.regions.take(handle);
            }
        }
        self.partitions.take(partition).map(drop)
    }
}
