//! Must epochs: the agreement of the ranks, the checks, and the launch of the members.

use super::Runtime;
use crate::base::Result;
use crate::fail;
use crate::operation::{self, Future, Launch, Launched};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What every rank says before an epoch begins. Ranks that fail their own checks take part too, so that none hangs.
struct Announcement {
    members: u64,
    /// Of the names of the tasks, in order.
    tasks: u64,
    accepted: u64,
}

/// `prepared`: this rank's members, or why they cannot be launched.
pub fn must_epoch(
    runtime: &Runtime,
    context: u64,
    members: u32,
    prepared: Result<Vec<Launch>>,
    points: Option<&[u32]>,
) -> Result<()> {
    runtime.check_mpi_thread()?;
    let (engine, frame) = super::context(context)?;
    if frame.body().is_some() || operation::inside_task() {
        fail!(WrongOrder, "a must epoch inside a task; launch it from the root context");
    }
    let checked = prepared.and_then(|launches| check(runtime, &launches, members, points).map(|_| launches));
    let mine = Announcement {
        members: members.into(),
        tasks: checked.as_ref().map_or(0, |launches| hash(launches)),
        accepted: checked.is_ok().into(),
    };
    let words = runtime.messages.gather(&[mine.members, mine.tasks, mine.accepted])?;
    let launches = checked?;
    for (rank, theirs) in words.chunks_exact(3).enumerate() {
        if theirs[2] == 0 {
            fail!(InvalidArgument, "rank {rank} refused the must epoch; the error it returned there says why");
        }
        if theirs[0] != mine.members {
            fail!(InvalidArgument, "rank {rank} launches {} members and this rank {members}; every rank launches equally many", theirs[0]);
        }
        if theirs[1] != mine.tasks {
            fail!(InvalidArgument, "rank {rank} launches other tasks than this rank, by name; every rank launches the same");
        }
    }
    engine.ask_about_members(&launches, runtime.rank * members);
    let mut results = runtime.members.lock();
    results.clear();
    for (k, mut launch) in launches.into_iter().enumerate() {
        let result = Future::default();
        launch.point = runtime.rank * members + k as u32;
        launch.member = true;
        launch.result = Some(result.clone());
        operation::launch(engine, frame, launch)?;
        results.push(result);
    }
    Ok(())
}

fn hash(launches: &[Launch]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for launch in launches {
        if let Launched::Task(kind, _) = &launch.work {
            kind.name.hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn check(runtime: &Runtime, launches: &[Launch], members: u32, points: Option<&[u32]>) -> Result<()> {
    if members == 0 {
        fail!(InvalidArgument, "a must epoch of 0 members; launch at least one on every rank");
    }
    if members > runtime.workers {
        fail!(
            Resources,
            "{members} members on a rank with {} processors; every member needs its own, so raise COHORT_WORKERS or launch fewer",
            runtime.workers
        );
    }
    let first = runtime.rank * members;
    for (k, &point) in points.unwrap_or(&[]).iter().enumerate() {
        if point != first + k as u32 {
            fail!(
                WrongRank,
                "member {k} of rank {} is said to be point {point}; it is point {}, and a member on another rank than its own would write another's ghost data",
                runtime.rank,
                first + k as u32
            );
        }
    }
    for (i, a) in launches.iter().enumerate() {
        if let Launched::Task(kind, _) = a.work {
            if kind.mpi_thread {
                fail!(
                    InvalidArgument,
                    "member {i}: task \"{}\" runs on the MPI thread only, and members have threads of their own; register it without COHORT_TASK_MPI_THREAD",
                    kind.name
                );
            }
        }
        for (j, b) in launches[..i].iter().enumerate() {
            if a.needs.iter().any(|a| b.needs.iter().any(|b| a.usage().conflicts(b.usage()))) {
                fail!(
                    Interference,
                    "members {j} and {i} conflict on a region, so that one would have to wait for the other (as it would with COHORT_ATOMIC); use COHORT_SIMULTANEOUS or other points"
                );
            }
        }
    }
    Ok(())
}
