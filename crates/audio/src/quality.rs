//! How good the audio is: level, noise, clipping, bandwidth.

use earmark_voiceprint::Quality;

use crate::Warning;

/// Measures a recording or stream as it passes, in bounded memory.
///
/// It has two taps: [`QualityMeter::observe_decoded`] takes the samples as they were recorded, for
/// clipping, silence and DC, which a filter would smear; [`QualityMeter::observe_chunk`] takes the
/// chunks the voice activity detector judged, at 8 kHz, for level, noise and bandwidth.
#[derive(Debug, Default)]
pub struct QualityMeter {}

impl QualityMeter {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes samples of the chosen channel in [-1, 1] at the recording's own rate, before resampling.
    pub fn observe_decoded(&mut self, _samples: &[f32]) {}

    /// Takes a chunk of samples at 8 kHz (or a recording's band cut to it) and whether it holds
    /// speech.
    pub fn observe_chunk(&mut self, _samples: &[f32], _is_speech: bool) {}

    /// What was measured so far.
    #[must_use]
    pub fn quality(&self) -> Quality {
        Quality { snr_db: 0.0, clipped_fraction: 0.0, level_dbfs: -120.0, bandwidth_hz: 0.0 }
    }

    /// What there is to doubt about the audio so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}
