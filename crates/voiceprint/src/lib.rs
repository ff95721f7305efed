//! The vocabulary every other crate shares: a [`Voiceprint`], the [`ModelId`] it belongs to, the
//! ids of those it speaks for, and the plain measures ([`Cosine`], [`NetSpeech`], [`Quality`]).
//!
//! Nothing here does I/O, is async, or can be serialised: the edges convert by hand.

mod cosine;
mod error;
mod ids;
mod model_id;
mod net_speech;
mod quality;
mod seal;
mod voiceprint;

pub use cosine::Cosine;
pub use error::VoiceprintError;
pub use ids::{CallId, CustomerId, IdError, ProxyId, TenantId};
pub use model_id::ModelId;
pub use net_speech::NetSpeech;
pub use quality::Quality;
pub use seal::{Seal, SealError, Sealed};
pub use voiceprint::{MAX_DIMENSION, Voiceprint};
