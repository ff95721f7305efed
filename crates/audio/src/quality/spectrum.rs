use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// A chunk at 8 kHz: 32 ms, 31.25 Hz a bin.
const CHUNK: usize = 256;
const BINS: usize = CHUNK / 2 + 1;
const HZ_A_BIN: f32 = 8000.0 / CHUNK as f32;

/// The band ends where the mean spectrum falls this far below its peak. The long-term spectrum of
/// speech is some 30 dB below its peak at 3.4 kHz (Byrne et al., JASA 96, 1994), and the noise of
/// G.711 some 45 dB below it.
const EDGE_DB: f64 = 42.0;

/// The spectrum is looked at in bands this wide, so that no single harmonic decides.
const SMOOTHED_BINS: usize = 5;

/// A tone that strong reaches this far up at that depth: half the window's main lobe.
const SPREAD_BINS: usize = 3;

/// Below these bins lies hum, which is no peak of speech.
const HUM_BINS: usize = 3;

/// The mean power spectrum of the chunks of speech.
#[derive(Clone)]
pub(super) struct Spectrum {
    transform: Arc<dyn RealToComplex<f32>>,
    window: [f32; CHUNK],
    windowed: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: [f64; BINS],
}

impl Default for Spectrum {
    fn default() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(CHUNK);
        // Blackman-Harris (Harris, Proc. IEEE 66, 1978): its side lobes, 92 dB down, do not fill
        // up what a telephone line has cut off.
        let window = std::array::from_fn(|n| {
            let turn = std::f64::consts::TAU * n as f64 / CHUNK as f64;
            let cosines = 0.48829 * turn.cos() - 0.14128 * (2.0 * turn).cos() + 0.01168 * (3.0 * turn).cos();
            (0.35875 - cosines) as f32
        });
        Self {
            windowed: transform.make_input_vec(),
            bins: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
            window,
            power: [0.0; BINS],
        }
    }
}

impl Spectrum {
    /// Adds a chunk; one of another length than 256 is left out.
    pub(super) fn observe(&mut self, samples: &[f32]) {
        if samples.len() != CHUNK {
            return;
        }
        let mean = samples.iter().sum::<f32>() / CHUNK as f32;
        for ((out, sample), weight) in self.windowed.iter_mut().zip(samples).zip(&self.window) {
            *out = (sample - mean) * weight;
        }
        // Fails for wrong lengths only, and these are the transform's own.
        if self.transform.process_with_scratch(&mut self.windowed, &mut self.bins, &mut self.scratch).is_ok()
        {
            for (sum, bin) in self.power.iter_mut().zip(&self.bins) {
                *sum += f64::from(bin.norm_sqr());
            }
        }
    }

    /// The upper edge of the band that holds energy, in Hz; 0 when there is none.
    pub(super) fn bandwidth_hz(&self) -> f32 {
        let bands: Vec<f64> = self.power.windows(SMOOTHED_BINS).map(|bins| bins.iter().sum()).collect();
        let peak = bands.iter().skip(HUM_BINS).copied().fold(0.0, f64::max);
        let least = peak * 10f64.powf(-EDGE_DB / 10.0);
        let edge = bands.iter().rposition(|power| *power > least && peak > 0.0);
        edge.map_or(0.0, |first_bin| first_bin.saturating_sub(SPREAD_BINS) as f32 * HZ_A_BIN)
    }
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spectrum(to {} Hz)", self.bandwidth_hz())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bandwidth(frequencies: &[f32]) -> f32 {
        let mut spectrum = Spectrum::default();
        for chunk in 0..50 {
            let wave =
                |n: usize, f: &f32| (std::f32::consts::TAU * f * (chunk * CHUNK + n) as f32 / 8000.0).sin();
            let samples: Vec<f32> =
                (0..CHUNK).map(|n| frequencies.iter().map(|f| 0.1 * wave(n, f)).sum()).collect();
            spectrum.observe(&samples);
        }
        spectrum.bandwidth_hz()
    }

    #[test]
    fn ends_at_the_highest_tone() {
        for highest in [1000.0, 2000.0, 3400.0, 3900.0] {
            let found = bandwidth(&[300.0, 700.0, highest]);
            assert!((found - highest).abs() < 150.0, "{highest}: {found}");
        }
    }

    #[test]
    fn nothing_has_no_band() {
        assert_eq!(Spectrum::default().bandwidth_hz(), 0.0);
        assert_eq!(bandwidth(&[]), 0.0);
    }

    #[test]
    fn chunks_of_another_length_are_left_out() {
        let mut spectrum = Spectrum::default();
        spectrum.observe(&[0.5; 255]);
        spectrum.observe(&[]);
        assert_eq!(spectrum.bandwidth_hz(), 0.0);
    }
}
