//! What comes in, over the public interface: recordings and raw streams, good and bad, against
//! independent decoders, and how good they are said to be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured and what it skips"
)]

mod any_bytes;
mod bad_recordings;
mod fixtures;
mod quality;
mod recordings;
mod streams;
mod wrong_encoding;
