use earmark_voiceprint::NetSpeech;

use super::speech::{Finished, Speech};
use super::speech_frames::SpeechFrames;
use super::{Evidence, Extraction, Extractor, SpeechWindow};
use crate::codec::check_finite;
use crate::{AudioError, QualityMeter};

/// Blocks a second. Everything happens at the ends of whole blocks, counted from the first sample, so
/// that nothing depends on how samples arrive.
const BLOCKS_PER_S: usize = 100;

/// Larger samples are cut to this, 180 dB over full scale, so that one absurd number among floats can't
/// make infinities of what comes after it.
const MAX_SAMPLE: f32 = 1e9;

/// Speech to voiceprints, from samples of one channel: accept samples, take evidence when it is ready,
/// finish.
///
/// Memory: the features of at most 16 s of speech, and evidence that was not taken. Embedding happens
/// inside [`SampleStream::accept`], on its caller's thread.
pub struct SampleStream {
    rate_hz: u32,
    /// The start of a block that is not whole yet.
    block: Vec<f32>,
    samples: u64,
    quality: QualityMeter,
    frames: SpeechFrames,
    speech: Speech,
}

impl SampleStream {
    pub(super) fn new(extractor: &Extractor, rate_hz: u32, live: bool) -> Result<Self, AudioError> {
        Ok(Self {
            rate_hz,
            block: Vec::new(),
            samples: 0,
            quality: QualityMeter::new(),
            frames: extractor.speech_frames(rate_hz)?,
            speech: extractor.speech(live),
        })
    }

    /// Takes samples, full scale ±1.
    ///
    /// # Errors
    /// [`AudioError::NotFinite`] for NaN and infinities, and what [`crate::SpeakerModel::embed`] fails with.
    /// After an error the stream is of no further use.
    pub fn accept(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        check_finite(samples, 1, self.samples)?;
        if samples.iter().any(|sample| sample.abs() > MAX_SAMPLE) {
            let cut: Vec<f32> = samples.iter().map(|s| s.clamp(-MAX_SAMPLE, MAX_SAMPLE)).collect();
            return self.accept(&cut);
        }
        self.samples += samples.len() as u64;
        let size = (self.rate_hz as usize / BLOCKS_PER_S).max(1);
        let mut rest = samples;
        if !self.block.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(size - self.block.len()));
            self.block.extend_from_slice(head);
            rest = tail;
            if self.block.len() < size {
                return Ok(());
            }
            let block = std::mem::take(&mut self.block);
            self.accept_block(&block)?;
            self.block = block;
            self.block.clear();
        }
        let blocks = rest.chunks_exact(size);
        self.block.extend_from_slice(blocks.remainder());
        blocks.into_iter().try_for_each(|block| self.accept_block(block))
    }

    /// Whether there is evidence to take.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.speech.has_evidence()
    }

    /// The next evidence, oldest first: there is one at 3 s of net speech and one for every second
    /// after. None if none is ready, and always none of a stream that is not live.
    pub fn evidence(&mut self) -> Option<Evidence> {
        self.speech.take_evidence()
    }

    /// Voiceprints of each 3 s of speech so far, one after the other, to see whether they are all of one
    /// voice; none of a stream that is not live, unless [`crate::ExtractOptions::windows`] asks for them.
    #[must_use]
    pub fn windows(&self) -> &[SpeechWindow] {
        self.speech.windows()
    }

    /// Speech so far, for showing that something is heard before there is evidence.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.speech.net_speech()
    }

    /// Length of the audio so far, in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.samples as f64 / f64::from(self.rate_hz)
    }

    /// Samples a second.
    pub(super) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Ends the audio.
    ///
    /// # Errors
    /// As [`SampleStream::accept`].
    pub fn finish(mut self) -> Result<Extraction, AudioError> {
        let block = std::mem::take(&mut self.block);
        self.accept_block(&block)?;
        let (speech, frames, quality) = (&mut self.speech, &mut self.frames, &mut self.quality);
        frames.finish(quality, &mut |frame| speech.accept(&frame))?;
        let duration_s = self.duration_s();
        let Finished { outcome, net_speech, windows } = self.speech.finish()?;
        Ok(Extraction {
            outcome,
            net_speech,
            quality: self.quality.quality(),
            duration_s,
            warnings: self.quality.warnings(),
            windows,
            speech: self.frames.into_segments(),
        })
    }

    fn accept_block(&mut self, block: &[f32]) -> Result<(), AudioError> {
        self.quality.observe_decoded(block);
        let speech = &mut self.speech;
        self.frames.accept(block, &mut self.quality, &mut |frame| speech.accept(&frame))?;
        self.speech.report(&self.quality);
        Ok(())
    }
}
