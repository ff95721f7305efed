//! From a recording or a live stream to speech, and from speech to a voiceprint.

mod channel;
mod codec;
mod concealment;
mod error;
mod extract;
mod fbank;
mod limits;
mod model;
mod prompts;
mod quality;
mod recording;
mod resample;
mod stream_format;
mod vad;
mod warning;

pub use channel::{ChannelChoice, ChannelPicker, ChannelRole};
pub use codec::StreamDecoder;
pub use concealment::Concealment;
pub use error::{AudioError, LimitKind};
pub use extract::{
    Evidence, ExtractOptions, Extraction, Extractor, Outcome, SampleStream, SpeechSegment, SpeechStream,
    SpeechWindow,
};
pub use fbank::{Fbank, FbankOptions, FrameComputer, WindowShape};
pub use limits::Limits;
pub use model::{
    FrontEnd, MeanNormalization, ModelVerification, OnnxRuntime, OnnxSpeakerModel, SelfTest, SpeakerModel,
};
pub use prompts::PromptLibrary;
pub use quality::QualityMeter;
pub use recording::{Block, Container, RecordingInfo, RecordingReader, Source, read_samples};
pub use resample::Resampler;
pub use stream_format::{Encoding, StreamFormat};
pub use vad::{SpeechDetector, VAD_CHUNK, VAD_RATE_HZ, VadOptions, VoiceActivityModel, VoiceActivityState};
pub use warning::Warning;
