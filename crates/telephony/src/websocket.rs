//! What the WebSocket dialects share: limits, checked JSON fields, the call's data under our own
//! names, and what is said on closing.

mod closing;
mod fields;
mod limits;
mod metadata;

pub(crate) use closing::{close, explanation};
pub(crate) use fields::{Fields, parse_object, parse_objects};
pub use limits::{MAX_AUDIO_BYTES, MAX_GAP, MAX_QUERY_BYTES, MAX_TEXT_BYTES};
pub(crate) use limits::{capped_gap, check};
pub use metadata::{Metadata, Mix};
