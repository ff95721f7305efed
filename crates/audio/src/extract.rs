//! From audio to a voiceprint: the whole way, over a stream.
//!
//! ```text
//! bytes -> samples -> 8 kHz -> speech or not ---------+
//!                       |                             v
//!                       +----> model's rate -> fbank -> frames of speech -> windows  -> evidence
//!                                                                      \-> segments -> extraction
//! ```
//!
//! Recordings and live calls go the same way through the same code, ten milliseconds at a time, so
//! equal samples give equal voiceprints to the bit.

mod embedding;
mod extractor;
mod model_path;
mod options;
mod outcome;
mod samples;
mod speech;
mod speech_frames;
mod stream;
mod timeline;

pub use extractor::Extractor;
pub use options::ExtractOptions;
pub use outcome::{Evidence, Extraction, Outcome, SpeechSegment, SpeechWindow};
pub use samples::SampleStream;
pub use stream::SpeechStream;
