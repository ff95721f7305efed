use crate::EvaluationError;

/// What a test is for: how often the claim is true, and what each kind of error costs. NIST's
/// detection cost is `prior x miss_cost x P(miss) + (1 - prior) x false_cost x P(false match)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    prior: f64,
    miss_cost: f64,
    false_cost: f64,
}

impl OperatingPoint {
    /// The two every report states: targets in 1 % and in 5 % of the trials, unit costs (NIST SRE
    /// 2016 and later use 0.01 and 0.05 too).
    pub const SHIPPED: [Self; 2] = [Self::at_prior(0.01), Self::at_prior(0.05)];

    const fn at_prior(prior: f64) -> Self {
        Self { prior, miss_cost: 1.0, false_cost: 1.0 }
    }

    /// An operating point; the costs are relative to each other.
    ///
    /// # Errors
    /// When the prior is not between 0 and 1, both exclusive, or a cost is not positive.
    pub fn new(prior: f64, miss_cost: f64, false_cost: f64) -> Result<Self, EvaluationError> {
        if !(prior > 0.0 && prior < 1.0) {
            return Err(EvaluationError::BadSetting(format!(
                "the prior of a target is {prior}, it must be between 0 and 1"
            )));
        }
        for cost in [miss_cost, false_cost] {
            if !(cost > 0.0 && cost.is_finite()) {
                return Err(EvaluationError::BadSetting(format!("a cost is {cost}, it must be positive")));
            }
        }
        Ok(Self { prior, miss_cost, false_cost })
    }

    /// How often a trial is a target.
    #[must_use]
    pub fn prior(self) -> f64 {
        self.prior
    }

    /// What a miss costs.
    #[must_use]
    pub fn miss_cost(self) -> f64 {
        self.miss_cost
    }

    /// What a false match costs.
    #[must_use]
    pub fn false_cost(self) -> f64 {
        self.false_cost
    }

    /// The threshold that is best for a well calibrated natural-log likelihood ratio (Bayes).
    #[must_use]
    pub fn threshold(self) -> f64 {
        (self.false_cost * (1.0 - self.prior) / (self.miss_cost * self.prior)).ln()
    }

    /// The normalized cost of these error rates: 1 is what accepting or refusing everything costs,
    /// whichever is less.
    #[must_use]
    pub fn cost(self, miss: f64, false_match: f64) -> f64 {
        let (misses, falses) = (self.prior * self.miss_cost, (1.0 - self.prior) * self.false_cost);
        (misses * miss + falses * false_match) / misses.min(falses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threshold_and_cost_by_hand() {
        let [point, _] = OperatingPoint::SHIPPED;
        assert!((point.threshold() - 99f64.ln()).abs() < 1e-12);
        // (0.01 x 0.2 + 0.99 x 0.001) / 0.01
        assert!((point.cost(0.2, 0.001) - 0.299).abs() < 1e-12);
        let dear = OperatingPoint::new(0.5, 10.0, 1.0).unwrap();
        assert!((dear.threshold() - 0.1f64.ln()).abs() < 1e-12);
        assert!((dear.cost(0.1, 0.5) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn refuses_what_is_no_operating_point() {
        for (prior, miss, false_match) in [
            (0.0, 1.0, 1.0),
            (1.0, 1.0, 1.0),
            (f64::NAN, 1.0, 1.0),
            (0.1, 0.0, 1.0),
            (0.1, 1.0, f64::INFINITY),
        ] {
            assert!(OperatingPoint::new(prior, miss, false_match).is_err());
        }
    }
}
