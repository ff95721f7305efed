use std::sync::Arc;

use earmark_voiceprint::{NetSpeech, Voiceprint};
use ndarray::ArrayView2;

use crate::{AudioError, SpeakerModel};

/// Frames of speech laid one after the other, and a sum of the embeddings of parts of them.
struct Embedder {
    model: Arc<dyn SpeakerModel>,
    mel_bins: usize,
    frames: Vec<f32>,
    /// Its direction is that of the mean.
    sum: Vec<f64>,
    weight: f64,
}

impl Embedder {
    fn new(model: &Arc<dyn SpeakerModel>) -> Self {
        Self {
            model: Arc::clone(model),
            mel_bins: model.front_end().fbank.mel_bins,
            frames: Vec::new(),
            sum: vec![0.0; model.dimension()],
            weight: 0.0,
        }
    }

    fn frames(&self) -> usize {
        self.frames.len() / self.mel_bins
    }

    /// Embeds the first `frames` frames. Adds that to the sum if it is one person's speech, and says
    /// whether it is.
    fn embed(&mut self, frames: usize, weight: f64) -> Result<(Vec<f32>, bool), AudioError> {
        let values = &self.frames[..frames * self.mel_bins];
        let view = ArrayView2::from_shape((frames, self.mel_bins), values);
        let misshapen = |_| AudioError::FrontEnd { rule: "a frame must have mel_bins numbers" };
        let mut features = view.map_err(misshapen)?.to_owned();
        self.model.front_end().normalize(features.view_mut());
        let embedding = self.model.embed(features.view())?;
        let one_voice = self.model.is_one_voice(&embedding);
        if one_voice {
            self.weight += weight;
            self.sum.iter_mut().zip(&embedding).for_each(|(sum, v)| *sum += weight * f64::from(*v));
        }
        Ok((embedding, one_voice))
    }

    fn drop_first(&mut self, frames: usize) {
        self.frames.drain(..frames * self.mel_bins);
    }

    fn mean(&self, speech: NetSpeech) -> Result<Voiceprint, AudioError> {
        let mean: Vec<f32> = self.sum.iter().map(|sum| (sum / self.weight) as f32).collect();
        Ok(Voiceprint::from_embedding(self.model.id().clone(), &mean, speech)?)
    }
}

/// The windows of equal length that live evidence and the check for a second voice are made of.
pub(super) struct Windows {
    embedder: Embedder,
    length: usize,
    hop: usize,
    count: usize,
    /// The last window that was one person's speech.
    last_voice: Option<usize>,
    /// Frames in windows of one person's speech.
    voice_frames: u64,
}

/// A window that a frame completed.
pub(super) struct Window {
    pub(super) embedding: Vec<f32>,
    /// Whether it is one person's speech; else it is in no mean.
    pub(super) one_voice: bool,
    /// Whether it begins where the last such one ended.
    pub(super) adjoins: bool,
}

impl Windows {
    /// Windows of `length` frames, `hop` apart; `length` is a multiple of `hop`.
    pub(super) fn new(model: &Arc<dyn SpeakerModel>, length: usize, hop: usize) -> Self {
        Self { embedder: Embedder::new(model), length, hop, count: 0, last_voice: None, voice_frames: 0 }
    }

    /// Frames of a window.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Takes a frame; gives the window it completes, if it does.
    pub(super) fn accept(&mut self, features: &[f32]) -> Result<Option<Window>, AudioError> {
        self.embedder.frames.extend_from_slice(features);
        if self.embedder.frames() < self.length {
            return Ok(None);
        }
        let (embedding, one_voice) = self.embedder.embed(self.length, 1.0)?;
        self.embedder.drop_first(self.hop);
        if one_voice {
            let fresh =
                self.last_voice.map_or(self.length, |last| self.length.min((self.count - last) * self.hop));
            self.voice_frames += fresh as u64;
            self.last_voice = Some(self.count);
        }
        let adjoins = (self.count * self.hop).is_multiple_of(self.length);
        self.count += 1;
        Ok(Some(Window { embedding, one_voice, adjoins }))
    }

    /// Frames of one person's speech in the windows so far, and of frames that no window ended with yet.
    pub(super) fn voice_frames(&self) -> u64 {
        // After the first window the overlap of the next is there already.
        let overlap = if self.count > 0 { self.length - self.hop } else { 0 };
        self.voice_frames + (self.embedder.frames() - overlap) as u64
    }

    /// The mean of all windows so far.
    pub(super) fn mean(&self, speech: NetSpeech) -> Result<Voiceprint, AudioError> {
        self.embedder.mean(speech)
    }
}

/// The long segments that a final voiceprint is made of. Fewer than `segment + tail` frames are
/// embedded in one pass; of more, each segment weighs as much as it has frames, and the last has at
/// least `tail`.
pub(super) struct LongSegments {
    embedder: Embedder,
    segment: usize,
    tail: usize,
    voice_frames: u64,
}

impl LongSegments {
    pub(super) fn new(model: &Arc<dyn SpeakerModel>, segment: usize, tail: usize) -> Self {
        Self { embedder: Embedder::new(model), segment, tail, voice_frames: 0 }
    }

    pub(super) fn accept(&mut self, features: &[f32]) -> Result<(), AudioError> {
        self.embedder.frames.extend_from_slice(features);
        if self.embedder.frames() < self.segment + self.tail {
            return Ok(());
        }
        self.embed(self.segment)
    }

    /// Embeds what is left; gives how many frames were one person's speech.
    pub(super) fn end(&mut self) -> Result<u64, AudioError> {
        if self.embedder.frames() > 0 {
            self.embed(self.embedder.frames())?;
        }
        Ok(self.voice_frames)
    }

    /// The voiceprint of the segments that are one person's speech; there must be one.
    pub(super) fn mean(&self, speech: NetSpeech) -> Result<Voiceprint, AudioError> {
        self.embedder.mean(speech)
    }

    fn embed(&mut self, frames: usize) -> Result<(), AudioError> {
        let (_, one_voice) = self.embedder.embed(frames, frames as f64)?;
        self.embedder.drop_first(frames);
        self.voice_frames += if one_voice { frames as u64 } else { 0 };
        Ok(())
    }
}
