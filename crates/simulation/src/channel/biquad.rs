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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The gain in dB of what a filter does to a tone, once it has settled.
    pub(crate) fn gain_db(hz: f64, filter: impl Fn(&mut [f32])) -> f64 {
        let step = std::f64::consts::TAU * hz / RATE_HZ as f64;
        let mut tone: Vec<f32> = (0..16_000).map(|i| (0.1 * (i as f64 * step).sin()) as f32).collect();
        let before = crate::signal::power(&tone[8_000..]);
        filter(&mut tone);
        10.0 * (crate::signal::power(&tone[8_000..]) / before).log10()
    }

    #[test]
    fn filters_have_the_gains_they_are_named_by() {
        let near = |hz: f64, filter: Biquad, db: f64| {
            let found = gain_db(hz, |samples| filter.apply(samples));
            assert!((found - db).abs() < 0.3, "{found:.2} dB at {hz} Hz instead of {db}");
        };
        let butterworth = std::f64::consts::FRAC_1_SQRT_2;
        near(300.0, Biquad::high_pass(300.0, butterworth), -3.0);
        near(2000.0, Biquad::high_pass(300.0, butterworth), 0.0);
        near(75.0, Biquad::high_pass(300.0, butterworth), -24.1);
        near(3000.0, Biquad::low_pass(3000.0, butterworth), -3.0);
        near(300.0, Biquad::low_pass(3000.0, butterworth), 0.0);
        near(1000.0, Biquad::peak(1000.0, 2.0, 8.0), 8.0);
        near(100.0, Biquad::peak(1000.0, 2.0, 8.0), 0.0);
        near(100.0, Biquad::high_shelf(1000.0, 6.0), 0.0);
        near(3900.0, Biquad::high_shelf(1000.0, 6.0), 6.0);
        near(700.0, Biquad::band_pass(700.0, 1.0), 0.0);
    }
}
