//! Second-order filters, after R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad
//! filter coefficients".

use crate::RATE_HZ;

/// One second-order section, in the transposed direct form II.
#[derive(Debug, Clone, Copy)]
pub(super) struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    pub(super) fn high_pass(hz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hz, q);
        let b = (1.0 + cos) / 2.0;
        Self::normalized([b, -2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub(super) fn low_pass(hz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hz, q);
        let b = (1.0 - cos) / 2.0;
        Self::normalized([b, 2.0 * b, b], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub(super) fn band_pass(hz: f64, q: f64) -> Self {
        let (cos, alpha) = angle(hz, q);
        Self::normalized([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub(super) fn peak(hz: f64, q: f64, db: f64) -> Self {
        let (cos, alpha) = angle(hz, q);
        let a = 10f64.powf(db / 40.0);
        Self::normalized(
            [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
        )
    }

    /// Raises what lies above `hz` by `db`, with a slope of 1 (as steep as it stays monotonic).
    pub(super) fn high_shelf(hz: f64, db: f64) -> Self {
        let (cos, alpha) = angle(hz, std::f64::consts::FRAC_1_SQRT_2);
        let a = 10f64.powf(db / 40.0);
        let root = 2.0 * a.sqrt() * alpha;
        let (plus, minus) = (a + 1.0, a - 1.0);
        Self::normalized(
            [
                a * (plus + minus * cos + root),
                -2.0 * a * (minus + plus * cos),
                a * (plus + minus * cos - root),
            ],
            [plus - minus * cos + root, 2.0 * (minus - plus * cos), plus - minus * cos - root],
        )
    }

    fn normalized(b: [f64; 3], a: [f64; 3]) -> Self {
        Self { b: b.map(|value| value / a[0]), a: [a[1] / a[0], a[2] / a[0]] }
    }

    pub(super) fn apply(&self, samples: &mut [f32]) {
        let (mut first, mut second) = (0.0, 0.0);
        for sample in samples {
            let x = f64::from(*sample);
            let y = self.b[0] * x + first;
            first = self.b[1] * x - self.a[0] * y + second;
            second = self.b[2] * x - self.a[1] * y;
            *sample = y as f32;
        }
    }
}

fn angle(hz: f64, q: f64) -> (f64, f64) {
    let nyquist = RATE_HZ as f64 / 2.0;
    let omega = std::f64::consts::PI * hz.clamp(1.0, 0.995 * nyquist) / nyquist;
    (omega.cos(), omega.sin() / (2.0 * q))
}
