//! Where the energy of speech ends.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::{VAD_CHUNK, VAD_RATE_HZ};

/// A band that is so far under the strongest one holds nothing, in dB. Speech itself falls by 30 to
/// 40 dB up to the edge of a telephone's band.
const FAINT_DB: f64 = 45.0;

/// Bins that are averaged, so that one tone is no band: 125 Hz.
const SMOOTH: usize = 4;

/// The mean spectrum of speech, by bins of 31.25 Hz.
pub(super) struct Band {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    input: Vec<f32>,
    output: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f64>,
}

impl Band {
    pub(super) fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(VAD_CHUNK);
        let hann = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / VAD_CHUNK as f32).cos();
        Self {
            window: (0..VAD_CHUNK).map(hann).collect(),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; VAD_CHUNK / 2 + 1],
            fft,
        }
    }

    /// Adds a whole chunk of speech; a shorter one at the end adds nothing.
    pub(super) fn observe(&mut self, chunk: &[f32]) {
        if chunk.len() != VAD_CHUNK {
            return;
        }
        for ((out, sample), w) in self.input.iter_mut().zip(chunk).zip(&self.window) {
            *out = sample * w;
        }
        let done = self.fft.process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch);
        // The lengths are the plan's own, so that it can't fail.
        if done.is_ok() {
            for (sum, bin) in self.power.iter_mut().zip(&self.output) {
                *sum += f64::from(bin.norm_sqr());
            }
        }
    }

    /// The upper edge of the band that holds energy, in Hz; 0 if none does.
    pub(super) fn edge_hz(&self) -> f64 {
        let smooth: Vec<f64> = self.power.windows(SMOOTH).map(|w| w.iter().sum()).collect();
        let strongest = smooth.iter().copied().fold(0.0, f64::max);
        let faint = strongest * 10f64.powf(-FAINT_DB / 10.0);
        let last = smooth.iter().rposition(|power| *power > faint && *power > 0.0);
        let bin_hz = f64::from(VAD_RATE_HZ) / VAD_CHUNK as f64;
        last.map_or(0.0, |bin| (bin + SMOOTH - 1) as f64 * bin_hz)
    }
}

impl fmt::Debug for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Band").finish_non_exhaustive()
    }
}
