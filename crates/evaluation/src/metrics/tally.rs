use std::sync::Arc;

use super::{OperatingPoint, PavBlock, ScoredTrial, pav, softplus};
use crate::EvaluationError;

/// Error rates at a threshold, as shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Accepted are scores at least this high; infinite where nothing is accepted.
    pub threshold: f64,
    /// Share of the targets that are not accepted.
    pub miss: f64,
    /// Share of the non-targets that are accepted.
    pub false_match: f64,
}

/// The weight of targets and of non-targets at each distinct score: all that error rates depend on.
#[derive(Clone, Debug)]
pub struct Tally {
    scores: Arc<[f64]>,
    targets: Vec<f64>,
    nontargets: Vec<f64>,
    all_targets: f64,
    all_nontargets: f64,
}

impl Tally {
    /// From the scores of targets and of non-targets, each trial of weight one.
    ///
    /// # Errors
    /// When one kind is missing or a score is not finite.
    pub fn from_scores(targets: &[f64], nontargets: &[f64]) -> Result<Self, EvaluationError> {
        let trial = |target| move |&score| ScoredTrial { score: Some(score), target, speakers: [0, 0] };
        let trials: Vec<_> =
            targets.iter().map(trial(true)).chain(nontargets.iter().map(trial(false))).collect();
        Ok(super::RankedTrials::new(&trials, false)?.tally().clone())
    }

    /// From weights at rising distinct scores; none when one kind weighs nothing.
    pub(super) fn new(scores: Arc<[f64]>, targets: Vec<f64>, nontargets: Vec<f64>) -> Option<Self> {
        let all_targets: f64 = targets.iter().sum();
        let all_nontargets: f64 = nontargets.iter().sum();
        (all_targets > 0.0 && all_nontargets > 0.0).then_some(Self {
            scores,
            targets,
            nontargets,
            all_targets,
            all_nontargets,
        })
    }

    /// Weight of all targets and of all non-targets.
    #[must_use]
    pub fn totals(&self) -> (f64, f64) {
        (self.all_targets, self.all_nontargets)
    }

    /// Score, weight of the targets and of the non-targets with it, scores rising.
    pub(super) fn groups(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.scores.iter().zip(&self.targets).zip(&self.nontargets).map(|((s, t), n)| (*s, *t, *n))
    }

    /// The error rates at every threshold that makes a difference, thresholds rising: first all
    /// trials are accepted, at last none.
    pub fn rates(&self) -> impl Iterator<Item = Rates> {
        let (mut missed, mut rejected) = (0.0, 0.0);
        let end = std::iter::once((f64::INFINITY, 0.0, 0.0));
        self.groups().chain(end).map(move |(threshold, targets, nontargets)| {
            let miss = (missed / self.all_targets).min(1.0);
            let false_match = (1.0 - rejected / self.all_nontargets).max(0.0);
            missed += targets;
            rejected += nontargets;
            Rates { threshold, miss, false_match }
        })
    }

    /// The error rates at one threshold.
    #[must_use]
    pub fn rates_at(&self, threshold: f64) -> Rates {
        let accepted = self.scores.partition_point(|s| *s < threshold);
        let miss = self.targets[..accepted].iter().sum::<f64>() / self.all_targets;
        let false_match = self.nontargets[accepted..].iter().sum::<f64>() / self.all_nontargets;
        Rates { threshold, miss, false_match }
    }

    /// The lowest threshold whose false match rate is at most `rate`, and its error rates.
    #[must_use]
    pub fn rates_at_false_match(&self, rate: f64) -> Rates {
        let nothing = Rates { threshold: f64::INFINITY, miss: 1.0, false_match: 0.0 };
        // A hair of slack: sums of shares are not exact.
        self.rates().find(|r| r.false_match <= rate + 1e-12).unwrap_or(nothing)
    }

    /// The error rates when everything that has a score is accepted.
    pub(super) fn rates_above_unscored(&self) -> Rates {
        let lowest = self.scores.iter().find(|s| s.is_finite());
        self.rates_at(lowest.copied().unwrap_or(f64::INFINITY))
    }

    /// Plain equal error rate: where miss and false match rates cross on the line between the two
    /// thresholds around it.
    #[must_use]
    pub fn eer(&self) -> f64 {
        crossing(self.rates().map(|r| (r.miss, r.false_match)))
    }

    /// Equal error rate on the convex hull of the ROC (Brümmer's ROCCH-EER): what the best mixture
    /// of thresholds reaches. Never above the plain one, and free of its jitter.
    #[must_use]
    pub fn eer_rocch(&self) -> f64 {
        self.eer_of(&self.pav())
    }

    pub(super) fn eer_of(&self, blocks: &[PavBlock]) -> f64 {
        let (mut missed, mut rejected) = (0.0, 0.0);
        let corners = blocks.iter().map(|block| {
            missed += block.targets;
            rejected += block.nontargets;
            (missed / self.all_targets, 1.0 - rejected / self.all_nontargets)
        });
        crossing(std::iter::once((0.0, 1.0)).chain(corners))
    }

    /// The least normalized detection cost over all thresholds, and where it is.
    #[must_use]
    pub fn min_dcf(&self, point: OperatingPoint) -> (f64, Rates) {
        let nothing = Rates { threshold: f64::INFINITY, miss: 1.0, false_match: 0.0 };
        let mut best = (point.cost(1.0, 0.0), nothing);
        for rates in self.rates() {
            let cost = point.cost(rates.miss, rates.false_match);
            if cost < best.0 {
                best = (cost, rates);
            }
        }
        best
    }

    /// The normalized detection cost at the Bayes threshold, which takes the scores for natural-log
    /// likelihood ratios: what a user really pays.
    #[must_use]
    pub fn actual_dcf(&self, point: OperatingPoint) -> (f64, Rates) {
        let rates = self.rates_at(point.threshold());
        (point.cost(rates.miss, rates.false_match), rates)
    }

    /// Bits lost for the mean of both kinds of trials when the scores are taken for natural-log
    /// likelihood ratios (Brümmer and du Preez 2006): 0 is perfect, 1 is knowing nothing.
    #[must_use]
    pub fn cllr(&self) -> f64 {
        let (mut targets, mut nontargets) = (0.0, 0.0);
        for (score, t, n) in self.groups() {
            if t > 0.0 {
                targets += t * softplus(-score);
            }
            if n > 0.0 {
                nontargets += n * softplus(score);
            }
        }
        (targets / self.all_targets + nontargets / self.all_nontargets) / (2.0 * std::f64::consts::LN_2)
    }

    /// Cllr after the best monotone calibration fitted on these very trials (PAV): what is lost by
    /// discrimination alone. Cllr less this is lost by calibration.
    #[must_use]
    pub fn min_cllr(&self) -> f64 {
        self.min_cllr_of(&self.pav())
    }

    pub(super) fn min_cllr_of(&self, blocks: &[PavBlock]) -> f64 {
        let (mut targets, mut nontargets) = (0.0, 0.0);
        for block in blocks {
            let llr = block.llr(self.all_targets, self.all_nontargets);
            // A block of one kind has an infinite ratio and costs nothing.
            if block.targets > 0.0 && block.nontargets > 0.0 {
                targets += block.targets * softplus(-llr);
                nontargets += block.nontargets * softplus(llr);
            }
        }
        (targets / self.all_targets + nontargets / self.all_nontargets) / (2.0 * std::f64::consts::LN_2)
    }

    /// The blocks of pool adjacent violators, scores rising.
    #[must_use]
    pub fn pav(&self) -> Vec<PavBlock> {
        pav::pool(self)
    }
}

/// Where a curve from (0, 1) to (1, 0) meets the diagonal; `points` are (miss, false match), miss
/// rising.
fn crossing(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut before = (0.0, 1.0);
    for (miss, false_match) in points {
        if miss >= false_match {
            let (above, below) = (before.1 - before.0, miss - false_match);
            let share = if above + below > 0.0 { above / (above + below) } else { 0.0 };
            return before.0 + share * (miss - before.0);
        }
        before = (miss, false_match);
    }
    before.0
}
