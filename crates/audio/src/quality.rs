//! How good the audio is: level, noise, clipping, bandwidth.

mod band;
mod levels;
#[cfg(test)]
mod tests;
mod waveform;

use band::Band;
use earmark_voiceprint::Quality;
use levels::Levels;
use waveform::Waveform;

use crate::Warning;

/// More constant samples than this part, and the line was muted or unplugged.
const MUCH_SILENCE: f32 = 0.5;

/// A mean beyond this part of full scale is no accident of speech.
const MUCH_OFFSET: f32 = 0.02;

/// More clipped samples than this part distort the voice audibly.
const MUCH_CLIPPING: f32 = 0.01;

/// Measures a recording or stream as it passes, in bounded memory.
///
/// It has two taps: [`QualityMeter::observe_decoded`] takes the samples as they were recorded, for
/// clipping, silence and DC, which a filter would smear; [`QualityMeter::observe_chunk`] takes the
/// chunks the voice activity detector judged, at 8 kHz, for level, noise and bandwidth.
#[derive(Debug)]
pub struct QualityMeter {
    waveform: Waveform,
    levels: Levels,
    band: Band,
}

impl QualityMeter {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self { waveform: Waveform::new(), levels: Levels::new(), band: Band::new() }
    }

    /// Takes samples of the chosen channel in [-1, 1] at the recording's own rate, before resampling.
    pub fn observe_decoded(&mut self, samples: &[f32]) {
        self.waveform.observe(samples);
    }

    /// Takes a chunk of samples at 8 kHz (or a recording's band cut to it) and whether it holds
    /// speech.
    pub fn observe_chunk(&mut self, samples: &[f32], is_speech: bool) {
        if samples.is_empty() {
            return;
        }
        let power = samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len() as f64;
        self.levels.observe(power, is_speech);
        if is_speech {
            self.band.observe(samples);
        }
    }

    /// What was measured so far.
    #[must_use]
    pub fn quality(&self) -> Quality {
        Quality {
            snr_db: self.levels.snr_db() as f32,
            clipped_fraction: self.waveform.clipped(),
            level_dbfs: self.levels.level_db() as f32,
            bandwidth_hz: self.band.edge_hz() as f32,
        }
    }

    /// What there is to doubt so far.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let (fraction, offset, clipped) =
            (self.waveform.constant(), self.waveform.offset(), self.waveform.clipped());
        let silence = (fraction > MUCH_SILENCE).then_some(Warning::DigitalSilence { fraction });
        let center = (offset.abs() > MUCH_OFFSET).then_some(Warning::DcOffset { offset });
        let clipping = (clipped > MUCH_CLIPPING).then_some(Warning::Clipping { fraction: clipped });
        [silence, center, clipping].into_iter().flatten().collect()
    }
}

impl Default for QualityMeter {
    fn default() -> Self {
        Self::new()
    }
}
