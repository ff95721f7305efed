//! The real server over the real engine, driven by its own generated clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod customers;
mod desk;
mod drain;
mod errors;
mod fixture;
mod http;
mod learning;
mod limits;
mod live;
mod proxies;
mod streaming;
mod tls;
mod voiceprints;
mod watch;
