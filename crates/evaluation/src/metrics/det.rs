use super::{Tally, probit};

/// A point of the detection error tradeoff curve (Martin et al. 1997), as shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetPoint {
    /// Share of the non-targets that are accepted.
    pub false_match: f64,
    /// Share of the targets that are not.
    pub miss: f64,
}

/// The miss rate's confidence interval along the curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetBand {
    /// At this false match rate.
    pub false_match: f64,
    /// Lowest and highest miss rate.
    pub miss: [f64; 2],
}

/// False match rates at which bands are computed: even steps on the probit axis, 0.02 to 60 %.
pub(super) fn band_rates() -> Vec<f64> {
    const STEPS: u32 = 60;
    let (low, high) = (-3.5, 0.25);
    (0..=STEPS).map(|i| normal_cdf(low + (high - low) * f64::from(i) / f64::from(STEPS))).collect()
}

/// The lowest miss rate at each of these rising false match rates.
pub(super) fn miss_at(tally: &Tally, rates: &[f64]) -> Vec<f64> {
    let mut out = vec![1.0; rates.len()];
    let mut left = rates.len();
    // Thresholds rise, so the false match rate falls: from the last rate to the first.
    for point in tally.rates() {
        while left > 0 && point.false_match <= rates[left - 1] {
            out[left - 1] = point.miss;
            left -= 1;
        }
    }
    out
}

/// The curve thinned to what can be seen: a point for each 1/400 of the probit axes.
pub(super) fn curve(tally: &Tally) -> Vec<DetPoint> {
    let place = |share: f64| (probit(share.clamp(1e-5, 1.0 - 1e-5)) * 50.0).round() as i32;
    let mut points: Vec<DetPoint> = Vec::new();
    let mut last = None;
    for rates in tally.rates() {
        let here = (place(rates.false_match), place(rates.miss));
        if last != Some(here) {
            points.push(DetPoint { false_match: rates.false_match, miss: rates.miss });
            last = Some(here);
        }
    }
    points
}

/// The normal distribution's cumulative function, by bisection of its inverse: exact enough for
/// the places of a chart's points.
fn normal_cdf(x: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if probit(middle) < x {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misses_at_given_false_match_rates() {
        // Non-targets at 1, 2, 3, 4; targets at 2.5, 3.5, 5, 6.
        let tally = Tally::from_scores(&[2.5, 3.5, 5.0, 6.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(miss_at(&tally, &[0.0, 0.25, 0.5, 0.6, 1.0]), [0.5, 0.25, 0.0, 0.0, 0.0]);
        assert_eq!(miss_at(&tally, &[0.1]), [0.5]);
    }

    #[test]
    fn band_rates_rise_over_the_axis() {
        let rates = band_rates();
        assert!(rates.is_sorted() && rates[0] < 3e-4 && rates[rates.len() - 1] > 0.5);
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-12);
    }
}
