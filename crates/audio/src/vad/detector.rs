use std::sync::Arc;

use super::segmenter::Segmenter;
use super::tones::ToneDetector;
use super::{VAD_CHUNK, VadOptions, VoiceActivityModel, VoiceActivityState};
use crate::AudioError;

/// Decides over a stream at 8 kHz, chunk by chunk, what is speech.
///
/// Chunks count from the stream's first sample, so decisions do not depend on how samples arrive. A
/// decision comes at most [`VadOptions::look_ahead_chunks`] after its chunk. Memory: less than a chunk
/// of samples.
#[derive(Clone)]
pub struct SpeechDetector {
    model: Arc<VoiceActivityModel>,
    state: VoiceActivityState,
    segmenter: Segmenter,
    tones: ToneDetector,
    /// The start of a chunk that is not whole yet.
    chunk: [f32; VAD_CHUNK],
    filled: usize,
}

impl SpeechDetector {
    /// A detector at the start of a stream.
    ///
    /// # Errors
    /// [`AudioError::BadOptions`] for options that no decisions can be made with.
    pub fn new(model: Arc<VoiceActivityModel>, options: &VadOptions) -> Result<Self, AudioError> {
        options.check()?;
        Ok(Self {
            model,
            state: VoiceActivityState::default(),
            segmenter: Segmenter::new(options),
            tones: ToneDetector::default(),
            chunk: [0.0; VAD_CHUNK],
            filled: 0,
        })
    }

    /// Takes samples at 8 kHz in [-1, 1]; appends a decision, whether it is speech, for every chunk
    /// of 32 ms that now has one, in order.
    pub fn accept(&mut self, mut samples: &[f32], decisions: &mut Vec<bool>) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(VAD_CHUNK - self.filled));
            self.chunk[self.filled..self.filled + taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            samples = rest;
            if self.filled == VAD_CHUNK {
                self.judge(decisions);
            }
        }
    }

    /// Ends the stream: appends the decisions that are left, the last for a part of a chunk if there
    /// is one. The detector is then as new.
    pub fn finish(&mut self, decisions: &mut Vec<bool>) {
        if self.filled > 0 {
            self.chunk[self.filled..].fill(0.0);
            self.judge(decisions);
        }
        self.segmenter.finish(decisions);
        self.state = VoiceActivityState::default();
        self.tones = ToneDetector::default();
    }

    fn judge(&mut self, decisions: &mut Vec<bool>) {
        let probability = self.model.probability(&mut self.state, &self.chunk);
        // A tone of the network is no voice, whatever the model takes it for.
        let tone = self.tones.accept(&self.chunk);
        self.segmenter.accept(if tone { 0.0 } else { probability }, decisions);
        self.filled = 0;
    }
}
