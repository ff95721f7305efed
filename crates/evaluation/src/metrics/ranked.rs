use std::sync::Arc;

use super::Tally;
use crate::EvaluationError;

/// The most trials one set may have.
pub const MAX_TRIALS: usize = 1 << 27;

/// A trial's score, its truth, and who speaks on its two sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredTrial {
    /// The score; none where a side gave no voiceprint.
    pub score: Option<f64>,
    /// The same person on both sides.
    pub target: bool,
    /// The speakers on both sides, as numbers from 0: the model's and the recording's.
    pub speakers: [u32; 2],
}

/// Trials sorted by score once, to be counted many times with other weights.
#[derive(Clone, Debug)]
pub struct RankedTrials {
    scores: Arc<[f64]>,
    /// For each trial, rising: the place of its score in `scores`, its truth and speakers.
    trials: Vec<Place>,
    speakers: usize,
    unscored: bool,
    all: Tally,
}

impl RankedTrials {
    /// Sorts trials. Those without a score are left out, or, with `unscored_as_errors`, rank below
    /// all others: a target is then missed at every threshold and a non-target rejected.
    ///
    /// # Errors
    /// When no target or no non-target is left, a score is not finite, or there are more than
    /// [`MAX_TRIALS`].
    pub fn new(trials: &[ScoredTrial], unscored_as_errors: bool) -> Result<Self, EvaluationError> {
        if trials.len() > MAX_TRIALS {
            return Err(EvaluationError::BadSetting(format!(
                "{} trials are more than the {MAX_TRIALS} one set may have",
                trials.len()
            )));
        }
        if let Some(index) = trials.iter().position(|t| t.score.is_some_and(|s| !s.is_finite())) {
            return Err(EvaluationError::NotFinite { system: "the system".to_owned(), index });
        }
        let floor = |t: &ScoredTrial| t.score.or(unscored_as_errors.then_some(f64::NEG_INFINITY));
        let mut ranked: Vec<_> = trials.iter().filter_map(|t| floor(t).map(|s| (s, t))).collect();
        for (kind, what) in [(true, "target trials"), (false, "non-target trials")] {
            if !trials.iter().any(|t| t.target == kind && floor(t).is_some()) {
                return Err(EvaluationError::Nothing(what));
            }
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut scores: Vec<f64> = Vec::new();
        let mut places = Vec::with_capacity(ranked.len());
        for (score, trial) in &ranked {
            // Minus zero and zero are one score.
            if scores.last() != Some(score) {
                scores.push(*score);
            }
            places.push((scores.len() as u32 - 1, trial.target, trial.speakers));
        }
        let speakers = trials.iter().flat_map(|t| t.speakers).max().map_or(0, |s| s as usize + 1);
        let unscored = scores.first() == Some(&f64::NEG_INFINITY);
        let scores: Arc<[f64]> = scores.into();
        let all = count(&scores, &places, |_| 1.0).ok_or(EvaluationError::Nothing("trials"))?;
        Ok(Self { scores, trials: places, speakers, unscored, all })
    }

    /// How many speakers there are: one more than the highest number.
    #[must_use]
    pub fn speakers(&self) -> usize {
        self.speakers
    }

    /// Whether some trials rank as errors for want of a score, which makes Cllr infinite.
    #[must_use]
    pub fn has_unscored(&self) -> bool {
        self.unscored
    }

    /// Every trial counted once.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.all
    }

    /// Every trial counted by how often its speakers were drawn: the product of both counts, or
    /// the count where both are the same. None when that leaves no target or no non-target.
    #[must_use]
    pub fn weighted(&self, counts: &[u32]) -> Option<Tally> {
        let drawn = |s: u32| f64::from(counts.get(s as usize).copied().unwrap_or(0));
        count(&self.scores, &self.trials, |[a, b]| if a == b { drawn(a) } else { drawn(a) * drawn(b) })
    }
}

/// A trial's place among the distinct scores, its truth and its speakers.
type Place = (u32, bool, [u32; 2]);

fn count(scores: &Arc<[f64]>, trials: &[Place], weight: impl Fn([u32; 2]) -> f64) -> Option<Tally> {
    let mut targets = vec![0.0; scores.len()];
    let mut nontargets = vec![0.0; scores.len()];
    for (place, target, speakers) in trials {
        let kind = if *target { &mut targets } else { &mut nontargets };
        kind[*place as usize] += weight(*speakers);
    }
    Tally::new(Arc::clone(scores), targets, nontargets)
}
