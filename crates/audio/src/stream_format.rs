use std::fmt;

use crate::{AudioError, ChannelChoice, Limits};

/// How the samples of a raw stream are written. Interleaved when there are several channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Unsigned 8 bit, silence at 128.
    PcmU8,
    /// Signed 8 bit.
    PcmS8,
    /// Signed 16 bit, least significant byte first ("slin", AudioSocket).
    Pcm16Le,
    /// Signed 16 bit, most significant byte first (RTP L16, network order).
    Pcm16Be,
    /// Signed 24 bit in three bytes, least significant first.
    Pcm24Le,
    /// Signed 32 bit, least significant byte first.
    Pcm32Le,
    /// IEEE 754 single, least significant byte first, full scale ±1.
    Float32Le,
    /// ITU-T G.711 A-law (RTP PCMA), usual in China and Europe.
    ALaw,
    /// ITU-T G.711 mu-law (RTP PCMU), usual in North America and Japan.
    MuLaw,
    /// ETSI GSM 06.10 full rate in frames of 33 bytes (RTP GSM, Asterisk's .gsm). One channel.
    Gsm610,
}

impl Encoding {
    /// All of them, for lists and tests.
    pub const ALL: [Self; 10] = [
        Self::PcmU8,
        Self::PcmS8,
        Self::Pcm16Le,
        Self::Pcm16Be,
        Self::Pcm24Le,
        Self::Pcm32Le,
        Self::Float32Le,
        Self::ALaw,
        Self::MuLaw,
        Self::Gsm610,
    ];

    /// The bytes of one sample of one channel, or of one GSM frame of 160 samples.
    #[must_use]
    pub fn unit_bytes(self) -> usize {
        match self {
            Self::PcmU8 | Self::PcmS8 | Self::ALaw | Self::MuLaw => 1,
            Self::Pcm16Le | Self::Pcm16Be => 2,
            Self::Pcm24Le => 3,
            Self::Pcm32Le | Self::Float32Le => 4,
            Self::Gsm610 => 33,
        }
    }

    /// The samples a unit of [`Encoding::unit_bytes`] holds.
    #[must_use]
    pub fn unit_samples(self) -> usize {
        if self == Self::Gsm610 { 160 } else { 1 }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PcmU8 => "pcm u8",
            Self::PcmS8 => "pcm s8",
            Self::Pcm16Le => "pcm s16le",
            Self::Pcm16Be => "pcm s16be",
            Self::Pcm24Le => "pcm s24le",
            Self::Pcm32Le => "pcm s32le",
            Self::Float32Le => "float32le",
            Self::ALaw => "a-law",
            Self::MuLaw => "mu-law",
            Self::Gsm610 => "gsm 06.10",
        })
    }
}

/// What a sender declares about its raw audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamFormat {
    /// How samples are written.
    pub encoding: Encoding,
    /// Samples a second of each channel, in Hz; 4,000 to 192,000.
    pub sample_rate_hz: u32,
    /// Interleaved channels, 1 to 8.
    pub channels: u16,
    /// Which of them to listen to.
    pub channel: ChannelChoice,
}

impl StreamFormat {
    /// One channel of this encoding, as most telephone media streams are.
    #[must_use]
    pub fn mono(encoding: Encoding, sample_rate_hz: u32) -> Self {
        Self { encoding, sample_rate_hz, channels: 1, channel: ChannelChoice::Mono }
    }

    /// Checks the declaration, the rate and channels by [`Limits::default`].
    ///
    /// # Errors
    /// [`AudioError::LimitReached`] for the rate or the channels, [`AudioError::BadStreamFormat`]
    /// for no channels or several of GSM.
    pub fn check(&self) -> Result<(), AudioError> {
        if self.channels == 0 {
            return Err(AudioError::BadStreamFormat { what: "channels must be at least 1".into() });
        }
        if self.encoding == Encoding::Gsm610 && self.channels != 1 {
            let what = "gsm 06.10 carries 1 channel; send each party as its own stream".into();
            return Err(AudioError::BadStreamFormat { what });
        }
        let limits = Limits::default();
        limits.check_rate(self.sample_rate_hz)?;
        limits.check_channels(self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitKind;

    fn refused(encoding: Encoding, sample_rate_hz: u32, channels: u16) -> AudioError {
        let channel = ChannelChoice::Mono;
        StreamFormat { encoding, sample_rate_hz, channels, channel }.check().unwrap_err()
    }

    #[test]
    fn refuses_formats_that_can_not_be() {
        assert!(matches!(refused(Encoding::ALaw, 8000, 0), AudioError::BadStreamFormat { .. }));
        assert!(matches!(refused(Encoding::Gsm610, 8000, 2), AudioError::BadStreamFormat { .. }));
        for (rate, limit) in [
            (0, LimitKind::LowestSampleRate),
            (3999, LimitKind::LowestSampleRate),
            (192_001, LimitKind::HighestSampleRate),
        ] {
            let error = refused(Encoding::Pcm16Le, rate, 1);
            assert!(matches!(error, AudioError::LimitReached { limit: l, .. } if l == limit), "{error}");
        }
        let nine = refused(Encoding::MuLaw, 8000, 9);
        assert!(matches!(nine, AudioError::LimitReached { limit: LimitKind::Channels, .. }));
    }

    #[test]
    fn takes_what_telephony_sends() {
        for encoding in Encoding::ALL {
            StreamFormat::mono(encoding, 8000).check().unwrap();
        }
    }
}
