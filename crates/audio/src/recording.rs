//! Recordings: whole files in the formats that call recorders write.

mod aiff;
mod detect;
mod flac;
mod guard;
mod mp3;
mod ogg;
mod opus;
mod packets;
mod pages;
mod riff;
mod section;
mod wav;

use std::fmt;
use std::io::{Cursor, SeekFrom};
use std::path::Path;
use std::time::Duration;

pub use detect::Container;
pub use section::Source;

use crate::codec::check_finite_planar;
use crate::{AudioError, ChannelChoice, ChannelPicker, Limits, Resampler, Warning};

/// What a recording's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingInfo {
    /// The kind of file, told from its content.
    pub container: Container,
    /// How the audio is coded, for example `pcm s16le`, `a-law`, `flac`, `opus`.
    pub codec: &'static str,
    /// Samples a second of each channel, in Hz.
    pub sample_rate_hz: u32,
    /// How many channels there are.
    pub channels: u16,
    /// How long the header says it is; none when it does not, as streaming recorders leave it.
    pub declared_duration: Option<Duration>,
}

/// Samples of all channels, as one step of decoding gave them: at most some thousands a channel.
#[derive(Default)]
pub struct Block {
    channels: Vec<Vec<f32>>,
}

impl Block {
    /// One slice a channel, equally long, in [-1, 1].
    #[must_use]
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// The samples a channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Empties it and gives it this many channels.
    fn start(&mut self, channels: u16) {
        self.channels.resize_with(usize::from(channels), Vec::new);
        self.channels.iter_mut().for_each(Vec::clear);
    }

    /// Appends whole interleaved frames.
    fn push_interleaved(&mut self, interleaved: &[f32]) {
        let count = self.channels.len().max(1);
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.extend(interleaved.iter().skip(index).step_by(count));
        }
    }

    fn truncate(&mut self, frames: usize) {
        self.channels.iter_mut().for_each(|channel| channel.truncate(frames));
    }

    /// Lossy codecs and float files go past full scale; what lies there counts as clipped.
    fn clamp(&mut self) {
        for sample in self.channels.iter_mut().flatten() {
            *sample = sample.clamp(-1.0, 1.0);
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} frames of {} channels)", self.frames(), self.channels.len())
    }
}

/// What a format's module makes of a file's header.
struct Opened {
    info: RecordingInfo,
    decoder: Box<dyn Decode>,
    length: Length,
    warnings: Vec<Warning>,
}

/// A whole recording in memory: its samples at `rate_hz`, full scale ±1. No more than some seconds past
/// `most` samples are read, for who needs no more or would refuse it.
///
/// # Errors
/// As [`RecordingReader::new`], [`ChannelPicker::new`] and [`Resampler::new`].
pub fn read_samples(
    path: &Path,
    channel: ChannelChoice,
    rate_hz: u32,
    limits: &Limits,
    most: usize,
) -> Result<Vec<f32>, AudioError> {
    let mut reader = RecordingReader::open(path, limits)?;
    let picker = ChannelPicker::new(channel, reader.info().channels)?;
    let mut resampler = Resampler::new(reader.info().sample_rate_hz, rate_hz)?;
    let (mut picked, mut samples) = (Vec::new(), Vec::new());
    while samples.len() <= most
        && let Some(block) = reader.next_block()?
    {
        picked.clear();
        picker.pick_planar(block.channels(), &mut picked);
        resampler.accept(&picked, &mut samples);
    }
    resampler.finish(&mut samples);
    Ok(samples)
}

/// One format's way from bytes to samples.
trait Decode: Send {
    /// Fills `block`, which is empty and has the right number of channels; false at the end.
    /// A block may stay empty without being the end.
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError>;

    /// What came up while decoding.
    fn warning(&self) -> Option<Warning> {
        None
    }
}

/// What the header's number of frames means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// It says nothing that can be held against the audio.
    Open,
    /// Fewer by more than `slack` frames means that the end is missing.
    Exactly { frames: u64, slack: u64 },
    /// The last codec block is padded; frames after these are not audio.
    TrimmedTo(u64),
}

/// Reads a recording block by block, in memory bounded by one block.
///
/// The kind of file is told from its content, never from a name. Samples are in [-1, 1].
pub struct RecordingReader {
    info: RecordingInfo,
    /// None after the end or an error.
    decoder: Option<Box<dyn Decode>>,
    length: Length,
    limits: Limits,
    block: Block,
    frames: u64,
    warnings: Vec<Warning>,
}

impl RecordingReader {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`RecordingReader::new`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, AudioError> {
        Self::new(std::fs::File::open(path)?, limits)
    }

    /// Reads a recording that is in memory.
    ///
    /// # Errors
    /// As [`RecordingReader::new`].
    pub fn from_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<Self, AudioError> {
        Self::new(Cursor::new(bytes), limits)
    }

    /// Reads the header and makes ready to decode.
    ///
    /// # Errors
    /// [`AudioError::Empty`], [`AudioError::NotAudio`], [`AudioError::Unsupported`],
    /// [`AudioError::Malformed`], [`AudioError::Truncated`], [`AudioError::LimitReached`] or
    /// [`AudioError::Io`].
    pub fn new(source: impl Source + 'static, limits: &Limits) -> Result<Self, AudioError> {
        let mut source: Box<dyn Source> = Box::new(source);
        let bytes = source.seek(SeekFrom::End(0))?;
        limits.check_bytes(bytes)?;
        let Opened { info, decoder, length, warnings } = detect::open(source, bytes, limits)?;
        let declared = match length {
            Length::Exactly { frames, .. } | Length::TrimmedTo(frames) => frames,
            Length::Open => 0,
        };
        limits.check_frames(declared, info.sample_rate_hz)?;
        let decoder = Some(decoder);
        let (limits, block) = (limits.clone(), Block::default());
        Ok(Self { info, decoder, length, limits, block, frames: 0, warnings })
    }

    /// What the header says.
    #[must_use]
    pub fn info(&self) -> &RecordingInfo {
        &self.info
    }

    /// The frames given out so far.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Decodes the next samples, at least one; none at the end.
    ///
    /// # Errors
    /// As [`RecordingReader::new`], and [`AudioError::NotFinite`]. After an error or the end the
    /// reader only gives [`AudioError::AlreadyFinished`].
    pub fn next_block(&mut self) -> Result<Option<&Block>, AudioError> {
        let mut decoder = self.decoder.take().ok_or(AudioError::AlreadyFinished)?;
        loop {
            self.block.start(self.info.channels);
            let more = guard::decoding(self.info.codec, || decoder.next(&mut self.block))?;
            if !more {
                self.warnings.extend(decoder.warning());
                self.check_end()?;
                return Ok(None);
            }
            self.take_block()?;
            if self.block.frames() > 0 {
                self.decoder = Some(decoder);
                return Ok(Some(&self.block));
            }
        }
    }

    /// What there is to doubt about the file so far.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn take_block(&mut self) -> Result<(), AudioError> {
        if let Length::TrimmedTo(frames) = self.length {
            let left = frames.saturating_sub(self.frames);
            self.block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        check_finite_planar(&self.block.channels, self.frames)?;
        self.block.clamp();
        self.frames += self.block.frames() as u64;
        self.limits.check_frames(self.frames, self.info.sample_rate_hz)
    }

    fn check_end(&self) -> Result<(), AudioError> {
        if let Length::Exactly { frames, slack } = self.length
            && self.frames + slack < frames
        {
            return Err(AudioError::Truncated {
                container: self.info.container.name(),
                what: format!("the header announces {frames} samples a channel, {} are there", self.frames),
            });
        }
        if self.frames == 0 { Err(AudioError::Empty) } else { Ok(()) }
    }
}

impl fmt::Debug for RecordingReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RecordingReader");
        debug.field("info", &self.info).field("frames", &self.frames).finish_non_exhaustive()
    }
}

/// How long this many frames last.
fn duration(frames: u64, rate_hz: u32) -> Duration {
    let rate = u64::from(rate_hz.max(1));
    let rest_nanos = frames % rate * 1_000_000_000 / rate;
    Duration::from_secs(frames / rate) + Duration::from_nanos(rest_nanos)
}
