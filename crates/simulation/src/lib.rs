//! From clean recordings to telephone calls whose channel is simulated, and the lists by which
//! `earmark evaluate` measures on them. docs/simulation.md says what is modeled and what is not.
//!
//! Everything is drawn from one seed. Each call has generators of its own, keyed by its name, so it
//! stays the same to the bit whatever else is made.

mod activity;
mod call;
mod channel;
mod codec;
mod design;
mod draw;
mod error;
mod events;
mod lists;
mod material;
mod not_speech;
mod output;
mod plan;
mod scene;
mod signal;
mod simulation;
mod spoken;

pub use call::SimulatedCall;
pub use codec::ulaw;
pub use error::SimulationError;
pub use material::{Folder, Materials, Speakers};
pub use output::{OutputFormat, Summary};
pub use plan::{Plan, Preset};
pub use simulation::Simulation;

/// Samples a second of everything here.
pub const RATE_HZ: usize = 8_000;
