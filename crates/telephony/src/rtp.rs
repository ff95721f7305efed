//! RTP (RFC 3550) with G.711 and comfort noise (RFC 3551, RFC 3389): datagrams in, the call's audio out.
//!
//! ```text
//! datagram ── packet ──> order (reordered, late, duplicated, lost) ──> stream (time, codec) ──> CallEvent
//! ```
//!
//! Nothing is played out, so no packet in order waits: only one that came before a missing one does.
//! What is lost is told as [`crate::CallEvent::Gap`] rather than made up: invented speech would be scored
//! as the caller's, and the engine fills a gap with silence, which is no evidence for anybody.

mod order;
mod packet;
mod payload;
mod stream;

pub use packet::{RtpPacket, is_rtcp};
pub use payload::{PayloadKind, PayloadMap};
pub use stream::{RtpCounts, RtpStream};

/// G.711's clock, in Hz (RFC 3551, section 4.5.14), and that of what goes with it.
pub const G711_CLOCK_HZ: u32 = 8_000;
