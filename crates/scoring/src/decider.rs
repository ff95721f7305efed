use crate::judge::{Standing, judge};
use crate::{Calibration, Decision, Evidence, FalseMatches, Policy, Priors};

/// Turns evidence into decisions under one policy, one set of priors and one calibration.
///
/// The threshold of a tag follows the list: if one comparison goes wrong with probability FMR, a
/// list of N goes wrong with 1 - (1 - FMR)^N, so the needed LLR rises with ln N. Two bounds hold
/// at the same time, and the lower of the two thresholds keeps the budget: the false match rate
/// measured with the calibration, and an inequality that needs no measured tail.
#[derive(Clone, Debug)]
pub struct Decider {
    policy: Policy,
    priors: Priors,
    once: FalseMatches,
    live: FalseMatches,
    llr_max: f64,
}

impl Decider {
    /// For LLRs of this calibration.
    #[must_use]
    pub fn new(policy: Policy, priors: Priors, calibration: &Calibration) -> Self {
        let (once, live) = (calibration.false_matches().clone(), calibration.live_false_matches().clone());
        Self { policy, priors, once, live, llr_max: calibration.limits().1 }
    }

    /// The policy it decides by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The priors it decides by.
    #[must_use]
    pub fn priors(&self) -> &Priors {
        &self.priors
    }

    /// The largest LLR its calibration gives, in nats: no threshold above it can be reached.
    #[must_use]
    pub fn llr_max(&self) -> f64 {
        self.llr_max
    }

    /// The LLR, in nats, that one of `list_size` listed voices must reach to be tagged, when the
    /// call is looked at once (a recording).
    ///
    /// Beside the measured rate Markov's inequality holds: P(LLR >= t | not this proxy) <= e^-t.
    #[must_use]
    pub fn tag_threshold(&self, list_size: usize) -> f64 {
        self.threshold(&self.once, list_size)
    }

    /// The same for a live call that is looked at again and again: one threshold for all its looks,
    /// such that the budget covers the whole call.
    ///
    /// It comes from the rate at which strangers reach an LLR at any look of a call, as measured.
    /// Beside it Ville's inequality holds: the likelihood ratio of growing speech is a martingale
    /// if the proxy is not the speaker, so it ever reaches e^t with probability e^-t at most,
    /// however often one looks (Robbins 1970 on the tests that follow from it).
    #[must_use]
    pub fn live_tag_threshold(&self, list_size: usize) -> f64 {
        self.threshold(&self.live, list_size)
    }

    fn threshold(&self, measured: &FalseMatches, list_size: usize) -> f64 {
        let options = self.policy.options();
        let budget = options.false_tag_budget;
        // The inequality of Markov and of Ville, with a union bound over the list.
        let unmeasured = (list_size.max(1) as f64 / budget).ln();
        measured.llr_for_list(list_size, budget).min(unmeasured).max(options.min_tag_llr)
    }

    /// Decides on a whole recording, looked at once.
    #[must_use]
    pub fn decide<K: Clone>(&self, evidence: &Evidence<'_, K>) -> Decision<K> {
        judge(self, evidence, &Standing::fresh(self.tag_threshold(evidence.list_size)))
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::ModelId;

    use super::*;
    use crate::CalibrationFit;
    use crate::calibration::tests::toy_fit;

    fn decider() -> Decider {
        of(toy_fit())
    }

    fn of(fit: CalibrationFit) -> Decider {
        let calibration = Calibration::new(ModelId::new("toy", "0"), "toy", fit).unwrap();
        Decider::new(Policy::default(), Priors::default(), &calibration)
    }

    #[test]
    fn the_threshold_rises_with_the_list_and_stops_at_markov() {
        let at = |n| decider().tag_threshold(n);
        // A list of one: FMR 0.01 is reached at 0 nats, so the floor holds.
        assert_eq!(at(1), 3.4);
        // 100 voices at 1 %: FMR 1.005e-4; the curve falls two decades in five nats.
        let by_rate = (1.00503e-4f64 / 1e-2).ln() / (1e-2f64.ln() / 5.0);
        assert!((at(100) - by_rate).abs() < 1e-4, "{} {by_rate}", at(100));
        assert!(at(1000) > at(100) && at(10_000) > at(1000));
        // A curve that hardly falls gives way to Markov.
        let mut fit = toy_fit();
        fit.false_matches = FalseMatches::new(&[(0.0, 0.9), (5.0, 0.8)]).unwrap();
        assert_eq!(of(fit).tag_threshold(1000), (1000.0f64 / 0.01).ln());
    }

    #[test]
    fn a_live_call_needs_more() {
        let d = decider();
        // Twice the rate costs ln 2 on a curve that falls 0.921 a nat.
        let cost = d.live_tag_threshold(100) - d.tag_threshold(100);
        assert!((cost - 2f64.ln() / (1e-2f64.ln() / -5.0)).abs() < 1e-9, "{cost}");
    }
}
