//! Dependence analysis: operations in, in program order; edges out. Executes nothing and knows no schedule. One
//! context is analysed by the one thread that launches in it, so there is no lock.

mod history;
mod sets;

pub use history::{Dependences, Use};
pub use sets::ContextAnalysis;
