use super::riff::malformed;
use crate::AudioError;
use crate::recording::detect::unsupported;

/// How a WAV file's audio is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Integers in containers of 1 to 4 bytes; 1 byte is unsigned.
    Pcm {
        /// Bytes a sample.
        bytes: u16,
    },
    Float32,
    Float64,
    ALaw,
    MuLaw,
    Gsm,
    MsAdpcm,
    ImaAdpcm,
    Mp3,
}

impl Coding {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pcm { bytes: 1 } => "pcm u8",
            Self::Pcm { bytes: 2 } => "pcm s16le",
            Self::Pcm { bytes: 3 } => "pcm s24le",
            Self::Pcm { .. } => "pcm s32le",
            Self::Float32 => "float32le",
            Self::Float64 => "float64le",
            Self::ALaw => "a-law",
            Self::MuLaw => "mu-law",
            Self::Gsm => "gsm 06.10",
            Self::MsAdpcm => "ms adpcm",
            Self::ImaAdpcm => "ima adpcm",
            Self::Mp3 => "mp3",
        }
    }
}

/// A format chunk (WAVEFORMATEX of Microsoft's mmreg.h), found to make sense.
///
/// The average byte rate is not looked at: it follows from the other fields, and recorders leave
/// nonsense there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WavFormat {
    pub(super) coding: Coding,
    pub(super) channels: u16,
    pub(super) sample_rate_hz: u32,
    /// The bytes of one frame of all channels, or of one codec block.
    pub(super) block_bytes: u16,
}

impl WavFormat {
    /// From a chunk of at least 16 bytes.
    pub(super) fn parse(chunk: &[u8]) -> Result<Self, AudioError> {
        let field = |at: usize| chunk.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]));
        let (tag, channels, block_bytes, bits) = (field(0), field(2), field(12), field(14));
        let sample_rate_hz = u32::from(field(4)) | u32::from(field(6)) << 16;
        if channels == 0 {
            return Err(malformed("the header says 0 channels"));
        }
        if sample_rate_hz == 0 {
            return Err(malformed("the header says 0 samples a second"));
        }
        // WAVE_FORMAT_EXTENSIBLE: the tag is the beginning of a GUID behind the base fields.
        let tag = if tag == 0xfffe { extensible_tag(chunk)? } else { tag };
        let coding = coding(tag, channels, block_bytes, bits)?;
        let format = Self { coding, channels, sample_rate_hz, block_bytes };
        format.check_block(bits)?;
        Ok(format)
    }

    /// The frames a channel in this many bytes of audio, where that is fixed.
    pub(super) fn frames_in(&self, bytes: u64) -> Option<u64> {
        let blocks = bytes / u64::from(self.block_bytes);
        match self.coding {
            Coding::MsAdpcm | Coding::ImaAdpcm | Coding::Mp3 => None,
            Coding::Gsm => Some(blocks * 320),
            _ => Some(blocks),
        }
    }

    /// The chunk as decoders want it: a plain tag, no extension, and a byte rate that fits. Integers
    /// are read at their container's whole width, as fewer valid bits stand at its top.
    pub(super) fn plain_chunk(&self) -> Vec<u8> {
        let (tag, bits) = match self.coding {
            Coding::Pcm { bytes } => (1u16, bytes * 8),
            Coding::Float32 => (3, 32),
            Coding::Float64 => (3, 64),
            Coding::ALaw => (6, 8),
            Coding::MuLaw => (7, 8),
            Coding::MsAdpcm => (2, 4),
            Coding::ImaAdpcm => (0x11, 4),
            Coding::Gsm => (0x31, 0),
            Coding::Mp3 => (0x55, 0),
        };
        let byte_rate = self.sample_rate_hz.wrapping_mul(u32::from(self.block_bytes));
        let mut chunk = Vec::with_capacity(18);
        chunk.extend(tag.to_le_bytes());
        chunk.extend(self.channels.to_le_bytes());
        chunk.extend(self.sample_rate_hz.to_le_bytes());
        chunk.extend(byte_rate.to_le_bytes());
        chunk.extend(self.block_bytes.to_le_bytes());
        chunk.extend(bits.to_le_bytes());
        if tag != 1 {
            // WAVEFORMATEX counts its extension; plain PCM does without the field.
            chunk.extend(0u16.to_le_bytes());
        }
        chunk
    }

    fn check_block(&self, bits: u16) -> Result<(), AudioError> {
        let sample = match self.coding {
            Coding::Pcm { bytes } => bytes,
            Coding::Float32 => 4,
            Coding::Float64 => 8,
            Coding::ALaw | Coding::MuLaw => 1,
            Coding::Gsm if self.channels != 1 => return Err(malformed("gsm 06.10 with several channels")),
            Coding::Gsm => 65,
            Coding::MsAdpcm | Coding::ImaAdpcm | Coding::Mp3 => {
                return if self.block_bytes == 0 { Err(malformed("a block of 0 bytes")) } else { Ok(()) };
            }
        };
        if sample.checked_mul(self.channels) == Some(self.block_bytes) {
            return Ok(());
        }
        Err(malformed(format!(
            "{} channels of {} with {bits} bits do not make blocks of {} bytes",
            self.channels,
            self.coding.name(),
            self.block_bytes
        )))
    }
}

fn coding(tag: u16, channels: u16, block_bytes: u16, bits: u16) -> Result<Coding, AudioError> {
    match (tag, bits) {
        (1, 1..=32) => {
            let bytes = bits.div_ceil(8);
            // 24 valid bits at the top of 4 bytes are common; other slack is a contradiction.
            let padded = bytes == 3 && channels.checked_mul(4) == Some(block_bytes);
            Ok(Coding::Pcm { bytes: if padded { 4 } else { bytes } })
        }
        (3, 32) => Ok(Coding::Float32),
        (3, 64) => Ok(Coding::Float64),
        (6, 8) => Ok(Coding::ALaw),
        (7, 8) => Ok(Coding::MuLaw),
        (0x31, _) => Ok(Coding::Gsm),
        (0x02, 4) => Ok(Coding::MsAdpcm),
        (0x11, 4) => Ok(Coding::ImaAdpcm),
        (0x55, _) => Ok(Coding::Mp3),
        (1 | 2 | 3 | 6 | 7 | 0x11, _) => Err(malformed(format!("samples of {bits} bits"))),
        _ => Err(unsupported(format!("wav with {}", tag_name(tag)))),
    }
}

/// The sub-format GUID is xxxxxxxx-0000-0010-8000-00AA00389B71 with the tag in front.
fn extensible_tag(chunk: &[u8]) -> Result<u16, AudioError> {
    const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    match chunk.get(24..40) {
        None => Err(malformed("an extensible format chunk that is too short")),
        Some([low, high, tail @ ..]) if *tail == GUID_TAIL => Ok(u16::from_le_bytes([*low, *high])),
        Some(_) => Err(unsupported("wav with an unknown extensible format")),
    }
}

/// Codecs that call recorders put into WAV files (tags from RFC 2361 and mmreg.h).
fn tag_name(tag: u16) -> String {
    let name = match tag {
        0x10 | 0x17 => "oki (dialogic) adpcm",
        0x14 | 0x40 | 0x45 | 0x64 => "g.721, g.723 or g.726 adpcm",
        0x22 => "truespeech",
        0x42 | 0x111 => "g.723.1",
        0x50 => "mpeg layer 1 or 2",
        0x57 => "amr-nb",
        0x58 => "amr-wb",
        0x65 | 0x28f => "g.722",
        0x83 | 0x133 => "g.729",
        0xff | 0x1600 | 0x1610 => "aac",
        0x160..=0x163 => "windows media audio",
        0x704f => "opus",
        0xa109 => "speex",
        _ => return format!("the codec 0x{tag:04x}"),
    };
    name.into()
}
