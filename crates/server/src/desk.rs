//! The desk: pages for agents and supervisors, served by the same program with nothing from outside.
//!
//! ```text
//! engine ── CallObserver ──> feed ──> events (SSE) ──> page ──> outcome ──> engine
//! records ─────────────────────^  what a page missed
//! CreateDeskToken ──> token in a URL ──> cookie ──> every request after
//! ```

mod access;
mod agent_cursor;
mod agent_events;
mod api;
mod assets;
mod body;
mod call_events;
mod cookie;
mod events;
mod headers;
mod mask;
mod options;
mod outcome;
mod overview;
mod pages;
mod query;
mod refused;
mod routes;
mod service;
mod sse;
mod state;
mod token;
mod view;

pub use self::options::{DeskOptions, Scene, Script};
pub(crate) use self::routes::routes;
pub(crate) use self::service::Desk;
pub(crate) use self::state::DeskState;
