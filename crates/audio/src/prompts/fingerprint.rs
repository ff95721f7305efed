use std::sync::{Arc, LazyLock};

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use crate::VAD_RATE_HZ;

/// Samples from one sub-fingerprint to the next: 16 ms, half a chunk of voice activity.
pub(super) const HOP: usize = 128;
/// Samples a sub-fingerprint looks at: 256 ms. Overlapping so much, it does not mind where frames begin.
pub(super) const FRAME: usize = 2048;
const BITS: usize = 32;
/// Bands spaced evenly in log frequency over what every telephone channel carries, in Hz.
const LOW_HZ: f64 = 300.0;
const HIGH_HZ: f64 = 3000.0;

struct Transform {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// First bin of each band, and the end of the last.
    edges: [usize; BITS + 2],
}

static TRANSFORM: LazyLock<Transform> = LazyLock::new(|| {
    let ratio = (HIGH_HZ / LOW_HZ).powf(1.0 / (BITS + 1) as f64);
    let bin = |band: usize| LOW_HZ * ratio.powi(band as i32) * FRAME as f64 / f64::from(VAD_RATE_HZ);
    let hann = |n: usize| 0.5 - 0.5 * (std::f64::consts::TAU * (n as f64 + 0.5) / FRAME as f64).cos();
    Transform {
        fft: RealFftPlanner::new().plan_fft_forward(FRAME),
        window: (0..FRAME).map(|n| hann(n) as f32).collect(),
        edges: std::array::from_fn(|band| bin(band).round() as usize),
    }
});

/// Turns samples at 8 kHz into sub-fingerprints, one every [`HOP`] samples from [`FRAME`] on.
pub(super) struct Fingerprinter {
    /// The samples that coming frames need.
    samples: Vec<f32>,
    bands: Option<[f32; BITS + 1]>,
    work: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
}

impl Fingerprinter {
    pub(super) fn new() -> Self {
        let transform = &TRANSFORM.fft;
        Self {
            samples: Vec::new(),
            bands: None,
            work: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
        }
    }

    /// `sink` gets the next sub-fingerprints in order.
    pub(super) fn accept(&mut self, samples: &[f32], mut sink: impl FnMut(u32)) {
        self.samples.extend_from_slice(samples);
        let mut start = 0;
        while self.samples.len() - start >= FRAME {
            sink(self.print(start));
            start += HOP;
        }
        self.samples.drain(..start);
    }

    /// Bit m: whether the difference of bands m and m + 1 has grown since the frame before.
    fn print(&mut self, start: usize) -> u32 {
        let Transform { fft, window, edges } = &*TRANSFORM;
        let frame = &self.samples[start..start + FRAME];
        self.work.iter_mut().zip(frame.iter().zip(window)).for_each(|(w, (s, h))| *w = s * h);
        // Fails for buffers of a wrong length only, and these are its own.
        if fft.process(&mut self.work, &mut self.spectrum).is_err() {
            return 0;
        }
        let power = |bins: &[Complex<f32>]| bins.iter().map(Complex::norm_sqr).sum::<f32>();
        let bands: [f32; BITS + 1] =
            std::array::from_fn(|band| power(&self.spectrum[edges[band]..edges[band + 1]]));
        let before = self.bands.replace(bands).unwrap_or([0.0; BITS + 1]);
        let slope = |e: &[f32; BITS + 1], bit: usize| e[bit] - e[bit + 1];
        (0..BITS).fold(0, |print, bit| print | u32::from(slope(&bands, bit) > slope(&before, bit)) << bit)
    }
}
