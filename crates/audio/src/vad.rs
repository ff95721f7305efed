//! Which parts of a recording or call are speech.
//!
//! [`VoiceActivityModel`] gives each chunk of 32 ms a probability; [`SpeechDetector`] makes steady
//! decisions of them over a stream.

mod detector;
mod graph;
mod kernel;
mod model;
mod options;
mod segmenter;
mod silero;
mod tones;

pub use detector::SpeechDetector;
pub use model::{VoiceActivityModel, VoiceActivityState};
pub use options::VadOptions;

/// The sample rate of voice activity detection, in Hz: all that a telephone line carries.
pub const VAD_RATE_HZ: u32 = 8_000;

/// The samples of one decision: 32 ms.
pub const VAD_CHUNK: usize = 256;
