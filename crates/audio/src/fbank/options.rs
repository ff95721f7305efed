use crate::AudioError;

/// The shape that a frame is multiplied with before its spectrum is taken. `N` is the frame length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowShape {
    /// Kaldi's own: a Hann window raised to 0.85, zero at both ends.
    Povey,
    /// `0.54 - 0.46 cos(2 pi n / (N - 1))`.
    Hamming,
    /// `0.5 - 0.5 cos(2 pi n / (N - 1))`.
    Hanning,
    /// No shaping.
    Rectangular,
}

/// Every setting that decides what a frame of features looks like. They travel with a model: a
/// network understands only the features it was trained on.
///
/// Fixed, because every speaker model at hand has it so: frames start at a multiple of the shift and
/// lie wholly within the signal (Kaldi's `snip_edges`), the frame is zero-padded to a power of two,
/// and there is no dither (it would make voiceprints random).
#[derive(Clone, Debug, PartialEq)]
pub struct FbankOptions {
    /// Samples a second of the input.
    pub sample_rate_hz: u32,
    /// Length of a frame, in milliseconds.
    pub frame_length_ms: f32,
    /// From the start of one frame to the start of the next, in milliseconds.
    pub frame_shift_ms: f32,
    /// What a frame is multiplied with.
    pub window: WindowShape,
    /// `y[n] = x[n] - preemphasis * x[n - 1]` within the frame; 0 for none.
    pub preemphasis: f32,
    /// Whether the frame's mean is taken off first.
    pub remove_dc_offset: bool,
    /// How many mel bands, and so how many numbers a frame has.
    pub mel_bins: usize,
    /// Lower edge of the lowest band, in Hz.
    pub low_hz: f32,
    /// Upper edge of the highest band, in Hz; zero or negative counts from half the sample rate.
    pub high_hz: f32,
    /// Sum power (squared magnitude) rather than magnitude.
    pub use_power: bool,
    /// A band holds at least this much before its natural logarithm is taken.
    pub log_floor: f32,
}

/// The longest frame, in samples: a quarter of a second at 48 kHz would not be speech analysis.
const MAX_FRAME_SAMPLES: usize = 1 << 14;

impl Default for FbankOptions {
    /// What 3D-Speaker, WeSpeaker and Kaldi's own x-vector recipes at 16 kHz use.
    fn default() -> Self {
        Self {
            sample_rate_hz: 16_000,
            frame_length_ms: 25.0,
            frame_shift_ms: 10.0,
            window: WindowShape::Povey,
            preemphasis: 0.97,
            remove_dc_offset: true,
            mel_bins: 80,
            low_hz: 20.0,
            high_hz: 0.0,
            use_power: true,
            // The float32 epsilon, as in Kaldi.
            log_floor: f32::EPSILON,
        }
    }
}

impl FbankOptions {
    /// Samples in a frame.
    #[must_use]
    pub fn frame_samples(&self) -> usize {
        samples(self.sample_rate_hz, self.frame_length_ms)
    }

    /// Samples from one frame to the next.
    #[must_use]
    pub fn shift_samples(&self) -> usize {
        samples(self.sample_rate_hz, self.frame_shift_ms)
    }

    /// Length of the Fourier transform: the frame, zero-padded to a power of two.
    #[must_use]
    pub fn fft_samples(&self) -> usize {
        self.frame_samples().next_power_of_two()
    }

    /// Upper edge of the highest band, counted from zero, in Hz.
    #[must_use]
    pub fn upper_hz(&self) -> f32 {
        if self.high_hz > 0.0 { self.high_hz } else { self.nyquist_hz() + self.high_hz }
    }

    pub(super) fn nyquist_hz(&self) -> f32 {
        self.sample_rate_hz as f32 / 2.0
    }

    /// Refuses settings that no features can be made with.
    ///
    /// # Errors
    /// [`AudioError::FrontEnd`] names the setting.
    pub fn check(&self) -> Result<(), AudioError> {
        let frame = self.frame_samples();
        let shift = self.shift_samples();
        let upper = self.upper_hz();
        let rules = [
            ((4_000..=192_000).contains(&self.sample_rate_hz), "sample_rate_hz must be 4,000 to 192,000"),
            ((2..=MAX_FRAME_SAMPLES).contains(&frame), "frame_length_ms must give 2 to 16,384 samples"),
            ((1..=frame).contains(&shift), "frame_shift_ms must be positive and no longer than a frame"),
            ((0.0..=1.0).contains(&self.preemphasis), "preemphasis must be 0 to 1"),
            ((1..=512).contains(&self.mel_bins), "mel_bins must be 1 to 512"),
            (self.low_hz >= 0.0 && self.low_hz < upper, "low_hz must be 0 or more and below high_hz"),
            (upper <= self.nyquist_hz(), "high_hz must not exceed half the sample rate"),
            (self.log_floor.is_finite() && self.log_floor > 0.0, "log_floor must be positive"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(AudioError::FrontEnd { rule }),
            None => Ok(()),
        }
    }
}

/// Rounded down as Kaldi does, but not below a whole number that float32 only just misses.
fn samples(rate_hz: u32, ms: f32) -> usize {
    (f64::from(rate_hz) * f64::from(ms) / 1000.0 + 1e-4) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_samples_as_kaldi_does() {
        let at = |sample_rate_hz| FbankOptions { sample_rate_hz, ..FbankOptions::default() };
        let counts = |o: FbankOptions| (o.frame_samples(), o.shift_samples(), o.fft_samples());
        assert_eq!(counts(at(16_000)), (400, 160, 512));
        assert_eq!(counts(at(8_000)), (200, 80, 256));
        assert_eq!(counts(at(11_025)), (275, 110, 512));
    }

    #[test]
    fn refuses_what_makes_no_features() {
        let good = FbankOptions::default;
        assert!(good().check().is_ok());
        let bad = [
            FbankOptions { sample_rate_hz: 0, ..good() },
            FbankOptions { frame_length_ms: f32::NAN, ..good() },
            FbankOptions { frame_length_ms: 1e30, ..good() },
            FbankOptions { frame_shift_ms: 0.0, ..good() },
            FbankOptions { frame_shift_ms: -5.0, ..good() },
            FbankOptions { mel_bins: 0, ..good() },
            FbankOptions { low_hz: 9_000.0, ..good() },
            FbankOptions { low_hz: f32::NAN, ..good() },
            FbankOptions { high_hz: 8_001.0, ..good() },
            FbankOptions { preemphasis: f32::INFINITY, ..good() },
            FbankOptions { log_floor: 0.0, ..good() },
        ];
        for options in bad {
            assert!(matches!(options.check(), Err(AudioError::FrontEnd { .. })), "{options:?}");
        }
    }
}
