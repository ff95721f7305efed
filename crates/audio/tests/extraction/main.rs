//! From audio to voiceprints, over the public interface: real recordings, real models, independent
//! references.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

mod bad_models;
mod corpus;
mod fake_speaker;
mod fbank;
mod hostile;
mod prompts;
mod python;
mod shipped_models;
mod splits;
mod tiny_model;
mod voice_activity;
mod voiceprints;
mod windows;
