//! The mapping file of a run: read by every rank, and the same on all.

use crate::base::Result;
use crate::fail;
use crate::mapping::{FileMapper, Setting};
use crate::transport::Transport;
use std::sync::Arc;

/// What a rank tells the others: it has no file, it could not use its own, or else what the file is.
const NONE: u64 = 0;
const BROKEN: u64 = 1;

/// Collective. Every rank comes to the same verdict, so that none goes on without the others.
pub fn read(path: Option<&str>, setting: &Setting, transport: &dyn Transport) -> Result<Option<Arc<FileMapper>>> {
    let own = path.map(|path| FileMapper::read(path, setting)).transpose();
    let mine = match &own {
        Ok(None) => NONE,
        Ok(Some(file)) => file.identity.max(BROKEN + 1),
        Err(_) => BROKEN,
    };
    let all = transport.gather(&[mine], &mut || Ok(false))?;
    let own = own?;
    if let Some(broken) = all.iter().position(|&rank| rank == BROKEN) {
        fail!(InvalidArgument, "rank {broken} cannot use its mapping file; the error it returned there says why");
    }
    if let Some(other) = all.iter().position(|&rank| rank != all[0]) {
        let has = |rank: usize| if all[rank] == NONE { "none" } else { "one" };
        fail!(
            InvalidArgument,
            "the mapping files of ranks 0 and {other} differ (rank 0 has {}, rank {other} has {}); give every rank the same COHORT_MAPPING \
             (mpirun -x COHORT_MAPPING) and a file of the same content",
            has(0),
            has(other)
        );
    }
    Ok(own.map(Arc::new))
}
