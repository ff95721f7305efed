//! How calls arrive: the wire protocols of telephone systems, as state machines without I/O.
//!
//! ```text
//! bytes or frames ── adapter ──> CallEvent ── (server) ──> engine::CallSession
//!                      replies <──┘                              │
//!                      tell(CallUpdate) <────────────────────────┘
//! ```
//!
//! Every adapter takes what came off a socket, in any split, and says what happened to the call as
//! [`CallEvent`]s; what the protocol wants answered comes out as [`Reply`]s. None opens a socket, reads
//! a clock or waits: the server owns the sockets, and a test can play any sequence of messages.
//! Whatever comes from outside ends in events or in one typed [`ProtocolError`].

mod asterisk_websocket;
mod audiohook;
mod audiosocket;
mod dialect;
mod error;
mod event;
mod freeswitch;
#[cfg(test)]
mod testing;
mod twilio;
mod verdict_event;
mod websocket;

pub use asterisk_websocket::{ASTERISK_SUBPROTOCOL, AsteriskWebSocket};
pub use audiohook::{AudioHook, MAX_SIGNATURE_AGE, MAX_SKEW, SignedRequest, verify_audiohook_signature};
pub use audiosocket::{AUDIOSOCKET_HANG_UP, AudioSocket};
pub use dialect::{Dialect, Exchange, Frame, Parting, Reply};
pub use error::ProtocolError;
pub use event::{CallBegun, CallEvent, EndReason, MediaFormat};
pub use freeswitch::{FREESWITCH_SUBPROTOCOL, FreeSwitch};
pub use twilio::{Twilio, verify_twilio_signature};
pub use websocket::{MAX_AUDIO_BYTES, MAX_GAP, MAX_QUERY_BYTES, MAX_TEXT_BYTES, Metadata, Mix};
