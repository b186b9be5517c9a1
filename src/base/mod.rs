//! What every other module stands on: status and error text, generational handles, settings, and the one door to
//! atomics. Knows nothing of regions, tasks or ranks.

mod chunks;
pub mod config;
pub mod futex;
pub mod handle;
mod lookup;
pub mod memory;
mod pieces;
mod sharing;
mod stash;
pub mod status;
pub mod sync;
mod tell;
mod thread;

pub use chunks::Chunks;
pub use config::Config;
pub use handle::{Kind, Table};
pub use lookup::Lookup;
pub use pieces::Pieces;
pub use sharing::Sharing;
pub use stash::Stash;
pub use status::{expect_errors, Error, Result, Status};
pub use tell::tell;
pub use thread::{as_callback, thread_token, CALLBACK};
