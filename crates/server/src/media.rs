//! Calls that come as media streams of telephone systems: a connection brings [`CallEvent`]s by the
//! rules of its protocol (crate `telephony`), and one driver screens them all the same way.
//!
//! ```text
//! socket ── audiosocket.rs, ... (MediaSource) ──> drive.rs ──> call.rs ──> engine::CallSession
//!                                                    ↑
//!                       RegisterCall, SignalCall ── registry.rs
//! ```
//!
//! [`CallEvent`]: earmark_telephony::CallEvent

mod audiosocket;
mod call;
mod drive;
mod options;
mod registry;
mod rpc;

pub(crate) use self::audiosocket::accept_audiosockets;
pub(crate) use self::call::Route;
pub use self::options::{AudioSocketOptions, MixedAudio, TelephonyOptions};
pub(crate) use self::registry::Registry;
pub(crate) use self::rpc::{register, signal};
