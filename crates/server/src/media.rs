//! Calls that come as media streams of telephone systems: a connection brings [`CallEvent`]s by the
//! rules of its protocol (crate `telephony`), and one driver screens them all the same way.
//!
//! ```text
//! socket ── audiosocket.rs, websocket.rs, ... (MediaSource) ──> drive.rs ──> call.rs ──> engine::CallSession
//!                                                    patience.rs: what happens next, or enough
//!                                                    ↑
//!                       RegisterCall, SignalCall ── registry.rs
//! ```
//!
//! [`CallEvent`]: earmark_telephony::CallEvent

mod audiosocket;
mod call;
mod drive;
mod options;
mod patience;
mod registry;
mod ringcx;
mod rpc;
mod siprec;
mod vendor;
mod webex;
mod websocket;

pub(crate) use self::audiosocket::accept_audiosockets;
pub(crate) use self::call::{MEDIA_STEP, MediaCall, Route};
pub use self::options::{AudioSocketOptions, MixedAudio, SiprecOptions, TelephonyOptions};
pub(crate) use self::registry::Registry;
pub(crate) use self::ringcx::RingCxStreaming;
pub(crate) use self::rpc::{register, signal};
pub use self::siprec::SiprecListeners;
pub(crate) use self::siprec::serve_siprec;
pub use self::webex::{WEBEX_FORKING_SCHEMA, WebexKeysError, WebexOptions};
pub(crate) use self::webex::{WebexConversationAudio, WebexGuard};
pub(crate) use self::websocket::routes as websocket_routes;
pub use self::websocket::{
    AudioHookKey, AudioHookRoute, PublicUrl, StreamRoute, TwilioRoute, WebSocketOptions,
};
