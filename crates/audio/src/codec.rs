//! Raw, headerless streams: samples as telephony puts them on the wire, in chunks of any size.

mod g711;
mod gsm;
mod gsm_library;
mod pcm;
mod suspicion;

pub(crate) use gsm::{GsmDecoder, GsmLayout};

use crate::{AudioError, ChannelPicker, Container, Encoding, StreamFormat, Warning};
use suspicion::EncodingWatch;

/// How many bytes must have come before a container's header can be told from raw samples.
const SNIFFED_BYTES: usize = 12;

/// Turns the bytes of a raw stream into samples of the chosen channel, as they arrive.
///
/// Chunks may be cut anywhere, even inside a sample: the output is the same to the bit as for one
/// chunk. Memory: one chunk's samples beside a fixed few kilobytes.
#[derive(Debug)]
pub struct StreamDecoder {
    format: StreamFormat,
    picker: ChannelPicker,
    units: UnitDecoder,
    /// The bytes of a unit whose end has not come yet.
    partial: Vec<u8>,
    interleaved: Vec<f32>,
    start: Vec<u8>,
    watch: EncodingWatch,
    frames: u64,
}

#[derive(Debug)]
enum UnitDecoder {
    Samples,
    Gsm(GsmDecoder),
}

impl StreamDecoder {
    /// Checks the declared format and makes ready.
    ///
    /// # Errors
    /// As [`StreamFormat::check`] and [`ChannelPicker::new`].
    pub fn new(format: StreamFormat) -> Result<Self, AudioError> {
        format.check()?;
        let units = match format.encoding {
            Encoding::Gsm610 => UnitDecoder::Gsm(GsmDecoder::new(GsmLayout::Frames33)?),
            _ => UnitDecoder::Samples,
        };
        Ok(Self {
            format,
            picker: ChannelPicker::new(format.channel, format.channels)?,
            units,
            partial: Vec::new(),
            interleaved: Vec::new(),
            start: Vec::with_capacity(SNIFFED_BYTES),
            watch: EncodingWatch::new(format.encoding, format.channels),
            frames: 0,
        })
    }

    /// What was declared.
    #[must_use]
    pub fn format(&self) -> &StreamFormat {
        &self.format
    }

    /// The samples a channel that came out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Decodes a chunk and appends the chosen channel's samples, in [-1, 1], to `out`.
    ///
    /// # Errors
    /// [`AudioError::FileInRawStream`] when the stream begins like an audio file,
    /// [`AudioError::NotFinite`] for NaN or infinite floats, [`AudioError::Malformed`] for a broken
    /// GSM frame. After an error the decoder is of no further use.
    pub fn accept(&mut self, bytes: &[u8], out: &mut Vec<f32>) -> Result<(), AudioError> {
        self.sniff(bytes)?;
        self.watch.observe(bytes);
        let unit = self.unit_bytes();
        let mut rest = bytes;
        if !self.partial.is_empty() {
            let missing = (unit - self.partial.len()).min(rest.len());
            self.partial.extend_from_slice(&rest[..missing]);
            rest = &rest[missing..];
            if self.partial.len() < unit {
                return Ok(());
            }
            let whole = std::mem::take(&mut self.partial);
            self.decode(&whole, out)?;
            self.partial = whole;
            self.partial.clear();
        }
        let (whole, left) = rest.split_at(rest.len() / unit * unit);
        self.decode(whole, out)?;
        self.partial.extend_from_slice(left);
        Ok(())
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`AudioError::StreamEndsInsideSample`] when bytes of an unfinished sample are left.
    pub fn finish(&self) -> Result<(), AudioError> {
        if self.partial.is_empty() {
            return Ok(());
        }
        Err(AudioError::StreamEndsInsideSample {
            leftover: self.partial.len(),
            unit: self.unit_bytes(),
            encoding: self.format.encoding,
        })
    }

    /// What there is to doubt so far: the mix, and an encoding that is likely not the declared one.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let declared = self.format.encoding;
        let wrong = self.watch.likelier().map(|likelier| Warning::LikelyWrongEncoding { declared, likelier });
        self.picker.warning().into_iter().chain(wrong).collect()
    }

    /// Fails when it is beyond doubt that the declared encoding is not the one on the wire. Cheap:
    /// call it after chunks.
    ///
    /// # Errors
    /// [`AudioError::WrongEncoding`] names the encoding to declare instead.
    pub fn check_encoding(&self) -> Result<(), AudioError> {
        match self.watch.surely() {
            Some(likelier) => Err(AudioError::WrongEncoding { declared: self.format.encoding, likelier }),
            None => Ok(()),
        }
    }

    /// The bytes of one frame of all channels.
    fn unit_bytes(&self) -> usize {
        self.format.encoding.unit_bytes() * usize::from(self.format.channels)
    }

    fn decode(&mut self, whole_units: &[u8], out: &mut Vec<f32>) -> Result<(), AudioError> {
        self.interleaved.clear();
        match &mut self.units {
            UnitDecoder::Gsm(gsm) => gsm.decode(whole_units, &mut self.interleaved)?,
            UnitDecoder::Samples => pcm::decode(self.format.encoding, whole_units, &mut self.interleaved),
        }
        let channels = usize::from(self.format.channels);
        if self.format.encoding == Encoding::Float32Le {
            check_finite(&self.interleaved, channels, self.frames)?;
            self.interleaved.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        }
        self.frames += (self.interleaved.len() / channels) as u64;
        self.picker.pick_interleaved(&self.interleaved, out);
        Ok(())
    }

    fn sniff(&mut self, bytes: &[u8]) -> Result<(), AudioError> {
        if self.start.len() == SNIFFED_BYTES {
            return Ok(());
        }
        let missing = (SNIFFED_BYTES - self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..missing]);
        match Container::unmistakable(&self.start) {
            Some(container) => Err(AudioError::FileInRawStream { container, encoding: self.format.encoding }),
            None => Ok(()),
        }
    }
}

/// Refuses NaN and infinities in interleaved samples; `before` frames came earlier.
pub(crate) fn check_finite(interleaved: &[f32], channels: usize, before: u64) -> Result<(), AudioError> {
    match interleaved.iter().position(|sample| !sample.is_finite()) {
        None => Ok(()),
        Some(at) => Err(AudioError::NotFinite {
            frame: before + (at / channels) as u64,
            channel: u16::try_from(at % channels).unwrap_or(u16::MAX),
        }),
    }
}

/// The same for one slice a channel.
pub(crate) fn check_finite_planar(channels: &[Vec<f32>], before: u64) -> Result<(), AudioError> {
    let firsts = channels.iter().enumerate().filter_map(|(channel, samples)| {
        let at = samples.iter().position(|sample| !sample.is_finite())?;
        Some((at, channel))
    });
    match firsts.min() {
        None => Ok(()),
        Some((at, channel)) => Err(AudioError::NotFinite {
            frame: before + at as u64,
            channel: u16::try_from(channel).unwrap_or(u16::MAX),
        }),
    }
}
