//! The segments of the ranks of this node, as this rank sees them.

use super::segment::{Mapping, Name, Segment};
use super::{Bell, Board, News, Transport};
use crate::base::Result;
use crate::fail;
use crate::machine::node_identity;
use std::hash::{BuildHasher, RandomState};

pub struct NodeMemory {
    pub own: Segment,
    rank: u32,
    /// By rank; `None` for this one and for those of other nodes.
    peers: Vec<Option<Mapping>>,
}

impl NodeMemory {
    /// Collective. Without `share` this rank keeps its memory to itself, as if it ran on a node of its own.
    pub fn open(transport: &dyn Transport, bytes: usize, share: bool) -> Result<Self> {
        let (rank, size) = (transport.rank(), transport.size());
        if size == 1 {
            return Ok(Self { own: Segment::private(bytes)?, rank, peers: vec![None] });
        }
        // Random, so that a name left behind by a killed program is not met again.
        let name = Name { process: std::process::id().into(), nonce: RandomState::new().hash_one(rank) | 1 };
        let own = if share { Segment::create(&name, bytes) } else { Segment::private(bytes) };
        // Also without `share`: other ranks may have it, and wait for what this one says.
        let nonce = if share && own.is_ok() { name.nonce } else { 0 };
        let mine = [node_identity(), name.process, nonce, own.is_ok().into()];
        let all = transport.gather(&mine, &mut || Ok(false))?;
        let look = |(other, theirs): (usize, &[u64])| {
            let near = nonce != 0 && other != rank as usize && theirs[0] == mine[0] && theirs[2] != 0;
            near.then(|| Name::map(theirs[1], theirs[2])).flatten()
        };
        let peers = all.chunks_exact(mine.len()).enumerate().map(look).collect();
        // The name has to last until all have looked for it.
        transport.gather(&[0], &mut || Ok(false))?;
        drop(name);
        let own = own?;
        own.mapping.board().sign();
        if let Some(failed) = all.chunks_exact(mine.len()).position(|theirs| theirs[3] == 0) {
            fail!(Resources, "rank {failed} could not create its node-shared memory; the error it returned there says why");
        }
        Ok(Self { own, rank, peers })
    }

    pub fn rank(&self) -> u32 {
        self.rank
    }

    /// The memory of a rank; `None` if it lies on another node or does not exist.
    pub fn of(&self, rank: u32) -> Option<&Mapping> {
        if rank == self.rank {
            return Some(&self.own.mapping);
        }
        self.peers.get(rank as usize)?.as_ref()
    }

    pub fn size(&self) -> u32 {
        self.peers.len() as u32
    }

    pub fn bell(&self) -> &Bell {
        self.own.mapping.bell()
    }

    pub fn news(&self) -> &News {
        self.own.mapping.news()
    }

    /// The board of a rank; `None` where `of` is.
    pub fn board(&self, rank: u32) -> Option<&Board> {
        self.of(rank).map(Mapping::board)
    }

    /// This rank's bit in masks of listeners. Ranks may share one, and are rung together.
    pub fn bit(&self) -> u32 {
        self.rank % u64::BITS
    }

    /// Rings the bells of the ranks of this node whose bits are set, but not this one's: something in this pigeonhole changed.
    pub fn ring(&self, mut bits: u64, pigeonhole: usize) {
        while bits != 0 {
            let bit = bits.trailing_zeros();
            bits &= bits - 1;
            for peer in self.peers.iter().skip(bit as usize).step_by(u64::BITS as usize).flatten() {
                peer.news().mark(pigeonhole);
                peer.bell().ring();
            }
        }
    }

    /// Has the ranks of this node look whatever they are at: something in this pigeonhole changed.
    pub fn ring_out(&self, pigeonhole: usize) {
        for peer in self.peers.iter().flatten() {
            peer.news().mark(pigeonhole);
            peer.bell().ring_out();
        }
    }
}
