use super::estimate::interval;
use super::share::{share, wider, wilson};
use super::{Bootstrap, RankedTrials, ScoredTrial, Share};
use crate::EvaluationError;

/// The rule of 30 (Doddington 1998): a rate needs some 30 errors behind it to be believed.
const RULE_OF_30: f64 = 30.0;

/// How an identification test is counted.
#[derive(Clone, Debug)]
pub struct IdentificationOptions {
    /// False positive identification rates at which the found share is stated.
    pub fpirs: Vec<f64>,
    /// How intervals are made.
    pub bootstrap: Bootstrap,
}

impl Default for IdentificationOptions {
    fn default() -> Self {
        Self { fpirs: vec![0.001, 0.003, 0.01, 0.03], bootstrap: Bootstrap::default() }
    }
}

/// What a search of the list gave for one probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeOutcome {
    /// The true voice is on the list.
    pub listed: bool,
    /// The best entry's score; none where the probe gave no voiceprint.
    pub best: Option<f64>,
    /// The best entry is the true voice.
    pub right: bool,
    /// The speaker, as a number from 0.
    pub speaker: u32,
}

/// The found share at one false positive identification rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TpirFigures {
    /// At most this share of the unlisted probes is tagged.
    pub fpir: f64,
    /// The lowest score accepted there; none when nothing is.
    pub threshold: Option<f64>,
    /// Listed probes whose best entry is right and accepted, of all listed.
    pub tpir: Share,
    /// The rate stands on fewer than 30 unlisted probes' errors: take it as a hint.
    pub few: bool,
}

/// How good one system finds listed voices (open-set identification).
#[derive(Clone, Debug, PartialEq)]
pub struct IdentificationFigures {
    /// Probes of listed voices.
    pub listed: usize,
    /// Probes of other voices.
    pub unlisted: usize,
    /// Listed probes without a voiceprint: they count as not found.
    pub unscored_listed: usize,
    /// Unlisted probes without a voiceprint: they count as not tagged.
    pub unscored_unlisted: usize,
    /// Speakers behind the probes.
    pub speakers: usize,
    /// Listed probes whose best entry is right, at any score, of all listed.
    pub rank1: Share,
    /// The found share at each rate asked for; empty without listed or without unlisted probes.
    pub tpir: Vec<TpirFigures>,
    /// The tradeoff: share of unlisted probes tagged, share of listed found; thresholds rising.
    pub curve: Vec<[f64; 2]>,
}

/// Counts the outcomes of probes.
///
/// # Errors
/// When there is no probe, a score is not finite, or an option is out of range.
pub fn identification_figures(
    probes: &[ProbeOutcome],
    options: &IdentificationOptions,
) -> Result<IdentificationFigures, EvaluationError> {
    options.bootstrap.check()?;
    if let Some(bad) = options.fpirs.iter().find(|f| !(0.0..=1.0).contains(*f)) {
        return Err(EvaluationError::BadSetting(format!("a rate is {bad}, it must be from 0 to 1")));
    }
    if probes.is_empty() {
        return Err(EvaluationError::Nothing("probes"));
    }
    let number = |listed| probes.iter().filter(|p| p.listed == listed).count();
    let unscored = |listed| probes.iter().filter(|p| p.listed == listed && p.best.is_none()).count();
    let (listed, unlisted) = (number(true), number(false));
    let both = listed > 0 && unlisted > 0;
    let ranked = if both { Some(rank(probes)?) } else { None };
    let mut speakers: Vec<u32> = probes.iter().map(|p| p.speaker).collect();
    speakers.sort_unstable();
    speakers.dedup();
    let rank1 = probes.iter().filter(|p| p.listed).map(|p| (p.speaker, p.right && p.best.is_some()));
    Ok(IdentificationFigures {
        listed,
        unlisted,
        unscored_listed: unscored(true),
        unscored_unlisted: unscored(false),
        speakers: speakers.len(),
        rank1: share(rank1, &options.bootstrap),
        tpir: ranked.as_ref().map_or_else(Vec::new, |r| tpir(r, listed, unlisted, options)),
        curve: ranked.as_ref().map_or_else(Vec::new, curve),
    })
}

/// A found probe is a target with the best entry's score; a listed one that is not right can be
/// accepted at no threshold.
fn rank(probes: &[ProbeOutcome]) -> Result<RankedTrials, EvaluationError> {
    let trial = |p: &ProbeOutcome| ScoredTrial {
        score: p.best.filter(|_| p.right || !p.listed),
        target: p.listed,
        speakers: [p.speaker; 2],
    };
    RankedTrials::new(&probes.iter().map(trial).collect::<Vec<_>>(), true)
}

fn tpir(
    ranked: &RankedTrials,
    listed: usize,
    unlisted: usize,
    options: &IdentificationOptions,
) -> Vec<TpirFigures> {
    let found = |tally: &super::Tally, fpir: f64| {
        let rates = tally.rates_at_false_match(fpir);
        // What has no score is accepted at no threshold, not even at the lowest.
        if rates.threshold == f64::NEG_INFINITY { tally.rates_above_unscored() } else { rates }
    };
    let tally = ranked.tally();
    let samples = options.bootstrap.run(ranked.speakers(), |counts| {
        let tally = ranked.weighted(counts)?;
        Some(options.fpirs.iter().map(|f| 1.0 - found(&tally, *f).miss).collect::<Vec<f64>>())
    });
    let figures = options.fpirs.iter().enumerate().map(|(i, fpir)| {
        let rates = found(tally, *fpir);
        let count = ((1.0 - rates.miss) * listed as f64).round() as u64;
        let spread = samples.iter().map(|s| s[i]).collect();
        let resampled = interval(spread, options.bootstrap.resamples, options.bootstrap.level);
        let total = listed as u64;
        TpirFigures {
            fpir: *fpir,
            threshold: rates.threshold.is_finite().then_some(rates.threshold),
            tpir: Share {
                count,
                total,
                value: count as f64 / total as f64,
                interval: Some(wider(wilson(count, total, options.bootstrap.level), resampled)),
            },
            few: fpir * (unlisted as f64) < RULE_OF_30,
        }
    });
    figures.collect()
}

/// The tradeoff thinned to steps of a thousandth.
fn curve(ranked: &RankedTrials) -> Vec<[f64; 2]> {
    let tally = ranked.tally();
    let mut points: Vec<[f64; 2]> = Vec::new();
    for rates in tally.rates().filter(|r| r.threshold > f64::NEG_INFINITY) {
        let point = [rates.false_match, 1.0 - rates.miss];
        let far =
            |last: &[f64; 2]| (last[0].ln() - point[0].ln()).abs() > 0.005 || last[1] - point[1] > 0.001;
        if points.last().is_none_or(far) {
            points.push(point);
        }
    }
    points
}
