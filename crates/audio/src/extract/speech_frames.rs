use std::collections::VecDeque;
use std::sync::Arc;

use super::SpeechSegment;
use crate::{
    AudioError, Fbank, FrontEnd, QualityMeter, Resampler, SpeechDetector, VAD_CHUNK, VAD_RATE_HZ, VadOptions,
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

impl SpeechFrames {
    pub(super) fn new(
        rate_hz: u32,
        front_end: &FrontEnd,
        vad: Arc<VoiceActivityModel>,
        options: &VadOptions,
    ) -> Result<Self, AudioError> {
        Ok(Self {
            to_narrow: Resampler::new(rate_hz, VAD_RATE_HZ)?,
            to_model: ModelPath::new(rate_hz, front_end)?,
            detector: SpeechDetector::new(vad, options)?,
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
        let Work { narrow, model, decisions, .. } = &mut self.work;
        (narrow.clear(), model.clear(), decisions.clear());
        self.to_narrow.accept(samples, narrow);
        self.to_model.accept(samples, narrow, model);
        self.detector.accept(narrow, decisions);
        self.judge_and_emit(quality, sink)
    }

    /// Ends the audio: gives the frames that are left.
    pub(super) fn finish(
        &mut self,
        quality: &mut QualityMeter,
        sink: &mut dyn FnMut(SpeechFrame<'_>) -> Result<(), AudioError>,
    ) -> Result<(), AudioError> {
        let Work { narrow, model, decisions, .. } = &mut self.work;
        (narrow.clear(), model.clear(), decisions.clear());
        self.to_narrow.finish(narrow);
        self.to_model.finish(narrow, model);
        self.detector.accept(narrow, decisions);
        self.detector.finish(decisions);
        self.judge_and_emit(quality, sink)?;
        self.segments.finish();
        Ok(())
    }

    pub(super) fn into_segments(self) -> Vec<SpeechSegment> {
        self.segments.all
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
            self.clock.frame += 1;
        }
        Ok(())
    }
}

/// How samples get from the source's rate to the model's.
struct ModelPath {
    /// Whether it branches off behind the resampler to 8 kHz.
    from_narrow: bool,
    /// To the band, unless that is 8 kHz, and on to the model's rate.
    steps: Vec<Resampler>,
    between: Vec<f32>,
}

impl ModelPath {
    fn new(rate_hz: u32, front_end: &FrontEnd) -> Result<Self, AudioError> {
        let model_hz = front_end.fbank.sample_rate_hz;
        let band_hz = if front_end.band_rate_hz == 0 { model_hz } else { front_end.band_rate_hz };
        let from_narrow = band_hz == VAD_RATE_HZ;
        let mut steps = Vec::new();
        if !from_narrow {
            steps.push(Resampler::new(rate_hz, band_hz)?);
        }
        if band_hz != model_hz {
            steps.push(Resampler::new(band_hz, model_hz)?);
        }
        Ok(Self { from_narrow, steps, between: Vec::new() })
    }

    fn accept(&mut self, source: &[f32], narrow: &[f32], out: &mut Vec<f32>) {
        let input = if self.from_narrow { narrow } else { source };
        match &mut self.steps[..] {
            [] => out.extend_from_slice(input),
            [only] => only.accept(input, out),
            [first, rest @ ..] => {
                self.between.clear();
                first.accept(input, &mut self.between);
                rest.iter_mut().for_each(|step| step.accept(&self.between, out));
            }
        }
    }

    /// `narrow` is the end of the signal at 8 kHz, which was not given to `accept`.
    fn finish(&mut self, narrow: &[f32], out: &mut Vec<f32>) {
        self.accept(&[], narrow, out);
        match &mut self.steps[..] {
            [] => {}
            [only] => only.finish(out),
            [first, rest @ ..] => {
                self.between.clear();
                first.finish(&mut self.between);
                for step in rest {
                    step.accept(&self.between, out);
                    step.finish(out);
                }
            }
        }
    }
}

/// Where the next frame lies in time.
struct FrameClock {
    frame: u64,
    shift: u64,
    length: u64,
    rate_hz: u64,
}

impl FrameClock {
    fn new(front_end: &FrontEnd) -> Self {
        let fbank = &front_end.fbank;
        Self {
            frame: 0,
            shift: fbank.shift_samples() as u64,
            length: fbank.frame_samples() as u64,
            rate_hz: u64::from(fbank.sample_rate_hz),
        }
    }

    /// The chunk of voice activity that holds the frame's center.
    fn chunk(&self) -> u64 {
        let twice_center = 2 * self.frame * self.shift + self.length;
        twice_center * u64::from(VAD_RATE_HZ) / (2 * self.rate_hz * VAD_CHUNK as u64)
    }

    fn end_s(&self) -> f64 {
        (self.frame * self.shift + self.length) as f64 / self.rate_hz as f64
    }
}

/// Where speech begins and ends.
#[derive(Default)]
struct Segments {
    chunks: u64,
    started: Option<u64>,
    all: Vec<SpeechSegment>,
}

impl Segments {
    fn accept(&mut self, speech: bool) {
        if speech {
            self.started.get_or_insert(self.chunks);
        } else {
            self.finish();
        }
        self.chunks += 1;
    }

    fn finish(&mut self) {
        let seconds = |chunk: u64| (chunk * VAD_CHUNK as u64) as f64 / f64::from(VAD_RATE_HZ);
        if let Some(start) = self.started.take()
            && self.all.len() < SpeechSegment::MAX
        {
            self.all.push(SpeechSegment { start_s: seconds(start), end_s: seconds(self.chunks) });
        }
    }
}
