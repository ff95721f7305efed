//! One integration binary over the real thing: the workspace as it is built, the real server, real
//! clients and real audio.
//!
//! `EARMARK_MODELS` names the models to run with; without it they are the repository's own. Most
//! tests share one server (`harness/world.rs`) under ids of their own; those that need its state for
//! themselves, or that break it, start another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod access;
mod adaptation;
mod architecture;
mod audiosocket;
mod audiosocket_aborted;
mod bad_recordings;
mod bad_requests;
mod bad_streams;
mod call_records;
mod command_line;
mod crash;
mod customers;
mod desk_access;
mod desk_browser;
mod desk_events;
mod desk_outcomes;
mod disk_full;
mod drain;
mod enrollment;
mod evaluation;
mod folder_watch;
mod foreign_clients;
mod harness;
mod idempotency;
mod proxy_library;
mod screening_updates;
mod secrecy;
mod simulate;
mod siprec;
mod start_up;
mod telephone_calls;
mod vendor_grpc;
mod verdicts;
mod voiceprints;
mod web_clients;
mod webex_tokens;
mod websocket;
