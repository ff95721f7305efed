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

    /// Embeds the first `frames` frames and adds that to the sum.
    fn embed(&mut self, frames: usize, weight: f64) -> Result<Vec<f32>, AudioError> {
        let values = &self.frames[..frames * self.mel_bins];
        let view = ArrayView2::from_shape((frames, self.mel_bins), values);
        let misshapen = |_| AudioError::FrontEnd { rule: "a frame must have mel_bins numbers" };
        let mut features = view.map_err(misshapen)?.to_owned();
        self.model.front_end().normalize(features.view_mut());
        let embedding = self.model.embed(features.view())?;
        self.weight += weight;
        self.sum.iter_mut().zip(&embedding).for_each(|(sum, v)| *sum += weight * f64::from(*v));
        Ok(embedding)
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
}

/// A window that a frame completed.
pub(super) struct Window {
    pub(super) embedding: Vec<f32>,
    /// Whether it begins where the last such one ended.
    pub(super) adjoins: bool,
}

impl Windows {
    /// Windows of `length` frames, `hop` apart; `length` is a multiple of `hop`.
    pub(super) fn new(model: &Arc<dyn SpeakerModel>, length: usize, hop: usize) -> Self {
        Self { embedder: Embedder::new(model), length, hop, count: 0 }
    }

    /// Takes a frame; gives the window it completes, if it does.
    pub(super) fn accept(&mut self, features: &[f32]) -> Result<Option<Window>, AudioError> {
        self.embedder.frames.extend_from_slice(features);
        if self.embedder.frames() < self.length {
            return Ok(None);
        }
        let embedding = self.embedder.embed(self.length, 1.0)?;
        self.embedder.drop_first(self.hop);
        let adjoins = (self.count * self.hop).is_multiple_of(self.length);
        self.count += 1;
        Ok(Some(Window { embedding, adjoins }))
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
}

impl LongSegments {
    pub(super) fn new(model: &Arc<dyn SpeakerModel>, segment: usize, tail: usize) -> Self {
        Self { embedder: Embedder::new(model), segment, tail }
    }

    pub(super) fn accept(&mut self, features: &[f32]) -> Result<(), AudioError> {
        self.embedder.frames.extend_from_slice(features);
        if self.embedder.frames() < self.segment + self.tail {
            return Ok(());
        }
        self.embed(self.segment)
    }

    /// The voiceprint of all frames that were taken; there must be at least one.
    pub(super) fn finish(mut self, speech: NetSpeech) -> Result<Voiceprint, AudioError> {
        self.embed(self.embedder.frames())?;
        self.embedder.mean(speech)
    }

    fn embed(&mut self, frames: usize) -> Result<(), AudioError> {
        self.embedder.embed(frames, frames as f64)?;
        self.embedder.drop_first(frames);
        Ok(())
    }
}
