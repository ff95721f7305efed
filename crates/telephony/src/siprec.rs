//! A SIPREC session recording server (RFC 7866): a session border controller or a switch invites it to
//! each call it is to hear, with a description of who is who (RFC 7865), and sends it the media.
//!
//! ```text
//! SIP bytes ── framing, message ──> server (dialogs, answers, timers) ──> RecordingOutput
//!                  multipart, metadata, offer, roles ──┘                        │
//! RTP datagrams ──────────────────────> recording (one call) <── Description ───┘
//!                                           └──> CallEvent
//! ```
//!
//! No I/O and no clock: datagrams, ports, unguessable texts and the time are given. SIP heads are read by
//! `ezk-sip-types`, session descriptions by `sdp-types`, metadata by `quick-xml`. There is no transaction
//! layer in a library that could be used without its sockets and clocks, so the little that a server
//! which answers at once needs of RFC 3261, section 17, is here.

mod change;
mod dialog;
mod framing;
mod message;
mod metadata;
mod multipart;
mod offer;
mod options;
mod outside;
mod recording;
mod refused;
mod repeat;
mod roles;
mod server;

pub use framing::SipFraming;
pub use options::{AorPattern, RoleRules, SiprecOptions};
pub use outside::{Peer, RecordingOutput, Surroundings, Transport};
pub use recording::{Description, LegDescription, RecordedCall, UNDECIDED_PATIENCE};
pub use server::RecordingServer;

/// The largest head of a SIP message, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// The largest body, in bytes: a description of a call of some parties has some thousand.
const MAX_BODY_BYTES: usize = 128 << 10;

fn malformed(problem: impl Into<std::borrow::Cow<'static, str>>) -> crate::ProtocolError {
    crate::ProtocolError::Malformed { protocol: "sip", problem: problem.into() }
}
