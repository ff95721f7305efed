//! How good the audio is: level, noise, clipping, bandwidth.

mod clipping;
mod levels;
mod spectrum;

use earmark_voiceprint::Quality;

use crate::Warning;
use clipping::Waveform;
use levels::Levels;
use spectrum::Spectrum;

/// The most and the least that the signal-to-noise ratio is said to be, in dB. Beyond them the
/// estimate means nothing: there is hardly any noise, or hardly any speech.
const SNR_RANGE_DB: (f32, f32) = (-10.0, 60.0);

/// What there is when there is no speech: no level and no ratio.
const NO_SPEECH: Quality =
    Quality { snr_db: SNR_RANGE_DB.0, clipped_fraction: 0.0, level_dbfs: -120.0, bandwidth_hz: 0.0 };

/// From this part of all samples on, clipping is worth a warning: it smears the formants.
const CLIPPING_WARNING: f32 = 0.01;

/// From this part of all samples on, the line counts as muted or unplugged. A live party is often
/// silent for most of a call, and many gateways send digital silence then.
const SILENCE_WARNING: f32 = 0.9;

/// From this part of full scale on, a constant offset is a fault: converters keep below 1 %.
const OFFSET_WARNING: f32 = 0.02;

/// Measures a recording or stream as it passes, in bounded memory.
///
/// It has two taps: [`QualityMeter::observe_decoded`] takes the samples as they were recorded, for
/// clipping, silence and offset, which a filter would smear; [`QualityMeter::observe_chunk`] takes
/// the chunks the voice activity detector judged, at 8 kHz, for level, noise and bandwidth.
///
/// What the estimates are worth is measured in tests/input/quality.rs.
#[derive(Debug, Clone, Default)]
pub struct QualityMeter {
    waveform: Waveform,
    levels: Levels,
    spectrum: Spectrum,
}

impl QualityMeter {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes samples of the chosen channel in [-1, 1] at the recording's own rate, before resampling.
    /// They may be cut anywhere.
    pub fn observe_decoded(&mut self, samples: &[f32]) {
        self.waveform.observe(samples);
    }

    /// Takes a chunk of samples at 8 kHz and whether it holds speech. Chunks of 16 to 64 ms suit;
    /// the spectrum is taken of whole 256-sample chunks.
    pub fn observe_chunk(&mut self, samples: &[f32], is_speech: bool) {
        self.levels.observe(samples, is_speech);
        if is_speech {
            self.spectrum.observe(samples);
        }
    }

    /// What was measured so far. Without speech it is the worst: the least ratio, no level, no
    /// bandwidth.
    #[must_use]
    pub fn quality(&self) -> Quality {
        let clipped_fraction = self.waveform.clipped_fraction();
        let Some(speech) = self.levels.speech() else { return Quality { clipped_fraction, ..NO_SPEECH } };
        Quality {
            snr_db: speech.snr_db().clamp(SNR_RANGE_DB.0, SNR_RANGE_DB.1),
            clipped_fraction,
            level_dbfs: speech.level_dbfs(),
            bandwidth_hz: self.spectrum.bandwidth_hz(),
        }
    }

    /// What there is to doubt about the audio so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let silent = self.waveform.silent_fraction();
        let offset = self.waveform.offset();
        let clipped = self.waveform.clipped_fraction();
        let silence = (silent >= SILENCE_WARNING).then_some(Warning::DigitalSilence { fraction: silent });
        let dc = (offset.abs() >= OFFSET_WARNING).then_some(Warning::DcOffset { offset });
        let clipping = (clipped >= CLIPPING_WARNING).then_some(Warning::Clipping { fraction: clipped });
        [silence, dc, clipping].into_iter().flatten().collect()
    }
}
