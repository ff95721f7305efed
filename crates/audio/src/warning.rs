use std::fmt;

use crate::Encoding;

/// Something about the audio that makes results less certain but does not stop the work.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// All channels were mixed, so other voices than the customer's are in it.
    MixedChannels {
        /// How many were mixed.
        channels: u16,
    },
    /// The bytes look like another encoding than the declared one.
    LikelyWrongEncoding {
        /// What was declared.
        declared: Encoding,
        /// What they look like.
        likelier: Encoding,
    },
    /// The file stops without its container's end mark: the recorder was stopped, or the end is
    /// missing.
    EndMarkMissing,
    /// Bytes after the audio that belong to nothing; perhaps audio that the header does not count.
    UnreadBytes {
        /// How many.
        bytes: u64,
    },
    /// So much of the audio is exactly one constant value; a muted or unplugged line.
    DigitalSilence {
        /// The part of all samples, 0 to 1.
        fraction: f32,
    },
    /// The waveform does not swing around zero: a faulty line card or a wrong encoding.
    DcOffset {
        /// The mean, as a part of full scale, signed.
        offset: f32,
    },
    /// So many samples are clipped that the voice is distorted.
    Clipping {
        /// The part of all samples, 0 to 1.
        fraction: f32,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MixedChannels { channels } => write!(f, "{channels} channels were mixed into one"),
            Self::LikelyWrongEncoding { declared, likelier } => {
                write!(f, "declared {declared}, but the bytes look like {likelier}")
            }
            Self::EndMarkMissing => f.write_str("the recording has no end mark"),
            Self::UnreadBytes { bytes } => write!(f, "{bytes} bytes after the audio were not read"),
            Self::DigitalSilence { fraction } => {
                write!(f, "{:.0} % of the audio is digital silence", fraction * 100.0)
            }
            Self::DcOffset { offset } => {
                write!(f, "the waveform is off center by {:.1} % of full scale", offset * 100.0)
            }
            Self::Clipping { fraction } => write!(f, "{:.1} % of the samples are clipped", fraction * 100.0),
        }
    }
}
