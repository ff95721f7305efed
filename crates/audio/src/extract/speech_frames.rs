use std::collections::VecDeque;
use std::sync::Arc;

use super::model_path::ModelPath;
use super::timeline::{FrameClock, Segments};
use super::{ExtractOptions, SpeechSegment};
use crate::prompts::PromptGuard;
use crate::{
    AudioError, Fbank, FrontEnd, QualityMeter, Resampler, SpeechDetector, VAD_CHUNK, VAD_RATE_HZ,
    VoiceActivityModel,
};

/// A frame of features whose center lies in speech.
pub(super) struct SpeechFrame<'a> {
    pub(super) features: &'a [f32],
    /// Where in the audio it ends, in seconds.
    pub(super) end_s: f64,
}

/// From samples to the frames of speech in them.
pub(super) struct SpeechFrames {
    to_narrow: Resampler,
    to_model: ModelPath,
    detector: SpeechDetector,
    guard: Option<PromptGuard>,
    fbank: Fbank,
    clock: FrameClock,
    amplitude: f32,
    /// Samples at 8 kHz whose chunk has no decision yet.
    unjudged: Vec<f32>,
    /// Decisions on chunks that frames may still ask for, from chunk `first_decision` on.
    decisions: VecDeque<bool>,
    first_decision: u64,
    segments: Segments,
    work: Work,
}

/// Buffers reused from block to block.
#[derive(Default)]
struct Work {
    narrow: Vec<f32>,
    model: Vec<f32>,
    decisions: Vec<bool>,
    features: Vec<f32>,
}

impl Work {
    fn clear(&mut self) -> &mut Self {
        self.narrow.clear();
        self.model.clear();
        self.decisions.clear();
        self
    }
}

impl SpeechFrames {
    pub(super) fn new(
        rate_hz: u32,
        front_end: &FrontEnd,
        vad: Arc<VoiceActivityModel>,
        options: &ExtractOptions,
    ) -> Result<Self, AudioError> {
        Ok(Self {
            to_narrow: Resampler::new(rate_hz, VAD_RATE_HZ)?,
            to_model: ModelPath::new(rate_hz, front_end)?,
            detector: SpeechDetector::new(vad, &options.vad)?,
            guard: options.prompts.clone().map(PromptGuard::new),
            fbank: Fbank::new(&front_end.fbank)?,
            clock: FrameClock::new(front_end),
            amplitude: front_end.amplitude,
            unjudged: Vec::new(),
            decisions: VecDeque::new(),
            first_decision: 0,
            segments: Segments::default(),
            work: Work::default(),
        })
    }

    /// Takes samples; `sink` gets every frame that is now known to be speech, in order.
    pub(super) fn accept(
        &mut self,
        samples: &[f32],
        quality: &mut QualityMeter,
        sink: &mut dyn FnMut(SpeechFrame<'_>) -> Result<(), AudioError>,
    ) -> Result<(), AudioError> {
        let Work { narrow, model, decisions, .. } = self.work.clear();
        self.to_narrow.accept(samples, narrow);
        self.to_model.accept(samples, narrow, model);
        self.detector.accept(narrow, decisions);
        if let Some(guard) = &mut self.guard {
            guard.accept(narrow, decisions);
        }
        self.judge_and_emit(quality, sink)
    }

    /// Ends the audio: gives the frames that are left.
    pub(super) fn finish(
        &mut self,
        quality: &mut QualityMeter,
        sink: &mut dyn FnMut(SpeechFrame<'_>) -> Result<(), AudioError>,
    ) -> Result<(), AudioError> {
        let Work { narrow, model, decisions, .. } = self.work.clear();
        self.to_narrow.finish(narrow);
        self.to_model.finish(narrow, model);
        self.detector.accept(narrow, decisions);
        self.detector.finish(decisions);
        if let Some(guard) = &mut self.guard {
            guard.accept(narrow, decisions);
            guard.finish(decisions);
        }
        self.judge_and_emit(quality, sink)?;
        self.segments.finish();
        Ok(())
    }

    pub(super) fn into_segments(self) -> Vec<SpeechSegment> {
        self.segments.into_all()
    }

    fn judge_and_emit(
        &mut self,
        quality: &mut QualityMeter,
        sink: &mut dyn FnMut(SpeechFrame<'_>) -> Result<(), AudioError>,
    ) -> Result<(), AudioError> {
        let Work { narrow, model, decisions, .. } = &mut self.work;
        self.unjudged.extend_from_slice(narrow);
        let mut judged = 0;
        for speech in &*decisions {
            let end = (judged + VAD_CHUNK).min(self.unjudged.len());
            quality.observe_chunk(&self.unjudged[judged..end], *speech);
            self.segments.accept(*speech);
            self.decisions.push_back(*speech);
            judged = end;
        }
        self.unjudged.drain(..judged);
        if self.amplitude != 1.0 {
            model.iter_mut().for_each(|sample| *sample *= self.amplitude);
        }
        self.fbank.accept(model);
        self.emit(sink)
    }

    /// Takes or skips the frames whose chunk has a decision.
    fn emit(
        &mut self,
        sink: &mut dyn FnMut(SpeechFrame<'_>) -> Result<(), AudioError>,
    ) -> Result<(), AudioError> {
        while self.fbank.ready() > 0 {
            let chunk = self.clock.chunk();
            while self.first_decision < chunk && self.decisions.pop_front().is_some() {
                self.first_decision += 1;
            }
            match self.decisions.front() {
                Some(true) => {
                    self.work.features.clear();
                    self.fbank.next_frame(&mut self.work.features);
                    sink(SpeechFrame { features: &self.work.features, end_s: self.clock.end_s() })?;
                }
                Some(false) => _ = self.fbank.skip_frame(),
                None => break,
            }
            self.clock.advance();
        }
        Ok(())
    }
}
