//! What the tests stand on: the real server as a process of its own, the generated clients, human
//! voices, and words for what must be refused.

pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod enrollments;
pub(crate) mod events;
pub(crate) mod refused;
pub(crate) mod server;
pub(crate) mod voices;
pub(crate) mod web;
pub(crate) mod world;
