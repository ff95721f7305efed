//! What the tests stand on: the real server as a process of its own, the generated clients, human
//! voices, telephones and a browser, and words for what must be refused.

#[path = "../../../src/commands/demo/browser.rs"]
#[allow(dead_code, reason = "the demo shares it, and uses another part of it")]
pub(crate) mod browser;
pub(crate) mod calls;
pub(crate) mod cisco;
pub(crate) mod clients;
pub(crate) mod enrollments;
pub(crate) mod events;
pub(crate) mod g711;
pub(crate) mod refused;
pub(crate) mod server;
pub(crate) mod sockets;
#[path = "../../../src/commands/demo/telephone.rs"]
#[allow(dead_code, reason = "the demo shares it, and uses another part of it")]
pub(crate) mod telephone;
pub(crate) mod voices;
pub(crate) mod web;
pub(crate) mod world;
