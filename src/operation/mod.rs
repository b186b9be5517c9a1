//! Operations from launch to completion: tasks, index launches, fills, and the contexts they are launched in. An
//! operation is a node of the completion graph and a body at the same index. Knows regions and storage, not handshakes,
//! ranks or C: what else an operation waits for or arrives at comes as `Gate`s.

pub mod acquire;
mod activity;
pub mod attach;
mod body;
mod context;
pub mod converted;
pub mod copy;
mod current;
pub mod dependent;
pub mod devices;
mod draft;
mod engine;
mod failure;
mod frame;
mod future;
mod index;
pub mod indirect;
pub mod inline;
mod inline_task;
mod launch;
mod mapped;
mod object;
mod placed;
mod predicate;
mod projection;
mod reduction;
mod replayed;
mod sharing;
mod task;
mod told;
mod turns;
mod view;

pub use activity::Activity;
pub use body::{Arrival, Body};
pub use context::Context;
pub use copy::{Elsewhere, Transfer};
pub use draft::Draft;
pub use engine::{Engine, Outside, SeatSet, MOST_TEXT};
pub use failure::Failures;
pub use current::{current_task, inside_task};
pub use frame::Frame;
pub use future::{Future, FutureCell, FutureMap};
pub use index::IndexLaunch;
pub use launch::{check, launch, Gate, Launch, Launched, Need};
pub use object::{Home, PartitionObject, RegionObject, RegionRef, Shared, TreeData, TreeName, ANYBODY};
pub use crate::mapping::Processor;
pub use predicate::{combine, Predicate};
pub use projection::{Colours, Projection, ProjectionFunction, Regions};
pub use task::{TaskBody, TaskKind};
pub use view::{requirement, view, View};
