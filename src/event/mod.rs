//! Completion: what waits for what, and who is released when something finishes. Knows neither what an operation does
//! nor who runs it: whoever completes a node gets the nodes that became ready.

mod barrier_words;
mod collective_words;
mod graph;
mod named_phases;
mod phase;
mod phase_count;
mod reservation;

pub use barrier_words::BarrierWords;
pub use collective_words::{CollectiveHead, Entry, Value, RESULTS_KEPT};
pub use graph::{Builder, Graph, NodeRef, Pool, State, CHUNK, CHUNKS};
pub use named_phases::NamedPhases;
pub use phase::PhaseCell;
pub use phase_count::MOST_ARRIVALS;
pub use reservation::{Hold, Reservation, Reservations};
