use crate::ScoringError;

/// How often two different people reach an LLR or more (the false match rate), as measured when
/// the calibration was fitted. It gives the alarm threshold for a list of any size.
///
/// Between measured points the logarithm of the rate is interpolated; beyond the last it follows
/// the last slope, which is on the safe side: the tail of non-target LLRs falls ever faster. Below
/// the first point the first rate holds only as "at least", so 1 is assumed.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseMatches {
    /// (LLR, ln rate): LLRs rising, rates falling.
    points: Vec<(f64, f64)>,
}

const MAX_POINTS: usize = 256;

impl FalseMatches {
    /// From (LLR in nats, rate) pairs: at least two, LLRs rising, rates falling within (0, 1].
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] if they are not so.
    pub fn new(points: &[(f64, f64)]) -> Result<Self, ScoringError> {
        let bad = |detail: &str| Err(ScoringError::BadFit(format!("false matches: {detail}")));
        if !(2..=MAX_POINTS).contains(&points.len()) {
            return bad("2 to 256 points are needed");
        }
        if points.iter().any(|(llr, rate)| !(llr.is_finite() && *rate > 0.0 && *rate <= 1.0)) {
            return bad("an llr is not finite or a rate not above 0 and up to 1");
        }
        // A step of less than a millinat would make the last slope meaningless.
        if points.windows(2).any(|w| w[1].0 < w[0].0 + 1e-3 || w[1].1 >= w[0].1) {
            return bad("llrs must rise and rates fall");
        }
        Ok(Self { points: points.iter().map(|(llr, rate)| (*llr, rate.ln())).collect() })
    }

    /// The points it was made from: LLRs in nats with their rates.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.points.iter().map(|(llr, log_rate)| (*llr, log_rate.exp()))
    }

    /// The part of comparisons between two different people that reach `llr` nats.
    #[must_use]
    pub fn rate(&self, llr: f64) -> f64 {
        let first = self.points[0];
        if llr.is_nan() || llr < first.0 {
            return 1.0;
        }
        let (a, b) = self.segment(|p| p.0 > llr);
        (a.1 + (llr - a.0) * slope(a, b)).exp().min(1.0)
    }

    /// The LLR in nats that a comparison must reach so that two different people do so at most
    /// with probability `rate`. Infinite for a rate that is not positive.
    #[must_use]
    pub fn llr_for(&self, rate: f64) -> f64 {
        if rate.is_nan() || rate <= 0.0 {
            return f64::INFINITY;
        }
        let wanted = rate.ln();
        if wanted >= self.points[0].1 {
            return self.points[0].0;
        }
        let (a, b) = self.segment(|p| p.1 < wanted);
        a.0 + (wanted - a.1) / slope(a, b)
    }

    /// The LLR that one of `list_size` listed voices must reach so that a caller who is none of
    /// them is tagged at most with probability `budget`: FPIR = 1 - (1 - FMR)^N.
    #[must_use]
    pub fn llr_for_list(&self, list_size: usize, budget: f64) -> f64 {
        let n = list_size.max(1) as f64;
        // 1 - (1 - budget)^(1/N), without losing a small budget to rounding.
        self.llr_for(-((-budget.clamp(0.0, 1.0)).ln_1p() / n).exp_m1())
    }

    /// The two points around the first one that `beyond` holds for, or the last two.
    fn segment(&self, beyond: impl Fn(&(f64, f64)) -> bool) -> ((f64, f64), (f64, f64)) {
        let last = self.points.len() - 1;
        let right = self.points.iter().position(beyond).unwrap_or(last).clamp(1, last);
        (self.points[right - 1], self.points[right])
    }
}

fn slope(a: (f64, f64), b: (f64, f64)) -> f64 {
    (b.1 - a.1) / (b.0 - a.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn toy() -> FalseMatches {
        FalseMatches::new(&[(0.0, 1e-1), (2.0, 1e-2), (4.0, 1e-4)]).unwrap()
    }

    #[test]
    fn interpolates_and_follows_the_last_slope() {
        let curve = toy();
        assert!((curve.rate(1.0) - 10f64.powf(-1.5)).abs() < 1e-12);
        assert!((curve.rate(3.0) - 1e-3).abs() < 1e-12);
        assert!((curve.rate(6.0) / 1e-6 - 1.0).abs() < 1e-9);
        assert_eq!(curve.rate(-0.1), 1.0);
        assert!((curve.llr_for(1e-8) - 8.0).abs() < 1e-9);
        assert_eq!(curve.llr_for(0.5), 0.0);
        assert_eq!(curve.llr_for(0.0), f64::INFINITY);
    }

    #[test]
    fn a_longer_list_needs_more() {
        let curve = toy();
        // 1 % over a list of 1 is the measured point; over 100 it is very nearly 1e-4.
        assert!((curve.llr_for_list(1, 0.01) - 2.0).abs() < 1e-9);
        assert!((curve.llr_for_list(100, 0.01) - 4.0).abs() < 0.01);
        // Each tenfold list costs one nat on the last slope (two decades in two nats).
        let step = curve.llr_for_list(10_000, 0.01) - curve.llr_for_list(1000, 0.01);
        assert!((step - 1.0).abs() < 1e-3);
    }

    #[test]
    fn refuses_what_is_no_curve() {
        assert!(FalseMatches::new(&[(0.0, 0.1)]).is_err());
        assert!(FalseMatches::new(&[(0.0, 0.1), (0.0, 0.01)]).is_err());
        assert!(FalseMatches::new(&[(0.0, 0.1), (1.0, 0.1)]).is_err());
        assert!(FalseMatches::new(&[(0.0, 0.1), (1.0, 0.0)]).is_err());
        assert!(FalseMatches::new(&[(f64::NAN, 0.1), (1.0, 0.01)]).is_err());
    }

    proptest! {
        #[test]
        fn threshold_and_rate_are_inverse(exponent in -12.0f64..-1.0) {
            let rate = 10f64.powf(exponent);
            let back = toy().rate(toy().llr_for(rate));
            prop_assert!((back / rate - 1.0).abs() < 1e-6);
        }

        #[test]
        fn the_false_tag_rate_over_a_list_is_the_budget(n in 1usize..100_000, budget in 1e-4f64..0.05) {
            let fmr = toy().rate(toy().llr_for_list(n, budget));
            let fpir = -(n as f64 * (-fmr).ln_1p()).exp_m1();
            prop_assert!((fpir / budget - 1.0).abs() < 1e-6);
        }

        #[test]
        fn never_a_nan(llr in prop::num::f64::ANY, rate in prop::num::f64::ANY, n: usize) {
            prop_assert!(!toy().rate(llr).is_nan());
            prop_assert!(!toy().llr_for(rate).is_nan());
            prop_assert!(!toy().llr_for_list(n, 0.01).is_nan());
        }
    }
}
