//! Beyond what was measured: rates on normal-deviate paper.

use std::f64::consts::SQRT_2;

/// Points that the line is laid through reach up to this rate: further up are the easy pairs.
const HIGHEST: f64 = 0.05;

/// The extension of a measured tail. On normal-deviate paper, the scale of a DET plot, the rates of
/// scores that are sums of many small likenesses lie on a line (Martin et al. 1997), while on
/// logarithmic paper they fall ever faster: a line there, an exponential tail, asks for thresholds
/// that hardly anybody reaches. The line begins at the last measured point and has the slope of the
/// measured tail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NormalTail {
    last: f64,
    deviate: f64,
    slope: f64,
}

impl NormalTail {
    /// Of measured `(llr, rate)`, LLRs rising and rates falling; none of fewer than two, or of
    /// rates that do not fall.
    pub(crate) fn fit(measured: &[(f64, f64)]) -> Option<Self> {
        let tail: Vec<(f64, f64)> = measured
            .iter()
            .filter(|(_, rate)| *rate <= HIGHEST)
            .map(|(llr, rate)| (*llr, deviate(*rate)))
            .collect();
        let few: Vec<(f64, f64)> = measured.iter().map(|(llr, rate)| (*llr, deviate(*rate))).collect();
        let points: &[(f64, f64)] = if tail.len() >= 3 { &tail } else { &few[few.len().saturating_sub(3)..] };
        let (last, deviate) = *points.last()?;
        let slope = slope(points)?;
        (slope > 0.0).then_some(Self { last, deviate, slope })
    }

    /// The rate at an LLR beyond the measured ones.
    pub(crate) fn rate(&self, llr: f64) -> f64 {
        upper(self.deviate + self.slope * (llr - self.last))
    }

    /// Standard deviations a nat.
    pub(crate) fn slope(&self) -> f64 {
        self.slope
    }
}

/// Least squares; none of fewer than two points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let xx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let xy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    (points.len() > 1 && xx > 0.0).then(|| xy / xx)
}

/// The part of a normal distribution above `x`.
fn upper(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// The inverse of [`upper`], by halving: it is asked a few dozen times.
fn deviate(rate: f64) -> f64 {
    let (mut low, mut high) = (-38.0, 38.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if upper(middle) > rate { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rate: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..8).map(|i| f64::from(i) * 0.5).map(|t| (t, rate(t))).collect()
    }

    #[test]
    fn knows_the_normal_distribution() {
        for (x, rate) in
            [(0.0, 0.5), (1.281_551_565_545, 0.1), (3.090_232_306_168, 1e-3), (4.753_424_308_823, 1e-6)]
        {
            assert!((upper(x) / rate - 1.0).abs() < 1e-9 && (deviate(rate) - x).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn goes_on_as_a_normal_tail_does() {
        let tail = NormalTail::fit(&measured(|t| upper(1.0 + 0.7 * t))).unwrap();
        assert!((tail.slope() - 0.7).abs() < 1e-9);
        for t in [3.5, 5.0, 8.0] {
            assert!((tail.rate(t) / upper(1.0 + 0.7 * t) - 1.0).abs() < 1e-6, "{t}");
        }
    }

    #[test]
    fn what_does_not_fall_is_no_tail() {
        assert!(
            NormalTail::fit(&[(0.0, 0.1)]).is_none() && NormalTail::fit(&[(0.0, 0.1), (1.0, 0.1)]).is_none()
        );
    }
}
