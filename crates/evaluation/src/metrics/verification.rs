use super::det::{band_rates, curve, miss_at};
use super::estimate::interval;
use super::{
    Bootstrap, DetBand, DetPoint, Estimate, OperatingPoint, PavBlock, RankedTrials, Rates, ScoredTrial, Tally,
};
use crate::EvaluationError;

/// How a verification test is counted.
#[derive(Clone, Debug)]
pub struct VerificationOptions {
    /// Where detection costs are stated.
    pub points: Vec<OperatingPoint>,
    /// How intervals are made.
    pub bootstrap: Bootstrap,
}

impl Default for VerificationOptions {
    fn default() -> Self {
        Self { points: OperatingPoint::SHIPPED.to_vec(), bootstrap: Bootstrap::default() }
    }
}

/// Detection costs at one operating point, normalized.
#[derive(Clone, Debug, PartialEq)]
pub struct CostFigures {
    /// The operating point.
    pub point: OperatingPoint,
    /// The least cost over all thresholds.
    pub min: Estimate,
    /// The error rates there.
    pub min_rates: Rates,
    /// The cost at the Bayes threshold; none for scores that are no likelihood ratios.
    pub actual: Option<Estimate>,
    /// The error rates there.
    pub actual_rates: Option<Rates>,
}

/// The same figures when a trial without a score counts as an error: a target as missed, a
/// non-target as rejected.
#[derive(Clone, Debug, PartialEq)]
pub struct CountedAsErrors {
    /// Plain equal error rate.
    pub eer: f64,
    /// Equal error rate on the ROC's convex hull.
    pub eer_rocch: f64,
    /// Operating point, least and actual normalized cost.
    pub costs: Vec<(OperatingPoint, f64, Option<f64>)>,
}

/// How good one system's scores are on one set of trials.
#[derive(Clone, Debug)]
pub struct VerificationFigures {
    /// Target trials with a score.
    pub targets: usize,
    /// Non-target trials with a score.
    pub nontargets: usize,
    /// Target trials that gave no score.
    pub unscored_targets: usize,
    /// Non-target trials that gave no score.
    pub unscored_nontargets: usize,
    /// Speakers behind the trials, resampled for the intervals.
    pub speakers: usize,
    /// Plain equal error rate.
    pub eer: Estimate,
    /// Equal error rate on the ROC's convex hull.
    pub eer_rocch: Estimate,
    /// Detection costs at each operating point.
    pub costs: Vec<CostFigures>,
    /// Bits lost; none for scores that are no likelihood ratios.
    pub cllr: Option<Estimate>,
    /// Bits lost after the best monotone calibration.
    pub min_cllr: Estimate,
    /// With unscored trials as errors; none when every trial has a score.
    pub counted_as_errors: Option<CountedAsErrors>,
    /// The error tradeoff curve, false match rate falling.
    pub det: Vec<DetPoint>,
    /// Its confidence band, false match rate rising; empty with too few speakers.
    pub det_band: Vec<DetBand>,
    /// The best monotone calibration.
    pub pav: Vec<PavBlock>,
}

/// Counts a set of trials. `calibrated` scores are natural-log likelihood ratios.
///
/// # Errors
/// When no target or no non-target has a score, a score is not finite, or an option is out of range.
pub fn verification_figures(
    trials: &[ScoredTrial],
    calibrated: bool,
    options: &VerificationOptions,
) -> Result<VerificationFigures, EvaluationError> {
    options.bootstrap.check()?;
    let ranked = RankedTrials::new(trials, false)?;
    let tally = ranked.tally();
    let rates = band_rates();
    let sample = |tally: &Tally| Sample::of(tally, calibrated, &options.points, &rates);
    let all = sample(tally);
    let samples =
        options.bootstrap.run(ranked.speakers(), |counts| ranked.weighted(counts).map(|t| sample(&t)));
    let spread = Spread { samples: &samples, bootstrap: &options.bootstrap };
    let number =
        |target, scored| trials.iter().filter(|t| t.target == target && t.score.is_some() == scored).count();
    let costs = options.points.iter().enumerate().map(|(i, point)| CostFigures {
        point: *point,
        min: spread.estimate(&all, |s| Some(s.costs[i].0)),
        min_rates: tally.min_dcf(*point).1,
        actual: calibrated.then(|| spread.estimate(&all, |s| s.costs[i].1)),
        actual_rates: calibrated.then(|| tally.actual_dcf(*point).1),
    });
    Ok(VerificationFigures {
        targets: number(true, true),
        nontargets: number(false, true),
        unscored_targets: number(true, false),
        unscored_nontargets: number(false, false),
        speakers: ranked.speakers(),
        eer: spread.estimate(&all, |s| Some(s.eer)),
        eer_rocch: spread.estimate(&all, |s| Some(s.eer_rocch)),
        costs: costs.collect(),
        cllr: calibrated.then(|| spread.estimate(&all, |s| s.cllr)),
        min_cllr: spread.estimate(&all, |s| Some(s.min_cllr)),
        counted_as_errors: counted_as_errors(trials, calibrated, options)?,
        det: curve(tally),
        det_band: spread.band(&rates),
        pav: tally.pav(),
    })
}

fn counted_as_errors(
    trials: &[ScoredTrial],
    calibrated: bool,
    options: &VerificationOptions,
) -> Result<Option<CountedAsErrors>, EvaluationError> {
    if trials.iter().all(|t| t.score.is_some()) {
        return Ok(None);
    }
    let ranked = RankedTrials::new(trials, true)?;
    let tally = ranked.tally();
    let cost = |p: &OperatingPoint| (*p, tally.min_dcf(*p).0, calibrated.then(|| tally.actual_dcf(*p).0));
    let costs = options.points.iter().map(cost).collect();
    Ok(Some(CountedAsErrors { eer: tally.eer(), eer_rocch: tally.eer_rocch(), costs }))
}

/// All figures of one weighting of the trials.
struct Sample {
    eer: f64,
    eer_rocch: f64,
    cllr: Option<f64>,
    min_cllr: f64,
    costs: Vec<(f64, Option<f64>)>,
    miss: Vec<f64>,
}

impl Sample {
    fn of(tally: &Tally, calibrated: bool, points: &[OperatingPoint], rates: &[f64]) -> Self {
        let cost = |p: &OperatingPoint| (tally.min_dcf(*p).0, calibrated.then(|| tally.actual_dcf(*p).0));
        let blocks = tally.pav();
        Self {
            eer: tally.eer(),
            eer_rocch: tally.eer_of(&blocks),
            cllr: calibrated.then(|| tally.cllr()),
            min_cllr: tally.min_cllr_of(&blocks),
            costs: points.iter().map(cost).collect(),
            miss: miss_at(tally, rates),
        }
    }
}

struct Spread<'a> {
    samples: &'a [Sample],
    bootstrap: &'a Bootstrap,
}

impl Spread<'_> {
    fn estimate(&self, all: &Sample, figure: impl Fn(&Sample) -> Option<f64>) -> Estimate {
        let samples = self.samples.iter().filter_map(&figure).collect();
        let value = figure(all).unwrap_or_default();
        Estimate::new(value, samples, self.bootstrap.resamples, self.bootstrap.level)
    }

    fn band(&self, rates: &[f64]) -> Vec<DetBand> {
        let at = |(i, rate): (usize, &f64)| {
            let samples = self.samples.iter().map(|s| s.miss[i]).collect();
            let miss = interval(samples, self.bootstrap.resamples, self.bootstrap.level)?;
            Some(DetBand { false_match: *rate, miss })
        };
        rates.iter().enumerate().filter_map(at).collect()
    }
}
