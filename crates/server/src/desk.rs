//! The desk: pages for agents and supervisors, served by the same program with nothing from outside.
//!
//! ```text
//! engine ── CallObserver ──> feed ──> events (SSE) ──> page
//! records ─────────────────────^  what a page missed
//! ```

mod assets;
mod call_events;
mod headers;
mod mask;
mod query;
mod routes;
mod sse;
mod view;

pub(crate) use self::routes::routes;
