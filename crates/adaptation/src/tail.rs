/// The excesses over a high threshold as a generalized Pareto distribution (Pickands 1975), fitted
/// by probability-weighted moments (Hosking & Wallis 1987): steady with few excesses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ParetoTail {
    threshold: f64,
    shape: f64,
    scale: f64,
}

/// A tail lighter than the exponential would promise thresholds that nobody has seen kept; one
/// heavier than this comes from a few pairs of people and not from the many.
const SHAPES: (f64, f64) = (0.0, 0.3);

impl ParetoTail {
    /// Of the values above `threshold`; none if they are fewer than `fewest`.
    pub(crate) fn fit(values: &[f64], threshold: f64, fewest: usize) -> Option<Self> {
        let mut excesses: Vec<f64> =
            values.iter().filter(|v| **v > threshold).map(|v| v - threshold).collect();
        if excesses.len() < fewest.max(2) {
            return None;
        }
        excesses.sort_unstable_by(f64::total_cmp);
        let n = excesses.len() as f64;
        let mean = excesses.iter().sum::<f64>() / n;
        let weighted: f64 =
            excesses.iter().enumerate().map(|(i, x)| (1.0 - (i as f64 + 0.65) / n) * x).sum::<f64>() / n;
        let apart = mean - 2.0 * weighted;
        let shape = if apart > 0.0 { 2.0 - mean / apart } else { SHAPES.0 };
        let shape = shape.clamp(SHAPES.0, SHAPES.1);
        // The scale with which the tail has the mean it has.
        Some(Self { threshold, shape, scale: (mean * (1.0 - shape)).max(1e-6) })
    }

    /// The part of the values above the threshold that reach `value`.
    pub(crate) fn survival(&self, value: f64) -> f64 {
        let x = (value - self.threshold).max(0.0) / self.scale;
        if self.shape < 1e-9 { (-x).exp() } else { (1.0 + self.shape * x).powf(-1.0 / self.shape) }
    }

    pub(crate) fn shape(&self) -> f64 {
        self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles in the middle of `count` equal parts.
    fn sample(count: usize, quantile: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..count).map(|i| quantile((i as f64 + 0.5) / count as f64)).collect()
    }

    #[test]
    fn finds_an_exponential_and_a_heavier_tail() {
        let exponential = ParetoTail::fit(&sample(2000, |p| 3.0 - 0.8 * (1.0 - p).ln()), 3.0, 30).unwrap();
        assert!(exponential.shape() < 0.02, "{exponential:?}");
        assert!((exponential.survival(3.8) / (-1.0f64).exp() - 1.0).abs() < 0.02);
        let heavy =
            ParetoTail::fit(&sample(2000, |p| 0.5 / 0.2 * ((1.0 - p).powf(-0.2) - 1.0)), 0.0, 30).unwrap();
        assert!((heavy.shape() - 0.2).abs() < 0.02, "{heavy:?}");
        assert!((heavy.survival(5.0) / 3.0f64.powi(-5) - 1.0).abs() < 0.1);
    }

    #[test]
    fn a_tail_that_ends_counts_as_exponential() {
        let bounded = ParetoTail::fit(&sample(500, |p| p), 0.0, 30).unwrap();
        assert_eq!(bounded.shape(), 0.0);
        assert!(bounded.survival(2.0) > 0.01);
        assert!(ParetoTail::fit(&[1.0; 10], 0.0, 30).is_none());
    }
}
