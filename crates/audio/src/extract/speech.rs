use std::collections::VecDeque;
use std::sync::Arc;

use earmark_voiceprint::{NetSpeech, Voiceprint};

use super::embedding::{LongSegments, Windows};
use super::speech_frames::SpeechFrame;
use super::{Evidence, ExtractOptions, Outcome, SpeechSegment, SpeechWindow};
use crate::{AudioError, QualityMeter, SpeakerModel};

/// Length of a window of live evidence, in seconds.
const WINDOW_S: f64 = 3.0;
/// How much more speech brings the next evidence, in seconds.
const HOP_S: f64 = 1.0;
/// Length of a segment of the final voiceprint, in seconds.
const SEGMENT_S: f64 = 10.0;
/// The shortest last segment of a long recording, in seconds.
const TAIL_S: f64 = 3.0;

/// What becomes of the frames of speech: voiceprints now and then, and one at the end.
pub(super) struct Speech {
    model: Arc<dyn SpeakerModel>,
    /// From one frame to the next, in seconds.
    shift_s: f64,
    min_frames: u64,
    max_frames: u64,
    /// All frames of speech so far, embedded or not.
    frames: u64,
    windows: Option<Windows>,
    /// Whether windows become evidence.
    live: bool,
    /// Whether those that do not overlap are kept.
    kept: Option<Vec<SpeechWindow>>,
    /// Where the newest frames end in the audio, as many as a window has.
    ends: VecDeque<f64>,
    segments: LongSegments,
    updates: Vec<Update>,
    evidence: VecDeque<Evidence>,
}

/// What all speech came to.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) net_speech: NetSpeech,
    pub(super) windows: Vec<SpeechWindow>,
}

/// Evidence that lacks the quality of the audio, which is known at the block's end.
struct Update {
    net_speech: NetSpeech,
    voiceprint: Voiceprint,
    windows: usize,
    audio_s: f64,
}

impl Speech {
    pub(super) fn new(model: &Arc<dyn SpeakerModel>, options: &ExtractOptions, live: bool) -> Self {
        let fbank = &model.front_end().fbank;
        let shift_s = fbank.shift_samples() as f64 / f64::from(fbank.sample_rate_hz);
        let frames = |seconds: f64| (seconds / shift_s).round() as usize;
        let hop = frames(if live { HOP_S } else { WINDOW_S });
        Self {
            model: Arc::clone(model),
            shift_s,
            min_frames: frames(f64::from(options.min_net_speech_s)) as u64,
            max_frames: frames(f64::from(options.max_net_speech_s)) as u64,
            frames: 0,
            windows: (live || options.windows).then(|| Windows::new(model, frames(WINDOW_S), hop)),
            live,
            kept: (live || options.windows).then(Vec::new),
            ends: VecDeque::new(),
            segments: LongSegments::new(model, frames(SEGMENT_S), frames(TAIL_S)),
            updates: Vec::new(),
            evidence: VecDeque::new(),
        }
    }

    pub(super) fn net_speech(&self) -> NetSpeech {
        // Windows tell speech of one person; where there are none, that is known at the end.
        let frames = match &self.windows {
            Some(windows) if self.frames <= self.max_frames => windows.voice_frames(),
            Some(windows) => windows.voice_frames() + self.frames - self.max_frames,
            None => self.frames,
        };
        self.seconds(frames)
    }

    fn seconds(&self, frames: u64) -> NetSpeech {
        NetSpeech::from_seconds((frames as f64 * self.shift_s) as f32)
    }

    pub(super) fn accept(&mut self, frame: &SpeechFrame<'_>) -> Result<(), AudioError> {
        self.frames += 1;
        if self.frames > self.max_frames {
            return Ok(());
        }
        self.segments.accept(frame.features)?;
        let Some(windows) = &mut self.windows else { return Ok(()) };
        if self.ends.len() == windows.length() {
            self.ends.pop_front();
        }
        self.ends.push_back(frame.end_s);
        let Some(window) = windows.accept(frame.features)? else { return Ok(()) };
        if !window.one_voice {
            return Ok(());
        }
        let net_speech = NetSpeech::from_seconds((windows.voice_frames() as f64 * self.shift_s) as f32);
        if let Some(kept) = self.kept.as_mut().filter(|_| window.adjoins) {
            let speech = NetSpeech::from_seconds(WINDOW_S as f32);
            let voiceprint = Voiceprint::from_embedding(self.model.id().clone(), &window.embedding, speech)?;
            let start_s = self.ends.front().map_or(0.0, |end| (end - self.shift_s).max(0.0));
            kept.push(SpeechWindow { voiceprint, span: SpeechSegment { start_s, end_s: frame.end_s } });
        }
        if self.live {
            let voiceprint = windows.mean(net_speech)?;
            let count = self.kept.as_ref().map_or(0, Vec::len);
            self.updates.push(Update { net_speech, voiceprint, windows: count, audio_s: frame.end_s });
        }
        Ok(())
    }

    /// Gives the updates of a block the quality of the audio up to its end.
    pub(super) fn report(&mut self, quality: &QualityMeter) {
        for Update { net_speech, voiceprint, windows, audio_s } in self.updates.drain(..) {
            let (quality, warnings) = (quality.quality(), quality.warnings());
            self.evidence.push_back(Evidence { net_speech, voiceprint, windows, quality, audio_s, warnings });
        }
    }

    /// The windows so far that adjoin.
    pub(super) fn windows(&self) -> &[SpeechWindow] {
        self.kept.as_deref().unwrap_or_default()
    }

    pub(super) fn has_evidence(&self) -> bool {
        !self.evidence.is_empty()
    }

    pub(super) fn take_evidence(&mut self) -> Option<Evidence> {
        self.evidence.pop_front()
    }

    /// The final voiceprint, and those of the windows.
    pub(super) fn finish(mut self) -> Result<Finished, AudioError> {
        let windows = self.kept.take().unwrap_or_default();
        let voice_frames = self.segments.end()?;
        // What lies beyond the cap was not looked at; it counts as all else did.
        let net_speech = self.seconds(voice_frames + self.frames.saturating_sub(self.max_frames));
        let outcome = if voice_frames < self.min_frames.max(1) {
            Outcome::TooLittleSpeech { needed: self.seconds(self.min_frames) }
        } else {
            Outcome::Voiceprint(self.segments.mean(self.seconds(voice_frames))?)
        };
        Ok(Finished { outcome, net_speech, windows })
    }
}
