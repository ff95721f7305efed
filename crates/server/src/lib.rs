//! Earmark's gRPC front end, the only crate that knows the wire: gRPC, gRPC-Web, health,
//! reflection, probes and metrics on one port.
//!
//! ```text
//! connection (transport) -> gate (request id, access, room, deadline) -> handler
//!     -> convert -> one call of the engine on the work pool -> convert
//! ```
//!
//! [`serve`] takes its listener and its stop signal, so that tests start the real server. All
//! blocking work runs on a bounded pool of threads, live calls first; every limit has a name in
//! [`Limits`].

mod access;
mod audio_convert;
mod audio_stream;
mod backend;
mod cors;
mod customers;
mod desk;
mod engine_error;
mod error;
mod feed;
mod gate;
mod grpc_routes;
mod http_routes;
mod lifecycle;
mod media;
mod metrics;
mod options;
mod paging_convert;
mod pool;
pub mod proto;
mod proxy_library;
mod refusal;
mod replies;
mod screening;
mod seat;
mod serve;
mod transport;
mod voiceprints;

pub use access::{AccessOptions, AccessToken, Permission};
pub use desk::{DeskOptions, Scene, Script};
pub use earmark_telephony::siprec::{AorPattern, RoleRules, SiprecOptions as SiprecAnswers};
pub use error::ServerError;
pub use media::{
    AudioHookKey, AudioHookRoute, AudioSocketOptions, MixedAudio, PublicUrl, SiprecListeners, SiprecOptions,
    StreamRoute, TelephonyOptions, TwilioRoute, WEBEX_FORKING_SCHEMA, WebSocketOptions, WebexKeysError,
    WebexOptions,
};
pub use options::{Limits, MAX_CHUNK_BYTES, ServerOptions};
pub use serve::{Listeners, serve};
pub use transport::TlsOptions;
