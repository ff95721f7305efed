use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use earmark_voiceprint::{ModelId, VoiceprintError};

use crate::{Container, Encoding};

/// Why audio could not be used. Every variant says what is wrong and what to do about it; none
/// holds any of the audio.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// There are no bytes, or a valid file without a single sample. Send the recording again.
    #[error("the recording is empty; nothing was recorded or nothing arrived")]
    Empty,
    /// The bytes are no audio file that anybody knows. Raw audio needs a declared
    /// [`crate::StreamFormat`].
    #[error("not an audio file; supported are {supported}, and raw audio with its encoding declared")]
    NotAudio {
        /// What can be read.
        supported: &'static str,
    },
    /// A known kind of audio that this build does not decode. Convert it before sending.
    #[error("{what} is not supported; convert it to one of {supported}")]
    Unsupported {
        /// The container, codec or feature, as its standard names it.
        what: String,
        /// What can be read.
        supported: &'static str,
    },
    /// A recording of a known prompt can't be used. Take it out of the folder or mend it.
    #[error("the prompt {} can't be used: {what}", path.display())]
    Prompt {
        /// The file or folder.
        path: std::path::PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The header or the coded audio contradicts itself. Ask the recorder for an intact file.
    #[error("the {container} data is malformed: {what}")]
    Malformed {
        /// The kind of file or stream.
        container: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The file ends before the audio its header announces does. Fetch it again in full.
    #[error("the {container} recording is cut short: {what}; fetch it again in full")]
    Truncated {
        /// The kind of file.
        container: &'static str,
        /// What is missing.
        what: String,
    },
    /// A named limit of [`crate::Limits`] was passed. Split or convert the recording, or raise the
    /// limit.
    #[error(
        "{limit} is {found}, and {allowed} is allowed; convert or split the recording, or raise this limit"
    )]
    LimitReached {
        /// Which limit.
        limit: LimitKind,
        /// What the recording has, with its unit.
        found: String,
        /// What is allowed, with its unit.
        allowed: String,
    },
    /// A sample is NaN or infinite: the sender's float conversion is broken, or it sends no floats.
    #[error(
        "sample {frame} of channel {channel} is not a finite number; the sender's conversion to float is broken, or the samples are no floats"
    )]
    NotFinite {
        /// The first such sample, counted per channel from 0.
        frame: u64,
        /// Its channel, counted from 0.
        channel: u16,
    },
    /// The recording has several channels and nobody said which one is the customer.
    #[error("the recording has {channels} channels ({names}); choose one by its number, or ask for the mix")]
    ChannelNotChosen {
        /// How many there are.
        channels: u16,
        /// What they are called, with their numbers.
        names: String,
    },
    /// The chosen channel does not exist.
    #[error("there is no channel {index}; the recording has {channels}, numbered from 0")]
    NoSuchChannel {
        /// The channel asked for.
        index: u16,
        /// How many there are.
        channels: u16,
    },
    /// A raw stream ended in the middle of a sample or frame: bytes were lost, or the declared
    /// encoding has another sample size.
    #[error(
        "the stream ends {leftover} bytes into a unit of {unit}; bytes were lost or the declared encoding {encoding} is wrong"
    )]
    StreamEndsInsideSample {
        /// How many bytes are left over.
        leftover: usize,
        /// The bytes of one sample of all channels, or of one codec frame.
        unit: usize,
        /// What was declared.
        encoding: Encoding,
    },
    /// A whole audio file was sent where raw samples were declared. Send it as a recording, or
    /// strip its header.
    #[error(
        "the stream starts with a {container} header, but raw {encoding} was declared; send it as a recording"
    )]
    FileInRawStream {
        /// Which file it is.
        container: Container,
        /// What was declared.
        encoding: Encoding,
    },
    /// The declared encoding decodes to noise and another one to speech. Declare that one.
    #[error(
        "the stream was declared {declared} but reads as {likelier}; declare the encoding the sender uses"
    )]
    WrongEncoding {
        /// What was declared.
        declared: Encoding,
        /// What the bytes look like.
        likelier: Encoding,
    },
    /// The declared stream format makes no sense. Correct the declaration.
    #[error("the declared stream format can't be: {what}")]
    BadStreamFormat {
        /// Which field, and what it may be.
        what: String,
    },
    /// The resampler can't make this rate. Target rates are 8,000 and 16,000 Hz.
    #[error(
        "can't resample {from_hz} Hz to {to_hz} Hz; sources of 4,000 to 192,000 Hz become 8,000 or 16,000 Hz"
    )]
    UnsupportedRate {
        /// The source's rate, in Hz.
        from_hz: u32,
        /// The rate asked for, in Hz.
        to_hz: u32,
    },
    /// A reader or decoder was used again after it had failed or finished. Open a new one.
    #[error("the decoder has already finished or failed; open the recording again")]
    AlreadyFinished,
    /// A decoding library failed in a way it should not. Report the file that does this.
    #[error("the {codec} decoder failed on this recording; convert it and report the fault")]
    DecoderFault {
        /// Which decoder.
        codec: &'static str,
    },
    /// The file or stream could not be read. The cause says why.
    #[error("can't read the recording")]
    Io(#[from] std::io::Error),
    /// There is no ONNX Runtime library. Install it or say where it is.
    #[error("no onnx runtime library at {}; run scripts/setup-onnxruntime.sh or set ORT_DYLIB_PATH", paths(.searched))]
    RuntimeMissing {
        /// Where it was looked for.
        searched: Vec<PathBuf>,
    },
    /// The file is no ONNX Runtime library, is broken, or is too old. Install the pinned version.
    #[error("can't use {} as onnx runtime: {cause}; run scripts/setup-onnxruntime.sh", path.display())]
    RuntimeUnusable {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        cause: String,
    },
    /// A process can hold one ONNX Runtime. Use the one that is loaded, or restart.
    #[error("onnx runtime {} is already loaded; {} can't be loaded beside it", loaded.display(), asked.display())]
    RuntimeAlreadyLoaded {
        /// The one in use.
        loaded: PathBuf,
        /// The one asked for.
        asked: PathBuf,
    },
    /// A file of a model can't be read. Check the model's folder.
    #[error("can't read the model file {}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A model's description has an unknown, missing or impossible setting. Correct it.
    #[error("the model description {} can't be used: {what}", path.display())]
    ModelDescription {
        /// The description.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A model's weights are not those its description names. Fetch them again.
    #[error("the model file {} is damaged or another one: its sha256 is {found}, not {expected}; fetch it again", path.display())]
    CorruptModel {
        /// The weights.
        path: PathBuf,
        /// The SHA-256 in the description.
        expected: String,
        /// The SHA-256 of the file.
        found: String,
    },
    /// The network itself can't be loaded or is not what its description says. Correct one of them.
    #[error("the network {} can't be used: {what}", path.display())]
    ModelGraph {
        /// The weights.
        path: PathBuf,
        /// What is wrong with them.
        what: String,
    },
    /// The network failed on input that it should take. Run `earmark model verify`.
    #[error("model {model} failed: {cause}; run `earmark model verify`")]
    Inference {
        /// Which model.
        model: ModelId,
        /// What the runtime said.
        cause: String,
    },
    /// Features can't be made with these settings. Correct the model's description.
    #[error("the front end can't be: {rule}")]
    FrontEnd {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// Extraction can't be run with these options. Correct them.
    #[error("the options can't be: {rule}")]
    BadOptions {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The network's output is no voiceprint. Run `earmark model verify`.
    #[error(transparent)]
    Voiceprint(#[from] VoiceprintError),
}

/// The limits of [`crate::Limits`], as an error names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// [`crate::Limits::max_duration`].
    Duration,
    /// [`crate::Limits::max_bytes`].
    Bytes,
    /// [`crate::Limits::max_channels`].
    Channels,
    /// [`crate::Limits::min_sample_rate_hz`].
    LowestSampleRate,
    /// [`crate::Limits::max_sample_rate_hz`].
    HighestSampleRate,
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duration => "the recording's duration (limit max_duration)",
            Self::Bytes => "the recording's size (limit max_bytes)",
            Self::Channels => "the number of channels (limit max_channels)",
            Self::LowestSampleRate => "the sample rate (limit min_sample_rate_hz)",
            Self::HighestSampleRate => "the sample rate (limit max_sample_rate_hz)",
        })
    }
}

/// Seconds with one decimal, for the texts of duration limits.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn paths(searched: &[PathBuf]) -> String {
    let shown: Vec<String> = searched.iter().map(|p| p.display().to_string()).collect();
    shown.join(" or ")
}
