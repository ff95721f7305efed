use std::f64::consts::PI;

/// How far below the passband images and aliases stay, in dB. Beyond 16-bit audio's 98 dB nothing
/// is gained, and 90 dB are asked for; designed with a margin.
const STOP_ATTENUATION_DB: f64 = 96.0;

/// Where the passband ends, as a part of the lower rate's half: 3,600 Hz for 8 kHz, above a
/// telephone line's 3,400. The stop band begins at that half itself, so nothing aliases at all.
const PASSBAND_EDGE: f64 = 0.9;

/// The most phases kept exactly. Ratios with more (a source of 11,127 Hz, say) interpolate between
/// neighbors of this many; linear interpolation's error is below (pi / 1024)^2 / 8, or -118 dB.
const MAX_PHASES: u64 = 1024;

/// A low-pass filter cut into phases: one short filter for each position of an output sample
/// between two input samples.
#[derive(Debug)]
pub(super) struct Kernel {
    taps: usize,
    phases: u64,
    /// `phases + 1` filters of `taps` each; the last is the first moved by one sample, so that
    /// interpolation needs no special case.
    coefficients: Vec<f32>,
}

impl Kernel {
    /// For `up / down` in lowest terms: output sample n stands at input position n * down / up.
    pub(super) fn design(up: u64, down: u64) -> Self {
        let phases = up.min(MAX_PHASES);
        // Frequencies as parts of the input rate; below 1/2 only when rates go down.
        let lower_half = 0.5 * (up as f64 / down as f64).min(1.0);
        let (pass, stop) = (PASSBAND_EDGE * lower_half, lower_half);
        let taps = kaiser_length(stop - pass);
        let filter = |phase| filter(phase as f64 / phases as f64, taps, (pass + stop) / 2.0);
        Self { taps, phases, coefficients: (0..=phases).flat_map(filter).collect() }
    }

    /// How many input samples an output sample is made from; even.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// The output sample at `numerator / up` (below 1) after the middle of `window`, which holds
    /// [`Kernel::taps`] input samples.
    pub(super) fn apply(&self, window: &[f32], numerator: u64, up: u64) -> f32 {
        if self.phases == up {
            return self.dot(window, numerator);
        }
        let position = numerator * self.phases;
        let (phase, rest) = (position / up, (position % up) as f32 / up as f32);
        let (here, next) = (self.dot(window, phase), self.dot(window, phase + 1));
        here + rest * (next - here)
    }

    fn dot(&self, window: &[f32], phase: u64) -> f32 {
        let start = phase as usize * self.taps;
        dot(window, &self.coefficients[start..start + self.taps])
    }
}

/// Kaiser's length for a transition this wide (a part of the input rate), made even.
/// Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd ed., eq. 7.76.
fn kaiser_length(transition: f64) -> usize {
    let taps = (STOP_ATTENUATION_DB - 7.95) / (2.285 * 2.0 * PI * transition);
    (taps / 2.0).ceil() as usize * 2
}

/// One phase: a Kaiser-windowed sinc around `fraction` past the middle, of unit gain at 0 Hz.
fn filter(fraction: f64, taps: usize, cutoff: f64) -> Vec<f32> {
    // Eq. 7.75 of the same, for more than 50 dB.
    let beta = 0.1102 * (STOP_ATTENUATION_DB - 8.7);
    let half = taps as f64 / 2.0;
    let values: Vec<f64> = (0..taps)
        .map(|tap| {
            let distance = tap as f64 - (half - 1.0) - fraction;
            let window = 1.0 - (distance / half).powi(2);
            if window <= 0.0 { 0.0 } else { sinc(2.0 * cutoff * distance) * bessel_i0(beta * window.sqrt()) }
        })
        .collect();
    // Each phase alone passes 0 Hz unchanged, or a constant would ripple at the output rate.
    let gain: f64 = values.iter().sum();
    values.iter().map(|value| (value / gain) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-12 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// Eight sums side by side let the compiler use vector registers; their order is fixed, so that the
/// same window gives the same bits.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, y) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f32>() + rest
}
